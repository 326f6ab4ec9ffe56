//! A pool whose steps are run one by one in the machine, as the transport runs them, and killed wherever it is wanted.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use uuid::Uuid;
use vbs::model::command::{Action, Effect};
use vbs::model::{
    Address, Body, Bytes, ContainerBody, ContainerSpec, Health, HostName, Kind, Mark, Object, ObjectKey,
    Observed, OnDestroy, Part, Place, PoolPolicy, Record, Setting, SnapshotBody, SourceRef, TrashEntry,
    VolumeBody,
};
use vbs::plan::step::{Operation, Request, Step, Undo};
use vbs::providers::CATALOG;

use crate::lab::{Lab, quoted};
use crate::storage::DISK_B;
use crate::workspace::Output;

const PRELUDE: &str = include_str!("../../../../src/hosts/prelude.sh");
const PROGRAMS: &str =
    "lvs vgs lvcreate lvrename lvchange lvremove lvextend lvreduce lvconvert dd blkdiscard mv mkdir";
const SHIM: &str = r#"#!/bin/sh
name=${0##*/}
PATH=/usr/sbin:/usr/bin
echo "$name" >>/opt/shims/log
if [ "$(wc -l </opt/shims/log)" = "$(cat /opt/shims/at)" ]; then
    case $(cat /opt/shims/fault) in
        before) kill -9 0 ;;
        after) "$name" "$@" >/dev/null 2>&1; kill -9 0 ;;
    esac
fi
exec "$name" "$@"
"#;
pub const MIB: u64 = 1 << 20;
const MORE: i32 = 71;
/// What a shell, or `setsid`, says of a process that was killed.
const KILLED: [i32; 2] = [137, 9];

/// When everything is killed. Programs are counted from one.
#[derive(Debug, Clone, Copy)]
pub enum Kill {
    BeforeTheFirst,
    /// So before the next one, too.
    After(usize),
}

pub struct Bench<'lab, 'machine> {
    pub lab: &'lab Lab<'machine>,
    pub container: ContainerSpec,
    installed: RefCell<BTreeSet<String>>,
    epoch: u64,
}

impl<'lab, 'machine> Bench<'lab, 'machine> {
    /// A volume group `vg-0`, or a thin pool in it, that nobody has taken into use.
    pub fn unjoined(lab: &'lab Lab<'machine>, thin: bool, wipe: Option<&str>) -> Self {
        lab.volume_group("vg-0", DISK_B);
        lab.ok(&format!(
            "mkdir /opt/shims; printf %s {} >/opt/shims/shim; chmod 755 /opt/shims/shim; cd /opt/shims; \
             for each in {PROGRAMS}; do ln -s shim $each; done; mkdir /opt/scripts; \
             printf %s {} >/opt/scripts/prelude",
            quoted(SHIM),
            quoted(PRELUDE)
        ));
        let mut settings = BTreeMap::from([("volume_group".to_owned(), Setting::Text("vg-0".to_owned()))]);
        if thin {
            lab.thin_pool("vg-0", "tp", "1G");
            settings.insert("thin_pool".to_owned(), Setting::Text("tp".to_owned()));
        }
        let container = ContainerSpec {
            address: Address::new(Kind::Pool, "fast"),
            provider: "lvm".to_owned(),
            host: HostName::local(),
            settings,
            policy: PoolPolicy { wipe: wipe.map(str::to_owned), ..PoolPolicy::default() },
        };
        Bench { lab, container, installed: RefCell::default(), epoch: 7 }
    }

    pub fn joined(lab: &'lab Lab<'machine>, thin: bool, wipe: Option<&str>) -> Self {
        let bench = Bench::unjoined(lab, thin, wipe);
        bench.succeed(&bench.join().run);
        bench
    }

    /// The same pool as a newer run of its workspace has it, or with other settings.
    pub fn again(&self, epoch: u64, container: ContainerSpec) -> Self {
        Bench { lab: self.lab, container, installed: RefCell::default(), epoch }
    }

