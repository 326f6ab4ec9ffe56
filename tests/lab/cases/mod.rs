//! Every case of the lab, in the order in which they are run.

mod crash;
mod faults;
mod ground;
mod iscsi;
mod lvm_scripts;
mod made;
mod operators;
mod outage;
mod route;
mod scenarios;
mod speed;
mod workflow;
mod xen;

use crate::Case;

pub fn all() -> Vec<Case> {
    [
        ground::CASES,
        lvm_scripts::CASES,
        workflow::CASES,
        faults::CASES,
        outage::CASES,
        speed::CASES,
        &scenarios::all(),
        crash::CASES,
        operators::CASES,
        iscsi::CASES,
        &route::all(),
        xen::CASES,
    ]
    .concat()
}
