//! Weights of several levels, as planes of bits (`docs/semantics.md` §1).

use super::BitMatrix;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most planes of a weight.
pub const MAX_WEIGHT_PLANES: usize = 8;

/// One row a neuron, one column an input: the odd integers `w = Σ 2^j · s_j` of planes whose bits mean s_j = ±1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Of equal shape, that of value 1 first; at least one.
    planes: Vec<BitMatrix>,
}

impl Weights {
    /// Binary weights of −1.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Weights { planes: vec![BitMatrix::zeros(rows, cols)] }
    }

    /// Binary weights: +1 where `bit(row, col)` is true, −1 elsewhere.
    pub fn from_fn(rows: usize, cols: usize, bit: impl FnMut(usize, usize) -> bool) -> Self {
        Weights { planes: vec![BitMatrix::from_fn(rows, cols, bit)] }
    }

    /// Weights of `planes` planes from their values: those that no weight has are taken for the next lower one that it has, and
    /// what lies beyond the least or greatest for that.
    pub fn from_values(planes: usize, rows: usize, cols: usize, value: impl Fn(usize, usize) -> i32) -> Self {
        assert!((1..=MAX_WEIGHT_PLANES).contains(&planes), "1 to {MAX_WEIGHT_PLANES} planes, not {planes}");
        let most = (1 << planes) - 1;
        // The bits of a weight are those of its place among all levels.
        let level = |r, c| (value(r, c).clamp(-most, most) + most) >> 1;
        let plane = |j| BitMatrix::from_fn(rows, cols, |r, c| level(r, c) >> j & 1 == 1);
        Weights { planes: (0..planes).map(plane).collect() }
    }

    /// Weights of these planes, that of value 1 first; at least one, all of one shape.
    pub(crate) fn of_planes(planes: Vec<BitMatrix>) -> Self {
        debug_assert!(planes.iter().all(|p| (p.rows(), p.cols()) == (planes[0].rows(), planes[0].cols())));
        Weights { planes }
    }

    pub fn rows(&self) -> usize {
        self.planes[0].rows()
    }

    pub fn cols(&self) -> usize {
        self.planes[0].cols()
    }

    /// The planes, that of value 1 first.
    pub fn planes(&self) -> &[BitMatrix] {
        &self.planes
    }

    pub fn planes_mut(&mut self) -> &mut [BitMatrix] {
        &mut self.planes
    }

    /// Largest magnitude of a weight: 2^planes − 1.
    pub fn most(&self) -> i64 {
        (1 << self.planes.len()) - 1
    }

    pub fn value(&self, row: usize, col: usize) -> i32 {
        self.planes.iter().enumerate().map(|(j, plane)| if plane.get(row, col) { 1 << j } else { -(1 << j) }).sum()
    }

    /// The sum of a neuron's weights.
    pub fn row_sum(&self, row: usize) -> i64 {
        let of_plane = |plane: &BitMatrix| 2 * i64::from(plane.count_ones_in_row(row)) - plane.cols() as i64;
        self.planes.iter().enumerate().map(|(j, plane)| of_plane(plane) << j).sum()
    }

    /// Weight bits: those of all planes.
    pub fn bits(&self) -> usize {
        self.planes.len() * self.rows() * self.cols()
    }
}

/// On disk, binary weights are their bits; others a list of planes, that of value 1 first.
#[derive(Deserialize)]
#[serde(untagged)]
enum OnDisk {
    Planes { planes: Vec<serde_json::Value> },
    Binary(serde_json::Value),
}

#[derive(Serialize)]
struct Several<'a> {
    planes: &'a [BitMatrix],
}

impl Serialize for Weights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.planes[..] {
            [binary] => binary.serialize(serializer),
            planes => Several { planes }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let planes = match OnDisk::deserialize(deserializer)? {
            OnDisk::Planes { planes } => planes,
            OnDisk::Binary(binary) => vec![binary],
        };
        let planes: Vec<BitMatrix> = planes
            .into_iter()
            .enumerate()
            .map(|(j, plane)| serde_json::from_value(plane).map_err(|e| D::Error::custom(format!("plane {j}: {e}"))))
            .collect::<Result<_, _>>()?;
        if !(1..=MAX_WEIGHT_PLANES).contains(&planes.len()) {
            let found = planes.len();
            return Err(D::Error::custom(format!("weights of {found} planes; 1 to {MAX_WEIGHT_PLANES} are supported")));
        }
        let shape = |plane: &BitMatrix| (plane.rows(), plane.cols());
        if let Some(j) = planes.iter().position(|plane| shape(plane) != shape(&planes[0])) {
            let ((r, c), (rows, cols)) = (shape(&planes[j]), shape(&planes[0]));
            return Err(D::Error::custom(format!("plane {j} of weights: {r} × {c}, but plane 0 is {rows} × {cols}")));
        }
        Ok(Weights { planes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_lie_on_the_levels() {
        for planes in 1..=MAX_WEIGHT_PLANES {
            let most = (1 << planes) - 1;
            let cols = 1 << planes;
            let weights = Weights::from_values(planes, 1, cols, |_, c| 2 * c as i32 - most);
            assert!((0..cols).all(|c| weights.value(0, c) == 2 * c as i32 - most));
            assert_eq!((weights.row_sum(0), weights.most(), weights.bits()), (0, most.into(), planes * cols));
        }
        let beyond = Weights::from_values(2, 1, 4, |_, c| [-9, 9, 0, 2][c]);
        assert_eq!([0, 1, 2, 3].map(|c| beyond.value(0, c)), [-3, 3, -1, 1]);
    }

    #[test]
    fn binary_weights_are_stored_as_ever_and_several_planes_as_a_list() {
        for (planes, start) in [(1, "{\"cols\""), (3, "{\"planes\"")] {
            let weights = Weights::from_values(planes, 3, 70, |r, c| (r * 31 + c * 17) as i32 % 15 - 7);
            let text = serde_json::to_string(&weights).unwrap();
            assert!(text.starts_with(start), "{text}");
            assert_eq!(serde_json::from_str::<Weights>(&text).unwrap(), weights);
        }
        let refused = |text: &str| serde_json::from_str::<Weights>(text).unwrap_err().to_string();
        assert!(refused("{\"planes\": []}").contains("0 planes; 1 to 8"));
        let ragged = "{\"planes\": [{\"cols\": 4, \"rows\": [\"f\"]}, {\"cols\": 3, \"rows\": [\"7\"]}]}";
        assert!(refused(ragged).contains("plane 1 of weights: 1 × 3, but plane 0 is 1 × 4"));
        assert!(refused("{\"cols\": 4, \"rows\": [\"ff\"]}").contains("expected 1 hexadecimal"));
    }
}
