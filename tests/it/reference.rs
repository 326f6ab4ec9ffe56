//! docs/language.md and docs/cli.md against the tables that the program works from.
//!
//! `VBS_BLESS=1 cargo test --test it reference` writes the generated parts anew.

use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory;
use vbs::cli::args::Cli;
use vbs::config::declare::schema::{BlockRule, TOP};
use vbs::config::functions;
use vbs::model::Setting;
use vbs::providers::CATALOG;

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// Insists that the part between `<!-- mark -->` and `<!-- /mark -->` is `expected`, or makes it so.
#[track_caller]
fn generated(file: &str, mark: &str, expected: &str) {
    let text = read(file);
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let start = text.find(&begin).unwrap() + begin.len();
    let stop = text.find(&end).unwrap();
    if std::env::var_os("VBS_BLESS").is_some() {
        std::fs::write(path(file), format!("{}{expected}{}", &text[..start], &text[stop..])).unwrap();
        return;
    }
    assert_eq!(
        &text[start..stop],
        expected,
        "docs/{file} is behind: VBS_BLESS=1 cargo test --test it reference"
    );
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn functions_are_those_of_the_table() {
    let mut rows: Vec<String> = functions::all()
        .map(|function| format!("| `{}` | {} |\n", cell(&function.signature()), cell(function.doc)))
        .collect();
    rows.sort();
    let table = format!("\n| function | value |\n|---|---|\n{}\n", rows.concat());
    generated("language.md", "functions", &table);
    let text = read("language.md");
    for name in functions::names() {
        assert!(text.contains(&format!("`{name}(")), "docs/language.md does not have {name}");
    }
}

#[test]
fn providers_are_those_of_the_catalogue() {
    let mut text = String::new();
    for schema in CATALOG.schemas() {
        text.push_str(&format!("\n#### `{} \"{}\"`\n\n{}\n\n", schema.role.word(), schema.name, schema.doc));
        text.push_str("| attribute | meaning |\n|---|---|\n");
        for attribute in schema.attributes {
            let name = if attribute.required {
                format!("**`{}`**", attribute.name)
            } else {
                format!("`{}`", attribute.name)
            };
            let default = match attribute.default {
                Some(Setting::Bool(value)) => format!(" Default: `{value}`."),
                Some(Setting::Text(value)) => format!(" Default: `\"{value}\"`."),
                Some(Setting::List(values)) => format!(" Default: `{values:?}`."),
                Some(Setting::Lists(_) | Setting::Login(_)) | None => String::new(),
            };
            text.push_str(&format!("| {name} | {}{default} |\n", cell(attribute.doc)));
        }
    }
    generated("language.md", "providers", &format!("{text}\n"));
}

/// Every attribute and nested block of a block is named in the section of its word, or in the one for all resources.
#[test]
fn every_attribute_of_the_language_is_described() {
    let text = read("language.md");
    let common = section(&text, "## What every resource takes");
    let mut missing = Vec::new();
    for block in TOP {
        let own = section(&text, &format!("### `{}`\n", block.word));
        assert!(!own.is_empty(), "docs/language.md has no section ### `{}`", block.word);
        for name in names(block) {
            if !own.contains(&format!("`{name}`"))
                && !own.contains(&format!("`{name} \""))
                && !common.contains(&format!("`{name}`"))
            {
                missing.push(format!("{}: {name}", block.word));
            }
        }
    }
    assert!(missing.is_empty(), "docs/language.md does not say what these are:\n{}", missing.join("\n"));
}

/// From a heading to the next one of its level or above.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let Some(start) = text.find(heading) else { return "" };
    let body = &text[start + heading.len()..];
    let end = ["\n## ", "\n### "].iter().filter_map(|next| body.find(next)).min().unwrap_or(body.len());
    &body[..end]
}

fn names(block: &BlockRule) -> BTreeSet<&'static str> {
    let mut found: BTreeSet<&'static str> = block.attributes.iter().map(|attribute| attribute.name).collect();
    for nested in block.blocks {
        found.insert(nested.block.word);
        found.extend(names(nested.block));
    }
    found
}

#[test]
fn commands_and_options_are_those_of_the_program() {
    let command = Cli::command();
    let mut text = String::from("\nEvery command takes these, before or behind its name:\n\n");
    text.push_str(&options(&command));
    for sub in command.get_subcommands() {
        describe(sub, "vbs", &mut text);
    }
    generated("cli.md", "commands", &format!("{text}\n"));
}

fn describe(command: &clap::Command, before: &str, text: &mut String) {
    let name = format!("{before} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    text.push_str(&format!("\n### `{name}`\n\n{about}.\n"));
    let options = options(command);
    if !options.is_empty() {
        text.push_str(&format!("\n{options}"));
    }
    for sub in command.get_subcommands() {
        describe(sub, &name, text);
    }
}

/// A row for each argument of a command.
fn options(command: &clap::Command) -> String {
    let mut rows = String::new();
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let values: Vec<&str> =
            argument.get_value_names().unwrap_or_default().iter().map(clap::builder::Str::as_str).collect();
        let takes = argument.get_action().takes_values();
        let value = if takes { values.join(" ") } else { String::new() };
        let written = match (argument.get_short(), argument.get_long()) {
            (Some(short), Some(long)) => format!("-{short}, --{long} {value}"),
            (None, Some(long)) => format!("--{long} {value}"),
            (Some(short), None) => format!("-{short} {value}"),
            (None, None) => value,
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        rows.push_str(&format!("| `{}` | {} |\n", cell(written.trim()), cell(&help)));
    }
    if rows.is_empty() { rows } else { format!("| option | meaning |\n|---|---|\n{rows}") }
}

/// Every relative link of every page leads to a file, and to a heading of it where it names one.
#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let link = regex::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut pages = vec![root.join("README.md"), root.join("CHANGELOG.md"), root.join("CONTRIBUTING.md")];
    for directory in ["docs", "docs/providers"] {
        let entries = std::fs::read_dir(root.join(directory)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let mut broken = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            let leads = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let has_heading = || headings(&std::fs::read_to_string(&leads).unwrap()).contains(heading);
            if !leads.exists() || (!heading.is_empty() && !has_heading()) {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The headings of a page as links name them.
fn headings(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix('#'));
    let plain = |line: &str| -> String {
        let kept = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
    };
    lines.map(plain).collect()
}
