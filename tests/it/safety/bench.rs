//! A workspace in a directory of its own, and what a test asks of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use vbs::model::Record;
use vbs::state::{Access, Recorded, Store};

/// A pool, a hypervisor, and nothing in them. `ROOT` becomes the bench's directory.
pub const STORES: &str = r#"
vbs { name = "lab" }
pool "file" "fast" {
  path   = "ROOT/pool"
  create = true
}
hypervisor "directory" "here" {
  path   = "ROOT/vms"
  create = true
}
"#;

/// `ws` holds the workspace, `pool` the images, `vms` the disks.
pub struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    pub fn new(blocks: &str) -> Self {
        let bench = Bench { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(bench.at("ws")).unwrap();
        bench.declare(blocks);
        bench
    }

    /// Applied as soon as it is declared.
    pub fn applied(blocks: &str) -> Self {
        let bench = Bench::new(blocks);
        bench.vbs("apply --auto-approve").succeeds();
        bench
    }

    /// [`STORES`] and these blocks become the whole configuration.
    pub fn declare(&self, blocks: &str) {
        self.write(&format!("{STORES}{blocks}"));
    }

    pub fn write(&self, configuration: &str) {
        let text = configuration.replace("ROOT", &self.root().display().to_string());
        fs::write(self.at("ws/main.vbs.hcl"), text).unwrap();
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbs"));
        command.arg("-C").arg(self.at("ws")).args(arguments.split_whitespace());
        command.env_clear().env("PATH", "/usr/bin:/bin").env("USER", "tester").stdin(Stdio::null());
        command
    }

    pub fn vbs(&self, arguments: &str) -> Run {
        Run::of(&mut self.command(arguments))
    }

    pub fn apply(&self) -> Run {
        self.vbs("apply --auto-approve")
    }

    /// That a new plan has nothing to do.
    pub fn settled(&self) {
        self.vbs("plan --detailed-exitcode").succeeds().says("No changes.");
    }

    pub fn recorded(&self) -> Recorded {
        let store = Store::open(&self.at("ws/.vbs/state.db"), "lab", Access::Read).unwrap().unwrap();
        store.snapshot().unwrap()
    }

    pub fn record(&self, address: &str) -> Record {
        let recorded = self.recorded();
        let found = recorded.records.into_values().find(|r| r.object.key.address.to_string() == address);
        found.unwrap_or_else(|| panic!("{address} is not recorded"))
    }

    /// The mark of an image.
    pub fn mark(&self, address: &str) -> PathBuf {
        self.at(&format!("pool/.vbs/{}.json", self.record(address).object.id))
    }

    /// Runs it and asserts that nothing at all is different afterwards: not on disk, not in the state.
    pub fn changes_nothing(&self, arguments: &str) -> Run {
        let before = (tree(&self.at("pool")), tree(&self.at("vms")), self.state());
        let run = self.vbs(arguments);
        let after = (tree(&self.at("pool")), tree(&self.at("vms")), self.state());
        assert_eq!(before, after, "{arguments} changed something\n{}{}", run.out, run.err);
        run
    }

    /// All that is recorded; nothing where nothing is.
    fn state(&self) -> String {
        match Store::open(&self.at("ws/.vbs/state.db"), "lab", Access::Read) {
            Ok(Some(store)) => {
                let recorded = store.snapshot().unwrap();
                if recorded.records.is_empty() && recorded.trash.is_empty() && recorded.containers.is_empty()
                {
                    return String::new();
                }
                format!("{:#?}", (recorded.records, recorded.containers, recorded.trash, recorded.open_run))
            }
            _ => String::new(),
        }
    }
}

/// What a run of vbs ended with.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("vbs prints UTF-8");
        let run = Run { code: status.code(), out: text(stdout), err: text(stderr) };
        for word in ["panicked", "This is a bug in vbs"] {
            assert!(!run.err.contains(word) && !run.out.contains(word), "{run:#?}");
        }
        run
    }

    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.out, self.err);
        self
    }

    pub fn succeeds(self) -> Self {
        self.ends(0)
    }

    /// Nothing was changed, and why.
    pub fn refuses(self, why: &str) -> Self {
        self.ends(1).says(why)
    }

    /// The words, wherever lines were broken.
    pub fn says(self, words: &str) -> Self {
        assert!(self.contains(words), "{words:?} is not in:\n{}\n{}", self.out, self.err);
        self
    }

    pub fn never_says(self, words: &str) -> Self {
        assert!(!self.contains(words), "{words:?} is in:\n{}\n{}", self.out, self.err);
        self
    }

    fn contains(&self, words: &str) -> bool {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        flat(&self.out).contains(&flat(words)) || flat(&self.err).contains(&flat(words))
    }
}

/// Everything below a directory that somebody could notice: kind, mode, owner, inode, time, size and content. Guards
/// and epochs are vbs's own and change with every run.
pub fn tree(path: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![path.to_owned()];
    while let Some(at) = open.pop() {
        let Ok(seen) = fs::symlink_metadata(&at) else { continue };
        let content = if seen.is_symlink() {
            format!("-> {}", fs::read_link(&at).unwrap().display())
        } else if seen.is_dir() {
            open.extend(fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()));
            String::new()
        } else if seen.is_file() && seen.len() <= 1 << 20 {
            vbs::state::planfile::digest(&fs::read(&at).unwrap())
        } else {
            String::new()
        };
        let time = if seen.is_dir() { 0 } else { seen.mtime_nsec() };
        let what = format!(
            "{:o} {} {} {} {content}",
            seen.permissions().mode(),
            seen.uid(),
            seen.ino(),
            if seen.is_dir() { 0 } else { seen.len() + time.unsigned_abs() }
        );
        let name = at.file_name().unwrap().to_string_lossy().into_owned();
        if name != "guard" && !name.starts_with("epoch.") {
            found.insert(at, what);
        }
    }
    found
}

/// Every regular file below a directory.
pub fn files(path: &Path) -> Vec<PathBuf> {
    tree(path).into_keys().filter(|path| path.symlink_metadata().unwrap().is_file()).collect()
}

/// A volume of 1 MiB, with more attributes.
pub fn volume(name: &str, more: &str) -> String {
    format!("volume \"{name}\" {{\n  pool = pool.fast\n  size = \"1MiB\"\n{more}\n}}\n")
}

/// A volume of another size.
pub fn sized(name: &str, size: &str) -> String {
    format!("volume \"{name}\" {{\n  pool = pool.fast\n  size = \"{size}\"\n}}\n")
}

pub fn snapshot(name: &str, volume: &str) -> String {
    format!("snapshot \"{name}\" {{\n  volume = volume.{volume}\n}}\n")
}

pub fn clone(name: &str, source: &str, more: &str) -> String {
    format!("volume \"{name}\" {{\n  pool = pool.fast\n  source = {source}\n{more}\n}}\n")
}

pub fn attachment(name: &str, volume: &str, device: &str) -> String {
    format!(
        "attachment \"{name}\" {{\n  volume = volume.{volume}\n  hypervisor = hypervisor.here\n  vm = \"web\"\n  \
         device = \"{device}\"\n}}\n"
    )
}

/// Bytes that a guest wrote at the beginning of an image.
pub fn scribble(image: &Path, text: &str) {
    use std::os::unix::fs::FileExt;
    fs::OpenOptions::new().write(true).open(image).unwrap().write_all_at(text.as_bytes(), 0).unwrap();
}

/// The first `length` bytes of an image.
pub fn beginning(image: &Path, length: usize) -> String {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0; length];
    fs::File::open(image).unwrap().read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
