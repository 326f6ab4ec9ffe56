//! What the acceptance tests of others ask of a volume store, as it is said in a configuration: each case has the name
//! of the test that it is taken from. All of them on thick and on thin volumes.

mod csi_sanity;
mod lvm2;
mod system_roles;
mod targetd;
mod tempest;
mod tempest_snapshots;

use crate::Case;

pub fn all() -> Vec<Case> {
    [
        tempest::CASES,
        tempest_snapshots::CASES,
        csi_sanity::CASES,
        targetd::CASES,
        system_roles::CASES,
        lvm2::CASES,
    ]
    .concat()
}
