//! Blocks of the language, ready to be pasted: what would have to be declared for what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::situation::Situation;
use crate::apply::Views;
use crate::diag::Diagnostic;
use crate::model::address::is_label;
use crate::model::{Address, Body, InstanceKey, Kind, Stranger, quote};
use crate::plan::adopt::size_in_language;
use crate::plan::lower::lower;

/// The longest label.
const LONGEST: usize = 63;

/// A block for `to` with these attributes; an instance gets the `for_each` or `count` that makes it one.
pub fn block(to: &Address, attributes: Vec<(&str, String)>) -> Vec<String> {
    let instance = match &to.key {
        Some(InstanceKey::Name(key)) => Some(("for_each", format!("toset([{}])", quote::in_language(key)))),
        Some(InstanceKey::Index(index)) => Some(("count", (index + 1).to_string())),
        None => None,
    };
    let lines: Vec<(&str, String)> = instance.into_iter().chain(attributes).collect();
    let widest = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let attributes = lines.into_iter().map(|(name, value)| format!("  {name:widest$} = {value}"));
    let header = format!("{} {} {{", to.kind, quote::in_language(&to.label));
    std::iter::once(header).chain(attributes).chain(std::iter::once("}".to_owned())).collect()
}

/// How something that this workspace did not make could become its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub address: Address,
    /// Nothing where the address is declared already.
    pub block: Option<Vec<String>>,
    /// `vbs import volume.db db`
    pub command: String,
}

/// Everything in these pools that this workspace did not make, volumes first; with a proposal for what can be adopted.
pub struct Discovery<'a> {
    pub found: Vec<(&'a Address, &'a Stranger, Option<Proposal>)>,
}

impl<'a> Discovery<'a> {
    /// # Errors
    /// As [`lower`].
    pub fn new(
        situation: &Situation<'_>,
        views: &'a Views,
        wanted: impl Fn(&Address) -> bool,
    ) -> Result<Self, Diagnostic> {
        let pools = views.iter().filter(|(address, _)| address.kind == Kind::Pool && wanted(address));
        let mut found: Vec<(&Address, &Stranger)> =
            pools.flat_map(|(pool, view)| view.strangers().iter().map(move |one| (pool, one))).collect();
        found.sort_by_key(|(pool, stranger)| (*pool, stranger.origin.is_some(), &stranger.name));
        let mut labels = Labels::new(situation)?;
        let found =
            found.into_iter().map(|(pool, stranger)| (pool, stranger, labels.propose(pool, stranger)));
        Ok(Discovery { found: found.collect() })
    }
}

/// Which addresses there are, and which are given away.
struct Labels {
    taken: BTreeSet<(Kind, String)>,
    /// Declared and not recorded: what waits to be adopted or made, by pool, kind and name.
    waiting: BTreeMap<(Address, Kind, String), Address>,
    /// Volumes that snapshots can refer to, by pool and name.
    volumes: BTreeMap<(Address, String), Address>,
}

impl Labels {
    fn new(situation: &Situation<'_>) -> Result<Self, Diagnostic> {
        let desired = &situation.resolved.desired;
        let recorded = &situation.moved.records;
        let addresses = desired.resources.keys().chain(recorded.keys().map(|key| &key.address));
        let taken = addresses.map(|address| (address.kind, address.label.to_string())).collect();
        let (mut waiting, mut volumes) = (BTreeMap::new(), BTreeMap::new());
        let declared = lower(desired)?;
        for record in recorded.values().chain(declared.values().map(|record| &**record)) {
            let object = &record.object;
            let Some(name) = object.body.name().map(str::to_owned) else { continue };
            let address = object.key.address.clone();
            if matches!(object.body, Body::Volume(_)) {
                volumes.entry((object.container.clone(), name.clone())).or_insert_with(|| address.clone());
            }
            if !recorded.contains_key(&object.key) {
                waiting.insert((object.container.clone(), address.kind, name), address);
            }
        }
        Ok(Labels { taken, waiting, volumes })
    }

    /// Nothing where it cannot be adopted, or is a snapshot of what nothing is declared for.
    fn propose(&mut self, pool: &Address, stranger: &Stranger) -> Option<Proposal> {
        if stranger.why_not.is_some() {
            return None;
        }
        let kind = stranger.kind();
        let origin = match &stranger.origin {
            Some(origin) => Some(self.volumes.get(&(pool.clone(), origin.clone()))?.clone()),
            None => None,
        };
        if let Some(address) = self.waiting.get(&(pool.clone(), kind, stranger.name.clone())) {
            let command = command(address, stranger);
            return Some(Proposal { address: address.clone(), block: None, command });
        }
        let address = Address::new(kind, &self.label(kind, &stranger.name));
        if kind == Kind::Volume {
            self.volumes.insert((pool.clone(), stranger.name.clone()), address.clone());
        }
        let block = Some(block_of(&address, pool, origin.as_ref(), stranger));
        let command = command(&address, stranger);
        Some(Proposal { address, block, command })
    }

    /// A label that fits the grammar, is like `name`, and is nobody else's.
    fn label(&mut self, kind: Kind, name: &str) -> String {
        let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let mut label: String = name.chars().map(fit).collect();
        if !label.starts_with(|c: char| c.is_ascii_lowercase()) {
            label.insert_str(0, if kind == Kind::Snapshot { "s_" } else { "v_" });
        }
        label.truncate(LONGEST);
        debug_assert!(is_label(&label));
        let numbered = |number: usize| {
            let suffix = format!("_{number}");
            format!("{}{suffix}", &label[..label.len().min(LONGEST - suffix.len())])
        };
        let candidates = std::iter::once(label.clone()).chain((2..).map(numbered));
        let free = candidates.into_iter().find(|label| !self.taken.contains(&(kind, label.clone())));
        let label = free.unwrap_or_default();
        self.taken.insert((kind, label.clone()));
        label
    }
}

/// `origin`: the volume that it is a snapshot of.
pub fn block_of(
    address: &Address,
    pool: &Address,
    origin: Option<&Address>,
    stranger: &Stranger,
) -> Vec<String> {
    let mut attributes = match origin {
        Some(volume) => vec![("volume", volume.to_string())],
        None => vec![("pool", pool.to_string()), ("size", size_in_language(stranger.size))],
    };
    attributes.push(("name", quote::in_language(&stranger.name)));
    block(address, attributes)
}

/// `vbs import volume.db db`, ready to be copied into a shell.
pub fn command(address: &Address, stranger: &Stranger) -> String {
    let words = [address.to_string(), stranger.name.clone()];
    let words = words.map(|word| quote::where_needed(&word).unwrap_or(word));
    format!("vbs import {}", words.join(" "))
}
