//! What an expression evaluates to.
//!
//! Everything large is shared, so that cloning a value is cheap. What is declared is never copied into a value at
//! all: it is a [`Reference`], and its attributes are asked for when an expression reaches for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc_quick};

use super::number::Number;
use crate::model::{Address, Kind};

/// The elements of a map or an object.
pub type Map = BTreeMap<Arc<str>, Value>;

/// A value. The order is the order of sets; values of different types have one only so that it is total.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Number),
    /// In Unicode's normal form C: build it with [`Value::text`].
    Text(Arc<str>),
    /// A list or a tuple: what was written stays as it was written until it is converted.
    List(Shared<Vec<Value>>),
    /// Holds neither unknown nor sensitive elements: those spread to the whole set.
    Set(Shared<BTreeSet<Value>>),
    /// A map or an object.
    Map(Shared<Map>),
    /// Known only after an apply. Spreads through whatever is computed from it.
    Unknown,
    /// Not to be shown. Holds no other `Sensitive` at its top: build it with [`Value::sensitive`].
    Sensitive(Arc<Value>),
    Reference(Reference),
}

/// Elements that many values may share, with what is worth knowing of all of them without another look: values
/// that share parts can be exponentially larger than the memory they take, so nothing may walk them unawares.
#[derive(Debug)]
pub struct Shared<C>(Arc<Counted<C>>);

#[derive(Debug)]
struct Counted<C> {
    elements: C,
    facts: Facts,
}

#[derive(Debug)]
struct Facts {
    weight: usize,
    depth: usize,
    secret: bool,
    unknown: bool,
}

impl Facts {
    fn of<'v>(elements: impl Iterator<Item = &'v Value>) -> Facts {
        let mut facts = Facts { weight: 1, depth: 1, secret: false, unknown: false };
        for element in elements {
            facts.weight = facts.weight.saturating_add(element.weight());
            facts.depth = facts.depth.max(element.depth() + 1);
            facts.secret |= element.contains_sensitive();
            facts.unknown |= element.contains_unknown();
        }
        facts
    }
}

impl<C> Shared<C> {
    fn new(elements: C, facts: Facts) -> Shared<C> {
        Shared(Arc::new(Counted { elements, facts }))
    }
}

impl<C> Clone for Shared<C> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<C> std::ops::Deref for Shared<C> {
    type Target = C;
    fn deref(&self) -> &C {
        &self.0.elements
    }
}

impl<C: PartialEq> PartialEq for Shared<C> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl<C: Eq> Eq for Shared<C> {}

impl<C: Ord> PartialOrd for Shared<C> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<C: Ord> Ord for Shared<C> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { std::cmp::Ordering::Equal } else { (**self).cmp(&**other) }
    }
}

/// Something declared. Only the [`Scope`](super::eval::Scope) that handed it out knows what is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// A root that only has attributes, such as `var` or `each`.
    Namespace(&'static str),
    /// A root that names blocks, such as `volume`.
    Kind(Kind),
    /// A block with `count` or `for_each`: has instances.
    Block(Address),
    /// One host, pool, hypervisor or resource instance: has attributes.
    Object(Address),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Namespace(name) => f.write_str(name),
            Reference::Kind(kind) => f.write_str(kind.word()),
            Reference::Block(address) | Reference::Object(address) => write!(f, "{address}"),
        }
    }
}

/// For tests and logs, so that sensitive values stay hidden.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::List(list) => f.debug_list().entries(list.iter()).finish(),
            Value::Set(set) => f.debug_set().entries(set.iter()).finish(),
            Value::Map(map) => f.debug_map().entries(map.iter()).finish(),
            Value::Unknown => f.write_str("(known after apply)"),
            Value::Sensitive(_) => f.write_str("(sensitive value)"),
            Value::Reference(reference) => write!(f, "{reference}"),
        }
    }
}

impl Value {
    /// A string, brought into normal form C so that two spellings of one text are equal.
    pub fn text(text: &str) -> Value {
        if is_nfc_quick(text.chars()) == unicode_normalization::IsNormalized::Yes {
            return Value::Text(text.into());
        }
        Value::Text(text.nfc().collect::<String>().into())
    }

    pub fn integer(number: i128) -> Value {
        Value::Number(Number::integer(number))
    }

    pub fn list(elements: impl IntoIterator<Item = Value>) -> Value {
        let elements: Vec<Value> = elements.into_iter().collect();
        let facts = Facts::of(elements.iter());
        Value::List(Shared::new(elements, facts))
    }

    pub fn map<K: Into<Arc<str>>>(elements: impl IntoIterator<Item = (K, Value)>) -> Value {
        let elements: Map = elements.into_iter().map(|(key, value)| (key.into(), value)).collect();
        let facts = Facts::of(elements.values());
        Value::Map(Shared::new(elements, facts))
    }

    /// A set of known values: marks of elements go to the whole, and one unknown element makes it unknown, because
    /// nobody can tell yet whether it equals another.
    pub fn set(elements: impl IntoIterator<Item = Value>) -> Value {
        let (mut set, mut secret, mut unknown) = (BTreeSet::new(), false, false);
        for element in elements {
            let (element, marked) = element.unmark_deep();
            secret |= marked;
            unknown |= element.contains_unknown();
            set.insert(element);
        }
        if unknown {
            return Value::Unknown.sensitive_if(secret);
        }
        let facts = Facts::of(set.iter());
        Value::Set(Shared::new(set, facts)).sensitive_if(secret)
    }

