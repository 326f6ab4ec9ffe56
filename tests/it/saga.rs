//! The way from desired objects to real files and back, below the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;
use vbs::apply::{Engine, Event, Outcome, RunOptions, Setup, Signals};
use vbs::diag::Diagnostics;
use vbs::hosts::Hosts;
use vbs::model::desired::{
    AttachmentSpec, BlockSpans, Desired, IgnoreChanges, Resource, SnapshotSpec, Spec, VolumeSpec,
};
use vbs::model::{Access, Address, Bus, Bytes, ContainerSpec, HostName, OnDestroy, PoolPolicy, Setting};
use vbs::plan::Plan;
use vbs::plan::build::{Built, build};
use vbs::plan::world::{Options, World};
use vbs::providers::CATALOG;
use vbs::state::{RunKind, Store};
use vbs::survey::{Target, survey};

struct Lab {
    directory: tempfile::TempDir,
    desired: Desired,
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

impl Lab {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut desired = Desired { workspace: "lab".to_owned(), ..Desired::default() };
        for (name, provider, path) in [("pool.fast", "file", "pool"), ("hypervisor.here", "directory", "vms")]
        {
            let path = directory.path().join(path).display().to_string();
            let settings = BTreeMap::from([
                ("path".to_owned(), Setting::Text(path)),
                ("create".to_owned(), Setting::Bool(true)),
            ]);
            let spec = ContainerSpec {
                address: address(name),
                provider: provider.to_owned(),
                host: HostName::local(),
                settings,
                policy: PoolPolicy::default(),
            };
            desired.containers.insert(address(name), spec);
        }
        Lab { directory, desired }
    }

    fn add(&mut self, name: &str, spec: Spec) {
        let resource = Resource {
            address: address(name),
            id: Uuid::new_v4(),
            spec,
            depends_on: Vec::new(),
            prevent_destroy: false,
            ignore_changes: IgnoreChanges::Only(Vec::new()),
            labels: BTreeMap::new(),
            place: Arc::new(BlockSpans::default()),
        };
        self.desired.resources.insert(address(name), resource);
    }

    fn volume(&mut self, name: &str, size: u64, source: Option<&str>) {
        let label = address(name).label.to_string();
        self.add(
            name,
            Spec::Volume(VolumeSpec {
                pool: address("pool.fast"),
                name: label,
                name_is_written: false,
                serial: Uuid::new_v4().to_string(),
                size: Bytes(size),
                size_is_written: true,
                source: source.map(address),
                on_destroy: OnDestroy::Trash,
            }),
        );
    }

    fn snapshot(&mut self, name: &str, volume: &str) {
        let label = address(name).label.to_string();
        self.add(
            name,
            Spec::Snapshot(SnapshotSpec {
                volume: address(volume),
                pool: address("pool.fast"),
                name: label,
                name_is_written: false,
                reserve: None,
                quiesce_guest: false,
            }),
        );
    }

