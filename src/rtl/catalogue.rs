//! Every hardware block there is: what it is for, where it is written, and a small example of it.
//!
//! `docs/blocks.md`, the snapshots of the emitted text and the lint of each block on its own are made from this table, so
//! a block that has a row is documented and tested.

use super::RtlError;
use super::axi;
use super::buffer::Buffer;
use super::cells::Cells;
use super::control::Control;
use super::crossbar::{Converter, Crossbar, CrossbarLane, ReadHash};
use super::delta::Delta;
use super::draws::draws_at_once;
use super::entropy::Entropy;
use super::exp2::Exp2;
use super::hold::Hold;
use super::input::InputBuffer;
use super::intake::Intake;
use super::join::Join;
use super::lane::{self, Lane};
use super::layer::{Gives, Layer};
use super::log2::Log2;
use super::logits::{Early, Logits};
use super::mtj::Mtj;
use super::neurons::Neurons;
use super::passes::Passes;
use super::pe::{Pe, PeKind};
use super::popcount::Popcount;
use super::program::{Programmer, Region, What};
use super::queue::Queue;
use super::replay::{Drawn, Replay};
use super::skew::Skew;
use super::skip::Skip;
use super::softmax::Softmax;
use super::source;
use super::sums::{Reduce, Sums};
use super::uart::{Crc, Field, Host, Receive, Send};
use super::uncertainty::Uncertainty;
use super::unit::{Kind, Unit};
use super::window::Window;
use super::writable::Writable;
use crate::leaf;
use crate::net::{
    Affine, Conv, Cycle, Device, Direction, Drops, Family, Hidden, Map, Method, Output, Pad, Pool, PoolKind, Random,
    ScaleDropout, Source, Starts, Subset, Walk, Weights,
};
use crate::plan::{self, ArrayPlan, Gains, Kind as LayerKind, LayerPlan, Summed};
use crate::verilog::VerilogFile;

