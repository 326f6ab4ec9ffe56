//! Storage knowledge, pure: providers say what to ask a host, read the answers, and turn requests into steps.
//! They have no host handle, no clock and no file system.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::command::{Action, Answer, Frame, GuardDirectory, Query, Verb};
use crate::model::observed::Capacity;
use crate::model::schema::{ProviderSchema, Traits};
use crate::model::{Address, Body, ContainerSpec, ContainerView, Kind, Object, Record};
use crate::plan::step::{Request, Step};
use needs::{Danger, Needs};

pub mod command;
#[cfg(test)]
mod conformance;
pub mod directory;
pub mod file;
pub mod iscsi;
pub mod libvirt;
pub mod lio;
pub mod lvm;
pub mod needs;
pub mod open_iscsi;
pub mod probe;
pub mod qemu;
pub mod seat;
pub mod store;
pub mod tgt;
pub mod xen;

/// One container to be surveyed.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub container: &'a ContainerSpec,
    /// What the state remembers of it; another identity is never taken for it.
    pub identity: Option<Uuid>,
    pub lineage: Uuid,
    /// The names that the configuration wants there, so that foreign things in the way are seen.
    pub wanted: &'a BTreeSet<String>,
}

/// What reading the answers led to.
#[expect(clippy::large_enum_variant, reason = "one for each container, moved once and never kept")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    Done(ContainerView),
    /// More questions, answered in the next round trip.
    Ask(Vec<Query>),
}

pub trait Provider: Sync {
    fn schema(&self) -> ProviderSchema;

    /// Every script that this provider ever runs on a host.
    fn verbs(&self) -> &'static [Verb];

    /// Where the guard of a container lies on its host.
    fn guard(&self, container: &ContainerSpec) -> GuardDirectory;

    /// What is wrong with a container's settings beyond their types.
    fn check(&self, container: &ContainerSpec) -> Diagnostics;

