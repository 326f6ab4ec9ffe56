//! A directory in a temporary place, a real `/bin/sh` with the functions that scripts may call, and faults: the n-th
//! program that a script starts fails, or everything is killed in its stead.
#![expect(clippy::disallowed_methods, reason = "tests run the scripts on real files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use uuid::Uuid;

use crate::model::command::{Action, Answer, Effect as Locking, Frame, Query};
use crate::model::{
    Address, Body, ContainerSpec, ContainerView, HostName, Kind, Object, ObjectKey, Observed, OnDestroy,
    Part, Place, PoolPolicy, Record, Setting, SnapshotBody, SourceRef, Surveyed, VolumeBody,
};
use crate::model::{Bytes, ContainerBody};
use crate::plan::step::{Effect, Expectation, Operation, Request, Step, Undo};
use crate::providers::{CATALOG, Provider, Reading, Scope};

const PRELUDE: &str = include_str!("../../hosts/prelude.sh");

/// Programs that scripts start, but for `flock`: the prelude's own part is proved elsewhere.
const PROGRAMS: [&str; 19] = [
    "awk", "cat", "cp", "find", "grep", "ln", "mkdir", "mv", "readlink", "rm", "rmdir", "sed", "socat",
    "stat", "sync", "tgtadm", "timeout", "tr", "truncate",
];

/// What every secret is.
pub const SECRET: &str = "s3cr3t0123456789";

const SHIM: &str = r#"#!/bin/sh
# Two that are started at once take two numbers: whoever makes the file has it.
n=1
set -C
until { true >"$COUNT/$n"; } 2>/dev/null; do
    [ -d "$COUNT" ] || exit 28
    n=$((n + 1))
done
set +C
if [ "$n" = "$FAULT_AT" ]; then
    [ "$FAULT" = fail ] || kill -9 0
    exit 28
fi
# Durability is not what a test can see, and waiting for a disk is most of what it would do.
PATH=$MORE/usr/sbin:/usr/bin:/sbin:/bin
[ "${0##*/}" = sync ] || exec "${0##*/}" "$@"
"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The program is not run and says that it failed, as on a full disk.
    Fail,
    /// Everything is killed just before the program would run.
    Kill,
    /// No file can be written or grow, whichever program tries.
    Full,
}

pub struct Bench {
    pub provider: &'static dyn Provider,
    pub container: ContainerSpec,
    pub identity: Uuid,
    pub lineage: Uuid,
    tools: TempDir,
    /// A directory with programs that stand for others.
    pub more: Option<PathBuf>,
    /// What lives in a tool and not below `root`, as text: a part of the [tree](Bench::tree).
    pub beside: Option<Box<dyn Fn() -> String>>,
    /// Holds the directory of the container, `data`, and what tests put beside it.
    pub root: TempDir,
}

