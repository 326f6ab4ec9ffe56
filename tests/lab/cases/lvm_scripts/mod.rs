//! Every script of a volume group on real LVM: run, run twice, killed before the first command and after each, taken back
//! and run again. The survey has no part in this: what is there is read from LVM itself.

mod bench;

use vbs::model::{Bytes, ContainerRecord, ContainerSpec, ObjectKey, Part, PoolPolicy, Record, Stranger};
use vbs::plan::step::{Operation, Undo};

use crate::Case;
use crate::lab::Lab;
use bench::{Bench, Kill, MIB, entry, id, live};

pub const CASES: &[Case] = &[
    Case::of("lvm scripts: taking into use and leaving", joining),
    Case::of("lvm scripts: thick volumes endure", thick),
    Case::of("lvm scripts: thick snapshots endure", thick_snapshots),
    Case::of("lvm scripts: thin volumes endure", thin),
    Case::of("lvm scripts: a thick copy endures", copying),
    Case::of("lvm scripts: a thin restore endures", thin_restore),
    Case::of("lvm scripts: a thick restore goes on", merging),
    Case::of("lvm scripts: wiping and purging go on", purging),
    Case::of("lvm scripts: what was used is kept", keeping),
    Case::of("lvm scripts: what is not ours is refused", refusing),
    Case::of("lvm scripts: how many commands are run", counting).shared(),
];

fn joining(lab: &Lab) {
    for thin in [false, true] {
        let bench = if thin {
            lab.ok("vgremove -qq -y vg-0; rm -r /opt/shims /opt/scripts");
            Bench::unjoined(lab, true, None)
        } else {
            Bench::unjoined(lab, false, None)
        };
        bench.endures(&bench.join());
        bench.succeed(&bench.join().run);
        let record = ContainerRecord { spec: bench.container.clone(), identity: id(900), makes: Vec::new() };
        let release = bench.step(Operation::Release { record });
        let volume = bench.volume(1, "db", 8, None);
        bench.made(&volume, None);
        bench.refuse(&release.run, "is still there");
        bench.succeed(&bench.destroy(&volume)[0].run);
        bench.refuse(&release.run, "is still there");
        for step in bench.purge(&[&volume]) {
            bench.succeed(&step.run);
        }
        // Leaving forgets what the guard knew of volumes, so it is taken back to an empty guard.
        bench.succeed(&release.run);
        assert_eq!(lab.ok("find /var/lib -maxdepth 1 -name vbs"), "");
        bench.succeed(&bench.join().run);
        bench.endures(&release);
        bench.succeed(&release.run);
        assert_eq!(lab.ok("find /var/lib -maxdepth 1 -name vbs"), "");
    }
}

fn thick(lab: &Lab) {
    let bench = Bench::joined(lab, false, None);
    let volume = bench.volume(1, "db-1", 20, None);
    bench.endures(&bench.create(&volume, None));
    bench.made(&volume, None);
    let grown = bench.volume(1, "db-1", 32, None);
    bench.endures(&bench.update(&volume, &grown)[0]);
    bench.endures(&bench.update(&volume, &bench.volume(1, "data", 20, None))[0]);
    bench.endures(&bench.destroy(&volume)[0]);
    bench.succeed(&bench.destroy(&volume)[0].run);
    let mut back = bench.volume(1, "again", 20, None);
    back.object.key = ObjectKey::new("volume.other".parse().unwrap(), Part::VOLUME);
    bench.endures(&bench.step(Operation::TakeOutOfTrash { entry: entry(&volume), after: back }));
    lab.stranger("vg-0", "theirs", "8M");
    lab.ok("lvchange -qq --addtag prod vg-0/theirs");
    let uuid = lab.ok("lvs --noheadings -o lv_uuid vg-0/theirs").trim().to_owned();
    let found = |reference: &str| Stranger {
        name: "theirs".to_owned(),
        reference: reference.to_owned(),
        size: Bytes(8 * MIB),
        origin: None,
        open: false,
        why_not: None,
    };
    let after = bench.volume(5, "theirs", 8, None);
    let adopt = |reference| bench.step(Operation::Adopt { after: after.clone(), found: found(reference) });
    bench.endures(&adopt(&uuid));
    bench.refuse(&adopt("another").run, "another logical volume by now");
    assert!(lab.has_stamp("/dev/vg-0/theirs", 0, "theirs"));
}

