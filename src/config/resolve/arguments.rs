//! Reads the arguments of one instance: evaluates, converts, and reports what cannot be used.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::Identity;
use super::names::{Instance, Mode, Names, Seen};
use super::world::World;
use crate::config::declare::{Block, Written};
use crate::config::eval::Evaluator;
use crate::config::types::Type;
use crate::config::value::{Reference, Value};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean, one_of};
use crate::model::{Address, Bytes, Kind};

/// Asks for the identity of an address, once.
pub type Identify<'i> = &'i dyn Fn(&Address) -> Identity;

/// The arguments of one instance of a block. An argument that is absent, null or wrong reads as nothing; what is
/// wrong is reported once, here.
pub struct Arguments<'w, 'a> {
    pub world: &'w World<'a>,
    pub address: &'w Address,
    pub block: &'a Block,
    pub instance: &'w Instance,
    pub identify: Identify<'w>,
    pub seen: &'w RefCell<Seen>,
    pub problems: RefCell<Diagnostics>,
    /// Set where something was wrong, even if it was reported elsewhere.
    broken: Cell<bool>,
}

impl<'w, 'a> Arguments<'w, 'a> {
    pub fn new(
        world: &'w World<'a>,
        address: &'w Address,
        block: &'a Block,
        instance: &'w Instance,
        identify: Identify<'w>,
        seen: &'w RefCell<Seen>,
    ) -> Self {
        let problems = RefCell::new(Diagnostics::new());
        Arguments { world, address, block, instance, identify, seen, problems, broken: Cell::new(false) }
    }

    pub fn is_broken(&self) -> bool {
        self.broken.get()
    }

