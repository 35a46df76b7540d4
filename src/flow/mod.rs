//! From a design to a bitstream: synthesis, place and route, packing, each a child process with a log.
//!
//! Everything is made in a folder aside. It takes the place of the old one when the bitstream is there and its clock is met; else the old
//! one stays as it is, and the logs go to `<folder>-failed`.

mod error;
mod report;
mod script;
mod stage;
mod tools;
pub mod vivado;
pub mod zynq;

pub use error::FlowError;
pub use report::{Fmax, Used};
pub use tools::{Kit, Tool};

use crate::board::{Board, Clock, Family};
use crate::cosim::{Mended, mend};
use crate::emit::{Aside, FileSet};
use crate::rtl::Design;
use serde::Serialize;
use stage::{Stage, run};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What is to be built.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub design: &'a Design,
    pub board: &'static Board,
    pub clock: Clock,
    /// Name of the top module, which is among the files.
    pub top: &'a str,
    /// All sources, memory images and constraints, a design's manifest among them.
    pub files: &'a FileSet,
    /// Of the placer.
    pub seed: u32,
    pub out: &'a Path,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Built {
    pub luts: Used,
    pub registers: Used,
    pub block_rams: Used,
    pub multipliers: Used,
    /// What was done to the netlist before placement.
    pub mended: Mended,
    /// The design's clock after routing.
    pub fmax: Fmax,
    /// File name of the bitstream.
    pub bitstream: String,
    /// Tools and their versions.
    pub tools: Vec<String>,
    /// Seconds of each stage.
    pub seconds: BTreeMap<&'static str, f64>,
}

/// Why a build ends with its logs kept.
struct Failure(FlowError);

