//! What every command shares: where it runs, what was typed for all commands, and the sources that problems point into.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diag::{Diagnostic, SourceMap};
use crate::exit::Failure;
use crate::hosts::Ssh;
use crate::ui::style::Style;

/// The command line's global part, resolved against the environment once.
pub struct Context {
    /// The workspace, absolute.
    pub root: PathBuf,
    /// Exactly these files, where any were named.
    pub files: Vec<PathBuf>,
    pub state: Option<PathBuf>,
    pub lock_timeout: Duration,
    pub quiet: bool,
    /// A log is written to standard error, line by line.
    pub logs: bool,
    pub style: Style,
    /// `VBS_VAR_name` from the environment: name and value.
    pub environment_variables: Vec<(String, String)>,
    /// `VBS_STATE_KEY` and `VBS_PLAN_KEY`.
    pub state_key: Option<String>,
    pub plan_key: Option<String>,
    /// Who runs this, for whoever has to wait.
    pub user: String,
    /// The command.
    pub doing: String,
    pub sources: SourceMap,
    /// The connections to other machines, for as long as this process lives.
    pub ssh: Arc<Ssh>,
    /// Every value that variables were given, in order: a saved plan keeps them.
    pub supplied: Vec<Supplied>,
    /// The values that a saved plan keeps: with them it is resolved as it was made.
    pub kept: Option<Vec<Supplied>>,
}

/// A value for a variable, or a file of them, as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supplied {
    Text { name: String, text: String, place: String, must_exist: bool },
    File { shown: String, text: String },
}

impl Context {
    /// A path as the user would write it: relative to the workspace where it lies below it.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Reads the text of a source file.
    ///
    /// # Errors
    /// Where it cannot be read, is not UTF-8 or is larger than the language allows.
    pub fn read(&self, path: &Path) -> Result<String, Diagnostic> {
        read_source(path).map_err(|why| {
            Diagnostic::error(
                "Cannot read a file",
                format!("{}: {why}. Every file of the workspace has to be readable.", self.shown(path)),
            )
        })
    }

    /// Reads a source file.
    ///
    /// # Errors
    /// Where it cannot be read, is not UTF-8 or is larger than the language allows.
    pub fn add_source(&mut self, path: &Path) -> Result<crate::diag::FileId, Failure> {
        let text = self.read(path)?;
        Ok(self.sources.add(self.shown(path), text))
    }
}

/// The largest source that is read, in bytes.
const LARGEST_SOURCE: u64 = 64 << 20;

#[expect(clippy::disallowed_methods, reason = "the command line reads the files it was given")]
fn read_source(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    // The size that is told beforehand is not that of a pipe or a device.
    let mut bytes = Vec::new();
    file.take(LARGEST_SOURCE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST_SOURCE {
        return Err("it has more than 64 MiB, which is the most that is read".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        format!("it is not UTF-8 text (line {line})")
    })
}

/// Seconds since 1970, for people and for `trash purge --expired`.
#[expect(
    clippy::disallowed_methods,
    reason = "stamps are for people; no decision but trash expiry, which asks, rests on them"
)]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    seconds.saturating_add(crate::faults::clock_offset())
}