    pub fn request(&self, operation: Operation) -> Result<Vec<Step>, vbs::diag::Diagnostic> {
        let key = match &operation {
            Operation::Create { after, .. }
            | Operation::Update { after, .. }
            | Operation::Adopt { after, .. }
            | Operation::TakeOutOfTrash { after, .. } => after.object.key.clone(),
            Operation::Restore { record, .. } | Operation::Destroy { record, .. } => {
                record.object.key.clone()
            }
            Operation::Join { .. } | Operation::Release { .. } | Operation::Purge { .. } => {
                ObjectKey::new(self.container.address.clone(), Part::STORE)
            }
        };
        CATALOG.of(&self.container).unwrap().steps(&Request {
            key,
            container: &self.container,
            identity: id(900),
            lineage: id(901),
            workspace: "shop",
            evicts: false,
            operation,
        })
    }

    pub fn steps(&self, operation: Operation) -> Vec<Step> {
        self.request(operation).unwrap()
    }

    pub fn step(&self, operation: Operation) -> Step {
        let mut steps = self.steps(operation);
        assert_eq!(steps.len(), 1, "{steps:?}");
        steps.remove(0)
    }

    pub fn join(&self) -> Step {
        self.step(Operation::Join { body: ContainerBody { makes: Vec::new() }, exists: true })
    }

    /// Runs an action as the transport does.
    pub fn run(&self, action: &Action, kill: Option<Kill>) -> Output {
        let guard = CATALOG.of(&self.container).unwrap().guard(&self.container);
        let frame = CATALOG.frame(action, &guard).unwrap();
        let script = format!("/opt/scripts/{}", action.verb);
        if self.installed.borrow_mut().insert(script.clone()) {
            self.lab.ok(&format!("printf %s {} >{script}", quoted(frame.script)));
        }
        let mut text = "set +eu\n. /opt/scripts/prelude\nPATH=/opt/shims:$PATH\n".to_owned();
        for (name, value) in &frame.variables {
            let _ = writeln!(text, "{name}={}", quoted(value));
        }
        let _ = writeln!(
            text,
            "vbs_lineage={} vbs_epoch={} vbs_wait=5 vbs_holder=test vbs_guard={}\nset -eu",
            id(901),
            self.epoch,
            quoted(&guard.0)
        );
        let act = if frame.effect == Effect::Guarded {
            format!("vbs_enter \"$vbs_guard\"\nset +e\n( set -e\n. {script}\n) 9>&-\nexit $?")
        } else {
            format!("( . {script}\n)\nexit $?")
        };
        text += &act;
        let (word, at) = match kill {
            None => ("", 0),
            Some(Kill::BeforeTheFirst) => ("before", 1),
            Some(Kill::After(at)) => ("after", at),
        };
        self.lab.sh(&format!(
            ": >/opt/shims/log; echo {at} >/opt/shims/at; echo {word} >/opt/shims/fault; \
             exec setsid -w sh -c {}",
            quoted(&text)
        ))
    }

    /// The programs that the last action started.
    pub fn programs(&self) -> Vec<String> {
        self.lab.ok("cat /opt/shims/log").lines().map(str::to_owned).collect()
    }

    #[track_caller]
    pub fn succeed(&self, action: &Action) -> Output {
        let output = self.finish(action);
        assert_eq!(output.code, 0, "{} of {:?}: {}", action.verb, action.arguments, output.stderr);
        output
    }

    /// Sends it until it is over.
    pub fn finish(&self, action: &Action) -> Output {
        for _ in 0..200 {
            let output = self.run(action, None);
            if output.code != MORE {
                return output;
            }
            let line = output.stdout.lines().last().unwrap_or_default();
            assert!(line.starts_with("progress "), "{line}");
        }
        panic!("{} never ends", action.verb);
    }

