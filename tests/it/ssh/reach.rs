//! What works on this machine works over SSH, and what cannot be reached is said clearly and changes nothing.

use std::fs;

use super::server::*;

#[test]
fn a_pool_lives_its_whole_life_over_ssh() {
    if !is_there() {
        return;
    }
    let remote = Remote::one(&(volume("db", 0) + &volume("logs", 0)));
    remote.vbs("plan --detailed-exitcode").exits(2).says("2 to add");
    remote.apply().says("2 added");
    let image = remote.workspace.path("pools/0/db.img");
    assert_eq!(fs::metadata(&image).unwrap().len(), 1 << 20);
    remote.settled();
    fs::remove_file(&image).unwrap();
    remote.vbs("drift").exits(2).says("vanished");
    remote.vbs("apply --auto-approve --recreate volume.db").exits(0);
    remote.settled();
    remote.configure(&volume("db", 0));
    remote.apply().says("1 destroyed");
    remote.vbs("trash purge --all --auto-approve").exits(0);
    remote.vbs("destroy --auto-approve --purge").exits(0);
    assert!(!remote.workspace.path("pools/0").exists());
}

/// Planning and applying share one connection, and nothing of it is left when vbs has ended.
#[test]
fn a_process_connects_once_and_leaves_nothing_behind() {
    if !is_there() {
        return;
    }
    let remote = Remote::one(&volume("db", 0));
    let own = tempfile::Builder::new().prefix("r").tempdir_in("/tmp").unwrap();
    let run = |arguments: &str| {
        crate::support::run(remote.command(arguments).env("XDG_RUNTIME_DIR", own.path())).exits(0)
    };
    run("apply --auto-approve");
    assert_eq!(remote.servers[0].logins(), 1);
    assert_eq!(fs::read_dir(own.path()).unwrap().count(), 0, "sockets are left");
    run("plan");
    assert_eq!(remote.servers[0].logins(), 2);
}

#[test]
fn sessions_that_the_host_does_not_allow_are_waited_for() {
    if !is_there() {
        return;
    }
    let several: String = (0..6).map(|number| format!("pool \"file\" \"q{number}\" {{\n  host = host.h0\n  path = \"more/{number}\"\n  create = true\n}}\n\nvolume \"v{number}\" {{\n  pool = pool.q{number}\n  size = \"1MiB\"\n}}\n\n")).collect();
    for most in [1, 2] {
        let server = Sshd::with(&format!("MaxSessions {most}"));
        let remote = Remote::new(vec![server], &several);
        remote.apply().says("6 added");
        remote.settled();
        assert_eq!(remote.servers[0].logins(), 2, "one connection for each command");
    }
}

#[test]
fn a_login_shell_that_is_no_posix_shell_does_not_matter() {
    if !is_there() {
        return;
    }
    // What sshd runs instead of the login shell gets our command as `$SSH_ORIGINAL_COMMAND`; csh and fish read it as
    // sh does. It talks first, as a login does.
    let server = Sshd::with("ForceCommand echo Welcome; echo careful >&2; eval \"$SSH_ORIGINAL_COMMAND\"");
    let remote = Remote::new(vec![server], &volume("db", 0));
    remote.apply();
    remote.settled();
}

