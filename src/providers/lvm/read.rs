//! What a survey of a volume group means for one pool.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::capacity;
use super::kinds::{self, STAGED, TRASH, WIPED};
use super::report::{Group, LogicalVolume, Report, VolumeGroup};
use super::tags::Tags;
use crate::model::command::Answer;
use crate::model::{Bytes, ContainerView, Health, Observed, Place, Stranger, Surveyed};
use crate::providers::Scope;
use crate::providers::store::replaced;

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    let read = match answers {
        [answer] => Report::parse(answer)
            .map_err(|why| format!("{}: {why}", scope.container.host))
            .and_then(|report| understand(scope, &report)),
        _ => Err(format!("{} answers came to one question", answers.len())),
    };
    read.map_or_else(|why| ContainerView::Unsurveyed { why }, ContainerView::Present)
}

/// One logical volume with what its tags say.
pub(super) struct Seen<'r> {
    pub lv: &'r LogicalVolume<'r>,
    pub tags: Tags,
}

/// A pool in a report: a volume group, or a thin pool in one.
pub(super) struct Pool<'r> {
    pub group: &'r Group<'r>,
    pub vg: &'r VolumeGroup<'r>,
    /// Nothing where volumes are thick.
    pub thin: Option<&'r LogicalVolume<'r>>,
    /// Everything in the volume group, hidden and foreign things too.
    pub all: Vec<Seen<'r>>,
}

fn understand(scope: &Scope<'_>, report: &Report<'_>) -> Result<Surveyed, String> {
    let pool = Pool::find(scope, report)?;
    let identity = pool.identity();
    if let Some(recorded) = scope.identity.filter(|recorded| *recorded != identity) {
        return Err(format!(
            "{} is another one than was recorded ({recorded}): it was made again under the same name, or other disks are \
             connected. Its UUID is {} now",
            pool.called(),
            pool.thin.map_or(pool.group.uuid(), |thin| &thin.uuid)
        ));
    }
    let epoch = match report.epochs.get(kinds::guard(scope.container).0.as_str()) {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| format!("its epoch is {text:?}, which is no number"))?),
    };
    let snapshots = pool.snapshots();
    let objects = pool.members().filter_map(|seen| seen.observed(&snapshots).transpose());
    Ok(Surveyed {
        vms: BTreeMap::new(),
        identity,
        makes: Vec::new(),
        epoch,
        objects: objects.collect::<Result<_, _>>()?,
        foreign: pool.foreign(scope),
        capacity: Some(capacity::of(&pool)?),
        strangers: pool.strangers(scope.lineage)?,
    })
}

impl<'r> Pool<'r> {
    /// # Errors
    /// Why it cannot be worked with, and what to do.
    fn find(scope: &Scope<'_>, report: &'r Report<'r>) -> Result<Self, String> {
        let name = scope.container.text("volume_group");
        let group = report.group(name)?;
        let vg = group.about().ok_or_else(|| format!("LVM tells nothing of the volume group {name}"))?;
        usable(report, group, vg)?;
        let all = group.volumes.iter().map(|lv| Seen { lv, tags: Tags::read(&lv.tags) }).collect();
        let mut pool = Pool { group, vg, thin: None, all };
        let thin = scope.container.text("thin_pool");
        if !thin.is_empty() {
            pool.thin = Some(pool.thin_pool(thin)?);
            if !report.has_thin_check {
                return Err(
                    "thin_check is missing, without which LVM does not activate thin pools: install \
                            thin-provisioning-tools (device-mapper-persistent-data in Red Hat's systems)"
                        .to_owned(),
                );
            }
        }
        Ok(pool)
    }

    fn thin_pool(&self, name: &str) -> Result<&'r LogicalVolume<'r>, String> {
        let group = &self.vg.name;
        match self.group.volumes.iter().find(|lv| lv.name() == name) {
            Some(lv) if lv.is_thin_pool() => Ok(lv),
            Some(lv) => Err(format!("{name} in the volume group {group} is no thin pool, but {}", lv.layout)),
            None => Err(format!(
                "the volume group {group} has no thin pool {name}. vbs makes none; `lvcreate --type thin-pool -L SIZE -n \
                 {name} {group}` does"
            )),
        }
    }

    fn called(&self) -> String {
        match self.thin {
            Some(thin) => format!("the thin pool {}/{}", self.vg.name, thin.name()),
            None => format!("the volume group {}", self.vg.name),
        }
    }

