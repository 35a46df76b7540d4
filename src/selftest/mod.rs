//! A self-test by uncertainty: a chip whose cells or units are broken is unsure where it should not be, or sure where it should
//! not (`docs/selftest.md`).
//!
//! Test vectors are training images whose predictive entropy comes out the same again and again on a chip without faults, whatever
//! it draws (arXiv 2401.04744). Their mean entropy µ and its standard deviation σ are kept; a chip is flagged if enough vectors lie
//! outside µ ± 3σ.

use crate::golden::{Golden, GoldenError};
use crate::net::{Images, NetError, Network};
use crate::random::SplitMix64;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;
use thiserror::Error;

/// First field of a file of bounds.
const FORMAT: &str = "neuspin-selftest";
/// Bounds lie so many standard deviations from the mean.
pub const SIGMAS: f64 = 3.0;
/// Share of fault-free runs that calibration lets be flagged, at most.
pub const FALSE_ALARMS: f64 = 0.01;
/// Fraction bits of an octave in the entropy of a chip.
const OCTAVE_BITS: i32 = 12;
/// Below this a mean entropy is 0 but for rounding: such a vector says nothing, since its bounds have no width.
const LEAST_ENTROPY: f64 = 0.002;

#[derive(Debug, Error)]
pub enum SelftestError {
    #[error(transparent)]
    Golden(#[from] GoldenError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("{file}: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("{file}: {what}")]
    Parse { file: String, what: String },
    #[error("{0}")]
    Ask(String),
}

/// How vectors are chosen and bounds are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    pub vectors: usize,
    pub passes: u32,
    /// Runs over all candidates, by which vectors are chosen.
    pub repeats: u32,
    /// Fault-free runs for the bounds of the chosen vectors, and as many more for how many may lie outside.
    pub runs: u32,
    pub seed: u64,
}

/// A test image and what a chip without faults says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// Among the candidates.
    pub image: usize,
    /// Values of the inputs.
    pub inputs: Vec<i16>,
    /// Mean of the predictive entropy, in bits, and its standard deviation from run to run.
    pub mean: f64,
    pub sigma: f64,
}

/// What a chip is tested with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    format: String,
    version: u32,
    pub network: String,
    /// Of the network without faults.
    pub network_sha256: String,
    pub passes: u32,
    pub seed: u64,
    /// A chip is flagged if so many vectors, or more, lie outside their bounds.
    pub votes: usize,
    pub vectors: Vec<Vector>,
}

/// What a test says of a chip.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Entropy of each vector, in bits.
    pub entropies: Vec<f64>,
    /// Vectors outside their bounds.
    pub outside: Vec<usize>,
    pub flagged: bool,
}

impl Bounds {
    /// Chooses vectors among `candidates` for `network`, and finds their bounds.
    ///
    /// # Errors
    /// For rules that nothing can be found by, and where too few candidates have an entropy at all.
    pub fn find(network: &Network, candidates: &Images, rules: Rules) -> Result<Bounds, SelftestError> {
        let Rules { vectors, passes, repeats, runs, seed } = rules;
        if vectors == 0 || repeats < 3 || runs < 20 {
            return Err(SelftestError::Ask(format!(
                "{vectors} vectors, {repeats} repeats, {runs} runs: at least 1, 3 and 20"
            )));
        }
        if network.stochastic_layers() == 0 {
            return Err(SelftestError::Ask(
                "the network draws nothing, so its entropy never varies; compare its logits instead".into(),
            ));
        }
        let network = plain(network, passes);
        // Other image positions are other draws.
        let golden = Golden::new(&network)?;
        let count = candidates.len() as u64;
        let all: Result<Vec<Vec<f64>>, SelftestError> =
            (0..u64::from(repeats)).map(|r| Ok(entropies(&golden, candidates, r * count, passes)?)).collect();
        let all = all?;
        let mut ranked: Vec<(f64, usize)> = (0..candidates.len())
            .filter_map(|image| {
                let (mean, sigma) = moments(all.iter().map(|run| run[image]));
                (mean >= LEAST_ENTROPY).then_some((sigma / mean, image))
            })
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if ranked.len() < vectors {
            return Err(SelftestError::Ask(format!(
                "{vectors} vectors, but {} of {} candidates have an entropy of {LEAST_ENTROPY} bits or more; more candidates, or \
                 fewer vectors",
                ranked.len(),
                candidates.len()
            )));
        }
        let chosen: Vec<usize> = ranked[..vectors].iter().map(|&(_, image)| image).collect();
        let inputs: Vec<Vec<i16>> = chosen.iter().map(|&image| candidates.image(image).to_vec()).collect();
        let images = Images::new(&network.input, inputs.concat())?;
        // The best of many look better than they are: their bounds come of other runs.
        let fresh = |run: u32| fresh_run(&network, &images, seed, 1 + u64::from(run));
        let found: Vec<Vec<f64>> = (0..runs).into_par_iter().map(fresh).collect::<Result<_, _>>()?;
        let vectors = chosen.into_iter().zip(inputs).enumerate().map(|(n, (image, inputs))| {
            let (mean, sigma) = moments(found.iter().map(|run| run[n]));
            Vector { image, inputs, mean, sigma }
        });
        let mut bounds = Bounds {
            format: FORMAT.into(),
            version: 1,
            network: network.name.clone(),
            network_sha256: sha256(&network),
            passes,
            seed,
            votes: 1,
            vectors: vectors.collect(),
        };
        let more: Vec<Vec<f64>> = (runs..2 * runs).into_par_iter().map(fresh).collect::<Result<_, _>>()?;
        let outside: Vec<usize> = more.iter().map(|run| bounds.judge(run.clone()).outside.len()).collect();
        let alarms = |votes: usize| outside.iter().filter(|&&n| n >= votes).count();
        bounds.votes = (1..).find(|&votes| alarms(votes) as f64 <= FALSE_ALARMS * f64::from(runs)).unwrap_or(1);
        Ok(bounds)
    }

