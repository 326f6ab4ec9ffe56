//! Steps: one mutation each, with its undo and its proof beside it. Values, not code: the plan prints them, the
//! journal stores them, and reverting needs nothing else.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::command::{Action, GuardDirectory};
use crate::model::object::ContainerBody;
use crate::model::{
    Address, Bytes, ContainerRecord, HostName, HostSpec, ObjectKey, Observed, Record, Stranger, Texts,
    TrashEntry,
};

/// Stable and readable: `volume.db/volume/grow`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub String);

impl std::fmt::Display for StepId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub id: StepId,
    pub object: ObjectKey,
    pub host: HostName,
    /// Whose guard the frame enters.
    pub guard: GuardDirectory,
    pub title: Title,
    pub run: Action,
    pub undo: Undo,
    pub proof: Proof,
    /// What the state remembers once the step is done.
    pub effects: Vec<Effect>,
    pub claims: Vec<Claim>,
    /// Bytes that will be copied or wiped, for progress; zero for what takes no time.
    pub copies: Bytes,
    pub holds: Holds,
}

/// What a step's frame keeps to itself while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// The guard: steps with the same guard never run at once.
    #[default]
    Guard,
    /// Only its own object: a copy or a wipe that takes hours stops nobody else.
    Object,
}

impl Step {
    /// Irreversible steps come after the point of no return.
    pub fn is_irreversible(&self) -> bool {
        matches!(self.undo, Undo::Impossible { .. })
    }
}

/// What a step does, in words. The ui picks the tense of the verb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    pub verb: TitleVerb,
    /// `volume db.img in pool.fast`
    pub object: String,
    /// `from 10 GiB to 20 GiB`, or nothing.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TitleVerb {
    Prepare,
    Release,
    Create,
    Copy,
    Snapshot,
    Grow,
    Rename,
    Restore,
    Attach,
    Detach,
    Trash,
    Purge,
    Adopt,
    Export,
    Withdraw,
    LetIn,
    ShutOut,
    Update,
    LogIn,
    LogOut,
    Freeze,
    Thaw,
}

impl TitleVerb {
    /// `Grow`, `growing`, `grew`.
    pub fn tenses(self) -> (&'static str, &'static str, &'static str) {
        match self {
            TitleVerb::Prepare => ("Prepare", "preparing", "prepared"),
            TitleVerb::Release => ("Release", "releasing", "released"),
            TitleVerb::Create => ("Create", "creating", "created"),
            TitleVerb::Copy => ("Copy", "copying", "copied"),
            TitleVerb::Snapshot => ("Take", "taking", "taken"),
            TitleVerb::Grow => ("Grow", "growing", "grown"),
            TitleVerb::Rename => ("Rename", "renaming", "renamed"),
            TitleVerb::Restore => ("Restore", "restoring", "restored"),
            TitleVerb::Attach => ("Attach", "attaching", "attached"),
            TitleVerb::Detach => ("Detach", "detaching", "detached"),
            TitleVerb::Trash => ("Move to trash", "moving to trash", "moved to trash"),
            TitleVerb::Purge => ("Purge", "purging", "purged"),
            TitleVerb::Adopt => ("Adopt", "adopting", "adopted"),
            TitleVerb::Export => ("Export", "exporting", "exported"),
            TitleVerb::Withdraw => ("Withdraw", "withdrawing", "withdrew"),
            TitleVerb::LetIn => ("Let in", "letting in", "let in"),
            TitleVerb::ShutOut => ("Shut out", "shutting out", "shut out"),
            TitleVerb::Update => ("Update", "updating", "updated"),
            TitleVerb::LogIn => ("Log in", "logging in", "logged in"),
            TitleVerb::LogOut => ("Log out", "logging out", "logged out"),
            TitleVerb::Freeze => ("Freeze", "freezing", "frozen"),
            TitleVerb::Thaw => ("Thaw", "thawing", "thawed"),
        }
    }
}

impl std::fmt::Display for Title {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb.tenses().0, self.object)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " {}", self.detail) }
    }
}

/// How a step is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// Accepts every partial state the step can leave; "already undone" is success, "it is something else now" is
    /// refused.
    Run(Action),
    /// As `Run`, but only by the process that ran the step: after a crash somebody may have used what the step
    /// gave, so recovery keeps it and says so. A grow is the case.
    RunInSameProcess(Action),
    /// Taking back another step of the same change takes this one back too.
    Nothing,
    Impossible {
        why: String,
    },
}

