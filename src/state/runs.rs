//! Runs and their journal: begun before anything is sent, closed when everything is known.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::ballast::Ballast;
use super::journal::{self, StepEvent, StepStatus};
use super::outputs::StoredOutput;
use super::records::{self, json};
use super::store::{self, Store, from_sql, to_sql};
use super::trouble::{self, Trouble};
use crate::diag::Diagnostic;
use crate::exit::{Exit, Failure};
use crate::plan::step::Effect;
use crate::plan::{self, Plan};

/// How many closed runs keep their plan and journal.
const DETAILED_RUNS: i64 = 5;

/// How much of what a tool wrote is kept, of each stream.
const EVIDENCE_BYTES: usize = 4096;

/// Which command a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    Apply,
    Destroy,
    RefreshOnly,
    Import,
    /// Something is taken out of the trash.
    Trash,
    /// Something leaves the trash for good.
    Purge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Forward,
    Reverting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Somebody works on it, or was killed while working on it.
    Open,
    /// An undo failed; still to be recovered.
    Stuck,
    Applied,
    Reverted,
    Halted,
}

/// What is worth knowing of a run beside its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// For people: `alice on admin1 (pid 4711)`.
    pub holder: String,
    /// Seconds since 1970, for people.
    pub started_at: i64,
    /// What the outputs become when it is applied, by this process or by one that recovers forward. `None` leaves
    /// them as they are.
    pub outputs: Option<Vec<StoredOutput>>,
}

/// The right to write into a run's journal, for as long as the epoch is the state's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunHandle {
    pub id: u64,
    pub epoch: u64,
}

/// What a step's status rests on. Secrets are masked by whoever makes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What vbs makes of it.
    pub why: String,
    /// The command's exit status, where a whole reply arrived.
    pub status: Option<i32>,
    /// Ends of what it wrote; at most 4 KiB are kept.
    pub stdout: String,
    pub stderr: String,
}

/// A line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    pub id: u64,
    pub kind: RunKind,
    pub status: RunStatus,
    pub direction: Direction,
    pub epoch: u64,
    pub started_at: i64,
    pub closed_at: Option<i64>,
    pub steps: u64,
    pub holder: String,
    /// Why it is stuck, if it is.
    pub note: String,
}

/// A run that is to be finished or taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRun {
    pub id: u64,
    pub kind: RunKind,
    pub plan: Plan,
    /// One for each step of the plan.
    pub statuses: Vec<StepStatus>,
    pub direction: Direction,
    pub status: RunStatus,
    pub started_at: i64,
    pub holder: String,
    pub outputs: Option<Vec<StoredOutput>>,
    /// Why it is stuck, if it is.
    pub note: String,
}

impl Store {
    /// Begins a run in one transaction: the epoch is raised, and the plan and a row for each step are on disk before
    /// anything is sent. Sets ballast aside first.
    ///
    /// # Errors
    /// Where a run is open, somebody else wrote since this store was opened, or there is no room.
    pub fn begin_run(&mut self, kind: RunKind, plan: &Plan, info: &RunInfo) -> Result<RunHandle, Failure> {
        if plan.lineage != self.lineage() || plan.format != plan::FORMAT {
            return Err(Diagnostic::bug("A plan of another state or format was to be run").into());
        }
        if self.ballast.is_none() {
            let set_aside = Ballast::set_aside(self.path());
            self.ballast = Some(set_aside.map_err(|error| no_ballast(self, &error))?);
        }
        let (serial, epoch) = (self.serial(), self.epoch());
        let begun = self.transact(|tx| {
            store::check_unchanged(tx, serial, epoch)?;
            refuse_open_run(tx)?;
            drop_old_details(tx)?;
            store::set_epoch(tx, epoch + 1)?;
            insert_run(tx, kind, plan, info, epoch + 1)
        });
        match begun {
            Ok(id) => {
                self.learn(serial, epoch + 1);
                tracing::info!(run = id, epoch = epoch + 1, steps = plan.steps.len(), "run begun");
                Ok(RunHandle { id, epoch: epoch + 1 })
            }
            Err(failure) => {
                self.drop_ballast();
                Err(failure)
            }
        }
    }

