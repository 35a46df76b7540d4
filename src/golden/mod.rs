//! The golden model: what an integer network computes, bit by bit (`docs/semantics.md`).
//!
//! Bits are packed 64 to a word; 256 lanes, each a pass of an image, go in step; threads share the images. Draws are
//! found by their position alone, so any image and any pass can be computed without the ones before it.

mod dense;
mod devices;
mod draws;
mod early;
mod layers;
mod masks;
mod neurons;
mod parts;
mod reads;
mod runner;
mod trace;
mod uncertainty;
mod windows;

pub use trace::{HiddenTrace, Trace};
pub use uncertainty::{Softmax, Uncertainty};

use crate::net::{Device, EarlyStop, Images, Input, NetError, Network, Random};
use crate::random::{Generator, RandomError};
use dense::full;
use layers::{Drawing, HiddenLayer, OutputLayer};
use rayon::prelude::*;
use runner::{Rows, Runner, rows_of};
use std::ops::Range;
use thiserror::Error;

/// Most passes of a run: those of an image are held in memory at once.
pub const MAX_PASSES: u32 = 1 << 20;

/// What the golden model refuses.
#[derive(Debug, Error)]
pub enum GoldenError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Random(#[from] RandomError),
    #[error("0 passes; a run needs at least 1")]
    NoPass,
    #[error("images of {found} values, but the network reads {expected}")]
    Features { found: usize, expected: usize },
    #[error("image {image}, feature {feature}: value {value} is outside {low} to {high}")]
    Value { image: usize, feature: usize, value: i16, low: i16, high: i16 },
    #[error("{passes} passes; at most {MAX_PASSES} are supported")]
    ManyPasses { passes: u32 },
    #[error("{passes} passes of {logit_bits}-bit logits: their sum of squares may exceed 64 bits; use at most {most}")]
    SumOfSquares { passes: u32, logit_bits: u32, most: u64 },
    #[error(
        "images from number {first} on, but with early stop the draws of an image depend on all images before it; begin at 0"
    )]
    Resumed { first: u64 },
}

/// What a run says of one image (`docs/semantics.md` §5); vectors have one entry a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageResult {
    /// Sum of the logits over passes.
    pub sum: Vec<i64>,
    /// Sum of their squares.
    pub sumsq: Vec<u64>,
    /// Passes that the class won.
    pub votes: Vec<u32>,
    /// The decision.
    pub class: usize,
    /// Passes that it took: fewer than asked for only with early stop.
    pub passes: u32,
}

/// A network packed for execution.
pub struct Golden {
    input: Input,
    /// What the inputs draw, if they are dropped.
    input_drawing: Option<Drawing>,
    /// What the keys of read errors are drawn from, by layer, the output layer last.
    keys: Vec<Option<Drawing>>,
    /// Whether passes part at the inputs: these are dropped, or reads of the first layer err.
    parts_at_inputs: bool,
    /// Every input live.
    inputs_live: Vec<u64>,
    hidden: Vec<HiddenLayer>,
    output: OutputLayer,
    random: Random,
    generator: Generator,
    root: u64,
    /// Streams of draws, each in every pass.
    streams: u32,
    /// By stream: what takes its draws, where dropout units are no ideal ones.
    devices: Vec<Option<Device>>,
    /// The first hidden layer with a method, or the last hidden layer, but before the first whose reads err; the first where
    /// passes part at the inputs.
    parting: usize,
    logit_bits: u32,
    softmax: Softmax,
    early_stop: Option<EarlyStop>,
}

