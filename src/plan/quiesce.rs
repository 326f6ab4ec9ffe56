//! Whose guests are frozen while a snapshot is taken.

use std::collections::BTreeMap;

use super::world::World;
use super::{containers, problems};
use crate::diag::Diagnostic;
use crate::model::desired::Spec;
use crate::model::observed::Guest;
use crate::model::{Access, Address, Body, DiskBody, Record};

/// A disk of each running VM that writes to the volume of this snapshot; none where nothing is to be frozen.
///
/// # Errors
/// A VM that runs and whose guest cannot be asked to.
pub fn guests<'a>(world: &World<'a>, snapshot: &Record) -> Result<Vec<&'a Record>, Diagnostic> {
    let address = &snapshot.object.key.address;
    let is_wanted = match world.desired.resources.get(address).map(|resource| &resource.spec) {
        Some(Spec::Snapshot(spec)) => spec.quiesce_guest,
        _ => false,
    };
    let Some(origin) = snapshot.object.body.source().filter(|_| is_wanted) else { return Ok(Vec::new()) };
    let mut found: BTreeMap<(&Address, &str), &Record> = BTreeMap::new();
    for record in world.records.values() {
        let Body::Disk(disk) = &record.object.body else { continue };
        if disk.source.id != origin.id || disk.access == Access::ReadOnly {
            continue;
        }
        match guest(world, record, disk) {
            Guest::Off => {}
            Guest::Answers => {
                found.insert((&record.object.container, &disk.vm), record);
            }
            Guest::Silent(why) => {
                return Err(problems::not_frozen(world, address, &record.object.key.address, &why));
            }
            Guest::Unknown => {
                let why = format!("{} cannot ask guests to do that", record.object.container);
                return Err(problems::not_frozen(world, address, &record.object.key.address, &why));
            }
        }
    }
    Ok(found.into_values().collect())
}

fn guest(world: &World<'_>, record: &Record, disk: &DiskBody) -> Guest {
    let container = &record.object.container;
    let freezes = containers::spec(world, container).is_some_and(|spec| world.makers.traits(spec).freezes);
    let vms = world.live.get(container).and_then(|view| view.vms()).filter(|_| freezes);
    vms.and_then(|vms| Some(vms.get(&disk.vm)?.guest.clone())).unwrap_or_default()
}
