//! `--target` and `--exclude`: which addresses a run may change.
//!
//! A target brings what it needs with it, and what needs it when it is destroyed. An exclusion takes along what
//! depends on it and, when everything else is destroyed, what it needs. An address out of scope counts as its recorded
//! self.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::world::{Options, Scope, World, find_record};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::desired::{Route, Spec};
use crate::model::{Address, Body, Kind, TrashEntry};

/// The scope that the options ask for.
///
/// # Errors
/// Options that name nothing that is declared or recorded: a typing mistake must not widen a run.
pub fn scope(world: &World<'_>, options: &Options) -> Result<Scope, Diagnostics> {
    let named = [&options.targets, &options.excludes, &options.replace, &options.recreate];
    if named.iter().all(|list| list.is_empty()) {
        return Ok(Scope::Everything);
    }
    let graph = Dependencies::of(world);
    let mut problems = Diagnostics::new();
    for asked in
        options.targets.iter().chain(&options.excludes).chain(&options.replace).chain(&options.recreate)
    {
        if !graph.known.iter().any(|known| asked.covers(known)) {
            problems.push(unknown_address(asked, &graph.known));
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    if !options.targets.is_empty() {
        let chosen = graph.named(&options.targets);
        let mut reached = graph.closure(&chosen, &graph.needs);
        if options.destroy {
            reached = graph.closure(&chosen, &graph.needed_by);
        } else {
            let gone: BTreeSet<Address> =
                chosen.iter().filter(|a| !world.desired.resources.contains_key(*a)).cloned().collect();
            reached.extend(graph.closure(&gone, &graph.needed_by));
            let pointing = disks_of_moving(world, options, &reached);
            reached.extend(graph.closure(&pointing, &graph.needs));
        }
        return Ok(Scope::Only(reached));
    }
    if !options.excludes.is_empty() {
        let mut kept = graph.closure(&graph.named(&options.excludes), &graph.needed_by);
        if options.destroy {
            // What stays needs what it stands on.
            kept = graph.closure(&kept, &graph.needs);
        }
        return Ok(Scope::AllBut(kept));
    }
    Ok(Scope::Everything)
}

/// Disks that point to what gets another name or is replaced: left alone, they would point to nothing.
fn disks_of_moving(world: &World<'_>, options: &Options, reached: &BTreeSet<Address>) -> BTreeSet<Address> {
    let renamed = |address: &Address| {
        let recorded = find_record(world.records, address).and_then(|record| record.object.body.name());
        let wanted = world.desired.resources.get(address).map(|resource| match &resource.spec {
            Spec::Volume(volume) => volume.name.as_str(),
            Spec::Snapshot(snapshot) => snapshot.name.as_str(),
            Spec::Attachment(_) => "",
        });
        recorded.is_some() && wanted.is_some() && (recorded != wanted || options.replaces(address))
    };
    let disks = world.records.values().filter(|record| {
        matches!(&record.object.body, Body::Disk(disk)
            if reached.contains(&disk.source.address) && renamed(&disk.source.address))
    });
    disks.map(|record| record.object.key.address.clone()).collect()
}

fn unknown_address(asked: &Address, known: &BTreeSet<Address>) -> Diagnostic {
    let text = asked.to_string();
    let names: Vec<String> = known.iter().map(ToString::to_string).collect();
    let hint = crate::diag::did_you_mean(&text, names.iter().map(String::as_str)).map_or_else(
        || "`vbs state list` shows what there is.".to_owned(),
        |near| format!("Did you mean {near}?"),
    );
    Diagnostic::error(
        "Unknown address",
        format!("{text} is neither in the configuration nor in the state. {hint}"),
    )
}

/// Direct edges between addresses, containers and hosts among them.
struct Dependencies {
    known: BTreeSet<Address>,
    needs: BTreeMap<Address, Vec<Address>>,
    needed_by: BTreeMap<Address, Vec<Address>>,
}

impl Dependencies {
    fn of(world: &World<'_>) -> Self {
        let mut graph =
            Dependencies { known: BTreeSet::new(), needs: BTreeMap::new(), needed_by: BTreeMap::new() };
        let declared = world.desired.containers.iter().map(|(address, spec)| (address, &spec.host));
        let recorded = world.containers.iter().map(|(address, record)| (address, &record.spec.host));
        for (container, host) in declared.chain(recorded) {
            graph.edge(container, &Address::new(Kind::Host, &host.0));
        }
        for resource in world.desired.resources.values() {
            graph.known.insert(resource.address.clone());
            for needed in needs(&resource.spec).into_iter().chain(&resource.depends_on) {
                graph.edge(&resource.address, needed);
            }
        }
        for record in world.records.values() {
            let address = &record.object.key.address;
            graph.known.insert(address.clone());
            graph.edge(address, &record.object.container);
            for needed in
                record.object.body.source().map(|s| &s.address).into_iter().chain(&record.depends_on)
            {
                graph.edge(address, needed);
            }
        }
        graph
    }

    fn edge(&mut self, from: &Address, to: &Address) {
        self.known.insert(from.clone());
        self.known.insert(to.clone());
        self.needs.entry(from.clone()).or_default().push(to.clone());
        self.needed_by.entry(to.clone()).or_default().push(from.clone());
    }

    fn named(&self, asked: &[Address]) -> BTreeSet<Address> {
        self.known.iter().filter(|known| asked.iter().any(|a| a.covers(known))).cloned().collect()
    }

    fn closure(
        &self,
        from: &BTreeSet<Address>,
        edges: &BTreeMap<Address, Vec<Address>>,
    ) -> BTreeSet<Address> {
        let mut reached = from.clone();
        let mut open: Vec<Address> = from.iter().cloned().collect();
        while let Some(address) = open.pop() {
            for next in edges.get(&address).into_iter().flatten() {
                if reached.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        reached
    }
}

/// The addresses that a resource names in its own attributes.
pub fn needs(spec: &Spec) -> Vec<&Address> {
    match spec {
        Spec::Volume(volume) => std::iter::once(&volume.pool).chain(&volume.source).collect(),
        Spec::Snapshot(snapshot) => vec![&snapshot.pool, &snapshot.volume],
        Spec::Attachment(attachment) => {
            let way = match &attachment.route {
                Route::Direct => [None, None],
                Route::Network { target } => [Some(&target.export), None],
                Route::Session { target, initiator } => [Some(&target.export), Some(initiator)],
            };
            let ends = [Some(&attachment.hypervisor), Some(&attachment.source)];
            ends.into_iter().chain(way).flatten().collect()
        }
    }
}

/// The entries of the trash that `--purge` takes along: those of what the run is about, and no others.
pub fn purges(world: &World<'_>, options: &Options, scope: &Scope) -> BTreeSet<Uuid> {
    let meant = |entry: &&TrashEntry| {
        let (address, container) = (&entry.record.object.key.address, &entry.record.object.container);
        match scope {
            Scope::Everything => true,
            Scope::Only(_) => {
                options.targets.iter().any(|target| target.covers(address) || target == container)
            }
            Scope::AllBut(_) => scope.contains(address) && scope.contains(container),
        }
    };
    let all = world.trash.values().filter(|_| options.purge);
    all.filter(meant).map(|entry| entry.id).collect()
}