    #[track_caller]
    pub fn refuse(&self, action: &Action, because: &str) {
        let before = self.state();
        let output = self.finish(action);
        assert_eq!(output.code, 70, "{}: {}{}", action.verb, output.stdout, output.stderr);
        assert!(output.stderr.contains(because), "{}", output.stderr);
        assert_eq!(self.state(), before, "a refusal changed something");
    }

    /// Everything that LVM and the guard hold, but for whether the thin pool's own device is open: from the first thin
    /// volume on it is, whatever becomes of that.
    pub fn state(&self) -> String {
        self.lab.ok("udevadm settle; \
             lvs -a --noheadings --separator ' ' -o lv_name,lv_size,lv_attr,origin,pool_lv,lv_tags vg-0 | \
             sed -E 's/ (t[wr]i-a)o/ \\1-/' | sort; \
             find /var/lib/vbs -mindepth 1 2>/dev/null | sort || :")
    }

    /// The promise about every step: wherever it is killed, and so wherever a command fails, taking it back leaves everything as it was and running it
    /// again does it; and so for taking it back.
    #[track_caller]
    pub fn endures(&self, step: &Step) {
        let (Undo::Run(undo) | Undo::RunInSameProcess(undo)) = &step.undo else {
            panic!("{} cannot be taken back", step.id)
        };
        let before = self.state();
        self.succeed(&step.run);
        let programs = self.programs();
        let done = self.state();
        assert_ne!(done, before, "{} does nothing", step.id);
        self.succeed(&step.run);
        assert_eq!(self.state(), done, "{} run twice", step.id);
        self.succeed(undo);
        self.killed(&step.run, Kill::BeforeTheFirst);
        self.succeed(undo);
        assert_eq!(self.state(), before, "{} hardly begun, undone", step.id);
        self.succeed(&step.run);
        for (index, program) in programs.iter().enumerate() {
            let told = |what: &str| format!("{}: killed after {program} ({}), {what}", step.id, index + 1);
            self.succeed(undo);
            self.killed(&step.run, Kill::After(index + 1));
            self.succeed(undo);
            assert_eq!(self.state(), before, "{}", told("undone"));
            self.killed(&step.run, Kill::After(index + 1));
            self.succeed(&step.run);
            assert_eq!(self.state(), done, "{}", told("run again"));
        }
        self.succeed(undo);
        let programs = self.programs();
        assert_eq!(self.state(), before, "{} undone", step.id);
        self.succeed(undo);
        assert_eq!(self.state(), before, "{} undone twice", step.id);
        for (index, program) in programs.iter().enumerate() {
            self.succeed(&step.run);
            self.killed(undo, Kill::After(index + 1));
            self.succeed(undo);
            assert_eq!(self.state(), before, "{}: undoing killed after {program} ({})", step.id, index + 1);
        }
    }

    /// Whatever cannot be taken back can be run again from wherever it was killed. Each time `prepare` makes what it
    /// is done to.
    #[track_caller]
    pub fn goes_on(&self, step: &Step, prepare: impl Fn()) {
        prepare();
        let mut programs = Vec::new();
        loop {
            let output = self.run(&step.run, None);
            programs.push(self.programs().len());
            if output.code == 0 {
                break;
            }
            assert_eq!(output.code, MORE, "{}: {}", step.id, output.stderr);
        }
        let done = self.state();
        self.succeed(&step.run);
        assert_eq!(self.state(), done, "{} run twice", step.id);
        for (round, count) in programs.into_iter().enumerate() {
            for at in 1..=count {
                prepare();
                for _ in 0..round {
                    self.run(&step.run, None);
                }
                // How much one round does depends on the time it takes.
                self.run(&step.run, Some(Kill::After(at)));
                self.succeed(&step.run);
                assert_eq!(self.state(), done, "{}: killed after program {at} of round {round}", step.id);
            }
        }
    }

