//! What pools and hypervisors of templates have in common: their seat, what is asked, and the answers to that.

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::ContainerSpec;
use crate::model::command::{Answer, Query};
use crate::model::schema::{Attribute, AttributeType, Fault};
use crate::providers::Scope;
use crate::providers::store;

use super::reader::{Reader, Row};
use super::{template, verbs};

/// Where guard, epochs and marks lie: where the block says, else where nothing else lies.
pub fn seat(container: &ContainerSpec) -> String {
    match container.text("path") {
        "" => format!("/var/lib/vbs/command/{}", container.address),
        path => path.to_owned(),
    }
}

pub fn attribute(name: &'static str, kind: AttributeType, doc: &'static str) -> Attribute {
    Attribute { name, kind, required: name == "list.command", default: None, doc }
}

/// Attributes that both blocks have.
pub fn attributes() -> Vec<Attribute> {
    use AttributeType::{Path, Text, TextList};
    [
        ("path", Path, "The directory on the host where vbs keeps its guard and its marks, and what `{path}` stands for in every template. Default: `/var/lib/vbs/command/` and the address of the block."),
        ("list.command", TextList, "In a block `list`: the command that lists what there is. It changes nothing."),
        ("list.pattern", Text, "A regular expression with named groups that each line is read with. A line that does not match is an error."),
        ("list.heading", Text, "A regular expression for lines under which others stand. What its groups say is so for every line below."),
        ("list.ignore", Text, "A regular expression for lines that say nothing, such as a heading. Lines that match `pattern` are read all the same."),
        ("list.format", Text, "`\"lines\"`, which is the default, or `\"json\"`."),
        ("list.items", Text, "JSON: the keys that lead to the list of items, such as `\"data.volumes\"`. Without it the whole text is the list."),
        ("list.absent", Text, "A regular expression for what the command complains of when it fails because what it was asked about is not there, such as a VM: then nothing is listed."),
        ("list.timeout", Text, "How long listing may take, such as `\"60s\"`, which is the default. At most `\"100s\"`."),
    ]
    .map(|(name, kind, doc)| attribute(name, kind, doc))
    .into()
}

/// What a verb's command reads, as an attribute of the block `stdin`.
pub const INPUTS: &[(&str, &str)] = &[
    ("create", "stdin.create"),
    ("grow", "stdin.grow"),
    ("rename", "stdin.rename"),
    ("destroy", "stdin.destroy"),
    ("snapshot", "stdin.snapshot"),
    ("clone", "stdin.clone"),
    ("attach", "stdin.attach"),
    ("detach", "stdin.detach"),
    ("export", "stdin.export"),
    ("withdraw", "stdin.withdraw"),
    ("grant", "stdin.grant"),
    ("revoke", "stdin.revoke"),
    ("update", "stdin.update"),
];

fn input_of(verb: &str) -> &'static str {
    INPUTS.iter().find(|(known, _)| *known == verb).map_or("", |(_, attribute)| attribute)
}

/// What a verb's command reads, with placeholders.
pub fn input_text<'c>(container: &'c ContainerSpec, verb: &str) -> &'c str {
    container.text(input_of(verb))
}

