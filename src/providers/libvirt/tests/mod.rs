#![expect(clippy::disallowed_methods, reason = "tests run the scripts on real files and a real libvirt")]

mod daemon;
mod freezing;
mod rig;
mod sources;

use std::fs;

use crate::model::{Bus, Bytes, Health, Kind, Place, READY, Setting};
use crate::plan::step::Undo;
use crate::providers::Provider;
use crate::providers::store::testing::{Bench, id};
use daemon::{Daemon, Guest};
use rig::{Rig, contents, disk_of, hurried};

use super::domain::{Domain, Source};
use super::{LibvirtHypervisor, vm, xml};

#[test]
fn attaching_to_a_vm_that_is_off_endures() {
    let Some(rig) = Rig::new(Guest::Releasing, false) else { return };
    let before = contents(&rig.daemon, "web");
    let record = rig.disk(1, Bus::Virtio);
    let attach = rig.bench.create(&record, None);
    rig.bench.minds_a_full_disk(&attach);
    rig.bench.endures(&attach);
    assert_eq!(contents(&rig.daemon, "web"), before, "nothing stays in the VM");
    rig.bench.succeed(&attach.run);
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, record.object.body);
}

#[test]
fn detaching_from_a_vm_that_runs_endures() {
    let Some(rig) = Rig::new(Guest::Releasing, true) else { return };
    let before = contents(&rig.daemon, "web");
    let record = rig.disk(2, Bus::Scsi);
    rig.bench.made(&record, None);
    assert_eq!(rig.bench.observed(id(2)).unwrap().body, record.object.body);
    rig.bench.endures(&rig.detach(&record));
    rig.bench.succeed(&rig.detach(&record).run);
    assert_eq!(contents(&rig.daemon, "web"), before);
}

/// A frame that was killed had asked, and the guest lets go while that is taken back.
#[test]
fn what_a_guest_lets_go_of_late_is_given_back() {
    let Some(rig) = Rig::new(Guest::Holding, true) else { return };
    let record = rig.writing(1, Bus::Virtio);
    rig.bench.made(&record, None);
    let detach = rig.detach(&record);
    rig.daemon.say(&["detach-device-alias", "web", "--alias", &rig.alias(1), "--live"]);
    let way = rig.bench.path().join(format!(".vbs/{}.{}.way", id(1), rig.bench.lineage));
    fs::write(&way, "asked\n").unwrap();
    let Undo::Run(undo) = &detach.undo else { panic!() };
    let daemon = &*rig.daemon;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_secs(2));
            daemon.say(&["reset", "web"]);
        });
        rig.bench.succeed(undo);
    });
    assert!(rig.daemon.live("web").contains(&rig.alias(1)), "it is in the VM, whatever the guest did");
    assert_eq!(rig.presence(1), (READY.to_owned(), READY.to_owned()));
    assert!(!way.exists());
}

#[test]
fn a_guest_that_keeps_its_disk_is_waited_for_and_the_disk_stays_in_both_places() {
    let Some(rig) = Rig::new(Guest::Holding, true) else { return };
    let empty = contents(&rig.daemon, "web");
    let record = rig.writing(1, Bus::Virtio);
    rig.bench.made(&record, None);
    let detach = rig.detach(&record);
    let before = rig.bench.tree();
    // The second time libvirt says that the guest was asked already.
    for _ in 0..2 {
        let answer = rig.bench.run(&hurried(&detach.run), None);
        assert_eq!(answer.status, 1, "{answer:?}");
        assert!(answer.stderr.contains("did not let go of the disk within 2 s"), "{}", answer.stderr);
        assert!(rig.bench.shows(&detach.proof.not_done));
        assert_eq!(rig.bench.tree(), before);
    }
    // It lets go of it later, and its configuration still has it.
    rig.daemon.say(&["reset", "web"]);
    while rig.daemon.live("web").contains(&rig.alias(1)) {}
    assert_eq!(rig.presence(1), ("missing".to_owned(), READY.to_owned()));
    let mut steps = rig.update(&record, &record);
    assert_eq!((steps.len(), &*steps[0].run.verb), (1, "mend"));
    rig.bench.succeed(&steps.remove(0).run);
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, record.object.body);
    rig.daemon.say(&["destroy", "web"]);
    rig.bench.succeed(&detach.run);
    rig.daemon.boot("web");
    assert!(rig.bench.shows(&detach.proof.done));
    assert_eq!(numberless(&contents(&rig.daemon, "web")), numberless(&empty));
}

