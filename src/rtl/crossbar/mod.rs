//! Layers on arrays that are read in parts (`docs/semantics.md` §9): word-line groups, their converters, errors of reading.

mod control;
mod converter;
mod element;
mod hash;
mod images;
mod lane;

pub use control::Sequence;
pub use converter::Converter;
pub use hash::ReadHash;
pub use images::{codes, gains, starts};
pub use lane::CrossbarLane;

use super::signed_width;
use super::sums::Sums;
use crate::plan::{ArrayPlan, Gains, LayerPlan};

/// The array of a layer: what its lanes and their neurons share. Clocks count from the address of a word.
#[derive(Clone, Debug)]
pub struct Crossbar {
    /// Name of the layer's module, after which those of the array and its memory images are called.
    pub name: String,
    pub array: ArrayPlan,
    pub plan: LayerPlan,
    /// Input values of several bits are two's complement.
    pub signed: bool,
}

impl Crossbar {
    /// Clocks after which rails and weights are there.
    const FETCHED: u32 = 2;
    /// Clocks after which the hash of a read is there: its number takes one.
    const HASHED: u32 = 1 + ReadHash::ROUNDS;

    fn simd(&self) -> u32 {
        self.plan.simd as u32
    }

    /// Words that a group takes.
    fn span(&self) -> u32 {
        self.array.span(self.plan.simd, self.plan.inputs) as u32
    }

    /// Groups in a word.
    fn at_once(&self) -> u32 {
        self.array.at_once(self.plan.simd) as u32
    }

    /// Groups of a neuron.
    fn groups(&self) -> u32 {
        self.plan.inputs.div_ceil(self.array.group) as u32
    }

    /// Inputs of a group, at most.
    fn most_inputs(&self) -> u32 {
        self.array.group.min(self.plan.inputs) as u32
    }

    fn converter(&self) -> Converter {
        let ArrayPlan { gains, bits, shift, .. } = self.array;
        Converter { most: self.most_inputs(), gains, bits, shift }
    }

    /// Bits of a number of inputs of a group.
    fn count_bits(&self) -> u32 {
        self.converter().sum_bits() - 1
    }

    /// Bits of the sums of the groups in a word.
    fn part_bits(&self) -> u32 {
        signed_width(self.converter().largest() * i128::from(self.at_once()))
    }

    /// Bits of a neuron's sum, which leaves as sum + the most that it can be.
    pub fn sum_bits(&self) -> u32 {
        Sums::bits(self.array.most)
    }

    /// Clocks after which the matches of a group are counted.
    fn counted(&self) -> u32 {
        Self::FETCHED + 1 + u32::from(self.span() > 1)
    }

    /// Clocks after which they have their errors: by table, then by comparison.
    fn erred(&self) -> u32 {
        if self.array.errors { Self::HASHED + 2 } else { self.counted() }
    }

    /// Clocks after which what the groups of a word give is there.
    fn added(&self) -> u32 {
        self.erred() + self.converter().latency() + u32::from(self.at_once() > 1)
    }

    /// Clocks from the last read address of a neuron to its sum.
    pub fn latency(&self) -> u32 {
        self.added() + 1
    }

    /// Whether inputs may be none: dropped, or bits of a plane that are 0.
    fn counts_live(&self) -> bool {
        self.plan.masked || self.plan.planes > 1
    }

    pub fn codes_file(&self) -> String {
        format!("{}_read_errors.hex", self.name)
    }

    pub fn gains_file(&self) -> String {
        format!("{}_gains.hex", self.name)
    }

    pub fn starts_file(&self) -> String {
        format!("{}_offsets.hex", self.name)
    }

    /// Whether gains come from a memory.
    fn gains_differ(&self) -> bool {
        self.array.gains == Gains::Each
    }
}
