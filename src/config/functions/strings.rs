//! Text.

use regex::Regex;

use super::{Function, Kind, Limits, Parameter, Problem, list, number, parameter, text};
use crate::config::convert::convert;
use crate::config::types::Type;
use crate::config::value::Value;

const STRING: Parameter = parameter("string", Kind::Text);

pub(super) const TABLE: &[Function] = &[
    Function::new(
        "format",
        &[parameter("format", Kind::Text)],
        format_text,
        "The format with each `%s`, `%d`, `%q` or `%v` replaced by a value.",
    )
    .rest(super::nullable("values", Kind::Any)),
    Function::new(
        "join",
        &[parameter("separator", Kind::Text), parameter("list", Kind::List)],
        join,
        "The strings of a list with a separator between them.",
    ),
    Function::new(
        "split",
        &[parameter("separator", Kind::Text), STRING],
        split,
        "The parts of a string between separators.",
    ),
    Function::new(
        "lower",
        &[STRING],
        |_, a| Ok(Value::text(&text(a, 0).to_lowercase())),
        "The string in lower case.",
    ),
    Function::new(
        "upper",
        &[STRING],
        |_, a| Ok(Value::text(&text(a, 0).to_uppercase())),
        "The string in upper case.",
    ),
    Function::new(
        "replace",
        &[STRING, parameter("search", Kind::Text), parameter("replacement", Kind::Text)],
        replace,
        "The string with every occurrence replaced; `/.../` searches by regular expression.",
    ),
    Function::new(
        "startswith",
        &[STRING, parameter("prefix", Kind::Text)],
        |_, a| Ok(Value::Bool(text(a, 0).starts_with(text(a, 1)))),
        "Whether the string begins with the prefix.",
    ),
    Function::new(
        "endswith",
        &[STRING, parameter("suffix", Kind::Text)],
        |_, a| Ok(Value::Bool(text(a, 0).ends_with(text(a, 1)))),
        "Whether the string ends with the suffix.",
    ),
    Function::new(
        "strcontains",
        &[STRING, parameter("substring", Kind::Text)],
        |_, a| Ok(Value::Bool(text(a, 0).contains(text(a, 1)))),
        "Whether the string holds the other one.",
    ),
    Function::new(
        "trimprefix",
        &[STRING, parameter("prefix", Kind::Text)],
        |_, a| Ok(Value::text(text(a, 0).strip_prefix(text(a, 1)).unwrap_or(text(a, 0)))),
        "The string without the prefix.",
    ),
    Function::new(
        "trimsuffix",
        &[STRING, parameter("suffix", Kind::Text)],
        |_, a| Ok(Value::text(text(a, 0).strip_suffix(text(a, 1)).unwrap_or(text(a, 0)))),
        "The string without the suffix.",
    ),
    Function::new(
        "trim",
        &[STRING, parameter("characters", Kind::Text)],
        |_, a| Ok(Value::text(text(a, 0).trim_matches(|c| text(a, 1).contains(c)))),
        "The string without any of the characters around it.",
    ),
    Function::new(
        "chomp",
        &[STRING],
        |_, a| Ok(Value::text(text(a, 0).trim_end_matches(['\n', '\r']))),
        "The string without line breaks at its end.",
    ),
    Function::new(
        "strrev",
        &[STRING],
        |_, a| Ok(Value::text(&text(a, 0).chars().rev().collect::<String>())),
        "The string from its end to its beginning.",
    ),
    Function::new(
        "substr",
        &[STRING, parameter("offset", Kind::Number), parameter("length", Kind::Number)],
        substr,
        "Part of a string, counted in characters; a length of -1 means to the end.",
    ),
    Function::new(
        "trimspace",
        &[STRING],
        |_, a| Ok(Value::text(text(a, 0).trim())),
        "The string without white space around it.",
    ),
];

fn substr(_: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let whole = text(arguments, 0);
    let (Some(offset), Some(length)) = (number(arguments, 1).to_integer(), number(arguments, 2).to_integer())
    else {
        return Err(Problem::new("offset and length must be whole numbers"));
    };
    let count = whole.chars().count() as i128;
    // A negative offset counts from the end.
    let start = if offset < 0 { offset.saturating_add(count) } else { offset }.clamp(0, count);
    let end = if length < 0 { count } else { start.saturating_add(length).min(count) };
    let part = |index: i128| usize::try_from(index).unwrap_or_default();
    let found: String = whole.chars().skip(part(start)).take(part(end - start)).collect();
    Ok(Value::text(&found))
}

fn join(limits: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let separator = text(arguments, 0);
    let mut joined = String::new();
    for (index, element) in list(arguments, 1).iter().enumerate() {
        let Ok(Value::Text(element)) = convert(element.clone(), &Type::Text) else {
            let why =
                format!("element {index} is {}, and only strings can be joined", element.with_article());
            return Err(Problem::at(1, why));
        };
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&element);
        if joined.len() > limits.text_bytes {
            return Err(Problem::too_large());
        }
    }
    Ok(Value::text(&joined))
}

