//! One writer a workspace: a lock of the operating system, which dies with its process, and a few words in the lock
//! file about who holds it.
#![expect(clippy::disallowed_methods, reason = "the state room reads and writes its own files")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::files;
use crate::diag::Diagnostic;
use crate::exit::{Exit, Failure};

/// How often a lock that somebody else holds is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// The most that is read of what a lock file says.
const LIMIT: u64 = 16 << 10;

/// Who holds a lock, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// `alice`
    pub who: String,
    /// The machine.
    pub host: String,
    pub pid: u32,
    /// The command: `apply`.
    pub doing: String,
    /// As a text, such as `2026-11-22T17:00:00Z`: nothing is decided by it.
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} on {} (vbs {}, pid {}, since {})",
            self.who, self.host, self.doing, self.pid, self.since
        )
    }
}

/// What `vbs unlock` finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody holds the lock.
    Free,
    /// Somebody does, and may have said who.
    Held(Option<Holder>),
}

/// A held lock. Let go when it is dropped, and when the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of the state at `state`, waiting for at most `timeout` for somebody else.
    ///
    /// # Errors
    /// [`Exit::Locked`] where somebody holds it for the whole time; the message says who.
    pub fn acquire(state: &Path, holder: &Holder, timeout: Duration) -> Result<Lock, Failure> {
        files::make_directory(state)?;
        let path = path_of(state)?;
        files::refuse_network(&path)?;
        // One pause at least: `Lock::holder` may be looking just now.
        let (begun, timeout) = (Instant::now(), timeout.max(PAUSE));
        loop {
            if let Some(file) = try_once(&path)? {
                let mut lock = Lock { file, path };
                lock.say(holder).map_err(|error| files::cannot(&lock.path, &error))?;
                return Ok(lock);
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(held(&path));
            }
            thread::sleep(PAUSE.min(left));
        }
    }

    /// Whether anybody holds the lock. Looking takes a shared lock for an instant, which [`Lock::acquire`] outwaits.
    ///
    /// # Errors
    /// Where the lock file cannot be looked at.
    pub fn holder(state: &Path) -> Result<Found, Failure> {
        let Some(state) = files::resolve(state)? else { return Ok(Found::Free) };
        let path = files::beside(&state, ".lock");
        if files::inspect(&path)?.is_none() {
            return Ok(Found::Free);
        }
        let file = open(&path)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Found::Free),
            Err(TryLockError::WouldBlock) => Ok(Found::Held(read_holder(&path))),
            Err(TryLockError::Error(error)) => Err(files::cannot(&path, &error).into()),
        }
    }

    /// Takes the lock away from a holder that is stopped: a new lock file takes the place of the old one, and the old
    /// one is nobody's any more. Must be followed by raising the epoch ([`super::Store::fence`] or
    /// [`super::Store::adopt_run`]): only that keeps the old holder from writing when it goes on.
    ///
    /// # Errors
    /// Where the lock file cannot be replaced.
    pub fn take_over(state: &Path, holder: &Holder) -> Result<Lock, Failure> {
        files::make_directory(state)?;
        let path = path_of(state)?;
        files::refuse_network(&path)?;
        files::inspect(&path)?;
        let temporary = files::beside(&path, &format!(".new-{}", uuid::Uuid::new_v4().simple()));
        let replaced = files::create_private(&temporary).and_then(|file| {
            // Held before anybody can find it.
            file.lock()?;
            let mut lock = Lock { file, path: temporary.clone() };
            lock.say(holder)?;
            fs::rename(&temporary, &path)?;
            lock.path = path.clone();
            Ok(lock)
        });
        replaced.map_err(|error| {
            files::remove_if_there(&temporary);
            files::cannot(&path, &error).into()
        })
    }

    /// Whether the lock is still this one: a take-over replaces the file.
    pub fn is_still_ours(&self) -> bool {
        same_file(&self.file, &self.path).unwrap_or(false)
    }

    fn say(&mut self, holder: &Holder) -> io::Result<()> {
        let text = serde_json::to_vec(holder)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)
    }
}

fn path_of(state: &Path) -> Result<PathBuf, Diagnostic> {
    let resolved = files::resolve(state)?;
    Ok(files::beside(resolved.as_deref().unwrap_or(state), ".lock"))
}

/// Tries once; nothing where somebody else holds it, or replaced the file in between.
fn try_once(path: &Path) -> Result<Option<File>, Diagnostic> {
    files::inspect(path)?;
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => {
            let ours = same_file(&file, path).map_err(|error| files::cannot(path, &error))?;
            Ok(ours.then_some(file))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(files::cannot(path, &error)),
    }
}

