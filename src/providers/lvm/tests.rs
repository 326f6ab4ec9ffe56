//! What a survey makes of volume groups as LVM really reports them: `fixtures/README.md` tells where they come from.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{LvmPool, danger, report};
use crate::model::command::Answer;
use crate::model::{
    Address, Body, Bytes, ContainerSpec, ContainerView, Health, HostName, Kind, Observed, Place, PoolPolicy,
    Setting, Surveyed,
};
use crate::providers::{Provider, Reading, Scope};

const MIB: u64 = 1 << 20;

/// The recording of this name: what the survey printed on both streams.
macro_rules! recorded {
    ($name:literal) => {
        Answer {
            status: 0,
            stdout: include_str!(concat!("fixtures/", $name, ".txt")).to_owned(),
            stderr: String::new(),
        }
    };
    ($name:literal, said) => {
        Answer { stderr: include_str!(concat!("fixtures/", $name, ".stderr")).to_owned(), ..recorded!($name) }
    };
}

fn every_recording() -> Vec<(&'static str, Answer)> {
    vec![
        ("empty", recorded!("empty")),
        ("thick", recorded!("thick")),
        ("merging", recorded!("merging")),
        ("thin_empty", recorded!("thin_empty")),
        ("thin", recorded!("thin")),
        ("thin_unmonitored", recorded!("thin_unmonitored")),
        ("thin_full", recorded!("thin_full")),
        ("thin_inactive", recorded!("thin_inactive")),
        ("exported", recorded!("exported")),
        ("readonly", recorded!("readonly")),
        ("two_of_one_name", recorded!("two_of_one_name", said)),
        ("partial", recorded!("partial", said)),
        ("foreign_system", recorded!("foreign_system", said)),
        ("locked", recorded!("locked")),
        ("duplicate", recorded!("duplicate", said)),
        ("none", recorded!("none")),
    ]
}

fn lineage() -> Uuid {
    "11111111-2222-4333-8444-555555555555".parse().unwrap()
}

