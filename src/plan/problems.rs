//! What a comparison can find wrong, in words.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::diff::occupies;
use super::step::{Claim, Step};
use super::world::World;
use crate::diag::Diagnostic;
use crate::model::{
    Address, Bus, ContainerView, Mark, Object, ObjectKey, Observed, Place, Record, Stranger, quote,
};

/// The summary of what is marked as ours and not in the state.
pub const UNRECORDED: &str = "Ours but not recorded";

pub fn at_block(
    world: &World<'_>,
    address: &Address,
    diagnostic: Diagnostic,
    attribute: &str,
    text: &str,
) -> Diagnostic {
    let Some(resource) = world.desired.resources.get(address) else { return diagnostic };
    let span = resource.place.attributes.get(attribute).copied().or(resource.place.header);
    diagnostic.maybe_at(span, text).within(format!("{} {:?}", address.kind, address.label))
}

pub fn foreign(world: &World<'_>, wanted: &Record) -> Diagnostic {
    let address = &wanted.object.key.address;
    let name = occupies(&wanted.object.body).unwrap_or_default();
    let container = &wanted.object.container;
    let detail = match marked_by_another(world, container, &name) {
        Some(mark) => format!(
            "{address} wants the name {name:?} in {container}, and {} of workspace {:?} with another state has it (id {}). \
             vbs never takes over what another state owns. If that was this workspace's own state, which was lost, \
             `vbs state rebuild` writes it anew. Otherwise choose another name for {address}.",
            mark.address, mark.workspace, mark.id
        ),
        None => format!(
            "{address} wants the name {name:?} in {container}, and something that vbs did not make is there. vbs never \
             overwrites what it did not make{}. Otherwise choose another name for {address}, or move the other thing away.",
            adoption(world, wanted, &name)
        ),
    };
    at_block(
        world,
        address,
        Diagnostic::error("Already exists and is not ours", detail),
        "name",
        "this name is taken",
    )
}

/// Whether what has the name could be adopted, as the end of a sentence.
fn adoption(world: &World<'_>, wanted: &Record, name: &str) -> String {
    let Object { key, container, .. } = &wanted.object;
    let strangers = world.live.get(container).map(ContainerView::strangers).unwrap_or_default();
    match strangers.iter().find(|stranger| stranger.name == name && stranger.kind() == key.address.kind) {
        Some(Stranger { why_not: None, .. }) => {
            let words = [key.address.to_string(), name.to_owned()]
                .map(|word| quote::where_needed(&word).unwrap_or(word));
            format!(
                ", and adopts it only when asked to: if it is what {} is to be, run `vbs import {}`",
                key.address,
                words.join(" ")
            )
        }
        Some(Stranger { why_not: Some(why), .. }) => format!(", and cannot adopt it ({why})"),
        None => String::new(),
    }
}

/// The mark of what has this name, where another state made it.
fn marked_by_another<'a>(world: &World<'a>, container: &Address, name: &str) -> Option<&'a Mark> {
    let ContainerView::Present(surveyed) = world.live.get(container)? else { return None };
    let other = |observed: &&Observed| {
        observed.mark.lineage != world.lineage && occupies(&observed.body).as_deref() == Some(name)
    };
    surveyed.objects.iter().find(other).map(|observed| &observed.mark)
}

pub fn unrecorded(found: &[&Observed]) -> Diagnostic {
    let mark = |observed: &&Observed| {
        format!("{} (id {}, {})", observed.mark.address, observed.mark.id, observed.place.word())
    };
    Diagnostic::error(
        UNRECORDED,
        format!(
            "What is marked as this workspace's exists, and the state does not know it: {}. An interrupted run or a lost \
             or older state is the usual cause; making it again would leave two. `vbs recover` closes an interrupted run; \
             `vbs state rebuild` writes the state anew from the marks.",
            some(found.iter().map(mark))
        ),
    )
}

/// What the state forgets, though something stands in its place that may be the thing without its mark.
pub fn left_behind(recorded: &Record) -> Diagnostic {
    let object = &recorded.object;
    Diagnostic::warning(
        "Something is left behind",
        format!(
            "{} is not found under its mark in {}, so there is nothing to destroy and the state forgets it. But \
             something without its mark has its name, {:?}: if that is the thing itself, its mark was lost, and it stays \
             where it is. vbs does not touch it; look at it and remove it by hand if it is not needed.",
            object.key.address,
            object.container,
            occupies(&object.body).unwrap_or_default()
        ),
    )
}

/// The first few of many.
fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let count = names.len();
    let mut shown: Vec<String> = names.take(SHOWN).collect();
    if count > SHOWN {
        shown.push(format!("{} more", count - SHOWN));
    }
    shown.join(", ")
}

