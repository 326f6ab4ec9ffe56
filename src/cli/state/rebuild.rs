//! `vbs state rebuild`: the state, written anew from the marks on the hosts.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::found::{Found, Sides, find};
use crate::apply::Views;
use crate::cli::args::{RebuildArgs, Variables};
use crate::cli::context::{Context, now};
use crate::cli::reach::{self, Specs};
use crate::cli::situation::{Question, Situation, nothing_recorded, refuse_open_run, with_situation};
use crate::cli::workspace::Workspace;
use crate::cli::{holder, outputs, runtime, show, state_key_or_create};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::hosts::Hosts;
use crate::model::{Address, ContainerSpec, ContainerView, Observed};
use crate::plan::lower::lower;
use crate::plan::moves;
use crate::plan::world::Options;
use crate::state::{Access, Lock, Recorded, Store};
use crate::survey::{Target, first_look};
use crate::ui::{print, table};

pub fn rebuild(context: &mut Context, args: &RebuildArgs) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let _lock = Lock::acquire(&workspace.state_path, &holder(context), context.lock_timeout)?;
    let mut store = Store::open(&workspace.state_path, &workspace.name, Access::Write)?;
    let before = store.as_ref().map(Store::snapshot).transpose()?;
    if let Some(before) = &before {
        refuse_open_run(before)?;
    }
    let nothing = nothing_recorded(&workspace.name);
    let options = Options::default();
    let question = Question { variables: &args.variables, options: &options, chosen: &BTreeMap::new() };
    let written = with_situation(context, &workspace, &nothing, &question, |context, situation| {
        let containers = containers(situation, before.as_ref());
        let lineage = lineage(situation, &containers, before.as_ref(), args.lineage)?;
        let views = look(situation, before.as_ref(), &containers, lineage)?;
        let mut found = find(&Sides {
            lineage,
            wanted: &lower(&situation.resolved.desired)?,
            containers: &containers,
            before: before.as_ref(),
            views: &views,
            now: now(),
        })?;
        found.contents.records = moves::apply(&found.contents.records, &workspace.moves())?.records;
        let hosts = known_hosts(situation, before.as_ref());
        found.contents.hosts = reach::of(found.contents.containers.values().map(|r| &r.spec), &hosts);
        present(context, &found, before.as_ref())?;
        if !args.auto_approve && !print::confirm("\nShould the state be written so?")? {
            return Err(Diagnostic::error("Cancelled", "It was not approved. Nothing was changed.").into());
        }
        write(&workspace, store.take(), lineage, &found)
    });
    let mut store = written?;
    outputs_too(context, &workspace, &mut store, &args.variables)?;
    print::tell("\nThe state is rebuilt. `vbs plan` shows what differs.\n");
    Ok(Exit::Success)
}

/// Outputs follow from configuration and objects, so they are worked out again.
fn outputs_too(
    context: &mut Context,
    workspace: &Workspace,
    store: &mut Store,
    variables: &Variables,
) -> Result<(), Failure> {
    let (recorded, options) = (store.snapshot()?, Options::default());
    let question = Question { variables, options: &options, chosen: &BTreeMap::new() };
    with_situation(context, workspace, &recorded, &question, |context, situation| {
        let views = runtime()?.block_on(situation.look(&situation.hosts()))?;
        let (values, problems) = outputs::evaluate(situation, &views, &|_| false);
        show(&problems, &context.sources, context.style);
        let mut key = || state_key_or_create(context, workspace);
        store.replace_outputs(&outputs::store(&values, recorded.lineage, &mut key)?)
    })
}

fn write(
    workspace: &Workspace,
    store: Option<Store>,
    lineage: Uuid,
    found: &Found,
) -> Result<Store, Failure> {
    let mut store = match store {
        Some(store) => {
            store.backup()?;
            store
        }
        None => Store::create(&workspace.state_path, &workspace.name, lineage)?,
    };
    store.replace_all(&found.contents, found.epochs_seen)?;
    Ok(store)
}

/// Everything that is declared, and what an older state still knows.
fn containers(situation: &Situation<'_>, before: Option<&Recorded>) -> BTreeMap<Address, ContainerSpec> {
    let known = before.into_iter().flat_map(|before| &before.containers);
    let known = known.map(|(address, record)| (address.clone(), record.spec.clone()));
    let declared = situation.resolved.desired.containers.iter();
    known.chain(declared.map(|(address, spec)| (address.clone(), spec.clone()))).collect()
}

/// How they are reached.
fn known_hosts(situation: &Situation<'_>, before: Option<&Recorded>) -> Specs {
    let recorded = before.map(|before| &before.hosts);
    reach::known(recorded.into_iter().chain([&situation.resolved.desired.hosts]))
}

