//! What cannot be looked at is never taken for absent: whatever is out of reach, and whatever was edited, nothing there
//! is planned to be made, destroyed or forgotten, and everything else goes on.

use std::collections::BTreeSet;

use super::made::{DB, MADE, MORE, made, nobody_is_harmed, open, wanted};
use crate::Case;
use crate::lab::Lab;
use crate::scene::{STORAGE, Scene, both, volume};
use crate::storage::DISK_B;

pub const CASES: &[Case] = &[
    Case::of("outage: SSH breaks off, with every kind of change to be made", ssh).on(MADE),
    Case::of("outage: a disk of the group is taken away", partial).on(STORAGE),
    Case::of("outage: host is edited", edited_host).on(MADE),
    Case::of("outage: volume_group and thin_pool are edited", edited_group).on(MADE).shared(),
    Case::of("outage: a group is made again under its name", made_again).on(STORAGE),
    Case::of("outage: one dead host of three", one_of_three).on(STORAGE).shared(),
];

/// As it was applied; with something to be made, grown and destroyed; with everything to be destroyed.
fn configurations() -> [String; 3] {
    [made(), wanted(), String::new()]
}

/// Every address that is recorded.
fn recorded(lab: &Lab) -> String {
    lab.vbs(&["state", "list"]).exits(0).stdout
}

/// What a plan of the configuration that is written would do, by address.
#[track_caller]
fn planned(lab: &Lab, arguments: &[&str]) -> BTreeSet<(String, String)> {
    let plan = lab.vbs(&[&["plan", "--json"], arguments].concat()).exits(1).json();
    let changes = plan["resource_changes"].as_array().unwrap();
    (changes.iter())
        .flat_map(|change| {
            let address = change["address"].as_str().unwrap().to_owned();
            let actions = change["change"]["actions"].as_array().unwrap();
            actions.iter().map(move |action| (address.clone(), action.as_str().unwrap().to_owned()))
        })
        .collect()
}

/// Whatever is declared, with everything as `edit` writes it nothing is done, and all say why. The state keeps everything.
#[track_caller]
fn nothing_is_done(scene: &Scene, recorded_before: &str, why: &str, edit: impl Fn(&str) -> String) {
    let lab = scene.lab;
    for blocks in configurations() {
        scene.declare(&blocks);
        let edited = edit(&lab.workspace.read("main.vbs.hcl"));
        lab.write("main.vbs.hcl", &edited);
        assert_eq!(planned(lab, &[]), BTreeSet::new(), "something is planned where nothing can be seen");
        lab.vbs(&["apply", "--auto-approve"]).exits(1).says("Cannot be looked at").says(why);
    }
    for arguments in [&["destroy", "--purge", "--auto-approve"][..], &["drift"]] {
        lab.vbs(arguments).exits(1).says("Cannot be looked at").says(why);
    }
    assert_eq!(recorded(lab), recorded_before);
}

/// And when it can be seen again, everything is as it was.
#[track_caller]
fn unharmed(scene: &Scene, before: &str) {
    assert_eq!(scene.seqno(), before, "something was changed meanwhile");
    nobody_is_harmed(scene);
    scene.declare(&made());
    scene.settled();
}

fn ssh(lab: &Lab) {
    let scene = open(lab);
    let (recorded, before) = (recorded(lab), scene.seqno());
    // Its configuration is read again by every connection, and this one is refused by it.
    lab.ok("cp /etc/ssh/sshd_config /root/; echo 'DenyUsers ops' >> /etc/ssh/sshd_config; sshd -t; systemctl reload ssh");
    for (address, why) in [
        ("ssh://root@127.0.0.1:1".to_owned(), "nothing listens there"),
        (lab.address("ops"), "ssh could not log in"),
    ] {
        nothing_is_done(&scene, &recorded, why, |text| text.replace(&lab.address("root"), &address));
    }
    unharmed(&scene, &before);
}

