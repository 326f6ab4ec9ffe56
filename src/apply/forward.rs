//! Forward: intent, command, answer, proof.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::dispatch::{Dispatch, Way};
use super::engine::{Advances, Engine, Reply, Setup, Trouble, evidence, failure, fenced, meaning};
use super::event::Event;
use super::outcome::Outcome;
use super::proof::Views;
use crate::diag::Diagnostic;
use crate::exit::{Exit, Failure};
use crate::hosts::Verdict;
use crate::model::command::status;
use crate::plan::Plan;
use crate::plan::step::Effect;
use crate::state::{Evidence, RunInfo, RunKind, RunStatus, StepEvent, StepStatus, StoredOutput};

/// How a pass over the steps ended.
enum Pass {
    Completed,
    Failed(Vec<Trouble>),
    Interrupted,
}

impl<'a> Engine<'a> {
    /// Begins a run: after this its plan is on disk and every guard has seen its epoch.
    ///
    /// # Errors
    /// Where the state cannot be written, another run is open, or a guard refuses: nothing was sent then.
    pub async fn begin(
        setup: Setup<'a>,
        plan: &'a Plan,
        kind: RunKind,
        outputs: Option<Vec<StoredOutput>>,
    ) -> Result<Self, Failure> {
        let info = RunInfo {
            holder: setup.options.holder.clone(),
            started_at: setup.options.now,
            outputs: outputs.clone(),
        };
        let run = setup.store.begin_run(kind, plan, &info)?;
        let signals_seen = setup.signals.count();
        let statuses = vec![StepStatus::Planned; plan.steps.len()];
        let mut engine = Engine {
            setup,
            plan,
            run,
            statuses,
            outputs,
            recovering: false,
            signals_seen,
            doubted_undo: false,
            accepted: Vec::new(),
            advances: Advances::new(),
        };
        if let Err(refused) = engine.raise_at_guards().await {
            engine.close(RunStatus::Reverted, &[])?;
            return Err(refused);
        }
        Ok(engine)
    }

    /// Runs the plan to its end, whatever that is.
    ///
    /// # Errors
    /// Where the journal cannot be written or the run was fenced off: the run stays open for `vbs recover`.
    pub async fn run(mut self) -> Result<Outcome, Failure> {
        self.tell(Event::Started { steps: self.plan.steps.len() });
        self.go_forward().await.map_err(left_open)
    }

    pub(super) async fn go_forward(&mut self) -> Result<Outcome, Failure> {
        let turn = self.plan.point_of_no_return().unwrap_or(self.plan.steps.len());
        let troubles = match self.pass(0..turn).await? {
            Pass::Completed if self.recovering => self.prove().await?,
            Pass::Completed => {
                // One look for the proofs and for the conditions: nothing of ours happens in between.
                self.tell_of_proving();
                let views = self.look_everywhere().await;
                let troubles = self.prove_by(&views)?;
                if troubles.is_empty() && !self.conclude(&views) {
                    return self.give_up(Vec::new()).await;
                }
                troubles
            }
            Pass::Failed(troubles) => troubles,
            Pass::Interrupted => return self.give_up(Vec::new()).await,
        };
        if !troubles.is_empty() {
            return self.give_up(troubles).await;
        }
        if turn < self.plan.steps.len() {
            match self.pass(turn..self.plan.steps.len()).await? {
                Pass::Completed => {
                    let troubles = self.prove().await?;
                    if !troubles.is_empty() {
                        return self.give_up(troubles).await;
                    }
                }
                Pass::Failed(troubles) => return self.give_up(troubles).await,
                Pass::Interrupted => return self.give_up(Vec::new()).await,
            }
        }
        let unsettled = self.not_done();
        if !unsettled.is_empty() {
            return self.give_up(unsettled).await;
        }
        let effects = self.effects();
        self.close(RunStatus::Applied, &effects)?;
        Ok(Outcome::Applied)
    }

    /// Steps that a pass left in doubt: their containers could not be looked at.
    fn not_done(&self) -> Vec<Trouble> {
        let left = (0..self.statuses.len()).filter(|index| self.statuses[*index] != StepStatus::Done);
        let why = "it could not be looked at, so nobody knows whether it happened".to_owned();
        left.map(|step| Trouble {
            step,
            failure: failure(self.plan.lineage, self.step(step), false, None, why.clone()),
        })
        .collect()
    }

