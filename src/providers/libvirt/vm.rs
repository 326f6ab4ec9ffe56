//! What libvirt said of one VM in a survey.

use std::collections::BTreeMap;

use crate::model::observed::{Slots, VmView};
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
        VmView { off, slots }
    }
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
