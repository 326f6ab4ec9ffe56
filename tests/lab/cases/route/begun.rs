//! States that many cases begin with, with the workspace that belongs to them: a volume that is offered to nobody yet, and
//! one that is attached.

use std::sync::OnceLock;

use super::scene::{ROUTE, Route, Surroundings};
use crate::Beginning;
use crate::cases::crash::world::copy;
use crate::lab::Lab;

pub const VOLUME: Beginning = Beginning { name: "route-volume", on: Some(&ROUTE), prepare: make_volume };
pub const ATTACHED: Beginning =
    Beginning { name: "route-attached", on: Some(&VOLUME), prepare: make_attached };

/// What is written on the storage host into the volume, at its 4096th byte.
pub const STAMP: &str = "written on store1";
pub const SIZE: &str = "16MiB";

static VOLUME_IS: Begun = Begun::new();
static ATTACHED_IS: Begun = Begun::new();

fn make_volume(lab: &Lab) {
    let route = Route::new(lab);
    route.declare(&route.volume(SIZE));
    route.apply_again();
    lab.stamp("/dev/vg0/db", 4096, STAMP);
    VOLUME_IS.save(&route);
}

fn make_attached(lab: &Lab) {
    let (route, _) = volume(lab);
    route.apply_again();
    ATTACHED_IS.save(&route);
}

struct Begun {
    workspace: OnceLock<tempfile::TempDir>,
    surroundings: OnceLock<Surroundings>,
}

impl Begun {
    const fn new() -> Begun {
        Begun { workspace: OnceLock::new(), surroundings: OnceLock::new() }
    }

    fn save(&self, route: &Route) {
        let aside = tempfile::tempdir().unwrap();
        copy(route.lab.workspace.root(), aside.path());
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

/// For cases on [`ATTACHED`] that detach.
pub fn before_it_was_attached() -> &'static Surroundings {
    VOLUME_IS.surroundings.get().unwrap()
}

/// For cases on [`ATTACHED`].
pub fn attached<'lab, 'machine>(lab: &'lab Lab<'machine>) -> (Route<'lab, 'machine>, &'static Surroundings) {
    ATTACHED_IS.open(lab)
}
