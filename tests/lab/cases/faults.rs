//! What goes wrong in real life, and is told clearly before anything is changed: what it is, why, and what to do. Where
//! it could only be found while an apply ran, everything is taken back.

use super::made::{BEFORE, DB, GONE, MADE, MORE, made, nobody_is_harmed, open, wanted};
use crate::Case;
use crate::lab::Lab;
use crate::scene::{BOTH, STORAGE, Scene, both, snapshot, volume};
use crate::storage::DISK_B;

pub const CASES: &[Case] = &[
    Case::of("faults: a host that is down, and one that is silent", down).on(MADE),
    Case::of("faults: a host key that is wrong or not known", keys).on(MADE).shared(),
    Case::of("faults: no right to become root", no_sudo).on(MADE),
    Case::of("faults: lvm2 is missing, or too old", no_lvm).on(MADE).shared(),
    Case::of("faults: a volume group is missing", no_group).on(MADE),
    Case::of("faults: a full volume group", full_group).on(MADE),
    Case::of("faults: a volume group runs full between plan and apply", filled_meanwhile).on(MADE).shared(),
    Case::of("faults: a thin pool's data are used up", thin_data).on(STORAGE),
    Case::of("faults: a thin pool's metadata are used up", thin_metadata).on(STORAGE),
    Case::of("faults: a thin pool needs a check", thin_check).on(STORAGE),
    Case::of("faults: a thin pool that nobody watches", unwatched).on(STORAGE),
    Case::of("faults: an overflowed snapshot", overflowed).on(STORAGE),
    Case::of("faults: a mounted volume", mounted).on(MADE),
    Case::of("faults: a thick volume with snapshots is to grow", origin_grows).on(MADE),
    Case::of("faults: a thick volume grows in the run that takes its snapshot", grows_with_its_snapshot)
        .on(STORAGE),
    Case::of("faults: a disk was copied by dd", copied_disk).on(STORAGE),
    Case::of("faults: names that LVM does not take", names).on(STORAGE),
];

const EVERYTHING: [&[&str]; 3] =
    [&["plan"], &["apply", "--auto-approve"], &["destroy", "--purge", "--auto-approve"]];

/// Nothing can be planned, applied or destroyed, each with these words and exit code 1.
#[track_caller]
fn nothing_goes(lab: &Lab, words: &[&str]) {
    for arguments in EVERYTHING {
        let mut output = lab.vbs(arguments).exits(1);
        for word in words {
            output = output.says(word);
        }
    }
}

/// Another cause that is found in the same way.
#[track_caller]
fn nor_is_it_applied(lab: &Lab, words: &[&str]) {
    let mut output = lab.vbs(&["apply", "--auto-approve"]).exits(1);
    for word in words {
        output = output.says(word);
    }
}

/// The cause is mended: nothing was changed meanwhile, and the plan is what it was before.
#[track_caller]
fn goes_again(scene: &Scene, before: &str) {
    assert_eq!(scene.seqno(), before, "what was refused changed something");
    nobody_is_harmed(scene);
    scene.declare(&wanted());
    scene.lab.vbs(&["plan"]).exits(0).says("Plan: 2 to add, 2 to change, 4 to destroy.");
}

/// The same configuration, its host reached in another way.
fn at(lab: &Lab, user: &str, address: &str, arguments: &str) {
    let declared = lab.workspace.read("main.vbs.hcl");
    let was = format!("\"{}\"", lab.address(user));
    assert!(declared.contains(&was), "{declared}");
    lab.write("main.vbs.hcl", &declared.replace(&was, &format!("\"{address}\"\n  {arguments}")));
}

fn down(lab: &Lab) {
    let scene = open(lab);
    let before = scene.seqno();
    scene.declare(&wanted());
    at(lab, "root", "ssh://root@127.0.0.1:1", "");
    nothing_goes(
        lab,
        &["Cannot be looked at", "nothing listens there", "Is sshd running", "--exclude pool.thick"],
    );
    scene.declare(&wanted());
    at(lab, "root", &lab.address("root"), "connect_timeout = \"3s\"");
    lab.pause();
    nor_is_it_applied(lab, &["Cannot be looked at", "it did not answer", "Is it on", "connect_timeout"]);
    lab.resume();
    assert!(lab.answers_within(60));
    goes_again(&scene, &before);
}

