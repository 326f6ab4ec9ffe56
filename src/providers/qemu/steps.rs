//! Turns what is asked of QEMU into steps.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Body, DiskBody, Object, Observed, Place, Record};
use crate::plan::step::{
    Claim, Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo,
};
use crate::providers::store::steps::{self as store, Entry};
use crate::providers::{iscsi, seat};

use super::kinds::{self, NAME};
use super::{qmp, verbs};

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

/// Seconds that a guest has to let go of a disk.
const PATIENCE: &str = "20";

pub fn steps(request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
    let ask = Ask { request };
    match &request.operation {
        Operation::Join { body, .. } => Ok(vec![ask.leaving(store::join(&ENTRY, request, &body.makes))]),
        Operation::Release { record } => Ok(vec![ask.leaving(store::release(&ENTRY, request, record))]),
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
    /// Who leaves asks the VMs whether they still have something of ours.
    fn leaving(&self, mut step: Step) -> Step {
        let undo = match &mut step.undo {
            Undo::Run(undo) => Some(undo),
            _ => None,
        };
        for action in [Some(&mut step.run), undo].into_iter().flatten() {
            if action.verb == verbs::RELEASE.name {
                action.arguments.insert("socket", self.request.container.text("socket"));
            }
        }
        step
    }

    fn action<const N: usize>(
        &self,
        verb: &Verb,
        object: &Object,
        disk: &DiskBody,
        more: [(&'static str, String); N],
    ) -> Action {
        let mut action = store::action(NAME, self.request, verb, more);
        action.arguments.insert("id", object.id.to_string());
        action.arguments.insert("vm", disk.vm.as_str());
        action.arguments.insert("where", kinds::socket(self.request.container, &disk.vm));
        action.arguments.insert("node", qmp::node(object.id));
        action
    }

    fn mark(&self, object: &Object) -> (&'static str, String) {
        ("mark", seat::mark_of(object, self.request.workspace))
    }

    fn attaching(&self, object: &Object, disk: &DiskBody) -> Action {
        let (lineage, id) = (self.request.lineage, object.id);
        let login = disk.network.as_ref().and_then(|network| network.login.as_ref());
        let socket = qmp::socket(disk.bus);
        let more = [
            ("target", if disk.network.is_some() { String::new() } else { disk.host_path.clone() }),
            ("login", login.map(|login| login.user.clone()).unwrap_or_default()),
            ("nodes", qmp::nodes(lineage, id, disk)),
            ("plug", qmp::plug(lineage, id, disk)),
            ("controller", socket.controller.to_owned()),
            ("suffix", socket.suffix.to_owned()),
            ("slot", socket.slot.to_owned()),
            self.mark(object),
        ];
        let action = self.action(&verbs::ATTACH, object, disk, more);
        action.with_secrets(login.map(|login| login.secret.clone()))
    }

    fn detaching(&self, object: &Object, disk: &DiskBody) -> Action {
        self.action(&verbs::DETACH, object, disk, [("patience", PATIENCE.to_owned())])
    }

    fn title(&self, verb: TitleVerb, disk: &DiskBody, detail: String) -> Title {
        let container = &self.request.container.address;
        store::title(verb, format!("disk {}/{} in {container}", disk.vm, disk.device), detail)
    }

    fn claimed(&self, disk: &DiskBody) -> (crate::model::Address, String) {
        (self.request.container.address.clone(), format!("{}/{}", disk.vm, disk.device))
    }

    fn live(&self, object: &Object, disk: &DiskBody) -> Vec<Expectation> {
        self.shown(object, Body::Disk(disk.clone()).facts())
    }

    /// As before a detach: the device, or what its guest has let go of since.
    fn there(&self, object: &Object, disk: &DiskBody) -> Vec<Expectation> {
        let mut facts = Body::Disk(disk.clone()).facts();
        facts.remove("device");
        self.shown(object, facts)
    }

    fn shown(&self, object: &Object, mut facts: BTreeMap<&'static str, String>) -> Vec<Expectation> {
        facts.insert("health", "good".to_owned());
        store::shown(self.request, object.id, Place::Live.word(), facts)
    }

    fn attach(&self, after: &Record) -> Result<Step, Diagnostic> {
        let (object, disk) = (&after.object, store::disk(self.request, &after.object.body)?);
        if disk.network.as_ref().is_some_and(|network| network.mutual.is_some()) {
            return Err(iscsi::qemu_knows_no_mutual(after));
        }
        let mut step = store::step(
            self.request,
            "attach",
            self.title(TitleVerb::Attach, disk, format!("to {}", store::source(disk))),
            self.attaching(object, disk),
            Undo::Run(self.detaching(object, disk)),
            Proof { done: self.live(object, disk), not_done: store::absent(self.request, object.id) },
            vec![Effect::Put(Box::new(after.clone()))],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::TakesName { container, name });
        Ok(step)
    }

    /// What is there is detached; taking that back restores it as it was found.
    fn detach(&self, record: &Record, live: &Observed) -> Result<Step, Diagnostic> {
        let (object, disk) = (&record.object, store::disk(self.request, &live.body)?);
        // What its guest has let go of is made whole: the device's name is a word of ours.
        let was = store::disk(self.request, &object.body)?;
        let disk = &DiskBody { device: was.device.clone(), ..disk.clone() };
        let found = Object { body: Body::Disk(disk.clone()), ..object.clone() };
        let mut step = store::step(
            self.request,
            "detach",
            self.title(TitleVerb::Detach, disk, format!("from {}", store::source(disk))),
            self.detaching(object, disk),
            Undo::Run(self.attaching(&found, disk)),
            Proof { done: store::absent(self.request, object.id), not_done: self.there(object, disk) },
            vec![Effect::Forget(object.key.clone())],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::FreesName { container, name });
        Ok(step)
    }

    /// What the guest is shown can grow, and the volume can have another name: QEMU has it open and needs none.
    fn update(&self, after: &Record, live: &Observed) -> Result<Vec<Step>, Diagnostic> {
        let (object, was, disk) = (
            &after.object,
            store::disk(self.request, &live.body)?,
            store::disk(self.request, &after.object.body)?,
        );
        let moved = DiskBody { host_path: disk.host_path.clone(), ..was.clone() };
        let grown = DiskBody { size: disk.size, ..moved.clone() };
        let same = Body::Disk(grown.clone()).facts() == Body::Disk(disk.clone()).facts();
        if !same {
            return Err(store::impossible(self.request, "a disk is detached and attached to change it"));
        }
        let put = |body: &DiskBody| {
            let object = Object { body: Body::Disk(body.clone()), ..object.clone() };
            vec![Effect::Put(Box::new(Record { object, ..after.clone() }))]
        };
        let mut steps = Vec::new();
        if moved.host_path != was.host_path {
            let note = |body: &DiskBody| {
                let object = Object { body: Body::Disk(body.clone()), ..object.clone() };
                let mut action = store::action(NAME, self.request, &verbs::NOTE, [self.mark(&object)]);
                action.arguments.insert("id", object.id.to_string());
                action
            };
            steps.push(store::step(
                self.request,
                "note",
                self.title(TitleVerb::Rename, disk, format!("for {}", store::source(disk))),
                note(&moved),
                Undo::Run(note(was)),
                Proof { done: self.live(object, &moved), not_done: self.live(object, was) },
                put(&moved),
            ));
        }
        if let Some(size) = disk.size.filter(|size| Some(*size) != was.size) {
            let from = was.size.map(|size| format!("from {size} ")).unwrap_or_default();
            steps.push(store::step(
                self.request,
                "resize",
                self.title(TitleVerb::Grow, disk, format!("{from}to {size}")),
                self.action(&verbs::RESIZE, object, disk, [("size", size.0.to_string()), self.mark(object)]),
                Undo::Impossible { why: "the guest has been shown the new size".to_owned() },
                Proof { done: self.live(object, disk), not_done: self.live(object, &moved) },
                put(disk),
            ));
        }
        Ok(steps)
    }
}
