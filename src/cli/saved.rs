//! Saved plans: what `plan --out` writes and `apply PLANFILE` runs, if the world still is what it was made for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use uuid::Uuid;

use super::args::{self, Variables};
use super::context::{Context, Supplied};
use super::situation::{Question, Situation, refuse_open_run, with_situation};
use super::workspace::Workspace;
use super::{apply, held_if_any, outputs, purge, reach};
use crate::apply::{Outcome, Seen, Views};
use crate::diag::{Diagnostic, SourceMap};
use crate::exit::{Exit, Failure};
use crate::model::{Address, ContainerView, ObjectKey};
use crate::plan::diff::occupies;
use crate::plan::promise_limit;
use crate::plan::step::Effect;
use crate::plan::world::Options;
use crate::plan::{Mode, Plan};
use crate::state::{Key, Precondition, RunKind, SavedPlan, StoredOutput, Verified, planfile};
use crate::ui::json::OutputChanges;
use crate::ui::print;

/// Saves a plan for `apply PLANFILE`.
pub fn save(
    context: &Context,
    situation: &Situation<'_>,
    views: &Views,
    plan: &Plan,
    changes: &OutputChanges,
    path: &Path,
) -> Result<(), Failure> {
    let key = plan_key_or_create(context, situation.workspace)?;
    let lineage = situation.recorded.lineage;
    let outputs = outputs::store(&changes.after, lineage, &mut || {
        super::state_key_or_create(context, situation.workspace)
    })?;
    let saved = SavedPlan {
        plan: plan.clone(),
        outputs: Some(outputs),
        variables: keep(context, situation)?,
        preconditions: preconditions(situation, views, plan),
        configuration_digest: configuration_digest(&context.sources),
        serial: situation.recorded.serial,
    };
    let path = context.root.join(path);
    planfile::write(&path, &saved, &key)?;
    let shown = context.shown(&path);
    print::tell(&format!(
        "\nSaved the plan to {shown}. To carry out exactly these actions, run:\n\n    vbs apply {shown}\n"
    ));
    Ok(())
}

/// The name under which the values of variables are encrypted. No output can have it.
const VARIABLES: &str = "(variables)";

/// What variables were given: any of it may be a secret.
fn keep(context: &Context, situation: &Situation<'_>) -> Result<Option<StoredOutput>, Failure> {
    if context.supplied.is_empty() {
        return Ok(None);
    }
    let value = serde_json::to_value(&context.supplied)
        .map_err(|error| Diagnostic::bug(format!("Values of variables have no JSON form: {error}")))?;
    let key = super::state_key_or_create(context, situation.workspace)?;
    Ok(Some(key.seal(situation.recorded.lineage, VARIABLES, &value)?))
}

/// The values that a plan was made with. Without the key they are gathered anew, and must come out the same.
fn take_out(
    context: &Context,
    workspace: &Workspace,
    saved: &SavedPlan,
) -> Result<Option<Vec<Supplied>>, Failure> {
    let key = super::state_key(context, &workspace.state_path)?;
    let (Some(key), Some(stored)) = (key, &saved.variables) else {
        return Ok(saved.variables.is_none().then(Vec::new));
    };
    let value = key.open(saved.plan.lineage, stored)?;
    let supplied = serde_json::from_value(value)
        .map_err(|error| Diagnostic::bug(format!("The values of variables in a saved plan: {error}")))?;
    Ok(Some(supplied))
}

/// How everything that a plan touches is now. What is needed and not touched, such as the source of a copy, too.
fn preconditions(situation: &Situation<'_>, views: &Views, plan: &Plan) -> Vec<Precondition> {
    let seen = Seen::new(views, situation.recorded.lineage);
    let moved = |key: &ObjectKey| situation.moved.records.get(key);
    let touched: BTreeSet<&ObjectKey> = plan
        .steps
        .iter()
        .map(|step| &step.object)
        .chain(plan.state_effects.iter().filter_map(|effect| match effect {
            Effect::Put(record) => Some(&record.object.key),
            Effect::Forget(key) => Some(key),
            _ => None,
        }))
        .collect();
    let sources: BTreeSet<&ObjectKey> = plan
        .steps
        .iter()
        .flat_map(|step| &step.effects)
        .filter_map(|effect| match effect {
            Effect::Put(record) => record.object.body.source(),
            _ => None,
        })
        .filter_map(|source| situation.moved.records.values().find(|record| record.object.id == source.id))
        .map(|record| &record.object.key)
        .collect();
    let all: BTreeSet<&ObjectKey> = touched.union(&sources).copied().collect();
    all.into_iter()
        .map(|key| {
            let record = moved(key);
            let live = record.and_then(|record| seen.object(&record.object.container, record.object.id));
            Precondition {
                key: key.clone(),
                record_digest: record.map(fingerprint),
                live_digest: live.map(|live| fingerprint(&(live.facts(), live.open))),
            }
        })
        .collect()
}

