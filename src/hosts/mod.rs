//! The only room that starts processes or opens a socket.
//!
//! A host is a long-lived `/bin/sh` that is sent framed scripts and answers with in-band status trailers. The local
//! host speaks the same protocol as a remote one, so nothing above this room can tell them apart.

mod channel;
#[cfg(debug_assertions)]
mod faults;
mod frame;
mod pool;
mod ssh;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use frame::{Body, Message};
pub use pool::local;
use pool::{Held, Pool};
pub use ssh::{HostKey, Ssh, SshSettings};

use crate::model::command::{Answer, Effect, Frame, GuardDirectory, Query, status};
use crate::model::{HostName, HostSpec};

/// What a run shows at every guard: a frame that is older than the last one seen there changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub lineage: Uuid,
    pub epoch: u64,
    /// How long a frame waits for a guard that somebody else holds.
    pub wait_seconds: u64,
    /// Written into the guard file for whoever has to wait: `shop run 7 (pid 4711 on admin1)`.
    pub holder: String,
}

/// The three outcomes of sending a mutating frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The whole reply arrived, whatever its status.
    Answered(Answer),
    /// Proved never to have been sent.
    NotStarted { why: String },
    /// Sent, or perhaps sent, and no whole reply: the world must be looked at before anything else is done.
    InDoubt { why: String },
}

impl Verdict {
    /// For the log: which of the three it is, and the status where there is one.
    pub fn words(&self) -> (&'static str, Option<i32>) {
        match self {
            Verdict::Answered(answer) => ("answered", Some(answer.status)),
            Verdict::NotStarted { .. } => ("not started", None),
            Verdict::InDoubt { .. } => ("in doubt", None),
        }
    }
}

/// A host that could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError {
    pub host: HostName,
    pub why: String,
}

/// What raising the epoch at a guard led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raised {
    /// The guard was free at least once since, so no older command of this lineage can change anything any more.
    Raised,
    /// There is no such container (yet): nothing to guard.
    NoContainer,
    /// A newer run of the same lineage was here.
    Stale { found: u64 },
    /// Somebody held the guard for the whole wait.
    Busy { holder: String },
}

/// How long a reply is waited for. The end of patience ends the waiting, never the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    pub query: Duration,
    /// Copies and wipes take hours.
    pub mutation: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { query: Duration::from_secs(120), mutation: Duration::from_secs(24 * 60 * 60) }
    }
}

/// Connections to every host of a workspace, opened when first used. Dropping them closes the shells' inputs; frames
/// that run are left to end.
pub struct Hosts {
    pools: BTreeMap<HostName, Pool>,
    /// Random. Tells the shells of this process from those of one that died.
    instance: Uuid,
    patience: Patience,
    round_trips: AtomicU64,
    frames: AtomicU64,
}

impl Hosts {
    /// Hosts that are this machine. The local one is always there, with or without a specification.
    pub fn new(specs: BTreeMap<HostName, HostSpec>) -> Self {
        Hosts::with(specs, None)
    }

    /// Hosts that may be other machines, too.
    pub fn reached_by(ssh: &Arc<Ssh>, specs: BTreeMap<HostName, HostSpec>) -> Self {
        Hosts::with(specs, Some(ssh))
    }

