//! Broken surroundings: each has its own clear error, and nothing is lost.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use super::bench::*;

/// A shell as root in a mount name space of its own; says why not where that is not permitted.
fn apart(script: &str) -> Option<Run> {
    let permitted = Command::new("unshare").args(["-m", "true"]).output().is_ok_and(|o| o.status.success());
    if !permitted {
        println!("skipped: mount name spaces are not permitted here");
        return None;
    }
    Some(Run::of(Command::new("unshare").args(["-m", "sh", "-euc", script])))
}

fn quoted(bench: &Bench, arguments: &str) -> String {
    format!("'{}' -C '{}' {arguments}", env!("CARGO_BIN_EXE_vbs"), bench.at("ws").display())
}

#[test]
fn a_full_pool_reverts_everything() {
    let bench = Bench::applied(&volume("db", ""));
    scribble(&bench.at("pool/db.img"), "data");
    bench.declare(&(volume("db", "") + &clone("one", "volume.db", "") + &clone("two", "volume.db", "")));
    let pool = bench.at("pool").display().to_string();
    let away = bench.at("away").display().to_string();
    // A file system with room for the marks and little else; filled to the last block while the plan is made for it.
    let script = format!(
        "mkdir '{away}'; mount -t tmpfs -o size=3m tmpfs '{away}'; cp -a '{pool}/.' '{away}/'; \
         {plan} >/dev/null; mount --move '{away}' '{pool}'; head -c 1048576 /dev/urandom >'{pool}/db.img'; \
         head -c 10000000 /dev/zero >'{pool}/filler' 2>/dev/null || :; \
         code=0; {apply} || code=$?; ls -A '{pool}'; exit $code",
        plan = quoted(&bench, "plan"),
        apply = quoted(&bench, "apply --auto-approve"),
    );
    let Some(run) = apart(&script) else { return };
    // The copied image is another file than the one that was made, so this vbs refuses before the disk can.
    assert!(matches!(run.code, Some(1 | 3)), "{run:#?}");
    assert!(bench.recorded().records.len() == 1 && bench.recorded().open_run.is_none());
}

#[test]
fn a_file_system_that_fills_up_reverts_everything() {
    let bench = Bench::new("");
    fs::create_dir(bench.at("pool")).unwrap();
    let pool = bench.at("pool").display().to_string();
    let configure = |blocks: &str| {
        format!(
            "cat >'{}' <<'EOF'\n{}\nEOF\n",
            bench.at("ws/main.vbs.hcl").display(),
            STORES.replace("ROOT", &bench.root().display().to_string()) + blocks
        )
    };
    let blocks = volume("db", "");
    let more = blocks.clone()
        + &clone("one", "volume.db", "")
        + &clone("two", "volume.db", "")
        + &snapshot("s", "db");
    let script = format!(
        "mount -t tmpfs -o size=4m tmpfs '{pool}'\n{first}{apply} >/dev/null\nhead -c 1048576 /dev/urandom >'{pool}/db.img'\n\
         sum=$(sha256sum '{pool}/db.img')\nhead -c 1700000 /dev/zero >'{pool}/filler'\n{second}code=0\n{apply} --parallelism 1 || code=$?\n\
         ls -A '{pool}'\n[ \"$sum\" = \"$(sha256sum '{pool}/db.img')\" ] || exit 99\nrm '{pool}/filler'\n{first}{plan}\nexit $code",
        first = configure(&blocks),
        second = configure(&more),
        apply = quoted(&bench, "apply --auto-approve"),
        plan = quoted(&bench, "plan --detailed-exitcode"),
    );
    let Some(run) = apart(&script) else { return };
    if run.code == Some(1) {
        // Refused before the first step: the room was counted.
        run.says("room");
    } else {
        run.ends(3).says("No space left on device").says("Everything was reverted").says("No changes.");
    }
}

