//! The indentation of `<<-` here-documents, worked out from the source text.
//!
//! The parser looks at the outermost literals only, so the bodies of directives keep their indentation, and where a
//! line has none it can cut letters off. So what it made of the literals is replaced, as HCL has it: the smallest
//! indentation of all lines that are not blank goes from every line.

use hcl::edit::Span;
use hcl::edit::template::{Directive, Element, HeredocTemplate, Template};
use hcl::edit::visit_mut::{VisitMut, visit_heredoc_template_mut};

/// Visits what was parsed from this text.
pub struct Indent<'t>(pub &'t str);

impl VisitMut for Indent<'_> {
    fn visit_heredoc_template_mut(&mut self, heredoc: &mut HeredocTemplate) {
        if self.is_indented(heredoc) {
            let mut least = usize::MAX;
            self.measure(&heredoc.template, true, &mut least);
            self.cut(&mut heredoc.template, true, least);
        }
        visit_heredoc_template_mut(self, heredoc);
    }
}

impl Indent<'_> {
    /// Whether it was opened by `<<-`, which stands on the line before its text.
    fn is_indented(&self, heredoc: &HeredocTemplate) -> bool {
        let opening = heredoc.template.span().and_then(|span| self.0.get(..span.start));
        opening
            .and_then(|opening| {
                opening.trim_end_matches(['\r', '\n']).strip_suffix(heredoc.delimiter.as_str())
            })
            .is_some_and(|opening| opening.ends_with("<<-"))
    }

    fn source(&self, literal: &impl Span) -> Option<&str> {
        self.0.get(literal.span()?)
    }

    /// Lowers `least` to the smallest indentation of a line that begins in the template. Takes and returns whether a
    /// line begins before and behind it.
    fn measure(&self, template: &Template, mut begins_line: bool, least: &mut usize) -> bool {
        for element in template {
            match element {
                Element::Literal(literal) => {
                    let Some(source) = self.source(literal) else { continue };
                    for line in lines(source, begins_line).filter(|line| !is_blank(line)) {
                        *least = indentation(line).min(*least);
                    }
                    begins_line = source.ends_with('\n');
                }
                Element::Interpolation(_) | Element::Directive(_) => {
                    if begins_line {
                        *least = 0;
                    }
                    begins_line = false;
                }
            }
            let Element::Directive(directive) = element else { continue };
            for body in bodies(directive) {
                // The directive's next word stands at the beginning of a line.
                if self.measure(body, false, least) {
                    *least = 0;
                }
            }
        }
        begins_line
    }

    fn cut(&self, template: &mut Template, mut begins_line: bool, width: usize) {
        for element in template.iter_mut() {
            match element {
                Element::Literal(literal) => {
                    let Some(source) = self.source(literal) else { continue };
                    let text: String = source
                        .split_inclusive('\n')
                        .enumerate()
                        .map(
                            |(index, line)| {
                                if index > 0 || begins_line { shortened(line, width) } else { line }
                            },
                        )
                        .collect();
                    begins_line = source.ends_with('\n');
                    // The only escapes of a here-document.
                    **literal = text.replace("$${", "${").replace("%%{", "%{");
                }
                Element::Interpolation(_) => begins_line = false,
                Element::Directive(directive) => {
                    begins_line = false;
                    for body in bodies_mut(directive) {
                        self.cut(body, false, width);
                    }
                }
            }
        }
    }
}

/// The lines of a literal, without the rest of a line that began before it.
fn lines(source: &str, begins_line: bool) -> impl Iterator<Item = &str> {
    source.split_inclusive('\n').skip(usize::from(!begins_line))
}

fn is_blank(line: &str) -> bool {
    line.ends_with('\n') && line.trim().is_empty()
}

fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace() && *c != '\n').count()
}

/// A line without its first characters, of which only white space is taken.
fn shortened(line: &str, width: usize) -> &str {
    let spaces =
        line.char_indices().take(width).take_while(|(_, c)| c.is_whitespace() && !matches!(c, '\r' | '\n'));
    let end = spaces.last().map_or(0, |(at, c)| at + c.len_utf8());
    &line[end..]
}

fn bodies(directive: &Directive) -> Vec<&Template> {
    match directive {
        Directive::If(directive) => {
            let otherwise = directive.else_expr.as_ref().map(|otherwise| &otherwise.template);
            std::iter::once(&directive.if_expr.template).chain(otherwise).collect()
        }
        Directive::For(directive) => vec![&directive.for_expr.template],
    }
}

fn bodies_mut(directive: &mut Directive) -> Vec<&mut Template> {
    match directive {
        Directive::If(directive) => {
            let otherwise = directive.else_expr.as_mut().map(|otherwise| &mut otherwise.template);
            std::iter::once(&mut directive.if_expr.template).chain(otherwise).collect()
        }
        Directive::For(directive) => vec![&mut directive.for_expr.template],
    }
}
