//! Reads what a survey of tgtd printed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::{
    Access, Body, ContainerView, ExportBody, GrantBody, Health, Login, Observed, Place, READY,
};
use crate::providers::Scope;
use crate::providers::seat::{self, Contents, Seat, SeatedMark};

use super::kinds::scsi_id;
use super::show::{self, Conf, Target};

/// An address that no initiator has: our files name it, so that tgt-admin does not let everybody in.
const NOBODY: &str = "0.0.0.0";

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    seat::view(scope, answers, understand)
}

/// What tgtd serves and what it would serve after a restart, by the target's name and by the export's id.
#[derive(Default)]
struct Server {
    targets: BTreeMap<String, Target>,
    confs: BTreeMap<Uuid, Conf>,
}

fn understand(seat: &Seat<'_>) -> Result<Contents, String> {
    let server = server(seat)?;
    let objects = (seat.marks.iter())
        .map(|mark| match mark.body() {
            Body::Export(body) => export(seat, &server, mark, body).unwrap_or_else(|| mark.vanished()),
            Body::Grant(body) => grant(&server, mark, body).unwrap_or_else(|| mark.vanished()),
            other => mark.observed(Place::Live, other.clone(), seat::replaced("a mark of something else")),
        })
        .collect();
    Ok(Contents { objects, ..Contents::default() })
}

fn server(seat: &Seat<'_>) -> Result<Server, String> {
    let mut server = Server::default();
    let mut is_told = !seat.listing.missing.is_empty();
    for (tag, record) in &seat.listing.records {
        match *tag {
            "targets" => {
                let targets = show::targets(record)?;
                server.targets = targets.into_iter().map(|target| (target.name.clone(), target)).collect();
                is_told = true;
            }
            "conf" => {
                let (id, text) = record.split_once('\t').ok_or("its survey holds a file without a name")?;
                // Whatever else somebody puts there is theirs.
                if let Ok(id) = id.parse() {
                    server.confs.insert(id, Conf::of(text));
                }
            }
            _ => return Err(format!("its survey holds the record {tag:?}")),
        }
    }
    if is_told { Ok(server) } else { Err("its survey does not tell what tgtd serves".to_owned()) }
}

/// Nothing where tgtd has no such target: it was deleted, or tgtd was started anew without it.
fn export(seat: &Seat<'_>, server: &Server, mark: &SeatedMark, made: &ExportBody) -> Option<Observed> {
    let target = server.targets.get(&made.target)?;
    let conf = server.confs.get(&mark.id);
    let mut body =
        ExportBody { others: others(seat, mark.id, target, conf), state: READY.to_owned(), ..made.clone() };
    if !conf.is_some_and(|conf| is_saved(conf, made)) {
        "not_saved".clone_into(&mut body.state);
    }
    match target.lun() {
        None => "no_lun".clone_into(&mut body.state),
        Some(lun) => {
            lun.device.clone_into(&mut body.device);
            lun.serial.clone_into(&mut body.serial);
            if lun.scsi_id != scsi_id(&made.serial) {
                body.serial = format!("{} with the SCSI ID {}", lun.serial, lun.scsi_id);
            }
            if lun.is_readonly != (made.access == Access::ReadOnly) {
                body.state = if lun.is_readonly { "read_only" } else { "writable" }.to_owned();
            }
            if !lun.is_online {
                "offline".clone_into(&mut body.state);
            }
        }
    }
    let mut observed = mark.observed(Place::Live, Body::Export(body), Health::Good);
    if !target.connected.is_empty() {
        let connected: Vec<&str> = target.connected.iter().map(String::as_str).collect();
        observed.notes.insert(super::steps::CONNECTED.to_owned(), connected.join(" "));
    }
    Some(observed)
}

fn is_saved(conf: &Conf, made: &ExportBody) -> bool {
    let readonly = i32::from(made.access == Access::ReadOnly);
    [
        format!("<target {}>", made.target),
        format!("<backing-store {}>", made.device),
        "lun 1".to_owned(),
        format!("scsi_id {}", scsi_id(&made.serial)),
        format!("scsi_sn {}", made.serial),
        format!("readonly {readonly}"),
        format!("initiator-address {NOBODY}"),
    ]
    .iter()
    .all(|line| conf.has(line))
}

/// Who is let in, now or after a restart, and has no grant of ours.
fn others(seat: &Seat<'_>, export: Uuid, target: &Target, conf: Option<&Conf>) -> Vec<String> {
    let grants: Vec<&GrantBody> = (seat.marks.iter())
        .filter_map(|mark| match mark.body() {
            Body::Grant(grant) if grant.export.id == export => Some(grant),
            _ => None,
        })
        .collect();
    let admitted = target.acl.iter().map(String::as_str).chain(conf.into_iter().flat_map(Conf::admitted));
    let users = (target.accounts.iter().map(String::as_str))
        .chain(conf.into_iter().flat_map(|conf| conf.users().map(|(user, _)| user)));
    let mut others: BTreeSet<String> = admitted
        .filter(|who| *who != NOBODY && !grants.iter().any(|grant| grant.initiator == *who))
        .map(|who| if who == "ALL" { "any".to_owned() } else { who.to_owned() })
        .collect();
    let is_ours =
        |user: &str| grants.iter().any(|grant| grant.login.as_ref().is_some_and(|login| login.user == user));
    others.extend(users.filter(|user| !is_ours(user)).map(|user| format!("account:{user}")));
    others.into_iter().collect()
}

/// Nothing where its initiator is not let in.
fn grant(server: &Server, mark: &SeatedMark, made: &GrantBody) -> Option<Observed> {
    let target = server.targets.get(&made.target).filter(|target| target.acl.contains(&made.initiator))?;
    let conf = server.confs.get(&made.export.id);
    let is_saved = conf.is_some_and(|conf| conf.has(&format!("initiator-name {}", made.initiator)));
    let state = if is_saved { READY } else { "not_saved" }.to_owned();
    let login = made.login.as_ref().filter(|login| target.accounts.contains(&login.user)).map(|login| {
        let found = conf.and_then(|conf| conf.users().find(|(user, _)| *user == login.user));
        Login { fingerprint: found.map_or("unknown", |(_, print)| print).to_owned(), ..login.clone() }
    });
    let body = GrantBody { login, state, ..made.clone() };
    Some(mark.observed(Place::Live, Body::Grant(body), Health::Good))
}
