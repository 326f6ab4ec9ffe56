//! Targets of the Linux kernel: one for each volume, made in configfs, with an ACL and a secret for each initiator, and kept
//! in the file from which rtslib brings targets back. Marks lie in a seat on the pool's host. `docs/providers/lio.md` tells
//! what is run and what lies where.

mod kinds;
mod read;
mod steps;
#[cfg(test)]
mod tests;
mod verbs;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::ContainerSpec;
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::ProviderSchema;
use crate::plan::step::{Request, Step};
use crate::providers::needs::{self, Danger, Needs};
use crate::providers::{Provider, Reading, Scope, store};

pub struct LioExport;

impl Provider for LioExport {
    fn schema(&self) -> ProviderSchema {
        kinds::schema()
    }

    fn verbs(&self) -> &'static [Verb] {
        &verbs::ALL
    }

    fn guard(&self, container: &ContainerSpec) -> GuardDirectory {
        store::guard(container)
    }

    fn check(&self, container: &ContainerSpec) -> Diagnostics {
        kinds::check(container)
    }

    fn needs(&self) -> &'static Needs {
        &kinds::NEEDS
    }

    fn examine(&self, _: &ContainerSpec) -> Vec<Query> {
        vec![Query { script: include_str!("scripts/examine.sh"), variables: Vec::new() }]
    }

    fn dangers(&self, _: &ContainerSpec, answers: &[Answer]) -> Vec<Danger> {
        needs::findings(answers, kinds::danger)
    }

    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        store::survey(scope, &verbs::SURVEY)
    }

    fn read(&self, scope: &Scope<'_>, answers: &[Answer]) -> Reading {
        Reading::Done(read::view(scope, answers))
    }

    fn steps(&self, request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        steps::steps(request)
    }
}
