//! Lists, sets and maps.

use std::collections::BTreeSet;

use super::{Function, Kind, Limits, Parameter, Problem, list, map, nullable, number, parameter, text};
use crate::config::convert::convert;
use crate::config::number::Number;
use crate::config::types::Type;
use crate::config::value::{Map, Value};

const LIST: Parameter = parameter("list", Kind::List);
const MAP: Parameter = parameter("map", Kind::Map);

pub(super) const TABLE: &[Function] = &[
    Function::new(
        "length",
        &[parameter("value", Kind::Any)],
        length,
        "The number of elements of a collection, or of characters of a string.",
    )
    .passing_elements(),
    Function::new(
        "keys",
        &[MAP],
        |_, a| Ok(Value::list(map(a, 0).keys().map(|key| Value::Text(key.clone())))),
        "The keys of a map, in order.",
    )
    .passing_elements(),
    Function::new(
        "values",
        &[MAP],
        |_, a| Ok(Value::list(map(a, 0).into_values())),
        "The values of a map, in the order of the keys.",
    )
    .passing_elements(),
    Function::new(
        "lookup",
        &[MAP, parameter("key", Kind::Text), nullable("default", Kind::Any)],
        lookup,
        "The element of a map, or the default where there is none.",
    )
    .optional(1)
    .passing_elements(),
    Function::new("merge", &[], merge, "One map with the elements of all; later ones win.")
        .rest(nullable("maps", Kind::Map))
        .passing_elements(),
    Function::new("concat", &[LIST], concat, "One list with the elements of all.")
        .rest(LIST)
        .passing_elements(),
    Function::new(
        "contains",
        &[LIST, nullable("value", Kind::Any)],
        contains,
        "Whether the value is an element of the list.",
    ),
    Function::new(
        "flatten",
        &[LIST],
        flatten,
        "The list with the elements of lists inside it in their place.",
    )
    .passing_elements(),
    Function::new("distinct", &[LIST], distinct, "The list without repetitions."),
    Function::new(
        "reverse",
        &[LIST],
        |_, a| Ok(Value::list(list(a, 0).iter().rev().cloned())),
        "The list from its end to its beginning.",
    )
    .passing_elements(),
    Function::new(
        "range",
        &[
            parameter("start_or_limit", Kind::Number),
            parameter("limit", Kind::Number),
            parameter("step", Kind::Number),
        ],
        range,
        "The numbers from start (0) up to but not including limit, by step (1).",
    )
    .optional(2),
    Function::new("sort", &[LIST], sort, "The strings of the list in the order of their code points."),
    Function::new(
        "element",
        &[LIST, parameter("index", Kind::Number)],
        element,
        "The element at an index, which wraps around.",
    )
    .passing_elements(),
    Function::new(
        "slice",
        &[LIST, parameter("start", Kind::Number), parameter("end", Kind::Number)],
        slice,
        "The elements from start up to but not including end.",
    )
    .passing_elements(),
    Function::new(
        "chunklist",
        &[LIST, parameter("size", Kind::Number)],
        chunklist,
        "The list cut into lists of a size.",
    )
    .passing_elements(),
    Function::new(
        "index",
        &[LIST, nullable("value", Kind::Any)],
        index,
        "Where in the list the value stands first.",
    ),
    Function::new(
        "setunion",
        &[LIST],
        |_, a| set_of(a, |into, next| into.extend(next)),
        "The elements of any of the sets.",
    )
    .rest(LIST),
    Function::new(
        "setintersection",
        &[LIST],
        |_, a| set_of(a, |into, next| into.retain(|value| next.contains(value))),
        "The elements that all of the sets have.",
    )
    .rest(LIST),
    Function::new(
        "setsubtract",
        &[LIST, LIST],
        |_, a| set_of(a, |into, next| into.retain(|value| !next.contains(value))),
        "The elements of the first set that the second does not have.",
    ),
    Function::new(
        "coalesce",
        &[nullable("value", Kind::Any)],
        coalesce,
        "The first value that is neither null nor an empty string.",
    )
    .rest(nullable("values", Kind::Any))
    .passing_elements(),
    Function::new("compact", &[LIST], compact, "The list of strings without null and empty ones."),
    Function::new("one", &[LIST], one, "The only element of a list of one, null for an empty list.")
        .passing_elements(),
    Function::new("alltrue", &[LIST], |_, a| all_are(a, true), "Whether all elements are true."),
    Function::new("anytrue", &[LIST], |_, a| all_are(a, false), "Whether any element is true."),
    Function::new(
        "zipmap",
        &[parameter("keys", Kind::List), parameter("values", Kind::List)],
        zipmap,
        "A map of keys and the values that stand at the same places.",
    ),
    Function::new("sum", &[LIST], sum, "The sum of the numbers."),
];