fn partial(lab: &Lab) {
    let scene = Scene::open(lab);
    let (one, other) = (lab.part("one", DISK_B, 8, 128), lab.part("other", DISK_B, 256, 128));
    lab.volume_group("vg1", &format!("{one} {other}"));
    lab.ok(&format!("lvcreate -qq -y -L 8M -n theirs vg1 {other}; lvcreate -qq -L 32M -T vg1/tp0 {one}"));
    let ours = |blocks: &str| {
        scene.declare(blocks);
        let declared = lab.workspace.read("main.vbs.hcl");
        lab.write("main.vbs.hcl", &declared.replace("\"vg0\"", "\"vg1\""));
    };
    ours(&configurations()[0]);
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    let recorded = recorded(lab);
    let look = || lab.ok("lvs -a --noheadings -o lv_name,lv_uuid,lv_size,lv_tags vg1 2>/dev/null");
    let before = look();
    let table = lab.ok("dmsetup table other");
    lab.ok("lvchange -qq -an vg1/theirs; dmsetup remove --retry other; udevadm settle");
    let edit = |text: &str| text.replace("\"vg0\"", "\"vg1\"");
    nothing_is_done(
        &scene,
        &recorded,
        "the volume group vg1 is not whole: one of its disks is missing",
        edit,
    );
    // All of them gone: the group is not there at all.
    let first = lab.ok("dmsetup table one");
    lab.ok("lvchange -qq -an vg1 2>/dev/null || vgchange -qq -an vg1; dmsetup remove --retry one; udevadm settle");
    nothing_is_done(&scene, &recorded, "there is no volume group vg1 here", edit);
    lab.ok(&format!(
        "dmsetup create one --table '{first}'; dmsetup create other --table '{table}'; udevadm settle; vgchange -qq -ay vg1"
    ));
    assert_eq!(look(), before);
    ours(&configurations()[0]);
    lab.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    scene.strangers_are_unharmed();
}

fn edited_host(lab: &Lab) {
    let scene = open(lab);
    let (recorded, before) = (recorded(lab), scene.seqno());
    // A host that is down, this machine, and an account that may not look.
    let dead = "host \"other\" {\n  address = \"ssh://root@127.0.0.1:1\"\n}\n";
    let other = |text: &str| text.replace("host = host.store1", "host = host.other") + dead;
    nothing_is_done(&scene, &recorded, "nothing listens there", other);
    nothing_is_done(&scene, &recorded, "pool.thick", |text| text.replace("host = host.store1", ""));
    let root = lab.address("root");
    let nosudo = |text: &str| text.replace(&root, &lab.address("nosudo"));
    nothing_is_done(&scene, &recorded, "LVM needs root on this host", nosudo);
    unharmed(&scene, &before);
    // Another name for the same machine is no other machine.
    let declared = lab.workspace.read("main.vbs.hcl");
    lab.write("main.vbs.hcl", &declared.replace("store1", "renamed"));
    let plan = lab.vbs(&["plan", "--json"]).exits(0).json();
    let text = plan["resource_changes"].to_string();
    for action in ["create", "delete", "forget"] {
        assert!(!text.contains(&format!("\"{action}\"")), "{text}");
    }
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(self::recorded(lab), recorded);
    nobody_is_harmed(&scene);
}

fn edited_group(lab: &Lab) {
    let scene = open(lab);
    let recorded = recorded(lab);
    // Another group with a thin pool and volumes of the same names.
    let part = lab.part("part", DISK_B, 8, 256);
    lab.volume_group("vg1", &part);
    lab.ok("lvcreate -qq -L 64M -T vg1/tp0; lvcreate -qq -V 8M -T vg1/tp0 -n db_thin; lvcreate -qq -y -L 8M -n db_thick vg1");
    lab.ok("lvcreate -qq -L 32M -T vg0/tp1");
    let before = scene.seqno();
    let other = lab.strangers("vg1", &["db_thick", "db_thin"]);
    let group = |name: &'static str| move |text: &str| text.replace("\"vg0\"", name);
    nothing_is_done(&scene, &recorded, "there is no volume group vg9 here", group("\"vg9\""));
    let another = "the volume group vg1 is another one than was recorded";
    nothing_is_done(&scene, &recorded, another, group("\"vg1\""));
    // Only what is in the edited pool stays out.
    for blocks in configurations() {
        scene.declare(&blocks);
        let declared = lab.workspace.read("main.vbs.hcl");
        lab.write("main.vbs.hcl", &declared.replace("\"tp0\"", "\"tp1\""));
        let planned = planned(lab, &[]);
        assert!(planned.iter().all(|(address, _)| !address.contains("thin")), "{planned:?}");
    }
    let another = "the thin pool vg0/tp1 is another one than was recorded";
    lab.vbs(&["apply", "--auto-approve"]).exits(1).says(another);
    assert_eq!(lab.strangers("vg1", &["db_thick", "db_thin"]), other);
    unharmed(&scene, &before);
}

