//! Laws that hold for every provider in the catalogue, so that adding one to the table is enough to have it checked.

mod samples;
mod templates;

use std::collections::{BTreeMap, BTreeSet};

use super::{CATALOG, Provider, Reading, Scope};
use crate::hosts::{Fence, Hosts, Verdict};
use crate::model::command::{Action, Answer, Effect as Locking, Frame, Query};
use crate::model::{Bytes, ContainerSpec, ContainerView, HostName, Kind, ObjectKey, Part, Record, Stranger};
use crate::plan::step::{Effect, Operation, Request, Step, Undo};
use samples::{
    HOSTILE, container, containers, disk, found, id, is_possible, operations, samples, snapshot, stranger,
    update, volume,
};

fn steps(provider: &dyn Provider, container: &ContainerSpec, operation: Operation) -> Vec<Step> {
    let key = ObjectKey::new("volume.db".parse().unwrap(), Part::VOLUME);
    let told = format!("{operation:?}");
    provider
        .steps(&Request {
            key,
            container,
            identity: id(9),
            lineage: id(8),
            workspace: "shop",
            evicts: false,
            operation,
        })
        .unwrap_or_else(|why| panic!("{told}: {}", why.detail))
}

/// What goes around a snapshot, for those who can freeze guests.
fn frozen(provider: &dyn Provider, container: &ContainerSpec) -> Vec<Step> {
    if !provider.schema().traits.freezes {
        return Vec::new();
    }
    let key = ObjectKey::new("volume.db".parse().unwrap(), Part::VOLUME);
    let disk = disk(container, "/srv/a.img");
    let operation = Operation::Create { after: snapshot(container), source: None };
    let request = Request {
        key,
        container,
        identity: id(9),
        lineage: id(8),
        workspace: "shop",
        evicts: false,
        operation,
    };
    provider.freeze(&request, &disk).unwrap().into()
}

/// Every provider with its containers and every step that it ever makes.
fn all_steps() -> Vec<(&'static dyn Provider, ContainerSpec, Vec<Step>)> {
    CATALOG
        .iter()
        .flat_map(|provider| containers(provider).into_iter().map(move |container| (provider, container)))
        .map(|(provider, container)| {
            let mut all: Vec<Step> = operations(&container)
                .into_iter()
                .filter(|operation| is_possible(&container, operation))
                .flat_map(|operation| steps(provider, &container, operation))
                .collect();
            all.extend(frozen(provider, &container));
            (provider, container, all)
        })
        .collect()
}

fn actions(step: &Step) -> Vec<&Action> {
    match &step.undo {
        Undo::Run(undo) | Undo::RunInSameProcess(undo) => vec![&step.run, undo],
        Undo::Nothing | Undo::Impossible { .. } => vec![&step.run],
    }
}

#[test]
fn names_and_verbs_are_unique_and_every_container_passes_its_own_check() {
    let names: BTreeSet<_> = CATALOG.schemas().iter().map(|schema| (schema.role, schema.name)).collect();
    assert_eq!(names.len(), CATALOG.iter().count());
    for provider in CATALOG.iter() {
        let verbs: BTreeSet<_> = provider.verbs().iter().map(|verb| verb.name).collect();
        assert_eq!(verbs.len(), provider.verbs().len());
        assert!(provider.check(&container(provider)).is_empty());
        assert!(!provider.schema().doc.is_empty());
        assert!(provider.schema().attributes.iter().all(|attribute| !attribute.doc.is_empty()));
    }
}

#[test]
fn an_unchanged_object_yields_no_steps() {
    for provider in CATALOG.iter() {
        let container = container(provider);
        let volume = [volume(&container, "db", 4096), volume(&container, "data", 4096)];
        let samples =
            samples(&container).into_iter().chain((container.address.kind == Kind::Pool).then_some(volume));
        for [record, _] in samples {
            assert!(steps(provider, &container, update(record.clone(), record, true)).is_empty());
        }
    }
}

