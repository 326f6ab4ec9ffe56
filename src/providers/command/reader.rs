//! How to read what a command lists: a pattern for each line, or JSON.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;
use uuid::Uuid;

use crate::model::ContainerSpec;
use crate::model::schema::Fault;

use super::{ere, template};

/// Longer patterns are refused: nobody could say what they match.
const LONGEST_PATTERN: usize = 2000;
/// What a compiled pattern may take, in bytes.
const PATTERN_SIZE: usize = 1 << 20;
/// In seconds: less than what vbs waits for an answer.
const PATIENCE: std::ops::RangeInclusive<u64> = 1..=100;

/// A field that a reader may give.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// In a pattern, the name of its group.
    pub name: &'static str,
    /// In JSON, the attribute that says where it stands.
    pub attribute: &'static str,
    pub required: bool,
}

/// What one line or one item says, by field.
pub type Row = BTreeMap<&'static str, String>;

pub struct Reader {
    /// With placeholders.
    pub command: Vec<String>,
    /// What `{path}` stands for.
    path: String,
    pub patience_seconds: u64,
    /// The fields that it gives, in the order of the provider's table.
    fields: Vec<&'static str>,
    form: Form,
    absent: Option<Regex>,
}

enum Form {
    Lines {
        pattern: String,
        regex: Regex,
        ignore: Option<Regex>,
    },
    Json {
        /// Where the list of items is, key by key; the whole text where there is none.
        items: String,
        /// Where each of the fields is in an item.
        paths: Vec<String>,
    },
}

impl Reader {
    /// # Errors
    /// Everything that is wrong with the block `list`.
    pub fn new(
        container: &ContainerSpec,
        known: &[Field],
        placeholders: &[&str],
    ) -> Result<Reader, Vec<Fault>> {
        let mut faults = Vec::new();
        let command = container.list("list.command").unwrap_or_default().to_vec();
        if let Err(why) = template::check(&command, placeholders) {
            faults.push(fault("list.command", why));
        }
        let patience =
            patience(container.text("list.timeout")).map_err(|why| faults.push(fault("list.timeout", why)));
        let form = match container.text("list.format") {
            "json" => json(container, known),
            "lines" | "" => lines(container, known),
            other => Err(vec![fault(
                "list.format",
                format!("{other:?} is no format. Write \"lines\" or \"json\"."),
            )]),
        };
        let absent = match container.text("list.absent") {
            "" => None,
            text => compile(text).map_err(|why| faults.push(fault("list.absent", why))).ok(),
        };
        match (form, patience) {
            (Ok((fields, form)), Ok(patience_seconds)) if faults.is_empty() => Ok(Reader {
                command,
                path: container.text("path").to_owned(),
                patience_seconds,
                fields,
                form,
                absent,
            }),
            (form, _) => {
                faults.extend(form.err().unwrap_or_default());
                Err(faults)
            }
        }
    }

    pub fn gives(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }

    /// The command with these values.
    ///
    /// # Errors
    /// As [`template::fill`].
    pub fn lister(&self, values: &[(&str, &str)]) -> Result<Vec<String>, String> {
        template::fill(&self.command, &[&[("path", self.path.as_str())], values].concat())
    }

    /// Whether a failed command says that what it was asked about is not there.
    pub fn says_absent(&self, complaint: &str) -> bool {
        self.absent.as_ref().is_some_and(|absent| absent.is_match(complaint.as_bytes()))
    }

    /// What the command printed, row by row.
    ///
    /// # Errors
    /// The line that cannot be understood.
    pub fn rows(&self, printed: &str) -> Result<Vec<Row>, String> {
        match &self.form {
            Form::Lines { regex, ignore, .. } => printed
                .split('\n')
                .filter(|line| !line.trim().is_empty())
                .filter_map(|line| self.line(line, regex, ignore.as_ref()).transpose())
                .collect(),
            Form::Json { items, paths } => self.items(printed, items, paths),
        }
    }

