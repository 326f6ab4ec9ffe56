//! Every command with its options.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use uuid::Uuid;

use super::values::{DescribeWhat, Restore, TrashName, Variables, host, pool, resource};
use crate::model::Address;

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Write a small commented workspace; never overwrite
    Init,
    /// Check the configuration without contacting a host
    Validate(ValidateArgs),
    /// Show what apply would do
    Plan(PlanArgs),
    /// Plan, ask, and run; or run a saved plan
    Apply(ApplyArgs),
    /// Destroy everything in the workspace
    Destroy(DestroyArgs),
    /// Compare what is recorded with what is there; exit 2 when they differ
    Drift(DriftArgs),
    /// Show recorded and live facts as a table
    Describe(DescribeArgs),
    /// Show the state, or a saved plan
    Show(ShowArgs),
    /// Show output values
    Output(OutputArgs),
    /// Show what an interrupted run left, ask, and close it
    Recover(RecoverArgs),
    /// List what could be adopted, with its blocks, and why the rest cannot
    Discover(DiscoverArgs),
    /// Adopt what exists already as a declared volume or snapshot; its data is not touched
    Import(ImportArgs),
    /// List, restore or purge what was destroyed
    #[command(subcommand)]
    Trash(TrashCommand),
    /// Explain who holds the workspace's lock
    Unlock(UnlockArgs),
    /// Show the version
    Version {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look into the state and repair it
    #[command(subcommand)]
    State(StateCommand),
    /// Print the plan's graph as DOT
    Graph(GraphArgs),
    /// Look at the hosts themselves
    #[command(subcommand)]
    Host(HostCommand),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What a plan looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Scope {
    /// Only this address and what it needs, or for a destroy what needs it; repeatable
    #[arg(long, value_name = "ADDRESS", conflicts_with = "exclude")]
    pub target: Vec<Address>,
    /// Leave out this address and what needs it; repeatable
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<Address>,
    #[command(flatten)]
    pub variables: Variables,
}

/// What a plan is to do. The same for plan, apply and graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct PlanOptions {
    #[command(flatten)]
    pub scope: Scope,
    /// Plan to destroy everything
    #[arg(long, conflicts_with_all = ["replace", "restore", "recreate"])]
    pub destroy: bool,
    /// Only bring the state up to date with the hosts
    #[arg(long, conflicts_with_all = ["destroy", "no_refresh", "replace", "restore", "recreate"])]
    pub refresh_only: bool,
    /// Plan from the state alone, without contacting a host
    #[arg(long)]
    pub no_refresh: bool,
    /// Destroy this address and make it anew; repeatable
    #[arg(long, value_name = "ADDRESS", value_parser = resource)]
    pub replace: Vec<Address>,
    /// Give a volume the content of a snapshot; repeatable
    #[arg(long, value_name = "VOLUME=SNAPSHOT")]
    pub restore: Vec<Restore>,
    /// Make this address anew although its data has vanished; repeatable
    #[arg(long, value_name = "ADDRESS", value_parser = resource)]
    pub recreate: Vec<Address>,
    /// Shut out this host, which is off for good, and forget what it had; repeatable
    #[arg(long, value_name = "host.NAME", value_parser = host, conflicts_with_all = ["refresh_only", "no_refresh"])]
    pub host_lost: Vec<Address>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub options: PlanOptions,
    /// Save the plan to this file, for apply
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "graph")]
    pub json: bool,
    /// Print the graph as DOT
    #[arg(long)]
    pub graph: bool,
}

/// How a plan is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct RunOptions {
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Run at most this many steps at once
    #[arg(long, value_name = "N")]
    pub parallelism: Option<NonZeroUsize>,
    /// Keep what was done when a step fails
    #[arg(long)]
    pub no_revert: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(group = ArgGroup::new("approved").args(["auto_approve", "plan_file"]).multiple(true))]
