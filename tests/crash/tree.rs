//! Everything that lies in the directories of a world, byte for byte.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What one name stands for.
#[derive(Clone, PartialEq, Eq)]
pub enum Entry {
    Directory { mode: u32 },
    Link { target: PathBuf },
    File { mode: u32, inode: u64, bytes: Vec<u8> },
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Directory { mode } => write!(f, "directory {mode:o}"),
            Entry::Link { target } => write!(f, "link to {}", target.display()),
            Entry::File { mode, inode, bytes } => {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
                write!(f, "file {mode:o}, inode {inode}, {} bytes, {start:?}", bytes.len())
            }
        }
    }
}

pub type Tree = BTreeMap<PathBuf, Entry>;

/// The tree below `root`, without the state's own directory. Of a guard and an epoch only that they are there counts,
/// and a mark may be written anew: its inode does not count, that of an image does.
pub fn read(root: &Path) -> Tree {
    let mut tree = Tree::new();
    descend(root, Path::new(""), &mut tree);
    tree
}

fn descend(root: &Path, below: &Path, tree: &mut Tree) {
    let Ok(entries) = fs::read_dir(root.join(below)) else { return };
    for entry in entries.map(Result::unwrap) {
        let path = below.join(entry.file_name());
        if path == Path::new(".vbs") {
            continue;
        }
        let metadata = entry.metadata().unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_dir() {
            tree.insert(path.clone(), Entry::Directory { mode });
            descend(root, &path, tree);
        } else if metadata.is_symlink() {
            tree.insert(path, Entry::Link { target: fs::read_link(entry.path()).unwrap() });
        } else {
            let is_image = path.extension().is_some_and(|extension| extension == "img");
            let name = entry.file_name().into_string().unwrap();
            let counts = name != "guard" && !name.starts_with("epoch.");
            let bytes = if counts { fs::read(entry.path()).unwrap() } else { Vec::new() };
            let inode = if is_image { metadata.ino() } else { 0 };
            tree.insert(path, Entry::File { mode, inode, bytes });
        }
    }
}

/// How `now` differs from `before`, in words.
pub fn differences(before: &Tree, now: &Tree) -> Vec<String> {
    let gone = before.iter().filter(|(path, _)| !now.contains_key(*path));
    let gone = gone.map(|(path, entry)| format!("{} is gone ({entry:?})", path.display()));
    let other = now.iter().filter(|(path, entry)| before.get(*path) != Some(*entry));
    let other = other.map(|(path, entry)| match before.get(path) {
        None => format!("{} was left behind ({entry:?})", path.display()),
        Some(was) => format!("{} was {was:?} and is {entry:?}", path.display()),
    });
    gone.chain(other).collect()
}
