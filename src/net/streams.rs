//! Which stream of draws a layer takes its draws from (`docs/semantics.md` §4).

use super::{Hidden, Method, Network};

/// A layer's part of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Number of the stream.
    pub number: usize,
    /// Draws that a pass of an image takes of it.
    pub draws: usize,
    /// The first of them that is the layer's.
    pub first: usize,
}

fn scales(layer: &Hidden) -> bool {
    matches!(layer.method, Some(Method::Scale(_)))
}

impl Network {
    /// Number of streams: S. One for the inputs if they are dropped and one for each layer with a method, but all layers with
    /// Scale-Dropout share one; then one for each layer whose reads err.
    pub fn streams(&self) -> usize {
        self.method_streams() + self.error_streams()
    }

    /// Those of inputs and methods, which are the first.
    pub fn method_streams(&self) -> usize {
        let shared = self.hidden.iter().filter(|layer| scales(layer)).count().saturating_sub(1);
        self.codes().len() - shared
    }

    /// The stream of a hidden layer, if it has a method; after the hidden layers that of the output layer, if it has several
    /// crossbars.
    pub fn stream(&self, layer: usize) -> Option<Stream> {
        let before = &self.hidden[..layer.min(self.hidden.len())];
        let mut number = usize::from(self.input.dropout.is_some());
        let mut scaled = None;
        let mut index = 0;
        for layer in before.iter().filter(|layer| layer.method.is_some()) {
            if !scales(layer) {
                number += 1;
                continue;
            }
            index += 1;
            if scaled.is_none() {
                scaled = Some(number);
                number += 1;
            }
        }
        match self.hidden.get(layer) {
            Some(hidden) if scales(hidden) => {
                let draws = self.hidden.iter().filter(|layer| scales(layer)).count();
                Some(Stream { number: scaled.unwrap_or(number), draws, first: index })
            }
            Some(hidden) => hidden.method.as_ref().map(|_| Stream { number, draws: hidden.draws(), first: 0 }),
            None => (!self.output.others.is_empty()).then_some(Stream { number, draws: 1, first: 0 }),
        }
    }
}