impl Bench {
    /// A container that nobody has joined yet, in a directory with an awkward name.
    pub fn unjoined(role: Kind, provider: &str) -> Bench {
        let (tools, root) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let shim = tools.path().join("shim");
        fs::write(&shim, SHIM).unwrap();
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o700)).unwrap();
        for program in PROGRAMS {
            symlink(&shim, tools.path().join(program)).unwrap();
        }
        let path = root.path().join("-the \"data\" $(of) 'us'*");
        fs::create_dir(&path).unwrap();
        let settings = [
            ("path".to_owned(), Setting::Text(path.to_str().unwrap().to_owned())),
            ("create".to_owned(), Setting::Bool(true)),
        ];
        let container = ContainerSpec {
            address: Address::new(role, "here"),
            provider: provider.to_owned(),
            host: HostName::local(),
            settings: settings.into(),
            policy: PoolPolicy::default(),
        };
        let provider = CATALOG.of(&container).unwrap();
        Bench {
            provider,
            container,
            identity: id(900),
            lineage: id(901),
            tools,
            more: None,
            beside: None,
            root,
        }
    }

    /// One that is in use by this lineage.
    pub fn joined(role: Kind, provider: &str) -> Bench {
        let bench = Bench::unjoined(role, provider);
        let join = bench.join(Vec::new());
        bench.succeed(&join.run);
        bench
    }

    pub fn path(&self) -> PathBuf {
        PathBuf::from(self.container.text("path"))
    }

    pub fn request(&self, operation: Operation) -> Result<Vec<Step>, crate::diag::Diagnostic> {
        let key = match &operation {
            Operation::Join { .. } | Operation::Release { .. } => {
                ObjectKey::new(self.container.address.clone(), Part::STORE)
            }
            Operation::Create { after, .. }
            | Operation::Update { after, .. }
            | Operation::TakeOutOfTrash { after, .. } => after.object.key.clone(),
            Operation::Restore { record, .. } | Operation::Destroy { record, .. } => {
                record.object.key.clone()
            }
            Operation::Purge { entries } => entries[0].record.object.key.clone(),
            Operation::Adopt { after, .. } => after.object.key.clone(),
        };
        self.provider.steps(&Request {
            key,
            container: &self.container,
            identity: self.identity,
            lineage: self.lineage,
            workspace: "it's \"ours\"",
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

    pub fn join(&self, makes: Vec<String>) -> Step {
        self.step(Operation::Join { body: ContainerBody { makes }, exists: false })
    }

    /// Plays a program of [`PROGRAMS`]: `script` goes before what it really does.
    pub fn play(&self, program: &str, script: &str) {
        let path = self.tools.path().join(program);
        fs::remove_file(&path).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\nexec /usr/bin/{program} \"$@\"\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    }

    /// Runs an action as the transport does.
    pub fn run(&self, action: &Action, fault: Option<(Fault, usize)>) -> Answer {
        let mut frame = CATALOG.frame(action, &self.provider.guard(&self.container)).unwrap();
        frame.stdin = action.secrets.iter().map(|_| format!("{SECRET}\n")).collect();
        self.send(&frame, fault, true)
    }

    /// `counted`: programs are started through the shim, which counts them and fails or kills the one that is chosen.
    fn send(&self, frame: &Frame, fault: Option<(Fault, usize)>, counted: bool) -> Answer {
        let act = match frame.effect {
            Locking::Guarded => "set -eu\nvbs_enter \"$vbs_guard\"\n( eval \"$vbs_script\" ) 9>&-\nexit 0",
            Locking::Reads | Locking::TakesGuard => "set -eu\neval \"$vbs_script\"",
        };
        let count = self.tools.path().join("count");
        let _ = fs::remove_dir_all(&count);
        fs::create_dir_all(&count).unwrap();
        // A limit on the size of files is a disk that is full for real, and needs no root.
        let full = match fault {
            Some((Fault::Full, _)) => "trap '' XFSZ\nulimit -f 0\n",
            _ => "",
        };
        fs::write(self.tools.path().join("stdin"), &frame.stdin).unwrap();
        let more = self.more.as_ref().map_or(String::new(), |more| format!("{}:", more.display()));
        let path = match counted {
            true => format!("PATH='{}':$MORE$PATH", self.tools.path().display()),
            false => "PATH=$MORE$PATH".to_owned(),
        };
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(format!("{PRELUDE}\n{full}{path}\n{act}"))
            .process_group(0)
            .stdin(fs::File::open(self.tools.path().join("stdin")).unwrap())
            .env("MORE", &more)
            .env("COUNT", &count)
            .env("FAULT_AT", fault.map_or(0, |(_, at)| at).to_string())
            .env("FAULT", if fault.is_some_and(|(fault, _)| fault == Fault::Fail) { "fail" } else { "kill" })
            .env("vbs_script", frame.script)
            .envs(frame.variables.iter().map(|(name, value)| (name, value)))
            .env("vbs_epoch", "7")
            .env("vbs_wait", "5")
            .env("vbs_holder", "a test");
        if let Some(guard) = &frame.guard {
            command.env("vbs_lineage", self.lineage.to_string()).env("vbs_guard", &guard.0);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A script that was killed does not read.
        let _ = child.stdin.take().unwrap().write_all(frame.stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Answer {
            status: output.status.code().unwrap_or(137),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// How many programs the last action started.
    pub fn programs(&self) -> usize {
        fs::read_dir(self.tools.path().join("count")).unwrap().count()
    }

    pub fn succeed(&self, action: &Action) -> Answer {
        let answer = self.run(action, None);
        assert_eq!(answer.status, 0, "{} of {:?}: {}", action.verb, action.arguments, answer.stderr);
        answer
    }

    pub fn refuse(&self, action: &Action) -> String {
        let before = self.tree();
        let answer = self.run(action, None);
        assert_eq!(answer.status, 70, "{}: {}", action.verb, answer.stderr);
        assert_eq!(self.tree(), before, "a refusal changed something");
        answer.stderr
    }

    pub fn view_for(&self, identity: Option<Uuid>, wanted: &[&str]) -> ContainerView {
        self.look(identity, wanted, false)
    }

    /// As every survey, with its programs counted.
    pub fn view_counted(&self) -> ContainerView {
        self.look(Some(self.identity), &[], true)
    }

    fn look(&self, identity: Option<Uuid>, wanted: &[&str], counted: bool) -> ContainerView {
        let wanted: BTreeSet<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        let scope = Scope { container: &self.container, identity, lineage: self.lineage, wanted: &wanted };
        let mut answers = self.answers(self.provider.survey(&scope), counted);
        match self.provider.read(&scope, &answers) {
            Reading::Done(view) => view,
            Reading::Ask(more) => {
                answers.extend(self.answers(more, counted));
                match self.provider.read(&scope, &answers) {
                    Reading::Done(view) => view,
                    Reading::Ask(more) => panic!("asked again for more: {more:?}"),
                }
            }
        }
    }

    fn answers(&self, queries: Vec<Query>, counted: bool) -> Vec<Answer> {
        (queries.into_iter())
            .map(|query| {
                let frame = Frame {
                    script: query.script,
                    variables: query.variables,
                    stdin: String::new(),
                    effect: Locking::Reads,
                    guard: None,
                };
                self.send(&frame, None, counted)
            })
            .collect()
    }

    pub fn surveyed(&self) -> Surveyed {
        match self.view_for(Some(self.identity), &[]) {
            ContainerView::Present(surveyed) => surveyed,
            other => panic!("{other:?}"),
        }
    }

    pub fn observed(&self, id: Uuid) -> Option<Observed> {
        let mut all = self.surveyed().objects.into_iter().filter(|object| object.mark.id == id);
        let first = all.next();
        assert!(all.next().is_none(), "{id} was found twice");
        first
    }

    /// Whether a fresh survey shows what is expected.
    pub fn shows(&self, expectations: &[Expectation]) -> bool {
        let view = self.view_for(None, &[]);
        let (objects, epoch, identity) = match &view {
            ContainerView::Present(it) => (it.objects.as_slice(), it.epoch, Some(it.identity)),
            ContainerView::Fresh { .. } => (&[][..], None, None),
            ContainerView::Unsurveyed { why } => panic!("{why}"),
        };
        expectations.iter().all(|expectation| match expectation {
            Expectation::Shows { id, facts, .. } => objects.iter().any(|object| {
                let found = object.facts();
                object.mark.id == *id
                    && object.mark.lineage == self.lineage
                    && facts.iter().all(|(name, value)| found.get(name).map(String::as_str) == Some(value))
            }),
            Expectation::Absent { id, .. } => objects.iter().all(|object| object.mark.id != *id),
            Expectation::NotAt { id, place, .. } => {
                objects.iter().all(|object| object.mark.id != *id || object.place.word() != place)
            }
            Expectation::Joined { identity: wanted, .. } => epoch.is_some() && identity == Some(*wanted),
            Expectation::NotJoined { .. } => epoch.is_none(),
        })
    }

    /// Everything below the root, but for what the prelude writes. Images are told by inode and size too.
    pub fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        walk(self.root.path(), self.root.path(), &mut tree);
        tree.extend(self.beside.iter().map(|beside| ("beside".to_owned(), beside())));
        tree
    }

    pub fn names(&self) -> BTreeSet<String> {
        self.tree().into_keys().collect()
    }

    /// The promise about every step: whatever program of it fails or is killed, taking it back leaves everything as it
    /// was and doing it again does it; and so for taking it back.
    pub fn endures(&self, step: &Step) {
        let (Undo::Run(undo) | Undo::RunInSameProcess(undo)) = &step.undo else {
            panic!("{} cannot be taken back", step.id)
        };
        let before = self.tree();
        assert!(self.shows(&step.proof.not_done), "{}: not as expected before", step.id);
        self.succeed(&step.run);
        let programs = self.programs();
        let done = self.names();
        assert!(self.shows(&step.proof.done), "{}: not as expected after: {:?}", step.id, self.surveyed());
        assert!(!self.shows(&step.proof.not_done), "{}: nothing was done", step.id);
        self.succeed(&step.run);
        assert_eq!(self.names(), done, "{}: run twice", step.id);
        self.succeed(undo);
        let programs = programs.max(self.programs());
        self.succeed(undo);
        assert_eq!(self.tree(), before, "{}: undone twice", step.id);
        for at in 1..=programs {
            let told = format!("{} with program {at}", step.id);
            let failed = self.run(&step.run, Some((Fault::Fail, at)));
            // A swap is several renames: past the first one it is finished or taken back, by the next frame.
            if failed.status != 0 && !step.id.0.ends_with("/swap") && !self.shows(&step.proof.done) {
                // What was taken away but for its mark is found for what it is.
                let forgets = step.effects.iter().any(|effect| matches!(effect, Effect::Forget(_)));
                let is_half =
                    forgets && self.surveyed().objects.iter().any(|object| object.place == Place::Vanished);
                let is_whole = self.shows(&step.proof.not_done);
                assert!(is_whole || is_half, "{told} failing is half done: {}", failed.stderr);
            }
            self.succeed(undo);
            assert_eq!(self.tree(), before, "{told} failing, undone");
            self.run(&step.run, Some((Fault::Kill, at)));
            self.succeed(undo);
            assert_eq!(self.tree(), before, "{told} killed, undone");
            self.run(&step.run, Some((Fault::Kill, at)));
            self.succeed(&step.run);
            assert_eq!(self.names(), done, "{told} killed, run again");
            self.run(undo, Some((Fault::Kill, at)));
            self.succeed(undo);
            assert_eq!(self.tree(), before, "{told} killed in undoing, undone again");
        }
        self.succeed(&step.run);
        assert!(self.shows(&step.proof.done), "{}", step.id);
        self.succeed(undo);
    }

    /// A full disk is an error that leaves everything as it was, without an undo.
    pub fn minds_a_full_disk(&self, step: &Step) {
        let before = self.tree();
        let answer = self.run(&step.run, Some((Fault::Full, 0)));
        assert!(answer.status != 0 && !answer.stderr.is_empty(), "{}: {answer:?}", step.id);
        assert_eq!(self.tree(), before, "{}", step.id);
        assert!(self.shows(&step.proof.not_done), "{}", step.id);
    }

    pub fn record(&self, address: &str, id: Uuid, body: Body) -> Record {
        let address: Address = address.parse().unwrap();
        let part = match &body {
            Body::Volume(_) => Part::VOLUME,
            Body::Snapshot(_) => Part::SNAPSHOT,
            Body::Disk(_) => Part::DISK,
            Body::Export(_) => Part::EXPORT,
            Body::Grant(grant) => Part::grant(grant.initiator.rsplit('.').next().unwrap_or_default()),
            _ => Part::STORE,
        };
        Record {
            object: Object {
                key: ObjectKey::new(address, part),
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

    pub fn volume(&self, number: u128, name: &str, size: u64, source: Option<&Record>) -> Record {
        let source = source
            .map(|record| SourceRef { id: record.object.id, address: record.object.key.address.clone() });
        let serial = id(number).to_string();
        let body = Body::Volume(VolumeBody { name: name.to_owned(), size: Bytes(size), serial, source });
        self.record(&format!("volume.v{number}"), id(number), body)
    }

    pub fn snapshot(&self, number: u128, name: &str, of: &Record) -> Record {
        let origin = SourceRef { id: of.object.id, address: of.object.key.address.clone() };
        let body = Body::Snapshot(SnapshotBody {
            name: name.to_owned(),
            size: of.object.body.size(),
            origin,
            reserve: None,
        });
        self.record(&format!("snapshot.s{number}"), id(number), body)
    }

    pub fn create(&self, after: &Record, source: Option<&Record>) -> Step {
        self.step(Operation::Create { after: after.clone(), source: source.cloned() })
    }

    pub fn made(&self, after: &Record, source: Option<&Record>) {
        self.succeed(&self.create(after, source).run);
    }
}

pub fn id(number: u128) -> Uuid {
    uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid()
}

fn walk(root: &Path, directory: &Path, tree: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let data = fs::symlink_metadata(&path).unwrap();
        if data.is_dir() {
            tree.insert(name, "directory".to_owned());
            walk(root, &path, tree);
        } else if data.is_symlink() {
            tree.insert(name, format!("-> {}", fs::read_link(&path).unwrap().display()));
        } else if path.extension().is_some_and(|extension| extension == "img") {
            tree.insert(name, format!("{} bytes, inode {}, {} links", data.len(), data.ino(), data.nlink()));
        } else if !(name.ends_with("/guard") || name.contains("/epoch.")) {
            tree.insert(name, without_made(&fs::read_to_string(&path).unwrap()));
        } else {
            tree.insert(name, String::new());
        }
    }
}

/// When an image was made may be forgotten, never mistaken: it then counts as written into.
fn without_made(text: &str) -> String {
    let Some((before, made)) = text.split_once("\"made\":\"") else { return text.to_owned() };
    format!("{before}{}", made.split_once('"').map_or("", |(_, after)| after))
}
