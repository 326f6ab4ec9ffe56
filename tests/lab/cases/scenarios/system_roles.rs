//! linux-system-roles, its role `storage`: pools and volumes as a playbook declares them, twice each, and every way of
//! declaring them wrongly.

use crate::Case;
use crate::cases::made::{BEFORE, DB, GONE, MADE, MORE, made, nobody_is_harmed, open};
use crate::lab::Lab;
use crate::scene::{BOTH, STORAGE, Scene, both, volume};
use crate::storage::{Behaviour, DISK_B};

pub const CASES: &[Case] = &[
    Case::of("linux_system_roles_tests_create_lvm_pool_then_remove", create_pool_then_remove).on(STORAGE),
    Case::of("linux_system_roles_tests_create_thinp_then_remove", create_thinp_then_remove).on(STORAGE),
    Case::of("linux_system_roles_tests_create_lv_size_equal_to_vg", size_equal_to_group).on(STORAGE),
    Case::of("linux_system_roles_tests_lvm_auto_size_cap", size_cap).on(STORAGE),
    Case::of("linux_system_roles_tests_lvm_percent_size", percent_size).on(STORAGE),
    Case::of("linux_system_roles_tests_lvm_errors", errors).on(STORAGE).shared(),
    Case::of("linux_system_roles_tests_disk_errors", disk_errors).on(STORAGE),
    Case::of("linux_system_roles_tests_existing_lvm_pool", existing_pool).on(STORAGE).shared(),
    Case::of("linux_system_roles_tests_remove_nonexistent_pool", remove_nonexistent_pool).on(STORAGE),
    Case::of("linux_system_roles_tests_resize", resize).on(MADE),
    Case::of("linux_system_roles_tests_safe_mode_check", safe_mode).on(STORAGE),
    Case::of("linux_system_roles_tests_lvm_pool_pv_grow", disk_grows).on(STORAGE),
];

/// One pool in another group than the strangers'.
fn pool(lab: &Lab, group: &str, blocks: &str) {
    lab.write(
        "main.vbs.hcl",
        &format!(
            "{}pool \"lvm\" \"p\" {{\n  host = host.store1\n  volume_group = \"{group}\"\n}}\n{blocks}",
            lab.host_block()
        ),
    );
}

/// A pool is taken into use with its first volume and left with its last one. The group was there before and stays.
fn create_pool_then_remove(lab: &Lab) {
    let scene = Scene::open(lab);
    let one = volume("one", "thick", "size = \"8MiB\"");
    scene.apply(&(one.clone() + &volume("two", "thick", "size = \"4MiB\"")));
    assert_eq!(scene.live(), ["one", "two"]);
    scene.apply(&one);
    assert_eq!(scene.live(), ["one"]);
    scene.close();
    // Nothing is there any more, and removing it again is no error.
    lab.vbs(&["destroy", "--auto-approve"]).exits(0);
}

fn create_thinp_then_remove(lab: &Lab) {
    let scene = Scene::open(lab);
    let uuid = scene.field("tp0", "lv_uuid");
    scene.apply(&volume("one", "thin", "size = \"400MiB\""));
    assert_eq!((scene.field("one", "pool_lv"), scene.mib("one")), ("tp0".to_owned(), 400));
    lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    scene.nothing_is_left();
    assert_eq!(scene.field("tp0", "lv_uuid"), uuid);
}

fn size_equal_to_group(lab: &Lab) {
    let scene = Scene::open(lab);
    lab.ok("lvcreate -qq -Wn -l 100%FREE -n most vg0; lvreduce -qq -y -f -l -4 vg0/most");
    scene.refuses(&volume("whole", "thick", "size = \"16777217\""), &["The pool cannot hold this", "20 MiB"]);
    scene.apply(&volume("whole", "thick", "size = \"16MiB\""));
    assert_eq!(lab.ok("vgs --noheadings -o vg_free_count vg0").trim(), "0");
    // What is destroyed still has its data, so its room is not free before it is purged.
    scene.refuses(&volume("next", "thick", "size = \"16MiB\""), &["The pool cannot hold this"]);
    lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    scene.apply(&volume("next", "thick", "size = \"16MiB\""));
    scene.strangers_are_unharmed();
}

/// Nothing is ever made smaller than it was declared: it is refused.
fn size_cap(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.refuses(
        &(volume("thick", "thick", "size = \"64GiB\"") + &volume("thin", "thin", "size = \"64GiB\"")),
        &[
            "The pool cannot hold this",
            "pool.thick can promise",
            "pool.thin can promise 512 MiB",
            "adds 64 GiB",
        ],
    );
    // 16 MiB of the thin pool are promised to a stranger.
    scene.refuses(&volume("thin", "thin", "size = \"497MiB\""), &["16 MiB are promised already"]);
    scene.apply(&volume("thin", "thin", "size = \"496MiB\""));
    assert_eq!(scene.mib("thin"), 496);
}

