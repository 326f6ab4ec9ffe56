//! What has gone wrong with attachments elsewhere, made here on purpose: vbs names it, does not make it worse, and mends it
//! where it can.

use super::begun::{self, ATTACHED, SIZE, STAMP, VOLUME};
use super::scene::Route;
use crate::Case;
use crate::lab::Lab;
use crate::machine::Host;
use crate::workspace::Output;

pub const CASES: &[Case] = &[
    Case::of("failure: export pulled while attached", export_pulled).on(ATTACHED).with_kvm1(),
    Case::of("failure: CHAP mismatch", chap_mismatch).on(ATTACHED).with_kvm1(),
    Case::of("failure: double login", double_login).on(ATTACHED).with_kvm1(),
    Case::of("failure: a disk left by hand", disk_left).on(ATTACHED).with_kvm1(),
    Case::of("failure: orphan session", orphan_session).on(ATTACHED).with_kvm1(),
    Case::of("failure: LUN reuse", lun_reuse).on(ATTACHED).with_kvm1(),
    Case::of("failure: serial mismatch", serial_mismatch).on(VOLUME).with_kvm1(),
    Case::of("failure: half-made export", half_made_export).on(VOLUME).with_kvm1(),
    Case::of("failure: wrong disk", wrong_disk).on(VOLUME).with_kvm1(),
    Case::of("failure: a guest that refuses to unplug", guest_refuses).on(VOLUME).with_kvm1(),
    Case::of("failure: the network between the hosts is down", network_down).on(VOLUME).with_kvm1(),
    Case::of("failure: target configuration lost at restart", configuration_lost).on(ATTACHED).with_kvm1(),
    Case::of("failure: the host of the VM restarts", host_restarts).on(ATTACHED).with_kvm1(),
    Case::of("failure: the host of the VM is off for good, and comes back", host_lost)
        .on(ATTACHED)
        .with_kvm1(),
];

/// Our one target on store1, as the shell finds it.
const TPG: &str = "/sys/kernel/config/target/iscsi/iqn.2026-11.vbs.shop:*/tpgt_1";

/// Takes the target and its backstore out of the kernel, as `targetcli clearconfig` does below a session.
const PULL: &str = "cd $(echo /sys/kernel/config/target/iscsi/iqn.2026-11.vbs.shop:*/tpgt_1)
backstore=$(readlink -f lun/lun_0/vbs); rm acls/*/lun_0/vbs; rmdir acls/*/lun_0 acls/*; rm lun/lun_0/vbs; rmdir lun/lun_0 np/*; cd /
rmdir /sys/kernel/config/target/iscsi/iqn.2026-11.vbs.shop:*/tpgt_1 /sys/kernel/config/target/iscsi/iqn.2026-11.vbs.shop:*
rmdir $backstore ${backstore%/*}";

/// Sessions of kvm1 with our target.
const SESSIONS: &str = "iscsiadm -m session 2>/dev/null | grep -c vbs.shop || :";

fn plan_finds(lab: &Lab, words: &[&str]) {
    let mut output = lab.vbs(&["drift"]).exits(2);
    for word in words {
        output = output.says(word);
    }
}

/// After one apply all is well, and the guest reads what was written.
#[track_caller]
fn is_mended_by_an_apply(route: &Route) {
    route.apply_again();
    route.wait_for_sessions();
    route.settled();
    assert_eq!(route.guest_reads(), STAMP);
}

/// As a run that fails and takes everything back.
#[track_caller]
fn is_reverted(output: Output) -> Output {
    output.exits(3).says("Everything was reverted")
}

fn export_pulled(lab: &Lab) {
    let (route, before) = begun::attached(lab);
    lab.ok(PULL);
    plan_finds(lab, &["export: vanished from export.fast", "grant for kvm1: vanished"]);
    is_mended_by_an_apply(&route);
    route.is_as(before);
}

/// The secret is changed on one side and then on the other: the session that is there goes on, the next login would not.
fn chap_mismatch(lab: &Lab) {
    let (route, before) = begun::attached(lab);
    let target = lab.ok_on(Host::Kvm1, "ls /etc/iscsi/nodes | grep vbs.shop");
    lab.ok(&format!("printf %s wrongwrong12 > $(echo {TPG}/acls/*host.kvm1)/auth/password"));
    plan_finds(lab, &["grant for kvm1: login is"]);
    assert_eq!(route.guest_reads(), STAMP, "the session that is there goes on");
    route.apply_again();
    route.is_as(before);
    lab.ok_on(
        Host::Kvm1,
        &format!(
            "record=$(find /etc/iscsi/nodes/{target} -type f); sed -i 's/^node.session.auth.password = .*/node.session.auth.password = wrongwrong12/' $record
             ! iscsiadm -m node -T {target} --logout >/dev/null || ! iscsiadm -m node -T {target} --login"
        ),
    );
    plan_finds(lab, &["session on kvm1: state is \"logged_out\""]);
    // QEMU has the disk that is gone still open, under its name: only the session is made anew.
    route.apply_again();
    assert_eq!(lab.ok_on(Host::Kvm1, SESSIONS), "1");
}

