//! The mark of a disk in the seat, `<path>/.vbs/<id>.json`: one line of JSON. Scripts write its beginning and keep the
//! rest, which is made here, as it is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Address, DiskBody, Mark};

#[derive(Debug, Clone, Deserialize)]
pub struct DiskMark {
    pub format: u32,
    pub lineage: Uuid,
    pub id: Uuid,
    #[serde(flatten)]
    pub rest: Rest,
}

/// `name` comes first: scripts read it there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rest {
    /// `web1/xvdb`
    pub name: String,
    workspace: String,
    address: String,
    pub disk: DiskBody,
}

pub fn rest(address: &Address, disk: &DiskBody, workspace: &str) -> String {
    let rest = Rest {
        name: name(disk),
        workspace: workspace.to_owned(),
        address: address.to_string(),
        disk: disk.clone(),
    };
    // Strings, ids and words have no form that JSON lacks.
    serde_json::to_string(&rest).map(|text| text[1..].to_owned()).unwrap_or_default()
}

/// `web1/xvdb`
pub fn name(disk: &DiskBody) -> String {
    format!("{}/{}", disk.vm, disk.device)
}

impl DiskMark {
    pub fn mark(&self) -> Mark {
        Mark {
            lineage: self.lineage,
            id: self.id,
            workspace: self.rest.workspace.clone(),
            address: self.rest.address.clone(),
        }
    }
}
