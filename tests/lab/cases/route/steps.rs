//! Every step of the way to a disk on another host fails once, and the answer of every step is lost once, on the way there
//! and on the way back. One beginning serves all strikes of a case: after each, both machines are as they were.

use std::collections::BTreeSet;

use super::begun::{self, SIZE, VOLUME};
use super::scene::{Route, Surroundings};
use crate::Case;
use crate::cases::crash::wishes;
use crate::lab::Lab;
use crate::workspace::Output;

pub const CASES: &[Case] = &[
    Case::of("route: every step fails once, and nothing is left", every_step_fails).on(VOLUME).with_kvm1(),
    Case::of("route: every reply is lost once, and nothing is repeated", every_reply_is_lost)
        .on(VOLUME)
        .with_kvm1(),
];

/// What a struck run begins with, and both machines then.
struct Strikes<'lab, 'machine> {
    route: Route<'lab, 'machine>,
    before: &'static Surroundings,
    after: Surroundings,
    there: usize,
    back: usize,
}

impl<'lab, 'machine> Strikes<'lab, 'machine> {
    /// Goes there and back once, untouched, to know how many frames there are.
    fn begin(lab: &'lab Lab<'machine>) -> Self {
        let (route, before) = begun::volume(lab);
        let there = frames(&route);
        let after = route.surroundings();
        route.declare(&route.volume(SIZE));
        let back = frames(&route);
        route.is_as(before);
        println!("  {there} frames there, {back} back");
        Strikes { route, before, after, there, back }
    }

    /// What is declared before a run in this direction, and how both machines look before and after it.
    fn declare(&self, forth: bool) {
        self.route.declare(&if forth { self.route.attached(SIZE) } else { self.route.volume(SIZE) });
    }

    fn is_at_its_end(&self, forth: bool) -> Option<String> {
        if forth {
            self.route.difference_but_for_ids(&self.after)
        } else {
            self.route.difference(self.before)
        }
    }

    fn is_at_its_beginning(&self, forth: bool) -> Option<String> {
        self.is_at_its_end(!forth)
    }

    fn strike(&self, fault: &str) -> Output {
        self.route.lab.vbs_with(&[("VBS_FAULT", fault)], &["apply", "--auto-approve", "--parallelism", "1"])
    }

    /// Whatever a run was, afterwards it is carried out.
    fn finish(&self) {
        self.route.apply_again();
    }
}

/// Applies, and counts the frames that were sent.
fn frames(route: &Route) -> usize {
    let log = route.lab.workspace.root().join("boundaries");
    let _ = std::fs::remove_file(&log);
    let variables = [("VBS_FAULT", ""), ("VBS_FAULT_LOG", log.to_str().unwrap())];
    route.lab.vbs_with(&variables, &["apply", "--auto-approve", "--parallelism", "1"]).exits(0);
    let lines = std::fs::read_to_string(&log).unwrap();
    lines.lines().filter(|line| line.ends_with("SentBeforeAct")).count()
}

fn every_step_fails(lab: &Lab) {
    let strikes = Strikes::begin(lab);
    let mut codes = BTreeSet::new();
    let mut struck = 0;
    for (forth, frames) in [(true, strikes.there), (false, strikes.back)] {
        strikes.declare(forth);
        for frame in (1..=frames).filter(|frame| wishes(*frame, &format!("Fails at {frame}"))) {
            let output = strikes.strike(&format!("fail@SentBeforeAct.{frame}"));
            struck += 1;
            codes.insert(output.code);
            assert!([0, 1, 3].contains(&output.code), "{}", output.text());
            let difference = if output.code == 0 {
                strikes.is_at_its_end(forth)
            } else {
                strikes.is_at_its_beginning(forth)
            };
            println!("  forth {forth}, frame {frame} fails: exit {}", output.code);
            assert_eq!(difference, None, "frame {frame}, exit {}:\n{}", output.code, output.text());
            if output.code == 0 {
                strikes.declare(!forth);
                strikes.finish();
                strikes.declare(forth);
            }
        }
        strikes.finish();
    }
    println!("  {struck} frames failed once; exit codes {codes:?}");
    assert!(codes.contains(&3), "{codes:?}");
}

fn every_reply_is_lost(lab: &Lab) {
    let strikes = Strikes::begin(lab);
    let (mut struck, mut carried_out) = (0, 0);
    for frame in 1..=strikes.there.max(strikes.back) {
        for (forth, frames) in [(true, strikes.there), (false, strikes.back)] {
            strikes.declare(forth);
            if frame > frames || !wishes(frame, &format!("Mute at {frame}")) {
                strikes.finish();
                continue;
            }
            let output = strikes.strike(&format!("mute@ActedBeforeReply.{frame}"));
            struck += 1;
            println!("  forth {forth}, the reply of frame {frame} is lost: exit {}", output.code);
            if output.code == 1 {
                // Of an epoch that may have been raised or not: no step has begun.
                assert!(output.text().contains("Nothing was sent to"), "{}", output.text());
                assert_eq!(strikes.is_at_its_beginning(forth), None, "frame {frame}:\n{}", output.text());
                strikes.finish();
            } else {
                carried_out += 1;
                assert_eq!(output.code, 0, "{}", output.text());
            }
            assert_eq!(strikes.is_at_its_end(forth), None, "frame {frame}:\n{}", output.text());
        }
    }
    println!(
        "  {struck} replies were lost once, {carried_out} of them in a run that was carried out all the same"
    );
    assert!(carried_out >= struck / 2, "{carried_out} of {struck}");
}