fn thick_snapshots(lab: &Lab) {
    let bench = Bench::joined(lab, false, None);
    let volume = bench.volume(1, "db-1", 20, None);
    bench.made(&volume, None);
    let grown = bench.volume(1, "db-1", 32, None);
    let snapshot = bench.snapshot(2, "snap", &volume, 12);
    bench.endures(&bench.create(&snapshot, Some(&volume)));
    bench.made(&snapshot, Some(&volume));
    // A rename of an origin whose snapshot is active.
    let renamed = bench.volume(1, "data", 20, None);
    bench.endures(&bench.update(&volume, &renamed)[0]);
    bench.refuse(&bench.update(&volume, &grown)[0].run, "has snapshots");
    bench.endures(&bench.destroy(&volume)[0]);
    bench.endures(&bench.destroy(&snapshot)[0]);
}

fn thin(lab: &Lab) {
    let bench = Bench::joined(lab, true, None);
    let volume = bench.volume(1, "db", 64, None);
    bench.endures(&bench.create(&volume, None));
    bench.made(&volume, None);
    let digest = bench.noise("db", 4);
    let grown = bench.volume(1, "db", 128, None);
    bench.endures(&bench.update(&volume, &grown)[0]);
    let snapshot = bench.snapshot(2, "snap", &volume, 0);
    bench.endures(&bench.create(&snapshot, Some(&volume)));
    bench.made(&snapshot, Some(&volume));
    let clone = bench.volume(3, "clone", 96, Some(&snapshot));
    bench.endures(&bench.create(&clone, Some(&snapshot)));
    let other = bench.volume(4, "other", 64, Some(&volume));
    bench.endures(&bench.create(&other, Some(&volume)));
    bench.made(&clone, Some(&snapshot));
    assert_eq!(bench.digest("clone", 0, 4), digest);
    assert_eq!(
        lab.ok("lvs --noheadings -o lv_permissions,lv_layout vg-0/snap vg-0/clone | xargs"),
        "writeable thin,sparse read-only thin,sparse"
    );
    bench.endures(&bench.update(&volume, &bench.volume(1, "data", 64, None))[0]);
    bench.endures(&bench.destroy(&volume)[0]);
    bench.endures(&bench.destroy(&snapshot)[0]);
}

fn copying(lab: &Lab) {
    let bench = Bench::joined(lab, false, None);
    let source = bench.volume(1, "db", 96, None);
    bench.made(&source, None);
    let digest = bench.noise("db", 96);
    // What the copy is made of was somebody's.
    lab.ok("lvcreate -qq -y -n before -l 100%FREE vg-0; \
            dd if=/dev/urandom of=/dev/vg-0/before bs=1M count=400 oflag=direct conv=fsync status=none; \
            lvremove -qq -y vg-0/before");
    let copy = bench.volume(2, "copy", 112, Some(&source));
    let steps = bench.steps(Operation::Create { after: copy.clone(), source: Some(source.clone()) });
    let [prepare, fill] = &steps[..] else { panic!("{steps:?}") };
    bench.endures(prepare);
    bench.succeed(&prepare.run);
    // The copy is of this instant.
    bench.noise("db", 8);
    bench.succeed(&fill.run);
    assert_eq!(bench.digest("copy", 0, 96), digest);
    assert_eq!(lab.ok("dd if=/dev/vg-0/copy bs=1M skip=96 status=none | tr -d '\\0' | wc -c"), "0");
    assert_eq!(bench.names(), ["copy", "db"]);
    assert!(!lab.ok("lvs --noheadings -o lv_tags vg-0/copy").contains("filling"));
    let Undo::Run(undo) = &prepare.undo else { panic!() };
    bench.succeed(undo);
    assert_eq!(bench.names(), ["db"]);
    let digest = bench.digest("db", 0, 96);
    bench.goes_on(fill, || {
        bench.succeed(undo);
        bench.succeed(&prepare.run);
    });
    assert_eq!(bench.digest("copy", 0, 96), digest);
    // Taken back half-way, wherever that is, nothing of it is left.
    bench.succeed(undo);
    let before = bench.state();
    for at in 1..=4 {
        bench.succeed(&prepare.run);
        bench.run(&fill.run, Some(Kill::After(at)));
        bench.succeed(undo);
        assert_eq!(bench.state(), before, "killed after program {at}");
    }
    // A newer run stops it, and an older one does nothing.
    bench.succeed(&prepare.run);
    let newer = bench.again(8, bench.container.clone());
    newer.succeed(&newer.join().run);
    assert_eq!(bench.run(&fill.run, None).code, 76);
    newer.succeed(undo);
    // From a snapshot no helper is needed.
    let snapshot = newer.snapshot(3, "snap", &source, 100);
    newer.made(&snapshot, Some(&source));
    let copy = newer.volume(4, "second", 96, Some(&snapshot));
    let steps = newer.steps(Operation::Create { after: copy, source: Some(snapshot) });
    newer.succeed(&steps[0].run);
    newer.noise("db", 8);
    newer.succeed(&steps[1].run);
    assert_eq!(newer.digest("second", 0, 96), digest);
}

