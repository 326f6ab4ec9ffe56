//! `vbs trash restore`: data, id and serial come back under a declared address.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::{RestoreArgs, RunOptions};
use super::context::Context;
use super::situation::{Question, Situation, refuse_open_run, with_situation};
use super::workspace::Workspace;
use super::{blocks, purge, runtime, show, trash};
use crate::apply::{Outcome, Seen, Views};
use crate::diag::Diagnostic;
use crate::exit::{Exit, Failure};
use crate::model::{Address, Body, ContainerView, ObjectKey, Place, Record, TrashEntry, quote};
use crate::plan::adopt::size_in_language;
use crate::plan::lower::{lower, part_of};
use crate::plan::trash::take_out;
use crate::plan::world::{Options, find_record};
use crate::state::{Recorded, RunKind};
use crate::ui::{self, print};

pub fn restore(context: &mut Context, args: &RestoreArgs) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let (_lock, mut store) = workspace.located().hold(context)?;
    let recorded = store.snapshot()?;
    refuse_open_run(&recorded)?;
    let entry = trash::entry(&recorded.trash, &args.entry)?;
    refuse_unfit(&recorded, entry, &args.to)?;
    // The identity of what is declared there becomes that of what comes back.
    let chosen = BTreeMap::from([(args.to.clone(), entry.id)]);
    let options = Options::default();
    let question = Question { variables: &args.variables, options: &options, chosen: &chosen };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        let views = runtime()?.block_on(situation.look(&situation.hosts()))?;
        let after = after(situation, entry, &args.to)?;
        refuse_misplaced(situation, &views, entry, &after)?;
        let mut plan = take_out(&situation.world(&views), entry, &after)?;
        warn_of_another(context, entry, &args.to);
        if !context.quiet {
            print::to_stdout(|out| ui::plan::render(&plan, context.style, &mut { out }))?;
        }
        store.backup()?;
        let outcome = purge::run_plan(
            context,
            situation,
            &mut store,
            &mut plan,
            RunKind::Trash,
            &RunOptions::default(),
        )?;
        if outcome == Outcome::Applied {
            print::tell(&format!(
                "\n{} is back. `vbs plan` shows whether anything of it differs.\n",
                args.to
            ));
        }
        Ok(outcome.exit())
    })
}

/// It may be meant; after a slip of the hand, nobody would look for these data there.
fn warn_of_another(context: &Context, entry: &TrashEntry, to: &Address) {
    let was = &entry.record.object.key.address;
    if was != to {
        let detail = format!("What comes back as {to} was {was} ({}).", entry.id);
        show(&Diagnostic::warning("It had another address", detail).into(), &context.sources, context.style);
    }
}

/// What the state alone can tell.
fn refuse_unfit(recorded: &Recorded, entry: &TrashEntry, to: &Address) -> Result<(), Diagnostic> {
    let was = &entry.record.object;
    if was.body.resource_kind() != Some(to.kind) {
        let detail = format!(
            "{} was {}, so it cannot become {to}. Name an address of its own kind.",
            entry.id, was.key.address
        );
        return Err(Diagnostic::error("Cannot be restored there", detail));
    }
    if find_record(&recorded.records, to).is_some() {
        let detail = format!(
            "The state has another {to} already, and one of the two would be forgotten. Declare what comes back under \
             an address of its own, or destroy or move the other one first."
        );
        return Err(Diagnostic::error("Cannot be restored there", detail));
    }
    Ok(())
}

