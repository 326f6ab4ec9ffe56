//! Turns what is asked of the kernel's targets into steps.

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Body, ExportBody, GrantBody, Login, Object, Observed, Place, READY, Record};
use crate::plan::step::{Effect, Expectation, Operation, Proof, Request, Step, TitleVerb, Undo};
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
        Operation::Create { after, .. } => match &after.object.body {
            Body::Export(export) => ask.export(after, export).map(|step| vec![step]),
            Body::Grant(grant) => Ok(vec![ask.grant(after, grant)]),
            _ => Err(ask.not_mine()),
        },
        Operation::Update { before, after, live, .. } => match (&live.body, &after.object.body) {
            (Body::Export(found), Body::Export(export)) => ask.mend(after, found, export),
            (Body::Grant(found), Body::Grant(grant)) => ask.regrant(before, after, found, grant),
            _ => Err(ask.not_mine()),
        },
        Operation::Destroy { record, live } => match (&record.object.body, &live.body) {
            (Body::Export(export), Body::Export(_)) => Ok(vec![ask.unexport(record, export, live)]),
            (Body::Grant(grant), Body::Grant(_)) => Ok(vec![ask.revoke(record, grant, live)]),
            _ => Err(ask.not_mine()),
        },
        Operation::Restore { .. }
        | Operation::Purge { .. }
        | Operation::Adopt { .. }
        | Operation::TakeOutOfTrash { .. } => {
            Err(store::impossible(request, "an export has no data of its own"))
        }
    }
}

/// A request, for short names.
struct Ask<'r, 'a> {
    request: &'r Request<'a>,
}

/// What a step does, what takes it back, and what it is called.
struct Draft {
    what: &'static str,
    verb: TitleVerb,
    object: String,
    run: Action,
    undo: Undo,
    proof: Proof,
    effect: Effect,
}

impl Ask<'_, '_> {
    fn not_mine(&self) -> Diagnostic {
        store::impossible(self.request, "it is neither an export nor a grant")
    }

    fn action(&self, verb: &Verb, object: &Object, export: Uuid, target: &str) -> Action {
        let mut action = store::action(NAME, self.request, verb, []);
        action.arguments.insert("id", object.id.to_string());
        action.arguments.insert("export", export.to_string());
        action.arguments.insert("target", target);
        action
    }

    fn marked(&self, mut action: Action, object: &Object, body: Body) -> Action {
        let mark = seat::mark_of(&Object { body, ..object.clone() }, self.request.workspace);
        action.arguments.insert("mark", mark);
        action
    }

    fn shows(&self, object: &Object, body: &Body) -> Vec<Expectation> {
        let mut facts = body.facts();
        facts.insert("health", "good".to_owned());
        store::shown(self.request, object.id, Place::Live.word(), facts)
    }

    /// That it is ours, whatever somebody has made of it: what is mended was broken in one of many ways.
    fn is_marked(&self, object: &Object) -> Vec<Expectation> {
        store::shown(self.request, object.id, Place::Live.word(), [].into())
    }

    fn absent(&self, object: &Object) -> Vec<Expectation> {
        store::absent(self.request, object.id)
    }

    fn step(&self, draft: Draft) -> Step {
        let Draft { what, verb, object, run, undo, proof, effect } = draft;
        let title = store::title(verb, object, String::new());
        store::step(self.request, what, title, run, undo, proof, vec![effect])
    }

    fn exporting(&self, object: &Object, body: &ExportBody) -> Action {
        let mut action = self.action(&verbs::EXPORT, object, object.id, &body.target);
        action.arguments.insert("portals", body.portals.join(" "));
        action.arguments.insert("device", body.device.as_str());
        action.arguments.insert("serial", body.serial.as_str());
        action.arguments.insert("access", body.access.word());
        action.arguments.insert("authentication", kinds::authentication(self.request.container));
        self.marked(action, object, Body::Export(body.clone()))
    }

    fn unexporting(&self, object: &Object, body: &ExportBody) -> Action {
        self.action(&verbs::UNEXPORT, object, object.id, &body.target)
    }

    fn export(&self, after: &Record, body: &ExportBody) -> Result<Step, Diagnostic> {
        if !body.device.starts_with("/dev/") {
            return Err(Diagnostic::error(
                "Cannot be exported",
                format!(
                    "{} is the file {}, and export \"lio\" offers block devices. Export files with `export \"tgt\"`, or keep \
                     the volume in a volume group.",
                    self.request.key.address, body.device
                ),
            ));
        }
        let object = &after.object;
        let mut step = self.step(Draft {
            what: "export",
            verb: TitleVerb::Export,
            object: format!("{} as {}", body.device, body.target),
            run: self.exporting(object, body),
            undo: Undo::Run(self.unexporting(object, body)),
            proof: Proof { done: self.shows(object, &object.body), not_done: self.absent(object) },
            effect: Effect::Put(Box::new(after.clone())),
        });
        step.claims.push(store::takes(self.request, &[&body.target]));
        Ok(step)
    }

    fn unexport(&self, record: &Record, body: &ExportBody, live: &Observed) -> Step {
        let object = &record.object;
        let undo = Undo::Run(self.exporting(object, body));
        let not_done = self.shows(object, &live.body);
        let (undo, proof) = store::removal(self.request, (object.id, live), undo, not_done);
        let mut step = self.step(Draft {
            what: "unexport",
            verb: TitleVerb::Withdraw,
            object: format!("{} as {}", body.device, body.target),
            run: self.unexporting(object, body),
            undo,
            proof,
            effect: Effect::Forget(object.key.clone()),
        });
        step.claims.push(store::frees(self.request, &[&body.target]));
        step
    }

