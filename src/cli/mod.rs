//! The command line: what was typed becomes one run of the rooms. Imports everything; nothing imports it.

mod account;
mod apply;
pub mod args;
mod blocks;
mod context;
mod describe;
mod discover;
mod drift;
mod execute;
mod graph;
mod host;
mod identities;
mod import;
mod init;
mod inputs;
mod log;
mod output;
mod outputs;
mod plan;
mod purge;
mod reach;
mod recover;
mod restore;
mod saved;
mod show;
mod situation;
mod state;
mod surveyed;
mod trash;
mod unlock;
mod validate;
mod version;
mod workspace;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use args::{Cli, Command, Global};
use context::Context;

use workspace::Workspace;

use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::exit::{Exit, Failure};
use crate::hosts::{Ssh, SshSettings};
use crate::state::{Access, Holder, Key, Lock, Store, newest_backup};
use crate::ui::style::{ColourInputs, Style};
use crate::ui::{self, diagnostics, print};

/// How long a command waits for another one to end, where nothing else was said.
const LOCK_TIMEOUT: Duration = Duration::ZERO;

/// Host keys that are pinned, beside the configuration.
const KNOWN_HOSTS: &str = "vbs.known_hosts";

/// Runs one command line and says with which code to end.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    survive_file_size_limits();
    let environment = Environment::read();
    let cli = match args::parse(arguments, environment.state.clone()) {
        Ok(cli) => cli,
        Err(stop) => {
            if stop.exit == Exit::Success {
                // A reader that left early has seen what it wanted of the help.
                let _ = print::data(&stop.text);
            } else {
                print::tell(&stop.text);
            }
            return ExitCode::from(stop.exit.code());
        }
    };
    let exit = match environment.context(&cli.global, cli.command.word()) {
        Ok(mut context) => match dispatch(&mut context, &cli) {
            Ok(exit) => exit,
            Err(failure) => {
                show(&failure.diagnostics, &context.sources, context.style);
                failure.exit
            }
        },
        Err(failure) => {
            show(&failure.diagnostics, &SourceMap::default(), Style::PLAIN);
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}

/// A write beyond a limit on the size of files raises SIGXFSZ, which would end vbs in the middle of a run. With any
/// handler it is a failed write instead: a full disk, which is handled. The handler outlives the runtime.
fn survive_file_size_limits() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() {
        let _entered = runtime.enter();
        // Without it a limit ends vbs like any kill does, and recovery closes the run.
        let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
    }
}

/// Problems go to standard error, whatever the command.
fn show(problems: &Diagnostics, sources: &SourceMap, style: Style) {
    if !problems.is_empty() {
        print::tell(&diagnostics::render(problems, sources, style));
    }
}

fn dispatch(context: &mut Context, cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Plan(args) => plan::plan(context, args),
        Command::Apply(args) => apply::apply(context, args),
        Command::Destroy(args) => apply::destroy(context, args),
        Command::Recover(args) => recover::recover(context, args),
        Command::Init => init::init(context),
        Command::Validate(args) => validate::validate(context, args),
        Command::Drift(args) => drift::drift(context, args),
        Command::Describe(args) => describe::describe(context, args),
        Command::Show(args) => show::show(context, args),
        Command::Output(args) => output::output(context, args),
        Command::Discover(args) => discover::discover(context, args),
        Command::Import(args) => import::import(context, args),
        Command::Trash(command) => trash::trash(context, command),
        Command::Unlock(args) => unlock::unlock(context, args),
        Command::State(command) => state::state(context, command),
        Command::Version { json } => version::version(*json),
        Command::Graph(args) => graph::graph(context, args),
        Command::Host(command) => host::host(context, command),
    }
}

/// Takes the workspace's lock and opens its state for writing, making it where there is none.
///
/// # Errors
/// Where somebody else works on the workspace, or the state cannot be used.
fn held(context: &Context, workspace: &Workspace) -> Result<(Lock, Store), Failure> {
    let (lock, found) = held_if_any(context, workspace)?;
    let made = || Store::create(&workspace.state_path, &workspace.name, identities::fresh());
    Ok((lock, found.map_or_else(made, Ok)?))
}

/// Takes the workspace's lock and opens its state for writing, where there is one. What is refused makes none: an
/// empty state would hide that the real one was lost.
///
/// # Errors
/// As [`held`].
fn held_if_any(context: &Context, workspace: &Workspace) -> Result<(Lock, Option<Store>), Failure> {
    let lock = Lock::acquire(&workspace.state_path, &holder(context), context.lock_timeout)?;
    let store = Store::open(&workspace.state_path, &workspace.name, Access::Write)?;
    if store.is_none() {
        warn_of_lost_state(context, workspace);
    }
    Ok((lock, store))
}

