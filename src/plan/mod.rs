//! The pure core: desired, recorded and live objects in, an executable plan out. Apply makes no choices of its own.

pub mod adopt;
pub mod build;
mod capacity;
pub mod compare;
mod containers;
pub mod diff;
mod fit;
pub mod graph;
mod hints;
mod layers;
pub mod lost;
pub mod lower;
pub mod moves;
pub mod present;
pub use capacity::limit as promise_limit;
pub use problems::UNRECORDED;
mod problems;
mod quiesce;
mod restores;
pub mod select;
pub mod sharing;
pub mod step;
pub mod trash;
mod users;
mod vms;
pub mod world;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Address, Bytes, ContainerSpec, HostName, HostSpec, Kind};
use step::{Effect, Step};

/// The encoding of plans and journals. A newer one is refused, never guessed at.
pub const FORMAT: u32 = 1;

/// The executable graph, with what people need to judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub format: u32,
    pub workspace: String,
    pub lineage: Uuid,
    pub mode: Mode,
    /// One for every address that changes, by address.
    pub changes: Vec<ResourceChange>,
    /// What is not as it was recorded, whether or not the plan mends it.
    pub drift: Vec<Drift>,
    /// Whether any host showed what is there: where nothing was looked at, nothing is said of it.
    #[serde(default)]
    pub looked: bool,
    /// Whether a selection left out something that is declared or recorded: nothing is said of that.
    #[serde(default)]
    pub selected: bool,
    /// In an order that respects `edges`, irreversible steps last.
    pub steps: Vec<Step>,
    /// `(before, after)`, indices into `steps`.
    pub edges: Vec<(u32, u32)>,
    /// What the state learns at the commit without anything being done on a host.
    pub state_effects: Vec<Effect>,
    /// Every container that the steps touch, with its identity.
    pub containers: BTreeMap<Address, PlannedContainer>,
    pub pools: Vec<PoolUse>,
    /// How the hosts of these containers are reached: a run must be closed whatever becomes of the configuration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<HostName, HostSpec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedContainer {
    pub spec: ContainerSpec,
    pub identity: Uuid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Normal,
    Destroy,
    RefreshOnly,
    /// Trash entries are purged or taken out.
    Trash,
    /// What somebody else made is adopted.
    Import,
}

/// What happens to one address, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceChange {
    pub address: Address,
    /// Where it is not what the address is known by, but a layer between a volume and its disks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// Where a `moved` block or `state mv` took it from.
    pub previous_address: Option<Address>,
    pub action: ChangeAction,
    /// `not in configuration`, `vanished from pool.fast`, or nothing.
    pub reason: String,
    /// Changed attributes; all of them for what is created or destroyed.
    pub attributes: Vec<AttributeChange>,
    pub unchanged_attributes: usize,
}

/// An export, a grant or a session, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// `export`, `grant`, `session`
    pub kind: Cow<'static, str>,
    /// `export`, `grant for kvm1`: what of the address it is.
    pub name: String,
    /// `iqn.2026-11.vbs.shop:5f1c… (store1)`
    pub what: String,
    /// The attachments that need it, or did.
    pub serves: Vec<Address>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    Create,
    Update,
    Replace,
    /// It exists already and becomes ours as it is.
    Adopt,
    /// The volume's content becomes a snapshot's.
    Restore,
    Destroy,
    /// It is gone already; the state forgets it.
    Forget,
    /// Only what the state knows changes: protection, labels, an address.
    Record,
}

impl ChangeAction {
    pub fn symbol(self) -> &'static str {
        match self {
            ChangeAction::Create | ChangeAction::Adopt => "+",
            ChangeAction::Update | ChangeAction::Restore | ChangeAction::Record => "~",
            ChangeAction::Replace => "-/+",
            ChangeAction::Destroy => "-",
            ChangeAction::Forget => ".",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeChange {
    pub name: Cow<'static, str>,
    pub before: Option<Shown>,
    pub after: Option<Shown>,
    pub forces_replacement: bool,
}

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Shown in quotes.
    Text(String),
    /// Shown as it is: `pool.fast`, `true`, `3`.
    Bare(String),
    Sensitive,
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shown::Text(text) => write!(f, "{text:?}"),
            Shown::Bare(text) => f.write_str(text),
            Shown::Sensitive => f.write_str("(sensitive value)"),
        }
    }
}

/// One object that is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Drift {
    pub address: Address,
    /// `vanished from pool.fast`, `was replaced: …`, `size is 5 GiB, recorded 10 GiB`.
    pub what: String,
    /// Whether this plan mends it.
    pub mended: bool,
}

/// A pool's promises before and after the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolUse {
    pub pool: Address,
    pub size: Bytes,
    pub before: Bytes,
    pub after: Bytes,
    /// The same of what objects take beside their data, such as thin metadata; `after` is the most that it can be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomUse>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomUse {
    pub what: String,
    pub size: Bytes,
    pub before: Bytes,
    pub after: Bytes,
}

impl Plan {
    /// Nothing to do on any host and nothing to write into the state.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.state_effects.is_empty()
    }

    /// The index of the first irreversible step: everything before it can be reverted.
    pub fn point_of_no_return(&self) -> Option<usize> {
        self.steps.iter().position(Step::is_irreversible)
    }

    /// How many resources are added, changed and destroyed; a replacement counts as added and destroyed. The layers of a
    /// resource that changes count with it.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for change in self.resources() {
            match change.action {
                // Nothing of it changes but its address.
                ChangeAction::Record if change.previous_address.is_some() && change.attributes.is_empty() => {
                }
                ChangeAction::Create => totals.add += 1,
                ChangeAction::Adopt => totals.adopt += 1,
                ChangeAction::Update | ChangeAction::Restore | ChangeAction::Record => totals.change += 1,
                ChangeAction::Replace => {
                    totals.add += 1;
                    totals.destroy += 1;
                }
                ChangeAction::Destroy => totals.destroy += 1,
                ChangeAction::Forget => totals.forget += 1,
            }
        }
        let changed: BTreeSet<&Address> = self.resources().map(|change| &change.address).collect();
        let layers = self.changes.iter().filter_map(|change| change.layer.as_ref());
        totals.layers = layers.filter(|layer| !layer.serves.iter().any(|it| changed.contains(it))).count();
        totals
    }

    /// The changes of what users declare.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceChange> {
        self.changes.iter().filter(|change| change.address.kind.is_resource() && change.layer.is_none())
    }

    /// The changes of kind `kind`.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &ResourceChange> {
        self.changes.iter().filter(move |change| change.address.kind == kind)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub add: usize,
    pub change: usize,
    pub destroy: usize,
    pub forget: usize,
    /// Terraform's tools know it by this name.
    #[serde(rename = "import", default)]
    pub adopt: usize,
    /// Exports, grants and sessions of attachments that themselves stay as they are.
    #[serde(default)]
    pub layers: usize,
}