const SOURCES: &str = "src/rtl/source.rs";

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
            || pe(PeKind::Dense { planes: 1 }, 1, false, 16),
            "A neuron of a layer whose inputs are all live.",
        ),
        block(
            "pe-planes",
            "src/rtl/pe.rs",
            || pe(PeKind::Dense { planes: 4 }, 1, false, 16 * 15),
            "A neuron of the first layer at inputs of several bits: one bit plane after the other.",
        ),
        block("pe-masked", "src/rtl/pe.rs", || pe(PeKind::Masked, 1, true, 16), "A neuron behind a dropout unit."),
        block(
            "pe-levels",
            "src/rtl/pe.rs",
            || pe(PeKind::Masked, 2, true, 16 * 3),
            "The same with weights of four levels: two binary planes, the second counted twice.",
        ),
        block(
            "pe-sum",
            "src/rtl/pe.rs",
            || pe(PeKind::Sum { planes: 1 }, 1, false, 16),
            "An output neuron: its sum leaves it.",
        ),
        block(
            "pe-sum-masked",
            "src/rtl/pe.rs",
            || pe(PeKind::Sum { planes: 1 }, 1, true, 16),
            "An output neuron behind a dropout unit.",
        ),
        block("lane", "src/rtl/lane.rs", lane, "The activations of one pass and the neurons that read them."),
        block(
            "layer-first",
            "src/rtl/layer.rs",
            || layer(0, false, false),
            "The first layer: takes images from the input stream.",
        ),
        block(
            "layer-hidden",
            "src/rtl/layer.rs",
            || layer(1, false, false),
            "A folded layer: weight memory, thresholds, sequencer, and a lane for each pass at once.",
        ),
        block(
            "difference-finder",
            "src/rtl/delta/find.rs",
            || layer_differences(3),
            "Finds the inputs of a pass that are dropped or differ from the image's, one a clock.",
        ),
        block(
            "difference-neurons",
            "src/rtl/delta/block.rs",
            || layer_differences(2),
            "Neurons whose sums follow the differences of a pass from its image.",
        ),
        block(
            "difference-lane",
            "src/rtl/delta/lane.rs",
            || layer_differences(1),
            "One pass of a layer that takes differences: finders, weights of all neurons by input, and neurons.",
        ),
        block(
            "layer-differences",
            "src/rtl/delta/mod.rs",
            || layer_differences(0),
            "A layer that computes a pass from what differs from its image.",
        ),
        block(
            "layer-writable",
            "src/rtl/writable.rs",
            || layer(1, false, true),
            "The same in a design with a programming port: a host reads and writes weights and start values.",
        ),
        block(
            "layer-output",
            "src/rtl/layer.rs",
            || layer(1, true, false),
            "The output layer: sums instead of activations.",
        ),
        block(
            "converter",
            "src/rtl/crossbar/converter.rs",
            || converter(Gains::One),
            "The partial-sum converter of a word-line group: steps, and an end at either side.",
        ),
        block(
            "converter-gains",
            "src/rtl/crossbar/converter.rs",
            || converter(Gains::Each),
            "The same where wires take more from some groups than from others.",
        ),
        block(
            "read-hash",
            "src/rtl/crossbar/hash.rs",
            || Ok(vec![ReadHash.emit()?]),
            "Which reads err: eight rounds of a cipher over the number of a read.",
        ),
        block(
            "crossbar-element",
            "src/rtl/crossbar/element.rs",
            crossbar_element,
            "A neuron on an array that is read in parts, with errors of reading: groups are counted, converted and added.",
        ),
        block(
            "crossbar-lane",
            "src/rtl/crossbar/lane.rs",
            || crossbar_lane(4, true),
            "The activations of one pass, the live inputs of its word-line groups, and the neurons that read them.",
        ),
        block(
            "crossbar-lane-wide",
            "src/rtl/crossbar/lane.rs",
            || crossbar_lane(16, false),
            "The same where a group takes several words.",
        ),
        block(
            "layer-array",
            "src/rtl/crossbar/control.rs",
            || crossbar_layer(false),
            "A layer on an array: sequencer, gains, offsets, numbers of reads, and a lane for each pass at once.",
        ),
        block(
            "layer-array-first",
            "src/rtl/crossbar/control.rs",
            || crossbar_layer(true),
            "The first layer on an array, bit plane by bit plane.",
        ),
        block(
            "replay",
            "src/rtl/replay.rs",
            || replay(None, 1),
            "Where an image becomes passes: sends what was computed once to every group of passes.",
        ),
        block(
            "replay-early",
            "src/rtl/replay.rs",
            || replay(Some(2), 1),
            "The same where passes may end early: after a block of groups it waits for the verdict.",
        ),
        block(
            "replay-map",
            "src/rtl/replay.rs",
            || replay(None, 3),
            "The same for a map: every pixel is a frame of its own.",
        ),
        block(
            "dropout-lane",
            "src/rtl/unit.rs",
            dropout_lane,
            "The random streams of the passes of one lane, and their live masks.",
        ),
        block(
            "intake",
            "src/rtl/intake.rs",
            || Ok(vec![Intake { beats: 5, pixels: 1 }.emit()?]),
            "Takes images in where inputs are dropped: the stream of images becomes frames that are claimed.",
        ),
        block(
            "intake-map",
            "src/rtl/intake.rs",
            || Ok(vec![Intake { beats: 3, pixels: 64 }.emit()?]),
            "Takes images in for a convolution: every pixel claims room of its own.",
        ),
        block(
            "window",
            "src/rtl/window.rs",
            || window(false),
            "Sliding window of a convolution: holds some rows of a map, and sends what the kernel covers at each position.",
        ),
        block(
            "window-places",
            "src/rtl/window.rs",
            || window(true),
            "The same with all places of the kernel at once, as a crossbar for each place is driven.",
        ),
        block("pool", "src/rtl/pool.rs", pool, "Pools the activations of a map, beat by beat as they come."),
        block(
            "sums",
            "src/rtl/sums.rs",
            || sums(false),
            "Sums for blocks that pool or add them, from what a layer counts.",
        ),
        block(
            "sums-planes",
            "src/rtl/sums.rs",
            || sums(true),
            "The same behind inputs of several bits, whose offset is the neuron's own.",
        ),
        block(
            "pool-sums",
            "src/rtl/sums.rs",
            pool_sums,
            "Average or largest-sum pooling over any windows, behind a window block that sends what they cover.",
        ),
        block(
            "skip",
            "src/rtl/skip.rs",
            skip,
            "Residual: sums of an earlier layer wait for those that they are added to.",
        ),
        block(
            "neurons-threshold",
            "src/rtl/neurons.rs",
            neurons_threshold,
            "Neurons with a threshold each, for sums that were pooled or added on their way.",
        ),
        block(
            "join",
            "src/rtl/join.rs",
            || Ok(vec![Join { positions: 12 }.emit()?]),
            "Joins the pixels of a map to one frame, for a block that takes the map in one bank.",
        ),
        block(
            "hold",
            "src/rtl/hold.rs",
            || Ok(vec![Hold { beats: 2, pixels: 12, width: 8 }.emit()?]),
            "Holds draws that are made once for a map: those of Spatial-SpinDrop, and of Gaussian scales.",
        ),
        block(
            "dropout",
            "src/rtl/unit.rs",
            dropout,
            "The dropout unit of a layer: live masks drawn ahead of the layer.",
        ),
        block(
            "scale",
            "src/rtl/unit.rs",
            scale,
            "The unit of all layers with Scale-Dropout: draws for one after the other, whenever a pass comes to the first.",
        ),
        block(
            "dropout-spread",
            "src/rtl/mtj.rs",
            || Ok(devices(Device { deviations: vec![-9, 14, 0, 3, 7, -2, 1, -5], ..Device::default() })?.0),
            "The dropout unit of a layer whose units are devices that differ: a table of deviations from the code.",
        ),
        block(
            "dropout-devices",
            "src/rtl/mtj.rs",
            || Ok(devices(imperfect())?.0),
            "The same with stuck units, jitter, a walk of the code, and SET, READ and RESET: junctions with a state.",
        ),
        block(
            "dropout-devices-lane",
            "src/rtl/mtj.rs",
            || Ok(devices(imperfect())?.1),
            "One lane of it: what its draws do to the junctions of each pass.",
        ),
        block(
            "scale-queue",
            "src/rtl/queue.rs",
            || Ok(vec![Queue { beats: (2, 4), depth: 8, lanes: 2 }.emit()?]),
            "Carries what that unit drew for a later layer along.",
        ),
        block(
            "gaussian",
            "src/rtl/unit.rs",
            gaussian,
            "The Gaussian source of a layer with sub-set inference: ones among random bits, drawn ahead of the layer.",
        ),
        block("key", "src/rtl/unit.rs", key, "The key of a layer's read errors in the next pass."),
        block(
            "arbiter",
            "src/rtl/unit.rs",
            arbiter,
            "The arbiter of a SpinBayes layer: the crossbar of the next pass.",
        ),
        block(
            "layer-bayes",
            "src/rtl/layer.rs",
            layer_bayes,
            "A SpinBayes layer: the weights and thresholds of several crossbars, of which every pass reads one.",
        ),
        block(
            "neurons-scale",
            "src/rtl/neurons.rs",
            || neurons(Method::Scale(ScaleDropout { code: 26, dropped: vec![-3, 0, 5, 17] })),
            "Neurons with Scale-Dropout: two thresholds and one select bit a pass.",
        ),
        block(
            "neurons-subset",
            "src/rtl/neurons.rs",
            || {
                let (mean, spread) = (vec![60, 71, 64, 58], vec![5, 9, 0, 7]);
                neurons(Method::Subset(Subset { bits: 8, mean, spread, limits: vec![-100, 0, 130, 400] }))
            },
            "Neurons with Gaussian scales: a product against a limit.",
        ),
        block(
            "neurons-affine",
            "src/rtl/neurons.rs",
            || {
                let (gain, bias) = (vec![60, 71, -64, 58], vec![5, -900, 0, 700]);
                let drops = Drops::Vector;
                neurons(Method::Affine(Affine { code: 26, drops, frac_bits: 6, gain, bias, groups: 1 }))
            },
            "Neurons with affine dropout and inverted normalization: a frame's values against their mean.",
        ),
        block(
            "logits",
            "src/rtl/logits.rs",
            || logits(None),
            "Sums become logits; logits of all passes become sum, squares, votes and decision.",
        ),
        block(
            "logits-early",
            "src/rtl/logits.rs",
            || logits(Some(Early { passes: 4, groups: 2 })),
            "The same where passes may end early: after a block it says whether one class leads by enough.",
        ),
        block(
            "passes",
            "src/rtl/passes.rs",
            passes,
            "Takes groups of passes, all lanes at once, and gives one pass after the other.",
        ),
        block("exp2", "src/rtl/exp2.rs", || Ok(vec![Exp2 { guard: 2 }.emit()?]), "Powers of two with a fraction."),
        block("log2", "src/rtl/log2.rs", || Ok(vec![Log2 { width: 24 }.emit()?]), "Logarithms of integers."),
        block("softmax", "src/rtl/softmax.rs", softmax, "Logits of a pass become probabilities, without a divider."),
        block("entropy", "src/rtl/entropy.rs", entropy, "Entropy of the mean over passes, and mutual information."),
        block(
            "uncertainty",
            "src/rtl/uncertainty.rs",
            uncertainty,
            "Probabilities, entropy, mutual information and the out-of-distribution flag of an image.",
        ),
        block("control", "src/rtl/control.rs", control, "Registers, counters, and the start of the random streams."),
        block(
            "programmer",
            "src/rtl/program.rs",
            programmer,
            "The port through which a host reads and writes the memories of a design, one acknowledged word at a time.",
        ),
        block(
            "cells",
            "src/rtl/cells.rs",
            || Ok(vec![cells().emit()?]),
            "Between host and weights: cells that are stuck, and the table that says in which column each neuron is.",
        ),
        block(
            "skid",
            "src/rtl/axi/skid.rs",
            skid,
            "AXI wrapper: a register slice, so that no path runs from port to core.",
        ),
        block("frame-guard", "src/rtl/axi/guard.rs", guard, "AXI wrapper: frames of the right length, whatever comes."),
        block("collect", "src/rtl/axi/gear.rs", collect, "AXI wrapper: a wide word from narrow ones."),
        block("split", "src/rtl/axi/gear.rs", split, "AXI wrapper: narrow words from a wide one."),
        block(
            "verdicts",
            "src/rtl/axi/verdicts.rs",
            verdicts,
            "AXI wrapper: which images on their way had a bad frame.",
        ),
        block("axi-lite", "src/rtl/axi/lite.rs", lite, "AXI wrapper: AXI4-Lite in front of a register port."),
        block(
            "axi-registers",
            "src/rtl/axi/registers.rs",
            || axi_registers(false),
            "AXI wrapper: which addresses there are, and counters of frames.",
        ),
        block(
            "axi-registers-writable",
            "src/rtl/axi/registers.rs",
            || axi_registers(true),
            "The same around a core with a programming port, which is reached through registers.",
        ),
        block("lfsr-leap", "src/leaf/lfsr_leap.rs", lfsr_leap, "The state of an LFSR some steps ahead, and the draw."),
        block(
            "leap-fibonacci",
            SOURCES,
            || leap(64, Family::Fibonacci.into()),
            "The same of a Fibonacci LFSR: new bits enter at the top.",
        ),
        block(
            "leap-shared",
            SOURCES,
            || leap(32, Source { steps: Some(1), ..Source::default() }),
            "The same with one step a draw: what sharing an LFSR between neighbours amounts to, for comparison.",
        ),
        block(
            "leap-taps",
            SOURCES,
            || leap(16, Family::Taps { mask: 0x8800 }.into()),
            "An LFSR of any mask, good or bad.",
        ),
        block("leap-automaton", SOURCES, || leap(64, Family::Automaton.into()), "A 90/150 cellular automaton."),
        block("leap-xorshift", SOURCES, || leap(64, Family::Xorshift.into()), "Marsaglia's xorshift."),
        block(
            "leap-lut",
            SOURCES,
            || leap(64, Family::Lut.into()),
            "Each bit the XOR of up to four: one LUT and one register for each bit of state.",
        ),
        block("leap-pair", SOURCES, || leap(64, Family::Pair.into()), "The XOR of two LFSRs."),
        block(
            "leap-replay",
            SOURCES,
            || leap(32, Family::Replay { words: 100 }.into()),
            "Recorded draws: bits of real devices, again and again.",
        ),
        block("draws", "src/rtl/draws.rs", draws, "Many draws of an LFSR in one clock, without the states between."),
        block("dropout-unit", "src/leaf/dropout_unit.rs", dropout_unit, "Compares a draw with the probability code."),
        block(
            "mtj-set",
            "src/leaf/mtj.rs",
            || Ok(vec![leaf::mtj_set(8)?]),
            "Compares a draw with a code that has moved: SET of a junction.",
        ),
        block(
            "mtj-cycle",
            "src/leaf/mtj.rs",
            || Ok(vec![leaf::mtj_cycle(8)?]),
            "SET, READ and RESET of a junction, each of which may fail.",
        ),
        block(
            "stream-jump",
            "src/leaf/stream_jump.rs",
            stream_jump,
            "Walks from the start of a stream to the next one's.",
        ),
        block("jump-lut", SOURCES, || jump(Family::Lut.into()), "The same for any linear source."),
        block("jump-replay", SOURCES, || jump(Family::Replay { words: 100 }.into()), "The same for a recording."),
        block(
            "jump-naive",
            SOURCES,
            || jump(Source { starts: Starts::Naive, ..Family::Pair.into() }),
            "Numbers instead of jumps: what streams must not do, for comparison.",
        ),
        block("uart-rx", "src/leaf/uart_rx.rs", || Ok(vec![leaf::uart_rx()?]), "Bytes from a serial line, 8N1."),
        block("uart-tx", "src/leaf/uart_tx.rs", || Ok(vec![leaf::uart_tx()?]), "Bytes onto a serial line, 8N1."),
        block("crc", "src/rtl/uart/crc.rs", || Ok(vec![Crc.emit()?]), "The CRC of frames, a byte at a time."),
        block(
            "frame-receive",
            "src/rtl/uart/receive.rs",
            || Ok(Receive { longest: 34, patience: 8192 }.emit()?),
            "Finds frames among bytes of any kind, and checks them.",
        ),
        block("frame-send", "src/rtl/uart/send.rs", || Ok(Send.emit()?), "Puts header and CRC around a payload."),
        block(
            "uart-host",
            "src/rtl/uart/host.rs",
            uart_host,
            "Answers a host's requests: images to the core, registers, results.",
        ),
    ]
}

