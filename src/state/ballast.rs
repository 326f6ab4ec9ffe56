//! Room set aside while a run is open, so that a run can still be closed on a full disk.
#![expect(clippy::disallowed_methods, reason = "the state room reads and writes its own files")]

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::files;

const BYTES: usize = 4 << 20;

/// A file of four mebibytes beside the database.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
}

impl Ballast {
    /// Writes it, or takes over the one that a killed run left.
    pub(super) fn set_aside(state: &Path) -> io::Result<Ballast> {
        let path = files::beside(state, ".ballast");
        let whole =
            fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() == BYTES as u64);
        if whole {
            return Ok(Ballast { path });
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
                // Not zeros: a file system that compresses would set nothing aside.
                let block: Vec<u8> = (0u64..8192)
                    .flat_map(|n| (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes())
                    .collect();
                for _ in 0..BYTES / block.len() {
                    file.write_all(&block)?;
                }
                file.sync_all()
            });
        if let Err(error) = written {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Ballast { path })
    }

    /// Removes one that nobody needs. Where it cannot be removed it does no harm.
    pub(super) fn discard(state: &Path) {
        files::remove_if_there(&files::beside(state, ".ballast"));
    }

    /// Gives the room up.
    pub(super) fn release(self) {
        // Where it cannot be removed, the retry that follows fails and says that the disk is full.
        let _ = fs::remove_file(&self.path);
    }
}
