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
    effect: Effect::TakesGuard,
};

pub const RELEASE: Verb = Verb {
    name: "release",
    parameters: &["path", "identity", "makes"],
    script: script!("../store/scripts/release.sh"),
    effect: Effect::TakesGuard,
};

pub const CREATE: Verb = Verb {
    name: "create",
    parameters: &["path", "identity", "id", "name", "size", "mark"],
    script: script!("scripts/create.sh"),
    effect: Effect::Guarded,
};

pub const COPY: Verb = Verb {
    name: "copy",
    parameters: &["path", "identity", "id", "name", "size", "mark", "source"],
    script: script!("scripts/copy.sh"),
    effect: Effect::Guarded,
};

/// Takes [`CREATE`], [`COPY`] and [`STAGE`] back.
pub const DISCARD: Verb = Verb {
    name: "discard",
    parameters: &["path", "identity", "id", "name"],
    script: script!("scripts/discard.sh"),
    effect: Effect::Guarded,
};

pub const GROW: Verb = Verb {
    name: "grow",
    parameters: &["path", "identity", "id", "name", "from", "to"],
    script: script!("scripts/grow.sh"),
    effect: Effect::Guarded,
};

/// Takes [`GROW`] back.
pub const SHRINK: Verb = Verb {
    name: "shrink",
    parameters: &["path", "identity", "id", "name", "from", "to"],
    script: script!("scripts/shrink.sh"),
    effect: Effect::Guarded,
};

pub const RENAME: Verb = Verb {
    name: "rename",
    parameters: &["path", "identity", "id", "size", "from", "to"],
    script: script!("scripts/rename.sh"),
    effect: Effect::Guarded,
};

pub const TRASH: Verb = Verb {
    name: "trash",
    parameters: &["path", "identity", "id", "name", "size", "kept_name", "mark"],
    script: script!("scripts/trash.sh"),
    effect: Effect::Guarded,
};

/// Takes [`TRASH`] back, and is taken back by it.
pub const TAKE_OUT: Verb = Verb {
    name: "take_out",
    parameters: &["path", "identity", "id", "name", "size", "mark"],
    script: script!("scripts/take_out.sh"),
    effect: Effect::Guarded,
};

pub const PURGE: Verb = Verb {
    name: "purge",
    parameters: &["path", "identity", "id"],
    script: script!("scripts/purge.sh"),
    effect: Effect::Guarded,
};

/// The first half of a restore in place.
pub const STAGE: Verb = Verb {
    name: "stage",
    parameters: &["path", "identity", "id", "name", "size", "mark", "source"],
    script: script!("scripts/stage.sh"),
    effect: Effect::Guarded,
};

/// The second half of a restore in place.
pub const SWAP: Verb = Verb {
    name: "swap",
    parameters: &["path", "identity", "id", "name", "size", "trash"],
    script: script!("scripts/swap.sh", "scripts/swapping.sh"),
    effect: Effect::Guarded,
};

/// Takes [`SWAP`] back.
pub const SWAP_BACK: Verb = Verb {
    name: "swap_back",
    parameters: &["path", "identity", "id", "name", "trash"],
    script: script!("scripts/swap_back.sh", "scripts/swapping.sh"),
    effect: Effect::Guarded,
};

/// The one question of a survey.
pub const SURVEY: Verb = Verb {
    name: "survey",
    parameters: &["path", "lineage"],
    script: script!("../store/scripts/marks.sh", "../store/scripts/look.sh", "scripts/survey.sh"),
    effect: Effect::Reads,
};

pub static ALL: [Verb; 15] = [
    JOIN, RELEASE, CREATE, COPY, DISCARD, GROW, SHRINK, RENAME, TRASH, TAKE_OUT, PURGE, STAGE, SWAP,
    SWAP_BACK, SURVEY,
];
