//! Running a design against the golden model and saying what came of it: for `cosim` and `demo`.

use super::output::Output;
use anyhow::Result;
use neuspin::cosim::{
    self, Builder, Dut, Mismatch, NetlistFamily, Options, Outcome, Reference, Request, Settings, Stimulus, cosimulate,
    locate, netlist,
};
use neuspin::net::{Images, Network};
use neuspin::rtl::{self, Design};
use serde_json::{Value, json};
use std::path::Path;

/// A design, what it should compute, and on what.
pub struct Proof<'a> {
    pub builder: Builder,
    pub network: &'a Network,
    pub design: &'a Design,
    pub reference: &'a dyn Reference,
    pub images: &'a Images,
    /// What is written through the programming port before each run.
    pub program: Vec<Request>,
}

/// One run and, where it found differences, what is known about them.
pub struct Verdict {
    pub outcome: Outcome,
    /// What the plan says that the run takes; known for runs at full speed.
    pub predicted: Option<u64>,
    /// Where the first wrong image goes wrong, seen on the design with taps.
    pub origin: Option<Mismatch>,
}

impl Verdict {
    pub fn is_good(&self) -> bool {
        self.outcome.is_exact() && self.predicted.is_none_or(|clocks| clocks == self.outcome.clocks)
    }

    pub fn cycles_per_second(&self) -> f64 {
        self.outcome.simulated as f64 / self.outcome.seconds
    }

    pub fn json(&self) -> Value {
        let o = &self.outcome;
        json!({
            "images": o.images,
            "exact": o.exact,
            "compared_values": o.compared,
            "mean_passes": o.passes.iter().map(|&n| f64::from(n)).sum::<f64>() / o.images as f64,
            "mismatches": o.mismatch_count,
            "first_mismatches": o.mismatches,
            "origin": self.origin,
            "cycles": o.clocks,
            "predicted_cycles": self.predicted,
            "simulated_cycles": o.simulated,
            "seconds": o.seconds,
            "cycles_per_second": self.cycles_per_second(),
        })
    }

    /// What is wrong, for people; empty if nothing is.
    pub fn complaints(&self) -> String {
        let o = &self.outcome;
        let mut text = String::new();
        if !o.is_exact() {
            text += &format!("{} values differ, the first ones:\n", o.mismatch_count);
            for mismatch in o.mismatches.iter().take(5) {
                text += &format!("  {mismatch}\n");
            }
            match &self.origin {
                Some(origin) => text += &format!("it arises here:\n  {origin}\n"),
                None => text += "the design with taps does not show where it arises\n",
            }
        }
        if let Some(predicted) = self.predicted.filter(|&p| p != o.clocks) {
            text += &format!("{} cycles, but the plan says {predicted}\n", o.clocks);
        }
        text
    }
}

impl Proof<'_> {
    pub fn run(&self, stimulus: Stimulus, output: &Output) -> Result<Verdict> {
        let dut = Dut::of(self.design);
        let settings = Settings::of_design(self.network, &dut);
        let spinner = output.spinner("building");
        spinner.set_message(format!("{} with {}", dut.top, self.builder.verilator_version()));
        self.builder.executable(&dut, false)?;
        spinner.finish_and_clear();

        let bar = output.progress("simulating", self.images.len());
        let told = |done: usize| bar.set_position(done as u64);
        let options = Options { stimulus, program: &self.program, ..Options::default() };
        let outcome = cosimulate(&self.builder, &dut, self.reference, self.images, &settings, options, &told)?;
        bar.finish_and_clear();
        let origin = match outcome.first_wrong() {
            Some(wrong) => self.locate(stimulus, wrong, output)?,
            None => None,
        };
        let schedule = self.design.schedule(self.network);
        let predicted = (stimulus.full_speed() && schedule.exact).then(|| outcome.predicted(&schedule));
        Ok(Verdict { outcome, predicted, origin })
    }

    /// The same images on the same design with taps: where image `wrong` goes wrong.
    fn locate(&self, stimulus: Stimulus, wrong: usize, output: &Output) -> Result<Option<Mismatch>> {
        let spinner = output.spinner("locating");
        spinner.set_message(format!("image {wrong}, with taps"));
        let options = rtl::Options { taps: true, ..self.design.options.clone() };
        let dut = Dut::of(&Design::build(self.network, &self.design.plan, options)?);
        let settings = Settings::of_design(self.network, &dut);
        let found = if self.program.is_empty() {
            locate(&self.builder, &dut, self.reference, self.images, &settings, stimulus, wrong)?
        } else {
            let images = self.images.slice(0..wrong + 1);
            let (program, tapped) = (&self.program[..], Some((wrong, wrong)));
            let options = Options { stimulus, tapped, program, ..Options::default() };
            let outcome = cosimulate(&self.builder, &dut, self.reference, &images, &settings, options, &|_| ())?;
            outcome.origin().cloned()
        };
        spinner.finish_and_clear();
        Ok(found)
    }

    /// Writes the waveform of image `image` to `path`.
    pub fn wave(&self, stimulus: Stimulus, path: &Path, image: usize, output: &Output) -> Result<()> {
        let spinner = output.spinner("waveform");
        spinner.set_message(format!("image {image}"));
        let images = self.images.slice(0..image + 1);
        let options =
            Options { stimulus, wave: Some((path, image, image)), program: &self.program, ..Options::default() };
        let dut = Dut::of(self.design);
        let settings = Settings::of_design(self.network, &dut);
        cosimulate(&self.builder, &dut, self.reference, &images, &settings, options, &|_| ())?;
        spinner.finish_and_clear();
        Ok(())
    }

    /// What Icarus finds wrong with the first `count` images, on the design or on its netlist for `family`.
    pub fn icarus(&self, count: usize, family: Option<NetlistFamily>, output: &Output) -> Result<Vec<String>> {
        let spinner = output.spinner("Icarus");
        let images = self.images.slice(0..count.min(self.images.len()));
        let of = family.map_or(String::new(), |family| format!(" of the netlist for {}", family.name()));
        spinner.set_message(format!("{} images{of}", images.len()));
        let dut = Dut::of(self.design);
        let dut = family.map(|family| netlist(&dut, family)).transpose()?.unwrap_or(dut);
        let settings = Settings::of_design(self.network, &dut);
        let found = cosim::icarus(&dut, self.reference, &images, &settings)?;
        spinner.finish_and_clear();
        Ok(found)
    }
}
