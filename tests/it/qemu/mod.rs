//! Disks in real QEMU processes, by the real program.

pub mod machine;

use machine::{HOLDING, RELEASING, Rig};
use serde_json::json;

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
output "logs_disk" { value = attachment.logs.guest_path }
"#;

fn output(rig: &Rig, name: &str) -> String {
    rig.vbs(&["output", "--raw", name]).exits(0).stdout.trim().to_owned()
}

#[test]
fn disks_come_grow_keep_their_name_and_go() {
    let Some(mut rig) = Rig::new() else { return };
    rig.start("web1", RELEASING);
    let empty = rig.contents("web1");
    rig.configure(TWO);
    rig.apply();
    rig.settled();
    let serial = output(&rig, "db_serial");
    let blocks = rig.blocks("web1");
    let sizes: Vec<_> =
        blocks.iter().map(|it| it["inserted"]["image"]["virtual-size"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [1 << 20, 2 << 20]);
    assert_eq!(rig.serial_of("web1", &blocks[0]), serial[..20]);
    assert_eq!(output(&rig, "db_disk"), format!("/dev/disk/by-id/virtio-{}", &serial[..20]));
    assert!(output(&rig, "logs_disk").starts_with("/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_"));

    rig.configure(&TWO.replace("1MiB", "3MiB"));
    rig.vbs(&["plan"]).exits(0).says("2 to change");
    rig.apply();
    rig.settled();
    assert_eq!(rig.blocks("web1")[0]["inserted"]["image"]["virtual-size"], 3 << 20);

    // Another name for the volume is nothing that a guest notices.
    let before = rig.blocks("web1")[0]["qdev"].clone();
    rig.configure(&TWO.replace("size = \"1MiB\"", "size = \"3MiB\"\n  name = \"renamed\""));
    rig.apply();
    rig.settled();
    assert_eq!(rig.blocks("web1")[0]["qdev"], before);

    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(rig.contents("web1"), empty);
    assert!(!rig.seat().exists(), "nothing of it stays on the host");
}

/// Somebody takes a disk from the VM by hand: what the look finds is shown, and not what is recorded.
#[test]
fn describe_shows_a_disk_that_was_unplugged_by_hand() {
    let Some(mut rig) = Rig::new() else { return };
    rig.start("web1", RELEASING);
    rig.configure(TWO.split("attachment \"logs\"").next().unwrap());
    rig.apply();
    rig.vbs(&["describe", "attachments"]).exits(0).says("web1/vdb - attached");
    let block = rig.blocks("web1").remove(0);
    let (device, node) = (&block["qdev"], &block["inserted"]["node-name"]);
    let device = device.as_str().unwrap().trim_end_matches("/virtio-backend");
    assert!(rig.say("web1", "device_del", &json!({ "id": device })).get("return").is_some());
    // The device goes when its guest has let go of it, which is soon.
    while !rig.blocks("web1").is_empty() {}
    let released = "device is \"none: its guest let go of it\", recorded \"vdb\"";
    rig.vbs(&["drift"]).exits(2).says(released);
    for what in ["attachments", "attachment.db"] {
        let told = rig.vbs(&["describe", what]).exits(0).says(&format!("not as recorded: {released}"));
        assert!(!told.text().contains("attached"), "{}", told.text());
    }
    assert!(rig.say("web1", "blockdev-del", &json!({ "node-name": node })).get("return").is_some());
    rig.vbs(&["drift"]).exits(2).says("attachment.db vanished");
    rig.vbs(&["describe", "attachment.db"]).exits(0).says("Status: vanished");
}

#[test]
fn what_others_plugged_stays_and_takes_its_room() {
    let Some(mut rig) = Rig::new() else { return };
    rig.start("web1", RELEASING);
    let theirs = rig.workspace.file("theirs.img", "x");
    let node = json!({"driver": "file", "node-name": "theirs", "filename": theirs});
    assert!(rig.say("web1", "blockdev-add", &node).get("return").is_some());
    let device = json!({"driver": "virtio-blk-pci", "id": "theirs", "drive": "theirs", "bus": "rp1"});
    assert!(rig.say("web1", "device_add", &device).get("return").is_some());
    let before = rig.contents("web1");

    let both = TWO.replace("\"scsi\"", "\"virtio\"");
    rig.configure(&both);
    rig.vbs(&["plan"])
        .exits(1)
        .says("No room for a disk")
        .says("VM web1 has room for 1 more on its virtio bus");
    assert!(!rig.seat().exists());
    rig.configure(TWO);
    rig.apply();
    rig.settled();
    rig.vbs(&["destroy", "--auto-approve"]).exits(0);
    assert_eq!(rig.contents("web1"), before);
}

#[test]
fn a_vm_that_is_off_is_told_at_once_and_gets_its_disks_again_when_it_is_back() {
    let Some(mut rig) = Rig::new() else { return };
    rig.configure(TWO);
    rig.vbs(&["plan"]).exits(1).says("The VM cannot take a disk").says("VM web1 is off, or its socket");
    rig.start("web1", RELEASING);
    rig.apply();
    rig.stop("web1");
    rig.vbs(&["plan"]).exits(1).says("The VM cannot take a disk").says("vanished from");
    // Others are not held up by it, and what is not wanted any more needs no VM.
    let more = TWO.to_owned() + "volume \"more\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n";
    rig.configure(&more);
    let left_out = ["--exclude", "attachment.db", "--exclude", "attachment.logs"];
    rig.vbs(&[&["apply", "--auto-approve"], &left_out[..]].concat()).exits(0).says("Apply complete!");
    rig.start("web1", RELEASING);
    rig.apply();
    rig.settled();
    assert_eq!(rig.blocks("web1").len(), 2);
    rig.stop("web1");
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert!(!rig.seat().exists());
}

#[test]
fn a_guest_that_does_not_let_go_halts_the_run_and_keeps_its_disk() {
    let Some(mut rig) = Rig::new() else { return };
    rig.start("web1", HOLDING);
    let one = TWO.split("attachment \"logs\"").next().unwrap();
    rig.configure(one);
    rig.apply();
    rig.configure("");
    rig.vbs(&["destroy", "--auto-approve"]).exits(3).says("did not let go of the disk within 20 s");
    assert_eq!(rig.blocks("web1").len(), 1, "it has its disk");
    rig.configure(one);
    rig.settled();
    // What it was asked it does with a reset, and what is wanted is made again.
    assert!(rig.say("web1", "system_reset", &json!({})).get("return").is_some());
    rig.vbs(&["plan"]).exits(0).says("its guest let go of it").says("must be replaced");
    rig.apply();
    rig.settled();
    assert_eq!(rig.blocks("web1").len(), 1);
    rig.stop("web1");
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert!(!rig.seat().exists());
}

#[test]
fn a_hypervisor_that_freezes_nobody_says_so() {
    let Some(mut rig) = Rig::new() else { return };
    rig.start("web1", RELEASING);
    let one = TWO.split("attachment \"logs\"").next().unwrap();
    rig.configure(one);
    rig.apply();
    rig.configure(&format!(
        "{one}snapshot \"before\" {{\n  volume  = volume.db\n  quiesce = \"guest\"\n}}\n"
    ));
    rig.vbs(&["plan"])
        .exits(1)
        .says("The guest cannot be frozen")
        .says(&format!("hypervisor.{} cannot ask guests to do that", rig.label));
}

#[test]
fn the_example_does_what_it_says() {
    let Some(mut rig) = Rig::new() else { return };
    rig.start("web1", RELEASING);
    let empty = rig.contents("web1");
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/qemu.vbs.hcl")).unwrap();
    // Its hypervisor may be somebody's on this machine.
    rig.workspace.file("main.vbs.hcl", &text.replace("example", &rig.label));
    let socket = format!("socket={}", rig.socket("{vm}").display());
    let vbs = |command: &[&str]| rig.vbs(&[command, &["--var", &socket]].concat());
    vbs(&["apply", "--auto-approve"]).exits(0);
    vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert_eq!(rig.blocks("web1").len(), 2);
    vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(rig.contents("web1"), empty);
}

/// vbs is killed at every point of a run that attaches, and of one that detaches. Recovery leaves what was there before,
/// or what was wanted, and nothing else: no device, no node, no mark.
#[test]
fn a_killed_run_leaves_nothing_behind() {
    let Some(mut rig) = Rig::new() else { return };
    rig.start("web1", RELEASING);
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
        if rig.blocks("web1").is_empty() {
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
    let full = rig.blocks("web1").len();
    for place in ["BeforeSend", "SentBeforeAct", "ActedBeforeReply", "ReplyBeforeCommit"] {
        for at in 1..=3 {
            let (output, _) = rig.faulty(&format!("kill@{place}.{at}"));
            assert_eq!(output.code, 137, "{place}.{at}: {}", output.text());
            let recovered = rig.vbs(&["recover", "--auto-approve"]);
            assert_eq!(recovered.code, 0, "{place}.{at}: {}", recovered.text());
            assert_eq!(rig.blocks("web1").len(), full, "{place}.{at}");
            rig.configure(TWO);
            rig.settled();
            rig.configure(volumes);
        }
    }
    rig.apply();
    assert_eq!(rig.contents("web1"), empty);
}
