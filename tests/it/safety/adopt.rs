//! What exists already becomes ours as it is, or stays as it is.

use std::fs;
use std::path::Path;

use super::bench::*;

/// A pool with images that somebody else made, and a workspace that declares none of them.
fn found() -> Bench {
    let bench = Bench::new("");
    fs::create_dir(bench.at("pool")).unwrap();
    put(&bench, "db", "old content");
    put(&bench, "web-1", "of the web");
    bench
}

/// An image of 1 MiB that begins with `text`.
fn put(bench: &Bench, name: &str, text: &str) {
    let path = bench.at(&format!("pool/{name}.img"));
    fs::File::create(&path).unwrap().set_len(1 << 20).unwrap();
    scribble(&path, text);
}

/// The lines of a text from the first comment on: blocks, each below the command that adopts it.
fn blocks(text: &str) -> String {
    text.lines().skip_while(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// The commands that stand above the blocks, without the program.
fn commands(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("# vbs ")).map(str::to_owned).collect()
}

#[test]
fn what_is_discovered_can_be_declared_and_adopted_as_it_is_printed() {
    let bench = found();
    fs::create_dir(bench.at("pool/directory.img")).unwrap();
    let run = bench.changes_nothing("discover").succeeds();
    assert!(run.err.is_empty(), "{run:#?}");
    assert!(run.out.contains("pool.fast  db         1 MiB  volume  -            -     yes\n"), "{run:#?}");
    run.says("directory - volume - - no: it is no regular file").never_says("volume \"directory\"");
    let out = bench.vbs("discover").out;
    assert_eq!(commands(&out), ["import volume.db db", "import volume.web_1 web-1"]);
    bench.declare(&blocks(&out));
    bench.vbs("validate").succeeds();
    bench.vbs("plan").refuses("if it is what volume.db is to be, run `vbs import volume.db db`.");
    bench.vbs("discover").succeeds().says("# vbs import volume.db db # it is declared already");
    let inodes = ["db", "web-1"].map(|name| stamp(&bench.at(&format!("pool/{name}.img"))));
    for command in commands(&out) {
        bench
            .vbs(&format!("{command} --auto-approve"))
            .succeeds()
            .says("Import complete! Resources: 1 adopted.");
    }
    bench.settled();
    assert_eq!(inodes, ["db", "web-1"].map(|name| stamp(&bench.at(&format!("pool/{name}.img")))));
    fs::remove_dir(bench.at("pool/directory.img")).unwrap();
    bench.vbs("discover").succeeds().says("Nothing was found that this workspace did not make.");
    bench.vbs("describe").succeeds().says("volume.web_1 pool.fast web-1 1 MiB available");
}

/// What nobody may notice of an image: its inode, mode, times of change to its content, and content.
fn stamp(image: &Path) -> (u64, u32, i64, i64, Vec<u8>) {
    use std::os::unix::fs::MetadataExt;
    let seen = fs::metadata(image).unwrap();
    (seen.ino(), seen.mode(), seen.mtime(), seen.mtime_nsec(), fs::read(image).unwrap())
}

#[test]
fn labels_are_made_from_names_and_are_nobody_elses() {
    let bench = found();
    for name in ["WEB 1", "9", "snap$(x)", "\u{e4}", "kept"] {
        put(&bench, name, "x");
    }
    bench.declare("volume \"web_1\" {\n  pool = pool.fast\n  size = \"1MiB\"\n  name = \"elsewhere\"\n}\n");
    let run = bench.vbs("discover").succeeds();
    let expected = [
        "import volume.v_9 9",
        "import volume.web_1_2 'WEB 1'",
        "import volume.db db",
        "import volume.kept kept",
        "import volume.snap__x_ 'snap$(x)'",
        "import volume.web_1_3 web-1",
        "import volume.v__ '\u{e4}'",
    ];
    assert_eq!(commands(&run.out), expected, "{run:#?}");
    bench.declare(&blocks(&run.out));
    bench.vbs("validate").succeeds();
    let json = bench.vbs("discover --json").succeeds();
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let first = &json["found"][0];
    assert_eq!(
        (&first["name"], &first["address"], &first["adoptable"]),
        (&"9".into(), &"volume.v_9".into(), &true.into())
    );
    assert_eq!(
        (&first["size_bytes"], &first["block"]),
        (&(1 << 20).into(), &serde_json::Value::Null),
        "it is declared"
    );
}

#[test]
fn what_cannot_be_looked_at_is_an_error_and_the_rest_is_listed() {
    let bench = found();
    fs::write(bench.at("slow"), "no directory").unwrap();
    bench.declare("pool \"file\" \"slow\" {\n  path = \"ROOT/slow\"\n}\n");
    bench.vbs("discover").refuses("pool.slow: ").says("is not a directory").says("pool.fast db 1 MiB");
    bench.vbs("discover pool.fast").succeeds().never_says("slow");
    bench.vbs("discover pool.slow").refuses("What is in it is not known.").never_says("Nothing was found");
    bench.vbs("discover pool.fats").refuses("pool.fats is neither declared nor in use");
    bench.vbs("discover volume.db").says("volume.db is no pool");
    let json = bench.vbs("discover --json").ends(1);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["pools"][1], serde_json::json!({"address": "pool.slow", "looked_at": false}));
    assert_eq!(json["found"].as_array().unwrap().len(), 2);
}