fn thin_restore(lab: &Lab) {
    let bench = Bench::joined(lab, true, None);
    let volume = bench.volume(1, "db", 64, None);
    bench.made(&volume, None);
    let old = bench.noise("db", 4);
    let snapshot = bench.snapshot(2, "snap", &volume, 0);
    bench.made(&snapshot, Some(&volume));
    let new = bench.noise("db", 4);
    let mut seen = live(&volume);
    let uuid = lab.ok("lvs --noheadings -o lv_uuid vg-0/db").trim().to_owned();
    seen.notes.insert("lv_uuid".to_owned(), uuid);
    let restore = Operation::Restore { record: volume.clone(), snapshot, trash: id(7), live: seen };
    let steps = bench.steps(restore);
    let [stage, swap] = &steps[..] else { panic!("{steps:?}") };
    bench.endures(stage);
    bench.succeed(&stage.run);
    bench.endures(swap);
    bench.succeed(&swap.run);
    assert_eq!(bench.digest("db", 0, 4), old);
    let kept = format!("vbs_trash.{}", id(7));
    assert_eq!(bench.digest(&kept, 0, 4), new);
    assert!(lab.ok("lvs --noheadings -o lv_tags vg-0/db").contains(&format!("vbs.volume={}", id(1))));
    assert!(
        lab.ok(&format!("lvs --noheadings -o lv_tags vg-0/{kept}"))
            .contains(&format!("vbs.volume={}", id(7)))
    );
    // Open, it is not taken back.
    let Undo::Run(undo) = &swap.undo else { panic!() };
    lab.ok("sleep 600 </dev/vg-0/db >/dev/null 2>&1 & echo $! >/run/opener");
    bench.refuse(undo, "is open");
    lab.ok("kill $(cat /run/opener)");
    // Somebody wrote into what was swapped in: it goes to the trash and is not lost.
    let written = bench.noise("db", 2);
    bench.succeed(undo);
    assert_eq!(bench.digest("db", 0, 4), new);
    let Undo::Run(undo) = &stage.undo else { panic!() };
    assert!(bench.succeed(undo).stdout.starts_with("kept "));
    assert_eq!(bench.digest(&kept, 0, 2), written);
    // The copy lies where the former content did, with its marks: taken back once more, nothing is swapped.
    let Undo::Run(undo) = &swap.undo else { panic!() };
    bench.succeed(undo);
    assert_eq!((bench.digest("db", 0, 4), bench.digest(&kept, 0, 2)), (new, written));
}

fn merging(lab: &Lab) {
    let bench = Bench::joined(lab, false, None);
    let volume = bench.volume(1, "db", 96, None);
    bench.made(&volume, None);
    let old = bench.noise("db", 64);
    let snapshot = bench.snapshot(2, "snap", &volume, 100);
    let merge = bench.step(Operation::Restore {
        record: volume.clone(),
        snapshot: snapshot.clone(),
        trash: id(7),
        live: live(&volume),
    });
    let done = || {
        assert_eq!(bench.digest("db", 0, 64), old);
        assert_eq!(bench.names(), ["db", "snap"]);
        let tags = lab.ok("lvs --noheadings -o lv_tags vg-0/snap");
        assert!(tags.contains(&format!("vbs.snapshot={}", id(7))), "{tags}");
        assert_eq!(bench.digest("snap", 0, 64), old);
    };
    let prepare = || {
        lab.ok("lvremove -qq -y vg-0/snap 2>/dev/null || :; rm -f /var/lib/vbs/guard/vg/vg-0/thick/made.*");
        bench.made(&snapshot, Some(&volume));
        bench.noise("db", 48);
    };
    bench.made(&snapshot, Some(&volume));
    lab.ok("sleep 600 </dev/vg-0/db >/dev/null 2>&1 & echo $! >/run/opener");
    bench.refuse(&merge.run, "is open");
    lab.ok("kill $(cat /run/opener)");
    // What is written from here on is taken back by each merge.
    bench.goes_on(&merge, prepare);
    done();
    lab.ok("lvremove -qq -y vg-0/snap");
    bench.refuse(&merge.run, "is not there");
}

