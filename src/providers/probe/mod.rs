//! What file systems volumes hold: asked of those that several VMs share, because most of them bear one writer.

use std::collections::BTreeMap;

use crate::model::command::{Answer, Query};

/// The note of a volume that names its file systems, in words of `blkid`: `ext4`, `vfat ext4`.
pub use crate::model::observed::FILE_SYSTEM;

/// The question, for volumes at these paths on their host; nothing where there are none.
pub fn query<'a>(paths: impl Iterator<Item = &'a String>) -> Option<Query> {
    let paths: Vec<&str> = paths.map(String::as_str).collect();
    let script = include_str!("scripts/probe.sh");
    (!paths.is_empty()).then(|| Query { script, variables: vec![("paths".to_owned(), paths.join("\n"))] })
}

/// File systems by path. Of what cannot be read, nothing is known.
pub fn read(answer: &Answer) -> BTreeMap<&str, &str> {
    let lines = answer.stdout.lines().filter_map(|line| line.split_once('\t'));
    lines.filter(|(_, types)| !types.is_empty()).collect()
}
