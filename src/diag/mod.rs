//! Problems, as data. The ui room renders them; every other room only makes them.
//!
//! A summary is constant text, so that it can be searched for. The detail says what is wrong, why it matters and
//! what to do, in that order.

pub mod source;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use source::{FileId, SourceMap, Span};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// A place in the source with a few words about it, set under the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub summary: &'static str,
    pub subject: Option<Label>,
    /// The block it is in, as in `volume "db"`.
    pub context: Option<String>,
    /// Other places that belong to it, such as the first of two declarations.
    pub related: Vec<Label>,
    pub detail: String,
    /// Lines to be shown as they are, indented: commands to copy, the end of a tool's standard error.
    pub literal: Vec<String>,
}

impl Diagnostic {
    pub fn error(summary: &'static str, detail: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            summary,
            subject: None,
            context: None,
            related: Vec::new(),
            detail: detail.into(),
            literal: Vec::new(),
        }
    }

    pub fn warning(summary: &'static str, detail: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(summary, detail) }
    }

    /// For what cannot happen: says so, and what to report.
    pub fn bug(detail: impl fmt::Display) -> Self {
        Diagnostic::error(
            "This is a bug in vbs",
            format!(
                "{detail}. Nothing was guessed. Please report this text with the configuration that led to it."
            ),
        )
    }

    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.subject = Some(Label { span, text: text.into() });
        self
    }

    /// As [`Diagnostic::at`], where there may be no place.
    #[must_use]
    pub fn maybe_at(self, span: Option<Span>, text: impl Into<String>) -> Self {
        match span {
            Some(span) => self.at(span, text),
            None => self,
        }
    }

    #[must_use]
    pub fn within(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    #[must_use]
    pub fn literal(mut self, line: impl Into<String>) -> Self {
        self.literal.push(line.into());
        self
    }
}

/// All the problems of a run so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    pub fn new() -> Self {
        Diagnostics::default()
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    pub fn extend(&mut self, other: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(other);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// In the order of the source; what has no place comes last, in the order it was found. Says each thing once.
    pub fn sort(&mut self) {
        self.0.sort_by_key(|d| {
            d.subject.as_ref().map_or((u32::MAX, usize::MAX), |l| (l.span.file.0, l.span.start))
        });
        self.0.dedup();
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<T: IntoIterator<Item = Diagnostic>>(iter: T) -> Self {
        Diagnostics(iter.into_iter().collect())
    }
}

/// `items` as `a, b or c`.
pub fn one_of<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| i.to_string()).collect();
    match items.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

/// The candidate nearest to `given`, if it is near enough to have been meant.
pub fn did_you_mean<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = if given.chars().count() < 4 { 1 } else { 2 };
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(given, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substitution = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substitution.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_recognised_and_another_word_is_not() {
        assert_eq!(did_you_mean("fats", ["slow", "fast"]), Some("fast"));
        assert_eq!(did_you_mean("volme", ["volume", "vm"]), Some("volume"));
        assert_eq!(did_you_mean("disk", ["volume", "host"]), None);
        assert_eq!(did_you_mean("db", ["web"]), None);
    }
}
