//! What sequences of dropout units that are devices say, against closed forms. Shares and correlations are held within 4.5 standard
//! deviations: a right one fails once in 150,000. Seeds are fixed, so each test always says the same.

use neuspin::device;
use neuspin::faults::{Analog, Die, Fault};
use neuspin::golden::Golden;
use neuspin::net::{Cycle, Device, Direction, Hidden, Input, Method, Network, Output, Random, Walk, Weights};

const UNITS: usize = 64;
const FULL: f64 = 65536.0;
const SIGMAS: f64 = 4.5;

/// A layer of units with this code, and these devices.
fn network(code: u32, device: Device) -> Network {
    let mut network = Network {
        name: "units".into(),
        input: Input { features: 1, bits: 1, signed: false, dropout: None },
        hidden: vec![Hidden {
            weights: Weights::zeros(UNITS, 1),
            thresholds: vec![0; UNITS],
            directions: vec![Direction::Ge; UNITS],
            method: Some(Method::spindrop(code)),
            conv: None,
            residual: None,
        }],
        output: Output {
            weights: Weights::zeros(2, UNITS),
            scale: vec![1; 2],
            offset: vec![0; 2],
            shift: 0,
            frac_bits: 0,
            logit_bits: 10,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::default(),
        seed: 12,
        passes: 1,
        early_stop: None,
        chip: Default::default(),
    };
    network.chip.devices = vec![Some(device)];
    network
}

/// Which units drop in each of `count` images from number `first` on.
fn dropped(network: &Network, first: u64, count: u64) -> Vec<Vec<bool>> {
    let golden = Golden::new(network).unwrap();
    let image = |n| golden.trace(&[1], n, 0).unwrap().hidden[0].live.iter().map(|live| !live).collect();
    (first..first + count).map(image).collect()
}

/// Share of what is true.
fn share(drops: impl Iterator<Item = bool>) -> (f64, f64) {
    let (mut found, mut all) = (0.0, 0.0);
    drops.for_each(|drop| {
        found += f64::from(u8::from(drop));
        all += 1.0;
    });
    (found / all, all)
}

/// Holds the share of a sequence's ones, whose neighbours are correlated by `rho`, against `p`, and the correlation against that.
fn holds(images: &[Vec<bool>], p: f64, rho: f64) {
    let (found, n) = share(images.iter().flatten().copied());
    let wider = ((1.0 + rho) / (1.0 - rho)).sqrt();
    let spread = SIGMAS * (p * (1.0 - p) / n).sqrt() * wider;
    assert!((found - p).abs() < spread, "dropped with {found}, not {p} within {spread}");
    let value = |drop: bool| f64::from(u8::from(drop)) - p;
    let pairs = images.windows(2).flat_map(|w| w[0].iter().zip(&w[1]).map(|(&a, &b)| value(a) * value(b)));
    let lag = pairs.sum::<f64>() / ((images.len() - 1) * UNITS) as f64 / (p * (1.0 - p));
    let spread = SIGMAS * wider / n.sqrt();
    assert!((lag - rho).abs() < spread, "correlated by {lag}, not {rho} within {spread}");
}

#[test]
fn a_cycle_drops_with_the_stated_probability_and_correlation() {
    for (p, reset, misread) in [(0.2, 0.9, 0.0), (0.5, 0.6, 0.0), (0.1, 1.0, 0.0), (0.3, 0.5, 0.05), (0.05, 0.25, 0.0)]
    {
        let code = |p: f64| device::code_of(p, 16);
        let cycle = Some(Cycle { reset: code(reset), misread: code(misread) });
        let network = network(code(p), Device { cycle, ..Device::default() });
        let of = device::Cycle { set: p, reset };
        let (state, rho) = (of.probability(), of.correlation());
        // A READ that errs mixes the values, and weakens what ties neighbours together.
        let read = state + misread - 2.0 * misread * state;
        let weaker = (1.0 - 2.0 * misread).powi(2) * state * (1.0 - state) / (read * (1.0 - read));
        // By image 40 the start is forgotten.
        holds(&dropped(&network, 40, 3000), read, rho * weaker);
    }
}

#[test]
fn deviations_are_probabilities_of_each_unit() {
    let deviations: Vec<i32> = (0..UNITS as i32).map(|u| 700 * (u - 32)).collect();
    let network = network(13_000, Device { deviations: deviations.clone(), ..Device::default() });
    let images = dropped(&network, 5, 4000);
    for (u, deviation) in deviations.into_iter().enumerate() {
        let p = f64::from((13_000 + deviation).clamp(0, 65536)) / FULL;
        let (found, n) = share(images.iter().map(|image| image[u]));
        let spread = SIGMAS * (p * (1.0 - p) / n).sqrt();
        assert!((found - p).abs() <= spread, "unit {u}: {found}, not {p} within {spread}");
    }
}

/// Σ over the ones among 16 bits: how likely they are, times the limited code.
#[test]
fn jitter_drops_with_its_exact_expectation() {
    for (code, jitter) in [(20_000, 1500), (3_000, 2000), (60_000, 4000)] {
        let network = network(code, Device { jitter, ..Device::default() });
        let mut ways = 1.0;
        let mut p = 0.0;
        for ones in 0..=16 {
            let target = i64::from(code) + i64::from(jitter) * (ones - 8);
            p += ways / FULL * target.clamp(0, 65536) as f64 / FULL;
            ways *= (16 - ones) as f64 / (ones + 1) as f64;
        }
        holds(&dropped(&network, 9, 3000), p, 0.0);
    }
}

#[test]
fn a_walk_goes_up_to_its_limit_and_down_to_its_negative() {
    let (code, step, limit) = (30_000, 100, 20_000);
    let network = network(code, Device { walk: Some(Walk { step, limit }), ..Device::default() });
    // From the middle up, to the middle, down, and back to the middle: 200 images each.
    let images = dropped(&network, 0, 800);
    for (n, at) in [(0, 0.0), (100, 1.0), (200, 2.0), (300, 1.0), (400, 0.0), (500, -1.0), (600, -2.0), (700, -1.0)] {
        // 20 images around, in which the walk is 1,000 less or more, or at a turn 500 less in the mean.
        let walk = if f64::abs(at) == 2.0 { at * 10_000.0 * 0.975 } else { at * 10_000.0 };
        let around = (n + 790..n + 811).map(|n| n % 800);
        let p = (f64::from(code) + walk) / FULL;
        let (found, count) = share(around.flat_map(|n| images[n].clone()));
        let spread = SIGMAS * (p * (1.0 - p) / count).sqrt();
        assert!((found - p).abs() < spread, "image {n}: {found}, not {p} within {spread}");
    }
}

#[test]
fn stuck_units_do_what_they_are_stuck_at() {
    let mut stuck = vec![None; UNITS];
    (stuck[3], stuck[40]) = (Some(true), Some(false));
    let images = dropped(&network(30_000, Device { stuck: stuck.clone(), ..Device::default() }), 0, 200);
    assert!(images.iter().all(|image| image[3] && !image[40]));
    let cycle = Some(Cycle { reset: 30_000, misread: 0 });
    let images = dropped(&network(30_000, Device { stuck, cycle, ..Device::default() }), 0, 200);
    assert!(images.iter().all(|image| image[3] && !image[40]));
}

/// A state before image n is found whatever n is.
#[test]
fn states_far_on_are_found() {
    let cycle = Some(Cycle { reset: 20_000, misread: 0 });
    let network = network(9_000, Device { cycle, ..Device::default() });
    let of = device::Cycle { set: 9_000.0 / FULL, reset: 20_000.0 / FULL };
    holds(&dropped(&network, 1 << 50, 2000), of.probability(), of.correlation());
}

#[test]
fn devices_that_do_not_fit_are_refused_with_what_is_wrong() {
    let told = |device: Device| network(100, device).check().unwrap_err().to_string();
    let place = "integer network `units`, device of stream 0 (layer 0): ";
    let walk = |step, limit| Device { walk: Some(Walk { step, limit }), ..Device::default() };
    for (device, what) in [
        (Device { deviations: vec![0; 3], ..Device::default() }, "3 deviations for 64 units; one a unit, or none"),
        (
            Device { stuck: vec![None; 65], ..Device::default() },
            "65 entries of `stuck` for 64 units; one a unit, or none",
        ),
        (
            Device { deviations: vec![-65_537; 64], ..Device::default() },
            "unit 0: deviation -65537; at 16 bits at most ±65536",
        ),
        (
            Device { jitter: 8193, ..Device::default() },
            "jitter 8193; at 16 bits at most 8192, which moves a code by ±65536",
        ),
        (walk(0, 3), "a walk by 0 within ±3; a step is 1 to the limit, and the limit at most 65536"),
        (walk(4, 3), "a walk by 4 within ±3; a step is 1 to the limit, and the limit at most 65536"),
        (
            Device { cycle: Some(Cycle { reset: 65_537, misread: 0 }), ..Device::default() },
            "reset 65537; at 16 bits a probability is 0 to 65536",
        ),
    ] {
        assert_eq!(told(device), format!("{place}{what}"));
    }
    let mut both = network(100, walk(1, 3));
    both.early_stop = Some(neuspin::net::EarlyStop { every: 1, lead: 1 });
    assert!(both.check().unwrap_err().to_string().contains("a walk beside early stop"));
    let mut narrow = network(1, Device { jitter: 1, ..Device::default() });
    narrow.random.code_bits = 1;
    assert!(narrow.check().unwrap_err().to_string().contains("use 2 code bits or more"));
    let mut two = network(100, Device::default());
    two.chip.devices.push(None);
    assert!(two.check().unwrap_err().to_string().contains("2 devices for 1 streams of draws"));
    // Drifting cells are a model of their own, which knows ideal units alone.
    let network = network(100, walk(1, 3));
    let die = Die { fault: Fault::Drift, rate: 0.1, seed: 1, number: 0 };
    let refused = Analog::new(&network, &die).err().unwrap().to_string();
    assert!(
        refused.contains("device of stream 0") && refused.contains("beside ideal dropout units alone"),
        "{refused}"
    );
}