fn keys(lab: &Lab) {
    let scene = open(lab);
    let before = scene.seqno();
    scene.declare(&wanted());
    let known = lab.workspace.read("vbs.known_hosts");
    // Another machine's key, where this one's is expected.
    let other = lab
        .ok("ssh-keygen -q -t ed25519 -N '' -f /run/other; cut -d ' ' -f 1,2 /run/other.pub; rm /run/other*");
    let wrong = format!("{} {other}\n", known.split_whitespace().next().unwrap());
    lab.write("vbs.known_hosts", &wrong);
    let words = ["Cannot be looked at", "its host key is not the one that is known"];
    nothing_goes(lab, &[&words[..], &["`vbs host trust --replace host.store1`"]].concat());
    assert_eq!(lab.workspace.read("vbs.known_hosts"), wrong, "a key was learned");
    lab.write("vbs.known_hosts", "");
    nor_is_it_applied(
        lab,
        &["Cannot be looked at", "its host key is not known", "`vbs host trust host.store1`"],
    );
    assert_eq!(lab.workspace.read("vbs.known_hosts"), "", "a key was learned");
    lab.write("vbs.known_hosts", &known);
    goes_again(&scene, &before);
}

fn no_sudo(lab: &Lab) {
    let scene = open(lab);
    let before = scene.seqno();
    scene.declare(&wanted());
    at(lab, "root", &lab.address("nosudo"), "become = \"sudo\"");
    let words = ["Cannot be looked at", "sudo does not let this user run a shell without a password"];
    nothing_goes(lab, &[&words[..], &["visudo", "NOPASSWD: /bin/sh"]].concat());
    // And who may not, and was not told to.
    scene.declare(&wanted());
    at(lab, "root", &lab.address("nosudo"), "");
    nor_is_it_applied(lab, &["Cannot be looked at", "LVM needs root on this host", "set become = \"sudo\""]);
    goes_again(&scene, &before);
}

fn no_lvm(lab: &Lab) {
    let scene = open(lab);
    let before = scene.seqno();
    scene.declare(&wanted());
    // Its other names are links to it.
    lab.ok("mkdir /root/real; mv /usr/sbin/lvm /root/real/lvm");
    nothing_goes(
        lab,
        &[
            "Cannot be looked at",
            "store1: lvm2 >= 2.03.11 is needed, none found",
            "Install lvm2, or a newer one",
        ],
    );
    lab.ok("printf '#!/bin/sh\\n%s\\n%s\\n' \
           '[ \"$1\" != version ] || { echo \"  LVM version:     2.02.187(2) (2020-03-24)\"; exit 0; }' \
           'exec /root/real/lvm \"$@\"' > /usr/sbin/lvm; chmod +x /usr/sbin/lvm");
    let words = ["Cannot be looked at", "store1: lvm2 >= 2.03.11 is needed, 2.02.187 found"];
    nor_is_it_applied(lab, &words);
    lab.ok("mv /root/real/lvm /usr/sbin/lvm");
    goes_again(&scene, &before);
}

fn no_group(lab: &Lab) {
    let scene = open(lab);
    let before = scene.seqno();
    scene.declare(&wanted());
    let declared = lab.workspace.read("main.vbs.hcl");
    lab.write("main.vbs.hcl", &declared.replace("\"vg0\"", "\"vg9\""));
    let words =
        ["there is no volume group vg9 here", "`pvs --all`", "`vgcreate` does", "--exclude pool.thick"];
    nothing_goes(lab, &words);
    lab.write("main.vbs.hcl", &declared.replace("\"tp0\"", "\"tp9\""));
    let words =
        ["the volume group vg0 has no thin pool tp9", "`lvcreate --type thin-pool -L SIZE -n tp9 vg0` does"];
    nor_is_it_applied(lab, &words);
    lab.write("main.vbs.hcl", &declared.replace("\"tp0\"", "\"stranger_thick\""));
    nor_is_it_applied(lab, &["stranger_thick in the volume group vg0 is no thin pool"]);
    goes_again(&scene, &before);
}