fn split(limits: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let (separator, whole) = (text(arguments, 0), text(arguments, 1));
    let parts: Vec<Value> = if separator.is_empty() {
        // Terraform splits into characters; so would Rust, with an empty part at each end.
        let mut buffer = [0u8; 4];
        whole.chars().take(limits.elements + 1).map(|c| Value::text(c.encode_utf8(&mut buffer))).collect()
    } else {
        whole.split(separator).take(limits.elements + 1).map(Value::text).collect()
    };
    if parts.len() > limits.elements { Err(Problem::too_large()) } else { Ok(Value::list(parts)) }
}

fn replace(limits: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let (whole, search, replacement) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    let expression = search.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    if let Some(expression) = expression {
        let regex = Regex::new(expression)
            .map_err(|why| Problem::at(1, format!("this is not a regular expression: {why}")))?;
        // A replacement may name groups several times, each as long as the whole.
        let copies = replacement.matches('$').count() + 1;
        let found = regex.find_iter(whole).count();
        check_length(limits, whole.len().saturating_mul(copies), found, replacement.len())?;
        return Ok(Value::text(&regex.replace_all(whole, replacement)));
    }
    check_length(limits, whole.len(), whole.matches(search).count(), replacement.len())?;
    Ok(Value::text(&whole.replace(search, replacement)))
}

fn check_length(limits: &Limits, base: usize, times: usize, each: usize) -> Result<(), Problem> {
    let length = times.saturating_mul(each).saturating_add(base);
    if length > limits.text_bytes { Err(Problem::too_large()) } else { Ok(()) }
}

/// The directives that names and descriptions need: `%s %v %d %q %t %%`, with a width, `-` and `0`, as in `%03d`.
fn format_text(limits: &Limits, arguments: &[Value]) -> Result<Value, Problem> {
    let mut out = String::new();
    let mut rest = text(arguments, 0);
    let mut used = 1;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (directive, behind) = Directive::read(&rest[at + 1..])?;
        rest = behind;
        if directive.verb == '%' {
            out.push('%');
            continue;
        }
        let value = arguments.get(used).ok_or_else(|| {
            Problem::at(0, format!("the format asks for value {used}, and fewer are given"))
        })?;
        directive.write(value, used, &mut out)?;
        used += 1;
        if out.len() > limits.text_bytes {
            return Err(Problem::too_large());
        }
    }
    if used < arguments.len() {
        return Err(Problem::at(used, "the format does not use this value"));
    }
    Ok(Value::text(&(out + rest)))
}

struct Directive {
    verb: char,
    width: usize,
    zeros: bool,
    left: bool,
}

impl Directive {
    fn read(text: &str) -> Result<(Directive, &str), Problem> {
        const WIDEST: usize = 1024;
        let flags = text.len() - text.trim_start_matches(['-', '0']).len();
        let (flags, rest) = text.split_at(flags);
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (digits, rest) = rest.split_at(digits);
        let width = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(usize::MAX) };
        if width > WIDEST {
            return Err(Problem::at(0, format!("a width is at most {WIDEST}")));
        }
        let Some(verb) = rest.chars().next() else {
            return Err(Problem::at(
                0,
                "the format ends in the middle of a directive; write `%%` for a percent sign",
            ));
        };
        let directive = Directive { verb, width, zeros: flags.contains('0'), left: flags.contains('-') };
        Ok((directive, &rest[verb.len_utf8()..]))
    }

    fn write(&self, value: &Value, index: usize, out: &mut String) -> Result<(), Problem> {
        let as_type = |wanted: &Type| match convert(value.clone(), wanted) {
            Ok(Value::Null) => Err(Problem::at(index, "null has no place in a text")),
            Ok(value) => Ok(value),
            Err(why) => Err(Problem::at(index, why)),
        };
        let written = match self.verb {
            's' | 'v' => text(&[as_type(&Type::Text)?], 0).to_owned(),
            'q' => super::json::quoted(text(&[as_type(&Type::Text)?], 0)),
            't' => text(
                &[as_type(&Type::Bool)
                    .and_then(|truth| convert(truth, &Type::Text).map_err(Problem::new))?],
                0,
            )
            .to_owned(),
            'd' => match number(&[as_type(&Type::Number)?], 0).to_integer() {
                Some(whole) => whole.to_string(),
                None => return Err(Problem::at(index, "%d takes a whole number")),
            },
            verb => {
                let why = format!("`%{verb}` is unknown; there are %s, %v, %d, %q, %t and %%");
                return Err(Problem::at(0, why));
            }
        };
        self.pad(&written, out);
        Ok(())
    }

    fn pad(&self, written: &str, out: &mut String) {
        let missing = self.width.saturating_sub(written.chars().count());
        let padding = |filler: &str| filler.repeat(missing);
        if self.left {
            out.push_str(written);
            out.push_str(&padding(" "));
        } else if self.zeros && self.verb == 'd' {
            // Zeros go behind the sign.
            let (sign, digits) = written.split_at(usize::from(written.starts_with('-')));
            out.push_str(sign);
            out.push_str(&padding("0"));
            out.push_str(digits);
        } else {
            out.push_str(&padding(" "));
            out.push_str(written);
        }
    }
}
