//! Secrets are in no file, no output and no argument; files are for their owner alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::bench::*;

/// Nothing else in the world says this.
const CANARY: &str = "canary-5bd1e995-c2b2ae35";

const SECRETIVE: &str = r#"
variable "password" {
  type      = string
  sensitive = true
}
volume "db" {
  pool   = pool.fast
  size   = "1MiB"
}
output "password" {
  value     = var.password
  sensitive = true
}
output "derived" {
  value     = { user = "db", url = "https://db:${var.password}@host" }
  sensitive = true
}
"#;

/// Whether any file of the workspace, the pool or the hypervisor holds the canary.
fn leaks(bench: &Bench) -> Vec<std::path::PathBuf> {
    let holds = |path: &std::path::PathBuf| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
    };
    files(bench.root()).into_iter().filter(holds).collect()
}

#[test]
fn a_secret_is_in_no_file_and_no_output() {
    let bench = Bench::new(SECRETIVE);
    let run = |arguments: &str| {
        let run = Run::of(bench.command(arguments).env("VBS_VAR_password", CANARY));
        assert!(!run.out.contains(CANARY) && !run.err.contains(CANARY), "{arguments}: {run:#?}");
        assert_eq!(leaks(&bench), [] as [std::path::PathBuf; 0], "{arguments}");
        run
    };
    run("plan").succeeds().says("(sensitive value)");
    run("plan --json").succeeds();
    run("plan --out p.plan").succeeds();
    run("apply p.plan").succeeds();
    run("apply --auto-approve").succeeds();
    run("apply --auto-approve --json --log-level trace").succeeds();
    run("plan --log-level trace --log-format json").succeeds();
    bench.declare(&SECRETIVE.replace("1MiB", "nonsense"));
    run("plan").ends(1);
    // Errors that have to do with the value itself.
    for wrong in
        ["size = var.password", "size = \"${var.password}\"", "name = var.password\n  size = var.password[0]"]
    {
        bench.declare(&SECRETIVE.replace("size   = \"1MiB\"", wrong));
        run("plan").ends(1);
    }
    bench.declare(&SECRETIVE.replace("  sensitive = true\n}\nvolume", "  sensitive = true\n  validation {\n    condition = length(var.password) > 1000\n    error_message = \"Too short.\"\n  }\n}\nvolume"));
    run("plan").ends(1);
    bench.declare(&SECRETIVE.replace("sensitive = true\n}\n\"#", ""));
    run("destroy --auto-approve").succeeds();
}

#[test]
fn a_sensitive_value_cannot_leave_through_an_output_that_is_not() {
    let bench = Bench::new(
        &SECRETIVE.replace("  value     = var.password\n  sensitive = true", "  value     = var.password"),
    );
    let run = Run::of(bench.command("apply --auto-approve").env("VBS_VAR_password", CANARY));
    assert!(!run.out.contains(CANARY) && !run.err.contains(CANARY), "{run:#?}");
    assert_eq!(leaks(&bench), [] as [std::path::PathBuf; 0]);
}

#[test]
fn no_program_is_given_a_secret_as_an_argument() {
    let each = SECRETIVE
        .replace("volume \"db\" {", "volume \"db\" {\n  for_each = toset([for i in range(40) : \"n${i}\"])");
    let bench = Bench::new(&each);
    let mut running = bench
        .command("apply --auto-approve")
        .env("VBS_VAR_password", CANARY)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut looks = 0;
    while running.try_wait().unwrap().is_none() {
        for process in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let Ok(arguments) = fs::read(process.path().join("cmdline")) else { continue };
            let leaked = arguments.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!leaked, "{}", String::from_utf8_lossy(&arguments));
            looks += 1;
        }
    }
    assert!(looks > 0 && running.wait().unwrap().success());
    assert_eq!(leaks(&bench), [] as [std::path::PathBuf; 0]);
}

#[test]
fn a_sensitive_output_is_whole_for_who_has_the_key_and_nothing_without() {
    let bench = Bench::new(SECRETIVE);
    let run = |arguments: &str| Run::of(bench.command(arguments).env("VBS_VAR_password", CANARY));
    run("apply --auto-approve").succeeds();
    assert_eq!(run("output --raw password").succeeds().out.trim(), CANARY);
    fs::rename(bench.at("ws/.vbs/state.key"), bench.at("away")).unwrap();
    let without = run("output --raw password");
    assert!(without.code == Some(1) && !without.out.contains(CANARY), "{without:#?}");
    fs::write(bench.at("ws/.vbs/state.key"), format!("{}\n", "b".repeat(64))).unwrap();
    fs::set_permissions(bench.at("ws/.vbs/state.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let wrong = run("output --raw password");
    assert!(wrong.code == Some(1) && !wrong.out.contains(CANARY), "{wrong:#?}");
}

#[test]
fn whatever_the_callers_umask_files_are_private() {
    for umask in ["000", "022", "777"] {
        let bench = Bench::new(
            &(volume("db", "")
                + &attachment("a", "db", "vda")
                + "output \"s\" {\n  value = sensitive(\"x\")\n  sensitive = true\n}\n"),
        );
        let script = format!(
            "umask {umask}; '{}' -C '{}' apply --auto-approve",
            env!("CARGO_BIN_EXE_vbs"),
            bench.at("ws").display()
        );
        Run::of(Command::new("sh").arg("-c").arg(script)).succeeds();
        println!("{umask}");
        for root in ["ws/.vbs", "pool", "vms"] {
            for path in tree(&bench.at(root)).into_keys() {
                let seen = fs::symlink_metadata(&path).unwrap();
                let (mode, wanted) =
                    (seen.permissions().mode() & 0o777, if seen.is_dir() { 0o700 } else { 0o600 });
                assert!(seen.is_symlink() || mode == wanted, "{} has mode {mode:o}", path.display());
            }
        }
    }
}
