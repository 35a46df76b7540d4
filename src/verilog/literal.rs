//! Constants of any width.

use super::{Expr, Fault};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Literal {
    pub width: u32,
    /// 64 bits a word, least significant first; bits past `width` are 0.
    words: Vec<u64>,
    hex: bool,
}

/// A constant, printed in decimal (in hexadecimal where it is long). `value` must fit `width` bits.
pub fn lit(width: u32, value: u128) -> Expr {
    Literal::expr(width, vec![value as u64, (value >> 64) as u64], value >= 1_000_000)
}

/// A constant printed in hexadecimal: masks and the like.
pub fn hex(width: u32, value: u128) -> Expr {
    Literal::expr(width, vec![value as u64, (value >> 64) as u64], true)
}

/// A two's complement constant of `width` bits.
pub fn lit_signed(width: u32, value: i128) -> Expr {
    let fits = (1..=128).contains(&width) && value >> (width - 1) == value >> 127;
    if fits {
        let pattern = if width == 128 { value as u128 } else { value as u128 & ((1 << width) - 1) };
        lit(width, pattern)
    } else {
        lit(width, 0).poisoned(Fault::Literal { value: value.to_string(), width })
    }
}

/// A constant from hexadecimal digits, most significant first; `_` is skipped.
pub fn lit_hex(width: u32, digits: &str) -> Expr {
    let mut words = vec![];
    let mut values: Vec<u64> = vec![];
    for c in digits.chars().rev().filter(|&c| c != '_') {
        match c.to_digit(16) {
            Some(d) => values.push(d.into()),
            None => return lit(width, 0).poisoned(Fault::Digits { digits: digits.into() }),
        }
    }
    for chunk in values.chunks(16) {
        words.push(chunk.iter().rev().fold(0, |word, d| word << 4 | d));
    }
    Literal::expr(width, words, true)
}

/// A constant from words of 64 bits, least significant first: a row of a bit matrix, say.
pub fn lit_words(width: u32, words: &[u64]) -> Expr {
    Literal::expr(width, words.to_vec(), true)
}

impl Literal {
    fn expr(width: u32, mut words: Vec<u64>, hex: bool) -> Expr {
        let limbs = width.div_ceil(64) as usize;
        let over = words.iter().skip(limbs).any(|w| *w != 0)
            || !width.is_multiple_of(64) && words.get(limbs - 1).is_some_and(|w| w >> (width % 64) != 0);
        let fault = over.then(|| {
            let all = Literal { width: words.len() as u32 * 64, words: words.clone(), hex: true };
            Fault::Literal { value: format!("0x{}", all.digits().trim_start_matches('0')), width }
        });
        words.resize(limbs, 0);
        Expr::literal(Literal { width, words, hex }, fault)
    }

    /// Bits `hi` down to `lo`, which must be in range.
    pub fn slice(&self, hi: u32, lo: u32) -> Literal {
        let width = hi - lo + 1;
        let word = |n: u32| self.words.get(n as usize).copied().unwrap_or(0);
        let mut words: Vec<u64> = (0..width.div_ceil(64))
            .map(|n| {
                let at = lo / 64 + n;
                if lo.is_multiple_of(64) { word(at) } else { word(at) >> (lo % 64) | word(at + 1) << (64 - lo % 64) }
            })
            .collect();
        if let (Some(last), rest @ 1..) = (words.last_mut(), width % 64) {
            *last &= (1 << rest) - 1;
        }
        Literal { width, words, hex: self.hex }
    }

    pub fn zext(&self, width: u32) -> Literal {
        let mut words = self.words.clone();
        words.resize(width.div_ceil(64) as usize, 0);
        Literal { width, words, hex: self.hex }
    }

    fn digits(&self) -> String {
        let all: String = self.words.iter().rev().map(|w| format!("{w:016x}")).collect();
        all[all.len() - self.width.div_ceil(4) as usize..].to_string()
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = self.words.first().copied().unwrap_or(0);
        let small = self.words.iter().skip(1).all(|w| *w == 0) && (!self.hex || low == 0);
        match self.width {
            1 => write!(f, "1'b{low}"),
            width if small => write!(f, "{width}'d{low}"),
            width => {
                let digits = self.digits();
                write!(f, "{width}'h")?;
                for (n, c) in digits.chars().enumerate() {
                    let left = digits.len() - n;
                    if n > 0 && digits.len() > 8 && left.is_multiple_of(4) {
                        write!(f, "_")?;
                    }
                    write!(f, "{c}")?;
                }
                Ok(())
            }
        }
    }
}
