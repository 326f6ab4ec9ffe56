//! What is done about an export that is gone and has left its mark: wanted, not wanted, and not recorded.

use super::*;
use crate::diag::Diagnostic;
use crate::model::desired::Desired;
use crate::model::observed::{Capacity, Mark, Surveyed};
use crate::model::schema::Traits;
use crate::model::{Access, ContainerSpec, ExportBody, Kind, Object, OnDestroy, Part, READY, SourceRef};
use crate::plan::step::{Request, Step};
use crate::plan::world::Makers;

/// Nothing is turned into steps here.
struct NoMakers;

impl Makers for NoMakers {
    fn steps(&self, _: &Request<'_>) -> Result<Vec<Step>, Diagnostic> {
        Ok(Vec::new())
    }

    fn freeze(&self, _: &Request<'_>, _: &Record) -> Result<[Step; 2], Diagnostic> {
        Err(Diagnostic::bug("nobody is frozen here".to_owned()))
    }

    fn fit(&self, _: &ContainerSpec, _: &Capacity, _: &mut Body) {}

    fn traits(&self, _: &ContainerSpec) -> Traits {
        Traits::default()
    }

    fn place(&self, _: &ContainerSpec, _: &Object) -> Option<String> {
        None
    }
}

const LINEAGE: Uuid = Uuid::from_u128(7);

fn export(number: u128) -> Record {
    let body = ExportBody {
        source: SourceRef { id: Uuid::from_u128(1), address: Address::new(Kind::Volume, "db") },
        target: "iqn.2026-11.vbs.shop:db".to_owned(),
        portals: vec!["10.0.0.2:3260".to_owned()],
        serial: "s1".to_owned(),
        device: "/dev/vg0/db".to_owned(),
        access: Access::ReadWrite,
        size: None,
        others: Vec::new(),
        state: READY.to_owned(),
    };
    Record {
        object: Object {
            key: ObjectKey::new(Address::new(Kind::Volume, "db"), Part::EXPORT),
            id: Uuid::from_u128(number),
            container: Address::new(Kind::Export, "fast"),
            body: Body::Export(body),
        },
        prevent_destroy: false,
        on_destroy: OnDestroy::Purge,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
    }
}

fn vanished(record: &Record, lineage: Uuid) -> Observed {
    let mark = Mark {
        lineage,
        id: record.object.id,
        workspace: "shop".to_owned(),
        address: record.object.key.to_string(),
    };
    Observed {
        mark,
        place: Place::Vanished,
        body: record.object.body.clone(),
        health: Health::Good,
        open: false,
        notes: BTreeMap::new(),
    }
}

/// Compares, with what is left over, where `found` is all that a survey of `export.fast` shows.
fn compared(wanted: Option<Record>, recorded: Option<Record>, found: Observed, options: &Options) -> Diff {
    let surveyed = Surveyed {
        identity: Uuid::from_u128(9),
        makes: Vec::new(),
        epoch: Some(1),
        objects: vec![found],
        foreign: BTreeSet::new(),
        capacity: None,
        strangers: Vec::new(),
        vms: BTreeMap::new(),
    };
    let live = BTreeMap::from([(Address::new(Kind::Export, "fast"), ContainerView::Present(surveyed))]);
    let records: BTreeMap<ObjectKey, Record> =
        recorded.into_iter().map(|record| (record.object.key.clone(), record)).collect();
    let desired = wanted.into_iter().map(|record| (record.object.key.clone(), Arc::new(record))).collect();
    let world = World {
        lineage: LINEAGE,
        workspace: "shop",
        desired: &Desired::default(),
        records: &records,
        containers: &BTreeMap::new(),
        trash: &BTreeMap::new(),
        live: &live,
        makers: &NoMakers,
        fingerprint: &(),
    };
    let index = LiveIndex::new(&live, LINEAGE);
    let mut found = diff(&world, &desired, options, &Scope::Everything, &index, &Lost::default());
    lost::clear(&world, options, &mut found);
    assert!(found.diagnostics.is_empty(), "{:?}", found.diagnostics);
    found
}

