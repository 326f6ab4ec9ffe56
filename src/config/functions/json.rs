//! JSON, written so that numbers stay exact.

use super::{Function, Kind, Limits, Problem, nullable};
use crate::config::value::Value;

pub(super) const TABLE: &[Function] =
    &[Function::new("jsonencode", &[nullable("value", Kind::Any)], encode, "The value as JSON.")];

fn encode(limits: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let mut out = String::new();
    write(&arguments[0], limits, &mut out)?;
    Ok(Value::text(&out))
}

fn write(value: &Value, limits: &Limits, out: &mut String) -> Result<(), Problem> {
    match value {
        // Marks and unknown values never come here: they spread before the function is called.
        Value::Null | Value::Unknown => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Text(text) => out.push_str(&quoted(text)),
        Value::List(list) => write_list(list.iter(), limits, out)?,
        Value::Set(set) => write_list(set.iter(), limits, out)?,
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&quoted(key));
                out.push(':');
                write(value, limits, out)?;
            }
            out.push('}');
        }
        Value::Sensitive(inner) => write(inner, limits, out)?,
        Value::Reference(of) => {
            return Err(Problem::at(
                0,
                format!("{of} is not a value; write attributes of it, like `{of}.id`"),
            ));
        }
    }
    if out.len() > limits.text_bytes { Err(Problem::too_large()) } else { Ok(()) }
}

fn write_list<'v>(
    elements: impl Iterator<Item = &'v Value>,
    limits: &Limits,
    out: &mut String,
) -> Result<(), Problem> {
    out.push('[');
    for (index, element) in elements.enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write(element, limits, out)?;
    }
    out.push(']');
    Ok(())
}

/// The text as a JSON string; `<`, `>`, `&` and the two line separators are escaped, as Terraform does.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
