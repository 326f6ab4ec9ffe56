//! Turns blocks into declarations, one kind after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl::edit::Span as _;
use hcl::edit::structure::{Block as Syntax, Structure};

use super::read::{ExtraAttribute, Parts, Reader, Written, title};
use super::schema::{self, BlockRule};
use super::settings::{constant, constant_text};
use super::{Block, Condition, Declared, Output, Variable, lists, moves, settings};
use crate::config::parse::parse;
use crate::config::types::Type;
use crate::config::value::Value;
use crate::diag::{Diagnostic, Diagnostics, FileId, SourceMap, Span, did_you_mean, one_of};
use crate::model::address::is_label;
use crate::model::desired::{BlockSpans, IgnoreChanges};
use crate::model::schema::ProviderSchema;
use crate::model::{Address, Kind};

/// Collects the declarations of all files.
pub struct Builder<'a> {
    sources: &'a SourceMap,
    schemas: &'a [ProviderSchema],
    diagnostics: &'a mut Diagnostics,
    declared: Declared,
    /// Where each thing was first declared, by what it is called in messages: `variable "size"`, `vbs`.
    seen: BTreeMap<String, Span>,
}

impl<'a> Builder<'a> {
    pub fn new(
        sources: &'a SourceMap,
        schemas: &'a [ProviderSchema],
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        Builder { sources, schemas, diagnostics, declared: Declared::default(), seen: BTreeMap::new() }
    }

    pub fn finish(mut self) -> Declared {
        moves::check(&self.declared.moves, self.diagnostics);
        self.still_declared();
        self.declared
    }

    pub fn file(&mut self, file: FileId) {
        let (body, problems) = parse(self.sources, file);
        self.declared.has_syntax_errors |= problems.has_errors();
        self.diagnostics.extend(problems);
        for structure in body {
            match structure {
                Structure::Block(block) => self.block(file, block),
                Structure::Attribute(attribute) => {
                    let place = self.reader(file).span(attribute.key.span());
                    self.diagnostics.push(
                        Diagnostic::error(
                            "Attribute outside of a block",
                            "At the top of a file stand blocks, such as `volume \"db\" { … }`. Values to be used elsewhere go into a `locals` block.",
                        )
                        .at(place, "this stands in no block"),
                    );
                }
            }
        }
    }

