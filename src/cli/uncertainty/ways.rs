//! The ways in which a network is asked: what passes buy is the difference.

use super::super::output::Output;
use anyhow::Result;
use neuspin::golden::{Golden, ImageResult};
use neuspin::net::{Images, Network};
use neuspin::uncertainty::{OutlierScore, Prediction, Scored};

/// What a network says of a set of images when asked in one way.
pub struct Said {
    pub way: Way,
    pub predictions: Vec<Prediction>,
    /// Decisions.
    pub classes: Vec<usize>,
    /// Passes that an image took in the mean.
    pub mean_passes: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One pass without dropout.
    Deterministic,
    /// The first so many stochastic passes.
    Passes(u32),
    /// As many as the rule of early stop asks for, and at most so many.
    Early(u32),
}

impl Way {
    pub fn name(self) -> String {
        match self {
            Way::Deterministic => "dropout off".into(),
            Way::Passes(1) => "1 pass".into(),
            Way::Passes(n) => format!("{n} passes"),
            Way::Early(n) => format!("early stop, of {n}"),
        }
    }

    /// Stochastic passes, at most.
    pub fn passes(self) -> u32 {
        match self {
            Way::Deterministic => 0,
            Way::Passes(n) | Way::Early(n) => n,
        }
    }
}

impl Said {
    pub fn scored(&self, score: OutlierScore) -> Vec<Scored> {
        let scored = |(prediction, &class): (&Prediction, &usize)| Scored { score: score.of(prediction), class };
        self.predictions.iter().zip(&self.classes).map(scored).collect()
    }

    pub fn mean_entropy(&self) -> f64 {
        self.predictions.iter().map(|p| p.entropy).sum::<f64>() / self.predictions.len() as f64
    }
}

/// In whose numbers probabilities and entropies are computed from the logits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Double precision.
    Host,
    /// The fixed point of a design with `--uncertainty`.
    Chip,
}

/// Asks without dropout, with one pass, and with all passes of the network where those are more; then with early stop, if the
/// network has a rule for it.
pub fn ask(network: &Network, images: &Images, arithmetic: Arithmetic, output: &Output) -> Result<Vec<Said>> {
    let whole = Network { early_stop: None, ..network.clone() };
    let golden = Golden::new(&whole)?;
    let one = |result: &ImageResult, logits: &[i32]| {
        let prediction = match arithmetic {
            Arithmetic::Host => Prediction::new(logits, &network.output),
            Arithmetic::Chip => {
                let found = golden.softmax().uncertainty(logits);
                Prediction::reported(result, &found, (logits.len() / network.classes()) as u32, &network.output)
            }
        };
        (prediction, result.class, logits.len() / network.classes())
    };
    let said = |way, all: Vec<(Prediction, usize, usize)>| {
        let passes: usize = all.iter().map(|image| image.2).sum();
        let mean_passes = if way == Way::Deterministic { 0.0 } else { passes as f64 / all.len() as f64 };
        let (predictions, classes) = all.into_iter().map(|(prediction, class, _)| (prediction, class)).unzip();
        Said { way, predictions, classes, mean_passes }
    };

    let off = golden.deterministic(images)?;
    // The sum over one pass is its logits, which have 32 bits at most.
    let logits = |result: &ImageResult| -> Vec<i32> { result.sum.iter().map(|&z| z as i32).collect() };
    let mut ways = vec![said(Way::Deterministic, off.iter().map(|r| one(r, &logits(r))).collect())];

    let mut asked = vec![(&golden, Way::Passes(1))];
    if network.passes > 1 {
        asked.push((&golden, Way::Passes(network.passes)));
    }
    let stopping = network.early_stop.map(|_| Golden::new(network)).transpose()?;
    asked.extend(stopping.iter().map(|stopping| (stopping, Way::Early(network.passes))));
    for (golden, way) in asked {
        let bar = output.progress("golden", images.len());
        let all = golden.run_with(images, 0, way.passes(), |_, result, logits| {
            bar.inc(1);
            one(&result, logits)
        })?;
        bar.finish_and_clear();
        ways.push(said(way, all));
    }
    Ok(ways)
}
