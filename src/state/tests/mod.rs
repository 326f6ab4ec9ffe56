//! The state on real files: each test asserts what a user or a safety promise needs.

mod files;
mod journal;
mod surgery;

use std::path::PathBuf;

use uuid::Uuid;

use super::{RunInfo, RunKind, Store};
use crate::exit::Failure;
use crate::model::command::{Action, GuardDirectory};
use crate::model::container::{ContainerSpec, PoolPolicy, Settings};
use crate::model::{
    Address, Body, Bytes, ContainerRecord, HostName, Object, ObjectKey, OnDestroy, Part, Record, TrashEntry,
    VolumeBody,
};
use crate::plan::step::{Effect, Proof, Step, StepId, Title, TitleVerb, Undo};
use crate::plan::{FORMAT, Mode, Plan};

/// A directory with a state in it that goes with the test.
pub(super) struct Home {
    pub directory: tempfile::TempDir,
    pub lineage: Uuid,
}

impl Home {
    pub fn new() -> Self {
        Home { directory: tempfile::tempdir().unwrap(), lineage: Uuid::new_v4() }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join(".vbs/state.db")
    }

    pub fn create(&self) -> Store {
        Store::create(&self.path(), "shop", self.lineage).unwrap()
    }

    pub fn open(&self) -> Store {
        Store::open(&self.path(), "shop", super::Access::Write).unwrap().unwrap()
    }

    pub fn plan(&self, steps: usize) -> Plan {
        Plan {
            format: FORMAT,
            workspace: "shop".to_owned(),
            lineage: self.lineage,
            mode: Mode::Normal,
            changes: Vec::new(),
            drift: Vec::new(),
            looked: true,
            selected: false,
            steps: (0..steps).map(step).collect(),
            edges: Vec::new(),
            state_effects: Vec::new(),
            containers: Default::default(),
            pools: Vec::new(),
            hosts: Default::default(),
        }
    }
}

pub(super) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(super) fn key(text: &str) -> ObjectKey {
    ObjectKey::new(address(text), Part::VOLUME)
}

fn step(number: usize) -> Step {
    let action = Action {
        provider: "file".into(),
        verb: "create".into(),
        arguments: Default::default(),
        secrets: Vec::new(),
    };
    Step {
        id: StepId(format!("volume.v[{number}]/volume/create")),
        object: key(&format!("volume.v[{number}]")),
        host: HostName::local(),
        guard: GuardDirectory("/pool/.vbs".into()),
        title: Title { verb: TitleVerb::Create, object: format!("volume {number}"), detail: String::new() },
        run: action.clone(),
        undo: Undo::Run(action),
        proof: Proof { done: Vec::new(), not_done: Vec::new() },
        effects: Vec::new(),
        claims: Vec::new(),
        copies: Bytes::ZERO,
        holds: crate::plan::step::Holds::Guard,
    }
}

pub(super) fn info() -> RunInfo {
    RunInfo { holder: "alice on admin1 (pid 1)".into(), started_at: 1000, outputs: None }
}

pub(super) fn record(at: &str) -> Record {
    Record {
        object: Object {
            key: key(at),
            id: Uuid::new_v4(),
            container: address("pool.fast"),
            body: Body::Volume(VolumeBody {
                name: at.replace('.', "-"),
                size: Bytes(1 << 30),
                serial: "s".into(),
                source: None,
            }),
        },
        prevent_destroy: false,
        on_destroy: OnDestroy::Trash,
        labels: [("team".to_owned(), "db".to_owned())].into(),
        depends_on: Vec::new(),
    }
}

pub(super) fn pool() -> ContainerRecord {
    ContainerRecord {
        spec: ContainerSpec {
            address: address("pool.fast"),
            provider: "directory".into(),
            host: HostName::local(),
            settings: Settings::new(),
            policy: PoolPolicy::default(),
        },
        identity: Uuid::new_v4(),
        makes: Vec::new(),
    }
}

pub(super) fn put(record: &Record) -> Effect {
    Effect::Put(Box::new(record.clone()))
}

pub(super) fn put_pool() -> Effect {
    Effect::PutContainer(Box::new(pool()))
}

pub(super) fn trash(record: &Record, id: Uuid) -> Effect {
    Effect::Trash(Box::new(TrashEntry { id, record: record.clone(), purge: false, trashed_at: 0 }))
}

pub(super) fn begin(store: &mut Store, plan: &Plan) -> super::RunHandle {
    store.begin_run(RunKind::Apply, plan, &info()).unwrap()
}

/// The summary of the first problem.
pub(super) fn summary<T: std::fmt::Debug>(result: Result<T, Failure>) -> &'static str {
    result.unwrap_err().diagnostics.iter().next().unwrap().summary
}
