//! OpenStack's tempest: volumes, and what a volume begins with.

use crate::Case;
use crate::lab::Lab;
use crate::scene::{BOTH, STORAGE, Scene, both, volume};

pub const CASES: &[Case] = &[
    Case::of("tempest_test_volume_extend_when_volume_has_snapshot", extend_with_snapshot).on(STORAGE),
    Case::of("tempest_test_extend_attached_volume", extend_attached).on(STORAGE),
    Case::of("tempest_test_volume_extend_with_size_smaller_than_original_size", extend_to_less).on(STORAGE),
    Case::of("tempest_test_create_from_volume", create_from_volume).on(STORAGE),
    Case::of("tempest_test_create_from_volume_decreasing_size", create_from_volume_smaller).on(STORAGE),
    Case::of("tempest_test_delete_attached_volume", delete_attached).on(STORAGE),
    Case::of("tempest_test_unmanage_manage_volume", unmanage_manage_volume).on(STORAGE),
    Case::of("tempest_test_quota_volume_gigabytes", quota).on(STORAGE),
];

const DB: &str = "volume \"db_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n}\n";
const BEFORE: &str = "snapshot \"before_POOL\" {\n  volume = volume.db_POOL\n}\n";

fn grown(text: &str, size: &str) -> String {
    text.replace("\"8MiB\"", &format!("{size:?}"))
}

/// A thick volume with a snapshot is not grown: LVM would have to stop it. A thin one is, and the snapshot stays.
fn extend_with_snapshot(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "before"));
    scene.apply(&both(&(DB.to_owned() + BEFORE)));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "after!"));

    let wanted = both(&(grown(DB, "16MiB") + BEFORE));
    scene.refuses(&wanted, &["volume.db_thick", "snapshot"]);
    assert_eq!((scene.mib("db_thick"), scene.mib("db_thin")), (8, 8));

    let thin = grown(DB, "16MiB").replace("POOL", "thin");
    let thick = DB.replace("POOL", "thick");
    scene.apply(&(thick.clone() + &thin + &both(BEFORE)));
    assert_eq!((scene.mib("db_thick"), scene.mib("db_thin"), scene.mib("before_thin")), (8, 16, 8));
    for pool in BOTH {
        assert!(scene.holds(&format!("db_{pool}"), "after!"));
        assert!(scene.holds(&format!("before_{pool}"), "before"));
    }
    // What to do about it: the snapshot goes first.
    scene.apply(&(thick + &thin + &BEFORE.replace("POOL", "thin")));
    scene.apply(&(both(&grown(DB, "16MiB")) + &BEFORE.replace("POOL", "thin")));
    assert_eq!(scene.mib("db_thick"), 16);
    assert!(scene.holds("db_thick", "after!"));
    scene.close();
}

/// A mounted file system gets the room, and nobody loses a file.
fn extend_attached(lab: &Lab) {
    let scene = Scene::open(lab);
    let vms = "hypervisor \"directory\" \"vms\" {\n  host = host.store1\n  path = \"/srv/vms\"\n  create = true\n}\n";
    let disk = "attachment \"disk_POOL\" {\n  volume = volume.db_POOL\n  hypervisor = hypervisor.vms\n  vm = \"web\"\n  device = \"POOL\"\n}\n";
    let blocks = |size: &str| vms.to_owned() + &both(&(grown(DB, size) + disk));
    scene.apply(&blocks("16MiB"));
    for pool in BOTH {
        lab.ok(&format!(
            "mkfs.ext4 -q /srv/vms/web/{pool}; mkdir /mnt/{pool}; mount /srv/vms/web/{pool} /mnt/{pool}; \
             head -c 1M /dev/urandom > /mnt/{pool}/file; sync; sha256sum /mnt/{pool}/file > /root/sum.{pool}"
        ));
    }
    let blocks_of = |pool: &str| lab.ok(&format!("stat -f -c %b /mnt/{pool}")).parse::<u64>().unwrap();
    let before = BOTH.map(blocks_of);
    scene.apply(&blocks("32MiB"));
    for pool in BOTH {
        assert_eq!(scene.mib(&format!("db_{pool}")), 32);
        lab.ok(&format!("resize2fs $(findmnt -no SOURCE /mnt/{pool}) 2>&1; sha256sum -c /root/sum.{pool}"));
    }
    let after = BOTH.map(blocks_of);
    assert!(before.iter().zip(after).all(|(before, after)| after > before * 3 / 2), "{before:?} {after:?}");
    lab.ok("umount /mnt/thick /mnt/thin");
    BOTH.iter().for_each(|pool| {
        lab.ok(&format!("e2fsck -fn /dev/vg0/db_{pool}"));
    });
    scene.close();
}

