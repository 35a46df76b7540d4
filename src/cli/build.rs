//! `neuspin build`: from a model to a bitstream for a board.

use super::Status;
use super::inputs::InputArgs;
use super::model_arg::{DrawArgs, ModelArg};
use super::output::{Output, facts, grouped};
use super::plan_arg::PlanArgs;
use anyhow::{Context, Result, anyhow, ensure};
use neuspin::board::{BOARDS, Board, Clock, module_name, pins, top};
use neuspin::cosim::{Builder, Dut, Options as SimulationOptions, Settings, cosimulate, estimate, synthesize};
use neuspin::emit::{FileSet, design_files};
use neuspin::flow::{self, Built, Kit, Order, Used, vivado, zynq};
use neuspin::golden::Golden;
use neuspin::net::{Images, Network};
use neuspin::rtl::axi::Axi;
use neuspin::rtl::uart::Rate;
use neuspin::rtl::{Design, Options};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  neuspin build digits-spindrop --board tang-nano-9k               folded to fit, at the oscillator's clock
  neuspin build digits-spindrop --board ice40-hx8k --pe 16,2,1 --simd 1,16,2 --max-passes 16 --clock 60
  neuspin build mnist-spindrop-1bit --board ulx3s-85f --passes 32 --clock 50 --target-rate 20000
  neuspin build digits-spindrop --board arty-a7-35t                a Vivado project, which is not run
  neuspin build digits-spindrop --board pynq-z2 --clock 100        and a block design with a DMA
  neuspin boards                                                   all boards";

/// Build a bitstream: generate the Verilog with its serial port, synthesise, place, route, pack.
///
/// For iCE40, ECP5 and Gowin with open tools (`make flow` installs them). For Xilinx a Vivado project is written and Yosys counts cells; Vivado
/// itself is not run. Where layers take differences (--events), the cycles of an image are counted in simulation, on test images of the model's data
/// set. The folder is replaced as a whole once the bitstream is there and its clock is met; else it stays as it was, and the logs go to
/// FOLDER-failed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    /// The board, as `neuspin boards` lists it
    #[arg(long, value_name = "BOARD", value_parser = known)]
    board: &'static Board,
    /// The design's clock in MHz, made by a PLL [default: the board's oscillator]
    #[arg(long, value_name = "MHZ")]
    clock: Option<f64>,
    /// Bits a second at the serial port
    #[arg(long, value_name = "BAUD", default_value_t = 115_200)]
    baud: u32,
    /// Seed of the placer
    #[arg(long, value_name = "N", default_value_t = 1)]
    place_seed: u32,
    /// Folder of the build [default: build/<design>_<board>]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    draws: DrawArgs,
}

/// The board of that name.
pub fn known(id: &str) -> Result<&'static Board, String> {
    Board::find(id).ok_or_else(|| {
        let all: Vec<&str> = BOARDS.iter().map(|board| board.id).collect();
        format!("no such board; there are {}", all.join(", "))
    })
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let board = args.board;
    let wanted = args.clock.unwrap_or(f64::from(board.oscillator));
    let clock = Clock::new(board.family, board.oscillator, wanted).context("--clock")?;
    // Tools first: a folding of minutes is not to end with one that is missing.
    let kit = if board.family.is_open() { Some(Kit::find(board.family)?) } else { None };
    pins(board, board.constraint_text())?;
    let (model, network) = args.model.network(&args.draws)?;
    // Where cycles depend on the images, they are counted in simulation.
    let images = |count| InputArgs::first(&model.input.dataset, Some(count)).load(&model).map(|inputs| inputs.images);
    let axi = board.has_processor().then_some(Axi { width: Some(zynq::STREAM_BITS) });
    let design = args.plan.design_for(&network, Options { axi, ..Options::default() }, board, clock.hz())?;
    let rate = Rate::new(args.baud, clock.hz().round() as u32).context("--baud")?;
    let design = design.with_uart(&network, rate)?;
    let expected = flow::expected(board, &estimate(&network, &design, board.family));
    if let Some(warning) = &expected {
        output.note(&format!("warning: {warning}; trying all the same"));
    }

    let name = module_name(&design.name, board);
    let out = args.out.clone().unwrap_or_else(|| Path::new("build").join(&name));
    let origin = format!("model {}: {}", model.name, model.command);
    let mut files = design_files(&design, &network, &origin)?;
    let inner = design.uart.as_ref().map(|uart| uart.top.clone()).unwrap_or_default();
    files.insert(&format!("{name}.v"), top(board, &clock, &inner, &name))?;
    files.insert(board.constraints, board.constraint_text())?;
    let Some(kit) = kit else { return project(args, output, &design, (&name, clock), files, &out) };

    let order = Order { design: &design, board, clock, top: &name, files: &files, seed: args.place_seed, out: &out };
    let spinner = output.spinner("build");
    let cycles = match design.plan.takes_differences() {
        true => {
            spinner.set_message("simulation");
            cycles_of(&design, &network, images(SOME + COUNTED)?)?
        }
        false => design.schedule(&network).cycles_per_image(network.passes.into()),
    };
    let facts_of = |built: &Built| record(&order, &network, cycles, built);
    let built = flow::build(
        &order,
        &kit,
        |stage| {
            spinner.set_message(stage);
            if spinner.is_hidden() {
                output.note(stage);
            }
        },
        |built| format!("{:#}\n", facts_of(built)),
    );
    spinner.finish_and_clear();
    let built = built?;
    let json = facts_of(&built);
    output.result(&json, &text(&order, &json, &built))?;
    Ok(Status::Success)
}

