#![expect(clippy::disallowed_methods, reason = "tests run the scripts on a real tgtd")]

use std::fs;
use std::sync::Arc;

use super::server::Server;
use super::*;
use crate::model::{
    Access, Body, Bytes, ContainerView, ExportBody, GrantBody, Kind, Link, Login, Observed, Place, READY,
    Record, Setting, SourceRef,
};
use crate::plan::step::{Operation, Undo};
use crate::providers::store::testing::{Bench, Fault, SECRET, id};

const INITIATOR: &str = "iqn.2026-11.vbs.shop:host.kvm1";
const SIZE: u64 = 16 << 20;

/// A seat that is in use, a tgtd, a directory for its files, and a target of somebody else.
struct Site {
    bench: Bench,
    server: Arc<Server>,
}

impl Site {
    fn new() -> Option<Site> {
        let server = Arc::new(Server::start()?);
        let mut bench = Bench::unjoined(Kind::Export, "tgt");
        let config = bench.root.path().join("it's conf.d");
        fs::create_dir(&config).unwrap();
        fs::write(config.join("mine.conf"), "# not vbs's\n").unwrap();
        for name in ["db.img", "other.img"] {
            fs::write(bench.root.path().join(name), vec![0; SIZE as usize]).unwrap();
        }
        let portal = format!("127.0.0.1:{}", server.port);
        for (name, value) in
            [("control_port", server.control.to_string()), ("portal", portal), ("chap", "off".to_owned())]
        {
            bench.container.settings.insert(name.to_owned(), Setting::Text(value));
        }
        let config = config.to_str().unwrap().to_owned();
        bench.container.settings.insert("config_dir".to_owned(), Setting::Text(config));
        server.adm(&[
            "--op",
            "new",
            "--mode",
            "target",
            "--tid",
            "1",
            "-T",
            "iqn.2001-04.com.example:theirs",
        ]);
        let join = bench.join(Vec::new());
        bench.succeed(&join.run);
        let shown = server.clone();
        bench.beside = Some(Box::new(move || shown.show()));
        Some(Site { bench, server })
    }

    fn config(&self) -> std::path::PathBuf {
        self.bench.container.text("config_dir").into()
    }

    fn device(&self, name: &str) -> String {
        self.bench.root.path().join(name).to_str().unwrap().to_owned()
    }

    fn target(&self) -> String {
        format!("iqn.2026-11.vbs.shop:{}", id(50))
    }

    fn export(&self) -> Record {
        self.export_of("volume.db", Access::ReadWrite)
    }

    fn export_of(&self, address: &str, access: Access) -> Record {
        let body = ExportBody {
            source: SourceRef { id: id(50), address: address.parse().unwrap() },
            target: self.target(),
            portals: vec![format!("127.0.0.1:{}", self.server.port)],
            serial: id(50).to_string(),
            device: self.device("db.img"),
            access,
            size: Some(Bytes(SIZE)),
            others: Vec::new(),
            state: READY.to_owned(),
        };
        self.bench.record(address, id(1), Body::Export(body))
    }

    fn grant(&self, number: u128, initiator: &str, user: Option<&str>) -> Record {
        let export = self.export();
        let login = user.map(|user| Login {
            user: user.to_owned(),
            secret: user.to_owned(),
            fingerprint: fingerprint(&self.target(), user, SECRET),
        });
        let body = GrantBody {
            export: Link { key: export.object.key.clone(), id: export.object.id },
            target: self.target(),
            initiator: initiator.to_owned(),
            access: Access::ReadWrite,
            login,
            mutual: None,
            state: READY.to_owned(),
        };
        self.bench.record("volume.db", id(number), Body::Grant(body))
    }

    /// An export and a grant for [`INITIATOR`].
    fn made(&self) -> [Record; 2] {
        let all = [self.export(), self.grant(2, INITIATOR, None)];
        all.iter().for_each(|record| self.bench.made(record, None));
        all
    }

    fn destroy(&self, record: &Record) -> Operation {
        Operation::Destroy { record: record.clone(), live: self.found(record) }
    }

