//! Running the passes of an image, in blocks of up to 64.

use super::layers::Planes;
use super::masks::Masks;
use super::{Golden, dense::BLOCK, dense::Operand};
use crate::random::{Jump, Lanes, RandomError};

/// Passes computed together: one in each lane of a word.
const LANES: usize = 64;

/// Runs images one after another, all passes of each.
pub(super) struct Runner<'g> {
    golden: &'g Golden,
    blocks: Vec<PassBlock>,
    planes: Planes,
    /// Activation and live bits of the layer in work: `words` words a pass.
    x: Vec<u64>,
    live: Vec<u64>,
    next_x: Vec<u64>,
    /// Logits of the image: `passes × classes`.
    logits: Vec<i32>,
}

/// Up to 64 passes, with the masks of each hidden layer.
struct PassBlock {
    passes: usize,
    masks: Vec<Masks>,
}

impl<'g> Runner<'g> {
    /// A runner of all passes, whose stream starts are `starts` (see [`Golden::stream_starts`]), from image `first` on.
    pub fn drawing(golden: &'g Golden, starts: &[u64], passes: usize, first: u128) -> Result<Self, RandomError> {
        let layers = golden.stochastic_layers as usize;
        let mut blocks = Vec::with_capacity(passes.div_ceil(LANES));
        let jumps: Vec<Jump> = golden.hidden.iter().map(|l| golden.jump_to_image(l.dense.rows, first)).collect();
        for start in (0..passes).step_by(LANES) {
            let passes = LANES.min(passes - start);
            let mut masks = Vec::with_capacity(golden.hidden.len());
            for (layer, jump) in golden.hidden.iter().zip(&jumps) {
                masks.push(match layer.dropout {
                    None => Masks::Constant { live: true },
                    Some(units) if units.code == 0 => Masks::Constant { live: true },
                    Some(units) if units.code == 1 << golden.random.code_bits => Masks::Constant { live: false },
                    Some(units) => {
                        let state = |pass| jump.apply(starts[(start + pass) * layers + units.layer as usize]);
                        let states: Vec<u64> = (0..passes).map(state).collect();
                        let lanes = Lanes::new(golden.random.lfsr_bits, &states)?;
                        Masks::Drawn { lanes, code: units.code, code_bits: golden.random.code_bits }
                    }
                });
            }
            blocks.push(PassBlock { passes, masks });
        }
        Ok(Runner::of(golden, blocks))
    }

    /// A runner of one pass in which every code is 0.
    pub fn deterministic(golden: &'g Golden) -> Self {
        let masks = golden.hidden.iter().map(|_| Masks::Constant { live: true }).collect();
        Runner::of(golden, vec![PassBlock { passes: 1, masks }])
    }

    fn of(golden: &'g Golden, blocks: Vec<PassBlock>) -> Self {
        let planes = Planes::new(golden.input);
        Runner { golden, blocks, planes, x: vec![], live: vec![], next_x: vec![], logits: vec![] }
    }

    /// The logits of every pass of the next image: `passes × classes`.
    pub fn next_image(&mut self, image: &[i16]) -> &[i32] {
        let golden = self.golden;
        let once = self.once_per_image(image);
        let first = golden.once_per_image - 1;
        self.logits.clear();
        for PassBlock { passes, masks } in &mut self.blocks {
            self.x.clear();
            (0..*passes).for_each(|_| self.x.extend_from_slice(&once));
            for (l, layer) in golden.hidden.iter().enumerate().skip(first) {
                if l > first {
                    golden.fire(l, *passes, &self.x, &self.live, &mut self.next_x);
                    std::mem::swap(&mut self.x, &mut self.next_x);
                }
                masks[l].next_image(layer.dense.rows, &layer.all_live, *passes, &mut self.live);
            }
            golden.logits_of(&self.x, &self.live, &mut self.logits);
        }
        &self.logits
    }

    /// Activation bits of the last layer that is the same in all passes.
    fn once_per_image(&mut self, image: &[i16]) -> Vec<u64> {
        self.planes.load(image);
        let hidden = &self.golden.hidden[..self.golden.once_per_image];
        let mut x: Vec<u64> = vec![];
        for (l, layer) in hidden.iter().enumerate() {
            let words = 0..layer.dense.output_words();
            x = match l {
                0 => words.map(|w| layer.fire(w, |b| layer.image_sums(b, &self.planes))).collect(),
                _ => {
                    let operand = Operand::new(&x, &hidden[l - 1].all_live);
                    words.map(|w| layer.fire(w, |b| layer.dense.sums(b, operand))).collect()
                }
            };
        }
        x
    }

    /// Live bits of each hidden layer in the only pass of this runner, for the next image.
    pub fn live_bits(&mut self) -> Vec<Vec<u64>> {
        let layers = self.golden.hidden.iter().zip(&mut self.blocks[0].masks);
        let bits = layers.map(|(layer, masks)| {
            let mut live = vec![];
            masks.next_image(layer.dense.rows, &layer.all_live, 1, &mut live);
            live
        });
        bits.collect()
    }
}

impl Golden {
    /// Hidden layer `l` in some passes: weights of 64 neurons stay at hand while the passes go by.
    fn fire(&self, l: usize, passes: usize, x: &[u64], live: &[u64], next: &mut Vec<u64>) {
        let layer = &self.hidden[l];
        let (words, outputs) = (x.len() / passes, layer.dense.output_words());
        next.clear();
        next.resize(outputs * passes, 0);
        for word in 0..outputs {
            for (pass, (x, live)) in x.chunks_exact(words).zip(live.chunks_exact(words)).enumerate() {
                let operand = Operand::new(x, live);
                next[pass * outputs + word] = layer.fire(word, |b| layer.dense.sums(b, operand));
            }
        }
    }

    /// Appends the logits of some passes.
    fn logits_of(&self, x: &[u64], live: &[u64], logits: &mut Vec<i32>) {
        let (dense, classes) = (&self.output.dense, self.classes());
        let words = self.hidden[self.hidden.len() - 1].dense.output_words();
        for (x, live) in x.chunks_exact(words).zip(live.chunks_exact(words)) {
            let operand = Operand::new(x, live);
            for block in 0..dense.blocks() {
                let z = self.output.logits(block, dense.sums(block, operand));
                logits.extend_from_slice(&z[..BLOCK.min(classes - BLOCK * block)]);
            }
        }
    }
}
