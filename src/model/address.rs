//! How things are named: `volume.db`, `volume.db["a"]`, `volume.db[0]`, `pool.fast`, `host.store1`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an address can name. The order is the order of output: what holds comes before what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Host,
    Pool,
    /// The iSCSI target server of a pool's host, as its pool's `export` block says.
    Export,
    /// What reaches exports from a hypervisor's host.
    Initiator,
    Hypervisor,
    Volume,
    Snapshot,
    Attachment,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::Host,
        Kind::Pool,
        Kind::Export,
        Kind::Initiator,
        Kind::Hypervisor,
        Kind::Volume,
        Kind::Snapshot,
        Kind::Attachment,
    ];

    /// What expressions can name: exports and initiators follow from other blocks.
    pub const NAMED: [Kind; 6] =
        [Kind::Host, Kind::Pool, Kind::Hypervisor, Kind::Volume, Kind::Snapshot, Kind::Attachment];

    /// The word of the language, which is also the first part of an address.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Host => "host",
            Kind::Pool => "pool",
            Kind::Export => "export",
            Kind::Initiator => "initiator",
            Kind::Hypervisor => "hypervisor",
            Kind::Volume => "volume",
            Kind::Snapshot => "snapshot",
            Kind::Attachment => "attachment",
        }
    }

    /// Whether users declare instances of it with `for_each` or `count` and vbs makes and destroys them.
    pub fn is_resource(self) -> bool {
        matches!(self, Kind::Volume | Kind::Snapshot | Kind::Attachment)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Kind {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| AddressError(format!("{text:?} is no kind of block storage object")))
    }
}

/// The key of one instance of a block with `count` or `for_each`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKey {
    Index(u64),
    Name(Arc<str>),
}

/// The name of one thing in a workspace. Cheap to clone: plans hold tens of thousands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub kind: Kind,
    pub label: Arc<str>,
    pub key: Option<InstanceKey>,
}

impl Address {
    pub fn new(kind: Kind, label: &str) -> Self {
        Address { kind, label: label.into(), key: None }
    }

    pub fn with_key(&self, key: InstanceKey) -> Self {
        Address { key: Some(key), ..self.clone() }
    }

    /// The address of the block, without the instance's key.
    pub fn block(&self) -> Self {
        Address { key: None, ..self.clone() }
    }

    /// Whether `self`, as written on a command line, names `other`: itself, or its whole block.
    pub fn covers(&self, other: &Address) -> bool {
        self == other || (self.key.is_none() && *self == other.block())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.word(), self.label)?;
        match &self.key {
            None => Ok(()),
            Some(InstanceKey::Index(index)) => write!(f, "[{index}]"),
            Some(InstanceKey::Name(name)) => {
                f.write_str("[\"")?;
                for c in name.chars() {
                    match c {
                        '"' | '\\' => write!(f, "\\{c}")?,
                        c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"]")
            }
        }
    }
}

/// Why a text is not an address, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError(pub String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| AddressError(format!("{text:?} is not an address: {why}"));
        let (kind, rest) =
            text.split_once('.').ok_or_else(|| wrong("write it as KIND.NAME, like volume.db"))?;
        let kind: Kind = kind.parse()?;
        let (label, key) = match rest.split_once('[') {
            None => (rest, None),
            Some((label, key)) => {
                let key = key.strip_suffix(']').ok_or_else(|| wrong("the key has no closing bracket"))?;
                (label, Some(parse_key(key).ok_or_else(|| wrong("a key is a number or a quoted name"))?))
            }
        };
        if !is_label(label) {
            return Err(wrong("a name is a lower-case letter followed by letters, digits and _"));
        }
        Ok(Address { kind, label: label.into(), key })
    }
}

/// Whether `label` fits the grammar of block names: `[a-z][a-z0-9_]{0,62}`.
pub fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.len() <= 63
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
}