fn uart_host() -> Result<Vec<VerilogFile>, RtlError> {
    let field = |port, width, signed| Field { port, width, signed };
    let host = Host {
        name: "example_host".into(),
        beat_bits: 12,
        beats: 16,
        buffers: 4,
        hello: (1..=35).collect(),
        image_fields: vec![field("out_class_o", 4, false)],
        class_fields: vec![
            field("out_sum_o", 22, true),
            field("out_sumsq_o", 38, false),
            field("out_votes_o", 7, false),
        ],
        classes: 10,
    };
    Ok(vec![host.emit()?])
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

fn pe(kind: PeKind, planes: u32, rails: bool, largest: u64) -> Result<Vec<VerilogFile>, RtlError> {
    let pe = Pe { kind, simd: 8, planes, largest, rails };
    Ok(vec![Popcount::new(pe.simd).emit()?, pe.emit()?])
}

fn lane() -> Result<Vec<VerilogFile>, RtlError> {
    let source = lane::Source::Layer(Buffer { simd: 8, words: 2, beat: 4, masked: true });
    let pe = Pe { kind: PeKind::Masked, simd: 8, planes: 1, largest: 16, rails: true };
    Ok(Lane { source, pe, count: 2, apart: false }.emit()?)
}

fn plan(first: bool) -> LayerPlan {
    LayerPlan {
        conv: None,
        held: false,
        summed: None,
        inputs: 16,
        outputs: 4,
        pe: 2,
        simd: 8,
        lanes: if first { 1 } else { 2 },
        planes: if first { 3 } else { 1 },
        weight_planes: 1,
        masked: !first,
        unit: None,
        kind: LayerKind::Plain,
        array: None,
        events: 0,
        search_clocks: 0,
    }
}

fn layer(index: usize, output: bool, writable: bool) -> Result<Vec<VerilogFile>, RtlError> {
    let first = index == 0;
    let plan = plan(first);
    let beat = if first { 0 } else { 4 };
    Ok(Layer {
        name: format!("example{}_layer{index}", if writable { "_writable" } else { "" }),
        index,
        plan,
        beat,
        signed: first,
        gives: if output { Gives::Logits } else { Gives::Activations },
        crossbars: 1,
        repeats: None,
        early: if first { 0 } else { 2 },
        writable,
    }
    .emit()?)
}

/// 6 x 5 pixels of 4 channels, kernel 3 x 3, padded by 1 above and on the left.
fn conv() -> Conv {
    let input = Map { height: 6, width: 5, channels: 4 };
    let pool = Pool { kind: PoolKind::Max, size: (2, 2), stride: (2, 2) };
    let pad = Pad { top: 1, left: 1, bottom: 0, right: 0 };
    Conv { input, kernel: (3, 3), stride: (1, 1), pad, pool: Some(pool) }
}

fn window(by_place: bool) -> Result<Vec<VerilogFile>, RtlError> {
    let name = if by_place { "example_window_places" } else { "example_window" }.into();
    Ok(vec![Window { name, conv: conv(), simd: 4, by_place, beat: 2, bits: 1, lanes: 2, masked: true }.emit()?])
}

fn pool() -> Result<Vec<VerilogFile>, RtlError> {
    let all = Some(vec![false, true, false, true]);
    Ok(vec![
        super::pool::Pool {
            name: "example_pool".into(),
            conv: conv(),
            pe: 2,
            groups: 2,
            lanes: 2,
            all,
            writable: false,
        }
        .emit()?,
    ])
}

/// Sums of 4 neurons of 16 inputs, in 2 lanes behind dropout, or of 3-bit inputs.
fn sums(planes: bool) -> Result<Vec<VerilogFile>, RtlError> {
    let plan = plan(planes);
    let name = if planes { "example_sums_planes" } else { "example_sums" }.into();
    let (weights, most) = (Weights::zeros(4, 16), if planes { 112 } else { 16 });
    Ok(vec![
        Sums { name, weights: &weights, plan, lanes: plan.lanes as u32, signed: false, most, writable: false }
            .emit()?,
    ])
}

fn pool_sums() -> Result<Vec<VerilogFile>, RtlError> {
    let name = "example_pool_sums".into();
    Ok(vec![Reduce { name, kind: PoolKind::Sum, pe: 2, lanes: 2, groups: 2, taps: 9, bits: (6, 9) }.emit()?])
}

fn skip() -> Result<Vec<VerilogFile>, RtlError> {
    let name = "example_skip".into();
    Ok(vec![Skip { name, pe: 2, lanes: 2, groups: 2, pixels: 26, bits: (6, 6, 7) }.emit()?])
}

/// Thresholds of sums that were added: 16 of this layer's inputs and as many of an earlier one's.
fn neurons_threshold() -> Result<Vec<VerilogFile>, RtlError> {
    let hidden = Hidden {
        weights: Weights::zeros(4, 16),
        thresholds: vec![1, -2, 3, 0],
        directions: vec![Direction::Ge, Direction::Le, Direction::Ge, Direction::Ge],
        method: None,
        conv: None,
        residual: Some(0),
    };
    let summed = Summed { own: 16, pooled: 16, decided: 32, pool: None, adds: Some(0), added: false };
    let plan = LayerPlan { summed: Some(summed), kind: LayerKind::Plain, ..plan(false) };
    Neurons {
        name: "example_threshold_neurons".into(),
        hidden: &hidden,
        plan,
        lanes: 2,
        signed: false,
        writable: false,
    }
    .emit()
}

fn replay(block: Option<u32>, pixels: u32) -> Result<Vec<VerilogFile>, RtlError> {
    let name = match (block, pixels) {
        (Some(_), _) => "example_early_replay",
        (None, 1) => "example_replay",
        (None, _) => "example_map_replay",
    };
    Ok(vec![
        Replay {
            name: name.into(),
            pe: 4,
            beats: 2,
            pixels,
            lanes: 2,
            max_groups: 4,
            clocks: 2,
            width: 1,
            drawn: Some(Drawn::Masks),
            block,
        }
        .emit()?,
    ])
}

fn dropout() -> Result<Vec<VerilogFile>, RtlError> {
    let random = Random::new(32, 8);
    Unit {
        kind: Kind::Dropout,
        count: 4,
        draws: 2,
        beats: 2,
        holds: false,
        codes: 1,
        lanes: 2,
        max_groups: 4,
        rewinds: false,
        random,
        mtj: None,
    }
    .emit()
}

/// A unit of devices; and its lane alone.
fn devices(device: Device) -> Result<(Vec<VerilogFile>, Vec<VerilogFile>), RtlError> {
    let random = Random::new(32, 8);
    let (kind, mtj) = (Kind::Dropout, Some(Mtj { name: "example_mtj0".into(), device }));
    let unit = Unit {
        kind,
        count: 4,
        draws: 2,
        beats: 2,
        holds: false,
        codes: 1,
        lanes: 2,
        max_groups: 4,
        rewinds: false,
        random,
        mtj,
    };
    let all = unit.emit()?;
    let lane = all[..all.len() - 1].to_vec();
    Ok((all, lane))
}

/// A device of all levels.
fn imperfect() -> Device {
    Device {
        deviations: vec![-9, 14, 0, 3, 7, -2, 1, -5],
        stuck: vec![None, None, Some(false), None, None, Some(true), None, None],
        jitter: 3,
        walk: Some(Walk { step: 1, limit: 20 }),
        cycle: Some(Cycle { reset: 230, misread: 4 }),
    }
}

fn scale() -> Result<Vec<VerilogFile>, RtlError> {
    let random = Random::new(32, 8);
    let kind = Kind::Dropout;
    Unit {
        kind,
        count: 3,
        draws: 1,
        codes: 3,
        beats: 4,
        holds: true,
        lanes: 2,
        max_groups: 4,
        rewinds: false,
        random,
        mtj: None,
    }
    .emit()
}

fn gaussian() -> Result<Vec<VerilogFile>, RtlError> {
    let random = Random::new(32, 8);
    let kind = Kind::Gaussian { bits: 8 };
    Unit {
        kind,
        count: 4,
        draws: 2,
        beats: 2,
        holds: false,
        codes: 1,
        lanes: 2,
        max_groups: 4,
        rewinds: false,
        random,
        mtj: None,
    }
    .emit()
}

fn arbiter() -> Result<Vec<VerilogFile>, RtlError> {
    let random = Random::new(32, 8);
    let kind = Kind::Arbiter { crossbars: 3 };
    Unit {
        kind,
        count: 1,
        draws: 1,
        beats: 1,
        holds: false,
        codes: 1,
        lanes: 1,
        max_groups: 4,
        rewinds: false,
        random,
        mtj: None,
    }
    .emit()
}

fn key() -> Result<Vec<VerilogFile>, RtlError> {
    let random = Random::new(32, 8);
    let (count, draws, max_groups) = (8, 8, 4);
    Unit {
        kind: Kind::Key,
        count,
        draws,
        beats: 1,
        holds: false,
        codes: 1,
        lanes: 2,
        max_groups,
        rewinds: false,
        random,
        mtj: None,
    }
    .emit()
}

fn converter(gains: Gains) -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![Converter { most: 8, gains, bits: 3, shift: 1 }.emit()?])
}

