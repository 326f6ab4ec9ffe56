//! The virtual machine as a process of this one. `tests/lab/vm` does the work, so that it is the same by hand.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The state that the image holds.
const NEW: &str = "ready";

/// Runs until it is dropped, or until the thread that started it ends, however it ends.
#[derive(Debug)]
pub struct Machine {
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
    /// Whether there is an image to start from; otherwise, what is missing.
    pub fn is_built() -> Result<(), String> {
        let output = script("build").arg("--check").output().unwrap();
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }

    /// From the snapshot, and waits until it answers.
    pub fn start(name: &str) -> Machine {
        let directory = script("vm").args(["dir", name]).output().unwrap();
        let directory = PathBuf::from(String::from_utf8(directory.stdout).unwrap().trim_end());
        let said = tempfile::NamedTempFile::new().unwrap();
        let process = script("vm")
            .args(["run", name])
            .stdout(Stdio::null())
            .stderr(said.reopen().unwrap())
            .spawn()
            .unwrap();
        let machine = Machine {
            name: name.to_owned(),
            directory,
            process,
            untouched: RefCell::new(Some(NEW)),
            kept: RefCell::default(),
        };
        let up = machine.script("up", &[]);
        assert!(up.is_ok(), "{}\n{}", up.unwrap_err(), std::fs::read_to_string(said.path()).unwrap());
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

    /// Everything is as it was when the image was built, memory and disks.
    pub fn reset(&self) {
        self.reset_to(NEW);
    }

    /// Everything is as it was when this state was kept.
    pub fn reset_to(&self, state: &'static str) {
        if self.untouched.replace(None) != Some(state) {
            self.must("reset", &[state]);
        }
    }

    /// Keeps the state that it is in under a name.
    pub fn keep(&self, state: &'static str) {
        self.must("keep", &[state]);
        self.kept.borrow_mut().insert(state);
    }

    pub fn has_kept(&self, state: &str) -> bool {
        self.kept.borrow().contains(state)
    }

    /// One of the script's actions, which has to work.
    pub fn does(&self, action: &str) {
        self.must(action, &[]);
    }

    fn must(&self, action: &str, arguments: &[&str]) {
        self.untouched.replace(None);
        self.script(action, arguments).unwrap_or_else(|said| panic!("tests/lab/vm {action}: {said}"));
    }

    fn script(&self, action: &str, arguments: &[&str]) -> Result<(), String> {
        let output = script("vm").args([action, &self.name]).args(arguments).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(()) } else { Err(said) }
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