    fn line(&self, line: &str, regex: &Regex, ignore: Option<&Regex>) -> Result<Option<Row>, String> {
        let Some(captures) = regex.captures(line.as_bytes()) else {
            return match ignore {
                Some(ignore) if ignore.is_match(line.as_bytes()) => Ok(None),
                _ => Err(format!("the line {:?} does not match the pattern", shortened(line))),
            };
        };
        let group = |name: &&'static str| {
            let text = captures.name(name)?;
            Some((*name, String::from_utf8_lossy(text.as_bytes()).into_owned()))
        };
        Ok(Some(self.fields.iter().filter_map(group).collect()))
    }

    fn items(&self, printed: &str, items: &str, paths: &[String]) -> Result<Vec<Row>, String> {
        let value: Value =
            serde_json::from_str(printed).map_err(|why| format!("what was printed is no JSON: {why}"))?;
        let list = at(&value, items)
            .and_then(Value::as_array)
            .ok_or_else(|| format!("what was printed holds no list {items:?}"))?;
        list.iter()
            .map(|item| {
                let field = |(name, path): (&&'static str, &String)| match at(item, path) {
                    None | Some(Value::Null) => None,
                    Some(Value::String(text)) => Some((*name, text.clone())),
                    Some(other) => Some((*name, other.to_string())),
                };
                let row: Row = self.fields.iter().zip(paths).filter_map(field).collect();
                if item.is_object() { Ok(row) } else { Err(format!("the item {item} is no object")) }
            })
            .collect()
    }

    /// An expression for `grep -E` that finds the rows with these values and no other.
    ///
    /// # Errors
    /// In a sentence. A reader that was made does not lead to it.
    pub fn expression(&self, values: &[(&str, &str)]) -> Result<String, String> {
        match &self.form {
            Form::Lines { pattern, .. } => ere::with_values(pattern, values),
            Form::Json { .. } => {
                let value = |name: &&str| values.iter().find(|(known, _)| known == name);
                let column = |name| value(name).map_or("[^\t]*".to_owned(), |(_, text)| ere::literal(text));
                Ok(format!("^{}$", self.fields.iter().map(column).collect::<Vec<_>>().join("\t")))
            }
        }
    }

    /// What the frames do with what was printed, before they look for a line. The format, then a line for each of: the
    /// lines that are rows, and the other ones that may be there; or where the items are and where each field is.
    pub fn filter(&self) -> String {
        match &self.form {
            // What is no expression for `grep` was found when the reader was made.
            Form::Lines { pattern, ignore, .. } => {
                let expression = |text: &str| ere::with_values(text, &[]).unwrap_or_default();
                let ignore = ignore.as_ref().map(|text| expression(text.as_str()));
                let blank = "^[ \t\r]*$";
                let others = ignore.map_or(blank.to_owned(), |ignore| format!("({ignore}|{blank})"));
                format!("lines\n{}\n{others}\n", expression(pattern))
            }
            Form::Json { items, paths } => format!("json\n{items}\n{}\n", paths.join("\n")),
        }
    }
}

