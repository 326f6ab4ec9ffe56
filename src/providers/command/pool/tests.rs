#![expect(clippy::disallowed_methods, reason = "tests run the scripts on a real tool")]

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::model::{Bytes, ContainerView, Kind, OnDestroy, Place, Record, Setting};
use crate::plan::step::{Expectation, Operation, Step, Undo};
use crate::providers::store::testing::{Bench, id};

/// How the tool's list is read; the last one has no room for marks.
const READERS: [&str; 3] = ["list", "json", "bare"];

fn san(bench: &Bench) -> PathBuf {
    bench.root.path().join("the san's \"$(root)\"")
}

fn sanctl(bench: &Bench, arguments: &[&str]) {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/sanctl");
    let status = std::process::Command::new(tool).arg(san(bench)).args(arguments).status().unwrap();
    assert!(status.success(), "{arguments:?}");
}

fn fault(bench: &Bench, words: &str) {
    let file = bench.root.path().join("the san's \"$(root)\".fault");
    if words.is_empty() {
        fs::remove_file(file).unwrap()
    } else {
        fs::write(file, format!("{words}\n")).unwrap()
    }
}

fn set(bench: &mut Bench, name: &str, words: &[&str]) {
    let root = san(bench).to_str().unwrap().to_owned();
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/sanctl").to_owned();
    let words = words.iter().map(|&word| word.to_owned());
    let list = [tool, root].into_iter().chain(words).collect();
    bench.container.settings.insert(name.to_owned(), Setting::List(list));
}

fn text(bench: &mut Bench, name: &str, text: &str) {
    bench.container.settings.insert(name.to_owned(), Setting::Text(text.to_owned()));
}

fn pool(reader: &str) -> Bench {
    let mut bench = Bench::joined(Kind::Pool, "command");
    fs::create_dir(san(&bench)).unwrap();
    set(&mut bench, "create", &["create", "{name}", "{size_bytes}", "{mark}"]);
    set(&mut bench, "grow", &["grow", "{name}", "{size_bytes}"]);
    set(&mut bench, "rename", &["rename", "{name}", "{new_name}"]);
    set(&mut bench, "destroy", &["delete", "{name}"]);
    set(&mut bench, "snapshot", &["snapshot", "{source}", "{name}", "{mark}"]);
    set(&mut bench, "clone", &["clone", "{source}", "{name}", "{mark}"]);
    set(&mut bench, "list.command", &[reader]);
    text(&mut bench, "device", "/dev/san/{name}");
    text(&mut bench, "list.timeout", "5s");
    match reader {
        "list" => {
            text(&mut bench, "list.pattern", r"^(?<name>\S+) (?<size_bytes>\d+) (?<mark>\S+)$");
            text(&mut bench, "list.ignore", "^NAME ");
        }
        "json" => {
            for (name, path) in [
                ("list.format", "json"),
                ("list.items", "pool.volumes"),
                ("list.name", "name"),
                ("list.size_bytes", "size.bytes"),
                ("list.mark", "meta.note"),
            ] {
                text(&mut bench, name, path);
            }
        }
        _ => text(&mut bench, "list.pattern", r"^(?<name>\S+)\s+(?<size_bytes>[0-9]+)$"),
    }
    assert_eq!((kinds::schema().check_settings)(&bench.container), []);
    bench
}

fn why(bench: &Bench) -> String {
    match bench.view_for(Some(bench.identity), &[]) {
        ContainerView::Unsurveyed { why } => why,
        other => panic!("{other:?}"),
    }
}

fn destroy(bench: &Bench, record: &Record) -> Vec<Step> {
    let live = bench.observed(record.object.id).unwrap();
    bench.steps(Operation::Destroy { record: record.clone(), live })
}

#[test]
fn making_endures_whatever_fails_or_is_killed() {
    for reader in READERS {
        let bench = pool(reader);
        sanctl(&bench, &["create", "theirs", "512", "mine"]);
        let volume = bench.volume(1, "db", 4096, None);
        if reader != "json" {
            bench.endures(&bench.create(&volume, None));
        }
        bench.made(&volume, None);
        assert_eq!(bench.observed(id(1)).unwrap().body, volume.object.body, "{reader}");
        let snapshot = bench.snapshot(2, "snap", &volume);
        bench.made(&snapshot, Some(&volume));
        assert_eq!(bench.observed(id(2)).unwrap().body, snapshot.object.body, "{reader}");
        let copy = bench.volume(3, "copy", 4096, Some(&snapshot));
        bench.made(&copy, Some(&snapshot));
        assert_eq!(bench.observed(id(3)).unwrap().body, copy.object.body, "{reader}");
    }
}

