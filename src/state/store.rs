//! The database: opening it with care, and the one way to write to it.
#![expect(clippy::disallowed_types, reason = "the state room is where the database is")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::ballast::Ballast;
use super::contents::Contents;
use super::outputs::StoredOutput;
use super::records::{self, Recorded};
use super::trouble::{self, Trouble};
use super::{files, runs};
use crate::diag::Diagnostic;
use crate::exit::{Exit, Failure};
use crate::faults::{Class, boundary};
use crate::plan::step::Effect;

/// "vbs1": tells our databases from others.
const APPLICATION_ID: i64 = 0x7662_7331;

/// Each takes a state from the version that is its index to the next one.
const MIGRATIONS: [&str; 1] = [include_str!("schema/0001.sql")];

/// The version that this program reads and writes.
const VERSION: usize = MIGRATIONS.len();

/// What a state is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Needs no lock; sees the last commit, even while a run is open.
    Read,
    /// For whoever holds the workspace's lock.
    Write,
}

/// An open state: one connection.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    access: Access,
    lineage: Uuid,
    workspace: String,
    /// As this process last read or wrote them: a write by anybody else shows as a difference.
    serial: u64,
    epoch: u64,
    commits: u64,
    pub(super) ballast: Option<Ballast>,
}

/// The row of `meta`.
struct Meta {
    lineage: Uuid,
    workspace: String,
    serial: u64,
    epoch: u64,
}

impl Store {
    /// Opens the state at `path`; nothing where there is none yet.
    ///
    /// # Errors
    /// Where what is there is not a whole state of this workspace, written by this version or an older one, on a
    /// local disk, that nobody else can write; where it cannot be opened. The file is left as it is.
    pub fn open(path: &Path, workspace: &str, access: Access) -> Result<Option<Store>, Failure> {
        let store = Store::open_any(path, access)?;
        match store {
            Some(store) if store.workspace != workspace => {
                Err(other_workspace(&store.path, &store.workspace, workspace).into())
            }
            opened => Ok(opened),
        }
    }

