//! What Yosys makes of a design: cells of a device family.

use super::CosimError;
use super::tool::{Job, find_yosys};
use crate::board::Family;
use crate::plan::memory::is_small;
use crate::rtl::{Design, MemoryImage};
use crate::verilog::VerilogFile;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// Cells by what they are; nothing is placed or routed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// LUTs used as logic, as the family's place and route counts them: an ECP5 takes two for each carry cell, an iCE40 counts logic
    /// cells, which hold a LUT, a carry and a register.
    pub luts: u64,
    /// LUTs used as memory or shift register.
    pub memory_luts: u64,
    pub registers: u64,
    /// Block memories; of Xilinx 7 those of 18 kbit, of which one of 36 kbit counts as two.
    pub block_rams: u64,
    /// Multipliers: DSP48E1, MULT18X18D.
    pub dsps: u64,
}

/// Cells by type, as Yosys counts them.
pub type Counts = BTreeMap<String, u64>;

/// What an iCE40's logic cells are called among its [`Counts`]. Yosys does not count them.
pub const LOGIC_CELLS: &str = "LC";

/// Synthesises `design` with `synth_xilinx`, without what is around it.
pub fn synthesize(design: &Design) -> Result<Cells, CosimError> {
    synthesize_modules(&design.name, &design.modules, &design.images)
}

/// Synthesises module `top` with `synth_xilinx`.
pub fn synthesize_modules(top: &str, modules: &[VerilogFile], images: &[MemoryImage]) -> Result<Cells, CosimError> {
    let modules: Vec<&VerilogFile> = modules.iter().collect();
    let counts = count(&format!("{XILINX7} -top {top}"), &modules, images, false)?;
    Ok(Cells::of(Family::Xilinx7, &counts))
}

/// Cells by type of `design` in `family`, the serial port around it among them where it has one.
pub fn synthesize_for(family: Family, design: &Design) -> Result<Counts, CosimError> {
    let (top, modules) = top_and_modules(design);
    let with_logic_cells = family.is_ice40();
    count(&mapping(family, design, top), &modules, &design.images, with_logic_cells)
}

/// The outermost module, and all modules.
pub fn top_and_modules(design: &Design) -> (&str, Vec<&VerilogFile>) {
    let top = design.uart.as_ref().map_or(&design.name, |uart| &uart.top);
    let around = design.uart.iter().flat_map(|uart| &uart.modules);
    (top, design.modules.iter().chain(around).collect())
}

const XILINX7: &str = "synth_xilinx -flatten -noiopad";

/// Yosys's commands that map module `top`, which has `design` in it, to the cells of a family.
pub fn mapping(family: Family, design: &Design, top: &str) -> String {
    let mut commands = String::new();
    let command = match family {
        Family::Ice40Up | Family::Ice40Hx => {
            // There is no memory in LUTs: what asks for that is made of registers, or of blocks.
            commands += "setattr -unset ram_style a:ram_style=distributed\n";
            for (module, memory) in small_memories(design) {
                _ = writeln!(commands, "setattr -set ram_style \"registers\" {module}/m:{memory}");
            }
            if family == Family::Ice40Up { "synth_ice40 -device u -dsp" } else { "synth_ice40 -device hx" }
        }
        // Wide multiplexers of two LUTs cost an ECP5 more than they save.
        Family::Ecp5 => "synth_ecp5 -nowidelut",
        Family::Gw1n => "synth_gowin -family gw1n",
        Family::Gw2a => "synth_gowin -family gw2a",
        Family::Xilinx7 => XILINX7,
    };
    _ = write!(commands, "{command} -top {top}");
    commands
}

