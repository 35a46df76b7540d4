//! Contents of an array's memories.

use super::{Converter, Crossbar};
use crate::net::Array;
use crate::rtl::image_word;

/// Word n(n + 1)/2 + m: below which hash m matches among n are read as one less, and from which on as one more.
pub fn codes(array: &Array) -> Option<String> {
    let word = |&(low, high): &(u32, u32)| image_word(&[(17, low.into()), (17, 65536 - i128::from(high))]);
    Some(array.errors.as_ref()?.codes.iter().map(word).collect())
}

/// The gains of the groups in a word, word by word.
pub fn gains(crossbar: &Crossbar, array: &Array) -> Option<String> {
    let (at_once, span) = (crossbar.at_once() as usize, crossbar.span() as usize);
    let word = |word: usize| {
        let first = word / span * at_once;
        let fields = (first..first + at_once).map(|g| (Converter::GAIN_BITS, array.gain(g).into()));
        image_word(&fields.collect::<Vec<_>>())
    };
    crossbar.gains_differ().then(|| (0..crossbar.plan.words()).map(word).collect())
}

/// What is added to the sums of a beat's neurons, beat by beat: their offset, and the most that a sum can be.
pub fn starts(crossbar: &Crossbar, array: &Array) -> Option<String> {
    let (pe, bits, most) = (crossbar.plan.pe, crossbar.sum_bits(), crossbar.array.most as i128);
    let beat = |group: usize| {
        let neurons = array.offsets[group * pe..(group + 1) * pe].iter();
        image_word(&neurons.map(|&offset| (bits, most + i128::from(offset))).collect::<Vec<_>>())
    };
    crossbar.array.offsets.then(|| (0..crossbar.plan.groups()).map(beat).collect())
}
