//! Laws that hold for every provider in the catalogue, so that adding one to the table is enough to have it checked.

mod templates;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{CATALOG, Provider, Reading, Scope};
use crate::hosts::{Fence, Hosts, Verdict};
use crate::model::command::{Action, Answer, Effect as Locking, Frame, Query};
use crate::model::schema::{Attribute, AttributeType};
use crate::model::{
    Access, Body, Bus, Bytes, ContainerBody, ContainerRecord, ContainerSpec, ContainerView, DiskBody,
    ExportBody, GrantBody, Health, HostName, Kind, Link, Login, Mark, Object, ObjectKey, Observed, OnDestroy,
    Part, Place, PoolPolicy, Presence, READY, Record, SessionBody, Setting, SnapshotBody, SourceRef,
    Stranger, TrashEntry, VolumeBody,
};
use crate::plan::step::{Effect, Operation, Request, Step, Undo};
use templates::command;

/// What a value may hold without becoming a command: all that means something to a shell.
const HOSTILE: &str = "a b\t'\"\\`$(exit 9)${IFS};&|<>*?[x]~#!\r\u{7f}\u{fc}\nEOF\n-rf";

fn id(number: u128) -> Uuid {
    uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid()
}

/// A container of this provider with a value for every attribute.
fn container(provider: &dyn Provider) -> ContainerSpec {
    container_with(provider, |_| true, None)
}

/// A value of a text that has a form of its own.
fn example(attribute: &str) -> &'static str {
    match attribute {
        "socket" => "/run/vms/{vm}.qmp",
        _ => "text",
    }
}

/// Containers of every kind that this provider knows: with every attribute, with those only that it needs, and with
/// every way to wipe.
fn containers(provider: &dyn Provider) -> Vec<ContainerSpec> {
    let wipes = [None, Some("discard"), Some("none")];
    let all = wipes.map(|wipe| container_with(provider, |_| true, wipe));
    let few = wipes.map(|wipe| container_with(provider, |attribute| attribute.required, wipe));
    all.into_iter().chain(few).collect()
}

/// The commands of a target server.
fn commands(verb: &str) -> Setting {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Setting::Lists(match verb {
        "export" => vec![
            words(&["tool", "new", "{number}", "{target}"]),
            words(&["tool", "lun", "{number}", "{device}"]),
        ],
        "grant" => vec![words(&["tool", "allow", "{target}", "{initiator}", "{chap_user}", "{chap_secret}"])],
        "revoke" => vec![words(&["tool", "deny", "{target}", "{initiator}"])],
        verb => vec![words(&["tool", verb, "{number}", "{device}"])],
    })
}

fn container_with(
    provider: &dyn Provider,
    has: impl Fn(&Attribute) -> bool,
    wipe: Option<&str>,
) -> ContainerSpec {
    let schema = provider.schema();
    let settings = (schema.attributes.iter())
        .filter(|attribute| match schema.name {
            // Which attributes go together is not said by which are required; JSON needs no pattern.
            "command" => {
                let of_lines = [".pattern", ".heading", ".ignore"];
                !of_lines.iter().any(|end| attribute.name.ends_with(end))
                    && !attribute.name.starts_with("stdin.")
            }
            _ => has(attribute),
        })
        .map(|attribute| {
            let value = match attribute.kind {
                AttributeType::Commands => commands(attribute.name),
                _ if schema.name == "command" => command(attribute.name),
                // What is not free text has its default.
                AttributeType::Text if attribute.default.is_some() => attribute.default.clone().unwrap(),
                _ if attribute.name == "portals" => Setting::List(Vec::new()),
                AttributeType::Text if attribute.name == "portal" => {
                    Setting::Text("10.0.0.2:3260".to_owned())
                }
                AttributeType::Text if attribute.name == "iqn_prefix" => {
                    Setting::Text("iqn.2026-11.vbs.shop".to_owned())
                }
                AttributeType::Path => Setting::Text("/srv/some where".to_owned()),
                AttributeType::Text => Setting::Text(example(attribute.name).to_owned()),
                AttributeType::Bool => Setting::Bool(true),
                AttributeType::Login => attribute.default.clone().unwrap(),
                AttributeType::TextList => Setting::List(vec!["text".to_owned()]),
            };
            (attribute.name.to_owned(), value)
        })
        .collect();
    schema.seated(ContainerSpec {
        address: crate::model::Address::new(schema.role, "here"),
        provider: schema.name.to_owned(),
        host: HostName::local(),
        settings,
        policy: PoolPolicy { wipe: wipe.map(str::to_owned), ..PoolPolicy::default() },
    })
}

