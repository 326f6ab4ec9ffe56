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
use crate::model::desired::Desired;
use crate::model::schema::ProviderSchema;
use crate::model::{Address, Kind};
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
        let desired = desired(&world, inputs);
        return (Resolved { desired, deferred: Deferred::new(world) }, Diagnostics::new());
    }
    variables::evaluate(&mut world, inputs, &mut diagnostics);
    let identities = RefCell::new(identities);
    let identify = |address: &Address| identities.borrow_mut().of(address);
    solve::all(&mut world, &identify, &mut diagnostics);
    rules::check(&world, &mut diagnostics);
    let mut desired = desired(&world, inputs);
    rules::name_instances(&world, &mut desired, &mut diagnostics);
    let deferred = Deferred::new(world);
    // Outputs are evaluated once without a look, so that their errors are found before anything is done.
    let (_, problems) = deferred.evaluate(&|_, _| None);
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

fn desired(world: &World<'_>, inputs: &Inputs) -> Desired {
    let settings = world.declared.settings();
    let mut desired = Desired {
        workspace: settings.name.clone().unwrap_or_else(|| inputs.workspace_name.clone()),
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
    desired
}
