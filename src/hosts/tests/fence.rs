//! Guards and epochs: who may change a container, and who has to wait.

use std::path::PathBuf;

use super::*;
use crate::hosts::channel::Channel;

/// A container whose guard lies in a temporary directory.
struct Container {
    _directory: tempfile::TempDir,
    guard: GuardDirectory,
}

impl Container {
    /// With the guard's directory, and this lineage's epoch where one is given.
    async fn joined(hosts: &Hosts, epoch: Option<u64>) -> Container {
        let directory = tempfile::tempdir().unwrap();
        let container = Container {
            guard: GuardDirectory(directory.path().to_str().unwrap().to_owned()),
            _directory: directory,
        };
        if let Some(epoch) = epoch {
            let join = Frame { effect: Effect::TakesGuard, ..container.frame(JOIN) };
            assert_eq!(answered(hosts.act(&local(), &join, &fence(epoch)).await), answer(0, "", ""));
        }
        container
    }

    fn frame(&self, script: &'static str) -> Frame {
        Frame { effect: Effect::Guarded, guard: Some(self.guard.clone()), ..frame(script) }
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(&self.guard.0).join(name)
    }

    fn epoch(&self) -> Option<String> {
        std::fs::read_to_string(self.path(&format!("epoch.{}", fence(1).lineage))).ok()
    }
}

const JOIN: &str = "vbs_enter \"$vbs_guard\" joining; vbs_write_epoch \"$vbs_guard\"";

/// Runs a frame until it has the guard, and keeps it there until the file `go` is written.
const HOLD: &str =
    "mkfifo \"$vbs_guard/go\"; : >\"$vbs_guard/held\"; read -r line <\"$vbs_guard/go\"; echo held";

fn impatient(epoch: u64) -> Fence {
    Fence { wait_seconds: 0, ..fence(epoch) }
}

#[tokio::test]
async fn a_guarded_frame_needs_exactly_this_runs_epoch() {
    let hosts = here();
    let container = Container::joined(&hosts, Some(5)).await;
    let frame = container.frame("echo acted");
    for (epoch, status) in [(5, 0), (4, status::STALE), (6, status::STALE)] {
        let answer = answered(hosts.act(&local(), &frame, &fence(epoch)).await);
        assert_eq!(answer.status, status, "epoch {epoch}: {}", answer.stderr);
        assert_eq!(answer.stdout.is_empty(), status != 0);
    }
    let stale = answered(hosts.act(&local(), &frame, &fence(4)).await).stderr;
    assert!(stale.contains('5') && stale.contains('4'), "both epochs are named: {stale}");
}

#[tokio::test]
async fn another_lineage_has_no_epoch_here() {
    let hosts = here();
    let container = Container::joined(&hosts, Some(5)).await;
    let other = Fence { lineage: Uuid::from_u128(8), ..fence(9) };
    let answer = answered(hosts.act(&local(), &container.frame("echo acted"), &other).await);
    assert_eq!((answer.status, answer.stdout.as_str()), (status::STALE, ""));
    let raised = hosts.raise(&local(), &container.guard, &other).await;
    assert_eq!(raised, Ok(Raised::NoContainer));
}

#[tokio::test]
async fn raising_fences_what_is_older_and_never_lowers() {
    let hosts = here();
    let container = Container::joined(&hosts, Some(5)).await;
    assert_eq!(hosts.raise(&local(), &container.guard, &fence(6)).await, Ok(Raised::Raised));
    assert_eq!(hosts.raise(&local(), &container.guard, &fence(6)).await, Ok(Raised::Raised));
    assert_eq!(container.epoch().as_deref(), Some("6\n"));
    assert_eq!(hosts.raise(&local(), &container.guard, &fence(5)).await, Ok(Raised::Stale { found: 6 }));
    assert_eq!(container.epoch().as_deref(), Some("6\n"));
    let old = answered(hosts.act(&local(), &container.frame("echo acted"), &fence(5)).await);
    assert_eq!(old.status, status::STALE);
    let joining = Frame { effect: Effect::TakesGuard, ..container.frame(JOIN) };
    assert_eq!(answered(hosts.act(&local(), &joining, &fence(5)).await).status, status::STALE);
}

#[tokio::test]
async fn where_there_is_no_container_there_is_nothing_to_raise_and_nothing_is_made() {
    let hosts = here();
    let container = Container::joined(&hosts, None).await;
    assert_eq!(hosts.raise(&local(), &container.guard, &fence(1)).await, Ok(Raised::NoContainer));
    assert_eq!(std::fs::read_dir(&container.guard.0).unwrap().count(), 0);
    let missing = GuardDirectory(format!("{}/missing", container.guard.0));
    assert_eq!(hosts.raise(&local(), &missing, &fence(1)).await, Ok(Raised::NoContainer));
    let frame = Frame { guard: Some(missing), ..container.frame("echo acted") };
    assert_eq!(answered(hosts.act(&local(), &frame, &fence(1)).await).status, status::GONE);
}

