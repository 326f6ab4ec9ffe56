//! Function calls. `try` and `can` are here, because they alone decide what of their arguments is evaluated.

use hcl::edit::expr::{Expression, FuncCall};

use super::comprehension::Elements;
use super::{Locals, Outcome, Run, Spanned, concealed};
use crate::config::functions::{self, Function, Parameter};
use crate::config::value::{Reference, Value};
use crate::diag::{Diagnostics, did_you_mean};

/// An argument and the expression it came from.
type Argument<'e> = (Value, &'e Expression);

/// The arguments as a function takes them, and what their marks mean for the result.
enum Prepared {
    Ready { values: Vec<Value>, secret: bool },
    Unknown { secret: bool },
}

impl Run<'_> {
    pub(super) fn call(&self, call: &FuncCall, whole: &Expression, locals: Locals<'_>) -> Outcome {
        let name = call.name.name.value().as_str();
        if call.name.is_namespaced() {
            let detail = "vbs has only functions of its own, and their names have no `::`.".to_owned();
            return Err(self.problem(whole, "Unknown function", detail));
        }
        match name {
            "try" => return self.try_each(call, whole, locals),
            "can" => return self.can(call, whole, locals),
            _ => {}
        }
        let Some(function) = functions::find(name) else {
            return Err(self.unknown_function(name, &call.name.name));
        };
        let (arguments, expanded_secret) = match self.arguments(call, locals)? {
            Some(arguments) => arguments,
            None => return Ok(Value::Unknown),
        };
        self.check_count(function, &arguments, whole)?;
        match self.prepare(function, &arguments)? {
            Prepared::Unknown { secret } => Ok(Value::Unknown.sensitive_if(secret || expanded_secret)),
            Prepared::Ready { values, secret } => {
                let result = (function.run)(self.evaluator.limits, &values).map_err(|problem| {
                    let guilty = problem.argument.and_then(|index| arguments.get(index));
                    let at = guilty.map_or(whole, |(_, expression)| expression);
                    let detail = format!("`{name}`: {}.", problem.why);
                    concealed(self.problem(at, "Function cannot do this", detail), secret)
                })?;
                Ok(self.bounded(result, whole)?.sensitive_if(secret || expanded_secret))
            }
        }
    }

    /// The arguments, with a last `...` expanded; nothing where what it expands is unknown.
    fn arguments<'e>(
        &self,
        call: &'e FuncCall,
        locals: Locals<'_>,
    ) -> Outcome<Option<(Vec<Argument<'e>>, bool)>> {
        let mut arguments: Vec<Argument<'e>> = Vec::with_capacity(call.args.len());
        let mut problems = Diagnostics::new();
        for expression in call.args.iter() {
            match self.value(expression, locals) {
                Ok(value) => arguments.push((value, expression)),
                Err(more) => problems.extend(more),
            }
        }
        if problems.has_errors() {
            return Err(problems);
        }
        if !call.args.expand_final() {
            return Ok(Some((arguments, false)));
        }
        let Some((last, expression)) = arguments.pop() else { return Ok(Some((arguments, false))) };
        let bare = matches!(last.clone().unmark().0, Value::Map(_));
        if bare {
            let detail =
                "Only a list, set or tuple can be spread over the arguments of a function.".to_owned();
            return Err(self.problem(expression, "Nothing to expand", detail));
        }
        match self.elements(last, expression)? {
            Elements::Unknown { .. } => Ok(None),
            Elements::Known { pairs, secret } => {
                self.spend(pairs.len() as u64, expression)?;
                arguments.extend(pairs.into_iter().map(|(_, value)| (value, expression)));
                Ok(Some((arguments, secret)))
            }
        }
    }

    fn check_count(
        &self,
        function: &Function,
        arguments: &[Argument<'_>],
        whole: &Expression,
    ) -> Outcome<()> {
        let (least, most) = function.count();
        if arguments.len() >= least && most.is_none_or(|most| arguments.len() <= most) {
            return Ok(());
        }
        let wanted = match most {
            Some(most) if most == least => count_of(least),
            Some(most) => format!("{least} to {}", count_of(most)),
            None => format!("at least {}", count_of(least)),
        };
        let detail =
            format!("`{}` takes {wanted}, and {} given here.", function.signature(), given(arguments.len()));
        Err(self.problem(whole, "Wrong number of arguments", detail))
    }

    fn prepare(&self, function: &Function, arguments: &[Argument<'_>]) -> Outcome<Prepared> {
        let mut values = Vec::with_capacity(arguments.len());
        let mut problems = Diagnostics::new();
        let (mut secret, mut unknown) = (false, false);
        for (index, (value, at)) in arguments.iter().enumerate() {
            let Some(parameter) = function.parameter(index) else { break };
            self.spend(value.weight() as u64 / 100, *at)?;
            let value = self.expanded_block(value.clone(), *at)?;
            let (value, marked) = if function.keeps_marks {
                (value, false)
            } else if function.passes_elements {
                value.unmark()
            } else {
                value.unmark_deep()
            };
            secret |= marked;
            let hidden = if function.passes_elements { value.is_unknown() } else { value.contains_unknown() };
            if hidden && !function.keeps_marks {
                unknown = true;
                continue;
            }
            match self.fit(function, parameter, value, at) {
                Ok(value) => values.push(value),
                Err(more) => problems.extend(concealed(more, marked)),
            }
        }
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(if unknown { Prepared::Unknown { secret } } else { Prepared::Ready { values, secret } })
    }

    /// The argument as the parameter wants it.
    fn fit(&self, function: &Function, parameter: &Parameter, value: Value, at: &Expression) -> Outcome {
        if value.is_null() {
            if parameter.nullable {
                return Ok(value);
            }
            let detail = format!("`{}` of `{}` must not be null.", parameter.name, function.name);
            return Err(self.problem(at, "Invalid argument", detail));
        }
        parameter.kind.fit(value).map_err(|why| {
            let detail = format!(
                "`{}` of `{}` must be {}: {why}.",
                parameter.name,
                function.name,
                parameter.kind.name()
            );
            self.problem(at, "Invalid argument", detail)
        })
    }

    /// A block with instances as the map or list of them, which is what functions see in it.
    fn expanded_block(&self, value: Value, at: &impl Spanned) -> Outcome {
        let Value::Reference(of @ Reference::Block(_)) = value else { return Ok(value) };
        let found = self.evaluator.scope.elements(&of);
        let pairs = found.map_err(|why| self.lookup(why, &of.to_string(), at))?;
        self.spend(pairs.len() as u64, at)?;
        let named: Option<Vec<_>> = pairs
            .iter()
            .map(|(key, value)| key.as_text().map(|key| (key.to_owned(), value.clone())))
            .collect();
        let is_counted = pairs.first().is_some_and(|(key, _)| matches!(key, Value::Number(_)));
        Ok(match named {
            Some(named) if !is_counted => Value::map(named),
            _ => Value::list(pairs.into_iter().map(|(_, value)| value)),
        })
    }

    /// The first argument that has a value.
    fn try_each(&self, call: &FuncCall, whole: &Expression, locals: Locals<'_>) -> Outcome {
        let mut problems: Diagnostics =
            self.problem(whole, "Wrong number of arguments", "`try` takes at least one argument.".to_owned());
        for (index, expression) in call.args.iter().enumerate() {
            match self.value(expression, locals) {
                Ok(value) => return Ok(value),
                Err(more) if self.is_exhausted() => return Err(more),
                Err(more) if index == 0 => problems = more,
                Err(more) => problems.extend(more),
            }
        }
        Err(problems)
    }

    /// Whether the argument has a value.
    fn can(&self, call: &FuncCall, whole: &Expression, locals: Locals<'_>) -> Outcome {
        let (Some(expression), 1) = (call.args.get(0), call.args.len()) else {
            let detail = "`can(expression)` takes exactly one argument.".to_owned();
            return Err(self.problem(whole, "Wrong number of arguments", detail));
        };
        match self.value(expression, locals) {
            Ok(value) => {
                // While it is unknown, nobody can say what will come of it.
                let answer = if value.contains_unknown() { Value::Unknown } else { Value::Bool(true) };
                Ok(answer.sensitive_if(value.contains_sensitive()))
            }
            Err(problems) if self.is_exhausted() => Err(problems),
            Err(_) => Ok(Value::Bool(false)),
        }
    }

    fn unknown_function(&self, name: &str, at: &impl Spanned) -> Diagnostics {
        let names = functions::names();
        let detail = match did_you_mean(name, names) {
            Some(near) => format!("There is no function `{name}`. Did you mean `{near}`?"),
            None => format!("There is no function `{name}`."),
        };
        self.problem(at, "Unknown function", detail)
    }
}

fn count_of(number: usize) -> String {
    if number == 1 { "1 argument".to_owned() } else { format!("{number} arguments") }
}

fn given(number: usize) -> String {
    if number == 1 { "1 is".to_owned() } else { format!("{number} are") }
}
