//! Rules between things: names, directories, devices and writers that would collide; and names that nothing has.

use std::collections::BTreeMap;

use super::attributes;
use super::containers::absolute;
use super::world::{Entry, World};
use crate::diag::{Diagnostic, Diagnostics, Span, did_you_mean};
use crate::model::desired::{AttachmentSpec, Desired, Resource, Spec};
use crate::model::{Access, Address, ContainerSpec, HostName, Kind};

/// Addresses in `depends_on` that nothing has.
pub fn mentions(world: &World<'_>, diagnostics: &mut Diagnostics) {
    for block in world.declared.blocks.values() {
        for (address, span) in &block.depends_on {
            if let Some(problem) = dependency(world, address, *span) {
                diagnostics.push(problem.within(&block.title));
            }
        }
    }
}

fn dependency(world: &World<'_>, address: &Address, span: Span) -> Option<Diagnostic> {
    if world.declared.broken.contains(&address.block()) {
        return None;
    }
    let Some(block) = world.declared.blocks.get(&address.block()) else {
        let labels = world.declared.blocks.keys().filter(|other| other.kind == address.kind);
        let hint = match did_you_mean(&address.label, labels.map(|other| &*other.label)) {
            Some(label) => format!(" Did you mean {}.{label}?", address.kind),
            None => String::new(),
        };
        let detail = format!("Declare it, or take it out of the list.{hint}");
        let label = format!("no {} has this name", address.kind);
        return Some(Diagnostic::error("Unknown reference", detail).at(span, label));
    };
    let instances = world.instances.get(&address.block()).and_then(Option::as_ref);
    let found = match (&address.key, instances) {
        (None, _) => true,
        (Some(key), Some(instances)) => instances.contains_key(key),
        (Some(_), None) => block.is_repeated(),
    };
    (!found).then(|| {
        Diagnostic::error(
            "Unknown reference",
            format!("{} has no such instance. Name another one, or the whole block.", address.block()),
        )
        .at(span, "there is no such instance")
    })
}

/// The most dependencies that all instances have together, apart from those that their arguments name.
const MOST_DEPENDENCIES: usize = 10_000_000;

/// Writes the instances of a block in the place of the block in every `depends_on`.
pub fn name_instances(world: &World<'_>, desired: &mut Desired, diagnostics: &mut Diagnostics) {
    let mut room = MOST_DEPENDENCIES;
    for resource in desired.resources.values_mut() {
        let mut named: Vec<Address> = Vec::with_capacity(resource.depends_on.len());
        for address in &resource.depends_on {
            match world.instances.get(address) {
                Some(Some(all)) => {
                    named.extend(all.keys().take(room).map(|key| address.with_key(key.clone())))
                }
                Some(None) => {}
                None => named.push(address.clone()),
            }
        }
        room = room.saturating_sub(named.len());
        if room == 0 {
            let detail = "Every instance of this block waits for every instance of others, and together that is more than 10,000,000 pairs. Name single instances in `depends_on`, as in volume.data[\"a\"].";
            let problem = Diagnostic::error("Too many dependencies", detail);
            diagnostics.push(problem.maybe_at(resource.place.header, "this block waits for too many"));
            return;
        }
        resource.depends_on = named;
    }
}

/// All rules that hold between several things.
pub fn check(world: &World<'_>, diagnostics: &mut Diagnostics) {
    names(world, diagnostics);
    places(world, diagnostics);
    let mut disks = Disks::default();
    for (resource, spec) in attachments(world) {
        disks.add(world, resource, spec, diagnostics);
    }
    disks.sharing(world, diagnostics);
}

fn resources<'w>(world: &'w World<'_>) -> impl Iterator<Item = &'w Resource> {
    world.entries.values().filter_map(|entry| match entry {
        Entry::Resource(resolution) => Some(&resolution.resource),
        _ => None,
    })
}

fn attachments<'w>(world: &'w World<'_>) -> impl Iterator<Item = (&'w Resource, &'w AttachmentSpec)> {
    resources(world).filter_map(|resource| match &resource.spec {
        Spec::Attachment(spec) => Some((resource, spec)),
        _ => None,
    })
}

/// Where an attribute of a resource stands, or its block.
fn place(resource: &Resource, attribute: &'static str) -> Option<Span> {
    resource.place.attributes.get(attribute).copied().or(resource.place.header)
}

fn title(world: &World<'_>, address: &Address) -> String {
    world.block(address).map(|block| block.title.clone()).unwrap_or_default()
}

