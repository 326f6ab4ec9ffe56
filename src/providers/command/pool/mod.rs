//! `pool "command"`: volumes that a tool makes, by templates.

mod kinds;
mod mark;
mod read;
mod steps;
#[cfg(test)]
mod tests;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::ContainerSpec;
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::ProviderSchema;
use crate::plan::step::{Request, Step};
use crate::providers::needs::{self, Danger, Needs};
use crate::providers::{Provider, Reading, Scope, store};

use super::{look, programs, verbs};

pub struct CommandPool;

impl Provider for CommandPool {
    fn schema(&self) -> ProviderSchema {
        kinds::schema()
    }

    fn verbs(&self) -> &'static [Verb] {
        &verbs::POOL
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

    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        match kinds::reader(scope.container).map(|reader| (reader.lister(&[]), reader)) {
            Ok((Ok(command), reader)) => look::survey(scope, &reader, &[command]),
            // Reading says what is wrong.
            _ => store::survey(scope, &verbs::SURVEY),
        }
    }

    fn read(&self, scope: &Scope<'_>, answers: &[Answer]) -> Reading {
        Reading::Done(read::view(scope, answers))
    }

    fn steps(&self, request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        steps::steps(request)
    }
}
