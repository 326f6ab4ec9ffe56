//! csi-sanity: asking twice, asking for something else under the same name, and asking for what is not there.

use crate::Case;
use crate::lab::Lab;
use crate::scene::{BOTH, STORAGE, Scene, both, snapshot, volume};

pub const CASES: &[Case] = &[
    Case::of("csi_sanity_create_same_name_same_capacity", same_name_same_capacity).on(STORAGE),
    Case::of("csi_sanity_create_same_name_different_capacity", same_name_other_capacity).on(STORAGE).shared(),
    Case::of("csi_sanity_create_volume_with_maximum_length_name", longest_name).on(STORAGE),
    Case::of("csi_sanity_delete_succeeds_when_the_volume_is_gone", delete_is_idempotent).on(STORAGE),
    Case::of("csi_sanity_snapshot_existing_name_different_source", snapshot_other_source).on(STORAGE),
    Case::of("csi_sanity_presence_of_new_volumes_and_absence_of_deleted_ones", presence_and_absence)
        .on(STORAGE),
    Case::of("csi_sanity_presence_of_new_snapshots_and_absence_of_deleted_ones", snapshots_listed)
        .on(STORAGE),
    Case::of("csi_sanity_node_expand_is_idempotent", expand_twice).on(STORAGE),
    Case::of("csi_sanity_create_from_source_that_does_not_exist", missing_source).on(STORAGE),
];

const DB: &str = "volume \"db_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n}\n";

fn same_name_same_capacity(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "mine"));
    let before = (scene.seqno(), scene.id("volume.db_thick"), scene.field("db_thin", "lv_uuid"));
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("No changes.");
    // The same size in other words, and a size that is rounded up to the same extents.
    scene.apply(&both(&DB.replace("8MiB", "8192KiB")));
    scene.apply(&both(&DB.replace("8MiB", "5000000")));
    assert_eq!((scene.seqno(), scene.id("volume.db_thick"), scene.field("db_thin", "lv_uuid")), before);
    assert!(BOTH.iter().all(|pool| scene.holds(&format!("db_{pool}"), "mine")));
    scene.close();
}

/// A name that something has is never taken over, whoever made it and however large it is.
fn same_name_other_capacity(lab: &Lab) {
    let scene = Scene::open(lab);
    lab.ok("lvcreate -qq -y -L 8M -n db_thick vg0; lvcreate -qq -V 16M -T vg0/tp0 -n db_thin");
    scene.write("db_thick", "theirs");
    for size in ["8MiB", "16MiB"] {
        scene.refuses(
            &both(&DB.replace("8MiB", size)),
            &["Already exists and is not ours", "\"db_thick\"", "\"db_thin\""],
        );
    }
    // A snapshot has its name in the same group.
    scene.refuses(
        &(volume("x", "thick", "size = \"8MiB\"") + "snapshot \"db_thin\" {\n  volume = volume.x\n}\n"),
        &["Already exists and is not ours", "\"db_thin\""],
    );
    // And a thin volume has the name of a thick one taken.
    scene.refuses(&volume("db_thick", "thin", "size = \"8MiB\""), &["Already exists and is not ours"]);
    assert!(scene.holds("db_thick", "theirs"));
    lab.ok("lvremove -qq -y vg0/db_thick vg0/db_thin");
    scene.nothing_is_left();
}

