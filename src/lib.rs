//! vbs is a small compiler whose target is a saga: text becomes resources, resources become objects on hosts, the
//! difference between desired, recorded and live objects becomes steps, and steps are executed under a journal
//! that can always run them backwards.
//!
//! ```text
//! *.vbs.hcl ──config──▶ Desired ─────────────plan::lower──▶ Desired objects ─┐
//! state     ──state───▶ Recorded objects ────────────────────────────────────┼─plan::diff─▶ Changes
//! hosts     ──survey──▶ Live objects ────────────────────────────────────────┘               │
//!                                                              provider.steps(&request) ──▶ Steps
//!                                                              plan::assemble           ──▶ Plan
//! Plan ──apply (journal, hosts)──▶ Outcome: Applied | Reverted | Halted | Stuck  ──▶ Recorded'
//! ```

pub mod apply;
pub mod cli;
pub mod config;
pub mod diag;
pub mod exit;
pub mod faults;
pub mod hosts;
pub mod model;
pub mod plan;
pub mod providers;
pub mod state;
pub mod survey;
pub mod ui;
