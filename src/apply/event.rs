//! What happens while a plan runs, told to whoever shows it.

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
    /// A long step has copied or wiped so much, in bytes.
    StepProgress {
        step: usize,
        address: Address,
        title: Title,
        undo: bool,
        done: u64,
        total: u64,
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
    /// Everything was done, and conditions that the configuration sets on the result do not hold.
    ConditionsFailed {
        failed: Vec<String>,
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
