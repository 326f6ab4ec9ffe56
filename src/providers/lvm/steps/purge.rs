//! Removing data for good.

use crate::model::{Body, Place, TrashEntry};
use crate::plan::step::{Effect, Holds, Proof, Request, Step, TitleVerb, Undo};

use super::super::kinds::{TRASH, WIPED};
use super::{Ask, Draft, title_of, verbs};

/// Names on one command line.
const BATCH: usize = 100;

impl Ask<'_, '_> {
    /// Thick data is wiped, one at a time; then one command removes up to a hundred. Snapshots go before what they may
    /// be of.
    pub(super) fn purge(&self, entries: &[TrashEntry]) -> Vec<Step> {
        let mut entries: Vec<&TrashEntry> = entries.iter().collect();
        entries.sort_by_key(|entry| !matches!(entry.record.object.body, Body::Snapshot(_)));
        let how = match self.request.container.policy.wipe.as_deref() {
            _ if self.is_thin() => None,
            Some("none") => None,
            Some("discard") => Some((&verbs::DISCARD_BLOCKS, "discard")),
            _ => Some((&verbs::WIPE, "zero")),
        };
        let mut steps: Vec<Step> = Vec::new();
        if let Some((verb, how)) = how {
            for entry in &entries {
                let request = Request { key: entry.record.object.key.clone(), ..self.request.clone() };
                let run = self.action(verb, [("id", entry.id.to_string()), ("how", how.to_owned())]);
                steps.push(Ask { request: &request }.wipe(entry, run));
            }
        }
        let prefix = if how.is_some() { WIPED } else { TRASH };
        for (number, batch) in entries.chunks(BATCH).enumerate() {
            let what = if number == 0 { "purge".to_owned() } else { format!("purge_{}", number + 1) };
            steps.push(self.remove(batch, prefix, what));
        }
        steps
    }

    fn wipe(&self, entry: &TrashEntry, run: crate::model::command::Action) -> Step {
        let object = &entry.record.object;
        let mut step = self.step(Draft {
            what: "wipe".to_owned(),
            title: self.title(TitleVerb::Purge, &title_of(object), "by wiping it".to_owned()),
            run,
            undo: Undo::Impossible { why: "its data is overwritten".to_owned() },
            proof: Proof {
                done: vec![self.not_at(entry.id, Place::Trash)],
                // One that was wiped in part lies in the trash, too.
                not_done: self.unharmed_at(entry.id, Place::Trash),
            },
            effects: Vec::new(),
        });
        step.copies = object.body.promise();
        step.holds = Holds::Object;
        step
    }

    fn remove(&self, batch: &[&TrashEntry], prefix: &str, what: String) -> Step {
        let group = self.request.container.text("volume_group");
        let names: Vec<String> = batch.iter().map(|entry| format!("{group}/{prefix}{}", entry.id)).collect();
        let object = match batch {
            [entry] => title_of(&entry.record.object),
            _ => format!("{} volumes and snapshots", batch.len()),
        };
        self.step(Draft {
            what,
            title: self.title(TitleVerb::Purge, &object, "from the trash".to_owned()),
            run: self.action(&verbs::REMOVE, [("names", names.join("\n"))]),
            undo: Undo::Impossible { why: "its data is removed for good".to_owned() },
            // One that is interrupted has removed some, and is run again for the others.
            proof: Proof {
                done: batch.iter().flat_map(|entry| self.absent(entry.id)).collect(),
                not_done: batch.iter().map(|entry| self.not_at(entry.id, Place::Live)).collect(),
            },
            effects: batch.iter().map(|entry| Effect::LeaveTrash(entry.id)).collect(),
        })
    }
}
