//! Targets of tgtd, the iSCSI server in user space: one target for each volume, the volume as its LUN 1, and names of
//! initiators that are let in. Marks lie in a seat on the pool's host, what survives a restart in files that tgt-admin
//! reads. `docs/providers/tgt.md` tells what is run and what lies where.

mod kinds;
mod read;
#[cfg(test)]
pub mod server;
mod show;
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

pub struct TgtExport;

impl Provider for TgtExport {
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

    fn examine(&self, container: &ContainerSpec) -> Vec<Query> {
        let variables = kinds::server(container).map(|(name, value)| (name.to_owned(), value));
        vec![Query { script: include_str!("scripts/examine.sh"), variables: variables.into() }]
    }

    fn dangers(&self, _: &ContainerSpec, answers: &[Answer]) -> Vec<Danger> {
        needs::findings(answers, kinds::danger)
    }

    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        let mut queries = store::survey(scope, &verbs::SURVEY);
        for query in &mut queries {
            query
                .variables
                .extend(kinds::server(scope.container).map(|(name, value)| (name.to_owned(), value)));
        }
        queries
    }

    fn read(&self, scope: &Scope<'_>, answers: &[Answer]) -> Reading {
        Reading::Done(read::view(scope, answers))
    }

    fn steps(&self, request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        steps::steps(request)
    }
}
