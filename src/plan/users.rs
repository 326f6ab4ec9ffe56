//! Who has a volume: it leaves one user before it comes to the next, unless both know that it is shared. A host that is lost
//! is shut out before anybody gets what it had. Who is let in to a target changes while nobody goes in or out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::build::{Chains, settled};
use super::diff::Change;
use super::graph::Edges;
use super::lost::Lost;
use super::step::Step;
use crate::model::{Address, Body, DiskBody, ObjectKey, Record};

/// Adds the edges between the disks of one volume.
pub fn order(
    changes: &BTreeMap<ObjectKey, Change>,
    lost: &Lost,
    chains: &BTreeMap<ObjectKey, Chains>,
    steps: &[Step],
    edges: &mut Edges,
) {
    let mut users: BTreeMap<Uuid, Vec<(&Change, &Chains)>> = BTreeMap::new();
    for (key, chains) in chains {
        let Some(change) = changes.get(key) else { continue };
        let sides = [&change.before, &change.after];
        let sources: BTreeSet<Uuid> = sides.into_iter().filter_map(disk).map(|disk| disk.source.id).collect();
        for id in sources {
            users.entry(id).or_default().push((change, chains));
        }
    }
    for (key, chains) in chains.iter().filter(|(key, _)| lost.evicts(key)) {
        let Some(last) = settled(steps, &chains.down) else { continue };
        let coming = users.values().flatten().filter(|(change, _)| attaches(change, &key.address));
        for first in coming.filter_map(|(_, chains)| chains.up.clone().next()) {
            edges.add(last, first);
        }
    }
    doors(changes, chains, steps, edges);
    for users in users.values() {
        for (leaving, theirs) in users {
            let Some(last) = settled(steps, &theirs.down) else { continue };
            for (coming, ours) in users.iter().filter(|(coming, _)| coming.key != leaving.key) {
                if let Some(first) = ours.up.clone().next().filter(|_| !both_share(leaving, coming)) {
                    edges.add(last, first);
                }
            }
        }
    }
}

/// Around one export: who goes out over it, how those who are let in change, who comes in.
#[derive(Default)]
struct Door<'a> {
    leaving: Vec<&'a Range<usize>>,
    grants: Vec<&'a Chains>,
    coming: Vec<&'a Range<usize>>,
}

/// A target may refuse everybody for the moment in which those who are let in change, as tgtd does; so it may when that is taken
/// back. Who goes out over an export has gone before, and who comes in over it comes after all of it.
fn doors(
    changes: &BTreeMap<ObjectKey, Change>,
    chains: &BTreeMap<ObjectKey, Chains>,
    steps: &[Step],
    edges: &mut Edges,
) {
    let mut doors: BTreeMap<&Address, Door<'_>> = BTreeMap::new();
    for (key, chains) in chains {
        let Some(change) = changes.get(key) else { continue };
        for (record, chain, goes) in
            [(&change.before, &chains.down, true), (&change.after, &chains.up, false)]
        {
            let Some(record) = record.as_deref().filter(|_| !chain.is_empty()) else { continue };
            let Some(volume) = exported(record) else { continue };
            let door = doors.entry(volume).or_default();
            match &record.object.body {
                Body::Grant(_) => door.grants.push(chains),
                _ if goes => door.leaving.push(chain),
                _ => door.coming.push(chain),
            }
        }
    }
    for Door { leaving, grants, coming } in doors.into_values() {
        let gone: Vec<usize> = leaving.into_iter().filter_map(|chain| settled(steps, chain)).collect();
        let comes: Vec<usize> = coming.into_iter().filter_map(|chain| chain.clone().next()).collect();
        for chain in grants.into_iter().flat_map(|grant| [&grant.down, &grant.up]) {
            let (Some(first), Some(last)) = (chain.clone().next(), settled(steps, chain)) else { continue };
            gone.iter().for_each(|gone| edges.add(*gone, first));
            comes.iter().for_each(|comes| edges.add(last, *comes));
        }
    }
}

/// The volume over whose export this leads.
fn exported(record: &Record) -> Option<&Address> {
    match &record.object.body {
        Body::Grant(_) | Body::Session(_) => Some(&record.object.key.address),
        Body::Disk(disk) if record.object.body.link().is_some() => Some(&disk.source.address),
        _ => None,
    }
}

/// Whether the source of the disk that comes is at this address.
fn attaches(coming: &Change, source: &Address) -> bool {
    disk(&coming.after).is_some_and(|disk| disk.source.address == *source)
}

fn both_share(leaving: &Change, coming: &Change) -> bool {
    [&leaving.before, &coming.after].into_iter().all(|record| disk(record).is_none_or(|disk| disk.shared))
}

fn disk(record: &Option<Arc<Record>>) -> Option<&DiskBody> {
    match &record.as_ref()?.object.body {
        Body::Disk(disk) => Some(disk),
        _ => None,
    }
}
