//! Who is let in: the grants of ours, and those of others on our targets.

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Access, Body, ExportBody, GrantBody, Kind, Object, Observed, Place, Record};
use crate::plan::step::{Effect, Proof, Step, TitleVerb, Undo};
use crate::providers::command::verbs;
use crate::providers::store::steps as store;

use super::steps::{Ask, Command, HALF_MADE, access, title};

impl Ask<'_, '_> {
    /// Shuts out who was let in by somebody else, to a target of ours.
    pub(super) fn dismiss(
        &self,
        after: &Record,
        from: &ExportBody,
        to: &ExportBody,
        who: &str,
        index: usize,
    ) -> Result<Step, Diagnostic> {
        self.needs("revoke", &format!("Shutting {who} out of {}", after.object.key.address))?;
        let record = Self::recorded(after, to);
        let reader = self.admitted()?;
        let row =
            |count| self.conditions(reader, &[(count, vec![("target", &*to.target), ("initiator", who)])]);
        let command = Command {
            verb: &verbs::REVOKE,
            kind: "clear",
            owner: "tool",
            template: "revoke",
            values: vec![
                ("target", to.target.clone()),
                ("initiator", who.to_owned()),
                ("access", access(Access::ReadWrite)),
                ("readonly", "0".to_owned()),
                ("portal", to.portals.first().cloned().unwrap_or_default()),
                ("chap_user", String::new()),
            ],
            reader,
            before: row(1)?,
            after: row(0)?,
            first: String::new(),
            last: String::new(),
            cleanup: None,
            is_new: false,
        };
        Ok(self.step(
            &format!("dismiss_{index}"),
            title(TitleVerb::ShutOut, who.to_owned(), &format!("of {}", to.target)),
            self.action(&record.object, format!("{} {who}", to.target), command)?,
            Undo::Impossible { why: "how it was let in is not known".to_owned() },
            Proof {
                done: self.live(&record.object, &record.object.body),
                not_done: self.live(&record.object, &Body::Export(from.clone())),
            },
            Effect::Put(Box::new(record.clone())),
        ))
    }

    fn grant_command<'c>(
        &'c self,
        object: &Object,
        body: &GrantBody,
        (verb, kind, template): (&'c Verb, &'static str, &'static str),
    ) -> Result<Command<'c>, Diagnostic> {
        let reader = self.admitted()?;
        let row = |count| {
            let values = vec![("target", body.target.as_str()), ("initiator", body.initiator.as_str())];
            self.conditions(reader, &[(count, values)])
        };
        let makes = kind == "build";
        let half = GrantBody { state: HALF_MADE.to_owned(), ..body.clone() };
        let (first, last) = match makes {
            true => (self.mark(object, Body::Grant(half)), self.mark(object, Body::Grant(body.clone()))),
            false => (String::new(), "-".to_owned()),
        };
        let user = body.login.as_ref().map(|login| login.user.clone());
        Ok(Command {
            verb,
            kind,
            owner: "seat",
            template,
            values: vec![
                ("target", body.target.clone()),
                ("initiator", body.initiator.clone()),
                ("access", access(body.access)),
                ("readonly", i32::from(body.access == Access::ReadOnly).to_string()),
                ("portal", self.request.container.text("portal").to_owned()),
                ("chap_user", user.unwrap_or_default()),
            ],
            reader,
            before: if makes { row(0)? } else { String::new() },
            after: row(u32::from(makes))?,
            first,
            last,
            cleanup: (makes && self.has("revoke")).then_some("revoke"),
            is_new: false,
        })
    }

    fn granting(&self, object: &Object, body: &GrantBody) -> Result<Action, Diagnostic> {
        let object = Object { body: Body::Grant(body.clone()), ..object.clone() };
        let command = self.grant_command(&object, body, (&verbs::GRANT, "build", "grant"))?;
        self.action(&object, format!("{} {}", body.target, body.initiator), command)
    }

    fn revoking(&self, object: &Object, body: &GrantBody) -> Result<Action, Diagnostic> {
        let command = self.grant_command(object, body, (&verbs::REVOKE, "clear", "revoke"))?;
        self.action(object, format!("{} {}", body.target, body.initiator), command)
    }

    fn may_grant(&self, body: &GrantBody) -> Result<(), Diagnostic> {
        self.needs("grant", &format!("Letting {} in to {}", body.initiator, self.request.key.address))?;
        if body.access == Access::ReadOnly && body.export.key.address.kind != Kind::Snapshot {
            self.tells_access("grant", "attached read-only")?;
        }
        Ok(())
    }

    pub(super) fn grant(&self, after: &Record, body: &GrantBody) -> Result<Step, Diagnostic> {
        self.may_grant(body)?;
        let object = &after.object;
        let mut step = self.step(
            "grant",
            title(TitleVerb::LetIn, body.initiator.clone(), &format!("to {}", body.target)),
            self.granting(object, body)?,
            self.undo_by("revoke", self.revoking(object, body))?,
            Proof { done: self.live(object, &object.body), not_done: store::absent(self.request, object.id) },
            Effect::Put(Box::new(after.clone())),
        );
        step.claims.push(store::takes(self.request, &[&body.target, &body.initiator]));
        Ok(step)
    }

    pub(super) fn revoke(
        &self,
        record: &Record,
        live: &Observed,
        found: &GrantBody,
    ) -> Result<Step, Diagnostic> {
        let object = &record.object;
        let body = match &object.body {
            Body::Grant(body) => body,
            _ => found,
        };
        if live.place != Place::Vanished {
            self.needs("revoke", &format!("Shutting {} out of {}", body.initiator, object.key.address))?;
        }
        let undo = self.undo_by("grant", self.granting(object, body))?;
        let not_done = self.live(object, &Body::Grant(body.clone()));
        let (undo, proof) = store::removal(self.request, (object.id, live), undo, not_done);
        let mut step = self.step(
            "revoke",
            title(TitleVerb::ShutOut, body.initiator.clone(), &format!("of {}", body.target)),
            self.revoking(object, body)?,
            undo,
            proof,
            Effect::Forget(object.key.clone()),
        );
        step.claims.push(store::frees(self.request, &[&body.target, &body.initiator]));
        Ok(step)
    }

    /// Shut out and let in again, which is all that templates can do.
    pub(super) fn regrant(
        &self,
        after: &Record,
        live: &Observed,
        body: &GrantBody,
    ) -> Result<Vec<Step>, Diagnostic> {
        let object = &after.object;
        if live.body.facts() == object.body.facts() {
            return Ok(Vec::new());
        }
        self.may_grant(body)?;
        self.needs("revoke", &format!("Changing how {} gets in to {}", body.initiator, object.key.address))?;
        Ok(vec![self.step(
            "regrant",
            title(
                TitleVerb::Update,
                format!("how {} gets in", body.initiator),
                &format!("to {}", body.target),
            ),
            self.granting(object, body)?,
            Undo::Impossible { why: "the secret that was there is not known any more".to_owned() },
            Proof { done: self.live(object, &object.body), not_done: self.live(object, &live.body) },
            Effect::Put(Box::new(after.clone())),
        )])
    }
}
