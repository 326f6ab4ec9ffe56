#![expect(clippy::disallowed_methods, reason = "tests run the scripts on real files and a real QEMU")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::model::command::Action;
use crate::model::{
    Access, Body, Bus, Bytes, ContainerView, DiskBody, Kind, Record, Setting, SourceRef, Surveyed,
};
use crate::model::{Login, NetworkDisk, Place};
use crate::plan::step::{Operation, Step, Undo};
use crate::providers::Provider;
use crate::providers::store::testing::{Bench, SECRET, id};

use super::{QemuHypervisor, vm};

/// A QEMU that never runs a guest: with native hot-plug its ports are empty, and let go of a device at once.
const RELEASING: &[&str] = &[
    "-M",
    "q35",
    "-S",
    "-global",
    "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
    "-device",
    "pcie-root-port,id=rp1,chassis=1,slot=1",
    "-device",
    "pcie-root-port,id=rp2,chassis=2,slot=2",
    "-device",
    "virtio-scsi-pci,id=scsi0,bus=pcie.0",
];

/// One whose guest would have to let go and is not there to do so.
const HOLDING: &[&str] = &["-M", "q35", "-S", "-device", "pcie-root-port,id=rp1,chassis=1,slot=1"];

/// A hypervisor with one VM.
struct Rig {
    bench: Bench,
    qemu: BTreeMap<String, Child>,
    sockets: TempDir,
}

