//! LVM2's own test suite: what its commands have to do there, vbs has to do with them here.

use crate::Case;
use crate::cases::made::{BEFORE, DB, GONE, MADE, MORE, made, nobody_is_harmed, open};
use crate::lab::Lab;
use crate::scene::{BOTH, STORAGE, Scene, both, snapshot, volume};
use crate::storage::DISK_B;

pub const CASES: &[Case] = &[
    Case::of("lvm2_snapshot_usage", snapshot_usage).on(STORAGE),
    Case::of("lvm2_snapshot_merge", snapshot_merge).on(MADE),
    Case::of("lvm2_snapshot_merge_thin", snapshot_merge_thin).on(MADE),
    Case::of("lvm2_snapshot_cow_reduce", snapshot_cow_reduce).on(MADE),
    Case::of("lvm2_snapshot_maxsize", snapshot_maxsize).on(STORAGE),
    Case::of("lvm2_thin_overprovisioning", thin_overprovisioning).on(STORAGE),
    Case::of("lvm2_thin_flags", thin_flags).on(STORAGE),
    Case::of("lvm2_lvextend_thin_full", lvextend_thin_full).on(STORAGE),
    Case::of("lvm2_activation_skip", activation_skip).on(MADE),
    Case::of("lvm2_lvcreate_signature_wiping", signature_wiping).on(STORAGE),
    Case::of("lvm2_lvresize_rounding", lvresize_rounding).on(STORAGE),
    Case::of("lvm2_lock_blocking", lock_blocking).on(MADE).shared(),
    Case::of("lvm2_lock_parallel", lock_parallel).on(MADE),
    Case::of("lvm2_duplicate_vgnames", duplicate_vgnames).on(MADE),
    Case::of("lvm2_devicesfile_basic", devicesfile_basic).on(MADE),
    Case::of("lvm2_name_mangling", name_mangling).on(STORAGE),
    Case::of("lvm2_report_format", report_format).on(MADE),
    Case::of("lvm2_tags", tags).on(MADE),
];

/// The room of a snapshot is enough for every byte of its volume, and how much of it is taken is told.
fn snapshot_usage(lab: &Lab) {
    let scene = Scene::open(lab);
    let db = volume("db", "thick", "size = \"8MiB\"");
    scene.apply(&db);
    scene.write("db", "early");
    scene.apply(&(db.clone() + &snapshot("before", "db")));
    let used = |scene: &Scene| scene.field("before", "snap_percent").parse::<f64>().unwrap();
    assert!(used(&scene) < 1.0);
    lab.ok("dd if=/dev/urandom of=/dev/vg0/db bs=1M oflag=direct conv=fsync status=none || true");
    assert!(used(&scene) > 50.0);
    lab.vbs(&["describe", "snapshot.before"]).exits(0).says("used_percent");
    assert!(scene.holds("before", "early"));
    assert_eq!(scene.field("before", "lv_snapshot_invalid"), "");
    // That somebody writes is no drift.
    scene.settled();
    lab.vbs(&["drift"]).exits(0).says("No drift.");
    scene.strangers_are_unharmed();
}

const RESTORE: &str = "volume.gone_thick=snapshot.before_thick";

/// An open volume is refused instead of merged some day; merging twice works, for each merge takes a new snapshot; and
/// one that is being merged by hand is left alone.
fn snapshot_merge(lab: &Lab) {
    let scene = open(lab);
    scene.lab.ok("printf later | dd of=/dev/vg0/gone_thick conv=notrunc,fsync status=none");
    lab.ok("mkfs.ext4 -q -F /dev/vg0/gone_thick; mount /dev/vg0/gone_thick /mnt");
    scene.refuses_to(&["apply", "--auto-approve", "--restore", RESTORE], &["In use", "volume.gone_thick"]);
    lab.ok("umount /mnt");
    let id = scene.id("snapshot.before_thick");
    for round in ["first", "second"] {
        lab.vbs(&["apply", "--auto-approve", "--restore", RESTORE]).exits(0);
        assert_eq!(lab.ok("tr -d '\\0' < /dev/vg0/gone_thick | wc -c"), "0", "{round}");
        assert_eq!(scene.field("before_thick", "origin"), "gone_thick");
        lab.ok("printf later | dd of=/dev/vg0/gone_thick conv=notrunc,fsync status=none");
    }
    scene.settled();
    assert_ne!(scene.id("snapshot.before_thick"), id);
    // By hand, while it is open: it will be merged when it is closed. Until then it is neither used nor removed.
    lab.ok("mkfs.ext4 -q -F /dev/vg0/gone_thick; mount /dev/vg0/gone_thick /mnt; \
            lvconvert -qq -y --mergesnapshot vg0/before_thick 2>&1");
    scene.declare(&made());
    lab.vbs(&["drift"]).exits(2).says("snapshot.before_thick").says("merged");
    let copy = volume("copy", "thick", "source = snapshot.before_thick");
    scene.refuses(&(made() + &copy), &["snapshot.before_thick"]);
    let before = scene.seqno();
    scene.declare(&both(&[DB, GONE].concat()));
    assert_ne!(lab.vbs(&["apply", "--auto-approve", "--target", "snapshot.before_thick"]).code, 0);
    assert_eq!(scene.seqno(), before);
    nobody_is_harmed(&scene);
}