    fn found(&self, record: &Record) -> Observed {
        self.bench.observed(record.object.id).unwrap()
    }

    fn places(&self, records: [&Record; 2]) -> [Place; 2] {
        records.map(|record| self.found(record).place)
    }

    fn update(&self, before: &Record, after: &Record) -> Operation {
        let live = self.found(before);
        Operation::Update { before: before.clone(), after: after.clone(), live, attached: true }
    }

    /// What a survey says of it that is not as recorded.
    fn drift(&self, record: &Record) -> Vec<(&'static str, String)> {
        let live = self.found(record).body.facts();
        let wanted = record.object.body.facts();
        live.into_iter().filter(|(name, value)| wanted.get(name) != Some(value)).collect()
    }

    /// What differs is told, and mended by an update.
    fn mends(&self, record: &Record, drift: &[(&str, &str)]) {
        let told: Vec<(&str, String)> =
            drift.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        assert_eq!(self.drift(record), told);
        let step = self.bench.step(self.update(record, record));
        assert!(self.bench.shows(&step.proof.not_done));
        self.bench.succeed(&step.run);
        assert_eq!(self.drift(record), []);
        assert!(self.bench.shows(&step.proof.done));
    }

    fn adm(&self, arguments: &str) {
        let said = self.server.adm(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(said, "", "{arguments}");
    }
}

fn fingerprint(target: &str, user: &str, secret: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(format!("{target} {user} {secret}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()[..16].to_owned()
}

fn export_of(record: &mut Record) -> &mut ExportBody {
    match &mut record.object.body {
        Body::Export(export) => export,
        other => panic!("{other:?}"),
    }
}

#[test]
fn joining_endures() {
    let Some(server) = Server::start() else { return };
    let mut bench = Bench::unjoined(Kind::Export, "tgt");
    let seat = bench.path().join("a/seat").to_str().unwrap().to_owned();
    let makes = vec![bench.path().join("a").to_str().unwrap().to_owned(), seat.clone()];
    for (name, value) in [("path", seat), ("control_port", server.control.to_string())] {
        bench.container.settings.insert(name.to_owned(), Setting::Text(value));
    }
    bench.endures(&bench.join(makes));
}

#[test]
fn exporting_and_withdrawing_endure() {
    let Some(site) = Site::new() else { return };
    let record = site.export();
    let export = site.bench.create(&record, None);
    site.bench.minds_a_full_disk(&export);
    site.bench.endures(&export);
    site.bench.succeed(&export.run);
    site.bench.endures(&site.bench.step(site.destroy(&record)));
}

#[test]
fn letting_in_and_shutting_out_endure() {
    let Some(site) = Site::new() else { return };
    site.bench.made(&site.export(), None);
    site.bench.made(&site.grant(3, "iqn.2026-11.vbs.shop:host.kvm0", None), None);
    // With a user there is all that there is without one, and more.
    let record = site.grant(2, INITIATOR, Some("vbs-in-2"));
    let grant = site.bench.create(&record, None);
    site.bench.minds_a_full_disk(&grant);
    site.bench.endures(&grant);
    site.bench.succeed(&grant.run);
    site.bench.endures(&site.bench.step(site.destroy(&record)));
}

#[test]
fn an_initiator_that_is_let_in_sees_the_volumes_serial_and_nobody_else_does() {
    let Some(site) = Site::new() else { return };
    let (server, target) = (&site.server, site.target());
    site.bench.made(&site.export(), None);
    let refused = |initiator| server.inquire(initiator, &target, "", 128).contains("Failed to log in");
    assert!(refused(INITIATOR), "nobody is let in by an export alone");
    let [_, grant] = site.made();
    assert!(server.inquire(INITIATOR, &target, "", 128).contains(&format!("[{}]", id(50))));
    let page = server.inquire(INITIATOR, &target, "", 131);
    assert!(page.contains(&id(50).simple().to_string()), "{page}");
    assert!(refused("iqn.2026-11.vbs.shop:host.kvm2"));
    let path = (TgtExport.schema().device_path)(&site.bench.container, &id(50).to_string());
    assert_eq!(path, format!("/dev/disk/by-id/wwn-0x6{}", &id(50).simple().to_string()[1..]));
    site.bench.succeed(&site.bench.step(site.destroy(&grant)).run);
    assert!(refused(INITIATOR));
}

#[test]
fn a_secret_is_asked_for_and_stays_on_the_host() {
    let Some(site) = Site::new() else { return };
    let record = site.grant(2, INITIATOR, Some("vbs-in-2"));
    site.bench.made(&site.export(), None);
    let grant = site.bench.create(&record, None);
    let told = format!("{:?}", (&grant, site.bench.succeed(&grant.run)));
    let (good, other) = (SECRET, "another0123456789");
    assert!(!told.contains(good));
    assert_eq!(site.drift(&record), []);
    let inquire = |login: &str| site.server.inquire(INITIATOR, &site.target(), login, 128);
    assert!(inquire("").contains("Failed to log in"));
    assert!(inquire(&format!("vbs-in-2%{other}@")).contains("Failed to log in"));
    assert!(inquire(&format!("vbs-in-2%{good}@")).contains(&id(50).to_string()));
    let conf = site.config().join(format!("vbs.{}.conf", id(1)));
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&conf).unwrap()) & 0o777, 0o600);
    // Somebody changes it on the host, in the file or in tgtd.
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, text.replace(good, other)).unwrap();
    let changed = format!("vbs-in-2 {}", fingerprint(&site.target(), "vbs-in-2", other));
    site.mends(&record, &[("login", &changed)]);
    site.adm("--op delete --mode account --user vbs-in-2");
    site.mends(&record, &[("login", "none")]);
    assert!(inquire(&format!("vbs-in-2%{good}@")).contains(&id(50).to_string()));
    // Secrets are asked for no more, and asked for again.
    let open = site.grant(2, INITIATOR, None);
    for (before, after) in [(&record, &open), (&open, &record)] {
        let step = site.bench.step(site.update(before, after));
        site.bench.succeed(&step.run);
        assert_eq!(site.drift(after), []);
    }
    assert!(inquire("").contains("Failed to log in"));
    site.bench.succeed(&site.bench.step(site.destroy(&record)).run);
    assert!(!site.server.adm(&["--op", "show", "--mode", "account"]).contains("vbs-in"));
}

