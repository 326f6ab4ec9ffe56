//! A plan for people, as docs and `cli.md` show it. Written piece by piece, so that a plan with a hundred thousand
//! changes takes no more memory than one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::attributes;
use super::style::{Style, Tone};
use super::text::{about, count, harmless};
use crate::model::{Address, Kind};
use crate::plan::{ChangeAction, Drift, Mode, Plan, PoolUse, ResourceChange, Totals};

/// Shows the drift first, then the changes, then what they add up to.
///
/// # Errors
/// Those of `out`.
pub fn render(plan: &Plan, style: Style, out: &mut impl Write) -> io::Result<()> {
    render_beside(plan, false, style, out)
}

/// A plan that may have errors beside it. It is not to be run then, so how far it could be taken back is not said.
///
/// # Errors
/// Those of `out`.
pub fn render_beside(plan: &Plan, errors: bool, style: Style, out: &mut impl Write) -> io::Result<()> {
    if !plan.drift.is_empty() {
        drift(&plan.drift, style, out)?;
        writeln!(out)?;
    }
    if plan.is_empty() && plan.changes.is_empty() {
        let heading = if plan.selected { "No changes in what was selected." } else { "No changes." };
        return writeln!(out, "{} {}", style.paint(Tone::Heading, heading), why_nothing(plan));
    }
    writeln!(out, "vbs will perform the following actions:\n")?;
    let (resources, containers): (Vec<_>, Vec<_>) =
        plan.changes.iter().partition(|change| change.address.kind.is_resource() && change.layer.is_none());
    let (layers, containers): (Vec<&ResourceChange>, Vec<&ResourceChange>) =
        containers.into_iter().partition(|change| change.layer.is_some());
    let shown: BTreeSet<&Address> =
        resources.iter().map(|change: &&ResourceChange| &change.address).collect();
    for change in &containers {
        container(change, style, out)?;
    }
    let alone = |change: &&&ResourceChange| {
        change.layer.as_ref().is_some_and(|layer| !layer.serves.iter().any(|address| shown.contains(address)))
    };
    let mut lines = containers.len();
    for change in layers.iter().filter(alone) {
        layer(change, style, out)?;
        lines += 1;
    }
    if lines > 0 {
        writeln!(out)?;
    }
    let mut routes: BTreeMap<&Address, Vec<&ResourceChange>> = BTreeMap::new();
    for change in &layers {
        for address in change.layer.iter().flat_map(|layer| &layer.serves) {
            routes.entry(address).or_default().push(change);
        }
    }
    for change in resources {
        let route = routes.get(&change.address).map(Vec::as_slice).unwrap_or_default();
        resource(change, route, style, out)?;
    }
    writeln!(out, "{}", totals_line(plan.totals(), style))?;
    if !errors {
        writeln!(out, "{}", revertibility(plan))?;
    }
    for pool in plan.pools.iter().filter(|pool| pool.before != pool.after) {
        writeln!(out, "{}", pool_line(pool))?;
    }
    Ok(())
}

/// What `vbs drift` says.
///
/// # Errors
/// Those of `out`.
pub fn drift_report(found: &[Drift], style: Style, out: &mut impl Write) -> io::Result<()> {
    if found.is_empty() {
        let heading = style.paint(Tone::Heading, "No drift.");
        return writeln!(out, "{heading} Every recorded object is as it was recorded.");
    }
    drift(found, style, out)
}

/// The heading and one line for each object that is not as it was recorded.
fn drift(drift: &[Drift], style: Style, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}\n", style.paint(Tone::Heading, "Changed outside of vbs since the last apply:"))?;
    for item in drift {
        let address = item.address.to_string();
        let mended = if item.mended { " (this plan mends it)" } else { "" };
        writeln!(
            out,
            "  {} {} {}{mended}",
            style.paint(Tone::Change, "~"),
            harmless(&address),
            harmless(&item.what)
        )?;
    }
    Ok(())
}

