//! The crash matrix, on real files: vbs is killed, cut off, lied to and stopped at every point of a run, of a revert
//! and of a recovery, and after every case a checker that shares no code with it looks at what is left.
//!
//! - `cargo test --test crash` runs the matrix, with one boundary of each class in turn struck in every recovery.
//! - `VBS_CRASH_ALL=1 cargo test --test crash` strikes every boundary of every recovery.
//! - `cargo test --test crash -- TEXT` runs the cases whose name holds TEXT, such as `existing: kill@17`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and looks at the world by every means"
)]

mod checker;
mod matrix;
mod rows;
mod runner;
mod scenario;
mod tree;
mod world;

use std::process::ExitCode;

use runner::Tally;
use vbs::faults::Class;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut cases = matrix::cases(std::env::var_os("VBS_CRASH_ALL").is_some());
    cases.retain(|case| {
        let name = format!("row {}, {}", case.row, case.name);
        wanted.is_empty() || wanted.iter().any(|text| name.contains(text.as_str()))
    });
    let tally = runner::run_all(&cases);
    report(&tally);
    for failure in &tally.failures {
        eprintln!("FAILED {failure}\n");
    }
    if tally.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(tally: &Tally) {
    eprintln!("{:?}", tally.endings);
    for row in 1..=15 {
        let counts: Vec<String> = Class::ALL
            .iter()
            .map(|class| tally.cases.get(&(row, Some(*class))).copied().unwrap_or_default().to_string())
            .collect();
        eprintln!("{row:>3} {}", counts.join(" "));
    }
}
