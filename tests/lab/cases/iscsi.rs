//! From a volume on one host to a disk on another one: export, grant, session, disk, and all of it backwards. One machine
//! stands for both hosts; what travels between them goes over its loopback.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lab::Lab;
use crate::storage::DISK_B;
use crate::workspace::Output;
use crate::{Beginning, Case};

pub const CASES: &[Case] = &[
    Case::of("iscsi: a volume becomes a disk on another host, grows there, and goes", whole_way)
        .on(EXPORTED)
        .shared(),
    Case::of("iscsi: what somebody changes by hand is named and mended", drift).on(EXPORTED),
    Case::of("iscsi: every step fails once, and nothing is left", every_step_fails).on(EXPORTED),
    Case::of("iscsi: every reply is lost once, and nothing is repeated", every_reply_is_lost).on(EXPORTED),
    Case::of("iscsi: a disk that is used is not taken away", in_use).on(EXPORTED),
    Case::of("iscsi: a lost host is shut out, and what it left goes when it is back", lost).on(EXPORTED),
    Case::of("iscsi: a password that is given reaches both sides and nothing else", given).on(EXPORTED),
    Case::of("iscsi: who only reads is kept from writing by the target", read_only).on(EXPORTED),
    Case::of("iscsi: after a restart of both hosts everything is there again", restart).on(EXPORTED),
];

/// A volume group, and a target that is none of vbs's, which has to stay as it is.
const EXPORTED: Beginning = Beginning { name: "exported", on: None, prepare };

const FOREIGN: &str = "iqn.2001-04.com.example:foreign";

fn prepare(lab: &Lab) {
    lab.volume_group("vg0", DISK_B);
    lab.stranger("vg0", "foreign", "8M");
    lab.ok(&format!(
        "mkdir -p /srv/vms
         targetcli /backstores/block create name=foreign dev=/dev/vg0/foreign >/dev/null
         targetcli /iscsi create {FOREIGN} >/dev/null
         targetcli /iscsi/{FOREIGN}/tpg1/portals delete 0.0.0.0 3260 >/dev/null
         targetcli /iscsi/{FOREIGN}/tpg1/portals create 127.0.0.1 3261 >/dev/null
         targetcli /iscsi/{FOREIGN}/tpg1/luns create /backstores/block/foreign add_mapped_luns=false >/dev/null
         targetcli saveconfig >/dev/null; rm -rf /etc/rtslib-fb-target/backup; systemctl enable -q rtslib-fb-targetctl"
    ));
}

/// Both hosts, the volume, and `blocks`.
fn declare(lab: &Lab, size: &str, blocks: &str) {
    let hosts = lab.host_block() + &lab.host_block().replace("store1", "kvm1");
    let text = format!(
        r#"vbs {{ name = "shop" }}
{hosts}
pool "lvm" "fast" {{
  host         = host.store1
  volume_group = "vg0"
  export "lio" {{ portal = "127.0.0.1:3260" }}
}}
hypervisor "directory" "kvm1" {{
  host = host.kvm1
  path = "/srv/vms"
}}
volume "db" {{
  pool = pool.fast
  size = "{size}"
}}
{blocks}"#
    );
    lab.write("main.vbs.hcl", &text);
}

const ATTACHED: &str = r#"attachment "db_on_web1" {
  volume     = volume.db
  hypervisor = hypervisor.kvm1
  vm         = "web1"
  device     = "vdb"
}
"#;

fn vbs(lab: &Lab, arguments: &[&str]) -> Output {
    lab.vbs_with(&[("VBS_FAULT_ONE_MACHINE", "1")], arguments)
}

#[track_caller]
fn apply(lab: &Lab, size: &str, blocks: &str) -> Output {
    declare(lab, size, blocks);
    let output = vbs(lab, &["apply", "--auto-approve"]).exits(0);
    settled(lab);
    output
}

