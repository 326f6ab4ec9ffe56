//! Reads a block against its rule: every attribute and nested block known, none twice, none missing.

use std::collections::BTreeMap;

use hcl::edit::Span as _;
use hcl::edit::expr::Expression;
use hcl::edit::structure::{Attribute, Block, Body, Structure};

use super::schema::{BlockRule, Times};
use crate::diag::{Diagnostic, Diagnostics, FileId, Span, did_you_mean, one_of};

/// An attribute as it was written.
#[derive(Debug, Clone)]
pub struct Written {
    pub expression: Expression,
    pub file: FileId,
    /// The name.
    pub name: Span,
    /// The value.
    pub span: Span,
}

/// A block that was checked against its rule. What was wrong is left out of it.
#[derive(Debug, Clone)]
pub struct Parts {
    /// As in `volume "db"`.
    pub title: String,
    pub header: Span,
    pub labels: Vec<(String, Span)>,
    pub attributes: BTreeMap<&'static str, Written>,
    pub blocks: Vec<(&'static str, Parts)>,
}

/// An attribute that a provider adds to a block.
#[derive(Debug, Clone, Copy)]
pub struct ExtraAttribute {
    pub name: &'static str,
    pub required: bool,
}

pub struct Reader<'a> {
    pub file: FileId,
    pub diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    pub fn span(&self, range: Option<std::ops::Range<usize>>) -> Span {
        Span::new(self.file, range.unwrap_or_default())
    }

    /// The place of a block's word and labels.
    pub fn header(&self, block: &Block) -> Span {
        let mut header = self.span(block.ident.span());
        if let Some(end) = block.labels.iter().filter_map(hcl::edit::Span::span).map(|range| range.end).max()
        {
            header.end = header.end.max(end);
        }
        header
    }

    pub fn written(&self, attribute: Attribute) -> Written {
        let (name, span) = (self.span(attribute.key.span()), self.span(attribute.value.span()));
        Written { expression: attribute.value, file: self.file, name, span }
    }

    /// The labels, if there are as many as the rule wants.
    pub fn labels(&mut self, rule: &BlockRule, block: &Block) -> Option<Vec<(String, Span)>> {
        let labels: Vec<(String, Span)> =
            block.labels.iter().map(|label| (label.as_str().to_owned(), self.span(label.span()))).collect();
        if labels.len() == rule.labels.len() {
            return Some(labels);
        }
        let shape: String =
            rule.labels.iter().map(|label| format!(" \"{}\"", label.to_uppercase())).collect();
        let (header, found) = (self.header(block), labels.len());
        self.diagnostics.push(
            Diagnostic::error(
                "Wrong number of labels",
                format!("Write the block as `{}{shape} {{ … }}`.", rule.word),
            )
            .at(header, format!("{} needed here, {found} found", plural(rule.labels.len())))
            .within(title(block)),
        );
        None
    }

    /// Reads everything in a block. `extra` are a provider's own attributes.
    pub fn block(&mut self, rule: &BlockRule, extra: &[ExtraAttribute], block: Block) -> Option<Parts> {
        let title = title(&block);
        self.titled(rule, extra, block, title)
    }

    /// As [`Reader::block`], under the title of what it stands in.
    pub fn titled(
        &mut self,
        rule: &BlockRule,
        extra: &[ExtraAttribute],
        block: Block,
        title: String,
    ) -> Option<Parts> {
        let labels = self.labels(rule, &block)?;
        let header = self.header(&block);
        let mut parts = Parts { title, header, labels, attributes: BTreeMap::new(), blocks: Vec::new() };
        self.body(rule, extra, block.body, &mut parts);
        self.missing(rule, extra, &parts);
        Some(parts)
    }

