//! A workspace with a libvirt of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::daemon::Daemon;
use crate::support::{Output, Workspace, run};

/// The directory of this test's hypervisor is a fixed one of the machine, so each test has a name of its own.
static COUNT: AtomicU32 = AtomicU32::new(0);

pub struct Rig {
    pub workspace: Workspace,
    pub label: String,
    pub daemon: Daemon,
}

impl Rig {
    /// Nothing, and why on standard error, where this machine cannot run it.
    pub fn new() -> Option<Rig> {
        let rig = Rig {
            workspace: Workspace::empty(),
            label: format!("test{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)),
            daemon: Daemon::start()?,
        };
        if std::fs::create_dir_all(rig.keeper()).is_err() {
            eprintln!("skipped: only root may write to /var/lib/vbs");
            return None;
        }
        Some(rig)
    }

    pub fn seat(&self) -> PathBuf {
        PathBuf::from("/var/lib/vbs/libvirt").join(&self.label)
    }

    /// Keeps the directories above from going with the seat of another test.
    fn keeper(&self) -> PathBuf {
        self.seat().with_extension("keeper")
    }

    /// The hypervisor, with `more` in its block, a pool, and `text`, in which `@` stands for the hypervisor.
    pub fn configure_with(&self, more: &str, text: &str) {
        let containers = format!(
            "pool \"file\" \"fast\" {{\n  path   = \"pool\"\n  create = true\n}}\n\
             hypervisor \"libvirt\" \"{}\" {{\n  uri = \"{}\"\n{more}}}\n",
            self.label,
            self.daemon.uri()
        );
        let text = text.replace('@', &format!("hypervisor.{}", self.label));
        self.workspace.file("main.vbs.hcl", &(containers + &text));
    }

    pub fn configure(&self, text: &str) {
        self.configure_with("", text);
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

    /// Everything that libvirt knows of a VM and of secrets, but for numbers that are never given twice.
    pub fn contents(&self, vm: &str) -> String {
        let live: Vec<String> = (self.daemon.live(vm).lines())
            .filter(|line| !line.starts_with("<domain "))
            .map(|line| line.split(" index='").next().unwrap_or_default().to_owned())
            .collect();
        [live.join("\n"), self.daemon.config(vm), self.daemon.say(&["secret-list"])].join("\n")
    }

    /// How many disks a VM has: as it runs, and as it is configured.
    pub fn disks(&self, vm: &str) -> (usize, usize) {
        let count = |text: String| text.matches("<alias name='ua-vbs-").count();
        (count(self.daemon.live(vm)), count(self.daemon.config(vm)))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // What a failed test left must not stay on the machine.
        let _ = std::fs::remove_dir_all(self.seat());
        let _ = std::fs::remove_dir(self.keeper());
        for directory in ["/var/lib/vbs/libvirt", "/var/lib/vbs"] {
            let _ = std::fs::remove_dir(directory);
        }
    }
}
