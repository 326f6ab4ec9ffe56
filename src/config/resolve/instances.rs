//! `for_each` and `count`: which instances a block has.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::names::{Instance, Mode, Names, Seen};
use super::world::World;
use crate::config::declare::{Block, Written};
use crate::config::eval::Evaluator;
use crate::config::types::Type;
use crate::config::value::{Reference, Value};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::InstanceKey;

/// The most instances of a whole configuration.
pub const MOST: u64 = 1_000_000;

const LONGEST_KEY: usize = 255;

type Found = BTreeMap<InstanceKey, Value>;

/// The instances of a block, or its problems. What was asked for is in `seen`.
pub fn of(world: &World<'_>, block: &Block, seen: &RefCell<Seen>) -> Result<Found, Diagnostics> {
    let titled = |problems: Diagnostics| -> Diagnostics {
        problems.into_iter().map(|problem| problem.within(&block.title)).collect()
    };
    match (block.attributes.get("for_each"), block.attributes.get("count")) {
        (Some(_), Some(count)) => Err(titled(
            Diagnostic::error(
                "for_each and count",
                "A block is repeated by `for_each`, for every key, or by `count`, by number. Remove one of the two.",
            )
            .at(count.name, "there is a `for_each` as well")
            .into(),
        )),
        (Some(for_each), None) => each(world, for_each, seen).map_err(titled),
        (None, Some(count)) => counted(world, count, seen).map_err(titled),
        (None, None) => Ok(Found::new()),
    }
}

fn evaluate(
    world: &World<'_>,
    written: &Written,
    wanted: &Type,
    seen: &RefCell<Seen>,
) -> Result<Value, Diagnostics> {
    let instance = Instance::default();
    let names = Names { world, mode: Mode::Plan, instance: &instance, seen };
    let evaluator = Evaluator { sources: world.sources, scope: &names, limits: &world.limits };
    let value = evaluator.evaluate_as(&written.expression, written.file, wanted)?;
    let wrong = |summary, label: &str, detail: &str| {
        Err(Diagnostic::error(summary, detail).at(written.span, label).into())
    };
    if value.is_sensitive() {
        return wrong(
            "Sensitive value in an argument",
            "this is sensitive",
            "The keys become part of addresses, which are shown and recorded. Use other keys, or nonsensitive(…) if they are not secret.",
        );
    }
    if value.is_null() {
        return wrong(
            "Null value",
            "this is null",
            "Write a value, or leave the attribute out to have one instance.",
        );
    }
    Ok(value)
}

fn each(world: &World<'_>, written: &Written, seen: &RefCell<Seen>) -> Result<Found, Diagnostics> {
    let value = evaluate(world, written, &Type::Any, seen)?;
    let wrong = |label: String, detail: &str| {
        Err(Diagnostic::error("Invalid for_each", detail).at(written.span, label).into())
    };
    let found: Found = match &value {
        Value::Map(map) => {
            map.iter().map(|(key, value)| (InstanceKey::Name(key.clone()), value.clone())).collect()
        }
        Value::Set(set) => {
            let named = set.iter().filter_map(|value| match value {
                Value::Text(text) => Some((InstanceKey::Name(text.clone()), value.clone())),
                _ => None,
            });
            let found: Found = named.collect();
            if found.len() != set.len() {
                let label = format!("this is a {}", value.type_name());
                return wrong(
                    label,
                    "Every element becomes a key, so a set holds texts: write toset([\"a\", \"b\"]).",
                );
            }
            found
        }
        Value::Reference(Reference::Block(address)) => match whole_block(world, address, seen)? {
            Some(found) => found,
            None => {
                return wrong(
                    format!("{address} has `count`"),
                    "Its instances have numbers, not keys. Write `count` in this block as well, or `for_each` in both.",
                );
            }
        },
        Value::Unknown => Found::new(),
        Value::List(_) => {
            return wrong(
                format!("this is a {}", value.type_name()),
                "A list has an order, and with it every instance would change its address when an element is added before it. Write toset(…) around it, or use a map.",
            );
        }
        other => {
            return wrong(
                format!("this is a {}", other.type_name()),
                "`for_each` takes a map or a set of texts.",
            );
        }
    };
    limited(found, written)
}

/// `for_each = volume.data`: the same keys, and the instances as values. Nothing where they have numbers.
fn whole_block(
    world: &World<'_>,
    address: &crate::model::Address,
    seen: &RefCell<Seen>,
) -> Result<Option<Found>, Diagnostics> {
    match world.instances.get(address) {
        None => {
            seen.borrow_mut().needs.insert(super::world::Node::Instances(address.clone()));
            Ok(Some(Found::new()))
        }
        Some(None) => Err(Diagnostics::new()),
        Some(Some(instances)) => {
            let one = |key: &InstanceKey| Value::Reference(Reference::Object(address.with_key(key.clone())));
            let are_named = instances.keys().all(|key| matches!(key, InstanceKey::Name(_)));
            Ok(are_named.then(|| instances.keys().map(|key| (key.clone(), one(key))).collect()))
        }
    }
}

fn counted(world: &World<'_>, written: &Written, seen: &RefCell<Seen>) -> Result<Found, Diagnostics> {
    let count = match evaluate(world, written, &Type::Number, seen)? {
        Value::Number(number) => number.to_u64(),
        _ => return Ok(Found::new()),
    };
    match count {
        Some(count) if count <= MOST => {
            Ok((0..count).map(|index| (InstanceKey::Index(index), Value::Null)).collect())
        }
        Some(_) => Err(too_many(written)),
        None => Err(Diagnostic::error("Invalid count", "`count` is a whole number, 0 or more.")
            .at(written.span, "this is not a number of instances")
            .into()),
    }
}

fn limited(found: Found, written: &Written) -> Result<Found, Diagnostics> {
    let is_long = |key: &InstanceKey| matches!(key, InstanceKey::Name(name) if name.len() > LONGEST_KEY);
    if found.keys().any(is_long) {
        let detail = "A key is part of an address, which people read and type. It has at most 255 bytes.";
        return Err(Diagnostic::error("Invalid for_each", detail)
            .at(written.span, "this has a longer key")
            .into());
    }
    if found.len() as u64 > MOST { Err(too_many(written)) } else { Ok(found) }
}

fn too_many(written: &Written) -> Diagnostics {
    Diagnostic::error(
        "Too many instances",
        "A configuration can have 1,000,000 volumes, snapshots and attachments. Split it into several workspaces.",
    )
    .at(written.span, "this makes more instances than that")
    .into()
}
