//! Every script that is run for a volume group.

use super::survey::SURVEY;
use crate::model::command::{Effect, Verb};

/// A script, the last one named, behind what it builds upon.
macro_rules! script {
    ($($name:literal),+) => {
        concat!(include_str!("scripts/lvm.sh"), $(include_str!(concat!("scripts/", $name)),)+)
    };
}

/// A verb with the parameters that all have, and its own.
macro_rules! verb {
    ($name:literal, $effect:ident, [$($parameter:literal),*], [$($script:literal),+], $shown:literal) => {
        Verb {
            name: $name,
            parameters: &["vg", "pool", "identity" $(, $parameter)*],
            script: script!($($script),+),
            shown: $shown,
            effect: Effect::$effect,
        }
    };
}

pub const JOIN: Verb = verb!("join", TakesGuard, [], ["join.sh"], "vgs -o vg_name,vg_uuid {vg}");

pub const RELEASE: Verb =
    verb!("release", TakesGuard, ["guard"], ["release.sh"], "rm -f -- {guard}/epoch.{lineage}");

pub const CREATE: Verb = verb!(
    "create",
    Guarded,
    ["id", "name", "size", "mark"],
    ["create.sh"],
    "lvcreate --yes -Wy -Zy -n {name} -L {size}b {vg}"
);

pub const CREATE_THIN: Verb = verb!(
    "create_thin",
    Guarded,
    ["id", "name", "size", "mark"],
    ["create.sh"],
    "lvcreate --yes --type thin -n {name} -V {size}b --thinpool {pool} {vg}"
);

pub const SNAPSHOT: Verb = verb!(
    "snapshot",
    Guarded,
    ["id", "name", "reserve", "mark", "source", "source_name"],
    ["source.sh", "snapshot.sh"],
    "lvcreate --yes -s -pr -n {name} -L {reserve}b {vg}/{source_name}"
);

pub const SNAPSHOT_THIN: Verb = verb!(
    "snapshot_thin",
    Guarded,
    ["id", "name", "reserve", "mark", "source", "source_name"],
    ["source.sh", "snapshot.sh"],
    "lvcreate --yes -s -kn -ay -pr -n {name} {vg}/{source_name}"
);

/// A thin volume from a volume or snapshot; under a name of ours it is the first half of a restore in place.
pub const CLONE: Verb = verb!(
    "clone",
    Guarded,
    ["id", "name", "size", "mark", "source", "source_name"],
    ["source.sh", "clone.sh"],
    "lvcreate --yes -s -kn -ay -n {name} {vg}/{source_name}"
);

/// The first half of a thick copy.
pub const PREPARE: Verb = verb!(
    "prepare",
    Guarded,
    ["id", "name", "size", "mark", "source", "source_name", "reserve"],
    ["source.sh", "prepare.sh"],
    "lvcreate --yes -Wy -Zy -n {name} -L {size}b --addtag vbs.filling {vg}"
);

/// The second half: sent again until all is copied.
pub const FILL: Verb = verb!(
    "fill",
    TakesGuard,
    ["id", "name", "size", "source", "source_name", "reserve", "copied"],
    ["source.sh", "long.sh", "fill.sh"],
    "dd if=/dev/{vg}/{source_name} of=/dev/{vg}/{name} bs=4M conv=notrunc,fsync"
);

/// Takes everything back that makes something. What is shown is what it does in doubt: a command that is pasted loses
/// nothing.
pub const DISCARD: Verb = verb!(
    "discard",
    Guarded,
    ["id", "name"],
    ["long.sh", "discard.sh"],
    "lvrename {vg} {name} vbs_trash.{id}"
);

pub const GROW: Verb =
    verb!("grow", Guarded, ["id", "name", "from", "to"], ["grow.sh"], "lvextend --yes -L {to}b {vg}/{name}");