impl Rig {
    /// Nothing, and why on standard error, where this machine cannot run it.
    fn new(machine: &[&str]) -> Option<Rig> {
        for program in ["qemu-system-x86_64", "socat"] {
            if Command::new(program)
                .arg("-version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_err()
            {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        let mut bench = Bench::joined(Kind::Hypervisor, "qemu");
        let sockets = TempDir::new().unwrap();
        let socket = sockets.path().join("{vm}.qmp").to_str().unwrap().to_owned();
        bench.container.settings.insert("socket".to_owned(), Setting::Text(socket));
        let mut rig = Rig { bench, qemu: BTreeMap::new(), sockets };
        rig.start("web", machine);
        Some(rig)
    }

    fn start(&mut self, vm: &str, machine: &[&str]) {
        let socket = self.sockets.path().join(format!("{vm}.qmp"));
        let _ = fs::remove_file(&socket);
        let child = Command::new("qemu-system-x86_64")
            .args(["-accel", "tcg", "-m", "32", "-nodefaults", "-display", "none"])
            .args(machine)
            .arg("-qmp")
            .arg(format!("unix:{},server=on,wait=off", socket.display()))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.qemu.insert(vm.to_owned(), child);
        while !socket.exists() {
            assert!(self.qemu.get_mut(vm).unwrap().try_wait().unwrap().is_none(), "QEMU did not start");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self, vm: &str) {
        let mut child = self.qemu.remove(vm).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn image(&self) -> std::path::PathBuf {
        self.bench.root.path().join("its \"$(image)\" 'db'.raw")
    }

    fn disk(&self, number: u128, bus: Bus) -> Record {
        let image = self.image();
        if !image.exists() {
            fs::File::create(&image).unwrap().set_len(1 << 20).unwrap();
        }
        let body = DiskBody {
            vm: "web".to_owned(),
            device: format!("vd{number}"),
            bus,
            access: Access::ReadOnly,
            shared: true,
            source: SourceRef { id: id(50), address: "volume.db".parse().unwrap() },
            serial: id(50).to_string(),
            host_path: image.to_str().unwrap().to_owned(),
            network: None,
            through: None,
            size: Some(Bytes(1 << 20)),
        };
        self.bench.record(&format!("attachment.a{number}"), id(number), Body::Disk(body))
    }

    fn writing(&self, number: u128, bus: Bus) -> Record {
        let mut record = self.disk(number, bus);
        let disk = disk_of(&mut record);
        (disk.access, disk.shared) = (Access::ReadWrite, false);
        record
    }

    fn detach(&self, record: &Record) -> Step {
        let live = self.bench.observed(record.object.id).unwrap();
        self.bench.step(Operation::Destroy { record: record.clone(), live })
    }

    /// Runs one QMP command that is no business of ours, and returns the answer.
    fn say(&self, vm: &str, command: &str) -> String {
        let socket = self.sockets.path().join(format!("{vm}.qmp"));
        let talk = format!(
            "read -r g; echo '{{\"execute\":\"qmp_capabilities\"}}'; read -r g; echo '{command}'; while read -r g; do case $g in *return*|*error*) printf '%s' \"$g\" >&3; break;; esac; done"
        );
        let output = Command::new("sh")
            .arg("-c")
            .arg("socat \"UNIX-CONNECT:$SOCKET\" 'SYSTEM:eval \\\"\\$TALK\\\"' 3>&1")
            .env("SOCKET", socket)
            .env("TALK", talk)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Everything that anybody plugged into a VM: devices, nodes and secrets.
    fn contents(&self, vm: &str) -> Vec<String> {
        let lists = [
            r#"{"execute":"qom-list","arguments":{"path":"/machine/peripheral"}}"#,
            r#"{"execute":"qom-list","arguments":{"path":"/objects"}}"#,
            r#"{"execute":"query-named-block-nodes","arguments":{"flat":true}}"#,
        ];
        let sorted = |command: &str| {
            let mut answer: serde_json::Value = serde_json::from_str(&self.say(vm, command)).unwrap();
            answer["return"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
            answer["return"].to_string()
        };
        lists.map(sorted).into()
    }

    fn surveyed(&self, wanted: &[&str]) -> Surveyed {
        match self.bench.view_for(Some(self.bench.identity), wanted) {
            ContainerView::Present(surveyed) => surveyed,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for child in self.qemu.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn disk_of(record: &mut Record) -> &mut DiskBody {
    match &mut record.object.body {
        Body::Disk(disk) => disk,
        other => panic!("{other:?}"),
    }
}

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

/// The same with less patience.
fn hurried(action: &Action) -> Action {
    let mut action = action.clone();
    action.arguments.insert("patience", "2");
    action
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
    assert!(matches!(found.health, crate::model::Health::Replaced { .. }), "ours, and its mark is gone");
}

fn vm_device(rig: &Rig, number: u128) -> String {
    super::qmp::device(rig.bench.lineage, id(number))
}

/// A block device over a file.
struct Loop(String);

impl Loop {
    fn over(image: &std::path::Path) -> Option<Loop> {
        let output = Command::new("losetup").args(["-f", "--show"]).arg(image).output();
        let device = output.ok().filter(|output| output.status.success())?.stdout;
        Some(Loop(String::from_utf8(device).unwrap().trim().to_owned()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["-d", &self.0]).status();
    }
}

#[test]
fn a_block_device_is_opened_as_one_and_shows_its_growth_when_told() {
    let Some(rig) = Rig::new(RELEASING) else { return };
    let mut before = rig.writing(1, Bus::Scsi);
    let Some(device) = Loop::over(&rig.image()) else {
        eprintln!("skipped: no loop device can be made here");
        return;
    };
    let link = rig.bench.root.path().join("by-id");
    symlink(&device.0, &link).unwrap();
    disk_of(&mut before).host_path = link.to_str().unwrap().to_owned();
    rig.bench.made(&before, None);
    assert!(rig.say("web", r#"{"execute":"query-block"}"#).contains("\"drv\": \"host_device\""));
    fs::OpenOptions::new().write(true).open(rig.image()).unwrap().set_len(2 << 20).unwrap();
    assert!(Command::new("losetup").args(["-c", &device.0]).status().unwrap().success());
    let live = rig.bench.observed(id(1)).unwrap();
    assert_eq!(live.body, before.object.body, "the guest was not told yet");
    let mut after = before.clone();
    after.object.body.show(Some(Bytes(2 << 20)));
    let grow = rig.bench.step(Operation::Update { before, after: after.clone(), live, attached: true });
    rig.bench.succeed(&grow.run);
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, after.object.body);
    rig.bench.succeed(&rig.detach(&after).run);
}

/// A target server on loopback that wants to be shown a secret.
struct Target {
    server: Child,
    port: u16,
}

impl Target {
    const NAME: &str = "iqn.2026-01.test:vbs";

    fn start(image: &std::path::Path) -> Option<Target> {
        // Free a moment ago; two tests that took the same would both fail, and not quietly pass.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let portal = format!("portal=127.0.0.1:{port}");
        let control = (std::process::id() % 30_000 + 1).to_string();
        let server = Command::new("tgtd")
            .args(["-f", "-C", &control, "--iscsi", &portal])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(server) = server else {
            eprintln!("skipped: tgtd is not installed");
            return None;
        };
        let mut target = Target { server, port };
        let admin = |arguments: &[&str]| {
            let mut command = Command::new("tgtadm");
            command.args(["-C", &control, "--lld", "iscsi"]).args(arguments);
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
        };
        while !admin(&["--op", "show", "--mode", "target"]) {
            if target.server.try_wait().unwrap().is_some() {
                eprintln!("skipped: tgtd does not start here");
                return None;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let image = image.to_str().unwrap();
        assert!(admin(&["--op", "new", "--mode", "target", "--tid", "1", "-T", Self::NAME]));
        assert!(admin(&["--op", "new", "--mode", "account", "--user", "vbs-in", "--password", SECRET]));
        assert!(admin(&["--op", "bind", "--mode", "account", "--tid", "1", "--user", "vbs-in"]));
        assert!(admin(&["--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL"]));
        // LUN 0 is its controller.
        assert!(admin(&["--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", image]));
        Some(target)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_network_disk_logs_in_with_a_secret_that_nobody_sees() {
    let Some(rig) = Rig::new(RELEASING) else { return };
    let image = rig.bench.root.path().join("exported");
    fs::File::create(&image).unwrap().set_len(2 << 20).unwrap();
    let Some(target) = Target::start(&image) else { return };
    let empty = rig.contents("web");
    let mut record = rig.writing(1, Bus::Virtio);
    let disk = disk_of(&mut record);
    disk.host_path.clear();
    disk.size = Some(Bytes(2 << 20));
    let login = Login { user: "vbs-in".to_owned(), secret: "chap/1".to_owned(), fingerprint: "f".to_owned() };
    let network = NetworkDisk {
        target: Target::NAME.to_owned(),
        portals: vec!["127.0.0.1:1".to_owned(), format!("127.0.0.1:{}", target.port)],
        initiator: "iqn.2026-01.test:vm".to_owned(),
        lun: 1,
        login: Some(login.clone()),
        mutual: None,
    };
    disk.network = Some(network.clone());
    let attach = rig.bench.create(&record, None);
    assert_eq!(attach.run.secrets, ["chap/1"]);
    rig.bench.endures(&attach);
    rig.bench.succeed(&attach.run);
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, record.object.body);
    assert!(rig.bench.tree().values().all(|text| !text.contains(SECRET)), "no secret lies in a file");
    assert!(rig.contents("web")[1].contains("-secret"));
    rig.bench.succeed(&rig.detach(&record).run);
    assert_eq!(rig.contents("web"), empty);
    disk_of(&mut record).network = Some(NetworkDisk { mutual: Some(login), ..network });
    let why = rig.bench.request(Operation::Create { after: record, source: None }).unwrap_err();
    assert_eq!(why.summary, "QEMU cannot check a target's secret");
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
    let q35 = read(include_str!("fixtures/qemu-7.2.22-q35.txt"));
    assert_eq!(q35.view().slots[&Bus::Virtio].free, 1);
    assert_eq!((q35.view().slots.get(&Bus::Scsi), q35.view().off), (None, None));
    assert_eq!(q35.ours(id(901)).collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(
        q35.serials[&super::qmp::device(id(901), id(1))],
        super::qmp::serial(Bus::Virtio, &id(50).to_string())
    );
    assert_eq!(q35.nodes[&super::qmp::node(id(2))], vm::Node { size: Bytes(1 << 20), read_only: true });
    let pc = read(include_str!("fixtures/qemu-7.2.22-pc.txt"));
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
