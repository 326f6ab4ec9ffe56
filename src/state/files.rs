//! Files of ours: private, on a local disk, not through a link, written whole.
//!
//! A database is looked at with `stat` only. Opening and closing it besides SQLite would drop SQLite's locks.
#![expect(clippy::disallowed_methods, reason = "the state room reads and writes its own files")]

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::diag::Diagnostic;

/// `statfs` magic numbers of file systems on which locks or the write-ahead log cannot be trusted.
const NETWORK: [(u64, &str); 16] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x7375_7245, "Coda"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
    (0x564C, "NCP"),
    (0x786F_4256, "a VirtualBox shared folder"),
    (0x4750_4653, "GPFS"),
];

/// `path` with `suffix` at the end of its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(suffix);
    path.with_file_name(name)
}

/// The directory that holds `path`.
pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// `path` with its directory free of links, so that the last component can be opened without following any;
/// nothing where the directory does not exist.
pub(super) fn resolve(path: &Path) -> Result<Option<PathBuf>, Diagnostic> {
    let Some(name) = path.file_name() else {
        return Err(Diagnostic::error(
            "The path of the state names no file",
            format!("{} ends in no file name. Name a file, like `.vbs/state.db`.", path.display()),
        ));
    };
    if path.to_str().is_none() {
        return Err(cannot(path, &"its name is not UTF-8, which SQLite needs"));
    }
    match fs::canonicalize(directory(path)) {
        Ok(parent) if parent.is_dir() => Ok(Some(parent.join(name))),
        Ok(parent) => Err(cannot(&parent, &"it should be a directory and is not")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(directory(path), &error)),
    }
}

/// Makes the directory of `path`, private, with those above it. One that exists stays as it is.
pub(super) fn make_directory(path: &Path) -> Result<(), Diagnostic> {
    let wanted = directory(path);
    let mut missing: Vec<&Path> = Vec::new();
    let mut at = Some(wanted);
    while let Some(candidate) = at.filter(|c| !c.as_os_str().is_empty() && !c.exists()) {
        missing.push(candidate);
        at = candidate.parent();
    }
    for one in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(one) {
            Ok(()) => {
                fs::set_permissions(one, Permissions::from_mode(0o700)).map_err(|e| cannot(one, &e))?;
                sync_directory(directory(one)).map_err(|e| cannot(one, &e))?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot(one, &error)),
        }
    }
    Ok(())
}

/// What lies at `path`, if anything: a regular file of ours that nobody else can write.
pub(super) fn inspect(path: &Path) -> Result<Option<Metadata>, Diagnostic> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(path, &error)),
    };
    let unsafe_because = |why: String| {
        Diagnostic::error(
            "A file of vbs is not safe to use",
            format!("{} {why}. Nothing was read from it or written to it.", path.display()),
        )
    };
    if found.is_symlink() {
        return Err(unsafe_because(
            "is a symbolic link, which could lead anywhere. Name the file itself with --state".into(),
        ));
    }
    if !found.is_file() {
        return Err(unsafe_because("is no regular file".into()));
    }
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user {
        return Err(unsafe_because(format!(
            "belongs to user {}, and vbs runs as user {user}: whoever owns it decides what vbs destroys. Run vbs as \
             its owner, or change the owner",
            found.uid()
        )));
    }
    if found.mode() & 0o022 != 0 {
        return Err(unsafe_because(format!(
            "can be written by others (mode {:04o}): whoever writes it decides what vbs destroys. If that is in \
             order, run `chmod 600` on it",
            found.mode() & 0o7777
        )));
    }
    Ok(Some(found))
}

/// Refuses a file with a secret in it that others can read.
pub(super) fn refuse_readable_by_others(path: &Path, found: &Metadata) -> Result<(), Diagnostic> {
    if found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(Diagnostic::error(
        "A file of vbs is not safe to use",
        format!(
            "{} can be read by others (mode {:04o}), and what it holds is secret. Run `chmod 600` on it, and replace \
             what it protects if somebody may have read it.",
            path.display(),
            found.mode() & 0o7777
        ),
    ))
}

/// Refuses file systems whose locks cannot be trusted.
pub(super) fn refuse_network(path: &Path) -> Result<(), Diagnostic> {
    let directory = directory(path);
    let found = rustix::fs::statfs(directory).map_err(|e| cannot(directory, &io::Error::from(e)))?;
    let Some(name) = network_name(found.f_type as u64) else { return Ok(()) };
    Err(Diagnostic::error(
        "The state lies on a network file system",
        format!(
            "{} is on {name}, where the locks and the write-ahead log of a database do not hold: two runs could \
             destroy the state. Put it on a local disk, with the `state` block or --state.",
            path.display()
        ),
    ))
}

