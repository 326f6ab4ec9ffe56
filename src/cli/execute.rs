//! Running a plan: progress on the screen, signals, the verdict.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::{Context, now};
use super::reach::Specs;
use crate::apply::{Conclude, Engine, Event, Outcome, RunOptions, Setup, Signals};
use crate::cli::args;
use crate::exit::Failure;
use crate::hosts::Hosts;
use crate::model::{Address, ContainerSpec};
use crate::plan::{Plan, Totals};
use crate::state::{Key, OpenRun, RunKind, Store, StoredOutput};
use crate::ui::print;
use crate::ui::progress::{Json, Live, Plain, Progress, Quiet};
use crate::ui::verdict::Run;

/// How many steps run at once, where nothing else was said. Steps in one pool take turns in any case.
const PARALLELISM: usize = 8;

/// How long a frame waits for a guard that somebody else holds: longer than any step but a copy takes.
pub const GUARD_WAIT_SECONDS: u64 = 60;

/// How often elapsed times are brought up to date.
const TICK: Duration = Duration::from_millis(200);

/// What is to be run, and how it is to be shown.
pub struct Job<'a> {
    pub plan: &'a Plan,
    pub run: Run,
    pub options: RunOptions,
    pub others: Vec<ContainerSpec>,
    /// How every host of the plan and the others is reached.
    pub hosts: Specs,
    pub json: bool,
    /// What secrets follow from.
    pub key: Option<&'a Key>,
    pub conclude: &'a Conclude<'a>,
}

/// What to do with the job's plan.
pub enum Begin<'a> {
    Fresh { kind: RunKind, outputs: Option<Vec<StoredOutput>> },
    Recover { open: &'a OpenRun, resume: bool, accepted: &'a [Address] },
}

pub fn run_options(context: &Context, asked: &args::RunOptions) -> RunOptions {
    RunOptions {
        parallelism: asked.parallelism.map_or(PARALLELISM, std::num::NonZeroUsize::get),
        no_revert: asked.no_revert,
        wait_seconds: GUARD_WAIT_SECONDS,
        holder: super::holder(context).to_string(),
        now: now(),
    }
}

/// Runs to the end and shows it as it happens.
///
/// # Errors
/// Where the run could not begin, or its journal could not be written; an open run is recovery's then.
pub fn execute(
    context: &Context,
    store: &mut Store,
    job: &Job<'_>,
    begin: Begin<'_>,
) -> Result<Outcome, Failure> {
    let progress = RefCell::new(progress(context, job));
    let outcome = super::runtime()?.block_on(async {
        let signals = Signals::listen().map_err(|error| {
            crate::diag::Diagnostic::error(
                "Cannot listen for signals",
                format!("{error}. Nothing was begun."),
            )
        })?;
        let mut listener = |event: Event| progress.borrow_mut().event(&event);
        let secret = |name: &str| match job.key {
            Some(key) => key.secret(job.plan.lineage, name),
            None => Err(super::no_key(name)),
        };
        let setup = Setup {
            secrets: &secret,
            store,
            hosts: Arc::new(Hosts::reached_by(&context.ssh, job.hosts.clone())),
            signals,
            options: job.options.clone(),
            listener: &mut listener,
            others: job.others.clone(),
            conclude: job.conclude,
        };
        let running = async {
            match begin {
                Begin::Fresh { kind, outputs } => {
                    Engine::begin(setup, job.plan, kind, outputs).await?.run().await
                }
                Begin::Recover { open, resume, accepted } => {
                    Engine::adopt(setup, job.plan, open)
                        .await?
                        .recover(open.direction, resume, accepted)
                        .await
                }
            }
        };
        let mut running = std::pin::pin!(running);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                outcome = &mut running => break outcome,
                _ = ticks.tick() => progress.borrow_mut().tick(Instant::now()),
            }
        }
    })?;
    let totals = match outcome {
        Outcome::Applied => job.plan.totals(),
        _ => Totals::default(),
    };
    progress.borrow_mut().outcome(&outcome, totals);
    Ok(outcome)
}

fn progress(context: &Context, job: &Job<'_>) -> Box<dyn Progress> {
    let now = Instant::now();
    let stderr = std::io::stderr;
    if job.json {
        Box::new(Json::new(std::io::stdout(), job.run, now))
    } else if context.quiet {
        Box::new(Quiet::new(stderr(), job.run, context.style, now))
    } else if print::stderr_is_terminal() && !context.logs {
        Box::new(Live::new(stderr(), job.run, context.style, now, print::window))
    } else {
        Box::new(Plain::new(stderr(), job.run, context.style, now))
    }
}
