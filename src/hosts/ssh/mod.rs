//! Other machines: one connection to each, with several shells on it.
//!
//! The connection is the system's own `ssh`, started here so that it is given every option that safety needs, and put
//! into the background; the shells are opened on it by its multiplexing protocol. It outlives one command's `Hosts`,
//! so that planning and applying share it, and ends with [`Ssh`]. Where vbs is killed it ends by itself, soon after
//! the last frame.

mod advice;
pub mod config;
mod directory;
mod keys;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Semaphore;

pub use advice::explain;
use directory::{Directory, private};
pub use keys::HostKey;

use super::channel::Channel;
use crate::model::{HostAddress, HostSpec};

/// Connections that are being opened at once, over all hosts: sshd begins to drop them at ten.
const OPENING: usize = 8;

/// The only commands that are ever run by a login shell, which may be no POSIX shell.
const SHELL: &str = "exec env -i /bin/sh";
const ROOT_SHELL: &str = "exec sudo -n -- /bin/sh";

/// How long ssh gets to say what its own time limit said.
const GRACE: Duration = Duration::from_secs(5);

/// What ssh is started with.
#[derive(Debug, Clone, Default)]
pub struct SshSettings {
    /// Stands for the user's and the system's configuration.
    pub config: Option<PathBuf>,
    /// Host keys that are pinned beside the configuration. Need not exist.
    pub known_hosts: PathBuf,
    /// A directory of this user, for sockets. `/tmp` where there is none.
    pub runtime_directory: Option<PathBuf>,
    /// Whatever ssh may need: the agent's socket, PATH. No secret of vbs.
    pub environment: Vec<(OsString, OsString)>,
}

/// Why no shell was opened, as the programs said it. Nothing was sent.
#[derive(Debug)]
pub enum Unopened {
    /// The host allows no further shell on this connection.
    Full(String),
    Failed(String),
}

/// The connections of this process.
pub struct Ssh {
    settings: SshSettings,
    /// Made with the first connection.
    directory: OnceLock<Result<Directory, String>>,
    /// By address: an edited host block is another connection.
    connections: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Option<Connection>>>>>,
    sockets: Mutex<Vec<PathBuf>>,
    opening: Semaphore,
    last: AtomicU64,
}

#[derive(Clone)]
struct Connection {
    session: Arc<openssh::Session>,
    number: u64,
}

impl Ssh {
    pub fn new(settings: SshSettings) -> Self {
        Ssh {
            settings,
            directory: OnceLock::new(),
            connections: Mutex::default(),
            sockets: Mutex::default(),
            opening: Semaphore::new(OPENING),
            last: AtomicU64::new(0),
        }
    }

    /// A number that no file in our directory has.
    fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A shell on a host, over the connection that is there; over a new one where there is none or it died, or where
    /// it is asked for `anew`.
    ///
    /// # Errors
    /// Where there is none. Nothing was sent then.
    pub async fn shell(&self, spec: &HostSpec, name: Option<&str>, anew: bool) -> Result<Channel, Unopened> {
        let shell = if spec.become_root { ROOT_SHELL } else { SHELL };
        let command = &name.map_or_else(|| shell.to_owned(), |name| format!("{shell} -s {name}"));
        let mut connection = self.connection(spec, None).await.map_err(Unopened::Failed)?;
        let mut again = anew;
        if anew {
            connection = self.connection(spec, Some(connection.number)).await.map_err(Unopened::Failed)?;
        }
        loop {
            let said = match Channel::over(Arc::clone(&connection.session), command).await {
                Ok(channel) => return Ok(channel),
                Err(error) => chain(&error),
            };
            if said.contains("refused by peer") {
                return Err(Unopened::Full(said));
            }
            if again {
                return Err(Unopened::Failed(said));
            }
            // It died since it was last used.
            again = true;
            connection = self.connection(spec, Some(connection.number)).await.map_err(Unopened::Failed)?;
        }
    }

    /// The connection to a host, unless it is the `lost` one.
    async fn connection(&self, spec: &HostSpec, lost: Option<u64>) -> Result<Connection, String> {
        let address = spec.address.as_deref().unwrap_or_default();
        let slot = {
            let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(connections.entry(address.to_owned()).or_default())
        };
        let mut slot = slot.lock().await;
        match &*slot {
            Some(connection) if lost != Some(connection.number) => Ok(connection.clone()),
            _ => {
                *slot = None;
                let connection = self.connect(spec, address).await?;
                *slot = Some(connection.clone());
                Ok(connection)
            }
        }
    }

