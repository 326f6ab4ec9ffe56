//! The directory of this process, for sockets and what ssh says: private, with a short path, and gone with the process.
//! What a killed one left is cleared away by the next.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Above this a socket's path, with what ssh adds to it while it makes it, does not fit into an address (108 bytes).
const LONGEST_BASE: usize = 40;

const PREFIX: &str = "vbs-ssh-";
const LOCK: &str = "lock";

/// A directory that is removed when this is dropped.
pub struct Directory {
    path: PathBuf,
    /// Held for as long as the directory is used.
    _lock: File,
}

impl Directory {
    /// Below the user's own directory where its path is short enough, else below `/tmp`, under a name that nobody can
    /// foresee.
    ///
    /// # Errors
    /// In words.
    pub fn make(base: Option<&Path>) -> Result<Directory, String> {
        let own = base.filter(|path| path.is_absolute() && path.as_os_str().len() <= LONGEST_BASE);
        let mut why = String::new();
        for place in own.into_iter().chain([Path::new("/tmp")]) {
            match make_below(place) {
                Ok(directory) => {
                    clear_away(place);
                    return Ok(directory);
                }
                Err(error) => why = format!("no directory can be made in {}: {error}", place.display()),
            }
        }
        Err(why)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn make_below(place: &Path) -> io::Result<Directory> {
    let path = place.join(format!("{PREFIX}{}", &Uuid::new_v4().simple().to_string()[..12]));
    DirBuilder::new().mode(0o700).create(&path)?;
    // It has its name once it is locked: a directory with a lock that nobody holds is nobody's.
    let new = path.join("lock.new");
    let lock = private(&new)?;
    lock.lock()?;
    rename(&new, &path.join(LOCK))?;
    Ok(Directory { path, _lock: lock })
}

/// Removes the directories of this user whose process is gone. Whatever stands in the way stays.
fn clear_away(place: &Path) {
    for path in entries(place) {
        let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let Some(found) = fs::symlink_metadata(&path).ok().filter(|_| named) else { continue };
        if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
            continue;
        }
        let lock = OpenOptions::new().read(true).open(path.join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "looks for what killed processes left")]
fn entries(place: &Path) -> Vec<PathBuf> {
    fs::read_dir(place).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

#[expect(clippy::disallowed_methods, reason = "a lock gets its name once it is held")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// A new file that only this user can read.
pub fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_cleared_away_and_nothing_else() {
        let place = tempfile::Builder::new().prefix("d").tempdir_in("/tmp").unwrap();
        let living = Directory::make(Some(place.path())).unwrap();
        let left = Directory::make(Some(place.path())).unwrap();
        let Directory { path, .. } = &left;
        let path = path.clone();
        fs::create_dir(place.path().join("vbs-ssh-elses")).unwrap();
        // Its process ends without a word: the lock goes, the directory stays.
        let kept = path.with_extension("kept");
        rename(&path, &kept).unwrap();
        drop(left);
        rename(&kept, &path).unwrap();
        let now = Directory::make(Some(place.path())).unwrap();
        assert!(!path.exists(), "left behind");
        assert!(living.path().exists() && now.path().exists() && place.path().join("vbs-ssh-elses").exists());
    }
}
