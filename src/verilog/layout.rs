//! Expressions as text: on one line, or broken at the outermost operators where the line would be too long.

use super::expr::{Expr, Kind, Op};
use super::{cat, index_width, lit};
use std::fmt;

/// Longest line that is printed where the text can be broken.
pub(super) const COLUMNS: usize = 100;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Name(name) | Kind::Genvar(name, _) => write!(f, "{name}"),
            Kind::Literal(value) => write!(f, "{value}"),
            Kind::Not(e) => write!(f, "~{e}"),
            Kind::Negate(e) if is_unary(e) => write!(f, "(-({e}))"),
            Kind::Negate(e) => write!(f, "(-{e})"),
            Kind::Reduce(symbol, e) if is_unary(e) => write!(f, "({symbol}({e}))"),
            Kind::Reduce(symbol, e) => write!(f, "({symbol}{e})"),
            Kind::Binary(op, ..) => {
                let parts: Vec<String> = operands(self).iter().map(|e| operand(*op, e)).collect();
                write!(f, "({})", parts.join(&format!(" {} ", op.symbol)))
            }
            Kind::Shift(symbol, e, amount) => write!(f, "({e} {symbol} {amount})"),
            Kind::Mux(c, a, b) => write!(f, "({c} ? {a} : {b})"),
            Kind::Cat(parts) => {
                let parts: Vec<String> = parts.iter().map(Expr::to_string).collect();
                write!(f, "{{{}}}", parts.join(", "))
            }
            Kind::Repeat(count, e) => match e.kind() {
                Kind::Cat(_) => write!(f, "{{{count}{e}}}"),
                _ => write!(f, "{{{count}{{{e}}}}}"),
            },
            Kind::Slice(base, hi, lo) if hi == lo => write!(f, "{base}[{hi}]"),
            Kind::Slice(base, hi, lo) => write!(f, "{base}[{hi}:{lo}]"),
            Kind::Part(base, index, 1) => write!(f, "{base}[{index}]"),
            Kind::Part(base, index, width) => match index.kind() {
                Kind::Genvar(name, _) => write!(f, "{base}[({name} * {width}) +: {width}]"),
                _ => write!(f, "{base}[{} +: {width}]", offset(base.width(), index, *width)),
            },
            Kind::Word(memory, address) => write!(f, "{memory}[{address}]"),
        }
    }
}

/// Bit at which word `index` of `total` bits starts, exactly as wide as an index into `total` bits.
fn offset(total: u32, index: &Expr, width: u32) -> Expr {
    if width.is_power_of_two() {
        return cat([index, &lit(width.trailing_zeros(), 0)]);
    }
    let bits = index_width(total);
    index.mul(&lit(bits, width.into()), bits)
}

/// `^~a` would read as another operator than `^(~a)`.
fn is_unary(e: &Expr) -> bool {
    matches!(e.kind(), Kind::Not(_))
}

fn operand(op: Op, e: &Expr) -> String {
    if op.signed { format!("$signed({e})") } else { e.to_string() }
}

/// The operands of a binary expression; `(a op b) op c` counts as one of three where the operator allows.
fn operands(e: &Expr) -> Vec<&Expr> {
    let Kind::Binary(op, a, b) = e.kind() else { return vec![e] };
    let mut list = vec![b];
    let mut left = a;
    while let Kind::Binary(inner, a, b) = left.kind() {
        if !op.chains() || inner != op {
            break;
        }
        list.push(b);
        left = a;
    }
    list.push(left);
    list.reverse();
    list
}

/// The text of `e` for a place where `first` columns are taken on the first line and `last` are needed after the text.
/// Further lines are indented by `indent`.
pub(super) fn wrapped(e: &Expr, indent: usize, first: usize, last: usize) -> String {
    let flat = e.to_string();
    if first + flat.len() + last <= COLUMNS {
        return flat;
    }
    let inner = indent + 2;
    let pad = " ".repeat(inner);
    let end = " ".repeat(indent);
    match e.kind() {
        Kind::Binary(op, ..) if !op.signed => {
            let parts: Vec<String> =
                operands(e).iter().map(|part| wrapped(part, inner, inner, op.symbol.len() + 1)).collect();
            format!("(\n{pad}{}\n{end})", parts.join(&format!(" {}\n{pad}", op.symbol)))
        }
        Kind::Mux(c, a, b) => format!(
            "(\n{pad}{} ?\n{pad}{} :\n{pad}{}\n{end})",
            wrapped(c, inner, inner, 2),
            wrapped(a, inner, inner, 2),
            wrapped(b, inner, inner, 0)
        ),
        Kind::Not(e) => format!("~{}", wrapped(e, indent, first + 1, last)),
        Kind::Reduce(symbol, e) if !is_unary(e) => {
            format!("({symbol}{})", wrapped(e, indent, first + 2, last + 1))
        }
        Kind::Cat(parts) => format!("{{\n{pad}{}\n{end}}}", filled(parts, inner)),
        _ => flat,
    }
}

/// Parts with commas between, as many on a line as there is room for.
fn filled(parts: &[Expr], indent: usize) -> String {
    let mut text = String::new();
    let mut column = indent;
    for (n, part) in parts.iter().enumerate() {
        let piece = wrapped(part, indent, indent, 1);
        if n > 0 {
            let fits = !piece.contains('\n') && column + 2 + piece.len() < COLUMNS;
            text += if fits { ", " } else { ",\n" };
            if fits {
                column += 2;
            } else {
                text += &" ".repeat(indent);
                column = indent;
            }
        }
        column = match piece.rfind('\n') {
            Some(at) => piece.len() - at - 1,
            None => column + piece.len(),
        };
        text += &piece;
    }
    text
}
