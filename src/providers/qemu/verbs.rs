//! Every script that a QEMU hypervisor runs.

use crate::model::command::{Effect, Verb};

/// Scripts behind what all build upon.
macro_rules! script {
    ($($name:literal),+) => {
        concat!(
            "card=hypervisor.json\n",
            include_str!("../store/scripts/store.sh"),
            include_str!("../seat/scripts/seat.sh"),
            include_str!("scripts/qmp.sh"),
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
    parameters: &["path", "identity", "makes", "socket"],
    script: script!("scripts/disk.sh", "../store/scripts/release.sh"),
    shown: "rm -f -- {path}/.vbs/epoch.{lineage}",
    effect: Effect::TakesGuard,
};

/// `target` is empty for a network disk, and `login` where no secret comes on standard input.
pub const ATTACH: Verb = Verb {
    name: "attach",
    parameters: &[
        "path",
        "identity",
        "id",
        "vm",
        "where",
        "node",
        "target",
        "login",
        "nodes",
        "plug",
        "controller",
        "suffix",
        "slot",
        "mark",
    ],
    script: script!("../seat/scripts/device.sh", "scripts/disk.sh", "scripts/attach.sh"),
    shown: "socat READLINE UNIX-CONNECT:{where} # blockdev-add {node} and device_add, mark {path}/.vbs/{id}.json",
    effect: Effect::Guarded,
};

/// Takes [`ATTACH`] back, and is taken back by it.
pub const DETACH: Verb = Verb {
    name: "detach",
    parameters: &["path", "identity", "id", "vm", "where", "node", "patience"],
    script: script!("scripts/disk.sh", "scripts/detach.sh"),
    shown: "socat READLINE UNIX-CONNECT:{where} # device_del and blockdev-del {node}, mark {path}/.vbs/{id}.json",
    effect: Effect::Guarded,
};

pub const RESIZE: Verb = Verb {
    name: "resize",
    parameters: &["path", "identity", "id", "vm", "where", "node", "size", "mark"],
    script: script!("scripts/disk.sh", "scripts/resize.sh"),
    shown: "socat READLINE UNIX-CONNECT:{where} # block_resize {node} {size}, mark {path}/.vbs/{id}.json",
    effect: Effect::Guarded,
};

/// Takes itself back.
pub const NOTE: Verb = Verb {
    name: "note",
    parameters: &["path", "identity", "id", "mark"],
    script: script!("scripts/note.sh"),
    shown: "cat {path}/.vbs/{id}.json # written anew",
    effect: Effect::Guarded,
};

/// The one question of a survey.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage", "socket", "vms"],
    script: script!("scripts/vms.sh", "../store/scripts/look.sh", "../store/scripts/marks.sh"),
    shown: "socat READLINE UNIX-CONNECT:{socket} # qom-list, query-named-block-nodes, marks in {path}/.vbs",
    effect: Effect::Reads,
};

pub static ALL: [Verb; 7] = [JOIN, RELEASE, ATTACH, DETACH, RESIZE, NOTE, SURVEY];
