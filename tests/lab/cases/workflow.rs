//! What an operator does with volume groups, over SSH and from one file, from the first volume to the last trace of it.

use crate::Case;
use crate::lab::Lab;
use crate::scene::{BOTH, STORAGE, Scene, both};
use crate::storage::DISK_D;

pub const CASES: &[Case] = &[
    Case::of("workflow: stamp, snapshot, copy, restore", snapshots_and_copies).on(STORAGE).shared(),
    Case::of("workflow: a mounted file system gets more room", growing).on(STORAGE),
    Case::of("workflow: destroyed, brought back, purged and wiped", trash).on(STORAGE),
    Case::of("workflow: a lost state is rebuilt from the marks", rebuild).on(STORAGE),
    Case::of("workflow: with sudo, and refused without", sudo).on(STORAGE),
    Case::of("workflow: what others did is named", drift).on(STORAGE),
    Case::of("workflow: the example does what it says", example).on(STORAGE),
];

const DB: &str = "volume \"db_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n}\n";
const BEFORE: &str = "snapshot \"before_POOL\" {\n  volume = volume.db_POOL\n}\n";
const COPY: &str = "volume \"copy_POOL\" {\n  pool = pool.POOL\n  source = snapshot.before_POOL\n}\n";

fn snapshots_and_copies(lab: &Lab) {
    let scene = Scene::open(lab);
    let made = scene.apply(&both(DB));
    made.says("Apply complete!");
    for pool in BOTH {
        let name = format!("db_{pool}");
        let id = scene.id(&format!("volume.{name}"));
        assert!(scene.field(&name, "lv_tags").split(',').any(|tag| tag == format!("vbs.volume={id}")));
        scene.write(&name, "old stamp");
    }
    scene.apply(&both(&[DB, BEFORE].concat()));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "new stamp"));
    let all = both(&[DB, BEFORE, COPY].concat());
    scene.apply(&all);
    for pool in BOTH {
        assert!(scene.holds(&format!("copy_{pool}"), "old stamp"));
        assert!(scene.holds(&format!("before_{pool}"), "old stamp"));
        assert!(scene.holds(&format!("db_{pool}"), "new stamp"));
    }
    let before = BOTH.map(|pool| scene.recorded(&format!("volume.db_{pool}")));
    let planned = lab.vbs(&["plan", "--restore", "volume.db_thick=snapshot.before_thick"]).exits(0);
    planned.says("Point of no return: restore volume db_thick");
    lab.vbs(&[
        "apply",
        "--auto-approve",
        "--restore",
        "volume.db_thick=snapshot.before_thick",
        "--restore",
        "volume.db_thin=snapshot.before_thin",
    ])
    .exits(0);
    scene.settled();
    for pool in BOTH {
        assert!(scene.holds(&format!("db_{pool}"), "old stamp"));
        // The snapshot can be used again.
        assert!(scene.holds(&format!("before_{pool}"), "old stamp"));
    }
    let after = BOTH.map(|pool| scene.recorded(&format!("volume.db_{pool}")));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before["id"], &before["values"]["serial"]), (&after["id"], &after["values"]["serial"]));
    }
    // The former content of a thin volume is in the trash; a thick one has none left.
    let trash = scene.trash();
    assert_eq!(trash.len(), 1, "{trash:?}");
    assert!(scene.holds(&format!("vbs_trash.{}", trash[0]["id"].as_str().unwrap()), "new stamp"));
    lab.vbs(&["describe"])
        .exits(0)
        .says("volume.db_thick pool.thick db_thick 8 MiB available")
        .says("pool.thin");
    lab.vbs(&["drift"]).exits(0).says("No drift.");
    // And again, from the snapshot that was taken anew.
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "newer one"));
    lab.vbs(&["apply", "--auto-approve", "--restore", "volume.db_thick=snapshot.before_thick"]).exits(0);
    scene.settled();
    assert!(scene.holds("db_thick", "old stamp") && scene.holds("db_thin", "newer one"));
    scene.close();
}

