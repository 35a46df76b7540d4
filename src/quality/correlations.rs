//! What a source does to the masks of a network: correlations, spread, and the variance of their means.

use super::consumed::Consumed;
use crate::net::Network;
use crate::random::RandomError;
use statrs::function::erf::erfc;

/// A correlation of two sequences of masks.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlation {
    /// Which sequences.
    pub between: String,
    pub pairs: u64,
    pub correlation: f64,
    /// In standard deviations of an ideal source.
    pub score: f64,
}

/// How evenly the draws of a stream are spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Equidistribution {
    pub place: String,
    pub draws: u64,
    /// Share of draws below the code, and the code's own share; none where draws are compared with none.
    pub rate: Option<(f64, f64)>,
    /// p-value of that rate, two-sided.
    pub rate_p: Option<f64>,
    /// p-value of a chi-square test over the draws' highest bits (8 at most).
    pub spread_p: f64,
}

/// Everything measured over the draws of some images.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub images: usize,
    /// Lags within a stream, neighbouring passes (lanes), units, and layers.
    pub correlations: Vec<Correlation>,
    pub equidistribution: Vec<Equidistribution>,
    /// By place: variance over images of the mean mask of an image (all passes and units), divided by that of independent
    /// draws, and its 95 % interval.
    pub variance: Vec<(String, f64, [f64; 2])>,
}

/// Products of pairs of a stream's values, about the ideal mean.
struct Pairs {
    between: String,
    sum: f64,
    count: u64,
}

impl Pairs {
    fn new(between: String) -> Pairs {
        Pairs { between, sum: 0.0, count: 0 }
    }

    /// Pairs of neighbours in two sequences of deviations.
    fn add(&mut self, a: &[f64], b: &[f64]) {
        self.sum += a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        self.count += a.len().min(b.len()) as u64;
    }

    fn done(self, deviation: f64) -> Correlation {
        let correlation = self.sum / self.count as f64 / deviation;
        let score = correlation * (self.count as f64).sqrt();
        Correlation { between: self.between, pairs: self.count, correlation, score }
    }
}

/// Distances of units within a pass.
const LAGS: [usize; 8] = [1, 2, 3, 4, 5, 8, 16, 64];

