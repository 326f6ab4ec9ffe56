//! One volume goes and another just like it comes: most often somebody renamed a block.

use super::diff::{Change, Decision, Diff};
use crate::diag::Diagnostic;
use crate::model::{Body, Record};

/// Asks, for each pair, whether it was a rename, and shows the block that says so.
pub fn warn(found: &mut Diff) {
    let created: Vec<&Change> = found.changes.values().filter(|c| c.decision == Decision::Create).collect();
    let mut taken = std::collections::BTreeSet::new();
    let mut questions = Vec::new();
    for going in found.changes.values().filter(|change| change.decision == Decision::Destroy) {
        let Some(before) = &going.before else { continue };
        let twin = created.iter().find(|coming| {
            coming.after.as_ref().is_some_and(|after| alike(before, after)) && !taken.contains(&&coming.key)
        });
        if let Some(coming) = twin {
            taken.insert(&coming.key);
            questions.push(question(going, coming));
        }
    }
    found.diagnostics.extend(questions);
}

/// The same kind of thing in the same container with the same size or origin, under another label.
fn alike(before: &Record, after: &Record) -> bool {
    if before.object.container != after.object.container {
        return false;
    }
    match (&before.object.body, &after.object.body) {
        (Body::Volume(before), Body::Volume(after)) => {
            let source =
                |body: &crate::model::VolumeBody| body.source.as_ref().map(|source| source.address.clone());
            before.size == after.size && source(before) == source(after)
        }
        (Body::Snapshot(before), Body::Snapshot(after)) => before.origin.id == after.origin.id,
        _ => false,
    }
}

fn question(going: &Change, coming: &Change) -> Diagnostic {
    let (from, to) = (&going.key.address, &coming.key.address);
    Diagnostic::warning(
        "Was this a rename?",
        format!(
            "{from} would be destroyed and {to}, which looks just like it, made anew and empty. If you renamed the block, \
             add this to the configuration and plan again; then its data stays where it is:"
        ),
    )
    .literal("moved {")
    .literal(format!("  from = {from}"))
    .literal(format!("  to   = {to}"))
    .literal("}")
}
