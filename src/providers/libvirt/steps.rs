//! Turns what is asked of libvirt into steps.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Body, DiskBody, Object, Observed, Place, Presence, Record};
use crate::plan::step::{
    Claim, Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo,
};
use crate::providers::store::steps::{self as store, Entry};
use crate::providers::{iscsi, seat};

use super::kinds::{self, NAME};
use super::{verbs, xml};

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

/// Seconds that a guest has to let go of a disk.
const PATIENCE: &str = "20";

/// Seconds after which a guest is thawed, whatever became of those who froze it.
const LONGEST_FREEZE: &str = "30";

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

/// Freezes the guest of a disk, and thaws it; the request is what is done in between.
pub fn freeze(request: &Request<'_>, record: &Record) -> Result<[Step; 2], Diagnostic> {
    let ask = Ask { request };
    let (object, disk) = (&record.object, store::disk(ask.request, &record.object.body)?);
    let container = &request.container.address;
    // When all is proved the guest is thawed, as it was before: that it was frozen for all of the time in between is for the
    // thaw to say, and where it was not, the disk does not show what is wanted of it.
    let [any, thawn] = [[].into(), [("live", crate::model::READY.to_owned())].into()]
        .map(|facts| store::shown(request, object.id, Place::Live.word(), facts));
    let guest =
        |verb| store::title(verb, format!("the guest of VM {} in {container}", disk.vm), String::new());
    let frozen = store::step(
        request,
        &format!("freeze/{}", disk.vm),
        guest(TitleVerb::Freeze),
        ask.action(&verbs::FREEZE, object, disk, [("seconds", LONGEST_FREEZE.to_owned())]),
        Undo::Run(ask.action(&verbs::MELT, object, disk, [])),
        Proof { done: any.clone(), not_done: thawn.clone() },
        Vec::new(),
    );
    let thawed = store::step(
        request,
        &format!("thaw/{}", disk.vm),
        guest(TitleVerb::Thaw),
        ask.action(&verbs::THAW, object, disk, [("seconds", LONGEST_FREEZE.to_owned())]),
        // Nobody is frozen anew to have nothing taken of it.
        Undo::Nothing,
        Proof { done: thawn, not_done: any },
        Vec::new(),
    );
    Ok([frozen, thawed])
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
                action.arguments.insert("uri", self.request.container.text("uri"));
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
        action.arguments.insert("uri", self.request.container.text("uri"));
        action.arguments.insert("vm", disk.vm.as_str());
        action.arguments.insert("device", disk.device.as_str());
        action
    }

    fn mark(&self, object: &Object) -> (&'static str, String) {
        ("mark", seat::mark_of(object, self.request.workspace))
    }

    fn config(&self) -> (&'static str, String) {
        let word = if kinds::keeps(self.request.container) { "yes" } else { "" };
        ("config", word.to_owned())
    }

    fn xml(&self, object: &Object, disk: &DiskBody) -> (&'static str, String) {
        ("xml", xml::disks(self.request.lineage, object.id, disk))
    }

    /// `verb` is one of those that attach.
    fn attaching(&self, verb: &Verb, object: &Object, disk: &DiskBody) -> Action {
        let login = disk.network.as_ref().and_then(|network| network.login.as_ref());
        let keyring = login.map(|_| xml::secret(self.request.lineage, object.id));
        let more = [
            ("target", if disk.network.is_some() { String::new() } else { disk.host_path.clone() }),
            ("login", user(disk)),
            self.config(),
            self.xml(object, disk),
            ("keyring", keyring.unwrap_or_default()),
            self.mark(object),
        ];
        let action = self.action(verb, object, disk, more);
        action.with_secrets(login.map(|login| login.secret.clone()))
    }

    fn detaching(&self, object: &Object, disk: &DiskBody) -> Action {
        let more = [("login", user(disk)), ("patience", PATIENCE.to_owned())];
        self.action(&verbs::DETACH, object, disk, more)
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

    /// As before a detach or a mending, in whichever of its places it is.
    fn there(&self, object: &Object, disk: &DiskBody) -> Vec<Expectation> {
        let mut facts = Body::Disk(disk.clone()).facts();
        for fact in ["live", "config"] {
            facts.remove(fact);
        }
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
        if xml::place(&disk.device).is_none_or(|(bus, _)| bus != disk.bus) {
            return Err(on_another_bus(after, disk));
        }
        let mut step = store::step(
            self.request,
            "attach",
            self.title(TitleVerb::Attach, disk, format!("to {}", store::source(disk))),
            self.attaching(&verbs::ATTACH, object, disk),
            Undo::Run(self.detaching(object, disk)),
            Proof { done: self.live(object, disk), not_done: store::absent(self.request, object.id) },
            vec![Effect::Put(Box::new(after.clone()))],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::TakesName { container, name });
        Ok(step)
    }

    /// What is there is detached; taking that back makes it whole again.
    fn detach(&self, record: &Record, live: &Observed) -> Result<Step, Diagnostic> {
        let (object, disk) = (&record.object, store::disk(self.request, &live.body)?);
        let presence = disk.presence.as_ref().map(|_| Presence::ready());
        let whole = DiskBody { presence, ..disk.clone() };
        let found = Object { body: Body::Disk(whole.clone()), ..object.clone() };
        let mut step = store::step(
            self.request,
            "detach",
            self.title(TitleVerb::Detach, disk, format!("from {}", store::source(disk))),
            self.detaching(object, disk),
            Undo::Run(self.attaching(&verbs::ATTACH, &found, &whole)),
            Proof { done: store::absent(self.request, object.id), not_done: self.there(object, disk) },
            vec![Effect::Forget(object.key.clone())],
        );
        let (container, name) = self.claimed(disk);
        step.claims.push(Claim::FreesName { container, name });
        Ok(step)
    }

    /// What is missing in one place is made there, the configuration follows the volume's name, and what the guest is shown
    /// can grow: nothing of it takes the disk from a guest.
    fn update(&self, after: &Record, live: &Observed) -> Result<Vec<Step>, Diagnostic> {
        let (object, found, disk) = (
            &after.object,
            store::disk(self.request, &live.body)?,
            store::disk(self.request, &after.object.body)?,
        );
        let whole = DiskBody { presence: disk.presence.clone(), ..found.clone() };
        let moved = DiskBody { host_path: disk.host_path.clone(), ..whole.clone() };
        let grown = DiskBody { size: disk.size, ..moved.clone() };
        if Body::Disk(grown).facts() != Body::Disk(disk.clone()).facts() {
            return Err(store::impossible(self.request, "a disk is detached and attached to change it"));
        }
        let put = |body: &DiskBody| {
            let object = Object { body: Body::Disk(body.clone()), ..object.clone() };
            vec![Effect::Put(Box::new(Record { object, ..after.clone() }))]
        };
        let mut steps = Vec::new();
        if found.presence != whole.presence {
            // Where it is from now on says its new name, if it has one.
            let object = Object { body: Body::Disk(moved.clone()), ..object.clone() };
            steps.push(store::step(
                self.request,
                "mend",
                self.title(TitleVerb::Update, disk, missing(found)),
                self.attaching(&verbs::MEND, &object, &moved),
                // What was lost without vbs is not lost again.
                Undo::Nothing,
                Proof { done: self.live(&object, &moved), not_done: self.there(&object, found) },
                put(&moved),
            ));
        } else if moved.host_path != found.host_path {
            let note = |body: &DiskBody| {
                let object = Object { body: Body::Disk(body.clone()), ..object.clone() };
                let more = [self.config(), self.xml(&object, body), self.mark(&object)];
                self.action(&verbs::NOTE, &object, body, more)
            };
            steps.push(store::step(
                self.request,
                "note",
                self.title(TitleVerb::Rename, disk, format!("for {}", store::source(disk))),
                note(&moved),
                Undo::Run(note(found)),
                Proof { done: self.live(object, &moved), not_done: self.live(object, found) },
                put(&moved),
            ));
        }
        if let Some(size) = disk.size.filter(|size| Some(*size) != found.size) {
            let from = found.size.map(|size| format!("from {size} ")).unwrap_or_default();
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

/// Who logs in with a secret; empty where nobody does.
fn user(disk: &DiskBody) -> String {
    let login = disk.network.as_ref().and_then(|network| network.login.as_ref());
    login.map(|login| login.user.clone()).unwrap_or_default()
}

/// What is mended, for people.
fn missing(found: &DiskBody) -> String {
    let Some(Presence { live, config }) = &found.presence else { return String::new() };
    let ready = Presence::ready();
    match (*live == ready.live, *config == ready.config) {
        (true, _) => format!("in the VM's configuration: {config}"),
        (false, true) => format!("in the running VM: {live}"),
        (false, false) => format!("in the running VM: {live}, and in its configuration: {config}"),
    }
}

fn on_another_bus(after: &Record, disk: &DiskBody) -> Diagnostic {
    Diagnostic::error(
        "The device's name is not one of its bus",
        format!(
            "{} is on the {} bus, and its device is {:?}. libvirt counts disks of that bus by names like {:?}: give it one of \
             those, or another bus.",
            after.object.key.address,
            disk.bus.word(),
            disk.device,
            if disk.bus == crate::model::Bus::Scsi { "sdb" } else { "vdb" }
        ),
    )
}
