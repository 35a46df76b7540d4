//! What each family's tools are told.

use super::Order;
use crate::board::Family;
use std::fmt::Write;

/// Files between the stages, which nobody needs afterwards.
pub(super) const INTERMEDIATE: [&str; 4] = ["net.json", "placed.asc", "placed.config", "placed.json"];

/// LUTs of an iCE40 that are spent to save a block memory. It has some 200 LUTs for each, and a block memory has at most 16 bits a
/// word: a wide table of few words fills many of them with hardly anything.
const LUTS_FOR_A_BLOCK: usize = 100;

/// A script for Yosys: netlist in `net.json`, counts of cells in `cells.json`.
pub(super) fn synthesis(order: &Order) -> String {
    let top = order.top;
    let mut s = String::new();
    for (file, _) in order.files.iter().filter(|(file, _)| file.ends_with(".v")) {
        _ = writeln!(s, "read_verilog {file}");
    }
    let device = order.board.device;
    match order.board.family {
        family @ (Family::Ice40Up | Family::Ice40Hx) => {
            for (module, memory) in small_memories(order) {
                _ = writeln!(s, "setattr -set ram_style \"registers\" {module}/m:{memory}");
            }
            let options = if family == Family::Ice40Up { "-device u -dsp" } else { "-device hx" };
            _ = writeln!(s, "synth_ice40 {options} -top {top} -json net.json");
        }
        // Wide multiplexers of two LUTs cost an ECP5 more than they save.
        Family::Ecp5 => _ = writeln!(s, "synth_ecp5 -nowidelut -top {top} -json net.json"),
        Family::Gw1n => _ = writeln!(s, "synth_gowin -family gw1n -top {top} -json net.json"),
        Family::Gw2a => _ = writeln!(s, "synth_gowin -family gw2a -top {top} -json net.json"),
        Family::Xilinx7 => _ = writeln!(s, "# {device}\nsynth_xilinx -flatten -top {top}"),
    }
    s += "tee -q -o cells.json stat -json\n";
    s
}

/// Memories of an iCE40, by module, that are better made of LUTs: tables of few bits, or of few words.
fn small_memories(order: &Order) -> Vec<(String, &'static str)> {
    let name = &order.design.name;
    let mut small = vec![(format!("{name}_logits"), "votes")];
    for (index, l) in order.design.layers.iter().enumerate() {
        let layer = format!("{name}_layer{index}");
        let weights = l.weight_planes * l.pe * l.simd;
        if is_small(l.inputs * l.outputs * l.crossbars() / (l.pe * l.simd), weights) {
            small.push((layer.clone(), "weights"));
        }
        let starts = order.design.images.iter().find(|image| image.file == format!("{layer}_starts.hex"));
        let shape = starts.map(|image| {
            let words = image.text.lines().filter(|line| !line.starts_with("//"));
            (words.clone().count(), 4 * words.map(|line| line.trim().len()).max().unwrap_or(0))
        });
        if shape.is_some_and(|(words, bits)| is_small(words, bits)) {
            small.push((layer, "starts"));
        }
    }
    small
}

/// Whether a table of so many words costs an iCE40 less as LUTs, of 16 bits each, than as block memories of 4096 bits, 16 a word.
fn is_small(words: usize, bits: usize) -> bool {
    let luts = bits * words.div_ceil(16);
    let blocks = bits.div_ceil(16).max((words * bits).div_ceil(4096));
    luts <= LUTS_FOR_A_BLOCK * blocks
}

/// Arguments of nextpnr. A clock that is missed is found in its log.
pub(super) fn place_and_route(order: &Order) -> Vec<String> {
    let board = order.board;
    let (device, package, pins) = (board.device, board.package, board.constraints);
    let family = match board.family {
        Family::Ice40Up | Family::Ice40Hx => {
            format!("--{device} --package {package} --pcf {pins} --asc placed.asc")
        }
        Family::Ecp5 => {
            format!("--{device} --package {package} --speed 6 --router router2 --lpf {pins} --textcfg placed.config")
        }
        Family::Gw1n => format!("--device {device} --vopt family=GW1N-9C --vopt cst={pins} --write placed.json"),
        Family::Gw2a => format!("--device {device} --vopt family=GW2A-18C --vopt cst={pins} --write placed.json"),
        Family::Xilinx7 => String::new(),
    };
    let (mhz, seed) = (order.clock.mhz, order.seed);
    let all = format!("{family} --json net.json --freq {mhz} --seed {seed} --timing-allow-fail");
    all.split_whitespace().map(str::to_string).collect()
}

/// Name of the bitstream, and the packer's arguments.
pub(super) fn packing(order: &Order) -> (String, Vec<String>) {
    let top = order.top;
    let (name, args) = match order.board.family {
        Family::Ice40Up | Family::Ice40Hx => (format!("{top}.bin"), format!("placed.asc {top}.bin")),
        Family::Ecp5 => (format!("{top}.bit"), format!("--compress placed.config {top}.bit")),
        Family::Gw1n => (format!("{top}.fs"), format!("-d GW1N-9C -o {top}.fs placed.json")),
        Family::Gw2a => (format!("{top}.fs"), format!("-d GW2A-18C -o {top}.fs placed.json")),
        Family::Xilinx7 => (format!("{top}.bit"), String::new()),
    };
    (name, args.split_whitespace().map(str::to_string).collect())
}
