//! Turns what is asked of a target server into steps.

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Access, Body, ExportBody, GrantBody, Object, Observed, Place, Record};
use crate::plan::step::{Effect, Expectation, Operation, Proof, Request, Step, Title, TitleVerb, Undo};
use crate::providers::command::reader::{Reader, conditions};
use crate::providers::command::{NAME, look, template, verbs};
use crate::providers::seat;
use crate::providers::store::steps::{self as store, Entry};

use super::kinds::{Readers, names, tells};

const ENTRY: Entry = Entry { provider: NAME, join: verbs::JOIN, release: verbs::RELEASE };

/// What the mark says while the commands run: what a killed frame leaves is never taken for whole.
pub(super) const HALF_MADE: &str = "half_made";

pub fn steps(request: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
    match &request.operation {
        Operation::Join { body, .. } => return Ok(vec![store::join(&ENTRY, request, &body.makes)]),
        Operation::Release { record } => return Ok(vec![store::release(&ENTRY, request, record)]),
        _ => {}
    }
    let readers =
        Readers::of(request.container).map_err(|faults| store::impossible(request, &look::told(&faults)))?;
    let ask = Ask { request, readers: &readers };
    match &request.operation {
        Operation::Create { after, .. } => match &after.object.body {
            Body::Export(export) => Ok(vec![ask.export(after, export)?]),
            Body::Grant(grant) => Ok(vec![ask.grant(after, grant)?]),
            _ => Err(ask.not_mine()),
        },
        Operation::Update { after, live, .. } => match (&live.body, &after.object.body) {
            (Body::Export(before), Body::Export(body)) => ask.reexport(after, before, body),
            (Body::Grant(_), Body::Grant(body)) => ask.regrant(after, live, body),
            _ => Err(ask.not_mine()),
        },
        Operation::Destroy { record, live } => match &live.body {
            Body::Export(export) => Ok(vec![ask.withdraw(record, live, export)?]),
            Body::Grant(grant) => Ok(vec![ask.revoke(record, live, grant)?]),
            _ => Err(ask.not_mine()),
        },
        _ => Err(store::impossible(request, "an export has no data of its own")),
    }
}

/// A request, for short names.
pub(super) struct Ask<'r, 'a> {
    pub(super) request: &'r Request<'a>,
    readers: &'r Readers,
}

/// One run of a verb's template.
pub(super) struct Command<'c> {
    pub(super) verb: &'c Verb,
    pub(super) kind: &'static str,
    pub(super) owner: &'static str,
    pub(super) template: &'static str,
    pub(super) values: Vec<(&'static str, String)>,
    pub(super) reader: &'c Reader,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) first: String,
    pub(super) last: String,
    /// The verb that removes what was built by half.
    pub(super) cleanup: Option<&'static str>,
    /// Its number is the first free one where the server does not list the target.
    pub(super) is_new: bool,
}

