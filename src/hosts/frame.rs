//! Frames as text: what is written to a shell, and how its answer is told from everything else that it prints.

use std::fmt::Write;

use uuid::Uuid;

use super::Fence;
use crate::model::command::{Effect, Frame, GuardDirectory, Query};
use crate::model::quote::quote;

/// Sent before the first frame of every shell.
pub const PRELUDE: &str = include_str!("prelude.sh");

/// One frame, ready to be written, and the word that ends its answer on both streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub text: String,
    pub nonce: String,
}

/// What runs in the frame's subshell. Faults rewrite it in debug builds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// Assignments, as shell text.
    pub variables: String,
    /// Take `$vbs_guard` before `act`, and keep its descriptor from it.
    pub guarded: bool,
    /// Just before the script, with the guard held.
    pub before: String,
    /// The script, as one quoted word.
    pub act: String,
    /// Just after the script, whose status is `$vbs_acted`, with the guard still held.
    pub after: String,
    /// Standard input without its last newline, as one quoted word. Empty where there is none.
    pub stdin: String,
}

impl Body {
    /// # Errors
    /// In words, where a value cannot be sent.
    pub fn of_query(query: &Query) -> Result<Body, String> {
        Ok(Body { variables: assignments(&query.variables)?, act: script(query.script)?, ..Body::default() })
    }

    /// # Errors
    /// In words, where a value cannot be sent or the frame contradicts itself.
    pub fn of_frame(frame: &Frame, fence: &Fence) -> Result<Body, String> {
        let mut variables = assignments(&frame.variables)?;
        match &frame.guard {
            Some(guard) => variables += &fence_variables(guard, fence)?,
            None if frame.effect == Effect::Reads => {}
            None => return Err("a command that changes something was given no guard".to_owned()),
        }
        Ok(Body {
            variables,
            guarded: frame.effect == Effect::Guarded,
            act: script(frame.script)?,
            stdin: document(&frame.stdin)?,
            ..Body::default()
        })
    }

    /// The whole frame. It is one compound command, so a shell that receives only a part of it runs nothing of it;
    /// the script is one quoted word for `eval`, so a syntax error ends the subshell and not the shell.
    pub fn message(&self) -> Message {
        let nonce = format!("vbs-{}", Uuid::new_v4().simple());
        let Body { variables, before, act, after, stdin, .. } = self;
        let mut text = "{\n".to_owned();
        if !stdin.is_empty() {
            let _ = writeln!(text, "vbs_stdin={stdin}");
        }
        let (enter, without) = if self.guarded { ("vbs_enter \"$vbs_guard\"\n", " 9>&-") } else { ("", "") };
        // The inner subshell is never the last command: a shell that does not fork for the last one would close its
        // own descriptor 9, and the guard with it.
        let _ = write!(
            text,
            "(\n{variables}set -eu\n{enter}{before}set +e\n(\nset -e\neval {act}\n){without}\n\
             vbs_acted=$?\n{after}exit $vbs_acted\n"
        );
        // The document is the value of a variable, quoted like every other: dash loses bytes of a quoted document
        // where a line begins like its delimiter. A value is not looked at again, so it can hold anything.
        let input = if stdin.is_empty() { "</dev/null" } else { "<<vbs_end\n$vbs_stdin\nvbs_end" };
        let _ = write!(
            text,
            ") {input}\nvbs_status=$? vbs_stdin=\nprintf '\\n%s %s\\n' {nonce} $vbs_status\nprintf '\\n%s\\n' {nonce} >&2\n}}\n"
        );
        Message { text, nonce }
    }
}

fn script(script: &str) -> Result<String, String> {
    quote(script).map_err(|_| "the script holds a NUL character".to_owned())
}

fn document(stdin: &str) -> Result<String, String> {
    if stdin.is_empty() {
        return Ok(String::new());
    }
    quote(stdin.strip_suffix('\n').unwrap_or(stdin))
        .map_err(|_| "what the command reads on standard input holds a NUL character".to_owned())
}

fn assignments(variables: &[(String, String)]) -> Result<String, String> {
    let mut text = String::new();
    for (name, value) in variables {
        if !is_variable(name) {
            return Err(format!("{name:?} cannot be the name of a script's variable"));
        }
        let value = quote(value).map_err(|_| format!("the value of {name} holds a NUL character"))?;
        let _ = writeln!(text, "{name}={value}");
    }
    Ok(text)
}

/// Lower-case words, none of them ours: nothing that a shell or the prelude gives a meaning to.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.starts_with("vbs_")
}

fn fence_variables(guard: &GuardDirectory, fence: &Fence) -> Result<String, String> {
    let quoted = |what: &str, value: &str| {
        quote(value).map_err(|_| format!("the {what} of a container's guard holds a NUL character"))
    };
    // One line, as it is read by `read`.
    let holder = fence.holder.replace(['\n', '\r'], " ");
    Ok(format!(
        "vbs_guard={} vbs_lineage={} vbs_epoch={} vbs_wait={} vbs_holder={}\n",
        quoted("path", &guard.0)?,
        fence.lineage,
        fence.epoch,
        fence.wait_seconds,
        quoted("holder", &holder)?,
    ))
}
