//! A matrix of weight bits, packed 64 to a word along its columns.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `rows × cols` bits. Column `c` of a row is bit `c % 64` of word `c / 64`; bits past the last column are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitMatrix {
    rows: usize,
    cols: usize,
    words: Vec<u64>,
}

impl BitMatrix {
    pub fn zeros(rows: usize, cols: usize) -> Self {
        BitMatrix { rows, cols, words: vec![0; rows * cols.div_ceil(64)] }
    }

    /// A matrix whose bit (row, col) is `bit(row, col)`.
    pub fn from_fn(rows: usize, cols: usize, mut bit: impl FnMut(usize, usize) -> bool) -> Self {
        let mut m = Self::zeros(rows, cols);
        for r in 0..rows {
            for c in 0..cols {
                m.set(r, c, bit(r, c));
            }
        }
        m
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    pub fn words_per_row(&self) -> usize {
        self.cols.div_ceil(64)
    }

    pub fn row(&self, row: usize) -> &[u64] {
        let n = self.words_per_row();
        &self.words[row * n..(row + 1) * n]
    }

    pub fn get(&self, row: usize, col: usize) -> bool {
        debug_assert!(col < self.cols);
        self.row(row)[col / 64] >> (col % 64) & 1 == 1
    }

    pub fn set(&mut self, row: usize, col: usize, bit: bool) {
        debug_assert!(col < self.cols);
        let word = &mut self.words[row * self.cols.div_ceil(64) + col / 64];
        *word = *word & !(1 << (col % 64)) | (bit as u64) << (col % 64);
    }

    /// Replaces word `word` of a row; bits past the last column stay 0.
    pub fn set_word(&mut self, row: usize, word: usize, bits: u64) {
        let n = self.words_per_row();
        let used = self.cols - 64 * word;
        self.words[row * n + word] = if used < 64 { bits & ((1 << used) - 1) } else { bits };
    }

    pub fn count_ones_in_row(&self, row: usize) -> u32 {
        self.row(row).iter().map(|w| w.count_ones()).sum()
    }
}

/// On disk: the number of columns and one hexadecimal string a row, most significant digit (highest column) first.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDisk {
    cols: usize,
    rows: Vec<String>,
}

impl Serialize for BitMatrix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.cols.div_ceil(4);
        let hex = |r: usize| {
            let all: String = self.row(r).iter().rev().map(|w| format!("{w:016x}")).collect();
            all[all.len() - digits..].to_string()
        };
        OnDisk { cols: self.cols, rows: (0..self.rows).map(hex).collect() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BitMatrix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let disk = OnDisk::deserialize(deserializer)?;
        let digits = disk.cols.div_ceil(4);
        let mut words = Vec::with_capacity(disk.rows.len() * disk.cols.div_ceil(64));
        for (r, hex) in disk.rows.iter().enumerate() {
            if hex.len() != digits || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(D::Error::custom(format!("weight row {r}: expected {digits} hexadecimal digits")));
            }
            let mut end = digits;
            for w in 0..disk.cols.div_ceil(64) {
                let start = end.saturating_sub(16);
                let word = u64::from_str_radix(&hex[start..end], 16).map_err(D::Error::custom)?;
                let used = disk.cols - 64 * w;
                if used < 64 && word >> used != 0 {
                    return Err(D::Error::custom(format!("weight row {r}: bits set beyond column {}", disk.cols)));
                }
                words.push(word);
                end = start;
            }
        }
        Ok(BitMatrix { rows: disk.rows.len(), cols: disk.cols, words })
    }
}
