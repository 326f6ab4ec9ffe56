//! Problems, shown with the place in the source that they are about; or as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::style::{Style, Tone};
use super::text::{char_width, harmless, push_harmless, width, wrap};
use crate::diag::{Diagnostic, Diagnostics, Label, Severity, SourceMap, Span};

const DETAIL_COLUMNS: usize = 100;
/// Longer source lines are cut around the place that is pointed at.
const SOURCE_COLUMNS: usize = 160;
/// What is kept to the left of the place in a line that is cut.
const SOURCE_LEAD: usize = 60;

/// Every problem in the order given, with an empty line between them and a line break at the end.
pub fn render(diagnostics: &Diagnostics, sources: &SourceMap, style: Style) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        one(&mut out, diagnostic, sources, style);
    }
    out
}

fn one(out: &mut String, diagnostic: &Diagnostic, sources: &SourceMap, style: Style) {
    let (word, tone) = match diagnostic.severity {
        Severity::Error => ("Error:", Tone::Error),
        Severity::Warning => ("Warning:", Tone::Warning),
    };
    line(out, &format!("{} {}", style.paint(tone, word), style.paint(Tone::Heading, diagnostic.summary)));
    if let Some(subject) = &diagnostic.subject {
        out.push('\n');
        place(out, subject, diagnostic.context.as_deref(), sources, style.paint_with(tone));
    } else if let Some(context) = &diagnostic.context {
        out.push('\n');
        line(out, &format!("  in {}:", harmless(context)));
    }
    for related in &diagnostic.related {
        out.push('\n');
        place(out, related, None, sources, style.paint_with(Tone::Faint));
    }
    if !diagnostic.detail.is_empty() {
        out.push('\n');
        wrap(&diagnostic.detail, DETAIL_COLUMNS).iter().for_each(|text| line(out, text));
    }
    if !diagnostic.literal.is_empty() {
        out.push('\n');
        for text in diagnostic.literal.iter().flat_map(|text| text.split('\n')) {
            line(out, &format!("    {}", harmless(text.trim_end_matches('\r'))));
        }
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// `on FILE line N, in BLOCK:`, the line, and carets under the span.
fn place(
    out: &mut String,
    label: &Label,
    context: Option<&str>,
    sources: &SourceMap,
    paint: impl Fn(&str) -> String,
) {
    let file = sources.file(label.span.file);
    let number = file.position(label.span.start).line;
    let within = context.map_or(String::new(), |context| format!(", in {}", harmless(context)));
    line(out, &format!("  on {} line {number}{within}:", harmless(&file.name)));
    let shown = ShownLine::new(sources, label.span);
    let gutter = number.to_string();
    line(out, &format!("  {gutter} | {}", shown.text));
    let marks = format!("{} {}", "^".repeat(shown.carets), harmless(&label.text));
    let indent = " ".repeat(shown.indent);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "  {:1$} | {indent}{2}", "", gutter.len(), paint(marks.trim_end()));
}

/// The first line of a span as it is shown, and where the carets go.
struct ShownLine {
    text: String,
    indent: usize,
    carets: usize,
}

impl ShownLine {
    fn new(sources: &SourceMap, span: Span) -> Self {
        let file = sources.file(span.file);
        let start = file.position(span.start);
        let end = file.position(span.end.max(span.start));
        let source = file.line(start.line);
        let first = start.column - 1;
        let length = if end.line == start.line {
            end.column - start.column
        } else {
            source.trim_end().chars().count().saturating_sub(first)
        };
        let (mut before, mut under, mut after) = (String::new(), String::new(), String::new());
        for (index, c) in source.chars().enumerate() {
            let part = if index < first {
                &mut before
            } else if index < first + length {
                &mut under
            } else {
                &mut after
            };
            push_shown(part, c);
        }
        if width(&before) + width(&under) + width(&after) > SOURCE_COLUMNS {
            before = keep_end(&before, SOURCE_LEAD);
            under = keep_start(&under, SOURCE_COLUMNS - SOURCE_LEAD);
            after = keep_start(&after, SOURCE_COLUMNS.saturating_sub(width(&before) + width(&under)));
        }
        // A span without characters, such as the end of the file, still gets a caret.
        let (indent, carets) = (width(&before), width(&under).max(1));
        ShownLine { text: before + &under + &after, indent, carets }
    }
}

/// A tab becomes four columns, so that the carets stand where they should in every terminal.
fn push_shown(out: &mut String, c: char) {
    if c == '\t' { out.push_str("    ") } else { push_harmless(out, c) }
}

fn keep_start(text: &str, columns: usize) -> String {
    let mut used = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            used += char_width(*c);
            used <= columns
        })
        .collect();
    if kept.len() < text.len() { kept + "…" } else { kept }
}

