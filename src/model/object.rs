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
    /// A volume or snapshot that a target server offers.
    Export(ExportBody),
    /// One initiator that an export lets in.
    Grant(GrantBody),
    /// A host's login to an export, with the block device that it gives.
    Session(SessionBody),
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
    /// Where the hypervisor reaches an export itself; `host_path` is empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkDisk>,
    /// What it stands on beside its source: a session, or a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Link>,
    /// What the guest is shown, where the hypervisor keeps that to itself and has to be told of growth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// Where the hypervisor knows of running VMs and of what they are started with: how each has the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
}

/// How a disk is in a VM, once as it runs and once as it is configured. [`READY`], also where there is nothing to be in:
/// a VM that is off, one without a configuration; or what it is instead, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub live: String,
    pub config: String,
}

impl Presence {
    /// As it is wanted.
    pub fn ready() -> Self {
        Presence { live: ready(), config: ready() }
    }
}

/// One object that another one stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub key: ObjectKey,
    pub id: Uuid,
}

/// How somebody proves who they are. The secret itself is nowhere but in the state room and on the hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub user: String,
    /// What the state room knows the secret by.
    pub secret: String,
    /// The first 16 hexadecimal digits of SHA-256 over `TARGET USER SECRET`: what a survey holds what it finds against
    /// without anybody having to read it.
    pub fingerprint: String,
}

impl Login {
    /// As one fact.
    fn fact(login: Option<&Login>) -> String {
        login.map_or_else(|| "none".to_owned(), |login| format!("{} {}", login.user, login.fingerprint))
    }
}

/// One target with one LUN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportBody {
    /// The volume or snapshot.
    pub source: SourceRef,
    /// The target's name (IQN), chosen when the export is first planned.
    pub target: String,
    /// `10.0.0.2:3260`, `[fd00::2]:3260`.
    pub portals: Vec<String>,
    /// What initiators see as the disk's serial: the volume's.
    pub serial: String,
    /// What is offered, on the pool's host.
    pub device: String,
    /// Nobody may write: a snapshot.
    pub access: Access,
    /// What initiators are shown, where the server keeps that to itself and has to be told of growth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// Initiators (IQNs) that are let in and that no grant of ours names; `any` where everybody is. Wanted: none.
    #[serde(default)]
    pub others: Vec<String>,
    /// [`READY`], or what it is instead: `not_saved`, where it would not survive a restart of the server, `no_lun`.
    #[serde(default = "ready")]
    pub state: String,
}

/// The state of an export or grant that works and is kept.
pub const READY: &str = "ready";

