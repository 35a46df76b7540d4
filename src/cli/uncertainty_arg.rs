//! What a design computes of an image's uncertainty, and the thresholds of its flag.

use super::thresholds::Thresholds;
use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use neuspin::net::Network;
use neuspin::plan::{Flag, Uncertainty};
use std::path::PathBuf;

#[derive(Args, Default)]
#[command(next_help_heading = "Uncertainty")]
pub struct UncertaintyArgs {
    /// Compute an image's uncertainty on the chip; parts: every class's mean probability (always with any other), its
    /// variance, predictive entropy, mutual information, a flag for images out of distribution with one threshold or one a
    /// class, or all of these [default: none]
    #[arg(long, value_name = "PART,...", value_delimiter = ',')]
    uncertainty: Vec<Part>,
    /// Thresholds of the flag after reset, as `neuspin calibrate` writes them; adds the flag [default: nothing is flagged]
    #[arg(long, value_name = "FILE.json")]
    thresholds: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    None,
    Mean,
    Variance,
    Entropy,
    Information,
    Flag,
    ClassFlag,
    All,
}

impl UncertaintyArgs {
    /// The parts, and the thresholds after reset.
    pub fn parts(&self, network: &Network) -> Result<(Option<Uncertainty>, Vec<u64>)> {
        let has = |part: Part| self.uncertainty.contains(&part);
        ensure!(
            !has(Part::None) || (self.uncertainty.len() == 1 && self.thresholds.is_none()),
            "--uncertainty none: with nothing else, and without --thresholds"
        );
        ensure!(!(has(Part::Flag) && has(Part::ClassFlag)), "--uncertainty: flag or class-flag, not both");
        let thresholds = match &self.thresholds {
            Some(path) => Thresholds::read(path, network)?.thresholds,
            None => vec![],
        };
        if (self.uncertainty.is_empty() && thresholds.is_empty()) || has(Part::None) {
            return Ok((None, thresholds));
        }
        let by_class = thresholds.len() > 1;
        ensure!(!(by_class && has(Part::Flag)), "--thresholds has one a class: class-flag instead of flag");
        ensure!(
            !(thresholds.len() == 1 && has(Part::ClassFlag)),
            "--thresholds has one for all classes: flag instead of class-flag, or calibrate --class-wise"
        );
        let all = has(Part::All);
        let flag = if has(Part::ClassFlag) || by_class {
            Some(Flag::ByClass)
        } else {
            (all || has(Part::Flag) || !thresholds.is_empty()).then_some(Flag::One)
        };
        let parts = Uncertainty {
            squares: all || has(Part::Variance),
            entropy: all || has(Part::Entropy),
            information: all || has(Part::Information),
            flag,
        };
        Ok((Some(parts), thresholds))
    }
}
