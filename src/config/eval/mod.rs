//! Evaluates expressions: pure, bounded, and every error points at the smallest part that is guilty.

mod calls;
mod comprehension;
mod operators;
pub mod references;
mod template;
#[cfg(test)]
mod tests;
mod traversal;

use std::cell::Cell;
use std::sync::Arc;

use hcl::edit::Span as Spanned;
use hcl::edit::expr::{Array, Conditional, Expression, Object, ObjectKey};

use super::convert::convert;
use super::number::Number;
use super::types::Type;
use super::value::{Map, Reference, Value};
use crate::diag::{Diagnostic, Diagnostics, FileId, SourceMap, Span};
use crate::model::Bytes;

pub use references::{Mention, MentionStep, references};

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

/// How deep a value may be: what walks one recurses.
const DEEPEST: usize = 128;

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
        Run { evaluator: *self, file }.value(expression, None)
    }

    /// The expression's value, converted to `wanted`.
    pub fn evaluate_as(
        &self,
        expression: &Expression,
        file: FileId,
        wanted: &Type,
    ) -> Result<Value, Diagnostics> {
        let run = Run { evaluator: *self, file };
        let value = run.value(expression, None)?;
        convert(value, wanted).map_err(|why| {
            run.problem(
                expression,
                "Wrong type",
                format!("Here, {} is needed: {why}.", wanted.with_article()),
            )
        })
    }
}

/// The value or all that is wrong with it.
type Outcome<T = Value> = Result<T, Diagnostics>;

/// The variables of the `for`s around an expression, innermost first.
#[derive(Clone, Copy)]
struct Local<'l> {
    name: &'l str,
    value: &'l Value,
    outer: Locals<'l>,
}

type Locals<'l> = Option<&'l Local<'l>>;

/// The evaluation of one file's expression.
#[derive(Clone, Copy)]
struct Run<'a> {
    evaluator: Evaluator<'a>,
    file: FileId,
}