/// Everything is refused before anything is sent, with what to do.
#[test]
fn what_cannot_be_reached_is_explained_and_nothing_is_planned() {
    if !is_there() {
        return;
    }
    let mut remote = Remote::one(&volume("db", 0));
    let refused = |remote: &Remote, words: &[&str]| {
        let output = remote
            .vbs("plan")
            .exits(1)
            .says("Cannot be looked at")
            .says("pool.p0")
            .says("nothing is planned for volume.db");
        words.iter().fold(output, |output, words| output.says(words));
        let output = remote.vbs("apply --auto-approve").exits(1);
        assert!(!output.text().contains("creating"), "{}", output.text());
        assert!(!remote.workspace.path("pools").exists());
    };
    let keys = remote.workspace.read("vbs.known_hosts");
    fs::remove_file(remote.workspace.path("vbs.known_hosts")).unwrap();
    refused(&remote, &["its host key is not known", "vbs host trust host.h0"]);
    remote.workspace.file("vbs.known_hosts", &keys);

    let config = remote.workspace.read("ssh_config");
    remote.workspace.file("ssh_config", "IdentityFile /nonexistent\nIdentitiesOnly yes\n");
    refused(&remote, &["ssh could not log in", "Permission denied (publickey)"]);
    remote.workspace.file("ssh_config", "Nonsense yes\n");
    refused(&remote, &["ssh does not accept its configuration", "nonsense"]);
    fs::remove_file(remote.workspace.path("ssh_config")).unwrap();
    refused(&remote, &["VBS_SSH_CONFIG", "No such file"]);
    remote.workspace.file("ssh_config", &config);

    remote.servers[0].change_key();
    refused(&remote, &["its host key is not the one that is known", "vbs host trust --replace host.h0"]);
    remote.servers[0].stop();
    refused(&remote, &["nothing listens there", "Connection refused"]);
}

/// ssh says of it only "Connection closed", and that at a level at which it shows every banner.
#[test]
fn a_server_that_hangs_up_before_the_login_is_told_of() {
    use std::io::{Read, Write};
    if !is_there() {
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut caller in listener.incoming().flatten() {
            let _ = caller.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
            let _ = caller.read(&mut [0; 4096]);
        }
    });
    let remote = Remote::one(&volume("db", 0));
    let text = remote.workspace.read("main.vbs.hcl");
    let (before, after) = text.split_once("127.0.0.1:").unwrap();
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
    remote.workspace.file("main.vbs.hcl", &format!("{before}127.0.0.1:{port}{after}"));
    remote.vbs("plan").exits(1).says("Connection closed before the login was done");
}

#[test]
fn no_such_user_is_no_access() {
    if !is_there() {
        return;
    }
    let remote = Remote::one(&volume("db", 0));
    let text = remote.workspace.read("main.vbs.hcl").replace(&format!("{}@", user()), "nobody_of_that_name@");
    remote.workspace.file("main.vbs.hcl", &text);
    remote.vbs("plan").exits(1).says("ssh could not log in");
}

/// What ssh is told in the user's configuration must not change what vbs relies on.
#[test]
fn the_users_own_configuration_is_used_and_cannot_do_harm() {
    if !is_there() {
        return;
    }
    let remote = Remote::one(&volume("db", 0));
    let touched = remote.workspace.path("touched");
    let config = format!(
        "Host store\n  HostName 127.0.0.1\n  Port {}\n  User {}\nHost *\n  StrictHostKeyChecking no\n  UserKnownHostsFile \
         /dev/null\n  ForwardAgent yes\n  RequestTTY force\n  RemoteCommand false\n  ControlMaster auto\n  ControlPath {}/%h\n  \
         ControlPersist yes\n  LocalForward 127.0.0.1:1 127.0.0.1:2\n  ExitOnForwardFailure yes\n  PermitLocalCommand yes\n  \
         LocalCommand touch {}\n  LogLevel QUIET\n{}",
        remote.servers[0].port,
        user(),
        remote.workspace.root().display(),
        touched.display(),
        remote.workspace.read("ssh_config"),
    );
    remote.workspace.file("ssh_config", &config);
    let text = remote.workspace.read("main.vbs.hcl").replace(&remote.servers[0].address(), "ssh://store");
    remote.workspace.file("main.vbs.hcl", &text);
    remote.apply().says("1 added");
    remote.settled();
    assert!(!touched.exists() && !remote.workspace.path("127.0.0.1").exists());
    fs::remove_file(remote.workspace.path("vbs.known_hosts")).unwrap();
    remote.vbs("plan").exits(1).says("its host key is not known");
}

