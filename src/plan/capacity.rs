//! What a plan promises of each pool, and whether the pool can keep it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::PoolUse;
use super::diff::{Change, Decision, Diff};
use super::world::World;
use crate::diag::Diagnostic;
use crate::model::container::Reserve;
use crate::model::observed::Capacity;
use crate::model::{Address, Body, Bytes, ContainerView, Kind, PoolPolicy, Record};

/// Adds a row for each pool whose promises change, and an error for each that could not keep them.
pub fn check(world: &World<'_>, diff: &mut Diff) -> Vec<PoolUse> {
    let mut promised: BTreeMap<&Address, Promise> = BTreeMap::new();
    for change in diff.changes.values() {
        let Some(record) = change.after.as_ref().or(change.before.as_ref()) else { continue };
        if record.object.container.kind == Kind::Pool {
            promised.entry(&record.object.container).or_default().count(change);
        }
    }
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for (pool, promise) in promised {
        let Some(capacity) = capacity(world, pool) else { continue };
        let after = capacity.promised.saturating_add(promise.more).saturating_sub(promise.less);
        if promise.more > Bytes::ZERO {
            let policy = world.desired.containers.get(pool).map(|spec| &spec.policy);
            problems.extend(refuse(pool, capacity, promise.more, policy));
        }
        if after != capacity.promised {
            rows.push(PoolUse { pool: pool.clone(), size: capacity.size, before: capacity.promised, after });
        }
    }
    diff.diagnostics.extend(problems);
    rows
}

#[derive(Default)]
struct Promise {
    more: Bytes,
    /// Only what is gone for good by the end of the run: trash counts as used.
    less: Bytes,
}

impl Promise {
    fn count(&mut self, change: &Change) {
        let size =
            |record: &Option<Arc<Record>>| record.as_ref().map_or(Bytes::ZERO, |r| r.object.body.size());
        let live = change.live.as_ref().map(|live| live.body.size());
        match change.decision {
            Decision::Create | Decision::Replace => self.more = self.more.saturating_add(size(&change.after)),
            Decision::Update => {
                let before = live.unwrap_or_else(|| size(&change.before));
                self.more = self.more.saturating_add(size(&change.after).saturating_sub(before));
            }
            Decision::Restore { .. } => self.more = self.more.saturating_add(size(&change.before)),
            Decision::Destroy
                if change.before.as_ref().is_some_and(|r| matches!(r.object.body, Body::Snapshot(_))) =>
            {
                self.less = self.less.saturating_add(live.unwrap_or_default());
            }
            Decision::Destroy | Decision::Forget | Decision::Record => {}
        }
    }
}

fn capacity(world: &World<'_>, pool: &Address) -> Option<Capacity> {
    match world.live.get(pool)? {
        ContainerView::Fresh { capacity, .. } => *capacity,
        ContainerView::Present(surveyed) => surveyed.capacity,
        ContainerView::Unsurveyed { .. } => None,
    }
}

/// What the pool's policy lets it promise in all.
pub fn limit(capacity: Capacity, policy: &PoolPolicy) -> Bytes {
    let size = u128::from(capacity.size.0);
    let reserve = match policy.reserve_free {
        Reserve::Bytes(bytes) => u128::from(bytes.0),
        Reserve::Thousandths(part) => size * u128::from(part) / 1000,
    };
    let limit = size.saturating_sub(reserve) * u128::from(policy.max_overcommit_thousandths) / 1000;
    Bytes(u64::try_from(limit).unwrap_or(u64::MAX))
}

fn refuse(
    pool: &Address,
    capacity: Capacity,
    more: Bytes,
    policy: Option<&PoolPolicy>,
) -> Option<Diagnostic> {
    let default = PoolPolicy::default();
    let limit = limit(capacity, policy.unwrap_or(&default));
    let after = capacity.promised.saturating_add(more);
    (after > limit).then(|| {
        Diagnostic::error(
            "The pool cannot hold this",
            format!(
                "{pool} can promise {limit} (it has {} in all, {} free; reserve_free and max_overcommit applied). {} are \
                 promised already, trash included, and this plan adds {more}, which makes {after}. Make room (`vbs trash \
                 purge`), plan less, or raise max_overcommit if volumes never fill up.",
                capacity.size, capacity.free, capacity.promised
            ),
        )
    })
}
