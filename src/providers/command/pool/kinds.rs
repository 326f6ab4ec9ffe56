//! The block `pool "command"` as data.

use uuid::Uuid;

use crate::model::schema::{AttributeType, Fault, ProviderSchema};
use crate::model::{Bytes, ContainerSpec, Kind};
use crate::providers::command::look::{self, attribute};
use crate::providers::command::reader::{Field, LIST, Reader, fault};
use crate::providers::command::{NAME, template};
use crate::providers::store;

/// What names in the trash begin with.
const TRASH: &str = "vbs-trash-";

pub const FIELDS: &[Field] = &[
    Field { name: "name", attribute: "list.name", required: true },
    Field { name: "size_bytes", attribute: "list.size_bytes", required: true },
    Field { name: "mark", attribute: "list.mark", required: false },
];

const VERBS: &[(&str, &[&str])] = &[
    ("create", &["name", "id", "serial", "size_bytes", "mark", "path"]),
    ("grow", &["name", "id", "serial", "size_bytes", "mark", "path"]),
    ("rename", &["name", "new_name", "id", "mark", "path"]),
    ("destroy", &["name", "id", "mark", "path"]),
    ("snapshot", &["name", "id", "source", "size_bytes", "mark", "path"]),
    ("clone", &["name", "id", "serial", "source", "size_bytes", "mark", "path"]),
];

pub fn schema() -> ProviderSchema {
    use AttributeType::{Text, TextList};
    let verbs = [
        ("create", TextList, "Makes a volume. Placeholders: {name} {id} {serial} {size_bytes} {mark}."),
        ("grow", TextList, "Grows a volume to {size_bytes}. Placeholders: {name} {id} {serial} {size_bytes} {mark}."),
        ("rename", TextList, "Gives a volume another name. Placeholders: {name} {new_name} {id} {mark}. Without it nothing can be moved to the trash: a destroy is for good."),
        ("destroy", TextList, "Removes a volume or a snapshot for good. Placeholders: {name} {id} {mark}."),
        ("snapshot", TextList, "Takes a snapshot of {source}. Placeholders: {name} {id} {source} {size_bytes} {mark}."),
        ("clone", TextList, "Makes a volume with the content of {source}, a volume or a snapshot. Placeholders: {name} {id} {serial} {source} {size_bytes} {mark}."),
        ("device", Text, "Where a volume is on the host, such as `\"/dev/san/{name}\"`. Placeholders: {name} {id} {serial}. Needed to attach one."),
    ]
    .map(|(name, kind, doc)| attribute(name, kind, doc));
    let fields = [
        ("list.name", Text, "JSON: where an item says the name."),
        ("list.size_bytes", Text, "JSON: where an item says the size in bytes."),
        ("list.mark", Text, "JSON: where an item says the mark that was given as {mark}. In a pattern it is the group `mark`."),
    ]
    .map(|(name, kind, doc)| attribute(name, kind, doc));
    ProviderSchema {
        attributes: verbs
            .into_iter()
            .chain(look::inputs(VERBS))
            .chain(look::attributes())
            .chain(fields)
            .collect(),
        doc: "A volume server that vbs does not know: its commands are templates, and a command that lists tells what there is.",
        check_settings,
        // What reads and writes a volume does it in sectors.
        allocation_unit: Bytes(512),
        check_name: |_, name| check_name(name),
        without_effect,
        occupies: store::occupies,
        volume_path,
        seat: look::seat,
        ..ProviderSchema::of(Kind::Pool, NAME)
    }
}

/// # Errors
/// Everything that is wrong with its block `list`.
pub fn reader(container: &ContainerSpec) -> Result<Reader, Vec<Fault>> {
    Reader::new(container, &LIST, FIELDS, &["path"])
}

fn check_settings(container: &ContainerSpec) -> Vec<Fault> {
    let mut faults = look::check_verbs(container, VERBS);
    if let Err(why) = template::check_text(container.text("device"), &["name", "id", "serial", "path"]) {
        faults.push(fault("device", why));
    }
    let reader = reader(container).map_err(|why| faults.extend(why)).ok();
    for verb in ["create", "snapshot", "clone", "rename", "destroy"] {
        if container.list(verb).is_none() {
            continue;
        }
        if !look::tells(container, verb, "name") {
            faults.push(fault(verb, "It has to say what is meant: use {name}."));
        }
        let makes = ["create", "snapshot", "clone"].contains(&verb);
        if makes
            && reader.as_ref().is_some_and(|reader| reader.gives("mark"))
            && !look::tells(container, verb, "mark")
        {
            let detail = "`list` reads a mark, so what this makes has to be given one, or nobody would know it for ours: use {mark}.";
            faults.push(fault(verb, detail));
        }
    }
    for (verb, placeholder) in [
        ("snapshot", "source"),
        ("clone", "source"),
        ("rename", "new_name"),
        ("grow", "size_bytes"),
        ("create", "size_bytes"),
    ] {
        if container.list(verb).is_some() && !look::tells(container, verb, placeholder) {
            faults.push(fault(verb, format!("It has to use {{{placeholder}}}.")));
        }
    }
    faults
}

/// Names are looked for in what is listed, so they hold nothing that could be taken for something else.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if !name.bytes().all(plain) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || name.len() > 127
    {
        return Err(format!(
            "{name:?} cannot be a name here: letters, digits, _, . and - can, at most 127 of them, a letter or digit first."
        ));
    }
    if name.starts_with(TRASH) {
        return Err(format!("{name:?} begins with {TRASH}, as only what lies in the trash does."));
    }
    Ok(())
}

pub fn trash_name(id: Uuid) -> String {
    format!("{TRASH}{}", id.simple())
}

fn without_effect(_: &ContainerSpec, attribute: &str) -> Option<&'static str> {
    match attribute {
        "wipe" => Some(
            "A pool of templates has no command that wipes, so `wipe` has no effect. Remove the line; what becomes of the \
             bytes of a destroyed volume is the volume server's to say.",
        ),
        "reserve" => Some(
            "A pool of templates says nothing of the space of snapshots, so `reserve` has no effect. Remove the line.",
        ),
        _ => None,
    }
}

fn volume_path(container: &ContainerSpec, name: &str, id: Uuid) -> String {
    let id = id.to_string();
    // A serial is the id, unless it was adopted, which is not done here.
    let path = container.text("path");
    let values = [("name", name), ("id", id.as_str()), ("serial", id.as_str()), ("path", path)];
    template::fill_text(container.text("device"), &values).unwrap_or_default()
}
