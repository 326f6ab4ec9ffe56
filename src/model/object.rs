//! Objects: the real things that providers make on hosts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::address::{Address, Kind, ObjectKey};
use super::size::Bytes;

/// One real thing that one provider makes in one container: as desired, or as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub key: ObjectKey,
    /// Random (version 4), chosen when the object was first planned, and part of its mark.
    pub id: Uuid,
    /// The pool or hypervisor that holds it; for a container, itself.
    pub container: Address,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// vbs's own part of a pool or hypervisor: its identity file, guard and epochs.
    Container(ContainerBody),
    Volume(VolumeBody),
    Snapshot(SnapshotBody),
    Disk(DiskBody),
}

/// The identity of the container is the object's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerBody {
    /// Directories that making the container makes, outermost first; they go with it if they are empty.
    pub makes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeBody {
    /// The name in its pool, chosen at creation and never derived again.
    pub name: String,
    /// Rounded up to what the pool allocates in.
    pub size: Bytes,
    pub serial: String,
    /// What its first content was copied from.
    pub source: Option<SourceRef>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRef {
    pub id: Uuid,
    pub address: Address,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotBody {
    pub name: String,
    /// The origin's size when the snapshot was taken.
    pub size: Bytes,
    pub origin: SourceRef,
    /// Space set aside for what changes in the origin; nothing where the pool shares what has not changed.
    pub reserve: Option<Bytes>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskBody {
    pub vm: String,
    pub device: String,
    pub bus: Bus,
    pub access: Access,
    pub shared: bool,
    /// The volume or snapshot that is attached.
    pub source: SourceRef,
    /// What the guest sees as the disk's serial.
    pub serial: String,
    /// Where the source is on the hypervisor's host.
    pub host_path: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bus {
    #[default]
    Virtio,
    Scsi,
}

impl Bus {
    pub fn word(self) -> &'static str {
        match self {
            Bus::Virtio => "virtio",
            Bus::Scsi => "scsi",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    #[default]
    ReadWrite,
    ReadOnly,
}

impl Access {
    pub fn word(self) -> &'static str {
        match self {
            Access::ReadWrite => "read_write",
            Access::ReadOnly => "read_only",
        }
    }
}

/// What happens to a volume's data when the volume is destroyed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDestroy {
    #[default]
    Trash,
    Purge,
}

impl OnDestroy {
    pub fn word(self) -> &'static str {
        match self {
            OnDestroy::Trash => "trash",
            OnDestroy::Purge => "purge",
        }
    }
}

impl Body {
    /// The kind of address whose object this is; a container's depends on its address.
    pub fn resource_kind(&self) -> Option<Kind> {
        match self {
            Body::Container(_) => None,
            Body::Volume(_) => Some(Kind::Volume),
            Body::Snapshot(_) => Some(Kind::Snapshot),
            Body::Disk(_) => Some(Kind::Attachment),
        }
    }

    /// The name in the container, where the kind has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Body::Volume(volume) => Some(&volume.name),
            Body::Snapshot(snapshot) => Some(&snapshot.name),
            Body::Container(_) | Body::Disk(_) => None,
        }
    }

    /// The promised size; nothing for what holds no data of its own.
    pub fn size(&self) -> Bytes {
        match self {
            Body::Volume(volume) => volume.size,
            Body::Snapshot(snapshot) => snapshot.size,
            Body::Container(_) | Body::Disk(_) => Bytes::ZERO,
        }
    }

    /// What the pool promises for it.
    pub fn promise(&self) -> Bytes {
        match self {
            Body::Snapshot(snapshot) => snapshot.reserve.unwrap_or(snapshot.size),
            body => body.size(),
        }
    }

    pub fn source(&self) -> Option<&SourceRef> {
        match self {
            Body::Container(_) => None,
            Body::Volume(volume) => volume.source.as_ref(),
            Body::Snapshot(snapshot) => Some(&snapshot.origin),
            Body::Disk(disk) => Some(&disk.source),
        }
    }

    /// Every fact that can be read back from the host, by name, as text: what drift is measured by and what
    /// proofs expect. Addresses are for people and are left out: moving one changes nothing on a host.
    pub fn facts(&self) -> BTreeMap<&'static str, String> {
        match self {
            Body::Container(_) => BTreeMap::new(),
            Body::Volume(volume) => BTreeMap::from([
                ("name", volume.name.clone()),
                ("size", volume.size.0.to_string()),
                ("serial", volume.serial.clone()),
            ]),
            Body::Snapshot(snapshot) => BTreeMap::from([
                ("name", snapshot.name.clone()),
                ("size", snapshot.size.0.to_string()),
                ("origin", snapshot.origin.id.to_string()),
            ]),
            Body::Disk(disk) => BTreeMap::from([
                ("vm", disk.vm.clone()),
                ("device", disk.device.clone()),
                ("bus", disk.bus.word().to_owned()),
                ("access", disk.access.word().to_owned()),
                ("source", disk.source.id.to_string()),
                ("serial", disk.serial.clone()),
                ("host_path", disk.host_path.clone()),
            ]),
        }
    }
}
