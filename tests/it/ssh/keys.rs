//! Host keys: shown, compared, pinned, and never taken for granted.

use std::fs;

use super::server::*;

fn pins(remote: &Remote) -> String {
    fs::read_to_string(remote.workspace.path("vbs.known_hosts")).unwrap_or_default()
}

/// As `ssh-keygen -l` says it on the machine itself.
fn fingerprint(server: &Sshd) -> String {
    let output =
        std::process::Command::new("ssh-keygen").arg("-lf").arg(server.path("host.pub")).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn a_key_is_shown_and_pinned_and_then_the_host_is_reached() {
    if !is_there() {
        return;
    }
    let remote = Remote::new(vec![Sshd::start(), Sshd::start()], &(volume("a", 0) + &volume("b", 1)));
    let known = pins(&remote);
    fs::remove_file(remote.workspace.path("vbs.known_hosts")).unwrap();
    remote.vbs("host trust").exits(1).says("Nobody can be asked").says(&fingerprint(&remote.servers[0]));
    assert_eq!(pins(&remote), "", "pinned although nobody approved");
    remote.vbs("host trust host.h1 --auto-approve").exits(0).says(&fingerprint(&remote.servers[1]));
    assert_eq!(pins(&remote), remote.servers[1].key_line());
    remote
        .vbs("host trust --auto-approve")
        .exits(0)
        .says("pinned already")
        .says(&fingerprint(&remote.servers[0]));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(pins(&remote).lines().collect::<Vec<_>>(), sorted(&known), "sorted, and each once");
    remote.apply().says("2 added");
    remote.vbs("host trust host.h2").exits(1).says("Unknown host");
    remote.vbs("host trust volume.a").exits(1).says("is no host");
    assert_eq!(remote.servers[0].logins(), 1, "looking at a key is no login");
}

#[test]
fn a_changed_key_is_pinned_only_where_that_is_said() {
    if !is_there() {
        return;
    }
    let mut remote = Remote::one(&volume("db", 0));
    let (before, old) = (pins(&remote), fingerprint(&remote.servers[0]));
    remote.servers[0].change_key();
    let new = fingerprint(&remote.servers[0]);
    let output = remote.vbs("host trust --auto-approve").exits(1).says("Another key than the pinned one");
    assert!(output.stdout.contains(&format!("- ED25519 {old}")), "{}", output.stdout);
    assert!(output.stdout.contains(&format!("+ ED25519 {new}")), "{}", output.stdout);
    assert_eq!(pins(&remote), before);
    remote.vbs("plan").exits(1);
    remote.vbs("host trust --auto-approve --replace host.h0").exits(0);
    assert_eq!(pins(&remote), remote.servers[0].key_line());
    remote.apply();
    remote.servers[0].stop();
    remote.vbs("host trust").exits(1).says("A host shows no key").says("nothing listens there");
}

/// The way over a jump host is ssh's own configuration, and the jump host's key is as strict as any.
#[test]
fn a_host_behind_a_jump_host_is_trusted_and_reached() {
    if !is_there() {
        return;
    }
    let (inner, outer) = (Sshd::start(), Sshd::start());
    let host = |name: &str, server: &Sshd| {
        format!("Host {name}\n  HostName 127.0.0.1\n  Port {}\n  User {}\n", server.port, user())
    };
    let remote = Remote::new(vec![inner, outer], "");
    let [inner, outer] = [0, 1].map(|number| &remote.servers[number]);
    let config = format!(
        "{}  ProxyJump outer\n{}Host *\n{}{}",
        host("inner", inner),
        host("outer", outer),
        inner.identity_line(),
        outer.identity_line()
    );
    remote.workspace.file("ssh_config", &config);
    remote.workspace.file(
        "main.vbs.hcl",
        &format!("host \"h0\" {{\n  address = \"ssh://inner\"\n}}\n\npool \"file\" \"p0\" {{\n  host = host.h0\n  path = \"pools/0\"\n  create = true\n}}\n\n{}", volume("db", 0)),
    );
    remote.workspace.file("vbs.known_hosts", "");
    remote.vbs("host trust --auto-approve").exits(1).says("the key of its jump host");
    assert_eq!(pins(&remote), "", "the key of a jump host was accepted");
    remote.workspace.file("vbs.known_hosts", &outer.key_line());
    remote.vbs("host trust --auto-approve").exits(0).says(&fingerprint(inner));
    remote.apply().says("1 added");
    remote.settled();
    assert!(outer.logins() >= 3 && inner.logins() == 2, "{} {}", outer.logins(), inner.logins());
}
