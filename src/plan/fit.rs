//! What is wanted, held against what the pools would make of it: sizes, and the health of what content comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::build::{is_made, is_snapshot};
use super::diff::{Decision, Diff, LiveIndex};
use super::world::{Proof, World, find_record};
use super::{capacity, containers, problems};
use crate::model::{Address, Body, Bytes, Health, Kind, Login, ObjectKey, Record};

/// A new snapshot comes before every other change to its volume, so it has the size that the volume has until then.
pub fn size_snapshots(world: &World<'_>, found: &mut Diff) {
    let made: BTreeSet<ObjectKey> =
        found.changes.values().filter(|change| is_made(change)).map(|change| change.key.clone()).collect();
    for change in found.changes.values_mut().filter(|change| change.before.is_none()) {
        let Some(after) = change.after.as_mut().filter(|after| is_snapshot(after)) else { continue };
        let Body::Snapshot(snapshot) = &mut Arc::make_mut(after).object.body else { continue };
        let Some(origin) = find_record(world.records, &snapshot.origin.address) else { continue };
        if !made.contains(&origin.object.key) {
            snapshot.size = origin.object.body.size();
            fit_record(world, after);
        }
    }
}

/// Sizes as the pools will make them.
pub fn fit(world: &World<'_>, desired: &mut BTreeMap<ObjectKey, Arc<Record>>) {
    for record in desired.values_mut().filter(|record| record.object.container.kind == Kind::Pool) {
        fit_record(world, record);
    }
    let sizes: BTreeMap<Address, Bytes> = desired
        .values()
        .filter(|record| record.object.container.kind == Kind::Pool)
        .map(|record| {
            let recorded = find_record(world.records, &record.object.key.address);
            let before = recorded.map_or(Bytes::ZERO, |recorded| recorded.object.body.size());
            (record.object.key.address.clone(), record.object.body.size().max(before))
        })
        .collect();
    for record in desired.values_mut().filter(|record| record.object.container.kind != Kind::Pool) {
        let traits = containers::spec(world, &record.object.container)
            .map(|container| world.makers.traits(container))
            .unwrap_or_default();
        let record = Arc::make_mut(record);
        let shown = match &record.object.body {
            Body::Disk(disk) => sizes.get(&disk.source.address),
            _ => sizes.get(&record.object.key.address),
        };
        record.object.body.show(shown.copied().filter(|_| traits.keeps_size));
        record.object.body.follow_configuration(traits.configures);
        prove(world, record);
    }
}

/// The secrets of a record: as the grant has them that it stands on, since they may have been changed. Whoever is let in
/// anew gets new ones: what a host that was shut out still knows is worth nothing.
fn prove(world: &World<'_>, record: &mut Record) {
    let grant = match &record.object.body {
        Body::Grant(_) => Some(&record.object.key),
        body => body.link().map(|link| &link.key),
    };
    let recorded = grant.and_then(|key| world.records.get(key)).map(|record| record.object.body.clone());
    let known: Vec<Login> = recorded
        .map(|mut body| body.logins().1.into_iter().map(|login| login.clone()).collect())
        .unwrap_or_default();
    let (target, logins) = record.object.body.logins();
    for login in logins {
        if let Some(sealed) = world.fingerprint.sealed(&login.secret) {
            login.secret = sealed;
        } else if let Some(known) = known.iter().find(|known| known.user == login.user) {
            login.secret.clone_from(&known.secret);
        } else if let generation @ 1.. = world.fingerprint.generation() {
            login.secret = format!("{}/{generation}", login.secret);
        }
        login.fingerprint =
            world.fingerprint.of(&Proof { target: &target, user: &login.user, secret: &login.secret });
    }
}

fn fit_record(world: &World<'_>, record: &mut Arc<Record>) {
    let address = &record.object.container;
    let (Some(spec), Some(capacity)) = (containers::spec(world, address), capacity::capacity(world, address))
    else {
        return;
    };
    let mut body = record.object.body.clone();
    world.makers.fit(spec, capacity, &mut body);
    if body != record.object.body {
        Arc::make_mut(record).object.body = body;
    }
}

/// Nothing is made from a snapshot whose data is lost.
pub fn check_sources(world: &World<'_>, index: &LiveIndex<'_>, found: &mut Diff) {
    let broken = |address: &Address| {
        let observed = index.find(find_record(world.records, address)?.object.id)?;
        match &observed.health {
            Health::Broken { why } => Some(why.clone()),
            Health::Good | Health::Replaced { .. } => None,
        }
    };
    let mut problems = Vec::new();
    for change in found.changes.values() {
        let source = match &change.decision {
            Decision::Restore { snapshot } => Some(snapshot),
            Decision::Create | Decision::Replace => change
                .after
                .as_ref()
                .and_then(|after| after.object.body.source())
                .map(|source| &source.address),
            _ => None,
        };
        if let Some((source, why)) = source.and_then(|source| Some((source, broken(source)?))) {
            problems.push(problems::broken(world, &change.key.address, source, &why));
        }
    }
    found.diagnostics.extend(problems);
}