/// An array of word-line groups of so many inputs, for neurons that read 16, 8 a clock.
fn crossbar(group: usize, errors: bool) -> Crossbar {
    let gains = if errors { Gains::Each } else { Gains::One };
    let array = ArrayPlan { group, bits: 3, shift: 0, gains, offsets: errors, errors, most: 18 };
    let plan = LayerPlan { array: Some(array), ..plan(false) };
    Crossbar { name: format!("example_crossbar_{group}"), array, plan, signed: false }
}

fn crossbar_lane(group: usize, errors: bool) -> Result<Vec<VerilogFile>, RtlError> {
    let source = lane::Source::Layer(Buffer { simd: 8, words: 2, beat: 4, masked: true });
    Ok(CrossbarLane { source, crossbar: crossbar(group, errors) }.emit()?)
}

/// The element, which is emitted before the buffer and the lane.
fn crossbar_element() -> Result<Vec<VerilogFile>, RtlError> {
    let mut files = crossbar_lane(4, true)?;
    files.truncate(files.len() - 2);
    Ok(files)
}

fn crossbar_layer(first: bool) -> Result<Vec<VerilogFile>, RtlError> {
    let array = crossbar(if first { 8 } else { 4 }, !first).array;
    let plan = LayerPlan { array: Some(array), ..plan(first) };
    let name = format!("example_array_layer{}", u8::from(!first));
    let (index, beat, early) = if first { (0, 0, 0) } else { (1, 4, 2) };
    let gives = Gives::Sums;
    Ok(Layer { name, index, plan, beat, signed: first, gives, crossbars: 1, repeats: None, early, writable: false }
        .emit()?)
}

