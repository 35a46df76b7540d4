//! When every layer begins every frame: cycles to the clock, without simulation.
//!
//! A stage begins a frame once it is idle, its input frame is complete, and the next stage has a bank to give. That is the
//! whole flow control of a design, so a recurrence over frames gives what co-simulation counts.

use super::{LayerPlan, Plan};
use crate::net::Network;

/// Clocks that blocks take from their last read to their results; the generators know them.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// Of each layer: from a neuron's last read to its beat.
    pub layers: Vec<usize>,
    /// Of each layer: clocks before the end of a frame in which it promises the frame's bank again.
    pub early: Vec<usize>,
    /// Of the neurons behind the replay: from its last beat to theirs; 0 where there are none.
    pub parting: usize,
    /// Of the logits: from the last sum of an image to its first result beat.
    pub first_result: usize,
    /// Where the design has uncertainty: its reading of the logits.
    pub uncertainty: Option<Reading>,
}

/// The uncertainty's reading of the logits, in clocks.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// From the last sum of a group of passes to where reading may begin.
    pub wait: usize,
    /// To read a group of passes.
    pub clocks: usize,
    /// From the last logit read of an image to its first result beat.
    pub first_result: usize,
}

/// A stage that reads frames and sends frames.
#[derive(Clone, Copy, Debug)]
struct Stage {
    /// Clocks in which it reads one frame.
    reads: u64,
    /// Clocks from its begin to its last beat.
    last_beat: u64,
    /// Clocks before it has read it in which it promises the bank that it reads.
    early: u64,
    /// Clocks from when it has read a frame to when it may begin another, one not counted.
    waits: u64,
}

/// Timing of a planned network.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Beats of an image.
    input_beats: u64,
    classes: u64,
    lanes: u64,
    first_result: u64,
    /// In order: layers that work once an image, the replay, layers that work once a group of passes.
    stages: Vec<Stage>,
    /// Index of the replay among them; of the first layer where that reads every image once for each group of passes.
    replay: usize,
    /// Clocks by which the last stage, if it reads logits, may begin after the last sum.
    reading_wait: Option<u64>,
    early_stop: Option<Asked>,
    /// Whether this is exact, or an estimate that lets no stage begin a map before the one before is done with it.
    pub exact: bool,
}

/// When early stop is asked.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Groups of passes in a block.
    groups: u64,
    /// Clocks from the last sum of a block to the verdict.
    verdict: u64,
    /// Clocks from a verdict that ends an image to the next one's first group: its draws are made anew.
    restart: u64,
}

/// What a stage did with its last frames.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// First clock in which the next frame may begin.
    idle: u64,
    /// Clocks from which the banks of the last two frames may be claimed again, older first.
    released: [u64; 2],
}

impl Progress {
    /// A bank for one more frame is free once the frame before last was given back.
    fn bank_free(&self) -> u64 {
        self.released[0]
    }

    fn release(&mut self, at: u64) {
        self.released = [self.released[1], at];
    }
}

impl Schedule {
    pub fn new(network: &Network, plan: &Plan, latencies: &Latencies) -> Schedule {
        let layers = plan.layers(network);
        let stage = |((l, latency), early): ((&LayerPlan, &usize), &usize)| Stage {
            reads: l.pass_clocks() as u64,
            last_beat: (l.pass_clocks() + latency) as u64,
            early: *early as u64,
            waits: 0,
        };
        let mut stages: Vec<Stage> = layers.iter().zip(&latencies.layers).zip(&latencies.early).map(stage).collect();
        let replay = network.once_per_image();
        let beats = match network.input.dropout {
            Some(_) => Some(layers[0].values() / layers[0].beat_values()),
            None => replay.checked_sub(1).map(|parting| layers[parting].groups() * layers[parting].pixels()),
        };
        if let Some(beats) = beats {
            let (clocks, beats) = (replay_clocks(network, plan) as u64, beats as u64);
            // A beat leaves two clocks after the begin of its turn: one to begin, one to take its mask.
            let last_beat = (beats - 1) * clocks + 2 + latencies.parting as u64;
            // Draws that hold for a pass are made between passes; one clock is free.
            let between = if network.input.dropout.is_some() { 1 } else { restart_clocks(network, plan) as u64 };
            let waits = if clocks == 1 { between - 1 } else { 0 };
            stages.insert(replay, Stage { reads: beats * clocks, last_beat, early: 0, waits });
        }
        // The uncertainty is one more stage, which takes groups of passes from the logits.
        let reading = latencies.uncertainty;
        stages.extend(reading.map(|r| Stage {
            reads: r.clocks as u64,
            last_beat: r.clocks as u64,
            early: 0,
            waits: 0,
        }));
        Schedule {
            input_beats: (layers[0].values() / layers[0].beat_values()) as u64,
            classes: network.classes() as u64,
            lanes: plan.lanes as u64,
            first_result: reading.map_or(latencies.first_result, |r| r.first_result) as u64,
            stages,
            replay,
            reading_wait: reading.map(|r| r.wait as u64),
            exact: layers.iter().all(|l| l.conv.is_none() && l.events == 0),
            early_stop: network.early_stop.map(|rule| Asked {
                groups: (rule.every as usize / plan.lanes) as u64,
                // In the clock in which the first result is read.
                verdict: latencies.first_result as u64 - 1,
                restart: restart_clocks(network, plan) as u64,
            }),
        }
    }

