//! A co-simulation from start to verdict.

use super::check::{Checker, Verdict};
use super::simulation::{Access, Run, Simulation, Stimulus};
use super::{Answer, Builder, CosimError, Dut, Mismatch, Place, Reference, Request, host};
use crate::net::{Images, Network};
use crate::plan::Schedule;
use crate::random::root_from_seed;
use std::path::Path;
use std::time::Instant;

/// Word addresses of the register block, `docs/hardware.md`.
mod register {
    pub const ID: u8 = 0x00;
    pub const CONTROL: u8 = 0x01;
    pub const STATUS: u8 = 0x02;
    pub const PASSES: u8 = 0x03;
    pub const MAX_PASSES: u8 = 0x04;
    pub const LANES: u8 = 0x05;
    pub const ROOT_LOW: u8 = 0x06;
    pub const ROOT_HIGH: u8 = 0x07;
    pub const IMAGES: u8 = 0x0A;
    pub const THRESHOLD: u8 = 0x0B;
    pub const LEAD: u8 = 0x0C;
    pub const CODE: u8 = 0x10;
    /// Of class 0, where every class has one.
    pub const CLASS_THRESHOLD: u8 = 0x80;
    /// "NSPN"
    pub const ID_VALUE: u32 = 0x4E53_504E;
    /// STATUS: busy and seeding.
    pub const ACTIVE: u32 = 0b11;
    /// CONTROL: restart.
    pub const RESTART: u32 = 1;
}

/// What is written to the registers before a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub passes: u32,
    /// Root state of the draws, §4.
    pub root: u64,
    /// Probability codes, one a layer with dropout.
    pub codes: Vec<u32>,
    /// Thresholds of the out-of-distribution flag, in the unit of the entropy: as many as the design has.
    pub thresholds: Vec<u64>,
    /// Of early stop, in designs that have it.
    pub lead: Option<u32>,
}

impl Settings {
    /// What makes a design compute `network`, its seed and codes included, with its number of passes.
    pub fn of(network: &Network) -> Settings {
        Settings {
            passes: network.passes,
            root: root_from_seed(network.seed, network.random.lfsr_bits),
            codes: network.codes(),
            thresholds: vec![],
            lead: network.early_stop.map(|rule| rule.lead),
        }
    }

    /// The same for a design, whose thresholds stay what they are after reset.
    pub fn of_design(network: &Network, dut: &Dut) -> Settings {
        Settings { thresholds: dut.ports.uncertainty.thresholds.clone(), ..Settings::of(network) }
    }
}

/// How a co-simulation runs.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    pub stimulus: Stimulus,
    /// Compare the hidden layers' activations of these images; needs a design with taps.
    pub tapped: Option<(usize, usize)>,
    /// Write a waveform of images first to last to this file.
    pub wave: Option<(&'a Path, usize, usize)>,
    /// Leave the registers as the design has them after reset; the settings must be its defaults.
    pub built_in: bool,
    /// Requests to the programming port before the run.
    pub program: &'a [Request],
    /// Requests while images run, from a clock of the run on.
    pub during: Option<(u64, &'a [Request])>,
}

/// What a co-simulation found.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub images: usize,
    /// Images of which every compared bit was right.
    pub exact: usize,
    /// The first differences, in the order of their clocks.
    pub mismatches: Vec<Mismatch>,
    /// All differences.
    pub mismatch_count: u64,
    /// Values compared.
    pub compared: u64,
    /// Clocks from the first image's first beat to the last image's last, both included.
    pub clocks: u64,
    /// Passes that each image should take, and the most that it could.
    pub passes: Vec<u32>,
    pub most_passes: u32,
    /// Clocks simulated, and the time that they took.
    pub simulated: u64,
    pub seconds: f64,
    /// What the programming port answered, before the run and in it.
    pub answers: Vec<Answer>,
}

impl Outcome {
    /// The clocks that the run takes by `schedule`, at full speed.
    pub fn predicted(&self, schedule: &Schedule) -> u64 {
        schedule.cycles_of(self.most_passes.into(), self.passes.iter().map(|&n| n.into()))
    }

    pub fn is_exact(&self) -> bool {
        self.mismatch_count == 0
    }

    /// The first image that is not right.
    pub fn first_wrong(&self) -> Option<usize> {
        self.mismatches.iter().map(|m| m.image).min()
    }

    /// The difference nearest to the cause: of the first wrong image, the one earliest on the data's way.
    pub fn origin(&self) -> Option<&Mismatch> {
        let image = self.first_wrong()?;
        self.mismatches.iter().filter(|m| m.image == image).min_by_key(|m| (m.place.layer(), m.pass, m.place))
    }
}

