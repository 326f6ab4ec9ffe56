//! What a plan promises of each pool, and whether the pool can keep it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diff::{Change, Decision, Diff};
use super::world::World;
use super::{PoolUse, RoomUse};
use crate::diag::Diagnostic;
use crate::model::container::Reserve;
use crate::model::{Address, Body, Bytes, Capacity, ContainerView, Kind, PoolPolicy, Record, Room};

/// Adds a row for each pool whose promises change, and an error for each that could not keep them.
pub fn check(world: &World<'_>, diff: &mut Diff) -> Vec<PoolUse> {
    let mut promised: BTreeMap<&Address, Promise> = BTreeMap::new();
    for change in diff.changes.values() {
        let Some(record) = change.after.as_ref().or(change.before.as_ref()) else { continue };
        let pool = &record.object.container;
        if pool.kind == Kind::Pool
            && let Some(capacity) = capacity(world, pool)
        {
            promised.entry(pool).or_insert_with(|| Promise::new(capacity)).count(change);
        }
    }
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for (pool, promise) in promised {
        let policy = world.desired.containers.get(pool).map(|spec| spec.policy.clone()).unwrap_or_default();
        problems.extend(promise.problems(pool, &policy));
        rows.extend(promise.row(pool));
    }
    diff.diagnostics.extend(problems);
    rows
}

/// What a plan asks of one pool.
struct Promise<'a> {
    capacity: &'a Capacity,
    more: Bytes,
    /// Only what is gone for good by the end of the run: trash counts as used.
    less: Bytes,
    /// Needed only while copies are made.
    meanwhile: Bytes,
    /// How many objects are made or grown.
    asks: usize,
    /// New objects.
    objects: u64,
    /// How many more chunks each room is asked for, in the order of the rooms.
    chunks: Vec<u64>,
}

impl<'a> Promise<'a> {
    fn new(capacity: &'a Capacity) -> Self {
        Promise {
            capacity,
            more: Bytes::ZERO,
            less: Bytes::ZERO,
            meanwhile: Bytes::ZERO,
            asks: 0,
            objects: 0,
            chunks: vec![0; capacity.rooms.len()],
        }
    }

    fn count(&mut self, change: &Change) {
        let promise =
            |record: &Option<Arc<Record>>| record.as_ref().map_or(Bytes::ZERO, |r| r.object.body.promise());
        let live = change.live.as_ref().map(|live| live.body.promise());
        match change.decision {
            Decision::Create | Decision::Replace => {
                self.add(promise(&change.after), true);
                if let Some(after) = &change.after {
                    self.count_copy(&after.object.body);
                }
            }
            Decision::Update => {
                let before = live.unwrap_or_else(|| promise(&change.before));
                let more = promise(&change.after).saturating_sub(before);
                if more > Bytes::ZERO {
                    self.add(more, false);
                }
            }
            // A thick volume takes its snapshot back by merging, in the space that both have.
            Decision::Restore { .. } if self.capacity.copies_by_snapshot => {}
            Decision::Restore { .. } => self.add(promise(&change.before), true),
            Decision::Destroy
                if change.before.as_ref().is_some_and(|r| matches!(r.object.body, Body::Snapshot(_))) =>
            {
                self.less = self.less.saturating_add(live.unwrap_or_default());
            }
            Decision::Destroy | Decision::Forget | Decision::Record => {}
        }
    }

    /// `bytes` more, by a new object or by one that grows.
    fn add(&mut self, bytes: Bytes, is_new: bool) {
        self.asks += 1;
        self.more = self.more.saturating_add(bytes);
        self.objects += u64::from(is_new);
        for (chunks, room) in self.chunks.iter_mut().zip(&self.capacity.rooms) {
            *chunks = chunks.saturating_add(room.chunks(bytes));
        }
    }

