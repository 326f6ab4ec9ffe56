//! What a survey of a directory printed, taken apart.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::observed::Capacity;
use crate::model::{Bytes, ContainerView};
use crate::providers::Scope;

use super::FORMAT;

/// The answer to a survey. Records end in NUL and their fields are set apart by tabs, the last of which may hold
/// anything; marks follow behind `contents`, one a line. Behind `still` are the names that are left where one could not be read.
#[derive(Debug, Default)]
pub struct Listing<'a> {
    /// Directories that do not exist, outermost first.
    pub missing: Vec<String>,
    pub identity: Option<Uuid>,
    /// Directories that this lineage made to take it into use, outermost first.
    pub makes: Vec<String>,
    pub epoch: Option<u64>,
    /// Size of a block, number of blocks, number of free ones.
    room: Option<[u64; 3]>,
    /// Everything else in the order in which it was printed: a tag and what stands behind it.
    pub records: Vec<(&'a str, &'a str)>,
    /// The names of the mark files.
    pub mark_names: BTreeSet<&'a str>,
    /// The lines in the mark files.
    pub contents: Vec<&'a str>,
}

/// How scripts begin every mark.
const MARK_BEGINS: &str = "{\"format\":";

/// What sets the names that are left apart from the contents of the marks.
const STILL: &str = "\0still\0";

#[derive(Deserialize)]
struct Card {
    format: u32,
    identity: Uuid,
}

impl<'a> Listing<'a> {
    /// # Errors
    /// Why the directory is not surveyed: the script failed, or printed what cannot be understood.
    pub fn parse(answer: &'a Answer) -> Result<Self, String> {
        if answer.status != 0 {
            let said = answer.stderr.trim();
            return Err(if said.is_empty() {
                format!("looking at it ended with status {}", answer.status)
            } else {
                said.to_owned()
            });
        }
        let mut listing = Listing::default();
        let mut text = answer.stdout.as_str();
        while let Some((record, behind)) = text.split_once('\0') {
            text = behind;
            if record == "contents" {
                let (contents, left) =
                    text.rsplit_once(STILL).map_or((text, None), |(c, left)| (c, Some(left)));
                listing.contents = contents.lines().filter(|line| !line.is_empty()).collect();
                if let Some(left) = left {
                    let left: BTreeSet<&str> = left.split_terminator('\0').collect();
                    listing.mark_names.retain(|name| left.contains(name));
                }
                return Ok(listing);
            }
            let (tag, rest) =
                record.split_once('\t').ok_or_else(|| format!("its survey holds the line {record:?}"))?;
            listing.take(tag, rest)?;
        }
        if !text.is_empty() || listing.missing.is_empty() {
            return Err("its survey broke off".to_owned());
        }
        Ok(listing)
    }

    fn take(&mut self, tag: &'a str, rest: &'a str) -> Result<(), String> {
        match tag {
            "missing" => self.missing.insert(0, rest.to_owned()),
            "identity" => self.identity = Some(identity(rest)?),
            "made" => self.makes.push(rest.to_owned()),
            "epoch" => {
                self.epoch =
                    Some(rest.parse().map_err(|_| format!("its epoch is {rest:?}, which is no number"))?);
            }
            "room" => self.room = Some(numbers(rest).ok_or_else(|| format!("its room is told as {rest:?}"))?),
            "mark" => {
                self.mark_names.insert(rest);
            }
            _ => self.records.push((tag, rest)),
        }
        Ok(())
    }

    /// The marks that can be understood. Where one broke off without a line end, what follows it on the line is read.
    pub fn marks<M: DeserializeOwned>(&self) -> Vec<M> {
        let read = |line: &str| serde_json::from_str(line).ok();
        let tail = |line: &str| line.rfind(MARK_BEGINS).filter(|at| *at > 0).and_then(|at| read(&line[at..]));
        self.contents.iter().filter_map(|line| read(line).or_else(|| tail(line))).collect()
    }

    /// The ids of all mark files.
    ///
    /// # Errors
    /// A file among the marks whose name is no id.
    pub fn marked_ids(&self) -> Result<BTreeSet<Uuid>, String> {
        let id = |name: &&str| {
            name.strip_suffix(".json")
                .and_then(|id| id.parse().ok())
                .ok_or_else(|| format!("the file {name:?} lies among its marks: move it away"))
        };
        self.mark_names.iter().map(id).collect()
    }

    /// What is wrong with the directory as a whole, if anything: then nothing in it is looked at.
    pub fn unusable(&self, scope: &Scope<'_>) -> Option<ContainerView> {
        let path = scope.container.text("path");
        let why = match (scope.identity, self.identity) {
            _ if !self.missing.is_empty() && !scope.container.makes_directory() => format!(
                "{path} does not exist: is the disk mounted? Set create = true to have the directory made"
            ),
            (Some(recorded), None) => format!(
                "{path} no longer says that it is {recorded}: the disk may not be mounted, or the path was edited"
            ),
            (Some(recorded), Some(found)) if recorded != found => {
                format!(
                    "{path} says that it is {found}, and {recorded} was recorded: another disk is mounted there, or the path was edited"
                )
            }
            _ => return None,
        };
        Some(ContainerView::Unsurveyed { why })
    }

    /// The room of the file system, with `ours` allocated and `promised` by marked files.
    pub fn capacity(&self, ours: Bytes, promised: Bytes) -> Option<Capacity> {
        let [block, _, free] = self.room?;
        let free = Bytes(block.saturating_mul(free));
        Some(Capacity::plain(free.saturating_add(ours), free, promised))
    }
}

fn identity(line: &str) -> Result<Uuid, String> {
    let card: Card = serde_json::from_str(line)
        .map_err(|error| format!("the file that says which one it is cannot be understood: {error}"))?;
    if card.format > FORMAT {
        return Err(format!("it was taken into use by a newer vbs (format {})", card.format));
    }
    Ok(card.identity)
}

/// Numbers between single spaces.
fn numbers<const N: usize>(text: &str) -> Option<[u64; N]> {
    let numbers: Vec<u64> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_went_before_it_was_read_is_not_missed_and_one_that_cannot_be_read_is() {
        let stdout =
            "mark\ta.json\0mark\tb.json\0mark\tc.json\0contents\0{\"a\":1}\n\0still\0a.json\0c.json\0";
        let answer = Answer { status: 0, stdout: stdout.to_owned(), stderr: String::new() };
        let listing = Listing::parse(&answer).unwrap();
        assert_eq!(listing.contents, ["{\"a\":1}"]);
        assert_eq!(listing.mark_names, BTreeSet::from(["a.json", "c.json"]));
    }
}
