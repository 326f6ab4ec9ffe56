//! What the marks say, as the contents of a state. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::apply::Views;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{
    Address, Body, ContainerRecord, ContainerSpec, ContainerView, Health, Object, ObjectKey, Observed,
    OnDestroy, Part, Place, Record, Surveyed, TrashEntry,
};
use crate::plan::diff::occupies;
use crate::state::{Contents, Recorded};

/// What a state is rebuilt from.
pub struct Sides<'a> {
    pub lineage: Uuid,
    /// What the configuration asks for: addresses, and what no mark says.
    pub wanted: &'a BTreeMap<ObjectKey, Arc<Record>>,
    pub containers: &'a BTreeMap<Address, ContainerSpec>,
    /// A state that is there, perhaps an older one.
    pub before: Option<&'a Recorded>,
    pub views: &'a Views,
    /// Seconds since 1970, for trash whose age nobody remembers.
    pub now: i64,
}

#[derive(Debug, Default)]
pub struct Found {
    pub contents: Contents,
    /// The largest epoch at any guard.
    pub epochs_seen: u64,
    /// Marked, and not to be taken into the state as it is; or taken, and of no more use.
    pub warnings: Diagnostics,
}

/// Reads every mark of the lineage.
///
/// # Errors
/// One id on several objects.
pub fn find(sides: &Sides<'_>) -> Result<Found, Diagnostics> {
    let mut found = Found::default();
    let mut objects: Vec<(&Address, &Observed)> = Vec::new();
    for (address, view) in sides.views {
        let ContainerView::Present(surveyed) = view else { continue };
        let ours = surveyed.objects.iter().filter(|object| object.mark.lineage == sides.lineage);
        let ours: Vec<_> = ours.map(|object| (address, object)).collect();
        if surveyed.epoch.is_some() || !ours.is_empty() {
            found.add_container(sides, address, surveyed);
        }
        objects.extend(ours);
    }
    refuse_twins(&objects)?;
    // Whoever has the name that is wanted at its marked address comes before one that was moved away from there.
    objects.sort_by_key(|(container, object)| !is_wanted_as_marked(sides, container, object));
    let marked: BTreeSet<Address> = objects
        .iter()
        .filter(|(_, object)| object.place == Place::Live)
        .filter_map(|(_, object)| object.mark.address.parse().ok())
        .collect();
    for (container, object) in objects {
        match object.place {
            Place::Live => found.add_live(sides, &marked, container, object),
            Place::Trash => found.add_trash(sides, container, object),
            Place::Staged => found.leave(container, object, "it was left half-way by an interrupted command"),
            Place::Vanished => found.leave_vanished(container, object),
        }
    }
    found.link_sources();
    Ok(found)
}

fn refuse_twins(objects: &[(&Address, &Observed)]) -> Result<(), Diagnostics> {
    let mut by_id: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for (container, object) in objects {
        by_id.entry(object.mark.id).or_default().push(described(container, object));
    }
    let problems: Diagnostics = by_id
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(id, places)| {
            let detail = format!(
                "{} carry the id {id}. One is a copy that was made outside of vbs, and vbs cannot tell which. Remove \
                 the copy's mark, or the copy.",
                places.join(" and ")
            );
            Diagnostic::error("One id twice", detail)
        })
        .collect();
    if problems.has_errors() { Err(problems) } else { Ok(()) }
}

fn described(container: &Address, object: &Observed) -> String {
    let what =
        occupies(&object.body).filter(|name| !name.is_empty()).unwrap_or_else(|| "something".to_owned());
    format!("{what} in {container} (id {}, {})", object.mark.id, object.place.word())
}

/// The part of an address that holds such an object.
fn part_of(object: &Observed) -> Part {
    match &object.body {
        Body::Container(_) => Part::STORE,
        Body::Volume(_) => Part::VOLUME,
        Body::Snapshot(_) => Part::SNAPSHOT,
        Body::Disk(_) => Part::DISK,
        Body::Export(_) | Body::Grant(_) | Body::Session(_) => {
            object.mark.address.parse().map_or(Part::EXPORT, |key: ObjectKey| key.part)
        }
    }
}

/// The address in the mark, where it is one of the body's kind.
fn marked_address(object: &Observed) -> Option<Address> {
    if object.body.is_layer() {
        return object.mark.address.parse().ok().map(|key: ObjectKey| key.address);
    }
    let address: Address = object.mark.address.parse().ok()?;
    (object.body.resource_kind() == Some(address.kind)).then_some(address)
}

fn is_wanted_as_marked(sides: &Sides<'_>, container: &Address, object: &Observed) -> bool {
    let key = marked_address(object).map(|address| ObjectKey::new(address, part_of(object)));
    let wanted = key.and_then(|key| sides.wanted.get(&key));
    wanted.is_some_and(|wanted| is_alike(wanted, container, object))
}

/// Whether it stands where the configuration wants this.
fn is_alike(wanted: &Record, container: &Address, object: &Observed) -> bool {
    wanted.object.container == *container
        && wanted.object.body.resource_kind() == object.body.resource_kind()
        && occupies(&wanted.object.body) == occupies(&object.body)
}

