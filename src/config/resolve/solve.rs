//! Works everything out, each thing after what it needs.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::arguments::{Arguments, Identify};
use super::instances;
use super::names::{Instance, Mode, Names, Seen, key_value};
use super::world::{Entry, Local, Node, World};
use super::{containers, resources};
use crate::config::eval::{Evaluator, Limits};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::model::{Address, InstanceKey, Kind};

/// A node that waits for others.
struct Frame {
    node: Node,
    needs: Vec<Node>,
}

/// What a node came to.
enum Outcome {
    Local(Local),
    Instances(super::world::Instances),
    Object(Entry),
    Whole,
}

/// Works out every goal of a configuration.
pub fn all(world: &mut World<'_>, identify: Identify<'_>, diagnostics: &mut Diagnostics) {
    for goal in super::goals(world.declared) {
        reach(world, goal, identify, diagnostics);
    }
}

fn reach(world: &mut World<'_>, goal: Node, identify: Identify<'_>, diagnostics: &mut Diagnostics) {
    if world.is_done(&goal) {
        return;
    }
    let mut stack: Vec<Frame> = vec![Frame { node: goal.clone(), needs: Vec::new() }];
    let mut waiting: BTreeMap<Node, usize> = BTreeMap::from([(goal, 0)]);
    while let Some(frame) = stack.last_mut() {
        if let Some(need) = frame.needs.pop() {
            if world.is_done(&need) {
                continue;
            }
            if let Some(start) = waiting.get(&need).copied() {
                let circle: Vec<Node> = stack.drain(start..).map(|frame| frame.node).collect();
                for node in &circle {
                    waiting.remove(node);
                }
                diagnostics.push(cycle(world, &circle));
                for node in circle {
                    fail(world, node);
                }
                continue;
            }
            waiting.insert(need.clone(), stack.len());
            stack.push(Frame { node: need, needs: Vec::new() });
            continue;
        }
        let node = frame.node.clone();
        let seen = RefCell::new(Seen::default());
        let (outcome, problems) = attempt(world, &node, identify, &seen);
        let seen = seen.into_inner();
        if seen.needs.is_empty() {
            diagnostics.extend(problems);
            settle(world, node.clone(), outcome, seen, diagnostics);
            waiting.remove(&node);
            stack.pop();
        } else {
            frame.needs = seen.needs.into_iter().rev().collect();
        }
    }
}

/// Works a node out as far as it can be: the outcome holds only if nothing was needed.
fn attempt(
    world: &World<'_>,
    node: &Node,
    identify: Identify<'_>,
    seen: &RefCell<Seen>,
) -> (Outcome, Diagnostics) {
    match node {
        Node::Local(name) => local(world, name, seen),
        Node::Instances(address) => {
            let found = world.declared.blocks.get(address).map(|block| instances::of(world, block, seen));
            match found {
                Some(Ok(found)) => (Outcome::Instances(Some(found)), Diagnostics::new()),
                Some(Err(problems)) => (Outcome::Instances(None), problems),
                None => (Outcome::Instances(None), Diagnostics::new()),
            }
        }
        Node::Object(address) => object(world, address, identify, seen),
        Node::Whole(address) => {
            whole(world, address, seen);
            (Outcome::Whole, Diagnostics::new())
        }
    }
}

fn local(world: &World<'_>, name: &str, seen: &RefCell<Seen>) -> (Outcome, Diagnostics) {
    let Some(written) = world.declared.locals.get(name) else {
        return (Outcome::Local(Local::Failed), Diagnostics::new());
    };
    let instance = Instance::default();
    let names = Names { world, mode: Mode::Local, instance: &instance, seen };
    let evaluator = Evaluator { sources: world.sources, scope: &names, limits: &world.limits };
    match evaluator.evaluate(&written.expression, written.file) {
        Ok(value) => {
            let seen = seen.borrow();
            let local = match &seen.surveyed {
                Some(what) => Local::Surveyed(what.clone()),
                None => Local::Value {
                    value,
                    touched: seen.touched.clone(),
                    locals: seen.locals.clone(),
                    identified: seen.identified.clone(),
                },
            };
            (Outcome::Local(local), Diagnostics::new())
        }
        Err(problems) => {
            let problems = problems.into_iter().map(|problem| problem.within("locals")).collect();
            (Outcome::Local(Local::Failed), problems)
        }
    }
}

