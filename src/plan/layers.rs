//! What lies between a volume and a disk goes with its last user, and what stands on it goes with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::diff::{Change, Decision, Diff, LiveIndex};
use super::step::{Expectation, Step, Undo};
use super::world::{Scope, World};
use super::{Layer, containers};
use crate::model::{Address, Body, HostName, Kind, ObjectKey, Place, Record};

/// Records by what they stand on: disks on sessions, sessions on grants, grants on exports.
pub struct Ways<'a>(BTreeMap<&'a ObjectKey, Vec<&'a Record>>);

impl<'a> Ways<'a> {
    pub fn over(records: impl Iterator<Item = &'a Record>) -> Self {
        let mut ways: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for record in records {
            if let Some(link) = record.object.body.link() {
                ways.entry(&link.key).or_default().push(record);
            }
        }
        Ways(ways)
    }

    fn standing_on(&self, key: &ObjectKey) -> &[&'a Record] {
        self.0.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The attachments whose way leads over `key`.
    fn attachments<'b>(&'b self, key: &'b ObjectKey) -> BTreeSet<&'b Address> {
        let mut reached = BTreeSet::from([key]);
        let mut open = vec![key];
        while let Some(key) = open.pop() {
            let above = self.standing_on(key).iter().map(|record| &record.object.key);
            open.extend(above.filter(|key| reached.insert(key)));
        }
        let addresses = reached.into_iter().map(|key| &key.address);
        addresses.filter(|address| address.kind == Kind::Attachment).collect()
    }
}

/// Whether a run may change an object. A layer is changed for its attachments: a run that leaves them out, or is about their
/// volume alone, leaves the way to them as it is. `ways` leads over what is recorded and what is wanted.
pub fn in_scope(ways: &Ways<'_>, scope: &Scope, key: &ObjectKey) -> bool {
    if key.is_primary() || matches!(scope, Scope::Everything) {
        return scope.contains(&key.address);
    }
    let attachments = ways.attachments(key);
    if attachments.is_empty() {
        scope.contains(&key.address)
    } else {
        attachments.into_iter().any(|address| scope.contains(address))
    }
}

/// Keeps layers that something which stays stands on, and replaces what stands on a layer that is replaced.
pub fn settle(world: &World<'_>, index: &LiveIndex<'_>, found: &mut Diff) {
    let ways = Ways::over(world.records.values());
    // Each turn goes on by one layer.
    loop {
        let kept = needed(&ways, found);
        if kept.is_empty() {
            break;
        }
        kept.iter().for_each(|key| drop(found.changes.remove(key)));
    }
    loop {
        let replaced = carried(&ways, index, found);
        if replaced.is_empty() {
            break;
        }
        found.changes.extend(replaced.into_iter().map(|change| (change.key.clone(), change)));
    }
}

/// Layers that are to go and must not: what is out of scope stays attached, and needs its way.
fn needed(ways: &Ways<'_>, found: &Diff) -> Vec<ObjectKey> {
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
    let goes = |change: &&Change| {
        let is_layer = change.before.as_ref().is_some_and(|before| before.object.body.is_layer());
        change.decision == Decision::Destroy && is_layer
    };
    let going = found.changes.values().filter(goes).map(|change| &change.key);
    going.filter(|key| ways.standing_on(key).iter().any(|record| stays(record))).cloned().collect()
}

/// What stays on a layer that is replaced and has to be replaced, too: a disk is not left on a session that is closed and
/// opened again.
fn carried(ways: &Ways<'_>, index: &LiveIndex<'_>, found: &Diff) -> Vec<Change> {
    let is_replaced = |change: &&Change| {
        change.decision == Decision::Replace
            && change.before.as_ref().is_some_and(|before| before.object.body.is_layer())
    };
    let above = |change: &Change| ways.standing_on(&change.key).to_vec();
    let records = found.changes.values().filter(is_replaced).flat_map(above);
    records
        .filter_map(|record| {
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
        .collect()
}

/// What stands on a target that is gone, or was left over, cannot be put back or is not to be: taking its removal back finishes
/// it, so that nothing stays half done, and a record of it stays for the next run.
pub fn let_go(world: &World<'_>, changes: &BTreeMap<ObjectKey, Change>, change: &Change, steps: &mut [Step]) {
    let is_live = change.live.as_ref().is_some_and(|live| live.place == Place::Live);
    let is_left_over = !world.records.contains_key(&change.key);
    if !is_live || !(is_left_over || is_adrift(changes, change)) {
        return;
    }
    for step in steps {
        let Some(before) = &change.before else { continue };
        let (container, id) = (before.object.container.clone(), before.object.id);
        step.undo = Undo::Run(step.run.clone());
        let place = Place::Staged.word().to_owned();
        step.proof.not_done = vec![Expectation::NotAt { container, id, place }];
    }
}

/// Whether something that it stands on is gone and does not come back.
fn is_adrift(changes: &BTreeMap<ObjectKey, Change>, change: &Change) -> bool {
    let link = change.before.as_ref().and_then(|before| before.object.body.link());
    let Some(below) = link.and_then(|link| changes.get(&link.key)) else { return false };
    match (&below.decision, &below.live) {
        (Decision::Forget, _) => true,
        (Decision::Destroy, Some(live)) => live.place == Place::Vanished || is_adrift(changes, below),
        _ => false,
    }
}

/// How a layer is shown; nothing for what is none. `ways` leads over what was there before and what will be.
pub fn layer(world: &World<'_>, ways: &Ways<'_>, change: &Change) -> Option<Layer> {
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
    let serves = ways.attachments(&change.key).into_iter().cloned().collect();
    Some(Layer { kind: kind.into(), name, what, serves })
}
