//! Text with interpolations and directives.

use hcl::edit::template::{Directive, Element, ForDirective, IfDirective, Template};

use super::comprehension::Elements;
use super::{Local, Locals, Outcome, Run, Spanned, unmarked};
use crate::config::convert::convert;
use crate::config::types::Type;
use crate::config::value::Value;
use crate::diag::Diagnostics;

/// The text so far.
#[derive(Default)]
struct Text {
    text: String,
    secret: bool,
    unknown: bool,
    problems: Diagnostics,
}

/// How the literals of a template are read.
#[derive(Clone, Copy)]
struct Style {
    /// In quotes, and not in a heredoc.
    quoted: bool,
    /// In a directive in quotes, where the parser leaves escapes as they are written.
    raw: bool,
    /// A strip marker stands before the first literal.
    strip_first: bool,
    /// A strip marker stands behind the last literal.
    strip_last: bool,
}

impl Run<'_> {
    pub(super) fn template(
        &self,
        template: &Template,
        quoted: bool,
        whole: &impl Spanned,
        locals: Locals<'_>,
    ) -> Outcome {
        // A template that is only an interpolation is the value itself, of whatever type.
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return self.value(&only.expr, locals);
        }
        let mut text = Text::default();
        let style = Style { quoted, raw: false, strip_first: false, strip_last: false };
        self.render(template, style, &mut text, whole, locals)?;
        if text.problems.has_errors() {
            return Err(text.problems);
        }
        let value = if text.unknown { Value::Unknown } else { Value::text(&text.text) };
        Ok(value.sensitive_if(text.secret))
    }

    fn render(
        &self,
        template: &Template,
        style: Style,
        out: &mut Text,
        whole: &impl Spanned,
        locals: Locals<'_>,
    ) -> Outcome<()> {
        for index in 0..template.len() {
            let Some(element) = template.get(index) else { break };
            match element {
                Element::Literal(literal) => {
                    let before = index.checked_sub(1).and_then(|before| template.get(before));
                    let start = before.map_or(style.strip_first, strips_after);
                    let end = template.get(index + 1).map_or(style.strip_last, strips_before);
                    out.text.push_str(&literal_text(literal.value(), style, start, end));
                }
                Element::Interpolation(interpolation) => {
                    let found = self.value(&interpolation.expr, locals);
                    self.interpolate(found, &interpolation.expr, out)?;
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(directive) => self.if_directive(directive, style, out, whole, locals)?,
                    Directive::For(directive) => self.for_directive(directive, style, out, whole, locals)?,
                },
            }
            if out.text.len() > self.evaluator.limits.text_bytes {
                return Err(self.text_too_long(whole));
            }
        }
        Ok(())
    }

    fn interpolate(&self, found: Outcome, at: &impl Spanned, out: &mut Text) -> Outcome<()> {
        let value = match found {
            Ok(value) => value,
            // Once nothing more may be spent, every other interpolation would only say so again.
            Err(problems) if self.is_exhausted() => return Err(problems),
            Err(problems) => {
                out.problems.extend(problems);
                return Ok(());
            }
        };
        let (converted, secret) = unmarked(convert(value, &Type::Text));
        out.secret |= secret;
        match converted {
            Ok(Value::Text(text)) => out.text.push_str(&text),
            Ok(Value::Unknown) => out.unknown = true,
            Ok(_) => out.problems.extend(self.problem(
                at,
                "Null in a text",
                "This is null, which has no place in a text. Use `coalesce` to give it a default.".to_owned(),
            )),
            Err(why) => {
                out.problems.extend(self.problem(
                    at,
                    "Not a text",
                    format!("Only strings, numbers and true or false can stand in a text: {why}."),
                ));
            }
        }
        Ok(())
    }

    fn if_directive(
        &self,
        directive: &IfDirective,
        style: Style,
        out: &mut Text,
        whole: &impl Spanned,
        locals: Locals<'_>,
    ) -> Outcome<()> {
        let (opening, ending) = (&directive.if_expr, &directive.endif_expr);
        let condition = self.value(&opening.cond_expr, locals)?;
        let (condition, secret) = self.truth(condition, &opening.cond_expr, "The condition of `%{ if }`")?;
        out.secret |= secret;
        let inner = |strip_first, strip_last| Style { raw: style.quoted, strip_first, strip_last, ..style };
        match (condition, &directive.else_expr) {
            (None, _) => out.unknown = true,
            (Some(true), otherwise) => {
                let next = otherwise.as_ref().map_or(ending.strip, |otherwise| otherwise.strip);
                let style = inner(opening.strip.strip_end(), next.strip_start());
                self.render(&opening.template, style, out, whole, locals)?;
            }
            (Some(false), Some(otherwise)) => {
                let style = inner(otherwise.strip.strip_end(), ending.strip.strip_start());
                self.render(&otherwise.template, style, out, whole, locals)?;
            }
            (Some(false), None) => {}
        }
        Ok(())
    }

    fn for_directive(
        &self,
        directive: &ForDirective,
        style: Style,
        out: &mut Text,
        whole: &impl Spanned,
        locals: Locals<'_>,
    ) -> Outcome<()> {
        let (opening, ending) = (&directive.for_expr, &directive.endfor_expr);
        let collection = self.value(&opening.collection_expr, locals)?;
        let pairs = match self.elements(collection, &opening.collection_expr)? {
            Elements::Unknown { secret } => {
                out.unknown = true;
                out.secret |= secret;
                return Ok(());
            }
            Elements::Known { pairs, secret } => {
                out.secret |= secret;
                pairs
            }
        };
        let style = Style {
            raw: style.quoted,
            strip_first: opening.strip.strip_end(),
            strip_last: ending.strip.strip_start(),
            ..style
        };
        for (key, value) in &pairs {
            self.spend(1, whole)?;
            let outer = Local { name: opening.value_var.value().as_str(), value, outer: locals };
            let inner = opening.key_var.as_ref().map(|name| Local {
                name: name.value().as_str(),
                value: key,
                outer: Some(&outer),
            });
            let locals = Some(inner.as_ref().unwrap_or(&outer));
            self.render(&opening.template, style, out, whole, locals)?;
        }
        Ok(())
    }
}

