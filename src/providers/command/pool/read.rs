//! Reads what a survey of a pool printed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::{
    Body, Bytes, ContainerView, Health, Mark, Observed, Place, Stranger, Surveyed, VolumeBody,
};
use crate::providers::Scope;
use crate::providers::command::look;
use crate::providers::command::reader::{Reader, Row, below_headings, read_mark};
use crate::providers::store::{self, FORMAT, Listing};

use super::kinds::trash_name;
use super::mark::VolumeMark;

/// What one row says.
struct Listed {
    name: String,
    size: Bytes,
    /// The mark that the tool keeps, where it is one of vbs.
    owner: Option<(Uuid, Uuid)>,
}

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    let read = match (answers, super::kinds::reader(scope.container)) {
        ([seat, list], Ok(reader)) => understand(scope, &reader, seat, list),
        (_, Err(faults)) => Err(look::told(&faults)),
        _ => Err(format!("{} answers came to two questions", answers.len())),
    };
    read.unwrap_or_else(|why| ContainerView::Unsurveyed { why })
}

fn understand(
    scope: &Scope<'_>,
    reader: &Reader,
    seat: &Answer,
    list: &Answer,
) -> Result<ContainerView, String> {
    let listing = Listing::parse(seat)?;
    if let Some(unusable) = listing.unusable(scope) {
        return Ok(unusable);
    }
    if let Some((tag, rest)) = listing.records.first() {
        return Err(format!("its survey holds the record {tag:?} {rest:?}"));
    }
    let rows = look::rows(reader, &[reader.lister(&[])?], list)?.concat();
    let listed = below_headings(&rows).map(listed).collect::<Result<Vec<_>, _>>()?;
    if let Some(twice) = first_twice(&listed) {
        return Err(format!("the name {twice:?} is listed twice"));
    }
    let Some(identity) = listing.identity else {
        return Ok(ContainerView::Fresh {
            vms: BTreeMap::new(),
            missing: listing.missing.clone(),
            foreign: foreign(scope, &listed, &BTreeSet::new()),
            capacity: None,
            strangers: strangers(&listed, &BTreeSet::new()),
        });
    };
    let marks: Vec<VolumeMark> = listing.marks();
    if let Some(mark) = marks.iter().find(|mark| mark.format > FORMAT) {
        return Err(format!("the mark {}.json was written by a newer vbs (format {})", mark.id, mark.format));
    }
    let found = if reader.gives("mark") { by_tool(&listed, &marks) } else { by_seat(&listed, &marks) };
    let names = |wanted: &dyn Fn(&Observed) -> bool| -> BTreeSet<String> {
        found.iter().filter(|(_, object)| wanted(object)).map(|(name, _)| name.clone()).collect()
    };
    let ours = names(&|object| object.mark.lineage == scope.lineage);
    let all = names(&|_| true);
    let mut objects: Vec<Observed> = found.into_iter().map(|(_, object)| object).collect();
    let mut unread = listing.marked_ids()?;
    let known: BTreeSet<Uuid> =
        marks.iter().map(|mark| mark.id).chain(objects.iter().map(|object| object.mark.id)).collect();
    unread.retain(|id| !known.contains(id));
    objects.extend(unread.into_iter().map(|id| unreadable(scope, id)));
    Ok(ContainerView::Present(Surveyed {
        vms: BTreeMap::new(),
        identity,
        makes: listing.makes.clone(),
        epoch: listing.epoch,
        objects,
        foreign: foreign(scope, &listed, &ours),
        capacity: None,
        strangers: strangers(&listed, &all),
    }))
}

fn listed(row: &Row) -> Result<Listed, String> {
    let field = |name: &str| row.get(name).filter(|text| !text.is_empty());
    let name = field("name").ok_or_else(|| format!("a row has no name: {row:?}"))?;
    let size = field("size_bytes").and_then(|text| text.parse().ok());
    Ok(Listed {
        name: name.clone(),
        size: Bytes(size.ok_or_else(|| format!("{name:?} has no size in bytes: {row:?}"))?),
        owner: row.get("mark").and_then(|text| read_mark(text)),
    })
}

