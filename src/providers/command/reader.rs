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

/// The names of the attributes of a block that says how to read a list.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub command: &'static str,
    pub format: &'static str,
    pub pattern: &'static str,
    pub heading: &'static str,
    pub ignore: &'static str,
    pub items: &'static str,
    pub absent: &'static str,
    pub timeout: &'static str,
}

pub const LIST: Block = Block {
    command: "list.command",
    format: "list.format",
    pattern: "list.pattern",
    heading: "list.heading",
    ignore: "list.ignore",
    items: "list.items",
    absent: "list.absent",
    timeout: "list.timeout",
};

/// What stands between a heading and a line below it, in rows: in no text that a tool prints.
const BELOW: char = '\u{1f}';
/// In the row of a heading itself.
pub const HEADING: &str = "heading";

/// The rows that stand for something of their own, with what is above them.
pub fn below_headings(rows: &[Row]) -> impl Iterator<Item = &Row> {
    rows.iter().filter(|row| !row.contains_key(HEADING))
}

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
        /// Lines under which others stand.
        heading: Option<(String, Regex)>,
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
        block: &Block,
        known: &[Field],
        placeholders: &[&str],
    ) -> Result<Reader, Vec<Fault>> {
        let mut faults = Vec::new();
        let command = container.list(block.command).unwrap_or_default().to_vec();
        if let Err(why) = template::check(&command, placeholders) {
            faults.push(fault(block.command, why));
        }
        let patience =
            patience(container.text(block.timeout)).map_err(|why| faults.push(fault(block.timeout, why)));
        let form = match container.text(block.format) {
            "json" => json(container, block, known),
            "lines" | "" => lines(container, block, known),
            other => Err(vec![fault(
                block.format,
                format!("{other:?} is no format. Write \"lines\" or \"json\"."),
            )]),
        };
        let absent = match container.text(block.absent) {
            "" => None,
            text => compile(text).map_err(|why| faults.push(fault(block.absent, why))).ok(),
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
            Form::Lines { regex, ignore, heading, .. } => {
                let heading = heading.as_ref().map(|(_, heading)| heading);
                self.lines(printed, regex, ignore.as_ref(), heading)
            }
            Form::Json { items, paths } => self.items(printed, items, paths),
        }
    }

    /// A heading is a row of its own, and what it says is so for every row below it.
    fn lines(
        &self,
        printed: &str,
        regex: &Regex,
        ignore: Option<&Regex>,
        heading: Option<&Regex>,
    ) -> Result<Vec<Row>, String> {
        let (mut rows, mut above) = (Vec::new(), None);
        for line in printed.split('\n').filter(|line| !line.trim().is_empty()) {
            if let Some(captures) = heading.and_then(|heading| heading.captures(line.as_bytes())) {
                let mut row = self.groups(&captures);
                above = Some(row.clone());
                row.insert(HEADING, String::new());
                rows.push(row);
                continue;
            }
            let Some(captures) = regex.captures(line.as_bytes()) else {
                match ignore {
                    Some(ignore) if ignore.is_match(line.as_bytes()) => continue,
                    _ => {
                        return Err(format!("the line {:?} does not match the pattern", shortened(line)));
                    }
                }
            };
            let mut row = self.groups(&captures);
            match (heading, &above) {
                (None, _) => {}
                (Some(_), Some(above)) => row.extend(above.clone()),
                (Some(_), None) => {
                    return Err(format!("the line {:?} has no heading above it", shortened(line)));
                }
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn groups(&self, captures: &regex::bytes::Captures<'_>) -> Row {
        let group = |name: &&'static str| {
            let text = captures.name(name)?;
            Some((*name, String::from_utf8_lossy(text.as_bytes()).into_owned()))
        };
        self.fields.iter().filter_map(group).collect()
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
            Form::Lines { pattern, heading: None, .. } => ere::with_values(pattern, values),
            Form::Lines { pattern, heading: Some((heading, _)), .. } => {
                let row = ere::with_values(pattern, values)?;
                let row = row.strip_prefix('^').map_or_else(|| format!(".*{row}"), str::to_owned);
                Ok(format!("{}{row}", above(&ere::with_values(heading, values)?)))
            }
            Form::Json { .. } => {
                let value = |name: &&str| values.iter().find(|(known, _)| known == name);
                let column = |name| value(name).map_or("[^\t]*".to_owned(), |(_, text)| ere::literal(text));
                Ok(format!("^{}$", self.fields.iter().map(column).collect::<Vec<_>>().join("\t")))
            }
        }
    }

    /// As [`Reader::expression`], for headings; nothing where there are none.
    ///
    /// # Errors
    /// As there.
    pub fn heading(&self, values: &[(&str, &str)]) -> Result<Option<String>, String> {
        match &self.form {
            Form::Lines { heading: Some((heading, _)), .. } => {
                Ok(Some(format!("{}$", above(&ere::with_values(heading, values)?))))
            }
            Form::Lines { heading: None, .. } | Form::Json { .. } => Ok(None),
        }
    }

    /// What `sed -nE` prints the field `number` with, of the rows with these values: one of nine that it can remember.
    ///
    /// # Errors
    /// In a sentence: no such field, or too much before it.
    pub fn printer(&self, values: &[(&str, &str)]) -> Result<String, String> {
        // A value that is in no pattern finds the group.
        const MARK: &str = "\u{2}";
        let marked = [values, &[("number", MARK)]].concat();
        let expression = match self.heading(&marked)? {
            Some(heading) if heading.contains(MARK) => heading,
            _ => self.expression(&marked)?,
        };
        let marked = format!("({MARK})");
        let (before, _) = expression
            .split_once(&marked)
            .or_else(|| expression.split_once(MARK))
            .ok_or_else(|| "it gives no `number`".to_owned())?;
        let group = groups_in(before) + 2;
        if group > 9 {
            return Err(
                "`number` stands too far behind: at most seven groups and repetitions may stand before it"
                    .to_owned(),
            );
        }
        let number = "([0-9]+)";
        let found = expression.replace(&marked, number).replace(MARK, number);
        Ok(format!("s\u{1}^.*({found}).*$\u{1}\\{group}\u{1}p"))
    }

    /// What the frames do with what was printed, before they look for a line. The format, then a line for each of: the
    /// lines that are rows, and the other ones that may be there; or where the items are and where each field is.
    pub fn filter(&self) -> String {
        match &self.form {
            // What is no expression for `grep` was found when the reader was made.
            Form::Lines { pattern, ignore, heading, .. } => {
                let expression = |text: &str| ere::with_values(text, &[]).unwrap_or_default();
                let ignore = ignore.as_ref().map(|text| expression(text.as_str()));
                let blank = "^[ \t\r]*$";
                let others = ignore.map_or(blank.to_owned(), |ignore| format!("({ignore}|{blank})"));
                match heading {
                    None => format!("lines\n{}\n{others}\n", expression(pattern)),
                    Some((heading, _)) => {
                        format!("headed\n{}\n{}\n{others}\n", expression(heading), expression(pattern))
                    }
                }
            }
            Form::Json { items, paths } => format!("json\n{items}\n{}\n", paths.join("\n")),
        }
    }
}

