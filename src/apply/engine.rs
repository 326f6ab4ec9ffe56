//! What forward runs, reverts and recovery share: the journal in memory and on disk, fresh looks, and doubts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use super::dispatch::Way;
use super::event::{CommandFailure, Event};
use super::proof::{Finding, Seen, Views};
use super::signal::Signals;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::hosts::{Fence, Hosts, Raised, Verdict, milliseconds};
use crate::model::command::{Answer, status};
use crate::model::{Address, ContainerSpec, HostName};
use crate::plan::Plan;
use crate::plan::step::{Effect, Step};
use crate::providers::CATALOG;
use crate::state::{Evidence, RunHandle, StepEvent, StepStatus, Store, StoredOutput, journal};
use crate::survey::{Target, survey, together};

/// How a run is to be done.
#[derive(Debug, Clone)]
pub struct RunOptions {
    pub parallelism: usize,
    /// On failure, keep what was done.
    pub no_revert: bool,
    /// How long a frame waits for a guard that somebody else holds.
    pub wait_seconds: u64,
    /// For whoever has to wait: `shop, pid 4711 on admin1`.
    pub holder: String,
    /// Seconds since 1970, for people.
    pub now: i64,
}

/// A look at the finished world: what must hold of it, and the outputs where they can be told.
pub type Conclude<'a> = dyn Fn(&Views) -> (Diagnostics, Option<Vec<StoredOutput>>) + 'a;

/// Where secrets are looked up by name.
pub type Secrets<'a> = dyn Fn(&str) -> Result<String, Diagnostic> + 'a;

/// What a run needs beside its plan.
pub struct Setup<'a> {
    pub store: &'a mut Store,
    pub hosts: Arc<Hosts>,
    pub signals: Signals,
    pub options: RunOptions,
    pub listener: &'a mut dyn FnMut(Event),
    /// Recorded containers that the plan does not touch: their guards see the epoch too, so that an older copy of the
    /// state is noticed wherever it looks.
    pub others: Vec<ContainerSpec>,
    /// The secret of a name.
    pub secrets: &'a Secrets<'a>,
    /// Looks at the world once everything reversible is done: conditions that must hold of it (a failure reverts), and
    /// the outputs, where they can be told.
    pub conclude: &'a Conclude<'a>,
}

/// One run, from its first intent to its close.
pub struct Engine<'a> {
    pub(super) setup: Setup<'a>,
    pub(super) plan: &'a Plan,
    pub(super) run: RunHandle,
    pub(super) statuses: Vec<StepStatus>,
    pub(super) outputs: Option<Vec<StoredOutput>>,
    /// Whether this process was started to close a run that another began.
    pub(super) recovering: bool,
    /// Signals that arrived before this run began do not count.
    pub(super) signals_seen: usize,
    /// Whether the reply to an undo was lost since the last look.
    pub(super) doubted_undo: bool,
    /// Objects that recovery takes as they are found.
    pub(super) accepted: Vec<Address>,
    pub(super) advances: Advances,
}

/// A step that did not do what it should have.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub step: usize,
    pub failure: CommandFailure,
}

/// What sending one frame led to.
pub(super) type Reply = (usize, Verdict);

/// How far a long step has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Advance {
    pub step: usize,
    pub undo: bool,
    pub done: u64,
    pub total: u64,
}

/// Where tasks tell how far their steps have come, and where the engine hears it.
pub(super) struct Advances {
    pub tell: UnboundedSender<Advance>,
    pub heard: UnboundedReceiver<Advance>,
}

impl Advances {
    pub fn new() -> Self {
        let (tell, heard) = unbounded_channel();
        Advances { tell, heard }
    }
}

