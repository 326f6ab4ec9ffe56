//! Nothing foreign is touched, and what somebody did behind vbs's back is named.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::bench::*;

/// What can stand where an image would be.
const OBSTACLES: [(&str, fn(&Path)); 7] = [
    ("a file", |path| fs::write(path, "precious").unwrap()),
    ("a directory", |path| fs::create_dir(path).unwrap()),
    ("a FIFO", |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
    ("a link to a file outside", |path| symlink("/etc/passwd", path).unwrap()),
    ("a link to nothing", |path| symlink("/nowhere/at/all", path).unwrap()),
    ("a link to a device", |path| symlink("/dev/full", path).unwrap()),
    ("a socket", |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap())),
];

#[test]
fn a_taken_name_is_refused_whatever_has_it() {
    for (what, put) in OBSTACLES {
        let bench = Bench::new(&volume("db", ""));
        fs::create_dir(bench.at("pool")).unwrap();
        put(&bench.at("pool/db.img"));
        let passwd = fs::read("/etc/passwd").unwrap();
        println!("{what}");
        bench.changes_nothing("apply --auto-approve").refuses("Already exists and is not ours");
        bench.changes_nothing("plan").refuses("Already exists and is not ours");
        assert_eq!(fs::read("/etc/passwd").unwrap(), passwd);
        assert!(!bench.at("pool/.vbs").exists(), "{what}: the pool was taken into use by a refused plan");
    }
}

#[test]
fn a_hard_link_to_somebody_elses_file_is_somebody_elses() {
    let bench = Bench::new(&volume("db", ""));
    fs::create_dir(bench.at("pool")).unwrap();
    fs::write(bench.at("precious"), "precious").unwrap();
    fs::hard_link(bench.at("precious"), bench.at("pool/db.img")).unwrap();
    bench.changes_nothing("apply --auto-approve").refuses("Already exists and is not ours");
}

#[test]
fn a_full_life_leaves_a_directory_of_other_files_as_it_was() {
    let bench = Bench::new(&(volume("db", "") + &attachment("a", "db", "vda")));
    for directory in ["pool", "vms"] {
        fs::create_dir(bench.at(directory)).unwrap();
        fs::create_dir(bench.at(directory).join("sub")).unwrap();
        fs::write(bench.at(directory).join("sub/db.img"), "deep").unwrap();
        for name in
            ["other.img", "db.img.bak", ".hidden", "-rf", "two words", "line\nend", "quote'\"", "*", "db"]
        {
            fs::write(bench.at(directory).join(name), name).unwrap();
        }
        symlink("/etc/passwd", bench.at(directory).join("passwd.img")).unwrap();
        symlink("/", bench.at(directory).join("everything")).unwrap();
    }
    let before = (tree(&bench.at("pool")), tree(&bench.at("vms")));
    bench.apply().succeeds();
    bench.settled();
    bench.vbs("destroy --purge --auto-approve").succeeds();
    assert_eq!(before, (tree(&bench.at("pool")), tree(&bench.at("vms"))));
}

#[test]
fn what_is_not_under_vbs_is_not_followed() {
    // Where `.vbs` is a link, marks would be written wherever it leads.
    for directory in ["pool", "vms"] {
        let bench = Bench::new(&(volume("db", "") + &attachment("a", "db", "vda")));
        fs::create_dir(bench.at(directory)).unwrap();
        fs::create_dir(bench.at("elsewhere")).unwrap();
        symlink(bench.at("elsewhere"), bench.at(directory).join(".vbs")).unwrap();
        bench.changes_nothing("apply --auto-approve").refuses("is a symbolic link");
        assert_eq!(fs::read_dir(bench.at("elsewhere")).unwrap().count(), 0);
    }
}

#[test]
fn links_among_the_marks_are_not_written_through() {
    // Whoever can plant a link where vbs writes could have it write into any file of its user.
    type Plant = fn(&Bench) -> std::path::PathBuf;
    let plants: [(&str, Plant); 5] = [
        ("guard", |b| b.at("pool/.vbs/guard")),
        ("guard of a hypervisor", |b| b.at("vms/.vbs/guard")),
        ("epoch", |b| b.at(&format!("pool/.vbs/epoch.{}.new", b.recorded().lineage))),
        ("mark", |b| b.at(&format!("pool/.vbs/{}.json.new", b.record("volume.db").object.id))),
        ("dangling", |b| b.at(&format!("pool/.vbs/{}.json.new", b.record("volume.db").object.id))),
    ];
    for (what, plant) in plants {
        let bench = Bench::applied(&(volume("db", "") + &attachment("a", "db", "vda")));
        let link = plant(&bench);
        if what != "dangling" {
            fs::write(bench.at("precious"), "precious").unwrap();
        }
        let _ = fs::remove_file(&link);
        symlink(bench.at("precious"), &link).unwrap();
        println!("{what}");
        bench.declare(&volume("db", "name = \"other\""));
        let run = bench.apply();
        let content = fs::read_to_string(bench.at("precious")).ok();
        assert_eq!(content.as_deref(), (what != "dangling").then_some("precious"), "{run:#?}");
    }
}

