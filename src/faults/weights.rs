//! Faults of weights: another integer network.

use super::{Die, Fault};
use crate::net::Network;

/// The network of a die whose cells flip or are stuck; that of any other fault has all its bits.
pub fn faulty(network: &Network, die: &Die) -> Network {
    let mut network = network.clone();
    for (number, weights) in network.crossbar_weights_mut().into_iter().flatten().enumerate() {
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
