//! Arithmetic, comparison and logic.

use hcl::edit::expr::{BinaryOp, BinaryOperator, Expression, UnaryOp, UnaryOperator};

use super::{Locals, Outcome, Run, unmarked};
use crate::config::convert::convert;
use crate::config::number::{Number, NumberError};
use crate::config::types::Type;
use crate::config::value::Value;

impl Run<'_> {
    pub(super) fn unary(&self, operation: &UnaryOp, locals: Locals<'_>) -> Outcome {
        let operand = self.value(&operation.expr, locals)?;
        match operation.operator.value() {
            UnaryOperator::Not => {
                let (truth, secret) = self.truth(operand, &operation.expr, "What follows `!`")?;
                Ok(truth.map_or(Value::Unknown, |truth| Value::Bool(!truth)).sensitive_if(secret))
            }
            UnaryOperator::Neg => {
                let (number, secret) = self.operand(operand, &operation.expr)?;
                let Some(number) = number else { return Ok(Value::Unknown.sensitive_if(secret)) };
                let negated = number.checked_neg().map_err(|why| {
                    self.problem(
                        &operation.expr,
                        "Number out of range",
                        format!("This cannot be negated: {why}."),
                    )
                })?;
                Ok(Value::Number(negated).sensitive_if(secret))
            }
        }
    }

    pub(super) fn binary(&self, operation: &BinaryOp, locals: Locals<'_>) -> Outcome {
        match operation.operator.value() {
            BinaryOperator::And => self.logic(operation, false, locals),
            BinaryOperator::Or => self.logic(operation, true, locals),
            BinaryOperator::Eq => self.equality(operation, true, locals),
            BinaryOperator::NotEq => self.equality(operation, false, locals),
            operator => self.arithmetic(operation, *operator, locals),
        }
    }

    /// `&&` is decided by a false operand, `||` by a true one. The right side is not evaluated where the left
    /// decides; where the left is unknown, the right may still decide.
    fn logic(&self, operation: &BinaryOp, deciding: bool, locals: Locals<'_>) -> Outcome {
        let what = format!("An operand of `{}`", operation.operator.value().as_str());
        let left = self.value(&operation.lhs_expr, locals)?;
        let (left, left_secret) = self.truth(left, &operation.lhs_expr, &what)?;
        if left == Some(deciding) {
            return Ok(Value::Bool(deciding).sensitive_if(left_secret));
        }
        let right = self.value(&operation.rhs_expr, locals)?;
        let (right, right_secret) = self.truth(right, &operation.rhs_expr, &what)?;
        let result = match (left, right) {
            (_, Some(right)) if right == deciding => Value::Bool(deciding),
            (Some(_), Some(right)) => Value::Bool(right),
            _ => Value::Unknown,
        };
        Ok(result.sensitive_if(left_secret || right_secret))
    }

    fn equality(&self, operation: &BinaryOp, wanted: bool, locals: Locals<'_>) -> Outcome {
        let (left, right) = self.both(operation, locals)?;
        self.spend(left.weight().min(right.weight()) as u64 / 100, operation)?;
        let (left, left_secret) = left.unmark_deep();
        let (right, right_secret) = right.unmark_deep();
        let result = if left.contains_unknown() || right.contains_unknown() {
            Value::Unknown
        } else {
            Value::Bool((left == right) == wanted)
        };
        Ok(result.sensitive_if(left_secret || right_secret))
    }

    fn arithmetic(&self, operation: &BinaryOp, operator: BinaryOperator, locals: Locals<'_>) -> Outcome {
        let (left, right) = self.both(operation, locals)?;
        let left = self.operand(left, &operation.lhs_expr);
        let right = self.operand(right, &operation.rhs_expr);
        let ((left, left_secret), (right, right_secret)) = pair(left, right)?;
        let secret = left_secret || right_secret;
        let (Some(left), Some(right)) = (left, right) else { return Ok(Value::Unknown.sensitive_if(secret)) };
        let result = compute(operator, left, right).map_err(|why| match why {
            NumberError::DivisionByZero => self.problem(
                &operation.rhs_expr,
                "Division by zero",
                "Nothing can be divided by zero.".to_owned(),
            ),
            why => self.problem(operation, "Number out of range", format!("This has no result: {why}.")),
        })?;
        Ok(result.sensitive_if(secret))
    }

    fn both(&self, operation: &BinaryOp, locals: Locals<'_>) -> Outcome<(Value, Value)> {
        pair(self.value(&operation.lhs_expr, locals), self.value(&operation.rhs_expr, locals))
    }

    /// A value as a number, nothing while it is unknown, and whether it is sensitive.
    fn operand(&self, value: Value, at: &Expression) -> Outcome<(Option<Number>, bool)> {
        let (converted, secret) = unmarked(convert(value, &Type::Number));
        let why = match converted {
            Ok(Value::Number(number)) => return Ok((Some(number), secret)),
            Ok(Value::Unknown) => return Ok((None, secret)),
            Ok(_) => "null is no number".to_owned(),
            Err(why) => why,
        };
        Err(self.problem(at, "Invalid operand", format!("A number is needed here: {why}.")))
    }
}

/// Both results, or the problems of both.
fn pair<A, B>(left: Outcome<A>, right: Outcome<B>) -> Outcome<(A, B)> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(mut problems), right) => {
            problems.extend(right.err().into_iter().flatten());
            Err(problems)
        }
        (_, Err(problems)) => Err(problems),
    }
}

fn compute(operator: BinaryOperator, left: Number, right: Number) -> Result<Value, NumberError> {
    Ok(match operator {
        BinaryOperator::Plus => Value::Number(left.checked_add(right)?),
        BinaryOperator::Minus => Value::Number(left.checked_sub(right)?),
        BinaryOperator::Mul => Value::Number(left.checked_mul(right)?),
        BinaryOperator::Div => Value::Number(left.checked_div(right)?),
        BinaryOperator::Mod => Value::Number(left.checked_rem(right)?),
        BinaryOperator::Less => Value::Bool(left < right),
        BinaryOperator::LessEq => Value::Bool(left <= right),
        BinaryOperator::Greater => Value::Bool(left > right),
        BinaryOperator::GreaterEq => Value::Bool(left >= right),
        BinaryOperator::Eq => Value::Bool(left == right),
        BinaryOperator::NotEq => Value::Bool(left != right),
        // Logic never comes here: its operands are not numbers.
        BinaryOperator::And | BinaryOperator::Or => Value::Null,
    })
}
