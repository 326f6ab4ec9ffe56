//! OpenStack's tempest: snapshots, and what is made from them.

use crate::Case;
use crate::lab::Lab;
use crate::scene::{BOTH, STORAGE, Scene, both};

pub const CASES: &[Case] = &[
    Case::of("tempest_test_volume_from_snapshot", volume_from_snapshot).on(STORAGE),
    Case::of("tempest_test_volume_from_snapshot_no_size", from_snapshot_no_size).on(STORAGE),
    Case::of("tempest_test_volume_from_snapshot_decreasing_size", from_snapshot_smaller).on(STORAGE),
    Case::of("tempest_test_snapshot_create_delete_with_volume_in_use", in_use).on(STORAGE),
    Case::of("tempest_test_snapshot_create_offline_delete_online", offline_online).on(STORAGE),
    Case::of("tempest_test_volume_delete_cascade", delete_cascade).on(STORAGE),
    Case::of("tempest_test_volume_from_snapshot_cascade_delete", cascade_delete_keeps_copy).on(STORAGE),
    Case::of("tempest_test_unmanage_manage_snapshot", unmanage_manage_snapshot).on(STORAGE),
    Case::of("tempest_test_stamp_pattern", stamp_pattern).on(STORAGE),
    Case::of("tempest_test_snapshot_pattern", snapshot_pattern).on(STORAGE),
];

const DB: &str = "volume \"db_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n}\n";
const BEFORE: &str = "snapshot \"before_POOL\" {\n  volume = volume.db_POOL\n}\n";
const COPY: &str = "volume \"copy_POOL\" {\n  pool = pool.POOL\n  source = snapshot.before_POOL\n  MORE\n}\n";

fn of(pieces: &[&str]) -> String {
    both(&pieces.concat())
}

/// Volumes that hold `early`, snapshots of that, and `later` written over it.
fn with_snapshots(scene: &Scene) {
    scene.apply(&of(&[DB]));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "early"));
    scene.apply(&of(&[DB, BEFORE]));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "later"));
}

fn volume_from_snapshot(lab: &Lab) {
    let scene = Scene::open(lab);
    with_snapshots(&scene);
    scene.apply(&of(&[DB, BEFORE, &COPY.replace("MORE", "size = \"16MiB\"")]));
    for pool in BOTH {
        let copy = format!("copy_{pool}");
        assert_eq!(scene.mib(&copy), 16);
        assert!(scene.holds(&copy, "early") && scene.holds(&format!("db_{pool}"), "later"));
        assert_eq!(lab.ok(&format!("tail -c +8388609 /dev/vg0/{copy} | tr -d '\\0' | wc -c")), "0");
        // It can be written to although a snapshot cannot.
        scene.write(&copy, "third");
        assert!(scene.holds(&format!("before_{pool}"), "early"));
        assert_ne!(lab.sh(&format!("echo x | dd of=/dev/vg0/before_{pool} conv=fsync")).code, 0);
    }
    scene.close();
}

fn from_snapshot_no_size(lab: &Lab) {
    let scene = Scene::open(lab);
    with_snapshots(&scene);
    scene.apply(&of(&[DB, BEFORE, &COPY.replace("MORE", "")]));
    for pool in BOTH {
        assert_eq!(scene.mib(&format!("copy_{pool}")), 8);
        assert!(scene.holds(&format!("copy_{pool}"), "early"));
    }
    scene.close();
}

fn from_snapshot_smaller(lab: &Lab) {
    let scene = Scene::open(lab);
    let smaller = COPY.replace("MORE", "size = \"4MiB\"");
    scene.refuses(
        &of(&[DB, BEFORE, &smaller]),
        &["Smaller than its source", "snapshot.before_thick", "snapshot.before_thin", "8 MiB"],
    );
    scene.nothing_is_left();
}

/// The file system is mounted and written to while its snapshot comes and goes.
fn in_use(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&of(&[DB]));
    for pool in BOTH {
        lab.ok(&format!(
            "mkfs.ext4 -q /dev/vg0/db_{pool}; mkdir -p /mnt/{pool}; mount /dev/vg0/db_{pool} /mnt/{pool}; \
             echo early > /mnt/{pool}/file; sync"
        ));
    }
    scene.apply(&of(&[DB, BEFORE]));
    lab.ok("echo later > /mnt/thick/file; echo later > /mnt/thin/file; sync");
    scene.apply(&of(&[DB, BEFORE, &COPY.replace("MORE", "")]));
    for pool in BOTH {
        // Its journal is played on the copy, which is the reader's own.
        lab.ok(&format!("mkdir /mnt/copy_{pool}; mount /dev/vg0/copy_{pool} /mnt/copy_{pool}"));
        assert_eq!(lab.ok(&format!("cat /mnt/copy_{pool}/file /mnt/{pool}/file")), "early\nlater");
        lab.ok(&format!("umount /mnt/copy_{pool}"));
    }
    scene.apply(&of(&[DB]));
    assert_eq!(scene.live(), ["db_thick", "db_thin"]);
    lab.ok("grep -q later /mnt/thick/file; grep -q later /mnt/thin/file; umount /mnt/thick /mnt/thin");
    lab.ok("e2fsck -fn /dev/vg0/db_thick; e2fsck -fn /dev/vg0/db_thin");
    scene.close();
}

fn offline_online(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&of(&[DB]));
    lab.ok("for pool in thick thin; do mkfs.ext4 -q /dev/vg0/db_$pool; done");
    scene.apply(&of(&[DB, BEFORE]));
    lab.ok("for pool in thick thin; do mkdir /mnt/$pool; mount /dev/vg0/db_$pool /mnt/$pool; echo x > /mnt/$pool/file; done");
    scene.apply(&of(&[DB]));
    assert_eq!(scene.live(), ["db_thick", "db_thin"]);
    lab.ok("sync; grep -q x /mnt/thick/file; grep -q x /mnt/thin/file; umount /mnt/thick /mnt/thin");
    scene.close();
}

