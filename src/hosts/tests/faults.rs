//! Faults strike real processes: each case runs this test program again, as the vbs that is struck.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use super::*;

/// Whose shells the struck process starts.
pub(super) const LINEAGE: &str = "VBS_TEST_LINEAGE";
const CASE: &str = "VBS_TEST_DIRECTORY";

/// Joins a container (boundaries 1 to 4) and then makes a file in it (5 to 8), printing the verdicts. The tests below
/// start it again, in a process of its own, to be struck; by itself it shows that nothing strikes unasked.
#[tokio::test]
async fn undisturbed_everything_is_done() {
    let own = tempfile::tempdir().unwrap();
    let given = std::env::var(CASE).ok();
    let guard = given.clone().unwrap_or_else(|| own.path().to_str().unwrap().to_owned());
    let hosts = here();
    let joins = Frame {
        guard: Some(GuardDirectory(guard)),
        ..frame("vbs_enter \"$vbs_guard\" joining; vbs_write_epoch \"$vbs_guard\"; exit 0")
    };
    let makes = Frame {
        effect: Effect::Guarded,
        script: "echo made >>\"$vbs_guard/made\"; echo said; exit 0",
        ..joins.clone()
    };
    for frame in [joins, makes] {
        println!("verdict {:?}", hosts.act(&local(), &frame, &fence(1)).await);
    }
    if given.is_none() {
        assert_eq!(std::fs::read_to_string(own.path().join("made")).unwrap(), "made\n");
    }
}

struct Struck {
    directory: tempfile::TempDir,
    output: Output,
}

impl Struck {
    fn by(fault: &str) -> Struck {
        let directory = tempfile::tempdir().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "hosts::tests::faults::undisturbed_everything_is_done", "--nocapture"])
            .env(CASE, directory.path())
            .env(LINEAGE, fence(1).lineage.to_string())
            .env("VBS_FAULT", fault)
            .env("VBS_FAULT_HOOK", format!("echo hooked >>{}/made", directory.path().display()))
            .env("VBS_FAULT_LOG", directory.path().join("log"))
            .output()
            .unwrap();
        Struck { directory, output }
    }

    /// What the second frame did, as seen by whoever takes the guard next: a run with a higher epoch.
    async fn made(&self) -> String {
        let hosts = here();
        let guard = GuardDirectory(self.directory.path().to_str().unwrap().to_owned());
        assert_eq!(hosts.raise(&local(), &guard, &fence(2)).await, Ok(Raised::Raised));
        self.read("made")
    }

    fn read(&self, name: &str) -> String {
        let path = self.directory.path().join(name);
        if path.exists() { std::fs::read_to_string(path).unwrap() } else { String::new() }
    }

    fn verdict(&self) -> String {
        let said = String::from_utf8_lossy(&self.output.stdout).into_owned();
        said.lines()
            .filter_map(|line| line.strip_prefix("verdict "))
            .next_back()
            .unwrap_or_default()
            .to_owned()
    }

    fn killed_by(&self) -> Option<i32> {
        self.output.status.signal()
    }
}

const KILL: i32 = 9;
const TERM: i32 = 15;
const ABORT: i32 = 6;

#[tokio::test]
async fn boundaries_are_numbered_and_logged() {
    let struck = Struck::by("");
    let classes = ["BeforeSend", "SentBeforeAct", "ActedBeforeReply", "ReplyBeforeCommit"];
    let lines: Vec<String> =
        (1..=8).map(|number| format!("{number} {}\n", classes[(number - 1) % 4])).collect();
    assert_eq!(struck.read("log"), lines.concat());
    assert_eq!(struck.made().await, "made\n");
}

#[tokio::test]
async fn verdicts_and_effects_are_those_of_the_fault() {
    let said = "Answered(Answer { status: 0, stdout: \"said\\n\"";
    let cases = [
        ("drop@5", "NotStarted", ""),
        ("drop@6", "InDoubt", ""),
        ("drop@7", "InDoubt", "made\n"),
        ("cut@6", "InDoubt", "made\n"),
        ("mute@7", "InDoubt", "made\n"),
        ("mute@8", "InDoubt", "made\n"),
        ("lie0@6", "Answered(Answer { status: 0, stdout: \"\"", ""),
        ("lie5@6", "Answered(Answer { status: 5, stdout: \"said\\n\"", "made\n"),
        ("fail@6", "Answered(Answer { status: 5, stdout: \"\", stderr: \"injected\\n\"", ""),
        ("hook@5", said, "hooked\nmade\n"),
        ("hook@6", said, "hooked\nmade\n"),
        ("hook@7", said, "made\nhooked\n"),
        ("hook@8", said, "made\nhooked\n"),
    ];
    for (fault, verdict, made) in cases {
        let struck = Struck::by(fault);
        assert!(struck.verdict().starts_with(verdict), "{fault}: {:?}", struck.output);
        assert_eq!(struck.made().await, made, "{fault}");
    }
}

/// A frame that was sent before vbs died acts; recovery, which raises the epoch first, waits for it.
#[tokio::test]
async fn a_frame_outlives_vbs_and_the_next_run_waits_for_it() {
    for (fault, made) in [
        ("kill@5", ""),
        ("kill@6", "made\n"),
        ("kill@7", "made\n"),
        ("kill@8", "made\n"),
        ("slow@6", "made\n"),
    ] {
        let struck = Struck::by(fault);
        assert_eq!(struck.killed_by(), Some(KILL), "{fault}: {:?}", struck.output);
        assert_eq!(struck.made().await, made, "{fault}");
    }
}

/// The container's own first command holds the guard, too, while nothing else shows that anybody is there.
#[tokio::test]
async fn a_container_that_is_being_made_is_waited_for() {
    let struck = Struck::by("slow@2");
    assert_eq!(struck.killed_by(), Some(KILL));
    let guard = struck.directory.path().join("guard");
    wait_for(&guard).await;
    wait_for_lock(&guard, false).await;
    assert_eq!(struck.made().await, "");
    assert!(Path::new(struck.directory.path()).join(format!("epoch.{}", fence(1).lineage)).exists());
}

#[tokio::test]
async fn signals_reach_vbs_alone_and_the_frame_goes_on() {
    for (fault, made) in [("term@5", ""), ("term@6", "made\n"), ("term2@7", "made\n"), ("term@8", "made\n")] {
        let struck = Struck::by(fault);
        assert_eq!(struck.killed_by(), Some(TERM), "{fault}: {:?}", struck.output);
        assert_eq!(struck.made().await, made, "{fault}");
    }
}

#[tokio::test]
async fn a_fault_that_cannot_strike_is_no_fault_that_was_survived() {
    for fault in ["kill", "kill@x", "burn@1", "kill@1,fail@1", "mute@1", "cut@3", "slow@4"] {
        let struck = Struck::by(fault);
        assert_eq!(struck.killed_by(), Some(ABORT), "{fault}");
        assert!(String::from_utf8_lossy(&struck.output.stderr).contains("VBS_FAULT"), "{fault}");
    }
}
