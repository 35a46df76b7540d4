//! The draws of a network image by image (`docs/semantics.md` §4), as numbers.

use crate::net::Network;
use crate::random::{Galois, RandomError, root_from_seed, stream_start};

/// Streams of all layers and passes.
pub(super) struct Draws {
    layers: Vec<Layer>,
    code_bits: u32,
}

struct Layer {
    /// Draws of one pass.
    count: usize,
    /// One a pass; none in a layer without a method.
    streams: Vec<Galois>,
}

impl Draws {
    /// Positioned before image number `image`.
    pub fn new(network: &Network, passes: u32, image: usize) -> Result<Draws, RandomError> {
        let (bits, code_bits) = (network.random.lfsr_bits, network.random.code_bits);
        let root = root_from_seed(network.seed, bits);
        let of_all = network.stochastic_layers() as u32;
        let (mut layers, mut number) = (vec![], 0);
        for layer in &network.hidden {
            let Some(method) = &layer.method else {
                layers.push(Layer { count: 0, streams: vec![] });
                continue;
            };
            let count = method.draws(layer.weights.rows());
            let stream = |pass| {
                let mut stream = Galois::of_width(bits, stream_start(root, bits, of_all, number, pass)?)?;
                stream.jump(image as u128 * count as u128 * u128::from(code_bits));
                Ok(stream)
            };
            let streams = (0..passes).map(stream).collect::<Result<Vec<_>, RandomError>>()?;
            layers.push(Layer { count, streams });
            number += 1;
        }
        Ok(Draws { layers, code_bits })
    }

    /// The draws of the next image: by layer, then by pass.
    pub fn next_image(&mut self) -> Vec<Vec<Vec<u32>>> {
        let code_bits = self.code_bits;
        let of = |layer: &mut Layer| {
            let pass = |stream: &mut Galois| (0..layer.count).map(|_| stream.draw(code_bits) as u32).collect();
            layer.streams.iter_mut().map(pass).collect()
        };
        self.layers.iter_mut().map(of).collect()
    }
}