    /// Reverts, or halts where that is not possible or not wanted.
    async fn give_up(&mut self, troubles: Vec<Trouble>) -> Result<Outcome, Failure> {
        for trouble in troubles {
            let (address, title) = self.named(trouble.step);
            self.tell(Event::StepFailed { step: trouble.step, address, title, failure: trouble.failure });
        }
        if self.setup.options.no_revert || self.is_past_return() {
            self.halt().await
        } else {
            self.revert().await
        }
    }

    /// Whether something irreversible was sent and not proved undone.
    pub(super) fn is_past_return(&self) -> bool {
        let untouched = [StepStatus::Planned, StepStatus::NotDone];
        self.plan
            .steps
            .iter()
            .zip(&self.statuses)
            .any(|(step, status)| step.is_irreversible() && !untouched.contains(status))
    }

    /// One pass over a range of the steps: dispatches what is free until nothing is left or something went wrong.
    /// Trouble is looked into at once; where the look shows the step done after all, the pass goes on.
    async fn pass(&mut self, range: std::ops::Range<usize>) -> Result<Pass, Failure> {
        loop {
            let waiting = [StepStatus::Planned, StepStatus::NotDone];
            let chosen: BTreeSet<usize> =
                range.clone().filter(|index| waiting.contains(&self.statuses[*index])).collect();
            let troubles = match self.dispatch_forward(&chosen).await? {
                Pass::Failed(troubles) => troubles,
                ended => return Ok(ended),
            };
            let remaining = self.look_into(troubles).await?;
            if !remaining.is_empty() {
                return Ok(Pass::Failed(remaining));
            }
        }
    }

    async fn dispatch_forward(&mut self, chosen: &BTreeSet<usize>) -> Result<Pass, Failure> {
        let mut queue = Dispatch::new(self.plan, chosen, Way::Forward, self.setup.options.parallelism);
        let mut running: JoinSet<(Reply, Duration)> = JoinSet::new();
        let mut troubles = Vec::new();
        let mut events: Vec<(usize, StepEvent, Option<Evidence>)> = Vec::new();
        let mut stopped = false;
        loop {
            if self.signals() > 0 && !stopped {
                self.tell(Event::Interrupted { again: false });
                stopped = true;
            }
            let next = if stopped || !troubles.is_empty() { Vec::new() } else { queue.take() };
            events.extend(next.iter().map(|index| (*index, StepEvent::Intend, None)));
            // What was answered and what is intended next share a transaction.
            self.record(&events)?;
            events.clear();
            for index in next {
                self.start(index, &mut running)?;
            }
            if !queue.is_running() {
                break;
            }
            for ((index, verdict), elapsed) in self.replies(&mut running).await? {
                queue.ended(self.plan, index);
                match self.answered(index, verdict, elapsed, &mut events)? {
                    None => queue.release(self.plan, index),
                    Some(trouble) => troubles.push(trouble),
                }
            }
        }
        Ok(match (troubles.is_empty(), stopped) {
            (false, _) => Pass::Failed(troubles),
            (true, true) => Pass::Interrupted,
            (true, false) => Pass::Completed,
        })
    }

    fn start(&mut self, index: usize, running: &mut JoinSet<(Reply, Duration)>) -> Result<(), Failure> {
        let (address, title) = self.named(index);
        self.tell(Event::StepStarted { step: index, address, title });
        let sent = self.send(index, false)?;
        running.spawn(async move {
            let started = Instant::now();
            (sent.await, started.elapsed())
        });
        Ok(())
    }

    /// Waits for at least one reply, and takes all that are there. A signal ends the wait so that it can be told.
    pub(super) async fn replies(
        &mut self,
        running: &mut JoinSet<(Reply, Duration)>,
    ) -> Result<Vec<(Reply, Duration)>, Failure> {
        let seen = self.setup.signals.count();
        let signals = self.setup.signals.clone();
        let mut replies = Vec::new();
        loop {
            tokio::select! {
                reply = running.join_next() => replies.extend(reply),
                () = signals.more_than(seen) => {}
                Some(advance) = self.advances.heard.recv() => {
                    self.advanced(advance);
                    continue;
                }
            }
            break;
        }
        while let Some(reply) = running.try_join_next() {
            replies.push(reply);
        }
        let broken = |error| Diagnostic::bug(format!("a task that ran a step broke: {error}"));
        replies.into_iter().map(|reply| reply.map_err(|error| broken(error).into())).collect()
    }

