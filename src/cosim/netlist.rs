//! A design as the netlist that synthesis makes of it, for a simulation with the cells' models that come with Yosys.

use super::tool::{Job, find_yosys};
use super::{CosimError, Dut, mend};
use crate::board::Family;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Families whose cells have models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetlistFamily {
    /// Block memories among them; its carry chains are mended as in a build.
    Ice40,
    /// Without block memories and multipliers; and likewise.
    Ecp5,
    /// Without block memories.
    Gowin,
    /// Without block memories.
    Xilinx7,
}

const WRITTEN: &str = "write_verilog -noattr netlist.v";

impl NetlistFamily {
    pub const ALL: [NetlistFamily; 4] =
        [NetlistFamily::Ice40, NetlistFamily::Ecp5, NetlistFamily::Gowin, NetlistFamily::Xilinx7];

    pub fn name(self) -> &'static str {
        match self {
            NetlistFamily::Ice40 => "ice40",
            NetlistFamily::Ecp5 => "ecp5",
            NetlistFamily::Gowin => "gowin",
            NetlistFamily::Xilinx7 => "xilinx7",
        }
    }

    /// Commands of Yosys. Cells without a model of what they do are left out: what they would have done is made of others. A memory
    /// that asks for block memory gets it, whatever the options: so nobody may ask.
    fn synthesis(self) -> &'static str {
        match self {
            NetlistFamily::Ice40 => "setattr -unset ram_style a:ram_style=distributed; synth_ice40",
            NetlistFamily::Ecp5 => "setattr -unset ram_style */m:*; synth_ecp5 -nowidelut -nobram -nodsp",
            NetlistFamily::Gowin => "setattr -unset ram_style */m:*; synth_gowin -nobram",
            NetlistFamily::Xilinx7 => "setattr -unset ram_style */m:*; synth_xilinx -flatten -noiopad -nobram",
        }
    }

    /// Whether Icarus reads the models. Version 11 fails at those for Gowin.
    fn is_read(self) -> bool {
        self != NetlistFamily::Gowin
    }

    /// Commands of Yosys that put into the netlist what the models do, in the place of the cells.
    fn replaced(self, top: &str) -> String {
        let models = self.folder();
        format!(
            "write_verilog -noattr cells.v; design -reset; read_verilog cells.v +/{models}/cells_sim.v; hierarchy -check -top {top}; \
             proc; flatten; opt_clean; "
        )
    }

    /// Folder of the models, in that of Yosys' data.
    fn folder(self) -> &'static str {
        if self == NetlistFamily::Xilinx7 { "xilinx" } else { self.name() }
    }
}

/// `dut` with its netlist for `family` in the place of its text: nothing else changes, so it runs where `dut` runs.
///
/// # Errors
/// If Yosys or its models are not there, or synthesis fails.
pub fn netlist(dut: &Dut, family: NetlistFamily) -> Result<Dut, CosimError> {
    let program = find_yosys()?;
    let top = dut.top.as_str();
    let folder = tempfile::Builder::new()
        .prefix("neuspin-netlist-")
        .tempdir()
        .map_err(|e| CosimError::io(&std::env::temp_dir(), e))?;
    for (name, text) in dut.sources.iter().chain(&dut.memories) {
        let path = folder.path().join(name);
        fs::write(&path, text).map_err(|e| CosimError::io(&path, e))?;
    }
    let names: Vec<&str> = dut.sources.iter().map(|(name, _)| name.as_str()).collect();
    let yosys = |script: String| {
        Job::start(Command::new(&program).args(["-q", "-p", &script]).current_dir(folder.path()))?.finish()
    };
    yosys(format!(
        "read_verilog {}; {} -top {top}; check -assert; {}",
        names.join(" "),
        family.synthesis(),
        match family {
            NetlistFamily::Ice40 | NetlistFamily::Ecp5 => "write_json netlist.json".into(),
            _ if family.is_read() => WRITTEN.to_string(),
            _ => format!("{}{WRITTEN}", family.replaced(top)),
        },
    ))?;
    let read = |path: &Path| fs::read_to_string(path).map_err(|e| CosimError::io(path, e));
    let mended = match family {
        NetlistFamily::Ice40 => Some(Family::Ice40Hx),
        NetlistFamily::Ecp5 => Some(Family::Ecp5),
        NetlistFamily::Gowin | NetlistFamily::Xilinx7 => None,
    };
    if let Some(mended) = mended {
        let json = folder.path().join("netlist.json");
        mend(&json, mended).map_err(|e| CosimError::io(&json, e))?;
        yosys(format!("read_json netlist.json; {WRITTEN}"))?;
    }
    // A carry-out that is left open is no constant in Verilog.
    let text = read(&folder.path().join("netlist.v"))?.replace(".COUT(1'hx)", ".COUT()");
    let mut sources = vec![("netlist.v".to_string(), text)];
    let mut memories = vec![];
    if family.is_read() {
        let models = models(&program, family)?;
        // Default values of ports are no Verilog of 2005.
        sources.push(("cells_sim.v".into(), format!("`define NO_ICE40_DEFAULT_ASSIGNMENTS\n{}", read(&models)?)));
        // What the models include is read by name, as memory images are.
        for name in ["cells_ff.vh", "cells_io.vh"] {
            let path = models.with_file_name(name);
            if path.is_file() {
                memories.push((name.to_string(), read(&path)?));
            }
        }
    }
    Ok(Dut { sources, memories, ..dut.clone() })
}

/// The file of models beside the Yosys that is `program`: `share/yosys` stands beside the folder of the program.
fn models(program: &str, family: NetlistFamily) -> Result<PathBuf, CosimError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).map(|folder| folder.join(program));
    let found = folders.filter(|path| path.is_file()).find_map(|path| {
        let prefix = path.canonicalize().ok()?.parent()?.parent()?.to_path_buf();
        let models = prefix.join("share/yosys").join(family.folder()).join("cells_sim.v");
        models.is_file().then_some(models)
    });
    found.ok_or_else(|| CosimError::ToolFailed {
        command: program.into(),
        status: "no models of cells".into(),
        tail: format!("../share/yosys/{}/cells_sim.v is not there, seen from the folder of {program}", family.folder()),
    })
}
