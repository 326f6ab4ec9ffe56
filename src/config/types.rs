//! Type constraints: `string`, `list(T)`, `object({ size = optional(string, "1GiB") })`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hcl::edit::Span as Spanned;
use hcl::edit::expr::{Expression, FuncCall, ObjectKey};

use super::convert::convert;
use super::eval::{Evaluator, Limits, NoNames};
use super::value::Value;
use crate::diag::{Diagnostic, Diagnostics, FileId, SourceMap, Span, did_you_mean};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    Any,
    Text,
    Number,
    Bool,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Tuple(Vec<Type>),
    Object(BTreeMap<Arc<str>, Attribute>),
}

/// An attribute of an object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub kind: Type,
    pub optional: bool,
    /// What an absent or null optional attribute becomes.
    pub default: Option<Value>,
}

const SIMPLE: [(&str, Type); 4] =
    [("string", Type::Text), ("number", Type::Number), ("bool", Type::Bool), ("any", Type::Any)];
const COMPOUND: [&str; 5] = ["list", "set", "map", "object", "tuple"];

impl Type {
    /// Reads a type expression.
    pub fn parse(expression: &Expression, sources: &SourceMap, file: FileId) -> Result<Type, Diagnostics> {
        Reader { sources, file }.read(expression)
    }

    /// In words for a message: `a string`, `an object`.
    pub fn with_article(&self) -> String {
        match self {
            Type::Any => "any value".to_owned(),
            Type::Object(_) => "an object".to_owned(),
            other => format!("a {other}"),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => f.write_str("any"),
            Type::Text => f.write_str("string"),
            Type::Number => f.write_str("number"),
            Type::Bool => f.write_str("bool"),
            Type::List(element) => write!(f, "list of {element}"),
            Type::Set(element) => write!(f, "set of {element}"),
            Type::Map(element) => write!(f, "map of {element}"),
            Type::Tuple(_) => f.write_str("tuple"),
            Type::Object(_) => f.write_str("object"),
        }
    }
}

struct Reader<'a> {
    sources: &'a SourceMap,
    file: FileId,
}

type Outcome<T = Type> = Result<T, Diagnostics>;

impl Reader<'_> {
    fn read(&self, expression: &Expression) -> Outcome {
        match expression {
            Expression::Variable(name) => self.simple(name.value().as_str(), expression),
            Expression::Parenthesis(inner) => self.read(inner.inner()),
            Expression::FuncCall(call) => self.compound(call, expression),
            Expression::String(text) => {
                Err(self
                    .problem(expression, format!("A type is written without quotes: `{}`.", text.value())))
            }
            _ => {
                Err(self
                    .problem(expression, "This is not a type. Write one like `string` or `list(number)`."))
            }
        }
    }

    fn simple(&self, name: &str, at: &Expression) -> Outcome {
        if let Some((_, kind)) = SIMPLE.into_iter().find(|(simple, _)| *simple == name) {
            return Ok(kind);
        }
        if COMPOUND.contains(&name) {
            let detail = format!("`{name}` needs to know of what: write `{}`.", example(name));
            return Err(self.problem(at, detail));
        }
        Err(self.unknown(name, at))
    }

    fn unknown(&self, name: &str, at: &impl Spanned) -> Diagnostics {
        let names = SIMPLE.iter().map(|(name, _)| *name).chain(COMPOUND);
        let hint =
            did_you_mean(name, names).map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
        self.problem(
            at,
            format!(
                "There is no type `{name}`.{hint} There are string, number, bool, any, list(T), set(T), map(T), \
                 tuple([...]) and object({{...}})."
            ),
        )
    }

    fn compound(&self, call: &FuncCall, at: &Expression) -> Outcome {
        let name = call.name.name.value().as_str();
        if name == "optional" {
            return Err(self.problem(at, "`optional` can only stand directly in an object type."));
        }
        if call.name.is_namespaced() || !COMPOUND.contains(&name) {
            return Err(self.unknown(name, &call.name.name));
        }
        let (Some(argument), 1) = (call.args.get(0), call.args.len()) else {
            return Err(self.problem(at, format!("`{name}` takes one argument: write `{}`.", example(name))));
        };
        match (name, argument) {
            ("list", _) => Ok(Type::List(Box::new(self.read(argument)?))),
            ("set", _) => Ok(Type::Set(Box::new(self.read(argument)?))),
            ("map", _) => Ok(Type::Map(Box::new(self.read(argument)?))),
            ("tuple", Expression::Array(kinds)) => {
                let kinds: Outcome<Vec<Type>> = kinds.iter().map(|kind| self.read(kind)).collect();
                kinds.map(Type::Tuple)
            }
            ("object", Expression::Object(object)) => self.object(object),
            _ => Err(self.problem(argument, format!("Write `{}`.", example(name)))),
        }
    }

    fn object(&self, object: &hcl::edit::expr::Object) -> Outcome {
        let mut attributes = BTreeMap::new();
        let mut problems = Diagnostics::new();
        for (key, value) in object {
            let name = match key {
                ObjectKey::Ident(name) => name.value().as_str(),
                ObjectKey::Expression(Expression::String(name)) => name.value().as_str(),
                ObjectKey::Expression(other) => {
                    problems.extend(self.problem(other, "An attribute of an object type has a plain name."));
                    continue;
                }
            };
            match self.attribute(value.expr()) {
                Ok(attribute) => drop(attributes.insert(name.into(), attribute)),
                Err(more) => problems.extend(more),
            }
        }
        if problems.has_errors() { Err(problems) } else { Ok(Type::Object(attributes)) }
    }

    fn attribute(&self, expression: &Expression) -> Outcome<Attribute> {
        let Expression::FuncCall(call) = expression else {
            return Ok(Attribute { kind: self.read(expression)?, optional: false, default: None });
        };
        if call.name.is_namespaced() || call.name.name.value().as_str() != "optional" {
            return Ok(Attribute { kind: self.read(expression)?, optional: false, default: None });
        }
        let (Some(kind), 1 | 2) = (call.args.get(0), call.args.len()) else {
            return Err(
                self.problem(expression, "Write `optional(string)` or `optional(string, \"default\")`.")
            );
        };
        let kind = self.read(kind)?;
        let default = call.args.get(1).map(|default| self.default(default, &kind)).transpose()?;
        Ok(Attribute { kind, optional: true, default })
    }

    fn default(&self, expression: &Expression, kind: &Type) -> Outcome<Value> {
        let limits = Limits::default();
        let evaluator = Evaluator { sources: self.sources, scope: &NoNames, limits: &limits };
        let value = evaluator.evaluate(expression, self.file)?;
        convert(value, kind)
            .map_err(|why| self.problem(expression, format!("The default does not fit its own type: {why}.")))
    }

    fn problem(&self, at: &impl Spanned, detail: impl Into<String>) -> Diagnostics {
        let span = Span::new(self.file, at.span().unwrap_or(0..0));
        Diagnostic::error("Invalid type", detail).at(span, "").into()
    }
}

