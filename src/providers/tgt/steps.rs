//! Turns what is asked of tgtd into steps.

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Access, Body, ExportBody, GrantBody, Kind, Object, Observed, Place, READY, Record};
use crate::plan::step::{Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo};
use crate::providers::seat;
use crate::providers::store::steps::{self as store, Entry};

use super::kinds::{NAME, check_device, scsi_id, server};
use super::verbs;

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

/// The note of an export that names who is logged in.
pub const CONNECTED: &str = "initiators";

pub fn steps(request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
    let ask = Ask { request };
    match &request.operation {
        Operation::Join { body, .. } => Ok(vec![store::join(&ENTRY, request, &body.makes)]),
        Operation::Release { record } => Ok(vec![store::release(&ENTRY, request, record)]),
        Operation::Create { after, .. } => match &after.object.body {
            Body::Export(export) => ask.export(after, export).map(|step| vec![step]),
            Body::Grant(grant) => ask.grant(after, grant).map(|step| vec![step]),
            _ => Err(ask.not_mine()),
        },
        Operation::Update { before: recorded, after, live, .. } => match (&live.body, &after.object.body) {
            (Body::Export(before), Body::Export(body)) => ask.reexport(after, live, before, body),
            (Body::Grant(_), Body::Grant(body)) => ask.regrant(recorded, after, live, body),
            _ => Err(ask.not_mine()),
        },
        Operation::Destroy { record, live } => match &live.body {
            Body::Export(export) => Ok(vec![ask.unexport(record, live, export)]),
            Body::Grant(grant) => Ok(vec![ask.revoke(record, live, grant)]),
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

impl Ask<'_, '_> {
    fn not_mine(&self) -> Diagnostic {
        store::impossible(self.request, "it is neither an export nor a grant")
    }

    fn action<const N: usize>(
        &self,
        verb: &Verb,
        object: &Object,
        export: uuid::Uuid,
        target: &str,
        more: [(&'static str, String); N],
    ) -> Action {
        let mut action = store::action(NAME, self.request, verb, more);
        for (name, value) in server(self.request.container) {
            action.arguments.insert(name, value);
        }
        action.arguments.insert("id", object.id.to_string());
        action.arguments.insert("export", export.to_string());
        action.arguments.insert("target", target);
        action
    }

    fn mark(&self, object: &Object, body: Body) -> String {
        seat::mark_of(&Object { body, ..object.clone() }, self.request.workspace)
    }

    fn live(&self, object: &Object, body: &Body) -> Vec<Expectation> {
        let mut facts = body.facts();
        facts.insert("health", "good".to_owned());
        store::shown(self.request, object.id, Place::Live.word(), facts)
    }

    fn step(&self, what: &str, title: Title, run: Action, undo: Undo, proof: Proof, effect: Effect) -> Step {
        store::step(self.request, what, title, run, undo, proof, vec![effect])
    }

    fn exporting(&self, object: &Object, body: &ExportBody) -> Action {
        let more = [
            ("portals", body.portals.join(" ")),
            ("device", body.device.clone()),
            ("serial", body.serial.clone()),
            ("scsi", scsi_id(&body.serial)),
            ("readonly", readonly(body)),
            ("mark", self.mark(object, Body::Export(body.clone()))),
        ];
        self.action(&verbs::EXPORT, object, object.id, &body.target, more)
    }

    fn unexporting(&self, object: &Object, body: &ExportBody) -> Action {
        self.action(&verbs::UNEXPORT, object, object.id, &body.target, [])
    }

    fn export(&self, after: &Record, body: &ExportBody) -> Result<Step, Diagnostic> {
        self.check(body)?;
        let object = &after.object;
        let mut step = self.step(
            "export",
            title(TitleVerb::Export, format!("{} as {}", body.device, body.target), ""),
            self.exporting(object, body),
            Undo::Run(self.unexporting(object, body)),
            Proof { done: self.live(object, &object.body), not_done: store::absent(self.request, object.id) },
            Effect::Put(Box::new(after.clone())),
        );
        step.claims.push(store::takes(self.request, &[&body.target]));
        Ok(step)
    }

    /// Taking it back makes it as it is recorded: nobody is left who could be let in by mistake.
    fn unexport(&self, record: &Record, live: &Observed, found: &ExportBody) -> Step {
        let object = &record.object;
        let body = match &object.body {
            Body::Export(body) => body,
            _ => found,
        };
        let undo = Undo::Run(self.exporting(object, body));
        let not_done = self.live(object, &Body::Export(body.clone()));
        let (undo, proof) = store::removal(self.request, (object.id, live), undo, not_done);
        let mut step = self.step(
            "unexport",
            title(TitleVerb::Withdraw, format!("{} as {}", body.device, body.target), ""),
            self.unexporting(object, body),
            undo,
            proof,
            Effect::Forget(object.key.clone()),
        );
        step.claims.push(store::frees(self.request, &[&body.target]));
        step
    }

    fn reexporting(&self, object: &Object, from: &ExportBody, to: &ExportBody) -> Action {
        let missing = |these: &ExportBody, those: &ExportBody| {
            let these = these.others.iter().filter(|who| !those.others.contains(who));
            these.map(String::as_str).collect::<Vec<_>>().join("\n")
        };
        let more = [
            ("device", to.device.clone()),
            ("serial", to.serial.clone()),
            ("scsi", scsi_id(&to.serial)),
            ("readonly", readonly(to)),
            ("reopen", if from.size == to.size { String::new() } else { "yes".to_owned() }),
            ("drop", missing(from, to)),
            ("add", missing(to, from)),
            ("mark", self.mark(object, Body::Export(to.clone()))),
        ];
        self.action(&verbs::REEXPORT, object, object.id, &to.target, more)
    }

    fn reexport(
        &self,
        after: &Record,
        live: &Observed,
        before: &ExportBody,
        body: &ExportBody,
    ) -> Result<Vec<Step>, Diagnostic> {
        self.check(body)?;
        let object = &after.object;
        if before.target != body.target || before.portals != body.portals {
            return Err(store::impossible(self.request, "a target has another name or portal"));
        }
        if Body::Export(before.clone()).facts() == object.body.facts() {
            return Ok(Vec::new());
        }
        let grows = before.size != body.size;
        if let Some(connected) = live.notes.get(CONNECTED)
            && (grows || (before.device != body.device && before.state != "no_lun"))
        {
            return Err(in_use(self.request, body, grows, connected));
        }
        // What somebody changed can be put back as far as it is known how it was.
        let undo = if grows {
            Undo::Impossible { why: "initiators may have seen the new size".to_owned() }
        } else if before.state != READY || before.serial != body.serial {
            Undo::Impossible { why: "what was changed outside of vbs is not broken again".to_owned() }
        } else {
            Undo::Run(self.reexporting(object, body, before))
        };
        Ok(vec![self.step(
            "reexport",
            title(TitleVerb::Update, format!("the target {}", body.target), ""),
            self.reexporting(object, before, body),
            undo,
            Proof { done: self.live(object, &object.body), not_done: self.live(object, &live.body) },
            Effect::Put(Box::new(after.clone())),
        )])
    }

    fn granting(&self, object: &Object, was: Option<&GrantBody>, body: &GrantBody) -> Action {
        let user = |body: &GrantBody| body.login.as_ref().map(|login| login.user.clone()).unwrap_or_default();
        let more = [
            ("initiator", body.initiator.clone()),
            ("user", user(body)),
            ("was", was.map(user).unwrap_or_default()),
            ("mark", self.mark(object, Body::Grant(body.clone()))),
        ];
        self.action(&verbs::GRANT, object, body.export.id, &body.target, more)
            .with_secrets(body.login.iter().map(|login| login.secret.clone()))
    }

    fn revoking(&self, object: &Object, body: &GrantBody) -> Action {
        let user = body.login.as_ref().map(|login| login.user.clone()).unwrap_or_default();
        let evict = if self.request.evicts { "yes" } else { "" };
        let more = [("initiator", body.initiator.clone()), ("user", user), ("evict", evict.to_owned())];
        self.action(&verbs::REVOKE, object, body.export.id, &body.target, more)
    }

    fn grant(&self, after: &Record, body: &GrantBody) -> Result<Step, Diagnostic> {
        self.check_access(body)?;
        let object = &after.object;
        let mut step = self.step(
            "grant",
            title(TitleVerb::LetIn, body.initiator.clone(), &format!("to {}", body.target)),
            self.granting(object, None, body),
            Undo::Run(self.revoking(object, body)),
            Proof { done: self.live(object, &object.body), not_done: store::absent(self.request, object.id) },
            Effect::Put(Box::new(after.clone())),
        );
        step.claims.push(store::takes(self.request, &[&body.target, &body.initiator]));
        Ok(step)
    }

    fn revoke(&self, record: &Record, live: &Observed, found: &GrantBody) -> Step {
        let object = &record.object;
        let body = match &object.body {
            Body::Grant(body) => body,
            _ => found,
        };
        let undo = Undo::Run(self.granting(object, None, body));
        let not_done = self.live(object, &Body::Grant(body.clone()));
        let (undo, proof) = store::removal(self.request, (object.id, live), undo, not_done);
        let mut step = self.step(
            "revoke",
            title(TitleVerb::ShutOut, body.initiator.clone(), &format!("of {}", body.target)),
            self.revoking(object, body),
            undo,
            proof,
            Effect::Forget(object.key.clone()),
        );
        step.claims.push(store::frees(self.request, &[&body.target, &body.initiator]));
        step
    }

    fn regrant(
        &self,
        recorded: &Record,
        after: &Record,
        live: &Observed,
        body: &GrantBody,
    ) -> Result<Vec<Step>, Diagnostic> {
        self.check_access(body)?;
        let object = &after.object;
        let Body::Grant(before) = &live.body else { return Err(self.not_mine()) };
        if (&before.target, &before.initiator) != (&body.target, &body.initiator) {
            return Err(store::impossible(self.request, "a grant is of another initiator"));
        }
        if live.body.facts() == object.body.facts() {
            return Ok(Vec::new());
        }
        Ok(vec![self.step(
            "regrant",
            title(
                TitleVerb::Update,
                format!("how {} gets in", body.initiator),
                &format!("to {}", body.target),
            ),
            self.granting(object, Some(before), body),
            match &recorded.object.body {
                Body::Grant(known) if recorded.object.body.facts() == live.body.facts() => {
                    Undo::Run(self.granting(object, Some(body), known))
                }
                _ => Undo::Impossible { why: "the secret that was there is not known any more".to_owned() },
            },
            Proof { done: self.live(object, &object.body), not_done: self.live(object, &live.body) },
            Effect::Put(Box::new(after.clone())),
        )])
    }

    fn check(&self, body: &ExportBody) -> Result<(), Diagnostic> {
        let why = match check_device(&body.device) {
            Err(why) => why,
            // tgtd cuts a longer one off.
            Ok(()) if body.serial.len() > 36 => {
                format!("tgtd shows 36 characters of the serial {:?}.", body.serial)
            }
            Ok(()) => return Ok(()),
        };
        Err(Diagnostic::error(
            "Cannot be exported",
            format!("{} cannot be exported by tgtd: {why}", self.request.key.address),
        ))
    }

    fn check_access(&self, body: &GrantBody) -> Result<(), Diagnostic> {
        if body.access == Access::ReadWrite || body.export.key.address.kind == Kind::Snapshot {
            return Ok(());
        }
        Err(Diagnostic::error(
            "Cannot be honoured",
            format!(
                "{} is to be read-only for {}, and tgtd can make a volume read-only for everybody or for nobody. Attach a snapshot of it, leave `access` out, or export with lio, which knows it for each initiator.",
                self.request.key.address, body.initiator
            ),
        ))
    }
}

fn readonly(body: &ExportBody) -> String {
    i32::from(body.access == Access::ReadOnly).to_string()
}

fn title(verb: TitleVerb, object: String, detail: &str) -> Title {
    store::title(verb, object, detail.to_owned())
}

fn in_use(request: &Request<'_>, body: &ExportBody, grows: bool, connected: &str) -> Diagnostic {
    let what = if grows { "a new size" } else { "another device" };
    Diagnostic::error(
        "In use",
        format!(
            "{} is exported by tgtd as {}, and {connected} is connected. tgtd shows {what} only when it opens the device anew, which fails what initiators are writing at that moment. Detach it first (remove the attachment, apply, and put it back), or export with lio, which needs nothing of the kind.",
            request.key.address, body.target
        ),
    )
}
