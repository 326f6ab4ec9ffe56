//! Command lines as users write them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

fn parsed(line: &str) -> Cli {
    parse(words(line), None).unwrap_or_else(|stop| panic!("{line}: {}", stop.text))
}

fn refused(line: &str) -> String {
    let stop = parse(words(line), None).map(|cli| panic!("{line} was taken: {cli:?}")).unwrap_err();
    assert_eq!(stop.exit, Exit::Error, "{line}");
    stop.text
}

fn words(line: &str) -> Vec<OsString> {
    std::iter::once("vbs").chain(line.split_whitespace()).map(OsString::from).collect()
}

#[test]
fn clap_finds_no_contradiction_in_the_definitions() {
    global::everywhere(Cli::command()).debug_assert();
}

#[test]
fn every_command_of_the_contract_is_there() {
    let lines = [
        "init",
        "validate --json --var a=b",
        "plan --out p --detailed-exitcode --target volume.db --replace volume.db[0] --no-refresh",
        "plan --destroy --json",
        "plan --refresh-only --graph",
        "plan --exclude host.store1 --restore volume.db=snapshot.a --recreate volume.x",
        "apply",
        "apply saved.vbsplan --parallelism 4 --json --no-revert",
        "apply --auto-approve --json --target volume.db --target volume.logs --recreate volume.db",
        "destroy --purge --auto-approve --json --exclude volume.keep",
        "drift --json",
        "describe",
        "describe volumes --json",
        "describe volume.db",
        "show",
        "show plan.vbsplan --json",
        "output",
        "output name --raw",
        "output --json",
        "recover --resume --auto-approve",
        "recover --accept volume.db --accept volume.logs --auto-approve",
        "trash list --json",
        "trash restore 5f1c9a3e-0000-4000-8000-000000000000 --to volume.db",
        "trash purge 5f1c9a3e-0000-4000-8000-000000000000",
        "trash purge --expired --auto-approve",
        "trash purge --all",
        "unlock --take-over",
        "version --json",
        "state list",
        "state show volume.db --json",
        "state mv volume.a volume.b --dry-run",
        "state rm volume.a volume.b",
        "state rebuild --var a=b",
        "graph --destroy",
    ];
    for line in lines {
        parsed(line);
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    let lines = [
        "plan --target volume.a --exclude volume.b",
        "apply --target volume.a --exclude volume.b",
        "apply saved --target volume.a",
        "apply saved --var a=b",
        "apply saved --var-file x",
        "apply saved --destroy",
        "apply saved --replace volume.a",
        "apply saved --restore volume.a=snapshot.b",
        "apply saved --recreate volume.a",
        "apply saved --refresh-only",
        "apply --json",
        "destroy --json",
        "plan --refresh-only --destroy",
        "plan --json --graph",
        "output --raw",
        "output x --raw --json",
        "trash purge",
        "trash purge --all --expired",
        "trash purge --all 5f1c9a3e-0000-4000-8000-000000000000",
        "trash restore 5f1c9a3e-0000-4000-8000-000000000000",
        "apply --parallelism 0",
        "state rm",
        "state mv pool.a pool.b",
        "describe pool.fast",
        "plan --target db",
        "plan --restore volume.db",
        "plan --restore snapshot.a=volume.db",
        "plan --var x",
        "plan --var =x",
        "plan --lock-timeout soon",
        "plan --lock-timeout 99999999999999999999h",
        "nonsense",
        "-C /tmp",
    ];
    for line in lines {
        refused(line);
    }
}

#[test]
fn global_options_stand_anywhere_and_files_add_up() {
    let cli = parsed("-f a.hcl -C /one --no-color state -f b.hcl list -f c.hcl -C /two -q --lock-timeout 5m");
    assert_eq!(cli.global.files, ["a.hcl", "b.hcl", "c.hcl"].map(PathBuf::from));
    assert_eq!(cli.global.directory.as_deref(), Some(Path::new("/two")));
    assert!(cli.global.no_color && cli.global.quiet);
    assert_eq!(cli.global.lock_timeout, Some(Duration::from_secs(300)));
    let cli = parsed("--log-level debug plan --log-format json");
    assert_eq!((cli.global.log_level, cli.global.log_format), (Some(LogLevel::Debug), Some(LogFormat::Json)));
}

#[test]
fn the_state_is_where_the_flag_says_else_where_the_variable_says() {
    let state = |line: &str, variable: &str| {
        parse(words(line), Some(variable.into())).unwrap().global.state.map(|path| path.display().to_string())
    };
    assert_eq!(state("--state a plan", "b").as_deref(), Some("a"));
    assert_eq!(state("plan --state a", "b").as_deref(), Some("a"));
    assert_eq!(state("plan", "b").as_deref(), Some("b"));
    assert_eq!(state("plan", ""), None);
}

#[test]
fn variables_keep_the_order_in_which_they_were_given() {
    let cli = parsed("plan --var a=1 --var-file f --var a=x=y --var-file g");
    let Command::Plan(plan) = cli.command else { panic!("not a plan") };
    let value = |value: &str| Variable::Value { name: "a".to_owned(), value: value.to_owned() };
    let expected = [value("1"), Variable::File("f".into()), value("x=y"), Variable::File("g".into())];
    assert_eq!(plan.options.scope.variables.given, expected);
}

#[test]
fn a_restore_may_have_equals_signs_in_its_keys() {
    let restore: Restore = "volume.db[\"a=b\"]=snapshot.s[\"c=d\"]".parse().unwrap();
    assert_eq!(restore.volume.to_string(), "volume.db[\"a=b\"]");
    assert_eq!(restore.snapshot.to_string(), "snapshot.s[\"c=d\"]");
}

#[test]
fn help_and_version_succeed_and_nothing_at_all_does_not() {
    for line in ["--help", "--version", "plan --help", "trash purge -h"] {
        let stop = parse(words(line), None).unwrap_err();
        assert_eq!(stop.exit, Exit::Success, "{line}");
        assert!(!stop.text.contains('\u{1b}'));
    }
    assert!(refused("").contains("Usage: vbs"));
    assert!(refused("trash").contains("purge"));
    assert!(refused("plna").contains("plan"));
}

/// Short, imperative, no full stop.
#[test]
fn help_texts_follow_the_house() {
    fn check(command: &clap::Command) {
        let about = command.get_about().map(ToString::to_string);
        let helps = command.get_arguments().map(|argument| argument.get_help().map(ToString::to_string));
        for text in helps.chain([about]).flatten() {
            assert!(!text.ends_with('.') && text.len() <= 90, "{}: {text}", command.get_name());
        }
        command.get_subcommands().for_each(check);
    }
    check(&global::everywhere(Cli::command()));
}
