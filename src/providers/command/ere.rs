//! Patterns for hosts: the reader's own pattern with values in the place of its groups, as an extended regular
//! expression for `grep -E`. So a frame finds the very line that the reader would read, without the reader.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// `pattern` as an extended regular expression in which the groups of `values` hold just these.
///
/// # Errors
/// In a sentence: what of the pattern `grep` cannot do.
pub fn with_values(pattern: &str, values: &[(&str, &str)]) -> Result<String, String> {
    let hir = parse(pattern)?;
    let mut text = String::new();
    write(&hir, values, &mut text)?;
    Ok(text)
}

fn parse(pattern: &str) -> Result<Hir, String> {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(pattern).map_err(|why| why.to_string())
}

/// A text that stands for itself.
pub fn literal(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if "\\.[]{}()*+?|^$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn write(hir: &Hir, values: &[(&str, &str)], text: &mut String) -> Result<(), String> {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(bytes) => {
            let plain = std::str::from_utf8(&bytes.0).map_err(|_| unfit("a byte that is no text"))?;
            if plain.contains('\n') {
                return Err(unfit("a line end, and lines are read one by one"));
            }
            text.push_str(&literal(plain));
        }
        HirKind::Class(class) => text.push_str(&bracket(class)?),
        HirKind::Look(Look::Start | Look::StartLF | Look::StartCRLF) => text.push('^'),
        HirKind::Look(Look::End | Look::EndLF | Look::EndCRLF) => text.push('$'),
        HirKind::Look(_) => return Err(unfit(r"\b or another mark of word boundaries")),
        HirKind::Repetition(repetition) => {
            group(&repetition.sub, values, text)?;
            text.push_str(&times(repetition)?);
        }
        HirKind::Capture(capture) => {
            let name = capture.name.as_deref().unwrap_or_default();
            match values.iter().find(|(group, _)| *group == name) {
                Some((_, value)) => text.push_str(&format!("({})", literal(value))),
                None => group(&capture.sub, values, text)?,
            }
        }
        HirKind::Concat(all) => all.iter().try_for_each(|each| write(each, values, text))?,
        HirKind::Alternation(all) => {
            text.push('(');
            for (index, each) in all.iter().enumerate() {
                if index > 0 {
                    text.push('|');
                }
                if matches!(each.kind(), HirKind::Empty) {
                    return Err(unfit("an empty alternative; write `(…)?`"));
                }
                write(each, values, text)?;
            }
            text.push(')');
        }
    }
    Ok(())
}

fn group(hir: &Hir, values: &[(&str, &str)], text: &mut String) -> Result<(), String> {
    if matches!(hir.kind(), HirKind::Empty) {
        return Err(unfit("an empty group"));
    }
    text.push('(');
    write(hir, values, text)?;
    text.push(')');
    Ok(())
}

fn times(repetition: &Repetition) -> Result<String, String> {
    // What `grep` can count to, everywhere.
    const MOST: u32 = 255;
    if repetition.min > MOST || repetition.max.is_some_and(|max| max > MOST) {
        return Err(unfit("a repetition of more than 255 times"));
    }
    Ok(match (repetition.min, repetition.max) {
        (0, Some(1)) => "?".to_owned(),
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (min, Some(max)) if min == max => format!("{{{min}}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
        (min, None) => format!("{{{min},}}"),
    })
}

/// A class of bytes. One with bytes outside of ASCII has all of them, or cannot be written.
fn bracket(class: &Class) -> Result<String, String> {
    let Class::Bytes(class) = class else { return Err(unfit("a class of Unicode characters")) };
    let has = |byte: u8| class.ranges().iter().any(|range| range.start() <= byte && byte <= range.end());
    let high = (0x80..=0xff).filter(|byte| has(*byte)).count();
    match high {
        0 => match members(has).as_str() {
            "" => Err(unfit("a class that nothing in a line is in")),
            "^" => Ok("\\^".to_owned()),
            members => Ok(format!("[{members}]")),
        },
        0x80 => {
            let missing = members(|byte| !has(byte));
            Ok(if missing.is_empty() { ".".to_owned() } else { format!("[^{missing}]") })
        }
        _ => Err(unfit("a class with some of the bytes beyond ASCII")),
    }
}

/// The inside of a bracket expression. Line ends and NUL are in no line; the order of `]`, `^` and `-` matters.
fn members(has: impl Fn(u8) -> bool) -> String {
    let in_lines = |byte: &u8| *byte != 0 && *byte != b'\n';
    let plain = |byte: &u8| !matches!(byte, b']' | b'^' | b'-' | b'[' | b'\\');
    let mut text = String::new();
    if has(b']') {
        text.push(']');
    }
    text.extend((1..0x80u8).filter(in_lines).filter(plain).filter(|byte| has(*byte)).map(char::from));
    text.extend([b'[', b'\\'].into_iter().filter(|byte| has(*byte)).map(char::from));
    // A dash is meant where it stands first or last, a circumflex where it does not stand first.
    let last = if text.is_empty() { [b'-', b'^'] } else { [b'^', b'-'] };
    text.extend(last.into_iter().filter(|byte| has(*byte)).map(char::from));
    text
}

fn unfit(what: &str) -> String {
    format!("It holds {what}. A host looks for lines with `grep -E`, which cannot do that.")
}

#[cfg(test)]
mod tests;
