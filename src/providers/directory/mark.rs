//! The mark of a disk, `<path>/.vbs/<id>.json`: one line of JSON. Scripts write its beginning (see `scripts/link.sh`)
//! and keep the rest, which is made here, as it is.

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

/// `vm` and `device` come first: scripts read them there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rest {
    pub vm: String,
    pub device: String,
    workspace: String,
    address: String,
    pub disk: DiskBody,
}

pub fn rest(address: &Address, disk: &DiskBody, workspace: &str) -> String {
    let rest = Rest {
        vm: disk.vm.clone(),
        device: disk.device.clone(),
        workspace: workspace.to_owned(),
        address: address.to_string(),
        disk: disk.clone(),
    };
    // Strings, ids and words have no form that JSON lacks.
    serde_json::to_string(&rest).map(|text| text[1..].to_owned()).unwrap_or_default()
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

    /// `web1/vdb`
    pub fn place(&self) -> String {
        format!("{}/{}", self.rest.vm, self.rest.device)
    }
}
