//! One pass of one image, layer by layer: for finding where hardware first differs.

use super::dense::Operand;
use super::layers::Planes;
use super::passes::Runner;
use super::{Golden, GoldenError, dense::Block, first_largest};
use crate::random::stream_start;

/// Everything that one pass of one image computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Hidden layers in network order.
    pub hidden: Vec<HiddenTrace>,
    /// Sums of the output layer, one a class.
    pub output_sums: Vec<i64>,
    /// One a class.
    pub logits: Vec<i32>,
    /// The class that the pass votes for.
    pub class: usize,
}

/// A hidden layer in a pass; vectors have one entry a neuron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenTrace {
    /// Sums before the threshold.
    pub sums: Vec<i64>,
    /// Activation bits: true is +1.
    pub active: Vec<bool>,
    /// Live bits of the activations.
    pub live: Vec<bool>,
}

impl Golden {
    /// What pass `pass` of `image`, number `n` since the streams were started, computes.
    pub fn trace(&self, image: &[i16], n: u64, pass: u32) -> Result<Trace, GoldenError> {
        self.check_image(0, image)?;
        let (bits, layers) = (self.random.lfsr_bits, self.stochastic_layers);
        let starts: Result<Vec<u64>, _> =
            (0..layers).map(|layer| stream_start(self.root, bits, layers, layer, pass)).collect();
        let live = Runner::drawing(self, &starts?, 1, n.into())?.live_bits();

        let mut planes = Planes::new(self.input);
        planes.load(image);
        let mut hidden = Vec::with_capacity(self.hidden.len());
        let mut x: Vec<u64> = vec![];
        for (l, layer) in self.hidden.iter().enumerate() {
            let sums = |block| -> Block {
                match l {
                    0 => layer.image_sums(block, &planes),
                    _ => layer.dense.sums(block, Operand::new(&x, &live[l - 1])),
                }
            };
            let next: Vec<u64> = (0..layer.dense.output_words()).map(|word| layer.fire(word, sums)).collect();
            hidden.push(HiddenTrace {
                sums: layer.contract_sums(sums),
                active: unpack(&next, layer.dense.rows),
                live: unpack(&live[l], layer.dense.rows),
            });
            x = next;
        }

        let operand = Operand::new(&x, &live[self.hidden.len() - 1]);
        let blocks = 0..self.output.dense.blocks();
        let (mut output_sums, mut logits) = (vec![], vec![]);
        for block in blocks {
            let sums = self.output.dense.sums(block, operand);
            output_sums.extend(sums);
            logits.extend(self.output.logits(block, sums));
        }
        output_sums.truncate(self.classes());
        logits.truncate(self.classes());
        Ok(Trace { hidden, class: first_largest(&logits), output_sums, logits })
    }
}

fn unpack(words: &[u64], n: usize) -> Vec<bool> {
    (0..n).map(|i| words[i / 64] >> (i % 64) & 1 == 1).collect()
}