pub fn lost_data(world: &World<'_>, recorded: &Record, observed: &Observed) -> Diagnostic {
    let address = &recorded.object.key.address;
    let detail = format!(
        "{address} is {} and was made {}: somebody cut it off, and what lay beyond is gone. Growing it back would only \
         hide that. If a snapshot of it is left, `vbs apply --restore {address}=SNAPSHOT` brings the content back; from a \
         backup, put the whole image back in place. To go on with what is left, run `vbs apply --refresh-only`, which \
         records the size as it is; after that it can grow again.",
        observed.body.size(),
        recorded.object.body.size(),
    );
    at_block(
        world,
        address,
        Diagnostic::error("Smaller than it was made", detail),
        "size",
        "data was cut off",
    )
}

pub fn vanished(world: &World<'_>, recorded: &Record) -> Diagnostic {
    let address = &recorded.object.key.address;
    let detail = format!(
        "{address} was made in {} (name {:?}, id {}) and is not there any more, though {} itself is. Its data may be \
         gone. If it was moved, put it back. To make it anew without that data run again with --recreate '{address}'; to stop \
         managing it run `vbs state rm '{address}'`.",
        recorded.object.container,
        recorded.object.body.name().unwrap_or_default(),
        recorded.object.id,
        recorded.object.container,
    );
    at_block(
        world,
        address,
        Diagnostic::error("Vanished", detail),
        "",
        "this exists in the state, but not on the host",
    )
}

pub fn twice(key: &ObjectKey, containers: &[&Address]) -> Diagnostic {
    Diagnostic::error(
        "One id twice",
        format!(
            "Two objects carry the id of {}: in {}. One is a copy that was made outside of vbs, and vbs cannot tell \
             which. Remove the copy's mark, or the copy.",
            key.address,
            containers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        ),
    )
}

pub fn unsurveyed(container: &Address, why: &str, addresses: &BTreeSet<Address>) -> Diagnostic {
    // It may end with a question that leads to the cause.
    let stop = if why.ends_with('?') { "" } else { "." };
    Diagnostic::error(
        "Cannot be looked at",
        format!(
            "{container}: {why}{stop} What cannot be looked at is never taken for absent, so nothing is planned for {}. Mend \
             it, or leave it out of a plan or an apply with --exclude {container}.",
            some(addresses.iter().map(ToString::to_string))
        ),
    )
}

pub fn protected(world: &World<'_>, recorded: &Record, what: &str, declared: bool) -> Diagnostic {
    let address = &recorded.object.key.address;
    let lift = if declared {
        "Set prevent_destroy to false in its lifecycle block and apply; then it can be destroyed."
    } else {
        "The state remembers the protection, also after the block was removed: declare the block again with \
         prevent_destroy = false, apply, and then remove it."
    };
    let detail = format!("{address} would {what}, and it is protected by prevent_destroy. {lift}");
    at_block(
        world,
        address,
        Diagnostic::error("Protected from destruction", detail),
        "prevent_destroy",
        "protected",
    )
}

pub fn misplaced(key: &ObjectKey, observed: &Observed) -> Diagnostic {
    let place = match observed.place {
        Place::Live => "in its place",
        Place::Staged => "there, but not under its name",
        Place::Trash => "in the trash",
        Place::Vanished => "gone, and only its mark is left",
    };
    Diagnostic::error(
        "Not in its place",
        format!(
            "{} is recorded as in use, but it is {place} (id {}). An interrupted run or somebody's hand did that. Run \
             `vbs recover`; if that finds nothing to do, `vbs state rebuild` writes the state from what is there.",
            key.address, observed.mark.id
        ),
    )
}

pub fn replaced(key: &ObjectKey, observed: &Observed, found: &str) -> Diagnostic {
    let address = &key.address;
    Diagnostic::error(
        "Replaced by something else",
        format!(
            "Where {address} was made (id {}) there is {found}. vbs did not make that, so it changes and destroys nothing \
             of it. If you know where the original is, put it back; otherwise move the other thing away, and then make \
             {address} anew with --recreate '{address}', or forget it with `vbs state rm '{address}'`.",
            observed.mark.id
        ),
    )
}

pub fn open(world: &World<'_>, recorded: &Record, what: &str) -> Diagnostic {
    let address = &recorded.object.key.address;
    let detail = format!(
        "{address} would {what}, and somebody on its host has it open: a mounted file system, an export or a guest that \
         vbs does not know. Whoever uses it would lose data. Unmount or close it there, then run again."
    );
    at_block(world, address, Diagnostic::error("In use", detail), "", "is open on its host")
}

/// A VM that can take no disk now.
pub fn vm_off(world: &World<'_>, address: &Address, why: &str) -> Diagnostic {
    let detail = format!(
        "{address} cannot be attached: {why}. What runs without a configuration of its own has disks only while it runs, \
         so there is nothing to attach to. Mend that, or leave the attachment out with --exclude '{address}'."
    );
    at_block(world, address, Diagnostic::error("The VM cannot take a disk", detail), "vm", "this VM")
}

