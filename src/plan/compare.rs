//! One object that is wanted, recorded and there: what differs, and whether that can be changed in place.

use super::containers;
use super::diff::Decision;
use super::world::World;
use crate::model::desired::{IgnoreChanges, Spec};
use crate::model::schema::Traits;
use crate::model::{Body, Bytes, DiskBody, Health, Observed, Record, VolumeBody};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    None,
    /// Labels, protection, what happens on destroy, dependencies: no host knows them. And what somebody has brought to
    /// where it is wanted, which is recorded.
    StateOnly {
        arrived: Vec<&'static str>,
    },
    InPlace {
        attributes: Vec<&'static str>,
    },
    Replacement {
        forcing: Vec<&'static str>,
    },
}

/// Compares what is wanted with what is recorded and there. `ignore_changes` has been taken into account.
pub fn compare(world: &World<'_>, wanted: &Record, recorded: &Record, observed: &Observed) -> Difference {
    let ignored = Ignored::of(world, wanted);
    let mut in_place = Vec::new();
    let mut forcing = Vec::new();
    if wanted.object.container != recorded.object.container {
        forcing.push(if matches!(recorded.object.body, Body::Disk(_)) { "hypervisor" } else { "pool" });
    }
    match (&wanted.object.body, &recorded.object.body) {
        (Body::Volume(want), Body::Volume(have)) => {
            if is_named(world, wanted) && want.name != have.name {
                in_place.push("name");
            }
            match wanted_size(world, wanted, want, have).cmp(&observed.body.size()) {
                std::cmp::Ordering::Greater => in_place.push("size"),
                std::cmp::Ordering::Less => forcing.push("size"),
                std::cmp::Ordering::Equal => {}
            }
            let (want, have) = (want.source.as_ref(), have.source.as_ref());
            if want.is_some_and(|want| have.is_none_or(|have| have.address != want.address)) {
                forcing.push("source");
            }
        }
        (Body::Snapshot(want), Body::Snapshot(have)) => {
            if is_named(world, wanted) && want.name != have.name {
                in_place.push("name");
            }
            if want.origin.address != have.origin.address {
                forcing.push("volume");
            }
        }
        (want, _) if want.is_layer() || matches!(want, Body::Disk(_)) => {
            let (differing, is_gentle) = differing(world, wanted, recorded, observed);
            if is_gentle { in_place.extend(differing) } else { forcing.extend(differing) }
        }
        _ => forcing.push("kind"),
    }
    in_place.retain(|name| !ignored.covers(name));
    forcing.retain(|name| !ignored.covers(name));
    let arrived = arrived(world, wanted, recorded, observed, &ignored);
    if !forcing.is_empty() {
        Difference::Replacement { forcing }
    } else if !in_place.is_empty() {
        Difference::InPlace { attributes: in_place }
    } else if !arrived.is_empty() || state_only(wanted, recorded, &ignored) {
        Difference::StateOnly { arrived }
    } else {
        Difference::None
    }
}

/// The facts in which a disk or a layer is not as it is wanted, and whether all of them can be changed while it is used.
fn differing(
    world: &World<'_>,
    wanted: &Record,
    recorded: &Record,
    observed: &Observed,
) -> (Vec<&'static str>, bool) {
    let gentle = changeable(world, recorded);
    let (want, have) = (wanted.object.body.facts(), observed.body.facts());
    let mut differing: Vec<&'static str> =
        want.iter().filter(|(name, value)| have.get(*name) != Some(value)).map(|(name, _)| *name).collect();
    // A target that refuses what it allowed is logged in to anew; what a host has only misread is read again.
    let stays = !is_session(recorded) || recorded.object.body.facts().get("access") == want.get("access");
    // A disk that is detached anyway is attached as it is wanted.
    let mut is_gentle = differing.iter().all(|name| gentle.contains(name) && (stays || *name != "access"));
    if shares_otherwise(wanted, recorded) && traits(world, recorded).minds_sharing {
        differing.push("shared");
        is_gentle = false;
    }
    (differing, is_gentle)
}

