#![expect(clippy::disallowed_methods, reason = "tests run the scripts on a real tool")]

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::model::{
    Access, Body, Bus, ContainerView, DiskBody, Health, Kind, Observed, Record, Setting, SourceRef,
};
use crate::plan::step::{Operation, Step, Undo};
use crate::providers::store::testing::{Bench, id};

/// How the tool's list is read: one VM after the other without paths, as by `xm list --long`, or all at once.
const READERS: [&str; 2] = ["list", "table"];

fn dom0(bench: &Bench) -> PathBuf {
    bench.root.path().join("dom 0's $(vms)")
}

fn set(bench: &mut Bench, name: &str, words: &[&str]) {
    let root = dom0(bench).to_str().unwrap().to_owned();
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/xm").to_owned();
    let list = [tool, root].into_iter().chain(words.iter().map(|&word| word.to_owned())).collect();
    bench.container.settings.insert(name.to_owned(), Setting::List(list));
}

fn text(bench: &mut Bench, name: &str, text: &str) {
    bench.container.settings.insert(name.to_owned(), Setting::Text(text.to_owned()));
}

fn fault(bench: &Bench, words: &str) {
    let file = bench.root.path().join("dom 0's $(vms).fault");
    if words.is_empty() {
        fs::remove_file(file).unwrap()
    } else {
        fs::write(file, format!("{words}\n")).unwrap()
    }
}

fn hypervisor(reader: &str) -> Bench {
    let mut bench = Bench::joined(Kind::Hypervisor, "command");
    for vm in ["web", "mail"] {
        fs::create_dir_all(dom0(&bench).join(vm)).unwrap();
    }
    set(&mut bench, "attach", &["block-attach", "{vm}", "phy:{host_path}", "{device}", "w"]);
    set(&mut bench, "detach", &["block-detach", "{vm}", "{device}"]);
    if reader == "list" {
        set(&mut bench, "list.command", &["list", "{vm}"]);
        text(&mut bench, "list.pattern", r"^\s*\(dev (?<device>[a-z0-9]+)(?::disk)?\)$");
        text(&mut bench, "list.ignore", r"^\s*[()]");
        text(&mut bench, "list.absent", "Domain '.*' does not exist");
    } else {
        set(&mut bench, "list.command", &["table"]);
        text(&mut bench, "list.pattern", r"^(?<vm>\S+) (?<device>\S+) [rw] (?<host_path>.+)$");
    }
    assert_eq!((kinds::schema().check_settings)(&bench.container), []);
    bench
}

fn disk(bench: &Bench, number: u128, vm: &str, device: &str) -> Record {
    let image = bench.root.path().join(format!("image {number}"));
    fs::write(&image, "data").unwrap();
    let body = DiskBody {
        vm: vm.to_owned(),
        device: device.to_owned(),
        bus: Bus::Virtio,
        access: Access::ReadWrite,
        shared: false,
        source: SourceRef { id: id(50), address: "volume.db".parse().unwrap() },
        serial: id(50).to_string(),
        host_path: image.to_str().unwrap().to_owned(),
        network: None,
        through: None,
        presence: None,
        size: None,
    };
    bench.record(&format!("attachment.a{number}"), id(number), Body::Disk(body))
}

fn detach(bench: &Bench, record: &Record) -> Step {
    let live = Observed {
        mark: crate::providers::command::look::bare(bench.lineage, record.object.id),
        place: crate::model::Place::Live,
        body: record.object.body.clone(),
        health: Health::Good,
        open: false,
        notes: std::collections::BTreeMap::new(),
    };
    bench.step(Operation::Destroy { record: record.clone(), live })
}

fn look(bench: &Bench, wanted: &[&str]) -> ContainerView {
    bench.view_for(None, wanted)
}

fn disks(bench: &Bench) -> Vec<Observed> {
    match look(bench, &[]) {
        ContainerView::Present(surveyed) => surveyed.objects,
        other => panic!("{other:?}"),
    }
}

#[test]
fn attaching_endures_whatever_fails_or_is_killed() {
    let bench = hypervisor("table");
    bench.endures(&bench.create(&disk(&bench, 1, "web", "xvdb"), None));
}

#[test]
fn disks_are_attached_seen_and_detached() {
    for reader in READERS {
        let bench = hypervisor(reader);
        let records = [disk(&bench, 1, "web", "xvdb"), disk(&bench, 2, "mail", "xvdb")];
        for record in &records {
            bench.made(record, None);
        }
        let found = disks(&bench);
        assert_eq!(found.len(), 2, "{reader}");
        assert!(found.iter().all(|disk| records.iter().any(|record| record.object.body == disk.body)));
        for record in &records {
            let step = detach(&bench, record);
            bench.succeed(&step.run);
            bench.succeed(&step.run);
            let Undo::Run(undo) = &step.undo else { panic!() };
            bench.succeed(undo);
            bench.succeed(&step.run);
        }
        assert!(disks(&bench).is_empty(), "{reader}");
    }
}

