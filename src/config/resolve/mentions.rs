//! Names that nothing has, in expressions that were not evaluated: branches not taken, blocks without instances.

use std::collections::BTreeMap;

use crate::config::declare::{Block, Condition, Declared, Written};
use crate::config::eval::{Mention, MentionStep, references};
use crate::diag::{Diagnostic, Diagnostics, FileId, Span, did_you_mean};
use crate::model::{Address, Kind};

/// Reports every mention of a variable, local value or block that is not declared, unless it was reported already.
pub fn check(declared: &Declared, diagnostics: &mut Diagnostics) {
    let reported = Reported::new(diagnostics);
    let mut found = Diagnostics::new();
    let mut look = |written: &Written, title: &str| {
        for mention in references(&written.expression, written.file) {
            if let Some(problem) = problem(declared, &mention)
                && !reported.is_within(mention.span)
            {
                found.push(problem.within(title));
            }
        }
    };
    declared.locals.values().for_each(|written| look(written, "locals"));
    for output in declared.outputs.values() {
        look(&output.value, &output.title);
        each(&output.preconditions, &output.title, &mut look);
    }
    declared.blocks.values().for_each(|block| in_block(block, &mut look));
    diagnostics.extend(found);
}

fn in_block(block: &Block, look: &mut dyn FnMut(&Written, &str)) {
    for written in block.attributes.values().chain(&block.prevent_destroy) {
        look(written, &block.title);
    }
    each(&block.preconditions, &block.title, look);
    each(&block.postconditions, &block.title, look);
}

fn each(conditions: &[Condition], title: &str, look: &mut dyn FnMut(&Written, &str)) {
    for rule in conditions {
        look(&rule.condition, title);
        look(&rule.error_message, title);
    }
}

/// Where something was found wrong already.
struct Reported(BTreeMap<(FileId, usize), usize>);

impl Reported {
    fn new(diagnostics: &Diagnostics) -> Self {
        let places = diagnostics.iter().filter_map(|problem| problem.subject.as_ref());
        Reported(places.map(|label| ((label.span.file, label.span.start), label.span.end)).collect())
    }

    fn is_within(&self, span: Span) -> bool {
        self.0.range((span.file, span.start)..(span.file, span.end)).next().is_some()
    }
}

fn problem(declared: &Declared, mention: &Mention) -> Option<Diagnostic> {
    let first = match mention.steps.first() {
        Some(MentionStep::Attribute(name)) => name.as_str(),
        _ => "",
    };
    let kinds = || Kind::NAMED.into_iter().map(Kind::word);
    let unknown = |what: &str, given: &str, known: &mut dyn Iterator<Item = &str>| {
        let hint = match did_you_mean(given, known) {
            Some(name) => format!(" Did you mean `{name}`?"),
            None => String::new(),
        };
        Some(
            Diagnostic::error("Unknown name", format!("There is no {what} named `{given}`.{hint}"))
                .at(mention.span, String::new()),
        )
    };
    match mention.root.as_str() {
        "var" if first.is_empty() || declared.variables.contains_key(first) => None,
        "var" => unknown("variable", first, &mut declared.variables.keys().map(String::as_str)),
        "local" if first.is_empty() || declared.locals.contains_key(first) => None,
        "local" => unknown("local value", first, &mut declared.locals.keys().map(String::as_str)),
        "each" | "count" | "self" => None,
        root => match Kind::NAMED.into_iter().find(|kind| kind.word() == root) {
            None => {
                let names = ["var", "local", "each", "count", "self"];
                unknown("name", root, &mut names.into_iter().chain(kinds()))
            }
            Some(kind) => {
                let address = Address::new(kind, first);
                if first.is_empty() {
                    return None;
                }
                if declared.blocks.contains_key(&address) || declared.broken.contains(&address) {
                    return None;
                }
                let labels = declared.blocks.keys().filter(|other| other.kind == kind);
                unknown(kind.word(), first, &mut labels.map(|other| &*other.label))
            }
        },
    }
}