fn length(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let count = match &arguments[0] {
        Value::List(list) => list.len(),
        Value::Set(set) => set.len(),
        Value::Map(map) => map.len(),
        Value::Text(text) => text.chars().count(),
        other => return Err(Problem::at(0, format!("{} has no length", other.with_article()))),
    };
    Ok(Value::integer(count as i128))
}

fn lookup(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let key = text(arguments, 1);
    let found = match &arguments[0] {
        Value::Map(map) => map.get(key).cloned(),
        _ => None,
    };
    found
        .or_else(|| arguments.get(2).cloned())
        .ok_or_else(|| Problem::at(1, format!("the map has no element {key:?} and there is no default")))
}

fn merge(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let mut merged = Map::new();
    for index in 0..arguments.len() {
        merged.extend(map(arguments, index));
    }
    Ok(Value::map(merged))
}

fn concat(limits: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let mut all = Vec::new();
    for index in 0..arguments.len() {
        all.extend_from_slice(list(arguments, index));
        if all.len() > limits.elements {
            return Err(Problem::too_large());
        }
    }
    Ok(Value::list(all))
}

fn contains(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    Ok(Value::Bool(list(arguments, 0).contains(&arguments[1])))
}

fn flatten(limits: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let mut flat = Vec::new();
    let mut secret = false;
    flatten_into(list(arguments, 0), limits, &mut flat, &mut secret)?;
    // How many elements an unknown list has is unknown, and with it the whole.
    let has_unknown = flat.iter().any(Value::is_unknown);
    let result = if has_unknown { Value::Unknown } else { Value::list(flat) };
    Ok(result.sensitive_if(secret))
}

fn flatten_into(
    elements: &[Value],
    limits: &Limits,
    flat: &mut Vec<Value>,
    secret: &mut bool,
) -> Result<(), Problem> {
    for element in elements {
        match element {
            Value::List(inner) => flatten_into(inner, limits, flat, secret)?,
            Value::Set(inner) => flat.extend(inner.iter().cloned()),
            Value::Sensitive(inner) if matches!(**inner, Value::List(_) | Value::Set(_)) => {
                *secret = true;
                flatten_into(std::slice::from_ref(inner), limits, flat, secret)?;
            }
            other => flat.push(other.clone()),
        }
        if flat.len() > limits.elements {
            return Err(Problem::too_large());
        }
    }
    Ok(())
}

fn distinct(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let mut seen = BTreeSet::new();
    Ok(Value::list(list(arguments, 0).iter().filter(|element| seen.insert(*element)).cloned()))
}

fn range(limits: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let (start, limit) = match arguments.len() {
        1 => (Number::ZERO, number(arguments, 0)),
        _ => (number(arguments, 0), number(arguments, 1)),
    };
    let down = limit < start;
    let step = match arguments.get(2) {
        Some(_) => number(arguments, 2),
        None => Number::integer(if down { -1 } else { 1 }),
    };
    if step == Number::ZERO || (step < Number::ZERO) != down && start != limit {
        return Err(Problem::at(2, "with this step the limit is never reached"));
    }
    let mut numbers = Vec::new();
    let mut next = start;
    while if down { next > limit } else { next < limit } {
        numbers.push(Value::Number(next));
        if numbers.len() > limits.elements {
            return Err(Problem::too_large());
        }
        next = next.checked_add(step).map_err(|why| Problem::new(why.to_string()))?;
    }
    Ok(Value::list(numbers))
}

fn sort(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let mut texts = texts(list(arguments, 0))?;
    texts.sort();
    Ok(Value::list(texts))
}

fn compact(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let present: Vec<Value> = list(arguments, 0).iter().filter(|value| !value.is_null()).cloned().collect();
    Ok(Value::list(texts(&present)?.into_iter().filter(|value| value.as_text() != Some(""))))
}