/// The attributes of the block `stdin`, for these verbs.
pub fn inputs<'v>(verbs: &'v [(&'static str, &[&str])]) -> impl Iterator<Item = Attribute> + 'v {
    let attribute_of = |(verb, _): &(&'static str, &[&str])| {
        attribute(
            input_of(verb),
            AttributeType::Text,
            "In a block `stdin`: what the command of that verb reads on its standard input, with the placeholders of the verb. Without it, nothing.",
        )
    };
    verbs.iter().map(attribute_of)
}

/// What a verb's command reads, with these values.
///
/// # Errors
/// As [`template::fill`].
pub fn input(container: &ContainerSpec, verb: &str, values: &[(&str, &str)]) -> Result<String, String> {
    template::fill_text(container.text(input_of(verb)), values)
}

/// Whether a verb of one command is told something, in its arguments or in what it reads.
pub fn tells(container: &ContainerSpec, verb: &str, placeholder: &str) -> bool {
    container.list(verb).is_some_and(|list| template::uses(list, placeholder))
        || template::text_uses(input_text(container, verb), placeholder)
}

/// What is wrong with the texts in the block `stdin`.
pub fn check_inputs(container: &ContainerSpec, verbs: &[(&'static str, &[&str])]) -> Vec<Fault> {
    let check = |(verb, known): &(&'static str, &[&str])| {
        let why = template::check_input(container.text(input_of(verb)), known).err()?;
        Some(super::reader::fault(input_of(verb), why))
    };
    verbs.iter().filter_map(check).collect()
}

/// What is wrong with the templates of verbs: those that are written, with the placeholders that each has.
pub fn check_verbs(container: &ContainerSpec, verbs: &[(&'static str, &[&str])]) -> Vec<Fault> {
    let check = |(verb, known): &(&'static str, &[&str])| {
        let why = template::check(container.list(verb)?, known).err()?;
        Some(super::reader::fault(verb, why))
    };
    verbs.iter().filter_map(check).chain(check_inputs(container, verbs)).collect()
}

/// The template of a verb.
///
/// # Errors
/// Where the block has none: a change that needs it cannot be planned.
pub fn verb<'c>(container: &'c ContainerSpec, verb: &str, wanted: &str) -> Result<&'c [String], Diagnostic> {
    container.list(verb).ok_or_else(|| {
        Diagnostic::error(
            "Missing template",
            format!(
                "{wanted} needs the template `{verb}`, which {} does not have. Add `{verb} = [\"PROGRAM\", …]` to its block.",
                container.address
            ),
        )
    })
}

/// The question what there is.
pub fn list(reader: &Reader, commands: &[Vec<String>]) -> Query {
    Query {
        script: verbs::LIST.script,
        variables: vec![
            ("lists".to_owned(), template::counted(commands)),
            ("patience".to_owned(), reader.patience_seconds.to_string()),
        ],
    }
}

/// Both questions of a first look.
pub fn survey(scope: &Scope<'_>, reader: &Reader, commands: &[Vec<String>]) -> Vec<Query> {
    let mut queries = store::survey(scope, &verbs::SURVEY);
    queries.push(list(reader, commands));
    queries
}

/// What each command of one question printed, as rows.
///
/// # Errors
/// Why that is not known: a command failed, or printed what the reader does not understand.
pub fn rows(reader: &Reader, commands: &[Vec<String>], answer: &Answer) -> Result<Vec<Vec<Row>>, String> {
    let records: Vec<&str> = answer.stdout.split_terminator('\0').collect();
    if answer.status != 0 || records.len() != commands.len() {
        let said = answer.stderr.trim();
        let said = if said.is_empty() { "it broke off" } else { said };
        return Err(format!("listing what there is ended with status {}: {said}", answer.status));
    }
    records.iter().zip(commands).map(|(record, command)| rows_of(reader, record, command)).collect()
}

fn rows_of(reader: &Reader, record: &str, command: &[String]) -> Result<Vec<Row>, String> {
    let told = format!("`{}`", command.join(" "));
    let parts = record.rsplit_once('\n').and_then(|(rest, status)| Some((rest.rsplit_once('\n')?, status)));
    let ((printed, complaint), status) = parts.ok_or_else(|| format!("{told} answered {record:?}"))?;
    match status {
        "0" => reader.rows(printed).map_err(|why| format!("{told}: {why}")),
        "124" | "137" => Err(format!("{told} did not end within {} s", reader.patience_seconds)),
        _ if reader.says_absent(complaint) => Ok(Vec::new()),
        _ => Err(format!("{told} ended with status {status}: {}", complaint.trim())),
    }
}

/// The mark of an object whose file in the seat is gone: the tool's own mark says lineage and id.
pub fn bare(lineage: Uuid, id: Uuid) -> crate::model::Mark {
    store::bare_mark(lineage, id)
}

/// What is wrong with the settings of a container, as one text: they came from a state, for configurations are checked.
pub fn told(faults: &[Fault]) -> String {
    let all: Vec<String> =
        faults.iter().map(|fault| format!("`{}`: {}", fault.attribute, fault.detail)).collect();
    all.join(" ")
}
