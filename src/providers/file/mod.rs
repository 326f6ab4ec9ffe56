//! The embedded pool: a volume or a snapshot is a sparse image file in a directory, `<path>/<name>.img`, with its mark
//! in `<path>/.vbs/<id>.json`. It needs coreutils, findutils and util-linux and nothing else. `docs/providers/file.md`
//! tells what lies where.

mod kinds;
mod mark;
mod read;
mod steps;
mod strangers;
#[cfg(test)]
mod tests;
mod verbs;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::ContainerSpec;
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::ProviderSchema;
use crate::plan::step::{Request, Step};
use crate::providers::needs::{self, Needs};
use crate::providers::{Provider, Reading, Scope, store};

pub struct FilePool;

impl Provider for FilePool {
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
        store::check(container)
    }

    fn needs(&self) -> &'static Needs {
        &needs::FILES
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