    /// Follows from the UUIDs that LVM gave: renaming it changes nothing, and one made again is another.
    fn identity(&self) -> Uuid {
        let mut hash = Sha256::new();
        hash.update("vbs lvm:");
        hash.update(self.group.uuid());
        if let Some(thin) = self.thin {
            hash.update(":");
            hash.update(thin.uuid.as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash.finalize()).for_each(|(byte, hashed)| *byte = hashed);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// What lies in this pool, whoever made it.
    pub(super) fn members(&self) -> impl Iterator<Item = &Seen<'r>> {
        let thin = self.thin.map(LogicalVolume::name);
        self.all.iter().filter(move |seen| seen.lv.thin_pool() == thin && !seen.lv.is_thin_pool())
    }

    /// How many copy-on-write snapshots each origin has.
    fn snapshots(&self) -> BTreeMap<&str, usize> {
        let mut snapshots = BTreeMap::new();
        for seen in self.all.iter().filter(|seen| seen.lv.is_thick_snapshot()) {
            *snapshots.entry(&*seen.lv.origin_uuid).or_default() += 1;
        }
        snapshots
    }

    /// The wanted names that something else has: logical volumes of all pools in a volume group share their names.
    fn foreign(&self, scope: &Scope<'_>) -> BTreeSet<String> {
        let ours: BTreeSet<&str> = self
            .members()
            .filter(|seen| seen.is_object_of(scope.lineage))
            .map(|seen| &*seen.lv.uuid)
            .collect();
        let others = self.all.iter().filter(|seen| !ours.contains(&*seen.lv.uuid));
        others
            .map(|seen| seen.lv.name())
            .filter(|name| scope.wanted.contains(*name))
            .map(str::to_owned)
            .collect()
    }

    fn strangers(&self, lineage: Uuid) -> Result<Vec<Stranger>, String> {
        let thin = self.thin.map(LogicalVolume::name);
        (self.all.iter())
            .filter(|seen| !seen.lv.is_hidden() && seen.lv.thin_pool() == thin)
            .filter(|seen| thin.is_none() || !seen.lv.is_thin_pool())
            .filter(|seen| !seen.is_object_of(lineage) && !seen.is_helper_of(lineage))
            .map(|seen| seen.stranger(&self.vg.name))
            .collect()
    }
}

/// # Errors
/// Why nothing may be concluded from what the report says of this group, and what to do.
fn usable(report: &Report<'_>, group: &Group<'_>, vg: &VolumeGroup<'_>) -> Result<(), String> {
    let name = &vg.name;
    if vg.missing != "0" {
        let gone = group.devices.iter().filter(|device| device.missing == "missing");
        let gone: Vec<&str> = gone.map(|device| &*device.uuid).collect();
        return Err(format!(
            "the volume group {name} is not whole: {} missing ({}). Connect them, then run `vgextend \
             --restoremissing {name} DISK` if LVM still misses them",
            if gone.len() == 1 {
                "one of its disks is".to_owned()
            } else {
                format!("{} of its disks are", gone.len())
            },
            gone.join(", ")
        ));
    }
    if !vg.exported.is_empty() {
        return Err(format!(
            "the volume group {name} is exported, for another machine to take it over. If it is to be used here, run \
             `vgimport {name}`"
        ));
    }
    if !matches!(&*vg.lock_type, "" | "none") {
        return Err(format!(
            "the volume group {name} is shared between hosts and locked by lvmlockd ({}), which vbs does not work with",
            vg.lock_type
        ));
    }
    if let Some((one, other)) = report.seen_twice(group) {
        return Err(format!(
            "a disk of the volume group {name} is seen twice, as {one} and as {other}, and LVM changes nothing in it until \
             one of the two is hidden (devices/global_filter in lvm.conf, or `lvmdevices`)"
        ));
    }
    if report.status != 0 {
        return Err(format!(
            "LVM ended with status {}, so what it left out is not known: {}",
            report.status, report.said
        ));
    }
    Ok(())
}

impl Seen<'_> {
    fn is_object_of(&self, lineage: Uuid) -> bool {
        self.tags.lineage == Some(lineage) && self.tags.id().is_some()
    }

    fn is_helper_of(&self, lineage: Uuid) -> bool {
        self.tags.lineage == Some(lineage) && self.tags.helper.is_some()
    }

    /// The object that it is marked as, whoever's it is.
    fn observed(&self, snapshots: &BTreeMap<&str, usize>) -> Result<Option<Observed>, String> {
        let lv = self.lv;
        let place = self.place();
        let name = match (&self.tags.name, place) {
            (Some(name), Place::Trash | Place::Staged) => name,
            _ => lv.name(),
        };
        let (size, reserve) = self.sizes()?;
        let (Some(mark), Some(body)) = (self.tags.mark(), self.tags.body(name, size, reserve)) else {
            return Ok(None);
        };
        let notes = self.notes(snapshots)?;
        Ok(Some(Observed { mark, place, body, health: self.health(place), open: lv.is_open(), notes }))
    }

