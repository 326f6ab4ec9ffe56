//! The room of a volume group or of a thin pool.

use super::read::Pool;
use super::report::{LogicalVolume, Segment};
use crate::model::{Bytes, Capacity, Room};

/// What a logical volume with its tags takes of its volume group's metadata, and a copy-on-write snapshot the most:
/// up to 900 bytes were measured (lvm2 2.03.16).
const METADATA_OF_A_VOLUME: Bytes = Bytes(1024);

/// What a thin volume takes of its pool's metadata as soon as it is written to: one block of 4 KiB was measured, and a
/// second one is for what its snapshots cannot share.
const THIN_METADATA_OF_A_VOLUME: Bytes = Bytes(8192);

/// What a chunk of a thin volume takes at most: 16 bytes in a node of the tree, and nodes are half full at least. 18
/// were measured where it was written from beginning to end.
const THIN_METADATA_OF_A_CHUNK: Bytes = Bytes(32);

/// In hundredths of a percent. Metadata that runs full is repaired offline; data that does fails writes of every guest.
const METADATA_LIMIT: u64 = 9000;
const DATA_LIMIT: u64 = 9500;

/// # Errors
/// A number that LVM did not tell.
pub(super) fn of(pool: &Pool<'_>) -> Result<Capacity, String> {
    match pool.thin {
        Some(thin) => of_thin(pool, thin),
        None => of_group(pool),
    }
}

/// `hundredths` of a percent of it.
pub(super) fn part(whole: Bytes, hundredths: u64) -> Bytes {
    let part = u128::from(whole.0) * u128::from(hundredths) / 10_000;
    Bytes(u64::try_from(part).unwrap_or(u64::MAX))
}

fn of_group(pool: &Pool<'_>) -> Result<Capacity, String> {
    let free = pool.vg.free()?;
    let mut allocated = Bytes::ZERO;
    for seen in pool.members().filter(|seen| seen.tags.is_marked) {
        allocated = allocated.saturating_add(seen.lv.size()?);
    }
    Ok(Capacity {
        rooms: vec![group_metadata(pool)?],
        closed: read_only(pool),
        unit: pool.vg.extent_size()?,
        copies_by_snapshot: true,
        ..Capacity::plain(free.saturating_add(allocated), free, allocated)
    })
}

fn group_metadata(pool: &Pool<'_>) -> Result<Room, String> {
    let (size, free) = pool.vg.metadata()?;
    Ok(Room {
        what: "volume group metadata".to_owned(),
        size,
        used: size.saturating_sub(free),
        limit: size,
        per_object: METADATA_OF_A_VOLUME,
        per_chunk: Bytes::ZERO,
        chunk: Bytes::ZERO,
        most_chunks: 0,
    })
}

fn read_only(pool: &Pool<'_>) -> Option<String> {
    (pool.vg.permissions == "read-only").then(|| format!("the volume group {} is read-only", pool.vg.name))
}

fn of_thin(pool: &Pool<'_>, thin: &LogicalVolume<'_>) -> Result<Capacity, String> {
    let size = thin.size()?;
    let mut promised = Bytes::ZERO;
    for seen in pool.members() {
        promised = promised.saturating_add(seen.lv.size()?);
    }
    let name = format!("{}/{}", pool.vg.name, thin.name());
    let segment = pool.group.segment(thin).ok_or_else(|| format!("LVM tells no chunk size of {name}"))?;
    let free = thin.data_used().map_or(Bytes::ZERO, |used| size.saturating_sub(part(size, used)));
    Ok(Capacity {
        rooms: vec![thin_metadata(thin, segment, free)?, group_metadata(pool)?],
        closed: read_only(pool).or_else(|| full_or_failed(&name, thin)),
        no_overcommit: (!segment.is_monitored()).then(|| {
            format!(
                "dmeventd does not watch {name}, so nobody would notice that it fills up (`lvchange --monitor y {name}`)"
            )
        }),
        unit: pool.vg.extent_size()?,
        ..Capacity::plain(size, free, promised)
    })
}

fn thin_metadata(thin: &LogicalVolume<'_>, segment: &Segment<'_>, free: Bytes) -> Result<Room, String> {
    let size = thin.metadata_size()?;
    let chunk = segment.chunk_size()?;
    Ok(Room {
        what: "thin metadata".to_owned(),
        size,
        used: part(size, thin.metadata_used().unwrap_or(0)),
        limit: part(size, METADATA_LIMIT),
        per_object: THIN_METADATA_OF_A_VOLUME,
        per_chunk: THIN_METADATA_OF_A_CHUNK,
        chunk,
        // A chunk that takes metadata takes data too, so more than the free ones cannot be asked for.
        most_chunks: free.0.checked_div(chunk.0).unwrap_or(0),
    })
}

/// Why a thin pool takes nothing, if so.
fn full_or_failed(name: &str, thin: &LogicalVolume<'_>) -> Option<String> {
    let (Some(data), Some(metadata)) = (thin.data_used(), thin.metadata_used()) else {
        return Some(format!("{name} is not active, so nobody knows how full it is (`lvchange -ay {name}`)"));
    };
    let full = |what: &str, used: u64, cure: &str| {
        Some(format!("{}.{:02} % of the {what} of {name} are used ({cure})", used / 100, used % 100))
    };
    // Its health is bad too then, and this is the cure.
    if !matches!(&*thin.check_needed, "" | "unknown") {
        return Some(format!(
            "{name} needs a check (`lvchange -an {name}`, then `lvconvert --repair {name}`)"
        ));
    }
    match &*thin.health {
        "" | "unknown" => {}
        health => {
            return Some(format!(
                "LVM says that the health of {name} is {health:?} (lvmthin(7) tells the cures)"
            ));
        }
    }
    if metadata >= METADATA_LIMIT {
        return full("metadata", metadata, &format!("`lvextend --poolmetadatasize +SIZE {name}`"));
    }
    if data >= DATA_LIMIT {
        return full("data", data, &format!("`lvextend -L +SIZE {name}`, or remove volumes"));
    }
    None
}
