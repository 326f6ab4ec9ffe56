//! Xen: a PV guest in a real dom0 sees its disk come, grow and go. What it was started with, and the file that it was started
//! from, are as they were.

use crate::lab::Lab;
use crate::machine::Host;
use crate::{Beginning, Case};

pub const CASES: &[Case] = &[
    Case::of("xen: a guest sees its disk come, grow and go", comes_and_goes).on(GUEST).in_dom0(),
    Case::of("xen: what somebody did by hand is seen and mended", by_hand).on(GUEST).in_dom0(),
    Case::of("xen: every frame fails once", every_frame_fails).on(GUEST).in_dom0(),
    Case::of("xen: the templates of the example do it too", by_templates).on(GUEST).in_dom0(),
];

/// `web1`, which runs on a disk of somebody else's, in a volume group of dom0.
const GUEST: Beginning = Beginning { name: "guest", on: None, prepare };

const SCRIPT: &str = include_str!("../xen-guest");

/// What tells dom0's kernel which device it is. Xen's own starts a hundred programs, which under emulation takes longer than
/// the 40 s that libxl waits for it; then a disk is attached or not as it happens, and the cases tell of that alone.
const HOTPLUG: &str = r#"#!/bin/sh
case $1 in
    add)
        path=$(xenstore-read "$XENBUS_PATH/params")
        xenstore-write "$XENBUS_PATH/physical-device" "$(stat -L -c %t:%T "$path")" \
            "$XENBUS_PATH/physical-device-path" "$path" "$XENBUS_PATH/hotplug-status" connected
        ;;
esac
"#;

fn prepare(lab: &Lab) {
    dom0(
        lab,
        &format!(
            "cat >/usr/local/bin/xen-guest <<'end of the script'\n{SCRIPT}end of the script\n\
             chmod 755 /usr/local/bin/xen-guest\n\
             cat >/etc/xen/scripts/block <<'end of the script'\n{HOTPLUG}end of the script\n\
             vgcreate -qq vg0 /dev/disk/by-id/virtio-lab-b\n\
             lvcreate -qq -L 8M -n theirs vg0\n\
             printf theirs | dd of=/dev/vg0/theirs conv=notrunc,fsync status=none"
        ),
    );
    dom0(lab, "xen-guest start web1 phy:/dev/vg0/theirs,xvda,w");
}

#[track_caller]
fn dom0(lab: &Lab, script: &str) -> String {
    lab.ok_on(Host::Xen1, script)
}

/// The guest's own words.
#[track_caller]
fn seen(lab: &Lab) -> String {
    dom0(lab, "xen-guest seen web1")
}

const THEIRS: &str = "disk xvda 16384 0";

/// Everything that is not ours.
#[track_caller]
fn surroundings(lab: &Lab) -> String {
    dom0(
        lab,
        "cat /etc/xen/web1.cfg; head -c 6 /dev/vg0/theirs; xl list | awk '{ print $1, $2 }'; lvs --noheadings -o lv_name,lv_tags vg0
         xenstore-ls -f \"/libxl/$(xl domid web1)/device/vbd\"; [ ! -e /var/lib/vbs ] || find /var/lib/vbs",
    )
}

const XEN: &str = "hypervisor \"xen\" \"dom0\" {\n  host = host.xen1\n  config_dir = \"/etc/xen\"\n}\n";

fn declare(lab: &Lab, hypervisor: &str, size: &str, attached: bool) {
    let attachment = match attached {
        false => "",
        true => {
            "attachment \"db\" {\n  volume = volume.db\n  hypervisor = hypervisor.dom0\n  vm = \"web1\"\n  device = \"xvdb\"\n}\n"
        }
    };
    lab.write(
        "main.vbs.hcl",
        &format!(
            "{}pool \"lvm\" \"fast\" {{\n  host = host.xen1\n  volume_group = \"vg0\"\n}}\n{hypervisor}\
             volume \"db\" {{\n  pool = pool.fast\n  size = \"{size}\"\n}}\n{attachment}",
            lab.host_blocks()
        ),
    );
}

#[track_caller]
fn apply(lab: &Lab) {
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
}

#[track_caller]
fn settled(lab: &Lab) {
    lab.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
}

