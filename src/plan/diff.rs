//! The three-way table: what is wanted, what is remembered and what is really there decide what is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::Drift;
use super::compare::{self, Difference};
use super::layers::{self, Ways};
use super::lost::{self, Lost};
use super::problems;
use super::world::{Options, Scope, World};
use crate::diag::Diagnostics;
use crate::model::{Address, Body, ContainerView, Health, ObjectKey, Observed, Place, Record};

/// What is done with one object, and what it is done from and to.
#[derive(Debug, Clone)]
pub struct Change {
    pub key: ObjectKey,
    pub decision: Decision,
    pub before: Option<Arc<Record>>,
    pub after: Option<Arc<Record>>,
    pub live: Option<Box<Observed>>,
    /// For people: `not in configuration`, `vanished from pool.fast`.
    pub reason: String,
    /// Attributes that only a replacement can change.
    pub forcing: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Create,
    Update,
    Replace,
    Restore {
        snapshot: Address,
    },
    Destroy,
    /// Gone already: only the state changes.
    Forget,
    /// Only what the state knows of it changes.
    Record,
}

/// Everything that the comparison found.
#[derive(Debug, Default)]
pub struct Diff {
    pub changes: BTreeMap<ObjectKey, Change>,
    pub drift: Vec<Drift>,
    pub diagnostics: Diagnostics,
    /// What nothing is planned for, because its container could not be looked at.
    pub unsurveyed: BTreeSet<Address>,
}

/// One object as the hosts show it.
enum Live<'a> {
    Ours(&'a Observed),
    /// Ours, and gone: a mark or what was saved of it is left.
    Vanished(&'a Observed),
    /// Something without our mark stands where the object is or would be.
    Foreign,
    Absent,
    Unsurveyed(&'a str),
    Twice(Vec<&'a Address>),
}

/// Our objects on all hosts, by id.
pub struct LiveIndex<'a> {
    by_id: BTreeMap<Uuid, Vec<(&'a Address, &'a Observed)>>,
    views: &'a BTreeMap<Address, ContainerView>,
}

impl<'a> LiveIndex<'a> {
    pub fn new(views: &'a BTreeMap<Address, ContainerView>, lineage: Uuid) -> Self {
        let mut by_id: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
        for (container, view) in views {
            if let ContainerView::Present(surveyed) = view {
                for observed in surveyed.objects.iter().filter(|o| o.mark.lineage == lineage) {
                    by_id.entry(observed.mark.id).or_default().push((container, observed));
                }
            }
        }
        LiveIndex { by_id, views }
    }

    /// The one object with this id, if there is exactly one.
    pub fn find(&self, id: Uuid) -> Option<&'a Observed> {
        match self.by_id.get(&id).map(Vec::as_slice) {
            Some([(_, observed)]) => Some(observed),
            _ => None,
        }
    }

    fn look(&self, record: &Record) -> Live<'a> {
        let container = &record.object.container;
        let foreign = match self.views.get(container) {
            None => return Live::Unsurveyed("it was not looked at"),
            Some(ContainerView::Unsurveyed { why }) => return Live::Unsurveyed(why),
            Some(ContainerView::Fresh { foreign, .. }) => foreign,
            Some(ContainerView::Present(surveyed)) => &surveyed.foreign,
        };
        match self.by_id.get(&record.object.id).map(Vec::as_slice) {
            Some([(_, observed)]) if observed.place == Place::Vanished => Live::Vanished(observed),
            Some([(_, observed)]) => Live::Ours(observed),
            Some(several) => Live::Twice(several.iter().map(|(container, _)| *container).collect()),
            None if occupies(&record.object.body).is_some_and(|name| foreign.contains(&name)) => {
                Live::Foreign
            }
            None => Live::Absent,
        }
    }
}

/// What an object occupies in its container, as [`crate::model::Surveyed::foreign`] names it.
pub fn occupies(body: &Body) -> Option<String> {
    match body {
        Body::Disk(disk) => Some(format!("{}/{}", disk.vm, disk.device)),
        Body::Export(export) => Some(export.target.clone()),
        Body::Grant(grant) => Some(format!("{} {}", grant.target, grant.initiator)),
        Body::Session(session) => Some(session.target.clone()),
        Body::Container(_) | Body::Volume(_) | Body::Snapshot(_) => body.name().map(str::to_owned),
    }
}

