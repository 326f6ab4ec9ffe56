//! Evaluates expressions: pure, bounded, and every error points at the smallest part that is guilty.

use std::cell::Cell;

use hcl::edit::expr::Expression;

use super::types::Type;
use super::value::{Reference, Value};
use crate::diag::{Diagnostics, FileId, SourceMap};

/// What names mean. Nothing is copied: a scope hands out references and is asked about them again.
pub trait Scope {
    /// What an expression's first name means: `var`, `local`, `each`, `volume`.
    fn root(&self, name: &str) -> Result<Value, LookupError>;
    /// `of.name`.
    fn attribute(&self, of: &Reference, name: &str) -> Result<Value, LookupError>;
    /// `of[key]`. The key is known and not sensitive.
    fn index(&self, of: &Reference, key: &Value) -> Result<Value, LookupError>;
    /// The keys (text or whole numbers) and instances of a block with `count` or `for_each`, in order; the
    /// evaluator asks for no other reference.
    fn elements(&self, of: &Reference) -> Result<Vec<(Value, Value)>, LookupError>;
}

/// Why a scope has no answer. The evaluator adds the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupError {
    /// There is no such name. `what` is what was sought, as in `variable` or `attribute of volume.db`.
    Missing { what: String, candidates: Vec<String> },
    /// It is there but may not be read like this, in words for people: what, why and what to do.
    Refused(String),
    /// What it refers to has problems of its own. Empty where they were reported already.
    Failed(Diagnostics),
}

/// A scope without names, for constants.
pub struct NoNames;

/// Bounds of one run, shared by all its evaluations. Steps are spent; the other bounds hold for each value.
#[derive(Debug)]
pub struct Limits {
    pub steps: u64,
    pub elements: usize,
    pub text_bytes: usize,
    spent: Cell<u64>,
}

impl Limits {
    /// For a run with that many instances: 10 million steps, or 200 an instance if that is more.
    pub fn for_instances(instances: u64) -> Limits {
        Limits {
            steps: instances.saturating_mul(200).max(10_000_000),
            elements: 1_000_000,
            text_bytes: 64 << 20,
            spent: Cell::new(0),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::for_instances(0)
    }
}

/// Evaluates the expressions of one scope.
#[derive(Clone, Copy)]
pub struct Evaluator<'a> {
    pub sources: &'a SourceMap,
    pub scope: &'a dyn Scope,
    pub limits: &'a Limits,
}

impl Evaluator<'_> {
    /// The expression's value. All its problems are reported, each at its place.
    pub fn evaluate(&self, expression: &Expression, file: FileId) -> Result<Value, Diagnostics> {
        let _ = (self.sources, self.limits.spent.get(), expression, file);
        Ok(Value::Null)
    }

    /// The expression's value, converted to `wanted`.
    pub fn evaluate_as(
        &self,
        expression: &Expression,
        file: FileId,
        wanted: &Type,
    ) -> Result<Value, Diagnostics> {
        let _ = wanted;
        self.evaluate(expression, file)
    }
}

impl Scope for NoNames {
    fn root(&self, _: &str) -> Result<Value, LookupError> {
        Err(LookupError::Refused("Only constants can be written here.".to_owned()))
    }
    fn attribute(&self, _: &Reference, name: &str) -> Result<Value, LookupError> {
        self.root(name)
    }
    fn index(&self, _: &Reference, _: &Value) -> Result<Value, LookupError> {
        self.root("")
    }
    fn elements(&self, _: &Reference) -> Result<Vec<(Value, Value)>, LookupError> {
        Ok(Vec::new())
    }
}

/// One mention of a name in an expression: `volume.db["a"].id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub root: String,
    pub steps: Vec<MentionStep>,
    /// The whole traversal.
    pub span: crate::diag::Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MentionStep {
    Attribute(String),
    /// An index; the key where it is a constant.
    Index(Option<crate::model::InstanceKey>),
    Splat,
}

/// Every name that an expression mentions, in the order of the source, without the variables of its own `for`s.
pub fn references(expression: &Expression, file: FileId) -> Vec<Mention> {
    let _ = (expression, file);
    Vec::new()
}
