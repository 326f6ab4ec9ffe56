//! The order of steps: edges, one deterministic order that respects them, and the point of no return.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

use super::step::{Claim, Step};
use crate::diag::Diagnostic;
use crate::model::Address;

/// Steps in order, with the edges between them as indices into that order.
#[derive(Debug, PartialEq, Eq)]
pub struct Ordered {
    pub steps: Vec<Step>,
    pub edges: Vec<(u32, u32)>,
}

/// Edges between steps that are still being collected.
#[derive(Debug, Default)]
pub struct Edges(BTreeSet<(usize, usize)>);

impl Edges {
    pub fn add(&mut self, before: usize, after: usize) {
        if before != after {
            self.0.insert((before, after));
        }
    }

    /// What frees a name goes before what takes it.
    pub fn add_claims(&mut self, steps: &[Step]) {
        let mut frees: BTreeMap<(&Address, &str), usize> = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            for claim in &step.claims {
                if let Claim::FreesName { container, name } = claim {
                    frees.insert((container, name), index);
                }
            }
        }
        for (index, step) in steps.iter().enumerate() {
            for claim in &step.claims {
                if let Claim::TakesName { container, name } = claim
                    && let Some(freed) = frees.get(&(container, name.as_str()))
                {
                    self.add(*freed, index);
                }
            }
        }
    }
}

/// Sorts the steps: what needs another comes after it, and what cannot be taken back, with all that needs it, comes
/// last. Where the edges leave a choice, the order in which the steps were given decides.
///
/// # Errors
/// Steps that wait for each other, naming every address on the cycle.
pub fn order(steps: Vec<Step>, edges: &Edges) -> Result<Ordered, Diagnostic> {
    let count = steps.len();
    let mut successors: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (before, after) in &edges.0 {
        successors[*before].push(*after);
    }
    let reversible: Vec<bool> = steps.iter().map(|step| !step.is_irreversible()).collect();
    let first = kahn(&successors, |index| (false, index));
    if first.len() < count {
        return Err(cycle(&steps, &successors));
    }
    let mut late: Vec<bool> = reversible.iter().map(|reversible| !reversible).collect();
    for index in &first {
        if late[*index] {
            for next in &successors[*index] {
                late[*next] = true;
            }
        }
    }
    let sorted = kahn(&successors, |index| (late[index], index));
    let mut place = vec![0u32; count];
    for (position, index) in (0u32..).zip(&sorted) {
        place[*index] = position;
    }
    let mut edges: Vec<(u32, u32)> = edges.0.iter().map(|(a, b)| (place[*a], place[*b])).collect();
    edges.sort_unstable();
    Ok(Ordered { steps: permute(steps, place), edges })
}

/// Puts every step where `place` says, without a second copy of them: plans can be large.
fn permute(mut steps: Vec<Step>, mut place: Vec<u32>) -> Vec<Step> {
    for index in 0..steps.len() {
        while place[index] as usize != index {
            let target = place[index] as usize;
            steps.swap(index, target);
            place.swap(index, target);
        }
    }
    steps
}

/// Kahn's algorithm with a priority queue: of the steps that are free to go, the one with the smallest key goes
/// first. Shorter than its input where there is a cycle.
fn kahn(successors: &[Vec<usize>], key: impl Fn(usize) -> (bool, usize)) -> Vec<usize> {
    let mut waiting = vec![0usize; successors.len()];
    for next in successors.iter().flatten() {
        waiting[*next] += 1;
    }
    let mut free: BinaryHeap<Reverse<(bool, usize)>> =
        (0..successors.len()).filter(|index| waiting[*index] == 0).map(|index| Reverse(key(index))).collect();
    let mut sorted = Vec::with_capacity(successors.len());
    while let Some(Reverse((_, index))) = free.pop() {
        sorted.push(index);
        for next in &successors[index] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                free.push(Reverse(key(*next)));
            }
        }
    }
    sorted
}

fn cycle(steps: &[Step], successors: &[Vec<usize>]) -> Diagnostic {
    let mut graph = DiGraph::<usize, ()>::new();
    let nodes: Vec<_> = (0..steps.len()).map(|index| graph.add_node(index)).collect();
    for (before, next) in successors.iter().enumerate() {
        for after in next {
            graph.add_edge(nodes[before], nodes[*after], ());
        }
    }
    let mut waiting: Vec<String> = tarjan_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1)
        .flatten()
        .map(|node| steps[graph[node]].object.address.to_string())
        .collect();
    waiting.sort();
    waiting.dedup();
    Diagnostic::error(
        "Steps wait for each other",
        format!(
            "Each of {} needs another of them to be changed first, as when two volumes exchange their names. Do it in \
             two applies: the first with one of them out of the way.",
            waiting.join(", ")
        ),
    )
}