fn id(number: u32) -> Uuid {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

fn container(group: &str, thin_pool: &str) -> ContainerSpec {
    let text = |name: &str, text: &str| (name.to_owned(), Setting::Text(text.to_owned()));
    let mut settings = BTreeMap::from([text("volume_group", group)]);
    if !thin_pool.is_empty() {
        settings.extend([text("thin_pool", thin_pool)]);
    }
    ContainerSpec {
        address: Address::new(Kind::Pool, "fast"),
        provider: "lvm".to_owned(),
        host: HostName::local(),
        settings,
        policy: PoolPolicy::default(),
    }
}

fn look_at(
    answer: &Answer,
    container: &ContainerSpec,
    identity: Option<Uuid>,
    wanted: &[&str],
) -> ContainerView {
    let wanted: BTreeSet<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
    let scope = Scope { container, identity, lineage: lineage(), wanted: &wanted };
    match LvmPool.read(&scope, std::slice::from_ref(answer)) {
        Reading::Done(view) => view,
        Reading::Ask(_) => panic!("one question is enough"),
    }
}

fn surveyed(answer: &Answer, thin_pool: &str, wanted: &[&str]) -> Surveyed {
    match look_at(answer, &container("vg0", thin_pool), None, wanted) {
        ContainerView::Present(surveyed) => surveyed,
        other => panic!("{other:?}"),
    }
}

fn why_not(answer: &Answer, group: &str, thin_pool: &str) -> String {
    match look_at(answer, &container(group, thin_pool), None, &[]) {
        ContainerView::Unsurveyed { why } => why,
        other => panic!("{other:?}"),
    }
}

fn object(surveyed: &Surveyed, number: u32) -> &Observed {
    let mut found = surveyed.objects.iter().filter(|object| object.mark.id == id(number));
    let object = found.next().unwrap_or_else(|| panic!("{number} is not there"));
    assert_eq!(found.next(), None, "{number} is there twice");
    object
}

fn numbers(surveyed: &Surveyed) -> BTreeSet<Uuid> {
    surveyed.objects.iter().map(|object| object.mark.id).collect()
}

#[test]
fn an_empty_group_is_present_with_all_its_room_and_no_epoch() {
    let found = surveyed(&recorded!("empty"), "", &["db"]);
    assert_eq!((found.epoch, found.objects.len(), found.strangers.len()), (None, 0, 0));
    assert_eq!(found.foreign, BTreeSet::new());
    let capacity = found.capacity.unwrap();
    assert_eq!(
        (capacity.size, capacity.free, capacity.promised),
        (Bytes(8_585_740_288), Bytes(8_585_740_288), Bytes(0))
    );
    assert_eq!((capacity.unit, capacity.closed), (Bytes(4 * MIB), None));
    assert!(capacity.copies_by_snapshot);
    let [metadata] = &capacity.rooms[..] else { panic!("{:?}", capacity.rooms) };
    assert!(metadata.used < Bytes(4096) && metadata.limit > Bytes(500 << 10), "{metadata:?}");
}

#[test]
fn thick_volumes_and_their_snapshots_are_read_back_as_what_they_are() {
    let found = surveyed(&recorded!("thick"), "", &[]);
    assert_eq!(found.epoch, Some(7));
    let ours: BTreeSet<Uuid> = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12].map(id).into();
    assert_eq!(numbers(&found), ours, "helpers and what others made are no objects");

    let data = object(&found, 1);
    assert_eq!((data.body.name(), data.body.size()), (Some("data"), Bytes(64 * MIB)));
    assert_eq!((data.place, &data.health, data.open), (Place::Live, &Health::Good, true));
    assert_eq!(data.mark.address, "volume.data");
    // Its snapshot, and the helper that a copy is read from.
    assert_eq!(data.notes["snapshots"], "2");
    assert!(data.notes["created_at"].parse::<u64>().unwrap() > 1_700_000_000);

    let keep = object(&found, 3);
    assert_eq!((keep.notes["active"].as_str(), keep.open), ("no", false));

    let snapshot = object(&found, 11);
    let Body::Snapshot(body) = &snapshot.body else { panic!("{snapshot:?}") };
    assert_eq!((body.name.as_str(), body.size, body.origin.id), ("data_mon", Bytes(64 * MIB), id(1)));
    assert_eq!(body.reserve, Some(Bytes(68 * MIB)));
    let used: f64 = snapshot.notes["used_percent"].parse().unwrap();
    assert!((15.0..25.0).contains(&used), "{used}");

    let overflowed = object(&found, 12);
    assert!(matches!(&overflowed.health, Health::Broken { why } if why.contains("lost")), "{overflowed:?}");
    assert_eq!(object(&found, 2).health, Health::Good, "its volume is whole");
    assert!(object(&found, 9).body.name().unwrap().len() > 100, "LVM takes longer names than vbs makes");
}

#[test]
fn places_follow_from_names_and_the_filling_tag() {
    let found = surveyed(&recorded!("thick"), "", &[]);
    let seen = |number| {
        let object = object(&found, number);
        (object.place, object.body.name().unwrap())
    };
    assert_eq!(seen(4), (Place::Trash, "old"));
    assert_eq!(seen(5), (Place::Staged, "older"), "wiped, and not yet removed");
    assert_eq!(seen(6), (Place::Staged, "data"));
    assert_eq!(seen(7), (Place::Staged, "copied"), "a copy that is not whole is never live");
    assert_eq!(seen(2), (Place::Live, "web-1"));
}

#[test]
fn what_was_wiped_in_part_is_not_as_it_was_though_it_lies_in_the_trash() {
    let mut answer = recorded!("thick");
    let tag = format!("vbs.volume={}", id(4));
    answer.stdout = answer.stdout.replace(&tag, &format!("{tag},vbs.wiping"));
    let found = surveyed(&answer, "", &[]);
    let wiped = object(&found, 4);
    assert_eq!(wiped.place, Place::Trash);
    assert!(matches!(&wiped.health, Health::Broken { why } if why.contains("wiped")), "{wiped:?}");
}

