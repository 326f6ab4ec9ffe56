//! The ground that the other cases stand on: a machine that is new each time, whose LVM is real, and which loses in a
//! power cut what it did not flush and nothing else.

use crate::Case;
use crate::lab::Lab;
use crate::storage::{Behaviour, DISK_B, DISK_C, DISK_D};

pub const CASES: &[Case] = &[
    Case::of("ground: real LVM", real_lvm).shared(),
    Case::of("ground: nothing is left of the case before", nothing_is_left).shared(),
    Case::of("ground: accounts", accounts).shared(),
    Case::of("ground: a power cut keeps what was flushed", power_cut),
    Case::of("ground: strangers are compared by content and metadata", strangers),
    Case::of("ground: a disk breaks and is mended", breaking),
    Case::of("ground: a paused machine is silent and goes on", pausing),
];

/// Leaves what the next case must not find.
fn real_lvm(lab: &Lab) {
    lab.volume_group("vg0", DISK_B);
    lab.thin_pool("vg0", "tp0", "1G");
    lab.ok("lvcreate -qq -V 2G -T vg0/tp0 -n thin; lvcreate -qq -L 64M -n thick vg0");
    lab.ok("lvcreate -qq -s -n thin_snapshot vg0/thin; lvcreate -qq -s -L 16M -n thick_snapshot vg0/thick");
    let names = lab.ok("lvs --noheadings -o lv_name --sort lv_name vg0");
    let names: Vec<&str> = names.split_whitespace().collect();
    assert_eq!(names, ["thick", "thick_snapshot", "thin", "thin_snapshot", "tp0"]);
    lab.stamp("/dev/vg0/thin", 4096, "before");
    lab.ok("lvcreate -qq -s -kn -ay -n later vg0/thin");
    lab.stamp("/dev/vg0/thin", 4096, "after!");
    assert!(lab.has_stamp("/dev/vg0/later", 4096, "before"));
    assert!(lab.has_stamp("/dev/vg0/thin", 4096, "after!"));
    lab.ok("echo here > /root/left-behind");
}

fn nothing_is_left(lab: &Lab) {
    assert_eq!(lab.ok("vgs --noheadings; pvs --noheadings; dmsetup ls"), "No devices found");
    assert_eq!(lab.sh("cat /root/left-behind").code, 1);
    for disk in [DISK_B, DISK_C, DISK_D] {
        assert_eq!(lab.ok(&format!("wipefs {disk}; head -c 4M {disk} | tr -d '\\0' | wc -c")), "0");
    }
    // Certificates, sudo and people compare times.
    let skew: i64 = lab.ok("date +%s").parse::<i64>().unwrap() - now();
    assert!(skew.abs() < 30, "the machine's clock is {skew} s off");
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

fn accounts(lab: &Lab) {
    assert_eq!(lab.ok("id -un"), "root");
    lab.sh_as("ops", "id -un; sudo -n id -un").exits(0).says("ops root");
    lab.sh_as("nosudo", "sudo -n true").exits(1).says("a password is required");
}

fn power_cut(lab: &Lab) {
    lab.volume_group("vg0", DISK_B);
    lab.ok("lvcreate -qq -L 64M -n volume vg0");
    lab.stamp("/dev/vg0/volume", 0, "flushed");
    let boot = lab.ok("cat /proc/sys/kernel/random/boot_id");
    lab.ok("mkfs.ext4 -q -F /dev/disk/by-id/virtio-lab-d; mount /dev/disk/by-id/virtio-lab-d /mnt");
    lab.ok(
        "echo flushed > /mnt/flushed; sync /mnt/flushed; echo 600000 > /proc/sys/vm/dirty_expire_centisecs",
    );
    lab.ok("echo 0 > /proc/sys/vm/dirty_writeback_centisecs; echo in memory > /mnt/unflushed");
    lab.power_cut();
    lab.wait_until_up();
    assert_ne!(lab.ok("cat /proc/sys/kernel/random/boot_id"), boot);
    // Nobody activated it: it is active because the machine has booted as a storage host does.
    assert!(lab.has_stamp("/dev/vg0/volume", 0, "flushed"));
    lab.ok("mount /dev/disk/by-id/virtio-lab-d /mnt");
    assert_eq!(lab.ok("cat /mnt/flushed"), "flushed");
    assert_eq!(lab.ok("cat /mnt/unflushed 2>/dev/null || true"), "");
}

fn strangers(lab: &Lab) {
    lab.volume_group("vg0", DISK_B);
    for name in ["same", "written", "renamed_tag"] {
        lab.stranger("vg0", name, "8M");
    }
    let names = ["same", "written", "renamed_tag"];
    let before = lab.strangers("vg0", &names);
    lab.ok("lvcreate -qq -L 8M -n new vg0");
    assert_eq!(lab.strangers("vg0", &names), before);
    lab.stamp("/dev/vg0/written", 5_000_000, "x");
    lab.ok("lvchange -qq --addtag strange vg0/renamed_tag");
    let after = lab.strangers("vg0", &names);
    let changed: Vec<&str> =
        names.iter().copied().filter(|name| before.get(*name) != after.get(*name)).collect();
    assert_eq!(changed, ["written", "renamed_tag"]);
    let metadata = |name: &str| (&before[name].metadata, &after[name].metadata);
    assert_eq!(metadata("written").0, metadata("written").1);
    assert_ne!(metadata("renamed_tag").0, metadata("renamed_tag").1);
}

fn breaking(lab: &Lab) {
    let disk = lab.breakable("brittle", DISK_C);
    lab.volume_group("vg1", &disk);
    lab.ok("lvcreate -qq -L 8M -n volume vg1");
    lab.stamp("/dev/vg1/volume", 0, "whole");
    lab.behave("brittle", Behaviour::RefusesWrites);
    assert!(lab.has_stamp("/dev/vg1/volume", 0, "whole"));
    assert_ne!(lab.sh("lvcreate -qq -L 8M -n other vg1").code, 0);
    lab.behave("brittle", Behaviour::Fails);
    assert_ne!(lab.sh("dd if=/dev/vg1/volume of=/dev/null bs=4096 count=1 iflag=direct").code, 0);
    lab.behave("brittle", Behaviour::Slow(100));
    let slow = lab.ok(
        "s=$(date +%s%N); dd if=/dev/vg1/volume of=/dev/null bs=4096 count=10 iflag=direct status=none; \
         e=$(date +%s%N); echo $(( (e - s) / 1000000 ))",
    );
    assert!(slow.parse::<u64>().unwrap() >= 1000, "ten reads took {slow} ms");
    lab.behave("brittle", Behaviour::Works);
    assert!(lab.has_stamp("/dev/vg1/volume", 0, "whole"));
    assert_eq!(lab.ok("lvs --noheadings -o lv_name vg1").trim(), "volume");
}

fn pausing(lab: &Lab) {
    let boot = lab.ok("cat /proc/sys/kernel/random/boot_id");
    lab.pause();
    assert!(!lab.answers_within(2));
    lab.resume();
    assert!(lab.answers_within(60));
    assert_eq!(lab.ok("cat /proc/sys/kernel/random/boot_id"), boot);
}