/// Somebody logs in by hand: under the host's own name the target lets nobody in, and under ours there is one session. That
/// the record of the target is gone afterwards keeps nobody from logging out.
fn double_login(lab: &Lab) {
    let (route, _) = begun::attached(lab);
    let said = lab.ok_on(
        Host::Kvm1,
        "target=$(ls /etc/iscsi/nodes | grep vbs.shop)
         ! iscsiadm -m node -T $target --login || :
         iscsiadm -m node -T $target -p 10.9.0.1:3260 -I default -o new >/dev/null
         ! iscsiadm -m node -T $target -p 10.9.0.1:3260 -I default --login 2>&1
         iscsiadm -m node -T $target -p 10.9.0.1:3260 -I default -o delete",
    );
    assert!(said.contains("authorization failure"), "{said}");
    assert_eq!(lab.ok_on(Host::Kvm1, SESSIONS), "1");
    route.settled();
    assert_eq!(route.guest_reads(), STAMP);
    route.apply(&route.volume(SIZE));
    route.is_as(begun::before_it_was_attached());
}

/// The SCSI device is deleted by hand below a session that goes on.
fn disk_left(lab: &Lab) {
    let (route, _) = begun::attached(lab);
    lab.ok_on(Host::Kvm1, "systemctl restart web1");
    lab.ok_on(
        Host::Kvm1,
        &format!(
            "echo 1 > /sys/block/$(basename $(readlink -f {}))/device/delete; udevadm settle",
            route.by_id()
        ),
    );
    plan_finds(lab, &["vanished from hypervisor.vms"]);
    is_mended_by_an_apply(&route);
}

/// kvm1 cannot tell store1 that it logs out: the target has the session still, so nothing is taken from under it.
fn orphan_session(lab: &Lab) {
    let (route, _) = begun::attached(lab);
    lab.unplug(Host::Kvm1);
    route.declare(&route.volume(SIZE));
    let output = lab.vbs(&["apply", "--auto-approve"]);
    println!("  with the network down the detach ends with {}", output.code);
    assert!([0, 3, 4].contains(&output.code), "{}", output.text());
    let info = lab.ok(&format!("cat {TPG}/acls/*/info 2>/dev/null || :"));
    if output.code == 0 {
        assert_eq!(info, "", "an apply that worked has proved the session gone");
    } else {
        // Whatever was taken back, target and grant are there as long as their session.
        assert!(info.contains("host.kvm1"), "{info}");
    }
    lab.plug(Host::Kvm1);
    route.wait_for_sessions();
    if output.code == 4 {
        lab.vbs(&["recover", "--auto-approve"]).exits(0);
    }
    route.apply(&route.volume(SIZE));
    assert_eq!(lab.ok_on(Host::Kvm1, SESSIONS), "0");
    assert_eq!(lab.ok("ls /sys/kernel/config/target/iscsi | grep -c vbs || :"), "0");
}

/// A volume of the same name, at the same number, is another volume, and nothing of the first one leads to it.
fn lun_reuse(lab: &Lab) {
    let (route, _) = begun::attached(lab);
    let (old, old_disk) = (route.serial(), route.by_id());
    lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(
        lab.ok_on(Host::Kvm1, &format!("ls -l {old_disk} 2>&1 || :; {SESSIONS}")).lines().last(),
        Some("0")
    );
    route.apply_again();
    lab.stamp("/dev/vg0/db", 4096, "another one");
    let new = route.serial();
    assert_ne!(old, new);
    assert_eq!(route.guest_serials(), new);
    assert_eq!(route.guest_reads(), "another one");
    lab.ok_on(Host::Kvm1, &format!("! [ -e {old_disk} ]; [ -e {} ]", route.by_id()));
}

/// Strikes on whichever host a frame has just run: a script that changes what it finds, once.
fn somebody_changes(lab: &Lab, script: &str) -> Output {
    lab.vbs_with(
        &[("VBS_FAULT", "hook@ActedBeforeReply.1+"), ("VBS_FAULT_HOOK", script)],
        &["apply", "--auto-approve", "--parallelism", "1"],
    )
}

