//! The memories of a plan, as far as its sizes tell.
//!
//! Contents are not known here: bits of a table that are the same in all words are counted, and so are a few bits of constants whose
//! widths come from their values. [`crate::cosim::memories`] has the memories of a design, and is exact.

use super::Around;
use super::features::{Place, accumulator, bits};
use crate::board::Family;
use crate::net::{Network, OCTAVE_BITS};
use crate::plan::memory::{Held, Shape, Style, is_small};
use crate::plan::{Kind, LayerPlan, Plan};

/// A shape, and how many memories have it.
pub type Kept = (Shape, usize);

/// Words of two banks that are told apart by an index.
fn banks(words: usize) -> u64 {
    2 * words.next_power_of_two().max(2) as u64
}

/// A table that a host may write through the port that reads it.
fn table(words: usize, width: usize, writable: bool) -> Shape {
    Shape { written: writable, reads_where_written: writable, ..Shape::table(words as u64, width as u64) }
}

/// As `mapping` in `cosim/synthesis.rs` has it for an iCE40.
fn small(family: Family, shape: Shape) -> Shape {
    let registers = family.is_ice40() && is_small(shape.words as usize, shape.width as usize);
    Shape { style: if registers { Style::Registers } else { Style::Block }, ..shape }
}

/// Weights, start values, buffers and windows of a layer, and what its neurons keep.
pub fn layer(l: &LayerPlan, place: Place, family: Family, writable: bool) -> Vec<Kept> {
    let Place { beat, last, lanes, behind } = place;
    if l.events > 0 {
        return of_differences(l, beat, behind);
    }
    let mut all = vec![];
    let crossbars = l.crossbars();
    let weights = table(crossbars * l.groups() * l.words(), l.weight_planes * l.pe * l.simd, writable);
    all.push((small(family, weights), 1));
    let thresholds = !last && !l.gives_sums();
    let rails = 1 + usize::from(l.masked);
    if thresholds {
        let zeros = usize::from(l.planes == 1);
        let starts = table(crossbars * l.groups() + zeros, l.pe * rails * accumulator(l, true), writable);
        all.push((small(family, starts), 1));
    }
    let of_image = beat == 0 || l.planes > 1;
    let into = if l.conv.is_some() { l.simd } else { beat.max(1) };
    let (width, columns) = if of_image { (l.simd * l.planes, 1) } else { (into * rails, (l.simd / into).max(1)) };
    all.push((Shape::buffer(banks(l.words()), width as u64), columns * l.lanes));
    if let Some(conv) = l.conv {
        let word = l.beat_values();
        let column = if beat == 0 { word } else { beat.min(word) };
        let rows = conv.kernel.0.max(conv.stride.0) + conv.stride.0;
        let words = rows * conv.input.width * (conv.input.channels / word);
        let padded = l.masked && !(beat == 0 && conv.pad.any());
        let width = l.lanes * column * l.planes * (1 + usize::from(padded));
        let places = if l.by_place() { conv.kernel.0 * conv.kernel.1 } else { 1 };
        all.push((Shape::buffer(words as u64, width as u64), places * (word / column)));
        if conv.pool.is_some() {
            let pooled = Shape::buffer((conv.input.width * l.groups()) as u64, (l.lanes * l.pe) as u64);
            let style = if family.is_ice40() { Style::Any } else { Style::Distributed };
            all.push((Shape { style, registered: false, reads_where_written: true, ..pooled }, 1));
        }
    }
    // Widths of parameters come from their values; these are those of the bundled models.
    let sum = accumulator(l, false);
    let (offset, room) = (if l.planes > 1 { sum } else { 0 }, if writable { 10 } else { 0 });
    let parameters = match l.kind {
        Kind::Scale { .. } => 2 * sum + 1,
        Kind::Subset { .. } => 58 + offset + 2 * room,
        Kind::Affine { .. } => 38 + offset + room,
        _ if l.summed.is_some() => sum + 2,
        _ => 0,
    };
    all.push((table(l.groups(), l.pe * parameters, writable), 1));
    if let Kind::Affine { .. } = l.kind {
        all.push((Shape::buffer(banks(l.groups()), (l.pe * (29 + room)) as u64), lanes));
    }
    all
}

