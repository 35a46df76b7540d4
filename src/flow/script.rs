//! What each family's tools are told.

use super::Order;
use crate::board::Family;
use crate::cosim::mapping;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Files between the stages, which nobody needs afterwards.
pub(super) const INTERMEDIATE: [&str; 4] = ["net.json", "placed.asc", "placed.config", "placed.json"];

/// A script for Yosys: netlist in `net.json`, counts of cells in `cells.json`.
pub(super) fn synthesis(order: &Order) -> String {
    let top = order.top;
    let mut s = String::new();
    for (file, _) in order.files.iter().filter(|(file, _)| file.ends_with(".v")) {
        _ = writeln!(s, "read_verilog {file}");
    }
    let map = mapping(order.board.family, order.design, top);
    _ = match order.board.family {
        Family::Xilinx7 => writeln!(s, "# {}\n{map}", order.board.device),
        _ => writeln!(s, "{map} -json net.json"),
    };
    s += "tee -q -o cells.json stat -json\n";
    s
}

/// A placer that newer versions of nextpnr have (0.11 does, 0.4 not). On an ECP5 it leaves a third less wire than the default one: of one lane
/// of 16 × 64, 142,000 units instead of 218,000.
pub(super) const STATIC_PLACER: &str = "static";

/// LUTs of an ECP5's netlist up to which the placer is used that knows what is late.
const TIMED_LUTS: u64 = 30_000;

/// How an ECP5 is placed and routed. router1 knows what is late, router2 does not: of one lane of 16 × 64, placed by the static placer, a net of 16
/// readers was led over half the device by router2, and the engine reached 88 MHz; by router1 129 MHz.
fn effort(cells: &BTreeMap<String, u64>, has_static: bool) -> String {
    let of = |kind: &str| cells.get(kind).copied().unwrap_or(0);
    let large = of("LUT4") + 2 * of("CCU2C") > TIMED_LUTS;
    let placer = if large && has_static { STATIC_PLACER } else { "heap" };
    format!("--placer {placer} --router router1")
}

/// Arguments of nextpnr, which may have the [`STATIC_PLACER`], for a netlist of so many cells by type. A clock that is missed is found in its log.
pub(super) fn place_and_route(order: &Order, has_static: bool, cells: &BTreeMap<String, u64>) -> Vec<String> {
    let board = order.board;
    let (device, package, pins) = (board.device, board.package, board.constraints);
    let family = match board.family {
        Family::Ice40Up | Family::Ice40Hx => {
            format!("--{device} --package {package} --pcf {pins} --asc placed.asc")
        }
        Family::Ecp5 => {
            let effort = effort(cells, has_static);
            format!("--{device} --package {package} --speed 6 {effort} --lpf {pins} --textcfg placed.config")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_designs_are_placed_with_less_wire_where_nextpnr_can() {
        let cells = |luts: u64, carries: u64| BTreeMap::from([("LUT4".into(), luts), ("CCU2C".into(), carries)]);
        assert_eq!(effort(&cells(TIMED_LUTS - 2, 1), true), "--placer heap --router router1");
        assert_eq!(effort(&cells(TIMED_LUTS - 1, 1), true), "--placer static --router router1");
        assert_eq!(effort(&cells(TIMED_LUTS - 1, 1), false), "--placer heap --router router1");
    }
}
