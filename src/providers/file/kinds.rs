//! The block `pool "file"` as data.

use uuid::Uuid;

use crate::model::schema::ProviderSchema;
use crate::model::{Bytes, ContainerSpec, Kind};
use crate::providers::store;

pub const NAME: &str = "file";

pub fn schema() -> ProviderSchema {
    ProviderSchema {
        attributes: store::attributes("The directory that holds the images."),
        doc: "Volumes and snapshots are sparse image files in a directory.",
        // A guest sees sectors: what lies behind the last whole one could never be read.
        allocation_unit: Bytes(512),
        check_name: |_, name| store::check_file_name(name),
        without_effect,
        occupies: store::occupies,
        volume_path: image,
        ..ProviderSchema::of(Kind::Pool, NAME)
    }
}

fn without_effect(_: &ContainerSpec, attribute: &str) -> Option<&'static str> {
    match attribute {
        "wipe" => Some(
            "A file pool removes files, whose space the file system clears before anybody else can read it, so `wipe` has \
             no effect. Remove the line; where the bytes must be gone from the disk itself, encrypt it.",
        ),
        "reserve" => Some(
            "A snapshot in a file pool is a file of its own that needs no space set aside, so `reserve` has no effect. \
             Remove the line.",
        ),
        _ => None,
    }
}

/// Where the image of a volume or snapshot lies.
pub fn image(container: &ContainerSpec, name: &str, _: Uuid) -> String {
    format!("{}/{name}.img", container.text("path"))
}
