//! Plans over the trash: what leaves it for good, and what comes back.

use std::collections::{BTreeMap, BTreeSet};

use super::containers;
use super::graph::{self, Edges};
use super::step::{Operation, Request, Step};
use super::world::World;
use super::{ChangeAction, FORMAT, Mode, Plan, PlannedContainer, ResourceChange, present};
use crate::diag::Diagnostics;
use crate::model::{Address, ObjectKey, Part, Record, TrashEntry};

/// Removes entries for good, and leaves containers in which nothing of ours is left.
///
/// # Errors
/// What a provider refuses; a container that cannot be looked at.
pub fn purge(world: &World<'_>, entries: &[&TrashEntry]) -> Result<Plan, Diagnostics> {
    let mut draft = Draft::new(world);
    let mut by_container: BTreeMap<&Address, Vec<TrashEntry>> = BTreeMap::new();
    for entry in entries {
        by_container.entry(&entry.record.object.container).or_default().push((*entry).clone());
    }
    for (address, entries) in by_container {
        draft.purge(address, entries);
    }
    let going: BTreeSet<_> = entries.iter().map(|entry| entry.id).collect();
    let stays = |address: &Address| {
        world.records.values().any(|record| record.object.container == *address)
            || world.trash.values().any(|e| !going.contains(&e.id) && e.record.object.container == *address)
    };
    for address in world.containers.keys().filter(|address| !stays(address)) {
        draft.release(address);
    }
    draft.finish()
}

/// Brings one entry back under the address and name of `after`.
///
/// # Errors
/// What the provider refuses.
pub fn take_out(world: &World<'_>, entry: &TrashEntry, after: &Record) -> Result<Plan, Diagnostics> {
    let mut draft = Draft::new(world);
    let operation = Operation::TakeOutOfTrash { entry: entry.clone(), after: after.clone() };
    draft.add(after, operation, ChangeAction::Create, "from the trash");
    draft.finish()
}

struct Draft<'a> {
    world: &'a World<'a>,
    steps: Vec<Step>,
    edges: Edges,
    rows: Vec<ResourceChange>,
    planned: BTreeMap<Address, PlannedContainer>,
    problems: Diagnostics,
}

impl<'a> Draft<'a> {
    fn new(world: &'a World<'a>) -> Self {
        Draft {
            world,
            steps: Vec::new(),
            edges: Edges::default(),
            rows: Vec::new(),
            planned: BTreeMap::new(),
            problems: Diagnostics::new(),
        }
    }

    fn purge(&mut self, address: &Address, entries: Vec<TrashEntry>) {
        let rows: Vec<ResourceChange> =
            entries.iter().map(|entry| row(&entry.record, ChangeAction::Destroy, "in the trash")).collect();
        let key = ObjectKey::new(address.clone(), Part::STORE);
        if self.ask(address, key, Operation::Purge { entries }) {
            self.rows.extend(rows);
        }
    }

    fn add(&mut self, record: &Record, operation: Operation, action: ChangeAction, reason: &str) {
        if self.ask(&record.object.container, record.object.key.clone(), operation) {
            self.rows.push(row(record, action, reason));
        }
    }

    /// Whether the provider could make steps of it.
    fn ask(&mut self, address: &Address, key: ObjectKey, operation: Operation) -> bool {
        let Some(known) = self.world.containers.get(address) else {
            let detail = format!("{key} lies in {address}, which the state does not know");
            self.problems.push(crate::diag::Diagnostic::bug(detail));
            return false;
        };
        let spec = containers::spec(self.world, address).unwrap_or(&known.spec);
        let request = Request {
            key,
            container: spec,
            identity: known.identity,
            lineage: self.world.lineage,
            workspace: self.world.workspace,
            evicts: false,
            operation,
        };
        match self.world.makers.steps(&request) {
            Ok(steps) => self.chain(steps),
            Err(problem) => {
                self.problems.push(problem);
                return false;
            }
        }
        let planned = PlannedContainer { spec: spec.clone(), identity: known.identity };
        self.planned.insert(address.clone(), planned);
        true
    }

    /// Appends a chain: each step waits for the one before.
    fn chain(&mut self, steps: Vec<Step>) {
        let start = self.steps.len();
        self.steps.extend(steps);
        for index in start + 1..self.steps.len() {
            self.edges.add(index - 1, index);
        }
    }

    fn release(&mut self, address: &Address) {
        let before = self.steps.len();
        match containers::release(self.world, address) {
            Ok(steps) => self.chain(steps),
            Err(problem) => return self.problems.push(problem),
        }
        let Some(known) = self.world.containers.get(address).filter(|_| self.steps.len() > before) else {
            return;
        };
        for index in 0..before {
            if self.steps[index].guard == self.steps[before].guard {
                self.edges.add(index, before);
            }
        }
        let planned = PlannedContainer { spec: known.spec.clone(), identity: known.identity };
        self.planned.insert(address.clone(), planned);
        self.rows.push(containers::row(&known.spec, ChangeAction::Destroy, ""));
    }

    fn finish(self) -> Result<Plan, Diagnostics> {
        if self.problems.has_errors() {
            return Err(self.problems);
        }
        let ordered = graph::order(self.steps, &self.edges)?;
        Ok(Plan {
            format: FORMAT,
            workspace: self.world.workspace.to_owned(),
            lineage: self.world.lineage,
            mode: Mode::Trash,
            changes: self.rows,
            drift: Vec::new(),
            looked: true,
            selected: false,
            steps: ordered.steps,
            edges: ordered.edges,
            state_effects: Vec::new(),
            containers: self.planned,
            pools: Vec::new(),
            hosts: BTreeMap::new(),
        })
    }
}

fn row(record: &Record, action: ChangeAction, reason: &str) -> ResourceChange {
    let attributes = present::attributes(record).into_iter().map(|(name, shown)| {
        let (before, after) =
            if action == ChangeAction::Create { (None, Some(shown)) } else { (Some(shown), None) };
        super::AttributeChange { name, before, after, forces_replacement: false }
    });
    ResourceChange {
        address: record.object.key.address.clone(),
        layer: None,
        previous_address: None,
        action,
        reason: reason.to_owned(),
        attributes: attributes.collect(),
        unchanged_attributes: 0,
    }
}
