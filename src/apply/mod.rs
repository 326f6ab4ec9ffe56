//! The saga: runs a plan under a journal, and takes it back when anything fails.
//!
//! Nothing is sent before its intent is committed. What answered is proved by a fresh look before anything
//! irreversible and before the run commits. Undoing needs the journal alone: no configuration, no provider's advice.

mod accept;
mod dispatch;
mod engine;
mod event;
mod forward;
mod outcome;
pub mod proof;
mod recover;
mod remains;
mod revert;
mod signal;

pub use engine::{Conclude, Engine, RunOptions, Secrets, Setup, raise_at, stale};
pub use event::{CommandFailure, Event};
pub use outcome::Outcome;
pub use proof::{Finding, Seen, Views};
pub use recover::{Prospect, prospect};
pub use signal::Signals;
