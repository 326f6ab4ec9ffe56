//! The commands.

pub mod args;
