//! Random networks and images for benchmarks.

use neuspin::net::{Direction, Hidden, Images, Input, Method, Network, Output, Random, Weights};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub const PASSES: u32 = 32;

/// A network of random weights: 1-bit inputs, dropout with p = 0.2, 16-bit draws from 64-bit registers.
pub fn network(sizes: &[usize]) -> Network {
    let rng = &mut StdRng::seed_from_u64(1);
    let mut weights = |rows, cols| Weights::from_fn(rows, cols, |_, _| rng.random());
    let (features, classes) = (sizes[0], sizes[sizes.len() - 1]);
    let hidden = sizes[..sizes.len() - 1].windows(2).map(|size| Hidden {
        weights: weights(size[1], size[0]),
        thresholds: (0..size[1] as i32).map(|o| o % 9 - 4).collect(),
        directions: (0..size[1]).map(|o| if o % 3 == 0 { Direction::Le } else { Direction::Ge }).collect(),
        method: Some(Method::spindrop(13107)),
        conv: None,
        residual: None,
    });
    let hidden: Vec<Hidden> = hidden.collect();
    let output = Output {
        weights: weights(classes, sizes[sizes.len() - 2]),
        scale: vec![300; classes],
        offset: (0..classes as i64).map(|c| 17 * c - 80).collect(),
        shift: 6,
        frac_bits: 4,
        logit_bits: 24,
        temperature: 1.0,
        others: vec![],
    };
    let input = Input { features, bits: 1, signed: false, dropout: None };
    let (random, early_stop) = (Random::default(), None);
    Network {
        name: "bench".into(),
        input,
        hidden,
        output,
        random,
        seed: 1,
        passes: PASSES,
        early_stop,
        chip: Default::default(),
    }
}

/// Random images for it.
pub fn images(network: &Network, count: usize) -> Images {
    let rng = &mut StdRng::seed_from_u64(2);
    let values = (0..count * network.input.features).map(|_| rng.random_range(0..=1)).collect();
    Images::new(&network.input, values).expect("legal values")
}
