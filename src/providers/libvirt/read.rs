//! Reads what a survey of libvirt's VMs printed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::observed::VmView;
use crate::model::{
    Access, Address, Body, Bus, Bytes, ContainerView, DiskBody, Health, Kind, Observed, Place, Presence,
    READY, SourceRef,
};
use crate::providers::seat::{self, Contents, Seat, SeatedMark};
use crate::providers::{Scope, store};

use super::domain::{Disk, Domain, Source};
use super::vm::Vm;
use super::{kinds, xml};

const MISSING: &str = "missing";

/// QEMU counts in these.
const SECTOR: u64 = 512;

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    seat::view(scope, answers, |seat| Look::new(scope, seat)?.contents())
}

struct Look<'a> {
    scope: &'a Scope<'a>,
    seat: &'a Seat<'a>,
    vms: BTreeMap<&'a str, Vm>,
    /// Disks that a frame is or was at: id and lineage.
    on_their_way: BTreeSet<(Uuid, Uuid)>,
    /// What each secret is for.
    secrets: BTreeMap<Uuid, &'a str>,
    /// Fingerprints of what is in them.
    prints: BTreeMap<Uuid, &'a str>,
}

impl<'a> Look<'a> {
    fn new(scope: &'a Scope<'a>, seat: &'a Seat<'a>) -> Result<Self, String> {
        let mut look = Look {
            scope,
            seat,
            vms: BTreeMap::new(),
            on_their_way: BTreeSet::new(),
            secrets: BTreeMap::new(),
            prints: BTreeMap::new(),
        };
        for (tag, rest) in &seat.listing.records {
            look.take(tag, rest)?;
        }
        Ok(look)
    }

    fn take(&mut self, tag: &'a str, rest: &'a str) -> Result<(), String> {
        let unread = || format!("its survey holds the record {tag:?} {rest:?}");
        match tag {
            "vm" => drop(self.vms.insert(rest.split_once('\t').ok_or_else(unread)?.0, Vm::default())),
            "live" | "config" | "sizes" | "agent" => {
                let (vm, said) = rest.split_once('\t').ok_or_else(unread)?;
                let of = self.vms.get_mut(vm).ok_or_else(unread)?;
                of.take(tag, said).map_err(|why| format!("VM {vm} cannot be looked at: {why}"))?;
            }
            "way" => drop(self.on_their_way.insert(owner(rest).ok_or_else(unread)?)),
            "secrets" => {
                for line in rest.lines().filter(|line| !line.trim().is_empty()) {
                    let mut words = line.split_whitespace();
                    let id = words.next().and_then(|word| word.parse().ok()).ok_or_else(unread)?;
                    if words.next() == Some("iscsi") {
                        self.secrets.insert(id, words.next().unwrap_or_default());
                    }
                }
            }
            "print" => {
                let (id, print) = rest.split_once(' ').ok_or_else(unread)?;
                self.prints.insert(id.parse().map_err(|_| unread())?, print);
            }
            _ => return Err(unread()),
        }
        Ok(())
    }

    fn keeps(&self) -> bool {
        kinds::keeps(self.scope.container)
    }

    fn contents(&self) -> Result<Contents, String> {
        let mut contents = Contents::default();
        for mark in &self.seat.marks {
            contents.objects.extend(self.marked(mark)?);
        }
        self.add_unmarked(&mut contents);
        contents.vms =
            self.vms.iter().map(|(name, vm)| ((*name).to_owned(), self.view_of(name, vm))).collect();
        for place in self.scope.wanted {
            let Some((name, device)) = place.split_once('/') else { continue };
            let Some(vm) = self.vms.get(name) else { continue };
            if self.is_foreign(vm, device) {
                contents.foreign.insert(place.clone());
            }
        }
        Ok(contents)
    }

    fn view_of(&self, name: &str, vm: &Vm) -> VmView {
        vm.view(name, self.scope.container.text("uri"), self.keeps())
    }

    /// Whether somebody else's disk is where a device of this name would be.
    fn is_foreign(&self, vm: &Vm, device: &str) -> bool {
        let ours = format!("ua-vbs-{}-", self.scope.lineage.simple());
        let drive = xml::place(device).filter(|(bus, _)| *bus == Bus::Scsi).map(|(_, unit)| (0, unit));
        let domains = vm.live.iter().chain(&vm.config);
        domains
            .flat_map(|domain| &domain.disks)
            .filter(|disk| !disk.alias.starts_with(&ours))
            .any(|disk| disk.dev == device || (drive.is_some() && disk.bus == "scsi" && disk.drive == drive))
    }

    /// A marked disk; nothing where nothing of it is left.
    fn marked(&self, mark: &SeatedMark) -> Result<Option<Observed>, String> {
        let Body::Disk(made) = mark.body() else {
            return Err(format!("the mark {}.json is not one of a disk", mark.id));
        };
        let vm = (self.vms.get(made.vm.as_str()))
            .ok_or_else(|| format!("VM {} of the mark {}.json was not asked", made.vm, mark.id))?;
        let alias = xml::alias(mark.lineage, mark.id);
        let [live, config] =
            [&vm.live, &vm.config].map(|domain| domain.as_ref().and_then(|domain| domain.find(&alias)));
        let place = if self.on_their_way.contains(&(mark.id, mark.lineage)) {
            Place::Staged
        } else if live.or(config).is_some() || self.has_secret(mark.id, mark.lineage) {
            Place::Live
        } else {
            return Ok(None);
        };
        let mut disk = made.clone();
        let health = live.or(config).map_or(Health::Good, |found| as_found(&mut disk, made, found));
        // What a VM that is off will be shown is what there is.
        let shown = live.and_then(|found| vm.sizes.get(&found.dev));
        if let Some(shown) = shown.filter(|shown| disk.size.map(in_sectors) != Some(**shown)) {
            disk.size = Some(*shown);
        }
        disk.presence = Some(Presence {
            live: match (&vm.live, live) {
                (Some(_), None) => MISSING.to_owned(),
                _ => READY.to_owned(),
            },
            config: self.in_config(mark, made, vm.config.as_ref(), config),
        });
        Ok(Some(mark.observed(place, Body::Disk(disk), health)))
    }