/// The target shows another serial than the volume's, between the export and the login.
fn serial_mismatch(lab: &Lab) {
    let (route, before) = begun::volume(lab);
    let output = somebody_changes(
        lab,
        "cd /sys/kernel/config/target/iscsi/iqn.2026-11.vbs.shop:*/tpgt_1 2>/dev/null || exit 0
         [ ! -e /run/changed ] && ls acls/*/lun_0/vbs >/dev/null 2>&1 || exit 0
         acl=$(echo acls/*/lun_0/vbs); mapped=$(readlink -f $acl); backstore=$(readlink -f lun/lun_0/vbs)
         rm $acl lun/lun_0/vbs; printf 11111111-2222-4333-8444-555555555555 > $backstore/wwn/vpd_unit_serial
         ln -s $backstore lun/lun_0/vbs; ln -s $mapped $acl; echo > /run/changed",
    );
    lab.ok("test -e /run/changed");
    assert_ne!(output.code, 0, "{}", output.text());
    output.says("11111111-2222-4333-8444-555555555555");
    assert_eq!(lab.ok_on(Host::Kvm1, SESSIONS), "0", "it was logged out again");
    assert_eq!(route.guest_serials(), "");
    let _ = lab.vbs(&["recover", "--auto-approve"]);
    route.apply_again();
    assert_eq!(route.guest_serials(), route.serial());
    assert_eq!(route.guest_reads(), STAMP);
    route.apply(&route.volume(SIZE));
    route.is_as(before);
}