fn ready() -> String {
    READY.to_owned()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantBody {
    pub export: Link,
    /// The target's name.
    pub target: String,
    /// Who is let in (IQN).
    pub initiator: String,
    pub access: Access,
    /// How the initiator proves itself; nothing where names alone count.
    pub login: Option<Login>,
    /// How the target proves itself in turn.
    pub mutual: Option<Login>,
    /// [`READY`], or `not_saved`.
    #[serde(default = "ready")]
    pub state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionBody {
    pub grant: Link,
    pub target: String,
    pub portals: Vec<String>,
    pub lun: u32,
    pub initiator: String,
    pub login: Option<Login>,
    pub mutual: Option<Login>,
    pub serial: String,
    /// Whether the host may write to the device, as its target has told it.
    #[serde(default)]
    pub access: Access,
    /// The device's lasting name on the host, below `/dev/disk/by-id`.
    pub device: String,
    /// What the host has read of the device's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// `logged_in`, or what it is instead: `logged_out`, `failed`, `no_device`. Wanted: `logged_in`.
    pub state: String,
}

/// A disk that the hypervisor gets over the network by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkDisk {
    pub target: String,
    pub portals: Vec<String>,
    pub lun: u32,
    pub initiator: String,
    pub login: Option<Login>,
    pub mutual: Option<Login>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Whether its like is made again without being asked for, because no data is in it.
    pub fn holds_no_data(&self) -> bool {
        !matches!(self, Body::Volume(_) | Body::Snapshot(_))
    }

    /// Whether it is on the way from a volume to a disk, and nothing that anybody declares.
    pub fn is_layer(&self) -> bool {
        matches!(self, Body::Export(_) | Body::Grant(_) | Body::Session(_))
    }

    /// The kind of address whose primary object this is; a container's depends on its address.
    pub fn resource_kind(&self) -> Option<Kind> {
        match self {
            Body::Container(_) | Body::Export(_) | Body::Grant(_) | Body::Session(_) => None,
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
            Body::Container(_) | Body::Disk(_) | Body::Export(_) | Body::Grant(_) | Body::Session(_) => None,
        }
    }

    /// The promised size; nothing for what holds no data of its own.
    pub fn size(&self) -> Bytes {
        match self {
            Body::Volume(volume) => volume.size,
            Body::Snapshot(snapshot) => snapshot.size,
            Body::Container(_) | Body::Disk(_) | Body::Export(_) | Body::Grant(_) | Body::Session(_) => {
                Bytes::ZERO
            }
        }
    }

    /// What the pool promises for it.
    pub fn promise(&self) -> Bytes {
        match self {
            Body::Snapshot(snapshot) => snapshot.reserve.unwrap_or(snapshot.size),
            body => body.size(),
        }
    }

    /// The volume or snapshot that it is made of.
    pub fn source(&self) -> Option<&SourceRef> {
        match self {
            Body::Container(_) | Body::Grant(_) | Body::Session(_) => None,
            Body::Export(export) => Some(&export.source),
            Body::Volume(volume) => volume.source.as_ref(),
            Body::Snapshot(snapshot) => Some(&snapshot.origin),
            Body::Disk(disk) => Some(&disk.source),
        }
    }

    /// What it stands on, beside its source.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Body::Container(_) | Body::Volume(_) | Body::Snapshot(_) | Body::Export(_) => None,
            Body::Disk(disk) => disk.through.as_ref(),
            Body::Grant(grant) => Some(&grant.export),
            Body::Session(session) => Some(&session.grant),
        }
    }

    /// Sets the size that is shown to others, where that is a fact of its own.
    pub fn show(&mut self, shown: Option<Bytes>) {
        match self {
            Body::Disk(disk) => disk.size = shown,
            Body::Export(export) => export.size = shown,
            Body::Session(session) => session.size = shown,
            Body::Container(_) | Body::Volume(_) | Body::Snapshot(_) | Body::Grant(_) => {}
        }
    }

    /// Sets whether how it is in the running VM and in its configuration is a fact of its own.
    pub fn follow_configuration(&mut self, follows: bool) {
        if let Body::Disk(disk) = self {
            disk.presence = follows.then(Presence::ready);
        }
    }

    /// The secrets that it needs, and the target that they are for.
    pub fn logins(&mut self) -> (String, Vec<&mut Login>) {
        let (target, login, mutual) = match self {
            Body::Grant(grant) => (&grant.target, &mut grant.login, &mut grant.mutual),
            Body::Session(session) => (&session.target, &mut session.login, &mut session.mutual),
            Body::Disk(DiskBody { network: Some(network), .. }) => {
                (&network.target, &mut network.login, &mut network.mutual)
            }
            _ => return (String::new(), Vec::new()),
        };
        (target.clone(), login.iter_mut().chain(mutual).collect())
    }

    /// Gives what it names the addresses that those objects have now. They are known by id: an address may have had
    /// another owner.
    pub fn follow(&mut self, address_of: &dyn Fn(Uuid) -> Option<Address>) {
        let source = match self {
            Body::Container(_) | Body::Grant(_) | Body::Session(_) => None,
            Body::Volume(volume) => volume.source.as_mut(),
            Body::Snapshot(snapshot) => Some(&mut snapshot.origin),
            Body::Export(export) => Some(&mut export.source),
            Body::Disk(disk) => Some(&mut disk.source),
        };
        if let Some(source) = source
            && let Some(address) = address_of(source.id)
        {
            source.address = address;
        }
        let link = match self {
            Body::Grant(grant) => Some(&mut grant.export),
            Body::Session(session) => Some(&mut session.grant),
            Body::Disk(disk) => disk.through.as_mut(),
            Body::Container(_) | Body::Volume(_) | Body::Snapshot(_) | Body::Export(_) => None,
        };
        if let Some(link) = link
            && let Some(address) = address_of(link.id)
        {
            link.key.address = address;
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
            Body::Disk(disk) => disk.facts(),
            Body::Export(export) => BTreeMap::from([
                ("source", export.source.id.to_string()),
                ("target", export.target.clone()),
                ("portals", export.portals.join(" ")),
                ("serial", export.serial.clone()),
                ("device", export.device.clone()),
                ("others", export.others.join(" ")),
                ("state", export.state.clone()),
            ])
            .into_iter()
            .chain(export.size.map(|size| ("size", size.0.to_string())))
            .collect(),
            Body::Grant(grant) => BTreeMap::from([
                ("target", grant.target.clone()),
                ("initiator", grant.initiator.clone()),
                ("access", grant.access.word().to_owned()),
                ("login", Login::fact(grant.login.as_ref())),
                ("mutual", Login::fact(grant.mutual.as_ref())),
                ("state", grant.state.clone()),
            ]),
            Body::Session(session) => session.facts().collect(),
        }
    }
}

impl SessionBody {
    fn facts(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("target", self.target.clone()),
            ("portals", self.portals.join(" ")),
            ("lun", self.lun.to_string()),
            ("initiator", self.initiator.clone()),
            ("login", Login::fact(self.login.as_ref())),
            ("mutual", Login::fact(self.mutual.as_ref())),
            ("serial", self.serial.clone()),
            ("access", self.access.word().to_owned()),
            ("device", self.device.clone()),
            ("state", self.state.clone()),
        ]
        .into_iter()
        .chain(self.size.map(|size| ("size", size.0.to_string())))
    }
}

impl DiskBody {
    fn facts(&self) -> BTreeMap<&'static str, String> {
        let presence = self.presence.iter();
        BTreeMap::from([
            ("vm", self.vm.clone()),
            ("device", self.device.clone()),
            ("bus", self.bus.word().to_owned()),
            ("access", self.access.word().to_owned()),
            ("source", self.source.id.to_string()),
            ("serial", self.serial.clone()),
            ("host_path", self.host_path.clone()),
        ])
        .into_iter()
        .chain(self.network.iter().flat_map(NetworkDisk::facts))
        .chain(self.size.map(|size| ("size", size.0.to_string())))
        .chain(presence.flat_map(|it| [("live", it.live.clone()), ("config", it.config.clone())]))
        .collect()
    }
}

impl NetworkDisk {
    fn facts(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("target", self.target.clone()),
            ("portals", self.portals.join(" ")),
            ("lun", self.lun.to_string()),
            ("initiator", self.initiator.clone()),
            ("login", Login::fact(self.login.as_ref())),
            ("mutual", Login::fact(self.mutual.as_ref())),
        ]
        .into_iter()
    }
}
