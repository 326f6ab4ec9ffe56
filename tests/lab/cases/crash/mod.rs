//! The crash matrix on real LVM, and on the way from a volume to a disk on another host, as a sample: kill, hang-up, power cut, failing disk and lies at boundaries of every
//! class and of every kind of step. `tests/crash` holds the whole matrix, on files.
//!
//! `VBS_LAB_STRIKE=TEXT` strikes only where the name of the strike holds TEXT, `!TEXT` where it does not, `1/3` makes
//! every third strike, from the second one on; several of these are set apart by commas.

pub mod blow;
pub mod checker;
pub mod facts;
pub mod gate;
mod gates;
mod middle;
#[path = "../../../crash/rows.rs"]
#[allow(dead_code, reason = "what the matrix on files needs of it is not what this one needs")]
pub mod rows;
pub mod scenario;
pub mod world;

use std::time::Instant;

use vbs::faults::Class;

use crate::Case;
use crate::cases::route::scene::ROUTE;
use crate::lab::Lab;
use blow::{Blow, Strike};
use scenario::Scenario;
use world::{STORAGE, World};

pub const CASES: &[Case] = &[
    Case::of("crash: each blow strikes", gates::blows_strike),
    Case::of("crash: no frame signals a process elsewhere", gates::no_signal_from_there),
    Case::of("crash: thin make, a share", |lab| sample(lab, &scenario::THIN_MAKE, Part::Share))
        .on(STORAGE)
        .shared(),
    Case::of("crash: purge, a share", |lab| sample(lab, &scenario::PURGE, Part::Share)).on(STORAGE),
    Case::of("crash: from nothing", |lab| sample(lab, &scenario::NOTHING, Part::All)).on(STORAGE),
    Case::of("crash: thin make", |lab| sample(lab, &scenario::THIN_MAKE, Part::Rest)).on(STORAGE),
    Case::of("crash: thick make", |lab| sample(lab, &scenario::THICK_MAKE, Part::All)).on(STORAGE),
    Case::of("crash: destroy", |lab| sample(lab, &scenario::DESTROY, Part::All)).on(STORAGE),
    Case::of("crash: purge", |lab| sample(lab, &scenario::PURGE, Part::Rest)).on(STORAGE),
    Case::of("crash: restore thin", |lab| sample(lab, &scenario::RESTORE_THIN, Part::All)).on(STORAGE),
    Case::of("crash: restore thick", |lab| sample(lab, &scenario::RESTORE_THICK, Part::All)).on(STORAGE),
    Case::of("crash: middle of a copy", middle::of_a_copy),
    Case::of("crash: middle of a wipe", middle::of_a_wipe),
    Case::of("crash: brittle disk", |lab| sample(lab, &scenario::BRITTLE, Part::All)),
    Case::of("crash: attach", |lab| sample(lab, &scenario::ATTACH, Part::All)).on(ROUTE).with_kvm1(),
    Case::of("crash: detach", |lab| sample(lab, &scenario::DETACH, Part::All)).on(ROUTE).with_kvm1(),
];

/// Which strikes of a scenario a case makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// The few that always run.
    Share,
    /// The others.
    Rest,
}

