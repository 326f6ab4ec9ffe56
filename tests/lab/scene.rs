//! Where most cases play: a volume group with a thin pool, among volumes of every kind that are none of vbs's, and a
//! configuration that begins with two pools there. What a case declares is applied twice, and when it ends nothing but
//! the strangers is left, and they are as they were.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::Beginning;
use crate::lab::{Lab, quoted};
use crate::storage::{DISK_C, DISK_D, Stranger};
use crate::workspace::Output;

/// Thick volumes come to lie on the first disk, which is small enough to be searched.
pub const STORAGE: Beginning = Beginning { name: "storage", on: None, prepare };

const STRANGERS: [&str; 4] = ["stranger_thick", "stranger_cow", "stranger_thin", "stranger_raid"];

pub fn prepare(lab: &Lab) {
    lab.volume_group("vg0", &format!("{DISK_D} {DISK_C}"));
    lab.ok(&format!("lvcreate -qq -L 512M -T vg0/tp0 $(readlink -f {DISK_C})"));
    lab.stranger("vg0", "stranger_thick", "8M");
    lab.ok("lvcreate -qq -s -L 4M -n stranger_cow vg0/stranger_thick");
    lab.ok("lvcreate -qq -V 16M -T vg0/tp0 -n stranger_thin");
    lab.ok("lvcreate -qq -y --type raid1 -m1 -L 8M -n stranger_raid vg0");
    for name in ["stranger_thin", "stranger_raid"] {
        lab.stamp(&format!("/dev/vg0/{name}"), 4096, name);
    }
    // The mirror's second half is written before anybody compares.
    lab.ok("until [ \"$(lvs --noheadings -o sync_percent vg0/stranger_raid | tr -d ' ')\" = 100.00 ]; do :; done");
}

/// Everything of the volume group that vbs has to leave alone or to give back.
#[derive(Debug, PartialEq, Eq)]
pub struct Surroundings {
    strangers: BTreeMap<String, Stranger>,
    /// Everything else in the group, what is free in it, the devices, and what lies in the directory of guards.
    rest: String,
}

fn surroundings(lab: &Lab) -> Surroundings {
    Surroundings {
        strangers: lab.strangers("vg0", &STRANGERS),
        rest: lab.ok(
            "lvs -a --noheadings --separator '|' -o lv_name,lv_size,lv_attr,lv_uuid,lv_tags --units b \
               -S 'lv_name!=tp0' vg0 | sort; \
             vgs --noheadings --units b -o vg_free,vg_tags,pv_count vg0; \
             dmsetup ls | sort; \
             [ ! -e /var/lib/vbs ] || find /var/lib/vbs",
        ),
    }
}

pub struct Scene<'lab, 'machine> {
    pub lab: &'lab Lab<'machine>,
    before: &'static Surroundings,
}

/// Every case begins with the same state of the machine, so it is looked at once.
static BEFORE: OnceLock<Surroundings> = OnceLock::new();

/// One block for each of the two pools: `POOL` in `template` becomes `thick` and `thin`.
pub fn both(template: &str) -> String {
    ["thick", "thin"].map(|pool| template.replace("POOL", pool)).concat()
}

pub const BOTH: [&str; 2] = ["thick", "thin"];

pub fn volume(label: &str, pool: &str, arguments: &str) -> String {
    format!("volume \"{label}\" {{\n  pool = pool.{pool}\n  {arguments}\n}}\n")
}

pub fn snapshot(label: &str, of: &str) -> String {
    format!("snapshot \"{label}\" {{\n  volume = volume.{of}\n}}\n")
}

impl<'lab, 'machine> Scene<'lab, 'machine> {
    pub fn open(lab: &'lab Lab<'machine>) -> Self {
        Scene { lab, before: BEFORE.get_or_init(|| surroundings(lab)) }
    }

    /// On another state that is begun from again and again.
    pub fn open_on(lab: &'lab Lab<'machine>, before: &'static OnceLock<Surroundings>) -> Self {
        Scene { lab, before: before.get_or_init(|| surroundings(lab)) }
    }

    /// The strangers are byte for byte what they were.
    #[track_caller]
    pub fn strangers_are_unharmed(&self) {
        assert_eq!(
            self.lab.strangers("vg0", &STRANGERS),
            self.before.strangers,
            "a stranger is not as it was"
        );
    }

    /// Writes the configuration: host, both pools, and `blocks`.
    pub fn declare(&self, blocks: &str) {
        self.declare_with("", blocks);
    }

    /// With arguments for both pools.
    pub fn declare_with(&self, arguments: &str, blocks: &str) {
        let host = self.lab.host_block();
        self.lab.write(
            "main.vbs.hcl",
            &format!(
                "{host}\
                 pool \"lvm\" \"thick\" {{\n  host = host.store1\n  volume_group = \"vg0\"\n  {arguments}\n}}\n\
                 pool \"lvm\" \"thin\" {{\n  host = host.store1\n  volume_group = \"vg0\"\n  thin_pool = \"tp0\"\n  {arguments}\n}}\n\
                 {blocks}"
            ),
        );
    }

