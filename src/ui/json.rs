//! A plan as JSON, in the shape of Terraform's JSON plan where the notions agree, so that pull-request tools work on
//! it. What has no counterpart there stands beside it: `steps`, `pools`, `summary`, `point_of_no_return`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::output::OutputValue;
use crate::model::{Address, InstanceKey};
use crate::plan::step::{Step, Undo};
use crate::plan::{AttributeChange, ChangeAction, Drift, Plan, PoolUse, ResourceChange, Shown};

/// The version of this shape: the first number changes when something is taken away or changes its meaning.
pub const FORMAT_VERSION: &str = "1.0";

/// The outputs as recorded and as they would be after the plan.
#[derive(Debug, Clone, Default)]
pub struct OutputChanges {
    pub before: BTreeMap<String, OutputValue>,
    pub after: BTreeMap<String, OutputValue>,
}

/// The whole plan as one value. [`write`] takes less memory where it only goes to a file.
///
/// # Errors
/// Never for a plan that vbs made: every key is a text and every number is finite.
pub fn plan(plan: &Plan, outputs: &OutputChanges) -> serde_json::Result<Value> {
    serde_json::to_value(Document { plan, outputs })
}

/// Writes the plan entry by entry, and a line break.
///
/// # Errors
/// Those of `out`.
pub fn write(plan: &Plan, outputs: &OutputChanges, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Document { plan, outputs })?;
    writeln!(out)
}

/// Every drift, for `vbs drift --json`.
pub fn drift_list(drift_found: &[Drift]) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "drifted": !drift_found.is_empty(),
        "resource_drift": drift_found.iter().map(drift).collect::<Value>(),
    })
}

/// Serialises lists as they are walked, so that only one entry is in memory at a time.
struct Document<'a> {
    plan: &'a Plan,
    outputs: &'a OutputChanges,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Document { plan, outputs } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("format_version", FORMAT_VERSION)?;
        map.serialize_entry("vbs_version", env!("CARGO_PKG_VERSION"))?;
        map.serialize_entry("workspace", &plan.workspace)?;
        map.serialize_entry("lineage", &plan.lineage)?;
        map.serialize_entry("mode", &plan.mode)?;
        map.serialize_entry("applyable", &!plan.is_empty())?;
        map.serialize_entry("resource_drift", &Each(&plan.drift, drift))?;
        map.serialize_entry("resource_changes", &Each(&plan.changes, resource_change))?;
        map.serialize_entry("output_changes", &output_changes(outputs))?;
        map.serialize_entry("summary", &plan.totals())?;
        map.serialize_entry("steps", &Each(&plan.steps, step))?;
        map.serialize_entry("point_of_no_return", &plan.point_of_no_return())?;
        map.serialize_entry("pools", &Each(&plan.pools, pool))?;
        map.end()
    }
}

struct Each<'a, T>(&'a [T], fn(&T) -> Value);

impl<T> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

fn pool(pool: &PoolUse) -> Value {
    json!({
        "address": pool.pool,
        "size_bytes": pool.size,
        "used_bytes_before": pool.before,
        "used_bytes_after": pool.after,
        "rooms": pool.rooms.iter().map(|room| json!({
            "what": room.what,
            "size_bytes": room.size,
            "used_bytes_before": room.before,
            "used_bytes_after_at_most": room.after,
        })).collect::<Vec<_>>(),
    })
}

/// One entry of `resource_changes`. `before` and `after` hold the attributes that the plan lists: those that change,
/// and all of them for what is created or destroyed.
pub fn resource_change(change: &ResourceChange) -> Value {
    let mut object = resource(&change.address);
    if let Some(layer) = &change.layer {
        object.insert(
            "layer".to_owned(),
            json!({"kind": layer.kind, "name": layer.name, "what": layer.what, "serves": layer.serves}),
        );
    }
    object.insert("change".to_owned(), change_json(change));
    if !change.reason.is_empty() {
        object.insert("action_reason".to_owned(), json!(change.reason));
    }
    if let Some(previous) = &change.previous_address {
        object.insert("previous_address".to_owned(), json!(previous));
    }
    Value::Object(object)
}

/// One entry of `resource_drift`, with the sentence about it as `what`.
pub fn drift(drift: &Drift) -> Value {
    let action = if drift.what.starts_with("vanished") { "delete" } else { "update" };
    let mut object = resource(&drift.address);
    object.insert("change".to_owned(), json!({"actions": [action], "before": {}, "after": {}}));
    object.insert("what".to_owned(), json!(drift.what));
    object.insert("mended".to_owned(), json!(drift.mended));
    Value::Object(object)
}