/// The record as it will be: what the block says, with the data, size, serial and origin that the trash kept.
fn after(situation: &Situation<'_>, entry: &TrashEntry, to: &Address) -> Result<Record, Diagnostic> {
    let declared = &situation.resolved.desired;
    let was = &entry.record.object;
    let Some(resource) = declared.resources.get(to) else { return Err(undeclared(situation, entry, to)) };
    let key = ObjectKey::new(to.clone(), part_of(&resource.spec));
    let Some(mut after) = lower(declared)?.remove(&key).map(Arc::unwrap_or_clone) else {
        return Err(Diagnostic::bug(format!("{to} is declared and asks for nothing")));
    };
    if after.object.container != was.container {
        let detail = format!(
            "{} lies in {}, and {to} is declared in {}: vbs does not move data between pools. Declare it in {}.",
            entry.id, was.container, after.object.container, was.container
        );
        return Err(Diagnostic::error("Cannot be restored there", detail)
            .maybe_at(resource.place.attributes.get("pool").copied(), "another pool"));
    }
    let name = after.object.body.name().map(str::to_owned);
    after.object.id = entry.id;
    after.object.body = was.body.clone();
    match (&mut after.object.body, name) {
        (Body::Volume(volume), Some(name)) => volume.name = name,
        (Body::Snapshot(snapshot), Some(name)) => snapshot.name = name,
        _ => {}
    }
    Ok(after)
}

/// What only a look can tell: whether the data is still in the trash, and whether the name is free.
fn refuse_misplaced(
    situation: &Situation<'_>,
    views: &Views,
    entry: &TrashEntry,
    after: &Record,
) -> Result<(), Failure> {
    let container = &after.object.container;
    let name = after.object.body.name().unwrap_or_default();
    let refuse = |detail: String| Err(Diagnostic::error("Cannot be restored there", detail).into());
    let surveyed = match views.get(container) {
        Some(ContainerView::Present(surveyed)) => surveyed,
        Some(ContainerView::Unsurveyed { why }) => return refuse(format!("{container}: {why}")),
        Some(ContainerView::Fresh { .. }) | None => {
            return refuse(format!("{container} holds nothing of this workspace any more."));
        }
    };
    let found = Seen::new(views, situation.recorded.lineage).object(container, entry.id);
    if found.is_none_or(|found| found.place != Place::Trash) {
        return refuse(format!(
            "{} is not in the trash of {container} any more: somebody took it away.",
            entry.id
        ));
    }
    let same_name = |observed: &&crate::model::Observed| {
        observed.place == Place::Live && observed.body.name() == Some(name)
    };
    if surveyed.foreign.contains(name) || surveyed.objects.iter().any(|o| same_name(&o)) {
        return refuse(format!(
            "The name {name:?} is taken in {container}. Give {} another `name` in its block.",
            after.object.key.address
        ));
    }
    Ok(())
}

fn undeclared(situation: &Situation<'_>, entry: &TrashEntry, to: &Address) -> Diagnostic {
    let block = situation.resolved.desired.resources.keys().any(|known| known.block() == to.block());
    let detail = if block {
        format!(
            "The block of {to} is declared and has no such instance, so the next plan would destroy what comes back. \
             Add the key to its for_each or count. On its own it would be:"
        )
    } else {
        format!(
            "{to} is not declared, so the next plan would destroy what comes back. Add this block, and restore again:"
        )
    };
    let taken = situation.recorded.records.values().any(|record| {
        record.object.container == entry.record.object.container
            && record.object.body.name() == entry.record.object.body.name()
    });
    block_for(entry, to, !taken)
        .into_iter()
        .fold(Diagnostic::error("Not declared", detail), Diagnostic::literal)
}

/// The block that fits what lies in the trash, ready to be pasted.
fn block_for(entry: &TrashEntry, to: &Address, with_name: bool) -> Vec<String> {
    let object = &entry.record.object;
    let mut lines: Vec<(&str, String)> = Vec::new();
    match &object.body {
        Body::Snapshot(snapshot) => lines.push(("volume", snapshot.origin.address.to_string())),
        _ => {
            lines.push(("pool", object.container.to_string()));
            lines.push(("size", size_in_language(object.body.size())));
        }
    }
    let name = object.body.name().filter(|_| with_name && to.key.is_none());
    lines.extend(name.map(|name| ("name", quote::in_language(name))));
    blocks::block(to, lines)
}
