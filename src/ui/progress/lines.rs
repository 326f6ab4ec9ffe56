//! Events as lines for people. Knows what is running and since when; writes nothing itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::style::{Style, Tone};
use super::super::text::{about, count, harmless};
use super::super::verdict::{self, Run};
use crate::apply::{CommandFailure, Event, Outcome};
use crate::model::{Address, Bytes};
use crate::plan::Totals;
use crate::plan::step::{Title, TitleVerb};

/// How often a line says that a step is still running.
const STILL_EVERY: Duration = Duration::from_secs(10);

/// Whether a step is done or taken back; the same step may be running in one direction only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    Forward,
    Back,
}

/// A step that has begun and not ended.
#[derive(Debug, Clone)]
pub struct Running {
    /// `volume.db: creating`.
    pub words: String,
    pub since: Instant,
    /// How many bytes of how many it has copied or wiped, where it tells.
    pub bytes: Option<(u64, u64)>,
    /// How often it was said that it is still running.
    said: u32,
}

impl Running {
    /// `1.2 GiB of 4 GiB, 120 MiB/s`, where the step tells how far it has come.
    pub fn amount(&self, now: Instant) -> Option<String> {
        let (done, total) = self.bytes?;
        let seconds = now.saturating_duration_since(self.since).as_secs().max(1);
        let [done, total, rate] = [done, total, done / seconds].map(|bytes| about(Bytes(bytes)));
        Some(format!("{done} of {total}, {rate}/s"))
    }
}

/// Events in, text out.
pub struct Lines {
    run: Run,
    style: Style,
    now: Instant,
    interrupted: bool,
    pub running: BTreeMap<(Direction, usize), Running>,
    /// Steps of the phase that is going on, and how many of them have ended.
    pub total: usize,
    pub ended: usize,
}

