//! Statements of clocked and combinational processes.

use super::Expr;

/// A statement. Assignments are printed with `<=` in a clocked process and with `=` in a combinational one.
#[derive(Clone, Debug)]
pub struct Stmt(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Set(Expr, Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    Case(Expr, Vec<(Expr, Vec<Stmt>)>, Vec<Stmt>),
    Comment(String),
}

/// Assigns to a register, to bits of one, to a memory word, or to a concatenation of these.
pub fn set(target: &Expr, value: &Expr) -> Stmt {
    Stmt(Kind::Set(target.clone(), value.clone()))
}

/// `if (condition)`.
pub fn when(condition: &Expr, then: impl IntoIterator<Item = Stmt>) -> Stmt {
    when_else(condition, then, [])
}

/// `if (condition) … else …`; an `other` that is a single `when` is printed as `else if`.
pub fn when_else(
    condition: &Expr,
    then: impl IntoIterator<Item = Stmt>,
    other: impl IntoIterator<Item = Stmt>,
) -> Stmt {
    Stmt(Kind::If(condition.clone(), then.into_iter().collect(), other.into_iter().collect()))
}

/// `case (selector)`. Items must be as wide as the selector; `default` is printed even when it is empty.
pub fn case(
    selector: &Expr,
    items: impl IntoIterator<Item = (Expr, Vec<Stmt>)>,
    default: impl IntoIterator<Item = Stmt>,
) -> Stmt {
    Stmt(Kind::Case(selector.clone(), items.into_iter().collect(), default.into_iter().collect()))
}

/// A comment line before the next statement.
pub fn note(text: &str) -> Stmt {
    Stmt(Kind::Comment(text.into()))
}
