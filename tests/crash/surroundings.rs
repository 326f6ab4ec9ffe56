//! Rows 9 to 15: what becomes of a run when what is around it changes.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use vbs::faults::Class;

use super::checker::state_of;
use super::matrix::{Course, case};
use super::rows::{Journal, Rows};
use super::runner::{Case, recover};
use super::scenario::{EXISTING, NOTHING, PURGE, Scenario};
use super::tree;
use super::world::{Ended, World};

/// Every code with which a command may end that was not killed and has found no bug in itself.
const ENDED: [i32; 5] = [0, 1, 3, 4, 5];

/// Every `every`th boundary: coprime to the six classes, so that each gets its share.
fn some(course: &Course, every: usize) -> impl Iterator<Item = (usize, Class)> + '_ {
    course.boundaries().filter(move |(number, _)| number % every == 0)
}

pub fn cases(courses: &[Course], every: usize, cases: &mut Vec<Case>) {
    for course in courses {
        full_disk(course, cases);
        clock(course, every, cases);
        signals(course, every, cases);
        older_state(course, cases);
        if [&raw const EXISTING, &raw const NOTHING].contains(&std::ptr::from_ref(course.scenario)) {
            two_operators(course, every, cases);
            failing_undo(course, cases);
        }
        if std::ptr::eq(course.scenario, &NOTHING) {
            lost_state(course, cases);
            written_into(cases);
        }
        if std::ptr::eq(course.scenario, &EXISTING) {
            meddling(course, every, cases);
        }
    }
}

fn plain(row: u8, scenario: &'static Scenario, name: String, act: super::runner::Act) -> Case {
    Case { row, scenario, class: None, name: format!("{}: {name}", scenario.name), act }
}

/// Row 9: the disk that holds the state is full, at every size that makes a difference.
fn full_disk(course: &Course, cases: &mut Vec<Case>) {
    for more in 0..14 {
        let act = move |world: &World| {
            let pages = (Journal::pages(&state_of(world)).max(20) + more).to_string();
            let limited = |command: &[&str]| world.call(command, "").env("VBS_MAX_PAGES", &pages).run();
            limited(world.scenario.command).expect("on a full disk", &ENDED)?;
            // What can be closed without room is closed; the rest waits for it.
            limited(&["recover"]).expect("recover on a full disk", &[0, 1, 4])?;
            recover(world).map(|_| ())
        };
        cases.push(plain(9, course.scenario, format!("room for {more} pages"), Box::new(act)));
    }
}

/// Row 10: the clock is a day back while the run is killed, and ten years ahead in its recovery.
fn clock(course: &Course, every: usize, cases: &mut Vec<Case>) {
    for (number, class) in some(course, every) {
        let act = move |world: &World| {
            let off = |command: &[&str], fault: &str, seconds: &str| {
                world.call(command, fault).env("VBS_FAULT_CLOCK", seconds).run()
            };
            off(world.scenario.command, &format!("kill@{number}"), "-86400");
            off(&["recover"], "", "315360000").expect("recover in ten years", &[0, 4])?;
            recover(world).map(|_| ())
        };
        cases.push(case(10, course, class, format!("kill@{number} with another clock"), Box::new(act)));
    }
}

/// Row 11: the holder is stopped, the next one is locked out, takes over, and the first one goes on.
fn two_operators(course: &Course, every: usize, cases: &mut Vec<Case>) {
    let mut in_commit = false;
    for (number, class) in some(course, every) {
        // A take-over waits ten seconds for a commit to end, so one of these is enough.
        let is_commit = class == Class::BeforeCommit;
        if is_commit && std::mem::replace(&mut in_commit, true) {
            continue;
        }
        let act = move |world: &World| take_over(world, &format!("stop@{number}"), is_commit);
        cases.push(case(11, course, class, format!("stop@{number}, taken over"), Box::new(act)));
    }
}