fn purging(lab: &Lab) {
    let bench = Bench::joined(lab, false, None);
    let volume = bench.volume(1, "db", 24, None);
    let snapshot = bench.snapshot(2, "snap", &volume, 12);
    let prepare = || {
        lab.ok("lvremove -qq -y vg-0 2>/dev/null || :");
        bench.made(&volume, None);
        bench.made(&snapshot, Some(&volume));
        bench.noise("db", 8);
        bench.succeed(&bench.destroy(&snapshot)[0].run);
        bench.succeed(&bench.destroy(&volume)[0].run);
    };
    let steps = bench.purge(&[&volume, &snapshot]);
    let [wipe_snapshot, wipe_volume, remove] = &steps[..] else { panic!("{steps:?}") };
    prepare();
    bench.refuse(&wipe_volume.run, "still has snapshots");
    bench.goes_on(wipe_snapshot, prepare);
    for (number, size) in [(2, "12582912"), (1, "25165824")] {
        if number == 1 {
            bench.goes_on(wipe_volume, || {
                prepare();
                bench.succeed(&wipe_snapshot.run);
            });
        }
        let wiped = bench.device(&format!("vbs_wiped.{}", id(number)));
        assert_eq!(
            lab.ok(&format!("head -c {size} {wiped} | tr -d '\\0' | wc -c; blockdev --getsize64 {wiped}")),
            format!("0\n{size}")
        );
    }
    bench.goes_on(remove, || {
        prepare();
        bench.succeed(&wipe_snapshot.run);
        bench.succeed(&wipe_volume.run);
    });
    assert_eq!(bench.names(), Vec::<String>::new());
    assert_eq!(lab.ok("ls /var/lib/vbs/guard/vg/vg-0/thick | xargs"), format!("epoch.{} guard vg", id(901)));
    // What is wiped in part does not come back.
    prepare();
    bench.succeed(&bench.purge(&[&snapshot])[0].run);
    bench.run(&wipe_volume.run, None);
    let back = Operation::TakeOutOfTrash { entry: entry(&volume), after: volume.clone() };
    bench.refuse(&bench.step(back).run, "being wiped");
    // Unwiped, a snapshot goes before its origin, and one that nobody spoke of keeps it.
    let bench = bench.again(
        7,
        ContainerSpec {
            policy: PoolPolicy { wipe: Some("none".to_owned()), ..PoolPolicy::default() },
            ..bench.container.clone()
        },
    );
    prepare();
    let remove = bench.purge(&[&volume]);
    bench.refuse(&remove[0].run, "still has snapshots");
    bench.goes_on(&bench.purge(&[&volume, &snapshot])[0], prepare);
    assert_eq!(bench.names(), Vec::<String>::new());
}

/// Rule: nobody's new data is undone.
fn keeping(lab: &Lab) {
    let bench = Bench::joined(lab, false, None);
    let volume = bench.volume(1, "db", 16, None);
    let create = bench.create(&volume, None);
    let Undo::Run(undo) = &create.undo else { panic!() };
    let trashed = format!("vbs_trash.{}", id(1));
    let kept = || {
        assert!(bench.succeed(undo).stdout.starts_with("kept "));
        assert_eq!(bench.names(), [trashed.as_str()]);
        // And again.
        assert!(bench.succeed(undo).stdout.starts_with("kept "));
        lab.ok(&format!("lvremove -qq -y vg-0/{trashed}"));
    };
    bench.succeed(&create.run);
    lab.stamp("/dev/vg-0/db", 8192, "data");
    kept();
    bench.succeed(&create.run);
    lab.ok("sleep 600 </dev/vg-0/db >/dev/null 2>&1 & echo $! >/run/opener");
    assert!(bench.succeed(undo).stdout.starts_with("kept "));
    lab.ok("kill $(cat /run/opener)");
    kept();
    // Its maker was killed, and somebody used what they found.
    bench.killed(&create.run, Kill::After(1));
    lab.ok("dd if=/dev/zero of=/dev/vg-0/db bs=1M count=1 oflag=direct conv=fsync status=none");
    kept();
    // Nobody knows what was written before a restart.
    bench.succeed(&create.run);
    lab.ok("cd /var/lib/vbs/guard/vg/vg-0/thick; for each in made.*; do sed -i 's/^[^ ]*/another-boot/' $each; done");
    kept();
}

