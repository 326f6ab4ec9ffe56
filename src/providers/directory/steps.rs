//! Turns what is asked of a hypervisor into steps.

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Body, DiskBody, Object, Observed, Place, Record};
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
        Operation::Create { after, .. } => Ok(vec![ask.attach(after)?]),
        Operation::Update { after, live, .. } => ask.update(after, live),
        Operation::Destroy { record, live } => Ok(vec![ask.detach(record, live)?]),
        Operation::Restore { .. }
        | Operation::Purge { .. }
        | Operation::Adopt { .. }
        | Operation::TakeOutOfTrash { .. } => {
            Err(store::impossible(request, "a disk has no data of its own"))
        }
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
        id: Uuid,
        disk: &DiskBody,
        more: [(&'static str, String); N],
    ) -> Action {
        let mut action = store::action(NAME, self.request, verb, more);
        action.arguments.insert("id", id.to_string());
        action.arguments.insert("vm", disk.vm.as_str());
        action.arguments.insert("device", disk.device.as_str());
        action
    }

    fn attaching(&self, object: &Object, disk: &DiskBody) -> Action {
        let mark = mark::rest(&object.key.address, disk, self.request.workspace);
        self.action(&verbs::ATTACH, object.id, disk, [("target", disk.host_path.clone()), ("mark", mark)])
    }

    fn detaching(&self, object: &Object, disk: &DiskBody) -> Action {
        self.action(&verbs::DETACH, object.id, disk, [("target", disk.host_path.clone())])
    }

    fn title(&self, verb: TitleVerb, disk: &DiskBody, detail: String) -> Title {
        let container = &self.request.container.address;
        store::title(verb, format!("disk {}/{} in {container}", disk.vm, disk.device), detail)
    }

    fn claimed(&self, disk: &DiskBody) -> (crate::model::Address, String) {
        (self.request.container.address.clone(), format!("{}/{}", disk.vm, disk.device))
    }

    fn live(&self, id: Uuid, disk: &DiskBody) -> Vec<Expectation> {
        let mut facts = Body::Disk(disk.clone()).facts();
        facts.insert("health", "good".to_owned());
        store::shown(self.request, id, Place::Live.word(), facts)
    }

    fn attach(&self, after: &Record) -> Result<Step, Diagnostic> {
        let (object, disk) = (&after.object, store::disk(self.request, &after.object.body)?);
        let mut step = store::step(
            self.request,
            "attach",
            self.title(TitleVerb::Attach, disk, format!("to {}", disk.host_path)),
            self.attaching(object, disk),
            Undo::Run(self.detaching(object, disk)),
            Proof { done: self.live(object.id, disk), not_done: store::absent(self.request, object.id) },
            vec![Effect::Put(Box::new(after.clone()))],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::TakesName { container, name });
        Ok(step)
    }

    /// What is there is detached, wherever it points by now; taking that back restores it as it was found.
    fn detach(&self, record: &Record, live: &Observed) -> Result<Step, Diagnostic> {
        let (object, disk) = (&record.object, store::disk(self.request, &live.body)?);
        let mut step = store::step(
            self.request,
            "detach",
            self.title(TitleVerb::Detach, disk, format!("from {}", disk.host_path)),
            self.detaching(object, disk),
            Undo::Run(self.attaching(object, disk)),
            Proof { done: store::absent(self.request, object.id), not_done: self.live(object.id, disk) },
            vec![Effect::Forget(object.key.clone())],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::FreesName { container, name });
        Ok(step)
    }

    /// Only where a disk points, and what its mark says of it, can change in place.
    fn update(&self, after: &Record, live: &Observed) -> Result<Vec<Step>, Diagnostic> {
        let (id, before, disk) = (
            after.object.id,
            store::disk(self.request, &live.body)?,
            store::disk(self.request, &after.object.body)?,
        );
        if (&before.vm, &before.device) != (&disk.vm, &disk.device) {
            return Err(store::impossible(self.request, "a disk is detached and attached to move it"));
        }
        if before == disk {
            return Ok(Vec::new());
        }
        let retarget = |from: &DiskBody, to: &DiskBody| {
            let mark = mark::rest(&after.object.key.address, to, self.request.workspace);
            let more = [("from", from.host_path.clone()), ("target", to.host_path.clone()), ("mark", mark)];
            self.action(&verbs::RETARGET, id, to, more)
        };
        Ok(vec![store::step(
            self.request,
            "retarget",
            self.title(TitleVerb::Attach, disk, format!("to {}", disk.host_path)),
            retarget(before, disk),
            Undo::Run(retarget(disk, before)),
            Proof { done: self.live(id, disk), not_done: self.live(id, before) },
            vec![Effect::Put(Box::new(after.clone()))],
        )])
    }
}
