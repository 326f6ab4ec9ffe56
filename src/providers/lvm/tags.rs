//! The mark of a logical volume: tags, which only the command that creates it has to set.
//!
//! | tag | meaning |
//! |---|---|
//! | `vbs` | made by vbs; `lvs @vbs` lists them |
//! | `vbs.lineage=UUID` | whose it is |
//! | `vbs.volume=UUID`, `vbs.snapshot=UUID` | what it is, and its id |
//! | `vbs.name=NAME` | the name that it had last, for what lies in the trash |
//! | `vbs.serial=TEXT` | a volume's serial, where it is not the id |
//! | `vbs.source=UUID:ADDRESS` | what its content came from |
//! | `vbs.at=WORKSPACE:ADDRESS` | for people, and for a lost state |
//! | `vbs.filling` | a copy that is not whole |
//! | `vbs.wiping` | what lies in the trash and is being overwritten, or was in part |
//! | `vbs.helper=UUID` | instead of an id: the snapshot that the copy with this id is read from |
//!
//! LVM takes letters, digits and `_+.-/=!:&#` in a tag (lvm(8) of 2.03.16). Everything else, and `#`, is written as
//! `#` and two hex digits, and so is `:` within a part.

use uuid::Uuid;

use crate::model::{Address, Body, Bytes, Mark, Object, SnapshotBody, SourceRef, VolumeBody};

pub const FILLING: &str = "vbs.filling";

/// The tags of an object, one a line: what scripts are given.
pub fn of(object: &Object, lineage: Uuid, workspace: &str) -> Vec<String> {
    let id = object.id;
    let mut tags = vec!["vbs".to_owned(), format!("vbs.lineage={lineage}")];
    match &object.body {
        Body::Snapshot(_) => tags.push(format!("vbs.snapshot={id}")),
        _ => tags.push(format!("vbs.volume={id}")),
    }
    tags.extend(object.body.name().map(of_name));
    if let Body::Volume(volume) = &object.body
        && volume.serial != id.to_string()
    {
        tags.push(format!("vbs.serial={}", encode(&volume.serial)));
    }
    if let Some(source) = object.body.source() {
        tags.push(format!("vbs.source={}:{}", source.id, encode(&source.address.to_string())));
    }
    tags.push(format!("vbs.at={}:{}", encode(workspace), encode(&object.key.address.to_string())));
    tags
}

/// The tag of a name.
pub fn of_name(name: &str) -> String {
    format!("vbs.name={}", encode(name))
}

/// What the tags of one logical volume say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    pub lineage: Option<Uuid>,
    pub volume: Option<Uuid>,
    pub snapshot: Option<Uuid>,
    pub helper: Option<Uuid>,
    pub name: Option<String>,
    pub serial: Option<String>,
    pub source: Option<SourceRef>,
    pub workspace: String,
    pub address: String,
    pub filling: bool,
    pub wiping: bool,
    /// It carries `vbs`, whatever the rest says.
    pub is_marked: bool,
}

impl Tags {
    /// Reads the tags as LVM lists them, set apart by commas. A tag of ours that cannot be understood counts as absent.
    pub fn read(list: &str) -> Tags {
        let mut tags = Tags::default();
        for tag in list.split(',').map(str::trim) {
            let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
            match name {
                "vbs" => tags.is_marked = true,
                "vbs.filling" => tags.filling = true,
                "vbs.wiping" => tags.wiping = true,
                "vbs.lineage" => tags.lineage = value.parse().ok(),
                "vbs.volume" => tags.volume = value.parse().ok(),
                "vbs.snapshot" => tags.snapshot = value.parse().ok(),
                "vbs.helper" => tags.helper = value.parse().ok(),
                "vbs.name" => tags.name = decode(value),
                "vbs.serial" => tags.serial = decode(value),
                "vbs.source" => tags.source = source(value),
                "vbs.at" => {
                    let (workspace, address) = value.split_once(':').unwrap_or(("", value));
                    tags.workspace = decode(workspace).unwrap_or_default();
                    tags.address = decode(address).unwrap_or_default();
                }
                _ => {}
            }
        }
        tags
    }

    pub fn id(&self) -> Option<Uuid> {
        self.volume.or(self.snapshot)
    }

    /// The mark, where lineage and id are told.
    pub fn mark(&self) -> Option<Mark> {
        Some(Mark {
            lineage: self.lineage?,
            id: self.id()?,
            workspace: self.workspace.clone(),
            address: self.address.clone(),
        })
    }

    /// The marked object under this name and with this size; `reserve` is a thick snapshot's own.
    pub fn body(&self, name: &str, size: Bytes, reserve: Option<Bytes>) -> Option<Body> {
        let name = name.to_owned();
        match (self.snapshot, &self.source) {
            (Some(_), Some(origin)) => {
                Some(Body::Snapshot(SnapshotBody { name, size, origin: origin.clone(), reserve }))
            }
            _ => Some(Body::Volume(VolumeBody {
                name,
                size,
                serial: self.serial.clone().unwrap_or_else(|| self.id().unwrap_or_default().to_string()),
                source: self.source.clone(),
            })),
        }
    }
}

fn source(value: &str) -> Option<SourceRef> {
    let (id, address) = value.split_once(':')?;
    let address: Address = decode(address)?.parse().ok()?;
    Some(SourceRef { id: id.parse().ok()?, address })
}

fn encode(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_+.-/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "#{byte:02x}");
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'#' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObjectKey, Part};

    #[test]
    fn a_mark_is_read_back_as_it_was_written_in_characters_that_lvm_takes() {
        for address in ["volume.db", "volume.db[\"a b#,:=\u{fc}\"]", "volume.db[3]"] {
            let address: Address = address.parse().unwrap();
            let source = SourceRef { id: Uuid::from_u128(7), address: "snapshot.s[\"x\"]".parse().unwrap() };
            let body = Body::Volume(VolumeBody {
                name: "db-1+x".to_owned(),
                size: Bytes(4 << 20),
                serial: "an old: serial".to_owned(),
                source: Some(source),
            });
            let object = Object {
                key: ObjectKey::new(address.clone(), Part::VOLUME),
                id: Uuid::from_u128(5),
                container: "pool.fast".parse().unwrap(),
                body: body.clone(),
            };
            let written = of(&object, Uuid::from_u128(9), "shop:1");
            let allowed = |c: char| c.is_ascii_alphanumeric() || "_+.-/=!:&#".contains(c);
            assert!(written.iter().all(|tag| tag.chars().all(allowed)), "{written:?}");
            let read = Tags::read(&written.join(","));
            let mark = read.mark().unwrap();
            assert_eq!((mark.lineage, mark.id), (Uuid::from_u128(9), Uuid::from_u128(5)));
            assert_eq!((mark.workspace.as_str(), mark.address), ("shop:1", address.to_string()));
            assert_eq!(read.body("db-1+x", Bytes(4 << 20), None).unwrap(), body);
            assert_eq!(read.name.as_deref(), Some("db-1+x"));
        }
    }

    #[test]
    fn what_is_no_mark_is_read_as_none() {
        for list in ["", "prod,db", "vbs", "vbs,vbs.lineage=x,vbs.volume=y", "vbs.volume=#zz"] {
            assert_eq!(Tags::read(list).mark(), None, "{list}");
        }
    }
}
