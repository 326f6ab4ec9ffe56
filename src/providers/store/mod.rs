//! What the file pool and the directory hypervisor share: both are a directory with a `.vbs` of ours in it, where the
//! identity, the guard, the epochs and the marks lie.

pub mod listing;
pub mod steps;
#[cfg(test)]
pub mod testing;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::command::{GuardDirectory, Query, Verb};
use crate::model::{ContainerSpec, Health, Mark, Setting};
use crate::providers::Scope;

pub use listing::Listing;

/// Marks and identities are written in this format; a newer one is not guessed at.
pub const FORMAT: u32 = 1;

pub fn guard(container: &ContainerSpec) -> GuardDirectory {
    GuardDirectory(format!("{}/.vbs", container.text("path")))
}

/// The directory.
pub fn occupies(container: &ContainerSpec) -> (&'static str, String) {
    ("path", container.text("path").to_owned())
}

/// What is wrong with the directory's name.
pub fn check(container: &ContainerSpec) -> Diagnostics {
    let path = container.text("path");
    let wrong = if !path.starts_with('/') {
        "it is not absolute"
    } else if path.chars().any(char::is_control) {
        "it holds a control character, which no list of directories could show"
    } else if path == "/" || path.ends_with('/') || path.contains("//") {
        "it is the root directory, or holds an empty name"
    } else if path.split('/').any(|part| matches!(part, "." | ".." | ".vbs")) {
        "it holds . or .. or .vbs, so two texts could mean one directory"
    } else {
        return Diagnostics::new();
    };
    Diagnostic::error(
        "Unusable path",
        format!(
            "{} cannot be the directory {path:?}: {wrong}. Write the whole path, like /srv/images.",
            container.address
        ),
    )
    .into()
}

pub fn survey(scope: &Scope<'_>, verb: &Verb) -> Vec<Query> {
    vec![Query {
        script: verb.script,
        variables: vec![
            ("path".to_owned(), scope.container.text("path").to_owned()),
            ("lineage".to_owned(), scope.lineage.to_string()),
        ],
    }]
}

/// The `path` and `create` of both blocks.
pub fn attributes(path_doc: &'static str) -> Vec<crate::model::schema::Attribute> {
    use crate::model::schema::{Attribute, AttributeType};
    vec![
        Attribute { name: "path", kind: AttributeType::Path, required: true, default: None, doc: path_doc },
        Attribute {
            name: "create",
            kind: AttributeType::Bool,
            required: false,
            default: Some(Setting::Bool(false)),
            doc: "Whether a missing directory is made. Without it a missing one is an error: it may be an unmounted disk.",
        },
    ]
}

/// Why a file name of ours cannot be `name`, if it cannot. Quotation marks and backslashes would have to be escaped in
/// marks, which scripts read without a parser.
///
/// # Errors
/// In a sentence for people.
pub fn check_file_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > 200 {
        return Err(format!("{name:?} is empty or longer than 200 bytes, and becomes the name of a file."));
    }
    if name.starts_with(['-', '.']) {
        return Err(format!("{name:?} begins with a dash or a dot, which tools take for an option or hide."));
    }
    match name.chars().find(|c| matches!(c, '/' | '"' | '\\') || c.is_control()) {
        Some(c) => Err(format!("{name:?} holds {c:?}, which the name of a file cannot or should not hold.")),
        None => Ok(()),
    }
}

/// What is known of an object whose mark cannot be read, or was not yet written: lineage and id stand in file names.
pub fn bare_mark(lineage: uuid::Uuid, id: uuid::Uuid) -> Mark {
    Mark { lineage, id, workspace: String::new(), address: String::new() }
}

pub fn replaced(found: impl Into<String>) -> Health {
    Health::Replaced { found: found.into() }
}
