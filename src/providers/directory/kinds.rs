//! The block `hypervisor "directory"` as data.

use crate::model::schema::ProviderSchema;
use crate::model::{Bytes, ContainerSpec, Kind};
use crate::providers::store;

pub const NAME: &str = "directory";

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        name: NAME,
        role: Kind::Hypervisor,
        attributes: store::attributes("The directory that holds one directory of disks for each VM."),
        doc: "A disk is a symbolic link, for VMs that are started by a script or by hand.",
        allocation_unit: Bytes(1),
        check_name: |_, _| Err("a hypervisor has no volumes".to_owned()),
        without_effect: |_, _| None,
        occupies: store::occupies,
        volume_path: |_, _, _| String::new(),
        guest_path: link,
        check_disk,
    }
}

/// Where the one who starts the VM finds the disk.
pub fn link(container: &ContainerSpec, vm: &str, device: &str) -> String {
    format!("{}/{vm}/{device}", container.text("path"))
}

fn check_disk(vm: &str, device: &str) -> Result<(), String> {
    store::check_file_name(vm).map_err(|why| format!("the VM's name {why}"))?;
    store::check_file_name(device).map_err(|why| format!("the device's name {why}"))
}
