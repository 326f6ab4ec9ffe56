//! From the comparison to the executable graph.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::diff::{Change, Decision, Diff, LiveIndex, diff};
use super::graph::{self, Edges};
use super::layers::{self, Ways};
use super::lost::{self, Lost};
use super::lower::lower;
use super::step::{Effect, Operation, Request, Step};
use super::world::{Options, Scope, World, find_record};
use super::{
    AttributeChange, ChangeAction, FORMAT, Mode, Plan, PlannedContainer, ResourceChange, Shown, capacity,
    containers, fit, hints, present, problems, quiesce, restores, select, sharing, users, vms,
};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Address, Body, ContainerSpec, HostName, Kind, ObjectKey, Observed, Part, Record};

/// A plan, with what was wrong. A plan beside errors shows what could be planned; it must not be applied.
#[derive(Debug)]
pub struct Built {
    pub plan: Plan,
    pub diagnostics: Diagnostics,
    /// What lies in the trash already and is to leave it with what the plan destroys.
    pub purges: BTreeSet<Uuid>,
}

/// Compares and assembles. `fresh` gives ids for what gets one at plan time.
///
/// # Errors
/// Options that name nothing, steps that wait for each other: there is no plan to show then.
pub fn build(
    world: &World<'_>,
    options: &Options,
    fresh: &mut dyn FnMut() -> Uuid,
) -> Result<Built, Diagnostics> {
    let mut desired = lower(world.desired)?;
    let (lost, losses) = Lost::of(world, options, &mut desired)?;
    fit::fit(world, &mut desired);
    let scope = select::scope(world, options)?;
    let index = LiveIndex::new(world.live, world.lineage);
    let mut found = diff(world, &desired, options, &scope, &index, &lost);
    found.diagnostics.extend(losses);
    lost::clear(world, options, &mut found);
    restores::check(world, options, &index, &mut found);
    check_left_out(world, &scope, &mut found);
    fit::check_sources(world, &index, &mut found);
    fit::size_snapshots(world, &mut found);
    let pools = capacity::check(world, &mut found);
    vms::check(world, &mut found);
    sharing::check(world, options, &index, &mut found);
    let mode = match options {
        Options { destroy: true, .. } => Mode::Destroy,
        Options { refresh_only: true, .. } => Mode::RefreshOnly,
        _ => Mode::Normal,
    };
    for change in found.changes.values_mut().filter(|change| is_another(change, &lost)) {
        renew(change, fresh);
    }
    hints::add(world, mode, &mut found);
    let mut builder = Builder::new(world, options, &found, &lost, fresh);
    builder.add_changes();
    builder.add_containers();
    let (steps, effects, rows, planned, mut diagnostics) = builder.finish();
    diagnostics.extend(found.diagnostics);
    diagnostics.sort();
    let (steps, edges) = (steps.steps, steps.edges);
    found.drift.sort();
    let plan = Plan {
        format: FORMAT,
        workspace: world.workspace.to_owned(),
        lineage: world.lineage,
        mode,
        changes: rows,
        drift: found.drift,
        looked: false,
        selected: leaves_out(world, &desired, &scope),
        steps,
        edges,
        state_effects: effects,
        containers: planned,
        pools,
        hosts: BTreeMap::new(),
    };
    Ok(Built { plan, diagnostics, purges: select::purges(world, options, &scope) })
}

fn leaves_out(world: &World<'_>, desired: &BTreeMap<ObjectKey, Arc<Record>>, scope: &Scope) -> bool {
    let mut all = desired.keys().chain(world.records.keys()).map(|key| &key.address);
    all.any(|address| address.kind.is_resource() && !scope.contains(address))
}

/// Whether something new comes under the address of what is recorded. What a lost host has keeps its id, and may come back.
fn is_another(change: &Change, lost: &Lost) -> bool {
    let was_lost = change.before.as_ref().is_some_and(|record| lost.holds(&record.object.container));
    change.decision == Decision::Replace || (change.decision == Decision::Create && was_lost)
}