/// Without the number that a running VM has.
fn numberless(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("<domain ")).collect::<Vec<_>>().join("\n")
}

/// Nothing but a guest says no, so somebody plays a virsh that tells of one.
#[test]
fn a_guest_that_says_no_is_told_at_once() {
    let Some(rig) = Rig::new(Guest::Holding, true) else { return };
    let record = rig.writing(1, Bus::Virtio);
    rig.bench.made(&record, None);
    let mut detach = rig.detach(&record);
    let before = rig.bench.tree();
    let said = format!("event 'device-removal-failed' for domain 'web': {}", rig.alias(1));
    rig.bench.play("timeout", &format!("case \"$*\" in *' event '*) echo \"{said}\"; exec sleep 60 ;; esac"));
    detach.run = hurried(&detach.run);
    let refused = rig.bench.refuse(&detach.run);
    assert!(refused.contains("the guest of VM web refused to let go of the disk"), "{refused}");
    assert_eq!(rig.bench.tree(), before);
}

/// virsh goes on behind a question that failed, and ends with the status of the last one.
#[test]
fn one_answer_of_several_that_is_missing_is_not_taken_for_a_vm_that_is_off() {
    let Some(rig) = Rig::new(Guest::Releasing, true) else { return };
    let record = rig.writing(1, Bus::Virtio);
    rig.bench.made(&record, None);
    let detach = rig.detach(&record);
    rig.bench.play(
        "timeout",
        "case \"$*\" in *'dumpxml --domain web; '*)
             exec /usr/bin/timeout \"$1\" \"$2\" \"$3\" \"$4\" \"$5\" \"$6\" \"$(printf %s \"$7\" | sed 's/ web; / nobody; /')\" ;;
         *'list --name; '*)
             exec /usr/bin/timeout \"$1\" \"$2\" \"$3\" \"$4\" \"$5\" \"$6\" \"$(printf %s \"$7\" | sed 's/list --name; /list --nonsense; /')\" ;;
         esac",
    );
    assert_eq!(rig.presence(1), (READY.to_owned(), READY.to_owned()));
    rig.bench.succeed(&detach.run);
    let alias = rig.alias(1);
    assert!(!rig.daemon.live("web").contains(&alias) && !rig.daemon.config("web").contains(&alias));
}

#[test]
fn how_a_disk_is_in_each_place_is_named_and_mended() {
    let Some(rig) = Rig::new(Guest::Releasing, true) else { return };
    let record = rig.writing(1, Bus::Virtio);
    rig.bench.made(&record, None);
    let alias = rig.alias(1);
    let mend = |named: (&str, &str)| {
        let (live, config) = rig.presence(1);
        assert_eq!((live.as_str(), config.as_str()), named);
        let steps = rig.update(&record, &record);
        assert_eq!((steps.len(), &*steps[0].run.verb), (1, "mend"));
        assert!(rig.bench.shows(&steps[0].proof.not_done) && !rig.bench.shows(&steps[0].proof.done));
        rig.bench.succeed(&steps[0].run);
        assert!(rig.bench.shows(&steps[0].proof.done), "{:?}", rig.surveyed(&[]));
        assert_eq!(rig.bench.observed(id(1)).unwrap().body, record.object.body);
    };
    rig.daemon.say(&["detach-device-alias", "web", &alias, "--config"]);
    mend((READY, "missing"));
    rig.daemon.say(&["detach-device-alias", "web", &alias, "--live"]);
    while rig.daemon.live("web").contains(&alias) {}
    mend(("missing", READY));
    let edited = rig.daemon.config("web").replace("cache='none'", "cache='writeback'").replace("vdb", "vdq");
    rig.daemon.feed(&["define", "/dev/stdin"], &edited);
    mend((READY, "another device, another cache"));
    // What is in a configuration is not wanted there any more.
    let Some(mut rig) = Some(rig) else { return };
    rig.bench.container.settings.insert("persistent".to_owned(), Setting::Bool(false));
    let steps = rig.update(&record, &record);
    assert_eq!(rig.presence(1).1, "there, with persistent = false");
    rig.bench.succeed(&steps[0].run);
    assert!(!rig.daemon.config("web").contains(&alias) && rig.daemon.live("web").contains(&alias));
    assert_eq!(rig.presence(1), (READY.to_owned(), READY.to_owned()));
}