/// The expression of a heading in the rows that stand below it: what lies above of them.
fn above(heading: &str) -> String {
    let begun = heading.strip_prefix('^').map_or_else(|| format!("[^{BELOW}]*{heading}"), str::to_owned);
    let whole = match begun.strip_suffix('$') {
        Some(whole) if !whole.ends_with('\\') => whole.to_owned(),
        _ => format!("{begun}[^{BELOW}]*"),
    };
    format!("^{whole}{BELOW}")
}

/// How many groups begin in an expression that [`ere`] wrote.
fn groups_in(expression: &str) -> usize {
    let (mut count, mut is_class, mut is_escaped, mut at_start) = (0, false, false, false);
    for c in expression.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            // The first member of a class, or of what is in none, may be the bracket that else ends it.
            ']' if is_class && !at_start => is_class = false,
            '^' if is_class && at_start => continue,
            _ if is_class => {}
            '\\' => is_escaped = true,
            '[' => {
                (is_class, at_start) = (true, true);
                continue;
            }
            '(' => count += 1,
            _ => {}
        }
        at_start = false;
    }
    count
}

type Read = (Vec<&'static str>, Form);

fn lines(container: &ContainerSpec, block: &Block, known: &[Field]) -> Result<Read, Vec<Fault>> {
    let pattern = container.text(block.pattern).to_owned();
    let regex = match pattern.as_str() {
        "" => Err("Without `format = \"json\"` a pattern is needed that every line is read with.".to_owned()),
        _ => compile(&pattern),
    };
    let optional = |name: &str| match container.text(name) {
        "" => Ok(None),
        text => compile(text).map(|regex| Some((text.to_owned(), regex))),
    };
    let (regex, ignore, heading) = match (regex, optional(block.ignore), optional(block.heading)) {
        (Ok(regex), Ok(ignore), Ok(heading)) => (regex, ignore, heading),
        (regex, ignore, heading) => {
            let faults =
                [(block.pattern, regex.err()), (block.ignore, ignore.err()), (block.heading, heading.err())];
            return Err(faults.into_iter().filter_map(|(name, why)| Some(fault(name, why?))).collect());
        }
    };
    let above = heading.as_ref().map(|(_, heading)| heading);
    let mut faults = group_faults(block, known, &regex, above);
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
    let has = |name: &&str| has_group(&regex, name) || above.is_some_and(|above| has_group(above, name));
    let fields = known.iter().map(|field| field.name).filter(|name| has(name)).collect();
    let ignore = ignore.map(|(_, ignore)| ignore);
    Ok((fields, Form::Lines { pattern, regex, ignore, heading }))
}

fn has_group(regex: &Regex, name: &str) -> bool {
    regex.capture_names().flatten().any(|group| group == name)
}

/// What is wrong with the groups of a pattern, and of the one for headings.
fn group_faults(block: &Block, known: &[Field], regex: &Regex, heading: Option<&Regex>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let all: Vec<&str> = known.iter().map(|field| field.name).collect();
    for (attribute, regex) in [(block.pattern, Some(regex)), (block.heading, heading)]
        .into_iter()
        .filter_map(|(a, r)| Some((a, r?)))
    {
        for group in regex.capture_names().flatten().filter(|group| !all.contains(group)) {
            faults.push(fault(
                attribute,
                format!("The group {group:?} says nothing here. Groups are: {}.", all.join(", ")),
            ));
        }
    }
    for field in known {
        let above = heading.is_some_and(|heading| has_group(heading, field.name));
        let here = has_group(regex, field.name);
        if above && here {
            let detail = format!("The group `{}` stands in the pattern as well.", field.name);
            faults.push(fault(block.heading, detail));
        } else if field.required && !above && !here {
            let example = format!("(?<{}>\\\\S+)", field.name);
            faults.push(fault(
                block.pattern,
                format!("It has no group `{}`. Write it like {example}.", field.name),
            ));
        }
    }
    faults
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

fn json(container: &ContainerSpec, block: &Block, known: &[Field]) -> Result<Read, Vec<Fault>> {
    let mut faults = Vec::new();
    let items = container.text(block.items).to_owned();
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
    let attributes = known.iter().map(|field| field.attribute).chain([block.items]);
    for attribute in attributes.filter(|attribute| !is_path(container.text(attribute))) {
        let detail = "Keys are letters, digits, _ and -, with dots between them: \"data.volumes\".";
        faults.push(fault(attribute, detail.to_owned()));
    }
    for attribute in [block.pattern, block.heading, block.ignore] {
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
