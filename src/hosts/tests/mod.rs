//! Everything here runs on real shells.

#![expect(clippy::disallowed_methods, reason = "tests make and look at the files that shells work on")]

use super::*;

mod fence;
mod quoting;
mod transport;

pub(super) fn local() -> HostName {
    HostName::local()
}

pub(super) fn here() -> Hosts {
    Hosts::new(BTreeMap::new())
}

pub(super) fn query(script: &'static str) -> Query {
    Query { script, variables: Vec::new() }
}

pub(super) fn answer(status: i32, stdout: &str, stderr: &str) -> Answer {
    Answer { status, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

/// A frame that takes no guard although it has one, for what is not about guards.
pub(super) fn frame(script: &'static str) -> Frame {
    Frame {
        script,
        variables: Vec::new(),
        stdin: String::new(),
        effect: Effect::TakesGuard,
        guard: Some(GuardDirectory("/nonexistent".to_owned())),
    }
}

pub(super) fn fence(epoch: u64) -> Fence {
    Fence { lineage: Uuid::from_u128(7), epoch, wait_seconds: 20, holder: format!("test run {epoch}") }
}

#[track_caller]
pub(super) fn answered(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Answered(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}
