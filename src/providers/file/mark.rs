//! The mark of an image, `<path>/.vbs/<id>.json`: one line of JSON. Scripts write its beginning (see
//! `scripts/image.sh`) and keep the rest, which is made here, as it is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Body, Bytes, Mark, Object, SnapshotBody, SourceRef, VolumeBody};

#[derive(Debug, Clone, Deserialize)]
pub struct FileMark {
    pub format: u32,
    pub lineage: Uuid,
    pub id: Uuid,
    /// `inode:birth` of the image.
    pub file: String,
    /// The name it was given; the image's own name is what counts.
    pub name: String,
    #[serde(flatten)]
    pub rest: Rest,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rest {
    kind: ImageKind,
    workspace: String,
    address: String,
    serial: String,
    source: Option<SourceRef>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ImageKind {
    Volume,
    Snapshot,
}

/// The rest of the mark of `object`, or nothing where it is no image.
pub fn rest(object: &Object, workspace: &str) -> Option<String> {
    let (kind, serial) = match &object.body {
        Body::Volume(volume) => (ImageKind::Volume, volume.serial.clone()),
        Body::Snapshot(_) => (ImageKind::Snapshot, String::new()),
        _ => return None,
    };
    let rest = Rest {
        kind,
        workspace: workspace.to_owned(),
        address: object.key.address.to_string(),
        serial,
        source: object.body.source().cloned(),
    };
    // Strings and ids have no form that JSON lacks.
    serde_json::to_string(&rest).ok().map(|text| text[1..].to_owned())
}

impl FileMark {
    pub fn mark(&self) -> Mark {
        Mark {
            lineage: self.lineage,
            id: self.id,
            workspace: self.rest.workspace.clone(),
            address: self.rest.address.clone(),
        }
    }

    /// The object that is marked, under the name and with the size that its image has.
    pub fn body(&self, name: &str, size: Bytes) -> Body {
        match (&self.rest.kind, &self.rest.source) {
            (ImageKind::Snapshot, Some(origin)) => Body::Snapshot(SnapshotBody {
                name: name.to_owned(),
                size,
                origin: origin.clone(),
                reserve: None,
            }),
            (ImageKind::Volume | ImageKind::Snapshot, source) => Body::Volume(VolumeBody {
                name: name.to_owned(),
                size,
                serial: self.rest.serial.clone(),
                source: source.clone(),
            }),
        }
    }
}
