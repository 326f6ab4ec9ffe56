//! Changes as people see them: attributes before and after.

use std::borrow::Cow;

use super::diff::{Change, Decision};
use super::{AttributeChange, ChangeAction, ResourceChange, Shown};
use crate::model::{Access, Body, Bus, OnDestroy, Record};

/// The row of the plan for one change.
pub fn resource_change(change: &Change) -> ResourceChange {
    let action = match change.decision {
        Decision::Create => ChangeAction::Create,
        Decision::Update => ChangeAction::Update,
        Decision::Replace => ChangeAction::Replace,
        Decision::Restore { .. } => ChangeAction::Restore,
        Decision::Destroy => ChangeAction::Destroy,
        Decision::Forget => ChangeAction::Forget,
        Decision::Record => ChangeAction::Record,
    };
    let before = match change.decision {
        Decision::Create => Vec::new(),
        _ => change.before.as_ref().map(|record| attributes(&as_found(record, change))).unwrap_or_default(),
    };
    let after = match change.decision {
        Decision::Destroy | Decision::Forget => Vec::new(),
        Decision::Restore { .. } => before.clone(),
        _ => change.after.as_deref().map(attributes).unwrap_or_default(),
    };
    let (attributes, unchanged_attributes) = merge(&before, &after, &change.forcing);
    ResourceChange {
        address: change.key.address.clone(),
        layer: None,
        previous_address: None,
        action,
        reason: change.reason.clone(),
        attributes,
        unchanged_attributes,
    }
}

/// The record with what the host really shows, so that mending drift reads `5 GiB -> 10 GiB`.
fn as_found(record: &Record, change: &Change) -> Record {
    let mut found = record.clone();
    if let Some(live) = &change.live {
        found.object.body = super::compare::accepted(&record.object.body, &live.body);
    }
    found
}

fn text(value: &str) -> Shown {
    Shown::Text(value.to_owned())
}

fn bare(value: impl ToString) -> Shown {
    Shown::Bare(value.to_string())
}

/// Every attribute that says something, in the order of the language's tables.
pub fn attributes(record: &Record) -> Vec<(Cow<'static, str>, Shown)> {
    let mut list: Vec<(Cow<'static, str>, Shown)> = Vec::new();
    let mut add = |name: &'static str, value: Shown| list.push((Cow::Borrowed(name), value));
    match &record.object.body {
        Body::Container(_) => {}
        Body::Volume(volume) => {
            add("pool", bare(&record.object.container));
            add("size", text(&volume.size.to_string()));
            if let Some(source) = &volume.source {
                add("source", bare(&source.address));
            }
            add("name", text(&volume.name));
            if record.on_destroy == OnDestroy::Purge {
                add("on_destroy", text(record.on_destroy.word()));
            }
        }
        Body::Snapshot(snapshot) => {
            add("volume", bare(&snapshot.origin.address));
            add("size", text(&snapshot.size.to_string()));
            add("name", text(&snapshot.name));
        }
        Body::Disk(disk) => {
            add(disk.source.address.kind.word(), bare(&disk.source.address));
            add("hypervisor", bare(&record.object.container));
            add("vm", text(&disk.vm));
            add("device", text(&disk.device));
            if disk.network.is_none() {
                add("path", text(&disk.host_path));
            }
            if disk.bus != Bus::Virtio {
                add("bus", text(disk.bus.word()));
            }
            if disk.access != Access::ReadWrite {
                add("access", text(disk.access.word()));
            }
            if disk.shared {
                add("shared", bare(true));
            }
        }
        // What is on the way to a disk has a line of its own.
        Body::Export(export) => add("target", text(&export.target)),
        Body::Grant(grant) => add("initiator", text(&grant.initiator)),
        Body::Session(session) => add("target", text(&session.target)),
    }
    if record.prevent_destroy {
        add("prevent_destroy", bare(true));
    }
    if !record.depends_on.is_empty() {
        let needed: Vec<String> = record.depends_on.iter().map(ToString::to_string).collect();
        add("depends_on", bare(format!("[{}]", needed.join(", "))));
    }
    let labels =
        record.labels.iter().map(|(name, value)| (Cow::Owned(format!("labels.{name}")), text(value)));
    list.extend(labels);
    list
}

fn merge(
    before: &[(Cow<'static, str>, Shown)],
    after: &[(Cow<'static, str>, Shown)],
    forcing: &[&'static str],
) -> (Vec<AttributeChange>, usize) {
    let find = |list: &[(Cow<'static, str>, Shown)], name: &str| {
        list.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    };
    let names = after
        .iter()
        .chain(before.iter().filter(|(name, _)| find(after, name).is_none()))
        .map(|(name, _)| name);
    let mut changed = Vec::new();
    let mut unchanged = 0;
    for name in names {
        let (before, after) = (find(before, name), find(after, name));
        if before == after {
            unchanged += 1;
            continue;
        }
        let forces_replacement = forcing.contains(&&**name);
        changed.push(AttributeChange { name: name.clone(), before, after, forces_replacement });
    }
    (changed, unchanged)
}
