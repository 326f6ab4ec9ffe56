use super::*;
use crate::model::{
    Bytes, HostName, Mark, PoolPolicy, Setting, SnapshotBody, SourceRef, Stranger, VolumeBody,
};

const LINEAGE: Uuid = Uuid::from_u128(9);

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn container(name: &str) -> (Address, ContainerSpec) {
    let spec = ContainerSpec {
        address: address(name),
        provider: "lvm".to_owned(),
        host: HostName::local(),
        settings: [("volume_group".to_owned(), Setting::Text("vg0".to_owned()))].into(),
        policy: PoolPolicy::default(),
    };
    (address(name), spec)
}

/// A pool that is there whether or not anybody has taken it into use, such as a volume group.
fn view(identity: u128, epoch: Option<u64>, objects: Vec<Observed>) -> ContainerView {
    ContainerView::Present(Surveyed {
        vms: BTreeMap::new(),
        identity: Uuid::from_u128(identity),
        makes: Vec::new(),
        epoch,
        objects,
        foreign: BTreeSet::new(),
        capacity: None,
        strangers: vec![Stranger {
            name: "root".to_owned(),
            reference: "x".to_owned(),
            size: Bytes(1),
            origin: None,
            open: true,
            why_not: None,
        }],
    })
}

fn observed(lineage: Uuid, id: u128, at: &str, body: Body, health: Health) -> Observed {
    Observed {
        mark: Mark { lineage, id: Uuid::from_u128(id), workspace: "shop".to_owned(), address: at.to_owned() },
        place: Place::Live,
        body,
        health,
        open: false,
        notes: BTreeMap::new(),
    }
}

fn volume(id: u128) -> Body {
    let (name, serial) = ("db".to_owned(), Uuid::from_u128(id).to_string());
    Body::Volume(VolumeBody { name, size: Bytes(8 << 20), serial, source: None })
}

fn snapshot(origin: u128) -> Body {
    Body::Snapshot(SnapshotBody {
        name: "before".to_owned(),
        size: Bytes(8 << 20),
        origin: SourceRef { id: Uuid::from_u128(origin), address: address("volume.once") },
        reserve: Some(Bytes(4 << 20)),
    })
}

fn rebuilt(views: &Views) -> Found {
    let names: Vec<String> = views.keys().map(ToString::to_string).collect();
    let containers = names.iter().map(|name| container(name)).collect();
    let wanted = BTreeMap::new();
    find(&Sides { lineage: LINEAGE, wanted: &wanted, containers: &containers, before: None, views, now: 7 })
        .unwrap()
}

/// The guard of a volume group lies on another disk than its volumes: the marks can be there without an epoch.
#[test]
fn a_pool_belongs_to_the_state_where_something_of_ours_is_in_it_or_was() {
    let ours = || observed(LINEAGE, 1, "volume.db", volume(1), Health::Good);
    let theirs = observed(Uuid::from_u128(8), 2, "volume.theirs", volume(2), Health::Good);
    let views = BTreeMap::from([
        (address("pool.full"), view(10, None, vec![ours()])),
        (address("pool.joined"), view(11, Some(4), Vec::new())),
        (address("pool.theirs"), view(12, None, vec![theirs])),
        (address("pool.unused"), view(13, None, Vec::new())),
    ]);
    let found = rebuilt(&views);
    let containers = &found.contents.containers;
    let names: Vec<String> = containers.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["pool.full", "pool.joined"]);
    assert_eq!(containers[&address("pool.full")].identity, Uuid::from_u128(10));
    assert!(containers.values().all(|record| record.makes.is_empty()));
    assert_eq!(found.epochs_seen, 4);
    assert_eq!(found.contents.records.len(), 1);
    assert!(found.warnings.is_empty());
}

#[test]
fn a_broken_snapshot_is_taken_in_with_its_reserve_and_a_warning() {
    let broken = Health::Broken { why: "it overflowed".to_owned() };
    let objects = vec![
        observed(LINEAGE, 1, "volume.db", volume(1), Health::Good),
        observed(LINEAGE, 2, "snapshot.before", snapshot(1), broken),
    ];
    let found = rebuilt(&BTreeMap::from([(address("pool.full"), view(10, Some(1), objects))]));
    let record =
        found.contents.records.values().find(|record| record.object.id == Uuid::from_u128(2)).unwrap();
    let Body::Snapshot(taken) = &record.object.body else { panic!() };
    assert_eq!((taken.reserve, &taken.origin.address), (Some(Bytes(4 << 20)), &address("volume.db")));
    let warnings: Vec<&str> = found.warnings.iter().map(|warning| warning.detail.as_str()).collect();
    assert!(
        matches!(warnings[..], [one] if one.contains("snapshot.before, is broken: it overflowed.")),
        "{warnings:?}"
    );
}
