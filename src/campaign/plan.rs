//! The points of a campaign, and what one of them comes to.

use super::file::PASSES;
use super::{CampaignError, File};
use crate::chip::Description;
use crate::data::{self, Other, Split};
use crate::golden::Golden;
use crate::lower::lower;
use crate::model::Model;
use crate::net::{Images, Network};
use crate::random::SplitMix64;
use crate::uncertainty::{Detection, OutlierScore, Prediction, Scored, Scores, Threshold, accuracy};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::Path;

/// A campaign with its models and data.
pub struct Campaign {
    pub file: File,
    models: Vec<Input>,
    /// By sweep and combination.
    settings: Vec<Setting>,
    labels: Vec<usize>,
    others: Vec<Other>,
    /// Of all that decides on the results.
    digest: String,
}

/// A model of a campaign and what it reads.
pub struct Input {
    pub name: String,
    network: Network,
    images: Images,
    others: Vec<Images>,
}

/// One combination of one sweep.
struct Setting {
    sweep: usize,
    values: Vec<f64>,
    description: Description,
    passes: Option<u32>,
}

/// What is measured once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub index: usize,
    setting: usize,
    model: usize,
    pub die: u64,
}

/// Columns of results before the fields, and after the die.
const BEFORE: [&str; 2] = ["sweep", "model"];
const SCORES: [&str; 10] = [
    "seed",
    "stuck",
    "flipped",
    "accuracy",
    "accuracy_of_mean_probability",
    "nll",
    "ece",
    "brier",
    "entropy",
    "mutual_information",
];

impl Campaign {
    /// Reads a campaign's file.
    pub fn read(path: &Path) -> Result<File, CampaignError> {
        let text = std::fs::read_to_string(path).map_err(|source| CampaignError::Io { file: path.into(), source })?;
        let bad = |what: String| CampaignError::Parse { file: path.into(), what };
        let file: File = toml::from_str(&text).map_err(|e| bad(e.to_string().trim_end().to_string()))?;
        file.check().map_err(bad)?;
        Ok(file)
    }

    /// A campaign with its models, in the order of `file.models`; `folder` is where the files lie that its chip names. Everything
    /// that can be refused is refused here, before the first point.
    pub fn new(file: File, models: Vec<Model>, folder: &Path) -> Result<Campaign, CampaignError> {
        let text = file.chip.to_string();
        let base = Description::parse(&text, "campaign", folder).map_err(|e| CampaignError::Base(Box::new(e)))?;
        let mut settings = vec![];
        for (number, sweep) in file.sweep.iter().enumerate() {
            let of_sweep = |source| CampaignError::Chip {
                sweep: sweep.name.clone(),
                model: "all".into(),
                source: Box::new(source),
            };
            let base = base.overlaid(&sweep.chip).map_err(of_sweep)?;
            for values in sweep.combinations() {
                let fields = sweep.fields(&values).filter(|(field, _)| *field != PASSES);
                let description = base.with(fields).map_err(of_sweep)?;
                let passes = sweep.fields(&values).find(|(field, _)| *field == PASSES).map(|(_, v)| v as u32);
                settings.push(Setting { sweep: number, values, description, passes: passes.or(file.passes) });
            }
        }
        let set = models.first().map_or(String::new(), |model| model.input.dataset.clone());
        let test = data::load(&set, Split::Test)?;
        if test.len() < file.images {
            return Err(CampaignError::Images { images: file.images, set, there: test.len() });
        }
        let test = test.first(file.images);
        let others: Result<Vec<Vec<Other>>, _> = file.other.iter().map(|name| Other::named(name)).collect();
        let others = others?.concat();
        let mut inputs = vec![];
        for (name, model) in file.models.iter().zip(&models) {
            if model.input.dataset != set {
                let (found, due) = (model.input.dataset.clone(), set);
                return Err(CampaignError::Datasets { model: name.clone(), found, due });
            }
            let of = |other: &Other| {
                let all = other.images(&test, &model.input, file.seed)?;
                Ok(all.slice(0..all.len().min(file.images)))
            };
            let others = others.iter().map(of).collect::<Result<_, data::DataError>>()?;
            let (network, images) = (lower(model)?, data::encode(&test, &model.input)?);
            inputs.push(Input { name: name.clone(), network, images, others });
        }
        let labels = test.labels.iter().map(|&label| usize::from(label)).collect();
        let mut campaign = Campaign { file, models: inputs, settings, labels, others, digest: String::new() };
        for setting in &campaign.settings {
            for model in &campaign.models {
                campaign.network(setting, model, 0)?;
            }
        }
        campaign.digest = campaign.sha256();
        Ok(campaign)
    }

