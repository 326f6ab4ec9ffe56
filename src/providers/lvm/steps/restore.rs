//! Giving a volume the content of one of its snapshots.

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::{Body, Observed, Place, Record, TrashEntry};
use crate::plan::step::{Effect, Expectation, Holds, Proof, Step, TitleVerb, Undo};
use crate::providers::store::steps as shared;

use super::super::kinds::STAGED;
use super::{Ask, Draft, kinds, title_of, verbs};

impl Ask<'_, '_> {
    pub(super) fn restore(
        &self,
        record: &Record,
        snapshot: &Record,
        trash: Uuid,
        live: &Observed,
    ) -> Result<Vec<Step>, Diagnostic> {
        if live.place != Place::Live {
            return Err(self.impossible("it is not under its name"));
        }
        if !self.is_thin() {
            return Ok(vec![self.merge(record, snapshot, trash, live)?]);
        }
        let former = shared::former(record, trash, live.body.size());
        let stage = self.stage(&former, snapshot, live)?;
        let uuid = live.notes.get("lv_uuid").ok_or_else(|| self.impossible("LVM has told no UUID of it"))?;
        let swap = self.swap(record, former, live, uuid)?;
        Ok(vec![stage, swap])
    }

    /// A clone of the snapshot, under the id that the former content will have in the trash.
    fn stage(&self, former: &Record, snapshot: &Record, live: &Observed) -> Result<Step, Diagnostic> {
        let object = &former.object;
        let name = format!("{STAGED}{}", object.id);
        let size = live.body.size().max(snapshot.object.body.size());
        let run = self.cloning(object, &name, snapshot, size)?;
        // Once they are swapped, this id is that of the former content.
        let there = Expectation::shows(
            &self.request.container.address,
            object.id,
            [("serial", object.id.to_string())],
        );
        Ok(self.step(Draft {
            what: "stage".to_owned(),
            title: self.title(
                TitleVerb::Copy,
                &title_of(&snapshot.object),
                format!("for {}", object.key.address),
            ),
            run,
            undo: self.discard(object.id, &name),
            proof: Proof { done: vec![there], not_done: self.absent(object.id) },
            effects: Vec::new(),
        }))
    }

    /// `uuid` is LVM's own of the logical volume that has the former content: names and marks change places, and a copy that
    /// was swapped in and taken back may lie in the trash just as the former content did.
    fn swap(&self, record: &Record, former: Record, live: &Observed, uuid: &str) -> Result<Step, Diagnostic> {
        let (id, trash) = (record.object.id, former.object.id);
        let arguments = [
            ("id", id.to_string()),
            ("name", live.body.name().unwrap_or_default().to_owned()),
            ("uuid", uuid.to_owned()),
            ("trash", trash.to_string()),
            ("mark", self.mark(&record.object)),
            ("former_mark", self.mark(&former.object)),
        ];
        let mut run = self.action(&verbs::SWAP, arguments.clone());
        run.arguments.insert("size", live.body.size().0.to_string());
        let former_at = |id: Uuid, place: Place| {
            shared::shown(self.request, id, place.word(), [("lv_uuid", uuid.to_owned())].into())
        };
        let done = [self.at(id, Place::Live), former_at(trash, Place::Trash)].concat();
        let not_done = former_at(id, Place::Live);
        let entry = TrashEntry { id: trash, record: former, purge: false, trashed_at: 0 };
        Ok(self.step(Draft {
            what: "swap".to_owned(),
            title: self.title(TitleVerb::Restore, &title_of(&record.object), "to its snapshot".to_owned()),
            run,
            undo: Undo::Run(self.action(&verbs::SWAP_BACK, arguments)),
            proof: Proof { done, not_done },
            // The entry first: the address goes on with the record that follows.
            effects: vec![Effect::Trash(Box::new(entry)), Effect::Put(Box::new(record.clone()))],
        }))
    }

    /// LVM merges in place, and the snapshot is used up; a new one, under `fresh`, takes its name.
    fn merge(
        &self,
        record: &Record,
        snapshot: &Record,
        fresh: Uuid,
        live: &Observed,
    ) -> Result<Step, Diagnostic> {
        let mut renewed = snapshot.clone();
        renewed.object.id = fresh;
        let Body::Snapshot(taken) = &snapshot.object.body else {
            return Err(self.impossible("it is restored from what is no snapshot"));
        };
        let reserve = taken.reserve.unwrap_or_else(|| kinds::whole_reserve(taken.size));
        let run = self.action(
            &verbs::MERGE,
            [
                ("id", record.object.id.to_string()),
                ("name", live.body.name().unwrap_or_default().to_owned()),
                ("size", live.body.size().0.to_string()),
                ("snapshot", snapshot.object.id.to_string()),
                ("snapshot_name", taken.name.clone()),
                ("fresh", fresh.to_string()),
                ("reserve", reserve.0.to_string()),
                ("mark", self.mark(&renewed.object)),
            ],
        );
        let mut done = self.at(fresh, Place::Live);
        done.extend(self.absent(snapshot.object.id));
        // While it is merged the snapshot still is where it was.
        let mut not_done = self.unharmed_at(snapshot.object.id, Place::Live);
        not_done.extend(self.absent(fresh));
        let mut step = self.step(Draft {
            what: "merge".to_owned(),
            title: self.title(
                TitleVerb::Restore,
                &title_of(&record.object),
                format!("to {}, which is taken anew", snapshot.object.key.address),
            ),
            run,
            undo: Undo::Impossible { why: "its content is overwritten with that of the snapshot".to_owned() },
            proof: Proof { done, not_done },
            effects: vec![Effect::Put(Box::new(renewed))],
        });
        step.copies = taken.size;
        step.holds = Holds::Object;
        Ok(step)
    }
}
