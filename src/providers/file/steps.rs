//! Turns what is asked of a pool into steps.

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Body, Bytes, Object, Observed, OnDestroy, Place, Record, Stranger, TrashEntry};
use crate::plan::step::{
    Claim, Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo,
};
use crate::providers::store::steps::{self as store, Entry};

use super::kinds::NAME;
use super::{mark, verbs};

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

pub fn steps(request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
    let ask = Ask { request };
    match &request.operation {
        Operation::Join { body, .. } => Ok(vec![store::join(&ENTRY, request, &body.makes)]),
        Operation::Release { record } => Ok(vec![store::release(&ENTRY, request, record)]),
        Operation::Create { after, source } => Ok(vec![ask.create(after, source.as_ref())?]),
        Operation::Update { after, live, attached, .. } => ask.update(after, live, *attached),
        Operation::Restore { record, snapshot, trash, live } => ask.restore(record, snapshot, *trash, live),
        Operation::Destroy { record, live } => ask.destroy(record, live),
        Operation::Purge { entries } => Ok(entries.iter().map(|entry| purge_entry(request, entry)).collect()),
        Operation::Adopt { after, found } => Ok(vec![ask.adopt(after, found)?]),
        Operation::TakeOutOfTrash { entry, after } => Ok(vec![ask.take_out(entry, after)?]),
    }
}

/// Each entry is a step of its own, under its own address.
fn purge_entry(request: &Request<'_>, entry: &TrashEntry) -> Step {
    let object = &entry.record.object;
    let request = Request { key: object.key.clone(), ..request.clone() };
    Ask { request: &request }.purge(entry.id, &image_title(object))
}

/// A request, for short names.
struct Ask<'r, 'a> {
    request: &'r Request<'a>,
}