/// Images whose cycles are counted, behind some that fill the pipeline.
const COUNTED: usize = 200;
const SOME: usize = 8;

/// Cycles from image to image, as simulated; the results have to be the golden model's.
fn cycles_of(design: &Design, network: &Network, images: Images) -> Result<f64> {
    let (golden, builder, dut) = (Golden::new(network)?, Builder::find()?, Dut::of(design));
    let counted = images.len().saturating_sub(SOME);
    ensure!(counted > 0, "{} images are too few to count cycles of; more than {SOME}", images.len());
    let run = |images: Images| {
        let settings = Settings::of(network);
        let outcome = cosimulate(&builder, &dut, &golden, &images, &settings, SimulationOptions::default(), &|_| ())?;
        ensure!(outcome.is_exact(), "the design does not compute what the golden model does: see `neuspin cosim`");
        Ok(outcome.clocks as f64)
    };
    Ok((run(images.clone())? - run(images.slice(0..SOME))?) / counted as f64)
}

/// What is written beside the bitstream.
fn record(order: &Order, network: &Network, cycles: f64, built: &Built) -> Value {
    let passes = f64::from(network.passes);
    let images = order.clock.hz() / cycles;
    let sizes: Vec<String> = order.design.layers.iter().map(|l| l.inputs.to_string()).collect();
    let topology = format!("{}-{}", sizes.join("-"), order.design.classes);
    json!({
        "board": order.board.id,
        "board_name": order.board.name,
        "order": BOARDS.iter().position(|board| board.id == order.board.id),
        "design": order.design.name,
        "topology": topology,
        "passes": network.passes,
        "lanes": order.design.plan.lanes,
        "plan": order.design.plan,
        "clock_mhz": order.clock.mhz,
        "cycles_per_image": cycles,
        "images_per_s": images,
        "passes_per_s": images * passes,
        "place_seed": order.seed,
        "built": built,
    })
}

fn text(order: &Order, json: &Value, built: &Built) -> String {
    let board = order.board;
    let of = |n: Used| format!("{} of {} ({:.0} %)", grouped(n.used), grouped(n.available), n.percent());
    let number = |key: &str| json[key].as_f64().unwrap_or(0.0);
    let bitstream = order.out.join(&built.bitstream).display().to_string();
    let seconds: Vec<String> = built.seconds.iter().map(|(stage, s)| format!("{stage} {s:.0} s")).collect();
    facts(&[
        ("board", format!("{}, {}", board.name, board.device)),
        ("bitstream", bitstream.clone()),
        ("clock", format!("{:.2} MHz, up to {:.2} reached", order.clock.mhz, built.fmax.reached_mhz)),
        ("LUT", of(built.luts)),
        ("FF", of(built.registers)),
        ("block RAM", of(built.block_rams)),
        ("multipliers", of(built.multipliers)),
        (
            "rate",
            format!(
                "{} images/s of {} passes, {} passes/s; the serial port is slower",
                grouped(number("images_per_s") as u64),
                json["passes"],
                grouped(number("passes_per_s") as u64)
            ),
        ),
        ("took", seconds.join(", ")),
        ("load it by", board.load.replace("{}", &bitstream)),
    ])
}

/// A Vivado project, and what Yosys counts.
fn project(
    args: &Args,
    output: &Output,
    design: &Design,
    (name, clock): (&str, Clock),
    mut files: FileSet,
    out: &Path,
) -> Result<Status> {
    let board = args.board;
    files.insert(vivado::PROJECT, vivado::project(board, name, &files))?;
    let mut projects = vec![vivado::PROJECT];
    if let Some(wrapper) = &design.axi {
        files.insert(zynq::BLOCK_DESIGN, zynq::block_design(board, wrapper, clock.mhz, &files))?;
        files.insert(zynq::EXAMPLE, zynq::example(wrapper, &design.name))?;
        projects.push(zynq::BLOCK_DESIGN);
    }
    let spinner = output.spinner("synthesis");
    let cells = synthesize(design);
    spinner.finish_and_clear();
    let cells = cells?;
    files.write(out)?;
    let of = |used: u64, available: u64| {
        let n = Used { used, available };
        format!("{} of {} ({:.0} %)", grouped(used), grouped(available), n.percent())
    };
    let c = board.capacity;
    let over = cells.luts + cells.memory_luts > c.luts || cells.block_rams > c.block_rams;
    let json = json!({ "board": board.id, "projects": projects.iter().map(|file| out.join(file)).collect::<Vec<_>>(), "run": false, "cells_by_yosys": cells });
    let text = facts(&[
        ("board", format!("{}, {}", board.name, board.device)),
        ("project", format!("{} in {} (generated; Vivado was not run)", projects.join(", "), out.display())),
        ("LUT", format!("{}, by Yosys, of the core alone", of(cells.luts + cells.memory_luts, c.luts))),
        ("FF", of(cells.registers, c.registers)),
        ("block RAM", of(cells.block_rams, c.block_rams)),
        ("multipliers", of(cells.dsps, c.multipliers)),
    ]);
    output.result(&json, &text)?;
    if over {
        return Err(anyhow!("the design does not fit the {}; fold it smaller, or take a larger board", board.name));
    }
    Ok(Status::Success)
}
