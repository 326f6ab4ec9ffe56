#![expect(clippy::disallowed_methods, reason = "what is asked of grep is answered by grep")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

fn found(expression: &str, line: &str) -> bool {
    let mut grep = Command::new("grep")
        .args(["-cE", "-e", expression])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    grep.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    let output = grep.wait_with_output().unwrap();
    assert_ne!(output.status.code(), Some(2), "{expression}");
    output.stdout == b"1\n"
}

const PATTERNS: [&str; 9] = [
    r"^(?<name>\S+) (?<size>\d+) (?<mark>\S+)$",
    r"^\s*(?<name>[^ ,]+),(?<size>[0-9]{1,20})(,(?<mark>.*?))?$",
    r"(?<name>[a-z][a-z0-9_.-]*)\s+[-^\]\[\\]+\s*(?<size>\d+)\s",
    r"^vol (?<name>\w+(?:-\w+)*) (?:thin|thick) (?<size>\d+)",
    r"^(?i)name=(?<name>[[:alnum:]]+);(?<size>\d+)$",
    r"^\((?<name>[^)]+)\) \$(?<size>\d+)\.\*",
    r"(?<name>\D+)(?<size>\d+)",
    r"^(?<name>[\x21-\x7e]+)\t(?<size>\d{2,})",
    r"^(?<name>.+?) +(?<size>\d+)$",
];
const LINES: [&str; 12] = [
    "db 4096 vbs:x",
    "db,4096,vbs:x y",
    "  db,4096",
    "db [-] 4096 x",
    "db \\^ 4096 x",
    "vol db thin 4096",
    "NAME=db;4096",
    "(db) $4096.*",
    "db4096",
    "db\t4096",
    "dä b 4096",
    "",
];

/// What grep finds is what the reader finds, for every pattern and line.
#[test]
fn a_host_finds_what_the_reader_finds() {
    let mut matched = 0;
    for pattern in PATTERNS {
        let reader = regex::bytes::RegexBuilder::new(pattern).unicode(false).build().unwrap();
        let any = with_values(pattern, &[]).unwrap();
        for line in LINES {
            let captures = reader.captures(line.as_bytes());
            assert_eq!(found(&any, line), captures.is_some(), "{pattern} {line:?} as {any}");
            let Some(captures) = captures else { continue };
            matched += 1;
            let name = String::from_utf8_lossy(&captures["name"]).into_owned();
            let size = String::from_utf8_lossy(&captures["size"]).into_owned();
            let same = with_values(pattern, &[("name", &name), ("size", &size)]).unwrap();
            assert!(found(&same, line), "{pattern} {line:?} as {same}");
            let other = with_values(pattern, &[("name", &name), ("size", "40960")]).unwrap();
            assert!(!found(&other, line), "{pattern} {line:?} as {other}");
        }
    }
    assert!(matched >= 12, "{matched}");
}

#[test]
fn what_grep_cannot_do_is_an_error() {
    for pattern in [r"\bdb\b", r"(?<name>a|)", "a{300}", r"[\x80-\x90]", "a\nb", "("] {
        assert!(with_values(pattern, &[]).is_err(), "{pattern:?}");
    }
}

#[test]
fn values_stand_for_themselves() {
    let value = r"a.b[c]*^$(d)|{e}\";
    let expression = with_values("^(?<name>.*)$", &[("name", value)]).unwrap();
    assert!(found(&expression, value) && !found(&expression, &value.replace('.', "x")));
}
