//! What leaves the trash for good: by a journalled run of its own, after the commit that put it there.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::args;
use super::context::Context;
use super::execute::{Begin, Job, execute, run_options};
use super::reach;
use super::situation::{Situation, look};
use crate::apply::Outcome;
use crate::diag::Diagnostics;
use crate::exit::{Exit, Failure};
use crate::model::TrashEntry;
use crate::plan::step::Effect;
use crate::plan::world::World;
use crate::plan::{Plan, trash};
use crate::providers::CATALOG;
use crate::state::{Recorded, RunKind, Store};
use crate::ui::verdict::Run;

/// What leaves the trash for good after the plan, by name; nothing where nothing does. It is no part of the plan: it
/// happens in a run of its own, once the plan has committed.
pub fn announcement(
    plan: &Plan,
    trash: &BTreeMap<Uuid, TrashEntry>,
    also: &BTreeSet<Uuid>,
) -> Option<String> {
    let effects = || plan.steps.iter().flat_map(|step| &step.effects);
    let within: BTreeSet<Uuid> = effects()
        .filter_map(|effect| match effect {
            Effect::LeaveTrash(id) => Some(*id),
            _ => None,
        })
        .collect();
    let new = effects().filter_map(|effect| match effect {
        Effect::Trash(entry) if entry.purge && !within.contains(&entry.id) => Some((&**entry, "")),
        _ => None,
    });
    let lying = trash.values().filter(|entry| entry.purge || also.contains(&entry.id));
    let going: Vec<(&TrashEntry, &str)> =
        new.chain(lying.map(|entry| (entry, ", which lies there already"))).collect();
    if going.is_empty() {
        return None;
    }
    let mut text =
        "After that, in a run of its own, this leaves the trash for good, and cannot be taken back:\n"
            .to_owned();
    for (entry, where_from) in going {
        let object = &entry.record.object;
        let line =
            format!("  - {} of {} ({}{where_from})\n", object.key.address, object.body.size(), entry.id);
        text.push_str(&line);
    }
    Some(text)
}

/// Purges what is to be purged now that the run has committed: entries marked so, and these.
pub fn after_commit(
    context: &Context,
    situation: &Situation<'_>,
    store: &mut Store,
    also: &BTreeSet<Uuid>,
    asked: &args::RunOptions,
) -> Result<Exit, Failure> {
    let recorded = store.snapshot()?;
    let entries: Vec<&TrashEntry> =
        recorded.trash.values().filter(|entry| entry.purge || also.contains(&entry.id)).collect();
    if entries.is_empty() {
        return Ok(Exit::Success);
    }
    let outcome = run(context, situation, store, &recorded, &entries, asked)?;
    Ok(outcome.exit())
}

/// Purges entries in a run of its own.
pub fn run(
    context: &Context,
    situation: &Situation<'_>,
    store: &mut Store,
    recorded: &Recorded,
    entries: &[&TrashEntry],
    asked: &args::RunOptions,
) -> Result<Outcome, Failure> {
    let views =
        super::runtime()?.block_on(look(&situation.resolved.desired, recorded, &[], &situation.hosts()))?;
    let world = World {
        lineage: recorded.lineage,
        workspace: &recorded.workspace,
        desired: &situation.resolved.desired,
        records: &recorded.records,
        containers: &recorded.containers,
        trash: &recorded.trash,
        live: &views,
        makers: &CATALOG,
        fingerprint: situation,
    };
    let mut plan = trash::purge(&world, entries)?;
    run_plan(context, situation, store, &mut plan, RunKind::Purge, asked)
}

/// Runs a plan over the trash. Conditions and outputs are the next apply's.
pub fn run_plan(
    context: &Context,
    situation: &Situation<'_>,
    store: &mut Store,
    plan: &mut Plan,
    kind: RunKind,
    asked: &args::RunOptions,
) -> Result<Outcome, Failure> {
    let recorded = store.snapshot()?;
    let hosts = reach::known([&recorded.hosts, &situation.resolved.desired.hosts]);
    reach::write_into(plan, &hosts);
    let others = recorded.containers.iter().filter(|(address, _)| !plan.containers.contains_key(address));
    let job = Job {
        plan,
        run: Run::Trash,
        options: run_options(context, asked),
        others: others.map(|(_, record)| record.spec.clone()).collect(),
        hosts,
        json: false,
        key: situation.key.as_ref(),
        conclude: &|_| (Diagnostics::new(), None),
    };
    execute(context, store, &job, Begin::Fresh { kind, outputs: None })
}
