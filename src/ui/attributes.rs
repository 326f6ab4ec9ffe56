//! The attributes inside a block of a plan: aligned, with a symbol each, texts of several lines as a difference.

use std::borrow::Cow;
use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use super::style::{Style, Tone};
use super::text::{count, harmless, width};
use crate::plan::{AttributeChange, Shown};

/// Unchanged lines that are kept around a changed one.
const CONTEXT_LINES: usize = 3;

/// One line for each attribute; several where a text has several.
///
/// # Errors
/// Those of `out`.
pub fn render(attributes: &[AttributeChange], style: Style, out: &mut impl Write) -> io::Result<()> {
    let names: Vec<Cow<'_, str>> = attributes.iter().map(|attribute| harmless(&attribute.name)).collect();
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    for (attribute, name) in attributes.iter().zip(&names) {
        let symbol = symbol(attribute, style);
        let padding = " ".repeat(widest - width(name));
        write!(out, "      {symbol} {name}{padding} = ")?;
        match (lines_of(attribute.before.as_ref()), lines_of(attribute.after.as_ref())) {
            (before, after) if before.contains('\n') || after.contains('\n') => {
                heredoc(before, after, style, out)?;
            }
            _ => write!(out, "{}", one_line(attribute))?,
        }
        let forces = if attribute.forces_replacement { " # forces replacement" } else { "" };
        writeln!(out, "{}", style.paint(Tone::Destroy, forces))?;
    }
    Ok(())
}

fn symbol(attribute: &AttributeChange, style: Style) -> String {
    match (&attribute.before, &attribute.after) {
        (None, _) => style.paint(Tone::Add, "+"),
        (Some(_), None) => style.paint(Tone::Destroy, "-"),
        (Some(_), Some(_)) => style.paint(Tone::Change, "~"),
    }
}

fn one_line(attribute: &AttributeChange) -> String {
    match (&attribute.before, &attribute.after) {
        (Some(before), Some(after)) => format!("{} -> {}", shown(before), shown(after)),
        (Some(only), None) | (None, Some(only)) => shown(only),
        (None, None) => "null".to_owned(),
    }
}

fn shown(value: &Shown) -> String {
    harmless(&value.to_string()).into_owned()
}

/// The text of a value that may have several lines; nothing for those that never have.
fn lines_of(value: Option<&Shown>) -> &str {
    match value {
        Some(Shown::Text(text)) => text,
        Some(Shown::Bare(_) | Shown::Sensitive) | None => "",
    }
}

/// `<<-EOT`, the lines that changed with a few around them, `EOT`.
fn heredoc(before: &str, after: &str, style: Style, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<<-EOT")?;
    let diff = TextDiff::from_lines(before, after);
    let mut next_line = 0;
    for group in diff.grouped_ops(CONTEXT_LINES) {
        let first = group.first().map_or(next_line, |operation| operation.old_range().start);
        hidden_lines(first.saturating_sub(next_line), style, out)?;
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let symbol = match change.tag() {
                ChangeTag::Delete => style.paint(Tone::Destroy, "-"),
                ChangeTag::Insert => style.paint(Tone::Add, "+"),
                ChangeTag::Equal => " ".to_owned(),
            };
            let line =
                format!("          {symbol} {}", harmless(change.value().trim_end_matches(['\n', '\r'])));
            writeln!(out, "{}", line.trim_end())?;
        }
        next_line = group.last().map_or(next_line, |operation| operation.old_range().end);
    }
    hidden_lines(before.lines().count().saturating_sub(next_line), style, out)?;
    write!(out, "        EOT")
}

fn hidden_lines(number: usize, style: Style, out: &mut impl Write) -> io::Result<()> {
    if number == 0 {
        return Ok(());
    }
    let text = format!("# ({} hidden)", count(number, "unchanged line"));
    writeln!(out, "            {}", style.paint(Tone::Faint, &text))
}
