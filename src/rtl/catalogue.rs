//! Every hardware block there is: what it is for, where it is written, and a small example of it.
//!
//! `docs/blocks.md`, the snapshots of the emitted text and the lint of each block on its own are made from this table, so
//! a block that has a row is documented and tested.

use super::RtlError;
use super::buffer::Buffer;
use super::control::Control;
use super::dropout::Dropout;
use super::input::InputBuffer;
use super::lane::{Lane, Source};
use super::layer::Layer;
use super::logits::Logits;
use super::pe::{Pe, PeKind};
use super::popcount::Popcount;
use super::replay::Replay;
use super::skew::Skew;
use crate::leaf;
use crate::net::{BitMatrix, Output, Random};
use crate::plan::LayerPlan;
use crate::verilog::VerilogFile;

/// A block of the catalogue.
pub struct Block {
    /// Short name, unique in the catalogue.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub purpose: &'static str,
    /// File of its generator.
    pub source: &'static str,
    emit: fn() -> Result<Vec<VerilogFile>, RtlError>,
}

impl Block {
    /// A small instance: the block's own module, and the modules that are emitted with it.
    pub fn example(&self) -> Result<(VerilogFile, Vec<VerilogFile>), RtlError> {
        let mut files = (self.emit)()?;
        match files.pop() {
            Some(own) => Ok((own, files)),
            None => {
                Err(RtlError::Unsupported(format!("block `{}` has nothing to emit at its example's size", self.name)))
            }
        }
    }
}

/// All blocks, in the order in which data meets them.
pub fn catalogue() -> Vec<Block> {
    let block = |name, source, emit, purpose| Block { name, purpose, source, emit };
    vec![
        block("input", "src/rtl/input.rs", input, "Holds two images, bit plane by bit plane."),
        block("buffer-bits", "src/rtl/buffer.rs", || buffer(false), "Holds two frames of activations of one lane."),
        block(
            "buffer-rails",
            "src/rtl/buffer.rs",
            || buffer(true),
            "The same where activations may be dropped: two rails, so that masking costs a neuron nothing.",
        ),
        block(
            "skew",
            "src/rtl/skew.rs",
            skew,
            "Delays the bits of a word to the clocks in which `popcount` takes them.",
        ),
        block("popcount", "src/rtl/popcount.rs", popcount, "Counts ones, pipelined, by gap-carry words."),
        block(
            "pe-dense",
            "src/rtl/pe.rs",
            || pe(PeKind::Dense { planes: 1 }, false, 16),
            "A neuron of a layer whose inputs are all live.",
        ),
        block(
            "pe-planes",
            "src/rtl/pe.rs",
            || pe(PeKind::Dense { planes: 4 }, false, 16 * 15),
            "A neuron of the first layer at inputs of several bits: one bit plane after the other.",
        ),
        block("pe-masked", "src/rtl/pe.rs", || pe(PeKind::Masked, true, 16), "A neuron behind a dropout unit."),
        block("pe-sum", "src/rtl/pe.rs", || pe(PeKind::Sum, false, 16), "An output neuron: its sum leaves it."),
        block(
            "pe-sum-masked",
            "src/rtl/pe.rs",
            || pe(PeKind::Sum, true, 16),
            "An output neuron behind a dropout unit.",
        ),
        block("lane", "src/rtl/lane.rs", lane, "The activations of one pass and the neurons that read them."),
        block(
            "layer-first",
            "src/rtl/layer.rs",
            || layer(0, false),
            "The first layer: takes images from the input stream.",
        ),
        block(
            "layer-hidden",
            "src/rtl/layer.rs",
            || layer(1, false),
            "A folded layer: weight memory, thresholds, sequencer, and a lane for each pass at once.",
        ),
        block("layer-output", "src/rtl/layer.rs", || layer(1, true), "The output layer: sums instead of activations."),
        block(
            "replay",
            "src/rtl/replay.rs",
            replay,
            "Where an image becomes passes: sends what was computed once to every group of passes.",
        ),
        block(
            "dropout-lane",
            "src/rtl/dropout.rs",
            dropout_lane,
            "The random streams of the passes of one lane, and their live masks.",
        ),
        block(
            "dropout",
            "src/rtl/dropout.rs",
            dropout,
            "The dropout unit of a layer: live masks drawn ahead of the layer.",
        ),
        block(
            "logits",
            "src/rtl/logits.rs",
            logits,
            "Sums become logits; logits of all passes become sum, squares, votes and decision.",
        ),
        block("control", "src/rtl/control.rs", control, "Registers, counters, and the start of the random streams."),
        block("lfsr-leap", "src/leaf/lfsr_leap.rs", lfsr_leap, "The state of an LFSR some steps ahead, and the draw."),
        block("dropout-unit", "src/leaf/dropout_unit.rs", dropout_unit, "Compares a draw with the probability code."),
        block(
            "stream-jump",
            "src/leaf/stream_jump.rs",
            stream_jump,
            "Walks from the start of a stream to the next one's.",
        ),
    ]
}

