#![expect(clippy::disallowed_methods, reason = "tests run the scripts on a small Xen of files")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::model::observed::VmView;
use crate::model::{
    Access, Body, Bus, ContainerView, DiskBody, Health, Kind, Observed, Presence, Record, Setting, SourceRef,
};
use crate::plan::step::{Operation, Step, Undo};
use crate::providers::store::testing::{Bench, id};

const CONFIG: &str = "name = \"web\"\ndisk = [ 'phy:/dev/vg0/root,xvda,w' ]\n";

/// A seat in use, guests `web` (running, with a disk of its own) and `mail` (off), and a block device.
struct Site {
    bench: Bench,
    device: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.device);
    }
}

impl Site {
    fn new() -> Option<Site> {
        let mut bench = Bench::unjoined(Kind::Hypervisor, "xen");
        let device =
            format!("/dev/vbs-test.{}.{}", std::process::id(), bench.root.path().to_str()?.replace('/', "-"));
        let made = Command::new("mknod")
            .args([&device, "b", "7", "200"])
            .stderr(std::process::Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: only root makes block devices");
            return None;
        }
        let more = bench.root.path().join("programs");
        fs::create_dir(&more).unwrap();
        let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/xen");
        let root = bench.root.path().join("xen");
        for program in ["xl", "xenstore-read", "xenstore-ls"] {
            let path = more.join(program);
            fs::write(&path, format!("#!/bin/sh\nexec '{tool}' '{}' {program} \"$@\"\n", root.display()))
                .unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        bench.more = Some(more);
        fs::create_dir_all(root.join("domains")).unwrap();
        fs::write(root.join("domains/web"), "7\n").unwrap();
        // libxl's note of a disk that the guest was started with.
        for (name, value) in [("dev", "xvda"), ("params", "/dev/vg0/root"), ("mode", "w"), ("backend", "/b")]
        {
            let path = root.join("store/libxl/7/device/vbd/51712").join(name);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("="), format!("{value}\n")).unwrap();
        }
        fs::create_dir_all(root.join("store/local/domain/0/backend/vbd/7")).unwrap();
        let configs = bench.root.path().join("it's configs");
        fs::create_dir(&configs).unwrap();
        for vm in ["web", "mail"] {
            fs::write(configs.join(format!("{vm}.cfg")), CONFIG).unwrap();
        }
        let configs = Setting::Text(configs.to_str().unwrap().to_owned());
        bench.container.settings.insert("config_dir".to_owned(), configs);
        let join = bench.join(Vec::new());
        bench.succeed(&join.run);
        Some(Site { bench, device })
    }

    fn root(&self) -> PathBuf {
        self.bench.root.path().join("xen")
    }

    fn fault(&self, word: &str) {
        fs::write(self.root().join("fault"), format!("{word}\n")).unwrap();
    }

    fn config(&self, vm: &str) -> String {
        let file = PathBuf::from(self.bench.container.text("config_dir")).join(format!("{vm}.cfg"));
        fs::read_to_string(file).unwrap()
    }

    fn disk(&self, number: u128, vm: &str, device: &str) -> Record {
        let body = DiskBody {
            vm: vm.to_owned(),
            device: device.to_owned(),
            bus: Bus::Virtio,
            access: Access::ReadWrite,
            shared: false,
            source: SourceRef { id: id(50), address: "volume.db".parse().unwrap() },
            serial: id(50).to_string(),
            host_path: self.device.clone(),
            network: None,
            through: None,
            size: None,
            presence: Some(Presence::ready()),
        };
        self.bench.record(&format!("attachment.a{number}"), id(number), Body::Disk(body))
    }

    fn live(&self, record: &Record) -> Observed {
        self.bench.observed(record.object.id).unwrap()
    }

    fn presence(&self, record: &Record) -> (String, String) {
        match self.live(record).body {
            Body::Disk(DiskBody { presence: Some(presence), .. }) => (presence.live, presence.config),
            other => panic!("{other:?}"),
        }
    }

    fn detach(&self, record: &Record) -> Step {
        self.bench.step(Operation::Destroy { record: record.clone(), live: self.live(record) })
    }

