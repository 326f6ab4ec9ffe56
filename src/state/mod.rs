//! What is remembered: records of what was made, the journal of what is being done, saved plans, secrets, the lock.
//!
//! The only room that knows SQL. A state is one SQLite database with its companions beside it:
//!
//! ```text
//! .vbs/state.db            records, containers, trash, outputs, runs and the journal
//! .vbs/state.db-wal, -shm  SQLite's own
//! .vbs/state.db.lock       the writer's lock, and who holds it
//! .vbs/state.db.ballast    room set aside during a run, given up when the disk is full
//! .vbs/state.db.backups/   the newest five copies, one made before each run
//! .vbs/state.key           the key of saved plans and sensitive outputs
//! ```

mod backup;
mod ballast;
mod contents;
mod files;
pub mod journal;
mod lock;
mod outputs;
pub mod planfile;
mod records;
mod runs;
pub mod secrets;
mod store;
mod trouble;

pub use backup::newest as newest_backup;
pub use contents::Contents;
pub use journal::{IllegalEvent, StepEvent, StepStatus};
pub use lock::{Found, Holder, Lock};
pub use outputs::{OutputValue, StoredOutput};
pub use planfile::{Precondition, SavedPlan, Verified};
pub use records::Recorded;
pub use runs::{Direction, Evidence, OpenRun, RunHandle, RunInfo, RunKind, RunStatus, RunSummary};
pub use secrets::Key;
pub use store::{Access, Store};

#[cfg(test)]
mod tests;
