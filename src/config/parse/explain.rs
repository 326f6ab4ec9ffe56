//! The parser's errors in words for people.

use std::ops::Range;

use hcl::edit::parser::Error;

use crate::diag::{Diagnostic, FileId, Span};

/// A parser error in `item`, a part of `text`, as a problem at its place.
pub(super) fn explain(error: &Error, text: &str, item: Range<usize>, file: FileId) -> Diagnostic {
    let mut at = item.start + error.location().offset().min(item.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let message = error.message();
    let is_escape = message.contains("escape sequence") || message.contains("hex code");
    // The parser points behind it.
    let range = if is_escape { invalid_escape(text, at) } else { token(text, at) };
    let found = &text[range.clone()];
    let span = Span::new(file, range);
    if message.contains("found redefined") {
        return redefined(text, item, found, at, file);
    }
    let (summary, detail) = if message.contains("nesting depth") {
        (
            "Nested too deeply",
            "More than 64 levels are inside each other here. Move what is inside into local values."
                .to_owned(),
        )
    } else if message.contains("chained binary operators") {
        (
            "Expression too long",
            "More than 128 operators are chained here. Split the expression with local values.".to_owned(),
        )
    } else if is_escape {
        ("Invalid escape sequence", "In quotes, `\\` begins one of \\n \\r \\t \\\" \\\\ \\uNNNN \\UNNNNNNNN. Write `\\\\` for a backslash.".to_owned())
    } else if message.starts_with("invalid expression") {
        (
            "Invalid expression",
            format!("A value is expected here, and this is {}.{}", described(found), hint(found)),
        )
    } else {
        let expected = match message {
            "unexpected token" => "nothing like it can stand here".to_owned(),
            other => other.trim_start_matches("invalid ").replace("; expected", ": expected"),
        };
        (
            "Invalid syntax",
            format!("Around {}: {expected}.{}", described(found), structure_hint(message, found)),
        )
    };
    Diagnostic::error(summary, detail).at(span, "")
}

fn described(found: &str) -> String {
    match found {
        "" => "the end of the file".to_owned(),
        "\n" | "\r\n" => "the end of the line".to_owned(),
        other => format!("`{other}`"),
    }
}

fn hint(found: &str) -> &'static str {
    match found {
        "'" => " Strings are written in double quotes.",
        "`" => " Strings are written in double quotes.",
        _ => "",
    }
}

fn structure_hint(message: &str, found: &str) -> &'static str {
    if found == "," || found == ";" {
        " Attributes are not separated by anything but line breaks."
    } else if message.contains("block body") {
        " A block in one line holds at most one attribute: put each on a line of its own."
    } else {
        hint(found)
    }
}

/// The first escape that is none, on the line of `at`.
fn invalid_escape(text: &str, at: usize) -> Range<usize> {
    let mut from = text[..at].rfind('\n').map_or(0, |end| end + 1);
    while let Some(found) = text[from..].find('\\') {
        let start = from + found;
        let mut behind = text[start + 1..].chars();
        let escaped = behind.next();
        let digits = match escaped {
            Some('u') => 4,
            Some('U') => 8,
            Some('n' | 'r' | 't' | '"' | '\\') => 0,
            _ => return start..start + 1 + escaped.map_or(0, char::len_utf8),
        };
        let hex = behind.take(digits).take_while(char::is_ascii_hexdigit).count();
        let code = text.get(start + 2..start + 2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if hex < digits || (digits > 0 && code.and_then(char::from_u32).is_none()) {
            return start..start + 2 + hex;
        }
        from = start + 2;
    }
    token(text, at)
}

/// The word, line break or single character at `at`, or behind the spaces there.
fn token(text: &str, at: usize) -> Range<usize> {
    let at = text.len() - text[at..].trim_start_matches([' ', '\t']).len();
    let rest = &text[at..];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let length = match rest.chars().next() {
        None => 0,
        Some('\r') if rest.starts_with("\r\n") => 2,
        Some(c) if is_word(c) => word,
        Some(c) => c.len_utf8(),
    };
    at..at + length
}

/// A name set for the second time, and where it was set first.
fn redefined(text: &str, item: Range<usize>, name: &str, at: usize, file: FileId) -> Diagnostic {
    // For a quoted key the token is only its quote.
    let name = if name == "\"" { quoted(&text[at..]) } else { name };
    let span = Span::new(file, at..at + name.len());
    let detail = format!(
        "{name} is set twice in the same block or object, and only one value can be meant. Remove one of them."
    );
    let problem = Diagnostic::error("Set twice", detail).at(span, "the second time");
    match first_definition(&text[item.start..at], name) {
        Some(first) => {
            let first = item.start + first;
            problem.related(Span::new(file, first..first + name.len()), "the first time")
        }
        None => problem,
    }
}

fn quoted(text: &str) -> &str {
    let end = text.get(1..).and_then(|rest| rest.find('"')).map_or(text.len().min(1), |end| end + 2);
    &text[..end]
}

/// Where `name` is set before the end of `before`, in the block or object that is open there.
fn first_definition(before: &str, name: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let sets = |at: usize| {
        let left_free = !before[..at].ends_with(is_word);
        let behind = before[at + name.len()..].trim_start_matches([' ', '\t']);
        left_free && (behind.starts_with(':') || (behind.starts_with('=') && !behind.starts_with("==")))
    };
    let same_level = |at: &usize| {
        let mut depth = 0i64;
        // Never closed further than it was opened: then it is in the same braces.
        let between = before[*at..].bytes();
        let stays = between.into_iter().all(|byte| {
            depth += i64::from(byte == b'{') - i64::from(byte == b'}');
            depth >= 0
        });
        stays && depth == 0
    };
    before.match_indices(name).map(|(at, _)| at).filter(|at| sets(*at)).find(same_level)
}
