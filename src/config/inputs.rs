//! Values for variables, from outside of the configuration.

use std::collections::BTreeMap;

use hcl::edit::Span as _;
use hcl::edit::expr::Expression;
use hcl::edit::structure::Structure;

use super::declare::{Declared, Written};
use super::parse::parse;
use crate::diag::{Diagnostic, Diagnostics, FileId, SourceMap, Span, did_you_mean};

/// The summary of the one problem of a file of variables that is no problem of syntax.
const BLOCK: &str = "Block in a file of variables";

/// A value as it was given, not yet of any type.
#[derive(Debug, Clone)]
pub enum Input {
    /// Text from a command line, the environment or a prompt: the whole of a source file. It is the value itself
    /// where the variable is a string, else an expression.
    Text(FileId),
    /// From a file of variables.
    Expression(Written),
}

#[derive(Debug, Clone)]
struct Given {
    input: Input,
    /// Whether a variable of this name must exist. The environment may hold values for other workspaces.
    must_exist: bool,
}

/// What a run is given besides its configuration.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    values: BTreeMap<String, Given>,
    /// Whether parts of a file of variables could not be read.
    pub(super) has_syntax_errors: bool,
    /// Absolute; relative paths of settings are relative to it.
    pub workspace_directory: String,
    /// Where the `vbs` block gives no name.
    pub workspace_name: String,
}

/// A variable without a value and without a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingVariable {
    pub name: String,
    pub description: Option<String>,
    pub sensitive: bool,
}

impl Inputs {
    pub fn new(workspace_directory: impl Into<String>, workspace_name: impl Into<String>) -> Self {
        Inputs {
            values: BTreeMap::new(),
            has_syntax_errors: false,
            workspace_directory: workspace_directory.into(),
            workspace_name: workspace_name.into(),
        }
    }

    /// Gives a variable a text, over whatever was given before. `place` names the source in messages, as in
    /// `--var size` or `VBS_VAR_size`.
    pub fn text(&mut self, sources: &mut SourceMap, name: &str, text: &str, place: &str, must_exist: bool) {
        let file = sources.add(place, text);
        self.values.insert(name.to_owned(), Given { input: Input::Text(file), must_exist });
    }

    /// Takes over every value of a file of variables, over whatever was given before.
    pub fn file(&mut self, sources: &SourceMap, file: FileId) -> Diagnostics {
        let (values, diagnostics) = parse_variable_file(sources, file);
        self.has_syntax_errors |= diagnostics.iter().any(|problem| problem.summary != BLOCK);
        for (name, written) in values {
            self.values.insert(name, Given { input: Input::Expression(written), must_exist: true });
        }
        diagnostics
    }

    /// The variables that have neither a value nor a default, to be asked for.
    pub fn missing(&self, declared: &Declared) -> Vec<MissingVariable> {
        let without = declared.variables.iter().filter(|(name, variable)| {
            variable.default.is_none() && !self.values.contains_key(name.as_str())
        });
        let missing = without.map(|(name, variable)| MissingVariable {
            name: name.clone(),
            description: variable.description.clone(),
            sensitive: variable.sensitive,
        });
        missing.collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Input> {
        self.values.get(name).map(|given| &given.input)
    }

    /// Values for variables that do not exist.
    pub(super) fn unknown(&self, declared: &Declared, sources: &SourceMap) -> Diagnostics {
        let known = || declared.variables.keys().map(String::as_str);
        let strangers = self
            .values
            .iter()
            .filter(|(name, given)| given.must_exist && !declared.variables.contains_key(name.as_str()));
        let problems = strangers.map(|(name, given)| {
            let hint = match did_you_mean(name, known()) {
                Some(near) => format!("Did you mean {near}?"),
                None => format!("Declare it with `variable {name:?} {{}}`, or remove the value."),
            };
            let problem = |detail: String| Diagnostic::error("Value for an unknown variable", detail);
            match &given.input {
                // The text may be a secret, so it is not shown.
                Input::Text(file) => {
                    let place = &sources.file(*file).name;
                    problem(format!("{place}: the configuration has no variable {name:?}. {hint}"))
                }
                Input::Expression(written) => {
                    problem(hint).at(written.name, format!("the configuration has no variable {name:?}"))
                }
            }
        });
        problems.collect()
    }
}

/// Reads a file of variables: constants, `name = value`.
pub fn parse_variable_file(sources: &SourceMap, file: FileId) -> (BTreeMap<String, Written>, Diagnostics) {
    let (body, mut diagnostics) = parse(sources, file);
    let mut values: BTreeMap<String, Written> = BTreeMap::new();
    let span = |range: Option<std::ops::Range<usize>>| Span::new(file, range.unwrap_or_default());
    for structure in body {
        let attribute = match structure {
            Structure::Attribute(attribute) => attribute,
            Structure::Block(block) => {
                diagnostics.push(
                    Diagnostic::error(
                        BLOCK,
                        "A file of variables holds `name = value` and no blocks. Blocks stand in *.vbs.hcl files.",
                    )
                    .at(span(block.ident.span()), "no block can stand here"),
                );
                continue;
            }
        };
        let name = attribute.key.as_str().to_owned();
        let written = Written {
            name: span(attribute.key.span()),
            span: span(attribute.value.span()),
            file,
            expression: attribute.value,
        };
        values.insert(name, written);
    }
    (values, diagnostics)
}

/// The text of an input that is the value itself.
pub(super) fn text_of(sources: &SourceMap, file: FileId) -> (String, Span) {
    let text = sources.file(file).text.clone();
    let span = Span::new(file, 0..text.len());
    (text, span)
}

/// The expression of an input, and where it stands.
pub(super) fn whole(sources: &SourceMap, file: FileId, expression: Expression) -> Written {
    let span = Span::new(file, 0..sources.file(file).text.len());
    Written { expression, file, name: span, span }
}
