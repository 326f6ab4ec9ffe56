//! The functions of the language: pure, and all in one table, from which checks and documentation are made.
//! Names and meaning are Terraform's. `try` and `can` are lazy and live with the evaluator.

mod collections;
mod conversion;
mod json;
mod numbers;
mod strings;
#[cfg(test)]
mod tests;

use super::convert::convert;
use super::eval::Limits;
use super::types::Type;
use super::value::Value;

/// One function.
pub struct Function {
    pub name: &'static str,
    pub parameters: &'static [Parameter],
    /// How many of the last parameters may be left out.
    pub optional: usize,
    /// What any number of further arguments is taken as.
    pub rest: Option<Parameter>,
    pub doc: &'static str,
    /// It passes elements on as they are, so that unknown and sensitive ones keep that for themselves. All other
    /// functions look into elements, and what is unknown or sensitive in an argument spreads to their result.
    pub passes_elements: bool,
    /// It is about the mark itself, and sees it.
    pub keeps_marks: bool,
    /// Called with as many arguments as the signature allows, each of its parameter's kind.
    pub run: fn(&Limits, &[Value]) -> Result<Value, Problem>,
}

#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    pub nullable: bool,
}

/// What an argument is converted to before the function sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Any,
    Text,
    Number,
    Bool,
    /// A list, tuple or set; the function sees a list.
    List,
    /// A map or object.
    Map,
    /// Any of the two above, or a set, as it is.
    Collection,
}

/// Why a function has no result, in words without a full stop, and which argument is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub argument: Option<usize>,
    pub why: String,
}

impl Problem {
    fn at(argument: usize, why: impl Into<String>) -> Problem {
        Problem { argument: Some(argument), why: why.into() }
    }

    fn new(why: impl Into<String>) -> Problem {
        Problem { argument: None, why: why.into() }
    }

    fn too_large() -> Problem {
        Problem::new("the result would be larger than a value may be")
    }
}

impl Kind {
    /// In words for a message: `a string`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Any => "any value",
            Kind::Text => "a string",
            Kind::Number => "a number",
            Kind::Bool => "true or false",
            Kind::List => "a list",
            Kind::Map => "a map or object",
            Kind::Collection => "a list, set, map or object",
        }
    }

    /// The value as a function expects it, or why it cannot be that.
    pub fn fit(self, value: Value) -> Result<Value, String> {
        match (self, value) {
            (Kind::Any, value) => Ok(value),
            (Kind::Text, value) => convert(value, &Type::Text),
            (Kind::Number, value) => convert(value, &Type::Number),
            (Kind::Bool, value) => convert(value, &Type::Bool),
            (Kind::List, Value::Set(set)) => Ok(Value::list(set.iter().cloned())),
            (Kind::List | Kind::Collection, value @ Value::List(_)) => Ok(value),
            (Kind::Map | Kind::Collection, value @ Value::Map(_)) => Ok(value),
            (Kind::Collection, value @ Value::Set(_)) => Ok(value),
            (_, other) => Err(format!("this is {}", other.with_article())),
        }
    }
}

impl Function {
    const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        run: fn(&Limits, &[Value]) -> Result<Value, Problem>,
        doc: &'static str,
    ) -> Function {
        let (passes_elements, keeps_marks) = (false, false);
        Function { name, parameters, optional: 0, rest: None, doc, passes_elements, keeps_marks, run }
    }

    const fn optional(mut self, count: usize) -> Function {
        self.optional = count;
        self
    }

    const fn rest(mut self, parameter: Parameter) -> Function {
        self.rest = Some(parameter);
        self
    }

    const fn passing_elements(mut self) -> Function {
        self.passes_elements = true;
        self
    }

    const fn keeping_marks(mut self) -> Function {
        self.keeps_marks = true;
        self
    }

    /// The least and the largest number of arguments.
    pub fn count(&self) -> (usize, Option<usize>) {
        let most = if self.rest.is_some() { None } else { Some(self.parameters.len()) };
        (self.parameters.len() - self.optional, most)
    }

    /// The parameter that the argument at `index` belongs to.
    pub fn parameter(&self, index: usize) -> Option<&Parameter> {
        self.parameters.get(index).or(self.rest.as_ref())
    }

    /// As it is written in documentation: `join(separator, list)`.
    pub fn signature(&self) -> String {
        let required = self.parameters.len() - self.optional;
        let mut words: Vec<String> = Vec::new();
        for (index, parameter) in self.parameters.iter().enumerate() {
            let mark = if index < required { "" } else { "?" };
            words.push(format!("{}{mark}", parameter.name));
        }
        words.extend(self.rest.map(|rest| format!("{}...", rest.name)));
        format!("{}({})", self.name, words.join(", "))
    }
}

const fn parameter(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, nullable: false }
}

const fn nullable(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, nullable: true }
}

/// The functions that are evaluated like all others, in groups.
static TABLES: [&[Function]; 5] =
    [numbers::TABLE, strings::TABLE, collections::TABLE, conversion::TABLE, json::TABLE];

/// The names of the functions that the evaluator itself knows.
const LAZY: [&str; 2] = ["can", "try"];

pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

/// Every function but the lazy ones, in the order of documentation.
pub fn all() -> impl Iterator<Item = &'static Function> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The names of all functions, the lazy ones among them.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|function| function.name).chain(LAZY)
}

// The table has converted the arguments, so that the other cases below never come; they are empty, not panics.

fn text(arguments: &[Value], index: usize) -> &str {
    arguments.get(index).and_then(Value::as_text).unwrap_or_default()
}

fn number(arguments: &[Value], index: usize) -> super::number::Number {
    match arguments.get(index) {
        Some(Value::Number(number)) => *number,
        _ => super::number::Number::ZERO,
    }
}

fn list(arguments: &[Value], index: usize) -> &[Value] {
    match arguments.get(index) {
        Some(Value::List(list)) => list,
        _ => &[],
    }
}

fn map(arguments: &[Value], index: usize) -> super::value::Map {
    match arguments.get(index) {
        Some(Value::Map(map)) => (**map).clone(),
        _ => super::value::Map::new(),
    }
}
