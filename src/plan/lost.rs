//! `--host-lost`: a host of VMs that is off for good. What it had is forgotten, and no target lets it in any more. When it
//! comes back, what it still has of ours is known by its marks, and goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::Drift;
use super::containers;
use super::diff::{Change, Decision, Diff};
use super::step::Effect;
use super::world::{Options, World};
use super::{ChangeAction, ResourceChange};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};
use crate::model::{
    Address, Body, ContainerView, HostName, Kind, Object, ObjectKey, Observed, OnDestroy, Part, Place, Record,
};

/// What goes with the hosts that are lost.
#[derive(Debug, Default)]
pub struct Lost {
    /// The hypervisors and initiators on them.
    containers: BTreeSet<Address>,
    /// What lets them in, recorded or wanted.
    grants: BTreeSet<ObjectKey>,
}

impl Lost {
    /// Takes everything on these hosts, and the ways to it, out of what is wanted.
    ///
    /// # Errors
    /// Hosts that nobody knows, and hosts that hold volumes.
    pub fn of(
        world: &World<'_>,
        options: &Options,
        desired: &mut BTreeMap<ObjectKey, Arc<Record>>,
    ) -> Result<(Self, Diagnostics), Diagnostics> {
        let hosts: BTreeSet<HostName> =
            options.lost.iter().map(|host| HostName(host.label.to_string())).collect();
        let mut lost = Lost::default();
        let mut diagnostics = Diagnostics::new();
        if hosts.is_empty() {
            return Ok((lost, diagnostics));
        }
        check(world, &hosts, &mut diagnostics);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        lost.containers =
            known(world).filter(|(_, host)| hosts.contains(*host)).map(|(a, _)| a.clone()).collect();
        let of_host = |who: &str| {
            let hypervisor = who.split_once('.').map(|(label, _)| Address::new(Kind::Hypervisor, label));
            hosts.contains(&HostName(who.to_owned()))
                || hypervisor.is_some_and(|it| lost.containers.contains(&it))
        };
        let keys = world.records.keys().chain(desired.keys());
        lost.grants =
            keys.filter(|key| key.part.0.strip_prefix("grant.").is_some_and(of_host)).cloned().collect();
        for record in desired.values().filter(|record| lost.holds(&record.object.container)) {
            if matches!(record.object.body, Body::Disk(_)) {
                diagnostics.push(still_declared(world, record));
            }
        }
        desired.retain(|key, record| !lost.holds(&record.object.container) && !lost.grants.contains(key));
        let needed: BTreeSet<ObjectKey> = desired
            .values()
            .filter_map(|record| record.object.body.link().map(|link| link.key.clone()))
            .collect();
        desired.retain(|key, record| !matches!(record.object.body, Body::Export(_)) || needed.contains(key));
        diagnostics.push(taken_for_lost(&hosts));
        Ok((lost, diagnostics))
    }

    /// Whether a container is on a lost host.
    pub fn holds(&self, container: &Address) -> bool {
        self.containers.contains(container)
    }

    /// Whether this lets a lost host in: it is ended at the target, whoever is logged in.
    pub fn evicts(&self, key: &ObjectKey) -> bool {
        self.grants.contains(key)
    }

    /// The recorded containers on lost hosts go out of the state; nothing is done there. An initiator that is logged in stays:
    /// no block declares it, and when the host is back somebody has to look for its sessions. Said again, it goes as well.
    pub fn forgotten(&self, world: &World<'_>) -> Vec<(Effect, ResourceChange)> {
        let has_sessions =
            |address: &Address| world.records.values().any(|record| record.object.container == *address);
        let recorded = world.containers.iter().filter(|(address, _)| {
            self.holds(address) && (address.kind != Kind::Initiator || !has_sessions(address))
        });
        recorded
            .map(|(address, record)| {
                let row = containers::row(&record.spec, ChangeAction::Forget, "its host is lost");
                (Effect::ForgetContainer(address.clone()), ResourceChange { attributes: Vec::new(), ..row })
            })
            .collect()
    }
}

/// Every container and its host.
fn known<'a>(world: &World<'a>) -> impl Iterator<Item = (&'a Address, &'a HostName)> {
    let recorded = world.containers.iter().map(|(address, record)| (address, &record.spec.host));
    recorded.chain(world.desired.containers.iter().map(|(address, spec)| (address, &spec.host)))
}

fn check(world: &World<'_>, hosts: &BTreeSet<HostName>, diagnostics: &mut Diagnostics) {
    let all: BTreeSet<&str> = known(world)
        .map(|(_, host)| host.0.as_str())
        .chain(world.desired.hosts.keys().map(|h| h.0.as_str()))
        .collect();
    for host in hosts {
        if !all.contains(host.0.as_str()) {
            let hint = did_you_mean(&host.0, all.iter().copied())
                .map(|near| format!(" Did you mean host.{near}?"))
                .unwrap_or_default();
            diagnostics.push(Diagnostic::error(
                "Unknown host",
                format!("host.{host} is neither declared nor recorded, so there is nothing of it to be forgotten.{hint}"),
            ));
        }
        let pools: BTreeSet<&Address> = (world.records.values().map(|record| &record.object.container))
            .chain(world.trash.values().map(|entry| &entry.record.object.container))
            .filter(|container| matches!(container.kind, Kind::Pool | Kind::Export))
            .filter(|container| known(world).any(|(address, there)| address == *container && there == host))
            .collect();
        for pool in pools {
            diagnostics.push(Diagnostic::error(
                "It holds volumes",
                format!(
                    "{pool} is on host.{host}, and something of ours is recorded in it. --host-lost gives up a host of VMs, which holds no data. Where the data is lost as well, `vbs state rm` forgets it, address by address."
                ),
            ));
        }
    }
}

