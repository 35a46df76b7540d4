//! Rust's operators on expressions and references to them.

use super::Expr;
use std::ops::{Add, BitAnd, BitOr, BitXor, Neg, Not, Shl, Shr, Sub};

macro_rules! binary {
    ($($trait:ident $method:ident $symbol:literal)*) => {$(
        binary!(@ $trait $method $symbol Expr, Expr);
        binary!(@ $trait $method $symbol Expr, &Expr);
        binary!(@ $trait $method $symbol &Expr, Expr);
        binary!(@ $trait $method $symbol &Expr, &Expr);
    )*};
    (@ $trait:ident $method:ident $symbol:literal $left:ty, $right:ty) => {
        impl $trait<$right> for $left {
            type Output = Expr;

            fn $method(self, other: $right) -> Expr {
                Expr::binary($symbol, false, &self, &other)
            }
        }
    };
}

macro_rules! other {
    ($($type:ty)*) => {$(
        impl Not for $type {
            type Output = Expr;

            /// Every bit inverted.
            fn not(self) -> Expr {
                self.inverted()
            }
        }

        impl Neg for $type {
            type Output = Expr;

            fn neg(self) -> Expr {
                self.negated()
            }
        }

        impl Shl<u32> for $type {
            type Output = Expr;

            /// Shifted left by a constant; the width stays.
            fn shl(self, amount: u32) -> Expr {
                self.shifted("<<", amount)
            }
        }

        impl Shr<u32> for $type {
            type Output = Expr;

            /// Shifted right by a constant; zeros come in.
            fn shr(self, amount: u32) -> Expr {
                self.shifted(">>", amount)
            }
        }
    )*};
}

binary! {
    Add add "+"
    Sub sub "-"
    BitAnd bitand "&"
    BitOr bitor "|"
    BitXor bitxor "^"
}
other! { Expr &Expr }
