//! Which part of the world a run concerns, and what its exit code says.

use std::fs;

use super::bench::*;

fn family() -> String {
    volume("db", "")
        + &snapshot("before", "db")
        + &clone("copy", "snapshot.before", "")
        + &attachment("a", "copy", "vda")
        + &volume("other", "")
}

fn addresses(bench: &Bench) -> Vec<String> {
    bench.recorded().records.keys().map(|key| key.address.to_string()).collect()
}

#[test]
fn a_target_brings_what_it_needs_and_nothing_else() {
    let bench = Bench::new(&family());
    bench.vbs("apply --auto-approve --target volume.copy").succeeds();
    assert_eq!(addresses(&bench), ["volume.copy", "volume.db", "snapshot.before"]);
    bench.vbs("apply --auto-approve --target attachment.a").succeeds().says("1 added");
    bench.vbs("destroy --auto-approve --target snapshot.before").succeeds();
    bench
        .vbs("plan --target volume.db --detailed-exitcode")
        .succeeds()
        .says("No changes in what was selected.");
    bench.vbs("plan --target volume.other --detailed-exitcode").ends(2);
}

#[test]
fn destroying_a_target_takes_what_needs_it() {
    let bench = Bench::applied(&family());
    bench.vbs("destroy --auto-approve --target volume.copy").succeeds().says("2 destroyed");
    assert_eq!(addresses(&bench), ["volume.db", "volume.other", "snapshot.before"]);
    bench.vbs("destroy --auto-approve --exclude volume.db").succeeds();
    assert!(addresses(&bench).contains(&"volume.db".to_owned()));
}

#[test]
fn an_exclusion_takes_along_what_depends_on_it() {
    let bench = Bench::new(&family());
    bench.vbs("apply --auto-approve --exclude snapshot.before").succeeds();
    assert_eq!(addresses(&bench), ["volume.db", "volume.other"]);
    bench.vbs("apply --auto-approve --exclude pool.fast").succeeds().says("No changes in what was selected.");
    bench
        .vbs("apply --auto-approve --exclude host.local")
        .succeeds()
        .says("No changes in what was selected.");
    bench.vbs("apply --auto-approve --exclude hypervisor.here").succeeds();
    assert_eq!(addresses(&bench).len(), 4);
    bench.apply().succeeds().says("1 added");
    bench.settled();
}

/// Ids are chosen by each plan anew, so only one that is run, or saved to be run, can show them.
#[test]
fn a_plan_shows_no_id_that_another_one_would_choose() {
    let outputs = "locals {\n  ids = [volume.db.id, volume.other.id]\n}\noutput \"ids\" {\n  value = local.ids\n}\n\
                   output \"serial\" {\n  value = attachment.a.serial\n}\noutput \"where\" {\n  value = volume.db.path\n}\n\
                   output \"other\" {\n  value = volume.other.serial\n}\n";
    let bench = Bench::new(&(family() + outputs));
    let path = bench.at("pool/db.img").display().to_string();
    let planned = bench
        .vbs("plan")
        .succeeds()
        .says("+ ids = (known after apply)")
        .says(&format!("+ where = \"{path}\""));
    planned.says("+ serial = (known after apply)").says("+ other = (known after apply)");
    bench.vbs("plan --out it.vbsplan").succeeds().never_says("(known after apply)");
    // What is left out has no id, before and after.
    bench.vbs("apply --auto-approve --exclude volume.other").succeeds().says("+ other = (known after apply)");
    bench.vbs("output other").ends(1);
    bench.vbs("output serial").succeeds();
    bench.vbs("plan").says("+ other = (known after apply)").never_says("serial =");
    bench.apply().succeeds().never_says("(known after apply)");
    let said = bench.vbs("output --raw other").succeeds();
    assert_eq!(said.out.trim(), bench.record("volume.other").object.id.to_string());
    bench.settled();
    bench.vbs("plan --replace volume.other").says("-> (known after apply)");
}

