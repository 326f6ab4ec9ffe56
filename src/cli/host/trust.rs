//! `vbs host trust`: keys are looked at, compared by a human, and pinned beside the configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::pins::{Pins, Standing};
use super::{address, chosen};
use crate::cli::args::HostTrustArgs;
use crate::cli::context::Context;
use crate::cli::situation::Situation;
use crate::cli::{KNOWN_HOSTS, runtime, show};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::hosts::{HostKey, Ssh};
use crate::model::{HostName, HostSpec};
use crate::ui::print;

pub fn trust(context: &Context, situation: &Situation<'_>, args: &HostTrustArgs) -> Result<Exit, Failure> {
    let known = situation.known_hosts();
    let there: Vec<&HostSpec> = known.values().filter(|spec| spec.address.is_some()).collect();
    let asked = chosen(&args.hosts, &there)?;
    if asked.is_empty() {
        print::tell("No host has an address: there is no key to pin.\n");
        return Ok(Exit::Success);
    }
    let path = context.root.join(KNOWN_HOSTS);
    let mut pins = Pins::parse(&read(&path)?);
    let looked = look(&context.ssh, &asked, &pins)?;
    show(&looked.problems, &context.sources, context.style);
    print::data(&looked.text)?;
    if !looked.changed.is_empty() && !args.replace {
        return Err(another_key(&looked.changed).into());
    }
    let end = if looked.problems.has_errors() { Exit::Error } else { Exit::Success };
    if looked.pin.is_empty() {
        return Ok(end);
    }
    print::tell(
        "\nCompare them with what the machines say of themselves: there, `ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub` \
         prints such a line.\n",
    );
    if !args.auto_approve && !print::confirm(&format!("\nShould these keys be pinned in {KNOWN_HOSTS}?"))? {
        return Err(Diagnostic::error("Cancelled", "It was not approved. Nothing was pinned.").into());
    }
    looked.pin.values().for_each(|key| pins.pin(&key.line));
    write(&path, &pins.text())?;
    print::tell(&format!("\nPinned in {KNOWN_HOSTS}. Commit it with the configuration.\n"));
    Ok(end)
}

/// What the hosts showed.
#[derive(Default)]
struct Looked {
    /// For people.
    text: String,
    problems: Diagnostics,
    /// Keys that are not pinned yet.
    pin: BTreeMap<HostName, HostKey>,
    /// Hosts that have another key than the pinned one.
    changed: Vec<HostName>,
}

fn look(ssh: &Arc<Ssh>, asked: &[&HostSpec], pins: &Pins) -> Result<Looked, Failure> {
    runtime()?.block_on(async {
        let mut looked = Looked::default();
        for (spec, shown) in keys(ssh, asked).await {
            let heading = format!("{} ({})\n", address(&spec.name), spec.address.unwrap_or_default());
            let key = match shown {
                Ok(key) => key,
                Err(why) => {
                    let detail = format!("{}: {why}", address(&spec.name));
                    looked.problems.push(Diagnostic::error("A host shows no key", detail));
                    continue;
                }
            };
            looked.text.push_str(&heading);
            match pins.standing(&key.line) {
                Standing::Pinned => {
                    let _ = writeln!(looked.text, "    {}, pinned already", key.fingerprint);
                    continue;
                }
                Standing::New => {}
                Standing::Another(old) => {
                    looked.changed.push(spec.name.clone());
                    for line in old {
                        let old = ssh.fingerprint(&line).await.unwrap_or(line);
                        let _ = writeln!(looked.text, "  - {old}");
                    }
                }
            }
            let _ = writeln!(looked.text, "  + {}", key.fingerprint);
            looked.pin.insert(spec.name, key);
        }
        Ok(looked)
    })
}

/// The keys of all hosts, looked at together, in the order of their names.
async fn keys(ssh: &Arc<Ssh>, asked: &[&HostSpec]) -> Vec<(HostSpec, Result<HostKey, String>)> {
    let mut looking = JoinSet::new();
    for spec in asked {
        let (ssh, spec) = (Arc::clone(ssh), (*spec).clone());
        looking.spawn(async move {
            let key = ssh.key(&spec).await;
            (spec, key)
        });
    }
    let mut found = looking.join_all().await;
    found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    found
}

fn another_key(hosts: &[HostName]) -> Diagnostic {
    let names: Vec<String> = hosts.iter().map(|name| address(name).to_string()).collect();
    Diagnostic::error(
        "Another key than the pinned one",
        format!(
            "The machine was set up anew, or somebody stands in between. Nothing was pinned. If you know why, and the new \
             fingerprint is what the machine says of itself, `vbs host trust --replace {}` pins it.",
            names.join(" ")
        ),
    )
}

#[expect(clippy::disallowed_methods, reason = "the pinned keys are a file of the workspace")]
fn read(path: &Path) -> Result<String, Diagnostic> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => {
            Err(Diagnostic::error("Cannot read the pinned keys", format!("{}: {error}.", path.display())))
        }
    }
}

/// Whole or not at all.
#[expect(clippy::disallowed_methods, reason = "the pinned keys are a file of the workspace")]
fn write(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let new = path.with_extension("known_hosts.new");
    let written = std::fs::File::create(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&new, path)).map_err(|error| {
        Diagnostic::error("Cannot pin the keys", format!("{}: {error}. Nothing was pinned.", path.display()))
    })
}
