//! Every script that an export by tgtd runs.

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

pub const EXPORT: Verb = Verb {
    name: "export",
    parameters: &[
        "path", "identity", "control", "config", "id", "export", "target", "portals", "device", "serial",
        "scsi", "readonly", "mark",
    ],
    script: script!("scripts/tgt.sh", "scripts/serve.sh", "scripts/export.sh"),
    shown: "tgtadm -C {control} --lld iscsi --op new --mode target --tid N -T {target} # N: any free number; and LUN 1: {device}",
    effect: Effect::Guarded,
};

/// Takes [`EXPORT`] back, and is taken back by it.
pub const UNEXPORT: Verb = Verb {
    name: "unexport",
    parameters: &["path", "identity", "control", "config", "id", "export", "target"],
    script: script!("scripts/tgt.sh", "scripts/serve.sh", "scripts/unexport.sh"),
    shown: "tgtadm -C {control} --lld iscsi --op delete --mode target --tid N # N: the number of {target} in: tgtadm -C {control} --lld iscsi --op show --mode target",
    effect: Effect::Guarded,
};

/// Takes itself back, with what was there before.
pub const REEXPORT: Verb = Verb {
    name: "reexport",
    parameters: &[
        "path", "identity", "control", "config", "id", "export", "target", "device", "serial", "scsi",
        "readonly", "reopen", "drop", "add", "mark",
    ],
    script: script!("scripts/tgt.sh", "scripts/serve.sh", "scripts/reexport.sh"),
    shown: "tgtadm -C {control} --lld iscsi --op update --mode logicalunit --tid N --lun 1 --params scsi_sn={serial},path={device} # N: the number of {target} in: tgtadm -C {control} --lld iscsi --op show --mode target",
    effect: Effect::Guarded,
};

/// Takes itself back where a secret is changed.
pub const GRANT: Verb = Verb {
    name: "grant",
    parameters: &[
        "path",
        "identity",
        "control",
        "config",
        "id",
        "export",
        "target",
        "initiator",
        "user",
        "was",
        "mark",
    ],
    script: script!("scripts/tgt.sh", "scripts/grants.sh", "scripts/grant.sh"),
    shown: "tgtadm -C {control} --lld iscsi --op bind --mode target --tid N -Q {initiator} # N: the number of {target} in: tgtadm -C {control} --lld iscsi --op show --mode target",
    effect: Effect::Guarded,
};

/// Takes [`GRANT`] back, and is taken back by it.
pub const REVOKE: Verb = Verb {
    name: "revoke",
    parameters: &[
        "path",
        "identity",
        "control",
        "config",
        "id",
        "export",
        "target",
        "initiator",
        "user",
        "evict",
    ],
    script: script!("scripts/tgt.sh", "scripts/grants.sh", "scripts/revoke.sh"),
    shown: "tgtadm -C {control} --lld iscsi --op unbind --mode target --tid N -Q {initiator} # N: the number of {target} in: tgtadm -C {control} --lld iscsi --op show --mode target",
    effect: Effect::Guarded,
};

/// The one question of a survey.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage", "control", "config"],
    script: script!(
        "scripts/said.sh",
        "../store/scripts/look.sh",
        "scripts/survey.sh",
        "../store/scripts/marks.sh"
    ),
    shown: "tgtadm -C {control} --lld iscsi --op show --mode target",
    effect: Effect::Reads,
};

pub static ALL: [Verb; 8] = [JOIN, RELEASE, EXPORT, UNEXPORT, REEXPORT, GRANT, REVOKE, SURVEY];