/// A replacement is another object: a disk gets a new id here, a volume got its own from the configuration.
fn renew(change: &mut Change, fresh: &mut dyn FnMut() -> Uuid) {
    let Some(after) = &mut change.after else { return };
    let recorded = change.before.as_ref().map(|record| record.object.id);
    if recorded == Some(after.object.id) {
        Arc::make_mut(after).object.id = fresh();
    }
}

/// What is renamed, replaced or destroyed must take along the disks that point to it.
fn check_left_out(world: &World<'_>, scope: &Scope, found: &mut Diff) {
    let names = |change: &Change| {
        [&change.before, &change.after].map(|record| Some(record.as_ref()?.object.body.name()?.to_owned()))
    };
    let moves = |change: &&Change| match change.decision {
        Decision::Update => {
            let [before, after] = names(change);
            before != after
        }
        Decision::Replace | Decision::Destroy => true,
        Decision::Create | Decision::Restore { .. } | Decision::Forget | Decision::Record => false,
    };
    let moving: BTreeSet<Uuid> = found
        .changes
        .values()
        .filter(moves)
        .filter_map(|change| change.before.as_ref().map(|before| before.object.id))
        .collect();
    for record in world.records.values().filter(|record| !scope.contains(&record.object.key.address)) {
        if let Body::Disk(disk) = &record.object.body
            && moving.contains(&disk.source.id)
        {
            let address = &record.object.key.address;
            found.diagnostics.push(problems::left_pointing(world, &disk.source.address, address));
        }
    }
}

/// The steps of one change: what takes away, and what makes or alters.
#[derive(Debug, Clone, Default)]
pub(super) struct Chains {
    pub down: Range<usize>,
    pub up: Range<usize>,
}

struct Builder<'a> {
    world: &'a World<'a>,
    options: &'a Options,
    changes: &'a BTreeMap<ObjectKey, Change>,
    unsurveyed: &'a BTreeSet<Address>,
    lost: &'a Lost,
    attached: BTreeSet<Uuid>,
    steps: Vec<Step>,
    chains: BTreeMap<ObjectKey, Chains>,
    by_address: BTreeMap<&'a Address, Vec<&'a ObjectKey>>,
    effects: Vec<Effect>,
    rows: Vec<ResourceChange>,
    planned: BTreeMap<Address, PlannedContainer>,
    edges: Edges,
    diagnostics: Diagnostics,
    fresh: &'a mut dyn FnMut() -> Uuid,
    /// Where guests of a hypervisor are thawed last.
    frozen: BTreeMap<&'a Address, usize>,
    /// Of containers that this plan is the first to use.
    identities: BTreeMap<Address, Uuid>,
}

type Finished =
    (graph::Ordered, Vec<Effect>, Vec<ResourceChange>, BTreeMap<Address, PlannedContainer>, Diagnostics);

impl<'a> Builder<'a> {
    fn new(
        world: &'a World<'a>,
        options: &'a Options,
        found: &'a Diff,
        lost: &'a Lost,
        fresh: &'a mut dyn FnMut() -> Uuid,
    ) -> Self {
        let changes = &found.changes;
        let mut by_address: BTreeMap<&Address, Vec<&ObjectKey>> = BTreeMap::new();
        for key in changes.keys() {
            by_address.entry(&key.address).or_default().push(key);
        }
        let attached = world.records.values().filter_map(|record| match &record.object.body {
            Body::Disk(disk) => Some(disk.source.id),
            _ => None,
        });
        Builder {
            world,
            options,
            changes,
            unsurveyed: &found.unsurveyed,
            lost,
            attached: attached.collect(),
            steps: Vec::new(),
            chains: BTreeMap::new(),
            by_address,
            effects: Vec::new(),
            rows: Vec::new(),
            planned: BTreeMap::new(),
            edges: Edges::default(),
            diagnostics: Diagnostics::new(),
            fresh,
            frozen: BTreeMap::new(),
            identities: BTreeMap::new(),
        }
    }