#[test]
fn names_are_taken_by_everything_in_the_group_but_our_own() {
    let wanted =
        ["data", "plain", "theirs", "half", "somepool", "somethin", "mirrored", "free", "lvol0_pmspare"];
    let taken = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let thick = surveyed(&recorded!("thick"), "", &wanted);
    let all_but = ["half", "lvol0_pmspare", "mirrored", "plain", "somepool", "somethin", "theirs"];
    assert_eq!(thick.foreign, taken(&all_but));
    // A pool in the same group has its names in common with this one.
    let thin = surveyed(&recorded!("thin"), "tp", &["data", "thick", "other", "elsewhere", "free"]);
    assert_eq!(thin.foreign, taken(&["elsewhere", "other", "thick"]));
}

#[test]
fn what_others_made_is_listed_with_the_reason_why_it_cannot_be_adopted() {
    let found = surveyed(&recorded!("thick"), "", &[]);
    let strangers: BTreeMap<&str, _> =
        found.strangers.iter().map(|each| (each.name.as_str(), each)).collect();
    let names = ["cached", "half", "mirrored", "oldmirror", "plain", "plain_snap", "somepool", "theirs"];
    assert!(strangers.keys().eq(&names), "{:?}", strangers.keys());
    for free in ["plain", "plain_snap", "mirrored"] {
        assert_eq!(strangers[free].why_not, None, "{free}");
    }
    assert_eq!((&strangers["plain"].origin, strangers["plain"].size), (&None, Bytes(64 * MIB)));
    assert_eq!(strangers["plain_snap"].origin.as_deref(), Some("plain"));
    assert_eq!(strangers["plain_snap"].size, Bytes(64 * MIB), "its origin's, not its store's");
    assert_eq!(strangers["plain"].reference.len(), 38);
    for (name, word) in [
        ("theirs", "another state (lineage 99999999"),
        ("half", "carries the tag vbs"),
        ("somepool", "thin_pool = \"somepool\""),
        ("cached", "layout is cache"),
        ("oldmirror", "layout is mirror"),
    ] {
        let why = strangers[name].why_not.as_deref().unwrap_or_default();
        assert!(why.contains(word), "{name}: {why}");
    }
    let thin = surveyed(&recorded!("thin"), "tp", &[]);
    let strangers: Vec<_> =
        thin.strangers.iter().map(|each| (each.name.as_str(), each.why_not.is_none())).collect();
    assert_eq!(strangers, [("plain", true), ("plain_snap", true), ("theirs", false)]);
}

#[test]
fn a_snapshot_that_is_being_merged_is_not_lost_sight_of() {
    let found = surveyed(&recorded!("merging"), "", &["merged_mon"]);
    let snapshot = object(&found, 22);
    assert_eq!(snapshot.body.name(), Some("merged_mon"), "LVM hides it in brackets");
    assert!(matches!(&snapshot.health, Health::Broken { why } if why.contains("being merged")));
    assert_eq!(object(&found, 21).notes["merging"], "yes");
    assert_eq!(found.foreign, BTreeSet::new());
}

#[test]
fn thick_room_counts_everything_that_was_made_and_nothing_of_others() {
    let capacity = surveyed(&recorded!("thick"), "", &[]).capacity.unwrap();
    // Nine volumes of 64 MiB (one half-marked, one another state's), one of 32; two reserves of 68 MiB, one of 4.
    let ours = Bytes((9 * 64 + 32 + 2 * 68 + 4) * MIB);
    assert_eq!(capacity.promised, ours);
    assert_eq!(capacity.size, capacity.free.saturating_add(ours));
    assert_eq!((capacity.closed, capacity.no_overcommit), (None, None));
    let closed = surveyed(&recorded!("readonly"), "", &[]).capacity.unwrap().closed.unwrap();
    assert!(closed.contains("read-only"), "{closed}");
}

