//! `vbs apply` and `vbs destroy`: plan, ask, run.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::args::{self, ApplyArgs, DestroyArgs, Variables};
use super::context::Context;
use super::execute::{Begin, Job, execute, run_options};
use super::plan::{look_and_plan, options, refuse_errors, show_plan};
use super::situation::{
    Question, Situation, containers, nothing_recorded, on_excluded_host, refuse_open_run, with_situation,
};
use super::workspace::Workspace;
use super::{held_if_any, outputs, purge, reach, saved, show};
use crate::apply::{Outcome, Views};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::model::{Address, ContainerSpec};
use crate::plan::Plan;
use crate::plan::world::Options;
use crate::state::{Key, RunKind, Store, StoredOutput};
use crate::ui::json::OutputChanges;
use crate::ui::progress::Json;
use crate::ui::verdict::Run;
use crate::ui::{self, print};

/// What apply and destroy have in common once their flags are read.
struct Order<'a> {
    kind: RunKind,
    options: Options,
    no_refresh: bool,
    variables: &'a Variables,
    run: &'a args::RunOptions,
    json: bool,
    /// A saved plan was approved when it was made.
    approved: bool,
}

pub fn apply(context: &mut Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    if let Some(path) = &args.plan_file {
        return saved::apply(context, path, &args.run, args.json);
    }
    let kind = match (args.options.destroy, args.options.refresh_only) {
        (true, _) => RunKind::Destroy,
        (_, true) => RunKind::RefreshOnly,
        _ => RunKind::Apply,
    };
    carry_out(
        context,
        &Order {
            kind,
            options: options(&args.options),
            no_refresh: args.options.no_refresh,
            variables: &args.options.scope.variables,
            run: &args.run,
            json: args.json,
            approved: args.run.auto_approve,
        },
    )
}

pub fn destroy(context: &mut Context, args: &DestroyArgs) -> Result<Exit, Failure> {
    let options = Options {
        destroy: true,
        purge: args.purge,
        targets: args.scope.target.clone(),
        excludes: args.scope.exclude.clone(),
        ..Options::default()
    };
    carry_out(
        context,
        &Order {
            kind: RunKind::Destroy,
            options,
            no_refresh: false,
            variables: &args.scope.variables,
            run: &args.run,
            json: args.json,
            approved: args.run.auto_approve,
        },
    )
}

fn carry_out(context: &mut Context, order: &Order<'_>) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let (_lock, store) = held_if_any(context, &workspace)?;
    let recorded = store.as_ref().map_or_else(|| Ok(nothing_recorded(&workspace.name)), Store::snapshot)?;
    refuse_open_run(&recorded)?;
    let question = Question { variables: order.variables, options: &order.options, chosen: &BTreeMap::new() };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        let (_, built, changes) = look_and_plan(context, situation, order.no_refresh, true)?;
        // Entries that an interrupted run had no time to purge go now as well.
        let trash = recorded.trash.values().any(|entry| entry.purge) || !built.purges.is_empty();
        announce(context, order, &built.plan, &changes, &built.diagnostics)?;
        if let Some(text) = purge::announcement(&built.plan, &recorded.trash, &built.purges)
            && !order.json
            && (!context.quiet || !order.approved)
            && !built.diagnostics.has_errors()
        {
            print::data(&text)?;
        }
        refuse_errors(&built.plan, &built.diagnostics)?;
        if built.plan.is_empty() && changes.before == changes.after && !trash {
            return Ok(Exit::Success);
        }
        if !order.approved && !print::confirm(question_of(order, &built.plan))? {
            return Err(Diagnostic::error("Cancelled", "It was not approved. Nothing was changed.").into());
        }
        let made = || Store::create(&workspace.state_path, &workspace.name, recorded.lineage);
        let mut store = store.map_or_else(made, Ok)?;
        let outcome = run(context, situation, &mut store, &built.plan, order.kind, order.run, order.json)?;
        if outcome != Outcome::Applied {
            return Ok(outcome.exit());
        }
        if !order.json {
            show_outputs(context, &workspace, &store)?;
        }
        purge::after_commit(context, situation, &mut store, &built.purges, order.run)
    })
}

fn announce(
    context: &Context,
    order: &Order<'_>,
    plan: &Plan,
    changes: &OutputChanges,
    problems: &Diagnostics,
) -> Result<(), Failure> {
    if order.json {
        let mut stream = Json::new(std::io::stdout(), run_word(order.kind), std::time::Instant::now());
        stream.version();
        stream.plan(plan);
        stream.diagnostics(problems, &context.sources);
        stream.outputs(&changes.after);
        return Ok(());
    }
    if !context.quiet || !order.approved {
        show_plan(context, plan, changes, problems)?;
    }
    show(problems, &context.sources, context.style);
    Ok(())
}

