//! A machine and a workspace in which one scenario is struck again and again, each time from the same beginning.

use std::cell::{Cell, OnceCell};
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use vbs::faults::Class;

use super::checker::Baseline;
use super::facts;
use super::scenario::Scenario;
use crate::Beginning;
use crate::cases::route::scene::{Route, Surroundings};
use crate::lab::Lab;
use crate::machine::Host;
use crate::storage::{DISK_B, DISK_C};
use crate::workspace::Output;

/// How long one command may take before the test gives up on it: a lost machine is noticed by vbs itself.
const PATIENCE: Duration = Duration::from_secs(400);

/// What is somebody else's, beside ours in the same volume group.
pub const STRANGERS: [&str; 5] =
    ["other_thick", "other_thin", "other_snapshot", "other_thin_snapshot", "other_mirror"];

/// The name of the disk that can be broken.
pub const BRITTLE: &str = "brittle";

/// What most scenarios begin with.
pub const STORAGE: Beginning =
    Beginning { name: "crash-storage", on: None, prepare: |lab| make_storage(lab, DISK_B) };

/// One volume group with a thin pool, and volumes of others of every kind.
fn make_storage(lab: &Lab, disk: &str) {
    lab.ok(&format!(
        "vgcreate -qq vg0 {disk} {DISK_C}; lvcreate -qq -L 512M -T vg0/tp0; \
         lvcreate -qq -y -L 8M -n other_thick vg0; lvcreate -qq -V 8M -T vg0/tp0 -n other_thin; \
         lvcreate -qq -y --type raid1 -m 1 --nosync -L 8M -n other_mirror vg0 >/dev/null 2>&1; \
         for name in other_thick other_thin other_mirror; do \
           yes \"$name\" | head -c 8M | dd of=/dev/vg0/$name bs=1M iflag=fullblock conv=fsync status=none; done; \
         lvcreate -qq -s -L 4M -n other_snapshot vg0/other_thick; \
         lvcreate -qq -s -kn -n other_thin_snapshot vg0/other_thin; udevadm settle"
    ));
}

pub struct World<'a, 'm> {
    pub lab: &'a Lab<'m>,
    pub scenario: &'static Scenario,
    /// As it was before any fault.
    pub baseline: Baseline,
    /// The host whose frame was last held up at a gate.
    pub struck: Cell<Host>,
    /// What two hosts show once the command was carried out.
    pub carried_out: OnceCell<Surroundings>,
    /// The workspace at the beginning, and everything that vbs printed.
    aside: tempfile::TempDir,
    calls: Cell<usize>,
}

/// How one run of the program ended.
#[derive(Debug)]
pub struct Ended {
    /// 128 and the signal's number where a signal ended it.
    pub output: Output,
    /// The class of every boundary that was passed, in order.
    pub passed: Vec<Class>,
}

impl Ended {
    pub fn was_killed(&self) -> bool {
        self.output.code == 128 + 9
    }

    /// In words, where it is not what was expected.
    pub fn expect(self, what: &str, codes: &[i32]) -> Result<Ended, String> {
        if codes.contains(&self.output.code) {
            return Ok(self);
        }
        let Output { code, .. } = self.output;
        Err(format!("{what} ended with {code} instead of {codes:?}:\n{}", self.output.text()))
    }
}

/// A run of the program that goes on.
pub struct Running {
    what: String,
    pub child: Child,
    log: PathBuf,
    output: PathBuf,
}

impl<'a, 'm> World<'a, 'm> {
    /// A workspace without storage: the case has made its own.
    pub fn bare(lab: &'a Lab<'m>, scenario: &'static Scenario) -> World<'a, 'm> {
        let aside = tempfile::tempdir().unwrap();
        let world = World {
            lab,
            scenario,
            baseline: Baseline::default(),
            struck: Cell::new(Host::Store1),
            carried_out: OnceCell::new(),
            aside,
            calls: Cell::new(0),
        };
        fs::create_dir(world.output()).unwrap();
        world
    }

    /// Makes the world of a scenario on [`STORAGE`], or on a disk that can be broken, and a snapshot of the machine to come
    /// back to.
    pub fn new(lab: &'a Lab<'m>, scenario: &'static Scenario) -> World<'a, 'm> {
        let mut world = World::bare(lab, scenario);
        if scenario.brittle {
            make_storage(lab, &lab.breakable(BRITTLE, DISK_B));
        }
        for config in scenario.before {
            world.configure(config);
            world.run(&["apply"], "").expect("preparing", &[0]).unwrap();
            world.fill();
        }
        for command in scenario.prepare {
            world.run(command, "").expect("preparing", &[0]).unwrap();
        }
        world.configure(scenario.config);
        world.baseline = Baseline::of(&world);
        world.save();
        world
    }

    /// What [`World::rewind`] comes back to.
    pub fn save(&self) {
        self.lab.keep("crash");
        copy(self.lab.workspace.root(), &self.saved());
    }

    pub fn configure(&self, pieces: &[&str]) {
        self.lab.write(
            "main.vbs.hcl",
            &format!("vbs {{ name = \"crash\" }}\n{}{}", self.lab.host_blocks(), pieces.concat()),
        );
    }

