//! A small design in the tools that people build with: Verilator's lint, Icarus, and Yosys for three families of FPGA.
//!
//! `YOSYS` names another Yosys than the one in the path.

mod tools;

use neuspin::net::{Direction, Hidden, Input, Method, Network, Output, Random, Weights};
use neuspin::plan::{Folding, Plan};
use neuspin::rtl::{Design, Options};
use std::collections::BTreeMap;

/// 16-16-8-4 with 2-bit inputs, dropout on both hidden layers, two lanes of four groups.
fn design() -> Design {
    let bit = |r: usize, c: usize| (r * 7 + c * 5 + r * c).is_multiple_of(3);
    let hidden = |rows: usize, cols: usize| Hidden {
        weights: Weights::from_fn(rows, cols, bit),
        thresholds: (0..rows as i32).map(|r| r % 5 - 2).collect(),
        directions: (0..rows).map(|r| if r % 3 == 0 { Direction::Le } else { Direction::Ge }).collect(),
        method: Some(Method::spindrop(40)),
        conv: None,
        residual: None,
    };
    let network = Network {
        name: "synthesised".into(),
        input: Input { features: 16, bits: 2, signed: false, dropout: None },
        hidden: vec![hidden(16, 16), hidden(8, 16)],
        output: Output {
            weights: Weights::from_fn(4, 8, bit),
            scale: vec![9, -7, 12, 5],
            offset: vec![3, -40, 8, 0],
            shift: 2,
            frac_bits: 3,
            logit_bits: 10,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::new(32, 8),
        seed: 1,
        passes: 8,
        early_stop: None,
        chip: Default::default(),
    };
    let folding = [(4, 8), (4, 8), (2, 4)].map(|(pe, simd)| Folding { pe, simd });
    let plan = Plan::new(&network, 2, 8, folding.to_vec()).unwrap();
    Design::build(&network, &plan, Options::default()).unwrap()
}

fn images(design: &Design) -> Vec<(&str, &str)> {
    design.images.iter().map(|image| (image.file.as_str(), image.text.as_str())).collect()
}

#[test]
fn a_design_is_read_without_a_word() {
    let design = design();
    let files: Vec<_> = design.modules.iter().rev().collect();
    assert_eq!(files[0].name(), design.name);
    tools::lint(&files, &images(&design));
}

/// Number of cells by module and type, from the report of `stat`; modules without their submodules.
fn cells(report: &str) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut modules = BTreeMap::new();
    let mut current: Option<&mut BTreeMap<String, u64>> = None;
    for line in report.lines() {
        if let Some(name) = line.strip_prefix("=== ").and_then(|rest| rest.strip_suffix(" ===")) {
            // Modules with parameters are called $paramod…\name.
            let name = name.rsplit('\\').next().unwrap_or(name);
            current = (name != "design hierarchy").then(|| modules.entry(name.to_string()).or_default());
        }
        let mut words = line.split_whitespace();
        if let (Some(module), Some(a), Some(b), None) = (&mut current, words.next(), words.next(), words.next()) {
            // Newer versions of Yosys print the number first.
            match (a.parse::<u64>(), b.parse::<u64>()) {
                (_, Ok(count)) => *module.entry(a.to_string()).or_default() += count,
                (Ok(count), _) => *module.entry(b.to_string()).or_default() += count,
                _ => {}
            }
        }
    }
    modules
}

/// Synthesises the design for a family; the memories of every layer must be in cells called `block` of `width` bits a word at
/// most, and those of the dropout units, which are read in the same clock, must not.
fn synthesise(command: &str, block: &[&str], width: usize) {
    let design = design();
    let dir = tools::write(&design.modules.iter().collect::<Vec<_>>(), &images(&design));
    let yosys = std::env::var("YOSYS").unwrap_or_else(|_| "yosys".into());
    let names: Vec<String> = design.modules.iter().map(|m| m.file_name()).collect();
    let script = format!(
        "read_verilog {}; {command} -top {}; check -assert; tee -o stat.txt stat",
        names.join(" "),
        design.name
    );
    tools::run(dir.path(), &yosys, &["-q", "-p", &script]);
    let report = std::fs::read_to_string(dir.path().join("stat.txt")).unwrap();
    let modules = cells(&report);
    let blocks = |module: &str| -> u64 {
        let cells = modules.get(module).unwrap_or_else(|| panic!("no module {module} in the report:\n{report}"));
        block.iter().filter_map(|cell| cells.get(*cell)).sum()
    };
    for (index, layer) in design.layers.iter().enumerate() {
        let least = (layer.pe * layer.simd).div_ceil(width) as u64;
        // Start values are in block memory too, where there are thresholds.
        let least = least + u64::from(index + 1 < design.layers.len());
        let found = blocks(&format!("{}_layer{index}", design.name));
        assert!(found >= least, "layer {index}: {found} of {block:?}, at least {least} expected:\n{report}");
    }
    let lane = modules.keys().find(|name| name.starts_with("ns_dropout_lane")).unwrap();
    assert_eq!(blocks(lane), 0, "{lane}:\n{report}");
    assert!(!report.contains("LATCH"), "{report}");
}

#[test]
fn ice40_has_weights_in_block_memory() {
    synthesise("synth_ice40 -noflatten", &["SB_RAM40_4K"], 16);
}

#[test]
fn ecp5_has_weights_in_block_memory() {
    synthesise("synth_ecp5 -nowidelut -noflatten", &["DP16KD"], 36);
}

#[test]
fn xilinx_7_has_weights_in_block_memory() {
    synthesise("synth_xilinx -family xc7", &["RAMB18E1", "RAMB36E1"], 72);
}