fn refusing(lab: &Lab) {
    let bench = Bench::joined(lab, false, None);
    lab.stranger("vg-0", "db", "8M");
    let before = lab.strangers("vg-0", &["db"]);
    let volume = bench.volume(1, "db", 16, None);
    let create = bench.create(&volume, None);
    bench.refuse(&create.run, "exists and is not ours");
    let Undo::Run(undo) = &create.undo else { panic!() };
    bench.succeed(undo);
    bench.refuse(&bench.destroy(&volume)[0].run, "is not the logical volume");
    let ours = bench.volume(2, "ours", 16, None);
    bench.made(&ours, None);
    bench.refuse(&bench.update(&ours, &bench.volume(2, "db", 16, None))[0].run, "exists and is not ours");
    bench
        .refuse(&bench.create(&bench.snapshot(3, "db", &ours, 8), Some(&ours)).run, "exists and is not ours");
    let copy = bench.volume(4, "db", 16, Some(&ours));
    let steps = bench.steps(Operation::Create { after: copy, source: Some(ours.clone()) });
    bench.refuse(&steps[0].run, "exists and is not ours");
    let Undo::Run(undo) = &steps[0].undo else { panic!() };
    bench.succeed(undo);
    assert_eq!(lab.strangers("vg-0", &["db"]), before);
    // Another size than was planned for.
    bench.refuse(&bench.destroy(&bench.volume(2, "ours", 12, None))[0].run, "were planned for");
    // Open.
    lab.ok("sleep 600 </dev/vg-0/ours >/dev/null 2>&1 & echo $! >/run/opener");
    bench.refuse(&bench.destroy(&ours)[0].run, "is open");
    lab.ok("kill $(cat /run/opener)");
    let grow = &bench.update(&ours, &bench.volume(2, "ours", 20, None))[0];
    bench.succeed(&grow.run);
    lab.ok("sleep 600 </dev/vg-0/ours >/dev/null 2>&1 & echo $! >/run/opener");
    let Undo::RunInSameProcess(undo) = &grow.undo else { panic!() };
    bench.refuse(undo, "is open");
    lab.ok("kill $(cat /run/opener)");
    // No room: LVM says so, and nothing is left.
    let state = bench.state();
    let huge = bench.run(&bench.create(&bench.volume(6, "huge", 1 << 20, None), None).run, None);
    assert!(huge.code == 5 && huge.stderr.contains("insufficient free space"), "{}", huge.stderr);
    assert_eq!(bench.state(), state);
    // LVM's own lock is held: the wait ends.
    lab.ok("flock /run/lock/lvm/V_vg-0 sleep 600 >/dev/null 2>&1 & echo $! >/run/locker; sleep 1");
    let late = bench.run(&bench.create(&bench.volume(7, "late", 8, None), None).run, None);
    assert!(late.code == 75 && late.stderr.contains("LVM's lock"), "{} {}", late.code, late.stderr);
    lab.ok("pkill -P $(cat /run/locker) || kill $(cat /run/locker)");
    assert_eq!(bench.state(), state);
    // A snapshot that ran full is a source no more.
    let small = bench.snapshot(8, "small", &ours, 4);
    bench.made(&small, Some(&ours));
    bench.noise("ours", 16);
    let copy = bench.volume(9, "copy", 20, Some(&small));
    let steps = bench.steps(Operation::Create { after: copy, source: Some(small.clone()) });
    bench.refuse(&steps[0].run, "run full");
    // Another group took the name.
    lab.ok("vgrename -qq vg-0 away; vgcreate -qq vg-0 /dev/vdc; lvcreate -qq -y -L 16M -n ours vg-0");
    assert_eq!(bench.run(&bench.destroy(&ours)[0].run, None).code, 77);
    lab.ok("vgremove -qq -y vg-0");
    assert_eq!(bench.run(&bench.destroy(&ours)[0].run, None).code, 77);
    assert_eq!(bench.run(&grow.run, None).code, 77);
}

/// Speed: LVM commands are what everything else is small against.
fn counting(lab: &Lab) {
    for thin in [false, true] {
        let bench = if thin {
            lab.ok("vgremove -qq -y vg-0; rm -r /opt/shims /opt/scripts /var/lib/vbs");
            Bench::joined(lab, true, None)
        } else {
            Bench::joined(lab, false, Some("none"))
        };
        let volumes: Vec<Record> =
            (0..4).map(|number| bench.volume(number, &format!("db{number}"), 8, None)).collect();
        for volume in &volumes {
            bench.succeed(&bench.create(volume, None).run);
            assert_eq!(bench.programs(), ["lvcreate"]);
            bench.succeed(&bench.destroy(volume)[0].run);
            assert_eq!(bench.programs(), ["lvchange", "lvrename"]);
        }
        let steps = bench.purge(&volumes.iter().collect::<Vec<_>>());
        assert_eq!(steps.len(), 1);
        bench.succeed(&steps[0].run);
        assert_eq!(bench.programs(), ["lvs", "lvremove"]);
        assert_eq!(bench.names(), if thin { vec!["tp"] } else { vec![] });
    }
}