/// A share of something that changes is no size; what is kept free may be one.
fn percent_size(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.declare(&volume("half", "thin", "size = \"50%\""));
    lab.vbs(&["validate"]).exits(1).says("size").says("50%");
    let thin = |size: &str| volume("half", "thin", &format!("size = \"{size}\""));
    scene.declare_with("reserve_free = \"50%\"", &thin("256MiB"));
    scene.refuses_to(&["apply", "--auto-approve"], &["pool.thin can promise 256 MiB", "reserve_free"]);
    scene.declare_with("reserve_free = \"50%\"", &thin("240MiB"));
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 added");
    scene.settled();
}

/// All of them at once, with places, before any host is asked; and then all that only the host knows.
fn errors(lab: &Lab) {
    let scene = Scene::open(lab);
    let same = |label: &str| volume(label, "thick", "size = \"8MiB\"\n  name = \"same\"");
    let (much, nowhere) =
        (volume("c", "thick", "size = \"much\""), volume("d", "nowhere", "size = \"8MiB\""));
    scene.declare(&(same("a") + &same("b") + &much + &nowhere));
    lab.vbs(&["validate"])
        .exits(1)
        .says("Name used twice")
        .says("\"much\" is not a size")
        .says("There is no pool named `nowhere`")
        .says("on main.vbs.hcl line");
    scene.declare(&volume("e", "thick", "colour = \"red\"\n  size = \"8MiB\""));
    lab.vbs(&["validate"]).exits(1).says("Unknown attribute").says("colour");
    scene.declare(
        &(volume("a", "thick", "size = \"8MiB\"\n  name = \"stranger_thick\"")
            + &volume("b", "thick", "size = \"64GiB\"")
            + &volume("c", "thin", "size = \"8MiB\"\n  name = \"stranger_raid\"")),
    );
    let words = [
        "Already exists and is not ours",
        "\"stranger_thick\"",
        "\"stranger_raid\"",
        "The pool cannot hold this",
    ];
    scene.refuses_to(&["apply", "--auto-approve"], &words);
    scene.nothing_is_left();
}

/// The disk takes no write while a volume is made: what was made before it is taken back, and later all goes.
fn disk_errors(lab: &Lab) {
    let scene = Scene::open(lab);
    let disk = lab.breakable("brittle", DISK_B);
    lab.volume_group("vg1", &disk);
    lab.stranger("vg1", "theirs", "8M");
    pool(lab, "vg1", &volume("first", "p", "size = \"4MiB\""));
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    let look = || lab.ok("lvs -a --noheadings -o lv_name,lv_size,lv_uuid,lv_tags vg1");
    let before = look();
    let more = volume("first", "p", "size = \"4MiB\"") + &volume("second", "p", "size = \"4MiB\"");
    pool(lab, "vg1", &more);
    lab.behave("brittle", Behaviour::RefusesWrites);
    let failed = lab.vbs(&["apply", "--auto-approve"]);
    assert!([1, 3].contains(&failed.code), "{}", failed.text());
    lab.behave("brittle", Behaviour::Works);
    assert_eq!(look(), before);
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 added");
    lab.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert!(lab.has_stamp("/dev/vg1/theirs", 0, "theirs"));
    scene.strangers_are_unharmed();
}

/// Volumes that somebody made before vbs came are taken over as they are, one by one, and the others left alone.
fn existing_pool(lab: &Lab) {
    let scene = Scene::open(lab);
    for (name, arguments) in [("old_thick", "-L 8M"), ("old_thin", "-V 8M --thinpool tp0")] {
        lab.ok(&format!("lvcreate -qq -y {arguments} -n {name} vg0"));
        scene.write(name, "theirs");
    }
    let uuids = ["old_thick", "old_thin"].map(|name| scene.field(name, "lv_uuid"));
    let old = both("volume \"old_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n}\n");
    scene.refuses(&old, &["Already exists and is not ours", "vbs import volume.old_thick old_thick"]);
    for pool in BOTH {
        lab.vbs(&["import", &format!("volume.old_{pool}"), &format!("old_{pool}"), "--auto-approve"])
            .exits(0);
    }
    scene.settled();
    assert_eq!(["old_thick", "old_thin"].map(|name| scene.field(name, "lv_uuid")), uuids);
    scene.apply(&old.replace("8MiB", "12MiB"));
    assert!(scene.holds("old_thick", "theirs") && scene.holds("old_thin", "theirs"));
    scene.strangers_are_unharmed();
}

