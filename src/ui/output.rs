//! Output values: for people, as JSON, or raw for scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Value, json};

use super::text::{harmless, width};
use crate::diag::Diagnostic;

/// The value of an `output` block.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputValue {
    /// Nothing where it is known only after the apply.
    pub value: Option<Value>,
    pub sensitive: bool,
}

/// `name = value` for each, aligned; sensitive values are hidden.
pub fn human(outputs: &BTreeMap<String, OutputValue>) -> String {
    let widest = outputs.keys().map(|name| width(name)).max().unwrap_or(0);
    let mut text = String::new();
    for (name, output) in outputs {
        let padding = " ".repeat(widest - width(name));
        let value = if output.sensitive { "(sensitive value)".to_owned() } else { one(output) };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}{padding} = {value}", harmless(name));
    }
    text
}

/// What a plan changes of the outputs, under a heading of its own; nothing where it changes none.
pub fn changes(before: &BTreeMap<String, OutputValue>, after: &BTreeMap<String, OutputValue>) -> String {
    let mut text = String::new();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names.into_iter().filter(|name| before.get(*name) != after.get(*name)) {
        let shown = |output: &OutputValue| {
            if output.sensitive { "(sensitive value)".to_owned() } else { indented(&one(output)) }
        };
        let line = match (before.get(name), after.get(name)) {
            (None, Some(new)) => format!("  + {} = {}\n", harmless(name), shown(new)),
            (Some(old), Some(new)) => format!("  ~ {} = {} -> {}\n", harmless(name), shown(old), shown(new)),
            (_, None) => format!("  - {}\n", harmless(name)),
        };
        text.push_str(&line);
    }
    if text.is_empty() { text } else { format!("\nChanges to outputs:\n\n{text}") }
}

/// Further lines stand under the name's.
fn indented(value: &str) -> String {
    value.replace('\n', "\n    ")
}

/// One value as it would be written in the language. Sensitive ones too: it was asked for by name.
pub fn one(output: &OutputValue) -> String {
    output.value.as_ref().map_or_else(|| "(known after apply)".to_owned(), |value| expression(value, 0))
}

/// `{"NAME": {"sensitive": …, "value": …}}`, sensitive values included, as Terraform does.
pub fn to_json(outputs: &BTreeMap<String, OutputValue>) -> Value {
    let entry = |output: &OutputValue| json!({"sensitive": output.sensitive, "value": output.value});
    Value::Object(outputs.iter().map(|(name, output)| (name.clone(), entry(output))).collect())
}

/// The bare text of a string, number or bool, byte for byte.
///
/// # Errors
/// For values that have no bare text.
pub fn raw(name: &str, output: &OutputValue) -> Result<String, Diagnostic> {
    match &output.value {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Ok(scalar.to_string()),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => Err(Diagnostic::error(
            "Output has no raw form",
            format!("The output {name:?} is not a string, number or bool. Use --json and pick it apart."),
        )),
    }
}

fn expression(value: &Value, depth: usize) -> String {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(items) if items.is_empty() => "{}".to_owned(),
        Value::Array(items) => {
            let lines: String =
                items.iter().map(|item| format!("{inner}{},\n", expression(item, depth + 1))).collect();
            format!("[\n{lines}{outer}]")
        }
        Value::Object(items) => {
            let lines: String = items
                .iter()
                .map(|(key, item)| format!("{inner}{} = {}\n", quoted(key), expression(item, depth + 1)))
                .collect();
            format!("{{\n{lines}{outer}}}")
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", harmless(&text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(value: Value, sensitive: bool) -> OutputValue {
        OutputValue { value: Some(value), sensitive }
    }

    #[test]
    fn people_see_expressions_and_no_secrets() {
        let outputs = BTreeMap::from([
            ("a".to_owned(), output(json!("x \"y\" \\ \u{1b}"), false)),
            ("list".to_owned(), output(json!([1, {"k": true}]), false)),
            ("secret".to_owned(), output(json!("hidden"), true)),
            ("later".to_owned(), OutputValue { value: None, sensitive: false }),
        ]);
        let expected = r#"a      = "x \"y\" \\ \u{1b}"
later  = (known after apply)
list   = [
  1,
  {
    "k" = true
  },
]
secret = (sensitive value)
"#;
        assert_eq!(human(&outputs), expected);
        assert_eq!(to_json(&outputs)["secret"], json!({"sensitive": true, "value": "hidden"}));
    }

    #[test]
    fn a_plan_shows_which_outputs_change_and_no_secrets() {
        let before = BTreeMap::from([
            ("gone".to_owned(), output(json!(1), false)),
            ("same".to_owned(), output(json!(1), false)),
            ("secret".to_owned(), output(json!("old"), true)),
            ("size".to_owned(), output(json!(1), false)),
        ]);
        let mut after = before.clone();
        assert_eq!(changes(&before, &after), "");
        after.remove("gone");
        after.insert("secret".to_owned(), output(json!("new"), true));
        after.insert("size".to_owned(), OutputValue { value: None, sensitive: false });
        after.insert("disks".to_owned(), output(json!(["a"]), false));
        let expected = "\nChanges to outputs:\n\n  + disks = [\n      \"a\",\n    ]\n  - gone\n  \
                        ~ secret = (sensitive value) -> (sensitive value)\n  ~ size = 1 -> (known after apply)\n";
        assert_eq!(changes(&before, &after), expected);
    }

    #[test]
    fn raw_is_the_text_itself_and_only_where_there_is_one() {
        assert_eq!(raw("a", &output(json!("x\ny"), false)).unwrap(), "x\ny");
        assert_eq!(raw("a", &output(json!(5), false)).unwrap(), "5");
        assert_eq!(raw("a", &output(json!([]), false)).unwrap_err().summary, "Output has no raw form");
    }
}
