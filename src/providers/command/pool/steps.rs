//! Turns what is asked of a pool into steps: the template of a verb, what must be listed before, what after.

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Body, Bytes, Object, Observed, OnDestroy, Place, Record, TrashEntry};
use crate::plan::step::{
    Claim, Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo,
};
use crate::providers::command::reader::{Reader, conditions, tool_mark};
use crate::providers::command::{NAME, look, template, verbs};
use crate::providers::store::steps::{self as store, Entry};

use super::kinds::{self, trash_name};
use super::mark::Rest;

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

pub fn steps(request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
    match &request.operation {
        Operation::Join { body, .. } => return Ok(vec![store::join(&ENTRY, request, &body.makes)]),
        Operation::Release { record } => return Ok(vec![store::release(&ENTRY, request, record)]),
        _ => {}
    }
    let reader = kinds::reader(request.container)
        .map_err(|faults| store::impossible(request, &look::told(&faults)))?;
    let ask = Ask { request, reader: &reader };
    match &request.operation {
        Operation::Create { after, source } => ask.create(after, source.as_ref()),
        Operation::Update { after, live, attached, .. } => ask.update(after, live, *attached),
        Operation::Destroy { record, live } => ask.destroy(record, live),
        Operation::Purge { entries } => entries.iter().map(|entry| ask.of(entry).purge(entry)).collect(),
        Operation::TakeOutOfTrash { entry, after } => Ok(vec![ask.take_out(entry, after)?]),
        Operation::Restore { .. } => Err(ask.cannot(
            "restore a volume in place",
            "Make a volume from the snapshot (`source = snapshot.NAME`) and attach that one.",
        )),
        Operation::Adopt { .. } => {
            Err(ask.cannot("adopt a volume", "Make a volume and copy what is in the other one."))
        }
        Operation::Join { .. } | Operation::Release { .. } => Ok(Vec::new()),
    }
}

/// A request, for short names.
struct Ask<'r, 'a> {
    request: &'r Request<'a>,
    reader: &'r Reader,
}

/// One run of a template.
struct Command<'c> {
    verb: &'c Verb,
    kind: &'static str,
    /// The name of the template.
    template: &'static str,
    values: Vec<(&'c str, &'c str)>,
    before: String,
    after: String,
    first: String,
    last: String,
}

/// How one object looks when it is listed.
#[derive(Clone, Copy)]
struct Look<'l> {
    name: &'l str,
    size: Option<Bytes>,
}

impl<'r, 'a> Ask<'r, 'a> {
    fn cannot(&self, what: &str, todo: &str) -> Diagnostic {
        Diagnostic::error(
            "Not with templates",
            format!("{} is a pool of templates, which cannot {what}. {todo}", self.request.container.address),
        )
    }

    fn impossible(&self, what: &str) -> Diagnostic {
        store::impossible(self.request, what)
    }

    /// The same for a trash entry, which is purged under its own address.
    fn of(&self, entry: &TrashEntry) -> OfEntry<'r, 'a> {
        let key = entry.record.object.key.clone();
        OfEntry { request: Request { key, ..self.request.clone() }, reader: self.reader }
    }

    fn title(&self, verb: TitleVerb, object: &Object, detail: String) -> Title {
        let name = object.body.name().unwrap_or_default();
        let what = format!("{} {name} in {}", object.key.address.kind, self.request.container.address);
        store::title(verb, what, detail)
    }

    fn mark(&self, id: Uuid) -> String {
        tool_mark(self.request.lineage, id)
    }

    /// The conditions that so many rows look like this object, and that nothing else has this name.
    fn looks(&self, id: Uuid, look: Look<'_>) -> Result<String, Diagnostic> {
        let (mark, size) = (self.mark(id), look.size.map(|size| size.0.to_string()));
        let mut values = vec![("name", look.name)];
        if self.reader.gives("mark") {
            values.push(("mark", mark.as_str()));
        }
        values.extend(size.as_deref().map(|size| ("size_bytes", size)));
        self.conditions(&[(1, vec![("name", look.name)]), (1, values)])
    }