/// `statfs` gives a signed or unsigned word by architecture: only its lower 32 bits count.
fn network_name(magic: u64) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == magic & 0xFFFF_FFFF).map(|(_, name)| *name)
}

/// Refuses a directory that cannot be written, so that this is known before anything is begun.
pub(super) fn refuse_read_only(path: &Path) -> Result<(), Diagnostic> {
    let directory = directory(path);
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(|error| super::trouble::not_writable(path, &io::Error::from(error).to_string()))
}

/// Makes a new private file, whatever the umask. An existing one is an error, a link too.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Writes a private file whole: after a crash there is the old one or the new one. Only a regular file is replaced:
/// neither a link nor a device.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), Diagnostic> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(cannot(path, &"something that is no regular file has this name, and it is not replaced"));
    }
    let temporary = beside(path, &format!(".new-{}", uuid::Uuid::new_v4().simple()));
    let written = create_private(&temporary)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_directory(directory(path)));
    written.map_err(|error| {
        // The error that is reported is the first one; a temporary that cannot be removed is harmless.
        let _ = fs::remove_file(&temporary);
        cannot(path, &error)
    })
}

/// Reads a file that passed [`inspect`], up to `limit` bytes, without following a link.
pub(super) fn read_private(path: &Path, limit: u64) -> Result<Vec<u8>, Diagnostic> {
    let flags = OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)
        .map_err(|error| cannot(path, &error))?;
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content).map_err(|error| cannot(path, &error))?;
    if content.len() as u64 > limit {
        return Err(cannot(path, &format!("it is larger than {limit} bytes, which no such file of vbs is")));
    }
    Ok(content)
}

/// Makes new names in a directory survive a power cut.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Gives a finished file its name, unless something has that name already.
pub(super) fn publish(temporary: &Path, path: &Path) -> io::Result<()> {
    File::open(temporary)?.sync_all()?;
    rustix::fs::renameat_with(
        rustix::fs::CWD,
        temporary,
        rustix::fs::CWD,
        path,
        rustix::fs::RenameFlags::NOREPLACE,
    )?;
    sync_directory(directory(path))
}

/// Sets aside what is left of a database that was moved or deleted without its companions: SQLite would take an old
/// write-ahead log for the new database's own, and write a lost state's pages into it. Whoever holds the workspace's
/// lock may do so, where there is no database.
pub(super) fn set_orphans_aside(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    for companion in ["-wal", "-shm", "-journal"] {
        let orphan = beside(path, companion);
        if fs::symlink_metadata(&orphan).is_ok() {
            fs::rename(&orphan, beside(&orphan, &format!(".orphan-{}", uuid::Uuid::new_v4().simple())))?;
        }
    }
    Ok(())
}

/// Clears up after an error that is already being reported.
pub(super) fn remove_if_there(path: &Path) {
    let _ = fs::remove_file(path);
}

pub(super) fn cannot(path: &Path, why: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error("A file of vbs cannot be used", format!("{}: {why}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_magic() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        // CIFS, as a signed 32-bit word that was widened.
        assert_eq!(network_name(0xFFFF_FFFF_FF53_4D42), Some("CIFS"));
        assert_eq!(network_name(0xEF53), None, "ext4");
        assert_eq!(network_name(0x0102_1994), None, "tmpfs");
    }

    #[test]
    fn directories_and_files_are_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b/file");
        make_directory(&path).unwrap();
        write_whole(&path, b"content").unwrap();
        for (part, mode) in [("a", 0o700), ("a/b", 0o700), ("a/b/file", 0o600)] {
            let found = fs::metadata(home.path().join(part)).unwrap().mode() & 0o777;
            assert_eq!(found, mode, "{part}");
        }
        assert_eq!(read_private(&path, 7).unwrap(), b"content");
        assert!(read_private(&path, 6).is_err());
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(write_whole(&link, b"other").is_err() && read_private(&link, 7).is_err());
        assert_eq!(read_private(&path, 7).unwrap(), b"content");
        assert_eq!(fs::read_dir(home.path().join("a/b")).unwrap().count(), 1, "no temporary is left");
    }
}