fn taken_for_lost(hosts: &BTreeSet<HostName>) -> Diagnostic {
    let names: Vec<String> = hosts.iter().map(|host| format!("host.{host}")).collect();
    Diagnostic::warning(
        "Taken for lost",
        format!(
            "{} is not asked. What is recorded there is forgotten, and the targets end its sessions and let it in no more: VMs that still run there lose these disks in the middle of what they write. Make sure that it is off.",
            names.join(", ")
        ),
    )
}

fn still_declared(world: &World<'_>, record: &Record) -> Diagnostic {
    let address = &record.object.key.address;
    let place = world.desired.resources.get(address).map(|resource| &resource.place);
    let span = place.and_then(|place| place.attributes.get("hypervisor").copied().or(place.header));
    Diagnostic::warning(
        "Still on a lost host",
        format!("{address} is declared on a host that is lost, so it is not attached by this run. Move it to another hypervisor or remove its block; else it is attached there again when the host is back."),
    )
    .maybe_at(span, "its host is lost")
    .within(address.to_string())
}

/// Whether something of ours is to be cleared away when the state does not know it: what lies in a container that was given up
/// with its host (a disk in a hypervisor that the state does not know, or a login), and what is left of something that is gone.
pub fn is_left_over(world: &World<'_>, container: &Address, observed: &Observed) -> bool {
    let given_up = match container.kind {
        Kind::Hypervisor => !world.containers.contains_key(container),
        Kind::Initiator => true,
        _ => false,
    };
    let is_left = match observed.place {
        Place::Live => given_up,
        Place::Vanished => true,
        Place::Staged | Place::Trash => false,
    };
    is_left
        && observed.mark.lineage == world.lineage
        && observed.body.holds_no_data()
        && key_of(observed).is_some()
}

fn key_of(observed: &Observed) -> Option<ObjectKey> {
    let text = &observed.mark.address;
    text.parse().ok().or_else(|| text.parse().ok().map(ObjectKey::primary))
}

/// What hosts that came back still have, and what is left of what is gone, is taken away, before anything is made in its place.
pub fn clear(world: &World<'_>, options: &Options, found: &mut Diff) {
    let known: BTreeSet<Uuid> = world.records.values().map(|record| record.object.id).collect();
    for (container, view) in world.live {
        let ContainerView::Present(surveyed) = view else { continue };
        for observed in surveyed.objects.iter().filter(|it| is_left_over(world, container, it)) {
            let Some(key) = key_of(observed).filter(|_| !known.contains(&observed.mark.id)) else { continue };
            let (address, mended) = (key.address.clone(), !options.refresh_only);
            let what = key.layer().unwrap_or_else(|| "disk".to_owned());
            let why = if observed.place == Place::Vanished { "" } else { ", whose host was given up" };
            let what = format!("{what}: left over in {container}{why}");
            found.drift.push(Drift { address, what, mended });
            // A mark of what is made again under the same id is taken over.
            let is_made = observed.place == Place::Vanished
                && made_at(found, &key).is_some_and(|after| after.object.id == observed.mark.id);
            if mended && !is_made {
                clear_one(container, beside(world, key, observed), observed, found);
            }
        }
    }
}

fn made_at<'a>(found: &'a Diff, key: &ObjectKey) -> Option<&'a Arc<Record>> {
    found.changes.get(key)?.after.as_ref()
}

/// The key under which it is cleared away: one of its own where the state knows something else by the one in its mark, which
/// stays known.
fn beside(world: &World<'_>, key: ObjectKey, observed: &Observed) -> ObjectKey {
    if !world.records.contains_key(&key) {
        return key;
    }
    let part = Part(format!("{}.{}", key.part.0, observed.mark.id).into());
    ObjectKey::new(key.address, part)
}

fn clear_one(container: &Address, key: ObjectKey, observed: &Observed, found: &mut Diff) {
    let object = Object {
        key: key.clone(),
        id: observed.mark.id,
        container: container.clone(),
        body: observed.body.clone(),
    };
    let before = Arc::new(Record {
        object,
        prevent_destroy: false,
        on_destroy: OnDestroy::Purge,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
    });
    let after = made_at(found, &key).cloned();
    let decision = if after.is_some() { Decision::Replace } else { Decision::Destroy };
    let change = Change {
        key: key.clone(),
        decision,
        before: Some(before),
        after,
        live: Some(Box::new(observed.clone())),
        reason: format!("left over in {container}"),
        forcing: Vec::new(),
    };
    found.changes.insert(key, change);
}
