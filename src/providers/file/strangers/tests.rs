#![expect(clippy::disallowed_methods, reason = "tests run the scripts on real files")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::model::{Bytes, ContainerView, Kind, Record, Stranger};
use crate::plan::step::{Operation, Undo};
use crate::providers::store::testing::{Bench, id};

/// An image that somebody else made, and the record that it is to become.
fn strange(bench: &Bench, name: &str) -> (Stranger, Record) {
    let path = bench.path().join(format!("{name}.img"));
    // By a process of its own: one that another test starts meanwhile would inherit the open file for a moment.
    let script = "printf precious >\"$0\"";
    assert!(Command::new("/bin/sh").arg("-c").arg(script).arg(&path).status().unwrap().success());
    let found = bench.surveyed().strangers.into_iter().find(|stranger| stranger.name == name).unwrap();
    (found, bench.volume(1, name, 8, None))
}

#[test]
fn adopting_endures_and_leaves_the_image_as_it_is() {
    let bench = Bench::joined(Kind::Pool, "file");
    let (found, after) = strange(&bench, "db");
    assert_eq!((found.why_not.clone(), found.size, found.origin.clone()), (None, Bytes(8), None));
    let adopt = bench.step(Operation::Adopt { after, found: found.clone() });
    bench.endures(&adopt);
    bench.succeed(&adopt.run);
    assert_eq!(fs::read(bench.path().join("db.img")).unwrap(), b"precious");
    assert!(bench.surveyed().strangers.is_empty(), "what is ours is no stranger");
    let again = bench.step(Operation::Adopt { after: bench.volume(2, "db", 8, None), found });
    assert!(bench.refuse(&again.run).contains("has a mark already"));
    let Undo::Run(undo) = adopt.undo else { panic!() };
    bench.succeed(&undo);
    assert_eq!(fs::read(bench.path().join("db.img")).unwrap(), b"precious");
}

#[test]
fn what_changed_since_the_survey_is_not_adopted() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("bytes, and 8 were planned for", |image| fs::write(image, b"more than that").unwrap()),
        ("is not the file that was found", |image| {
            fs::rename(image, image.with_extension("old")).unwrap();
            fs::write(image, b"precious").unwrap();
        }),
        ("is no regular file", |image| {
            fs::remove_file(image).unwrap();
            symlink("/etc/passwd", image).unwrap();
        }),
        ("is not there any more", |image| fs::remove_file(image).unwrap()),
        ("has 2 names", |image| fs::hard_link(image, image.with_extension("other")).unwrap()),
    ];
    for (why, change) in changes {
        let bench = Bench::joined(Kind::Pool, "file");
        let (found, after) = strange(&bench, "db");
        let adopt = bench.step(Operation::Adopt { after, found });
        change(&bench.path().join("db.img"));
        let said = bench.refuse(&adopt.run);
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn what_may_be_written_to_is_not_adopted_and_what_is_read_is() {
    let bench = Bench::joined(Kind::Pool, "file");
    let (found, after) = strange(&bench, "db");
    let adopt = bench.step(Operation::Adopt { after, found });
    let _reader = fs::File::open(bench.path().join("db.img")).unwrap();
    bench.succeed(&adopt.run);
    let Undo::Run(undo) = &adopt.undo else { panic!() };
    bench.succeed(undo);
    let _writer = fs::OpenOptions::new().append(true).open(bench.path().join("db.img")).unwrap();
    assert!(bench.refuse(&adopt.run).contains("is open for writing"));
}

#[test]
fn strangers_say_why_they_cannot_be_adopted() {
    let bench = Bench::joined(Kind::Pool, "file");
    let path = bench.path();
    bench.made(&bench.volume(1, "ours", 4096, None), None);
    bench.made(&bench.volume(2, "usurped", 4096, None), None);
    fs::rename(path.join("usurped.img"), path.join("usurped.old")).unwrap();
    fs::write(path.join("usurped.img"), b"x").unwrap();
    fs::write(path.join("good.img"), b"x").unwrap();
    fs::write(path.join("empty.img"), b"").unwrap();
    fs::write(path.join("one.img"), b"x").unwrap();
    fs::hard_link(path.join("one.img"), path.join("two.img")).unwrap();
    fs::create_dir(path.join("directory.img")).unwrap();
    symlink("good.img", path.join("link.img")).unwrap();
    fs::write(path.join("quo\"te.img"), b"x").unwrap();
    let mut other = Bench::unjoined(Kind::Pool, "file");
    other.lineage = id(777);
    other.container = bench.container.clone();
    other.succeed(&other.join(Vec::new()).run);
    other.made(&other.volume(3, "theirs", 4096, None), None);
    let strangers = bench.surveyed().strangers;
    let told: Vec<String> = strangers
        .iter()
        .map(|stranger| format!("{}: {}", stranger.name, stranger.why_not.as_deref().unwrap_or("yes")))
        .collect();
    let told: BTreeSet<&str> = told.iter().map(String::as_str).collect();
    let expected = [
        "directory: it is no regular file".to_owned(),
        "empty: it is empty".to_owned(),
        "good: yes".to_owned(),
        "link: it is no regular file".to_owned(),
        "one: it has 2 names (hard links): what is written under one shows under the others".to_owned(),
        "two: it has 2 names (hard links): what is written under one shows under the others".to_owned(),
        "quo\"te: \"quo\\\"te\" holds '\"', which the name of a file cannot or should not hold. Rename it first".to_owned(),
        "theirs: workspace \"it's \\\"ours\\\"\" owns it as volume.v3".to_owned(),
        format!("usurped: it stands where volume.v2 was made, whose mark is still there (id {})", id(2)),
    ];
    assert_eq!(told, expected.iter().map(String::as_str).collect());
    // A mark that cannot be understood may be anybody's.
    fs::write(path.join(format!(".vbs/{}.json", id(4))), "{").unwrap();
    let strangers = bench.surveyed().strangers;
    let good = strangers.iter().find(|stranger| stranger.name == "good").unwrap();
    assert!(good.why_not.as_deref().unwrap().contains("cannot be understood and may be its own"), "{good:?}");
}

#[test]
fn a_directory_that_nobody_uses_has_strangers_too() {
    let bench = Bench::unjoined(Kind::Pool, "file");
    fs::write(bench.path().join("db.img"), b"x").unwrap();
    let view = bench.view_for(None, &[]);
    assert!(matches!(view, ContainerView::Fresh { .. }));
    assert_eq!((view.strangers()[0].name.as_str(), &view.strangers()[0].why_not), ("db", &None));
    fs::create_dir(bench.path().join(".vbs")).unwrap();
    fs::write(bench.path().join(format!(".vbs/{}.json", id(1))), "{}\n").unwrap();
    let view = bench.view_for(None, &[]);
    assert!(view.strangers()[0].why_not.as_deref().unwrap().contains("pool.json"), "{view:?}");
}
