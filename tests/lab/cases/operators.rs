//! Two people at once, on one storage host: from two workspaces, from one, and with a state that is too old.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use vbs::faults::Class;

use super::crash::blow::recover;
use super::crash::gate::{Gate, until_guards_are_free};
use super::crash::rows::{Journal, Rows};
use super::crash::world::{Running, STORAGE, World, copy, signal};
use super::crash::{checker, facts, scenario};
use crate::Case;
use crate::lab::Lab;
use crate::storage::DISK_D;

pub const CASES: &[Case] = &[
    Case::of("operators: two workspaces at once both finish", both_finish).on(STORAGE),
    Case::of("operators: the room is given once", room_is_given_once).shared(),
    Case::of("operators: the second one in a workspace is locked out", locked_out).on(STORAGE),
    Case::of("operators: a stopped holder is fenced off", fenced_off).on(STORAGE),
    Case::of("operators: a command of a fenced holder comes too late", comes_too_late).on(STORAGE),
    Case::of("operators: a stale copy of the state is refused", stale_copy).on(STORAGE),
];

/// The second operator's workspace: the same host, other volumes.
fn second_workspace(lab: &Lab, config: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(lab.workspace.path("vbs.known_hosts"), directory.path().join("vbs.known_hosts")).unwrap();
    write_second(lab, directory.path(), config);
    directory
}

fn write_second(lab: &Lab, directory: &Path, config: &str) {
    let text = format!("vbs {{ name = \"second\" }}\n{}{config}", lab.host_block());
    fs::write(directory.join("main.vbs.hcl"), text).unwrap();
}

/// A gate run: it stands at the boundary when this returns.
fn at_gate(world: &World, class: Class, nth: usize) -> (Gate, Running) {
    let gate = Gate::of(class);
    let place = format!("hook@{class:?}.{nth}");
    let mut run = world.start(world.scenario.command, &place, &gate.hook(world));
    gate.reached(world, &mut run).unwrap();
    (gate, run)
}

fn frames(world: &World) -> usize {
    world.rewind();
    let ended = world.run(world.scenario.command, "").expect("an untouched run", &[0]).unwrap();
    world.rewind();
    ended.passed.iter().filter(|class| **class == Class::SentBeforeAct).count()
}

const SECOND: &str = r#"
pool "lvm" "thick" {
  host         = host.store1
  volume_group = "vg0"
}
volume "other" {
  count = 3
  name  = "second_${count.index}"
  pool  = pool.thick
  size  = "8MiB"
}
"#;

/// Both work on one volume group, and both take its guard in turn.
fn both_finish(lab: &Lab) {
    let world = World::new(lab, &scenario::THICK_MAKE);
    let second = second_workspace(lab, SECOND);
    let first_run = world.start(&["apply"], "", "");
    let second_run = world.start_in(second.path(), &["apply"], "", "");
    first_run.wait(lab).expect("the first", &[0]).unwrap();
    second_run.wait(lab).expect("the second", &[0]).unwrap();
    let plan = world.start_in(second.path(), &["plan"], "", "").wait(lab).expect("its plan", &[0]).unwrap();
    assert!(plan.output.stdout.starts_with("No changes."), "{}", plan.output.text());
    checker::no_changes(&world).unwrap();
    let volumes = facts::look(lab).volumes;
    for name in ["new", "copy", "second_0", "second_1", "second_2"] {
        assert_eq!(volumes.values().filter(|volume| volume.name == name).count(), 1, "{name}: {volumes:#?}");
    }
    let lineages: std::collections::BTreeSet<&str> =
        volumes.values().filter_map(|volume| volume.tag("vbs.lineage")).collect();
    assert_eq!(lineages.len(), 2);
    world.start_in(second.path(), &["destroy", "--purge"], "", "").wait(lab).expect("its end", &[0]).unwrap();
    checker::no_changes(&world).unwrap();
}

/// Each of the two fits alone. One has planned and is about to make its volume when the other takes the room.
fn room_is_given_once(lab: &Lab) {
    const HALF_AND_MORE: &str = r#"
pool "lvm" "small" {
  host         = host.store1
  volume_group = "small"
}
volume "large" {
  name = "NAME"
  pool = pool.small
  size = "600MiB"
}
"#;
    lab.volume_group("small", DISK_D);
    let world = World::bare(lab, &scenario::BARE);
    let (one, two) = (HALF_AND_MORE.replace("NAME", "one"), HALF_AND_MORE.replace("NAME", "two"));
    world.configure(&[&one]);
    let second = second_workspace(lab, &two);
    // The first frame joins the volume group, the second one makes the volume.
    let (gate, slow) = at_gate(&world, Class::BeforeSend, 2);
    world.start_in(second.path(), &["apply"], "", "").wait(lab).expect("the faster one", &[0]).unwrap();
    gate.open(&world);
    let late = slow.wait(lab).expect("the slower one", &[3]).unwrap();
    assert!(late.output.stderr.contains("insufficient free space"), "{}", late.output.text());
    let names = lab.ok("lvs --noheadings -o lv_name small");
    assert_eq!(names.trim(), "two");
    assert!(!Journal::read(&world.state()).is_open());
    assert!(Rows::read(&world.state()).records.is_empty());
    // Whoever plans now is told before anything is sent.
    world.run(&["plan"], "").expect("a plan without room", &[1]).unwrap();
    world.start_in(second.path(), &["destroy", "--purge"], "", "").wait(lab).expect("its end", &[0]).unwrap();
    world.run(&["apply"], "").expect("with room again", &[0]).unwrap();
}