#[track_caller]
fn settled(lab: &Lab) {
    vbs(lab, &["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
}

/// Everything of both sides that vbs has to give back: targets with all that is set of them, what is saved, logins, records,
/// marks, volumes.
fn surroundings(lab: &Lab) -> (String, Value) {
    let kernel = lab.ok(
        "cd /sys/kernel/config/target
         find core iscsi -maxdepth 8 \\( -path '*statistics*' -o -path '*/alua/*' -o -path '*/default_tg_pt_gp*' \\) -prune -o -print | sort
         find core iscsi -path '*/attrib/*' -type f | sort | while read -r f; do echo \"$f $(cat $f)\"; done
         iscsiadm -m session 2>&1 || :
         find /etc/iscsi /var/lib/iscsi /var/lib/vbs /srv/vms ! -path /etc/iscsi/nodes ! -path /etc/iscsi/ifaces 2>/dev/null | sort
         lvs --noheadings -o lv_name,lv_size,lv_tags vg0; lsblk -no NAME,SIZE; ls -a /etc/rtslib-fb-target",
    );
    let saved = lab.ok("cat /etc/rtslib-fb-target/saveconfig.json");
    (kernel, serde_json::from_str(&saved).unwrap())
}

#[track_caller]
fn as_before(lab: &Lab, before: &(String, Value)) {
    let after = surroundings(lab);
    assert_eq!(after.0, before.0, "the machine is not as it was");
    assert_eq!(after.1, before.1, "the saved targets are not as they were");
}

#[track_caller]
fn close(lab: &Lab, before: &(String, Value)) {
    vbs(lab, &["destroy", "--purge", "--auto-approve"]).exits(0);
    as_before(lab, before);
}

/// Where the disk is on the hypervisor's host.
fn disk(lab: &Lab) -> String {
    lab.ok("readlink /srv/vms/web1/vdb")
}

fn serial(lab: &Lab) -> String {
    let shown = vbs(lab, &["state", "show", "volume.db", "--json"]).exits(0).json();
    let all = shown["resources"].as_array().unwrap();
    let volume = all.iter().find(|entry| entry["layer"].is_null()).unwrap();
    volume["values"]["serial"].as_str().unwrap().to_owned()
}

fn whole_way(lab: &Lab) {
    let before = surroundings(lab);
    // Every argument list of the machine, for as long as the case lasts.
    lab.ok(
        "nohup sh -c 'while :; do cat /proc/[0-9]*/cmdline 2>/dev/null; echo; sleep 0.2; done' </dev/null >/run/arguments 2>/dev/null &
         echo $! >/run/sampler",
    );
    apply(lab, "64MiB", "");
    lab.stamp("/dev/vg0/db", 4096, "written on store1");
    declare(lab, "64MiB", ATTACHED);
    vbs(lab, &["plan"])
        .exits(0)
        .says("export + iqn.2026-11.vbs.shop:")
        .says("iqn.2026-11.vbs.shop:host.kvm1, CHAP")
        .says("session + kvm1 -> 127.0.0.1:3260");
    apply(lab, "64MiB", ATTACHED);
    let (device, serial) = (disk(lab), serial(lab));
    assert!(lab.has_stamp(&device, 4096, "written on store1"));
    assert_eq!(lab.ok(&format!("lsblk -dno SERIAL {device}")), serial);
    let shown = vbs(lab, &["describe", "attachments"]).exits(0);
    shown.says("volume.db (export)").says("logged in").says("attachment.db_on_web1");
    vbs(lab, &["drift"]).exits(0).says("No drift.");
    // Growing reaches the disk on the other host, which stays where it is.
    apply(lab, "96MiB", ATTACHED);
    assert_eq!(lab.ok(&format!("blockdev --getsize64 {device}")), (96_u64 << 20).to_string());
    assert!(lab.has_stamp(&device, 4096, "written on store1"));
    let secret = lab.ok("cat /sys/kernel/config/target/iscsi/*vbs*/tpgt_1/acls/*/auth/password");
    assert_eq!(secret.len(), 16, "{secret:?}");
    apply(lab, "96MiB", "");
    assert!(lab.has_stamp("/dev/vg0/db", 4096, "written on store1"));
    close(lab, &before);
    // Before anything here says the secret.
    lab.ok("kill $(cat /run/sampler); test -s /run/arguments");
    let said = lab.transcript();
    let found = lab.ok(&format!("grep -acF {secret} /run/arguments || :"));
    assert_eq!(found, "0", "a secret was in an argument list");
    // The look at configfs above is this case's own.
    assert_eq!(said.matches(&secret).count(), 1, "vbs said a secret");
    let kept = lab.workspace.root().join(".vbs");
    for entry in std::fs::read_dir(kept).unwrap() {
        let content = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&content).contains(&secret), "a secret rests in clear");
    }
}

/// Our one target, as the shell finds it.
const TPG: &str = "/sys/kernel/config/target/iscsi/iqn.2026-11.vbs.shop:*/tpgt_1";

