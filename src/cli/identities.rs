//! Names and ids of what is recorded, and fresh ones for what is new.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::config::resolve::{Identities, Identity};
use crate::model::{Address, Body, ObjectKey, Record};
use crate::plan::world::{Options, find_record};

/// What the state knows of identities, after moves.
pub struct Recorded<'a> {
    pub records: &'a BTreeMap<ObjectKey, Record>,
    pub options: &'a Options,
    /// Ids that a saved plan chose, by address: applying it elsewhere must choose the same.
    pub chosen: &'a BTreeMap<Address, Uuid>,
}

impl Identities for Recorded<'_> {
    fn of(&mut self, address: &Address) -> Identity {
        let record = find_record(self.records, address);
        let name = record.and_then(|record| recorded_name(&record.object.body));
        let container = record.map(|record| record.object.container.clone());
        let renewed = |record: &Record| {
            let chosen = self.chosen.get(address).is_some_and(|id| *id != record.object.id);
            chosen || self.options.replaces(address)
        };
        match record {
            // A replacement is another object under the same name.
            Some(record) if !renewed(record) => Identity {
                id: record.object.id,
                serial: match &record.object.body {
                    Body::Volume(volume) => Some(volume.serial.clone()),
                    _ => None,
                },
                name,
                container,
            },
            _ => {
                let id = self.chosen.get(address).copied().unwrap_or_else(fresh);
                Identity { id, serial: None, name, container }
            }
        }
    }
}

/// A random id. Version 4: initiators see 25 hex digits of a serial and virtio 20 characters, which a time-ordered id
/// would waste.
pub fn fresh() -> Uuid {
    Uuid::new_v4()
}

/// What an address keeps once it was chosen: the name in its pool, the device of an attachment.
fn recorded_name(body: &Body) -> Option<String> {
    match body {
        Body::Disk(disk) => Some(disk.device.clone()),
        _ => body.name().map(str::to_owned),
    }
}
