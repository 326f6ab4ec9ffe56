//! The read loop: providers ask, hosts answer, providers read. One round trip a host, a few at most.
//!
//! Whatever goes wrong here ends in `Unsurveyed`, for that container alone: a failure is never an absence, or an
//! unmounted disk would plan the creation of everything that was on it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::task::Poll;

use uuid::Uuid;

use crate::hosts::Hosts;
use crate::model::command::{Answer, Query};
use crate::model::{Address, ContainerSpec, ContainerView, HostName};
use crate::providers::needs::{self, Found, Needs};
use crate::providers::probe;
use crate::providers::{CATALOG, Provider, Reading, Scope};

/// Questions that follow from answers: a provider that is not done after them does not know what it wants.
const FURTHER_ROUNDS: usize = 2;

/// One container to be looked at.
#[derive(Debug, Clone)]
pub struct Target {
    pub spec: ContainerSpec,
    /// As recorded; nothing for a container that is new to this workspace.
    pub identity: Option<Uuid>,
    /// Names that the configuration wants in it.
    pub wanted: BTreeSet<String>,
    /// Objects whose file systems are asked for, and where they are on the host.
    pub probed: BTreeMap<Uuid, String>,
}

impl Target {
    /// A container of which nothing is known and nothing in particular is wanted.
    pub fn new(spec: ContainerSpec) -> Self {
        Target { spec, identity: None, wanted: BTreeSet::new(), probed: BTreeMap::new() }
    }
}

/// Looks at every target. A container that could not be looked at is `Unsurveyed`, with the reason; this never fails.
pub async fn survey(hosts: &Hosts, lineage: Uuid, targets: &[Target]) -> BTreeMap<Address, ContainerView> {
    survey_with(hosts, lineage, targets, &in_catalog, Asked::Containers).await
}

/// The first look at hosts, for a plan: it asks as well whether they have what is needed. A container whose host lacks
/// something is `Unsurveyed`, and so is one whose host is another one's twin.
pub async fn first_look(
    hosts: &Hosts,
    lineage: Uuid,
    targets: &[Target],
) -> BTreeMap<Address, ContainerView> {
    let mut views = survey_with(hosts, lineage, targets, &in_catalog, Asked::NeedsToo).await;
    let duplicates = hosts.duplicates();
    for target in targets {
        if let Some(why) = duplicates.get(&target.spec.host) {
            views.insert(target.spec.address.clone(), ContainerView::Unsurveyed { why: why.clone() });
        }
    }
    views
}

/// What a survey asks beside what is in the containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Containers,
    NeedsToo,
}

fn in_catalog(container: &ContainerSpec) -> Result<&'static dyn Provider, String> {
    CATALOG.of(container).map_err(|unknown| unknown.detail)
}

/// The provider of a container, or why there is none.
type Lookup<'a> = &'a dyn Fn(&ContainerSpec) -> Result<&'static dyn Provider, String>;

async fn survey_with(
    hosts: &Hosts,
    lineage: Uuid,
    targets: &[Target],
    provider: Lookup<'_>,
    asked: Asked,
) -> BTreeMap<Address, ContainerView> {
    let mut by_host: BTreeMap<&HostName, Vec<Look<'_>>> = BTreeMap::new();
    for target in targets {
        by_host.entry(&target.spec.host).or_default().push(Look::new(target, lineage, provider));
    }
    let views = together(by_host.into_iter().map(|(host, looks)| look_at(hosts, host, looks, asked))).await;
    views.into_iter().flatten().collect()
}

/// All containers of one host: each round asks the open questions of all of them at once.
async fn look_at(
    hosts: &Hosts,
    host: &HostName,
    mut looks: Vec<Look<'_>>,
    asked: Asked,
) -> Vec<(Address, ContainerView)> {
    for round in 0..=FURTHER_ROUNDS {
        let needs = if round == 0 && asked == Asked::NeedsToo { needs(&looks) } else { Vec::new() };
        // Pools in one volume group, or in two on one host, ask the same: it is asked once.
        let probes = looks.iter().filter_map(|look| probe::query(look.target.probed.values()));
        let probes: Vec<Query> = probes.filter(|_| round == 0).collect();
        let mut questions: Vec<Query> = Vec::new();
        for question in looks.iter().flat_map(|look| &look.questions).chain(&probes) {
            if !questions.contains(question) {
                questions.push(question.clone());
            }
        }
        let mut queries: Vec<Query> = needs.iter().filter_map(|needs| needs.query()).collect();
        queries.extend(questions);
        match hosts.ask(host, &queries).await {
            Ok(answers) => {
                let answers: Vec<(Query, Answer)> = queries.into_iter().zip(answers).collect();
                for needs in needs {
                    refuse_lacking(&mut looks, needs, &answers);
                }
                looks.iter_mut().for_each(|look| look.take(&answers));
            }
            Err(error) => looks.iter_mut().for_each(|look| look.fail(&error.why)),
        }
        if looks.iter().all(|look| look.view.is_some()) {
            break;
        }
    }
    looks.into_iter().map(Look::end).collect()
}