#[test]
fn a_file_size_limit_is_an_error_and_no_death() {
    let bench = Bench::new(&volume("db", ""));
    let mut limited = Command::new("prlimit");
    limited.args(["--fsize=40000", "--"]).arg(env!("CARGO_BIN_EXE_vbs")).arg("-C").arg(bench.at("ws"));
    let run = Run::of(limited.args(["apply", "--auto-approve"]));
    assert!(matches!(run.code, Some(1 | 3 | 4 | 5)), "{run:#?}");
    // Whatever happened, it can be closed once there is room.
    bench.vbs("recover --auto-approve").succeeds();
    bench.apply().succeeds();
    bench.settled();
}

/// Runs vbs as somebody who is not root.
fn as_nobody(bench: &Bench, arguments: &str) -> Option<Run> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become somebody else");
        return None;
    }
    // The program itself may lie where nobody else may look.
    let program = bench.at("vbs");
    if !program.exists() {
        // By a process of its own: a test beside this one that starts a program meanwhile would hold what is written here open,
        // and nobody runs what is open for writing.
        assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_vbs")).arg(&program).status().unwrap().success());
        fs::set_permissions(bench.root(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
    Some(Run::of(command.arg("-C").arg(bench.at("ws")).args(arguments.split_whitespace())))
}

fn own(path: &std::path::Path) {
    assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(path).status().unwrap().success());
}

#[test]
fn directories_that_cannot_be_written_or_read_are_named() {
    let bench = Bench::new(&volume("db", ""));
    fs::create_dir(bench.at("pool")).unwrap();
    own(&bench.at("ws"));
    let Some(run) = as_nobody(&bench, "apply --auto-approve") else { return };
    assert!(matches!(run.code, Some(1 | 3)), "{run:#?}");
    run.says("ermission denied").says("pool");
    assert_eq!(fs::read_dir(bench.at("pool")).unwrap().count(), 0);
    own(&bench.at("pool"));
    as_nobody(&bench, "apply --auto-approve").unwrap().succeeds();
    let closed = |path: &str, mode: u32| {
        fs::set_permissions(bench.at(path), fs::Permissions::from_mode(mode)).unwrap()
    };
    closed("pool", 0o000);
    as_nobody(&bench, "plan").unwrap().refuses("Cannot be looked at").says("ermission denied");
    closed("pool", 0o755);
    closed("ws/.vbs", 0o500);
    let run = as_nobody(&bench, "apply --auto-approve --replace volume.db").unwrap();
    assert_ne!(run.code, Some(0));
    closed("ws/.vbs", 0o700);
    closed("ws/main.vbs.hcl", 0o000);
    as_nobody(&bench, "plan").unwrap().refuses("Cannot read a file").says("main.vbs.hcl");
    closed("ws/main.vbs.hcl", 0o644);
    as_nobody(&bench, "plan --detailed-exitcode").unwrap().succeeds();
}

#[test]
fn a_state_that_is_not_one_is_never_written_over() {
    let cases: [(&str, fn(&Bench), &str); 8] = [
        (
            "truncated",
            |b| {
                let bytes = fs::read(b.at("ws/.vbs/state.db")).unwrap();
                fs::write(b.at("ws/.vbs/state.db"), &bytes[..bytes.len() / 2]).unwrap();
            },
            "state",
        ),
        ("of zero bytes", |b| fs::write(b.at("ws/.vbs/state.db"), "").unwrap(), "state"),
        ("garbage", |b| fs::write(b.at("ws/.vbs/state.db"), vec![0x5a; 65536]).unwrap(), "state"),
        (
            "garbage in the middle",
            |b| {
                let mut bytes = fs::read(b.at("ws/.vbs/state.db")).unwrap();
                let at = bytes.len() / 4;
                bytes[at..at * 3].fill(0x5a);
                fs::write(b.at("ws/.vbs/state.db"), bytes).unwrap();
            },
            "state",
        ),
        (
            "another program's",
            |b| {
                fs::remove_file(b.at("ws/.vbs/state.db")).unwrap();
                fs::write(b.at("ws/.vbs/state.db"), b"SQLite format 3\0 and then nothing of the kind")
                    .unwrap();
            },
            "state",
        ),
        (
            "a directory",
            |b| {
                fs::remove_file(b.at("ws/.vbs/state.db")).unwrap();
                fs::create_dir(b.at("ws/.vbs/state.db")).unwrap();
            },
            "is no regular file",
        ),
        (
            "a link",
            |b| {
                fs::rename(b.at("ws/.vbs/state.db"), b.at("elsewhere")).unwrap();
                symlink(b.at("elsewhere"), b.at("ws/.vbs/state.db")).unwrap();
            },
            "is a symbolic link",
        ),
        (
            "writable by all",
            |b| {
                fs::set_permissions(b.at("ws/.vbs/state.db"), fs::Permissions::from_mode(0o666)).unwrap();
            },
            "can be written by others",
        ),
    ];
    for (what, spoil, words) in cases {
        let bench = Bench::applied(&volume("db", ""));
        for beside in ["ws/.vbs/state.db-wal", "ws/.vbs/state.db-shm"] {
            let _ = fs::remove_file(bench.at(beside));
        }
        spoil(&bench);
        let (state, pool) = (fs::read(bench.at("ws/.vbs/state.db")).ok(), tree(&bench.at("pool")));
        println!("{what}");
        for arguments in ["plan", "apply --auto-approve", "destroy --auto-approve", "recover --auto-approve"]
        {
            let run = bench.vbs(arguments);
            assert!(matches!(run.code, Some(1 | 5)), "{what}: {arguments}: {run:#?}");
            run.says(words);
        }
        assert_eq!(state, fs::read(bench.at("ws/.vbs/state.db")).ok(), "{what}: the state was written to");
        assert_eq!(pool, tree(&bench.at("pool")), "{what}: the pool was touched");
    }
}

#[test]
fn a_state_of_a_newer_vbs_or_of_another_workspace_is_refused() {
    let bench = Bench::applied(&volume("db", ""));
    let written = fs::read_to_string(bench.at("ws/main.vbs.hcl")).unwrap();
    fs::write(bench.at("ws/main.vbs.hcl"), written.replace("name = \"lab\"", "name = \"other\"")).unwrap();
    for arguments in ["plan", "apply --auto-approve", "destroy --auto-approve"] {
        let run = bench.vbs(arguments);
        assert!(matches!(run.code, Some(1 | 5)), "{run:#?}");
        run.says("lab").says("other");
    }
    fs::write(bench.at("ws/main.vbs.hcl"), written).unwrap();
    bench.settled();
    // SQLite keeps the version of the schema at byte 60 of the file.
    let mut bytes = fs::read(bench.at("ws/.vbs/state.db")).unwrap();
    bytes[60..64].copy_from_slice(&9999u32.to_be_bytes());
    fs::write(bench.at("ws/.vbs/state.db"), bytes).unwrap();
    for arguments in ["plan", "apply --auto-approve"] {
        bench.vbs(arguments).refuses("newer");
    }
}

#[test]
fn a_lost_state_is_said_every_time_until_it_is_dealt_with() {
    let bench = Bench::applied(&volume("db", ""));
    bench.apply().succeeds();
    bench.declare(&sized("db", "2MiB"));
    bench.apply().succeeds();
    fs::remove_file(bench.at("ws/.vbs/state.db")).unwrap();
    for _ in 0..2 {
        bench.vbs("plan").ends(1).says("Was the state lost?");
        bench.vbs("apply --auto-approve").ends(1).says("Was the state lost?");
    }
    assert_eq!(fs::metadata(bench.at("pool/db.img")).unwrap().len(), 2 << 20);
}

#[test]
fn directories_that_hold_no_workspace_are_named() {
    let bench = Bench::new("");
    fs::remove_file(bench.at("ws/main.vbs.hcl")).unwrap();
    for arguments in ["plan", "apply --auto-approve", "destroy --auto-approve", "recover --auto-approve"] {
        bench.vbs(arguments).refuses("No configuration").says("vbs init");
    }
    assert_eq!(fs::read_dir(bench.at("ws")).unwrap().count(), 0, "something was written for nothing");
    bench.vbs("plan -C nowhere").ends(1);
    bench.vbs("plan -f none.vbs.hcl").refuses("Cannot read a file");
    fs::create_dir(bench.at("ws/main.vbs.hcl")).unwrap();
    bench.vbs("plan").ends(1).says("main.vbs.hcl");
    fs::remove_dir(bench.at("ws/main.vbs.hcl")).unwrap();
    for (what, bytes) in [
        ("binary", vec![0xff, 0xfe, 0x00]),
        ("a NUL", b"vbs {\0}".to_vec()),
        ("endless", vec![b'['; 100_000]),
    ] {
        fs::write(bench.at("ws/main.vbs.hcl"), bytes).unwrap();
        println!("{what}");
        bench.vbs("plan").ends(1);
    }
    assert!(Command::new("mkfifo").arg(bench.at("ws/fifo.vbs.hcl")).status().unwrap().success());
    fs::write(bench.at("ws/main.vbs.hcl"), "").unwrap();
    let run = Run::of(
        Command::new("timeout")
            .args(["5"])
            .arg(env!("CARGO_BIN_EXE_vbs"))
            .arg("-C")
            .arg(bench.at("ws"))
            .arg("plan"),
    );
    assert_eq!(run.code, Some(1), "a pipe among the files: {run:#?}");
}

#[test]
fn a_pool_directory_that_is_missing_is_not_made_unasked() {
    let bench = Bench::new("");
    bench.write(
        &(STORES.replace("create = true", "create = false")
            + &volume("db", "")
            + &attachment("a", "db", "vda")),
    );
    bench.changes_nothing("apply --auto-approve").refuses("is the disk mounted?");
    assert_eq!(fs::read_dir(bench.root()).unwrap().count(), 1);
    fs::create_dir(bench.at("pool")).unwrap();
    bench.changes_nothing("apply --auto-approve").refuses("hypervisor.here");
    fs::create_dir(bench.at("vms")).unwrap();
    bench.apply().succeeds();
    bench.settled();
    bench.vbs("destroy --purge --auto-approve").succeeds();
    assert!(bench.at("pool").is_dir() && bench.at("vms").is_dir(), "what vbs did not make, it removed");
}

#[test]
fn tools_that_are_missing_are_named() {
    let bench = Bench::new(&volume("db", ""));
    let hidden = format!(
        "mount --bind /dev/null /usr/bin/flock; code=0; {} || code=$?; exit $code",
        quoted(&bench, "apply --auto-approve")
    );
    let Some(run) = apart(&hidden) else { return };
    assert_eq!(run.code, Some(1), "{run:#?}");
    run.says("local: flock of util-linux, with -E is needed, none found. Install util-linux");
    assert!(!bench.at("pool/db.img").exists() && !bench.at("ws/.vbs/state.db").exists());
}

#[test]
fn a_second_operator_is_told_who_is_at_work() {
    let bench = Bench::applied(&volume("db", ""));
    bench.declare(&(volume("db", "") + &volume("logs", "")));
    // The first one waits for an answer that does not come: it holds the lock.
    let lock = fs::File::options().read(true).write(true).open(bench.at("ws/.vbs/state.db.lock")).unwrap();
    lock.lock().unwrap();
    bench.changes_nothing("apply --auto-approve").ends(5).says("tester");
    bench.changes_nothing("destroy --auto-approve").ends(5);
    bench.changes_nothing("plan").succeeds();
    drop(lock);
    bench.apply().succeeds();
}

#[test]
fn a_holder_that_is_stopped_is_named_and_loses_nothing() {
    let bench = Bench::new(&volume("db", ""));
    let mut first = bench.command("apply --auto-approve");
    let mut first =
        first.env("VBS_FAULT", "stop@12").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/stat", first.id());
    let stopped = || fs::read_to_string(&status).is_ok_and(|text| text.contains(") T "));
    while !stopped() {
        assert!(first.try_wait().unwrap().is_none(), "the fault never struck");
        std::thread::yield_now();
    }
    bench.vbs("apply --auto-approve").ends(5).says("tester").says(&format!("pid {}", first.id()));
    bench.vbs("destroy --auto-approve").ends(5);
    bench.vbs("recover --auto-approve").ends(5);
    let pid = rustix::process::Pid::from_child(&first);
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    assert!(first.wait().unwrap().success());
    bench.settled();
}

#[test]
fn nobody_to_ask_means_nothing_is_done() {
    let bench = Bench::applied(&volume("db", ""));
    bench.declare("");
    bench.changes_nothing("apply").refuses("Nobody can be asked").says("--auto-approve");
    bench.changes_nothing("destroy").refuses("Nobody can be asked");
    for answer in ["", "y\n", "Yes\n", "yes", "no\n", "\n"] {
        let mut child = bench
            .command("apply")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
        assert_eq!(child.wait().unwrap().code(), Some(1), "{answer:?} was taken for an approval from a pipe");
    }
    assert!(bench.at("pool/db.img").exists());
    // Not even a file descriptor: standard input closed.
    let closed = Command::new("sh").arg("-c").arg(quoted(&bench, "apply <&-")).output().unwrap();
    assert_eq!(closed.status.code(), Some(1));
    assert!(bench.at("pool/db.img").exists());
}

#[test]
fn a_reader_that_leaves_early_breaks_nothing() {
    let each = volume("v", "for_each = toset([for i in range(300) : \"n${i}\"])");
    let bench = Bench::new(&each);
    for command in ["plan", "plan --json", "plan --graph", "--help"] {
        let piped =
            format!("{{ {}; echo \"ended $?\" >&2; }} | head -n 1 >/dev/null", quoted(&bench, command));
        let output = Command::new("sh").arg("-c").arg(piped).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked") && !err.contains("bug in vbs"), "{command}: {err}");
        assert!(err.contains("ended 0") || err.contains("ended 1"), "{command}: {err}");
    }
    // An apply goes on to its end: nobody looking is no reason to stop half-way.
    bench.declare(&volume("db", ""));
    for closed in ["| true", ">&-", ">/dev/full", "2>&-", ">&- 2>&-"] {
        let run = format!("{} {closed}", quoted(&bench, "apply --auto-approve"));
        assert!(Command::new("sh").arg("-c").arg(run).output().is_ok());
        assert!(bench.recorded().open_run.is_none(), "{closed}: a run was left open");
        let images = bench.at("pool/db.img").exists();
        assert_eq!(images, !bench.recorded().records.is_empty(), "{closed}: pool and state disagree");
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let bench = Bench::new(&volume("db", ""));
    let coloured = |variables: &[(&str, &str)], arguments: &str| {
        let run = Run::of(bench.command(arguments).envs(variables.iter().copied()));
        run.out.contains('\u{1b}')
    };
    assert!(!coloured(&[], "plan"));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], "plan"));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], "plan"));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], "plan --no-color"));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], "plan --json"));
}

