//! One pass of one image, layer by layer: for finding where hardware first differs.

use super::dense::{Operand, Reads};
use super::layers::{HiddenLayer, Planes};
use super::runner::{Rows, Runner};
use super::{Golden, GoldenError, first_largest};
use crate::net::Place;

/// Everything that one pass of one image computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Live bits of the inputs.
    pub inputs_live: Vec<bool>,
    /// Hidden layers in network order.
    pub hidden: Vec<HiddenTrace>,
    /// Sums of the output layer, one a class.
    pub output_sums: Vec<i64>,
    /// One a class.
    pub logits: Vec<i32>,
    /// The class that the pass votes for.
    pub class: usize,
}

/// A hidden layer in a pass; vectors have one entry an activation (sums that are pooled as activation bits: one each).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenTrace {
    /// Sums before the threshold, or what stands in its place.
    pub sums: Vec<i64>,
    /// Activation bits: true is +1.
    pub active: Vec<bool>,
    /// Live bits of the activations.
    pub live: Vec<bool>,
}

impl Golden {
    /// What pass `pass` of `image` computes, number `n` of those that reached the pass since the streams were started.
    pub fn trace(&self, image: &[i16], n: u64, pass: u32) -> Result<Trace, GoldenError> {
        self.check_image(0, image)?;
        let first = u128::from(pass) * u128::from(self.streams);
        let start = |stream: u32| self.generator.start(self.root, first + u128::from(stream));
        let starts: Vec<u64> = (0..self.streams).map(start).collect();
        let rows = Rows { count: 1, first: n.into(), distance: 0 };
        let mut runner = Runner::drawing(self, &starts, 1, rows)?;
        let (inputs_live, draws) = (runner.next_inputs(), runner.next_draws());
        let keys = runner.next_keys();
        let reads = |layer: usize| Reads { key: keys[layer], first: 0 };
        let output = &self.output.crossbars[runner.next_output()];

        let image = Planes::new(self.input, image);
        let mut hidden = Vec::with_capacity(self.hidden.len());
        let (mut x, mut live): (Vec<u64>, Vec<u64>) = (vec![], vec![]);
        let added = |hidden: &[HiddenTrace], layer: &HiddenLayer| Some(hidden[layer.residual?].sums.clone());
        for (l, (layer, (kept, numbers))) in self.hidden.iter().zip(draws).enumerate() {
            let draw = || numbers.as_ref().map(|numbers| |u: usize| numbers[u]);
            let chosen = layer.chosen(draw(), self.random.code_bits);
            let planes = match l {
                0 if self.input_drawing.is_some() => vec![(1, image.kept(&inputs_live))],
                0 => image.operands(),
                _ => vec![(1, Operand::new(&x, &live))],
            };
            let sums = layer.sums(chosen, &planes, added(&hidden, layer).as_deref(), reads(l));
            let mut next = layer.fire(chosen, |row| sums[row], draw());
            live = kept;
            if layer.place() == Some(Place::BeforeSign) {
                for ((next, live), &all) in next.iter_mut().zip(&mut live).zip(&layer.all_live) {
                    *next |= !*live & all;
                    *live = all;
                }
            }
            hidden.push(HiddenTrace {
                sums: layer.crossbars[chosen].contract_sums(&sums),
                active: unpack(&next, layer.size),
                live: unpack(&live, layer.size),
            });
            x = next;
        }
        let operand = Operand::new(&x, &live);
        let output_sums = output.dense.sums(&[(1, operand)], reads(self.hidden.len()));
        let logits: Vec<i32> = output_sums.iter().enumerate().map(|(c, &sum)| output.logit(c, sum)).collect();
        let inputs_live = unpack(&inputs_live, self.input.features);
        Ok(Trace { inputs_live, hidden, class: first_largest(&logits), output_sums, logits })
    }
}

fn unpack(words: &[u64], n: usize) -> Vec<bool> {
    (0..n).map(|i| words[i / 64] >> (i % 64) & 1 == 1).collect()
}
