//! What can be worked out only after a look at the hosts: outputs and conditions.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::names::{Instance, Mode, Nameless, Names, Seen, Survey, key_value, unreported};
use super::world::{Entry, Local, World};
use crate::config::declare::{Block, Condition};
use crate::config::eval::Evaluator;
use crate::config::types::Type;
use crate::config::value::Value;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Address, InstanceKey};

/// The summary of a precondition that does not hold.
pub const CONDITION_FAILED: &str = "Condition does not hold";

/// The value of an `output`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputValue {
    pub name: String,
    /// Unknown, or partly so, where it reads what does not exist yet.
    pub value: Value,
    pub sensitive: bool,
    /// What it was read from, through locals too.
    pub touched: BTreeSet<Address>,
}

/// Outputs and conditions, to be evaluated with what a survey found: address and attribute to value. An attribute
/// of something that does not exist yet is nothing, and reads as unknown.
pub struct Deferred<'a> {
    world: World<'a>,
}

type SurveyedLocals = BTreeMap<String, Option<Value>>;

/// What each of them was read from.
type Reaches = BTreeMap<String, Seen>;

impl<'a> Deferred<'a> {
    pub(super) fn new(world: World<'a>) -> Self {
        Deferred { world }
    }

    /// Reports what `depends_on` names and nothing is.
    pub(super) fn dependencies(&self, diagnostics: &mut Diagnostics) {
        super::rules::mentions(&self.world, diagnostics);
    }

    /// The outputs whose preconditions hold, by name. What shows the identity of something nameless is unknown.
    pub fn evaluate(&self, survey: &Survey<'_>, nameless: &Nameless<'_>) -> (Vec<OutputValue>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let (locals, reaches) = self.locals(survey, nameless, &mut diagnostics);
        let mut values = Vec::new();
        let instance = Instance::default();
        for (name, output) in &self.world.declared.outputs {
            let seen = RefCell::new(Seen::default());
            let names = Names {
                world: &self.world,
                mode: Mode::Survey(survey, &locals, nameless),
                instance: &instance,
                seen: &seen,
            };
            let mut problems = Diagnostics::new();
            for rule in &output.preconditions {
                problems.extend(judge(&self.world, &names, rule, CONDITION_FAILED).into_iter().flatten());
            }
            if problems.is_empty() {
                match self.output(name, output, &names) {
                    Ok(mut value) => {
                        value.touched = self.touched(&seen.borrow(), &reaches);
                        values.push(value);
                    }
                    Err(wrong) => problems = wrong,
                }
            }
            diagnostics.extend(problems.into_iter().map(|problem| problem.within(&output.title)));
        }
        (values, unreported(diagnostics))
    }

    fn output(
        &self,
        name: &str,
        output: &crate::config::declare::Output,
        names: &Names<'_, '_>,
    ) -> Result<OutputValue, Diagnostics> {
        let value = self.evaluator(names).evaluate(&output.value.expression, output.value.file)?;
        if value.contains_sensitive() && !output.sensitive {
            return Err(Diagnostic::error(
                "Sensitive output",
                "Outputs are printed. Write `sensitive = true` in the block to print a placeholder, or nonsensitive(…) if the value is not secret.",
            )
            .at(output.value.span, "this is worked out from a sensitive value")
            .into());
        }
        let touched = BTreeSet::new();
        Ok(OutputValue { name: name.to_owned(), value, sensitive: output.sensitive, touched })
    }

    /// What was read, and what the locals that were read are worked out from.
    fn touched(&self, seen: &Seen, reaches: &Reaches) -> BTreeSet<Address> {
        let mut touched = seen.touched.clone();
        let mut known: BTreeSet<&String> = seen.locals.iter().collect();
        let mut open: Vec<&String> = seen.locals.iter().collect();
        while let Some(name) = open.pop() {
            let (more, locals) = match (reaches.get(name), self.world.locals.get(name)) {
                (Some(seen), _) => (&seen.touched, &seen.locals),
                (None, Some(Local::Value { touched, locals, .. })) => (touched, locals),
                (None, _) => continue,
            };
            touched.extend(more.iter().cloned());
            open.extend(locals.iter().filter(|name| known.insert(name)));
        }
        touched
    }

    /// Problems of resources whose preconditions do not hold. Unknown conditions hold for now.
    pub fn preconditions(&self, survey: &Survey<'_>) -> Diagnostics {
        self.conditions(survey, |block| &block.preconditions)
    }