#[test]
fn a_vm_without_a_configuration_gets_its_disks_for_as_long_as_it_runs() {
    let Some(rig) = Rig::new(Guest::Releasing, false) else { return };
    let described = Daemon::description("short", Guest::Releasing, 2);
    rig.daemon.feed(&["create", "--paused", "/dev/stdin"], &described);
    let empty = contents(&rig.daemon, "short");
    let mut record = rig.writing(1, Bus::Virtio);
    disk_of(&mut record).vm = "short".to_owned();
    rig.bench.made(&record, None);
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, record.object.body);
    let detach = rig.detach(&record);
    rig.bench.succeed(&detach.run);
    assert_eq!(contents(&rig.daemon, "short"), empty);
    let Undo::Run(attach) = &detach.undo else { panic!() };
    rig.bench.succeed(attach);
    rig.daemon.say(&["destroy", "short"]);
    assert!(rig.bench.observed(id(1)).is_none(), "it is gone with its VM");
    let seen = rig.surveyed(&["short/vdb", "never/vda", "web/vda"]);
    for vm in ["short", "never"] {
        let why = seen.vms[vm].off.as_ref().unwrap();
        assert!(why.starts_with(&format!("VM {vm} does not exist at qemu+unix:///")), "{why}");
    }
    assert_eq!(seen.vms["web"].off, None, "its configuration takes disks");
    rig.bench.succeed(&detach.run);
    assert!(rig.bench.refuse(attach).contains("VM short does not exist"));
}

#[test]
fn what_is_in_the_way_is_seen_and_nothing_of_others_is_touched() {
    let Some(rig) = Rig::new(Guest::Releasing, true) else { return };
    let theirs = rig.bench.root.path().join("theirs.img");
    fs::File::create(&theirs).unwrap().set_len(4096).unwrap();
    let disk = |target: &str, more: &str| {
        format!("<disk type='file'><source file='{}'/>{target}{more}</disk>", theirs.display())
    };
    let plug =
        |text: String| rig.daemon.feed(&["attach-device", "web", "/dev/stdin", "--live", "--config"], &text);
    plug(disk("<target dev='vda' bus='virtio'/>", "<shareable/>"));
    plug(disk(
        "<target dev='sdk' bus='scsi'/>",
        "<shareable/><address type='drive' controller='0' bus='0' target='0' unit='3'/>",
    ));
    let before = contents(&rig.daemon, "web");
    let seen = rig.surveyed(&["web/vda", "web/vdb", "web/sdk", "web/sdd", "web/sdc"]);
    let foreign: Vec<&str> = seen.foreign.iter().map(String::as_str).collect();
    assert_eq!(foreign, ["web/sdd", "web/sdk", "web/vda"], "sdd is unit 3");
    assert_eq!(seen.vms["web"].slots[&Bus::Virtio].free, 1);
    assert!(!seen.vms["web"].slots.contains_key(&Bus::Scsi), "as many as one likes");
    // It takes the port that is left, and another one finds none: neither place keeps anything of it.
    let one = rig.disk(1, Bus::Virtio);
    rig.bench.made(&one, None);
    assert_eq!(rig.surveyed(&["web/vdb"]).vms["web"].slots[&Bus::Virtio].free, 0);
    let mut missing = rig.disk(2, Bus::Scsi);
    disk_of(&mut missing).host_path = "/does/not/exist".to_owned();
    assert!(rig.bench.refuse(&rig.bench.create(&missing, None).run).contains("nothing to attach"));
    disk_of(&mut missing).device = "sdd".to_owned();
    disk_of(&mut missing).host_path = theirs.to_str().unwrap().to_owned();
    let refused = rig.bench.refuse(&rig.bench.create(&missing, None).run);
    assert!(refused.contains("libvirt would not take the disk of VM web: "), "{refused}");
    rig.bench.succeed(&rig.detach(&one).run);
    assert_eq!(contents(&rig.daemon, "web"), before);
}