/// The longest name is taken by everything that is done with a volume, and one more is refused by validate.
fn longest_name(lab: &Lab) {
    let scene = Scene::open(lab);
    // Device-mapper's 127 bytes without `vg0-` and `-real`.
    let name = |letter: &str| letter.repeat(118);
    let named = |letter: &str, size: &str| {
        both(&format!(
            "volume \"db_POOL\" {{\n  pool = pool.POOL\n  size = {size:?}\n  name = \"POOL{}\"\n}}\n",
            &name(letter)[5..]
        ))
        .replace("thina", "thin_a")
        .replace("thinb", "thin_b")
    };
    let blocks = named("a", "8MiB")
        + "snapshot \"s\" {\n  volume = volume.db_thick\n  name = \""
        + &name("c")
        + "\"\n}\n";
    scene.apply(&blocks);
    let mut lengths: Vec<usize> = scene.live().iter().map(String::len).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [118, 118, 118]);
    scene.apply(&named("a", "8MiB"));
    scene.apply(&named("b", "12MiB"));
    assert!(scene.live().iter().all(|name| name.ends_with("bbbb")), "{:?}", scene.live());
    scene.declare(&volume("db", "thick", &format!("size = \"8MiB\"\n  name = \"{}\"", "a".repeat(119))));
    lab.vbs(&["validate"]).exits(1).says("is too long").says("128 bytes of device-mapper's 127");
    for name in ["a b", "snapshot1", "x_tdata", "-a", "vbs_trash.x", ".."] {
        scene.declare(&volume("db", "thick", &format!("size = \"8MiB\"\n  name = {name:?}")));
        lab.vbs(&["validate"]).exits(1).says(&format!("{name:?}"));
    }
    scene.declare(&named("b", "12MiB"));
    scene.close();
}

/// What somebody removed by hand is destroyed already; and destroying twice is nothing.
fn delete_is_idempotent(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    lab.ok("lvremove -qq -y vg0/db_thick vg0/db_thin");
    lab.vbs(&["drift"]).exits(2).says("volume.db_thick vanished").says("volume.db_thin vanished");
    // It is not made anew as if nothing had been there.
    scene.refuses_to(&["apply", "--auto-approve"], &["Vanished", "volume.db_thick", "volume.db_thin"]);
    lab.vbs(&["destroy", "--auto-approve"]).exits(0);
    lab.vbs(&["destroy", "--auto-approve"]).exits(0);
    scene.declare("");
    scene.settled();
    assert_eq!(scene.trash().len(), 0);
    scene.close();
}

fn snapshot_other_source(lab: &Lab) {
    let scene = Scene::open(lab);
    let volumes = both(DB) + &both(&DB.replace("db_", "other_"));
    let blocks = |of: &str| volumes.clone() + &both(&snapshot("s_POOL", &format!("{of}_POOL")));
    scene.apply(&blocks("db"));
    let before = BOTH.map(|pool| scene.field(&format!("s_{pool}"), "lv_uuid,origin"));
    // The same name and the same source: nothing to do. Another source: another content.
    scene.apply(&blocks("db"));
    scene.refuses(
        &blocks("other"),
        &["Only a replacement can change this", "snapshot.s_thick", "snapshot.s_thin"],
    );
    assert_eq!(BOTH.map(|pool| scene.field(&format!("s_{pool}"), "lv_uuid,origin")), before);
    // Two snapshots of one name are found before anything is looked at.
    scene.declare(
        &(blocks("db") + "snapshot \"t\" {\n  volume = volume.other_thick\n  name = \"s_thick\"\n}\n"),
    );
    lab.vbs(&["validate"]).exits(1).says("Name used twice");
    scene.declare(&blocks("db"));
    scene.close();
}

