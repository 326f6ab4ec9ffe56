//! The saga: runs a plan under a journal, and takes it back when anything fails.

use std::time::Duration;

use crate::model::Address;
use crate::plan::step::Title;

/// What happens while a plan runs, in the order in which it happens. The ui turns these into lines, a live view or
/// JSON; nothing in this room prints.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Started {
        steps: usize,
    },
    StepStarted {
        step: usize,
        address: Address,
        title: Title,
    },
    StepDone {
        step: usize,
        address: Address,
        title: Title,
        elapsed: Duration,
    },
    /// A reply was lost; the world is being looked at.
    StepInDoubt {
        step: usize,
        address: Address,
        title: Title,
        why: String,
    },
    StepFailed {
        step: usize,
        address: Address,
        title: Title,
        failure: CommandFailure,
    },
    /// Everything that answered is being proved by one fresh look.
    Proving {
        steps: usize,
    },
    RevertStarted {
        steps: usize,
    },
    UndoStarted {
        step: usize,
        address: Address,
        title: Title,
    },
    UndoDone {
        step: usize,
        address: Address,
        title: Title,
        elapsed: Duration,
    },
    UndoFailed {
        step: usize,
        address: Address,
        title: Title,
        failure: CommandFailure,
    },
    /// A signal arrived: no new step is started. `again` for the second one.
    Interrupted {
        again: bool,
    },
}

/// A command that did not do what it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandFailure {
    pub host: String,
    /// Copyable, with secrets masked.
    pub command: String,
    /// Nothing where no whole reply arrived.
    pub status: Option<i32>,
    /// The end of what it wrote to standard error, at most 1 KiB.
    pub stderr: String,
    /// What vbs makes of it.
    pub why: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    /// Everything is as it was, but for what `kept` names: grows that recovery may not shrink back.
    Reverted {
        kept: Vec<String>,
    },
    /// Past the point of no return, or `--no-revert`: what was done stays.
    Halted {
        done: Vec<Title>,
        remaining: Vec<Title>,
    },
    /// An undo failed. `commands` is what is left to be done by hand.
    Stuck {
        failures: Vec<CommandFailure>,
        commands: Vec<String>,
    },
}
