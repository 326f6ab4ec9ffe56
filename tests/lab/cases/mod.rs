//! Every case of the lab, in the order in which they are run.

mod faults;
mod ground;
mod made;
mod outage;
mod scenarios;
mod speed;
mod workflow;

use crate::Case;

pub fn all() -> Vec<Case> {
    [ground::CASES, workflow::CASES, faults::CASES, outage::CASES, speed::CASES, &scenarios::all()].concat()
}
