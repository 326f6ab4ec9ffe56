//! Who has a volume: it leaves one user before it comes to the next, unless both know that it is shared. A host that is lost
//! is shut out before anybody gets what it had.

use std::collections::{BTreeMap, BTreeSet};
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