pub fn no_slot(
    world: &World<'_>,
    address: &Address,
    (vm, bus): (&str, Bus),
    room: usize,
    todo: &str,
) -> Diagnostic {
    let room = if room == 0 { "no room".to_owned() } else { format!("room for {room} more") };
    let detail = format!("{address} does not fit: VM {vm} has {room} on its {} bus. {todo}.", bus.word());
    at_block(world, address, Diagnostic::error("No room for a disk", detail), "bus", "this bus is full")
}

/// A snapshot that was to be taken of a frozen guest, whom nobody can freeze.
pub fn not_frozen(world: &World<'_>, address: &Address, disk: &Address, why: &str) -> Diagnostic {
    let detail = format!(
        "{address} is to be taken while the guest of {disk} has its file systems frozen (quiesce = \"guest\"), and {why}. Mend \
         that, or write quiesce = \"none\" and stop or freeze the guest yourself where it matters."
    );
    at_block(
        world,
        address,
        Diagnostic::error("The guest cannot be frozen", detail),
        "quiesce",
        "this needs its agent",
    )
}

/// A snapshot whose data is lost gives nothing any more.
pub fn broken(world: &World<'_>, address: &Address, snapshot: &Address, why: &str) -> Diagnostic {
    let detail = format!(
        "{address} would get its content from {snapshot}, and that is broken: {why}. What it held is lost. Destroy \
         {snapshot} and take another one, or use one that is whole."
    );
    at_block(world, address, Diagnostic::error("Broken source", detail), "source", "this is broken")
}

pub fn needs_replacement(
    world: &World<'_>,
    wanted: &Record,
    recorded: &Record,
    observed: &Observed,
    forcing: &[&'static str],
) -> Diagnostic {
    let address = &wanted.object.key.address;
    let attribute = forcing.first().copied().unwrap_or_default();
    let what = match attribute {
        "size" => format!(
            "It is {} and would become {}: shrinking cuts data off, and vbs never does it",
            observed.body.size(),
            wanted.object.body.size()
        ),
        "pool" => format!(
            "It is in {} and would be in {}: vbs does not move data between pools",
            recorded.object.container, wanted.object.container
        ),
        _ => format!(
            "Its content was made when it was created, and another {attribute} would mean another content"
        ),
    };
    let detail = format!(
        "{address} cannot be changed in place: {what}. Its data would be lost with a replacement, so that happens only \
         when it is asked for: change {} back, or run again with --replace '{address}'.",
        crate::diag::one_of(forcing)
    );
    at_block(
        world,
        address,
        Diagnostic::error("Only a replacement can change this", detail),
        attribute,
        "cannot be changed in place",
    )
}

/// Volumes that would grow in the run that takes away their growing.
pub fn grown_and_kept(world: &World<'_>, steps: &[Step]) -> Vec<Diagnostic> {
    let claimed = |step: &'_ Step, wanted: &dyn Fn(&Claim) -> Option<Uuid>| {
        step.claims.iter().find_map(wanted).map(|volume| (volume, step.object.address.clone()))
    };
    let keeps = |claim: &Claim| if let Claim::KeepsSize { volume } = claim { Some(*volume) } else { None };
    let grows = |claim: &Claim| if let Claim::Grows { volume } = claim { Some(*volume) } else { None };
    let kept: BTreeMap<Uuid, Address> = steps.iter().filter_map(|step| claimed(step, &keeps)).collect();
    let grown = steps.iter().filter_map(|step| claimed(step, &grows));
    grown
        .filter_map(|(volume, address)| {
            let snapshot = kept.get(&volume)?;
            let detail = format!(
                "{address} is to grow, and {snapshot} is to be taken of it before that, which keeps its size for as long as \
                 it is there. Let {address} grow in an apply of its own, and take {snapshot} in the next: it then has the \
                 new size."
            );
            let problem = Diagnostic::error("A thick volume with snapshots cannot grow", detail);
            Some(at_block(world, &address, problem, "size", "would grow"))
        })
        .collect()
}

pub fn left_pointing(world: &World<'_>, source: &Address, disk: &Address) -> Diagnostic {
    let detail = format!(
        "{source} would be renamed, replaced or destroyed, and {disk}, which is left out of this run, would go on \
         pointing to what it was: its guest would lose its disk. Leave {source} out as well, or neither."
    );
    at_block(world, source, Diagnostic::error("Attached by what is left out", detail), "", "is attached")
}

pub fn only_in_use(world: &World<'_>, address: &Address, users: &[String]) -> Diagnostic {
    let detail = format!(
        "{address} cannot be restored while it is in use ({}): whoever has it open would go on with the old content \
         mixed into the new. Detach it first, then restore.",
        users.join(", ")
    );
    at_block(world, address, Diagnostic::error("In use", detail), "", "in use")
}

pub fn not_its_snapshot(volume: &Address, snapshot: &Address, why: &str) -> Diagnostic {
    Diagnostic::error(
        "Cannot be restored from this",
        format!(
            "--restore {volume}={snapshot}: {why}. Name a volume and a snapshot of it that exist already."
        ),
    )
}
