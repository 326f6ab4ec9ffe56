//! Pools and hypervisors as a plan sees them: taken into use with the first thing in them, left with the last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use uuid::Uuid;

use super::diff::{Change, Decision};
use super::step::{Effect, Operation, Request, Step, Undo};
use super::world::{Options, World};
use super::{AttributeChange, ChangeAction, ResourceChange, Shown};
use crate::diag::Diagnostic;
use crate::model::object::ContainerBody;
use crate::model::{Address, ContainerRecord, ContainerSpec, ContainerView, ObjectKey, Part, Setting};

/// What is declared, else what is recorded.
pub fn spec<'a>(world: &World<'a>, address: &Address) -> Option<&'a ContainerSpec> {
    world.desired.containers.get(address).or_else(|| world.containers.get(address).map(|record| &record.spec))
}

/// The identity that the state remembers, else the one that was found.
pub fn identity(world: &World<'_>, address: &Address) -> Option<Uuid> {
    let recorded = world.containers.get(address).map(|record| record.identity);
    recorded.or_else(|| match world.live.get(address) {
        Some(ContainerView::Present(surveyed)) => Some(surveyed.identity),
        _ => None,
    })
}

/// The steps that take a container into use; none where this workspace uses it already.
///
/// # Errors
/// What the provider refuses.
pub fn join(world: &World<'_>, address: &Address, identity: Uuid) -> Result<Vec<Step>, Diagnostic> {
    let operation = match (world.live.get(address), world.containers.get(address)) {
        (Some(ContainerView::Fresh { missing, .. }), None) => {
            let makes =
                made_above(world, address, missing).into_iter().chain(missing.iter().cloned()).collect();
            Operation::Join { body: ContainerBody { makes }, exists: false }
        }
        (Some(ContainerView::Present(surveyed)), recorded)
            if surveyed.epoch.is_none() || recorded.is_none() =>
        {
            let makes = recorded.map_or(&surveyed.makes, |record| &record.makes).clone();
            Operation::Join { body: ContainerBody { makes }, exists: true }
        }
        _ => return Ok(Vec::new()),
    };
    let mut steps = request(world, address, identity, operation)?;
    // Where it was given up with its host, this lineage is there already, and what it left still needs that.
    if matches!(world.live.get(address), Some(ContainerView::Present(surveyed)) if surveyed.epoch.is_some()) {
        for step in &mut steps {
            step.undo = Undo::Nothing;
            step.proof.not_done = step.proof.done.clone();
        }
    }
    Ok(steps)
}

/// What other containers of ours made above the first directory that is missing, outermost first: whichever of them is left last
/// takes it away, and that may be this one.
fn made_above(world: &World<'_>, address: &Address, missing: &[String]) -> BTreeSet<String> {
    let (Some(first), Some(joined)) = (missing.first(), spec(world, address)) else { return BTreeSet::new() };
    let recorded = world.containers.iter().map(|(address, record)| (address, &record.makes));
    let seen = world.live.iter().filter_map(|(address, view)| match view {
        ContainerView::Present(surveyed) => Some((address, &surveyed.makes)),
        _ => None,
    });
    recorded
        .chain(seen)
        .filter(|(other, _)| spec(world, other).is_some_and(|other| other.host == joined.host))
        .flat_map(|(_, makes)| makes)
        .filter(|made| *made != first && Path::new(first).starts_with(made))
        .cloned()
        .collect()
}

/// The steps that leave a container.
///
/// # Errors
/// What the provider refuses.
pub fn release(world: &World<'_>, address: &Address) -> Result<Vec<Step>, Diagnostic> {
    let Some(record) = world.containers.get(address) else { return Ok(Vec::new()) };
    match world.live.get(address) {
        Some(ContainerView::Present(_)) => {
            request(world, address, record.identity, Operation::Release { record: record.clone() })
        }
        _ => Ok(Vec::new()),
    }
}

fn request(
    world: &World<'_>,
    address: &Address,
    identity: Uuid,
    operation: Operation,
) -> Result<Vec<Step>, Diagnostic> {
    let container = spec(world, address)
        .ok_or_else(|| Diagnostic::bug(format!("{address} is neither declared nor recorded")))?;
    world.makers.steps(&Request {
        key: ObjectKey::new(address.clone(), Part::STORE),
        container,
        identity,
        lineage: world.lineage,
        workspace: world.workspace,
        evicts: false,
        operation,
    })
}

/// Recorded containers in which nothing of ours is left after the changes: no record and no trash.
pub fn unused(world: &World<'_>, changes: &BTreeMap<ObjectKey, Change>, options: &Options) -> Vec<Address> {
    if options.refresh_only {
        return Vec::new();
    }
    let mut used: BTreeSet<&Address> =
        world.trash.values().map(|entry| &entry.record.object.container).collect();
    for record in world.records.values() {
        let decision = changes.get(&record.object.key).map(|change| &change.decision);
        let leaves_nothing = match decision {
            // A volume leaves its data in the trash, also where it is made again in another pool.
            Some(Decision::Destroy | Decision::Replace) => {
                !matches!(record.object.body, crate::model::Body::Volume(_))
            }
            Some(Decision::Forget) => true,
            _ => false,
        };
        if !leaves_nothing {
            used.insert(&record.object.container);
        }
    }
    used.extend(
        changes
            .values()
            .filter(|c| c.decision != Decision::Destroy)
            .filter_map(|change| change.after.as_ref().map(|record| &record.object.container)),
    );
    world.containers.keys().filter(|address| !used.contains(address)).cloned().collect()
}

/// Containers that are the same ones under other settings: a moved directory, another policy.
pub fn changed_settings(world: &World<'_>) -> Vec<(Effect, ResourceChange)> {
    let changed = world.containers.iter().filter_map(|(address, record)| {
        let declared = world.desired.containers.get(address)?;
        let there = matches!(world.live.get(address), Some(ContainerView::Present(s)) if s.identity == record.identity);
        (there && *declared != record.spec).then(|| {
            let after = ContainerRecord { spec: declared.clone(), ..record.clone() };
            (Effect::PutContainer(Box::new(after)), row(declared, ChangeAction::Record, "its settings changed"))
        })
    });
    changed.collect()
}

/// The row of the plan for a container.
pub fn row(spec: &ContainerSpec, action: ChangeAction, reason: &str) -> ResourceChange {
    let shown = |value: &str| Some(Shown::Text(value.to_owned()));
    let attributes = spec.settings.iter().filter_map(|(name, value)| match value {
        Setting::Text(text) => {
            let (before, after) = match action {
                ChangeAction::Destroy => (shown(text), None),
                _ => (None, shown(text)),
            };
            Some(AttributeChange { name: name.clone().into(), before, after, forces_replacement: false })
        }
        _ => None,
    });
    ResourceChange {
        address: spec.address.clone(),
        layer: None,
        previous_address: None,
        action,
        reason: reason.to_owned(),
        attributes: attributes.collect(),
        unchanged_attributes: 0,
    }
}