fn strips_after(element: &Element) -> bool {
    match element {
        Element::Literal(_) => false,
        Element::Interpolation(interpolation) => interpolation.strip.strip_end(),
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => directive.endif_expr.strip.strip_end(),
            Directive::For(directive) => directive.endfor_expr.strip.strip_end(),
        },
    }
}

fn strips_before(element: &Element) -> bool {
    match element {
        Element::Literal(_) => false,
        Element::Interpolation(interpolation) => interpolation.strip.strip_start(),
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => directive.if_expr.strip.strip_start(),
            Directive::For(directive) => directive.for_expr.strip.strip_start(),
        },
    }
}

fn literal_text(written: &str, style: Style, strip_start: bool, strip_end: bool) -> String {
    let mut text = if style.raw { unescape(written) } else { written.to_owned() };
    if strip_start {
        // A heredoc is stripped a line at a time, a quoted text as a whole.
        let line = if style.quoted { text.len() } else { text.find('\n').map_or(text.len(), |end| end + 1) };
        let kept = text[..line].trim_start().len();
        text.drain(..line - kept);
    }
    if strip_end {
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let line = if style.quoted { 0 } else { body.rfind('\n').map_or(0, |end| end + 1) };
        let kept = text[line..].trim_end().len();
        text.truncate(line + kept);
    }
    text
}

/// Resolves the escapes of a quoted text. What is no escape stays as it is.
fn unescape(written: &str) -> String {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (found, length) = match rest.chars().next() {
            Some('n') => (Some('\n'), 1),
            Some('r') => (Some('\r'), 1),
            Some('t') => (Some('\t'), 1),
            Some(same @ ('"' | '\\')) => (Some(same), 1),
            Some('u') => (code_point(rest, 4), 5),
            Some('U') => (code_point(rest, 8), 9),
            _ => (None, 0),
        };
        match found {
            Some(found) => {
                text.push(found);
                rest = &rest[length..];
            }
            None => text.push('\\'),
        }
    }
    text + rest
}

fn code_point(escape: &str, digits: usize) -> Option<char> {
    let digits = escape.get(1..=digits)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) } else { None }
}