    /// That nothing is called so, nor carries the mark.
    fn nothing(&self, id: Uuid, name: &str) -> Result<String, Diagnostic> {
        let mark = self.mark(id);
        let mut wanted = vec![(0, vec![("name", name)])];
        if self.reader.gives("mark") {
            wanted.push((0, vec![("mark", mark.as_str())]));
        }
        self.conditions(&wanted)
    }

    fn free(&self, name: &str) -> Result<String, Diagnostic> {
        self.conditions(&[(0, vec![("name", name)])])
    }

    fn conditions(&self, wanted: &[(u32, Vec<(&str, &str)>)]) -> Result<String, Diagnostic> {
        conditions(self.reader, wanted).map_err(|why| self.impossible(&why))
    }

    /// The rest of the mark of what is listed as `name`.
    fn rest(&self, object: &Object, name: &str) -> Result<Rest, Diagnostic> {
        Rest::new(object, name, self.request.workspace)
            .ok_or_else(|| self.impossible("it is neither volume nor snapshot"))
    }

    fn action(&self, id: Uuid, name: &str, command: Command<'_>) -> Result<Action, Diagnostic> {
        let wanted = format!("{}", self.request.key.address);
        let list = look::verb(self.request.container, command.template, &wanted)?;
        let (text_id, mark) = (id.to_string(), self.mark(id));
        let path = self.request.container.text("path");
        let mut values = vec![("id", text_id.as_str()), ("mark", mark.as_str()), ("path", path)];
        values.extend(command.values);
        let filled = template::fill(list, &values).map_err(|why| self.impossible(&why))?;
        let input = look::input(self.request.container, command.template, &values)
            .map_err(|why| self.impossible(&why))?;
        let lister = self.reader.lister(&[]).map_err(|why| self.impossible(&why))?;
        let owner = if self.reader.gives("mark") { "tool" } else { "seat" };
        Ok(store::action(
            NAME,
            self.request,
            command.verb,
            [
                ("id", text_id.clone()),
                ("name", name.to_owned()),
                ("kind", command.kind.to_owned()),
                ("owner", owner.to_owned()),
                ("commands", template::counted(&[filled])),
                ("input", input),
                ("lister", template::counted(&[lister])),
                ("filter", self.reader.filter()),
                ("patience", self.reader.patience_seconds.to_string()),
                ("grace", "0".to_owned()),
                ("before", command.before),
                ("after", command.after),
                ("first", command.first),
                ("last", command.last),
            ],
        ))
    }

    fn at(&self, id: Uuid, place: Place) -> Vec<Expectation> {
        store::shown(self.request, id, place.word(), [("health", "good".to_owned())].into())
    }

    fn takes(&self, name: &str) -> Claim {
        Claim::TakesName { container: self.request.container.address.clone(), name: name.to_owned() }
    }

    fn frees(&self, name: &str) -> Claim {
        Claim::FreesName { container: self.request.container.address.clone(), name: name.to_owned() }
    }

