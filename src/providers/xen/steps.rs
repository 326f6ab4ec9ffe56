//! Turns what is asked of Xen into steps.

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Access, Body, Bus, DiskBody, Object, Observed, Place, Record};
use crate::plan::step::{
    Claim, Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo,
};
use crate::providers::seat;
use crate::providers::store::steps::{self as store, Entry};

use super::kinds::{self, NAME};
use super::verbs;

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

pub fn steps(request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
    let ask = Ask { request };
    match &request.operation {
        Operation::Join { body, .. } => Ok(vec![store::join(&ENTRY, request, &body.makes)]),
        Operation::Release { record } => Ok(vec![store::release(&ENTRY, request, record)]),
        Operation::Create { after, .. } => Ok(vec![ask.attach(after)?]),
        Operation::Update { after, live, .. } => ask.update(after, live),
        Operation::Destroy { record, live } => Ok(vec![ask.detach(record, live)?]),
        _ => Err(store::impossible(request, "a disk has no data of its own")),
    }
}

/// A request, for short names.
struct Ask<'r, 'a> {
    request: &'r Request<'a>,
}

impl Ask<'_, '_> {
    fn action<const N: usize>(
        &self,
        verb: &Verb,
        object: &Object,
        disk: &DiskBody,
        more: [(&'static str, String); N],
    ) -> Action {
        let number = kinds::number(&disk.device).unwrap_or_default();
        let mut action = store::action(NAME, self.request, verb, more);
        for (name, value) in [
            ("id", object.id.to_string()),
            ("vm", disk.vm.clone()),
            ("device", disk.device.clone()),
            ("number", number.to_string()),
            ("target", disk.host_path.clone()),
            ("entry", kinds::entry(self.request.lineage, object.id, disk)),
            ("configs", kinds::configs(self.request.container).to_owned()),
        ] {
            action.arguments.insert(name, value);
        }
        action
    }

    fn attaching(&self, object: &Object, disk: &DiskBody) -> Action {
        let body = Body::Disk(disk.clone());
        let mark = seat::mark_of(&Object { body, ..object.clone() }, self.request.workspace);
        let more = [("disk", kinds::disk(disk)), ("mark", mark)];
        self.action(&verbs::ATTACH, object, disk, more)
    }

    fn detaching(&self, object: &Object, disk: &DiskBody) -> Action {
        self.action(&verbs::DETACH, object, disk, [])
    }

    fn title(&self, verb: TitleVerb, disk: &DiskBody, detail: String) -> Title {
        let container = &self.request.container.address;
        store::title(verb, format!("disk {}/{} in {container}", disk.vm, disk.device), detail)
    }

    fn claimed(&self, disk: &DiskBody) -> (crate::model::Address, String) {
        (self.request.container.address.clone(), format!("{}/{}", disk.vm, disk.device))
    }

    fn live(&self, object: &Object, disk: &DiskBody) -> Vec<Expectation> {
        let mut facts = Body::Disk(disk.clone()).facts();
        facts.insert("health", "good".to_owned());
        store::shown(self.request, object.id, Place::Live.word(), facts)
    }

    /// As before a detach, in whichever of its places it is: a guest that was asked may be letting go.
    fn there(&self, object: &Object, disk: &DiskBody) -> Vec<Expectation> {
        let mut facts = Body::Disk(disk.clone()).facts();
        for fact in ["live", "config"] {
            facts.remove(fact);
        }
        facts.insert("health", "good".to_owned());
        store::shown(self.request, object.id, Place::Live.word(), facts)
    }

    fn attach(&self, after: &Record) -> Result<Step, Diagnostic> {
        let (object, disk) = (&after.object, store::disk(self.request, &after.object.body)?);
        self.check(disk)?;
        let mut step = store::step(
            self.request,
            "attach",
            self.title(TitleVerb::Attach, disk, format!("to {}", disk.host_path)),
            self.attaching(object, disk),
            Undo::Run(self.detaching(object, disk)),
            Proof { done: self.live(object, disk), not_done: store::absent(self.request, object.id) },
            vec![Effect::Put(Box::new(after.clone()))],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::TakesName { container, name });
        Ok(step)
    }

    /// Taking it back makes it as it is recorded.
    fn detach(&self, record: &Record, live: &Observed) -> Result<Step, Diagnostic> {
        let object = &record.object;
        let disk = store::disk(self.request, &object.body)?;
        let mut step = store::step(
            self.request,
            "detach",
            self.title(TitleVerb::Detach, disk, format!("from {}", disk.host_path)),
            self.detaching(object, disk),
            Undo::Run(self.attaching(object, disk)),
            Proof {
                done: store::absent(self.request, object.id),
                not_done: self.there(object, store::disk(self.request, &live.body)?),
            },
            vec![Effect::Forget(object.key.clone())],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::FreesName { container, name });
        Ok(step)
    }

    /// What is missing, in the running guest or in its file, is made. Nothing else of a disk can change in place.
    fn update(&self, after: &Record, live: &Observed) -> Result<Vec<Step>, Diagnostic> {
        let (object, disk) = (&after.object, store::disk(self.request, &after.object.body)?);
        let found = store::disk(self.request, &live.body)?;
        if live.body.facts() == object.body.facts() {
            return Ok(Vec::new());
        }
        let differs_elsewhere = Body::Disk(DiskBody { presence: disk.presence.clone(), ..found.clone() })
            .facts()
            != object.body.facts();
        if differs_elsewhere {
            return Err(Diagnostic::error(
                "Not while it is attached",
                format!(
                    "{} would have to change where it is attached, which Xen does not do. Detach it and attach it again: `--replace '{}'`.",
                    object.key.address, object.key.address
                ),
            ));
        }
        Ok(vec![store::step(
            self.request,
            "mend",
            self.title(TitleVerb::Update, disk, String::new()),
            self.attaching(object, disk),
            Undo::Impossible { why: "what was changed outside of vbs is not broken again".to_owned() },
            Proof { done: self.live(object, disk), not_done: self.live(object, found) },
            vec![Effect::Put(Box::new(after.clone()))],
        )])
    }

    fn check(&self, disk: &DiskBody) -> Result<(), Diagnostic> {
        let refuse = |why: String| {
            Err(Diagnostic::error(
                "Cannot be attached",
                format!("{} cannot be attached by Xen: {why}", self.request.key.address),
            ))
        };
        if let Err(why) = kinds::check_path(&disk.host_path) {
            return refuse(why);
        }
        if disk.bus == Bus::Scsi {
            return refuse("a guest of Xen has disks of one kind. Leave `bus` out.".to_owned());
        }
        if disk.shared && disk.access == Access::ReadWrite {
            return refuse("xl refuses a disk that another guest of the host writes to, and looks at no other host. Share it read-only, or use a hypervisor that knows shared disks.".to_owned());
        }
        Ok(())
    }
}
