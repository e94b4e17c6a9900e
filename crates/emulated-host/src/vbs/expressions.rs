//! Owns expressions: operators, names that are variables, functions or objects, indices and calls.

use vbscript::lexer::TokenKind;
use vbscript::parser::ast::{Expr, ExprKind, Lit};

use super::interpreter::Interpreter;
use super::value::{Object, has_room, order};
use super::{Done, ScriptHost, Value, functions, not_covered, runtime, type_mismatch};

/// The value of a literal.
pub(super) fn literal(literal: &Lit) -> Done<Value> {
    Ok(match literal {
        Lit::Int(digits) => match digits.parse() {
            Ok(number) => Value::Int(number),
            Err(_) => return runtime(6, "Overflow"),
        },
        Lit::Float(number) => Value::Real(*number),
        Lit::Str(text) => Value::Text(text.clone()),
        Lit::Bool(value) => Value::Bool(*value),
        Lit::DateTime(_) => return not_covered("dates"),
        Lit::Nothing => Value::Object(Object::Nothing),
        Lit::Empty => Value::Empty,
        Lit::Null => Value::Null,
    })
}

impl<H: ScriptHost> Interpreter<'_, H> {
    pub(super) fn value(&mut self, expr: &Expr) -> Done<Value> {
        match &expr.node {
            ExprKind::Literal(one) => literal(one),
            ExprKind::Ident(name) => self.named(name),
            ExprKind::Paren(inside) => self.value(inside),
            ExprKind::PrefixOp { op, expr } => {
                let value = self.value(expr)?;
                prefix(*op, &value)
            }
            ExprKind::InfixOp { op, lhs, rhs } => {
                let (left, right) = (self.value(lhs)?, self.value(rhs)?);
                infix(*op, &left, &right)
            }
            ExprKind::New(name) => not_covered(format!("`New {}`", name.node)),
            ExprKind::WithScoped => match self.within.last() {
                Some(object) => Ok(object.clone()),
                None => runtime(424, "Object required"),
            },
            ExprKind::FnApplication { callee, args } => self.apply(callee, args),
            ExprKind::MemberExpression { base, property } => {
                let base = self.value(base)?;
                self.member(&base, property, Vec::new())
            }
        }
    }

    /// A name without arguments.
    fn named(&mut self, name: &str) -> Done<Value> {
        if let Some(value) = self.variable(name) {
            return Ok(value);
        }
        if self.procedures.contains_key(&name.to_lowercase()) {
            return self.call_procedure(name, Vec::new());
        }
        match name.to_lowercase().as_str() {
            "wscript" => return Ok(Value::Object(Object::WScript)),
            "err" => return Ok(Value::Object(Object::Err)),
            "now" => {
                let (date, time) = self.host.now();
                return Ok(Value::text(format!("{date} {time}")));
            }
            "date" => return Ok(Value::text(self.host.now().0)),
            "time" => return Ok(Value::text(self.host.now().1)),
            _ => {}
        }
        if let Some(value) = functions::constant(name) {
            return Ok(value);
        }
        if self.explicit {
            return runtime(500, format!("Variable is undefined: '{name}'"));
        }
        Ok(Value::Empty)
    }

    /// Something with arguments: an index, a call, a method.
    pub(super) fn apply(&mut self, callee: &Expr, args: &[Option<Expr>]) -> Done<Value> {
        let mut values = Vec::new();
        for arg in args {
            values.push(match arg {
                Some(arg) => self.value(arg)?,
                None => Value::Empty,
            });
        }
        match &callee.node {
            ExprKind::Ident(name) => {
                let lower = name.to_lowercase();
                // The name of the function that runs means itself when it is called.
                if self.procedures.contains_key(&lower) {
                    return self.call_procedure(name, values);
                }
                if let Some(value) = self.variable(name) {
                    return self.index(&value, &values);
                }
                match lower.as_str() {
                    "createobject" => self.create_object(&values),
                    "getobject" => self.get_object(&values),
                    _ => functions::call(&lower, &values)
                        .unwrap_or_else(|| not_covered(format!("the function `{}`", name.node))),
                }
            }
            ExprKind::MemberExpression { base, property } => {
                let base = self.value(base)?;
                self.member(&base, property, values)
            }
            _ => {
                let value = self.value(callee)?;
                self.index(&value, &values)
            }
        }
    }

    /// The item of an array or collection.
    pub(super) fn index(&mut self, value: &Value, indices: &[Value]) -> Done<Value> {
        let [index] = indices else {
            return not_covered("several indices");
        };
        let item = |items: &[Value]| {
            let place = usize::try_from(index.whole()?).unwrap_or(usize::MAX);
            match items.get(place) {
                Some(item) => Ok(item.clone()),
                None => runtime(
                    9,
                    format!("Subscript out of range: '[number: {}]'", index.shown()?),
                ),
            }
        };
        match value {
            Value::Array(items) => item(items),
            Value::Object(Object::Collection(items)) => item(items),
            Value::Object(Object::Arguments) => {
                let items: Vec<Value> = self.arguments.iter().map(Value::text).collect();
                item(&items)
            }
            _ => type_mismatch(),
        }
    }
}

