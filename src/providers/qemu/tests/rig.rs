//! A hypervisor with a real QEMU on it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::model::command::Action;
use crate::model::{
    Access, Body, Bus, Bytes, ContainerView, DiskBody, Kind, Record, Setting, SourceRef, Surveyed,
};
use crate::plan::step::{Operation, Step};
use crate::providers::store::testing::{Bench, id};

use super::super::qmp;

/// A QEMU that never runs a guest: with native hot-plug its ports are empty, and let go of a device at once.
pub const RELEASING: &[&str] = &[
    "-M",
    "q35",
    "-S",
    "-global",
    "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
    "-device",
    "pcie-root-port,id=rp1,chassis=1,slot=1",
    "-device",
    "pcie-root-port,id=rp2,chassis=2,slot=2",
    "-device",
    "virtio-scsi-pci,id=scsi0,bus=pcie.0",
];

/// One whose guest would have to let go and is not there to do so.
pub const HOLDING: &[&str] = &["-M", "q35", "-S", "-device", "pcie-root-port,id=rp1,chassis=1,slot=1"];

/// A hypervisor with one VM.
pub struct Rig {
    pub bench: Bench,
    pub qemu: BTreeMap<String, Child>,
    pub sockets: TempDir,
}

impl Rig {
    /// Nothing, and why on standard error, where this machine cannot run it.
    pub fn new(machine: &[&str]) -> Option<Rig> {
        for program in ["qemu-system-x86_64", "socat"] {
            if Command::new(program)
                .arg("-version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_err()
            {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        let mut bench = Bench::joined(Kind::Hypervisor, "qemu");
        let sockets = TempDir::new().unwrap();
        let socket = sockets.path().join("{vm}.qmp").to_str().unwrap().to_owned();
        bench.container.settings.insert("socket".to_owned(), Setting::Text(socket));
        let mut rig = Rig { bench, qemu: BTreeMap::new(), sockets };
        rig.start("web", machine);
        Some(rig)
    }

    pub fn start(&mut self, vm: &str, machine: &[&str]) {
        let socket = self.sockets.path().join(format!("{vm}.qmp"));
        let _ = fs::remove_file(&socket);
        let child = Command::new("qemu-system-x86_64")
            .args(["-accel", "tcg", "-m", "32", "-nodefaults", "-display", "none"])
            .args(machine)
            .arg("-qmp")
            .arg(format!("unix:{},server=on,wait=off", socket.display()))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.qemu.insert(vm.to_owned(), child);
        while UnixStream::connect(&socket).is_err() {
            assert!(self.qemu.get_mut(vm).unwrap().try_wait().unwrap().is_none(), "QEMU did not start");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Plays a VM, for one conversation, that has `device`: it takes a `device_del`, says `event` or nothing, and hangs up.
    /// It knows no other command that changes anything, and hangs up there too.
    pub fn play(&self, vm: &str, device: &str, event: Option<&str>) {
        let socket = self.sockets.path().join(format!("{vm}.qmp"));
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let listed = format!(r#"[{{"name": "{device}", "type": "child<scsi-hd>"}}]"#);
        let event = event.map(str::to_owned);
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            writeln!(stream, r#"{{"QMP": {{"version": {{"qemu": {{"major": 9, "minor": 0}}}}}}}}"#).unwrap();
            for line in lines {
                let command: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
                let returned = match command["execute"].as_str().unwrap() {
                    "qom-list" => listed.as_str(),
                    "qmp_capabilities" | "device_del" => "{}",
                    _ => return,
                };
                writeln!(stream, r#"{{"return": {returned}, "id": {}}}"#, command["id"]).unwrap();
                if command["execute"] == "device_del" {
                    event.iter().for_each(|event| writeln!(stream, "{event}").unwrap());
                    return;
                }
            }
        });
    }

    pub fn stop(&mut self, vm: &str) {
        let mut child = self.qemu.remove(vm).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn image(&self) -> std::path::PathBuf {
        self.bench.root.path().join("its \"$(image)\" 'db'.raw")
    }

    pub fn disk(&self, number: u128, bus: Bus) -> Record {
        let image = self.image();
        if !image.exists() {
            fs::File::create(&image).unwrap().set_len(1 << 20).unwrap();
        }
        let body = DiskBody {
            vm: "web".to_owned(),
            device: format!("vd{number}"),
            bus,
            access: Access::ReadOnly,
            shared: true,
            source: SourceRef { id: id(50), address: "volume.db".parse().unwrap() },
            serial: id(50).to_string(),
            host_path: image.to_str().unwrap().to_owned(),
            network: None,
            through: None,
            presence: None,
            size: Some(Bytes(1 << 20)),
        };
        self.bench.record(&format!("attachment.a{number}"), id(number), Body::Disk(body))
    }

    pub fn writing(&self, number: u128, bus: Bus) -> Record {
        let mut record = self.disk(number, bus);
        let disk = disk_of(&mut record);
        (disk.access, disk.shared) = (Access::ReadWrite, false);
        record
    }

    pub fn detach(&self, record: &Record) -> Step {
        let live = self.bench.observed(record.object.id).unwrap();
        self.bench.step(Operation::Destroy { record: record.clone(), live })
    }

    /// Runs one QMP command that is no business of ours, and returns the answer.
    pub fn say(&self, vm: &str, command: &str) -> String {
        let socket = self.sockets.path().join(format!("{vm}.qmp"));
        let talk = format!(
            "read -r g; echo '{{\"execute\":\"qmp_capabilities\"}}'; read -r g; echo '{command}'; while read -r g; do case $g in *return*|*error*) printf '%s' \"$g\" >&3; break;; esac; done"
        );
        let output = Command::new("sh")
            .arg("-c")
            .arg("socat \"UNIX-CONNECT:$SOCKET\" 'SYSTEM:eval \\\"\\$TALK\\\"' 3>&1")
            .env("SOCKET", socket)
            .env("TALK", talk)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Everything that anybody plugged into a VM: devices, nodes and secrets.
    pub fn contents(&self, vm: &str) -> Vec<String> {
        let lists = [
            r#"{"execute":"qom-list","arguments":{"path":"/machine/peripheral"}}"#,
            r#"{"execute":"qom-list","arguments":{"path":"/objects"}}"#,
            r#"{"execute":"query-named-block-nodes","arguments":{"flat":true}}"#,
        ];
        let sorted = |command: &str| {
            let mut answer: serde_json::Value = serde_json::from_str(&self.say(vm, command)).unwrap();
            answer["return"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
            answer["return"].to_string()
        };
        lists.map(sorted).into()
    }

    pub fn surveyed(&self, wanted: &[&str]) -> Surveyed {
        match self.bench.view_for(Some(self.bench.identity), wanted) {
            ContainerView::Present(surveyed) => surveyed,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for child in self.qemu.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn disk_of(record: &mut Record) -> &mut DiskBody {
    match &mut record.object.body {
        Body::Disk(disk) => disk,
        other => panic!("{other:?}"),
    }
}

/// The same with less patience.
pub fn hurried(action: &Action) -> Action {
    let mut action = action.clone();
    action.arguments.insert("patience", "2");
    action
}

pub fn vm_device(rig: &Rig, number: u128) -> String {
    qmp::device(rig.bench.lineage, id(number))
}