fn drift(lab: &Lab) {
    let before = surroundings(lab);
    apply(lab, "64MiB", ATTACHED);
    let changes = [
        (
            "iscsiadm -m node -T $(ls /etc/iscsi/nodes) --logout >/dev/null",
            "session on kvm1: state is \"logged_out\"",
        ),
        (
            "mkdir $tpg/acls/iqn.2001-04.com.example:evil",
            "export: others is \"iqn.2001-04.com.example:evil\"",
        ),
        ("echo 1 > $tpg/attrib/generate_node_acls", "export: others is \"any\""),
        ("printf %s wrongwrong12 > $(echo $tpg/acls/*host.kvm1)/auth/password", "grant for kvm1: login is"),
        (
            "echo 1 > $(echo $tpg/acls/*host.kvm1)/lun_0/write_protect",
            "grant for kvm1: access is \"read_only\"",
        ),
        (
            "echo '{\"storage_objects\": [], \"targets\": []}' > /etc/rtslib-fb-target/saveconfig.json",
            "state is \"not_saved\"",
        ),
        ("rm /srv/vms/web1/vdb", "vanished from hypervisor.kvm1"),
    ];
    for (change, words) in changes {
        lab.ok(&format!("tpg=$(echo {TPG})\n{change}"));
        vbs(lab, &["drift"]).exits(2).says(words);
        vbs(lab, &["apply", "--auto-approve"]).exits(0);
        settled(lab);
        if change.contains("saveconfig") {
            // What was foreign in it is not vbs's to bring back.
            lab.ok("targetcli saveconfig >/dev/null; rm -rf /etc/rtslib-fb-target/backup");
        }
    }
    // The whole target, as `targetcli clearconfig` takes it away below a session.
    let clear = format!(
        "cd {TPG}; rm acls/*/lun_0/vbs; rmdir acls/*/lun_0 acls/*; rm lun/lun_0/vbs; rmdir lun/lun_0 np/*; cd /; \
         rmdir {TPG}; rmdir /sys/kernel/config/target/iscsi/iqn.2026-11.vbs.shop:*"
    );
    lab.ok(&clear);
    vbs(lab, &["drift"]).exits(2).says("export: vanished from export.fast").says("grant for kvm1: vanished");
    vbs(lab, &["apply", "--auto-approve"]).exits(0);
    lab.ok(
        "for try in $(seq 60); do grep -q LOGGED_IN /sys/class/iscsi_session/*/state && break; sleep 1; done",
    );
    settled(lab);
    lab.ok(&format!("dd if={} of=/dev/null bs=1M count=1 iflag=direct status=none", disk(lab)));
    // The same where nobody wants it any more: what is saved of it and its marks go as well.
    lab.ok(&clear);
    declare(lab, "64MiB", "");
    vbs(lab, &["drift"]).exits(2).says("export: vanished from export.fast").says("grant for kvm1: vanished");
    vbs(lab, &["apply", "--auto-approve"]).exits(0);
    settled(lab);
    lab.ok("! grep -rqs vbs.shop /etc/rtslib-fb-target /etc/target && ! ls /var/lib/vbs/lio/*/.vbs/*.json 2>/dev/null");
    close(lab, &before);
}

/// Applies, and gives a number to every frame that was sent, from 1 on.
fn frames(lab: &Lab) -> Vec<usize> {
    let log = lab.workspace.root().join("boundaries");
    let _ = std::fs::remove_file(&log);
    let log = log.to_str().unwrap().to_owned();
    let variables = [("VBS_FAULT_ONE_MACHINE", "1"), ("VBS_FAULT", ""), ("VBS_FAULT_LOG", log.as_str())];
    lab.vbs_with(&variables, &["apply", "--auto-approve", "--parallelism", "1"]).exits(0);
    let lines = std::fs::read_to_string(&log).unwrap();
    (1..=lines.lines().filter(|line| line.ends_with("SentBeforeAct")).count()).collect()
}

fn struck(lab: &Lab, fault: &str) -> Output {
    let variables = [("VBS_FAULT_ONE_MACHINE", "1"), ("VBS_FAULT", fault)];
    lab.vbs_with(&variables, &["apply", "--auto-approve", "--parallelism", "1"])
}

