//! Volume servers and hypervisors that vbs does not know: the commands are templates in the configuration, and what
//! there is is read from what a command lists. Nothing is believed of a command but what a list shows afterwards.
//! `docs/providers/command.md` tells what a template may hold.

mod ere;
pub mod export;
pub mod hypervisor;
mod look;
pub mod pool;
mod programs;
mod reader;
mod template;
mod verbs;

/// What actions call both providers: their verbs are one table.
const NAME: &str = "command";
