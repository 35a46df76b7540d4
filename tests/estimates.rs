//! Estimates against what Yosys made of the designs of `src/plan/fit`: nothing in the repo about them is stale, and they are as near as is
//! said.

#[path = "../examples/refit/fit.rs"]
mod fit;
#[path = "../examples/refit/nnls.rs"]
mod nnls;
#[path = "../examples/refit/page.rs"]
mod page;
#[allow(dead_code)]
#[path = "../examples/refit/rows.rs"]
mod rows;
#[allow(dead_code)]
#[path = "../examples/refit/trial.rs"]
mod trial;

use neuspin::board::Family;
use neuspin::cosim::memories;
use neuspin::plan::cost;
use neuspin::plan::cost::model::Models;
use std::path::Path;

fn fits() -> Vec<fit::FamilyFit> {
    let rows = rows::read(Path::new("src/plan/fit/synthesis.csv")).unwrap();
    let trials = trial::trials().unwrap();
    fit::fit_all(fit::samples(&trials, Path::new("models"), &rows).unwrap()).unwrap()
}

#[test]
fn coefficients_and_page_are_those_of_the_results_and_as_near_as_is_aimed_at() {
    let fits = fits();
    let text = std::fs::read_to_string("src/plan/fit/coefficients.toml").unwrap();
    let models: Models = toml::from_str(&text).unwrap();
    assert_eq!(models, fit::models(&fits), "`make refit` writes the coefficients");
    let page = std::fs::read_to_string("docs/estimates.md").unwrap();
    assert_eq!(page::page(&page, &fits).unwrap(), page, "`make refit` writes the tables");
    for fit in &fits {
        for sample in &fit.samples {
            let (design, family) = (&sample.design, fit.family);
            assert_eq!(sample.held.block_rams, sample.counted.block_rams, "block memories of {design}, {family:?}");
        }
        let errors =
            |said: &[fit::Said], share| fit::quantile(said.iter().map(|said| said.error_left_out().abs()), share);
        for (what, said) in [("LUTs", &fit.luts.said), ("registers", &fit.registers.said)] {
            let (median, most) = (errors(said, 0.5), errors(said, 0.9));
            // Of an iCE40 there are few designs, and one of most methods: left out, nothing is known of it.
            let bound = if fit.family == Family::Ice40Hx { 0.30 } else { 0.15 };
            assert!(median < 0.07 && most < bound, "{what} of {:?}: {median:.3}, {most:.3}", fit.family);
        }
    }
}

#[test]
fn the_search_expects_the_block_memories_of_a_design_and_a_few_more() {
    for trial in trial::trials().unwrap() {
        let (network, plan) = trial.plan(Path::new("models")).unwrap();
        let design = trial.design(&network, &plan).unwrap();
        for family in [Family::Xilinx7, Family::Ecp5] {
            let known: u64 = memories(family, &design).iter().map(|memory| memory.held.block_rams).sum();
            let expected = cost(&network, &plan, family, trial.around()).block_rams;
            let near = known.saturating_sub(3 + known / 8)..=known + 4 + known / 8;
            assert!(near.contains(&expected), "{}, {family:?}: {expected} expected of {known}", trial.name);
        }
    }
}

/// Memories are found as they are declared: those of the Verilog text, by module.
#[test]
fn the_list_of_memories_is_that_of_the_verilog() {
    for name in [
        "digits-spindrop-serial",
        "digits-affine-writable",
        "digits-spatial-flag",
        "digits-conv-places",
        "digits-4level-wide",
    ] {
        let trial = trial::trials().unwrap().into_iter().find(|trial| trial.name == name).unwrap();
        let (network, plan) = trial.plan(Path::new("models")).unwrap();
        let design = trial.design(&network, &plan).unwrap();
        let around = design.uart.iter().flat_map(|uart| &uart.modules);
        for module in design.modules.iter().chain(around) {
            let declared: Vec<_> = module.text().lines().filter_map(declaration).collect();
            let listed: Vec<_> = module.memories().iter().map(|m| (m.name.clone(), m.width, m.depth)).collect();
            assert_eq!(listed, declared, "{name}, {}", module.name());
            let of_design = memories(Family::Xilinx7, &design);
            for (memory, ..) in declared {
                let found = of_design.iter().any(|m| m.module == module.name() && m.name == memory);
                assert!(found, "{name}: memory {memory} of {} is in the design", module.name());
            }
        }
    }
}

/// Name, width and depth of a line `reg [W-1:0] name [0:D-1];`.
fn declaration(line: &str) -> Option<(String, u32, u32)> {
    let line = &line[line.find("reg ")? + 4..];
    let (width, rest) = match line.trim_start().strip_prefix('[') {
        Some(rest) => rest.split_once(":0]").map(|(high, rest)| (high.trim(), rest))?,
        None => ("0", line),
    };
    let (name, rest) = rest.trim_start().split_once(" [0:")?;
    let (last, _) = rest.split_once(']')?;
    Some((name.trim().into(), width.parse::<u32>().ok()? + 1, last.parse::<u32>().ok()? + 1))
}
