//! Options that every command takes, before or after its name.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::duration;

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Use the workspace in this directory
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// Read this file instead of every *.vbs.hcl of the workspace; repeatable
    #[arg(short, long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Keep the state in this file [env: VBS_STATE]
    #[arg(long, value_name = "PATH")]
    pub state: Option<PathBuf>,

    /// Never colour
    #[arg(long)]
    pub no_color: bool,

    /// Print results and errors only
    #[arg(short, long)]
    pub quiet: bool,

    /// Write a log of at least this level to standard error
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,

    /// Write the log as text or JSON
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// Wait this long for the workspace's lock, like 30s or 5m [default: do not wait]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub lock_timeout: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub fn word(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

impl Global {
    /// Takes over what was given further to the right: files add up, everything else is the last one given.
    pub(super) fn merge(&mut self, later: Global) {
        let Global { directory, files, state, no_color, quiet, log_level, log_format, lock_timeout } = later;
        self.directory = directory.or(self.directory.take());
        self.files.extend(files);
        self.state = state.or(self.state.take());
        self.no_color |= no_color;
        self.quiet |= quiet;
        self.log_level = log_level.or(self.log_level);
        self.log_format = log_format.or(self.log_format);
        self.lock_timeout = lock_timeout.or(self.lock_timeout);
    }
}

/// Adds the global options to every subcommand. clap's own global arguments would drop what stands before the command
/// when the same option stands behind it as well: files would be lost without a word.
pub(super) fn everywhere(command: clap::Command) -> clap::Command {
    command.mut_subcommands(|subcommand| everywhere(Global::augment_args(subcommand)))
}
