//! Which names an expression mentions, without evaluating it: the edges of the dependency graph.

use hcl::edit::expr::{Expression, ForExpr, Traversal, TraversalOperator};
use hcl::edit::template::ForTemplateExpr;
use hcl::edit::visit::{self, Visit};
use hcl::edit::{Decorated, Ident, Span as Spanned};

use crate::diag::{FileId, Span};
use crate::model::InstanceKey;

/// One mention of a name in an expression: `volume.db["a"].id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub root: String,
    pub steps: Vec<MentionStep>,
    /// The whole traversal.
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MentionStep {
    Attribute(String),
    /// An index; the key where it is a constant.
    Index(Option<InstanceKey>),
    Splat,
}

/// Every name that an expression mentions, in the order of the source, without the variables of its own `for`s.
pub fn references(expression: &Expression, file: FileId) -> Vec<Mention> {
    let mut collector = Collector { file, locals: Vec::new(), mentions: Vec::new() };
    collector.visit_expr(expression);
    collector.mentions.sort_by_key(|mention| (mention.span.start, mention.span.end));
    collector.mentions
}

struct Collector {
    file: FileId,
    /// The variables of the `for`s around, innermost last.
    locals: Vec<String>,
    mentions: Vec<Mention>,
}

impl Collector {
    fn mention(&mut self, name: &Ident, steps: Vec<MentionStep>, at: &impl Spanned) {
        let root = name.as_str();
        if !self.locals.iter().any(|local| local == root) {
            let span = Span::new(self.file, at.span().unwrap_or(0..0));
            self.mentions.push(Mention { root: root.to_owned(), steps, span });
        }
    }

    fn with_locals(&mut self, names: [Option<&Decorated<Ident>>; 2], inside: impl FnOnce(&mut Self)) {
        let before = self.locals.len();
        self.locals.extend(names.into_iter().flatten().map(|name| name.value().as_str().to_owned()));
        inside(self);
        self.locals.truncate(before);
    }
}

impl Visit for Collector {
    fn visit_expr(&mut self, expression: &Expression) {
        match expression {
            Expression::Variable(name) => self.mention(name.value(), Vec::new(), expression),
            other => visit::visit_expr(self, other),
        }
    }

    fn visit_traversal(&mut self, traversal: &Traversal) {
        if let Expression::Variable(name) = &traversal.expr {
            let steps = traversal.operators.iter().map(|operator| step(operator.value())).collect();
            self.mention(name.value(), steps, traversal);
        } else {
            self.visit_expr(&traversal.expr);
        }
        for operator in &traversal.operators {
            if let TraversalOperator::Index(key) = operator.value() {
                self.visit_expr(key);
            }
        }
    }

    fn visit_for_expr(&mut self, comprehension: &ForExpr) {
        let intro = &comprehension.intro;
        self.visit_expr(&intro.collection_expr);
        self.with_locals([intro.key_var.as_ref(), Some(&intro.value_var)], |this| {
            if let Some(key) = &comprehension.key_expr {
                this.visit_expr(key);
            }
            this.visit_expr(&comprehension.value_expr);
            if let Some(condition) = &comprehension.cond {
                this.visit_expr(&condition.expr);
            }
        });
    }

    fn visit_for_template_expr(&mut self, opening: &ForTemplateExpr) {
        self.visit_expr(&opening.collection_expr);
        self.with_locals([opening.key_var.as_ref(), Some(&opening.value_var)], |this| {
            this.visit_template(&opening.template);
        });
    }
}

fn step(operator: &TraversalOperator) -> MentionStep {
    match operator {
        TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => MentionStep::Splat,
        TraversalOperator::GetAttr(name) => MentionStep::Attribute(name.value().as_str().to_owned()),
        TraversalOperator::LegacyIndex(index) => MentionStep::Index(Some(InstanceKey::Index(*index.value()))),
        TraversalOperator::Index(Expression::String(name)) => {
            MentionStep::Index(Some(InstanceKey::Name(name.value().as_str().into())))
        }
        TraversalOperator::Index(Expression::Number(number)) => {
            MentionStep::Index(number.value().as_u64().map(InstanceKey::Index))
        }
        TraversalOperator::Index(_) => MentionStep::Index(None),
    }
}