fn input() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![InputBuffer { simd: 4, words: 2, bits: 3, signed: true }.emit()?])
}

fn buffer(masked: bool) -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![Buffer { simd: 4, words: 2, beat: 2, masked }.emit()?])
}

fn skew() -> Result<Vec<VerilogFile>, RtlError> {
    Skew::new(16).map(|skew| Ok(skew.emit()?)).into_iter().collect()
}

fn popcount() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![Popcount::new(16).emit()?])
}

fn pe(kind: PeKind, rails: bool, largest: u64) -> Result<Vec<VerilogFile>, RtlError> {
    let pe = Pe { kind, simd: 8, largest, rails };
    Ok(vec![Popcount::new(pe.simd).emit()?, pe.emit()?])
}

fn lane() -> Result<Vec<VerilogFile>, RtlError> {
    let source = Source::Layer(Buffer { simd: 8, words: 2, beat: 4, masked: true });
    let pe = Pe { kind: PeKind::Masked, simd: 8, largest: 16, rails: true };
    Ok(Lane { source, pe, count: 2 }.emit()?)
}

fn layer(index: usize, output: bool) -> Result<Vec<VerilogFile>, RtlError> {
    let first = index == 0;
    let plan = LayerPlan {
        inputs: 16,
        outputs: 4,
        pe: 2,
        simd: 8,
        lanes: if first { 1 } else { 2 },
        planes: if first { 3 } else { 1 },
        masked: !first,
        unit: None,
    };
    let beat = if first { 0 } else { 4 };
    Ok(Layer {
        name: format!("example_layer{index}"),
        index,
        plan,
        beat,
        signed: first,
        output,
        early: if first { 0 } else { 2 },
    }
    .emit()?)
}

fn replay() -> Result<Vec<VerilogFile>, RtlError> {
    let name = "example_replay".to_string();
    Ok(vec![Replay { name, pe: 4, beats: 2, lanes: 2, max_groups: 4, clocks: 2, dropout: true }.emit()?])
}

fn dropout() -> Result<Vec<VerilogFile>, RtlError> {
    let random = Random { lfsr_bits: 32, code_bits: 8 };
    Dropout { pe: 4, draws: 2, beats: 2, lanes: 2, max_groups: 4, random }.emit()
}

fn dropout_lane() -> Result<Vec<VerilogFile>, RtlError> {
    let mut files = dropout()?;
    files.pop();
    Ok(files)
}

fn logits() -> Result<Vec<VerilogFile>, RtlError> {
    let output = Output {
        weights: BitMatrix::zeros(4, 16),
        scale: vec![3, -5, 7, 1],
        offset: vec![10, 0, -20, 4],
        shift: 2,
        frac_bits: 2,
        logit_bits: 8,
        temperature: 1.0,
    };
    let (pe, lanes, max_groups, max_passes) = (2, 2, 4, 8);
    let name = "example_logits".to_string();
    Ok(vec![Logits { name, output: &output, pe, lanes, max_groups, max_passes, masked: true }.emit()?])
}

fn control() -> Result<Vec<VerilogFile>, RtlError> {
    let random = Random { lfsr_bits: 32, code_bits: 8 };
    let name = "example_control".to_string();
    Control { name, codes: vec![26, 51], passes: 4, max_passes: 8, lanes: 2, root: 1, random }.emit()
}

fn lfsr_leap() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![leaf::lfsr_leap(32, 8)?])
}

fn dropout_unit() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![leaf::dropout_unit(8)?])
}

fn stream_jump() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![leaf::stream_jump(32)?])
}
