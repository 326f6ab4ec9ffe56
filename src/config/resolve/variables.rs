//! Values of variables: given or default, converted, validated.

use std::cell::RefCell;

use super::names::{Instance, Mode, Names, Seen};
use super::world::World;
use crate::config::convert::convert;
use crate::config::declare::{Condition, Variable, Written};
use crate::config::eval::{Evaluator, Limits, NoNames};
use crate::config::inputs::{Input, Inputs, text_of, whole};
use crate::config::parse::parse_expression;
use crate::config::types::Type;
use crate::config::value::Value;
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};

/// Gives every variable its value. One without a usable value is present without one, its problems reported.
pub fn evaluate<'a>(world: &mut World<'a>, inputs: &Inputs, diagnostics: &mut Diagnostics) {
    for (name, variable) in &world.declared.variables {
        let value = match value(world.sources, name, variable, inputs) {
            Ok(value) => Some(value.sensitive_if(variable.sensitive)),
            Err(problems) => {
                let is_secret = variable.sensitive && inputs.get(name).is_some();
                let shown = |problem| if is_secret { concealed(&problem, variable) } else { problem };
                diagnostics
                    .extend(problems.into_iter().map(|problem| shown(problem).within(&variable.title)));
                None
            }
        };
        world.variables.insert(name, value);
    }
    for (name, variable) in &world.declared.variables {
        if world.variables.get(name.as_str()).is_none_or(Option::is_none) {
            continue;
        }
        let problems: Vec<Diagnostic> =
            variable.validations.iter().flat_map(|rule| validate(world, rule)).collect();
        diagnostics.extend(problems.into_iter().map(|problem| problem.within(&variable.title)));
    }
}

/// A problem of a secret that was given, without the line of the source that holds it.
fn concealed(problem: &Diagnostic, variable: &Variable) -> Diagnostic {
    let detail = "The value that was given cannot be used: it cannot be read, or is not of the variable's type. It is sensitive, so it is not shown.";
    Diagnostic::error(problem.summary, detail).at(variable.header, "the value of this variable")
}

fn value(
    sources: &SourceMap,
    name: &str,
    variable: &Variable,
    inputs: &Inputs,
) -> Result<Value, Diagnostics> {
    let wanted = match &variable.kind {
        Some(written) => Type::parse(&written.expression, sources, written.file)?,
        None => Type::Any,
    };
    let (value, place) = match (inputs.get(name), &variable.default) {
        (Some(input), _) => given(sources, input, &wanted, variable.kind.is_none())?,
        (None, Some(default)) => (constant(sources, default, &wanted)?, default.span),
        (None, None) => {
            return Err(Diagnostic::error(
                "No value for a variable",
                format!(
                    "Give it one with `--var {name}=…`, VBS_VAR_{name}, or a line in vbs.vars.hcl, or write a `default`."
                ),
            )
            .at(variable.header, "this variable has neither a value nor a default")
            .into());
        }
    };
    if !value.is_null() || variable.nullable {
        return Ok(value);
    }
    // As in Terraform: null stands for the default where null is not allowed.
    match &variable.default {
        Some(default) if inputs.get(name).is_some() => {
            let value = constant(sources, default, &wanted)?;
            if value.is_null() { Err(not_nullable(default.span)) } else { Ok(value) }
        }
        _ => Err(not_nullable(place)),
    }
}

fn not_nullable(place: Span) -> Diagnostics {
    let detail = "The variable says `nullable = false`. Give it a value.";
    Diagnostic::error("Null value", detail).at(place, "this is null").into()
}

/// A variable without a type takes a text as it is, as in Terraform.
fn given(
    sources: &SourceMap,
    input: &Input,
    wanted: &Type,
    is_untyped: bool,
) -> Result<(Value, Span), Diagnostics> {
    match input {
        Input::Expression(written) => Ok((constant(sources, written, wanted)?, written.span)),
        Input::Text(file) if is_untyped || *wanted == Type::Text => {
            let (text, span) = text_of(sources, *file);
            Ok((Value::text(&text), span))
        }
        Input::Text(file) if matches!(wanted, Type::Number | Type::Bool) => {
            let (text, span) = text_of(sources, *file);
            let value = convert(Value::text(text.trim()), wanted)
                .map_err(|why| Diagnostics::from(unsuitable(&why, span)))?;
            Ok((value, span))
        }
        Input::Text(file) => {
            let expression = parse_expression(sources, *file)?;
            let written = whole(sources, *file, expression);
            Ok((constant(sources, &written, wanted)?, written.span))
        }
    }
}

fn unsuitable(why: &impl std::fmt::Display, span: Span) -> Diagnostic {
    let detail =
        format!("{}. Give the variable a value of its type.", super::arguments::sentence(&why.to_string()));
    Diagnostic::error("Unsuitable value", detail).at(span, "this does not fit the variable's type")
}

fn constant(sources: &SourceMap, written: &Written, wanted: &Type) -> Result<Value, Diagnostics> {
    let limits = Limits::default();
    let evaluator = Evaluator { sources, scope: &NoNames, limits: &limits };
    evaluator.evaluate_as(&written.expression, written.file, wanted)
}

fn validate(world: &World<'_>, rule: &Condition) -> Diagnostics {
    let (instance, seen) = (Instance::default(), RefCell::new(Seen::default()));
    let names = Names { world, mode: Mode::Plan, instance: &instance, seen: &seen };
    let verdict = super::deferred::judge(world, &names, rule, "Invalid value for a variable");
    let seen = seen.into_inner();
    if seen.needs.is_empty() {
        return verdict.into_iter().flatten().collect();
    }
    let detail = "A validation sees variables only: it holds before anything else is worked out. Write a precondition on the volume, snapshot or attachment instead.";
    Diagnostic::error("Reference in a validation", detail)
        .at(rule.condition.span, "this mentions more than variables")
        .into()
}
