//! What a board says of itself, and how images and results are packed for it.

use super::Answer;
use crate::golden::{ImageResult, Uncertainty};
use serde::Serialize;

/// Widths of the fields of a result in bits; 0 where a design does not have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Widths {
    pub class: u8,
    pub sum: u8,
    pub sumsq: u8,
    pub votes: u8,
    pub passes: u8,
    pub probability: u8,
    pub squares: u8,
    pub entropy: u8,
    pub information: u8,
}

/// The answer to HELLO (`docs/protocol.md`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Images that may be outstanding.
    pub buffers: usize,
    /// Images outstanding when it answered.
    pub pending: usize,
    pub signed: bool,
    pub has_flag: bool,
    pub fingerprint: [u8; 8],
    /// Values of an image.
    pub features: usize,
    /// Of a value.
    pub input_bits: usize,
    /// Fraction bits of a probability.
    pub probability_bits: u32,
    /// Values that the first layer takes at once.
    pub beat: usize,
    pub classes: usize,
    pub max_passes: u32,
    pub lanes: u32,
    /// Fraction bits of a logit.
    pub frac_bits: u32,
    pub code_bits: u32,
    pub widths: Widths,
}

const BYTES: usize = 35;

impl Identity {
    /// Reads the payload, or says why it is none.
    pub fn parse(payload: &[u8]) -> Result<Identity, String> {
        match payload.first() {
            Some(1) => {}
            Some(version) => {
                return Err(format!("it speaks version {version} of the protocol, this program version 1"));
            }
            None => return Err("an empty answer to HELLO".into()),
        }
        if payload.len() < BYTES {
            return Err(format!("an answer to HELLO of {} bytes; version 1 has {BYTES}", payload.len()));
        }
        let short = |at: usize| usize::from(u16::from_le_bytes([payload[at], payload[at + 1]]));
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&payload[4..12]);
        let identity = Identity {
            buffers: payload[1].into(),
            pending: payload[2].into(),
            signed: payload[3] & 1 != 0,
            has_flag: payload[3] & 2 != 0,
            fingerprint,
            features: short(12),
            input_bits: payload[14].into(),
            probability_bits: payload[15].into(),
            beat: short(16),
            classes: short(18),
            max_passes: short(20) as u32,
            lanes: short(22) as u32,
            frac_bits: payload[24].into(),
            code_bits: payload[25].into(),
            widths: Widths {
                class: payload[26],
                sum: payload[27],
                sumsq: payload[28],
                votes: payload[29],
                passes: payload[30],
                probability: payload[31],
                squares: payload[32],
                entropy: payload[33],
                information: payload[34],
            },
        };
        let w = &identity.widths;
        let wide = [w.class, w.sum, w.sumsq, w.votes, w.passes, w.probability, w.squares, w.entropy, w.information];
        let sound = identity.buffers > 0
            && (1..=16).contains(&identity.input_bits)
            && identity.beat > 0
            && identity.features.is_multiple_of(identity.beat)
            && identity.classes > 0
            && wide.iter().all(|&bits| bits <= 64);
        if sound { Ok(identity) } else { Err(format!("an answer to HELLO that makes no sense: {identity:?}")) }
    }

    /// The payload of IMAGE.
    pub fn pack(&self, values: &[i16]) -> Vec<u8> {
        let bits = self.beat * self.input_bits;
        let mask = (1u32 << self.input_bits) - 1;
        let mut bytes = vec![];
        // Beats that share a byte are one string of bits, else each begins with a byte.
        let chunk = if bits < 8 && 8 % bits == 0 { self.features } else { self.beat };
        for part in values.chunks(chunk.max(1)) {
            let (mut held, mut count) = (0u32, 0);
            for &value in part {
                held |= (value as u32 & mask) << count;
                count += self.input_bits;
                while count >= 8 {
                    bytes.push(held as u8);
                    held >>= 8;
                    count -= 8;
                }
            }
            if count > 0 {
                bytes.push(held as u8);
            }
        }
        bytes
    }

    /// Bytes of a result.
    pub fn result_bytes(&self) -> usize {
        let w = &self.widths;
        let bytes = |widths: &[u8]| widths.iter().map(|&bits| usize::from(bits).div_ceil(8)).sum::<usize>();
        bytes(&[w.class, w.passes, w.entropy, w.information])
            + usize::from(self.has_flag)
            + self.classes * bytes(&[w.sum, w.sumsq, w.votes, w.probability, w.squares])
    }

    /// Reads the payload of a result. None if it is not as long as it should be, or names no class.
    pub fn unpack(&self, payload: &[u8]) -> Option<Answer> {
        if payload.len() != self.result_bytes() {
            return None;
        }
        let mut rest = payload;
        let mut field = |bits: u8| {
            let (own, after) = rest.split_at(usize::from(bits).div_ceil(8));
            rest = after;
            own.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte))
        };
        let w = &self.widths;
        let class = field(w.class) as usize;
        let passes = field(w.passes) as u32;
        let (entropy, information) = (field(w.entropy), field(w.information));
        let flag = self.has_flag.then(|| field(1) != 0);
        let mut result = ImageResult { sum: vec![], sumsq: vec![], votes: vec![], class, passes };
        let (mut probability, mut squares) = (vec![], vec![]);
        for _ in 0..self.classes {
            let unused = 64 - 8 * u32::from(w.sum).div_ceil(8);
            result.sum.push((field(w.sum) << unused) as i64 >> unused);
            result.sumsq.push(field(w.sumsq));
            result.votes.push(field(w.votes) as u32);
            probability.push(field(w.probability));
            squares.push(field(w.squares));
        }
        if w.passes == 0 {
            // Each pass votes for one class.
            result.passes = result.votes.iter().sum();
        }
        let uncertainty = (w.probability > 0).then_some(Uncertainty { probability, squares, entropy, information });
        (class < self.classes).then_some(Answer { result, uncertainty, flag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(features: usize, beat: usize, input_bits: usize) -> Identity {
        let mut payload = vec![1, 2, 0, 0];
        payload.extend([7; 8]);
        let (features, beat) = ((features as u16).to_le_bytes(), (beat as u16).to_le_bytes());
        payload.extend([features[0], features[1], input_bits as u8, 0, beat[0], beat[1], 3, 0, 8, 0, 1, 0, 4, 8]);
        payload.extend([2, 9, 17, 4, 0, 0, 0, 0, 0]);
        Identity::parse(&payload).unwrap()
    }

    #[test]
    fn values_stand_where_the_protocol_says() {
        // Beats of four bits, two a byte; of twelve, two bytes each; of three, one a byte.
        assert_eq!(identity(5, 1, 4).pack(&[1, 2, 3, 4, 5]), [0x21, 0x43, 0x05]);
        assert_eq!(identity(6, 3, 4).pack(&[1, 2, 3, -1, 5, 6]), [0x21, 0x03, 0x5f, 0x06]);
        assert_eq!(identity(4, 1, 3).pack(&[1, 7, -1, 4]), [1, 7, 7, 4]);
        assert_eq!(identity(4, 2, 8).pack(&[1, 2, 3, 4]), [1, 2, 3, 4]);
        assert_eq!(identity(9, 9, 1).pack(&[1, 0, 1, 0, 0, 0, 0, 0, 1]), [5, 1]);
    }

    #[test]
    fn results_are_read_back_and_foreign_ones_refused() {
        let id = identity(4, 2, 8);
        let payload = [1, 0xff, 0xff, 1, 0, 0, 3, 5, 0, 2, 0, 0, 4, 0, 0, 3, 0, 1, 1];
        let answer = id.unpack(&payload).unwrap();
        assert_eq!(answer.result.sum, [-1, 5, 0]);
        assert_eq!((answer.result.sumsq, answer.result.votes), (vec![1, 2, 0x10003], vec![3, 4, 1]));
        assert_eq!((answer.result.class, answer.result.passes), (1, 8));
        assert!(id.unpack(&payload[1..]).is_none());
        assert!(Identity::parse(&[2; 35]).unwrap_err().contains("version 2"));
        assert!(Identity::parse(&[1; 34]).unwrap_err().contains("34 bytes"));
    }
}