#[test]
fn escape_sequences_in_names_do_not_reach_the_terminal() {
    let bench = Bench::new(&volume(
        "db",
        "labels = { x = \"\\u001b[31mred\\u0007\" }\nfor_each = toset([\"\\u001b[2J\"])",
    ));
    for arguments in ["plan", "apply --auto-approve", "destroy --auto-approve"] {
        let run = bench.vbs(arguments);
        assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'), "{run:#?}");
    }
    let bench = Bench::new("");
    fs::write(bench.at("ws/\u{1b}[31m.vbs.hcl"), "nonsense {").unwrap();
    let run = bench.vbs("plan").ends(1);
    assert!(!run.err.contains('\u{1b}'), "{run:#?}");
}

#[test]
fn long_names_work_or_are_refused_before_anything_runs() {
    for length in [1, 63, 64, 200, 201, 255, 256, 5000] {
        let bench = Bench::new(&volume("db", &format!("name = \"{}\"", "n".repeat(length))));
        println!("{length}");
        let run = bench.apply();
        match run.code {
            Some(0) => bench.settled(),
            _ => assert!(run.code == Some(1) && !bench.at("pool").exists(), "{run:#?}"),
        }
    }
    let bench = Bench::new(&volume(
        "v",
        &format!("for_each = toset([\"{}\", \"ünï/çø∂é 名前\", \"\"])", "k".repeat(255)),
    ));
    bench.apply().succeeds();
    bench.settled();
    bench.vbs("destroy --purge --auto-approve").succeeds();
    assert!(!bench.at("pool").exists());
}