    /// Writes events of steps, given by their position in the plan, in one transaction. Evidence of taking back does
    /// not replace that of going forward.
    ///
    /// # Errors
    /// Where the run was fenced off or an event is illegal; nothing is written then.
    pub fn append(
        &mut self,
        run: &RunHandle,
        events: &[(usize, StepEvent, Option<Evidence>)],
    ) -> Result<(), Failure> {
        if events.is_empty() {
            return Ok(());
        }
        self.transact(|tx| {
            check_open(tx, run)?;
            events
                .iter()
                .try_for_each(|(step, event, evidence)| step_event(tx, run, *step, *event, evidence.as_ref()))
        })
    }

    /// Records which way the run goes from now on; a crash does not change it.
    ///
    /// # Errors
    /// Where the run was fenced off, or is reverting and was to go forward again.
    pub fn set_direction(&mut self, run: &RunHandle, direction: Direction) -> Result<(), Failure> {
        self.transact(|tx| {
            let now = check_open(tx, run)?;
            if now == Direction::Reverting && direction == Direction::Forward {
                return Err(Diagnostic::bug("A run that is being reverted was to go forward again").into());
            }
            tx.execute(
                "UPDATE run SET direction = ?1 WHERE id = ?2",
                params![word(&direction)?, to_sql(run.id)],
            )?;
            Ok(())
        })
    }

    /// Raises the epoch of a run of this process, so that no command that it sent before changes anything after.
    ///
    /// # Errors
    /// Where the run was fenced off.
    pub fn raise_epoch(&mut self, run: &RunHandle) -> Result<RunHandle, Failure> {
        self.transact(|tx| check_open(tx, run).map(|_| ()))?;
        self.adopt_run(run.id)
    }

    /// Takes an open run over, from a process that was killed or is being fenced off, by raising the epoch.
    ///
    /// # Errors
    /// Where that run is not open.
    pub fn adopt_run(&mut self, id: u64) -> Result<RunHandle, Failure> {
        if self.ballast.is_none() {
            // On a full disk recovery tries without: it needs less room than the run did.
            self.ballast = Ballast::set_aside(self.path()).ok();
        }
        let (serial, epoch) = self.transact(|tx| {
            let (serial, epoch) = store::counters(tx)?;
            store::set_epoch(tx, epoch + 1)?;
            let sql = "UPDATE run SET epoch = ?1 WHERE id = ?2 AND status IN ('open', 'stuck')";
            match tx.execute(sql, params![to_sql(epoch + 1), to_sql(id)])? {
                1 => Ok((serial, epoch + 1)),
                _ => Err(not_open(id).into()),
            }
        })?;
        self.learn(serial, epoch);
        Ok(RunHandle { id, epoch })
    }

    /// Closes the run in one transaction: what its steps did is recorded, the outputs are replaced if any are given.
    /// `now` (seconds since 1970) stamps the run and what went to the trash.
    ///
    /// # Errors
    /// Where the run was fenced off, a step is not settled, or the effects contradict the state; the run stays open
    /// then.
    pub fn close_run(
        &mut self,
        run: &RunHandle,
        outcome: RunStatus,
        effects: &[Effect],
        outputs: Option<&[StoredOutput]>,
        now: i64,
    ) -> Result<(), Failure> {
        let serial = self.transact(|tx| {
            check_open(tx, run)?;
            check_settled(tx, run.id)?;
            let (serial, _) = store::counters(tx)?;
            let before = records::load(tx)?;
            let mut after = before.clone();
            after.apply(effects, now)?;
            let mut changed = records::save(tx, &before, &after)?;
            if let Some(outputs) = outputs {
                changed |= records::save_outputs(tx, outputs)?;
            }
            let sql = "UPDATE run SET status = ?1, closed_at = ?2, note = '' WHERE id = ?3";
            tx.execute(sql, params![word(&outcome)?, now, to_sql(run.id)])?;
            store::bump_serial(tx, serial, changed)
        })?;
        self.learn(serial, run.epoch);
        tracing::info!(run = run.id, serial, ?outcome, "run closed");
        self.drop_ballast();
        Ok(())
    }

