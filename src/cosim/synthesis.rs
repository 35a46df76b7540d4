//! What Yosys makes of a design: cells of a Xilinx 7 device.

use super::CosimError;
use super::tool::{Job, find_yosys};
use crate::rtl::{Design, MemoryImage};
use crate::verilog::VerilogFile;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Cells by what they are; nothing is placed or routed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// LUTs used as logic.
    pub luts: u64,
    /// LUTs used as memory or shift register.
    pub memory_luts: u64,
    pub registers: u64,
    /// Block memories of 18 kbit; one of 36 kbit counts as two.
    pub block_rams: u64,
    /// DSP48E1 blocks.
    pub dsps: u64,
}

/// Synthesises `design` with `synth_xilinx`.
pub fn synthesize(design: &Design) -> Result<Cells, CosimError> {
    synthesize_modules(&design.name, &design.modules, &design.images)
}

/// Synthesises module `top` with `synth_xilinx`.
pub fn synthesize_modules(top: &str, modules: &[VerilogFile], images: &[MemoryImage]) -> Result<Cells, CosimError> {
    let program = find_yosys()?;
    let folder = tempfile::Builder::new()
        .prefix("neuspin-yosys-")
        .tempdir()
        .map_err(|e| CosimError::io(&std::env::temp_dir(), e))?;
    let sources = modules.iter().map(|m| (m.file_name(), m.text()));
    let memories = images.iter().map(|i| (i.file.clone(), i.text.as_str()));
    for (name, text) in sources.chain(memories) {
        let path = folder.path().join(name);
        fs::write(&path, text).map_err(|e| CosimError::io(&path, e))?;
    }
    let names: Vec<String> = modules.iter().map(VerilogFile::file_name).collect();
    let script = format!(
        "read_verilog {}; synth_xilinx -flatten -noiopad -top {}; tee -q -o cells.json stat -json",
        names.join(" "),
        top
    );
    Job::start(Command::new(&program).args(["-q", "-p", &script]).current_dir(folder.path()))?.finish()?;
    let path = folder.path().join("cells.json");
    let text = fs::read_to_string(&path).map_err(|e| CosimError::io(&path, e))?;
    let foreign = || CosimError::ToolFailed {
        command: format!("{program} -p 'stat -json'"),
        status: "no statistics".into(),
        tail: text.clone(),
    };
    let report: Value = serde_json::from_str(&text).map_err(|_| foreign())?;
    let counts = serde_json::from_value(report["design"]["num_cells_by_type"].clone()).map_err(|_| foreign())?;
    Ok(Cells::of(&counts))
}

impl Cells {
    fn of(counts: &BTreeMap<String, u64>) -> Cells {
        let mut cells = Cells::default();
        for (name, &n) in counts {
            match name.as_str() {
                "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6" => cells.luts += n,
                "FDRE" | "FDSE" | "FDCE" | "FDPE" => cells.registers += n,
                "RAMB18E1" => cells.block_rams += n,
                "RAMB36E1" => cells.block_rams += 2 * n,
                "DSP48E1" => cells.dsps += n,
                "SRL16E" | "SRLC32E" => cells.memory_luts += n,
                "RAM32M" | "RAM64M" => cells.memory_luts += 4 * n,
                "RAM32X1D" | "RAM64X1D" => cells.memory_luts += 2 * n,
                "RAM128X1D" => cells.memory_luts += 4 * n,
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
        assert_eq!(Cells::of(&counts), expected);
    }
}
