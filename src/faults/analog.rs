//! Networks whose cells conduct more or less than they should: sums of reals, rounded to integers as a converter does.
//!
//! A column gives
//!
//! ```text
//! a = round(gain · Σ live · conductance · w · x + offset)
//! ```
//!
//! and everything after the sum is the contract's (`docs/semantics.md`), draws included. Without faults every conductance and
//! gain is 1 and every offset 0: then sums are exact in double precision, and this is what the golden model computes.

use super::draws::{ByPass, Draws, OfImage};
use super::neurons::{activations, chosen};
use super::{Die, Fault, FaultError};
use crate::golden::GoldenError;
use crate::net::{BitMatrix, Images, Method, NetError, Network, Weights};
use rayon::prelude::*;

/// Columns of activations that are multiplied at once: images in the first layer, passes in the others.
const LANES: usize = 8;
/// Images that take their draws one after another; where the next begin, streams are positioned anew.
const CHUNK: usize = 64;

/// A faulty copy of a network.
pub struct Analog<'n> {
    network: &'n Network,
    /// By layer, the output layer last.
    layers: Vec<Vec<Crossbar>>,
}

/// The sums of all neurons of a crossbar, several columns of activations at once.
type Sums = Vec<[i64; LANES]>;

/// What the first layer has to go on.
enum First<'a> {
    /// Its sums by crossbar, and which column of them is the image's.
    Sums(&'a [Sums], usize),
    /// The inputs of a pass, by block of passes and pass in it.
    Inputs(&'a dyn Fn(usize, usize) -> Vec<f64>),
}

/// Cells, one row a neuron.
struct Crossbar {
    inputs: usize,
    /// Weight times conductance, added up over its planes, row by row.
    cells: Vec<f64>,
    /// Gain and offset of each neuron.
    columns: Vec<(f64, f64)>,
}

impl Crossbar {
    fn new(weights: &Weights, die: &Die, number: usize) -> Crossbar {
        let mut random = die.random(number);
        let (rows, inputs) = (weights.rows(), weights.cols());
        let mut cells = Vec::with_capacity(rows * inputs);
        for row in 0..rows {
            for col in 0..inputs {
                let mut conductance = || match die.fault {
                    Fault::Conductance => (1.0 + die.rate * random.normal()).max(0.0),
                    _ => 1.0,
                };
                let sign = |plane: &BitMatrix| if plane.get(row, col) { 1.0 } else { -1.0 };
                let planes = weights.planes().iter().enumerate();
                cells.push(planes.map(|(j, plane)| sign(plane) * f64::from(1 << j) * conductance()).sum());
            }
        }
        let mut column = || {
            let (gain, offset) = (random.normal(), random.normal());
            ((1.0 + die.rate * gain).max(0.0), die.rate * (inputs as f64).sqrt() * offset)
        };
        let columns = match die.fault {
            Fault::Drift => vec![column(); rows],
            Fault::Columns => (0..rows).map(|_| column()).collect(),
            _ => vec![(1.0, 0.0); rows],
        };
        Crossbar { inputs, cells, columns }
    }

    /// The sums of all neurons, for several columns of activations.
    fn sums(&self, x: &[[f64; LANES]]) -> Sums {
        let sum = |(row, &(gain, offset)): (&[f64], &(f64, f64))| {
            let mut sums = [0.0; LANES];
            for (&cell, x) in row.iter().zip(x) {
                sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += cell * x);
            }
            sums.map(|sum| (gain * sum + offset).round() as i64)
        };
        self.cells.chunks(self.inputs).zip(&self.columns).map(sum).collect()
    }
}

