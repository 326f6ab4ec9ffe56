use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::model::{
    Access, Address, Body, ExportBody, GrantBody, Health, HostName, Kind, Link, Login, Object, ObjectKey,
    Observed, OnDestroy, Part, Place, PoolPolicy, READY, Record, Setting, SourceRef,
};
use crate::plan::step::{Operation, Undo};
use crate::providers::seat;

const TARGET: &str = "iqn.2026-11.vbs.shop:5f1c9a3e-0000-4000-8000-000000000001";
const SERIAL: &str = "5f1c9a3e-0000-4000-8000-000000000001";
const INITIATOR: &str = "iqn.2026-11.vbs.shop:host.kvm1";

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn container() -> ContainerSpec {
    let setting = |text: &str| Setting::Text(text.to_owned());
    let settings = [("portal", "127.0.0.1:3260"), ("chap", "auto"), ("mutual_chap", "off")];
    LioExport.schema().seated(ContainerSpec {
        address: Address::new(Kind::Export, "fast"),
        provider: "lio".into(),
        host: HostName("store1".into()),
        settings: settings.map(|(name, text)| (name.to_owned(), setting(text))).into(),
        policy: PoolPolicy::default(),
    })
}

fn export() -> ExportBody {
    ExportBody {
        source: SourceRef { id: id(5), address: Address::new(Kind::Volume, "db") },
        target: TARGET.into(),
        portals: vec!["127.0.0.1:3260".into()],
        serial: SERIAL.into(),
        device: "/dev/vg9/lv".into(),
        access: Access::ReadWrite,
        size: None,
        others: Vec::new(),
        state: READY.into(),
    }
}

fn grant() -> GrantBody {
    let key = ObjectKey::new(Address::new(Kind::Volume, "db"), Part::EXPORT);
    GrantBody {
        export: Link { key, id: id(1) },
        target: TARGET.into(),
        initiator: INITIATOR.into(),
        access: Access::ReadWrite,
        login: Some(Login {
            user: "vbs-in".into(),
            secret: "chap/x".into(),
            fingerprint: "4f6cdd0ae0eda4f6".into(),
        }),
        mutual: None,
        state: READY.into(),
    }
}

fn record(number: u128, part: Part, body: Body) -> Record {
    let key = ObjectKey::new(Address::new(Kind::Volume, "db"), part);
    Record {
        object: Object { key, id: id(number), container: container().address, body },
        prevent_destroy: false,
        on_destroy: OnDestroy::Purge,
        labels: Default::default(),
        depends_on: Vec::new(),
    }
}

fn records() -> [Record; 2] {
    [record(1, Part::EXPORT, Body::Export(export())), record(2, Part::grant("kvm1"), Body::Grant(grant()))]
}

/// As Linux 6.1 answers, with the mark of an export and of a grant. Taken from a run of the scripts; columns are tabs.
const KERNEL: [&str; 7] = [
    "target {T} 1 0 1",
    "portal {T} 127.0.0.1:3260",
    "lun {T} vbs.{L}.{E} /dev/disk/by-id/dm-uuid-LVM-zJud7C69 {S}",
    "acl {T} {I} 0 vbs-in 4f6cdd0ae0eda4f6    yes",
    "saved {T}",
    "name /dev/vg9/lv /dev/dm-0",
    "name /dev/disk/by-id/dm-uuid-LVM-zJud7C69 /dev/dm-0",
];

/// What is observed where one line of the answer is another one.
fn look(changed: &[(&str, &str)]) -> Vec<Observed> {
    let mut stdout =
        format!("identity\t{{\"format\":1,\"identity\":\"{}\"}}\0epoch\t3\0room\t4096 10 10\0", id(9));
    for line in KERNEL {
        let word = line.split(' ').next().unwrap();
        let line = changed.iter().find(|(which, _)| *which == word).map_or(line, |(_, line)| line);
        for line in line.lines() {
            let line = line.replace(' ', "\t").replace("{T}", TARGET).replace("{I}", INITIATOR);
            let line = line
                .replace("{S}", SERIAL)
                .replace("{L}", &id(7).to_string())
                .replace("{E}", &id(1).to_string());
            stdout.push_str(&format!("{line}\0"));
        }
    }
    let marks = records().map(|record| {
        let mark = seat::mark_of(&record.object, "shop");
        format!("{{\"format\":1,\"lineage\":\"{}\",\"id\":\"{}\",{mark}\n", id(7), record.object.id)
    });
    stdout.push_str(&format!("mark\t{}.json\0mark\t{}.json\0contents\0{}", id(1), id(2), marks.concat()));
    let answer = Answer { status: 0, stdout, stderr: String::new() };
    let (container, wanted) = (container(), BTreeSet::new());
    let scope = Scope { container: &container, identity: Some(id(9)), lineage: id(7), wanted: &wanted };
    match LioExport.read(&scope, &[answer]) {
        Reading::Done(crate::model::ContainerView::Present(found)) => found.objects,
        other => panic!("{other:?}"),
    }
}

fn fact(observed: &[Observed], which: usize, name: &str) -> String {
    observed[which].facts().remove(name).unwrap()
}

#[test]
fn what_was_made_is_found_as_it_was_made() {
    let found = look(&[]);
    for (observed, record) in found.iter().zip(records()) {
        let mut facts = record.object.body.facts();
        facts.insert("place", "live".into());
        facts.insert("health", "good".into());
        assert_eq!(observed.facts(), facts);
    }
}

