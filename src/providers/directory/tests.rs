#![expect(clippy::disallowed_methods, reason = "tests run the scripts on real files")]

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::model::{
    Access, Body, Bus, ContainerView, DiskBody, Health, Kind, Place, Record, Setting, SourceRef,
};
use crate::plan::step::{Operation, Undo};
use crate::providers::store::testing::{Bench, id};

fn hypervisor() -> Bench {
    Bench::joined(Kind::Hypervisor, "directory")
}

/// A disk to a file that exists, with an awkward name.
fn disk(bench: &Bench, number: u128, vm: &str, device: &str) -> Record {
    let target = bench.root.path().join("its\n$(image) 'db'");
    fs::write(&target, "image").unwrap();
    let body = DiskBody {
        vm: vm.to_owned(),
        device: device.to_owned(),
        bus: Bus::Scsi,
        access: Access::ReadOnly,
        shared: true,
        source: SourceRef { id: id(50), address: "volume.db".parse().unwrap() },
        serial: id(50).to_string(),
        host_path: target.to_str().unwrap().to_owned(),
        network: None,
        through: None,
        presence: None,
        size: None,
    };
    bench.record(&format!("attachment.a{number}"), id(number), Body::Disk(body))
}

fn disk_of(record: &mut Record) -> &mut DiskBody {
    match &mut record.object.body {
        Body::Disk(disk) => disk,
        other => panic!("{other:?}"),
    }
}

#[test]
fn joining_endures() {
    let mut bench = Bench::unjoined(Kind::Hypervisor, "directory");
    let path = bench.path().join("vms").to_str().unwrap().to_owned();
    bench.container.settings.insert("path".to_owned(), Setting::Text(path.clone()));
    bench.endures(&bench.join(vec![path]));
}

#[test]
fn attaching_and_detaching_endure() {
    let bench = hypervisor();
    fs::create_dir(bench.path().join("mine")).unwrap();
    for (number, vm) in [(1, "it's *"), (2, "mine")] {
        let record = disk(&bench, number, vm, "v d'b");
        let attach = bench.create(&record, None);
        bench.minds_a_full_disk(&attach);
        bench.endures(&attach);
        bench.succeed(&attach.run);
        assert!(bench.programs() <= 8);
        let found = bench.observed(id(number)).unwrap();
        assert_eq!(found.body, record.object.body);
        bench.endures(&bench.step(Operation::Destroy { record, live: found }));
    }
}

#[test]
fn a_directory_that_vbs_made_goes_with_the_last_disk_and_others_stay() {
    let bench = hypervisor();
    fs::create_dir(bench.path().join("mine")).unwrap();
    let before = bench.names();
    for vm in ["new", "mine"] {
        let records = [disk(&bench, 1, vm, "vda"), disk(&bench, 2, vm, "vdb")];
        records.iter().for_each(|record| bench.made(record, None));
        for record in records {
            let live = bench.observed(record.object.id).unwrap();
            bench.succeed(&bench.step(Operation::Destroy { record, live }).run);
        }
    }
    let target = std::collections::BTreeSet::from(["its\n$(image) 'db'".to_owned()]);
    assert_eq!(bench.names().difference(&before).cloned().collect::<std::collections::BTreeSet<_>>(), target);
}

#[test]
fn a_disk_follows_its_volume() {
    let bench = hypervisor();
    let before = disk(&bench, 1, "web", "vda");
    bench.made(&before, None);
    let mut after = before.clone();
    disk_of(&mut after).host_path = bench.root.path().to_str().unwrap().to_owned();
    let live = bench.observed(id(1)).unwrap();
    let update = Operation::Update { before: before.clone(), after, live: live.clone(), attached: false };
    bench.endures(&bench.step(update));
    let same = Operation::Update { before: before.clone(), after: before, live, attached: false };
    assert!(bench.steps(same).is_empty());
}

#[test]
fn what_is_in_the_way_or_missing_is_refused() {
    let bench = hypervisor();
    let record = disk(&bench, 1, "web", "vda");
    let attach = bench.create(&record, None);
    fs::create_dir(bench.path().join("web")).unwrap();
    fs::write(bench.path().join("web/vda"), "not ours").unwrap();
    assert!(bench.refuse(&attach.run).contains("exists and is not ours"));
    let ContainerView::Present(seen) = bench.view_for(None, &["web/vda", "web/vdb"]) else { panic!() };
    assert_eq!(seen.foreign.into_iter().collect::<Vec<_>>(), ["web/vda"]);
    fs::remove_file(bench.path().join("web/vda")).unwrap();
    let mut missing = record.clone();
    disk_of(&mut missing).host_path = "/does/not/exist".to_owned();
    assert!(bench.refuse(&bench.create(&missing, None).run).contains("nothing to attach"));
}

#[test]
fn a_link_that_was_changed_is_seen_and_kept() {
    let bench = hypervisor();
    let record = disk(&bench, 1, "web", "vda");
    let attach = bench.create(&record, None);
    bench.succeed(&attach.run);
    let link = bench.path().join("web/vda");
    fs::remove_file(&link).unwrap();
    assert!(bench.observed(id(1)).is_none(), "a vanished disk is absent");
    symlink("/elsewhere", &link).unwrap();
    let found = bench.observed(id(1)).unwrap();
    assert_eq!(found.facts()["host_path"], "/elsewhere");
    let Undo::Run(undo) = &attach.undo else { panic!() };
    assert!(bench.refuse(undo).contains("is not the link"));
    fs::remove_file(&link).unwrap();
    fs::write(&link, "a file").unwrap();
    let found = bench.observed(id(1)).unwrap();
    assert!(matches!(found.health, Health::Replaced { .. }));
    assert_eq!(found.place, Place::Live);
    fs::remove_file(&link).unwrap();
    bench.succeed(&attach.run);
    assert!(bench.shows(&attach.proof.done), "a vanished disk can be made again under its id");
}

#[test]
fn a_hypervisor_in_use_is_not_released() {
    let bench = hypervisor();
    let attach = bench.create(&disk(&bench, 1, "web", "vda"), None);
    bench.succeed(&attach.run);
    let Undo::Run(release) = bench.join(Vec::new()).undo else { panic!() };
    assert!(bench.refuse(&release).contains("in use by this lineage"));
    fs::remove_file(bench.path().join("web/vda")).unwrap();
    bench.succeed(&release);
    assert!(!bench.path().join(".vbs").exists() && !bench.path().join("web").exists());
}

#[test]
fn names_that_lead_elsewhere_are_no_names() {
    let check = DirectoryHypervisor.schema().check_disk;
    for name in ["", ".", "..", ".vbs", "-v", "a/b", "a\tb", "a\"b"] {
        assert!(check(name, "vda").is_err() && check("web", name).is_err(), "{name:?}");
    }
    assert_eq!(check("web 1", "vda"), Ok(()));
}
