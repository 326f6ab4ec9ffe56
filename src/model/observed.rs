//! What a survey found on a host.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::address::Kind;
use super::object::{Body, Bus};
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
    /// Gone from the tool it was made in, while its mark or what was saved of it is still there.
    Vanished,
}

impl Place {
    pub fn word(self) -> &'static str {
        match self {
            Place::Live => "live",
            Place::Staged => "staged",
            Place::Trash => "trash",
            Place::Vanished => "vanished",
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
    /// It is what was made, and its data is lost: an overflowed snapshot. It can be destroyed and nothing else.
    Broken {
        why: String,
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
    /// What only a host knows and only people ask for: `created_at`, `allocated_bytes`, or `used_percent` where the
    /// host tells that itself.
    pub notes: BTreeMap<String, String>,
}

/// The note that names the file systems of a volume; see [`Observed::notes`].
pub const FILE_SYSTEM: &str = "file_system";

impl Observed {
    /// In one word, for expressions and people: `available`, `attached`, `replaced`, `staged`, `trash`, `vanished`.
    pub fn status(&self) -> &'static str {
        match (&self.health, self.place, &self.body) {
            (Health::Replaced { .. }, ..) => "replaced",
            (Health::Broken { .. }, ..) => "broken",
            (Health::Good, Place::Live, Body::Disk(_)) => "attached",
            (Health::Good, Place::Live, Body::Session(session)) => match session.state.as_str() {
                "logged_in" => "logged in",
                "logged_out" => "logged out",
                "logged_in_twice" => "logged in twice",
                "no_disk" => "without its disk",
                "no_device" => "without its device",
                "offline" => "offline",
                _ => "failed",
            },
            (Health::Good, Place::Live, _) => "available",
            (Health::Good, place, _) => place.word(),
        }
    }

    /// The facts of the body, `place` and `health`, and where LVM says it `lv_uuid`, which stays with the data whatever it is
    /// called and marked as: what proofs are held against.
    pub fn facts(&self) -> BTreeMap<&'static str, String> {
        let mut facts = self.body.facts();
        facts.insert("place", self.place.word().to_owned());
        let health = match &self.health {
            Health::Good => "good",
            Health::Replaced { .. } => "replaced",
            Health::Broken { .. } => "broken",
        };
        facts.insert("health", health.to_owned());
        facts.extend(self.notes.get("lv_uuid").map(|uuid| ("lv_uuid", uuid.clone())));
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
    /// Pools only: what carries no mark of this lineage, and whether it could be taken over.
    pub strangers: Vec<Stranger>,
    /// Hypervisors that can ask them: the wanted VMs.
    pub vms: BTreeMap<String, VmView>,
}

/// Whether a VM can take disks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VmView {
    /// Why it can take none at all, if so, as a sentence without its end: `VM web1 is off`.
    pub off: Option<String>,
    /// Of a bus that is not here it is not known before it is tried.
    pub slots: BTreeMap<Bus, Slots>,
    pub guest: Guest,
}

/// Whether a guest can be asked to freeze its file systems.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Guest {
    /// Nobody can ask it.
    #[default]
    Unknown,
    /// The VM is off: nothing is written.
    Off,
    /// An agent in it answers.
    Answers,
    /// Why it does not, as a sentence without its end: `VM web1 has no guest agent`.
    Silent(String),
}

/// How many more disks fit on a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    pub free: usize,
    /// What to do for more, as a sentence without its end.
    pub todo: &'static str,
}

/// A volume or snapshot that this workspace did not make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stranger {
    /// As in [`Body::name`].
    pub name: String,
    /// What it is called for good, whatever its name becomes: the UUID of a logical volume.
    pub reference: String,
    pub size: Bytes,
    /// The name of what it is a snapshot of; nothing for a volume.
    pub origin: Option<String>,
    pub open: bool,
    /// Why it cannot be adopted, if it cannot: the end of a sentence that begins with its name and a colon.
    pub why_not: Option<String>,
}