fn extend_to_less(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "stamp"));
    scene.refuses(
        &both(&grown(DB, "4MiB")),
        &[
            "Only a replacement can change this",
            "volume.db_thick",
            "volume.db_thin",
            "shrinking cuts data off",
        ],
    );
    // Less than an extent less is the same size.
    scene.apply(&both(&grown(DB, "7MiB")));
    assert!(BOTH.iter().all(|pool| scene.holds(&format!("db_{pool}"), "stamp")));
    scene.close();
}

/// The copy is a volume of its own, also while the first one is written to, and what is behind the source is zeros.
fn create_from_volume(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "first"));
    let copy =
        "volume \"copy_POOL\" {\n  pool = pool.POOL\n  source = volume.db_POOL\n  size = \"12MiB\"\n}\n";
    scene.apply(&both(&(DB.to_owned() + copy)));
    for pool in BOTH {
        let (db, copy) = (format!("db_{pool}"), format!("copy_{pool}"));
        assert_eq!((scene.mib(&db), scene.mib(&copy)), (8, 12));
        let digest = |name: &str| {
            lab.ok(&format!("blockdev --flushbufs /dev/vg0/{name}; head -c 8M /dev/vg0/{name} | sha256sum"))
        };
        assert_eq!(digest(&db), digest(&copy), "the copy is not the volume");
        assert_eq!(lab.ok(&format!("tail -c +8388609 /dev/vg0/{copy} | tr -d '\\0' | wc -c")), "0");
        scene.write(&db, "later");
        assert!(scene.holds(&copy, "first"));
        scene.write(&copy, "other");
        assert!(scene.holds(&db, "later"));
    }
    // The source can go; nothing was made on the way that is left.
    assert_eq!(scene.live(), ["copy_thick", "copy_thin", "db_thick", "db_thin"]);
    assert_eq!(scene.marked(), scene.live());
    scene.close();
}

fn create_from_volume_smaller(lab: &Lab) {
    let scene = Scene::open(lab);
    let copy =
        "volume \"copy_POOL\" {\n  pool = pool.POOL\n  source = volume.db_POOL\n  size = \"4MiB\"\n}\n";
    scene.refuses(
        &both(&(DB.to_owned() + copy)),
        &["Smaller than its source", "volume.db_thick", "volume.db_thin", "8 MiB"],
    );
    scene.nothing_is_left();
}

/// What somebody has open is neither destroyed nor taken away from under them; vbs need not know who it is.
fn delete_attached(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    for pool in BOTH {
        let device = format!("/dev/vg0/db_{pool}");
        lab.ok(&format!(
            "mkfs.ext4 -q {device}; mkdir -p /mnt/{pool}; mount {device} /mnt/{pool}; echo kept > /mnt/{pool}/file"
        ));
    }
    let before = scene.marked();
    for arguments in [&["apply", "--auto-approve"][..], &["destroy", "--purge", "--auto-approve"]] {
        scene.declare("");
        let output = lab.vbs(arguments).says("In use").says("volume.db_thick").says("volume.db_thin");
        assert_ne!(output.code, 0);
        assert_eq!(scene.marked(), before);
        lab.ok("sync; grep -q kept /mnt/thick/file; grep -q kept /mnt/thin/file");
    }
    lab.ok("umount /mnt/thick /mnt/thin");
    scene.apply("");
    assert_eq!(scene.live(), [""; 0]);
    scene.close();
}

