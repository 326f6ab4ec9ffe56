//! What has to be on a host, as tables, and how to read what a host says of it. Pure.
//!
//! A provider names its [`Needs`]: one constant script, asked with the first look at a host, and a row for each tool
//! that it tells of. What may go wrong one day is no need but a [`Danger`]: `vbs host check` asks for those.

use crate::model::command::{Answer, Query};

/// What a provider needs on a host.
#[derive(Debug)]
pub struct Needs {
    /// POSIX shell without variables, which changes nothing. It prints a line for each tool: its name, and behind a
    /// blank what it says of its version; nothing behind the name where it is missing.
    pub script: &'static str,
    pub tools: &'static [Tool],
}

#[derive(Debug)]
pub struct Tool {
    /// The first word of its line.
    pub name: &'static str,
    /// As people call it: `flock of util-linux`.
    pub called: &'static str,
    /// `2.03.11`; empty where any will do.
    pub minimum: &'static str,
    /// What to do where it is missing or too old, as a sentence.
    pub todo: &'static str,
}

/// How a host stands to one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub called: &'static str,
    pub minimum: &'static str,
    /// `2.38.1`, or in words what it said of itself. Nothing where it is missing.
    pub version: Option<String>,
    pub is_enough: bool,
    pub todo: &'static str,
}

/// Something that works, and will hurt one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    pub what: String,
    pub todo: String,
}

/// Findings of a script that prints them a line each, a word, a tab and what it is about, each once.
pub fn findings(answers: &[Answer], explain: impl Fn(&str, &str) -> Option<Danger>) -> Vec<Danger> {
    let mut found: Vec<Danger> = Vec::new();
    for line in answers.iter().flat_map(|answer| answer.stdout.lines()) {
        let danger = line.split_once('\t').and_then(|(word, about)| explain(word, about));
        found.extend(danger.filter(|danger| !found.contains(danger)));
    }
    found
}

/// Needs nothing beside what every provider needs.
pub static NOTHING: Needs = Needs { script: "", tools: &[] };

/// What every provider needs.
pub static HOST: Needs = Needs {
    script: include_str!("scripts/host.sh"),
    tools: &[
        Tool {
            name: "flock",
            called: "flock of util-linux, with -E",
            minimum: "",
            todo: "Install util-linux: the guards of pools are its locks.",
        },
        Tool {
            name: "sync",
            called: "sync with file names (coreutils >= 8.24)",
            minimum: "",
            todo: "Install a newer coreutils: what is done must be on the disk before it counts.",
        },
        Tool { name: "timeout", called: "timeout of coreutils", minimum: "", todo: "Install coreutils." },
    ],
};

/// What stores of files need.
pub static FILES: Needs = Needs {
    script: include_str!("scripts/files.sh"),
    tools: &[
        Tool {
            name: "find",
            called: "find of findutils, with -printf",
            minimum: "",
            todo: "Install findutils.",
        },
        Tool { name: "stat", called: "stat of coreutils", minimum: "", todo: "Install coreutils." },
    ],
};

/// What speaking with QEMU needs.
pub static QMP: Needs = Needs {
    script: include_str!("scripts/qmp.sh"),
    tools: &[
        Tool {
            name: "socat",
            called: "socat",
            minimum: "1.7.3",
            todo: "Install socat: QEMU is spoken with through it.",
        },
        Tool {
            name: "find",
            called: "find of findutils, with -printf",
            minimum: "",
            todo: "Install findutils.",
        },
    ],
};

/// What speaking with libvirt needs.
pub static LIBVIRT: Needs = Needs {
    script: concat!(include_str!("scripts/files.sh"), include_str!("scripts/libvirt.sh")),
    tools: &[
        Tool {
            name: "virsh",
            called: "virsh of libvirt",
            minimum: "8.0",
            todo: "Install virsh (Debian: libvirt-clients, Red Hat: libvirt-client).",
        },
        Tool { name: "sha256sum", called: "sha256sum of coreutils", minimum: "", todo: "Install coreutils." },
        Tool {
            name: "find",
            called: "find of findutils, with -printf",
            minimum: "",
            todo: "Install findutils.",
        },
    ],
};

