//! The block `hypervisor "libvirt"` as data.

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::desired::AttachmentSpec;
use crate::model::schema::{Attribute, AttributeType, ProviderSchema, Traits};
use crate::model::{Bus, ContainerSpec, Kind, Setting};

use super::xml;

pub const NAME: &str = "libvirt";

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        attributes: vec![
            Attribute {
                name: "uri",
                kind: AttributeType::Text,
                required: false,
                default: Some(Setting::Text("qemu:///system".to_owned())),
                doc: "Which libvirt of the host is asked, as `virsh -c` takes it.",
            },
            Attribute {
                name: "persistent",
                kind: AttributeType::Bool,
                required: false,
                default: Some(Setting::Bool(true)),
                doc: "Whether a disk is also in the VM's configuration, so that it is there when the VM is started again. \
                      With `false` it lasts for as long as the VM runs.",
            },
        ],
        doc: "Disks of libvirt's VMs, in the running VM and in its configuration.",
        occupies: |container| ("uri", container.text("uri").to_owned()),
        guest_path,
        check_disk,
        speaks_iscsi: true,
        seat: |container| format!("/var/lib/vbs/libvirt/{}", container.address.label),
        // libvirt locks the image of a disk that is not `<shareable/>`, and caches nothing outside of the guest.
        check_shared: |_, _| Ok(()),
        traits: Traits {
            keeps_size: true,
            repoints: true,
            minds_sharing: true,
            freezes: true,
            configures: true,
        },
        ..ProviderSchema::of(Kind::Hypervisor, NAME)
    }
}

/// What udev calls the disk in the guest, after its serial.
fn guest_path(_: &ContainerSpec, disk: &AttachmentSpec) -> String {
    let serial = xml::serial(disk.bus, &disk.serial);
    match disk.bus {
        Bus::Virtio => format!("/dev/disk/by-id/virtio-{serial}"),
        Bus::Scsi => format!("/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_{serial}"),
    }
}

/// virsh takes a number for a running VM's and a UUID for a VM's, whatever else has it for a name.
fn check_disk(vm: &str, device: &str) -> Result<(), String> {
    let is_plain = vm.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
    if vm.is_empty() || vm.len() > 128 || !is_plain || vm.starts_with(['-', '.']) {
        return Err(format!(
            "the VM's name {vm:?} is not one that vbs tells libvirt: use up to 128 letters, digits, dots, underscores, plus \
             signs and dashes, and begin with a letter or digit."
        ));
    }
    if vm.bytes().all(|byte| byte.is_ascii_digit()) || uuid::Uuid::parse_str(vm).is_ok() {
        return Err(format!(
            "the VM's name {vm:?} is a number or a UUID, which virsh takes for another way to tell a VM: rename the VM."
        ));
    }
    match xml::place(device) {
        Some(_) => Ok(()),
        None => Err(format!(
            "the device's name {device:?} is none of libvirt's: write vda to vdzz, or sda to sdzz."
        )),
    }
}

pub fn check(container: &ContainerSpec) -> Diagnostics {
    let uri = container.text("uri");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-@:?=&%".contains(c);
    let is_local = uri.strip_prefix("qemu").is_some_and(|rest| {
        rest.starts_with(":///") || rest.strip_prefix("+unix").is_some_and(|rest| rest.starts_with(":///"))
    });
    let wrong = if !is_local {
        "it does not name QEMU of the host itself"
    } else if !uri.chars().all(is_plain) || uri.len() > 200 {
        "it is very long, or holds signs that are in no address"
    } else {
        return Diagnostics::new();
    };
    Diagnostic::error(
        "Unusable uri",
        format!(
            "{} cannot ask {uri:?}: {wrong}. Write qemu:///system, or another one that begins with qemu:/// or \
             qemu+unix:///; a libvirt on another machine is reached with a host block.",
            container.address
        ),
    )
    .into()
}

/// Whether disks are in configurations, as scripts are told.
pub fn keeps(container: &ContainerSpec) -> bool {
    container.flag("persistent")
}