/// The host block may be edited or go, and the configuration may be broken: the run can be closed all the same.
#[test]
fn an_edited_host_is_the_same_host_and_a_removed_one_is_remembered() {
    if !is_there() {
        return;
    }
    let remote = Remote::one(&volume("db", 0));
    remote.apply();
    let (by_number, by_name) =
        (remote.servers[0].address(), remote.servers[0].address().replace("127.0.0.1", "localhost"));
    let keys = remote.workspace.read("vbs.known_hosts");
    remote.workspace.file("vbs.known_hosts", &format!("{keys}{}", keys.replace("127.0.0.1", "localhost")));
    let text = remote.workspace.read("main.vbs.hcl").replace(&by_number, &by_name);
    remote.workspace.file("main.vbs.hcl", &text);
    remote
        .vbs("plan --detailed-exitcode")
        .exits(2)
        .says("host.h0")
        .says("0 to add, 0 to change, 0 to destroy");
    remote.apply();
    remote.settled();
    // Everything is taken out of the configuration: what was there is still known and reached.
    remote.workspace.file("main.vbs.hcl", "");
    remote.apply().says("1 destroyed");
    remote.vbs("trash purge --all --auto-approve").exits(0);
    assert!(!remote.workspace.path("pools/0").exists());
}

/// sshd gives the login a PATH in which this is `sudo`; what it runs has a PATH of its own.
fn with_sudo(script: &str) -> Remote {
    use std::os::unix::fs::PermissionsExt;
    let server = Sshd::with("SetEnv PATH={directory}:/usr/bin:/bin");
    fs::write(server.path("sudo"), format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(server.path("sudo"), fs::Permissions::from_mode(0o755)).unwrap();
    let remote = Remote::new(vec![server], &volume("db", 0));
    let text = remote.workspace.read("main.vbs.hcl");
    let address = format!("  address = \"{}\"\n", remote.servers[0].address());
    remote
        .workspace
        .file("main.vbs.hcl", &text.replace(&address, &format!("{address}  become = \"sudo\"\n")));
    remote
}

#[test]
fn sudo_runs_the_shell_and_never_asks() {
    if !is_there() {
        return;
    }
    let works = with_sudo(
        "case \"$*\" in '-n -- /bin/sh' | '-n -- /bin/sh -s vbs-'*) ;; *) exit 9 ;; esac\nshift 2\nexec \"$@\"",
    );
    works.apply().says("1 added");
    works.settled();
    let asks = with_sudo("echo 'sudo: a password is required' >&2; exit 1");
    asks.vbs("plan").exits(1).says("sudo does not let this user run a shell").says("NOPASSWD: /bin/sh");
    let output = asks.vbs("apply --auto-approve").exits(1);
    assert!(!output.text().contains("creating") && !asks.workspace.path("pools").exists());
}

/// Frames in different pools of one host run at once: each waits until the other one has begun.
#[test]
fn frames_of_one_host_run_side_by_side() {
    if !is_there() {
        return;
    }
    let pools: String = (1..4)
        .map(|n| format!("pool \"file\" \"q{n}\" {{\n  host = host.h0\n  path = \"q{n}\"\n  create = true\n}}\n\nvolume \"w{n}\" {{\n  pool = pool.q{n}\n  size = \"1MiB\"\n}}\n\n"))
        .collect();
    let remote = Remote::one(&pools);
    let met = remote.workspace.path("met");
    fs::create_dir(&met).unwrap();
    let met_two = format!("[ $(ls {} | wc -l) -ge 2 ]", met.display());
    let hook = format!(
        "touch {}/$$; i=0; until {met_two} || [ $i -ge 2000 ]; do i=$((i+1)); sleep 0.01; done; {met_two}",
        met.display()
    );
    let mut command = remote.command("apply --auto-approve");
    // After four frames that raise the epoch, three pools are taken into use at the same time.
    command.env("VBS_FAULT", "hook@SentBeforeAct.5,hook@SentBeforeAct.6").env("VBS_FAULT_HOOK", hook);
    crate::support::run(&mut command).exits(0).says("3 added");
    remote.settled();
}