impl Stranger {
    pub fn kind(&self) -> Kind {
        if self.origin.is_some() { Kind::Snapshot } else { Kind::Volume }
    }
}

/// The room of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// What marked objects and new ones may fill together.
    pub size: Bytes,
    pub free: Bytes,
    /// The virtual sizes of everything that is marked, by any lineage, trash included.
    pub promised: Bytes,
    /// Sizes are rounded up to multiples of this, such as an extent.
    pub unit: Bytes,
    /// What objects take beside their data.
    pub rooms: Vec<Room>,
    /// Why nothing can be made or grown here now, if so: a pool that is nearly full or needs a check.
    pub closed: Option<String>,
    /// Why no more may be promised than there is, whatever the policy says.
    pub no_overcommit: Option<String>,
    /// Whether copying a volume takes a snapshot of it for as long as it lasts, with room for the whole volume.
    pub copies_by_snapshot: bool,
}

impl Capacity {
    /// A pool that allocates what it promises and takes nothing else.
    pub fn plain(size: Bytes, free: Bytes, promised: Bytes) -> Self {
        Capacity {
            size,
            free,
            promised,
            unit: Bytes(1),
            rooms: Vec::new(),
            closed: None,
            no_overcommit: None,
            copies_by_snapshot: false,
        }
    }
}

/// A room of fixed size that every object takes some of: the metadata of a volume group or of a thin pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// `thin metadata`
    pub what: String,
    pub size: Bytes,
    pub used: Bytes,
    /// What may be used of it: metadata that runs full is repaired offline.
    pub limit: Bytes,
    pub per_object: Bytes,
    /// Taken for each started `chunk` of an object's size; no chunks where it is zero.
    pub per_chunk: Bytes,
    pub chunk: Bytes,
    /// How many chunks all new objects together can take, whatever their sizes: those for which there is data.
    pub most_chunks: u64,
}

impl Room {
    /// How many chunks an object of this size has.
    pub fn chunks(&self, size: Bytes) -> u64 {
        if self.chunk.0 == 0 { 0 } else { size.0.div_ceil(self.chunk.0) }
    }

    /// What this many new objects with this many chunks in all take at most.
    pub fn taken_by(&self, objects: u64, chunks: u64) -> Bytes {
        let chunks = Bytes(self.per_chunk.0.saturating_mul(chunks.min(self.most_chunks)));
        Bytes(self.per_object.0.saturating_mul(objects)).saturating_add(chunks)
    }
}

impl ContainerView {
    /// What this workspace did not make there; nothing where nobody could look.
    pub fn strangers(&self) -> &[Stranger] {
        match self {
            ContainerView::Fresh { strangers, .. } => strangers,
            ContainerView::Present(surveyed) => &surveyed.strangers,
            ContainerView::Unsurveyed { .. } => &[],
        }
    }
}

impl ContainerView {
    /// The VMs that were asked.
    pub fn vms(&self) -> Option<&BTreeMap<String, VmView>> {
        match self {
            ContainerView::Fresh { vms, .. } => Some(vms),
            ContainerView::Present(surveyed) => Some(&surveyed.vms),
            ContainerView::Unsurveyed { .. } => None,
        }
    }
}

/// A container as a survey found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerView {
    /// Nothing of vbs is there yet. `missing` lists the directories that do not exist, outermost first; `epoch`s
    /// cannot exist. `foreign`, `strangers` and `vms` as in [`Surveyed`].
    Fresh {
        missing: Vec<String>,
        foreign: BTreeSet<String>,
        capacity: Option<Capacity>,
        strangers: Vec<Stranger>,
        vms: BTreeMap<String, VmView>,
    },
    Present(Surveyed),
    /// It could not be looked at, or is not what was recorded. Never to be taken for absence.
    Unsurveyed {
        why: String,
    },
}