impl Ask<'_, '_> {
    fn action<const N: usize>(&self, verb: &Verb, arguments: [(&'static str, String); N]) -> Action {
        store::action(NAME, self.request, verb, arguments)
    }

    fn mark(&self, object: &Object) -> Result<String, Diagnostic> {
        mark::rest(object, self.request.workspace).ok_or_else(|| self.impossible("it is no image"))
    }

    fn impossible(&self, what: &str) -> Diagnostic {
        store::impossible(self.request, what)
    }

    fn title(&self, verb: TitleVerb, object: &str, detail: String) -> Title {
        store::title(verb, format!("{object} in {}", self.request.container.address), detail)
    }

    /// That an object is at `place`, being what it was made as.
    fn at(&self, id: Uuid, place: Place) -> Vec<Expectation> {
        store::shown(self.request, id, place.word(), [("health", "good".to_owned())].into())
    }

    fn takes(&self, name: &str) -> Claim {
        Claim::TakesName { container: self.request.container.address.clone(), name: name.to_owned() }
    }

    fn frees(&self, name: &str) -> Claim {
        Claim::FreesName { container: self.request.container.address.clone(), name: name.to_owned() }
    }

    fn create(&self, after: &Record, source: Option<&Record>) -> Result<Step, Diagnostic> {
        let object = &after.object;
        let name = name_of(self, object)?;
        let size = object.body.size();
        let common = [
            ("id", object.id.to_string()),
            ("name", name.clone()),
            ("size", size.0.to_string()),
            ("mark", self.mark(object)?),
        ];
        let run = match source {
            None => self.action(&verbs::CREATE, common),
            Some(source) => {
                self.check_source(object, source)?;
                let mut action = self.action(&verbs::COPY, common);
                action.arguments.insert("source", source.object.id.to_string());
                action.arguments.insert("source_name", name_of(self, &source.object)?);
                action
            }
        };
        let (verb, what, detail) = match (&object.body, source) {
            (Body::Snapshot(_), Some(origin)) => {
                (TitleVerb::Snapshot, "take", format!("of {}", origin.object.key.address))
            }
            (_, Some(source)) => (TitleVerb::Copy, "copy", format!("from {}", source.object.key.address)),
            (_, None) => (TitleVerb::Create, "create", format!("of {size}")),
        };
        let undo = self.action(&verbs::DISCARD, [("id", object.id.to_string()), ("name", name.clone())]);
        let mut facts = object.body.facts();
        facts.insert("health", "good".to_owned());
        let done = store::shown(self.request, object.id, Place::Live.word(), facts);
        let mut step = store::step(
            self.request,
            what,
            self.title(verb, &image_title(object), detail),
            run,
            Undo::Run(undo),
            Proof { done, not_done: store::absent(self.request, object.id) },
            vec![Effect::Put(Box::new(after.clone()))],
        );
        step.claims.push(self.takes(&name));
        step.copies = source.map_or(Bytes::ZERO, |source| source.object.body.size());
        Ok(step)
    }

    fn check_source(&self, object: &Object, source: &Record) -> Result<(), Diagnostic> {
        if source.object.container != self.request.container.address {
            return Err(Diagnostic::error(
                "Source in another pool",
                format!(
                    "{} is to be copied from {}, which is in {}. A file pool copies within its own directory only. Put both into one pool.",
                    object.key.address, source.object.key.address, source.object.container
                ),
            ));
        }
        if source.object.body.size() > object.body.size() {
            return Err(self.impossible("a copy cannot be smaller than its source"));
        }
        Ok(())
    }

    /// A rename, then a grow: each remembers what is so once it is done.
    fn update(&self, after: &Record, live: &Observed, attached: bool) -> Result<Vec<Step>, Diagnostic> {
        if live.place != Place::Live {
            return Err(self.impossible("it is not under its name"));
        }
        let (from, to) = (live.body.size(), after.object.body.size());
        let mut steps = Vec::new();
        let mut renamed = after.clone();
        store::set_size(&mut renamed.object.body, from);
        let (old, new) = (live.body.name().unwrap_or_default(), name_of(self, &after.object)?);
        if old != new {
            steps.push(self.rename(&renamed, old, &new, from)?);
        }
        if to < from {
            return Err(self.impossible("it would shrink"));
        }
        if to > from {
            steps.push(self.grow(after, &new, from, attached)?);
        }
        Ok(steps)
    }

    fn rename(&self, after: &Record, from: &str, to: &str, size: Bytes) -> Result<Step, Diagnostic> {
        let id = after.object.id;
        let rename = |from: &str, to: &str| {
            self.action(
                &verbs::RENAME,
                [
                    ("id", id.to_string()),
                    ("size", size.0.to_string()),
                    ("from", from.to_owned()),
                    ("to", to.to_owned()),
                ],
            )
        };
        let named = |name: &str| {
            store::shown(self.request, id, Place::Live.word(), [("name", name.to_owned())].into())
        };
        let mut step = store::step(
            self.request,
            "rename",
            self.title(TitleVerb::Rename, &image_title(&after.object), format!("from {from}.img")),
            rename(from, to),
            Undo::Run(rename(to, from)),
            Proof { done: named(to), not_done: named(from) },
            vec![Effect::Put(Box::new(after.clone()))],
        );
        step.claims.extend([self.frees(from), self.takes(to)]);
        Ok(step)
    }

    fn grow(&self, after: &Record, name: &str, from: Bytes, attached: bool) -> Result<Step, Diagnostic> {
        let (id, to) = (after.object.id, after.object.body.size());
        let resize = |verb: &Verb, from: Bytes, to: Bytes| {
            self.action(
                verb,
                [
                    ("id", id.to_string()),
                    ("name", name.to_owned()),
                    ("from", from.0.to_string()),
                    ("to", to.0.to_string()),
                ],
            )
        };
        let undo = if attached {
            Undo::Impossible {
                why: "it is attached: a guest may use the new space at once, and shrinking would cut its data off"
                    .to_owned(),
            }
        } else {
            Undo::RunInSameProcess(resize(&verbs::SHRINK, to, from))
        };
        let sized = |size: Bytes| {
            store::shown(self.request, id, Place::Live.word(), [("size", size.0.to_string())].into())
        };
        Ok(store::step(
            self.request,
            "grow",
            self.title(TitleVerb::Grow, &image_title(&after.object), format!("from {from} to {to}")),
            resize(&verbs::GROW, from, to),
            undo,
            Proof { done: sized(to), not_done: sized(from) },
            vec![Effect::Put(Box::new(after.clone()))],
        ))
    }

    /// To the trash; a snapshot goes on from there, past the point of no return.
    fn destroy(&self, record: &Record, live: &Observed) -> Result<Vec<Step>, Diagnostic> {
        if live.place != Place::Live {
            return Err(self.impossible("it is not under its name"));
        }
        let is_snapshot = matches!(record.object.body, Body::Snapshot(_));
        let id = record.object.id;
        let (name, size) = (live.body.name().unwrap_or_default().to_owned(), live.body.size());
        let arguments = [
            ("id", id.to_string()),
            ("name", name.clone()),
            ("size", size.0.to_string()),
            ("mark", String::new()),
        ];
        let mut run = self.action(&verbs::TRASH, arguments.clone());
        run.arguments.insert("kept_name", name.clone());
        let mut kept = record.clone();
        store::set_size(&mut kept.object.body, size);
        let purge = is_snapshot || record.on_destroy == OnDestroy::Purge;
        let entry = TrashEntry { id, record: kept, purge, trashed_at: 0 };
        let what = image_title(&record.object);
        let mut trash = store::step(
            self.request,
            "trash",
            self.title(TitleVerb::Trash, &what, String::new()),
            run,
            Undo::Run(self.action(&verbs::TAKE_OUT, arguments)),
            Proof { done: self.at(id, Place::Trash), not_done: self.at(id, Place::Live) },
            vec![Effect::Forget(record.object.key.clone()), Effect::Trash(Box::new(entry))],
        );
        trash.claims.push(self.frees(&name));
        let mut steps = vec![trash];
        if is_snapshot {
            steps.push(self.purge(id, &what));
        }
        Ok(steps)
    }

    fn purge(&self, id: Uuid, what: &str) -> Step {
        store::step(
            self.request,
            "purge",
            self.title(TitleVerb::Purge, what, "from the trash".to_owned()),
            self.action(&verbs::PURGE, [("id", id.to_string())]),
            Undo::Impossible { why: "its data is removed for good".to_owned() },
            Proof { done: store::absent(self.request, id), not_done: self.at(id, Place::Trash) },
            vec![Effect::LeaveTrash(id)],
        )
    }

    /// A mark beside the image; taken back, the mark goes and the image stays.
    fn adopt(&self, after: &Record, found: &Stranger) -> Result<Step, Diagnostic> {
        let object = &after.object;
        let name = name_of(self, object)?;
        if name != found.name || object.body.size() != found.size || !matches!(object.body, Body::Volume(_)) {
            return Err(self.impossible("what is adopted stays as it is"));
        }
        let (id, reference) = (object.id.to_string(), found.reference.clone());
        let run = self.action(
            &verbs::ADOPT,
            [
                ("id", id.clone()),
                ("name", name),
                ("size", found.size.0.to_string()),
                ("found", reference.clone()),
                ("mark", self.mark(object)?),
            ],
        );
        let undo = self.action(&verbs::GIVE_BACK, [("id", id), ("found", reference)]);
        let mut facts = object.body.facts();
        facts.insert("health", "good".to_owned());
        Ok(store::step(
            self.request,
            "adopt",
            self.title(TitleVerb::Adopt, &image_title(object), String::new()),
            run,
            Undo::Run(undo),
            Proof {
                done: store::shown(self.request, object.id, Place::Live.word(), facts),
                not_done: store::absent(self.request, object.id),
            },
            vec![Effect::Put(Box::new(after.clone()))],
        ))
    }

    fn take_out(&self, entry: &TrashEntry, after: &Record) -> Result<Step, Diagnostic> {
        let (id, object) = (entry.id, &after.object);
        if object.id != id {
            return Err(self.impossible("what lies in the trash keeps its id when it is taken out"));
        }
        let (name, size) = (name_of(self, object)?, entry.record.object.body.size());
        let common = |mark: String| {
            [("id", id.to_string()), ("name", name.clone()), ("size", size.0.to_string()), ("mark", mark)]
        };
        let mut undo = self.action(&verbs::TRASH, common(self.mark(&entry.record.object)?));
        undo.arguments.insert("kept_name", name_of(self, &entry.record.object)?);
        let mut step = store::step(
            self.request,
            "take_out",
            self.title(TitleVerb::Restore, &image_title(object), "from the trash".to_owned()),
            self.action(&verbs::TAKE_OUT, common(self.mark(object)?)),
            Undo::Run(undo),
            Proof { done: self.at(id, Place::Live), not_done: self.at(id, Place::Trash) },
            vec![Effect::LeaveTrash(id), Effect::Put(Box::new(after.clone()))],
        );
        step.claims.push(self.takes(&name));
        Ok(step)
    }

    /// A copy of the snapshot is staged under the id `trash`; then both change places.
    fn restore(
        &self,
        record: &Record,
        snapshot: &Record,
        trash: Uuid,
        live: &Observed,
    ) -> Result<Vec<Step>, Diagnostic> {
        self.check_source(&record.object, snapshot)?;
        let former = store::former(record, trash, live.body.size());
        let size = live.body.size().max(snapshot.object.body.size());
        let stage = self.stage(&former, snapshot, size)?;
        let swap = self.swap(record, former, live)?;
        Ok(vec![stage, swap])
    }

    fn stage(&self, former: &Record, snapshot: &Record, size: Bytes) -> Result<Step, Diagnostic> {
        let (id, name) = (former.object.id, name_of(self, &former.object)?);
        let run = self.action(
            &verbs::STAGE,
            [
                ("id", id.to_string()),
                ("name", name.clone()),
                ("size", size.0.to_string()),
                ("mark", self.mark(&former.object)?),
                ("source", snapshot.object.id.to_string()),
                ("source_name", name_of(self, &snapshot.object)?),
            ],
        );
        let mut step = store::step(
            self.request,
            "stage",
            self.title(
                TitleVerb::Copy,
                &image_title(&snapshot.object),
                format!("for {}", former.object.key.address),
            ),
            run,
            Undo::Run(self.action(&verbs::UNSTAGE, [("id", id.to_string()), ("name", name.clone())])),
            // By the time the run is proved as a whole, this id is that of the former content in the trash. A copy that
            // is not whole has no name yet.
            Proof {
                done: vec![Expectation::shows(&self.request.container.address, id, [("name", name)])],
                not_done: store::absent(self.request, id),
            },
            Vec::new(),
        );
        step.copies = snapshot.object.body.size();
        Ok(step)
    }

    fn swap(&self, record: &Record, former: Record, live: &Observed) -> Result<Step, Diagnostic> {
        let (id, trash) = (record.object.id, former.object.id);
        let name = name_of(self, &record.object)?;
        let arguments = [("id", id.to_string()), ("name", name), ("trash", trash.to_string())];
        let mut run = self.action(&verbs::SWAP, arguments.clone());
        run.arguments.insert("size", live.body.size().0.to_string());
        let done = [self.at(id, Place::Live), self.at(trash, Place::Trash)].concat();
        // Taken back, the copy is staged again, until the step that staged it is taken back as well.
        let mut not_done = self.at(id, Place::Live);
        not_done.push(Expectation::NotAt {
            container: self.request.container.address.clone(),
            id: trash,
            place: Place::Trash.word().to_owned(),
        });
        let entry = TrashEntry { id: trash, record: former, purge: false, trashed_at: 0 };
        Ok(store::step(
            self.request,
            "swap",
            self.title(TitleVerb::Restore, &image_title(&record.object), "to its snapshot".to_owned()),
            run,
            Undo::Run(self.action(&verbs::SWAP_BACK, arguments)),
            Proof { done, not_done },
            // The entry first: the address goes on with the record that follows.
            vec![Effect::Trash(Box::new(entry)), Effect::Put(Box::new(record.clone()))],
        ))
    }
}

fn name_of(ask: &Ask<'_, '_>, object: &Object) -> Result<String, Diagnostic> {
    object.body.name().map(str::to_owned).ok_or_else(|| ask.impossible("it is no image"))
}

/// `volume db.img`
fn image_title(object: &Object) -> String {
    let name = object.body.name().unwrap_or_default();
    format!("{} {name}.img", object.key.address.kind)
}
