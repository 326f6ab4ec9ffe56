//! What is linked into vbs: under which licence, and from where. deny.toml says what is allowed, for `cargo deny check`
//! and for this test, which needs no further tool.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn rules() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).unwrap()
}

/// The texts of the list `name = [ … ]` in deny.toml.
fn list(rules: &str, name: &str) -> Vec<String> {
    let start =
        rules.find(&format!("\n{name} = [")).unwrap_or_else(|| panic!("deny.toml has no list {name}"));
    let rest = &rules[start..];
    let body = &rest[rest.find('[').unwrap() + 1..rest.find(']').unwrap()];
    body.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every package that a build for this machine uses, this one apart.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let host = Command::new(&cargo).args(["-vV"]).output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let used: Vec<&Value> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|n| &n["id"]).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.filter(|p| used.contains(&&p["id"]) && !p["source"].is_null()).cloned().collect()
}

/// Whether the licence expression can be fulfilled by allowed licences: one side of an OR, all sides of an AND.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let text = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    any_of(&words, &mut at, allowed) && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut found = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        found |= all_of(words, at, allowed);
    }
    found
}

fn all_of(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut found = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        found &= one(words, at, allowed);
    }
    found
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let found = any_of(words, at, allowed);
        *at += 1;
        return found;
    }
    let mut licence = word.to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{word} WITH {}", words[*at + 1]);
        *at += 2;
    }
    allowed.contains(&licence)
}

#[test]
fn every_licence_and_source_is_allowed() {
    let rules = rules();
    let licences = list(&rules, "allow");
    let packages = packages();
    assert!(packages.len() > 30, "only {} packages: was the metadata read right?", packages.len());
    let (mut wrong, mut sources) = (Vec::new(), std::collections::BTreeSet::new());
    for package in packages {
        let name = format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_allowed(licence, &licences) {
            wrong.push(format!("{name}: licence {licence}"));
        }
        let source = package["source"].as_str().unwrap();
        sources.insert(source.to_owned());
        if !source.starts_with("registry+") {
            wrong.push(format!("{name}: from {source}"));
        }
    }
    assert_eq!(sources.len(), 1, "one registry is enough: {sources:?}");
    assert!(wrong.is_empty(), "deny.toml does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn licence_expressions_are_understood() {
    let allowed =
        vec!["MIT".to_owned(), "Apache-2.0".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "(GPL-3.0 OR MIT) AND Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR Apache-2.0) AND GPL-3.0",
        "MIT WITH Strange-exception",
        "none",
    ] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}