#[test]
fn a_trash_that_leads_elsewhere_takes_nothing_there() {
    let bench = Bench::applied(&volume("db", ""));
    fs::remove_dir(bench.at("pool/.vbs/trash")).unwrap();
    fs::create_dir(bench.at("elsewhere")).unwrap();
    symlink(bench.at("elsewhere"), bench.at("pool/.vbs/trash")).unwrap();
    let run = bench.vbs("destroy --auto-approve");
    assert_ne!(run.code, Some(0), "{run:#?}");
    assert_eq!(fs::read_dir(bench.at("elsewhere")).unwrap().count(), 0);
    assert!(bench.at("pool/db.img").is_file());
}

#[test]
fn a_vm_directory_that_leads_out_of_the_tree_is_not_written_to() {
    let bench = Bench::new(&(volume("db", "") + &attachment("a", "db", "vda")));
    fs::create_dir_all(bench.at("vms")).unwrap();
    fs::create_dir(bench.at("elsewhere")).unwrap();
    symlink(bench.at("elsewhere"), bench.at("vms/web")).unwrap();
    let run = bench.apply();
    assert!(matches!(run.code, Some(1 | 3)), "{run:#?}");
    assert_eq!(fs::read_dir(bench.at("elsewhere")).unwrap().count(), 0);
    assert!(!bench.at("pool/db.img").exists(), "the apply failed and left a volume behind");
    assert!(fs::read_link(bench.at("vms/web")).is_ok());
}

#[test]
fn a_planted_link_after_the_fact_is_not_followed_either() {
    // The image is exchanged for a link to somebody's file: growing or destroying must not reach that file.
    for (blocks, arguments) in [
        (sized("db", "2MiB"), "apply --auto-approve"),
        (String::new(), "apply --auto-approve"),
        (volume("db", "name = \"other\""), "apply --auto-approve"),
        (volume("db", ""), "destroy --purge --auto-approve"),
    ] {
        let bench = Bench::applied(&volume("db", ""));
        fs::write(bench.at("precious"), "precious").unwrap();
        fs::rename(bench.at("pool/db.img"), bench.at("moved-away")).unwrap();
        symlink(bench.at("precious"), bench.at("pool/db.img")).unwrap();
        bench.declare(&blocks);
        let run = bench.vbs(arguments);
        assert_ne!(run.code, Some(0), "{arguments}: {run:#?}");
        assert_eq!(fs::read_to_string(bench.at("precious")).unwrap(), "precious");
        assert_eq!(fs::read_link(bench.at("pool/db.img")).unwrap(), bench.at("precious"));
        assert!(bench.at("moved-away").exists());
    }
}

/// What somebody can do to an image or its mark, and the words with which it is named.
const INTERFERENCE: [(&str, fn(&Bench), &str); 8] = [
    (
        "truncated",
        |b| fs::File::options().write(true).open(b.at("pool/db.img")).unwrap().set_len(512).unwrap(),
        "512 B",
    ),
    (
        "grown",
        |b| fs::File::options().write(true).open(b.at("pool/db.img")).unwrap().set_len(3 << 20).unwrap(),
        "3 MiB",
    ),
    (
        "replaced",
        |b| {
            fs::rename(b.at("pool/db.img"), b.at("away")).unwrap();
            fs::write(b.at("pool/db.img"), vec![0; 1 << 20]).unwrap();
        },
        "another file",
    ),
    ("deleted", |b| fs::remove_file(b.at("pool/db.img")).unwrap(), "vanished"),
    ("renamed", |b| fs::rename(b.at("pool/db.img"), b.at("pool/other.img")).unwrap(), "other"),
    ("its mark deleted", |b| fs::remove_file(b.mark("volume.db")).unwrap(), "vanished"),
    (
        "its mark edited",
        |b| {
            let text = fs::read_to_string(b.mark("volume.db")).unwrap();
            fs::write(b.mark("volume.db"), text.replace("\"serial\":\"", "\"serial\":\"X")).unwrap();
        },
        "serial",
    ),
    ("its mark made unreadable", |b| fs::write(b.mark("volume.db"), "{not json").unwrap(), "mark"),
];

