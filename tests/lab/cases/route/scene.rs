//! A storage host and a hypervisor's host on a network of their own, each with things of others beside what vbs makes, and
//! the way of one volume from the one to a VM on the other.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::Value;

use super::hypervisor::{Hypervisor, QEMU};
use crate::Beginning;
use crate::lab::Lab;
use crate::machine::Host;
use crate::storage::DISK_B;
use crate::workspace::Output;

/// A volume group and a VM; and of others, a volume, the target that offers it, and a session of kvm1 with that target.
pub const ROUTE: Beginning = Beginning { name: "route", on: None, prepare };

const FOREIGN: &str = "iqn.2001-04.com.example:foreign";

fn prepare(lab: &Lab) {
    lab.volume_group("vg0", DISK_B);
    lab.stranger("vg0", "foreign", "8M");
    lab.ok(&format!(
        "targetcli >/dev/null <<END
/backstores/block create name=foreign dev=/dev/vg0/foreign
/iscsi create {FOREIGN}
/iscsi/{FOREIGN}/tpg1/portals delete 0.0.0.0 3260
/iscsi/{FOREIGN}/tpg1/portals create 10.9.0.1 3261
/iscsi/{FOREIGN}/tpg1/luns create /backstores/block/foreign
/iscsi/{FOREIGN}/tpg1 set attribute generate_node_acls=1 authentication=0
saveconfig
END
         test -d /sys/kernel/config/target/iscsi/{FOREIGN}/tpgt_1/np/10.9.0.1:3261; rm -rf /etc/rtslib-fb-target/backup; systemctl enable -q rtslib-fb-targetctl"
    ));
    lab.ok_on(
        Host::Kvm1,
        &format!(
            "systemctl enable -q open-iscsi
             iscsiadm -m discovery -t st -p 10.9.0.1:3261 >/dev/null
             iscsiadm -m node -T {FOREIGN} -o update -n node.startup -v automatic
             iscsiadm -m node -T {FOREIGN} --login >/dev/null; udevadm settle"
        ),
    );
    QEMU.prepare(lab);
}

/// How the volume gets from its pool to the hypervisor.
#[derive(Debug)]
pub struct Export {
    pub block: Cow<'static, str>,
    /// What the block needs beside the pool.
    pub around: Cow<'static, str>,
    /// Whether it shows growth to who is logged in.
    pub grows_in_use: bool,
    /// The world-wide name that a disk gets of the 32 digits of its volume's serial.
    pub wwn: fn(&str) -> String,
}

/// Those of LIO begin with its own vendor's digits, tgtd puts the type before those of the serial.
fn lio_wwn(digits: &str) -> String {
    format!("6001405{}", &digits[..25])
}

fn tgt_wwn(digits: &str) -> String {
    format!("6{}", &digits[1..])
}

impl Export {
    const fn of(block: &'static str, grows_in_use: bool, wwn: fn(&str) -> String) -> Export {
        Export { block: Cow::Borrowed(block), around: Cow::Borrowed(""), grows_in_use, wwn }
    }
}

pub static LIO: Export = Export::of("export \"lio\" { portal = \"10.9.0.1:3260\" }", true, lio_wwn);
pub static TGT: Export = Export::of("export \"tgt\" { portal = \"10.9.0.1:3260\" }", false, tgt_wwn);

/// The export of examples/tgtadm.vbs.hcl, as it stands there.
pub static TGTADM: LazyLock<Export> = LazyLock::new(|| {
    let example = include_str!("../../../../examples/tgtadm.vbs.hcl");
    let block = |begin: &str, end: &str| {
        let from = example.find(begin).unwrap();
        &example[from..from + example[from..].find(end).unwrap() + end.len()]
    };
    Export {
        block: block("export \"command\"", "\n  }\n").replace("var.portal", "\"10.9.0.1:3260\"").into(),
        around: (block("variable \"control\"", "\n}\n").to_owned() + block("locals {", "\n}\n")).into(),
        grows_in_use: true,
        wwn: tgt_wwn,
    }
});

/// What both machines show of all that vbs has to give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    store1: String,
    saved: Value,
    kvm1: String,
}

