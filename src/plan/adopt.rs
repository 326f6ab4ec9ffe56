//! A plan that adopts one thing that somebody else made: it becomes ours as it is, and nothing of it changes.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use uuid::Uuid;

use super::graph::{self, Edges};
use super::problems::at_block;
use super::step::{Operation, Request, Step};
use super::world::{World, find_record};
use super::{
    AttributeChange, ChangeAction, FORMAT, Mode, Plan, PlannedContainer, ResourceChange, capacity,
    containers, present,
};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Body, Bytes, Object, Record, Stranger, VolumeBody, quote};

/// Adopts `found` as `wanted`, the record that the configuration asks for, and takes its pool into use where this
/// workspace has not been there before. `fresh` gives the identity of a pool that has none yet.
///
/// # Errors
/// Everything in which the two differ, and what the provider refuses.
pub fn adopt(
    world: &World<'_>,
    wanted: &Record,
    found: &Stranger,
    fresh: &mut dyn FnMut() -> Uuid,
) -> Result<Plan, Diagnostics> {
    let after = fitted(world, wanted, found);
    let problems = misfits(world, &after, found);
    if problems.has_errors() {
        return Err(problems);
    }
    let address = &after.object.container;
    let spec = containers::spec(world, address)
        .ok_or_else(|| Diagnostic::bug(format!("{address} is neither declared nor recorded")))?;
    let identity = containers::identity(world, address).unwrap_or_else(fresh);
    let mut steps = containers::join(world, address, identity)?;
    let mut rows = Vec::new();
    if !steps.is_empty() {
        rows.push(containers::row(spec, ChangeAction::Create, ""));
    }
    steps.extend(world.makers.steps(&Request {
        key: after.object.key.clone(),
        container: spec,
        identity,
        lineage: world.lineage,
        workspace: world.workspace,
        evicts: false,
        operation: Operation::Adopt { after: after.clone(), found: found.clone() },
    })?);
    rows.push(row(&after));
    let ordered = chained(steps)?;
    let planned = PlannedContainer { spec: spec.clone(), identity };
    Ok(Plan {
        format: FORMAT,
        workspace: world.workspace.to_owned(),
        lineage: world.lineage,
        mode: Mode::Import,
        changes: rows,
        drift: Vec::new(),
        looked: true,
        selected: false,
        steps: ordered.steps,
        edges: ordered.edges,
        state_effects: Vec::new(),
        containers: BTreeMap::from([(address.clone(), planned)]),
        pools: Vec::new(),
        hosts: BTreeMap::new(),
    })
}

/// Each step waits for the one before.
fn chained(steps: Vec<Step>) -> Result<graph::Ordered, Diagnostic> {
    let mut edges = Edges::default();
    for index in 1..steps.len() {
        edges.add(index - 1, index);
    }
    graph::order(steps, &edges)
}

fn row(after: &Record) -> ResourceChange {
    let attributes = present::attributes(after).into_iter().map(|(name, shown)| AttributeChange {
        name,
        before: None,
        after: Some(shown),
        forces_replacement: false,
    });
    ResourceChange {
        address: after.object.key.address.clone(),
        layer: None,
        previous_address: None,
        action: ChangeAction::Adopt,
        reason: "it is there already, and its data is not touched".to_owned(),
        attributes: attributes.collect(),
        unchanged_attributes: 0,
    }
}

/// What is wanted, as the pool would make it; a snapshot's size is its own.
fn fitted(world: &World<'_>, wanted: &Record, found: &Stranger) -> Record {
    let mut after = wanted.clone();
    let container = &wanted.object.container;
    if let (Some(spec), Some(capacity)) =
        (containers::spec(world, container), capacity::capacity(world, container))
    {
        world.makers.fit(spec, capacity, &mut after.object.body);
    }
    if let Body::Snapshot(snapshot) = &mut after.object.body {
        snapshot.size = found.size;
    }
    after
}

/// One thing in which the block and what is there differ.
struct Misfit {
    summary: &'static str,
    detail: String,
    /// The attribute that is wrong, and what is said of it there.
    attribute: &'static str,
    label: &'static str,
}

/// In what the block and the thing differ, all at once.
fn misfits(world: &World<'_>, after: &Record, found: &Stranger) -> Diagnostics {
    let mut misfits: Vec<Misfit> = impossible(after, found).into_iter().collect();
    match another_kind(after, found) {
        Some(kind) => misfits.push(kind),
        None => {
            misfits.extend(another_name(after, found));
            match &after.object.body {
                Body::Volume(volume) => {
                    misfits.extend(another_size(after, volume, found));
                    misfits.extend(another_source(after, volume, found));
                }
                Body::Snapshot(_) => misfits.extend(another_origin(world, after, found)),
                _ => {}
            }
        }
    }
    let address = &after.object.key.address;
    let problem = |Misfit { summary, detail, attribute, label }| {
        at_block(world, address, Diagnostic::error(summary, detail), attribute, label)
    };
    misfits.into_iter().map(problem).collect()
}

