//! Saved plans: what was reviewed is what runs, or nothing does.

use std::fs;
use std::process::Command;

use super::bench::*;

/// A plan for one more volume, saved.
fn planned() -> Bench {
    let bench = Bench::applied(&volume("db", ""));
    bench.declare(&(volume("db", "") + &volume("logs", "")));
    bench.vbs("plan --out p.plan").succeeds();
    bench
}

#[test]
fn a_saved_plan_runs_once_and_never_asks() {
    let bench = planned();
    bench.vbs("apply p.plan").succeeds().says("1 added");
    bench.settled();
    bench.changes_nothing("apply p.plan").ends(6).says("no longer fits");
}

#[test]
fn the_first_plan_of_a_workspace_can_be_saved() {
    let bench = Bench::new(&(volume("db", "") + &attachment("a", "db", "vda")));
    bench.vbs("plan --out p.plan").succeeds();
    assert!(!bench.at("pool").exists());
    bench.vbs("apply p.plan").succeeds();
    bench.settled();
    bench.changes_nothing("apply p.plan").ends(6);
}

#[test]
fn a_plan_that_was_altered_is_refused_wherever_it_was() {
    let bench = planned();
    let text = fs::read_to_string(bench.at("ws/p.plan")).unwrap();
    let digits: Vec<usize> =
        text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
    for at in digits.iter().step_by(digits.len() / 12) {
        let mut bytes = text.clone().into_bytes();
        bytes[*at] = if bytes[*at] == b'0' { b'1' } else { b'0' };
        fs::write(bench.at("ws/p.plan"), bytes).unwrap();
        let run = bench.changes_nothing("apply p.plan");
        assert!(matches!(run.code, Some(1 | 6)), "byte {at}: {run:#?}");
    }
    for (what, bytes) in [
        ("cut", &text.as_bytes()[..text.len() / 2]),
        ("empty", b""),
        ("other", b"{}"),
        ("binary", &[0xff; 64]),
    ] {
        fs::write(bench.at("ws/p.plan"), bytes).unwrap();
        println!("{what}");
        bench.changes_nothing("apply p.plan").refuses("not a saved plan");
    }
    bench.changes_nothing("apply none.plan").ends(1);
    bench.changes_nothing("apply /dev/zero").ends(1);
}

#[test]
fn a_plan_is_stale_once_what_it_touches_has_changed() {
    let grow: fn(&Bench) = |b| b.declare(&sized("db", "2MiB"));
    let go: fn(&Bench) = |b| b.declare("");
    let changes: [(&str, fn(&Bench)); 5] = [
        ("resized", |b| {
            fs::File::options().write(true).open(b.at("pool/db.img")).unwrap().set_len(512).unwrap()
        }),
        ("replaced", |b| {
            fs::remove_file(b.at("pool/db.img")).unwrap();
            fs::write(b.at("pool/db.img"), vec![0; 1 << 20]).unwrap();
        }),
        ("gone", |b| fs::remove_file(b.at("pool/db.img")).unwrap()),
        ("renamed", |b| fs::rename(b.at("pool/db.img"), b.at("pool/x.img")).unwrap()),
        ("unmounted", |b| fs::rename(b.at("pool"), b.at("away")).unwrap()),
    ];
    for (kind, declare) in [("grow", grow), ("destroy", go)] {
        for (what, change) in changes {
            let bench = Bench::applied(&volume("db", ""));
            declare(&bench);
            bench.vbs("plan --out p.plan").succeeds();
            change(&bench);
            println!("{kind}, {what}");
            bench.changes_nothing("apply p.plan").ends(6).says("no longer fits");
        }
    }
    let bench = planned();
    fs::write(bench.at("pool/logs.img"), "taken").unwrap();
    let run = bench.vbs("apply p.plan");
    assert!(matches!(run.code, Some(3 | 6)), "{run:#?}");
    assert_eq!(fs::read_to_string(bench.at("pool/logs.img")).unwrap(), "taken");
    assert!(bench.recorded().records.len() == 1 && bench.recorded().open_run.is_none());
}

#[test]
fn what_a_plan_does_not_touch_does_not_matter() {
    let bench = planned();
    scribble(&bench.at("pool/db.img"), "a guest writes");
    fs::write(bench.at("pool/somebody.img"), "else").unwrap();
    bench.declare(&(volume("db", "") + &volume("third", "")));
    bench.vbs("apply --auto-approve --target volume.third").succeeds();
    bench.vbs("apply p.plan").succeeds();
    assert!(bench.at("pool/logs.img").is_file());
}

#[test]
fn a_plan_of_another_checkout_is_refused() {
    let (first, second) = (planned(), Bench::applied(&volume("db", "")));
    fs::copy(first.at("ws/p.plan"), second.at("ws/p.plan")).unwrap();
    second.changes_nothing("apply p.plan").ends(6).says("another workspace");
    // Nor is a state that was made anew the one that the plan was for.
    fs::remove_dir_all(first.at("ws/.vbs")).unwrap();
    let run = first.vbs("apply p.plan");
    assert_eq!(run.code, Some(6), "{run:#?}");
    assert!(!first.at("pool/logs.img").exists());
}

