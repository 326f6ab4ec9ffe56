//! Values for variables, from the lowest to the highest: the environment, `vbs.vars.hcl`, `*.auto.vars.hcl` in name
//! order, then `--var` and `--var-file` in the order in which they were given. What is missing is asked for.

use std::path::PathBuf;

use super::args::{Variable, Variables};
use super::context::{Context, Supplied};
use super::workspace::Workspace;
use crate::config::inputs::Inputs;
use crate::diag::Diagnostics;
use crate::exit::Failure;
use crate::ui::print;

/// Gathers all values; asks on a terminal for those that are missing. A saved plan brings its own.
///
/// # Errors
/// Files that cannot be read or are no files of variables. A value that is still missing is resolve's to report.
pub fn gather(context: &mut Context, workspace: &Workspace, given: &Variables) -> Result<Inputs, Failure> {
    let mut inputs = Inputs::new(context.root.display().to_string(), workspace.name.clone());
    let mut problems = Diagnostics::new();
    let kept = context.kept.take();
    let asks = kept.is_none();
    let supplied = kept.map_or_else(|| supplied(context, given), Ok)?;
    for value in &supplied {
        problems.extend(take(context, &mut inputs, value));
    }
    context.supplied = supplied;
    if problems.has_errors() {
        return Err(problems.into());
    }
    for missing in inputs.missing(&workspace.declared).into_iter().filter(|_| asks) {
        let about = missing.description.map(|text| format!("\n  {text}\n")).unwrap_or_default();
        if let Some(text) = print::ask(&format!("var.{}{about}\n  Enter a value", missing.name))? {
            let place = format!("var.{}", missing.name);
            let answer = Supplied::Text { name: missing.name, text, place, must_exist: true };
            problems.extend(take(context, &mut inputs, &answer));
            context.supplied.push(answer);
        }
    }
    Ok(inputs)
}

/// Gathers what is there, and nothing of what cannot be read.
pub fn without_asking(context: &mut Context, workspace_name: &str) -> Inputs {
    let mut inputs = Inputs::new(context.root.display().to_string(), workspace_name.to_owned());
    for value in supplied(context, &Variables::default()).unwrap_or_default() {
        take(context, &mut inputs, &value);
    }
    inputs
}

fn take(context: &mut Context, inputs: &mut Inputs, value: &Supplied) -> Diagnostics {
    match value {
        Supplied::Text { name, text, place, must_exist } => {
            inputs.text(&mut context.sources, name, text, place, *must_exist);
            Diagnostics::new()
        }
        Supplied::File { shown, text } => {
            let file = context.sources.add(shown.clone(), text.clone());
            inputs.file(&context.sources, file)
        }
    }
}

/// What the environment, files and command line hold, from the lowest to the highest.
fn supplied(context: &Context, given: &Variables) -> Result<Vec<Supplied>, Failure> {
    let environment = context.environment_variables.iter().map(|(name, value)| Supplied::Text {
        name: name.clone(),
        text: value.clone(),
        place: format!("VBS_VAR_{name}"),
        must_exist: false,
    });
    let mut all: Vec<Supplied> = environment.collect();
    let files = variable_files(context).into_iter().map(Variable::File);
    for variable in files.chain(given.given.iter().cloned()) {
        all.push(match variable {
            Variable::Value { name, value } => {
                Supplied::Text { place: format!("--var {name}"), name, text: value, must_exist: true }
            }
            Variable::File(path) => {
                let path = context.root.join(path);
                Supplied::File { text: context.read(&path)?, shown: context.shown(&path) }
            }
        });
    }
    Ok(all)
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
