//! The four ways in which a run can end.

use super::event::CommandFailure;
use crate::exit::Exit;
use crate::plan::step::Title;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    /// Everything is as it was, but for what `kept` names: grows that recovery may not shrink back, and new volumes
    /// that somebody wrote into, which went to the trash.
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
    /// A second signal: the journal is intact, and `vbs recover` closes the run.
    Interrupted,
}

impl Outcome {
    /// The exit code of an apply that ended so.
    pub fn exit(&self) -> Exit {
        match self {
            Outcome::Applied => Exit::Success,
            Outcome::Reverted { .. } => Exit::Reverted,
            Outcome::Halted { .. } | Outcome::Stuck { .. } | Outcome::Interrupted => Exit::NotReverted,
        }
    }
}