impl Run<'_> {
    fn value(&self, expression: &Expression, locals: Locals<'_>) -> Outcome {
        self.spend(1, expression)?;
        match expression {
            Expression::Null(_) => Ok(Value::Null),
            Expression::Bool(value) => Ok(Value::Bool(*value.value())),
            Expression::Number(_) => self.number(expression),
            Expression::String(text) => Ok(Value::text(text.value())),
            Expression::Array(array) => self.array(expression, array, locals),
            Expression::Object(object) => self.object(expression, object, locals),
            Expression::StringTemplate(template) => self.template(template, true, expression, locals),
            Expression::HeredocTemplate(heredoc) => {
                self.template(&heredoc.template, false, expression, locals)
            }
            Expression::Parenthesis(inner) => self.value(inner.inner(), locals),
            Expression::Variable(name) => self.root(name.value().as_str(), expression, locals),
            Expression::Conditional(conditional) => self.conditional(conditional, locals),
            Expression::FuncCall(call) => self.call(call, expression, locals),
            Expression::Traversal(traversal) => self.traversal(traversal, expression, locals),
            Expression::UnaryOp(operation) => self.unary(operation, locals),
            Expression::BinaryOp(operation) => self.binary(operation, locals),
            Expression::ForExpr(comprehension) => self.comprehension(comprehension, expression, locals),
        }
    }

    /// A literal, read from the source: hcl-edit's own number is a float where it has a fraction or is large.
    fn number(&self, expression: &Expression) -> Outcome {
        let source = &self.evaluator.sources.file(self.file).text;
        let written = source.get(expression.span().unwrap_or(0..0)).unwrap_or_default();
        let negative = written.starts_with('-');
        // Between the sign and the digits there may be spaces and even a comment.
        let digits = written.rsplit([' ', '\t', '-', '/']).next().unwrap_or_default();
        let digits = if exponent_was_cut(written, digits) { written.trim_start_matches('-') } else { digits };
        let number = Number::parse(digits.trim())
            .and_then(|number| if negative { number.checked_neg() } else { Ok(number) });
        number.map(Value::Number).map_err(|why| {
            self.problem(expression, "Invalid number", format!("This number cannot be used: {why}."))
        })
    }

    fn array(&self, expression: &Expression, array: &Array, locals: Locals<'_>) -> Outcome {
        let mut elements = Vec::with_capacity(array.len());
        let mut problems = Diagnostics::new();
        for element in array {
            match self.value(element, locals) {
                Ok(value) => elements.push(value),
                Err(more) => problems.extend(more),
            }
        }
        if problems.has_errors() { Err(problems) } else { self.bounded(Value::list(elements), expression) }
    }

    fn object(&self, expression: &Expression, object: &Object, locals: Locals<'_>) -> Outcome {
        let mut builder = MapBuilder::default();
        let mut problems = Diagnostics::new();
        for (key, value) in object {
            let (key, at) = match key {
                ObjectKey::Ident(name) => (Ok(Value::text(name.value().as_str())), self.span(name)),
                ObjectKey::Expression(key) => (self.value(key, locals), self.span(key)),
            };
            let entry = key.and_then(|key| self.key(key, at));
            match (entry, self.value(value.expr(), locals)) {
                (Ok(key), Ok(value)) => builder.insert(key, value),
                (key, value) => {
                    problems.extend(key.err().into_iter().flatten());
                    problems.extend(value.err().into_iter().flatten());
                }
            }
        }
        if problems.has_errors() { Err(problems) } else { self.bounded(builder.finish(), expression) }
    }

    /// A value as the key of a map: text, or nothing while it is unknown; and whether it is sensitive.
    fn key(&self, value: Value, at: Span) -> Outcome<(Option<Arc<str>>, bool)> {
        let (converted, secret) = unmarked(convert(value, &Type::Text));
        match converted {
            Ok(Value::Text(text)) => Ok((Some(text), secret)),
            Ok(Value::Unknown) => Ok((None, secret)),
            Ok(_) => Err(problem_at(at, "Invalid key", "The key of a map must not be null.".to_owned())),
            Err(why) => Err(problem_at(at, "Invalid key", format!("The key of a map is a string: {why}."))),
        }
    }

    fn conditional(&self, conditional: &Conditional, locals: Locals<'_>) -> Outcome {
        let condition = self.value(&conditional.cond_expr, locals)?;
        let (condition, secret) = self.truth(condition, &conditional.cond_expr, "The condition of `?`")?;
        let (taken, other) = match condition {
            None => return Ok(Value::Unknown.sensitive_if(secret)),
            Some(true) => (&conditional.true_expr, &conditional.false_expr),
            Some(false) => (&conditional.false_expr, &conditional.true_expr),
        };
        let value = self.value(taken, locals)?;
        Ok(unify_with(value, other).sensitive_if(secret))
    }

    /// A value as a condition, nothing while it is unknown, and whether it is sensitive.
    fn truth(&self, value: Value, at: &impl Spanned, what: &str) -> Outcome<(Option<bool>, bool)> {
        let (converted, secret) = unmarked(convert(value, &Type::Bool));
        match converted {
            Ok(Value::Bool(value)) => Ok((Some(value), secret)),
            Ok(Value::Unknown) => Ok((None, secret)),
            Ok(_) => {
                Err(self.problem(at, "Invalid condition", format!("{what} must be true or false, not null.")))
            }
            Err(why) => {
                Err(self.problem(at, "Invalid condition", format!("{what} must be true or false: {why}.")))
            }
        }
    }

    /// Counts `steps` of work, and ends a run that is endless or nearly so.
    fn spend(&self, steps: u64, at: &impl Spanned) -> Outcome<()> {
        let limits = self.evaluator.limits;
        let spent = limits.spent.get().saturating_add(steps);
        limits.spent.set(spent);
        if spent <= limits.steps {
            return Ok(());
        }
        Err(self.problem(
            at,
            "Evaluation takes too long",
            format!(
                "The configuration needed more than {} steps by the time it came here. Usually `for` expressions \
                 inside each other multiply: compute what is inside once, in a local value.",
                limits.steps
            ),
        ))
    }

    fn is_exhausted(&self) -> bool {
        self.evaluator.limits.spent.get() > self.evaluator.limits.steps
    }

    /// The value, if it is not larger than a value may be.
    fn bounded(&self, value: Value, at: &impl Spanned) -> Outcome {
        let limits = self.evaluator.limits;
        if let Value::Text(text) = &value {
            return if text.len() > limits.text_bytes { Err(self.text_too_long(at)) } else { Ok(value) };
        }
        if value.depth() > DEEPEST {
            let detail =
                format!("This value holds collections inside each other more than {DEEPEST} levels deep.");
            return Err(self.problem(at, "Value too deep", detail));
        }
        if value.weight() <= limits.elements {
            return Ok(value);
        }
        Err(self.problem(
            at,
            "Value too large",
            format!(
                "This value would hold more than {} elements, counting each 64 bytes of text as one, which is the \
                 most that a value may.",
                limits.elements
            ),
        ))
    }

    fn text_too_long(&self, at: &impl Spanned) -> Diagnostics {
        let most = Bytes(self.evaluator.limits.text_bytes as u64);
        self.problem(
            at,
            "Text too long",
            format!("This text would be longer than {most}, which is the most that a text may."),
        )
    }

    fn span(&self, at: &(impl Spanned + ?Sized)) -> Span {
        Span::new(self.file, at.span().unwrap_or(0..0))
    }

    fn problem(&self, at: &(impl Spanned + ?Sized), summary: &'static str, detail: String) -> Diagnostics {
        problem_at(self.span(at), summary, detail)
    }
}