    fn add_changes(&mut self) {
        let made = self.changes.values().filter_map(|change| change.after.as_deref());
        let ways = Ways::over(self.world.records.values().chain(made));
        for change in self.changes.values() {
            let mut row = present::resource_change(change);
            row.layer = layers::layer(self.world, &ways, change);
            self.show_place(change, &mut row);
            self.rows.push(row);
            let chains = match self.chains_of(change) {
                Ok(chains) => chains,
                Err(problem) => {
                    self.diagnostics.push(problem);
                    continue;
                }
            };
            if matches!(change.decision, Decision::Restore { .. }) {
                self.tell_what_becomes_of_it(&chains);
            }
            self.chains.insert(change.key.clone(), chains);
        }
        for change in self.changes.values() {
            self.order_change(change);
        }
        users::order(self.changes, self.lost, &self.chains, &self.steps, &mut self.edges);
    }

    /// What a volume holds before it is restored, in the row that was added last.
    fn tell_what_becomes_of_it(&mut self, chains: &Chains) {
        let effects = self.steps[chains.up.clone()].iter().flat_map(|step| &step.effects);
        let is_kept = effects.into_iter().any(|effect| matches!(effect, Effect::Trash(_)));
        let what = if is_kept { "what it holds now goes to the trash" } else { "what it holds now is lost" };
        if let Some(row) = self.rows.last_mut() {
            row.reason = format!("{}: {what}", row.reason);
        }
    }

    /// On which machine it is, where that is not this one.
    fn show_place(&self, change: &Change, row: &mut ResourceChange) {
        let place = |record: &Option<Arc<Record>>| {
            let object = &record.as_ref()?.object;
            let spec = containers::spec(self.world, &object.container)?;
            let place = self.world.makers.place(spec, object)?;
            (spec.host != HostName::local()).then(|| Shown::Text(format!("{place} on {}", spec.host)))
        };
        let (before, after) = match change.decision {
            Decision::Create => (None, place(&change.after)),
            Decision::Destroy => (place(&change.before), None),
            _ => return,
        };
        if before != after {
            let name = "on".into();
            row.attributes.push(AttributeChange { name, before, after, forces_replacement: false });
        }
    }

    fn chains_of(&mut self, change: &Change) -> Result<Chains, Diagnostic> {
        let mut chains = Chains::default();
        match (&change.decision, &change.before, &change.after, &change.live) {
            (Decision::Create, _, Some(after), _) => chains.up = self.create(after)?,
            (Decision::Update, Some(before), Some(after), Some(live)) => {
                let attached = self.attached.contains(&before.object.id);
                let operation = Operation::Update {
                    before: Record::clone(before),
                    after: Record::clone(after),
                    live: Observed::clone(live),
                    attached,
                };
                chains.up = self.request(before, operation)?;
            }
            (Decision::Replace, Some(before), Some(after), Some(live)) => {
                chains.down = self.destroy(before, live)?;
                chains.up = self.create(after)?;
                if let (Some(last), Some(first)) =
                    (settled(&self.steps, &chains.down), chains.up.clone().next())
                {
                    self.edges.add(last, first);
                }
            }
            (Decision::Restore { snapshot }, Some(before), _, Some(live)) => {
                chains.up = self.restore(before, snapshot, live)?;
            }
            (Decision::Destroy, Some(before), _, Some(live)) => {
                chains.down = self.destroy(before, live)?;
                layers::let_go(self.world, self.changes, change, &mut self.steps[chains.down.clone()]);
            }
            (Decision::Forget, Some(_), _, _) => self.effects.push(Effect::Forget(change.key.clone())),
            (Decision::Record, _, Some(after), _) => {
                self.effects.push(Effect::Put(Box::new(Record::clone(after))))
            }
            (decision, ..) => {
                return Err(Diagnostic::bug(format!(
                    "{} is to be {decision:?} and has nothing for it",
                    change.key
                )));
            }
        }
        Ok(chains)
    }

