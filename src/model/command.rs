//! What is sent to a host: constant `/bin/sh` scripts with quoted arguments, never spliced text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::quote;
use super::texts::Texts;

/// One operation of one provider, as plans and journals store it: a name from the provider's table and its
/// arguments. Never a command line, so a stored plan can carry no program of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Action {
    pub provider: Cow<'static, str>,
    pub verb: Cow<'static, str>,
    pub arguments: Texts,
    /// Names of the secrets that the script reads on standard input, one a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

impl Action {
    /// With secrets, which the run looks up by these names when it sends the frame.
    pub fn with_secrets(self, secrets: impl IntoIterator<Item = String>) -> Self {
        Action { secrets: secrets.into_iter().collect(), ..self }
    }

    pub fn new(
        provider: &'static str,
        verb: &Verb,
        arguments: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        Action {
            provider: Cow::Borrowed(provider),
            verb: Cow::Borrowed(verb.name),
            arguments: arguments.into_iter().collect(),
            secrets: Vec::new(),
        }
    }
}

/// As it is shown where no table knows it: the provider's verb and its arguments, quoted where they need it.
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
    /// The command at the script's heart, for people: `truncate -s {size} -- {path}/{name}.img`. In braces stand
    /// parameters, and `{lineage}`; `{makes...}` is a word for each line of the parameter, `{commands&&}` commands: for
    /// each the number of its words, then a line for each of them.
    pub shown: &'static str,
    pub effect: Effect,
}

impl Verb {
    /// The command at the script's heart with these arguments, ready to be copied into a shell: a word that holds an
    /// argument is quoted as a whole where it has to be. `None` where an argument is missing, or holds what no shell
    /// can.
    pub fn shown(&self, arguments: &Texts, lineage: Uuid) -> Option<String> {
        let lineage = lineage.to_string();
        let value = |name: &str| if name == "lineage" { Some(lineage.as_str()) } else { arguments.get(name) };
        let mut words = Vec::new();
        for word in self.shown.split(' ') {
            if let Some(list) = word.strip_prefix('{').and_then(|word| word.strip_suffix("...}")) {
                for line in value(list)?.lines() {
                    words.push(quote::where_needed(line).ok()?);
                }
            } else if let Some(list) = word.strip_prefix('{').and_then(|word| word.strip_suffix("&&}")) {
                words.push(commands(value(list)?)?);
            } else if word.contains('{') {
                words.push(quote::where_needed(&filled(word, value)?).ok()?);
            } else {
                words.push(word.to_owned());
            }
        }
        Some(words.join(" "))
    }
}

/// Commands, ready to be copied. Control characters stand for what only the host knows, a secret or a number.
fn commands(counted: &str) -> Option<String> {
    let mut lines = counted.split('\n');
    let mut commands = Vec::new();
    while let Some(count) = lines.next().filter(|count| !count.is_empty()) {
        let words = (0..count.parse::<usize>().ok()?).map(|_| {
            let word = lines.next()?.replace('\u{1}', "SECRET").replace('\u{2}', "NUMBER");
            quote::where_needed(&word).ok()
        });
        commands.push(words.collect::<Option<Vec<_>>>()?.join(" "));
    }
    Some(commands.join(" && "))
}

/// A word of a template with the values of what stands in braces.
fn filled<'a>(word: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut text = String::new();
    let mut rest = word;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}')?;
        text.push_str(before);
        text.push_str(value(name)?);
        rest = after;
    }
    Some(text + rest)
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
    /// A part of a long step is done: the same frame is to be sent again. Its standard output ends in a line
    /// `progress DONE TOTAL`, in bytes.
    pub const MORE: i32 = 71;
    /// The guard stayed held by somebody else for the whole bounded wait; nothing was changed.
    pub const BUSY: i32 = 75;
    /// A newer run of this lineage has been here; nothing was changed.
    pub const STALE: i32 = 76;
    /// The container (pool, hypervisor) is not there or is another one; nothing was changed.
    pub const GONE: i32 = 77;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(template: &'static str, arguments: &[(&'static str, &str)]) -> Option<String> {
        let verb = Verb { name: "v", parameters: &[], script: "", shown: template, effect: Effect::Guarded };
        verb.shown(&arguments.iter().copied().collect(), Uuid::nil())
    }

    #[test]
    fn a_shown_command_can_be_pasted_whatever_its_arguments_hold() {
        let image = "rm -- {path}/{name}.img";
        assert_eq!(shown(image, &[("path", "/srv"), ("name", "db")]).unwrap(), "rm -- /srv/db.img");
        let hostile = shown(image, &[("path", "/a b"), ("name", "$(reboot)'{path}")]).unwrap();
        assert_eq!(hostile, r"rm -- '/a b/$(reboot)'\''{path}.img'");
        assert_eq!(shown("x {lineage}", &[]).unwrap(), format!("x {}", Uuid::nil()));
        assert_eq!(shown("mkdir {makes...} a", &[("makes", "/b\n/c d")]).unwrap(), "mkdir /b '/c d' a");
        assert_eq!(shown("mkdir {makes...} a", &[("makes", "")]).unwrap(), "mkdir a");
        let several = [("all", "2\nadm\n\u{2}\n3\nadm\n\nc d\n")];
        assert_eq!(shown("{all&&}", &several).unwrap(), "adm NUMBER && adm '' 'c d'");
        assert_eq!(shown(image, &[("path", "/srv")]), None);
    }
}