    /// What has to be on a host beside what every provider needs. What is missing is an error at plan time.
    fn needs(&self) -> &'static Needs {
        &needs::NOTHING
    }

    /// What of [`Provider::needs`] the survey does not tell of by itself: it is asked with the first look.
    fn needs_to_look(&self) -> &'static Needs {
        self.needs()
    }

    /// What `vbs host check` asks the host of a container for [`Provider::dangers`]. Nothing is changed by it.
    fn examine(&self, container: &ContainerSpec) -> Vec<Query> {
        let _ = container;
        Vec::new()
    }

    /// What may go wrong with a container one day, from the answers to [`Provider::examine`], in the order asked.
    fn dangers(&self, container: &ContainerSpec, answers: &[Answer]) -> Vec<Danger> {
        let (_, _) = (container, answers);
        Vec::new()
    }

    /// What to ask the container's host. Queries of all containers on a host travel in one round trip.
    fn survey(&self, scope: &Scope<'_>) -> Vec<Query>;

    /// Reads the answers to all queries asked so far, in the order asked. An answer that cannot be understood is
    /// `ContainerView::Unsurveyed`, never an absence.
    fn read(&self, scope: &Scope<'_>, answers: &[Answer]) -> Reading;

    /// Makes of a wanted body what this pool would make of it, such as sizes in whole extents, so that the plan
    /// compares and counts what there will be.
    fn fit(&self, container: &ContainerSpec, capacity: &Capacity, body: &mut Body) {
        let (_, _, _) = (container, capacity, body);
    }

    /// How to do what is asked: a chain of steps, each to run after the one before. An error where this provider
    /// cannot do it, found at plan time.
    fn steps(&self, request: &Request<'_>) -> Result<Vec<Step>, Diagnostic>;

    /// See [`Makers::freeze`](crate::plan::world::Makers::freeze). Asked only where the schema says that it can.
    ///
    /// # Errors
    /// Where it cannot.
    fn freeze(&self, request: &Request<'_>, disk: &Record) -> Result<[Step; 2], Diagnostic> {
        let (container, key) = (&request.container.address, &disk.object.key);
        Err(Diagnostic::bug(format!("{container} cannot freeze the guest of {key}")))
    }
}

/// Every provider there is.
pub static CATALOG: Catalog = Catalog(&[
    &file::FilePool,
    &lvm::LvmPool,
    &command::pool::CommandPool,
    &lio::LioExport,
    &tgt::TgtExport,
    &command::export::CommandExport,
    &open_iscsi::OpenIscsi,
    &directory::DirectoryHypervisor,
    &qemu::QemuHypervisor,
    &libvirt::LibvirtHypervisor,
    &xen::XenHypervisor,
    &command::hypervisor::CommandHypervisor,
]);

pub struct Catalog(&'static [&'static dyn Provider]);

impl Catalog {
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn Provider> + '_ {
        self.0.iter().copied()
    }

    pub fn schemas(&self) -> Vec<ProviderSchema> {
        self.iter().map(Provider::schema).collect()
    }

    /// The provider of `role "name"`.
    pub fn find(&self, role: Kind, name: &str) -> Option<&'static dyn Provider> {
        self.iter().find(|provider| {
            let schema = provider.schema();
            schema.role == role && schema.name == name
        })
    }

    /// The provider of a container.
    ///
    /// # Errors
    /// Where this version of vbs has no such provider: a state written by another version.
    pub fn of(&self, container: &ContainerSpec) -> Result<&'static dyn Provider, Diagnostic> {
        self.find(container.address.kind, &container.provider)
            .ok_or_else(|| unknown(&container.address, &container.provider))
    }

    fn verb(&self, action: &Action) -> Option<&'static Verb> {
        self.iter()
            .filter(|provider| provider.schema().name == action.provider)
            .flat_map(|provider| provider.verbs())
            .find(|verb| verb.name == action.verb)
    }

    /// The command at the heart of an action, for people to read and to copy. Guard, checks and marks are left out, as
    /// `docs/providers` says of each provider.
    pub fn shown(&self, action: &Action, lineage: Uuid) -> String {
        let shown = self.verb(action).and_then(|verb| verb.shown(&action.arguments, lineage));
        shown.unwrap_or_else(|| action.to_string())
    }

    /// The frame that an action stands for. Names come from tables and values are quoted by the transport, so a
    /// stored action can run nothing that is not in a provider's table.
    ///
    /// # Errors
    /// An action that no table knows, or whose arguments are not those of its verb.
    pub fn frame(&self, action: &Action, guard: &GuardDirectory) -> Result<Frame, Diagnostic> {
        let verb = self
            .verb(action)
            .ok_or_else(|| foreign_action(action, "this version of vbs has no such operation"))?;
        if !action.arguments.names().eq(sorted(verb.parameters)) {
            return Err(foreign_action(action, "its arguments are not those of the operation"));
        }
        Ok(Frame {
            script: verb.script,
            variables: action.arguments.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            stdin: String::new(),
            effect: verb.effect,
            guard: Some(guard.clone()),
        })
    }
}

fn sorted(names: &[&'static str]) -> impl Iterator<Item = &'static str> {
    names.iter().copied().collect::<BTreeSet<_>>().into_iter()
}

fn unknown(address: &Address, provider: &str) -> Diagnostic {
    Diagnostic::error(
        "Unknown provider",
        format!(
            "{address} is of provider {provider:?}, which this version of vbs does not have. Use the version that wrote the state."
        ),
    )
}

fn foreign_action(action: &Action, why: &str) -> Diagnostic {
    Diagnostic::error(
        "Unknown operation in a stored plan",
        format!(
            "A stored step asks for {}/{}, but {why}. It was written by another version of vbs, or altered. Nothing was run.",
            action.provider, action.verb
        ),
    )
}

impl crate::plan::world::Makers for Catalog {
    fn steps(&self, request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        self.of(request.container)?.steps(request)
    }

    fn freeze(&self, request: &Request<'_>, disk: &Record) -> Result<[Step; 2], Diagnostic> {
        self.of(request.container)?.freeze(request, disk)
    }

    fn fit(&self, container: &ContainerSpec, capacity: &Capacity, body: &mut Body) {
        if let Ok(provider) = self.of(container) {
            provider.fit(container, capacity, body);
        }
    }

    fn traits(&self, container: &ContainerSpec) -> Traits {
        self.of(container).map(|provider| provider.schema().traits).unwrap_or_default()
    }

    fn place(&self, container: &ContainerSpec, object: &Object) -> Option<String> {
        let name = object.body.name()?;
        let provider = self.of(container).ok()?;
        Some((provider.schema().volume_path)(container, name, object.id))
    }
}
