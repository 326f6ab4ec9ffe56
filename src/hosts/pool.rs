//! The shells of one host: one that is asked, and a few that act.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::channel::Channel;
use crate::model::{HostName, HostSpec};

/// The shells of one host. They are started when they are needed and kept for the next frame.
pub struct Pool {
    spec: HostSpec,
    readers: Idle,
    writers: Idle,
}

struct Idle {
    permits: Semaphore,
    channels: Mutex<Vec<Channel>>,
}

/// A shell in use by one caller. It is thrown away unless it is given back after a whole reply.
pub struct Held<'a> {
    pub channel: Channel,
    idle: &'a Idle,
    _permit: SemaphorePermit<'a>,
}

impl Held<'_> {
    pub fn give_back(self) {
        self.idle.lock().push(self.channel);
    }
}

impl Idle {
    fn new(most: usize) -> Self {
        Idle { permits: Semaphore::new(most.max(1)), channels: Mutex::new(Vec::new()) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Channel>> {
        // A panic elsewhere cannot leave a list of idle shells half-changed.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle shell that still lives; the others are forgotten.
    fn reuse(&self) -> Option<Channel> {
        let mut channels = self.lock();
        while let Some(mut channel) = channels.pop() {
            if channel.is_alive() {
                return Some(channel);
            }
        }
        None
    }
}

impl Pool {
    pub fn new(spec: HostSpec) -> Self {
        let writers = Idle::new(spec.parallelism);
        Pool { spec, readers: Idle::new(1), writers }
    }

    #[cfg(debug_assertions)]
    pub fn is_elsewhere(&self) -> bool {
        self.spec.address.is_some()
    }

    /// The shell for questions. A new one is greeted together with the first questions: where it does not answer,
    /// nothing can have changed.
    ///
    /// # Errors
    /// In words, where none can be started.
    pub async fn reader(&self) -> Result<Held<'_>, String> {
        self.held(&self.readers).await
    }

    /// A shell that has answered.
    ///
    /// # Errors
    /// In words, where none can be started or it did not answer.
    pub async fn writer(&self) -> Result<Held<'_>, String> {
        let mut held = self.held(&self.writers).await?;
        let patience = Duration::from_secs(self.spec.connect_timeout_seconds.max(1));
        held.channel.greet(patience).await.map_err(|lost| self.unreachable(&lost.0))?;
        Ok(held)
    }

    async fn held<'a>(&'a self, idle: &'a Idle) -> Result<Held<'a>, String> {
        let permit = idle.permits.acquire().await.map_err(|closed| closed.to_string())?;
        let channel = match idle.reuse() {
            Some(channel) => channel,
            None => {
                Channel::open(&program(&self.spec)?).map_err(|error| self.unreachable(&error.to_string()))?
            }
        };
        Ok(Held { channel, idle, _permit: permit })
    }

    fn unreachable(&self, why: &str) -> String {
        format!("no shell could be started on {}: {why}", self.spec.name)
    }
}

/// What is started to get a shell on a host.
fn program(spec: &HostSpec) -> Result<Vec<String>, String> {
    if let Some(address) = &spec.address {
        return Err(format!(
            "{address} is another machine, and this version of vbs reaches the local one only"
        ));
    }
    let words: &[&str] = if spec.become_root { &["sudo", "-n", "--", "/bin/sh"] } else { &["/bin/sh"] };
    Ok(words.iter().map(|word| (*word).to_owned()).collect())
}

/// This machine, where no block describes it.
pub fn local() -> HostSpec {
    HostSpec {
        name: HostName::local(),
        address: None,
        become_root: false,
        connect_timeout_seconds: 30,
        parallelism: 4,
    }
}
