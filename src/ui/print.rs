//! Where text leaves the process: data to standard output, everything else to standard error, questions to both ends
//! of a terminal.

use std::io::{self, BufRead, BufWriter, ErrorKind, IsTerminal, Write};

use rustix::termios::tcgetwinsize;

use crate::diag::Diagnostic;

/// Columns and rows of a terminal that does not say.
const USUAL_TERMINAL: Window = Window { columns: 80, rows: 24 };

/// How large a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub columns: usize,
    pub rows: usize,
}

/// Writes data to standard output. A reader that left early (`vbs plan | head`) is a quiet end.
///
/// # Errors
/// Where the output could not be written whole, such as a file on a full disk.
pub fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Diagnostic> {
    buffered(io::stdout().lock(), write)
}

/// [`to_stdout`] for a text that is there already.
///
/// # Errors
/// As [`to_stdout`].
pub fn data(text: &str) -> Result<(), Diagnostic> {
    to_stdout(|out| out.write_all(text.as_bytes()))
}

/// Tells something to whoever watches. If nobody can be told, the work goes on all the same.
pub fn tell(text: &str) {
    let mut out = io::stderr().lock();
    // Nowhere is left to say that standard error is gone, and losing a line must never stop a run.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn buffered(
    target: impl Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Diagnostic> {
    let mut out = BufWriter::new(target);
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) => {
            // What is still buffered would fail again when dropped.
            let _ = out.into_parts();
            if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(cannot_write(&error)) }
        }
    }
}

fn cannot_write(error: &io::Error) -> Diagnostic {
    Diagnostic::error(
        "Cannot write to standard output",
        format!("{error}. What was written is not whole; do not use it. Nothing else was changed by this."),
    )
}

/// Whether standard error is a terminal, where a live view makes sense.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether standard output is a terminal, where colour makes sense.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The size of the terminal on standard error, as it is now.
pub fn window() -> Window {
    match tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Window { columns: usize::from(size.ws_col), rows: usize::from(size.ws_row) }
        }
        Ok(_) | Err(_) => USUAL_TERMINAL,
    }
}

/// Asks a question; only the word `yes` approves.
///
/// # Errors
/// Where standard input is not a terminal: nobody is there to approve anything.
pub fn confirm(question: &str) -> Result<bool, Diagnostic> {
    let stdin = io::stdin();
    let is_terminal = stdin.is_terminal();
    confirm_on(question, is_terminal, &mut stdin.lock(), &mut io::stderr().lock())
}

fn confirm_on(
    question: &str,
    is_terminal: bool,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<bool, Diagnostic> {
    if !is_terminal {
        return Err(Diagnostic::error(
            "Nobody can be asked",
            "This needs an approval, but standard input is not a terminal. Nothing was changed. Review what \
             is shown above, and run again with --auto-approve.",
        ));
    }
    let prompt = format!("{question}\n  Only \"yes\" will be accepted to approve.\n\n  Enter a value: ");
    Ok(read_answer(&prompt, input, output)?.is_some_and(|answer| answer == "yes"))
}

/// Asks for a value on the terminal, such as that of a variable that has none. Nothing where standard input is no
/// terminal, or was closed.
///
/// # Errors
/// Where the terminal cannot be read.
pub fn ask(question: &str) -> Result<Option<String>, Diagnostic> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(None);
    }
    read_answer(&format!("{question}: "), &mut stdin.lock(), &mut io::stderr().lock())
}

fn read_answer(
    prompt: &str,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<Option<String>, Diagnostic> {
    let mut answer = String::new();
    let read = output
        .write_all(prompt.as_bytes())
        .and_then(|()| output.flush())
        .and_then(|()| input.read_line(&mut answer));
    match read {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(answer.trim().to_owned())),
        Err(error) => Err(Diagnostic::error(
            "Cannot ask on the terminal",
            format!(
                "{error}. Nothing was changed. Run again with --auto-approve, or give the value as a flag."
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> bool {
        let mut output = Vec::new();
        let approved = confirm_on("Apply?", true, &mut text.as_bytes(), &mut output).unwrap();
        assert!(String::from_utf8(output).unwrap().starts_with("Apply?\n"));
        approved
    }

    #[test]
    fn only_yes_approves() {
        assert!(answer("yes\n") && answer("  yes \r\n") && answer("yes"));
        assert!(
            !answer("y\n") && !answer("YES\n") && !answer("yes please\n") && !answer("\n") && !answer("")
        );
    }

    #[test]
    fn without_a_terminal_nobody_is_asked() {
        let refused = confirm_on("Apply?", false, &mut "yes\n".as_bytes(), &mut Vec::new()).unwrap_err();
        assert!(refused.detail.contains("--auto-approve"));
    }

    /// Fails every write in one way.
    struct Failing(ErrorKind);
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_a_quiet_end_and_a_full_disk_is_not() {
        let large = "x".repeat(100_000);
        let write = |kind| buffered(Failing(kind), |out| out.write_all(large.as_bytes()));
        assert_eq!(write(ErrorKind::BrokenPipe), Ok(()));
        assert_eq!(write(ErrorKind::StorageFull).unwrap_err().summary, "Cannot write to standard output");
    }
}
