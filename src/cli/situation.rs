//! Where a command stands: configuration and state side by side, then with what the hosts show.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::ManuallyDrop;
use std::sync::Arc;

use uuid::Uuid;

use super::context::Context;
use super::identities::{self, fresh};
use super::reach::{self, Specs};
use super::workspace::Workspace;
use super::{inputs, surveyed};
use crate::apply::Views;
use crate::cli::args::Variables;
use crate::config::resolve::{Resolved, resolve};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Failure;
use crate::hosts::{Hosts, Ssh};
use crate::model::desired::{self, AttachmentSpec, Desired, Route, Spec};
use crate::model::{Address, ContainerSpec, ContainerView, Kind, Setting, Surveyed};
use crate::plan::UNRECORDED;
use crate::plan::build::{Built, build};
use crate::plan::diff::occupies;
use crate::plan::lower::lower;
use crate::plan::moves::{self, Moved};
use crate::plan::sharing;
use crate::plan::step::Effect;
use crate::plan::world::{Fingerprints, Makers, Options, Proof, World};
use crate::providers::CATALOG;
use crate::state::{Key, Recorded};
use crate::survey::{Target, first_look};

/// Configuration and state, resolved against each other.
pub struct Situation<'a> {
    pub workspace: &'a Workspace,
    pub recorded: &'a Recorded,
    /// The records under the addresses that the configuration gives them now.
    pub moved: &'a Moved,
    pub resolved: Resolved<'a>,
    pub options: &'a Options,
    pub warnings: Diagnostics,
    /// What secrets follow from; nothing where no attachment needs one.
    pub key: Option<Key>,
    /// Borrowed: it ends its connections when it goes.
    pub ssh: &'a Arc<Ssh>,
}

/// What a command asks of the configuration.
pub struct Question<'a> {
    pub variables: &'a Variables,
    pub options: &'a Options,
    /// Ids that a saved plan chose for new addresses.
    pub chosen: &'a BTreeMap<Address, Uuid>,
}

/// A state that nothing was ever recorded in.
pub fn nothing_recorded(workspace: &str) -> Recorded {
    Recorded {
        lineage: fresh(),
        workspace: workspace.to_owned(),
        serial: 0,
        epoch: 0,
        records: BTreeMap::new(),
        containers: BTreeMap::new(),
        trash: BTreeMap::new(),
        hosts: BTreeMap::new(),
        outputs: Vec::new(),
        open_run: None,
    }
}

/// Resolves the configuration against the state and hands the result on.
///
/// # Errors
/// Every problem of the configuration at once, or the handed-on function's own.
pub fn with_situation<R>(
    context: &mut Context,
    workspace: &Workspace,
    recorded: &Recorded,
    question: &Question<'_>,
    then: impl FnOnce(&Context, &Situation<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let inputs = inputs::gather(context, workspace, question.variables)?;
    let context = &*context;
    let moved = moves::apply(&recorded.records, &workspace.moves())?;
    let mut identities =
        identities::Recorded { records: &moved.records, options: question.options, chosen: question.chosen };
    let (resolved, mut warnings) =
        resolve(&workspace.declared, &context.sources, &workspace.schemas, &inputs, &mut identities);
    for container in resolved.desired.containers.values() {
        if let Ok(provider) = CATALOG.of(container) {
            warnings.extend(provider.check(container));
        }
    }
    warnings.extend(workspace.warnings.clone());
    warnings.sort();
    if warnings.has_errors() {
        return Err(warnings.into());
    }
    // A command asks once and ends: freeing a large configuration piece by piece would only make it end later.
    let key = match needs_secrets(&resolved.desired, recorded) {
        true => Some(super::state_key_or_create(context, workspace)?),
        false => None,
    };
    let situation = ManuallyDrop::new(Situation {
        key,
        workspace,
        recorded,
        moved: &moved,
        resolved,
        options: question.options,
        warnings,
        ssh: &context.ssh,
    });
    then(context, &situation)
}

/// Whether anything has to prove itself to anything.
fn needs_secrets(desired: &Desired, recorded: &Recorded) -> bool {
    let wanted = desired.resources.values().any(|resource| match &resource.spec {
        Spec::Attachment(AttachmentSpec {
            route: Route::Session { target, .. } | Route::Network { target },
            ..
        }) => target.chap.is_wanted() || target.mutual.is_wanted(),
        _ => false,
    });
    wanted || recorded.records.values().any(|record| !record.object.body.clone().logins().1.is_empty())
}

impl Fingerprints for Situation<'_> {
    fn of(&self, proof: &Proof<'_>) -> String {
        let Proof { target, user, secret } = proof;
        let key = self.key.as_ref();
        key.map(|key| key.fingerprint_of(self.recorded.lineage, target, user, secret)).unwrap_or_default()
    }

    fn generation(&self) -> u64 {
        self.recorded.epoch
    }

    fn sealed(&self, secret: &str) -> Option<String> {
        let given = self.resolved.desired.containers.values().flat_map(|container| {
            container.settings.iter().filter_map(|(name, setting)| match setting {
                Setting::Login(login) => Some((desired::Target::given(&container.address, name), login)),
                _ => None,
            })
        });
        let (name, login) = given.into_iter().find(|(name, _)| name == secret)?;
        self.key.as_ref()?.seal_secret(self.recorded.lineage, &name, login.secret.reveal())
    }
}