fn texts(elements: &[Value]) -> Result<Vec<Value>, Problem> {
    let to_text = |element: &Value| match convert(element.clone(), &Type::Text) {
        Ok(Value::Null) => Err(Problem::at(0, "null is no string")),
        Ok(text) => Ok(text),
        Err(why) => Err(Problem::at(0, why)),
    };
    elements.iter().map(to_text).collect()
}

fn element(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let elements = list(arguments, 0);
    let Some(index) = number(arguments, 1).to_integer() else {
        return Err(Problem::at(1, "the index must be a whole number"));
    };
    let wrapped = i128::try_from(elements.len()).ok().and_then(|length| index.checked_rem_euclid(length));
    wrapped
        .and_then(|index| usize::try_from(index).ok())
        .and_then(|index| elements.get(index).cloned())
        .ok_or_else(|| Problem::at(0, "the list is empty"))
}

fn slice(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let elements = list(arguments, 0);
    let index =
        |argument| number(arguments, argument).to_integer().and_then(|index| usize::try_from(index).ok());
    let (Some(start), Some(end)) = (index(1), index(2)) else {
        return Err(Problem::at(1, "start and end must be whole numbers that are not negative"));
    };
    elements.get(start..end).map(|part| Value::list(part.iter().cloned())).ok_or_else(|| {
        Problem::at(2, format!("{start} to {end} is not a part of a list of {}", elements.len()))
    })
}

fn chunklist(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let size = number(arguments, 1).to_integer().and_then(|size| usize::try_from(size).ok());
    match size {
        Some(size) if size > 0 => {
            let chunks = list(arguments, 0).chunks(size).map(|chunk| Value::list(chunk.iter().cloned()));
            Ok(Value::list(chunks))
        }
        _ => Err(Problem::at(1, "the size must be a whole number above zero")),
    }
}

fn index(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let found = list(arguments, 0).iter().position(|element| *element == arguments[1]);
    found
        .map(|index| Value::integer(index as i128))
        .ok_or_else(|| Problem::at(1, "the list does not have this value"))
}

/// A set made of the first argument and, one after the other, the rest.
fn set_of(arguments: &[Value], combine: fn(&mut BTreeSet<Value>, BTreeSet<Value>)) -> Result<Value, Problem> {
    let mut sets = (0..arguments.len()).map(|index| list(arguments, index).iter().cloned().collect());
    let mut combined: BTreeSet<Value> = sets.next().unwrap_or_default();
    sets.for_each(|next| combine(&mut combined, next));
    Ok(Value::set(combined))
}

fn coalesce(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let found = arguments.iter().find(|value| !value.is_null() && value.as_text() != Some(""));
    found.cloned().ok_or_else(|| Problem::new("all values are null or empty strings"))
}

fn one(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    match list(arguments, 0) {
        [] => Ok(Value::Null),
        [only] => Ok(only.clone()),
        more => {
            Err(Problem::at(0, format!("the list has {} elements, and at most one is allowed", more.len())))
        }
    }
}

/// `alltrue` is undone by one false element, `anytrue` made by one true element.
fn all_are(arguments: &[Value], all: bool) -> Result<Value, Problem> {
    for (index, element) in list(arguments, 0).iter().enumerate() {
        let truth = match convert(element.clone(), &Type::Bool) {
            Ok(Value::Bool(truth)) => truth,
            Ok(_) => false,
            Err(why) => return Err(Problem::at(0, format!("element {index}: {why}"))),
        };
        if truth != all {
            return Ok(Value::Bool(!all));
        }
    }
    Ok(Value::Bool(all))
}

fn zipmap(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let (keys, values) = (texts(list(arguments, 0))?, list(arguments, 1));
    if keys.len() != values.len() {
        let why = format!("there are {} keys and {} values", keys.len(), values.len());
        return Err(Problem::at(1, why));
    }
    Ok(Value::map(keys.iter().map(|key| key.as_text().unwrap_or_default()).zip(values.iter().cloned())))
}

fn sum(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let elements = list(arguments, 0);
    if elements.is_empty() {
        return Err(Problem::at(0, "the list is empty"));
    }
    let mut total = Number::ZERO;
    for (index, element) in elements.iter().enumerate() {
        let Ok(Value::Number(next)) = convert(element.clone(), &Type::Number) else {
            return Err(Problem::at(
                0,
                format!("element {index} is {}, not a number", element.with_article()),
            ));
        };
        total = total.checked_add(next).map_err(|why| Problem::new(why.to_string()))?;
    }
    Ok(Value::Number(total))
}
