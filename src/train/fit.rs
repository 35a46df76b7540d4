//! The training run.

use super::adam::Adam;
use super::batches::{Batches, input_scale};
use super::calibrate::Verdict;
use super::network::Network;
use super::{TrainConfig, TrainError};
use crate::data::{self, CLASSES, Dataset, Split};
use crate::lower::lower;
use crate::model::{InputSpec, Model, Training};
use crate::net::{Conv, Images};
use candle_core::Tensor;
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Weight of the outliers' cross entropy beside that of the images.
const OUTLIER_WEIGHT: f64 = 0.5;

/// Trains a network and returns the best epoch of it. The same configuration gives the same model on the same machine.
///
/// After each epoch the network is lowered, and the golden model classifies the validation images with `passes` passes; the
/// epoch with most right answers is kept (of equal ones that of least negative log-likelihood). Test images are never
/// looked at. Runs on one thread: more are slower on networks of this size.
pub fn train(config: &TrainConfig, progress: &ProgressBar) -> Result<Model, TrainError> {
    config.check()?;
    let training = data::load(&config.dataset, Split::Train)?;
    let validation = data::load(&config.dataset, Split::Validation)?;
    let spec = input_spec(config, &training)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let convolutions = config.layers.convolutions(training.height, training.width)?;
    pool.install(|| Run::new(config, &spec, &convolutions, &validation)?.all_epochs(&training, progress))
}

fn input_spec(config: &TrainConfig, dataset: &Dataset) -> Result<InputSpec, TrainError> {
    let fail = |option, what| Err(TrainError::Config { option, what });
    let (features, name) = (dataset.pixels(), &dataset.name);
    if config.layers.inputs != features || config.layers.classes != CLASSES {
        let what = format!("`{}`; {name} needs {features} inputs and {CLASSES} classes", config.layers);
        return fail("layers", what);
    }
    if config.batch > dataset.len() {
        return fail("batch", format!("{}; {name} has {} training images", config.batch, dataset.len()));
    }
    if config.shift >= dataset.width {
        return fail("shift", format!("{}; images are {} pixels wide", config.shift, dataset.width));
    }
    let (bits, signed) = (config.input_bits, config.signed);
    let (encoding, dropout) = (dataset.encoding(bits), config.input_dropout);
    Ok(InputSpec { features, bits, signed, dataset: name.clone(), encoding, dropout })
}

struct Run<'a> {
    config: &'a TrainConfig,
    spec: &'a InputSpec,
    images: Images,
    labels: &'a [u8],
    network: Network,
    optimiser: Adam,
    rng: StdRng,
}

/// The best epoch so far.
struct Best {
    model: Model,
    accuracy: f64,
    nll: f64,
}

impl<'a> Run<'a> {
    fn new(
        config: &'a TrainConfig,
        spec: &'a InputSpec,
        convolutions: &[Option<Conv>],
        validation: &'a Dataset,
    ) -> Result<Self, TrainError> {
        let mut rng = StdRng::seed_from_u64(config.seed);
        let network = Network::new(config, convolutions, &mut rng)?;
        let optimiser = Adam::new(network.variables());
        let (images, labels) = (data::encode(validation, spec)?, &validation.labels[..]);
        Ok(Run { config, spec, images, labels, network, optimiser, rng })
    }

    fn all_epochs(mut self, training: &Dataset, progress: &ProgressBar) -> Result<Model, TrainError> {
        let mut batches =
            Batches::new(training, self.spec, self.config.batch, self.config.shift, self.config.outlier_rows());
        progress.set_length(u64::from(self.config.epochs) * batches.len() as u64);
        let mut best: Option<Best> = None;
        for epoch in 1..=self.config.epochs {
            let loss = self.epoch(epoch, &mut batches, progress)?;
            let found = self.validate(epoch)?;
            let share = found.accuracy;
            progress.set_message(format!("epoch {epoch}: loss {loss:.3}, validation {:.2} %", 100.0 * share));
            let better = |b: &Best| (share, -found.nll) > (b.accuracy, -b.nll);
            if best.as_ref().is_none_or(better) {
                best = Some(found);
            }
        }
        // `check` has refused 0 epochs.
        let Some(Best { mut model, .. }) = best else {
            return Err(TrainError::Config { option: "epochs", what: "0; at least 1".into() });
        };
        model.temperature = self.judge(&model)?.temperature();
        Ok(model)
    }

