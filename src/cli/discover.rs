//! `vbs discover`: what is in the pools and nobody's of this workspace, and how it could be adopted. Reads only, and
//! takes no lock.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::args::DiscoverArgs;
use super::blocks::Discovery;
use super::context::Context;
use super::plan::recorded_or_nothing;
use super::situation::{Question, Situation, containers, look, with_situation};
use super::workspace::Workspace;
use super::{runtime, show};
use crate::apply::Views;
use crate::diag::{Diagnostic, Diagnostics, one_of};
use crate::exit::{Exit, Failure};
use crate::model::{Address, ContainerView, Kind};
use crate::plan::world::Options;
use crate::ui::json::FORMAT_VERSION;
use crate::ui::{diagnostics, print, table};

pub fn discover(context: &mut Context, args: &DiscoverArgs) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let recorded = recorded_or_nothing(context, &workspace)?;
    let options = Options::default();
    let question = Question { variables: &args.variables, options: &options, chosen: &BTreeMap::new() };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        let pools = pools(situation, &args.pools)?;
        let views = look_only(situation, &pools)?;
        let discovery = Discovery::new(situation, &views, |_| true)?;
        let problems: Diagnostics = pools.iter().filter_map(|pool| unseen(pool, views.get(pool))).collect();
        if args.json {
            let mut report = report(&views, &discovery);
            report["diagnostics"] = diagnostics::to_json(&problems, &context.sources);
            print::data(&format!("{report}\n"))?;
        } else {
            print::data(&text(&discovery, &problems))?;
        }
        show(&problems, &context.sources, context.style);
        Ok(if problems.has_errors() { Exit::Error } else { Exit::Success })
    })
}

/// The pools that were asked for, or all of them.
///
/// # Errors
/// Every one that there is not.
fn pools(situation: &Situation<'_>, asked: &[Address]) -> Result<BTreeSet<Address>, Diagnostics> {
    let known = containers(&situation.resolved.desired, situation.recorded).into_keys();
    let known: BTreeSet<Address> = known.filter(|address| address.kind == Kind::Pool).cloned().collect();
    if asked.is_empty() {
        return Ok(known);
    }
    let unknown = asked.iter().filter(|pool| !known.contains(pool));
    let problems: Diagnostics = unknown
        .map(|pool| {
            let detail = format!("{pool} is neither declared nor in use; there is {}.", one_of(&known));
            Diagnostic::error("Unknown pool", detail)
        })
        .collect();
    if problems.has_errors() { Err(problems) } else { Ok(asked.iter().cloned().collect()) }
}

/// Looks at these containers and at no other: one round trip a host.
///
/// # Errors
/// Where a host has seen a newer state than this one.
pub fn look_only(situation: &Situation<'_>, wanted: &BTreeSet<Address>) -> Result<Views, Failure> {
    let (desired, recorded) = (&situation.resolved.desired, situation.recorded);
    let others = containers(desired, recorded).into_keys().filter(|address| !wanted.contains(address));
    let others: Vec<Address> = others.cloned().collect();
    runtime()?.block_on(look(desired, recorded, &others, &situation.hosts()))
}

/// Why a pool could not be looked at: what is in it is unknown, and not nothing.
pub fn unseen(pool: &Address, view: Option<&ContainerView>) -> Option<Diagnostic> {
    let why = match view {
        Some(ContainerView::Unsurveyed { why }) => why.as_str(),
        None => "it was not looked at",
        Some(ContainerView::Fresh { .. } | ContainerView::Present(_)) => return None,
    };
    Some(Diagnostic::error("Cannot be looked at", format!("{pool}: {why}\nWhat is in it is not known.")))
}

/// The table, and below it a block or a command for each that can be adopted.
fn text(discovery: &Discovery<'_>, problems: &Diagnostics) -> String {
    if discovery.found.is_empty() {
        // Where something could not be looked at, "nothing" would be a lie.
        let nothing = "Nothing was found that this workspace did not make.\n";
        return if problems.has_errors() { String::new() } else { nothing.to_owned() };
    }
    let mut text =
        table::strangers(discovery.found.iter().map(|(pool, stranger, _)| (*pool, *stranger))).render();
    for (_, stranger, proposal) in &discovery.found {
        match (proposal, &stranger.origin) {
            (Some(proposal), _) => {
                let declared = if proposal.block.is_some() { "" } else { "  # it is declared already" };
                text.push_str(&format!("\n# {}{declared}\n", proposal.command));
                for line in proposal.block.iter().flatten() {
                    text.push_str(&format!("{line}\n"));
                }
            }
            (None, Some(origin)) if stranger.why_not.is_none() => {
                let name = &stranger.name;
                text.push_str(&format!(
                    "\n# {name:?} can be adopted once {origin:?}, which it is a snapshot of, is.\n"
                ));
            }
            (None, _) => {}
        }
    }
    text
}

fn report(views: &Views, discovery: &Discovery<'_>) -> Value {
    let pools = views.iter().filter(|(address, _)| address.kind == Kind::Pool);
    let looked_at = |view: &ContainerView| !matches!(view, ContainerView::Unsurveyed { .. });
    let found = discovery.found.iter().map(|(pool, stranger, proposal)| {
        json!({
            "pool": pool,
            "name": stranger.name,
            "reference": stranger.reference,
            "kind": stranger.kind().word(),
            "size_bytes": stranger.size,
            "snapshot_of": stranger.origin,
            "in_use": stranger.open,
            "adoptable": stranger.why_not.is_none(),
            "why_not": stranger.why_not,
            "address": proposal.as_ref().map(|proposal| &proposal.address),
            "block": proposal.as_ref().and_then(|proposal| Some(proposal.block.as_ref()?.join("\n"))),
            "command": proposal.as_ref().map(|proposal| &proposal.command),
        })
    });
    json!({
        "format_version": FORMAT_VERSION,
        "pools": pools
            .map(|(address, view)| json!({"address": address, "looked_at": looked_at(view)}))
            .collect::<Value>(),
        "found": found.collect::<Value>(),
    })
}
