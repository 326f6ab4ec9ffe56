//! The block `hypervisor "qemu"` as data.

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::desired::AttachmentSpec;
use crate::model::schema::{Attribute, AttributeType, ProviderSchema, Traits};
use crate::model::{Bus, ContainerSpec, Kind};

use super::qmp;

pub const NAME: &str = "qemu";

/// Stands for the VM's name in `socket`.
const VM: &str = "{vm}";

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        attributes: vec![Attribute {
            name: "socket",
            kind: AttributeType::Text,
            required: true,
            default: None,
            doc: "Where each VM's QMP socket is on the host, with `{vm}` for its name: `/run/vms/{vm}.qmp`.",
        }],
        doc: "Disks of running QEMU processes, plugged and unplugged over QMP.",
        occupies: |container| ("socket", container.text("socket").to_owned()),
        guest_path,
        check_disk,
        // Every device is told (`share-rw`), and nothing is cached outside of the guest.
        check_shared: |_, _| Ok(()),
        speaks_iscsi: true,
        seat: |container| format!("/var/lib/vbs/qemu/{}", container.address.label),
        traits: Traits { keeps_size: true, repoints: true, minds_sharing: true, ..Traits::default() },
        ..ProviderSchema::of(Kind::Hypervisor, NAME)
    }
}

/// What udev calls the disk in the guest, after its serial.
fn guest_path(_: &ContainerSpec, disk: &AttachmentSpec) -> String {
    let serial = qmp::serial(disk.bus, &disk.serial);
    match disk.bus {
        Bus::Virtio => format!("/dev/disk/by-id/virtio-{serial}"),
        Bus::Scsi => format!("/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_{serial}"),
    }
}

/// Names become parts of socket paths and of addresses of `socat`, whose grammar knows most other signs.
fn check_disk(vm: &str, device: &str) -> Result<(), String> {
    for (what, name) in [("VM", vm), ("device", device)] {
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
        if name.is_empty() || name.len() > 64 || !is_plain || name.starts_with(['-', '.']) {
            return Err(format!(
                "the {what}'s name {name:?} is not one that QEMU's sockets can be told by: use up to 64 letters, \
                 digits, dots, underscores, plus signs and dashes, and begin with a letter or digit."
            ));
        }
    }
    Ok(())
}

pub fn check(container: &ContainerSpec) -> Diagnostics {
    let socket = container.text("socket");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-@ ".contains(c);
    let wrong = if !socket.starts_with('/') {
        "it is not absolute"
    } else if socket.matches(VM).count() != 1 {
        "it does not hold {vm} once, where the VM's name stands"
    } else if !socket.replace(VM, "").chars().all(is_plain) {
        "it holds signs that mean something else to socat, which connects to it"
    } else if socket.len() > 100 {
        "it is longer than the path of a socket can be"
    } else {
        return Diagnostics::new();
    };
    Diagnostic::error(
        "Unusable socket",
        format!(
            "{} cannot find its VMs by {socket:?}: {wrong}. Write the whole path of what their `-qmp unix:` options \
             name, like /run/vms/{{vm}}.qmp.",
            container.address
        ),
    )
    .into()
}

/// Where the socket of a VM is.
pub fn socket(container: &ContainerSpec, vm: &str) -> String {
    container.text("socket").replace(VM, vm)
}