#[tokio::test]
async fn an_epoch_that_is_no_number_is_refused() {
    let hosts = here();
    let container = Container::joined(&hosts, Some(5)).await;
    for content in ["", "many\n", "-1\n", "5x\n"] {
        std::fs::write(container.path(&format!("epoch.{}", fence(1).lineage)), content).unwrap();
        let answer = answered(hosts.act(&local(), &container.frame("echo acted"), &fence(5)).await);
        assert_eq!((answer.status, answer.stdout.as_str()), (status::REFUSED, ""), "{content:?}");
        assert!(hosts.raise(&local(), &container.guard, &fence(6)).await.is_err(), "{content:?}");
    }
}

#[tokio::test]
async fn a_guard_keeps_others_out_and_names_its_holder() {
    let (ours, theirs) = (here(), here());
    let container = Container::joined(&ours, Some(1)).await;
    let (local, fence, hold) = (local(), fence(1), container.frame(HOLD));
    let others = async {
        wait_for(&container.path("held")).await;
        let busy = answered(theirs.act(&local, &container.frame("echo acted"), &impatient(1)).await);
        assert_eq!((busy.status, busy.stdout.as_str()), (status::BUSY, ""));
        assert!(busy.stderr.contains("test run 1"), "{}", busy.stderr);
        let raised = theirs.raise(&local, &container.guard, &impatient(2)).await;
        assert_eq!(raised, Ok(Raised::Busy { holder: "test run 1".to_owned() }));
        let free = async { std::fs::write(container.path("go"), "go\n").unwrap() };
        let patient = Fence { epoch: 2, ..fence.clone() };
        let (raised, ()) = tokio::join!(theirs.raise(&local, &container.guard, &patient), free);
        assert_eq!(raised, Ok(Raised::Raised));
    };
    let (held, ()) = tokio::join!(ours.act(&local, &hold, &fence), others);
    assert_eq!(answered(held), answer(0, "held\n", ""));
    assert_eq!(container.epoch().as_deref(), Some("2\n"));
}

#[tokio::test]
async fn a_daemon_does_not_inherit_the_guard() {
    let hosts = here();
    let container = Container::joined(&hosts, Some(1)).await;
    let daemon = container.frame("sleep 60 </dev/null >/dev/null 2>&1 & echo $!");
    let pid = answered(hosts.act(&local(), &daemon, &fence(1)).await).stdout;
    let free = answered(hosts.act(&local(), &container.frame("echo acted"), &impatient(1)).await);
    let kill = Query { script: "kill \"$pid\"", variables: vec![("pid".to_owned(), pid.trim().to_owned())] };
    hosts.ask(&local(), &[kill]).await.unwrap();
    assert_eq!(free, answer(0, "acted\n", ""));
}

/// The lock is on a file, so a path that leads to another file by now is no protection.
#[tokio::test]
async fn a_guard_that_was_replaced_while_it_was_waited_for_is_gone() {
    let hosts = here();
    let container = Container::joined(&hosts, Some(1)).await;
    let (local, fence, hold) = (local(), fence(1), container.frame(HOLD));
    let waits = async {
        wait_for(&container.path("held")).await;
        let replace = async {
            // The waiting frame has opened the file once flock is among its children; a second open would show
            // nothing, so the file is replaced after the kernel lists a second waiter.
            wait_for_lock(&container.path("guard"), true).await;
            std::fs::remove_file(container.path("guard")).unwrap();
            std::fs::write(container.path("guard"), "").unwrap();
            std::fs::write(container.path("go"), "go\n").unwrap();
        };
        let act = container.frame("echo acted");
        tokio::join!(hosts.act(&local, &act, &fence), replace).0
    };
    let (held, waited) = tokio::join!(hosts.act(&local, &hold, &fence), waits);
    assert_eq!(answered(held).status, 0);
    let waited = answered(waited);
    assert_eq!((waited.status, waited.stdout.as_str()), (status::GONE, ""), "{}", waited.stderr);
}

/// What a vbs that died left on the host, where nothing fences it: the container was still to be made.
struct Left {
    dead: Hosts,
    shell: String,
    guard: GuardDirectory,
    directory: tempfile::TempDir,
}

impl Left {
    async fn behind() -> Left {
        let dead = here();
        let directory = tempfile::tempdir().unwrap();
        let shell = answered(dead.act(&local(), &frame("echo $$"), &fence(1)).await).stdout;
        let guard = GuardDirectory(directory.path().join("pool").to_str().unwrap().to_owned());
        Left { dead, shell: shell.trim().to_owned(), guard, directory }
    }

    fn join(&self) -> Frame {
        let script = "mkfifo \"$vbs_guard.go\"; : >\"$vbs_guard.begun\"; read -r line <\"$vbs_guard.go\"; mkdir \"$vbs_guard\"";
        Frame { guard: Some(self.guard.clone()), ..frame(script) }
    }