/// Builds `order`; `stage` hears what is being done. `record` makes a file beside the bitstream of what came out.
///
/// # Errors
/// Names the tool that is missing, the stage that failed with the end of its log, the resource that is short, or the clock that is missed.
/// The folder is then as it was.
pub fn build(
    order: &Order,
    kit: &Kit,
    stage: impl Fn(&'static str),
    record: impl FnOnce(&Built) -> String,
) -> Result<Built, FlowError> {
    let aside = Aside::beside(order.out)?;
    order.files.write_into(aside.path())?;
    let logs = aside.path().join("logs");
    fs::create_dir_all(&logs).map_err(FlowError::io(&logs))?;
    match tools_at_work(order, kit, aside.path(), stage) {
        Ok(built) => {
            let path = aside.path().join("build.json");
            fs::write(&path, record(&built)).map_err(FlowError::io(&path))?;
            aside.put()?;
            Ok(built)
        }
        Err(Failure(error)) => Err(keep_logs(error, &logs, order.out)?),
    }
}

/// Moves the logs of a failed build to `<out>-failed`, and makes the error name that place.
fn keep_logs(error: FlowError, logs: &Path, out: &Path) -> Result<FlowError, FlowError> {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push("-failed");
    let kept = out.with_file_name(name);
    fs::create_dir_all(&kept).map_err(FlowError::io(&kept))?;
    for entry in fs::read_dir(logs).map_err(FlowError::io(logs))? {
        let path = entry.map_err(FlowError::io(logs))?.path();
        if let Some(name) = path.file_name() {
            let to = kept.join(name);
            fs::copy(&path, &to).map_err(FlowError::io(&to))?;
        }
    }
    let moved = |log: PathBuf| log.file_name().map_or(kept.clone(), |name| kept.join(name));
    Ok(match error {
        FlowError::Failed { stage, status, log, tail } => FlowError::Failed { stage, status, log: moved(log), tail },
        FlowError::Report { stage, what, log } => FlowError::Report { stage, what, log: moved(log) },
        FlowError::TooSmall { board, what, luts, .. } => FlowError::TooSmall { board, what, luts, logs: kept },
        FlowError::Timing { net, reached, wanted, .. } => FlowError::Timing { net, reached, wanted, logs: kept },
        other => other,
    })
}

fn tools_at_work(order: &Order, kit: &Kit, folder: &Path, stage: impl Fn(&'static str)) -> Result<Built, Failure> {
    let mut seconds = BTreeMap::new();
    let mut timed = |what: Stage, command: &mut Command| -> Result<String, FlowError> {
        stage(what.name);
        let start = Instant::now();
        let log = run(what, command, folder);
        seconds.insert(what.name, start.elapsed().as_secs_f64());
        log
    };
    let board = order.board;

    let path = folder.join("synth.ys");
    fs::write(&path, script::synthesis(order)).map_err(|e| Failure(FlowError::io(&path)(e)))?;
    timed(stage::SYNTHESIS, Command::new(&kit.yosys.program).arg("synth.ys")).map_err(Failure)?;
    let cells = cells(&folder.join("cells.json")).map_err(Failure)?;
    let netlist = folder.join("net.json");
    let mended = mend(&netlist, board.family).map_err(|e| Failure(FlowError::io(&netlist)(e)))?;

    let arguments = script::place_and_route(order, kit.place.offers(script::STATIC_PLACER), &cells);
    let place = timed(stage::PLACE, Command::new(&kit.place.program).args(arguments));
    // Its log says what was short, whether it succeeded or not.
    let log = fs::read_to_string(folder.join(stage::PLACE.log())).unwrap_or_default();
    let used = report::utilisation(&log);
    if let Some(what) = short(board, &used) {
        let luts = board.capacity.luts * 7 / 10;
        return Err(Failure(FlowError::TooSmall { board: board.name, what, luts, logs: folder.join("logs") }));
    }
    place.map_err(Failure)?;
    let clocks = report::clocks(&log);
    let Some(slowest) = clocks.iter().min_by(|a, b| {
        let slack = |f: &Fmax| f.reached_mhz / f.wanted_mhz;
        slack(a).total_cmp(&slack(b))
    }) else {
        let what = "place and route states no clock".to_string();
        return Err(Failure(FlowError::Report {
            stage: "place and route",
            what,
            log: folder.join(stage::PLACE.log()),
        }));
    };
    if slowest.reached_mhz < slowest.wanted_mhz {
        return Err(Failure(FlowError::Timing {
            net: slowest.net.clone(),
            reached: slowest.reached_mhz,
            wanted: slowest.wanted_mhz,
            logs: folder.join("logs"),
        }));
    }

    let (bitstream, args) = script::packing(order);
    timed(stage::PACK, Command::new(&kit.pack.program).args(args)).map_err(Failure)?;
    if !folder.join(&bitstream).is_file() {
        let what = format!("{bitstream} was not written");
        return Err(Failure(FlowError::Report { stage: "packing", what, log: folder.join(stage::PACK.log()) }));
    }
    for left in script::INTERMEDIATE {
        _ = fs::remove_file(folder.join(left));
    }
    let [luts, registers, block_rams, multipliers] = report::names(board.family);
    let of = |name: &str, available: u64| used.get(name).copied().unwrap_or(Used { used: 0, available });
    let capacity = board.capacity;
    let registers = match of(registers, capacity.registers) {
        Used { used: 0, available } => Used { used: report::registers(&cells), available },
        counted => counted,
    };
    Ok(Built {
        luts: of(luts, capacity.luts),
        registers,
        block_rams: of(block_rams, capacity.block_rams),
        multipliers: of(multipliers, capacity.multipliers),
        mended,
        fmax: slowest.clone(),
        bitstream,
        tools: [&kit.yosys, &kit.place, &kit.pack].iter().map(|tool| describe(tool)).collect(),
        seconds,
    })
}

fn describe(tool: &Tool) -> String {
    let name = tool.program.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    format!("{name} {}", tool.version).trim().to_string()
}

/// The resource of which more is needed than the device has.
fn short(board: &Board, used: &BTreeMap<String, Used>) -> Option<String> {
    let over = used.iter().filter(|(_, n)| n.used > n.available);
    let worst = over.max_by(|(_, a), (_, b)| a.percent().total_cmp(&b.percent()));
    worst.map(|(name, n)| format!("it takes {} {name} of the {} that a {} has", n.used, n.available, board.device))
}

/// Cells by type, as Yosys counted them.
fn cells(path: &Path) -> Result<BTreeMap<String, u64>, FlowError> {
    let text = fs::read_to_string(path).map_err(FlowError::io(path))?;
    let report = crate::cosim::report(&text).unwrap_or_default();
    Ok(serde_json::from_value(report["design"]["num_cells_by_type"].clone()).unwrap_or_default())
}

/// What the plan is expected to take of `board`: a warning where that is more than there is.
pub fn expected(board: &Board, cost: &crate::plan::Cost) -> Option<String> {
    let (luts, there) = (cost.luts, board.capacity.luts);
    if luts > there {
        return Some(format!("the folding is estimated at {luts} LUTs, and a {} has {there}", board.name));
    }
    let (blocks, there) = (cost.block_rams, board.capacity.block_rams);
    (blocks > there).then(|| {
        let size = if board.family == Family::Xilinx7 { " of 18 kbit" } else { "" };
        format!("memories take {blocks} block memories{size}, and a {} has {there}", board.name)
    })
}
