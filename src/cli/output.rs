//! `vbs output`: values that the last apply left in the state.

use std::collections::BTreeMap;

use super::args::OutputArgs;
use super::context::Context;
use super::workspace::Located;
use super::{outputs, state_key};
use crate::diag::{Diagnostic, did_you_mean};
use crate::exit::{Exit, Failure};
use crate::state::Access;
use crate::ui::output::{OutputValue, human, one, raw, to_json};
use crate::ui::print;

pub fn output(context: &mut Context, args: &OutputArgs) -> Result<Exit, Failure> {
    let values = recorded(context)?;
    let Some(name) = &args.name else {
        let text = if args.json {
            values.iter().try_for_each(|(name, value)| readable(name, value))?;
            format!("{}\n", to_json(&values))
        } else {
            human(&values)
        };
        if values.is_empty() {
            print::tell("No outputs: the last apply left none. `output` blocks declare them.\n");
        }
        print::data(&text)?;
        return Ok(Exit::Success);
    };
    let value = values.get(name).ok_or_else(|| unknown(name, &values))?;
    readable(name, value)?;
    let text = match (args.raw, args.json, &value.value) {
        (true, ..) => raw(name, value)?,
        (_, true, Some(value)) => format!("{value}\n"),
        _ => format!("{}\n", one(value)),
    };
    print::data(&text)?;
    Ok(Exit::Success)
}

fn recorded(context: &mut Context) -> Result<BTreeMap<String, OutputValue>, Failure> {
    let located = Located::find(context);
    let Some(store) = located.open(context, Access::Read)? else { return Ok(BTreeMap::new()) };
    let recorded = store.snapshot()?;
    let key = state_key(context, &located.state_path)?;
    Ok(outputs::open(&recorded.outputs, recorded.lineage, key.as_ref())?)
}

/// A sensitive value rests encrypted: without the key there is nothing to show.
fn readable(name: &str, output: &OutputValue) -> Result<(), Diagnostic> {
    if output.value.is_some() {
        return Ok(());
    }
    let detail = format!(
        "The output {name:?} is sensitive and rests encrypted, and the key is neither in VBS_STATE_KEY nor beside the \
         state. Bring the key file of whoever applied last, or apply again to encrypt it with a new one."
    );
    Err(Diagnostic::error("The key is missing", detail))
}

fn unknown(name: &str, values: &BTreeMap<String, OutputValue>) -> Diagnostic {
    let known: Vec<&str> = values.keys().map(String::as_str).collect();
    let hint = match (did_you_mean(name, known.iter().copied()), known.is_empty()) {
        (Some(near), _) => format!("Did you mean {near:?}?"),
        (None, false) => format!("There are: {}.", known.join(", ")),
        (None, true) => {
            "There are none: outputs appear with the first apply after they are declared.".to_owned()
        }
    };
    Diagnostic::error("Unknown output", format!("The last apply left no output {name:?}. {hint}"))
}
