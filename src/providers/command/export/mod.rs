//! `export "command"`: a target server that vbs does not know, by templates.

mod grants;
mod kinds;
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
use crate::providers::{Provider, Reading, Scope, iscsi, store};

use super::{look, programs, verbs};

pub struct CommandExport;

impl Provider for CommandExport {
    fn schema(&self) -> ProviderSchema {
        kinds::schema()
    }

    fn verbs(&self) -> &'static [Verb] {
        &verbs::EXPORTS
    }

    fn guard(&self, container: &ContainerSpec) -> GuardDirectory {
        store::guard(container)
    }

    fn check(&self, container: &ContainerSpec) -> Diagnostics {
        let mut found = store::check(container);
        found.extend(iscsi::check(container));
        found
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

    /// The seat, the targets, and who is let in.
    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        let mut queries = store::survey(scope, &verbs::SURVEY);
        // Where one cannot be read, reading says what is wrong.
        if let Ok(readers) = kinds::Readers::of(scope.container) {
            let commands = readers.all().map(|reader| (reader, reader.lister(&[])));
            queries
                .extend(commands.filter_map(|(reader, command)| Some(look::list(reader, &[command.ok()?]))));
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
