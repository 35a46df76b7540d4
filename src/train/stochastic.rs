//! The stochastic methods in training: what they draw, one draw a sample, and what they learn.
//!
//! A draw shared by a batch would be cancelled by the batch's own statistics where batch norm follows. Rows and columns are
//! spread over a batch by products with ones, whose gradients candle computes fast.

use super::adam::Variable;
use super::method::LayerMethod;
use super::{TrainError, network};
use crate::model::{self, Dropout};
use crate::net::{Drops, Place};
use candle_core::{Device, Tensor, Var};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

/// Spread of initial scales around 1 (Scale-Dropout, affine dropout), and of the prior of sub-set inference.
const SPREAD: f32 = 0.3;
/// Scales of Scale-Dropout stay within these.
const SCALES: (f32, f32) = (0.1, 4.0);
/// Initial deviation of sub-set inference.
const SIGMA: f32 = 0.2;
/// Deviations of sub-set inference stay within these: at 0 the divergence from the prior would be infinite.
const SIGMAS: (f32, f32) = (1e-3, 4.0);
/// Added to variances of inverted normalization.
const EPS: f64 = 1e-5;

/// The method of a layer with its variables, each of shape 1 × outputs.
pub enum Stochastic {
    Dropout { p: f64, place: Place, spatial: bool },
    Scale { p: f64, spread: f64, alpha: Var },
    Affine { p: f64, drops: Drops, groups: usize, gamma: Var, beta: Var },
    Subset { bits: u32, mu: Var, sigma: Var },
    Spinbayes,
}

impl Stochastic {
    pub fn new(method: LayerMethod, inputs: usize, outputs: usize, rng: &mut StdRng) -> Result<Self, TrainError> {
        let var = |values: Vec<f32>| Var::from_vec(values, (1, outputs), &Device::Cpu);
        let mut around =
            |mean: f32, spread: f32| -> Vec<f32> { (0..outputs).map(|_| mean + spread * normal(rng) as f32).collect() };
        Ok(match method {
            LayerMethod::Spindrop { p, place } => Stochastic::Dropout { p, place, spatial: false },
            LayerMethod::SpatialSpindrop { p, place } => Stochastic::Dropout { p, place, spatial: true },
            LayerMethod::Scale { p, spread } => {
                let alpha = around(1.0, SPREAD).into_iter().map(|a| a.clamp(SCALES.0, SCALES.1)).collect();
                Stochastic::Scale { p, spread, alpha: var(alpha)? }
            }
            LayerMethod::Affine { p, drops, groups } => {
                let gamma = var(around(1.0, SPREAD))?;
                let beta = var(around(0.0, SPREAD * (inputs as f32).sqrt()))?;
                Stochastic::Affine { p, drops, groups, gamma, beta }
            }
            LayerMethod::Subset { bits } => {
                Stochastic::Subset { bits, mu: var(vec![1.0; outputs])?, sigma: var(vec![SIGMA; outputs])? }
            }
            LayerMethod::Spinbayes { .. } => Stochastic::Spinbayes,
        })
    }

    pub fn variables(&self) -> Vec<Variable> {
        let within = |var: &Var, (low, high)| Variable { var: var.clone(), low, high };
        match self {
            Stochastic::Scale { alpha, .. } => vec![within(alpha, SCALES)],
            Stochastic::Affine { gamma, beta, .. } => vec![Variable::free(gamma), Variable::free(beta)],
            Stochastic::Subset { mu, sigma, .. } => vec![Variable::free(mu), within(sigma, SIGMAS)],
            Stochastic::Dropout { .. } | Stochastic::Spinbayes => vec![],
        }
    }