fn full_group(lab: &Lab) {
    let scene = open(lab);
    // An extent is free, and three are wanted.
    lab.ok("lvcreate -qq -Wn -l 100%FREE -n everything vg0; lvreduce -qq -y -f -l -1 vg0/everything");
    let all = both(&[&DB.replace("8MiB", "16MiB"), GONE, BEFORE, MORE].concat());
    let words = ["The pool cannot hold this", "4 MiB free", "this plan adds 12 MiB", "`vbs trash purge`"];
    scene.refuses(&all, &words);
    // What fits goes, to the last extent.
    scene.apply(&both(&[&DB.replace("8MiB", "12MiB"), GONE, BEFORE].concat())).says("2 changed");
    assert_eq!(lab.ok("vgs --noheadings -o vg_free_count vg0").trim(), "0");
    lab.ok("lvremove -qq -y vg0/everything");
    scene.apply(&all);
    nobody_is_harmed(&scene);
}

fn filled_meanwhile(lab: &Lab) {
    let scene = open(lab);
    let look = || lab.ok("lvs -a --noheadings --units b -o lv_name,lv_size,lv_attr,lv_uuid,lv_tags vg0");
    let (live, seen) = (scene.live(), look());
    scene.declare(&(made() + &both(MORE) + &volume("most", "thick", "size = \"4MiB\"")));
    // Somebody takes all that is free, at the moment at which the second volume is made.
    let intruder = [
        ("VBS_FAULT", "hook@SentBeforeAct.3"),
        ("VBS_FAULT_HOOK", "lvcreate -qq -Wn -l 100%FREE -n intruder vg0"),
    ];
    let arguments = ["apply", "--auto-approve", "--exclude", "pool.thin", "--parallelism", "1"];
    let output = lab.vbs_with(&intruder, &arguments).exits(3);
    output.says("insufficient free space").says("Everything was reverted; nothing has changed.");
    assert!(scene.exists("intruder"));
    assert_eq!(scene.marked(), live, "something is left of what was reverted");
    // The next plan knows it.
    scene.refuses_to(&["plan"], &["The pool cannot hold this", "pool.thick", "0 B free"]);
    lab.ok("lvremove -qq -y vg0/intruder");
    assert_eq!(look(), seen);
    nobody_is_harmed(&scene);
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("3 added");
}

/// A small thin pool in the same group, with a volume in it; what is declared in it goes with it.
fn small_pool(lab: &Lab, blocks: &str) {
    lab.write(
        "main.vbs.hcl",
        &format!(
            "{}pool \"lvm\" \"small\" {{\n  host = host.store1\n  volume_group = \"vg0\"\n  thin_pool = \"small\"\n  \
             max_overcommit = 10\n}}\n{blocks}",
            lab.host_block()
        ),
    );
}

/// Nothing new, nothing larger and no snapshot; what is there can go.
fn takes_nothing_new(scene: Scene, words: &[&str]) {
    let lab = scene.lab;
    let db = volume("db", "small", "size = \"16MiB\"");
    let words =
        [&["The pool takes nothing new", "Nothing is made or grown in it until that is mended"], words]
            .concat();
    for more in [
        db.clone() + &snapshot("before", "db"),
        db.replace("16MiB", "20MiB") + &volume("more", "small", "size = \"4MiB\""),
    ] {
        small_pool(lab, &more);
        scene.refuses_to(&["apply", "--auto-approve"], &words);
    }
    small_pool(lab, "");
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 destroyed");
    lab.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(0);
    assert_eq!(scene.marked(), [""; 0]);
    scene.strangers_are_unharmed();
}

fn thin_data(lab: &Lab) {
    let scene = Scene::open(lab);
    lab.ok("lvcreate -qq -L 16M -T vg0/small");
    small_pool(lab, &volume("db", "small", "size = \"16MiB\""));
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    lab.ok("dd if=/dev/zero of=/dev/vg0/db bs=512k count=31 oflag=direct conv=fsync status=none");
    assert_eq!(scene.field("small", "data_percent"), "96.88");
    takes_nothing_new(scene, &["96.88 % of the data of vg0/small are used", "`lvextend -L +SIZE vg0/small`"]);
}