#[test]
fn every_drift_is_named() {
    let gone = look(&[("target", ""), ("portal", ""), ("lun", ""), ("acl", ""), ("saved", "")]);
    assert_eq!([gone[0].place, gone[1].place], [Place::Vanished; 2], "their marks are left");
    assert_eq!(fact(&look(&[("target", "target {T} 0 0 1")]), 0, "state"), "disabled");
    assert_eq!(fact(&look(&[("target", "target {T} 1 0 0")]), 0, "state"), "wrong_authentication");
    assert_eq!(fact(&look(&[("target", "target {T} 1 1 1")]), 0, "others"), "any");
    assert_eq!(fact(&look(&[("lun", "")]), 0, "state"), "no_lun");
    assert_eq!(fact(&look(&[("saved", "")]), 0, "state"), "not_saved");
    assert_eq!(fact(&look(&[("saved", ""), ("acl", "")]), 0, "state"), READY, "nobody is let in yet");
    assert_eq!(fact(&look(&[("portal", "portal {T} 0.0.0.0:3260")]), 0, "portals"), "0.0.0.0:3260");
    let widened = format!("{}\nacl {{T}} iqn.x:evil 0      yes", KERNEL[3]);
    assert_eq!(fact(&look(&[("acl", &widened)]), 0, "others"), "iqn.x:evil");
    let shut_out = look(&[("acl", "")]);
    assert_eq!([shut_out[0].place, shut_out[1].place], [Place::Live, Place::Vanished]);
    assert_eq!(
        fact(&look(&[("acl", "acl {T} {I} 1 vbs-in 4f6cdd0ae0eda4f6    yes")]), 1, "access"),
        "read_only"
    );
    assert_eq!(
        fact(&look(&[("acl", "acl {T} {I} 0 vbs-in ffffffffffffffff    yes")]), 1, "login"),
        "vbs-in ffffffffffffffff"
    );
    assert_eq!(fact(&look(&[("acl", "acl {T} {I} 0      yes")]), 1, "login"), "none");
    assert_eq!(fact(&look(&[("acl", "acl {T} {I} 0 vbs-in 4f6cdd0ae0eda4f6    ")]), 1, "state"), "not_saved");
}

#[test]
fn a_device_is_what_it_leads_to_and_another_backstore_is_not_ours() {
    let renamed = look(&[("name", "")]);
    assert_eq!(fact(&renamed, 0, "device"), "/dev/disk/by-id/dm-uuid-LVM-zJud7C69");
    let moved =
        look(&[("name", "name /dev/vg9/lv /dev/dm-1\nname /dev/disk/by-id/dm-uuid-LVM-zJud7C69 /dev/dm-0")]);
    assert_eq!(fact(&moved, 0, "device"), "/dev/disk/by-id/dm-uuid-LVM-zJud7C69");
    let other = look(&[("lun", "lun {T} somebody /dev/sdx {S}")]);
    assert!(matches!(other[0].health, Health::Replaced { .. }));
}

fn steps(operation: Operation) -> Result<Vec<Step>, Diagnostic> {
    let container = container();
    let key = records()[0].object.key.clone();
    LioExport.steps(&Request {
        key,
        container: &container,
        identity: id(9),
        lineage: id(7),
        workspace: "shop",
        evicts: false,
        operation,
    })
}

#[test]
fn a_file_is_refused_before_anything_is_done() {
    let file = Body::Export(ExportBody { device: "/srv/pool/db.img".into(), ..export() });
    let refused =
        steps(Operation::Create { after: record(1, Part::EXPORT, file), source: None }).unwrap_err();
    assert!(refused.detail.contains("/srv/pool/db.img"), "{}", refused.detail);
}

#[test]
fn access_is_taken_back_and_a_secret_of_somebody_else_is_not() {
    let [_, record] = records();
    let update = |changed: (&'static str, &'static str)| {
        let live = look(&[changed]).remove(1);
        let operation =
            Operation::Update { before: record.clone(), after: record.clone(), live, attached: true };
        steps(operation).unwrap().remove(0)
    };
    let access = update(("acl", "acl {T} {I} 1 vbs-in 4f6cdd0ae0eda4f6    yes"));
    let Undo::Run(undo) = &access.undo else { panic!("{:?}", access.undo) };
    assert_eq!((undo.arguments.get("access"), undo.secrets.len()), (Some("read_only"), 1));
    let secret = update(("acl", "acl {T} {I} 0 vbs-in ffffffffffffffff    yes"));
    assert_eq!(secret.undo, Undo::Nothing);
    assert!(!format!("{:?}", secret.run.arguments).contains("ffffffff"));
}

/// What is left of a target that is gone is removed by the same command, and nothing of it is put back.
#[test]
fn what_is_left_of_a_target_is_removed_for_good() {
    let gone = look(&[("target", ""), ("portal", ""), ("lun", ""), ("acl", ""), ("saved", "")]);
    for (record, live) in records().into_iter().zip(gone) {
        let whole = Observed { place: Place::Live, ..live.clone() };
        let [destroy, clear] = [whole, live]
            .map(|live| steps(Operation::Destroy { record: record.clone(), live }).unwrap().remove(0));
        assert_eq!(
            (&clear.run, &clear.undo, &clear.proof.done),
            (&destroy.run, &Undo::Nothing, &destroy.proof.done)
        );
        assert!(matches!(destroy.undo, Undo::Run(_)));
    }
}
