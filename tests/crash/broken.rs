//! The test of the test: what a broken undo would leave turns the checker red.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use rusqlite::Connection;

use super::checker::{check, state_of};
use super::scenario::EXISTING;
use super::world::World;

/// One way in which a revert can be wrong, and a part of what the checker must say of it.
struct Damage {
    name: &'static str,
    harm: fn(&World),
    said: &'static str,
}

const DAMAGES: [Damage; 11] = [
    Damage { name: "an image is left", harm: leave_image, said: "pool/new.img was left behind" },
    Damage { name: "a mark is left", harm: leave_mark, said: "it was leaked" },
    Damage { name: "a staged copy is left", harm: leave_staged, said: "was left behind" },
    Damage { name: "a record is forgotten", harm: forget_record, said: "it was leaked" },
    Damage { name: "an image is lost", harm: lose_image, said: "is lost or damaged" },
    Damage { name: "data is damaged", harm: damage_data, said: "is lost or damaged" },
    Damage { name: "a step stays open", harm: open_step, said: "the journal was left open" },
    Damage { name: "a run stays open", harm: open_run, said: "a run is still open" },
    Damage { name: "a foreign file is touched", harm: touch_foreign, said: "is not ours" },
    Damage { name: "an id exists twice", harm: double_id, said: "exists twice" },
    Damage { name: "a secret is written down", harm: write_secret, said: "the secret is in" },
];

/// Everything that the checker should have seen and did not.
pub fn failures() -> Vec<String> {
    let mut failures = Vec::new();
    for damage in &DAMAGES {
        let world = reverted_world();
        let before = check(&world);
        (damage.harm)(&world);
        let after = check(&world);
        if !before.is_empty() || !after.iter().any(|wrong| wrong.contains(damage.said)) {
            failures.push(format!("{}: the checker said {after:?}, and before {before:?}", damage.name));
        }
    }
    failures.extend(broken_undo());
    failures
}

/// A run that was taken back, properly.
fn reverted_world() -> World {
    let world = World::new(&EXISTING);
    world.run(world.scenario.command, "fail@SentBeforeAct.10").expect("a run that fails", &[3]).unwrap();
    world
}

/// vbs itself, with undos that are recorded and never done.
fn broken_undo() -> Option<String> {
    let world = World::new(&EXISTING);
    let call = world.call(world.scenario.command, "fail@SentBeforeAct.10").env("VBS_FAULT_BROKEN_UNDO", "1");
    call.run().expect("a run with a broken undo", &[3]).err().or_else(|| {
        let wrong = check(&world);
        wrong.is_empty().then(|| "an undo that is never done went unnoticed".to_owned())
    })
}

fn marks(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path().join("pool/.vbs")).unwrap().map(|entry| entry.unwrap().path());
    let mut marks: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "json") && !path.ends_with("pool.json"))
        .collect();
    marks.sort();
    marks
}

fn leave_image(world: &World) {
    fs::write(world.path().join("pool/new.img"), "left").unwrap();
}

fn leave_mark(world: &World) {
    let mark = &marks(world)[0];
    let id = mark.file_stem().unwrap().to_str().unwrap();
    let other = "00000000-0000-4000-8000-000000000000";
    let text = fs::read_to_string(mark).unwrap().replace(id, other);
    fs::write(mark.with_file_name(format!("{other}.json")), text).unwrap();
}

fn leave_staged(world: &World) {
    fs::write(world.path().join("pool/.vbs/00000000-0000-4000-8000-000000000000.x.img"), "left").unwrap();
}

fn sql(world: &World, statement: &str) {
    Connection::open(state_of(world)).unwrap().execute(statement, []).unwrap();
}

fn forget_record(world: &World) {
    sql(world, "DELETE FROM record WHERE key = 'volume.live/volume'");
}

fn lose_image(world: &World) {
    fs::remove_file(world.path().join("pool/live.img")).unwrap();
}

fn damage_data(world: &World) {
    let path = world.path().join("pool/live.img");
    let mut bytes = fs::read(&path).unwrap();
    bytes[4711] ^= 1;
    use std::io::Write;
    fs::File::options().write(true).open(path).unwrap().write_all(&bytes).unwrap();
}

fn open_step(world: &World) {
    sql(world, "UPDATE step SET status = 'undo_intent' WHERE position = 0");
}

fn open_run(world: &World) {
    sql(world, "UPDATE run SET status = 'open', closed_at = NULL WHERE id = (SELECT max(id) FROM run)");
}

fn touch_foreign(world: &World) {
    let link = world.path().join("vms/one/vdy");
    fs::remove_file(&link).unwrap();
    symlink("elsewhere", link).unwrap();
}

fn double_id(world: &World) {
    let mark = &marks(world)[0];
    fs::copy(mark, world.path().join("vms/.vbs").join(mark.file_name().unwrap())).unwrap();
}

fn write_secret(world: &World) {
    fs::write(world.path().join("pool/sub/note"), super::world::CANARY).unwrap();
}
