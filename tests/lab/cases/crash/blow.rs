//! What strikes a run at a boundary, and how the run is closed afterwards.

use std::fmt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use vbs::faults::Class;

use super::checker::{self, Ending};
use super::facts::{self, Facts};
use super::gate::{Gate, hang_up, until_guards_are_free};
use super::rows::Rows;
use super::world::{BRITTLE, World, signal};
use crate::cases::route::scene::Route;
use crate::machine::Host;
use crate::storage::Behaviour;

/// Every code with which a command may end that was not killed and has found no bug in itself.
const ENDED: [i32; 5] = [0, 1, 3, 4, 5];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// SIGKILL to vbs; a frame that is at work goes on by itself.
    Kill,
    /// The same, and recovery begins while the frame is still at work: it waits, or the frame comes too late.
    KillAndRecoverAtOnce,
    /// The session of sshd dies on the frame's host.
    HangUp,
    /// The connection's own process dies on this machine.
    HangUpHere,
    /// The frame's host loses its power.
    PowerCut,
    /// The frame's host loses its power, and vbs is killed.
    PowerCutAndKill,
    /// The frame's host loses its power while the command runs.
    PowerCutInTheAct,
    /// The other host loses its power.
    PowerCutOfTheOther,
    /// The hosts lose sight of each other until the run has ended.
    Unplugged,
    /// Every read and write of the disk fails until the run has ended.
    DiskFails,
    /// The command does nothing and says 5: everything is taken back, or halted.
    Fails,
    /// It does everything and its answer is lost.
    Mute,
    /// It does nothing and says 0.
    Lies,
    /// SIGTERM to vbs.
    Terminate,
    /// Somebody runs a script on the storage host.
    ByHand(&'static str),
}

impl Blow {
    fn takes_the_power(self) -> bool {
        matches!(
            self,
            Blow::PowerCut | Blow::PowerCutAndKill | Blow::PowerCutInTheAct | Blow::PowerCutOfTheOther
        )
    }
}

/// One blow at one boundary.
#[derive(Debug, Clone)]
pub struct Strike {
    pub class: Class,
    pub nth: usize,
    pub blow: Blow,
    /// Whether recovery is asked to finish the run.
    pub resume: bool,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resume = if self.resume { ", resumed" } else { "" };
        write!(f, "{:?} at {:?}.{}{resume}", self.blow, self.class, self.nth)
    }
}

/// Strikes a world that is as it was at the beginning, closes the run, and judges what is left.
///
/// # Errors
/// Everything that is wrong, in words.
pub fn strike(world: &World, strike: &Strike) -> Result<Ending, String> {
    world.rewind();
    run_struck(world, strike)?;
    until_guards_are_free(world);
    if strike.blow == Blow::DiskFails {
        take_the_disk_back(world)?;
    }
    let facts = recover(world, strike.resume)?;
    let facts = finish_halted(world, facts)?;
    let facts = if is_lost_with_its_host(world, strike.blow) { finish(world)? } else { facts };
    let wrong = checker::check(world, facts, strike.blow.takes_the_power());
    if wrong.is_empty() { Ok(checker::ending(world)) } else { Err(wrong.join("\n  ")) }
}

/// Runs the command until it has ended, struck on its way.
///
/// # Errors
/// Where it was not struck, or ended in a way that nothing should lead to.
pub fn run_struck(world: &World, strike: &Strike) -> Result<(), String> {
    let command = world.scenario.command;
    let place = format!("{:?}.{}", strike.class, strike.nth);
    let word = match (strike.blow, Gate::of(strike.class)) {
        (Blow::Fails, _) => "fail",
        (Blow::Mute, _) => "mute",
        (Blow::Lies, _) => "lie0",
        (Blow::Kill, Gate::Local) => "kill",
        (Blow::Terminate, Gate::Local) => "term",
        _ => return run_to_gate(world, strike, &place),
    };
    let fault = format!("{word}@{place}");
    let ended = world.run(command, &fault);
    if word == "kill" {
        if ended.was_killed() { Ok(()) } else { Err(format!("{fault} killed nothing")) }
    } else {
        ended.expect(&fault, &ENDED).map(drop)
    }
}

fn run_to_gate(world: &World, strike: &Strike, place: &str) -> Result<(), String> {
    let gate = Gate::of(strike.class);
    let mut run = world.start(world.scenario.command, &format!("hook@{place}"), &gate.hook(world));
    if let Err(why) = gate.reached(world, &mut run) {
        run.kill();
        return Err(format!("{why}: {}", run.wait(world.lab).output.text()));
    }
    match strike.blow {
        Blow::Kill => {
            run.kill();
            run.wait(world.lab);
            gate.open(world);
            return Ok(());
        }
        Blow::KillAndRecoverAtOnce => {
            run.kill();
            run.wait(world.lab);
            return recover_beside(world, gate);
        }
        Blow::HangUp => hang_up(world),
        Blow::HangUpHere => world.end_connections(),
        Blow::PowerCut => world.power_cut(world.struck.get()),
        Blow::PowerCutOfTheOther => world.power_cut(other(world.struck.get())),
        Blow::Unplugged => world.lab.unplug(Host::Kvm1),
        Blow::PowerCutAndKill => {
            run.kill();
            run.wait(world.lab);
            world.power_cut(world.struck.get());
            return Ok(());
        }
        Blow::PowerCutInTheAct => {
            gate.open_only(world);
            world.power_cut(world.struck.get());
        }
        Blow::DiskFails => world.lab.behave(BRITTLE, Behaviour::Fails),
        Blow::Terminate => signal(run.pid(), Signal::TERM),
        Blow::ByHand(script) => drop(world.lab.ok(script)),
        Blow::Fails | Blow::Mute | Blow::Lies => unreachable!("these strike by themselves"),
    }
    gate.open(world);
    let ended = run.wait(world.lab);
    if strike.blow == Blow::Unplugged {
        world.lab.plug(Host::Kvm1);
        Route::new(world.lab).wait_for_sessions();
    }
    if strike.blow == Blow::DiskFails {
        until_guards_are_free(world);
        world.lab.behave(BRITTLE, Behaviour::Works);
    }
    ended.expect(&strike.to_string(), &ENDED).map(drop)
}

