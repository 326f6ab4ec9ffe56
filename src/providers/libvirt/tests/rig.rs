//! A hypervisor with a real libvirt on it.

use std::fs;
use std::rc::Rc;

use crate::model::command::Action;
use crate::model::{
    Access, Body, Bus, Bytes, ContainerView, DiskBody, Kind, Presence, Record, Setting, SourceRef, Surveyed,
};
use crate::plan::step::{Operation, Step};
use crate::providers::store::testing::{Bench, id};

use super::super::xml;
use super::daemon::{Daemon, Guest};

pub struct Rig {
    pub bench: Bench,
    pub daemon: Rc<Daemon>,
}

impl Rig {
    /// A VM `web` that is configured and, unless it is to be off, runs. Nothing where this machine cannot run it.
    pub fn new(guest: Guest, runs: bool) -> Option<Rig> {
        let daemon = Rc::new(Daemon::start()?);
        let mut bench = Bench::joined(Kind::Hypervisor, "libvirt");
        bench.container.settings.insert("uri".to_owned(), Setting::Text(daemon.uri()));
        bench.container.settings.insert("persistent".to_owned(), Setting::Bool(true));
        daemon.define("web", guest, 2);
        if runs {
            daemon.boot("web");
        }
        let shown = Rc::clone(&daemon);
        bench.beside = Some(Box::new(move || contents(&shown, "web")));
        Some(Rig { bench, daemon })
    }

    pub fn image(&self) -> std::path::PathBuf {
        self.bench.root.path().join("its \"$(image)\" 'db' <&>.raw")
    }

    pub fn disk(&self, number: u128, bus: Bus) -> Record {
        let image = self.image();
        if !image.exists() {
            fs::File::create(&image).unwrap().set_len(1 << 20).unwrap();
        }
        let letters = if bus == Bus::Scsi { "sd" } else { "vd" };
        let body = DiskBody {
            vm: "web".to_owned(),
            device: format!("{letters}{}", ["a", "b", "c", "d", "e"][number as usize]),
            bus,
            access: Access::ReadOnly,
            shared: true,
            source: SourceRef { id: id(50), address: "volume.db".parse().unwrap() },
            serial: id(50).to_string(),
            host_path: image.to_str().unwrap().to_owned(),
            network: None,
            through: None,
            presence: Some(Presence::ready()),
            size: Some(Bytes(1 << 20)),
        };
        self.bench.record(&format!("attachment.a{number}"), id(number), Body::Disk(body))
    }

    pub fn writing(&self, number: u128, bus: Bus) -> Record {
        let mut record = self.disk(number, bus);
        let disk = disk_of(&mut record);
        (disk.access, disk.shared) = (Access::ReadWrite, false);
        record
    }

    pub fn detach(&self, record: &Record) -> Step {
        let live = self.bench.observed(record.object.id).unwrap();
        self.bench.step(Operation::Destroy { record: record.clone(), live })
    }

    pub fn update(&self, before: &Record, after: &Record) -> Vec<Step> {
        let live = self.bench.observed(before.object.id).unwrap();
        let (before, after) = (before.clone(), after.clone());
        self.bench.steps(Operation::Update { before, after, live, attached: true })
    }

    pub fn alias(&self, number: u128) -> String {
        xml::alias(self.bench.lineage, id(number))
    }

    /// How the disk is in the VM: as it runs, and as it is configured.
    pub fn presence(&self, number: u128) -> (String, String) {
        let found = self.bench.observed(id(number)).unwrap();
        let facts = found.facts();
        (facts["live"].clone(), facts["config"].clone())
    }

    pub fn surveyed(&self, wanted: &[&str]) -> Surveyed {
        match self.bench.view_for(Some(self.bench.identity), wanted) {
            ContainerView::Present(surveyed) => surveyed,
            other => panic!("{other:?}"),
        }
    }
}

/// Everything that libvirt knows of a VM and of secrets.
pub fn contents(daemon: &Daemon, vm: &str) -> String {
    let text = |arguments: &[&str]| String::from_utf8(daemon.virsh(arguments, "").stdout).unwrap();
    // Numbers of block nodes are never given twice.
    let without_numbers = |text: String| {
        let lines = text.lines().map(|line| line.split(" index='").next().unwrap_or_default().to_owned());
        lines.collect::<Vec<_>>().join("\n")
    };
    [without_numbers(text(&["dumpxml", vm])), text(&["dumpxml", "--inactive", vm]), text(&["secret-list"])]
        .join("\n")
}

pub fn disk_of(record: &mut Record) -> &mut DiskBody {
    match &mut record.object.body {
        Body::Disk(disk) => disk,
        other => panic!("{other:?}"),
    }
}

/// The same with less patience.
pub fn hurried(action: &Action) -> Action {
    let mut action = action.clone();
    action.arguments.insert("patience", "2");
    action
}
