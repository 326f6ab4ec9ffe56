//! A workspace with VMs: each a real QEMU without a guest in it. Where one would have to let go of a device, a machine
//! with native hot-plug and empty ports does so by itself, and one with ACPI hot-plug never does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Output, Workspace, run};

pub const RELEASING: &str = "-M q35 -S -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off -device virtio-scsi-pci,id=scsi0,bus=pcie.0 \
     -device pcie-root-port,id=rp1,chassis=1,slot=1 -device pcie-root-port,id=rp2,chassis=2,slot=2";

pub const HOLDING: &str = "-M q35 -S -device pcie-root-port,id=rp1,chassis=1,slot=1";

/// The directory of this test's hypervisor is a fixed one of the machine, so each test has a name of its own.
static COUNT: AtomicU32 = AtomicU32::new(0);

pub struct Rig {
    pub workspace: Workspace,
    pub label: String,
    sockets: tempfile::TempDir,
    vms: BTreeMap<String, Child>,
}

impl Rig {
    /// Nothing, and why on standard error, where this machine cannot run it.
    pub fn new() -> Option<Rig> {
        for program in ["qemu-system-x86_64", "socat"] {
            let mut command = Command::new(program);
            if command.arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        let rig = Rig {
            workspace: Workspace::empty(),
            label: format!("test{}_{:03}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)),
            sockets: tempfile::tempdir().unwrap(),
            vms: BTreeMap::new(),
        };
        if std::fs::create_dir_all(rig.keeper()).is_err() {
            eprintln!("skipped: only root may write to /var/lib/vbs");
            return None;
        }
        Some(rig)
    }

    pub fn seat(&self) -> PathBuf {
        PathBuf::from("/var/lib/vbs/qemu").join(&self.label)
    }

    /// Keeps the directories above from going with the seat of another test.
    fn keeper(&self) -> PathBuf {
        self.seat().with_extension("keeper")
    }

    pub fn socket(&self, vm: &str) -> PathBuf {
        self.sockets.path().join(format!("{vm}.qmp"))
    }

    pub fn start(&mut self, vm: &str, machine: &str) {
        let socket = self.socket(vm);
        let _ = std::fs::remove_file(&socket);
        let child = Command::new("qemu-system-x86_64")
            .args(["-accel", "tcg", "-m", "32", "-nodefaults", "-display", "none"])
            .args(machine.split_whitespace())
            .arg("-qmp")
            .arg(format!("unix:{},server=on,wait=off", socket.display()))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.vms.insert(vm.to_owned(), child);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(self.vms.get_mut(vm).unwrap().try_wait().unwrap().is_none(), "QEMU did not start");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn stop(&mut self, vm: &str) {
        let mut child = self.vms.remove(vm).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// A pool, the hypervisor, and `text`, in which `@` stands for the hypervisor.
    pub fn configure(&self, text: &str) {
        let containers = format!(
            "pool \"file\" \"fast\" {{\n  path   = \"pool\"\n  create = true\n}}\n\
             hypervisor \"qemu\" \"{}\" {{\n  socket = \"{}\"\n}}\n",
            self.label,
            self.socket("{vm}").display()
        );
        let text = text.replace('@', &format!("hypervisor.{}", self.label));
        self.workspace.file("main.vbs.hcl", &(containers + &text));
    }

    pub fn vbs(&self, arguments: &[&str]) -> Output {
        self.workspace.vbs(arguments)
    }

    #[track_caller]
    pub fn apply(&self) -> Output {
        self.vbs(&["apply", "--auto-approve"]).exits(0)
    }

    #[track_caller]
    pub fn settled(&self) {
        self.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    }

    /// With a fault, and the number of boundaries that were passed.
    pub fn faulty(&self, fault: &str) -> (Output, usize) {
        let log = self.workspace.path("faults.log");
        let _ = std::fs::remove_file(&log);
        let mut command = self.workspace.command(&["apply", "--auto-approve"]);
        command.env("VBS_FAULT_LOG", &log);
        if !fault.is_empty() {
            command.env("VBS_FAULT", fault);
        }
        let output = run(&mut command);
        (output, std::fs::read_to_string(&log).unwrap().lines().count())
    }

    /// Runs one QMP command in a VM and returns its answer.
    pub fn say(&self, vm: &str, execute: &str, arguments: &Value) -> Value {
        use std::io::{BufRead, BufReader, Write};
        let mut socket = std::os::unix::net::UnixStream::connect(self.socket(vm)).unwrap();
        let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
        let _ = lines.next().unwrap().unwrap();
        let mut answer = Value::Null;
        for command in
            [json!({"execute": "qmp_capabilities"}), json!({"execute": execute, "arguments": arguments})]
        {
            writeln!(socket, "{command}").unwrap();
            answer = lines
                .by_ref()
                .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
                .find(|line| line.get("event").is_none())
                .unwrap();
        }
        answer
    }

    /// What `query-block` shows of the disks in a VM.
    pub fn blocks(&self, vm: &str) -> Vec<Value> {
        self.say(vm, "query-block", &json!({}))["return"].as_array().unwrap().clone()
    }

    /// Everything that anybody plugged into a VM: devices, secrets and nodes.
    pub fn contents(&self, vm: &str) -> Vec<Value> {
        // In no order.
        let list = |path: &str| {
            let mut found = self.say(vm, "qom-list", &json!({ "path": path }))["return"].take();
            found.as_array_mut().unwrap().sort_by_key(ToString::to_string);
            found
        };
        vec![
            list("/machine/peripheral"),
            list("/objects"),
            self.say(vm, "query-named-block-nodes", &json!({"flat": true})),
        ]
    }

    pub fn serial_of(&self, vm: &str, block: &Value) -> String {
        let qdev = block["qdev"].as_str().unwrap();
        let device = match qdev.strip_suffix("/virtio-backend") {
            Some(path) => path.to_owned(),
            None => format!("/machine/peripheral/{qdev}"),
        };
        let serial = self.say(vm, "qom-get", &json!({"path": device, "property": "serial"}));
        serial["return"].as_str().unwrap().to_owned()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for child in self.vms.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // What a failed test left must not stay on the machine.
        let _ = std::fs::remove_dir_all(self.seat());
        let _ = std::fs::remove_dir(self.keeper());
        for directory in ["/var/lib/vbs/qemu", "/var/lib/vbs"] {
            let _ = std::fs::remove_dir(directory);
        }
    }
}
