//! A layer as the walk gathers it, and the inputs.

use super::Options;
use crate::model::{BatchNorm, Dense, Dropout, Encoding, Method};
use crate::net::{Conv, Place, Weights};
use serde::Deserialize;

/// What a hidden layer is to have, whatever the graph or the other options say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choice {
    pub method: Option<Chosen>,
    /// Probability of dropping.
    pub p: Option<f64>,
    pub place: Option<Place>,
}

/// A method that needs no trained parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chosen {
    None,
    Spindrop,
    SpatialSpindrop,
}

impl Choice {
    /// Says what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        match (self.method, self.p) {
            (Some(Chosen::None), Some(_)) => Err("method \"none\" with a p; leave p out".into()),
            (Some(Chosen::Spindrop | Chosen::SpatialSpindrop), None) => {
                Err("a method without p, the probability of dropping".into())
            }
            (None, Some(_)) => Err("p without a method; use \"spindrop\" or \"spatial-spindrop\"".into()),
            (_, Some(p)) if !(p > 0.0 && p < 1.0) => Err(format!("p {p}; above 0 and below 1")),
            _ if self.place.is_some() && self.p.is_none() => Err("a place without a method".into()),
            _ => Ok(()),
        }
    }
}

/// What the first layer reads.
pub struct Input {
    pub features: usize,
    pub bits: u32,
    pub signed: bool,
}

impl Input {
    /// From bytes of `depth` bits: by their half for 1 bit, else their highest bits.
    pub fn encoding(&self, depth: u32) -> Encoding {
        match self.bits {
            1 => Encoding::Threshold { at: 1 << (depth - 1) },
            k => Encoding::Shift { right: depth.saturating_sub(k) },
        }
    }
}

/// Sums of integer weights, and `gain · sum + offset` of them.
pub struct Layer {
    pub rows: usize,
    pub cols: usize,
    /// Odd integers, row by row, in the order in which the layer before gives its values.
    pub weights: Vec<i32>,
    pub conv: Option<Conv>,
    pub residual: Option<usize>,
    pub gain: Vec<f64>,
    pub offset: Vec<f64>,
    pub dropout: Option<(f64, Place)>,
    /// How often its sums were pooled or added to.
    pub state: usize,
    /// Whether gain and offset are those that decide.
    pub decided: bool,
}

impl Layer {
    /// A layer as a node of weights says it, of (outputs, inputs).
    pub fn new(
        (rows, cols): (usize, usize),
        weights: Vec<i32>,
        conv: Option<Conv>,
        gain: Vec<f64>,
        offset: Vec<f64>,
    ) -> Layer {
        Layer { rows, cols, weights, conv, residual: None, gain, offset, dropout: None, state: 0, decided: false }
    }

    pub fn model(self, last: bool, options: &Options, choice: Choice) -> Dense {
        let most = self.weights.iter().map(|w| w.unsigned_abs()).max().unwrap_or(1);
        let planes = (u32::BITS - most.leading_zeros()) as usize;
        let weights = Weights::from_values(planes, self.rows, self.cols, |o, i| self.weights[o * self.cols + i]);
        let spatial = |spatial, p, place| match spatial {
            true => Method::SpatialSpindrop(Dropout { p, place }),
            false => Method::Spindrop(Dropout { p, place }),
        };
        let method = match (self.dropout, options.dropout) {
            _ if last || choice.method == Some(Chosen::None) => None,
            _ if let Some((method, p)) = choice.method.zip(choice.p) => {
                Some(spatial(method == Chosen::SpatialSpindrop, p, choice.place.unwrap_or_default()))
            }
            (Some((p, place)), _) => Some(spatial(options.spatial, p, place)),
            (None, Some(all)) => Some(spatial(all.spatial, all.p, Place::AfterSign)),
            (None, None) => None,
        };
        // gamma·(a − 0)/sqrt(1 + 0) + beta
        let (mean, var) = (vec![0.0; self.rows], vec![1.0; self.rows]);
        let norm = BatchNorm { gamma: self.gain, beta: self.offset, mean, var, eps: 0.0 };
        Dense { weights, bias: None, norm: Some(norm), method, conv: self.conv, residual: self.residual }
    }
}

/// Integer weights and a scale a row, of rows of `cols` floats each.
pub fn weights(values: &[f64], cols: usize) -> Result<(Vec<i32>, Vec<f64>), String> {
    let mut integers = Vec::with_capacity(values.len());
    let mut scales = Vec::with_capacity(values.len() / cols.max(1));
    for (row, of_row) in values.chunks_exact(cols.max(1)).enumerate() {
        let scale = of_row.iter().map(|w| w.abs()).fold(f64::INFINITY, f64::min);
        if !(scale.is_finite() && scale > 0.0) {
            return Err(format!(
                "output {row} has a weight of {scale}; weights are ±1, or odd multiples of a step: put a BipolarQuant before"
            ));
        }
        for (i, w) in of_row.iter().enumerate() {
            let ratio = w / scale;
            let near = ratio.round();
            if (ratio - near).abs() > 1e-4 || near.abs() > 127.0 || near as i32 % 2 == 0 {
                return Err(format!(
                    "output {row}, input {i}: {w} is no odd multiple, up to 127, of the row's least weight {scale}; put a \
                     BipolarQuant before"
                ));
            }
            integers.push(near as i32);
        }
        scales.push(scale);
    }
    Ok((integers, scales))
}
