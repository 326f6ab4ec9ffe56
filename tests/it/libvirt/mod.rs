//! Disks of a real libvirt's VMs, by the real program.

#[path = "../../../src/providers/libvirt/tests/daemon.rs"]
mod daemon;
mod machine;

use daemon::Guest;
use machine::Rig;

use crate::tgt::Server;

const TWO: &str = r#"
volume "db" {
  pool = pool.fast
  size = "1MiB"
}
volume "logs" {
  pool = pool.fast
  size = "2MiB"
}
attachment "db" {
  volume     = volume.db
  hypervisor = @
  vm         = "web1"
  device     = "vdb"
}
attachment "logs" {
  volume     = volume.logs
  hypervisor = @
  vm         = "web1"
  device     = "sda"
  bus        = "scsi"
}
output "db_serial" { value = volume.db.serial }
output "db_disk" { value = attachment.db.guest_path }
"#;

fn output(rig: &Rig, name: &str) -> String {
    rig.vbs(&["output", "--raw", name]).exits(0).stdout.trim().to_owned()
}

#[test]
fn disks_come_grow_keep_their_name_and_go() {
    let Some(rig) = Rig::new() else { return };
    rig.daemon.define("web1", Guest::Releasing, 2);
    rig.daemon.boot("web1");
    let empty = rig.contents("web1");
    rig.configure(TWO);
    rig.apply();
    rig.settled();
    assert_eq!(rig.disks("web1"), (2, 2), "as it runs, and as it is started");
    let serial = output(&rig, "db_serial");
    assert!(rig.daemon.live("web1").contains(&format!("<serial>{}</serial>", &serial[..20])));
    assert_eq!(output(&rig, "db_disk"), format!("/dev/disk/by-id/virtio-{}", &serial[..20]));

    rig.configure(&TWO.replace("1MiB", "3MiB"));
    rig.vbs(&["plan"]).exits(0).says("2 to change");
    rig.apply();
    rig.settled();
    assert!(rig.daemon.say(&["domblkinfo", "web1", "vdb"]).contains("3145728"));

    // Another name for the volume is nothing that a guest notices, and its configuration follows.
    let before = rig.daemon.say(&["domid", "web1"]);
    rig.configure(&TWO.replace("size = \"1MiB\"", "size = \"3MiB\"\n  name = \"renamed\""));
    rig.apply();
    rig.settled();
    assert!(
        rig.daemon.config("web1").contains("/renamed.img") && rig.daemon.live("web1").contains("/db.img")
    );
    assert_eq!(rig.daemon.say(&["domid", "web1"]), before);
    rig.daemon.say(&["destroy", "web1"]);
    rig.settled();
    rig.daemon.boot("web1");
    rig.settled();
    assert_eq!(rig.disks("web1"), (2, 2));

    // What a VM was started with it keeps until its guest lets go.
    rig.daemon.say(&["destroy", "web1"]);
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    rig.daemon.boot("web1");
    assert_eq!(rig.contents("web1"), empty);
    assert!(!rig.seat().exists(), "nothing of it stays on the host");
}

#[test]
fn what_others_attached_stays_takes_its_room_and_is_never_replaced() {
    let Some(rig) = Rig::new() else { return };
    rig.daemon.define("web1", Guest::Releasing, 2);
    rig.daemon.boot("web1");
    let theirs = rig.workspace.file("theirs.img", &"x".repeat(4096));
    let disk = |device: &str| {
        format!(
            "<disk type='file'><source file='{}'/><target dev='{device}' bus='virtio'/><shareable/></disk>",
            theirs.display()
        )
    };
    rig.daemon.feed(&["attach-device", "web1", "/dev/stdin", "--live", "--config"], &disk("vda"));
    let before = rig.contents("web1");
    rig.configure(&TWO.replace("\"scsi\"", "\"virtio\"").replace("sda", "vdc"));
    rig.vbs(&["plan"])
        .exits(1)
        .says("No room for a disk")
        .says("VM web1 has room for 1 more on its virtio bus")
        .says("pcie-root-port");
    rig.configure(&TWO.replace("vdb", "vda"));
    rig.vbs(&["plan"]).exits(1).says("web1/vda");
    rig.configure(&TWO.replace("vdb", "sdb"));
    rig.vbs(&["plan"]).exits(1).says("The device's name is not one of its bus");
    rig.configure(&TWO.replace("web1", "web2"));
    rig.vbs(&["plan"]).exits(1).says("The VM cannot take a disk").says("VM web2 does not exist at");
    assert!(!rig.seat().exists());
    rig.configure(TWO);
    rig.apply();
    rig.settled();
    rig.vbs(&["destroy", "--auto-approve"]).exits(0);
    assert_eq!(rig.contents("web1"), before, "to the byte");
}

