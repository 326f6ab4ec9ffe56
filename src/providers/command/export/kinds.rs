//! The block `export "command"` as data.

use crate::model::schema::{Attribute, AttributeType, Fault, ProviderSchema, Traits};
use crate::model::{ContainerSpec, Kind, Setting};
use crate::providers::command::look::{self, attribute};
use crate::providers::command::reader::{Block, Field, LIST, Reader, fault};
use crate::providers::command::{NAME, template};
use crate::providers::{iscsi, store};

/// The block that says who is let in.
const GRANTS: Block = Block {
    command: "grants.command",
    format: "grants.format",
    pattern: "grants.pattern",
    heading: "grants.heading",
    ignore: "grants.ignore",
    items: "grants.items",
    absent: "grants.absent",
    timeout: "grants.timeout",
};

const TARGETS: &[Field] = &[
    Field { name: "target", attribute: "list.target", required: true },
    Field { name: "number", attribute: "list.number", required: false },
    Field { name: "device", attribute: "list.device", required: false },
    Field { name: "serial", attribute: "list.serial", required: false },
];

const ADMITTED: &[Field] = &[
    Field { name: "target", attribute: "grants.target", required: true },
    Field { name: "initiator", attribute: "grants.initiator", required: true },
    // Says nothing of who is let in, and stands where both lists are read alike.
    Field { name: "number", attribute: "grants.number", required: false },
];

const OF_TARGET: &[&str] = &[
    "target", "number", "device", "serial", "scsi_id", "naa", "lun", "access", "readonly", "id", "portal",
    "path",
];

pub const VERBS: &[(&str, &[&str])] = &[
    ("export", OF_TARGET),
    ("withdraw", OF_TARGET),
    ("update", OF_TARGET),
    (
        "grow",
        &[
            "target",
            "number",
            "device",
            "serial",
            "scsi_id",
            "naa",
            "lun",
            "access",
            "readonly",
            "id",
            "portal",
            "path",
            "size_bytes",
        ],
    ),
    (
        "grant",
        &[
            "target",
            "number",
            "lun",
            "initiator",
            "access",
            "readonly",
            "id",
            "portal",
            "path",
            "chap_user",
            "chap_secret",
        ],
    ),
    (
        "revoke",
        &["target", "number", "lun", "initiator", "access", "readonly", "id", "portal", "path", "chap_user"],
    ),
];

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        attributes: attributes(),
        doc: "A target server that vbs does not know: its commands are templates, and commands that list tell what there is.",
        check_settings,
        occupies: store::occupies,
        seat: look::seat,
        traits: Traits { keeps_size: true, ..Traits::default() },
        lun: |container| container.text("lun").parse().unwrap_or_default(),
        device_path: |container, serial| {
            let values = names(serial);
            let values: Vec<(&str, &str)> =
                values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            template::fill_text(container.text("by_id"), &values).unwrap_or_default()
        },
        ..ProviderSchema::of(Kind::Export, NAME)
    }
}

/// The names of a disk that follow from its serial.
pub fn names(serial: &str) -> [(&'static str, String); 3] {
    let digits: String =
        serial.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase()).collect();
    let long = digits.len().saturating_sub(32);
    let scsi_id = format!("{:0>32}", digits.get(long..).unwrap_or_default());
    let naa = format!("6{}", scsi_id.get(1..).unwrap_or_default());
    [("serial", serial.to_owned()), ("scsi_id", scsi_id), ("naa", naa)]
}