fn first_twice(listed: &[Listed]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    listed.iter().map(|row| row.name.as_str()).find(|name| !seen.insert(*name))
}

/// What the tool itself says is marked, with the names that it is listed under. The seat says the rest.
fn by_tool(listed: &[Listed], marks: &[VolumeMark]) -> Vec<(String, Observed)> {
    let seat: BTreeMap<(Uuid, Uuid), &VolumeMark> =
        marks.iter().map(|mark| ((mark.lineage, mark.id), mark)).collect();
    listed
        .iter()
        .filter_map(|row| {
            let (lineage, id) = row.owner?;
            Some((row.name.clone(), observed(row, id, lineage, seat.get(&(lineage, id)).copied())))
        })
        .collect()
}

/// What is listed under the name of a mark in the seat.
fn by_seat(listed: &[Listed], marks: &[VolumeMark]) -> Vec<(String, Observed)> {
    let rows: BTreeMap<&str, &Listed> = listed.iter().map(|row| (row.name.as_str(), row)).collect();
    marks
        .iter()
        .filter_map(|mark| {
            let row =
                [mark.rest.name.as_str(), &mark.rest.was].into_iter().find_map(|name| rows.get(name))?;
            Some((row.name.clone(), observed(row, mark.id, mark.lineage, Some(mark))))
        })
        .collect()
}

fn observed(row: &Listed, id: Uuid, lineage: Uuid, mark: Option<&VolumeMark>) -> Observed {
    let place = match mark {
        _ if row.name == trash_name(id) => Place::Trash,
        // A copy that has not grown yet is not whole.
        Some(mark) if mark.rest.grows_to.is_some_and(|size| row.size < size) => Place::Staged,
        _ => Place::Live,
    };
    let body = match mark {
        Some(mark) if place == Place::Trash => mark.body(&mark.rest.called, row.size),
        Some(mark) => mark.body(&row.name, row.size),
        None => Body::Volume(VolumeBody {
            name: row.name.clone(),
            size: row.size,
            serial: id.to_string(),
            source: None,
        }),
    };
    Observed {
        mark: mark.map_or_else(|| look::bare(lineage, id), VolumeMark::mark),
        place,
        body,
        health: Health::Good,
        open: false,
        notes: BTreeMap::new(),
    }
}

/// An object whose mark says nothing any more, so that nothing is done to it.
fn unreadable(scope: &Scope<'_>, id: Uuid) -> Observed {
    let body = VolumeBody { name: String::new(), size: Bytes::ZERO, serial: String::new(), source: None };
    Observed {
        mark: Mark { ..look::bare(scope.lineage, id) },
        place: Place::Live,
        body: Body::Volume(body),
        health: store::replaced(format!("its mark .vbs/{id}.json, which cannot be understood")),
        open: false,
        notes: BTreeMap::new(),
    }
}

/// The wanted names that something without our mark has.
fn foreign(scope: &Scope<'_>, listed: &[Listed], ours: &BTreeSet<String>) -> BTreeSet<String> {
    let names = listed.iter().map(|row| &row.name);
    names.filter(|name| scope.wanted.contains(*name) && !ours.contains(*name)).cloned().collect()
}

fn strangers(listed: &[Listed], marked: &BTreeSet<String>) -> Vec<Stranger> {
    let unmarked = listed.iter().filter(|row| !marked.contains(&row.name));
    unmarked
        .map(|row| Stranger {
            name: row.name.clone(),
            reference: row.name.clone(),
            size: row.size,
            origin: None,
            open: false,
            why_not: Some("a pool of templates cannot mark what is there already".to_owned()),
        })
        .collect()
}