/// The layer, or what is emitted so many files before it: its lane, a lane's neurons, a finder.
fn layer_differences(before: usize) -> Result<Vec<VerilogFile>, RtlError> {
    let plan = LayerPlan { events: 2, ..plan(false) };
    let weights = Weights::zeros(plan.outputs, plan.inputs);
    let name = "example_differences_layer1".into();
    let (thresholds, directions) = (&[-3, 0, 1, 5], &[Direction::Ge; 4]);
    let mut files = Delta {
        name,
        index: 1,
        plan,
        beat: 4,
        behind: false,
        max_groups: 4,
        weights: &weights,
        thresholds,
        directions,
    }
    .emit()?;
    files.truncate(files.len() - before);
    Ok(files)
}

fn layer_bayes() -> Result<Vec<VerilogFile>, RtlError> {
    let plan = LayerPlan { kind: LayerKind::Bayes { crossbars: 3 }, lanes: 1, masked: false, ..plan(false) };
    let name = "example_bayes_layer1".to_string();
    let (gives, crossbars) = (Gives::Activations, 3);
    Ok(Layer {
        name,
        index: 1,
        plan,
        beat: 4,
        signed: false,
        gives,
        crossbars,
        repeats: None,
        early: 2,
        writable: false,
    }
    .emit()?)
}