impl Golden {
    /// Packs `network`; refuses one that does not pass [`Network::check`].
    pub fn new(network: &Network) -> Result<Golden, GoldenError> {
        network.check()?;
        let hidden = network.hidden.iter().enumerate();
        let generator = network.generator()?;
        Ok(Golden {
            input: network.input,
            input_drawing: network.input.dropout.map(|code| Drawing::of_inputs(code, network.input.features)),
            inputs_live: full(network.input.features),
            keys: (0..=network.hidden.len()).map(|l| network.error_stream(l).map(Drawing::of_keys)).collect(),
            parts_at_inputs: network.input.dropout.is_some() || network.errs(0),
            hidden: hidden
                .map(|(l, layer)| {
                    let stream = network.stream(l);
                    let decided = stream.is_some_and(|stream| network.device(stream.number).is_some());
                    HiddenLayer::new(layer, stream, decided, network.is_added(l), network.array(l))
                })
                .collect(),
            output: OutputLayer::new(
                &network.output,
                network.stream(network.hidden.len()),
                network.array(network.hidden.len()),
            ),
            random: network.random,
            root: generator.root(network.seed),
            generator,
            streams: network.streams() as u32,
            devices: network.chip.devices.clone(),
            parting: match network.input.dropout {
                Some(_) => 0,
                None => {
                    let first = network.hidden.iter().position(|l| l.method.is_some());
                    let errs = (0..network.hidden.len()).find(|&l| network.errs(l));
                    let last = errs.map_or(network.hidden.len() - 1, |l| l.saturating_sub(1));
                    first.unwrap_or(last).min(last)
                }
            },
            logit_bits: network.output.logit_bits,
            softmax: Softmax::new(&network.output),
            early_stop: network.early_stop,
        })
    }

    pub fn classes(&self) -> usize {
        self.output.crossbars[0].dense.rows
    }

    /// Results of all images, which count from `first_image` since the streams were started.
    pub fn run(&self, images: &Images, first_image: u64, passes: u32) -> Result<Vec<ImageResult>, GoldenError> {
        self.run_with(images, first_image, passes, |_, result, _| result)
    }

    /// As [`Golden::run`], and keeps what `each` makes of every image: of its index in `images`, its result and its
    /// logits, `passes × classes` (divide by 2^frac_bits for the logits of the float network). With early stop, images have
    /// to count from 0.
    ///
    /// `each` is called from several threads, for images in any order; what it returns comes back in their order.
    pub fn run_with<R: Send>(
        &self,
        images: &Images,
        first_image: u64,
        passes: u32,
        each: impl Fn(usize, ImageResult, &[i32]) -> R + Sync,
    ) -> Result<Vec<R>, GoldenError> {
        self.check_images(images)?;
        self.check_passes(passes)?;
        match self.early_stop {
            Some(_) if first_image > 0 => Err(GoldenError::Resumed { first: first_image }),
            Some(rule) if passes > rule.every => self.run_early(rule, images, passes, each),
            _ => {
                let images: Vec<&[i16]> = (0..images.len()).map(|i| images.image(i)).collect();
                self.run_passes(&images, first_image, 0..passes, |i, logits| each(i, self.tally(logits), logits))
            }
        }
    }

    /// What `each` makes of every image's index and its logits in some of the passes. Images count from `first` among those
    /// that reach these passes.
    fn run_passes<R: Send>(
        &self,
        images: &[&[i16]],
        first: u64,
        passes: Range<u32>,
        each: impl Fn(usize, &[i32]) -> R + Sync,
    ) -> Result<Vec<R>, GoldenError> {
        let starts = self.stream_starts(passes.end);
        let starts = &starts[passes.start as usize * self.streams as usize..];
        self.in_chunks(images, passes.len(), each, |mut rows| {
            rows.first += u128::from(first);
            Runner::drawing(self, starts, passes.len(), rows)
        })
    }

    /// The deterministic pass over all images.
    pub fn deterministic(&self, images: &Images) -> Result<Vec<ImageResult>, GoldenError> {
        self.check_images(images)?;
        let images: Vec<&[i16]> = (0..images.len()).map(|i| images.image(i)).collect();
        self.in_chunks(&images, 1, |_, logits| self.tally(logits), |_| Ok(Runner::deterministic(self)))
    }

    /// The logits of every pass of one image, number `n` since the streams were started: `passes × classes`; without early
    /// stop.
    pub fn logits(&self, image: &[i16], n: u64, passes: u32) -> Result<Vec<i32>, GoldenError> {
        self.check_image(0, image)?;
        self.check_passes(passes)?;
        let rows = Rows { count: 1, first: n.into(), distance: 0 };
        let mut runner = Runner::drawing(self, &self.stream_starts(passes), passes as usize, rows)?;
        Ok(runner.next_images(&[image]).to_vec())
    }

