//! Disks of Xen's guests, by `xl` and what xenstore tells, with their marks in a seat; and a line of ours in the file that
//! a guest is started with. `docs/providers/xen.md` tells what is run and what lies where.

mod kinds;
mod read;
mod steps;
mod store_tree;
#[cfg(test)]
mod tests;
mod verbs;

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::ContainerSpec;
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::ProviderSchema;
use crate::plan::step::{Request, Step};
use crate::providers::needs::Needs;
use crate::providers::{Provider, Reading, Scope, store};

pub struct XenHypervisor;

impl Provider for XenHypervisor {
    fn schema(&self) -> ProviderSchema {
        kinds::schema()
    }

    fn verbs(&self) -> &'static [Verb] {
        &verbs::ALL
    }

    fn guard(&self, container: &ContainerSpec) -> GuardDirectory {
        store::guard(container)
    }

    fn check(&self, _: &ContainerSpec) -> Diagnostics {
        Diagnostics::new()
    }

    fn needs(&self) -> &'static Needs {
        &kinds::NEEDS
    }

    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        let vms: BTreeSet<&str> =
            scope.wanted.iter().filter_map(|place| Some(place.split_once('/')?.0)).collect();
        let mut queries = store::survey(scope, &verbs::SURVEY);
        for query in &mut queries {
            query.variables.push(("configs".to_owned(), kinds::configs(scope.container).to_owned()));
            query.variables.push(("vms".to_owned(), vms.iter().copied().collect::<Vec<_>>().join("\n")));
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
