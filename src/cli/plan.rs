//! `vbs plan`: what apply would do.

use std::collections::BTreeMap;

use super::args::{PlanArgs, PlanOptions};
use super::context::Context;
use super::situation::{Question, Situation, as_recorded, nothing_recorded, with_situation};
use super::workspace::Workspace;
use super::{outputs, runtime, saved, show};
use crate::apply::Views;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::hosts::Hosts;
use crate::model::ContainerView;
use crate::plan::Plan;
use crate::plan::build::Built;
use crate::plan::world::Options;
use crate::state::{Access, Recorded, Store};
use crate::ui::json::OutputChanges;
use crate::ui::{self, dot, print};

/// Shows the plan, and saves it where it was asked to.
pub fn plan(context: &mut Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    if args.out.is_some() && Store::open(&workspace.state_path, &workspace.name, Access::Read)?.is_none() {
        // A plan that is saved belongs to a state; making one takes the lock, for that moment.
        super::held(context, &workspace)?;
    }
    let recorded = recorded_or_nothing(context, &workspace)?;
    let options = options(&args.options);
    let question =
        Question { variables: &args.options.scope.variables, options: &options, chosen: &BTreeMap::new() };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        let (views, built, changes) =
            look_and_plan(context, situation, args.options.no_refresh, args.out.is_some())?;
        if args.graph {
            print::to_stdout(|out| dot::render(&built.plan, &mut { out }))?;
        } else if args.json {
            print::to_stdout(|out| ui::json::write(&built.plan, &changes, &mut { out }))?;
        } else {
            show_plan(context, &built.plan, &changes, &built.diagnostics)?;
        }
        show(&built.diagnostics, &context.sources, context.style);
        if built.diagnostics.has_errors() {
            return Ok(Exit::Error);
        }
        if let Some(path) = &args.out {
            saved::save(context, situation, &views, &built.plan, &changes, path)?;
        }
        let changed =
            !built.plan.is_empty() || !built.plan.drift.is_empty() || changes.before != changes.after;
        // The process ends here. Freeing the millions of texts of a large plan one by one would take a fifth of its time.
        std::mem::forget((views, built));
        Ok(if args.detailed_exitcode && changed { Exit::Changes } else { Exit::Success })
    })
}

/// What the state says, for commands that only look. They take no lock: they say so when somebody is at work.
pub fn recorded_or_nothing(context: &Context, workspace: &Workspace) -> Result<Recorded, Failure> {
    let Some(store) = Store::open(&workspace.state_path, &workspace.name, Access::Read)? else {
        super::warn_of_lost_state(context, workspace);
        return Ok(nothing_recorded(&workspace.name));
    };
    let recorded = store.snapshot()?;
    banner(&recorded);
    Ok(recorded)
}

pub fn banner(recorded: &Recorded) {
    if let Some(run) = &recorded.open_run {
        print::tell(&format!(
            "Run {} of {} is open: it is going on, or it was interrupted (`vbs recover`). What follows is a look at a \
             world that may be changing.\n\n",
            run.id, run.holder
        ));
    }
}

pub fn options(asked: &PlanOptions) -> Options {
    Options {
        destroy: asked.destroy,
        refresh_only: asked.refresh_only,
        purge: false,
        targets: asked.scope.target.clone(),
        excludes: asked.scope.exclude.clone(),
        replace: asked.replace.clone(),
        recreate: asked.recreate.clone(),
        lost: asked.host_lost.clone(),
        restore: asked.restore.iter().map(|pair| (pair.volume.clone(), pair.snapshot.clone())).collect(),
    }
}

/// Looks at the hosts and plans. `is_run`: the ids that it chooses are those that will be.
pub fn look_and_plan(
    context: &Context,
    situation: &Situation<'_>,
    no_refresh: bool,
    is_run: bool,
) -> Result<(Views, Built, OutputChanges), Failure> {
    let views = if no_refresh {
        as_recorded(situation)
    } else {
        let hosts: Hosts = situation.hosts();
        runtime()?.block_on(situation.look(&hosts))?
    };
    let mut built = situation.plan(&views)?;
    let is_seen = |view: &ContainerView| !matches!(view, ContainerView::Unsurveyed { .. });
    built.plan.looked = !no_refresh && views.values().any(is_seen);
    let changes = output_changes(context, situation, &views, &mut built, is_run)?;
    Ok((views, built, changes))
}

/// The outputs before and after. Errors in them are problems of the plan.
pub fn output_changes(
    context: &Context,
    situation: &Situation<'_>,
    views: &Views,
    built: &mut Built,
    is_run: bool,
) -> Result<OutputChanges, Failure> {
    let key = super::state_key(context, &situation.workspace.state_path)?;
    let recorded = situation.recorded;
    let before = outputs::open(&recorded.outputs, recorded.lineage, key.as_ref())?;
    if situation.options.destroy {
        let left = outputs::left_by(situation, &built.plan);
        let after = outputs::open(&left, recorded.lineage, key.as_ref())?;
        return Ok(OutputChanges { before, after });
    }
    let (after, problems): (_, Diagnostics) =
        outputs::evaluate(situation, views, &outputs::nameless(situation, &built.plan, is_run));
    built.diagnostics.extend(problems);
    built.diagnostics.sort();
    Ok(OutputChanges { before, after })
}

/// Shows the plan and what becomes of the outputs. Where nothing but problems or outputs was found, "No changes" would
/// be a lie.
pub fn show_plan(
    context: &Context,
    plan: &Plan,
    changes: &OutputChanges,
    problems: &Diagnostics,
) -> Result<(), Failure> {
    let outputs = ui::output::changes(&changes.before, &changes.after);
    let nothing = plan.is_empty() && (problems.has_errors() || !outputs.is_empty());
    match (nothing, plan.drift.is_empty()) {
        (false, _) => print::to_stdout(|mut out| {
            ui::plan::render_beside(plan, problems.has_errors(), context.style, &mut out)
        })?,
        (true, false) => {
            print::to_stdout(|mut out| {
                ui::plan::drift_report(&plan.drift, context.style, &mut out)?;
                writeln!(out)
            })?;
        }
        (true, true) => {}
    }
    if !outputs.is_empty() {
        print::data(if nothing { outputs.trim_start() } else { &outputs })?;
    }
    Ok(())
}

/// A plan with problems is shown and never run.
pub fn refuse_errors(plan: &Plan, problems: &Diagnostics) -> Result<(), Failure> {
    if !problems.has_errors() {
        return Ok(());
    }
    let count = problems.iter().filter(|p| p.severity == crate::diag::Severity::Error).count();
    let problems = if count == 1 { "is 1 problem".to_owned() } else { format!("are {count} problems") };
    let what =
        if plan.is_empty() { "Nothing was changed." } else { "The rest of the plan was not run either." };
    Err(Diagnostic::error("Not applied", format!("There {problems}, shown above. {what}")).into())
}