fn snapshot_merge_thin(lab: &Lab) {
    let scene = open(lab);
    lab.ok("printf later | dd of=/dev/vg0/gone_thin conv=notrunc,fsync status=none");
    let id = scene.id("volume.gone_thin");
    let arguments = ["apply", "--auto-approve", "--restore", "volume.gone_thin=snapshot.before_thin"];
    for _ in 0..2 {
        lab.vbs(&arguments).exits(0);
        assert_eq!(lab.ok("head -c 5 /dev/vg0/gone_thin | tr -d '\\0' | wc -c"), "0");
        lab.ok("printf later | dd of=/dev/vg0/gone_thin conv=notrunc,fsync status=none");
    }
    scene.settled();
    // The snapshot stays what it is, and what was there before each lies in the trash.
    assert_eq!(scene.id("volume.gone_thin"), id);
    assert_eq!(scene.trash().len(), 2);
    assert!(scene.field("before_thin", "lv_attr").starts_with("Vr"));
    nobody_is_harmed(&scene);
}

/// Its room was made smaller by hand: that is told, and is no reason to destroy it.
fn snapshot_cow_reduce(lab: &Lab) {
    let scene = open(lab);
    let was = scene.mib("before_thick");
    lab.ok("lvreduce -qq -y -f -l -1 vg0/before_thick 2>&1");
    assert!(scene.mib("before_thick") < was);
    lab.vbs(&["drift"]).exits(2).says("snapshot.before_thick reserve is 4 MiB, recorded 8 MiB");
    let plan = lab.vbs(&["plan", "--json"]).json();
    let planned = plan["resource_changes"].to_string();
    assert!(!planned.contains("\"delete\"") && !planned.contains("\"forget\""), "{planned}");
    nobody_is_harmed(&scene);
}

/// More room than can ever be taken is not set aside, as LVM does it, and the plan knows that.
fn snapshot_maxsize(lab: &Lab) {
    let scene = Scene::open(lab);
    let before = |reserve: &str| format!("snapshot \"before\" {{\n  volume = volume.db\n  {reserve}\n}}\n");
    let db = volume("db", "thick", "size = \"16MiB\"");
    scene.apply(&db);
    scene.apply(&(db.clone() + &before("reserve = \"1GiB\"")));
    let most = scene.mib("before");
    assert!((16..=24).contains(&most), "{most}");
    // The default is the same.
    scene.apply(&(db.clone() + &before("")));
    assert_eq!(scene.mib("before"), most);
    // LVM itself sets no more aside.
    lab.ok("lvcreate -qq -s -L 1G -n by_hand vg0/db 2>&1");
    assert!(scene.mib("by_hand") <= most, "{} of {most}", scene.mib("by_hand"));
    scene.strangers_are_unharmed();
}

fn thin_overprovisioning(lab: &Lab) {
    let scene = Scene::open(lab);
    let big = volume("big", "thin", "size = \"1GiB\"");
    scene.refuses(&big, &["The pool cannot hold this", "pool.thin can promise 512 MiB", "max_overcommit"]);
    scene.declare_with("max_overcommit = 2", &big);
    scene.refuses_to(&["apply", "--auto-approve"], &["pool.thin can promise 1 GiB"]);
    scene.declare_with("max_overcommit = 2.5", &big);
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 added");
    scene.settled();
    assert_eq!(scene.mib("big"), 1024);
    scene.strangers_are_unharmed();
}

fn small(lab: &Lab, blocks: &str) {
    lab.write(
        "main.vbs.hcl",
        &format!(
            "{}pool \"lvm\" \"small\" {{\n  host = host.store1\n  volume_group = \"vg0\"\n  thin_pool = \"small\"\n  \
             max_overcommit = 10\n}}\n{blocks}",
            lab.host_block()
        ),
    );
}

