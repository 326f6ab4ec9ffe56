use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::model::{
    Access, Address, Body, Bytes, ContainerView, HostName, Link, Login, Object, ObjectKey, Observed,
    OnDestroy, Part, Record, SessionBody,
};
use crate::plan::step::{Operation, Undo};
use crate::providers::seat;

const TARGET: &str = "iqn.2026-11.vbs.shop:5f1c9a3e-0000-4000-8000-000000000001";
const SERIAL: &str = "5f1c9a3e-0000-4000-8000-000000000001";

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn container() -> ContainerSpec {
    OpenIscsi
        .schema()
        .seated(ContainerSpec::initiator(Address::new(Kind::Initiator, "kvm1"), HostName("kvm1".into())))
}

fn login(user: &str, fingerprint: &str) -> Login {
    Login { user: user.into(), secret: format!("chap/{user}"), fingerprint: fingerprint.into() }
}

fn body() -> SessionBody {
    SessionBody {
        grant: Link { key: ObjectKey::new(Address::new(Kind::Volume, "db"), Part::grant("kvm1")), id: id(2) },
        target: TARGET.into(),
        portals: vec!["10.0.0.2:3260".into()],
        lun: 0,
        initiator: "iqn.2026-11.vbs.shop:host.kvm1".into(),
        login: Some(login("vbs-in", "00112233aabbccdd")),
        mutual: None,
        serial: SERIAL.into(),
        access: Access::ReadWrite,
        device: "/dev/disk/by-id/wwn-0x60014055f1c9a3e000040008000".into(),
        size: Some(Bytes(64 << 20)),
        state: "logged_in".into(),
    }
}

fn record(body: SessionBody) -> Record {
    let key = ObjectKey::new(Address::new(Kind::Volume, "db"), Part::session("kvm1"));
    let container = container().address;
    Record {
        object: Object { key, id: id(1), container, body: Body::Session(body) },
        prevent_destroy: false,
        on_destroy: OnDestroy::Purge,
        labels: Default::default(),
        depends_on: Vec::new(),
    }
}

/// What a host answers that has this session's mark and these lines of its own.
fn look(lines: &[&str]) -> Observed {
    let mark = seat::mark_of(&record(body()).object, "shop");
    let mark = format!("{{\"format\":1,\"lineage\":\"{}\",\"id\":\"{}\",{mark}\n", id(7), id(1));
    let mut stdout =
        format!("identity\t{{\"format\":1,\"identity\":\"{}\"}}\0epoch\t3\0room\t4096 10 10\0", id(9));
    lines.iter().for_each(|line| stdout.push_str(&format!("{}\0", line.replace(' ', "\t"))));
    stdout.push_str(&format!("mark\t{}.json\0contents\0{mark}", id(1)));
    let answer = Answer { status: 0, stdout, stderr: String::new() };
    let (container, wanted) = (container(), BTreeSet::new());
    let scope = Scope { container: &container, identity: Some(id(9)), lineage: id(7), wanted: &wanted };
    let Reading::Done(ContainerView::Present(mut found)) = OpenIscsi.read(&scope, &[answer]) else {
        panic!()
    };
    found.objects.remove(0)
}

fn fact(observed: &Observed, name: &str) -> String {
    observed.facts().remove(name).unwrap()
}

#[test]
fn every_way_in_which_a_session_is_not_there_has_a_word() {
    let session = format!("session 1 {TARGET} LOGGED_IN vbs.shop iqn.2026-11.vbs.shop:host.kvm1");
    let disk = format!("disk 1 sdb running 131072 0 {SERIAL}");
    let name = format!("name {} /dev/sdb", body().device);
    let record = format!("record {TARGET} CHAP vbs-in 00112233aabbccdd  ");
    let good = look(&[&session, &disk, &record, &name]);
    assert_eq!(good.facts(), {
        let mut facts = Body::Session(body()).facts();
        facts.insert("place", "live".into());
        facts.insert("health", "good".into());
        facts
    });
    let states = [
        (vec![record.as_str()], "logged_out"),
        (vec![&session, &record], "no_disk"),
        (vec![&session, &disk, &record], "no_device"),
        (vec![&session, "disk 1 sdb transport-offline 131072 0 x"], "offline"),
    ];
    for (lines, state) in states {
        assert_eq!(fact(&look(&lines), "state"), state, "{lines:?}");
    }
    let failed = session.replace("LOGGED_IN", "FAILED");
    assert_eq!(fact(&look(&[&failed, &disk, &name]), "state"), "failed");
    let second = session.replace("session 1", "session 2");
    assert_eq!(fact(&look(&[&session, &second, &disk, &name]), "state"), "logged_in_twice");
    let foreign = session.replace("vbs.shop iqn", "default iqn");
    assert_eq!(
        fact(&look(&[&foreign, &disk, &name]), "state"),
        "logged_out",
        "another one's session is not ours"
    );
}

