//! `vbs describe`: what is recorded, and what a look at the hosts finds of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::args::{DescribeArgs, DescribeWhat};
use super::context::Context;
use super::plan::recorded_or_nothing;
use super::situation::{Question, Situation, with_situation};
use super::workspace::Workspace;
use super::{runtime, show};
use crate::apply::{Seen, Views};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};
use crate::exit::{Exit, Failure};
use crate::model::{Address, ContainerView, ObjectKey, Observed, Record};
use crate::plan::world::Options;
use crate::ui::json::FORMAT_VERSION;
use crate::ui::{self, print, table};

/// One record and how it was found: `None` where its container could not be looked at, `Some(None)` where it is gone.
struct Subject<'a> {
    record: &'a Record,
    found: Option<Option<&'a Observed>>,
}

pub fn describe(context: &mut Context, args: &DescribeArgs) -> Result<Exit, Failure> {
    let workspace = Workspace::load(context)?;
    let recorded = recorded_or_nothing(context, &workspace)?;
    let options = Options::default();
    let question = Question { variables: &args.variables, options: &options, chosen: &BTreeMap::new() };
    with_situation(context, &workspace, &recorded, &question, |context, situation| {
        let views = runtime()?.block_on(situation.look(&situation.hosts()))?;
        let subjects = subjects(situation, &views, args.what.as_ref())?;
        let unseen = unseen(&views, &subjects, args.what.is_none());
        if args.json {
            print::data(&format!("{}\n", report(&subjects)))?;
        } else {
            print::data(&text(situation, &views, args.what.as_ref(), &subjects))?;
        }
        show(&unseen, &context.sources, context.style);
        Ok(if unseen.has_errors() { Exit::Error } else { Exit::Success })
    })
}

fn subjects<'a>(
    situation: &'a Situation<'_>,
    views: &'a Views,
    what: Option<&DescribeWhat>,
) -> Result<Vec<Subject<'a>>, Failure> {
    let seen = Seen::new(views, situation.recorded.lineage);
    let named = |key: &ObjectKey| match what {
        None => true,
        Some(DescribeWhat::All(kind)) => key.address.kind == *kind && key.is_primary(),
        Some(DescribeWhat::One(asked)) => asked.covers(&key.address),
    };
    let all = &situation.moved.records;
    // Every layer that an attachment stands on is shown with it.
    let mut wanted: BTreeSet<&ObjectKey> = all.keys().filter(|key| named(key)).collect();
    let mut open: Vec<&ObjectKey> = wanted.iter().copied().collect();
    while let Some(key) = open.pop() {
        let link = all.get(key).and_then(|record| record.object.body.link());
        open.extend(link.map(|link| &link.key).filter(|key| wanted.insert(key)));
    }
    let records = all.values().filter(|record| wanted.contains(&record.object.key));
    let subjects: Vec<Subject<'a>> = records
        .map(|record| {
            let container = &record.object.container;
            let found = match views.get(container) {
                None | Some(ContainerView::Unsurveyed { .. }) => None,
                Some(ContainerView::Fresh { .. }) => Some(None),
                Some(ContainerView::Present(_)) => Some(seen.object(container, record.object.id)),
            };
            Subject { record, found }
        })
        .collect();
    match what {
        Some(DescribeWhat::One(asked)) if subjects.is_empty() => Err(not_recorded(situation, asked).into()),
        _ => Ok(subjects),
    }
}

fn not_recorded(situation: &Situation<'_>, asked: &Address) -> Diagnostic {
    let declared = &situation.resolved.desired.resources;
    if declared.keys().any(|address| asked.covers(address)) {
        let detail = format!("{asked} is declared and was not made yet. `vbs apply` makes it.");
        return Diagnostic::error("Not there yet", detail);
    }
    unknown_address(asked, situation.moved.records.keys().map(|key| &key.address).chain(declared.keys()))
}

/// An address that nothing has, and perhaps the one that was meant.
pub fn unknown_address<'a>(asked: &Address, known: impl Iterator<Item = &'a Address>) -> Diagnostic {
    let known: BTreeSet<String> = known.map(ToString::to_string).collect();
    let hint = did_you_mean(&asked.to_string(), known.iter().map(String::as_str)).map_or_else(
        || "`vbs state list` shows what there is.".to_owned(),
        |near| format!("Did you mean {near}?"),
    );
    Diagnostic::error("Unknown address", format!("{asked} is not in the state. {hint}"))
}

/// What could not be looked at, a container each: everything in it is unknown, and not gone.
fn unseen(views: &Views, subjects: &[Subject<'_>], all: bool) -> Diagnostics {
    let concerned: BTreeSet<&Address> =
        subjects.iter().map(|subject| &subject.record.object.container).collect();
    let views = views.iter().filter(|(address, _)| all || concerned.contains(address));
    views
        .filter_map(|(address, view)| match view {
            ContainerView::Unsurveyed { why } => Some(Diagnostic::error(
                "Cannot be looked at",
                format!("{address}: {why}\nWhether what is recorded in it is still there is not known."),
            )),
            ContainerView::Fresh { .. } | ContainerView::Present(_) => None,
        })
        .collect()
}

fn text(
    situation: &Situation<'_>,
    views: &Views,
    what: Option<&DescribeWhat>,
    subjects: &[Subject<'_>],
) -> String {
    if let Some(DescribeWhat::One(_)) = what {
        return subjects.iter().map(one).collect::<Vec<_>>().join("\n");
    }
    let objects = table::overview(subjects.iter().map(|subject| (subject.record, subject.found)));
    let mut out = if objects.is_empty() { "Nothing is recorded.\n".to_owned() } else { objects.render() };
    if what.is_none() {
        let containers = table::containers(views);
        if !containers.is_empty() {
            out.push_str(&format!("\n{}", containers.render()));
        }
        let trash = situation.recorded.trash.len();
        if trash > 0 {
            out.push_str(&format!(
                "\n{} in the trash (`vbs trash list`).\n",
                ui::text::count(trash, "object")
            ));
        }
    }
    out
}

fn one(subject: &Subject<'_>) -> String {
    let facts = table::facts(Some(subject.record), subject.found.flatten()).render();
    let status = table::status(subject.record, subject.found);
    format!("{}\nStatus: {status}\n\n{facts}", ui::state::record(subject.record))
}

fn report(subjects: &[Subject<'_>]) -> Value {
    let entry = |subject: &Subject<'_>| {
        let mut entry = ui::state::record_json(subject.record);
        entry["status"] = json!(table::status(subject.record, subject.found));
        entry["looked_at"] = json!(subject.found.is_some());
        entry["live"] = subject.found.flatten().map_or(Value::Null, ui::state::observed_json);
        entry
    };
    json!({
        "format_version": FORMAT_VERSION,
        "resources": subjects.iter().map(entry).collect::<Value>(),
    })
}