    /// Notes a verdict for the next commit. Trouble is whatever is not a clean answer of zero.
    fn answered(
        &mut self,
        index: usize,
        verdict: Verdict,
        elapsed: Duration,
        events: &mut Vec<(usize, StepEvent, Option<Evidence>)>,
    ) -> Result<Option<Trouble>, Failure> {
        let step = self.step(index);
        let (address, title) = self.named(index);
        let failure = match verdict {
            Verdict::Answered(answer) if answer.status == 0 => {
                events.push((index, StepEvent::Answer, None));
                self.tell(Event::StepDone { step: index, address, title, elapsed });
                return Ok(None);
            }
            Verdict::Answered(answer) if answer.status == status::STALE => return Err(fenced()),
            Verdict::Answered(answer) => {
                let why = meaning(answer.status);
                events.push((index, StepEvent::Answer, Some(evidence(&answer, why))));
                failure(self.plan.lineage, step, false, Some(&answer), why.to_owned())
            }
            Verdict::NotStarted { why } => {
                events.push((
                    index,
                    StepEvent::ProveNotDone,
                    Some(Evidence { why: why.clone(), ..Evidence::default() }),
                ));
                failure(self.plan.lineage, step, false, None, format!("it was never started: {why}"))
            }
            Verdict::InDoubt { why } => {
                events.push((
                    index,
                    StepEvent::Doubt,
                    Some(Evidence { why: why.clone(), ..Evidence::default() }),
                ));
                self.tell(Event::StepInDoubt { step: index, address, title, why: why.clone() });
                failure(self.plan.lineage, step, false, None, format!("no whole reply arrived: {why}"))
            }
        };
        Ok(Some(Trouble { step: index, failure }))
    }

    /// Looks at what went wrong: the proof wins over the exit code, both ways. Returns what is really wrong.
    async fn look_into(&mut self, troubles: Vec<Trouble>) -> Result<Vec<Trouble>, Failure> {
        if troubles.iter().any(|trouble| self.statuses[trouble.step] == StepStatus::InDoubt) {
            // The lost command may still be running; after this it has ended or will refuse.
            self.raise().await?;
        }
        let open: BTreeSet<usize> = troubles
            .iter()
            .map(|trouble| trouble.step)
            .filter(|index| matches!(self.statuses[*index], StepStatus::InDoubt | StepStatus::Answered))
            .collect();
        let unproved = self.settle(&open, Way::Backward).await?;
        // The frame itself said, before it did anything, that it must not: where nobody can look, its word counts.
        let kept_out = |trouble: &&Trouble| {
            let held_back = [status::GONE, status::BUSY].map(Some);
            unproved.contains_key(&trouble.step) && held_back.contains(&trouble.failure.status)
        };
        let never_began: Vec<_> = troubles
            .iter()
            .filter(kept_out)
            .map(|trouble| (trouble.step, StepEvent::ProveNotDone, None))
            .collect();
        self.record(&never_began)?;
        Ok(troubles.into_iter().filter(|trouble| self.statuses[trouble.step] != StepStatus::Done).collect())
    }

    /// Proves everything that answered, in one look, before the commit.
    async fn prove(&mut self) -> Result<Vec<Trouble>, Failure> {
        let answered = self.with_status(&[StepStatus::Answered]);
        if answered.is_empty() {
            return Ok(Vec::new());
        }
        self.tell_of_proving();
        let views = self.look(&answered).await;
        self.prove_by(&views)
    }

    fn tell_of_proving(&mut self) {
        let steps = self.with_status(&[StepStatus::Answered]).len();
        if steps > 0 {
            self.tell(Event::Proving { steps });
        }
    }

    fn prove_by(&mut self, views: &Views) -> Result<Vec<Trouble>, Failure> {
        let answered = self.with_status(&[StepStatus::Answered]);
        let open = self.settle_by(views, &answered, Way::Backward)?;
        let lied = |(index, why): (usize, String)| {
            let why = format!("it reported success, but a fresh look does not show it: {why}");
            Trouble {
                step: index,
                failure: failure(self.plan.lineage, &self.plan.steps[index], false, None, why),
            }
        };
        Ok(open.into_iter().map(lied).collect())
    }