    fn create(&mut self, after: &Record) -> Result<Range<usize>, Diagnostic> {
        let source =
            after.object.body.source().map(|source| self.source(after, &source.address)).transpose()?;
        let disks = quiesce::guests(self.world, after)?;
        let operation = Operation::Create { after: after.clone(), source };
        let (mut steps, mut thaws) = (Vec::new(), Vec::new());
        for disk in &disks {
            let key = after.object.key.clone();
            let request = self.asked(key, &disk.object.container, operation.clone())?;
            let [freeze, thaw] = self.world.makers.freeze(&request, disk)?;
            steps.push(freeze);
            thaws.insert(0, thaw);
        }
        steps.extend(self.steps_of(after, operation)?);
        steps.extend(thaws);
        let chain = self.push(steps);
        // A guest that is frozen is not frozen again.
        for disk in disks {
            if let Some(before) = self.frozen.insert(&disk.object.container, chain.end - 1) {
                self.edges.add(before, chain.start);
            }
        }
        Ok(chain)
    }

    fn destroy(&mut self, before: &Record, live: &Observed) -> Result<Range<usize>, Diagnostic> {
        let mut record = before.clone();
        if self.options.purge {
            record.on_destroy = crate::model::OnDestroy::Purge;
        }
        self.request(before, Operation::Destroy { record, live: live.clone() })
    }

    fn restore(
        &mut self,
        before: &Record,
        snapshot: &Address,
        live: &Observed,
    ) -> Result<Range<usize>, Diagnostic> {
        let taken = self.recorded(snapshot)?;
        let trash = (self.fresh)();
        let operation =
            Operation::Restore { record: before.clone(), snapshot: taken, trash, live: live.clone() };
        self.request(before, operation)
    }

    /// The record of what content comes from, as it will be when it is read.
    fn source(&self, after: &Record, address: &Address) -> Result<Record, Diagnostic> {
        let change = self.changes.get(&ObjectKey::primary(address.clone()));
        match change {
            Some(change) if is_snapshot(after) && !is_made(change) => change
                .before
                .as_deref()
                .cloned()
                .ok_or_else(|| Diagnostic::bug(format!("{address} is changed and not recorded"))),
            Some(Change { after: Some(after), .. }) => Ok(Record::clone(after)),
            Some(Change { before: Some(before), .. }) => Ok(Record::clone(before)),
            Some(_) | None => self.recorded(address),
        }
    }

    fn recorded(&self, address: &Address) -> Result<Record, Diagnostic> {
        find_record(self.world.records, address).cloned().ok_or_else(|| {
            let why = if self.unsurveyed.contains(address) {
                "and nothing is planned for it, because of what cannot be looked at. Mend that first."
            } else {
                "and it is neither in the state nor made by this plan. Plan it as well."
            };
            Diagnostic::error("Its source is not there", format!("{address} is needed, {why}"))
        })
    }

    fn request(&mut self, record: &Record, operation: Operation) -> Result<Range<usize>, Diagnostic> {
        let steps = self.steps_of(record, operation)?;
        Ok(self.push(steps))
    }

    fn steps_of(&mut self, record: &Record, operation: Operation) -> Result<Vec<Step>, Diagnostic> {
        let request = self.asked(record.object.key.clone(), &record.object.container, operation)?;
        self.world.makers.steps(&request)
    }

