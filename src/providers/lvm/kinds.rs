//! The block `pool "lvm"` as data: its attributes, which names LVM takes, and what it makes of sizes.

use uuid::Uuid;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::command::GuardDirectory;
use crate::model::schema::{Attribute, AttributeType, ProviderSchema};
use crate::model::{Body, Bytes, ContainerSpec, Kind};
use crate::providers::needs::{Needs, Tool};

pub const NAME: &str = "lvm";

/// Names of ours that are no volume's own name; what follows is the id.
pub const TRASH: &str = "vbs_trash.";
/// A copy that waits to be swapped in.
pub const STAGED: &str = "vbs_stage.";
/// The snapshot that a thick copy is read from.
pub const COPIED: &str = "vbs_copy.";
/// Wiped, and waiting to be removed.
pub const WIPED: &str = "vbs_wiped.";

/// Bytes of a device-mapper name: volume group and logical volume with every dash doubled, a dash between them, and
/// behind them `-real` or `-cow` (lvm2 2.03.16, `DM_NAME_LEN` without its NUL, and lib/activate/dev_manager.c).
const LONGEST: usize = 127;
const LONGEST_SUFFIX: usize = "-real".len();

/// `lib/misc/lvm-string.c` of lvm2 2.03.16.
const RESERVED_PREFIXES: [&str; 2] = ["snapshot", "pvmove"];
const RESERVED_PARTS: [&str; 18] = [
    "_cdata",
    "_cmeta",
    "_corig",
    "_cpool",
    "_cvol",
    "_wcorig",
    "_mimage",
    "_mlog",
    "_rimage",
    "_rmeta",
    "_tdata",
    "_tmeta",
    "_vdata",
    "_vorigin",
    "_imeta",
    "_iorig",
    "_pmspare",
    "_integrity",
];

pub static NEEDS: Needs = Needs {
    script: include_str!("scripts/needs.sh"),
    tools: &[Tool {
        name: "lvm2",
        called: "lvm2",
        minimum: "2.03.11",
        todo: "Install lvm2, or a newer one.",
    }],
};

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        attributes: vec![
            Attribute {
                name: "volume_group",
                kind: AttributeType::Text,
                required: true,
                default: None,
                doc: "The volume group, which must exist.",
            },
            Attribute {
                name: "thin_pool",
                kind: AttributeType::Text,
                required: false,
                default: None,
                doc: "The thin pool in it, which must exist. Without it volumes are thick.",
            },
        ],
        doc: "Volumes and snapshots are logical volumes of a volume group, thick or in a thin pool.",
        // Extents are the volume group's own: sizes are rounded up to them once it has been looked at.
        allocation_unit: Bytes(512),
        check_name: |container, name| check_name(container.text("volume_group"), name),
        without_effect,
        occupies,
        volume_path: |container, name, _: Uuid| format!("/dev/{}/{name}", container.text("volume_group")),
        ..ProviderSchema::of(Kind::Pool, NAME)
    }
}

/// `/var/lib/vbs/guard/vg/<volume group>/thick` or `…/thin.<thin pool>`: two pools of one volume group are joined and
/// left apart from each other.
pub fn guard(container: &ContainerSpec) -> GuardDirectory {
    let place = match container.text("thin_pool") {
        "" => "thick".to_owned(),
        pool => format!("thin.{pool}"),
    };
    GuardDirectory(format!("/var/lib/vbs/guard/vg/{}/{place}", container.text("volume_group")))
}

pub fn is_thin(container: &ContainerSpec) -> bool {
    !container.text("thin_pool").is_empty()
}

/// What is wrong with the names of volume group and thin pool.
pub fn check(container: &ContainerSpec) -> Diagnostics {
    let mut problems = Diagnostics::new();
    for (attribute, name) in ["volume_group", "thin_pool"].map(|name| (name, container.text(name))) {
        if attribute == "thin_pool" && name.is_empty() && !container.settings.contains_key(attribute) {
            continue;
        }
        if let Err(why) = check_characters(name) {
            problems.push(Diagnostic::error(
                "Invalid name of a volume group or thin pool",
                format!("{}: {attribute} cannot be {name:?}: {why}", container.address),
            ));
        }
    }
    let group = container.text("volume_group");
    // The longest name of ours is that of what lies in the trash.
    let ours = format!("{TRASH}{}", Uuid::nil());
    if problems.is_empty() && mapped_length(group, &ours) > LONGEST {
        problems.push(Diagnostic::error(
            "Invalid name of a volume group or thin pool",
            format!(
                "{}: with the volume group {group:?} and every dash counted twice, names like {ours} do not fit into \
                 device-mapper's {LONGEST} bytes. `vgrename` gives it a shorter name.",
                container.address
            ),
        ));
    }
    problems
}