/// A volume is given up and taken back as it is: its data, its size and its name.
fn unmanage_manage_volume(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "mine"));
    let ids = BOTH.map(|pool| scene.id(&format!("volume.db_{pool}")));
    lab.vbs(&["state", "rm", "volume.db_thick", "volume.db_thin"]).exits(0).says("stays on its host");
    assert_eq!(scene.live(), ["db_thick", "db_thin"]);
    // They are still marked, so the plan does not make them a second time.
    scene.refuses_to(&["plan"], &["Ours but not recorded"]);
    lab.vbs(&["state", "rebuild", "--auto-approve"]).exits(0);
    scene.settled();
    assert_eq!(BOTH.map(|pool| scene.id(&format!("volume.db_{pool}"))), ids);

    // Without marks they are anybody's, and are adopted only when that is asked for.
    lab.vbs(&["state", "rm", "volume.db_thick", "volume.db_thin"]).exits(0);
    for pool in BOTH {
        let name = format!("vg0/db_{pool}");
        lab.ok(&format!(
            "for tag in $(lvs --noheadings -o lv_tags {name} | tr ',' ' '); do lvchange -qq --deltag $tag {name}; done"
        ));
    }
    scene.refuses_to(&["apply", "--auto-approve"], &["Already exists and is not ours"]);
    let uuids = BOTH.map(|pool| scene.field(&format!("db_{pool}"), "lv_uuid"));
    lab.vbs(&["discover"]).exits(0).says("db_thick").says("db_thin");
    for pool in BOTH {
        lab.vbs(&["import", &format!("volume.db_{pool}"), &format!("db_{pool}"), "--auto-approve"]).exits(0);
        assert!(scene.holds(&format!("db_{pool}"), "mine"));
    }
    scene.settled();
    assert_eq!(BOTH.map(|pool| scene.field(&format!("db_{pool}"), "lv_uuid")), uuids);
    assert_eq!(scene.live(), ["db_thick", "db_thin"]);
    scene.close();
}

/// What a pool cannot hold is refused before anything is made, the trash counted.
fn quota(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.refuses(&volume("big", "thick", "size = \"64GiB\""), &["The pool cannot hold this", "pool.thick"]);
    scene.refuses(&volume("big", "thin", "size = \"64GiB\""), &["The pool cannot hold this", "pool.thin"]);
    // 16 MiB of 512 are a stranger's.
    let most = volume("most", "thin", "size = \"400MiB\"");
    scene.apply(&most);
    scene.refuses(
        &(most.clone() + &volume("more", "thin", "size = \"128MiB\"")),
        &["The pool cannot hold this"],
    );
    scene.apply("");
    scene.refuses(&volume("more", "thin", "size = \"128MiB\""), &["The pool cannot hold this", "trash"]);
    lab.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(0);
    scene.apply(&volume("more", "thin", "size = \"128MiB\""));
    // A snapshot of a thick volume needs room of its own.
    let free = lab.ok("vgs --noheadings --units m --nosuffix -o vg_free vg0");
    let half: u64 = free.trim().parse::<f64>().unwrap() as u64 * 3 / 5;
    let big = volume("more", "thin", "size = \"128MiB\"")
        + &volume("half", "thick", &format!("size = \"{half}MiB\""));
    scene.apply(&big);
    scene.refuses(
        &(big.clone() + "snapshot \"s\" {\n  volume = volume.half\n}\n"),
        &["The pool cannot hold this", "pool.thick"],
    );
    scene.apply(&(big + "snapshot \"s\" {\n  volume = volume.half\n  reserve = \"16MiB\"\n}\n"));
    assert_eq!(scene.mib("s"), 16);
    // It would be wiped for minutes.
    lab.vbs(&["destroy", "--target", "snapshot.s", "--auto-approve"]).exits(0);
    scene.declare_with("wipe = \"none\"", "");
    scene.close();
}