/// With marks of the tool, and with those of the seat.
#[test]
fn moving_endures_whatever_fails_or_is_killed() {
    let bench = pool("bare");
    let volume = bench.volume(1, "db", 4096, None);
    bench.made(&volume, None);
    let mut renamed = volume.clone();
    super::steps::set_name(&mut renamed.object.body, "data");
    let live = bench.observed(id(1)).unwrap();
    let update = Operation::Update { before: volume.clone(), after: renamed, live, attached: false };
    bench.endures(&bench.step(update));
    let bench = pool("json");
    let volume = bench.volume(1, "db", 4096, None);
    bench.made(&volume, None);
    bench.endures(&destroy(&bench, &volume)[0]);
}

#[test]
fn the_way_to_the_trash_and_out_of_it() {
    for reader in READERS {
        let bench = pool(reader);
        let volume = bench.volume(1, "db", 4096, None);
        bench.made(&volume, None);
        fs::write(san(&bench).join("db/data.img"), [b'x'; 4096]).unwrap();
        let trash = destroy(&bench, &volume).remove(0);
        bench.succeed(&trash.run);
        let found = bench.observed(id(1)).unwrap();
        assert_eq!((found.place, found.body.name()), (Place::Trash, Some("db")), "{reader}");
        // The name is free for another one, and both are told apart.
        let other = bench.volume(2, "db", 512, None);
        bench.made(&other, None);
        assert_eq!(bench.observed(id(1)).unwrap().place, Place::Trash, "{reader}");
        assert_eq!(bench.observed(id(2)).unwrap().place, Place::Live, "{reader}");
        let entry =
            crate::model::TrashEntry { id: id(1), record: volume.clone(), purge: false, trashed_at: 0 };
        let taken = bench.volume(1, "again", 4096, None);
        let out = bench.step(Operation::TakeOutOfTrash { entry: entry.clone(), after: taken });
        bench.succeed(&out.run);
        assert!(bench.shows(&out.proof.done), "{reader}");
        let Undo::Run(undo) = &out.undo else { panic!() };
        bench.succeed(undo);
        assert!(bench.shows(&out.proof.not_done), "{reader}");
        let purge = bench.step(Operation::Purge { entries: vec![entry] });
        bench.succeed(&purge.run);
        assert!(bench.shows(&purge.proof.done), "{reader}");
        bench.succeed(&purge.run);
        assert!(bench.observed(id(2)).is_some());
    }
}

#[test]
fn growing_is_for_good_and_a_copy_is_grown_when_it_comes_out_small() {
    let bench = pool("json");
    let before = bench.volume(1, "db", 4096, None);
    bench.made(&before, None);
    let after = bench.volume(1, "db", 8192, None);
    let live = bench.observed(id(1)).unwrap();
    let grow =
        bench.step(Operation::Update { before: before.clone(), after: after.clone(), live, attached: true });
    assert!(matches!(grow.undo, Undo::Impossible { .. }));
    bench.succeed(&grow.run);
    assert!(bench.shows(&grow.proof.done) && !bench.shows(&grow.proof.not_done));
    let large = bench.volume(2, "large", 16384, Some(&after));
    let steps = bench.steps(Operation::Create { after: large.clone(), source: Some(after) });
    assert_eq!(steps.len(), 2);
    bench.succeed(&steps[0].run);
    assert_eq!(bench.observed(id(2)).unwrap().place, Place::Staged, "it is not whole yet");
    assert!(bench.shows(&steps[0].proof.done) && bench.shows(&steps[1].proof.not_done));
    bench.succeed(&steps[1].run);
    assert!(bench.shows(&steps[1].proof.done) && !bench.shows(&steps[1].proof.not_done));
    assert_eq!(bench.observed(id(2)).unwrap().body, large.object.body);
    let Undo::Run(undo) = &steps[0].undo else { panic!() };
    bench.succeed(undo);
    assert!(bench.observed(id(2)).is_none());
}