impl Lines {
    pub fn new(run: Run, style: Style, now: Instant) -> Self {
        Lines { run, style, now, interrupted: false, running: BTreeMap::new(), total: 0, ended: 0 }
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    pub fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// What to print for an event; nothing for some.
    pub fn event(&mut self, event: &Event) -> String {
        match event {
            Event::Started { steps } => {
                self.total = *steps;
                String::new()
            }
            Event::StepStarted { step, address, title } => {
                self.started(Direction::Forward, *step, address, title.verb)
            }
            Event::UndoStarted { step, address, title } => {
                self.started(Direction::Back, *step, address, title.verb)
            }
            Event::StepDone { step, address, title, elapsed } => {
                self.done(Direction::Forward, *step, address, title.verb, *elapsed)
            }
            Event::UndoDone { step, address, title, elapsed } => {
                self.done(Direction::Back, *step, address, title.verb, *elapsed)
            }
            Event::StepInDoubt { address, why, .. } => {
                let text = format!("{address}: in doubt, looking at the host ({why})");
                format!("{}\n", self.style.paint(Tone::Warning, &harmless(&text)))
            }
            Event::StepFailed { step, address, title, failure } => {
                self.failed(Direction::Forward, *step, address, title, failure)
            }
            Event::UndoFailed { step, address, title, failure } => {
                self.failed(Direction::Back, *step, address, title, failure)
            }
            Event::Proving { steps } => format!("Proving {}…\n", count(*steps, "step")),
            Event::ConditionsFailed { failed } => {
                let heading = self.style.paint(Tone::Error, "What was made does not meet its conditions:");
                let lines: String = failed.iter().map(|text| format!("  {}\n", harmless(text))).collect();
                format!("\n{heading}\n{lines}\n")
            }
            Event::RevertStarted { steps } => {
                (self.total, self.ended) = (*steps, 0);
                format!(
                    "{}\n",
                    self.style.paint(Tone::Warning, &format!("Reverting {}…", count(*steps, "step")))
                )
            }
            Event::StepProgress { step, undo, done, total, .. } => {
                let direction = if *undo { Direction::Back } else { Direction::Forward };
                if let Some(running) = self.running.get_mut(&(direction, *step)) {
                    running.bytes = Some((*done, *total));
                }
                String::new()
            }
            Event::Interrupted { again } => self.interrupt(*again),
        }
    }

    /// What to print because time has passed: steps that are still running.
    pub fn tick(&mut self, now: Instant) -> String {
        self.now = now;
        let mut text = String::new();
        for running in self.running.values_mut() {
            let elapsed = now.saturating_duration_since(running.since);
            if elapsed >= STILL_EVERY * (running.said + 1) {
                // A tick that comes late says it once, not once for each that was missed.
                let times = elapsed.as_secs() / STILL_EVERY.as_secs();
                running.said = u32::try_from(times).unwrap_or(u32::MAX - 1);
                let bytes = running.amount(now).map(|amount| format!(" {amount}")).unwrap_or_default();
                let still = still(&running.words, times * STILL_EVERY.as_secs());
                text.push_str(&format!("{still}{bytes}\n"));
            }
        }
        text
    }

    /// The verdict.
    pub fn outcome(&mut self, outcome: &Outcome, totals: Totals) -> String {
        self.running.clear();
        verdict::render(self.run, outcome, totals, self.interrupted, self.style)
    }

    fn started(&mut self, direction: Direction, step: usize, address: &Address, verb: TitleVerb) -> String {
        let doing = match direction {
            Direction::Forward => verb.tenses().1.to_owned(),
            Direction::Back => format!("reverting {}", infinitive(verb)),
        };
        let words = harmless(&format!("{address}: {doing}")).into_owned();
        let line = format!("{words}…\n");
        self.running.insert((direction, step), Running { words, since: self.now, bytes: None, said: 0 });
        line
    }

    fn done(
        &mut self,
        direction: Direction,
        step: usize,
        address: &Address,
        verb: TitleVerb,
        elapsed: Duration,
    ) -> String {
        self.end(direction, step);
        let done = match direction {
            Direction::Forward => verb.tenses().2.to_owned(),
            Direction::Back => format!("reverted {}", infinitive(verb)),
        };
        harmless(&format!("{address}: {done} after {}", seconds(elapsed))).into_owned() + "\n"
    }

    fn failed(
        &mut self,
        direction: Direction,
        step: usize,
        address: &Address,
        title: &Title,
        failure: &CommandFailure,
    ) -> String {
        self.end(direction, step);
        let what = match direction {
            Direction::Forward => format!("{address}: failed: {title}"),
            Direction::Back => format!("{address}: could not be reverted: {title}"),
        };
        let heading = self.style.paint(Tone::Error, &harmless(&what));
        format!("\n{heading}\n\n{}\n", verdict::failure_block(failure))
    }

    fn end(&mut self, direction: Direction, step: usize) {
        self.running.remove(&(direction, step));
        self.ended += 1;
    }

    fn interrupt(&mut self, again: bool) -> String {
        self.interrupted = true;
        let text = if again {
            "Interrupted again: stopping after the running command. `vbs recover` closes the run."
        } else {
            "Interrupted: no new step is started, and what was done is reverted. Interrupt again to stop after the \
             running command."
        };
        format!("{}\n", self.style.paint(Tone::Warning, text))
    }
}

/// `volume.db: still creating… [10s]`.
fn still(words: &str, seconds: u64) -> String {
    match words.rsplit_once(": ") {
        Some((address, doing)) => format!("{address}: still {doing}… [{seconds}s]"),
        None => format!("still {words}… [{seconds}s]"),
    }
}

fn infinitive(verb: TitleVerb) -> String {
    verb.tenses().0.to_lowercase()
}

/// `0.4s`, `12.0s`, `3m07s`.
pub fn seconds(elapsed: Duration) -> String {
    let whole = elapsed.as_secs();
    if whole < 60 {
        format!("{whole}.{}s", elapsed.subsec_millis() / 100)
    } else {
        format!("{}m{:02}s", whole / 60, whole % 60)
    }
}