/// What has to be on a host for these containers, each once.
fn needs(looks: &[Look<'_>]) -> Vec<&'static Needs> {
    let mut found = vec![&needs::HOST];
    for needs in looks.iter().filter_map(|look| Some(look.provider?.needs_to_look())) {
        if !found.iter().any(|known| std::ptr::eq(*known, needs)) {
            found.push(needs);
        }
    }
    found
}

/// Ends the looks at containers whose host lacks what they need.
fn refuse_lacking(looks: &mut [Look<'_>], needs: &'static Needs, answers: &[(Query, Answer)]) {
    let Some((_, answer)) = answers.iter().find(|(asked, _)| Some(asked) == needs.query().as_ref()) else {
        return;
    };
    let complaints: Vec<String> = needs.read(answer).iter().filter_map(Found::complaint).collect();
    if complaints.is_empty() {
        return;
    }
    let concerned = |look: &&mut Look<'_>| {
        let own = look.provider.map(|provider| provider.needs_to_look());
        std::ptr::eq(needs, &needs::HOST) || own.is_some_and(|own| std::ptr::eq(own, needs))
    };
    for look in looks.iter_mut().filter(concerned) {
        let why = format!("{}: {}", look.target.spec.host, complaints.join(" "));
        look.fail(why.trim_end_matches('.'));
    }
}

/// How far one container has been looked at.
struct Look<'a> {
    target: &'a Target,
    lineage: Uuid,
    provider: Option<&'static dyn Provider>,
    /// Not asked yet.
    questions: Vec<Query>,
    /// To everything that was asked.
    answers: Vec<Answer>,
    view: Option<ContainerView>,
    /// File systems by path, for what is probed.
    file_systems: BTreeMap<String, String>,
}

impl<'a> Look<'a> {
    fn new(target: &'a Target, lineage: Uuid, provider: Lookup<'_>) -> Self {
        let mut look = Look {
            target,
            lineage,
            provider: None,
            questions: Vec::new(),
            answers: Vec::new(),
            view: None,
            file_systems: BTreeMap::new(),
        };
        match provider(&target.spec) {
            Ok(provider) => {
                look.questions = provider.survey(&look.scope());
                look.provider = Some(provider);
            }
            Err(why) => look.fail(&why),
        }
        look
    }

    fn scope(&self) -> Scope<'a> {
        Scope {
            container: &self.target.spec,
            identity: self.target.identity,
            lineage: self.lineage,
            wanted: &self.target.wanted,
        }
    }

    /// Takes the answers to its own questions and reads everything again.
    fn take(&mut self, answers: &[(Query, Answer)]) {
        let probe = probe::query(self.target.probed.values());
        if let Some((_, answer)) = answers.iter().find(|(asked, _)| Some(asked) == probe.as_ref()) {
            let found = probe::read(answer).into_iter();
            self.file_systems = found.map(|(path, types)| (path.to_owned(), types.to_owned())).collect();
        }
        for question in std::mem::take(&mut self.questions) {
            let answer =
                answers.iter().find(|(asked, _)| *asked == question).map(|(_, answer)| answer.clone());
            self.answers.extend(answer);
        }
        let Some(provider) = self.provider.filter(|_| self.view.is_none()) else { return };
        match provider.read(&self.scope(), &self.answers) {
            Reading::Done(view) => self.view = Some(as_recorded(self.target, view)),
            Reading::Ask(questions) => self.questions = questions,
        }
    }

    fn fail(&mut self, why: &str) {
        self.questions.clear();
        self.view.get_or_insert_with(|| ContainerView::Unsurveyed { why: why.to_owned() });
    }

    fn end(self) -> (Address, ContainerView) {
        let mut view = self.view.unwrap_or_else(|| ContainerView::Unsurveyed {
            why: format!("its provider still had questions after {FURTHER_ROUNDS} further rounds of them"),
        });
        if let ContainerView::Present(surveyed) = &mut view {
            for observed in &mut surveyed.objects {
                let path = self.target.probed.get(&observed.mark.id);
                if let Some(types) = path.and_then(|path| self.file_systems.get(path)) {
                    observed.notes.insert(probe::FILE_SYSTEM.to_owned(), types.clone());
                }
            }
        }
        (self.target.spec.address.clone(), view)
    }
}

/// Holds what was found against what was recorded: another container in its place is not it.
fn as_recorded(target: &Target, view: ContainerView) -> ContainerView {
    let Some(recorded) = target.identity else { return view };
    let found = match &view {
        ContainerView::Present(surveyed) if surveyed.identity == recorded => return view,
        ContainerView::Unsurveyed { .. } => return view,
        ContainerView::Present(surveyed) => format!("identity {} was found", surveyed.identity),
        ContainerView::Fresh { .. } => "nothing of vbs was found".to_owned(),
    };
    let Target { spec: ContainerSpec { address, host, .. }, .. } = target;
    ContainerView::Unsurveyed {
        why: format!(
            "the place of {address} on host {host} does not hold the {} that was recorded (identity {recorded}): {found}. Is the disk mounted, and are host and path as they were?",
            address.kind
        ),
    }
}

/// Runs all futures at once and waits for all, in their order.
pub async fn together<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in &mut running {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(ready) => *output = Some(ready),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests;
