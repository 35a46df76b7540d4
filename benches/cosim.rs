//! Simulated cycles per second, and cycles per image, of 784-64-64-64-10 at several foldings.
//!
//! Every output bit is compared on the way; a run that is not exact, or takes other than the predicted cycles, ends the
//! benchmark.

mod networks;

use networks::{PASSES, images, network};
use neuspin::cosim::{Builder, Dut, Options, Settings, cosimulate};
use neuspin::golden::Golden;
use neuspin::plan::{Folding, Plan};
use neuspin::rtl::{self, Design};

/// Lanes, then pe and simd of every layer.
const FOLDINGS: [(usize, [(usize, usize); 4]); 4] = [
    (1, [(1, 16), (1, 16), (1, 16), (1, 16)]),
    (1, [(4, 56), (4, 64), (4, 64), (1, 64)]),
    (4, [(16, 112), (16, 64), (16, 64), (1, 64)]),
    (16, [(16, 112), (16, 64), (16, 64), (1, 64)]),
];

/// Runs of a folding; the fastest counts, since the machine's other work only slows.
const RUNS: usize = 3;
const CLOCKS: u64 = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = network(&[784, 64, 64, 64, 10]);
    let (golden, builder) = (Golden::new(&network)?, Builder::find()?);
    println!("784-64-64-64-10, {PASSES} passes, {}", builder.verilator_version());
    println!("{:>5}  {:<32}{:>14}{:>16}", "lanes", "pe x simd", "cycles/image", "cycles/s");
    for (lanes, layers) in FOLDINGS {
        let folding: Vec<Folding> = layers.iter().map(|&(pe, simd)| Folding { pe, simd }).collect();
        let plan = Plan::new(&network, lanes, PASSES as usize, folding)?;
        let design = Design::build(&network, &plan, rtl::Options::default())?;
        let schedule = design.schedule(&network);
        let each = schedule.cycles_per_image(PASSES.into());
        let images = images(&network, (CLOCKS as f64 / each).ceil() as usize);
        let (dut, settings) = (Dut::of(&design), Settings::of(&network));
        let mut fastest = 0f64;
        for _ in 0..RUNS {
            let outcome = cosimulate(&builder, &dut, &golden, &images, &settings, Options::default(), &|_| ())?;
            if let Some(origin) = outcome.origin() {
                return Err(origin.to_string().into());
            }
            let predicted = schedule.cycles(images.len() as u64, PASSES.into());
            if outcome.clocks != predicted {
                return Err(format!("{} cycles, but the plan says {predicted}", outcome.clocks).into());
            }
            fastest = fastest.max(outcome.simulated as f64 / outcome.seconds);
        }
        let shape: Vec<String> = layers.iter().map(|(pe, simd)| format!("{pe}x{simd}")).collect();
        println!("{lanes:>5}  {:<32}{each:>14.1}{fastest:>16.0}", shape.join(" "));
    }
    Ok(())
}
