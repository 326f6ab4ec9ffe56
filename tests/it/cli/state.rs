//! Surgery on the state, rebuilding it, and taking a workspace over from whoever hangs.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::support::{Workspace, run};

const VOLUME: &str = "volume \"db\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n";

/// One of everything, with all that no mark on a host says.
const EVERYTHING: &str = r#"
volume "db" {
  pool   = pool.fast
  size   = "1MiB"
  labels = { team = "core" }
  lifecycle { prevent_destroy = true }
}
volume "many" {
  for_each = toset(["a", "b"])
  pool     = pool.fast
  size     = "1MiB"
}
snapshot "before" { volume = volume.db }
volume "copy" {
  pool       = pool.fast
  source     = snapshot.before
  on_destroy = "purge"
  depends_on = [volume.many]
}
attachment "db_on_web" {
  volume     = volume.db
  hypervisor = hypervisor.here
  vm         = "web"
  device     = "vda"
}
output "disk" { value = attachment.db_on_web.guest_path }
"#;

fn resources(shop: &Workspace) -> serde_json::Value {
    shop.vbs(&["show", "--json"]).exits(0).json()["resources"].clone()
}

#[test]
fn list_and_show_tell_what_is_recorded() {
    let shop = Workspace::with(EVERYTHING);
    shop.vbs(&["state", "list"]).exits(0).says("Nothing is recorded.");
    shop.vbs(&["state", "show", "volume.db"]).exits(1).says("Unknown address");
    shop.apply();
    shop.vbs(&["state", "list"]).exits(0).says("volume.many[\"a\"]").says("attachment.db_on_web");
    assert_eq!(shop.vbs(&["state", "list", "--json"]).exits(0).json()["resources"], resources(&shop));
    shop.vbs(&["state", "show", "volume.db"]).exits(0).says("prevent_destroy = true");
    let both = shop.vbs(&["state", "show", "volume.many", "--json"]).exits(0).json();
    assert_eq!(both["resources"].as_array().unwrap().len(), 2);
    shop.vbs(&["state", "show", "pool.fast"]).exits(0).says("provider = file");
    shop.vbs(&["state", "show", "volume.bd"]).exits(1).says("Did you mean volume.db?");
}

#[test]
fn mv_moves_whole_blocks_and_touches_no_host() {
    let shop = Workspace::with(EVERYTHING);
    shop.vbs(&["state", "mv", "volume.db", "volume.x"]).exits(1).says("There is no state");
    shop.apply();
    let before = resources(&shop);
    shop.vbs(&["state", "mv", "volume.many", "volume.lots", "--dry-run"])
        .exits(0)
        .says("Nothing was written.");
    assert_eq!(resources(&shop), before);
    shop.vbs(&["state", "mv", "volume.many", "volume.copy[\"a\"]"]).exits(1);
    shop.vbs(&["state", "mv", "volume.db", "volume.copy"]).exits(1).says("the state has another volume.copy");
    shop.vbs(&["state", "mv", "volume.db", "snapshot.db"]).exits(1).says("cannot become a snapshot");
    shop.vbs(&["state", "mv", "volume.dn", "volume.x"]).exits(1).says("Did you mean volume.db?");
    assert_eq!(resources(&shop), before);
    shop.vbs(&["state", "mv", "volume.many", "volume.lots"])
        .exits(0)
        .says("volume.many[\"b\"] is now volume.lots[\"b\"]");
    shop.configure(&EVERYTHING.replace("many", "lots"));
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert!(std::fs::read_dir(shop.path(".vbs/state.db.backups")).unwrap().count() >= 2);
}

#[test]
fn rm_forgets_and_says_what_stays() {
    let shop = Workspace::with(VOLUME);
    shop.apply();
    shop.vbs(&["state", "rm", "volume.dn", "volume.db"]).exits(1).says("Did you mean volume.db?");
    shop.vbs(&["state", "rm", "pool.fast"]).exits(1).says("pool.fast holds volume.db");
    shop.vbs(&["state", "rm", "volume.db", "--dry-run"]).exits(0).says("Nothing was written.");
    assert_eq!(resources(&shop).as_array().unwrap().len(), 1);
    shop.vbs(&["state", "rm", "volume.db", "pool.fast"]).exits(0).says("stays on its host");
    assert!(shop.path("pool/db.img").is_file());
    shop.vbs(&["plan"]).exits(1).says("Ours but not recorded");
    shop.vbs(&["state", "rebuild", "--auto-approve"]).exits(0);
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
}