fn thin_metadata(lab: &Lab) {
    let scene = Scene::open(lab);
    lab.ok("lvcreate -qq -L 16M --poolmetadatasize 4M -T vg0/small");
    small_pool(lab, &volume("db", "small", "size = \"16MiB\""));
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    // Each empty thin device that LVM does not know takes one block of the 1,024.
    lab.ok("device=1000; used=0; \
            while [ $used -lt 930 ]; do \
              for each in 1 2 3 4 5 6 7 8 9 10; do \
                device=$((device + 1)); dmsetup message vg0-small-tpool 0 \"create_thin $device\"; \
              done; \
              used=$(dmsetup status vg0-small-tpool | sed 's|^[^/]* \\([0-9]*\\)/1024 .*|\\1|'); \
            done");
    let used: f64 = scene.field("small", "metadata_percent").parse().unwrap();
    assert!((90.0..97.0).contains(&used), "{used}");
    takes_nothing_new(
        scene,
        &["of the metadata of vg0/small are used", "`lvextend --poolmetadatasize +SIZE vg0/small`"],
    );
}

/// A disk refuses the pool's metadata: the kernel makes the pool read-only, and marks it.
fn thin_check(lab: &Lab) {
    let scene = Scene::open(lab);
    let (solid, brittle) = (lab.part("solid", DISK_B, 8, 128), lab.part("brittle", DISK_B, 256, 64));
    lab.volume_group("vg1", &format!("{solid} {brittle}"));
    lab.ok(&format!(
        "lvcreate -qq -Wn -L 64M -n tp1 vg1 {solid}; lvcreate -qq -Wn -L 4M -n meta vg1 {brittle}; \
         lvconvert -qq -y --type thin-pool --poolmetadata vg1/meta vg1/tp1; lvcreate -qq -V 16M -T vg1/tp1 -n stranger"
    ));
    let pool = |blocks: &str| {
        lab.write(
            "main.vbs.hcl",
            &format!(
                "{}pool \"lvm\" \"brittle\" {{\n  host = host.store1\n  volume_group = \"vg1\"\n  thin_pool = \"tp1\"\n}}\n{blocks}",
                lab.host_block()
            ),
        );
    };
    let db = volume("db", "brittle", "size = \"16MiB\"");
    pool(&db);
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    let behave = |table: &str| {
        lab.ok(&format!(
            "dmsetup load brittle --table \"{table}\"; dmsetup suspend --noflush --nolockfs brittle; \
             dmsetup resume brittle"
        ));
    };
    let works = lab.ok("modprobe dm_flakey; dmsetup table brittle");
    behave(&(works.replace("linear", "flakey") + " 0 1 1 error_writes"));
    lab.sh("dd if=/dev/zero of=/dev/vg1/stranger bs=64k count=4 oflag=direct conv=fsync");
    behave(&works);
    let seen =
        lab.ok("lvs --noheadings -o lv_check_needed,lv_health_status vg1/tp1; dmsetup status vg1-tp1-tpool");
    assert!(seen.contains("check needed"), "{seen}");
    let before = lab.ok("lvs -a -o lv_name,lv_size,lv_tags,lv_uuid vg1; vgs -o vg_seqno vg1");
    pool(&(db.clone() + &volume("more", "brittle", "size = \"4MiB\"")));
    for arguments in [&["plan"][..], &["apply", "--auto-approve"]] {
        lab.vbs(arguments)
            .exits(1)
            .says("The pool takes nothing new")
            .says("vg1/tp1 needs a check (`lvchange -an vg1/tp1`, then `lvconvert --repair vg1/tp1`)");
    }
    assert_eq!(lab.ok("lvs -a -o lv_name,lv_size,lv_tags,lv_uuid vg1; vgs -o vg_seqno vg1"), before);
    // Repaired as the message says, it goes on.
    pool(&db);
    lab.ok("lvchange -qq -an vg1; lvconvert -qq -y --repair vg1/tp1; lvchange -qq -ay vg1");
    lab.vbs(&["plan"]).exits(0).says("No changes.");
    scene.strangers_are_unharmed();
}

