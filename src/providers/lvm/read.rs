//! What a survey of a volume group means for one pool.

use crate::model::ContainerView;
use crate::model::command::{Answer, Query};
use crate::providers::Scope;

pub fn survey(scope: &Scope<'_>) -> Vec<Query> {
    let _ = scope;
    Vec::new()
}

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    let (_, _) = (scope, answers);
    ContainerView::Unsurveyed { why: "it was not looked at".to_owned() }
}
