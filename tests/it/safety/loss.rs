//! What was lost, what cannot be taken back, and what is in the way: said as it is, and never covered up.

use std::fs;

use super::bench::{Bench, Run};

const DB: &str = "volume \"db\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n";

fn cut(bench: &Bench) {
    fs::File::options().write(true).open(bench.at("pool/db.img")).unwrap().set_len(4096).unwrap();
}

#[test]
fn a_volume_that_was_cut_off_is_not_grown_back_in_silence() {
    let bench = Bench::applied(DB);
    cut(&bench);
    bench.changes_nothing("apply --auto-approve").refuses("Smaller than it was made");
    bench.vbs("drift").ends(2).says("size is 4 KiB, recorded 1 MiB").never_says("mends");
    // Whoever decides to go on with what is left says so, and then it grows as any volume does.
    bench.vbs("apply --refresh-only --auto-approve").succeeds();
    bench.apply().succeeds();
    assert_eq!(fs::metadata(bench.at("pool/db.img")).unwrap().len(), 1 << 20);
    bench.settled();
}

#[test]
fn what_somebody_grew_to_the_size_that_is_wanted_is_recorded() {
    let bench = Bench::applied(DB);
    fs::File::options().write(true).open(bench.at("pool/db.img")).unwrap().set_len(2 << 20).unwrap();
    // It is larger than wanted: shown, and left alone.
    bench.vbs("plan").ends(1).says("Only a replacement can change this");
    bench.declare(&DB.replace("1MiB", "2MiB"));
    bench
        .vbs("plan --detailed-exitcode")
        .ends(2)
        .says("recorded 1 MiB (this plan mends it)")
        .says("in the state");
    bench.apply().succeeds();
    bench.settled();
    bench.vbs("drift").succeeds();
    // From now on it is cut off where it is smaller than that.
    fs::File::options().write(true).open(bench.at("pool/db.img")).unwrap().set_len(1 << 20).unwrap();
    bench.vbs("plan").ends(1).says("Smaller than it was made");
}

#[test]
fn a_snapshot_brings_back_what_was_cut_off() {
    let bench = Bench::applied(DB);
    fs::write(bench.at("pool/db.img"), vec![7; 1 << 20]).unwrap();
    bench.declare(&format!("{DB}snapshot \"s\" {{\n  volume = volume.db\n}}\n"));
    bench.apply().succeeds();
    cut(&bench);
    bench.vbs("apply --auto-approve --restore volume.db=snapshot.s").succeeds();
    assert_eq!(fs::read(bench.at("pool/db.img")).unwrap(), vec![7; 1 << 20]);
    bench.settled();
}

#[test]
fn a_saved_plan_does_not_begin_where_something_took_a_name_it_wants() {
    let bench = Bench::applied("");
    bench.declare(DB);
    bench.vbs("plan --out db.vbsplan").succeeds();
    fs::create_dir_all(bench.at("pool")).unwrap();
    fs::write(bench.at("pool/db.img"), "somebody's").unwrap();
    bench.vbs("apply db.vbsplan").ends(6).says("something else has it by now");
    assert_eq!(fs::read_to_string(bench.at("pool/db.img")).unwrap(), "somebody's");
}

/// A host says itself why it refused; vbs does not make up that it changed since the plan.
#[test]
fn a_refusal_claims_no_more_than_the_host_said() {
    let bench = Bench::applied("");
    bench.declare(DB);
    fs::create_dir_all(bench.at("pool")).unwrap();
    for at in ["1", "2", "3", "4", "5", "6"] {
        let mut command = bench.command("apply --auto-approve");
        command.env("VBS_FAULT", format!("hook@SentBeforeAct.{at}"));
        let taken = bench.at("pool/db.img").display().to_string();
        let run = Run::of(command.env("VBS_FAULT_HOOK", format!("echo taken >'{taken}'")));
        if run.out.contains("it was refused") || run.err.contains("It was refused") {
            run.ends(3).says("It was refused, and nothing was changed.").never_says("when the plan was made");
            assert_eq!(fs::read_to_string(&taken).unwrap(), "taken\n");
            return;
        }
        let _ = fs::remove_file(taken);
    }
    panic!("nothing was refused");
}

#[test]
fn what_another_state_made_is_told_from_what_nobody_made() {
    let bench = Bench::applied(DB);
    fs::rename(bench.at("ws/.vbs"), bench.at("lost")).unwrap();
    bench.vbs("plan").ends(1).says("vbs state rebuild").never_says("did not make");
}

/// An apply of two more volumes whose second step fails, and nothing can be taken back any more.
fn stuck() -> Bench {
    let bench = Bench::applied(DB);
    let more = |name: &str, after: &str| {
        format!("volume \"{name}\" {{\n  pool = pool.fast\n  size = \"1MiB\"\n{after}}}\n")
    };
    bench.declare(&format!("{DB}{}{}", more("a", ""), more("b", "  depends_on = [volume.a]\n")));
    let mut command = bench.command("apply --auto-approve --parallelism 1");
    Run::of(command.env_remove("USER").env("VBS_FAULT", "fail@SentBeforeAct.4+"))
        .ends(4)
        .says("Left to be done by hand")
        .says("a.img");
    bench
}

#[test]
fn a_stuck_run_is_closed_when_the_cause_is_gone() {
    let bench = stuck();
    bench.apply().ends(5).says("An unfinished run must be recovered first");
    // Who has no name in the environment has one on this machine.
    let account = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    bench.vbs("plan").says(&format!("of {} on", String::from_utf8(account).unwrap().trim()));
    // Looking goes on working, and does not call the run's own volumes strangers.
    bench.vbs("plan").says("is open").never_says("Ours but not recorded");
    bench.vbs("recover --auto-approve").succeeds().says("Everything was reverted");
    assert!(!bench.at("pool/a.img").exists());
    bench.apply().succeeds();
    bench.settled();
}

#[test]
fn an_object_that_cannot_be_taken_back_can_be_accepted_as_it_is() {
    let bench = stuck();
    bench.vbs("recover --auto-approve --accept volume.zz").refuses("Unknown address");
    let resumed = bench.vbs("recover --resume").ends(1);
    resumed
        .says("--resume cannot finish it any more")
        .never_says("(`vbs recover --resume` finishes it instead.)");
    let accepted = bench.vbs("recover --auto-approve --accept volume.a").succeeds();
    accepted.says("volume.a, accepted as it was found").never_says("lose data");
    assert_eq!(bench.record("volume.a").object.body.size().0, 1 << 20);
    assert!(bench.recorded().open_run.is_none());
    bench.apply().succeeds();
    bench.settled();
}

#[test]
fn an_accepted_object_that_is_gone_is_forgotten() {
    let bench = stuck();
    fs::remove_file(bench.at("pool/a.img")).unwrap();
    bench.vbs("recover --auto-approve --accept volume.a").succeeds();
    let recorded = bench.recorded();
    assert!(recorded.records.keys().all(|key| key.address.to_string() != "volume.a"));
    bench.apply().succeeds();
    bench.settled();
}