/// The configuration takes it and the running VM does not: the configuration is as before.
#[test]
fn what_only_one_place_takes_is_taken_back_from_it() {
    let Some(rig) = Rig::new(Guest::Releasing, true) else { return };
    for number in [0, 1] {
        let disk = rig.disk(number, Bus::Virtio);
        rig.bench.made(&disk, None);
    }
    let more = rig.daemon.config("web").replacen(
        "<controller type='scsi'",
        "<controller type='pci' model='pcie-root-port'/><controller type='scsi'",
        1,
    );
    rig.daemon.feed(&["define", "/dev/stdin"], &more);
    assert_eq!(rig.surveyed(&["web/vdc"]).vms["web"].slots[&Bus::Virtio].free, 0, "the fewer count");
    let refused = rig.bench.refuse(&rig.bench.create(&rig.disk(2, Bus::Virtio), None).run);
    assert!(refused.contains("No more available PCI slots"), "{refused}");
}

#[test]
fn a_guest_is_shown_what_its_disk_has_grown_to_and_a_configuration_follows_the_name() {
    let Some(rig) = Rig::new(Guest::Releasing, true) else { return };
    let before = rig.writing(1, Bus::Virtio);
    rig.bench.made(&before, None);
    fs::OpenOptions::new().write(true).open(rig.image()).unwrap().set_len(3 << 20).unwrap();
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, before.object.body, "the guest was not told yet");
    let renamed = rig.bench.root.path().join("renamed & moved");
    fs::rename(rig.image(), &renamed).unwrap();
    let mut after = before.clone();
    disk_of(&mut after).host_path = renamed.to_str().unwrap().to_owned();
    after.object.body.show(Some(Bytes(3 << 20)));
    let steps = rig.update(&before, &after);
    let [note, grow] = steps.as_slice() else { panic!("{steps:?}") };
    let Undo::Run(back) = &note.undo else { panic!() };
    rig.bench.succeed(&note.run);
    assert!(rig.bench.shows(&note.proof.done) && rig.daemon.config("web").contains("renamed &amp; moved"));
    rig.bench.succeed(back);
    assert!(rig.bench.shows(&note.proof.not_done), "{:?}", rig.surveyed(&[]));
    rig.bench.succeed(&note.run);
    assert!(rig.bench.shows(&grow.proof.not_done) && grow.is_irreversible());
    for _ in 0..2 {
        rig.bench.succeed(&grow.run);
        assert!(rig.bench.shows(&grow.proof.done));
    }
    assert!(rig.daemon.say(&["domblkinfo", "web", "vdb"]).contains("3145728"));
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, after.object.body);
    // The next start finds it under its new name, with its size.
    rig.daemon.say(&["destroy", "web"]);
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, after.object.body);
    rig.daemon.boot("web");
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, after.object.body);
}

#[test]
fn what_a_killed_frame_left_is_known_and_what_lost_its_mark_too() {
    let Some(rig) = Rig::new(Guest::Releasing, true) else { return };
    let record = rig.writing(1, Bus::Scsi);
    rig.bench.made(&record, None);
    let way = rig.bench.path().join(format!(".vbs/{}.{}.way", id(1), rig.bench.lineage));
    fs::write(&way, "").unwrap();
    assert_eq!(rig.bench.observed(id(1)).unwrap().place, Place::Staged);
    let Undo::Run(release) = rig.bench.join(Vec::new()).undo else { panic!() };
    assert!(rig.bench.refuse(&release).contains("in use by this lineage"));
    fs::remove_file(&way).unwrap();
    assert!(rig.bench.refuse(&release).contains("in use by this lineage"));
    let mark = rig.bench.path().join(format!(".vbs/{}.json", id(1)));
    fs::remove_file(&mark).unwrap();
    let found = rig.surveyed(&["web/sdb"]).objects.remove(0);
    assert!(matches!(found.health, Health::Replaced { .. }), "ours, and its mark is gone");
    // Without its mark it is found where the configuration looks for it.
    let detach =
        rig.bench.step(crate::plan::step::Operation::Destroy { record: record.clone(), live: found });
    rig.bench.succeed(&detach.run);
    assert!(rig.bench.shows(&detach.proof.done) && !rig.daemon.config("web").contains("ua-vbs-"));
}