#[test]
fn every_step_can_be_run_proved_and_told() {
    for (provider, container, steps) in all_steps() {
        for step in steps {
            assert!(!step.proof.done.is_empty() && !step.proof.not_done.is_empty(), "{}", step.id);
            assert_ne!(step.proof.done, step.proof.not_done, "{}", step.id);
            assert!(step.id.0.starts_with(&step.object.to_string()), "{}", step.id);
            assert_eq!(step.guard, provider.guard(&container));
            if let Undo::Impossible { why } = &step.undo {
                assert!(!why.is_empty(), "{}", step.id);
            }
            for action in actions(&step) {
                let frame = CATALOG.frame(action, &step.guard);
                let frame = frame.unwrap_or_else(|why| panic!("{}: {}", step.id, why.detail));
                assert_ne!(frame.effect, Locking::Reads, "{}: {}", step.id, action.verb);
            }
        }
    }
}

#[test]
fn every_verb_is_used_and_reads_only_what_it_is_given() {
    let all = all_steps();
    for provider in CATALOG.iter() {
        let (container, wanted) = (container(provider), BTreeSet::new());
        let scope = Scope { container: &container, identity: None, lineage: id(8), wanted: &wanted };
        let asked = provider.survey(&scope);
        let name = provider.schema().name;
        let actions = all.iter().flat_map(|(_, _, steps)| steps).flat_map(actions);
        let used: BTreeSet<&str> =
            actions.filter(|action| action.provider == name).map(|action| &*action.verb).collect();
        for verb in provider.verbs() {
            let query = asked.iter().find(|query| query.script == verb.script);
            assert!(used.contains(verb.name) || query.is_some(), "{} is dead code", verb.name);
            if let Some(query) = query {
                let given: Vec<&str> = query.variables.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(given, verb.parameters, "{}", verb.name);
                assert_eq!(verb.effect, Locking::Reads);
            }
        }
    }
}

#[test]
fn every_verb_shows_a_command_over_its_own_parameters() {
    for verb in CATALOG.iter().flat_map(Provider::verbs) {
        assert!(!verb.shown.is_empty(), "{}", verb.name);
        for placeholder in verb.shown.split('{').skip(1) {
            let (name, _) = placeholder.split_once('}').unwrap_or_else(|| panic!("{}", verb.shown));
            let name = name.trim_end_matches("...").trim_end_matches("&&");
            assert!(name == "lineage" || verb.parameters.contains(&name), "{}: {name}", verb.name);
        }
    }
    for (_, container, steps) in all_steps() {
        let has_seat =
            CATALOG.of(&container).is_ok_and(|provider| !(provider.schema().seat)(&container).is_empty());
        let place = match container.text("path") {
            "" => container.text("volume_group").to_owned(),
            path => format!(" '{path}/"),
        };
        for action in steps.iter().flat_map(actions) {
            let shown = CATALOG.shown(action, id(8));
            let tells = has_seat || shown.contains(&place) || shown.starts_with("tool ");
            assert!(!shown.contains(['{', '}']) && tells, "{shown}");
        }
    }
    let unknown = Action { verb: "none".into(), ..all_steps()[0].2[0].run.clone() };
    assert_eq!(CATALOG.shown(&unknown, id(8)), unknown.to_string());
}

/// One phase: creating is undone by what destroys. Two phases: a destroy is undone by taking out of the trash, and a
/// create by what removes or keeps.
#[test]
fn creating_and_destroying_are_each_others_inverse() {
    for provider in CATALOG.iter() {
        let container = container(provider);
        let make = |operation| steps(provider, &container, operation).remove(0);
        for [record, _] in samples(&container) {
            let create = make(Operation::Create { after: record.clone(), source: None });
            let destroy = make(Operation::Destroy { live: found(&record), record });
            assert_eq!(create.undo, Undo::Run(destroy.run));
            assert_eq!(destroy.undo, Undo::Run(create.run));
        }
        if container.address.kind == Kind::Pool {
            let record = volume(&container, "db", 4096);
            let create = make(Operation::Create { after: record.clone(), source: None });
            let destroy = make(Operation::Destroy { live: found(&record), record: record.clone() });
            assert!(matches!(destroy.undo, Undo::Run(_)) && matches!(create.undo, Undo::Run(_)));
            assert_ne!(create.undo, Undo::Run(destroy.run.clone()), "an undone create leaves no trash");
            let trashed = destroy.effects.iter().any(|effect| {
                matches!(effect, Effect::Trash(entry)
                if entry.id == record.object.id)
            });
            assert!(trashed, "a destroyed volume is remembered in the trash");
        }
    }
}

