//! Backward: everything that was done, half done or in doubt is taken back, children before parents.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::dispatch::{Dispatch, Way};
use super::engine::{Engine, Reply, Trouble, evidence, failure, fenced, meaning};
use super::event::Event;
use super::outcome::Outcome;
use super::proof::Seen;
use crate::exit::Failure;
use crate::hosts::Verdict;
use crate::model::command::status;
use crate::model::{Place, TrashEntry};
use crate::plan::step::{Effect, Expectation, Step, Undo};
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
        let kept: BTreeSet<usize> = back.iter().copied().filter(|index| self.is_kept(*index)).collect();
        let back: BTreeSet<usize> = back.difference(&kept).copied().collect();
        self.tell(Event::RevertStarted { steps: back.len() });
        if let Some(stuck) = self.undo_all(&back).await? {
            return if self.signals() > 1 && stuck.is_empty() {
                Ok(Outcome::Interrupted)
            } else {
                self.stick(stuck)
            };
        }
        self.close_reverted()
    }

    /// A grow that another process made may be in use by now: recovery keeps it.
    fn is_kept(&self, index: usize) -> bool {
        self.recovering
            && self.statuses[index] == StepStatus::Done
            && matches!(self.step(index).undo, Undo::RunInSameProcess(_))
    }

    fn close_reverted(&mut self) -> Result<Outcome, Failure> {
        let kept = self.with_status(&[StepStatus::Done]);
        let mut effects: Vec<Effect> =
            kept.iter().flat_map(|index| self.step(*index).effects.iter().cloned()).collect();
        effects.append(&mut self.rescued);
        let words = kept.iter().map(|index| self.step(*index).title.to_string()).collect();
        self.close(RunStatus::Reverted, &effects)?;
        Ok(Outcome::Reverted { kept: words })
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
                Undo::Run(action) | Undo::RunInSameProcess(action) => Some(action.to_string()),
                Undo::Nothing | Undo::Impossible { .. } => None,
            })
            .collect();
        Ok(Outcome::Stuck { failures: stuck.into_iter().map(|trouble| trouble.failure).collect(), commands })
    }

    /// Undoes the given steps. `None` where all were proved taken back; else what could not be, which is empty where
    /// a second signal ended it.
    pub(super) async fn undo_all(&mut self, back: &BTreeSet<usize>) -> Result<Option<Vec<Trouble>>, Failure> {
        let mut retried = false;
        let mut open = back.clone();
        loop {
            let (mut troubles, complete) = self.dispatch_backward(&open).await?;
            if !complete && troubles.is_empty() {
                return Ok(Some(Vec::new()));
            }
            troubles = self.prove_undone(back, troubles).await?;
            if troubles.is_empty() && self.all_undone(back) {
                return Ok(None);
            }
            if retried {
                return Ok(Some(self.fail_undo(troubles)?));
            }
            // Once more: what was in the way of one may have been another's.
            retried = true;
            open = back.iter().copied().filter(|index| self.statuses[*index] != StepStatus::Undone).collect();
        }
    }

    fn all_undone(&self, back: &BTreeSet<usize>) -> bool {
        back.iter().all(|index| self.statuses[*index] == StepStatus::Undone)
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
        if matches!(self.step(index).undo, Undo::Nothing) {
            return Ok(false);
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
                failure(step, true, Some(&answer), found.why)
            }
            Verdict::NotStarted { why } => failure(step, true, None, format!("it was never started: {why}")),
            Verdict::InDoubt { why } => {
                self.doubted_undo = true;
                failure(step, true, None, format!("no whole reply arrived: {why}"))
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
        let (mut undone, mut rescued, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for index in sent {
            let step = self.step(index);
            let rescue = rescued_effects(step, &seen);
            match seen.first_missing(&self.left_to_show(step, &seen)) {
                Some(missing) if rescue.is_empty() => {
                    left.push(by_step.remove(&index).unwrap_or_else(|| {
                        let why = format!("it was to be taken back, but {missing}");
                        Trouble { step: index, failure: failure(step, true, None, why) }
                    }))
                }
                Some(_) | None => undone.push((index, StepEvent::Undo, None)),
            }
            rescued.extend(rescue);
        }
        self.rescued.extend(rescued);
        self.record(&undone)?;
        Ok(left)
    }

    /// What must be seen of a step that was taken back. What another step of the run made for it (the copy that a
    /// restore swaps in) is gone by now, where that one was taken back too.
    fn left_to_show(&self, step: &Step, seen: &Seen<'_>) -> Vec<Expectation> {
        let gone = |expectation: &&Expectation| match expectation {
            Expectation::Shows { container, id, .. } => {
                let absent = Expectation::Absent { container: container.clone(), id: *id };
                seen.object(container, *id).is_none()
                    && self.plan.steps.iter().any(|maker| maker.proof.not_done.contains(&absent))
            }
            _ => false,
        };
        step.proof.not_done.iter().filter(|expectation| !gone(expectation)).cloned().collect()
    }
}

/// What the state has to know of a step that was taken back and left something all the same: a new volume that
/// somebody had written into is moved to the trash rather than deleted, and the pool that holds it stays joined.
fn rescued_effects(step: &Step, seen: &Seen<'_>) -> Vec<Effect> {
    let rescued = step.proof.not_done.iter().find_map(|expectation| {
        let Expectation::Absent { container, id } = expectation else { return None };
        let observed = seen.object(container, *id).filter(|observed| observed.place == Place::Trash)?;
        step.effects.iter().find_map(|effect| match effect {
            Effect::Put(record) if record.object.id == observed.mark.id => {
                let entry = TrashEntry { id: *id, record: (**record).clone(), purge: false, trashed_at: 0 };
                Some(Effect::Trash(Box::new(entry)))
            }
            _ => None,
        })
    });
    let joined = step.effects.iter().filter(|effect| match effect {
        Effect::PutContainer(record) => seen.has_trash(&record.spec.address),
        _ => false,
    });
    rescued.into_iter().chain(joined.cloned()).collect()
}
