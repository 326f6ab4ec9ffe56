//! targetd: making, copying, resizing and destroying volumes, and every way of asking for it wrongly.

use crate::Case;
use crate::lab::Lab;
use crate::scene::{BOTH, STORAGE, Scene, both, volume};

pub const CASES: &[Case] = &[
    Case::of("targetd_test_gp_vol_create_copy_destroy_operations", create_copy_destroy).on(STORAGE),
    Case::of("targetd_test_ep_copy_missing_volume", copy_missing).on(STORAGE),
    Case::of("targetd_test_gp_copy_expand_volume", copy_expand).on(STORAGE),
    Case::of("targetd_test_ep_copy_shrink_size_volume", copy_shrink).on(STORAGE),
    Case::of("targetd_test_gp_resize_grow", resize_grow).on(STORAGE),
    Case::of("targetd_test_ep_resize_same_size", resize_same).on(STORAGE),
    Case::of("targetd_test_ep_resize_shrink", resize_shrink).on(STORAGE),
    Case::of("targetd_test_ep_vol_name_collision", name_collision).on(STORAGE),
    Case::of("targetd_test_ep_non_existent_vol_destroy", destroy_missing).on(STORAGE),
    Case::of("targetd_test_ep_non_existent_pool", missing_pool).on(STORAGE),
];

const DB: &str = "volume \"db_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n}\n";
const COPY: &str = "volume \"copy_POOL\" {\n  pool = pool.POOL\n  source = volume.db_POOL\n}\n";

fn create_copy_destroy(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "content"));
    scene.apply(&both(&(DB.to_owned() + COPY)));
    for pool in BOTH {
        assert!(scene.holds(&format!("copy_{pool}"), "content"));
        let segment = scene.field(&format!("copy_{pool}"), "segtype,pool_lv");
        assert_eq!(segment.split_whitespace().next(), Some(if pool == "thin" { "thin" } else { "linear" }));
        // Two things with one identity would be mistaken for each other.
        let (first, second) =
            (scene.recorded(&format!("volume.db_{pool}")), scene.recorded(&format!("volume.copy_{pool}")));
        assert_ne!(first["values"]["serial"], second["values"]["serial"]);
    }
    lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0).says("Destroy complete!");
    scene.nothing_is_left();
}

/// Its source goes in the same plan that copies it.
fn copy_missing(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.refuses(&both(COPY), &["Unknown name", "db_thick", "db_thin"]);
    scene.apply(&both(DB));
    scene.refuses(&both(COPY), &["Unknown name"]);
    assert_eq!(scene.live(), ["db_thick", "db_thin"]);
    scene.declare(&both(DB));
    scene.close();
}

fn copy_expand(lab: &Lab) {
    let scene = Scene::open(lab);
    // Old bytes of somebody, where the copies will come to lie.
    lab.ok("lvcreate -qq -y -W n -Z n -l 20%FREE -n dirt vg0; \
         yes dirt | dd of=/dev/vg0/dirt bs=1M count=64 iflag=fullblock oflag=direct status=none; \
         lvremove -qq -y vg0/dirt");
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "content"));
    scene.apply(&both(&(DB.to_owned() + &COPY.replace("source", "size = \"20MiB\"\n  source"))));
    for pool in BOTH {
        let copy = format!("copy_{pool}");
        assert_eq!(scene.mib(&copy), 20);
        assert!(scene.holds(&copy, "content"));
        let behind = lab.ok(&format!("tail -c +8388609 /dev/vg0/{copy} | tr -d '\\0' | wc -c"));
        assert_eq!(behind, "0", "old bytes of another volume are behind the copy in {pool}");
    }
    scene.close();
}

fn copy_shrink(lab: &Lab) {
    let scene = Scene::open(lab);
    let smaller = both(&(DB.to_owned() + &COPY.replace("source", "size = \"4MiB\"\n  source")));
    scene.refuses(&smaller, &["Smaller than its source", "volume.db_thick", "volume.db_thin"]);
    scene.nothing_is_left();
}

fn resize_grow(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "content"));
    let before = BOTH.map(|pool| scene.field(&format!("db_{pool}"), "lv_uuid"));
    let output = scene.apply(&both(&DB.replace("8MiB", "13MiB")));
    output.says("2 changed");
    for pool in BOTH {
        let name = format!("db_{pool}");
        // Rounded up to extents of 4 MiB.
        assert_eq!(scene.mib(&name), 16);
        assert_eq!(lab.ok(&format!("blockdev --getsize64 /dev/vg0/{name}")), (16 << 20).to_string());
        assert!(scene.holds(&name, "content"));
    }
    assert_eq!(BOTH.map(|pool| scene.field(&format!("db_{pool}"), "lv_uuid")), before);
    scene.close();
}

