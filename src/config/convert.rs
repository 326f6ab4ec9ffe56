//! Conversion, by Terraform's rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::number::{Number, NumberError};
use super::types::{Attribute, Type};
use super::value::{Map, Value};
use crate::diag::did_you_mean;

/// `value` as a `wanted`, or why it cannot be one, in words without a full stop. Null and unknown values fit every
/// type, and marks are kept.
pub fn convert(value: Value, wanted: &Type) -> Result<Value, String> {
    match value {
        Value::Sensitive(inner) => {
            // The reason would quote the value.
            let converted = convert(Arc::unwrap_or_clone(inner), wanted);
            return converted
                .map(Value::sensitive)
                .map_err(|_| format!("this sensitive value is not {}", wanted.with_article()));
        }
        Value::Null | Value::Unknown => return Ok(value),
        _ => {}
    }
    match wanted {
        Type::Any => Ok(value),
        Type::Text => to_text(value),
        Type::Number => to_number(value),
        Type::Bool => to_bool(value),
        Type::List(element) => {
            let elements = elements_of(value, wanted)?;
            each(elements, element).map(Value::list)
        }
        Type::Set(element) => {
            let elements = elements_of(value, wanted)?;
            each(elements, element).map(Value::set)
        }
        Type::Map(element) => to_map(value, element, wanted),
        Type::Tuple(kinds) => to_tuple(value, kinds, wanted),
        Type::Object(attributes) => to_object(value, attributes, wanted),
    }
}

/// A list whose elements are of one type, as `tolist` and list types of `any` want them: strings, where the
/// elements are strings and what can be written as one.
pub fn unified(elements: Vec<Value>) -> Result<Vec<Value>, String> {
    let mut common: Option<Type> = None;
    for element in &elements {
        let Some(kind) = primitive_type(element) else { return Ok(elements) };
        common = match (common, kind) {
            (None, kind) => Some(kind),
            (Some(common), kind) if common == kind => Some(common),
            // Numbers and truths have strings in common, as everything that can be written has.
            (Some(_), _) => Some(Type::Text),
        };
    }
    match common {
        None => Ok(elements),
        Some(common) => each(elements, &common),
    }
}

/// The type of a primitive; nothing for what has no one type. Null and unknown values have any.
fn primitive_type(value: &Value) -> Option<Type> {
    match value {
        Value::Bool(_) => Some(Type::Bool),
        Value::Number(_) => Some(Type::Number),
        Value::Text(_) => Some(Type::Text),
        Value::Sensitive(inner) => primitive_type(inner),
        _ => None,
    }
}

fn wrong(value: &Value, wanted: &Type) -> String {
    format!("{} is not {}", value.with_article(), wanted.with_article())
}

fn to_text(value: Value) -> Result<Value, String> {
    match value {
        Value::Text(_) => Ok(value),
        Value::Number(number) => Ok(Value::text(&number.to_string())),
        Value::Bool(truth) => Ok(Value::text(if truth { "true" } else { "false" })),
        Value::Reference(ref of) => {
            Err(format!("{of} is not a string; write an attribute of it, like `{of}.id`"))
        }
        other => Err(wrong(&other, &Type::Text)),
    }
}

fn to_number(value: Value) -> Result<Value, String> {
    match &value {
        Value::Number(_) => Ok(value),
        Value::Text(text) => match Number::parse(text) {
            Ok(number) => Ok(Value::Number(number)),
            Err(why @ NumberError::TooLarge) => Err(format!("{} cannot be used: {why}", excerpt(text))),
            Err(_) => Err(format!("{} is not a number", excerpt(text))),
        },
        _ => Err(wrong(&value, &Type::Number)),
    }
}

fn to_bool(value: Value) -> Result<Value, String> {
    match &value {
        Value::Bool(_) => Ok(value),
        Value::Text(text) => match &**text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            other => Err(format!("{} is neither \"true\" nor \"false\"", excerpt(other))),
        },
        _ => Err(wrong(&value, &Type::Bool)),
    }
}

/// The text in quotes, shortened so that it fits a message.
fn excerpt(text: &str) -> String {
    const SHOWN: usize = 40;
    if text.chars().count() <= SHOWN {
        return format!("{text:?}");
    }
    let beginning: String = text.chars().take(SHOWN).collect();
    format!("{beginning:?}...")
}

fn elements_of(value: Value, wanted: &Type) -> Result<Vec<Value>, String> {
    match value {
        Value::List(list) => Ok(list.to_vec()),
        Value::Set(set) => Ok(set.iter().cloned().collect()),
        other => Err(wrong(&other, wanted)),
    }
}

fn each(elements: Vec<Value>, wanted: &Type) -> Result<Vec<Value>, String> {
    if *wanted == Type::Any {
        return unified(elements);
    }
    let convert_one = |(index, element)| {
        convert(element, wanted).map_err(|why: String| format!("in element {index}, {why}"))
    };
    elements.into_iter().enumerate().map(convert_one).collect()
}

fn to_map(value: Value, element: &Type, wanted: &Type) -> Result<Value, String> {
    let Value::Map(map) = value else { return Err(wrong(&value, wanted)) };
    if *element == Type::Any {
        let values = unified(map.values().cloned().collect())?;
        return Ok(Value::map(map.keys().cloned().zip(values)));
    }
    let mut converted = Map::new();
    for (key, value) in map.iter() {
        let value = convert(value.clone(), element).map_err(|why| format!("in element {key:?}, {why}"))?;
        converted.insert(Arc::clone(key), value);
    }
    Ok(Value::map(converted))
}

fn to_tuple(value: Value, kinds: &[Type], wanted: &Type) -> Result<Value, String> {
    let elements = elements_of(value, wanted)?;
    if elements.len() != kinds.len() {
        return Err(format!("a tuple of {} is wanted and this has {}", kinds.len(), elements.len()));
    }
    let convert_one = |(index, (element, kind))| {
        convert(element, kind).map_err(|why: String| format!("in element {index}, {why}"))
    };
    let converted: Result<Vec<_>, _> = elements.into_iter().zip(kinds).enumerate().map(convert_one).collect();
    converted.map(Value::list)
}

/// Attributes that the type does not name are dropped, as in Terraform, unless one is near a name that is missing:
/// then it was misspelt.
fn to_object(
    value: Value,
    attributes: &BTreeMap<Arc<str>, Attribute>,
    wanted: &Type,
) -> Result<Value, String> {
    let Value::Map(map) = value else { return Err(wrong(&value, wanted)) };
    let mut converted = Map::new();
    for (name, attribute) in attributes {
        let given = match map.get(name) {
            Some(value) if !(value.is_null() && attribute.default.is_some()) => value.clone(),
            None if !attribute.optional => {
                let strangers = map.keys().map(|key| &**key).filter(|key| !attributes.contains_key(*key));
                let hint = did_you_mean(name, strangers)
                    .map_or_else(String::new, |near| format!("; it has {near:?}, which may be meant"));
                return Err(format!("attribute {name:?} is missing{hint}"));
            }
            _ => attribute.default.clone().unwrap_or(Value::Null),
        };
        let value = convert(given, &attribute.kind).map_err(|why| format!("in attribute {name:?}, {why}"))?;
        converted.insert(Arc::clone(name), value);
    }
    Ok(Value::map(converted))
}
