//! `vbs host`: the machines themselves.

mod check;
mod pins;
mod trust;

use std::collections::BTreeSet;

use super::args::{HostCommand, Variables};
use super::context::Context;
use super::plan::recorded_or_nothing;
use super::situation::{Question, Situation, with_situation};
use super::workspace::Workspace;
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};
use crate::exit::{Exit, Failure};
use crate::model::{Address, HostName, HostSpec, Kind};
use crate::plan::world::Options;

pub fn host(context: &mut Context, command: &HostCommand) -> Result<Exit, Failure> {
    match command {
        HostCommand::Trust(args) => {
            with(context, &args.variables, |context, situation| trust::trust(context, situation, args))
        }
        HostCommand::Check(args) => {
            with(context, &args.variables, |context, situation| check::check(context, situation, args))
        }
    }
}

fn with<R>(
    context: &mut Context,
    variables: &Variables,
    then: impl FnOnce(&Context, &Situation<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let workspace = Workspace::load(context)?;
    let recorded = recorded_or_nothing(context, &workspace)?;
    let options = Options::default();
    let question = Question { variables, options: &options, chosen: &Default::default() };
    with_situation(context, &workspace, &recorded, &question, then)
}

fn address(name: &HostName) -> Address {
    Address::new(Kind::Host, &name.0)
}

/// The hosts that were asked for, or all that there are.
///
/// # Errors
/// Every name that is none of them.
fn chosen<'a>(asked: &[Address], there: &[&'a HostSpec]) -> Result<Vec<&'a HostSpec>, Diagnostics> {
    let names: BTreeSet<String> = there.iter().map(|spec| address(&spec.name).to_string()).collect();
    let unknown = asked.iter().filter(|asked| !names.contains(&asked.to_string()));
    let problems: Diagnostics = unknown
        .map(|asked| {
            let near = did_you_mean(&asked.to_string(), names.iter().map(String::as_str)).map(str::to_owned);
            let hint = near.map_or_else(String::new, |near| format!(" Did you mean {near}?"));
            Diagnostic::error("Unknown host", format!("There is no {asked} that could be asked.{hint}"))
        })
        .collect();
    if problems.has_errors() {
        return Err(problems);
    }
    let wanted = |spec: &&&HostSpec| asked.is_empty() || asked.contains(&address(&spec.name));
    Ok(there.iter().filter(wanted).copied().collect())
}