fn impossible(after: &Record, found: &Stranger) -> Option<Misfit> {
    let why = found.why_not.as_ref()?;
    let Object { key, container, .. } = &after.object;
    Some(Misfit {
        summary: "Cannot be adopted",
        detail: format!("{:?} in {container} cannot become {}: {why}.", found.name, key.address),
        attribute: "",
        label: "to become this",
    })
}

fn another_kind(after: &Record, found: &Stranger) -> Option<Misfit> {
    let Object { key, container, .. } = &after.object;
    if found.kind() == key.address.kind {
        return None;
    }
    let what = match &found.origin {
        Some(origin) => format!("a snapshot of {origin:?}"),
        None => "a volume".to_owned(),
    };
    Some(Misfit {
        summary: "Another kind of object",
        detail: format!(
            "{:?} in {container} is {what}, so it cannot become {}. Declare it as a {}.",
            found.name,
            key.address,
            found.kind()
        ),
        attribute: "",
        label: "to become this",
    })
}

fn another_name(after: &Record, found: &Stranger) -> Option<Misfit> {
    let declared = after.object.body.name().unwrap_or_default();
    let Object { key, container, .. } = &after.object;
    (declared != found.name).then(|| Misfit {
        summary: "Another name",
        detail: format!(
            "{} would be called {declared:?} in {container}, and what is there is called {:?}. Adopting renames nothing: \
             write name = {} in its block. To rename it, change that afterwards and apply.",
            key.address,
            found.name,
            quote::in_language(&found.name)
        ),
        attribute: "name",
        label: "it is not called so",
    })
}

fn another_size(after: &Record, volume: &VolumeBody, found: &Stranger) -> Option<Misfit> {
    let address = &after.object.key.address;
    let (declared, there, written) = (volume.size, found.size, size_in_language(found.size));
    let (why, label) = match declared.cmp(&there) {
        Ordering::Equal => return None,
        Ordering::Greater => (
            format!(
                "Adopting grows nothing: write size = {written} and adopt it, then write what it is to have and apply."
            ),
            "larger than it is",
        ),
        Ordering::Less => (
            format!("vbs shrinks nothing, for what lies beyond would be lost: write size = {written}."),
            "smaller than it is",
        ),
    };
    Some(Misfit {
        summary: "Another size",
        detail: format!("{address} is declared with {declared}, and {:?} has {there}. {why}", found.name),
        attribute: "size",
        label,
    })
}

/// A volume that is declared as a copy, and was not copied by vbs, would have to be replaced by the next plan.
fn another_source(after: &Record, volume: &VolumeBody, found: &Stranger) -> Option<Misfit> {
    let source = volume.source.as_ref()?;
    Some(Misfit {
        summary: "Another source",
        detail: format!(
            "{} is declared as a copy of {}, and vbs did not copy {:?} from it: the next plan would ask to replace it. \
             Remove `source` from its block.",
            after.object.key.address, source.address, found.name
        ),
        attribute: "source",
        label: "it was not copied from this",
    })
}

fn another_origin(world: &World<'_>, after: &Record, found: &Stranger) -> Option<Misfit> {
    let Object { key, container, body, .. } = &after.object;
    let (declared, origin) = (&body.source()?.address, found.origin.as_deref()?);
    let recorded =
        find_record(world.records, declared).filter(|record| record.object.container == *container);
    let detail = match recorded.and_then(|record| record.object.body.name()) {
        Some(name) if name == origin => return None,
        Some(name) => format!(
            "{} is declared as a snapshot of {declared}, which is {name:?}, and {:?} was taken of {origin:?}. Declare \
             it as a snapshot of that.",
            key.address, found.name
        ),
        None => format!(
            "{} is declared as a snapshot of {declared}, which is not in the state. {:?} was taken of {origin:?}: adopt \
             that as {declared} first, and its snapshots after it.",
            key.address, found.name
        ),
    };
    Some(Misfit { summary: "Another origin", detail, attribute: "volume", label: "it was not taken of this" })
}

/// `"20GiB"`, as it is written in a block.
pub fn size_in_language(size: Bytes) -> String {
    quote::in_language(&size.to_string().replace(' ', ""))
}
