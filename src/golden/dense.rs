//! The weighted sum of a dense layer on packed bits (`docs/semantics.md` §2), 64 inputs and 8 neurons at a time.

use crate::net::BitMatrix;

/// Neurons computed side by side: a vector register of 512 bits holds one word of each.
pub(super) const BLOCK: usize = 8;

/// One value for each neuron of a block.
pub(super) type Block = [i64; BLOCK];

/// The weights of a layer; word `i` of the 8 neurons of a block lies together.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    pub rows: usize,
    words: usize,
    weights: Vec<[u64; BLOCK]>,
}

/// What a layer reads: one bit an input in each of two words, and how many inputs are live.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a> {
    pub x: &'a [u64],
    pub live: &'a [u64],
    pub live_count: i64,
}

impl<'a> Operand<'a> {
    pub fn new(x: &'a [u64], live: &'a [u64]) -> Self {
        Operand { x, live, live_count: ones(live) }
    }
}

impl Dense {
    /// Packs `weights`, with the weights of the neurons that `flip` names inverted: their sums change sign.
    pub fn new(weights: &BitMatrix, flip: impl Fn(usize) -> bool) -> Dense {
        let (rows, words) = (weights.rows(), weights.words_per_row());
        let mut packed = vec![[0; BLOCK]; rows.div_ceil(BLOCK) * words];
        for row in 0..rows {
            for (i, &word) in weights.row(row).iter().enumerate() {
                packed[row / BLOCK * words + i][row % BLOCK] = if flip(row) { !word } else { word };
            }
        }
        Dense { rows, words, weights: packed }
    }

    pub fn blocks(&self) -> usize {
        self.rows.div_ceil(BLOCK)
    }

    /// Words that hold one bit for each neuron.
    pub fn output_words(&self) -> usize {
        self.rows.div_ceil(64)
    }

    /// The sums of the neurons of `block`: live inputs that match their weight, minus live inputs that do not.
    #[inline(always)]
    pub fn sums(&self, block: usize, input: Operand) -> Block {
        let mut matches = [0; BLOCK];
        let weights = &self.weights[block * self.words..(block + 1) * self.words];
        for ((weight, &x), &live) in weights.iter().zip(input.x).zip(input.live) {
            for (m, &w) in matches.iter_mut().zip(weight) {
                *m += i64::from((!(w ^ x) & live).count_ones());
            }
        }
        matches.map(|m| 2 * m - input.live_count)
    }
}

/// `values`, one for each of some neurons, arranged by blocks; `fill` stands for neurons that are not there.
pub(super) fn by_blocks(values: impl ExactSizeIterator<Item = i64>, fill: i64) -> Vec<Block> {
    let mut blocks = vec![[fill; BLOCK]; values.len().div_ceil(BLOCK)];
    for (i, value) in values.enumerate() {
        blocks[i / BLOCK][i % BLOCK] = value;
    }
    blocks
}

/// Number of bits set in `words`.
pub(super) fn ones(words: &[u64]) -> i64 {
    words.iter().map(|w| i64::from(w.count_ones())).sum()
}

/// Words whose `n` lowest bits are set.
pub(super) fn full(n: usize) -> Vec<u64> {
    (0..n.div_ceil(64)).map(|i| if n - 64 * i >= 64 { u64::MAX } else { (1 << (n - 64 * i)) - 1 }).collect()
}
