//! Every script that a libvirt hypervisor runs.

use crate::model::command::{Effect, Verb};

/// Scripts behind what all build upon.
macro_rules! script {
    ($($name:literal),+) => {
        concat!(
            "card=hypervisor.json\n",
            include_str!("../store/scripts/store.sh"),
            include_str!("../seat/scripts/seat.sh"),
            include_str!("scripts/virsh.sh"),
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
    parameters: &["path", "identity", "makes", "uri"],
    script: script!("scripts/disk.sh", "../store/scripts/release.sh"),
    shown: "rm -f -- {path}/.vbs/epoch.{lineage}",
    effect: Effect::TakesGuard,
};

/// `target` is empty for a network disk, `login` where no secret comes on standard input, and `config` where disks are not
/// in configurations. `xml` has a description on each line.
pub const ATTACH: Verb = Verb {
    name: "attach",
    parameters: &[
        "path", "identity", "id", "uri", "vm", "device", "target", "login", "config", "xml", "keyring",
        "mark",
    ],
    script: script!("scripts/disk.sh", "scripts/attach.sh"),
    shown: "virsh -c {uri} attach-device {vm} {id}.xml --live --config # mark {path}/.vbs/{id}.json",
    effect: Effect::Guarded,
};

/// As [`ATTACH`], for a disk that is partly there.
pub const MEND: Verb = Verb {
    name: "mend",
    script: script!("scripts/disk.sh", "scripts/mending.sh", "scripts/attach.sh"),
    ..ATTACH
};

/// Takes [`ATTACH`] back, and is taken back by it.
pub const DETACH: Verb = Verb {
    name: "detach",
    parameters: &["path", "identity", "id", "uri", "vm", "device", "login", "patience"],
    script: script!("scripts/disk.sh", "scripts/detach.sh"),
    shown: "virsh -c {uri} detach-device {vm} {id}.xml --live --config # {device}, mark {path}/.vbs/{id}.json",
    effect: Effect::Guarded,
};

pub const RESIZE: Verb = Verb {
    name: "resize",
    parameters: &["path", "identity", "id", "uri", "vm", "device", "size", "mark"],
    script: script!("scripts/disk.sh", "scripts/resize.sh"),
    shown: "virsh -c {uri} blockresize {vm} {device} {size}B # mark {path}/.vbs/{id}.json",
    effect: Effect::Guarded,
};

/// Takes itself back.
pub const NOTE: Verb = Verb {
    name: "note",
    parameters: &["path", "identity", "id", "uri", "vm", "device", "config", "xml", "mark"],
    script: script!("scripts/disk.sh", "scripts/note.sh"),
    shown: "virsh -c {uri} update-device {vm} {id}.xml --config # {device}, mark {path}/.vbs/{id}.json",
    effect: Effect::Guarded,
};

/// Arms a thaw after `seconds` before it freezes.
pub const FREEZE: Verb = Verb {
    name: "freeze",
    parameters: &["path", "identity", "id", "uri", "vm", "device", "seconds"],
    script: script!("scripts/disk.sh", "scripts/frozen.sh", "scripts/freeze.sh"),
    shown: "virsh -c {uri} domfsfreeze {vm} # for {seconds} s at most, for {device}: {path}/.vbs/{id}",
    effect: Effect::Guarded,
};

/// Refuses where the guest is not frozen any more.
pub const THAW: Verb = Verb {
    name: "thaw",
    parameters: &["path", "identity", "id", "uri", "vm", "device", "seconds"],
    script: script!("scripts/disk.sh", "scripts/frozen.sh", "scripts/thaw.sh"),
    shown: "virsh -c {uri} domfsthaw {vm} # within {seconds} s, for {device}: {path}/.vbs/{id}",
    effect: Effect::Guarded,
};

/// Takes [`FREEZE`] back, whatever became of it.
pub const MELT: Verb = Verb {
    name: "melt",
    parameters: &["path", "identity", "id", "uri", "vm", "device"],
    script: script!("scripts/disk.sh", "scripts/frozen.sh", "scripts/melt.sh"),
    shown: "virsh -c {uri} domfsthaw {vm} # if it is frozen for {device}: {path}/.vbs/{id}",
    effect: Effect::Guarded,
};

/// The one question of a survey.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage", "uri", "vms"],
    script: script!("scripts/vms.sh", "../store/scripts/look.sh", "../store/scripts/marks.sh"),
    shown: "virsh -c {uri} dumpxml # of each VM, with its configuration, and marks in {path}/.vbs",
    effect: Effect::Reads,
};

pub static ALL: [Verb; 11] = [JOIN, RELEASE, ATTACH, MEND, DETACH, RESIZE, NOTE, FREEZE, THAW, MELT, SURVEY];
