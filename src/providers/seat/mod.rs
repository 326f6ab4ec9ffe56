//! What providers share whose objects live in a tool and not in a directory: targets, logins, disks of a running VM. Their
//! guard, epochs and marks lie in a *seat*, a directory of vbs on the host ([`ProviderSchema::seat`]), which is taken into
//! use and left like a directory of images.
//!
//! A mark holds the whole body as it was made. It is written before the tool is touched and goes last, so whatever a tool
//! has of ours is known for ours, and a mark without anything says that a command was interrupted.
//!
//! [`ProviderSchema::seat`]: crate::model::schema::ProviderSchema::seat

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::observed::VmView;
use crate::model::{Body, ContainerView, Health, Mark, Object, Observed, Place, Surveyed};
use crate::providers::Scope;
use crate::providers::store::{self, FORMAT, Listing};

/// A mark, `<seat>/.vbs/<id>.json`: one line of JSON. `save_seated` in `scripts/seat.sh` writes its beginning.
#[derive(Debug, Clone, Deserialize)]
pub struct SeatedMark {
    pub format: u32,
    pub lineage: Uuid,
    pub id: Uuid,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rest {
    workspace: String,
    /// `volume.db/export`, or an address alone.
    key: String,
    body: Body,
}

/// The mark of an object behind what scripts write: an argument of the verb that makes it, called `mark`.
pub fn mark_of(object: &Object, workspace: &str) -> String {
    let key = match object.key.is_primary() {
        true => object.key.address.to_string(),
        false => object.key.to_string(),
    };
    let rest = Rest { workspace: workspace.to_owned(), key, body: object.body.clone() };
    // Strings, numbers and ids have no form that JSON lacks.
    serde_json::to_string(&rest).map(|text| text[1..].to_owned()).unwrap_or_default()
}

impl SeatedMark {
    /// As the object was made.
    pub fn body(&self) -> &Body {
        &self.rest.body
    }

    /// The object where the tool has it no more: its mark is left, and with it whatever was saved of it.
    pub fn vanished(&self) -> Observed {
        self.observed(Place::Vanished, self.rest.body.clone(), Health::Good)
    }

    /// The object as it is now.
    pub fn observed(&self, place: Place, body: Body, health: Health) -> Observed {
        let mark = Mark {
            lineage: self.lineage,
            id: self.id,
            workspace: self.rest.workspace.clone(),
            address: self.rest.key.clone(),
        };
        Observed { mark, place, body, health, open: false, notes: Default::default() }
    }
}

/// What a survey of a seat printed: [`Listing`] and the marks in it.
pub struct Seat<'a> {
    pub listing: Listing<'a>,
    pub marks: Vec<SeatedMark>,
}

/// What there is in a container, as a provider's reader found it.
#[derive(Debug, Default)]
pub struct Contents {
    pub objects: Vec<Observed>,
    /// See [`Surveyed::foreign`].
    pub foreign: BTreeSet<String>,
    /// See [`Surveyed::vms`].
    pub vms: BTreeMap<String, VmView>,
}

/// Reads a survey: `understand` makes objects of the marks and of what the tool said.
pub fn view(
    scope: &Scope<'_>,
    answers: &[Answer],
    understand: impl FnOnce(&Seat<'_>) -> Result<Contents, String>,
) -> ContainerView {
    let read = match answers {
        [answer] => Listing::parse(answer).and_then(|listing| seen(scope, listing, understand)),
        _ => Err(format!("{} answers came to one question", answers.len())),
    };
    read.unwrap_or_else(|why| ContainerView::Unsurveyed { why })
}

fn seen(
    scope: &Scope<'_>,
    listing: Listing<'_>,
    understand: impl FnOnce(&Seat<'_>) -> Result<Contents, String>,
) -> Result<ContainerView, String> {
    if let Some(unusable) = listing.unusable(scope) {
        return Ok(unusable);
    }
    let marks: Vec<SeatedMark> = listing.marks();
    if let Some(mark) = marks.iter().find(|mark| mark.format > FORMAT) {
        return Err(format!("the mark {}.json was written by a newer vbs (format {})", mark.id, mark.format));
    }
    let mut unread = listing.marked_ids()?;
    for mark in &marks {
        unread.remove(&mark.id);
    }
    if let Some(id) = unread.first() {
        return Err(format!(
            "its mark .vbs/{id}.json cannot be understood: it was altered, or its disk is damaged"
        ));
    }
    let seat = Seat { listing, marks };
    let Contents { objects, foreign, vms } = understand(&seat)?;
    let Listing { missing, identity, makes, epoch, .. } = seat.listing;
    Ok(match identity {
        None => ContainerView::Fresh { missing, foreign, capacity: None, strangers: Vec::new(), vms },
        Some(identity) => ContainerView::Present(Surveyed {
            identity,
            makes,
            epoch,
            objects,
            foreign,
            capacity: None,
            strangers: Vec::new(),
            vms,
        }),
    })
}

/// What was found in place of an object.
pub fn replaced(found: impl Into<String>) -> Health {
    store::replaced(found)
}
