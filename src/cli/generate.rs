//! `neuspin generate`: from a model to Verilog.

use super::Status;
use super::model_arg::{ChipArgs, DrawArgs, ModelArg};
use super::output::{Output, facts, grouped, table};
use super::plan_arg::PlanArgs;
use super::uart_arg::UartArgs;
use anyhow::Result;
use neuspin::board::Family;
use neuspin::cosim::estimate;
use neuspin::emit::design_files;
use neuspin::model::Model;
use neuspin::net::Network;
use neuspin::plan::uncertainty_luts;
use neuspin::rtl::axi::Axi;
use neuspin::rtl::{Design, Options};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  neuspin generate digits-spindrop                        writes hdl_out/digits_spindrop
  neuspin generate digits-spindrop --target-cycles 1000
  neuspin generate digits-spindrop --pe 8,8,1 --simd 32,64,64 --lanes 4    by hand, layer by layer
  neuspin generate models/mine --target-luts 40000 --max-passes 128 --out build/mine
  neuspin generate digits-spindrop --uncertainty entropy,information    entropy on the chip
  neuspin generate digits-spindrop --chip chip.toml --die 3    the die's weights, devices and arrays
  neuspin generate digits-spindrop --uart 115200 --clock 12000000    with a serial port around it
  neuspin generate digits-spindrop --writable --out build/writable    weights written by a host
  neuspin generate digits-spindrop --taps --out build/tapped    shows all activations
  neuspin generate digits-spindrop --axi=32 --out build/axi     with AXI streams of 32 bits and AXI4-Lite";

/// Generate Verilog: one module a file, memory images, a manifest, a FuseSoC core.
///
/// The folder is replaced as a whole once everything is there; a folder that holds anything but a design is left alone.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    /// Folder of the design [default: hdl_out/<design>]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Add ports that show every hidden activation
    #[arg(long)]
    taps: bool,
    /// Add a port through which a host writes weights and constants
    #[arg(long)]
    writable: bool,
    /// Beside the core, wrap it for AXI: streams of images and results, registers over AXI4-Lite (docs/axi.md). Both streams get
    /// BITS bits, a multiple of 8; without a number each is as wide as what it carries
    #[arg(long, value_name = "BITS", num_args = 0..=1, require_equals = true)]
    axi: Option<Option<u32>>,
    #[command(flatten)]
    uart: UartArgs,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    draws: DrawArgs,
    #[command(flatten)]
    chip: ChipArgs,
}

/// Writes the files of a design; to `hdl_out/<design>` unless told otherwise.
pub fn write(design: &Design, model: &Model, network: &Network, out: Option<&Path>) -> Result<PathBuf> {
    let out = out.map_or_else(|| Path::new("hdl_out").join(&design.name), Path::to_path_buf);
    let origin = format!("model {}: {}", model.name, model.command);
    design_files(design, network, &origin)?.write(&out)?;
    Ok(out)
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let (model, network) = args.model.network_on(&args.draws, &args.chip)?;
    let axi = args.axi.map(|width| Axi { width });
    let options = Options { taps: args.taps, writable: args.writable, axi, ..Options::default() };
    let design = args.plan.design(&network, options)?;
    let design = args.uart.around(design, &network)?;
    let out = write(&design, &model, &network, args.out.as_deref())?;

    let schedule = design.schedule(&network);
    let (first, each) = (schedule.cycles(1, network.passes.into()), schedule.cycles_per_image(network.passes.into()));
    let families = [("Xilinx 7", Family::Xilinx7), ("ECP5", Family::Ecp5), ("iCE40", Family::Ice40Hx)];
    let costs = families.map(|(name, family)| (name, family, estimate(&network, &design, family)));
    let estimates: serde_json::Map<String, Value> = costs
        .iter()
        .map(|(_, family, cost)| Ok((serde_json::to_value(family)?.as_str().unwrap_or_default().into(), json!(cost))))
        .collect::<Result<_>>()?;
    let json = json!({
        "design": design.name,
        "out": out,
        "modules": design.modules.len(),
        "memory_images": design.images.len(),
        "plan": design.plan,
        "passes": network.passes,
        "cycles_first_image": first,
        "cycles_per_image": each,
        "estimates": estimates,
    });
    let parts = uncertainty_luts(&network, &design.plan, Family::Xilinx7);
    let mut json = json;
    if let Some(uart) = &design.uart {
        json["uart"] = json!({ "top": uart.top, "rate": uart.rate, "buffers": uart.buffers });
    }
    if !parts.is_empty() {
        let part = |(name, luts): &(&str, u64)| json!({ "part": name, "luts_xilinx7": luts });
        json["uncertainty"] = parts.iter().map(part).collect();
    }
    let mut rows = vec![
        ("design", design.name.clone()),
        ("written to", out.display().to_string()),
        ("files", format!("{} modules, {} memory images", design.modules.len(), design.images.len())),
        ("passes", format!("{} at once, at most {}", design.plan.lanes, design.plan.max_passes)),
        ("cycles", format!("{} to the first result, {each:.1} an image ({} passes)", grouped(first), network.passes)),
    ];
    rows.extend(costs.iter().map(|(name, family, cost)| {
        let [luts, registers, blocks] = [cost.luts, cost.registers, cost.block_rams].map(grouped);
        let size = if *family == Family::Xilinx7 { " of 18 kbit" } else { "" };
        (*name, format!("{luts} LUTs and {registers} registers (estimate), {blocks} block memories{size}"))
    }));
    let (_, _, cost) = costs[0];
    rows.push((
        "memory",
        format!("{} bits of weights and tables, {} bits working", grouped(cost.rom_bits), grouped(cost.ram_bits)),
    ));
    if let Some(uart) = &design.uart {
        let (top, rate) = (&uart.top, uart.rate);
        rows.push(("serial port", format!("{top}: {} baud, {} clocks a bit", rate.baud, rate.divisor)));
    }
    if !parts.is_empty() {
        let part = |(name, luts): &(&str, u64)| format!("{name} {}", grouped(*luts));
        let list = parts.iter().map(part).collect::<Vec<_>>().join(", ");
        rows.push(("uncertainty", format!("{list} of these LUTs on Xilinx 7")));
    }
    if let Some(axi) = &design.axi {
        let (i, r) = (&axi.images, &axi.results);
        json["axi"] = json!({ "top": axi.name, "images": i, "results": r });
        let sizes = format!("frames of {} x {} bits in, {} x {} bits out", i.beats, i.bits, r.beats, r.bits);
        rows.push(("AXI", format!("{}: {sizes}", axi.name)));
    }
    let head = facts(&rows);
    let rows = design.layers.iter().enumerate().map(|(l, layer)| {
        let clocks = grouped(layer.frame_clocks() as u64);
        vec![
            l.to_string(),
            format!("{} -> {}", layer.inputs, layer.outputs),
            layer.pe.to_string(),
            layer.simd.to_string(),
            layer.lanes.to_string(),
            clocks,
        ]
    });
    let header = ["layer", "shape", "pe", "simd", "lanes", "clocks a frame"];
    output.result(&json, &format!("{head}\n{}", table(&header, &[0, 2, 3, 4, 5], rows.collect())))?;
    Ok(Status::Success)
}
