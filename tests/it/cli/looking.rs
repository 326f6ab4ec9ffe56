//! Commands that only look: what they say, and which code they end with.

use serde_json::json;

use crate::support::{Workspace, run};

const VOLUME: &str = "volume \"db\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n";
const OUTPUTS: &str = r#"
variable "token" {
  type      = string
  default   = "s3cret\n"
  sensitive = true
}
output "path" { value = volume.db.path }
output "token" {
  value     = var.token
  sensitive = true
}
output "sizes" { value = [1, 2] }
"#;

#[test]
fn init_writes_a_workspace_that_works_and_never_overwrites() {
    let shop = Workspace::empty();
    shop.vbs(&["init"]).exits(0).says("Wrote main.vbs.hcl").says("Wrote .gitignore");
    assert_eq!(shop.read(".gitignore").lines().skip(1).collect::<Vec<_>>(), [".vbs/", "*.vbsplan"]);
    shop.vbs(&["validate"]).exits(0).says("The configuration is valid.");
    shop.apply();
    assert!(shop.path("storage/first.img").is_file());
    shop.file("main.vbs.hcl", "# mine\n");
    shop.vbs(&["init"]).exits(1).says("There is a configuration already").says("main.vbs.hcl");
    assert_eq!(shop.read("main.vbs.hcl"), "# mine\n");

    let other = Workspace::empty();
    other.file(".gitignore", ".vbs/\n");
    other.vbs(&["init"]).exits(0).says("Kept .gitignore as it is; add to it: *.vbsplan");
    assert_eq!(other.read(".gitignore"), ".vbs/\n");
    other.vbs(&["init", "-C", "nowhere"]).exits(1).says("No such workspace");
}

#[test]
fn validate_tells_every_problem_and_needs_neither_state_nor_host() {
    let shop = Workspace::with(VOLUME);
    let valid = shop.vbs(&["validate", "--json"]).exits(0).json();
    assert_eq!(
        valid,
        json!({
            "format_version": "1.0", "valid": true, "error_count": 0, "warning_count": 0, "diagnostics": [],
        })
    );
    assert!(!shop.path(".vbs").exists() && !shop.path("pool").exists());
    shop.configure(
        "volume \"a\" { pool = pool.fats }\nvolume \"b\" {\n  pool = pool.fast\n  size = \"1 elephant\"\n}\n",
    );
    shop.vbs(&["validate"]).exits(1).says("Did you mean `fast`?").says("elephant");
    let invalid = shop.vbs(&["validate", "--json"]).exits(1).json();
    assert_eq!((&invalid["valid"], &invalid["error_count"]), (&json!(false), &json!(2)));
    assert_eq!(invalid["diagnostics"][0]["range"]["filename"], "main.vbs.hcl");
    shop.file("main.vbs.hcl", "volume {");
    assert_eq!(shop.vbs(&["validate", "--json"]).exits(1).json()["error_count"], 1);
    Workspace::empty().vbs(&["validate"]).exits(1).says("No configuration");
}

#[test]
fn drift_is_two_no_drift_is_zero_and_not_knowing_is_one() {
    let shop = Workspace::with(VOLUME);
    shop.vbs(&["drift"]).exits(0).says("No drift.");
    shop.apply();
    shop.vbs(&["drift"]).exits(0).says("No drift.");
    std::fs::File::options().write(true).open(shop.path("pool/db.img")).unwrap().set_len(3 << 20).unwrap();
    shop.vbs(&["drift"]).exits(2).says("volume.db size is 3 MiB, recorded 1 MiB");
    let drift = shop.vbs(&["drift", "--json"]).exits(2).json();
    assert_eq!(
        (&drift["drifted"], &drift["resource_drift"][0]["address"]),
        (&json!(true), &json!("volume.db"))
    );
    std::fs::remove_file(shop.path("pool/db.img")).unwrap();
    shop.vbs(&["drift"]).exits(2).says("volume.db vanished from pool.fast");
    std::fs::rename(shop.path("pool"), shop.path("unmounted")).unwrap();
    shop.vbs(&["drift"]).exits(1).says("Cannot be looked at");
    let unseen = shop.vbs(&["drift", "--json"]).exits(1).json();
    assert_eq!(unseen["diagnostics"][0]["severity"], "error");
    shop.configure("volume \"x\" {}\n");
    shop.vbs(&["drift"]).exits(1);
}

#[test]
fn drift_and_describe_do_not_wait_for_whoever_holds_the_lock() {
    let shop = Workspace::with(VOLUME);
    shop.apply();
    let lock = std::fs::File::options().write(true).open(shop.path(".vbs/state.db.lock")).unwrap();
    lock.lock().unwrap();
    shop.vbs(&["drift"]).exits(0);
    shop.vbs(&["describe"]).exits(0);
    shop.vbs(&["apply", "--auto-approve"]).exits(5).says("The workspace is locked");
}