/// Volume and snapshots in one plan: the snapshots go for good, the volume's data waits in the trash.
fn delete_cascade(lab: &Lab) {
    let scene = Scene::open(lab);
    with_snapshots(&scene);
    let second = "snapshot \"second_POOL\" {\n  volume = volume.db_POOL\n}\n";
    scene.apply(&of(&[DB, BEFORE, second]));
    scene.apply("");
    assert_eq!(scene.live(), [""; 0]);
    let trash = scene.marked();
    assert!(trash.len() == 2 && trash.iter().all(|name| name.starts_with("vbs_trash.")), "{trash:?}");
    assert!(trash.iter().all(|name| scene.holds(name, "later")));
    scene.close();
}

fn cascade_delete_keeps_copy(lab: &Lab) {
    let scene = Scene::open(lab);
    with_snapshots(&scene);
    let copy = COPY.replace("MORE", "");
    scene.apply(&of(&[DB, BEFORE, &copy]));
    // A copy is a volume of its own: what it came from need not be declared any longer.
    let alone = copy.replace("source = snapshot.before_POOL", "size = \"8MiB\"");
    scene.apply(&of(&[&alone]));
    lab.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(0);
    assert_eq!(scene.marked(), ["copy_thick", "copy_thin"]);
    assert!(BOTH.iter().all(|pool| scene.holds(&format!("copy_{pool}"), "early")));
    scene.settled();
    scene.close();
}

fn unmanage_manage_snapshot(lab: &Lab) {
    let scene = Scene::open(lab);
    with_snapshots(&scene);
    let before = BOTH.map(|pool| scene.id(&format!("snapshot.before_{pool}")));
    lab.vbs(&["state", "rm", "snapshot.before_thick", "snapshot.before_thin"]).exits(0);
    lab.vbs(&["state", "rebuild", "--auto-approve"]).exits(0);
    scene.settled();
    assert_eq!(BOTH.map(|pool| scene.id(&format!("snapshot.before_{pool}"))), before);

    lab.vbs(&["state", "rm", "snapshot.before_thick", "snapshot.before_thin"]).exits(0);
    for pool in BOTH {
        let name = format!("vg0/before_{pool}");
        lab.ok(&format!(
            "for tag in $(lvs --noheadings -o lv_tags {name} | tr ',' ' '); do lvchange -qq --deltag $tag {name}; done"
        ));
    }
    scene.refuses_to(&["apply", "--auto-approve"], &["Already exists and is not ours"]);
    for pool in BOTH {
        let address = format!("snapshot.before_{pool}");
        lab.vbs(&["import", &address, &format!("before_{pool}"), "--auto-approve"]).exits(0);
    }
    scene.settled();
    assert!(BOTH.iter().all(|pool| scene.holds(&format!("before_{pool}"), "early")));
    scene.apply(&of(&[DB, BEFORE, &COPY.replace("MORE", "")]));
    assert!(BOTH.iter().all(|pool| scene.holds(&format!("copy_{pool}"), "early")));
    scene.close();
}

/// A stamp, a snapshot, another stamp; a volume from the snapshot has the first one.
fn stamp_pattern(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&of(&[DB]));
    let stamp = |pool: &str, text: &str| {
        let device = format!("/dev/vg0/db_{pool}");
        lab.ok(&format!(
            "[ -n \"$(blkid {device})\" ] || mkfs.ext4 -q {device}; mkdir -p /mnt/db; mount {device} /mnt/db; \
             echo {text} > /mnt/db/timestamp; umount /mnt/db"
        ));
    };
    BOTH.iter().for_each(|pool| stamp(pool, "first"));
    scene.apply(&of(&[DB, BEFORE]));
    BOTH.iter().for_each(|pool| stamp(pool, "second"));
    scene.apply(&of(&[DB, BEFORE, &COPY.replace("MORE", "")]));
    for pool in BOTH {
        lab.ok(&format!("mkdir -p /mnt/copy; mount /dev/vg0/copy_{pool} /mnt/copy"));
        assert_eq!(lab.ok("cat /mnt/copy/timestamp; umount /mnt/copy"), "first");
        lab.ok(&format!("e2fsck -fn /dev/vg0/copy_{pool}"));
    }
    scene.close();
}

/// A chain: a snapshot of a volume that was made from a snapshot, and back to it in place.
fn snapshot_pattern(lab: &Lab) {
    let scene = Scene::open(lab);
    with_snapshots(&scene);
    let copy = COPY.replace("MORE", "");
    let of_copy = "snapshot \"chained_POOL\" {\n  volume = volume.copy_POOL\n}\n";
    scene.apply(&of(&[DB, BEFORE, &copy, of_copy]));
    BOTH.iter().for_each(|pool| scene.write(&format!("copy_{pool}"), "wrong"));
    let ids = BOTH.map(|pool| scene.id(&format!("volume.copy_{pool}")));
    lab.vbs(&[
        "apply",
        "--auto-approve",
        "--restore",
        "volume.copy_thick=snapshot.chained_thick",
        "--restore",
        "volume.copy_thin=snapshot.chained_thin",
    ])
    .exits(0);
    scene.settled();
    assert_eq!(BOTH.map(|pool| scene.id(&format!("volume.copy_{pool}"))), ids);
    for pool in BOTH {
        assert!(scene.holds(&format!("copy_{pool}"), "early"));
        assert!(scene.holds(&format!("chained_{pool}"), "early"));
        assert!(scene.holds(&format!("db_{pool}"), "later"));
    }
    scene.close();
}
