//! Copies of the state, made before each run: the newest five.
#![expect(clippy::disallowed_methods, reason = "the state room reads and writes its own files")]

use std::fs;
use std::path::{Path, PathBuf};

use super::files;
use super::store::Store;
use super::trouble::Trouble;
use crate::exit::Failure;

/// How many are kept.
const KEPT: usize = 5;

impl Store {
    /// Copies the state into `<file>.backups/NNNN-<serial>.db` and removes all but the newest five. Returns the
    /// copy's path.
    ///
    /// # Errors
    /// Where the copy cannot be written; the state and the older copies are untouched.
    pub fn backup(&self) -> Result<PathBuf, Failure> {
        let directory = directory_of(self.path());
        files::make_directory(&directory.join("x"))?;
        let existing = list(self.path());
        let number = existing.last().map_or(1, |(number, _)| number + 1);
        let path = directory.join(format!("{number:04}-{}.db", self.serial()));
        // SQLite writes into an empty file as into a new one, and keeps its mode.
        let temporary = files::beside(&path, ".new");
        let _ = fs::remove_file(&temporary);
        files::create_private(&temporary).map_err(|error| files::cannot(&temporary, &error))?;
        let copied = self
            .connection()
            .execute("VACUUM INTO ?1", [temporary.to_string_lossy()])
            .map_err(|error| Trouble::from(error).into_failure(self.path()))
            .and_then(|_| files::publish(&temporary, &path).map_err(|e| files::cannot(&path, &e).into()));
        if let Err(failure) = copied {
            let _ = fs::remove_file(&temporary);
            return Err(failure);
        }
        for (_, old) in existing.iter().rev().skip(KEPT - 1) {
            fs::remove_file(old).map_err(|error| files::cannot(old, &error))?;
        }
        Ok(path)
    }
}

/// The newest backup of the state at `path`.
pub fn newest(path: &Path) -> Option<PathBuf> {
    list(path).pop().map(|(_, path)| path)
}

/// The backups of the state at `path`, oldest first, with their numbers.
fn list(path: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = fs::read_dir(directory_of(path)) else { return Vec::new() };
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (number, _) = name.strip_suffix(".db")?.split_once('-')?;
            Some((number.parse().ok()?, entry.path()))
        })
        .collect();
    found.sort();
    found
}

fn directory_of(path: &Path) -> PathBuf {
    files::beside(path, ".backups")
}