#[test]
fn who_is_connected_is_not_cut_off() {
    let Some(site) = Site::new() else { return };
    let [export, grant] = site.made();
    let [withdraw, revoke] = [&export, &grant].map(|record| site.bench.step(site.destroy(record)));
    let mut grown = export.clone();
    export_of(&mut grown).size = Some(Bytes(SIZE * 2));
    let grow = site.bench.step(site.update(&export, &grown));
    let connected = site.server.connect(INITIATOR, &site.target());
    for step in [&withdraw, &revoke, &grow] {
        let said = site.bench.refuse(&step.run);
        assert!(said.contains(INITIATOR), "{said}");
    }
    assert!(!site.found(&export).open, "a plan that detaches first may withdraw it");
    let why = site.bench.request(site.update(&export, &grown)).unwrap_err();
    assert!(why.detail.contains(INITIATOR) && why.detail.contains("a new size"), "{}", why.detail);
    let mut elsewhere = export.clone();
    export_of(&mut elsewhere).device = site.device("other.img");
    assert!(site.bench.request(site.update(&export, &elsewhere)).is_err());
    drop(connected);
    site.server.wait_until_left();
    site.bench.succeed(&revoke.run);
    site.bench.succeed(&withdraw.run);
}

#[test]
fn a_grown_volume_is_shown_and_a_renamed_one_is_followed() {
    let Some(site) = Site::new() else { return };
    let [export, _] = site.made();
    let mut after = export.clone();
    fs::rename(site.device("db.img"), site.device("web.img")).unwrap();
    export_of(&mut after).device = site.device("web.img");
    site.bench.endures(&site.bench.step(Operation::Update {
        before: export.clone(),
        after: {
            fs::hard_link(site.device("web.img"), site.device("db.img")).unwrap();
            after.clone()
        },
        live: site.found(&export),
        attached: true,
    }));
    let before = after.clone();
    site.bench.succeed(&site.bench.step(site.update(&export, &after)).run);
    fs::File::options().write(true).open(site.device("web.img")).unwrap().set_len(SIZE * 2).unwrap();
    assert!(site.server.capacity(INITIATOR, &site.target()).contains(&format!("size:{SIZE}")));
    export_of(&mut after).size = Some(Bytes(SIZE * 2));
    let grow = site.bench.step(site.update(&before, &after));
    assert!(matches!(grow.undo, Undo::Impossible { .. }));
    site.bench.succeed(&grow.run);
    assert!(site.bench.shows(&grow.proof.done));
    assert!(site.server.capacity(INITIATOR, &site.target()).contains(&format!("size:{}", SIZE * 2)));
}