impl Situation<'_> {
    /// Every host that is declared or recorded.
    pub fn known_hosts(&self) -> Specs {
        reach::known([&self.recorded.hosts, &self.resolved.desired.hosts])
    }

    /// Connections to every host that is declared or recorded.
    pub fn hosts(&self) -> Hosts {
        Hosts::reached_by(self.ssh, self.known_hosts())
    }

    /// Looks at every container that is not excluded: one round trip a host.
    ///
    /// # Errors
    /// Where a host has seen a newer state than this one.
    pub async fn look(&self, hosts: &Hosts) -> Result<Views, Failure> {
        look(&self.resolved.desired, self.recorded, &self.options.not_asked(), hosts).await
    }

    pub fn world<'w>(&'w self, views: &'w Views) -> World<'w> {
        World {
            lineage: self.recorded.lineage,
            workspace: &self.resolved.desired.workspace,
            desired: &self.resolved.desired,
            records: &self.moved.records,
            containers: &self.recorded.containers,
            trash: &self.recorded.trash,
            live: views,
            makers: &CATALOG,
            fingerprint: self,
        }
    }

    /// The plan, with moves in it and the preconditions of the configuration checked.
    ///
    /// # Errors
    /// Where there is nothing to show.
    pub fn plan(&self, views: &Views) -> Result<Built, Failure> {
        let mut built = build(&self.world(views), self.options, &mut fresh)?;
        let effects: Vec<Effect> = self.moved.effects.clone();
        surveyed::show_moves(&mut built.plan, &effects);
        built.plan.state_effects.splice(0..0, effects);
        for (effect, row) in reach::changed(&self.resolved.desired.hosts, self.recorded, views) {
            built.plan.state_effects.push(effect);
            built.plan.changes.push(row);
        }
        built.plan.changes.sort_by(|a, b| a.address.cmp(&b.address));
        reach::write_into(&mut built.plan, &self.known_hosts());
        if !self.options.destroy {
            let look = |address: &Address, name: &str| surveyed::value(self, views, address, name);
            built.diagnostics.extend(self.resolved.deferred.preconditions(&look));
        }
        built.diagnostics.extend(self.warnings.clone());
        if self.recorded.open_run.is_some() {
            // What an open run made is not recorded yet: the banner has said so, and recovery is the cure.
            built.diagnostics =
                built.diagnostics.into_iter().filter(|problem| problem.summary != UNRECORDED).collect();
        }
        built.diagnostics.sort();
        Ok(built)
    }
}

/// Every container that is declared or recorded, as it is declared, else as it is recorded.
pub fn containers<'a>(
    desired: &'a Desired,
    recorded: &'a Recorded,
) -> BTreeMap<&'a Address, &'a ContainerSpec> {
    let known = recorded.containers.iter().map(|(address, record)| (address, &record.spec));
    known.chain(&desired.containers).collect()
}