fn object(
    world: &World<'_>,
    address: &Address,
    identify: Identify<'_>,
    seen: &RefCell<Seen>,
) -> (Outcome, Diagnostics) {
    let failed = (Outcome::Object(Entry::Failed), Diagnostics::new());
    let Some(block) = world.block(address) else { return failed };
    let instance = match &address.key {
        None => Instance::default(),
        Some(key) => match world.instances.get(&address.block()) {
            Some(Some(instances)) => instance(key, instances.get(key)),
            _ => return failed,
        },
    };
    // What `depends_on` names is waited for, too: it gives no values, but a cycle through it is one.
    for (dependency, _) in &block.depends_on {
        let node = match dependency.key {
            None if dependency.kind.is_resource() => Node::Whole(dependency.clone()),
            _ => Node::Object(dependency.clone()),
        };
        if world.declared.blocks.contains_key(&dependency.block()) && !world.is_done(&node) {
            seen.borrow_mut().needs.insert(node);
        }
    }
    let arguments = Arguments::new(world, address, block, &instance, identify, seen);
    let entry = match address.kind {
        Kind::Host => containers::host(&arguments),
        Kind::Pool | Kind::Hypervisor => containers::container(&arguments),
        Kind::Export => containers::export(&arguments),
        Kind::Volume => resources::volume(&arguments),
        Kind::Snapshot => resources::snapshot(&arguments),
        Kind::Attachment => resources::attachment(&arguments),
        // They have no blocks.
        Kind::Initiator => None,
    };
    (Outcome::Object(entry.unwrap_or(Entry::Failed)), arguments.problems.into_inner())
}

fn instance(key: &InstanceKey, value: Option<&crate::config::value::Value>) -> Instance {
    match key {
        InstanceKey::Index(index) => Instance { index: Some(*index), ..Instance::default() },
        InstanceKey::Name(_) => {
            Instance { each: value.map(|value| (key_value(key), value.clone())), ..Instance::default() }
        }
    }
}

/// Asks for every instance of a block.
fn whole(world: &World<'_>, address: &Address, seen: &RefCell<Seen>) {
    let mut seen = seen.borrow_mut();
    let Some(block) = world.declared.blocks.get(address) else { return };
    let mut need = |node: Node| {
        if !world.is_done(&node) {
            seen.needs.insert(node);
        }
    };
    if !block.is_repeated() {
        return need(Node::Object(address.clone()));
    }
    match world.instances.get(address) {
        None => need(Node::Instances(address.clone())),
        Some(None) => {}
        Some(Some(instances)) => {
            for key in instances.keys() {
                need(Node::Object(address.with_key(key.clone())));
            }
        }
    }
}

fn settle(world: &mut World<'_>, node: Node, outcome: Outcome, seen: Seen, diagnostics: &mut Diagnostics) {
    match (node, outcome) {
        (Node::Local(name), Outcome::Local(local)) => {
            if seen.surveyed.is_some() {
                world.surveyed_locals.push(name.clone());
            }
            world.locals.insert(name, local);
        }
        (Node::Instances(address), Outcome::Instances(instances)) => {
            world.instances.insert(address.clone(), instances);
            count(world, &address, diagnostics);
        }
        (Node::Object(address), Outcome::Object(entry)) => {
            world.entries.insert(address, entry);
        }
        (Node::Whole(address), _) => {
            world.whole.insert(address);
        }
        (node, _) => fail(world, node),
    }
}

/// Holds the number of instances against the limit, and gives larger configurations more steps.
fn count(world: &mut World<'_>, address: &Address, diagnostics: &mut Diagnostics) {
    let found = world.instances.get(address).and_then(Option::as_ref).map_or(0, |found| found.len() as u64);
    world.total_instances += found;
    let total = world.total_instances;
    world.limits.steps = world.limits.steps.max(Limits::for_instances(total).steps);
    if total <= instances::MOST {
        return;
    }
    world.instances.insert(address.clone(), None);
    let block = world.declared.blocks.get(address);
    diagnostics.push(
        Diagnostic::error(
            "Too many instances",
            "A configuration can have 1,000,000 volumes, snapshots and attachments. Split it into several workspaces.",
        )
        .maybe_at(block.map(|block| block.header), "with this block there are more than that"),
    );
}

fn fail(world: &mut World<'_>, node: Node) {
    match node {
        Node::Local(name) => {
            world.locals.insert(name, Local::Failed);
        }
        Node::Instances(address) => {
            world.instances.insert(address, None);
        }
        Node::Object(address) => {
            world.entries.insert(address, Entry::Failed);
        }
        Node::Whole(address) => {
            world.whole.insert(address);
        }
    }
}

fn cycle(world: &World<'_>, circle: &[Node]) -> Diagnostic {
    let mut names: Vec<String> = circle.iter().map(Node::to_string).collect();
    names.extend(names.first().cloned());
    names.dedup();
    if names.len() == 1 {
        names.push(names[0].clone());
    }
    let problem = Diagnostic::error(
        "Cycle",
        format!(
            "{}. Each needs the next, so none can be first. Break the circle: replace one of these references by a value.",
            names.join(" -> ")
        ),
    );
    let mut places = circle.iter().filter_map(|node| place(world, node).map(|span| (span, node)));
    let Some((first, node)) = places.next() else { return problem };
    let mut problem = problem.at(first, format!("{node} is part of a cycle"));
    let mut shown = vec![first];
    for (span, node) in places {
        if !shown.contains(&span) && shown.len() < 20 {
            shown.push(span);
            problem = problem.related(span, format!("so is {node}"));
        }
    }
    problem
}

fn place(world: &World<'_>, node: &Node) -> Option<Span> {
    match node {
        Node::Local(name) => world.declared.locals.get(name).map(|written| written.name),
        Node::Instances(address) | Node::Object(address) | Node::Whole(address) => {
            world.block(address).map(|block| block.header)
        }
    }
}
