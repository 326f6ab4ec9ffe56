//! From declarations to what is asked for: every expression evaluated, every reference followed, every rule held.
//!
//! Nothing is ordered beforehand. Each local, block and instance is worked out when it is first asked for: an
//! evaluation that meets something not worked out yet goes on with unknown values, so that it names everything it
//! lacks at once, and is done again when that is there. What is waited for is kept on a stack, not on the call
//! stack, so long chains are no danger, and a thing that waits for itself is a cycle whose every member is known.

mod arguments;
mod attributes;
mod containers;
mod deferred;
mod instances;
mod mentions;
mod names;
mod resources;
mod rules;
mod solve;
mod variables;
mod world;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::declare::Declared;
use super::eval::Limits;
use super::inputs::Inputs;
use crate::diag::{Diagnostics, SourceMap};
use crate::model::desired::{Desired, Route, Spec};
use crate::model::schema::ProviderSchema;
use crate::model::{Address, ContainerSpec, HostName, Kind};
use world::{Entry, Node, World};

pub use deferred::{Deferred, OutputValue};
pub use names::Survey;

/// What is chosen once for an address and recorded: never derived again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub id: Uuid,
    /// Recorded; a new volume's is the text of its id.
    pub serial: Option<String>,
    /// Recorded: the name of a volume or snapshot in its pool; the device of an attachment.
    pub name: Option<String>,
    /// Recorded: the pool or hypervisor that holds it. A recorded name is good in that one only.
    pub container: Option<Address>,
}

impl Identity {
    /// For an address that is not recorded.
    pub fn new(id: Uuid) -> Self {
        Identity { id, serial: None, name: None, container: None }
    }
}

/// Where identities come from: the state, or chance.
pub trait Identities {
    /// The recorded identity of an address, or a new one. Asked once for each address.
    fn of(&mut self, address: &Address) -> Identity;
}

/// A configuration without open questions, but for what only a look at the hosts can tell.
pub struct Resolved<'a> {
    pub desired: Desired,
    pub deferred: Deferred<'a>,
}

/// Works out everything that is declared. Nothing of it may be acted on while there are errors.
pub fn resolve<'a>(
    declared: &'a Declared,
    sources: &'a SourceMap,
    schemas: &'a [ProviderSchema],
    inputs: &Inputs,
    identities: &mut dyn Identities,
) -> (Resolved<'a>, Diagnostics) {
    let mut diagnostics = inputs.unknown(declared, sources);
    let mut world = World {
        declared,
        sources,
        schemas,
        workspace: declared.settings().name.clone().unwrap_or_else(|| inputs.workspace_name.clone()),
        directory: inputs.workspace_directory.clone(),
        limits: Limits::default(),
        variables: BTreeMap::new(),
        locals: BTreeMap::new(),
        surveyed_locals: Vec::new(),
        instances: BTreeMap::new(),
        total_instances: 0,
        entries: BTreeMap::new(),
        whole: BTreeSet::new(),
    };
    if declared.has_syntax_errors || inputs.has_syntax_errors {
        // Everything that mentions what could not be read would be reported as wrong.
        let desired = desired(&world);
        return (Resolved { desired, deferred: Deferred::new(world) }, Diagnostics::new());
    }
    variables::evaluate(&mut world, inputs, &mut diagnostics);
    let identities = RefCell::new(identities);
    let identify = |address: &Address| identities.borrow_mut().of(address);
    solve::all(&mut world, &identify, &mut diagnostics);
    rules::check(&world, &mut diagnostics);
    let mut desired = desired(&world);
    rules::name_instances(&world, &mut desired, &mut diagnostics);
    let deferred = Deferred::new(world);
    // Outputs are evaluated once without a look, so that their errors are found before anything is done.
    let (_, problems) = deferred.evaluate(&|_, _| None, &|_| false);
    diagnostics.extend(problems.into_iter().filter(|problem| problem.summary != deferred::CONDITION_FAILED));
    let mut diagnostics = names::unreported(diagnostics);
    mentions::check(declared, &mut diagnostics);
    deferred.dependencies(&mut diagnostics);
    diagnostics.sort();
    (Resolved { desired, deferred }, diagnostics)
}

/// Every node that must be worked out, containers first.
fn goals(declared: &Declared) -> Vec<Node> {
    let locals = declared.locals.keys().map(|name| Node::Local(name.clone()));
    let mut goals: Vec<Node> = Vec::new();
    let of = |wanted: fn(Kind) -> bool| declared.blocks.keys().filter(move |address| wanted(address.kind));
    goals.extend(of(|kind| !kind.is_resource()).map(|address| Node::Object(address.clone())));
    goals.extend(of(Kind::is_resource).map(|address| Node::Whole(address.clone())));
    goals.extend(locals);
    goals
}

fn desired(world: &World<'_>) -> Desired {
    let settings = world.declared.settings();
    let mut desired = Desired {
        workspace: world.workspace.clone(),
        trash_retention_seconds: settings.trash_retention_seconds,
        ..Desired::default()
    };
    for (address, entry) in &world.entries {
        match entry {
            Entry::Host(host) => {
                desired.hosts.insert(host.name.clone(), host.clone());
            }
            Entry::Container(container) => {
                desired.containers.insert(address.clone(), container.clone());
            }
            Entry::Resource(resolution) => {
                desired.resources.insert(address.clone(), resolution.resource.clone());
            }
            Entry::Failed => {}
        }
    }
    keep_used_exports(world, &mut desired);
    desired
}

/// Exports and initiators are there for attachments: those that none goes through are not even looked at.
fn keep_used_exports(world: &World<'_>, desired: &mut Desired) {
    let mut used = BTreeSet::new();
    let mut initiators = Vec::new();
    for resource in desired.resources.values() {
        let Spec::Attachment(spec) = &resource.spec else { continue };
        match &spec.route {
            Route::Direct => {}
            Route::Network { target } => {
                used.insert(target.export.clone());
            }
            Route::Session { target, initiator } => {
                used.insert(target.export.clone());
                let host = HostName(initiator.label.to_string());
                let spec = ContainerSpec::initiator(initiator.clone(), host);
                let schema = world.schemas.iter().find(|schema| schema.role == Kind::Initiator);
                initiators.push(schema.map_or(spec.clone(), |schema| schema.seated(spec)));
            }
        }
    }
    desired.containers.retain(|address, _| address.kind != Kind::Export || used.contains(address));
    desired.containers.extend(initiators.into_iter().map(|spec| (spec.address.clone(), spec)));
}
