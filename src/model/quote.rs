//! The one place where a value becomes shell text, or text of the language.

/// A value that no shell can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldsNul;

/// `value` as one single-quoted word.
///
/// # Errors
/// Where it holds a NUL: shells end or drop text there, so it would arrive as another value.
pub fn quote(value: &str) -> Result<String, HoldsNul> {
    if value.contains('\0') {
        return Err(HoldsNul);
    }
    Ok(format!("'{}'", value.replace('\'', r"'\''")))
}

/// `value` as one word, in quotes only where a shell would take it for anything else.
///
/// # Errors
/// As [`quote`].
pub fn where_needed(value: &str) -> Result<String, HoldsNul> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !value.is_empty() && value.chars().all(plain) { Ok(value.to_owned()) } else { quote(value) }
}

/// `text` as a string of the language: nothing in it is an escape or a template.
pub fn in_language(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_leaves_no_template() {
        assert_eq!(in_language("a\"${b}%{c}\\"), "\"a\\\"$${b}%%{c}\\\\\"");
    }
}