fn keep_end(text: &str, columns: usize) -> String {
    let mut used = 0;
    let mut kept: Vec<char> = text
        .chars()
        .rev()
        .take_while(|c| {
            used += char_width(*c);
            used <= columns
        })
        .collect();
    if kept.len() < text.chars().count() {
        kept.push('…');
    }
    kept.into_iter().rev().collect()
}

/// A list with one object for each problem, for `validate --json` and the JSON stream of an apply.
pub fn to_json(diagnostics: &Diagnostics, sources: &SourceMap) -> Value {
    diagnostics.iter().map(|diagnostic| diagnostic_json(diagnostic, sources)).collect()
}

/// One problem, with the keys that Terraform's users know and ours beside them: `label`, `related`, `literal`.
pub fn diagnostic_json(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let mut object = json!({
        "severity": diagnostic.severity,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
    });
    if let Some(subject) = &diagnostic.subject {
        object["label"] = json!(subject.text);
        object["range"] = range_json(subject.span, sources);
        object["snippet"] = snippet_json(subject.span, diagnostic.context.as_deref(), sources);
    }
    if !diagnostic.related.is_empty() {
        object["related"] = diagnostic
            .related
            .iter()
            .map(|label| json!({"label": label.text, "range": range_json(label.span, sources)}))
            .collect();
    }
    if !diagnostic.literal.is_empty() {
        object["literal"] = json!(diagnostic.literal);
    }
    object
}

fn range_json(span: Span, sources: &SourceMap) -> Value {
    let file = sources.file(span.file);
    let point = |byte: usize| {
        let position = file.position(byte);
        json!({"line": position.line, "column": position.column, "byte": byte})
    };
    json!({"filename": file.name, "start": point(span.start), "end": point(span.end)})
}

