//! The virtual machines as processes of this one. `tests/lab/vm` does the work, so that it is the same by hand.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// The state that an image holds.
pub const NEW: &str = "ready";

/// The machines that a case can have, by what they are called in a configuration. They share a network of their own, on
/// which their addresses are [`Host::address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    Store1,
    Kvm1,
    /// A dom0 of Xen. It is on no network with the others.
    Xen1,
}

impl Host {
    pub fn name(self) -> &'static str {
        match self {
            Host::Store1 => "store1",
            Host::Kvm1 => "kvm1",
            Host::Xen1 => "xen1",
        }
    }

    /// On the network between the machines.
    pub fn address(self) -> &'static str {
        match self {
            Host::Store1 => "10.9.0.1",
            Host::Kvm1 => "10.9.0.2",
            Host::Xen1 => "10.9.0.3",
        }
    }
}

/// One of each, started when it is first needed.
#[derive(Debug, Default)]
pub struct Machines {
    store1: OnceCell<Machine>,
    kvm1: OnceCell<Machine>,
    xen1: OnceCell<Machine>,
}

impl Machines {
    /// Those on which a case plays.
    pub fn choose(&self, hosts: &[Host]) -> Vec<&Machine> {
        hosts
            .iter()
            .map(|host| {
                let machine = match host {
                    Host::Store1 => &self.store1,
                    Host::Kvm1 => &self.kvm1,
                    Host::Xen1 => &self.xen1,
                };
                machine.get_or_init(|| Machine::start(*host))
            })
            .collect()
    }
}

/// Brings all of them back to what was kept. None runs beside another one that is not back yet: what they say to each
/// other is part of the state.
pub fn reset_to(machines: &[&Machine], state: &'static str) {
    let stale: Vec<&&Machine> =
        machines.iter().filter(|machine| machine.untouched.replace(None) != Some(state)).collect();
    if stale.len() > 1 {
        stale.iter().for_each(|machine| machine.does("pause"));
    }
    at_once(&stale, "reset", &[state]);
}

/// Keeps all of them as they are at one moment.
pub fn keep(machines: &[&Machine], state: &'static str) {
    if let [machine] = machines {
        machine.must("keep", &[state]);
    } else {
        machines.iter().for_each(|machine| machine.does("pause"));
        at_once(&machines.iter().collect::<Vec<_>>(), "keep", &[state]);
        machines.iter().for_each(|machine| machine.does("continue"));
    }
    for machine in machines {
        machine.kept.borrow_mut().insert(state);
    }
}

fn at_once(machines: &[&&Machine], action: &str, arguments: &[&str]) {
    let begun: Vec<Child> = machines.iter().map(|machine| machine.begin(action, arguments)).collect();
    for running in begun {
        let output = running.wait_with_output().unwrap();
        assert!(output.status.success(), "tests/lab/vm {action}: {}", said(&output));
    }
}

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs until it is dropped, or until the thread that started it ends, however it ends.
#[derive(Debug)]
pub struct Machine {
    pub host: Host,
    name: String,
    directory: PathBuf,
    process: Child,
    /// The state that it is in, where nobody has touched it since.
    untouched: RefCell<Option<&'static str>>,
    kept: RefCell<BTreeSet<&'static str>>,
}

fn script(name: &str) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab").join(name));
    command.stdin(Stdio::null());
    command
}

impl Machine {
    /// Whether there are images to start from; otherwise, what is missing.
    pub fn is_built() -> Result<(), String> {
        let output = script("build").arg("--check").output().unwrap();
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }

    /// From the snapshot, and waits until it answers.
    fn start(host: Host) -> Machine {
        let name_of = |host: Host| format!("tests-{}-{}", std::process::id(), host.name());
        let name = name_of(host);
        let peer = match host {
            Host::Store1 => Some(Host::Kvm1),
            Host::Kvm1 => Some(Host::Store1),
            Host::Xen1 => None,
        };
        let mut arguments = vec!["run".to_owned(), name.clone(), "--kind".to_owned(), host.name().to_owned()];
        arguments.extend(peer.into_iter().flat_map(|peer| ["--peer".to_owned(), name_of(peer)]));
        let begun = Instant::now();
        let directory = script("vm").args(["dir", &name]).output().unwrap();
        let directory = PathBuf::from(String::from_utf8(directory.stdout).unwrap().trim_end());
        let said = tempfile::NamedTempFile::new().unwrap();
        let process = script("vm")
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(said.reopen().unwrap())
            .spawn()
            .unwrap();
        let machine = Machine {
            host,
            name,
            directory,
            process,
            untouched: RefCell::new(Some(NEW)),
            kept: RefCell::default(),
        };
        let up = machine.script("up", &[]);
        assert!(up.is_ok(), "{}\n{}", up.unwrap_err(), std::fs::read_to_string(said.path()).unwrap());
        println!("{} started in {:.1} s", host.name(), begun.elapsed().as_secs_f32());
        machine
    }

    /// Where its files lie: `serial.log`, `ssh_config`, `vbs_ssh_config`, `known_hosts`, `port`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The port on 127.0.0.1 that leads to its sshd.
    pub fn port(&self) -> u16 {
        std::fs::read_to_string(self.file("port")).unwrap().trim().parse().unwrap()
    }

    pub fn has_kept(&self, state: &str) -> bool {
        self.kept.borrow().contains(state)
    }

    /// One of the script's actions, which has to work.
    pub fn does(&self, action: &str) {
        self.must(action, &[]);
    }

    /// Its card on the network between the machines: `on` or `off`.
    pub fn link(&self, state: &str) {
        self.must("link", &[state]);
    }

    fn must(&self, action: &str, arguments: &[&str]) {
        self.untouched.replace(None);
        self.script(action, arguments).unwrap_or_else(|said| panic!("tests/lab/vm {action}: {said}"));
    }

    fn script(&self, action: &str, arguments: &[&str]) -> Result<(), String> {
        let output = self.begin(action, arguments).wait_with_output().unwrap();
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    }

    fn begin(&self, action: &str, arguments: &[&str]) -> Child {
        script("vm")
            .args([action, &self.name])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// What the kernel said last.
    pub fn serial_tail(&self) -> String {
        let log = std::fs::read(self.file("serial.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = script("vm").args(["stop", &self.name]).output();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