    fn attachment(&mut self, name: &str, volume: &str) {
        let host_path =
            self.path().join("pool").join(format!("{}.img", address(volume).label)).display().to_string();
        self.add(
            name,
            Spec::Attachment(AttachmentSpec {
                source: address(volume),
                hypervisor: address("hypervisor.here"),
                vm: "web".to_owned(),
                device: format!("vd{}", &name[name.len() - 1..]),
                bus: Bus::Virtio,
                access: Access::ReadWrite,
                shared: false,
                serial: String::new(),
                host_path,
                route: vbs::model::desired::Route::Direct,
            }),
        );
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn state(&self) -> Store {
        let path = self.path().join("state/state.db");
        match Store::open(&path, "lab", vbs::state::Access::Write).unwrap() {
            Some(store) => store,
            None => Store::create(&path, "lab", Uuid::new_v4()).unwrap(),
        }
    }

    async fn plan(&self, store: &Store, hosts: &Hosts, options: &Options) -> Built {
        let recorded = store.snapshot().unwrap();
        let targets: Vec<Target> = self
            .desired
            .containers
            .values()
            .map(|spec| Target {
                spec: spec.clone(),
                identity: recorded.containers.get(&spec.address).map(|record| record.identity),
                wanted: self
                    .desired
                    .resources
                    .keys()
                    .map(|address| address.label.to_string())
                    .collect::<BTreeSet<_>>(),
                probed: BTreeMap::new(),
            })
            .collect();
        let views = survey(hosts, store.lineage(), &targets).await;
        let mut desired = self.desired.clone();
        for resource in desired.resources.values_mut() {
            let record =
                recorded.records.values().find(|record| record.object.key.address == resource.address);
            if let Some(record) = record {
                resource.id = record.object.id;
            }
        }
        let world = World {
            lineage: store.lineage(),
            workspace: "lab",
            desired: &desired,
            records: &recorded.records,
            containers: &recorded.containers,
            trash: &recorded.trash,
            live: &views,
            makers: &CATALOG,
            fingerprint: &(),
        };
        build(&world, options, &mut Uuid::new_v4).unwrap()
    }

    async fn apply(&self, options: &Options) -> (Outcome, Plan) {
        let mut store = self.state();
        let hosts = Arc::new(Hosts::new(BTreeMap::new()));
        let built = self.plan(&store, &hosts, options).await;
        assert!(!built.diagnostics.has_errors(), "{:#?}", built.diagnostics);
        let mut events: Vec<Event> = Vec::new();
        let setup = Setup {
            secrets: &|_| Ok(String::new()),
            store: &mut store,
            hosts,
            signals: Signals::default(),
            options: RunOptions {
                parallelism: 4,
                no_revert: false,
                wait_seconds: 5,
                holder: "test".to_owned(),
                now: 1,
            },
            listener: &mut |event| events.push(event),
            others: Vec::new(),
            conclude: &|_| (Diagnostics::new(), None),
        };
        let engine = Engine::begin(setup, &built.plan, RunKind::Apply, None).await.unwrap();
        let outcome = engine.run().await.unwrap();
        assert_eq!(outcome, Outcome::Applied, "{events:#?}");
        (outcome, built.plan)
    }

    async fn assert_no_changes(&self) {
        let built = self.plan(&self.state(), &Hosts::new(BTreeMap::new()), &Options::default()).await;
        assert!(!built.diagnostics.has_errors(), "{:#?}", built.diagnostics);
        assert!(built.plan.is_empty(), "{:#?}", built.plan);
        assert_eq!(built.plan.drift, []);
    }
}

#[tokio::test]
async fn volumes_snapshots_clones_and_disks_come_and_go() {
    let mut lab = Lab::new();
    lab.volume("volume.db", 1 << 20, None);
    lab.volume("volume.logs", 2 << 20, None);
    lab.snapshot("snapshot.before", "volume.db");
    lab.volume("volume.copy", 1 << 20, Some("snapshot.before"));
    lab.attachment("attachment.a", "volume.db");
    lab.attachment("attachment.b", "volume.copy");
    lab.apply(&Options::default()).await;
    for name in ["db", "logs", "before", "copy"] {
        assert!(lab.path().join(format!("pool/{name}.img")).is_file(), "{name}.img is missing");
    }
    assert_eq!(std::fs::read_link(lab.path().join("vms/web/vda")).unwrap(), lab.path().join("pool/db.img"),);
    lab.assert_no_changes().await;
    lab.volume("volume.logs", 4 << 20, None);
    lab.apply(&Options::default()).await;
    assert_eq!(std::fs::metadata(lab.path().join("pool/logs.img")).unwrap().len(), 4 << 20);
    lab.assert_no_changes().await;
    let destroy = Options { destroy: true, ..Options::default() };
    lab.apply(&destroy).await;
    assert!(
        !lab.path().join("vms").exists(),
        "the hypervisor's directory was made by vbs and should be gone"
    );
    assert!(!lab.path().join("pool/db.img").exists());
    assert_eq!(lab.state().snapshot().unwrap().trash.len(), 3);
}
