//! `hypervisor "command"`: disks that a tool attaches, by templates.

mod kinds;
mod mark;
mod read;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::ContainerSpec;
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::ProviderSchema;
use crate::plan::step::{Request, Step};
use crate::providers::needs::{self, Danger, Needs};
use crate::providers::{Provider, Reading, Scope, store};

use super::{look, programs, verbs};

pub struct CommandHypervisor;

impl Provider for CommandHypervisor {
    fn schema(&self) -> ProviderSchema {
        kinds::schema()
    }

    fn verbs(&self) -> &'static [Verb] {
        &verbs::HYPERVISOR
    }

    fn guard(&self, container: &ContainerSpec) -> GuardDirectory {
        store::guard(container)
    }

    fn check(&self, container: &ContainerSpec) -> Diagnostics {
        store::check(container)
    }

    fn needs(&self) -> &'static Needs {
        &needs::FILES
    }

    fn examine(&self, container: &ContainerSpec) -> Vec<Query> {
        programs::query(container)
    }

    fn dangers(&self, container: &ContainerSpec, answers: &[Answer]) -> Vec<Danger> {
        programs::dangers(container, answers)
    }

    /// The seat, and the VMs in which something is wanted. Those in which only marks say that something is are asked
    /// about once the marks are read.
    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        match kinds::reader(scope.container) {
            Ok(reader) => {
                let vms = read::wanted_vms(scope);
                look::survey(scope, &reader, &read::commands(&reader, &vms))
            }
            // Reading says what is wrong.
            Err(_) => store::survey(scope, &verbs::SURVEY),
        }
    }

    fn read(&self, scope: &Scope<'_>, answers: &[Answer]) -> Reading {
        read::read(scope, answers)
    }

    fn steps(&self, request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        steps::steps(request)
    }
}

/// Names of VMs.
type Vms = BTreeSet<String>;