#[track_caller]
fn gone(lab: &Lab, before: &str) {
    lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(surroundings(lab), before);
    assert_eq!(seen(lab), THEIRS);
}

fn comes_and_goes(lab: &Lab) {
    let before = surroundings(lab);
    declare(lab, XEN, "64MiB", true);
    apply(lab);
    settled(lab);
    assert_eq!(seen(lab), format!("{THEIRS}\ndisk xvdb 131072 0"));
    assert!(dom0(lab, "tail -n 1 /etc/xen/web1.cfg").contains("vdev=xvdb"));
    dom0(lab, "xl create -n /etc/xen/web1.cfg | grep -q '\"vdev\": \"xvdb\"'");

    // dom0 tells the guest of growth with the next thing that it reads or writes, and writes for it past its own page cache.
    declare(lab, XEN, "96MiB", true);
    apply(lab);
    dom0(
        lab,
        "xen-guest say web1 write xvdb hello
         until dd if=/dev/vg0/db bs=4096 count=1 iflag=direct status=none | head -c 5 | grep -q hello; do sleep 1; done",
    );
    assert_eq!(seen(lab), format!("{THEIRS}\ndisk xvdb 196608 0"));
    settled(lab);
    gone(lab, &before);
}

fn by_hand(lab: &Lab) {
    let before = surroundings(lab);
    declare(lab, XEN, "64MiB", true);
    apply(lab);
    dom0(lab, "xl block-detach web1 xvdb");
    lab.vbs(&["drift"]).exits(2).says("live is \"missing\"");
    apply(lab);
    dom0(lab, "sed -i '/vbs:/d' /etc/xen/web1.cfg");
    lab.vbs(&["drift"]).exits(2).says("config is \"missing\"");
    apply(lab);
    settled(lab);
    assert_eq!(seen(lab), format!("{THEIRS}\ndisk xvdb 131072 0"));

    // A guest that does not answer keeps its disk, and the run says so.
    dom0(lab, "xl pause web1");
    declare(lab, XEN, "64MiB", false);
    lab.vbs(&["apply", "--auto-approve"]).exits(3).says("did not let go of the disk");
    dom0(lab, "xl unpause web1");
    apply(lab);
    assert_eq!(seen(lab), THEIRS);

    // Somebody else's disk on the device is in the way.
    dom0(lab, "xl block-attach web1 phy:/dev/vg0/theirs,xvdb,r");
    declare(lab, XEN, "64MiB", true);
    lab.vbs(&["plan"]).exits(1).says("xvdb");
    dom0(lab, "xl block-detach web1 xvdb");
    gone(lab, &before);
}

fn every_frame_fails(lab: &Lab) {
    let before = surroundings(lab);
    declare(lab, XEN, "64MiB", true);
    let mut frame = 1;
    loop {
        let fault = format!("fail@SentBeforeAct.{frame}");
        let output = lab.vbs_with(&[("VBS_FAULT", &fault)], &["apply", "--auto-approve"]);
        println!("  frame {frame} fails: exit {}", output.code);
        if output.code == 0 {
            break;
        }
        // 1 where nothing had been done yet: the epoch could not be raised.
        assert!([1, 3].contains(&output.code), "{}", output.text());
        assert_eq!(surroundings(lab), before, "frame {frame}: {}", output.text());
        frame += 1;
    }
    assert!(frame > 3, "{frame}");
    settled(lab);
    gone(lab, &before);
}

/// The hypervisor of examples/tgtadm.vbs.hcl, as it stands there.
fn by_templates(lab: &Lab) {
    let example = include_str!("../../../examples/tgtadm.vbs.hcl");
    let from = example.find("hypervisor \"command\"").unwrap();
    let block = &example[from..from + example[from..].find("\n}\n").unwrap() + 3];
    let block = block.replace("\"xen\"", "\"dom0\"").replace("host.dom0", "host.xen1");
    let before = surroundings(lab);
    declare(lab, &block, "64MiB", true);
    apply(lab);
    settled(lab);
    assert_eq!(seen(lab), format!("{THEIRS}\ndisk xvdb 131072 0"));
    gone(lab, &before);
}