/// Lets a run pass untouched, strikes the same run at a sample of its boundaries, and tells of all that went wrong.
fn sample(lab: &Lab, scenario: &'static Scenario, part: Part) {
    let begun = Instant::now();
    let world = World::new(lab, scenario);
    println!("  {}: the world was made in {:.0} s", scenario.name, begun.elapsed().as_secs_f32());
    let begun = Instant::now();
    let passed = world.run(scenario.command, "").expect("an untouched run", &[0]).unwrap().passed;
    if let Some(after) = world.surroundings() {
        world.carried_out.set(after).unwrap();
    }
    let wrong = checker::check(&world, facts::look(lab), false);
    assert!(wrong.is_empty(), "after an untouched run: {}", wrong.join("\n  "));
    println!(
        "  {}: {} boundaries, untouched {:.0} s",
        scenario.name,
        passed.len(),
        begun.elapsed().as_secs_f32()
    );
    let mut failures = Vec::new();
    let mut struck = 0;
    for (index, strike) in strikes(scenario, &passed).iter().enumerate() {
        let is_shared = index % 5 == 0;
        let is_asked_for = match part {
            Part::All => true,
            Part::Share => is_shared,
            Part::Rest => !is_shared,
        };
        let is_wanted = wishes(index, &strike.to_string());
        if !is_asked_for || !is_wanted {
            continue;
        }
        let begun = Instant::now();
        let result = blow::strike(&world, strike);
        let seconds = begun.elapsed().as_secs_f32();
        struck += 1;
        match result {
            Ok(ending) => println!("  {}: {strike}: {ending:?} ({seconds:.0} s)", scenario.name),
            Err(why) => {
                println!("  {}: {strike}: FAILED ({seconds:.0} s)\n  {why}", scenario.name);
                failures.push(format!("{strike}: {why}"));
            }
        }
    }
    println!("  {}: {struck} boundaries struck, {} failed", scenario.name, failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Whether `VBS_LAB_STRIKE` asks for a strike, by its number and its name.
pub fn wishes(index: usize, strike: &str) -> bool {
    let wanted = std::env::var("VBS_LAB_STRIKE").unwrap_or_default();
    wanted.split(',').all(|wish| match (wish.split_once('/'), wish.strip_prefix('!')) {
        (Some((turn, every)), _) => index % every.parse::<usize>().unwrap() == turn.parse::<usize>().unwrap(),
        (None, Some(unwanted)) => !strike.contains(unwanted),
        (None, None) => strike.contains(wish),
    })
}

/// Two blows for every frame, one of them on the machine, and one for every other commit; blows and classes take turns.
fn strikes(scenario: &Scenario, passed: &[Class]) -> Vec<Strike> {
    use Class::{ActedBeforeReply, AfterCommit, BeforeCommit, BeforeSend, ReplyBeforeCommit, SentBeforeAct};
    let count = |class: Class| passed.iter().filter(|other| **other == class).count();
    let frames = count(SentBeforeAct);
    let mut strikes = Vec::new();
    let mut add = |class: Class, nth: usize, blow: Blow| {
        let resume = strikes.len() % 3 == 2;
        strikes.push(Strike { class, nth, blow, resume });
    };
    if scenario.brittle {
        for nth in 1..=frames {
            add(SentBeforeAct, nth, Blow::DiskFails);
        }
        return strikes;
    }
    // On the machine: coprime to the two places, so that each blow meets both.
    let far = [
        Blow::Kill,
        Blow::HangUp,
        Blow::KillAndRecoverAtOnce,
        Blow::Fails,
        Blow::PowerCut,
        Blow::HangUpHere,
        Blow::PowerCutAndKill,
        Blow::PowerCutInTheAct,
        Blow::Terminate,
        Blow::PowerCutOfTheOther,
        Blow::Unplugged,
    ];
    let far = if scenario.route { &far[..] } else { &far[..9] };
    let near = [
        (BeforeSend, Blow::Kill),
        (ReplyBeforeCommit, Blow::Kill),
        (SentBeforeAct, Blow::Lies),
        (ReplyBeforeCommit, Blow::Mute),
        (BeforeSend, Blow::Terminate),
    ];
    for nth in 1..=frames {
        let class = if nth % 2 == 0 { SentBeforeAct } else { ActedBeforeReply };
        add(class, nth, far[(nth + frames) % far.len()]);
        let (class, blow) = near[nth % near.len()];
        add(class, nth, blow);
    }
    // Somebody removes a volume that has just been made.
    if let Some(name) = scenario.makes {
        add(ActedBeforeReply, frames, Blow::ByHand(name));
    }
    for nth in 1..=count(BeforeCommit) {
        match nth % 4 {
            1 => add(BeforeCommit, nth, Blow::Kill),
            3 => add(AfterCommit, nth, Blow::Kill),
            _ => {}
        }
    }
    strikes
}