fn example(name: &str) -> &'static str {
    match name {
        "list" => "list(string)",
        "set" => "set(string)",
        "map" => "map(string)",
        "tuple" => "tuple([string, number])",
        _ => "object({ name = string })",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse::parse_expression;

    fn read(text: &str) -> Result<Type, Diagnostics> {
        let mut sources = SourceMap::default();
        let file = sources.add("type", text);
        Type::parse(&parse_expression(&sources, file)?, &sources, file)
    }

    fn evaluated(text: &str) -> Value {
        let mut sources = SourceMap::default();
        let file = sources.add("value", text);
        let expression = parse_expression(&sources, file).unwrap();
        let limits = Limits::default();
        Evaluator { sources: &sources, scope: &NoNames, limits: &limits }.evaluate(&expression, file).unwrap()
    }

    #[test]
    fn values_are_converted_to_types() {
        for (value, kind, expected) in [
            ("5", "string", "\"5\""),
            ("\"5\"", "number", "5"),
            ("\"true\"", "bool", "true"),
            ("[1, \"2\"]", "list(number)", "[1, 2]"),
            ("[2, 1, 2]", "set(string)", "toset([\"1\", \"2\"])"),
            ("{ a = 1 }", "map(string)", "{ a = \"1\" }"),
            ("[1, true]", "tuple([string, bool])", "[\"1\", true]"),
            ("[1, \"a\"]", "list(any)", "[\"1\", \"a\"]"),
            ("{ a = 1, z = 2 }", "object({ a = string })", "{ a = \"1\" }"),
            (
                "{}",
                "object({ a = optional(string, \"x\"), b = optional(number) })",
                "{ a = \"x\", b = null }",
            ),
            ("{ a = null }", "object({ a = optional(string, \"x\") })", "{ a = \"x\" }"),
            ("null", "list(string)", "null"),
            (
                "[{ size = 1 }]",
                "list(object({ size = string, n = optional(number, 3) }))",
                "[{ size = \"1\", n = 3 }]",
            ),
        ] {
            assert_eq!(
                convert(evaluated(value), &read(kind).unwrap()),
                Ok(evaluated(expected)),
                "{value}: {kind}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place_in_the_value() {
        for (value, kind, why) in [
            ("[1]", "string", "a list of number is not a string"),
            ("[1, \"x\"]", "list(number)", "in element 1, \"x\" is not a number"),
            (
                "{ a = { b = [] } }",
                "map(object({ b = bool }))",
                "in element \"a\", in attribute \"b\", an empty list is not a bool",
            ),
            (
                "{ siez = 1 }",
                "object({ size = number })",
                "attribute \"size\" is missing; it has \"siez\", which may be meant",
            ),
            ("[1]", "tuple([number, number])", "a tuple of 2 is wanted and this has 1"),
            ("\"yes\"", "bool", "\"yes\" is neither \"true\" nor \"false\""),
        ] {
            assert_eq!(
                convert(evaluated(value), &read(kind).unwrap()),
                Err(why.to_owned()),
                "{value}: {kind}"
            );
        }
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for (text, word) in [
            ("strnig", "`string`"),
            ("\"string\"", "without quotes"),
            ("list", "list(string)"),
            ("list(string, number)", "one argument"),
            ("optional(string)", "object type"),
            ("object({ a = optional(number, \"x\") })", "default"),
            ("tuple(string)", "tuple([string, number])"),
            ("5", "not a type"),
        ] {
            let problems = read(text).unwrap_err();
            let problem = problems.iter().next().unwrap();
            assert!(
                problem.summary == "Invalid type" && problem.detail.contains(word),
                "{text}: {problem:?}"
            );
        }
    }
}
