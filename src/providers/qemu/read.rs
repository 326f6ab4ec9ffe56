//! Reads what a survey of QEMU's VMs printed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::observed::VmView;
use crate::model::{
    Access, Address, Body, Bus, Bytes, ContainerView, DiskBody, Health, Kind, Observed, Place, SourceRef,
};
use crate::providers::seat::{self, Contents, Seat, SeatedMark};
use crate::providers::{Scope, store};

use super::vm::{Said, Vm};
use super::{kinds, qmp};

/// In place of the device of a disk that its guest has let go of.
const RELEASED: &str = "none: its guest let go of it";

/// QEMU counts in these.
const SECTOR: u64 = 512;

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    seat::view(scope, answers, |seat| Look::new(scope, seat)?.contents())
}

struct Look<'a> {
    scope: &'a Scope<'a>,
    seat: &'a Seat<'a>,
    vms: BTreeMap<&'a str, Said>,
    /// Disks that a frame is or was at: id and lineage.
    on_their_way: BTreeSet<(Uuid, Uuid)>,
}

impl<'a> Look<'a> {
    fn new(scope: &'a Scope<'a>, seat: &'a Seat<'a>) -> Result<Self, String> {
        let mut look = Look { scope, seat, vms: BTreeMap::new(), on_their_way: BTreeSet::new() };
        for (tag, rest) in &seat.listing.records {
            let unread = || format!("its survey holds the record {tag:?} {rest:?}");
            match *tag {
                "vm" => {
                    let (vm, said) = rest.split_once('\t').ok_or_else(unread)?;
                    look.vms.insert(vm, Said::read(vm, said));
                }
                "way" => drop(look.on_their_way.insert(owner(rest).ok_or_else(unread)?)),
                _ => return Err(unread()),
            }
        }
        Ok(look)
    }

    fn contents(&self) -> Result<Contents, String> {
        let mut contents = Contents::default();
        for mark in &self.seat.marks {
            if let Some(found) = self.marked(mark)? {
                if mark.lineage != self.scope.lineage
                    && let Body::Disk(disk) = &found.body
                {
                    contents.foreign.insert(format!("{}/{}", disk.vm, disk.device));
                }
                contents.objects.push(found);
            }
        }
        contents.foreign.retain(|place| self.scope.wanted.contains(place));
        self.add_unmarked(&mut contents);
        for place in self.scope.wanted {
            let Some((vm, _)) = place.split_once('/') else { continue };
            contents.vms.insert(vm.to_owned(), self.view_of(vm));
        }
        Ok(contents)
    }

    fn view_of(&self, vm: &str) -> VmView {
        match self.vms.get(vm) {
            Some(Said::Running(vm)) => vm.view(),
            Some(Said::Unknown(why)) => VmView { off: Some(why.clone()), ..VmView::default() },
            Some(Said::Off) | None => {
                let socket = kinds::socket(self.scope.container, vm);
                let why = format!("VM {vm} is off, or its socket {socket} does not answer");
                VmView { off: Some(why), ..VmView::default() }
            }
        }
    }