    /// Blank, or from a source; a copy that comes out too small is grown.
    fn create(&self, after: &Record, source: Option<&Record>) -> Result<Vec<Step>, Diagnostic> {
        let Some(source) = source else {
            let title =
                self.title(TitleVerb::Create, &after.object, format!("of {}", after.object.body.size()));
            return Ok(vec![self.make(after, ("create", &verbs::CREATE, "create"), title, None, None)?]);
        };
        if source.object.container != self.request.container.address {
            let todo = "Put both into one pool.";
            return Err(self.cannot("copy what is in another pool", todo));
        }
        let from = &source.object.key.address;
        if matches!(after.object.body, Body::Snapshot(_)) {
            let title = self.title(TitleVerb::Snapshot, &after.object, format!("of {from}"));
            return Ok(vec![self.make(
                after,
                ("snapshot", &verbs::SNAPSHOT, "take"),
                title,
                Some(source),
                None,
            )?]);
        }
        let title = self.title(TitleVerb::Copy, &after.object, format!("from {from}"));
        let (size, wanted) = (source.object.body.size(), after.object.body.size());
        let tells_size = look::tells(self.request.container, "clone", "size_bytes");
        if tells_size || size == wanted {
            return Ok(vec![self.make(
                after,
                ("clone", &verbs::CLONE, "copy"),
                title,
                Some(source),
                None,
            )?]);
        }
        let mut small = after.clone();
        store::set_size(&mut small.object.body, size);
        let verb = ("clone", &verbs::CLONE, "copy");
        let mut copy = self.make(&small, verb, title, Some(source), Some(wanted))?;
        let (id, name) = (after.object.id, self.name(&after.object)?);
        let container = &self.request.container.address;
        // By the time the run is proved as a whole, it has grown.
        copy.proof.done = vec![Expectation::shows(container, id, [("name", name.to_owned())])];
        copy.effects = Vec::new();
        let mut grow = self.grow(after, name, size)?;
        // Taking the copy back takes this back as well.
        grow.undo = Undo::Nothing;
        grow.proof = Proof {
            done: self.at(id, Place::Live),
            not_done: vec![Expectation::NotAt {
                container: container.clone(),
                id,
                place: Place::Live.word().to_owned(),
            }],
        };
        grow.run.arguments.insert("last", self.rest(&after.object, name)?.text());
        Ok(vec![copy, grow])
    }