/// Why a logical volume of this group cannot have this name, if it cannot.
///
/// # Errors
/// In a sentence for people.
pub fn check_name(volume_group: &str, name: &str) -> Result<(), String> {
    check_characters(name)?;
    let length = mapped_length(volume_group, name);
    if length > LONGEST {
        return Err(format!(
            "{name:?} is too long: with its volume group {volume_group:?}, and every dash counted twice, it takes {length} \
             bytes of device-mapper's {LONGEST}."
        ));
    }
    if let Some(prefix) = RESERVED_PREFIXES.into_iter().find(|prefix| name.starts_with(prefix)) {
        return Err(format!("{name:?} begins with {prefix:?}, which LVM keeps for itself."));
    }
    if let Some(part) = RESERVED_PARTS.into_iter().find(|part| name.contains(part)) {
        return Err(format!("{name:?} holds {part:?}, which LVM keeps for itself."));
    }
    match [TRASH, STAGED, COPIED, WIPED].into_iter().find(|prefix| name.starts_with(prefix)) {
        Some(prefix) => Err(format!("{name:?} begins with {prefix:?}, which vbs keeps for itself.")),
        None => Ok(()),
    }
}

/// How long the longest device-mapper name of a logical volume is.
fn mapped_length(volume_group: &str, name: &str) -> usize {
    let dashes = [volume_group, name].map(|text| text.matches('-').count());
    volume_group.len() + name.len() + dashes[0] + dashes[1] + 1 + LONGEST_SUFFIX
}

fn without_effect(container: &ContainerSpec, attribute: &str) -> Option<&'static str> {
    if !is_thin(container) {
        return None;
    }
    match attribute {
        "wipe" => Some(
            "A thin pool clears every chunk before a volume can read it (unless it was made with `lvcreate -Zn`), so `wipe` \
             has no effect. Remove the line; where the bytes must be gone from the disk itself, encrypt it.",
        ),
        "reserve" => Some(
            "A thin snapshot takes space from its pool as it needs it, so `reserve` has no effect. Remove the line.",
        ),
        _ => None,
    }
}

/// The thick volumes of a volume group, or one thin pool in it.
fn occupies(container: &ContainerSpec) -> (&'static str, String) {
    let group = container.text("volume_group");
    match container.text("thin_pool") {
        "" => ("volume_group", format!("the volume group {group}")),
        pool => ("thin_pool", format!("the thin pool {group}/{pool}")),
    }
}

fn check_characters(name: &str) -> Result<(), String> {
    if name.is_empty() || matches!(name, "." | "..") {
        return Err(format!("{name:?} is no name."));
    }
    if name.starts_with('-') {
        return Err(format!("{name:?} begins with a dash, which tools take for an option."));
    }
    match name.chars().find(|c| !c.is_ascii_alphanumeric() && !"+_.-".contains(*c)) {
        Some(c) => Err(format!("{name:?} holds {c:?}; LVM takes letters, digits and + _ . - only.")),
        None if name.len() > 127 => Err(format!("{name:?} has more than 127 bytes.")),
        None => Ok(()),
    }
}

/// Rounds sizes up to whole extents, and sets space aside for thick snapshots.
pub fn fit(container: &ContainerSpec, extent: Bytes, body: &mut Body) {
    let round = |size: Bytes| size.round_up(extent).unwrap_or(size);
    match body {
        Body::Volume(volume) => volume.size = round(volume.size),
        Body::Snapshot(snapshot) => {
            snapshot.size = round(snapshot.size);
            snapshot.reserve = if is_thin(container) {
                None
            } else {
                let whole = whole_reserve(snapshot.size);
                Some(round(snapshot.reserve.unwrap_or(whole).min(whole)))
            };
        }
        _ => {}
    }
}

/// What a thick snapshot can take at most: every chunk of 4 KiB of its origin, 16 bytes of bookkeeping for each, and
/// the header and a last block of it (lvm2 2.03.16, chunks of the default size).
pub fn whole_reserve(origin: Bytes) -> Bytes {
    const CHUNK: u64 = 4096;
    let chunks = origin.0.div_ceil(CHUNK);
    let exceptions_a_chunk = CHUNK / 16;
    let bookkeeping = chunks.div_ceil(exceptions_a_chunk) + 2;
    Bytes(chunks.saturating_add(bookkeeping).saturating_mul(CHUNK))
}
