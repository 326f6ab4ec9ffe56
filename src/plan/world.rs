//! What a plan is made from, and what the run asked for.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::step::{Request, Step};
use crate::diag::Diagnostic;
use crate::model::desired::Desired;
use crate::model::observed::Capacity;
use crate::model::schema::Traits;
use crate::model::{
    Address, Body, ContainerRecord, ContainerSpec, ContainerView, Object, ObjectKey, Record, TrashEntry,
};

/// The three sides of the comparison. Moves have been applied to the recorded side already.
#[derive(Clone, Copy)]
pub struct World<'a> {
    pub lineage: Uuid,
    pub workspace: &'a str,
    pub desired: &'a Desired,
    pub records: &'a BTreeMap<ObjectKey, Record>,
    pub containers: &'a BTreeMap<Address, ContainerRecord>,
    pub trash: &'a BTreeMap<Uuid, TrashEntry>,
    pub live: &'a BTreeMap<Address, ContainerView>,
    pub makers: &'a dyn Makers,
    pub fingerprint: &'a dyn Fingerprints,
}

/// The fingerprints of secrets by their names: see [`crate::model::Login`].
pub trait Fingerprints {
    fn of(&self, proof: &Proof<'_>) -> String;

    /// The name of a secret that the configuration gives: it holds the secret itself, encrypted. Nothing for others.
    fn sealed(&self, secret: &str) -> Option<String> {
        let _ = secret;
        None
    }

    /// What tells a secret that is chosen now from one that was chosen under the same name before: a number that grows with
    /// each run.
    fn generation(&self) -> u64 {
        0
    }
}

/// Of a world without secrets.
impl Fingerprints for () {
    fn of(&self, _: &Proof<'_>) -> String {
        String::new()
    }
}

/// Whose secret, towards which target.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    pub target: &'a str,
    pub user: &'a str,
    pub secret: &'a str,
}

/// The record that an address is known by: its volume, its snapshot, or its disk.
pub fn find_record<'a>(records: &'a BTreeMap<ObjectKey, Record>, address: &Address) -> Option<&'a Record> {
    records.get(&ObjectKey::primary(address.clone()))
}

/// How operations become steps. The plan room knows no provider; it is handed this.
pub trait Makers {
    /// # Errors
    /// Where the provider of the container cannot do what is asked.
    fn steps(&self, request: &Request<'_>) -> Result<Vec<Step>, Diagnostic>;

    /// Has the guest of a disk freeze its file systems before the change that is asked for, and thaw them after it: one step
    /// each. The request is the change's, with the container and identity of the disk.
    ///
    /// # Errors
    /// Where the hypervisor of the disk cannot do that.
    fn freeze(&self, request: &Request<'_>, disk: &Record) -> Result<[Step; 2], Diagnostic>;

    /// Makes of a wanted body what the container would make of it: sizes rounded to what it allocates in.
    fn fit(&self, container: &ContainerSpec, capacity: &Capacity, body: &mut Body);

    fn traits(&self, container: &ContainerSpec) -> Traits;

    /// Where on its host a volume or snapshot is found; nothing for what has no such place.
    fn place(&self, container: &ContainerSpec, object: &Object) -> Option<String>;
}

/// What the command line asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub destroy: bool,
    pub refresh_only: bool,
    /// With `destroy`: leave no trash.
    pub purge: bool,
    pub targets: Vec<Address>,
    pub excludes: Vec<Address>,
    pub replace: Vec<Address>,
    pub recreate: Vec<Address>,
    /// Hosts of VMs that are off for good.
    pub lost: Vec<Address>,
    /// Volume and snapshot.
    pub restore: Vec<(Address, Address)>,
}

impl Options {
    pub fn replaces(&self, address: &Address) -> bool {
        self.replace.iter().any(|asked| asked.covers(address))
    }

    pub fn recreates(&self, address: &Address) -> bool {
        self.recreate.iter().any(|asked| asked.covers(address))
    }

    /// What is not contacted at all: it was left out, or is lost.
    pub fn not_asked(&self) -> Vec<Address> {
        self.excludes.iter().chain(&self.lost).cloned().collect()
    }

    pub fn restores(&self, address: &Address) -> Option<&Address> {
        self.restore.iter().find(|(volume, _)| volume == address).map(|(_, snapshot)| snapshot)
    }
}

/// Which addresses a run may change.
#[derive(Debug, Clone)]
pub enum Scope {
    Everything,
    Only(BTreeSet<Address>),
    AllBut(BTreeSet<Address>),
}

impl Scope {
    pub fn contains(&self, address: &Address) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Only(set) => set.contains(address),
            Scope::AllBut(set) => !set.contains(address),
        }
    }
}