/// Runs through the draws of `images` images.
pub fn report(network: &Network, images: usize) -> Result<Report, RandomError> {
    let mut consumed = Consumed::new(network)?;
    let k = consumed.code_bits();
    let passes = network.passes as usize;
    // Streams whose draws decide anything: values, their ideal mean and variance.
    let moments: Vec<(f64, f64)> = consumed
        .drawers
        .iter()
        .map(|drawer| {
            let n = drawer.values.len() as f64;
            let mean = drawer.values.iter().sum::<f64>() / n;
            (mean, drawer.values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n)
        })
        .collect();
    let count = moments.len();
    let place = |s: usize, consumed: &Consumed| consumed.drawers[s].place.clone();
    let top = k.min(8);
    let mut lags: Vec<Vec<Pairs>> = (0..count)
        .map(|s| LAGS.map(|lag| Pairs::new(format!("{}: units {lag} apart", place(s, &consumed)))).into())
        .collect();
    let mut lanes: Vec<Pairs> =
        (0..count).map(|s| Pairs::new(format!("{}: neighbouring passes", place(s, &consumed)))).collect();
    let mut shifted: Vec<Pairs> = (0..count)
        .map(|s| Pairs::new(format!("{}: a unit and the next one in the next pass", place(s, &consumed))))
        .collect();
    let mut frames: Vec<Pairs> =
        (0..count).map(|s| Pairs::new(format!("{}: a unit in neighbouring images", place(s, &consumed)))).collect();
    let mut layers: Vec<((usize, usize), Pairs)> = (0..count)
        .flat_map(|a| (a + 1..count).map(move |b| (a, b)))
        .map(|(a, b)| ((a, b), Pairs::new(format!("{} and {}", place(a, &consumed), place(b, &consumed)))))
        .collect();
    let mut bins = vec![vec![0u64; 1 << top]; count];
    let mut below = vec![0u64; count];
    let mut means: Vec<Vec<f64>> = vec![Vec::with_capacity(images); count];
    let mut before: Vec<Vec<Vec<f64>>> = vec![];
    for _ in 0..images {
        let draws = consumed.next_image();
        let mut all: Vec<Vec<Vec<f64>>> = Vec::with_capacity(passes);
        for pass in &draws {
            for (s, draws) in pass.iter().enumerate() {
                let code = consumed.drawers[s].code;
                for &draw in draws {
                    bins[s][usize::from(draw) >> (k - top)] += 1;
                    below[s] += u64::from(code.is_some_and(|code| u32::from(draw) < code));
                }
            }
            let of = |(s, draws): (usize, &Vec<u16>)| -> Vec<f64> {
                draws.iter().map(|&draw| consumed.drawers[s].values[usize::from(draw)] - moments[s].0).collect()
            };
            all.push(pass.iter().enumerate().map(of).collect());
        }
        for s in 0..count {
            for (t, pass) in all.iter().enumerate() {
                for (pairs, lag) in lags[s].iter_mut().zip(LAGS) {
                    pairs.add(&pass[s], pass[s].get(lag..).unwrap_or_default());
                }
                if let Some(next) = all.get(t + 1) {
                    lanes[s].add(&pass[s], &next[s]);
                    shifted[s].add(&pass[s], &next[s][1..]);
                }
                if let Some(before) = before.get(t) {
                    frames[s].add(&before[s], &pass[s]);
                }
            }
            let sum: f64 = all.iter().flat_map(|pass| &pass[s]).sum();
            means[s].push(sum / (passes * all[0][s].len()) as f64);
        }
        for ((a, b), pairs) in &mut layers {
            all.iter().for_each(|pass| pairs.add(&pass[*a], &pass[*b]));
        }
        before = all;
    }
    let drawn = |s: usize| moments[s].1 > 0.0;
    let of_streams = |pairs: Vec<Pairs>| {
        let pairs = pairs.into_iter().enumerate().filter(|(s, pairs)| drawn(*s) && pairs.count > 0);
        pairs.map(|(s, pairs)| pairs.done(moments[s].1)).collect::<Vec<_>>()
    };
    let mut correlations = vec![];
    for (s, lags) in lags.into_iter().enumerate().filter(|(s, _)| drawn(*s)) {
        correlations.extend(lags.into_iter().filter(|pairs| pairs.count > 0).map(|pairs| pairs.done(moments[s].1)));
    }
    correlations.extend(of_streams(lanes));
    correlations.extend(of_streams(shifted));
    correlations.extend(of_streams(frames));
    let layers = layers.into_iter().filter(|((a, b), pairs)| drawn(*a) && drawn(*b) && pairs.count > 0);
    correlations.extend(layers.map(|((a, b), pairs)| pairs.done((moments[a].1 * moments[b].1).sqrt())));

    let equidistribution = (0..count).map(|s| {
        let draws: u64 = bins[s].iter().sum();
        let rate = consumed.drawers[s]
            .code
            .map(|code| (below[s] as f64 / draws as f64, f64::from(code) / 2f64.powi(k as i32)));
        let rate_p = rate.map(|(found, due)| {
            let spread = (due * (1.0 - due) / draws as f64).sqrt();
            if spread > 0.0 { erfc((found - due).abs() / spread / std::f64::consts::SQRT_2) } else { 1.0 }
        });
        let due = draws as f64 / bins[s].len() as f64;
        let chi: f64 = bins[s].iter().map(|&n| (n as f64 - due).powi(2) / due).sum();
        let freedom = bins[s].len() as f64 - 1.0;
        let spread_p = statrs::function::gamma::checked_gamma_ur(freedom / 2.0, chi / 2.0).unwrap_or(1.0);
        Equidistribution { place: place(s, &consumed), draws, rate, rate_p, spread_p }
    });
    let equidistribution = equidistribution.collect();
    let variance = (0..count).filter(|&s| drawn(s)).map(|s| {
        let draws = (passes * consumed.drawers[s].stream.draws) as f64;
        let found = means[s].iter().map(|mean| mean * mean).sum::<f64>() / images as f64;
        let factor = found * draws / moments[s].1;
        // The mean of `images` squares of normal numbers: its logarithm has a standard deviation of sqrt(2/images), nearly.
        let spread = (1.96 * (2.0 / images as f64).sqrt()).exp();
        (place(s, &consumed), factor, [factor / spread, factor * spread])
    });
    let variance = variance.collect();
    Ok(Report { images, correlations, equidistribution, variance })
}