    /// A marked disk; nothing where its VM has nothing of it.
    fn marked(&self, mark: &SeatedMark) -> Result<Option<Observed>, String> {
        let Body::Disk(disk) = mark.body() else {
            return Err(format!("the mark {}.json is not one of a disk", mark.id));
        };
        let mut disk = disk.clone();
        let is_on_its_way = self.on_their_way.contains(&(mark.id, mark.lineage));
        let vm = match self.vms.get(disk.vm.as_str()) {
            Some(Said::Running(vm)) => Some(&**vm),
            Some(Said::Off) => None,
            Some(Said::Unknown(why)) => return Err(why.clone()),
            None => return Err(format!("VM {} of the mark {}.json was not asked", disk.vm, mark.id)),
        };
        let device = qmp::device(mark.lineage, mark.id);
        let kind = vm.and_then(|vm| vm.devices.get(&device));
        let has_parts = vm.is_some_and(|vm| {
            vm.nodes.contains_key(&qmp::node(mark.id)) || vm.objects.contains(&qmp::secret(&device))
        });
        let place = match (kind, is_on_its_way) {
            (Some(_), false) => Place::Live,
            (Some(_) | None, true) => Place::Staged,
            (None, false) if has_parts => {
                // Its guest let go of it after a frame had ceased to wait, and the node was left.
                RELEASED.clone_into(&mut disk.device);
                Place::Live
            }
            (None, false) => return Ok(None),
        };
        let health = match (vm, kind) {
            (Some(vm), Some(kind)) => as_found(&mut disk, vm, kind, mark),
            _ => Health::Good,
        };
        Ok(Some(mark.observed(place, Body::Disk(disk), health)))
    }

    /// Disks of ours whose marks are gone, and what a killed frame left without a mark.
    fn add_unmarked(&self, contents: &mut Contents) {
        let lineage = self.scope.lineage;
        let mut known: BTreeSet<Uuid> = self.seat.marks.iter().map(|mark| mark.id).collect();
        for (name, said) in &self.vms {
            let Said::Running(vm) = said else { continue };
            for id in vm.ours(lineage).filter(|id| !known.contains(id)) {
                let health =
                    store::replaced(format!("a disk in VM {name} whose mark .vbs/{id}.json is gone"));
                contents.objects.push(bare(lineage, id, Place::Live, health));
            }
        }
        known.extend(contents.objects.iter().map(|object| object.mark.id));
        for (id, lineage) in self.on_their_way.iter().filter(|(id, _)| !known.contains(id)) {
            contents.objects.push(bare(*lineage, *id, Place::Staged, Health::Good));
        }
    }
}

/// `(id, lineage)` by the name of the file that says that a frame is at a disk.
fn owner(name: &str) -> Option<(Uuid, Uuid)> {
    let (id, lineage) = name.strip_suffix(".way")?.split_once('.')?;
    Some((id.parse().ok()?, lineage.parse().ok()?))
}

/// Takes everything from the VM that it can tell.
fn as_found(disk: &mut DiskBody, vm: &Vm, kind: &str, mark: &SeatedMark) -> Health {
    disk.bus = match kind {
        "scsi-hd" => Bus::Scsi,
        kind if kind.starts_with("virtio-blk") => Bus::Virtio,
        other => return store::replaced(format!("a device of type {other} in VM {}", disk.vm)),
    };
    let serial = vm.serials.get(&qmp::device(mark.lineage, mark.id)).map_or("", String::as_str);
    if serial != qmp::serial(disk.bus, &disk.serial) {
        serial.clone_into(&mut disk.serial);
    }
    let Some(node) = vm.nodes.get(&qmp::node(mark.id)) else {
        return store::replaced(format!("a device without its block node in VM {}", disk.vm));
    };
    disk.access = if node.read_only { Access::ReadOnly } else { Access::ReadWrite };
    let in_sectors = |size: Bytes| Bytes(size.0.next_multiple_of(SECTOR));
    if disk.size.is_none_or(|size| in_sectors(size) != node.size) {
        disk.size = Some(node.size);
    }
    Health::Good
}

fn bare(lineage: Uuid, id: Uuid, place: Place, health: Health) -> Observed {
    let body = Body::Disk(DiskBody {
        vm: String::new(),
        device: String::new(),
        bus: Bus::default(),
        access: Access::default(),
        shared: false,
        source: SourceRef { id: Uuid::nil(), address: Address::new(Kind::Volume, "unknown") },
        serial: String::new(),
        host_path: String::new(),
        network: None,
        through: None,
        presence: None,
        size: None,
    });
    let mark = store::bare_mark(lineage, id);
    Observed { mark, place, body, health, open: false, notes: BTreeMap::new() }
}
