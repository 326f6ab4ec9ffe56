//! What a provider says of itself as data: the attributes of its block and what it can tell at plan time. The
//! configuration is checked against it, and documentation is made from it.

use uuid::Uuid;

use super::address::Kind;
use super::container::{ContainerSpec, Setting};
use super::desired::AttachmentSpec;
use super::size::Bytes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeType {
    /// A directory or file; relative ones are relative to the workspace.
    Path,
    Text,
    Bool,
    TextList,
    /// One command as a list of texts, or a list of such lists.
    Commands,
    /// `"auto"`, `"off"`, or `{ user, password }`, of which the password is sensitive.
    Login,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// `path`; with a dot, `list.pattern`, for `pattern` in the nested block `list`.
    pub name: &'static str,
    pub kind: AttributeType,
    pub required: bool,
    pub default: Option<Setting>,
    pub doc: &'static str,
}

/// What the comparison has to know of exports, initiators and hypervisors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits {
    /// It keeps the size of what it shows to itself and has to be told of growth.
    pub keeps_size: bool,
    /// A disk can be pointed to another name of its source, and no guest notices.
    pub repoints: bool,
    /// It has to know of a disk whether others write to it as well, and learns that only as it attaches it.
    pub minds_sharing: bool,
    /// It can have guests freeze their file systems.
    pub freezes: bool,
    /// It knows a VM as it runs and as it is configured, and a disk is in both.
    pub configures: bool,
}

/// What is wrong with the value of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// As in [`Attribute::name`].
    pub attribute: &'static str,
    /// A few words for the place where it is written.
    pub label: String,
    pub detail: String,
}

/// A provider's block, such as `pool "file"`.
pub struct ProviderSchema {
    pub name: &'static str,
    /// [`Kind::Pool`], [`Kind::Export`], [`Kind::Initiator`] or [`Kind::Hypervisor`].
    pub role: Kind,
    pub attributes: Vec<Attribute>,
    pub doc: &'static str,
    /// What is wrong with settings beyond their types, each with its attribute; found before any host is asked.
    pub check_settings: fn(&ContainerSpec) -> Vec<Fault>,
    /// Pools: sizes are rounded up to multiples of this.
    pub allocation_unit: Bytes,
    /// Pools: why a name cannot be used in this pool, if it cannot.
    pub check_name: fn(&ContainerSpec, name: &str) -> Result<(), String>,
    /// Pools: why an attribute that any pool or any snapshot may have does nothing in this pool, if so.
    pub without_effect: fn(&ContainerSpec, attribute: &str) -> Option<&'static str>,
    /// What no other container of the same machine may be in: the attribute that names it, and its name for people.
    pub occupies: fn(&ContainerSpec) -> (&'static str, String),
    /// Pools: where a volume or snapshot of this name and id is found on the pool's host.
    pub volume_path: fn(&ContainerSpec, name: &str, id: Uuid) -> String,
    /// Hypervisors: where the guest, or the one who starts it, finds the disk.
    pub guest_path: fn(&ContainerSpec, &AttachmentSpec) -> String,
    /// Hypervisors: why this VM name or device name cannot be used, if it cannot.
    pub check_disk: fn(vm: &str, device: &str) -> Result<(), String>,
    /// Hypervisors: why it cannot attach what others attach as well (`shared = true`), if it cannot.
    pub check_shared: fn(&ContainerSpec, &AttachmentSpec) -> Result<(), String>,
    /// Hypervisors: whether it can log in to targets itself (`initiator = "builtin"`).
    pub speaks_iscsi: bool,
    /// The directory on the host where guard, epochs and marks lie, where no attribute names one; empty where one does.
    pub seat: fn(&ContainerSpec) -> String,
    pub traits: Traits,
    /// Exports: the number of the one LUN of every target.
    pub lun: fn(&ContainerSpec) -> u32,
    /// Exports: the lasting name that a host gives to a disk of this serial, below `/dev/disk/by-id`; empty where
    /// nothing says it.
    pub device_path: fn(&ContainerSpec, serial: &str) -> String,
}

impl ProviderSchema {
    /// Gives a container its seat: what has a `path` of its own is made like a directory that may be missing.
    pub fn seated(&self, mut container: ContainerSpec) -> ContainerSpec {
        let seat = (self.seat)(&container);
        if !seat.is_empty() {
            container.settings.insert("path".to_owned(), Setting::Text(seat));
            container.settings.insert("seat".to_owned(), Setting::Bool(true));
        }
        container
    }

    /// A schema in which nothing is said but what it is; for struct update.
    pub fn of(role: Kind, name: &'static str) -> Self {
        ProviderSchema {
            name,
            role,
            attributes: Vec::new(),
            doc: "",
            check_settings: |_| Vec::new(),
            allocation_unit: Bytes(1),
            check_name: |_, _| Err("it has no volumes".to_owned()),
            without_effect: |_, _| None,
            occupies: |_| ("", String::new()),
            volume_path: |_, _, _| String::new(),
            guest_path: |_, _| String::new(),
            check_disk: |_, _| Err("it has no virtual machines".to_owned()),
            check_shared: |_, _| Err("it has no way to say that others use the disk as well".to_owned()),
            speaks_iscsi: false,
            seat: |_| String::new(),
            traits: Traits::default(),
            lun: |_| 0,
            device_path: |_, _| String::new(),
        }
    }
}