/// Looks at every container that is declared or recorded, and not excluded: one round trip a host.
///
/// # Errors
/// Where a host has seen a newer state than this one.
pub async fn look(
    desired: &Desired,
    recorded: &Recorded,
    excludes: &[Address],
    hosts: &Hosts,
) -> Result<Views, Failure> {
    let targets = targets(desired, recorded, excludes)?;
    let views = first_look(hosts, recorded.lineage, &targets).await;
    for target in &targets {
        if let Some(ContainerView::Present(Surveyed { epoch: Some(found), .. })) =
            views.get(&target.spec.address)
            && *found > recorded.epoch
        {
            return Err(crate::apply::stale(&target.spec, recorded.epoch, *found));
        }
    }
    Ok(views)
}

/// Whether the host of a container is left out: it may be dead, and is not contacted at all.
pub fn on_excluded_host(excludes: &[Address], container: &ContainerSpec) -> bool {
    excludes.contains(&Address::new(Kind::Host, &container.host.0))
}

fn targets(desired: &Desired, recorded: &Recorded, excludes: &[Address]) -> Result<Vec<Target>, Failure> {
    let mut wanted: BTreeMap<Address, BTreeSet<String>> = BTreeMap::new();
    let mut probed: BTreeMap<Address, BTreeMap<Uuid, String>> = BTreeMap::new();
    let shared = sharing::shared(desired);
    for record in lower(desired)?.into_values() {
        let pool = &record.object.container;
        if record.object.key.is_primary()
            && shared.contains_key(&record.object.key.address)
            && let Some(place) =
                desired.containers.get(pool).and_then(|spec| CATALOG.place(spec, &record.object))
        {
            probed.entry(pool.clone()).or_default().insert(record.object.id, place);
        }
        if let Some(name) = occupies(&record.object.body) {
            wanted.entry(record.object.container.clone()).or_default().insert(name);
        }
    }
    // What is left out is not even asked.
    let excluded = |address: &Address, spec: &ContainerSpec| {
        excludes.contains(address) || on_excluded_host(excludes, spec)
    };
    let looked_at =
        containers(desired, recorded).into_iter().filter(|(address, spec)| !excluded(address, spec));
    Ok(looked_at
        .map(|(address, spec)| Target {
            spec: spec.clone(),
            identity: recorded.containers.get(address).map(|record| record.identity),
            wanted: wanted.remove(address).unwrap_or_default(),
            probed: probed.remove(address).unwrap_or_default(),
        })
        .collect())
}

/// What the state would show if everything were as it was recorded: `--no-refresh`.
pub fn as_recorded(situation: &Situation<'_>) -> Views {
    let recorded = situation.recorded;
    let mut views: Views = containers(&situation.resolved.desired, recorded)
        .into_keys()
        .map(|address| {
            let view = match recorded.containers.get(address) {
                Some(record) => ContainerView::Present(surveyed::remembered(recorded, record)),
                None => ContainerView::Fresh {
                    missing: Vec::new(),
                    foreign: BTreeSet::new(),
                    capacity: None,
                    strangers: Vec::new(),
                    vms: BTreeMap::new(),
                },
            };
            (address.clone(), view)
        })
        .collect();
    for record in situation.moved.records.values() {
        if let Some(ContainerView::Present(present)) = views.get_mut(&record.object.container) {
            present.objects.push(surveyed::as_observed(recorded, record));
        }
    }
    views
}

/// A refusal that leaves nothing to be shown.
pub fn refuse_open_run(recorded: &Recorded) -> Result<(), Failure> {
    let Some(run) = &recorded.open_run else { return Ok(()) };
    Err(Failure::new(
        crate::exit::Exit::Locked,
        Diagnostic::error(
            "An unfinished run must be recovered first",
            format!(
                "Run {} of {} was interrupted: some of its {} steps are done and some are not. Until it is closed, nothing \
                 else may change this workspace. `vbs recover` looks at what is there, shows what it would do, and takes \
                 the run back; with --resume it finishes it, unless taking it back has begun.",
                run.id, run.holder, run.steps
            ),
        ),
    ))
}