    fn make(
        &self,
        after: &Record,
        (template, verb, what): (&'static str, &Verb, &str),
        title: Title,
        source: Option<&Record>,
        grows_to: Option<Bytes>,
    ) -> Result<Step, Diagnostic> {
        let (object, id) = (&after.object, after.object.id);
        let (name, size) = (self.name(object)?, object.body.size());
        let (bytes, serial) = (size.0.to_string(), serial(object));
        let source = source.map(|source| self.name(&source.object)).transpose()?.unwrap_or_default();
        let values = vec![("name", name), ("serial", &serial), ("size_bytes", &bytes), ("source", source)];
        let rest = Rest { grows_to, ..self.rest(object, name)? }.text();
        let command = Command {
            verb,
            kind: "make",
            template,
            values,
            before: self.nothing(id, name)?,
            after: self.looks(id, Look { name, size: Some(size) })?,
            first: rest.clone(),
            last: rest,
        };
        let run = self.action(id, name, command)?;
        let undo = match self.request.container.list("destroy") {
            Some(_) => Undo::Run(self.removal(object, name, None)?),
            None => Undo::Impossible { why: "the pool has no template `destroy`".to_owned() },
        };
        let mut facts = object.body.facts();
        facts.insert("health", "good".to_owned());
        let done = store::shown(self.request, id, Place::Live.word(), facts);
        let proof = Proof { done, not_done: store::absent(self.request, id) };
        let effects = vec![Effect::Put(Box::new(after.clone()))];
        let mut step = store::step(self.request, what, title, run, undo, proof, effects);
        step.claims.push(self.takes(name));
        Ok(step)
    }

    /// Removes what is listed under `name`, for good.
    fn removal(&self, object: &Object, name: &str, size: Option<Bytes>) -> Result<Action, Diagnostic> {
        let id = object.id;
        let command = Command {
            verb: &verbs::DESTROY,
            kind: "remove",
            template: "destroy",
            values: vec![("name", name)],
            before: self.looks(id, Look { name, size })?,
            after: self.nothing(id, name)?,
            first: String::new(),
            last: "-".to_owned(),
        };
        self.action(id, name, command)
    }

    /// A rename, then a grow: each remembers what is so once it is done.
    fn update(&self, after: &Record, live: &Observed, attached: bool) -> Result<Vec<Step>, Diagnostic> {
        if live.place != Place::Live {
            return Err(self.impossible("it is not under its name"));
        }
        let (from, to) = (live.body.size(), after.object.body.size());
        let (old, new) = (live.body.name().unwrap_or_default(), self.name(&after.object)?);
        let mut steps = Vec::new();
        if old != new {
            let mut renamed = after.clone();
            store::set_size(&mut renamed.object.body, from);
            steps.push(self.rename(&renamed, old, new)?);
        }
        if to < from {
            return Err(self.impossible("it would shrink"));
        }
        if to > from {
            let mut grow = self.grow(after, new, from)?;
            if attached && let Undo::Impossible { why } = &mut grow.undo {
                *why = "it is attached: a guest may use the new space at once".to_owned();
            }
            steps.push(grow);
        }
        Ok(steps)
    }

    /// One rename, by the template. The mark knows both names while it lasts; `object` is what it tells of afterwards.
    fn renaming(
        &self,
        object: &Object,
        [from, to]: [&str; 2],
        size: Option<Bytes>,
    ) -> Result<Action, Diagnostic> {
        let id = object.id;
        let before = self.looks(id, Look { name: from, size })?;
        let after = self.rest(object, to)?;
        let command = Command {
            verb: &verbs::RENAME,
            kind: "change",
            template: "rename",
            values: vec![("name", from), ("new_name", to)],
            before: before + &self.free(to)?,
            after: self.looks(id, Look { name: to, size })?,
            first: Rest { was: from.to_owned(), ..after.clone() }.text(),
            last: after.text(),
        };
        self.action(id, from, command)
    }

    fn rename(&self, after: &Record, from: &str, to: &str) -> Result<Step, Diagnostic> {
        let (object, size) = (&after.object, Some(after.object.body.size()));
        let mut former = object.clone();
        set_name(&mut former.body, from);
        let run = self.renaming(object, [from, to], size)?;
        let undo = self.renaming(&former, [to, from], size)?;
        let named = |name: &str| {
            store::shown(self.request, object.id, Place::Live.word(), [("name", name.to_owned())].into())
        };
        let mut step = store::step(
            self.request,
            "rename",
            self.title(TitleVerb::Rename, object, format!("from {from}")),
            run,
            Undo::Run(undo),
            Proof { done: named(to), not_done: named(from) },
            vec![Effect::Put(Box::new(after.clone()))],
        );
        step.claims.extend([self.frees(from), self.takes(to)]);
        Ok(step)
    }

    fn grow(&self, after: &Record, name: &str, from: Bytes) -> Result<Step, Diagnostic> {
        let (object, id, to) = (&after.object, after.object.id, after.object.body.size());
        let (bytes, serial) = (to.0.to_string(), serial(object));
        let command = Command {
            verb: &verbs::GROW,
            kind: "change",
            template: "grow",
            values: vec![("name", name), ("serial", &serial), ("size_bytes", &bytes)],
            before: self.looks(id, Look { name, size: Some(from) })?,
            after: self.looks(id, Look { name, size: Some(to) })?,
            first: String::new(),
            last: String::new(),
        };
        let sized = |size: Bytes| {
            store::shown(self.request, id, Place::Live.word(), [("size", size.0.to_string())].into())
        };
        Ok(store::step(
            self.request,
            "grow",
            self.title(TitleVerb::Grow, object, format!("from {from} to {to}")),
            self.action(id, name, command)?,
            Undo::Impossible { why: "no template shrinks a volume".to_owned() },
            Proof { done: sized(to), not_done: sized(from) },
            vec![Effect::Put(Box::new(after.clone()))],
        ))
    }

    /// To the trash, by a rename; a snapshot goes on from there. Without a rename it is gone for good.
    fn destroy(&self, record: &Record, live: &Observed) -> Result<Vec<Step>, Diagnostic> {
        if live.place != Place::Live {
            return Err(self.impossible("it is not under its name"));
        }
        let object = &record.object;
        let (name, size) = (live.body.name().unwrap_or_default(), live.body.size());
        if self.request.container.list("rename").is_none() {
            return Ok(vec![self.remove(record, name, size)?]);
        }
        let (id, trash) = (object.id, trash_name(object.id));
        let is_snapshot = matches!(object.body, Body::Snapshot(_));
        let mut kept = record.clone();
        store::set_size(&mut kept.object.body, size);
        set_name(&mut kept.object.body, name);
        let purge = is_snapshot || record.on_destroy == OnDestroy::Purge;
        let entry = TrashEntry { id, record: kept.clone(), purge, trashed_at: 0 };
        let mut step = store::step(
            self.request,
            "trash",
            self.title(TitleVerb::Trash, object, String::new()),
            self.renaming(&kept.object, [name, &trash], Some(size))?,
            Undo::Run(self.renaming(&kept.object, [&trash, name], Some(size))?),
            Proof { done: self.at(id, Place::Trash), not_done: self.at(id, Place::Live) },
            vec![Effect::Forget(object.key.clone()), Effect::Trash(Box::new(entry.clone()))],
        );
        step.claims.push(self.frees(name));
        let mut steps = vec![step];
        if is_snapshot {
            steps.push(self.purge(&entry)?);
        }
        Ok(steps)
    }

    /// What cannot be moved to a trash is removed at once.
    fn remove(&self, record: &Record, name: &str, size: Bytes) -> Result<Step, Diagnostic> {
        let object = &record.object;
        let mut step = store::step(
            self.request,
            "destroy",
            self.title(TitleVerb::Purge, object, "at once: the pool has no template `rename`".to_owned()),
            self.removal(object, name, Some(size))?,
            Undo::Impossible {
                why: "the pool has no template `rename`, so there is no trash: its data is removed for good"
                    .to_owned(),
            },
            Proof { done: store::absent(self.request, object.id), not_done: self.at(object.id, Place::Live) },
            vec![Effect::Forget(object.key.clone())],
        );
        step.claims.push(self.frees(name));
        Ok(step)
    }

    fn purge(&self, entry: &TrashEntry) -> Result<Step, Diagnostic> {
        let (id, object) = (entry.id, &entry.record.object);
        let run = self.removal(object, &trash_name(id), None)?;
        Ok(store::step(
            self.request,
            "purge",
            self.title(TitleVerb::Purge, object, "from the trash".to_owned()),
            run,
            Undo::Impossible { why: "its data is removed for good".to_owned() },
            Proof { done: store::absent(self.request, id), not_done: self.at(id, Place::Trash) },
            vec![Effect::LeaveTrash(id)],
        ))
    }

    fn take_out(&self, entry: &TrashEntry, after: &Record) -> Result<Step, Diagnostic> {
        let (id, object, former) = (entry.id, &after.object, &entry.record.object);
        if object.id != id {
            return Err(self.impossible("what lies in the trash keeps its id when it is taken out"));
        }
        let (name, trash, size) = (self.name(object)?, trash_name(id), Some(former.body.size()));
        let mut step = store::step(
            self.request,
            "take_out",
            self.title(TitleVerb::Restore, object, "from the trash".to_owned()),
            self.renaming(object, [&trash, name], size)?,
            Undo::Run(self.renaming(former, [name, &trash], size)?),
            Proof { done: self.at(id, Place::Live), not_done: self.at(id, Place::Trash) },
            vec![Effect::LeaveTrash(id), Effect::Put(Box::new(after.clone()))],
        );
        step.claims.push(self.takes(name));
        Ok(step)
    }

    fn name<'o>(&self, object: &'o Object) -> Result<&'o str, Diagnostic> {
        object.body.name().ok_or_else(|| self.impossible("it is neither volume nor snapshot"))
    }
}

struct OfEntry<'r, 'a> {
    request: Request<'a>,
    reader: &'r Reader,
}

impl OfEntry<'_, '_> {
    fn purge(&self, entry: &TrashEntry) -> Result<Step, Diagnostic> {
        Ask { request: &self.request, reader: self.reader }.purge(entry)
    }
}

fn serial(object: &Object) -> String {
    match &object.body {
        Body::Volume(volume) => volume.serial.clone(),
        _ => object.id.to_string(),
    }
}

pub(super) fn set_name(body: &mut Body, name: &str) {
    match body {
        Body::Volume(volume) => name.clone_into(&mut volume.name),
        Body::Snapshot(snapshot) => name.clone_into(&mut snapshot.name),
        _ => {}
    }
}