fn parse_key(text: &str) -> Option<InstanceKey> {
    if let Some(quoted) = text.strip_prefix('"') {
        let inner = quoted.strip_suffix('"')?;
        return unescape(inner).map(|name| InstanceKey::Name(name.into()));
    }
    text.parse().ok().map(InstanceKey::Index)
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                escaped @ ('"' | '\\') => out.push(escaped),
                _ => return None,
            },
            '"' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Which real thing of an address is meant: an attachment over iSCSI is an export, a grant, a session and a disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Part(pub std::borrow::Cow<'static, str>);

impl Part {
    pub const STORE: Part = Part(std::borrow::Cow::Borrowed("store"));
    pub const VOLUME: Part = Part(std::borrow::Cow::Borrowed("volume"));
    pub const SNAPSHOT: Part = Part(std::borrow::Cow::Borrowed("snapshot"));
    pub const DISK: Part = Part(std::borrow::Cow::Borrowed("disk"));
    pub const EXPORT: Part = Part(std::borrow::Cow::Borrowed("export"));

    /// What lets `who` (a host, or a hypervisor and a VM) use the export of a volume.
    pub fn grant(who: &str) -> Part {
        Part(format!("grant.{who}").into())
    }

    /// The login of a host to the export of a volume.
    pub fn session(host: &str) -> Part {
        Part(format!("session.{host}").into())
    }

    /// The part that an address is known by; the others are what its attachments need on their way.
    pub fn primary(kind: Kind) -> Part {
        match kind {
            Kind::Host | Kind::Pool | Kind::Export | Kind::Initiator | Kind::Hypervisor => Part::STORE,
            Kind::Volume => Part::VOLUME,
            Kind::Snapshot => Part::SNAPSHOT,
            Kind::Attachment => Part::DISK,
        }
    }
}

/// The name of one object: an address and one of its parts. Printed as `volume.db/volume`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    pub address: Address,
    pub part: Part,
}

impl ObjectKey {
    pub fn new(address: Address, part: Part) -> Self {
        ObjectKey { address, part }
    }

    /// What an address is known by.
    pub fn primary(address: Address) -> Self {
        let part = Part::primary(address.kind);
        ObjectKey { address, part }
    }

    pub fn is_primary(&self) -> bool {
        self.part == Part::primary(self.address.kind)
    }

    /// For people: the address, with what of it is meant where that is not what the address is known by.
    pub fn shown(&self) -> String {
        self.layer().map_or_else(|| self.address.to_string(), |layer| format!("{} ({layer})", self.address))
    }

    /// What it is of its address, in words: `export`, `grant for kvm1`; nothing for what the address is known by.
    pub fn layer(&self) -> Option<String> {
        if self.is_primary() {
            return None;
        }
        Some(match self.part.0.split_once('.') {
            Some(("grant", who)) => format!("grant for {who}"),
            Some(("session", host)) => format!("session on {host}"),
            _ => self.part.0.to_string(),
        })
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.part.0)
    }
}

impl FromStr for ObjectKey {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // An instance key may hold a slash; a part never does.
        let (address, part) = text
            .rsplit_once('/')
            .ok_or_else(|| AddressError(format!("{text:?} names no part of an address")))?;
        Ok(ObjectKey { address: address.parse()?, part: Part(part.to_owned().into()) })
    }
}

impl Serialize for ObjectKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_printing_and_parsing() {
        for text in
            ["volume.db", "volume.db[0]", "volume.db[\"a/b\"]", "pool.fast", "volume.x[\"q\\\"\\\\\"]"]
        {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        let odd = Address::new(Kind::Volume, "db").with_key(InstanceKey::Name("tab\there".into()));
        assert_eq!(odd.to_string().parse::<Address>().unwrap(), odd);
        let key = ObjectKey::new(odd, Part::VOLUME);
        assert_eq!(key.to_string().parse::<ObjectKey>().unwrap(), key);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "db",
            "volume.",
            "volume.-x",
            "volume.Db",
            "disk.db",
            "volume.db[",
            "volume.db[x]",
            "volume.db[\"a]",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text} was taken for an address");
        }
    }

    #[test]
    fn a_block_covers_its_instances_and_no_others() {
        let block: Address = "volume.db".parse().unwrap();
        let instance: Address = "volume.db[1]".parse().unwrap();
        assert!(block.covers(&instance) && instance.covers(&instance));
        assert!(!instance.covers(&block) && !block.covers(&"volume.dbx".parse().unwrap()));
    }
}
