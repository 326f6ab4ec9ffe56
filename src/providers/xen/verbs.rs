//! Every script that a Xen hypervisor runs.

use crate::model::command::{Effect, Verb};

/// Scripts behind what all build upon.
macro_rules! script {
    ($($name:literal),+) => {
        concat!(
            "card=hypervisor.json\n",
            include_str!("../store/scripts/store.sh"),
            include_str!("../seat/scripts/seat.sh"),
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

/// Makes what is missing of a disk.
pub const ATTACH: Verb = Verb {
    name: "attach",
    parameters: &[
        "path", "identity", "id", "vm", "device", "number", "target", "disk", "entry", "configs", "mark",
    ],
    script: script!("../seat/scripts/device.sh", "scripts/xen.sh", "scripts/attach.sh"),
    shown: "xl block-attach {vm} {disk}",
    effect: Effect::Guarded,
};

/// Takes [`ATTACH`] back, and is taken back by it.
pub const DETACH: Verb = Verb {
    name: "detach",
    parameters: &["path", "identity", "id", "vm", "device", "number", "target", "entry", "configs"],
    script: script!("scripts/xen.sh", "scripts/detach.sh"),
    shown: "xl block-detach {vm} {device}",
    effect: Effect::Guarded,
};

/// The one question of a survey.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage", "configs", "vms"],
    script: script!("scripts/vms.sh", "../store/scripts/look.sh", "../store/scripts/marks.sh"),
    shown: "xl list # and xenstore-ls for each VM, with its {configs}/VM.cfg, and marks in {path}/.vbs",
    effect: Effect::Reads,
};

pub static ALL: [Verb; 5] = [JOIN, RELEASE, ATTACH, DETACH, SURVEY];