    /// The last word before anything irreversible: whether the conditions on the world as it is now hold.
    fn conclude(&mut self, views: &Views) -> bool {
        let (problems, outputs) = (self.setup.conclude)(views);
        if outputs.is_some() {
            self.outputs = outputs;
        }
        let failed: Vec<String> = problems
            .iter()
            .filter(|d| d.severity == crate::diag::Severity::Error)
            .map(|d| d.detail.clone())
            .collect();
        let hold = failed.is_empty();
        if !hold {
            self.tell(Event::ConditionsFailed { failed });
        }
        hold
    }

    /// Past the point of no return, or asked not to revert: what is done stays, what is half done is taken back.
    pub(super) async fn halt(&mut self) -> Result<Outcome, Failure> {
        if self.signals() > 1 {
            return Ok(Outcome::Interrupted);
        }
        let open = self.with_status(&[StepStatus::Intent, StepStatus::Answered, StepStatus::InDoubt]);
        let (irreversible, reversible): (BTreeSet<usize>, BTreeSet<usize>) =
            open.into_iter().partition(|index| self.step(*index).is_irreversible());
        self.settle(&irreversible, Way::Forward).await?;
        let mut reversible: BTreeSet<usize> =
            self.settle(&reversible, Way::Backward).await?.into_keys().collect();
        // Begun by a process that was killed meanwhile.
        reversible.extend(self.with_status(&[StepStatus::UndoIntent, StepStatus::UndoFailed]));
        if let Some(stuck) = self.undo_all(&reversible).await? {
            return self.stick(stuck);
        }
        let title = |index: &usize| self.plan.steps[*index].title.clone();
        let done: Vec<_> = self.with_status(&[StepStatus::Done]).iter().map(title).collect();
        let remaining: Vec<_> = (0..self.statuses.len())
            .filter(|index| self.statuses[*index] != StepStatus::Done)
            .map(|index| title(&index))
            .collect();
        let unsettled = self.with_status(&[StepStatus::InDoubt, StepStatus::Answered, StepStatus::Intent]);
        if !unsettled.is_empty() {
            let why = "it is neither done nor not done, and it cannot be taken back".to_owned();
            let trouble = |step| Trouble {
                step,
                failure: failure(self.plan.lineage, self.step(step), false, None, why.clone()),
            };
            let troubles = unsettled.into_iter().map(trouble).collect();
            return self.stick(troubles);
        }
        let remains = match self.remains().await {
            Ok(remains) => remains,
            Err(unseen) => return self.stick(unseen),
        };
        let effects = [self.effects(), remains.effects].concat();
        self.close(RunStatus::Halted, &effects)?;
        Ok(Outcome::Halted { done, remaining })
    }

    pub(super) fn named(&self, index: usize) -> (crate::model::Address, crate::plan::step::Title) {
        let step = self.step(index);
        (step.object.address.clone(), step.title.clone())
    }

    /// Closes the run: in one transaction the records become what the effects say.
    pub(super) fn close(
        &mut self,
        outcome: RunStatus,
        effects: &[crate::plan::step::Effect],
    ) -> Result<(), Failure> {
        let waiting = self.with_status(&[StepStatus::Planned]);
        let never_sent: Vec<_> =
            waiting.into_iter().map(|index| (index, StepEvent::ProveNotDone, None)).collect();
        self.record(&never_sent)?;
        let outputs = if outcome == RunStatus::Applied { self.outputs.as_deref() } else { None };
        // How containers that stay in use are reached, however the run ended.
        let hosts = self.plan.hosts.values().map(|host| Effect::PutHost(Box::new(host.clone())));
        let effects: Vec<Effect> = hosts.chain(effects.iter().cloned()).collect();
        self.setup.store.close_run(&self.run, outcome, &effects, outputs, self.setup.options.now)
    }
}

/// An error in mid-run leaves the run open: "nothing was changed" is not what its exit code may say.
pub(super) fn left_open(failure: Failure) -> Failure {
    let exit = if failure.exit == Exit::Error { Exit::NotReverted } else { failure.exit };
    Failure { exit, ..failure }
}