fn record(container: &ContainerSpec, address: &str, part: Part, number: u128, body: Body) -> Record {
    Record {
        object: Object {
            key: ObjectKey::new(address.parse().unwrap(), part),
            id: id(number),
            container: container.address.clone(),
            body,
        },
        prevent_destroy: false,
        on_destroy: OnDestroy::Trash,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
    }
}

fn volume(container: &ContainerSpec, name: &str, size: u64) -> Record {
    let body = VolumeBody { name: name.to_owned(), size: Bytes(size), serial: "s1".to_owned(), source: None };
    record(container, "volume.db", Part::VOLUME, 1, Body::Volume(body))
}

fn snapshot(container: &ContainerSpec) -> Record {
    let origin = SourceRef { id: id(1), address: "volume.db".parse().unwrap() };
    let body = SnapshotBody { name: "snap".to_owned(), size: Bytes(4096), origin, reserve: None };
    record(container, "snapshot.s", Part::SNAPSHOT, 2, Body::Snapshot(body))
}

fn disk(container: &ContainerSpec, host_path: &str) -> Record {
    let configures = CATALOG.of(container).unwrap().schema().traits.configures;
    let body = DiskBody {
        vm: "web".to_owned(),
        device: "vda".to_owned(),
        bus: Bus::Virtio,
        access: Access::ReadWrite,
        shared: false,
        source: SourceRef { id: id(1), address: "volume.db".parse().unwrap() },
        serial: "s1".to_owned(),
        host_path: host_path.to_owned(),
        network: None,
        through: None,
        presence: configures.then(Presence::ready),
        size: None,
    };
    record(container, "attachment.a", Part::DISK, 3, Body::Disk(body))
}

fn login(fingerprint: &str) -> Option<Login> {
    let [user, secret] = ["user", "chap/user"].map(str::to_owned);
    Some(Login { user, secret, fingerprint: fingerprint.to_owned() })
}

const TARGET: &str = "iqn.2026-11.vbs.shop:5f1c9a3e-0000-4000-8000-000000000001";
const INITIATOR: &str = "iqn.2026-11.vbs.shop:host.kvm1";

fn export(container: &ContainerSpec, state: &str) -> Record {
    let body = ExportBody {
        source: SourceRef { id: id(1), address: "volume.db".parse().unwrap() },
        target: TARGET.to_owned(),
        portals: vec!["10.0.0.2:3260".to_owned()],
        serial: id(1).to_string(),
        device: "/dev/vg0/a".to_owned(),
        access: Access::ReadWrite,
        size: None,
        others: Vec::new(),
        state: state.to_owned(),
    };
    record(container, "volume.db", Part::EXPORT, 4, Body::Export(body))
}

fn grant(container: &ContainerSpec, state: &str) -> Record {
    let export = Link { key: ObjectKey::new("volume.db".parse().unwrap(), Part::EXPORT), id: id(4) };
    let body = GrantBody {
        export,
        target: TARGET.to_owned(),
        initiator: INITIATOR.to_owned(),
        access: Access::ReadWrite,
        login: login("00112233aabbccdd"),
        mutual: None,
        state: state.to_owned(),
    };
    record(container, "volume.db", Part::grant("kvm1"), 5, Body::Grant(body))
}

fn session(container: &ContainerSpec, size: u64, fingerprint: &str) -> Record {
    let body = SessionBody {
        grant: Link { key: ObjectKey::new("volume.db".parse().unwrap(), Part::grant("kvm1")), id: id(5) },
        target: TARGET.to_owned(),
        portals: vec!["10.0.0.2:3260".to_owned()],
        lun: 0,
        initiator: INITIATOR.to_owned(),
        login: login(fingerprint),
        mutual: None,
        serial: id(1).to_string(),
        access: Access::ReadWrite,
        device: "/dev/disk/by-id/wwn-0x6001405".to_owned(),
        size: Some(Bytes(size)),
        state: "logged_in".to_owned(),
    };
    record(container, "volume.db", Part::session("kvm1"), 6, Body::Session(body))
}

