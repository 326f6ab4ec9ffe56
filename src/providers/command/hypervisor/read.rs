//! Reads what a survey of a hypervisor printed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::{
    Access, Address, Body, Bus, ContainerView, DiskBody, Health, Kind, Observed, Place, SourceRef, Surveyed,
};
use crate::providers::command::reader::{Reader, Row, below_headings, read_mark};
use crate::providers::command::{look, template};
use crate::providers::store::{self, FORMAT, Listing};
use crate::providers::{Reading, Scope};

use super::mark::DiskMark;
use super::{Vms, kinds};

/// One disk as it is listed.
struct Listed {
    vm: String,
    device: String,
    host_path: Option<String>,
    /// The mark that the tool keeps, where it is one of vbs.
    owner: Option<(Uuid, Uuid)>,
}

impl Listed {
    fn name(&self) -> String {
        format!("{}/{}", self.vm, self.device)
    }
}

/// The VMs in which something is wanted.
pub fn wanted_vms(scope: &Scope<'_>) -> Vms {
    scope.wanted.iter().filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect()
}

/// What is asked: about each VM, or once about all of them.
pub fn commands(reader: &Reader, vms: &Vms) -> Vec<Vec<String>> {
    if !template::uses(&reader.command, "vm") {
        return reader.lister(&[]).into_iter().collect();
    }
    // Names of VMs hold no control characters, which is all that could fail.
    vms.iter().filter_map(|vm| reader.lister(&[("vm", vm.as_str())]).ok()).collect()
}

pub fn read(scope: &Scope<'_>, answers: &[Answer]) -> Reading {
    let read = match kinds::reader(scope.container) {
        Ok(reader) => understand(scope, &reader, answers),
        Err(faults) => Err(look::told(&faults)),
    };
    read.unwrap_or_else(|why| Reading::Done(ContainerView::Unsurveyed { why }))
}

fn understand(scope: &Scope<'_>, reader: &Reader, answers: &[Answer]) -> Result<Reading, String> {
    let (seat, lists) = match answers {
        [seat, lists @ ..] if !lists.is_empty() => (seat, lists),
        _ => return Err(format!("{} answers came to two questions", answers.len())),
    };
    let listing = Listing::parse(seat)?;
    if let Some(unusable) = listing.unusable(scope) {
        return Ok(Reading::Done(unusable));
    }
    if let Some((tag, rest)) = listing.records.first() {
        return Err(format!("its survey holds the record {tag:?} {rest:?}"));
    }
    let marks: Vec<DiskMark> = listing.marks();
    if let Some(mark) = marks.iter().find(|mark| mark.format > FORMAT) {
        return Err(format!("the mark {}.json was written by a newer vbs (format {})", mark.id, mark.format));
    }
    let wanted = wanted_vms(scope);
    let marked = marks.iter().map(|mark| &mark.rest.disk.vm);
    let is_new = |vm: &&String| !wanted.contains(*vm) && !vm.chars().any(char::is_control);
    let more: Vms = marked.filter(is_new).cloned().collect();
    let asks_more = template::uses(&reader.command, "vm") && !more.is_empty();
    let mut listed = rows(reader, &wanted, &lists[0])?;
    match lists.get(1) {
        Some(second) => listed.extend(rows(reader, &more, second)?),
        None if asks_more => return Ok(Reading::Ask(vec![look::list(reader, &commands(reader, &more))])),
        None => {}
    }
    view(scope, reader, &listing, &marks, &listed).map(Reading::Done)
}