#[test]
fn a_vm_that_is_off_has_its_disks_when_it_starts_and_drift_is_told_for_each_place() {
    let Some(rig) = Rig::new() else { return };
    rig.daemon.define("web1", Guest::Holding, 2);
    let empty = rig.contents("web1");
    rig.configure(TWO);
    rig.apply();
    rig.settled();
    rig.daemon.boot("web1");
    rig.settled();
    assert_eq!(rig.disks("web1"), (2, 2));
    let alias = |device: &str| {
        let text = rig.daemon.config("web1");
        let behind = &text[text.find(&format!("<target dev='{device}'")).unwrap()..];
        behind[behind.find("ua-vbs-").unwrap()..].split('\'').next().unwrap().to_owned()
    };
    rig.daemon.say(&["detach-device-alias", "web1", &alias("sda"), "--config"]);
    rig.daemon.say(&["detach-device-alias", "web1", &alias("vdb"), "--live"]);
    rig.daemon.say(&["reset", "web1"]);
    while rig.disks("web1").0 > 1 {}
    rig.vbs(&["drift"]).says("live is \"missing\"").says("config is \"missing\"");
    rig.vbs(&["plan"]).exits(0).says("2 to change");
    rig.apply();
    rig.settled();
    assert_eq!(rig.disks("web1"), (2, 2));

    // For as long as it runs, where the block says so.
    rig.configure_with("  persistent = false\n", TWO);
    rig.apply();
    rig.settled();
    assert_eq!(rig.disks("web1"), (2, 0));
    rig.daemon.say(&["destroy", "web1"]);
    rig.vbs(&["plan"]).exits(1).says("persistent = false keeps no disk in its configuration");
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(rig.contents("web1"), empty);
}

#[test]
fn a_guest_that_does_not_let_go_halts_the_run_and_keeps_its_disk() {
    let Some(rig) = Rig::new() else { return };
    rig.daemon.define("web1", Guest::Holding, 2);
    rig.daemon.boot("web1");
    let one = TWO.split("attachment \"logs\"").next().unwrap();
    rig.configure(one);
    rig.apply();
    rig.configure("");
    rig.vbs(&["destroy", "--auto-approve"]).exits(3).says("did not let go of the disk within 20 s");
    assert_eq!(rig.disks("web1"), (1, 1), "it has its disk");
    rig.configure(one);
    rig.settled();
    // What it was asked it does with a reset, and what is wanted is made again.
    rig.daemon.say(&["reset", "web1"]);
    while rig.disks("web1").0 > 0 {}
    rig.vbs(&["plan"]).exits(0).says("live is \"missing\"");
    rig.apply();
    rig.settled();
    assert_eq!(rig.disks("web1"), (1, 1));
    rig.daemon.say(&["destroy", "web1"]);
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert!(!rig.seat().exists());
}

#[test]
fn a_guest_that_cannot_be_frozen_is_told_before_anything_is_done() {
    let Some(rig) = Rig::new() else { return };
    rig.daemon.define("web1", Guest::Releasing, 2);
    rig.daemon.boot("web1");
    let one = TWO.split("attachment \"logs\"").next().unwrap();
    rig.configure(one);
    rig.apply();
    let taken = format!("{one}snapshot \"before\" {{\n  volume  = volume.db\n  quiesce = \"guest\"\n}}\n");
    rig.configure(&taken);
    rig.vbs(&["plan"])
        .exits(1)
        .says("The guest cannot be frozen")
        .says("snapshot.before is to be taken while the guest of attachment.db")
        .says("VM web1 has no channel to a guest agent");
    // Nobody writes to the disk of a VM that is off.
    rig.daemon.say(&["destroy", "web1"]);
    rig.apply();
    rig.settled();
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert!(!rig.seat().exists());
}

#[test]
fn the_example_does_what_it_says() {
    let Some(rig) = Rig::new() else { return };
    rig.daemon.define("web1", Guest::Releasing, 2);
    rig.daemon.boot("web1");
    let empty = rig.contents("web1");
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/libvirt.vbs.hcl")).unwrap();
    // Its hypervisor may be somebody's on this machine.
    rig.workspace.file("main.vbs.hcl", &text.replace("example", &rig.label));
    let uri = format!("uri={}", rig.daemon.uri());
    let vbs = |command: &[&str]| rig.vbs(&[command, &["--var", &uri]].concat());
    vbs(&["apply", "--auto-approve"]).exits(0);
    vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert_eq!(rig.disks("web1"), (2, 2));
    vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(rig.contents("web1"), empty);
}

