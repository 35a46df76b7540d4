//! The draws of a network image by image (`docs/semantics.md` §4), as numbers.

use crate::net::{Network, Stream};
use crate::random::{Galois, RandomError, root_from_seed, stream_start};

/// Streams of all layers and passes.
pub(super) struct Draws {
    input: Layer,
    hidden: Vec<Layer>,
    output: Layer,
    code_bits: u32,
}

#[derive(Default)]
struct Layer {
    /// Draws that one pass takes of the stream.
    draws: usize,
    /// The first of them that is the layer's.
    first: usize,
    /// One a pass; none in a layer without a method.
    streams: Vec<Galois>,
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
        let (bits, code_bits) = (network.random.lfsr_bits, network.random.code_bits);
        let root = root_from_seed(network.seed, bits);
        let of_all = network.streams() as u32;
        let layer = |stream: Option<Stream>| -> Result<Layer, RandomError> {
            let Some(Stream { number, draws, first }) = stream else { return Ok(Layer::default()) };
            let of_pass = |pass| {
                let mut stream = Galois::of_width(bits, stream_start(root, bits, of_all, number as u32, pass)?)?;
                stream.jump(image as u128 * draws as u128 * u128::from(code_bits));
                Ok(stream)
            };
            let streams = (0..passes).map(of_pass).collect::<Result<Vec<_>, RandomError>>()?;
            Ok(Layer { draws, first, streams })
        };
        let features = network.input.features;
        let input = layer(network.input.dropout.map(|_| Stream { number: 0, draws: features, first: 0 }))?;
        let hidden = (0..network.hidden.len()).map(|l| layer(network.stream(l))).collect::<Result<Vec<_>, _>>()?;
        let output = layer(network.stream(network.hidden.len()))?;
        Ok(Draws { input, hidden, output, code_bits })
    }

    /// The draws of the next image.
    pub fn next_image(&mut self) -> OfImage {
        let code_bits = self.code_bits;
        let of = |layer: &mut Layer| -> ByPass {
            let pass = |stream: &mut Galois| {
                let all: Vec<u32> = (0..layer.draws).map(|_| stream.draw(code_bits) as u32).collect();
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