/// Memories of an iCE40, by module, that are better made of LUTs: tables of few bits, or of few words.
pub(super) fn small_memories(design: &Design) -> Vec<(String, &'static str)> {
    let name = &design.name;
    let mut small = vec![(format!("{name}_logits"), "votes")];
    for (index, l) in design.layers.iter().enumerate() {
        let layer = format!("{name}_layer{index}");
        let weights = l.weight_planes * l.pe * l.simd;
        if is_small(l.inputs * l.outputs * l.crossbars() / (l.pe * l.simd), weights) {
            small.push((layer.clone(), "weights"));
        }
        let starts = design.images.iter().find(|image| image.file == format!("{layer}_starts.hex"));
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

/// Runs Yosys; `commands` are those of [`mapping`].
fn count(
    commands: &str,
    modules: &[&VerilogFile],
    images: &[MemoryImage],
    with_logic_cells: bool,
) -> Result<Counts, CosimError> {
    let program = find_yosys()?;
    let folder = tempfile::Builder::new()
        .prefix("neuspin-yosys-")
        .tempdir()
        .map_err(|e| CosimError::io(&std::env::temp_dir(), e))?;
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).map_err(|e| CosimError::io(&path, e))
    };
    let mut script = String::new();
    for module in modules {
        write(&module.file_name(), module.text())?;
        _ = writeln!(script, "read_verilog {}", module.file_name());
    }
    for image in images {
        write(&image.file, &image.text)?;
    }
    _ = writeln!(script, "{commands}\ntee -q -o cells.json stat -json");
    if with_logic_cells {
        script += "write_json net.json\n";
    }
    write("synth.ys", &script)?;
    Job::start(Command::new(&program).args(["-q", "synth.ys"]).current_dir(folder.path()))?.finish()?;
    let text = |name: &str| {
        let path = folder.path().join(name);
        fs::read_to_string(&path).map_err(|e| CosimError::io(&path, e))
    };
    let foreign_json = |e: serde_json::Error| foreign(&program, &e.to_string());
    let report = report(&text("cells.json")?).map_err(foreign_json)?;
    let counts = serde_json::from_value(report["design"]["num_cells_by_type"].clone());
    let mut counts: Counts = counts.map_err(|e| foreign(&program, &e.to_string()))?;
    if with_logic_cells {
        let netlist = serde_json::from_str(&text("net.json")?).map_err(foreign_json)?;
        counts.insert(LOGIC_CELLS.into(), logic_cells(&netlist));
    }
    Ok(counts)
}

/// The report of `stat -json`. Yosys 0.23 writes its tree of modules as plain lines in between where modules that are kept hold others.
pub(crate) fn report(text: &str) -> serde_json::Result<Value> {
    let lines = text.lines().filter(|line| line.trim_start().starts_with(['"', '{', '}']));
    serde_json::from_str(&lines.collect::<String>())
}

fn foreign(program: &str, what: &str) -> CosimError {
    CosimError::ToolFailed {
        command: format!("{program} synth.ys"),
        status: "its report cannot be read".into(),
        tail: what.into(),
    }
}

/// Logic cells of an iCE40 netlist, packed as nextpnr does it: a register goes with the LUT that drives nothing else, a carry with a
/// LUT that reads the same two bits and its carry; what is left over takes a cell of its own.
fn logic_cells(netlist: &Value) -> u64 {
    let modules = netlist["modules"].as_object().into_iter().flatten();
    let cells = modules.filter_map(|(_, module)| module["cells"].as_object()).flatten().map(|(_, cell)| cell);
    let cells: Vec<&Value> = cells.collect();
    // Of a constant, a bit is text.
    let bit = |cell: &Value, port: &str| cell["connections"][port][0].as_u64();
    let of_type = |name: &'static str| cells.iter().filter(move |cell| cell["type"].as_str() == Some(name));
    let mut readers: BTreeMap<u64, u32> = BTreeMap::new();
    for cell in &cells {
        for (port, bits) in cell["connections"].as_object().into_iter().flatten() {
            if cell["port_directions"][port] != "output" {
                bits.as_array().into_iter().flatten().filter_map(Value::as_u64).for_each(|b| {
                    *readers.entry(b).or_default() += 1;
                });
            }
        }
    }
    let driven: BTreeSet<u64> = of_type("SB_LUT4").filter_map(|lut| bit(lut, "O")).collect();
    let registers = cells.iter().filter(|cell| cell["type"].as_str().is_some_and(|name| name.starts_with("SB_DFF")));
    let alone = registers.filter(|register| {
        let d = bit(register, "D");
        !d.is_some_and(|d| driven.contains(&d) && readers.get(&d) == Some(&1))
    });
    // What a LUT reads that a carry would have to read, too.
    type Inputs = (Option<u64>, Option<u64>, Option<u64>);
    let mut hosts: BTreeMap<Inputs, u64> = BTreeMap::new();
    for lut in of_type("SB_LUT4") {
        *hosts.entry((bit(lut, "I1"), bit(lut, "I2"), bit(lut, "I3"))).or_default() += 1;
    }
    let mut carries = 0;
    for carry in of_type("SB_CARRY") {
        match hosts.get_mut(&(bit(carry, "I0"), bit(carry, "I1"), bit(carry, "CI"))) {
            Some(left) if *left > 0 => *left -= 1,
            _ => carries += 1,
        }
    }
    of_type("SB_LUT4").count() as u64 + alone.count() as u64 + carries
}