/// What was left out was not compared, and what stays keeps its outputs.
#[test]
fn a_selection_says_nothing_of_what_it_left_out() {
    let outputs = "locals {\n  copy = volume.copy.serial\n}\noutput \"a\" {\n  value = attachment.a.guest_path\n}\n\
                   output \"copy\" {\n  value = local.copy\n}\noutput \"other\" {\n  value = volume.other.serial\n}\n";
    let bench = Bench::applied(&(family() + outputs));
    bench.settled();
    bench.vbs("plan --target volume.other").succeeds().says("No changes in what was selected.");
    bench.declare(&(family() + outputs + &volume("more", "")));
    bench.vbs("plan --exclude volume.more").succeeds().says("what was left out may differ");
    bench.declare(&(family() + outputs));
    let left = |kept: &str| bench.vbs(&format!("plan --destroy --exclude {kept}")).succeeds();
    left("attachment.a").says("- other").never_says("- a ").never_says("- copy");
    left("volume.other").says("- a").says("- copy").never_says("- other");
    bench.vbs("destroy --auto-approve --exclude volume.copy").succeeds();
    bench.vbs("output copy").succeeds();
    bench.vbs("output a").succeeds();
    bench.vbs("output other").ends(1);
    bench.vbs("destroy --auto-approve").succeeds();
    bench.vbs("output copy").ends(1);
}

#[test]
fn an_unknown_address_is_an_error_and_never_widens_a_run() {
    let bench = Bench::applied(&family());
    for option in ["--target", "--exclude", "--replace", "--recreate"] {
        for command in ["plan", "apply --auto-approve"] {
            bench
                .changes_nothing(&format!("{command} {option} volume.dbb"))
                .refuses("Unknown address")
                .says("Did you mean volume.db?");
        }
        bench.changes_nothing(&format!("apply --auto-approve {option} nonsense")).ends(1);
        bench
            .changes_nothing(&format!("apply --auto-approve {option} volume.db[0]"))
            .refuses("Unknown address");
    }
    bench.changes_nothing("destroy --auto-approve --target volume.dbb").refuses("Unknown address");
    bench.changes_nothing("destroy --auto-approve --exclude volume.dbb").refuses("Unknown address");
    bench.changes_nothing("apply --auto-approve --target volume.db --exclude volume.other").ends(1);
}

#[test]
fn replacing_a_volume_takes_a_copy_into_the_trash_and_is_refused_while_attached_quietly() {
    let bench = Bench::applied(&(volume("db", "") + &attachment("a", "db", "vda")));
    scribble(&bench.at("pool/db.img"), "data");
    let before = bench.record("volume.db").object.id;
    bench.vbs("apply --auto-approve --replace volume.db").succeeds();
    bench.settled();
    assert_ne!(bench.record("volume.db").object.id, before);
    assert!(bench.at("vms/web/vda").is_file());
    let trash = files(&bench.at("pool/.vbs/trash"));
    assert_eq!(trash.iter().map(|t| beginning(t, 4)).collect::<Vec<_>>(), ["data"]);
}

#[test]
fn exit_codes_tell_changes_drift_and_nothing() {
    let bench = Bench::new(&volume("db", ""));
    bench.vbs("plan").succeeds();
    bench.vbs("plan --detailed-exitcode").ends(2);
    assert!(!bench.at("ws/.vbs").exists() && !bench.at("pool").exists(), "a plan wrote something");
    bench.apply().succeeds();
    bench.vbs("plan --detailed-exitcode").succeeds();
    bench.vbs("plan --destroy --detailed-exitcode").ends(2);
    bench.declare(&volume("db", "labels = { a = \"b\" }"));
    bench.vbs("plan --detailed-exitcode").ends(2);
    bench.declare(&(volume("db", "") + "output \"x\" {\n  value = 1\n}\n"));
    bench.vbs("plan --detailed-exitcode").ends(2).says("+ x = 1").never_says("No changes.");
    bench.declare("nonsense");
    bench.vbs("plan --detailed-exitcode").ends(1);
}

