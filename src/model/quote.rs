//! The one place where a value becomes shell text.

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