#[test]
fn a_disk_of_somebody_else_is_never_touched() {
    for reader in READERS {
        let bench = hypervisor(reader);
        fs::write(dom0(&bench).join("web/xvdb"), "w /their/disk\n").unwrap();
        let record = disk(&bench, 1, "web", "xvdb");
        let attach = bench.create(&record, None);
        bench.refuse(&attach.run);
        let before = bench.tree();
        let Undo::Run(undo) = &attach.undo else { panic!() };
        bench.run(undo, None);
        assert_eq!(bench.tree(), before, "{reader}: an undo took what was theirs");
        let ContainerView::Present(seen) = look(&bench, &["web/xvdb", "web/xvdc"]) else { panic!() };
        assert_eq!(seen.foreign.into_iter().collect::<Vec<_>>(), ["web/xvdb"], "{reader}");
        assert!(seen.objects.is_empty());
    }
    // Put in the place of ours: seen where the list tells what is attached.
    let bench = hypervisor("table");
    let record = disk(&bench, 1, "web", "xvdb");
    bench.made(&record, None);
    fs::write(dom0(&bench).join("web/xvdb"), "w /their/disk\n").unwrap();
    assert!(matches!(&disks(&bench)[0].health, Health::Replaced { found } if found.contains("/their/disk")));
    bench.refuse(&detach(&bench, &record).run);
}

/// As `xl list -l` prints a disk: its path on a line of its own, and its device below it.
#[test]
fn a_line_under_which_disks_stand_is_no_disk() {
    let mut bench = hypervisor("table");
    let lines = ["printf", "%s\\n", "path /their/disk", "dev web xvdb", "path /none/below"];
    bench
        .container
        .settings
        .insert("list.command".to_owned(), Setting::List(lines.map(str::to_owned).into()));
    text(&mut bench, "list.heading", r"^path (?<host_path>\S+)$");
    text(&mut bench, "list.pattern", r"^dev (?<vm>\S+) (?<device>\S+)$");
    let ContainerView::Present(seen) = look(&bench, &["web/xvdb", "web/xvdc"]) else { panic!() };
    assert_eq!(seen.foreign.into_iter().collect::<Vec<_>>(), ["web/xvdb"]);
}

#[test]
fn what_a_tool_says_is_not_what_it_did() {
    let bench = hypervisor("list");
    let record = disk(&bench, 1, "web", "xvdb");
    let attach = bench.create(&record, None);
    let before = bench.tree();
    fault(&bench, "block-attach lie");
    let answer = bench.run(&attach.run, None);
    assert!(answer.status == 1 && answer.stderr.contains("as before"), "{}", answer.stderr);
    fault(&bench, "");
    assert_eq!(bench.tree(), before);
    fault(&bench, "block-attach grumble");
    bench.succeed(&attach.run);
    // A guest lets go of its disk in its own time.
    fault(&bench, "block-detach later");
    bench.succeed(&detach(&bench, &record).run);
    assert!(disks(&bench).is_empty());
}

#[test]
fn a_vm_that_is_gone_has_no_disks_where_the_configuration_knows_how_that_sounds() {
    let mut bench = hypervisor("list");
    bench.made(&disk(&bench, 1, "web", "xvdb"), None);
    fs::remove_dir_all(dom0(&bench).join("web")).unwrap();
    assert!(disks(&bench).is_empty());
    assert!(
        bench.refuse(&bench.create(&disk(&bench, 2, "web", "xvdc"), None).run).contains("cannot be told")
    );
    bench.container.settings.remove("list.absent");
    let ContainerView::Unsurveyed { why } = look(&bench, &[]) else { panic!() };
    assert!(why.contains("ended with status 1: Error: Domain 'web' does not exist."), "{why}");
}

#[test]
fn what_a_template_cannot_say_is_no_plan() {
    let mut bench = hypervisor("table");
    let mut record = disk(&bench, 1, "web", "xvdb");
    if let Body::Disk(disk) = &mut record.object.body {
        disk.access = Access::ReadOnly;
    }
    let create = || Operation::Create { after: record.clone(), source: None };
    assert!(bench.request(create()).unwrap_err().detail.contains("{access}"));
    set(&mut bench, "attach", &["block-attach", "{vm}", "phy:{host_path}", "{device}", "{access}"]);
    assert!(bench.request(create()).is_ok());
    bench.container.settings.remove("attach");
    assert!(bench.request(create()).unwrap_err().detail.contains("`attach`"));
    let check = kinds::schema().check_settings;
    set(&mut bench, "detach", &["block-detach", "{vm}", "{name}"]);
    text(&mut bench, "list.pattern", r"^(?<device>\S+)$");
    let faults: Vec<&str> = check(&bench.container).iter().map(|fault| fault.attribute).collect();
    assert!(faults.contains(&"detach") && faults.contains(&"list.command"), "{faults:?}");
    let check_disk = kinds::schema().check_disk;
    for name in ["", "-v", "a/b", "a b", "ä"] {
        assert!(check_disk(name, "xvdb").is_err() && check_disk("web", name).is_err(), "{name:?}");
    }
}