/// Offsets are in bytes of `code`, which is the first line of the span.
fn snippet_json(span: Span, context: Option<&str>, sources: &SourceMap) -> Value {
    let file = sources.file(span.file);
    let position = file.position(span.start);
    let code = file.line(position.line);
    let start: usize = code.chars().take(position.column - 1).map(char::len_utf8).sum();
    let end = (start + span.end.saturating_sub(span.start)).min(code.len());
    json!({
        "context": context,
        "code": code,
        "start_line": position.line,
        "highlight_start_offset": start,
        "highlight_end_offset": end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "volume \"db\" {\n  pool = pool.fats\n\tsize = \"漢字\" # x\n}\n";

    fn sources() -> (SourceMap, impl Fn(&str) -> Span) {
        let mut sources = SourceMap::default();
        let file = sources.add("main.vbs.hcl", SOURCE);
        let span = move |text: &str| {
            let start = SOURCE.find(text).unwrap();
            Span::new(file, start..start + text.len())
        };
        (sources, span)
    }

    fn plain(diagnostic: Diagnostic, sources: &SourceMap) -> String {
        render(&diagnostic.into(), sources, Style::PLAIN)
    }

    #[test]
    fn a_problem_shows_its_line_its_place_and_what_to_do() {
        let (sources, span) = sources();
        let problem = Diagnostic::error(
            "Unknown pool",
            "Declare it, or use one of: pool.fast, pool.slow. Did you mean pool.fast?",
        )
        .at(span("pool.fats"), "no pool has this name")
        .within("volume \"db\"");
        let expected = r#"Error: Unknown pool

  on main.vbs.hcl line 2, in volume "db":
  2 |   pool = pool.fats
    |          ^^^^^^^^^ no pool has this name

Declare it, or use one of: pool.fast, pool.slow. Did you mean pool.fast?
"#;
        assert_eq!(plain(problem, &sources), expected);
    }

    #[test]
    fn related_places_and_literal_lines_follow_and_problems_are_kept_apart() {
        let (sources, span) = sources();
        let long = "word ".repeat(30);
        let first = Diagnostic::warning("Twice", format!("One.\n\n{long}"))
            .at(span("size"), "")
            .related(span("volume"), "first here")
            .literal(format!("vbs state rm {}", "x".repeat(120)))
            .literal("a\nb");
        let mut both = Diagnostics::from(first);
        both.push(Diagnostic::error("Elsewhere", "No place."));
        let expected = format!(
            "Warning: Twice\n\n  on main.vbs.hcl line 3:\n  3 |     size = \"漢字\" # x\n    |     ^^^^\n\n  \
             on main.vbs.hcl line 1:\n  1 | volume \"db\" {{\n    | ^^^^^^ first here\n\nOne.\n\n{}\n{}\n\n    \
             vbs state rm {}\n    a\n    b\n\nError: Elsewhere\n\nNo place.\n",
            "word ".repeat(20).trim_end(),
            "word ".repeat(10).trim_end(),
            "x".repeat(120),
        );
        assert_eq!(render(&both, &sources, Style::PLAIN), expected);
    }

    #[test]
    fn carets_stand_under_wide_characters_and_behind_tabs() {
        let (sources, span) = sources();
        let text = plain(Diagnostic::error("S", "d").at(span("\"漢字\""), "here"), &sources);
        assert!(text.contains("    size = \"漢字\" # x\n    |            ^^^^^^ here\n"), "{text}");
    }

    #[test]
    fn a_span_of_several_lines_is_marked_to_the_end_of_its_first() {
        let (sources, span) = sources();
        let text = plain(Diagnostic::error("S", "d").at(span(SOURCE), "block"), &sources);
        assert!(text.contains("  1 | volume \"db\" {\n    | ^^^^^^^^^^^^^ block\n"), "{text}");
    }

    #[test]
    fn the_end_of_a_file_and_an_empty_file_can_be_pointed_at() {
        let (mut sources, span) = sources();
        let end = Span { start: SOURCE.len(), end: SOURCE.len(), ..span(SOURCE) };
        assert!(plain(Diagnostic::error("S", "d").at(end, "here"), &sources).contains("  5 |\n    | ^ here"));
        let empty = sources.add("empty", "");
        let text = plain(Diagnostic::error("S", "d").at(Span::new(empty, 0..0), "x"), &sources);
        assert!(text.contains("on empty line 1:\n  1 |\n    | ^ x"), "{text}");
    }

    #[test]
    fn a_very_long_line_is_cut_around_its_place() {
        let mut sources = SourceMap::default();
        let file = sources.add("long", format!("{}BAD{}", "a".repeat(5000), "b".repeat(5000)));
        let text = plain(Diagnostic::error("S", "d").at(Span::new(file, 5000..5003), "x"), &sources);
        let lines: Vec<&str> = text.lines().collect();
        assert!(text.lines().all(|line| width(line) < 180), "{text}");
        assert_eq!(lines[3].find("BAD").map(|at| at - "…".len() + 1), lines[4].find('^'));
    }

    #[test]
    fn hostile_text_reaches_no_terminal() {
        let mut sources = SourceMap::default();
        let file = sources.add("e\u{1b}vil", "x = \"\u{1b}[31m\u{7}\"");
        let problem = Diagnostic::error("S", "detail \u{1b}]0;t\u{7} \u{202e}")
            .at(Span::new(file, 4..12), "lab\u{1b}el\nline")
            .within("volume \"\u{1b}\"")
            .literal("rm \u{1b}[A");
        let text = plain(problem, &sources);
        assert!(
            !text.contains(|c: char| c != '\n' && c.is_control()) && !text.contains('\u{202e}'),
            "{text}"
        );
        assert!(text.contains("x = \"\\u{1b}[31m\\u{7}\"\n    |     ^^^^^^"), "{text}");
    }

    #[test]
    fn colour_marks_errors_and_warnings_only_when_asked() {
        let (sources, _) = sources();
        let of = |diagnostic: Diagnostic| render(&diagnostic.into(), &sources, Style::COLOUR);
        assert!(of(Diagnostic::error("S", "d")).contains("\u{1b}[31m"));
        assert!(of(Diagnostic::warning("S", "d")).contains("\u{1b}[33m"));
    }

    #[test]
    fn json_says_where_in_numbers() {
        let (sources, span) = sources();
        let problem = Diagnostic::error("Unknown pool", "Declare it.")
            .at(span("\"漢字\""), "no")
            .within("volume \"db\"")
            .related(span("pool"), "here")
            .literal("vbs init");
        let start = SOURCE.find('漢').unwrap() - 1;
        let expected = json!([{
            "severity": "error", "summary": "Unknown pool", "detail": "Declare it.", "label": "no",
            "range": {
                "filename": "main.vbs.hcl",
                "start": {"line": 3, "column": 9, "byte": start},
                "end": {"line": 3, "column": 13, "byte": start + 8},
            },
            "snippet": {
                "context": "volume \"db\"", "code": "\tsize = \"漢字\" # x", "start_line": 3,
                "highlight_start_offset": 8, "highlight_end_offset": 16,
            },
            "related": [{"label": "here", "range": {
                "filename": "main.vbs.hcl",
                "start": {"line": 2, "column": 3, "byte": 16},
                "end": {"line": 2, "column": 7, "byte": 20},
            }}],
            "literal": ["vbs init"],
        }]);
        assert_eq!(to_json(&problem.into(), &sources), expected);
    }
}
