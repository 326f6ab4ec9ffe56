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
    remote.apply().says("30 added");
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
