//! The lines of [`Lines`](super::Lines), with a block below them that shows what is running. The block is erased
//! before a line is printed and drawn again after it, in one write, so the two never mix.

use std::fmt::Write as _;
use std::io::Write;
use std::time::Instant;

use super::super::print::Window;
use super::super::style::{Style, Tone};
use super::super::text::{char_width, count, width};
use super::super::verdict::Run;
use super::lines::seconds;
use super::{Lines, Outlet, Progress};
use crate::apply::{Event, Outcome};
use crate::plan::Totals;

/// More running steps than these are counted, not shown.
const MOST_SHOWN: usize = 8;

/// One line of the block.
struct Line {
    words: String,
    faint: String,
}

/// Cursor control is all it asks of a terminal: nothing is switched on, so nothing is left behind by a crash.
pub struct Live<W: Write> {
    pub(super) out: Outlet<W>,
    lines: Lines,
    style: Style,
    window: fn() -> Window,
    /// How wide the lines of block are that stand above the cursor.
    drawn: Vec<usize>,
}

impl<W: Write> Live<W> {
    /// `window` says how large the terminal is at the moment.
    pub fn new(out: W, run: Run, style: Style, now: Instant, window: fn() -> Window) -> Self {
        Live { out: Outlet::new(out), lines: Lines::new(run, style, now), style, window, drawn: Vec::new() }
    }

    /// Prints lines of somebody else, such as a log, above the block.
    pub fn print_above(&mut self, text: &str) {
        let block = self.block();
        self.redraw(text, &block);
    }

    fn redraw(&mut self, text: &str, block: &[Line]) {
        let mut all = String::new();
        if !self.drawn.is_empty() {
            // A window that became narrower since has wrapped what was drawn.
            let columns = (self.window)().columns.max(1);
            let up: usize = self.drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
            // To the beginning of the block's first line; then erase to the end of the screen. Writing to a String
            // cannot fail.
            let _ = write!(all, "\u{1b}[{up}F\u{1b}[J");
        }
        all.push_str(text);
        for line in block {
            let _ = writeln!(all, "  {}{}", line.words, self.style.paint(Tone::Faint, &line.faint));
        }
        self.drawn = block.iter().map(|line| 2 + width(&line.words) + width(&line.faint)).collect();
        self.out.write(&all);
    }

    /// Never as wide as the terminal, so that no line wraps, and never as high, so that the cursor can return.
    fn block(&self) -> Vec<Line> {
        if self.lines.running.is_empty() {
            return Vec::new();
        }
        let Window { columns, rows } = (self.window)();
        let room = MOST_SHOWN.min(rows.saturating_sub(4));
        let now = self.lines.now();
        let mut block: Vec<Line> = Vec::with_capacity(room + 1);
        for running in self.lines.running.values().take(room) {
            let mut elapsed = seconds(now.saturating_duration_since(running.since));
            if let (Some((done, total)), Some(amount)) = (running.bytes, running.amount(now)) {
                elapsed = format!("{} {amount}, {elapsed}", bar(done, total));
            }
            let words = fit(&running.words, columns.saturating_sub(elapsed.len() + 6));
            block.push(Line { words: words + "… ", faint: elapsed });
        }
        let hidden = self.lines.running.len() - block.len();
        let more = if hidden == 0 { String::new() } else { format!(", {hidden} more running") };
        let done = format!("{} of {} done{more}", self.lines.ended, count(self.lines.total, "step"));
        block.push(Line { words: String::new(), faint: fit(&done, columns.saturating_sub(3)) });
        block
    }
}

impl<W: Write> Progress for Live<W> {
    fn event(&mut self, event: &Event) {
        let text = self.lines.event(event);
        // That a step has begun is seen in the block; the line would only repeat it.
        let is_start = matches!(event, Event::StepStarted { .. } | Event::UndoStarted { .. });
        let block = self.block();
        self.redraw(if is_start { "" } else { &text }, &block);
    }

    fn tick(&mut self, now: Instant) {
        // The block says that steps are still running.
        let _ = self.lines.tick(now);
        let block = self.block();
        if !self.drawn.is_empty() || !block.is_empty() {
            self.redraw("", &block);
        }
    }

    fn outcome(&mut self, outcome: &Outcome, totals: Totals) {
        let text = self.lines.outcome(outcome, totals);
        self.redraw(&text, &[]);
    }
}

/// A run that ends without a verdict leaves no block behind.
impl<W: Write> Drop for Live<W> {
    fn drop(&mut self) {
        if !self.drawn.is_empty() {
            self.redraw("", &[]);
        }
    }
}

/// `[######..............]`
fn bar(done: u64, total: u64) -> String {
    const WIDTH: u64 = 20;
    let full = u128::from(done.min(total)) * u128::from(WIDTH) / u128::from(total.max(1));
    let full = usize::try_from(full).unwrap_or_default();
    format!("[{}{}]", "#".repeat(full), ".".repeat(20 - full.min(20)))
}

fn fit(text: &str, columns: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += char_width(*c);
            used <= columns
        })
        .collect()
}
