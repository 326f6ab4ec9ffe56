//! Every script that a directory hypervisor runs.

use crate::model::command::{Effect, Verb};

/// A script, the first one named, behind what it builds upon.
macro_rules! script {
    ($name:literal $(, $more:literal)*) => {
        concat!(
            "card=hypervisor.json\n",
            include_str!("../store/scripts/store.sh"),
            include_str!("scripts/link.sh"),
            $(include_str!($more),)*
            include_str!($name),
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

pub const ATTACH: Verb = Verb {
    name: "attach",
    parameters: &["path", "identity", "id", "vm", "device", "target", "mark"],
    script: script!("scripts/attach.sh", "../seat/scripts/device.sh"),
    shown: "mkdir -p -- {path}/{vm} && ln -sT -- {target} {path}/{vm}/{device}",
    effect: Effect::Guarded,
};

/// Takes [`ATTACH`] back, and is taken back by it.
pub const DETACH: Verb = Verb {
    name: "detach",
    parameters: &["path", "identity", "id", "vm", "device", "target"],
    script: script!("scripts/detach.sh"),
    shown: "mv -nT -- {path}/{vm}/{device} {path}/.vbs/{id}.{lineage}.link",
    effect: Effect::Guarded,
};

/// Takes itself back.
pub const RETARGET: Verb = Verb {
    name: "retarget",
    parameters: &["path", "identity", "id", "vm", "device", "from", "target", "mark"],
    script: script!("scripts/retarget.sh"),
    shown: "ln -sfT -- {target} {path}/{vm}/{device}",
    effect: Effect::Guarded,
};

/// The one question of a survey.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage"],
    script: script!("../store/scripts/marks.sh", "../store/scripts/look.sh", "scripts/survey.sh"),
    shown: "find {path} -mindepth 1 -maxdepth 2 -name .vbs -prune -o -ls",
    effect: Effect::Reads,
};

pub static ALL: [Verb; 6] = [JOIN, RELEASE, ATTACH, DETACH, RETARGET, SURVEY];
