//! The nouns that every room shares. No IO, no async, no clock, no randomness.

pub mod address;
pub mod command;
pub mod container;
pub mod desired;
pub mod host_address;
pub mod object;
pub mod observed;
pub mod quote;
pub mod record;
pub mod schema;
pub mod size;
pub mod texts;

pub use address::{Address, InstanceKey, Kind, ObjectKey, Part};
pub use command::{Action, Answer, Frame, GuardDirectory, Query, Verb};
pub use container::{ContainerSpec, GivenLogin, Hidden, HostName, HostSpec, PoolPolicy, Setting, Settings};
pub use host_address::HostAddress;
pub use object::{
    Access, Body, Bus, ContainerBody, DiskBody, ExportBody, GrantBody, Link, Login, NetworkDisk, Object,
    OnDestroy, Presence, READY, SessionBody, SnapshotBody, SourceRef, VolumeBody,
};
pub use observed::{Capacity, ContainerView, Health, Mark, Observed, Place, Room, Stranger, Surveyed};
pub use record::{ContainerRecord, Record, TrashEntry};
pub use size::Bytes;
pub use texts::Texts;