    pub fn images(&self, network: &Network) -> Result<Images, NetError> {
        Images::new(&network.input, self.vectors.iter().flat_map(|v| v.inputs.iter().copied()).collect())
    }

    /// Tests a network with run `run` of fresh draws: faulty, or not.
    pub fn check(&self, network: &Network, run: u64) -> Result<Verdict, SelftestError> {
        let network = plain(network, self.passes);
        // Far from the runs that bounds were found by.
        let run = fresh_run(&network, &self.images(&network)?, !self.seed, run)?;
        Ok(self.judge(run))
    }

    /// The network as run `run` tests it: its passes and its seed.
    pub fn network_of_run(&self, network: &Network, run: u64) -> Network {
        Network { seed: run_seed(!self.seed, run), ..plain(network, self.passes) }
    }

    /// The verdict on entropies in bits, one a vector.
    pub fn judge(&self, entropies: Vec<f64>) -> Verdict {
        let beyond = |(v, &h): (&Vector, &f64)| (h - v.mean).abs() > SIGMAS * v.sigma;
        let outside: Vec<usize> =
            self.vectors.iter().zip(&entropies).enumerate().filter(|(_, pair)| beyond(*pair)).map(|(n, _)| n).collect();
        let flagged = outside.len() >= self.votes;
        Verdict { entropies, outside, flagged }
    }

    /// Whether these bounds were found for `network`, in any number of passes and with any seed.
    pub fn is_for(&self, network: &Network) -> bool {
        self.network_sha256 == sha256(&plain(network, self.passes))
    }

    pub fn read(path: &Path) -> Result<Bounds, SelftestError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| SelftestError::Io { file: file.clone(), source })?;
        let bounds: Bounds = serde_json::from_str(&text).map_err(|e| SelftestError::Parse {
            file: file.clone(),
            what: format!("not the bounds of a self-test: {e}"),
        })?;
        let bad = |what: String| Err(SelftestError::Parse { file, what });
        if bounds.format != FORMAT || bounds.version != 1 {
            return bad(format!("format {} {}; this program reads {FORMAT} 1", bounds.format, bounds.version));
        }
        if bounds.vectors.is_empty() || bounds.votes == 0 || bounds.passes == 0 {
            return bad("vectors, votes and passes: at least 1 of each".into());
        }
        Ok(bounds)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// In bits, from what a chip computes: passes times entropy, in octaves.
pub fn bits(entropy: u64, passes: u32) -> f64 {
    entropy as f64 / (f64::from(passes) * 2f64.powi(OCTAVE_BITS))
}

/// The network with so many passes, always all of them.
fn plain(network: &Network, passes: u32) -> Network {
    Network { passes, early_stop: None, ..network.clone() }
}

/// Of the network but for its draws, which every run has of its own.
fn sha256(network: &Network) -> String {
    crate::emit::sha256(Network { seed: 0, ..network.clone() }.to_json().as_bytes())
}

fn run_seed(seed: u64, run: u64) -> u64 {
    SplitMix64::nth(seed, run).word()
}

/// Entropies of all images from draws of a seed of their own.
fn fresh_run(network: &Network, images: &Images, seed: u64, run: u64) -> Result<Vec<f64>, SelftestError> {
    let golden = Golden::new(&Network { seed: run_seed(seed, run), ..network.clone() })?;
    Ok(entropies(&golden, images, 0, network.passes)?)
}

fn entropies(golden: &Golden, images: &Images, first: u64, passes: u32) -> Result<Vec<f64>, GoldenError> {
    golden.run_with(images, first, passes, |_, _, logits| bits(golden.softmax().uncertainty(logits).entropy, passes))
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let squares: f64 = values.map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_is_flagged_by_enough_vectors_beyond_three_sigma() {
        let vector = |image, mean, sigma| Vector { image, inputs: vec![], mean, sigma };
        let bounds = Bounds {
            format: FORMAT.into(),
            version: 1,
            network: "n".into(),
            network_sha256: String::new(),
            passes: 8,
            seed: 1,
            votes: 2,
            vectors: vec![vector(0, 1.0, 0.1), vector(1, 0.5, 0.05), vector(2, 2.0, 0.0)],
        };
        let judged = bounds.judge(vec![1.29, 0.5, 2.0]);
        assert_eq!((judged.outside.len(), judged.flagged), (0, false));
        let judged = bounds.judge(vec![1.31, 0.5, 2.0]);
        assert_eq!((judged.outside, judged.flagged), (vec![0], false));
        let judged = bounds.judge(vec![1.31, 0.34, 2.1]);
        assert_eq!((judged.outside, judged.flagged), (vec![0, 1, 2], true));
        let (mean, sigma) = moments([1.0, 2.0, 3.0, 4.0].into_iter());
        assert!((mean - 2.5).abs() < 1e-12 && (sigma - (5f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(bits(3 * 4096, 2), 1.5);
    }
}
