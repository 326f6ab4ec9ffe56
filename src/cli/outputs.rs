//! Output values between the language, the state and the screen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use uuid::Uuid;

use super::situation::Situation;
use super::surveyed;
use crate::apply::Views;
use crate::config::number::Number;
use crate::config::value::Value;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::Address;
use crate::plan::{ChangeAction, Plan, ResourceChange};
use crate::state::{Key, StoredOutput};
use crate::ui::output::OutputValue;

/// The outputs as they are with what was seen. Ids that are still to be chosen, as `nameless` says, are unknown.
pub fn evaluate(
    situation: &Situation<'_>,
    views: &Views,
    nameless: &dyn Fn(&Address) -> bool,
) -> (BTreeMap<String, OutputValue>, Diagnostics) {
    let look = |address: &Address, name: &str| surveyed::value(situation, views, address, name);
    let (values, diagnostics) = situation.resolved.deferred.evaluate(&look, nameless);
    let values = values.into_iter().map(|output| {
        let (plain, marked) = output.value.unmark_deep();
        (output.name, OutputValue { value: to_json(&plain), sensitive: output.sensitive || marked })
    });
    (values.collect(), diagnostics)
}

/// Whether an address has no id yet. What a plan makes has one if that very plan is run, now or from a file; what it leaves
/// out has none.
pub fn nameless(situation: &Situation<'_>, plan: &Plan, is_run: bool) -> impl Fn(&Address) -> bool {
    let recorded = situation.moved.records.keys().filter(|key| key.is_primary());
    let recorded: BTreeSet<Address> = recorded.map(|key| key.address.clone()).collect();
    let made = |change: &&ResourceChange| {
        change.action == ChangeAction::Replace || !recorded.contains(&change.address)
    };
    let made: BTreeSet<Address> =
        plan.resources().filter(made).map(|change| change.address.clone()).collect();
    move |address| if made.contains(address) { !is_run } else { !recorded.contains(address) }
}

/// The recorded outputs that a destroy leaves: none where nothing stays, else those that read nothing that it destroys.
pub fn left_by(situation: &Situation<'_>, plan: &Plan) -> Vec<StoredOutput> {
    let is_end =
        |change: &&ResourceChange| matches!(change.action, ChangeAction::Destroy | ChangeAction::Forget);
    let gone: BTreeSet<&Address> = plan.resources().filter(is_end).map(|change| &change.address).collect();
    let mut resources =
        situation.moved.records.keys().map(|key| &key.address).filter(|it| it.kind.is_resource());
    if resources.all(|address| gone.contains(address)) {
        return Vec::new();
    }
    let (values, _) = situation.resolved.deferred.evaluate(&|_, _| None, &|_| false);
    let stays: BTreeSet<String> = values
        .into_iter()
        .filter(|output| !output.touched.iter().any(|address| gone.contains(address)))
        .map(|output| output.name)
        .collect();
    situation.recorded.outputs.iter().filter(|output| stays.contains(&output.name)).cloned().collect()
}

/// A value as JSON; nothing where any of it is not known yet.
pub fn to_json(value: &Value) -> Option<serde_json::Value> {
    Some(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => json!(flag),
        Value::Number(number) => number_json(*number),
        Value::Text(text) => json!(&**text),
        Value::List(list) => list.iter().map(to_json).collect::<Option<Vec<_>>>()?.into(),
        Value::Set(set) => set.iter().map(to_json).collect::<Option<Vec<_>>>()?.into(),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| Some((key.to_string(), to_json(value)?)));
            serde_json::Value::Object(entries.collect::<Option<_>>()?)
        }
        Value::Sensitive(inner) => to_json(inner)?,
        Value::Reference(reference) => json!(reference.to_string()),
        Value::Unknown => return None,
    })
}

/// Exact where JSON's readers are: a larger number goes as text, so that nobody rounds it.
fn number_json(number: Number) -> serde_json::Value {
    match number.to_integer() {
        Some(integer) => match (i64::try_from(integer), u64::try_from(integer)) {
            (Ok(small), _) => json!(small),
            (_, Ok(large)) => json!(large),
            _ => json!(integer.to_string()),
        },
        None => {
            let text = number.to_string();
            text.parse::<f64>().map_or_else(|_| json!(text), |fraction| json!(fraction))
        }
    }
}

/// For the state: sensitive values encrypted.
///
/// # Errors
/// Where a value is to be encrypted and cannot be.
pub fn store(
    outputs: &BTreeMap<String, OutputValue>,
    lineage: Uuid,
    key: &mut dyn FnMut() -> Result<Key, Diagnostic>,
) -> Result<Vec<StoredOutput>, Diagnostic> {
    let known =
        outputs.iter().filter_map(|(name, output)| Some((name, output.sensitive, output.value.as_ref()?)));
    known
        .map(|(name, sensitive, value)| {
            if sensitive {
                key()?.seal(lineage, name, value)
            } else {
                Ok(StoredOutput::in_clear(name, value.clone()))
            }
        })
        .collect()
}

/// From the state: sensitive values decrypted where the key is there.
///
/// # Errors
/// Where a value was encrypted with another key.
pub fn open(
    stored: &[StoredOutput],
    lineage: Uuid,
    key: Option<&Key>,
) -> Result<BTreeMap<String, OutputValue>, Diagnostic> {
    stored
        .iter()
        .map(|output| {
            let sensitive = output.is_sealed();
            let value = match (sensitive, key) {
                (true, None) => None,
                (true, Some(key)) => Some(key.open(lineage, output)?),
                (false, _) => output.clear().cloned(),
            };
            Ok((output.name.clone(), OutputValue { value, sensitive }))
        })
        .collect()
}
