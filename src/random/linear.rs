//! Maps of states that are linear over GF(2), of up to 64 bits: matrices, their polynomials, and tables that apply them.

/// A map from states to words: column i is what state bit i alone becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    columns: Vec<u64>,
}

impl Matrix {
    /// The matrix of a linear map of `bits` bits.
    pub fn of(bits: u32, map: impl Fn(u64) -> u64) -> Matrix {
        Matrix { columns: (0..bits).map(|i| map(1 << i)).collect() }
    }

    pub fn identity(bits: u32) -> Matrix {
        Matrix::of(bits, |s| s)
    }

    /// Bits of a state.
    pub fn bits(&self) -> u32 {
        self.columns.len() as u32
    }

    pub fn apply(&self, state: u64) -> u64 {
        let (mut left, mut sum) = (state, 0);
        while left != 0 {
            sum ^= self.columns[left.trailing_zeros() as usize];
            left &= left - 1;
        }
        sum
    }

    /// First `first`, then this.
    pub fn after(&self, first: &Matrix) -> Matrix {
        Matrix { columns: first.columns.iter().map(|&column| self.apply(column)).collect() }
    }

    /// The map `n` times.
    pub fn power(&self, n: u128) -> Matrix {
        let mut power = Matrix::identity(self.bits());
        for i in (0..128 - n.leading_zeros()).rev() {
            power = power.after(&power);
            if n >> i & 1 == 1 {
                power = self.after(&power);
            }
        }
        power
    }

    /// For each of `count` result bits the mask of state bits whose XOR it is.
    pub fn rows(&self, count: u32) -> Vec<u64> {
        let bit = |i: u32, column: u64| column >> i & 1;
        let row = |i| self.columns.iter().enumerate().fold(0, |row, (at, &column)| row | bit(i, column) << at);
        (0..count).map(row).collect()
    }

    /// The characteristic polynomial of a map of states to states, without its highest term: bit i is the coefficient of x^i.
    /// None where no state leads to all others (then a shorter polynomial does, and there is no register like that here).
    pub fn polynomial(&self) -> Option<u64> {
        let bits = self.bits();
        let ones = u64::MAX >> (64 - bits);
        let tries = [1, 1 << (bits - 1), ones, 0x9E37_79B9_7F4A_7C15 & ones, 0x2545_F491_4F6C_DD1D & ones];
        tries.into_iter().find_map(|start| self.polynomial_from(start))
    }

    fn polynomial_from(&self, start: u64) -> Option<u64> {
        let bits = self.bits() as usize;
        // By highest bit: a sum of states, and which states.
        let mut basis: Vec<Option<(u64, u64)>> = vec![None; bits];
        let reduced = |basis: &[Option<(u64, u64)>], mut state: u64, mut of: u64| {
            while state != 0 {
                let top = 63 - state.leading_zeros() as usize;
                let Some((known, known_of)) = basis[top] else { break };
                state ^= known;
                of ^= known_of;
            }
            (state, of)
        };
        let mut state = start;
        for i in 0..bits {
            let (rest, of) = reduced(&basis, state, 1 << i);
            if rest == 0 {
                return None;
            }
            basis[63 - rest.leading_zeros() as usize] = Some((rest, of));
            state = self.apply(state);
        }
        let (rest, of) = reduced(&basis, state, 0);
        (rest == 0).then_some(of)
    }
}

/// Rank of a set of rows over GF(2).
pub fn rank(rows: &[u64]) -> u32 {
    let (mut basis, mut rank) = ([0u64; 64], 0);
    for &row in rows {
        let mut row = row;
        while row != 0 {
            let top = 63 - row.leading_zeros() as usize;
            if basis[top] == 0 {
                basis[top] = row;
                rank += 1;
                break;
            }
            row ^= basis[top];
        }
    }
    rank
}

/// x^`n` modulo the polynomial of degree `bits` whose lower terms are `lower`.
pub fn power_of_x(bits: u32, lower: u64, n: u128) -> u64 {
    let mut power = 1;
    for i in (0..128 - n.leading_zeros()).rev() {
        power = multiply(bits, lower, power, power);
        if n >> i & 1 == 1 {
            power = times_x(bits, lower, power);
        }
    }
    power
}

/// a·x modulo the polynomial.
fn times_x(bits: u32, lower: u64, a: u64) -> u64 {
    let carry = a >> (bits - 1) & 1;
    (a << 1 & (u64::MAX >> (64 - bits))) ^ (lower & carry.wrapping_neg())
}

/// a·b modulo the polynomial.
pub(super) fn multiply(bits: u32, lower: u64, a: u64, b: u64) -> u64 {
    (0..bits).rev().fold(0, |product, i| times_x(bits, lower, product) ^ a & (b >> i & 1).wrapping_neg())
}

/// A map of states to a pair of words, applied byte by byte.
#[derive(Clone, Debug)]
pub(super) struct Table {
    entries: Vec<[(u64, u64); 256]>,
}

impl Table {
    /// Of two maps of `bits` bits.
    pub fn of(maps: [&Matrix; 2]) -> Table {
        let bytes = maps[0].bits().div_ceil(8);
        let entry = |byte: u32, value: u64| {
            // Bits beyond the state are never set.
            let state = value << (8 * byte) & (u64::MAX >> (64 - maps[0].bits()));
            (maps[0].apply(state), maps[1].apply(state))
        };
        let of_byte = |byte| std::array::from_fn(|value| entry(byte, value as u64));
        Table { entries: (0..bytes).map(of_byte).collect() }
    }

    #[inline]
    pub fn apply(&self, state: u64) -> (u64, u64) {
        let (mut a, mut b) = (0, 0);
        for (byte, entries) in self.entries.iter().enumerate() {
            let (x, y) = entries[(state >> (8 * byte) & 255) as usize];
            a ^= x;
            b ^= y;
        }
        (a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_matrix() -> impl Strategy<Value = Matrix> {
        prop::collection::vec(any::<u64>(), 1..=64).prop_map(|columns| {
            let ones = u64::MAX >> (64 - columns.len());
            Matrix { columns: columns.into_iter().map(|c| c & ones).collect() }
        })
    }

    proptest! {
        #[test]
        fn powers_rows_tables_and_polynomials_are_of_the_same_map(m in any_matrix(), state in any::<u64>(), n in 0u32..200) {
            let bits = m.bits();
            let state = state & (u64::MAX >> (64 - bits));
            let mut moved = state;
            (0..n).for_each(|_| moved = m.apply(moved));
            prop_assert_eq!(m.power(n.into()).apply(state), moved);
            prop_assert_eq!(Table::of([&m, &m.power(n.into())]).apply(state), (m.apply(state), moved));
            let rows = m.rows(bits);
            let by_rows = rows.iter().enumerate().fold(0, |r, (i, row)| r | u64::from((row & state).count_ones() & 1) << i);
            prop_assert_eq!(by_rows, m.apply(state));
            if let Some(lower) = m.polynomial() {
                // A map satisfies its polynomial, so x^n modulo it is the map n times.
                let power = power_of_x(bits, lower, n.into());
                let (mut now, mut sum) = (state, 0);
                for i in 0..bits {
                    sum ^= now & (power >> i & 1).wrapping_neg();
                    now = m.apply(now);
                }
                prop_assert_eq!(sum, moved);
            }
        }
    }

    #[test]
    fn the_rank_counts_independent_rows() {
        assert_eq!(rank(&[]), 0);
        assert_eq!(rank(&[0, 6, 5, 3]), 2);
        assert_eq!(rank(&Matrix::identity(64).rows(64)), 64);
    }
}
