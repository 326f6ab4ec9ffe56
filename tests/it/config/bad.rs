//! Wrong configurations, each with the exact text that its author gets to see. `VBS_BLESS=1` writes the texts anew.

use std::fs;
use std::path::{Path, PathBuf};

use super::Numbered;
use vbs::config::declare::declare;
use vbs::config::inputs::Inputs;
use vbs::config::resolve::resolve;
use vbs::diag::{Diagnostics, SourceMap};
use vbs::providers::CATALOG;
use vbs::ui::diagnostics::render;
use vbs::ui::style::Style;

fn names_ending(directory: &Path, end: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect();
    found.sort();
    found
}

/// Everything that `vbs validate` would find.
fn check(directory: &Path) -> (Diagnostics, SourceMap) {
    let mut sources = SourceMap::default();
    let mut add = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        sources.add(name, fs::read_to_string(path).unwrap())
    };
    let files: Vec<_> = names_ending(directory, ".vbs.hcl").iter().map(&mut add).collect();
    let variables: Vec<_> = names_ending(directory, ".vars.hcl").iter().map(&mut add).collect();
    let schemas = CATALOG.schemas();
    let (declared, mut diagnostics) = declare(&sources, &files, &schemas);
    let mut inputs = Inputs::new("/srv/shop", "shop");
    for file in variables {
        diagnostics.extend(inputs.file(&sources, file));
    }
    let mut identities = Numbered::default();
    let (_, problems) = resolve(&declared, &sources, &schemas, &inputs, &mut identities);
    diagnostics.extend(problems);
    diagnostics.sort();
    (diagnostics, sources)
}

#[test]
fn every_wrong_configuration_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_config");
    let bless = std::env::var_os("VBS_BLESS").is_some();
    let (mut cases, mut wrong) = (0, Vec::new());
    for directory in names_ending(&root, "").into_iter().filter(|path| path.is_dir()) {
        cases += 1;
        let (diagnostics, sources) = check(&directory);
        let found = render(&diagnostics, &sources, Style::PLAIN);
        let name = directory.file_name().unwrap().to_string_lossy().into_owned();
        if !diagnostics.has_errors() {
            wrong.push(format!("{name}: nothing was found wrong"));
        }
        let expected = directory.join("expected.txt");
        if bless {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{name}: other text than expected:\n{found}"));
        }
    }
    assert!(cases >= 60, "only {cases} cases were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file cut short anywhere, as by a full disk, is read to its end without a panic.
#[test]
fn what_is_cut_short_is_survived() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_config");
    let schemas = CATALOG.schemas();
    for directory in names_ending(&root, "").into_iter().filter(|path| path.is_dir()) {
        let text = fs::read_to_string(directory.join("main.vbs.hcl")).unwrap();
        for cut in (1..24).map(|part| text.floor_char_boundary(text.len() * part / 24)) {
            let mut sources = SourceMap::default();
            let file = sources.add("main.vbs.hcl", &text[..cut]);
            let (declared, _) = declare(&sources, &[file], &schemas);
            let inputs = Inputs::new("/srv/shop", "shop");
            resolve(&declared, &sources, &schemas, &inputs, &mut Numbered::default());
        }
    }
}
