//! The crash matrix, on real files: vbs is killed, cut off, lied to and stopped at every point of a run, of a revert
//! and of a recovery, and after every case a checker that shares no code with it looks at what is left.
//!
//! - `cargo test --test crash` runs the matrix, with one boundary of each class in turn struck in every recovery.
//! - `VBS_CRASH_ALL=1 cargo test --test crash` strikes every boundary of every recovery.
//! - `cargo test --test crash -- checker` holds the checker against broken worlds, which the first one does too.
//! - `cargo test --test crash -- TEXT` runs the cases whose name holds TEXT, such as `existing: kill@17`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and looks at the world by every means"
)]

mod broken;
mod checker;
mod matrix;
mod rows;
mod runner;
mod scenario;
mod surroundings;
mod tree;
mod world;

use std::fmt::Write;
use std::process::ExitCode;

use runner::Tally;
use vbs::faults::Class;

/// The crash matrix. Row 8, a storage host that restarts, needs a host.
const ROWS: [(u8, &str); 14] = [
    (1, "killed"),
    (2, "killed, and its recovery too"),
    (3, "a command never started"),
    (4, "the connection drops"),
    (5, "the reply is lost"),
    (6, "the old command still runs"),
    (7, "the tool lies"),
    (9, "the state's disk is full"),
    (10, "the clock is wrong"),
    (11, "two operators"),
    (12, "somebody changes an image"),
    (13, "undos fail"),
    (14, "signals, one and two"),
    (15, "an older state is put back"),
];

fn main() -> ExitCode {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut cases = matrix::cases(std::env::var_os("VBS_CRASH_ALL").is_some());
    cases.retain(|case| {
        let name = format!("row {}, {}", case.row, case.name);
        wanted.is_empty() || wanted.iter().any(|text| name.contains(text.as_str()))
    });
    if std::env::args().any(|argument| argument == "--list") {
        for case in &cases {
            println!("row {}, {}: test", case.row, case.name);
        }
        return ExitCode::SUCCESS;
    }
    let mut tally = runner::run_all(&cases);
    report(&tally);
    if wanted.is_empty() {
        tally.failures.extend(never_struck(&tally));
    }
    if wanted.is_empty() || wanted.iter().any(|text| text == "checker") {
        tally.failures.extend(broken::failures());
        eprintln!(
            "The checker was held against damage of every kind, and against an undo that is never done."
        );
    }
    for failure in &tally.failures {
        eprintln!("FAILED {failure}\n");
    }
    // The closing line of every other test binary, so that totals are summed over all of them.
    let (failed, word) = (tally.failures.len(), if tally.failures.is_empty() { "ok" } else { "FAILED" });
    println!(
        "test result: {word}. {} passed; {failed} failed; 0 ignored",
        cases.len().saturating_sub(failed)
    );
    if tally.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many cases of each row struck each class of boundary.
fn report(tally: &Tally) {
    let mut table = String::from("\nrow  what happens                   ");
    for class in Class::ALL {
        let _ = write!(table, " {:>17}", format!("{class:?}"));
    }
    table.push_str("     other\n");
    for (row, what) in ROWS {
        let _ = write!(table, "{row:>3}  {what:<31}");
        for class in Class::ALL {
            let _ = write!(table, " {:>17}", tally.count(row, Some(class)));
        }
        let _ = writeln!(table, " {:>9}", tally.count(row, None));
    }
    for (ending, count) in &tally.endings {
        let _ = writeln!(table, "{count} cases ended {ending:?}.");
    }
    eprint!("{table}");
}

/// A class or a row that no case has struck: the matrix has a hole.
fn never_struck(tally: &Tally) -> Vec<String> {
    let struck = |class: Class| ROWS.iter().any(|(row, _)| tally.count(*row, Some(class)) > 0);
    let classes = Class::ALL.into_iter().filter(|class| !struck(*class));
    let classes = classes.map(|class| format!("no boundary of class {class:?} was ever struck"));
    // Killing strikes vbs wherever it is.
    let unkilled = Class::ALL
        .into_iter()
        .filter(|class| tally.count(1, Some(*class)) == 0 || tally.count(2, Some(*class)) == 0);
    let unkilled = unkilled.map(|class| format!("rows 1 and 2 never struck {class:?}"));
    let rows = ROWS.iter().filter(|(row, _)| tally.of_row(*row) == 0);
    let rows = rows.map(|(row, what)| format!("row {row} ({what}) has no case"));
    classes.chain(unkilled).chain(rows).collect()
}