    fn signal(&self, signal: &str) {
        let status = std::process::Command::new("kill").args([signal, &self.shell]).status().unwrap();
        assert!(status.success());
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.directory.path().join(format!("pool{ending}"))
    }
}

#[tokio::test]
async fn a_command_that_had_not_begun_never_does_once_the_epoch_is_raised() {
    let left = Left::behind().await;
    left.signal("-STOP");
    let (host, fence, join) = (local(), fence(1), left.join());
    // It is written into the shell's input, and its vbs is gone before the shell has read it.
    let sent = tokio::time::timeout(Duration::from_millis(200), left.dead.act(&host, &join, &fence)).await;
    assert!(sent.is_err());
    let newer = Fence { epoch: 2, wait_seconds: 1, ..fence };
    let raised = here().raise(&host, &left.guard, &newer).await;
    assert!(matches!(&raised, Ok(Raised::Busy { holder }) if holder.contains(&left.shell)), "{raised:?}");
    left.signal("-CONT");
    assert_eq!(here().raise(&host, &left.guard, &newer).await, Ok(Raised::NoContainer));
    assert_eq!(std::fs::read_dir(left.directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_command_that_has_begun_is_waited_for_and_not_ended() {
    let left = Left::behind().await;
    let (host, fence, join) = (local(), fence(1), left.join());
    let newer = self::fence(2);
    let other = here();
    let raise = async {
        wait_for(&left.path(".begun")).await;
        let free = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(!left.path("").exists());
            std::fs::write(left.path(".go"), "go\n").unwrap();
        };
        tokio::join!(other.raise(&host, &left.guard, &newer), free).0
    };
    let (_, raised) = tokio::join!(left.dead.act(&host, &join, &fence), raise);
    assert_eq!(raised, Ok(Raised::NoContainer));
    assert!(left.path("").exists(), "what had begun came to its end before the epoch was raised");
}

#[tokio::test]
async fn shells_of_other_workspaces_and_our_own_are_left_alone() {
    let (ours, left) = (here(), Left::behind().await);
    let own = answered(ours.act(&local(), &frame("echo $$"), &fence(1)).await).stdout;
    let theirs = Fence { lineage: Uuid::new_v4(), ..fence(1) };
    assert_eq!(left.dead.raise(&local(), &left.guard, &theirs).await, Ok(Raised::NoContainer));
    let again = answered(ours.act(&local(), &frame("echo $$"), &fence(1)).await).stdout;
    assert_eq!(again, own);
    assert_eq!(ours.raise(&local(), &left.guard, &fence(1)).await, Ok(Raised::NoContainer));
    assert_eq!(answered(ours.act(&local(), &frame("echo $$"), &fence(1)).await).stdout, own);
}

/// It was sent by a vbs that died, and begins when the one that closes its run has shells of its own.
#[tokio::test]
async fn a_raise_that_comes_too_late_ends_no_shell_of_a_newer_run() {
    let (late, newer, left) = (here(), here(), Left::behind().await);
    let own = answered(newer.act(&local(), &frame("echo $$"), &fence(3)).await).stdout;
    assert_eq!(late.raise(&local(), &left.guard, &fence(2)).await, Ok(Raised::NoContainer));
    assert_eq!(answered(newer.act(&local(), &frame("echo $$"), &fence(3)).await).stdout, own);
    // What is older than both was ended.
    let status = std::process::Command::new("kill").args(["-0", &left.shell]).status().unwrap();
    let is_zombie = std::fs::read_to_string(format!("/proc/{}/stat", left.shell));
    assert!(!status.success() || is_zombie.is_ok_and(|stat| stat.contains(") Z ")));
}

/// The guard is held while the script runs, and each rule holds, whatever stands behind `/bin/sh`.
#[tokio::test]
async fn every_shell_keeps_the_guard() {
    for shell in shells() {
        let directory = tempfile::tempdir().unwrap();
        let guard = Some(GuardDirectory(directory.path().to_str().unwrap().to_owned()));
        let join = Frame { guard: guard.clone(), ..frame(JOIN) };
        let looks = "if flock -n \"$vbs_guard/guard\" true; then echo free; else echo held; fi; exit 4";
        let guarded = Frame { guard, effect: Effect::Guarded, ..frame(looks) };
        let bodies = [(&join, 3), (&guarded, 3), (&guarded, 2), (&guarded, 4), (&join, 2)];
        let messages = bodies.map(|(frame, epoch)| Body::of_frame(frame, &fence(epoch)).unwrap().message());
        let mut channel = Channel::open(&shell).unwrap();
        let answers = channel.exchange(&messages, Duration::from_secs(60)).await.unwrap();
        let said: Vec<(i32, &str)> =
            answers.iter().map(|answer| (answer.status, answer.stdout.as_str())).collect();
        let stale = (status::STALE, "");
        assert_eq!(said, [(0, ""), (4, "held\n"), stale, stale, stale], "{shell:?}: {answers:?}");
    }
}