    fn with(mut specs: BTreeMap<HostName, HostSpec>, ssh: Option<&Arc<Ssh>>) -> Self {
        specs.entry(HostName::local()).or_insert_with(pool::local);
        let pools =
            specs.into_iter().map(|(name, spec)| (name, Pool::new(spec, ssh.map(Arc::clone)))).collect();
        Hosts {
            pools,
            instance: Uuid::new_v4(),
            patience: Patience::default(),
            round_trips: AtomicU64::new(0),
            frames: AtomicU64::new(0),
        }
    }

    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// How often something was sent and its answer waited for; greeting a new shell is not counted.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// How many queries and frames were sent.
    pub fn frames_sent(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Asks a host everything at once: one round trip.
    ///
    /// # Errors
    /// Where the host cannot be reached or the connection broke. A query that ran and failed is an [`Answer`].
    pub async fn ask(&self, host: &HostName, queries: &[Query]) -> Result<Vec<Answer>, HostError> {
        let error = |why| HostError { host: host.clone(), why };
        let messages: Vec<Message> = queries
            .iter()
            .map(|query| Body::of_query(query).map(|body| body.message()))
            .collect::<Result<_, _>>()
            .map_err(error)?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let mut held = self.pool(host).map_err(error)?.reader().await.map_err(error)?;
        self.count(messages.len());
        let begun = Instant::now();
        let exchanged = held.channel.exchange(&messages, self.patience.query).await;
        tracing::debug!(%host, queries = messages.len(), answered = exchanged.is_ok(), ms = milliseconds(begun), "asked");
        let answers = match exchanged {
            Ok(answers) => answers,
            Err(lost) if held.channel.is_greeted() => return Err(error(lost.0)),
            Err(lost) => return Err(error(held.pool.unreachable(&lost.0))),
        };
        held.give_back();
        Ok(answers)
    }

    /// Sends one mutating frame: one round trip.
    pub async fn act(&self, host: &HostName, frame: &Frame, fence: &Fence) -> Verdict {
        let body = match Body::of_frame(frame, fence) {
            Ok(body) => body,
            Err(why) => return Verdict::NotStarted { why },
        };
        match self.writer(host, fence).await {
            #[cfg(debug_assertions)]
            Ok(held) => faults::send(self, host, held, body, fence).await,
            #[cfg(not(debug_assertions))]
            Ok(held) => self.send(held, &body, fence).await,
            Err(why) => Verdict::NotStarted { why },
        }
    }

    /// Writes the fence's epoch beside a guard, waiting for whoever holds it.
    ///
    /// # Errors
    /// Where the host cannot be reached or the reply was lost.
    pub async fn raise(
        &self,
        host: &HostName,
        guard: &GuardDirectory,
        fence: &Fence,
    ) -> Result<Raised, HostError> {
        let frame = Frame {
            script: include_str!("raise.sh"),
            variables: vec![("instance".to_owned(), self.instance.to_string())],
            stdin: String::new(),
            effect: Effect::TakesGuard,
            guard: Some(guard.clone()),
        };
        let error = |why| HostError { host: host.clone(), why };
        let begun = Instant::now();
        let verdict = self.act(host, &frame, fence).await;
        let (outcome, status) = verdict.words();
        tracing::debug!(%host, guard = guard.0, epoch = fence.epoch, outcome, status, ms = milliseconds(begun), "raise");
        match verdict {
            Verdict::Answered(answer) => raised(&answer, guard).map_err(error),
            Verdict::NotStarted { why } => Err(error(why)),
            Verdict::InDoubt { why } => {
                Err(error(format!("whether the epoch at {} was raised is not known: {why}", guard.0)))
            }
        }
    }

    /// Hosts that turned out to be one machine, of those that were asked, with what to do. Two blocks for this machine
    /// are seen in the configuration.
    pub fn duplicates(&self) -> BTreeMap<HostName, String> {
        let mut found = BTreeMap::new();
        if crate::faults::tells_no_machines_apart() {
            return found;
        }
        let said = || self.pools.iter().filter_map(|(name, pool)| Some((name, pool, pool.machine()?)));
        for (name, pool, machine) in said() {
            let twin = said().find(|(other, twin, theirs)| {
                *other != name
                    && *theirs == machine
                    && (pool.is_another_machine() || twin.is_another_machine())
            });
            if let Some((twin, ..)) = twin {
                found.insert(
                    name.clone(),
                    format!(
                        "host.{name} and host.{twin} are one machine: both have the machine-id {machine}. Use one `host` \
                         block for it (host.local, which is this machine, needs none). Machines that were copied from \
                         one image need ids of their own: systemd-machine-id-setup"
                    ),
                );
            }
        }
        found
    }

    /// A shell that answered and has not been sent anything since that could be in doubt.
    async fn writer(&self, host: &HostName, fence: &Fence) -> Result<Held<'_>, String> {
        self.pool(host)?.writer(&format!("vbs-{}-{}-{}", fence.lineage, fence.epoch, self.instance)).await
    }

    async fn send(&self, mut held: Held<'_>, body: &Body, fence: &Fence) -> Verdict {
        let patience = self.patience.mutation.saturating_add(Duration::from_secs(fence.wait_seconds));
        self.count(1);
        match held.channel.exchange(&[body.message()], patience).await {
            Ok(mut answers) => match answers.pop() {
                Some(answer) => {
                    held.give_back();
                    Verdict::Answered(answer)
                }
                None => Verdict::InDoubt { why: "the shell gave no answer".to_owned() },
            },
            Err(lost) => Verdict::InDoubt { why: lost.0 },
        }
    }

    /// Whether a host is another machine, as far as its address tells.
    #[cfg(debug_assertions)]
    fn is_elsewhere(&self, host: &HostName) -> bool {
        self.pools.get(host).is_some_and(Pool::is_elsewhere)
    }

    fn pool(&self, host: &HostName) -> Result<&Pool, String> {
        self.pools.get(host).ok_or_else(|| format!("no host {host} is known"))
    }

    fn count(&self, frames: usize) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        self.frames.fetch_add(frames as u64, Ordering::Relaxed);
    }
}

/// Since then, for the log.
pub fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Reads what `raise.sh` answered: it prints the holder or the epoch that was in the way.
fn raised(answer: &Answer, guard: &GuardDirectory) -> Result<Raised, String> {
    let found = answer.stdout.trim();
    let failed = || {
        format!(
            "the epoch at {} could not be raised: status {}: {}",
            guard.0,
            answer.status,
            answer.stderr.trim()
        )
    };
    match answer.status {
        0 => Ok(Raised::Raised),
        status::GONE => Ok(Raised::NoContainer),
        status::BUSY => Ok(Raised::Busy { holder: found.to_owned() }),
        status::STALE => found.parse().map(|found| Raised::Stale { found }).map_err(|_| failed()),
        _ => Err(failed()),
    }
}

#[cfg(test)]
mod tests;