#[test]
fn what_was_done_behind_vbs_is_named_as_drift_and_costs_nobody_anything() {
    for (what, interfere, words) in INTERFERENCE {
        let bench = Bench::applied(&volume("db", ""));
        interfere(&bench);
        println!("{what}");
        let run = bench.changes_nothing("plan --detailed-exitcode");
        assert_ne!(run.code, Some(0), "{what} was not noticed\n{}", run.out);
        run.says(words);
        let files = tree(&bench.at("pool"));
        // Whatever an apply makes of it, no image is removed or emptied without being asked.
        let run = bench.apply();
        for (path, was) in files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "img")) {
            let now = tree(&bench.at("pool"));
            let inode = |text: &str| text.split(' ').nth(2).unwrap().to_owned();
            let kept = now.values().any(|is| inode(is) == inode(was));
            assert!(kept, "{what}: {} is gone\n{}{}", path.display(), run.out, run.err);
        }
    }
}

#[test]
fn what_a_guest_writes_is_no_drift() {
    let bench = Bench::applied(&volume("db", ""));
    scribble(&bench.at("pool/db.img"), "data of a guest");
    bench.settled();
    bench.apply().succeeds();
    assert_eq!(beginning(&bench.at("pool/db.img"), 15), "data of a guest");
}

#[test]
fn a_mark_of_another_lineage_is_not_ours() {
    let bench = Bench::applied(&volume("db", ""));
    let text = fs::read_to_string(bench.mark("volume.db")).unwrap();
    let lineage = bench.recorded().lineage.to_string();
    fs::write(bench.mark("volume.db"), text.replace(&lineage, "6f1d8a8e-8b4c-4b5e-9a46-0c7f4fd1a111"))
        .unwrap();
    let marked = tree(&bench.at("pool"));
    bench.changes_nothing("apply --auto-approve").refuses("Already exists and is not ours");
    bench.vbs("destroy --purge --auto-approve").succeeds().says("1 forgotten");
    assert_eq!(marked, tree(&bench.at("pool")), "what is marked as somebody else's was touched");
}

#[test]
fn two_checkouts_of_one_name_never_own_each_others_volumes() {
    let first = Bench::applied(&volume("db", ""));
    let second = Bench::new("");
    let shared = |blocks: &str| {
        let text = STORES.replace("ROOT/pool", &first.at("pool").display().to_string());
        second.write(&format!("{text}{blocks}"));
    };
    shared(&volume("db", ""));
    let before = tree(&first.at("pool"));
    second.vbs("apply --auto-approve").refuses("Already exists and is not ours");
    assert_eq!(before, tree(&first.at("pool")));
    shared(&volume("logs", ""));
    second.vbs("apply --auto-approve").succeeds();
    first.settled();
    second.vbs("destroy --purge --auto-approve").succeeds().never_says("volume.db");
    assert!(!first.at("pool/logs.img").exists());
    first.settled();
    first.vbs("destroy --purge --auto-approve").succeeds();
    assert!(!first.at("pool").exists(), "the last one to leave takes along what the first one made");
}

#[test]
fn an_unmounted_or_exchanged_pool_plans_nothing_and_says_so() {
    let swap: [(&str, fn(&Bench), &str); 5] = [
        ("gone", |b| fs::rename(b.at("pool"), b.at("away")).unwrap(), "the disk may not be mounted"),
        (
            "empty",
            |b| {
                fs::rename(b.at("pool"), b.at("away")).unwrap();
                fs::create_dir(b.at("pool")).unwrap();
            },
            "no longer says that it is",
        ),
        (
            "exchanged",
            |b| {
                let other = Bench::applied(&volume("db", ""));
                fs::rename(b.at("pool"), b.at("away")).unwrap();
                assert!(
                    Command::new("cp")
                        .arg("-a")
                        .arg(other.at("pool"))
                        .arg(b.at("pool"))
                        .status()
                        .unwrap()
                        .success()
                );
            },
            "another disk is mounted there",
        ),
        (
            "a file",
            |b| {
                fs::rename(b.at("pool"), b.at("away")).unwrap();
                fs::write(b.at("pool"), "file").unwrap();
            },
            "is not a directory",
        ),
        ("card emptied", |b| fs::write(b.at("pool/.vbs/pool.json"), "").unwrap(), "cannot be"),
    ];
    for (what, interfere, words) in swap {
        let bench = Bench::applied(&volume("db", ""));
        interfere(&bench);
        println!("{what}");
        bench.changes_nothing("plan").refuses("Cannot be looked at").says(words).never_says("will be");
        bench.changes_nothing("apply --auto-approve").refuses("Cannot be looked at");
        bench.changes_nothing("destroy --auto-approve").refuses("Cannot be looked at");
    }
}

