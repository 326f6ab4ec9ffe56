//! Volumes that a real tgtd exports to a real QEMU, by the real program.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::qemu::machine::{HOLDING, RELEASING, Rig};
use crate::support::Output;

/// A tgtd on loopback that ends with its test.
pub struct Server {
    child: Child,
    pub port: u16,
    pub control: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for end in ["", ".lock"] {
            let _ = std::fs::remove_file(format!("/var/run/tgtd/socket.{}{end}", self.control));
        }
    }
}

impl Server {
    pub fn start() -> Option<Server> {
        if Command::new("tgtadm").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: tgt is not installed");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Some(Server::on(port))
    }

    fn on(port: u16) -> Server {
        // Control ports are below 32768.
        let control = (port / 2).to_string();
        let child = Command::new("tgtd")
            .args(["-f", "-C", &control, "--iscsi", &format!("portal=127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { child, port, control };
        while !server.adm("--op show --mode portal").contains("Portal:") {
            assert!(server.child.try_wait().unwrap().is_none(), "tgtd ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Ends it and starts it anew, with nothing in it.
    pub fn again(self) -> Server {
        let port = self.port;
        drop(self);
        Server::on(port)
    }

    pub fn adm(&self, arguments: &str) -> String {
        let output = Command::new("tgtadm")
            .args(["-C", &self.control, "--lld", "iscsi"])
            .args(arguments.split(' '))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    pub fn show(&self) -> String {
        self.adm("--op show --mode target")
    }
}

fn configure(rig: &Rig, server: &Server, size: &str) {
    let (label, port, control) = (&rig.label, server.port, &server.control);
    let text = format!(
        r#"
pool "file" "{label}" {{
  path   = "pool"
  create = true
  export "tgt" {{
    portal            = "127.0.0.1:{port}"
    control_port      = "{control}"
    config_dir        = "conf.d"
    chap              = "auto"
    chap_in_arguments = true
  }}
}}
hypervisor "qemu" "{label}" {{
  socket    = "{socket}"
  initiator = "builtin"
}}
volume "db" {{
  pool = pool.{label}
  size = "{size}"
}}
attachment "db" {{
  volume     = volume.db
  hypervisor = hypervisor.{label}
  vm         = "web1"
  device     = "vdb"
}}
output "target" {{ value = attachment.db.target }}
"#,
        socket = rig.socket("{vm}").display()
    );
    rig.workspace.file("main.vbs.hcl", &text);
}

#[test]
fn a_vm_reads_a_volume_over_the_network_and_leaves_nothing_behind() {
    let Some(mut rig) = Rig::new() else { return };
    let Some(server) = Server::start() else { return };
    let config = rig.workspace.path("conf.d");
    std::fs::create_dir(&config).unwrap();
    server.adm("--op new --mode target --tid 1 -T iqn.2001-04.com.example:theirs");
    let before = server.show();
    rig.start("web1", RELEASING);
    let empty = rig.contents("web1");

    configure(&rig, &server, "16MiB");
    rig.apply();
    rig.settled();
    let blocks = rig.blocks("web1");
    assert_eq!(blocks[0]["inserted"]["image"]["virtual-size"], 16 << 20);
    assert!(server.show().contains("Connection:"), "QEMU is logged in");
    let target = &rig.vbs(&["output", "--json"]).exits(0).json()["target"]["value"];
    assert_eq!(
        (&target["lun"], &target["portal"]),
        (&1.into(), &format!("127.0.0.1:{}", server.port).into())
    );
    assert!(server.show().contains(target["iqn"].as_str().unwrap()), "{target}");

    // What nobody is going to load after a restart, and what nobody knows any more, is said with its cure.
    let stray = rig.workspace.file("conf.d/vbs.6ba7b810-9dad-41d1-80b4-00c04fd430c8.conf", "# vbs\n");
    let checked = rig.vbs(&["host", "check"]).exits(1);
    checked
        .says(&format!("no line of /etc/tgt/targets.conf includes {}", config.display()))
        .says(&format!("{} was written by vbs, and no mark knows of it", stray.display()));
    std::fs::remove_file(stray).unwrap();

    // Whoever was let in beside it is shut out, and the VM notices nothing.
    server.adm("--op bind --mode target --tid 2 -I ALL");
    let plan = rig.vbs(&["plan", "--detailed-exitcode"]).exits(2).says("others").says("any");
    plan.says("Plan: 0 to add, 0 to change, 0 to destroy, 1 layer to put right.");
    assert_eq!(rig.vbs(&["plan", "--json"]).exits(0).json()["summary"]["layers"], 1);
    rig.apply().says("0 added, 0 changed, 0 destroyed, 1 layer put right.");
    rig.settled();
    assert!(!server.show().contains("ALL"));

    // tgtd cannot tell a VM of growth, and says so before anything is done.
    configure(&rig, &server, "32MiB");
    rig.vbs(&["plan"]).exits(1).says("tgtd shows a new size only when it opens the device anew");
    // Without the attachment it grows, and with it again the VM has the new size.
    let file = rig.workspace.path("main.vbs.hcl");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, whole.split("attachment \"db\"").next().unwrap()).unwrap();
    rig.apply().says("1 destroyed");
    std::fs::write(&file, &whole).unwrap();
    rig.apply();
    rig.settled();
    assert_eq!(rig.blocks("web1")[0]["inserted"]["image"]["virtual-size"], 32 << 20);

    rig.vbs(&["destroy", "--auto-approve"]).exits(0);
    assert_eq!(server.show(), before);
    rig.apply();

    // A tgtd that was started anew has nothing, until it is given its files.
    let server = server.again();
    rig.vbs(&["drift"]).exits(2).says("vanished");
    let targets = rig.workspace.file("targets.conf", &format!("include {}/*.conf\n", config.display()));
    let mut admin = Command::new("tgt-admin");
    admin.args(["-C", &server.control, "-c"]).arg(targets).arg("-e");
    assert!(admin.status().unwrap().success());
    rig.vbs(&["drift"]).exits(0);
    rig.settled();
    assert_eq!(server.show().matches("Target ").count(), 1, "{}", server.show());

    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(rig.contents("web1"), empty);
    assert_eq!(server.show(), "");
    assert_eq!(std::fs::read_dir(&config).unwrap().count(), 0);
    assert!(!std::path::Path::new("/var/lib/vbs/tgt").join(&rig.label).exists());
}

/// A tgtd that is not there and a tool that three providers need.
#[test]
fn a_check_says_that_tgtd_is_silent_and_names_every_tool_once() {
    let Some(mut rig) = Rig::new() else { return };
    let Some(server) = Server::start() else { return };
    std::fs::create_dir(rig.workspace.path("conf.d")).unwrap();
    rig.start("web1", RELEASING);
    configure(&rig, &server, "16MiB");
    let silent = format!("tgtd does not answer on control port {}", server.control);
    let checked = rig.vbs(&["host", "check"]).text();
    assert!(!checked.contains("does not answer"), "{checked}");
    drop(server);
    let checked = rig.vbs(&["host", "check"]).exits(1).says(&silent).says("`tgtd -C ");
    assert_eq!(checked.stdout.matches("find of findutils").count(), 1, "{}", checked.stdout);
    let tools = &rig.vbs(&["host", "check", "--json"]).exits(1).json()["hosts"][0]["tools"];
    let mut names: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{tools}");
}

/// The export of examples/tgtadm.vbs.hcl as it stands there, for a pool and a VM of this machine.
fn configure_by_templates(rig: &Rig, server: &Server, size: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tgtadm.vbs.hcl");
    let example = std::fs::read_to_string(path).unwrap();
    let (export, _) = example.split_once("hypervisor \"command\"").unwrap();
    let export: String =
        export.lines().filter(|line| !line.starts_with("host \"")).map(|line| format!("{line}\n")).collect();
    let label = &rig.label;
    let mut text = export;
    for (there, here) in [
        ("pool \"lvm\" \"fast\"", format!("pool \"file\" \"{label}\"")),
        ("  host         = host.store1\n", "  path = \"pool\"\n".to_owned()),
        ("volume_group = \"vg0\"", "create = true".to_owned()),
        ("\"10.0.0.2:3260\"", format!("\"127.0.0.1:{}\"", server.port)),
        ("default     = \"0\"", format!("default     = \"{}\"", server.control)),
    ] {
        assert!(text.contains(there), "examples/tgtadm.vbs.hcl does not hold {there:?}");
        text = text.replace(there, &here);
    }
    text.push_str(&format!(
        r#"
hypervisor "qemu" "{label}" {{
  socket    = "{socket}"
  initiator = "builtin"
}}
volume "db" {{
  pool = pool.{label}
  size = "{size}"
}}
attachment "db" {{
  volume     = volume.db
  hypervisor = hypervisor.{label}
  vm         = "web1"
  device     = "vdb"
}}
"#,
        socket = rig.socket("{vm}").display()
    ));
    rig.workspace.file("main.vbs.hcl", &text);
}

#[test]
fn a_vm_reads_a_volume_that_templates_have_exported() {
    let Some(mut rig) = Rig::new() else { return };
    let Some(server) = Server::start() else { return };
    server.adm("--op new --mode target --tid 1 -T iqn.2001-04.com.example:theirs");
    let before = server.show();
    rig.start("web1", RELEASING);
    let empty = rig.contents("web1");

    configure_by_templates(&rig, &server, "16MiB");
    rig.apply();
    rig.settled();
    assert_eq!(rig.blocks("web1")[0]["inserted"]["image"]["virtual-size"], 16 << 20);
    assert!(server.show().contains("Connection:"), "QEMU is logged in");

    // Whoever was let in beside it is shut out, and the VM notices nothing.
    server.adm("--op bind --mode target --tid 2 -Q iqn.2001-04.com.example:somebody");
    rig.vbs(&["plan"]).exits(0).says("others").says("com.example:somebody");
    rig.apply();
    rig.settled();
    assert!(!server.show().contains("com.example:somebody"));

    // Whatever is killed, a run is closed and what is foreign stays as it is.
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!((rig.contents("web1"), server.show()), (empty, before.clone()));
    let mut at = 1;
    while rig.faulty(&format!("kill@{at}")).0.code != 0 {
        rig.vbs(&["recover", "--auto-approve"]).exits(0);
        assert_eq!(server.show(), before, "boundary {at}");
        at += 6;
    }
    rig.settled();
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(server.show(), before);
    assert!(!std::path::Path::new("/var/lib/vbs/command").join(format!("export.{}", rig.label)).exists());
}

/// Two hypervisors on two hosts, which are this machine, and the volume attached to one of them.
fn attach(server: &Server, old: &Rig, new: &Rig, rig: &Rig) {
    let (port, control) = (server.port, &server.control);
    let hypervisor = |rig: &Rig, host: &str| {
        format!(
            "host \"{host}\" {{}}\nhypervisor \"qemu\" \"{}\" {{\n  host = host.{host}\n  socket = \"{}\"\n  initiator = \"builtin\"\n}}\n",
            rig.label,
            rig.socket("{vm}").display()
        )
    };
    let text = format!(
        r#"{}{}
pool "file" "fast" {{
  path   = "pool"
  create = true
  export "tgt" {{
    portal       = "127.0.0.1:{port}"
    control_port = "{control}"
    config_dir   = "conf.d"
    chap         = "auto"
    chap_in_arguments = true
  }}
}}
volume "db" {{
  pool = pool.fast
  size = "16MiB"
}}
attachment "db" {{
  volume     = volume.db
  hypervisor = hypervisor.{}
  vm         = "web1"
  device     = "vdb"
}}
"#,
        hypervisor(old, "old"),
        hypervisor(new, "new"),
        rig.label
    );
    old.workspace.file("main.vbs.hcl", &text);
}

fn vbs(rig: &Rig, arguments: &[&str]) -> Output {
    let mut command = rig.workspace.command(arguments);
    crate::support::run(command.env("VBS_FAULT_ONE_MACHINE", "1"))
}

/// Two hosts, which are this machine: a VM runs on each, and the first host is believed to be lost while its VM goes on.
#[test]
fn a_lost_host_is_shut_out_and_what_it_left_is_cleared_when_it_is_back() {
    let (Some(mut old), Some(mut new)) = (Rig::new(), Rig::new()) else { return };
    let Some(server) = Server::start() else { return };
    let config = old.workspace.path("conf.d");
    std::fs::create_dir(&config).unwrap();
    let before = server.show();
    old.start("web1", RELEASING);
    new.start("web1", RELEASING);
    let empty = old.contents("web1");
    attach(&server, &old, &new, &old);
    vbs(&old, &["apply", "--auto-approve"]).exits(0);
    let image = old.workspace.path("pool/db.img");
    // QEMU says what came of it on its own standard output; the image says it better.
    let order = |rig: &Rig, verb: &str, pattern: u8| {
        let device = rig.blocks("web1")[0]["qdev"].as_str().unwrap().to_owned();
        let line = format!("qemu-io -d {device} \"{verb} -P {pattern} 0 4k\"");
        rig.say("web1", "human-monitor-command", &serde_json::json!({ "command-line": line }));
    };
    let written = || std::fs::read(&image).unwrap()[0];
    order(&old, "write", 1);
    assert_eq!(written(), 1);

    attach(&server, &old, &new, &new);
    vbs(&old, &["plan", "--host-lost", "host.nobody"]).exits(1).says("Unknown host");
    vbs(&old, &["plan", "--host-lost", "host.old"])
        .exits(0)
        .says("Taken for lost")
        .says("its host is lost")
        .says("Every step can be reverted.");
    // What fails behind it lets the host in again, and its VM logs in by itself.
    let mut failing =
        old.workspace.command(&["apply", "--auto-approve", "--host-lost", "host.old", "--parallelism", "1"]);
    failing.env("VBS_FAULT_ONE_MACHINE", "1").env("VBS_FAULT", "fail@SentBeforeAct.4");
    let failed = crate::support::run(&mut failing).exits(3).says("Everything was reverted");
    assert!(failed.text().contains("shut out"), "{}", failed.text());
    attach(&server, &old, &new, &old);
    vbs(&old, &["plan"]).exits(0).says("No changes.");
    order(&old, "write", 2);
    assert_eq!(written(), 2);

    attach(&server, &old, &new, &new);
    vbs(&old, &["apply", "--auto-approve", "--host-lost", "host.old"]).exits(0);
    order(&new, "write", 3);
    assert_eq!((written(), server.show().matches("Initiator:").count()), (3, 1), "{}", server.show());
    // The old VM tries to log in again and again until this is written, and does not get in.
    order(&old, "aio_write", 4);
    vbs(&old, &["plan", "--detailed-exitcode"])
        .exits(2)
        .says("left over in hypervisor.")
        .says("1 to destroy");
    vbs(&old, &["drift"]).exits(2).says("left over in hypervisor.");
    vbs(&old, &["host", "check"]).exits(1).says("it was left when its host was given up");
    assert_eq!((written(), server.show().matches("Initiator:").count()), (3, 1), "{}", server.show());
    old.stop("web1");

    // It is back, and may have the volume again, with a secret that it did not know before.
    old.start("web1", RELEASING);
    vbs(&old, &["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    attach(&server, &old, &new, &old);
    // What fails now leaves this workspace there, where it was before.
    vbs(&old, &["plan"]).exits(0).says("will be prepared for use");
    for step in 6..=7 {
        let mut failing = old.workspace.command(&["apply", "--auto-approve", "--parallelism", "1"]);
        failing.env("VBS_FAULT_ONE_MACHINE", "1").env("VBS_FAULT", format!("fail@SentBeforeAct.{step}"));
        crate::support::run(&mut failing).exits(3).says("Everything was reverted");
        order(&new, "write", 5 + step);
        assert_eq!(written(), 5 + step);
    }
    vbs(&old, &["apply", "--auto-approve"]).exits(0);
    order(&old, "write", 5);
    assert_eq!(written(), 5);
    vbs(&old, &["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!((old.contents("web1"), server.show()), (empty, before));
    assert!(!old.seat().exists() && !new.seat().exists());
}

/// tgtd 1.0.85 ends as soon as it shows a target with a gap among its users, and does not find those behind a gap.
#[test]
fn users_of_a_target_come_and_go_while_somebody_looks_on() {
    let (Some(mut old), Some(mut new)) = (Rig::new(), Rig::new()) else { return };
    let Some(server) = Server::start() else { return };
    std::fs::create_dir(old.workspace.path("conf.d")).unwrap();
    old.start("web1", RELEASING);
    new.start("web1", RELEASING);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|threads| {
        let server = &server;
        let looks = threads.spawn(move || {
            let mut looks = 0;
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                let shown = server.show();
                assert!(!shown.contains("tgtadm: "), "{shown}");
                looks += 1;
            }
            looks
        });
        // Whatever ends this ends the looking.
        let stop = stop;
        for turn in 0..6 {
            attach(server, &old, &new, if turn % 2 == 0 { &old } else { &new });
            if turn > 0 {
                goes_out_before_the_door_and_comes_in_after_it(&vbs(&old, &["graph"]).exits(0).stdout);
            }
            vbs(&old, &["apply", "--auto-approve"]).exits(0);
        }
        drop(stop);
        assert!(looks.join().unwrap() > 50);
    });
    vbs(&old, &["destroy", "--purge", "--auto-approve"]).exits(0);
    assert_eq!(server.show(), "");
}

/// Nobody can log in while those who are let in change.
fn goes_out_before_the_door_and_comes_in_after_it(graph: &str) {
    let step = |title: &str| {
        let line = graph.lines().find(|line| line.contains(&format!("label = \"{title}")));
        line.unwrap_or_else(|| panic!("{title}: {graph}")).split_whitespace().next().unwrap()
    };
    for (first, then) in [
        ("Detach disk", "Shut out"),
        ("Detach disk", "Let in"),
        ("Shut out", "Attach disk"),
        ("Let in", "Attach disk"),
    ] {
        let edge = format!("{} -> {};", step(first), step(then));
        assert!(graph.contains(&edge), "{first} before {then}: {graph}");
    }
}

/// What somebody deletes of a target by hand leaves its file, with a secret in it, and the marks of its layers.
struct Site {
    rig: Rig,
    server: Server,
    empty: Vec<serde_json::Value>,
    before: String,
}

impl Site {
    fn new(machine: &str) -> Option<Site> {
        let (mut rig, server) = (Rig::new()?, Server::start()?);
        std::fs::create_dir(rig.workspace.path("conf.d")).unwrap();
        rig.start("web1", machine);
        let (empty, before) = (rig.contents("web1"), server.show());
        Some(Site { rig, server, empty, before })
    }

    /// Attached, and the target deleted below the VM, which is logged in.
    fn attach_and_lose(&self) {
        configure(&self.rig, &self.server, "16MiB");
        self.rig.apply();
        self.lose();
    }

    fn lose(&self) {
        self.server.adm("--op delete --mode target --tid 1 --force");
        assert_eq!(self.server.show(), self.before);
        assert_ne!(self.saved(), 0, "its file is left");
    }

    /// The same without the attachment.
    fn unwant(&self) {
        let path = self.rig.workspace.path("main.vbs.hcl");
        let text = std::fs::read_to_string(&path).unwrap();
        let kept = text.split("attachment \"db\"").next().unwrap();
        std::fs::write(path, kept).unwrap();
    }

    fn saved(&self) -> usize {
        std::fs::read_dir(self.rig.workspace.path("conf.d")).unwrap().count()
    }

    #[track_caller]
    fn holds_nothing(&self) {
        assert_eq!(
            (self.rig.contents("web1"), self.server.show()),
            (self.empty.clone(), self.before.clone())
        );
        assert_eq!(self.saved(), 0);
        assert!(!std::path::Path::new("/var/lib/vbs/tgt").join(&self.rig.label).exists());
        let records = self.rig.vbs(&["state", "list"]).exits(0);
        assert!(!records.text().contains("export"), "{}", records.text());
    }
}

#[test]
fn what_is_left_of_a_target_that_is_gone_goes_with_its_attachment() {
    let Some(site) = Site::new(RELEASING) else { return };
    let rig = &site.rig;
    site.attach_and_lose();
    let vanished = format!("export: vanished from export.{}", rig.label);
    rig.vbs(&["drift"]).exits(2).says(&vanished);
    site.unwant();
    rig.vbs(&["drift"]).exits(2).says(&vanished).says("grant for").says("vanished from export.");
    rig.vbs(&["plan"]).exits(0).says(&vanished).says("Every step can be reverted.");
    rig.apply();
    site.holds_nothing();
    rig.settled();

    // The state has learnt that it is gone, so nothing knows of what is left but the marks.
    site.attach_and_lose();
    site.unwant();
    rig.vbs(&["apply", "--refresh-only", "--auto-approve"]).exits(0);
    let left_over = format!("export: left over in export.{}", rig.label);
    rig.vbs(&["drift"]).exits(2).says(&left_over);
    rig.vbs(&["host", "check"]).exits(1).says("it is gone, and the next `vbs apply` takes away its mark");
    rig.apply();
    site.holds_nothing();
    rig.settled();

    // What is wanted after all is made again over it, whoever knows of it.
    site.attach_and_lose();
    rig.vbs(&["apply", "--refresh-only", "--auto-approve"]).exits(0);
    rig.vbs(&["plan"]).exits(0).says(&left_over);
    rig.apply();
    rig.settled();
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    site.holds_nothing();
}

#[test]
fn everything_is_destroyed_below_a_vm_whose_target_is_gone() {
    let Some(site) = Site::new(RELEASING) else { return };
    site.attach_and_lose();
    site.rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    site.holds_nothing();
}

#[test]
fn a_guest_that_keeps_a_disk_whose_target_is_gone_ends_a_destroy_in_a_clean_revert() {
    let Some(mut site) = Site::new(HOLDING) else { return };
    site.attach_and_lose();
    site.rig
        .vbs(&["destroy", "--purge", "--auto-approve"])
        .exits(3)
        .says("did not let go of the disk within 20 s")
        .says("Everything was reverted");
    site.rig.vbs(&["recover"]).exits(0).says("Nothing to recover");
    assert_ne!(site.saved(), 0, "what is left of the target waits for its disk");
    site.rig.stop("web1");
    site.rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    site.rig.start("web1", HOLDING);
    site.holds_nothing();
}

/// Killed at a sample of the boundaries while it clears what is left of a target, and while it makes a target again over
/// what is left of it: recovery closes the run, and the next apply does it.
#[test]
fn clearing_what_is_left_and_making_it_again_endure_kills() {
    let Some(site) = Site::new(RELEASING) else { return };
    let rig = &site.rig;
    for wanted in [false, true] {
        let mut at = 1;
        loop {
            site.attach_and_lose();
            if !wanted {
                site.unwant();
            }
            let code = rig.faulty(&format!("kill@{at}")).0.code;
            if code != 0 {
                rig.vbs(&["recover", "--auto-approve"]).exits(0);
                rig.apply();
            }
            rig.settled();
            site.unwant();
            rig.apply();
            site.holds_nothing();
            if code == 0 {
                break;
            }
            at += 5;
        }
    }
}
