//! Closing a run that another process began: by finding out what is there, and then forward or back.

use std::collections::BTreeSet;

use super::dispatch::Way;
use super::engine::{Advances, Engine, Setup};
use super::event::Event;
use super::forward::left_open;
use super::outcome::Outcome;
use crate::exit::Failure;
use crate::model::Address;
use crate::plan::Plan;
use crate::plan::step::Title;
use crate::state::{Direction, OpenRun, StepStatus};

/// What recovery would do, as far as the journal alone can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    pub run: u64,
    /// Forward where it is asked for, or where something irreversible may have happened.
    pub forward: bool,
    /// Steps whose outcome is known or answered.
    pub done: Vec<Title>,
    /// Steps that may or may not have happened; recovery looks.
    pub doubtful: Vec<Title>,
    pub never_sent: Vec<Title>,
    /// The first irreversible step that was sent, if one was.
    pub irreversible: Option<Title>,
    /// Whether finishing was asked for.
    pub resume: bool,
    /// Taking it back had begun: it is not finished any more, whatever is asked for.
    pub reverting: bool,
}

/// Reads the journal of an open run.
pub fn prospect(open: &OpenRun, resume: bool) -> Prospect {
    let titles = |wanted: &[StepStatus]| -> Vec<Title> {
        let steps = open.plan.steps.iter().zip(&open.statuses);
        steps.filter(|(_, status)| wanted.contains(status)).map(|(step, _)| step.title.clone()).collect()
    };
    let sent = |status: &StepStatus| !matches!(status, StepStatus::Planned | StepStatus::NotDone);
    let irreversible = open
        .plan
        .steps
        .iter()
        .zip(&open.statuses)
        .find(|(step, status)| step.is_irreversible() && sent(status))
        .map(|(step, _)| step.title.clone());
    Prospect {
        run: open.id,
        forward: open.direction == Direction::Forward && (resume || irreversible.is_some()),
        done: titles(&[StepStatus::Done, StepStatus::UndoFailed]),
        doubtful: titles(&[
            StepStatus::Intent,
            StepStatus::Answered,
            StepStatus::InDoubt,
            StepStatus::UndoIntent,
        ]),
        never_sent: titles(&[StepStatus::Planned, StepStatus::NotDone]),
        irreversible,
        resume,
        reverting: open.direction == Direction::Reverting,
    }
}

impl<'a> Engine<'a> {
    /// Takes an open run over: after this no command of its former process can change anything any more. Waits for a
    /// command that outlived its process.
    ///
    /// # Errors
    /// Where the state cannot be written, or a host that the run touched cannot be reached: nothing is decided then.
    pub async fn adopt(setup: Setup<'a>, plan: &'a Plan, open: &OpenRun) -> Result<Self, Failure> {
        let run = setup.store.adopt_run(open.id)?;
        let signals_seen = setup.signals.count();
        let engine = Engine {
            setup,
            plan,
            run,
            statuses: open.statuses.clone(),
            outputs: open.outputs.clone(),
            recovering: true,
            signals_seen,
            doubted_undo: false,
            accepted: Vec::new(),
            advances: Advances::new(),
        };
        engine.raise_at_guards().await?;
        Ok(engine)
    }

    /// Closes the run: backward by default; forward with `resume`, or where something irreversible has happened. Going
    /// back, `accepted` objects are taken as they are found.
    ///
    /// # Errors
    /// Where the journal cannot be written, or a host cannot be reached any more; the run stays open.
    pub async fn recover(
        mut self,
        direction: Direction,
        resume: bool,
        accepted: &[Address],
    ) -> Result<Outcome, Failure> {
        self.accepted = accepted.to_vec();
        self.close_open_run(direction, resume).await.map_err(left_open)
    }

    async fn close_open_run(&mut self, direction: Direction, resume: bool) -> Result<Outcome, Failure> {
        self.tell(Event::Started { steps: self.plan.steps.len() });
        if direction == Direction::Reverting {
            return self.revert().await;
        }
        let doubtful = self.with_status(&[StepStatus::Intent, StepStatus::Answered, StepStatus::InDoubt]);
        if !resume {
            // Whether anything irreversible happened is the only question before going back.
            let irreversible =
                doubtful.iter().copied().filter(|index| self.step(*index).is_irreversible()).collect();
            self.settle(&irreversible, Way::Forward).await?;
            if !self.is_past_return() {
                return self.revert().await;
            }
        }
        // It was being halted: what is taken back never goes forward again.
        let halting = [StepStatus::UndoIntent, StepStatus::Undone, StepStatus::UndoFailed];
        if !self.with_status(&halting).is_empty() {
            return self.halt().await;
        }
        let doubtful = self.with_status(&[StepStatus::Intent, StepStatus::Answered, StepStatus::InDoubt]);
        let half_done: BTreeSet<usize> = self.settle(&doubtful, Way::Forward).await?.into_keys().collect();
        // Half a step is run again: frames converge from every partial state they can leave. The journal has no way
        // from doubt to intent, and needs none: the repeated frame only completes what was intended.
        for index in half_done {
            self.complete(index).await?;
        }
        self.go_forward().await
    }

    async fn complete(&mut self, index: usize) -> Result<(), Failure> {
        let (address, title) = self.named(index);
        self.tell(Event::StepStarted { step: index, address, title });
        let sent = self.send(index, false)?;
        let _ = sent.await;
        self.settle(&BTreeSet::from([index]), Way::Forward).await?;
        Ok(())
    }
}
