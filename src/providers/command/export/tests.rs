#![expect(clippy::disallowed_methods, reason = "tests run the templates on a real tgtd")]

use std::fs;
use std::sync::Arc;

use super::*;
use crate::model::{
    Access, Body, Bytes, ContainerView, ExportBody, GrantBody, Kind, Link, Login, Observed, Place, READY,
    Record, Setting, SourceRef,
};
use crate::plan::step::{Operation, Step, Undo};
use crate::providers::store::testing::{Bench, SECRET, id};
use crate::providers::tgt::server::Server;

const INITIATOR: &str = "iqn.2026-11.vbs.shop:host.kvm1";
const SIZE: u64 = 16 << 20;
const HEADING: &str = r"^Target (?<number>\d+): (?<target>\S+)$";

/// Templates of `tgtadm` as in examples/tgtadm.vbs.hcl, a tgtd, and a target of somebody else.
struct Site {
    bench: Bench,
    server: Arc<Server>,
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

impl Site {
    fn new() -> Option<Site> {
        let server = Arc::new(Server::start()?);
        let bench = Bench::unjoined(Kind::Export, "command");
        for name in ["db.img", "other.img"] {
            fs::write(bench.root.path().join(name), vec![0; SIZE as usize]).unwrap();
        }
        let mut site = Site { bench, server };
        for (name, value) in [
            ("portal", format!("127.0.0.1:{}", site.server.port)),
            ("lun", "1".to_owned()),
            ("by_id", "/dev/disk/by-id/wwn-0x{naa}".to_owned()),
            ("chap", "off".to_owned()),
            ("mutual_chap", "off".to_owned()),
            ("list.heading", HEADING.to_owned()),
            ("list.pattern", r"^ +Backing store path: (?<device>/\S+)$".to_owned()),
            ("list.ignore", ".".to_owned()),
            ("grants.heading", HEADING.to_owned()),
            ("grants.pattern", r"^ {8}(?<initiator>(iqn|eui|naa)\.\S+|ALL)$".to_owned()),
            ("grants.ignore", ".".to_owned()),
        ] {
            site.set(name, &value);
        }
        let list = site.adm("--op show --mode target");
        for reader in ["list.command", "grants.command"] {
            site.bench.container.settings.insert(reader.to_owned(), Setting::List(list.clone()));
        }
        let on_lun = "--mode logicalunit --tid {number} --lun {lun}";
        let reopen =
            ["online=0", "path={device}"].map(|what| format!("--op update {on_lun} --params {what}"));
        site.commands("export", &[
            "--op new --mode target --tid {number} -T {target}",
            &format!("--op new {on_lun} -b {{device}}"),
            &format!("--op update {on_lun} --params scsi_sn={{serial}},scsi_id={{scsi_id}},readonly={{readonly}}"),
        ]);
        site.commands("withdraw", &["--op delete --mode target --tid {number}"]);
        site.commands("grant", &["--op bind --mode target --tid {number} -Q {initiator}"]);
        site.commands("revoke", &["--op unbind --mode target --tid {number} -Q {initiator}"]);
        for verb in ["update", "grow"] {
            site.commands(verb, &reopen.each_ref().map(String::as_str));
        }
        assert_eq!(site.faults(), []);
        let theirs = "--op new --mode target --tid 1 -T iqn.2001-04.com.example:theirs";
        site.server.adm(&theirs.split(' ').collect::<Vec<_>>());
        let join = site.bench.join(Vec::new());
        site.bench.succeed(&join.run);
        let shown = site.server.clone();
        site.bench.beside = Some(Box::new(move || shown.show()));
        Some(site)
    }

    fn faults(&self) -> Vec<crate::model::schema::Fault> {
        (CommandExport.schema().check_settings)(&self.bench.container)
    }

    fn set(&mut self, name: &str, text: &str) {
        self.bench.container.settings.insert(name.to_owned(), Setting::Text(text.to_owned()));
    }

    fn adm(&self, arguments: &str) -> Vec<String> {
        words(&format!("tgtadm -C {} --lld iscsi {arguments}", self.server.control))
    }

    fn commands(&mut self, verb: &str, all: &[&str]) {
        let all = all.iter().map(|arguments| self.adm(arguments)).collect();
        self.bench.container.settings.insert(verb.to_owned(), Setting::Lists(all));
    }

    fn device(&self, name: &str) -> String {
        self.bench.root.path().join(name).to_str().unwrap().to_owned()
    }