#[test]
fn what_somebody_changed_is_told_exactly_and_mended() {
    let Some(site) = Site::new() else { return };
    let [export, grant] = site.made();
    let mine = fs::read_to_string(site.config().join(format!("vbs.{}.conf", id(1)))).unwrap();
    let before = site.server.show();
    site.adm("--op delete --mode logicalunit --tid 2 --lun 1");
    site.mends(&export, &[("state", "no_lun")]);
    site.adm("--op bind --mode target --tid 2 -I ALL");
    site.mends(&export, &[("others", "any")]);
    site.adm("--op bind --mode target --tid 2 -Q iqn.2001-04.com.example:thief");
    site.mends(&export, &[("others", "iqn.2001-04.com.example:thief")]);
    site.adm("--op new --mode account --user thief --password 123456789012");
    site.adm("--op bind --mode account --tid 2 --user thief");
    site.mends(&export, &[("others", "account:thief")]);
    site.adm("--op delete --mode account --user thief");
    site.adm("--op update --mode logicalunit --tid 2 --lun 1 --params scsi_sn=other");
    site.mends(&export, &[("serial", "other")]);
    site.adm("--op update --mode logicalunit --tid 2 --lun 1 --params scsi_id=1");
    site.mends(&export, &[("serial", &format!("{} with the SCSI ID 1", id(50)))]);
    site.adm("--op update --mode logicalunit --tid 2 --lun 1 --params readonly=1");
    site.mends(&export, &[("state", "read_only")]);
    site.adm("--op update --mode logicalunit --tid 2 --lun 1 --params online=0");
    site.mends(&export, &[("state", "offline")]);
    let other = site.device("other.img");
    site.adm("--op update --mode logicalunit --tid 2 --lun 1 --params online=0");
    site.adm(&format!("--op update --mode logicalunit --tid 2 --lun 1 --params path={other}"));
    site.mends(&export, &[("device", &other)]);
    let conf = site.config().join(format!("vbs.{}.conf", id(1)));
    fs::remove_file(&conf).unwrap();
    assert_eq!(site.drift(&grant), [("state", "not_saved".to_owned())]);
    site.mends(&export, &[("state", "not_saved")]);
    site.mends(&grant, &[("state", "not_saved")]);
    assert_eq!(fs::read_to_string(&conf).unwrap(), mine);
    fs::write(&conf, mine.replace("initiator-address 0.0.0.0", "initiator-address 10.0.0.9")).unwrap();
    site.mends(&export, &[("others", "10.0.0.9"), ("state", "not_saved")]);
    assert_eq!(site.server.show(), before);
    assert_eq!(fs::read_to_string(&conf).unwrap(), mine);
    // What is gone has vanished, and is made again under its names.
    site.adm("--op unbind --mode target --tid 2 -Q iqn.2026-11.vbs.shop:host.kvm1");
    assert_eq!(site.places([&export, &grant]), [Place::Live, Place::Vanished]);
    site.bench.made(&grant, None);
    site.adm("--op delete --mode target --tid 2");
    assert_eq!(site.places([&export, &grant]), [Place::Vanished; 2]);
    site.bench.made(&export, None);
    site.bench.made(&grant, None);
    assert_eq!(site.server.show(), before);
    assert_eq!([site.drift(&export), site.drift(&grant)], [[], []]);
}

