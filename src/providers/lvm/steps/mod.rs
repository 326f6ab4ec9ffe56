//! Turns what is asked of a volume group into steps.

mod copy;
mod purge;
mod restore;

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{
    Body, Bytes, ContainerRecord, Kind, Object, Observed, OnDestroy, Place, Record, Stranger, TrashEntry,
};
use crate::plan::step::{
    Claim, Effect, Expectation, Holds, Operation, Proof, Request, Step, StepId, Title, TitleVerb, Undo,
};
use crate::providers::store::steps as shared;

use super::kinds::{self, NAME};
use super::{tags, verbs};

pub fn steps(request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
    let ask = Ask { request };
    match &request.operation {
        Operation::Join { body, .. } => Ok(vec![ask.join(&body.makes)]),
        Operation::Release { record } => Ok(vec![ask.release(record)]),
        Operation::Create { after, source } => ask.create(after, source.as_ref()),
        Operation::Update { after, live, attached, .. } => ask.update(after, live, *attached),
        Operation::Restore { record, snapshot, trash, live } => ask.restore(record, snapshot, *trash, live),
        Operation::Destroy { record, live } => ask.destroy(record, live),
        Operation::Purge { entries } => Ok(ask.purge(entries)),
        Operation::Adopt { after, found } => Ok(vec![ask.adopt(after, found)?]),
        Operation::TakeOutOfTrash { entry, after } => Ok(vec![ask.take_out(entry, after)?]),
    }
}

/// What a step is made of beside its own object.
struct Draft {
    what: String,
    title: Title,
    run: Action,
    undo: Undo,
    proof: Proof,
    effects: Vec<Effect>,
}

/// A request, for short names.
struct Ask<'r, 'a> {
    request: &'r Request<'a>,
}

impl Ask<'_, '_> {
    fn is_thin(&self) -> bool {
        kinds::is_thin(self.request.container)
    }

