//! `vbs graph`: the plan's graph as DOT.

use super::args::{GraphArgs, PlanArgs};
use super::context::Context;
use super::plan;
use crate::exit::{Exit, Failure};

pub fn graph(context: &mut Context, args: &GraphArgs) -> Result<Exit, Failure> {
    plan::plan(context, &PlanArgs { options: args.options.clone(), graph: true, ..PlanArgs::default() })
}