    pub fn written(&self, name: &str) -> Option<&'a Written> {
        self.block.attributes.get(name)
    }

    /// Reports a problem of this instance.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.broken.set(true);
        self.problems.borrow_mut().push(diagnostic.within(&self.block.title));
    }

    /// Reports a problem at the value of an attribute, or at the block where it is not written.
    pub fn wrong(
        &self,
        name: &str,
        summary: &'static str,
        label: impl Into<String>,
        detail: impl Into<String>,
    ) {
        let place = self.written(name).map_or(self.block.header, |written| written.span);
        self.report(Diagnostic::error(summary, detail).at(place, label));
    }

    /// Warns that an attribute is read and has no effect.
    pub fn without_effect(&self, name: &str, detail: impl Into<String>) {
        let Some(written) = self.written(name) else { return };
        let warning =
            Diagnostic::warning("Without effect", detail).at(written.span, "this does nothing here");
        self.problems.borrow_mut().push(warning.within(&self.block.title));
    }

    /// Reports that something is missing, unless the block has problems of structure: what is missing may be what
    /// was written wrong.
    pub fn missing(
        &self,
        name: &str,
        summary: &'static str,
        label: impl Into<String>,
        detail: impl Into<String>,
    ) {
        if self.block.is_sound {
            self.wrong(name, summary, label, detail);
        } else {
            self.fail();
        }
    }

    /// For what went wrong elsewhere and was reported there.
    pub fn fail(&self) {
        self.broken.set(true);
    }

    fn evaluate(&self, written: &Written, wanted: &Type) -> Option<Value> {
        let names = Names { world: self.world, mode: Mode::Plan, instance: self.instance, seen: self.seen };
        let evaluator = Evaluator { sources: self.world.sources, scope: &names, limits: &self.world.limits };
        match evaluator.evaluate_as(&written.expression, written.file, wanted) {
            Ok(value) => Some(value),
            Err(problems) => {
                self.broken.set(true);
                for problem in problems {
                    self.report(problem);
                }
                None
            }
        }
    }

    /// The value of an attribute: known and not sensitive.
    pub fn value(&self, name: &str, wanted: &Type) -> Option<Value> {
        self.plain(name, self.written(name)?, wanted)
    }

    /// The value of an attribute that may be sensitive, whole or in part; known.
    pub fn secret(&self, name: &str) -> Option<Value> {
        let value = self.evaluate(self.written(name)?, &Type::Any)?;
        (!value.is_null() && !value.contains_unknown()).then_some(value)
    }

    fn plain(&self, name: &str, written: &Written, wanted: &Type) -> Option<Value> {
        let value = self.evaluate(written, wanted)?;
        if value.contains_sensitive() {
            self.report(
                Diagnostic::error(
                    "Sensitive value in an argument",
                    "Arguments are seen by everybody who can look at the host, the plan or the state, so a secret would not stay one. Use another value, or nonsensitive(…) if this one is not secret.",
                )
                .at(written.span, format!("`{name}` would show a sensitive value")),
            );
            return None;
        }
        // Unknown while something else has to be worked out first: this is done again then.
        (!value.is_null() && !value.contains_unknown()).then_some(value)
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name, &Type::Text)?.as_text().map(str::to_owned)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name, &Type::Bool)? {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// `lifecycle { prevent_destroy }`.
    pub fn prevent_destroy(&self) -> bool {
        let Some(written) = &self.block.prevent_destroy else { return false };
        matches!(self.plain("prevent_destroy", written, &Type::Bool), Some(Value::Bool(true)))
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&'static str, T)]) -> Option<T> {
        let given = self.text(name)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == given) {
            return Some(*value);
        }
        let known = || words.iter().map(|(word, _)| *word);
        let hint = match did_you_mean(&given, known()) {
            Some(word) => format!(" Did you mean {word:?}?"),
            None => String::new(),
        };
        let known = one_of(known().map(|word| format!("{word:?}")));
        self.wrong(
            name,
            "Unknown word",
            "this is none of the words that can stand here",
            format!("`{name}` is {known}.{hint}"),
        );
        None
    }

    /// A size: a text with a unit, or a number of bytes.
    pub fn size(&self, name: &str) -> Option<Bytes> {
        let value = self.value(name, &Type::Any)?;
        let size = match &value {
            Value::Text(text) => text.parse::<Bytes>().map_err(|why| why.to_string()),
            Value::Number(number) => match number.to_u64().map(Bytes) {
                Some(bytes) if bytes <= crate::model::size::LARGEST => Ok(bytes),
                _ => Err("A number of bytes is a whole number from 0 to 9223372036854775807".to_owned()),
            },
            other => Err(format!("A {} is no size", other.type_name())),
        };
        size.map_err(|why| {
            let detail = format!("{}. Write a size such as \"20GiB\", or a number of bytes.", sentence(&why));
            self.wrong(name, "Invalid size", "this is not a size", detail);
        })
        .ok()
    }

    /// A map of texts.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        if let Some(Value::Map(map)) = self.value("labels", &Type::Map(Box::new(Type::Text))) {
            for (key, value) in map.iter() {
                let text = value.as_text().unwrap_or_default();
                if [key.as_ref(), text]
                    .iter()
                    .any(|part| part.len() > 255 || part.chars().any(char::is_control))
                    || key.is_empty()
                {
                    let detail = "A label's name and value have at most 255 bytes and no control characters such as line ends, and the name is not empty.";
                    self.wrong("labels", "Invalid label", "this cannot be a label", detail);
                    continue;
                }
                labels.insert(key.to_string(), text.to_owned());
            }
        }
        labels
    }

    /// A reference to one thing of one of these kinds.
    pub fn reference(&self, name: &str, kinds: &[Kind]) -> Option<Address> {
        let wanted = || one_of(kinds.iter().map(|kind| format!("{}.{}", kind, self.example(*kind))));
        match self.value(name, &Type::Any)? {
            Value::Reference(Reference::Object(address)) if kinds.contains(&address.kind) => Some(address),
            Value::Reference(Reference::Block(address)) if kinds.contains(&address.kind) => {
                let detail = format!(
                    "{address} has `for_each` or `count`, so it is many. Name one instance, as in {address}[\"key\"] or {address}[0]."
                );
                self.wrong(name, "One thing is needed", format!("{address} is many"), detail);
                None
            }
            other => {
                let kinds = one_of(kinds.iter().map(|kind| format!("a {kind}")));
                let detail = format!("Write a reference without quotes, such as {}.", wanted());
                let label = format!("{kinds} is needed here, not a {}", other.type_name());
                self.wrong(name, "Wrong kind of reference", label, detail);
                None
            }
        }
    }

    /// A label of that kind that is declared, for messages.
    fn example(&self, kind: Kind) -> &str {
        let blocks = &self.world.declared.blocks;
        blocks.keys().find(|address| address.kind == kind).map_or("name", |address| &address.label)
    }

    /// Reports a required attribute that is written, but null. That it is not written was reported already.
    pub fn required<T>(&self, name: &str, found: Option<T>) -> Option<T> {
        if self.written(name).is_none() {
            self.fail();
        } else if found.is_none() && !self.is_broken() && self.seen.borrow().needs.is_empty() {
            self.wrong(
                name,
                "Null value",
                "this is null",
                format!("`{name}` is required, so it needs a value."),
            );
        }
        found
    }
}

/// With a capital at its beginning.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