fn growing(lab: &Lab) {
    let scene = Scene::open(lab);
    let blocks = |size: &str| both(&DB.replace("8MiB", size));
    scene.apply(&blocks("16MiB"));
    for pool in BOTH {
        lab.ok(&format!(
            "mkfs.ext4 -q /dev/vg0/db_{pool}; mkdir /mnt/{pool}; mount /dev/vg0/db_{pool} /mnt/{pool}; \
             head -c 4M /dev/urandom > /mnt/{pool}/file; sha256sum /mnt/{pool}/file > /root/{pool}"
        ));
    }
    let planned = lab.vbs(&["plan"]).exits(0);
    planned.says("No changes.");
    scene.apply(&blocks("48MiB"));
    for pool in BOTH {
        lab.ok(&format!("resize2fs /dev/vg0/db_{pool} 2>&1"));
        lab.ok(&format!(
            "head -c 20M /dev/zero > /mnt/{pool}/more; sync; sha256sum -c /root/{pool}; umount /mnt/{pool}"
        ));
        lab.ok(&format!("e2fsck -fn /dev/vg0/db_{pool}"));
    }
    scene.settled();
    scene.close();
}

/// How often a text lies on the small disk, in volumes or out of them.
fn on_the_disk(lab: &Lab, text: &str) -> u32 {
    let found = lab
        .ok(&format!("sync; echo 3 > /proc/sys/vm/drop_caches; LC_ALL=C tr -s '\\0' '\\n' < {DISK_D} | grep -acF {text} || true"));
    found.parse().unwrap()
}

fn trash(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.apply(&both(DB));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "not-for-others"));
    assert_eq!(on_the_disk(lab, "not-for-others"), 2);
    let before = BOTH.map(|pool| scene.recorded(&format!("volume.db_{pool}")));
    let destroyed = scene.apply("");
    destroyed.says("2 destroyed");
    assert_eq!(scene.live(), [""; 0]);
    lab.vbs(&["trash", "list"]).exits(0).says("volume.db_thick").says("db_thick pool.thick 8 MiB");
    for (pool, before) in BOTH.iter().zip(&before) {
        let name = format!("vbs_trash.{}", before["id"].as_str().unwrap());
        assert!(scene.exists(&name) && scene.holds(&name, "not-for-others"), "{pool}");
    }

    // Brought back under another address, with everything that made it what it was.
    let back =
        both("volume \"back_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n  name = \"db_POOL\"\n}\n");
    scene.declare(&back);
    for pool in BOTH {
        let (was, to) = (format!("volume.db_{pool}"), format!("volume.back_{pool}"));
        lab.vbs(&["trash", "restore", &was, "--to", &to]).exits(0).says("is back");
    }
    scene.settled();
    for (pool, before) in BOTH.iter().zip(&before) {
        let after = scene.recorded(&format!("volume.back_{pool}"));
        assert_eq!((&after["id"], &after["values"]["serial"]), (&before["id"], &before["values"]["serial"]));
        assert!(scene.holds(&format!("db_{pool}"), "not-for-others"));
    }

    // Purged for good: nobody who gets the extents next finds a byte of it.
    scene.apply("");
    assert_eq!(on_the_disk(lab, "not-for-others"), 2);
    lab.vbs(&["trash", "purge", "--all"]).exits(1).says("Nobody can be asked");
    lab.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(0).says("removed for good");
    assert_eq!(scene.marked(), [""; 0]);
    assert_eq!(on_the_disk(lab, "not-for-others"), 0, "a purged volume can still be read");
    scene.settled();
    scene.close();
}