#[test]
fn refresh_only_takes_drift_into_the_state_and_touches_nothing() {
    let bench = Bench::applied(&(sized("db", "1MiB") + &volume("gone", "")));
    fs::File::options().write(true).open(bench.at("pool/db.img")).unwrap().set_len(3 << 20).unwrap();
    fs::remove_file(bench.at("pool/gone.img")).unwrap();
    let files = tree(&bench.at("pool"));
    bench.vbs("plan --refresh-only --detailed-exitcode").ends(2).says("3 MiB").says("volume.gone");
    bench.vbs("apply --refresh-only --auto-approve").succeeds();
    assert_eq!(files, tree(&bench.at("pool")), "--refresh-only touched the pool");
    assert_eq!(bench.record("volume.db").object.body.size().0, 3 << 20);
    assert_eq!(addresses(&bench), ["volume.db"]);
    bench.declare(&sized("db", "3MiB"));
    bench.settled();
    // What is wanted and not there is nothing that a refresh could make.
    bench.declare(&(sized("db", "3MiB") + &volume("new", "")));
    bench.vbs("apply --refresh-only --auto-approve").succeeds();
    assert_eq!(addresses(&bench), ["volume.db"]);
}

#[test]
fn without_a_refresh_the_plan_rests_on_the_state_and_the_frames_still_look() {
    let bench = Bench::applied(&volume("db", ""));
    fs::rename(bench.at("pool"), bench.at("away")).unwrap();
    let run = bench.vbs("plan --no-refresh --detailed-exitcode").succeeds();
    run.says("No changes. What is configured and recorded agrees. No host was looked at.");
    bench.declare(&sized("db", "2MiB"));
    bench.vbs("plan --no-refresh --detailed-exitcode").ends(2).says("will grow in place");
    let run = bench.vbs("apply --no-refresh --auto-approve");
    // Nothing can be looked at, so nothing can be proved: the run stays open until the disk is back.
    assert!(matches!(run.code, Some(3 | 4)), "{run:#?}");
    assert!(!bench.at("pool").exists(), "an apply made a directory where a disk is to be mounted");
    fs::rename(bench.at("away"), bench.at("pool")).unwrap();
    bench.vbs("recover --auto-approve").succeeds();
    assert_eq!(fs::metadata(bench.at("pool/db.img")).unwrap().len(), 1 << 20);
    // Somebody takes a name that the state knows nothing of: the frame refuses it.
    bench.declare(&(volume("db", "") + &volume("new", "")));
    fs::write(bench.at("pool/new.img"), "precious").unwrap();
    bench.vbs("apply --no-refresh --auto-approve").ends(3).says("Everything was reverted");
    assert_eq!(fs::read_to_string(bench.at("pool/new.img")).unwrap(), "precious");
    fs::remove_file(bench.at("pool/new.img")).unwrap();
    bench.declare(&volume("db", ""));
    bench.settled();
}

#[test]
fn a_replacement_and_its_dependents_come_out_whole() {
    let bench = Bench::applied(&(volume("db", "") + &snapshot("s", "db")));
    let run = bench.vbs("apply --auto-approve --replace volume.db");
    // Either all of it or nothing: a snapshot of what is in the trash is nobody's.
    if run.code == Some(0) {
        bench.settled();
    } else {
        assert_eq!(run.code, Some(1), "{run:#?}");
    }
}

/// The way to a disk is made for its attachment, and not for the volume under whose address it is kept.
#[test]
fn a_run_without_the_attachment_makes_no_way_to_its_disk() {
    let workspace = crate::support::Workspace::empty();
    workspace.file(
        "main.vbs.hcl",
        r#"host "kvm1" { address = "ssh://root@127.0.0.1:9" }
pool "lvm" "fast" {
  volume_group = "vg0"
  export "lio" { portal = "10.0.0.2:3260" }
}
hypervisor "directory" "vms" {
  host = host.kvm1
  path = "/srv/vms"
}
volume "db" {
  pool = pool.fast
  size = "64MiB"
}
attachment "a" {
  volume     = volume.db
  hypervisor = hypervisor.vms
  vm         = "web"
  device     = "vdb"
}
"#,
    );
    let whole = workspace.vbs(&["plan", "--no-refresh"]).exits(0);
    assert!(whole.stdout.contains("session + kvm1") && whole.stdout.contains("export.fast will be prepared"));
    for arguments in [["--target", "volume.db"], ["--exclude", "attachment.a"], ["--exclude", "export.fast"]]
    {
        let plan = workspace.vbs(&["plan", "--no-refresh", arguments[0], arguments[1]]).exits(0);
        assert!(plan.stdout.contains("volume.db will be created"), "{arguments:?}");
        assert!(
            !plan.stdout.contains("export") && !plan.stdout.contains("session"),
            "{arguments:?}: {}",
            plan.stdout
        );
    }
}
