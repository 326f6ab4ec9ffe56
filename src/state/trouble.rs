//! Problems of the database, in words that say what is lost (nothing) and what to do.

use std::path::Path;

use rusqlite::ErrorCode;

use super::backup;
use crate::diag::Diagnostic;
use crate::exit::{Exit, Failure};

/// Why a piece of work on the database ended early.
#[derive(Debug)]
pub(super) enum Trouble {
    Sql(rusqlite::Error),
    /// Something of ours refused; the transaction is rolled back.
    Refused(Failure),
}

impl Trouble {
    /// Whether room on the disk is what was missing. A write cut short by a quota or a file-size limit counts.
    pub(super) fn is_full_disk(&self) -> bool {
        let Trouble::Sql(error) = self else { return false };
        is_full_disk(error)
    }

    pub(super) fn into_failure(self, path: &Path) -> Failure {
        match self {
            Trouble::Refused(failure) => failure,
            Trouble::Sql(error) => explain(path, &error),
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Trouble::Sql(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Refused(failure)
    }
}

impl From<Diagnostic> for Trouble {
    fn from(diagnostic: Diagnostic) -> Self {
        Trouble::Refused(diagnostic.into())
    }
}

fn is_full_disk(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error
            .sqlite_error()
            .is_some_and(|e| matches!(e.extended_code, SQLITE_IOERR_WRITE | SQLITE_IOERR_SHMSIZE))
}

/// A database error as a user should read it.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> Failure {
    if is_full_disk(error) {
        return full_disk(path).into();
    }
    let shown = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => damaged(
            path,
            "The state is not a database",
            &format!("{shown} is no SQLite database. It was overwritten, or is another file."),
        )
        .into(),
        Some(ErrorCode::DatabaseCorrupt) => damaged(
            path,
            "The state is damaged",
            &format!("{shown} is truncated or damaged ({error}). It was left as it is."),
        )
        .into(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::new(
            Exit::Locked,
            Diagnostic::error(
                "The state is busy",
                format!("Another process is writing {shown}. Nothing was changed. Try again in a moment."),
            ),
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            not_writable(path, &error.to_string()).into()
        }
        Some(ErrorCode::SystemIoFailure) => Diagnostic::error(
            "The state could not be read or written",
            format!("{shown}: {error}. Nothing that was committed is lost. Look at the disk and at `dmesg`."),
        )
        .into(),
        _ => Diagnostic::bug(format!("The database {shown} answered: {error}")).into(),
    }
}

pub(super) fn full_disk(path: &Path) -> Diagnostic {
    Diagnostic::error(
        "The disk that holds the state is full",
        format!(
            "{} could not be written: the disk, a quota or a limit on the size of files is exhausted. No command was sent without its intent being on disk, and nothing that was \
             committed is lost. Make room and run `vbs recover` if it says that a run is open.",
            path.display()
        ),
    )
}

pub(super) fn not_writable(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::error(
        "The state cannot be opened",
        format!(
            "{}: {why}. vbs must be able to write the file and its directory. Nothing was changed.",
            path.display()
        ),
    )
}

/// A problem that a backup mends.
pub(super) fn damaged(path: &Path, summary: &'static str, what: &str) -> Diagnostic {
    match backup::newest(path) {
        Some(newest) => Diagnostic::error(
            summary,
            format!(
                "{what} Keep it aside and put the newest backup in its place; it was made before the last run and \
                 does not know that one. `vbs state rebuild` then writes it anew from what is on the hosts:"
            ),
        )
        .literal(format!("mv {0} {0}.damaged", path.display()))
        .literal(format!("cp -p {} {}", newest.display(), path.display()))
        .literal("vbs state rebuild"),
        None => Diagnostic::error(
            summary,
            format!(
                "{what} There is no backup beside it. Move it aside and run `vbs state rebuild`, which finds every \
                 object on its host again."
            ),
        ),
    }
}
