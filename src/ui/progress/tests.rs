//! Runs as a user or a program sees them.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::print::Window;
use super::*;
use crate::apply::CommandFailure;
use crate::model::Address;
use crate::plan::step::{Title, TitleVerb};

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn title(verb: TitleVerb) -> Title {
    Title { verb, object: "volume db.img".to_owned(), detail: String::new() }
}

fn failure() -> CommandFailure {
    CommandFailure {
        host: "store1".to_owned(),
        command: "truncate -s 5 /srv/db.img".to_owned(),
        status: Some(1),
        stderr: "truncate: No space left\u{1b}[2J\n".to_owned(),
        why: "The pool is full.".to_owned(),
    }
}

/// A step that takes a while, one that fails, and the way back.
fn failing_run(progress: &mut dyn Progress, start: Instant) {
    let create = title(TitleVerb::Create);
    let (db, logs) = (address("volume.db"), address("volume.logs"));
    progress.event(&Event::Started { steps: 2 });
    progress.event(&Event::StepStarted { step: 0, address: db.clone(), title: create.clone() });
    for tenths in 1..=204 {
        progress.tick(start + Duration::from_millis(tenths * 100));
    }
    let elapsed = Duration::from_millis(20_400);
    progress.event(&Event::StepDone { step: 0, address: db.clone(), title: create.clone(), elapsed });
    progress.event(&Event::StepStarted { step: 1, address: logs.clone(), title: create.clone() });
    progress.event(&Event::StepInDoubt {
        step: 1,
        address: logs.clone(),
        title: create.clone(),
        why: "no reply".to_owned(),
    });
    progress.event(&Event::StepFailed { step: 1, address: logs, title: create.clone(), failure: failure() });
    progress.event(&Event::RevertStarted { steps: 1 });
    progress.event(&Event::UndoStarted { step: 0, address: db.clone(), title: create.clone() });
    let elapsed = Duration::from_millis(100);
    progress.event(&Event::UndoDone { step: 0, address: db, title: create, elapsed });
    progress.outcome(&Outcome::Reverted { kept: Vec::new() }, Totals::default());
}

#[test]
fn plain_lines_are_safe_for_ci() {
    let mut out = Vec::new();
    let start = Instant::now();
    failing_run(&mut Plain::new(&mut out, Run::Apply, Style::PLAIN, start), start);
    let expected = "\
volume.db: creating…
volume.db: still creating… [10s]
volume.db: still creating… [20s]
volume.db: created after 20.4s
volume.logs: creating…
volume.logs: in doubt, looking at the host (no reply)

volume.logs: failed: Create volume db.img

  Host:   store1
  Status: 1
  Command:
    truncate -s 5 /srv/db.img
  Standard error:
    truncate: No space left\\u{1b}[2J
  The pool is full.

Reverting 1 step…
volume.db: reverting create…
volume.db: reverted create after 0.1s

Apply failed. Everything was reverted; nothing has changed.
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_late_tick_says_once_that_a_step_still_runs() {
    let start = Instant::now();
    let mut lines = Lines::new(Run::Apply, Style::PLAIN, start);
    let hostile = address("volume.db[\"a: b\"]");
    lines.event(&Event::StepStarted { step: 0, address: hostile, title: title(TitleVerb::Copy) });
    let late = lines.tick(start + Duration::from_secs(35));
    assert_eq!(late, "volume.db[\"a: b\"]: still copying… [30s]\n");
    assert_eq!(lines.tick(start + Duration::from_secs(39)), "");
    assert!(lines.tick(start + Duration::from_secs(190)).contains("[190s]"));
}

#[test]
fn an_interrupt_is_told_and_named_in_the_verdict() {
    let mut lines = Lines::new(Run::Apply, Style::PLAIN, Instant::now());
    assert!(lines.event(&Event::Interrupted { again: false }).contains("Interrupt again to stop"));
    assert!(lines.event(&Event::Interrupted { again: true }).contains("`vbs recover`"));
    let verdict = lines.outcome(&Outcome::Reverted { kept: Vec::new() }, Totals::default());
    assert!(verdict.contains("Apply interrupted. Everything was reverted"), "{verdict}");
}

/// The little of a terminal that the live view uses, so that what a user sees can be compared.
#[derive(Default)]
struct Screen {
    lines: Vec<String>,
}

impl Screen {
    fn show(bytes: &[u8]) -> Screen {
        let mut screen = Screen { lines: vec![String::new()] };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '\n' => screen.lines.push(String::new()),
                '\u{1b}' => rest = screen.control(rest),
                c => screen.lines.last_mut().unwrap().push(c),
            }
        }
        screen
    }

    fn control<'a>(&mut self, rest: &'a str) -> &'a str {
        let rest = rest.strip_prefix('[').unwrap();
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        match &rest[end..=end] {
            "F" => {
                let up: usize = rest[..end].parse().unwrap();
                assert!(up < self.lines.len(), "the cursor left the screen");
                self.lines.truncate(self.lines.len() - up);
                *self.lines.last_mut().unwrap() = String::new();
            }
            "J" => {}
            other => panic!("the screen does not know {other}"),
        }
        &rest[end + 1..]
    }
}

fn small_window() -> Window {
    Window { columns: 24, rows: 7 }
}

