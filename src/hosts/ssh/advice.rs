//! What ssh, sshd and sudo said, with what to do about it. Pure.

use crate::model::HostSpec;

/// What was said, and what helps.
struct Advice {
    /// Any of these words, as the programs write them.
    said: &'static [&'static str],
    /// And these, where they make a difference.
    also: &'static str,
    /// `{host}` is the host's name and `{address}` its address.
    why: &'static str,
    todo: &'static str,
}

/// The first that fits counts.
const ADVICE: &[Advice] = &[
    Advice {
        said: &["Host key verification failed", "host key is known for"],
        also: "Connection closed by",
        why: "the key of its jump host is not the one that is known, or none is",
        todo: "Declare the jump host as a `host` and use `vbs host trust`, or log in to it once with ssh",
    },
    Advice {
        said: &["REMOTE HOST IDENTIFICATION HAS CHANGED", "differs from the key for the IP address"],
        also: "",
        why: "its host key is not the one that is known: it was set up anew, or somebody stands in between",
        todo: "If you know that it was, `vbs host trust --replace host.{host}` shows both keys and pins the new one",
    },
    Advice {
        said: &["Host key verification failed", "host key is known for"],
        also: "",
        why: "its host key is not known",
        todo: "`vbs host trust host.{host}` shows its fingerprint and pins it in vbs.known_hosts",
    },
    Advice {
        said: &[
            "Permission denied",
            "Too many authentication failures",
            "No supported authentication methods",
        ],
        also: "",
        why: "ssh could not log in",
        todo: "vbs never asks for a password: `ssh -o BatchMode=yes {address} true` has to work, with a key from the agent \
               or from ssh's own configuration",
    },
    Advice {
        said: &["Connection refused"],
        also: "",
        why: "nothing listens there",
        todo: "Is sshd running, and is the port right?",
    },
    Advice {
        said: &["Could not resolve hostname"],
        also: "",
        why: "its name is not known",
        todo: "Is the address right? A `Host` block of ssh's own configuration may name it",
    },
    Advice {
        said: &["Connection timed out", "Operation timed out", "timed out during banner exchange"],
        also: "",
        why: "it did not answer",
        todo: "Is it on, and does a firewall let ssh through? `connect_timeout` gives it longer",
    },
    Advice {
        said: &["No route to host", "Network is unreachable"],
        also: "",
        why: "no way leads there",
        todo: "Is the network up, and the host on?",
    },
    Advice {
        said: &["UNKNOWN port 65535", "stdio forwarding failed"],
        also: "",
        why: "its jump host, or the command that leads to it, could not be passed",
        todo: "Its own message is lost here: `ssh {address} true` shows it. The jump host's key has to be known as well",
    },
    Advice {
        said: &[
            "sudo: a password is required",
            "sudo: a terminal is required",
            "is not in the sudoers file",
            "may not run sudo",
        ],
        also: "",
        why: "sudo does not let this user run a shell without a password",
        todo: "On {host}, `visudo -f /etc/sudoers.d/vbs` with `USER ALL=(root) NOPASSWD: /bin/sh` lets it, or leave `become` \
               out",
    },
    Advice {
        said: &["sudo: not found", "sudo: command not found", "sudo: No such file"],
        also: "",
        why: "sudo is not installed there",
        todo: "Install it, or log in as root and leave `become` out",
    },
    Advice {
        said: &["Bad configuration option", "bad configuration options", "Bad owner or permissions"],
        also: "",
        why: "ssh does not accept its configuration",
        todo: "Mend the file that it names",
    },
    Advice {
        said: &["refused by peer", "open failed: administratively prohibited"],
        also: "",
        why: "it allows no further session on one connection",
        todo: "Raise `MaxSessions` in its sshd_config, or lower the host's `parallelism`",
    },
];

/// Why a host could not be reached, in words that end without a full stop: what it means, what was said, and what to
/// do.
pub fn explain(spec: &HostSpec, said: &str) -> String {
    let advice = ADVICE
        .iter()
        .find(|advice| said.contains(advice.also) && advice.said.iter().any(|words| said.contains(words)));
    let said = essence(said);
    match advice {
        None => said,
        Some(advice) => {
            let address = spec.address.as_deref().unwrap_or("HOST");
            let todo = advice.todo.replace("{host}", &spec.name.0).replace("{address}", address);
            format!("{} ({said}). {todo}", advice.why)
        }
    }
}

/// Lines that ssh writes around what matters.
const NOISE: &[&str] = &[
    "WARNING: REMOTE HOST",
    "IT IS POSSIBLE THAT",
    "Someone could be eavesdropping",
    "It is also possible",
    "Please contact your system",
    "Add correct host key in",
    "remove with:",
    "ssh-keygen -f",
    "Host key for",
];

/// What matters of what was said, in one line.
fn essence(said: &str) -> String {
    let lines = said.lines().map(|line| line.trim_matches(|c: char| c == '@' || c.is_whitespace()));
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !NOISE.iter().any(|noise| line.starts_with(noise)))
        .map(|line| line.trim_end_matches('.'))
        .collect();
    let printable: String =
        lines.join("; ").chars().take(600).map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HostName;

    fn spec() -> HostSpec {
        HostSpec {
            name: HostName("store1".to_owned()),
            address: Some("ssh://store1".to_owned()),
            become_root: false,
            connect_timeout_seconds: 10,
            parallelism: 4,
        }
    }

    #[test]
    fn a_changed_key_is_not_taken_for_an_unknown_one() {
        let said = "@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@\n\
                    IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\n\
                    The fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc.\n\
                    Offending ED25519 key in /srv/vbs.known_hosts:1\nHost key verification failed.\r\n";
        let why = explain(&spec(), said);
        assert!(why.contains("`vbs host trust --replace host.store1`"), "{why}");
        assert!(why.contains("SHA256:abc; Offending ED25519 key in /srv/vbs.known_hosts:1"), "{why}");
        assert!(!why.contains('@') && !why.contains("NASTY"), "{why}");
    }

    #[test]
    fn what_nobody_foresaw_is_told_as_it_is() {
        assert_eq!(explain(&spec(), "kex: \u{1b}[31modd\nthings\n"), "kex: [31modd; things");
    }
}