/// Somebody else's volume of the same name, at every moment at which it may turn up.
#[test]
fn what_is_not_ours_is_never_touched() {
    for reader in READERS {
        let bench = pool(reader);
        let volume = bench.volume(1, "db", 4096, None);
        let create = bench.create(&volume, None);
        sanctl(&bench, &["create", "db", "4096", "theirs"]);
        assert!(bench.refuse(&create.run).contains("not what this was planned for"), "{reader}");
        let Undo::Run(undo) = &create.undo else { panic!() };
        let before = bench.tree();
        assert_ne!(bench.run(undo, None).status, 1);
        assert_eq!(bench.tree(), before, "{reader}: an undo took what was theirs");
        let ContainerView::Present(seen) = bench.view_for(None, &["db", "free"]) else { panic!() };
        assert_eq!(seen.foreign.into_iter().collect::<Vec<_>>(), ["db"]);
        assert!(seen.objects.is_empty() && seen.strangers.len() == 1);
        sanctl(&bench, &["delete", "db"]);

        bench.succeed(&create.run);
        let trash = destroy(&bench, &volume).remove(0);
        // Grown by hand: identity is more than a name.
        sanctl(&bench, &["grow", "db", "8192"]);
        bench.refuse(&trash.run);
        if reader != "bare" {
            // Renamed by hand, and another one put in its place.
            sanctl(&bench, &["rename", "db", "elsewhere"]);
            sanctl(&bench, &["create", "db", "4096", "theirs"]);
            bench.refuse(&trash.run);
            bench.refuse(undo);
            assert_eq!(bench.observed(id(1)).unwrap().body.name(), Some("elsewhere"), "{reader}");
        }
    }
}

#[test]
fn a_tool_that_fails_or_lies_is_found_out() {
    for reader in READERS {
        let bench = pool(reader);
        let volume = bench.volume(1, "db", 4096, None);
        let create = bench.create(&volume, None);
        let empty = bench.tree();
        for (words, said) in [
            ("create fail", "ended with status 5, and what is listed is as before"),
            ("create lie", "said that all is well, and what is listed is as before"),
            ("create die", "ended with status 137"),
        ] {
            fault(&bench, words);
            let answer = bench.run(&create.run, None);
            assert_eq!(answer.status, 1, "{reader} {words}: {}", answer.stderr);
            assert!(answer.stderr.contains(said), "{reader} {words}: {}", answer.stderr);
            fault(&bench, "");
            assert_eq!(bench.tree(), empty, "{reader} {words}: something is left");
        }
        for words in ["create grumble", "create half"] {
            fault(&bench, words);
            bench.succeed(&create.run);
            fault(&bench, "");
            assert!(bench.shows(&create.proof.done), "{reader} {words}");
            let Undo::Run(undo) = &create.undo else { panic!() };
            bench.succeed(undo);
            assert_eq!(bench.tree(), empty, "{reader} {words}: undone");
        }
    }
}

#[test]
fn a_list_that_says_nothing_is_never_an_absence() {
    for reader in READERS {
        let mut bench = pool(reader);
        bench.made(&bench.volume(1, "db", 4096, None), None);
        fault(&bench, &format!("{reader} fail"));
        assert!(why(&bench).contains("ended with status 5: sanctl: out of order"), "{}", why(&bench));
        fault(&bench, &format!("{reader} garble"));
        let said = why(&bench);
        assert!(said.contains("!! maintenance !!") || said.contains("no JSON"), "{said}");
        let create = bench.create(&bench.volume(2, "web", 512, None), None);
        let Undo::Run(undo) = &create.undo else { panic!() };
        assert!(bench.refuse(&create.run).contains("cannot be told"), "{reader}");
        assert_ne!(bench.run(undo, None).status, 1, "{reader}");
        let live = bench.volume(1, "db", 4096, None);
        let gone = bench.steps(Operation::Purge {
            entries: vec![crate::model::TrashEntry { id: id(1), record: live, purge: true, trashed_at: 0 }],
        });
        assert!(bench.refuse(&gone[0].run).contains("cannot be told"), "{reader}");
        text(&mut bench, "list.timeout", "1s");
        fault(&bench, &format!("{reader} hang"));
        assert!(why(&bench).contains("did not end within 1 s"), "{}", why(&bench));
        let create = bench.create(&bench.volume(2, "web", 512, None), None);
        assert!(bench.refuse(&create.run).contains("cannot be told"));
    }
}

#[test]
fn a_verb_may_read_what_its_template_says() {
    let mut bench = pool("bare");
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/sanctl");
    let script = r#"read -r name && read -r size && exec "$0" "$1" create "$name" "$size""#;
    let words = ["sh", "-c", script, tool, san(&bench).to_str().unwrap()].map(str::to_owned);
    bench.container.settings.insert("create".to_owned(), Setting::List(words.into()));
    text(&mut bench, "stdin.create", "{name}\n{size_bytes}\n");
    let volume = bench.volume(1, "db", 4096, None);
    bench.made(&volume, None);
    assert_eq!(bench.observed(id(1)).unwrap().body, volume.object.body);
    text(&mut bench, "stdin.create", "{nmae}\n");
    let faults = (kinds::schema().check_settings)(&bench.container);
    let told = |name| faults.iter().any(|fault| fault.attribute == name);
    assert!(told("stdin.create") && told("create"), "{faults:?}");
}

