//! Every case of the lab, in the order in which they are run.

mod crash;
mod ground;
mod lvm_scripts;
mod operators;
mod scenarios;
mod workflow;

use crate::Case;

pub fn all() -> Vec<Case> {
    [ground::CASES, lvm_scripts::CASES, workflow::CASES, &scenarios::all(), crash::CASES, operators::CASES]
        .concat()
}