#[test]
fn describe_tells_gone_from_not_looked_at() {
    let shop = Workspace::with(VOLUME);
    shop.vbs(&["describe", "volume.db"]).exits(1).says("volume.db is declared and was not made yet");
    shop.apply();
    shop.vbs(&["describe"]).exits(0).says("volume.db pool.fast db 1 MiB available").says("pool.fast");
    shop.vbs(&["describe", "volumes"]).exits(0).says("volume.db pool.fast db 1 MiB available");
    shop.vbs(&["describe", "attachments"]).exits(0).says("Nothing is recorded.");
    shop.vbs(&["describe", "volume.db"]).exits(0).says("Status: available").says("size 1 MiB 1 MiB");
    shop.vbs(&["describe", "volume.dn"]).exits(1).says("Did you mean volume.db?");
    std::fs::remove_file(shop.path("pool/db.img")).unwrap();
    shop.vbs(&["describe", "volume.db"]).exits(0).says("Status: vanished");
    std::fs::rename(shop.path("pool"), shop.path("unmounted")).unwrap();
    let unseen = shop.vbs(&["describe"]).exits(1).says("not looked at");
    assert!(!unseen.text().contains("vanished"), "{}", unseen.text());
    let json = shop.vbs(&["describe", "--json"]).exits(1).json();
    assert_eq!(
        (&json["resources"][0]["looked_at"], &json["resources"][0]["live"]),
        (&json!(false), &json!(null))
    );
}

#[test]
fn outputs_come_from_the_state_whole_and_decrypted() {
    let shop = Workspace::with(&format!("{VOLUME}{OUTPUTS}"));
    shop.vbs(&["output"]).exits(0).says("No outputs");
    shop.vbs(&["output", "path"]).exits(1).says("Unknown output");
    shop.apply();
    let all = shop.vbs(&["output"]).exits(0);
    assert!(
        all.stdout.contains("token = (sensitive value)") && !all.text().contains("s3cret"),
        "{}",
        all.stdout
    );
    assert_eq!(shop.vbs(&["output", "token", "--raw"]).exits(0).stdout, "s3cret\n");
    assert_eq!(
        shop.vbs(&["output", "path", "--raw"]).exits(0).stdout,
        shop.path("pool/db.img").display().to_string()
    );
    assert_eq!(shop.vbs(&["output", "sizes", "--json"]).exits(0).json(), json!([1, 2]));
    assert_eq!(
        shop.vbs(&["output", "--json"]).exits(0).json()["token"],
        json!({"sensitive": true, "value": "s3cret\n"})
    );
    shop.vbs(&["output", "sizes", "--raw"]).exits(1).says("no raw form");
    shop.vbs(&["output", "pathh"]).exits(1).says("Did you mean \"path\"?");
    std::fs::remove_file(shop.path(".vbs/state.key")).unwrap();
    shop.vbs(&["output"]).exits(0).says("token = (sensitive value)");
    shop.vbs(&["output", "token"]).exits(1).says("The key is missing");
    shop.vbs(&["output", "--json"]).exits(1).says("The key is missing");
}

#[test]
fn a_broken_configuration_does_not_stand_before_the_state() {
    let shop = Workspace::with(&format!("{VOLUME}{OUTPUTS}"));
    shop.apply();
    shop.file("main.vbs.hcl", "volume \"db\" {\n");
    for command in [&["show"][..], &["output", "path"], &["show", "--json"]] {
        shop.vbs(command).exits(0).says("The configuration has errors");
    }
    shop.vbs(&["plan"]).exits(1);
    std::fs::remove_file(shop.path("main.vbs.hcl")).unwrap();
    shop.vbs(&["show"]).exits(0).says("volume.db");
    std::fs::remove_dir_all(shop.path(".vbs")).unwrap();
    shop.vbs(&["show"]).exits(1).says("No configuration");
}

#[test]
fn show_prints_the_state_and_saved_plans_without_secrets() {
    let shop = Workspace::with(&format!("{VOLUME}{OUTPUTS}"));
    shop.vbs(&["show"]).exits(0).says("There is no state yet");
    assert_eq!(shop.vbs(&["show", "--json"]).exits(0).json(), json!(null));
    shop.vbs(&["plan", "--out", "first.vbsplan"]).exits(0);
    let plan = shop.vbs(&["show", "first.vbsplan"]).exits(0).says("Plan: 1 to add");
    assert!(!plan.text().contains("Not verified"), "{}", plan.text());
    let mut elsewhere = shop.command(&["show", "first.vbsplan"]);
    elsewhere.env("VBS_PLAN_KEY", "a".repeat(64));
    run(&mut elsewhere).exits(0).says("Not verified").says("Plan: 1 to add");
    let json = shop.vbs(&["show", "first.vbsplan", "--json"]).exits(0).json();
    assert_eq!(json["resource_changes"][0]["change"]["actions"], json!(["create"]));
    shop.vbs(&["show", "main.vbs.hcl"]).exits(1).says("This is not a saved plan");
    shop.apply();
    shop.vbs(&["show"]).exits(0).says("volume.db id =").says("size = \"1 MiB\"");
    let state = shop.vbs(&["show", "--json"]).exits(0);
    assert_eq!(state.json()["resources"][0]["values"]["size_bytes"], 1 << 20);
    assert!(!state.text().contains("s3cret"), "{}", state.text());
}

#[test]
fn graph_is_dot_and_version_is_this_one() {
    let shop = Workspace::with(VOLUME);
    let graph = shop.vbs(&["graph"]).exits(0);
    assert!(
        graph.stdout.starts_with("digraph plan {") && graph.stdout.contains("volume.db"),
        "{}",
        graph.stdout
    );
    let elsewhere = Workspace::empty();
    let same = elsewhere.vbs(&["-C", &shop.root().display().to_string(), "graph"]).exits(0);
    assert_eq!(same.stdout, graph.stdout);
    shop.vbs(&["version"]).exits(0).says(env!("CARGO_PKG_VERSION"));
    assert_eq!(shop.vbs(&["version", "--json"]).exits(0).json()["version"], env!("CARGO_PKG_VERSION"));
}
