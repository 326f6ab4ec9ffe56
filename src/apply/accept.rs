//! `recover --accept ADDRESS`: an object that cannot be taken back is taken as it is found, so that the rest can be.

use std::collections::BTreeSet;

use super::engine::Engine;
use super::proof::Seen;
use crate::exit::Failure;
use crate::model::{Address, ObjectKey, Place, Record, TrashEntry};
use crate::plan::compare;
use crate::plan::step::Effect;
use crate::state::{Evidence, StepEvent, StepStatus};

/// Statuses of steps that may have left something.
const SENT: [StepStatus; 6] = [
    StepStatus::Done,
    StepStatus::Intent,
    StepStatus::Answered,
    StepStatus::InDoubt,
    StepStatus::UndoIntent,
    StepStatus::UndoFailed,
];

impl Engine<'_> {
    fn is_accepted(&self, address: &Address) -> bool {
        self.accepted.iter().any(|asked| asked.covers(address))
    }

    /// The steps that are not taken back because their object is taken as it is found.
    pub(super) fn accepted_steps(&self) -> BTreeSet<usize> {
        let sent = self.with_status(&SENT);
        sent.into_iter().filter(|index| self.is_accepted(&self.step(*index).object.address)).collect()
    }

    /// The steps that took into use what holds an accepted object: it stays in use.
    pub(super) fn holding_accepted(&self) -> BTreeSet<usize> {
        let holders: BTreeSet<Address> = self
            .accepted_steps()
            .into_iter()
            .flat_map(|index| &self.step(index).effects)
            .filter_map(|effect| match effect {
                Effect::Put(record) => Some(record.object.container.clone()),
                _ => None,
            })
            .collect();
        let joins = |index: &usize| {
            self.step(*index).effects.iter().any(
                |effect| matches!(effect, Effect::PutContainer(record) if holders.contains(&record.spec.address)),
            )
        };
        self.with_status(&[StepStatus::Done]).into_iter().filter(joins).collect()
    }

    /// Closes the journal of the accepted steps and says what the state has to know: each object as a look shows it.
    ///
    /// # Errors
    /// Where the journal or the state cannot be used.
    pub(super) async fn accept(&mut self) -> Result<Vec<Effect>, Failure> {
        let steps = self.accepted_steps();
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let recorded = self.setup.store.snapshot()?.records;
        let views = self.look(&steps).await;
        let seen = Seen::new(&views, self.plan.lineage);
        let keys: BTreeSet<&ObjectKey> = steps.iter().map(|index| &self.step(*index).object).collect();
        let mut effects = Vec::new();
        for key in keys {
            let planned =
                steps.iter().flat_map(|index| &self.step(*index).effects).filter_map(|effect| match effect {
                    Effect::Put(record) if record.object.key == *key => Some(&**record),
                    _ => None,
                });
            let candidates: Vec<&Record> = planned.chain(recorded.get(key)).collect();
            effects.extend(as_found(key, &candidates, &seen));
        }
        self.close_accepted(&steps)?;
        Ok(effects)
    }

    fn close_accepted(&mut self, steps: &BTreeSet<usize>) -> Result<(), Failure> {
        let open: Vec<_> = steps
            .iter()
            .filter(|index| {
                !matches!(self.statuses[**index], StepStatus::UndoIntent | StepStatus::UndoFailed)
            })
            .map(|index| (*index, StepEvent::IntendUndo, None))
            .collect();
        self.record(&open)?;
        let why = || Some(Evidence { why: "accepted as it was found".to_owned(), ..Evidence::default() });
        let closed: Vec<_> = steps
            .iter()
            .filter(|index| self.statuses[**index] == StepStatus::UndoIntent)
            .map(|index| (*index, StepEvent::FailUndo, why()))
            .collect();
        self.record(&closed)
    }
}

/// What the state has to know of one object: that it is there as it is, that it lies in the trash, or that it is gone.
fn as_found(key: &ObjectKey, candidates: &[&Record], seen: &Seen<'_>) -> Vec<Effect> {
    let found = |place: Place| {
        candidates.iter().find_map(|record| {
            let observed = seen.object(&record.object.container, record.object.id)?;
            (observed.place == place).then_some((*record, observed))
        })
    };
    let mut effects = vec![match found(Place::Live) {
        Some((record, observed)) => {
            let mut record = record.clone();
            record.object.body = compare::accepted(&record.object.body, &observed.body);
            Effect::Put(Box::new(record))
        }
        None => Effect::Forget(key.clone()),
    }];
    if let Some((record, _)) = found(Place::Trash) {
        let entry = TrashEntry { id: record.object.id, record: record.clone(), purge: false, trashed_at: 0 };
        effects.push(Effect::Trash(Box::new(entry)));
    }
    effects
}
