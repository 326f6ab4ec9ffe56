//! Whether a host has the programs of templates.

use crate::model::command::{Answer, Query};
use crate::model::{ContainerSpec, Setting};
use crate::providers::needs::Danger;

use super::{look, template};

/// The one list of the blocks that is no command.
const PORTALS: &str = "portals";

/// Which programs there are, a line each.
pub fn query(container: &ContainerSpec) -> Vec<Query> {
    let mut programs: Vec<String> = of(container).into_iter().map(|(_, program)| program).collect();
    programs.sort();
    programs.dedup();
    let variables = vec![("programs".to_owned(), programs.join("\n"))];
    vec![Query { script: include_str!("scripts/programs.sh"), variables }]
}

pub fn dangers(container: &ContainerSpec, answers: &[Answer]) -> Vec<Danger> {
    let missing: Vec<&str> = answers.iter().flat_map(|answer| answer.stdout.lines()).collect();
    let told = |program: &str| {
        let all = of(container);
        let verbs: Vec<&str> =
            all.iter().filter(|(_, it)| it == program).map(|(verb, _)| verb.as_str()).collect();
        (!verbs.is_empty()).then(|| Danger {
            what: format!(
                "{program}, the program of {}, is not there or cannot be executed",
                verbs.join(" and of ")
            ),
            todo: "install it on this host, or correct the template".to_owned(),
        })
    };
    missing.into_iter().filter_map(told).collect()
}

/// Templates by name and the program of each; one whose program depends on an object is left out.
fn of(container: &ContainerSpec) -> Vec<(String, String)> {
    let seat = look::seat(container);
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, setting) in container.settings.iter().filter(|(name, _)| *name != PORTALS) {
        let commands: Vec<&[String]> = match setting {
            Setting::List(list) => vec![list],
            Setting::Lists(lists) => lists.iter().map(Vec::as_slice).collect(),
            Setting::Bool(_) | Setting::Text(_) | Setting::Login(_) => continue,
        };
        for program in commands.into_iter().filter_map(|command| command.first()) {
            let filled = template::fill_text(program, &[("path", &seat)]).ok();
            let entry = filled.map(|program| (name.clone(), program));
            found.extend(entry.filter(|entry| !found.contains(entry)));
        }
    }
    found
}