/// Looks at all of them, for this lineage's epochs.
///
/// # Errors
/// Every container that cannot be looked at: a state without what lies in it would be worse than none.
fn look(
    situation: &Situation<'_>,
    before: Option<&Recorded>,
    containers: &BTreeMap<Address, ContainerSpec>,
    lineage: Uuid,
) -> Result<Views, Failure> {
    let targets: Vec<Target> = containers.values().cloned().map(Target::new).collect();
    let hosts = Hosts::reached_by(situation.ssh, known_hosts(situation, before));
    let views = runtime()?.block_on(first_look(&hosts, lineage, &targets));
    let unseen = |(address, view): (&Address, &ContainerView)| match view {
        ContainerView::Unsurveyed { why } => Some(Diagnostic::error(
            "Cannot be looked at",
            format!(
                "{address}: {why}\nA state that is rebuilt without it would not know what lies there. Nothing was changed."
            ),
        )),
        ContainerView::Fresh { .. } | ContainerView::Present(_) => None,
    };
    let problems: Diagnostics = views.iter().filter_map(unseen).collect();
    if problems.has_errors() { Err(problems.into()) } else { Ok(views) }
}

/// Which marks are this workspace's: those of the state that is there, of the lineage that was asked for, or of the
/// only lineage whose marks name this workspace.
fn lineage(
    situation: &Situation<'_>,
    containers: &BTreeMap<Address, ContainerSpec>,
    before: Option<&Recorded>,
    asked: Option<Uuid>,
) -> Result<Uuid, Failure> {
    if let Some(before) = before {
        return match asked {
            Some(asked) if asked != before.lineage => Err(other_lineage(before.lineage, asked).into()),
            _ => Ok(before.lineage),
        };
    }
    // No object carries an id that was made up just now.
    let views = look(situation, None, containers, situation.recorded.lineage)?;
    let marked = views.values().flat_map(|view| match view {
        ContainerView::Present(surveyed) => surveyed.objects.as_slice(),
        ContainerView::Fresh { .. } | ContainerView::Unsurveyed { .. } => &[],
    });
    let name = &situation.workspace.name;
    let mut counts: BTreeMap<Uuid, usize> = BTreeMap::new();
    let ours = |object: &&Observed| asked.is_some() || object.mark.workspace == *name;
    for object in marked.filter(ours) {
        *counts.entry(object.mark.lineage).or_default() += 1;
    }
    let found: Vec<Uuid> = counts.keys().copied().collect();
    match (asked, found.as_slice()) {
        (Some(asked), _) if counts.contains_key(&asked) => Ok(asked),
        (None, [only]) => Ok(*only),
        (Some(asked), _) => Err(nothing_marked(&format!("with lineage {asked}")).into()),
        (None, []) => Err(nothing_marked(&format!("as workspace {name:?}'s")).into()),
        (None, _) => Err(several(name, &counts).into()),
    }
}

fn other_lineage(there: Uuid, asked: Uuid) -> Diagnostic {
    let detail = format!(
        "The state that is there has lineage {there}, and {asked} was asked for: what it remembers would be lost. If \
         it is the wrong one, move it aside and rebuild again."
    );
    Diagnostic::error("The state has another lineage", detail)
}

fn nothing_marked(how: &str) -> Diagnostic {
    let detail = format!(
        "No object on the configured hosts is marked {how}, so there is nothing to write a state from. Is this the \
         right workspace, and are all of its pools and hypervisors declared?"
    );
    Diagnostic::error("Nothing of this workspace was found", detail)
}

fn several(name: &str, counts: &BTreeMap<Uuid, usize>) -> Diagnostic {
    let detail = format!(
        "Objects of several workspaces called {name:?} were found, or of one whose state was once begun anew. Say whose \
         state is to be rebuilt:"
    );
    let lines = counts.iter().map(|(lineage, count)| format!("--lineage {lineage}    # {count} objects"));
    lines.fold(Diagnostic::error("Whose state is it?", detail), Diagnostic::literal)
}

/// What will be written, what is left out, and what the state that is there knows and will not.
fn present(context: &Context, found: &Found, before: Option<&Recorded>) -> Result<(), Failure> {
    let contents = &found.contents;
    let mut text = format!("The state would hold:\n\n{}", table::records(contents.records.values()).render());
    if !contents.trash.is_empty() {
        let trash = table::trash(contents.trash.values(), now(), None).render();
        text.push_str(&format!("\nIn the trash:\n\n{trash}"));
    }
    let ids: BTreeSet<Uuid> = contents
        .records
        .values()
        .map(|record| record.object.id)
        .chain(contents.trash.keys().copied())
        .collect();
    let lost = before.into_iter().flat_map(|before| before.records.values());
    let lost: Vec<_> = lost.filter(|record| !ids.contains(&record.object.id)).collect();
    if !lost.is_empty() {
        let lost = table::records(lost).render();
        text.push_str(&format!("\nRecorded now, not found on any host, and no longer known then:\n\n{lost}"));
    }
    print::data(&text)?;
    show(&found.warnings, &context.sources, context.style);
    Ok(())
}
