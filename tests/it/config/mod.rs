//! Configurations, wrong and good, against the providers as they are; with identities that are the same in every run.

mod bad;
mod good;

use std::collections::BTreeMap;

use uuid::Uuid;
use vbs::config::resolve::{Identities, Identity};
use vbs::model::Address;

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
