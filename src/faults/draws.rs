//! The draws of a network image by image (`docs/semantics.md` §4), as numbers.

use crate::net::{Network, Stream};
use crate::random::{self, RandomError};

/// Streams of all layers and passes.
pub(super) struct Draws {
    input: Layer,
    hidden: Vec<Layer>,
    output: Layer,
}

#[derive(Default)]
struct Layer {
    /// Draws that one pass takes of the stream.
    draws: usize,
    /// The first of them that is the layer's.
    first: usize,
    /// One a pass; none in a layer without a method.
    streams: Vec<random::Stream>,
}

/// The draws of a layer for one image, by pass.
pub(super) type ByPass = Vec<Vec<u32>>;

/// The draws of one image.
pub(super) struct OfImage {
    pub input: ByPass,
    pub hidden: Vec<ByPass>,
    pub output: ByPass,
}

impl Draws {
    /// Positioned before image number `image`.
    pub fn new(network: &Network, passes: u32, image: usize) -> Result<Draws, RandomError> {
        let generator = network.generator()?;
        let root = generator.root(network.seed);
        let of_all = network.streams() as u128;
        let layer = |stream: Option<Stream>| {
            let Some(Stream { number, draws, first }) = stream else { return Layer::default() };
            let jump = generator.jump(image as u128 * draws as u128);
            let of_pass = |pass| {
                let start = generator.start(root, u128::from(pass) * of_all + number as u128);
                generator.stream(jump.apply(start))
            };
            Layer { draws, first, streams: (0..passes).map(of_pass).collect() }
        };
        let features = network.input.features;
        let input = layer(network.input.dropout.map(|_| Stream { number: 0, draws: features, first: 0 }));
        let hidden = (0..network.hidden.len()).map(|l| layer(network.stream(l))).collect();
        let output = layer(network.stream(network.hidden.len()));
        Ok(Draws { input, hidden, output })
    }

    /// The draws of the next image.
    pub fn next_image(&mut self) -> OfImage {
        let of = |layer: &mut Layer| -> ByPass {
            let pass = |stream: &mut random::Stream| {
                let all: Vec<u32> = (0..layer.draws).map(|_| stream.draw() as u32).collect();
                all[layer.first..].to_vec()
            };
            layer.streams.iter_mut().map(pass).collect()
        };
        OfImage {
            input: of(&mut self.input),
            hidden: self.hidden.iter_mut().map(of).collect(),
            output: of(&mut self.output),
        }
    }
}