#[test]
fn what_was_adopted_is_destroyed_into_the_trash_and_comes_back_with_its_bytes() {
    let bench = found();
    let block = volume("db", "lifecycle {\n    prevent_destroy = true\n  }");
    bench.declare(&block);
    bench.vbs("import volume.db db --auto-approve").succeeds();
    assert!(bench.record("volume.db").prevent_destroy);
    bench.vbs("destroy --auto-approve").refuses("Protected from destruction");
    bench.declare(&volume("db", ""));
    bench.apply().succeeds();
    bench.declare("");
    bench.apply().succeeds();
    assert!(!bench.at("pool/db.img").exists());
    bench.declare(&volume("db", ""));
    bench.vbs("trash restore volume.db --to volume.db").succeeds();
    assert_eq!(beginning(&bench.at("pool/db.img"), 11), "old content");
    bench.settled();
    bench.declare(&sized("db", "2MiB"));
    bench.apply().succeeds();
    assert_eq!(fs::metadata(bench.at("pool/db.img")).unwrap().len(), 2 << 20);
    bench.vbs("destroy --purge --auto-approve").succeeds();
    assert!(!bench.at("pool/.vbs").exists() && bench.at("pool/web-1.img").is_file());
}

#[test]
fn what_differs_is_refused_all_at_once_and_says_what_to_write() {
    let bench = found();
    bench.declare(&sized("db", "2MiB"));
    bench
        .changes_nothing("import volume.db db --auto-approve")
        .refuses("volume.db is declared with 2 MiB, and \"db\" has 1 MiB.")
        .says("Adopting grows nothing: write size = \"1MiB\" and adopt it, then write what it is to have and apply.");
    bench.declare(&sized("db", "4KiB"));
    bench
        .changes_nothing("import volume.db db --auto-approve")
        .refuses("vbs shrinks nothing, for what lies beyond would be lost: write size = \"1MiB\".");
    bench.declare(&sized("web", "2MiB"));
    bench
        .changes_nothing("import volume.web web-1 --auto-approve")
        .refuses("volume.web would be called \"web\" in pool.fast, and what is there is called \"web-1\".")
        .says("write name = \"web-1\" in its block.")
        .says("volume.web is declared with 2 MiB, and \"web-1\" has 1 MiB.");
    bench.declare(&(volume("db", "") + &clone("copy", "volume.db", "name = \"web-1\"")));
    bench
        .changes_nothing("import volume.copy web-1 --auto-approve")
        .refuses("volume.copy is declared as a copy of volume.db, and vbs did not copy \"web-1\" from it");
    bench.declare(&(volume("db", "") + &snapshot("s", "db") + &attachment("a", "db", "vda")));
    bench
        .changes_nothing("import snapshot.s db --auto-approve")
        .refuses("\"db\" in pool.fast is a volume, so it cannot become snapshot.s. Declare it as a volume.");
    bench.changes_nothing("import attachment.a db").refuses("Only volumes and snapshots are adopted");
    bench
        .changes_nothing("import volume.db bd --auto-approve")
        .refuses("Nothing in pool.fast, where volume.db is declared, is called \"bd\". Did you mean \"db\"?");
    bench
        .changes_nothing("import volume.db db")
        .refuses("Nobody can be asked")
        .says("# volume.db will be adopted");
    fs::hard_link(bench.at("pool/db.img"), bench.at("elsewhere")).unwrap();
    bench
        .changes_nothing("import volume.db db --auto-approve")
        .refuses("\"db\" in pool.fast cannot become volume.db: it has 2 names (hard links)");
    bench.vbs("plan").refuses("and cannot adopt it (it has 2 names (hard links)");
    assert!(!bench.at("ws/.vbs/state.db").exists(), "what is refused makes no state");
}

