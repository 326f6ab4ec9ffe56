//! Turns what is asked of a hypervisor into steps.

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Access, Address, Body, DiskBody, Object, Observed, Place, Record};
use crate::plan::step::{
    Claim, Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo,
};
use crate::providers::command::reader::{Reader, conditions, tool_mark};
use crate::providers::command::{NAME, look, template, verbs};
use crate::providers::store::steps::{self as store, Entry};

use super::{kinds, mark};

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

/// How long a guest may take to let go of a disk, in seconds.
const GRACE: &str = "30";

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
        Operation::Create { after, .. } => Ok(vec![ask.attach(after)?]),
        Operation::Update { after, live, .. } => ask.update(after, live),
        Operation::Destroy { record, live } => Ok(vec![ask.detach(record, live)?]),
        _ => Err(store::impossible(request, "a disk has no data of its own")),
    }
}

/// A request, for short names.
struct Ask<'r, 'a> {
    request: &'r Request<'a>,
    reader: &'r Reader,
}

impl Ask<'_, '_> {
    fn attaching(&self, object: &Object, disk: &DiskBody) -> Result<Action, Diagnostic> {
        let rest = mark::rest(&object.key.address, disk, self.request.workspace);
        self.action(object, disk, (&verbs::ATTACH, "make"), [0, 1], [rest.clone(), rest])
    }

    fn detaching(&self, object: &Object, disk: &DiskBody) -> Result<Action, Diagnostic> {
        self.action(object, disk, (&verbs::DETACH, "remove"), [1, 0], [String::new(), "-".to_owned()])
    }

    /// `counts`: how many such disks are listed before and after.
    fn action(
        &self,
        object: &Object,
        disk: &DiskBody,
        (verb, kind): (&Verb, &str),
        counts: [u32; 2],
        [first, last]: [String; 2],
    ) -> Result<Action, Diagnostic> {
        let wrong = |why: String| store::impossible(self.request, &why);
        let list = look::verb(self.request.container, verb.name, &self.request.key.address.to_string())?;
        let (id, tool_mark) = (object.id.to_string(), tool_mark(self.request.lineage, object.id));
        let access = match disk.access {
            Access::ReadWrite => "rw",
            Access::ReadOnly => "ro",
        };
        let values = [
            ("vm", disk.vm.as_str()),
            ("device", &disk.device),
            ("host_path", &disk.host_path),
            ("serial", &disk.serial),
            ("id", &id),
            ("mark", &tool_mark),
            ("access", access),
            ("shared", if disk.shared { "shared" } else { "exclusive" }),
            ("path", self.request.container.text("path")),
        ];
        let filled = template::fill(list, &values).map_err(wrong)?;
        let input = look::input(self.request.container, verb.name, &values).map_err(wrong)?;
        let lister = self.reader.lister(&values[..1]).map_err(wrong)?;
        let [before, after] = counts.map(|count| self.listed(count, disk, &tool_mark).map_err(wrong));
        let owner = if self.reader.gives("mark") { "tool" } else { "seat" };
        Ok(store::action(
            NAME,
            self.request,
            verb,
            [
                ("id", id.clone()),
                ("name", mark::name(disk)),
                ("kind", kind.to_owned()),
                ("owner", owner.to_owned()),
                ("commands", template::counted(&[filled])),
                ("input", input),
                ("lister", template::counted(&[lister])),
                ("filter", self.reader.filter()),
                ("patience", self.reader.patience_seconds.to_string()),
                ("grace", GRACE.to_owned()),
                ("before", before?),
                ("after", after?),
                ("first", first),
                ("last", last),
            ],
        ))
    }