/// Compares everything in scope. Problems do not end the comparison: what can be planned is still planned, so that
/// it can be shown.
pub fn diff(
    world: &World<'_>,
    desired: &BTreeMap<ObjectKey, Arc<Record>>,
    options: &Options,
    scope: &Scope,
    index: &LiveIndex<'_>,
    lost: &Lost,
) -> Diff {
    let mut out = Diff::default();
    let mut unsurveyed: BTreeMap<&Address, (String, BTreeSet<Address>)> = BTreeMap::new();
    let keys: BTreeSet<&ObjectKey> = desired.keys().chain(world.records.keys()).collect();
    let goes = |key: &ObjectKey| {
        lost.evicts(key) || world.records.get(key).is_some_and(|it| lost.holds(&it.object.container))
    };
    let ways = Ways::over(world.records.values().chain(desired.values().map(|record| &**record)));
    for key in keys.into_iter().filter(|key| goes(key) || layers::in_scope(&ways, scope, key)) {
        let wanted = if options.destroy { None } else { desired.get(key) };
        let recorded = world.records.get(key);
        let Some(shown) = recorded.or(wanted.map(|wanted| &**wanted)) else { continue };
        let row = Row { world, options, key, wanted, recorded, declared: desired.get(key), lost };
        let live = index.look(shown);
        if lost.holds(&shown.object.container) {
            match wanted {
                Some(elsewhere) => row.create(elsewhere, "its host is lost", &mut out),
                None => {
                    drop(out.changes.insert(key.clone(), row.change(Decision::Forget, "its host is lost")))
                }
            }
            continue;
        }
        if let Live::Unsurveyed(why) = live {
            let entry = unsurveyed
                .entry(&shown.object.container)
                .or_insert_with(|| (why.to_owned(), BTreeSet::new()));
            entry.1.insert(key.address.clone());
            continue;
        }
        row.decide(live, &mut out);
    }
    layers::settle(world, index, &mut out);
    for (container, (why, addresses)) in unsurveyed {
        out.diagnostics.push(problems::unsurveyed(container, &why, &addresses));
        out.unsurveyed.extend(addresses);
    }
    unrecorded(world, scope, index, &mut out);
    out
}

struct Row<'a> {
    world: &'a World<'a>,
    options: &'a Options,
    key: &'a ObjectKey,
    /// Nothing when everything is to be destroyed.
    wanted: Option<&'a Arc<Record>>,
    recorded: Option<&'a Record>,
    /// What the configuration says even then, for protection and places.
    declared: Option<&'a Arc<Record>>,
    lost: &'a Lost,
}

