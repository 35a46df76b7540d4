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

use super::draws::Draws;
use super::neurons::{activations, chosen};
use super::{Die, Fault, FaultError};
use crate::golden::GoldenError;
use crate::net::{BitMatrix, Images, Method, NetError, Network};
use rayon::prelude::*;

/// Columns of activations that are multiplied at once: images in the first layer, passes in the others.
const LANES: usize = 8;
/// Images that take their draws one after another; where the next begin, streams are positioned anew.
const CHUNK: usize = 64;

/// A faulty copy of a network.
pub struct Analog<'n> {
    network: &'n Network,
    /// Of each hidden layer.
    hidden: Vec<Vec<Crossbar>>,
    output: Crossbar,
}

/// Cells, one row a neuron.
struct Crossbar {
    inputs: usize,
    /// Weight times conductance, row by row.
    cells: Vec<f64>,
    /// Gain and offset of each neuron.
    columns: Vec<(f64, f64)>,
}

impl Crossbar {
    fn new(weights: &BitMatrix, die: &Die, number: usize) -> Crossbar {
        let mut random = die.random(number);
        let (rows, inputs) = (weights.rows(), weights.cols());
        let mut cells = Vec::with_capacity(rows * inputs);
        for row in 0..rows {
            for col in 0..inputs {
                let conductance = match die.fault {
                    Fault::Conductance => (1.0 + die.rate * random.normal()).max(0.0),
                    _ => 1.0,
                };
                cells.push(if weights.get(row, col) { conductance } else { -conductance });
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
    fn sums(&self, x: &[[f64; LANES]]) -> Vec<[i64; LANES]> {
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
    /// The network of a die; refuses one that does not pass [`Network::check`].
    pub fn new(network: &'n Network, die: &Die) -> Result<Analog<'n>, NetError> {
        network.check()?;
        let mut number = 0;
        let mut crossbar = |weights: &BitMatrix| {
            number += 1;
            Crossbar::new(weights, die, number - 1)
        };
        let mut hidden = vec![];
        for layer in &network.hidden {
            let mut crossbars = vec![crossbar(&layer.weights)];
            if let Some(Method::Spinbayes(m)) = &layer.method {
                crossbars.extend(m.others.iter().map(|c| crossbar(&c.weights)));
            }
            hidden.push(crossbars);
        }
        Ok(Analog { network, hidden, output: crossbar(&network.output.weights) })
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
                for lane in 0..lanes.len() {
                    let logits = self.logits(&sums, lane, &draws.next_image(), passes as usize);
                    results.push(each(self.decision(&logits), &logits));
                }
            }
            Ok(results)
        };
        let chunks: Result<Vec<Vec<R>>, FaultError> = starts.par_iter().map(chunk).collect();
        Ok(chunks?.into_iter().flatten().collect())
    }

    /// The sums of the first layer, by crossbar: the same in all passes.
    fn first_sums(&self, images: &[&[i16]]) -> Vec<Vec<[i64; LANES]>> {
        let one_bit = self.network.input.bits == 1;
        let value = |v: i16| f64::from(if one_bit { 2 * v - 1 } else { v });
        let x = |i: usize| std::array::from_fn(|lane| images.get(lane).map_or(0.0, |image| value(image[i])));
        let x: Vec<[f64; LANES]> = (0..self.network.input.features).map(x).collect();
        self.hidden[0].iter().map(|crossbar| crossbar.sums(&x)).collect()
    }

    /// The logits of all passes of the image in `lane`.
    fn logits(&self, first: &[Vec<[i64; LANES]>], lane: usize, draws: &[Vec<Vec<u32>>], passes: usize) -> Vec<i64> {
        let mut logits = vec![];
        for block in (0..passes).step_by(LANES) {
            let lanes = LANES.min(passes - block);
            let mut x: Vec<[f64; LANES]> = vec![];
            for (l, layer) in self.network.hidden.iter().enumerate() {
                let of_pass = |p: usize| draws[l].get(block + p).map_or(&[][..], Vec::as_slice);
                let choices: Vec<usize> =
                    (0..lanes).map(|p| chosen(layer, of_pass(p), self.network.random.code_bits)).collect();
                let sums: Vec<Vec<[i64; LANES]>> = match l {
                    0 => vec![],
                    _ => self.hidden[l]
                        .iter()
                        .enumerate()
                        .map(|(n, crossbar)| if choices.contains(&n) { crossbar.sums(&x) } else { vec![] })
                        .collect(),
                };
                x = vec![[0.0; LANES]; layer.weights.rows()];
                for (p, &choice) in choices.iter().enumerate() {
                    let (sums, column) = if l == 0 { (&first[choice], lane) } else { (&sums[choice], p) };
                    let sums: Vec<i64> = sums.iter().map(|sum| sum[column]).collect();
                    let active = activations(layer, choice, &sums, of_pass(p));
                    x.iter_mut().zip(active).for_each(|(x, active)| x[p] = active.into());
                }
            }
            let sums = self.output.sums(&x);
            for p in 0..lanes {
                logits.extend(sums.iter().enumerate().map(|(c, sum)| self.logit(c, sum[p])));
            }
        }
        logits
    }

    fn logit(&self, class: usize, sum: i64) -> i64 {
        let output = &self.network.output;
        let exact = i128::from(output.scale[class]) * i128::from(sum) + i128::from(output.offset[class]);
        (exact >> output.shift) as i64
    }

    /// The class of the largest sum over passes; the first of several.
    fn decision(&self, logits: &[i64]) -> usize {
        let classes = self.network.classes();
        let sum = |c: usize| logits.iter().skip(c).step_by(classes).sum::<i64>();
        (1..classes).fold(0, |best, c| if sum(c) > sum(best) { c } else { best })
    }
}
