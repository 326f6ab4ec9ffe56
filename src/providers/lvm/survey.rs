//! The one question of a survey: every volume group of a host at once, so that all pools of a host ask the same.

use uuid::Uuid;

use crate::model::command::{Effect, Query, Verb};
use crate::providers::Scope;

pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["lineage"],
    script: include_str!("scripts/survey.sh"),
    shown: "lvm fullreport --all --reportformat json --units b --nosuffix",
    effect: Effect::Reads,
};

pub fn query(scope: &Scope<'_>) -> Query {
    of_lineage(scope.lineage)
}

pub fn of_lineage(lineage: Uuid) -> Query {
    Query { script: SURVEY.script, variables: vec![("lineage".to_owned(), lineage.to_string())] }
}