    fn reader(&mut self, file: FileId) -> Reader<'_> {
        Reader { file, diagnostics: self.diagnostics }
    }

    fn block(&mut self, file: FileId, mut block: Syntax) {
        let word = block.ident.as_str();
        let Some(rule) = schema::TOP.iter().find(|rule| rule.word == word) else {
            let header = self.reader(file).header(&block);
            self.diagnostics.push(unknown_block(word, header));
            return;
        };
        if rule.word == "locals" {
            return self.locals(file, block);
        }
        let before = self.diagnostics.len();
        let (schema, extra) = self.provider(file, rule, &block);
        if schema.is_none() && is_container(rule) {
            let label = block.labels.last().map(|label| label.as_str().to_owned());
            return self.broken(rule.word, label);
        }
        let label = block.labels.first().map(|label| label.as_str().to_owned());
        let export = if rule.word == "pool" { take_block(&mut block, "export") } else { None };
        let inner = self.inner(file, &extra, &mut block);
        let Some(mut parts) = self.reader(file).block(rule, &direct(&extra), block) else {
            return self.broken(rule.word, label);
        };
        parts.attributes.extend(inner);
        if let (Some(export), Some(pool)) = (export, parts.labels.last()) {
            self.export(file, export, &parts.title, pool.clone());
        }
        match rule.word {
            "vbs" => self.vbs(&parts),
            "moved" => {
                let found = moves::read(&parts, self.diagnostics);
                self.declared.moves.extend(found);
            }
            "variable" => self.variable(parts),
            "output" => self.output(parts),
            _ => self.addressed(parts, schema, before),
        }
    }

    /// The `export` block of a pool, which becomes a thing of its own: `export.fast` for `pool.fast`.
    fn export(&mut self, file: FileId, mut block: Syntax, title: &str, pool: (String, Span)) {
        let before = self.diagnostics.len();
        let (schema, extra) = self.provider(file, &schema::EXPORT, &block);
        // What it may hold is its provider's to say.
        if schema.is_none() {
            return self.broken("export", Some(pool.0));
        }
        let inner = self.inner(file, &extra, &mut block);
        let parts = self.reader(file).titled(&schema::EXPORT, &direct(&extra), block, title.to_owned());
        let Some(mut parts) = parts else { return self.broken("export", Some(pool.0)) };
        parts.attributes.extend(inner);
        parts.labels.push(pool);
        self.declare(Kind::Export, parts, schema, before);
    }

    /// The attributes in the blocks that only this provider has, by their names with dots: `list.pattern`.
    fn inner(
        &mut self,
        file: FileId,
        extra: &[ExtraAttribute],
        block: &mut Syntax,
    ) -> BTreeMap<&'static str, Written> {
        let mut found = BTreeMap::new();
        let outer = title(block);
        for rule in schema::OF_PROVIDERS {
            let of_block = |attribute: &ExtraAttribute| {
                let (word, name) = attribute.name.split_once('.')?;
                (word == rule.word).then_some((attribute.name, ExtraAttribute { name, ..*attribute }))
            };
            let (full, names): (Vec<_>, Vec<_>) = extra.iter().filter_map(of_block).unzip();
            if names.is_empty() {
                continue;
            }
            let header = self.reader(file).header(block);
            let Some(written) = take_block(block, rule.word) else {
                if names.iter().any(|attribute| attribute.required) {
                    self.diagnostics.push(
                        Diagnostic::error(
                            "Missing block",
                            format!("Add `{} {{ … }}` to this block.", rule.word),
                        )
                        .at(header, format!("a `{}` block is required here", rule.word))
                        .within(outer.clone()),
                    );
                }
                continue;
            };
            if let Some(parts) = self.reader(file).titled(rule, &names, written, outer.clone()) {
                let full_name = |name| full.iter().zip(&names).find(|(_, short)| short.name == name);
                found.extend(
                    parts.attributes.into_iter().filter_map(|(name, w)| Some((*full_name(name)?.0, w))),
                );
            }
        }
        found
    }

    /// Remembers what could not be taken over, so that references to it are no further problems.
    fn broken(&mut self, word: &str, label: Option<String>) {
        if let (Ok(kind), Some(label)) = (word.parse::<Kind>(), label) {
            self.declared.broken.insert(Address::new(kind, &label));
        }
    }

    /// The schema of a pool's or hypervisor's provider and the attributes it adds. Reports an unknown provider.
    fn provider(
        &mut self,
        file: FileId,
        rule: &BlockRule,
        block: &Syntax,
    ) -> (Option<usize>, Vec<ExtraAttribute>) {
        if !is_container(rule) {
            return (None, Vec::new());
        }
        let Some(labels) = self.reader(file).labels(rule, block) else { return (None, Vec::new()) };
        let (given, place) = &labels[0];
        let of_role =
            || self.schemas.iter().enumerate().filter(|(_, schema)| schema.role.word() == rule.word);
        if let Some((index, schema)) = of_role().find(|(_, schema)| schema.name == given) {
            let extra = schema.attributes.iter();
            let extra =
                extra.map(|attribute| ExtraAttribute { name: attribute.name, required: attribute.required });
            return (Some(index), extra.collect());
        }
        let names: Vec<&str> = of_role().map(|(_, schema)| schema.name).collect();
        let hint = match did_you_mean(given, names.iter().copied()) {
            Some(name) => format!(" Did you mean \"{name}\"?"),
            None => String::new(),
        };
        let detail = format!(
            "This version of vbs has these providers of {}s: {}.{hint}",
            rule.word,
            names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
        );
        self.diagnostics.push(
            Diagnostic::error("Unknown provider", detail)
                .at(*place, format!("no provider of {}s has this name", rule.word))
                .within(title(block)),
        );
        (None, Vec::new())
    }

    /// Whether a name fits and is new; else reports what is wrong.
    fn is_new(&mut self, parts: &Parts, what: &str) -> bool {
        if let Some((label, place)) = parts.labels.last()
            && !is_label(label)
        {
            self.diagnostics.push(
                Diagnostic::error(
                    "Invalid name",
                    "A name begins with a lower-case letter, goes on with lower-case letters, digits and _, and has at most 63 characters. Names on disk can be set apart, with `name`.",
                )
                .at(*place, "this cannot be a name")
                .within(&parts.title),
            );
            return false;
        }
        match self.seen.insert(what.to_owned(), parts.header) {
            None => true,
            Some(first) => {
                self.seen.insert(what.to_owned(), first);
                self.diagnostics.push(
                    Diagnostic::error(
                        "Duplicate declaration",
                        format!("{what} is declared twice. Rename or remove one of the two."),
                    )
                    .at(parts.header, "declared again here")
                    .related(first, "first declared here"),
                );
                false
            }
        }
    }

    fn vbs(&mut self, parts: &Parts) {
        if self.is_new(parts, "The `vbs` block") {
            self.declared.settings = settings::read(parts, self.sources, self.diagnostics);
        }
    }

    fn locals(&mut self, file: FileId, block: Syntax) {
        let title = title(&block);
        if self.reader(file).labels(&schema::LOCALS, &block).is_none() {
            return;
        }
        for structure in block.body {
            let attribute = match structure {
                Structure::Attribute(attribute) => attribute,
                Structure::Block(block) => {
                    let header = self.reader(file).header(&block);
                    let detail = "`locals` holds values only: write `name = …`.";
                    self.diagnostics.push(
                        Diagnostic::error("Unknown block", detail)
                            .at(header, "no block can stand here")
                            .within(&title),
                    );
                    continue;
                }
            };
            let name = attribute.key.as_str().to_owned();
            let written = self.reader(file).written(attribute);
            let parts = Parts {
                title: title.clone(),
                header: written.name,
                labels: vec![(name.clone(), written.name)],
                attributes: BTreeMap::new(),
                blocks: Vec::new(),
            };
            if self.is_new(&parts, &format!("local.{name}")) {
                self.declared.locals.insert(name, written);
            }
        }
    }

    fn flag(&mut self, parts: &Parts, name: &str, default: bool) -> bool {
        let Some(written) = parts.attributes.get(name) else { return default };
        match constant(self.sources, written, &Type::Bool, &parts.title, self.diagnostics) {
            Some(Value::Bool(flag)) => flag,
            _ => default,
        }
    }

    fn variable(&mut self, mut parts: Parts) {
        let Some((name, _)) = parts.labels.first().cloned() else { return };
        if !self.is_new(&parts, &format!("var.{name}")) {
            return;
        }
        let text = parts.attributes.get("description");
        let description =
            text.and_then(|written| constant_text(self.sources, written, &parts.title, self.diagnostics));
        let variable = Variable {
            sensitive: self.flag(&parts, "sensitive", false),
            nullable: self.flag(&parts, "nullable", true),
            header: parts.header,
            kind: parts.attributes.remove("type"),
            default: parts.attributes.remove("default"),
            description,
            validations: conditions(&mut parts.blocks, "validation"),
            title: parts.title,
        };
        self.declared.variables.insert(name, variable);
    }

    fn output(&mut self, mut parts: Parts) {
        let Some((name, _)) = parts.labels.first().cloned() else { return };
        if !self.is_new(&parts, &format!("output.{name}")) {
            return;
        }
        if let Some(written) = parts.attributes.get("description") {
            constant_text(self.sources, written, &parts.title, self.diagnostics);
        }
        let sensitive = self.flag(&parts, "sensitive", false);
        let Some(value) = parts.attributes.remove("value") else { return };
        let preconditions = conditions(&mut parts.blocks, "precondition");
        let output = Output { title: parts.title, value, sensitive, preconditions };
        self.declared.outputs.insert(name, output);
    }

    /// A host, pool, hypervisor or resource.
    fn addressed(&mut self, parts: Parts, schema: Option<usize>, problems_before: usize) {
        let word = parts.title.split(' ').next().unwrap_or_default();
        if let Ok(kind) = word.parse::<Kind>() {
            self.declare(kind, parts, schema, problems_before);
        }
    }

    fn declare(&mut self, kind: Kind, mut parts: Parts, schema: Option<usize>, problems_before: usize) {
        let Some((label, _)) = parts.labels.last() else { return };
        let address = Address::new(kind, label);
        if !self.is_new(&parts, &address.to_string()) {
            self.declared.broken.insert(address);
            return;
        }
        let is_sound = self.diagnostics.len() == problems_before;
        let mut lifecycle = take(&mut parts.blocks, "lifecycle").pop();
        let mut attributes = parts.attributes;
        let depends_on = attributes.remove("depends_on");
        let ignore = lifecycle.as_mut().and_then(|l| l.attributes.remove("ignore_changes"));
        let inner = |lifecycle: &mut Option<Parts>, word| {
            lifecycle.as_mut().map(|l| conditions(&mut l.blocks, word)).unwrap_or_default()
        };
        let block = Block {
            kind,
            header: parts.header,
            is_sound,
            schema,
            depends_on: depends_on
                .map(|w| lists::depends_on(&w, &parts.title, self.diagnostics))
                .unwrap_or_default(),
            ignore_changes: ignore.map_or(IgnoreChanges::Only(Vec::new()), |w| {
                lists::ignore_changes(&w, kind, &parts.title, self.diagnostics)
            }),
            preconditions: inner(&mut lifecycle, "precondition"),
            postconditions: inner(&mut lifecycle, "postcondition"),
            prevent_destroy: lifecycle.and_then(|mut l| l.attributes.remove("prevent_destroy")),
            spans: Arc::new(BlockSpans {
                header: Some(parts.header),
                attributes: attributes.iter().map(|(name, written)| (*name, written.span)).collect(),
            }),
            title: parts.title,
            attributes,
        };
        self.declared.blocks.insert(address, block);
    }

    /// An address that was moved away cannot be declared as well.
    fn still_declared(&mut self) {
        for item in &self.declared.moves {
            let Some(block) = self.declared.blocks.get(&item.from) else { continue };
            if item.from.key.is_some() || block.is_repeated() {
                continue;
            }
            self.diagnostics.push(
                Diagnostic::error(
                    "Conflicting move",
                    format!(
                        "{} is moved to {}, and is declared as well. Remove its block, or the `moved` block.",
                        item.from, item.to
                    ),
                )
                .at(item.span, format!("moves {} away", item.from))
                .related(block.header, "still declared here"),
            );
        }
    }
}