/// Targets with all that is set of them, what is saved, marks and volumes. What the kernel counts up is left out.
const STORE1: &str = r#"cd /sys/kernel/config/target
find core iscsi -maxdepth 8 \( -path '*statistics*' -o -path '*/alua/*' -o -path '*/default_tg_pt_gp*' -o -name 'iblock_*' -o -path '*/dynamic_sessions' \) -prune -o -print | sort
find core/iblock_* -mindepth 1 -maxdepth 1 -type d | sed 's/iblock_[0-9]*/iblock_N/' | sort
find core iscsi \( -path '*/attrib/*' -o -path '*/auth/userid' -o -name write_protect -o -path '*/wwn/vpd_unit_serial' \) -type f | sort | while read -r f; do echo "$f $(cat "$f" 2>&1)"; done | sed 's/iblock_[0-9]*/iblock_N/'
cd /; ss -Htln | awk '{ print $4 }' | grep ':32' | sort
! pgrep -x tgtd >/dev/null || tgtadm --op show --mode target
[ ! -d /etc/tgt/conf.d ] || find /etc/tgt/conf.d
find /var/lib/vbs 2>/dev/null | sort
lvs --noheadings -o lv_name,lv_size,lv_tags vg0; vgs --noheadings -o vg_free vg0; ls -a /etc/rtslib-fb-target"#;

/// Sessions and their portals, records, SCSI devices by serial, and what the hypervisor has.
const KVM1: &str = r#"iscsiadm -m session 2>&1 | sed 's/\[[0-9]*\]/[N]/' | sort
find /etc/iscsi /var/lib/iscsi /var/lib/vbs ! -path /etc/iscsi/nodes ! -path /etc/iscsi/ifaces 2>/dev/null | sort
lsblk -dno TYPE,SIZE,SERIAL | sort; ls /dev/disk/by-id; ls /dev/disk/by-path"#;

impl Surroundings {
    fn without_ids(&self) -> Surroundings {
        // A secret follows from the id of what it is for.
        let ids = r#"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{25,}|"chap_password":"[^"]*""#;
        let ids = regex::Regex::new(ids).unwrap();
        let without = |text: &str| {
            let mark = |found: &regex::Captures<'_>| {
                if found[0].starts_with('"') { "\"chap_password\":\"SECRET\"" } else { "ID" }
            };
            ids.replace_all(text, |found: &regex::Captures<'_>| mark(found).to_owned()).into_owned()
        };
        Surroundings {
            store1: without(&self.store1),
            saved: serde_json::from_str(&without(&self.saved.to_string())).unwrap(),
            kvm1: without(&self.kvm1),
        }
    }

    fn difference(&self, before: &Surroundings) -> Option<String> {
        let mut words = Vec::new();
        for (host, was, is) in [("store1", &before.store1, &self.store1), ("kvm1", &before.kvm1, &self.kvm1)]
        {
            let sorted = |text: &str| -> Vec<String> {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            let (was, is) = (sorted(was), sorted(is));
            words
                .extend(was.iter().filter(|line| !is.contains(line)).map(|line| format!("{host}: - {line}")));
            words
                .extend(is.iter().filter(|line| !was.contains(line)).map(|line| format!("{host}: + {line}")));
            if was.len() != is.len() && words.is_empty() {
                words.push(format!("{host}: a line more or less often: {was:?} and {is:?}"));
            }
        }
        if before.saved != self.saved {
            words.push(format!("the saved targets were {:#} and are {:#}", before.saved, self.saved));
        }
        (!words.is_empty()).then(|| words.join("\n"))
    }
}

pub struct Route<'lab, 'machine> {
    pub lab: &'lab Lab<'machine>,
    pub hypervisor: &'static Hypervisor,
    pub export: &'static Export,
}

impl<'lab, 'machine> Route<'lab, 'machine> {
    pub fn new(lab: &'lab Lab<'machine>) -> Self {
        Route { lab, hypervisor: &QEMU, export: &LIO }
    }

    pub fn surroundings(&self) -> Surroundings {
        let disks = self.hypervisor.disks;
        Surroundings {
            store1: self.lab.ok(STORE1),
            saved: serde_json::from_str(&self.lab.ok("cat /etc/rtslib-fb-target/saveconfig.json")).unwrap(),
            kvm1: self.lab.ok_on(Host::Kvm1, &format!("{KVM1}\n{disks}")),
        }
    }

