//! What a case has in its hands: a pristine machine, an empty workspace, and vbs between them.

use std::cell::RefCell;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::machine::Machine;
use crate::workspace::{self, Output, Workspace};

/// A command in the machine that says nothing for so long hangs.
const PATIENCE_IN_THE_MACHINE: &str = "180";
/// vbs waits for slow tools, and storage is slow under emulation.
const PATIENCE_WITH_VBS: &str = "600";

#[derive(Debug)]
pub struct Lab<'machine> {
    machine: &'machine Machine,
    /// Where vbs runs; it trusts the machine's key already, in `vbs.known_hosts`.
    pub workspace: Workspace,
    transcript: RefCell<String>,
}

impl<'machine> Lab<'machine> {
    pub fn fresh(machine: &'machine Machine) -> Lab<'machine> {
        let workspace = Workspace::empty();
        let keys = std::fs::read_to_string(machine.file("known_hosts")).unwrap();
        workspace.file("vbs.known_hosts", &keys);
        Lab { machine, workspace, transcript: RefCell::new(String::new()) }
    }

    /// Runs a script in the machine as root, with `sh -eu`.
    pub fn sh(&self, script: &str) -> Output {
        self.sh_as("root", script)
    }

    /// As `root`, `ops`, who may do everything with sudo and no password, or `nosudo`, who may not.
    pub fn sh_as(&self, user: &str, script: &str) -> Output {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", PATIENCE_IN_THE_MACHINE, "ssh", "-F"])
            .arg(self.machine.file("ssh_config"))
            .args(["-l", user, "vm", "exec sh -euc"])
            .arg(quoted(script))
            .stdin(Stdio::null());
        let output = workspace::run(&mut command);
        self.note(&format!("{user}: {script}"), &output);
        output
    }

    /// Runs a script in the machine as root, insists that it works, and gives what it printed without the last newline.
    #[track_caller]
    pub fn ok(&self, script: &str) -> String {
        let output = self.sh(script);
        assert_eq!(
            output.code, 0,
            "in the machine: {script}\n--- stdout\n{}\n--- stderr\n{}",
            output.stdout, output.stderr
        );
        output.stdout.trim_end().to_owned()
    }

    /// Writes a file of the workspace, such as `main.vbs.hcl`.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        self.workspace.file(name, text)
    }

    /// What ssh may know of this machine besides its key in `vbs.known_hosts`.
    pub fn address(&self, user: &str) -> String {
        format!("ssh://{user}@127.0.0.1:{}", self.machine.port())
    }

    /// The machine in the configuration, as `host.store1`.
    pub fn host_block(&self) -> String {
        format!("host \"store1\" {{\n  address = \"{}\"\n}}\n", self.address("root"))
    }

    /// Runs vbs in the workspace to its end.
    pub fn vbs(&self, arguments: &[&str]) -> Output {
        let vbs = self.vbs_command(arguments);
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", PATIENCE_WITH_VBS])
            .arg(vbs.get_program())
            .args(vbs.get_args())
            .env_clear()
            .envs(vbs.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(self.workspace.root())
            .stdin(Stdio::null());
        let output = workspace::run(&mut command);
        self.note(&format!("vbs {}", arguments.join(" ")), &output);
        output
    }

    /// Runs vbs with variables in its environment, such as those that inject faults.
    pub fn vbs_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = self.vbs_command(arguments);
        command.envs(variables.iter().copied());
        let output = workspace::run(&mut command);
        self.note(&format!("{variables:?} vbs {}", arguments.join(" ")), &output);
        output
    }

    /// vbs in the workspace, not yet started, for cases that kill it, add faults or speak to it. Pass what it gave to
    /// [`Lab::note`].
    pub fn vbs_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.workspace.command(arguments);
        command.env("HOME", self.workspace.root()).env("VBS_SSH_CONFIG", self.machine.file("vbs_ssh_config"));
        command
    }

    /// Keeps what was run and what it said, to be printed where the case fails.
    pub fn note(&self, what: &str, output: &Output) {
        let said = shortened(&format!("{}{}", output.stdout, output.stderr));
        let _ = writeln!(self.transcript.borrow_mut(), "$ {what}\n[{}]\n{said}", output.code);
    }

    pub fn transcript(&self) -> String {
        self.transcript.borrow().clone()
    }

    /// The power goes and comes back at once. What the machine has flushed to its disks stays, its memory does not.
    pub fn power_cut(&self) {
        self.machine.does("power-cut");
    }

    /// Until it has booted and its volume groups have settled; about half a minute.
    pub fn wait_until_up(&self) {
        self.machine.does("wait");
    }

    /// Keeps the machine as it is now, memory and disks, under a name.
    pub fn keep(&self, state: &'static str) {
        self.machine.keep(state);
    }

    /// Brings the machine back to what was kept.
    pub fn reset_to(&self, state: &'static str) {
        self.machine.reset_to(state);
    }

    /// Stops the machine between two instructions: a connection to it is silent, and does not break.
    pub fn pause(&self) {
        self.machine.does("pause");
    }

    pub fn resume(&self) {
        self.machine.does("continue");
    }

    /// Whether the machine runs a command in so many seconds.
    pub fn answers_within(&self, seconds: u32) -> bool {
        let mut command = Command::new("timeout");
        command
            .args([&seconds.to_string(), "ssh", "-F"])
            .arg(self.machine.file("ssh_config"))
            .args(["vm", "true"])
            // The shared connection would keep a pipe open for as long as the machine is silent.
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().unwrap().success()
    }

    pub fn serial_tail(&self) -> String {
        self.machine.serial_tail()
    }
}

/// For a shell, as one word.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What nobody reads to its end is printed without its middle.
fn shortened(text: &str) -> String {
    const MOST: usize = 150;
    const KEPT: usize = 20;
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= MOST {
        return text.to_owned();
    }
    let (beginning, end) = (lines[..KEPT].join("\n"), lines[lines.len() - KEPT..].join("\n"));
    format!("{beginning}\n… {} lines …\n{end}\n", lines.len() - 2 * KEPT)
}