fn unwatched(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    lab.ok("lvchange -qq --monitor n vg0/tp0");
    let big = both(DB) + &volume("big", "thin", "size = \"600MiB\"");
    scene.declare_with("max_overcommit = 3", &big);
    scene.refuses_to(
        &["apply", "--auto-approve"],
        &[
            "The pool must not promise more than it has",
            "pool.thin has 512 MiB",
            "dmeventd does not watch vg0/tp0",
            "`lvchange --monitor y vg0/tp0`",
        ],
    );
    // What the pool can keep is promised all the same, and as soon as it is watched, the rest.
    scene.apply(&(both(DB) + &volume("big", "thin", "size = \"100MiB\"")));
    lab.ok("lvchange -qq --monitor y vg0/tp0");
    scene.declare_with("max_overcommit = 3", &big);
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 changed");
    scene.settled();
    scene.strangers_are_unharmed();
}

fn overflowed(lab: &Lab) {
    let scene = Scene::open(lab);
    let db = volume("db", "thick", "size = \"16MiB\"");
    let before = "snapshot \"before\" {\n  volume = volume.db\n  reserve = \"4MiB\"\n}\n";
    scene.apply(&db);
    scene.write("db", "early");
    scene.apply(&(db.clone() + before));
    lab.ok(
        "dd if=/dev/urandom of=/dev/vg0/db bs=1M seek=1 count=8 oflag=direct conv=fsync,notrunc status=none",
    );
    assert_eq!(scene.field("before", "lv_snapshot_invalid"), "snapshot invalid");
    scene.declare(&(db.clone() + before));
    lab.vbs(&["drift"]).exits(2).says("snapshot.before").says("is broken");
    let lost = [
        "Broken source",
        "snapshot.before",
        "more was written to its volume than its reserve holds",
        "take another one",
    ];
    scene.refuses_to(
        &["apply", "--auto-approve", "--restore", "volume.db=snapshot.before"],
        &["snapshot.before", "broken"],
    );
    scene.refuses(&(db.clone() + before + &volume("copy", "thick", "source = snapshot.before")), &lost);
    scene.apply(&db).says("1 destroyed");
    assert_eq!(scene.marked(), ["db"]);
    assert!(
        scene.field("db", "lv_role").contains("public") && !scene.field("db", "lv_role").contains("origin")
    );
    scene.close();
}

fn mounted(lab: &Lab) {
    let scene = open(lab);
    for pool in BOTH {
        let device = format!("/dev/vg0/gone_{pool}");
        lab.ok(&format!(
            "mkfs.ext4 -q {device}; mkdir /mnt/{pool}; mount {device} /mnt/{pool}; echo kept > /mnt/{pool}/file; sync"
        ));
    }
    let words =
        ["In use", "volume.gone_thick", "volume.gone_thin", "Unmount or close it there, then run again"];
    scene.refuses(&both(DB), &words);
    scene.declare(&made());
    scene.refuses_to(&["destroy", "--auto-approve"], &words);
    let restore = BOTH.map(|pool| format!("volume.gone_{pool}=snapshot.before_{pool}"));
    let arguments = ["apply", "--auto-approve", "--restore", &restore[0], "--restore", &restore[1]];
    scene.refuses_to(&arguments, &["In use", "volume.gone_thick", "volume.gone_thin"]);
    // Growing harms nobody, once no snapshot keeps the size.
    scene.declare(&both(&[DB, GONE].concat()));
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("2 destroyed");
    scene.apply(&both(&[DB, &GONE.replace("4MiB", "12MiB")].concat()));
    for pool in BOTH {
        assert_eq!(scene.mib(&format!("gone_{pool}")), 12);
        lab.ok(&format!(
            "grep -q kept /mnt/{pool}/file; resize2fs /dev/vg0/gone_{pool} 2>&1; umount /mnt/{pool}; \
             e2fsck -fn /dev/vg0/gone_{pool}"
        ));
    }
    nobody_is_harmed(&scene);
}

fn origin_grows(lab: &Lab) {
    let scene = open(lab);
    let grown = both(&[DB, &GONE.replace("4MiB", "12MiB"), BEFORE].concat());
    let words = ["A thick volume with snapshots cannot grow", "volume.gone_thick", "Destroy them"];
    scene.refuses(&grown, &words);
    // Not even the volumes that could be grown are, before all of it is right; without it they are.
    lab.vbs(&["apply", "--auto-approve", "--exclude", "volume.gone_thick"]).exits(0).says("1 changed");
    assert_eq!(BOTH.map(|pool| scene.mib(&format!("gone_{pool}"))), [4, 12]);
    nobody_is_harmed(&scene);
}

