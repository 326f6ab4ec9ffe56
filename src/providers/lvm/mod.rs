//! The pool of logical volumes: thick or thin volumes and snapshots in a volume group, marked by tags that the creating
//! command sets. It needs root, lvm2 and, for thin pools, thin-provisioning-tools. `docs/providers/lvm.md` lists
//! everything that is run.

mod capacity;
mod danger;
mod kinds;
mod read;
pub mod report;
mod steps;
mod survey;
mod tags;
#[cfg(test)]
mod tests;
mod verbs;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::ProviderSchema;
use crate::model::{Body, Capacity, ContainerSpec};
use crate::plan::step::{Request, Step};
use crate::providers::needs::{self, Danger, Needs};
use crate::providers::{Provider, Reading, Scope};

pub struct LvmPool;

impl Provider for LvmPool {
    fn schema(&self) -> ProviderSchema {
        kinds::schema()
    }

    fn verbs(&self) -> &'static [Verb] {
        &verbs::ALL
    }

    fn guard(&self, container: &ContainerSpec) -> GuardDirectory {
        kinds::guard(container)
    }

    fn check(&self, container: &ContainerSpec) -> Diagnostics {
        kinds::check(container)
    }

    fn needs(&self) -> &'static Needs {
        &kinds::NEEDS
    }

    /// The survey asks LVM for its version while the report is made; before it, that would be one more command to wait
    /// for.
    fn needs_to_look(&self) -> &'static Needs {
        &needs::NOTHING
    }

    fn examine(&self, container: &ContainerSpec) -> Vec<Query> {
        let _ = container;
        // Of no lineage: epochs are nothing that endangers anybody.
        vec![survey::of_lineage(uuid::Uuid::nil())]
    }

    fn dangers(&self, _: &ContainerSpec, answers: &[Answer]) -> Vec<Danger> {
        let report = answers.first().and_then(|answer| report::Report::parse(answer).ok());
        report.map(|report| danger::dangers(&report)).unwrap_or_default()
    }

    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        vec![survey::query(scope)]
    }

    fn read(&self, scope: &Scope<'_>, answers: &[Answer]) -> Reading {
        Reading::Done(read::view(scope, answers))
    }

    fn fit(&self, container: &ContainerSpec, capacity: &Capacity, body: &mut Body) {
        kinds::fit(container, capacity.unit, body);
    }

    fn steps(&self, request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        steps::steps(request)
    }
}