    fn place(&self) -> Place {
        let name = self.lv.name();
        if name.starts_with(TRASH) {
            Place::Trash
        } else if self.tags.filling || [STAGED, WIPED].iter().any(|prefix| name.starts_with(prefix)) {
            Place::Staged
        } else {
            Place::Live
        }
    }

    /// Its size, and the space that a thick snapshot has for what changes in its origin.
    fn sizes(&self) -> Result<(Bytes, Option<Bytes>), String> {
        let size = self.lv.size()?;
        if self.lv.is_thick_snapshot() { Ok((self.lv.origin_size()?, Some(size))) } else { Ok((size, None)) }
    }

    fn health(&self, place: Place) -> Health {
        let (lv, tags) = (self.lv, &self.tags);
        let broken = |why: &str| Health::Broken { why: why.to_owned() };
        if tags.snapshot.is_some() && (tags.volume.is_some() || tags.source.is_none()) {
            return replaced(
                "a logical volume whose tags were altered: they do not say what it is a snapshot of",
            );
        }
        let is_thin = lv.thin_pool().is_some();
        if tags.snapshot.is_some() && place == Place::Live && !is_thin && !lv.is_thick_snapshot() {
            return replaced("a logical volume that is no snapshot any more");
        }
        if tags.wiping {
            return broken("it was wiped, in part or as a whole");
        }
        if lv.invalid == "snapshot invalid" {
            return broken("more was written to its volume than its reserve holds, and its content is lost");
        }
        if lv.merge_failed == "merge failed" {
            return broken("merging a snapshot failed, so its content is neither the old nor the new one");
        }
        if lv.is_hidden() && lv.merging == "merging" {
            return broken("it is being merged into its volume, and ends with that");
        }
        if lv.health == "failed" {
            return broken("its thin pool has failed");
        }
        Health::Good
    }

    fn notes(&self, snapshots: &BTreeMap<&str, usize>) -> Result<BTreeMap<String, String>, String> {
        let lv = self.lv;
        let active = if lv.is_active() { "yes" } else { "no" };
        let mut notes = BTreeMap::from([("lv_uuid", lv.uuid.to_string()), ("active", active.to_owned())]);
        if lv.made.parse::<u64>().is_ok_and(|seconds| seconds > 0) {
            notes.insert("created_at", lv.made.to_string());
        }
        if !lv.used_percent().is_empty() {
            notes.insert("used_percent", lv.used_percent().to_owned());
        }
        let size = lv.size()?;
        match (lv.thin_pool(), lv.data_used()) {
            (None, _) => notes.insert("allocated_bytes", size.0.to_string()),
            (Some(_), Some(used)) => {
                notes.insert("allocated_bytes", capacity::part(size, used).0.to_string())
            }
            (Some(_), None) => None,
        };
        if let Some(count) = snapshots.get(&*lv.uuid) {
            notes.insert("snapshots", count.to_string());
        }
        if lv.merging == "merging" {
            notes.insert("merging", "yes".to_owned());
        }
        Ok(notes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn stranger(&self, volume_group: &str) -> Result<Stranger, String> {
        let lv = self.lv;
        Ok(Stranger {
            name: lv.name().to_owned(),
            reference: lv.uuid.to_string(),
            size: self.sizes()?.0,
            origin: lv.has_role("snapshot").then(|| lv.origin().to_owned()),
            open: lv.is_open(),
            why_not: self.why_not(volume_group),
        })
    }

    /// Why it cannot be taken over, if it cannot. Being open or inactive is no reason.
    fn why_not(&self, volume_group: &str) -> Option<String> {
        let (lv, tags) = (self.lv, &self.tags);
        if let Some(lineage) = tags.lineage.filter(|_| tags.id().or(tags.helper).is_some()) {
            return Some(format!(
                "it belongs to another state (lineage {lineage}, workspace {:?}, {})",
                tags.workspace, tags.address
            ));
        }
        if tags.is_marked {
            return Some("it carries the tag vbs, and its other tags do not say what it is".to_owned());
        }
        if lv.is_thin_pool() {
            return Some(format!(
                "it is a thin pool: volumes in it belong to a pool with thin_pool = {:?}",
                lv.name()
            ));
        }
        let known = |layout: &str| {
            matches!(layout, "linear" | "striped" | "thin" | "sparse") || layout.starts_with("raid")
        };
        if let Some(layout) = lv.layout.split(',').find(|layout| !known(layout)) {
            return Some(format!("its layout is {layout}, which vbs does not work with"));
        }
        if lv.merging == "merging" {
            return Some("a snapshot is being merged into it".to_owned());
        }
        if lv.invalid == "snapshot invalid" {
            return Some("it is an overflowed snapshot, whose content is lost".to_owned());
        }
        if !matches!(&*lv.health, "" | "unknown") {
            return Some(format!("LVM says that its health is {:?}", lv.health));
        }
        kinds::check_name(volume_group, lv.name()).err()
    }
}
