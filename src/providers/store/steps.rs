//! Steps that both kinds of directory have, and what all steps of one request have in common.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::model::command::{Action, Verb};
use crate::model::{Body, Bytes, ContainerRecord, DiskBody, Kind, ObjectKey, Observed, Place, Record, Texts};
use crate::plan::step::{
    Claim, Effect, Expectation, Holds, Proof, Request, Step, StepId, Title, TitleVerb, Undo,
};

/// The provider's name and its verbs for taking a directory into use and leaving it.
pub struct Entry {
    pub provider: &'static str,
    pub join: Verb,
    pub release: Verb,
}

/// An action on the directory of a request: its path and identity are added to the arguments.
pub fn action<const N: usize>(
    provider: &'static str,
    request: &Request<'_>,
    verb: &Verb,
    arguments: [(&'static str, String); N],
) -> Action {
    let mut action = Action::new(provider, verb, arguments);
    action.arguments.insert("path", request.container.text("path"));
    action.arguments.insert("identity", request.identity.to_string());
    action
}

/// A step without claims that copies nothing.
pub fn step(
    request: &Request<'_>,
    what: &str,
    title: Title,
    run: Action,
    undo: Undo,
    proof: Proof,
    effects: Vec<Effect>,
) -> Step {
    Step {
        id: StepId(format!("{}/{what}", request.key)),
        object: request.key.clone(),
        host: request.container.host.clone(),
        guard: super::guard(request.container),
        title,
        run,
        undo,
        proof,
        effects,
        claims: Vec::<Claim>::new(),
        copies: Bytes::ZERO,
        holds: Holds::Guard,
    }
}

pub fn title(verb: TitleVerb, object: String, detail: String) -> Title {
    Title { verb, object, detail }
}

/// An error for what the plan should never have asked.
pub fn impossible(request: &Request<'_>, what: &str) -> Diagnostic {
    Diagnostic::bug(format!(
        "{} was to be changed in a way that {} cannot: {what}",
        request.key, request.container.address
    ))
}

/// The body of a disk, for hypervisors.
///
/// # Errors
/// Where it is of something else, which no plan asks for.
pub fn disk<'b>(request: &Request<'_>, body: &'b Body) -> Result<&'b DiskBody, Diagnostic> {
    match body {
        Body::Disk(disk) => Ok(disk),
        _ => Err(impossible(request, "it is no disk")),
    }
}

/// What is attached, for people: the target of a network disk, else where it is on its host.
pub fn source(disk: &DiskBody) -> &str {
    disk.network.as_ref().map_or(disk.host_path.as_str(), |network| network.target.as_str())
}

/// What a survey shows of an object with these facts at `place`.
pub fn shown(
    request: &Request<'_>,
    id: uuid::Uuid,
    place: &str,
    facts: BTreeMap<&'static str, String>,
) -> Vec<Expectation> {
    let mut all: Texts = facts.into_iter().collect();
    all.insert("place", place);
    vec![Expectation::Shows { container: request.container.address.clone(), id, facts: all }]
}

pub fn absent(request: &Request<'_>, id: uuid::Uuid) -> Vec<Expectation> {
    vec![Expectation::Absent { container: request.container.address.clone(), id }]
}

/// What takes the destruction of something outside of a pool back, and its proof. Of what is gone only a mark and what was saved
/// of it are removed, and they are not put back: then whatever there is counts as taken back (a trash is what pools have).
pub fn removal(
    request: &Request<'_>,
    (id, live): (uuid::Uuid, &Observed),
    undo: Undo,
    not_done: Vec<Expectation>,
) -> (Undo, Proof) {
    let done = absent(request, id);
    if live.place != Place::Vanished {
        return (undo, Proof { done, not_done });
    }
    let (container, place) = (request.container.address.clone(), Place::Trash.word().to_owned());
    (Undo::Nothing, Proof { done, not_done: vec![Expectation::NotAt { container, id, place }] })
}

/// What a step that serves something takes: a target, or the way of an initiator in to one.
pub fn takes(request: &Request<'_>, names: &[&str]) -> Claim {
    Claim::TakesName { container: request.container.address.clone(), name: names.join(" ") }
}

/// What a step that takes it away frees: what is left of a target goes before another one has its name.
pub fn frees(request: &Request<'_>, names: &[&str]) -> Claim {
    Claim::FreesName { container: request.container.address.clone(), name: names.join(" ") }
}

/// The record of a volume's former content: an object of its own, so with an id and a serial of its own.
pub fn former(record: &Record, trash: uuid::Uuid, size: Bytes) -> Record {
    let mut former = record.clone();
    former.object.id = trash;
    set_size(&mut former.object.body, size);
    if let Body::Volume(volume) = &mut former.object.body {
        volume.serial = trash.to_string();
    }
    former
}

pub fn set_size(body: &mut Body, size: Bytes) {
    match body {
        Body::Volume(volume) => volume.size = size,
        Body::Snapshot(snapshot) => snapshot.size = size,
        _ => {}
    }
}

/// Takes the directory into use.
pub fn join(entry: &Entry, request: &Request<'_>, makes: &[String]) -> Step {
    let [run, undo] = both(entry, request, makes);
    let record = ContainerRecord {
        spec: request.container.clone(),
        identity: request.identity,
        makes: makes.to_vec(),
    };
    step(
        request,
        "join",
        store_title(TitleVerb::Prepare, request),
        run,
        Undo::Run(undo),
        Proof { done: joined(request), not_done: not_joined(request) },
        vec![Effect::PutContainer(Box::new(record))],
    )
}

/// Leaves the directory.
pub fn release(entry: &Entry, request: &Request<'_>, record: &ContainerRecord) -> Step {
    let [undo, run] = both(entry, request, &record.makes);
    step(
        request,
        "release",
        store_title(TitleVerb::Release, request),
        run,
        Undo::Run(undo),
        Proof { done: not_joined(request), not_done: joined(request) },
        vec![Effect::ForgetContainer(request.container.address.clone())],
    )
}

fn both(entry: &Entry, request: &Request<'_>, makes: &[String]) -> [Action; 2] {
    [&entry.join, &entry.release]
        .map(|verb| action(entry.provider, request, verb, [("makes", makes.join("\n"))]))
}

fn store_title(verb: TitleVerb, request: &Request<'_>) -> Title {
    let ObjectKey { address, .. } = &request.key;
    let what = match address.kind {
        Kind::Pool => "pool",
        _ => "hypervisor",
    };
    title(
        verb,
        format!("{what} {} on {}", request.container.text("path"), request.container.host),
        String::new(),
    )
}

fn joined(request: &Request<'_>) -> Vec<Expectation> {
    vec![Expectation::Joined { container: request.container.address.clone(), identity: request.identity }]
}

fn not_joined(request: &Request<'_>) -> Vec<Expectation> {
    vec![Expectation::NotJoined { container: request.container.address.clone() }]
}
