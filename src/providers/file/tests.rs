#![expect(clippy::disallowed_methods, reason = "tests run the scripts on real files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;

use crate::hosts::{Fence, Hosts, Verdict};
use crate::model::{Action, Body, Bytes, ContainerView, Health, HostName, Kind, Place, Record, Setting};
use crate::plan::step::{Effect, Operation, Step, Undo};
use crate::providers::CATALOG;
use crate::providers::store::testing::{Bench, Fault, id};
use crate::survey::{Target, survey};

const NAME: &str = "it's a *\u{fc}*; $(name) `x`";

fn pool() -> Bench {
    Bench::joined(Kind::Pool, "file")
}

fn image(bench: &Bench, name: &str) -> std::path::PathBuf {
    bench.path().join(format!("{name}.img"))
}

fn write(bench: &Bench, name: &str, text: &str) {
    let mut file = OpenOptions::new().write(true).open(image(bench, name)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn begins(bench: &Bench, name: &str) -> String {
    let bytes = fs::read(image(bench, name)).unwrap();
    String::from_utf8_lossy(&bytes[..5]).into_owned()
}

fn destroy(bench: &Bench, record: &Record) -> Vec<Step> {
    let live = bench.observed(record.object.id).unwrap();
    bench.steps(Operation::Destroy { record: record.clone(), live })
}

fn update(bench: &Bench, before: &Record, after: &Record) -> Vec<Step> {
    let live = bench.observed(before.object.id).unwrap();
    bench.steps(Operation::Update { before: before.clone(), after: after.clone(), live, attached: false })
}

/// A volume that holds `first`, a snapshot of that, and `later` in the volume since.
fn restorable(bench: &Bench) -> (Record, Record) {
    let volume = bench.volume(1, NAME, 1 << 20, None);
    bench.made(&volume, None);
    write(bench, NAME, "first");
    let snapshot = bench.snapshot(2, "snap", &volume);
    bench.made(&snapshot, Some(&volume));
    write(bench, NAME, "later");
    (volume, snapshot)
}

fn restore(bench: &Bench, volume: &Record, snapshot: &Record) -> Vec<Step> {
    bench.steps(Operation::Restore {
        record: volume.clone(),
        snapshot: snapshot.clone(),
        trash: id(3),
        live: bench.observed(volume.object.id).unwrap(),
    })
}

#[test]
fn joining_endures_and_leaves_nothing_when_undone() {
    let mut bench = Bench::unjoined(Kind::Pool, "file");
    let [outer, inner] = ["a b", "c"].map(|name| bench.path().join(name));
    let inner = outer.join(inner.file_name().unwrap());
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    bench.container.settings.insert("path".to_owned(), Setting::Text(text(&inner)));
    let missing = vec![text(&outer), text(&inner)];
    let ContainerView::Fresh { missing: found, capacity, .. } = bench.view_for(None, &[]) else { panic!() };
    assert_eq!(found, missing);
    assert!(capacity.unwrap().free > Bytes::ZERO);
    bench.endures(&bench.join(missing));
}

#[test]
fn creating_endures() {
    let bench = pool();
    fs::write(bench.path().join("foreign.img"), "not ours").unwrap();
    bench.endures(&bench.create(&bench.volume(1, NAME, 1_000_001, None), None));
    let create = bench.create(&bench.volume(1, NAME, 1_000_001, None), None);
    bench.succeed(&create.run);
    assert!(bench.programs() <= 8, "{} programs for one image", bench.programs());
    let found = bench.observed(id(1)).unwrap();
    assert_eq!(found.body, bench.volume(1, NAME, 1_000_001, None).object.body);
    assert_eq!(found.mark.address, "volume.v1");
    assert_eq!(fs::metadata(image(&bench, NAME)).unwrap().len(), 1_000_001);
}

#[test]
fn copying_endures_and_copies() {
    let bench = pool();
    let volume = bench.volume(1, "db", 1 << 20, None);
    bench.made(&volume, None);
    write(&bench, "db", "first");
    let snapshot = bench.snapshot(2, "snap", &volume);
    bench.endures(&bench.create(&snapshot, Some(&volume)));
    bench.made(&snapshot, Some(&volume));
    let clone = bench.volume(3, NAME, 2 << 20, Some(&snapshot));
    bench.endures(&bench.create(&clone, Some(&snapshot)));
    bench.made(&clone, Some(&snapshot));
    assert_eq!(begins(&bench, NAME), "first");
    assert_eq!(bench.observed(id(3)).unwrap().body, clone.object.body);
    assert_eq!(bench.observed(id(2)).unwrap().body, snapshot.object.body);
    let capacity = bench.surveyed().capacity.unwrap();
    assert_eq!(capacity.promised, Bytes(4 << 20));
}

#[test]
fn renaming_growing_and_trashing_endure() {
    let bench = pool();
    let before = bench.volume(1, "db", 1 << 20, None);
    bench.made(&before, None);
    let after = bench.volume(1, NAME, 3 << 20, None);
    let steps = update(&bench, &before, &after);
    assert_eq!(steps.len(), 2);
    bench.endures(&steps[0]);
    bench.succeed(&steps[0].run);
    bench.endures(&steps[1]);
    bench.succeed(&steps[1].run);
    assert!(bench.shows(&steps[0].proof.done) && bench.shows(&steps[1].proof.done));
    assert!(update(&bench, &after, &after).is_empty());
    let trash = destroy(&bench, &after);
    assert_eq!(trash.len(), 1);
    bench.endures(&trash[0]);
}

#[test]
fn a_snapshot_is_purged_and_purging_ends_wherever_it_was_killed() {
    let bench = pool();
    let volume = bench.volume(1, "db", 1 << 20, None);
    bench.made(&volume, None);
    let empty = bench.names();
    for at in 1..=5 {
        let snapshot = bench.snapshot(2, "snap", &volume);
        bench.made(&snapshot, Some(&volume));
        let [trash, purge] = destroy(&bench, &snapshot).try_into().unwrap();
        assert!(matches!(&purge.undo, Undo::Impossible { why } if !why.is_empty()));
        assert_eq!(purge.effects, [Effect::LeaveTrash(id(2))]);
        bench.succeed(&trash.run);
        assert!(bench.shows(&purge.proof.not_done));
        bench.run(&purge.run, Some((Fault::Kill, at)));
        bench.succeed(&purge.run);
        assert!(bench.shows(&purge.proof.done));
        assert_eq!(bench.names(), empty);
    }
}

#[test]
fn a_volume_comes_back_from_the_trash_under_another_name() {
    let bench = pool();
    let record = bench.volume(1, "db", 1 << 20, None);
    bench.made(&record, None);
    write(&bench, "db", "first");
    let [trash] = destroy(&bench, &record).try_into().unwrap();
    bench.succeed(&trash.run);
    let Some(Effect::Trash(entry)) = trash.effects.last() else { panic!("{:?}", trash.effects) };
    let mut after = bench.volume(1, NAME, 1 << 20, None);
    after.object.key.address = "volume.again".parse().unwrap();
    let out = bench.step(Operation::TakeOutOfTrash { entry: (**entry).clone(), after });
    bench.endures(&out);
    bench.succeed(&out.run);
    let found = bench.observed(id(1)).unwrap();
    assert_eq!((found.place, found.body.name()), (Place::Live, Some(NAME)));
    assert_eq!(found.mark.address, "volume.again");
    assert_eq!(begins(&bench, NAME), "first");
}

#[test]
fn restoring_endures_and_keeps_the_former_content() {
    let bench = pool();
    let (volume, snapshot) = restorable(&bench);
    let [stage, swap] = restore(&bench, &volume, &snapshot).try_into().unwrap();
    bench.endures(&stage);
    bench.succeed(&stage.run);
    bench.endures(&swap);
    assert_eq!(begins(&bench, NAME), "later");
    bench.succeed(&swap.run);
    assert_eq!(begins(&bench, NAME), "first");
    assert!(bench.shows(&stage.proof.done) && bench.shows(&swap.proof.done));
    let found = bench.observed(id(1)).unwrap();
    assert_eq!(found.body, volume.object.body);
    let Effect::Trash(entry) = &swap.effects[0] else { panic!("{:?}", swap.effects) };
    assert_eq!(bench.observed(id(3)).unwrap().body, entry.record.object.body);
    let mut after = entry.record.clone();
    if let Body::Volume(body) = &mut after.object.body {
        body.name = "former".to_owned();
    }
    let entry = (**entry).clone();
    bench.succeed(&bench.step(Operation::TakeOutOfTrash { entry, after }).run);
    assert_eq!(begins(&bench, "former"), "later");
}

#[test]
fn undoing_a_creation_keeps_what_somebody_wrote() {
    let bench = pool();
    let create = bench.create(&bench.volume(1, "db", 1 << 20, None), None);
    let Undo::Run(undo) = &create.undo else { panic!() };
    bench.succeed(&create.run);
    write(&bench, "db", "first");
    assert!(bench.succeed(undo).stdout.contains("kept"));
    bench.succeed(undo);
    assert_eq!(bench.observed(id(1)).unwrap().place, Place::Trash);
    let opened = bench.create(&bench.volume(2, "open", 1 << 20, None), None);
    let Undo::Run(undo) = &opened.undo else { panic!() };
    bench.succeed(&opened.run);
    let held = File::open(image(&bench, "open")).unwrap();
    bench.succeed(undo);
    drop(held);
    assert_eq!(bench.observed(id(2)).unwrap().place, Place::Trash);
}

#[test]
fn undoing_a_restore_keeps_what_somebody_wrote_since() {
    let bench = pool();
    let (volume, snapshot) = restorable(&bench);
    let [stage, swap] = restore(&bench, &volume, &snapshot).try_into().unwrap();
    bench.succeed(&stage.run);
    bench.succeed(&swap.run);
    write(&bench, NAME, "newer");
    for step in [&swap, &stage] {
        let Undo::Run(undo) = &step.undo else { panic!() };
        bench.succeed(undo);
    }
    assert_eq!(begins(&bench, NAME), "later");
    let kept = bench.observed(id(3)).unwrap();
    assert_eq!(kept.place, Place::Trash);
}

#[test]
fn what_is_open_is_not_shrunk_restored_trashed_or_copied() {
    let bench = pool();
    let (volume, snapshot) = restorable(&bench);
    let grown = bench.volume(1, NAME, 2 << 20, None);
    let [grow] = update(&bench, &volume, &grown).try_into().unwrap();
    let Undo::RunInSameProcess(shrink) = &grow.undo else { panic!() };
    let [stage, swap] = restore(&bench, &volume, &snapshot).try_into().unwrap();
    bench.succeed(&stage.run);
    let held = OpenOptions::new().read(true).append(true).open(image(&bench, NAME)).unwrap();
    assert!(bench.refuse(&swap.run).contains("is open"));
    assert!(bench.refuse(&destroy(&bench, &volume)[0].run).contains("is open"));
    let copied = bench.run(&bench.create(&bench.snapshot(4, "other", &volume), Some(&volume)).run, None);
    // Where the file system has reflinks, a copy is of one instant and is not refused.
    assert!(copied.status == 0 || copied.stderr.contains("open for writing"), "{copied:?}");
    bench.succeed(&grow.run);
    assert!(bench.refuse(shrink).contains("is open"));
    drop(held);
    bench.succeed(shrink);
}

#[test]
fn a_full_disk_is_an_error_that_leaves_nothing() {
    let bench = pool();
    let (volume, snapshot) = restorable(&bench);
    bench.minds_a_full_disk(&bench.create(&bench.volume(5, "new", 1 << 20, None), None));
    let clone = bench.volume(6, "clone", 1 << 20, Some(&snapshot));
    bench.minds_a_full_disk(&bench.create(&clone, Some(&snapshot)));
    bench.minds_a_full_disk(&restore(&bench, &volume, &snapshot)[0]);
    for step in update(&bench, &volume, &bench.volume(1, "renamed", 2 << 20, None)) {
        bench.minds_a_full_disk(&step);
        bench.succeed(&step.run);
    }
}

#[test]
fn an_attached_volume_grows_past_the_point_of_no_return() {
    let bench = pool();
    let before = bench.volume(1, "db", 1 << 20, None);
    bench.made(&before, None);
    let steps = bench.steps(Operation::Update {
        before: before.clone(),
        after: bench.volume(1, "db", 2 << 20, None),
        live: bench.observed(id(1)).unwrap(),
        attached: true,
    });
    assert!(matches!(&steps[0].undo, Undo::Impossible { why } if why.contains("attached")));
}

#[test]
fn what_is_not_ours_is_refused_and_untouched() {
    let bench = pool();
    fs::write(image(&bench, "db"), "not ours").unwrap();
    let create = bench.create(&bench.volume(1, "db", 1 << 20, None), None);
    assert!(bench.refuse(&create.run).contains("exists and is not ours"));
    let Undo::Run(undo) = &create.undo else { panic!() };
    let before = bench.tree();
    bench.succeed(undo);
    assert_eq!(bench.tree(), before);
    let ContainerView::Present(seen) = bench.view_for(None, &["db", "other"]) else { panic!() };
    assert_eq!(seen.foreign.into_iter().collect::<Vec<_>>(), ["db"]);
}

#[test]
fn a_file_that_took_the_place_of_ours_is_seen_and_never_touched() {
    let bench = pool();
    let record = bench.volume(1, "db", 1 << 20, None);
    bench.made(&record, None);
    let [trash] = destroy(&bench, &record).try_into().unwrap();
    let create = bench.create(&record, None);
    fs::rename(image(&bench, "db"), bench.root.path().join("kept")).unwrap();
    fs::write(image(&bench, "db"), vec![0; 1 << 20]).unwrap();
    let found = bench.observed(id(1)).unwrap();
    assert!(matches!(found.health, Health::Replaced { .. }), "{found:?}");
    assert!(bench.refuse(&trash.run).contains("is not the file that was made"));
    let Undo::Run(undo) = &create.undo else { panic!() };
    assert!(bench.refuse(undo).contains("is not the file that was made"));
    fs::remove_file(image(&bench, "db")).unwrap();
    assert!(bench.observed(id(1)).is_none(), "a vanished image is absent");
}

#[test]
fn an_unreadable_mark_is_never_passed_over() {
    let bench = pool();
    for number in 1..=3 {
        bench.made(&bench.volume(number, &format!("v{number}"), 4096, None), None);
    }
    for garbage in ["", "{\"form", "\u{0}\n\n==", "{\"format\":1}"] {
        fs::write(bench.path().join(format!(".vbs/{}.json", id(2))), garbage).unwrap();
        assert!(matches!(bench.observed(id(2)).unwrap().health, Health::Replaced { .. }), "{garbage:?}");
        for number in [1, 3] {
            assert_eq!(bench.observed(id(number)).unwrap().health, Health::Good, "{garbage:?}");
        }
    }
}

#[test]
fn another_directory_is_never_taken_for_the_recorded_one() {
    let bench = pool();
    let create = bench.create(&bench.volume(1, "db", 4096, None), None);
    let unsurveyed = |view| matches!(view, ContainerView::Unsurveyed { .. });
    assert!(unsurveyed(bench.view_for(Some(id(5)), &[])));
    fs::write(bench.path().join(".vbs/pool.json"), format!("{{\"format\":1,\"identity\":\"{}\"}}\n", id(5)))
        .unwrap();
    assert_eq!(bench.run(&create.run, None).status, 77);
    assert!(unsurveyed(bench.view_for(Some(bench.identity), &[])));
    fs::write(bench.path().join(".vbs/pool.json"), "{\"format\":2,\"more\":[]}").unwrap();
    assert!(unsurveyed(bench.view_for(None, &[])));
    fs::remove_dir_all(bench.path()).unwrap();
    assert!(unsurveyed(bench.view_for(Some(bench.identity), &[])));
    assert_eq!(bench.run(&create.run, None).status, 77);
}

#[test]
fn a_directory_in_use_is_not_released_and_other_lineages_keep_it() {
    let bench = pool();
    let record = bench.volume(1, "db", 4096, None);
    let join = bench.join(Vec::new());
    let Undo::Run(release) = &join.undo else { panic!() };
    let create = bench.create(&record, None);
    bench.succeed(&create.run);
    assert!(bench.refuse(release).contains("in use by this lineage"));
    let Undo::Run(undo) = &create.undo else { panic!() };
    bench.succeed(undo);
    fs::write(bench.path().join(format!(".vbs/epoch.{}", id(77))), "3\n").unwrap();
    bench.succeed(release);
    assert!(bench.path().join(".vbs/pool.json").exists());
    assert!(bench.shows(&join.proof.not_done));
}

#[test]
fn who_comes_second_to_a_new_directory_leaves_it_to_the_first() {
    let mut bench = pool();
    let first = bench.identity;
    let before = bench.tree();
    bench.lineage = id(70);
    bench.identity = id(71);
    let join = bench.join(Vec::new());
    assert!(bench.refuse(&join.run).contains("is another one"));
    let Undo::Run(release) = &join.undo else { panic!() };
    bench.succeed(release);
    assert_eq!(bench.tree(), before);
    // The same identity is shared.
    bench.identity = first;
    bench.succeed(&bench.join(Vec::new()).run);
    let Undo::Run(release) = bench.join(Vec::new()).undo else { panic!() };
    bench.succeed(&release);
    assert_eq!(bench.tree(), before);
}

#[test]
fn another_lineage_s_image_is_in_the_way() {
    let mut bench = pool();
    bench.made(&bench.volume(1, "db", 4096, None), None);
    let first = bench.lineage;
    bench.lineage = id(70);
    bench.succeed(&bench.join(Vec::new()).run);
    let ContainerView::Present(seen) = bench.view_for(None, &["db"]) else { panic!() };
    assert_eq!(seen.foreign.len(), 1);
    assert_eq!(seen.objects[0].mark.lineage, first);
    let destroy = destroy(&bench, &bench.volume(1, "db", 4096, None)).remove(0);
    assert!(bench.refuse(&destroy.run).contains("is not the one that was made"));
}

#[test]
fn thousands_of_marks_are_read_by_a_handful_of_programs() {
    let bench = pool();
    bench.made(&bench.volume(1, "db", 4096, None), None);
    let line = fs::read_to_string(bench.path().join(format!(".vbs/{}.json", id(1)))).unwrap();
    for number in 2..2_000 {
        let line = line.replace(&id(1).to_string(), &id(number).to_string());
        fs::write(bench.path().join(format!(".vbs/{}.json", id(number))), line).unwrap();
    }
    let ContainerView::Present(surveyed) = bench.view_counted() else { panic!() };
    assert_eq!(surveyed.objects.len(), 1_999);
    assert!(bench.programs() <= 12, "{}", bench.programs());
}

/// From joining to releasing through the transport itself, with its guard, its epochs and its quoting.
#[tokio::test]
async fn a_whole_life_through_the_transport() {
    let mut bench = Bench::unjoined(Kind::Pool, "file");
    let path = bench.path().join("pool");
    let text = path.to_str().unwrap().to_owned();
    bench.container.settings.insert("path".to_owned(), Setting::Text(text.clone()));
    let before = bench.tree();
    let volume = bench.volume(1, NAME, 1 << 20, None);
    let snapshot = bench.snapshot(2, "snap", &volume);
    let join = bench.join(vec![text]);
    let create = bench.create(&volume, None);
    let take = bench.create(&snapshot, Some(&volume));
    let hosts = Hosts::new(BTreeMap::new());
    let fence = Fence { lineage: bench.lineage, epoch: 3, wait_seconds: 5, holder: "a test".to_owned() };
    let act = async |action: &Action| {
        let frame = CATALOG.frame(action, &join.guard).unwrap();
        match hosts.act(&HostName::local(), &frame, &fence).await {
            Verdict::Answered(answer) => assert_eq!(answer.status, 0, "{}: {answer:?}", action.verb),
            other => panic!("{other:?}"),
        }
    };
    act(&join.run).await;
    hosts.raise(&HostName::local(), &join.guard, &fence).await.unwrap();
    act(&create.run).await;
    act(&take.run).await;
    let target = Target {
        spec: bench.container.clone(),
        identity: Some(bench.identity),
        wanted: BTreeSet::from(["snap".to_owned()]),
        probed: Default::default(),
    };
    let views = survey(&hosts, bench.lineage, &[target]).await;
    let ContainerView::Present(found) = &views[&bench.container.address] else { panic!("{views:?}") };
    assert_eq!((found.epoch, found.objects.len(), found.foreign.len()), (Some(3), 2, 0));
    for step in [&take, &create, &join] {
        let Undo::Run(undo) = &step.undo else { panic!() };
        act(undo).await;
    }
    assert_eq!(bench.tree(), before);
}

#[test]
fn names_that_a_script_could_misread_are_no_names() {
    let check = crate::providers::store::check_file_name;
    for name in ["", ".vbs", "-rf", "a/b", "a\nb", "a\"b", "a\\b", "..", &"x".repeat(201)] {
        assert!(check(name).is_err(), "{name:?}");
    }
    for name in ["db", NAME, "db-1.2_x"] {
        assert_eq!(check(name), Ok(()));
    }
}
