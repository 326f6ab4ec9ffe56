//! Every case of the lab, in the order in which they are run.

mod ground;

use crate::Case;

pub fn all() -> Vec<Case> {
    [ground::CASES].concat()
}