    fn target(&self) -> String {
        format!("iqn.2026-11.vbs.shop:{}", id(50))
    }

    fn export(&self) -> Record {
        let body = ExportBody {
            source: SourceRef { id: id(50), address: "volume.db".parse().unwrap() },
            target: self.target(),
            portals: vec![format!("127.0.0.1:{}", self.server.port)],
            serial: id(50).to_string(),
            device: self.device("db.img"),
            access: Access::ReadWrite,
            size: Some(Bytes(SIZE)),
            others: Vec::new(),
            state: READY.to_owned(),
        };
        self.bench.record("volume.db", id(1), Body::Export(body))
    }

    fn grant(&self, login: Option<Login>) -> Record {
        let export = self.export();
        let body = GrantBody {
            export: Link { key: export.object.key.clone(), id: export.object.id },
            target: self.target(),
            initiator: INITIATOR.to_owned(),
            access: Access::ReadWrite,
            login,
            mutual: None,
            state: READY.to_owned(),
        };
        self.bench.record("volume.db", id(2), Body::Grant(body))
    }

    fn made(&self) -> [Record; 2] {
        let both = [self.export(), self.grant(None)];
        both.iter().for_each(|record| self.bench.made(record, None));
        both
    }

    fn destroy(&self, record: &Record) -> Step {
        let live = self.bench.observed(record.object.id).unwrap();
        self.bench.step(Operation::Destroy { record: record.clone(), live })
    }

    fn update(&self, before: &Record, change: impl FnOnce(&mut ExportBody)) -> Vec<Step> {
        let mut after = before.clone();
        if let Body::Export(body) = &mut after.object.body {
            change(body);
        }
        self.bench.steps(Operation::Update {
            before: before.clone(),
            live: self.live(before),
            after,
            attached: true,
        })
    }

    fn live(&self, record: &Record) -> Observed {
        self.bench.observed(record.object.id).unwrap()
    }

