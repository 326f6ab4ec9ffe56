//! Numbers and sizes.

use super::{Function, Kind, Limits, Parameter, Problem, number, parameter, text};
use crate::config::number::Number;
use crate::config::value::Value;
use crate::model::Bytes;

const NUMBER: Parameter = parameter("number", Kind::Number);

pub(super) const TABLE: &[Function] = &[
    Function::new(
        "bytes",
        &[parameter("size", Kind::Text)],
        bytes,
        "The number of bytes in a size: `bytes(\"1KiB\")` is 1024.",
    ),
    Function::new(
        "size",
        &[parameter("bytes", Kind::Number)],
        size,
        "A number of bytes as a size: `size(1024)` is \"1 KiB\".",
    ),
    Function::new("abs", &[NUMBER], abs, "The number without its sign."),
    Function::new(
        "ceil",
        &[NUMBER],
        |_, a| Ok(Value::Number(number(a, 0).ceil())),
        "The next whole number up.",
    ),
    Function::new(
        "floor",
        &[NUMBER],
        |_, a| Ok(Value::Number(number(a, 0).floor())),
        "The next whole number down.",
    ),
    Function::new("max", &[NUMBER], |_, a| Ok(extreme(a, Iterator::max)), "The largest of the numbers.")
        .rest(NUMBER),
    Function::new("min", &[NUMBER], |_, a| Ok(extreme(a, Iterator::min)), "The smallest of the numbers.")
        .rest(NUMBER),
    Function::new("signum", &[NUMBER], signum, "-1, 0 or 1: the sign of the number."),
];

fn bytes(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let bytes: Bytes = text(arguments, 0).parse().map_err(|why| Problem::at(0, format!("{why}")))?;
    Ok(Value::integer(bytes.0.into()))
}

fn size(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let given = number(arguments, 0);
    match given.to_u64() {
        Some(bytes) if bytes <= crate::model::size::LARGEST.0 => Ok(Value::text(&Bytes(bytes).to_string())),
        _ => Err(Problem::at(0, format!("{given} is not a whole number of bytes that a disk can have"))),
    }
}

fn abs(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let given = number(arguments, 0);
    if given >= Number::ZERO {
        return Ok(Value::Number(given));
    }
    given.checked_neg().map(Value::Number).map_err(|why| Problem::at(0, why.to_string()))
}

fn signum(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let sign = number(arguments, 0).cmp(&Number::ZERO);
    Ok(Value::integer(sign as i128))
}

fn extreme(arguments: &[Value], choose: fn(std::vec::IntoIter<Number>) -> Option<Number>) -> Value {
    let numbers: Vec<Number> = (0..arguments.len()).map(|index| number(arguments, index)).collect();
    choose(numbers.into_iter()).map_or(Value::Null, Value::Number)
}
