//! What the configuration asks for, resolved: no expression is left in it.

use std::collections::BTreeMap;

use std::sync::Arc;

use uuid::Uuid;

use super::address::Address;
use super::container::{ContainerSpec, HostName, HostSpec};
use super::object::{Access, Bus, OnDestroy};
use super::size::Bytes;
use crate::diag::Span;

#[derive(Debug, Clone, Default)]
pub struct Desired {
    pub workspace: String,
    /// Seconds that trash is kept before `trash purge --expired` takes it.
    pub trash_retention_seconds: u64,
    pub hosts: BTreeMap<HostName, HostSpec>,
    /// Pools and hypervisors, whether or not anything is in them.
    pub containers: BTreeMap<Address, ContainerSpec>,
    pub resources: BTreeMap<Address, Resource>,
}

/// One instance of a volume, snapshot or attachment block.
#[derive(Debug, Clone)]
pub struct Resource {
    pub address: Address,
    /// Recorded, or random where the address is new.
    pub id: Uuid,
    pub spec: Spec,
    pub depends_on: Vec<Address>,
    pub prevent_destroy: bool,
    pub ignore_changes: IgnoreChanges,
    pub labels: BTreeMap<String, String>,
    pub place: Arc<BlockSpans>,
}

/// Where a block and its attributes stand in the source.
#[derive(Debug, Clone, Default)]
pub struct BlockSpans {
    pub header: Option<Span>,
    pub attributes: BTreeMap<&'static str, Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoreChanges {
    /// Names of attributes; usually none.
    Only(Vec<String>),
    All,
}

#[derive(Debug, Clone)]
pub enum Spec {
    Volume(VolumeSpec),
    Snapshot(SnapshotSpec),
    Attachment(AttachmentSpec),
}

#[derive(Debug, Clone)]
pub struct VolumeSpec {
    pub pool: Address,
    /// As recorded, as written, or derived from the label.
    pub name: String,
    /// Whether `name` was written in the block: only then does a difference rename.
    pub name_is_written: bool,
    pub serial: String,
    /// As written and rounded up; the source's where it was not written.
    pub size: Bytes,
    pub size_is_written: bool,
    /// A volume or a snapshot.
    pub source: Option<Address>,
    pub on_destroy: OnDestroy,
}

#[derive(Debug, Clone)]
pub struct SnapshotSpec {
    pub volume: Address,
    /// The volume's pool.
    pub pool: Address,
    pub name: String,
    pub name_is_written: bool,
    pub reserve: Option<Bytes>,
    /// Whether the guest's file systems are to be frozen (`quiesce = "guest"`).
    pub quiesce_guest: bool,
}

#[derive(Debug, Clone)]
pub struct AttachmentSpec {
    /// A volume, or a snapshot (read-only).
    pub source: Address,
    pub hypervisor: Address,
    pub vm: String,
    pub device: String,
    pub bus: Bus,
    pub access: Access,
    pub shared: bool,
    pub serial: String,
    /// Where the source is on the hypervisor's host; empty where the hypervisor reaches it over the network itself.
    pub host_path: String,
    pub route: Route,
}

/// How a volume gets to a hypervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Both are on one host.
    Direct,
    /// The hypervisor's host logs in to the target.
    Session { target: Box<Target>, initiator: Address },
    /// The hypervisor logs in itself, for each VM.
    Network { target: Box<Target> },
}

/// The target that an export makes for a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `export.fast`
    pub export: Address,
    /// IQN
    pub name: String,
    /// What the workspace's own initiator names begin with.
    pub initiators: String,
    pub portals: Vec<String>,
    pub lun: u32,
    pub chap: Proving,
    pub mutual: Proving,
    /// What is exported, on the pool's host.
    pub device: String,
}

/// How somebody proves who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proving {
    /// Not at all.
    Nothing,
    /// With a secret of its own for each grant.
    Own,
    /// With what the configuration gives. `secret` is its name: see [`Target::given`].
    Given { user: String, secret: String },
}

impl Proving {
    pub fn is_wanted(&self) -> bool {
        *self != Proving::Nothing
    }
}

impl Target {
    /// The name of the secret that an attribute of an export gives, until it is sealed.
    pub fn given(export: &Address, attribute: &str) -> String {
        format!("given/{export}/{attribute}")
    }
}
