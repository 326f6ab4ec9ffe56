//! What stays of a run that is taken back, because taking it back would cost somebody's data.

use uuid::Uuid;

use super::proof::Seen;
use crate::model::{Address, Place, TrashEntry};
use crate::plan::Plan;
use crate::plan::step::{Effect, Expectation, Step, Undo};

/// Why a grow is kept.
pub(super) const LOSES_DATA: &str = "taking it back could lose data";

/// What the state has to know of it, and the words for people.
#[derive(Debug, Default)]
pub(super) struct Remains {
    pub effects: Vec<Effect>,
    pub words: Vec<String>,
}

impl Remains {
    /// A step that stays as a whole, and why.
    pub fn keep(&mut self, step: &Step, why: &str) {
        self.effects.extend(step.effects.iter().cloned());
        self.words.push(format!("{}; {why}", step.title));
    }

    /// What a look shows of a step that was taken back: a new volume that somebody had written into lies in the trash,
    /// the pool that holds it stays joined, and a grow that the former process had not yet taken back is kept.
    pub fn find(&mut self, plan: &Plan, index: usize, seen: &Seen<'_>, recovering: bool) {
        let step = &plan.steps[index];
        let grew = matches!(step.undo, Undo::RunInSameProcess(_)) && recovering;
        if grew && seen.first_missing(&step.proof.done).is_none() {
            self.keep(step, LOSES_DATA);
        }
        for expectation in &step.proof.not_done {
            if let Expectation::Absent { container, id } = expectation
                && let Some(entry) = trashed(plan, container, *id, seen)
            {
                self.effects.push(Effect::Trash(Box::new(entry)));
                self.words
                    .push(format!("{}; it is in use or was written into, and went to the trash", step.title));
            }
        }
        let joined = step.effects.iter().filter(|effect| match effect {
            Effect::PutContainer(record) => seen.has_trash(&record.spec.address),
            _ => false,
        });
        self.effects.extend(joined.cloned());
    }
}

/// The entry of an object of this run that lies in the trash.
fn trashed(plan: &Plan, container: &Address, id: Uuid, seen: &Seen<'_>) -> Option<TrashEntry> {
    seen.object(container, id).filter(|observed| observed.place == Place::Trash)?;
    plan.steps.iter().flat_map(|step| &step.effects).find_map(|effect| match effect {
        Effect::Put(record) if record.object.id == id => {
            Some(TrashEntry { id, record: (**record).clone(), purge: false, trashed_at: 0 })
        }
        // The copy that a restore swapped in.
        Effect::Trash(entry) if entry.id == id => Some((**entry).clone()),
        _ => None,
    })
}
