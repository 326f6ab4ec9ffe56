//! `vbs validate`: whether the configuration is sound, as far as it can tell by itself. No host and no state is read.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::{ValidateArgs, Variables};
use super::context::Context;
use super::show;
use super::situation::{Question, nothing_recorded, with_situation};
use super::workspace::Workspace;
use crate::diag::{Diagnostics, Severity};
use crate::exit::{Exit, Failure};
use crate::plan::world::Options;
use crate::ui::{diagnostics, json, print};

pub fn validate(context: &mut Context, args: &ValidateArgs) -> Result<Exit, Failure> {
    let problems = match check(context, &args.variables) {
        Ok(warnings) => warnings,
        Err(failure) => failure.diagnostics,
    };
    if args.json {
        print::data(&format!("{}\n", report(context, &problems)))?;
    } else {
        show(&problems, &context.sources, context.style);
        if !problems.has_errors() && !context.quiet {
            print::data("The configuration is valid.\n")?;
        }
    }
    Ok(if problems.has_errors() { Exit::Error } else { Exit::Success })
}

/// The warnings of a valid configuration; a failure holds the warnings too.
fn check(context: &mut Context, variables: &Variables) -> Result<Diagnostics, Failure> {
    let workspace = Workspace::load(context)?;
    let recorded = nothing_recorded(&workspace.name);
    let options = Options::default();
    let question = Question { variables, options: &options, chosen: &BTreeMap::new() };
    with_situation(context, &workspace, &recorded, &question, |_, situation| Ok(situation.warnings.clone()))
}

fn report(context: &Context, problems: &Diagnostics) -> serde_json::Value {
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    json!({
        "format_version": json::FORMAT_VERSION,
        "valid": !problems.has_errors(),
        "error_count": count(Severity::Error),
        "warning_count": count(Severity::Warning),
        "diagnostics": diagnostics::to_json(problems, &context.sources),
    })
}
