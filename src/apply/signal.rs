//! Signals, counted. The first stops dispatching and reverts; the second stops after the running command.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// How many signals arrived. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    count: Arc<AtomicUsize>,
    arrived: Arc<Notify>,
}

impl Signals {
    /// Starts listening for INT, TERM and HUP on the current runtime.
    ///
    /// # Errors
    /// Where the runtime cannot register a handler.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = Signals::default();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut stream = signal(kind)?;
            let signals = signals.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    signals.raise();
                }
            });
        }
        Ok(signals)
    }

    pub fn raise(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_waiters();
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Returns when more than `seen` signals have arrived.
    pub async fn more_than(&self, seen: usize) {
        loop {
            let arrived = self.arrived.notified();
            if self.count() > seen {
                return;
            }
            arrived.await;
        }
    }
}
