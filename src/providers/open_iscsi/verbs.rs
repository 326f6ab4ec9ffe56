//! Every script that an initiator runs.

use crate::model::command::{Effect, Verb};

/// A script, the last one named, behind what it builds upon.
macro_rules! script {
    ($($part:literal),+) => {
        concat!(
            "card=initiator.json\n",
            include_str!("../store/scripts/store.sh"),
            include_str!("../seat/scripts/seat.sh"),
            $(include_str!($part),)+
        )
    };
}

pub const JOIN: Verb = Verb {
    name: "join",
    parameters: &["path", "identity", "makes"],
    script: script!("../store/scripts/join.sh"),
    shown: "mkdir -- {makes...} {path}/.vbs",
    effect: Effect::TakesGuard,
};

pub const RELEASE: Verb = Verb {
    name: "release",
    parameters: &["path", "identity", "makes"],
    script: script!("../store/scripts/release.sh"),
    shown: "rm -f -- {path}/.vbs/epoch.{lineage}",
    effect: Effect::TakesGuard,
};

pub const LOGIN: Verb = Verb {
    name: "login",
    parameters: &[
        "path",
        "identity",
        "id",
        "mark",
        "target",
        "portals",
        "lun",
        "initiator",
        "serial",
        "device",
        "user",
        "mutual_user",
    ],
    script: script!("scripts/serial.sh", "scripts/iscsi.sh", "scripts/login.sh"),
    shown: "iscsiadm -m node -T {target} -p {portals} --login",
    effect: Effect::Guarded,
};

/// Takes [`LOGIN`] back, and is taken back by it.
pub const LOGOUT: Verb = Verb {
    name: "logout",
    parameters: &["path", "identity", "id", "target", "portals", "lun", "initiator", "serial", "device"],
    script: script!("scripts/serial.sh", "scripts/iscsi.sh", "scripts/logout.sh"),
    shown: "iscsiadm -m node -T {target} --logout",
    effect: Effect::Guarded,
};

pub const RESCAN: Verb = Verb {
    name: "rescan",
    parameters: &[
        "path",
        "identity",
        "id",
        "mark",
        "target",
        "portals",
        "lun",
        "initiator",
        "serial",
        "device",
        "to",
        "access",
    ],
    script: script!("scripts/serial.sh", "scripts/iscsi.sh", "scripts/rescan.sh"),
    shown: "iscsiadm -m node -T {target} --rescan",
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
        "scripts/serial.sh",
        "scripts/survey.sh",
        "../store/scripts/marks.sh"
    ),
    shown: "iscsiadm -m session",
    effect: Effect::Reads,
};

pub static ALL: [Verb; 6] = [JOIN, RELEASE, LOGIN, LOGOUT, RESCAN, SURVEY];
