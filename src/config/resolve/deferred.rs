//! What can be worked out only after a look at the hosts: outputs and conditions.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::names::{Instance, Mode, Names, Seen, Survey, key_value, unreported};
use super::world::{Entry, World};
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
}

/// Outputs and conditions, to be evaluated with what a survey found: address and attribute to value. An attribute
/// of something that does not exist yet is nothing, and reads as unknown.
pub struct Deferred<'a> {
    world: World<'a>,
}

type SurveyedLocals = BTreeMap<String, Option<Value>>;

impl<'a> Deferred<'a> {
    pub(super) fn new(world: World<'a>) -> Self {
        Deferred { world }
    }

    /// Reports what `depends_on` names and nothing is.
    pub(super) fn dependencies(&self, diagnostics: &mut Diagnostics) {
        super::rules::mentions(&self.world, diagnostics);
    }

    /// The outputs whose preconditions hold, by name.
    pub fn evaluate(&self, survey: &Survey<'_>) -> (Vec<OutputValue>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let locals = self.locals(survey, &mut diagnostics);
        let mut values = Vec::new();
        let (instance, seen) = (Instance::default(), RefCell::new(Seen::default()));
        let names = Names {
            world: &self.world,
            mode: Mode::Survey(survey, &locals),
            instance: &instance,
            seen: &seen,
        };
        for (name, output) in &self.world.declared.outputs {
            let mut problems = Diagnostics::new();
            for rule in &output.preconditions {
                problems.extend(judge(&self.world, &names, rule, CONDITION_FAILED).into_iter().flatten());
            }
            if problems.is_empty() {
                match self.output(name, output, &names) {
                    Ok(value) => values.push(value),
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
        Ok(OutputValue { name: name.to_owned(), value, sensitive: output.sensitive })
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
        let locals = self.locals(survey, &mut diagnostics);
        for (address, entry) in &self.world.entries {
            let Some(block) = self.world.block(address).filter(|block| !of(block).is_empty()) else {
                continue;
            };
            if matches!(entry, Entry::Failed) {
                continue;
            }
            let (instance, seen) = (self.instance(address), RefCell::new(Seen::default()));
            let mode = Mode::Survey(survey, &locals);
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
    fn locals(&self, survey: &Survey<'_>, diagnostics: &mut Diagnostics) -> SurveyedLocals {
        let mut values = SurveyedLocals::new();
        for name in &self.world.surveyed_locals {
            let Some(written) = self.world.declared.locals.get(name) else { continue };
            let (instance, seen) = (Instance::default(), RefCell::new(Seen::default()));
            let mode = Mode::Survey(survey, &values);
            let names = Names { world: &self.world, mode, instance: &instance, seen: &seen };
            let value = self.evaluator(&names).evaluate(&written.expression, written.file);
            let value = value.map_err(|problems| {
                diagnostics.extend(problems.into_iter().map(|problem| problem.within("locals")));
            });
            values.insert(name.clone(), value.ok());
        }
        values
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
