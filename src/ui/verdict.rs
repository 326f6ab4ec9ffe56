//! How a run ended, in words: the last thing that a user reads, and what to do next.

use std::fmt::Write;

use super::style::{Style, Tone};
use super::text::{as_sentence, count, harmless, wrap};
use crate::apply::{CommandFailure, Outcome};
use crate::plan::Totals;
use crate::plan::step::Title;

const COLUMNS: usize = 100;

/// What was run, for the first word of the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    Apply,
    Destroy,
    Recover,
    /// Restoring from the trash, or purging it.
    Trash,
    Import,
}

impl Run {
    fn word(self) -> &'static str {
        match self {
            Run::Apply => "Apply",
            Run::Destroy => "Destroy",
            Run::Recover => "Recovery",
            Run::Trash => "Trash run",
            Run::Import => "Import",
        }
    }
}

/// One sentence, without what follows from it. `interrupted`: a signal ended the run, nothing failed.
pub fn sentence(run: Run, outcome: &Outcome, totals: Totals, interrupted: bool) -> String {
    let word = run.word();
    let failed = match (run, interrupted) {
        (Run::Recover, _) => "Recovery complete.".to_owned(),
        (_, true) => format!("{word} interrupted."),
        (_, false) => format!("{word} failed."),
    };
    match outcome {
        Outcome::Applied => format!("{word} complete! {}", resources(run, totals)),
        Outcome::Reverted { kept } if kept.is_empty() => {
            format!("{failed} Everything was reverted; nothing has changed.")
        }
        Outcome::Reverted { .. } => format!("{failed} Everything was reverted but what is listed here."),
        Outcome::Halted { .. } => format!("{word} halted. What was done stays, and nothing was lost."),
        Outcome::Stuck { .. } => format!("{word} failed, and not everything could be reverted."),
        Outcome::Interrupted => format!("{word} stopped by a second signal. The journal is intact."),
    }
}

fn resources(run: Run, totals: Totals) -> String {
    let Totals { add, change, destroy, forget, adopt, layers } = totals;
    let layers = match layers {
        0 => String::new(),
        some => format!(", {} put right", count(some, "layer")),
    };
    let forgotten = if forget == 0 { String::new() } else { format!(", {forget} forgotten") };
    match run {
        Run::Destroy => format!("Resources: {destroy} destroyed{forgotten}{layers}."),
        Run::Import => format!("Resources: {adopt} adopted."),
        Run::Apply | Run::Recover | Run::Trash => {
            format!("Resources: {add} added, {change} changed, {destroy} destroyed{forgotten}{layers}.")
        }
    }
}

/// The sentence and everything that an operator needs after it.
pub fn render(run: Run, outcome: &Outcome, totals: Totals, interrupted: bool, style: Style) -> String {
    let tone = match outcome {
        Outcome::Applied => Tone::Add,
        Outcome::Reverted { .. } => Tone::Warning,
        Outcome::Halted { .. } | Outcome::Stuck { .. } | Outcome::Interrupted => Tone::Error,
    };
    let sentence = style.paint(tone, &sentence(run, outcome, totals, interrupted));
    let mut out = format!("\n{sentence}\n");
    match outcome {
        Outcome::Applied => {}
        Outcome::Reverted { kept } => kept_list(&mut out, kept),
        Outcome::Halted { done, remaining } => halted(&mut out, done, remaining),
        Outcome::Stuck { failures, commands } => stuck(&mut out, failures, commands),
        Outcome::Interrupted => {
            paragraph(
                &mut out,
                "Some of it is done and some is not. `vbs recover` finds out by looking, and closes the run.",
            );
        }
    }
    out
}

fn kept_list(out: &mut String, kept: &[String]) {
    if kept.is_empty() {
        return;
    }
    list(out, "Kept:", kept.iter().map(String::as_str));
    paragraph(out, "The state knows it. `vbs plan` shows how it differs from the configuration.");
}

fn halted(out: &mut String, done: &[Title], remaining: &[Title]) {
    let (done, remaining) = (texts(done), texts(remaining));
    list(out, "Done:", done.iter().map(String::as_str));
    list(out, "Remaining:", remaining.iter().map(String::as_str));
    paragraph(out, "Run `vbs apply` again once the cause is gone: it finishes what remains.");
}

fn texts(titles: &[Title]) -> Vec<String> {
    titles.iter().map(Title::to_string).collect()
}

fn stuck(out: &mut String, failures: &[CommandFailure], commands: &[String]) {
    for failure in failures {
        out.push('\n');
        out.push_str(&failure_block(failure));
    }
    if !commands.is_empty() {
        paragraph(
            out,
            "Left to be done by hand, in this order. Each line is the heart of what vbs would run; what stands behind a # \
             belongs to it:",
        );
        out.push('\n');
        for command in commands {
            literal(out, command);
        }
    }
    paragraph(
        out,
        "Run `vbs recover` once the cause is gone: it looks at what is there and tries again. After doing it by \
         hand, `vbs recover --accept ADDRESS` takes an object as it is found. Until then read-only \
         commands go on working.",
    );
}

fn list<'a>(out: &mut String, heading: &str, items: impl Iterator<Item = &'a str>) {
    let lines: String = items.map(|item| format!("  - {}\n", harmless(item))).collect();
    if !lines.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n{heading}\n{lines}");
    }
}

