//! `vbs show`: the state, or a saved plan.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::ShowArgs;
use super::context::{Context, now};
use super::workspace::Located;
use super::{outputs, saved, state_key};
use crate::diag::Diagnostic;
use crate::exit::{Exit, Failure};
use crate::state::{Access, Recorded, Verified, planfile};
use crate::ui::json::OutputChanges;
use crate::ui::output::OutputValue;
use crate::ui::{self, print};

pub fn show(context: &mut Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let located = Located::find(context);
    match &args.plan_file {
        Some(path) => show_plan(context, &located, path, args.json),
        None => show_state(context, &located, args.json),
    }
}

fn show_state(context: &Context, located: &Located, as_json: bool) -> Result<Exit, Failure> {
    let Some(recorded) = recorded(context, located)? else {
        print::tell("There is no state yet: the first `vbs apply` makes it.\n");
        if as_json {
            print::data("null\n")?;
        }
        return Ok(Exit::Success);
    };
    super::plan::banner(&recorded);
    let outputs = known_outputs(context, located, &recorded)?;
    if as_json {
        print::data(&format!("{}\n", ui::state::to_json(&recorded, &outputs)))?;
    } else {
        print::data(&ui::state::render(&recorded, &outputs, now(), located.retention()))?;
    }
    Ok(Exit::Success)
}

fn recorded(context: &Context, located: &Located) -> Result<Option<Recorded>, Failure> {
    located.open(context, Access::Read)?.map(|store| store.snapshot()).transpose()
}

/// Sensitive ones without their values where the key is not here.
fn known_outputs(
    context: &Context,
    located: &Located,
    recorded: &Recorded,
) -> Result<BTreeMap<String, OutputValue>, Diagnostic> {
    let key = state_key(context, &located.state_path)?;
    outputs::open(&recorded.outputs, recorded.lineage, key.as_ref())
}

/// A plan file may come from elsewhere, so nothing of this workspace is needed to read it.
fn show_plan(context: &Context, located: &Located, path: &Path, as_json: bool) -> Result<Exit, Failure> {
    let key = saved::plan_key(context, &located.state_path)?;
    let (saved, verified) = planfile::read(&context.root.join(path), key.as_ref())?;
    let state = recorded(context, located).ok().flatten().filter(|s| s.lineage == saved.plan.lineage);
    let before = match &state {
        Some(recorded) => known_outputs(context, located, recorded)?,
        None => BTreeMap::new(),
    };
    let stored = saved.outputs.clone().unwrap_or_default();
    let after =
        outputs::open(&stored, saved.plan.lineage, state_key(context, &located.state_path)?.as_ref())?;
    if as_json {
        let changes = OutputChanges { before, after };
        print::to_stdout(|out| ui::json::write(&saved.plan, &changes, &mut { out }))?;
    } else {
        print::to_stdout(|out| ui::plan::render(&saved.plan, context.style, &mut { out }))?;
    }
    if verified == Verified::No {
        print::tell(&format!(
            "\nNot verified: the key that {} was written with is not here, so it may be anybody's. `vbs apply` plans \
             again and runs it only where the result is the same.\n",
            path.display()
        ));
    }
    Ok(Exit::Success)
}
