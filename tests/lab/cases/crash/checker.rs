//! What must hold after every strike. Nothing here is shared with the code that it judges: the state is read as a
//! database, tags as LVM lists them, data as digests of devices.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::facts::{self, Facts, Volume};
use super::rows::{Journal, Rows};
use super::world::World;
use crate::cases::route::scene::{Route, Surroundings};

/// A world as it was before anything struck it.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    pub facts: Facts,
    pub rows: Rows,
    /// How many runs the state knows of.
    pub runs: usize,
    /// The plan, without what differs from run to run.
    pub plan: Value,
    /// By id, what our volumes and snapshots hold: the UUID, how many bytes were read, and their digest.
    pub contents: BTreeMap<String, (String, u64, String)>,
    pub strangers: BTreeMap<String, String>,
    /// Of scenarios on two hosts.
    pub surroundings: Option<Surroundings>,
}

/// How the last run that was begun ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// None was begun, or it was taken back.
    Reverted,
    Applied,
    Halted,
}

impl Baseline {
    pub fn of(world: &World) -> Baseline {
        let facts = facts::look(world.lab);
        let ours: Vec<(&Volume, u64)> = of_ours(&facts).map(|volume| (volume, volume.size)).collect();
        let digests = facts::contents(world.lab, &ours);
        let contents = ours
            .iter()
            .map(|(volume, size)| {
                let uuid = volume.uuid.clone();
                let digest = digests[&uuid].clone();
                (volume.id().unwrap().to_owned(), (uuid, *size, digest))
            })
            .collect();
        Baseline {
            rows: Rows::read(&world.state()),
            runs: Journal::read(&world.state()).runs.len(),
            plan: plan(world).unwrap(),
            contents,
            strangers: facts::strangers(world.lab, "vg0", world.scenario.strangers),
            surroundings: world.surroundings(),
            facts,
        }
    }
}

fn of_ours(facts: &Facts) -> impl Iterator<Item = &Volume> {
    facts.volumes.values().filter(|volume| volume.id().is_some())
}

/// The plan of the world's command, in a form that can be compared: without ids, which are drawn anew for what does
/// not exist yet, and without the room in the pools.
fn plan(world: &World) -> Result<Value, String> {
    let mut arguments = world.scenario.plan.to_vec();
    arguments.push("--json");
    let ended = world.run(&arguments, "").expect("the plan", &[0])?;
    let ids = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let text = ids.replace_all(&ended.output.stdout, "ID");
    let mut plan: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    plan.as_object_mut().unwrap().remove("pools");
    Ok(plan)
}

/// How the run under test ended, by the state's own history.
pub fn ending(world: &World) -> Ending {
    let runs = Journal::read(&world.state()).runs;
    let since = &runs[world.baseline.runs.min(runs.len())..];
    // A destroy with purge is two runs: what the first one did stays when the second is taken back.
    if since.last().is_some_and(|status| status == "halted") {
        Ending::Halted
    } else if since.iter().any(|status| status == "applied" || status == "halted") {
        Ending::Applied
    } else {
        Ending::Reverted
    }
}

/// # Errors
/// Where the plan is not empty, with what it is.
pub fn no_changes(world: &World) -> Result<(), String> {
    let plan = world.run(world.scenario.empty, "");
    if plan.output.code == 0 && plan.output.stdout.starts_with("No changes.") {
        return Ok(());
    }
    Err(format!("the plan is not empty:\n{}", plan.output.text()))
}

/// Everything that is wrong with a world in which no run may be open any more, and which looks so.
///
/// With `power_lost` nobody can tell whether a new volume was used before, so it may lie in the trash.
pub fn check(world: &World, facts: Facts, power_lost: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let journal = Journal::read(&world.state());
    if journal.is_open() {
        wrong.push(format!("a run is still open: {:?}", journal.runs));
    }
    wrong.extend(journal.open_steps.iter().map(|step| format!("the journal was left open: run {step}")));
    if journal.integrity != "ok" {
        wrong.push(format!("the state is damaged: {}", journal.integrity));
    }
    let now = Now { world, facts, rows: Rows::read(&world.state()), ending: ending(world), power_lost };
    now.check_marks(&mut wrong);
    now.check_leftovers(&mut wrong);
    now.check_strangers(&mut wrong);
    now.check_contents(&mut wrong);
    now.check_surroundings(&mut wrong);
    match now.ending {
        Ending::Reverted => now.check_reverted(&mut wrong),
        Ending::Applied | Ending::Halted => wrong.extend(no_changes(world).err()),
    }
    wrong
}

