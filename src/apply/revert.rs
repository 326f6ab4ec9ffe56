//! Backward: everything that was done, half done or in doubt is taken back, children before parents.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::dispatch::{Dispatch, Way};
use super::engine::{Engine, Reply, Trouble, evidence, failure, fenced, meaning};
use super::event::Event;
use super::outcome::Outcome;
use super::proof::Seen;
use super::remains::{LOSES_DATA, Remains};
use crate::exit::Failure;
use crate::faults;
use crate::hosts::Verdict;
use crate::model::command::status;
use crate::plan::step::Undo;
use crate::providers::CATALOG;
use crate::state::{Direction, Evidence, RunStatus, StepEvent, StepStatus};

impl Engine<'_> {
    /// Takes the whole run back.
    pub(super) async fn revert(&mut self) -> Result<Outcome, Failure> {
        self.setup.store.set_direction(&self.run, Direction::Reverting)?;
        if self.signals() > 1 {
            return Ok(Outcome::Interrupted);
        }
        let doubtful = self.with_status(&[StepStatus::Intent, StepStatus::Answered, StepStatus::InDoubt]);
        self.settle(&doubtful, Way::Backward).await?;
        let back = self.with_status(&[
            StepStatus::Done,
            StepStatus::Intent,
            StepStatus::Answered,
            StepStatus::InDoubt,
            StepStatus::UndoIntent,
            StepStatus::UndoFailed,
        ]);
        let mut kept: BTreeSet<usize> = back.iter().copied().filter(|index| self.is_kept(*index)).collect();
        kept.extend(self.accepted_steps());
        kept.extend(self.holding_accepted());
        let back: BTreeSet<usize> = back.difference(&kept).copied().collect();
        self.tell(Event::RevertStarted { steps: back.len() });
        if let Some(stuck) = self.undo_all(&back).await? {
            return if self.signals() > 1 && stuck.is_empty() {
                Ok(Outcome::Interrupted)
            } else {
                self.stick(stuck)
            };
        }
        self.close_reverted().await
    }

    /// A grow that another process made may be in use by now: recovery keeps it.
    fn is_kept(&self, index: usize) -> bool {
        self.recovering
            && self.statuses[index] == StepStatus::Done
            && matches!(self.step(index).undo, Undo::RunInSameProcess(_))
    }

    async fn close_reverted(&mut self) -> Result<Outcome, Failure> {
        let mut remains = match self.remains().await {
            Ok(remains) => remains,
            Err(unseen) => return self.stick(unseen),
        };
        let accepted = self.accept().await?;
        for index in self.with_status(&[StepStatus::Done]) {
            let why = if self.is_kept(index) { LOSES_DATA } else { "it holds what is accepted" };
            remains.keep(self.step(index), why);
        }
        remains
            .words
            .extend(self.accepted.iter().map(|address| format!("{address}, accepted as it was found")));
        remains.effects.extend(accepted);
        self.close(RunStatus::Reverted, &remains.effects)?;
        Ok(Outcome::Reverted { kept: remains.words })
    }

    /// What stays of the steps that were taken back, by a last look: what a process that is dead now had found is found
    /// again. An error where it cannot be looked at.
    pub(super) async fn remains(&self) -> Result<Remains, Vec<Trouble>> {
        let undone = self.with_status(&[StepStatus::Undone]);
        let views = self.look(&undone).await;
        let seen = Seen::new(&views, self.plan.lineage);
        let (mut remains, mut unseen) = (Remains::default(), Vec::new());
        for step in undone {
            match seen.unknown(&self.step(step).proof) {
                Some(why) => {
                    unseen.push(Trouble {
                        step,
                        failure: failure(self.plan.lineage, self.step(step), true, None, why),
                    });
                }
                None => remains.find(self.plan, step, &seen, self.recovering),
            }
        }
        if unseen.is_empty() { Ok(remains) } else { Err(unseen) }
    }

    pub(super) fn stick(&mut self, stuck: Vec<Trouble>) -> Result<Outcome, Failure> {
        let why: Vec<String> =
            stuck.iter().map(|t| format!("{}: {}", self.step(t.step).id, t.failure.why)).collect();
        self.setup.store.mark_stuck(&self.run, &why.join("; "))?;
        let left = self.with_status(&[StepStatus::UndoFailed, StepStatus::UndoIntent, StepStatus::Done]);
        let commands = left
            .iter()
            .rev()
            .filter_map(|index| match &self.step(*index).undo {
                Undo::Run(action) | Undo::RunInSameProcess(action) => {
                    Some(CATALOG.shown(action, self.plan.lineage))
                }
                Undo::Nothing | Undo::Impossible { .. } => None,
            })
            .collect();
        Ok(Outcome::Stuck { failures: stuck.into_iter().map(|trouble| trouble.failure).collect(), commands })
    }

    /// Undoes the given steps. `None` where all were proved taken back; else what could not be, which is empty where
    /// a second signal ended it.
    pub(super) async fn undo_all(&mut self, back: &BTreeSet<usize>) -> Result<Option<Vec<Trouble>>, Failure> {
        let mut open = back.clone();
        let mut retried = false;
        loop {
            let before = open.len();
            let (troubles, complete) = self.dispatch_backward(&open).await?;
            if !complete && troubles.is_empty() {
                return Ok(Some(Vec::new()));
            }
            let troubles = self.prove_undone(back, troubles).await?;
            open.retain(|index| self.statuses[*index] != StepStatus::Undone);
            if open.is_empty() {
                return Ok(None);
            }
            // Again for as long as it helps, and once more: what was in the way of one may have been another's.
            if open.len() == before {
                if retried {
                    return Ok(Some(self.fail_undo(troubles)?));
                }
                retried = true;
            }
        }
    }

    fn fail_undo(&mut self, troubles: Vec<Trouble>) -> Result<Vec<Trouble>, Failure> {
        let events: Vec<_> = troubles
            .iter()
            .filter(|trouble| self.statuses[trouble.step] == StepStatus::UndoIntent)
            .map(|trouble| {
                let why = Evidence {
                    why: trouble.failure.why.clone(),
                    status: trouble.failure.status,
                    stderr: trouble.failure.stderr.clone(),
                    ..Evidence::default()
                };
                (trouble.step, StepEvent::FailUndo, Some(why))
            })
            .collect();
        self.record(&events)?;
        for trouble in &troubles {
            let (address, title) = self.named(trouble.step);
            self.tell(Event::UndoFailed {
                step: trouble.step,
                address,
                title,
                failure: trouble.failure.clone(),
            });
        }
        Ok(troubles)
    }

    /// Sends the undo of each step, in reverse order. Says whether every step was reached.
    async fn dispatch_backward(&mut self, back: &BTreeSet<usize>) -> Result<(Vec<Trouble>, bool), Failure> {
        let mut queue = Dispatch::new(self.plan, back, Way::Backward, self.setup.options.parallelism);
        let mut running: JoinSet<(Reply, Duration)> = JoinSet::new();
        let (mut troubles, mut reached) = (Vec::new(), 0);
        loop {
            let next = if self.signals() > 1 { Vec::new() } else { queue.take() };
            reached += next.len();
            let events: Vec<_> = next.iter().map(|index| (*index, StepEvent::IntendUndo, None)).collect();
            self.record(&events)?;
            for index in next {
                if self.start_undo(index, &mut running)? {
                    continue;
                }
                queue.ended(self.plan, index);
                queue.release(self.plan, index);
            }
            if !queue.is_running() {
                if self.signals() > 1 || !queue.has_ready() {
                    break;
                }
                continue;
            }
            for ((index, verdict), elapsed) in self.replies(&mut running).await? {
                queue.ended(self.plan, index);
                match self.undo_answered(index, verdict, elapsed)? {
                    None => queue.release(self.plan, index),
                    Some(trouble) => troubles.push(trouble),
                }
            }
        }
        Ok((troubles, reached == back.len()))
    }

    /// Whether anything was sent: a step may be taken back by another step's undo.
    fn start_undo(
        &mut self,
        index: usize,
        running: &mut JoinSet<(Reply, Duration)>,
    ) -> Result<bool, Failure> {
        match self.step(index).undo {
            Undo::Nothing => return Ok(false),
            _ if faults::breaks_undo() => return Ok(false),
            // Another process may have begun to take it back; whether it did is looked at, and nothing more is done.
            Undo::RunInSameProcess(_) if self.recovering => return Ok(false),
            Undo::Run(_) | Undo::RunInSameProcess(_) | Undo::Impossible { .. } => {}
        }
        let (address, title) = self.named(index);
        self.tell(Event::UndoStarted { step: index, address, title });
        let sent = self.send(index, true)?;
        running.spawn(async move {
            let started = Instant::now();
            (sent.await, started.elapsed())
        });
        Ok(true)
    }

    fn undo_answered(
        &mut self,
        index: usize,
        verdict: Verdict,
        elapsed: Duration,
    ) -> Result<Option<Trouble>, Failure> {
        let step = self.step(index);
        let failure = match verdict {
            Verdict::Answered(answer) if answer.status == 0 => {
                let (address, title) = self.named(index);
                self.tell(Event::UndoDone { step: index, address, title, elapsed });
                return Ok(None);
            }
            Verdict::Answered(answer) if answer.status == status::STALE => return Err(fenced()),
            Verdict::Answered(answer) => {
                let found = evidence(&answer, meaning(answer.status));
                failure(self.plan.lineage, step, true, Some(&answer), found.why)
            }
            Verdict::NotStarted { why } => {
                failure(self.plan.lineage, step, true, None, format!("it was never started: {why}"))
            }
            Verdict::InDoubt { why } => {
                self.doubted_undo = true;
                failure(self.plan.lineage, step, true, None, format!("no whole reply arrived: {why}"))
            }
        };
        Ok(Some(Trouble { step: index, failure }))
    }

    /// Proves in one look what was taken back. Returns what was not, with the failure of its command or what the look
    /// shows.
    async fn prove_undone(
        &mut self,
        back: &BTreeSet<usize>,
        troubles: Vec<Trouble>,
    ) -> Result<Vec<Trouble>, Failure> {
        if std::mem::take(&mut self.doubted_undo) {
            self.raise().await?;
        }
        let sent: BTreeSet<usize> =
            back.iter().copied().filter(|index| self.statuses[*index] == StepStatus::UndoIntent).collect();
        let views = self.look(&sent).await;
        let seen = Seen::new(&views, self.plan.lineage);
        let mut by_step: BTreeMap<usize, Trouble> = troubles.into_iter().map(|t| (t.step, t)).collect();
        let (mut undone, mut left) = (Vec::new(), Vec::new());
        for index in sent {
            let step = self.step(index);
            let mut remains = Remains::default();
            let missing = seen.unknown(&step.proof).or_else(|| {
                remains.find(self.plan, index, &seen, self.recovering);
                let missing = seen.first_missing(&step.proof.not_done);
                missing.filter(|_| remains.effects.is_empty() && !faults::breaks_undo())
            });
            match missing {
                None => undone.push((index, StepEvent::Undo, None)),
                Some(missing) => left.push(by_step.remove(&index).unwrap_or_else(|| {
                    let why = format!("it was to be taken back, but {missing}");
                    Trouble { step: index, failure: failure(self.plan.lineage, step, true, None, why) }
                })),
            }
        }
        self.record(&undone)?;
        Ok(left)
    }
}