    /// Problems of resources whose postconditions do not hold.
    pub fn postconditions(&self, survey: &Survey<'_>) -> Diagnostics {
        self.conditions(survey, |block| &block.postconditions)
    }

    fn conditions(&self, survey: &Survey<'_>, of: fn(&Block) -> &Vec<Condition>) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if !self.world.declared.blocks.values().any(|block| !of(block).is_empty()) {
            return diagnostics;
        }
        let (locals, _) = self.locals(survey, &|_| false, &mut diagnostics);
        for (address, entry) in &self.world.entries {
            let Some(block) = self.world.block(address).filter(|block| !of(block).is_empty()) else {
                continue;
            };
            if matches!(entry, Entry::Failed) {
                continue;
            }
            let (instance, seen) = (self.instance(address), RefCell::new(Seen::default()));
            let mode = Mode::Survey(survey, &locals, &|_| false);
            let names = Names { world: &self.world, mode, instance: &instance, seen: &seen };
            for rule in of(block) {
                let problems = judge(&self.world, &names, rule, CONDITION_FAILED);
                let context = |problem: Diagnostic| problem.within(address.to_string());
                diagnostics.extend(problems.into_iter().flatten().map(context));
            }
        }
        diagnostics.sort();
        unreported(diagnostics)
    }

    fn instance(&self, address: &Address) -> Instance {
        let this = Some(address.clone());
        let instances = self.world.instances.get(&address.block()).and_then(Option::as_ref);
        match &address.key {
            None => Instance { this, ..Instance::default() },
            Some(InstanceKey::Index(index)) => Instance { index: Some(*index), this, ..Instance::default() },
            Some(key) => {
                let value = instances.and_then(|instances| instances.get(key)).cloned();
                Instance { each: value.map(|value| (key_value(key), value)), this, ..Instance::default() }
            }
        }
    }

    /// The locals that read surveyed values.
    fn locals(
        &self,
        survey: &Survey<'_>,
        nameless: &Nameless<'_>,
        diagnostics: &mut Diagnostics,
    ) -> (SurveyedLocals, Reaches) {
        let (mut values, mut reaches) = (SurveyedLocals::new(), Reaches::new());
        for name in &self.world.surveyed_locals {
            let Some(written) = self.world.declared.locals.get(name) else { continue };
            let (instance, seen) = (Instance::default(), RefCell::new(Seen::default()));
            let mode = Mode::Survey(survey, &values, nameless);
            let names = Names { world: &self.world, mode, instance: &instance, seen: &seen };
            let value = self.evaluator(&names).evaluate(&written.expression, written.file);
            let value = value.map_err(|problems| {
                diagnostics.extend(problems.into_iter().map(|problem| problem.within("locals")));
            });
            values.insert(name.clone(), value.ok());
            reaches.insert(name.clone(), seen.take());
        }
        (values, reaches)
    }

    fn evaluator<'e>(&'e self, names: &'e Names<'_, '_>) -> Evaluator<'e> {
        Evaluator { sources: self.world.sources, scope: names, limits: &self.world.limits }
    }
}

/// What is wrong according to a condition: nothing where it holds or is not known yet, else its own message, or why
/// it could not be evaluated.
pub fn judge(
    world: &World<'_>,
    names: &Names<'_, '_>,
    rule: &Condition,
    summary: &'static str,
) -> Option<Diagnostics> {
    let evaluator = Evaluator { sources: world.sources, scope: names, limits: &world.limits };
    let condition = &rule.condition;
    let held = match evaluator.evaluate_as(&condition.expression, condition.file, &Type::Bool) {
        Ok(value) => value.unmark().0,
        Err(problems) => return Some(problems),
    };
    match held {
        Value::Bool(true) | Value::Unknown => return None,
        Value::Bool(false) => {}
        _ => {
            let detail = "A condition is true or false, and this one is null.";
            return Some(Diagnostic::error("Null value", detail).at(condition.span, "this is null").into());
        }
    }
    let message = &rule.error_message;
    match evaluator.evaluate_as(&message.expression, message.file, &Type::Text) {
        Ok(value) if value.contains_sensitive() => {
            let detail = "The message of this condition holds a sensitive value and is not shown.";
            Some(Diagnostic::error(summary, detail).at(condition.span, "this is false").into())
        }
        Ok(value) => {
            let text = value.as_text().unwrap_or("(known after apply)").to_owned();
            Some(Diagnostic::error(summary, text).at(condition.span, "this is false").into())
        }
        Err(problems) => Some(problems),
    }
}