    #[track_caller]
    pub fn killed(&self, action: &Action, kill: Kill) {
        let output = self.run(action, Some(kill));
        assert!(
            output.code == 0 || KILLED.contains(&output.code),
            "{}: {} {}",
            action.verb,
            output.code,
            output.stderr
        );
    }

    pub fn record(&self, address: &str, id: Uuid, body: Body) -> Record {
        let part = if matches!(body, Body::Snapshot(_)) { Part::SNAPSHOT } else { Part::VOLUME };
        Record {
            object: Object {
                key: ObjectKey::new(address.parse().unwrap(), part),
                id,
                container: self.container.address.clone(),
                body,
            },
            prevent_destroy: false,
            on_destroy: OnDestroy::Trash,
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
        }
    }

    pub fn volume(&self, number: u128, name: &str, mib: u64, source: Option<&Record>) -> Record {
        let source = source.map(reference);
        let serial = id(number).to_string();
        let body = VolumeBody { name: name.to_owned(), size: Bytes(mib * MIB), serial, source };
        self.record(&format!("volume.v{number}"), id(number), Body::Volume(body))
    }

    pub fn snapshot(&self, number: u128, name: &str, of: &Record, reserve_mib: u64) -> Record {
        let body = SnapshotBody {
            name: name.to_owned(),
            size: of.object.body.size(),
            origin: reference(of),
            reserve: (reserve_mib > 0).then_some(Bytes(reserve_mib * MIB)),
        };
        self.record(&format!("snapshot.s{number}"), id(number), Body::Snapshot(body))
    }

    pub fn create(&self, after: &Record, source: Option<&Record>) -> Step {
        self.step(Operation::Create { after: after.clone(), source: source.cloned() })
    }

    pub fn made(&self, after: &Record, source: Option<&Record>) {
        for step in self.steps(Operation::Create { after: after.clone(), source: source.cloned() }) {
            self.succeed(&step.run);
        }
    }

    pub fn update(&self, before: &Record, after: &Record) -> Vec<Step> {
        self.steps(Operation::Update {
            before: before.clone(),
            after: after.clone(),
            live: live(before),
            attached: false,
        })
    }

    pub fn destroy(&self, record: &Record) -> Vec<Step> {
        self.steps(Operation::Destroy { record: record.clone(), live: live(record) })
    }

    pub fn purge(&self, records: &[&Record]) -> Vec<Step> {
        self.steps(Operation::Purge { entries: records.iter().map(|record| entry(record)).collect() })
    }

    pub fn device(&self, name: &str) -> String {
        format!("/dev/vg-0/{name}")
    }

    pub fn names(&self) -> Vec<String> {
        let names = self.lab.ok("lvs --noheadings -o lv_name --sort lv_name vg-0");
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// The first `mib` MiB are noise; gives their digest.
    pub fn noise(&self, name: &str, mib: u64) -> String {
        self.lab.ok(&format!(
            "dd if=/dev/urandom of=/dev/vg-0/{name} bs=1M count={mib} oflag=direct conv=fsync status=none"
        ));
        self.digest(name, 0, mib)
    }

    pub fn digest(&self, name: &str, from: u64, mib: u64) -> String {
        self.lab.ok(&format!(
            "dd if=/dev/vg-0/{name} bs=1M skip={from} count={mib} iflag=direct status=none | sha256sum"
        ))
    }
}

pub fn id(number: u128) -> Uuid {
    uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid()
}

pub fn reference(record: &Record) -> SourceRef {
    SourceRef { id: record.object.id, address: record.object.key.address.clone() }
}

pub fn live(record: &Record) -> Observed {
    Observed {
        mark: Mark {
            lineage: id(901),
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

pub fn entry(record: &Record) -> TrashEntry {
    TrashEntry { id: record.object.id, record: record.clone(), purge: false, trashed_at: 0 }
}
