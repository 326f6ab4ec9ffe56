//! The state file, read as the plain database that it is.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// What the state says, with the bodies as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    pub lineage: String,
    pub records: BTreeMap<String, Value>,
    pub trash: BTreeMap<String, Value>,
    pub containers: BTreeMap<String, Value>,
    pub outputs: BTreeMap<String, Value>,
}

/// The runs and their journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    /// Status of every run, oldest first.
    pub runs: Vec<String>,
    /// Statuses of steps that are not settled, with the run's own status.
    pub open_steps: Vec<String>,
    /// What SQLite says of the file.
    pub integrity: String,
}

fn open(path: &Path) -> Option<Connection> {
    path.exists().then(|| Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap())
}

impl Rows {
    /// Nothing where there is no state.
    pub fn read(path: &Path) -> Rows {
        let Some(connection) = open(path) else { return Rows::default() };
        let table = |sql: &str| -> BTreeMap<String, Value> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
            rows.unwrap()
                .map(Result::unwrap)
                .map(|(key, body)| (key, serde_json::from_str(&body).unwrap()))
                .collect()
        };
        Rows {
            lineage: connection.query_row("SELECT lineage FROM meta", [], |row| row.get(0)).unwrap(),
            records: table("SELECT key, body FROM record"),
            trash: table("SELECT id, body FROM trash"),
            containers: table("SELECT address, body FROM container"),
            outputs: table("SELECT name, body FROM output"),
        }
    }
}

impl Journal {
    pub fn read(path: &Path) -> Journal {
        let Some(connection) = open(path) else {
            return Journal { integrity: "ok".to_owned(), ..Journal::default() };
        };
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        Journal {
            runs: texts("SELECT status FROM run ORDER BY id"),
            open_steps: texts(
                "SELECT run.id || ' (' || run.status || ') step ' || step.position || ': ' || step.status
                 FROM step JOIN run ON run.id = step.run
                 WHERE step.status NOT IN ('done', 'not_done', 'undone')",
            ),
            integrity: texts("PRAGMA integrity_check").join("; "),
        }
    }

    pub fn is_open(&self) -> bool {
        self.runs.iter().any(|status| status == "open" || status == "stuck")
    }
}
