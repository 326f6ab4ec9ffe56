//! What is sent to a host: constant `/bin/sh` scripts with quoted arguments, never spliced text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::texts::Texts;

/// One operation of one provider, as plans and journals store it: a name from the provider's table and its
/// arguments. Never a command line, so a stored plan can carry no program of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Action {
    pub provider: Cow<'static, str>,
    pub verb: Cow<'static, str>,
    pub arguments: Texts,
}

impl Action {
    pub fn new(
        provider: &'static str,
        verb: &Verb,
        arguments: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        Action {
            provider: Cow::Borrowed(provider),
            verb: Cow::Borrowed(verb.name),
            arguments: arguments.into_iter().collect(),
        }
    }
}

/// As it is shown to people: the provider's verb and its arguments, quoted where they need it.
impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.provider, self.verb)?;
        for (name, value) in self.arguments.iter() {
            let plain =
                !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c));
            if plain { write!(f, " {name}={value}")? } else { write!(f, " {name}={value:?}")? }
        }
        Ok(())
    }
}

/// An entry of a provider's table of verbs: a constant script and the names of the variables that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verb {
    pub name: &'static str,
    pub parameters: &'static [&'static str],
    /// POSIX shell, run under `set -eu` in a subshell of its own with `umask 077`, `LC_ALL=C` and a fixed `PATH`.
    pub script: &'static str,
    pub effect: Effect,
}

/// Whether a script may change anything, and what protects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Reads only; may run at any time, under no lock.
    Reads,
    /// Changes things; runs holding the container's guard, after the epoch there was found to be this run's.
    Guarded,
    /// Changes things and takes the guard itself (`vbs_enter`), because it makes or removes the guard's directory.
    TakesGuard,
}

/// Where the guard file and the epochs of a container lie on its host, such as `<pool>/.vbs`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GuardDirectory(pub String);

/// A script with its arguments, ready to be sent. `variables` become shell variables of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub script: &'static str,
    pub variables: Vec<(String, String)>,
    /// What the script reads on standard input; secrets travel here.
    pub stdin: String,
    pub effect: Effect,
    pub guard: Option<GuardDirectory>,
}

/// A read-only frame: a provider's question to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub script: &'static str,
    pub variables: Vec<(String, String)>,
}

/// What a frame answered. Bytes that are not UTF-8 were replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Exit statuses that the frames themselves use, apart from those of the tools in them.
pub mod status {
    /// What is there is not what the step was planned for; nothing was changed.
    pub const REFUSED: i32 = 70;
    /// The guard stayed held by somebody else for the whole bounded wait; nothing was changed.
    pub const BUSY: i32 = 75;
    /// A newer run of this lineage has been here; nothing was changed.
    pub const STALE: i32 = 76;
    /// The container (pool, hypervisor) is not there or is another one; nothing was changed.
    pub const GONE: i32 = 77;
}
