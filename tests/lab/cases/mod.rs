//! Every case of the lab, in the order in which they are run.

mod ground;
mod lvm_scripts;

use crate::Case;

pub fn all() -> Vec<Case> {
    [ground::CASES, lvm_scripts::CASES].concat()
}
