//! Making volumes and snapshots, blank or with somebody's content.

use crate::diag::Diagnostic;
use crate::model::command::Action;
use crate::model::{Body, Bytes, Object, Record};
use crate::plan::step::{Claim, Effect, Expectation, Holds, Proof, Step, TitleVerb, Undo};

use super::{Ask, Draft, kinds, title_of, verbs};

impl Ask<'_, '_> {
    pub(super) fn create(&self, after: &Record, source: Option<&Record>) -> Result<Vec<Step>, Diagnostic> {
        match (&after.object.body, source) {
            (Body::Snapshot(snapshot), Some(origin)) => {
                let reserve = snapshot.reserve.unwrap_or_else(|| kinds::whole_reserve(snapshot.size));
                self.snapshot(after, origin, reserve).map(|step| vec![step])
            }
            (_, Some(source)) if self.is_thin() => Ok(vec![self.clone_thin(after, source)?]),
            (_, Some(source)) => self.copy(after, source),
            (_, None) => Ok(vec![self.blank(after)?]),
        }
    }

    fn blank(&self, after: &Record) -> Result<Step, Diagnostic> {
        let object = &after.object;
        let verb = if self.is_thin() { &verbs::CREATE_THIN } else { &verbs::CREATE };
        let run = self.action(
            verb,
            [
                ("id", object.id.to_string()),
                ("name", self.name_of(object)?),
                ("size", object.body.size().0.to_string()),
                ("mark", self.mark(object)),
            ],
        );
        self.making(after, (TitleVerb::Create, "create"), format!("of {}", object.body.size()), run)
    }

    fn snapshot(&self, after: &Record, origin: &Record, reserve: Bytes) -> Result<Step, Diagnostic> {
        let object = &after.object;
        let verb = if self.is_thin() { &verbs::SNAPSHOT_THIN } else { &verbs::SNAPSHOT };
        let run = self.action(
            verb,
            [
                ("id", object.id.to_string()),
                ("name", self.name_of(object)?),
                ("reserve", reserve.0.to_string()),
                ("mark", self.mark(object)),
                ("source", origin.object.id.to_string()),
                ("source_name", self.name_of(&origin.object)?),
            ],
        );
        let detail = format!("of {}", origin.object.key.address);
        let mut step = self.making(after, (TitleVerb::Snapshot, "take"), detail, run)?;
        if !self.is_thin() {
            step.claims.push(Claim::KeepsSize { volume: origin.object.id });
        }
        Ok(step)
    }

    fn clone_thin(&self, after: &Record, source: &Record) -> Result<Step, Diagnostic> {
        self.check_source(&after.object, source)?;
        let run =
            self.cloning(&after.object, &self.name_of(&after.object)?, source, after.object.body.size())?;
        self.making(after, (TitleVerb::Copy, "copy"), format!("from {}", source.object.key.address), run)
    }

    /// A clone of `source` as the logical volume `name`, marked as `object`.
    pub(super) fn cloning(
        &self,
        object: &Object,
        name: &str,
        source: &Record,
        size: Bytes,
    ) -> Result<Action, Diagnostic> {
        Ok(self.action(
            &verbs::CLONE,
            [
                ("id", object.id.to_string()),
                ("name", name.to_owned()),
                ("size", size.0.to_string()),
                ("mark", self.mark(object)),
                ("source", source.object.id.to_string()),
                ("source_name", self.name_of(&source.object)?),
            ],
        ))
    }

    /// A step that makes `after` as a whole.
    fn making(
        &self,
        after: &Record,
        (verb, what): (TitleVerb, &str),
        detail: String,
        run: Action,
    ) -> Result<Step, Diagnostic> {
        let object = &after.object;
        let name = self.name_of(object)?;
        let mut step = self.step(Draft {
            what: what.to_owned(),
            title: self.title(verb, &title_of(object), detail),
            run,
            undo: self.discard(object.id, &name),
            proof: Proof { done: self.whole(object), not_done: self.absent(object.id) },
            effects: vec![Effect::Put(Box::new(after.clone()))],
        });
        step.claims.push(self.takes(&name));
        Ok(step)
    }

    /// A thick copy: the target, which is not whole and says so, and where the source is a volume a snapshot of this
    /// instant; then its content, which takes as long as it takes and keeps nobody else from working.
    fn copy(&self, after: &Record, source: &Record) -> Result<Vec<Step>, Diagnostic> {
        self.check_source(&after.object, source)?;
        let object = &after.object;
        let (name, size, copied) = (self.name_of(object)?, object.body.size(), source.object.body.size());
        let reserve = match source.object.body {
            Body::Volume(_) => kinds::whole_reserve(copied),
            _ => Bytes::ZERO,
        };
        let common = |mark: Option<String>| {
            let mut all = vec![
                ("id", object.id.to_string()),
                ("name", name.clone()),
                ("size", size.0.to_string()),
                ("source", source.object.id.to_string()),
                ("source_name", source.object.body.name().unwrap_or_default().to_owned()),
                ("reserve", reserve.0.to_string()),
            ];
            match mark {
                Some(mark) => all.push(("mark", mark)),
                None => all.push(("copied", copied.0.to_string())),
            }
            all
        };
        let mut prepare = self.action(&verbs::PREPARE, []);
        let mark = format!("{}\n{}", self.mark(object), super::tags::FILLING);
        for (key, value) in common(Some(mark)) {
            prepare.arguments.insert(key, value);
        }
        let mut fill = self.action(&verbs::FILL, []);
        for (key, value) in common(None) {
            fill.arguments.insert(key, value);
        }
        let from = format!("from {}", source.object.key.address);
        // By the time the run is proved as a whole, it is no longer staged.
        let named = Expectation::shows(&self.request.container.address, object.id, [("name", name.clone())]);
        let mut prepare = self.step(Draft {
            what: "prepare".to_owned(),
            title: self.title(TitleVerb::Prepare, &title_of(object), "for a copy".to_owned()),
            run: prepare,
            undo: self.discard(object.id, &name),
            proof: Proof { done: vec![named], not_done: self.absent(object.id) },
            effects: Vec::new(),
        });
        prepare.claims.push(self.takes(&name));
        let mut fill = self.step(Draft {
            what: "fill".to_owned(),
            title: self.title(TitleVerb::Copy, &title_of(object), from),
            run: fill,
            // Taking back what was prepared takes this back as well.
            undo: Undo::Nothing,
            proof: Proof {
                done: self.whole(object),
                not_done: vec![self.not_at(object.id, crate::model::Place::Live)],
            },
            effects: vec![Effect::Put(Box::new(after.clone()))],
        });
        fill.copies = size;
        fill.holds = Holds::Object;
        Ok(vec![prepare, fill])
    }

    pub(super) fn check_source(&self, object: &Object, source: &Record) -> Result<(), Diagnostic> {
        if source.object.container != self.request.container.address {
            return Err(Diagnostic::error(
                "Source in another pool",
                format!(
                    "{} is to be copied from {}, which is in {}. A pool of logical volumes copies within itself only. Put both into one pool.",
                    object.key.address, source.object.key.address, source.object.container
                ),
            ));
        }
        if source.object.body.size() > object.body.size() {
            return Err(self.impossible("a copy cannot be smaller than its source"));
        }
        Ok(())
    }
}
