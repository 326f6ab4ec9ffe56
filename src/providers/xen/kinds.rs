//! The block `hypervisor "xen"` as data.

use uuid::Uuid;

use crate::model::schema::{Attribute, AttributeType, ProviderSchema, Traits};
use crate::model::{Access, ContainerSpec, DiskBody, Kind};
use crate::providers::needs::{Needs, Tool};

pub const NAME: &str = "xen";

pub static NEEDS: Needs = Needs {
    script: concat!(include_str!("../needs/scripts/files.sh"), include_str!("scripts/needs.sh")),
    tools: &[
        Tool {
            name: "xl",
            called: "xl of Xen, in a dom0",
            minimum: "4.11",
            todo: "Boot the host with Xen and install its tools (Debian: xen-utils).",
        },
        Tool {
            name: "xenstore-ls",
            called: "xenstore-ls of Xen",
            minimum: "",
            todo: "Install Xen's tools (Debian: xenstore-utils).",
        },
        Tool {
            name: "root",
            called: "root",
            minimum: "",
            todo: "Log in as root, or set become = \"sudo\" in the host's block: only root may speak with Xen.",
        },
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
        attributes: vec![Attribute {
            name: "config_dir",
            kind: AttributeType::Path,
            required: false,
            default: None,
            doc: "Where `<vm>.cfg` lies, with which a guest is started: a disk is a line in it as well, so that it is there \
                  when the guest is started again. Without it, a disk lasts for as long as the guest runs.",
        }],
        doc: "Disks of Xen's guests, in the running guest and in the file that it is started with.",
        guest_path: |_, disk| format!("/dev/{}", disk.device),
        check_disk,
        seat: |container| format!("/var/lib/vbs/xen/{}", container.address.label),
        traits: Traits { configures: true, minds_sharing: true, ..Traits::default() },
        ..ProviderSchema::of(Kind::Hypervisor, NAME)
    }
}

/// Where files of guests lie; nothing where vbs leaves them alone.
pub fn configs(container: &ContainerSpec) -> &str {
    container.text("config_dir")
}

fn check_disk(vm: &str, device: &str) -> Result<(), String> {
    let is_plain = vm.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
    if vm.is_empty() || vm.len() > 64 || !is_plain || vm.starts_with(['-', '.']) {
        return Err(format!(
            "the VM's name {vm:?} is not one that vbs tells Xen: use up to 64 letters, digits, dots, underscores, plus \
             signs and dashes, and begin with a letter or digit."
        ));
    }
    if vm.bytes().all(|byte| byte.is_ascii_digit()) || vm == "Domain-0" {
        return Err(format!("{vm:?} is a number, which xl takes for a running domain's, or dom0 itself."));
    }
    match number(device) {
        Some(_) => Ok(()),
        None => Err(format!("the device's name {device:?} is none of a Xen disk: write xvda to xvdzz.")),
    }
}

/// What xenstore calls a disk: the major and minor number of `xvdb` as Linux had them, or behind those the new form.
pub fn number(device: &str) -> Option<u32> {
    let letters = device.strip_prefix("xvd")?;
    let index = match letters.as_bytes() {
        [one @ b'a'..=b'z'] => u32::from(one - b'a'),
        [one @ b'a'..=b'z', two @ b'a'..=b'z'] => 26 * (u32::from(one - b'a') + 1) + u32::from(two - b'a'),
        _ => return None,
    };
    Some(if index < 16 { (202 << 8) | (index << 4) } else { (1 << 28) | (index << 8) })
}

/// As `xl` is told of a disk. The path comes last, because it may hold whatever it likes.
pub fn disk(disk: &DiskBody) -> String {
    let access = match disk.access {
        Access::ReadWrite => "rw",
        Access::ReadOnly => "ro",
    };
    format!("format=raw, vdev={}, access={access}, backendtype=phy, target={}", disk.device, disk.host_path)
}

/// The line of a disk in its guest's file: added to whatever list stands above it, and known for ours by its end.
pub fn entry(lineage: Uuid, id: Uuid, body: &DiskBody) -> String {
    format!("disk += [ \"{}\" ] {}", disk(body), mark(lineage, id))
}

/// How a line of ours ends.
pub fn mark(lineage: Uuid, id: Uuid) -> String {
    format!("# vbs:{lineage}:{id}")
}

/// Why `xl` cannot be told of a path, if so.
///
/// # Errors
/// In a sentence for people.
pub fn check_path(path: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+:@-".contains(c);
    match path.chars().find(|c| !is_plain(*c)) {
        Some(c) => Err(format!("{path:?} holds {c:?}, which xl and its files have no way to write.")),
        None if path.starts_with("/dev/") => Ok(()),
        None => Err(format!(
            "{path:?} is no block device. Xen's own backend takes block devices only: use a pool \"lvm\", or export the pool and attach over iSCSI."
        )),
    }
}
