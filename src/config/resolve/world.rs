//! What is known so far while a configuration is being resolved.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::declare::{Block, Declared};
use crate::config::eval::Limits;
use crate::config::value::Value;
use crate::diag::SourceMap;
use crate::model::desired::Resource;
use crate::model::schema::ProviderSchema;
use crate::model::{Address, Bytes, ContainerSpec, HostSpec, InstanceKey};

/// Something that is worked out once, before what needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    Local(String),
    /// Which instances a block has.
    Instances(Address),
    /// One host, pool, hypervisor or resource instance.
    Object(Address),
    /// All instances of a block: what `depends_on` waits for.
    Whole(Address),
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Node::Local(name) => write!(f, "local.{name}"),
            Node::Instances(address) | Node::Object(address) | Node::Whole(address) => write!(f, "{address}"),
        }
    }
}

/// A local that was evaluated.
#[derive(Debug)]
pub enum Local {
    Value {
        value: Value,
        touched: BTreeSet<Address>,
        locals: BTreeSet<String>,
        /// See [`super::names::Seen::identified`].
        identified: BTreeSet<Address>,
    },
    /// It reads a surveyed value, named here: it has a value only when the hosts were looked at.
    Surveyed(String),
    Failed,
}

/// One thing that was resolved.
#[derive(Debug)]
pub enum Entry {
    Host(HostSpec),
    Container(ContainerSpec),
    Resource(Box<Resolution>),
    /// It has problems, and they were reported.
    Failed,
}

/// A resource, with what its specification does not hold.
#[derive(Debug)]
pub struct Resolution {
    pub resource: Resource,
    /// Volumes and snapshots: rounded up.
    pub size: Bytes,
}

/// The instances of a block: key and `each.value`, which is null for `count`. Nothing where they have problems.
pub type Instances = Option<BTreeMap<InstanceKey, Value>>;

pub struct World<'a> {
    pub declared: &'a Declared,
    pub sources: &'a SourceMap,
    pub schemas: &'a [ProviderSchema],
    /// The workspace's name.
    pub workspace: String,
    /// Of the workspace; absolute.
    pub directory: String,
    pub limits: Limits,
    /// Nothing for a variable without a usable value.
    pub variables: BTreeMap<&'a str, Option<Value>>,
    pub locals: BTreeMap<String, Local>,
    /// Locals that read surveyed values, each after those that it reads.
    pub surveyed_locals: Vec<String>,
    /// Of blocks with `for_each` or `count`.
    pub instances: BTreeMap<Address, Instances>,
    /// How many there are in `instances`.
    pub total_instances: u64,
    pub entries: BTreeMap<Address, Entry>,
    pub whole: BTreeSet<Address>,
}

impl<'a> World<'a> {
    pub fn is_done(&self, node: &Node) -> bool {
        match node {
            Node::Local(name) => self.locals.contains_key(name),
            Node::Instances(address) => self.instances.contains_key(address),
            Node::Object(address) => self.entries.contains_key(address),
            Node::Whole(address) => self.whole.contains(address),
        }
    }

    /// The block that an address is an instance of.
    pub fn block(&self, address: &Address) -> Option<&'a Block> {
        match address.key {
            None => self.declared.blocks.get(address),
            Some(_) => self.declared.blocks.get(&address.block()),
        }
    }

    pub fn container(&self, address: &Address) -> Option<&ContainerSpec> {
        match self.entries.get(address) {
            Some(Entry::Container(spec)) => Some(spec),
            _ => None,
        }
    }

    /// The schema of the provider of a pool or hypervisor.
    pub fn schema(&self, container: &Address) -> Option<&'a ProviderSchema> {
        self.schemas.get(self.declared.blocks.get(container)?.schema?)
    }
}
