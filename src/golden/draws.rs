//! What the layers of many lanes draw, image by image (`docs/semantics.md` §3 and §4). A lane is one pass of one image.

use super::dense::{GROUP, LaneWords, full};
use super::devices::UnitLanes;
use super::masks::Masks;
use super::windows::repeated;
use crate::random::{LANES, Lanes};

/// The draws of one layer in every lane.
pub(super) enum Draws {
    /// The layer has no method, or nothing is drawn.
    None,
    /// SpinDrop: which neurons are kept.
    Masks(Masks),
    /// Spatial-SpinDrop: which of `maps` feature maps are kept.
    Maps { masks: Masks, maps: usize, kept: Vec<LaneWords> },
    /// Other methods: the numbers themselves.
    Numbers { lanes: Lanes, count: usize, code_bits: u32, numbers: Vec<[u16; LANES]> },
    /// The same of units that are devices: 0 where they drop, 1 elsewhere.
    Decisions { units: UnitLanes, numbers: Vec<[u16; LANES]> },
}

impl Draws {
    pub fn numbers(lanes: Lanes, count: usize, code_bits: u32) -> Draws {
        Draws::Numbers { lanes, count, code_bits, numbers: vec![[0; LANES]; count] }
    }

    pub fn decisions(units: UnitLanes, count: usize) -> Draws {
        Draws::Decisions { units, numbers: vec![[0; LANES]; count] }
    }

    pub fn maps(masks: Masks, maps: usize) -> Draws {
        Draws::Maps { masks, maps, kept: vec![[[0; GROUP]; LANES / GROUP]; maps.div_ceil(64)] }
    }

    /// Takes the draws of the next image in every lane, of a layer that has no live bits.
    pub fn next_choices(&mut self) {
        self.next_image(0, &[], &mut []);
    }

    /// Takes the draws of the next image in every lane; `live` gets which of `activations` activations are kept.
    pub fn next_image(&mut self, activations: usize, all_live: &[u64], live: &mut [LaneWords]) {
        match self {
            Draws::Masks(masks) => return masks.next_image(activations, all_live, live),
            Draws::Maps { masks, maps, kept } => {
                masks.next_image(*maps, &full(*maps), kept);
                return repeated(kept, *maps, activations / *maps, &mut live[..all_live.len()]);
            }
            Draws::None => {}
            Draws::Decisions { units, numbers } => {
                for (number, dropped) in numbers.iter_mut().zip(units.next_image()) {
                    *number = std::array::from_fn(|l| (!dropped[l / 64] >> (l % 64) & 1) as u16);
                }
            }
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
    pub fn of_lane(&self, lane: usize) -> Option<impl Fn(usize) -> u32 + Copy> {
        match self {
            Draws::Numbers { numbers, .. } | Draws::Decisions { numbers, .. } => {
                Some(move |u: usize| u32::from(numbers[u][lane]))
            }
            _ => None,
        }
    }
}
