//! Every script that a file pool runs.

use crate::model::command::{Effect, Verb};

/// A script, the first one named, behind what it builds upon.
macro_rules! script {
    ($name:literal $(, $more:literal)*) => {
        concat!(
            "card=pool.json\n",
            include_str!("../store/scripts/store.sh"),
            include_str!("scripts/image.sh"),
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

pub const CREATE: Verb = Verb {
    name: "create",
    parameters: &["path", "identity", "id", "name", "size", "mark"],
    script: script!("scripts/create.sh"),
    shown: "truncate -s {size} -- {path}/{name}.img",
    effect: Effect::Guarded,
};

pub const COPY: Verb = Verb {
    name: "copy",
    parameters: &["path", "identity", "id", "name", "size", "mark", "source", "source_name"],
    script: script!("scripts/copy.sh"),
    shown: "cp --reflink=auto --sparse=always -- {path}/{source_name}.img {path}/{name}.img",
    effect: Effect::Guarded,
};

/// Takes [`CREATE`] and [`COPY`] back. What is shown is what it does in doubt: a command that is pasted loses nothing.
pub const DISCARD: Verb = Verb {
    name: "discard",
    parameters: &["path", "identity", "id", "name"],
    script: script!("scripts/discard.sh"),
    shown: "mv -nT -- {path}/{name}.img {path}/.vbs/trash/{id}.{lineage}.img",
    effect: Effect::Guarded,
};

/// Takes [`STAGE`] back: [`DISCARD`] of what has no name yet.
pub const UNSTAGE: Verb = Verb {
    name: "unstage",
    parameters: &["path", "identity", "id", "name"],
    script: script!("scripts/discard.sh"),
    shown: "rm -f -- {path}/.vbs/{id}.json {path}/.vbs/{id}.{lineage}.img",
    effect: Effect::Guarded,
};

pub const GROW: Verb = Verb {
    name: "grow",
    parameters: &["path", "identity", "id", "name", "from", "to"],
    script: script!("scripts/grow.sh"),
    shown: "truncate -s {to} -- {path}/{name}.img",
    effect: Effect::Guarded,
};

/// Takes [`GROW`] back.
pub const SHRINK: Verb = Verb {
    name: "shrink",
    parameters: &["path", "identity", "id", "name", "from", "to"],
    script: script!("scripts/shrink.sh"),
    shown: "truncate -s {to} -- {path}/{name}.img",
    effect: Effect::Guarded,
};

pub const RENAME: Verb = Verb {
    name: "rename",
    parameters: &["path", "identity", "id", "size", "from", "to"],
    script: script!("scripts/rename.sh"),
    shown: "mv -nT -- {path}/{from}.img {path}/{to}.img",
    effect: Effect::Guarded,
};

pub const TRASH: Verb = Verb {
    name: "trash",
    parameters: &["path", "identity", "id", "name", "size", "kept_name", "mark"],
    script: script!("scripts/trash.sh"),
    shown: "mv -nT -- {path}/{name}.img {path}/.vbs/trash/{id}.{lineage}.img",
    effect: Effect::Guarded,
};

/// Takes [`TRASH`] back, and is taken back by it.
pub const TAKE_OUT: Verb = Verb {
    name: "take_out",
    parameters: &["path", "identity", "id", "name", "size", "mark"],
    script: script!("scripts/take_out.sh"),
    shown: "mv -nT -- {path}/.vbs/trash/{id}.{lineage}.img {path}/{name}.img",
    effect: Effect::Guarded,
};

pub const PURGE: Verb = Verb {
    name: "purge",
    parameters: &["path", "identity", "id"],
    script: script!("scripts/purge.sh"),
    shown: "rm -f -- {path}/.vbs/{id}.json {path}/.vbs/trash/{id}.{lineage}.img",
    effect: Effect::Guarded,
};

/// Marks an image that somebody else made. Nothing is written into it.
pub const ADOPT: Verb = Verb {
    name: "adopt",
    parameters: &["path", "identity", "id", "name", "size", "found", "mark"],
    script: script!("scripts/adopt.sh"),
    shown: "stat -- {path}/{name}.img",
    effect: Effect::Guarded,
};

/// Takes [`ADOPT`] back.
pub const GIVE_BACK: Verb = Verb {
    name: "give_back",
    parameters: &["path", "identity", "id", "found"],
    script: script!("scripts/give_back.sh"),
    shown: "rm -f -- {path}/.vbs/{id}.json",
    effect: Effect::Guarded,
};

/// The first half of a restore in place.
pub const STAGE: Verb = Verb {
    name: "stage",
    parameters: &["path", "identity", "id", "name", "size", "mark", "source", "source_name"],
    script: script!("scripts/stage.sh"),
    shown: "cp --reflink=auto --sparse=always -- {path}/{source_name}.img {path}/.vbs/{id}.{lineage}.img",
    effect: Effect::Guarded,
};

/// The second half of a restore in place.
pub const SWAP: Verb = Verb {
    name: "swap",
    parameters: &["path", "identity", "id", "name", "size", "trash"],
    script: script!("scripts/swap.sh", "scripts/swapping.sh"),
    shown: "ln -T -- {path}/{name}.img {path}/.vbs/trash/{trash}.{lineage}.img && \
            mv -fT -- {path}/.vbs/{trash}.{lineage}.img {path}/{name}.img",
    effect: Effect::Guarded,
};

/// Takes [`SWAP`] back.
pub const SWAP_BACK: Verb = Verb {
    name: "swap_back",
    parameters: &["path", "identity", "id", "name", "trash"],
    script: script!("scripts/swap_back.sh", "scripts/swapping.sh"),
    shown: "ln -T -- {path}/{name}.img {path}/.vbs/{trash}.{lineage}.img && \
            mv -fT -- {path}/.vbs/trash/{trash}.{lineage}.img {path}/{name}.img",
    effect: Effect::Guarded,
};

/// The one question of a survey.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage"],
    script: script!("../store/scripts/marks.sh", "../store/scripts/look.sh", "scripts/survey.sh"),
    shown: "find {path} -mindepth 1 -maxdepth 1 -name '*.img' -ls",
    effect: Effect::Reads,
};

pub static ALL: [Verb; 18] = [
    JOIN, RELEASE, CREATE, COPY, DISCARD, GROW, SHRINK, RENAME, TRASH, TAKE_OUT, PURGE, ADOPT, GIVE_BACK,
    STAGE, UNSTAGE, SWAP, SWAP_BACK, SURVEY,
];
