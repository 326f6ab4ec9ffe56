//! `vbs drift`: what is not as it was recorded. Reads only, and takes no lock.

use std::collections::BTreeMap;

use super::args::DriftArgs;
use super::context::Context;
use super::identities::fresh;
use super::plan::recorded_or_nothing;
use super::situation::{Question, Situation, with_situation};
use super::workspace::Workspace;
use super::{runtime, show};
use crate::exit::{Exit, Failure};
use crate::plan::build::build;
use crate::plan::world::Options;
use crate::ui::{self, diagnostics, print};

pub fn drift(context: &mut Context, args: &DriftArgs) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let recorded = recorded_or_nothing(context, &workspace)?;
    let options = Options { refresh_only: true, ..Options::default() };
    let question = Question { variables: &args.variables, options: &options, chosen: &BTreeMap::new() };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        compare(context, situation, args.json)
    })
}

/// What could not be looked at is an error: nobody may take it for "no drift".
fn compare(context: &Context, situation: &Situation<'_>, as_json: bool) -> Result<Exit, Failure> {
    let views = runtime()?.block_on(situation.look(&situation.hosts()))?;
    let built = build(&situation.world(&views), situation.options, &mut fresh)?;
    let mut problems = built.diagnostics;
    problems.extend(situation.warnings.clone());
    problems.sort();
    let found = &built.plan.drift;
    if as_json {
        let mut report = ui::json::drift_list(found);
        report["diagnostics"] = diagnostics::to_json(&problems, &context.sources);
        print::data(&format!("{report}\n"))?;
    } else if !found.is_empty() || !problems.has_errors() {
        print::to_stdout(|out| ui::plan::drift_report(found, context.style, &mut { out }))?;
    }
    show(&problems, &context.sources, context.style);
    Ok(match (problems.has_errors(), found.is_empty()) {
        (true, _) => Exit::Error,
        (false, false) => Exit::Changes,
        (false, true) => Exit::Success,
    })
}
