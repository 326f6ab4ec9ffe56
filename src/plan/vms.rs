//! Whether VMs can take the disks that are meant for them.

use std::collections::BTreeMap;

use super::diff::{Change, Decision, Diff};
use super::problems;
use super::world::World;
use crate::model::observed::{Slots, VmView};
use crate::model::{Address, Body, Bus, DiskBody, Record};

/// What a VM's bus gives and gets, and who wants more of it.
#[derive(Default)]
struct Bill<'a> {
    freed: usize,
    taken: Vec<&'a Address>,
}

/// Adds what is in the way of new disks: a VM that is off, a bus without room.
pub fn check(world: &World<'_>, found: &mut Diff) {
    let mut diagnostics = Vec::new();
    let mut bills: BTreeMap<(&Address, &str, Bus), Bill<'_>> = BTreeMap::new();
    for change in found.changes.values() {
        if let Some((record, disk)) = leaving(change).and_then(disk) {
            bills.entry((&record.object.container, &disk.vm, disk.bus)).or_default().freed += 1;
        }
        if let Some((record, disk)) = coming(change).and_then(disk) {
            match view(world, record, disk).and_then(|vm| vm.off.as_ref()) {
                Some(why) => diagnostics.push(problems::vm_off(world, &change.key.address, why)),
                None => bills
                    .entry((&record.object.container, &disk.vm, disk.bus))
                    .or_default()
                    .taken
                    .push(&change.key.address),
            }
        }
    }
    for ((container, vm, bus), bill) in &bills {
        let Some(Slots { free, todo }) =
            (world.live.get(*container)).and_then(|view| view.vms()?.get(*vm)?.slots.get(bus))
        else {
            continue;
        };
        let room = free + bill.freed;
        for address in bill.taken.iter().skip(room) {
            diagnostics.push(problems::no_slot(world, address, (vm, *bus), room, todo));
        }
    }
    found.diagnostics.extend(diagnostics);
}

fn leaving(change: &Change) -> Option<&Record> {
    matches!(change.decision, Decision::Destroy | Decision::Replace).then_some(change.before.as_deref())?
}

fn coming(change: &Change) -> Option<&Record> {
    matches!(change.decision, Decision::Create | Decision::Replace).then_some(change.after.as_deref())?
}

fn disk(record: &Record) -> Option<(&Record, &DiskBody)> {
    match &record.object.body {
        Body::Disk(disk) => Some((record, disk)),
        _ => None,
    }
}

fn view<'a>(world: &World<'a>, record: &Record, disk: &DiskBody) -> Option<&'a VmView> {
    world.live.get(&record.object.container)?.vms()?.get(&disk.vm)
}
