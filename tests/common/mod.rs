//! What the tests of configurations share: providers with the attributes of the built-in ones, and identities that
//! are the same in every run.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;

use uuid::Uuid;
use vbs::config::resolve::{Identities, Identity};
use vbs::model::schema::{Attribute, AttributeType, ProviderSchema};
use vbs::model::{Address, Bytes, Kind, Setting};

/// `pool "file"` and `hypervisor "directory"`.
pub fn schemas() -> Vec<ProviderSchema> {
    vec![schema("file", Kind::Pool), schema("directory", Kind::Hypervisor)]
}

fn schema(name: &'static str, role: Kind) -> ProviderSchema {
    let path = Attribute {
        name: "path",
        kind: AttributeType::Path,
        required: true,
        default: None,
        doc: "The directory.",
    };
    let create = Attribute {
        name: "create",
        kind: AttributeType::Bool,
        required: false,
        default: Some(Setting::Bool(false)),
        doc: "Whether a missing directory is made.",
    };
    ProviderSchema {
        name,
        role,
        attributes: vec![path, create],
        doc: "",
        allocation_unit: Bytes(512),
        check_name,
        volume_path: |pool, name, _| format!("{}/{name}.img", pool.text("path")),
        guest_path: |hypervisor, vm, device| format!("{}/{vm}/{device}", hypervisor.text("path")),
        check_disk: |vm, device| check_name(vm).and(check_name(device)),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = !name.is_empty()
        && name.len() <= 128
        && !name.starts_with(['-', '.'])
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fits {
        Ok(())
    } else {
        Err(format!(
            "{name:?} cannot be the name of a file here: use letters, digits, -, _ and ., and at most 128 of them."
        ))
    }
}

/// Identities from a table, else numbered in the order in which they are asked for.
#[derive(Default)]
pub struct Numbered {
    pub recorded: BTreeMap<Address, Identity>,
    pub asked: Vec<Address>,
}

impl Identities for Numbered {
    fn of(&mut self, address: &Address) -> Identity {
        self.asked.push(address.clone());
        let number = self.asked.len() as u128;
        self.recorded.get(address).cloned().unwrap_or_else(|| Identity::new(Uuid::from_u128(number)))
    }
}