    /// A request to a container that the plan then has to do with.
    fn asked(
        &mut self,
        key: ObjectKey,
        address: &Address,
        operation: Operation,
    ) -> Result<Request<'a>, Diagnostic> {
        let (container, identity) = (self.spec(address)?, self.identity(address));
        let World { lineage, workspace, .. } = *self.world;
        self.planned
            .entry(address.clone())
            .or_insert_with(|| PlannedContainer { identity, spec: container.clone() });
        let evicts = self.lost.evicts(&key);
        Ok(Request { key, container, identity, lineage, workspace, evicts, operation })
    }

    /// Appends a chain: each step waits for the one before.
    fn push(&mut self, steps: Vec<Step>) -> Range<usize> {
        let start = self.steps.len();
        self.steps.extend(steps);
        for index in start + 1..self.steps.len() {
            self.edges.add(index - 1, index);
        }
        start..self.steps.len()
    }

    /// What the container says of itself; chosen once for the whole plan where nobody has used it before.
    fn identity(&mut self, address: &Address) -> Uuid {
        let (fresh, identities) = (&mut self.fresh, &mut self.identities);
        containers::identity(self.world, address)
            .unwrap_or_else(|| *identities.entry(address.clone()).or_insert_with(&mut **fresh))
    }

    /// What is declared, else what is recorded.
    fn spec(&self, address: &Address) -> Result<&'a ContainerSpec, Diagnostic> {
        containers::spec(self.world, address)
            .ok_or_else(|| Diagnostic::bug(format!("{address} is neither declared nor recorded")))
    }

    /// Edges that references give.
    fn order_change(&mut self, change: &Change) {
        let Some(chains) = self.chains.get(&change.key).cloned() else { return };
        if let (Some(after), Some(first)) = (&change.after, chains.up.clone().next()) {
            for needed in needs(after) {
                self.after_needed(change, &chains, first, &needed);
            }
        }
        if let (Some(before), Some(last)) = (&change.before, settled(&self.steps, &chains.down)) {
            for needed in needs(before) {
                for (_, theirs) in self.chains_at(&needed) {
                    self.edges_to(last, &theirs.down);
                    self.edges_to(last, &theirs.up);
                }
            }
        }
    }

    fn after_needed(&mut self, change: &Change, chains: &Chains, first: usize, needed: &Needed) {
        for (key, theirs) in self.chains_at(needed) {
            let made = self.changes.get(key).is_some_and(is_made);
            let is_origin = change
                .after
                .as_ref()
                .is_some_and(|after| is_snapshot(after) && matches!(needed, Needed::Object(_)));
            if is_origin && !made {
                // A new snapshot comes before every other change to its volume.
                if let Some(last) = chains.up.clone().next_back() {
                    self.edges_to(last, &theirs.up);
                    self.edges_to(last, &theirs.down);
                }
            } else if let Some(last) = theirs.up.clone().next_back() {
                self.edges.add(last, first);
            }
        }
    }

    fn edges_to(&mut self, before: usize, chain: &Range<usize>) {
        if let Some(first) = chain.clone().next() {
            self.edges.add(before, first);
        }
    }

    fn chains_at(&self, needed: &Needed) -> Vec<(&'a ObjectKey, Chains)> {
        let (address, part) = match needed {
            Needed::Object(key) => (&key.address, Some(&key.part)),
            Needed::Everything(address) => (address, None),
        };
        let keys = self.by_address.get(address).map(Vec::as_slice).unwrap_or_default();
        let keys = keys.iter().filter(|key| part.is_none_or(|part| key.part == *part));
        keys.filter_map(|key| Some((*key, self.chains.get(*key)?.clone()))).collect()
    }

    /// Takes containers into use before anything is made in them, and leaves them after the last thing is gone.
    fn add_containers(&mut self) {
        let users = self.users();
        for (address, indices) in &users {
            let identity = self.identity(address);
            match containers::join(self.world, address, identity) {
                Ok(steps) => {
                    let joined = self.container_steps(address, ChangeAction::Create, steps);
                    for user in indices.iter().filter(|_| !joined.is_empty()) {
                        self.edges.add(joined.end - 1, *user);
                    }
                }
                Err(problem) => self.diagnostics.push(problem),
            }
        }
        for address in containers::unused(self.world, self.changes, self.options) {
            match containers::release(self.world, &address) {
                Ok(steps) => {
                    let left = self.container_steps(&address, ChangeAction::Destroy, steps);
                    for user in users.get(&address).into_iter().flatten().filter(|_| !left.is_empty()) {
                        self.edges.add(*user, left.start);
                    }
                }
                Err(problem) => self.diagnostics.push(problem),
            }
        }
    }

    /// The steps in each container, by container.
    fn users(&self) -> BTreeMap<Address, Vec<usize>> {
        let mut users: BTreeMap<Address, Vec<usize>> = BTreeMap::new();
        for (key, chains) in &self.chains {
            let Some(change) = self.changes.get(key) else { continue };
            let place =
                |record: &Option<Arc<Record>>| record.as_ref().map(|record| record.object.container.clone());
            for (container, chain) in
                [(place(&change.before), &chains.down), (place(&change.after), &chains.up)]
            {
                let container = container.or_else(|| place(&change.before)).or_else(|| place(&change.after));
                if let Some(container) = container.filter(|_| !chain.is_empty()) {
                    users.entry(container).or_default().extend(chain.clone());
                }
            }
        }
        users
    }

    fn container_steps(&mut self, address: &Address, action: ChangeAction, steps: Vec<Step>) -> Range<usize> {
        let identity = self.identity(address);
        if let Some(spec) = containers::spec(self.world, address).filter(|_| !steps.is_empty()) {
            self.rows.push(containers::row(spec, action, ""));
            self.planned.insert(address.clone(), PlannedContainer { spec: spec.clone(), identity });
        }
        self.push(steps)
    }

    fn finish(mut self) -> Finished {
        self.edges.add_claims(&self.steps);
        self.diagnostics.extend(problems::grown_and_kept(self.world, &self.steps));
        let forgotten = self.lost.forgotten(self.world);
        for (effect, row) in containers::changed_settings(self.world).into_iter().chain(forgotten) {
            self.effects.push(effect);
            self.rows.push(row);
        }
        self.rows.sort_by(|a, b| a.address.cmp(&b.address));
        match graph::order(self.steps, &self.edges) {
            Ok(ordered) => (ordered, self.effects, self.rows, self.planned, self.diagnostics),
            Err(problem) => {
                self.diagnostics.push(problem);
                let nothing = graph::Ordered { steps: Vec::new(), edges: Vec::new() };
                (nothing, self.effects, self.rows, self.planned, self.diagnostics)
            }
        }
    }
}

