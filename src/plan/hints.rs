//! What a plan may do though nobody meant it: nothing in it is wrong, and a word of warning costs little.

use std::collections::{BTreeMap, BTreeSet};

use super::Mode;
use super::diff::{Change, Decision, Diff};
use super::world::World;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::quote::where_needed;
use crate::model::{Address, Body, Record, TrashEntry};

/// How many commands one warning shows.
const SHOWN: usize = 20;

pub fn add(world: &World<'_>, mode: Mode, found: &mut Diff) {
    let mut hints = renamed(found);
    hints.extend(in_the_trash(world, found));
    if mode == Mode::Normal {
        hints.extend(emptied(world, found));
    }
    found.diagnostics.extend(hints);
}

/// The last block was removed, or the configuration is not the one that was meant.
fn emptied(world: &World<'_>, found: &Diff) -> Option<Diagnostic> {
    let destroyed = found.changes.values().any(|change| change.decision == Decision::Destroy);
    (destroyed && world.desired.resources.is_empty()).then(|| {
        Diagnostic::warning(
            "The configuration declares nothing",
            "No volume, snapshot or attachment is declared any more, so this plan destroys everything that the state \
             knows. If that is meant, `vbs destroy` says it better; if not, see whether this is the right directory \
             and whether its files are whole.",
        )
    })
}

/// What was destroyed by mistake and is declared again would come back empty, with its data in the trash.
fn in_the_trash(world: &World<'_>, found: &Diff) -> Option<Diagnostic> {
    let trash = Trash::of(world);
    let created = found.changes.values().filter(|change| change.decision == Decision::Create);
    let commands: Vec<String> = created.filter_map(|change| trash.way_back(change.after.as_ref()?)).collect();
    if commands.is_empty() {
        return None;
    }
    let warning = Diagnostic::warning(
        "The trash has what would be made anew",
        "A volume that this plan makes was destroyed before, and what it held is still in the trash (`vbs trash list`). \
         The plan does not bring that data back. This does, if it is run instead of an apply:",
    );
    let more = commands.len().checked_sub(SHOWN + 1).map(|rest| format!("# and {} more", rest + 1));
    Some(commands.into_iter().take(SHOWN).chain(more).fold(warning, Diagnostic::literal))
}

/// The volumes in the trash, by what they were.
struct Trash<'a> {
    by_address: BTreeMap<&'a Address, Vec<&'a TrashEntry>>,
    by_name: BTreeMap<(&'a Address, &'a str), &'a TrashEntry>,
}

impl<'a> Trash<'a> {
    fn of(world: &World<'a>) -> Self {
        let mut trash = Trash { by_address: BTreeMap::new(), by_name: BTreeMap::new() };
        for entry in TrashEntry::newest_first(world.trash.values().filter(|entry| !entry.purge)) {
            let was = &entry.record.object;
            if let Body::Volume(volume) = &was.body {
                trash.by_address.entry(&was.key.address).or_default().push(entry);
                trash.by_name.entry((&was.container, &volume.name)).or_insert(entry);
            }
        }
        trash
    }

    /// The command that restores the newest that had this address or, in this pool, this name.
    fn way_back(&self, after: &Record) -> Option<String> {
        let object = &after.object;
        let Body::Volume(volume) = &object.body else { return None };
        let same_address = self.by_address.get(&object.key.address).into_iter().flatten();
        let entry = same_address
            .copied()
            .find(|entry| entry.record.object.container == object.container)
            .or_else(|| self.by_name.get(&(&object.container, volume.name.as_str())).copied())?;
        let was = &entry.record.object.key.address;
        let one = self.by_address.get(was).is_some_and(|entries| entries.len() == 1);
        let asked = if one { as_argument(was) } else { entry.id.to_string() };
        Some(format!("vbs trash restore {asked} --to {}", as_argument(&object.key.address)))
    }
}

/// An address as a shell takes it: that of an instance has brackets.
fn as_argument(address: &Address) -> String {
    let text = address.to_string();
    where_needed(&text).unwrap_or(text)
}

/// One volume goes and another just like it comes: most often somebody renamed a block. Asks, for each pair, whether it
/// was a rename, and shows the block that says so.
fn renamed(found: &Diff) -> Diagnostics {
    let created: Vec<&Change> = found.changes.values().filter(|c| c.decision == Decision::Create).collect();
    let mut taken = BTreeSet::new();
    let mut questions = Diagnostics::new();
    for going in found.changes.values().filter(|change| change.decision == Decision::Destroy) {
        let Some(before) = &going.before else { continue };
        let twin = created.iter().find(|coming| {
            coming.after.as_ref().is_some_and(|after| alike(before, after)) && !taken.contains(&&coming.key)
        });
        if let Some(coming) = twin {
            taken.insert(&coming.key);
            questions.push(question(going, coming));
        }
    }
    questions
}

/// The same kind of thing in the same container with the same size or origin, under another label.
fn alike(before: &Record, after: &Record) -> bool {
    if before.object.container != after.object.container {
        return false;
    }
    match (&before.object.body, &after.object.body) {
        (Body::Volume(before), Body::Volume(after)) => {
            let source =
                |body: &crate::model::VolumeBody| body.source.as_ref().map(|source| source.address.clone());
            before.size == after.size && source(before) == source(after)
        }
        (Body::Snapshot(before), Body::Snapshot(after)) => before.origin.id == after.origin.id,
        _ => false,
    }
}

fn question(going: &Change, coming: &Change) -> Diagnostic {
    let (from, to) = (&going.key.address, &coming.key.address);
    Diagnostic::warning(
        "Was this a rename?",
        format!(
            "{from} would be destroyed and {to}, which looks just like it, made anew and empty. If you renamed the block, \
             add this to the configuration and plan again; then its data stays where it is:"
        ),
    )
    .literal("moved {")
    .literal(format!("  from = {from}"))
    .literal(format!("  to   = {to}"))
    .literal("}")
}