#[test]
fn what_is_not_declared_is_shown_as_a_block_to_paste() {
    let bench = found();
    let run = bench.changes_nothing("import volume.web web-1").refuses("volume.web is not declared");
    let block: String = run
        .err
        .lines()
        .skip_while(|line| !line.contains("volume \"web\" {"))
        .take_while(|line| !line.trim().is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    run.says("vbs import volume.web web-1");
    bench.declare(&block);
    bench.vbs("import volume.web web-1 --auto-approve").succeeds();
    bench.settled();
    bench
        .changes_nothing("import volume.db nothing")
        .refuses("no pool that could be looked at has a volume called \"nothing\"");
    let each = "volume \"each\" {\n  for_each = toset([\"a\"])\n  pool = pool.fast\n  size = \"1MiB\"\n  name = \"db\"\n}\n";
    bench.declare(&(block + each));
    bench
        .changes_nothing("import volume.each[\"b\"] db")
        .refuses("has no such instance")
        .says("for_each = toset([\"b\"])");
    bench.vbs("import volume.each[\"a\"] db --auto-approve").succeeds();
    bench.settled();
    bench
        .changes_nothing("import volume.each[\"a\"] db")
        .refuses("The state has another volume.each[\"a\"] already");
}

#[test]
fn an_id_may_be_a_name_a_path_or_a_reference() {
    let bench = found();
    let json = bench.vbs("discover --json").succeeds();
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let reference = json["found"][0]["reference"].as_str().unwrap().to_owned();
    bench.declare(&(volume("db", "") + &volume("web", "name = \"web-1\"")));
    bench.vbs(&format!("import volume.db {reference} --auto-approve")).succeeds();
    let path = bench.at("pool/web-1");
    bench.vbs(&format!("import volume.web {} --auto-approve", path.display())).succeeds();
    bench.settled();
}

#[test]
fn what_another_workspace_owns_is_not_adopted_and_not_touched() {
    let bench = Bench::applied(&volume("db", ""));
    scribble(&bench.at("pool/db.img"), "theirs");
    fs::create_dir(bench.at("other")).unwrap();
    let text = fs::read_to_string(bench.at("ws/main.vbs.hcl")).unwrap();
    fs::write(bench.at("other/main.vbs.hcl"), text.replace("\"lab\"", "\"other\"")).unwrap();
    let other = |arguments: &str| {
        let before = tree(&bench.at("pool"));
        let mut command = bench.command(arguments);
        command.arg("-C").arg(bench.at("other"));
        let run = Run::of(&mut command);
        assert_eq!(before, tree(&bench.at("pool")), "{run:#?}");
        run
    };
    let why = "workspace \"lab\" owns it as volume.db";
    other("discover").succeeds().says(&format!("no: {why}")).never_says("vbs import");
    other("import volume.db db --auto-approve")
        .refuses(&format!("\"db\" in pool.fast cannot become volume.db: {why}."));
    bench.settled();
    bench.changes_nothing("import volume.more db").refuses("volume.more is not declared");
    bench.declare(&(volume("db", "") + &volume("more", "name = \"db\"")));
    bench.vbs("import volume.more db").ends(1);
}

#[test]
fn a_pending_move_is_not_overrun() {
    let bench = Bench::applied(&volume("old", ""));
    put(&bench, "db", "x");
    bench.declare(
        &(volume("new", "")
            + &volume("old", "name = \"db\"")
            + "moved {\n  from = volume.old\n  to = volume.new\n}\n"),
    );
    bench.changes_nothing("import volume.old db --auto-approve").ends(1);
    bench.changes_nothing("import volume.new db --auto-approve").ends(1);
}

#[test]
fn a_lost_state_is_rebuilt_with_what_was_adopted() {
    let bench = found();
    bench.declare(&volume("db", ""));
    bench.vbs("import volume.db db --auto-approve").succeeds();
    let before = bench.record("volume.db");
    fs::remove_dir_all(bench.at("ws/.vbs")).unwrap();
    bench.vbs("state rebuild --auto-approve").succeeds();
    assert_eq!(bench.record("volume.db"), before);
    bench.settled();
    bench.vbs("discover").succeeds().says("web-1").never_says("import volume.db");
}

/// How many boundaries an import passes.
fn boundaries() -> usize {
    let bench = found();
    bench.declare(&volume("db", ""));
    let log = bench.at("log");
    let mut command = bench.command("import volume.db db --auto-approve");
    Run::of(command.env("VBS_FAULT_LOG", &log)).succeeds();
    fs::read_to_string(log).unwrap().lines().count()
}

#[test]
fn killed_anywhere_an_import_is_whole_or_nothing() {
    let count = boundaries();
    assert!(count > 10, "{count}");
    let mut outcomes = std::collections::BTreeSet::new();
    for at in 1..=count {
        // Two and two, so that every class of boundary is closed both ways.
        let resume = if at / 2 % 2 == 0 { "" } else { " --resume" };
        let bench = found();
        bench.declare(&volume("db", ""));
        let before = stamp(&bench.at("pool/db.img"));
        let mut command = bench.command("import volume.db db --auto-approve");
        let killed = Run::of(command.env("VBS_FAULT", format!("kill@{at}")));
        assert_eq!(killed.code, None, "{at}: {killed:#?}");
        bench.vbs(&format!("recover --auto-approve{resume}")).succeeds();
        bench.vbs("recover").succeeds().says("Nothing to recover");
        assert_eq!(stamp(&bench.at("pool/db.img")), before, "killed at {at}");
        let marks = files(&bench.at("pool")).iter().filter(|path| is_mark(path)).count();
        let adopted = bench.recorded().records.len();
        assert_eq!(marks, adopted, "killed at {at}{resume}: half adopted");
        outcomes.insert(adopted);
        if adopted == 0 {
            assert!(!bench.at("pool/.vbs").exists(), "killed at {at}: the pool was left in use");
            bench.vbs("import volume.db db --auto-approve").succeeds();
        }
        bench.settled();
    }
    assert_eq!(outcomes.len(), 2, "some were taken back and some were done");
}

fn is_mark(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.ends_with(".json") && name != "pool.json"
}

#[test]
fn an_import_that_fails_or_lies_leaves_nothing() {
    for fault in
        ["fail@SentBeforeAct.2", "lie0@SentBeforeAct.2", "lie5@SentBeforeAct.2", "mute@SentBeforeAct.2"]
    {
        let bench = found();
        bench.declare(&volume("db", ""));
        let before = tree(&bench.at("pool"));
        let mut command = bench.command("import volume.db db --auto-approve");
        let run = Run::of(command.env("VBS_FAULT", fault));
        if run.code == Some(0) {
            // Done, whatever was answered: the look wins.
            bench.settled();
        } else {
            run.ends(3).says("Everything was reverted; nothing has changed.");
            assert_eq!(tree(&bench.at("pool")), before, "{fault}");
        }
    }
}
