//! Connections that break, and runs that are closed after them.

use std::fs;

use super::server::*;

/// What is left of ours in a pool: nothing.
#[track_caller]
fn gone(remote: &Remote) {
    assert!(!remote.workspace.path("pools/0").exists(), "something is left");
}

/// Rows 3 to 5 of the crash matrix, over a real connection: the command was never sent, or the connection broke before
/// or after it acted, or the answer was lost. The run is taken back without a trace, and then works.
#[test]
fn a_connection_that_breaks_around_a_command_leaves_nothing() {
    if !is_there() {
        return;
    }
    for fault in [
        "drop@BeforeSend.2",
        "drop@SentBeforeAct.2",
        "drop@SentBeforeAct.3",
        "drop@ActedBeforeReply.2",
        "drop@ActedBeforeReply.3",
        "mute@ActedBeforeReply.3",
        "mute@ReplyBeforeCommit.3",
    ] {
        let remote = Remote::one(&volume("db", 0));
        let output = remote.faulty("apply --auto-approve", fault);
        assert!(matches!(output.code, 0 | 3), "{fault}: {output:?}");
        if output.code == 3 {
            gone(&remote);
            remote.apply();
        }
        remote.settled();
        remote.vbs("destroy --auto-approve --purge").exits(0);
        gone(&remote);
    }
}

/// Kills vbs while a frame of its apply is at `place`. The frame goes on with `then`, when vbs is dead.
#[track_caller]
fn killed(remote: &Remote, place: &str, then: &str) {
    let here = remote.workspace.path("here");
    let go = remote.workspace.path("here.go");
    let hook =
        format!("touch {}; until [ -e {} ]; do sleep 0.01; done; {then}", here.display(), go.display());
    let mut child = remote
        .command("apply --auto-approve")
        .env("VBS_FAULT", format!("hook@{place}"))
        .env("VBS_FAULT_HOOK", hook)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !here.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was at {place}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(go, "").unwrap();
    fs::remove_file(here).unwrap();
}

/// The server's side of the connection dies while a command runs; the command goes on and ends.
#[test]
fn a_cut_connection_is_doubt_and_a_look_decides() {
    if !is_there() {
        return;
    }
    for place in ["SentBeforeAct.3", "ActedBeforeReply.3"] {
        let remote = Remote::one(&volume("db", 0));
        let pids = remote.workspace.path("pids");
        // The hook runs in the frame: it waits until the test has cut the connection.
        let hook = format!("touch {0}; until [ -e {0}.cut ]; do sleep 0.01; done", pids.display());
        let child = remote
            .command("apply --auto-approve")
            .env("VBS_FAULT", format!("hook@{place}"))
            .env("VBS_FAULT_HOOK", hook)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        while !pids.exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        remote.servers[0].cut();
        fs::write(remote.workspace.path("pids.cut"), "").unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => {}
            Some(3) => {
                gone(&remote);
                remote.apply();
            }
            code => panic!("{place}: {code:?}\n{text}"),
        }
        remote.settled();
        assert!(remote.servers[0].logins() > 1, "it went on over the broken connection");
    }
}

/// The command outlives its vbs, and the connection with it; recovery waits for the guard.
#[test]
fn recovery_waits_for_a_command_that_outlived_its_vbs() {
    if !is_there() {
        return;
    }
    let remote = Remote::one(&volume("db", 0));
    killed(&remote, "SentBeforeAct.3", "sleep 3");
    remote.vbs("plan").says("is open");
    remote.vbs("apply --auto-approve").exits(5);
    remote.vbs("recover --auto-approve").exits(0);
    gone(&remote);
    remote.apply();
    remote.settled();
}

/// Recovery needs the journal alone: the blocks may be gone, or broken, or say something else by now.
#[test]
fn recovery_reaches_a_host_whose_block_is_gone() {
    if !is_there() {
        return;
    }
    let broken = "volume \"db\" {";
    let moved = "host \"h0\" {\n  address = \"ssh://127.0.0.1:PORT\"\n}\n";
    for text in ["", broken, moved] {
        let mut remote = Remote::one(&volume("db", 0));
        killed(&remote, "ActedBeforeReply.3", ":");
        if text == moved {
            // It is found under another port now; what is declared counts more than what the journal says.
            let elsewhere = Sshd::start();
            let keys = remote.workspace.read("vbs.known_hosts");
            remote.workspace.file("vbs.known_hosts", &(keys + &elsewhere.key_line()));
            let config = remote.workspace.read("ssh_config");
            remote.workspace.file("ssh_config", &(config + &elsewhere.identity_line()));
            remote.workspace.file("main.vbs.hcl", &text.replace("PORT", &elsewhere.port.to_string()));
            remote.servers[0].stop();
            remote.servers.push(elsewhere);
        } else {
            remote.workspace.file("main.vbs.hcl", text);
        }
        remote.vbs("recover --auto-approve").exits(0);
        gone(&remote);
    }
}

/// A vbs that is killed leaves no connection for ever, and no files once another one was there. The wait ends with the
/// connection; the bound is for a test that fails.
#[test]
fn a_killed_vbs_leaves_no_connection_for_ever() {
    if !is_there() {
        return;
    }
    let remote = Remote::one(&volume("db", 0));
    let own = tempfile::Builder::new().prefix("r").tempdir_in("/tmp").unwrap();
    let left = || fs::read_dir(own.path()).unwrap().count();
    let mut command = remote.command("apply --auto-approve");
    command.env("XDG_RUNTIME_DIR", own.path()).env("VBS_FAULT", "kill@BeforeSend.3");
    crate::support::run(&mut command).exits(128 + 9);
    assert_eq!(left(), 1);
    let begun = std::time::Instant::now();
    while remote.servers[0].is_connected() {
        assert!(begun.elapsed().as_secs() < 120, "the connection is still there");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    crate::support::run(remote.command("recover --auto-approve").env("XDG_RUNTIME_DIR", own.path())).exits(0);
    gone(&remote);
    assert_eq!(left(), 0, "what it left is still there");
}

/// A terminal sends Ctrl-C to everything that runs in front: the run is taken back over the connection that it has.
#[test]
fn an_interrupt_from_the_terminal_does_not_reach_the_connection() {
    use std::os::unix::process::CommandExt;
    if !is_there() {
        return;
    }
    let remote = Remote::one(&volume("db", 0));
    let here = remote.workspace.path("here");
    let hook = format!("touch {0}; until [ -e {0}.go ]; do sleep 0.01; done", here.display());
    let child = remote
        .command("apply --auto-approve")
        .env("VBS_FAULT", "hook@SentBeforeAct.3")
        .env("VBS_FAULT_HOOK", hook)
        .process_group(0)
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !here.exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let group = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
    fs::write(remote.workspace.path("here.go"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    gone(&remote);
    assert_eq!(remote.servers[0].logins(), 1, "the connection was lost");
}