    /// Every room with what it is asked for at most.
    fn rooms(&self) -> impl Iterator<Item = (&'a Room, Bytes)> {
        let asked = |(room, chunks): (&'a Room, &u64)| (room, room.taken_by(self.objects, *chunks));
        self.capacity.rooms.iter().zip(&self.chunks).map(asked)
    }

    fn count_copy(&mut self, body: &Body) {
        if let Body::Volume(volume) = body
            && volume.source.as_ref().is_some_and(|source| source.address.kind == Kind::Volume)
            && self.capacity.copies_by_snapshot
        {
            self.meanwhile = self.meanwhile.saturating_add(volume.size);
        }
    }

    fn after(&self) -> Bytes {
        self.capacity.promised.saturating_add(self.more).saturating_sub(self.less)
    }

    fn row(&self, pool: &Address) -> Option<PoolUse> {
        let rooms = self.rooms().map(|(room, asked)| RoomUse {
            what: room.what.clone(),
            size: room.size,
            before: room.used,
            after: room.used.saturating_add(asked),
        });
        (self.after() != self.capacity.promised).then(|| PoolUse {
            pool: pool.clone(),
            size: self.capacity.size,
            before: self.capacity.promised,
            after: self.after(),
            rooms: rooms.collect(),
        })
    }

    fn problems(&self, pool: &Address, policy: &PoolPolicy) -> Vec<Diagnostic> {
        if self.asks == 0 {
            return Vec::new();
        }
        if let Some(why) = &self.capacity.closed {
            return vec![closed(pool, why)];
        }
        let mut problems: Vec<Diagnostic> =
            self.rooms().filter_map(|(room, asked)| full_room(pool, room, asked)).collect();
        problems.extend(self.too_much(pool, policy));
        problems
    }

    fn too_much(&self, pool: &Address, policy: &PoolPolicy) -> Option<Diagnostic> {
        if self.more == Bytes::ZERO {
            return None;
        }
        let capacity = self.capacity;
        // What is destroyed is gone only at the end of the run, and room is needed before.
        let peak = capacity.promised.saturating_add(self.more).saturating_add(self.meanwhile);
        let limit = limit(capacity, policy);
        if peak <= limit {
            return match &capacity.no_overcommit {
                Some(why) if peak > capacity.size => Some(overcommitted(pool, capacity, peak, why)),
                _ => None,
            };
        }
        let copying = match self.meanwhile {
            Bytes::ZERO => String::new(),
            meanwhile => format!(" and {meanwhile} for as long as it copies"),
        };
        Some(Diagnostic::error(
            "The pool cannot hold this",
            format!(
                "{pool} can promise {limit} (it has {} in all, {} free; reserve_free and max_overcommit applied). {} are \
                 promised already, trash included, and this plan adds {}{copying}, which makes {peak}. Make room (`vbs \
                 trash purge`), plan less, or raise max_overcommit if volumes never fill up.",
                capacity.size, capacity.free, capacity.promised, self.more
            ),
        ))
    }
}

pub(super) fn capacity<'a>(world: &World<'a>, pool: &Address) -> Option<&'a Capacity> {
    match world.live.get(pool)? {
        ContainerView::Fresh { capacity, .. } => capacity.as_ref(),
        ContainerView::Present(surveyed) => surveyed.capacity.as_ref(),
        ContainerView::Unsurveyed { .. } => None,
    }
}

/// What the pool's policy lets it promise in all.
pub fn limit(capacity: &Capacity, policy: &PoolPolicy) -> Bytes {
    let size = u128::from(capacity.size.0);
    let reserve = match policy.reserve_free {
        Reserve::Bytes(bytes) => u128::from(bytes.0),
        Reserve::Thousandths(part) => size * u128::from(part) / 1000,
    };
    let limit = size.saturating_sub(reserve) * u128::from(policy.max_overcommit_thousandths) / 1000;
    Bytes(u64::try_from(limit).unwrap_or(u64::MAX))
}

fn closed(pool: &Address, why: &str) -> Diagnostic {
    Diagnostic::error(
        "The pool takes nothing new",
        format!("{pool}: {why}. Nothing is made or grown in it until that is mended."),
    )
}

fn full_room(pool: &Address, room: &Room, asked: Bytes) -> Option<Diagnostic> {
    let after = room.used.saturating_add(asked);
    (asked > Bytes::ZERO && after > room.limit).then(|| {
        Diagnostic::error(
            "The pool cannot hold this",
            format!(
                "{pool} has {} of {}, of which {} are used and {} may be. This plan may take up to {asked} more, which \
                 makes {after}. Enlarge it, purge the trash, or plan less.",
                room.size, room.what, room.used, room.limit
            ),
        )
    })
}

fn overcommitted(pool: &Address, capacity: &Capacity, peak: Bytes, why: &str) -> Diagnostic {
    Diagnostic::error(
        "The pool must not promise more than it has",
        format!(
            "{pool} has {}, and {peak} would be promised. Its policy allows that, but {why}: when it ran full, writes \
             of every guest in it would fail. Mend that, or plan no more than there is.",
            capacity.size
        ),
    )
}