/// Each change: its key, what is done, the id of what goes and of what comes.
fn told(found: &Diff) -> Vec<(String, Decision, Option<u128>, Option<u128>)> {
    let id = |record: &Option<Arc<Record>>| record.as_ref().map(|record| record.object.id.as_u128());
    let changes = found.changes.values();
    changes.map(|it| (it.key.to_string(), it.decision.clone(), id(&it.before), id(&it.after))).collect()
}

fn drift(found: &Diff) -> Vec<(&str, bool)> {
    found.drift.iter().map(|drift| (drift.what.as_str(), drift.mended)).collect()
}

const KEY: &str = "volume.db/export";

#[test]
fn what_is_wanted_is_made_again_and_what_is_not_is_cleared_before_it_is_forgotten() {
    let one = || Some(export(4));
    let gone = || vanished(&export(4), LINEAGE);
    let wanted = compared(one(), one(), gone(), &Options::default());
    assert_eq!(told(&wanted), [(KEY.to_owned(), Decision::Create, Some(4), Some(4))]);
    let unwanted = compared(None, one(), gone(), &Options::default());
    assert_eq!(told(&unwanted), [(KEY.to_owned(), Decision::Destroy, Some(4), None)]);
    assert!(unwanted.changes.values().all(|change| change.live == Some(Box::new(gone()))));
    let destroyed = compared(one(), one(), gone(), &Options { destroy: true, ..Options::default() });
    assert_eq!(told(&destroyed), told(&unwanted));
    for found in [&wanted, &unwanted, &destroyed] {
        assert_eq!(drift(found), [("export: vanished from export.fast", true)]);
    }
    for wanted in [one(), None] {
        let options = Options { refresh_only: true, ..Options::default() };
        let learnt = compared(wanted, one(), gone(), &options);
        assert_eq!(drift(&learnt), [("export: vanished from export.fast", false)]);
        assert_eq!(told(&learnt)[0].1, Decision::Forget);
    }
}

#[test]
fn what_no_record_knows_is_left_over_and_goes_with_the_next_apply() {
    let gone = || vanished(&export(4), LINEAGE);
    let alone = compared(None, None, gone(), &Options::default());
    assert_eq!(told(&alone), [(KEY.to_owned(), Decision::Destroy, Some(4), None)]);
    assert_eq!(drift(&alone), [("export: left over in export.fast", true)]);
    let looked = compared(None, None, gone(), &Options { refresh_only: true, ..Options::default() });
    assert_eq!((drift(&looked), told(&looked)), (vec![("export: left over in export.fast", false)], vec![]));
    // The same one is made over it, another one after it.
    let again = compared(Some(export(4)), None, gone(), &Options::default());
    assert_eq!(told(&again), [(KEY.to_owned(), Decision::Create, None, Some(4))]);
    let other = compared(Some(export(5)), None, gone(), &Options::default());
    assert_eq!(told(&other), [(KEY.to_owned(), Decision::Replace, Some(4), Some(5))]);
    // Somebody else's is not touched.
    let theirs = vanished(&export(4), Uuid::from_u128(8));
    let foreign = compared(None, None, theirs, &Options::default());
    assert_eq!((told(&foreign).len(), drift(&foreign).len()), (0, 0));
}

/// The record of what has the key now stays, whatever becomes of what is left of another one.
#[test]
fn clearing_what_is_left_over_forgets_nothing_else_of_that_name() {
    let gone = || vanished(&export(4), LINEAGE);
    let beside = |wanted| {
        let found = compared(wanted, Some(export(5)), gone(), &Options::default());
        let of_mark = format!("{KEY}.{}", Uuid::from_u128(4));
        let cleared = found.changes.values().find(|change| change.key.to_string() == of_mark).unwrap();
        assert_eq!((&cleared.decision, &cleared.after), (&Decision::Destroy, &None));
        told(&found).remove(0)
    };
    assert_eq!(beside(Some(export(5))), (KEY.to_owned(), Decision::Create, Some(5), Some(5)));
    assert_eq!(beside(None), (KEY.to_owned(), Decision::Forget, Some(5), None));
}