fn attributes() -> Vec<Attribute> {
    use AttributeType::{Bool, Commands, Text, TextList};
    let verbs = [
        ("export", "Makes {target}, whose LUN is {device}: one command, or a list of commands. Placeholders: {target} {number} {device} {serial} {scsi_id} {naa} {lun} {access} {readonly} {portal} {id}."),
        ("withdraw", "Removes {target}, by its first command. Where it is not listed any more, every command is run, also when one fails: a part may be gone. Placeholders as in `export`."),
        ("grant", "Lets {initiator} in. Placeholders: {target} {number} {lun} {initiator} {access} {readonly} {chap_user} {chap_secret} {portal} {id}."),
        ("revoke", "Shuts {initiator} out; run like `withdraw`. Placeholders as in `grant`, but for {chap_secret}."),
        ("update", "Has the server show {device}, because the volume has another name. Placeholders as in `export`."),
        ("grow", "Has the server show that {device} has grown. Placeholders as in `export`, and {size_bytes}."),
    ]
    .map(|(name, doc)| attribute(name, Commands, doc));
    let text = |text: &str| Some(Setting::Text(text.to_owned()));
    let options = [
        ("lun", Text, text("0"), "The number of the LUN that `export` makes."),
        ("by_id", Text, None, "The lasting name that hosts give to the disk, such as `\"/dev/disk/by-id/wwn-0x{naa}\"`. Placeholders: {serial}, {scsi_id}, its 32 hexadecimal digits, and {naa}, a 6 and the last 31 of them. Needed where a host logs in with open-iscsi."),
        ("chap", Text, text("off"), "`\"auto\"`: every initiator proves itself with a secret of its own, which `grant` is given. `\"off\"`: names alone count."),
        ("mutual_chap", Text, text("off"), "`\"off\"`: no template tells a target how to prove itself."),
        ("chap_in_arguments", Bool, Some(Setting::Bool(false)), "Whether {chap_secret} may stand in the arguments of `grant`, where every user of the host sees it for a moment. Without it, it may stand in `stdin` alone."),
    ]
    .map(|(name, kind, default, doc)| Attribute { name, kind, required: false, default, doc });
    let fields = [
        ("list.target", Text, "JSON: where an item says the target's name."),
        ("list.number", Text, "JSON: where an item says the number that {number} is. In a pattern or heading it is the group `number`."),
        ("list.device", Text, "JSON: where an item says what is offered. Without it nobody sees that it is something else."),
        ("list.serial", Text, "JSON: where an item says the serial."),
        ("grants.command", TextList, "In a block `grants`: the command that lists who is let in. It changes nothing."),
        ("grants.pattern", Text, "As in `list`, with the groups `target` and `initiator`."),
        ("grants.heading", Text, "As in `list`."),
        ("grants.ignore", Text, "As in `list`."),
        ("grants.format", Text, "As in `list`."),
        ("grants.items", Text, "As in `list`."),
        ("grants.target", Text, "JSON: where an item says the target's name."),
        ("grants.initiator", Text, "JSON: where an item says who is let in."),
        ("grants.number", Text, "As in `list`; nothing is done with it."),
        ("grants.absent", Text, "As in `list`."),
        ("grants.timeout", Text, "As in `list`."),
    ]
    .map(|(name, kind, doc)| attribute(name, kind, doc));
    (iscsi::attributes().into_iter().chain(verbs).chain(look::inputs(VERBS)).chain(options))
        .chain(look::attributes())
        .chain(fields)
        .collect()
}

/// How what there is is read: the targets, and who is let in.
pub struct Readers {
    pub targets: Reader,
    /// Nothing where the block has no `grants`.
    pub admitted: Option<Reader>,
}

