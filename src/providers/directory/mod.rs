//! To be written.
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::ContainerSpec;
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::ProviderSchema;
use crate::plan::step::{Request, Step};
use crate::providers::{Provider, Reading, Scope};

pub struct DirectoryHypervisor;

impl Provider for DirectoryHypervisor {
    fn schema(&self) -> ProviderSchema {
        unreachable!()
    }
    fn verbs(&self) -> &'static [Verb] {
        &[]
    }
    fn guard(&self, _: &ContainerSpec) -> GuardDirectory {
        unreachable!()
    }
    fn check(&self, _: &ContainerSpec) -> Diagnostics {
        unreachable!()
    }
    fn survey(&self, _: &Scope<'_>) -> Vec<Query> {
        unreachable!()
    }
    fn read(&self, _: &Scope<'_>, _: &[Answer]) -> Reading {
        unreachable!()
    }
    fn steps(&self, _: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        unreachable!()
    }
}
