//! `moved` blocks: an address that is another one's continuation.

use std::collections::BTreeMap;

use super::address::address;
use super::read::{Parts, Written};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::model::Address;

/// What was `from` is `to` now. Both are blocks, or both name instances, or one of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub from: Address,
    pub to: Address,
    /// The block's header.
    pub span: Span,
}

/// Reads one `moved` block; nothing where it has problems, which are reported.
pub fn read(parts: &Parts, diagnostics: &mut Diagnostics) -> Option<Move> {
    let from = end(parts, "from", diagnostics);
    let to = end(parts, "to", diagnostics);
    let (from, to) = (from?, to?);
    let place = parts.attributes.get("to").map(|written| written.span);
    let problem = if from == to {
        "An address cannot move to itself. Remove the block, or correct one of the two addresses."
    } else if from.kind != to.kind {
        "A thing cannot become a thing of another kind: its data stays what it is. Both addresses must be of one kind."
    } else {
        return Some(Move { from, to, span: parts.header });
    };
    diagnostics.push(
        Diagnostic::error("Impossible move", problem)
            .maybe_at(place, format!("moved here from {from}"))
            .within(&parts.title),
    );
    None
}

fn end(parts: &Parts, name: &str, diagnostics: &mut Diagnostics) -> Option<Address> {
    let written: &Written = parts.attributes.get(name)?;
    match address(&written.expression) {
        Some(address) if address.kind.is_resource() => Some(address),
        Some(address) => {
            diagnostics.push(
                Diagnostic::error(
                    "Impossible move",
                    "Hosts, pools and hypervisors hold things and are known by where they are, so they need no `moved`: change the block's name. Only volumes, snapshots and attachments move.",
                )
                .at(written.span, format!("a {} does not move", address.kind))
                .within(&parts.title),
            );
            None
        }
        None => {
            diagnostics.push(
                Diagnostic::error(
                    "Not an address",
                    "Write an address without quotes, such as volume.db, volume.db[\"a\"] or volume.db[0]. Nothing is evaluated here.",
                )
                .at(written.span, "this is not an address")
                .within(&parts.title),
            );
            None
        }
    }
}

/// What is wrong between moves: two from or to one address, and circles.
pub fn check(moves: &[Move], diagnostics: &mut Diagnostics) {
    for (end, word) in [(Move::origin as fn(&Move) -> &Address, "from"), (Move::destination, "to")] {
        let mut seen: BTreeMap<&Address, Span> = BTreeMap::new();
        for item in moves {
            let Some(first) = seen.insert(end(item), item.span) else { continue };
            diagnostics.push(
                Diagnostic::error(
                    "Conflicting moves",
                    format!("Two `moved` blocks move {word} {}, so it cannot be told which one is meant. Remove one of them.", end(item)),
                )
                .at(item.span, "moved again here")
                .related(first, "first moved here"),
            );
        }
    }
    circles(moves, diagnostics);
}

fn circles(moves: &[Move], diagnostics: &mut Diagnostics) {
    let next: BTreeMap<&Address, &Move> = moves.iter().map(|item| (&item.from, item)).collect();
    let mut done: BTreeMap<&Address, usize> = BTreeMap::new();
    for (walk, start) in moves.iter().enumerate() {
        let mut path: Vec<&Move> = Vec::new();
        let mut here = Some(start);
        while let Some(item) = here {
            match done.get(&item.from) {
                Some(seen) if *seen == walk => {
                    let circle = path.iter().skip_while(|step| step.from != item.from);
                    let names: Vec<String> =
                        circle.map(|step| step.from.to_string()).chain([item.from.to_string()]).collect();
                    diagnostics.push(
                        Diagnostic::error(
                            "Moves in a circle",
                            format!(
                                "{}. Nothing is at the end of this chain. Remove one of the `moved` blocks.",
                                names.join(" -> ")
                            ),
                        )
                        .at(item.span, "this move is part of a circle"),
                    );
                    break;
                }
                Some(_) => break,
                None => {
                    done.insert(&item.from, walk);
                    path.push(item);
                    here = next.get(&item.to).copied();
                }
            }
        }
    }
}

impl Move {
    fn origin(&self) -> &Address {
        &self.from
    }

    fn destination(&self) -> &Address {
        &self.to
    }
}
