//! What the layers of many lanes draw, image by image (`docs/semantics.md` §3 and §4). A lane is one pass of one image.

use super::dense::LaneWords;
use super::masks::Masks;
use crate::random::{LANES, Lanes};

/// The draws of one layer in every lane.
pub(super) enum Draws {
    /// The layer has no method, or nothing is drawn.
    None,
    /// SpinDrop: which neurons are kept.
    Masks(Masks),
    /// Other methods: the numbers themselves.
    Numbers { lanes: Lanes, count: usize, code_bits: u32, numbers: Vec<[u16; LANES]> },
}

impl Draws {
    pub fn numbers(lanes: Lanes, count: usize, code_bits: u32) -> Draws {
        Draws::Numbers { lanes, count, code_bits, numbers: vec![[0; LANES]; count] }
    }

    /// Takes the draws of the next image in every lane, of a layer that has no live bits.
    pub fn next_choices(&mut self) {
        self.next_image(0, &[], &mut []);
    }

    /// Takes the draws of the next image in every lane; `live` gets which of `neurons` neurons are kept.
    pub fn next_image(&mut self, neurons: usize, all_live: &[u64], live: &mut [LaneWords]) {
        match self {
            Draws::Masks(masks) => return masks.next_image(neurons, all_live, live),
            Draws::None => {}
            Draws::Numbers { lanes, count, code_bits, numbers } => {
                let k = *code_bits as usize;
                for (number, bits) in numbers.iter_mut().zip(lanes.next_bits(*count * k).chunks_exact(k)) {
                    *number = [0; LANES];
                    for (j, bits) in bits.iter().enumerate() {
                        for (l, r) in number.iter_mut().enumerate() {
                            *r |= ((bits[l / 64] >> (l % 64) & 1) as u16) << j;
                        }
                    }
                }
            }
        }
        for (live, &all) in live.iter_mut().zip(all_live) {
            live.as_flattened_mut().fill(all);
        }
    }

    /// Draw `u` of lane `lane`, if this layer draws numbers.
    pub fn of_lane(&self, lane: usize) -> Option<impl Fn(usize) -> u32> {
        match self {
            Draws::Numbers { numbers, .. } => Some(move |u: usize| u32::from(numbers[u][lane])),
            _ => None,
        }
    }
}
