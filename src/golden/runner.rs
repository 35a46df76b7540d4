//! Running images: all passes of some images at once, one pass of one image to a lane.

use super::dense::{GROUP, LaneWords, Operand};
use super::layers::Planes;
use super::masks::Masks;
use super::{Golden, GoldenError};
use crate::random::{Jump, LANES, Lanes};

/// Runs several rows of images in step, each row one image after another, all passes of each.
pub(super) struct Runner<'g> {
    golden: &'g Golden,
    blocks: Vec<Block>,
    /// Activation and live bits of the layer in work, by words.
    x: Vec<LaneWords>,
    live: Vec<LaneWords>,
    next_x: Vec<LaneWords>,
    logits: Vec<i32>,
}

/// Passes computed together: all of several images, or some of one image. Lane `row·passes + pass`.
struct Block {
    passes: usize,
    /// Of each hidden layer.
    masks: Vec<Masks>,
}

/// Where the rows of a runner start: row r at image `first + r·distance`.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub count: usize,
    pub first: u128,
    pub distance: usize,
}

/// Rows that fill the lanes when an image has so many passes.
pub(super) fn rows_of(passes: usize) -> usize {
    (LANES / passes).max(1)
}

impl<'g> Runner<'g> {
    /// A runner of `passes` passes, whose stream starts are `starts` (see [`Golden::stream_starts`]).
    ///
    /// `rows.count` is at most [`rows_of`] the passes.
    pub fn drawing(golden: &'g Golden, starts: &[u64], passes: usize, rows: Rows) -> Result<Self, GoldenError> {
        let streams = golden.stochastic_layers as usize;
        let mut blocks = Vec::with_capacity(passes.div_ceil(LANES));
        for first_pass in (0..passes).step_by(LANES) {
            let passes = LANES.min(passes - first_pass);
            let mut masks = Vec::with_capacity(golden.hidden.len());
            for layer in &golden.hidden {
                masks.push(match layer.dropout {
                    None => Masks::Constant { live: true },
                    Some(units) if units.code == 0 => Masks::Constant { live: true },
                    Some(units) if units.code == 1 << golden.random.code_bits => Masks::Constant { live: false },
                    Some(units) => {
                        let start = |pass| starts[(first_pass + pass) * streams + units.layer as usize];
                        let mut states: Vec<u64> = (0..passes).map(start).collect();
                        golden.jump_to_image(layer.dense.rows, rows.first).apply_to_all(&mut states);
                        // One row gives the second, two give four, and so on.
                        let mut jump = golden.jump_to_image(layer.dense.rows, rows.distance as u128);
                        while states.len() < rows.count * passes {
                            let mut more = states.clone();
                            jump.apply_to_all(&mut more);
                            states.extend(more);
                            jump = jump.twice();
                        }
                        states.truncate(rows.count * passes);
                        let lanes = Lanes::new(golden.random.lfsr_bits, &states)?;
                        Masks::Drawn { lanes, code: units.code, code_bits: golden.random.code_bits }
                    }
                });
            }
            blocks.push(Block { passes, masks });
        }
        Ok(Runner::of(golden, blocks))
    }

    /// A runner of one pass in which every code is 0.
    pub fn deterministic(golden: &'g Golden) -> Self {
        let masks = golden.hidden.iter().map(|_| Masks::Constant { live: true }).collect();
        Runner::of(golden, vec![Block { passes: 1, masks }])
    }

    fn of(golden: &'g Golden, blocks: Vec<Block>) -> Self {
        let words = golden.hidden.iter().map(|l| l.dense.output_words()).max().unwrap_or(0);
        let zeros = || vec![[[0; GROUP]; LANES / GROUP]; words];
        Runner { golden, blocks, x: zeros(), live: zeros(), next_x: zeros(), logits: vec![] }
    }

    /// The logits of the next image of each row, `rows × passes × classes`.
    ///
    /// Rows may run out of images, the last row first: `images` holds those of the rows that go on.
    pub fn next_images(&mut self, images: &[&[i16]]) -> &[i32] {
        let Runner { golden, blocks, x, live, next_x, logits } = self;
        let once: Vec<Vec<u64>> = images.iter().map(|image| golden.once_per_image(image)).collect();
        let first = golden.once_per_image - 1;
        logits.clear();
        for Block { passes, masks } in blocks {
            let lanes = images.len() * *passes;
            for (row, once) in once.iter().enumerate() {
                for (x, &bits) in x.iter_mut().zip(once) {
                    x.as_flattened_mut()[row * *passes..][..*passes].fill(bits);
                }
            }
            for (l, layer) in golden.hidden.iter().enumerate().skip(first) {
                if l > first {
                    let words = golden.hidden[l - 1].dense.output_words();
                    layer.fire_lanes(lanes.div_ceil(GROUP), &x[..words], &live[..words], next_x);
                    std::mem::swap(x, next_x);
                }
                masks[l].next_image(layer.dense.rows, &layer.all_live, live);
            }
            let words = golden.hidden[golden.hidden.len() - 1].dense.output_words();
            golden.output.push_logits(lanes, &x[..words], &live[..words], logits);
        }
        logits
    }

    /// Live bits of each hidden layer in the first lane, for its next image.
    pub fn live_bits(&mut self) -> Vec<Vec<u64>> {
        let Runner { golden, blocks, live, .. } = self;
        let layers = golden.hidden.iter().zip(&mut blocks[0].masks);
        let bits = layers.map(|(layer, masks)| {
            masks.next_image(layer.dense.rows, &layer.all_live, live);
            live[..layer.dense.output_words()].iter().map(|word| word[0][0]).collect()
        });
        bits.collect()
    }
}

impl Golden {
    /// Activation bits of the last layer that is the same in all passes.
    fn once_per_image(&self, image: &[i16]) -> Vec<u64> {
        let planes = Planes::new(self.input, image);
        let hidden = &self.hidden[..self.once_per_image];
        let mut x = hidden[0].fire(&planes.operands());
        for (before, layer) in hidden.iter().zip(&hidden[1..]) {
            x = layer.fire(&[(1, Operand::new(&x, &before.all_live))]);
        }
        x
    }

    /// From the start of a stream to its first draw for image `n`, in a layer of `neurons` neurons.
    fn jump_to_image(&self, neurons: usize, n: u128) -> Jump {
        let steps = n * neurons as u128 * u128::from(self.random.code_bits);
        Jump::new(self.random.lfsr_bits, self.mask, steps)
    }
}