fn lines(container: &ContainerSpec, known: &[Field]) -> Result<(Vec<&'static str>, Form), Vec<Fault>> {
    let pattern = container.text("list.pattern").to_owned();
    let regex = match pattern.as_str() {
        "" => Err("Without `format = \"json\"` a pattern is needed that every line is read with.".to_owned()),
        _ => compile(&pattern),
    };
    let ignore = match container.text("list.ignore") {
        "" => Ok(None),
        text => compile(text).map(Some),
    };
    let (regex, ignore) = match (regex, ignore) {
        (Ok(regex), Ok(ignore)) => (regex, ignore),
        (regex, ignore) => {
            let faults = [("list.pattern", regex.err()), ("list.ignore", ignore.err())];
            return Err(faults.into_iter().filter_map(|(name, why)| Some(fault(name, why?))).collect());
        }
    };
    let has = |name: &str| regex.capture_names().flatten().any(|group| group == name);
    let mut faults = Vec::new();
    for group in regex.capture_names().flatten() {
        if !known.iter().any(|field| field.name == group) {
            let all: Vec<&str> = known.iter().map(|field| field.name).collect();
            faults.push(fault(
                "list.pattern",
                format!("The group {group:?} says nothing here. Groups are: {}.", all.join(", ")),
            ));
        }
    }
    for field in known.iter().filter(|field| field.required && !has(field.name)) {
        let example = format!("(?<{}>\\\\S+)", field.name);
        faults.push(fault(
            "list.pattern",
            format!("It has no group `{}`. Write it like {example}.", field.name),
        ));
    }
    for field in known {
        if container.settings.contains_key(field.attribute) {
            let detail =
                "It says where a field stands in JSON. In a pattern, groups have the names of fields.";
            faults.push(fault(field.attribute, detail.to_owned()));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let fields = known.iter().map(|field| field.name).filter(|name| has(name)).collect();
    Ok((fields, Form::Lines { pattern, regex, ignore }))
}

/// A pattern that the host can use as well.
fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST_PATTERN {
        return Err(format!("It is longer than {LONGEST_PATTERN} bytes."));
    }
    // Bytes, because that is what `grep` matches where no language is set.
    let regex = RegexBuilder::new(pattern).unicode(false).size_limit(PATTERN_SIZE).build();
    let regex = regex.map_err(|why| format!("It cannot be read as a regular expression: {why}"))?;
    ere::with_values(pattern, &[])?;
    Ok(regex)
}

fn json(container: &ContainerSpec, known: &[Field]) -> Result<(Vec<&'static str>, Form), Vec<Fault>> {
    let mut faults = Vec::new();
    let items = container.text("list.items").to_owned();
    let (mut fields, mut paths) = (Vec::new(), Vec::new());
    for field in known {
        match container.text(field.attribute) {
            "" if field.required => faults.push(fault(
                field.attribute,
                format!("Say where `{}` stands in an item, such as \"{}\".", field.name, field.name),
            )),
            "" => {}
            path => {
                fields.push(field.name);
                paths.push(path.to_owned());
            }
        }
    }
    let attributes = known.iter().map(|field| field.attribute).chain(["list.items"]);
    for attribute in attributes.filter(|attribute| !is_path(container.text(attribute))) {
        let detail = "Keys are letters, digits, _ and -, with dots between them: \"data.volumes\".";
        faults.push(fault(attribute, detail.to_owned()));
    }
    for attribute in ["list.pattern", "list.ignore"] {
        if container.settings.contains_key(attribute) {
            faults
                .push(fault(attribute, "It is for lines. With `format = \"json\"` leave it out.".to_owned()));
        }
    }
    if faults.is_empty() { Ok((fields, Form::Json { items, paths })) } else { Err(faults) }
}

fn is_path(text: &str) -> bool {
    text.is_empty()
        || text.split('.').all(|key| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        })
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |value, key| value.as_object()?.get(key))
}

/// `60s` by default.
fn patience(text: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(60);
    }
    let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
    seconds
        .filter(|seconds| PATIENCE.contains(seconds))
        .ok_or_else(|| format!("{text:?} is not a time from \"1s\" to \"{}s\".", PATIENCE.end()))
}

pub fn fault(attribute: &'static str, detail: impl Into<String>) -> Fault {
    Fault { attribute, label: "this cannot be used".to_owned(), detail: detail.into() }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The mark that a tool keeps: `vbs:LINEAGE:ID`.
pub fn tool_mark(lineage: Uuid, id: Uuid) -> String {
    format!("vbs:{lineage}:{id}")
}

/// Lineage and id.
pub fn read_mark(text: &str) -> Option<(Uuid, Uuid)> {
    let (lineage, id) = text.strip_prefix("vbs:")?.split_once(':')?;
    Some((lineage.parse().ok()?, id.parse().ok()?))
}

/// Two commands to be held against each other: how many rows there are to be with these values.
///
/// # Errors
/// As [`Reader::expression`].
pub fn conditions(reader: &Reader, wanted: &[(u32, Vec<(&str, &str)>)]) -> Result<String, String> {
    wanted.iter().map(|(count, values)| Ok(format!("{count} {}\n", reader.expression(values)?))).collect()
}
