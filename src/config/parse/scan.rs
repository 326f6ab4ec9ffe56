//! Finds what is opened and never closed, and where top-level items begin and end. Knows only as much of the
//! language as that takes: brackets, quotes, heredocs, interpolations and comments.

use std::ops::Range;

use crate::diag::{Diagnostic, Diagnostics, FileId, Span};

/// How many brackets, quotes and interpolations may be inside each other. The parser counts much the same.
const DEEPEST: usize = 64;

/// The words that begin a top-level block. One at the beginning of a line, inside something that is still open,
/// shows where that should have been closed.
const TOP_LEVEL: [&str; 15] = [
    "vbs",
    "variable",
    "locals",
    "output",
    "host",
    "pool",
    "hypervisor",
    "volume",
    "snapshot",
    "attachment",
    "module",
    "moved",
    "removed",
    "import",
    "check",
];

/// A top-level block or attribute, with the line break that ends it.
pub(super) struct Item {
    pub range: Range<usize>,
    pub is_broken: bool,
}

pub(super) struct Scan {
    pub items: Vec<Item>,
    pub problems: Diagnostics,
}

impl Scan {
    /// For text that is most likely right.
    pub fn strict(text: &str, file: FileId) -> Scan {
        Scanner::new(text, file, false).run()
    }

    /// For text that is known to be wrong: guesses where what is open should have been closed.
    pub fn recovering(text: &str, file: FileId) -> Scan {
        Scanner::new(text, file, true).run()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The byte that closes it.
    Bracket(u8),
    /// `${` or `%{`, in a quoted text or a heredoc.
    Interpolation,
    Quote,
    /// The place of the delimiter.
    Heredoc(usize, usize),
}

#[derive(Debug, Clone, Copy)]
struct Open {
    kind: Kind,
    start: usize,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    file: FileId,
    recovering: bool,
    position: usize,
    open: Vec<Open>,
    item_start: usize,
    item_is_broken: bool,
    scan: Scan,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, file: FileId, recovering: bool) -> Self {
        let scan = Scan { items: Vec::new(), problems: Diagnostics::new() };
        Scanner {
            text,
            bytes: text.as_bytes(),
            file,
            recovering,
            position: 0,
            open: Vec::new(),
            item_start: 0,
            item_is_broken: false,
            scan,
        }
    }

    fn run(mut self) -> Scan {
        while let Some(&byte) = self.bytes.get(self.position) {
            match self.open.last().map(|open| open.kind) {
                Some(Kind::Quote) => self.quoted(byte),
                Some(Kind::Heredoc(start, end)) => self.heredoc(byte, start, end),
                Some(Kind::Bracket(_) | Kind::Interpolation) | None => self.code(byte),
            }
        }
        self.position = self.bytes.len();
        if let Some(last) = self.open.last().copied() {
            self.report_unclosed(last, "the end of the file");
        }
        self.end_item();
        self.scan
    }

    fn code(&mut self, byte: u8) {
        let next = self.bytes.get(self.position + 1).copied();
        match (byte, next) {
            (b'"', _) => self.push(Kind::Quote, 1),
            (b'#', _) | (b'/', Some(b'/')) => self.skip_line(),
            (b'/', Some(b'*')) => self.skip_comment(),
            (b'<', Some(b'<')) => self.begin_heredoc(),
            (b'(', _) => self.push(Kind::Bracket(b')'), 1),
            (b'[', _) => self.push(Kind::Bracket(b']'), 1),
            (b'{', _) => self.push(Kind::Bracket(b'}'), 1),
            (b')' | b']' | b'}', _) => self.close(byte),
            (b'\n', _) => self.line_end(),
            (0, _) => self.nul(),
            _ => self.position += 1,
        }
    }

    fn quoted(&mut self, byte: u8) {
        let rest = &self.bytes[self.position..];
        match byte {
            b'"' => {
                self.open.pop();
                self.position += 1;
            }
            b'\\' if rest.get(1).is_some_and(|next| *next != b'\n' && *next != b'\r') => self.position += 2,
            b'\n' => self.unclosed_quote(),
            0 => self.nul(),
            _ => self.template(),
        }
    }

