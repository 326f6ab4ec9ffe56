//! What the state knows of the world, as a value, and what an effect makes of it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::{Address, ContainerRecord, HostName, HostSpec, ObjectKey, Record, TrashEntry};
use crate::plan::step::Effect;

/// Records, containers and trash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    pub records: BTreeMap<ObjectKey, Record>,
    pub containers: BTreeMap<Address, ContainerRecord>,
    pub trash: BTreeMap<Uuid, TrashEntry>,
    /// How the hosts of the containers are reached.
    pub hosts: BTreeMap<HostName, HostSpec>,
}

impl Contents {
    /// Applies effects in their order; neighbouring moves happen at once, so that two addresses can be swapped.
    /// `now` stamps what goes to the trash.
    ///
    /// # Errors
    /// Where the result would lose or double something: a move from or onto the wrong address, an object in no
    /// container, one id twice. What is left in `self` must then be dropped.
    pub fn apply(&mut self, effects: &[Effect], now: i64) -> Result<(), Diagnostic> {
        let mut moves: BTreeMap<&Address, &Address> = BTreeMap::new();
        for effect in effects {
            if let Effect::Move { from, to } = effect {
                moves.insert(from, to);
                continue;
            }
            self.move_all(&std::mem::take(&mut moves))?;
            self.apply_one(effect, now);
        }
        self.move_all(&moves)?;
        self.forget_hosts();
        self.check()
    }

    fn apply_one(&mut self, effect: &Effect, now: i64) {
        match effect {
            Effect::Put(record) => {
                self.records.insert(record.object.key.clone(), (**record).clone());
            }
            Effect::Forget(key) => {
                self.records.remove(key);
            }
            Effect::Trash(entry) => self.put_into_trash(entry, now),
            Effect::LeaveTrash(id) => {
                self.trash.remove(id);
            }
            Effect::PutContainer(record) => {
                self.containers.insert(record.spec.address.clone(), (**record).clone());
            }
            Effect::ForgetContainer(address) => {
                self.containers.remove(address);
            }
            Effect::PutHost(host) => {
                self.hosts.insert(host.name.clone(), (**host).clone());
            }
            // Collected by the caller.
            Effect::Move { .. } => {}
        }
    }

    /// A host is remembered for its containers.
    fn forget_hosts(&mut self) {
        let used: BTreeSet<&HostName> = self.containers.values().map(|record| &record.spec.host).collect();
        self.hosts.retain(|name, _| used.contains(name));
    }

    /// The address loses its record only where that is the object in the trash: after a replacement or a restore in
    /// place it stands for another object or other content by now.
    fn put_into_trash(&mut self, entry: &TrashEntry, now: i64) {
        let key = &entry.record.object.key;
        if self.records.get(key).is_some_and(|record| record.object.id == entry.id) {
            self.records.remove(key);
        }
        let trashed_at = if entry.trashed_at == 0 { now } else { entry.trashed_at };
        self.trash.insert(entry.id, TrashEntry { trashed_at, ..entry.clone() });
    }

    fn move_all(&mut self, moves: &BTreeMap<&Address, &Address>) -> Result<(), Diagnostic> {
        if moves.is_empty() {
            return Ok(());
        }
        let known = |address: &Address| {
            self.containers.contains_key(address) || self.records.keys().any(|key| key.address == *address)
        };
        if let Some(from) = moves.keys().find(|from| !known(from)) {
            return Err(Diagnostic::bug(format!("{from} was to be moved and is not in the state")));
        }
        let renamed =
            |address: &Address| moves.get(address).map_or_else(|| address.clone(), |to| (*to).clone());
        let mut moved_ids = BTreeMap::new();
        let (records, containers) = (std::mem::take(&mut self.records), std::mem::take(&mut self.containers));
        for mut record in records.into_values() {
            let address = renamed(&record.object.key.address);
            if address != record.object.key.address {
                moved_ids.insert(record.object.id, address.clone());
            }
            record.object.key.address = address;
            let key = record.object.key.clone();
            if self.records.insert(key.clone(), record).is_some() {
                return Err(Diagnostic::bug(format!(
                    "Something was to be moved onto {key}, which is in the state"
                )));
            }
        }
        for mut record in containers.into_values() {
            record.spec.address = renamed(&record.spec.address);
            self.containers.insert(record.spec.address.clone(), record);
        }
        let of_trash = self.trash.values_mut().map(|entry| &mut entry.record);
        for record in self.records.values_mut().chain(of_trash) {
            follow(record, &renamed, &moved_ids);
        }
        Ok(())
    }

    /// What must hold of every state.
    fn check(&self) -> Result<(), Diagnostic> {
        let mut ids = BTreeSet::new();
        for (key, record) in &self.records {
            if !ids.insert(record.object.id) {
                return Err(Diagnostic::bug(format!(
                    "The id {} of {key} would be twice in the state",
                    record.object.id
                )));
            }
        }
        let kept = self.records.values().chain(self.trash.values().map(|entry| &entry.record));
        for record in kept {
            if !self.containers.contains_key(&record.object.container) {
                return Err(Diagnostic::bug(format!(
                    "{} lies in {}, which would not be in the state",
                    record.object.key, record.object.container
                )));
            }
        }
        Ok(())
    }
}

/// Lets a record's references follow what was moved. Sources are known by id: an address may have had another owner.
fn follow(record: &mut Record, renamed: &impl Fn(&Address) -> Address, moved_ids: &BTreeMap<Uuid, Address>) {
    record.object.container = renamed(&record.object.container);
    for address in &mut record.depends_on {
        *address = renamed(address);
    }
    record.object.body.follow(&|id| moved_ids.get(&id).cloned());
}
