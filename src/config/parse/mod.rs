//! From text to a syntax tree with places, and from a syntax error to words for people.
//!
//! The parser stops at its first error and sometimes points far from it. So a scanner reads the text first: it finds
//! what is opened and never closed, and where one top-level block ends. Where anything is wrong, each block is then
//! parsed by itself, so that all blocks with errors are named and the others can still be checked.

mod explain;
mod indent;
mod scan;
#[cfg(test)]
mod tests;

use std::ops::Range;

use hcl::edit::expr::Expression;
use hcl::edit::parser::{parse_body, parse_expr};
use hcl::edit::structure::Body;
use hcl::edit::visit_mut::VisitMut;

use crate::diag::{Diagnostic, Diagnostics, FileId, SourceMap, Span};
use scan::Scan;

/// The most bytes of one source file.
pub const LARGEST_SOURCE: usize = 64 << 20;

/// The blocks and attributes of a file, and all its syntax errors. Blocks with errors are left out of the body;
/// offsets are those of the whole file.
pub fn parse(sources: &SourceMap, file: FileId) -> (Body, Diagnostics) {
    let text = &sources.file(file).text;
    if let Err(problem) = check_size(text, file) {
        return (Body::new(), problem);
    }
    if Scan::strict(text, file).problems.is_empty()
        && let Ok(body) = parse_body(text)
    {
        return (indented(body, text), Diagnostics::new());
    }
    let (body, problems) = recover(text, file);
    (indented(body, text), problems)
}

fn indented(mut body: Body, text: &str) -> Body {
    if text.contains("<<-") {
        indent::Indent(text).visit_body_mut(&mut body);
    }
    body
}

/// One expression that is the whole of a file, such as the value of `--var`, without white space before it.
pub fn parse_expression(sources: &SourceMap, file: FileId) -> Result<Expression, Diagnostics> {
    let text = &sources.file(file).text;
    check_size(text, file)?;
    let scan = Scan::strict(text, file);
    if !scan.problems.is_empty() {
        return Err(scan.problems);
    }
    let mut expression =
        parse_expr(text.trim_end()).map_err(|error| explain::explain(&error, text, 0..text.len(), file))?;
    indent::Indent(text).visit_expr_mut(&mut expression);
    Ok(expression)
}

fn check_size(text: &str, file: FileId) -> Result<(), Diagnostics> {
    if text.len() <= LARGEST_SOURCE {
        return Ok(());
    }
    let detail = "A source file may have 64 MiB. Split it, or make the blocks with `for_each`.";
    Err(Diagnostic::error("File too large", detail).at(Span::new(file, 0..0), "").into())
}

/// Parses each top-level item by itself, collects their problems, and parses the sound ones together.
fn recover(text: &str, file: FileId) -> (Body, Diagnostics) {
    let scan = Scan::recovering(text, file);
    let mut problems = scan.problems;
    let mut unsound: Vec<Range<usize>> = Vec::new();
    for item in scan.items {
        if item.is_broken {
            unsound.push(item.range);
        } else if let Err(error) = parse_body(&text[item.range.clone()]) {
            problems.push(explain::explain(&error, text, item.range.clone(), file));
            unsound.push(item.range);
        }
    }
    let body = match parse_body(&blanked(text, &unsound)) {
        Ok(body) => body,
        // Items that are sound one by one can still clash, as two attributes of one name do.
        Err(error) => {
            problems.push(explain::explain(&error, text, 0..text.len(), file));
            Body::new()
        }
    };
    problems.sort();
    (body, problems)
}

/// The text with everything in `ranges` made blank, so that the offsets of all the rest stay right.
fn blanked(text: &str, ranges: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        out.push_str(&text[at..range.start]);
        out.extend(text[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}
