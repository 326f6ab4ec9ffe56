//! Logins of a host to targets, by open-iscsi: no discovery, one interface record a workspace, one LUN scanned, the serial
//! compared before anybody sees the disk. `docs/providers/open-iscsi.md` tells what lies where.

mod danger;
mod read;
mod steps;
#[cfg(test)]
mod tests;
mod verbs;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::command::{Answer, GuardDirectory, Query, Verb};
use crate::model::schema::{ProviderSchema, Traits};
use crate::model::{ContainerSpec, Kind};
use crate::plan::step::{Request, Step};
use crate::providers::needs::{self, Danger, Needs};
use crate::providers::{Provider, Reading, Scope, store};

pub const NAME: &str = "open-iscsi";

pub struct OpenIscsi;

impl Provider for OpenIscsi {
    fn schema(&self) -> ProviderSchema {
        ProviderSchema {
            doc: "Logs a hypervisor's host in to what other hosts export. No block declares it.",
            traits: Traits { keeps_size: true, ..Traits::default() },
            seat: |_| "/var/lib/vbs/initiator".to_owned(),
            ..ProviderSchema::of(Kind::Initiator, NAME)
        }
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
        &needs::OPEN_ISCSI
    }

    fn examine(&self, _: &ContainerSpec) -> Vec<Query> {
        vec![Query { script: include_str!("scripts/examine.sh"), variables: Vec::new() }]
    }

    fn dangers(&self, _: &ContainerSpec, answers: &[Answer]) -> Vec<Danger> {
        needs::findings(answers, danger::explain)
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