/// What can be changed of a disk or a layer while it is used. The same volume under another name is no other volume: where a
/// disk can be pointed there, no guest notices.
fn changeable(world: &World<'_>, recorded: &Record) -> &'static [&'static str] {
    match &recorded.object.body {
        Body::Disk(_) if traits(world, recorded).repoints => &["host_path", "size", "live", "config"],
        Body::Disk(_) => &["size", "live", "config"],
        Body::Export(_) => &["device", "others", "serial", "size", "state"],
        Body::Grant(_) => &["access", "login", "mutual", "state"],
        Body::Session(_) => &["access", "login", "mutual", "size", "state"],
        Body::Container(_) | Body::Volume(_) | Body::Snapshot(_) => &[],
    }
}

fn traits(world: &World<'_>, recorded: &Record) -> Traits {
    let container = containers::spec(world, &recorded.object.container);
    container.map_or_else(Traits::default, |container| world.makers.traits(container))
}

fn is_session(record: &Record) -> bool {
    matches!(record.object.body, Body::Session(_))
}

/// Whether a disk becomes one of several, or the only one. No tool tells, so what is recorded counts.
fn shares_otherwise(wanted: &Record, recorded: &Record) -> bool {
    match (&wanted.object.body, &recorded.object.body) {
        (Body::Disk(want), Body::Disk(have)) => want.shared != have.shared,
        _ => false,
    }
}

/// What is not as it was recorded because somebody did what is wanted now: a volume that was grown.
fn arrived(
    world: &World<'_>,
    wanted: &Record,
    recorded: &Record,
    observed: &Observed,
    ignored: &Ignored<'_>,
) -> Vec<&'static str> {
    let (Body::Volume(want), Body::Volume(have)) = (&wanted.object.body, &recorded.object.body) else {
        return Vec::new();
    };
    let (there, is_well) = (observed.body.size(), observed.health == Health::Good);
    let is_wanted = there == wanted_size(world, wanted, want, have) && !ignored.covers("size");
    if is_well && is_wanted && there > have.size { vec!["size"] } else { Vec::new() }
}

fn state_only(wanted: &Record, recorded: &Record, ignored: &Ignored<'_>) -> bool {
    wanted.prevent_destroy != recorded.prevent_destroy
        || (wanted.on_destroy != recorded.on_destroy && !ignored.covers("on_destroy"))
        || (wanted.labels != recorded.labels && !ignored.covers("labels"))
        || wanted.depends_on != recorded.depends_on
        || (shares_otherwise(wanted, recorded) && !ignored.covers("shared"))
}

/// Whether a volume is smaller than it was made: what lay beyond is gone. Growing it back would hide that.
pub fn has_lost_data(recorded: &Record, observed: &Observed) -> bool {
    matches!(recorded.object.body, Body::Volume(_))
        && observed.health == Health::Good
        && observed.body.size() < recorded.object.body.size()
}

/// The size to be compared with the host's: a clone whose size is not written keeps the one it was made with, even
/// when its source has grown since.
fn wanted_size(world: &World<'_>, wanted: &Record, want: &VolumeBody, have: &VolumeBody) -> Bytes {
    match world.desired.resources.get(&wanted.object.key.address).map(|resource| &resource.spec) {
        Some(Spec::Volume(spec)) if !spec.size_is_written => have.size,
        _ => want.size,
    }
}

fn is_named(world: &World<'_>, wanted: &Record) -> bool {
    match world.desired.resources.get(&wanted.object.key.address).map(|resource| &resource.spec) {
        Some(Spec::Volume(spec)) => spec.name_is_written,
        Some(Spec::Snapshot(spec)) => spec.name_is_written,
        Some(Spec::Attachment(_)) | None => false,
    }
}

struct Ignored<'a>(Option<&'a IgnoreChanges>);

impl<'a> Ignored<'a> {
    fn of(world: &World<'a>, wanted: &Record) -> Self {
        Ignored(
            world.desired.resources.get(&wanted.object.key.address).map(|resource| &resource.ignore_changes),
        )
    }

    fn covers(&self, attribute: &str) -> bool {
        match self.0 {
            None => false,
            Some(IgnoreChanges::All) => true,
            Some(IgnoreChanges::Only(names)) => names.iter().any(|name| name == attribute),
        }
    }
}

/// The record after a change: what is wanted, except for what was settled when the object was made.
/// What is ignored stays as it is recorded.
pub fn after(
    world: &World<'_>,
    decision: &Decision,
    difference: &Difference,
    wanted: &Record,
    recorded: &Record,
) -> Record {
    let mut after = wanted.clone();
    if matches!(decision, Decision::Replace | Decision::Create) {
        return after;
    }
    let ignored = Ignored::of(world, wanted);
    if ignored.covers("labels") {
        after.labels.clone_from(&recorded.labels);
    }
    if ignored.covers("on_destroy") {
        after.on_destroy = recorded.on_destroy;
    }
    let only_recorded = matches!(decision, Decision::Record);
    after.object.id = recorded.object.id;
    after.object.container = recorded.object.container.clone();
    match (&mut after.object.body, &recorded.object.body) {
        (Body::Volume(after), Body::Volume(before)) => {
            after.source.clone_from(&before.source);
            after.serial.clone_from(&before.serial);
            after.size = after.size.max(before.size);
            if ignored.covers("size") || (only_recorded && !difference.has_arrived("size")) {
                after.size = before.size;
            }
            if only_recorded || ignored.covers("name") || !is_named(world, wanted) {
                after.name.clone_from(&before.name);
            }
        }
        (Body::Snapshot(after), Body::Snapshot(before)) => {
            after.size = before.size;
            after.origin.clone_from(&before.origin);
            if only_recorded || ignored.covers("name") || !is_named(world, wanted) {
                after.name.clone_from(&before.name);
            }
        }
        (Body::Disk(_), Body::Disk(_)) if !only_recorded => {}
        (after, _) if after.is_layer() && !only_recorded => {}
        (Body::Disk(after), Body::Disk(before)) => {
            let shared = if ignored.covers("shared") { before.shared } else { after.shared };
            *after = DiskBody { shared, ..before.clone() };
        }
        (after, before) => after.clone_from(before),
    }
    after
}