/// What vbs lists is what LVM lists.
fn presence_and_absence(lab: &Lab) {
    let scene = Scene::open(lab);
    let many = |keys: &str| {
        both(&format!(
            "volume \"many_POOL\" {{\n  for_each = toset([{keys}])\n  pool = pool.POOL\n  size = \"4MiB\"\n}}\n"
        ))
    };
    let listed = || {
        let described = lab.vbs(&["describe", "volumes", "--json"]).exits(0).json();
        let mut names: Vec<String> = described["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                assert_eq!((&entry["status"], &entry["looked_at"]), (&"available".into(), &true.into()));
                entry["values"]["name"].as_str().unwrap().to_owned()
            })
            .collect();
        names.sort();
        names
    };
    scene.apply(&many("\"a\", \"b\""));
    assert_eq!(listed(), ["many_thick_a", "many_thick_b", "many_thin_a", "many_thin_b"]);
    assert_eq!(scene.live(), listed());
    let stays = scene.field("many_thin_b", "lv_uuid");
    scene.apply(&many("\"b\", \"c\""));
    assert_eq!(listed(), ["many_thick_b", "many_thick_c", "many_thin_b", "many_thin_c"]);
    assert_eq!(scene.live(), listed());
    assert_eq!(scene.field("many_thin_b", "lv_uuid"), stays);
    let trash: Vec<String> =
        scene.trash().iter().map(|entry| entry["was"]["address"].as_str().unwrap().to_owned()).collect();
    assert!(trash.len() == 2 && trash.iter().all(|address| address.ends_with("[\"a\"]")), "{trash:?}");
    scene.close();
}

fn snapshots_listed(lab: &Lab) {
    let scene = Scene::open(lab);
    let snapshots = |which: &[&str]| {
        both(DB)
            + &which
                .iter()
                .map(|label| both(&snapshot(&format!("{label}_POOL"), "db_POOL")))
                .collect::<String>()
    };
    let listed = || {
        let described = lab.vbs(&["describe", "snapshots", "--json"]).exits(0).json();
        let entries = described["resources"].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["values"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of_lvm = || {
        let found = lab.ok(
            "lvs --noheadings -o lv_name,lv_tags vg0 | awk '$2 ~ /vbs.snapshot=/ { print $1 }' | LC_ALL=C sort",
        );
        found.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    scene.apply(&snapshots(&["a", "b"]));
    assert_eq!(listed(), ["a_thick", "a_thin", "b_thick", "b_thin"]);
    assert_eq!(of_lvm(), listed());
    scene.apply(&snapshots(&["b"]));
    assert_eq!(listed(), ["b_thick", "b_thin"]);
    assert_eq!(of_lvm(), listed());
    lab.vbs(&["describe", "snapshot.b_thick"]).exits(0).says("Status: available");
    scene.close();
}

/// Growing to the size that it has is nothing; one that was grown by hand is as it should be.
fn expand_twice(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    let wanted = both(&DB.replace("8MiB", "16MiB"));
    scene.apply(&wanted);
    let before = scene.seqno();
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("No changes.");
    assert_eq!(scene.seqno(), before);
    // Somebody was faster: what is there is what is wanted, and only the record is brought up to date.
    lab.ok("lvextend -qq -L 24M vg0/db_thick; lvextend -qq -L 24M vg0/db_thin");
    lab.vbs(&["drift"]).exits(2).says("volume.db_thick size is 24 MiB, recorded 16 MiB");
    scene.apply(&both(&DB.replace("8MiB", "24MiB")));
    assert_eq!((scene.mib("db_thick"), scene.mib("db_thin")), (24, 24));
    scene.close();
}

fn missing_source(lab: &Lab) {
    let scene = Scene::open(lab);
    for source in ["volume.none", "snapshot.none"] {
        scene.declare(&volume("copy", "thin", &format!("source = {source}")));
        lab.vbs(&["validate"]).exits(1).says("Unknown name").says("none");
        scene.refuses_to(&["apply", "--auto-approve"], &["Unknown name"]);
    }
    // Declared, and gone behind vbs's back.
    scene.apply(&both(DB));
    lab.ok("lvremove -qq -y vg0/db_thick vg0/db_thin");
    let copy = "volume \"copy_POOL\" {\n  pool = pool.POOL\n  source = volume.db_POOL\n}\n";
    scene.refuses(&both(&(DB.to_owned() + copy)), &["Vanished", "volume.db_thick", "volume.db_thin"]);
    assert!(!scene.exists("copy_thick") && !scene.exists("copy_thin"));
    scene.declare("");
    scene.close();
}
