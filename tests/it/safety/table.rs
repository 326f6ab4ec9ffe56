//! The three-way table: wanted, recorded and live, a row a test.

use std::fs;
use std::process::Command;

use super::bench::*;

/// Two volumes of which the first has lost its image.
fn vanished() -> Bench {
    let bench = Bench::applied(&(volume("db", "") + &volume("logs", "")));
    fs::remove_file(bench.at("pool/db.img")).unwrap();
    bench
}

#[test]
fn data_that_vanished_is_never_quietly_made_anew() {
    let bench = vanished();
    bench
        .changes_nothing("plan")
        .refuses("Vanished")
        .says("--recreate 'volume.db'")
        .says("vbs state rm 'volume.db'");
    bench.changes_nothing("apply --auto-approve").refuses("Vanished");
    bench.changes_nothing("apply --auto-approve --recreate volume.logs").refuses("Vanished");
    let logs = tree(&bench.at("pool/logs.img"));
    bench.vbs("apply --auto-approve --recreate volume.db").succeeds().says("1 added");
    assert!(bench.at("pool/db.img").is_file());
    assert_eq!(logs, tree(&bench.at("pool/logs.img")));
    bench.settled();
}

#[test]
fn a_vanished_snapshot_is_an_error_and_a_vanished_disk_is_made_anew() {
    let blocks = volume("db", "") + &snapshot("before", "db") + &attachment("a", "db", "vda");
    let bench = Bench::applied(&blocks);
    fs::remove_file(bench.at("vms/web/vda")).unwrap();
    bench.apply().succeeds().says("attachment.a").says("vanished");
    assert!(bench.at("vms/web/vda").is_file());
    bench.settled();
    fs::remove_file(bench.at("pool/before.img")).unwrap();
    bench.changes_nothing("apply --auto-approve").refuses("Vanished").says("--recreate 'snapshot.before'");
    bench.vbs("apply --auto-approve --recreate snapshot.before").succeeds();
    bench.settled();
}

#[test]
fn what_is_gone_and_not_wanted_is_forgotten() {
    let bench = vanished();
    bench.declare(&volume("logs", ""));
    bench.apply().succeeds().says("1 to forget");
    bench.settled();
    assert!(bench.recorded().records.keys().all(|key| key.address.to_string() != "volume.db"));
}

#[test]
fn ours_but_not_recorded_is_an_error_and_not_made_again() {
    // The state of yesterday: it does not know what was made since.
    let bench = Bench::applied(&volume("db", ""));
    let copy = |from: &str, to: &str| fs::copy(bench.at(from), bench.at(to)).map(|_| ()).unwrap();
    copy("ws/.vbs/state.db", "old");
    bench.declare(&(volume("db", "") + &volume("logs", "")));
    bench.apply().succeeds();
    let images = tree(&bench.at("pool"));
    copy("old", "ws/.vbs/state.db");
    bench.vbs("plan").ends(5).says("state");
    bench.apply().ends(5);
    bench.vbs("destroy --auto-approve").ends(5);
    // The same with an epoch that does not give it away.
    for epoch in fs::read_dir(bench.at("pool/.vbs")).unwrap().map(|entry| entry.unwrap().path()) {
        if epoch.file_name().unwrap().to_string_lossy().starts_with("epoch.") {
            fs::write(&epoch, "1\n").unwrap();
        }
    }
    for blocks in [volume("db", "") + &volume("logs", ""), volume("db", ""), String::new()] {
        bench.declare(&blocks);
        bench.vbs("plan").refuses("Ours but not recorded").says("vbs recover").says("vbs state rebuild");
        bench.apply().refuses("Ours but not recorded");
    }
    assert_eq!(images, tree(&bench.at("pool")));
}

#[test]
fn one_id_twice_is_an_error() {
    let other = "pool \"file\" \"slow\" {\n path = \"ROOT/slow\"\n create = true\n}\n";
    let in_slow = volume("two", "").replace("pool.fast", "pool.slow");
    let bench = Bench::applied(&(volume("db", "") + other + &in_slow));
    // Somebody copied an image with its mark into another pool, which keeps times and makes marks fit anew.
    let id = bench.record("volume.db").object.id;
    let cp = |from: std::path::PathBuf, to: std::path::PathBuf| {
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    cp(bench.at("pool/db.img"), bench.at("slow/db.img"));
    cp(bench.mark("volume.db"), bench.at(&format!("slow/.vbs/{id}.json")));
    bench.changes_nothing("plan").refuses("One id twice").says("pool.fast").says("pool.slow");
    bench.changes_nothing("destroy --auto-approve").refuses("One id twice");
}

#[test]
fn an_outage_stops_what_it_concerns_and_shows_the_rest() {
    let other = "pool \"file\" \"slow\" {\n path = \"ROOT/slow\"\n create = true\n}\n";
    let in_slow = |name: &str| volume(name, "").replace("pool.fast", "pool.slow");
    let bench = Bench::applied(&(volume("db", "") + other + &in_slow("one")));
    fs::rename(bench.at("slow"), bench.at("away")).unwrap();
    fs::create_dir(bench.at("slow")).unwrap();
    bench.declare(&(sized("db", "2MiB") + other + &in_slow("one") + &in_slow("two")));
    bench
        .changes_nothing("plan")
        .refuses("Cannot be looked at")
        .says("volume.db will grow in place")
        .says("--exclude pool.slow")
        .never_says("volume.two will be");
    bench.changes_nothing("apply --auto-approve").refuses("Cannot be looked at");
    bench.vbs("apply --auto-approve --exclude pool.slow").succeeds();
    assert_eq!(fs::metadata(bench.at("pool/db.img")).unwrap().len(), 2 << 20);
    assert_eq!(fs::read_dir(bench.at("slow")).unwrap().count(), 0);
    fs::remove_dir(bench.at("slow")).unwrap();
    fs::rename(bench.at("away"), bench.at("slow")).unwrap();
    bench.apply().succeeds();
    bench.settled();
}

#[test]
fn what_took_the_place_of_an_object_is_neither_changed_nor_destroyed() {
    let bench = vanished();
    fs::write(bench.at("pool/db.img"), "somebody's").unwrap();
    for arguments in [
        "plan",
        "apply --auto-approve",
        "apply --auto-approve --recreate volume.db",
        "apply --auto-approve --replace volume.db",
        "destroy --purge --auto-approve",
    ] {
        bench.changes_nothing(arguments).refuses("Replaced by something else").says("--recreate 'volume.db'");
    }
    fs::rename(bench.at("pool/db.img"), bench.at("theirs")).unwrap();
    bench.vbs("apply --auto-approve --recreate volume.db").succeeds();
    bench.settled();
    assert_eq!(fs::read_to_string(bench.at("theirs")).unwrap(), "somebody's");
}
