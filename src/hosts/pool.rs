//! The shells of one host: one that is asked, and a few that act.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::channel::Channel;
use super::ssh::{self, Ssh, Unopened};
use crate::model::{HostName, HostSpec};

/// The shells of one host. They are started when they are needed and kept for the next frame.
pub struct Pool {
    spec: HostSpec,
    /// How another machine is reached.
    ssh: Option<Arc<Ssh>>,
    readers: Idle,
    writers: Idle,
    machine: OnceLock<String>,
    /// Shells that callers hold.
    held: AtomicUsize,
    freed: Notify,
}

struct Idle {
    permits: Semaphore,
    channels: Mutex<Vec<Channel>>,
}

/// A shell in use by one caller. It is thrown away unless it is given back after a whole reply.
pub struct Held<'a> {
    pub channel: Channel,
    pub pool: &'a Pool,
    idle: &'a Idle,
    _use: Use<'a>,
    _permit: SemaphorePermit<'a>,
}

/// Counts a shell as held, and tells whoever waits for one that it is not any more.
struct Use<'a>(&'a Pool);

impl<'a> Use<'a> {
    fn of(pool: &'a Pool) -> Self {
        pool.held.fetch_add(1, Ordering::SeqCst);
        Use(pool)
    }

    /// Ends one that came to nothing. Who waits has nothing from it, and would ask again only to hear the same.
    fn end_quietly(self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
        std::mem::forget(self);
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
        self.0.freed.notify_waiters();
    }
}

impl Held<'_> {
    pub fn give_back(self) {
        if let Some(machine) = self.channel.machine() {
            self.pool.machine.get_or_init(|| machine.to_owned());
        }
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
    pub fn new(spec: HostSpec, ssh: Option<Arc<Ssh>>) -> Self {
        let writers = Idle::new(spec.parallelism);
        Pool {
            spec,
            ssh,
            readers: Idle::new(1),
            writers,
            machine: OnceLock::new(),
            held: AtomicUsize::new(0),
            freed: Notify::new(),
        }
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
        self.hold(&self.readers, &self.writers, None).await
    }

    /// A shell that has answered. `name` is an argument of its process, so that whoever closes the run of a vbs that
    /// died finds what it left on the host; letters, digits and dashes.
    ///
    /// # Errors
    /// In words, where none can be started or it did not answer.
    pub async fn writer(&self, name: &str) -> Result<Held<'_>, String> {
        let mut held = self.hold(&self.writers, &self.readers, Some(name)).await?;
        let patience = Duration::from_secs(self.spec.connect_timeout_seconds.max(1));
        held.channel.greet(patience).await.map_err(|lost| self.unreachable(&lost.0))?;
        Ok(held)
    }

    /// An idle shell, else a new one. Where a host allows no more on its connection, it is one that is idle among the
    /// others, or the next that is given back, or one on another connection: a shell whose frame outlives our
    /// patience may be what is in the way.
    async fn hold<'a>(
        &'a self,
        idle: &'a Idle,
        others: &'a Idle,
        name: Option<&str>,
    ) -> Result<Held<'a>, String> {
        let permit = idle.permits.acquire().await.map_err(|closed| closed.to_string())?;
        let mut anew = false;
        let (channel, using) = loop {
            let freed = self.freed.notified();
            // One that is being opened counts for the host, too.
            let using = Use::of(self);
            if let Some(channel) = idle.reuse() {
                break (channel, using);
            }
            let why = match self.open(name, anew).await {
                Ok(channel) => break (channel, using),
                Err(Unopened::Failed(why)) => return Err(self.unreachable(&why)),
                Err(Unopened::Full(why)) => why,
            };
            using.end_quietly();
            // Whatever is not held by now was put back before.
            let held = self.held.load(Ordering::SeqCst);
            if let Some(channel) = idle.reuse().or_else(|| others.reuse()) {
                break (channel, Use::of(self));
            }
            match (held, anew) {
                (0, true) => return Err(self.unreachable(&why)),
                (0, false) => anew = true,
                _ => freed.await,
            }
        };
        Ok(Held { channel, pool: self, idle, _use: using, _permit: permit })
    }

    async fn open(&self, name: Option<&str>, anew: bool) -> Result<Channel, Unopened> {
        if let Some(address) = &self.spec.address {
            let unsaid = || Unopened::Failed(format!("nothing was said of how {address} is reached"));
            return self.ssh.as_ref().ok_or_else(unsaid)?.shell(&self.spec, name, anew).await;
        }
        let words: &[&str] =
            if self.spec.become_root { &["sudo", "-n", "--", "/bin/sh"] } else { &["/bin/sh"] };
        let named = name.iter().flat_map(|name| ["-s", *name]);
        let program: Vec<String> = words.iter().copied().chain(named).map(str::to_owned).collect();
        Channel::open(&program).map_err(|error| Unopened::Failed(error.to_string()))
    }

    /// What the machine calls itself, where a shell has answered and it says so.
    pub fn machine(&self) -> Option<&str> {
        self.machine.get().map(String::as_str)
    }

    pub fn is_another_machine(&self) -> bool {
        self.spec.address.is_some()
    }

    /// Why there is no shell, or why one that had not answered yet was lost.
    pub fn unreachable(&self, why: &str) -> String {
        format!("no shell could be started on {}: {}", self.spec.name, ssh::explain(&self.spec, why))
    }
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