    /// In words, what is not as it was.
    pub fn difference(&self, before: &Surroundings) -> Option<String> {
        self.surroundings().difference(before)
    }

    /// The same, where what is made anew has another id each time.
    pub fn difference_but_for_ids(&self, before: &Surroundings) -> Option<String> {
        self.surroundings().without_ids().difference(&before.without_ids())
    }

    #[track_caller]
    pub fn is_as(&self, before: &Surroundings) {
        if let Some(difference) = self.difference(before) {
            panic!("the machines are not as they were:\n{difference}");
        }
    }

    /// Both hosts, the pool, the hypervisor, and `blocks`.
    pub fn declare(&self, blocks: &str) {
        let (hosts, hypervisor) = (self.lab.host_blocks(), self.hypervisor.block);
        let Export { block: export, around, .. } = self.export;
        self.lab.write(
            "main.vbs.hcl",
            &format!(
                "vbs {{ name = \"shop\" }}\n{hosts}{around}\
                 pool \"lvm\" \"fast\" {{\n  host         = host.store1\n  volume_group = \"vg0\"\n  {export}\n}}\n\
                 {hypervisor}{blocks}"
            ),
        );
    }

    pub fn volume(&self, size: &str) -> String {
        format!("volume \"db\" {{\n  pool = pool.fast\n  size = \"{size}\"\n}}\n")
    }

    pub fn attached(&self, size: &str) -> String {
        self.volume(size) + &self.attachment("db_on_web1", "web1")
    }

    pub fn attachment(&self, label: &str, vm: &str) -> String {
        format!(
            "attachment \"{label}\" {{\n  volume     = volume.db\n  hypervisor = hypervisor.vms\n  vm         = \"{vm}\"\n  \
             {}\n}}\n",
            self.hypervisor.attachment
        )
    }

    /// Declares and applies, and finds that nothing is left to be done.
    #[track_caller]
    pub fn apply(&self, blocks: &str) -> Output {
        self.declare(blocks);
        let output = self.apply_again();
        self.settled();
        output
    }

    #[track_caller]
    pub fn apply_again(&self) -> Output {
        self.lab.vbs(&["apply", "--auto-approve"]).exits(0)
    }

    #[track_caller]
    pub fn settled(&self) {
        self.lab.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    }

    #[track_caller]
    pub fn close(&self, before: &Surroundings) {
        self.lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
        self.is_as(before);
    }

    /// What the storage host knows of the volume: its UUID.
    pub fn serial(&self) -> String {
        let shown = self.lab.vbs(&["state", "show", "volume.db", "--json"]).exits(0).json();
        let all = shown["resources"].as_array().unwrap();
        let volume = all.iter().find(|entry| entry["layer"].is_null()).unwrap();
        volume["values"]["serial"].as_str().unwrap().to_owned()
    }

    /// The disk on kvm1 by the name that follows from the volume's serial.
    pub fn by_id(&self) -> String {
        format!("/dev/disk/by-id/wwn-0x{}", (self.export.wwn)(&self.serial().replace('-', "")))
    }

    #[track_caller]
    pub fn guest_serials(&self) -> String {
        self.hypervisor.ask(self.lab, self.hypervisor.serials)
    }

    #[track_caller]
    pub fn guest_size(&self) -> u64 {
        self.hypervisor.ask(self.lab, self.hypervisor.size).parse().unwrap()
    }

    /// What the guest reads at the 4096th byte.
    #[track_caller]
    pub fn guest_reads(&self) -> String {
        self.hypervisor.ask(self.lab, self.hypervisor.read).trim_end_matches('\0').to_owned()
    }

    /// Until the sessions of kvm1 are logged in, as after a restart of store1.
    pub fn wait_for_sessions(&self) {
        self.lab.ok_on(
            Host::Kvm1,
            "for try in $(seq 240); do ! grep -qv LOGGED_IN /sys/class/iscsi_session/*/state && break; sleep 0.5; done",
        );
    }
}