fn run_word(kind: RunKind) -> Run {
    match kind {
        RunKind::Destroy => Run::Destroy,
        RunKind::Trash | RunKind::Purge => Run::Trash,
        RunKind::Import => Run::Import,
        RunKind::Apply | RunKind::RefreshOnly => Run::Apply,
    }
}

fn question_of(order: &Order<'_>, plan: &Plan) -> &'static str {
    match (order.kind, order.options.purge) {
        (RunKind::Destroy, true) => {
            "\nDo you really want to destroy everything shown above, and empty the trash? No data will be left."
        }
        (RunKind::Destroy, false) => {
            "\nDo you really want to destroy everything shown above? Volumes go to the trash."
        }
        (RunKind::RefreshOnly, _) => "\nShould the state take over what is really there?",
        _ if plan.point_of_no_return().is_some() => {
            "\nDo you want to perform these actions? Up to the point of no return a failure reverts all of them."
        }
        _ => "\nDo you want to perform these actions? If any of them fails, all are reverted.",
    }
}

/// Runs a plan that was approved: a backup first, then the journal, then the hosts.
pub fn run(
    context: &Context,
    situation: &Situation<'_>,
    store: &mut Store,
    plan: &Plan,
    kind: RunKind,
    asked: &args::RunOptions,
    json: bool,
) -> Result<Outcome, Failure> {
    store.backup()?;
    let key: RefCell<Option<Key>> = RefCell::new(None);
    let unmet = RefCell::new(Diagnostics::new());
    let seal = |views: &Views| -> (Diagnostics, Option<Vec<StoredOutput>>) {
        let (problems, outputs) = conclude(context, situation, plan, views, &key);
        *unmet.borrow_mut() = problems.clone();
        (problems, outputs)
    };
    let job = Job {
        key: situation.key.as_ref(),
        plan,
        run: run_word(kind),
        options: run_options(context, asked),
        others: untouched(situation, plan),
        hosts: reach::known([&plan.hosts, &situation.known_hosts()]),
        json,
        conclude: &seal,
    };
    let outputs = situation.options.destroy.then(|| outputs::left_by(situation, plan));
    let outcome = execute(context, store, &job, Begin::Fresh { kind, outputs })?;
    // With their places in the source, which the run knows nothing of.
    show(&unmet.borrow(), &context.sources, context.style);
    Ok(outcome)
}

/// Containers that the plan does not touch: outputs and conditions may speak of them, and recorded ones see the epoch.
fn untouched(situation: &Situation<'_>, plan: &Plan) -> Vec<ContainerSpec> {
    let all = containers(&situation.resolved.desired, situation.recorded);
    let excludes = situation.options.not_asked();
    let others = all.into_iter().filter(|(address, spec)| {
        !plan.containers.contains_key(*address) && !on_excluded_host(&excludes, spec)
    });
    others.map(|(_, spec)| spec.clone()).collect()
}

/// Postconditions and outputs, with the world as it is at the end of what can be reverted.
fn conclude(
    context: &Context,
    situation: &Situation<'_>,
    plan: &Plan,
    views: &Views,
    key: &RefCell<Option<Key>>,
) -> (Diagnostics, Option<Vec<StoredOutput>>) {
    if situation.options.destroy {
        return (Diagnostics::new(), None);
    }
    let look = |address: &Address, name: &str| super::surveyed::value(situation, views, address, name);
    let mut problems = situation.resolved.deferred.postconditions(&look);
    let (values, found) = outputs::evaluate(situation, views, &outputs::nameless(situation, plan, true));
    problems.extend(found);
    let mut load = || -> Result<Key, Diagnostic> {
        if let Some(key) = key.borrow().clone() {
            return Ok(key);
        }
        let loaded = super::state_key_or_create(context, situation.workspace)?;
        *key.borrow_mut() = Some(loaded.clone());
        Ok(loaded)
    };
    match outputs::store(&values, situation.recorded.lineage, &mut load) {
        Ok(stored) => (problems, Some(stored)),
        Err(problem) => {
            problems.push(problem);
            (problems, None)
        }
    }
}

fn show_outputs(context: &Context, workspace: &Workspace, store: &Store) -> Result<(), Failure> {
    let recorded = store.snapshot()?;
    if recorded.outputs.is_empty() || context.quiet {
        return Ok(());
    }
    let key = super::state_key(context, &workspace.state_path)?;
    let values = outputs::open(&recorded.outputs, recorded.lineage, key.as_ref())?;
    print::data(&format!("\nOutputs:\n\n{}", ui::output::human(&values)))?;
    Ok(())
}
