//! Volumes that several VMs have at once, and what is on them.

use std::collections::BTreeMap;

use super::diff::{Diff, LiveIndex};
use super::world::{Options, World};
use crate::diag::Diagnostic;
use crate::model::desired::{AttachmentSpec, Desired, Resource, Spec};
use crate::model::observed::FILE_SYSTEM;
use crate::model::{Access, Address, Kind};

/// File systems, by the names of `blkid`, that bear several hosts at once.
const OF_CLUSTERS: [&str; 5] = ["gfs", "gfs2", "ocfs2", "VMFS", "VMFS_volume_member"];

/// The volumes that several attachments have, at least one of which writes, with the first of those.
pub fn shared(desired: &Desired) -> BTreeMap<&Address, &Resource> {
    let mut users: BTreeMap<&Address, Vec<(&Resource, &AttachmentSpec)>> = BTreeMap::new();
    for resource in desired.resources.values() {
        if let Spec::Attachment(spec) = &resource.spec
            && spec.source.kind == Kind::Volume
        {
            users.entry(&spec.source).or_default().push((resource, spec));
        }
    }
    let writer = |users: Vec<(&'_ Resource, &AttachmentSpec)>| {
        users.iter().position(|(_, spec)| spec.access == Access::ReadWrite).filter(|_| users.len() > 1)
    };
    users.into_iter().filter_map(|(volume, users)| Some((volume, users[writer(users.clone())?].0))).collect()
}

/// Warns of file systems that one host alone may have.
pub fn check(world: &World<'_>, options: &Options, index: &LiveIndex<'_>, found: &mut Diff) {
    if options.destroy || options.refresh_only {
        return;
    }
    for (volume, writer) in shared(world.desired) {
        let id = world.desired.resources.get(volume).map(|resource| resource.id);
        let Some(observed) = id.and_then(|id| index.find(id)) else { continue };
        let types = observed.notes.get(FILE_SYSTEM).map(String::as_str).unwrap_or_default();
        let unsafe_ones: Vec<&str> =
            types.split_whitespace().filter(|name| !OF_CLUSTERS.contains(name)).collect();
        if unsafe_ones.is_empty() {
            continue;
        }
        found.diagnostics.push(
            Diagnostic::warning(
                "No file system for sharing",
                format!(
                    "{volume} is shared and holds {}. Such a file system expects to be alone: two VMs that have it mounted destroy it, one that writes and others that only read suffice, and nobody notices at first. Use GFS2 or OCFS2, attach it to one VM, or see to it that one VM at a time has it mounted.",
                    unsafe_ones.join(" and ")
                ),
            )
            .maybe_at(writer.place.attributes.get("shared").copied().or(writer.place.header), "this lets several VMs in")
            .within(writer.address.to_string()),
        );
    }
}
