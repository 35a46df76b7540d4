//! Convolutions on packed bits: what a kernel covers at each position, and pooling (`docs/semantics.md` §2).

use super::dense::{GROUP, LaneWords};
use crate::net::{Conv, PoolKind};

/// How a convolution with `channels` neurons reads and pools maps whose values are bits in a row.
pub(super) struct Windows {
    channels: usize,
    /// Words of what a kernel covers.
    words: usize,
    /// Of each position of the sums: from the layer's inputs to what the kernel covers.
    taps: Vec<Vec<Piece>>,
    pool: Option<Pooling>,
}

struct Pooling {
    kind: PoolKind,
    /// Of each pooled position: the positions that it covers.
    windows: Vec<Vec<usize>>,
}

/// Bits of one word that go to one word: `len` of them, from bit `from` to bit `to` of the whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub from: usize,
    pub to: usize,
    pub len: usize,
}

impl Piece {
    /// The pieces of `len` bits.
    pub fn run(mut from: usize, mut to: usize, mut len: usize) -> impl Iterator<Item = Piece> {
        std::iter::from_fn(move || {
            let piece = Piece { from, to, len: len.min(64 - from % 64).min(64 - to % 64) };
            (from, to, len) = (from + piece.len, to + piece.len, len - piece.len);
            (piece.len > 0).then_some(piece)
        })
    }

    pub fn moved(self, word: u64) -> u64 {
        (word >> (self.from % 64) & (u64::MAX >> (64 - self.len))) << (self.to % 64)
    }
}

impl Windows {
    pub fn new(conv: Conv, channels: usize) -> Windows {
        let (rows, cols) = conv.summed();
        let positions = (0..rows).flat_map(|y| (0..cols).map(move |x| (y, x)));
        let pool = conv.pool.map(|pool| {
            let (pooled_rows, pooled_cols) = conv.positions();
            let windows = (0..pooled_rows).flat_map(|y| (0..pooled_cols).map(move |x| (y, x))).map(|(y, x)| {
                let (y, x) = (y * pool.stride.0, x * pool.stride.1);
                (0..pool.size.0).flat_map(|dy| (0..pool.size.1).map(move |dx| (y + dy) * cols + x + dx)).collect()
            });
            Pooling { kind: pool.kind, windows: windows.collect() }
        });
        Windows {
            channels,
            words: conv.taps().div_ceil(64),
            taps: positions.map(|(y, x)| pieces(conv, y, x)).collect(),
            pool,
        }
    }

    /// Positions of the sums.
    pub fn positions(&self) -> usize {
        self.taps.len()
    }

    /// Positions at which neurons decide: before or after pooling.
    pub fn deciding(&self) -> usize {
        match &self.pool {
            Some(Pooling { kind: PoolKind::Max | PoolKind::Sum, windows }) => windows.len(),
            _ => self.positions(),
        }
    }

    /// What the kernel covers at a position, of bits `map`; 0 outside the map.
    pub fn covered(&self, position: usize, map: &[u64]) -> Vec<u64> {
        let mut covered = vec![0; self.words];
        for piece in &self.taps[position] {
            covered[piece.to / 64] |= piece.moved(map[piece.from / 64]);
        }
        covered
    }

    /// The same of a group of lanes.
    pub fn covered_lanes(&self, position: usize, group: usize, map: &[LaneWords], covered: &mut [LaneWords]) {
        covered.iter_mut().for_each(|word| word[group] = [0; GROUP]);
        for piece in &self.taps[position] {
            for (to, &from) in covered[piece.to / 64][group].iter_mut().zip(&map[piece.from / 64][group]) {
                *to |= piece.moved(from);
            }
        }
    }

    /// Words of what a kernel covers.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Pools sums, `positions × channels`; those of channels that `negated` names have the other sign.
    pub fn pooled<S: Copy>(
        &self,
        sums: Vec<S>,
        largest: impl Fn(S, S, bool) -> S,
        total: impl Fn(S, S) -> S,
        negated: &[bool],
    ) -> Vec<S> {
        let Some(Pooling { kind, windows }) = self.pool.as_ref().filter(|pool| pool.kind != PoolKind::Or) else {
            return sums;
        };
        let mut pooled = Vec::with_capacity(windows.len() * self.channels);
        for window in windows {
            for (o, &negated) in negated.iter().enumerate() {
                let of_window = window.iter().map(|position| sums[position * self.channels + o]);
                let one =
                    of_window.reduce(|a, b| if *kind == PoolKind::Max { largest(a, b, negated) } else { total(a, b) });
                pooled.extend(one);
            }
        }
        pooled
    }

    /// Pools activation bits, `positions × channels`, where pooling comes after the threshold.
    pub fn any(&self, bits: Vec<u64>) -> Vec<u64> {
        let Some(Pooling { windows, .. }) = self.pool.as_ref().filter(|pool| pool.kind == PoolKind::Or) else {
            return bits;
        };
        let mut pooled = vec![0; (windows.len() * self.channels).div_ceil(64)];
        for (n, window) in windows.iter().enumerate() {
            for position in window {
                for piece in Piece::run(position * self.channels, n * self.channels, self.channels) {
                    pooled[piece.to / 64] |= piece.moved(bits[piece.from / 64]);
                }
            }
        }
        pooled
    }
}

/// What the kernel covers at (y, x), row by row of the kernel.
fn pieces(conv: Conv, y: usize, x: usize) -> Vec<Piece> {
    let Conv { input, kernel, stride, pad, .. } = conv;
    let (top, left) = (y * stride.0, x * stride.1);
    let mut pieces = vec![];
    // Kernel columns inside the map.
    let first = pad.left.saturating_sub(left);
    let end = kernel.1.min((input.width + pad.left).saturating_sub(left));
    for ky in 0..kernel.0 {
        let Some(row) = (top + ky).checked_sub(pad.top).filter(|&row| row < input.height) else { continue };
        if first < end {
            let from = (row * input.width + left + first - pad.left) * input.channels;
            let to = (ky * kernel.1 + first) * input.channels;
            pieces.extend(Piece::run(from, to, (end - first) * input.channels));
        }
    }
    pieces
}

/// `count` times the first `len` bits of `bits` in a row.
pub(super) fn repeated(bits: &[LaneWords], len: usize, count: usize, out: &mut [LaneWords]) {
    out.iter_mut().for_each(|word| word.as_flattened_mut().fill(0));
    for n in 0..count {
        for piece in Piece::run(0, n * len, len) {
            let from = bits[piece.from / 64].as_flattened();
            for (to, &from) in out[piece.to / 64].as_flattened_mut().iter_mut().zip(from) {
                *to |= piece.moved(from);
            }
        }
    }
}
