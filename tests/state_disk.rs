//! A disk that is full for real: the system refuses to let any file grow. Alone in its process, which the limit is on.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use uuid::Uuid;
use vbs::plan::{FORMAT, Mode, Plan};
use vbs::state::{OutputValue, RunInfo, RunKind, RunStatus, Store, StoredOutput};

/// Lets no file grow over so many bytes, or takes the limit away again.
fn limit(bytes: Option<u64>) -> rustix::io::Result<()> {
    let old = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(old.maximum), ..old })
}

#[tokio::test(flavor = "current_thread")]
async fn a_run_that_cannot_be_closed_on_a_full_disk_is_closed_when_there_is_room() {
    // Without a handler the system would kill the process at the limit.
    let exceeded = tokio::signal::unix::SignalKind::from_raw(25);
    let _handler = tokio::signal::unix::signal(exceeded).unwrap();
    let home = tempfile::tempdir().unwrap();
    let lineage = Uuid::new_v4();
    let mut store = Store::create(&home.path().join(".vbs/state.db"), "shop", lineage).unwrap();
    let plan = Plan {
        format: FORMAT,
        workspace: "shop".into(),
        lineage,
        mode: Mode::Normal,
        changes: Vec::new(),
        drift: Vec::new(),
        looked: true,
        selected: false,
        steps: Vec::new(),
        edges: Vec::new(),
        state_effects: Vec::new(),
        containers: Default::default(),
        pools: Vec::new(),
        hosts: Default::default(),
    };
    let info = RunInfo { holder: "test".into(), started_at: 0, outputs: None };

    limit(Some(1 << 20)).unwrap();
    let refused = store.begin_run(RunKind::Apply, &plan, &info).unwrap_err();
    let problem = refused.diagnostics.iter().next().unwrap().clone();
    assert_eq!(problem.summary, "The disk that holds the state is full");
    assert!(store.open_run().unwrap().is_none(), "without room nothing is begun");

    limit(None).unwrap();
    let run = store.begin_run(RunKind::Apply, &plan, &info).unwrap();
    let large = [StoredOutput { name: "x".into(), value: OutputValue::Clear("x".repeat(2 << 20).into()) }];
    limit(Some(1 << 20)).unwrap();
    let refused = store.close_run(&run, RunStatus::Applied, &[], Some(&large), 1).unwrap_err();
    assert_eq!(refused.diagnostics.iter().next().unwrap().summary, problem.summary);
    assert_eq!(store.open_run().unwrap().unwrap().id, run.id, "the run is still open");

    limit(None).unwrap();
    store.close_run(&run, RunStatus::Applied, &[], Some(&large), 1).unwrap();
    assert_eq!(store.snapshot().unwrap().outputs, large);
}