    fn has_secret(&self, id: Uuid, lineage: Uuid) -> bool {
        self.secrets.get(&id).is_some_and(|usage| *usage == xml::usage(lineage, id))
    }

    /// How its configuration has it, and the secret that the next start needs.
    fn in_config(
        &self,
        mark: &SeatedMark,
        made: &DiskBody,
        config: Option<&Domain>,
        found: Option<&Disk>,
    ) -> String {
        let mut differs = Vec::new();
        match (config.filter(|_| self.keeps()), found) {
            (Some(_), None) => differs.push(MISSING.to_owned()),
            (Some(_), Some(found)) => differs = differing(made, found),
            (None, Some(_)) => differs.push("there, with persistent = false".to_owned()),
            (None, None) => {}
        }
        if let Some(login) = made.network.as_ref().and_then(|network| network.login.as_ref()) {
            match self.prints.get(&mark.id) {
                Some(print) if *print == login.fingerprint => {}
                Some(_) => differs.push("another secret".to_owned()),
                None => differs.push("no secret".to_owned()),
            }
        }
        if differs.is_empty() { READY.to_owned() } else { differs.join(", ") }
    }

    /// Disks of ours whose marks are gone, and what a killed frame left without a mark.
    fn add_unmarked(&self, contents: &mut Contents) {
        let lineage = self.scope.lineage;
        let mut known: BTreeSet<Uuid> = self.seat.marks.iter().map(|mark| mark.id).collect();
        let prefix = format!("ua-vbs-{}-", lineage.simple());
        for (name, vm) in &self.vms {
            let domains = vm.live.iter().chain(&vm.config);
            for disk in domains.flat_map(|domain| &domain.disks) {
                let id = disk.alias.strip_prefix(&prefix).and_then(|id| id.parse::<Uuid>().ok());
                if let Some(id) = id.filter(|id| known.insert(*id)) {
                    let health =
                        store::replaced(format!("a disk in VM {name} whose mark .vbs/{id}.json is gone"));
                    let mut found = bare(lineage, id, Place::Live, health);
                    // What is known of it suffices to take it away.
                    if let Body::Disk(body) = &mut found.body {
                        (*name).clone_into(&mut body.vm);
                        disk.dev.clone_into(&mut body.device);
                    }
                    contents.objects.push(found);
                }
            }
        }
        for id in self.secrets.keys().filter(|id| self.has_secret(**id, lineage)) {
            if known.insert(*id) {
                let health = store::replaced(format!("a secret of a disk whose mark .vbs/{id}.json is gone"));
                contents.objects.push(bare(lineage, *id, Place::Live, health));
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

fn in_sectors(size: Bytes) -> Bytes {
    Bytes(size.0.next_multiple_of(SECTOR))
}

/// Takes everything from a description that says what the disk is.
fn as_found(disk: &mut DiskBody, made: &DiskBody, found: &Disk) -> Health {
    disk.bus = match found.bus.as_str() {
        "scsi" => Bus::Scsi,
        "virtio" => Bus::Virtio,
        other => return store::replaced(format!("a disk on the {other} bus in VM {}", made.vm)),
    };
    if found.device != "disk" || found.cache != "none" || found.format != "raw" {
        let Disk { device, cache, format, .. } = found;
        return store::replaced(format!(
            "a {device} of format {format:?} with cache {cache:?} in VM {}",
            made.vm
        ));
    }
    found.dev.clone_into(&mut disk.device);
    if found.serial != xml::serial(disk.bus, &made.serial) {
        found.serial.clone_into(&mut disk.serial);
    }
    disk.access = if found.is_read_only { Access::ReadOnly } else { Access::ReadWrite };
    disk.shared = found.is_shareable;
    Health::Good
}

/// In what a configured disk is not as it was made.
fn differing(made: &DiskBody, found: &Disk) -> Vec<String> {
    let source = match (&found.source, &made.network) {
        (Source::Path(path), None) => *path == made.host_path,
        (Source::Iscsi { name, portals, initiator, user }, Some(network)) => {
            *name == format!("{}/{}", network.target, network.lun)
                && !portals.is_empty()
                && portals.iter().all(|portal| network.portals.contains(portal))
                && *initiator == network.initiator
                && *user == network.login.as_ref().map(|login| login.user.clone())
        }
        _ => false,
    };
    let checks = [
        ("device", found.dev == made.device && found.device == "disk"),
        ("bus", found.bus == made.bus.word()),
        ("source", source),
        ("serial", found.serial == xml::serial(made.bus, &made.serial)),
        ("access", found.is_read_only == (made.access == Access::ReadOnly)),
        ("shared", found.is_shareable == made.shared),
        ("cache", found.cache == "none"),
        ("discard", found.discard == "unmap"),
        ("format", found.format == "raw"),
    ];
    checks.iter().filter(|(_, same)| !same).map(|(what, _)| format!("another {what}")).collect()
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