fn problem_at(at: Span, summary: &'static str, detail: String) -> Diagnostics {
    Diagnostic::error(summary, detail).at(at, "").into()
}

/// A conversion's result without its mark. It is taken off only after the conversion, whose messages heed it.
fn unmarked(converted: Result<Value, String>) -> (Result<Value, String>, bool) {
    match converted.map(Value::unmark) {
        Ok((value, secret)) => (Ok(value), secret),
        Err(why) => (Err(why), false),
    }
}

/// The problems, without the details that could show a sensitive value.
fn concealed(problems: Diagnostics, secret: bool) -> Diagnostics {
    if !secret {
        return problems;
    }
    let conceal = |problem: Diagnostic| Diagnostic {
        detail: "What exactly is wrong cannot be said without showing a sensitive value.".to_owned(),
        ..problem
    };
    problems.into_iter().map(conceal).collect()
}

/// Whether the minus at which a literal was cut belongs to its exponent, as in `1e-3`.
fn exponent_was_cut(written: &str, digits: &str) -> bool {
    written.strip_suffix(digits).is_some_and(|before| before.ends_with("e-") || before.ends_with("E-"))
}

/// The taken arm of a conditional, brought to the type of the other arm where that can be seen without
/// evaluating it: `var.port > 0 ? 80 : "none"` is always a string.
fn unify_with(value: Value, other: &Expression) -> Value {
    let other_is_text = matches!(
        other,
        Expression::String(_) | Expression::HeredocTemplate(_) | Expression::StringTemplate(_)
    );
    let is_primitive = matches!(value, Value::Number(_) | Value::Bool(_));
    if !(other_is_text && is_primitive) {
        return value;
    }
    convert(value.clone(), &Type::Text).unwrap_or(value)
}

/// Collects the entries of a map. An unknown key makes the map unknown, a sensitive one makes it sensitive.
#[derive(Default)]
struct MapBuilder {
    elements: Map,
    secret: bool,
    unknown: bool,
}

impl MapBuilder {
    fn insert(&mut self, (key, secret): (Option<Arc<str>>, bool), value: Value) {
        self.secret |= secret;
        match key {
            Some(key) => drop(self.elements.insert(key, value)),
            None => self.unknown = true,
        }
    }

    fn finish(self) -> Value {
        let value = if self.unknown { Value::Unknown } else { Value::map(self.elements) };
        value.sensitive_if(self.secret)
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
