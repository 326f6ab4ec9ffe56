//! What names mean in an expression: the evaluator's view of the world.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::attributes::{self, Found};
use super::world::{Entry, Local, Node, World};
use crate::config::eval::{LookupError, Scope};
use crate::config::value::{Reference, Value};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Address, InstanceKey, Kind};

/// Stands for problems that were reported where they are, so that an evaluation that meets them fails like any other.
/// Never shown.
const REPORTED: &str = "Reported already";

/// The problems that have not been reported before.
pub fn unreported(problems: impl IntoIterator<Item = Diagnostic>) -> Diagnostics {
    problems.into_iter().filter(|problem| problem.summary != REPORTED).collect()
}

/// What an evaluation asked for.
#[derive(Debug, Default)]
pub struct Seen {
    /// Not worked out yet. The evaluation saw unknown values in their places and must be done again.
    pub needs: BTreeSet<Node>,
    /// Resources, and blocks all of whose instances were gone through.
    pub touched: BTreeSet<Address>,
    pub locals: BTreeSet<String>,
    /// Whose identity shows in what was read: volumes and snapshots.
    pub identified: BTreeSet<Address>,
    /// A surveyed value that was read.
    pub surveyed: Option<String>,
}

/// Where surveyed values come from: address and attribute; nothing where the object does not exist yet.
pub type Survey<'s> = dyn Fn(&Address, &str) -> Option<Value> + 's;

/// What surveyed values mean where an expression stands.
#[derive(Clone, Copy)]
pub enum Mode<'s> {
    /// In arguments: they may not be read.
    Plan,
    /// In locals: they may be read, and that is remembered.
    Local,
    /// In outputs and conditions: they may be read. The second holds the locals that read any, the third says whose identity
    /// is not known yet.
    Survey(&'s Survey<'s>, &'s std::collections::BTreeMap<String, Option<Value>>, &'s Nameless<'s>),
}

/// Whether the id of a volume or snapshot is still to be chosen: what shows it is unknown.
pub type Nameless<'s> = dyn Fn(&Address) -> bool + 's;

/// What is particular to one instance.
#[derive(Default, Clone)]
pub struct Instance {
    pub each: Option<(Value, Value)>,
    pub index: Option<u64>,
    /// In conditions of a resource.
    pub this: Option<Address>,
}

pub struct Names<'w, 'a> {
    pub world: &'w World<'a>,
    pub mode: Mode<'w>,
    pub instance: &'w Instance,
    pub seen: &'w RefCell<Seen>,
}

const KINDS: [Kind; 6] = Kind::NAMED;

impl Names<'_, '_> {
    /// Asks for something to be worked out first.
    pub fn need(&self, node: Node) -> Value {
        self.seen.borrow_mut().needs.insert(node);
        Value::Unknown
    }

    fn failed() -> LookupError {
        LookupError::Failed(Diagnostic::error(REPORTED, "").into())
    }

    fn variable(&self, name: &str) -> Result<Value, LookupError> {
        match self.world.variables.get(name) {
            Some(Some(value)) => Ok(value.clone()),
            Some(None) => Err(Self::failed()),
            None => Err(LookupError::Missing {
                what: "variable".to_owned(),
                candidates: self.world.variables.keys().map(|name| (*name).to_owned()).collect(),
            }),
        }
    }

    fn local(&self, name: &str) -> Result<Value, LookupError> {
        let declared = &self.world.declared.locals;
        if !declared.contains_key(name) {
            let candidates = declared.keys().cloned().collect();
            return Err(LookupError::Missing { what: "local value".to_owned(), candidates });
        }
        let local = match self.world.locals.get(name) {
            None => return Ok(self.need(Node::Local(name.to_owned()))),
            Some(local) => local,
        };
        match (local, self.mode) {
            (Local::Failed, _) => Err(Self::failed()),
            (Local::Value { value, identified, .. }, mode) => {
                let mut seen = self.seen.borrow_mut();
                seen.locals.insert(name.to_owned());
                seen.identified.extend(identified.iter().cloned());
                let is_nameless =
                    matches!(mode, Mode::Survey(_, _, nameless) if identified.iter().any(nameless));
                Ok(if is_nameless { Value::Unknown } else { value.clone() })
            }
            (Local::Surveyed(what), Mode::Plan) => Err(LookupError::Refused(format!(
                "local.{name} is worked out from {what}. {}",
                attributes::ONLY_AFTER_A_LOOK
            ))),
            (Local::Surveyed(what), Mode::Local) => {
                self.seen.borrow_mut().surveyed = Some(what.clone());
                Ok(Value::Unknown)
            }
            (Local::Surveyed(_), Mode::Survey(_, values, _)) => {
                self.seen.borrow_mut().locals.insert(name.to_owned());
                values.get(name).cloned().flatten().ok_or_else(Self::failed)
            }
        }
    }