    /// Marks the run as stuck: an undo failed, as `why` says. It stays open for recovery.
    ///
    /// # Errors
    /// Where the run was fenced off.
    pub fn mark_stuck(&mut self, run: &RunHandle, why: &str) -> Result<(), Failure> {
        self.transact(|tx| {
            check_open(tx, run)?;
            tx.execute(
                "UPDATE run SET status = 'stuck', note = ?1 WHERE id = ?2",
                params![why, to_sql(run.id)],
            )?;
            Ok(())
        })
    }

    pub(super) fn has_open_run(&self) -> Result<bool, Failure> {
        self.read(|tx| Ok(open_summary(tx)?.is_some()))
    }

    /// The run that must be recovered first, if there is one.
    ///
    /// # Errors
    /// Where it was written by a newer version: it is never skipped, and never guessed at.
    pub fn open_run(&self) -> Result<Option<OpenRun>, Failure> {
        self.read(|tx| {
            let Some(summary) = open_summary(tx)? else { return Ok(None) };
            let (format, plan, info) = tx.query_row(
                "SELECT format, body, info FROM plan JOIN run ON run.id = plan.run WHERE run = ?1",
                [to_sql(summary.id)],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)),
            )?;
            if format != i64::from(plan::FORMAT) {
                return Err(unknown_format(summary.id, format).into());
            }
            let what = format!("run {}", summary.id);
            let plan: Plan = serde_json::from_str(&plan).map_err(|e| records::unreadable(&what, &e))?;
            let info: RunInfo = serde_json::from_str(&info).map_err(|e| records::unreadable(&what, &e))?;
            let statuses = statuses(tx, summary.id)?;
            if statuses.len() != plan.steps.len() {
                return Err(records::unreadable(&what, &"its journal does not fit its plan").into());
            }
            Ok(Some(OpenRun {
                id: summary.id,
                kind: summary.kind,
                plan,
                statuses,
                direction: summary.direction,
                status: summary.status,
                started_at: summary.started_at,
                holder: summary.holder,
                outputs: info.outputs,
                note: summary.note,
            }))
        })
    }

    /// What a step's status rests on: going forward, and taking back.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn evidence(&self, run: u64, step: usize) -> Result<(Option<Evidence>, Option<Evidence>), Failure> {
        self.read(|tx| {
            let row = tx
                .prepare_cached("SELECT evidence, undo_evidence FROM step WHERE run = ?1 AND position = ?2")?
                .query_row(params![to_sql(run), to_sql(step as u64)], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (forward, undo): (Option<String>, Option<String>) = row.unwrap_or_default();
            let read = |text: Option<String>| {
                let what = format!("step {step} of run {run}");
                text.map(|t| serde_json::from_str(&t)).transpose().map_err(|e| records::unreadable(&what, &e))
            };
            Ok((read(forward)?, read(undo)?))
        })
    }

    /// The newest runs, newest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn runs(&self, limit: usize) -> Result<Vec<RunSummary>, Failure> {
        self.read(|tx| summaries(tx, "ORDER BY id DESC LIMIT ?1", to_sql(limit as u64)))
    }

    fn drop_ballast(&mut self) {
        if let Some(ballast) = self.ballast.take() {
            ballast.release();
        }
    }
}

