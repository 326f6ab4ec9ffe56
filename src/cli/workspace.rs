//! From a directory to a configuration: which files, which name, which state.

use std::path::{Path, PathBuf};

use super::context::Context;
use crate::config::declare::{Declared, declare};
use crate::diag::{Diagnostic, Diagnostics, FileId};
use crate::exit::Failure;
use crate::model::schema::ProviderSchema;
use crate::plan::moves::Move;
use crate::providers::CATALOG;
use crate::state::{Access, Lock, Store};

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
        let schemas = CATALOG.schemas();
        let (declared, warnings) = read(context, &paths, &schemas);
        if warnings.has_errors() {
            return Err(warnings.into());
        }
        let name = declared.settings().name.clone().unwrap_or_else(|| default_name(context, &paths));
        let state_path = state_path(context, &paths, &declared);
        Ok(Workspace { declared, schemas, name, state_path, warnings })
    }

    /// Every `moved` block.
    pub fn moves(&self) -> Vec<Move> {
        let moves = self.declared.moves().iter();
        moves
            .map(|wanted| Move { from: wanted.from.clone(), to: wanted.to.clone(), span: Some(wanted.span) })
            .collect()
    }

    /// For what needs the state and no more.
    pub fn located(&self) -> Located {
        Located {
            name: Some(self.name.clone()),
            state_path: self.state_path.clone(),
            problems: Diagnostics::new(),
            declared: None,
            retention: self.declared.settings().trash_retention_seconds,
        }
    }
}

/// Which state the commands mean that need nothing else of the configuration. A broken configuration must not stand
/// between an operator and the state.
pub struct Located {
    /// Nothing where the configuration has errors and does not say.
    pub name: Option<String>,
    pub state_path: PathBuf,
    pub problems: Diagnostics,
    /// As much as could be read, where it was read for this.
    pub declared: Option<Declared>,
    retention: u64,
}

impl Located {
    /// Reads as much of the configuration as can be read.
    pub fn find(context: &mut Context) -> Self {
        let (paths, missing) = match configuration_files(context) {
            Ok(paths) => (paths, Diagnostics::new()),
            Err(failure) => (Vec::new(), failure.diagnostics),
        };
        let (declared, mut problems) = read(context, &paths, &CATALOG.schemas());
        problems.extend(missing);
        let written = declared.settings().name.clone();
        let name = if problems.has_errors() {
            written
        } else {
            written.or_else(|| Some(default_name(context, &paths)))
        };
        Located {
            name,
            state_path: state_path(context, &paths, &declared),
            problems,
            retention: declared.settings().trash_retention_seconds,
            declared: Some(declared),
        }
    }

    /// How many seconds the trash is kept, where the configuration can be trusted to say.
    pub fn retention(&self) -> Option<u64> {
        (!self.problems.has_errors()).then_some(self.retention)
    }

    /// Takes the lock and opens the state for writing.
    ///
    /// # Errors
    /// Where somebody else works on the workspace, there is no state, or it cannot be used.
    pub fn hold(&self, context: &Context) -> Result<(Lock, Store), Failure> {
        let lock = Lock::acquire(&self.state_path, &super::holder(context), context.lock_timeout)?;
        match self.open(context, Access::Write)? {
            Some(store) => Ok((lock, store)),
            None => Err(no_state(&self.state_path).into()),
        }
    }

    /// Opens the state; nothing where there is none yet.
    ///
    /// # Errors
    /// As [`Store::open`]; the problems of the configuration where they may be the reason that no state is found.
    pub fn open(&self, context: &Context, access: Access) -> Result<Option<Store>, Failure> {
        let store = match &self.name {
            Some(name) => Store::open(&self.state_path, name, access)?,
            None => Store::open_any(&self.state_path, access)?,
        };
        match store {
            None if self.problems.has_errors() => Err(self.problems.clone().into()),
            Some(_) if self.problems.has_errors() => {
                super::show(&passed_over(&self.state_path).into(), &context.sources, context.style);
                Ok(store)
            }
            found => Ok(found),
        }
    }
}

fn no_state(path: &Path) -> Diagnostic {
    let detail = format!(
        "{} does not exist, so there is nothing to change. The first `vbs apply` makes it; `vbs state rebuild` writes a \
         lost one anew from what is on the hosts.",
        path.display()
    );
    Diagnostic::error("There is no state", detail)
}

fn passed_over(state: &Path) -> Diagnostic {
    let detail = format!(
        "`vbs validate` shows them. They do not matter for this, unless the configuration names another state: {} was \
         used.",
        state.display()
    );
    Diagnostic::warning("The configuration has errors", detail)
}

/// Reads the structure of every file, with all problems of them in order.
fn read(context: &mut Context, paths: &[PathBuf], schemas: &[ProviderSchema]) -> (Declared, Diagnostics) {
    let mut problems = Diagnostics::new();
    let mut files: Vec<FileId> = Vec::new();
    for path in paths {
        match context.add_source(path) {
            Ok(file) => files.push(file),
            Err(failure) => problems.extend(failure.diagnostics),
        }
    }
    let (declared, mut found) = declare(&context.sources, &files, schemas);
    found.extend(problems);
    found.sort();
    (declared, found)
}

fn state_path(context: &Context, paths: &[PathBuf], declared: &Declared) -> PathBuf {
    match (&context.state, &declared.settings().state_path) {
        (Some(path), _) => context.root.join(path),
        (None, Some(path)) => context.root.join(path),
        (None, None) => context.root.join(default_state(context, paths)),
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
            // A pipe or a device is read only where it was named: reading it may never end.
            if !std::fs::metadata(&path).map_err(unreadable)?.is_file() {
                let detail =
                    format!("{} is no regular file. Move it away, or name it with -f.", context.shown(&path));
                return Err(Diagnostic::error("Cannot read a file", detail).into());
            }
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