    /// Cycles from the first input beat of the first of `images` to the last result beat of the last, both included, when
    /// neither side ever waits.
    pub fn cycles(&self, images: u64, passes: u64) -> u64 {
        self.cycles_of(passes, (0..images).map(|_| passes))
    }

    /// As [`Schedule::cycles`], where each image takes so many passes of the `most` that it could: fewer only where the rule
    /// of early stop ends them.
    pub fn cycles_of(&self, most: u64, passes: impl IntoIterator<Item = u64>) -> u64 {
        let mut progress = vec![Progress::default(); self.stages.len()];
        let (mut next_input, mut last_output) = (0, 0);
        let mut results = Progress::default();
        for passes in passes {
            let groups = passes.div_ceil(self.lanes);
            // One image in.
            let begin = next_input.max(progress[0].bank_free());
            next_input = begin + self.input_beats;
            let mut filled = next_input;
            for at in 0..self.replay {
                filled = self.frame(&mut progress, at, filled, None);
            }
            // The replay reads the same bank for all groups.
            let (mut sums, mut stopped) = (0, false);
            for group in 0..groups {
                let banks = progress[self.replay].released;
                let mut ready = self.frame(&mut progress, self.replay, filled, None);
                if group + 1 < groups {
                    progress[self.replay].released = banks;
                }
                let output = self.stages.len() - 1 - usize::from(self.reading_wait.is_some());
                for at in self.replay + 1..=output {
                    let result_bank = (at == output && group == 0).then(|| results.bank_free());
                    ready = self.frame(&mut progress, at, ready, result_bank);
                }
                let logits_ready = ready;
                if let Some(wait) = self.reading_wait {
                    ready = self.frame(&mut progress, output + 1, ready - 1 + wait, None);
                }
                sums = ready;
                // After a block nothing begins before the verdict on it.
                if let Some(rule) = self.early_stop
                    && (group + 1).is_multiple_of(rule.groups)
                    && (group + 1) * self.lanes < most
                {
                    let verdict = logits_ready - 1 + rule.verdict;
                    filled = verdict + 1;
                    stopped = group + 1 == groups;
                    if stopped {
                        progress[self.replay].released = banks;
                        progress[self.replay].release(verdict + 1);
                        progress[self.replay].idle = progress[self.replay].idle.max(verdict + rule.restart);
                    }
                }
            }
            // A verdict comes a clock after the count that ends other images.
            sums += u64::from(stopped && self.reading_wait.is_none());
            let first = (sums - 1 + self.first_result).max(last_output + u64::from(last_output > 0));
            last_output = first + self.classes - 1;
            results.release(last_output + 1);
        }
        last_output + 1
    }

    /// Runs one frame through stage `at`; returns the clock in which the next stage sees it complete. A frame that begins a
    /// result waits for a bank of that, too.
    fn frame(&self, progress: &mut [Progress], at: usize, filled: u64, result_bank: Option<u64>) -> u64 {
        let stage = self.stages[at];
        let next_bank = progress.get(at + 1).map_or(0, Progress::bank_free).max(result_bank.unwrap_or(0));
        let begin = progress[at].idle.max(filled).max(next_bank);
        progress[at].idle = begin + stage.reads + stage.waits + 1;
        progress[at].release(begin + stage.reads + 1 - stage.early);
        begin + stage.last_beat + 1
    }

    /// Cycles from image to image in the long run.
    pub fn cycles_per_image(&self, passes: u64) -> f64 {
        let (few, many) = (16, 48);
        (self.cycles(many, passes) - self.cycles(few, passes)) as f64 / (many - few) as f64
    }
}

/// Clocks in which the first draws of an image are made where passes part.
fn restart_clocks(network: &Network, plan: &Plan) -> usize {
    let parting = network.once_per_image().checked_sub(1);
    match parting.map(|parted| (parted, plan.layers(network)[parted].draws())) {
        Some((parted, (count, true))) => count / plan.draws_per_clock(network, parted),
        _ => replay_clocks(network, plan),
    }
}

/// Clocks from beat to beat of the replay, if there is one.
pub fn replay_clocks(network: &Network, plan: &Plan) -> usize {
    if network.input.dropout.is_some() {
        return plan.layers(network)[0].beat_values() / plan.input_draws_per_clock(network);
    }
    let Some(parted) = network.once_per_image().checked_sub(1) else { return 1 };
    let (count, holds) = plan.layers(network)[parted].draws();
    if holds || count == 0 { 1 } else { count / plan.draws_per_clock(network, parted) }
}
