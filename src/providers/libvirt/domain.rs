//! What `virsh dumpxml` shows of a VM.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node};

use crate::model::Bus;
use crate::model::observed::Slots;

/// The slots of a conventional PCI bus, without the one that nothing may have.
const SLOTS: std::ops::RangeInclusive<u32> = 1..=31;

/// A VM, as it runs or as it is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domain {
    /// Whether it is as it runs: what runs has a number.
    pub is_running: bool,
    pub disks: Vec<Disk>,
    /// How many more virtio disks fit; nothing where libvirt alone can tell.
    virtio: Option<usize>,
    has_scsi: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// `disk`, `cdrom`
    pub device: String,
    /// `vdb`
    pub dev: String,
    pub bus: String,
    pub alias: String,
    pub serial: String,
    pub is_read_only: bool,
    pub is_shareable: bool,
    /// Empty where none is set.
    pub cache: String,
    pub discard: String,
    /// `raw`
    pub format: String,
    pub source: Source,
    /// Controller and unit of a drive.
    pub drive: Option<(u32, u32)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Source {
    /// A file or a block device.
    Path(String),
    Iscsi {
        /// `iqn.2026-11.vbs.shop:…/0`
        name: String,
        /// `10.0.0.2:3260`, `[fd00::2]:3260`
        portals: Vec<String>,
        initiator: String,
        user: Option<String>,
    },
    /// Nothing that vbs attaches.
    #[default]
    Other,
}

impl Domain {
    /// # Errors
    /// Why it cannot be understood.
    pub fn read(text: &str) -> Result<Domain, String> {
        let document =
            Document::parse(text).map_err(|error| format!("its XML cannot be understood: {error}"))?;
        let root = document.root_element();
        let devices = child(root, "devices")
            .filter(|_| root.has_tag_name("domain"))
            .ok_or("its XML is not one of a VM with devices")?;
        let disks = named(devices, "disk").map(disk).collect::<Result<_, _>>()?;
        let has_scsi = controllers(devices, "scsi").any(|(index, model)| {
            let is_virtio = model.starts_with("virtio");
            index == 0 && is_virtio
        });
        Ok(Domain { is_running: root.attribute("id").is_some(), disks, virtio: room(devices), has_scsi })
    }

    pub fn find(&self, alias: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.alias == alias)
    }

    /// How many more disks it takes, by bus.
    pub fn slots(&self) -> BTreeMap<Bus, Slots> {
        let mut slots = BTreeMap::new();
        if let Some(free) = self.virtio {
            let todo = "Each virtio disk of such a machine takes a PCIe port, and none can be added while it runs: add \
                        <controller type='pci' model='pcie-root-port'/> to its configuration (virsh edit), once for each disk \
                        that it may ever need, and start it anew, or use bus = \"scsi\"";
            slots.insert(Bus::Virtio, Slots { free, todo });
        }
        if !self.has_scsi {
            let todo = "Its SCSI controller 0 is not a virtio-scsi one, or it has none: add <controller type='scsi' index='0' \
                        model='virtio-scsi'/> to its configuration (virsh edit) and start it anew, or use bus = \"virtio\"";
            slots.insert(Bus::Scsi, Slots { free: 0, todo });
        }
        slots
    }
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn named<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

/// An attribute of a child; empty where there is none.
fn of<'a>(node: Node<'a, 'a>, name: &str, attribute: &str) -> &'a str {
    child(node, name).and_then(|child| child.attribute(attribute)).unwrap_or_default()
}

/// Index and model of the controllers of a type.
fn controllers<'a>(devices: Node<'a, 'a>, kind: &'static str) -> impl Iterator<Item = (u32, &'a str)> {
    named(devices, "controller").filter(move |it| it.attribute("type") == Some(kind)).filter_map(|it| {
        Some((it.attribute("index")?.parse().ok()?, it.attribute("model").unwrap_or_default()))
    })
}

/// A number as libvirt writes those of addresses: `0x1f`, `31`.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Free PCIe ports, or free slots where there is no PCIe.
fn room(devices: Node<'_, '_>) -> Option<usize> {
    // Bus and slot of everything that has a PCI address.
    let taken: BTreeSet<(u32, u32)> = devices
        .children()
        .flat_map(|device| device.children())
        .filter(|it| it.has_tag_name("address") && it.attribute("type") == Some("pci"))
        .filter_map(|it| Some((number(it.attribute("bus")?)?, number(it.attribute("slot")?)?)))
        .collect();
    let buses: Vec<(u32, &str)> = controllers(devices, "pci").collect();
    let is = |wanted: &[&str], model: &str| wanted.contains(&model);
    if buses.iter().any(|(_, model)| is(&["pcie-root"], model)) {
        let ports =
            buses.iter().filter(|(_, model)| is(&["pcie-root-port", "pcie-switch-downstream-port"], model));
        return Some(ports.filter(|(bus, _)| !taken.iter().any(|(at, _)| at == bus)).count());
    }
    let conventional = buses.iter().filter(|(_, model)| is(&["pci-root", "pci-bridge"], model));
    let free = |bus: u32| {
        // The first bus keeps a slot for its chipset and one for a screen.
        let kept: &[u32] = if bus == 0 { &[1, 2] } else { &[] };
        SLOTS.filter(|slot| !kept.contains(slot) && !taken.contains(&(bus, *slot))).count()
    };
    let free: Vec<usize> = conventional.map(|(bus, _)| free(*bus)).collect();
    (!free.is_empty()).then(|| free.iter().sum())
}

fn disk(node: Node<'_, '_>) -> Result<Disk, String> {
    let dev = of(node, "target", "dev");
    if dev.is_empty() {
        return Err("its XML has a disk without a target".to_owned());
    }
    let drive = child(node, "address").filter(|it| it.attribute("type") == Some("drive"));
    let part = |name: &str| drive.and_then(|drive| number(drive.attribute(name)?));
    Ok(Disk {
        device: node.attribute("device").unwrap_or("disk").to_owned(),
        dev: dev.to_owned(),
        bus: of(node, "target", "bus").to_owned(),
        alias: of(node, "alias", "name").to_owned(),
        serial: child(node, "serial").and_then(|it| it.text()).unwrap_or_default().to_owned(),
        is_read_only: child(node, "readonly").is_some(),
        is_shareable: child(node, "shareable").is_some(),
        cache: of(node, "driver", "cache").to_owned(),
        discard: of(node, "driver", "discard").to_owned(),
        format: of(node, "driver", "type").to_owned(),
        source: child(node, "source").map(source).unwrap_or_default(),
        drive: part("controller").zip(part("unit")),
    })
}

fn source(node: Node<'_, '_>) -> Source {
    if let Some(path) = node.attribute("file").or_else(|| node.attribute("dev")) {
        return Source::Path(path.to_owned());
    }
    if node.attribute("protocol") != Some("iscsi") {
        return Source::Other;
    }
    let portal = |host: Node<'_, '_>| {
        let name = host.attribute("name").unwrap_or_default();
        let port = host.attribute("port").unwrap_or("3260");
        if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") }
    };
    Source::Iscsi {
        name: node.attribute("name").unwrap_or_default().to_owned(),
        portals: named(node, "host").map(portal).collect(),
        initiator: child(node, "initiator").map(|it| of(it, "iqn", "name")).unwrap_or_default().to_owned(),
        user: child(node, "auth").and_then(|it| it.attribute("username")).map(str::to_owned),
    }
}
