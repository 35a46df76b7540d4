//! Faults of weights: another integer network.

use super::{Die, Fault};
use crate::net::{Method, Network, Weights};

/// The network of a die whose cells flip or are stuck; that of any other fault has all its bits.
pub fn faulty(network: &Network, die: &Die) -> Network {
    let mut network = network.clone();
    for (number, weights) in crossbars(&mut network).into_iter().enumerate() {
        let mut random = die.random(number);
        // The cells of a plane after those of the plane below.
        for plane in weights.planes_mut() {
            for row in 0..plane.rows() {
                for col in 0..plane.cols() {
                    // Two numbers a cell, whatever becomes of it.
                    let (hit, coin) = (random.unit() < die.rate, random.word() >> 63 == 1);
                    match die.fault {
                        Fault::Flips if hit => plane.set(row, col, !plane.get(row, col)),
                        Fault::Stuck if hit => plane.set(row, col, coin),
                        _ => {}
                    }
                }
            }
        }
    }
    network
}

/// All crossbars in network order: those of a layer with several one after another, the output layer's last.
fn crossbars(network: &mut Network) -> Vec<&mut Weights> {
    let mut all = vec![];
    for layer in &mut network.hidden {
        all.push(&mut layer.weights);
        if let Some(Method::Spinbayes(m)) = &mut layer.method {
            all.extend(m.others.iter_mut().map(|c| &mut c.weights));
        }
    }
    all.push(&mut network.output.weights);
    all.extend(network.output.others.iter_mut().map(|c| &mut c.weights));
    all
}