fn paragraph(out: &mut String, text: &str) {
    out.push('\n');
    for line in wrap(text, COLUMNS) {
        out.push_str(&line);
        out.push('\n');
    }
}

/// Indented by four and never wrapped, so that it can be copied.
fn literal(out: &mut String, text: &str) {
    for line in text.trim_end().split('\n') {
        let line = format!("    {}", harmless(line.trim_end_matches('\r')));
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Host, status, command, the end of standard error, and what vbs makes of it.
pub fn failure_block(failure: &CommandFailure) -> String {
    let status = failure.status.map_or_else(|| "none, no whole reply arrived".to_owned(), |s| s.to_string());
    // A condition that does not hold failed on no host, and has no reply.
    let mut out = match failure.host.as_str() {
        "" => String::new(),
        host => format!("  Host:   {}\n  Status: {status}\n", harmless(host)),
    };
    if !failure.command.is_empty() {
        out.push_str("  Command:\n");
        literal(&mut out, &failure.command);
    }
    if !failure.stderr.trim().is_empty() {
        out.push_str("  Standard error:\n");
        literal(&mut out, &failure.stderr);
    }
    if !failure.why.is_empty() {
        for line in wrap(&as_sentence(&failure.why), COLUMNS - 2) {
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::step::TitleVerb;

    const TOTALS: Totals = Totals { add: 2, change: 1, destroy: 0, forget: 0, adopt: 0, layers: 0 };

    fn plain(run: Run, outcome: &Outcome) -> String {
        render(run, outcome, TOTALS, false, Style::PLAIN)
    }

    fn title(verb: TitleVerb, object: &str) -> Title {
        Title { verb, object: object.to_owned(), detail: String::new() }
    }

    #[test]
    fn an_apply_that_happened_says_how_much() {
        let applied = plain(Run::Apply, &Outcome::Applied);
        assert_eq!(applied, "\nApply complete! Resources: 2 added, 1 changed, 0 destroyed.\n");
        assert_eq!(plain(Run::Destroy, &Outcome::Applied), "\nDestroy complete! Resources: 0 destroyed.\n");
    }

    #[test]
    fn a_reverted_apply_says_that_nothing_changed_unless_something_was_kept() {
        let reverted = Outcome::Reverted { kept: Vec::new() };
        let expected = "\nApply failed. Everything was reverted; nothing has changed.\n";
        assert_eq!(plain(Run::Apply, &reverted), expected);
        assert!(
            sentence(Run::Apply, &reverted, TOTALS, true).starts_with("Apply interrupted. Everything was")
        );
        assert!(plain(Run::Recover, &reverted).starts_with("\nRecovery complete. Everything was reverted;"));
        let kept =
            plain(Run::Recover, &Outcome::Reverted { kept: vec!["volume.db grew to 2 GiB".to_owned()] });
        assert!(kept.contains("\nKept:\n  - volume.db grew to 2 GiB\n"), "{kept}");
        assert!(!kept.contains("nothing has changed"));
    }

    #[test]
    fn a_halted_apply_lists_what_is_done_and_what_remains() {
        let halted = Outcome::Halted {
            done: vec![title(TitleVerb::Create, "volume a")],
            remaining: vec![title(TitleVerb::Purge, "volume b\u{1b}")],
        };
        let expected = "\nApply halted. What was done stays, and nothing was lost.\n\nDone:\n  - Create volume a\n\n\
                        Remaining:\n  - Purge volume b\\u{1b}\n\nRun `vbs apply` again once the cause is gone: it \
                        finishes what remains.\n";
        assert_eq!(plain(Run::Apply, &halted), expected);
    }

    #[test]
    fn a_condition_that_does_not_hold_failed_on_no_host() {
        let why = "a postcondition does not hold: too small".to_owned();
        let told = "A postcondition does not hold: too small.";
        let (host, command, stderr) = (String::new(), String::new(), String::new());
        let failure = CommandFailure { host, command, status: None, stderr, why };
        assert_eq!(failure_block(&failure), format!("  {told}\n"));
    }

    #[test]
    fn a_stuck_apply_shows_both_errors_and_the_commands_left() {
        let failure = |host: &str, status| CommandFailure {
            host: host.to_owned(),
            command: "mv a b\nsync".to_owned(),
            status,
            stderr: "mv: \u{1b}[31mno\n".to_owned(),
            why: "The name is taken.".to_owned(),
        };
        let stuck = Outcome::Stuck {
            failures: vec![failure("store1", Some(1)), failure("store2", None)],
            commands: vec!["rm -- /srv/x".to_owned()],
        };
        let text = plain(Run::Apply, &stuck);
        let block = "  Host:   store1\n  Status: 1\n  Command:\n    mv a b\n    sync\n  Standard error:\n    mv: \
                     \\u{1b}[31mno\n  The name is taken.\n";
        assert!(text.contains(block), "{text}");
        assert!(text.contains("Host:   store2\n  Status: none, no whole reply"), "{text}");
        assert!(
            text.contains("belongs to it:\n\n    rm -- /srv/x\n") && text.contains("`vbs recover`"),
            "{text}"
        );
    }
}