#[test]
fn a_live_view_leaves_the_lines_and_nothing_else() {
    let mut out = Vec::new();
    let start = Instant::now();
    failing_run(&mut Live::new(&mut out, Run::Apply, Style::PLAIN, start, small_window), start);
    let screen = Screen::show(&out);
    assert_eq!(screen.lines[0], "volume.db: created after 20.4s");
    assert_eq!(screen.lines[1], "volume.logs: in doubt, looking at the host (no reply)");
    let end: Vec<&str> = screen.lines.iter().rev().take(4).rev().map(String::as_str).collect();
    let verdict = "Apply failed. Everything was reverted; nothing has changed.";
    assert_eq!(end, ["volume.db: reverted create after 0.1s", "", verdict, ""]);
    assert!(!screen.lines.iter().any(|line| line.contains("done")), "{:?}", screen.lines);
}

#[test]
fn a_live_block_fits_into_its_window() {
    let mut out = Vec::new();
    let start = Instant::now();
    let mut live = Live::new(&mut out, Run::Apply, Style::PLAIN, start, small_window);
    live.event(&Event::Started { steps: 9 });
    for step in 0..5 {
        let address = address(&format!("volume.a_long_name_for_a_volume[{step}]"));
        live.event(&Event::StepStarted { step, address, title: title(TitleVerb::Create) });
    }
    live.tick(start + Duration::from_millis(1500));
    live.print_above("a line of the log\n");
    let before_drop = {
        let bytes = live.out.out.clone();
        Screen::show(&bytes).lines
    };
    let expected = [
        "a line of the log",
        "  volume.a_long_… 1.5s",
        "  volume.a_long_… 1.5s",
        "  volume.a_long_… 1.5s",
        "  0 of 9 steps done, 2 ",
        "",
    ];
    assert_eq!(before_drop, expected);
    drop(live);
    assert_eq!(Screen::show(&out).lines, ["a line of the log", ""]);
}

#[test]
fn the_json_stream_has_one_object_a_line() {
    let mut out = Vec::new();
    let start = Instant::now();
    let mut stream = Json::new(&mut out, Run::Apply, start);
    stream.version();
    failing_run(&mut stream, start);
    drop(stream);
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    let expected = [
        "version",
        "step_start",
        "step_progress",
        "step_progress",
        "step_done",
        "step_start",
        "step_progress",
        "step_failed",
        "revert_start",
        "step_start",
        "step_done",
        "revert_done",
        "outcome",
    ];
    assert_eq!(types, expected);
    for line in &lines {
        let stamp = line["@timestamp"].as_str().unwrap();
        assert!(stamp.parse::<jiff::Timestamp>().is_ok(), "{stamp}");
        assert!(line["@message"].is_string() && line["@level"].is_string());
    }
    assert_eq!(lines[1]["resource"]["address"], "volume.db");
    assert_eq!(lines[2]["elapsed_seconds"], 10);
    assert_eq!(lines[7]["failure"]["status"], 1);
    assert_eq!((&lines[9]["undo"], &lines[12]["outcome"]), (&json!(true), &json!("reverted")));
    assert!(!text.contains(|c: char| c != '\n' && c.is_control()));
}

#[test]
fn the_json_stream_tells_the_plan_and_keeps_secrets() {
    use super::super::output::OutputValue;
    use super::super::plan::tests::{change, plan};
    use crate::plan::ChangeAction;
    let mut out = Vec::new();
    let mut stream = Json::new(&mut out, Run::Apply, Instant::now());
    stream.plan(&plan(vec![change("volume.db", ChangeAction::Create, Vec::new())], Vec::new()));
    let secret = OutputValue { value: Some(json!("hush")), sensitive: true };
    stream.outputs(&[("token".to_owned(), secret)].into());
    drop(stream);
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["change"]["change"]["actions"], json!(["create"]));
    assert_eq!(lines[1]["@message"], "Plan: 1 to add, 0 to change, 0 to destroy.");
    assert_eq!(lines[2]["outputs"]["token"], json!({"sensitive": true, "value": null}));
    assert!(!text.contains("hush"));
}

#[test]
fn a_closed_pipe_silences_the_progress_and_stops_nothing() {
    struct Closed(usize);
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let start = Instant::now();
    let mut plain = Plain::new(Closed(0), Run::Apply, Style::PLAIN, start);
    failing_run(&mut plain, start);
    assert_eq!(plain.out.out.0, 1);
}

#[test]
fn quiet_tells_failures_and_the_verdict_only() {
    let mut out = Vec::new();
    let start = Instant::now();
    failing_run(&mut Quiet::new(&mut out, Run::Apply, Style::PLAIN, start), start);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("\nvolume.logs: failed: Create volume db.img\n"), "{text}");
    assert!(
        text.contains("nothing has changed.") && !text.contains("creating") && !text.contains("Reverting")
    );
}

#[test]
fn a_live_block_is_erased_whole_after_the_window_became_narrower() {
    static COLUMNS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(80);
    fn window() -> Window {
        Window { columns: COLUMNS.load(std::sync::atomic::Ordering::Relaxed), rows: 24 }
    }
    let mut out = Vec::new();
    let mut live = Live::new(&mut out, Run::Apply, Style::PLAIN, Instant::now(), window);
    live.event(&Event::Started { steps: 1 });
    let address = address("volume.a_name_of_thirty_characters");
    live.event(&Event::StepStarted { step: 0, address, title: title(TitleVerb::Create) });
    // Fifty columns become three lines of twenty, twenty become one.
    COLUMNS.store(20, std::sync::atomic::Ordering::Relaxed);
    drop(live);
    assert!(String::from_utf8(out).unwrap().ends_with("\u{1b}[4F\u{1b}[J"));
}
