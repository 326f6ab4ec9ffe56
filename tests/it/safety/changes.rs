//! What an apply changes in place, what it refuses to, and that what was asked for is what is there afterwards.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::bench::*;

fn size(bench: &Bench, name: &str) -> u64 {
    fs::metadata(bench.at(&format!("pool/{name}.img"))).unwrap().len()
}

fn inode(bench: &Bench, name: &str) -> u64 {
    fs::metadata(bench.at(&format!("pool/{name}.img"))).unwrap().ino()
}

/// Applies other blocks, and holds that the plan is empty then.
fn becomes(bench: &Bench, blocks: &str) -> Run {
    bench.declare(blocks);
    let run = bench.apply().succeeds();
    bench.settled();
    run
}

#[test]
fn growing_keeps_the_content_and_shrinking_is_refused() {
    let bench = Bench::applied(&volume("db", ""));
    scribble(&bench.at("pool/db.img"), "data");
    becomes(&bench, &sized("db", "2MiB")).says("1 changed");
    assert_eq!((size(&bench, "db"), beginning(&bench.at("pool/db.img"), 4)), (2 << 20, "data".into()));
    bench.declare(&volume("db", ""));
    bench
        .changes_nothing("apply --auto-approve")
        .refuses("shrinking cuts data off")
        .says("--replace 'volume.db'");
    bench.vbs("apply --auto-approve --replace volume.db").succeeds();
    bench.settled();
    assert_eq!((size(&bench, "db"), bench.recorded().trash.len()), (1 << 20, 1));
    let trash = fs::read_dir(bench.at("pool/.vbs/trash")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(beginning(&trash, 4), "data", "the replaced volume's data is not in the trash");
}

#[test]
fn names_change_by_renaming_and_labels_never_do() {
    let bench = Bench::applied(&(volume("db", "") + &attachment("a", "db", "vda")));
    let (id, file) = (bench.record("volume.db").object.id, inode(&bench, "db"));
    becomes(&bench, &(volume("db", "name = \"data\"") + &attachment("a", "db", "vda")));
    assert_eq!((bench.record("volume.db").object.id, inode(&bench, "data")), (id, file));
    assert_eq!(
        fs::read_link(bench.at("vms/web/vda")).unwrap(),
        bench.at("pool/data.img"),
        "the link dangles"
    );
    assert!(!bench.at("pool/db.img").exists());
}

#[test]
fn a_hypervisor_is_released_in_the_run_that_moves_its_last_disk() {
    let elsewhere = "hypervisor \"directory\" \"there\" {\n  path = \"ROOT/there\"\n  create = true\n}\n";
    let bench = Bench::applied(&(volume("db", "") + &attachment("a", "db", "vda")));
    let text = elsewhere.to_owned() + &volume("db", "") + &attachment("a", "db", "vda");
    bench.declare(&text.replace("hypervisor.here", "hypervisor.there"));
    bench.vbs("apply --auto-approve").succeeds().says("hypervisor.here will be released");
    bench.settled();
    assert!(!bench.at("vms").exists(), "what was made for the first disk is left behind");
    assert_eq!(fs::read_link(bench.at("there/web/vda")).unwrap(), bench.at("pool/db.img"));
}

#[test]
fn a_rename_never_leaves_a_disk_pointing_to_nothing() {
    let renamed = volume("db", "name = \"data\"") + &attachment("a", "db", "vda");
    let bench = Bench::applied(&(volume("db", "") + &attachment("a", "db", "vda")));
    let disk = bench.record("attachment.a").object.id;
    bench.declare(&renamed);
    bench
        .changes_nothing("apply --auto-approve --exclude attachment.a")
        .refuses("Attached by what is left out");
    bench
        .changes_nothing("apply --auto-approve --exclude hypervisor.here")
        .refuses("Attached by what is left out");
    bench.vbs("apply --auto-approve --target volume.db").succeeds().says("2 changed");
    bench.settled();
    assert_eq!(fs::read_link(bench.at("vms/web/vda")).unwrap(), bench.at("pool/data.img"));
    assert_eq!(bench.record("attachment.a").object.id, disk, "the disk was detached to rename its volume");
}

#[test]
fn what_is_attached_is_not_taken_from_under_an_attachment_that_stays() {
    let blocks = volume("db", "") + &volume("other", "") + &attachment("a", "db", "vda");
    let bench = Bench::applied(&blocks);
    for arguments in [
        "apply --auto-approve --replace volume.db --exclude attachment.a",
        "plan --replace volume.db --exclude attachment.a",
    ] {
        bench.changes_nothing(arguments).refuses("Attached by what is left out").says("attachment.a");
    }
    bench.vbs("apply --auto-approve --replace volume.db --target volume.db").succeeds();
    bench.settled();
    assert!(bench.at("vms/web/vda").is_file());
    // Everything but the attachment: what it stands on stays as well.
    bench.vbs("destroy --auto-approve --exclude attachment.a").succeeds().says("1 destroyed");
    assert!(bench.at("vms/web/vda").is_file());
    bench.declare("");
    bench
        .changes_nothing("apply --auto-approve --exclude attachment.a")
        .refuses("Attached by what is left out");
}

#[test]
fn renaming_a_block_asks_about_moved_and_moved_renames_nothing() {
    let bench = Bench::applied(&volume("db", ""));
    let file = inode(&bench, "db");
    bench.declare(&volume("data", "name = \"db\""));
    bench.changes_nothing("plan").says("moved {").says("from = volume.db").says("to = volume.data");
    let moved = "moved {\n  from = volume.db\n  to = volume.data\n}\n";
    becomes(&bench, &(volume("data", "") + moved)).says("volume.data").says("volume.db");
    assert_eq!(inode(&bench, "db"), file, "an address moved, and with it the image");
    becomes(&bench, &volume("data", ""));
}

#[test]
fn moves_of_every_shape() {
    let each = |name: &str, keys: &str| volume(name, &format!("for_each = toset([{keys}])"));
    let moved = |from: &str, to: &str| format!("moved {{\n  from = {from}\n  to = {to}\n}}\n");
    let cases = [
        (
            "a whole block",
            each("a", "\"x\", \"y\""),
            each("b", "\"x\", \"y\"") + &moved("volume.a", "volume.b"),
        ),
        ("a key", each("a", "\"x\""), each("a", "\"z\"") + &moved("volume.a[\"x\"]", "volume.a[\"z\"]")),
        ("out of a block", each("a", "\"x\""), volume("one", "") + &moved("volume.a[\"x\"]", "volume.one")),
        ("into a block", volume("one", ""), each("a", "\"x\"") + &moved("volume.one", "volume.a[\"x\"]")),
        (
            "count to for_each",
            volume("a", "count = 1"),
            each("a", "\"x\"") + &moved("volume.a[0]", "volume.a[\"x\"]"),
        ),
        (
            "a chain",
            volume("a", ""),
            volume("c", "") + &moved("volume.a", "volume.b") + &moved("volume.b", "volume.c"),
        ),
        (
            "a chain told backwards",
            volume("a", ""),
            volume("c", "") + &moved("volume.b", "volume.c") + &moved("volume.a", "volume.b"),
        ),
    ];
    for (what, before, after) in cases {
        let bench = Bench::applied(&before);
        let files = tree(&bench.at("pool"));
        println!("{what}");
        bench.declare(&after);
        bench.vbs("plan").succeeds().says("0 to add, 0 to change, 0 to destroy");
        bench.apply().succeeds();
        bench.settled();
        assert_eq!(files, tree(&bench.at("pool")), "{what}: something on disk changed");
    }
}

#[test]
fn moves_that_cannot_be_told_apart_are_refused() {
    let moved = |from: &str, to: &str| format!("moved {{\n  from = volume.{from}\n  to = volume.{to}\n}}\n");
    let both = volume("a", "") + &volume("b", "");
    let bench = Bench::applied(&both);
    for (moves, words) in [
        (moved("a", "b") + &moved("b", "a"), "Moves in a circle"),
        (moved("a", "b") + &moved("b", "c"), "Conflicting move"),
        (moved("a", "c") + &moved("a", "d"), "Conflicting moves"),
        (moved("a", "c") + &moved("b", "c"), "Conflicting moves"),
    ] {
        bench.declare(&(both.clone() + &moves));
        bench.changes_nothing("apply --auto-approve").refuses(words);
    }
}

#[test]
fn addresses_that_change_places_move_at_once() {
    use vbs::plan::moves::{self, Move};
    let bench = Bench::applied(&(volume("a", "") + &volume("b", "") + &snapshot("s", "a")));
    let records = bench.recorded().records;
    let moves: Vec<Move> = [("volume.a", "volume.b"), ("volume.b", "volume.a")]
        .map(|(from, to)| Move { from: from.parse().unwrap(), to: to.parse().unwrap(), span: None })
        .into();
    let moved = moves::apply(&records, &moves).unwrap();
    let id = |records: &std::collections::BTreeMap<_, vbs::model::Record>, address: &str| {
        records.values().find(|r| r.object.key.address.to_string() == address).unwrap().object.id
    };
    assert_eq!(id(&moved.records, "volume.a"), id(&records, "volume.b"));
    assert_eq!(id(&moved.records, "volume.b"), id(&records, "volume.a"));
    let snapshot = moved.records.values().find_map(|record| record.object.body.source()).unwrap();
    assert_eq!(snapshot.address.to_string(), "volume.b", "the snapshot follows its volume, not the name");
}

#[test]
fn what_others_name_moves_along() {
    let family = |db: &str| {
        volume(db, "")
            + &snapshot("before", db)
            + &clone("copy", "snapshot.before", "")
            + &attachment("a", db, "vda")
    };
    let bench = Bench::applied(&family("db"));
    bench.declare(&(family("data") + "moved {\n  from = volume.db\n  to = volume.data\n}\n"));
    bench.vbs("plan").succeeds().says("0 to add, 0 to change, 0 to destroy");
    bench.apply().succeeds();
    bench.settled();
}

#[test]
fn a_move_onto_something_recorded_is_refused() {
    let bench = Bench::applied(&(volume("a", "") + &volume("b", "")));
    bench.declare(&(volume("b", "") + "moved {\n  from = volume.a\n  to = volume.b\n}\n"));
    bench.changes_nothing("apply --auto-approve").refuses("Cannot be moved there");
}

#[test]
fn a_key_that_goes_takes_only_its_instance() {
    let each = |keys: &str| volume("a", &format!("for_each = toset([{keys}])"));
    let bench = Bench::applied(&each("\"x\", \"y\", \"z\""));
    becomes(&bench, &each("\"x\", \"z\"")).says("1 destroyed");
    let images = files(&bench.at("pool")).into_iter().filter(|f| f.parent() == Some(&bench.at("pool")));
    assert_eq!(images.count(), 2);
    becomes(&bench, &each("\"x\", \"z\", \"a/b\", \"ü\", \"\\\"q\\\"\"")).says("3 added");
}

#[test]
fn what_only_a_replacement_can_change_is_refused_without_one() {
    let slow = "pool \"file\" \"slow\" {\n path = \"ROOT/slow\"\n create = true\n}\n";
    let base = volume("db", "") + &volume("other", "") + slow;
    let cases = [
        ("pool", volume("x", ""), volume("x", "").replace("pool.fast", "pool.slow")),
        ("source", clone("x", "volume.db", ""), clone("x", "volume.other", "")),
        ("source", volume("x", ""), volume("x", "source = volume.db")),
        ("volume", snapshot("x", "db"), snapshot("x", "other")),
        ("size", volume("x", ""), sized("x", "512KiB")),
    ];
    for (what, before, after) in cases {
        let bench = Bench::applied(&(base.clone() + &before));
        let kind = if before.starts_with("snapshot") { "snapshot" } else { "volume" };
        println!("{what} of a {kind}");
        bench.declare(&(base.clone() + &after));
        bench
            .changes_nothing("apply --auto-approve")
            .refuses("Only a replacement can change this")
            .says(&format!("--replace '{kind}.x'"));
        bench.vbs(&format!("apply --auto-approve --replace {kind}.x")).succeeds();
        bench.settled();
    }
}

#[test]
fn an_attachment_holds_no_data_and_is_replaced_without_being_asked() {
    let link = attachment("a", "db", "vda");
    let other = volume("other", "");
    let bench = Bench::applied(&(volume("db", "") + &other + &link));
    for after in [
        link.replace("\"vda\"", "\"vdb\""),
        link.replace("\"web\"", "\"app\""),
        link.replace("volume.db", "volume.other"),
    ] {
        becomes(&bench, &(volume("db", "") + &other + &after));
    }
    assert_eq!(fs::read_link(bench.at("vms/web/vda")).unwrap(), bench.at("pool/other.img"));
    assert!(!bench.at("vms/app").exists() && !bench.at("vms/web/vdb").is_symlink());
}

#[test]
fn two_disks_change_places() {
    let both = |x: &str, y: &str| {
        volume("a", "") + &volume("b", "") + &attachment("x", "a", x) + &attachment("y", "b", y)
    };
    let bench = Bench::applied(&both("vda", "vdb"));
    becomes(&bench, &both("vdb", "vda"));
    assert_eq!(fs::read_link(bench.at("vms/web/vda")).unwrap(), bench.at("pool/b.img"));
}

#[test]
fn what_is_ignored_is_left_alone_even_when_something_else_changes() {
    let ignore = |names: &str| format!("  lifecycle {{\n    ignore_changes = [{names}]\n  }}");
    let bench = Bench::applied(&volume("db", ""));
    let grown = |more: &str| format!("volume \"db\" {{\n  pool = pool.fast\n  size = \"4MiB\"\n{more}\n}}\n");
    becomes(&bench, &grown(&ignore("size")));
    assert_eq!(size(&bench, "db"), 1 << 20);
    becomes(&bench, &grown(&("name = \"data\"\n".to_owned() + &ignore("size"))));
    assert_eq!(size(&bench, "data"), 1 << 20, "a rename grew the volume although its size is ignored");
    becomes(&bench, &grown(&("name = \"third\"\n".to_owned() + &ignore("name"))));
    assert_eq!(size(&bench, "data"), 4 << 20, "a grow renamed the volume although its name is ignored");
    becomes(&bench, &sized("db", "1MiB").replace('}', &(ignore("all").replace("[all]", "all") + "\n}")));
}

#[test]
fn ignored_labels_stay_as_they_are_recorded() {
    let labelled = |label: &str, size: &str, more: &str| {
        format!(
            "volume \"db\" {{\n  pool = pool.fast\n  size = \"{size}\"\n  labels = {{ tier = \"{label}\" }}\n{more}\n}}\n"
        )
    };
    let bench = Bench::applied(&labelled("gold", "1MiB", ""));
    let ignore = "  lifecycle {\n    ignore_changes = [labels]\n  }";
    becomes(&bench, &labelled("lead", "1MiB", ignore));
    becomes(&bench, &labelled("lead", "2MiB", ignore));
    assert_eq!(bench.record("volume.db").labels["tier"], "gold");
    becomes(&bench, &labelled("lead", "2MiB", ""));
    assert_eq!(bench.record("volume.db").labels["tier"], "lead");
}

#[test]
fn on_destroy_counts_as_it_was_applied_last() {
    let bench = Bench::applied(&volume("db", ""));
    becomes(&bench, &volume("db", "on_destroy = \"purge\""));
    bench.declare("");
    bench.apply().succeeds();
    assert!(
        !bench.at("pool").exists() || files(&bench.at("pool")).is_empty(),
        "{:?}",
        files(&bench.at("pool"))
    );
    assert_eq!(bench.recorded().trash.len(), 0);
}

#[test]
fn a_source_that_is_not_named_any_more_is_no_change() {
    let bench = Bench::applied(&(volume("db", "") + &clone("copy", "volume.db", "")));
    let file = inode(&bench, "copy");
    becomes(&bench, &(volume("db", "") + &volume("copy", "")));
    becomes(&bench, &volume("copy", ""));
    assert_eq!(inode(&bench, "copy"), file);
}

#[test]
fn clones_and_snapshots_are_taken_before_their_source_changes() {
    let bench = Bench::applied(&volume("db", ""));
    scribble(&bench.at("pool/db.img"), "data");
    // The source grows, is renamed and gets a snapshot and a clone in one plan.
    let grown = "volume \"db\" {\n  pool = pool.fast\n  size = \"2MiB\"\n  name = \"data\"\n}\n";
    becomes(&bench, &(grown.to_owned() + &snapshot("before", "db") + &clone("copy", "snapshot.before", "")));
    assert_eq!(size(&bench, "data"), 2 << 20);
    assert_eq!(size(&bench, "before"), 1 << 20, "the snapshot was taken after its volume grew");
    for image in ["pool/before.img", "pool/copy.img"] {
        assert_eq!(beginning(&bench.at(image), 4), "data", "{image}");
    }
}

#[test]
fn a_clone_of_a_volume_that_grows_at_the_same_time_settles() {
    let bench = Bench::applied(&volume("db", ""));
    scribble(&bench.at("pool/db.img"), "data");
    becomes(&bench, &(sized("db", "2MiB") + &clone("copy", "volume.db", "")));
    assert_eq!(beginning(&bench.at("pool/copy.img"), 4), "data");
    becomes(&bench, &(sized("db", "3MiB") + &clone("copy", "volume.db", "")));
    becomes(
        &bench,
        &(sized("db", "3MiB")
            + &clone("copy", "volume.db", "")
            + &clone("big", "volume.db", "size = \"8MiB\"")),
    );
    assert_eq!(size(&bench, "big"), 8 << 20);
}

#[test]
fn a_snapshot_of_something_new_comes_after_it() {
    let bench = Bench::applied("");
    becomes(
        &bench,
        &(volume("db", "")
            + &snapshot("s", "db")
            + &clone("copy", "snapshot.s", "")
            + &snapshot("t", "copy")),
    );
    bench.declare("");
    bench.apply().succeeds();
    bench.settled();
    assert_eq!(bench.recorded().trash.len(), 2, "volumes go to the trash, snapshots for good");
}

#[test]
fn restoring_brings_the_content_back_under_the_same_id() {
    let blocks = volume("db", "") + &snapshot("before", "db");
    let bench = Bench::applied(&volume("db", ""));
    scribble(&bench.at("pool/db.img"), "old!");
    becomes(&bench, &blocks);
    scribble(&bench.at("pool/db.img"), "new!");
    let before = bench.record("volume.db");
    bench.vbs("apply --auto-approve --restore volume.db=snapshot.before").succeeds();
    bench.settled();
    assert_eq!(beginning(&bench.at("pool/db.img"), 4), "old!");
    assert_eq!(bench.record("volume.db"), before, "id and serial are the volume's for life");
    let recorded = bench.recorded();
    assert_eq!(recorded.trash.len(), 1);
    let trash = files(&bench.at("pool/.vbs/trash"));
    assert_eq!(trash.iter().map(|t| beginning(t, 4)).collect::<Vec<_>>(), ["new!"]);
    assert_eq!(beginning(&bench.at("pool/before.img"), 4), "old!");
    bench.vbs("destroy --purge --auto-approve").succeeds();
    assert!(!bench.at("pool").exists());
}

#[test]
fn restoring_what_is_in_use_or_from_what_is_not_its_snapshot_is_refused() {
    let blocks =
        volume("db", "") + &volume("other", "") + &snapshot("before", "db") + &snapshot("its", "other");
    let bench = Bench::applied(&(blocks.clone() + &attachment("a", "db", "vda")));
    let restore = |what: &str| bench.changes_nothing(&format!("apply --auto-approve --restore {what}"));
    restore("volume.db=snapshot.before").refuses("In use").says("attachment.a");
    restore("volume.db=snapshot.its").refuses("Cannot be restored from this");
    restore("volume.db=snapshot.none").refuses("Cannot be restored from this");
    restore("volume.none=snapshot.before").refuses("Cannot be restored from this");
    restore("volume.db=volume.other").ends(1);
    bench.declare(&blocks);
    bench.apply().succeeds();
    let open = fs::File::open(bench.at("pool/db.img")).unwrap();
    let run = restore("volume.db=snapshot.before");
    assert_ne!(run.code, Some(0), "a volume that somebody reads was exchanged under them");
    drop(open);
}

#[test]
fn names_that_change_places_in_one_plan_are_refused_clearly() {
    let both =
        |a: &str, b: &str| volume("a", &format!("name = \"{a}\"")) + &volume("b", &format!("name = \"{b}\""));
    let bench = Bench::applied(&both("one", "two"));
    bench.declare(&both("two", "one"));
    bench.changes_nothing("apply --auto-approve").refuses("one").says("two");
    // One after the other is possible, and a name that becomes free can be taken in the same plan.
    becomes(&bench, &both("three", "one"));
    becomes(&bench, &both("two", "one"));
    becomes(&bench, &(volume("a", "name = \"two\"") + &volume("c", "name = \"one\"")));
}

#[test]
fn depends_on_is_kept_in_both_directions() {
    let chained =
        volume("a", "depends_on = [volume.c]") + &volume("b", "") + &volume("c", "depends_on = [volume.b]");
    let bench = Bench::new(&chained);
    let order = |text: &str, word: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains(word) && line.starts_with("volume."));
        lines.map(|line| line[..8].to_owned()).collect()
    };
    let run = bench.apply().succeeds();
    assert_eq!(order(&run.err, ": created"), ["volume.b", "volume.c", "volume.a"]);
    let run = bench.vbs("destroy --auto-approve").succeeds();
    assert_eq!(order(&run.err, ": moved to trash"), ["volume.a", "volume.c", "volume.b"]);
}