    /// Declares and applies, and finds that nothing is left to be done.
    #[track_caller]
    pub fn apply(&self, blocks: &str) -> Output {
        self.declare(blocks);
        let output = self.lab.vbs(&["apply", "--auto-approve"]).exits(0);
        self.settled();
        output
    }

    /// The second time there is nothing to do.
    #[track_caller]
    pub fn settled(&self) {
        self.lab.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    }

    /// Declares what a plan and an apply refuse, with every word of `words`, and nothing is changed.
    #[track_caller]
    pub fn refuses(&self, blocks: &str, words: &[&str]) {
        self.declare(blocks);
        self.refuses_to(&["apply", "--auto-approve"], words);
    }

    #[track_caller]
    pub fn refuses_to(&self, arguments: &[&str], words: &[&str]) {
        let before = self.seqno();
        let mut output = self.lab.vbs(arguments).exits(1);
        for word in words {
            output = output.says(word);
        }
        assert_eq!(self.seqno(), before, "what was refused changed something");
    }

    /// A number that rises with every change of the group's metadata, and the files of guards.
    pub fn seqno(&self) -> String {
        self.lab.ok("vgs --noheadings -o vg_seqno vg0; [ ! -e /var/lib/vbs ] || find /var/lib/vbs")
    }

    /// One field of a volume as LVM gives it, sizes in bytes.
    #[track_caller]
    pub fn field(&self, name: &str, field: &str) -> String {
        let script = format!("lvs --noheadings --units b --nosuffix -o {field} vg0/{name}");
        self.lab.ok(&script).trim().to_owned()
    }

    #[track_caller]
    pub fn mib(&self, name: &str) -> u64 {
        self.field(name, "lv_size").parse::<u64>().unwrap() >> 20
    }

    pub fn exists(&self, name: &str) -> bool {
        !self
            .lab
            .ok(&format!("lvs --noheadings -o lv_name -S 'vg_name=vg0 && lv_name=\"{name}\"'"))
            .is_empty()
    }

    /// Every volume that is marked, by name; what lies in the trash too.
    pub fn marked(&self) -> Vec<String> {
        let listed = self.lab.ok("lvs --noheadings -o lv_name @vbs | tr -d ' ' | LC_ALL=C sort");
        listed.split_whitespace().map(str::to_owned).collect()
    }

    /// What is marked and not in the trash.
    pub fn live(&self) -> Vec<String> {
        self.marked().into_iter().filter(|name| !name.starts_with("vbs_")).collect()
    }

    /// Writes into the beginning and into the last part of the first 8 MiB.
    pub fn write(&self, name: &str, text: &str) {
        let text = quoted(text);
        self.lab.ok(&format!(
            "for place in {PLACES}; do printf %s {text} | dd of=/dev/vg0/{name} bs=4096 seek=$place oflag=seek_bytes \
             conv=notrunc,fsync status=none; done"
        ));
    }

    /// Whether both places hold `text`, read from the device; what is not active is made active for the look.
    #[track_caller]
    pub fn holds(&self, name: &str, text: &str) -> bool {
        let device = format!("/dev/vg0/{name}");
        let read = self.lab.ok(&format!(
            "[ -b {device} ] || {{ lvchange -qq -y -ay -K vg0/{name}; udevadm settle; }}; \
             blockdev --flushbufs {device}; \
             for place in {PLACES}; do dd if={device} bs=4096 skip=$place count={} \
             iflag=skip_bytes,count_bytes,fullblock status=none; echo; done",
            text.len()
        ));
        read == format!("{text}\n{text}")
    }

    /// The record of an address, as JSON.
    #[track_caller]
    pub fn recorded(&self, address: &str) -> Value {
        let shown = self.lab.vbs(&["state", "show", address, "--json"]).exits(0).json();
        shown["resources"][0].clone()
    }

    #[track_caller]
    pub fn id(&self, address: &str) -> String {
        self.recorded(address)["id"].as_str().unwrap().to_owned()
    }

    /// The entries of the trash, the newest first.
    pub fn trash(&self) -> Vec<Value> {
        let listed = self.lab.vbs(&["trash", "list", "--json"]).exits(0).json();
        listed["trash"].as_array().cloned().unwrap_or_default()
    }

    /// Destroys and purges everything, and finds the machine as it was before the case.
    #[track_caller]
    pub fn close(self) {
        self.lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
        if !self.trash().is_empty() {
            self.lab.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(0);
        }
        self.nothing_is_left();
    }

    /// No mark, no guard, every extent free again, and the strangers byte for byte what they were.
    #[track_caller]
    pub fn nothing_is_left(&self) {
        assert_eq!(self.marked(), [""; 0], "something marked is left");
        let after = surroundings(self.lab);
        assert_eq!(after.rest, self.before.rest, "the machine is not as it was");
        assert_eq!(after.strangers, self.before.strangers, "a stranger is not as it was");
    }
}

/// The bytes at which volumes are written to.
const PLACES: &str = "0 8000000";