/// What a fresh survey must show for a step to have happened, and for it not to have happened. Where it shows
/// neither, the step was interrupted half-way or somebody else changed the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub done: Vec<Expectation>,
    pub not_done: Vec<Expectation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// The object with this id is in the container and shows at least these facts ([`Observed::facts`]).
    Shows { container: Address, id: Uuid, facts: Texts },
    /// No object with this id is in the container, neither live nor staged nor in the trash.
    Absent { container: Address, id: Uuid },
    /// No object with this id is at `place` ([`Place::word`](crate::model::Place::word)); it may be elsewhere, or gone.
    NotAt { container: Address, id: Uuid, place: String },
    /// The container has this identity, and this lineage has an epoch there.
    Joined { container: Address, identity: Uuid },
    /// This lineage has no epoch in the container, whether or not the container is there.
    NotJoined { container: Address },
}

impl Expectation {
    pub fn container(&self) -> &Address {
        match self {
            Expectation::Shows { container, .. }
            | Expectation::Absent { container, .. }
            | Expectation::NotAt { container, .. }
            | Expectation::Joined { container, .. }
            | Expectation::NotJoined { container } => container,
        }
    }

    pub fn shows<const N: usize>(container: &Address, id: Uuid, facts: [(&'static str, String); N]) -> Self {
        Expectation::Shows { container: container.clone(), id, facts: facts.into_iter().collect() }
    }
}

/// What the state remembers once a step is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Put(Box<Record>),
    Forget(ObjectKey),
    /// The address keeps no record; its data lies in the trash.
    Trash(Box<TrashEntry>),
    /// The trash entry is gone: purged, or taken out again.
    LeaveTrash(Uuid),
    PutContainer(Box<ContainerRecord>),
    ForgetContainer(Address),
    /// How a host is reached, for as long as a container of ours is on it.
    PutHost(Box<HostSpec>),
    /// A record goes on under another address.
    Move {
        from: Address,
        to: Address,
    },
}

/// What references cannot tell: what frees a name goes before what takes it, and what keeps the size of a volume does not
/// go with what grows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    FreesName {
        container: Address,
        name: String,
    },
    TakesName {
        container: Address,
        name: String,
    },
    /// From now on the volume cannot grow.
    KeepsSize {
        volume: Uuid,
    },
    Grows {
        volume: Uuid,
    },
}

/// What a provider is asked to turn into steps: one object, before and after. The plan room decides that
/// something is to be done; the provider knows how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Takes a container into use: its identity is the object's id. `exists` where another workspace already gave
    /// it that identity.
    Join { body: ContainerBody, exists: bool },
    /// Leaves a container; what nobody uses any more is removed.
    Release { record: ContainerRecord },
    /// `source` is the record of what the content comes from: a volume's `source`, a snapshot's origin, the
    /// volume of a disk. Nothing for a blank volume.
    Create { after: Record, source: Option<Record> },
    /// A rename, a grow, or both. `attached`: somebody may be using it, so growing cannot be taken back.
    Update { before: Record, after: Record, live: Observed, attached: bool },
    /// The content becomes that of `snapshot`; the old content goes to the trash under the id `trash`.
    Restore { record: Record, snapshot: Record, trash: Uuid, live: Observed },
    /// A volume goes to the trash; a snapshot goes to the trash and is purged from there at the end; a disk is
    /// detached.
    Destroy { record: Record, live: Observed },
    /// Removes trash entries of one container and their data for good. A provider may take several in one step.
    Purge { entries: Vec<TrashEntry> },
    /// Marks what somebody else made as ours, under the address of `after`; its data is not touched.
    Adopt { after: Record, found: Stranger },
    /// Brings a trash entry back under the address of `after`.
    TakeOutOfTrash { entry: TrashEntry, after: Record },
}

/// An [`Operation`] on one object in one container, with what every provider needs to know.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub key: ObjectKey,
    pub container: &'a crate::model::ContainerSpec,
    /// The container's identity: frames refuse to run in another one.
    pub identity: Uuid,
    pub lineage: Uuid,
    pub workspace: &'a str,
    /// What is destroyed is taken from somebody who cannot give it back: a grant's session is ended at the target.
    pub evicts: bool,
    pub operation: Operation,
}
