//! From a directory to a configuration: which files, which name, which state.

use std::path::{Path, PathBuf};

use super::context::Context;
use crate::config::declare::{Declared, declare};
use crate::diag::{Diagnostic, Diagnostics, FileId};
use crate::exit::Failure;
use crate::model::schema::ProviderSchema;
use crate::providers::CATALOG;

/// A workspace whose structure was read; nothing is evaluated yet.
pub struct Workspace {
    pub declared: Declared,
    pub schemas: Vec<ProviderSchema>,
    pub name: String,
    pub state_path: PathBuf,
    pub warnings: Diagnostics,
}

impl Workspace {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Every problem of its structure at once; no configuration at all.
    pub fn load(context: &mut Context) -> Result<Self, Failure> {
        let paths = configuration_files(context)?;
        let mut problems = Diagnostics::new();
        let mut files: Vec<FileId> = Vec::new();
        for path in &paths {
            match context.add_source(path) {
                Ok(file) => files.push(file),
                Err(failure) => problems.extend(failure.diagnostics),
            }
        }
        let schemas = CATALOG.schemas();
        let (declared, mut found) = declare(&context.sources, &files, &schemas);
        found.extend(problems);
        if found.has_errors() {
            found.sort();
            return Err(found.into());
        }
        let settings = declared.settings();
        let name = settings.name.clone().unwrap_or_else(|| default_name(context, &paths));
        let state_path = match (&context.state, &settings.state_path) {
            (Some(path), _) => context.root.join(path),
            (None, Some(path)) => context.root.join(path),
            (None, None) => context.root.join(default_state(context, &paths)),
        };
        Ok(Workspace { declared, schemas, name, state_path, warnings: found })
    }
}

/// The files of the run, in name order.
#[expect(clippy::disallowed_methods, reason = "the command line looks for the configuration")]
fn configuration_files(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    if !context.files.is_empty() {
        return Ok(context.files.iter().map(|file| context.root.join(file)).collect());
    }
    let unreadable = |error: std::io::Error| {
        Diagnostic::error("Cannot read the workspace", format!("{}: {error}.", context.root.display()))
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&context.root).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".vbs.hcl")) {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(no_configuration(&context.root).into());
    }
    Ok(found)
}

fn no_configuration(root: &Path) -> Diagnostic {
    Diagnostic::error(
        "No configuration",
        format!(
            "{} holds no file whose name ends in .vbs.hcl, so there is nothing to compare with. `vbs init` writes a \
             first one; -C names another directory, -f single files.",
            root.display()
        ),
    )
}

/// `shop` of `shop.vbs.hcl` where files are named, else the directory's name.
fn default_name(context: &Context, paths: &[PathBuf]) -> String {
    let named = if context.files.is_empty() { None } else { paths.first().map(|path| stem(path)) };
    named
        .or_else(|| context.root.file_name().map(|name| name.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "vbs".to_owned())
}

fn default_state(context: &Context, paths: &[PathBuf]) -> PathBuf {
    let stem = match paths.first() {
        Some(path) if !context.files.is_empty() => stem(path),
        _ => "state".to_owned(),
    };
    PathBuf::from(".vbs").join(format!("{stem}.db"))
}

fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.trim_end_matches(".vbs.hcl").to_owned()
}
