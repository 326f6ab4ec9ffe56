//! The walls between the rooms, as docs/architecture.md states them: who imports whom, and what a room may not touch.
//! Test code may look anywhere: a provider's laws are held by running its scripts on a real shell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which rooms a room may import. A room may always import itself.
const IMPORTS: &[(&str, &[&str])] = &[
    ("diag", &[]),
    ("faults", &[]),
    ("exit", &["diag"]),
    ("model", &["diag"]),
    ("config", &["diag", "model"]),
    ("plan", &["diag", "model"]),
    ("providers", &["diag", "model", "plan"]),
    ("hosts", &["faults", "model"]),
    ("survey", &["hosts", "model", "providers"]),
    ("state", &["diag", "exit", "faults", "model", "plan"]),
    ("apply", &["diag", "exit", "faults", "hosts", "model", "plan", "providers", "state", "survey"]),
    ("ui", &["apply", "diag", "model", "plan", "state"]),
    (
        "cli",
        &[
            "apply",
            "config",
            "diag",
            "exit",
            "faults",
            "hosts",
            "model",
            "plan",
            "providers",
            "state",
            "survey",
            "ui",
        ],
    ),
];

/// Rooms that work on values alone, and what would take them out of that.
const PURE: &[&str] = &["diag", "model", "config", "plan", "providers"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env",
    "std::net::TcpStream",
    "std::os",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "tokio",
    "rusqlite",
    "rustix",
    "jiff",
];

/// What only one room may name.
const SOLE: &[(&str, &[&str])] =
    &[("rusqlite", &["state"]), ("tokio::process", &["hosts", "faults"]), ("openssh", &["hosts"])];

const LONGEST_FILE: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `directory`, in order.
fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The file's path below `src`.
fn below_src(path: &Path) -> String {
    path.strip_prefix(root().join("src")).unwrap().display().to_string()
}

fn room(path: &Path) -> String {
    below_src(path).split('/').next().unwrap().trim_end_matches(".rs").to_owned()
}

/// Files that are compiled for tests alone: `mod tests;` and its like, with everything below them.
fn is_test_file(path: &Path, test_modules: &BTreeSet<PathBuf>) -> bool {
    test_modules.iter().any(|module| path.starts_with(module) || path == module.with_extension("rs"))
}

/// What `#[cfg(test)] mod NAME;` lines declare, as paths without extension.
fn test_modules(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].trim() == "#[cfg(test)]") {
            let declared = pair[1].trim().trim_start_matches("pub ").strip_prefix("mod ");
            let Some(name) = declared.and_then(|rest| rest.strip_suffix(';')) else { continue };
            let is_root = matches!(file.file_stem().unwrap().to_str(), Some("mod" | "lib" | "main"));
            let base = if is_root { file.parent().unwrap().to_owned() } else { file.with_extension("") };
            found.insert(base.join(name));
        }
    }
    found
}

/// The code that a release holds: without comments, and without what stands behind `#[cfg(test)]` at the end of a file.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let product = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    product.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Every room that `crate::…` names in the code, groups such as `crate::{a::b, c}` included.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, character) in group.char_indices() {
            match character {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    found.insert(word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// The product's files by room, with their code.
fn product() -> Vec<(PathBuf, String)> {
    let files = rust_files(&root().join("src"));
    let tests = test_modules(&files);
    let product = files.into_iter().filter(|path| !is_test_file(path, &tests));
    product.map(|path| (path.clone(), code(&path))).collect()
}

#[test]
fn imports_between_rooms_are_those_of_the_table() {
    let table: BTreeMap<&str, BTreeSet<&str>> =
        IMPORTS.iter().map(|(room, allowed)| (*room, allowed.iter().copied().collect())).collect();
    let mut broken = Vec::new();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, code) in product() {
        let room = room(&path);
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let Some(allowed) = table.get(room.as_str()) else {
            panic!("the room {room} is not in the table: add it here and in docs/architecture.md");
        };
        for other in imports(&code).into_iter().filter(|other| *other != room) {
            if !allowed.contains(other.as_str()) {
                broken.push(format!("src/{} imports {other}", below_src(&path)));
            }
            used.entry(room.clone()).or_default().insert(other);
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for (room, allowed) in table {
        let none = BTreeSet::new();
        let used = used.get(room).unwrap_or(&none);
        let idle: Vec<&&str> = allowed.iter().filter(|other| !used.contains(**other)).collect();
        assert!(idle.is_empty(), "{room} may import {idle:?} and does not: take it out of the table");
    }
}

/// The table above and the one that people read.
#[test]
fn the_table_is_the_one_in_the_documentation() {
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (room, allowed) in IMPORTS {
        let allowed: Vec<String> = allowed.iter().map(|other| format!("`{other}`")).collect();
        let listed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        let row = format!("| `{room}` | {listed} |");
        assert!(text.contains(&row), "docs/architecture.md has no line that begins\n{row}");
    }
}

#[test]
fn pure_rooms_touch_nothing_outside_themselves() {
    let mut broken = Vec::new();
    for (path, code) in product() {
        let room = room(&path);
        for name in IMPURE.iter().filter(|_| PURE.contains(&room.as_str())) {
            if names(&code, name) {
                broken.push(format!("src/{} names {name}", below_src(&path)));
            }
        }
        for (name, rooms) in SOLE {
            if names(&code, name) && !rooms.contains(&room.as_str()) {
                broken.push(format!("src/{} names {name}", below_src(&path)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Whether a path in the code begins with `name`.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !is_word(before)
            && before != Some('"')
            && !is_word(after)
            && (name.contains("::") || after == Some(':'))
    })
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    let mut long = Vec::new();
    for path in rust_files(&root().join("src")) {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        if lines > LONGEST_FILE {
            long.push(format!("src/{}: {lines} lines", below_src(&path)));
        }
    }
    assert!(long.is_empty(), "split at {LONGEST_FILE} lines:\n{}", long.join("\n"));
}

/// A file of tests that no `mod` line names would never run, and nobody would notice.
#[test]
fn no_file_of_tests_is_forgotten() {
    let directory = root().join("tests/it");
    let mut forgotten = Vec::new();
    for path in rust_files(&directory) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let (name, parent) = match (stem, path.parent().unwrap()) {
            ("main", parent) if parent == directory => continue,
            ("mod", parent) => (parent.file_name().unwrap().to_str().unwrap(), parent.parent().unwrap()),
            (name, parent) => (name, parent),
        };
        let file = if parent == directory { "main.rs" } else { "mod.rs" };
        let declaring = std::fs::read_to_string(parent.join(file)).unwrap_or_default();
        let beside = std::fs::read_to_string(parent.with_extension("rs")).unwrap_or_default();
        let line = format!("mod {name};");
        if !declaring
            .lines()
            .chain(beside.lines())
            .any(|found| found.trim_start_matches("pub ").trim() == line)
        {
            forgotten.push(path.display().to_string());
        }
    }
    assert!(forgotten.is_empty(), "no `mod` line names:\n{}", forgotten.join("\n"));
}

#[test]
fn groups_of_imports_are_read() {
    let found = imports("use crate::{apply::{Outcome, Views}, model};\nlet x = crate::ui::print::tell;");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["apply", "model", "ui"]);
}