#[test]
fn without_a_template_the_change_is_no_plan() {
    let mut bench = pool("list");
    let volume = bench.volume(1, "db", 4096, None);
    bench.made(&volume, None);
    for verb in ["grow", "rename", "snapshot", "clone"] {
        bench.container.settings.remove(verb);
    }
    let live = bench.observed(id(1)).unwrap();
    let grown = bench.volume(1, "db", 8192, None);
    let grow =
        Operation::Update { before: volume.clone(), after: grown, live: live.clone(), attached: false };
    let snapshot = Operation::Create { after: bench.snapshot(2, "s", &volume), source: Some(volume.clone()) };
    for (operation, verb) in [(grow, "grow"), (snapshot, "snapshot")] {
        let why = bench.request(operation).unwrap_err();
        assert!(why.detail.contains(&format!("`{verb}`")), "{}", why.detail);
    }
    // Without a rename there is no trash.
    assert_eq!(volume.on_destroy, OnDestroy::Trash);
    let gone = bench.step(Operation::Destroy { record: volume.clone(), live: live.clone() });
    assert!(gone.is_irreversible() && gone.effects.len() == 1);
    bench.succeed(&gone.run);
    assert!(
        bench.shows(&gone.proof.done)
            && bench.shows(&[Expectation::Absent { container: bench.container.address.clone(), id: id(1) }])
    );
    let restore = Operation::Restore {
        record: volume.clone(),
        snapshot: bench.snapshot(2, "s", &volume),
        trash: id(3),
        live,
    };
    assert!(bench.request(restore).unwrap_err().detail.contains("cannot restore"));
}

#[test]
fn a_lost_seat_loses_no_volume_whose_mark_the_tool_keeps() {
    let bench = pool("list");
    let volume = bench.volume(1, "db", 4096, None);
    bench.made(&volume, None);
    fs::remove_file(bench.path().join(format!(".vbs/{}.json", id(1)))).unwrap();
    let found = bench.observed(id(1)).unwrap();
    assert_eq!(found.body, volume.object.body);
    let trash = destroy(&bench, &volume).remove(0);
    bench.succeed(&trash.run);
    assert_eq!(bench.observed(id(1)).unwrap().body, volume.object.body);
    let Undo::Run(undo) = &trash.undo else { panic!() };
    bench.succeed(undo);
    assert!(bench.shows(&trash.proof.not_done));
}

#[test]
fn settings_are_checked_before_any_host_is_asked() {
    let check = kinds::schema().check_settings;
    for (name, value, said) in [
        ("list.pattern", "(?<name>a", "cannot be read as a regular expression"),
        ("list.pattern", r"(?<name>\S+)", "no group `size_bytes`"),
        ("list.pattern", r"(?<name>\S+) (?<size_bytes>\d+) (?<color>\S+)", "\"color\""),
        ("list.pattern", r"\b(?<name>\S+) (?<size_bytes>\d+)", "grep"),
        ("list.format", "xml", "no format"),
        ("list.timeout", "1h", "no time"),
        ("list.name", "x", "in JSON"),
        ("device", "/dev/{nmae}", "Did you mean {name}?"),
    ] {
        let mut bench = pool("list");
        text(&mut bench, name, value);
        let faults = check(&bench.container);
        let told = faults.iter().any(|fault| fault.attribute == name && fault.detail.contains(said));
        assert!(told || said == "no time" && !faults.is_empty(), "{name} = {value:?}: {faults:?}");
    }
    for (name, words, said) in [
        ("create", &["create", "{name}", "{size_bytes}"][..], "use {mark}"),
        ("create", &["create", "{nam}"], "Did you mean {name}?"),
        ("grow", &["grow", "{name}"], "{size_bytes}"),
        ("rename", &["rename", "{name}", "{source}"], "{source}"),
        ("list.command", &["list", "{name}"], "What can stand here: {path}"),
    ] {
        let mut bench = pool("list");
        set(&mut bench, name, words);
        let faults = check(&bench.container);
        assert!(
            faults.iter().any(|fault| fault.attribute == name && fault.detail.contains(said)),
            "{faults:?}"
        );
    }
    let check_name = kinds::schema().check_name;
    let bench = pool("list");
    for name in ["", "a b", "-a", "ä", "a/b", "a:b", "vbs-trash-x", ".a"] {
        assert!(check_name(&bench.container, name).is_err(), "{name:?}");
    }
    assert_eq!(check_name(&bench.container, "a.B_c-9"), Ok(()));
    assert_eq!(bench.observed(id(1)).map(|found| found.body.size()), None::<Bytes>);
}
