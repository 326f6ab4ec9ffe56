//! The block `export "tgt"` as data.

use crate::diag::Diagnostics;
use crate::model::schema::{Attribute, AttributeType, ProviderSchema, Traits};
use crate::model::{ContainerSpec, Kind, Setting};
use crate::providers::iscsi::{self, wrong};
use crate::providers::needs::{Danger, Needs, Tool};

pub const NAME: &str = "tgt";

/// LUN 0 of every target of tgtd is a controller of its own.
const LUN: u32 = 1;

pub static NEEDS: Needs = Needs {
    script: concat!(include_str!("../needs/scripts/files.sh"), include_str!("scripts/needs.sh")),
    tools: &[
        Tool {
            name: "tgtadm",
            called: "tgtadm of tgt",
            minimum: "",
            todo: "Install tgt (Debian: tgt, Red Hat: scsi-target-utils) and start its service.",
        },
        Tool { name: "sha256sum", called: "sha256sum of coreutils", minimum: "", todo: "Install coreutils." },
        Tool {
            name: "find",
            called: "find of findutils, with -printf",
            minimum: "",
            todo: "Install findutils.",
        },
    ],
};

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        attributes: attributes(),
        doc: "Targets of tgtd, the iSCSI server in user space.",
        seat: |container| format!("/var/lib/vbs/tgt/{}", container.address.label),
        traits: Traits { keeps_size: true, ..Traits::default() },
        device_path: |_, serial| {
            format!("/dev/disk/by-id/wwn-0x6{}", scsi_id(serial).get(1..).unwrap_or_default())
        },
        lun: |_| LUN,
        ..ProviderSchema::of(Kind::Export, NAME)
    }
}

fn attributes() -> Vec<Attribute> {
    let optional =
        |name, kind, default, doc| Attribute { name, kind, required: false, default: Some(default), doc };
    let text = |text: &str| Setting::Text(text.to_owned());
    let mut all = iscsi::attributes();
    all.extend([
        optional(
            "chap",
            AttributeType::Login,
            text("off"),
            "`\"auto\"`: every initiator proves itself with a secret of its own; needs `chap_in_arguments`. `\"off\"`: names alone count.",
        ),
        optional(
            "mutual_chap",
            AttributeType::Login,
            text("off"),
            "`\"off\"`: tgtd knows one secret of a target for all initiators, and vbs gives none away twice.",
        ),
        optional(
            "chap_in_arguments",
            AttributeType::Bool,
            Setting::Bool(false),
            "Whether secrets may stand in arguments of tgtadm, where every user of the host sees them for a moment. tgtadm takes them in no other way.",
        ),
        optional("control_port", AttributeType::Text, text("0"), "The control port of tgtd (`tgtd -C`)."),
        optional(
            "config_dir",
            AttributeType::Path,
            text("/etc/tgt/conf.d"),
            "The directory whose files tgt-admin reads when tgtd starts.",
        ),
    ]);
    all
}

/// Which tgtd, as all scripts are told: `control` and `config`.
pub fn server(container: &ContainerSpec) -> [(&'static str, String); 2] {
    [
        ("control", container.text("control_port").to_owned()),
        ("config", container.text("config_dir").to_owned()),
    ]
}

/// What initiators take for the world-wide name of a disk. tgtd shows it as an NAA of type 6 with its last 31 digits,
/// and the host's udev makes `wwn-0x6…` of that. It follows from the serial, so no two volumes share one.
pub fn scsi_id(serial: &str) -> String {
    let digits: String =
        serial.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase()).collect();
    let long = digits.len().saturating_sub(32);
    format!("{:0>32}", digits.get(long..).unwrap_or_default())
}

pub fn check(container: &ContainerSpec) -> Diagnostics {
    let mut found = iscsi::check(container);
    if matches!(container.settings.get("chap"), Some(Setting::Login(_))) {
        found.push(wrong(
            container,
            "Cannot be honoured",
            "tgtd knows its users by name for all of its targets together, so a user whose password changes would be shut out of all of them at once. Write chap = \"auto\" with chap_in_arguments = true, or export with lio.",
        ));
        return found;
    }
    match container.text("chap") {
        "off" => {}
        "auto" if container.flag("chap_in_arguments") => {}
        "auto" => found.push(wrong(
            container,
            "Secrets in arguments",
            "tgtadm takes secrets only as arguments, where every user of the host sees them for a moment. Write chap_in_arguments = true to have it so, or chap = \"off\" on a network that only your hosts are in.",
        )),
        other => found.push(wrong(container, "Invalid chap", &format!("chap is \"auto\" or \"off\", not {other:?}."))),
    }
    match container.text("mutual_chap") {
        "off" => {}
        "auto" | "" => found.push(wrong(
            container,
            "Cannot be honoured",
            "tgtd proves a target to all initiators with one secret, and whoever knows it could pass for the target. Leave mutual_chap out, or export with lio.",
        )),
        other => found.push(wrong(
            container,
            "Invalid mutual_chap",
            &format!("mutual_chap is \"off\" with tgt, not {other:?}."),
        )),
    }
    let port = container.text("control_port");
    if port.parse::<i16>().is_err() || port.starts_with(['+', '-']) {
        let detail = format!("control_port is the number behind tgtd's -C, from 0 to 32767, not {port:?}.");
        found.push(wrong(container, "Invalid control port", &detail));
    }
    found
}

/// Why tgtd and its files cannot name a device, if so.
///
/// # Errors
/// In a sentence for people.
pub fn check_device(device: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+:@-".contains(c);
    match device.chars().find(|c| !is_plain(*c)) {
        Some(c) => Err(format!(
            "{device:?} holds {c:?}, and neither tgtadm nor the files of tgt-admin have a way to write that. Give the pool another path, or the volume another name."
        )),
        None if device.starts_with('/') => Ok(()),
        None => Err(format!("{device:?} is no path.")),
    }
}

/// A finding of `scripts/examine.sh`, in words.
pub fn danger(word: &str, about: &str) -> Option<Danger> {
    let (what, todo) = match word {
        "off" => (
            "tgtd is not started when this host starts".to_owned(),
            "`systemctl enable tgt` (Red Hat: `tgtd`)".to_owned(),
        ),
        "silent" => (
            format!("tgtd does not answer on control port {about}"),
            match about {
                "0" => "start it: `systemctl start tgt` (Red Hat: `tgtd`)".to_owned(),
                port => format!("start it: `tgtd -C {port} --iscsi portal=ADDRESS:PORT`"),
            },
        ),
        "not_included" => (
            format!(
                "no line of /etc/tgt/targets.conf includes {about}, so no target comes back when tgtd starts"
            ),
            format!("add `include {about}/*.conf` to it"),
        ),
        "orphan" => (
            format!("{about} was written by vbs, and no mark knows of it"),
            "where nobody is logged in to its target, remove it and `tgt-admin --delete` the target"
                .to_owned(),
        ),
        _ => return None,
    };
    Some(Danger { what, todo })
}