fn why_nothing(plan: &Plan) -> &'static str {
    match plan.mode {
        Mode::Normal if plan.selected && !plan.looked => {
            "What is configured and recorded agrees there. No host was looked at, and what was left out may differ."
        }
        Mode::Normal if plan.selected && plan.drift.is_empty() => {
            "What is configured, recorded and found on the hosts agrees there; what was left out may differ."
        }
        Mode::Destroy if plan.selected => "There is nothing to destroy there; what was left out stays.",
        Mode::RefreshOnly if plan.selected => {
            "The state agrees with the hosts there; what was left out may differ."
        }
        Mode::Normal if !plan.looked => "What is configured and recorded agrees. No host was looked at.",
        Mode::Normal if plan.drift.is_empty() => {
            "What is configured, recorded and found on the hosts agrees."
        }
        Mode::Normal => "Nothing in the configuration asks for any; what is listed above is left as it is.",
        Mode::Destroy => "There is nothing to destroy.",
        Mode::RefreshOnly => "The state agrees with the hosts.",
        Mode::Trash => "Nothing in the trash is concerned.",
        Mode::Import => "There is nothing to adopt.",
    }
}

/// `Plan: 2 to add, 1 to change, 0 to destroy.`
pub fn totals_line(totals: Totals, style: Style) -> String {
    let forget = if totals.forget == 0 { String::new() } else { format!(", {} to forget", totals.forget) };
    let adopt = if totals.adopt == 0 { String::new() } else { format!("{} to adopt, ", totals.adopt) };
    let layers = match totals.layers {
        0 => String::new(),
        some => format!(", {} to put right", count(some, "layer")),
    };
    format!(
        "{} {adopt}{} to add, {} to change, {} to destroy{forget}{layers}.",
        style.paint(Tone::Heading, "Plan:"),
        totals.add,
        totals.change,
        totals.destroy
    )
}

/// How far the plan can be taken back.
pub fn revertibility(plan: &Plan) -> String {
    let total = plan.steps.len();
    let Some(first) = plan.point_of_no_return() else {
        return match total {
            0 => "Only the state changes; nothing is done on any host.".to_owned(),
            _ => "Every step can be reverted.".to_owned(),
        };
    };
    let title = lower_first(&plan.steps[first].title.to_string());
    let title = harmless(&title);
    match first {
        0 => format!("No step can be reverted. Point of no return: {title}."),
        _ => format!("Revertible up to step {first} of {total}. Point of no return: {title}."),
    }
}

/// `Pool fast: 34 GiB of 100 GiB used -> 64 GiB.`
pub fn pool_line(pool: &PoolUse) -> String {
    let (before, size, after) = (about(pool.before), about(pool.size), about(pool.after));
    let mut line = format!("Pool {}: {before} of {size} used -> {after}", pool.pool.label);
    for room in &pool.rooms {
        let (before, size, after) = (about(room.before), about(room.size), about(room.after));
        line.push_str(&format!("; {}: {before} of {size} -> at most {after}", room.what));
    }
    line + "."
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_lowercase().chain(chars).collect())
}

/// Pools and hypervisors are not declared to be made, only prepared: one line each.
fn container(change: &ResourceChange, style: Style, out: &mut impl Write) -> io::Result<()> {
    let what = match change.action {
        ChangeAction::Create => "will be prepared for use",
        ChangeAction::Destroy => "will be released",
        ChangeAction::Forget => "will be forgotten",
        ChangeAction::Update
        | ChangeAction::Replace
        | ChangeAction::Restore
        | ChangeAction::Adopt
        | ChangeAction::Record => "will be updated in the state",
    };
    let reason =
        if change.reason.is_empty() { String::new() } else { format!(" ({})", harmless(&change.reason)) };
    let symbol = symbol(change.action, style);
    writeln!(out, "{symbol} {} {what}{reason}", harmless(&change.address.to_string()))
}

/// A layer that is put right below disks that stay as they are.
fn layer(change: &ResourceChange, style: Style, out: &mut impl Write) -> io::Result<()> {
    let what = match change.action {
        ChangeAction::Create | ChangeAction::Adopt => "will be made",
        ChangeAction::Destroy => "will be removed",
        ChangeAction::Replace => "will be made anew",
        ChangeAction::Forget => "is gone and will be forgotten",
        ChangeAction::Update | ChangeAction::Restore => "will be put right",
        ChangeAction::Record => "will be updated in the state",
    };
    let reason =
        if change.reason.is_empty() { String::new() } else { format!(" ({})", harmless(&change.reason)) };
    let name = change.layer.as_ref().map(|layer| layer.name.as_str()).unwrap_or_default();
    let (symbol, address) = (symbol(change.action, style), change.address.to_string());
    writeln!(out, "{symbol} {}: {} {what}{reason}", harmless(&address), harmless(name))
}

