//! Tests from outside: the real program and the real rooms, on real files. One binary, because each costs a link.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "a test may stop at the first surprise, and looks at the world by every means"
)]

mod chap;
mod cli;
mod config;
mod dependencies;
mod examples;
mod libvirt;
mod qemu;
mod readme;
mod reference;
mod safety;
mod saga;
mod sharing;
mod ssh;
mod support;
mod tgt;
mod walls;
