#![expect(clippy::disallowed_methods, reason = "tests run the scripts on real files and a real QEMU")]

mod rig;
mod sources;

use std::fs;

use crate::model::{Bus, Bytes, ContainerView, Health, Kind, Place, Setting};
use crate::plan::step::{Operation, Undo};
use crate::providers::Provider;
use crate::providers::store::testing::{Bench, id};
use rig::{HOLDING, RELEASING, Rig, disk_of, hurried, vm_device};

use super::{QemuHypervisor, qmp, vm};

#[test]
fn attaching_and_detaching_endure() {
    let Some(rig) = Rig::new(RELEASING) else { return };
    let before = rig.contents("web");
    for (number, bus) in [(1, Bus::Virtio), (2, Bus::Scsi)] {
        let record = rig.disk(number, bus);
        let attach = rig.bench.create(&record, None);
        rig.bench.minds_a_full_disk(&attach);
        rig.bench.endures(&attach);
        assert_eq!(rig.contents("web"), before, "nothing stays in the VM");
        rig.bench.succeed(&attach.run);
        assert_eq!(rig.bench.observed(id(number)).unwrap().body, record.object.body);
        rig.bench.endures(&rig.detach(&record));
        rig.bench.succeed(&rig.detach(&record).run);
        assert_eq!(rig.contents("web"), before);
    }
}