pub struct ApplyArgs {
    /// Run this saved plan; it is what was approved, so nothing is asked
    #[arg(
        value_name = "PLANFILE",
        conflicts_with_all = [
            "target", "exclude", "var", "var_file", "destroy", "refresh_only", "no_refresh", "replace", "restore",
            "recreate",
        ]
    )]
    pub plan_file: Option<PathBuf>,
    #[command(flatten)]
    pub options: PlanOptions,
    #[command(flatten)]
    pub run: RunOptions,
    /// Print one JSON object a line; needs --auto-approve or PLANFILE
    #[arg(long, requires = "approved")]
    pub json: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct DestroyArgs {
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub run: RunOptions,
    /// Leave no trash: the data is gone for good, with what of it lies in the trash already
    #[arg(long)]
    pub purge: bool,
    /// Print one JSON object a line; needs --auto-approve
    #[arg(long, requires = "auto_approve")]
    pub json: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct DriftArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct DescribeArgs {
    /// An address, or volumes, snapshots or attachments [default: all of them]
    #[arg(value_name = "ADDRESS|volumes|snapshots|attachments")]
    pub what: Option<DescribeWhat>,
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ShowArgs {
    /// A saved plan [default: the state]
    #[arg(value_name = "PLANFILE")]
    pub plan_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct OutputArgs {
    /// One output [default: all of them]
    pub name: Option<String>,
    /// Print JSON, sensitive values included
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,
    /// Print the bare text of one output
    #[arg(long, requires = "name")]
    pub raw: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct RecoverArgs {
    /// Finish the run instead of reverting it
    #[arg(long)]
    pub resume: bool,
    /// Take this address as it is found instead of taking it back; repeatable
    #[arg(long, value_name = "ADDRESS", conflicts_with = "resume")]
    pub accept: Vec<Address>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct DiscoverArgs {
    /// Only these pools [default: all that are declared or recorded]
    #[arg(value_name = "POOL", value_parser = pool)]
    pub pools: Vec<Address>,
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportArgs {
    /// The volume or snapshot that it becomes
    #[arg(value_parser = resource)]
    pub address: Address,
    /// What `vbs discover` shows: its name in the pool, GROUP/NAME, or its reference
    pub id: String,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub run: RunOptions,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TrashCommand {
    /// List what is in the trash
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Bring data, id and serial back under a declared address
    Restore(RestoreArgs),
    /// Remove data for good; asks
    Purge(PurgeArgs),
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RestoreArgs {
    /// What `vbs trash list` shows: the address that it had, or its id
    #[arg(value_name = "WAS|ID")]
    pub entry: TrashName,
    /// The address that it gets
    #[arg(long, value_name = "ADDRESS", value_parser = resource)]
    pub to: Address,
    #[command(flatten)]
    pub variables: Variables,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(group = ArgGroup::new("what").args(["ids", "expired", "all"]).required(true))]
pub struct PurgeArgs {
    /// As `vbs trash list` shows them
    #[arg(value_name = "ID")]
    pub ids: Vec<Uuid>,
    /// What is older than the workspace's trash_retention
    #[arg(long)]
    pub expired: bool,
    /// Everything in the trash
    #[arg(long)]
    pub all: bool,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    #[command(flatten)]
    pub variables: Variables,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct UnlockArgs {
    /// Fence the holder off and take the lock
    #[arg(long)]
    pub take_over: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum StateCommand {
    /// List what is recorded
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one record
    Show {
        #[arg(value_name = "ADDRESS")]
        address: Address,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Move a record to another address; nothing is done on a host
    Mv {
        #[arg(value_parser = resource)]
        from: Address,
        #[arg(value_parser = resource)]
        to: Address,
        /// Show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Forget records; the objects stay where they are
    Rm {
        #[arg(value_name = "ADDRESS", required = true)]
        addresses: Vec<Address>,
        /// Show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Write a lost state anew from the marks on the configured hosts
    Rebuild(RebuildArgs),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct RebuildArgs {
    /// Take what is marked with this lineage, where several are found
    #[arg(long, value_name = "UUID")]
    pub lineage: Option<Uuid>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    #[command(flatten)]
    pub variables: Variables,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct GraphArgs {
    #[command(flatten)]
    pub options: PlanOptions,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum HostCommand {
    /// Check that hosts can be reached, and have what is needed; exit 1 when something is wrong
    Check(HostCheckArgs),
    /// Show the keys of hosts, ask, and pin them in vbs.known_hosts
    Trust(HostTrustArgs),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct HostCheckArgs {
    /// Only these [default: all of them]
    #[arg(value_name = "host.NAME", value_parser = host)]
    pub hosts: Vec<Address>,
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct HostTrustArgs {
    /// Only these [default: all that have an address]
    #[arg(value_name = "host.NAME", value_parser = host)]
    pub hosts: Vec<Address>,
    #[command(flatten)]
    pub variables: Variables,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Pin the new key of a host whose key is another one than the pinned one
    #[arg(long)]
    pub replace: bool,
}

impl Command {
    /// The command's name, for whoever finds the workspace locked.
    pub fn word(&self) -> &'static str {
        match self {
            Command::Init => "init",
            Command::Validate(_) => "validate",
            Command::Plan(_) => "plan",
            Command::Apply(_) => "apply",
            Command::Destroy(_) => "destroy",
            Command::Drift(_) => "drift",
            Command::Describe(_) => "describe",
            Command::Show(_) => "show",
            Command::Output(_) => "output",
            Command::Recover(_) => "recover",
            Command::Discover(_) => "discover",
            Command::Import(_) => "import",
            Command::Trash(_) => "trash",
            Command::Unlock(_) => "unlock",
            Command::Version { .. } => "version",
            Command::State(_) => "state",
            Command::Graph(_) => "graph",
            Command::Host(_) => "host",
        }
    }
}
