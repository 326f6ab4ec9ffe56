//! What the state remembers.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Address;
use super::container::ContainerSpec;
use super::object::{Object, OnDestroy};
use std::collections::BTreeMap;

/// An object of ours: what was made, and what of its block must outlive the block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub object: Object,
    /// Survives the removal of the block: protection is lifted by setting it to false and applying.
    pub prevent_destroy: bool,
    pub on_destroy: OnDestroy,
    pub labels: BTreeMap<String, String>,
    /// Direct dependencies, for destroying after the blocks are gone.
    pub depends_on: Vec<Address>,
}

/// A pool or hypervisor that holds or held something of ours. Its identity is that of the object with its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRecord {
    pub spec: ContainerSpec,
    pub identity: Uuid,
    /// See [`super::object::ContainerBody::makes`].
    pub makes: Vec<String>,
}

/// A destroyed object whose data is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashEntry {
    /// The id under which the data lies in the trash. The object's own, except where a restore in place gave the
    /// object's id to the new content.
    pub id: Uuid,
    pub record: Record,
    /// To be purged by the run that follows the commit.
    pub purge: bool,
    /// Seconds since 1970, stamped when the run that trashed it committed; zero until then. For people and for
    /// `trash purge --expired` only.
    pub trashed_at: i64,
}

impl TrashEntry {
    /// As people are shown them: what was destroyed last comes first, and what went with one run by address.
    pub fn newest_first<'a>(entries: impl IntoIterator<Item = &'a TrashEntry>) -> Vec<&'a TrashEntry> {
        let mut entries: Vec<&TrashEntry> = entries.into_iter().collect();
        entries.sort_by(|a, b| {
            let times = b.trashed_at.cmp(&a.trashed_at);
            times.then_with(|| a.record.object.key.cmp(&b.record.object.key)).then_with(|| a.id.cmp(&b.id))
        });
        entries
    }

    /// When it has been kept for `retention` seconds, in seconds since 1970.
    pub fn expires_at(&self, retention: u64) -> i64 {
        self.trashed_at.saturating_add(i64::try_from(retention).unwrap_or(i64::MAX))
    }
}