#[test]
fn a_guest_that_keeps_its_disk_is_waited_for_and_the_disk_stays() {
    let Some(rig) = Rig::new(HOLDING) else { return };
    let empty = rig.contents("web");
    let record = rig.writing(1, Bus::Virtio);
    rig.bench.made(&record, None);
    let detach = rig.detach(&record);
    let before = rig.bench.tree();
    // The second time QEMU says that the guest was asked already.
    for _ in 0..2 {
        let answer = rig.bench.run(&hurried(&detach.run), None);
        assert_eq!(answer.status, 1, "{answer:?}");
        assert!(answer.stderr.contains("did not let go of the disk within 2 s"), "{}", answer.stderr);
        assert!(rig.bench.shows(&detach.proof.not_done));
        assert_eq!(rig.bench.tree(), before);
    }
    assert!(rig.say("web", r#"{"execute":"system_reset"}"#).contains("return"));
    rig.bench.succeed(&detach.run);
    assert!(rig.bench.shows(&detach.proof.done));
    assert_eq!(rig.contents("web"), empty);
}

/// No QEMU without a guest says what a guest refused, so somebody plays one that has.
#[test]
fn a_guest_that_says_no_is_told_at_once_and_one_that_falls_silent_is_in_doubt() {
    let Some(mut rig) = Rig::new(RELEASING) else { return };
    let record = rig.disk(1, Bus::Scsi);
    rig.bench.made(&record, None);
    let detach = rig.detach(&record);
    rig.stop("web");
    let device = vm_device(&rig, 1);
    let no = format!(
        r#"{{"timestamp": {{"seconds": 1}}, "event": "DEVICE_UNPLUG_GUEST_ERROR", "data": {{"device": "{device}", "path": "/"}}}}"#
    );
    let before = rig.bench.tree();
    rig.play("web", &device, Some(&no));
    let refused = rig.bench.refuse(&detach.run);
    assert!(refused.contains("the guest of VM web refused to let go of the disk"), "{refused}");
    assert_eq!(rig.bench.tree(), before);
    rig.play("web", &device, None);
    let answer = rig.bench.run(&detach.run, None);
    assert!(answer.status == 1 && answer.stderr.contains("did not let go"), "{answer:?}");
    rig.play("web", "another", None);
    let answer = rig.bench.run(&detach.run, None);
    assert!(answer.status == 1 && answer.stderr.contains("fell silent in the middle"), "{answer:?}");
    let way = format!(".vbs/{}.{}.way", id(1), rig.bench.lineage);
    assert!(rig.bench.path().join(way).exists(), "only a look can tell");
}

#[test]
fn a_vm_that_is_off_has_no_disks() {
    let Some(mut rig) = Rig::new(RELEASING) else { return };
    let empty = rig.bench.tree();
    let record = rig.disk(1, Bus::Scsi);
    let attach = rig.bench.create(&record, None);
    rig.bench.succeed(&attach.run);
    let detach = rig.detach(&record);
    rig.stop("web");
    assert!(rig.bench.observed(id(1)).is_none(), "it is gone with its VM");
    let seen = rig.surveyed(&["web/vd1", "other/vda"]);
    for vm in ["web", "other"] {
        let why = seen.vms[vm].off.as_ref().unwrap();
        assert!(why.starts_with(&format!("VM {vm} is off, or its socket ")), "{why}");
    }
    let Undo::Run(release) = rig.bench.join(Vec::new()).undo else { panic!() };
    rig.start("web", RELEASING);
    assert!(rig.bench.observed(id(1)).is_none(), "a new QEMU has none of it");
    rig.bench.succeed(&attach.run);
    assert!(rig.bench.shows(&attach.proof.done), "it is made again under its id");
    assert!(rig.bench.refuse(&release).contains("in use by this lineage"));
    rig.stop("web");
    rig.bench.succeed(&detach.run);
    assert_eq!(rig.bench.tree().len(), empty.len() + 1, "nothing but the image is new");
    assert!(rig.bench.refuse(&attach.run).contains("VM web is off"));
    rig.start("web", RELEASING);
    rig.bench.succeed(&attach.run);
    rig.stop("web");
    rig.bench.succeed(&release);
    assert!(!rig.bench.path().join(".vbs").exists());
}

#[test]
fn a_vm_that_speaks_with_somebody_else_is_not_taken_for_one_that_is_off() {
    let Some(rig) = Rig::new(RELEASING) else { return };
    let record = rig.disk(1, Bus::Scsi);
    rig.bench.made(&record, None);
    let detach = rig.detach(&record);
    let other = std::os::unix::net::UnixStream::connect(rig.sockets.path().join("web.qmp")).unwrap();
    match rig.bench.view_for(Some(rig.bench.identity), &[]) {
        ContainerView::Unsurveyed { why } => {
            assert!(why.contains("another program may be connected"), "{why}")
        }
        other => panic!("{other:?}"),
    }
    let answer = rig.bench.run(&hurried(&detach.run), None);
    assert!(answer.status == 70 && answer.stderr.contains("nobody spoke QMP"), "{answer:?}");
    drop(other);
    rig.bench.succeed(&detach.run);
}

#[test]
fn what_is_missing_or_in_the_way_is_refused_and_nothing_of_others_is_touched() {
    let Some(rig) = Rig::new(RELEASING) else { return };
    let mut missing = rig.writing(1, Bus::Virtio);
    disk_of(&mut missing).host_path = "/does/not/exist".to_owned();
    assert!(rig.bench.refuse(&rig.bench.create(&missing, None).run).contains("nothing to attach"));
    let theirs = rig.bench.root.path().join("theirs.img");
    fs::File::create(&theirs).unwrap().set_len(4096).unwrap();
    let node = format!(
        r#"{{"execute":"blockdev-add","arguments":{{"driver":"file","node-name":"theirs","filename":"{}"}}}}"#,
        theirs.display()
    );
    assert!(rig.say("web", &node).contains("return"));
    let plug = r#"{"execute":"device_add","arguments":{"driver":"virtio-blk-pci","id":"theirs","drive":"theirs","bus":"rp1"}}"#;
    assert!(rig.say("web", plug).contains("return"));
    let before = rig.contents("web");
    let seen = rig.surveyed(&["web/vd1"]);
    assert!(seen.objects.is_empty() && seen.foreign.is_empty());
    assert_eq!(seen.vms["web"].slots[&Bus::Virtio].free, 1);
    assert!(!seen.vms["web"].slots.contains_key(&Bus::Scsi), "as many as one likes");
    // It takes the port that is left, and another one finds none.
    let one = rig.disk(1, Bus::Virtio);
    rig.bench.made(&one, None);
    assert_eq!(rig.surveyed(&["web/vd1"]).vms["web"].slots[&Bus::Virtio].free, 0);
    let two = rig.bench.create(&rig.disk(2, Bus::Virtio), None);
    let refused = rig.bench.refuse(&two.run);
    assert!(
        refused.contains("would not take the disk: Bus 'pcie.0' does not support hotplugging"),
        "{refused}"
    );
    rig.bench.succeed(&rig.detach(&one).run);
    assert_eq!(rig.contents("web"), before);
    // Somebody writes to the image: QEMU's own lock keeps a second one out.
    rig.bench.made(&rig.writing(3, Bus::Scsi), None);
    let mut second = rig.writing(4, Bus::Scsi);
    let refused = rig.bench.refuse(&rig.bench.create(&second, None).run);
    assert!(refused.contains("QEMU of VM web would not take the disk: "), "{refused}");
    rig.bench.succeed(&rig.detach(&rig.writing(3, Bus::Scsi)).run);
    let mut first = rig.writing(3, Bus::Scsi);
    for disk in [&mut first, &mut second] {
        disk_of(disk).shared = true;
        rig.bench.made(disk, None);
    }
}

#[test]
fn a_guest_is_shown_what_its_disk_has_grown_to() {
    let Some(rig) = Rig::new(RELEASING) else { return };
    let before = rig.writing(1, Bus::Virtio);
    rig.bench.made(&before, None);
    fs::OpenOptions::new().write(true).open(rig.image()).unwrap().set_len(3 << 20).unwrap();
    let live = rig.bench.observed(id(1)).unwrap();
    assert_eq!(live.body, before.object.body, "the guest was not told yet");
    let renamed = rig.bench.root.path().join("renamed");
    fs::rename(rig.image(), &renamed).unwrap();
    let mut after = before.clone();
    disk_of(&mut after).host_path = renamed.to_str().unwrap().to_owned();
    after.object.body.show(Some(Bytes(3 << 20)));
    let update = Operation::Update { before, after: after.clone(), live, attached: true };
    let steps = rig.bench.steps(update);
    let [note, grow] = steps.as_slice() else { panic!("{steps:?}") };
    rig.bench.endures(note);
    rig.bench.succeed(&note.run);
    assert!(rig.bench.shows(&grow.proof.not_done) && grow.is_irreversible());
    for _ in 0..2 {
        rig.bench.succeed(&grow.run);
        assert!(rig.bench.shows(&grow.proof.done));
    }
    assert!(rig.say("web", r#"{"execute":"query-block"}"#).contains("\"virtual-size\": 3145728"));
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, after.object.body);
}

#[test]
fn what_a_killed_frame_left_is_known_and_taken_away() {
    let Some(rig) = Rig::new(RELEASING) else { return };
    let empty = rig.contents("web");
    let record = rig.writing(1, Bus::Scsi);
    let attach = rig.bench.create(&record, None);
    let Undo::Run(undo) = &attach.undo else { panic!() };
    let device = vm_device(&rig, 1);
    let unplug = format!(r#"{{"execute":"device_del","arguments":{{"id":"{device}"}}}}"#);
    let secret = format!(
        r#"{{"execute":"object-add","arguments":{{"qom-type":"secret","id":"{device}-secret","data":"x"}}}}"#
    );
    let way = rig.bench.path().join(format!(".vbs/{}.{}.way", id(1), rig.bench.lineage));
    for parts in 0..4 {
        rig.bench.succeed(&attach.run);
        if parts < 3 {
            assert!(rig.say("web", &unplug).contains("return"));
        }
        if parts < 2 {
            rig.bench.succeed(undo);
            fs::write(rig.bench.path().join(format!(".vbs/{}.json.new", id(1))), "{\"form").unwrap();
        }
        if parts == 1 {
            assert!(rig.say("web", &secret).contains("return"));
        }
        fs::write(&way, "").unwrap();
        assert_eq!(rig.bench.observed(id(1)).unwrap().place, Place::Staged, "{parts}");
        if parts % 2 == 1 {
            rig.bench.succeed(&attach.run);
            assert!(rig.bench.shows(&attach.proof.done), "{parts}: made whole");
        }
        rig.bench.succeed(undo);
        assert!(rig.bench.shows(&attach.proof.not_done), "{parts}");
        assert_eq!(rig.contents("web"), empty);
        assert_eq!(rig.bench.names().iter().filter(|name| name.contains(&id(1).to_string())).count(), 0);
    }
}

#[test]
fn what_a_guest_let_go_of_late_is_seen_and_taken_away() {
    let Some(rig) = Rig::new(RELEASING) else { return };
    let empty = rig.contents("web");
    let record = rig.writing(1, Bus::Scsi);
    rig.bench.made(&record, None);
    let whole = rig.detach(&record);
    let unplug = format!(r#"{{"execute":"device_del","arguments":{{"id":"{}"}}}}"#, vm_device(&rig, 1));
    assert!(rig.say("web", &unplug).contains("return"));
    let found = rig.bench.observed(id(1)).unwrap();
    assert_eq!(
        (found.place, found.facts()["device"].as_str()),
        (Place::Live, "none: its guest let go of it")
    );
    let detach = rig.detach(&record);
    assert_eq!((&detach.run, &detach.undo), (&whole.run, &whole.undo), "it is taken away as a whole one is");
    assert!(rig.bench.shows(&detach.proof.not_done));
    rig.bench.succeed(&detach.run);
    assert!(rig.bench.shows(&detach.proof.done));
    assert_eq!(rig.contents("web"), empty);
    let Undo::Run(undo) = &detach.undo else { panic!() };
    rig.bench.succeed(undo);
    assert!(rig.bench.shows(&detach.proof.not_done));
    let mark = rig.bench.path().join(format!(".vbs/{}.json", id(1)));
    fs::remove_file(mark).unwrap();
    let found = rig.surveyed(&["web/vd1"]).objects.remove(0);
    assert!(matches!(found.health, Health::Replaced { .. }), "ours, and its mark is gone");
}

#[test]
fn names_that_no_socket_can_be_told_by_are_refused() {
    let schema = QemuHypervisor.schema();
    for name in ["", ".", "-v", "a/b", "a b", "a,b", "a:b", "a\"b", "ü"] {
        assert!(
            (schema.check_disk)(name, "vda").is_err() && (schema.check_disk)("web", name).is_err(),
            "{name:?}"
        );
    }
    assert_eq!((schema.check_disk)("web-1.example", "vda"), Ok(()));
    let mut spec = Bench::unjoined(Kind::Hypervisor, "qemu").container;
    for (socket, is_good) in [
        ("/run/{vm}.qmp", true),
        ("/run/{vm}/qmp sock", true),
        ("run/{vm}", false),
        ("/run/qmp", false),
        ("/run/{vm}/{vm}", false),
        ("/run/{vm},fork", false),
        ("/run/{vm}:x", false),
        ("/run/{name}/{vm}", false),
    ] {
        spec.settings.insert("socket".to_owned(), Setting::Text(socket.to_owned()));
        assert_eq!(QemuHypervisor.check(&spec).is_empty(), is_good, "{socket}");
    }
}

#[test]
fn what_a_real_qemu_said_is_read() {
    let read = |text: &str| match vm::Said::read("web", text) {
        vm::Said::Running(vm) => vm,
        other => panic!("{other:?}"),
    };
    let q35 = read(include_str!("../fixtures/qemu-7.2.22-q35.txt"));
    assert_eq!(q35.view().slots[&Bus::Virtio].free, 1);
    assert_eq!((q35.view().slots.get(&Bus::Scsi), q35.view().off), (None, None));
    assert_eq!(q35.ours(id(901)).collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(q35.serials[&qmp::device(id(901), id(1))], qmp::serial(Bus::Virtio, &id(50).to_string()));
    assert_eq!(q35.nodes[&qmp::node(id(2))], vm::Node { size: Bytes(1 << 20), read_only: true });
    let pc = read(include_str!("../fixtures/qemu-7.2.22-pc.txt"));
    assert_eq!(pc.view().slots.get(&Bus::Virtio), None, "its PCI bus is tried");
    assert_eq!(pc.view().slots[&Bus::Scsi].free, 0);
    for cut in [
        "",
        "ok",
        "busy",
        "lost",
        "no {\"error\": {}}",
        "nodes\t{}\nok",
        "version\tx\nok",
        "socat: not found",
    ] {
        let said = vm::Said::read("web", cut);
        assert!(matches!(said, vm::Said::Unknown(_)), "{cut:?}: {said:?}");
    }
}
