//! Text for terminals: made harmless, measured in columns, wrapped.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_normalization::char::is_combining_mark;

use crate::model::Bytes;

/// `text` on one line with nothing in it that a terminal would obey: control characters, escapes and the
/// characters that reverse the direction of writing are spelled out.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_harmless(&mut out, c);
    }
    Cow::Owned(out)
}

/// As [`harmless`], for one character.
pub fn push_harmless(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_harmful(c) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
        c => out.push(c),
    }
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// How many columns a terminal gives to `text`, which is harmless already.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// East Asian wide characters and emoji take two columns, combining marks none.
pub fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x20..=0x7e => 1,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0x33ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xa000..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        0xfe00..=0xfe0f => 0,
        _ if is_combining_mark(c) => 0,
        _ => 1,
    }
}

/// A clause with a capital and a full stop. What begins with a path or an address keeps its letters, and what ends in
/// a mark of its own keeps that.
pub fn as_sentence(clause: &str) -> String {
    let clause = clause.trim_end();
    let first = clause.split([' ', ',', ':']).next().unwrap_or_default();
    let mut text = clause.to_owned();
    if let (Some(c), true) = (clause.chars().next(), first.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        text.replace_range(..c.len_utf8(), &c.to_uppercase().to_string());
    }
    if !text.ends_with(['.', '!', '?', ':']) {
        text.push('.');
    }
    text
}

/// Lines of at most `columns`, where words allow. A line break in `text` stays one, and so does a line's indent.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.trim_end().split('\n') {
        wrap_paragraph(paragraph, columns, &mut lines);
    }
    lines
}

fn wrap_paragraph(paragraph: &str, columns: usize, lines: &mut Vec<String>) {
    let indent: String = paragraph.chars().take_while(|c| *c == ' ').collect();
    let mut line = String::new();
    let mut used = 0;
    for word in paragraph.split([' ', '\t', '\r']).filter(|word| !word.is_empty()) {
        let word = harmless(word);
        let wide = width(&word);
        if !line.is_empty() && used + 1 + wide > columns {
            lines.push(std::mem::take(&mut line));
        }
        if line.is_empty() {
            line.push_str(&indent);
            used = indent.len();
        } else {
            line.push(' ');
            used += 1;
        }
        line.push_str(&word);
        used += wide;
    }
    lines.push(line);
}

/// A size for people: exact where that is short, else rounded to a tenth of its unit.
pub fn about(bytes: Bytes) -> String {
    let exact = bytes.to_string();
    if bytes.0 < 1 << 20 || !exact.ends_with(" B") && exact.len() <= 10 {
        return exact;
    }
    let units = [("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20)];
    let (unit, shift) = units.into_iter().find(|(_, shift)| bytes.0 >> shift > 0).unwrap_or(("MiB", 20));
    let tenths = (u128::from(bytes.0) * 10 + (1 << (shift - 1))) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// `1 step`, `2 steps`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_becomes_a_sentence_but_an_address_stays_what_it_is() {
        assert_eq!(as_sentence("the command failed"), "The command failed.");
        assert_eq!(as_sentence("pool.fast is full."), "pool.fast is full.");
        assert_eq!(as_sentence("/srv is gone"), "/srv is gone.");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(harmless("plain é 漢"), "plain é 漢");
        assert_eq!(harmless("a\u{1b}[2Jb\r\n\u{9b}c\u{202e}"), "a\\u{1b}[2Jb\\r\\n\\u{9b}c\\u{202e}");
        let all: String = (0..0x3000).filter_map(char::from_u32).collect();
        assert!(!harmless(&all).contains(|c: char| c.is_control()));
    }

    #[test]
    fn columns_are_those_of_a_terminal() {
        assert_eq!((width("abc"), width("漢字"), width("e\u{301}"), width("é")), (3, 4, 1, 1));
    }

    #[test]
    fn wrapping_keeps_paragraphs_indents_and_every_word() {
        assert_eq!(wrap("one two three\n\n  - four five", 9), ["one two", "three", "", "  - four", "  five"]);
        assert_eq!(wrap("averyverylongword b", 4), ["averyverylongword", "b"]);
        assert_eq!(wrap("漢字 漢字", 8), ["漢字", "漢字"]);
    }

    #[test]
    fn sizes_for_people_are_short() {
        let cases = [
            (20 << 30, "20 GiB"),
            (105_089_261_569, "97.9 GiB"),
            (1_000_001, "1000001 B"),
            (3 << 39, "1.5 TiB"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(about(Bytes(bytes)), expected);
        }
    }
}
