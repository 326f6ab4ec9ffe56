//! Reads what a survey of a hypervisor printed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::{
    Access, Address, Body, Bus, ContainerView, DiskBody, Health, Kind, Mark, Observed, Place, SourceRef,
    Surveyed,
};
use crate::providers::Scope;
use crate::providers::store::{self, FORMAT, Listing};

use super::mark::DiskMark;

/// Something in a VM's directory, or a link on its way there.
struct Entry<'a> {
    /// The letter that `find` has for it; `l` is a symbolic link.
    kind: &'a str,
    target: &'a str,
}

/// By path below the hypervisor's directory, and by id and lineage.
#[derive(Default)]
struct Entries<'a> {
    live: BTreeMap<&'a str, Entry<'a>>,
    staged: BTreeMap<(Uuid, Uuid), Entry<'a>>,
}

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    let read = match answers {
        [answer] => Listing::parse(answer).and_then(|listing| understand(scope, &listing)),
        _ => Err(format!("{} answers came to one question", answers.len())),
    };
    read.unwrap_or_else(|why| ContainerView::Unsurveyed { why })
}

fn understand(scope: &Scope<'_>, listing: &Listing<'_>) -> Result<ContainerView, String> {
    if let Some(unusable) = listing.unusable(scope) {
        return Ok(unusable);
    }
    let entries = entries(listing)?;
    let Some(identity) = listing.identity else {
        return Ok(ContainerView::Fresh {
            missing: listing.missing.clone(),
            foreign: foreign(scope, &entries, &BTreeSet::new()),
            capacity: None,
            strangers: Vec::new(),
            vms: BTreeMap::new(),
        });
    };
    let marks: Vec<DiskMark> = listing.marks();
    if let Some(mark) = marks.iter().find(|mark| mark.format > FORMAT) {
        return Err(format!("the mark {}.json was written by a newer vbs (format {})", mark.id, mark.format));
    }
    let ours = marks.iter().filter(|mark| mark.lineage == scope.lineage).map(DiskMark::place).collect();
    Ok(ContainerView::Present(Surveyed {
        strangers: Vec::new(),
        vms: BTreeMap::new(),
        identity,
        makes: listing.makes.clone(),
        epoch: listing.epoch,
        objects: objects(scope, listing, &entries, &marks)?,
        foreign: foreign(scope, &entries, &ours),
        capacity: None,
    }))
}

fn entries<'a>(listing: &Listing<'a>) -> Result<Entries<'a>, String> {
    let mut entries = Entries::default();
    for pair in listing.records.chunks(2) {
        let [(tag, record), ("target", target)] = pair else {
            return Err(format!("its survey holds the records {pair:?}"));
        };
        let unread = || format!("its survey holds the record {tag:?} {record:?}");
        let (kind, name) = record.split_once('\t').ok_or_else(unread)?;
        let entry = Entry { kind, target };
        match *tag {
            "entry" => drop(entries.live.insert(name, entry)),
            "staged" => drop(entries.staged.insert(owner(name).ok_or_else(unread)?, entry)),
            _ => return Err(unread()),
        }
    }
    Ok(entries)
}

/// `(id, lineage)` by the name of a link on its way.
fn owner(name: &str) -> Option<(Uuid, Uuid)> {
    let (id, lineage) = name.strip_suffix(".link")?.split_once('.')?;
    Some((id.parse().ok()?, lineage.parse().ok()?))
}

/// The wanted places that something without our mark has.
fn foreign(scope: &Scope<'_>, entries: &Entries<'_>, ours: &BTreeSet<String>) -> BTreeSet<String> {
    scope
        .wanted
        .iter()
        .filter(|place| entries.live.contains_key(place.as_str()) && !ours.contains(*place))
        .cloned()
        .collect()
}

fn objects(
    scope: &Scope<'_>,
    listing: &Listing<'_>,
    entries: &Entries<'_>,
    marks: &[DiskMark],
) -> Result<Vec<Observed>, String> {
    let mut objects: Vec<Observed> = marks.iter().filter_map(|mark| marked(mark, entries)).collect();
    let mut unread = listing.marked_ids()?;
    for mark in marks {
        unread.remove(&mark.id);
    }
    objects.extend(unread.into_iter().map(|id| {
        let health = store::replaced(format!("its mark .vbs/{id}.json, which cannot be understood"));
        observed(store::bare_mark(scope.lineage, id), Place::Live, nothing_known(""), health)
    }));
    let known: BTreeSet<Uuid> = objects.iter().map(|object| object.mark.id).collect();
    objects.extend(entries.staged.iter().filter(|((id, _), _)| !known.contains(id)).map(
        |((id, lineage), entry)| {
            let mark = store::bare_mark(*lineage, *id);
            observed(mark, Place::Staged, nothing_known(entry.target), Health::Good)
        },
    ));
    Ok(objects)
}

/// A marked disk; nothing where its link is gone.
fn marked(mark: &DiskMark, entries: &Entries<'_>) -> Option<Observed> {
    let staged = entries.staged.get(&(mark.id, mark.lineage));
    let live = entries.live.get(mark.place().as_str());
    let (place, entry) = match (live, staged) {
        (_, Some(staged)) => (Place::Staged, staged),
        (Some(live), None) => (Place::Live, live),
        (None, None) => return None,
    };
    let mut disk = mark.rest.disk.clone();
    let health = if entry.kind == "l" {
        entry.target.clone_into(&mut disk.host_path);
        Health::Good
    } else {
        store::replaced("something that is no symbolic link")
    };
    Some(observed(mark.mark(), place, disk, health))
}

fn observed(mark: Mark, place: Place, disk: DiskBody, health: Health) -> Observed {
    Observed { mark, place, body: Body::Disk(disk), health, open: false, notes: BTreeMap::new() }
}

/// A disk that was being attached or detached, or whose mark cannot be read.
fn nothing_known(target: &str) -> DiskBody {
    DiskBody {
        vm: String::new(),
        device: String::new(),
        bus: Bus::default(),
        access: Access::default(),
        shared: false,
        source: SourceRef { id: Uuid::nil(), address: Address::new(Kind::Volume, "unknown") },
        serial: String::new(),
        host_path: target.to_owned(),
        network: None,
        through: None,
        presence: None,
        size: None,
    }
}