    /// Runs chunks of images in parallel, each with the runner that `start` makes for the images where its rows begin.
    fn in_chunks<'g, R: Send>(
        &'g self,
        images: &[&[i16]],
        passes: usize,
        each: impl Fn(usize, &[i32]) -> R + Sync,
        start: impl Fn(Rows) -> Result<Runner<'g>, GoldenError> + Sync,
    ) -> Result<Vec<R>, GoldenError> {
        // Small enough to share among threads, large enough that positioning the streams does not count.
        let chunk =
            images.len().div_ceil(4 * rayon::current_num_threads()).next_multiple_of(rows_of(passes)).clamp(1, 1024);
        let chunks: Result<Vec<Vec<R>>, GoldenError> = (0..images.len().div_ceil(chunk))
            .into_par_iter()
            .map(|c| {
                let range = c * chunk..images.len().min((c + 1) * chunk);
                let distance = range.len().div_ceil(rows_of(passes));
                let count = range.len().div_ceil(distance);
                let mut runner = start(Rows { count, first: range.start as u128, distance })?;
                let mut rows: Vec<Vec<R>> = (0..count).map(|_| Vec::with_capacity(distance)).collect();
                for step in 0..distance {
                    let indices = || range.clone().skip(step).step_by(distance);
                    let now: Vec<&[i16]> = indices().map(|i| images[i]).collect();
                    let logits = runner.next_images(&now).chunks_exact(passes * self.classes());
                    for ((row, i), logits) in rows.iter_mut().zip(indices()).zip(logits) {
                        row.push(each(i, logits));
                    }
                }
                Ok(rows.into_iter().flatten().collect())
            })
            .collect();
        Ok(chunks?.into_iter().flatten().collect())
    }

    /// Sums, votes and decision from the logits of all passes.
    fn tally(&self, logits: &[i32]) -> ImageResult {
        let classes = self.classes();
        let (mut sum, mut sumsq, mut votes) = (vec![0; classes], vec![0; classes], vec![0; classes]);
        for pass in logits.chunks_exact(classes) {
            for (c, &z) in pass.iter().enumerate() {
                sum[c] += i64::from(z);
                sumsq[c] += i64::from(z).unsigned_abs().pow(2);
            }
            votes[first_largest(pass)] += 1;
        }
        let class = first_largest(&sum);
        let passes = (logits.len() / classes) as u32;
        ImageResult { sum, sumsq, votes, class, passes }
    }

    /// The integer softmax of the output layer.
    pub fn softmax(&self) -> &Softmax {
        &self.softmax
    }

    /// The states in which the streams start, `passes × streams`.
    fn stream_starts(&self, passes: u32) -> Vec<u64> {
        self.generator.starts(self.root, passes as usize * self.streams as usize)
    }

    fn check_images(&self, images: &Images) -> Result<(), GoldenError> {
        (0..images.len()).try_for_each(|i| self.check_image(i, images.image(i)))
    }

    fn check_image(&self, image: usize, values: &[i16]) -> Result<(), GoldenError> {
        let (found, expected) = (values.len(), self.input.features);
        if found != expected {
            return Err(GoldenError::Features { found, expected });
        }
        let (low, high) = self.input.range();
        // Without an early exit this is one vector operation for many values.
        if values.iter().fold(true, |good, v| good & (low..=high).contains(v)) {
            return Ok(());
        }
        let feature = values.iter().take_while(|v| (low..=high).contains(v)).count();
        Err(GoldenError::Value { image, feature, value: values[feature], low, high })
    }

    fn check_passes(&self, passes: u32) -> Result<(), GoldenError> {
        let logit_bits = self.logit_bits;
        let most = u64::MAX >> (2 * (logit_bits - 1));
        match passes {
            0 => Err(GoldenError::NoPass),
            _ if passes > MAX_PASSES => Err(GoldenError::ManyPasses { passes }),
            _ if u64::from(passes) > most => Err(GoldenError::SumOfSquares { passes, logit_bits, most }),
            _ => Ok(()),
        }
    }
}

/// Where the largest value stands; the first of several.
fn first_largest<V: Copy + PartialOrd>(values: &[V]) -> usize {
    values.iter().enumerate().fold(0, |best, (i, &v)| if v > values[best] { i } else { best })
}