    /// What batch norm is taken of, from the sums `a` (images · positions × outputs) of a batch. Draws hold at all positions of an image.
    pub fn scaled(&self, a: &Tensor, positions: usize, rng: &mut StdRng) -> Result<Tensor, TrainError> {
        let (rows, columns) = a.dims2()?;
        Ok(match self {
            Stochastic::Scale { p, spread, alpha } => {
                let p = (p + spread * normal(rng)).clamp(0.0, 1.0);
                (a * kept_or_one(alpha, &spread_over(positions, 1, network::live(rows / positions, p, rng)))?)?
            }
            Stochastic::Subset { bits, mu, sigma } => {
                let unit = 2.0 / f64::from(*bits).sqrt();
                let mask = (1u32 << bits) - 1;
                let epsilon =
                    |_| ((f64::from((rng.next_u32() & mask).count_ones()) - f64::from(bits / 2)) * unit) as f32;
                let epsilon = (0..rows / positions * columns).map(epsilon).collect();
                let epsilon =
                    Tensor::from_vec(spread_over(positions, columns, epsilon), (rows, columns), &Device::Cpu)?;
                let scale = (repeat(mu, rows)? + (repeat(sigma, rows)? * epsilon)?)?;
                (a * scale)?
            }
            _ => a.clone(),
        })
    }

    /// Whether the method normalises by itself.
    pub fn normalises(&self) -> bool {
        matches!(self, Stochastic::Affine { .. })
    }

    /// Inverted normalization of the sums of a batch: of each position by itself. Draws hold at all positions of an image.
    pub fn normalised(&self, a: &Tensor, positions: usize, rng: &mut StdRng) -> Result<Tensor, TrainError> {
        let Stochastic::Affine { p, drops, groups, gamma, beta } = self else { return Ok(a.clone()) };
        let (rows, columns) = a.dims2()?;
        let (gain, bias) = match drops {
            Drops::Vector => {
                let mut live = || spread_over(positions, 1, network::live(rows / positions, *p, rng));
                let gain = kept_or_one(gamma, &live())?;
                (gain, column(&live())?.matmul(beta)?)
            }
            Drops::Element => {
                let live = |rng: &mut StdRng| {
                    let live = network::live(rows / positions * columns, *p, rng);
                    Tensor::from_vec(spread_over(positions, columns, live), (rows, columns), &Device::Cpu)
                };
                let kept = live(rng)?;
                let gain = ((repeat(gamma, rows)? * &kept)? + kept.affine(-1.0, 1.0)?)?;
                (gain, (repeat(beta, rows)? * live(rng)?)?)
            }
        };
        let size = columns / groups;
        let v = ((a * gain)? + bias)?.reshape((rows * groups, size))?;
        let mean = Tensor::full(1.0 / size as f32, (size, 1), &Device::Cpu)?;
        let ones = ones(1, size)?;
        let centred = (&v - v.matmul(&mean)?.matmul(&ones)?)?;
        let variance = centred.sqr()?.matmul(&mean)?;
        let inverse = (variance + EPS)?.sqrt()?.recip()?;
        Ok((centred * inverse.matmul(&ones)?)?.reshape((rows, columns))?)
    }

    /// Kullback-Leibler divergence of the scales from their prior N(1, 0.3²), summed over neurons, in nats.
    pub fn divergence(&self) -> Result<Option<Tensor>, TrainError> {
        let Stochastic::Subset { mu, sigma, .. } = self else { return Ok(None) };
        let prior = f64::from(SPREAD);
        let quadratic = ((sigma.sqr()? + mu.affine(1.0, -1.0)?.sqr()?)? / (2.0 * prior * prior))?;
        let each = (quadratic - sigma.affine(1.0 / prior, 0.0)?.log()?)?.affine(1.0, -0.5)?;
        Ok(Some(each.sum_all()?))
    }

    /// The method as a model has it, for sums that are `scale` times larger; SpinBayes has its crossbars to add.
    pub fn export(&self, scale: f64) -> Result<Option<model::Method>, TrainError> {
        let widen = |var: &Var, factor: f64| -> Result<Vec<f64>, TrainError> {
            Ok(var.flatten_all()?.to_vec1::<f32>()?.iter().map(|&v| factor * f64::from(v)).collect())
        };
        Ok(match self {
            Stochastic::Dropout { p, place, spatial } => {
                let dropout = Dropout { p: *p, place: *place };
                Some(if *spatial { model::Method::SpatialSpindrop(dropout) } else { model::Method::Spindrop(dropout) })
            }
            Stochastic::Scale { p, alpha, .. } => {
                Some(model::Method::Scale(model::ScaleDropout { p: *p, alpha: widen(alpha, 1.0)? }))
            }
            // The whole of gamma·a + beta becomes larger, whether gamma is dropped or not.
            Stochastic::Affine { p, drops, groups, gamma, beta } => Some(model::Method::Affine(model::Affine {
                p: *p,
                drops: *drops,
                groups: *groups,
                gamma: widen(gamma, 1.0)?,
                beta: widen(beta, scale)?,
            })),
            Stochastic::Subset { bits, mu, sigma } => Some(model::Method::Subset(model::Subset {
                bits: *bits,
                mu: widen(mu, 1.0)?,
                sigma: widen(sigma, 1.0)?,
            })),
            Stochastic::Spinbayes => None,
        })
    }
}

