//! A run as it happens: lines that are safe for CI, a live view on a terminal, or one JSON object a line.
//!
//! None of them reads a clock: whoever drives the run calls [`Progress::tick`] a few times a second. None of them can
//! fail: when nobody can be told any more, the run goes on in silence.

mod json;
mod lines;
mod live;

use std::io::Write;
use std::time::Instant;

pub use json::Json;
pub use lines::Lines;
pub use live::Live;

use super::style::Style;
use super::verdict::Run;
use crate::apply::{Event, Outcome};
use crate::plan::Totals;

pub trait Progress {
    fn event(&mut self, event: &Event);

    /// Time has passed. Elapsed times are counted in these ticks.
    fn tick(&mut self, now: Instant);

    /// The run has ended; nothing comes after this.
    fn outcome(&mut self, outcome: &Outcome, totals: Totals);
}

/// One line an event.
pub struct Plain<W: Write> {
    out: Outlet<W>,
    lines: Lines,
}

impl<W: Write> Plain<W> {
    pub fn new(out: W, run: Run, style: Style, now: Instant) -> Self {
        Plain { out: Outlet::new(out), lines: Lines::new(run, style, now) }
    }
}

impl<W: Write> Progress for Plain<W> {
    fn event(&mut self, event: &Event) {
        let text = self.lines.event(event);
        self.out.write(&text);
    }

    fn tick(&mut self, now: Instant) {
        let text = self.lines.tick(now);
        self.out.write(&text);
    }

    fn outcome(&mut self, outcome: &Outcome, totals: Totals) {
        let text = self.lines.outcome(outcome, totals);
        self.out.write(&text);
    }
}

/// `-q`: what went wrong, and the verdict.
pub struct Quiet<W: Write>(Plain<W>);

impl<W: Write> Quiet<W> {
    pub fn new(out: W, run: Run, style: Style, now: Instant) -> Self {
        Quiet(Plain::new(out, run, style, now))
    }
}

impl<W: Write> Progress for Quiet<W> {
    fn event(&mut self, event: &Event) {
        let text = self.0.lines.event(event);
        let matters = matches!(
            event,
            Event::StepFailed { .. }
                | Event::UndoFailed { .. }
                | Event::ConditionsFailed { .. }
                | Event::Interrupted { .. }
        );
        if matters {
            self.0.out.write(&text);
        }
    }

    /// That a step still runs is no news to somebody who wants quiet.
    fn tick(&mut self, _: Instant) {}

    fn outcome(&mut self, outcome: &Outcome, totals: Totals) {
        self.0.outcome(outcome, totals);
    }
}

/// A writer that goes quiet for good when it fails: a closed pipe must not stop a run half-way.
struct Outlet<W: Write> {
    out: W,
    is_broken: bool,
}

impl<W: Write> Outlet<W> {
    fn new(out: W) -> Self {
        Outlet { out, is_broken: false }
    }

    fn write(&mut self, text: &str) {
        if !text.is_empty() && !self.is_broken {
            self.is_broken = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err();
        }
    }
}

#[cfg(test)]
mod tests;
