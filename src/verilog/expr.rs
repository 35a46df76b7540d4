//! Expressions that know their width and carry their first fault with them.

use super::Fault;
use super::literal::Literal;
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A value of known width: a net, a constant, or something computed from them. Cheap to clone.
///
/// Building one never fails: a fault (two widths that differ, a slice out of range …) goes along with the expression and
/// everything made of it, and comes out of [`super::Module::build`] as an error.
#[derive(Clone)]
pub struct Expr(Arc<Node>);

struct Node {
    kind: Kind,
    width: u32,
    fault: Option<Arc<Fault>>,
}

#[derive(Clone)]
pub(super) enum Kind {
    Name(String),
    /// Variable of a `generate for` and the number of its turns.
    Genvar(String, u32),
    Literal(Literal),
    Not(Expr),
    Negate(Expr),
    Reduce(&'static str, Expr),
    Binary(Op, Expr, Expr),
    Shift(&'static str, Expr, u32),
    Mux(Expr, Expr, Expr),
    Cat(Vec<Expr>),
    Repeat(u32, Expr),
    /// Bits of a name or memory word: base, high, low.
    Slice(Expr, u32, u32),
    /// A word of a name or memory word that is selected at run time: base, index, width of the word.
    Part(Expr, Expr, u32),
    /// A word of a memory: name, address.
    Word(String, Expr),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Op {
    pub symbol: &'static str,
    pub signed: bool,
}

impl Op {
    /// May `(a op b) op c` be written `a op b op c`?
    pub fn chains(self) -> bool {
        !self.signed && matches!(self.symbol, "&" | "|" | "^" | "+")
    }
}

/// Most bits of a value; tools have limits hereabouts.
pub const MAX_WIDTH: u32 = 1 << 20;

/// Number of bits that tell `entries` things apart, at least 1.
pub fn index_width(entries: u32) -> u32 {
    (entries.max(2) - 1).ilog2() + 1
}

impl Expr {
    fn new(kind: Kind, width: u32) -> Expr {
        Expr(Arc::new(Node { kind, width, fault: None }))
    }

    /// `kind` with the first fault of its parts.
    pub(super) fn of(kind: Kind, width: u32, parts: &[&Expr]) -> Expr {
        let fault = parts.iter().find_map(|e| e.0.fault.clone());
        let e = Expr(Arc::new(Node { kind, width, fault }));
        if (1..=MAX_WIDTH).contains(&width) { e } else { e.poisoned(Fault::Width { expression: e.short(), width }) }
    }

    pub(super) fn name(name: &str, width: u32) -> Expr {
        Expr::of(Kind::Name(name.into()), width, &[])
    }

    pub(super) fn genvar(name: &str, count: u32) -> Expr {
        Expr::new(Kind::Genvar(name.into(), count), 32)
    }

    pub(super) fn literal(value: Literal, fault: Option<Fault>) -> Expr {
        let width = value.width;
        let e = Expr::of(Kind::Literal(value), width, &[]);
        match fault {
            Some(fault) => e.poisoned(fault),
            None => e,
        }
    }

    pub(super) fn memory_word(memory: &str, width: u32, depth: u32, address: &Expr) -> Expr {
        let e = Expr::of(Kind::Word(memory.into(), address.clone()), width, &[address]);
        e.checked_index(address, depth)
    }

    /// The same with a fault, unless it has one already.
    pub(super) fn poisoned(&self, fault: Fault) -> Expr {
        if self.0.fault.is_some() {
            return self.clone();
        }
        let kind = self.0.kind.clone();
        Expr(Arc::new(Node { kind, width: self.0.width, fault: Some(Arc::new(fault)) }))
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    pub(super) fn fault(&self) -> Option<&Fault> {
        self.0.fault.as_deref()
    }

    /// The text for messages, its middle left out when it is long.
    pub(super) fn short(&self) -> String {
        let text = self.to_string();
        let length = text.chars().count();
        if length <= 120 {
            return text;
        }
        let (head, tail): (String, String) =
            (text.chars().take(80).collect(), text.chars().skip(length - 30).collect());
        format!("{head} ... {tail}")
    }

    pub fn width(&self) -> u32 {
        self.0.width
    }

    pub(super) fn checked_index(self, index: &Expr, entries: u32) -> Expr {
        let expression = || self.short();
        match index.kind() {
            Kind::Genvar(name, count) if *count > entries => self.poisoned(Fault::LoopIndex {
                expression: expression(),
                index: name.clone(),
                count: *count,
                entries,
            }),
            Kind::Genvar(..) => self,
            _ if index.width() != index_width(entries) => self.poisoned(Fault::Index {
                expression: expression(),
                index: index.short(),
                width: index.width(),
                entries,
                wanted: index_width(entries),
            }),
            _ => self,
        }
    }

    pub(super) fn binary(symbol: &'static str, signed: bool, a: &Expr, b: &Expr) -> Expr {
        let comparison = matches!(symbol, "==" | "!=" | "<" | "<=" | ">" | ">=");
        let width = if comparison { 1 } else { a.width() };
        let e = Expr::of(Kind::Binary(Op { symbol, signed }, a.clone(), b.clone()), width, &[a, b]);
        if a.width() == b.width() {
            return e;
        }
        e.poisoned(Fault::Operands {
            expression: e.short(),
            left: a.short(),
            left_width: a.width(),
            right: b.short(),
            right_width: b.width(),
        })
    }

    pub fn eq(&self, other: &Expr) -> Expr {
        Expr::binary("==", false, self, other)
    }

    pub fn ne(&self, other: &Expr) -> Expr {
        Expr::binary("!=", false, self, other)
    }

    pub fn lt(&self, other: &Expr) -> Expr {
        Expr::binary("<", false, self, other)
    }

    pub fn le(&self, other: &Expr) -> Expr {
        Expr::binary("<=", false, self, other)
    }

    pub fn gt(&self, other: &Expr) -> Expr {
        Expr::binary(">", false, self, other)
    }

    pub fn ge(&self, other: &Expr) -> Expr {
        Expr::binary(">=", false, self, other)
    }

    pub fn lt_signed(&self, other: &Expr) -> Expr {
        Expr::binary("<", true, self, other)
    }

    pub fn le_signed(&self, other: &Expr) -> Expr {
        Expr::binary("<=", true, self, other)
    }

    pub fn gt_signed(&self, other: &Expr) -> Expr {
        Expr::binary(">", true, self, other)
    }

    pub fn ge_signed(&self, other: &Expr) -> Expr {
        Expr::binary(">=", true, self, other)
    }

    /// Whether this is less than `other`, both in two's complement and neither a sum: the sign of their difference, which is one bit wider.
    /// Yosys makes a subtraction of that and nothing else; `<` it makes in either order of the operands, and in one of them with a test for
    /// equality beside it.
    pub fn less_signed(&self, other: &Expr) -> Expr {
        let width = self.width() + 1;
        ((self.sext(width) - other.sext(width)) >> (width - 1)).any()
    }

    /// Product of two unsigned values of any widths, as `width` bits.
    pub fn mul(&self, other: &Expr, width: u32) -> Expr {
        Expr::binary("*", false, &self.zext(width), &other.zext(width))
    }

    /// Product of two two's complement values of any widths, as `width` bits. Both must be names, slices or literals.
    /// Give the product a name of its own (`wire_is`): within a larger sum, tools may read it as unsigned and build more
    /// than is needed.
    pub fn mul_signed(&self, other: &Expr, width: u32) -> Expr {
        Expr::binary("*", true, &self.sext(width), &other.sext(width))
    }

    fn reduce(&self, symbol: &'static str) -> Expr {
        Expr::of(Kind::Reduce(symbol, self.clone()), 1, &[self])
    }

    /// 1 if all bits are 1.
    pub fn all(&self) -> Expr {
        self.reduce("&")
    }

    /// 1 if any bit is 1.
    pub fn any(&self) -> Expr {
        self.reduce("|")
    }

    /// 1 if an odd number of bits is 1.
    pub fn parity(&self) -> Expr {
        self.reduce("^")
    }

    pub(super) fn inverted(&self) -> Expr {
        match self.kind() {
            Kind::Not(inner) => inner.clone(),
            _ => Expr::of(Kind::Not(self.clone()), self.width(), &[self]),
        }
    }

    pub(super) fn negated(&self) -> Expr {
        Expr::of(Kind::Negate(self.clone()), self.width(), &[self])
    }

    pub(super) fn shifted(&self, symbol: &'static str, amount: u32) -> Expr {
        if amount == 0 {
            return self.clone();
        }
        let e = Expr::of(Kind::Shift(symbol, self.clone(), amount), self.width(), &[self]);
        if amount < self.width() {
            return e;
        }
        e.poisoned(Fault::Shift { expression: e.short(), amount, width: self.width() })
    }

    /// Shift left by a run-time amount of any width.
    pub fn shl_by(&self, amount: &Expr) -> Expr {
        let op = Op { symbol: "<<", signed: false };
        Expr::of(Kind::Binary(op, self.clone(), amount.clone()), self.width(), &[self, amount])
    }

    /// Shift right by a run-time amount of any width; zeros come in.
    pub fn shr_by(&self, amount: &Expr) -> Expr {
        let op = Op { symbol: ">>", signed: false };
        Expr::of(Kind::Binary(op, self.clone(), amount.clone()), self.width(), &[self, amount])
    }
}

/// `condition ? then : other`.
pub fn mux(condition: &Expr, then: &Expr, other: &Expr) -> Expr {
    let e =
        Expr::of(Kind::Mux(condition.clone(), then.clone(), other.clone()), then.width(), &[condition, then, other]);
    if condition.width() != 1 {
        let condition_text = condition.short();
        return e.poisoned(Fault::Condition {
            expression: e.short(),
            condition: condition_text,
            width: condition.width(),
        });
    }
    if then.width() != other.width() {
        return e.poisoned(Fault::Operands {
            expression: e.short(),
            left: then.short(),
            left_width: then.width(),
            right: other.short(),
            right_width: other.width(),
        });
    }
    e
}

/// Parts side by side, the most significant first: `{a, b, c}`.
pub fn cat<E: Borrow<Expr>>(parts: impl IntoIterator<Item = E>) -> Expr {
    let mut flat: Vec<Expr> = vec![];
    for part in parts {
        match part.borrow().kind() {
            Kind::Cat(inner) if part.borrow().fault().is_none() => flat.extend(inner.iter().cloned()),
            _ => flat.push(part.borrow().clone()),
        }
    }
    if flat.len() == 1 {
        return flat.remove(0);
    }
    let width = flat.iter().fold(0, |sum: u32, e| sum.saturating_add(e.width()));
    Expr::of(Kind::Cat(flat.clone()), width, &flat.iter().collect::<Vec<_>>())
}

/// The same as [`cat`] with the least significant part first: element `i` of an array is word `i`.
pub fn cat_lsb_first<E: Borrow<Expr>>(parts: impl IntoIterator<Item = E>) -> Expr {
    let mut parts: Vec<E> = parts.into_iter().collect();
    parts.reverse();
    cat(parts)
}

/// `count` copies side by side: `{count{e}}`.
pub fn repeat(count: u32, e: &Expr) -> Expr {
    if count == 1 {
        return e.clone();
    }
    Expr::of(Kind::Repeat(count, e.clone()), count.saturating_mul(e.width()), &[e])
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} /* {} bits */", self.width())
    }
}
