//! Addresses as they are written in `depends_on` and `moved`.

use hcl::edit::expr::{Expression, TraversalOperator};

use crate::model::address::is_label;
use crate::model::{Address, InstanceKey, Kind};

/// `volume.db`, `volume.db["a"]` or `volume.db[0]`; nothing where the expression is anything else.
pub fn address(expression: &Expression) -> Option<Address> {
    let Expression::Traversal(traversal) = expression else { return None };
    let Expression::Variable(root) = &traversal.expr else { return None };
    let kind: Kind = root.as_str().parse().ok()?;
    let (label, key) = match traversal.operators.as_slice() {
        [label] => (label, None),
        [label, key] => (label, Some(instance_key(key.value())?)),
        _ => return None,
    };
    let TraversalOperator::GetAttr(label) = label.value() else { return None };
    is_label(label.as_str()).then(|| Address { key, ..Address::new(kind, label.as_str()) })
}

fn instance_key(operator: &TraversalOperator) -> Option<InstanceKey> {
    match operator {
        TraversalOperator::Index(Expression::String(name)) => Some(InstanceKey::Name(name.as_str().into())),
        TraversalOperator::Index(Expression::Number(index)) => index.value().as_u64().map(InstanceKey::Index),
        _ => None,
    }
}
