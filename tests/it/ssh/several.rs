//! Several hosts at once: what it costs, and what a dead one does to the rest.

use super::server::*;

fn three() -> Remote {
    let servers = (0..3).map(|_| Sshd::start()).collect();
    Remote::new(servers, &(0..3).map(|n| volume(&format!("v{n}"), n)).collect::<String>())
}

/// How often vbs asked something and waited, according to its log.
fn round_trips(output: &crate::support::Output) -> usize {
    output.stderr.lines().filter(|line| line.contains("vbs::hosts: asked")).count()
}

#[test]
fn a_plan_costs_a_few_round_trips_a_host_however_much_is_there() {
    if !is_there() {
        return;
    }
    let remote = three();
    let many: String = (0..30).map(|n| volume(&format!("v{n}"), n % 3)).collect();
    remote.configure(&many);
    let fresh = remote.vbs("plan --log-level debug").exits(0);
    assert!((3..=9).contains(&round_trips(&fresh)), "{}", fresh.stderr);
    let applied = remote.vbs("apply --auto-approve --log-level debug").exits(0).says("30 added");
    assert_eq!(
        round_trips(&applied),
        round_trips(&fresh) + 3,
        "one look a host proves the steps and tells of the conditions: {}",
        applied.stderr
    );
    let settled = remote.vbs("plan --log-level debug").exits(0).says("No changes.");
    assert!((3..=9).contains(&round_trips(&settled)), "{}", settled.stderr);
    let logins: Vec<usize> = remote.servers.iter().map(Sshd::logins).collect();
    assert_eq!(logins, [3, 3, 3], "one connection for each host and command");
}

#[test]
fn a_dead_host_of_three_is_said_and_the_rest_goes_on() {
    if !is_there() {
        return;
    }
    let mut remote = three();
    remote.apply().says("3 added");
    remote.servers[1].stop();
    let more: String = (0..3).map(|n| volume(&format!("v{n}"), n) + &volume(&format!("w{n}"), n)).collect();
    remote.configure(&more);
    std::fs::remove_file(remote.workspace.path("pools/2/v2.img")).unwrap();

    let plan = remote.vbs("plan").exits(1).says("pool.p1").says("nothing listens there");
    assert!(plan.stdout.contains("volume.w0 will be created"), "{}", plan.stdout);
    assert!(plan.stdout.contains("vanished"), "the drift of the others is shown: {}", plan.stdout);
    for volume in ["v1", "w1"] {
        let rows =
            ["created", "destroyed", "forgotten"].map(|word| format!("volume.{volume} will be {word}"));
        assert!(rows.iter().all(|row| !plan.stdout.contains(row)), "{}", plan.stdout);
    }
    remote.vbs("apply --auto-approve").exits(1);
    assert!(!remote.workspace.path("pools/0/w0.img").exists());

    remote.vbs("apply --auto-approve --exclude host.h1 --recreate volume.v2").exits(0).says("3 added");
    assert!(
        remote.workspace.path("pools/0/w0.img").exists() && remote.workspace.path("pools/2/w2.img").exists()
    );
    remote.vbs("plan --detailed-exitcode --exclude host.h1").exits(0);

    // Everything goes but what is on the dead host, which stays known.
    remote.vbs("destroy --auto-approve --exclude host.h1").exits(0).says("4 destroyed");
    remote.vbs("state list").exits(0).says("volume.v1");
    remote.servers[1].start_again();
    remote.vbs("plan").exits(0).says("volume.w1 will be created");
    remote.apply();
    remote.settled();
}