/// A volume that a real tgtd exports and QEMU reaches itself, with a secret that libvirt keeps.
#[test]
fn a_vm_reads_a_volume_over_the_network_and_leaves_nothing_behind() {
    let Some(rig) = Rig::new() else { return };
    let Some(server) = Server::start() else { return };
    let config = rig.workspace.path("conf.d");
    std::fs::create_dir(&config).unwrap();
    rig.daemon.define("web1", Guest::Releasing, 2);
    rig.daemon.boot("web1");
    let (empty, nothing) = (rig.contents("web1"), server.show());
    let (label, port, control, uri) = (&rig.label, server.port, &server.control, rig.daemon.uri());
    let text = format!(
        r#"
pool "file" "{label}" {{
  path   = "pool"
  create = true
  export "tgt" {{
    portal            = "127.0.0.1:{port}"
    control_port      = "{control}"
    config_dir        = "conf.d"
    chap              = "auto"
    chap_in_arguments = true
  }}
}}
hypervisor "libvirt" "{label}" {{
  uri       = "{uri}"
  initiator = "builtin"
}}
volume "db" {{
  pool = pool.{label}
  size = "16MiB"
}}
attachment "db" {{
  volume     = volume.db
  hypervisor = hypervisor.{label}
  vm         = "web1"
  device     = "vdb"
}}
"#
    );
    rig.workspace.file("main.vbs.hcl", &text);
    rig.apply();
    rig.settled();
    assert!(rig.daemon.say(&["domblkinfo", "web1", "vdb"]).contains("16777216"));
    assert!(server.show().contains("Connection:"), "QEMU is logged in");
    let secrets = rig.daemon.say(&["secret-list"]);
    let id = secrets.split_whitespace().next().unwrap();
    rig.daemon.say(&["secret-undefine", id]);
    rig.vbs(&["plan"]).exits(0).says("config is \"no secret\"");
    rig.apply();
    rig.settled();
    assert_eq!(rig.daemon.say(&["secret-list"]), secrets);
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(rig.contents("web1"), empty, "the secret is gone, too");
    assert_eq!(server.show(), nothing);
    assert!(!rig.seat().exists());
}

/// vbs is killed at every point of a run that attaches, and around every command of one that detaches. Recovery leaves what
/// was there before, or what was wanted, and nothing else.
#[test]
fn a_killed_run_leaves_nothing_behind() {
    let Some(rig) = Rig::new() else { return };
    rig.daemon.define("web1", Guest::Releasing, 2);
    rig.daemon.boot("web1");
    let empty = rig.contents("web1");
    let volumes = TWO.split("attachment \"db\"").next().unwrap();
    rig.configure(volumes);
    rig.apply();
    rig.configure(TWO);
    let mut at = 0;
    loop {
        at += 1;
        let (output, passed) = rig.faulty(&format!("kill@{at}"));
        if output.code == 0 {
            assert!(passed > 20 && passed < at, "{passed}: {}", output.text());
            break;
        }
        assert_eq!(output.code, 137, "{at}: {}", output.text());
        let recovered = rig.vbs(&["recover", "--auto-approve"]);
        assert_eq!(recovered.code, 0, "{at}: {}", recovered.text());
        if rig.disks("web1") == (0, 0) {
            assert_eq!(rig.contents("web1"), empty, "{at}");
        } else {
            // It was killed behind its commit.
            rig.settled();
            rig.configure(volumes);
            rig.apply();
            assert_eq!(rig.contents("web1"), empty, "{at}");
            rig.configure(TWO);
        }
        assert!(!rig.seat().exists(), "{at}: {}", recovered.text());
    }
    rig.settled();
    rig.configure(volumes);
    for place in ["BeforeSend", "SentBeforeAct", "ActedBeforeReply", "ReplyBeforeCommit"] {
        for at in 1..=2 {
            let (output, _) = rig.faulty(&format!("kill@{place}.{at}"));
            assert_eq!(output.code, 137, "{place}.{at}: {}", output.text());
            let recovered = rig.vbs(&["recover", "--auto-approve"]);
            assert_eq!(recovered.code, 0, "{place}.{at}: {}", recovered.text());
            assert_eq!(rig.disks("web1"), (2, 2), "{place}.{at}");
            rig.configure(TWO);
            rig.settled();
            rig.configure(volumes);
        }
    }
    rig.apply();
    assert_eq!(rig.contents("web1"), empty);
}
