//! `for` expressions, and what can be iterated.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl::edit::expr::{Expression, ForExpr};

use super::{Local, Locals, MapBuilder, Outcome, Run, Spanned};
use crate::config::value::{Reference, Value};

/// What one collection has to offer to a `for`.
pub(super) enum Elements {
    Known {
        pairs: Vec<(Value, Value)>,
        secret: bool,
    },
    /// Nobody can say yet; whether that is sensitive.
    Unknown {
        secret: bool,
    },
}

/// What came of one turn of a `for`: its filter, key and value.
struct Turn {
    key: Option<(Option<Arc<str>>, bool)>,
    value: Value,
}

/// What is known of the result as a whole.
#[derive(Default)]
struct Marks {
    secret: bool,
    unknown: bool,
}

impl Run<'_> {
    pub(super) fn comprehension(&self, f: &ForExpr, whole: &Expression, locals: Locals<'_>) -> Outcome {
        let collection = self.value(&f.intro.collection_expr, locals)?;
        let (pairs, secret) = match self.elements(collection, &f.intro.collection_expr)? {
            Elements::Unknown { secret } => return Ok(Value::Unknown.sensitive_if(secret)),
            Elements::Known { pairs, secret } => (pairs, secret),
        };
        let mut marks = Marks { secret, unknown: false };
        let mut turns = Vec::new();
        for (key, value) in &pairs {
            let outer = Local { name: f.intro.value_var.value().as_str(), value, outer: locals };
            let inner = f.intro.key_var.as_ref().map(|name| Local {
                name: name.value().as_str(),
                value: key,
                outer: Some(&outer),
            });
            let locals = inner.as_ref().unwrap_or(&outer);
            self.spend(1, whole)?;
            turns.extend(self.turn(f, Some(locals), &mut marks)?);
        }
        let result = self.gather(f, turns, whole)?;
        let result = if marks.unknown { Value::Unknown } else { self.bounded(result, whole)? };
        Ok(result.sensitive_if(marks.secret))
    }

    fn turn(&self, f: &ForExpr, locals: Locals<'_>, marks: &mut Marks) -> Outcome<Option<Turn>> {
        if let Some(filter) = &f.cond {
            let condition = self.value(&filter.expr, locals)?;
            let (keep, secret) = self.truth(condition, &filter.expr, "The condition of a `for`")?;
            marks.secret |= secret;
            marks.unknown |= keep.is_none();
            if keep == Some(false) {
                return Ok(None);
            }
        }
        let key = match &f.key_expr {
            None => None,
            Some(expression) => Some(self.key(self.value(expression, locals)?, self.span(expression))?),
        };
        Ok(Some(Turn { key, value: self.value(&f.value_expr, locals)? }))
    }

    fn gather(&self, f: &ForExpr, turns: Vec<Turn>, whole: &Expression) -> Outcome {
        let Some(key_expression) = &f.key_expr else {
            return Ok(Value::list(turns.into_iter().map(|turn| turn.value)));
        };
        let mut groups: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
        let mut builder = MapBuilder::default();
        for turn in turns {
            let (key, secret) = turn.key.unwrap_or_default();
            builder.secret |= secret;
            let Some(key) = key else {
                builder.unknown = true;
                continue;
            };
            let group = groups.entry(key).or_default();
            if !f.grouping && !group.is_empty() {
                let detail = "Two elements have the same key here, so that one would be lost. Make the keys \
                              different, or write `...` after the value to collect the values of each key in a list.";
                return Err(self.problem(key_expression, "Key used twice", detail.to_owned()));
            }
            group.push(turn.value);
        }
        for (key, mut group) in groups {
            let value = if f.grouping { Value::list(group) } else { group.pop().unwrap_or(Value::Null) };
            builder.elements.insert(key, value);
        }
        self.bounded(builder.finish(), whole)
    }

    /// The keys and values of a collection: index and element of a list, the element twice of a set.
    pub(super) fn elements(&self, collection: Value, at: &impl Spanned) -> Outcome<Elements> {
        let (collection, secret) = collection.unmark();
        let pairs = match collection {
            Value::Unknown => return Ok(Elements::Unknown { secret }),
            Value::List(list) => (0..).map(Value::integer).zip(list.iter().cloned()).collect(),
            Value::Set(set) => set.iter().map(|value| (value.clone(), value.clone())).collect(),
            Value::Map(map) => {
                map.iter().map(|(key, value)| (Value::Text(Arc::clone(key)), value.clone())).collect()
            }
            Value::Reference(of @ Reference::Block(_)) => {
                let found = self.evaluator.scope.elements(&of);
                found.map_err(|why| self.lookup(why, &of.to_string(), at))?
            }
            other => {
                return Err(self.problem(
                    at,
                    "Nothing to iterate",
                    format!(
                        "A `for` goes through a list, set, map or object, and this is {}.",
                        other.with_article()
                    ),
                ));
            }
        };
        Ok(Elements::Known { pairs, secret })
    }
}