fn fingerprint(value: &impl Serialize) -> String {
    // What cannot be serialised would never compare equal, and the plan would be refused: the safe side.
    serde_json::to_vec(value).map_or_else(|error| error.to_string(), |bytes| planfile::digest(&bytes))
}

/// Over the configuration, the files read and the variables given: all are in the map.
fn configuration_digest(sources: &SourceMap) -> String {
    let all: Vec<(&str, &str)> =
        sources.files().map(|(_, file)| (file.name.as_str(), file.text.as_str())).collect();
    fingerprint(&all)
}

/// Runs a saved plan. It was approved when it was made, so nobody is asked.
pub fn apply(
    context: &mut Context,
    path: &Path,
    asked: &args::RunOptions,
    json: bool,
) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let (_lock, store) = held_if_any(context, &workspace)?;
    let path = context.root.join(path);
    let key = plan_key(context, &workspace.state_path)?;
    let (saved, verified) = planfile::read(&path, key.as_ref())?;
    let elsewhere = || stale("It was made for another workspace, or for this one before its state was lost.");
    let mut store = store.ok_or_else(elsewhere)?;
    let recorded = store.snapshot()?;
    refuse_open_run(&recorded)?;
    if saved.plan.lineage != recorded.lineage {
        return Err(elsewhere());
    }
    context.kept = take_out(context, &workspace, &saved)?;
    let chosen = chosen_ids(&saved.plan);
    let options = Options { destroy: saved.plan.mode == Mode::Destroy, ..Options::default() };
    let question = Question { variables: &Variables::default(), options: &options, chosen: &chosen };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        let views = super::runtime()?.block_on(situation.look(&situation.hosts()))?;
        let plan = match verified {
            Verified::Yes => {
                refuse_if_stale(situation, &views, &saved)?;
                // Its own hosts are how they were reached then.
                let mut plan = saved.plan.clone();
                reach::write_into(&mut plan, &situation.known_hosts());
                plan
            }
            Verified::No => replanned(context, situation, &views, &saved)?,
        };
        let kind = match plan.mode {
            Mode::Destroy => RunKind::Destroy,
            Mode::RefreshOnly => RunKind::RefreshOnly,
            Mode::Normal | Mode::Trash | Mode::Import => RunKind::Apply,
        };
        if plan.is_empty() && saved.outputs.as_ref().is_none_or(|outputs| *outputs == recorded.outputs) {
            print::tell("No changes. The saved plan has nothing to do.\n");
            return Ok(Exit::Success);
        }
        let outcome = apply::run(context, situation, &mut store, &plan, kind, asked, json)?;
        if outcome != Outcome::Applied {
            return Ok(outcome.exit());
        }
        purge::after_commit(context, situation, &mut store, &BTreeSet::new(), asked)
    })
}

/// Ids of what the plan makes.
fn chosen_ids(plan: &Plan) -> BTreeMap<Address, Uuid> {
    let effects = plan.steps.iter().flat_map(|step| &step.effects);
    let made = effects.filter_map(|effect| match effect {
        Effect::Put(record) => Some((record.object.key.address.clone(), record.object.id)),
        _ => None,
    });
    made.collect()
}

fn refuse_if_stale(situation: &Situation<'_>, views: &Views, saved: &SavedPlan) -> Result<(), Failure> {
    let now: BTreeMap<ObjectKey, Precondition> =
        preconditions(situation, views, &saved.plan).into_iter().map(|p| (p.key.clone(), p)).collect();
    let changed: Vec<String> = saved
        .preconditions
        .iter()
        .filter(|then| now.get(&then.key) != Some(then))
        .map(|then| then.key.address.to_string())
        .collect();
    if !changed.is_empty() {
        return Err(stale(&format!("Since it was made, {} changed.", changed.join(", "))));
    }
    let moves = saved.plan.state_effects.iter().filter(|effect| matches!(effect, Effect::Move { .. }));
    if let Some(Effect::Move { from, to }) =
        moves.into_iter().find(|effect| !situation.moved.effects.contains(effect))
    {
        return Err(stale(&format!("{from} is not there any more to become {to}.")));
    }
    if let Some(why) = in_the_way(views, &saved.plan).or_else(|| no_room(situation, views, &saved.plan)) {
        return Err(stale(&why));
    }
    for (address, planned) in &saved.plan.containers {
        if let Some(ContainerView::Unsurveyed { why }) = views.get(address) {
            return Err(stale(&format!("{address} cannot be looked at: {why}.")));
        }
        if let Some(ContainerView::Present(found)) = views.get(address)
            && found.identity != planned.identity
        {
            return Err(stale(&format!("{address} is another one than it was.")));
        }
    }
    Ok(())
}

