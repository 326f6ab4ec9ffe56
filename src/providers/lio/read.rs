//! Reads what a survey of the kernel's targets printed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::command::Answer;
use crate::model::{
    Access, Body, ContainerView, ExportBody, GrantBody, Health, Login, Observed, Place, READY,
};
use crate::providers::Scope;
use crate::providers::seat::{self, Contents, Seat, SeatedMark};

use super::kinds;

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    let authentication = kinds::authentication(scope.container);
    seat::view(scope, answers, |seat| {
        let server = server(seat)?;
        let object = |mark: &SeatedMark| match mark.body() {
            Body::Export(made) => {
                Some(export(seat, &server, mark, made, authentication).unwrap_or_else(|| mark.vanished()))
            }
            Body::Grant(made) => Some(grant(&server, mark, made).unwrap_or_else(|| mark.vanished())),
            _ => None,
        };
        Ok(Contents { objects: seat.marks.iter().filter_map(object).collect(), ..Contents::default() })
    })
}

/// Targets by name, and where the names of devices lead, of those that there are: `/dev/dm-0`.
#[derive(Default)]
struct Server<'a> {
    targets: BTreeMap<&'a str, Target<'a>>,
    devices: BTreeMap<&'a str, &'a str>,
}

#[derive(Default)]
struct Target<'a> {
    is_enabled: bool,
    /// Demo mode: who has no ACL is let in as well.
    admits_everybody: bool,
    authentication: &'a str,
    portals: BTreeSet<&'a str>,
    luns: Vec<Lun<'a>>,
    acls: BTreeMap<&'a str, Acl<'a>>,
    is_saved: bool,
}

struct Lun<'a> {
    backstore: &'a str,
    /// As the kernel was told.
    device: &'a str,
    serial: &'a str,
}

struct Acl<'a> {
    /// `1`, `0`, or `none` where it has no LUN.
    protect: &'a str,
    login: Option<(&'a str, &'a str)>,
    mutual: Option<(&'a str, &'a str)>,
    is_saved: bool,
}

fn server<'a>(seat: &Seat<'a>) -> Result<Server<'a>, String> {
    let mut server = Server::default();
    for (tag, text) in &seat.listing.records {
        let fields: Vec<&str> = text.split('\t').collect();
        let known = |server: &mut Server<'a>, name: &'a str| server.targets.contains_key(name);
        match (*tag, fields.as_slice()) {
            ("target", [name, enabled, everybody, authentication]) => {
                let target = Target {
                    is_enabled: *enabled == "1",
                    admits_everybody: *everybody == "1",
                    authentication,
                    ..Target::default()
                };
                server.targets.insert(name, target);
            }
            ("name", [device, leads_to]) => {
                server.devices.insert(device, leads_to);
            }
            (_, [name, ..]) if known(&mut server, name) => {
                let target = server.targets.entry(name).or_default();
                match (*tag, fields.as_slice()) {
                    ("portal", [_, portal]) => drop(target.portals.insert(portal)),
                    ("lun", [_, backstore, device, serial]) => {
                        target.luns.push(Lun { backstore, device, serial });
                    }
                    ("acl", [_, initiator, protect, user, print, mutual_user, mutual_print, _, saved]) => {
                        let pair =
                            |user: &'a str, print: &'a str| (!user.is_empty()).then_some((user, print));
                        let acl = Acl {
                            protect,
                            login: pair(user, print),
                            mutual: pair(mutual_user, mutual_print),
                            is_saved: *saved == "yes",
                        };
                        target.acls.insert(initiator, acl);
                    }
                    ("saved", [_]) => target.is_saved = true,
                    _ => return Err(format!("its survey holds the record {tag:?} {text:?}")),
                }
            }
            _ => return Err(format!("its survey holds the record {tag:?} {text:?}")),
        }
    }
    Ok(server)
}

/// Nothing where the kernel has no such target: it was deleted, or the host was started without it.
fn export(
    seat: &Seat<'_>,
    server: &Server<'_>,
    mark: &SeatedMark,
    made: &ExportBody,
    authentication: &str,
) -> Option<Observed> {
    let target = server.targets.get(made.target.as_str())?;
    let mut body = ExportBody { others: others(seat, mark, target), ..made.clone() };
    body.portals =
        made.portals.iter().filter(|portal| target.portals.contains(portal.as_str())).cloned().collect();
    let more = target.portals.iter().filter(|portal| !made.portals.iter().any(|known| known == *portal));
    body.portals.extend(more.map(|portal| (*portal).to_owned()));
    let state = match target.luns.as_slice() {
        [] => "no_lun",
        [_, _, ..] => "several_luns",
        [_] if !target.is_enabled => "disabled",
        [_] if target.authentication != authentication => "wrong_authentication",
        // Which nobody misses where nobody is let in.
        [_] if !target.is_saved && !target.acls.is_empty() => "not_saved",
        [_] => READY,
    };
    state.clone_into(&mut body.state);
    let mut health = Health::Good;
    if let Some(lun) = target.luns.first() {
        lun.serial.clone_into(&mut body.serial);
        // A renamed volume has another name and is the same device.
        let leads_to = |device: &str| server.devices.get(device);
        if leads_to(&made.device).is_none() || leads_to(&made.device) != leads_to(lun.device) {
            lun.device.clone_into(&mut body.device);
        }
        let ours = format!("vbs.{}.{}", mark.lineage, mark.id);
        if lun.backstore != ours {
            health = seat::replaced(format!("a target of that name with the backstore {:?}", lun.backstore));
        }
    }
    Some(mark.observed(Place::Live, Body::Export(body), health))
}

/// Who is let in and has no grant of ours.
fn others(seat: &Seat<'_>, export: &SeatedMark, target: &Target<'_>) -> Vec<String> {
    let granted: BTreeSet<&str> = (seat.marks.iter())
        .filter_map(|mark| match mark.body() {
            Body::Grant(grant) if grant.export.id == export.id => Some(grant.initiator.as_str()),
            _ => None,
        })
        .collect();
    let others = target.acls.keys().filter(|initiator| !granted.contains(*initiator));
    let mut others: Vec<String> = others.map(|initiator| (*initiator).to_owned()).collect();
    if target.admits_everybody {
        others.push("any".to_owned());
    }
    others
}

/// Nothing where its initiator is not let in.
fn grant(server: &Server<'_>, mark: &SeatedMark, made: &GrantBody) -> Option<Observed> {
    let acl = server.targets.get(made.target.as_str())?.acls.get(made.initiator.as_str())?;
    let login = |made: &Option<Login>, found: Option<(&str, &str)>| {
        found.map(|(user, fingerprint)| Login {
            user: user.to_owned(),
            secret: made.as_ref().map(|login| login.secret.clone()).unwrap_or_default(),
            fingerprint: fingerprint.to_owned(),
        })
    };
    let state = match acl.protect {
        "none" => "no_lun",
        _ if !acl.is_saved => "not_saved",
        _ => READY,
    };
    let body = GrantBody {
        access: if acl.protect == "1" { Access::ReadOnly } else { Access::ReadWrite },
        login: login(&made.login, acl.login),
        mutual: login(&made.mutual, acl.mutual),
        state: state.to_owned(),
        ..made.clone()
    };
    Some(mark.observed(Place::Live, Body::Grant(body), Health::Good))
}
