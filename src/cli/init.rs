//! `vbs init`: a first configuration that works. Nothing is ever overwritten.
#![expect(clippy::disallowed_methods, reason = "writes the files that it was asked for")]

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::context::Context;
use crate::diag::Diagnostic;
use crate::exit::{Exit, Failure};
use crate::ui::print;

const MAIN: &str = "main.vbs.hcl";
const IGNORE: &str = ".gitignore";

/// The state and its key stay where they are; plans are private too.
const IGNORED: [&str; 2] = [".vbs/", "*.vbsplan"];

pub fn init(context: &mut Context) -> Result<Exit, Failure> {
    let present = configurations(&context.root)?;
    if !present.is_empty() {
        let detail = format!(
            "{} already holds {}, which was left as it is. A second configuration beside it would be read as a part of \
             it. Choose another directory with -C, or go on with what is there: `vbs plan`.",
            context.root.display(),
            present.join(", ")
        );
        return Err(Diagnostic::error("There is a configuration already", detail).into());
    }
    create(&context.root.join(MAIN), &configuration(&name_for(&context.root)))?;
    print::tell(&format!("Wrote {MAIN}\n"));
    ignore(&context.root)?;
    print::tell("\nRead it, then run `vbs plan` to see what it would make, and `vbs apply` to make it.\n");
    Ok(Exit::Success)
}

fn configurations(root: &Path) -> Result<Vec<String>, Diagnostic> {
    let unreadable = |error: io::Error| {
        Diagnostic::error("Cannot read the workspace", format!("{}: {error}.", root.display()))
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".vbs.hcl") {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

/// A missing `.gitignore` is written; one that is there belongs to somebody, who is told what it lacks.
fn ignore(root: &Path) -> Result<(), Diagnostic> {
    let path = root.join(IGNORE);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(
                &path,
                &format!(
                    "# What vbs keeps to itself: the state, its key, saved plans.\n{}\n",
                    IGNORED.join("\n")
                ),
            )?;
            print::tell(&format!("Wrote {IGNORE}\n"));
        }
        found => {
            let text = found.unwrap_or_default();
            let lacks: Vec<&str> =
                IGNORED.into_iter().filter(|line| !text.lines().any(|there| there.trim() == *line)).collect();
            let advice = match lacks.as_slice() {
                [] => String::new(),
                lines => format!("; add to it: {}", lines.join(" ")),
            };
            print::tell(&format!("Kept {IGNORE} as it is{advice}\n"));
        }
    }
    Ok(())
}

/// Writes a new file whole, or leaves none.
fn create(path: &Path, content: &str) -> Result<(), Diagnostic> {
    let cannot = |error: io::Error| {
        Diagnostic::error(
            "Cannot write a file",
            format!("{}: {error}. Nothing that was there was changed.", path.display()),
        )
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(cannot)?;
    file.write_all(content.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // It is ours and not whole; the first error is the one to report.
        let _ = fs::remove_file(path);
        cannot(error)
    })
}

/// The directory's name as far as a workspace's name may hold it.
fn name_for(root: &Path) -> String {
    let directory = root.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let fitting: String = directory
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' })
        .take(63)
        .collect();
    let name = fitting.trim_matches(['-', '_']);
    if name.is_empty() { "workspace".to_owned() } else { name.to_owned() }
}

fn configuration(name: &str) -> String {
    include_str!("init.vbs.hcl").replace("NAME", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directory_gives_a_name_that_a_workspace_may_have() {
        for (directory, name) in [
            ("/srv/shop", "shop"),
            ("/srv/My Shop!", "my-shop"),
            ("/srv/_x", "x"),
            ("/", "workspace"),
            ("/srv/漢字", "workspace"),
        ] {
            assert_eq!(name_for(Path::new(directory)), name);
        }
    }
}