fn resize_same(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    let before = scene.seqno();
    scene.apply(&both(&DB.replace("8MiB", "8388608")));
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("No changes.");
    assert_eq!(scene.seqno(), before);
    scene.close();
}

/// Never in place; and as a replacement only when that is asked for, with the old data in the trash.
fn resize_shrink(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "content"));
    let smaller = both(&DB.replace("8MiB", "4MiB"));
    scene.refuses(&smaller, &["Only a replacement can change this", "--replace 'volume.db_thick'"]);
    let old = BOTH.map(|pool| scene.id(&format!("volume.db_{pool}")));
    lab.vbs(&["apply", "--auto-approve", "--replace", "volume.db_thick", "--replace", "volume.db_thin"])
        .exits(0);
    scene.settled();
    for (pool, old) in BOTH.iter().zip(old) {
        assert_eq!(scene.mib(&format!("db_{pool}")), 4);
        assert_ne!(scene.id(&format!("volume.db_{pool}")), old);
        assert!(scene.holds(&format!("vbs_trash.{old}"), "content"));
    }
    scene.close();
}

fn name_collision(lab: &Lab) {
    let scene = Scene::open(lab);
    let same = |first: &str, second: &str| {
        volume("a", first, "size = \"8MiB\"\n  name = \"same\"")
            + &volume("b", second, "size = \"8MiB\"\n  name = \"same\"")
    };
    // Thick and thin volumes of one group share its names.
    for (first, second) in [("thick", "thick"), ("thin", "thin"), ("thick", "thin")] {
        scene.refuses(&same(first, second), &["Name used twice", "\"same\""]);
    }
    scene.nothing_is_left();
    // With what somebody else made, also between the plan and its apply.
    scene.declare(&both(DB));
    lab.vbs(&["plan", "--out", "saved.vbsplan"]).exits(0);
    lab.ok("lvcreate -qq -y -L 4M -n db_thick vg0");
    let uuid = scene.field("db_thick", "lv_uuid");
    assert_ne!(lab.vbs(&["apply", "saved.vbsplan"]).code, 0);
    assert_eq!(scene.live(), [""; 0]);
    assert_eq!((scene.mib("db_thick"), scene.field("db_thick", "lv_uuid")), (4, uuid));
    lab.ok("lvremove -qq -y vg0/db_thick");
    scene.nothing_is_left();
}

fn destroy_missing(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.declare(&both(DB));
    // Nothing was made yet.
    lab.vbs(&["destroy", "--auto-approve"]).exits(0);
    scene.refuses_to(&["destroy", "--auto-approve", "--target", "volume.none"], &["Unknown address"]);
    scene.apply(&both(DB));
    lab.ok("lvremove -qq -y vg0/db_thin");
    lab.vbs(&["destroy", "--auto-approve"]).exits(0);
    assert_eq!((scene.live(), scene.trash().len()), (vec![], 1));
    scene.close();
}

/// Nothing is ever taken for absent because its group cannot be seen.
fn missing_pool(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    let host = lab.host_block();
    let elsewhere = |group: &str, pool: &str| {
        format!(
            "{host}pool \"lvm\" \"p\" {{\n  host = host.store1\n  volume_group = \"{group}\"\n  {pool}\n}}\n{}",
            volume("db", "p", "size = \"8MiB\"")
        )
    };
    for (group, pool, word) in [
        ("vg9", "", "vg9"),
        ("vg0", "thin_pool = \"tp9\"", "tp9"),
        // A volume is no pool.
        ("vg0", "thin_pool = \"stranger_thick\"", "stranger_thick"),
    ] {
        lab.write("main.vbs.hcl", &elsewhere(group, pool));
        lab.vbs(&["plan", "--state", "other.db"]).exits(1).says("Cannot be looked at").says(word);
        lab.vbs(&["apply", "--auto-approve", "--state", "other.db"]).exits(1).says("Cannot be looked at");
    }
    // The group of what is recorded goes away: that is no reason to make it anew, nor to forget it.
    scene.declare(&both(DB));
    lab.ok("vgrename -qq vg0 vg1");
    for arguments in [&["plan"][..], &["apply", "--auto-approve"], &["destroy", "--auto-approve"], &["drift"]]
    {
        lab.vbs(arguments).exits(1).says("Cannot be looked at").says("vg0");
    }
    lab.vbs(&["describe"]).exits(1).says("not looked at");
    lab.ok("vgrename -qq vg1 vg0");
    scene.settled();
    scene.close();
}
