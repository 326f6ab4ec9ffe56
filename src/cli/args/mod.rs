//! The command line, as types. Everything here is parsed and checked before anything else is done.

mod commands;
mod global;
mod values;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};

pub use commands::{
    ApplyArgs, Command, DescribeArgs, DestroyArgs, DiscoverArgs, DriftArgs, GraphArgs, HostCheckArgs,
    HostCommand, HostTrustArgs, ImportArgs, OutputArgs, PlanArgs, PlanOptions, PurgeArgs, RebuildArgs,
    RecoverArgs, RestoreArgs, RunOptions, Scope, ShowArgs, StateCommand, TrashCommand, UnlockArgs,
    ValidateArgs,
};
pub use global::{Global, LogFormat, LogLevel};
pub use values::{DescribeWhat, Restore, TrashName, Variable, Variables};

use crate::exit::Exit;

/// A whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "vbs",
    version,
    about = "Declarative desired-state for block storage",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    color = clap::ColorChoice::Never
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// A command line that is not to be run: help, the version, or a mistake.
#[derive(Debug)]
pub struct Stop {
    pub exit: Exit,
    /// For standard output where `exit` is [`Exit::Success`], for standard error where it is not.
    pub text: String,
}

/// Reads a command line; the first of `arguments` is the program's name. `state_variable` is `VBS_STATE`, which
/// `--state` overrides.
///
/// # Errors
/// For help and the version, which succeed, and for every mistake, which does not.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    state_variable: Option<OsString>,
) -> Result<Cli, Stop> {
    let command = global::everywhere(Cli::command());
    let matches = command.try_get_matches_from(arguments).map_err(stop)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(stop)?;
    cli.global = gather(&matches).map_err(stop)?;
    if cli.global.state.is_none() {
        cli.global.state = state_variable.filter(|path| !path.is_empty()).map(Into::into);
    }
    Ok(cli)
}

/// The global options of every level of the command line: before the command, after it, after its subcommand.
fn gather(matches: &ArgMatches) -> Result<Global, clap::Error> {
    let mut global = Global::from_arg_matches(matches)?;
    let mut level = matches;
    while let Some((_, deeper)) = level.subcommand() {
        global.merge(Global::from_arg_matches(deeper)?);
        level = deeper;
    }
    Ok(global)
}

fn stop(error: clap::Error) -> Stop {
    let exit = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
        _ => Exit::Error,
    };
    Stop { exit, text: error.render().to_string() }
}

#[cfg(test)]
mod tests;