impl<'a> Engine<'a> {
    pub(super) fn step(&self, index: usize) -> &'a Step {
        &self.plan.steps[index]
    }

    pub(super) fn tell(&mut self, event: Event) {
        (self.setup.listener)(event);
    }

    /// Signals since the run began.
    pub(super) fn signals(&self) -> usize {
        self.setup.signals.count() - self.signals_seen
    }

    pub(super) fn fence(&self) -> Fence {
        Fence {
            lineage: self.plan.lineage,
            epoch: self.run.epoch,
            wait_seconds: self.setup.options.wait_seconds,
            holder: format!("{}, run {}", self.setup.options.holder, self.run.id),
        }
    }

    /// Commits events to the journal, all in one transaction, and follows them in memory.
    pub(super) fn record(&mut self, events: &[(usize, StepEvent, Option<Evidence>)]) -> Result<(), Failure> {
        self.setup.store.append(&self.run, events)?;
        for (index, event, _) in events {
            self.statuses[*index] = journal::next(self.statuses[*index], *event)
                .map_err(|illegal| Diagnostic::bug(format!("{}: {illegal}", self.plan.steps[*index].id)))?;
        }
        Ok(())
    }

    pub(super) fn with_status(&self, wanted: &[StepStatus]) -> BTreeSet<usize> {
        (0..self.statuses.len()).filter(|index| wanted.contains(&self.statuses[*index])).collect()
    }

    /// Sends a frame on a task of its own, again and again where it says that there is more to do: until it is done, or
    /// a signal asks for a stop.
    pub(super) fn send(
        &self,
        index: usize,
        undo: bool,
    ) -> Result<impl Future<Output = Reply> + Send + use<>, Failure> {
        let step = self.step(index);
        let action = match (&step.undo, undo) {
            (_, false) => &step.run,
            (
                crate::plan::step::Undo::Run(action) | crate::plan::step::Undo::RunInSameProcess(action),
                true,
            ) => action,
            (_, true) => return Err(Diagnostic::bug(format!("{} has no undo to send", step.id)).into()),
        };
        let mut frame = CATALOG.frame(action, &step.guard)?;
        for name in &action.secrets {
            frame.stdin.push_str(&(self.setup.secrets)(name)?);
            frame.stdin.push('\n');
        }
        let (hosts, host, fence) = (Arc::clone(&self.setup.hosts), step.host.clone(), self.fence());
        let (step, verb) = (step.id.clone(), format!("{}/{}", action.provider, action.verb));
        let (advance, signals) = (self.advances.tell.clone(), self.setup.signals.clone());
        let most_signals = self.signals_seen + usize::from(undo);
        Ok(async move {
            loop {
                let begun = Instant::now();
                let verdict = hosts.act(&host, &frame, &fence).await;
                let (outcome, status) = verdict.words();
                tracing::debug!(%host, verb, %step, undo, outcome, status, ms = milliseconds(begun), "frame");
                let Some((done, total)) = progress(&verdict) else { return (index, verdict) };
                // Nobody hears it any more where the run has ended.
                let _ = advance.send(Advance { step: index, undo, done, total });
                if signals.count() > most_signals {
                    return (index, verdict);
                }
            }
        })
    }

    pub(super) fn advanced(&mut self, advance: Advance) {
        let (address, title) = self.named(advance.step);
        let Advance { step, undo, done, total } = advance;
        self.tell(Event::StepProgress { step, address, title, undo, done, total });
    }

    /// Looks afresh at every container that the given steps' proofs speak of: one round trip a host.
    pub(super) async fn look(&self, steps: &BTreeSet<usize>) -> Views {
        let mut wanted: BTreeSet<&Address> = BTreeSet::new();
        for index in steps {
            let proof = &self.step(*index).proof;
            wanted
                .extend(proof.done.iter().chain(&proof.not_done).map(|expectation| expectation.container()));
        }
        let targets: Vec<Target> = wanted.into_iter().filter_map(|address| self.target(address)).collect();
        survey(&self.setup.hosts, self.plan.lineage, &targets).await
    }

    /// Looks at every container of the plan, and the others.
    pub(super) async fn look_everywhere(&self) -> Views {
        let planned = self.plan.containers.keys().filter_map(|address| self.target(address));
        let others = self.setup.others.iter().cloned().map(Target::new);
        let targets: Vec<Target> = planned.chain(others).collect();
        survey(&self.setup.hosts, self.plan.lineage, &targets).await
    }

    /// In mid-run a container may be there or not yet or no longer, so no identity is insisted on; the frames
    /// and the proofs check it.
    fn target(&self, address: &Address) -> Option<Target> {
        let planned = self.plan.containers.get(address)?;
        Some(Target::new(planned.spec.clone()))
    }

    /// Raises the epoch, in the state and at the guard of every container that the plan touches. When this returns,
    /// no command that was sent under an older epoch can change anything any more: it has ended, or it will refuse.
    pub(super) async fn raise(&mut self) -> Result<(), Failure> {
        self.run = self.setup.store.raise_epoch(&self.run)?;
        self.raise_at_guards().await
    }

    /// All hosts at once, one guard after the other on each.
    pub(super) async fn raise_at_guards(&self) -> Result<(), Failure> {
        let planned = self.plan.containers.values().map(|planned| (&planned.spec, true));
        let others = self.setup.others.iter().map(|spec| (spec, false));
        let mut by_host: BTreeMap<&HostName, Vec<(&ContainerSpec, bool)>> = BTreeMap::new();
        for (container, is_touched) in planned.chain(others) {
            by_host.entry(&container.host).or_default().push((container, is_touched));
        }
        let fence = self.fence();
        let raising = by_host.into_values().map(|containers| self.raise_on_host(containers, &fence));
        together(raising).await.into_iter().collect()
    }

    async fn raise_on_host(
        &self,
        containers: Vec<(&ContainerSpec, bool)>,
        fence: &Fence,
    ) -> Result<(), Failure> {
        for (container, is_touched) in containers {
            match raise_at(&self.setup.hosts, container, fence).await {
                Ok(()) => {}
                Err(failure) if is_touched || failure.exit == Exit::Locked => return Err(failure),
                // Nothing is sent to what follows, so the host need not be reachable, and is not tried again.
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Settles what is answered, in doubt or merely intended by a fresh look. What is not proved stays as it is and is
    /// returned, with what is missing. That a step is not done is recorded only where it is to be run (again): before
    /// an undo it does not count, because a step can leave traces that no proof speaks of, such as an empty directory.
    ///
    /// # Errors
    /// Where the journal cannot be written. A container that cannot be looked at leaves its steps in doubt.
    pub(super) async fn settle(
        &mut self,
        steps: &BTreeSet<usize>,
        way: Way,
    ) -> Result<BTreeMap<usize, String>, Failure> {
        let views = self.look(steps).await;
        self.settle_by(&views, steps, way)
    }

    /// As [`Self::settle`], by a look that was taken after the steps had ended.
    pub(super) fn settle_by(
        &mut self,
        views: &Views,
        steps: &BTreeSet<usize>,
        way: Way,
    ) -> Result<BTreeMap<usize, String>, Failure> {
        let findings: Vec<(usize, Finding)> = {
            let seen = Seen::new(views, self.plan.lineage);
            steps.iter().map(|index| (*index, seen.finding(&self.step(*index).proof))).collect()
        };
        let mut events = Vec::new();
        let mut open = BTreeMap::new();
        for (index, finding) in findings {
            match (finding, way) {
                (Finding::Done, _) => events.push((index, StepEvent::ProveDone, None)),
                (Finding::NotDone, Way::Forward) => events.push((index, StepEvent::ProveNotDone, None)),
                (Finding::NotDone, Way::Backward) => {
                    open.insert(index, "nothing of it is there".to_owned());
                }
                (Finding::Neither { missing: why } | Finding::Unknown { why }, _) => {
                    open.insert(index, why);
                }
            }
        }
        self.record(&events)?;
        Ok(open)
    }

    /// The effects of everything that is done, after those that need no host.
    pub(super) fn effects(&self) -> Vec<Effect> {
        let done = self.with_status(&[StepStatus::Done]);
        let of_steps = done.iter().flat_map(|index| self.step(*index).effects.iter().cloned());
        self.plan.state_effects.iter().cloned().chain(of_steps).collect()
    }
}

/// How far a frame has come that has more to do, as its last line tells; nothing where it is at its end.
fn progress(verdict: &Verdict) -> Option<(u64, u64)> {
    let Verdict::Answered(answer) = verdict else { return None };
    if answer.status != status::MORE {
        return None;
    }
    let line = answer.stdout.lines().next_back()?.strip_prefix("progress ")?;
    let (done, total) = line.split_once(' ')?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

/// Writes the epoch beside the guard of one container.
///
/// # Errors
/// A newer run of this lineage was there, somebody holds the guard, or the host cannot be reached.
pub async fn raise_at(hosts: &Hosts, container: &ContainerSpec, fence: &Fence) -> Result<(), Failure> {
    let guard = CATALOG.of(container)?.guard(container);
    match hosts.raise(&container.host, &guard, fence).await {
        Ok(Raised::Raised | Raised::NoContainer) => Ok(()),
        Ok(Raised::Stale { found }) => Err(stale(container, fence.epoch, found)),
        Ok(Raised::Busy { holder }) => Err(busy(container, &holder)),
        Err(error) => Err(Failure::new(
            Exit::Error,
            Diagnostic::error(
                "A host cannot be reached",
                format!("Nothing was sent to {} on {}: {}", container.address, error.host, error.why),
            ),
        )),
    }
}

/// The state's epoch is behind what its own lineage left on a host: an older copy was put back.
pub fn stale(container: &ContainerSpec, epoch: u64, found: u64) -> Failure {
    Failure::new(
        Exit::Locked,
        Diagnostic::error(
            "This is a stale copy of the state",
            format!(
                "{} has seen run epoch {found} of this workspace, and this state is at {epoch}: a newer state exists, or \
                 existed. Working from the older one would undo or double what the newer one did. If the newest state \
                 is still somewhere, put it back; if not, `vbs state rebuild` writes this one anew from what is there. (A \
                 backup is always older: it was made before a run.)",
                container.address
            ),
        ),
    )
}

fn busy(container: &ContainerSpec, holder: &str) -> Failure {
    Failure::new(
        Exit::Locked,
        Diagnostic::error(
            "Somebody else is working there",
            format!(
                "{} is held by {holder}. Nothing was changed. Try again when that has ended.",
                container.address
            ),
        ),
    )
}

/// How a failed command is shown.
pub(super) fn failure(
    lineage: Uuid,
    step: &Step,
    undo: bool,
    answer: Option<&Answer>,
    why: String,
) -> CommandFailure {
    let action = match &step.undo {
        crate::plan::step::Undo::Run(action) | crate::plan::step::Undo::RunInSameProcess(action) if undo => {
            action
        }
        _ => &step.run,
    };
    CommandFailure {
        host: step.host.to_string(),
        command: CATALOG.shown(action, lineage),
        status: answer.map(|answer| answer.status),
        stderr: answer.map(|answer| tail(&answer.stderr)).unwrap_or_default(),
        why,
    }
}

/// The last KiB: the end says what went wrong.
fn tail(text: &str) -> String {
    let mut start = text.len().saturating_sub(1024);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].trim_end().to_owned()
}

pub(super) fn evidence(answer: &Answer, why: &str) -> Evidence {
    Evidence {
        why: why.to_owned(),
        status: Some(answer.status),
        stdout: answer.stdout.clone(),
        stderr: answer.stderr.clone(),
    }
}

/// What a status other than zero means.
pub(super) fn meaning(status: i32) -> &'static str {
    match status {
        status::REFUSED => "it was refused, and nothing was changed",
        status::MORE => "it was stopped part-way",
        status::BUSY => "somebody else held the guard for the whole wait; nothing was changed",
        status::STALE => "a newer run of this workspace has been here; nothing was changed",
        status::GONE => "the pool or hypervisor is not there, or is another one; nothing was changed",
        _ => "the command failed",
    }
}

/// A frame that was refused as stale: another process took this run's place, and this one must not touch anything.
pub(super) fn fenced() -> Failure {
    Failure::new(
        Exit::Locked,
        Diagnostic::error(
            "This run was fenced off",
            "Another process took over this workspace while this one was running or stopped. This one changes nothing \
             more; the other one knows from the journal what was done. `vbs recover` there closes the run.",
        ),
    )
}
