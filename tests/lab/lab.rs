//! What a case has in its hands: pristine machines, an empty workspace, and vbs between them. Where no machine is named
//! it is the storage host.

use std::cell::RefCell;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{self, Host, Machine};
use crate::workspace::{self, Output, Workspace};

/// A command in the machine that says nothing for so long hangs.
const PATIENCE_IN_THE_MACHINE: &str = "400";
/// vbs waits for slow tools, and storage is slow under emulation.
const PATIENCE_WITH_VBS: &str = "600";

#[derive(Debug)]
pub struct Lab<'machine> {
    /// The storage host first.
    machines: Vec<&'machine Machine>,
    /// Where vbs runs; it trusts the machines' keys already, in `vbs.known_hosts`.
    pub workspace: Workspace,
    transcript: RefCell<String>,
}

impl<'machine> Lab<'machine> {
    pub fn fresh(machines: Vec<&'machine Machine>) -> Lab<'machine> {
        let workspace = Workspace::empty();
        let all = |file: &str| -> String {
            machines.iter().map(|machine| std::fs::read_to_string(machine.file(file)).unwrap()).collect()
        };
        workspace.file("vbs.known_hosts", &all("known_hosts"));
        // Each machine's image has a key of its own: all are offered.
        workspace.file("../ssh_config", &all("vbs_ssh_config"));
        Lab { machines, workspace, transcript: RefCell::new(String::new()) }
    }

    /// The same machines, with another workspace.
    pub fn again(&self) -> Lab<'machine> {
        Lab::fresh(self.machines.clone())
    }

    fn machine(&self, host: Host) -> &'machine Machine {
        self.machines
            .iter()
            .find(|machine| machine.host == host)
            .unwrap_or_else(|| panic!("the case did not ask for {}", host.name()))
    }

    pub fn hosts(&self) -> Vec<Host> {
        self.machines.iter().map(|machine| machine.host).collect()
    }

    /// Runs a script in the machine as root, with `sh -eu`.
    pub fn sh(&self, script: &str) -> Output {
        self.sh_as("root", script)
    }

    /// As `root`, `ops`, who may do everything with sudo and no password, or `nosudo`, who may not.
    pub fn sh_as(&self, user: &str, script: &str) -> Output {
        self.run_on(Host::Store1, user, script)
    }

    /// Runs a script as root in one of the machines.
    pub fn sh_on(&self, host: Host, script: &str) -> Output {
        self.run_on(host, "root", script)
    }

    fn run_on(&self, host: Host, user: &str, script: &str) -> Output {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", PATIENCE_IN_THE_MACHINE, "ssh", "-F"])
            .arg(self.machine(host).file("ssh_config"))
            .args(["-l", user, "vm", "exec sh -euc"])
            .arg(quoted(script))
            .stdin(Stdio::null());
        let output = workspace::run(&mut command);
        self.note(&format!("{user}@{}: {script}", host.name()), &output);
        output
    }

    /// Runs a script in the machine as root, insists that it works, and gives what it printed without the last newline.
    #[track_caller]
    pub fn ok(&self, script: &str) -> String {
        self.ok_on(Host::Store1, script)
    }

    #[track_caller]
    pub fn ok_on(&self, host: Host, script: &str) -> String {
        let output = self.sh_on(host, script);
        assert_eq!(
            output.code,
            0,
            "on {}: {script}\n--- stdout\n{}\n--- stderr\n{}",
            host.name(),
            output.stdout,
            output.stderr
        );
        output.stdout.trim_end().to_owned()
    }

    /// Writes a file of the workspace, such as `main.vbs.hcl`.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        self.workspace.file(name, text)
    }

    /// What ssh may know of the storage host besides its key in `vbs.known_hosts`.
    pub fn address(&self, user: &str) -> String {
        format!("ssh://{user}@127.0.0.1:{}", self.machine(Host::Store1).port())
    }

    /// The storage host in the configuration, as `host.store1`.
    pub fn host_block(&self) -> String {
        self.block_of(Host::Store1, "")
    }

    /// Every host in the configuration, as `host.store1` and `host.kvm1`.
    pub fn host_blocks(&self) -> String {
        // Two machines under emulation on two processors may take their time to open a session.
        let patience = "  connect_timeout = \"60s\"\n";
        self.hosts().into_iter().map(|host| self.block_of(host, patience)).collect()
    }

    fn block_of(&self, host: Host, more: &str) -> String {
        let port = self.machine(host).port();
        format!("host \"{}\" {{\n  address = \"ssh://root@127.0.0.1:{port}\"\n{more}}}\n", host.name())
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
        command
            .env("HOME", self.workspace.root())
            .env("VBS_SSH_CONFIG", self.workspace.path("../ssh_config"));
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
        self.power_cut_of(Host::Store1);
    }

    pub fn power_cut_of(&self, host: Host) {
        self.machine(host).does("power-cut");
    }

    /// Until they have booted and their volume groups have settled; about half a minute after a power cut.
    pub fn wait_until_up(&self) {
        self.machines.iter().for_each(|machine| machine.does("wait"));
    }

    /// Keeps the machines as they are now, memory and disks, under a name.
    pub fn keep(&self, state: &'static str) {
        machine::keep(&self.machines, state);
    }

    pub fn has_kept(&self, state: &str) -> bool {
        self.machines.iter().all(|machine| machine.has_kept(state))
    }

    /// Brings the machines back to what was kept.
    pub fn reset_to(&self, state: &'static str) {
        machine::reset_to(&self.machines, state);
    }

    /// The network between the machines, for one of them: what is sent is lost, and nothing breaks.
    pub fn unplug(&self, host: Host) {
        self.machine(host).link("off");
    }

    pub fn plug(&self, host: Host) {
        self.machine(host).link("on");
    }

    /// Stops the machine between two instructions: a connection to it is silent, and does not break.
    pub fn pause(&self) {
        self.pause_of(Host::Store1);
    }

    pub fn resume(&self) {
        self.resume_of(Host::Store1);
    }

    pub fn pause_of(&self, host: Host) {
        self.machine(host).does("pause");
    }

    pub fn resume_of(&self, host: Host) {
        self.machine(host).does("continue");
    }

    /// How long a command that does nothing takes over ssh: on the connection that is open, or on one of its own.
    pub fn nothing_over_ssh(&self, host: Host, anew: bool) -> Duration {
        let begun = Instant::now();
        let mut command = Command::new("ssh");
        command.arg("-F").arg(self.machine(host).file("ssh_config"));
        if anew {
            command.args(["-o", "ControlPath=none"]);
        }
        let output = workspace::run(command.args(["vm", "true"]).stdin(Stdio::null()));
        assert_eq!(output.code, 0, "{}", output.text());
        begun.elapsed()
    }

    /// Whether the machine runs a command in so many seconds.
    pub fn answers_within(&self, seconds: u32) -> bool {
        let mut command = Command::new("timeout");
        command
            .args([&seconds.to_string(), "ssh", "-F"])
            .arg(self.machine(Host::Store1).file("ssh_config"))
            .args(["vm", "true"])
            // The shared connection would keep a pipe open for as long as the machine is silent.
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().unwrap().success()
    }

    /// What the machines' kernels said last.
    pub fn serial_tail(&self) -> String {
        let tail = |machine: &&Machine| {
            format!("== the end of {}'s serial log\n{}\n", machine.host.name(), machine.serial_tail())
        };
        self.machines.iter().map(tail).collect()
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
