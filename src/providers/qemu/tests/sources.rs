//! Disks that are no files: block devices, and what a target server offers.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::rig::{RELEASING, Rig, disk_of};
use crate::model::{Bus, Bytes, Login, NetworkDisk};
use crate::plan::step::Operation;
use crate::providers::store::testing::{SECRET, id};

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