#[test]
fn surgery_needs_no_sound_configuration_and_waits_for_nobody() {
    let shop = Workspace::with(VOLUME);
    shop.apply();
    shop.file("main.vbs.hcl", "volume {{{");
    shop.vbs(&["state", "list"]).exits(0).says("volume.db");
    shop.vbs(&["state", "mv", "volume.db", "volume.x"]).exits(0).says("volume.db is now volume.x");
    let lock = std::fs::File::options().write(true).open(shop.path(".vbs/state.db.lock")).unwrap();
    lock.lock().unwrap();
    shop.vbs(&["state", "list"]).exits(0);
    shop.vbs(&["state", "mv", "volume.x", "volume.y"]).exits(5).says("The workspace is locked");
    shop.vbs(&["state", "rm", "volume.x"]).exits(5);
}

#[test]
fn a_lost_state_is_rebuilt_as_it_was() {
    let shop = Workspace::with(&format!(
        "{EVERYTHING}volume \"gone\" {{\n pool = pool.fast\n size = \"1MiB\"\n}}\n"
    ));
    shop.apply();
    shop.configure(EVERYTHING);
    shop.apply();
    let before = shop.vbs(&["show", "--json"]).exits(0).json();
    std::fs::remove_dir_all(shop.path(".vbs")).unwrap();
    shop.vbs(&["plan"]).exits(1);
    shop.vbs(&["state", "rebuild"]).exits(1).says("Nobody can be asked").says("volume.copy");
    assert!(!shop.path(".vbs/state.db").exists());
    shop.vbs(&["state", "rebuild", "--auto-approve"]).exits(0).says("The state is rebuilt.");
    let after = shop.vbs(&["show", "--json"]).exits(0).json();
    assert_eq!(after["resources"], before["resources"]);
    assert_eq!(after["lineage"], before["lineage"]);
    assert_eq!(after["outputs"], before["outputs"]);
    assert_eq!(after["trash"][0]["id"], before["trash"][0]["id"]);
    assert!(after["epoch"].as_u64() > before["epoch"].as_u64());
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    shop.vbs(&["drift"]).exits(0);
    shop.configure(
        &EVERYTHING
            .replace("1MiB", "2MiB")
            .replace("snapshot.before\n", "snapshot.before\n  size = \"2MiB\"\n"),
    );
    shop.apply();
}

#[test]
fn an_older_copy_of_the_state_is_refused_and_can_be_rebuilt() {
    let shop = Workspace::with(VOLUME);
    shop.apply();
    let old = std::fs::read(shop.path(".vbs/state.db")).unwrap();
    shop.configure(&EVERYTHING.replace("prevent_destroy = true", "prevent_destroy = false"));
    shop.apply();
    let newest = resources(&shop);
    for companion in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(shop.path(&format!(".vbs/state.db{companion}")));
    }
    shop.file_bytes(".vbs/state.db", &old);
    shop.vbs(&["plan"]).exits(5).says("This is a stale copy of the state");
    shop.vbs(&["apply", "--auto-approve"]).exits(5);
    shop.vbs(&["state", "rebuild", "--auto-approve"]).exits(0);
    assert_eq!(resources(&shop), newest);
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
}

#[test]
fn a_rebuild_guesses_neither_whose_marks_they_are_nor_what_it_cannot_see() {
    let shop = Workspace::with(VOLUME);
    shop.vbs(&["state", "rebuild", "--auto-approve"]).exits(1).says("Nothing of this workspace was found");
    shop.apply();
    let first = shop.vbs(&["show", "--json"]).exits(0).json()["lineage"].as_str().unwrap().to_owned();
    std::fs::remove_dir_all(shop.path(".vbs")).unwrap();
    shop.configure("volume \"other\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n");
    shop.apply();
    std::fs::remove_dir_all(shop.path(".vbs")).unwrap();
    shop.vbs(&["state", "rebuild", "--auto-approve"])
        .exits(1)
        .says("Whose state is it?")
        .says(&format!("--lineage {first}"));
    shop.configure(VOLUME);
    shop.vbs(&["state", "rebuild", "--auto-approve", "--lineage", &first]).exits(0);
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    let wrong = "00000000-0000-4000-8000-000000000000";
    shop.vbs(&["state", "rebuild", "--auto-approve", "--lineage", wrong]).exits(1).says("another lineage");
    std::fs::remove_dir_all(shop.path(".vbs")).unwrap();
    shop.vbs(&["state", "rebuild", "--auto-approve", "--lineage", wrong]).exits(1);
    shop.configure("pool \"file\" \"away\" {\n  path = \"away\"\n}\n");
    shop.vbs(&["state", "rebuild", "--auto-approve", "--lineage", &first])
        .exits(1)
        .says("Cannot be looked at");
    assert!(!shop.path(".vbs/state.db").exists());
}