/// `values`, `each` of them an image, once for every position of it.
fn spread_over<T: Copy>(positions: usize, each: usize, values: Vec<T>) -> Vec<T> {
    if positions == 1 {
        return values;
    }
    values.chunks_exact(each).flat_map(|image| image.iter().copied().cycle().take(positions * each)).collect()
}

/// For each image one of `crossbars`, in all its rows, `positions` many: masks of shape rows × `columns`, one a crossbar, that sum to 1.
pub fn choices(
    crossbars: usize,
    rows: usize,
    columns: usize,
    positions: usize,
    rng: &mut StdRng,
) -> Result<Vec<Tensor>, TrainError> {
    let chosen = (0..rows / positions).map(|_| rng.random_range(0..crossbars)).collect();
    let chosen: Vec<usize> = spread_over(positions, 1, chosen);
    let mask = |n: usize| {
        let rows: Vec<f32> = chosen.iter().map(|&c| f32::from(u8::from(c == n))).collect();
        Ok(column(&rows)?.matmul(&ones(1, columns)?)?)
    };
    (0..crossbars).map(mask).collect()
}

/// `row` where a sample is live, ones where it is not.
fn kept_or_one(row: &Tensor, live: &[f32]) -> Result<Tensor, TrainError> {
    let dropped: Vec<f32> = live.iter().map(|live| 1.0 - live).collect();
    let ones = ones(1, row.dims2()?.1)?;
    Ok((column(live)?.matmul(row)? + column(&dropped)?.matmul(&ones)?)?)
}

fn repeat(row: &Tensor, rows: usize) -> Result<Tensor, TrainError> {
    Ok(ones(rows, 1)?.matmul(row)?)
}

fn column(values: &[f32]) -> Result<Tensor, TrainError> {
    Ok(Tensor::from_slice(values, (values.len(), 1), &Device::Cpu)?)
}

fn ones(rows: usize, columns: usize) -> Result<Tensor, TrainError> {
    Ok(Tensor::ones((rows, columns), candle_core::DType::F32, &Device::Cpu)?)
}

