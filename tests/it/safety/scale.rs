//! What a run costs, counted: commits, round trips, and that many things are no other than few.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;
use vbs::apply::{Engine, Outcome, RunOptions, Setup, Signals};
use vbs::diag::Diagnostics;
use vbs::hosts::Hosts;
use vbs::model::desired::{BlockSpans, Desired, IgnoreChanges, Resource, Spec, VolumeSpec};
use vbs::model::{Bytes, ContainerSpec, HostName, OnDestroy, PoolPolicy, Setting};
use vbs::plan::build::build;
use vbs::plan::world::{Options, World};
use vbs::providers::CATALOG;
use vbs::state::{RunKind, Store};
use vbs::survey::{Target, survey};

use super::bench::*;

const MANY: usize = 200;

fn wanted(path: &str) -> Desired {
    let pool: vbs::model::Address = "pool.fast".parse().unwrap();
    let mut desired = Desired { workspace: "lab".to_owned(), ..Desired::default() };
    let spec = ContainerSpec {
        address: pool.clone(),
        provider: "file".to_owned(),
        host: HostName::local(),
        settings: BTreeMap::from([
            ("path".to_owned(), Setting::Text(path.to_owned())),
            ("create".to_owned(), Setting::Bool(true)),
        ]),
        policy: PoolPolicy::default(),
    };
    desired.containers.insert(pool.clone(), spec);
    for number in 0..MANY {
        let address: vbs::model::Address = format!("volume.v{number}").parse().unwrap();
        let id = Uuid::new_v4();
        let volume = VolumeSpec {
            pool: pool.clone(),
            name: format!("v{number}"),
            name_is_written: false,
            serial: id.to_string(),
            size: Bytes(1 << 20),
            size_is_written: true,
            source: None,
            on_destroy: OnDestroy::Trash,
        };
        let resource = Resource {
            address: address.clone(),
            id,
            spec: Spec::Volume(volume),
            depends_on: Vec::new(),
            prevent_destroy: false,
            ignore_changes: IgnoreChanges::Only(Vec::new()),
            labels: BTreeMap::new(),
            place: Arc::new(BlockSpans::default()),
        };
        desired.resources.insert(address, resource);
    }
    desired
}

#[tokio::test]
async fn a_step_costs_at_most_two_commits_and_one_round_trip() {
    let directory = tempfile::tempdir().unwrap();
    let desired = wanted(&directory.path().join("pool").display().to_string());
    let mut store = Store::create(&directory.path().join("state/state.db"), "lab", Uuid::new_v4()).unwrap();
    let hosts = Arc::new(Hosts::new(BTreeMap::new()));
    let targets: Vec<Target> = desired.containers.values().map(|spec| Target::new(spec.clone())).collect();
    let views = survey(&hosts, store.lineage(), &targets).await;
    assert!(hosts.round_trips() <= 3, "a survey took {} round trips", hosts.round_trips());
    let recorded = store.snapshot().unwrap();
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
    let built = build(&world, &Options::default(), &mut Uuid::new_v4).unwrap();
    assert!(!built.diagnostics.has_errors(), "{:#?}", built.diagnostics);
    let steps = built.plan.steps.len();
    assert_eq!(steps, MANY + 1);
    let (commits, trips) = (store.commits(), hosts.round_trips());
    let setup = Setup {
        secrets: &|_| Ok(String::new()),
        store: &mut store,
        hosts: hosts.clone(),
        signals: Signals::default(),
        options: RunOptions {
            parallelism: 8,
            no_revert: false,
            wait_seconds: 5,
            holder: "test".to_owned(),
            now: 1,
        },
        listener: &mut |_| {},
        others: Vec::new(),
        conclude: &|_| (Diagnostics::new(), None),
    };
    let engine = Engine::begin(setup, &built.plan, RunKind::Apply, None).await.unwrap();
    assert_eq!(engine.run().await.unwrap(), Outcome::Applied);
    // What a whole run costs once, however many steps it has: beginning, epochs, one proof, closing.
    const ONCE: u64 = 12;
    let (commits, trips) = (store.commits() - commits, hosts.round_trips() - trips);
    let steps = steps as u64;
    assert!(commits <= 2 * steps + ONCE, "{commits} commits for {steps} steps");
    assert!(trips <= steps + ONCE, "{trips} round trips for {steps} steps");
}

#[test]
fn five_thousand_instances_are_planned_without_running_anything() {
    let bench = Bench::new(&volume("v", "count = 5000"));
    bench.vbs("plan").succeeds().says("Plan: 5000 to add, 0 to change, 0 to destroy.");
    assert!(!bench.at("pool").exists());
}

#[test]
fn parallel_steps_end_as_sequential_ones_do() {
    let blocks = volume("v", "count = 12")
        + &attachment("a", "v[count.index]", "vda")
            .replace("vm = \"web\"", "vm = \"vm${count.index}\"\n  count = 12");
    for parallelism in [1, 32] {
        let bench = Bench::new(&blocks);
        bench.vbs(&format!("apply --auto-approve --parallelism {parallelism}")).succeeds().says("24 added");
        bench.settled();
        bench.vbs(&format!("destroy --purge --auto-approve --parallelism {parallelism}")).succeeds();
        assert!(!bench.at("pool").exists() && !bench.at("vms").exists());
    }
}
