//! Every file in examples/ does what it says: it is planned, applied, found to agree, and destroyed without a trace.
//! Those that need more than a directory are only read here, and run where there is more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::Workspace;

/// What has to be done before an example can be destroyed: examples that protect their data.
const LIFTED: &[(&str, &[&str])] = &[("lifecycle.vbs.hcl", &["--var", "keep_db=false"])];

/// What needs volume groups or VMs, and what runs it where they are.
const ELSEWHERE: &[(&str, &str)] = &[
    ("libvirt.vbs.hcl", "tests/it/libvirt/mod.rs"),
    ("lvm.vbs.hcl", "tests/lab/cases/workflow.rs"),
    ("qemu.vbs.hcl", "tests/it/qemu/mod.rs"),
    ("tgtadm.vbs.hcl", "tests/it/tgt.rs"),
];

/// What needs a tool that nobody packages any more. What it does is proved with a small one of the same kind.
const ONLY_READ: &[&str] = &["ietadm.vbs.hcl", "xm.vbs.hcl"];

fn examples() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Every path below `directory` with its content; the state in .vbs/ apart, which remembers that there was something.
fn tree(directory: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let relative = path.strip_prefix(below).unwrap().to_owned();
        if relative == Path::new(".vbs") {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            found.insert(relative, Vec::new());
            tree(&path, below, found);
        } else {
            found.insert(relative, std::fs::read(&path).unwrap_or_default());
        }
    }
}

fn looks(workspace: &Workspace) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    tree(workspace.root(), workspace.root(), &mut found);
    found
}

#[test]
fn every_example_is_made_agrees_and_goes_without_a_trace() {
    let examples = examples();
    assert!(examples.len() >= 10, "{examples:?}");
    for path in examples {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.ends_with(".vbs.hcl"), "{name} is no configuration");
        println!("examples/{name}");
        let text = std::fs::read_to_string(&path).unwrap();
        if let Some((_, runner)) = ELSEWHERE.iter().find(|(example, _)| *example == name) {
            is_valid(name, &text);
            is_run_by(name, runner);
        } else if ONLY_READ.contains(&name) {
            is_valid(name, &text);
        } else {
            once_around(name, &text);
        }
    }
}

fn is_valid(name: &str, text: &str) {
    let workspace = Workspace::empty();
    workspace.file(name, text);
    workspace.vbs(&["-f", name, "validate"]).exits(0).says("The configuration is valid.");
}

fn is_run_by(name: &str, runner: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(runner);
    let runs = format!("examples/{name}");
    assert!(std::fs::read_to_string(path).unwrap().contains(&runs), "{runner} does not run {runs}");
}

fn once_around(name: &str, text: &str) {
    let workspace = Workspace::empty();
    let file = format!("examples/{name}");
    workspace.file(&file, text);
    let before = looks(&workspace);
    let vbs = |arguments: &[&str]| workspace.vbs(&[&["-f", &file], arguments].concat());

    vbs(&["plan", "--detailed-exitcode"]).exits(2).says("to add");
    assert_eq!(looks(&workspace), before, "{name}: a plan changed something");

    vbs(&["apply", "--auto-approve"]).exits(0).says("Apply complete!");
    assert_ne!(looks(&workspace), before, "{name}: nothing was made");
    vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");

    let lifted = LIFTED.iter().find(|(example, _)| *example == name).map_or(&[][..], |(_, flags)| flags);
    if !lifted.is_empty() {
        vbs(&["destroy", "--purge", "--auto-approve"]).exits(1).says("Protected from destruction");
        vbs(&[&["apply", "--auto-approve"], lifted].concat()).exits(0);
    }
    vbs(&[&["destroy", "--purge", "--auto-approve"], lifted].concat()).exits(0).says("Destroy complete!");
    assert_eq!(looks(&workspace), before, "{name}: something was left or taken");
}