/// The world as it is, beside what it was.
struct Now<'w, 'a, 'm> {
    world: &'w World<'a, 'm>,
    facts: Facts,
    rows: Rows,
    ending: Ending,
    power_lost: bool,
}

impl Now<'_, '_, '_> {
    /// What the state knows, by id: the record, and whether it lies in the trash.
    fn known(&self, wrong: &mut Vec<String>) -> BTreeMap<String, (&Value, bool)> {
        let records = self.rows.records.values().map(|body| (&body["object"], false));
        let trash = self.rows.trash.values().map(|body| (&body["record"]["object"], true));
        let mut known = BTreeMap::new();
        // What a volume is offered by, logged in to and plugged as lies elsewhere: `check_surroundings`.
        let of_volumes =
            |object: &Value| ["volume", "snapshot"].iter().any(|kind| object["body"]["kind"] == *kind);
        for (object, in_trash) in records.chain(trash).filter(|(object, _)| of_volumes(object)) {
            let id = object["id"].as_str().unwrap().to_owned();
            if known.insert(id.clone(), (object, in_trash)).is_some() {
                wrong.push(format!("the state has {id} twice"));
            }
        }
        known
    }

    /// Every marked volume is in the state or the trash, under the name and with the size that it has there, and the
    /// other way round; no id twice.
    fn check_marks(&self, wrong: &mut Vec<String>) {
        let known = self.known(wrong);
        let mut ids = BTreeSet::new();
        for volume in self.facts.volumes.values().filter(|volume| volume.is_marked()) {
            let shown = format!("{} ({})", volume.name, volume.tags.join(" "));
            if !volume.has_tag("vbs") || volume.tag("vbs.lineage") != Some(self.rows.lineage.as_str()) {
                wrong.push(format!("{shown} bears no whole mark of this lineage"));
            }
            let Some(id) = volume.id() else {
                wrong.push(format!("{shown} is marked and has no id"));
                continue;
            };
            if !ids.insert(id.to_owned()) {
                wrong.push(format!("the id {id} exists twice"));
            }
            let Some((object, in_trash)) = known.get(id) else {
                wrong.push(format!("{shown} is marked and the state does not know it: it was leaked"));
                continue;
            };
            let body = &object["body"];
            let own_name = body["name"].as_str().unwrap_or_default();
            let name = if *in_trash { format!("vbs_trash.{id}") } else { own_name.to_owned() };
            if volume.name != name || volume.tag("vbs.name") != Some(own_name) {
                wrong.push(format!("{shown} should be called {name}"));
            }
            let kind = if volume.tag("vbs.snapshot").is_some() { "snapshot" } else { "volume" };
            if body["kind"] != kind {
                wrong.push(format!("{shown} is a {} in the state", body["kind"]));
            }
            // The size of a thick snapshot is that of the store for what its origin has changed.
            let field = if body["reserve"].is_null() { "size" } else { "reserve" };
            if body[field].as_u64() != Some(volume.size) {
                wrong.push(format!("{shown} has {} bytes and the state says {}", volume.size, body[field]));
            }
        }
        for (id, (object, _)) in &known {
            if !ids.contains(id) {
                wrong.push(format!("the state has {id} ({object}) and no volume is marked so: it was lost"));
            }
        }
    }

    /// Nothing that was only meant for the time of a run.
    fn check_leftovers(&self, wrong: &mut Vec<String>) {
        for volume in self.facts.volumes.values() {
            let is_temporary = ["vbs_stage.", "vbs_copy.", "vbs_wiped."]
                .into_iter()
                .any(|prefix| volume.name.starts_with(prefix));
            if is_temporary || volume.has_tag("vbs.filling") || volume.tag("vbs.helper").is_some() {
                wrong.push(format!("{} ({}) was left behind", volume.name, volume.tags.join(" ")));
            }
        }
        wrong.extend(self.facts.stale_devices.iter().cloned());
        for (path, content) in &self.facts.guard_files {
            let name = path.rsplit('/').next().unwrap_or_default();
            if name.starts_with("progress.") || name.starts_with("object.") || name.ends_with(".new") {
                wrong.push(format!("{path} ({content}) was left behind"));
            }
            // What was written to a volume while it was made is remembered for as long as the volume is there.
            if name.starts_with("made.")
                && !self.facts.volumes.values().any(|volume| volume.id().is_some_and(|id| name.ends_with(id)))
            {
                wrong.push(format!("{path} was left behind, and there is no such volume"));
            }
        }
        self.check_containers(wrong);
    }

    /// A pool is in use if the state knows it.
    fn check_containers(&self, wrong: &mut Vec<String>) {
        for (address, guard) in [("pool.thin", "thin.tp0"), ("pool.thick", "thick")] {
            let epoch = format!("/var/lib/vbs/guard/vg/vg0/{guard}/epoch.{}", self.rows.lineage);
            let is_used = self.facts.guard_files.contains_key(&epoch);
            if is_used != self.rows.containers.contains_key(address) {
                let word = if is_used { "is" } else { "is not" };
                wrong.push(format!("{address} {word} in use on the machine, and the state says otherwise"));
            }
        }
    }

    /// No target, session, record, SCSI device, disk or mark is left on either host, and none is missing.
    fn check_surroundings(&self, wrong: &mut Vec<String>) {
        let Some(before) = &self.world.baseline.surroundings else { return };
        let difference = match (self.ending, self.world.carried_out.get()) {
            (Ending::Reverted, _) => Route::new(self.world.lab).difference(before),
            (_, Some(after)) => Route::new(self.world.lab).difference_but_for_ids(after),
            (_, None) => None,
        };
        wrong.extend(difference.map(|lines| format!("the two hosts are not as they should be:\n{lines}")));
    }

    fn check_strangers(&self, wrong: &mut Vec<String>) {
        let now = facts::strangers(self.world.lab, "vg0", self.world.scenario.strangers);
        for (name, was) in &self.world.baseline.strangers {
            if now.get(name) != Some(was) {
                wrong.push(format!(
                    "{name} is not ours and was {was} and is {}",
                    now.get(name).map_or("gone", String::as_str)
                ));
            }
        }
    }

    /// Everything that was written before is still there, byte for byte: under the id under which it was written, and in
    /// the logical volume into which it was written.
    fn check_contents(&self, wrong: &mut Vec<String>) {
        let mut asked: Vec<(&Volume, u64, &str)> = Vec::new();
        for (id, (uuid, size, digest)) in &self.world.baseline.contents {
            let under_id = of_ours(&self.facts).find(|volume| volume.id() == Some(id));
            match under_id {
                Some(volume) => asked.push((volume, *size, self.content_after(volume).unwrap_or(digest))),
                None if self.may_be_gone(id) => {}
                None => wrong.push(format!("the volume with the id {id} is gone, and its data with it")),
            }
            match self.facts.volumes.get(uuid) {
                Some(volume) if volume.id() == Some(id) => {}
                // Another content took its id: what it held lies in the trash.
                Some(volume) => asked.push((volume, *size, digest)),
                None if self.may_be_gone(id) => {}
                None => wrong.push(format!("the logical volume {uuid}, which was {id}, is gone")),
            }
        }
        asked.extend(self.copies(wrong));
        let read: Vec<(&Volume, u64)> = asked.iter().map(|(volume, size, _)| (*volume, *size)).collect();
        let digests = facts::contents(self.world.lab, &read);
        for (volume, _, expected) in &asked {
            if digests.get(&volume.uuid).map(String::as_str) != Some(*expected) {
                wrong.push(format!("the data of {} ({}) is damaged", volume.name, volume.uuid));
            }
        }
    }

    /// What the baseline read of the volume or snapshot with this name.
    fn content_of(&self, name: &str) -> Option<(u64, &str)> {
        let baseline = &self.world.baseline;
        let id = of_ours(&baseline.facts).find(|volume| volume.name == name)?.id()?;
        baseline.contents.get(id).map(|(_, size, digest)| (*size, digest.as_str()))
    }

    /// Volumes that were made from another one hold what that held, and zeros behind it.
    fn copies(&self, wrong: &mut Vec<String>) -> Vec<(&Volume, u64, &str)> {
        let mut copies = Vec::new();
        if self.ending == Ending::Reverted {
            return copies;
        }
        for (name, source) in self.world.scenario.copies {
            let Some(copy) = self.facts.volumes.values().find(|volume| volume.name == *name) else {
                wrong.push(format!("{name} was not made"));
                continue;
            };
            let (size, digest) = self.content_of(source).unwrap();
            copies.push((copy, size, digest));
            let rest = format!("tail -c +{} {} | tr -d '\\0' | wc -c", size + 1, copy.path());
            if self.world.lab.ok(&rest) != "0" {
                wrong.push(format!("{name} holds something behind the end of {source}"));
            }
        }
        copies
    }

    /// What was in the trash and is purged, and snapshots that a run has destroyed.
    fn may_be_gone(&self, id: &str) -> bool {
        let baseline = &self.world.baseline;
        if self.ending == Ending::Reverted {
            return false;
        }
        let was_volume = baseline.rows.records.values().chain(baseline.rows.trash.values()).any(|body| {
            let object = if body["object"].is_null() { &body["record"]["object"] } else { &body["object"] };
            object["id"] == id && object["body"]["kind"] == "volume"
        });
        // A snapshot that was merged is used up, and another one has its name.
        self.world.scenario.purges || !was_volume
    }

    /// A volume that was restored holds what its snapshot held.
    fn content_after(&self, volume: &Volume) -> Option<&str> {
        match self.world.scenario.restores {
            Some((restored, snapshot)) if self.ending != Ending::Reverted && volume.name == restored => {
                self.content_of(snapshot).map(|(_, digest)| digest)
            }
            _ => None,
        }
    }

    /// Everything is as it was, but for a grow that may have been kept.
    fn check_reverted(&self, wrong: &mut Vec<String>) {
        let before = &self.world.baseline;
        let (mut was, mut is) = (before.facts.clone(), self.facts.clone());
        let (mut was_rows, mut is_rows) = (before.rows.clone(), self.rows.clone());
        // A state that was made and never used is no trace of the run.
        if was_rows.lineage.is_empty() {
            is_rows.lineage.clear();
        }
        for facts in [&mut was, &mut is] {
            // Every run raises the epochs.
            facts.guard_files.retain(|path, _| !path.contains("/epoch."));
        }
        if self.power_lost {
            self.forgive_trash(&mut is, &mut is_rows, &was_rows);
        }
        let kept = self.kept_grows();
        for (uuid, address) in &kept {
            was.volumes.remove(uuid);
            is.volumes.remove(uuid);
            was_rows.records.remove(&format!("{address}/volume"));
            is_rows.records.remove(&format!("{address}/volume"));
        }
        if was.volumes != is.volumes {
            wrong.push(format!("the volumes were {:#?} and are {:#?}", was.volumes, is.volumes));
        }
        if was.guard_files != is.guard_files {
            wrong.push(format!("the guards' files were {:?} and are {:?}", was.guard_files, is.guard_files));
        }
        if was_rows != is_rows {
            wrong.push(format!("the state was {was_rows:?} and is {is_rows:?}"));
        }
        // What was left in the trash keeps its pool in use, and its room.
        if self.rows.trash.len() > before.rows.trash.len() {
            return;
        }
        let mut was = before.plan.clone();
        let mut is = match plan(self.world) {
            Ok(plan) => plan,
            Err(why) => return wrong.push(why),
        };
        for address in kept.values() {
            forget(&mut was, address);
            forget(&mut is, address);
        }
        if was != is {
            wrong.push(format!("the plan was\n{was:#}\nand is\n{is:#}"));
        }
    }

    /// What was made and is now in the trash, and the pool that it keeps in use.
    fn forgive_trash(&self, is: &mut Facts, is_rows: &mut Rows, was_rows: &Rows) {
        let new: Vec<String> =
            is_rows.trash.keys().filter(|id| !was_rows.trash.contains_key(*id)).cloned().collect();
        if new.is_empty() {
            return;
        }
        is.volumes.retain(|_, volume| !new.iter().any(|id| volume.name == format!("vbs_trash.{id}")));
        is.guard_files.retain(|path, _| self.world.baseline.facts.guard_files.contains_key(path));
        is_rows.trash.retain(|id, _| was_rows.trash.contains_key(id));
        is_rows.containers.retain(|address, _| was_rows.containers.contains_key(address));
    }

    /// Volumes that have their new size although the run was taken back: UUIDs and addresses.
    fn kept_grows(&self) -> BTreeMap<String, &'static str> {
        let mut kept = BTreeMap::new();
        for address in self.world.scenario.grows {
            let name = address.trim_start_matches("volume.");
            let was = self.world.baseline.facts.volumes.values().find(|volume| volume.name == name);
            let Some(was) = was else { continue };
            if self.facts.volumes.get(&was.uuid).is_some_and(|is| is.size > was.size) {
                kept.insert(was.uuid.clone(), *address);
            }
        }
        kept
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