    #[must_use]
    pub fn sensitive(self) -> Value {
        match self {
            Value::Sensitive(_) => self,
            other => Value::Sensitive(Arc::new(other)),
        }
    }

    #[must_use]
    pub fn sensitive_if(self, secret: bool) -> Value {
        if secret { self.sensitive() } else { self }
    }

    /// The value without its own mark, and whether it had one. Elements keep theirs.
    pub fn unmark(self) -> (Value, bool) {
        match self {
            Value::Sensitive(inner) => (Arc::unwrap_or_clone(inner), true),
            other => (other, false),
        }
    }

    /// The value without any mark on it or in it, and whether there was one.
    pub fn unmark_deep(self) -> (Value, bool) {
        if !self.contains_sensitive() {
            return (self, false);
        }
        let plain = match self {
            Value::Sensitive(inner) => Arc::unwrap_or_clone(inner).unmark_deep().0,
            Value::List(list) => Value::list(list.iter().map(|value| value.clone().unmark_deep().0)),
            Value::Map(map) => {
                Value::map(map.iter().map(|(key, value)| (Arc::clone(key), value.clone().unmark_deep().0)))
            }
            other => other,
        };
        (plain, true)
    }

    pub fn is_sensitive(&self) -> bool {
        matches!(self, Value::Sensitive(_))
    }

    /// Whether it is unknown itself, whatever its mark.
    pub fn is_unknown(&self) -> bool {
        match self {
            Value::Unknown => true,
            Value::Sensitive(inner) => inner.is_unknown(),
            _ => false,
        }
    }

    /// Whether it is null itself, whatever its mark.
    pub fn is_null(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Sensitive(inner) => inner.is_null(),
            _ => false,
        }
    }

    pub fn contains_unknown(&self) -> bool {
        match self {
            Value::Unknown => true,
            Value::List(list) => list.0.facts.unknown,
            Value::Map(map) => map.0.facts.unknown,
            Value::Sensitive(inner) => inner.contains_unknown(),
            _ => false,
        }
    }

    pub fn contains_sensitive(&self) -> bool {
        match self {
            Value::Sensitive(_) => true,
            Value::List(list) => list.0.facts.secret,
            Value::Map(map) => map.0.facts.secret,
            _ => false,
        }
    }

    /// How much it is to walk or print in full: about one for each element and for each 64 bytes of text.
    pub fn weight(&self) -> usize {
        match self {
            Value::Text(text) => 1 + text.len() / 64,
            Value::List(list) => list.0.facts.weight,
            Value::Set(set) => set.0.facts.weight,
            Value::Map(map) => map.0.facts.weight,
            Value::Sensitive(inner) => inner.weight(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Unknown | Value::Reference(_) => 1,
        }
    }

    /// How many collections are inside each other. Whatever walks a value recurses that deep.
    pub fn depth(&self) -> usize {
        match self {
            Value::List(list) => list.0.facts.depth,
            Value::Set(set) => set.0.facts.depth,
            Value::Map(map) => map.0.facts.depth,
            Value::Sensitive(inner) => inner.depth(),
            _ => 0,
        }
    }

    /// The text, if it is a known string without a mark.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn kind_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::Text(_) => "string",
            Value::List(_) => "list",
            Value::Set(_) => "set",
            Value::Map(_) => "object",
            Value::Unknown => "unknown",
            Value::Sensitive(inner) => inner.kind_name(),
            Value::Reference(_) => "reference",
        }
    }

    /// What it is, in words for a message: `string`, `list of number`, `volume.db`.
    pub fn type_name(&self) -> String {
        match self {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(_) => "number".to_owned(),
            Value::Text(_) => "string".to_owned(),
            Value::List(list) => container_name("list", "tuple", list.iter()),
            Value::Set(set) => container_name("set", "set", set.iter()),
            Value::Map(map) => container_name("map", "object", map.values()),
            Value::Unknown => "value known only after apply".to_owned(),
            Value::Sensitive(inner) => inner.type_name(),
            Value::Reference(reference) => format!("reference to {reference}"),
        }
    }

    /// As [`Value::type_name`], with the article that a sentence needs.
    pub fn with_article(&self) -> String {
        let name = self.type_name();
        match self {
            Value::Null | Value::Unknown => name,
            Value::Sensitive(inner) => inner.with_article(),
            _ if name.starts_with(['e', 'o']) => format!("an {name}"),
            _ => format!("a {name}"),
        }
    }
}

/// `list of number` where all elements are alike, else what a mixture is called. Looks no deeper than one level.
fn container_name<'a>(alike: &str, mixed: &str, elements: impl Iterator<Item = &'a Value>) -> String {
    let names: BTreeSet<&str> = elements.map(Value::kind_name).collect();
    match names.first() {
        None => format!("empty {alike}"),
        Some(name) if names.len() == 1 => format!("{alike} of {name}"),
        Some(_) => mixed.to_owned(),
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Value::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensitive_value_is_hidden_wherever_it_is_printed() {
        let value = Value::map([("pin", Value::list([Value::text("hush").sensitive()]))]);
        assert_eq!(format!("{value:?}"), "{\"pin\": [(sensitive value)]}");
        assert!(value.contains_sensitive() && !value.is_sensitive());
        assert_eq!(value.unmark_deep(), (Value::map([("pin", Value::list([Value::text("hush")]))]), true));
    }

    #[test]
    fn a_set_of_something_unknown_is_unknown() {
        assert_eq!(Value::set([Value::integer(1), Value::Unknown]), Value::Unknown);
        assert_eq!(Value::set([Value::Unknown.sensitive()]), Value::Unknown.sensitive());
    }
}
