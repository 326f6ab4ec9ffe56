//! What one VM's QEMU said of itself in a survey.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::model::observed::{Slots, VmView};
use crate::model::{Bus, Bytes};

/// `object-add`, `device_add` and `blockdev-add` are spoken as they have been since this version.
const OLDEST: (u64, u64) = (6, 0);

#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// Nobody listens on its socket.
    Off,
    /// It could not be asked, so nothing is known of it: why.
    Unknown(String),
    Running(Box<Vm>),
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Vm {
    version: (u64, u64),
    machine: String,
    /// Devices by id, with their types.
    pub devices: BTreeMap<String, String>,
    /// Types of devices without an id.
    anonymous: Vec<String>,
    /// Of devices that are called like ours.
    pub serials: BTreeMap<String, String>,
    /// Root ports, and whether they are free.
    ports: BTreeMap<String, bool>,
    /// Names of objects, secrets among them.
    pub objects: BTreeSet<String>,
    pub nodes: BTreeMap<String, Node>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    /// As the guest is shown it.
    pub size: Bytes,
    pub read_only: bool,
}

#[derive(Deserialize)]
struct Return<T> {
    #[serde(rename = "return")]
    value: T,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Greeting {
    #[serde(rename = "QMP")]
    qmp: Spoken,
}

#[derive(Deserialize)]
struct Spoken {
    version: Versions,
}

#[derive(Deserialize)]
struct Versions {
    qemu: Version,
}

#[derive(Deserialize)]
struct Version {
    major: u64,
    minor: u64,
}

#[derive(Deserialize)]
struct NamedNode {
    #[serde(rename = "node-name")]
    name: String,
    ro: bool,
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "virtual-size")]
    size: u64,
}

impl Said {
    /// Reads what `scripts/vms.sh` tells of a VM: a line for each answer, and in the last one how it ended.
    pub fn read(vm: &str, text: &str) -> Said {
        let unknown = |why: &str| Said::Unknown(format!("VM {vm} cannot be looked at: {why}"));
        let (lines, end) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
        match end {
            "off" => Said::Off,
            "ok" => match Vm::read(lines) {
                Ok(vm) => Said::Running(Box::new(vm)),
                Err(why) => unknown(&why),
            },
            "busy" => unknown(
                "somebody listens on its socket, and no QMP was spoken there: another program may be connected, for QEMU \
                 speaks with one at a time",
            ),
            "lost" => unknown("its QEMU fell silent"),
            other => unknown(other),
        }
    }
}

impl Vm {
    fn read(lines: &str) -> Result<Vm, String> {
        let mut vm = Vm::default();
        let mut tags = BTreeSet::new();
        for line in lines.lines() {
            let (tag, said) = line.split_once('\t').ok_or_else(|| format!("its survey holds {line:?}"))?;
            let (tag, of) = tag.split_once(' ').unwrap_or((tag, ""));
            tags.insert(tag);
            match (tag, of) {
                ("version", _) => {
                    let Greeting { qmp: Spoken { version: Versions { qemu } } } = json(said)?;
                    vm.version = (qemu.major, qemu.minor);
                }
                ("machine", _) => vm.machine = returned(said)?,
                ("devices", _) => vm.devices = children(said)?.collect(),
                ("anonymous", _) => vm.anonymous = children(said)?.map(|(_, kind)| kind).collect(),
                ("serial", device) => drop(vm.serials.insert(device.to_owned(), returned(said)?)),
                ("port", port) => {
                    let properties: Vec<Property> = returned(said)?;
                    let is_free = !properties.iter().any(|property| property.name.starts_with("child["));
                    vm.ports.insert(port.to_owned(), is_free);
                }
                ("objects", _) => vm.objects = children(said)?.map(|(name, _)| name).collect(),
                ("nodes", _) => {
                    let nodes: Vec<NamedNode> = returned(said)?;
                    let node =
                        |it: NamedNode| (it.name, Node { size: Bytes(it.image.size), read_only: it.ro });
                    vm.nodes = nodes.into_iter().map(node).collect();
                }
                _ => return Err(format!("its survey holds {line:?}")),
            }
        }
        match ["version", "machine", "devices", "anonymous", "objects", "nodes"]
            .into_iter()
            .find(|tag| !tags.contains(tag))
        {
            None => Ok(vm),
            Some(missing) => Err(format!("it did not tell of its {missing}")),
        }
    }

    /// The ids of what is called like a disk of this lineage.
    pub fn ours(&self, lineage: Uuid) -> impl Iterator<Item = Uuid> {
        let prefix = format!("vbs-{}-", lineage.simple());
        self.devices.keys().filter_map(move |name| name.strip_prefix(&prefix)?.parse().ok())
    }

    /// What a plan has to know of it.
    pub fn view(&self) -> VmView {
        let mut view = VmView::default();
        let (major, minor) = self.version;
        if self.version < OLDEST {
            let (least, patch) = OLDEST;
            view.off = Some(format!("runs QEMU {major}.{minor}, and {least}.{patch} or later is needed"));
        }
        if !self.ports.is_empty() || self.machine.starts_with("pc-q35") {
            let free = self.ports.values().filter(|is_free| **is_free).count();
            let todo = "Each virtio disk of such a machine takes a pcie-root-port, and those cannot be added while it runs: \
                        start it with more of them (-device pcie-root-port,id=…,chassis=…), or use bus = \"scsi\"";
            view.slots.insert(Bus::Virtio, Slots { free, todo });
        }
        let mut kinds = self.devices.values().chain(&self.anonymous);
        if !kinds.any(|kind| is_scsi_controller(kind)) {
            let todo = "It has no SCSI controller: start it with -device virtio-scsi-pci,id=scsi0, or use bus = \"virtio\"";
            view.slots.insert(Bus::Scsi, Slots { free: 0, todo });
        }
        view
    }
}

fn is_scsi_controller(kind: &str) -> bool {
    let others = ["lsi", "am53c974", "dc390", "megasas", "mptsas", "sysbus-esp"];
    let is_disk = kind.starts_with("scsi-");
    (kind.contains("scsi") && !is_disk) || others.iter().any(|other| kind.starts_with(other))
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("its QEMU answered what cannot be understood: {error}"))
}

fn returned<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    json::<Return<T>>(text).map(|answer| answer.value)
}

/// What hangs below a path, with its type.
fn children(text: &str) -> Result<impl Iterator<Item = (String, String)> + use<>, String> {
    let properties: Vec<Property> = returned(text)?;
    Ok(properties.into_iter().filter_map(|property| {
        let kind = property.kind.strip_prefix("child<")?.strip_suffix('>')?.to_owned();
        Some((property.name, kind))
    }))
}