/// Runs `images` through the design and compares every value that comes out with the reference. `progress` is told the
/// number of finished images.
pub fn cosimulate(
    builder: &Builder,
    dut: &Dut,
    reference: &dyn Reference,
    images: &Images,
    settings: &Settings,
    options: Options,
    progress: &dyn Fn(usize),
) -> Result<Outcome, CosimError> {
    check_settings(dut, images, settings)?;
    check_options(dut, images, &options)?;
    let executable = builder.executable(dut, options.wave.is_some())?;
    let expected = reference.results(images, settings.passes)?;
    let mut simulation = Simulation::start(&executable, dut)?;
    let started = Instant::now();

    // The file is the harness's only when whole: a failed run leaves the last good one.
    let wave = options.wave.map(|(path, first, last)| Wave::aside(path).map(|w| (w, first, last))).transpose()?;
    simulation.power_up(options.stimulus.seed, wave.as_ref().map(|(w, _, _)| w.aside.as_path()))?;
    if !options.built_in {
        simulation.registers(&configure(settings, patience(dut, settings.passes, &options.stimulus)))?;
    }
    let mut answers = match options.program {
        [] => vec![],
        requests => simulation.program(requests, patience(dut, settings.passes, &options.stimulus))?,
    };
    let tapped = options.tapped.map_or(0..0, |(first, last)| first..last + 1);
    let mut checker = Checker::new(dut, images, settings, reference, &expected, tapped);
    let run = Run {
        images: images.len(),
        beats: dut.ports.beats(),
        results: dut.ports.classes,
        data: &dut.ports.pack(images),
        stimulus: options.stimulus,
        patience: patience(dut, settings.passes, &options.stimulus),
        logits: true,
        taps: options.tapped.is_some(),
        wave: wave.as_ref().map_or((0, 0), |(_, first, last)| (*first, *last)),
        program: options.during.unwrap_or((0, &[])),
    };
    let mut told = 0;
    let ran = simulation.run(&run, |event| {
        checker.event(event);
        if checker.images_done() > told {
            told = checker.images_done();
            progress(told.min(images.len()));
        }
    });
    if let Some((wave, _, _)) = wave {
        wave.publish()?;
    }
    let simulated = ran?;
    let mut verdict = checker.finish(simulated)?;
    check_registers(&mut simulation, dut, settings, images.len(), &mut verdict, simulated)?;
    answers.append(&mut verdict.answers);
    let seconds = started.elapsed().as_secs_f64();
    let clocks = match (verdict.first_input, verdict.last_result) {
        (Some(first), Some(last)) => last - first + 1,
        _ => 0,
    };
    Ok(Outcome {
        images: images.len(),
        exact: verdict.wrong.iter().filter(|&&wrong| !wrong).count(),
        mismatches: verdict.mismatches,
        mismatch_count: verdict.count,
        compared: verdict.compared,
        clocks,
        passes: expected.iter().map(|e| e.result.passes).collect(),
        most_passes: settings.passes,
        simulated,
        seconds,
        answers,
    })
}

/// Clocks that an image may take, pauses of the streams' other ends included.
fn patience(dut: &Dut, passes: u32, stimulus: &Stimulus) -> u64 {
    let busy = dut.patience.saturating_mul(passes.into());
    let pauses = 64.0 / (1.0 - stimulus.gap.max(stimulus.stall));
    busy.saturating_add(pauses as u64)
}

fn fail(what: String) -> Result<(), CosimError> {
    Err(CosimError::Settings { what })
}

pub(super) fn check_settings(dut: &Dut, images: &Images, settings: &Settings) -> Result<(), CosimError> {
    let Settings { passes, codes, .. } = settings;
    let p = &dut.ports;
    if images.is_empty() {
        return fail("no images".into());
    }
    if images.features() != p.features {
        return fail(format!("images of {} values for a design that reads {}", images.features(), p.features));
    }
    if !(1..=p.max_passes).contains(passes) {
        return fail(format!("{passes} passes; `{}` can do 1 to {}", dut.top, p.max_passes));
    }
    if codes.len() != p.stochastic_layers {
        return fail(format!("{} codes for {} stochastic layers", codes.len(), p.stochastic_layers));
    }
    if settings.lead.is_some() != p.lead.is_some() {
        let has = if p.lead.is_some() { "has it" } else { "does not have it" };
        return fail(format!(
            "early stop is {}, but `{}` {has}",
            if settings.lead.is_some() { "set" } else { "not set" },
            dut.top
        ));
    }
    let (given, due) = (settings.thresholds.len(), p.uncertainty.thresholds.len());
    if given != due {
        return fail(format!("{given} thresholds; the flag of `{}` compares with {due}", dut.top));
    }
    Ok(())
}