/// Where nothing was ever made there is nothing to destroy; what cannot be seen is said all the same.
fn remove_nonexistent_pool(lab: &Lab) {
    let scene = Scene::open(lab);
    let before = scene.seqno();
    pool(lab, "vg9", &volume("db", "p", "size = \"8MiB\""));
    // Nothing was ever made there, so there is nothing to destroy; a plan that would make something says what is missing.
    for _ in 0..2 {
        lab.vbs(&["destroy", "--auto-approve"]).exits(0).says("No changes. There is nothing to destroy.");
    }
    lab.vbs(&["plan"]).exits(1).says("there is no volume group vg9 here");
    assert_eq!(scene.seqno(), before);
    assert_eq!(lab.vbs(&["state", "list"]).exits(0).stdout, "");
}

fn resize(lab: &Lab) {
    let scene = open(lab);
    let sized = |size: &str| both(&[&DB.replace("8MiB", size), GONE, BEFORE].concat());
    scene.apply(&sized("16MiB")).says("2 changed");
    assert_eq!(BOTH.map(|pool| scene.mib(&format!("db_{pool}"))), [16, 16]);
    let shrink = [
        "Only a replacement can change this",
        "shrinking cuts data off",
        "volume.db_thick",
        "volume.db_thin",
    ];
    scene.refuses(&sized("8MiB"), &shrink);
    scene.refuses(&sized("64GiB"), &["The pool cannot hold this", "pool.thick", "pool.thin"]);
    scene.declare(&sized("invalid"));
    lab.vbs(&["plan"]).exits(1).says("\"invalid\"");
    // As large as the pool, and a byte more than that.
    let room: u64 = 512 - 16 - 4 - 4;
    scene.refuses(
        &sized("16MiB").replace(
            "pool = pool.thin\n  size = \"16MiB\"",
            &format!("pool = pool.thin\n  size = \"{}\"", (room << 20) + 1),
        ),
        &["The pool cannot hold this", "pool.thin"],
    );
    scene.apply(&sized("16MiB").replace(
        "pool = pool.thin\n  size = \"16MiB\"",
        &format!("pool = pool.thin\n  size = \"{room}MiB\""),
    ));
    nobody_is_harmed(&scene);
}

/// Nothing that vbs did not make is overwritten, whatever lies in it.
fn safe_mode(lab: &Lab) {
    let scene = Scene::open(lab);
    lab.ok("lvcreate -qq -y -L 8M -n db_thick vg0; mkfs.ext4 -q /dev/vg0/db_thick; \
            lvcreate -qq -V 8M -T vg0/tp0 -n db_thin; mkfs.ext4 -q /dev/vg0/db_thin");
    let digest =
        || lab.ok("sha256sum /dev/vg0/db_thick /dev/vg0/db_thin; lvs --noheadings -o lv_uuid,lv_tags vg0");
    let before = digest();
    let words =
        ["Already exists and is not ours", "volume.db_thick", "volume.db_thin", "vbs never overwrites"];
    scene.refuses(&both(DB), &words);
    // Neither replacing nor making anew is a way around it.
    for option in ["--recreate", "--replace"] {
        let refused = lab.vbs(&["apply", "--auto-approve", option, "volume.db_thick"]);
        assert_eq!(refused.code, 1, "{option}");
    }
    assert_eq!(digest(), before);
    // And what is beside it can be made.
    scene.apply(&both(MORE));
    assert_eq!(scene.live(), ["more_thick", "more_thin"]);
    scene.strangers_are_unharmed();
    assert!(!made().is_empty());
}

/// The disk of the group becomes larger: what could not be made before can be.
fn disk_grows(lab: &Lab) {
    let scene = Scene::open(lab);
    let part = lab.part("part", DISK_B, 8, 32);
    lab.volume_group("vg1", &part);
    let db = volume("db", "p", "size = \"48MiB\"");
    pool(lab, "vg1", &db);
    lab.vbs(&["apply", "--auto-approve"]).exits(1).says("The pool cannot hold this").says("28 MiB");
    lab.ok(&format!(
        "dmsetup load part --table \"0 $((96 * 2048)) linear $(readlink -f {DISK_B}) $((8 * 2048))\"; \
         dmsetup suspend part; dmsetup resume part; udevadm settle; pvresize -qq /dev/mapper/part"
    ));
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 added");
    lab.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert_eq!(lab.ok("lvs --noheadings --units m --nosuffix -o lv_size vg1/db").trim(), "48.00");
    scene.strangers_are_unharmed();
}
