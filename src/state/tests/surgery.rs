use uuid::Uuid;

use super::{Home, address, key, put, put_pool, record, summary, trash};
use crate::model::{Body, Part, SourceRef};
use crate::plan::step::Effect;
use crate::state::Contents;

fn moved(from: &str, to: &str) -> Effect {
    Effect::Move { from: address(from), to: address(to) }
}

#[test]
fn a_move_takes_every_reference_along() {
    let home = Home::new();
    let mut store = home.create();
    let source = record("volume.a");
    let mut copy = record("volume.copy");
    if let Body::Volume(volume) = &mut copy.object.body {
        volume.source = Some(SourceRef { id: source.object.id, address: address("volume.a") });
    }
    copy.depends_on = vec![address("volume.a")];
    store.write(&[put_pool(), put(&source), put(&copy)], 0).unwrap();
    store.write(&[moved("volume.a", "volume.b"), moved("pool.fast", "pool.quick")], 0).unwrap();
    let recorded = home.open().snapshot().unwrap();
    assert!(!recorded.records.contains_key(&key("volume.a")));
    assert_eq!(recorded.records[&key("volume.b")].object.id, source.object.id);
    let copy = &recorded.records[&key("volume.copy")];
    assert_eq!(copy.depends_on, [address("volume.b")]);
    assert_eq!(copy.object.body.source().unwrap().address, address("volume.b"));
    assert_eq!(copy.object.container, address("pool.quick"));
    assert_eq!(recorded.containers[&address("pool.quick")].spec.address, address("pool.quick"));
    assert_eq!(recorded.serial, 2);
}

#[test]
fn two_addresses_can_be_swapped_and_an_occupied_one_is_refused() {
    let home = Home::new();
    let mut store = home.create();
    let (a, b) = (record("volume.a"), record("volume.b"));
    store.write(&[put_pool(), put(&a), put(&b)], 0).unwrap();
    store.write(&[moved("volume.a", "volume.b"), moved("volume.b", "volume.a")], 0).unwrap();
    let recorded = store.snapshot().unwrap();
    assert_eq!(recorded.records[&key("volume.a")].object.id, b.object.id);
    assert_eq!(recorded.records[&key("volume.b")].object.id, a.object.id);
    for (from, to) in [("volume.a", "volume.b"), ("volume.absent", "volume.c")] {
        assert_eq!(summary(store.write(&[moved(from, to)], 0)), "This is a bug in vbs");
    }
    assert_eq!(store.snapshot().unwrap(), recorded, "what was refused changed nothing");
}

#[test]
fn what_goes_to_the_trash_leaves_its_address_and_is_stamped() {
    let home = Home::new();
    let mut store = home.create();
    let old = record("volume.db");
    store.write(&[put_pool(), put(&old)], 0).unwrap();
    store.write(&[trash(&old, old.object.id)], 77).unwrap();
    let recorded = store.snapshot().unwrap();
    assert!(recorded.records.is_empty());
    assert_eq!(recorded.trash[&old.object.id].trashed_at, 77);
    store.write(&[Effect::LeaveTrash(old.object.id), put(&old)], 78).unwrap();
    let recorded = store.snapshot().unwrap();
    assert!(recorded.trash.is_empty() && recorded.records.len() == 1);
}

#[test]
fn a_replacement_keeps_the_new_record_in_either_order() {
    for new_first in [true, false] {
        let home = Home::new();
        let mut store = home.create();
        let (old, new) = (record("volume.db"), record("volume.db"));
        store.write(&[put_pool(), put(&old)], 0).unwrap();
        let mut effects = vec![trash(&old, old.object.id), put(&new)];
        if new_first {
            effects.reverse();
        }
        store.write(&effects, 1).unwrap();
        let recorded = store.snapshot().unwrap();
        assert_eq!(recorded.records[&key("volume.db")].object.id, new.object.id);
        assert!(recorded.trash.contains_key(&old.object.id));
    }
}

#[test]
fn a_restore_in_place_keeps_the_record_and_trashes_the_content_under_its_own_id() {
    let home = Home::new();
    let mut store = home.create();
    let volume = record("volume.db");
    store.write(&[put_pool(), put(&volume)], 0).unwrap();
    let id = Uuid::new_v4();
    store.write(&[trash(&volume, id)], 1).unwrap();
    let recorded = store.snapshot().unwrap();
    assert!(recorded.records.contains_key(&key("volume.db")) && recorded.trash.contains_key(&id));
}

#[test]
fn a_container_with_something_in_it_cannot_be_forgotten() {
    let home = Home::new();
    let mut store = home.create();
    let volume = record("volume.db");
    store.write(&[put_pool(), put(&volume), trash(&volume, volume.object.id)], 1).unwrap();
    let forget = Effect::ForgetContainer(address("pool.fast"));
    assert_eq!(summary(store.write(std::slice::from_ref(&forget), 2)), "This is a bug in vbs");
    store.write(&[Effect::LeaveTrash(volume.object.id), forget], 2).unwrap();
}

#[test]
fn one_id_is_never_twice_in_the_state() {
    let home = Home::new();
    let mut store = home.create();
    let volume = record("volume.db");
    let mut twin = volume.clone();
    twin.object.key.part = Part::DISK;
    assert_eq!(summary(store.write(&[put_pool(), put(&volume), put(&twin)], 0)), "This is a bug in vbs");
}

#[test]
fn a_write_that_changes_nothing_keeps_the_serial() {
    let home = Home::new();
    let mut store = home.create();
    let volume = record("volume.db");
    store.write(&[put_pool(), put(&volume)], 0).unwrap();
    store.write(&[put(&volume), Effect::Forget(key("volume.absent"))], 0).unwrap();
    assert_eq!(store.serial(), 1);
}

#[test]
fn a_rebuilt_state_outruns_every_epoch_on_the_hosts() {
    let home = Home::new();
    let mut store = home.create();
    store.write(&[put_pool(), put(&record("volume.old"))], 0).unwrap();
    let found = record("volume.found");
    let mut contents = Contents::default();
    contents.apply(&[put_pool(), put(&found)], 0).unwrap();
    store.replace_all(&contents, 41).unwrap();
    let recorded = home.open().snapshot().unwrap();
    assert_eq!((recorded.epoch, recorded.serial), (42, 2));
    assert_eq!(recorded.records.into_values().collect::<Vec<_>>(), [found]);
}
