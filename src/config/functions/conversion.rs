//! From one type to another, and marks.

use super::{Function, Kind, Limits, Parameter, Problem, nullable};
use crate::config::convert::convert;
use crate::config::types::Type;
use crate::config::value::Value;

const VALUE: Parameter = nullable("value", Kind::Any);

pub(super) const TABLE: &[Function] = &[
    Function::new("tostring", &[VALUE], |_, a| to(a, &Type::Text), "The value as a string."),
    Function::new("tonumber", &[VALUE], |_, a| to(a, &Type::Number), "The value as a number."),
    Function::new("tobool", &[VALUE], |_, a| to(a, &Type::Bool), "The value as true or false."),
    Function::new(
        "tolist",
        &[VALUE],
        |_, a| to(a, &Type::List(Box::new(Type::Any))),
        "The value as a list with elements of one type.",
    )
    .passing_elements(),
    Function::new(
        "toset",
        &[VALUE],
        |_, a| to(a, &Type::Set(Box::new(Type::Any))),
        "The value as a set: without order and repetition.",
    ),
    Function::new(
        "tomap",
        &[VALUE],
        |_, a| to(a, &Type::Map(Box::new(Type::Any))),
        "The value as a map with elements of one type.",
    )
    .passing_elements(),
    Function::new(
        "sensitive",
        &[VALUE],
        |_, a| Ok(a[0].clone().sensitive()),
        "The value, marked as not to be shown.",
    )
    .keeping_marks(),
    Function::new(
        "nonsensitive",
        &[VALUE],
        nonsensitive,
        "The value without its mark, so that it may be shown.",
    )
    .keeping_marks(),
    Function::new(
        "type",
        &[VALUE],
        |_, a| Ok(Value::text(&a[0].type_name())),
        "The name of the value's type.",
    ),
];

fn to(arguments: &[Value], wanted: &Type) -> Result<Value, Problem> {
    convert(arguments[0].clone(), wanted).map_err(|why| Problem::at(0, why))
}

fn nonsensitive(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    Ok(arguments[0].clone().unmark().0)
}
