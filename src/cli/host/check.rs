//! `vbs host check`: can each host be reached, as whom, and has it what the providers need that are used there?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{address, chosen};
use crate::cli::args::HostCheckArgs;
use crate::cli::context::Context;
use crate::cli::situation::{Situation, containers, look};
use crate::cli::{runtime, show};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::hosts::Hosts;
use crate::model::command::{Answer, Query};
use crate::model::{Address, ContainerSpec, ContainerView, HostName, HostSpec, Kind, Place};
use crate::plan::lost;
use crate::providers::needs::{self, Danger, Found, Needs};
use crate::providers::{CATALOG, Provider};
use crate::ui::json::FORMAT_VERSION;
use crate::ui::print;
use crate::ui::text::harmless;

/// Who a shell runs as.
const WHO: &str = "id -u; id -un";

/// One host and what is on it.
struct Subject<'a> {
    spec: &'a HostSpec,
    containers: Vec<&'a ContainerSpec>,
}

/// What was found on one host.
struct Report {
    spec: HostSpec,
    /// How long reaching and asking it took.
    milliseconds: u64,
    /// Why it could not be asked.
    unreachable: Option<String>,
    uid: Option<u32>,
    user: String,
    tools: Vec<Found>,
    /// What endangers several containers is told once.
    dangers: Vec<(Danger, Vec<String>)>,
}

impl Report {
    fn add(&mut self, danger: Danger, container: String) {
        match self.dangers.iter_mut().find(|(known, _)| *known == danger) {
            Some((_, containers)) => containers.push(container),
            None => self.dangers.push((danger, vec![container])),
        }
    }

    /// Several providers need the same tools: each is told of once, with its minimum where one has any.
    fn tell(&mut self, tool: Found) {
        let known = self.tools.iter_mut().find(|known| {
            known.called == tool.called
                && known.is_enough == tool.is_enough
                && (tool.is_enough || known.todo == tool.todo)
        });
        match known {
            Some(known) if known.minimum.is_empty() => known.minimum = tool.minimum,
            Some(_) => {}
            None => self.tools.push(tool),
        }
    }

    fn is_good(&self) -> bool {
        self.unreachable.is_none() && self.dangers.is_empty() && self.tools.iter().all(|tool| tool.is_enough)
    }
}

pub fn check(context: &Context, situation: &Situation<'_>, args: &HostCheckArgs) -> Result<Exit, Failure> {
    let mut known = situation.known_hosts();
    let all = containers(&situation.resolved.desired, situation.recorded);
    if all.values().any(|container| container.host == HostName::local()) {
        known.entry(HostName::local()).or_insert_with(crate::hosts::local);
    }
    let there: Vec<&HostSpec> = known.values().collect();
    let of_host = |spec: &HostSpec| all.values().copied().filter(|c| c.host == spec.name).collect();
    let subjects: Vec<Subject<'_>> = chosen(&args.hosts, &there)?
        .into_iter()
        .map(|spec| Subject { spec, containers: of_host(spec) })
        .collect();
    let hosts = Arc::new(situation.hosts());
    let (reports, twins) = runtime()?.block_on(async {
        let mut reports = Vec::new();
        let asking: Vec<_> = subjects.iter().map(|subject| examine(&hosts, subject)).collect();
        for report in crate::survey::together(asking.into_iter()).await {
            reports.push(report);
        }
        let unasked = known.keys().filter(|name| {
            !reports.iter().any(|report| report.spec.name == **name && report.unreachable.is_none())
        });
        let unasked: Vec<Address> = unasked.map(|name| Address::new(Kind::Host, &name.0)).collect();
        for (host, danger, container) in orphans(situation, &unasked, &hosts).await {
            let report = reports.iter_mut().find(|report| report.spec.name == host);
            report.into_iter().for_each(|report| report.add(danger.clone(), container.clone()));
        }
        (reports, hosts.duplicates())
    });
    if args.json {
        let listed: Value = reports.iter().map(to_json).collect();
        print::data(&format!("{}\n", json!({ "format_version": FORMAT_VERSION, "hosts": listed })))?;
    } else if reports.is_empty() {
        print::tell("There is no host to check.\n");
    } else {
        print::data(&reports.iter().map(human).collect::<String>())?;
    }
    let twins: Diagnostics = twins
        .into_values()
        .map(|why| Diagnostic::error("Two hosts are one machine", format!("{why}.")))
        .collect();
    show(&twins, &context.sources, context.style);
    let good = reports.iter().all(Report::is_good) && !twins.has_errors();
    Ok(if good { Exit::Success } else { Exit::Error })
}

/// What bears our mark and the state does not know. Nothing while a run is open: that is recovery's to know.
async fn orphans(
    situation: &Situation<'_>,
    unasked: &[Address],
    hosts: &Hosts,
) -> Vec<(HostName, Danger, String)> {
    let recorded = situation.recorded;
    let all = containers(&situation.resolved.desired, recorded);
    let known: BTreeSet<Uuid> =
        recorded.records.values().map(|r| r.object.id).chain(recorded.trash.keys().copied()).collect();
    let views = look(&situation.resolved.desired, recorded, unasked, hosts).await.unwrap_or_default();
    let world = situation.world(&views);
    let mut found = Vec::new();
    for (address, view) in views.iter().filter(|_| recorded.open_run.is_none()) {
        let (ContainerView::Present(surveyed), Some(spec)) = (view, all.get(address)) else { continue };
        let ours = surveyed.objects.iter().filter(|it| it.mark.lineage == recorded.lineage);
        for orphan in ours.filter(|it| !known.contains(&it.mark.id)) {
            let what = format!(
                "{} ({}) is there, and the state does not know of it",
                orphan.mark.address, orphan.mark.id
            );
            let todo = match (lost::is_left_over(&world, address, orphan), orphan.place) {
                (true, Place::Vanished) => {
                    "it is gone, and the next `vbs apply` takes away its mark and what was saved of it"
                }
                (true, _) => "it was left when its host was given up, and the next `vbs apply` takes it away",
                (false, _) => {
                    "`vbs state rebuild` takes it into the state again, and then `vbs apply` can destroy it"
                }
            };
            found.push((spec.host.clone(), Danger { what, todo: todo.to_owned() }, address.to_string()));
        }
    }
    found
}