fn prefix(op: TokenKind, value: &Value) -> Done<Value> {
    match op {
        TokenKind::Minus => match value.number() {
            Some(number) => Ok(Value::of_number(-number)),
            None => type_mismatch(),
        },
        TokenKind::Plus => match value.number() {
            Some(number) => Ok(Value::of_number(number)),
            None => type_mismatch(),
        },
        TokenKind::Not => match value {
            Value::Null => Ok(Value::Null),
            Value::Int(number) => Ok(Value::Int(!number)),
            other => Ok(Value::Bool(!other.holds()?)),
        },
        other => not_covered(format!("the operator `{other}`")),
    }
}

fn infix(op: TokenKind, left: &Value, right: &Value) -> Done<Value> {
    use std::cmp::Ordering;
    let compared = |fits: fn(Ordering) -> bool| {
        Ok(match order(left, right)? {
            Some(order) => Value::Bool(fits(order)),
            None => Value::Null,
        })
    };
    match op {
        TokenKind::Ampersand => joined(&left.shown()?, &right.shown()?),
        TokenKind::Plus => match (left, right) {
            (Value::Text(left), Value::Text(right)) => joined(left, right),
            _ => sum(left, right, |left, right| Some(left + right)),
        },
        TokenKind::Minus => sum(left, right, |left, right| Some(left - right)),
        TokenKind::Times => sum(left, right, |left, right| Some(left * right)),
        TokenKind::Slash => sum(left, right, |left, right| {
            (right != 0.0).then(|| left / right)
        }),
        TokenKind::Backslash => sum(left, right, |left, right| {
            (right != 0.0).then(|| (left / right).trunc())
        }),
        TokenKind::KeywordMod => sum(left, right, |left, right| {
            (right != 0.0).then(|| left % right)
        }),
        TokenKind::Eq => compared(Ordering::is_eq),
        TokenKind::Neq => compared(Ordering::is_ne),
        TokenKind::LAngle => compared(Ordering::is_lt),
        TokenKind::RAngle => compared(Ordering::is_gt),
        TokenKind::Leq => compared(Ordering::is_le),
        TokenKind::Geq => compared(Ordering::is_ge),
        TokenKind::And | TokenKind::Or | TokenKind::Xor => logical(op, left, right),
        TokenKind::Is => match (left, right) {
            (Value::Object(left), Value::Object(right)) => Ok(Value::Bool(matches!(
                (left, right),
                (Object::Nothing, Object::Nothing)
            ))),
            _ => runtime(424, "Object required"),
        },
        other => not_covered(format!("the operator `{other}`")),
    }
}

fn joined(left: &str, right: &str) -> Done<Value> {
    has_room(left.len() + right.len())?;
    Ok(Value::Text(format!("{left}{right}")))
}

/// On truth values a truth value, on numbers bit by bit.
fn logical(op: TokenKind, left: &Value, right: &Value) -> Done<Value> {
    if let (Value::Int(left), Value::Int(right)) = (left, right) {
        return Ok(Value::Int(match op {
            TokenKind::And => left & right,
            TokenKind::Or => left | right,
            _ => left ^ right,
        }));
    }
    let (left, right) = (left.holds()?, right.holds()?);
    Ok(Value::Bool(match op {
        TokenKind::And => left && right,
        TokenKind::Or => left || right,
        _ => left != right,
    }))
}

fn sum(left: &Value, right: &Value, of: impl Fn(f64, f64) -> Option<f64>) -> Done<Value> {
    if matches!(left, Value::Null) || matches!(right, Value::Null) {
        return Ok(Value::Null);
    }
    match (left.number(), right.number()) {
        (Some(left), Some(right)) => match of(left, right) {
            Some(number) => Ok(Value::of_number(number)),
            None => runtime(11, "Division by zero"),
        },
        _ => type_mismatch(),
    }
}
