//! The block `hypervisor "directory"` as data.

use crate::model::desired::AttachmentSpec;
use crate::model::schema::{ProviderSchema, Traits};
use crate::model::{ContainerSpec, Kind};
use crate::providers::store;

pub const NAME: &str = "directory";

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        attributes: store::attributes("The directory that holds one directory of disks for each VM."),
        doc: "A disk is a symbolic link, for VMs that are started by a script or by hand.",
        occupies: store::occupies,
        guest_path: link,
        check_disk,
        // A link opens nothing: how the disk is opened is the business of who starts the VM.
        check_shared: |_, _| Ok(()),
        traits: Traits { repoints: true, ..Traits::default() },
        ..ProviderSchema::of(Kind::Hypervisor, NAME)
    }
}

/// Where the one who starts the VM finds the disk.
fn link(container: &ContainerSpec, disk: &AttachmentSpec) -> String {
    format!("{}/{}/{}", container.text("path"), disk.vm, disk.device)
}

fn check_disk(vm: &str, device: &str) -> Result<(), String> {
    store::check_file_name(vm).map_err(|why| format!("the VM's name {why}"))?;
    store::check_file_name(device).map_err(|why| format!("the device's name {why}"))
}
