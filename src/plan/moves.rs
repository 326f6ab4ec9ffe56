//! `moved` blocks and `state mv`: a record goes on under another address. Nothing on a host changes.

use std::collections::BTreeMap;

use super::step::Effect;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::model::{Address, ObjectKey, Record};

/// One move as it was asked for. Where neither address has a key, every instance of the block moves; else one does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub from: Address,
    pub to: Address,
    pub span: Option<Span>,
}

/// The records as they are after the moves, and what the state has to learn.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub records: BTreeMap<ObjectKey, Record>,
    pub effects: Vec<Effect>,
}

/// Carries the moves out on a copy of the records. A move whose source is not recorded has happened already.
///
/// # Errors
/// A move onto an address that is recorded as something else.
pub fn apply(records: &BTreeMap<ObjectKey, Record>, moves: &[Move]) -> Result<Moved, Diagnostics> {
    let mut moved = Moved { records: records.clone(), effects: Vec::new() };
    let mut problems = Diagnostics::new();
    for wanted in moves {
        for (from, to) in instances(&moved.records, wanted) {
            if moved.records.keys().any(|key| key.address == to) {
                problems.push(occupied(wanted, &from, &to));
                continue;
            }
            rename(&mut moved.records, &from, &to);
            moved.effects.push(Effect::Move { from, to });
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(moved) }
}

/// The recorded addresses that a move concerns, each with where it goes.
fn instances(records: &BTreeMap<ObjectKey, Record>, wanted: &Move) -> Vec<(Address, Address)> {
    let whole_block = wanted.from.key.is_none() && wanted.to.key.is_none();
    let mut found: Vec<(Address, Address)> = records
        .keys()
        .map(|key| &key.address)
        .filter(|address| if whole_block { wanted.from.covers(address) } else { wanted.from == **address })
        .map(|address| {
            let to = if whole_block {
                Address { key: address.key.clone(), ..wanted.to.clone() }
            } else {
                wanted.to.clone()
            };
            (address.clone(), to)
        })
        .collect();
    found.dedup();
    found
}

/// Renames an address in its own records and wherever others name it. The state does the same with
/// [`Effect::Move`].
pub fn rename(records: &mut BTreeMap<ObjectKey, Record>, from: &Address, to: &Address) {
    let old = std::mem::take(records);
    for (mut key, mut record) in old {
        if key.address == *from {
            key.address = to.clone();
        }
        record.object.key = key.clone();
        rename_in(&mut record, from, to);
        records.insert(key, record);
    }
}

/// Renames an address where a record names it as its source or as something it depends on.
pub fn rename_in(record: &mut Record, from: &Address, to: &Address) {
    use crate::model::Body;
    let source = match &mut record.object.body {
        Body::Container(_) => None,
        Body::Volume(volume) => volume.source.as_mut(),
        Body::Snapshot(snapshot) => Some(&mut snapshot.origin),
        Body::Disk(disk) => Some(&mut disk.source),
    };
    for address in source.map(|source| &mut source.address).into_iter().chain(&mut record.depends_on) {
        if address == from {
            *address = to.clone();
        }
    }
}

fn occupied(wanted: &Move, from: &Address, to: &Address) -> Diagnostic {
    Diagnostic::error(
        "Cannot be moved there",
        format!(
            "{from} would become {to}, and the state has another {to} already: one of the two would be forgotten. Move or \
             destroy that one first, or remove this move."
        ),
    )
    .maybe_at(wanted.span, "this address is taken")
}