    /// Gives every volume that is still empty data of its own, so that whatever is lost or overwritten is seen.
    fn fill(&self) {
        let mut script = String::new();
        for volume in facts::look(self.lab).volumes.values() {
            if volume.tag("vbs.volume").is_some() {
                let (name, path, size) = (&volume.name, volume.path(), volume.size);
                script.push_str(&format!(
                    "if [ \"$(head -c 4096 {path} | tr -d '\\0' | wc -c)\" = 0 ]; then yes {name} | head -c {size} | \
                     dd of={path} bs=1M iflag=fullblock conv=fsync status=none; fi\n"
                ));
            }
        }
        self.lab.ok(&format!("{script}udevadm settle"));
    }

    pub fn state(&self) -> PathBuf {
        self.lab.workspace.path(".vbs/state.db")
    }

    /// Where the program's output and its logs go.
    fn output(&self) -> PathBuf {
        self.aside.path().join("output")
    }

    fn saved(&self) -> PathBuf {
        self.aside.path().join("workspace")
    }

    /// The gate of a boundary that is passed on this machine.
    pub fn local_gate(&self) -> PathBuf {
        self.aside.path().join("gate")
    }

    /// Back to the beginning: the machine, the workspace, and no connection of an earlier run.
    pub fn rewind(&self) {
        self.end_connections();
        self.lab.reset_to("crash");
        let root = self.lab.workspace.root();
        for entry in fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        copy(&self.saved(), root);
        let _ = fs::remove_file(self.local_gate());
    }

    /// Runs a script where the last gate was.
    pub fn there(&self, script: &str) -> String {
        self.lab.ok_on(self.struck.get(), script)
    }

    /// What two hosts show, where the scenario plays on two.
    pub fn surroundings(&self) -> Option<Surroundings> {
        self.scenario.route.then(|| Route::new(self.lab).surroundings())
    }

    /// A host loses its power and boots again.
    pub fn power_cut(&self, host: Host) {
        self.lab.power_cut_of(host);
        self.lab.wait_until_up();
        if self.scenario.route {
            Route::new(self.lab).wait_for_sessions();
        }
        if self.scenario.brittle {
            self.lab.breakable(BRITTLE, DISK_B);
            self.lab.ok("vgchange -qq -ay vg0; udevadm settle");
        }
    }

    /// Processes of ssh that runs in this workspace have left behind or still use: those whose home it is.
    pub fn connections(&self) -> Vec<i32> {
        let home = format!("HOME={}", self.lab.workspace.root().display());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let is_ssh = fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim() == "ssh");
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if is_ssh && environment.split(|byte| *byte == 0).any(|entry| entry == home.as_bytes()) {
                found.push(number);
            }
        }
        found
    }

    pub fn end_connections(&self) {
        for number in self.connections() {
            kill(number);
        }
    }

    /// Runs a command with a fault (`VBS_FAULT`), and waits for it.
    pub fn run(&self, arguments: &[&str], fault: &str) -> Ended {
        self.start(arguments, fault, "").wait(self.lab)
    }

    /// Starts a command with a fault, and what a hook runs.
    pub fn start(&self, arguments: &[&str], fault: &str, hook: &str) -> Running {
        self.start_in(self.lab.workspace.root(), arguments, fault, hook)
    }

    /// The same in another workspace, or in another copy of this one.
    pub fn start_in(&self, root: &Path, arguments: &[&str], fault: &str, hook: &str) -> Running {
        let number = self.calls.get();
        self.calls.set(number + 1);
        let (log, output) =
            (self.output().join(format!("{number}.log")), self.output().join(format!("{number}.out")));
        let mut command = self.lab.vbs_command(arguments);
        match arguments.first() {
            Some(&"apply" | &"destroy") => {
                command.args(["--auto-approve", "--parallelism", "1"]);
            }
            Some(&"recover") => {
                command.arg("--auto-approve");
            }
            _ => {}
        }
        // Whatever ssh leaves behind is found by the home of its process.
        command.current_dir(root).env("VBS_FAULT_LOG", &log);
        if !fault.is_empty() {
            command.env("VBS_FAULT", fault);
        }
        if !hook.is_empty() {
            command.env("VBS_FAULT_HOOK", hook);
        }
        let file = |suffix: &str| File::create(format!("{}{suffix}", output.display())).unwrap();
        let child = command.process_group(0).stdout(file("")).stderr(file(".err")).spawn().unwrap();
        let what = format!("vbs {} with {fault:?}", arguments.join(" "));
        Running { what, child, log, output }
    }
}

impl Running {
    /// Waits for the end.
    pub fn wait(mut self, lab: &Lab) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                break self.child.wait().unwrap();
            }
            thread::sleep(Duration::from_millis(5));
        };
        let text = |suffix: &str| {
            let path = format!("{}{suffix}", self.output.display());
            String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
        };
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        let output = Output { code, stdout: text(""), stderr: text(".err") };
        lab.note(&self.what, &output);
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let passed =
            log.lines().map(|line| Class::from_word(line.split_once(' ').unwrap().1).unwrap()).collect();
        Ended { output, passed }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }
}

pub fn kill(number: i32) {
    signal(number, rustix::process::Signal::KILL);
}

/// To a process that may have ended by itself meanwhile.
pub fn signal(number: i32, signal: rustix::process::Signal) {
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(number).unwrap(), signal);
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let status = Command::new("cp").args(["-a", "--"]).arg(from.join(".")).arg(to).status().unwrap();
    assert!(status.success());
}
