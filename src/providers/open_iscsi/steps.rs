//! Turns what is asked of an initiator into steps.

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Body, Login, Object, Observed, Place, Record, SessionBody};
use crate::plan::step::{Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo};
use crate::providers::seat;
use crate::providers::store::steps::{self as store, Entry};

use super::{NAME, verbs};

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

pub fn steps(request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
    let ask = Ask { request };
    match &request.operation {
        Operation::Join { body, .. } => Ok(vec![store::join(&ENTRY, request, &body.makes)]),
        Operation::Release { record } => Ok(vec![store::release(&ENTRY, request, record)]),
        Operation::Create { after, .. } => Ok(vec![ask.login(after)?]),
        Operation::Update { before, after, live, .. } => ask.update(before, after, live),
        Operation::Destroy { record, live } => Ok(vec![ask.logout(record, live)?]),
        Operation::Restore { .. }
        | Operation::Purge { .. }
        | Operation::Adopt { .. }
        | Operation::TakeOutOfTrash { .. } => {
            Err(store::impossible(request, "a session has no data of its own"))
        }
    }
}

/// A request, for short names.
struct Ask<'r, 'a> {
    request: &'r Request<'a>,
}

impl Ask<'_, '_> {
    fn action(&self, verb: &Verb, object: &Object, session: &SessionBody) -> Action {
        let mut action = store::action(NAME, self.request, verb, []);
        let arguments = [
            ("id", object.id.to_string()),
            ("target", session.target.clone()),
            ("portals", session.portals.join(" ")),
            ("lun", session.lun.to_string()),
            ("initiator", session.initiator.clone()),
            ("serial", session.serial.clone()),
            ("device", session.device.clone()),
        ];
        for (name, value) in arguments {
            action.arguments.insert(name, value);
        }
        action
    }

    fn logging_in(&self, object: &Object, session: &SessionBody) -> Action {
        let mut action = self.action(&verbs::LOGIN, object, session);
        let user = |login: &Option<Login>| login.as_ref().map(|login| login.user.clone()).unwrap_or_default();
        let marked = Object { body: Body::Session(session.clone()), ..object.clone() };
        action.arguments.insert("mark", seat::mark_of(&marked, self.request.workspace));
        action.arguments.insert("user", user(&session.login));
        action.arguments.insert("mutual_user", user(&session.mutual));
        let secrets = session.login.iter().chain(&session.mutual).map(|login| login.secret.clone());
        action.with_secrets(secrets)
    }

    fn title(&self, verb: TitleVerb, session: &SessionBody, detail: &str) -> Title {
        let object = format!("{} to {}", self.request.container.host, session.target);
        store::title(verb, object, detail.to_owned())
    }

    fn shows(&self, object: &Object, session: &SessionBody) -> Vec<Expectation> {
        let mut facts = Body::Session(session.clone()).facts();
        facts.insert("health", "good".to_owned());
        store::shown(self.request, object.id, Place::Live.word(), facts)
    }

    /// That it is ours, whatever state it is in: what is mended was broken in one of many ways.
    fn is_marked(&self, object: &Object) -> Vec<Expectation> {
        store::shown(self.request, object.id, Place::Live.word(), [].into())
    }

    fn login(&self, after: &Record) -> Result<Step, Diagnostic> {
        let (object, session) = (&after.object, self.session(&after.object.body)?);
        Ok(store::step(
            self.request,
            "login",
            self.title(TitleVerb::LogIn, session, ""),
            self.logging_in(object, session),
            Undo::Run(self.action(&verbs::LOGOUT, object, session)),
            Proof { done: self.shows(object, session), not_done: store::absent(self.request, object.id) },
            vec![Effect::Put(Box::new(after.clone()))],
        ))
    }

    fn logout(&self, record: &Record, live: &Observed) -> Result<Step, Diagnostic> {
        let (object, session) = (&record.object, self.session(&record.object.body)?);
        let found = self.session(&live.body)?;
        Ok(store::step(
            self.request,
            "logout",
            self.title(TitleVerb::LogOut, session, ""),
            self.action(&verbs::LOGOUT, object, session),
            Undo::Run(self.logging_in(object, session)),
            Proof { done: store::absent(self.request, object.id), not_done: self.shows(object, found) },
            vec![Effect::Forget(object.key.clone())],
        ))
    }

    /// Another secret and a lost session are a login like the first one. A larger disk is read again, which nothing takes
    /// back: whoever has the disk has seen it.
    fn update(&self, before: &Record, after: &Record, live: &Observed) -> Result<Vec<Step>, Diagnostic> {
        let (object, wanted, found) =
            (&after.object, self.session(&after.object.body)?, self.session(&live.body)?);
        let mut steps = Vec::new();
        let is_there = found.state == "logged_in";
        // A disk that comes back has the size that it has by then.
        let mended = match is_there {
            true => SessionBody { size: found.size, access: found.access, ..wanted.clone() },
            false => wanted.clone(),
        };
        if (&mended.login, &mended.mutual, &mended.state) != (&found.login, &found.mutual, &found.state) {
            let record = Record {
                object: Object { body: Body::Session(mended.clone()), ..object.clone() },
                ..after.clone()
            };
            steps.push(store::step(
                self.request,
                "relogin",
                self.title(TitleVerb::LogIn, wanted, "again"),
                self.logging_in(object, wanted),
                match self.session(&before.object.body)? {
                    recorded if before.object.body.facts() == live.body.facts() => {
                        Undo::Run(self.logging_in(object, recorded))
                    }
                    // What was lost without vbs is not lost again: a login that works stays.
                    _ => Undo::Nothing,
                },
                Proof { done: self.shows(object, &mended), not_done: self.is_marked(object) },
                vec![Effect::Put(Box::new(record))],
            ));
        }
        if (mended.size, mended.access) != (wanted.size, wanted.access) {
            let mut run = self.action(&verbs::RESCAN, object, wanted);
            run.arguments.insert("mark", seat::mark_of(object, self.request.workspace));
            run.arguments.insert("to", wanted.size.unwrap_or_default().0.to_string());
            run.arguments.insert("access", wanted.access.word());
            let disk = format!("the disk of {} on {}", wanted.target, self.request.container.host);
            let (title, undo) = match wanted.size.filter(|size| mended.size != Some(*size)) {
                Some(size) => (
                    store::title(TitleVerb::Grow, disk, format!("to {size}")),
                    Undo::Impossible { why: "whoever uses the disk has seen that it grew".to_owned() },
                ),
                // It is what the target says all along.
                None => (store::title(TitleVerb::Update, disk, String::new()), Undo::Nothing),
            };
            steps.push(store::step(
                self.request,
                "rescan",
                title,
                run,
                undo,
                Proof { done: self.shows(object, wanted), not_done: self.is_marked(object) },
                vec![Effect::Put(Box::new(after.clone()))],
            ));
        }
        Ok(steps)
    }

    fn session<'b>(&self, body: &'b Body) -> Result<&'b SessionBody, Diagnostic> {
        match body {
            Body::Session(session) => Ok(session),
            _ => Err(store::impossible(self.request, "it is no session")),
        }
    }
}
