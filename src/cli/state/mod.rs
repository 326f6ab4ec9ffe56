//! `vbs state`: looking into the state, and repairing it.

mod found;
mod rebuild;
mod surgery;

use serde_json::{Value, json};

use super::args::StateCommand;
use super::context::Context;
use super::describe::unknown_address;
use super::workspace::Located;
use crate::exit::{Exit, Failure};
use crate::model::Address;
use crate::state::{Access, Recorded};
use crate::ui::json::FORMAT_VERSION;
use crate::ui::{self, print, table};

pub fn state(context: &mut Context, command: &StateCommand) -> Result<Exit, Failure> {
    match command {
        StateCommand::List { json } => list(context, *json),
        StateCommand::Show { address, json } => show(context, address, *json),
        StateCommand::Mv { from, to, dry_run } => surgery::mv(context, from, to, *dry_run),
        StateCommand::Rm { addresses, dry_run } => surgery::rm(context, addresses, *dry_run),
        StateCommand::Rebuild(args) => rebuild::rebuild(context, args),
    }
}

fn read(context: &mut Context) -> Result<Option<Recorded>, Failure> {
    let located = Located::find(context);
    located.open(context, Access::Read)?.map(|store| store.snapshot()).transpose()
}

fn list(context: &mut Context, as_json: bool) -> Result<Exit, Failure> {
    let recorded = read(context)?;
    let records = recorded.iter().flat_map(|recorded| recorded.records.values());
    if as_json {
        let listed = json!({
            "format_version": FORMAT_VERSION,
            "resources": records.map(ui::state::record_json).collect::<Value>(),
        });
        print::data(&format!("{listed}\n"))?;
        return Ok(Exit::Success);
    }
    let table = table::records(records);
    if table.is_empty() {
        print::tell("Nothing is recorded.\n");
    } else {
        print::data(&table.render())?;
    }
    Ok(Exit::Success)
}

fn show(context: &mut Context, asked: &Address, as_json: bool) -> Result<Exit, Failure> {
    let recorded = read(context)?;
    let records: Vec<_> = recorded
        .iter()
        .flat_map(|recorded| recorded.records.values())
        .filter(|record| asked.covers(&record.object.key.address))
        .collect();
    let container = recorded.as_ref().and_then(|recorded| recorded.containers.get(asked));
    if records.is_empty() && container.is_none() {
        let known = recorded.iter().flat_map(known);
        return Err(unknown_address(asked, known).into());
    }
    if as_json {
        let shown = json!({
            "format_version": FORMAT_VERSION,
            "resources": records.iter().map(|record| ui::state::record_json(record)).collect::<Value>(),
            "container": container.map(ui::state::container_json),
        });
        print::data(&format!("{shown}\n"))?;
    } else {
        let records = records.iter().map(|record| ui::state::record(record));
        let shown: Vec<String> = records.chain(container.map(ui::state::container)).collect();
        print::data(&shown.join("\n"))?;
    }
    Ok(Exit::Success)
}

/// Every address that the state knows.
fn known(recorded: &Recorded) -> impl Iterator<Item = &Address> {
    recorded.records.keys().map(|key| &key.address).chain(recorded.containers.keys())
}