    /// The points, in the order of the results.
    pub fn points(&self) -> Vec<Point> {
        let of_setting = |setting| (0..self.models.len()).map(move |model| (setting, model));
        let dies = |(setting, model)| (0..self.file.dies).map(move |die| (setting, model, die));
        let all = (0..self.settings.len()).flat_map(of_setting).flat_map(dies);
        all.enumerate().map(|(index, (setting, model, die))| Point { index, setting, model, die }).collect()
    }

    /// Names of the columns of results.
    pub fn columns(&self) -> Vec<String> {
        let before = BEFORE.iter().map(ToString::to_string);
        let scores = SCORES.iter().map(ToString::to_string);
        let others = self.others.iter().map(|other| format!("auroc_{other}"));
        before.chain(self.fields()).chain(["passes".into(), "die".into()]).chain(scores).chain(others).collect()
    }

    /// All fields that some sweep sets.
    fn fields(&self) -> Vec<String> {
        let mut all: Vec<String> = vec![];
        for field in self.file.sweep.iter().flat_map(|s| &s.axis).flat_map(|axis| &axis.fields) {
            if field != PASSES && !all.contains(field) {
                all.push(field.clone());
            }
        }
        all
    }

    /// SHA-256 of all that decides on the results.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub fn other_names(&self) -> Vec<String> {
        self.others.iter().map(ToString::to_string).collect()
    }

    fn sha256(&self) -> String {
        let mut all = Sha256::new();
        let figure = |file: &File| File { labels: vec![], ..file.clone() };
        all.update(json!({ "file": figure(&self.file), "version": env!("CARGO_PKG_VERSION") }).to_string());
        for setting in &self.settings {
            all.update(setting.description.sha256());
        }
        for input in &self.models {
            all.update(input.network.to_json());
            for images in std::iter::once(&input.images).chain(&input.others) {
                for n in 0..images.len() {
                    let bytes: Vec<u8> = images.image(n).iter().flat_map(|v| v.to_le_bytes()).collect();
                    all.update(bytes);
                }
            }
        }
        for &label in &self.labels {
            all.update((label as u64).to_le_bytes());
        }
        all.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The network of a die, and how many of its cells are stuck and flipped. Each die draws with a seed of its own.
    fn network(&self, setting: &Setting, model: &Input, die: u64) -> Result<(Network, usize, usize), CampaignError> {
        let of = setting.description.network(&model.network, die).map_err(|source| CampaignError::Chip {
            sweep: self.file.sweep[setting.sweep].name.clone(),
            model: model.name.clone(),
            source: Box::new(source),
        })?;
        let mut network = of.network;
        network.passes = setting.passes.unwrap_or(network.passes);
        network.seed = SplitMix64::nth(self.file.seed, die).word();
        Ok((network, of.stuck, of.flipped))
    }

    /// What a point comes to: values of all columns.
    pub fn measure(&self, point: Point) -> Result<Vec<String>, CampaignError> {
        let (setting, model) = (&self.settings[point.setting], &self.models[point.model]);
        let (network, stuck, flipped) = self.network(setting, model, point.die)?;
        let golden = Golden::new(&network)?;
        let run = |images: &Images| {
            golden.run_with(images, 0, network.passes, |_, result, logits| {
                (result.class, Prediction::new(logits, &network.output))
            })
        };
        let (classes, own): (Vec<usize>, Vec<Prediction>) = run(&model.images)?.into_iter().unzip();
        let scores = Scores::new(&own, &self.labels)?;
        let scored = |predictions: &[Prediction]| -> Vec<Scored> {
            let score = |p: &Prediction| Scored { score: OutlierScore::Entropy.of(p), class: p.class() };
            predictions.iter().map(score).collect()
        };
        let inside = scored(&own);
        let mut auroc = vec![];
        for images in &model.others {
            let (_, outside): (Vec<usize>, Vec<Prediction>) = run(images)?.into_iter().unzip();
            let threshold = Threshold { overall: 0.0, classes: None };
            auroc.push(Detection::new(&inside, &scored(&outside), &threshold)?.auroc);
        }
        let sweep = &self.file.sweep[setting.sweep];
        let mut row = vec![sweep.name.clone(), model.name.clone()];
        for field in self.fields() {
            let value = sweep.fields(&setting.values).find(|(name, _)| *name == field);
            row.push(value.map_or(String::new(), |(_, value)| value.to_string()));
        }
        row.extend([network.passes.to_string(), point.die.to_string(), network.seed.to_string()]);
        row.extend([stuck.to_string(), flipped.to_string(), accuracy(&classes, &self.labels)?.to_string()]);
        let Scores { accuracy, nll, ece, brier, entropy, mutual_information } = scores;
        row.extend([accuracy, nll, ece, brier, entropy, mutual_information].map(|v| v.to_string()));
        row.extend(auroc.iter().map(ToString::to_string));
        Ok(row)
    }
}
