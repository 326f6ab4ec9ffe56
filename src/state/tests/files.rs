#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "these tests damage files")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::{Home, begin, put, put_pool, record, summary};
use crate::state::{Access, RunKind, Store};

fn open(home: &Home) -> &'static str {
    summary(Store::open(&home.path(), "shop", Access::Write))
}

#[test]
fn no_state_is_no_error_and_one_is_made_only_once() {
    let home = Home::new();
    for access in [Access::Read, Access::Write] {
        assert!(Store::open(&home.path(), "shop", access).unwrap().is_none());
    }
    let store = home.create();
    assert_eq!((store.serial(), store.epoch(), store.lineage()), (0, 0, home.lineage));
    assert_eq!(
        summary(Store::create(&home.path(), "shop", uuid::Uuid::new_v4())),
        "There is a state already"
    );
    assert_eq!(home.open().lineage(), home.lineage);
}

#[test]
fn everything_beside_the_state_is_private() {
    let home = Home::new();
    let mut store = home.create();
    begin(&mut store, &home.plan(1));
    store.backup().unwrap();
    let mut pending = vec![home.path().parent().unwrap().to_owned()];
    let mut seen = 0;
    while let Some(path) = pending.pop() {
        let found = fs::metadata(&path).unwrap();
        let expected = if found.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(found.mode() & 0o777, expected, "{}", path.display());
        if found.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        seen += 1;
    }
    assert!(seen >= 6, "database, log, shared memory, ballast and backup were looked at");
}

#[test]
fn a_state_that_is_not_whole_is_refused_and_left_alone() {
    let home = Home::new();
    let mut store = home.create();
    store.write(&[put_pool(), put(&record("volume.db"))], 0).unwrap();
    let backup = store.backup().unwrap();
    drop(store);
    let whole = fs::read(home.path()).unwrap();
    let cases: [(&[u8], &str); 4] = [
        (b"", "The state is empty"),
        (b"this is a text and no database, though long enough to be one .......................................", "The state is not a database"),
        (&whole[..whole.len() / 2 / 4096 * 4096], "The state is damaged"),
        (&whole[..100], "The state is damaged"),
    ];
    for (content, expected) in cases {
        fs::write(home.path(), content).unwrap();
        let failure = Store::open(&home.path(), "shop", Access::Write).unwrap_err();
        let problem = failure.diagnostics.iter().next().unwrap().clone();
        assert_eq!(problem.summary, expected);
        assert!(problem.literal.iter().any(|line| line.contains(&*backup.to_string_lossy())), "{problem:?}");
        assert_eq!(fs::read(home.path()).unwrap(), content, "it was left as it was");
    }
}

#[test]
fn a_backup_put_in_its_place_is_the_state_of_then() {
    let home = Home::new();
    let mut store = home.create();
    store.write(&[put_pool(), put(&record("volume.db"))], 0).unwrap();
    let before = store.snapshot().unwrap();
    let backup = store.backup().unwrap();
    store.write(&[put(&record("volume.later"))], 0).unwrap();
    drop(store);
    fs::copy(backup, home.path()).unwrap();
    assert_eq!(home.open().snapshot().unwrap(), before);
}

#[test]
fn the_newest_five_backups_are_kept() {
    let home = Home::new();
    let mut store = home.create();
    for n in 0..7 {
        store.write(&[put_pool(), put(&record(&format!("volume.v[{n}]")))], 0).unwrap();
        store.backup().unwrap();
    }
    let directory = home.directory.path().join(".vbs/state.db.backups");
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["0003-3.db", "0004-4.db", "0005-5.db", "0006-6.db", "0007-7.db"]);
}