    fn each(&self, name: &str) -> Result<Value, LookupError> {
        let (key, value) = self.instance.each.as_ref().ok_or_else(Self::failed)?;
        match name {
            "key" => Ok(key.clone()),
            "value" => Ok(value.clone()),
            _ => Err(missing("attribute of each", ["key", "value"])),
        }
    }

    fn count(&self, name: &str) -> Result<Value, LookupError> {
        match (name, self.instance.index) {
            ("index", Some(index)) => Ok(Value::integer(index.into())),
            _ => Err(missing("attribute of count", ["index"])),
        }
    }

    /// `volume.db`: one object, or a block of many.
    fn block(&self, kind: Kind, label: &str) -> Result<Value, LookupError> {
        let address = Address::new(kind, label);
        let Some(block) = self.world.declared.blocks.get(&address) else {
            if self.world.declared.broken.contains(&address) {
                return Err(Self::failed());
            }
            let of_kind = self.world.declared.blocks.keys().filter(|address| address.kind == kind);
            return Err(LookupError::Missing {
                what: kind.word().to_owned(),
                candidates: of_kind.map(|address| address.label.to_string()).collect(),
            });
        };
        let reference =
            if block.is_repeated() { Reference::Block(address) } else { Reference::Object(address) };
        Ok(Value::Reference(reference))
    }

    fn object(&self, address: &Address, name: &str) -> Result<Value, LookupError> {
        let entry = match self.world.entries.get(address) {
            None => return Ok(self.need(Node::Object(address.clone()))),
            Some(Entry::Failed) => return Err(Self::failed()),
            Some(entry) => entry,
        };
        if address.kind.is_resource() {
            self.seen.borrow_mut().touched.insert(address.clone());
        }
        match attributes::of(self.world, address, entry, name)? {
            Found::Known(value) => Ok(match attributes::identified(entry, &value) {
                Some(of) => {
                    self.seen.borrow_mut().identified.insert(of.clone());
                    match self.mode {
                        Mode::Survey(_, _, nameless) if nameless(of) => Value::Unknown,
                        _ => value,
                    }
                }
                None => value,
            }),
            Found::Surveyed => self.surveyed(address, name),
        }
    }

    fn surveyed(&self, address: &Address, name: &str) -> Result<Value, LookupError> {
        match self.mode {
            Mode::Plan => Err(LookupError::Refused(format!(
                "{address}.{name} is found out by looking at the host. {}",
                attributes::ONLY_AFTER_A_LOOK
            ))),
            Mode::Local => {
                self.seen.borrow_mut().surveyed = Some(format!("{address}.{name}"));
                Ok(Value::Unknown)
            }
            Mode::Survey(survey, _, _) => Ok(survey(address, name).unwrap_or(Value::Unknown)),
        }
    }
}

fn missing<const N: usize>(what: &str, candidates: [&str; N]) -> LookupError {
    LookupError::Missing { what: what.to_owned(), candidates: candidates.map(str::to_owned).to_vec() }
}

fn refused(why: impl Into<String>) -> Result<Value, LookupError> {
    Err(LookupError::Refused(why.into()))
}

