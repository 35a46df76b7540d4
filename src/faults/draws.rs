//! The draws of a network image by image (`docs/semantics.md` §4), as numbers.

use crate::net::{Hidden, Network};
use crate::random::{Galois, RandomError, root_from_seed, stream_start};

/// Streams of all layers and passes.
pub(super) struct Draws {
    input: Layer,
    hidden: Vec<Layer>,
    output: Layer,
    code_bits: u32,
}

struct Layer {
    /// Draws of one pass.
    count: usize,
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
        let of_all = network.stochastic_layers() as u32;
        let mut number = 0;
        let mut layer = |draws: Option<usize>| -> Result<Layer, RandomError> {
            let Some(count) = draws else { return Ok(Layer { count: 0, streams: vec![] }) };
            let stream = |pass| {
                let mut stream = Galois::of_width(bits, stream_start(root, bits, of_all, number, pass)?)?;
                stream.jump(image as u128 * count as u128 * u128::from(code_bits));
                Ok(stream)
            };
            let streams = (0..passes).map(stream).collect::<Result<Vec<_>, RandomError>>()?;
            number += 1;
            Ok(Layer { count, streams })
        };
        let input = layer(network.input.dropout.map(|_| network.input.features))?;
        let of_method = |hidden: &Hidden| hidden.method.as_ref().map(|_| hidden.draws());
        let hidden = network.hidden.iter().map(|h| layer(of_method(h))).collect::<Result<Vec<_>, RandomError>>()?;
        let output = layer((!network.output.others.is_empty()).then_some(1))?;
        Ok(Draws { input, hidden, output, code_bits })
    }

    /// The draws of the next image.
    pub fn next_image(&mut self) -> OfImage {
        let code_bits = self.code_bits;
        let of = |layer: &mut Layer| -> ByPass {
            let pass = |stream: &mut Galois| (0..layer.count).map(|_| stream.draw(code_bits) as u32).collect();
            layer.streams.iter_mut().map(pass).collect()
        };
        OfImage {
            input: of(&mut self.input),
            hidden: self.hidden.iter_mut().map(of).collect(),
            output: of(&mut self.output),
        }
    }
}
