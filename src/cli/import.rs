//! `vbs import`: something that exists already becomes a declared volume or snapshot of this workspace, as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::args::ImportArgs;
use super::blocks::{Discovery, block_of, command};
use super::context::Context;
use super::discover::{look_only, unseen};
use super::identities::fresh;
use super::situation::{Question, Situation, containers, nothing_recorded, refuse_open_run, with_situation};
use super::workspace::Workspace;
use super::{apply, held_if_any, reach, runtime, show};
use crate::apply::{Outcome, Views};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};
use crate::exit::{Exit, Failure};
use crate::model::{Address, ContainerSpec, ContainerView, Kind, ObjectKey, Record, Setting, Stranger};
use crate::plan::adopt::adopt;
use crate::plan::lower::{lower, part_of};
use crate::plan::world::{Options, find_record};
use crate::state::{RunKind, Store};
use crate::ui::{self, print};

pub fn import(context: &mut Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let (_lock, store) = held_if_any(context, &workspace)?;
    let recorded = store.as_ref().map_or_else(|| Ok(nothing_recorded(&workspace.name)), Store::snapshot)?;
    refuse_open_run(&recorded)?;
    let options = Options::default();
    let question = Question { variables: &args.variables, options: &options, chosen: &BTreeMap::new() };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        refuse_unfit(situation, &args.address)?;
        let Some(wanted) = declared(situation, &args.address)? else {
            return Err(undeclared(situation, args)?.into());
        };
        let pool = &wanted.object.container;
        let views = look_only(situation, &BTreeSet::from([pool.clone()]))?;
        let found = find(situation, &views, &wanted, &args.id)?;
        let mut plan = adopt(&situation.world(&views), &wanted, found, &mut fresh)?;
        reach::write_into(&mut plan, &situation.known_hosts());
        if !context.quiet || !args.run.auto_approve {
            print::to_stdout(|out| ui::plan::render(&plan, context.style, &mut { out }))?;
        }
        show(&situation.warnings, &context.sources, context.style);
        if !args.run.auto_approve
            && !print::confirm("\nDo you want to adopt it? From then on this workspace manages it.")?
        {
            return Err(Diagnostic::error("Cancelled", "It was not approved. Nothing was changed.").into());
        }
        let made = || Store::create(&workspace.state_path, &workspace.name, recorded.lineage);
        let mut store = store.map_or_else(made, Ok)?;
        let outcome = apply::run(context, situation, &mut store, &plan, RunKind::Import, &args.run, false)?;
        if outcome == Outcome::Applied {
            print::tell(&format!(
                "\n{} is adopted. `vbs plan` shows whether anything of it differs.\n",
                args.address
            ));
        }
        Ok(outcome.exit())
    })
}

/// What the state and the address alone can tell.
fn refuse_unfit(situation: &Situation<'_>, address: &Address) -> Result<(), Diagnostic> {
    let refuse = |detail: String| Err(Diagnostic::error("Cannot be adopted there", detail));
    if address.kind == Kind::Attachment {
        return refuse(format!(
            "{address} is an attachment. Only volumes and snapshots are adopted; apply makes disks."
        ));
    }
    // Also under the address that it had before a `moved` block that was not applied yet.
    let known = [&situation.recorded.records, &situation.moved.records];
    match known.into_iter().find_map(|records| find_record(records, address)) {
        Some(record) => refuse(format!(
            "The state has another {address} already ({:?} in {}), and one of the two would be forgotten. Declare what is \
             to be adopted under an address of its own.",
            record.object.body.name().unwrap_or_default(),
            record.object.container
        )),
        None => Ok(()),
    }
}

/// What the block asks for; nothing where there is no such block or instance.
fn declared(situation: &Situation<'_>, address: &Address) -> Result<Option<Record>, Diagnostic> {
    let desired = &situation.resolved.desired;
    let Some(resource) = desired.resources.get(address) else { return Ok(None) };
    let key = ObjectKey::new(address.clone(), part_of(&resource.spec));
    Ok(lower(desired)?.get(&key).map(|record| Record::clone(record)))
}

/// The one thing in the pool that `id` means.
fn find<'v>(
    situation: &Situation<'_>,
    views: &'v Views,
    wanted: &Record,
    id: &str,
) -> Result<&'v Stranger, Diagnostic> {
    let (pool, address) = (&wanted.object.container, &wanted.object.key.address);
    if let Some(problem) = unseen(pool, views.get(pool)) {
        return Err(problem);
    }
    let Some(view) = views.get(pool) else {
        return Err(Diagnostic::bug(format!("{pool} was not looked at")));
    };
    let spec = containers(&situation.resolved.desired, situation.recorded).remove(pool);
    let strangers = view.strangers();
    let means = |stranger: &&Stranger| spec.is_some_and(|spec| is_meant(spec, stranger, id));
    if let Some(found) = strangers.iter().find(means) {
        return Ok(found);
    }
    if let Some(problem) = ours(situation, view, pool, id) {
        return Err(problem);
    }
    let names: Vec<&str> = strangers.iter().map(|stranger| stranger.name.as_str()).collect();
    let near = did_you_mean(id, names.iter().copied())
        .map_or_else(String::new, |near| format!(" Did you mean {near:?}?"));
    let detail = format!(
        "Nothing in {pool}, where {address} is declared, is called {id:?}.{near} `vbs discover {pool}` lists what could be \
         adopted there."
    );
    Err(Diagnostic::error("Nothing there to adopt", detail))
}

