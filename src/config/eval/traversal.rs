//! From a name to what it means: `volume.db["a"].id`, splats, indexes.

use std::sync::Arc;

use hcl::edit::Decorated;
use hcl::edit::expr::{Expression, Traversal, TraversalOperator};

use super::{Locals, LookupError, Outcome, Run, Spanned, concealed};
use crate::config::convert::convert;
use crate::config::types::Type;
use crate::config::value::{Reference, Value};
use crate::diag::{Diagnostics, did_you_mean, one_of};

type Operators<'o> = &'o [Decorated<TraversalOperator>];

impl Run<'_> {
    pub(super) fn root(&self, name: &str, at: &impl Spanned, locals: Locals<'_>) -> Outcome {
        let mut local = locals;
        while let Some(here) = local {
            if here.name == name {
                return Ok(here.value.clone());
            }
            local = here.outer;
        }
        self.evaluator.scope.root(name).map_err(|why| self.lookup(why, name, at))
    }

    pub(super) fn traversal(&self, traversal: &Traversal, whole: &Expression, locals: Locals<'_>) -> Outcome {
        let value = self.value(&traversal.expr, locals)?;
        self.traverse(value, &traversal.operators, whole, locals)
    }

    fn traverse(
        &self,
        mut value: Value,
        operators: Operators<'_>,
        whole: &Expression,
        locals: Locals<'_>,
    ) -> Outcome {
        for (index, operator) in operators.iter().enumerate() {
            let rest = &operators[index + 1..];
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => self.attribute(value, name.value().as_str(), name)?,
                TraversalOperator::LegacyIndex(number) => {
                    self.index(value, Value::integer((*number.value()).into()), number)?
                }
                TraversalOperator::Index(key) => {
                    let found = self.value(key, locals)?;
                    self.index(value, found, key)?
                }
                TraversalOperator::FullSplat(_) => return self.splat(value, rest, operator, whole, locals),
                TraversalOperator::AttrSplat(_) => {
                    // Takes the attributes that follow, and the old form of index, but no brackets.
                    let inner = rest.iter().take_while(|operator| is_attribute(operator)).count();
                    let list = self.splat(value, &rest[..inner], operator, whole, locals)?;
                    return self.traverse(list, &rest[inner..], whole, locals);
                }
            };
        }
        Ok(value)
    }

    fn attribute(&self, value: Value, name: &str, at: &impl Spanned) -> Outcome {
        match value {
            Value::Reference(of) => {
                self.evaluator.scope.attribute(&of, name).map_err(|why| self.lookup(why, name, at))
            }
            Value::Map(map) => match map.get(name) {
                Some(value) => Ok(value.clone()),
                None => Err(self.missing("attribute", name, map.keys(), at)),
            },
            Value::Sensitive(inner) => {
                let found = self.attribute(Arc::unwrap_or_clone(inner), name, at);
                found.map(Value::sensitive).map_err(|problems| concealed(problems, true))
            }
            Value::Unknown => Ok(Value::Unknown),
            other => Err(self.no_attributes(&other, name, at)),
        }
    }

    fn no_attributes(&self, value: &Value, name: &str, at: &impl Spanned) -> Diagnostics {
        let hint = match value {
            Value::List(_) | Value::Set(_) => {
                format!(
                    " To read it from every element, write `[*].{name}`; to read it from one, `[0].{name}`."
                )
            }
            _ => String::new(),
        };
        let detail = format!("A {} has no attribute `{name}`, nor any other.{hint}", value.type_name());
        self.problem(at, "Nothing to look into", detail)
    }

    fn index(&self, value: Value, key: Value, at: &impl Spanned) -> Outcome {
        let (key, key_secret) = key.unmark();
        let (value, secret) = value.unmark();
        let found = match value {
            _ if key.is_null() => {
                Err(self.problem(at, "Invalid index", "An index must not be null.".to_owned()))
            }
            Value::Unknown => Ok(Value::Unknown),
            _ if key.is_unknown() => Ok(Value::Unknown),
            Value::Reference(of) => self.index_reference(&of, key, at),
            Value::List(list) => self.index_list(&list, key, at),
            Value::Map(map) => {
                let found = |key: Arc<str>| {
                    map.get(&key).cloned().ok_or_else(|| self.missing("element", &key, map.keys(), at))
                };
                self.key_text(key, at).and_then(found)
            }
            other => Err(self.no_elements(&other, at)),
        };
        let secret = secret || key_secret;
        found.map(|found| found.sensitive_if(secret)).map_err(|problems| concealed(problems, secret))
    }

    fn index_reference(&self, of: &Reference, key: Value, at: &impl Spanned) -> Outcome {
        match of {
            Reference::Namespace(_) | Reference::Kind(_) => {
                let name = self.key_text(key, at)?;
                self.evaluator.scope.attribute(of, &name).map_err(|why| self.lookup(why, &name, at))
            }
            Reference::Block(_) | Reference::Object(_) => {
                let name = match &key {
                    Value::Text(text) => text.to_string(),
                    Value::Number(number) => number.to_string(),
                    other => other.type_name(),
                };
                self.evaluator.scope.index(of, &key).map_err(|why| self.lookup(why, &name, at))
            }
        }
    }

    fn index_list(&self, list: &[Value], key: Value, at: &impl Spanned) -> Outcome {
        let number = match convert(key, &Type::Number) {
            Ok(Value::Number(number)) => number,
            Ok(other) => return Err(self.invalid_index(&other.type_name(), at)),
            Err(why) => return Err(self.invalid_index(&why, at)),
        };
        let index = number.to_integer().and_then(|index| usize::try_from(index).ok());
        if let Some(value) = index.and_then(|index| list.get(index)) {
            return Ok(value.clone());
        }
        let detail = match list.len() {
            0 => "The list is empty, so that it has no elements to choose from.".to_owned(),
            1 => format!("There is no element {number}: the list has one element, 0."),
            length => {
                format!("There is no element {number}: the list has {length}, from 0 to {}.", length - 1)
            }
        };
        Err(self.problem(at, "Invalid index", detail))
    }

    fn invalid_index(&self, why: &str, at: &impl Spanned) -> Diagnostics {
        self.problem(at, "Invalid index", format!("The index of a list is a whole number: {why}."))
    }

    fn key_text(&self, key: Value, at: &impl Spanned) -> Outcome<Arc<str>> {
        match convert(key, &Type::Text) {
            Ok(Value::Text(text)) => Ok(text),
            Ok(other) => Err(self.problem(
                at,
                "Invalid index",
                format!("The key of a map is a string, not {}.", other.type_name()),
            )),
            Err(why) => {
                Err(self.problem(at, "Invalid index", format!("The key of a map is a string: {why}.")))
            }
        }
    }

    fn no_elements(&self, value: &Value, at: &impl Spanned) -> Diagnostics {
        let hint = if matches!(value, Value::Set(_)) {
            " The elements of a set have no order: write `tolist(...)` first."
        } else {
            ""
        };
        self.problem(
            at,
            "Nothing to look into",
            format!("A {} has no elements that an index could choose.{hint}", value.type_name()),
        )
    }

    /// Each element, traversed. A value that is no list is treated as a list of one, and null as an empty one.
    fn splat(
        &self,
        value: Value,
        each: Operators<'_>,
        splat: &Decorated<TraversalOperator>,
        whole: &Expression,
        locals: Locals<'_>,
    ) -> Outcome {
        let (value, secret) = value.unmark();
        let elements: Vec<Value> = match value {
            Value::Unknown => return Ok(Value::Unknown.sensitive_if(secret)),
            Value::Null => Vec::new(),
            Value::List(list) => list.to_vec(),
            Value::Set(set) => set.iter().cloned().collect(),
            Value::Reference(of @ Reference::Block(_)) => {
                let found = self.evaluator.scope.elements(&of);
                let found = found.map_err(|why| self.lookup(why, &of.to_string(), splat))?;
                found.into_iter().map(|(_, value)| value).collect()
            }
            other => vec![other],
        };
        let mut results = Vec::with_capacity(elements.len());
        for element in elements {
            self.spend(1, splat)?;
            results.push(self.traverse(element, each, whole, locals)?);
        }
        Ok(self.bounded(Value::list(results), splat)?.sensitive_if(secret))
    }

    /// A failed lookup, at its place.
    pub(super) fn lookup(&self, why: LookupError, name: &str, at: &impl Spanned) -> Diagnostics {
        match why {
            LookupError::Missing { what, candidates } => self.missing(&what, name, &candidates, at),
            LookupError::Refused(why) => self.problem(at, "This cannot be read here", why),
            LookupError::Failed(problems) => problems,
        }
    }

    fn missing<'c, C: AsRef<str> + 'c>(
        &self,
        what: &str,
        name: &str,
        candidates: impl IntoIterator<Item = &'c C>,
        at: &impl Spanned,
    ) -> Diagnostics {
        let candidates: Vec<&str> = candidates.into_iter().map(AsRef::as_ref).collect();
        self.problem(at, "Unknown name", unknown(what, name, &candidates))
    }
}

/// That there is no such name, and which there are.
pub(super) fn unknown(what: &str, name: &str, candidates: &[&str]) -> String {
    const SHOWN: usize = 12;
    let mut detail = format!("There is no {what} named `{name}`.");
    if let Some(near) = did_you_mean(name, candidates.iter().copied()) {
        detail.push_str(&format!(" Did you mean `{near}`?"));
    }
    match candidates.len() {
        0 => detail.push_str(" There are none at all."),
        1..=SHOWN => detail.push_str(&format!(" There is {}.", one_of(candidates))),
        more => {
            let shown = candidates[..SHOWN].join(", ");
            detail.push_str(&format!(" There are {shown} and {} more.", more - SHOWN));
        }
    }
    detail
}

fn is_attribute(operator: &Decorated<TraversalOperator>) -> bool {
    matches!(operator.value(), TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_))
}
