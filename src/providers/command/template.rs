//! Argument vectors with placeholders in single braces: `["sanctl", "create", "{name}"]`. Literals and placeholders are
//! all there is; nothing else is evaluated.

use crate::diag::did_you_mean;

/// Stands for the secret of an initiator, which only the host puts in, from its standard input.
pub const SECRET: char = '\u{1}';
/// Stands for the number that a server knows a target by, which only the host knows.
pub const NUMBER: char = '\u{2}';

/// A part of one argument.
enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Why a list cannot be a template with these placeholders, if it cannot.
pub fn check(list: &[String], known: &[&str]) -> Result<(), String> {
    if list.first().is_none_or(String::is_empty) {
        return Err("It is empty. The first text is the program.".to_owned());
    }
    list.iter().try_for_each(|text| check_text(text, known))
}

/// As [`check`], for one text.
pub fn check_text(text: &str, known: &[&str]) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err(format!(
            "{text:?} holds a control character such as a line end, which no argument here may."
        ));
    }
    check_placeholders(text, known)
}

/// As [`check`], for what a command reads, which may have several lines.
pub fn check_input(text: &str, known: &[&str]) -> Result<(), String> {
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(format!("{text:?} holds a control character that is neither a line end nor a tab."));
    }
    check_placeholders(text, known)
}

fn check_placeholders(text: &str, known: &[&str]) -> Result<(), String> {
    for piece in pieces(text)? {
        let Piece::Placeholder(name) = piece else { continue };
        if !known.contains(&name) {
            let hint = match did_you_mean(name, known.iter().copied()) {
                Some(near) => format!(" Did you mean {{{near}}}?"),
                None => String::new(),
            };
            let all: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
            let all = if all.is_empty() { "none".to_owned() } else { all.join(" ") };
            return Err(format!(
                "{text:?} holds the placeholder {{{name}}}. What can stand here: {all}.{hint} A brace that is meant is written twice."
            ));
        }
    }
    Ok(())
}

pub fn uses(list: &[String], placeholder: &str) -> bool {
    list.iter().any(|text| text_uses(text, placeholder))
}

pub fn text_uses(text: &str, placeholder: &str) -> bool {
    pieces(text).is_ok_and(|pieces| {
        pieces.iter().any(|piece| matches!(piece, Piece::Placeholder(name) if *name == placeholder))
    })
}

/// The arguments, with these values.
///
/// # Errors
/// In a sentence: a placeholder without a value, or a value that no argument may hold.
pub fn fill(list: &[String], values: &[(&str, &str)]) -> Result<Vec<String>, String> {
    list.iter().map(|text| fill_text(text, values)).collect()
}

pub fn fill_text(text: &str, values: &[(&str, &str)]) -> Result<String, String> {
    let mut filled = String::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Placeholder(name) => {
                let value = values.iter().find(|(known, _)| *known == name);
                let (_, value) = value.ok_or_else(|| format!("there is no value for {{{name}}} here"))?;
                let is_filled_later = value.len() == 1 && value.contains([SECRET, NUMBER]);
                if !is_filled_later && value.chars().any(char::is_control) {
                    return Err(format!("{{{name}}} is {value:?}, which holds a control character"));
                }
                filled.push_str(value);
            }
        }
    }
    Ok(filled)
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, behind) = rest.split_at(at);
        pieces.push(Piece::Text(before));
        let brace = &behind[..1];
        if behind[1..].starts_with(brace) {
            pieces.push(Piece::Text(brace));
            rest = &behind[2..];
            continue;
        }
        let end = behind.find('}').filter(|_| brace == "{");
        let name = end.map(|end| &behind[1..end]).filter(|name| is_name(name));
        let (Some(end), Some(name)) = (end, name) else {
            return Err(format!(
                "{text:?} holds a {brace:?} that begins or ends no placeholder such as {{name}}. A brace that is meant is written twice."
            ));
        };
        pieces.push(Piece::Placeholder(name));
        rest = &behind[end + 1..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// One argument a line, each with its line end: an empty one is an empty line.
pub fn lines(arguments: &[String]) -> String {
    arguments.iter().map(|argument| format!("{argument}\n")).collect()
}

/// Several commands in one text: the number of arguments, then the arguments.
pub fn counted(commands: &[Vec<String>]) -> String {
    commands.iter().map(|command| format!("{}\n{}", command.len(), lines(command))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_nothing_else_is_read() {
        let values = [("name", "d$(b)"), ("mark", "m {id}")];
        for (text, expected) in [
            ("{name}", "d$(b)"),
            ("--note={mark},x", "--note=m {id},x"),
            ("{{\"a\": \"{name}\"}}", "{\"a\": \"d$(b)\"}"),
            ("{{{name}}}", "{d$(b)}"),
            ("$HOME `x` *", "$HOME `x` *"),
            ("", ""),
        ] {
            assert_eq!(fill_text(text, &values).unwrap(), expected, "{text}");
        }
        assert!(fill_text("{name}", &[("name", "a\nb")]).is_err());
        assert!(fill_text("{id}", &values).is_err());
    }

    #[test]
    fn what_is_no_placeholder_of_a_verb_is_an_error() {
        let list = |text: &str| vec!["tool".to_owned(), text.to_owned()];
        assert_eq!(check(&list("{name}"), &["name"]), Ok(()));
        assert!(check(&list("{nmae}"), &["name"]).unwrap_err().contains("Did you mean {name}?"));
        for wrong in ["{", "}", "{}", "{a b}", "{name", "name}", "a\nb"] {
            assert!(check(&list(wrong), &["name"]).is_err(), "{wrong:?}");
        }
        assert!(check(&[], &[]).is_err() && check(&[String::new()], &[]).is_err());
        assert!(uses(&list("a{name}"), "name") && !uses(&list("{{name}}"), "name"));
    }

    #[test]
    fn an_empty_argument_is_an_argument() {
        let command: Vec<String> = ["a", "", "b c"].map(str::to_owned).into();
        assert_eq!(lines(&command), "a\n\nb c\n");
        assert_eq!(counted(&[command, vec!["x".to_owned()]]), "3\na\n\nb c\n1\nx\n");
    }
}
