//! What libvirt said of one VM in a survey.

use std::collections::BTreeMap;

use crate::model::observed::{Guest, Slots, VmView};
use crate::model::{Bus, Bytes};

use super::domain::Domain;

/// How libvirt knows a VM.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Vm {
    /// As it runs; nothing where it is off.
    pub live: Option<Domain>,
    /// As it is started; nothing where it is gone with its end.
    pub config: Option<Domain>,
    /// What the guest is shown of each disk's size, by device: `vdb`.
    pub sizes: BTreeMap<String, Bytes>,
    /// What its guest agent said of its file systems: `thawed`. Empty where it said nothing; nothing where it has no channel
    /// to an agent.
    agent: Option<String>,
}

impl Vm {
    /// Takes a record of the survey: a word and what stands behind it.
    ///
    /// # Errors
    /// Why it cannot be understood.
    pub fn take(&mut self, what: &str, said: &str) -> Result<(), String> {
        match what {
            // Of a VM that has just ended its configuration is shown.
            "live" => self.live = Some(Domain::read(said)?).filter(|domain| domain.is_running),
            "config" => self.config = Some(Domain::read(said)?),
            "agent" => self.agent = Some(fs_status(said)),
            "sizes" => self.sizes = sizes(said),
            other => return Err(format!("its survey holds {other:?}")),
        }
        Ok(())
    }

    pub fn exists(&self) -> bool {
        self.live.is_some() || self.config.is_some()
    }

    /// What a plan has to know of it; `keeps` says whether disks are in configurations.
    pub fn view(&self, name: &str, uri: &str, keeps: bool) -> VmView {
        let off = if !self.exists() {
            Some(format!("VM {name} does not exist at {uri}, or is off and has no configuration"))
        } else if self.live.is_none() && !keeps {
            Some(format!("VM {name} is off, and persistent = false keeps no disk in its configuration"))
        } else {
            None
        };
        let config = self.config.as_ref().filter(|_| keeps);
        let mut slots: BTreeMap<Bus, Slots> = BTreeMap::new();
        // What libvirt would add to a configuration to make room would stay in it.
        for (bus, more) in self.live.iter().chain(config).flat_map(Domain::slots) {
            let found = slots.entry(bus).or_insert_with(|| more.clone());
            found.free = found.free.min(more.free);
        }
        VmView { off, slots, guest: self.guest(name) }
    }

    fn guest(&self, name: &str) -> Guest {
        match self.agent.as_deref() {
            _ if self.live.is_none() => Guest::Off,
            Some("thawed") => Guest::Answers,
            Some("") => {
                Guest::Silent(format!("no guest agent answers in VM {name}: start qemu-guest-agent there"))
            }
            Some(_) => Guest::Silent(format!("somebody else has frozen the file systems of VM {name}")),
            None => Guest::Silent(format!(
                "VM {name} has no channel to a guest agent: add <channel type='unix'><target type='virtio' \
                 name='org.qemu.guest_agent.0'/></channel> to its configuration (virsh edit), install qemu-guest-agent, and \
                 start it anew"
            )),
        }
    }
}

/// Of what an agent answers to `guest-fsfreeze-status`: `{"return":"thawed"}`.
fn fs_status(said: &str) -> String {
    let answer: Option<serde_json::Value> = serde_json::from_str(said).ok();
    let word = answer.as_ref().and_then(|answer| answer.get("return")?.as_str());
    word.unwrap_or_default().to_owned()
}

/// Of `virsh domstats --block`: `block.0.name=vdb`, `block.0.capacity=1048576`.
fn sizes(said: &str) -> BTreeMap<String, Bytes> {
    let fields: BTreeMap<&str, &str> =
        said.lines().filter_map(|line| line.trim().strip_prefix("block.")?.split_once('=')).collect();
    fields
        .iter()
        .filter_map(|(field, name)| {
            let number = field.strip_suffix(".name")?;
            let size = fields.get(format!("{number}.capacity").as_str())?.parse().ok()?;
            Some(((*name).to_owned(), Bytes(size)))
        })
        .collect()
}
