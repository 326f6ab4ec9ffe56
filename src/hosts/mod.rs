//! The only room that starts processes or opens a socket.
//!
//! A host is a long-lived `/bin/sh` that is sent framed scripts and answers with in-band status trailers. The local
//! host speaks the same protocol as a remote one, so nothing above this room can tell them apart.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::model::command::{Answer, Frame, GuardDirectory, Query};
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

/// Connections to every host of a workspace, opened when first used.
pub struct Hosts {
    specs: BTreeMap<HostName, HostSpec>,
}

impl Hosts {
    pub fn new(specs: BTreeMap<HostName, HostSpec>) -> Self {
        Hosts { specs }
    }

    /// Asks a host everything at once: one round trip.
    ///
    /// # Errors
    /// Where the host cannot be reached or the connection broke. A query that ran and failed is an [`Answer`].
    pub async fn ask(&self, host: &HostName, queries: &[Query]) -> Result<Vec<Answer>, HostError> {
        let _ = (queries, &self.specs);
        Err(HostError { host: host.clone(), why: "hosts are not built yet".to_owned() })
    }

    /// Sends one mutating frame: one round trip.
    pub async fn act(&self, host: &HostName, frame: &Frame, fence: &Fence) -> Verdict {
        let _ = (host, frame, fence);
        Verdict::NotStarted { why: "hosts are not built yet".to_owned() }
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
        let _ = (guard, fence);
        Err(HostError { host: host.clone(), why: "hosts are not built yet".to_owned() })
    }
}
