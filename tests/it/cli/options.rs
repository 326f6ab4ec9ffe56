//! Options that every command takes, and limits that the system sets.

use serde_json::Value;

use crate::support::{CONTAINERS, Workspace, run};

const VOLUME: &str = "volume \"db\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n";

#[test]
fn the_log_names_every_frame_and_commit_and_no_argument() {
    let shop = Workspace::with(VOLUME);
    let quiet = shop.vbs(&["plan"]).exits(0);
    assert!(!quiet.stderr.contains("asked"), "{}", quiet.stderr);
    let logged =
        shop.vbs(&["apply", "--auto-approve", "--log-level", "debug", "--log-format", "json"]).exits(0);
    let events: Vec<Value> =
        logged.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |message: &str| events.iter().filter(|event| event["message"] == message).collect::<Vec<_>>();
    let verbs: Vec<&str> = of("frame").iter().map(|event| event["verb"].as_str().unwrap()).collect();
    assert_eq!(verbs.last(), Some(&"file/create"), "{events:#?}");
    for event in of("frame") {
        assert!(event["host"] == "local" && event["status"] == 0 && event["ms"].is_u64(), "{event}");
    }
    assert!(of("commit").len() > 3 && of("asked").len() > 1 && of("run closed").len() == 1, "{events:#?}");
    assert!(!logged.stderr.contains("db.img\""), "{}", logged.stderr);
    let text = shop.vbs(&["plan", "--log-level", "debug"]).exits(0);
    assert!(text.stderr.contains("asked host=local") && !text.stdout.contains("asked"), "{}", text.stderr);
}

#[test]
fn files_states_and_directories_can_be_named() {
    let shop = Workspace::empty();
    shop.file("a/one.vbs.hcl", &format!("{CONTAINERS}{VOLUME}"));
    shop.vbs(&["-C", "a", "-f", "one.vbs.hcl", "apply", "--auto-approve"]).exits(0);
    assert!(shop.path("a/.vbs/one.db").is_file() && shop.path("a/pool/db.img").is_file());
    shop.vbs(&["state", "list", "-C", "a", "-f", "one.vbs.hcl"]).exits(0).says("volume.db");
    shop.vbs(&["state", "list", "-C", "a", "--state", ".vbs/one.db"]).exits(1).says("another workspace");
    let mut elsewhere = shop.command(&["state", "list", "-C", "a", "-f", "one.vbs.hcl"]);
    run(elsewhere.env("VBS_STATE", "other.db")).exits(0).says("Nothing is recorded.");
    shop.vbs(&["nonsense"]).exits(1);
    shop.vbs(&["--help"]).exits(0).says("Usage: vbs");
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk_and_no_death() {
    let shop = Workspace::with(VOLUME);
    shop.apply();
    shop.configure(&format!("{VOLUME}volume \"more\" {{\n  pool = pool.fast\n  size = \"1MiB\"\n}}\n"));
    let program = env!("CARGO_BIN_EXE_vbs");
    let limited = |blocks: u32| {
        let mut shell = std::process::Command::new("/bin/sh");
        let script = format!("ulimit -f {blocks}; exec {program} apply --auto-approve");
        run(shell.args(["-c", &script]).current_dir(shop.root()).env_clear().env("PATH", "/usr/bin:/bin"))
    };
    for blocks in [1, 8, 64, 128, 512] {
        let ended = limited(blocks);
        assert!(ended.code < 128, "a signal ended it: {}", ended.text());
        if ended.code == 0 {
            break;
        }
        shop.vbs(&["recover", "--auto-approve"]).exits(0);
        shop.vbs(&["drift"]).exits(0);
    }
    limited(1).exits(1).says("full");
    shop.apply();
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
}
