//! The files of a design: modules, memory images, its registers, a manifest, a FuseSoC core.
//!
//! Nothing in them depends on when, where or by whom they are made: the same network and plan give the same bytes.

use super::{DESIGN_FORMAT, EmitError, FileSet, MANIFEST, readme, registers, sha256};
use crate::net::Network;
use crate::random::root_from_seed;
use crate::rtl::{Design, Programming, Region, What};
use crate::verilog::{Direction, VerilogFile};
use serde_json::{Value, json};

/// All files of `design`, made from `network`; `origin` says where that comes from.
///
/// # Errors
/// If two files of the design have one name.
pub fn design_files(design: &Design, network: &Network, origin: &str) -> Result<FileSet, EmitError> {
    let mut files = FileSet::new();
    for module in design.modules.iter().chain(design.uart.iter().flat_map(|u| &u.modules)) {
        files.insert(&module.file_name(), module.text())?;
    }
    for image in &design.images {
        files.insert(&image.file, image.text.as_str())?;
    }
    files.insert(&format!("{}.core", design.name), core(design))?;
    files.insert("Makefile", readme::makefile(design))?;
    files.insert("README.md", readme::readme(design, network))?;
    for module in design.axi.iter().flat_map(|axi| &axi.modules) {
        files.insert(&module.file_name(), module.text())?;
    }
    registers::add(&mut files, &design.name, design.axi.as_ref().map_or(&design.registers, |axi| &axi.registers))?;
    if let Some(axi) = &design.axi {
        registers::add_streams(&mut files, &design.name, axi)?;
    }
    let mut manifest = manifest(design, network, origin);
    manifest["files"] = files.iter().map(|(path, bytes)| json!({ "path": path, "sha256": sha256(bytes) })).collect();
    files.insert(MANIFEST, format!("{manifest:#}\n"))?;
    Ok(files)
}

fn manifest(design: &Design, network: &Network, origin: &str) -> Value {
    let port = |p: &crate::verilog::Port| {
        let direction = if p.direction == Direction::Input { "input" } else { "output" };
        json!({ "name": p.name, "direction": direction, "bits": p.width })
    };
    let layer = |(index, l): (usize, &crate::plan::LayerPlan)| {
        json!({
            "layer": index,
            "inputs": l.inputs,
            "outputs": l.outputs,
            "pe": l.pe,
            "simd": l.simd,
            "lanes": l.lanes,
            "unit": l.unit,
        })
    };
    // The inputs' unit is the first, and its probability the first of the CODE registers.
    let dropout = network.input.dropout.map(|code| json!({ "unit": 0, "code": code }));
    let schedule = design.schedule(network);
    let mut manifest = json!({
        "format": DESIGN_FORMAT,
        "version": 1,
        "generator": concat!("neuspin ", env!("CARGO_PKG_VERSION")),
        "name": design.name,
        "origin": origin,
        "network_sha256": sha256(network.to_json().as_bytes()),
        "seed": network.seed,
        "root": format!("0x{:016x}", root_from_seed(network.seed, network.random.lfsr_bits)),
        "random": network.random,
        "passes": network.passes,
        "early_stop": network.early_stop,
        "plan": design.plan,
        "layers": design.layers.iter().enumerate().map(layer).collect::<Vec<_>>(),
        "cycles": {
            "first_image": schedule.cycles(1, network.passes.into()),
            "per_image": schedule.cycles_per_image(network.passes.into()),
        },
        "ports": design.top().map(|top| top.header().ports().iter().map(port).collect::<Vec<_>>()),
        "registers": design.registers,
        "taps": design.options.taps,
    });
    if let Some(programming) = &design.programming {
        manifest["programming"] = port_map(programming);
    }
    if let Some(dropout) = dropout {
        manifest["input_dropout"] = dropout;
    }
    if let Some(chip) = &network.chip.origin {
        manifest["chip"] = json!(chip);
    }
    if let Some(uart) = &design.uart {
        let top = uart.modules.iter().find(|m| m.name() == uart.top);
        manifest["uart"] = json!({
            "top": uart.top,
            "rate": uart.rate,
            "buffers": uart.buffers,
            "ports": top.map(|top| top.header().ports().iter().map(port).collect::<Vec<_>>()),
        });
    }
    if let Some(axi) = &design.axi {
        manifest["registers"] = json!(axi.registers);
        manifest["axi"] = json!({
            "top": axi.name,
            "ports": axi.top().map(|top| top.header().ports().iter().map(port).collect::<Vec<_>>()),
            "images": axi.images,
            "results": axi.results,
        });
    }
    manifest
}

/// Addresses of the programming port.
fn port_map(programming: &Programming) -> Value {
    let region = |(n, r): (usize, &Region)| {
        let fields: Vec<Value> = programming
            .layout(n)
            .into_iter()
            .map(|((name, count), lsb)| json!({ "name": name, "count": count, "lsb": lsb }))
            .collect();
        let what = match &r.what {
            What::Weights { .. } => "weights",
            What::Columns { .. } => "columns",
            What::Constants => "constants",
        };
        json!({
            "name": r.name,
            "what": what,
            "layer": r.layer,
            "base": format!("0x{:08x}", programming.base(n)),
            "fields": fields,
            "slice_bits": r.slice_bits(),
            "image": r.file,
        })
    };
    programming.regions.iter().enumerate().map(region).collect()
}

/// A FuseSoC core (CAPI 2): <https://fusesoc.readthedocs.io>.
fn core(design: &Design) -> String {
    let verilog: String = design.modules.iter().map(|m| format!("      - {}\n", m.file_name())).collect();
    let memories: String =
        design.images.iter().map(|i| format!("      - {0}: {{file_type: user, copyto: {0}}}\n", i.file)).collect();
    let name = &design.name;
    let memories = if memories.is_empty() { String::new() } else { format!("  memories:\n    files:\n{memories}") };
    let used = if memories.is_empty() { "[rtl]" } else { "[rtl, memories]" };
    let wrapped = |kind: &str, top: &str, modules: &[VerilogFile]| wrapper_of_core(kind, top, modules, used);
    let wrappers = [
        design.uart.as_ref().map(|uart| wrapped("uart", &uart.top, &uart.modules)),
        design.axi.as_ref().map(|axi| wrapped("axi", &axi.name, &axi.modules)),
    ];
    let (filesets, targets): (String, String) = wrappers.into_iter().flatten().unzip();
    format!(
        "CAPI=2:\nname: neuspin:designs:{name}:1.0.0\n\
         description: Binary Bayesian network {name}, generated by neuspin\n\n\
         filesets:\n  rtl:\n    files:\n{verilog}    file_type: verilogSource-2005\n{memories}{filesets}\n\
         targets:\n  default: &default\n    filesets: {used}\n    toplevel: {name}\n\
         \x20 lint:\n    <<: *default\n    default_tool: verilator\n    tools:\n      verilator:\n        mode: lint-only\n{targets}"
    )
}

/// The file set and the target of a wrapper.
fn wrapper_of_core(kind: &str, top: &str, modules: &[VerilogFile], used: &str) -> (String, String) {
    let files: String = modules.iter().map(|m| format!("      - {}\n", m.file_name())).collect();
    let used = used.replace('[', &format!("[{kind}, "));
    (
        format!("  {kind}:\n    files:\n{files}    file_type: verilogSource-2005\n"),
        format!("  {kind}:\n    filesets: {used}\n    toplevel: {top}\n"),
    )
}
