//! Values for variables, from the lowest to the highest: the environment, `vbs.vars.hcl`, `*.auto.vars.hcl` in name
//! order, then `--var` and `--var-file` in the order in which they were given. What is missing is asked for.

use std::path::PathBuf;

use super::args::{Variable, Variables};
use super::context::Context;
use super::workspace::Workspace;
use crate::config::inputs::Inputs;
use crate::diag::Diagnostics;
use crate::exit::Failure;
use crate::ui::print;

/// Gathers all values; asks on a terminal for those that are missing.
///
/// # Errors
/// Files that cannot be read or are no files of variables. A value that is still missing is resolve's to report.
pub fn gather(context: &mut Context, workspace: &Workspace, given: &Variables) -> Result<Inputs, Failure> {
    let mut inputs = Inputs::new(context.root.display().to_string(), workspace.name.clone());
    let mut problems = Diagnostics::new();
    for (name, value) in context.environment_variables.clone() {
        inputs.text(&mut context.sources, &name, &value, &format!("VBS_VAR_{name}"), false);
    }
    let files = variable_files(context).into_iter().map(Variable::File);
    for variable in files.chain(given.given.iter().cloned()) {
        match variable {
            Variable::Value { name, value } => {
                inputs.text(&mut context.sources, &name, &value, &format!("--var {name}"), true);
            }
            Variable::File(path) => {
                let file = context.add_source(&context.root.join(path))?;
                problems.extend(inputs.file(&context.sources, file));
            }
        }
    }
    if problems.has_errors() {
        return Err(problems.into());
    }
    for missing in inputs.missing(&workspace.declared) {
        let about = missing.description.map(|text| format!("\n  {text}\n")).unwrap_or_default();
        if let Some(value) = print::ask(&format!("var.{}{about}\n  Enter a value", missing.name))? {
            inputs.text(&mut context.sources, &missing.name, &value, &format!("var.{}", missing.name), true);
        }
    }
    Ok(inputs)
}

#[expect(clippy::disallowed_methods, reason = "the command line looks for the files of variables")]
fn variable_files(context: &Context) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(&context.root) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name == "vbs.vars.hcl" || name.ends_with(".auto.vars.hcl"))
        .collect();
    names.sort_by_key(|name| (name != "vbs.vars.hcl", name.clone()));
    names.into_iter().map(PathBuf::from).collect()
}