/// Standard normal, by Box and Muller (1958).
fn normal(rng: &mut StdRng) -> f64 {
    let (u, v): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const ROWS: usize = 4000;
    const COLUMNS: usize = 6;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(11)
    }

    fn method(method: LayerMethod) -> Stochastic {
        Stochastic::new(method, 64, COLUMNS, &mut rng()).unwrap()
    }

    fn values(t: &Tensor) -> Vec<Vec<f32>> {
        t.to_vec2().unwrap()
    }

    /// Sums of 1 in every sample, so that what differs between samples was drawn.
    fn ones_of_all() -> Tensor {
        ones(ROWS, COLUMNS).unwrap()
    }

    /// Whether `count` of `n` is within five standard deviations of `p`: a right one fails once in two million.
    fn assert_share(count: usize, n: usize, p: f64) {
        let (n, count) = (n as f64, count as f64);
        assert!((count - n * p).abs() < 5.0 * (n * p * (1.0 - p)).sqrt(), "{count} of {n} for p {p}");
    }

    #[test]
    fn a_scale_vector_is_dropped_as_a_whole_with_its_probability_in_each_sample() {
        let scale = method(LayerMethod::Scale { p: 0.2, spread: 0.0 });
        let Stochastic::Scale { alpha, .. } = &scale else { panic!() };
        let alpha = values(alpha).remove(0);
        assert!(alpha.iter().all(|a| (0.1..=4.0).contains(a)) && alpha.iter().any(|a| (a - 1.0).abs() > 0.05));
        let found = values(&scale.scaled(&ones_of_all(), 1, &mut rng()).unwrap());
        assert!(found.iter().all(|row| *row == alpha || *row == [1.0; COLUMNS]));
        assert_share(found.iter().filter(|row| **row == [1.0; COLUMNS]).count(), ROWS, 0.2);
    }

    #[test]
    fn a_spread_of_the_probability_varies_it_from_batch_to_batch() {
        let scale = method(LayerMethod::Scale { p: 0.5, spread: 0.1 });
        let rng = &mut rng();
        let batches: Vec<f64> = (0..40)
            .map(|_| {
                let rows = values(&scale.scaled(&ones_of_all(), 1, rng).unwrap());
                rows.iter().filter(|row| row[0] == 1.0).count() as f64 / ROWS as f64
            })
            .collect();
        let mean = batches.iter().sum::<f64>() / 40.0;
        let deviation = (batches.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / 39.0).sqrt();
        // The draws alone would spread by 0.008.
        assert!((mean - 0.5).abs() < 0.08 && (0.05..0.16).contains(&deviation), "{mean} ± {deviation}");
    }

    #[test]
    fn gaussian_scales_have_their_mean_and_deviation_in_every_neuron() {
        let subset = method(LayerMethod::Subset { bits: 16 });
        let found = values(&subset.scaled(&ones_of_all(), 1, &mut rng()).unwrap());
        for c in 0..COLUMNS {
            let mean = found.iter().map(|row| f64::from(row[c])).sum::<f64>() / ROWS as f64;
            let variance = found.iter().map(|row| (f64::from(row[c]) - mean).powi(2)).sum::<f64>() / ROWS as f64;
            assert!((mean - 1.0).abs() < 5.0 * 0.2 / (ROWS as f64).sqrt(), "{mean}");
            assert!((variance.sqrt() / 0.2 - 1.0).abs() < 5.0 / (2.0 * ROWS as f64).sqrt(), "{variance}");
        }
        assert!(found.iter().any(|row| row[0] != row[1]), "one draw for all neurons");
    }

    #[test]
    fn the_divergence_is_that_of_two_gaussians() {
        // ln(0.3/0.2) + (0.04 + 0)/(2·0.09) − 1/2 for each of the neurons.
        let found = method(LayerMethod::Subset { bits: 16 }).divergence().unwrap().unwrap();
        let expected = COLUMNS as f64 * ((0.3f64 / 0.2).ln() + 0.04 / 0.18 - 0.5);
        assert!((f64::from(found.to_scalar::<f32>().unwrap()) - expected).abs() < 1e-4);
    }

    #[test]
    fn gains_and_biases_are_dropped_apart_and_groups_are_normalised() {
        for (drops, kinds) in [(Drops::Vector, 4), (Drops::Element, 1 << (2 * COLUMNS))] {
            let affine = method(LayerMethod::Affine { p: 0.5, drops, groups: 2 });
            let found = values(&affine.normalised(&ones_of_all(), 1, &mut rng()).unwrap());
            for row in &found {
                for group in row.chunks(COLUMNS / 2) {
                    assert!(group.iter().sum::<f32>().abs() < 1e-3, "{group:?}");
                    let square = group.iter().map(|y| y * y).sum::<f32>() / group.len() as f32;
                    // 0 where both vectors are dropped and every v is 1.
                    let dropped = square < 1e-3;
                    assert!(square < 1.01 && (square > 0.9 || dropped || drops == Drops::Element), "{group:?}");
                }
            }
            let mut distinct: Vec<Vec<i64>> =
                found.iter().map(|row| row.iter().map(|y| (f64::from(*y) * 1e3).round() as i64).collect()).collect();
            distinct.sort();
            distinct.dedup();
            assert!(distinct.len() >= 4 && distinct.len() <= kinds, "{} kinds", distinct.len());
        }
    }

    #[test]
    fn each_sample_takes_one_crossbar_and_all_as_often() {
        let masks = choices(3, ROWS, 2, 1, &mut rng()).unwrap();
        let shares: Vec<Vec<Vec<f32>>> = masks.iter().map(values).collect();
        for row in 0..ROWS {
            assert_eq!(shares.iter().map(|m| m[row][0]).sum::<f32>(), 1.0);
            assert!(shares.iter().all(|m| m[row][0] == m[row][1]));
        }
        for mask in &shares {
            assert_share(mask.iter().filter(|row| row[0] == 1.0).count(), ROWS, 1.0 / 3.0);
        }
    }
}