fn insert_run(
    tx: &Transaction<'_>,
    kind: RunKind,
    plan: &Plan,
    info: &RunInfo,
    epoch: u64,
) -> Result<u64, Trouble> {
    tx.execute(
        "INSERT INTO run (kind, status, direction, epoch, started_at, steps, info)
         VALUES (?1, 'open', 'forward', ?2, ?3, ?4, ?5)",
        params![word(&kind)?, to_sql(epoch), info.started_at, to_sql(plan.steps.len() as u64), json(info)?],
    )?;
    let run = tx.last_insert_rowid();
    let sql = "INSERT INTO plan (run, format, body) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![run, plan.format, json(plan)?])?;
    let mut insert =
        tx.prepare_cached("INSERT INTO step (run, position, status) VALUES (?1, ?2, 'planned')")?;
    for position in 0..plan.steps.len() {
        insert.execute(params![run, to_sql(position as u64)])?;
    }
    Ok(from_sql(run))
}

fn step_event(
    tx: &Transaction<'_>,
    run: &RunHandle,
    step: usize,
    event: StepEvent,
    evidence: Option<&Evidence>,
) -> Result<(), Trouble> {
    let place = (to_sql(run.id), to_sql(step as u64));
    let status: Option<String> = tx
        .prepare_cached("SELECT status FROM step WHERE run = ?1 AND position = ?2")?
        .query_row(place, |row| row.get(0))
        .optional()?;
    let Some(status) = status else {
        return Err(Diagnostic::bug(format!("Run {} has no step {step}", run.id)).into());
    };
    let what = format!("step {step} of run {}", run.id);
    let status = StepStatus::from_word(&status).ok_or_else(|| records::unreadable(&what, &status))?;
    let after =
        journal::next(status, event).map_err(|illegal| Diagnostic::bug(format!("{what}: {illegal}")))?;
    let sql = if event.is_undo() {
        "UPDATE step SET status = ?3, undo_evidence = coalesce(?4, undo_evidence) WHERE run = ?1 AND position = ?2"
    } else {
        "UPDATE step SET status = ?3, evidence = coalesce(?4, evidence) WHERE run = ?1 AND position = ?2"
    };
    let evidence = evidence.map(|evidence| json(&evidence.bounded())).transpose()?;
    tx.prepare_cached(sql)?.execute(params![place.0, place.1, after.word(), evidence])?;
    Ok(())
}

impl Evidence {
    fn bounded(&self) -> Evidence {
        Evidence { stdout: end_of(&self.stdout), stderr: end_of(&self.stderr), ..self.clone() }
    }
}

