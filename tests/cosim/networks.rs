//! Small random networks and images for co-simulation.

use neuspin::net::{Direction, Hidden, Images, Input, Method, Network, Output, Random, Weights};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What a random network looks like.
pub struct Shape<'a> {
    /// Inputs, hidden layers, classes.
    pub layers: &'a [usize],
    pub bits: u32,
    pub signed: bool,
    /// Whether each hidden layer has dropout.
    pub dropout: &'a [bool],
}

/// A network of that shape, always the same; thresholds lie where sums do.
pub fn network(shape: Shape) -> Network {
    let rng = &mut StdRng::seed_from_u64(2);
    let input = Input { features: shape.layers[0], bits: shape.bits, signed: shape.signed, dropout: None };
    let weights = |rng: &mut StdRng, rows: usize, cols: usize| Weights::from_fn(rows, cols, |_, _| rng.random());
    let mut hidden = vec![];
    for (l, &dropout) in shape.dropout.iter().enumerate() {
        let (cols, rows) = (shape.layers[l], shape.layers[l + 1]);
        let unit = if l == 0 { f64::from(input.range().1).max(1.0) } else { 1.0 };
        let spread = (unit * (cols as f64).sqrt()) as i32;
        hidden.push(Hidden {
            weights: weights(rng, rows, cols),
            thresholds: (0..rows).map(|_| rng.random_range(-spread..=spread)).collect(),
            directions: (0..rows).map(|_| if rng.random() { Direction::Ge } else { Direction::Le }).collect(),
            method: dropout.then(|| Method::spindrop(rng.random_range(5_000..30_000))),
            conv: None,
            residual: None,
        });
    }
    let (cols, rows) = (shape.layers[shape.layers.len() - 2], shape.layers[shape.layers.len() - 1]);
    let network = Network {
        name: "tiny".into(),
        input,
        hidden,
        output: Output {
            weights: weights(rng, rows, cols),
            scale: (0..rows).map(|_| rng.random_range(-60..200)).collect(),
            offset: (0..rows).map(|_| rng.random_range(-900..900)).collect(),
            shift: 3,
            frac_bits: 6,
            logit_bits: 16,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::default(),
        seed: 5,
        passes: 4,
        early_stop: None,
        chip: Default::default(),
    };
    network.check().unwrap();
    network
}

pub fn images(network: &Network, count: usize) -> Images {
    let rng = &mut StdRng::seed_from_u64(3);
    let (low, high) = network.input.range();
    let values = (0..count * network.input.features).map(|_| rng.random_range(low..=high)).collect();
    Images::new(&network.input, values).unwrap()
}
