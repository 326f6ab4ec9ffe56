//! Images that this workspace did not make, and why it cannot have them.

use std::collections::BTreeMap;

use crate::model::{Bytes, Place, Stranger};
use crate::providers::Scope;
use crate::providers::store::{Listing, check_file_name};

use super::mark::FileMark;
use super::read::{Found, Image, Marks};

/// In a directory that nobody has taken into use.
pub fn unmarked(listing: &Listing<'_>, images: &[Image<'_>]) -> Vec<Stranger> {
    let owned = || {
        let what = "there are marks in .vbs, and .vbs/pool.json, which says which pool it is, is missing";
        (!listing.mark_names.is_empty()).then(|| what.to_owned())
    };
    live(images).map(|image| stranger(image, owned())).collect()
}

/// In a pool: every image that no mark of this lineage speaks of.
pub fn beside(scope: &Scope<'_>, marks: &Marks, found: &Found<'_>, images: &[Image<'_>]) -> Vec<Stranger> {
    let strange = |image: &&Image<'_>| image.file.is_none_or(|file| !found.files.contains(file));
    let strange: Vec<&Image<'_>> = live(images).filter(strange).collect();
    if strange.is_empty() {
        return Vec::new();
    }
    let others = marks.read.iter().filter(|mark| mark.lineage != scope.lineage);
    let others: BTreeMap<&str, &FileMark> = others.map(|mark| (mark.file.as_str(), mark)).collect();
    let owned = |image: &Image<'_>| {
        if let Some(mark) = image.file.and_then(|file| others.get(file)) {
            let mark = mark.mark();
            return Some(format!("workspace {:?} owns it as {}", mark.workspace, mark.address));
        }
        if let Some(mark) = found.usurped.get(image.name) {
            let mark = mark.mark();
            return Some(format!(
                "it stands where {} was made, whose mark is still there (id {})",
                mark.address, mark.id
            ));
        }
        let unread = marks.unread.first()?;
        Some(format!("the mark .vbs/{unread}.json cannot be understood and may be its own"))
    };
    strange.into_iter().map(|image| stranger(image, owned(image))).collect()
}

fn live<'i, 'a>(images: &'i [Image<'a>]) -> impl Iterator<Item = &'i Image<'a>> {
    images.iter().filter(|image| image.place == Place::Live)
}

fn stranger(image: &Image<'_>, owned: Option<String>) -> Stranger {
    Stranger {
        name: image.name.to_owned(),
        reference: image.file.unwrap_or_default().to_owned(),
        // A directory has a size too, which means nothing here.
        size: image.file.map_or(Bytes::ZERO, |_| image.size),
        origin: None,
        // Surveys do not look for open files: there may be thousands of processes.
        open: false,
        why_not: owned.or_else(|| unfit(image)),
    }
}

fn unfit(image: &Image<'_>) -> Option<String> {
    if image.file.is_none() {
        return Some("it is no regular file".to_owned());
    }
    if image.links != 1 {
        return Some(format!(
            "it has {} names (hard links): what is written under one shows under the others",
            image.links
        ));
    }
    if image.size == Bytes::ZERO {
        return Some("it is empty".to_owned());
    }
    if image.name.contains(char::REPLACEMENT_CHARACTER) {
        return Some("its name is not UTF-8: rename it first".to_owned());
    }
    let why = check_file_name(image.name).err()?;
    Some(format!("{} Rename it first", why))
}

#[cfg(test)]
mod tests;