#[test]
fn names_and_addresses_that_libvirt_would_take_for_others_are_refused() {
    let schema = LibvirtHypervisor.schema();
    let vms = ["", ".", "-v", "a/b", "a b", "7", "5f1c9a3e-0000-4000-8000-000000000001", "a\"b", "ü"];
    for vm in vms {
        assert!((schema.check_disk)(vm, "vda").is_err(), "{vm:?}");
    }
    for device in ["", "hda", "vd", "disk", "vda1", "VDA"] {
        assert!((schema.check_disk)("web", device).is_err(), "{device:?}");
    }
    assert_eq!((schema.check_disk)("web-1.example", "sdaa"), Ok(()));
    let mut spec = Bench::unjoined(Kind::Hypervisor, "libvirt").container;
    for (uri, is_good) in [
        ("qemu:///system", true),
        ("qemu:///session", true),
        ("qemu+unix:///system?socket=/run/x/libvirt-sock", true),
        ("qemu+ssh://other/system", false),
        ("qemu://other/system", false),
        ("xen:///system", false),
        ("-h", false),
        ("", false),
        ("qemu:///system;x", false),
    ] {
        spec.settings.insert("uri".to_owned(), Setting::Text(uri.to_owned()));
        assert_eq!(LibvirtHypervisor.check(&spec).is_empty(), is_good, "{uri}");
    }
}

#[test]
fn what_a_real_libvirt_said_is_read() {
    let live = Domain::read(include_str!("../fixtures/libvirt-9.0.0-q35-live.xml")).unwrap();
    let config = Domain::read(include_str!("../fixtures/libvirt-9.0.0-q35-config.xml")).unwrap();
    assert!(live.is_running && !config.is_running);
    for domain in [&live, &config] {
        let ours = domain.find(&xml::alias(id(901), id(1))).unwrap();
        assert_eq!((ours.dev.as_str(), ours.bus.as_str(), ours.cache.as_str()), ("vdb", "virtio", "none"));
        assert_eq!(ours.serial, xml::serial(Bus::Virtio, &id(50).to_string()));
        assert_eq!(ours.source, Source::Path("/srv/a.img".to_owned()));
        assert!(ours.is_read_only && ours.is_shareable);
        let net = domain.find(&xml::alias(id(901), id(3))).unwrap();
        let Source::Iscsi { name, portals, initiator, user } = &net.source else { panic!("{net:?}") };
        assert_eq!(
            (name.as_str(), initiator.as_str()),
            ("iqn.2026-11.vbs.shop:vol/1", "iqn.2026-11.vbs.shop:vm.a")
        );
        assert_eq!(
            (portals.as_slice(), user.as_deref()),
            (&["127.0.0.1:3260".to_owned()][..], Some("vbs-in"))
        );
        assert_eq!(net.drive, Some((0, 2)));
        assert_eq!(domain.disks.iter().filter(|disk| disk.device == "cdrom").count(), 1);
        assert_eq!(domain.slots()[&Bus::Virtio].free, 1);
        assert!(!domain.slots().contains_key(&Bus::Scsi));
    }
    let pc = Domain::read(include_str!("../fixtures/libvirt-9.0.0-pc-config.xml")).unwrap();
    assert_eq!((pc.slots()[&Bus::Virtio].free, pc.slots()[&Bus::Scsi].free), (29, 0));
    for cut in [
        "",
        "<domain/>",
        "<domain><devices></domain>",
        "<x><devices/></x>",
        "<domain><devices><disk/></devices></domain>",
    ] {
        assert!(Domain::read(cut).is_err(), "{cut:?}");
    }
    let mut vm = vm::Vm::default();
    vm.take("sizes", include_str!("../fixtures/libvirt-9.0.0-domstats.txt")).unwrap();
    assert_eq!(vm.sizes["vdb"], Bytes(1 << 20));
    assert_eq!(vm.sizes["sdc"], Bytes(4 << 20));
}