fn locked_out(lab: &Lab) {
    let world = World::new(lab, &scenario::THICK_MAKE);
    let before = facts::look(lab).volumes;
    // The epoch is raised first, so nothing is made yet.
    let (gate, first) = at_gate(&world, Class::BeforeSend, 2);
    for command in [&["apply"][..], &["destroy"], &["recover"]] {
        let second = world.run(command, "").expect("the second one", &[5]).unwrap();
        assert!(second.output.stderr.contains(&first.pid().to_string()), "{}", second.output.text());
    }
    let plan = world.run(&["plan"], "").expect("a plan beside", &[0]).unwrap();
    assert!(plan.output.text().contains("open"), "{}", plan.output.text());
    assert_eq!(facts::look(lab).volumes, before);
    gate.open(&world);
    first.wait(lab).expect("the first one", &[0]).unwrap();
    checker::no_changes(&world).unwrap();
}

/// Stopped at a boundary in vbs itself, taken over, recovered, and continued: whatever it does then changes nothing.
fn fenced_off(lab: &Lab) {
    let world = World::new(lab, &scenario::THICK_MAKE);
    let frames = frames(&world);
    for (class, nth) in [
        (Class::BeforeSend, 2),
        (Class::BeforeSend, frames),
        (Class::ReplyBeforeCommit, frames / 2),
        (Class::AfterCommit, frames),
    ] {
        world.rewind();
        let run = world.start(world.scenario.command, &format!("stop@{class:?}.{nth}"), "");
        until_stopped(&run);
        take_over(&world, run, None);
        println!("  fenced off at {class:?}.{nth}");
    }
}

/// The holder is stopped while a command of its waits on the host and does not hold the guard yet.
fn comes_too_late(lab: &Lab) {
    let world = World::new(lab, &scenario::THICK_MAKE);
    // The first frame raises the epoch, and takes the guard itself.
    let (gate, run) = at_gate(&world, Class::SentBeforeAct, 1);
    assert!(!gate.holds_a_guard(&world));
    signal(run.pid(), Signal::STOP);
    until_stopped(&run);
    take_over(&world, run, Some(gate));
}

fn until_stopped(run: &Running) {
    let begun = Instant::now();
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", run.pid())).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
    };
    while state() != Some('T') {
        assert!(!matches!(state(), Some('Z') | None), "it ended and was never stopped");
        assert!(begun.elapsed() < Duration::from_secs(120), "it was never stopped");
        thread::sleep(Duration::from_millis(5));
    }
}

fn take_over(world: &World, run: Running, gate: Option<Gate>) {
    let lab = world.lab;
    world.run(world.scenario.command, "").expect("the second operator", &[5]).unwrap();
    world.run(&["unlock"], "").expect("unlock alone", &[5]).unwrap();
    world.run(&["unlock", "--take-over"], "").expect("the take-over", &[0]).unwrap();
    world.run(&["recover"], "").expect("recover after the take-over", &[0, 4]).unwrap();
    let before = (facts::look(lab), Rows::read(&world.state()));
    signal(run.pid(), Signal::CONT);
    if let Some(gate) = gate {
        gate.open(world);
    }
    let stale = run.wait(lab).expect("the stale one", &[5]).unwrap();
    until_guards_are_free(world);
    let after = (facts::look(lab), Rows::read(&world.state()));
    assert_eq!(before, after, "{}", stale.output.text());
    let facts = recover(world, false).unwrap();
    let wrong = checker::check(world, facts, false);
    assert!(wrong.is_empty(), "{}", wrong.join("\n  "));
}

/// An older copy of the state is put back: nothing is planned or done with it.
fn stale_copy(lab: &Lab) {
    let world = World::new(lab, &scenario::THICK_MAKE);
    let older = tempfile::tempdir().unwrap();
    let newer = tempfile::tempdir().unwrap();
    let state = lab.workspace.path(".vbs");
    copy(&state, older.path());
    world.run(world.scenario.command, "").expect("the run", &[0]).unwrap();
    copy(&state, newer.path());
    let before = facts::look(lab);
    fs::remove_dir_all(&state).unwrap();
    copy(older.path(), &state);
    for command in [&["plan"][..], &["apply"], &["destroy"]] {
        let ended = world.run(command, "").expect("with an older state", &[5]).unwrap();
        assert!(ended.output.stderr.contains("stale copy of the state"), "{}", ended.output.text());
    }
    assert_eq!(facts::look(lab), before);
    fs::remove_dir_all(&state).unwrap();
    copy(newer.path(), &state);
    checker::no_changes(&world).unwrap();
}