/// A thin pool of 16 MiB with a volume that filled all of it.
fn full_pool(lab: &Lab) {
    lab.ok("lvcreate -qq -L 16M --errorwhenfull y -T vg0/small");
    small(lab, &volume("db", "small", "size = \"20MiB\""));
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    lab.sh("dd if=/dev/zero of=/dev/vg0/db bs=64k count=320 oflag=direct conv=fsync status=none");
}

/// What LVM's flags say of a pool is told, and it takes nothing new; what is there stays as it is.
fn thin_flags(lab: &Lab) {
    let scene = Scene::open(lab);
    full_pool(lab);
    assert_eq!(scene.field("small", "lv_health_status"), "out_of_data");
    assert_eq!(scene.field("small", "lv_attr").as_bytes()[8], b'D');
    let db = volume("db", "small", "size = \"20MiB\"");
    small(lab, &(db.clone() + &snapshot("before", "db")));
    scene.refuses_to(
        &["apply", "--auto-approve"],
        &["The pool takes nothing new", "vg0/small", "out_of_data"],
    );
    small(lab, &db);
    scene.settled();
    scene.strangers_are_unharmed();
}

/// As soon as it was extended it takes again what it refused.
fn lvextend_thin_full(lab: &Lab) {
    let scene = Scene::open(lab);
    full_pool(lab);
    let more = volume("db", "small", "size = \"20MiB\"") + &volume("more", "small", "size = \"4MiB\"");
    small(lab, &more);
    scene.refuses_to(&["apply", "--auto-approve"], &["The pool takes nothing new"]);
    lab.ok("lvextend -qq -L 64M vg0/small 2>&1");
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 added");
    lab.ok("dd if=/dev/urandom of=/dev/vg0/more bs=1M count=4 oflag=direct conv=fsync status=none");
    scene.settled();
    scene.strangers_are_unharmed();
}

/// Snapshots of ours are active like every disk, and what somebody has made inactive or marked to be skipped is copied,
/// destroyed and purged all the same.
fn activation_skip(lab: &Lab) {
    let scene = open(lab);
    for name in ["before_thick", "before_thin", "db_thin"] {
        assert_eq!(scene.field(name, "lv_skip_activation"), "", "{name}");
        assert_eq!(scene.field(name, "lv_active"), "active", "{name}");
    }
    lab.ok(
        "lvchange -qq -k y vg0/before_thin; lvchange -qq -an vg0/before_thin; lvchange -qq -an vg0/db_thick",
    );
    scene.declare(&made());
    scene.settled();
    let copy = volume("copy", "thin", "source = snapshot.before_thin");
    lab.vbs(&["validate"]).exits(0);
    scene.apply(&(made() + &copy));
    assert_eq!((scene.field("copy", "lv_active"), scene.mib("copy")), ("active".to_owned(), 4));
    scene.apply(&both(&[DB, GONE].concat())).says("3 destroyed");
    assert!(scene.holds("db_thick", "content"));
    scene.strangers_are_unharmed();
}

/// Nothing of what lay there before shows in a blank volume: no file system, no volume group of a guest.
fn signature_wiping(lab: &Lab) {
    let scene = Scene::open(lab);
    for make in ["mkfs.ext4 -q -F", "mkswap", "pvcreate -qq -ff -y"] {
        lab.ok(&format!(
            "lvcreate -qq -y -L 8M -n db vg0; \
             {make} /dev/vg0/db > /dev/null 2>&1 || wipefs -qa /dev/vg0/db; lvremove -qq -y vg0/db"
        ));
    }
    lab.ok("lvcreate -qq -y -L 8M -n db vg0; mkfs.ext4 -q /dev/vg0/db; lvremove -qq -y vg0/db");
    scene.apply(&volume("db", "thick", "size = \"8MiB\""));
    assert_eq!(lab.sh("blkid -p /dev/vg0/db").code, 2, "there is a signature");
    assert_eq!(lab.ok("head -c 4096 /dev/vg0/db | tr -d '\\0' | wc -c"), "0");
    scene.strangers_are_unharmed();
}

/// Sizes become whole extents, upwards, and that is no change the next time.
fn lvresize_rounding(lab: &Lab) {
    let scene = Scene::open(lab);
    let sizes = |size: &str| both(&DB.replace("8MiB", size));
    for (size, is) in [("1", 4), ("4MiB", 4), ("4194305", 8), ("9MB", 12), ("12MiB", 12)] {
        scene.apply(&sizes(size));
        assert_eq!(BOTH.map(|pool| scene.mib(&format!("db_{pool}"))), [is, is], "{size}");
    }
    scene.strangers_are_unharmed();
}

