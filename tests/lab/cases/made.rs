//! A state that many cases begin with: two volumes in each pool, one with a snapshot, applied and recorded.

use std::sync::OnceLock;

use crate::Beginning;
use crate::lab::Lab;
use crate::scene::{self, BOTH, Scene, Surroundings, both};

pub const MADE: Beginning = Beginning { name: "made", on: None, prepare };

pub const DB: &str = "volume \"db_POOL\" {\n  pool = pool.POOL\n  size = \"8MiB\"\n}\n";
/// It has a snapshot, and is not in [`wanted`].
pub const GONE: &str = "volume \"gone_POOL\" {\n  pool = pool.POOL\n  size = \"4MiB\"\n}\n";
pub const BEFORE: &str = "snapshot \"before_POOL\" {\n  volume = volume.gone_POOL\n}\n";
/// It is in [`wanted`], and not made yet.
pub const MORE: &str = "volume \"more_POOL\" {\n  pool = pool.POOL\n  size = \"4MiB\"\n}\n";

/// What was applied.
pub fn made() -> String {
    both(&[DB, GONE, BEFORE].concat())
}

/// What would grow two, make two and destroy four.
pub fn wanted() -> String {
    both(&[&DB.replace("8MiB", "12MiB"), MORE].concat())
}

/// The state database that belongs to the state of the machine.
static STATE: OnceLock<Vec<u8>> = OnceLock::new();
static AROUND: OnceLock<Surroundings> = OnceLock::new();
const STATE_FILE: &str = ".vbs/state.db";

fn prepare(lab: &Lab) {
    scene::prepare(lab);
    let scene = Scene::open_on(lab, &AROUND);
    scene.declare(&made());
    lab.vbs(&["apply", "--auto-approve"]).exits(0);
    BOTH.iter().for_each(|pool| scene.write(&format!("db_{pool}"), "content"));
    let state = std::fs::read(lab.workspace.path(STATE_FILE)).unwrap();
    assert!(STATE.set(state).is_ok());
}

/// With the state, and with what was made declared. For cases [on](MADE) it.
pub fn open<'lab, 'machine>(lab: &'lab Lab<'machine>) -> Scene<'lab, 'machine> {
    lab.workspace.file_bytes(STATE_FILE, STATE.get().unwrap());
    let scene = Scene::open_on(lab, &AROUND);
    scene.declare(&made());
    scene
}

/// What was made holds what was written, and the strangers are what they were.
#[track_caller]
pub fn nobody_is_harmed(scene: &Scene) {
    let read = scene.lab.ok(
        "for name in db_thick db_thin; do dd if=/dev/vg0/$name bs=4096 count=1 iflag=direct status=none | head -c 7; done",
    );
    assert_eq!(read, "contentcontent");
    scene.strangers_are_unharmed();
}
