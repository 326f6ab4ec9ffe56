//! What lies between a volume and a disk goes with its last user, and what stands on it goes with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::diff::{Change, Decision, Diff, LiveIndex};
use super::world::{Scope, World};
use super::{Layer, containers};
use crate::model::{Address, Body, HostName, Kind, ObjectKey, Record};

/// Keeps layers that something which stays stands on, and replaces what stands on a layer that is replaced.
pub fn settle(world: &World<'_>, index: &LiveIndex<'_>, found: &mut Diff) {
    while keep_one(world, found) {}
    while replace_one(world, index, found) {}
}

/// Whether a run may change an object. A layer is changed for its attachments: a run that leaves them out, or is about their
/// volume alone, leaves the way to them as it is.
pub fn in_scope(
    world: &World<'_>,
    desired: &BTreeMap<ObjectKey, Arc<Record>>,
    scope: &Scope,
    key: &ObjectKey,
) -> bool {
    if key.is_primary() || matches!(scope, Scope::Everything) {
        return scope.contains(&key.address);
    }
    let all: Vec<&Record> = world.records.values().chain(desired.values().map(|record| &**record)).collect();
    let attachments = reaching(&all, key);
    if attachments.is_empty() {
        scope.contains(&key.address)
    } else {
        attachments.iter().any(|a| scope.contains(a))
    }
}

/// The records that stand on `key`.
fn standing_on<'a>(world: &World<'a>, key: &'a ObjectKey) -> impl Iterator<Item = &'a Record> {
    world
        .records
        .values()
        .filter(move |record| record.object.body.link().is_some_and(|link| link.key == *key))
}

/// What is out of scope stays attached, and needs its way.
fn keep_one(world: &World<'_>, found: &mut Diff) -> bool {
    let stays = |record: &Record| match found.changes.get(&record.object.key) {
        None => true,
        Some(change) => match change.decision {
            Decision::Destroy | Decision::Forget => false,
            _ => change
                .after
                .as_ref()
                .is_some_and(|after| after.object.body.link() == record.object.body.link()),
        },
    };
    let needed = found.changes.values().find(|change| {
        let is_layer = change.before.as_ref().is_some_and(|before| before.object.body.is_layer());
        change.decision == Decision::Destroy && is_layer && standing_on(world, &change.key).any(stays)
    });
    let Some(key) = needed.map(|change| change.key.clone()) else { return false };
    found.changes.remove(&key).is_some()
}

/// A disk is not left on a session that is closed and opened again.
fn replace_one(world: &World<'_>, index: &LiveIndex<'_>, found: &mut Diff) -> bool {
    let replaced = |change: &&Change| {
        change.decision == Decision::Replace
            && change.before.as_ref().is_some_and(|before| before.object.body.is_layer())
    };
    let next = found.changes.values().filter(replaced).find_map(|change| {
        standing_on(world, &change.key).find_map(|record| {
            let decided = found.changes.get(&record.object.key);
            let stays =
                decided.is_none_or(|change| matches!(change.decision, Decision::Update | Decision::Record));
            let live = index.find(record.object.id).filter(|_| stays)?;
            let after = decided.and_then(|change| change.after.clone());
            Some(Change {
                key: record.object.key.clone(),
                decision: Decision::Replace,
                before: Some(Arc::new(record.clone())),
                after: Some(after.unwrap_or_else(|| Arc::new(record.clone()))),
                live: Some(Box::new(live.clone())),
                reason: "what it stands on is replaced".to_owned(),
                forcing: Vec::new(),
            })
        })
    });
    let Some(change) = next else { return false };
    found.changes.insert(change.key.clone(), change);
    true
}

/// How a layer is shown; nothing for what is none.
pub fn layer(world: &World<'_>, changes: &BTreeMap<ObjectKey, Change>, change: &Change) -> Option<Layer> {
    let record = change.after.as_ref().or(change.before.as_ref())?;
    let container = &record.object.container;
    let host = containers::spec(world, container).map_or_else(HostName::local, |spec| spec.host.clone());
    let proves = |login: bool| if login { ", CHAP" } else { "" };
    let (kind, what) = match &record.object.body {
        Body::Export(export) => ("export", format!("{} ({host})", export.target)),
        Body::Grant(grant) => ("grant", format!("{}{}", grant.initiator, proves(grant.login.is_some()))),
        Body::Session(session) => ("session", format!("{host} -> {}", session.portals.join(", "))),
        Body::Container(_) | Body::Volume(_) | Body::Snapshot(_) | Body::Disk(_) => return None,
    };
    let name = change.key.layer()?;
    Some(Layer { kind: kind.into(), name, what, serves: served(world, changes, &change.key) })
}

/// The attachments whose way leads over `key`, before or after.
fn served(world: &World<'_>, changes: &BTreeMap<ObjectKey, Change>, key: &ObjectKey) -> Vec<Address> {
    let made = changes.values().filter_map(|change| change.after.as_deref());
    let all: Vec<&Record> = world.records.values().chain(made).collect();
    reaching(&all, key)
}

/// The attachments among these records whose way leads over `key`.
fn reaching(all: &[&Record], key: &ObjectKey) -> Vec<Address> {
    let mut reached = BTreeSet::from([key]);
    loop {
        let before = reached.len();
        let stands =
            |record: &&&Record| record.object.body.link().is_some_and(|link| reached.contains(&link.key));
        let more: Vec<&ObjectKey> = all.iter().filter(stands).map(|record| &record.object.key).collect();
        reached.extend(more);
        if reached.len() == before {
            break;
        }
    }
    reached
        .into_iter()
        .filter(|key| key.address.kind == Kind::Attachment)
        .map(|key| key.address.clone())
        .collect()
}
