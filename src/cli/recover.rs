//! `vbs recover`: closes a run that was interrupted, by finding out what is there.

use std::collections::BTreeSet;

use super::args::{self, RecoverArgs};
use super::context::Context;
use super::execute::{Begin, Job, execute, run_options};
use super::reach::{self, Specs};
use super::workspace::Located;
use crate::apply::{Outcome, Prospect, prospect};
use crate::diag::{Diagnostic, Diagnostics, one_of};
use crate::exit::{Exit, Failure};
use crate::model::Address;
use crate::plan::step::Title;
use crate::state::{OpenRun, Store};
use crate::ui::print;
use crate::ui::verdict::Run;

pub fn recover(context: &mut Context, args: &RecoverArgs) -> Result<Exit, Failure> {
    let located = Located::find(context);
    if !located.state_path.exists() && located.problems.has_errors() {
        return Err(located.problems.into());
    }
    if !located.state_path.exists() {
        print::tell("Nothing to recover: there is no state yet.\n");
        return Ok(Exit::Success);
    }
    let (_lock, mut store) = located.hold(context)?;
    // All of the state is read first: what cannot be understood must not pass for "nothing to recover".
    store.snapshot()?;
    let Some(open) = store.open_run()? else {
        print::tell("Nothing to recover: no run was interrupted.\n");
        return Ok(Exit::Success);
    };
    refuse_strangers(&open, &args.accept)?;
    let prospect = prospect(&open, args.resume);
    print::tell(&describe(&open, &prospect));
    if !args.auto_approve && !print::confirm("\nShould vbs do this?")? {
        return Err(Diagnostic::error(
            "Cancelled",
            "It was not approved. Nothing was changed; the run is still open.",
        )
        .into());
    }
    let declared = reach::declared(context, &located);
    let outcome = close(context, &mut store, &open, args, &declared)?;
    let waiting = store.snapshot()?.trash.values().filter(|entry| entry.purge).count();
    if waiting > 0 {
        print::tell(&format!(
            "\nThe run had come to the point where the trash is emptied: {waiting} in it are still to go for good. \
             `vbs apply` or `vbs destroy --purge` does that next, `vbs trash purge` at once.\n"
        ));
    }
    Ok(match outcome {
        Outcome::Reverted { .. } => Exit::Success,
        other => other.exit(),
    })
}

fn close(
    context: &Context,
    store: &mut Store,
    open: &OpenRun,
    args: &RecoverArgs,
    declared: &Specs,
) -> Result<Outcome, Failure> {
    let recorded = store.snapshot()?;
    let others =
        recorded.containers.iter().filter(|(address, _)| !open.plan.containers.contains_key(address));
    let key = super::state_key(context, store.path())?;
    let job = Job {
        key: key.as_ref(),
        plan: &open.plan,
        run: Run::Recover,
        options: run_options(context, &args::RunOptions::default()),
        others: others.map(|(_, record)| record.spec.clone()).collect(),
        hosts: reach::known([&open.plan.hosts, &recorded.hosts, declared]),
        json: false,
        conclude: &|_| (Diagnostics::new(), None),
    };
    execute(context, store, &job, Begin::Recover { open, resume: args.resume, accepted: &args.accept })
}

fn describe(open: &OpenRun, prospect: &Prospect) -> String {
    let mut text = format!("Run {} of {} was interrupted.\n", open.id, open.holder);
    if !open.note.is_empty() {
        text.push_str(&format!("It is stuck: {}\n", open.note));
    }
    list(&mut text, "Done, or answered before the interruption:", &prospect.done);
    list(&mut text, "May or may not have happened; vbs looks:", &prospect.doubtful);
    let heading = if prospect.forward { "Never sent, and to be done now:" } else { "Never sent:" };
    list(&mut text, heading, &prospect.never_sent);
    text.push_str(match (prospect.forward, &prospect.irreversible) {
        (true, Some(_)) => "\nvbs will look at what is there. Something that cannot be taken back has been sent:\n",
        (true, None) => "\nvbs will look at what is there and finish the run, as asked with --resume.\n",
        (false, _) if prospect.reverting => {
            "\nTaking it back had begun. vbs will look at what is there and go on with that, so that everything is as it \
             was before the run.\n"
        }
        (false, _) => {
            "\nvbs will look at what is there and take back what was done, so that everything is as it was before the \
             run. (`vbs recover --resume` finishes it instead.)\n"
        }
    });
    if prospect.reverting && prospect.resume {
        text.push_str(
            "--resume cannot finish it any more: what was taken back already would be missing. Once it is closed, `vbs \
             apply` makes what is wanted.\n",
        );
    }
    if let Some(title) = prospect.irreversible.as_ref().filter(|_| prospect.forward) {
        text.push_str(&format!(
            "  - {title}\nIf it happened, vbs finishes the run, because going back is not possible any more; if it did \
             not, vbs takes back everything{}.\n",
            if prospect.resume { ", unless --resume is given, as it is: then it finishes" } else { "" }
        ));
    }
    text
}

fn list(text: &mut String, heading: &str, titles: &[Title]) {
    const SHOWN: usize = 20;
    if titles.is_empty() {
        return;
    }
    text.push_str(&format!("\n{heading}\n"));
    for title in titles.iter().take(SHOWN) {
        text.push_str(&format!("  - {title}\n"));
    }
    if titles.len() > SHOWN {
        text.push_str(&format!("  - and {} more\n", titles.len() - SHOWN));
    }
}

/// A typing mistake must not leave something behind that nobody asked to keep.
fn refuse_strangers(open: &OpenRun, accepted: &[Address]) -> Result<(), Failure> {
    let touched: BTreeSet<&Address> = open.plan.steps.iter().map(|step| &step.object.address).collect();
    let strangers = accepted.iter().filter(|asked| !touched.iter().any(|address| asked.covers(address)));
    let problems: Diagnostics = strangers
        .map(|asked| {
            let names = one_of(touched.iter());
            Diagnostic::error(
                "Unknown address",
                format!("The open run does nothing to {asked}, but to {names}."),
            )
        })
        .collect();
    if problems.has_errors() { Err(problems.into()) } else { Ok(()) }
}