/// A state that vanished beside its backups was more likely lost than never there.
fn warn_of_lost_state(context: &Context, workspace: &Workspace) {
    if let Some(backup) = newest_backup(&workspace.state_path) {
        let detail = format!(
            "{} does not exist, and a backup of it does: {}. If the state was lost, put the backup back, or run \
             `vbs state rebuild` to write it anew from what is on the hosts. Going on starts a new state, which \
             knows nothing of what was made before.",
            workspace.state_path.display(),
            backup.display()
        );
        show(&Diagnostic::warning("Was the state lost?", detail).into(), &context.sources, context.style);
    }
}

/// Who this is, for whoever has to wait.
fn holder(context: &Context) -> Holder {
    Holder {
        who: context.user.clone(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        doing: context.doing.clone(),
        since: ui::table::when(context::now()),
    }
}

/// The key of sensitive outputs: `VBS_STATE_KEY`, else the key file; nothing where there is neither.
///
/// # Errors
/// Where what is there is no key.
fn state_key(context: &Context, state: &Path) -> Result<Option<Key>, Diagnostic> {
    match &context.state_key {
        Some(text) => Key::parse(text, "VBS_STATE_KEY").map(Some),
        None => Key::load(state),
    }
}

/// A step needs a secret, and there is nothing that it could follow from.
fn no_key(name: &str) -> Diagnostic {
    Diagnostic::error(
        "The key of the state is missing",
        format!(
            "The secret {name:?} follows from the key beside the state, and there is none. Put the key file back, or give \
             the key in VBS_STATE_KEY; nothing was sent."
        ),
    )
}

fn state_key_or_create(context: &Context, workspace: &Workspace) -> Result<Key, Diagnostic> {
    match state_key(context, &workspace.state_path)? {
        Some(key) => Ok(key),
        None => Key::load_or_create(&workspace.state_path),
    }
}

/// A runtime for one command: everything runs on this thread.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Diagnostic::error("Cannot start", format!("The system refused what vbs needs to run: {error}."))
            .into()
    })
}

/// What is read of the environment, once.
struct Environment {
    state: Option<OsString>,
    no_color: Option<String>,
    clicolor_force: Option<String>,
    variables: Vec<(String, String)>,
    state_key: Option<String>,
    plan_key: Option<String>,
    user: Option<String>,
    ssh_config: Option<OsString>,
    runtime_directory: Option<OsString>,
    /// Everything but what is ours, some of which is secret.
    of_others: Vec<(OsString, OsString)>,
}

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok();
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.to_str()?.strip_prefix("VBS_VAR_")?.to_owned(), value.into_string().ok()?))
        });
        let is_ours = |name: &OsString| name.to_string_lossy().starts_with("VBS_");
        Environment {
            ssh_config: std::env::var_os("VBS_SSH_CONFIG"),
            runtime_directory: std::env::var_os("XDG_RUNTIME_DIR"),
            of_others: std::env::vars_os().filter(|(name, _)| !is_ours(name)).collect(),
            state: std::env::var_os("VBS_STATE"),
            no_color: text("NO_COLOR"),
            clicolor_force: text("CLICOLOR_FORCE"),
            variables: variables.collect(),
            state_key: text("VBS_STATE_KEY"),
            plan_key: text("VBS_PLAN_KEY"),
            user: text("USER").or_else(|| text("LOGNAME")),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks where it runs")]
    fn context(self, global: &Global, doing: &str) -> Result<Context, Failure> {
        let style = Style::decide(ColourInputs {
            no_color_flag: global.no_color,
            no_color: self.no_color.as_deref(),
            clicolor_force: self.clicolor_force.as_deref(),
            is_terminal: print::stdout_is_terminal() && print::stderr_is_terminal(),
        });
        let here = std::env::current_dir();
        let root =
            here.map(|here| global.directory.as_ref().map_or(here.clone(), |directory| here.join(directory)));
        let root = root.and_then(|root| root.canonicalize()).map_err(|error| {
            let named = global.directory.as_ref().map_or_else(String::new, |d| format!(" {}", d.display()));
            Diagnostic::error("No such workspace", format!("The directory{named} cannot be used: {error}."))
        })?;
        let ssh = Ssh::new(SshSettings {
            config: self.ssh_config.map(|path| root.join(path)),
            known_hosts: root.join(KNOWN_HOSTS),
            runtime_directory: self.runtime_directory.map(PathBuf::from),
            environment: self.of_others,
        });
        Ok(Context {
            root,
            ssh: Arc::new(ssh),
            files: global.files.clone(),
            state: global.state.clone(),
            lock_timeout: global.lock_timeout.unwrap_or(LOCK_TIMEOUT),
            quiet: global.quiet,
            logs: log::start(global),
            style,
            environment_variables: self.variables,
            state_key: self.state_key,
            plan_key: self.plan_key,
            user: self.user.unwrap_or_else(account::name),
            doing: doing.to_owned(),
            sources: SourceMap::default(),
            supplied: Vec::new(),
            kept: None,
        })
    }
}