/// Another LVM command holds the group's lock at the moment at which something is to be made: it is waited for.
fn lock_blocking(lab: &Lab) {
    let scene = open(lab);
    scene.declare(&(made() + &both(MORE)));
    let holder = "setsid flock /run/lock/lvm/V_vg0 sh -c 'touch /run/held; sleep 3; touch /run/let-go' \
                  </dev/null >/dev/null 2>&1 & until [ -e /run/held ]; do sleep 0.1; done";
    let fault = [("VBS_FAULT", "hook@SentBeforeAct.2"), ("VBS_FAULT_HOOK", holder)];
    lab.vbs_with(&fault, &["apply", "--auto-approve"]).exits(0).says("2 added");
    lab.ok("[ -e /run/let-go ]");
    scene.settled();
    nobody_is_harmed(&scene);
}

/// Others make and remove volumes in the same group all the time.
fn lock_parallel(lab: &Lab) {
    let scene = open(lab);
    lab.ok("setsid sh -c 'while [ ! -e /run/enough ]; do lvcreate -qq -y -L 4M -n busy vg0 && lvremove -qq -y vg0/busy \
            || exit; touch /run/round; done; touch /run/ended' </dev/null >/run/said 2>&1 & \
            until [ -e /run/round ]; do sleep 0.1; done");
    scene.declare(&(made() + &both(MORE)));
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("2 added");
    scene.declare(&both(&[DB, MORE].concat()));
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("4 destroyed");
    lab.ok("[ ! -e /run/ended ]; touch /run/enough; until [ -e /run/ended ]; do sleep 0.1; done");
    assert_eq!(scene.live(), ["db_thick", "db_thin", "more_thick", "more_thin"]);
    scene.settled();
    nobody_is_harmed(&scene);
}

/// Two groups of one name: nobody knows which is meant, so neither is touched.
fn duplicate_vgnames(lab: &Lab) {
    let scene = open(lab);
    let part = lab.part("part", DISK_B, 8, 64);
    lab.volume_group("twin", &part);
    lab.ok("lvcreate -qq -y -L 8M -n theirs twin; lvchange -qq -an twin");
    let table = lab.ok("dmsetup table part");
    lab.ok("dmsetup remove --retry part; udevadm settle");
    let other = lab.part("other", DISK_B, 80, 64);
    lab.volume_group("twin", &other);
    lab.ok(&format!("dmsetup create part --table '{table}'; udevadm settle"));
    let look = || lab.ok("vgs --noheadings -o vg_name,vg_uuid,vg_seqno,lv_count 2>/dev/null | sort");
    let before = look();
    assert_eq!(before.matches("twin").count(), 2, "{before}");
    scene.declare(&made());
    let declared = lab.workspace.read("main.vbs.hcl");
    let twins = format!(
        "{declared}pool \"lvm\" \"twin\" {{\n  host = host.store1\n  volume_group = \"twin\"\n}}\n{}",
        volume("db", "twin", "size = \"4MiB\"")
    );
    lab.write("main.vbs.hcl", &twins);
    for arguments in [&["plan"][..], &["apply", "--auto-approve"]] {
        lab.vbs(arguments)
            .exits(1)
            .says("two volume groups are called twin")
            .says("rename one of them with `vgrename UUID NAME`");
    }
    assert_eq!(look(), before);
    // As it says.
    let uuid = before.lines().find(|line| line.contains("twin")).unwrap().split_whitespace().nth(1).unwrap();
    lab.ok(&format!("vgrename -qq {uuid} renamed"));
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("1 added");
    nobody_is_harmed(&scene);
}

/// A disk that the host's administrators have hidden from LVM is not there for vbs either.
fn devicesfile_basic(lab: &Lab) {
    let scene = open(lab);
    let before = scene.seqno();
    lab.ok("sed -i '/^devices {/a use_devicesfile = 1' /etc/lvm/lvm.conf; \
            part=$(readlink -f /dev/disk/by-id/virtio-lab-b); pvcreate -qq $part; \
            mkdir -p /etc/lvm/devices; lvm lvmdevices -y --adddev $part 2>&1");
    assert_eq!(lab.ok("vgs --noheadings -o vg_name"), "");
    scene.declare(&made());
    for arguments in [&["plan"][..], &["apply", "--auto-approve"], &["destroy", "--auto-approve"]] {
        lab.vbs(arguments)
            .exits(1)
            .says("there is no volume group vg0 here")
            .says("does lvm.conf let LVM see them");
    }
    lab.ok("for disk in c d; do lvm lvmdevices -y --adddev $(readlink -f /dev/disk/by-id/virtio-lab-$disk) 2>&1; done");
    assert_eq!(scene.seqno(), before);
    scene.settled();
    nobody_is_harmed(&scene);
}

