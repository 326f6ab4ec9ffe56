//! The `vbs` block. It is read before anything else, so it holds constants only.

use semver::{Version, VersionReq};

use super::read::{Parts, Written};
use crate::config::eval::{Evaluator, Limits, NoNames};
use crate::config::types::Type;
use crate::config::value::Value;
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};

/// What the `vbs` block says of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// As written; the caller's default is the directory's name.
    pub name: Option<String>,
    pub trash_retention_seconds: u64,
    /// Relative to the workspace, as written.
    pub state_path: Option<String>,
    /// The block's header, where there is a block.
    pub span: Option<Span>,
}

const WEEK: u64 = 7 * 24 * 3600;

impl Default for Settings {
    fn default() -> Self {
        Settings { name: None, trash_retention_seconds: WEEK, state_path: None, span: None }
    }
}

/// Reads the `vbs` block.
pub fn read(parts: &Parts, sources: &SourceMap, diagnostics: &mut Diagnostics) -> Settings {
    let mut reader = Constants { sources, title: &parts.title, diagnostics };
    let attribute = |name: &str| parts.attributes.get(name);
    let mut settings = Settings { span: Some(parts.header), ..Settings::default() };
    settings.name =
        attribute("name").and_then(|written| reader.checked(written, "Invalid workspace name", name));
    attribute("required_version").and_then(|written| reader.checked(written, "Unsuitable version", version));
    if let Some(written) = attribute("trash_retention")
        && let Some(seconds) = reader.checked(written, "Invalid duration", duration)
    {
        settings.trash_retention_seconds = seconds;
    }
    for (_, state) in parts.blocks.iter().filter(|(word, _)| *word == "state") {
        match state.labels.first() {
            Some((backend, _)) if backend == "sqlite" => {
                let path = state.attributes.get("path");
                settings.state_path = path.and_then(|written| reader.checked(written, "Invalid path", path_text));
            }
            Some((_, span)) => reader.diagnostics.push(
                Diagnostic::error(
                    "Unknown state backend",
                    "This version of vbs keeps its state in SQLite. Write `state \"sqlite\" { path = \"…\" }`, or leave the block out.",
                )
                .at(*span, "there is no such backend")
                .within(&parts.title),
            ),
            None => {}
        }
    }
    settings
}

struct Constants<'a> {
    sources: &'a SourceMap,
    title: &'a str,
    diagnostics: &'a mut Diagnostics,
}

impl Constants<'_> {
    /// A constant text, read further by `read`, whose error is the detail of a diagnostic.
    fn checked<T>(
        &mut self,
        written: &Written,
        summary: &'static str,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = constant_text(self.sources, written, self.title, self.diagnostics)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                let label = "this cannot be used";
                self.diagnostics
                    .push(Diagnostic::error(summary, why).at(written.span, label).within(self.title));
                None
            }
        }
    }
}

/// The constant text of an attribute that is read before variables have values.
pub fn constant_text(
    sources: &SourceMap,
    written: &Written,
    title: &str,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    constant(sources, written, &Type::Text, title, diagnostics)?.as_text().map(str::to_owned)
}

/// The constant value of an attribute, converted.
pub fn constant(
    sources: &SourceMap,
    written: &Written,
    wanted: &Type,
    title: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let limits = Limits::default();
    let evaluator = Evaluator { sources, scope: &NoNames, limits: &limits };
    match evaluator.evaluate_as(&written.expression, written.file, wanted) {
        Ok(Value::Null) => {
            diagnostics.push(
                Diagnostic::error("Null value", "Write a value, or leave the attribute out.")
                    .at(written.span, "this is null")
                    .within(title),
            );
            None
        }
        Ok(value) => Some(value.unmark_deep().0),
        Err(problems) => {
            diagnostics.extend(problems.into_iter().map(|problem| problem.within(title)));
            None
        }
    }
}

/// Goes into IQNs and file names, so its grammar is narrow.
fn name(text: &str) -> Result<String, String> {
    let fits = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.len() <= 63;
    if fits {
        return Ok(text.to_owned());
    }
    Err(format!(
        "The workspace's name {text:?} becomes part of target names, so it may hold only lower-case letters, digits, - and _, must begin with a letter or digit, and may have 63 characters."
    ))
}

fn version(text: &str) -> Result<(), String> {
    let wanted = VersionReq::parse(text).map_err(|why| {
        format!(
            "{text:?} is not a version requirement: {why}. Write one such as \">= 0.1\" or \">= 0.1, < 0.3\"."
        )
    })?;
    let this = env!("CARGO_PKG_VERSION");
    match Version::parse(this) {
        Ok(version) if wanted.matches(&version) => Ok(()),
        _ => Err(format!(
            "The configuration asks for vbs {wanted}, and this is vbs {this}. Use a version that fits, or change required_version."
        )),
    }
}

fn path_text(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("A path cannot be empty or hold a zero byte.".to_owned());
    }
    Ok(text.to_owned())
}

/// `7d`, `12h`, `30m`, `90s`, in seconds.
pub fn duration(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "{text:?} is not a duration. Write a whole number and a unit: \"7d\", \"12h\", \"30m\" or \"90s\"."
        )
    };
    let unit = match text.chars().last() {
        Some('d') => 24 * 3600,
        Some('h') => 3600,
        Some('m') => 60,
        Some('s') => 1,
        _ => return Err(wrong()),
    };
    let number = &text[..text.len() - 1];
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    // A hundred years are enough for anybody and leave every sum of seconds far from overflow.
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    seconds
        .filter(|n| *n <= 100 * 366 * 24 * 3600)
        .ok_or_else(|| format!("{text:?} is longer than a hundred years."))
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_whole_numbers_of_one_unit() {
        for (text, seconds) in [("7d", 604_800), ("12h", 43_200), ("30m", 1_800), ("90s", 90), ("0s", 0)] {
            assert_eq!(duration(text), Ok(seconds), "{text}");
        }
        for text in
            ["", "d", "7", "-1d", "+1d", "1.5h", "7 d", "1d12h", "99999999999999999999d", "1000000d", "7é"]
        {
            assert!(duration(text).is_err(), "{text:?} was taken for a duration");
        }
    }
}