/// Somebody listens where the target is to: the kernel has made the half of it by then.
fn half_made_export(lab: &Lab) {
    let (route, before) = begun::volume(lab);
    lab.ok("nohup python3 -m http.server --bind 10.9.0.1 3260 </dev/null >/dev/null 2>&1 & echo $! >/run/listener
            until ss -Htln | grep -q 10.9.0.1:3260; do sleep 0.1; done");
    is_reverted(lab.vbs(&["apply", "--auto-approve"])).says("nobody can listen at 10.9.0.1:3260");
    lab.ok("kill $(cat /run/listener); while ss -Htln | grep -q 10.9.0.1:3260; do sleep 0.1; done");
    route.is_as(before);
    is_mended_by_an_apply(&route);
}

/// The name that belongs to the volume leads to another disk, from the login on.
fn wrong_disk(lab: &Lab) {
    let (route, before) = begun::volume(lab);
    let disk = route.by_id();
    let output = somebody_changes(
        lab,
        &format!(
            "case $(readlink -f {disk}) in /dev/sd*) ln -sfn ../../vdb {disk}; echo > /run/changed ;; esac"
        ),
    );
    lab.ok_on(Host::Kvm1, "test -e /run/changed");
    assert_ne!(output.code, 0, "a guest was given another disk:\n{}", output.text());
    assert_eq!(route.guest_serials(), "");
    lab.ok_on(Host::Kvm1, "udevadm trigger --settle --subsystem-match=block");
    if output.code == 4 {
        lab.vbs(&["recover", "--auto-approve"]).exits(0);
    }
    route.is_as(before);
    is_mended_by_an_apply(&route);
}

/// A machine with ACPI hot-plug and no guest system never lets go of a disk on a port.
fn guest_refuses(lab: &Lab) {
    let (route, before) = begun::volume(lab);
    lab.ok_on(
        Host::Kvm1,
        "cp /etc/systemd/system/web1.service /root
         sed -i 's/-global ICH9-LPC[^ ]*//' /etc/systemd/system/web1.service; systemctl daemon-reload; systemctl restart web1",
    );
    let on_a_port = route.attached(SIZE).replace("\"scsi\"", "\"virtio\"");
    route.apply(&on_a_port);
    route.declare(&route.volume(SIZE));
    is_reverted(lab.vbs(&["apply", "--auto-approve"])).says("attachment.db_on_web1");
    // All of the way is there still, and the guest has its disk.
    assert_eq!(lab.ok_on(Host::Kvm1, SESSIONS), "1");
    assert_eq!(route.guest_reads(), STAMP);
    lab.ok(&format!("grep -q host.kvm1 {TPG}/acls/*/info"));
    // The VM ends, and with it what it held.
    lab.ok_on(
        Host::Kvm1,
        "mv /root/web1.service /etc/systemd/system; systemctl daemon-reload
         systemctl restart web1 || { systemctl status web1; journalctl -n 20 -u web1; exit 1; }",
    );
    route.apply(&route.volume(SIZE));
    route.is_as(before);
}

/// The login finds nobody: everything is taken back, and nothing of it is left on either host.
fn network_down(lab: &Lab) {
    let (route, before) = begun::volume(lab);
    lab.unplug(Host::Kvm1);
    is_reverted(lab.vbs(&["apply", "--auto-approve"]));
    lab.plug(Host::Kvm1);
    route.wait_for_sessions();
    route.is_as(before);
    is_mended_by_an_apply(&route);
}

/// The saved file is empty, as it has been found after restarts: drift says so, and one apply brings all of it back below
/// the session that waits.
fn configuration_lost(lab: &Lab) {
    let (route, _) = begun::attached(lab);
    lab.ok("echo '{\"storage_objects\": [], \"targets\": []}' > /etc/rtslib-fb-target/saveconfig.json; sync");
    lab.power_cut();
    lab.wait_until_up();
    assert_eq!(lab.ok("ls -d /sys/kernel/config/target/iscsi/iqn* 2>/dev/null || :"), "");
    plan_finds(lab, &["export: vanished from export.fast"]);
    // The foreign target is not vbs's to bring back, and its session waits for it in vain.
    route.apply_again();
    lab.ok_on(
        Host::Kvm1,
        "for try in $(seq 240); do
           for session in /sys/class/iscsi_session/*; do
             case $(cat $session/targetname) in *vbs.shop*) grep -q LOGGED_IN $session/state && exit 0 ;; esac
           done
           sleep 0.5
         done; exit 1",
    );
    route.settled();
    assert_eq!(route.guest_reads(), STAMP);
}

/// VM, session and SCSI device end with their host, its records do not: one apply brings all of it back.
fn host_restarts(lab: &Lab) {
    let (route, before) = begun::attached(lab);
    lab.power_cut_of(Host::Kvm1);
    lab.wait_until_up();
    plan_finds(lab, &["session on kvm1: state is \"logged_out\"", "vanished from hypervisor.vms"]);
    is_mended_by_an_apply(&route);
    route.is_as(before);
}

/// The host stands still, with a session that is logged in and a VM that goes on where it stopped: the worst that can come
/// back. Its volume goes to another hypervisor meanwhile, and nothing that the host has writes to it any more.
fn host_lost(lab: &Lab) {
    let (route, _) = begun::attached(lab);
    lab.ok("mkdir -p /srv/vms");
    let elsewhere = "hypervisor \"directory\" \"here\" {\n  host = host.store1\n  path = \"/srv/vms\"\n}\n";
    let moved = route
        .attached(SIZE)
        .replace("hypervisor.vms", "hypervisor.here")
        .replace("  bus        = \"scsi\"\n", "");
    let (disk, serial) = (route.by_id(), route.serial());
    lab.pause_of(Host::Kvm1);
    route.declare(&(elsewhere.to_owned() + &moved));
    lab.vbs(&["plan", "--host-lost", "host.store1"]).exits(1).says("It holds volumes");
    lab.vbs(&["apply", "--auto-approve", "--host-lost", "host.kvm1"]).exits(0).says("Taken for lost");
    assert_eq!(lab.ok("ls /sys/kernel/config/target/iscsi | grep -c vbs || :"), "0");
    assert_eq!(lab.ok("readlink -f /srv/vms/web1/vdb"), lab.ok("readlink -f /dev/vg0/db"));
    lab.stamp("/dev/vg0/db", 4096, "written elsewhere");

    // Its kernel, which knows of nothing, tries to write as before, and its VM to read.
    lab.resume_of(Host::Kvm1);
    lab.wait_until_up();
    let writes = format!(
        "! timeout 60 dd if=/dev/zero of={disk} bs=4096 seek=1 count=1 oflag=direct conv=notrunc status=none 2>/dev/null"
    );
    lab.ok_on(Host::Kvm1, &writes);
    assert!(
        lab.has_stamp("/dev/vg0/db", 4096, "written elsewhere"),
        "a lost host wrote to its former volume"
    );
    lab.vbs(&["drift"]).exits(2).says("session on kvm1: left over").says("disk: left over");
    lab.vbs(&["host", "check", "host.kvm1"]).exits(1).says("it was left when its host was given up");

    // Power on for the second time: what it has on its disks is cleared like what it had in memory.
    lab.power_cut_of(Host::Kvm1);
    lab.wait_until_up();
    lab.vbs(&["drift"]).exits(2).says("left over");
    route.apply_again();
    route.settled();
    assert_eq!(lab.ok_on(Host::Kvm1, SESSIONS), "0");
    assert_eq!(
        lab.ok_on(Host::Kvm1, "find /etc/iscsi/nodes /var/lib/vbs 2>/dev/null | grep -c vbs.shop || :"),
        "0"
    );
    // It may have the volume again, and its guest reads what was written meanwhile.
    route.apply(&route.attached(SIZE));
    assert_eq!((route.guest_serials(), route.guest_reads()), (serial, "written elsewhere".to_owned()));
    route.apply(&route.volume(SIZE));
    route.is_as(begun::before_it_was_attached());
}