/// Every character that LVM takes, dashes that device-mapper doubles among them.
fn name_mangling(lab: &Lab) {
    let scene = Scene::open(lab);
    let odd = ["a-b--c", "d+e", "f_g", "h.i", "0", "A-", "_"];
    let blocks: String = (odd.iter().enumerate())
        .map(|(number, name)| {
            let pool = BOTH[number % 2];
            volume(&format!("v{number}"), pool, &format!("size = \"4MiB\"\n  name = \"{name}\""))
        })
        .collect();
    let outputs: String = (0..odd.len())
        .map(|number| format!("output \"o{number}\" {{\n  value = volume.v{number}.path\n}}\n"))
        .collect();
    scene.apply(&(blocks.clone() + &outputs));
    for (number, name) in odd.iter().enumerate() {
        let path = lab.vbs(&["output", "--raw", &format!("o{number}")]).exits(0).stdout;
        assert_eq!(path.trim(), format!("/dev/vg0/{name}"));
        assert_eq!(lab.ok(&format!("blockdev --getsize64 {}", path.trim())), "4194304");
    }
    scene.apply(&(blocks.replace("4MiB", "8MiB") + &outputs)).says("7 changed");
    scene.apply("").says("7 destroyed");
    assert_eq!(scene.live(), [""; 0]);
    scene.strangers_are_unharmed();
}

/// How the host's administrators like LVM's reports changes nothing that vbs reads in them.
fn report_format(lab: &Lab) {
    let scene = open(lab);
    lab.ok("cat > /etc/lvm/lvmlocal.conf <<'END'\n\
            global { units = \"H\" suffix = 1 si_unit_consistency = 0 }\n\
            report { aligned = 0 buffered = 0 headings = 0 separator = \"@\" list_item_separator = \";\" \
            prefixes = 1 quoted = 0 columns_as_rows = 1 binary_values_as_numeric = 1 mark_hidden_devices = 0 \
            output_format = \"basic\" time_format = \"%A\" compact_output = 1 }\n\
            log { report_command_log = 1 verbose = 1 prefix = \"LVM: \" command_names = 1 }\nEND\n\
            lvmconfig report/separator");
    scene.declare(&made());
    scene.settled();
    lab.vbs(&["drift"]).exits(0).says("No drift.");
    let wanted = both(&[&DB.replace("8MiB", "12MiB"), MORE].concat());
    scene.apply(&wanted).says("2 added, 2 changed, 4 destroyed");
    lab.ok("rm /etc/lvm/lvmlocal.conf");
    assert_eq!(BOTH.map(|pool| scene.mib(&format!("db_{pool}"))), [12, 12]);
    nobody_is_harmed(&scene);
}

/// Tags that others have put on our volumes stay through everything; a tag of ours on theirs makes it not ours.
fn tags(lab: &Lab) {
    let scene = open(lab);
    lab.ok("lvchange -qq --addtag backup=daily --addtag @eu vg0/db_thick; lvchange -qq --addtag backup=daily vg0/db_thin; \
            lvcreate -qq -y -L 4M --addtag vbs -n theirs vg0");
    scene.declare(&made());
    scene.settled();
    let renamed = made().replace("volume \"db_thick\" {", "volume \"db_thick\" {\n  name = \"new_thick\"");
    scene.apply(&renamed.replace("volume \"db_thin\" {", "volume \"db_thin\" {\n  name = \"new_thin\""));
    assert!(scene.field("new_thick", "lv_tags").contains("backup=daily"));
    let ids = BOTH.map(|pool| scene.id(&format!("volume.db_{pool}")));
    scene.apply(&both(&[GONE, BEFORE].concat())).says("2 destroyed");
    for id in &ids {
        assert!(scene.field(&format!("vbs_trash.{id}"), "lv_tags").contains("backup=daily"));
    }
    lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    lab.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(0);
    assert_eq!(scene.marked(), ["theirs"]);
    scene.strangers_are_unharmed();
}
