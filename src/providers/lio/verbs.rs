//! Every script that an export by LIO runs.

use crate::model::command::{Effect, Verb};

/// A script, the last one named, behind what it builds upon.
macro_rules! script {
    ($($name:literal),+) => {
        concat!(
            "card=export.json\n",
            include_str!("../store/scripts/store.sh"),
            include_str!("../seat/scripts/seat.sh"),
            $(include_str!($name),)+
        )
    };
}

/// A script that changes a target and what is saved of it.
macro_rules! of_a_target {
    ($name:literal) => {
        concat!(
            "card=export.json\n",
            include_str!("../store/scripts/store.sh"),
            include_str!("../seat/scripts/seat.sh"),
            include_str!("scripts/lio.sh"),
            "arrange() {\n    seated=${seated-} python3 -I -S -W ignore - \"$target\" \"$backstore\" \"$store\" \"$root\" \"$@\" 3<&0 <<'python'\n",
            include_str!("scripts/arrange.py"),
            include_str!("scripts/save.py"),
            "python\n}\nsave() { arrange; }\n",
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
    script: script!("scripts/leave.sh", "../store/scripts/release.sh"),
    shown: "rm -f -- {path}/.vbs/epoch.{lineage}",
    effect: Effect::TakesGuard,
};

pub const EXPORT: Verb = Verb {
    name: "export",
    parameters: &[
        "path",
        "identity",
        "id",
        "export",
        "target",
        "portals",
        "device",
        "serial",
        "access",
        "authentication",
        "mark",
    ],
    script: of_a_target!("scripts/export.sh"),
    shown: "targetcli /iscsi create {target} # with the backstore {device} as LUN 0",
    effect: Effect::Guarded,
};

/// Takes [`EXPORT`] back, and is taken back by it.
pub const UNEXPORT: Verb = Verb {
    name: "unexport",
    parameters: &["path", "identity", "id", "export", "target"],
    script: of_a_target!("scripts/unexport.sh"),
    shown: "targetcli /iscsi delete {target}",
    effect: Effect::Guarded,
};

/// Puts right what can be put right below initiators that are logged in.
pub const MEND: Verb = Verb {
    name: "mend",
    parameters: &["path", "identity", "id", "export", "target", "device", "authentication", "others", "mark"],
    script: of_a_target!("scripts/mend.sh"),
    shown: "targetcli /iscsi/{target}/tpg1 set attribute generate_node_acls=0 authentication={authentication}",
    effect: Effect::Guarded,
};

/// Lets an initiator in, or changes how.
pub const GRANT: Verb = Verb {
    name: "grant",
    parameters: &[
        "path",
        "identity",
        "id",
        "export",
        "target",
        "initiator",
        "access",
        "user",
        "mutual_user",
        "mark",
    ],
    script: of_a_target!("scripts/grant.sh"),
    shown: "targetcli /iscsi/{target}/tpg1/acls create {initiator}",
    effect: Effect::Guarded,
};

pub const REVOKE: Verb = Verb {
    name: "revoke",
    parameters: &["path", "identity", "id", "export", "target", "initiator", "evict"],
    script: of_a_target!("scripts/revoke.sh"),
    shown: "targetcli /iscsi/{target}/tpg1/acls delete {initiator}",
    effect: Effect::Guarded,
};

/// The one question of a survey.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage"],
    script: script!(
        "../store/scripts/look.sh",
        "../seat/scripts/names.sh",
        "../seat/scripts/fingerprint.sh",
        "scripts/survey.sh",
        "../store/scripts/marks.sh"
    ),
    shown: "targetcli ls /iscsi",
    effect: Effect::Reads,
};

pub static ALL: [Verb; 8] = [JOIN, RELEASE, EXPORT, UNEXPORT, MEND, GRANT, REVOKE, SURVEY];