#[test]
fn without_the_key_it_is_made_anew_and_compared() {
    let bench = planned();
    fs::remove_file(bench.at("ws/.vbs/state.key")).unwrap();
    bench.vbs("apply p.plan").succeeds();
    bench.settled();

    let bench = planned();
    fs::remove_file(bench.at("ws/.vbs/state.key")).unwrap();
    bench.declare(&(volume("db", "") + &sized("logs", "2MiB")));
    bench.changes_nothing("apply p.plan").ends(6);
}

#[test]
fn a_key_from_the_environment_is_as_good() {
    let key = "a".repeat(64);
    let bench = Bench::new(&volume("db", ""));
    let keyed = |arguments: &str, key: &str| Run::of(bench.command(arguments).env("VBS_PLAN_KEY", key));
    let run = keyed("plan --out p.plan", &key);
    if run.code != Some(0) {
        run.refuses("VBS_PLAN_KEY");
        return;
    }
    keyed("apply p.plan", &key).succeeds();
    keyed("plan --out p.plan --destroy", &key).succeeds();
    bench.vbs("apply p.plan").succeeds();
}

#[test]
fn variables_of_the_plan_are_the_plans() {
    let blocks = "variable \"size\" {\n  type = string\n}\nvolume \"db\" {\n  pool = pool.fast\n  size = var.size\n}\noutput \"size\" {\n  value = var.size\n}\n";
    let bench = Bench::new(blocks);
    bench.vbs("plan --out p.plan --var size=2MiB").succeeds();
    bench.vbs("apply p.plan").succeeds();
    assert_eq!(fs::metadata(bench.at("pool/db.img")).unwrap().len(), 2 << 20);
    let run = bench.vbs("plan --detailed-exitcode --var size=2MiB");
    run.succeeds().says("No changes.");
}

#[test]
fn plans_of_every_mode_do_what_they_say() {
    let bench = Bench::applied(&(volume("db", "") + &snapshot("s", "db")));
    fs::File::options().write(true).open(bench.at("pool/db.img")).unwrap().set_len(3 << 20).unwrap();
    bench.vbs("plan --refresh-only --out p.plan").succeeds();
    let files = tree(&bench.at("pool"));
    bench.vbs("apply p.plan").succeeds();
    assert_eq!(files, tree(&bench.at("pool")));
    assert_eq!(bench.record("volume.db").object.body.size().0, 3 << 20);
    bench.declare(&(sized("db", "3MiB") + &snapshot("s", "db")));
    bench.vbs("plan --restore volume.db=snapshot.s --out p.plan").succeeds();
    bench.vbs("apply p.plan").succeeds();
    let told = "output \"id\" {\n  value = volume.db.id\n}\n";
    bench.declare(&(sized("db", "3MiB") + told));
    bench.apply().succeeds();
    bench.vbs("plan --replace volume.db --out p.plan").succeeds();
    let before = bench.record("volume.db").object.id;
    bench.vbs("apply p.plan").succeeds();
    assert_ne!(bench.record("volume.db").object.id, before);
    bench.settled();
    bench.vbs("plan --destroy --out p.plan").succeeds();
    bench.vbs("apply p.plan").succeeds();
    assert!(bench.recorded().records.is_empty());
}

#[test]
fn a_moved_block_in_a_plan_is_carried_out_once() {
    let bench = Bench::applied(&volume("db", ""));
    bench.declare(&(volume("data", "") + "moved {\n  from = volume.db\n  to = volume.data\n}\n"));
    bench.vbs("plan --out p.plan").succeeds();
    bench.vbs("apply p.plan").succeeds();
    bench.settled();
    let run = bench.changes_nothing("apply p.plan");
    assert_eq!(run.code, Some(6), "{run:#?}");
}

#[test]
fn a_plan_file_is_private_and_never_written_through_a_link() {
    let bench = Bench::new(&volume("db", ""));
    fs::write(bench.at("precious"), "precious").unwrap();
    std::os::unix::fs::symlink(bench.at("precious"), bench.at("ws/p.plan")).unwrap();
    let _ = bench.vbs("plan --out p.plan");
    assert_eq!(fs::read_to_string(bench.at("precious")).unwrap(), "precious");
    let loose = format!(
        "umask 000; '{}' -C '{}' plan --out q.plan",
        env!("CARGO_BIN_EXE_vbs"),
        bench.at("ws").display()
    );
    assert!(Command::new("sh").arg("-c").arg(loose).output().unwrap().status.success());
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(bench.at("ws/q.plan")).unwrap().permissions().mode() & 0o777, 0o600);
}