    fn heredoc(&mut self, byte: u8, start: usize, end: usize) {
        if byte == b'\n' {
            self.position += 1;
            self.end_heredoc(start, end);
        } else if byte == 0 {
            self.nul();
        } else {
            self.template();
        }
    }

    /// One step in text: over an escaped marker, into an interpolation, or over one byte.
    fn template(&mut self) {
        let rest = &self.bytes[self.position..];
        if rest.starts_with(b"$${") || rest.starts_with(b"%%{") {
            self.position += 3;
        } else if rest.starts_with(b"${") || rest.starts_with(b"%{") {
            self.push(Kind::Interpolation, 2);
        } else {
            self.position += 1;
        }
    }

    fn push(&mut self, kind: Kind, length: usize) {
        if self.open.len() >= DEEPEST {
            let detail = format!(
                "More than {DEEPEST} brackets and quotes are inside each other here. Move what is inside into local \
                 values."
            );
            self.problem("Nested too deeply", detail, self.position..self.position + length);
            // There is nothing to be learned from what follows.
            self.open.clear();
            self.position = self.bytes.len();
            return;
        }
        self.open.push(Open { kind, start: self.position });
        self.position += length;
    }

    fn close(&mut self, closer: u8) {
        let closes = |open: &Open| match open.kind {
            Kind::Bracket(wanted) => wanted == closer,
            Kind::Interpolation => closer == b'}',
            Kind::Quote | Kind::Heredoc(..) => false,
        };
        // A bracket in an interpolation never closes anything outside it.
        let inner = self.open.iter().rposition(|open| matches!(open.kind, Kind::Quote | Kind::Heredoc(..)));
        let floor = inner.map_or(0, |index| index + 1);
        let matching = self.open[floor..].iter().rposition(closes).map(|index| index + floor);
        match matching {
            Some(index) => {
                if index + 1 < self.open.len()
                    && let Some(last) = self.open.last().copied()
                {
                    self.report_unclosed(
                        last,
                        &format!("the `{}` that closes what is around it", closer as char),
                    );
                }
                self.open.truncate(index);
            }
            None => {
                let detail = format!(
                    "There is nothing open that this `{}` could close. Remove it, or add what it should close.",
                    closer as char
                );
                self.problem("Nothing to close", detail, self.position..self.position + 1);
            }
        }
        self.position += 1;
    }

    fn line_end(&mut self) {
        self.position += 1;
        let is_lost = self.recovering && !self.open.is_empty() && self.at_top_level_block();
        if is_lost && let Some(last) = self.open.last().copied() {
            self.report_unclosed(last, "the next block");
            self.open.clear();
        }
        if self.open.is_empty() {
            self.end_item();
        }
    }

    /// Whether a line begins here like a top-level block and nothing else: `word`, labels, `{`.
    fn at_top_level_block(&self) -> bool {
        let rest = &self.text[self.position..];
        let line = rest.lines().next().unwrap_or_default();
        let word = line.split([' ', '\t', '"', '{']).next().unwrap_or_default();
        let in_template = self.open.iter().any(|open| matches!(open.kind, Kind::Heredoc(..)));
        !in_template && TOP_LEVEL.contains(&word) && line.contains('{') && !line.contains('=')
    }