impl Readers {
    /// # Errors
    /// Everything that is wrong with the blocks `list` and `grants`.
    pub fn of(container: &ContainerSpec) -> Result<Readers, Vec<Fault>> {
        let targets = Reader::new(container, &LIST, TARGETS, &["path"]);
        let has_grants = container.settings.keys().any(|name| name.starts_with("grants."));
        let admitted = has_grants.then(|| Reader::new(container, &GRANTS, ADMITTED, &["path"])).transpose();
        match (targets, admitted) {
            (Ok(targets), Ok(admitted)) => Ok(Readers { targets, admitted }),
            (targets, admitted) => {
                Err([targets.err(), admitted.err()].into_iter().flatten().flatten().collect())
            }
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &Reader> {
        std::iter::once(&self.targets).chain(&self.admitted)
    }
}

fn uses(container: &ContainerSpec, verb: &str, placeholder: &str) -> bool {
    container.commands(verb).iter().any(|command| template::uses(command, placeholder))
}

/// Whether a verb is told something, in its arguments or in what it reads.
pub fn tells(container: &ContainerSpec, verb: &str, placeholder: &str) -> bool {
    uses(container, verb, placeholder) || template::text_uses(look::input_text(container, verb), placeholder)
}

fn check_settings(container: &ContainerSpec) -> Vec<Fault> {
    let mut faults = look::check_inputs(container, VERBS);
    for (verb, known) in VERBS {
        let wrong =
            container.commands(verb).iter().filter_map(|command| template::check(command, known).err());
        faults.extend(wrong.map(|why| fault(verb, why)));
    }
    let is_there = |verb: &str| !container.commands(verb).is_empty();
    for (verb, placeholders) in [
        ("export", &["target", "device"][..]),
        ("update", &["device"]),
        ("grant", &["initiator"]),
        ("revoke", &["initiator"]),
    ] {
        for placeholder in placeholders {
            if is_there(verb) && !tells(container, verb, placeholder) {
                faults.push(fault(verb, format!("It has to use {{{placeholder}}}.")));
            }
        }
    }
    for verb in ["withdraw", "update", "grant", "revoke"] {
        if is_there(verb) && !tells(container, verb, "target") && !tells(container, verb, "number") {
            faults.push(fault(verb, "It has to say which target is meant: use {target} or {number}."));
        }
    }
    let lun = container.text("lun");
    if !lun.parse::<u32>().is_ok_and(|number| number < 16_384) || lun.starts_with('+') {
        faults.push(fault("lun", format!("{lun:?} is no number of a LUN, from 0 to 16383.")));
    }
    if let Err(why) = template::check_text(container.text("by_id"), &["serial", "scsi_id", "naa"]) {
        faults.push(fault("by_id", why));
    }
    faults.extend(check_chap(container));
    match Readers::of(container) {
        Err(why) => faults.extend(why),
        Ok(readers) => faults.extend(check_readers(container, &readers)),
    }
    faults
}

fn check_readers(container: &ContainerSpec, readers: &Readers) -> Vec<Fault> {
    let mut faults = Vec::new();
    let numbered = VERBS.iter().map(|(verb, _)| *verb).find(|verb| tells(container, verb, "number"));
    if let Some(verb) = numbered
        && let Err(why) = readers.targets.printer(&[("target", "t")])
    {
        faults.push(fault(verb, format!("It uses {{number}}, which `list` does not tell: {why}.")));
    }
    let grants = ["grant", "revoke"].into_iter().find(|verb| !container.commands(verb).is_empty());
    if let (Some(verb), None) = (grants, &readers.admitted) {
        let detail =
            "Nothing tells who is let in, so nobody could see whether it worked: add a block `grants`.";
        faults.push(fault(verb, detail));
    }
    faults
}

fn check_chap(container: &ContainerSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    let in_arguments = uses(container, "grant", "chap_secret");
    if in_arguments && !container.flag("chap_in_arguments") {
        faults.push(fault("grant", "{chap_secret} would be an argument, where every user of the host sees it for a moment. Put it into `stdin { grant = … }`, or write chap_in_arguments = true to have it so."));
    }
    match container.text("chap") {
        "off" => {}
        "auto" if tells(container, "grant", "chap_secret") => {}
        "auto" => faults.push(fault(
            "chap",
            "`grant` is not given the secret: use {chap_secret} in `stdin { grant = … }`.",
        )),
        other => faults.push(fault("chap", format!("chap is \"auto\" or \"off\", not {other:?}."))),
    }
    if container.text("mutual_chap") != "off" {
        faults.push(fault(
            "mutual_chap",
            "No template tells a target how to prove itself. Leave the line out, or export with lio.",
        ));
    }
    faults
}