fn is_container(rule: &BlockRule) -> bool {
    matches!(rule.word, "pool" | "export" | "hypervisor")
}

/// A provider's attributes that stand in its block itself.
fn direct(extra: &[ExtraAttribute]) -> Vec<ExtraAttribute> {
    extra.iter().filter(|attribute| !attribute.name.contains('.')).copied().collect()
}

/// The first inner block of this word. A second one stays, and is refused with the rest of what cannot stand there.
fn take_block(block: &mut Syntax, word: &str) -> Option<Syntax> {
    let body = std::mem::take(&mut block.body);
    let mut found = None;
    for structure in body {
        match structure {
            Structure::Block(inner) if found.is_none() && inner.ident.as_str() == word => found = Some(inner),
            other => block.body.push(other),
        }
    }
    found
}

fn take(blocks: &mut Vec<(&'static str, Parts)>, word: &str) -> Vec<Parts> {
    let (taken, kept) = std::mem::take(blocks).into_iter().partition(|(other, _)| *other == word);
    *blocks = kept;
    let taken: Vec<(&'static str, Parts)> = taken;
    taken.into_iter().map(|(_, parts)| parts).collect()
}

fn conditions(blocks: &mut Vec<(&'static str, Parts)>, word: &str) -> Vec<Condition> {
    let conditions = take(blocks, word).into_iter().filter_map(|mut parts| {
        let condition = parts.attributes.remove("condition")?;
        let error_message = parts.attributes.remove("error_message")?;
        Some(Condition { condition, error_message })
    });
    conditions.collect()
}

fn unknown_block(word: &str, header: Span) -> Diagnostic {
    if schema::NOT_YET.contains(&word) {
        return Diagnostic::error(
            "Not in this version",
            "The word is kept for what it means in Terraform. Remove the block to go on with this version.",
        )
        .at(header, format!("this version of vbs does not have `{word}` blocks"));
    }
    let words = || schema::TOP.iter().map(|rule| rule.word);
    let hint = match (word, did_you_mean(word, words())) {
        ("resource" | "data" | "provider" | "terraform", _) => {
            " vbs has no `resource`, `data`, `provider` or `terraform` blocks: a volume is written `volume \"db\" { … }`.".to_owned()
        }
        (_, Some(near)) => format!(" Did you mean `{near}`?"),
        (_, None) => String::new(),
    };
    Diagnostic::error("Unknown block", format!("At the top of a file can stand: {}.{hint}", one_of(words())))
        .at(header, "there is no block of this name")
}