/// What lies between the volume of an attachment and its disk, a line each.
fn route(route: &[&ResourceChange], style: Style, out: &mut impl Write) -> io::Result<()> {
    for change in route {
        let Some(layer) = &change.layer else { continue };
        let symbol = symbol(change.action, style);
        writeln!(out, "        {:<7} {} {}", layer.kind, symbol.trim_start(), harmless(&layer.what))?;
    }
    Ok(())
}

/// `# volume.db will be created`, the reason, and a block with the attributes.
fn resource(
    change: &ResourceChange,
    layers: &[&ResourceChange],
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    let address = change.address.to_string();
    let heading = format!("# {}", heading(change, &address));
    writeln!(out, "  {}", style.paint(Tone::Heading, &harmless(&heading)))?;
    if let (Some(from), false) = (&change.previous_address, is_move(change)) {
        writeln!(out, "  # moved from {}", harmless(&from.to_string()))?;
    }
    if !change.reason.is_empty() && !says_source(change) {
        writeln!(out, "  # {}", harmless(&change.reason))?;
    }
    let Address { kind, label, .. } = &change.address;
    write!(out, "{} {kind} \"{}\"", symbol(change.action, style), harmless(label))?;
    if change.attributes.is_empty() && change.unchanged_attributes == 0 && layers.is_empty() {
        return writeln!(out, "\n");
    }
    writeln!(out, " {{")?;
    attributes::render(&change.attributes, style, out)?;
    route(layers, style, out)?;
    if change.unchanged_attributes > 0 {
        let hidden = count(change.unchanged_attributes, "unchanged attribute");
        writeln!(out, "        {}", style.paint(Tone::Faint, &format!("# ({hidden} hidden)")))?;
    }
    writeln!(out, "    }}\n")
}

fn heading(change: &ResourceChange, address: &str) -> String {
    match change.action {
        ChangeAction::Create => format!("{address} will be created"),
        ChangeAction::Update if grows(change) => format!("{address} will grow in place"),
        ChangeAction::Update => format!("{address} will be updated in place"),
        ChangeAction::Replace => format!("{address} must be replaced"),
        ChangeAction::Restore if says_source(change) => {
            format!("{address} will be restored {}", change.reason)
        }
        ChangeAction::Restore => format!("{address} will be restored"),
        ChangeAction::Adopt => format!("{address} will be adopted"),
        ChangeAction::Destroy => format!("{address} will be destroyed"),
        ChangeAction::Forget => format!("{address} will be forgotten"),
        ChangeAction::Record => match &change.previous_address {
            Some(from) => format!("{from} has moved to {address}"),
            None => format!("{address} will be updated in the state only"),
        },
    }
}

fn is_move(change: &ResourceChange) -> bool {
    change.action == ChangeAction::Record && change.previous_address.is_some()
}

/// A volume that keeps everything but its size; it never shrinks in place.
fn grows(change: &ResourceChange) -> bool {
    change.address.kind == Kind::Volume
        && matches!(change.attributes.as_slice(), [only] if only.name == "size" && only.before.is_some() && only.after.is_some())
}

/// A restore in place gives what it restores from as its reason: `from snapshot.before`.
fn says_source(change: &ResourceChange) -> bool {
    change.action == ChangeAction::Restore && change.reason.starts_with("from ")
}

/// Three columns wide, so that blocks begin in one column: `  +`, `-/+`.
fn symbol(action: ChangeAction, style: Style) -> String {
    let plain = action.symbol();
    let painted = match action {
        ChangeAction::Create | ChangeAction::Adopt => style.paint(Tone::Add, plain),
        ChangeAction::Update | ChangeAction::Restore | ChangeAction::Record => {
            style.paint(Tone::Change, plain)
        }
        ChangeAction::Replace => {
            format!("{}/{}", style.paint(Tone::Destroy, "-"), style.paint(Tone::Add, "+"))
        }
        ChangeAction::Destroy => style.paint(Tone::Destroy, plain),
        ChangeAction::Forget => style.paint(Tone::Faint, plain),
    };
    format!("{}{painted}", " ".repeat(3_usize.saturating_sub(plain.len())))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(in crate::ui) mod tests;
