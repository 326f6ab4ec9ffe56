//! Disks of libvirt's VMs, in the running VM and in its configuration, with their marks in a seat. virsh is given whole
//! XML and asked for whole XML. `docs/providers/libvirt.md` tells what is run and what lies where.

mod domain;
mod kinds;
mod read;
mod steps;
#[cfg(test)]
mod tests;
mod verbs;
mod vm;
mod xml;

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::ProviderSchema;
use crate::model::{ContainerSpec, Record};
use crate::plan::step::{Request, Step};
use crate::providers::needs::{self, Needs};
use crate::providers::{Provider, Reading, Scope, store};

pub struct LibvirtHypervisor;

impl Provider for LibvirtHypervisor {
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
        &needs::LIBVIRT
    }

    fn survey(&self, scope: &Scope<'_>) -> Vec<Query> {
        let vms: BTreeSet<&str> =
            scope.wanted.iter().filter_map(|place| Some(place.split_once('/')?.0)).collect();
        let mut queries = store::survey(scope, &verbs::SURVEY);
        for query in &mut queries {
            query.variables.push(("uri".to_owned(), scope.container.text("uri").to_owned()));
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

    fn freeze(&self, request: &Request<'_>, disk: &Record) -> Result<[Step; 2], Diagnostic> {
        steps::freeze(request, disk)
    }
}