    /// That nothing is where the disk is to be; or that this disk is there, and nothing else.
    fn listed(&self, count: u32, disk: &DiskBody, mark: &str) -> Result<String, String> {
        let given = |pairs: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
            let known = pairs.iter().filter(|(name, _)| self.reader.gives(name));
            known.map(|(name, text)| (*name, (*text).to_owned())).collect()
        };
        let there = given(&[("vm", disk.vm.as_str()), ("device", disk.device.as_str())]);
        let marked = given(&[("mark", mark)]);
        let mut wanted = vec![(count, there.clone())];
        if count > 0 {
            let path = given(&[("host_path", disk.host_path.as_str())]);
            wanted.push((count, [there, path, marked].concat()));
        } else if !marked.is_empty() {
            wanted.push((0, marked));
        }
        let wanted: Vec<(u32, Vec<(&str, &str)>)> = wanted
            .iter()
            .map(|(count, values)| {
                (*count, values.iter().map(|(name, text)| (*name, text.as_str())).collect())
            })
            .collect();
        conditions(self.reader, &wanted)
    }

    fn title(&self, verb: TitleVerb, disk: &DiskBody, detail: String) -> Title {
        let container = &self.request.container.address;
        store::title(verb, format!("disk {} in {container}", mark::name(disk)), detail)
    }

    fn claimed(&self, disk: &DiskBody) -> (Address, String) {
        (self.request.container.address.clone(), mark::name(disk))
    }

    fn live(&self, object: &Object, disk: &DiskBody) -> Vec<Expectation> {
        let mut facts = Body::Disk(disk.clone()).facts();
        facts.insert("health", "good".to_owned());
        store::shown(self.request, object.id, Place::Live.word(), facts)
    }

    fn attach(&self, after: &Record) -> Result<Step, Diagnostic> {
        let (object, disk) = (&after.object, store::disk(self.request, &after.object.body)?);
        let tells_access = look::tells(self.request.container, "attach", "access");
        if disk.access == Access::ReadOnly && !tells_access {
            return Err(Diagnostic::error(
                "Cannot be made read-only",
                format!(
                    "{} is to be read-only, and the template `attach` of {} does not say how. Use {{access}} in it, which is `rw` or `ro`.",
                    object.key.address, self.request.container.address
                ),
            ));
        }
        let undo = match self.request.container.list("detach") {
            Some(_) => Undo::Run(self.detaching(object, disk)?),
            None => Undo::Impossible { why: "the hypervisor has no template `detach`".to_owned() },
        };
        let mut step = store::step(
            self.request,
            "attach",
            self.title(TitleVerb::Attach, disk, format!("to {}", disk.host_path)),
            self.attaching(object, disk)?,
            undo,
            Proof { done: self.live(object, disk), not_done: store::absent(self.request, object.id) },
            vec![Effect::Put(Box::new(after.clone()))],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::TakesName { container, name });
        Ok(step)
    }

    fn detach(&self, record: &Record, live: &Observed) -> Result<Step, Diagnostic> {
        let (object, disk) = (&record.object, store::disk(self.request, &live.body)?);
        let undo = match self.request.container.list("attach") {
            Some(_) => Undo::Run(self.attaching(object, disk)?),
            None => Undo::Impossible { why: "the hypervisor has no template `attach`".to_owned() },
        };
        let mut step = store::step(
            self.request,
            "detach",
            self.title(TitleVerb::Detach, disk, format!("from {}", disk.host_path)),
            self.detaching(object, disk)?,
            undo,
            Proof { done: store::absent(self.request, object.id), not_done: self.live(object, disk) },
            vec![Effect::Forget(object.key.clone())],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::FreesName { container, name });
        Ok(step)
    }

    /// Nothing of a disk can change in place.
    fn update(&self, after: &Record, live: &Observed) -> Result<Vec<Step>, Diagnostic> {
        if store::disk(self.request, &live.body)? == store::disk(self.request, &after.object.body)? {
            return Ok(Vec::new());
        }
        Err(Diagnostic::error(
            "Not with templates",
            format!(
                "{} would have to change where it is attached, which no template does. Detach it and attach it again: `--replace '{}'`.",
                after.object.key.address, after.object.key.address
            ),
        ))
    }
}