/// What Terraform says of every resource: where it is declared and which instance it is.
pub fn resource(address: &Address) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("address".to_owned(), json!(address));
    object.insert("mode".to_owned(), json!("managed"));
    object.insert("type".to_owned(), json!(address.kind.word()));
    object.insert("name".to_owned(), json!(address.label));
    let index = match &address.key {
        None => return object,
        Some(InstanceKey::Index(index)) => json!(index),
        Some(InstanceKey::Name(name)) => json!(name),
    };
    object.insert("index".to_owned(), index);
    object
}

/// Terraform's words for an action.
pub fn actions(change: &ResourceChange) -> &'static [&'static str] {
    match change.action {
        ChangeAction::Create => &["create"],
        ChangeAction::Adopt => &["import"],
        ChangeAction::Update | ChangeAction::Restore => &["update"],
        ChangeAction::Record if change.attributes.is_empty() => &["no-op"],
        ChangeAction::Record => &["update"],
        ChangeAction::Replace => &["delete", "create"],
        ChangeAction::Destroy => &["delete"],
        ChangeAction::Forget => &["forget"],
    }
}

fn change_json(change: &ResourceChange) -> Value {
    let is_new = matches!(change.action, ChangeAction::Create | ChangeAction::Adopt);
    let is_gone = matches!(change.action, ChangeAction::Destroy | ChangeAction::Forget);
    let (before, before_sensitive) = side(&change.attributes, |attribute| attribute.before.as_ref());
    let (after, after_sensitive) = side(&change.attributes, |attribute| attribute.after.as_ref());
    let forced = change.attributes.iter().filter(|attribute| attribute.forces_replacement);
    json!({
        "actions": actions(change),
        "before": if is_new { Value::Null } else { before },
        "after": if is_gone { Value::Null } else { after },
        // A resource's argument is never unknown when it is planned.
        "after_unknown": {},
        "before_sensitive": before_sensitive,
        "after_sensitive": after_sensitive,
        "replace_paths": forced.map(|attribute| json!([attribute.name])).collect::<Value>(),
    })
}

/// The values of one side, and which of them are sensitive; those are null.
fn side<'a>(
    attributes: &'a [AttributeChange],
    of: impl Fn(&'a AttributeChange) -> Option<&'a Shown>,
) -> (Value, Value) {
    let (mut values, mut sensitive) = (Map::new(), Map::new());
    for attribute in attributes {
        let Some(shown) = of(attribute) else { continue };
        values.insert(attribute.name.to_string(), value(shown));
        if *shown == Shown::Sensitive {
            sensitive.insert(attribute.name.to_string(), Value::Bool(true));
        }
    }
    (Value::Object(values), Value::Object(sensitive))
}

fn value(shown: &Shown) -> Value {
    match shown {
        Shown::Text(text) => json!(text),
        // `true` and `3` are themselves; `pool.fast` is a text.
        Shown::Bare(text) => match serde_json::from_str(text) {
            Ok(scalar @ (Value::Bool(_) | Value::Number(_) | Value::Null)) => scalar,
            _ => json!(text),
        },
        Shown::Sensitive => Value::Null,
    }
}

fn output_changes(outputs: &OutputChanges) -> Value {
    let names: std::collections::BTreeSet<&String> =
        outputs.before.keys().chain(outputs.after.keys()).collect();
    let entry = |name: &String| {
        let (before, after) = (outputs.before.get(name), outputs.after.get(name));
        let action = match (before, after) {
            (None, _) => "create",
            (Some(_), None) => "delete",
            (Some(before), Some(after)) if before == after => "no-op",
            (Some(_), Some(_)) => "update",
        };
        let shown = |side: Option<&OutputValue>| {
            side.filter(|output| !output.sensitive).and_then(|output| output.value.clone())
        };
        json!({
            "actions": [action],
            "before": shown(before),
            "after": shown(after),
            "after_unknown": after.is_some_and(|output| output.value.is_none()),
            "before_sensitive": before.is_some_and(|output| output.sensitive),
            "after_sensitive": after.is_some_and(|output| output.sensitive),
        })
    };
    Value::Object(names.into_iter().map(|name| (name.clone(), entry(name))).collect())
}