    /// [`Store::open`] whichever workspace the state is of: for looking into it while the configuration cannot be
    /// read. Nothing must be planned from it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_any(path: &Path, access: Access) -> Result<Option<Store>, Failure> {
        let Some(path) = files::resolve(path)? else { return Ok(None) };
        let Some(found) = files::inspect(&path)? else { return Ok(None) };
        if found.len() == 0 {
            let what = format!("{} has no content: it was truncated.", path.display());
            return Err(trouble::damaged(&path, "The state is empty", &what).into());
        }
        files::refuse_network(&path)?;
        if access == Access::Write {
            files::refuse_read_only(&path)?;
        }
        let opened = connect(&path, access).and_then(|mut connection| {
            check_version(&mut connection, &path, access)?;
            let meta = read_meta(&connection)?;
            Ok((connection, meta))
        });
        let (connection, meta) = opened.map_err(|trouble| trouble.into_failure(&path))?;
        let Meta { lineage, workspace, serial, epoch } = meta;
        let store =
            Store { connection, path, access, lineage, workspace, serial, epoch, commits: 0, ballast: None };
        if access == Access::Write && !store.has_open_run()? {
            // Left by a process that was killed just before its run was begun, or just after it was closed.
            Ballast::discard(&store.path);
        }
        Ok(Some(store))
    }

    /// Makes the state of a new workspace, whole or not at all, and opens it for writing. For whoever holds the
    /// workspace's lock.
    ///
    /// # Errors
    /// Where there is one already, or it cannot be written.
    pub fn create(path: &Path, workspace: &str, lineage: Uuid) -> Result<Store, Failure> {
        files::make_directory(path)?;
        let missing = || trouble::not_writable(path, "its directory vanished");
        let path = files::resolve(path)?.ok_or_else(missing)?;
        files::refuse_network(&path)?;
        files::refuse_read_only(&path)?;
        let temporary = files::beside(&path, &format!(".new-{}", Uuid::new_v4().simple()));
        let created = files::create_private(&temporary)
            .map_err(|error| files::cannot(&temporary, &error).into())
            .and_then(|_| fill(&temporary, workspace, lineage).map_err(|t| t.into_failure(&path)))
            .and_then(|()| files::set_orphans_aside(&path).map_err(|e| files::cannot(&path, &e).into()))
            .and_then(|()| {
                files::publish(&temporary, &path).map_err(|error| exists_or(&path, &error).into())
            });
        if let Err(failure) = created {
            files::remove_if_there(&temporary);
            return Err(failure);
        }
        Store::open(&path, workspace, Access::Write)?.ok_or_else(|| missing().into())
    }

    /// Whose marks are ours.
    pub fn lineage(&self) -> Uuid {
        self.lineage
    }

    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    pub fn serial(&self) -> u64 {
        self.serial
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The file, with its directory free of links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many write transactions this process committed: tests bound it.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Everything, as of one moment.
    ///
    /// # Errors
    /// Where the state cannot be read, or says something that this version does not understand.
    pub fn snapshot(&self) -> Result<Recorded, Failure> {
        self.read(|tx| {
            let meta = read_meta(tx)?;
            let contents = records::load(tx)?;
            Ok(Recorded {
                lineage: meta.lineage,
                workspace: meta.workspace,
                serial: meta.serial,
                epoch: meta.epoch,
                records: contents.records,
                containers: contents.containers,
                trash: contents.trash,
                hosts: contents.hosts,
                outputs: records::load_outputs(tx)?,
                open_run: runs::open_summary(tx)?,
            })
        })
    }

    /// Changes what is recorded without a run: `state mv`, `state rm`, a refresh. `now` stamps what goes to the trash.
    ///
    /// # Errors
    /// Where a run is open, somebody else wrote since this store was opened, or the effects contradict the state.
    pub fn write(&mut self, effects: &[Effect], now: i64) -> Result<(), Failure> {
        let (serial, epoch) = (self.serial, self.epoch);
        self.serial = self.transact(|tx| {
            check_unchanged(tx, serial, epoch)?;
            runs::refuse_open_run(tx)?;
            let before = records::load(tx)?;
            let mut after = before.clone();
            after.apply(effects, now)?;
            bump_serial(tx, serial, records::save(tx, &before, &after)?)
        })?;
        Ok(())
    }

    /// Replaces everything that is recorded, as `state rebuild` found it. The epoch becomes larger than
    /// `epochs_seen`, the largest one on any host, so that no older run changes anything any more.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn replace_all(&mut self, contents: &Contents, epochs_seen: u64) -> Result<(), Failure> {
        let (serial, epoch) = (self.serial, self.epoch);
        let raised = epoch.max(epochs_seen) + 1;
        let mut after = contents.clone();
        after.apply(&[], 0)?;
        self.serial = self.transact(|tx| {
            check_unchanged(tx, serial, epoch)?;
            runs::refuse_open_run(tx)?;
            let before = records::load(tx)?;
            let changed = records::save(tx, &before, &after)?;
            set_epoch(tx, raised)?;
            bump_serial(tx, serial, changed)
        })?;
        self.epoch = raised;
        Ok(())
    }

    /// Replaces the outputs without a run, after [`Store::replace_all`].
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn replace_outputs(&mut self, outputs: &[StoredOutput]) -> Result<(), Failure> {
        let (serial, epoch) = (self.serial, self.epoch);
        self.serial = self.transact(|tx| {
            check_unchanged(tx, serial, epoch)?;
            runs::refuse_open_run(tx)?;
            bump_serial(tx, serial, records::save_outputs(tx, outputs)?)
        })?;
        Ok(())
    }

    /// Raises the epoch whatever it is: after a take-over, a stopped holder that goes on changes nothing any more.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn fence(&mut self) -> Result<u64, Failure> {
        self.epoch = self.transact(|tx| {
            let raised = read_meta(tx)?.epoch + 1;
            set_epoch(tx, raised)?;
            Ok(raised)
        })?;
        Ok(self.epoch)
    }

    pub(super) fn learn(&mut self, serial: u64, epoch: u64) {
        self.serial = serial;
        self.epoch = epoch;
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        self.connection
            .unchecked_transaction()
            .map_err(Trouble::from)
            .and_then(|tx| work(&tx))
            .map_err(|trouble| trouble.into_failure(&self.path))
    }

    /// The one way to write: all of `work` or nothing. On a full disk the ballast is given up and the work tried once
    /// more, so that a run that was begun can be closed.
    pub(super) fn transact<T>(
        &mut self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        if self.access == Access::Read {
            return Err(Diagnostic::bug("A state that was opened for reading was to be written").into());
        }
        let done = match self.try_transact(&work) {
            Err(trouble) if trouble.is_full_disk() && self.give_up_ballast() => self.try_transact(&work),
            other => other,
        };
        match done {
            Ok(value) => {
                self.commits += 1;
                Ok(value)
            }
            Err(trouble) if trouble.is_full_disk() => Err(trouble::full_disk(&self.path).into()),
            Err(trouble) => Err(trouble.into_failure(&self.path)),
        }
    }

    fn try_transact<T>(
        &mut self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&tx)?;
        boundary(Class::BeforeCommit);
        tx.commit()?;
        tracing::debug!("commit");
        boundary(Class::AfterCommit);
        Ok(value)
    }

    /// Whether there was any.
    fn give_up_ballast(&mut self) -> bool {
        let Some(ballast) = self.ballast.take() else { return false };
        ballast.release();
        lift_page_limit(&self.connection);
        true
    }
}

