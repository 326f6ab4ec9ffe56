//! What must hold of a world after every case. Nothing here is shared with the code that it judges: the state is read
//! as a database, marks as JSON, images and links as files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::rows::{Journal, Rows};
use super::tree::{self, Entry, Tree};
use super::world::{CANARY, World};

/// A world as it was before anything struck it.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    pub tree: Tree,
    pub rows: Rows,
    /// How many runs the state knows of.
    pub runs: usize,
    /// The plan, without what differs from run to run.
    pub plan: Value,
}

/// How the last run that was begun ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// None was begun, or it was taken back.
    Reverted,
    Applied,
    Halted,
}

pub fn state_of(world: &World) -> PathBuf {
    world.path().join(".vbs/state.db")
}

impl Baseline {
    pub fn of(world: &World) -> Baseline {
        let state = state_of(world);
        Baseline {
            tree: tree::read(&world.path()),
            rows: Rows::read(&state),
            runs: Journal::read(&state).runs.len(),
            plan: plan(world).unwrap(),
        }
    }
}

/// The plan of the world's command, in a form that can be compared.
fn plan(world: &World) -> Result<Value, String> {
    let mut arguments = world.scenario.plan.to_vec();
    arguments.push("--json");
    let ended = world.run(&arguments, "");
    ended.expect("the plan", &[0])?;
    Ok(comparable(&ended.stdout))
}

/// Without ids, which are drawn anew for what does not exist yet, and without the room on the disk.
fn comparable(text: &str) -> Value {
    let ids = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let mut plan: Value = serde_json::from_str(&ids.replace_all(text, "ID")).unwrap();
    let fields = plan.as_object_mut().unwrap();
    fields.remove("pools");
    plan
}

/// Everything that is wrong with a world in which no run may be open any more.
pub fn check(world: &World) -> Vec<String> {
    let state = state_of(world);
    let journal = Journal::read(&state);
    let mut wrong = Vec::new();
    if journal.is_open() {
        wrong.push(format!("a run is still open: {:?}", journal.runs));
    }
    wrong.extend(journal.open_steps.iter().map(|step| format!("the journal was left open: run {step}")));
    if journal.integrity != "ok" {
        wrong.push(format!("the state is damaged: {}", journal.integrity));
    }
    let now = Now { world, tree: tree::read(&world.path()), rows: Rows::read(&state) };
    now.check_marks(&mut wrong);
    now.check_leftovers(&mut wrong);
    now.check_foreign(&mut wrong);
    now.check_data(&mut wrong);
    check_state_directory(world, &mut wrong);
    match ending(world) {
        Ending::Reverted => now.check_reverted(&mut wrong),
        Ending::Applied => check_empty(world, &mut wrong),
        Ending::Halted => {}
    }
    check_secrets(world, &mut wrong);
    wrong
}

/// How the run under test ended, by the state's own history.
pub fn ending(world: &World) -> Ending {
    let runs = Journal::read(&state_of(world)).runs;
    let since = &runs[world.baseline.runs.min(runs.len())..];
    // A destroy with purge is two runs: what the first one did stays when the second is taken back.
    if since.iter().any(|status| status == "halted") {
        Ending::Halted
    } else if since.iter().any(|status| status == "applied") || was_written_anew(world) {
        Ending::Applied
    } else {
        Ending::Reverted
    }
}

/// A state that was rebuilt remembers no runs, and stands for a world in which everything was applied.
fn was_written_anew(world: &World) -> bool {
    let state = state_of(world);
    Journal::read(&state).runs.len() < world.baseline.runs.max(1) && !Rows::read(&state).records.is_empty()
}

/// Whether a world is as it was in every way, so that the next case may use it too.
pub fn is_as_before(world: &World) -> bool {
    tree::read(&world.path()) == world.baseline.tree && Rows::read(&state_of(world)) == world.baseline.rows
}

fn check_empty(world: &World, wrong: &mut Vec<String>) {
    let plan = world.run(world.scenario.empty, "");
    if plan.code != Some(0) || !plan.stdout.starts_with("No changes.") {
        wrong.push(format!("after a commit the plan is not empty:\n{}{}", plan.stdout, plan.stderr));
    }
}