    /// Returns the mean loss of the epoch.
    fn epoch(&mut self, epoch: u32, batches: &mut Batches, progress: &ProgressBar) -> Result<f32, TrainError> {
        batches.shuffle(&mut self.rng);
        let steps = batches.len();
        let all_steps = steps as f64 * f64::from(self.config.epochs);
        let mut total = 0.0;
        for n in 0..steps {
            let done = (steps as f64 * f64::from(epoch - 1) + n as f64) / all_steps;
            let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
            let (x, y) = batches.get(n, &mut self.rng)?;
            let logits = self.network.forward(&x, &mut self.rng)?;
            let mut loss = loss(&logits, &y)?;
            if let Some(divergence) = self.network.divergence()? {
                loss = (loss + (divergence / batches.images() as f64)?)?;
            }
            self.optimiser.step(&loss.backward()?, self.config.learning_rate * cosine)?;
            let loss = loss.to_scalar::<f32>()?;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { epoch, loss });
            }
            total += loss;
            progress.inc(1);
        }
        Ok(total / steps as f32)
    }

    /// The model as it stands, with its validation accuracy.
    fn validate(&self, epoch: u32) -> Result<Best, TrainError> {
        let mut model = self.model(epoch)?;
        let verdict = self.judge(&model)?;
        let accuracy = verdict.accuracy();
        model.training.iter_mut().for_each(|training| training.validation_accuracy = accuracy);
        Ok(Best { model, accuracy, nll: verdict.nll(1.0) })
    }

    fn judge(&self, model: &Model) -> Result<Verdict, TrainError> {
        Verdict::new(&lower(model)?, &self.images, self.labels, model.passes)
    }

    fn model(&self, epoch: u32) -> Result<Model, TrainError> {
        let config = self.config;
        let sign = if config.signed { "signed " } else { "" };
        let dropped = config.input_dropout.map_or(String::new(), |p| format!(" dropped with p = {p}"));
        let convolutional = config.layers.hidden.iter().any(|shape| shape.kernel.is_some());
        let kind = if convolutional { "convolutional" } else { "fully connected" };
        let outliers = if config.outliers > 0.0 { ", trained with synthetic outliers" } else { "" };
        let description = format!(
            "Binary {kind} network {} for {}, {sign}{}-bit inputs{dropped}, {}{outliers}.",
            config.layers,
            config.dataset,
            config.input_bits,
            config.methods_in_words()?
        );
        let training =
            Training { seed: config.seed, epochs: config.epochs, best_epoch: epoch, validation_accuracy: 0.0 };
        Ok(Model {
            name: config.name.clone(),
            description,
            command: config.command_line(),
            training: Some(training),
            input: self.spec.clone(),
            passes: config.passes,
            seed: config.seed,
            temperature: 1.0,
            layers: self.network.export(input_scale(self.spec))?,
        })
    }
}

/// Cross entropy of the images, which come first, with their classes `y`, and of the rows behind them with equal
/// probabilities for all classes, weighted by [`OUTLIER_WEIGHT`].
fn loss(logits: &Tensor, y: &Tensor) -> Result<Tensor, TrainError> {
    let (rows, images) = (logits.dim(0)?, y.dim(0)?);
    if rows == images {
        return Ok(candle_nn::loss::cross_entropy(logits, y)?);
    }
    let of_images = candle_nn::loss::cross_entropy(&logits.narrow(0, 0, images)?, y)?;
    let outliers = candle_nn::ops::log_softmax(&logits.narrow(0, images, rows - images)?, 1)?;
    Ok((of_images - (outliers.mean_all()? * OUTLIER_WEIGHT)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn outliers_are_to_be_of_every_class_alike() {
        let logits = Tensor::new(&[[2f32, 0.0], [0.0, 0.0], [1.0, 0.0]], &Device::Cpu).unwrap();
        let y = Tensor::new(&[0u32], &Device::Cpu).unwrap();
        let found = loss(&logits, &y).unwrap().to_scalar::<f32>().unwrap();
        let softplus = |z: f64| z.exp().ln_1p();
        // −ln p of both classes: ln 2 twice where logits are equal, softplus(∓1) where they are 1 apart.
        let outliers = (2.0 * 2f64.ln() + softplus(-1.0) + softplus(1.0)) / 4.0;
        let expected = softplus(-2.0) + 0.5 * outliers;
        assert!((f64::from(found) - expected).abs() < 1e-6, "{found}, expected {expected}");
        let alone = loss(&logits.narrow(0, 0, 1).unwrap(), &y).unwrap().to_scalar::<f32>().unwrap();
        assert!((f64::from(alone) - softplus(-2.0)).abs() < 1e-6);
    }
}