/// A name, a reference, or a name behind what the pool's block calls the place: its volume group, its directory.
fn is_meant(spec: &ContainerSpec, stranger: &Stranger, id: &str) -> bool {
    let behind = |setting: &Setting| match setting {
        Setting::Text(place) => {
            let id = id.strip_prefix("/dev/").unwrap_or(id);
            let rest = id.strip_prefix(place.as_str()).and_then(|rest| rest.strip_prefix('/'));
            rest == Some(&stranger.name)
        }
        Setting::Bool(_) | Setting::List(_) | Setting::Lists(_) | Setting::Login(_) => false,
    };
    let reference = !stranger.reference.is_empty() && stranger.reference == id;
    stranger.name == id || reference || spec.settings.values().any(behind)
}

/// What has this name and is this workspace's already.
fn ours(situation: &Situation<'_>, view: &ContainerView, pool: &Address, id: &str) -> Option<Diagnostic> {
    let ContainerView::Present(surveyed) = view else { return None };
    let lineage = situation.recorded.lineage;
    let mut own = surveyed.objects.iter().filter(|object| object.mark.lineage == lineage);
    let object = own.find(|object| object.body.name() == Some(id))?;
    let records = situation.moved.records.values();
    let recorded = records.into_iter().find(|record| record.object.id == object.mark.id);
    let detail = match recorded {
        Some(record) => format!(
            "{id:?} in {pool} is this workspace's already: it is {} (id {}). To give it another address use a `moved` \
             block or `vbs state mv`.",
            record.object.key.address, object.mark.id
        ),
        None => format!(
            "{id:?} in {pool} is marked as this workspace's {} (id {}), and the state does not know it. `vbs state \
             rebuild` takes it in.",
            object.mark.address, object.mark.id
        ),
    };
    Some(Diagnostic::error("Ours already", detail))
}

/// What would have to be declared first. Every pool is looked at: nothing says in which one it is.
fn undeclared(situation: &Situation<'_>, args: &ImportArgs) -> Result<Diagnostics, Failure> {
    let to = &args.address;
    let views = runtime()?.block_on(situation.look(&situation.hosts()))?;
    let specs = containers(&situation.resolved.desired, situation.recorded);
    let discovery = Discovery::new(situation, &views, |_| true)?;
    let fits = |(pool, stranger): (&Address, &Stranger)| {
        stranger.kind() == to.kind
            && stranger.why_not.is_none()
            && specs.get(pool).is_some_and(|spec| is_meant(spec, stranger, &args.id))
    };
    let mut fitting = discovery.found.iter().filter(|(pool, stranger, _)| fits((pool, stranger)));
    let block = situation.resolved.desired.resources.keys().any(|known| known.block() == to.block());
    let (why, add) = if block {
        (
            format!("The block of {to} is declared and has no such instance"),
            "Add the key to its for_each or count. On its own it would be:",
        )
    } else {
        (format!("{to} is not declared"), "Add this block, and import again:")
    };
    let mut problems: Diagnostics = views
        .iter()
        .filter(|(address, _)| address.kind == Kind::Pool)
        .filter_map(|(p, v)| unseen(p, Some(v)))
        .collect();
    let found = fitting.next();
    let Some((pool, stranger, _)) = found else {
        let detail = format!(
            "{why}, and no pool that could be looked at has a {} called {:?} that could be adopted. `vbs discover` lists \
             what there is and why not.",
            to.kind, args.id
        );
        problems.push(Diagnostic::error("Not declared", detail));
        return Ok(problems);
    };
    let origin = origin_of(&discovery, situation, pool, stranger);
    if stranger.origin.is_some() && origin.is_none() {
        let detail = format!(
            "{why}, and neither is the volume {:?} in {pool} that {:?} is a snapshot of. Adopt that first: `vbs discover` \
             shows how.",
            stranger.origin.as_deref().unwrap_or_default(),
            stranger.name
        );
        problems.push(Diagnostic::error("Not declared", detail));
        return Ok(problems);
    }
    let another = fitting.next().map_or_else(String::new, |(other, ..)| {
        format!(" ({other} has one of that name too; this is for the one in {pool}.)")
    });
    let detail = format!("{why}, so nothing says what is to become of {:?}.{another} {add}", args.id);
    let lines = block_of(to, pool, origin.as_ref(), stranger);
    let problem = lines.into_iter().fold(Diagnostic::error("Not declared", detail), Diagnostic::literal);
    problems.push(problem.literal(String::new()).literal(command(to, stranger)));
    Ok(problems)
}

/// The address of the volume that it is a snapshot of.
fn origin_of(
    discovery: &Discovery<'_>,
    situation: &Situation<'_>,
    pool: &Address,
    stranger: &Stranger,
) -> Option<Address> {
    let origin = stranger.origin.as_deref()?;
    let is_it =
        |record: &&Record| record.object.container == *pool && record.object.body.name() == Some(origin);
    let recorded =
        situation.moved.records.values().find(is_it).map(|record| record.object.key.address.clone());
    recorded.or_else(|| {
        let proposed = discovery.found.iter().find(|(at, one, _)| *at == pool && one.name == origin);
        proposed.and_then(|(.., proposal)| Some(proposal.as_ref()?.address.clone()))
    })
}
