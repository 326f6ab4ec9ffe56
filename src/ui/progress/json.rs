//! One JSON object a line, for programs: `@level @message @timestamp type`, and what the type needs.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::output::{self, OutputValue};
use super::super::style::Style;
use super::super::text::count;
use super::super::verdict::{self, Run};
use super::super::{diagnostics, json as plan_json, plan as plan_text};
use super::{Outlet, Progress};
use crate::apply::{CommandFailure, Event, Outcome};
use crate::diag::{Diagnostic, Diagnostics, Severity, SourceMap};
use crate::model::Address;
use crate::plan::step::Title;
use crate::plan::{Plan, Totals};

/// How often a running step is reported again.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// The whole stream of an apply: call [`Json::version`] first.
pub struct Json<W: Write> {
    out: Outlet<W>,
    run: Run,
    now: Instant,
    running: BTreeMap<(bool, usize), Running>,
    /// Steps to be reverted, once that has begun, and how many of them failed.
    reverting: Option<(usize, usize)>,
    interrupted: bool,
}

struct Running {
    address: Address,
    title: Title,
    since: Instant,
    reported: Instant,
    /// How many bytes of how many it has copied or wiped, where it tells.
    bytes: Option<(u64, u64)>,
}

impl<W: Write> Json<W> {
    pub fn new(out: W, run: Run, now: Instant) -> Self {
        Json {
            out: Outlet::new(out),
            run,
            now,
            running: BTreeMap::new(),
            reverting: None,
            interrupted: false,
        }
    }

    /// Which vbs writes, and in which version of the stream's shape.
    pub fn version(&mut self) {
        let version = env!("CARGO_PKG_VERSION");
        let more = json!({"vbs": version, "ui": plan_json::FORMAT_VERSION});
        self.line("info", &format!("vbs {version}"), "version", more);
    }

    pub fn diagnostics(&mut self, diagnostics: &Diagnostics, sources: &SourceMap) {
        for diagnostic in diagnostics {
            let level = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warn",
            };
            let json = diagnostics::diagnostic_json(diagnostic, sources);
            self.line(level, diagnostic.summary, "diagnostic", json!({"diagnostic": json}));
        }
    }

    /// What the plan says, before it runs: drift, changes, their sum.
    pub fn plan(&mut self, plan: &Plan) {
        for drift in &plan.drift {
            let message = format!("{}: {}", drift.address, drift.what);
            self.line("info", &message, "drift", json!({"change": plan_json::drift(drift)}));
        }
        for change in &plan.changes {
            let message = format!("{}: plan to {}", change.address, plan_json::actions(change).join(" and "));
            let json = plan_json::resource_change(change);
            self.line("info", &message, "planned_change", json!({"change": json}));
        }
        let totals = plan.totals();
        let message = plan_text::totals_line(totals, Style::PLAIN);
        self.line("info", &message, "change_summary", json!({"changes": totals}));
    }

    pub fn outputs(&mut self, outputs: &BTreeMap<String, OutputValue>) {
        let shown: BTreeMap<String, OutputValue> = outputs
            .iter()
            .map(|(name, output)| {
                // A log of CI is no place for a secret; `vbs output --json` gives it to whoever asks.
                let value = output.value.clone().filter(|_| !output.sensitive);
                (name.clone(), OutputValue { value, ..*output })
            })
            .collect();
        let message = format!("Outputs: {}", outputs.len());
        self.line("info", &message, "outputs", json!({"outputs": output::to_json(&shown)}));
    }

    fn line(&mut self, level: &str, message: &str, kind: &str, more: Value) {
        let mut object = Map::new();
        object.insert("@level".to_owned(), json!(level));
        object.insert("@message".to_owned(), json!(message));
        object.insert("@timestamp".to_owned(), json!(Timestamp::now().to_string()));
        object.insert("type".to_owned(), json!(kind));
        if let Value::Object(more) = more {
            object.extend(more);
        }
        self.out.write(&format!("{}\n", Value::Object(object)));
    }

    fn started(&mut self, undo: bool, step: usize, address: &Address, title: &Title) {
        let running = Running {
            address: address.clone(),
            title: title.clone(),
            since: self.now,
            bytes: None,
            reported: self.now,
        };
        self.running.insert((undo, step), running);
        let message = format!("{address}: {}{title}", if undo { "reverting: " } else { "" });
        self.line("info", &message, "step_start", step_json(undo, step, address, title));
    }

    fn done(&mut self, undo: bool, step: usize, address: &Address, title: &Title, elapsed: Duration) {
        self.running.remove(&(undo, step));
        let mut more = step_json(undo, step, address, title);
        more["elapsed_seconds"] = json!(elapsed.as_secs_f64());
        let message = format!("{address}: {}: {title}", if undo { "reverted" } else { "done" });
        self.line("info", &message, "step_done", more);
    }

    fn failed(
        &mut self,
        undo: bool,
        step: usize,
        address: &Address,
        title: &Title,
        failure: &CommandFailure,
    ) {
        self.running.remove(&(undo, step));
        if let (true, Some((_, failed))) = (undo, &mut self.reverting) {
            *failed += 1;
        }
        let mut more = step_json(undo, step, address, title);
        more["failure"] = failure_json(failure);
        let message = format!("{address}: {}: {title}", if undo { "revert failed" } else { "failed" });
        self.line("error", &message, "step_failed", more);
    }

    fn interrupt(&mut self, again: bool) {
        self.interrupted = true;
        let detail = if again {
            "Stopping after the running command. Run `vbs recover` to close the run."
        } else {
            "No new step is started, and what was done is reverted."
        };
        let warning = Diagnostic::warning("Interrupted", detail);
        self.diagnostics(&warning.into(), &SourceMap::default());
    }
}

