//! Holding a proof against what was seen. Pure.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::model::{Address, ContainerView, Observed, Place};
use crate::plan::step::{Expectation, Proof};

/// What a fresh look says of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Done,
    NotDone,
    /// Neither proof holds: interrupted half-way, or somebody else changed it. The words say what was expected.
    Neither {
        missing: String,
    },
    /// It could not be looked at.
    Unknown {
        why: String,
    },
}

pub type Views = BTreeMap<Address, ContainerView>;

/// Our objects of every container that was looked at, by container and id.
pub struct Seen<'a> {
    views: &'a Views,
    objects: BTreeMap<(&'a Address, Uuid), &'a Observed>,
}

impl<'a> Seen<'a> {
    pub fn new(views: &'a Views, lineage: Uuid) -> Self {
        let mut objects = BTreeMap::new();
        for (container, view) in views {
            if let ContainerView::Present(surveyed) = view {
                for observed in surveyed.objects.iter().filter(|observed| observed.mark.lineage == lineage) {
                    objects.insert((container, observed.mark.id), observed);
                }
            }
        }
        Seen { views, objects }
    }

    pub fn object(&self, container: &Address, id: Uuid) -> Option<&'a Observed> {
        // The key borrows for as long as the views do, so the container's own copy of it is looked up first.
        let (container, _) = self.views.get_key_value(container)?;
        self.objects.get(&(container, id)).copied()
    }

    /// Whether anything of ours lies in the trash of a container.
    pub fn has_trash(&self, container: &Address) -> bool {
        self.objects.iter().any(|((at, _), observed)| *at == container && observed.place == Place::Trash)
    }

    /// Which of a step's two proofs holds. Where both do (a step that had nothing to do), it is done.
    pub fn finding(&self, proof: &Proof) -> Finding {
        for expectation in proof.done.iter().chain(&proof.not_done) {
            match self.views.get(expectation.container()) {
                None => {
                    return Finding::Unknown {
                        why: format!("{} was not looked at", expectation.container()),
                    };
                }
                Some(ContainerView::Unsurveyed { why }) => {
                    return Finding::Unknown { why: format!("{}: {why}", expectation.container()) };
                }
                Some(ContainerView::Fresh { .. } | ContainerView::Present(_)) => {}
            }
        }
        match (self.first_missing(&proof.done), self.first_missing(&proof.not_done)) {
            (None, _) => Finding::Done,
            (Some(_), None) => Finding::NotDone,
            (Some(missing), Some(_)) => Finding::Neither { missing },
        }
    }

    /// The first expectation that does not hold, in words.
    pub fn first_missing(&self, expectations: &[Expectation]) -> Option<String> {
        expectations.iter().find_map(|expectation| self.missing(expectation))
    }

    fn missing(&self, expectation: &Expectation) -> Option<String> {
        match expectation {
            Expectation::Shows { container, id, facts } => match self.object(container, *id) {
                None => Some(format!("{id} is not in {container}")),
                Some(observed) => {
                    let found = observed.facts();
                    let wrong = facts
                        .iter()
                        .find(|(name, value)| found.get(name).map(String::as_str) != Some(*value));
                    wrong.map(|(name, value)| {
                        let found = found.get(name).map_or("nothing", String::as_str);
                        format!("{name} of {id} in {container} is {found:?} and should be {value:?}")
                    })
                }
            },
            Expectation::Absent { container, id } => self
                .object(container, *id)
                .map(|observed| format!("{id} is still in {container} ({})", observed.place.word())),
            Expectation::Joined { container, identity } => match self.views.get(container) {
                Some(ContainerView::Present(surveyed))
                    if surveyed.identity == *identity && surveyed.epoch.is_some() =>
                {
                    None
                }
                _ => Some(format!("{container} is not in use by this workspace with identity {identity}")),
            },
            Expectation::NotJoined { container } => match self.views.get(container) {
                Some(ContainerView::Present(surveyed)) if surveyed.epoch.is_some() => {
                    Some(format!("{container} is still in use by this workspace"))
                }
                _ => None,
            },
        }
    }
}