/// The disk is on a machine that can be looked at, and its volume on one that cannot.
#[test]
fn what_waits_for_a_dead_host_is_not_told_to_plan_what_is_planned() {
    if !is_there() {
        return;
    }
    let mut dead = Sshd::start();
    dead.stop();
    let shop = crate::support::Workspace::with(&format!(
        "host \"dead\" {{\n  address = \"{}\"\n}}\n\
         pool \"lvm\" \"far\" {{\n  host = host.dead\n  volume_group = \"vg0\"\n  export \"lio\" {{\n    portal = \"127.0.0.1:3260\"\n  }}\n}}\n\
         volume \"db\" {{\n  pool = pool.far\n  size = \"16MiB\"\n}}\n\
         attachment \"db\" {{\n  volume = volume.db\n  hypervisor = hypervisor.here\n  vm = \"web1\"\n  device = \"vda\"\n}}\n",
        dead.address()
    ));
    let said = shop.vbs(&["plan"]).exits(1).says("nothing listens there").says("Mend that first");
    assert!(!said.text().contains("Plan it as well"), "{}", said.text());
}

/// Two names for one machine would be two places to the plan, and one to everybody else.
#[test]
fn two_blocks_for_one_machine_are_an_error() {
    if !is_there() {
        return;
    }
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    if id.trim().len() != 32 {
        use std::io::Write;
        let _ =
            writeln!(std::io::stderr(), "\nSKIPPED two blocks for one machine: it has no /etc/machine-id");
        return;
    }
    let remote = three();
    let output = crate::support::run(remote.command("plan").env_remove("VBS_FAULT_ONE_MACHINE"));
    let output = output.exits(1).says("host.h0 and host.h1 are one machine").says("systemd-machine-id-setup");
    assert!(!output.stdout.contains("will be created"), "{}", output.stdout);
    crate::support::run(remote.command("host check").env_remove("VBS_FAULT_ONE_MACHINE"))
        .exits(1)
        .says("Two hosts are one machine");
}

#[test]
fn a_check_says_of_each_host_what_is_there_and_what_is_wrong() {
    if !is_there() {
        return;
    }
    let mut remote = three();
    remote
        .vbs("host check")
        .exits(0)
        .says("host.h0 (ssh://")
        .says("flock of util-linux")
        .says("find of findutils");
    remote.servers[1].stop();
    let output = remote.vbs("host check").exits(1).says("nothing listens there");
    assert!(output.stdout.contains("host.h2 (ssh://"), "{}", output.stdout);
    remote.vbs("host check host.h0 host.h2").exits(0);
    remote.vbs("host check host.h7").exits(1).says("Unknown host").says("Did you mean host.h");
    let report = remote.vbs("host check --json").exits(1).json();
    let hosts = report["hosts"].as_array().unwrap();
    let reached: Vec<bool> = hosts.iter().map(|host| host["reached"].as_bool().unwrap()).collect();
    assert_eq!(reached, [true, false, true]);
    assert_eq!(hosts[0]["user"], user());
    assert!(hosts[0]["tools"].as_array().unwrap().iter().all(|tool| tool["ok"] == true));
    assert!(hosts[1]["why"].as_str().unwrap().contains("Connection refused"));
}

/// With a dead host in it a purge does nothing; what lies elsewhere is purged by name, and the rest when the host is back.
#[test]
fn the_trash_of_a_dead_host_waits_for_it() {
    if !is_there() {
        return;
    }
    let mut remote = three();
    remote.apply().says("3 added");
    remote.vbs("destroy --auto-approve").exits(0).says("3 destroyed");
    let ids: Vec<String> = remote.vbs("trash list --json").exits(0).json()["trash"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 3);
    remote.servers[1].stop();
    remote
        .vbs("trash purge --all --auto-approve")
        .exits(1)
        .says("Nothing was sent to pool.p1 on h1")
        .says("nothing listens there");
    let listed = remote.vbs("trash list").exits(0);
    assert!(ids.iter().all(|id| listed.stdout.contains(id)), "{}", listed.stdout);
    remote.vbs(&format!("trash purge {} {} --auto-approve", ids[0], ids[2])).exits(0).says("2 destroyed");
    assert!(remote.vbs("trash list").exits(0).stdout.contains(&ids[1]));
    remote.servers[1].start_again();
    remote.vbs("trash purge --all --auto-approve").exits(0).says("1 destroyed");
    assert!((0..3).all(|n| !remote.workspace.path(&format!("pools/{n}")).exists()));
}