/// What is made in a container of this role, each as it is and changed in a way that needs no other object.
fn samples(container: &ContainerSpec) -> Vec<[Record; 2]> {
    match container.address.kind {
        Kind::Hypervisor => {
            let paths = match container.provider.as_str() {
                // It takes block devices alone.
                "xen" => ["/dev/vg0/a", "/dev/vg0/b"],
                _ => ["/srv/a.img", "/srv/b.img"],
            };
            let [one, two] = paths.map(|path| disk(container, path));
            let mut grown = one.clone();
            grown.object.body.show(Some(Bytes(8192)));
            let keeps_size = CATALOG.of(container).unwrap().schema().traits.keeps_size;
            let growing = keeps_size.then(|| [one.clone(), grown]);
            std::iter::once([one, two]).chain(growing).collect()
        }
        Kind::Export => {
            let mut moved = export(container, READY);
            if let Body::Export(body) = &mut moved.object.body {
                "/dev/vg0/b".clone_into(&mut body.device);
            }
            vec![
                [READY, "not_saved"].map(|state| export(container, state)),
                [READY, "not_saved"].map(|state| grant(container, state)),
                [export(container, READY), moved],
            ]
        }
        Kind::Initiator => {
            vec![
                [(4096, "00112233aabbccdd"), (8192, "ffffffffffffffff")]
                    .map(|(size, print)| session(container, size, print)),
            ]
        }
        _ => Vec::new(),
    }
}

fn found(record: &Record) -> Observed {
    Observed {
        mark: Mark {
            lineage: id(8),
            id: record.object.id,
            workspace: "shop".to_owned(),
            address: record.object.key.address.to_string(),
        },
        place: Place::Live,
        body: record.object.body.clone(),
        health: Health::Good,
        open: false,
        notes: BTreeMap::new(),
    }
}

/// The same without a mark.
fn stranger(record: &Record) -> Stranger {
    Stranger {
        name: record.object.body.name().unwrap().to_owned(),
        reference: "123:456".to_owned(),
        size: record.object.body.size(),
        origin: None,
        open: false,
        why_not: None,
    }
}

fn update(before: Record, after: Record, attached: bool) -> Operation {
    Operation::Update { live: found(&before), before, after, attached }
}

/// What is in a VM's configuration and not in the VM, for those who tell the two apart.
fn mended(container: &ContainerSpec) -> Option<Operation> {
    let record = samples(container).remove(0)[0].clone();
    let mut live = found(&record);
    match &mut live.body {
        Body::Disk(DiskBody { presence: Some(presence), .. }) => presence.live = "missing".to_owned(),
        _ => return None,
    }
    Some(Operation::Update { before: record.clone(), after: record, live, attached: true })
}

/// One of every operation that a provider of this role is asked for.
fn operations(container: &ContainerSpec) -> Vec<Operation> {
    let makes = vec!["/srv".to_owned(), "/srv/some where".to_owned()];
    let mut all = vec![
        Operation::Join { body: ContainerBody { makes: makes.clone() }, exists: false },
        Operation::Release { record: ContainerRecord { spec: container.clone(), identity: id(9), makes } },
    ];
    if container.address.kind != Kind::Pool {
        for [one, two] in samples(container) {
            all.extend([
                Operation::Create { after: one.clone(), source: Some(volume(container, "db", 4096)) },
                update(one.clone(), two, false),
                Operation::Destroy { live: found(&one), record: one },
            ]);
        }
        all.extend(mended(container));
        return all;
    }
    let [small, large] = [volume(container, "db", 4096), volume(container, "data", 8192)];
    let snapshot = snapshot(container);
    let entry = TrashEntry { id: id(1), record: small.clone(), purge: false, trashed_at: 0 };
    all.extend([
        Operation::Create { after: small.clone(), source: None },
        Operation::Create { after: large.clone(), source: Some(snapshot.clone()) },
        Operation::Create { after: snapshot.clone(), source: Some(small.clone()) },
        update(small.clone(), large.clone(), false),
        update(small.clone(), large, true),
        Operation::Restore {
            record: small.clone(),
            snapshot: snapshot.clone(),
            trash: id(7),
            live: found(&small),
        },
        Operation::Destroy { record: small.clone(), live: found(&small) },
        Operation::Destroy { live: found(&snapshot), record: snapshot },
        Operation::Purge { entries: vec![entry.clone()] },
        Operation::Adopt { found: stranger(&small), after: small.clone() },
        Operation::TakeOutOfTrash { entry, after: small },
    ]);
    all
}

/// No template marks or overwrites what is there, or moves a disk, nor does Xen, and the plan says so.
fn is_possible(container: &ContainerSpec, operation: &Operation) -> bool {
    let moves_disks = container.address.kind == Kind::Hypervisor;
    match operation {
        Operation::Update { before, after, .. } if container.provider == "xen" => {
            let path = |record: &Record| match &record.object.body {
                Body::Disk(disk) => disk.host_path.clone(),
                _ => String::new(),
            };
            path(before) == path(after)
        }
        _ if container.provider != "command" => true,
        Operation::Restore { .. } | Operation::Adopt { .. } => false,
        Operation::Update { .. } => !moves_disks,
        _ => true,
    }
}

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