    fn mend(&self, record: &Record) -> Step {
        let (before, after) = (record.clone(), record.clone());
        self.bench.step(Operation::Update { before, after, live: self.live(record), attached: true })
    }
}

#[test]
fn attaching_endures_whatever_fails_or_is_killed() {
    let Some(site) = Site::new() else { return };
    let record = site.disk(1, "web", "xvdb");
    site.bench.endures(&site.bench.create(&record, None));
    site.bench.made(&record, None);
    assert!(site.config("web").ends_with(&format!("# vbs:{}:{}\n", site.bench.lineage, id(1))));
    site.bench.succeed(&site.detach(&record).run);
    assert_eq!(site.config("web"), CONFIG);
}

#[test]
fn a_guest_that_is_off_has_its_disk_in_its_file() {
    let Some(mut site) = Site::new() else { return };
    let record = site.disk(1, "mail", "xvdb");
    let attach = site.bench.create(&record, None);
    site.bench.succeed(&attach.run);
    assert!(site.bench.shows(&attach.proof.done) && site.config("mail").contains("vdev=xvdb, access=rw"));
    site.bench.succeed(&site.detach(&record).run);
    assert_eq!(site.config("mail"), CONFIG);
    let told = |site: &Site, vm: &str| match site
        .bench
        .view_for(Some(site.bench.identity), &[&format!("{vm}/xvdb")])
    {
        ContainerView::Present(seen) => seen.vms.get(vm).cloned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&site, "mail"), Some(VmView::default()));
    let off = |view: Option<VmView>| view.unwrap().off.unwrap();
    assert!(off(told(&site, "nobody")).contains("nobody.cfg"));
    site.bench.container.settings.remove("config_dir");
    assert!(off(told(&site, "mail")).contains("no config_dir"));
    assert!(site.bench.refuse(&site.bench.create(&record, None).run).contains("does not run"));
}

#[test]
fn what_is_missing_on_one_side_is_seen_and_made() {
    let Some(site) = Site::new() else { return };
    let record = site.disk(1, "web", "xvdb");
    site.bench.made(&record, None);
    assert_eq!(site.presence(&record), ("ready".to_owned(), "ready".to_owned()));
    // Started again from a file that somebody has edited.
    fs::remove_dir_all(site.root().join("store/libxl/7/device/vbd/51728")).unwrap();
    assert_eq!(site.presence(&record), ("missing".to_owned(), "ready".to_owned()));
    let mend = site.mend(&record);
    assert!(site.bench.shows(&mend.proof.not_done));
    site.bench.succeed(&mend.run);
    assert!(site.bench.shows(&mend.proof.done));
    let file = PathBuf::from(site.bench.container.text("config_dir")).join("web.cfg");
    fs::write(&file, CONFIG).unwrap();
    assert_eq!(site.presence(&record), ("ready".to_owned(), "missing".to_owned()));
    site.bench.succeed(&site.mend(&record).run);
    fs::write(&file, site.config("web").replace("access=rw", "access=ro")).unwrap();
    assert_eq!(site.presence(&record).1, "another line");
    site.bench.succeed(&site.mend(&record).run);
    assert_eq!(site.presence(&record).1, "ready");
}

#[test]
fn what_is_not_ours_is_never_touched() {
    let Some(site) = Site::new() else { return };
    let record = site.disk(1, "web", "xvda");
    assert!(site.bench.refuse(&site.bench.create(&record, None).run).contains("not ours"));
    let ContainerView::Present(seen) = site.bench.view_for(None, &["web/xvda", "web/xvdb"]) else { panic!() };
    assert_eq!(seen.foreign.into_iter().collect::<Vec<_>>(), ["web/xvda"]);
    // Somebody's disk in the place of ours.
    let record = site.disk(2, "web", "xvdb");
    site.bench.made(&record, None);
    let params = site.root().join("store/libxl/7/device/vbd/51728/params/=");
    fs::write(&params, "/dev/vg0/theirs\n").unwrap();
    assert!(
        matches!(site.live(&record).health, Health::Replaced { ref found } if found.contains("/dev/vg0/theirs"))
    );
    site.bench.succeed(&site.detach(&record).run);
    assert_eq!(fs::read_to_string(params).unwrap(), "/dev/vg0/theirs\n");
    assert_eq!(site.config("web"), CONFIG);
}