fn rows(reader: &Reader, vms: &Vms, answer: &Answer) -> Result<Vec<Listed>, String> {
    let by_vm = template::uses(&reader.command, "vm");
    let all = look::rows(reader, &commands(reader, vms), answer)?;
    let vms = vms.iter().map(Some).chain(std::iter::repeat(None));
    let mut listed = Vec::new();
    for (rows, vm) in all.iter().zip(vms) {
        let vm = vm.filter(|_| by_vm).map(String::as_str);
        listed.extend(below_headings(rows).map(|row| read_row(row, vm)).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(listed)
}

fn read_row(row: &Row, vm: Option<&str>) -> Result<Listed, String> {
    let field = |name: &str| row.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let vm = field("vm").or(vm).ok_or_else(|| format!("a row says no VM: {row:?}"))?;
    let device = field("device").ok_or_else(|| format!("a row says no device: {row:?}"))?;
    Ok(Listed {
        vm: vm.to_owned(),
        device: device.to_owned(),
        host_path: field("host_path").map(str::to_owned),
        owner: field("mark").and_then(read_mark),
    })
}

fn view(
    scope: &Scope<'_>,
    reader: &Reader,
    listing: &Listing<'_>,
    marks: &[DiskMark],
    listed: &[Listed],
) -> Result<ContainerView, String> {
    let mut rows = BTreeMap::new();
    for row in listed {
        if rows.insert(row.name(), row).is_some() {
            return Err(format!("{} is listed twice", row.name()));
        }
    }
    let found = if reader.gives("mark") { by_tool(listed, marks) } else { by_seat(&rows, marks) };
    let ours: BTreeSet<&String> =
        found.iter().filter(|(_, disk)| disk.mark.lineage == scope.lineage).map(|(name, _)| name).collect();
    let foreign = scope
        .wanted
        .iter()
        .filter(|name| rows.contains_key(*name) && !ours.contains(name))
        .cloned()
        .collect();
    let Some(identity) = listing.identity else {
        return Ok(ContainerView::Fresh {
            vms: BTreeMap::new(),
            missing: listing.missing.clone(),
            foreign,
            capacity: None,
            strangers: Vec::new(),
        });
    };
    let mut objects: Vec<Observed> = found.into_iter().map(|(_, disk)| disk).collect();
    let known: BTreeSet<Uuid> =
        marks.iter().map(|mark| mark.id).chain(objects.iter().map(|disk| disk.mark.id)).collect();
    let unread = listing.marked_ids()?.into_iter().filter(|id| !known.contains(id));
    objects.extend(unread.map(|id| {
        let health = store::replaced(format!("its mark .vbs/{id}.json, which cannot be understood"));
        observed(look::bare(scope.lineage, id), nothing_known("", ""), health)
    }));
    Ok(ContainerView::Present(Surveyed {
        vms: BTreeMap::new(),
        strangers: Vec::new(),
        identity,
        makes: listing.makes.clone(),
        epoch: listing.epoch,
        objects,
        foreign,
        capacity: None,
    }))
}

/// What the tool itself says is marked. The seat says the rest.
fn by_tool(listed: &[Listed], marks: &[DiskMark]) -> Vec<(String, Observed)> {
    let seat: BTreeMap<(Uuid, Uuid), &DiskMark> =
        marks.iter().map(|mark| ((mark.lineage, mark.id), mark)).collect();
    listed
        .iter()
        .filter_map(|row| {
            let (lineage, id) = row.owner?;
            let Some(mark) = seat.get(&(lineage, id)) else {
                let disk =
                    observed(look::bare(lineage, id), nothing_known(&row.vm, &row.device), Health::Good);
                return Some((row.name(), disk));
            };
            Some((row.name(), disk(row, mark)))
        })
        .collect()
}

/// What is listed where a mark in the seat says that we attached something.
fn by_seat(rows: &BTreeMap<String, &Listed>, marks: &[DiskMark]) -> Vec<(String, Observed)> {
    let found = marks.iter().filter_map(|mark| Some((mark, *rows.get(&mark.rest.name)?)));
    found.map(|(mark, row)| (row.name(), disk(row, mark))).collect()
}

fn disk(row: &Listed, mark: &DiskMark) -> Observed {
    let mut body = mark.rest.disk.clone();
    row.vm.clone_into(&mut body.vm);
    row.device.clone_into(&mut body.device);
    let health = match &row.host_path {
        Some(path) if *path != body.host_path => {
            let health = store::replaced(format!("another disk, {path}"));
            path.clone_into(&mut body.host_path);
            health
        }
        _ => Health::Good,
    };
    observed(mark.mark(), body, health)
}

fn observed(mark: crate::model::Mark, disk: DiskBody, health: Health) -> Observed {
    Observed { mark, place: Place::Live, body: Body::Disk(disk), health, open: false, notes: BTreeMap::new() }
}

/// A disk whose mark in the seat is gone or cannot be read.
fn nothing_known(vm: &str, device: &str) -> DiskBody {
    DiskBody {
        vm: vm.to_owned(),
        device: device.to_owned(),
        bus: Bus::default(),
        access: Access::default(),
        shared: false,
        source: SourceRef { id: Uuid::nil(), address: Address::new(Kind::Volume, "unknown") },
        serial: String::new(),
        host_path: String::new(),
        network: None,
        through: None,
        presence: None,
        size: None,
    }
}
