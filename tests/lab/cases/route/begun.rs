//! States that many cases begin with, with the workspace that belongs to them: a volume that is offered to nobody yet, and
//! one that is attached.

use std::sync::OnceLock;

use super::scene::{self, Route, Surroundings};
use crate::Beginning;
use crate::cases::crash::world::copy;
use crate::lab::Lab;

pub const VOLUME: Beginning = Beginning { name: "route-volume", prepare: |lab| VOLUME_IS.make(lab) };
pub const ATTACHED: Beginning = Beginning { name: "route-attached", prepare: |lab| ATTACHED_IS.make(lab) };

/// What is written on the storage host into the volume, at its 4096th byte.
pub const STAMP: &str = "written on store1";
pub const SIZE: &str = "16MiB";

static VOLUME_IS: Begun = Begun::new(false);
static ATTACHED_IS: Begun = Begun::new(true);

struct Begun {
    attached: bool,
    workspace: OnceLock<tempfile::TempDir>,
    surroundings: OnceLock<Surroundings>,
}

impl Begun {
    const fn new(attached: bool) -> Begun {
        Begun { attached, workspace: OnceLock::new(), surroundings: OnceLock::new() }
    }

    fn make(&self, lab: &Lab) {
        scene::prepare(lab);
        let route = Route::new(lab);
        route.declare(&route.volume(SIZE));
        route.apply_again();
        lab.stamp("/dev/vg0/db", 4096, STAMP);
        if self.attached {
            route.declare(&route.attached(SIZE));
            route.apply_again();
        }
        let aside = tempfile::tempdir().unwrap();
        copy(lab.workspace.root(), aside.path());
        assert!(self.workspace.set(aside).is_ok() && self.surroundings.set(route.surroundings()).is_ok());
    }

    /// With the workspace, and what both machines show.
    fn open<'lab, 'machine>(&self, lab: &'lab Lab<'machine>) -> (Route<'lab, 'machine>, &Surroundings) {
        copy(self.workspace.get().unwrap().path(), lab.workspace.root());
        (Route::new(lab), self.surroundings.get().unwrap())
    }
}

/// For cases on [`VOLUME`]; the attachment is declared and not made.
pub fn volume<'lab, 'machine>(lab: &'lab Lab<'machine>) -> (Route<'lab, 'machine>, &'static Surroundings) {
    let (route, before) = VOLUME_IS.open(lab);
    route.declare(&route.attached(SIZE));
    (route, before)
}

/// For cases on [`ATTACHED`].
pub fn attached<'lab, 'machine>(lab: &'lab Lab<'machine>) -> (Route<'lab, 'machine>, &'static Surroundings) {
    ATTACHED_IS.open(lab)
}