/// Something that is not ours took a name that the plan wants.
fn in_the_way(views: &Views, plan: &Plan) -> Option<String> {
    let objects = plan.steps.iter().flat_map(|step| &step.effects).filter_map(|effect| match effect {
        Effect::Put(record) => Some(&record.object),
        _ => None,
    });
    for object in objects {
        let foreign = match views.get(&object.container) {
            Some(ContainerView::Fresh { foreign, .. }) => foreign,
            Some(ContainerView::Present(surveyed)) => &surveyed.foreign,
            Some(ContainerView::Unsurveyed { .. }) | None => continue,
        };
        if let Some(name) = occupies(&object.body).filter(|name| foreign.contains(name)) {
            let (address, container) = (&object.key.address, &object.container);
            return Some(format!(
                "{address} wants the name {name:?} in {container}, and something else has it by now."
            ));
        }
    }
    None
}

/// A pool that filled up since.
fn no_room(situation: &Situation<'_>, views: &Views, plan: &Plan) -> Option<String> {
    plan.pools.iter().filter(|pool| pool.after > pool.before).find_map(|pool| {
        let now = match views.get(&pool.pool)? {
            ContainerView::Fresh { capacity, .. } => capacity.as_ref()?,
            ContainerView::Present(surveyed) => surveyed.capacity.as_ref()?,
            ContainerView::Unsurveyed { .. } => return None,
        };
        let policy = situation.resolved.desired.containers.get(&pool.pool).map(|spec| spec.policy.clone());
        if let Some(why) = &now.closed {
            return Some(format!("{}: {why}.", pool.pool));
        }
        let more = pool.after.saturating_sub(pool.before);
        let after = now.promised.saturating_add(more);
        let limit = promise_limit(now, &policy.unwrap_or_default());
        (after > limit)
            .then(|| format!("{} can promise {limit} by now, and {after} would be promised.", pool.pool))
    })
}

/// Without the key the file may be anybody's: the plan is made anew, and must come out the same.
fn replanned(
    context: &Context,
    situation: &Situation<'_>,
    views: &Views,
    saved: &SavedPlan,
) -> Result<Plan, Failure> {
    if configuration_digest(&context.sources) != saved.configuration_digest {
        return Err(stale(
            "The configuration or its variables changed, and the key that the plan was made with is not here.",
        ));
    }
    let built = situation.plan(views)?;
    let summary = |plan: &Plan| -> Vec<(String, String)> {
        plan.steps.iter().map(|step| (step.id.to_string(), step.title.to_string())).collect()
    };
    if built.diagnostics.has_errors()
        || built.plan.changes != saved.plan.changes
        || summary(&built.plan) != summary(&saved.plan)
    {
        return Err(stale(
            "The key that it was made with is not here, so it was made anew, and it did not come out the same.",
        ));
    }
    Ok(built.plan)
}

fn stale(why: &str) -> Failure {
    Failure::new(
        Exit::StalePlan,
        Diagnostic::error(
            "The saved plan no longer fits",
            format!("{why} Nothing was changed. Make a new plan with `vbs plan --out` and review it."),
        ),
    )
}

/// `VBS_PLAN_KEY`, else the key beside the state.
pub fn plan_key(context: &Context, state: &Path) -> Result<Option<Key>, Diagnostic> {
    match &context.plan_key {
        Some(text) => Key::parse(text, "VBS_PLAN_KEY").map(Some),
        None => super::state_key(context, state),
    }
}

fn plan_key_or_create(context: &Context, workspace: &Workspace) -> Result<Key, Diagnostic> {
    match plan_key(context, &workspace.state_path)? {
        Some(key) => Ok(key),
        None => Key::load_or_create(&workspace.state_path),
    }
}
