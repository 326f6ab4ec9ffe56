//! Reads what a survey of an initiator printed.

use std::collections::BTreeMap;

use crate::model::command::Answer;
use crate::model::{Access, Body, Bytes, ContainerView, Health, Login, Observed, Place, SessionBody};
use crate::providers::Scope;
use crate::providers::seat::{self, Contents, SeatedMark};

const SECTOR: u64 = 512;

/// What the host has, by target.
#[derive(Default)]
struct Host<'a> {
    sessions: BTreeMap<&'a str, Vec<Session<'a>>>,
    records: BTreeMap<&'a str, Record<'a>>,
    /// Where lasting names of devices lead: `/dev/sdb`.
    names: BTreeMap<&'a str, &'a str>,
}

struct Session<'a> {
    id: &'a str,
    /// `LOGGED_IN`, `FAILED`, `FREE`
    state: &'a str,
    interface: &'a str,
    initiator: &'a str,
    disks: Vec<Disk<'a>>,
}

struct Disk<'a> {
    name: &'a str,
    /// `running`, `transport-offline`
    state: &'a str,
    size: Bytes,
    access: Access,
    serial: &'a str,
}

/// What the next login would prove itself with.
struct Record<'a> {
    login: Option<(&'a str, &'a str)>,
    mutual: Option<(&'a str, &'a str)>,
}

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    seat::view(scope, answers, |seat| {
        let host = host(&seat.listing.records)?;
        let objects = seat.marks.iter().filter_map(|mark| session(mark, &host)).collect();
        Ok(Contents { objects, ..Contents::default() })
    })
}

fn host<'a>(records: &[(&'a str, &'a str)]) -> Result<Host<'a>, String> {
    let mut host = Host::default();
    // The target of each session, for the disks that follow.
    let mut targets: BTreeMap<&str, &str> = BTreeMap::new();
    for (tag, text) in records {
        let fields: Vec<&str> = text.split('\t').collect();
        match (*tag, fields.as_slice()) {
            ("session", [id, target, state, interface, initiator]) => {
                targets.insert(id, target);
                let session = Session { id, state, interface, initiator, disks: Vec::new() };
                host.sessions.entry(target).or_default().push(session);
            }
            ("disk", [of, name, state, sectors, readonly, serial]) => {
                let sectors: u64 =
                    sectors.parse().map_err(|_| format!("the size of {name} is told as {sectors:?}"))?;
                let size = Bytes(sectors.saturating_mul(SECTOR));
                let sessions = targets.get(of).and_then(|target| host.sessions.get_mut(target));
                let session = sessions.into_iter().flatten().find(|session| session.id == *of);
                let session = session.ok_or_else(|| format!("the disk {name} is of no session"))?;
                let access = if *readonly == "1" { Access::ReadOnly } else { Access::ReadWrite };
                session.disks.push(Disk { name, state, size, access, serial });
            }
            ("record", [target, method, user, print, mutual_user, mutual_print]) => {
                let chap = *method == "CHAP";
                let pair =
                    |user: &'a str, print: &'a str| (chap && !user.is_empty()).then_some((user, print));
                let record = Record { login: pair(user, print), mutual: pair(mutual_user, mutual_print) };
                host.records.insert(target, record);
            }
            ("name", [device, leads_to]) => {
                host.names.insert(device, leads_to);
            }
            _ => return Err(format!("its survey holds the record {tag:?} {text:?}")),
        }
    }
    Ok(host)
}

/// A marked session as it is now.
fn session(mark: &SeatedMark, host: &Host<'_>) -> Option<Observed> {
    let Body::Session(made) = mark.body() else { return None };
    let mut body = made.clone();
    let sessions = host.sessions.get(made.target.as_str()).map(Vec::as_slice).unwrap_or_default();
    let ours = interface(&made.initiator);
    let ours: Vec<&Session<'_>> = sessions.iter().filter(|session| session.interface == ours).collect();
    body.state = state(made, &ours, host).to_owned();
    if let Some(session) = ours.first() {
        session.initiator.clone_into(&mut body.initiator);
    }
    let disk = ours.iter().flat_map(|session| &session.disks).next();
    let mut health = Health::Good;
    if let Some(disk) = disk {
        body.size = made.size.map(|_| disk.size);
        body.access = disk.access;
        let digits = |serial: &str| serial.replace('-', "");
        if digits(disk.serial) != digits(&made.serial) {
            health = seat::replaced(format!("a disk with the serial {:?} ({})", disk.serial, disk.name));
        }
    }
    if let Some(record) = host.records.get(made.target.as_str()) {
        body.login = as_found(made.login.as_ref(), record.login);
        body.mutual = as_found(made.mutual.as_ref(), record.mutual);
    }
    Some(mark.observed(Place::Live, Body::Session(body), health))
}

/// The name of the interface record: `vbs.shop` of `iqn.2026-11.vbs.shop:host.kvm1`.
fn interface(initiator: &str) -> &str {
    let name =
        initiator.split_once('.').and_then(|(_, rest)| rest.split_once('.')).map_or("", |(_, name)| name);
    name.split(':').next().unwrap_or_default()
}

fn state<'a>(made: &SessionBody, sessions: &[&Session<'a>], host: &Host<'_>) -> &'a str {
    match sessions {
        [] => "logged_out",
        [_, _, ..] if sessions.len() > made.portals.len() => "logged_in_twice",
        _ if sessions.iter().any(|session| session.state != "LOGGED_IN") => "failed",
        _ if sessions.iter().any(|session| session.disks.is_empty()) => "no_disk",
        _ if sessions.iter().flat_map(|session| &session.disks).any(|disk| disk.state != "running") => {
            "offline"
        }
        _ => {
            let disks = || sessions.iter().flat_map(|session| &session.disks);
            let leads_to =
                host.names.get(made.device.as_str()).and_then(|device| device.strip_prefix("/dev/"));
            if leads_to.is_some_and(|name| disks().any(|disk| disk.name == name)) {
                "logged_in"
            } else {
                "no_device"
            }
        }
    }
}

fn as_found(made: Option<&Login>, found: Option<(&str, &str)>) -> Option<Login> {
    found.map(|(user, fingerprint)| Login {
        user: user.to_owned(),
        secret: made.map(|made| made.secret.clone()).unwrap_or_default(),
        fingerprint: fingerprint.to_owned(),
    })
}