#[test]
fn a_restart_loses_nothing_and_lets_nobody_else_in() {
    let Some(mut site) = Site::new() else { return };
    let (export, grant) = (site.export_of("snapshot.s", Access::ReadOnly), site.grant(2, INITIATOR, None));
    site.bench.made(&export, None);
    site.bench.made(&grant, None);
    site.bench.beside = None;
    Arc::get_mut(&mut site.server).unwrap().restart();
    assert_eq!(site.places([&export, &grant]), [Place::Vanished; 2]);
    let config = site.config();
    // tgt-admin does not quote what it includes.
    let plain = site.bench.root.path().join("plain");
    fs::rename(&config, &plain).unwrap();
    let said = site.server.load(&plain);
    fs::rename(&plain, &config).unwrap();
    assert_eq!([site.drift(&export), site.drift(&grant)], [[], []], "{said}");
    let refused = |who| site.server.inquire(who, &site.target(), "", 128).contains("Failed to log in");
    assert!(!refused(INITIATOR) && refused("iqn.2026-11.vbs.shop:host.kvm2"));
    Arc::get_mut(&mut site.server).unwrap().stop();
    let ContainerView::Unsurveyed { why } = site.bench.view_for(Some(site.bench.identity), &[]) else {
        panic!()
    };
    assert!(why.contains("tgtd does not answer on control port"), "{why}");
}

/// A target that somebody deleted leaves its file, with a secret in it, and its marks. They go in the order of every plan, and
/// whatever program of that is killed or fails: it is done by doing it again, and counts as taken back as it is.
#[test]
fn what_is_left_of_a_target_is_removed_whatever_is_killed() {
    let Some(site) = Site::new() else { return };
    let before = site.bench.tree();
    let records = [site.grant(2, INITIATOR, Some("vbs-in-2")), site.export()];
    let [grant, export] = &records;
    for of in [0, 1] {
        for fault in [Fault::Kill, Fault::Fail] {
            for at in 1.. {
                site.bench.made(export, None);
                site.bench.made(grant, None);
                site.adm("--op delete --mode target --tid 2 --force");
                let steps = [grant, export].map(|record| site.bench.step(site.destroy(record)));
                assert!(steps.iter().all(|step| step.undo == Undo::Nothing));
                if of == 1 {
                    site.bench.succeed(&steps[0].run);
                }
                site.bench.run(&steps[of].run, Some((fault, at)));
                let programs = site.bench.programs();
                assert!(site.bench.shows(&steps[of].proof.not_done), "it counts as taken back");
                for step in &steps {
                    site.bench.succeed(&step.run);
                    assert!(site.bench.shows(&step.proof.done), "{}: {fault:?} at {at}", step.id);
                }
                assert_eq!(site.bench.tree(), before, "{fault:?} at {at} of {of}");
                if programs < at {
                    break;
                }
            }
        }
    }
}

#[test]
fn what_is_in_the_way_or_missing_is_refused() {
    let Some(site) = Site::new() else { return };
    let record = site.export();
    let export = site.bench.create(&record, None);
    site.adm(&format!("--op new --mode target --tid 7 -T {}", site.target()));
    assert!(site.bench.refuse(&export.run).contains("exists and is not ours"));
    site.adm("--op delete --mode target --tid 7");
    let conf = site.config().join(format!("vbs.{}.conf", id(1)));
    fs::write(&conf, "<target x>\n</target>\n").unwrap();
    assert!(site.bench.refuse(&export.run).contains("is not ours"));
    fs::remove_file(&conf).unwrap();
    let mut missing = record.clone();
    export_of(&mut missing).device = "/does/not/exist".to_owned();
    assert!(site.bench.refuse(&site.bench.create(&missing, None).run).contains("nothing to export"));
    let mut deaf = record.clone();
    export_of(&mut deaf).portals = vec!["192.0.2.1:3260".to_owned()];
    assert!(
        site.bench.refuse(&site.bench.create(&deaf, None).run).contains("does not listen on 192.0.2.1:3260")
    );
    for device in ["/srv/a b", "/srv/a,b", "/srv/a\nb", "/srv/a#b", "relative", "/srv/$(x)"] {
        let mut odd = record.clone();
        export_of(&mut odd).device = device.to_owned();
        assert!(site.bench.request(Operation::Create { after: odd, source: None }).is_err(), "{device}");
    }
    let grant = site.bench.create(&site.grant(2, INITIATOR, None), None);
    assert!(site.bench.refuse(&grant.run).contains("no target"));
    site.bench.succeed(&export.run);
    site.bench.succeed(&grant.run);
    let Undo::Run(release) = site.bench.join(Vec::new()).undo else { panic!() };
    assert!(site.bench.refuse(&release).contains("in use by this lineage"));
}