/// Neurons of a hidden layer behind dropout.
fn neurons(method: Method) -> Result<Vec<VerilogFile>, RtlError> {
    let (kind, name) = match &method {
        Method::Scale(_) => (LayerKind::Scale { index: 0, of: 1 }, "scale"),
        Method::Subset(m) => (LayerKind::Subset { bits: m.bits }, "subset"),
        _ => (LayerKind::Affine { element: false }, "affine"),
    };
    let hidden = Hidden {
        weights: Weights::zeros(4, 16),
        thresholds: if matches!(kind, LayerKind::Scale { .. }) { vec![1, -2, 3, 0] } else { vec![] },
        directions: vec![Direction::Ge, Direction::Le, Direction::Ge, Direction::Ge],
        method: Some(method),
        conv: None,
        residual: None,
    };
    let plan = LayerPlan { kind, unit: Some(0), ..plan(false) };
    Neurons { name: format!("example_{name}_neurons"), hidden: &hidden, plan, lanes: 2, signed: false, writable: false }
        .emit()
}

fn dropout_lane() -> Result<Vec<VerilogFile>, RtlError> {
    let mut files = dropout()?;
    files.pop();
    Ok(files)
}

fn output() -> Output {
    Output {
        weights: Weights::zeros(4, 16),
        scale: vec![3, -5, 7, 1],
        offset: vec![10, 0, -20, 4],
        shift: 2,
        frac_bits: 2,
        logit_bits: 8,
        temperature: 1.0,
        others: vec![],
    }
}

