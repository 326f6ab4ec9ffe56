//! From syntax to declarations: which blocks there are, what is written in them, and everything that can be found
//! wrong without evaluating an expression.

mod address;
mod blocks;
mod lists;
mod moves;
pub mod read;
pub mod schema;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diag::{Diagnostics, FileId, SourceMap, Span};
use crate::model::desired::{BlockSpans, IgnoreChanges};
use crate::model::schema::ProviderSchema;
use crate::model::{Address, Kind};

pub use moves::Move;
pub use read::Written;
pub use settings::{Settings, duration as duration_seconds};

/// A configuration whose structure is sound. Expressions are as they were written.
#[derive(Default)]
pub struct Declared {
    settings: Settings,
    moves: Vec<Move>,
    pub(in crate::config) variables: BTreeMap<String, Variable>,
    pub(in crate::config) locals: BTreeMap<String, Written>,
    pub(in crate::config) outputs: BTreeMap<String, Output>,
    pub(in crate::config) blocks: BTreeMap<Address, Block>,
    /// What was meant to be declared, but has problems that were reported.
    pub(in crate::config) broken: BTreeSet<Address>,
    /// Whether parts of the source could not be read: then what is missing means nothing.
    pub(in crate::config) has_syntax_errors: bool,
}

impl Declared {
    /// What the `vbs` block says. Needs no variables.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every `moved` block, in the order of the source.
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The names of the variables, in order, and whether each is sensitive.
    pub fn variables(&self) -> impl Iterator<Item = (&str, bool)> {
        self.variables.iter().map(|(name, variable)| (name.as_str(), variable.sensitive))
    }
}

#[derive(Debug)]
pub struct Variable {
    pub header: Span,
    pub title: String,
    pub kind: Option<Written>,
    pub default: Option<Written>,
    pub description: Option<String>,
    pub sensitive: bool,
    pub nullable: bool,
    pub validations: Vec<Condition>,
}

#[derive(Debug)]
pub struct Output {
    pub title: String,
    pub value: Written,
    pub sensitive: bool,
    pub preconditions: Vec<Condition>,
}

/// A `validation`, `precondition` or `postcondition`.
#[derive(Debug)]
pub struct Condition {
    pub condition: Written,
    pub error_message: Written,
}

/// A host, pool, hypervisor, volume, snapshot or attachment block.
#[derive(Debug)]
pub struct Block {
    pub kind: Kind,
    pub title: String,
    pub header: Span,
    /// Whether everything in it could be taken over.
    pub is_sound: bool,
    /// Pools and hypervisors: an index into the schemas.
    pub schema: Option<usize>,
    pub attributes: BTreeMap<&'static str, Written>,
    pub depends_on: Vec<(Address, Span)>,
    pub prevent_destroy: Option<Written>,
    pub ignore_changes: IgnoreChanges,
    pub preconditions: Vec<Condition>,
    pub postconditions: Vec<Condition>,
    pub spans: Arc<BlockSpans>,
}

impl Block {
    /// Whether it has instances: `for_each` or `count` is written.
    pub fn is_repeated(&self) -> bool {
        self.attributes.contains_key("for_each") || self.attributes.contains_key("count")
    }
}

/// Reads the structure of every file. The declarations hold what was sound, so that one run can report as much as
/// possible; they must not be acted on while there are errors.
pub fn declare(sources: &SourceMap, files: &[FileId], schemas: &[ProviderSchema]) -> (Declared, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut builder = blocks::Builder::new(sources, schemas, &mut diagnostics);
    for file in files {
        builder.file(*file);
    }
    let declared = builder.finish();
    diagnostics.sort();
    (declared, diagnostics)
}
