//! Bits of expressions, and expressions made wider and narrower.

use super::expr::Kind;
use super::{Expr, Fault, cat, lit, repeat};

impl Expr {
    /// Bit `i`, 0 the least significant.
    pub fn bit(&self, i: u32) -> Expr {
        self.slice(i, i)
    }

    /// Bits `hi` down to `lo` of a name, a memory word, a literal or a slice of these.
    pub fn slice(&self, hi: u32, lo: u32) -> Expr {
        if hi < lo || hi >= self.width() {
            let fault = Fault::Slice { expression: self.short(), hi, lo, width: self.width().max(1) };
            let width = hi.checked_sub(lo).map_or(1, |w| w + 1);
            return Expr::of(Kind::Slice(self.clone(), hi, lo), width, &[self]).poisoned(fault);
        }
        if hi - lo + 1 == self.width() {
            return self.clone();
        }
        let width = hi - lo + 1;
        match self.kind() {
            Kind::Literal(value) => Expr::of(Kind::Literal(value.slice(hi, lo)), width, &[self]),
            Kind::Slice(base, _, from) => Expr::of(Kind::Slice(base.clone(), from + hi, from + lo), width, &[self]),
            _ => self.selectable(Expr::of(Kind::Slice(self.clone(), hi, lo), width, &[self])),
        }
    }

    /// Bits `lo` and up, `width` of them: the same as `slice(lo + width - 1, lo)`.
    pub fn bits(&self, lo: u32, width: u32) -> Expr {
        if width == 0 { self.slice(0, 1) } else { self.slice(lo + width - 1, lo) }
    }

    fn selectable(&self, selection: Expr) -> Expr {
        match self.kind() {
            Kind::Name(_) | Kind::Word(..) => selection,
            _ => selection.poisoned(Fault::NotSelectable { expression: self.short() }),
        }
    }

    /// Word `index` of a name that holds words of `width` bits, word 0 in the lowest bits: `name[index * width +: width]`.
    /// The index is as wide as [`super::index_width`] of the number of words, or the variable of a `generate for`. Of a
    /// single word the index does not matter and is left out.
    pub fn word(&self, index: &Expr, width: u32) -> Expr {
        if width == 0 || !self.width().is_multiple_of(width) {
            let fault = Fault::Words { expression: self.short(), width: self.width(), word: width };
            return self.poisoned(fault);
        }
        let entries = self.width() / width;
        if entries == 1 {
            return self.clone();
        }
        let e = Expr::of(Kind::Part(self.clone(), index.clone(), width), width, &[self, index]);
        self.selectable(e).checked_index(index, entries)
    }

    /// Bit `index`, selected at run time: `name[index]`.
    pub fn at(&self, index: &Expr) -> Expr {
        self.word(index, 1)
    }

    /// Extended with zeros to `width` bits.
    pub fn zext(&self, width: u32) -> Expr {
        match (width.checked_sub(self.width()), self.kind()) {
            (None, _) => self.poisoned(Fault::Widen { expression: self.short(), width: self.width(), wanted: width }),
            (Some(0), _) => self.clone(),
            (_, Kind::Literal(value)) => Expr::of(Kind::Literal(value.zext(width)), width, &[self]),
            (Some(more), _) => cat([&lit(more, 0), self]),
        }
    }

    /// Extended with copies of the sign bit to `width` bits; for names, slices and literals.
    pub fn sext(&self, width: u32) -> Expr {
        match width.checked_sub(self.width()) {
            None => self.poisoned(Fault::Widen { expression: self.short(), width: self.width(), wanted: width }),
            Some(0) => self.clone(),
            Some(more) if self.width() == 1 => repeat(more + 1, self),
            Some(more) => cat([&repeat(more, &self.bit(self.width().saturating_sub(1))), self]),
        }
    }

    /// The lowest `width` bits.
    pub fn trunc(&self, width: u32) -> Expr {
        if width == 0 || width > self.width() {
            return self.poisoned(Fault::Cut { expression: self.short(), width: self.width(), wanted: width });
        }
        self.slice(width - 1, 0)
    }

    /// Shift right by a constant, keeping the sign; for names and slices of them.
    pub fn shr_signed(&self, amount: u32) -> Expr {
        if amount >= self.width() {
            return self.poisoned(Fault::Shift { expression: self.short(), amount, width: self.width() });
        }
        self.slice(self.width() - 1, amount).sext(self.width())
    }
}
