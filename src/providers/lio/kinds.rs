//! The block `export "lio"` as data.

use crate::diag::Diagnostics;
use crate::model::schema::{Attribute, AttributeType, ProviderSchema};
use crate::model::{ContainerSpec, Kind, Setting};
use crate::providers::iscsi::{self, wrong};
use crate::providers::needs::{Danger, Needs, Tool};

pub const NAME: &str = "lio";

pub static NEEDS: Needs = Needs {
    script: concat!(include_str!("../needs/scripts/files.sh"), include_str!("scripts/needs.sh")),
    tools: &[
        Tool {
            name: "root",
            called: "root",
            minimum: "",
            todo: "Log in as root, or set become = \"sudo\" in the host's block: only root may change the kernel's targets.",
        },
        Tool {
            name: "configfs",
            called: "the kernel's target (target_core_mod) and configfs",
            minimum: "",
            todo: "Run `modprobe target_core_mod`, and have it loaded when the host starts.",
        },
        Tool {
            name: "rtslib",
            called: "rtslib of python3",
            minimum: "",
            todo: "Install targetcli-fb (Debian: targetcli-fb, Red Hat: targetcli): it brings the targets back when the host starts.",
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
        doc: "Targets of the Linux kernel (LIO).",
        seat: |container| format!("/var/lib/vbs/lio/{}", container.address.label),
        // udev names a disk by the NAA that LIO makes of the serial: 6001405 and its first 25 hexadecimal digits.
        device_path: |_, serial| {
            let digits = serial.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase());
            format!("/dev/disk/by-id/wwn-0x6001405{:0<25}", digits.take(25).collect::<String>())
        },
        ..ProviderSchema::of(Kind::Export, NAME)
    }
}

fn attributes() -> Vec<Attribute> {
    let login = |name, default: &str, doc| Attribute {
        name,
        kind: AttributeType::Login,
        required: false,
        default: Some(Setting::Text(default.to_owned())),
        doc,
    };
    let mut all = iscsi::attributes();
    all.extend([
        login(
            "chap",
            "auto",
            "`\"auto\"`: every initiator proves itself with a secret of its own. `{ user, password }`: all of them with this one; the password comes from a sensitive variable. `\"off\"`: names alone count, and names are easily forged.",
        ),
        login(
            "mutual_chap",
            "off",
            "`\"auto\"` or `{ user, password }`: targets prove themselves as well.",
        ),
    ]);
    all
}

pub fn check(container: &ContainerSpec) -> Diagnostics {
    let mut found = iscsi::check(container);
    for (name, summary) in [("chap", "Invalid chap"), ("mutual_chap", "Invalid mutual_chap")] {
        if let Some(Setting::Text(value)) = container.settings.get(name)
            && !matches!(value.as_str(), "auto" | "off")
        {
            let detail = format!("{name} is \"auto\", \"off\" or {{ user, password }}, not {value:?}.");
            found.push(wrong(container, summary, &detail));
        }
    }
    if container.text("chap") == "off" && container.text("mutual_chap") != "off" {
        let why = "A target proves itself only to who proves himself first. Leave mutual_chap out, or leave chap at \"auto\".";
        found.push(wrong(container, "Cannot be honoured", why));
    }
    found
}

/// Whether initiators have to prove themselves, as the kernel writes it.
pub fn authentication(container: &ContainerSpec) -> &'static str {
    if container.text("chap") == "off" { "0" } else { "1" }
}

/// A finding of `scripts/examine.sh`, in words.
pub fn danger(word: &str, about: &str) -> Option<Danger> {
    let (what, todo) = match word {
        "not_restored" => (
            "nothing brings the kernel's targets back when this host starts".to_owned(),
            "`systemctl enable rtslib-fb-targetctl` (Red Hat: `target`)".to_owned(),
        ),
        "orphan" => (
            format!("the backstore {about} was made by vbs, and no mark knows of it"),
            "where nobody is logged in to its target, delete both with targetcli, and save".to_owned(),
        ),
        _ => return None,
    };
    Some(Danger { what, todo })
}
