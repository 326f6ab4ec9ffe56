//! From a volume on one host to a disk of a VM on another one, and back, on two machines and a network between them.

mod begun;
mod failures;
mod hypervisor;
pub mod scene;
mod speed;
mod steps;

use std::cell::RefCell;

use crate::Case;
use crate::lab::Lab;
use crate::machine::Host;
use hypervisor::LIBVIRT;
use scene::{ROUTE, Route, TGT, TGTADM};

pub fn all() -> Vec<Case> {
    [CASES, steps::CASES, failures::CASES, speed::CASES].concat()
}

const CASES: &[Case] = &[
    on_route("route: from nothing to a disk of a VM on another host, and back", whole_way).shared(),
    on_route("route: the same over tgt", over_tgt),
    on_route("route: the same with libvirt", with_libvirt),
    on_route("route: the same over the templates of the example", over_templates),
];

const fn on_route(name: &'static str, run: fn(&Lab)) -> Case {
    Case::of(name, run).on(ROUTE).with_kvm1()
}

/// Every argument list of both machines, for as long as it lasts.
struct Sampler<'lab, 'machine> {
    lab: &'lab Lab<'machine>,
    secrets: RefCell<Vec<String>>,
}

impl<'lab, 'machine> Sampler<'lab, 'machine> {
    fn start(lab: &'lab Lab<'machine>) -> Self {
        for host in lab.hosts() {
            lab.ok_on(
                host,
                "nohup sh -c 'while :; do cat /proc/[0-9]*/cmdline 2>/dev/null; echo; sleep 0.1; done' </dev/null >/run/arguments 2>/dev/null &
                 echo $! >/run/sampler",
            );
        }
        Sampler { lab, secrets: RefCell::default() }
    }

    /// A secret is read where it lies, by this test alone.
    fn remember(&self, host: Host, script: &str) {
        let secret = self.lab.ok_on(host, script);
        assert!(secret.len() >= 12, "{secret:?}");
        self.secrets.borrow_mut().push(secret);
    }

    /// No secret was in an argument list, was said by vbs, or rests in clear.
    fn judge(self) {
        // Before anything here says a secret again.
        let said = self.lab.transcript();
        for host in self.lab.hosts() {
            self.lab.ok_on(host, "kill $(cat /run/sampler); test -s /run/arguments");
        }
        for secret in self.secrets.borrow().iter() {
            assert_eq!(said.matches(secret.as_str()).count(), 1, "vbs said a secret");
            for host in self.lab.hosts() {
                let found = self.lab.ok_on(host, &format!("grep -acF {secret} /run/arguments || :"));
                // The look for it may be seen by nothing any more: the sampler has ended.
                assert_eq!(found, "0", "a secret was in an argument list on {}", host.name());
            }
            for entry in std::fs::read_dir(self.lab.workspace.path(".vbs")).unwrap() {
                let content = std::fs::read(entry.unwrap().path()).unwrap_or_default();
                assert!(
                    !String::from_utf8_lossy(&content).contains(secret.as_str()),
                    "a secret rests in clear"
                );
            }
        }
    }
}

/// What is saved of our target is what rtslib, which restores it, makes of the kernel's state, but for port groups.
const SAVED_AS_RTSLIB_WOULD: &str = r#"python3 - <<'python'
import json
from rtslib_fb import RTSRoot
from rtslib_fb.root import default_save_file
with open(default_save_file) as file:
    saved = json.load(file)
kernel = RTSRoot().dump()
for kind in ('storage_objects', 'targets'):
    def ours(config):
        mine = [entry for entry in config[kind] if 'vbs' in entry['wwn'] + entry.get('name', '')]
        return [{key: value for key, value in entry.items() if key != 'alua_tpgs'} for entry in mine]
    assert len(ours(saved)) == 1 and ours(saved) == ours(kernel), (ours(saved), ours(kernel))
python"#;

fn whole_way(lab: &Lab) {
    let sampler = Sampler::start(lab);
    let route = Route::new(lab);
    there_and_back(&route, || {
        sampler
            .remember(Host::Store1, "cat /sys/kernel/config/target/iscsi/*vbs*/tpgt_1/acls/*/auth/password");
        lab.ok(SAVED_AS_RTSLIB_WOULD);
    });
    sampler.judge();
}

/// tgtd takes secrets in arguments only, so none is used here.
fn over_tgt(lab: &Lab) {
    lab.ok("systemctl start tgt");
    there_and_back(&Route { export: &TGT, ..Route::new(lab) }, || {});
}

/// What templates make does not outlive tgtd, and asks for no secret.
fn over_templates(lab: &Lab) {
    lab.ok("systemctl start tgt");
    there_and_back(&Route { export: &TGTADM, ..Route::new(lab) }, || {});
}

fn with_libvirt(lab: &Lab) {
    LIBVIRT.prepare(lab);
    there_and_back(&Route { hypervisor: &LIBVIRT, ..Route::new(lab) }, || {});
}

/// One apply from an empty world, a second one, growth, and everything backwards.
fn there_and_back(route: &Route, while_attached: impl FnOnce()) {
    let lab = route.lab;
    let before = route.surroundings();
    route.apply(&route.attached("64MiB"));
    let serial = route.serial();
    lab.stamp("/dev/vg0/db", 4096, "written on store1");
    // The UUID on every layer: the export's own, the disk's on the other host, and the one that the guest sees.
    let disk = route.by_id();
    assert_eq!(lab.ok_on(Host::Kvm1, &format!("lsblk -dno SERIAL {disk}")), serial);
    assert_eq!(route.guest_serials(), serial);
    assert_eq!(route.guest_reads(), "written on store1");
    assert_eq!(route.guest_size(), 64 << 20);
    lab.vbs(&["drift"]).exits(0).says("No drift.");
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("No changes.");
    while_attached();
    if !route.export.grows_in_use {
        route.declare(&route.attached("96MiB"));
        lab.vbs(&["plan"]).exits(1).says("volume.db");
        route.apply(&route.volume("64MiB"));
    }
    route.apply(&route.attached("96MiB"));
    assert_eq!(lab.ok_on(Host::Kvm1, &format!("blockdev --getsize64 {disk}")), (96_u64 << 20).to_string());
    assert_eq!(route.guest_size(), 96 << 20);
    assert_eq!(route.guest_reads(), "written on store1");
    route.close(&before);
}