    fn gets_in(&self, initiator: &str) -> bool {
        !self.server.inquire(initiator, &self.target(), "", 128).contains("Failed to log in")
    }
}

fn login() -> Option<Login> {
    let [user, secret] = ["vbs-in-1", "chap/1"].map(str::to_owned);
    Some(Login { user, secret, fingerprint: String::new() })
}

#[test]
fn exporting_endures_whatever_fails_or_is_killed() {
    let Some(site) = Site::new() else { return };
    let export = site.export();
    site.bench.endures(&site.bench.create(&export, None));
}

#[test]
fn who_is_let_in_sees_the_volumes_serial_and_nobody_else_does() {
    let Some(site) = Site::new() else { return };
    site.bench.made(&site.export(), None);
    assert!(!site.gets_in(INITIATOR), "nobody is let in by an export alone");
    let [export, grant] = site.made();
    let page = |page| site.server.inquire(INITIATOR, &site.target(), "", page);
    assert!(page(128).contains(&format!("[{}]", id(50))));
    assert!(page(131).contains(&id(50).simple().to_string()), "{}", page(131));
    assert!(!site.gets_in("iqn.2026-11.vbs.shop:host.kvm2"));
    let schema = CommandExport.schema();
    let path = (schema.device_path)(&site.bench.container, &id(50).to_string());
    assert_eq!(path, format!("/dev/disk/by-id/wwn-0x6{}", &id(50).simple().to_string()[1..]));
    assert_eq!((schema.lun)(&site.bench.container), 1);
    site.bench.succeed(&site.destroy(&grant).run);
    assert!(!site.gets_in(INITIATOR));
    site.bench.succeed(&site.destroy(&export).run);
    assert!(site.server.show().contains("theirs") && !site.server.show().contains("vbs.shop"));
}

#[test]
fn what_somebody_changed_is_seen_and_mended() {
    let Some(site) = Site::new() else { return };
    let [export, _] = site.made();
    let other = "iqn.2026-11.vbs.shop:somebody";
    site.server.adm(&["--op", "bind", "--mode", "target", "--tid", "2", "-Q", other]);
    let seen = |record: &Record| match site.live(record).body {
        Body::Export(body) => body,
        other => panic!("{other:?}"),
    };
    assert_eq!(seen(&export).others, [other]);
    let steps = site.update(&export, |_| {});
    assert_eq!(steps.len(), 1);
    site.bench.succeed(&steps[0].run);
    assert!(site.bench.shows(&steps[0].proof.done) && site.gets_in(INITIATOR));

    // Another device in the place of ours is opened by `update`, and taken back by it.
    let steps = site.update(&export, |body| body.device = site.device("other.img"));
    let Undo::Run(undo) = &steps[0].undo else { panic!() };
    assert_eq!(steps.len(), 1);
    site.bench.succeed(&steps[0].run);
    assert!(site.bench.shows(&steps[0].proof.done));
    site.bench.succeed(undo);
    assert!(site.bench.shows(&steps[0].proof.not_done) && !site.bench.shows(&steps[0].proof.done));

    site.server.adm(&["--op", "delete", "--mode", "logicalunit", "--tid", "2", "--lun", "1"]);
    assert_eq!(seen(&export).state, "no_lun");
    let steps = site.update(&export, |_| {});
    site.bench.succeed(&steps[0].run);
    assert_eq!(seen(&export).state, READY);
    let grant = site.bench.observed(id(2)).unwrap();
    assert_eq!(grant.place, Place::Vanished, "who was let in has to be let in again");
}

#[test]
fn growth_is_told_once_and_remembered() {
    let Some(site) = Site::new() else { return };
    let [export, _] = site.made();
    fs::OpenOptions::new().write(true).open(site.device("db.img")).unwrap().set_len(2 * SIZE).unwrap();
    let mut steps = site.update(&export, |body| body.size = Some(Bytes(2 * SIZE)));
    let grow = steps.remove(0);
    assert!(steps.is_empty() && matches!(grow.undo, Undo::Impossible { .. }));
    site.bench.succeed(&grow.run);
    assert!(site.bench.shows(&grow.proof.done) && !site.bench.shows(&grow.proof.not_done));
    let capacity = site.server.capacity(INITIATOR, &site.target());
    assert!(capacity.contains(&(2 * SIZE).to_string()), "{capacity}");
    let programs = site.server.show();
    site.bench.succeed(&grow.run);
    assert_eq!(site.server.show(), programs);
}

/// Whoever else has made a target of this name.
#[test]
fn what_is_not_ours_is_never_touched() {
    let Some(site) = Site::new() else { return };
    let export = site.bench.create(&site.export(), None);
    site.server.adm(&["--op", "new", "--mode", "target", "--tid", "7", "-T", &site.target()]);
    assert!(site.bench.refuse(&export.run).contains("not ours"));
    let Undo::Run(undo) = &export.undo else { panic!() };
    let before = site.bench.tree();
    site.bench.succeed(undo);
    assert_eq!(site.bench.tree(), before);
}

#[test]
fn a_secret_comes_by_standard_input_and_is_in_no_argument() {
    let Some(mut site) = Site::new() else { return };
    let file = site.device("initiators.allow");
    fs::write(&file, "").unwrap();
    let commands = |command: &[&str]| {
        Setting::Lists(vec![command.iter().map(|word| word.replace("FILE", &file)).collect()])
    };
    for (name, value) in [
        ("grant", commands(&["tee", "-a", "FILE"])),
        ("revoke", commands(&["sed", "-i", "\\|^{target} {initiator} |d", "FILE"])),
        ("grants.command", Setting::List(vec!["cat".to_owned(), file.clone()])),
        ("grants.pattern", Setting::Text(r"^(?<target>\S+) (?<initiator>\S+) \S+ \S+$".to_owned())),
        ("stdin.grant", Setting::Text("{target} {initiator} {chap_user} {chap_secret}\n".to_owned())),
        ("chap", Setting::Text("auto".to_owned())),
    ] {
        site.bench.container.settings.insert(name.to_owned(), value);
    }
    for name in ["grants.heading", "grants.ignore"] {
        site.bench.container.settings.remove(name);
    }
    assert_eq!(site.faults(), []);
    let grant = site.grant(login());
    let create = site.bench.create(&grant, None);
    assert_eq!(create.run.secrets, ["chap/1"]);
    let told = format!("{create:?}");
    assert!(!told.contains(SECRET) && !crate::providers::CATALOG.shown(&create.run, id(8)).contains(SECRET));
    site.bench.succeed(&create.run);
    let line = format!("{} {INITIATOR} vbs-in-1 {SECRET}\n", site.target());
    assert_eq!(fs::read_to_string(&file).unwrap(), line);
    let marks = site.bench.tree().into_iter().filter(|(name, _)| name.contains(".vbs"));
    assert!(marks.into_iter().all(|(_, text)| !text.contains(SECRET)));

    site.bench.succeed(&site.destroy(&grant).run);
    assert_eq!(fs::read_to_string(&file).unwrap(), "");

    // In arguments only where the block says so, in words.
    site.bench.container.settings.remove("stdin.grant");
    site.commands("grant", &["--op new --mode account --user {chap_user} --password {chap_secret}"]);
    let faults = site.faults();
    assert!(faults.iter().any(|fault| fault.detail.contains("chap_in_arguments = true")), "{faults:?}");
    site.bench.container.settings.insert("chap_in_arguments".to_owned(), Setting::Bool(true));
    assert!(site.faults().iter().all(|fault| !fault.detail.contains("chap_in_arguments")));
}

/// Several commands make a grant, and a killed frame may have run some of them.
#[test]
fn an_account_of_half_a_grant_is_found_and_goes() {
    let Some(mut site) = Site::new() else { return };
    site.set("chap", "auto");
    site.bench.container.settings.insert("chap_in_arguments".to_owned(), Setting::Bool(true));
    site.commands(
        "grant",
        &[
            "--op new --mode account --user {chap_user} --password {chap_secret}",
            "--op bind --mode account --tid {number} --user {chap_user}",
            "--op bind --mode target --tid {number} -Q {initiator}",
        ],
    );
    site.commands(
        "revoke",
        &[
            "--op unbind --mode target --tid {number} -Q {initiator}",
            "--op delete --mode account --user {chap_user}",
        ],
    );
    assert_eq!(site.faults(), []);
    let accounts = site.server.clone();
    site.bench.beside =
        Some(Box::new(move || accounts.show() + &accounts.adm(&["--op", "show", "--mode", "account"])));
    site.bench.made(&site.export(), None);
    let grant = site.grant(login());
    site.bench.endures(&site.bench.create(&grant, None));
    site.bench.made(&grant, None);
    assert!(!site.gets_in(INITIATOR), "a name alone is not enough");
    let page = site.server.inquire(INITIATOR, &site.target(), &format!("vbs-in-1%{SECRET}@"), 128);
    assert!(page.contains(&id(50).to_string()), "{page}");
    site.bench.succeed(&site.destroy(&grant).run);
    assert!(!site.server.adm(&["--op", "show", "--mode", "account"]).contains("vbs-in-1"));
}

#[test]
fn without_a_template_the_change_is_no_plan() {
    let Some(mut site) = Site::new() else { return };
    let [export, grant] = site.made();
    let live = site.live(&export);
    for verb in ["grow", "update", "revoke", "withdraw"] {
        site.bench.container.settings.remove(verb);
    }
    let changed = |change: &dyn Fn(&mut ExportBody)| {
        let mut after = export.clone();
        let Body::Export(body) = &mut after.object.body else { panic!() };
        change(body);
        Operation::Update { before: export.clone(), after, live: live.clone(), attached: true }
    };
    let mut read_only = site.grant(None);
    let Body::Grant(body) = &mut read_only.object.body else { panic!() };
    body.access = Access::ReadOnly;
    for (operation, said) in [
        (changed(&|body| body.size = Some(Bytes(2 * SIZE))), "`grow`"),
        (changed(&|body| body.device = "/dev/b".to_owned()), "`update`"),
        (Operation::Destroy { record: grant.clone(), live: site.live(&grant) }, "`revoke`"),
        (Operation::Destroy { record: export.clone(), live: site.live(&export) }, "`withdraw`"),
        (Operation::Create { after: read_only, source: None }, "{access}"),
    ] {
        let why = site.bench.request(operation).unwrap_err();
        assert!(why.detail.contains(said), "{}", why.detail);
    }
}

#[test]
fn a_server_that_does_not_answer_has_nothing_that_is_gone() {
    let Some(mut site) = Site::new() else { return };
    site.made();
    let list = site.bench.container.settings["list.command"].clone();
    site.bench
        .container
        .settings
        .insert("list.command".to_owned(), Setting::List(words("tgtadm --op nonsense")));
    let ContainerView::Unsurveyed { why } = site.bench.view_for(None, &[]) else { panic!() };
    assert!(why.contains("ended with status"), "{why}");
    site.bench.container.settings.insert("list.command".to_owned(), list);
    site.bench.container.settings.remove("list.ignore");
    let ContainerView::Unsurveyed { why } = site.bench.view_for(None, &[]) else { panic!() };
    assert!(why.contains("does not match the pattern"), "{why}");
}
