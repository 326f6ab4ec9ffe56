//! The lab: vbs on real storage, in a virtual machine that is as new before every case. CONTRIBUTING.md says how it is
//! built and run, `lab.rs` and `storage.rs` what a case can do.
//!
//! - `tests/lab/run` builds the image where it is missing and runs every case.
//! - `VBS_LAB=1 cargo test --test lab -- TEXT` runs the cases whose name holds TEXT, in an image that is there.
//! - Without TEXT it is a share of them, which a change has to pass; `VBS_LAB_ALL=1` runs every case.
//! - Cases whose name begins with `measure` print times and assert none: they are run only where they are named.
//! - Without `VBS_LAB` nothing is run, so that a plain `cargo test` starts no virtual machine.
//!
//! Cases run one after another, on this thread: the machines are few, and end with the thread that started them.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and looks at the world by every means"
)]

mod cases;
mod lab;
mod machine;
mod scene;
mod storage;
#[path = "../it/support.rs"]
#[allow(dead_code, reason = "what tests of plain files need of it is not what these need")]
mod workspace;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Instant;

use lab::Lab;
use machine::{Host, Machine, Machines};

/// A story that is told in an empty workspace, on machines that are new or were prepared for it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub run: fn(&Lab),
    /// It is run without being named, also where there is not much time.
    pub share: bool,
    /// What the machines begin with; nothing is the images as they were built.
    pub begins: Option<Beginning>,
    /// The machines that it needs.
    pub hosts: &'static [Host],
}

impl Case {
    pub const fn of(name: &'static str, run: fn(&Lab)) -> Case {
        Case { name, run, share: false, begins: None, hosts: &[Host::Store1] }
    }

    pub const fn shared(self) -> Case {
        Case { share: true, ..self }
    }

    /// It needs the hypervisor's host beside the storage host.
    pub const fn with_kvm1(self) -> Case {
        Case { hosts: &[Host::Store1, Host::Kvm1], ..self }
    }

    /// It needs a dom0 of Xen, and nothing else.
    pub const fn in_dom0(self) -> Case {
        Case { hosts: &[Host::Xen1], ..self }
    }

    fn is_a_measurement(&self) -> bool {
        self.name.starts_with("measure")
    }

    pub const fn on(self, beginning: Beginning) -> Case {
        Case { begins: Some(beginning), ..self }
    }
}

/// A state of the machines that is made once and begun from by many cases, all on the same machines.
#[derive(Debug, Clone, Copy)]
pub struct Beginning {
    pub name: &'static str,
    /// What it is made from in turn; nothing is the images as they were built.
    pub on: Option<&'static Beginning>,
    pub prepare: fn(&Lab),
}

fn main() -> ExitCode {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut cases = cases::all();
    let all = std::env::var_os("VBS_LAB_ALL").is_some();
    cases.retain(|case| {
        let is_named = wanted.iter().any(|text| case.name.contains(text.as_str()));
        is_named || (wanted.is_empty() && (case.share || all && !case.is_a_measurement()))
    });
    if std::env::args().any(|argument| argument == "--list") {
        cases.iter().for_each(|case| println!("{}: test", case.name));
        return ExitCode::SUCCESS;
    }
    if std::env::var_os("VBS_LAB").is_none() {
        println!("The lab has {} cases and was not asked for: tests/lab/run runs it.", cases.len());
        return closing_line(0, 0, 0);
    }
    if let Err(reason) = Machine::is_built() {
        println!("SKIPPED the lab's {} cases: {reason}", cases.len());
        return closing_line(0, 0, cases.len());
    }
    let machines = Machines::default();
    let failed: Vec<&str> =
        cases.iter().filter(|case| !passes(&machines, case)).map(|case| case.name).collect();
    for name in &failed {
        println!("FAILED {name}");
    }
    closing_line(cases.len() - failed.len(), failed.len(), 0)
}

/// The closing line of every other test binary, so that totals are summed over all of them.
fn closing_line(passed: usize, failed: usize, skipped: usize) -> ExitCode {
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {passed} passed; {failed} failed; {skipped} ignored");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn passes(machines: &Machines, case: &Case) -> bool {
    let started = Instant::now();
    let mut reset = None;
    let mut lab = None;
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let lab = lab.insert(Lab::fresh(machines.choose(case.hosts)));
        begin(lab, case.begins.as_ref());
        reset = Some(started.elapsed());
        (case.run)(lab);
    }));
    let seconds = started.elapsed().as_secs_f32();
    let reset = reset.unwrap_or_default().as_secs_f32();
    let word = if outcome.is_ok() { "ok" } else { "FAILED" };
    println!("case {} ... {word} ({seconds:.1} s, {reset:.1} s of it the reset)", case.name);
    if outcome.is_err() {
        let transcript = lab.as_ref().map(Lab::transcript).unwrap_or_default();
        println!("== what was run, and what it said\n{transcript}");
        println!("{}", lab.as_ref().map(Lab::serial_tail).unwrap_or_default());
    }
    outcome.is_ok()
}

fn begin(lab: &Lab, beginning: Option<&Beginning>) {
    let Some(Beginning { name, on, prepare }) = beginning else { return lab.reset_to(machine::NEW) };
    if !lab.has_kept(name) {
        begin(lab, *on);
        prepare(&lab.again());
        lab.keep(name);
    }
    lab.reset_to(name);
}