impl<W: Write> Progress for Json<W> {
    fn event(&mut self, event: &Event) {
        match event {
            // The change summary has announced the run already.
            Event::Started { .. } => {}
            Event::StepStarted { step, address, title } => self.started(false, *step, address, title),
            Event::UndoStarted { step, address, title } => self.started(true, *step, address, title),
            Event::StepDone { step, address, title, elapsed } => {
                self.done(false, *step, address, title, *elapsed);
            }
            Event::UndoDone { step, address, title, elapsed } => {
                self.done(true, *step, address, title, *elapsed);
            }
            Event::StepInDoubt { step, address, title, why } => {
                let mut more = step_json(false, *step, address, title);
                more["in_doubt"] = json!(why);
                self.line("warn", &format!("{address}: in doubt: {why}"), "step_progress", more);
            }
            Event::StepFailed { step, address, title, failure } => {
                self.failed(false, *step, address, title, failure);
            }
            Event::UndoFailed { step, address, title, failure } => {
                self.failed(true, *step, address, title, failure);
            }
            Event::Proving { steps } => {
                let message = format!("Proving {}", count(*steps, "step"));
                self.line("info", &message, "step_progress", json!({"proving": steps}));
            }
            Event::ConditionsFailed { failed } => {
                let message = "What was made does not meet its conditions";
                self.line("error", message, "step_failed", json!({"conditions": failed}));
            }
            Event::RevertStarted { steps } => {
                self.reverting = Some((*steps, 0));
                let message = format!("Reverting {}", count(*steps, "step"));
                self.line("warn", &message, "revert_start", json!({"steps": steps}));
            }
            Event::StepProgress { step, undo, done, total, .. } => {
                if let Some(running) = self.running.get_mut(&(*undo, *step)) {
                    running.bytes = Some((*done, *total));
                }
            }
            Event::Interrupted { again } => self.interrupt(*again),
        }
    }

    fn tick(&mut self, now: Instant) {
        self.now = now;
        let mut due = Vec::new();
        for ((undo, step), running) in &mut self.running {
            if now.saturating_duration_since(running.reported) >= PROGRESS_EVERY {
                running.reported = now;
                let elapsed = now.saturating_duration_since(running.since).as_secs();
                let mut more = step_json(*undo, *step, &running.address, &running.title);
                more["elapsed_seconds"] = json!(elapsed);
                if let Some((done, total)) = running.bytes {
                    more["done_bytes"] = json!(done);
                    more["total_bytes"] = json!(total);
                }
                due.push((format!("{}: still running [{elapsed}s]", running.address), more));
            }
        }
        for (message, more) in due {
            self.line("info", &message, "step_progress", more);
        }
    }

    fn outcome(&mut self, outcome: &Outcome, totals: Totals) {
        if let Some((steps, failed)) = self.reverting.take() {
            let message =
                format!("Reverted {}, {failed} failed", count(steps.saturating_sub(failed), "step"));
            let level = if failed == 0 { "info" } else { "error" };
            self.line(level, &message, "revert_done", json!({"steps": steps, "failed": failed}));
        }
        let message = verdict::sentence(self.run, outcome, totals, self.interrupted);
        let (level, word, mut more) = match outcome {
            Outcome::Applied => ("info", "applied", json!({"changes": totals})),
            Outcome::Reverted { kept } => ("error", "reverted", json!({"kept": kept})),
            Outcome::Halted { done, remaining } => {
                let texts = |titles: &[Title]| titles.iter().map(Title::to_string).collect::<Vec<_>>();
                ("error", "halted", json!({"done": texts(done), "remaining": texts(remaining)}))
            }
            Outcome::Interrupted => ("error", "interrupted", json!({})),
            Outcome::Stuck { failures, commands } => {
                let failures: Value = failures.iter().map(failure_json).collect();
                ("error", "stuck", json!({"failures": failures, "commands": commands}))
            }
        };
        more["outcome"] = json!(word);
        self.line(level, &message, "outcome", more);
    }
}

fn step_json(undo: bool, step: usize, address: &Address, title: &Title) -> Value {
    json!({
        "resource": Value::Object(plan_json::resource(address)),
        "step": step,
        "title": title.to_string(),
        "undo": undo,
    })
}

fn failure_json(failure: &CommandFailure) -> Value {
    json!({
        "host": failure.host,
        "command": failure.command,
        "status": failure.status,
        "stderr": failure.stderr,
        "why": failure.why,
    })
}