/// What a host needs to log in to targets.
pub static OPEN_ISCSI: Needs = Needs {
    script: include_str!("scripts/open_iscsi.sh"),
    tools: &[
        Tool {
            name: "iscsiadm",
            called: "open-iscsi",
            minimum: "2.1",
            todo: "Install open-iscsi: this host logs in to targets with it.",
        },
        Tool {
            name: "root",
            called: "root",
            minimum: "",
            todo: "Log in as root, or set become = \"sudo\" in the host's block: only root may log in to targets.",
        },
        Tool { name: "udevadm", called: "udevadm", minimum: "", todo: "Install udev: it names the disks." },
        Tool { name: "blockdev", called: "blockdev of util-linux", minimum: "", todo: "Install util-linux." },
    ],
};

impl Needs {
    /// Nothing where there is nothing to ask.
    pub fn query(&self) -> Option<Query> {
        (!self.script.is_empty()).then(|| Query { script: self.script, variables: Vec::new() })
    }

    /// One entry for each tool, in the order of the table. What the answer does not tell of is missing.
    pub fn read(&self, answer: &Answer) -> Vec<Found> {
        self.tools.iter().map(|tool| tool.read(&answer.stdout)).collect()
    }
}

impl Tool {
    fn read(&self, said: &str) -> Found {
        let of_tool = |line: &&str| line.split_whitespace().next() == Some(self.name);
        let line = said.lines().find(of_tool).unwrap_or_default();
        let text = line.trim_start().strip_prefix(self.name).unwrap_or_default().trim();
        let number = version(text);
        let is_enough = !text.is_empty() && (self.minimum.is_empty() || at_least(number, self.minimum));
        let version = match number {
            "" => text,
            number => number,
        };
        Found {
            called: self.called,
            minimum: self.minimum,
            version: (!text.is_empty()).then(|| version.to_owned()),
            is_enough,
            todo: self.todo,
        }
    }
}

impl Found {
    /// `lvm2 >= 2.03.11 is needed, 2.02.98 found. Install …`; nothing where it is good enough.
    pub fn complaint(&self) -> Option<String> {
        if self.is_enough {
            return None;
        }
        let minimum = if self.minimum.is_empty() { String::new() } else { format!(" >= {}", self.minimum) };
        let found = self.version.as_deref().unwrap_or("none");
        Some(format!("{}{minimum} is needed, {found} found. {}", self.called, self.todo))
    }
}

/// The first number with a dot in a text: `2.38.1` of `flock from util-linux 2.38.1`.
fn version(text: &str) -> &str {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let words = text.split(|c: char| !is_part(c)).map(|word| word.trim_matches('.'));
    words.into_iter().find(|word| word.contains('.')).unwrap_or_default()
}

/// Part by part, as numbers; a part that is not there counts as zero.
fn at_least(version: &str, minimum: &str) -> bool {
    let parts = |text: &str| -> Vec<u64> { text.split('.').map(|part| part.parse().unwrap_or(0)).collect() };
    let (mut found, mut wanted) = (parts(version), parts(minimum));
    let longest = found.len().max(wanted.len());
    found.resize(longest, 0);
    wanted.resize(longest, 0);
    found >= wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    const LVM: Needs = Needs {
        script: ":",
        tools: &[Tool { name: "lvm", called: "lvm2", minimum: "2.03.11", todo: "Install it." }],
    };

    fn complaint(said: &str) -> Option<String> {
        let answer = Answer { status: 0, stdout: said.to_owned(), stderr: String::new() };
        LVM.read(&answer)[0].complaint()
    }

    #[test]
    fn what_is_missing_or_too_old_is_said_in_one_sentence() {
        assert_eq!(
            complaint("lvm   LVM version:     2.02.98(2) (2012-10-15)\n").unwrap(),
            "lvm2 >= 2.03.11 is needed, 2.02.98 found. Install it."
        );
        for missing in ["lvm\n", "", "lvm2 2.03.20\n"] {
            assert_eq!(
                complaint(missing).unwrap(),
                "lvm2 >= 2.03.11 is needed, none found. Install it.",
                "{missing:?}"
            );
        }
        for good in
            ["lvm 2.03.11", "other 1.0\nlvm LVM version: 2.03.11(2)", "lvm 2.3.11", "lvm 2.10", "lvm 3.0"]
        {
            assert_eq!(complaint(good), None, "{good:?}");
        }
        assert!(complaint("lvm 2.03").is_some() && complaint("lvm of somebody").is_some());
    }
}