fn take_over(world: &World, fault: &str, in_commit: bool) -> Result<(), String> {
    let mut first = world.call(world.scenario.command, fault);
    let mut child = first.start();
    let pid = Pid::from_child(&child);
    if !until_stopped(pid) {
        child.kill().unwrap();
        first.end(child);
        return Err(format!("{fault} stopped nothing"));
    }
    let result = fence(world, in_commit);
    kill_process(pid, Signal::CONT).unwrap();
    let stale = first.end(child);
    result?;
    // Nobody can be fenced off in the middle of a commit, and behind its last commit it has nothing left to do.
    let runs = Journal::read(&state_of(world)).runs;
    let codes: &[i32] = match (in_commit, runs.last().map(String::as_str)) {
        (true, _) => &[0],
        (false, Some("applied")) => &[0, 5],
        (false, _) => &[5],
    };
    stale.expect("the stale one", codes)?;
    recover(world).map(|_| ())
}

fn until_stopped(pid: Pid) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        match stat.rsplit(") ").next().and_then(|rest| rest.chars().next()) {
            Some('T') => return true,
            Some('Z') | None => return false,
            Some(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
    false
}

/// The second operator: locked out first, then in the place of the first one.
fn fence(world: &World, in_commit: bool) -> Result<(), String> {
    world.run(world.scenario.command, "").expect("the second operator", &[5])?;
    if in_commit {
        return world.run(&["unlock", "--take-over"], "").expect("a take-over in a commit", &[5]);
    }
    world.run(&["unlock", "--take-over"], "").expect("the take-over", &[0])?;
    world.run(&["recover"], "").expect("recover after the take-over", &[0, 4])
}

/// Row 12: somebody puts another file in the place of an image in mid-run.
fn meddling(course: &Course, every: usize, cases: &mut Vec<Case>) {
    const NAMES: [&str; 4] = ["grow", "back", "named", "gone"];
    for (turn, (number, class)) in some(course, every).enumerate() {
        let name = NAMES[turn % NAMES.len()];
        let act = move |world: &World| meddle(world, &format!("hook@{number}"), name);
        cases.push(case(12, course, class, format!("hook@{number} replaces {name}.img"), Box::new(act)));
    }
}

fn meddle(world: &World, fault: &str, name: &str) -> Result<(), String> {
    let (image, aside) = (world.path().join(format!("pool/{name}.img")), world.path().join("aside.img"));
    let (i, a) = (image.display(), aside.display());
    let hook = format!("if [ -e {i} ]; then mv {i} {a}; echo foreign >{i}; fi");
    world.call(world.scenario.command, fault).env("VBS_FAULT_HOOK", &hook).run().expect(fault, &ENDED)?;
    let untouched = |when: &str| match fs::read(&image) {
        Ok(bytes) if bytes == b"foreign\n" => Ok(()),
        other => Err(format!("{when} the file of somebody else is {other:?}")),
    };
    if !aside.exists() {
        return recover(world).map(|_| ());
    }
    untouched("after the run")?;
    world.run(&["recover"], "").expect("recover with a foreign file in the way", &[0, 4])?;
    untouched("after the recovery")?;
    fs::rename(&aside, &image).unwrap();
    recover(world).map(|_| ())
}

/// Row 12: somebody writes into a new volume, a later step fails, and the revert is killed. What was written is kept in
/// the trash, and the state knows of it.
fn written_into(cases: &mut Vec<Case>) {
    // The fifth frame makes volume.b, the ninth attaches volume.a.
    const FAULT: &str = "hook@ActedBeforeReply.5,fail@SentBeforeAct.9";
    fn run(world: &World, fault: &str) -> Ended {
        let image = world.path().join("pool/b.img");
        let hook = format!("printf x | dd of={} conv=notrunc 2>/dev/null", image.display());
        world.call(world.scenario.command, fault).env("VBS_FAULT_HOOK", &hook).run()
    }
    let ended = run(&World::new(&NOTHING), FAULT);
    ended.expect(FAULT, &[3]).unwrap();
    let course = Course { scenario: &NOTHING, passed: ended.passed };
    let failing = course.of_class(Class::SentBeforeAct).nth(8).unwrap();
    for (number, class) in course.boundaries().filter(|(number, _)| *number > failing) {
        let fault = format!("{FAULT},kill@{number}");
        let name = fault.clone();
        let act = move |world: &World| {
            run(world, &fault);
            recover(world)?;
            let kept = Rows::read(&state_of(world)).trash.len();
            if kept == 1 { Ok(()) } else { Err(format!("{kept} volumes are in the trash instead of one")) }
        };
        cases.push(case(12, &course, class, name, Box::new(act)));
    }
}

/// Row 13: from some frame on every command fails, the undos among them. The run is stuck until the cause is gone.
fn failing_undo(course: &Course, cases: &mut Vec<Case>) {
    let frames = course.of_class(Class::SentBeforeAct).count();
    // The first ones raise epochs, and the first step has nothing before it to be undone.
    for nth in 4..=frames {
        let act = move |world: &World| {
            let fault = format!("fail@SentBeforeAct.{nth}+");
            world.run(world.scenario.command, &fault).expect(&fault, &[4])?;
            // Past the point of no return it was halted, and is closed.
            if !Journal::read(&state_of(world)).is_open() {
                return recover(world).map(|_| ());
            }
            world.run(world.scenario.command, "").expect("a command while a run is stuck", &[5])?;
            world.run(&["recover"], "fail@SentBeforeAct.4+").expect("recover while it fails", &[0, 4])?;
            world.run(&["recover"], "").expect("recover once the cause is gone", &[0, 4])?;
            recover(world).map(|_| ())
        };
        let name = format!("every frame fails from the {nth}th on");
        cases.push(case(13, course, Class::SentBeforeAct, name, Box::new(act)));
    }
}

/// Row 14: a signal, once and twice.
fn signals(course: &Course, every: usize, cases: &mut Vec<Case>) {
    for (number, class) in some(course, every) {
        for kind in ["term", "term2"] {
            let fault = format!("{kind}@{number}");
            let name = fault.clone();
            let act = move |world: &World| {
                let ended = world.run(world.scenario.command, &fault);
                ended.expect(&fault, &[0, 3, 4])?;
                if ended.code == Some(3) && Journal::read(&state_of(world)).is_open() {
                    return Err("it says that everything was reverted, and its run is open".to_owned());
                }
                recover(world).map(|_| ())
            };
            cases.push(case(14, course, class, name, Box::new(act)));
        }
    }
}

/// Row 15: an older copy of the state is put back.
fn older_state(course: &Course, cases: &mut Vec<Case>) {
    // Nothing is left on a host that could remember a newer one, or nothing was there before.
    if [&raw const PURGE, &raw const NOTHING].contains(&std::ptr::from_ref(course.scenario)) {
        return;
    }
    let act = |world: &World| {
        let state = state_of(world);
        let older = fs::read(&state).unwrap();
        world.run(world.scenario.command, "").expect("the run", &[0])?;
        let newer = fs::read(&state).unwrap();
        let before = tree::read(&world.path());
        put(&state, &older);
        for command in [world.scenario.plan, world.scenario.command, world.scenario.finish] {
            world.run(command, "").expect("with an older state", &[5])?;
        }
        if tree::read(&world.path()) != before {
            return Err("a run with an older state changed something".to_owned());
        }
        put(&state, &newer);
        recover(world).map(|_| ())
    };
    cases.push(plain(15, course.scenario, "an older state is put back".to_owned(), Box::new(act)));
}

/// Row 15: the state is lost, and written anew from what is there.
fn lost_state(course: &Course, cases: &mut Vec<Case>) {
    let act = |world: &World| {
        let state = state_of(world);
        world.run(world.scenario.command, "").expect("the run", &[0])?;
        let before = Rows::read(&state);
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{suffix}", state.display()));
        }
        world.run(&["state", "rebuild", "--auto-approve"], "").expect("state rebuild", &[0])?;
        let after = Rows { outputs: before.outputs.clone(), ..Rows::read(&state) };
        if after != before {
            return Err(format!("the state was {before:?} and was rebuilt as {after:?}"));
        }
        // The outputs are in no mark.
        world.run(world.scenario.finish, "").expect("the next run", &[0])
    };
    cases.push(plain(15, course.scenario, "the state is lost and rebuilt".to_owned(), Box::new(act)));
}

/// Another database in the place of the state.
fn put(state: &Path, bytes: &[u8]) {
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", state.display()));
    }
    fs::write(state, bytes).unwrap();
}
