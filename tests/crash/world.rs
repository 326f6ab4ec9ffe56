//! A workspace on real files, and the real program run in it with faults.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use vbs::faults::Class;

use super::checker::Baseline;
use super::scenario::{self, Scenario};

/// Stands in for a secret: it must never be found in a file or in anything that is printed.
pub const CANARY: &str = "canary-4f6d2a";

/// How long one command may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(150);

pub struct World {
    home: tempfile::TempDir,
    pub scenario: &'static Scenario,
    /// As it was before any fault.
    pub baseline: Baseline,
    calls: Cell<usize>,
}

/// One run of the program, put together.
pub struct Call<'w> {
    world: &'w World,
    command: Command,
    log: PathBuf,
    output: PathBuf,
}

/// How one run of the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// The class of every boundary that was passed, in order.
    pub passed: Vec<Class>,
}

impl Ended {
    pub fn was_killed(&self) -> bool {
        self.signal == Some(9)
    }

    /// In words, where it is not what was expected.
    pub fn expect(&self, what: &str, codes: &[i32]) -> Result<(), String> {
        if self.code.is_some_and(|code| codes.contains(&code)) {
            return Ok(());
        }
        Err(format!(
            "{what} ended with {:?} (signal {:?}) instead of {codes:?}:\n{}{}",
            self.code, self.signal, self.stdout, self.stderr
        ))
    }
}

impl World {
    /// Makes the world of a scenario.
    pub fn new(scenario: &'static Scenario) -> World {
        let home = tempfile::Builder::new().prefix("vbs-crash-").tempdir().unwrap();
        let mut world = World { home, scenario, baseline: Baseline::default(), calls: Cell::new(0) };
        fs::create_dir_all(world.path()).unwrap();
        if scenario.foreign {
            scenario::put_foreign(&world.path());
        }
        for config in scenario.before {
            scenario.write(&world.path(), config);
            world.run(&["apply"], "").expect("preparing", &[0]).unwrap();
        }
        world.fill_images();
        for command in scenario.prepare {
            world.run(command, "").expect("preparing", &[0]).unwrap();
        }
        scenario.write(&world.path(), scenario.config);
        world.baseline = Baseline::of(&world);
        world
    }

    /// The workspace.
    pub fn path(&self) -> PathBuf {
        self.home.path().join("work")
    }

    /// Leaves the directory behind for whoever looks into a failure.
    pub fn keep(self) -> PathBuf {
        self.home.keep()
    }

    /// Where the program's output and its logs go.
    pub fn output(&self) -> PathBuf {
        self.home.path().join("output")
    }

    /// Runs a command with a fault (`VBS_FAULT`), and waits for it.
    pub fn run(&self, arguments: &[&str], fault: &str) -> Ended {
        self.call(arguments, fault).run()
    }

    pub fn call(&self, arguments: &[&str], fault: &str) -> Call<'_> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        fs::create_dir_all(self.output()).unwrap();
        let (log, output) =
            (self.output().join(format!("{number}.log")), self.output().join(format!("{number}.out")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbs"));
        command.args(arguments);
        match arguments.first() {
            Some(&"apply" | &"destroy") => {
                command.args(["--auto-approve", "--parallelism", "1"]);
            }
            Some(&"recover") => {
                command.arg("--auto-approve");
            }
            _ => {}
        }
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("USER", "tester")
            .env("VBS_VAR_secret", CANARY)
            .env("VBS_FAULT_LOG", &log)
            .current_dir(self.path())
            .stdin(Stdio::null());
        if !fault.is_empty() {
            command.env("VBS_FAULT", fault);
        }
        Call { world: self, command, log, output }
    }

    /// Gives every image its own data, so that whatever is lost or overwritten is seen.
    fn fill_images(&self) {
        let Ok(entries) = fs::read_dir(self.path().join("pool")) else { return };
        for entry in entries.map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if !name.ends_with(".img") || name == "foreign.img" {
                continue;
            }
            let size = entry.metadata().unwrap().len();
            let data: Vec<u8> = name.bytes().cycle().take(usize::try_from(size).unwrap()).collect();
            use std::io::Write;
            File::options().write(true).open(entry.path()).unwrap().write_all(&data).unwrap();
        }
    }
}

impl Call<'_> {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn start(&mut self) -> Child {
        let file = |suffix: &str| File::create(format!("{}{suffix}", self.output.display())).unwrap();
        self.command.stdout(file("")).stderr(file(".err")).spawn().unwrap()
    }

    pub fn run(mut self) -> Ended {
        let child = self.start();
        self.end(child)
    }

    /// Waits for the end.
    pub fn end(&self, mut child: Child) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("{:?} did not end in {}", self.command, self.world.path().display());
            }
            thread::sleep(Duration::from_millis(1));
        };
        self.read(status)
    }

    /// The classes that were passed so far.
    pub fn passed(&self) -> Vec<Class> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().map(|line| Class::from_word(line.split_once(' ').unwrap().1).unwrap()).collect()
    }

    fn read(&self, status: ExitStatus) -> Ended {
        let text = |suffix: &str| {
            let path = format!("{}{suffix}", self.output.display());
            String::from_utf8_lossy(&fs::read(Path::new(&path)).unwrap()).into_owned()
        };
        Ended {
            code: status.code(),
            signal: status.signal(),
            stdout: text(""),
            stderr: text(".err"),
            passed: self.passed(),
        }
    }
}

impl World {
    /// Between two cases in one world.
    pub fn forget_output(&self) {
        fs::remove_dir_all(self.output()).unwrap();
    }
}
