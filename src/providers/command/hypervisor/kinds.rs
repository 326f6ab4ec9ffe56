//! The block `hypervisor "command"` as data.

use crate::model::desired::AttachmentSpec;
use crate::model::schema::{AttributeType, Fault, ProviderSchema, Traits};
use crate::model::{ContainerSpec, Kind};
use crate::providers::command::look::{self, attribute};
use crate::providers::command::reader::{Field, LIST, Reader, fault};
use crate::providers::command::{NAME, template};
use crate::providers::store;

pub const FIELDS: &[Field] = &[
    Field { name: "vm", attribute: "list.vm", required: false },
    Field { name: "device", attribute: "list.device", required: true },
    Field { name: "host_path", attribute: "list.host_path", required: false },
    Field { name: "mark", attribute: "list.mark", required: false },
];

const VERBS: &[(&str, &[&str])] = &[
    ("attach", &["vm", "device", "host_path", "serial", "id", "mark", "access", "shared", "path"]),
    ("detach", &["vm", "device", "host_path", "serial", "id", "mark", "path"]),
];

pub fn schema() -> ProviderSchema {
    use AttributeType::{Text, TextList};
    let verbs = [
        ("attach", TextList, "Attaches {host_path} to {vm} as {device}. Placeholders: {vm} {device} {host_path} {serial} {id} {mark} {access}, which is `rw` or `ro`, {shared}, which is `shared` or `exclusive` and has to stand in it where an attachment is `shared`."),
        ("detach", TextList, "Detaches {device} from {vm}. Placeholders: {vm} {device} {host_path} {serial} {id} {mark}."),
        ("guest_path", Text, "Where the guest finds the disk. Placeholders: {vm} {device}. Default: `/dev/{device}`."),
    ]
    .map(|(name, kind, doc)| attribute(name, kind, doc));
    let fields = [
        (
            "list.vm",
            Text,
            "JSON: where an item says the VM. Needed where the command is not asked about one {vm}.",
        ),
        ("list.device", Text, "JSON: where an item says the device."),
        (
            "list.host_path",
            Text,
            "JSON: where an item says what is attached. Without it nobody sees that it is something else.",
        ),
        ("list.mark", Text, "JSON: where an item says the mark that was given as {mark}."),
    ]
    .map(|(name, kind, doc)| attribute(name, kind, doc));
    ProviderSchema {
        attributes: verbs
            .into_iter()
            .chain(look::inputs(VERBS))
            .chain(look::attributes())
            .chain(fields)
            .collect(),
        doc: "A hypervisor that vbs does not know: its commands are templates, and a command that lists tells what is attached. {vm} can stand in that one.",
        check_settings,
        occupies: store::occupies,
        guest_path,
        check_disk: |vm, device| {
            check_name(vm).map_err(|why| format!("the VM's name {why}"))?;
            check_name(device).map_err(|why| format!("the device's name {why}"))
        },
        check_shared,
        traits: Traits { minds_sharing: true, ..Traits::default() },
        seat: look::seat,
        ..ProviderSchema::of(Kind::Hypervisor, NAME)
    }
}

/// # Errors
/// Everything that is wrong with its block `list`.
pub fn reader(container: &ContainerSpec) -> Result<Reader, Vec<Fault>> {
    Reader::new(container, &LIST, FIELDS, &["vm", "path"])
}

fn check_settings(container: &ContainerSpec) -> Vec<Fault> {
    let mut faults = look::check_verbs(container, VERBS);
    if let Err(why) = template::check_text(container.text("guest_path"), &["vm", "device"]) {
        faults.push(fault("guest_path", why));
    }
    let reader = reader(container).map_err(|why| faults.extend(why)).ok();
    let needed: [(&'static str, &[&str]); 2] =
        [("attach", &["vm", "device", "host_path"]), ("detach", &["vm", "device"])];
    for (verb, placeholder) in needed.iter().flat_map(|(verb, all)| all.iter().map(move |one| (*verb, one))) {
        if container.list(verb).is_some() && !look::tells(container, verb, placeholder) {
            faults.push(fault(verb, format!("It has to use {{{placeholder}}}.")));
        }
    }
    let Some(reader) = reader else { return faults };
    if !reader.gives("vm") && !template::uses(&reader.command, "vm") {
        let detail = "Nothing says which VM a disk is in: use {vm} in the command, or read a field `vm`.";
        faults.push(fault("list.command", detail));
    }
    if reader.gives("mark") && container.list("attach").is_some() && !look::tells(container, "attach", "mark")
    {
        let detail = "`list` reads a mark, so what this attaches has to be given one, or nobody would know it for ours: use {mark}.";
        faults.push(fault("attach", detail));
    }
    faults
}

/// Names are looked for in what is listed, so they hold nothing that could be taken for something else.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if !name.bytes().all(plain) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || name.len() > 127
    {
        return Err(format!(
            "{name:?} cannot stand here: letters, digits, _, . and - can, at most 127 of them, a letter or digit first."
        ));
    }
    Ok(())
}

/// A hypervisor that is not told would lock the disk, or cache it.
fn check_shared(container: &ContainerSpec, _: &AttachmentSpec) -> Result<(), String> {
    match container.list("attach") {
        Some(list) if !template::uses(list, "shared") => Err(
            "its template `attach` does not tell the hypervisor that others use the disk as well. Use {shared} in it, which is `shared` or `exclusive`".to_owned(),
        ),
        _ => Ok(()),
    }
}

fn guest_path(container: &ContainerSpec, attachment: &AttachmentSpec) -> String {
    let text = match container.text("guest_path") {
        "" => "/dev/{device}",
        text => text,
    };
    template::fill_text(text, &[("vm", &attachment.vm), ("device", &attachment.device)]).unwrap_or_default()
}