#[test]
fn read_only_for_one_initiator_is_refused_in_the_plan() {
    let bench = Bench::unjoined(Kind::Export, "tgt");
    let address = "volume.db".parse().unwrap();
    let mut body = GrantBody {
        export: Link { key: crate::model::ObjectKey::new(address, crate::model::Part::EXPORT), id: id(1) },
        target: "iqn.2026-11.vbs.shop:x".to_owned(),
        initiator: INITIATOR.to_owned(),
        access: Access::ReadOnly,
        login: None,
        mutual: None,
        state: READY.to_owned(),
    };
    let ask = |body: &GrantBody| {
        let after = bench.record("volume.db", id(2), Body::Grant(body.clone()));
        bench.request(Operation::Create { after, source: None })
    };
    assert!(ask(&body).unwrap_err().detail.contains("for everybody or for nobody"));
    body.export.key.address = "snapshot.s".parse().unwrap();
    assert!(ask(&body).is_ok());
}

#[test]
fn settings_that_cannot_be_honoured_are_errors() {
    let said = |settings: &[(&str, Setting)]| {
        let mut bench = Bench::unjoined(Kind::Export, "tgt");
        for (name, value) in settings {
            bench.container.settings.insert((*name).to_owned(), value.clone());
        }
        for attribute in TgtExport.schema().attributes {
            if let Some(default) = attribute.default {
                bench.container.settings.entry(attribute.name.to_owned()).or_insert(default);
            }
        }
        let found = TgtExport.check(&bench.container);
        found.iter().map(|diagnostic| diagnostic.summary.to_string()).collect::<Vec<_>>()
    };
    let text = |text: &str| Setting::Text(text.to_owned());
    let portal = ("portal", text("10.0.0.2:3260"));
    let yes = Setting::Bool(true);
    assert_eq!(said(&[]), ["Missing portal"]);
    assert_eq!(said(std::slice::from_ref(&portal)), [""; 0]);
    assert_eq!(
        said(&[portal.clone(), ("portals", Setting::List(vec!["10.0.0.3:3260".to_owned()]))]),
        ["Missing portal"]
    );
    assert_eq!(said(&[("portals", Setting::List(vec!["san".to_owned()]))]), ["Invalid portal"]);
    assert_eq!(said(&[portal.clone(), ("chap", text("auto"))]), ["Secrets in arguments"]);
    assert_eq!(said(&[portal.clone(), ("chap", text("auto")), ("chap_in_arguments", yes)]), [""; 0]);
    let wrong =
        [("chap", "on"), ("mutual_chap", "auto"), ("control_port", "x"), ("iqn_prefix", "iqn.my_shop")];
    for (name, value) in wrong {
        assert_eq!(said(&[portal.clone(), (name, text(value))]).len(), 1, "{name}");
    }
}

/// tgtadm takes no target by its name.
#[test]
fn commands_to_be_done_by_hand_say_where_the_number_of_the_target_comes_from() {
    for verb in verbs::ALL.iter().filter(|verb| verb.shown.contains("--op ") && verb.name != "survey") {
        assert!(verb.shown.contains(" --tid N ") && verb.shown.contains(" # N: "), "{}", verb.shown);
    }
}
