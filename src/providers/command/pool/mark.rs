//! The mark of a volume or a snapshot in the seat, `<path>/.vbs/<id>.json`: one line of JSON. Scripts write its beginning
//! and keep the rest, which is made here, as it is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Body, Bytes, Mark, Object, SnapshotBody, SourceRef, VolumeBody};

#[derive(Debug, Clone, Deserialize)]
pub struct VolumeMark {
    pub format: u32,
    pub lineage: Uuid,
    pub id: Uuid,
    #[serde(flatten)]
    pub rest: Rest,
}

/// `name` comes first: scripts read it there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rest {
    /// As it is listed: in the trash, the name that it has there.
    pub name: String,
    /// The name that it had before, while it is being renamed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub was: String,
    /// As it is called when it is not in the trash.
    pub called: String,
    /// The size of which it is whole, where it is a copy that still has to grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grows_to: Option<Bytes>,
    pub kind: VolumeKind,
    pub workspace: String,
    pub address: String,
    pub serial: String,
    pub source: Option<SourceRef>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeKind {
    Volume,
    Snapshot,
}

impl Rest {
    /// Of `object` under the name `listed`; nothing where it is neither volume nor snapshot.
    pub fn new(object: &Object, listed: &str, workspace: &str) -> Option<Rest> {
        let (kind, called, serial) = match &object.body {
            Body::Volume(volume) => (VolumeKind::Volume, &volume.name, volume.serial.clone()),
            Body::Snapshot(snapshot) => (VolumeKind::Snapshot, &snapshot.name, String::new()),
            _ => return None,
        };
        Some(Rest {
            name: listed.to_owned(),
            was: String::new(),
            called: called.clone(),
            grows_to: None,
            kind,
            workspace: workspace.to_owned(),
            address: object.key.address.to_string(),
            serial,
            source: object.body.source().cloned(),
        })
    }

    /// As it stands in the mark, behind what scripts write.
    pub fn text(&self) -> String {
        // Strings and ids have no form that JSON lacks.
        serde_json::to_string(self).map(|text| text[1..].to_owned()).unwrap_or_default()
    }
}

impl VolumeMark {
    pub fn mark(&self) -> Mark {
        Mark {
            lineage: self.lineage,
            id: self.id,
            workspace: self.rest.workspace.clone(),
            address: self.rest.address.clone(),
        }
    }

    /// What is marked, under the name and with the size that it has.
    pub fn body(&self, name: &str, size: Bytes) -> Body {
        let name = name.to_owned();
        match (&self.rest.kind, &self.rest.source) {
            (VolumeKind::Snapshot, Some(origin)) => {
                Body::Snapshot(SnapshotBody { name, size, origin: origin.clone(), reserve: None })
            }
            (VolumeKind::Volume | VolumeKind::Snapshot, source) => Body::Volume(VolumeBody {
                name,
                size,
                serial: self.rest.serial.clone(),
                source: source.clone(),
            }),
        }
    }
}
