//! Everything here runs on real shells.

#![expect(clippy::disallowed_methods, reason = "tests make and look at the files that shells work on")]

use std::path::Path;

use super::*;

mod faults;
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

thread_local! {
    /// Of one test: where a guard is missing, the shells of a lineage are looked for on the whole machine.
    static LINEAGE: Uuid = match std::env::var(faults::LINEAGE) {
        Ok(given) => given.parse().unwrap(),
        Err(_) => Uuid::new_v4(),
    };
}

pub(super) fn fence(epoch: u64) -> Fence {
    Fence {
        lineage: LINEAGE.with(|lineage| *lineage),
        epoch,
        wait_seconds: 20,
        holder: format!("test run {epoch}"),
    }
}

#[track_caller]
pub(super) fn answered(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Answered(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

/// Every shell of this machine that may stand behind `/bin/sh` somewhere.
pub(super) fn shells() -> Vec<Vec<String>> {
    let candidates: [&[&str]; 4] =
        [&["/bin/sh"], &["/bin/dash"], &["/bin/bash", "--posix"], &["/bin/busybox", "sh"]];
    candidates
        .iter()
        .filter(|words| Path::new(words[0]).exists())
        .map(|words| words.iter().map(|word| (*word).to_owned()).collect())
        .collect()
}

pub(super) async fn wait_for(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until somebody holds the lock of a file, or waits for it. `/proc/locks` names the inode and marks those who
/// wait with an arrow.
pub(super) async fn wait_for_lock(path: &Path, waiting: bool) {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{} ", std::fs::metadata(path).unwrap().ino());
    let matches = |line: &str| line.contains(&inode) && (!waiting || line.contains("->"));
    while !std::fs::read_to_string("/proc/locks").unwrap().lines().any(matches) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
