//! `moved` blocks and `state mv`: a record goes on under another address. Nothing on a host changes.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

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

/// Carries the moves out on a copy of the records, all at once: what is at an address before any of them goes where
/// that address goes, and along a chain as far as nothing recorded is in between. A move whose source is not recorded
/// has happened already.
///
/// # Errors
/// A move onto an address that is recorded as something else and stays.
pub fn apply(records: &BTreeMap<ObjectKey, Record>, moves: &[Move]) -> Result<Moved, Diagnostics> {
    if moves.is_empty() {
        return Ok(Moved { records: records.clone(), effects: Vec::new() });
    }
    let recorded: BTreeSet<&Address> = records.keys().map(|key| &key.address).collect();
    let mut goals: BTreeMap<&Address, (Address, &Move)> = BTreeMap::new();
    for address in &recorded {
        if let Some(goal) = follow(address, moves, &recorded) {
            goals.insert(address, goal);
        }
    }
    let mut problems = Diagnostics::new();
    let mut taken: BTreeSet<&Address> = BTreeSet::new();
    for (from, (to, wanted)) in &goals {
        let stays = recorded.contains(to) && !goals.contains_key(to);
        if stays || !taken.insert(to) {
            problems.push(occupied(wanted, from, to));
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    let effects = goals.iter().map(|(from, (to, _))| Effect::Move { from: (*from).clone(), to: to.clone() });
    let goals: BTreeMap<&Address, &Address> = goals.iter().map(|(from, (to, _))| (*from, to)).collect();
    Ok(Moved { effects: effects.collect(), records: rename(records, &goals) })
}

/// Where `start` goes, with the last move on the way; nothing where it stays.
fn follow<'m>(
    start: &Address,
    moves: &'m [Move],
    recorded: &BTreeSet<&Address>,
) -> Option<(Address, &'m Move)> {
    let mut seen = BTreeSet::from([start.clone()]);
    let mut reached: Option<(Address, &Move)> = None;
    loop {
        let here = reached.as_ref().map_or(start, |(address, _)| address);
        if here != start && recorded.contains(here) {
            return reached;
        }
        let Some((next, wanted)) = step(here, moves) else { return reached };
        if !seen.insert(next.clone()) {
            return reached;
        }
        reached = Some((next, wanted));
    }
}

/// Where one move takes an address. A move of the instance counts before a move of its block; and a block without
/// instances that becomes an instance takes none of the others along.
fn step<'m>(address: &Address, moves: &'m [Move]) -> Option<(Address, &'m Move)> {
    let whole = |wanted: &Move| wanted.from.key.is_none() && wanted.to.key.is_none();
    let exact = moves.iter().find(|wanted| wanted.from == *address);
    let wanted =
        exact.or_else(|| moves.iter().find(|wanted| whole(wanted) && wanted.from.covers(address)))?;
    let to = if whole(wanted) {
        Address { key: address.key.clone(), ..wanted.to.clone() }
    } else {
        wanted.to.clone()
    };
    Some((to, wanted))
}

/// The records under their new addresses, and wherever others name them. The state does the same with
/// [`Effect::Move`]. Sources are known by id: an address may have had another owner.
fn rename(
    records: &BTreeMap<ObjectKey, Record>,
    goals: &BTreeMap<&Address, &Address>,
) -> BTreeMap<ObjectKey, Record> {
    let renamed = |address: &Address| goals.get(address).map_or_else(|| address.clone(), |to| (*to).clone());
    let moved: BTreeMap<Uuid, Address> =
        records.values().map(|record| (record.object.id, renamed(&record.object.key.address))).collect();
    let renew = |record: &Record| {
        let mut record = record.clone();
        record.object.key.address = renamed(&record.object.key.address);
        for address in &mut record.depends_on {
            *address = renamed(address);
        }
        record.object.body.follow(&|id| moved.get(&id).cloned());
        (record.object.key.clone(), record)
    };
    records.values().map(renew).collect()
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