impl Found {
    fn add_container(&mut self, sides: &Sides<'_>, address: &Address, surveyed: &Surveyed) {
        self.epochs_seen = self.epochs_seen.max(surveyed.epoch.unwrap_or_default());
        let Some(spec) = sides.containers.get(address).cloned() else { return };
        let known = sides.before.and_then(|before| before.containers.get(address));
        // Which directories vbs made for it is written nowhere else: without a state, none is removed with it.
        let makes = known.map_or(&surveyed.makes, |record| &record.makes).clone();
        let record = ContainerRecord { spec, identity: surveyed.identity, makes };
        self.contents.containers.insert(address.clone(), record);
    }

    fn add_live(
        &mut self,
        sides: &Sides<'_>,
        marked: &BTreeSet<Address>,
        container: &Address,
        object: &Observed,
    ) {
        let part = part_of(object);
        let known = sides.before.into_iter().flat_map(|before| before.records.values());
        let known = known.into_iter().find(|record| record.object.id == object.mark.id);
        let by_mark = marked_address(object);
        let by_state = known.map(|record| record.object.key.address.clone());
        let by_name = sides
            .wanted
            .values()
            .find(|wanted| {
                is_alike(wanted, container, object) && !marked.contains(&wanted.object.key.address)
            })
            .map(|wanted| wanted.object.key.address.clone());
        let is_declared =
            |address: &&Address| sides.wanted.contains_key(&ObjectKey::new((*address).clone(), part.clone()));
        let declared = [by_mark.as_ref(), by_state.as_ref()].into_iter().flatten().filter(is_declared);
        let candidates = declared.chain(by_name.as_ref()).chain(by_mark.as_ref()).chain(by_state.as_ref());
        let keys = candidates.map(|address| ObjectKey::new(address.clone(), part.clone()));
        let free = keys.into_iter().find(|key| !self.contents.records.contains_key(key));
        let Some(key) = free else {
            let why = if by_mark.is_some() {
                "another object has its address"
            } else {
                "its mark does not say which address it had"
            };
            return self.leave(container, object, why);
        };
        if let Health::Broken { why } = &object.health {
            let detail = format!(
                "{}, which becomes {}, is broken: {why}. What it held is lost; it can be destroyed and nothing else.",
                described(container, object),
                key.address
            );
            self.warnings.push(Diagnostic::warning("Broken", detail));
        }
        let record =
            record(sides.wanted.get(&key).map(|wanted| &**wanted).or(known), key.clone(), container, object);
        self.contents.records.insert(key, record);
    }

    fn add_trash(&mut self, sides: &Sides<'_>, container: &Address, object: &Observed) {
        let id = object.mark.id;
        if let Some(entry) = sides.before.and_then(|before| before.trash.get(&id)) {
            self.contents.trash.insert(id, entry.clone());
            return;
        }
        let Some(address) = marked_address(object) else {
            return self.leave(container, object, "its mark does not say which address it had");
        };
        let key = ObjectKey::new(address, part_of(object));
        let record = record(None, key, container, object);
        let entry = TrashEntry { id, record, purge: false, trashed_at: sides.now };
        self.contents.trash.insert(id, entry);
    }

    fn leave(&mut self, container: &Address, object: &Observed, why: &str) {
        let detail = format!(
            "{} is marked as this workspace's, and {why}. It stays as it is; plans will say that it is ours and not \
             recorded until it is removed by hand.",
            described(container, object)
        );
        self.warnings.push(Diagnostic::warning("Not taken into the state", detail));
    }

    fn leave_vanished(&mut self, container: &Address, object: &Observed) {
        let detail = format!(
            "{} is marked as this workspace's, and it is gone: only its mark and what was saved of it are left. The next \
             `vbs apply` takes that away, or makes it again where it is wanted.",
            described(container, object)
        );
        self.warnings.push(Diagnostic::warning("Not taken into the state", detail));
    }

    /// Marks name their sources by the addresses of the time; ids are what counts.
    fn link_sources(&mut self) {
        let records = self.contents.records.iter();
        let addresses: BTreeMap<Uuid, Address> =
            records.map(|(key, record)| (record.object.id, key.address.clone())).collect();
        let trashed = self.contents.trash.values_mut().map(|entry| &mut entry.record);
        for record in self.contents.records.values_mut().chain(trashed) {
            record.object.body.follow(&|id| addresses.get(&id).cloned());
        }
    }
}

/// An object as it was found; what no host knows comes from the block, or from an older record.
fn record(settings: Option<&Record>, key: ObjectKey, container: &Address, object: &Observed) -> Record {
    let object = Object { key, id: object.mark.id, container: container.clone(), body: object.body.clone() };
    let on_destroy = match (&object.body, settings) {
        (_, Some(settings)) => settings.on_destroy,
        (Body::Volume(_), None) => OnDestroy::Trash,
        (_, None) => OnDestroy::Purge,
    };
    Record {
        object,
        prevent_destroy: settings.is_some_and(|settings| settings.prevent_destroy),
        on_destroy,
        labels: settings.map(|settings| settings.labels.clone()).unwrap_or_default(),
        depends_on: settings.map(|settings| settings.depends_on.clone()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
