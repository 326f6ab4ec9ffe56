//! The block `pool "file"` as data.

use uuid::Uuid;

use crate::model::schema::ProviderSchema;
use crate::model::{Bytes, ContainerSpec, Kind};
use crate::providers::store;

pub const NAME: &str = "file";

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        name: NAME,
        role: Kind::Pool,
        attributes: store::attributes("The directory that holds the images."),
        doc: "Volumes and snapshots are sparse image files in a directory.",
        // A guest sees sectors: what lies behind the last whole one could never be read.
        allocation_unit: Bytes(512),
        check_name: store::check_file_name,
        volume_path: image,
        guest_path: |_, _, _| String::new(),
        check_disk: |_, _| Err("a pool has no disks".to_owned()),
    }
}

/// Where the image of a volume or snapshot lies.
pub fn image(container: &ContainerSpec, name: &str, _: Uuid) -> String {
    format!("{}/{name}.img", container.text("path"))
}
