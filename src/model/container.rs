//! What holds objects: hosts, pools and hypervisors.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Address;
use super::size::Bytes;

/// The label of a `host` block, or `local` for this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostName(pub String);

impl HostName {
    /// The host that needs no block: this machine.
    pub fn local() -> Self {
        HostName("local".to_owned())
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a host is reached. An absent address is this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSpec {
    pub name: HostName,
    pub address: Option<String>,
    pub become_root: bool,
    pub connect_timeout_seconds: u64,
    pub parallelism: usize,
}

/// The value of a provider's own attribute on a pool or hypervisor block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    Bool(bool),
    Text(String),
    List(Vec<String>),
    Lists(Vec<Vec<String>>),
    Login(GivenLogin),
}

/// A user and a secret that the configuration gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GivenLogin {
    pub user: String,
    /// In memory alone: what is recorded of a setting has none.
    #[serde(skip)]
    pub secret: Hidden,
}

/// A text that is never shown or written down. All are equal, so that nobody learns anything by comparing them.
#[derive(Clone, Default)]
pub struct Hidden(String);

impl Hidden {
    pub fn new(text: &str) -> Self {
        Hidden(text.to_owned())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

impl PartialEq for Hidden {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hidden {}

impl PartialOrd for Hidden {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hidden {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Setting {
    pub fn as_text(&self) -> &str {
        match self {
            Setting::Text(text) => text,
            Setting::Bool(_) | Setting::List(_) | Setting::Lists(_) | Setting::Login(_) => "",
        }
    }
}

pub type Settings = BTreeMap<String, Setting>;

/// What a pool may promise, and how thick volumes are wiped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolPolicy {
    pub wipe: Option<String>,
    pub reserve_free: Reserve,
    /// In thousandths: 1000 promises what there is and no more.
    pub max_overcommit_thousandths: u64,
}

/// What a pool keeps free: bytes, or thousandths of its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reserve {
    Bytes(Bytes),
    Thousandths(u64),
}

impl Default for PoolPolicy {
    fn default() -> Self {
        PoolPolicy { wipe: None, reserve_free: Reserve::Bytes(Bytes::ZERO), max_overcommit_thousandths: 1000 }
    }
}

/// A pool or hypervisor as it is declared, or as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// `pool.fast`, `hypervisor.kvm1`.
    pub address: Address,
    pub provider: String,
    pub host: HostName,
    /// The provider's own attributes, with defaults filled in and paths absolute.
    pub settings: Settings,
    /// Pools only.
    pub policy: PoolPolicy,
}

impl ContainerSpec {
    /// What reaches exports from a host, which no block declares.
    pub fn initiator(address: Address, host: HostName) -> Self {
        ContainerSpec {
            address,
            provider: "open-iscsi".to_owned(),
            host,
            settings: Settings::new(),
            policy: PoolPolicy::default(),
        }
    }

    /// The text of a setting, or nothing where it is not set.
    pub fn text(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", Setting::as_text)
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.settings.get(name), Some(Setting::Bool(true)))
    }

    /// Whether its directory is made where it is missing: because the block says so, or because it is a seat.
    pub fn makes_directory(&self) -> bool {
        self.flag("create") || self.flag("seat")
    }

    /// One command or several; none where it is not set.
    pub fn commands(&self, name: &str) -> &[Vec<String>] {
        match self.settings.get(name) {
            Some(Setting::Lists(lists)) => lists,
            _ => &[],
        }
    }

    /// The texts of a list; nothing where it is not set.
    pub fn list(&self, name: &str) -> Option<&[String]> {
        match self.settings.get(name) {
            Some(Setting::List(list)) => Some(list),
            _ => None,
        }
    }
}