impl Row<'_> {
    /// The table of architecture.md, a row an arm.
    fn decide(&self, live: Live<'_>, out: &mut Diff) {
        match (self.wanted, self.recorded, live) {
            (Some(wanted), None, Live::Absent) => self.create(wanted, "", out),
            (Some(wanted), None, Live::Foreign) => {
                out.diagnostics.push(problems::foreign(self.world, wanted))
            }
            (None, None, Live::Absent | Live::Foreign | Live::Vanished(_)) => {}
            // What is left of it is made use of, and shown by `lost::clear`.
            (Some(wanted), None, Live::Vanished(_)) => self.create(wanted, "", out),
            (Some(wanted), None, Live::Ours(observed))
                if lost::is_left_over(self.world, &wanted.object.container, observed) =>
            {
                self.create(wanted, "", out)
            }
            (Some(_) | None, None, Live::Ours(observed)) => {
                out.diagnostics.push(problems::unrecorded(&[observed]));
            }
            (Some(wanted), Some(recorded), Live::Ours(observed)) => {
                self.compare(wanted, recorded, observed, out)
            }
            (Some(wanted), Some(recorded), Live::Absent | Live::Vanished(_)) => {
                self.vanished(wanted, recorded, false, out)
            }
            (Some(wanted), Some(recorded), Live::Foreign) => self.vanished(wanted, recorded, true, out),
            (None, Some(recorded), Live::Ours(observed)) => self.destroy(recorded, observed, out),
            (None, Some(recorded), Live::Vanished(observed)) => self.clear(recorded, observed, out),
            (None, Some(recorded), Live::Absent) => {
                self.drift(format!("vanished from {}", recorded.object.container), true, out);
                self.forget(recorded, out);
            }
            (None, Some(recorded), Live::Foreign) => {
                out.diagnostics.push(problems::left_behind(recorded));
                self.forget(recorded, out);
            }
            (Some(_) | None, Some(_) | None, Live::Twice(containers)) => {
                out.diagnostics.push(problems::twice(self.key, &containers));
            }
            // Collected by the caller, one report a container.
            (Some(_) | None, Some(_) | None, Live::Unsurveyed(_)) => {}
        }
    }

    fn change(&self, decision: Decision, reason: &str) -> Change {
        Change {
            key: self.key.clone(),
            decision,
            before: self.recorded.cloned().map(Arc::new),
            after: self.wanted.cloned(),
            live: None,
            reason: reason.to_owned(),
            forcing: Vec::new(),
        }
    }

    fn create(&self, wanted: &Arc<Record>, reason: &str, out: &mut Diff) {
        if !self.options.refresh_only {
            let change = Change { after: Some(Arc::clone(wanted)), ..self.change(Decision::Create, reason) };
            out.changes.insert(self.key.clone(), change);
        }
    }

    fn drift(&self, what: String, mended: bool, out: &mut Diff) {
        let what = match self.key.layer() {
            Some(layer) => format!("{layer}: {what}"),
            None => what,
        };
        out.drift.push(Drift {
            address: self.key.address.clone(),
            what,
            mended: mended && !self.options.refresh_only,
        });
    }

    /// Wanted and recorded, but not there. Data that vanished is never quietly made anew; what holds no data is.
    fn vanished(&self, wanted: &Arc<Record>, recorded: &Record, foreign_in_its_place: bool, out: &mut Diff) {
        let container = &recorded.object.container;
        let reason = format!("vanished from {container}");
        let holds_no_data = recorded.object.body.holds_no_data();
        let recreate = holds_no_data || self.options.recreates(&self.key.address);
        self.drift(reason.clone(), recreate && !foreign_in_its_place, out);
        if self.options.refresh_only {
            self.forget(recorded, out);
        } else if foreign_in_its_place {
            out.diagnostics.push(problems::foreign(self.world, wanted));
        } else if recreate {
            self.create(wanted, &reason, out);
        } else {
            out.diagnostics.push(problems::vanished(self.world, recorded));
        }
    }

    fn forget(&self, recorded: &Record, out: &mut Diff) {
        let reason = format!("no longer in {}", recorded.object.container);
        out.changes.insert(self.key.clone(), self.change(Decision::Forget, &reason));
    }

    /// Recorded, not wanted and gone: what is left of it goes before the record does, as nobody would look for it any more.
    fn clear(&self, recorded: &Record, observed: &Observed, out: &mut Diff) {
        let reason = format!("vanished from {}", recorded.object.container);
        self.drift(reason.clone(), true, out);
        if self.options.refresh_only {
            return self.forget(recorded, out);
        }
        let reason = if self.lost.evicts(self.key) { "its host is lost" } else { &reason };
        let change =
            Change { live: Some(Box::new(observed.clone())), ..self.change(Decision::Destroy, reason) };
        out.changes.insert(self.key.clone(), change);
    }

    fn destroy(&self, recorded: &Record, observed: &Observed, out: &mut Diff) {
        self.drift_of(recorded, observed, |_| false, out);
        if self.options.refresh_only {
            return self.accept(recorded, observed, out);
        }
        if self.refuses_protected(recorded, "be destroyed", out)
            || self.refuses_misplaced(observed, out)
            || self.refuses_replaced(observed, out)
            || self.refuses_open(recorded, observed, "be destroyed", out)
        {
            return;
        }
        let reason = match self.options.destroy {
            _ if self.lost.evicts(self.key) => "its host is lost",
            true => "",
            false => "not in configuration",
        };
        let change =
            Change { live: Some(Box::new(observed.clone())), ..self.change(Decision::Destroy, reason) };
        out.changes.insert(self.key.clone(), change);
    }

    fn compare(&self, wanted: &Record, recorded: &Record, observed: &Observed, out: &mut Diff) {
        let difference = compare::compare(self.world, wanted, recorded, observed);
        let lost = compare::has_lost_data(recorded, observed);
        self.drift_of(recorded, observed, |fact| !lost && compare::mends(&difference, fact), out);
        if self.options.refresh_only {
            return self.accept(recorded, observed, out);
        }
        if self.refuses_misplaced(observed, out) {
            return;
        }
        let address = &self.key.address;
        if let Some(snapshot) = self.options.restores(address) {
            if self.refuses_replaced(observed, out)
                || self.refuses_open(recorded, observed, "get another content", out)
            {
                return;
            }
            let change =
                self.change(Decision::Restore { snapshot: snapshot.clone() }, &format!("from {snapshot}"));
            out.changes.insert(self.key.clone(), Change { live: Some(Box::new(observed.clone())), ..change });
            return;
        }
        let asked = self.options.replaces(address);
        if !asked && compare::has_lost_data(recorded, observed) {
            out.diagnostics.push(problems::lost_data(self.world, recorded, observed));
            return;
        }
        let decision = match &difference {
            _ if asked => Decision::Replace,
            Difference::None => return,
            Difference::StateOnly { .. } => Decision::Record,
            Difference::InPlace { .. } => Decision::Update,
            Difference::Replacement { .. } if recorded.object.body.holds_no_data() => Decision::Replace,
            Difference::Replacement { forcing } => {
                out.diagnostics
                    .push(problems::needs_replacement(self.world, wanted, recorded, observed, forcing));
                return;
            }
        };
        if decision == Decision::Replace
            && (self.refuses_protected(recorded, "be replaced", out)
                || self.refuses_open(recorded, observed, "be replaced", out))
        {
            return;
        }
        if decision != Decision::Record && self.refuses_replaced(observed, out) {
            return;
        }
        let forcing = match &difference {
            Difference::Replacement { forcing } => forcing.clone(),
            _ => Vec::new(),
        };
        let reason = if asked { "as asked with --replace" } else { "" };
        let mut change =
            Change { live: Some(Box::new(observed.clone())), forcing, ..self.change(decision, reason) };
        let after = compare::after(self.world, &change.decision, &difference, wanted, recorded);
        change.after = Some(Arc::new(after));
        out.changes.insert(self.key.clone(), change);
    }

    /// Lists what is not as it was recorded.
    fn drift_of(&self, recorded: &Record, observed: &Observed, mends: impl Fn(&str) -> bool, out: &mut Diff) {
        for (fact, what) in compare::drift(recorded, observed) {
            self.drift(what, mends(fact), out);
        }
    }

    /// `--refresh-only`: the state learns what is really there.
    fn accept(&self, recorded: &Record, observed: &Observed, out: &mut Diff) {
        // What lies on the way to a disk is what its attachments make of it.
        if observed.place == Place::Live
            && !recorded.object.body.is_layer()
            && compare::drift(recorded, observed).iter().any(|(fact, _)| *fact != "health")
        {
            let mut after = recorded.clone();
            after.object.body = compare::accepted(&recorded.object.body, &observed.body);
            let change = self.change(Decision::Record, "changed outside of vbs");
            out.changes.insert(self.key.clone(), Change { after: Some(Arc::new(after)), ..change });
        }
    }

    fn refuses_protected(&self, recorded: &Record, what: &str, out: &mut Diff) -> bool {
        let declared = self.declared.is_some_and(|declared| declared.prevent_destroy);
        let refused = recorded.prevent_destroy || declared;
        if refused {
            out.diagnostics.push(problems::protected(self.world, recorded, what, declared));
        }
        refused
    }

    /// What was left half-way by an interrupted command is recovery's, not a plan's.
    fn refuses_misplaced(&self, observed: &Observed, out: &mut Diff) -> bool {
        let refused = observed.place != Place::Live;
        if refused {
            out.diagnostics.push(problems::misplaced(self.key, observed));
        }
        refused
    }

    /// What somebody has open keeps its content. What is attached by this workspace is open because of that, and is
    /// detached first.
    fn refuses_open(&self, recorded: &Record, observed: &Observed, what: &str, out: &mut Diff) -> bool {
        let is_attached = || {
            self.world.records.values().any(|record| match &record.object.body {
                Body::Disk(disk) => disk.source.id == recorded.object.id,
                Body::Export(export) => export.source.id == recorded.object.id,
                _ => false,
            })
        };
        let refused = observed.open && !is_attached();
        if refused {
            out.diagnostics.push(problems::open(self.world, recorded, what));
        }
        refused
    }

    /// What took the place of an object is somebody else's: nothing is done to it, not even what was asked for.
    fn refuses_replaced(&self, observed: &Observed, out: &mut Diff) -> bool {
        let Health::Replaced { found } = &observed.health else { return false };
        out.diagnostics.push(problems::replaced(self.key, observed, found));
        true
    }
}

/// Marked with our lineage, and neither recorded nor in the trash.
fn unrecorded(world: &World<'_>, scope: &Scope, index: &LiveIndex<'_>, out: &mut Diff) {
    let known: BTreeSet<Uuid> =
        world.records.values().map(|record| record.object.id).chain(world.trash.keys().copied()).collect();
    let strangers = index.by_id.iter().filter(|(id, _)| !known.contains(id));
    let strangers: Vec<&Observed> = strangers
        .filter_map(|(_, found)| found.first())
        .filter(|(container, observed)| !lost::is_left_over(world, container, observed))
        .map(|(_, observed)| *observed)
        .filter(|observed| {
            observed.mark.address.parse().map_or(true, |address: Address| scope.contains(&address))
        })
        .collect();
    if !strangers.is_empty() {
        out.diagnostics.push(problems::unrecorded(&strangers));
    }
}

#[cfg(test)]
mod tests;