    fn action<const N: usize>(&self, verb: &Verb, arguments: [(&'static str, String); N]) -> Action {
        let mut action = Action::new(NAME, verb, arguments);
        action.arguments.insert("vg", self.request.container.text("volume_group"));
        action.arguments.insert("pool", self.request.container.text("thin_pool"));
        action.arguments.insert("identity", self.request.identity.to_string());
        action
    }

    fn step(&self, draft: Draft) -> Step {
        let Draft { what, title, run, undo, proof, effects } = draft;
        Step {
            id: StepId(format!("{}/{what}", self.request.key)),
            object: self.request.key.clone(),
            host: self.request.container.host.clone(),
            guard: kinds::guard(self.request.container),
            title,
            run,
            undo,
            proof,
            effects,
            claims: Vec::new(),
            copies: Bytes::ZERO,
            holds: Holds::Guard,
        }
    }

    fn impossible(&self, what: &str) -> Diagnostic {
        shared::impossible(self.request, what)
    }

    fn title(&self, verb: TitleVerb, object: &str, detail: String) -> Title {
        shared::title(verb, format!("{object} in {}", self.request.container.address), detail)
    }

    /// The marks, one a line.
    fn mark(&self, object: &Object) -> String {
        tags::of(object, self.request.lineage, self.request.workspace).join("\n")
    }

    /// That an object is at `place`, whatever else may have happened to it.
    fn at(&self, id: Uuid, place: Place) -> Vec<Expectation> {
        shared::shown(self.request, id, place.word(), [].into())
    }

    /// That an object is at `place` and nothing has begun that it does not come back from.
    fn unharmed_at(&self, id: Uuid, place: Place) -> Vec<Expectation> {
        shared::shown(self.request, id, place.word(), [("health", "good".to_owned())].into())
    }

    fn not_at(&self, id: Uuid, place: Place) -> Expectation {
        let container = self.request.container.address.clone();
        Expectation::NotAt { container, id, place: place.word().to_owned() }
    }

    /// That an object is live and what it is to be.
    fn whole(&self, object: &Object) -> Vec<Expectation> {
        let mut facts = object.body.facts();
        facts.insert("health", "good".to_owned());
        shared::shown(self.request, object.id, Place::Live.word(), facts)
    }

    fn absent(&self, id: Uuid) -> Vec<Expectation> {
        shared::absent(self.request, id)
    }

    fn takes(&self, name: &str) -> Claim {
        Claim::TakesName { container: self.request.container.address.clone(), name: name.to_owned() }
    }

    fn frees(&self, name: &str) -> Claim {
        Claim::FreesName { container: self.request.container.address.clone(), name: name.to_owned() }
    }

    fn name_of(&self, object: &Object) -> Result<String, Diagnostic> {
        object.body.name().map(str::to_owned).ok_or_else(|| self.impossible("it is no logical volume"))
    }

    fn discard(&self, id: Uuid, name: &str) -> Undo {
        Undo::Run(self.action(&verbs::DISCARD, [("id", id.to_string()), ("name", name.to_owned())]))
    }

    fn join(&self, makes: &[String]) -> Step {
        let record = ContainerRecord {
            spec: self.request.container.clone(),
            identity: self.request.identity,
            makes: makes.to_vec(),
        };
        self.step(Draft {
            what: "join".to_owned(),
            title: self.group_title(TitleVerb::Prepare),
            run: self.action(&verbs::JOIN, []),
            undo: Undo::Run(self.leave()),
            proof: Proof { done: self.joined(), not_done: self.not_joined() },
            effects: vec![Effect::PutContainer(Box::new(record))],
        })
    }

    fn release(&self, record: &ContainerRecord) -> Step {
        self.step(Draft {
            what: "release".to_owned(),
            title: self.group_title(TitleVerb::Release),
            run: self.leave(),
            undo: Undo::Run(self.action(&verbs::JOIN, [])),
            proof: Proof { done: self.not_joined(), not_done: self.joined() },
            effects: vec![Effect::ForgetContainer(record.spec.address.clone())],
        })
    }

    fn leave(&self) -> Action {
        self.action(&verbs::RELEASE, [("guard", kinds::guard(self.request.container).0)])
    }

    fn group_title(&self, verb: TitleVerb) -> Title {
        let spec = self.request.container;
        let group = spec.text("volume_group");
        let what = if self.is_thin() {
            format!("thin pool {group}/{}", spec.text("thin_pool"))
        } else {
            format!("volume group {group}")
        };
        shared::title(verb, format!("{what} on {}", spec.host), String::new())
    }

    fn joined(&self) -> Vec<Expectation> {
        let container = self.request.container.address.clone();
        vec![Expectation::Joined { container, identity: self.request.identity }]
    }

    fn not_joined(&self) -> Vec<Expectation> {
        vec![Expectation::NotJoined { container: self.request.container.address.clone() }]
    }

    /// A rename, then a grow: each remembers what is so once it is done.
    fn update(&self, after: &Record, live: &Observed, attached: bool) -> Result<Vec<Step>, Diagnostic> {
        if live.place != Place::Live {
            return Err(self.impossible("it is not under its name"));
        }
        let (from, to) = (live.body.size(), after.object.body.size());
        let mut steps = Vec::new();
        let mut renamed = after.clone();
        shared::set_size(&mut renamed.object.body, from);
        let (old, new) = (live.body.name().unwrap_or_default(), self.name_of(&after.object)?);
        if old != new {
            steps.push(self.rename(&renamed, old, &new, from));
        }
        if to < from {
            return Err(self.impossible("it would shrink"));
        }
        if to > from {
            self.check_growing(after, live)?;
            steps.push(self.grow(after, &new, from, attached || live.open));
        }
        Ok(steps)
    }

    fn rename(&self, after: &Record, from: &str, to: &str, size: Bytes) -> Step {
        let id = after.object.id;
        let rename = |from: &str, to: &str| {
            self.action(
                &verbs::RENAME,
                [
                    ("id", id.to_string()),
                    ("size", size.0.to_string()),
                    ("from", from.to_owned()),
                    ("to", to.to_owned()),
                    ("name_tag", tags::of_name(to)),
                ],
            )
        };
        let named = |name: &str| {
            shared::shown(self.request, id, Place::Live.word(), [("name", name.to_owned())].into())
        };
        let mut step = self.step(Draft {
            what: "rename".to_owned(),
            title: self.title(TitleVerb::Rename, &title_of(&after.object), format!("from {from}")),
            run: rename(from, to),
            undo: Undo::Run(rename(to, from)),
            proof: Proof { done: named(to), not_done: named(from) },
            effects: vec![Effect::Put(Box::new(after.clone()))],
        });
        step.claims.extend([self.frees(from), self.takes(to)]);
        step
    }

    /// LVM would have to take the origin out of use for that, under whoever has it open.
    fn check_growing(&self, after: &Record, live: &Observed) -> Result<(), Diagnostic> {
        let snapshots = live.notes.get("snapshots").filter(|count| *count != "0");
        let Some(count) = snapshots.filter(|_| !self.is_thin()) else { return Ok(()) };
        let address = &after.object.key.address;
        Err(Diagnostic::error(
            "A thick volume with snapshots cannot grow",
            format!(
                "{address} is to grow, and it has {count} thick snapshot(s), which keep its size. Destroy them in an apply \
                 of their own first, or leave the size of {address} as it is.",
            ),
        ))
    }

    fn grow(&self, after: &Record, name: &str, from: Bytes, in_use: bool) -> Step {
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
        let undo = if in_use {
            Undo::Impossible {
                why: "it is in use: who uses it may use the new space at once, and shrinking would cut its data off"
                    .to_owned(),
            }
        } else {
            Undo::RunInSameProcess(resize(&verbs::SHRINK, to, from))
        };
        let sized = |size: Bytes| {
            shared::shown(self.request, id, Place::Live.word(), [("size", size.0.to_string())].into())
        };
        let mut step = self.step(Draft {
            what: "grow".to_owned(),
            title: self.title(TitleVerb::Grow, &title_of(&after.object), format!("from {from} to {to}")),
            run: resize(&verbs::GROW, from, to),
            undo,
            proof: Proof { done: sized(to), not_done: sized(from) },
            effects: vec![Effect::Put(Box::new(after.clone()))],
        });
        if !self.is_thin() {
            step.claims.push(Claim::Grows { volume: id });
        }
        step
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
        let mut kept = record.clone();
        shared::set_size(&mut kept.object.body, size);
        let purge = is_snapshot || record.on_destroy == OnDestroy::Purge;
        let entry = TrashEntry { id, record: kept, purge, trashed_at: 0 };
        let what = title_of(&record.object);
        let mut trash = self.step(Draft {
            what: "trash".to_owned(),
            title: self.title(TitleVerb::Trash, &what, String::new()),
            run: self.action(&verbs::TRASH, arguments.clone()),
            undo: Undo::Run(self.action(&verbs::TAKE_OUT, arguments)),
            proof: Proof { done: self.at(id, Place::Trash), not_done: self.at(id, Place::Live) },
            effects: vec![Effect::Forget(record.object.key.clone()), Effect::Trash(Box::new(entry.clone()))],
        });
        trash.claims.push(self.frees(&name));
        let mut steps = vec![trash];
        if is_snapshot {
            steps.extend(self.purge(&[entry]));
        }
        Ok(steps)
    }

    fn take_out(&self, entry: &TrashEntry, after: &Record) -> Result<Step, Diagnostic> {
        let (id, object) = (entry.id, &after.object);
        if object.id != id {
            return Err(self.impossible("what lies in the trash keeps its id when it is taken out"));
        }
        let (name, size) = (self.name_of(object)?, entry.record.object.body.size());
        let common = |mark: String| {
            [("id", id.to_string()), ("name", name.clone()), ("size", size.0.to_string()), ("mark", mark)]
        };
        let undo = self.action(&verbs::TRASH, common(self.mark(&entry.record.object)));
        let mut step = self.step(Draft {
            what: "take_out".to_owned(),
            title: self.title(TitleVerb::Restore, &title_of(object), "from the trash".to_owned()),
            run: self.action(&verbs::TAKE_OUT, common(self.mark(object))),
            undo: Undo::Run(undo),
            proof: Proof { done: self.at(id, Place::Live), not_done: self.at(id, Place::Trash) },
            effects: vec![Effect::LeaveTrash(id), Effect::Put(Box::new(after.clone()))],
        });
        step.claims.push(self.takes(&name));
        Ok(step)
    }

    /// One command: the marks. What has no mark of ours is no object, so taking them away is the undo.
    fn adopt(&self, after: &Record, found: &Stranger) -> Result<Step, Diagnostic> {
        let object = &after.object;
        let name = self.name_of(object)?;
        if name != found.name || object.body.size() != found.size {
            return Err(self.impossible("what is adopted keeps its name and size"));
        }
        let run = self.action(
            &verbs::ADOPT,
            [
                ("id", object.id.to_string()),
                ("name", name.clone()),
                ("size", found.size.0.to_string()),
                ("reference", found.reference.clone()),
                ("mark", self.mark(object)),
            ],
        );
        let undo = self.action(&verbs::GIVE_BACK, [("id", object.id.to_string()), ("name", name)]);
        Ok(self.step(Draft {
            what: "adopt".to_owned(),
            title: self.title(TitleVerb::Adopt, &title_of(object), String::new()),
            run,
            undo: Undo::Run(undo),
            proof: Proof { done: self.whole(object), not_done: self.absent(object.id) },
            effects: vec![Effect::Put(Box::new(after.clone()))],
        }))
    }
}

/// `volume db`
fn title_of(object: &Object) -> String {
    let name = object.body.name().unwrap_or_default();
    let kind = match object.body {
        Body::Snapshot(_) => Kind::Snapshot,
        _ => Kind::Volume,
    };
    format!("{kind} {name}")
}