fn every_step_fails(lab: &Lab) {
    apply(lab, "64MiB", "");
    let before = surroundings(lab);
    declare(lab, "64MiB", ATTACHED);
    let frames = frames(lab);
    declare(lab, "64MiB", "");
    // Going back, every step fails once as well.
    let mut codes = BTreeSet::new();
    for frame in &frames {
        let output = struck(lab, &format!("fail@SentBeforeAct.{frame}"));
        codes.insert(output.code);
        vbs(lab, &["plan"]).exits(0);
        vbs(lab, &["drift"]).exits(0).says("No drift.");
    }
    vbs(lab, &["apply", "--auto-approve"]).exits(0);
    as_before(lab, &before);
    declare(lab, "64MiB", ATTACHED);
    for frame in &frames {
        let output = struck(lab, &format!("fail@SentBeforeAct.{frame}"));
        codes.insert(output.code);
        if output.code != 0 {
            as_before(lab, &before);
        } else {
            declare(lab, "64MiB", "");
            vbs(lab, &["apply", "--auto-approve"]).exits(0);
            declare(lab, "64MiB", ATTACHED);
        }
    }
    println!("{} frames failed once on each way; exit codes {codes:?}", frames.len());
    assert!(frames.len() >= 7 && codes.contains(&3), "{codes:?}");
}

fn every_reply_is_lost(lab: &Lab) {
    apply(lab, "64MiB", "");
    let before = surroundings(lab);
    declare(lab, "64MiB", ATTACHED);
    let frames = frames(lab);
    for frame in &frames {
        declare(lab, "64MiB", "");
        struck(lab, &format!("mute@ActedBeforeReply.{frame}")).exits(0);
        as_before(lab, &before);
        declare(lab, "64MiB", ATTACHED);
        struck(lab, &format!("mute@ActedBeforeReply.{frame}")).exits(0);
        settled(lab);
    }
    println!("{} replies were lost once on each way", frames.len());
    declare(lab, "64MiB", "");
    vbs(lab, &["apply", "--auto-approve"]).exits(0);
    as_before(lab, &before);
}

fn in_use(lab: &Lab) {
    let before = surroundings(lab);
    apply(lab, "64MiB", ATTACHED);
    let device = disk(lab);
    lab.ok(&format!(
        "nohup sh -c 'exec 7<{device}; exec sleep 600' </dev/null >/dev/null 2>&1 & echo $! >/run/lab-user"
    ));
    let refused = {
        declare(lab, "64MiB", "");
        vbs(lab, &["apply", "--auto-approve"])
    };
    refused.exits(3).says("is open in the process").says("Everything was reverted");
    assert_eq!(disk(lab), device, "the disk is where it was");
    lab.ok("kill $(cat /run/lab-user)");
    vbs(lab, &["apply", "--auto-approve"]).exits(0);
    close(lab, &before);
}

/// The host is there all the time, and only believed to be lost: nothing is sent to it, and its session is ended at the target
/// while it writes.
fn lost(lab: &Lab) {
    let before = surroundings(lab);
    apply(lab, "64MiB", ATTACHED);
    let write = format!(
        "dd if=/dev/zero of=$(readlink -f {}) bs=512 count=1 oflag=direct conv=notrunc status=none",
        disk(lab)
    );
    lab.ok(&write);
    declare(lab, "64MiB", "");
    vbs(lab, &["plan", "--host-lost", "host.store1"]).exits(1).says("It holds volumes");
    vbs(lab, &["apply", "--auto-approve", "--host-lost", "host.kvm1"]).exits(0).says("Taken for lost");
    lab.ok("test -z \"$(ls /sys/kernel/config/target/iscsi | grep vbs)\"; ! grep -q LOGGED_IN /sys/class/iscsi_session/*/state");
    lab.ok("test -L /srv/vms/web1/vdb; test -n \"$(ls /etc/iscsi/nodes)\"");
    // It is asked again, and has what it had.
    vbs(lab, &["drift"]).exits(2).says("session on kvm1: left over").says("disk: left over");
    vbs(lab, &["host", "check", "host.kvm1"]).exits(1).says("it was left when its host was given up");
    vbs(lab, &["apply", "--auto-approve"]).exits(0);
    lab.ok("! iscsiadm -m session 2>/dev/null; test -z \"$(ls /etc/iscsi/nodes)$(ls /srv/vms)\"");
    // Its next login is with another secret.
    apply(lab, "64MiB", ATTACHED);
    lab.ok(&write);
    close(lab, &before);
}