/// No secret in any file, be it the state, a mark, a log or what was printed.
fn check_secrets(world: &World, wrong: &mut Vec<String>) {
    let found = Command::new("grep").args(["-rlF", CANARY]).arg(world.path()).arg(world.output()).output();
    let found = found.unwrap();
    if found.status.code() != Some(1) {
        wrong.push(format!("the secret is in {}", String::from_utf8_lossy(&found.stdout)));
    }
}

/// Nothing temporary may be left beside the state.
fn check_state_directory(world: &World, wrong: &mut Vec<String>) {
    let known =
        ["state.db", "state.db-wal", "state.db-shm", "state.db.lock", "state.db.backups", "state.key"];
    let Ok(entries) = std::fs::read_dir(world.path().join(".vbs")) else { return };
    for entry in entries.map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !known.contains(&name.as_str()) {
            wrong.push(format!("{name} was left beside the state"));
        }
    }
}

/// The world as it is, beside what it was.
struct Now<'w> {
    world: &'w World,
    tree: Tree,
    rows: Rows,
}

/// A mark as it lies in a directory.
struct Mark {
    store: PathBuf,
    id: String,
    body: Value,
}

impl Now<'_> {
    fn bytes(&self, path: &Path) -> Option<&[u8]> {
        match self.tree.get(path) {
            Some(Entry::File { bytes, .. }) => Some(bytes),
            _ => None,
        }
    }

    /// Directories of ours: `pool/.vbs` and `vms/.vbs`.
    fn stores(&self) -> impl Iterator<Item = &Path> {
        ["pool/.vbs", "vms/.vbs"].into_iter().map(Path::new).filter(|store| self.tree.contains_key(*store))
    }

    fn marks(&self) -> Vec<Mark> {
        let mut marks = Vec::new();
        for store in self.stores() {
            for path in self.tree.keys().filter(|path| path.parent() == Some(store)) {
                let name = path.file_name().unwrap().to_str().unwrap();
                let Some(id) = name.strip_suffix(".json") else { continue };
                if id == "pool" || id == "hypervisor" {
                    continue;
                }
                let body = serde_json::from_slice(self.bytes(path).unwrap()).unwrap_or(Value::Null);
                marks.push(Mark { store: store.to_owned(), id: id.to_owned(), body });
            }
        }
        marks
    }

    /// The ids of what the state knows, each once.
    fn known(&self, wrong: &mut Vec<String>) -> BTreeMap<String, &Value> {
        let records = self.rows.records.values().map(|body| (&body["object"], body));
        let trash = self.rows.trash.values().map(|body| (&body["record"]["object"], body));
        let mut known = BTreeMap::new();
        for (object, body) in records.chain(trash) {
            let id = object["id"].as_str().unwrap().to_owned();
            if known.insert(id.clone(), body).is_some() {
                wrong.push(format!("the state has {id} twice"));
            }
        }
        known
    }

    /// Every marked object is in the state or the trash, and the other way round; no id and no file twice.
    fn check_marks(&self, wrong: &mut Vec<String>) {
        let known = self.known(wrong);
        let marks = self.marks();
        let (mut ids, mut files) = (BTreeSet::new(), BTreeSet::new());
        for mark in &marks {
            let Mark { store, id, body } = mark;
            if body["id"] != id.as_str() || body["lineage"] != self.rows.lineage.as_str() {
                wrong.push(format!("{}/{id}.json is not a mark of ours: {body}", store.display()));
            }
            if !known.contains_key(id) {
                wrong.push(format!("{id} is marked ({body}) and the state does not know it: it was leaked"));
            }
            if !ids.insert(id.clone()) {
                wrong.push(format!("the id {id} exists twice"));
            }
            if let Some(file) = body["file"].as_str()
                && !files.insert(file.to_owned())
            {
                wrong.push(format!("two marks speak of the file {file}"));
            }
        }
        for (id, body) in &known {
            match marks.iter().find(|mark| mark.id == *id) {
                None => {
                    wrong.push(format!("the state has {id} ({body}) and nothing is marked so: it was lost"))
                }
                Some(mark) => self.check_object(mark, body, wrong),
            }
        }
        self.check_containers(wrong);
    }

    /// A container that the state knows is in use, and one in use is known.
    fn check_containers(&self, wrong: &mut Vec<String>) {
        for (address, store, card) in
            [("pool.p", "pool/.vbs", "pool.json"), ("hypervisor.h", "vms/.vbs", "hypervisor.json")]
        {
            let epoch = Path::new(store).join(format!("epoch.{}", self.rows.lineage));
            let recorded = self.rows.containers.get(address).map(|body| &body["identity"]);
            let card = self.bytes(&Path::new(store).join(card)).map(|card| {
                // Behind the identity stand the directories that were made.
                let first = card.split(|byte| *byte == b'\n').next().unwrap_or_default();
                serde_json::from_slice::<Value>(first).map_or(Value::Null, |card| card["identity"].clone())
            });
            if recorded != card.as_ref() {
                wrong.push(format!("{address} is recorded as {recorded:?} and says that it is {card:?}"));
            }
            if recorded.is_some() != self.tree.contains_key(&epoch) {
                wrong.push(format!("{address}: recorded {recorded:?}, and its epoch disagrees"));
            }
        }
    }

    /// Data is where the state says that it is.
    fn check_object(&self, mark: &Mark, body: &Value, wrong: &mut Vec<String>) {
        let in_trash = body.get("record").is_some();
        let object = if in_trash { &body["record"]["object"] } else { &body["object"] };
        let shape = &object["body"];
        let work = self.world.path();
        if shape["kind"] == "disk" {
            let (vm, device) = (shape["vm"].as_str().unwrap(), shape["device"].as_str().unwrap());
            let link = Path::new("vms").join(vm).join(device);
            let target = PathBuf::from(shape["host_path"].as_str().unwrap());
            if self.tree.get(&link) != Some(&Entry::Link { target: target.clone() }) {
                wrong.push(format!("{} is not a link to {}", link.display(), target.display()));
            }
            if !work.join(&target).is_file() {
                wrong.push(format!("{} is attached and does not exist", target.display()));
            }
            return;
        }
        let (id, lineage) = (&mark.id, &self.rows.lineage);
        let path = if in_trash {
            format!("pool/.vbs/trash/{id}.{lineage}.img")
        } else {
            format!("pool/{}.img", shape["name"].as_str().unwrap())
        };
        match self.tree.get(Path::new(&path)) {
            Some(Entry::File { inode, bytes, .. }) => {
                let marked = mark.body["file"].as_str().unwrap_or_default();
                if !marked.starts_with(&format!("{inode}:")) {
                    wrong.push(format!("{path} has inode {inode} and its mark says {marked}"));
                }
                if shape["size"] != bytes.len() {
                    wrong.push(format!(
                        "{path} has {} bytes and the state says {}",
                        bytes.len(),
                        shape["size"]
                    ));
                }
            }
            other => wrong.push(format!("{path} should be the image of {id} and is {other:?}")),
        }
    }

    /// Nothing half-made lies in the directories of ours.
    fn check_leftovers(&self, wrong: &mut Vec<String>) {
        let lineage = &self.rows.lineage;
        for store in self.stores() {
            for path in self.tree.keys().filter(|path| path.starts_with(store) && *path != store) {
                let name = path.strip_prefix(store).unwrap().to_str().unwrap();
                let is_known = match name {
                    "guard" | "trash" | "pool.json" | "hypervisor.json" => true,
                    _ if name == format!("epoch.{lineage}") => true,
                    _ if name.starts_with("vm.") => {
                        self.tree.contains_key(&Path::new("vms").join(&name[3..]))
                    }
                    _ => match name.strip_prefix("trash/") {
                        Some(image) => image
                            .strip_suffix(&format!(".{lineage}.img"))
                            .is_some_and(|id| self.rows.trash.contains_key(id)),
                        // Whether it is known was looked at with the marks.
                        None => name.ends_with(".json"),
                    },
                };
                if !is_known {
                    wrong.push(format!("{} was left behind", path.display()));
                }
            }
        }
    }

    /// What vbs has not made is as it was.
    fn check_foreign(&self, wrong: &mut Vec<String>) {
        if !self.world.scenario.foreign {
            return;
        }
        for path in [
            "pool/foreign.img",
            "pool/notes.txt",
            "pool/sub",
            "pool/sub/grow.img",
            "vms/one",
            "vms/one/vdz",
            "vms/one/vdy",
            "vms/README",
        ] {
            let (was, is) = (self.world.baseline.tree.get(Path::new(path)), self.tree.get(Path::new(path)));
            if was != is {
                wrong.push(format!("{path} is not ours, was {was:?} and is {is:?}"));
            }
        }
    }

    /// The data of every earlier volume is somewhere among our images, in the file that always held it.
    fn check_data(&self, wrong: &mut Vec<String>) {
        if self.world.scenario.purges {
            return;
        }
        let images: BTreeMap<u64, &[u8]> = self
            .tree
            .values()
            .filter_map(|entry| match entry {
                Entry::File { inode, bytes, .. } if *inode != 0 => Some((*inode, bytes.as_slice())),
                _ => None,
            })
            .collect();
        let volumes = self
            .world
            .baseline
            .rows
            .records
            .values()
            .filter(|body| body["object"]["body"]["kind"] == "volume");
        for volume in volumes {
            let name = volume["object"]["body"]["name"].as_str().unwrap();
            let path = PathBuf::from(format!("pool/{name}.img"));
            let Some(Entry::File { inode, bytes, .. }) = self.world.baseline.tree.get(&path) else {
                continue;
            };
            if !images.get(inode).is_some_and(|now| now.starts_with(bytes)) {
                wrong.push(format!("the data of {name} (inode {inode}) is lost or damaged"));
            }
        }
    }

    /// Everything is as it was, but for a grow that may have been kept.
    fn check_reverted(&self, wrong: &mut Vec<String>) {
        let before = &self.world.baseline;
        // A new volume that somebody had written into was kept; that the state knows of it is seen with the marks.
        if self.rows.trash.len() > before.rows.trash.len() {
            return;
        }
        let kept = self.kept_grow();
        let (mut tree, mut rows, mut was_rows) = (self.tree.clone(), self.rows.clone(), before.rows.clone());
        if let Some(path) = &kept {
            self.forgive_grow(path, &mut tree, &mut rows, &mut was_rows, wrong);
        }
        wrong.extend(tree::differences(&before.tree, &tree));
        // A state that was made and never used is no trace of the run.
        if was_rows.lineage.is_empty() {
            rows.lineage.clear();
        }
        if rows != was_rows {
            wrong.push(format!("the state was {was_rows:?} and is {rows:?}"));
        }
        let mut was = before.plan.clone();
        let mut is = match plan(self.world) {
            Ok(plan) => plan,
            Err(why) => return wrong.push(why),
        };
        if kept.is_some() {
            let address = format!("volume.{}", self.world.scenario.grows.unwrap());
            for plan in [&mut was, &mut is] {
                forget(plan, &address);
            }
        }
        if was != is {
            wrong.push(format!("the plan was\n{was}\nand is\n{is}"));
        }
    }

    /// The image that has its new size although the run was taken back.
    fn kept_grow(&self) -> Option<PathBuf> {
        let path = PathBuf::from(format!("pool/{}.img", self.world.scenario.grows?));
        let Some(Entry::File { bytes: was, .. }) = self.world.baseline.tree.get(&path) else { return None };
        (self.bytes(&path)?.len() > was.len()).then_some(path)
    }

    /// Compared as if it had not grown: the new room is empty, and the state knows of it.
    fn forgive_grow(
        &self,
        path: &Path,
        tree: &mut Tree,
        rows: &mut Rows,
        was: &mut Rows,
        wrong: &mut Vec<String>,
    ) {
        let Some(Entry::File { bytes: before, .. }) = self.world.baseline.tree.get(path) else { return };
        if let Some(Entry::File { bytes, .. }) = tree.get_mut(path) {
            if bytes[before.len()..].iter().any(|byte| *byte != 0) {
                wrong.push(format!("the new room of {} is not empty", path.display()));
            }
            bytes.truncate(before.len());
        }
        let key = format!("volume.{}/volume", self.world.scenario.grows.unwrap());
        let size = rows.records[&key]["object"]["body"]["size"].as_u64();
        if size != self.bytes(path).map(|bytes| bytes.len() as u64) {
            wrong.push(format!("the state does not know of the grow that was kept: {size:?}"));
        }
        rows.records.remove(&key);
        was.records.remove(&key);
    }
}

/// Takes an address out of a plan, and the totals with it.
fn forget(plan: &mut Value, address: &str) {
    for list in ["resource_changes", "steps"] {
        if let Some(items) = plan[list].as_array_mut() {
            items.retain(|item| item["address"] != address);
        }
    }
    plan.as_object_mut().unwrap().remove("summary");
    plan.as_object_mut().unwrap().remove("point_of_no_return");
}
