//! `vbs trash`: what was destroyed and is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde_json::{Value, json};
use uuid::Uuid;

use super::args::{PurgeArgs, RunOptions, TrashCommand, TrashName};
use super::context::{Context, now};
use super::situation::{Question, refuse_open_run, with_situation};
use super::workspace::{Located, Workspace};
use super::{purge, restore};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::model::TrashEntry;
use crate::plan::world::Options;
use crate::state::{Access, Recorded};
use crate::ui::json::FORMAT_VERSION;
use crate::ui::{self, print, table};

pub fn trash(context: &mut Context, command: &TrashCommand) -> Result<Exit, Failure> {
    match command {
        TrashCommand::List { json } => list(context, *json),
        TrashCommand::Restore(args) => restore::restore(context, args),
        TrashCommand::Purge(args) => purge_entries(context, args),
    }
}

fn list(context: &mut Context, as_json: bool) -> Result<Exit, Failure> {
    let located = Located::find(context);
    let entries = match located.open(context, Access::Read)? {
        Some(store) => store.snapshot()?.trash,
        None => BTreeMap::new(),
    };
    if as_json {
        let listed = json!({
            "format_version": FORMAT_VERSION,
            "retention_seconds": located.retention(),
            "trash": TrashEntry::newest_first(entries.values()).into_iter().map(ui::state::trash_json).collect::<Value>(),
        });
        print::data(&format!("{listed}\n"))?;
    } else if entries.is_empty() {
        print::data("The trash is empty.\n")?;
    } else {
        print::data(&table::trash(entries.values(), now(), located.retention()).render())?;
    }
    Ok(Exit::Success)
}

fn purge_entries(context: &mut Context, args: &PurgeArgs) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let (_lock, mut store) = workspace.located().hold(context)?;
    let recorded = store.snapshot()?;
    refuse_open_run(&recorded)?;
    let retention = workspace.declared.settings().trash_retention_seconds;
    let chosen = chosen(&recorded, args, retention)?;
    if chosen.is_empty() {
        print::tell("Nothing to purge.\n");
        return Ok(Exit::Success);
    }
    let options = Options::default();
    let question = Question { variables: &args.variables, options: &options, chosen: &BTreeMap::new() };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        let table = table::trash(chosen.iter().copied(), now(), Some(retention)).render();
        print::data(&format!("These will be removed for good:\n\n{table}"))?;
        if !args.auto_approve
            && !print::confirm("\nDo you really want to remove their data? Nothing can bring it back.")?
        {
            return Err(Diagnostic::error("Cancelled", "It was not approved. Nothing was changed.").into());
        }
        store.backup()?;
        let outcome = purge::run(context, situation, &mut store, &recorded, &chosen, &RunOptions::default())?;
        Ok(outcome.exit())
    })
}

/// The entries that were asked for, each once.
///
/// # Errors
/// Every id that is not in the trash, at once: a typing mistake must not purge the rest.
fn chosen<'a>(
    recorded: &'a Recorded,
    args: &PurgeArgs,
    retention: u64,
) -> Result<Vec<&'a TrashEntry>, Diagnostics> {
    let unknown: Diagnostics = args
        .ids
        .iter()
        .filter(|id| !recorded.trash.contains_key(id))
        .map(|id| unknown_entry(*id, &recorded.trash))
        .collect();
    if unknown.has_errors() {
        return Err(unknown);
    }
    let (now, asked): (i64, BTreeSet<&Uuid>) = (now(), args.ids.iter().collect());
    let taken = |entry: &&TrashEntry| {
        args.all || asked.contains(&entry.id) || (args.expired && entry.expires_at(retention) <= now)
    };
    Ok(recorded.trash.values().filter(taken).collect())
}

/// The entry with this id, or the only one that was this address.
///
/// # Errors
/// Where there is none; where an address fits several: which of them is not for vbs to choose.
pub fn entry<'a>(
    trash: &'a BTreeMap<Uuid, TrashEntry>,
    asked: &TrashName,
) -> Result<&'a TrashEntry, Diagnostic> {
    let address = match asked {
        TrashName::Id(id) => return trash.get(id).ok_or_else(|| unknown_entry(id, trash)),
        TrashName::Address(address) => address,
    };
    let fitting = trash.values().filter(|entry| entry.record.object.key.address == *address);
    match TrashEntry::newest_first(fitting).as_slice() {
        [] => Err(unknown_entry(address, trash)),
        [entry] => Ok(entry),
        several => {
            let detail = format!(
                "{} in the trash were {address}. Nothing was changed. Name one by its id; the newest comes first:",
                several.len()
            );
            let known = several
                .iter()
                .map(|entry| format!("{}  destroyed {}", entry.id, table::when(entry.trashed_at)));
            Err(known.fold(Diagnostic::error("More than one fits", detail), Diagnostic::literal))
        }
    }
}

/// What is not in the trash, with what is.
fn unknown_entry(asked: impl Display, trash: &BTreeMap<Uuid, TrashEntry>) -> Diagnostic {
    let known = TrashEntry::newest_first(trash.values());
    let known = known.iter().map(|entry| format!("{} (was {})", entry.id, entry.record.object.key.address));
    let detail = match trash.len() {
        0 => format!("{asked} is not in the trash, which is empty."),
        _ => format!("{asked} is not in the trash. Nothing was changed. In it are:"),
    };
    known.fold(Diagnostic::error("Not in the trash", detail), Diagnostic::literal)
}