/// Asks everything at once.
async fn examine(hosts: &Hosts, subject: &Subject<'_>) -> Report {
    let needs = needs_of(subject);
    let examined: Vec<(&ContainerSpec, &dyn Provider, Vec<Query>)> = subject
        .containers
        .iter()
        .filter_map(|container| CATALOG.of(container).ok().map(|p| (*container, p, p.examine(container))))
        .collect();
    let mut queries = vec![Query { script: WHO, variables: Vec::new() }];
    queries.extend(needs.iter().filter_map(|needs| needs.query()));
    // Pools of one host may ask the same: it is asked once.
    for question in examined.iter().flat_map(|(_, _, questions)| questions) {
        if !queries.contains(question) {
            queries.push(question.clone());
        }
    }
    let begun = Instant::now();
    let answered = hosts.ask(&subject.spec.name, &queries).await;
    let mut report = Report {
        spec: subject.spec.clone(),
        milliseconds: crate::hosts::milliseconds(begun),
        unreachable: None,
        uid: None,
        user: String::new(),
        tools: Vec::new(),
        dangers: Vec::new(),
    };
    let answers = match answered {
        Ok(answers) => queries.iter().zip(answers).collect::<Vec<_>>(),
        Err(error) => {
            report.unreachable = Some(error.why);
            return report;
        }
    };
    let answer =
        |question: &Query| answers.iter().find(|(asked, _)| *asked == question).map(|(_, answer)| answer);
    if let Some(who) = answer(&queries[0]) {
        let mut lines = who.stdout.lines();
        report.uid = lines.next().and_then(|uid| uid.parse().ok());
        report.user = lines.next().unwrap_or_default().to_owned();
    }
    for needs in needs {
        let said = needs.query().and_then(|query| answer(&query));
        said.map(|answer| needs.read(answer)).unwrap_or_default().into_iter().for_each(|it| report.tell(it));
    }
    for (container, provider, questions) in examined {
        let own: Vec<Answer> = questions.iter().filter_map(&answer).cloned().collect();
        for danger in provider.dangers(container, &own) {
            report.add(danger, container.address.to_string());
        }
    }
    report
}

fn needs_of(subject: &Subject<'_>) -> Vec<&'static Needs> {
    let mut found: Vec<&'static Needs> = vec![&needs::HOST];
    for needs in subject.containers.iter().filter_map(|container| Some(CATALOG.of(container).ok()?.needs())) {
        if !found.iter().any(|known| std::ptr::eq(*known, needs)) {
            found.push(needs);
        }
    }
    found
}

/// `root`, `root (sudo)`, `ops`.
fn rights(report: &Report) -> String {
    match (report.uid, report.spec.become_root) {
        (Some(0), true) => "root (sudo)".to_owned(),
        (Some(0), false) => "root".to_owned(),
        _ => report.user.clone(),
    }
}

fn human(report: &Report) -> String {
    let place = report.spec.address.as_deref().unwrap_or("this machine");
    let mut text = format!("{} ({place})\n", address(&report.spec.name));
    if let Some(why) = &report.unreachable {
        let stop = if why.ends_with(['.', '?']) { "" } else { "." };
        return text + &format!("  ✗ {}{stop}\n", harmless(why));
    }
    text += &format!("  ✓ reached in {} ms, as {}\n", report.milliseconds, harmless(&rights(report)));
    for tool in &report.tools {
        let line = match (tool.complaint(), tool.version.as_deref()) {
            (Some(complaint), _) => format!("  ✗ {}\n", harmless(&complaint)),
            (None, None | Some("present")) => format!("  ✓ {}\n", tool.called),
            (None, Some(version)) => format!("  ✓ {}: {}\n", tool.called, harmless(version)),
        };
        text.push_str(&line);
    }
    for (danger, containers) in &report.dangers {
        let (what, todo) = (harmless(&danger.what), harmless(danger.todo.trim_end_matches('.')));
        text += &format!("  ! {}: {what}: {todo}.\n", containers.join(", "));
    }
    text
}

fn to_json(report: &Report) -> Value {
    let tools: Value = report
        .tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.called,
                "version": tool.version,
                "minimum": tool.minimum,
                "ok": tool.is_enough,
                "todo": if tool.is_enough { "" } else { tool.todo },
            })
        })
        .collect();
    let dangers: Value = report
        .dangers
        .iter()
        .map(
            |(danger, containers)| json!({ "containers": containers, "what": danger.what, "todo": danger.todo }),
        )
        .collect();
    json!({
        "host": address(&report.spec.name).to_string(),
        "address": report.spec.address,
        "reached": report.unreachable.is_none(),
        "why": report.unreachable,
        "milliseconds": report.milliseconds,
        "uid": report.uid,
        "user": report.user,
        "sudo": report.spec.become_root,
        "tools": tools,
        "dangers": dangers,
        "ok": report.is_good(),
    })
}