    /// What was changed outside of vbs is put right below initiators that are logged in, and not broken again.
    fn mend(&self, after: &Record, found: &ExportBody, body: &ExportBody) -> Result<Vec<Step>, Diagnostic> {
        let object = &after.object;
        if Body::Export(found.clone()).facts() == object.body.facts() {
            return Ok(Vec::new());
        }
        if found.serial != body.serial {
            return Err(store::impossible(
                self.request,
                "a serial cannot be changed while a LUN leads to it",
            ));
        }
        // Without its LUN, or turned off, it is made as a new one: the script accepts what is there.
        let is_whole = !matches!(found.state.as_str(), "no_lun" | "disabled");
        let run = if is_whole {
            let mut action = self.action(&verbs::MEND, object, object.id, &body.target);
            action.arguments.insert("device", body.device.as_str());
            action.arguments.insert("authentication", kinds::authentication(self.request.container));
            action.arguments.insert("others", found.others.join(" "));
            self.marked(action, object, Body::Export(body.clone()))
        } else {
            self.exporting(object, body)
        };
        let mended = ExportBody { others: found.others.clone(), ..body.clone() };
        let done = if is_whole { object.body.clone() } else { Body::Export(mended) };
        Ok(vec![self.step(Draft {
            what: "mend",
            verb: TitleVerb::Update,
            object: format!("the target {}", body.target),
            run,
            undo: Undo::Nothing,
            proof: Proof { done: self.shows(object, &done), not_done: self.is_marked(object) },
            effect: Effect::Put(Box::new(after.clone())),
        })])
    }

    fn granting(&self, object: &Object, body: &GrantBody) -> Action {
        let user = |login: &Option<Login>| login.as_ref().map(|login| login.user.clone()).unwrap_or_default();
        let mut action = self.action(&verbs::GRANT, object, body.export.id, &body.target);
        action.arguments.insert("initiator", body.initiator.as_str());
        action.arguments.insert("access", body.access.word());
        action.arguments.insert("user", user(&body.login));
        action.arguments.insert("mutual_user", user(&body.mutual));
        let secrets: Vec<String> =
            body.login.iter().chain(&body.mutual).map(|login| login.secret.clone()).collect();
        self.marked(action, object, Body::Grant(body.clone())).with_secrets(secrets)
    }

    fn revoking(&self, object: &Object, body: &GrantBody) -> Action {
        let mut action = self.action(&verbs::REVOKE, object, body.export.id, &body.target);
        action.arguments.insert("initiator", body.initiator.as_str());
        action.arguments.insert("evict", if self.request.evicts { "yes" } else { "" });
        action
    }

    fn grant(&self, after: &Record, body: &GrantBody) -> Step {
        let object = &after.object;
        let mut step = self.step(Draft {
            what: "grant",
            verb: TitleVerb::LetIn,
            object: format!("{} to {}", body.initiator, body.target),
            run: self.granting(object, body),
            undo: Undo::Run(self.revoking(object, body)),
            proof: Proof { done: self.shows(object, &object.body), not_done: self.absent(object) },
            effect: Effect::Put(Box::new(after.clone())),
        });
        step.claims.push(store::takes(self.request, &[&body.target, &body.initiator]));
        step
    }

    fn revoke(&self, record: &Record, body: &GrantBody, live: &Observed) -> Step {
        let object = &record.object;
        let undo = Undo::Run(self.granting(object, body));
        let not_done = self.shows(object, &live.body);
        let (undo, proof) = store::removal(self.request, (object.id, live), undo, not_done);
        let mut step = self.step(Draft {
            what: "revoke",
            verb: TitleVerb::ShutOut,
            object: format!("{} of {}", body.initiator, body.target),
            run: self.revoking(object, body),
            undo,
            proof,
            effect: Effect::Forget(object.key.clone()),
        });
        step.claims.push(store::frees(self.request, &[&body.target, &body.initiator]));
        step
    }

    /// Rights and secrets count from the next login on; no session ends.
    fn regrant(
        &self,
        recorded: &Record,
        after: &Record,
        found: &GrantBody,
        body: &GrantBody,
    ) -> Result<Vec<Step>, Diagnostic> {
        let object = &after.object;
        if (&found.target, &found.initiator) != (&body.target, &body.initiator) {
            return Err(store::impossible(self.request, "a grant is of another initiator"));
        }
        let before = Body::Grant(found.clone());
        if before.facts() == object.body.facts() {
            return Ok(Vec::new());
        }
        // Only what is known can be put back: another access, but not a secret that somebody else set.
        let only_access = GrantBody { access: body.access, ..found.clone() };
        let undo = if let Body::Grant(recorded) = &recorded.object.body
            && Body::Grant(recorded.clone()).facts() == before.facts()
        {
            Undo::Run(self.granting(object, recorded))
        } else if Body::Grant(only_access).facts() == object.body.facts() && found.state == READY {
            Undo::Run(self.granting(object, &GrantBody { access: found.access, ..body.clone() }))
        } else {
            Undo::Nothing
        };
        Ok(vec![self.step(Draft {
            what: "regrant",
            verb: TitleVerb::Update,
            object: format!("how {} gets in to {}", body.initiator, body.target),
            run: self.granting(object, body),
            undo,
            proof: Proof { done: self.shows(object, &object.body), not_done: self.is_marked(object) },
            effect: Effect::Put(Box::new(after.clone())),
        })])
    }
}