/// The name is the same, and everything that was in it is gone. Nothing is made anew in its place by itself.
fn made_again(lab: &Lab) {
    let scene = Scene::open(lab);
    let part = lab.part("part", DISK_B, 8, 256);
    let make = || {
        lab.volume_group("vg1", &part);
        lab.ok("lvcreate -qq -L 64M -T vg1/tp0");
    };
    make();
    let ours = |blocks: &str| {
        scene.declare(blocks);
        let declared = lab.workspace.read("main.vbs.hcl");
        lab.write("main.vbs.hcl", &declared.replace("\"vg0\"", "\"vg1\""));
    };
    ours(&configurations()[0]);
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    let recorded = recorded(lab);
    lab.ok("vgremove -qq -y vg1");
    make();
    let before = lab.ok("vgs --noheadings -o vg_seqno,vg_uuid vg1");
    let edit = |text: &str| text.replace("\"vg0\"", "\"vg1\"");
    nothing_is_done(&scene, &recorded, "made again under the same name", edit);
    assert_eq!(lab.ok("vgs --noheadings -o vg_seqno,vg_uuid vg1"), before);
    assert_eq!(lab.ok("lvs --noheadings -o lv_name vg1").trim(), "tp0");
}

/// The machine with LVM, this machine with a directory, and a host that died. What it held can be declared, not seen.
fn one_of_three(lab: &Lab) {
    let scene = Scene::open(lab);
    let hosts = |port: &str| {
        scene.declare("");
        let declared = lab.workspace.read("main.vbs.hcl");
        declared
            + &format!(
                "host \"dead\" {{\n  address = \"ssh://root@127.0.0.1:{port}\"\n}}\n\
                 pool \"file\" \"here\" {{\n  path = \"{}\"\n  create = true\n}}\n\
                 pool \"lvm\" \"there\" {{\n  host = host.dead\n  volume_group = \"vg0\"\n}}\n",
                lab.workspace.path("pool").display()
            )
    };
    let here = volume("here", "here", "size = \"1MiB\"");
    let there = volume("there", "there", "size = \"8MiB\"");
    let (thick, more) = (both(DB), both(MORE));
    let declare = |blocks: &[&str]| lab.write("main.vbs.hcl", &(hosts("1") + &blocks.concat()));

    declare(&[&thick, &here, &there]);
    // Nothing was applied yet: everything that can be seen is planned, and nothing is done before it is said to.
    let adds = |names: &[&str]| -> BTreeSet<(String, String)> {
        names.iter().map(|name| (format!("volume.{name}"), "create".to_owned())).collect()
    };
    let mut seen = planned(lab, &[]);
    seen.retain(|(address, _)| !address.starts_with("pool."));
    assert_eq!(seen, adds(&["db_thick", "db_thin", "here"]));
    lab.vbs(&["apply", "--auto-approve"])
        .exits(1)
        .says("pool.there")
        .says("nothing listens there")
        .says("--exclude");
    assert_eq!((scene.marked(), lab.workspace.path("pool").exists()), (vec![], false));
    lab.vbs(&["apply", "--auto-approve", "--exclude", "host.dead"]).exits(0).says("3 added");
    lab.vbs(&["plan", "--detailed-exitcode", "--exclude", "host.dead"]).exits(0);

    // Drift of the living ones is reported with the error, and is mended without the dead one.
    lab.ok("lvextend -qq -L 12M vg0/db_thin");
    std::fs::remove_file(lab.workspace.path("pool/here.img")).unwrap();
    declare(&[&thick, &here, &there, &more]);
    let drift = lab.vbs(&["drift"]).exits(1);
    drift
        .says("volume.db_thin size is 12 MiB, recorded 8 MiB")
        .says("volume.here vanished")
        .says("nothing listens there");
    let plan = planned(lab, &["--recreate", "volume.here"]);
    assert!(plan.is_superset(&adds(&["more_thick", "more_thin"])), "{plan:?}");
    assert!(plan.iter().all(|(address, _)| address != "volume.there"), "{plan:?}");
    let grown = thick.replace("pool = pool.thin\n  size = \"8MiB\"", "pool = pool.thin\n  size = \"12MiB\"");
    declare(&[&grown, &here, &there, &more]);
    let arguments = ["apply", "--auto-approve", "--exclude", "host.dead", "--recreate", "volume.here"];
    lab.vbs(&arguments).exits(0).says("3 added");
    assert_eq!(scene.live(), ["db_thick", "db_thin", "more_thick", "more_thin"]);
    assert!(lab.workspace.path("pool/here.img").exists());

    scene.strangers_are_unharmed();
}