#[test]
fn another_workspace_a_newer_version_and_a_foreign_database_are_refused() {
    let home = Home::new();
    let store = home.create();
    let other = Store::open(&home.path(), "bank", Access::Read);
    assert_eq!(summary(other), "The state belongs to another workspace");
    store.connection().pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    assert_eq!(open(&home), "The state was written by a newer vbs");
    let foreign = home.directory.path().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(connection);
    fs::set_permissions(&foreign, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(summary(Store::open(&foreign, "shop", Access::Write)), "The state is not one of vbs");
}

#[test]
fn a_file_that_others_can_write_or_redirect_is_refused() {
    let home = Home::new();
    drop(home.create());
    fs::set_permissions(home.path(), Permissions::from_mode(0o620)).unwrap();
    assert_eq!(open(&home), "A file of vbs is not safe to use");
    fs::set_permissions(home.path(), Permissions::from_mode(0o600)).unwrap();
    let link = home.directory.path().join("link.db");
    symlink(home.path(), &link).unwrap();
    assert_eq!(summary(Store::open(&link, "shop", Access::Write)), "A file of vbs is not safe to use");
    let directory = home.directory.path().join("linked");
    symlink(home.path().parent().unwrap(), &directory).unwrap();
    let through = Store::open(&directory.join("state.db"), "shop", Access::Write).unwrap();
    assert!(through.is_some(), "a linked directory is the user's own choice");
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let home = Home::new();
    drop(home.create());
    if std::os::unix::fs::chown(home.path(), Some(12345), None).is_err() {
        println!("skipped: only root can give a file away");
        return;
    }
    assert_eq!(open(&home), "A file of vbs is not safe to use");
}

#[test]
fn where_the_directory_should_be_is_a_file() {
    let home = Home::new();
    fs::write(home.directory.path().join(".vbs"), "in the way").unwrap();
    assert_eq!(open(&home), "A file of vbs cannot be used");
    let created = Store::create(&home.path(), "shop", home.lineage);
    assert_eq!(summary(created), "A file of vbs cannot be used");
    assert_eq!(fs::read_to_string(home.directory.path().join(".vbs")).unwrap(), "in the way");
}

#[test]
fn a_read_only_directory_is_known_before_anything_is_begun() {
    let home = Home::new();
    drop(home.create());
    let directory = home.path().parent().unwrap().to_owned();
    fs::set_permissions(&directory, Permissions::from_mode(0o500)).unwrap();
    if fs::write(directory.join("probe"), "").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    assert_eq!(open(&home), "The state cannot be opened");
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_run_on_a_full_disk_can_still_be_closed() {
    let home = Home::new();
    let mut store = home.create();
    let run = begin(&mut store, &home.plan(10));
    let pages: i64 = store.connection().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection().pragma_update(None, "max_page_count", pages).unwrap();
    let mut effects: Vec<_> = (0..500).map(|n| put(&record(&format!("volume.v[{n}]")))).collect();
    effects.push(put_pool());
    let ballast = home.directory.path().join(".vbs/state.db.ballast");
    assert_eq!(fs::metadata(&ballast).unwrap().len(), 4 << 20);
    store.close_run(&run, crate::state::RunStatus::Applied, &effects, None, 1).unwrap();
    assert!(!ballast.exists());
    assert_eq!(home.open().snapshot().unwrap().records.len(), 500);
}

#[test]
fn a_full_disk_without_ballast_says_that_nothing_was_sent() {
    let home = Home::new();
    let mut store = home.create();
    let pages: i64 = store.connection().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection().pragma_update(None, "max_page_count", pages).unwrap();
    let effects: Vec<_> =
        (0..500).map(|n| put(&record(&format!("volume.v[{n}]")))).chain([put_pool()]).collect();
    assert_eq!(summary(store.write(&effects, 0)), "The disk that holds the state is full");
    assert!(store.snapshot().unwrap().records.is_empty());
    // What stands in the way of the ballast stands in the way of the run.
    fs::create_dir(home.directory.path().join(".vbs/state.db.ballast")).unwrap();
    assert!(store.begin_run(RunKind::Apply, &home.plan(1), &super::info()).is_err());
    assert!(store.open_run().unwrap().is_none());
}

#[test]
fn the_log_of_a_deleted_state_is_not_taken_for_the_new_ones() {
    let home = Home::new();
    let old = home.create();
    let path = old.path().to_owned();
    let log = path.with_file_name(format!("{}-wal", path.file_name().unwrap().to_string_lossy()));
    fs::write(&log, b"pages of the old one").unwrap();
    drop(old);
    fs::write(&log, b"pages of the old one").unwrap();
    fs::remove_file(&path).unwrap();
    home.create();
    let kept = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().contains("-wal.orphan-"));
    assert_eq!(fs::read(kept.unwrap().path()).unwrap(), b"pages of the old one", "set aside, not lost");
}