    fn body(&mut self, rule: &BlockRule, extra: &[ExtraAttribute], body: Body, parts: &mut Parts) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => self.attribute(rule, extra, attribute, parts),
                Structure::Block(block) => self.nested(rule, block, parts),
            }
        }
    }

    fn attribute(
        &mut self,
        rule: &BlockRule,
        extra: &[ExtraAttribute],
        attribute: Attribute,
        parts: &mut Parts,
    ) {
        let written = self.written(attribute.clone());
        let given = attribute.key.as_str();
        let known = || rule.attributes.iter().map(|a| a.name).chain(extra.iter().map(|a| a.name));
        let Some(name) = known().find(|name| *name == given) else {
            let diagnostic = unknown_attribute(rule, given, written.name, &known().collect::<Vec<_>>());
            self.diagnostics.push(diagnostic.within(&parts.title));
            return;
        };
        parts.attributes.insert(name, written);
    }

    fn nested(&mut self, rule: &BlockRule, block: Block, parts: &mut Parts) {
        let header = self.header(&block);
        let Some(nested) = rule.blocks.iter().find(|nested| nested.block.word == block.ident.as_str()) else {
            let diagnostic = unknown_nested(rule, block.ident.as_str(), header);
            self.diagnostics.push(diagnostic.within(&parts.title));
            return;
        };
        let word = nested.block.word;
        let first = parts.blocks.iter().find(|(other, _)| *other == word).map(|(_, first)| first.header);
        if let (Times::Once, Some(first)) = (nested.times, first) {
            self.diagnostics.push(
                Diagnostic::error(
                    "Duplicate block",
                    format!("`{word}` can stand once in this block. Merge the two."),
                )
                .at(header, "written again here")
                .related(first, "first written here")
                .within(&parts.title),
            );
            return;
        }
        if let Some(inner) = self.titled(nested.block, &[], block, parts.title.clone()) {
            parts.blocks.push((word, inner));
        }
    }

    fn missing(&mut self, rule: &BlockRule, extra: &[ExtraAttribute], parts: &Parts) {
        let required = rule.attributes.iter().filter(|a| a.required).map(|a| a.name);
        let required = required.chain(extra.iter().filter(|a| a.required).map(|a| a.name));
        for name in required.filter(|name| !parts.attributes.contains_key(name)) {
            self.diagnostics.push(
                Diagnostic::error("Missing attribute", format!("Add `{name} = …` to this block."))
                    .at(parts.header, format!("`{name}` is required here"))
                    .within(&parts.title),
            );
        }
    }
}

/// A block's word and labels as they are written, without what no terminal should be sent.
pub fn title(block: &Block) -> String {
    let mut title = block.ident.as_str().to_owned();
    for label in &block.labels {
        let shown: String = label.as_str().chars().take(80).collect();
        title.push_str(&format!(" {shown:?}"));
    }
    title
}

fn plural(count: usize) -> String {
    match count {
        0 => "no label is".to_owned(),
        1 => "1 label is".to_owned(),
        _ => format!("{count} labels are"),
    }
}

fn unknown_attribute(rule: &BlockRule, given: &str, place: Span, known: &[&str]) -> Diagnostic {
    let mut known = known.to_vec();
    known.sort_unstable();
    if rule.blocks.iter().any(|nested| nested.block.word == given) {
        return Diagnostic::error(
            "Unknown attribute",
            format!(
                "`{given}` is a block, not an attribute. Write `{given} {{ … }}`, without the equals sign."
            ),
        )
        .at(place, "this is the name of a block");
    }
    let hint = match did_you_mean(given, known.iter().copied()) {
        Some(name) => format!(" Did you mean `{name}`?"),
        None => String::new(),
    };
    let detail = if given == "create_before_destroy" {
        "vbs never replaces a volume behind anyone's back, so there is no order to choose. Remove the line."
            .to_owned()
    } else if known.is_empty() {
        "This block takes no attributes. Remove the line.".to_owned()
    } else {
        format!("Remove the line, or use one of: {}.{hint}", known.join(", "))
    };
    Diagnostic::error("Unknown attribute", detail)
        .at(place, format!("`{}` blocks have no attribute of this name", rule.word))
}

fn unknown_nested(rule: &BlockRule, given: &str, place: Span) -> Diagnostic {
    if rule.attributes.iter().any(|attribute| attribute.name == given) {
        return Diagnostic::error(
            "Unknown block",
            format!("`{given}` is an attribute, not a block. Write `{given} = …`, with an equals sign."),
        )
        .at(place, "this is the name of an attribute");
    }
    let words = || rule.blocks.iter().map(|nested| nested.block.word);
    let hint = match did_you_mean(given, words()) {
        Some(word) => format!(" Did you mean `{word}`?"),
        None => String::new(),
    };
    let detail = if rule.blocks.is_empty() {
        "This block takes no blocks. Remove it.".to_owned()
    } else {
        format!("Remove it, or use {}.{hint}", one_of(words()))
    };
    Diagnostic::error("Unknown block", detail)
        .at(place, format!("`{}` blocks have no block of this name", rule.word))
}