fn step(step: &Step) -> Value {
    let irreversible = match &step.undo {
        Undo::Impossible { why } => Some(why),
        Undo::Run(_) | Undo::RunInSameProcess(_) | Undo::Nothing => None,
    };
    json!({
        "id": step.id,
        "address": step.object.address,
        "host": step.host,
        "title": step.title.to_string(),
        "irreversible": irreversible,
    })
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::{attribute, bare, change, plan as new_plan, step, text};
    use super::*;
    use crate::plan::step::TitleVerb;

    #[test]
    fn a_plan_has_the_keys_that_terraforms_tools_read() {
        let mut size = attribute("size", text("1 GiB"), text("2 GiB"));
        size.forces_replacement = true;
        let secret = attribute("token", None, Some(Shown::Sensitive));
        let mut replaced = change("volume.db[\"a\"]", ChangeAction::Replace, vec![size, secret]);
        replaced.reason = "asked for".to_owned();
        replaced.previous_address = Some("volume.db".parse().unwrap());
        let created = change(
            "attachment.x[3]",
            ChangeAction::Create,
            vec![attribute("shared", None, bare("true")), attribute("volume", None, bare("volume.db"))],
        );
        let last = step("p", TitleVerb::Purge, "x", Undo::Impossible { why: "data is gone".to_owned() });
        let json = plan(&new_plan(vec![replaced, created], vec![last]), &OutputChanges::default()).unwrap();
        let expected = json!([
            {
                "address": "volume.db[\"a\"]", "mode": "managed", "type": "volume", "name": "db", "index": "a",
                "action_reason": "asked for", "previous_address": "volume.db",
                "change": {
                    "actions": ["delete", "create"],
                    "before": {"size": "1 GiB"}, "after": {"size": "2 GiB", "token": null}, "after_unknown": {},
                    "before_sensitive": {}, "after_sensitive": {"token": true}, "replace_paths": [["size"]],
                },
            },
            {
                "address": "attachment.x[3]", "mode": "managed", "type": "attachment", "name": "x", "index": 3,
                "change": {
                    "actions": ["create"],
                    "before": null, "after": {"shared": true, "volume": "volume.db"}, "after_unknown": {},
                    "before_sensitive": {}, "after_sensitive": {}, "replace_paths": [],
                },
            },
        ]);
        assert_eq!(json["resource_changes"], expected);
        assert_eq!(
            json["summary"],
            json!({"add": 2, "change": 0, "destroy": 1, "forget": 0, "import": 0, "layers": 0})
        );
        assert_eq!((&json["point_of_no_return"], &json["applyable"]), (&json!(0), &json!(true)));
        assert_eq!(json["steps"][0]["irreversible"], "data is gone");
        assert_eq!(serde_json::from_str::<Value>(&json.to_string()).unwrap(), json);
    }

    #[test]
    fn every_action_has_terraforms_word() {
        let of = |action| actions(&change("volume.db", action, Vec::new())).join("+");
        let all = [
            (ChangeAction::Create, "create"),
            (ChangeAction::Adopt, "import"),
            (ChangeAction::Update, "update"),
            (ChangeAction::Replace, "delete+create"),
            (ChangeAction::Restore, "update"),
            (ChangeAction::Destroy, "delete"),
            (ChangeAction::Forget, "forget"),
            (ChangeAction::Record, "no-op"),
        ];
        for (action, word) in all {
            assert_eq!(of(action), word);
        }
    }

    #[test]
    fn drift_and_outputs_say_what_changes_and_hide_what_is_sensitive() {
        let mut subject = new_plan(Vec::new(), Vec::new());
        subject.drift = vec![Drift {
            address: "volume.db".parse().unwrap(),
            what: "vanished from pool.fast".to_owned(),
            mended: false,
        }];
        let output = |value: Option<Value>, sensitive| OutputValue { value, sensitive };
        let outputs = OutputChanges {
            before: [("a".to_owned(), output(Some(json!(1)), false))].into(),
            after: [
                ("a".to_owned(), output(None, false)),
                ("s".to_owned(), output(Some(json!("secret")), true)),
            ]
            .into(),
        };
        let json = plan(&subject, &outputs).unwrap();
        let mut written = Vec::new();
        write(&subject, &outputs, &mut written).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), json);
        assert_eq!(drift_list(&subject.drift)["resource_drift"], json["resource_drift"]);
        assert_eq!(json["resource_drift"][0]["change"]["actions"], json!(["delete"]));
        assert_eq!(json["output_changes"]["a"]["actions"], json!(["update"]));
        assert_eq!(json["output_changes"]["a"]["after_unknown"], true);
        assert_eq!(json["output_changes"]["s"]["after_sensitive"], true);
        assert!(!json.to_string().contains("secret\""), "{json}");
    }
}