/// Opens the lock file, making it where there is none. The lock lies on the open file, so it is inherited by no other
/// descriptor: children get none (close-on-exec).
fn open(path: &Path) -> Result<File, Diagnostic> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|error| files::cannot(path, &error))?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(|error| files::cannot(path, &error))?;
    Ok(file)
}

fn same_file(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What the file says; nothing where it says nothing that can be understood, for the lock does not depend on it.
fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(LIMIT).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn held(path: &Path) -> Failure {
    let by = read_holder(path).map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
    let detail = format!(
        "{} is held by {by}. Two runs at once could undo each other's work, so nothing was changed. Wait for it, give \
         --lock-timeout, or, if that process hangs, see what `vbs unlock` says.",
        path.display()
    );
    Failure::new(Exit::Locked, Diagnostic::error("The workspace is locked", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{RunKind, Store};

    fn holder(who: &str) -> Holder {
        let (host, doing, since) =
            ("admin1".to_owned(), "apply".to_owned(), "2026-01-01T00:00:00Z".to_owned());
        Holder { who: who.to_owned(), host, pid: 4711, doing, since }
    }

    fn state() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".vbs/state.db");
        (home, path)
    }

    #[test]
    fn the_second_one_is_told_who_was_first() {
        let (_home, path) = state();
        assert_eq!(Lock::holder(&path).unwrap(), Found::Free);
        let first = Lock::acquire(&path, &holder("alice"), Duration::ZERO).unwrap();
        let failure = Lock::acquire(&path, &holder("bob"), Duration::from_millis(150)).unwrap_err();
        assert_eq!(failure.exit, Exit::Locked);
        let detail = &failure.diagnostics.iter().next().unwrap().detail;
        assert!(detail.contains("alice on admin1 (vbs apply, pid 4711"), "{detail}");
        assert_eq!(Lock::holder(&path).unwrap(), Found::Held(Some(holder("alice"))));
        drop(first);
        assert_eq!(Lock::holder(&path).unwrap(), Found::Free);
        Lock::acquire(&path, &holder("bob"), Duration::ZERO).unwrap();
    }

    #[test]
    fn a_lock_timeout_waits_for_the_first_to_end() {
        let (_home, path) = state();
        let first = Lock::acquire(&path, &holder("alice"), Duration::ZERO).unwrap();
        let waiting = {
            let path = path.clone();
            thread::spawn(move || Lock::acquire(&path, &holder("bob"), Duration::from_secs(60)).map(|_| ()))
        };
        thread::sleep(Duration::from_millis(20));
        drop(first);
        assert!(waiting.join().unwrap().is_ok());
    }

    #[test]
    fn a_lock_file_of_a_dead_process_is_no_lock() {
        let (_home, path) = state();
        drop(Lock::acquire(&path, &holder("alice"), Duration::ZERO).unwrap());
        assert!(files::beside(&path, ".lock").exists(), "the file stays, so that its inode does");
        assert_eq!(Lock::holder(&path).unwrap(), Found::Free);
    }

    #[test]
    fn a_take_over_leaves_the_stopped_holder_with_nothing() {
        let (_home, path) = state();
        let stopped = Lock::acquire(&path, &holder("alice"), Duration::ZERO).unwrap();
        let home = crate::state::tests::Home::new();
        let mut store = Store::create(&path, "shop", home.lineage).unwrap();
        let run = store.begin_run(RunKind::Apply, &home.plan(1), &crate::state::tests::info()).unwrap();
        let taken = Lock::take_over(&path, &holder("bob")).unwrap();
        assert!(!stopped.is_still_ours() && taken.is_still_ours());
        assert!(Lock::acquire(&path, &holder("carol"), Duration::ZERO).is_err());
        let mut other = Store::open(&path, "shop", crate::state::Access::Write).unwrap().unwrap();
        other.adopt_run(run.id).unwrap();
        assert!(store.mark_stuck(&run, "late").is_err(), "the old epoch writes nothing");
        drop(stopped);
        assert_eq!(Lock::holder(&path).unwrap(), Found::Held(Some(holder("bob"))));
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let (home, path) = state();
        let target = home.path().join("precious");
        fs::write(&target, "data").unwrap();
        files::make_directory(&path).unwrap();
        std::os::unix::fs::symlink(&target, files::beside(&path, ".lock")).unwrap();
        assert!(Lock::acquire(&path, &holder("alice"), Duration::ZERO).is_err());
        assert_eq!(fs::read_to_string(target).unwrap(), "data");
    }
}
