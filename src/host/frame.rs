//! Frames as bytes, and out of bytes.

const SYNC: u8 = 0xa5;
const HEADER: usize = 6;

/// CRC-16/IBM-3740, bit by bit.
pub fn crc16(bytes: impl IntoIterator<Item = u8>) -> u16 {
    bytes.into_iter().fold(0xffff, |crc, byte| {
        (0..8).rev().fold(crc, |crc: u16, bit| {
            let out = (crc >> 15) ^ u16::from(byte >> bit & 1);
            (crc << 1) ^ (out * 0x1021)
        })
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The type.
    pub kind: u8,
    pub tag: u8,
    /// At most 65535 bytes.
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn bytes(&self) -> Vec<u8> {
        let [low, high] = (self.payload.len() as u16).to_le_bytes();
        let check = 0xff ^ self.kind ^ self.tag ^ low ^ high;
        let mut bytes = vec![SYNC, self.kind, self.tag, low, high, check];
        bytes.extend(&self.payload);
        let covered = [self.kind, self.tag, low, high].into_iter().chain(self.payload.iter().copied());
        bytes.extend(crc16(covered).to_le_bytes());
        bytes
    }
}

/// Finds frames among bytes of any kind.
#[derive(Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Frames that were not right.
    pub damaged: u32,
}

impl Decoder {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The next frame, if it is there as a whole. Bytes that are no frame are skipped; after a damaged one the search goes
    /// on right behind its sync byte.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            let start = self.bytes.iter().position(|&b| b == SYNC).unwrap_or(self.bytes.len());
            self.bytes.drain(..start);
            let &[_, kind, tag, low, high, check, ..] = &self.bytes[..] else { return None };
            if check != 0xff ^ kind ^ tag ^ low ^ high {
                self.bytes.drain(..1);
                continue;
            }
            let end = HEADER + usize::from(u16::from_le_bytes([low, high]));
            let crc = self.bytes.get(end..end + 2)?;
            let payload = self.bytes[HEADER..end].to_vec();
            let covered = [kind, tag, low, high].into_iter().chain(payload.iter().copied());
            if crc16(covered).to_le_bytes() != crc {
                self.damaged += 1;
                self.bytes.drain(..1);
                continue;
            }
            self.bytes.drain(..end + 2);
            return Some(Frame { kind, tag, payload });
        }
    }

    /// Forgets a frame that will not come to an end.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_one_that_the_protocol_names() {
        assert_eq!(crc16(*b"123456789"), 0x29b1);
    }

    #[test]
    fn frames_are_found_among_garbage_and_damaged_ones() {
        let frame = |tag, payload: &[u8]| Frame { kind: 0x84, tag, payload: payload.to_vec() };
        let (one, two) = (frame(1, &[0xa5; 9]), frame(2, &[]));
        let mut damaged = frame(3, &[1, 2, 3]).bytes();
        damaged[7] ^= 4;
        let stream = [&[0xa5, 0x84, 0, 0xa5][..], &one.bytes(), &damaged, &[0xa5], &two.bytes()].concat();
        for size in [1, 3, stream.len()] {
            let (mut decoder, mut found) = (Decoder::default(), vec![]);
            for chunk in stream.chunks(size) {
                decoder.push(chunk);
                found.extend(std::iter::from_fn(|| decoder.next_frame()));
            }
            assert_eq!(found, [one.clone(), two.clone()], "{size} bytes at once");
            assert_eq!(decoder.damaged, 1);
        }
    }
}