#[test]
fn xl_is_not_believed() {
    let Some(site) = Site::new() else { return };
    let record = site.disk(1, "web", "xvdb");
    let attach = site.bench.create(&record, None);
    site.fault("lie");
    site.bench.succeed(&attach.run);
    site.fault("pending");
    let detach = site.detach(&record);
    let answer = site.bench.run(&detach.run, None);
    assert!(answer.status == 1 && answer.stderr.contains("did not let go"), "{}", answer.stderr);
    assert_eq!(site.presence(&record).0, "closing");
    let Undo::Run(undo) = &detach.undo else { panic!() };
    site.bench.succeed(undo);
    assert!(site.bench.shows(&detach.proof.not_done), "what a guest keeps is not detached");
    site.fault("");
    site.bench.succeed(&detach.run);
    assert!(site.bench.shows(&detach.proof.done));
    site.fault("silent");
    assert!(site.bench.refuse(&attach.run).contains("cannot be looked at"));
    let ContainerView::Unsurveyed { why } = site.bench.view_for(None, &["web/xvdb"]) else { panic!() };
    assert!(why.contains("xl cannot tell"), "{why}");
}

#[test]
fn what_xen_cannot_do_is_no_plan() {
    let Some(site) = Site::new() else { return };
    let refused = |change: &dyn Fn(&mut DiskBody)| {
        let mut record = site.disk(1, "web", "xvdb");
        let Body::Disk(disk) = &mut record.object.body else { panic!() };
        change(disk);
        site.bench.request(Operation::Create { after: record, source: None }).unwrap_err().detail
    };
    assert!(refused(&|disk| disk.shared = true).contains("read-only"));
    assert!(refused(&|disk| disk.bus = Bus::Scsi).contains("`bus`"));
    assert!(refused(&|disk| disk.host_path = "/srv/a.img".to_owned()).contains("block devices only"));
    assert!(refused(&|disk| disk.host_path = "/dev/a\" ]".to_owned()).contains("no way to write"));
    let check = kinds::schema().check_disk;
    for (vm, device) in [
        ("7", "xvdb"),
        ("Domain-0", "xvdb"),
        ("web", "vdb"),
        ("web", "xvd"),
        ("-w", "xvdb"),
        ("web", "xvdaaa"),
    ] {
        assert!(check(vm, device).is_err(), "{vm} {device}");
    }
    assert_eq!(check("web-1.a", "xvdzz"), Ok(()));
    let numbers = ["xvda", "xvdb", "xvdp", "xvdq", "xvdaa"].map(kinds::number);
    assert_eq!(numbers, [51712, 51728, 51952, 268_439_552, 268_442_112].map(Some));
}

/// As dom0 of Xen 4.17 printed it, with a disk of the guest's own and one that was attached to it.
#[test]
fn what_a_real_xen_prints_is_understood() {
    let printed = include_str!("fixtures/xen-4.17-xenstore.txt");
    let tree = store_tree::Tree::read(printed).unwrap();
    let numbers: Vec<&str> = tree.below("/libxl/1/device/vbd").collect();
    assert_eq!(numbers, ["51712", "51728"]);
    assert_eq!(tree.get("/libxl/1/device/vbd/51728/params"), Some("/dev/disk/by-id/virtio-lab-b"));
    assert_eq!(tree.get("/local/domain/0/backend/vbd/1/51728/hotplug-status"), Some("connected"));
    assert!(store_tree::Tree::read("xenstore-ls: broken").is_err());
}

#[test]
fn undo_of_an_attachment_is_its_detachment() {
    let Some(site) = Site::new() else { return };
    let record = site.disk(1, "web", "xvdb");
    let attach = site.bench.create(&record, None);
    site.fault("half");
    let answer = site.bench.run(&attach.run, None);
    assert!(answer.status == 1 && answer.stderr.contains("has not taken the disk"), "{}", answer.stderr);
    assert!(site.bench.shows(&attach.proof.not_done), "what failed is taken back at once");
    assert_eq!(site.config("web"), CONFIG);
    let Undo::Run(undo) = &attach.undo else { panic!() };
    site.bench.succeed(undo);
}