/// What is not as it was recorded: the name of the fact, and a sentence part for people.
pub fn drift(recorded: &Record, observed: &Observed) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if let Health::Replaced { found: what } = &observed.health {
        found.push(("health", format!("was replaced: {what}")));
    }
    if let Health::Broken { why } = &observed.health {
        found.push(("health", format!("is broken: {why}")));
    }
    let live = observed.body.facts();
    for (name, recorded) in recorded.object.body.facts() {
        match live.get(name) {
            Some(value) if *value == recorded => {}
            Some(value) => found
                .push((name, format!("{name} is {}, recorded {}", show(name, value), show(name, &recorded)))),
            None => found.push((name, format!("{name} cannot be read, recorded {}", show(name, &recorded)))),
        }
    }
    // More than was set aside is LVM's own doing, where it is told to extend snapshots that run full.
    if let (Body::Snapshot(recorded), Body::Snapshot(live)) = (&recorded.object.body, &observed.body)
        && let (Some(recorded), Some(live)) = (recorded.reserve, live.reserve)
        && live < recorded
    {
        found.push(("reserve", format!("reserve is {live}, recorded {recorded}")));
    }
    found
}

fn show(name: &str, value: &str) -> String {
    match value.parse() {
        Ok(bytes) if name == "size" => Bytes(bytes).to_string(),
        _ => format!("{value:?}"),
    }
}

impl Difference {
    fn has_arrived(&self, attribute: &str) -> bool {
        matches!(self, Difference::StateOnly { arrived } if arrived.contains(&attribute))
    }
}

/// Whether carrying out `difference` also mends drift of this fact.
pub fn mends(difference: &Difference, fact: &str) -> bool {
    match difference {
        Difference::None => false,
        Difference::StateOnly { arrived } => arrived.contains(&fact),
        Difference::InPlace { attributes } => attributes.contains(&fact),
        Difference::Replacement { forcing } => forcing.contains(&fact),
    }
}

/// The recorded body with everything that a host can tell taken from the host; addresses stay the state's.
pub fn accepted(recorded: &Body, observed: &Body) -> Body {
    let mut accepted = observed.clone();
    match (&mut accepted, recorded) {
        (Body::Volume(new), Body::Volume(old)) => new.source.clone_from(&old.source),
        (Body::Snapshot(new), Body::Snapshot(old)) => new.origin.clone_from(&old.origin),
        (Body::Disk(new), Body::Disk(old)) => {
            new.source.address.clone_from(&old.source.address);
            new.through.clone_from(&old.through);
            if Body::Disk(DiskBody { network: new.network.clone(), ..old.clone() }).facts()
                == Body::Disk(old.clone()).facts()
            {
                new.network.clone_from(&old.network);
            }
        }
        _ => {}
    }
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Address, Kind, Mark, Object, ObjectKey, OnDestroy, Part, Place, SnapshotBody, SourceRef,
    };

    fn snapshot(reserve: u64) -> Record {
        let origin = SourceRef { id: uuid::Uuid::nil(), address: Address::new(Kind::Volume, "db") };
        let (name, size) = ("s".to_owned(), Bytes(8 << 20));
        Record {
            object: Object {
                key: ObjectKey::new(Address::new(Kind::Snapshot, "s"), Part::SNAPSHOT),
                id: uuid::Uuid::nil(),
                container: Address::new(Kind::Pool, "p"),
                body: Body::Snapshot(SnapshotBody { name, size, origin, reserve: Some(Bytes(reserve)) }),
            },
            prevent_destroy: false,
            on_destroy: OnDestroy::Purge,
            labels: std::collections::BTreeMap::new(),
            depends_on: Vec::new(),
        }
    }

    #[test]
    fn a_reserve_that_was_cut_is_drift_and_one_that_was_extended_is_not() {
        let recorded = snapshot(8 << 20);
        let found = |reserve: u64| {
            let observed = Observed {
                mark: Mark {
                    lineage: uuid::Uuid::nil(),
                    id: uuid::Uuid::nil(),
                    workspace: String::new(),
                    address: "snapshot.s".to_owned(),
                },
                place: Place::Live,
                body: snapshot(reserve).object.body,
                health: Health::Good,
                open: false,
                notes: std::collections::BTreeMap::new(),
            };
            drift(&recorded, &observed)
        };
        assert_eq!(found(4 << 20), [("reserve", "reserve is 4 MiB, recorded 8 MiB".to_owned())]);
        assert_eq!((found(8 << 20), found(12 << 20)), (Vec::new(), Vec::new()));
    }
}