impl<'n> Analog<'n> {
    /// The network of a die; refuses one that does not pass [`Network::check`], one with convolutions or residuals, and one whose
    /// dropout units are devices.
    pub fn new(network: &'n Network, die: &Die) -> Result<Analog<'n>, NetError> {
        network.check()?;
        if let Some(stream) = network.chip.devices.iter().position(Option::is_some) {
            let (network, place) = (network.name.clone(), format!("device of stream {stream}"));
            let what =
                "drifting cells are supported beside ideal dropout units alone, flipped and stuck ones beside any"
                    .into();
            return Err(NetError::Invalid { network, place, what });
        }
        if let Some(layer) = network.hidden.iter().position(|layer| layer.conv.is_some() || layer.residual.is_some()) {
            let (network, place) = (network.name.clone(), format!("layer {layer}"));
            let what =
                "a convolution or a residual; drifting cells are supported in dense layers without residuals alone, flipped and stuck ones in all"
                    .into();
            return Err(NetError::Invalid { network, place, what });
        }
        let mut number = 0;
        let mut crossbar = |weights: &Weights| {
            number += 1;
            Crossbar::new(weights, die, number - 1)
        };
        let mut layers = vec![];
        for layer in &network.hidden {
            let mut crossbars = vec![crossbar(&layer.weights)];
            if let Some(Method::Spinbayes(m)) = &layer.method {
                crossbars.extend(m.others.iter().map(|c| crossbar(&c.weights)));
            }
            layers.push(crossbars);
        }
        let output = std::iter::once(&network.output.weights).chain(network.output.others.iter().map(|c| &c.weights));
        layers.push(output.map(crossbar).collect());
        Ok(Analog { network, layers })
    }

    /// Runs images that count from 0, and keeps what `each` makes of a decision and the logits, `passes × classes`.
    pub fn run_with<R: Send>(
        &self,
        images: &Images,
        passes: u32,
        each: impl Fn(usize, &[i64]) -> R + Sync,
    ) -> Result<Vec<R>, FaultError> {
        if passes == 0 {
            return Err(GoldenError::NoPass.into());
        }
        let (found, expected) = (images.features(), self.network.input.features);
        if found != expected {
            return Err(GoldenError::Features { found, expected }.into());
        }
        let starts: Vec<usize> = (0..images.len()).step_by(CHUNK).collect();
        let chunk = |&start: &usize| {
            let mut draws = Draws::new(self.network, passes, start).map_err(GoldenError::from)?;
            let mut results = vec![];
            let end = images.len().min(start + CHUNK);
            for first in (start..end).step_by(LANES) {
                let lanes: Vec<&[i16]> = (first..end.min(first + LANES)).map(|i| images.image(i)).collect();
                let sums = self.first_sums(&lanes);
                for (lane, image) in lanes.iter().enumerate() {
                    let draws = draws.next_image();
                    let logits = match self.network.input.dropout {
                        Some(code) => {
                            let dropped = |block: usize, p: usize| self.inputs(image, code, &draws.input[block + p]);
                            self.logits(&First::Inputs(&dropped), &draws, passes as usize)
                        }
                        None => self.logits(&First::Sums(&sums, lane), &draws, passes as usize),
                    };
                    results.push(each(self.decision(&logits), &logits));
                }
            }
            Ok(results)
        };
        let chunks: Result<Vec<Vec<R>>, FaultError> = starts.par_iter().map(chunk).collect();
        Ok(chunks?.into_iter().flatten().collect())
    }

    fn value(&self, v: i16) -> f64 {
        f64::from(if self.network.input.bits == 1 { 2 * v - 1 } else { v })
    }

    /// The inputs of a pass that drops some of them.
    fn inputs(&self, image: &[i16], code: u32, draws: &[u32]) -> Vec<f64> {
        image.iter().zip(draws).map(|(&v, &r)| if r < code { 0.0 } else { self.value(v) }).collect()
    }

    /// The sums of the first layer, by crossbar: the same in all passes, unless inputs are dropped.
    fn first_sums(&self, images: &[&[i16]]) -> Vec<Sums> {
        if self.network.input.dropout.is_some() {
            return vec![];
        }
        let x = |i: usize| std::array::from_fn(|lane| images.get(lane).map_or(0.0, |image| self.value(image[i])));
        let x: Vec<[f64; LANES]> = (0..self.network.input.features).map(x).collect();
        self.layers[0].iter().map(|crossbar| crossbar.sums(&x)).collect()
    }

    /// The logits of all passes of an image.
    fn logits(&self, first: &First, draws: &OfImage, passes: usize) -> Vec<i64> {
        let code_bits = self.network.random.code_bits;
        let mut logits = vec![];
        for block in (0..passes).step_by(LANES) {
            let lanes = LANES.min(passes - block);
            let mut x: Vec<[f64; LANES]> = match first {
                First::Sums(..) => vec![],
                First::Inputs(of_pass) => {
                    let passes: Vec<Vec<f64>> = (0..lanes).map(|p| of_pass(block, p)).collect();
                    let column = |i: usize| std::array::from_fn(|p| passes.get(p).map_or(0.0, |pass| pass[i]));
                    (0..self.network.input.features).map(column).collect()
                }
            };
            for (l, crossbars) in self.layers.iter().enumerate() {
                let drawn: &ByPass = draws.hidden.get(l).unwrap_or(&draws.output);
                let of_pass = |p: usize| drawn.get(block + p).map_or(&[][..], Vec::as_slice);
                let choices: Vec<usize> = (0..lanes).map(|p| chosen(crossbars.len(), of_pass(p), code_bits)).collect();
                let given = if let (0, First::Sums(sums, lane)) = (l, first) { Some((*sums, *lane)) } else { None };
                let sums: Vec<Sums> = match given {
                    Some(_) => vec![],
                    None => crossbars
                        .iter()
                        .enumerate()
                        .map(|(n, crossbar)| if choices.contains(&n) { crossbar.sums(&x) } else { vec![] })
                        .collect(),
                };
                let of = |p: usize| -> Vec<i64> {
                    let (sums, column) = given.unwrap_or((&sums, p));
                    sums[choices[p]].iter().map(|sum| sum[column]).collect()
                };
                let Some(layer) = self.network.hidden.get(l) else {
                    for (p, &choice) in choices.iter().enumerate() {
                        logits.extend(of(p).iter().enumerate().map(|(c, &sum)| self.logit(choice, c, sum)));
                    }
                    continue;
                };
                x = vec![[0.0; LANES]; layer.weights.rows()];
                for (p, &choice) in choices.iter().enumerate() {
                    let active = activations(layer, choice, &of(p), of_pass(p));
                    x.iter_mut().zip(active).for_each(|(x, active)| x[p] = active.into());
                }
            }
        }
        logits
    }

    fn logit(&self, crossbar: usize, class: usize, sum: i64) -> i64 {
        let output = &self.network.output;
        let (scale, offset) = match crossbar.checked_sub(1) {
            None => (output.scale[class], output.offset[class]),
            Some(other) => (output.others[other].scale[class], output.others[other].offset[class]),
        };
        let exact = i128::from(scale) * i128::from(sum) + i128::from(offset);
        (exact >> output.shift) as i64
    }

    /// The class of the largest sum over passes; the first of several.
    fn decision(&self, logits: &[i64]) -> usize {
        let classes = self.network.classes();
        let sum = |c: usize| logits.iter().skip(c).step_by(classes).sum::<i64>();
        (1..classes).fold(0, |best, c| if sum(c) > sum(best) { c } else { best })
    }
}
