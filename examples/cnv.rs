//! A network of the size of FINN's CNV, to show that designs of that size work: `make cnv`.
//!
//! 32 × 32 × 3 inputs of 8 bits, six convolutions of 3 × 3 (64, 64, 128, 128, 256, 256 channels), pooled after the second and the fourth,
//! two dense layers of 512 and ten classes, as in arXiv 1612.07119, section 6; with Spatial-SpinDrop. Weights and thresholds
//! are random. The design is found for a number of cycles, generated, read by Verilator with all warnings, simulated over one image, and
//! compared in every logit. Arguments: the folder of the design, cycles an image.

use anyhow::{Result, ensure};
use neuspin::board::Family;
use neuspin::cosim::{Builder, Dut, Options, Settings, cosimulate};
use neuspin::golden::Golden;
use neuspin::net::{
    Conv, Direction, Dropout, Hidden, Images, Input, Map, Method, Network, Output, Pad, Place, Pool, PoolKind, Random,
    Weights,
};
use neuspin::plan::{Around, Given, Target, cost, search};
use neuspin::rtl::{Design, schedule};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

const PASSES: u32 = 4;

fn network(rng: &mut StdRng) -> Network {
    let mut map = Map { height: 32, width: 32, channels: 3 };
    let mut hidden = vec![];
    let mut layer = |rng: &mut StdRng, rows: usize, cols: usize, conv: Option<Conv>| {
        let signs: Vec<bool> = (0..rows * cols).map(|_| rng.random()).collect();
        // Of 8-bit inputs sums are larger.
        let spread = (cols as f64).sqrt() as i32 * if hidden.is_empty() { 128 } else { 1 };
        let mut threshold = || rng.random_range(-spread..=spread);
        let thresholds = (0..rows).map(|_| threshold()).collect();
        let directions = (0..rows).map(|o| if o % 3 == 0 { Direction::Le } else { Direction::Ge }).collect();
        hidden.push(Hidden {
            weights: Weights::from_fn(rows, cols, |o, i| signs[o * cols + i]),
            thresholds,
            directions,
            method: Some(Method::Spindrop(Dropout { code: 6554, place: Place::AfterSign, maps: true })),
            conv,
            residual: None,
        });
    };
    for (channels, pooled) in [(64, false), (64, true), (128, false), (128, true), (256, false), (256, false)] {
        let pool = pooled.then_some(Pool { kind: PoolKind::Or, size: (2, 2), stride: (2, 2) });
        let conv = Conv { input: map, kernel: (3, 3), stride: (1, 1), pad: Pad::default(), pool };
        layer(rng, channels, conv.taps(), Some(conv));
        let (height, width) = conv.positions();
        map = Map { height, width, channels };
    }
    layer(rng, 512, map.size(), None);
    layer(rng, 512, 512, None);
    let signs: Vec<bool> = (0..10 * 512).map(|_| rng.random()).collect();
    Network {
        name: "cnv".into(),
        input: Input { features: 32 * 32 * 3, bits: 8, signed: false, dropout: None },
        hidden,
        output: Output {
            weights: Weights::from_fn(10, 512, |o, i| signs[o * 512 + i]),
            scale: vec![16; 10],
            offset: vec![0; 10],
            shift: 0,
            frac_bits: 8,
            logit_bits: 18,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::default(),
        seed: 1,
        passes: PASSES,
        early_stop: None,
        chip: Default::default(),
    }
}

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map_or(PathBuf::from("hdl_out/cnv"), PathBuf::from);
    let cycles = std::env::args().nth(2).map_or(Ok(300_000), |n| n.parse())?;
    let mut rng = StdRng::seed_from_u64(1);
    let network = network(&mut rng);
    network.check()?;
    println!("weights      {} bits", network.weight_bits());
    let mut started = Instant::now();
    let mut step = |what: &str| {
        println!("{what:12} {:.1} s", started.elapsed().as_secs_f64());
        started = Instant::now();
    };
    let cycles_of = |plan: &_| schedule(&network, plan).cycles_per_image(PASSES.into());
    let plan = search(&network, &Given::new(Family::Xilinx7, PASSES as usize), Target::Cycles(cycles), cycles_of)?;
    step("folding");
    let design = Design::build(&network, &plan, neuspin::rtl::Options::default())?;
    neuspin::emit::design_files(&design, &network, "cargo run --release --example cnv")?.write(&folder)?;
    step("generated");
    for (l, layer) in design.layers.iter().enumerate() {
        println!(
            "  layer {l}: {} positions of {} -> {}, pe {}, simd {}, lanes {}: {} clocks a pass",
            layer.positions(),
            layer.inputs,
            layer.outputs,
            layer.pe,
            layer.simd,
            layer.lanes,
            layer.pass_clocks()
        );
    }
    let sources = design.modules.iter().map(|module| module.file_name());
    let linted = Command::new("verilator")
        .args(["--lint-only", "-Wall", "--top-module", "cnv"])
        .args(sources)
        .current_dir(&folder)
        .output()?;
    let said = String::from_utf8_lossy(&linted.stderr).into_owned();
    ensure!(linted.status.success() && !said.contains("%Warning"), "verilator --lint-only -Wall: {said}");
    step("linted");
    let golden = Golden::new(&network)?;
    let image: Vec<i16> = (0..network.input.features).map(|_| rng.random_range(0..=255)).collect();
    let images = Images::new(&network.input, image)?;
    golden.run(&images, 0, PASSES)?;
    step("golden");
    let (builder, dut) = (Builder::find()?, Dut::of(&design));
    let outcome = cosimulate(&builder, &dut, &golden, &images, &Settings::of(&network), Options::default(), &|_| ())?;
    step("simulated");
    ensure!(outcome.is_exact(), "{:?}", outcome.origin().map(|origin| origin.to_string()));
    let (estimate, clocks) = (schedule(&network, &plan).cycles(1, PASSES.into()), outcome.clocks);
    let cost = cost(&network, &plan, Family::Xilinx7, Around::default());
    println!("exact        1 of 1 image, {PASSES} passes, every logit");
    println!(
        "cycles       {clocks} for one image; estimated {estimate}, and {:.0} an image in the long run",
        cycles_of(&plan)
    );
    println!(
        "estimate     {} LUTs, {} block memories of 18 kbit (Xilinx 7), {} bits of ROM, {} of RAM",
        cost.luts, cost.block_rams, cost.rom_bits, cost.ram_bits
    );
    Ok(())
}