fn given(lab: &Lab) {
    let before = surroundings(lab);
    let with = |secret: &str, arguments: &[&str]| {
        lab.vbs_with(&[("VBS_FAULT_ONE_MACHINE", "1"), ("VBS_VAR_chap", secret)], arguments)
    };
    declare(lab, "64MiB", ATTACHED);
    let text = std::fs::read_to_string(lab.workspace.root().join("main.vbs.hcl")).unwrap();
    let text = text.replace(
        "export \"lio\" { portal = \"127.0.0.1:3260\" }",
        "export \"lio\" {\n    portal = \"127.0.0.1:3260\"\n    chap = { user = \"shop\", password = var.chap }\n  }",
    );
    lab.write(
        "main.vbs.hcl",
        &format!("variable \"chap\" {{\n  type = string\n  sensitive = true\n}}\n{text}"),
    );
    let [first, second] = ["open-sesame-42", "open-sesame-43"];
    with(first, &["apply", "--auto-approve"]).exits(0);
    let there = |secret: &str| {
        lab.ok(&format!("test \"$(cat {TPG}/acls/*/auth/password)\" = {secret}"));
        lab.ok(&format!(
            "grep -rq 'auth.password = {secret}' /etc/iscsi/nodes; ! grep -rqF {secret} /var/lib/vbs"
        ));
    };
    there(first);
    with(first, &["plan", "--detailed-exitcode"]).exits(0);
    with(second, &["plan", "--detailed-exitcode"]).exits(2).says("grant for kvm1 will be");
    with(second, &["apply", "--auto-approve"]).exits(0);
    there(second);
    with(second, &["destroy", "--purge", "--auto-approve"]).exits(0);
    as_before(lab, &before);
    for entry in std::fs::read_dir(lab.workspace.root().join(".vbs")).unwrap() {
        let content = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&content).contains("open-sesame"), "a password rests in clear");
    }
}

fn read_only(lab: &Lab) {
    let before = surroundings(lab);
    let reads = ATTACHED.replace("\"web1\"", "\"web1\"\n  access = \"read_only\"");
    apply(lab, "64MiB", &reads);
    let device = disk(lab);
    let write = |what: &str| {
        format!("dd if=/dev/zero of={what} bs=512 count=1 oflag=direct conv=notrunc status=none")
    };
    let ro = |wanted: &str| {
        let found = lab.ok(&format!("cat /sys/block/$(basename $(readlink -f {device}))/ro"));
        assert_eq!(found, wanted);
    };
    ro("1");
    // From reading to writing and back, each time through the target.
    apply(lab, "64MiB", ATTACHED);
    ro("0");
    lab.ok(&write(&device));
    vbs(lab, &["drift"]).exits(0);
    // Somebody protects it by hand: the target refuses before the host knows, and then the host has noticed.
    lab.ok(&format!(
        "echo 1 > $(echo {TPG}/acls/*host.kvm1)/lun_0/write_protect; ! {} 2>/dev/null
         echo 1 > /sys/block/$(basename $(readlink -f {device}))/device/rescan",
        write(&device)
    ));
    ro("1");
    vbs(lab, &["drift"])
        .exits(2)
        .says("grant for kvm1: access is \"read_only\"")
        .says("session on kvm1: access is");
    vbs(lab, &["apply", "--auto-approve"]).exits(0);
    settled(lab);
    ro("0");
    lab.ok(&write(&device));
    // A second one on the same host that only reads shares the way of the first, who writes.
    let shared = |text: &str| text.replace("\"web1\"", "\"web1\"\n  shared = true");
    let second = reads.replace("db_on_web1", "second").replace("\"vdb\"", "\"vdc\"");
    apply(lab, "64MiB", &(shared(ATTACHED) + &shared(&second)));
    ro("0");
    // What is left when the writer goes reads only, whatever the host had been told.
    apply(lab, "64MiB", &shared(&second));
    lab.ok(&format!("! {} 2>/dev/null", write(&device)));
    ro("1");
    declare(lab, "64MiB", ATTACHED);
    // Behind the change at the target, when the host has to learn that it may not write after all.
    for frame in frames(lab).into_iter().rev().take(2) {
        apply(lab, "64MiB", &reads);
        declare(lab, "64MiB", ATTACHED);
        let output = struck(lab, &format!("fail@SentBeforeAct.{frame}"));
        if output.code == 3 {
            ro("1");
            declare(lab, "64MiB", &reads);
            settled(lab);
        }
    }
    close(lab, &before);
}

fn restart(lab: &Lab) {
    apply(lab, "64MiB", ATTACHED);
    lab.stamp(&disk(lab), 4096, "before");
    lab.ok("sync");
    lab.power_cut();
    lab.wait_until_up();
    // The kernel's targets come back from the saved file; the session is vbs's to bring back.
    vbs(lab, &["drift"]).exits(2).says("session on kvm1: state is \"logged_out\"");
    vbs(lab, &["apply", "--auto-approve"]).exits(0);
    settled(lab);
    assert!(lab.has_stamp(&disk(lab), 4096, "before"));
    vbs(lab, &["destroy", "--purge", "--auto-approve"]).exits(0);
}