fn rebuild(lab: &Lab) {
    let scene = Scene::open(lab);
    let gone = "volume \"gone_POOL\" {\n  pool = pool.POOL\n  size = \"4MiB\"\n}\n";
    scene.apply(&both(&[DB, gone].concat()));
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "stamp"));
    let all = both(&[DB, BEFORE, COPY].concat());
    scene.apply(&all);
    let before = lab.vbs(&["show", "--json"]).exits(0).json();
    assert_eq!(before["trash"].as_array().map(Vec::len), Some(2));
    let seqno = scene.seqno();
    std::fs::remove_dir_all(lab.workspace.path(".vbs")).unwrap();
    let lost = lab.vbs(&["plan"]);
    lost.exits(1).says("vbs state rebuild");
    lab.vbs(&["state", "rebuild", "--auto-approve"]).exits(0).says("The state is rebuilt.");
    let after = lab.vbs(&["show", "--json"]).exits(0).json();
    assert_eq!(after["resources"], before["resources"]);
    assert_eq!(after["lineage"], before["lineage"]);
    let ids = |state: &serde_json::Value| {
        let mut ids: Vec<String> =
            state["trash"].as_array().unwrap().iter().map(|entry| entry["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&after), ids(&before));
    assert_eq!(scene.seqno(), seqno, "rebuilding wrote into the volume group");
    scene.settled();
    lab.vbs(&["drift"]).exits(0).says("No drift.");
    // The rebuilt state is as good as the lost one: it grows, destroys and brings back.
    scene.apply(&all.replace("pool = pool.thin\n  size = \"8MiB\"", "pool = pool.thin\n  size = \"12MiB\""));
    scene.close();
}

fn sudo(lab: &Lab) {
    let scene = Scene::open(lab);
    let configuration = |user: &str, arguments: &str| {
        format!(
            "host \"store1\" {{\n  address = \"{}\"\n  {arguments}\n}}\n\
             pool \"lvm\" \"thick\" {{\n  host = host.store1\n  volume_group = \"vg0\"\n}}\n\
             pool \"lvm\" \"thin\" {{\n  host = host.store1\n  volume_group = \"vg0\"\n  thin_pool = \"tp0\"\n}}\n{}",
            lab.address(user),
            both(&[DB, BEFORE].concat())
        )
    };
    // Who may not is told so, and nothing was done.
    for (user, arguments) in [("ops", ""), ("nosudo", "become = \"sudo\"")] {
        lab.write("main.vbs.hcl", &configuration(user, arguments));
        let refused = lab.vbs(&["apply", "--auto-approve"]);
        assert_eq!(refused.code, 1, "{user} {arguments}");
        refused.says(if arguments.is_empty() { "root" } else { "sudo" });
        assert_eq!(scene.marked(), [""; 0]);
    }
    lab.write("main.vbs.hcl", &configuration("ops", "become = \"sudo\""));
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    scene.settled();
    assert_eq!(scene.live(), ["before_thick", "before_thin", "db_thick", "db_thin"]);
    // Whoever logs in, the machine is the same.
    scene.declare(&both(&[DB, BEFORE].concat()));
    lab.vbs(&["plan"]).exits(0).says("host.store1").says("Only the state changes");
    lab.write("main.vbs.hcl", &configuration("ops", "become = \"sudo\""));
    scene.close();
}

fn drift(lab: &Lab) {
    let scene = Scene::open(lab);
    let other = "volume \"other_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n}\n";
    let all = both(&[DB, other, BEFORE].concat());
    scene.apply(&all);
    lab.ok("lvrename -qq vg0 other_thick mine; lvextend -qq -L 12M vg0/other_thin; lvremove -qq -y vg0/before_thin");
    let drift = lab.vbs(&["drift"]).exits(2);
    drift
        .says("volume.other_thick name is \"mine\", recorded \"other_thick\"")
        .says("volume.other_thin size is 12 MiB, recorded 8 MiB")
        .says("snapshot.before_thin vanished from pool.thin");
    let json = lab.vbs(&["drift", "--json"]).exits(2).json();
    assert_eq!(json["resource_drift"].as_array().map(Vec::len), Some(3), "{json}");
    lab.vbs(&["describe", "volume.other_thin"]).exits(0).says("12 MiB").says("8 MiB");
    lab.vbs(&["describe", "snapshot.before_thin"]).exits(0).says("Status: vanished");
    // A snapshot that ran full is told so, and nothing is made of it.
    lab.ok("lvreduce -qq -y -f -L 4M vg0/before_thick 2>&1 || true");
    lab.sh("dd if=/dev/urandom of=/dev/vg0/db_thick bs=1M count=8 oflag=direct conv=fsync status=none");
    lab.vbs(&["drift"]).exits(2).says("snapshot.before_thick").says("is broken");
    let copy = both(&[DB, other, BEFORE].concat())
        + "volume \"copy\" {\n  pool = pool.thick\n  source = snapshot.before_thick\n}\n";
    scene.declare(&copy);
    lab.vbs(&["plan"]).exits(1).says("Broken source").says("snapshot.before_thick");
    scene.declare("");
    scene.close();
}

fn example(lab: &Lab) {
    let scene = Scene::open(lab);
    let text = include_str!("../../../examples/lvm.vbs.hcl");
    lab.write("examples/lvm.vbs.hcl", text);
    let address = format!("store={}", lab.address("root"));
    let vbs = |arguments: &[&str]| {
        let given =
            ["--var", &address, "--var", "volume_group=vg0", "--var", "thin_pool=tp0", "--var", "size=16MiB"];
        lab.vbs(&[&["-f", "examples/lvm.vbs.hcl"], arguments, &given].concat())
    };
    lab.write("examples/vbs.known_hosts", &lab.workspace.read("vbs.known_hosts"));
    vbs(&["plan", "--detailed-exitcode"]).exits(2).says("to add");
    vbs(&["apply", "--auto-approve"]).exits(0).says("Apply complete!");
    assert!(!scene.live().is_empty());
    vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    vbs(&["destroy", "--purge", "--auto-approve"]).exits(0).says("Destroy complete!");
    scene.nothing_is_left();
}
