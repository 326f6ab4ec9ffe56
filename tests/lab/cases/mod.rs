//! Every case of the lab, in the order in which they are run.

mod ground;
mod scenarios;
mod workflow;

use crate::Case;

pub fn all() -> Vec<Case> {
    [ground::CASES, workflow::CASES, &scenarios::all()].concat()
}
