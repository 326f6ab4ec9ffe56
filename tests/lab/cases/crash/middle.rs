//! Copies and wipes that are struck while their bytes flow: on a slow disk, in the second part of several.

use std::time::Instant;

use rustix::process::Signal;

use super::blow::{finish_halted, recover};
use super::checker;
use super::facts;
use super::gate::{Gate, hang_up, until_guards_are_free};
use super::scenario::{MIDDLE_COPY, MIDDLE_WIPE};
use super::world::{BRITTLE, Running, World, signal};
use crate::lab::Lab;
use crate::machine::Host;
use crate::storage::Behaviour;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Middle {
    Kill,
    /// Recovery is begun while the copy of the killed run goes on.
    KillAndRecoverAtOnce,
    HangUp,
    Terminate,
    PowerCut,
    /// The device of the volume that is written to fails.
    TargetFails,
}

/// What is struck where.
struct Long {
    world_name: &'static str,
    /// The program that moves the bytes.
    tool: &'static str,
    /// The number of the frame that does the first part, behind those that raise epochs and make what is copied to.
    first: usize,
    /// The volume that is written to.
    target: &'static str,
    milliseconds: u32,
}

/// The largest piece between two looks at the epoch.
const PIECE: u64 = 64 << 20;

pub fn of_a_copy(lab: &Lab) {
    let long = Long { world_name: "copy", tool: "dd", first: 3, target: "large_copy", milliseconds: 150 };
    let world = World::new(lab, &MIDDLE_COPY);
    all(
        &world,
        &long,
        &[
            (Middle::Kill, true),
            (Middle::KillAndRecoverAtOnce, true),
            (Middle::KillAndRecoverAtOnce, false),
            (Middle::HangUp, false),
            (Middle::Terminate, false),
            (Middle::TargetFails, false),
            (Middle::PowerCut, true),
        ],
    );
}

pub fn of_a_wipe(lab: &Lab) {
    let long = Long { world_name: "wipe", tool: "blkdiscard", first: 3, target: "", milliseconds: 600 };
    let world = World::new(lab, &MIDDLE_WIPE);
    all(
        &world,
        &long,
        &[
            (Middle::Kill, false),
            (Middle::KillAndRecoverAtOnce, true),
            (Middle::HangUp, false),
            (Middle::PowerCut, false),
        ],
    );
}

