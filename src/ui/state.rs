//! The state for people, and records, live objects and trash as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::json::{FORMAT_VERSION, resource};
use super::output::{OutputValue, human};
use super::table;
use super::text::{count, harmless, width};
use crate::model::{ContainerRecord, Observed, Record, Setting, TrashEntry};
use crate::plan::present::attributes;
use crate::state::Recorded;

/// Everything that is recorded: `vbs show`.
pub fn render(
    recorded: &Recorded,
    outputs: &BTreeMap<String, OutputValue>,
    now: i64,
    retention: Option<u64>,
) -> String {
    let mut out = format!(
        "Workspace {}: {} recorded, {} in the trash.\n",
        harmless(&recorded.workspace),
        count(recorded.records.len(), "object"),
        recorded.trash.len()
    );
    for one in recorded.records.values() {
        out.push('\n');
        out.push_str(&record(one));
    }
    if !recorded.trash.is_empty() {
        out.push_str("\nTrash:\n\n");
        out.push_str(&table::trash(recorded.trash.values(), now, retention).render());
    }
    if !outputs.is_empty() {
        out.push_str("\nOutputs:\n\n");
        out.push_str(&human(outputs));
    }
    out
}

/// One record: its address, and its attributes below.
pub fn record(record: &Record) -> String {
    let mut lines = vec![("id".to_owned(), record.object.id.to_string())];
    lines.extend(attributes(record).into_iter().map(|(name, value)| (name.to_string(), value.to_string())));
    block(&record.object.key.shown(), lines)
}

/// A pool or hypervisor, as [`record`].
pub fn container(record: &ContainerRecord) -> String {
    let ContainerRecord { spec, identity, .. } = record;
    let mut lines = vec![
        ("identity".to_owned(), identity.to_string()),
        ("provider".to_owned(), spec.provider.clone()),
        ("host".to_owned(), spec.host.to_string()),
    ];
    lines.extend(spec.settings.iter().map(|(name, value)| {
        let shown = match value {
            Setting::Bool(flag) => flag.to_string(),
            Setting::Text(text) => format!("{text:?}"),
            Setting::List(list) => format!("{list:?}"),
            Setting::Lists(lists) => format!("{lists:?}"),
            Setting::Login(login) => format!("user {:?}", login.user),
        };
        (name.clone(), shown)
    }));
    block(&spec.address.to_string(), lines)
}

fn block(title: &str, lines: Vec<(String, String)>) -> String {
    let widest = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let mut out = format!("{}\n", harmless(title));
    for (name, value) in lines {
        let padding = " ".repeat(widest - width(&name));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {}{padding} = {}", harmless(&name), harmless(&value));
    }
    out
}

/// The whole state for `vbs show --json`. Sensitive outputs are named and not shown: `vbs output --json` shows them.
pub fn to_json(recorded: &Recorded, outputs: &BTreeMap<String, OutputValue>) -> Value {
    let shown = |output: &OutputValue| json!({"sensitive": output.sensitive, "value": output.value.as_ref().filter(|_| !output.sensitive)});
    json!({
        "format_version": FORMAT_VERSION,
        "vbs_version": env!("CARGO_PKG_VERSION"),
        "workspace": recorded.workspace,
        "lineage": recorded.lineage,
        "serial": recorded.serial,
        "epoch": recorded.epoch,
        "open_run": recorded.open_run,
        "resources": recorded.records.values().map(record_json).collect::<Value>(),
        "containers": recorded.containers.values().map(container_json).collect::<Value>(),
        "trash": TrashEntry::newest_first(recorded.trash.values()).into_iter().map(trash_json).collect::<Value>(),
        "outputs": outputs.iter().map(|(name, output)| (name.clone(), shown(output))).collect::<Map<_, _>>(),
    })
}

/// One record, with the keys of Terraform's resources where they agree.
pub fn record_json(record: &Record) -> Value {
    let Record { object, prevent_destroy, on_destroy, labels, depends_on } = record;
    let mut json = resource(&object.key.address);
    if let Some(layer) = object.key.layer() {
        json.insert("layer".to_owned(), json!(layer));
    }
    json.insert("id".to_owned(), json!(object.id));
    json.insert("container".to_owned(), json!(object.container));
    json.insert("values".to_owned(), facts_json(object.body.facts()));
    json.insert("source".to_owned(), json!(object.body.source().map(|source| &source.address)));
    json.insert("labels".to_owned(), json!(labels));
    json.insert("prevent_destroy".to_owned(), json!(prevent_destroy));
    json.insert("on_destroy".to_owned(), json!(on_destroy));
    json.insert("depends_on".to_owned(), json!(depends_on));
    Value::Object(json)
}

pub fn trash_json(entry: &TrashEntry) -> Value {
    json!({
        "id": entry.id,
        "trashed_at": entry.trashed_at,
        "purge": entry.purge,
        "was": record_json(&entry.record),
    })
}

/// One object as it was found on its host.
pub fn observed_json(observed: &Observed) -> Value {
    json!({
        "values": facts_json(observed.facts()),
        "in_use": observed.open,
        "notes": observed.notes,
    })
}

pub fn container_json(record: &ContainerRecord) -> Value {
    let ContainerRecord { spec, identity, makes } = record;
    json!({
        "address": spec.address,
        "provider": spec.provider,
        "host": spec.host,
        "settings": spec.settings,
        "identity": identity,
        "makes": makes,
    })
}

/// Facts as they are compared; sizes are numbers of bytes.
fn facts_json(facts: BTreeMap<&'static str, String>) -> Value {
    let entries = facts.into_iter().map(|(name, text)| match (name, text.parse::<u64>()) {
        ("size", Ok(bytes)) => ("size_bytes".to_owned(), json!(bytes)),
        _ => (name.to_owned(), json!(text)),
    });
    Value::Object(entries.collect())
}
