//! Every script that is run for a volume group.

use super::survey::SURVEY;
use crate::model::command::Verb;

pub static ALL: [Verb; 1] = [SURVEY];