#[test]
fn another_disk_another_secret_and_growth_are_seen() {
    let session = format!("session 1 {TARGET} LOGGED_IN vbs.shop iqn.2026-11.vbs.shop:host.kvm1");
    let wrong = look(&[&session, "disk 1 sdb running 131072 0 somebody-else"]);
    assert_eq!(fact(&wrong, "health"), "replaced");
    let changed = look(&[&session, &format!("record {TARGET} CHAP vbs-in ffffffffffffffff  ")]);
    assert_eq!(fact(&changed, "login"), "vbs-in ffffffffffffffff");
    let open = look(&[&session, &format!("record {TARGET} None    ")]);
    assert_eq!(fact(&open, "login"), "none");
    let larger = look(&[&session, &format!("disk 1 sdb running 262144 0 {SERIAL}")]);
    assert_eq!(fact(&larger, "size"), (128_u64 << 20).to_string());
}

fn request(operation: Operation) -> Vec<crate::plan::step::Step> {
    let container = container();
    let key = record(body()).object.key;
    let request = Request {
        key,
        container: &container,
        identity: id(9),
        lineage: id(7),
        workspace: "shop",
        evicts: false,
        operation,
    };
    OpenIscsi.steps(&request).unwrap()
}

#[test]
fn secrets_are_named_and_no_argument_holds_one() {
    let steps = request(Operation::Create { after: record(body()), source: None });
    let [step] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(step.run.secrets, ["chap/vbs-in"]);
    let Undo::Run(undo) = &step.undo else { panic!() };
    assert!(undo.secrets.is_empty());
}

#[test]
fn a_session_that_was_lost_is_logged_in_again_before_its_disk_is_read_anew() {
    let live = look(&[&format!("record {TARGET} CHAP vbs-in 00112233aabbccdd  ")]);
    let grown = SessionBody { size: Some(Bytes(128 << 20)), ..body() };
    let operation = Operation::Update { before: record(body()), after: record(grown), live, attached: true };
    let steps = request(operation);
    let verbs: Vec<&str> = steps.iter().map(|step| &*step.run.verb).collect();
    assert_eq!(verbs, ["login"], "a disk that comes back has its new size already");
    let session = format!("session 1 {TARGET} LOGGED_IN vbs.shop iqn.2026-11.vbs.shop:host.kvm1");
    let disk = format!("disk 1 sdb running 131072 0 {SERIAL}");
    let name = format!("name {} /dev/sdb", body().device);
    let live = look(&[&session, &disk, &name, &format!("record {TARGET} CHAP vbs-in ffffffffffffffff  ")]);
    let grown = SessionBody { size: Some(Bytes(128 << 20)), ..body() };
    let steps =
        request(Operation::Update { before: record(body()), after: record(grown), live, attached: true });
    let verbs: Vec<&str> = steps.iter().map(|step| &*step.run.verb).collect();
    assert_eq!(verbs, ["login", "rescan"], "another secret is for the next login, and the disk is there");
    assert!(!steps[0].is_irreversible() && steps[1].is_irreversible());
}

#[test]
fn every_finding_of_the_host_is_explained_once() {
    let script = include_str!("scripts/examine.sh");
    let said = "twice\tiqn.x:a\nheld\tsdb by dm-0\ntwice\tiqn.x:a\nunheard-of\tx\n";
    let answer = Answer { status: 0, stdout: said.to_owned(), stderr: String::new() };
    let dangers = OpenIscsi.dangers(&container(), &[answer]);
    let what: Vec<&str> = dangers.iter().map(|danger| danger.what.as_str()).collect();
    assert_eq!(what.len(), 2, "{what:?}");
    assert!(what[0].starts_with("iqn.x:a is known to this host") && what[1].ends_with("sdb by dm-0"));
    // What the script may print, each with words for it.
    let words =
        script.split("printf '").skip(1).filter_map(|rest| rest.split_once("\\t")).map(|(word, _)| word);
    let words: BTreeSet<&str> = words.collect();
    assert_eq!(words.len(), 8, "{words:?}");
    assert!(words.iter().all(|word| danger::explain(word, "x").is_some()), "{words:?}");
}
