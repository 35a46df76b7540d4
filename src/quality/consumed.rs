//! The draws that a network consumes, in the order in which a design with one lane consumes them: image by image, in an image pass
//! by pass, in a pass stream by stream (`docs/semantics.md` §4: the inputs first, then layers), in a stream draw by draw.

use super::sharing::{Drawer, drawers};
use crate::net::Network;
use crate::random::{Generator, RandomError};

/// All streams of a network, positioned before some image.
pub struct Consumed {
    generator: Generator,
    pub(super) drawers: Vec<Drawer>,
    passes: usize,
    /// By pass, then by drawer.
    states: Vec<u64>,
}

impl Consumed {
    /// Before the first image; passes are the network's.
    pub fn new(network: &Network) -> Result<Consumed, RandomError> {
        let generator = network.generator()?;
        let (drawers, passes, streams) = (drawers(network), network.passes as usize, network.streams());
        let starts = generator.starts(generator.root(network.seed), passes * streams);
        let of_pass = |pass: usize| drawers.iter().map(move |drawer| (pass, drawer.stream.number));
        let states = (0..passes).flat_map(of_pass).map(|(pass, number)| starts[pass * streams + number]).collect();
        Ok(Consumed { generator, drawers, passes, states })
    }

    /// Draws of an image.
    pub fn draws(&self) -> usize {
        self.passes * self.drawers.iter().map(|drawer| drawer.stream.draws).sum::<usize>()
    }

    /// Bits of a draw.
    pub fn code_bits(&self) -> u32 {
        self.generator.code_bits()
    }

    /// The longest run of bits that come of one stream.
    pub fn longest_run(&self) -> usize {
        let draws = self.drawers.iter().map(|drawer| drawer.stream.draws).max().unwrap_or(0);
        draws * self.code_bits() as usize
    }

    /// The draws of the next image, by pass, then by stream.
    pub fn next_image(&mut self) -> Vec<Vec<Vec<u16>>> {
        let mut states = self.states.iter_mut();
        let mut image = Vec::with_capacity(self.passes);
        for _ in 0..self.passes {
            let mut pass = Vec::with_capacity(self.drawers.len());
            for (drawer, state) in self.drawers.iter().zip(&mut states) {
                pass.push((0..drawer.stream.draws).map(|_| self.generator.draw(state) as u16).collect());
            }
            image.push(pass);
        }
        image
    }

    /// The first `count` bits of the next images, each draw's least significant bit first.
    pub fn bits(&mut self, count: usize) -> Vec<bool> {
        let mut bits = Vec::with_capacity(count);
        while bits.len() < count && self.draws() > 0 {
            for draw in self.next_image().into_iter().flatten().flatten() {
                bits.extend((0..self.code_bits()).map(|j| draw >> j & 1 == 1));
            }
        }
        bits.truncate(count);
        bits
    }
}

/// Bits packed into bytes, the first one lowest.
pub fn raw_bytes(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |b, (i, &bit)| b | u8::from(bit) << i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_first_bit_lowest() {
        let bits = [true, false, false, false, false, false, true, false, true, true];
        assert_eq!(raw_bytes(&bits), [0b0100_0001, 0b11]);
    }
}