/// Whatever is adopted is given back without a trace, keeps its name and size, and is recorded in the same step.
#[test]
fn adopting_writes_nothing_but_a_mark() {
    let adopts = |provider: &&dyn Provider| {
        let schema = provider.schema();
        schema.role == Kind::Pool && schema.name != "command"
    };
    for provider in CATALOG.iter().filter(adopts) {
        let container = container(provider);
        let after = volume(&container, "db", 4096);
        let adopt = |after: &Record, found: Stranger| {
            let operation = Operation::Adopt { after: after.clone(), found };
            let key = after.object.key.clone();
            let (identity, lineage) = (id(9), id(8));
            let container = &container;
            provider.steps(&Request {
                key,
                container,
                identity,
                lineage,
                workspace: "shop",
                evicts: false,
                operation,
            })
        };
        let steps = adopt(&after, stranger(&after)).unwrap();
        assert_eq!(steps.len(), 1);
        assert!(matches!(steps[0].undo, Undo::Run(_)) && steps[0].copies == Bytes::ZERO);
        assert_eq!(steps[0].effects, [Effect::Put(Box::new(after.clone()))]);
        for found in [
            Stranger { name: "other".to_owned(), ..stranger(&after) },
            Stranger { size: Bytes(8192), ..stranger(&after) },
        ] {
            assert!(adopt(&after, found).is_err(), "what is adopted stays as it is");
        }
    }
}

#[test]
fn what_cannot_be_read_is_never_an_absence() {
    let answers = [
        (1, "", "stat: cannot read"),
        (0, "", ""),
        (0, "nonsense", ""),
        (0, "\0", ""),
        (70, "contents\0", "no"),
        (0, "image\tx\0contents\0", ""),
    ];
    for provider in CATALOG.iter() {
        let (container, wanted) = (container(provider), BTreeSet::new());
        let scope = Scope { container: &container, identity: Some(id(9)), lineage: id(8), wanted: &wanted };
        for (status, stdout, stderr) in answers {
            let answer = Answer { status, stdout: stdout.to_owned(), stderr: stderr.to_owned() };
            let read = provider.read(&scope, &[answer]);
            assert!(
                matches!(read, Reading::Done(ContainerView::Unsurveyed { ref why }) if !why.is_empty()),
                "{stdout:?}: {read:?}"
            );
        }
    }
}

/// Whatever stands in an argument arrives as it is, through the transport and a real shell.
#[tokio::test]
async fn every_argument_survives_a_real_shell() {
    let hosts = Hosts::new(BTreeMap::new());
    for verb in CATALOG.iter().flat_map(Provider::verbs) {
        let variables = verb.parameters.iter().map(|name| ((*name).to_owned(), HOSTILE.to_owned())).collect();
        let values: Vec<String> = verb.parameters.iter().map(|name| format!("\"${name}\"")).collect();
        let script = format!("printf '%s<end>' {}", values.join(" ")).leak();
        let answers = hosts.ask(&HostName::local(), &[Query { script, variables }]).await.unwrap();
        let wanted = format!("{HOSTILE}<end>").repeat(verb.parameters.len());
        assert_eq!((answers[0].status, answers[0].stdout.as_str()), (0, wanted.as_str()), "{}", verb.name);
    }
}

/// A frame on a container that does not exist changes nothing and says so, whatever its arguments are.
#[tokio::test]
async fn a_frame_on_a_missing_container_changes_nothing() {
    let hosts = Hosts::new(BTreeMap::new());
    let fence = Fence { lineage: id(8), epoch: 1, wait_seconds: 1, holder: "laws".to_owned() };
    for (_, _, steps) in all_steps() {
        for step in steps {
            let frame: Frame = CATALOG.frame(&step.run, &step.guard).unwrap();
            if frame.effect != Locking::Guarded {
                continue;
            }
            match hosts.act(&HostName::local(), &frame, &fence).await {
                Verdict::Answered(answer) => {
                    assert_eq!(answer.status, crate::model::command::status::GONE, "{}", step.id);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
