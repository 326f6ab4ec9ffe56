//! What a survey found on a host.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::object::Body;
use super::size::Bytes;

/// The mark that vbs leaves on what it makes. Ownership is lineage and id; the rest rides along for people and
/// for rebuilding a lost state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub lineage: Uuid,
    pub id: Uuid,
    pub workspace: String,
    /// Kept as text: a mark is read from outside and may say anything.
    pub address: String,
}

/// Where an object is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Under its name, usable.
    Live,
    /// Made and marked but not yet (or no longer) under its name: a command was interrupted, or a copy waits to
    /// be swapped in.
    Staged,
    /// In the trash.
    Trash,
}

impl Place {
    pub fn word(self) -> &'static str {
        match self {
            Place::Live => "live",
            Place::Staged => "staged",
            Place::Trash => "trash",
        }
    }
}

/// Whether an object is still the thing that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Good,
    /// Something else stands under its name, or its mark was altered. The words say what was found.
    Replaced {
        found: String,
    },
}

/// One marked object, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    pub mark: Mark,
    pub place: Place,
    /// As read back. A container's own object is not listed: its identity is the survey's.
    pub body: Body,
    pub health: Health,
    /// Whether some process has it open.
    pub open: bool,
    /// What only a host knows and only people ask for: `created_at`, `allocated_bytes`.
    pub notes: BTreeMap<String, String>,
}

impl Observed {
    /// In one word, for expressions and people: `available`, `attached`, `replaced`, `staged`, `trash`.
    pub fn status(&self) -> &'static str {
        match (&self.health, self.place, &self.body) {
            (Health::Replaced { .. }, ..) => "replaced",
            (Health::Good, Place::Live, Body::Disk(_)) => "attached",
            (Health::Good, Place::Live, _) => "available",
            (Health::Good, place, _) => place.word(),
        }
    }

    /// The facts of the body, and `place` and `health`: what proofs are held against.
    pub fn facts(&self) -> BTreeMap<&'static str, String> {
        let mut facts = self.body.facts();
        facts.insert("place", self.place.word().to_owned());
        let health = match &self.health {
            Health::Good => "good",
            Health::Replaced { .. } => "replaced",
        };
        facts.insert("health", health.to_owned());
        facts
    }
}

/// What a survey of one container found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// What the container says of itself.
    pub identity: Uuid,
    /// See [`super::object::ContainerBody::makes`]: what the container says that this lineage made.
    pub makes: Vec<String>,
    /// The last epoch of this lineage there; nothing where this lineage has not been.
    pub epoch: Option<u64>,
    /// Every marked object of any lineage. One id may occur twice: that is an error to be reported, not hidden.
    pub objects: Vec<Observed>,
    /// Names that something without our mark occupies: `db` where `db.img` is in the way, `web1/vdb`.
    pub foreign: BTreeSet<String>,
    /// Pools only.
    pub capacity: Option<Capacity>,
}

/// The room of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// What marked objects and new ones may fill together.
    pub size: Bytes,
    pub free: Bytes,
    /// The virtual sizes of everything that is marked, by any lineage, trash included.
    pub promised: Bytes,
}

/// A container as a survey found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerView {
    /// Nothing of vbs is there yet. `missing` lists the directories that do not exist, outermost first; `epoch`s
    /// cannot exist. `foreign` as in [`Surveyed`].
    Fresh {
        missing: Vec<String>,
        foreign: BTreeSet<String>,
        capacity: Option<Capacity>,
    },
    Present(Surveyed),
    /// It could not be looked at, or is not what was recorded. Never to be taken for absence.
    Unsurveyed {
        why: String,
    },
}
