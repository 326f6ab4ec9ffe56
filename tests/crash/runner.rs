//! Runs cases on a few threads, keeps count, and tells what went wrong.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use vbs::faults::Class;

use super::checker::{self, Ending};
use super::rows::Journal;
use super::scenario::Scenario;
use super::world::{Ended, World};

/// How many threads run cases: as many as a small machine has cores.
const THREADS: usize = 2;

/// How many worlds of failed cases are left behind.
const KEPT_WORLDS: usize = 5;

/// One fault at one point of one run.
pub struct Case {
    /// Of the crash matrix.
    pub row: u8,
    pub scenario: &'static Scenario,
    /// Of the boundary that is struck, where it is one.
    pub class: Option<Class>,
    pub name: String,
    pub act: Act,
}

/// Strikes a fresh or unchanged world. Afterwards no run may be open, and the invariants are checked.
pub type Act = Box<dyn Fn(&World) -> Result<(), String> + Send + Sync>;

/// How many cases of a row struck which class, and how many of those ended how.
#[derive(Default)]
pub struct Tally {
    pub cases: BTreeMap<(u8, Option<Class>), usize>,
    pub endings: BTreeMap<Ending, usize>,
    pub failures: Vec<String>,
}

pub fn run_all(cases: &[Case]) -> Tally {
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| work(cases, &next, &tally));
        }
    });
    eprintln!("{} cases in {:.0?}", cases.len(), begun.elapsed());
    tally.into_inner().unwrap()
}

/// Takes one case after the other. A world is used again for as long as every case leaves it as it was.
fn work(cases: &[Case], next: &AtomicUsize, tally: &Mutex<Tally>) {
    let mut idle: Option<World> = None;
    while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
        let fits = |world: &World| std::ptr::eq(world.scenario, case.scenario);
        let world = idle.take().filter(fits).unwrap_or_else(|| World::new(case.scenario));
        let result = catch_unwind(AssertUnwindSafe(|| judge(case, &world)));
        let result = result.unwrap_or_else(|_| Err("the test itself panicked".to_owned()));
        let mut tally = tally.lock().unwrap();
        *tally.cases.entry((case.row, case.class)).or_default() += 1;
        match result {
            Ok(ending) => {
                *tally.endings.entry(ending).or_default() += 1;
                world.forget_output();
                idle = (ending == Ending::Reverted && checker::is_as_before(&world)).then_some(world);
            }
            Err(why) => {
                // The first worlds are enough to look into.
                let place = (tally.failures.len() < KEPT_WORLDS).then(|| world.keep());
                let failure = format!("row {}, {}: {why}\n  left in {place:?}", case.row, case.name);
                eprintln!("FAILED {failure}\n");
                tally.failures.push(failure);
            }
        }
    }
}

fn judge(case: &Case, world: &World) -> Result<Ending, String> {
    (case.act)(world)?;
    finish_halted(world)?;
    let wrong = checker::check(world);
    if wrong.is_empty() { Ok(checker::ending(world)) } else { Err(wrong.join("\n  ")) }
}

/// What was halted is finished by the next run.
fn finish_halted(world: &World) -> Result<(), String> {
    if checker::ending(world) != Ending::Halted || Journal::read(&checker::state_of(world)).is_open() {
        return Ok(());
    }
    world.run(world.scenario.finish, "").expect("the run after a halted one", &[0])?;
    let plan = world.run(world.scenario.empty, "");
    if plan.stdout.starts_with("No changes.") {
        Ok(())
    } else {
        Err(format!("after a halted run and the next one the plan is not empty:\n{}{}", plan.stdout, plan.stderr))
    }
}

/// Recovers with a clean environment until nothing is left, and proves that recovering again changes nothing.
pub fn recover(world: &World) -> Result<Ended, String> {
    let first = world.run(&["recover"], "");
    first.expect("recover", &[0, 4])?;
    let before = (super::tree::read(&world.path()), super::rows::Rows::read(&checker::state_of(world)));
    let again = world.run(&["recover"], "");
    again.expect("recover again", &[0])?;
    if !again.stderr.contains("Nothing to recover") {
        return Err(format!("the second recovery found something to do:\n{}\nafter\n{}", again.stderr, first.stderr));
    }
    let after = (super::tree::read(&world.path()), super::rows::Rows::read(&checker::state_of(world)));
    if before == after { Ok(first) } else { Err("the second recovery changed something".to_owned()) }
}
