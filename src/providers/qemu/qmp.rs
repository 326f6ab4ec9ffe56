//! What is said to QEMU, as JSON texts that scripts send as they are.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::model::{Access, Bus, DiskBody, NetworkDisk};

/// What a guest reads of a virtio disk's serial.
const VIRTIO_SERIAL: usize = 20;

/// The serial as the guest sees it.
pub fn serial(bus: Bus, serial: &str) -> String {
    match bus {
        Bus::Virtio => serial.chars().take(VIRTIO_SERIAL).collect(),
        Bus::Scsi => serial.to_owned(),
    }
}

/// The disk's device: nobody else gives such a name, so what has it is ours.
pub fn device(lineage: Uuid, id: Uuid) -> String {
    format!("vbs-{}-{}", lineage.simple(), id.simple())
}

/// The disk's block node: QEMU allows 31 characters, so it is told by the last 27 digits of the id.
pub fn node(id: Uuid) -> String {
    format!("vbs-{}", &id.simple().to_string()[5..])
}

/// What QEMU knows the secret of a network disk by.
pub fn secret(device: &str) -> String {
    format!("{device}-secret")
}

/// The ways to open what is attached, one a line, the best first: a script tries those that fit what it finds.
pub fn nodes(lineage: Uuid, id: Uuid, disk: &DiskBody) -> String {
    let read_only = disk.access == Access::ReadOnly;
    let node = |driver: &str, direct: bool, more: Value| {
        let mut node = Map::new();
        node.insert("driver".to_owned(), json!(driver));
        node.insert("node-name".to_owned(), json!(self::node(id)));
        node.insert("read-only".to_owned(), json!(read_only));
        node.insert("discard".to_owned(), json!("unmap"));
        node.insert("cache".to_owned(), json!({ "direct": direct }));
        if let Value::Object(more) = more {
            node.extend(more);
        }
        Value::Object(node).to_string()
    };
    let ways: Vec<String> = match &disk.network {
        Some(network) => {
            let secret = secret(&device(lineage, id));
            network
                .portals
                .iter()
                .map(|portal| node("iscsi", true, iscsi(network, portal, &secret)))
                .collect()
        }
        // Not every file system knows direct access.
        None => [("file", true), ("file", false), ("host_device", true), ("host_device", false)]
            .into_iter()
            // What another host writes to is not seen through this one's cache.
            .filter(|(driver, direct)| *direct || *driver == "file" || !disk.shared)
            .map(|(driver, direct)| node(driver, direct, json!({ "filename": disk.host_path })))
            .collect(),
    };
    ways.join("\n")
}

fn iscsi(network: &NetworkDisk, portal: &str, secret: &str) -> Value {
    let mut way = json!({
        "transport": "tcp",
        "portal": portal,
        "target": network.target,
        "lun": network.lun,
        "initiator-name": network.initiator,
    });
    if let Some(login) = &network.login {
        way["user"] = json!(login.user);
        way["password-secret"] = json!(secret);
    }
    way
}

/// The device, without its bus.
pub fn plug(lineage: Uuid, id: Uuid, disk: &DiskBody) -> String {
    let driver = match disk.bus {
        Bus::Virtio => "virtio-blk-pci",
        Bus::Scsi => "scsi-hd",
    };
    json!({
        "driver": driver,
        "id": device(lineage, id),
        "drive": node(id),
        "serial": serial(disk.bus, &disk.serial),
        "share-rw": disk.shared,
    })
    .to_string()
}

/// What a device is plugged into.
pub struct Socket {
    /// The driver of what gives the bus.
    pub controller: &'static str,
    /// What the bus is called behind the name of that.
    pub suffix: &'static str,
    /// More members of the device. A root port has one slot that guests see, and QEMU would choose others.
    pub slot: &'static str,
}

pub fn socket(bus: Bus) -> Socket {
    match bus {
        Bus::Virtio => Socket { controller: "pcie-root-port", suffix: "", slot: "\"addr\":\"0x0\"," },
        Bus::Scsi => Socket { controller: "virtio-scsi-pci", suffix: ".0", slot: "" },
    }
}