#[test]
fn thin_volumes_snapshots_and_clones_are_told_apart_by_their_tags() {
    let found = surveyed(&recorded!("thin"), "tp", &[]);
    assert_eq!(found.epoch, Some(3));
    assert_eq!(
        numbers(&found),
        [1, 2, 4, 6, 8, 11].map(id).into(),
        "nothing thick, nothing of the other pool"
    );
    let Body::Snapshot(snapshot) = &object(&found, 11).body else { panic!() };
    assert_eq!((snapshot.size, snapshot.reserve), (Bytes(256 * MIB), None));
    let Body::Volume(clone) = &object(&found, 2).body else { panic!() };
    assert_eq!(clone.source.as_ref().unwrap().id, id(11));
    assert_eq!(object(&found, 11).notes["active"], "no", "snapshots are skipped by activation");
    assert_eq!(object(&found, 4).place, Place::Trash);
    assert_eq!(object(&found, 6).place, Place::Staged);
    // The thick one is in the pool of thick volumes, and the other way round.
    assert_eq!(numbers(&surveyed(&recorded!("thin"), "", &[])), [id(9)].into());
    assert_ne!(found.identity, surveyed(&recorded!("thin"), "", &[]).identity);
}

#[test]
fn a_thin_pool_promises_virtual_sizes_and_says_when_it_takes_no_more() {
    let capacity = surveyed(&recorded!("thin"), "tp", &[]).capacity.unwrap();
    // data, snapshot, clone and stage of 256 MiB; the trash, theirs, plain and its snapshot of 64.
    assert_eq!(capacity.promised, Bytes((4 * 256 + 4 * 64) * MIB));
    assert_eq!(capacity.size, Bytes(512 * MIB));
    assert!(capacity.free < Bytes(414 * MIB) && capacity.free > Bytes(410 * MIB), "{:?}", capacity.free);
    assert_eq!((&capacity.closed, &capacity.no_overcommit), (&None, &None));
    assert_eq!(
        capacity.rooms.iter().map(|room| room.what.as_str()).collect::<Vec<_>>(),
        ["thin metadata", "volume group metadata"]
    );

    let unmonitored = surveyed(&recorded!("thin_unmonitored"), "tp", &[]).capacity.unwrap();
    let why = unmonitored.no_overcommit.unwrap();
    assert!(why.contains("lvchange --monitor y vg0/tp"), "{why}");
    let full = surveyed(&recorded!("thin_full"), "tp", &[]).capacity.unwrap().closed.unwrap();
    assert!(full.starts_with("95.70 % of the data of vg0/tp are used"), "{full}");
    let inactive = surveyed(&recorded!("thin_inactive"), "tp", &[]);
    let closed = inactive.capacity.unwrap().closed.unwrap();
    assert!(closed.contains("lvchange -ay vg0/tp"), "{closed}");
    assert_eq!(inactive.objects.len(), 6, "what is inactive is there all the same");
}

/// A pool as LVM makes it by default takes volumes for all of its data, and many small ones.
#[test]
fn the_metadata_of_a_thin_pool_is_no_reason_to_refuse_what_its_data_holds() {
    let capacity = surveyed(&recorded!("thin_empty"), "tp", &[]).capacity.unwrap();
    let room = &capacity.rooms[0];
    let after =
        |objects: u64, size: Bytes| room.used.saturating_add(room.taken_by(objects, room.chunks(size)));
    assert!(after(1, capacity.size) <= room.limit, "{room:?}");
    assert!(after(200, Bytes(capacity.size.0 * 50)) <= room.limit, "{room:?}");
    assert!(after(100_000, Bytes(capacity.size.0)) > room.limit, "{room:?}");
}

#[test]
fn a_group_that_cannot_be_trusted_is_never_taken_for_an_empty_one() {
    for (answer, group, words) in [
        (recorded!("partial", said), "vg0", "missing"),
        (recorded!("partial", said), "vg0", "--restoremissing"),
        (recorded!("exported"), "vg0", "vgimport vg0"),
        (recorded!("two_of_one_name", said), "vg1", "two volume groups are called vg1"),
        (recorded!("two_of_one_name", said), "vg1", "vgrename"),
        (recorded!("foreign_system", said), "vg0", "system ID elsewhere"),
        (recorded!("locked"), "vg0", "lvmlockd"),
        (recorded!("duplicate", said), "vg0", "seen twice, as /dev/vdc and as /dev/vdb"),
        (recorded!("none"), "vg0", "there is no volume group vg0"),
        (recorded!("none"), "vg0", "vgcreate"),
    ] {
        let why = why_not(&answer, group, "");
        assert!(why.contains(words), "{words}: {why}");
    }
    // Only the group that is in trouble: the others of the host can be worked with.
    let whole = look_at(&recorded!("partial", said), &container("vg1", ""), None, &[]);
    assert!(matches!(whole, ContainerView::Present(found) if numbers(&found) == [id(3)].into()));
}