fn check_options(dut: &Dut, images: &Images, options: &Options) -> Result<(), CosimError> {
    for (name, value) in [("gap", options.stimulus.gap), ("stall", options.stimulus.stall)] {
        if !(0.0..=0.99).contains(&value) {
            return fail(format!("{name} probability {value}; 0 to 0.99 are possible"));
        }
    }
    if !options.program.is_empty() || options.during.is_some() {
        host::check(dut)?;
    }
    if options.tapped.is_some() && dut.taps.is_empty() {
        return fail(format!("`{}` was generated without taps, so its activations cannot be seen", dut.top));
    }
    if let Some((_, first, last)) = options.wave
        && (first > last || last >= images.len())
    {
        return fail(format!("a waveform of images {first} to {last}, but there are images 0 to {}", images.len() - 1));
    }
    Ok(())
}

/// Address and value of the register writes that make a design run with `settings`.
pub(super) fn writes(settings: &Settings) -> Vec<(u8, u32)> {
    let mut writes = vec![
        (register::PASSES, settings.passes),
        (register::ROOT_LOW, settings.root as u32),
        (register::ROOT_HIGH, (settings.root >> 32) as u32),
    ];
    writes.extend(settings.codes.iter().enumerate().map(|(s, &code)| (register::CODE + s as u8, code)));
    writes.extend(thresholds(settings));
    writes.extend(settings.lead.map(|lead| (register::LEAD, lead)));
    writes.push((register::CONTROL, register::RESTART));
    writes
}

/// Address and value of every threshold.
fn thresholds(settings: &Settings) -> impl Iterator<Item = (u8, u32)> {
    let first = if settings.thresholds.len() == 1 { register::THRESHOLD } else { register::CLASS_THRESHOLD };
    settings.thresholds.iter().enumerate().map(move |(c, &threshold)| (first + c as u8, threshold as u32))
}

fn configure(settings: &Settings, patience: u64) -> Vec<Access> {
    let mut accesses: Vec<Access> =
        writes(settings).into_iter().map(|(address, value)| Access::Write { address, value }).collect();
    accesses.push(Access::AwaitZero { address: register::STATUS, mask: register::ACTIVE, clocks: patience });
    accesses
}

/// Reads back what the registers must say after the run.
fn check_registers(
    simulation: &mut Simulation,
    dut: &Dut,
    settings: &Settings,
    images: usize,
    verdict: &mut Verdict,
    clock: u64,
) -> Result<(), CosimError> {
    let mut due = vec![
        (register::ID, register::ID_VALUE),
        (register::STATUS, 0),
        (register::PASSES, settings.passes),
        (register::MAX_PASSES, dut.ports.max_passes),
        (register::LANES, dut.ports.lanes as u32),
        (register::IMAGES, images as u32),
    ];
    due.extend(settings.codes.iter().enumerate().map(|(s, &code)| (register::CODE + s as u8, code)));
    due.extend(thresholds(settings));
    due.extend(settings.lead.map(|lead| (register::LEAD, lead)));
    let reads: Vec<Access> = due.iter().map(|&(address, _)| Access::Read { address }).collect();
    for ((address, value), found) in due.into_iter().zip(simulation.registers(&reads)?) {
        verdict.compare(images - 1, None, Place::Register { address }, value, found, clock);
    }
    Ok(())
}

/// A waveform file on its way.
struct Wave {
    target: std::path::PathBuf,
    aside: std::path::PathBuf,
    _folder: tempfile::TempDir,
    _guard: crate::interrupt::Guard,
}

impl Wave {
    fn aside(target: &Path) -> Result<Wave, CosimError> {
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let io = |e| CosimError::io(parent, e);
        std::fs::create_dir_all(parent).map_err(io)?;
        let folder = tempfile::Builder::new().prefix(".wave-").tempdir_in(parent).map_err(io)?;
        let aside = folder.path().canonicalize().map_err(io)?.join("wave.fst");
        let guard = crate::interrupt::remove(folder.path());
        Ok(Wave { target: target.to_path_buf(), aside, _folder: folder, _guard: guard })
    }

    fn publish(self) -> Result<(), CosimError> {
        std::fs::rename(&self.aside, &self.target).map_err(|e| CosimError::io(&self.target, e))
    }
}
