//! Lists that are read as they are written, without being evaluated: `depends_on` and `ignore_changes`.

use hcl::edit::Span as _;
use hcl::edit::expr::Expression;

use super::address::address;
use super::read::Written;
use crate::diag::{Diagnostic, Diagnostics, Span, did_you_mean};
use crate::model::desired::IgnoreChanges;
use crate::model::{Address, Kind};

/// The addresses of `depends_on`, each with its place.
pub fn depends_on(written: &Written, title: &str, diagnostics: &mut Diagnostics) -> Vec<(Address, Span)> {
    let mut found = Vec::new();
    let Expression::Array(list) = &written.expression else {
        diagnostics.push(wrong_dependency(written.span, title));
        return found;
    };
    for element in list {
        let place = Span::new(written.file, element.span().unwrap_or_default());
        match address(element) {
            Some(address) => found.push((address, place)),
            None => diagnostics.push(wrong_dependency(place, title)),
        }
    }
    found
}

/// The attributes of `ignore_changes`.
pub fn ignore_changes(
    written: &Written,
    kind: Kind,
    title: &str,
    diagnostics: &mut Diagnostics,
) -> IgnoreChanges {
    if matches!(&written.expression, Expression::Variable(name) if name.as_str() == "all") {
        return IgnoreChanges::All;
    }
    let mut names = Vec::new();
    let known = ignorable(kind);
    let elements: Vec<&Expression> = match &written.expression {
        Expression::Array(list) => list.iter().collect(),
        other => vec![other],
    };
    for element in elements {
        let name = match element {
            Expression::Variable(name) => name.as_str(),
            Expression::String(name) => name.as_str(),
            _ => "",
        };
        if known.contains(&name) {
            names.push(name.to_owned());
            continue;
        }
        let hint = match did_you_mean(name, known.iter().copied()) {
            Some(name) => format!(" Did you mean {name}?"),
            None => String::new(),
        };
        diagnostics.push(
                Diagnostic::error(
                    "Invalid ignore_changes",
                    format!("Write a list of attributes that can change, such as [labels], or `all`. A {kind} has: {}.{hint}", known.join(", ")),
                )
                .at(Span::new(written.file, element.span().unwrap_or_default()), "no attribute that can change")
                .within(title),
            );
    }
    IgnoreChanges::Only(names)
}

/// The attributes of a kind that can differ between the configuration and the state.
fn ignorable(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Volume => &["labels", "name", "on_destroy", "pool", "size", "source"],
        Kind::Snapshot => &["labels", "name", "quiesce", "reserve", "volume"],
        Kind::Attachment => &["access", "bus", "device", "hypervisor", "shared", "snapshot", "vm", "volume"],
        Kind::Host | Kind::Pool | Kind::Export | Kind::Initiator | Kind::Hypervisor => &[],
    }
}

fn wrong_dependency(place: Span, title: &str) -> Diagnostic {
    Diagnostic::error(
        "Not an address",
        "`depends_on` is a list of addresses without quotes, such as [volume.db, volume.logs[\"a\"]]. Nothing is evaluated here.",
    )
    .at(place, "this is not an address")
    .within(title)
}
