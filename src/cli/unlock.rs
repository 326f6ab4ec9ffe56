//! `vbs unlock`: who holds the workspace, and how to go on without a holder that hangs.

use std::collections::BTreeMap;

use super::args::UnlockArgs;
use super::context::Context;
use super::execute::GUARD_WAIT_SECONDS;
use super::reach::{self, Specs};
use super::workspace::Located;
use super::{holder, runtime, show};
use crate::apply::raise_at;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::hosts::{Fence, Hosts};
use crate::model::{Address, ContainerSpec};
use crate::state::{Access, Found, Holder, Lock, OpenRun, Recorded, Store};
use crate::ui::print;

pub fn unlock(context: &mut Context, args: &UnlockArgs) -> Result<Exit, Failure> {
    let located = Located::find(context);
    match Lock::holder(&located.state_path)? {
        Found::Free => {
            print::data("Nobody holds the lock of this workspace.\n")?;
            if let Some(store) = located.open(context, Access::Read)? {
                say_open_run(&store.snapshot()?);
            }
            Ok(Exit::Success)
        }
        Found::Held(by) if args.take_over => {
            let declared = reach::declared(context, &located);
            take_over(context, &located, by.as_ref(), &declared)
        }
        Found::Held(by) => Err(Failure::new(Exit::Locked, held_by(&located, by.as_ref()))),
    }
}

fn named(by: Option<&Holder>) -> String {
    by.map_or_else(|| "a process that did not say who it is".to_owned(), ToString::to_string)
}

fn held_by(located: &Located, by: Option<&Holder>) -> Diagnostic {
    let detail = format!(
        "{} is held by {}. The lock goes with its process: if that still works, wait for it or interrupt it there, and \
         it will take back what it did. If it hangs for good, or its machine cannot be reached, `vbs unlock \
         --take-over` fences it off: whatever it does after that changes nothing any more, and `vbs recover` closes its \
         run.",
        located.state_path.display(),
        named(by)
    );
    Diagnostic::error("The workspace is locked", detail)
}

/// The lock is replaced and the epoch raised: in the state, so that the holder's next commit fails, and at the guards
/// on the hosts, so that a command which it has committed to and not sent yet changes nothing there.
fn take_over(
    context: &Context,
    located: &Located,
    by: Option<&Holder>,
    declared: &Specs,
) -> Result<Exit, Failure> {
    // A state that cannot be fenced must keep its lock.
    let store = located.open(context, Access::Write)?;
    let _lock = Lock::take_over(&located.state_path, &holder(context))?;
    let Some(mut store) = store else {
        print::tell(&format!("Took the lock over from {}. There is no state yet.\n", named(by)));
        return Ok(Exit::Success);
    };
    let epoch = store.fence()?;
    let recorded = store.snapshot()?;
    print::tell(&format!("Took over from {}: it writes nothing into the state any more.\n", named(by)));
    let problems = fence_at_guards(context, &store, &recorded, epoch, declared)?;
    show(&problems, &context.sources, context.style);
    if !problems.has_errors() {
        print::tell("No command that it sent, or still sends, changes anything on a host any more.\n");
    }
    say_open_run(&recorded);
    Ok(if problems.has_errors() { Exit::Error } else { Exit::Success })
}

/// Raises the epoch wherever the holder could send something: every recorded container, and those of its run.
///
/// # Errors
/// Where the open run cannot be read. Guards that could not be raised are returned: recovery raises them again, and
/// does nothing before it has.
fn fence_at_guards(
    context: &Context,
    store: &Store,
    recorded: &Recorded,
    epoch: u64,
    declared: &Specs,
) -> Result<Diagnostics, Failure> {
    let fence = Fence {
        lineage: recorded.lineage,
        epoch,
        wait_seconds: GUARD_WAIT_SECONDS,
        holder: holder(context).to_string(),
    };
    let open = store.open_run()?;
    let planned = open.as_ref().map(|open| &open.plan.hosts);
    let specs = reach::known(planned.into_iter().chain([&recorded.hosts, declared]));
    let hosts = Hosts::reached_by(&context.ssh, specs);
    let containers = concerned(recorded, open.as_ref());
    runtime()?.block_on(async {
        let mut problems = Diagnostics::new();
        for container in containers.values() {
            if let Err(failure) = raise_at(&hosts, container, &fence).await {
                problems.extend(failure.diagnostics);
            }
        }
        Ok(problems)
    })
}

fn concerned<'a>(
    recorded: &'a Recorded,
    open: Option<&'a OpenRun>,
) -> BTreeMap<&'a Address, &'a ContainerSpec> {
    let planned = open.into_iter().flat_map(|open| &open.plan.containers);
    let known = recorded.containers.iter().map(|(address, record)| (address, &record.spec));
    known.chain(planned.map(|(address, planned)| (address, &planned.spec))).collect()
}

fn say_open_run(recorded: &Recorded) {
    if let Some(run) = &recorded.open_run {
        print::tell(&format!(
            "Run {} of {} was not closed. Next, run `vbs recover`: it looks at what is there and takes the run back, or \
             finishes it with --resume, unless taking it back has begun.\n",
            run.id, run.holder
        ));
    }
}
