//! What only a look at the hosts can tell, as values for outputs and conditions; and the state's memory as if it had
//! been looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::situation::Situation;
use crate::apply::{Seen, Views};
use crate::config::value::Value;
use crate::model::{
    Address, ContainerRecord, ContainerView, Health, Kind, Mark, Observed, Place, Record, Surveyed,
};
use crate::plan::step::Effect;
use crate::plan::world::find_record;
use crate::plan::{ChangeAction, Plan, ResourceChange};
use crate::state::Recorded;

/// The surveyed attribute `name` of `address`; nothing where what it belongs to does not exist yet.
pub fn value(situation: &Situation<'_>, views: &Views, address: &Address, name: &str) -> Option<Value> {
    if address.kind == Kind::Pool {
        let capacity = match views.get(address)? {
            ContainerView::Fresh { capacity, .. } => capacity.as_ref()?,
            ContainerView::Present(surveyed) => surveyed.capacity.as_ref()?,
            ContainerView::Unsurveyed { .. } => return None,
        };
        return match name {
            "size" => Some(Value::integer(i128::from(capacity.size.0))),
            "free" => Some(Value::integer(i128::from(capacity.free.0))),
            "used_percent" => Some(percent(capacity.size.saturating_sub(capacity.free).0, capacity.size.0)),
            _ => None,
        };
    }
    let resource = situation.resolved.desired.resources.get(address)?;
    let container = find_record(&situation.moved.records, address)
        .map(|record| record.object.container.clone())
        .or_else(|| container_of(&resource.spec))?;
    let seen = Seen::new(views, situation.recorded.lineage);
    let observed = seen.object(&container, resource.id)?;
    match name {
        "status" => Some(Value::text(observed.status())),
        "created_at" => {
            let seconds: i64 = observed.notes.get("created_at")?.parse().ok()?;
            Some(Value::text(&jiff::Timestamp::from_second(seconds).ok()?.to_string()))
        }
        "used_percent" => {
            let Some(told) = observed.notes.get("used_percent") else {
                let allocated: u64 = observed.notes.get("allocated_bytes")?.parse().ok()?;
                return Some(percent(allocated, observed.body.size().0));
            };
            let whole = told.split('.').next()?;
            Some(Value::integer(whole.parse().ok()?))
        }
        _ => None,
    }
}

fn container_of(spec: &crate::model::desired::Spec) -> Option<Address> {
    use crate::model::desired::Spec;
    Some(match spec {
        Spec::Volume(volume) => volume.pool.clone(),
        Spec::Snapshot(snapshot) => snapshot.pool.clone(),
        Spec::Attachment(attachment) => attachment.hypervisor.clone(),
    })
}

fn percent(part: u64, whole: u64) -> Value {
    Value::integer(if whole == 0 { 0 } else { i128::from(part) * 100 / i128::from(whole) })
}

/// A container as the state remembers it, with nothing in it yet.
pub fn remembered(recorded: &Recorded, record: &ContainerRecord) -> Surveyed {
    Surveyed {
        strangers: Vec::new(),
        vms: BTreeMap::new(),
        identity: record.identity,
        makes: record.makes.clone(),
        epoch: Some(recorded.epoch),
        objects: Vec::new(),
        foreign: BTreeSet::new(),
        capacity: None,
    }
}

/// A record as if it had been found just so.
pub fn as_observed(recorded: &Recorded, record: &Record) -> Observed {
    Observed {
        mark: Mark {
            lineage: recorded.lineage,
            id: record.object.id,
            workspace: recorded.workspace.clone(),
            address: record.object.key.address.to_string(),
        },
        place: Place::Live,
        body: record.object.body.clone(),
        health: Health::Good,
        open: false,
        notes: BTreeMap::new(),
    }
}

/// Moves in the plan's rows: `# volume.new has moved from volume.old`.
pub fn show_moves(plan: &mut Plan, effects: &[Effect]) {
    for effect in effects {
        let Effect::Move { from, to } = effect else { continue };
        match plan.changes.iter_mut().find(|change| change.address == *to && change.layer.is_none()) {
            Some(change) => change.previous_address = Some(from.clone()),
            None => plan.changes.push(ResourceChange {
                address: to.clone(),
                layer: None,
                previous_address: Some(from.clone()),
                action: ChangeAction::Record,
                reason: String::new(),
                attributes: Vec::new(),
                unchanged_attributes: 0,
            }),
        }
    }
    plan.changes.sort_by(|a, b| a.address.cmp(&b.address));
}