/// Recovery begins while a frame of the killed run stands at the gate. Where the frame holds the guard, recovery waits
/// for it; where it does not hold it yet, recovery ends, and the frame changes nothing when it comes.
fn recover_beside(world: &World, gate: Gate) -> Result<(), String> {
    let mut recovery = world.start(&["recover"], "", "");
    if gate.holds_a_guard(world) {
        while recovery.is_running() && !gate.is_waited_for(world) {}
        if !recovery.is_running() {
            let ended = recovery.wait(world.lab);
            return Err(format!(
                "recovery did not wait for the frame that holds the guard:\n{}",
                ended.output.text()
            ));
        }
        gate.open(world);
        recovery.wait(world.lab).expect("the recovery that waited", &[0, 4])?;
        return Ok(());
    }
    // Where a container has no guard any more, nothing fences what has not begun: recovery waits until it has ended.
    let patience = Instant::now() + Duration::from_secs(60);
    while recovery.is_running() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(200));
    }
    if recovery.is_running() {
        gate.open(world);
        recovery
            .wait(world.lab)
            .expect("the recovery that waited for a frame that had not begun", &[0, 4])?;
        return Ok(());
    }
    recovery.wait(world.lab).expect("recovery beside a frame that has not begun", &[0, 4])?;
    let look = || (facts::look(world.lab), world.surroundings(), Rows::read(&world.state()));
    let before = look();
    gate.open(world);
    let after = look();
    if before == after {
        Ok(())
    } else {
        Err(format!(
            "the frame that came too late changed something: {before:?}\nwas before, and is\n{after:?}"
        ))
    }
}

/// LVM notes in the metadata that a disk is missing where a command of its own found it gone half-way, and goes on missing
/// it when it is back. That is for people to decide, so vbs stays stuck and says how; we do as it says.
fn take_the_disk_back(world: &World) -> Result<(), String> {
    let missing = world.lab.ok("vgs --noheadings -o vg_missing_pv_count vg0");
    if missing.trim() == "0" {
        return Ok(());
    }
    let stuck = world.run(&["recover"], "").expect("recover without the disk", &[4])?;
    let cure = "vgextend --restoremissing vg0 ";
    if !stuck.output.text().contains(cure) {
        return Err(format!("it does not say `{cure}…`:\n{}", stuck.output.text()));
    }
    world.lab.ok(&format!("{cure} /dev/mapper/{BRITTLE}"));
    Ok(())
}

/// Recovers with a clean environment until nothing is left, and proves that recovering again changes nothing. Gives what
/// is there then.
pub fn recover(world: &World, resume: bool) -> Result<Facts, String> {
    let arguments: &[&str] = if resume { &["recover", "--resume"] } else { &["recover"] };
    let first = world.run(arguments, "").expect("recover", &[0, 4])?;
    let before = Rows::read(&world.state());
    let again = world.run(&["recover"], "").expect("recover again", &[0])?;
    if !again.output.stderr.contains("Nothing to recover") {
        return Err(format!(
            "the second recovery found something to do:\n{}\nafter\n{}",
            again.output.stderr, first.output.stderr
        ));
    }
    if before != Rows::read(&world.state()) {
        return Err("the second recovery changed something".to_owned());
    }
    Ok(facts::look(world.lab))
}

/// Disks of VMs and sessions end with their host, whatever a run had made of them: what is wanted is there after the
/// next run.
fn is_lost_with_its_host(world: &World, blow: Blow) -> bool {
    let host = match blow {
        Blow::PowerCutOfTheOther => other(world.struck.get()),
        _ => world.struck.get(),
    };
    world.scenario.route && blow.takes_the_power() && host == Host::Kvm1
}

fn other(host: Host) -> Host {
    if host == Host::Store1 { Host::Kvm1 } else { Host::Store1 }
}

/// The next run does all that is wanted. Gives what is there then.
fn finish(world: &World) -> Result<Facts, String> {
    world.run(world.scenario.finish, "").expect("the run after a restart", &[0])?;
    checker::no_changes(world)?;
    Ok(facts::look(world.lab))
}

/// What was halted is finished by the next run. Gives what is there then.
pub fn finish_halted(world: &World, facts: Facts) -> Result<Facts, String> {
    if checker::ending(world) != Ending::Halted {
        return Ok(facts);
    }
    finish(world)
}