#[test]
fn hostile_paths_are_only_paths() {
    for name in ["two words", "quote'\"", "dollar$(touch pwned)`touch pwned`", "-rf", "star*?[a]", "ünïcödé"]
    {
        let bench = Bench::new("");
        let escaped = name.replace('"', "\\\"").replace('\t', "\\t");
        let text = STORES.replace("ROOT/pool", &format!("ROOT/{escaped}"));
        bench.write(&(text + &volume("db", "") + &attachment("a", "db", "vda")));
        println!("{name}");
        bench.apply().succeeds();
        bench.settled();
        assert!(bench.at(name).join("db.img").is_file());
        assert!(bench.at("vms/web/vda").is_file(), "the link does not lead to the image");
        bench.vbs("destroy --purge --auto-approve").succeeds();
        assert_eq!(fs::read_dir(bench.root()).unwrap().count(), 1, "something was left beside the workspace");
    }
}

#[test]
fn hostile_names_are_only_names() {
    for name in
        ["two words", "$(touch pwned)", "`id`", "*", "ü", "a;b", "a'b", "a&b|c", "%s%n", "{name}", "name.img"]
    {
        let bench =
            Bench::applied(&(volume("db", &format!("name = \"{name}\"")) + &attachment("a", "db", "vda")));
        println!("{name}");
        bench.settled();
        assert!(bench.at("pool").join(format!("{name}.img")).is_file());
        assert!(bench.at("vms/web/vda").is_file(), "the link does not lead to the image");
        bench.vbs("destroy --purge --auto-approve").succeeds();
        assert_eq!(fs::read_dir(bench.root()).unwrap().count(), 1, "something was left beside the workspace");
    }
}

#[test]
fn names_that_are_no_file_names_are_refused_before_anything_runs() {
    for name in ["", ".", "..", "../out", "a/b", "-rf", ".hidden", "a\\nb", "a\\u0000b", "a\\\\b"] {
        let bench = Bench::new(&volume("db", &format!("name = \"{name}\"")));
        println!("{name}");
        assert_eq!(bench.apply().code, Some(1));
        assert_eq!(fs::read_dir(bench.root()).unwrap().count(), 1, "{name:?} reached the disk");
    }
    for (vm, device) in
        [("../x", "vda"), ("web", "../vda"), ("", "vda"), (".vbs", "guard"), ("web", ".."), ("-x", "a")]
    {
        let link = attachment("a", "db", device).replace("\"web\"", &format!("\"{vm}\""));
        let bench = Bench::new(&(volume("db", "") + &link));
        println!("{vm}/{device}");
        assert_eq!(bench.apply().code, Some(1));
        assert_eq!(fs::read_dir(bench.root()).unwrap().count(), 1, "{vm}/{device} reached the disk");
    }
}

#[test]
fn a_path_that_could_be_taken_for_two_lines_is_refused() {
    for path in ["line\\nend", "tab\\tend", "nul\\u0000"] {
        let bench = Bench::new("");
        bench.write(&(STORES.replace("ROOT/pool", &format!("ROOT/{path}")) + &volume("db", "")));
        bench.vbs("apply --auto-approve").refuses("Invalid path");
        assert_eq!(fs::read_dir(bench.root()).unwrap().count(), 1);
    }
}

#[test]
fn directories_that_lie_in_each_other_are_refused() {
    let nested = [
        ("two pools, one directory", "ROOT/pool", "ROOT/pool"),
        ("two pools, one directory, written differently", "ROOT/pool", "ROOT/./x/../pool/"),
        ("a pool among another's marks", "ROOT/pool", "ROOT/pool/.vbs"),
        ("a pool in another's trash", "ROOT/pool", "ROOT/pool/.vbs/trash"),
    ];
    for (what, first, second) in nested {
        let bench = Bench::new("");
        let pool = |name: &str, path: &str| {
            format!("pool \"file\" \"{name}\" {{\n path = \"{path}\"\n create = true\n}}\n")
        };
        let other = volume("two", "name = \"two\"").replace("pool.fast", "pool.slow");
        bench.write(&format!(
            "vbs {{ name = \"lab\" }}\n{}{}{}{other}",
            pool("fast", first),
            pool("slow", second),
            volume("one", "")
        ));
        println!("{what}");
        let run = bench.apply();
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert_eq!(fs::read_dir(bench.root()).unwrap().count(), 1, "{what}: something was made");
    }
}

#[test]
fn a_pool_may_share_its_directory_with_a_hypervisor() {
    let bench = Bench::new("");
    bench.write(
        &(STORES.replace("ROOT/vms", "ROOT/pool") + &volume("db", "") + &attachment("a", "db", "vda")),
    );
    let run = bench.apply();
    if run.code == Some(0) {
        bench.settled();
        bench.vbs("destroy --purge --auto-approve").succeeds();
        assert!(!bench.at("pool").exists());
    } else {
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert!(!bench.at("pool").exists(), "a refused apply left something behind");
    }
}