/// The end says what went wrong; the beginning is dropped.
fn end_of(text: &str) -> String {
    let mut start = text.len().saturating_sub(EVIDENCE_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}

fn statuses(tx: &Transaction<'_>, run: u64) -> Result<Vec<StepStatus>, Trouble> {
    let mut statement = tx.prepare_cached("SELECT status FROM step WHERE run = ?1 ORDER BY position")?;
    let words = statement.query_map([to_sql(run)], |row| row.get::<_, String>(0))?;
    words
        .map(|text| {
            let text = text?;
            let known = StepStatus::from_word(&text);
            known.ok_or_else(|| records::unreadable(&format!("a step of run {run}"), &text).into())
        })
        .collect()
}

/// The run must be this handle's and open. Returns its direction.
fn check_open(tx: &Transaction<'_>, run: &RunHandle) -> Result<Direction, Trouble> {
    store::check_epoch(tx, run.epoch)?;
    let direction: Option<String> = tx
        .prepare_cached("SELECT direction FROM run WHERE id = ?1 AND status IN ('open', 'stuck')")?
        .query_row([to_sql(run.id)], |row| row.get(0))
        .optional()?;
    let direction = direction.ok_or_else(|| not_open(run.id))?;
    Ok(from_word(&format!("run {}", run.id), &direction)?)
}

/// A run is closed only when it is known of every step what became of it.
fn check_settled(tx: &Transaction<'_>, run: u64) -> Result<(), Trouble> {
    let unsettled: Option<(i64, String)> = tx
        .prepare_cached(
            "SELECT position, status FROM step
             WHERE run = ?1 AND status IN ('intent', 'answered', 'in_doubt', 'undo_intent') LIMIT 1",
        )?
        .query_row([to_sql(run)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match unsettled {
        None => Ok(()),
        Some((step, status)) => {
            let what = format!("Run {run} was to be closed while its step {step} is {status}");
            Err(Diagnostic::bug(what).into())
        }
    }
}

pub(super) fn open_summary(tx: &Transaction<'_>) -> Result<Option<RunSummary>, Trouble> {
    Ok(summaries(tx, "WHERE status IN ('open', 'stuck') LIMIT ?1", 1)?.pop())
}

fn summaries(tx: &Transaction<'_>, which: &str, parameter: i64) -> Result<Vec<RunSummary>, Trouble> {
    let sql = format!(
        "SELECT id, kind, status, direction, epoch, started_at, closed_at, steps, info, note FROM run {which}"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query([parameter])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(summary(row)?);
    }
    Ok(found)
}

fn summary(row: &Row<'_>) -> Result<RunSummary, Trouble> {
    let id = from_sql(row.get(0)?);
    let what = format!("run {id}");
    let info: String = row.get(8)?;
    let info: RunInfo = serde_json::from_str(&info).map_err(|error| records::unreadable(&what, &error))?;
    Ok(RunSummary {
        id,
        kind: from_word(&what, &row.get::<_, String>(1)?)?,
        status: from_word(&what, &row.get::<_, String>(2)?)?,
        direction: from_word(&what, &row.get::<_, String>(3)?)?,
        epoch: from_sql(row.get(4)?),
        started_at: row.get(5)?,
        closed_at: row.get(6)?,
        steps: from_sql(row.get(7)?),
        holder: info.holder,
        note: row.get(9)?,
    })
}

/// Old closed runs keep their line in the history and lose their plan and journal, which can be large.
fn drop_old_details(tx: &Transaction<'_>) -> Result<(), Trouble> {
    let old = "SELECT id FROM run WHERE closed_at IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET ?1";
    tx.execute(&format!("DELETE FROM step WHERE run IN ({old})"), [DETAILED_RUNS])?;
    tx.execute(&format!("DELETE FROM plan WHERE run IN ({old})"), [DETAILED_RUNS])?;
    Ok(())
}

pub(super) fn refuse_open_run(tx: &Transaction<'_>) -> Result<(), Trouble> {
    let Some(run) = open_summary(tx)? else { return Ok(()) };
    let detail = format!(
        "Run {} by {} was interrupted, or is still going on. Until it is closed nobody knows what is on the hosts, so \
         nothing else is begun. `vbs recover` shows what it left and closes it.",
        run.id, run.holder
    );
    Err(Failure::new(Exit::Locked, Diagnostic::error("An unfinished run must be recovered first", detail))
        .into())
}

fn no_ballast(store: &Store, error: &std::io::Error) -> Failure {
    let full = matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge
    );
    if full {
        trouble::full_disk(store.path()).into()
    } else {
        trouble::not_writable(store.path(), &error.to_string()).into()
    }
}

fn not_open(run: u64) -> Failure {
    let detail = format!("Run {run} was closed by another process. Nothing was changed. See `vbs plan`.");
    Failure::new(Exit::Locked, Diagnostic::error("The run is closed already", detail))
}

fn unknown_format(run: u64, format: i64) -> Failure {
    let detail = format!(
        "Run {run} was begun by a version of vbs that writes plans in format {format}; this one knows format {}. It \
         must be closed by the version that began it, or a newer one: guessing could lose data. Nothing was changed.",
        plan::FORMAT
    );
    Failure::new(Exit::Locked, Diagnostic::error("The open run was begun by another version", detail))
}

/// The word that serde has for a plain enum: the same in the tables as in JSON.
fn word(value: &impl Serialize) -> Result<String, Trouble> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

fn from_word<T: serde::de::DeserializeOwned>(what: &str, word: &str) -> Result<T, Diagnostic> {
    serde_json::from_value(serde_json::Value::from(word)).map_err(|error| records::unreadable(what, &error))
}
