//! Reads what a survey of Xen's guests printed.

use std::collections::BTreeMap;

use crate::model::command::Answer;
use crate::model::observed::VmView;
use crate::model::{Access, Body, ContainerView, DiskBody, Health, Observed, Place, Presence, READY};
use crate::providers::Scope;
use crate::providers::seat::{self, Contents, Seat, SeatedMark};

use super::kinds;
use super::store_tree::Tree;

const MISSING: &str = "missing";

/// A guest's disk as libxl has noted it, and how far its backend is.
#[derive(Debug, Default)]
struct Attached<'a> {
    device: &'a str,
    path: &'a str,
    mode: &'a str,
    /// 4 where guest and dom0 are connected; 5 and 6 where one of them lets go.
    state: &'a str,
    hotplug: &'a str,
}

#[derive(Debug, Default)]
struct Vm<'a> {
    /// Nothing where it does not run.
    domain: Option<&'a str>,
    /// By what xenstore calls them.
    disks: BTreeMap<&'a str, Attached<'a>>,
    /// The lines of its file.
    config: Option<Vec<&'a str>>,
}

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    seat::view(scope, answers, |seat| Look::new(scope, seat)?.contents())
}

struct Look<'a> {
    scope: &'a Scope<'a>,
    seat: &'a Seat<'a>,
    vms: BTreeMap<&'a str, Vm<'a>>,
}

impl<'a> Look<'a> {
    fn new(scope: &'a Scope<'a>, seat: &'a Seat<'a>) -> Result<Self, String> {
        let mut look = Look { scope, seat, vms: BTreeMap::new() };
        for (tag, rest) in &seat.listing.records {
            let unread = || format!("its survey holds the record {tag:?} {rest:?}");
            let (name, said) = rest.split_once('\t').ok_or_else(unread)?;
            if *tag == "vm" {
                let domain = Some(said).filter(|domain| !domain.is_empty());
                look.vms.insert(name, Vm { domain, ..Vm::default() });
                continue;
            }
            let vm = look.vms.get_mut(name).ok_or_else(unread)?;
            match *tag {
                "disks" => vm.take(said)?,
                "config" => vm.config = Some(said.lines().collect()),
                _ => return Err(unread()),
            }
        }
        Ok(look)
    }

    fn contents(&self) -> Result<Contents, String> {
        let mut contents = Contents::default();
        for mark in &self.seat.marks {
            contents.objects.extend(self.marked(mark)?);
        }
        let ours: Vec<(&str, &str)> = (contents.objects.iter())
            .filter(|found| found.mark.lineage == self.scope.lineage && found.health == Health::Good)
            .filter_map(|found| match &found.body {
                Body::Disk(disk) => Some((disk.vm.as_str(), disk.device.as_str())),
                _ => None,
            })
            .collect();
        for place in self.scope.wanted {
            let Some((name, device)) = place.split_once('/') else { continue };
            let Some(vm) = self.vms.get(name) else { continue };
            if !ours.contains(&(name, device)) && vm.has(device, self.scope.lineage) {
                contents.foreign.insert(place.clone());
            }
            contents.vms.insert(name.to_owned(), self.view_of(name, vm));
        }
        Ok(contents)
    }

    fn view_of(&self, name: &str, vm: &Vm<'_>) -> VmView {
        let off = match (vm.domain, &vm.config, kinds::configs(self.scope.container)) {
            (Some(_), _, _) | (None, Some(_), _) => None,
            (None, None, "") => {
                Some(format!("VM {name} does not exist or is off, and no config_dir says where its file is"))
            }
            (None, None, configs) => {
                Some(format!("VM {name} does not exist or is off, and there is no {configs}/{name}.cfg"))
            }
        };
        VmView { off, ..VmView::default() }
    }

    /// A marked disk; nothing where nothing of it is left.
    fn marked(&self, mark: &SeatedMark) -> Result<Option<Observed>, String> {
        let Body::Disk(made) = mark.body() else {
            return Err(format!("the mark {}.json is not one of a disk", mark.id));
        };
        let vm = (self.vms.get(made.vm.as_str()))
            .ok_or_else(|| format!("VM {} of the mark {}.json was not asked", made.vm, mark.id))?;
        let live = kinds::number(&made.device).and_then(|number| vm.disks.get(number.to_string().as_str()));
        let keeps = !kinds::configs(self.scope.container).is_empty();
        let entry = kinds::entry(mark.lineage, mark.id, made);
        let end = kinds::mark(mark.lineage, mark.id);
        let line = vm.config.iter().flatten().find(|line| line.ends_with(&end));
        let mut disk = made.clone();
        let health = live.map_or(Health::Good, |found| as_found(&mut disk, made, found));
        let is_ours = live.is_some() && health == Health::Good;
        if live.is_none() && line.is_none() {
            return Ok(None);
        }
        disk.presence = Some(Presence {
            live: match (vm.domain, live) {
                (Some(_), None) => MISSING.to_owned(),
                (Some(_), Some(found)) if is_ours => found.trouble(),
                _ => READY.to_owned(),
            },
            config: match (vm.config.as_ref().filter(|_| keeps), line) {
                (Some(_), None) => MISSING.to_owned(),
                (Some(_), Some(line)) if **line != entry => "another line".to_owned(),
                _ => READY.to_owned(),
            },
        });
        Ok(Some(mark.observed(Place::Live, Body::Disk(disk), health)))
    }
}

impl<'a> Vm<'a> {
    /// Two trees in one: what libxl has noted of each disk, and what its backend says.
    fn take(&mut self, said: &'a str) -> Result<(), String> {
        let tree = Tree::read(said)?;
        let domain = self.domain.unwrap_or_default();
        let noted = format!("/libxl/{domain}/device/vbd");
        for number in tree.below(&noted) {
            let of = |name: &str| tree.get(&format!("{noted}/{number}/{name}")).unwrap_or_default();
            let backend = of("backend");
            let now = |name: &str| tree.get(&format!("{backend}/{name}")).unwrap_or_default();
            let attached = Attached {
                device: of("dev"),
                path: of("params"),
                mode: of("mode"),
                state: now("state"),
                hotplug: now("hotplug-status"),
            };
            self.disks.insert(number, attached);
        }
        Ok(())
    }

    /// Whether somebody else's disk is there, or will be at the next start.
    fn has(&self, device: &str, lineage: uuid::Uuid) -> bool {
        let ours = format!("# vbs:{lineage}:");
        let is_word = |line: &&&str| {
            line.split('#').next().is_some_and(|text| {
                text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == device)
            })
        };
        let lines = self.config.iter().flatten().filter(|line| !line.contains(&ours));
        self.disks.values().any(|disk| disk.device == device)
            || lines.filter(|line| is_word(line)).count() > 0
    }
}

impl Attached<'_> {
    fn trouble(&self) -> String {
        match (self.state, self.hotplug) {
            ("5" | "6", _) => "closing",
            (_, "error") => "error",
            (_, "") => "not_connected",
            _ => READY,
        }
        .to_owned()
    }
}

fn as_found(disk: &mut DiskBody, made: &DiskBody, found: &Attached<'_>) -> Health {
    if found.path != made.host_path {
        found.path.clone_into(&mut disk.host_path);
        return seat::replaced(format!("another disk, {}", found.path));
    }
    disk.access = if found.mode == "r" { Access::ReadOnly } else { Access::ReadWrite };
    Health::Good
}
