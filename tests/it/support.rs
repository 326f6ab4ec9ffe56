//! A workspace in a temporary directory, and the real program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The configuration that most tests begin with: a pool and a hypervisor in plain directories beside it.
pub const CONTAINERS: &str = r#"
pool "file" "fast" {
  path   = "pool"
  create = true
}

hypervisor "directory" "here" {
  path   = "vms"
  create = true
}
"#;

/// What a run of the program gave.
#[derive(Debug)]
pub struct Output {
    /// The exit code; 128 and the signal's number where a signal ended it, as shells say it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Both streams, for assertions that do not care which.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails with everything that was printed unless the program ended with `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails unless either stream says `words`. Line breaks and runs of blanks count as one blank.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        let flat: Vec<&str> = self.stdout.split_whitespace().chain(self.stderr.split_whitespace()).collect();
        let sought: Vec<&str> = words.split_whitespace().collect();
        assert!(
            flat.join(" ").contains(&sought.join(" ")),
            "nothing says {words:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A directory that goes with its test. The workspace is `shop` inside it, so that its name is always the same.
#[derive(Debug)]
pub struct Workspace {
    _directory: tempfile::TempDir,
    root: PathBuf,
}

impl Workspace {
    /// Without any file.
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("shop");
        std::fs::create_dir(&root).unwrap();
        Workspace { _directory: directory, root }
    }

    /// With [`CONTAINERS`] and `text` as its configuration.
    pub fn with(text: &str) -> Self {
        let workspace = Workspace::empty();
        workspace.configure(text);
        workspace
    }

    /// Writes the configuration anew: [`CONTAINERS`] and `text`.
    pub fn configure(&self, text: &str) {
        self.file("main.vbs.hcl", &format!("{CONTAINERS}{text}"));
    }

    /// Writes a file below the workspace, with its directories.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        self.file_bytes(name, content.as_bytes())
    }

    pub fn file_bytes(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.root.join(name)).unwrap()
    }

    /// The program in this workspace, with nothing of the tester's environment that could change what it does.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbs"));
        command
            .args(arguments)
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("USER", "ada")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn vbs(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments))
    }

    /// Applies without asking and insists that it works.
    #[track_caller]
    pub fn apply(&self) -> Output {
        self.vbs(&["apply", "--auto-approve"]).exits(0)
    }
}

/// Runs a command that [`Workspace::command`] made, to its end.
pub fn run(command: &mut Command) -> Output {
    use std::os::unix::process::ExitStatusExt;
    let output = command.output().unwrap();
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
    Output {
        code,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
