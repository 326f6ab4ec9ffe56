//! Whether volumes can be restored from the snapshots that were named for it.

use super::diff::{Decision, Diff, LiveIndex};
use super::problems;
use super::world::{Options, World, find_record};
use crate::model::{Address, Body};

/// Adds what is in the way of restoring volumes from snapshots.
pub fn check(world: &World<'_>, options: &Options, index: &LiveIndex<'_>, found: &mut Diff) {
    for (volume, snapshot) in &options.restore {
        let record = find_record(world.records, volume);
        let source = find_record(world.records, snapshot);
        let why = match (record.map(|r| &r.object.body), source.map(|r| &r.object.body)) {
            (Some(Body::Volume(_)), Some(Body::Snapshot(taken)))
                if Some(taken.origin.id) == record.map(|r| r.object.id) =>
            {
                None
            }
            (Some(Body::Volume(_)), Some(Body::Snapshot(taken))) if taken.origin.address == *volume => {
                Some(format!("{snapshot} was taken of the {volume} that has been replaced since"))
            }
            (Some(Body::Volume(_)), Some(Body::Snapshot(taken))) => {
                Some(format!("{snapshot} is a snapshot of {}, not of {volume}", taken.origin.address))
            }
            (Some(Body::Volume(_)), _) => Some(format!("there is no snapshot {snapshot} in the state")),
            _ => Some(format!("there is no volume {volume} in the state")),
        };
        if let Some(why) = why {
            found.diagnostics.push(problems::not_its_snapshot(volume, snapshot, &why));
            continue;
        }
        let mut users: Vec<String> =
            disks_of(world, found, volume).map(|address| address.to_string()).collect();
        let open =
            record.and_then(|record| index.find(record.object.id)).is_some_and(|observed| observed.open);
        users.extend(open.then(|| "a process has it open".to_owned()));
        if !users.is_empty() {
            found.diagnostics.push(problems::only_in_use(world, volume, &users));
        }
    }
}

/// The attachments of a volume that stay.
fn disks_of<'a>(
    world: &'a World<'_>,
    found: &'a Diff,
    volume: &'a Address,
) -> impl Iterator<Item = &'a Address> {
    world
        .records
        .values()
        .filter(move |record| {
            let Body::Disk(disk) = &record.object.body else { return false };
            let going = found
                .changes
                .get(&record.object.key)
                .is_some_and(|change| change.decision == Decision::Destroy);
            disk.source.address == *volume && !going
        })
        .map(|record| &record.object.key.address)
}