/// The snapshot would be taken first, and keep the size.
fn grows_with_its_snapshot(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    let grown =
        both(&[DB.replace("8MiB", "12MiB").as_str(), BEFORE].concat()).replace("volume.gone_", "volume.db_");
    let words = [
        "A thick volume with snapshots cannot grow",
        "volume.db_thick",
        "snapshot.before_thick",
        "in the next",
    ];
    scene.refuses(&grown, &words);
    lab.vbs(&["apply", "--auto-approve", "--exclude", "snapshot.before_thick"]).exits(0).says("2 changed");
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 added");
    assert_eq!(BOTH.map(|pool| scene.mib(&format!("db_{pool}"))), [12, 12]);
    scene.settled();
    scene.strangers_are_unharmed();
}

fn copied_disk(lab: &Lab) {
    let scene = Scene::open(lab);
    let one = lab.part("one", DISK_B, 8, 64);
    let other = lab.part("other", DISK_B, 80, 64);
    lab.volume_group("vg1", &one);
    lab.stranger("vg1", "theirs", "8M");
    let pool = |blocks: &str| {
        lab.write(
            "main.vbs.hcl",
            &format!(
                "{}pool \"lvm\" \"twice\" {{\n  host = host.store1\n  volume_group = \"vg1\"\n}}\n{blocks}",
                lab.host_block()
            ),
        );
    };
    let db = volume("db", "twice", "size = \"8MiB\"");
    pool(&db);
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    let before = lab.strangers("vg1", &["theirs", "db"]);
    lab.ok(&format!(
        "dd if={one} of={other} bs=1M oflag=direct status=none; udevadm settle; pvscan -qq --cache || true"
    ));
    pool(&(db.clone() + &volume("more", "twice", "size = \"4MiB\"")));
    for arguments in EVERYTHING {
        lab.vbs(arguments)
            .exits(1)
            .says("Cannot be looked at")
            .says("a disk of the volume group vg1 is seen twice")
            .says("devices/global_filter");
    }
    // The copy is taken away: nothing has happened.
    lab.ok(&format!("wipefs -qa {other}; dmsetup remove --retry other; udevadm settle"));
    assert_eq!(lab.strangers("vg1", &["theirs", "db"]), before);
    pool(&db);
    lab.vbs(&["plan"]).exits(0).says("No changes.");
    scene.strangers_are_unharmed();
}

fn names(lab: &Lab) {
    let scene = Scene::open(lab);
    let long = "n".repeat(128);
    let wrong = [
        ("snapshot1", "which LVM keeps for itself"),
        ("pvmove0", "which LVM keeps for itself"),
        ("a_mimage_0", "which LVM keeps for itself"),
        ("a_tdata", "which LVM keeps for itself"),
        ("vbs_trash.x", "which vbs keeps for itself"),
        ("-dash", "begins with a dash"),
        ("two words", "LVM takes letters, digits and + _ . - only"),
        (".", "is no name"),
        (&long, "has more than 127 bytes"),
    ];
    let blocks: String = (wrong.iter().enumerate())
        .map(|(number, (name, _))| {
            volume(&format!("v{number}"), "thick", &format!("size = \"4MiB\"\n  name = \"{name}\""))
        })
        .collect();
    scene.declare(&blocks);
    for arguments in [&["validate"][..], &["apply", "--auto-approve"]] {
        // All of them at once.
        let mut output = lab.vbs(arguments).exits(1);
        for (name, why) in wrong {
            output = output.says(&format!("{name:?}")).says(why);
        }
    }
    // LVM itself agrees with what is said of it.
    for (name, why) in wrong.iter().filter(|(name, why)| why.contains("LVM") || name.len() == 128) {
        assert_ne!(lab.sh(&format!("lvcreate -qq -l 1 -n '{name}' vg0")).code, 0, "{name}: {why}");
    }
    scene.nothing_is_left();
    // The longest name there may be.
    scene.apply(&volume("longest", "thick", &format!("size = \"4MiB\"\n  name = \"{}\"", "n".repeat(100))));
    assert_eq!(scene.live(), ["n".repeat(100)]);
    scene.strangers_are_unharmed();
}