fn passes() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![Passes { name: "example_passes".into(), classes: 4, lanes: 2, logit_bits: 8 }.emit()?])
}

fn softmax() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(Softmax { name: "example_softmax".into(), output: &output() }.emit()?)
}

fn entropy() -> Result<Vec<VerilogFile>, RtlError> {
    let name = "example_entropy".into();
    Ok(Entropy { name, classes: 4, probability_bits: 19, guard: 2, max_passes: 8, information: true }.emit()?)
}

fn uncertainty() -> Result<Vec<VerilogFile>, RtlError> {
    let (output, parts) = (output(), plan::Uncertainty::ALL);
    Ok(Uncertainty { design: "example", output: &output, parts, lanes: 2, max_groups: 4, max_passes: 8, early: None }
        .emit()?)
}

fn logits(early: Option<Early>) -> Result<Vec<VerilogFile>, RtlError> {
    let output = output();
    let (pe, lanes, max_groups, max_passes) = (2, 2, 4, 8);
    let name = if early.is_some() { "example_early_logits" } else { "example_logits" }.to_string();
    let (masked, most, shared, writable) = (true, None, false, false);
    Ok(vec![
        Logits { name, output: &output, pe, lanes, max_groups, max_passes, masked, most, shared, early, writable }
            .emit()?,
    ])
}