fn connect(path: &Path, access: Access) -> Result<Connection, Trouble> {
    let how = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = how
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    if let Some(pages) = page_limit().filter(|_| access == Access::Write) {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

/// `VBS_MAX_PAGES` makes a full disk for tests; a release has no such thing.
fn page_limit() -> Option<i64> {
    #[cfg(debug_assertions)]
    {
        #[expect(clippy::disallowed_methods, reason = "fault injection, absent from releases")]
        let limit = std::env::var("VBS_MAX_PAGES").ok()?.parse().ok();
        limit
    }
    #[cfg(not(debug_assertions))]
    None
}

/// The page limit of tests stands for a full disk, so it gives way to four mebibytes, as the disk would.
fn lift_page_limit(connection: &Connection) {
    if cfg!(debug_assertions) {
        let pages = connection.pragma_query_value(None, "max_page_count", |row| row.get::<_, i64>(0));
        // An error here shows as the full disk it is about.
        let _ = pages.and_then(|pages| connection.pragma_update(None, "max_page_count", pages + 1024));
    }
}

/// Writes schema and identity into an empty file, and leaves one complete file behind.
fn fill(path: &Path, workspace: &str, lineage: Uuid) -> Result<(), Trouble> {
    let mut connection = connect(path, Access::Write)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate(&tx, 0)?;
    tx.execute(
        "INSERT INTO meta (one, lineage, workspace, serial, epoch) VALUES (1, ?1, ?2, 0, 0)",
        params![lineage.to_string(), workspace],
    )?;
    tx.commit()?;
    connection.close().map_err(|(_, error)| error.into())
}

fn migrate(tx: &Transaction<'_>, from: usize) -> Result<(), Trouble> {
    for migration in &MIGRATIONS[from..] {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "user_version", VERSION as i64)?;
    Ok(())
}

fn check_version(connection: &mut Connection, path: &Path, access: Access) -> Result<(), Trouble> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(0);
    if application != APPLICATION_ID || version == 0 {
        let what = format!("{} is a database of something else, not a state of vbs.", path.display());
        return Err(Diagnostic::error("The state is not one of vbs", what).into());
    }
    if version > VERSION {
        let detail = format!(
            "{} has version {version}, and this vbs knows versions up to {VERSION}. Writing it would lose what the \
             newer one remembers. Use the vbs that wrote it, or a newer one.",
            path.display()
        );
        return Err(Diagnostic::error("The state was written by a newer vbs", detail).into());
    }
    if version == VERSION {
        return Ok(());
    }
    if access == Access::Read {
        let detail = format!(
            "{} has version {version}, this vbs reads version {VERSION}. A command that writes, such as `vbs apply`, \
             converts it.",
            path.display()
        );
        return Err(Diagnostic::error("The state was written by an older vbs", detail).into());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    migrate(&tx, version)?;
    Ok(tx.commit()?)
}

fn read_meta(connection: &Connection) -> Result<Meta, Trouble> {
    let row = connection
        .prepare_cached("SELECT lineage, workspace, serial, epoch FROM meta")?
        .query_row([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((lineage, workspace, serial, epoch)) = row else {
        return Err(records::unreadable("itself", &"it has no identity").into());
    };
    let lineage = lineage.parse().map_err(|error| records::unreadable("its lineage", &error))?;
    Ok(Meta { lineage, workspace, serial: from_sql(serial), epoch: from_sql(epoch) })
}

/// Refuses to go on where anybody else wrote since this process last looked.
pub(super) fn check_unchanged(tx: &Transaction<'_>, serial: u64, epoch: u64) -> Result<(), Trouble> {
    let meta = read_meta(tx)?;
    if (meta.serial, meta.epoch) == (serial, epoch) {
        return Ok(());
    }
    let detail = format!(
        "It had serial {serial} and epoch {epoch} when it was read, and has serial {} and epoch {} now: another run \
         was here. Nothing was changed. Plan again.",
        meta.serial, meta.epoch
    );
    Err(Failure::new(Exit::Locked, Diagnostic::error("The state changed meanwhile", detail)).into())
}

/// Refuses a run that was fenced off.
pub(super) fn check_epoch(tx: &Transaction<'_>, epoch: u64) -> Result<(), Trouble> {
    let found = read_meta(tx)?.epoch;
    if found == epoch {
        return Ok(());
    }
    let detail = format!(
        "It has epoch {epoch}, and the state is at epoch {found}: another process took over. This one wrote nothing \
         more and sends nothing more. What is left to be done, the other one does; see `vbs unlock`."
    );
    Err(Failure::new(Exit::Locked, Diagnostic::error("This run was fenced off", detail)).into())
}

/// Serial and epoch, as they are now.
pub(super) fn counters(tx: &Transaction<'_>) -> Result<(u64, u64), Trouble> {
    read_meta(tx).map(|meta| (meta.serial, meta.epoch))
}

pub(super) fn set_epoch(tx: &Transaction<'_>, epoch: u64) -> Result<(), Trouble> {
    tx.execute("UPDATE meta SET epoch = ?1", [to_sql(epoch)])?;
    Ok(())
}

/// The serial after a change, or the same one where there was none.
pub(super) fn bump_serial(tx: &Transaction<'_>, serial: u64, changed: bool) -> Result<u64, Trouble> {
    if !changed {
        return Ok(serial);
    }
    tx.execute("UPDATE meta SET serial = ?1", [to_sql(serial + 1)])?;
    Ok(serial + 1)
}

fn exists_or(path: &Path, error: &std::io::Error) -> Diagnostic {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        return Diagnostic::error(
            "There is a state already",
            format!("{} appeared meanwhile. It was left as it is. Run the command again.", path.display()),
        );
    }
    files::cannot(path, error)
}

fn other_workspace(path: &Path, found: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error(
        "The state belongs to another workspace",
        format!(
            "{} remembers workspace {found:?}, and the configuration is of workspace {wanted:?}: everything in the \
             one would be destroyed for the other. Name the state that belongs here with --state, or give the \
             workspace its old name.",
            path.display()
        ),
    )
}

/// SQLite counts in signed 64 bits; nothing of ours comes near their end.
pub(super) fn to_sql(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The tables hold no negative numbers: their CHECKs say so.
pub(super) fn from_sql(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