    async fn connect(&self, spec: &HostSpec, address: &str) -> Result<Connection, String> {
        let address = HostAddress::parse(address)?;
        let directory = self.directory()?;
        let _turn = self.opening.acquire().await.map_err(|closed| closed.to_string())?;
        let number = self.next();
        let (socket, said) = (directory.join(number.to_string()), directory.join(format!("{number}.log")));
        let seconds = spec.connect_timeout_seconds.max(1);
        let arguments = config::connect(&directory.join("config"), &socket, &address, seconds);
        let begun = std::time::Instant::now();
        // Remembered before it is there: whatever comes of it is ended with the rest.
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).push(socket.clone());
        let ended = self.run_ssh(&arguments, &said, Duration::from_secs(seconds) + GRACE).await;
        let milliseconds = super::milliseconds(begun);
        tracing::debug!(host = %spec.name, connected = matches!(ended, Ok(true)), ms = milliseconds, "connected");
        let text = read(&said);
        match ended {
            Ok(true) => {
                let session = openssh::Session::resume_mux(socket.into_boxed_path(), None);
                Ok(Connection { session: Arc::new(session), number })
            }
            // It says so only where it is to be told everything, with every banner.
            Ok(false) if text.trim().is_empty() => {
                Err("Connection closed before the login was done. The log of its sshd says why".to_owned())
            }
            Ok(false) => Err(text),
            Err(why) => Err(format!("{why}\n{text}")),
        }
    }

    /// Waits until ssh has connected and gone into the background. Says whether it has.
    async fn run_ssh(&self, arguments: &[OsString], said: &Path, limit: Duration) -> Result<bool, String> {
        let file = private(said).map_err(|error| format!("{} cannot be written: {error}", said.display()))?;
        let mut child =
            self.command("ssh", arguments).stderr(Stdio::from(file)).spawn().map_err(|error| {
                format!("ssh could not be started: {error}. Is the OpenSSH client installed?")
            })?;
        match tokio::time::timeout(limit, child.wait()).await {
            Ok(Ok(status)) => Ok(status.success()),
            Ok(Err(error)) => Err(format!("ssh could not be waited for: {error}")),
            Err(_) => {
                // It is connecting still: no command was sent.
                let _ = child.kill().await;
                Err(format!("Connection timed out: it was not there within {} s", limit.as_secs()))
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is where vbs starts ssh")]
    fn command(&self, program: &str, arguments: &[OsString]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.settings.environment.iter().map(|(name, value)| (name, value)))
            // The ssh of a jump host, which is given no options, asks a program that says nothing.
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("SSH_ASKPASS", "/bin/false")
            .current_dir("/")
            // A terminal's Ctrl-C reaches vbs alone.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Our own directory, which nobody else can look into, with the configuration in it.
    fn directory(&self) -> Result<&Path, String> {
        let made = self.directory.get_or_init(|| {
            let text = config::file(&self.settings.known_hosts, self.settings.config.as_deref())?;
            if let Some(config) = &self.settings.config {
                // ssh passes over a file that is not there.
                let opened = OpenOptions::new().read(true).open(config);
                opened.map_err(|error| format!("VBS_SSH_CONFIG: {}: {error}", config.display()))?;
            }
            let directory = Directory::make(self.settings.runtime_directory.as_deref())?;
            let written = private(&directory.path().join("config"))
                .and_then(|mut file| file.write_all(text.as_bytes()));
            written.map_err(|error| format!("{} cannot be written: {error}", directory.path().display()))?;
            Ok(directory)
        });
        made.as_ref().map(Directory::path).map_err(Clone::clone)
    }
}

impl Drop for Ssh {
    /// Ends the connections. A frame that still runs is left to end.
    fn drop(&mut self) {
        let sockets = std::mem::take(self.sockets.get_mut().unwrap_or_else(PoisonError::into_inner));
        let there = sockets.iter().filter(|socket| socket.exists());
        let ending: Vec<_> = there.map(|socket| self.end(socket)).collect();
        for mut child in ending.into_iter().flatten() {
            let _ = child.wait();
        }
    }
}

impl Ssh {
    #[expect(clippy::disallowed_methods, reason = "there is no runtime any more where connections end")]
    fn end(&self, socket: &Path) -> std::io::Result<std::process::Child> {
        use std::os::unix::process::CommandExt;
        std::process::Command::new("ssh")
            .args(config::disconnect(socket))
            .env_clear()
            .envs(self.settings.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }
}

/// An error with everything that it rests on.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// The end of what ssh wrote; nothing where it cannot be read.
fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    let opened = OpenOptions::new().read(true).open(path);
    let _ = opened.and_then(|file| file.take(1 << 16).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}