/// Frames, the image's activations, and weights of a layer that takes differences, for each of those of a clock.
fn of_differences(l: &LayerPlan, beat: usize, behind: bool) -> Vec<Kept> {
    let slice = l.simd / l.events;
    let part = slice.min(beat);
    let words = l.words().next_power_of_two().max(2) as u64;
    let banks = if behind { 8 } else { 4 };
    let distributed = |words, width: usize| Shape { style: Style::Distributed, ..Shape::buffer(words, width as u64) };
    let frames = Shape { registered: false, ..distributed(banks * words, 2 * part) };
    let kept = Shape { reads_where_written: true, ..distributed(words, slice) };
    let weights = Shape::table(words * slice as u64, l.outputs as u64).block();
    let finders = l.lanes * l.events;
    vec![(frames, finders * (slice / part)), (kept, finders), (weights, finders)]
}

/// What stands beside the layers.
pub fn beside(network: &Network, plan: &Plan, family: Family, around: Around) -> Vec<Kept> {
    let mut all = vec![];
    let layers = plan.layers(network);
    let groups = plan.max_passes / plan.lanes;
    let state = u64::from(network.random.state_bits());
    if groups > 1 && network.streams() > 0 {
        let states = Shape::buffer(groups.next_power_of_two() as u64, state);
        all.push((states, network.streams() * plan.lanes));
    }
    if let Some(last) = network.once_per_image().checked_sub(1)
        && network.streams() > 0
    {
        let l = &layers[last];
        let (pixels, width) = match (l.decides_each_pass(), l.summed) {
            (false, _) => (l.pixels(), 1),
            (true, Some(sums)) => (l.deciding(), bits(2 * sums.decided as usize)),
            (true, None) => (l.deciding(), accumulator(l, false)),
        };
        all.push((Shape::buffer(banks(l.groups() * pixels), (l.pe * width) as u64), 1));
    }
    let (classes, logit) = (network.classes(), network.output.logit_bits as usize);
    let growth = bits(plan.max_passes - 1);
    let two_reads = |width: usize| Shape { reads: 2, ..Shape::buffer(banks(classes), width as u64) };
    let constants = table(layers.last().map_or(1, LayerPlan::crossbars) * classes, 2 * logit, around.writable);
    all.push((constants, 1));
    all.push((two_reads(3 * logit - 1 + 2 * growth), 1));
    let style = if family.is_ice40() { Style::Registers } else { Style::Any };
    all.push((Shape { style, ..two_reads(bits(plan.max_passes)) }, 1));
    if let Some(parts) = plan.uncertainty {
        let octave = 1 << OCTAVE_BITS;
        let logs = 1 + usize::from(parts.information);
        // Powers of two are read at two addresses; logarithms are those of the entropy, and of the information.
        all.push((Shape { reads: 2, ..Shape::table(octave, 17) }, 1));
        if parts.needs_entropy() {
            all.push((Shape::table(octave, OCTAVE_BITS.into()), logs));
        }
        let at_once = |words, width, reads| {
            let shape = Shape::buffer(words, width as u64);
            (Shape { reads, registered: false, reads_where_written: reads > 1, ..shape }, 1)
        };
        let (row, sum) = (plan.lanes * logit, network.output.probability_bits() as usize + bits(plan.max_passes));
        all.extend([at_once(banks(classes), row, 1), at_once(2, row, 1), at_once(banks(classes), sum, 3)]);
        if parts.squares {
            all.push(at_once(banks(classes), 32 + bits(plan.max_passes), 2));
        }
    }
    if around.uart {
        // Two images of whole bytes, at least.
        let image = (network.input.features * network.input.bits as usize).div_ceil(8);
        all.push((Shape::buffer(banks(image), 8).block(), 1));
    }
    all
}

/// What holds `memories` in `family`.
pub fn held(family: Family, memories: &[Kept]) -> Held {
    memories.iter().map(|(shape, times)| Held::of(family, shape) * *times as u64).sum()
}