/// No two volumes or snapshots would be in one place of one host: the thick and thin volumes of a volume group share its
/// names.
fn names(world: &World<'_>, diagnostics: &mut Diagnostics) {
    let mut taken: BTreeMap<(&str, String), (&Address, &Resource)> = BTreeMap::new();
    for entry in world.entries.values() {
        let Entry::Resource(resolution) = entry else { continue };
        let resource = &resolution.resource;
        let (pool, name) = match &resource.spec {
            Spec::Volume(volume) => (&volume.pool, volume.name.as_str()),
            Spec::Snapshot(snapshot) => (&snapshot.pool, snapshot.name.as_str()),
            Spec::Attachment(_) => continue,
        };
        let (Some(path), Some(container)) = (attributes::path(world, resolution), world.container(pool))
        else {
            continue;
        };
        let key = (machine(world, &container.host), path.clone());
        let Some((other, first)) = taken.insert(key, (pool, resource)) else { continue };
        let shown =
            if other == pool { pool.to_string() } else { format!("{other} and {pool}, which is {path}") };
        let detail = format!(
            "{} and {} would both be {name:?} in {shown}. Names default to the label, with an instance's key behind it; write another `name` in one of the two.",
            first.address, resource.address
        );
        let mut problem = Diagnostic::error("Name used twice", detail)
            .maybe_at(place(resource, "name"), format!("{} is {name:?} too", resource.address))
            .within(title(world, &resource.address));
        if let Some(span) = place(first, "name") {
            problem = problem.related(span, format!("{} is {name:?}", first.address));
        }
        diagnostics.push(problem);
    }
}

/// No two pools or hypervisors of one host share a directory or a volume group's part, and none is inside of another's
/// own `.vbs`.
fn places(world: &World<'_>, diagnostics: &mut Diagnostics) {
    let mut seen: BTreeMap<(&str, &str, String), &ContainerSpec> = BTreeMap::new();
    let machine = |container: &ContainerSpec| machine(world, &container.host);
    let containers = || {
        world.entries.values().filter_map(|entry| match entry {
            Entry::Container(container) => Some((container, occupied(world, container)?)),
            _ => None,
        })
    };
    for (container, (attribute, place)) in containers() {
        if let Some(first) = seen.insert((machine(container), attribute, place.clone()), container) {
            let both = format!("{} and {} are both", first.address, container.address);
            let alone = "Each keeps its own marks and locks there, so";
            let (summary, detail) = match attribute {
                "path" => {
                    let detail = format!("{both} in {place}. {alone} they need directories of their own.");
                    ("Directory used twice", detail)
                }
                "socket" => {
                    let cure = "Write one block, and name it in the attachments of all of these VMs.";
                    let why = "Each would take the other's disks for its own that lost their marks.";
                    ("Socket used twice", format!("{both} for the VMs at {place}. {why} {cure}"))
                }
                "uri" => {
                    let cure = "Write one block, and name it in the attachments of all of its VMs.";
                    let why = "Each would take the other's disks for its own that lost their marks.";
                    ("Hypervisor used twice", format!("{both} for the VMs of {place}. {why} {cure}"))
                }
                _ => {
                    let cure = "use one of them for both, or another volume group or thin pool";
                    ("Volume group used twice", format!("{both} in {place}. {alone} {cure}."))
                }
            };
            diagnostics.push(shared(world, summary, first, container, detail));
        }
    }
    for (container, (attribute, path)) in containers().filter(|(_, (attribute, _))| *attribute == "path") {
        let Some((outer, inner)) = path.split_once("/.vbs") else { continue };
        let inside = inner.chars().next().is_none_or(|c| c == '/');
        let outer = if outer.is_empty() { "/" } else { outer };
        let outermost = (machine(container), attribute, outer.to_owned());
        if let Some(first) = seen.get(&outermost).filter(|_| inside) {
            let detail = format!(
                "{} keeps its own files in {outer}/.vbs, trash included. Choose a directory outside of it.",
                first.address
            );
            diagnostics.push(shared(world, "Directory inside of another's", first, container, detail));
        }
    }
}

/// What a container has for itself: the attribute that says so, and its name.
fn occupied(world: &World<'_>, container: &ContainerSpec) -> Option<(&'static str, String)> {
    let (attribute, mut place) = (world.schema(&container.address)?.occupies)(container);
    if attribute == "socket" && place.starts_with('/') {
        // A path by any other spelling; those of directories have been brought into one.
        place = absolute("", &place);
    }
    (!place.is_empty()).then_some((attribute, place))
}

/// The address of a host; empty for this machine, which may have a block as well.
fn machine<'w>(world: &'w World<'_>, host: &HostName) -> &'w str {
    match world.entries.get(&Address::new(Kind::Host, &host.0)) {
        Some(Entry::Host(spec)) => spec.address.as_deref().unwrap_or_default(),
        _ => "",
    }
}

