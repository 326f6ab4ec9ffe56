//! The rows of the crash matrix, as cases.

use vbs::faults::Class;

use super::runner::{Act, Case, recover};
use super::scenario::{self, Scenario};
use super::surroundings;
use super::world::{Ended, World};

/// The boundaries that a run passes which nothing strikes.
pub struct Course {
    pub scenario: &'static Scenario,
    pub passed: Vec<Class>,
}

impl Course {
    fn of(scenario: &'static Scenario, fault: &str, code: i32) -> Course {
        let world = World::new(scenario);
        let ended = world.run(scenario.command, fault);
        ended.expect(&format!("{} with {fault:?}", scenario.name), &[code]).unwrap();
        Course { scenario, passed: ended.passed }
    }

    /// Number and class of every boundary.
    pub fn boundaries(&self) -> impl Iterator<Item = (usize, Class)> + '_ {
        self.passed.iter().enumerate().map(|(index, class)| (index + 1, *class))
    }

    pub fn of_class(&self, wanted: Class) -> impl Iterator<Item = usize> + '_ {
        self.boundaries().filter(move |(_, class)| *class == wanted).map(|(number, _)| number)
    }
}

/// The cases of the whole matrix; with `all_pairs` every boundary of a recovery is struck after every boundary of a
/// run, else one of each class.
pub fn cases(all_pairs: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    let courses = scenario::ALL.map(|scenario| Course::of(scenario, "", 0));
    for course in &courses {
        killed(course, "", &mut cases);
        nested(course, "", all_pairs, &mut cases);
        connection(course, &mut cases);
        if let Some(failing) = last_reversible(course) {
            // The same again while the run is being taken back.
            let fault = format!("fail@{failing}");
            let reverting = Course::of(course.scenario, &fault, 3);
            killed(&reverting, &fault, &mut cases);
            nested(&reverting, &fault, all_pairs, &mut cases);
        }
    }
    // Five and one are coprime to the number of classes: all of them are struck.
    surroundings::cases(&courses, if all_pairs { 1 } else { 5 }, &mut cases);
    // Cases in one scenario follow each other, so that they can share a world.
    cases.sort_by_key(|case| scenario::ALL.iter().position(|other| std::ptr::eq(*other, case.scenario)));
    cases
}

/// The boundary at which the last step is sent that still can be taken back.
fn last_reversible(course: &Course) -> Option<usize> {
    let mut sends: Vec<usize> = course.of_class(Class::SentBeforeAct).collect();
    while let Some(at) = sends.pop() {
        let world = World::new(course.scenario);
        if world.run(course.scenario.command, &format!("fail@{at}")).code == Some(3) {
            return Some(at);
        }
    }
    None
}

pub fn case(row: u8, course: &Course, class: Class, name: String, act: Act) -> Case {
    let name = format!("{}: {name}", course.scenario.name);
    Case { row, scenario: course.scenario, class: Some(class), name, act }
}

/// `fault`, and one more.
fn and(fault: &str, more: &str) -> String {
    if fault.is_empty() { more.to_owned() } else { format!("{fault},{more}") }
}

/// Row 1: killed at every boundary; and of a revert at those that come after what made it fail.
fn killed(course: &Course, fault: &str, cases: &mut Vec<Case>) {
    let begin = fault.strip_prefix("fail@").map_or(0, |number| number.parse().unwrap());
    for (number, class) in course.boundaries().filter(|(number, _)| *number > begin) {
        let fault = and(fault, &format!("kill@{number}"));
        let name = fault.clone();
        let act = move |world: &World| {
            kill(world, world.scenario.command, &fault)?;
            recover(world).map(|_| ())
        };
        cases.push(case(1, course, class, name, Box::new(act)));
    }
}

fn kill(world: &World, command: &[&str], fault: &str) -> Result<Ended, String> {
    let ended = world.run(command, fault);
    if ended.was_killed() {
        Ok(ended)
    } else {
        Err(format!("{fault} killed nothing: {:?}\n{}{}", ended.code, ended.stdout, ended.stderr))
    }
}

/// Row 2: the recovery is killed as well.
fn nested(course: &Course, fault: &str, all_pairs: bool, cases: &mut Vec<Case>) {
    let begin = fault.strip_prefix("fail@").map_or(0, |number| number.parse().unwrap());
    for (number, class) in course.boundaries().filter(|(number, _)| *number > begin) {
        let fault = and(fault, &format!("kill@{number}"));
        let name = format!("{fault}, then the recovery");
        let act: Act = if all_pairs {
            Box::new(move |world: &World| every_nested(world, &fault))
        } else {
            Box::new(move |world: &World| one_nested_of_each_class(world, &fault, number))
        };
        cases.push(case(2, course, class, name, act));
    }
}

/// Recovery is killed at a boundary of each class in turn, each time a little further on; then it may finish.
fn one_nested_of_each_class(world: &World, fault: &str, number: usize) -> Result<(), String> {
    kill(world, world.scenario.command, fault)?;
    for turn in 0..Class::ALL.len() {
        let class = Class::ALL[(number + turn) % Class::ALL.len()];
        let nth = 1 + (number / Class::ALL.len() + turn) % 4;
        let ended = world.run(&["recover"], &format!("kill@{class:?}.{nth}"));
        if !ended.was_killed() {
            ended.expect("recover", &[0, 4])?;
            break;
        }
    }
    recover(world).map(|_| ())
}

/// Recovery is killed at its first boundary, the next one at its second, and so on until one passes untouched.
fn every_nested(world: &World, fault: &str) -> Result<(), String> {
    kill(world, world.scenario.command, fault)?;
    for nested in 1.. {
        if !world.run(&["recover"], &format!("kill@{nested}")).was_killed() {
            break;
        }
    }
    recover(world).map(|_| ())
}

/// Rows 3 to 7: what can become of one frame.
fn connection(course: &Course, cases: &mut Vec<Case>) {
    use Class::{ActedBeforeReply, BeforeSend, ReplyBeforeCommit, SentBeforeAct};
    for (row, kind, class) in [
        (3, "drop", BeforeSend),
        (4, "drop", SentBeforeAct),
        (4, "cut", SentBeforeAct),
        (4, "drop", ActedBeforeReply),
        (5, "mute", SentBeforeAct),
        (5, "mute", ActedBeforeReply),
        (5, "mute", ReplyBeforeCommit),
        (6, "slow", SentBeforeAct),
        (7, "lie0", SentBeforeAct),
        (7, "lie5", SentBeforeAct),
    ] {
        for (turn, number) in course.of_class(class).enumerate() {
            // Where the reply is lost makes no difference to what is found: the three places take turns.
            if kind == "mute" && turn % 3 != class as usize % 3 {
                continue;
            }
            let fault = format!("{kind}@{number}");
            let name = fault.clone();
            let act = move |world: &World| {
                let ended = world.run(world.scenario.command, &fault);
                if fault.starts_with("slow") {
                    if !ended.was_killed() {
                        return Err(format!("{fault} killed nothing"));
                    }
                } else {
                    ended.expect(&fault, &[0, 1, 3, 4, 5])?;
                }
                recover(world).map(|_| ())
            };
            cases.push(case(row, course, class, name, Box::new(act)));
        }
    }
}
