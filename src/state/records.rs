//! Records, containers, trash and outputs as rows.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::contents::Contents;
use super::outputs::StoredOutput;
use super::runs::RunSummary;
use super::trouble::Trouble;
use crate::diag::Diagnostic;
use crate::model::{Address, ContainerRecord, HostName, HostSpec, ObjectKey, Record, TrashEntry};

/// Everything in the state, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub lineage: Uuid,
    pub workspace: String,
    /// Grows with every change of what is recorded.
    pub serial: u64,
    /// Grows with every run; a run with an older one changes nothing any more.
    pub epoch: u64,
    pub records: BTreeMap<ObjectKey, Record>,
    pub containers: BTreeMap<Address, ContainerRecord>,
    pub trash: BTreeMap<Uuid, TrashEntry>,
    pub hosts: BTreeMap<HostName, HostSpec>,
    /// By name.
    pub outputs: Vec<StoredOutput>,
    /// The run that must be recovered first, if there is one.
    pub open_run: Option<RunSummary>,
}

/// Reads what the state knows of the world.
pub(super) fn load(tx: &Transaction<'_>) -> Result<Contents, Trouble> {
    let records = rows::<Record>(tx, "SELECT key, body FROM record")?;
    let containers = rows::<ContainerRecord>(tx, "SELECT address, body FROM container")?;
    let trash = rows::<TrashEntry>(tx, "SELECT id, body FROM trash")?;
    let hosts = rows::<HostSpec>(tx, "SELECT name, body FROM host")?;
    Ok(Contents {
        hosts: hosts.into_iter().map(|host| (host.name.clone(), host)).collect(),
        records: records.into_iter().map(|record| (record.object.key.clone(), record)).collect(),
        containers: containers.into_iter().map(|record| (record.spec.address.clone(), record)).collect(),
        trash: trash.into_iter().map(|entry| (entry.id, entry)).collect(),
    })
}

pub(super) fn load_outputs(tx: &Transaction<'_>) -> Result<Vec<StoredOutput>, Trouble> {
    rows(tx, "SELECT name, body FROM output ORDER BY name")
}

/// Writes the rows that differ, and says whether any did. All that go, go first: an id or a key may change hands.
pub(super) fn save(tx: &Transaction<'_>, before: &Contents, after: &Contents) -> Result<bool, Trouble> {
    let records = Difference::of(&before.records, &after.records);
    let containers = Difference::of(&before.containers, &after.containers);
    let trash = Difference::of(&before.trash, &after.trash);
    let hosts = Difference::of(&before.hosts, &after.hosts);
    hosts.delete(tx, "DELETE FROM host WHERE name = ?1")?;
    records.delete(tx, "DELETE FROM record WHERE key = ?1")?;
    trash.delete(tx, "DELETE FROM trash WHERE id = ?1")?;
    containers.delete(tx, "DELETE FROM container WHERE address = ?1")?;
    let mut insert = tx.prepare_cached("INSERT INTO host (name, body) VALUES (?1, ?2)")?;
    for (name, host) in &hosts.put {
        insert.execute(params![name.to_string(), json(host)?])?;
    }
    let mut insert = tx.prepare_cached("INSERT INTO container (address, body) VALUES (?1, ?2)")?;
    for (address, record) in &containers.put {
        insert.execute(params![address.to_string(), json(record)?])?;
    }
    let mut insert =
        tx.prepare_cached("INSERT INTO record (key, id, container, body) VALUES (?1, ?2, ?3, ?4)")?;
    for (key, record) in &records.put {
        let (id, container) = (record.object.id.to_string(), record.object.container.to_string());
        insert.execute(params![key.to_string(), id, container, json(record)?])?;
    }
    let mut insert = tx.prepare_cached("INSERT INTO trash (id, container, body) VALUES (?1, ?2, ?3)")?;
    for (id, entry) in &trash.put {
        let container = entry.record.object.container.to_string();
        insert.execute(params![id.to_string(), container, json(entry)?])?;
    }
    Ok(!(records.is_empty() && containers.is_empty() && trash.is_empty() && hosts.is_empty()))
}

/// Replaces the outputs, and says whether any is new or different.
pub(super) fn save_outputs(tx: &Transaction<'_>, outputs: &[StoredOutput]) -> Result<bool, Trouble> {
    let mut sorted: Vec<&StoredOutput> = outputs.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    if load_outputs(tx)?.iter().eq(sorted.iter().copied()) {
        return Ok(false);
    }
    tx.execute("DELETE FROM output", [])?;
    let mut insert = tx.prepare_cached("INSERT INTO output (name, body) VALUES (?1, ?2)")?;
    for output in sorted {
        insert.execute(params![output.name, json(output)?])?;
    }
    Ok(true)
}

/// What leaves a table and what enters it; a row that changes does both.
struct Difference<'a, K, V> {
    gone: BTreeSet<&'a K>,
    put: Vec<(&'a K, &'a V)>,
}

impl<'a, K: Ord + ToString, V: PartialEq> Difference<'a, K, V> {
    fn of(before: &'a BTreeMap<K, V>, after: &'a BTreeMap<K, V>) -> Self {
        Difference {
            gone: before
                .iter()
                .filter(|(key, value)| after.get(key) != Some(value))
                .map(|(key, _)| key)
                .collect(),
            put: after.iter().filter(|(key, value)| before.get(key) != Some(value)).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.put.is_empty()
    }

    fn delete(&self, tx: &Transaction<'_>, sql: &str) -> Result<(), Trouble> {
        let mut delete = tx.prepare_cached(sql)?;
        for key in &self.gone {
            delete.execute([key.to_string()])?;
        }
        Ok(())
    }
}

/// Every row of a query for `(name, body)`, read from JSON.
fn rows<T: DeserializeOwned>(tx: &Transaction<'_>, sql: &str) -> Result<Vec<T>, Trouble> {
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        match serde_json::from_str(body) {
            Ok(value) => found.push(value),
            Err(error) => return Err(unreadable(&row.get::<_, String>(0)?, &error).into()),
        }
    }
    Ok(found)
}

/// What is stored cannot be understood. Skipping it would leak what it stands for.
pub(super) fn unreadable(what: &str, why: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(
        "The state cannot be understood",
        format!(
            "What it says of {what} cannot be read: {why}. Nothing was skipped or changed. It was written by another \
             version of vbs or altered by hand: use that version, or put a backup in place."
        ),
    )
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Trouble> {
    serde_json::to_string(value)
        .map_err(|error| Diagnostic::bug(format!("A value has no JSON form: {error}")).into())
}