fn all(world: &World, long: &Long, strikes: &[(Middle, bool)]) {
    let mut failures = Vec::new();
    for (middle, resume) in strikes {
        let begun = Instant::now();
        let result = strike(world, long, *middle, *resume);
        let seconds = begun.elapsed().as_secs_f32();
        let resumed = if *resume { ", resumed" } else { "" };
        let name = format!("middle of a {}: {middle:?}{resumed}", long.world_name);
        match result {
            Ok(said) => println!("  {name}: {said} ({seconds:.0} s)"),
            Err(why) => {
                println!("  {name}: FAILED ({seconds:.0} s)\n  {why}");
                failures.push(format!("{name}: {why}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn strike(world: &World, long: &Long, middle: Middle, resume: bool) -> Result<String, String> {
    let lab = world.lab;
    world.rewind();
    let mut run = in_the_second_part(world, long)?;
    let power_lost = middle == Middle::PowerCut;
    match middle {
        Middle::Kill | Middle::KillAndRecoverAtOnce => {
            run.kill();
            run.wait(lab);
            if middle == Middle::Kill {
                until_guards_are_free(world);
                until_ended(world, long.tool);
            }
        }
        Middle::HangUp => {
            end_session_of(world, long.tool);
            run.wait(lab).expect("the run without a connection", &[0, 1, 3, 4])?;
        }
        Middle::Terminate => {
            signal(run.pid(), Signal::TERM);
            run.wait(lab).expect("the run that was told to end", &[3, 4])?;
        }
        Middle::PowerCut => {
            world.power_cut(Host::Store1);
            run.wait(lab).expect("the run without a host", &[0, 1, 3, 4])?;
        }
        Middle::TargetFails => {
            fail_target(world, long);
            run.wait(lab).expect("the run whose disk failed", &[3, 4])?;
        }
    }
    let before = written(world, long);
    let facts = recover(world, resume)?;
    let after = written(world, long);
    if !power_lost {
        lab.behave(BRITTLE, Behaviour::Works);
    }
    until_ended(world, long.tool);
    let facts = finish_halted(world, facts)?;
    let wrong = checker::check(world, facts, power_lost);
    if !wrong.is_empty() {
        return Err(wrong.join("\n  "));
    }
    let ending = checker::ending(world);
    if resume && ending != checker::Ending::Applied {
        return Err(format!("recovery was asked to finish the run, and it is {ending:?}"));
    }
    bytes_once(world, long, before, after, power_lost)?;
    Ok(format!("{ending:?}, {} MiB written before and {} MiB in all", before >> 20, after >> 20))
}

/// Runs to the middle of the second part: the first one is done and its checkpoint is on the disk.
fn in_the_second_part(world: &World, long: &Long) -> Result<Running, String> {
    let (first, second) = (long.first, long.first + 1);
    let fault = format!("hook@SentBeforeAct.{first},hook@SentBeforeAct.{second}");
    let mut run = world.start(world.scenario.command, &fault, &Gate::Remote.hook(world));
    Gate::Remote.reached(world, &mut run)?;
    world.lab.behave(BRITTLE, Behaviour::Slow(long.milliseconds));
    Gate::Remote.open(world);
    Gate::Remote.reached(world, &mut run)?;
    let saved = facts::look(world.lab).guard_files;
    let is_saved = |path: &String| path.contains("/progress.");
    let checkpoint = saved.iter().find(|(path, _)| is_saved(path)).map(|(_, content)| content.clone());
    match checkpoint.and_then(|content| content.parse::<u64>().ok()) {
        Some(bytes) if bytes > 0 => {}
        other => return Err(format!("there is no checkpoint after the first part: {other:?}")),
    }
    Gate::Remote.open_only(world);
    let tool = long.tool;
    let begun =
        format!("n=0; until pgrep -x {tool} >/dev/null; do n=$((n + 1)); [ $n -lt 1200 ]; sleep 0.05; done");
    world.lab.ok(&begun);
    Ok(run)
}

fn until_ended(world: &World, tool: &str) {
    world.lab.ok(&format!(
        "n=0; while pgrep -x {tool} >/dev/null; do n=$((n + 1)); [ $n -lt 1200 ]; sleep 0.1; done"
    ));
}

/// Ends the session of sshd below which the program runs.
fn end_session_of(world: &World, tool: &str) {
    world.lab.ok(&format!("pgrep -x -o {tool} >/run/vbs-fault.new; mv /run/vbs-fault.new /run/vbs-fault"));
    hang_up(world);
    world.lab.ok("rm -f /run/vbs-fault");
}

fn fail_target(world: &World, long: &Long) {
    let device = format!("vg0-{}", long.target);
    world.lab.ok(&format!(
        "dmsetup load {device} --table \"0 $(blockdev --getsz /dev/mapper/{device}) error\"; \
         dmsetup suspend --noflush --nolockfs {device}; dmsetup resume {device}"
    ));
}

/// How many bytes were written to the target since its device was made.
fn written(world: &World, long: &Long) -> u64 {
    if long.target.is_empty() {
        return 0;
    }
    let path = format!("/dev/vg0/{}", long.target);
    let said = world.lab.ok(&format!(
        "[ -e {path} ] || {{ echo 0; exit; }}; device=$(readlink -f {path}); \
         read -r _ _ _ _ _ _ sectors _ <\"/sys/class/block/${{device##*/}}/stat\"; echo $((sectors * 512))"
    ));
    said.parse().unwrap()
}

/// At most one piece was copied twice. A device that was made again by a new boot has counted only what came after.
fn bytes_once(world: &World, long: &Long, before: u64, after: u64, power_lost: bool) -> Result<(), String> {
    let volumes = facts::look(world.lab).volumes;
    let Some(target) = volumes.values().find(|volume| volume.name == long.target) else { return Ok(()) };
    // Beside the copy, lvcreate and udev write a few sectors.
    const FEW: u64 = 1 << 20;
    let most = if power_lost { target.size - PIECE } else { target.size + PIECE } + FEW;
    if after <= most {
        return Ok(());
    }
    Err(format!("{after} bytes were written to {} of {}, {before} of them before", target.name, target.size))
}