/// Takes [`GROW`] back.
pub const SHRINK: Verb = verb!(
    "shrink",
    Guarded,
    ["id", "name", "from", "to"],
    ["shrink.sh"],
    "lvreduce --yes --force -L {to}b {vg}/{name}"
);

pub const RENAME: Verb = verb!(
    "rename",
    Guarded,
    ["id", "size", "from", "to", "name_tag"],
    ["rename.sh"],
    "lvrename {vg} {from} {to}"
);

pub const TRASH: Verb = verb!(
    "trash",
    Guarded,
    ["id", "name", "size", "mark"],
    ["trash.sh"],
    "lvrename {vg} {name} vbs_trash.{id}"
);

/// Takes [`TRASH`] back, and is taken back by it.
pub const TAKE_OUT: Verb = verb!(
    "take_out",
    Guarded,
    ["id", "name", "size", "mark"],
    ["take_out.sh"],
    "lvrename {vg} vbs_trash.{id} {name}"
);

/// Overwrites what lies in the trash with zeros: sent again until all is.
pub const WIPE: Verb = verb!(
    "wipe",
    TakesGuard,
    ["id", "how"],
    ["long.sh", "wipe.sh"],
    "blkdiscard -z -- /dev/{vg}/vbs_trash.{id}"
);

/// Lets the disks below forget it.
pub const DISCARD_BLOCKS: Verb = verb!(
    "discard_blocks",
    TakesGuard,
    ["id", "how"],
    ["long.sh", "wipe.sh"],
    "blkdiscard -- /dev/{vg}/vbs_trash.{id}"
);

pub const REMOVE: Verb = verb!("remove", Guarded, ["names"], ["remove.sh"], "lvremove --yes {names...}");

/// The second half of a restore in a thin pool.
pub const SWAP: Verb = verb!(
    "swap",
    Guarded,
    ["id", "name", "size", "uuid", "trash", "mark", "former_mark"],
    ["swapping.sh", "swap.sh"],
    "lvrename {vg} {name} vbs_trash.{trash} && lvrename {vg} vbs_stage.{trash} {name}"
);

/// Takes [`SWAP`] back.
pub const SWAP_BACK: Verb = verb!(
    "swap_back",
    Guarded,
    ["id", "name", "uuid", "trash", "mark", "former_mark"],
    ["swapping.sh", "swap_back.sh"],
    "lvrename {vg} {name} vbs_stage.{trash} && lvrename {vg} vbs_trash.{trash} {name}"
);

/// A restore of a thick volume: sent again until it is merged.
pub const MERGE: Verb = verb!(
    "merge",
    TakesGuard,
    ["id", "name", "size", "snapshot", "snapshot_name", "fresh", "reserve", "mark"],
    ["long.sh", "merge.sh"],
    "lvconvert --yes --mergesnapshot {vg}/{snapshot_name}"
);

pub const ADOPT: Verb = verb!(
    "adopt",
    Guarded,
    ["id", "name", "size", "reference", "mark"],
    ["adopt.sh"],
    "lvchange --addtag vbs --addtag vbs.lineage={lineage} {vg}/{name}"
);

/// Takes [`ADOPT`] back.
pub const GIVE_BACK: Verb = verb!(
    "give_back",
    Guarded,
    ["id", "name"],
    ["give_back.sh"],
    "lvchange --deltag vbs --deltag vbs.lineage={lineage} {vg}/{name}"
);

pub static ALL: [Verb; 24] = [
    JOIN,
    SURVEY,
    RELEASE,
    CREATE,
    CREATE_THIN,
    SNAPSHOT,
    SNAPSHOT_THIN,
    CLONE,
    PREPARE,
    FILL,
    DISCARD,
    GROW,
    SHRINK,
    RENAME,
    TRASH,
    TAKE_OUT,
    WIPE,
    DISCARD_BLOCKS,
    REMOVE,
    SWAP,
    SWAP_BACK,
    MERGE,
    ADOPT,
    GIVE_BACK,
];
