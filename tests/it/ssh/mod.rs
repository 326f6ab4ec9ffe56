//! Hosts that are reached over SSH, on real servers.

mod keys;
mod lost;
mod reach;
mod server;
mod several;
