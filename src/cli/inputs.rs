//! Which images a command is about.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use neuspin::data::{self, Split, npy};
use neuspin::import::NO_DATASET;
use neuspin::model::Model;
use neuspin::net::Images;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct InputArgs {
    /// A known set (digits, mnist, fashion-mnist), of which the test images are taken (by calibrate the
    /// validation images), or a .npy file of N x values
    /// [default: the set that the model was trained on]
    #[arg(long, value_name = "SET|FILE.npy")]
    data: Option<String>,
    /// Classes of the images in a .npy file: another .npy file of N integers
    #[arg(long, value_name = "FILE.npy")]
    labels: Option<PathBuf>,
    /// Take the first N images alone
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Images, and their classes where they are known.
pub struct Inputs {
    pub name: String,
    pub images: Images,
    pub labels: Option<Vec<usize>>,
}

impl InputArgs {
    /// The test images of a known set.
    pub fn set(name: &str) -> InputArgs {
        InputArgs::first(name, None)
    }

    /// The first test images of a known set, or all.
    pub fn first(name: &str, limit: Option<usize>) -> InputArgs {
        InputArgs { data: Some(name.into()), labels: None, limit }
    }

    pub fn load(&self, model: &Model) -> Result<Inputs> {
        self.load_from(model, Split::Test)
    }

    /// Images of that part, where a known set is named.
    pub fn load_from(&self, model: &Model, split: Split) -> Result<Inputs> {
        let name = self.data.clone().unwrap_or_else(|| model.input.dataset.clone());
        let is_file = Path::new(&name).extension().is_some_and(|e| e == "npy");
        let (images, labels) = if is_file {
            let labels = self.labels.as_deref().map(npy::read_labels).transpose()?;
            (npy::read_inputs(Path::new(&name), &model.input.input())?, labels)
        } else {
            ensure!(self.labels.is_none(), "--labels belongs to a .npy file; `{name}` has labels of its own");
            ensure!(
                name != NO_DATASET,
                "the model `{}` was imported without a data set; give --data FILE.npy, or import it with --dataset",
                model.name
            );
            let set = data::load(&name, split).with_context(|| format!("--data {name}"))?;
            let labels = set.labels.iter().map(|&l| usize::from(l)).collect();
            (data::encode(&set, &model.input)?, Some(labels))
        };
        if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != images.len()) {
            bail!("--labels: {} classes for {} images", labels.len(), images.len());
        }
        ensure!(!images.is_empty(), "{name}: no images");
        let count = self.limit.unwrap_or(images.len()).min(images.len());
        ensure!(count > 0, "--limit 0: no images left; at least 1");
        let labels = labels.map(|all| all[..count].to_vec());
        Ok(Inputs { name, images: images.slice(0..count), labels })
    }
}
