//! Which steps may run now: the graph, walked forward or backward, with one frame at a guard and a bound on all.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::HostName;
use crate::model::command::GuardDirectory;
use crate::plan::Plan;
use crate::plan::step::Holds;

/// The direction in which edges are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Forward,
    Backward,
}

/// What a step keeps to itself: a guard, or only itself.
type Guard = (HostName, GuardDirectory, Option<usize>);

fn guard_of(plan: &Plan, index: usize) -> Guard {
    let step = &plan.steps[index];
    let alone = match step.holds {
        Holds::Guard => None,
        Holds::Object => Some(index),
    };
    (step.host.clone(), step.guard.clone(), alone)
}

/// The steps still to be run in one pass, as a ready queue over the plan's edges.
pub struct Dispatch {
    /// How many steps of the pass each step waits for.
    waiting: BTreeMap<usize, usize>,
    followers: BTreeMap<usize, Vec<usize>>,
    /// By guard; within one by rank. Forward the rank is the index, backward the index from the end.
    ready: BTreeMap<Guard, BTreeSet<(usize, usize)>>,
    busy: BTreeSet<Guard>,
    running: usize,
    parallelism: usize,
    way: Way,
    count: usize,
}

impl Dispatch {
    /// A pass over `chosen` steps. Steps that are not chosen hold nobody up.
    pub fn new(plan: &Plan, chosen: &BTreeSet<usize>, way: Way, parallelism: usize) -> Self {
        let mut waiting: BTreeMap<usize, usize> = chosen.iter().map(|index| (*index, 0)).collect();
        let mut followers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (before, after) in &plan.edges {
            let (first, then) = match way {
                Way::Forward => (*before as usize, *after as usize),
                Way::Backward => (*after as usize, *before as usize),
            };
            if chosen.contains(&first) && chosen.contains(&then) {
                *waiting.entry(then).or_default() += 1;
                followers.entry(first).or_default().push(then);
            }
        }
        let count = plan.steps.len();
        let mut dispatch = Dispatch {
            ready: BTreeMap::new(),
            busy: BTreeSet::new(),
            running: 0,
            parallelism: parallelism.max(1),
            waiting,
            followers,
            way,
            count,
        };
        let free: Vec<usize> =
            dispatch.waiting.iter().filter(|(_, waits)| **waits == 0).map(|(index, _)| *index).collect();
        for index in free {
            dispatch.make_ready(plan, index);
        }
        dispatch
    }

    fn make_ready(&mut self, plan: &Plan, index: usize) {
        let rank = match self.way {
            Way::Forward => index,
            Way::Backward => self.count - index,
        };
        self.ready.entry(guard_of(plan, index)).or_default().insert((rank, index));
    }

    /// Takes every step that may start now, at most one a guard.
    pub fn take(&mut self) -> Vec<usize> {
        let mut free: Vec<((usize, usize), Guard)> = self
            .ready
            .iter()
            .filter(|(guard, _)| !self.busy.contains(*guard))
            .filter_map(|(guard, waiting)| Some((*waiting.first()?, guard.clone())))
            .collect();
        free.sort();
        free.truncate(self.parallelism.saturating_sub(self.running));
        for (place, guard) in &free {
            if let Some(waiting) = self.ready.get_mut(guard) {
                waiting.remove(place);
                if waiting.is_empty() {
                    self.ready.remove(guard);
                }
            }
            self.busy.insert(guard.clone());
            self.running += 1;
        }
        free.into_iter().map(|((_, index), _)| index).collect()
    }

    /// A step ended, one way or another: its guard is free.
    pub fn ended(&mut self, plan: &Plan, index: usize) {
        self.busy.remove(&guard_of(plan, index));
        self.running -= 1;
    }

    /// A step ended well: what waited for it may go on.
    pub fn release(&mut self, plan: &Plan, index: usize) {
        for follower in self.followers.remove(&index).unwrap_or_default() {
            if let Some(waits) = self.waiting.get_mut(&follower) {
                *waits -= 1;
                if *waits == 0 {
                    self.make_ready(plan, follower);
                }
            }
        }
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub fn is_running(&self) -> bool {
        self.running > 0
    }
}
