//! How the hosts of a command are reached: as they are declared, else as they are recorded, else as the plan of an
//! open run says. What is declared can have changed since; what was done must be reachable whatever became of it.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::workspace::Located;
use super::{identities, inputs};
use crate::apply::Views;
use crate::config::resolve::resolve;
use crate::model::{Address, ContainerSpec, ContainerView, HostName, HostSpec, Kind};
use crate::plan::step::Effect;
use crate::plan::world::Options;
use crate::plan::{AttributeChange, ChangeAction, Plan, ResourceChange, Shown};
use crate::providers::CATALOG;
use crate::state::Recorded;

pub type Specs = BTreeMap<HostName, HostSpec>;

/// Every host that is known from anywhere; what is said later in the list counts more.
pub fn known<'a>(sources: impl IntoIterator<Item = &'a Specs>) -> Specs {
    sources.into_iter().flatten().map(|(name, spec)| (name.clone(), spec.clone())).collect()
}

/// The `host` blocks as far as they can be understood without asking anybody. A configuration that is broken must not
/// stand between an operator and an open run.
pub fn declared(context: &mut Context, located: &Located) -> Specs {
    let Some(declared) = &located.declared else { return Specs::new() };
    let inputs = inputs::without_asking(context, located.name.as_deref().unwrap_or_default());
    let (schemas, options) = (CATALOG.schemas(), Options::default());
    let mut fresh =
        identities::Recorded { records: &BTreeMap::new(), options: &options, chosen: &BTreeMap::new() };
    let (resolved, _) = resolve(declared, &context.sources, &schemas, &inputs, &mut fresh);
    resolved.desired.hosts
}

/// Writes into a plan how the hosts of its containers are reached.
pub fn write_into(plan: &mut Plan, known: &Specs) {
    plan.hosts = of(plan.containers.values().map(|planned| &planned.spec), known);
}

/// The hosts of containers.
pub fn of<'a>(containers: impl Iterator<Item = &'a ContainerSpec>, known: &Specs) -> Specs {
    let used: BTreeSet<&HostName> = containers.map(|container| &container.host).collect();
    let hosts = known.iter().filter(|(name, _)| used.contains(name));
    hosts.map(|(name, spec)| (name.clone(), spec.clone())).collect()
}

/// Hosts that were reached in another way than the state remembers, with the containers that are known to be on them:
/// those say themselves that they are the same ones.
pub fn changed(declared: &Specs, recorded: &Recorded, views: &Views) -> Vec<(Effect, ResourceChange)> {
    let found: BTreeSet<&HostName> = recorded
        .containers
        .iter()
        .filter(|(address, record)| {
            matches!(views.get(*address), Some(ContainerView::Present(s)) if s.identity == record.identity)
        })
        .map(|(_, record)| &record.spec.host)
        .collect();
    let differs = |(name, spec): &(&HostName, &HostSpec)| {
        found.contains(name) && recorded.hosts.get(*name) != Some(*spec)
    };
    let changed = declared.iter().filter(differs);
    changed
        .map(|(name, spec)| (Effect::PutHost(Box::new(spec.clone())), row(spec, recorded.hosts.get(name))))
        .collect()
}

fn row(spec: &HostSpec, before: Option<&HostSpec>) -> ResourceChange {
    let shown =
        |spec: &HostSpec| Shown::Text(spec.address.clone().unwrap_or_else(|| "this machine".to_owned()));
    ResourceChange {
        address: Address::new(Kind::Host, &spec.name.0),
        layer: None,
        previous_address: None,
        action: ChangeAction::Record,
        reason: "its settings changed".to_owned(),
        attributes: vec![AttributeChange {
            name: "address".into(),
            before: before.map(shown),
            after: Some(shown(spec)),
            forces_replacement: false,
        }],
        unchanged_attributes: 0,
    }
}