impl Cells {
    /// Of the counts of a family.
    pub fn of(family: Family, counts: &Counts) -> Cells {
        let mut cells = Cells::default();
        for (name, &n) in counts {
            match (family, name.as_str()) {
                (Family::Xilinx7, "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6") => cells.luts += n,
                (Family::Xilinx7, "FDRE" | "FDSE" | "FDCE" | "FDPE") => cells.registers += n,
                (Family::Xilinx7, "RAMB18E1") => cells.block_rams += n,
                (Family::Xilinx7, "RAMB36E1") => cells.block_rams += 2 * n,
                (Family::Xilinx7, "DSP48E1") => cells.dsps += n,
                (Family::Xilinx7, "SRL16E" | "SRLC32E") => cells.memory_luts += n,
                (Family::Xilinx7, "RAM32M" | "RAM64M" | "RAM128X1D") => cells.memory_luts += 4 * n,
                (Family::Xilinx7, "RAM32X1D" | "RAM64X1D" | "RAM128X1S") => cells.memory_luts += 2 * n,
                (Family::Xilinx7, "RAM32X1S" | "RAM64X1S") => cells.memory_luts += n,
                (Family::Xilinx7, "RAM256X1S") => cells.memory_luts += 4 * n,
                (Family::Ecp5, "LUT4") => cells.luts += n,
                (Family::Ecp5, "CCU2C") => cells.luts += 2 * n,
                (Family::Ecp5, "TRELLIS_DPR16X4") => cells.memory_luts += 6 * n,
                (Family::Ecp5, "TRELLIS_FF") => cells.registers += n,
                (Family::Ecp5, "DP16KD" | "PDPW16KD") => cells.block_rams += n,
                (Family::Ecp5, "MULT18X18D") => cells.dsps += n,
                (Family::Ice40Up | Family::Ice40Hx, LOGIC_CELLS) => cells.luts += n,
                (Family::Ice40Up | Family::Ice40Hx, name) if name.starts_with("SB_DFF") => cells.registers += n,
                (Family::Ice40Up | Family::Ice40Hx, name) if name.starts_with("SB_RAM40_4K") => cells.block_rams += n,
                (Family::Ice40Up | Family::Ice40Hx, "SB_MAC16") => cells.dsps += n,
                _ => {}
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_count_as_what_they_take() {
        let counts =
            [("LUT6", 10), ("LUT2", 3), ("FDRE", 7), ("RAMB36E1", 2), ("RAMB18E1", 1), ("RAM32M", 5), ("CARRY4", 9)];
        let counts = counts.into_iter().map(|(name, n)| (name.to_string(), n)).collect();
        let expected = Cells { luts: 13, memory_luts: 20, registers: 7, block_rams: 5, dsps: 0 };
        assert_eq!(Cells::of(Family::Xilinx7, &counts), expected);
    }

    #[test]
    fn a_tree_of_modules_in_between_is_left_out() {
        let text = "{\n  \"modules\": {\n  },\n  top        1\n    lane       4\n  \"design\": {\n    \"num_cells\": 5\n  }\n}\n";
        assert_eq!(report(text).unwrap()["design"]["num_cells"], 5);
        assert!(report("{\n  \"design\": {\n").is_err());
    }
}
