//! Every script that a pool, a hypervisor or an export of templates runs. All that acts is one script: what it runs, what
//! must be listed before and what must be listed after come as arguments.

use crate::model::command::{Effect, Verb};

/// A script, the last one named, behind what it builds upon.
macro_rules! script {
    ($($name:literal),+) => {
        concat!(
            "card=command.json\n",
            include_str!("../store/scripts/store.sh"),
            // A mark does not say that there is anything: the plan has looked, and nothing of ours is left.
            "still_there() { return 1; }\nlast_one_leaves() { :; }\n",
            $(include_str!($name),)+
        )
    };
}

pub const JOIN: Verb = Verb {
    name: "join",
    parameters: &["path", "identity", "makes"],
    script: script!("../store/scripts/join.sh"),
    shown: "mkdir -- {makes...} {path}/.vbs {path}/.vbs/trash",
    effect: Effect::TakesGuard,
};

pub const RELEASE: Verb = Verb {
    name: "release",
    parameters: &["path", "identity", "makes"],
    script: script!("../store/scripts/release.sh"),
    shown: "rm -f -- {path}/.vbs/epoch.{lineage}",
    effect: Effect::TakesGuard,
};

const ACT: &[&str] = &[
    "path", "identity", "id", "name", "kind", "owner", "commands", "input", "lister", "filter", "patience",
    "grace", "before", "after", "first", "last",
];

const fn act(name: &'static str) -> Verb {
    Verb {
        name,
        parameters: ACT,
        script: concat!(
            "cleanup= counter= counted= ours= taken= secrets=\n",
            script!("scripts/command.sh", "scripts/rows.sh", "scripts/run.sh", "scripts/act.sh")
        ),
        shown: "{commands&&}",
        effect: Effect::Guarded,
    }
}

pub const CREATE: Verb = act("create");
pub const SNAPSHOT: Verb = act("snapshot");
pub const CLONE: Verb = act("clone");
pub const GROW: Verb = act("grow");
pub const RENAME: Verb = act("rename");
/// Removes for good, by the template `destroy`.
pub const DESTROY: Verb = act("destroy");
pub const ATTACH: Verb = act("attach");
pub const DETACH: Verb = act("detach");

/// Targets have numbers that only their server knows, several commands make one, and initiators have secrets.
const SERVE: &[&str] = &[
    "path", "identity", "id", "name", "kind", "owner", "commands", "input", "lister", "filter", "patience",
    "grace", "before", "after", "first", "last", "cleanup", "counter", "counted", "ours", "taken", "secrets",
];

const fn serve(name: &'static str) -> Verb {
    Verb {
        name,
        parameters: SERVE,
        script: script!("scripts/command.sh", "scripts/rows.sh", "scripts/run.sh", "scripts/act.sh"),
        shown: "{commands&&}",
        effect: Effect::Guarded,
    }
}

pub const EXPORT: Verb = serve("export");
pub const WITHDRAW: Verb = serve("withdraw");
pub const GRANT: Verb = serve("grant");
pub const REVOKE: Verb = serve("revoke");
/// By the templates `update` and `grow` of an export.
pub const UPDATE: Verb = serve("update");

/// The first question of a survey: the seat and the marks in it.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage"],
    script: script!("../store/scripts/look.sh", "../store/scripts/marks.sh"),
    shown: "ls -a {path}/.vbs",
    effect: Effect::Reads,
};

/// The second one: what the tool lists.
pub const LIST: Verb = Verb {
    name: "list",
    parameters: &["lists", "patience"],
    script: concat!(include_str!("scripts/command.sh"), include_str!("scripts/list.sh")),
    shown: "{lists...}",
    effect: Effect::Reads,
};

pub static POOL: [Verb; 10] = [JOIN, RELEASE, CREATE, SNAPSHOT, CLONE, GROW, RENAME, DESTROY, SURVEY, LIST];
pub static HYPERVISOR: [Verb; 6] = [JOIN, RELEASE, ATTACH, DETACH, SURVEY, LIST];
pub static EXPORTS: [Verb; 9] = [JOIN, RELEASE, EXPORT, WITHDRAW, GRANT, REVOKE, UPDATE, SURVEY, LIST];