#[test]
fn what_an_interrupted_command_left_is_reported() {
    let shop = Workspace::with(VOLUME);
    let mut killed = shop.command(&["apply", "--auto-approve"]);
    run(killed.env("VBS_FAULT", "kill@9")).exits(137);
    shop.vbs(&["state", "mv", "volume.db", "volume.x"]).exits(5).says("must be recovered first");
    shop.vbs(&["state", "rebuild", "--auto-approve"]).exits(5).says("must be recovered first");
    shop.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(5).says("must be recovered first");
    shop.vbs(&["state", "list"]).exits(0);
    shop.vbs(&["unlock"]).exits(0).says("vbs recover");
    shop.vbs(&["recover", "--auto-approve"]).exits(0);
    shop.apply();
}

#[test]
fn unlock_explains_and_a_take_over_leaves_the_holder_powerless() {
    let shop = Workspace::with(VOLUME);
    shop.vbs(&["unlock"]).exits(0).says("Nobody holds the lock");
    shop.vbs(&["unlock", "--take-over"]).exits(0).says("Nobody holds the lock");
    shop.apply();
    shop.configure(&format!("{VOLUME}volume \"late\" {{\n  pool = pool.fast\n  size = \"1MiB\"\n}}\n"));
    // The holder stops itself after it has committed to a step and before it sends the command.
    let boundary = boundary_before(&shop, "BeforeSend");
    let mut holder = shop
        .command(&["apply", "--auto-approve"])
        .env("VBS_FAULT", format!("stop@{boundary}"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_stopped(holder.id());
    shop.vbs(&["unlock"]).exits(5).says("ada on").says("vbs apply").says("--take-over");
    shop.vbs(&["unlock", "--take-over"]).exits(0).says("Took over from ada").says("vbs recover");
    shop.vbs(&["unlock"]).exits(0).says("Nobody holds the lock");
    signal(holder.id(), "CONT");
    let said: Vec<String> =
        BufReader::new(holder.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
    assert_eq!(holder.wait().unwrap().code(), Some(5), "{said:#?}");
    assert!(!shop.path("pool/late.img").exists(), "{said:#?}");
    shop.vbs(&["recover", "--auto-approve"]).exits(0);
    shop.apply();
    assert!(shop.path("pool/late.img").exists());
    assert_eq!(shop.vbs(&["drift", "--json"]).exits(0).json()["drifted"], json!(false));
}

/// The number of the last boundary of a class in an apply of the workspace, which is copied for that.
fn boundary_before(shop: &Workspace, class: &str) -> u64 {
    let copy = Workspace::empty();
    std::process::Command::new("cp").args(["-a"]).arg(shop.path(".")).arg(copy.root()).status().unwrap();
    let log = copy.path("boundaries");
    // Paths are relative to the workspace, so the copy has pools of its own.
    run(copy.command(&["apply", "--auto-approve"]).env("VBS_FAULT_LOG", &log));
    let text = copy.read("boundaries");
    let line =
        text.lines().rfind(|line| line.ends_with(class)).unwrap_or_else(|| panic!("{class} in {text}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn wait_until_stopped(pid: u32) {
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        match stat.rsplit(") ").next().unwrap().as_bytes()[0] {
            b'T' => return,
            b'Z' => panic!("it ended before it stopped"),
            _ => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    }
}

fn signal(pid: u32, name: &str) {
    assert!(
        std::process::Command::new("kill")
            .args([&format!("-{name}"), &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// Which directories vbs made is not lost with the state: they go with the last thing in them, as they would have.
#[test]
fn a_rebuilt_state_takes_away_the_directories_that_were_made() {
    let made = "pool \"file\" \"made\" {\n  path = \"made/deep\"\n  create = true\n}\n";
    let shop = Workspace::with(&format!("{made}{}", VOLUME.replace("pool.fast", "pool.made")));
    assert!(!shop.path("made").exists());
    shop.apply();
    assert!(shop.path("made/deep/db.img").is_file());
    std::fs::remove_dir_all(shop.path(".vbs")).unwrap();
    shop.vbs(&["state", "rebuild", "--auto-approve"]).exits(0);
    shop.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    assert!(!shop.path("made").exists());
}