impl Scope for Names<'_, '_> {
    fn root(&self, name: &str) -> Result<Value, LookupError> {
        let namespace = |name| Ok(Value::Reference(Reference::Namespace(name)));
        match name {
            "var" => namespace("var"),
            "local" => namespace("local"),
            "each" if self.instance.each.is_some() => namespace("each"),
            "each" => refused(
                "`each` has a meaning only in a block with `for_each`. Add `for_each` to the block, or use another value.",
            ),
            "count" if self.instance.index.is_some() => namespace("count"),
            "count" => refused(
                "`count` has a meaning only in a block with `count`. Add `count` to the block, or use another value.",
            ),
            "self" => match &self.instance.this {
                Some(address) => Ok(Value::Reference(Reference::Object(address.clone()))),
                None => refused(
                    "`self` has a meaning only in the preconditions and postconditions of a volume, snapshot or attachment.",
                ),
            },
            _ => match KINDS.into_iter().find(|kind| kind.word() == name) {
                Some(kind) => Ok(Value::Reference(Reference::Kind(kind))),
                None => {
                    let roots = ["var", "local", "each", "count", "self"];
                    let roots = roots.into_iter().chain(KINDS.map(Kind::word));
                    Err(LookupError::Missing {
                        what: "name".to_owned(),
                        candidates: roots.map(str::to_owned).collect(),
                    })
                }
            },
        }
    }

    fn attribute(&self, of: &Reference, name: &str) -> Result<Value, LookupError> {
        match of {
            Reference::Namespace("var") => self.variable(name),
            Reference::Namespace("local") => self.local(name),
            Reference::Namespace("each") => self.each(name),
            Reference::Namespace("count") => self.count(name),
            Reference::Namespace(other) => Err(missing(other, [])),
            Reference::Kind(kind) => self.block(*kind, name),
            Reference::Object(address) => self.object(address, name),
            Reference::Block(address) => {
                let how = match self.world.declared.blocks.get(address) {
                    Some(block) if block.attributes.contains_key("count") => "count",
                    _ => "for_each",
                };
                let key = if how == "count" { "[0]" } else { "[\"key\"]" };
                refused(format!(
                    "{address} has `{how}`, so it is many and has no attributes itself. Name one instance, as in {address}{key}.{name}, or all of them, as in [for one in {address} : one.{name}]."
                ))
            }
        }
    }

    fn index(&self, of: &Reference, key: &Value) -> Result<Value, LookupError> {
        let address = match of {
            Reference::Block(address) => address,
            Reference::Object(address)
                if !key.as_text().is_some_and(|k| attributes::is_any(address.kind, k)) =>
            {
                return refused(format!(
                    "{address} has neither `for_each` nor `count`, so it is one and has no instances. Write {address}, without a key."
                ));
            }
            _ => {
                return match key.as_text() {
                    Some(name) => self.attribute(of, name),
                    None => refused(format!("{of} is asked for something by name, as in {of}.name.")),
                };
            }
        };
        let instances = match self.world.instances.get(address) {
            None => return Ok(self.need(Node::Instances(address.clone()))),
            Some(None) => return Err(Self::failed()),
            Some(Some(instances)) => instances,
        };
        let wanted = instance_key(key);
        match wanted {
            Some(wanted) if instances.contains_key(&wanted) => {
                Ok(Value::Reference(Reference::Object(address.with_key(wanted))))
            }
            _ => Err(LookupError::Missing {
                what: format!("instance of {address}"),
                candidates: instances.keys().take(1000).map(key_text).collect(),
            }),
        }
    }

    fn elements(&self, of: &Reference) -> Result<Vec<(Value, Value)>, LookupError> {
        let Reference::Block(address) = of else { return Ok(Vec::new()) };
        let instances = match self.world.instances.get(address) {
            None => {
                self.need(Node::Instances(address.clone()));
                return Ok(Vec::new());
            }
            Some(None) => return Err(Self::failed()),
            Some(Some(instances)) => instances,
        };
        self.seen.borrow_mut().touched.insert(address.clone());
        let all = instances
            .keys()
            .map(|key| (key_value(key), Value::Reference(Reference::Object(address.with_key(key.clone())))));
        Ok(all.collect())
    }
}

/// The key of an instance as a value.
pub fn key_value(key: &InstanceKey) -> Value {
    match key {
        InstanceKey::Index(index) => Value::integer((*index).into()),
        InstanceKey::Name(name) => Value::Text(name.clone()),
    }
}

fn key_text(key: &InstanceKey) -> String {
    match key {
        InstanceKey::Index(index) => index.to_string(),
        InstanceKey::Name(name) => name.to_string(),
    }
}

fn instance_key(key: &Value) -> Option<InstanceKey> {
    match key {
        Value::Text(name) => Some(InstanceKey::Name(name.clone())),
        Value::Number(number) => number.to_u64().map(InstanceKey::Index),
        _ => None,
    }
}