pub(super) fn is_snapshot(record: &Record) -> bool {
    record.object.key.address.kind == Kind::Snapshot
}

/// Whether the change makes a new object, so that nothing can be taken of the old one.
pub(super) fn is_made(change: &Change) -> bool {
    matches!(change.decision, Decision::Create | Decision::Replace)
}

/// The last step of a chain that can be taken back: what others wait for. A purge at its end is nobody's business.
pub(super) fn settled(steps: &[Step], chain: &Range<usize>) -> Option<usize> {
    chain.clone().rev().find(|index| !steps[*index].is_irreversible()).or_else(|| chain.clone().next_back())
}

/// What has to be there before something else, and goes after it.
enum Needed {
    Object(ObjectKey),
    /// `depends_on`: whatever an address stands for.
    Everything(Address),
}

/// What a record names.
fn needs(record: &Record) -> impl Iterator<Item = Needed> {
    let body = &record.object.body;
    let source = body.source().map(|source| Needed::Object(ObjectKey::primary(source.address.clone())));
    let link = body.link().map(|link| Needed::Object(link.key.clone()));
    // Growth goes through the layers in their order, also where one between them has nothing to do.
    let own = body.is_layer().then(|| {
        let address = &record.object.key.address;
        [ObjectKey::primary(address.clone()), ObjectKey::new(address.clone(), Part::EXPORT)]
    });
    let below = own.into_iter().flatten().filter(|key| *key != record.object.key).map(Needed::Object);
    let all = record.depends_on.iter().cloned().map(Needed::Everything);
    source.into_iter().chain(link).chain(below).chain(all)
}