impl<'r> Ask<'r, '_> {
    fn not_mine(&self) -> Diagnostic {
        store::impossible(self.request, "it is neither an export nor a grant")
    }

    fn impossible(&self, why: &str) -> Diagnostic {
        store::impossible(self.request, why)
    }

    pub(super) fn has(&self, verb: &str) -> bool {
        !self.request.container.commands(verb).is_empty()
    }

    /// Where a change needs a verb that the block does not have.
    pub(super) fn needs(&self, verb: &'static str, change: &str) -> Result<(), Diagnostic> {
        if self.has(verb) {
            return Ok(());
        }
        Err(Diagnostic::error(
            "Missing template",
            format!(
                "{change} needs the template `{verb}`, which {} does not have. Add `{verb} = [\"PROGRAM\", …]` to its block.",
                self.request.container.address
            ),
        ))
    }

    pub(super) fn admitted(&self) -> Result<&'r Reader, Diagnostic> {
        let reader = self.readers.admitted.as_ref();
        reader.ok_or_else(|| self.impossible("its block has no `grants`, so nobody knows who is let in"))
    }

    pub(super) fn action(
        &self,
        object: &Object,
        name: String,
        command: Command<'_>,
    ) -> Result<Action, Diagnostic> {
        let wrong = |why: String| self.impossible(&why);
        let (secret, number) = (template::SECRET.to_string(), template::NUMBER.to_string());
        let container = self.request.container;
        let id = object.id.to_string();
        let mut values: Vec<(&str, &str)> =
            command.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        values.extend([
            ("id", id.as_str()),
            ("path", container.text("path")),
            ("lun", container.text("lun")),
            ("number", &number),
            ("chap_secret", &secret),
        ]);
        let filled = |verb: &str| -> Result<String, Diagnostic> {
            let all = container.commands(verb).iter().map(|command| template::fill(command, &values));
            Ok(template::counted(&all.collect::<Result<Vec<_>, _>>().map_err(wrong)?))
        };
        let targets = &self.readers.targets;
        let is_numbered = [Some(command.template), command.cleanup]
            .iter()
            .flatten()
            .any(|verb| tells(container, verb, "number"));
        let [ours, taken] = if is_numbered {
            let target = values.iter().find(|(name, _)| *name == "target").copied();
            let ours = targets.printer(&target.into_iter().collect::<Vec<_>>()).map_err(wrong)?;
            let taken = if command.is_new { targets.printer(&[]).map_err(wrong)? } else { String::new() };
            [ours, taken]
        } else {
            Default::default()
        };
        let has_secret = tells(container, command.template, "chap_secret") && object_login(object);
        let arguments = [
            ("id", id.clone()),
            ("name", name),
            ("kind", command.kind.to_owned()),
            ("owner", command.owner.to_owned()),
            ("commands", filled(command.template)?),
            ("input", look::input(container, command.template, &values).map_err(wrong)?),
            ("lister", template::counted(&[command.reader.lister(&[]).map_err(wrong)?])),
            ("filter", command.reader.filter()),
            ("patience", command.reader.patience_seconds.to_string()),
            ("grace", "0".to_owned()),
            ("before", command.before),
            ("after", command.after),
            ("first", command.first),
            ("last", command.last),
            ("cleanup", command.cleanup.map(filled).transpose()?.unwrap_or_default()),
            ("counter", template::counted(&[targets.lister(&[]).map_err(wrong)?])),
            ("counted", targets.filter()),
            ("ours", ours),
            ("taken", taken),
            ("secrets", if has_secret { "yes" } else { "" }.to_owned()),
        ];
        let action = store::action(NAME, self.request, command.verb, arguments);
        let login = match &object.body {
            Body::Grant(GrantBody { login: Some(login), .. }) if has_secret => Some(login.secret.clone()),
            _ => None,
        };
        Ok(action.with_secrets(login))
    }

    pub(super) fn mark(&self, object: &Object, body: Body) -> String {
        seat::mark_of(&Object { body, ..object.clone() }, self.request.workspace)
    }

    pub(super) fn live(&self, object: &Object, body: &Body) -> Vec<Expectation> {
        let mut facts = body.facts();
        facts.insert("health", "good".to_owned());
        store::shown(self.request, object.id, Place::Live.word(), facts)
    }

    pub(super) fn conditions(
        &self,
        reader: &Reader,
        wanted: &[(u32, Vec<(&str, &str)>)],
    ) -> Result<String, Diagnostic> {
        conditions(reader, wanted).map_err(|why| self.impossible(&why))
    }

    fn export_values(body: &ExportBody) -> Vec<(&'static str, String)> {
        let readonly = i32::from(body.access == Access::ReadOnly);
        let mut values = vec![
            ("target", body.target.clone()),
            ("device", body.device.clone()),
            ("access", access(body.access)),
            ("readonly", readonly.to_string()),
            ("portal", body.portals.first().cloned().unwrap_or_default()),
            ("size_bytes", body.size.map(|size| size.0.to_string()).unwrap_or_default()),
        ];
        values.extend(names(&body.serial));
        values
    }

    /// That nothing of the target is listed.
    fn no_target(&self, body: &ExportBody) -> Result<String, Diagnostic> {
        let reader = &self.readers.targets;
        let values = vec![("target", body.target.as_str())];
        let mut gone = self.conditions(reader, &[(0, values.clone())])?;
        if let Some(heading) = reader.heading(&values).map_err(|why| self.impossible(&why))? {
            gone.push_str(&format!("0 {heading}\n"));
        }
        Ok(gone)
    }

    /// That the target is listed once, with what is offered.
    fn target(&self, body: &ExportBody) -> Result<String, Diagnostic> {
        let reader = &self.readers.targets;
        let known = [("target", &body.target), ("device", &body.device), ("serial", &body.serial)];
        let values = known.iter().filter(|(name, _)| reader.gives(name));
        let values: Vec<(&str, &str)> = values.map(|(name, value)| (*name, value.as_str())).collect();
        self.conditions(reader, &[(1, vec![("target", body.target.as_str())]), (1, values)])
    }

    fn exporting(&self, object: &Object, body: &ExportBody) -> Result<Action, Diagnostic> {
        let half = ExportBody { state: HALF_MADE.to_owned(), ..body.clone() };
        let command = Command {
            verb: &verbs::EXPORT,
            kind: "build",
            owner: "seat",
            template: "export",
            values: Self::export_values(body),
            reader: &self.readers.targets,
            before: self.no_target(body)?,
            after: self.target(body)?,
            first: self.mark(object, Body::Export(half)),
            last: self.mark(object, Body::Export(body.clone())),
            cleanup: self.has("withdraw").then_some("withdraw"),
            is_new: true,
        };
        self.action(object, body.target.clone(), command)
    }

    fn withdrawing(&self, object: &Object, body: &ExportBody) -> Result<Action, Diagnostic> {
        let command = Command {
            verb: &verbs::WITHDRAW,
            kind: "clear",
            owner: "seat",
            template: "withdraw",
            values: Self::export_values(body),
            reader: &self.readers.targets,
            before: String::new(),
            after: self.no_target(body)?,
            first: String::new(),
            last: "-".to_owned(),
            cleanup: None,
            is_new: false,
        };
        self.action(object, body.target.clone(), command)
    }

    pub(super) fn undo_by(&self, verb: &str, action: Result<Action, Diagnostic>) -> Result<Undo, Diagnostic> {
        if self.has(verb) {
            return action.map(Undo::Run);
        }
        Ok(Undo::Impossible { why: format!("the export has no template `{verb}`") })
    }

    fn export(&self, after: &Record, body: &ExportBody) -> Result<Step, Diagnostic> {
        let object = &after.object;
        self.needs("export", &format!("Exporting {}", object.key.address))?;
        if body.access == Access::ReadOnly {
            self.tells_access("export", "a snapshot")?;
        }
        let mut step = self.step(
            "export",
            title(TitleVerb::Export, format!("{} as {}", body.device, body.target), ""),
            self.exporting(object, body)?,
            self.undo_by("withdraw", self.withdrawing(object, body))?,
            Proof { done: self.live(object, &object.body), not_done: store::absent(self.request, object.id) },
            Effect::Put(Box::new(after.clone())),
        );
        step.claims.push(store::takes(self.request, &[&body.target]));
        Ok(step)
    }

    fn withdraw(&self, record: &Record, live: &Observed, found: &ExportBody) -> Result<Step, Diagnostic> {
        let object = &record.object;
        if live.place != Place::Vanished {
            self.needs("withdraw", &format!("Withdrawing {}", object.key.address))?;
        }
        let body = match &object.body {
            Body::Export(body) => body,
            _ => found,
        };
        let undo = self.undo_by("export", self.exporting(object, body))?;
        let not_done = self.live(object, &Body::Export(body.clone()));
        let (undo, proof) = store::removal(self.request, (object.id, live), undo, not_done);
        let mut step = self.step(
            "withdraw",
            title(TitleVerb::Withdraw, format!("{} as {}", body.device, body.target), ""),
            self.withdrawing(object, body)?,
            undo,
            proof,
            Effect::Forget(object.key.clone()),
        );
        step.claims.push(store::frees(self.request, &[&body.target]));
        Ok(step)
    }

    pub(super) fn step(
        &self,
        what: &str,
        title: Title,
        run: Action,
        undo: Undo,
        proof: Proof,
        effect: Effect,
    ) -> Step {
        store::step(self.request, what, title, run, undo, proof, vec![effect])
    }

    /// Where `access` has to be told and no template tells it.
    pub(super) fn tells_access(&self, verb: &'static str, what: &str) -> Result<(), Diagnostic> {
        let container = self.request.container;
        if tells(container, verb, "access") || tells(container, verb, "readonly") {
            return Ok(());
        }
        Err(Diagnostic::error(
            "Cannot be made read-only",
            format!(
                "{} is {what}, which nobody may write to, and the template `{verb}` of {} does not say how. Use {{access}} in it, which is `rw` or `ro`, or {{readonly}}, which is 0 or 1.",
                self.request.key.address, container.address
            ),
        ))
    }

    /// One step for each thing that differs. What is not whole, or shows another serial, is made anew.
    fn reexport(
        &self,
        after: &Record,
        before: &ExportBody,
        body: &ExportBody,
    ) -> Result<Vec<Step>, Diagnostic> {
        let object = &after.object;
        if before.target != body.target || before.portals != body.portals {
            return Err(self.impossible("a target has another name or portal"));
        }
        let mut steps = Vec::new();
        let mut now = before.clone();
        for who in before.others.iter().filter(|who| !body.others.contains(who)) {
            let mut next = now.clone();
            next.others.retain(|other| other != who);
            steps.push(self.dismiss(after, &now, &next, who, steps.len())?);
            now = next;
        }
        if now.state != body.state || now.serial != body.serial {
            steps.push(self.remake(after, &now, body)?);
            return Ok(steps);
        }
        if now.device != body.device {
            let next = ExportBody { device: body.device.clone(), ..now.clone() };
            steps.push(self.repoint(after, &now, &next)?);
            now = next;
        }
        if now.size != body.size {
            self.needs("grow", &format!("Showing the new size of {}", object.key.address))?;
            let mut grow = self.change(after, "grow", &now, body)?;
            grow.undo = Undo::Impossible { why: "initiators may have seen the new size".to_owned() };
            steps.push(grow);
        }
        Ok(steps)
    }

    /// `object` with another body, as it is recorded after one of several steps.
    pub(super) fn recorded(after: &Record, body: &ExportBody) -> Record {
        let mut record = after.clone();
        record.object.body = Body::Export(body.clone());
        record
    }

    fn remake(&self, after: &Record, before: &ExportBody, body: &ExportBody) -> Result<Step, Diagnostic> {
        let object = &after.object;
        self.needs("export", &format!("Mending the export of {}", object.key.address))?;
        self.needs("withdraw", &format!("Mending the export of {}", object.key.address))?;
        Ok(self.step(
            "remake",
            title(TitleVerb::Update, format!("the target {}", body.target), ""),
            self.exporting(object, body)?,
            Undo::Impossible { why: "what was changed outside of vbs is not broken again".to_owned() },
            Proof {
                done: self.live(object, &object.body),
                not_done: self.live(object, &Body::Export(before.clone())),
            },
            Effect::Put(Box::new(after.clone())),
        ))
    }

    fn changing(
        &self,
        object: &Object,
        template: &'static str,
        from: &ExportBody,
        to: &ExportBody,
    ) -> Result<Action, Diagnostic> {
        let shows = template == "update" && self.readers.targets.gives("device");
        let command = Command {
            verb: &verbs::UPDATE,
            kind: if shows { "change" } else { "tell" },
            owner: "seat",
            template,
            values: Self::export_values(to),
            reader: &self.readers.targets,
            before: self.target(from)?,
            after: self.target(to)?,
            first: String::new(),
            last: self.mark(object, Body::Export(to.clone())),
            cleanup: None,
            is_new: false,
        };
        self.action(object, to.target.clone(), command)
    }

    fn change(
        &self,
        after: &Record,
        template: &'static str,
        from: &ExportBody,
        to: &ExportBody,
    ) -> Result<Step, Diagnostic> {
        let record = Self::recorded(after, to);
        let object = &record.object;
        Ok(self.step(
            template,
            title(TitleVerb::Update, format!("the target {}", to.target), ""),
            self.changing(object, template, from, to)?,
            Undo::Run(self.changing(object, template, to, from)?),
            Proof {
                done: self.live(object, &object.body),
                not_done: self.live(object, &Body::Export(from.clone())),
            },
            Effect::Put(Box::new(record.clone())),
        ))
    }

    fn repoint(&self, after: &Record, from: &ExportBody, to: &ExportBody) -> Result<Step, Diagnostic> {
        let wanted = format!("Having {} shown as {}", after.object.key.address, to.device);
        self.needs("update", &wanted)?;
        self.change(after, "update", from, to)
    }
}

fn object_login(object: &Object) -> bool {
    matches!(&object.body, Body::Grant(GrantBody { login: Some(_), .. }))
}

pub(super) fn access(access: Access) -> String {
    match access {
        Access::ReadWrite => "rw",
        Access::ReadOnly => "ro",
    }
    .to_owned()
}

pub(super) fn title(verb: TitleVerb, object: String, detail: &str) -> Title {
    store::title(verb, object, detail.to_owned())
}