fn skid() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![axi::Skid { width: 33 }.emit()?])
}

fn guard() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![axi::Guard { width: 32, beats: 8 }.emit()?])
}

fn collect() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![axi::Collect { width: 32, count: 8 }.emit()?])
}

fn split() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![axi::Split { width: 8, count: 4, rest: 3 }.emit()?])
}

fn verdicts() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![axi::Verdicts { depth: 16 }.emit()?])
}

fn lite() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![axi::Lite { address_bits: 12 }.emit()?])
}

fn axi_registers(programmed: bool) -> Result<Vec<VerilogFile>, RtlError> {
    let core = example_control().registers();
    let name = if programmed { "example_writable_axi_registers" } else { "example_axi_registers" }.into();
    Ok(vec![axi::Registers { name, core: &core, programmed }.emit()?])
}

fn control() -> Result<Vec<VerilogFile>, RtlError> {
    example_control().emit()
}

fn example_control() -> Control {
    let random = Random::new(32, 8);
    let name = "example_control".to_string();
    let (thresholds, threshold_bits) = (vec![], 0);
    let codes = vec![Some(26), Some(51)];
    let lead = None;
    let streams = codes.len() as u32;
    Control {
        name,
        codes,
        streams,
        passes: 4,
        max_passes: 8,
        lanes: 2,
        root: 1,
        random,
        thresholds,
        threshold_bits,
        lead,
        programmed: false,
    }
}

/// Of draws of 8 bits.
fn leap(bits: u32, source: Source) -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![source::leap(&Random { source, ..Random::new(bits, 8) })?])
}

fn draws() -> Result<Vec<VerilogFile>, RtlError> {
    Ok(draws_at_once(&Random::new(64, 8), 16)?.into_iter().collect())
}

fn jump(source: Source) -> Result<Vec<VerilogFile>, RtlError> {
    Ok(vec![source::jump(&Random { source, ..Random::new(64, 8) })?])
}

/// Cells of 4 neurons and 2 spare columns.
fn cells() -> Cells {
    let name = "example_cells".into();
    Cells { name, crossbars: 1, groups: 2, pe: 2, words: 2, bits: 40, columns: Some(6), inverts: true }
}

fn programmer() -> Result<Vec<VerilogFile>, RtlError> {
    let cells = cells();
    let weights = Writable { name: "weights", rows: 4, slices: 2, bits: 40 };
    let what = What::Weights { crossbars: 1, groups: 2, words: 2, cells: Some(cells.clone()) };
    let columns = What::Columns { crossbars: 1, groups: 2, words: 2 };
    let constants = Writable { name: "constants", rows: 3, slices: 1, bits: 20 };
    let region =
        |name: &str, layer, what, memory| Region { name: name.into(), layer, what, memory, file: String::new() };
    let regions = vec![
        region("layer0_weights", 0, what, weights.clone()),
        region("layer0_columns", 0, columns, Writable { name: "columns", ..weights }),
        region("layer1_constants", 1, What::Constants, constants),
    ];
    Programmer { name: "example_program".into(), regions }.emit()
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