#[test]
fn a_missing_thin_pool_is_told_from_what_is_none() {
    let why = why_not(&recorded!("thin"), "vg0", "nowhere");
    assert!(why.contains("no thin pool nowhere") && why.contains("lvcreate --type thin-pool"), "{why}");
    let why = why_not(&recorded!("thin"), "vg0", "thick");
    assert!(why.contains("is no thin pool, but linear"), "{why}");
}

#[test]
fn a_pool_made_again_under_its_name_is_another_one() {
    let (old, new) = (recorded!("empty"), recorded!("exported"));
    let identity = surveyed(&old, "", &[]).identity;
    let again = look_at(&old, &container("vg0", ""), Some(identity), &[]);
    assert!(matches!(again, ContainerView::Present(_)), "{again:?}");
    let new =
        Answer { stdout: new.stdout.replace(r#""vg_exported":"exported""#, r#""vg_exported":"""#), ..new };
    match look_at(&new, &container("vg0", ""), Some(identity), &[]) {
        ContainerView::Unsurveyed { why } => assert!(why.contains("another one than was recorded"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tools_that_are_missing_or_too_old_are_named() {
    let with = |from: &str, to: &str| {
        let answer = recorded!("thin");
        assert!(answer.stdout.contains(from));
        Answer { stdout: answer.stdout.replace(from, to), ..answer }
    };
    let why = why_not(&with("2.03.16(2)", "2.02.98(2)"), "vg0", "tp");
    assert!(why.contains("lvm2 >= 2.03.11 is needed, 2.02.98 found"), "{why}");
    let missing = with("/usr/sbin/thin_check\n", "");
    assert!(why_not(&missing, "vg0", "tp").contains("thin-provisioning-tools"));
    assert_eq!(surveyed(&missing, "", &[]).objects.len(), 1, "thick volumes do not need it");
    let failed =
        Answer { status: 70, stdout: String::new(), stderr: "LVM needs root on this host".to_owned() };
    assert!(why_not(&failed, "vg0", "").contains("needs root"));
    let slow = with("\nend\n0\n", "\nend\n124\n");
    assert!(why_not(&slow, "vg0", "").contains("within a minute"));
}

/// Whatever is cut off or altered on the way: no panic, and nothing that was cut is an absence.
#[test]
fn an_answer_that_broke_off_is_no_answer() {
    for (name, answer) in every_recording() {
        let pools = [container("vg0", ""), container("vg0", "tp")];
        for fiftieth in 0..50 {
            let mut at = answer.stdout.len() * fiftieth / 50;
            while !answer.stdout.is_char_boundary(at) {
                at -= 1;
            }
            let cut = Answer { stdout: answer.stdout[..at].to_owned(), ..answer.clone() };
            for pool in &pools {
                let view = look_at(&cut, pool, None, &["data"]);
                let ContainerView::Unsurveyed { why } = view else { panic!("{name} cut at {at}: {view:?}") };
                assert!(!why.is_empty(), "{name} cut at {at}");
            }
        }
        let whole = answer.stdout.as_bytes();
        for at in 0..whole.len().min(1 << 14) {
            // A different bit of each byte in turn.
            let mut bytes = whole.to_vec();
            bytes[at] ^= 1 << (at % 7);
            let flipped = Answer { stdout: String::from_utf8_lossy(&bytes).into_owned(), ..answer.clone() };
            for pool in pools.iter().filter(|_| at % 31 == 0) {
                let view = look_at(&flipped, pool, None, &["data"]);
                assert!(!matches!(view, ContainerView::Fresh { .. }), "{name} flipped at {at}");
            }
        }
    }
}

#[test]
fn ten_thousand_logical_volumes_are_read_in_a_moment() {
    let answer = recorded!("thick");
    let line = answer.stdout.lines().find(|line| line.contains(r#""lv_name":"data""#)).unwrap();
    let volume = line.trim().trim_end_matches(',');
    let more: String = (0..10_000)
        .map(|number| {
            volume
                .replace(r#""data""#, &format!(r#""v{number}""#))
                .replace("000000000001", &format!("{number:012}"))
                + ",\n"
        })
        .collect();
    let answer = Answer { stdout: answer.stdout.replacen(line, &(more + line), 1), ..answer };
    let started = std::time::Instant::now();
    let found = surveyed(&answer, "", &[]);
    let took = started.elapsed();
    assert!(found.objects.len() > 10_000);
    // Unoptimised, on a busy machine; a release build needs about 40 ms.
    assert!(took.as_secs() < 5, "{took:?}");
}

#[test]
fn what_endangers_guests_is_told_with_its_cure() {
    let told = |answer: &Answer| -> Vec<String> {
        let report = report::Report::parse(answer).unwrap();
        danger::dangers(&report)
            .into_iter()
            .map(|danger| format!("{}: {}", danger.what, danger.todo))
            .collect()
    };
    let thin = recorded!("thin_unmonitored");
    let dangers = told(&thin);
    for words in ["LVM uses every disk", "does not watch the thin pool vg0/tp", "autoextend_threshold = 70"] {
        assert_eq!(dangers.iter().filter(|danger| danger.contains(words)).count(), 1, "{words}: {dangers:?}");
    }
    assert!(told(&recorded!("duplicate", said)).iter().any(|danger| danger.contains("/dev/vdb")));
    // A host as it should be has none.
    let mended = thin
        .stdout
        .replace("use_devicesfile=0", "use_devicesfile=1")
        .replace("\"not monitored\"", "\"monitored\"")
        .replace("\"lv_size\":\"536870912\"", "\"lv_size\":\"5368709120\"");
    assert_eq!(told(&Answer { stdout: mended, ..thin.clone() }), Vec::<String>::new());
    let scanning = Answer { stdout: thin.stdout.replace("scan_lvs=0", "scan_lvs=1"), ..thin };
    assert!(told(&scanning).iter().any(|danger| danger.contains("inside logical volumes")));
}

/// `lvcreate -s -l 300%ORIGIN` of lvm2 2.03.16: what it cut the store down to, which is all that can ever be used.
#[test]
fn a_whole_reserve_is_what_lvm_takes_at_most() {
    let (kib, mib) = (|n: u64| Bytes(n << 10), |n: u64| Bytes(n << 20));
    for (extent, origin, most) in [
        (kib(128), kib(256), 393_216),
        (kib(128), kib(640), 786_432),
        (kib(128), mib(1), 1_179_648),
        (kib(128), mib(3), 3_276_800),
        (kib(128), mib(17), 17_956_864),
        (kib(128), mib(255), 268_566_528),
        (kib(128), mib(257), 270_663_680),
        (mib(4), mib(64), 71_303_168),
        (mib(4), mib(1024), 1_082_130_432),
    ] {
        let fitted = |pool: &str, reserve: Option<Bytes>| {
            let origin_ref = crate::model::SourceRef { id: id(1), address: "volume.db".parse().unwrap() };
            let mut body = Body::Snapshot(crate::model::SnapshotBody {
                name: "s".to_owned(),
                size: origin,
                origin: origin_ref,
                reserve,
            });
            super::kinds::fit(&container("vg0", pool), extent, &mut body);
            let Body::Snapshot(snapshot) = body else { panic!() };
            snapshot.reserve
        };
        assert_eq!(fitted("", None), Some(Bytes(most)), "{origin} in extents of {extent}");
        assert_eq!(fitted("", Some(Bytes(u64::MAX / 4))), Some(Bytes(most)), "LVM would cut it down");
        assert_eq!(fitted("", Some(Bytes(1))), Some(extent));
        assert_eq!(fitted("tp", Some(Bytes(1))), None);
    }
}