    fn end_item(&mut self) {
        let range = self.item_start..self.position;
        if !range.is_empty() {
            self.scan.items.push(Item { range, is_broken: self.item_is_broken });
        }
        self.item_start = self.position;
        self.item_is_broken = false;
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.position..];
        self.position += rest.find('\n').unwrap_or(rest.len());
    }

    fn skip_comment(&mut self) {
        let start = self.position;
        match self.text[start + 2..].find("*/") {
            Some(length) => self.position = start + 2 + length + 2,
            None => {
                let detail = "The comment that begins here has no end. Write `*/` where it should end.";
                self.problem("Comment not closed", detail.to_owned(), start..start + 2);
                self.position = self.bytes.len();
            }
        }
    }

    fn begin_heredoc(&mut self) {
        let rest = &self.text[self.position + 2..];
        let flush = usize::from(rest.starts_with('-'));
        let line = rest[flush..].split('\n').next().unwrap_or_default();
        let delimiter = line.trim_end_matches('\r');
        let is_name = !delimiter.is_empty()
            && delimiter.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
            && flush + line.len() < rest.len();
        let start = self.position + 2 + flush;
        let length = if is_name { 2 + flush + line.len() + 1 } else { 2 };
        if !is_name {
            self.position += length;
            return;
        }
        self.push(Kind::Heredoc(start, start + delimiter.len()), length);
        if matches!(self.open.last(), Some(Open { kind: Kind::Heredoc(..), .. })) {
            self.end_heredoc(start, start + delimiter.len());
        }
    }

    /// At the beginning of a line: whether it is the delimiter.
    fn end_heredoc(&mut self, start: usize, end: usize) {
        let rest = &self.text[self.position..];
        let indent = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let Some(behind) = rest[indent..].strip_prefix(&self.text[start..end]) else { return };
        if behind.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-') {
            return;
        }
        self.open.pop();
        self.position += indent + (end - start);
    }

    fn unclosed_quote(&mut self) {
        let outermost = self
            .open
            .iter()
            .rposition(|open| matches!(open.kind, Kind::Heredoc(..)))
            .map_or(0, |index| index + 1);
        let first = self.open[outermost..].iter().position(|open| open.kind == Kind::Quote);
        let first = first.map_or(self.open.len() - 1, |index| index + outermost);
        // A quote in an interpolation of another quote: the interpolation lacks its end, not this quote.
        let guilty = match self.open.get(first + 1) {
            Some(open) if open.kind == Kind::Interpolation => *open,
            _ => self.open[first],
        };
        self.report_unclosed(guilty, "the end of the line");
        self.open.truncate(first);
    }

    fn report_unclosed(&mut self, open: Open, before: &str) {
        let (summary, length, what, how) = match open.kind {
            Kind::Quote => (
                "String not closed",
                1,
                "string",
                "Add a closing quote. A string of several lines is written as a heredoc, `<<EOT`.".to_owned(),
            ),
            Kind::Interpolation => (
                "Interpolation not closed",
                2,
                "interpolation",
                "Add its `}`; or, if `${` was meant as text, write `$${`.".to_owned(),
            ),
            Kind::Heredoc(start, end) => (
                "Heredoc not closed",
                end - open.start,
                "heredoc",
                format!("Write `{}` alone on a line where it should end.", &self.text[start..end]),
            ),
            Kind::Bracket(b'}') => ("Brace not closed", 1, "`{`", "Add its `}`.".to_owned()),
            Kind::Bracket(b']') => ("Bracket not closed", 1, "`[`", "Add its `]`.".to_owned()),
            Kind::Bracket(_) => ("Parenthesis not closed", 1, "`(`", "Add its `)`.".to_owned()),
        };
        let detail = format!("The {what} that begins here is not closed before {before}. {how}");
        self.problem(summary, detail, open.start..open.start + length);
    }

    fn nul(&mut self) {
        let detail =
            "A NUL byte has no place in a configuration. Perhaps this is not a text file, or not UTF-8.";
        // One is enough: a binary file has thousands.
        if !self.scan.problems.iter().any(|problem| problem.summary == "NUL byte") {
            self.problem("NUL byte", detail.to_owned(), self.position..self.position + 1);
        }
        self.item_is_broken = true;
        self.position += 1;
    }

    fn problem(&mut self, summary: &'static str, detail: String, range: Range<usize>) {
        self.item_is_broken = true;
        self.scan.problems.push(Diagnostic::error(summary, detail).at(Span::new(self.file, range), ""));
    }
}