fn shared(
    world: &World<'_>,
    summary: &'static str,
    first: &ContainerSpec,
    second: &ContainerSpec,
    detail: String,
) -> Diagnostic {
    let (attribute, _) = occupied(world, second).unwrap_or(("path", String::new()));
    let called = match attribute {
        "path" => "the directory",
        "socket" => "the socket",
        "uri" => "the hypervisor",
        _ => "the place",
    };
    let place = |container: &ContainerSpec| {
        let block = world.declared.blocks.get(&container.address)?;
        Some(block.attributes.get(attribute).map_or(block.header, |written| written.span))
    };
    let mut problem = Diagnostic::error(summary, detail)
        .maybe_at(place(second), format!("{called} of {}", second.address))
        .within(title(world, &second.address));
    if let Some(span) = place(first) {
        problem = problem.related(span, format!("{called} of {}", first.address));
    }
    problem
}

/// What attachments have taken so far.
#[derive(Default)]
struct Disks<'w> {
    devices: BTreeMap<(&'w Address, &'w str, &'w str), &'w Resource>,
    users: BTreeMap<&'w Address, Vec<(&'w Resource, &'w AttachmentSpec)>>,
}

impl<'w> Disks<'w> {
    fn add(
        &mut self,
        world: &World<'_>,
        resource: &'w Resource,
        spec: &'w AttachmentSpec,
        diagnostics: &mut Diagnostics,
    ) {
        if spec.source.kind == Kind::Volume {
            self.users.entry(&spec.source).or_default().push((resource, spec));
        }
        let key = (&spec.hypervisor, spec.vm.as_str(), spec.device.as_str());
        let Some(first) = self.devices.insert(key, resource) else { return };
        let detail = format!(
            "{} and {} are both {} of the VM {} on {}. Choose another device for one of the two.",
            first.address, resource.address, spec.device, spec.vm, spec.hypervisor
        );
        let mut problem = Diagnostic::error("Device used twice", detail)
            .maybe_at(place(resource, "device"), format!("{} takes {} too", resource.address, spec.device))
            .within(title(world, &resource.address));
        if let Some(span) = place(first, "device") {
            problem = problem.related(span, format!("{} takes {}", first.address, spec.device));
        }
        diagnostics.push(problem);
    }

    /// Two writers, or one of several that says `shared = true`: all say it, also who only reads, and all hypervisors can do
    /// it. One reader beside a writer need not, where the hypervisor does not mind.
    fn sharing(&self, world: &World<'_>, diagnostics: &mut Diagnostics) {
        let must_say = |users: &&Vec<(&Resource, &AttachmentSpec)>| {
            let writers = users.iter().filter(|(_, spec)| spec.access == Access::ReadWrite).count();
            let minds = |spec: &AttachmentSpec| {
                world.schema(&spec.hypervisor).is_some_and(|schema| schema.traits.minds_sharing)
            };
            users.len() > 1 && (writers > 1 || users.iter().any(|(_, spec)| spec.shared || minds(spec)))
        };
        for (volume, users) in self.users.iter().filter(|(_, users)| must_say(users)) {
            let Some((silent, _)) = users.iter().find(|(_, spec)| !spec.shared) else { continue };
            let Some((other, _)) = users.iter().find(|(user, _)| user.address != silent.address) else {
                continue;
            };
            let names: Vec<String> =
                users.iter().take(10).map(|(user, _)| user.address.to_string()).collect();
            let detail = format!(
                "{volume} is attached by {}. Two writers destroy a file system that is not made for it, and a reader sees one that changes under it. Attach it once, or, where a cluster's file system is on it or nobody writes, write `shared = true` in all of these attachments.",
                names.join(", ")
            );
            let mut problem = Diagnostic::error("Not shared", detail)
                .maybe_at(place(silent, "volume"), format!("{} does not say `shared = true`", silent.address))
                .within(title(world, &silent.address));
            if let Some(span) = place(other, "volume") {
                problem = problem.related(span, format!("{} attaches it too", other.address));
            }
            diagnostics.push(problem);
        }
        for (resource, spec) in self.users.values().flatten().filter(|(_, spec)| spec.shared) {
            let schema = world.schema(&spec.hypervisor).zip(world.container(&spec.hypervisor));
            let Some(Err(why)) = schema.map(|(schema, there)| (schema.check_shared)(there, spec)) else {
                continue;
            };
            let detail = format!(
                "{} cannot attach {} as one of several: {why}. Attach it here alone, without `shared`.",
                spec.hypervisor, spec.source
            );
            let problem = Diagnostic::error("Cannot be shared", detail)
                .maybe_at(place(resource, "shared"), "this cannot be honoured here")
                .within(title(world, &resource.address));
            diagnostics.push(problem);
        }
    }
}
