//! How images and results lie in the beats of AXI streams.

use crate::rtl::RtlError;
use crate::verilog::{Direction, Header};
use serde::Serialize;

/// Widest stream that the usual tools connect.
pub const MOST_BITS: u32 = 4096;

/// An image as a frame of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Images {
    /// Width of a beat of the stream.
    pub bits: u32,
    /// Beats of a frame.
    pub beats: u32,
    /// Beats of the core in an image.
    pub core_beats: u32,
    /// Values in a beat of the core, and bits of a value.
    pub values: u32,
    pub value_bits: u32,
    /// Beats of the stream that make one of the core.
    pub collect: u32,
    /// Beats of the core that come in one of the stream: the first one lowest, each at a multiple of `step` bits.
    pub split: u32,
    pub step: u32,
}

impl Images {
    /// `core_beats` beats of `values` values over a stream of `bits` bits, by itself as wide as a beat and whole bytes need.
    pub fn new(core_beats: u32, values: u32, value_bits: u32, bits: Option<u32>) -> Result<Images, RtlError> {
        let step = (values * value_bits).next_multiple_of(8);
        let bits = check_width(bits.unwrap_or(step), "an image's beat")?;
        let (collect, split) = (step.div_ceil(bits), (bits / step).max(1));
        let beats = if split > 1 { core_beats.div_ceil(split) } else { core_beats * collect };
        Ok(Images { bits, beats, core_beats, values, value_bits, collect, split, step })
    }

    /// Beats of the core in the last beat of a frame.
    pub fn rest(&self) -> u32 {
        self.core_beats - (self.core_beats.div_ceil(self.split) - 1) * self.split
    }
}

fn check_width(bits: u32, of: &str) -> Result<u32, RtlError> {
    if bits == 0 || !bits.is_multiple_of(8) {
        return Err(RtlError::Unsupported(format!(
            "an AXI stream of {bits} bits; give a multiple of 8, as --axi=32 or --axi=64"
        )));
    }
    if bits > MOST_BITS {
        return Err(RtlError::Unsupported(format!(
            "an AXI stream of {bits} bits for {of}; {MOST_BITS} is the most: give a narrower one, as --axi=64"
        )));
    }
    Ok(bits)
}

/// A field of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResultField {
    pub name: String,
    /// First byte, lowest in the beat.
    pub byte: u32,
    /// 1, 2, 4 or 8, little endian.
    pub bytes: u32,
    pub signed: bool,
    /// Bits that the core gives; those above are zeros, or the sign.
    pub bits: u32,
}

/// A class's result as beats of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Results {
    /// Width of a beat of the stream.
    pub bits: u32,
    /// Beats of a frame: those of a record, times the classes.
    pub beats: u32,
    /// Beats of a record.
    pub split: u32,
    /// Bytes of a record: its fields in C's order and alignment.
    pub bytes: u32,
    pub fields: Vec<ResultField>,
}

/// Name of the field that says that an image's frame was bad.
pub const ERROR: &str = "error";

impl Results {
    /// The fields of the core's result ports, over a stream of `bits` bits, by itself as wide as a record.
    pub fn new(core: &Header, classes: u32, bits: Option<u32>) -> Result<Results, RtlError> {
        let outputs = core.ports().iter().filter(|p| p.direction == Direction::Output);
        let mut fields: Vec<ResultField> = outputs
            .filter_map(|p| p.name.strip_prefix("out_").map(|name| (name.trim_end_matches("_o"), p.width)))
            .filter(|(name, _)| !matches!(*name, "valid" | "last"))
            .map(|(name, bits)| field(name, bits))
            .collect();
        fields.push(field(ERROR, 1));
        if let Some(wide) = fields.iter().find(|f| f.bits > 64) {
            return Err(RtlError::Unsupported(format!("{} bits of `{}`; 64 is the most", wide.bits, wide.name)));
        }
        // The largest first, so that none needs filling before it.
        fields.sort_by_key(|f| std::cmp::Reverse(f.bytes));
        let mut at = 0;
        for f in &mut fields {
            f.byte = at;
            at += f.bytes;
        }
        let bytes = at.next_multiple_of(fields.first().map_or(1, |f| f.bytes));
        let bits = check_width(bits.unwrap_or(8 * bytes), "a result")?;
        let split = (8 * bytes).div_ceil(bits);
        Ok(Results { bits, beats: split * classes, split, bytes, fields })
    }
}

fn field(name: &str, bits: u32) -> ResultField {
    let bytes = bits.div_ceil(8).next_power_of_two();
    ResultField { name: name.into(), byte: 0, bytes, signed: name == "sum", bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verilog::Port;

    #[test]
    fn an_image_fills_beats_of_any_width() {
        // 3 beats of 5 values of 4 bits: 20 bits, 24 with what fills the byte.
        let of = |bits| {
            let i = Images::new(3, 5, 4, bits).unwrap();
            (i.bits, i.beats, i.collect, i.split, i.rest())
        };
        assert_eq!(of(None), (24, 3, 1, 1, 1));
        assert_eq!(of(Some(8)), (8, 9, 3, 1, 1));
        assert_eq!(of(Some(16)), (16, 6, 2, 1, 1));
        assert_eq!(of(Some(32)), (32, 3, 1, 1, 1));
        assert_eq!(of(Some(48)), (48, 2, 1, 2, 1));
        assert_eq!(of(Some(72)), (72, 1, 1, 3, 3));
        assert_eq!(of(Some(128)), (128, 1, 1, 5, 3));
        for (bits, said) in [(0, "0 bits"), (12, "multiple of 8"), (8192, "4096 is the most")] {
            let error = Images::new(3, 5, 4, Some(bits)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let error = Images::new(1, 784, 8, None).unwrap_err().to_string();
        assert!(error.contains("6272 bits") && error.contains("--axi=64"), "{error}");
    }

    #[test]
    fn a_result_is_a_struct_of_c() {
        let port = |name: &str, width| Port { name: name.into(), direction: Direction::Output, width };
        let ports = vec![
            port("in_ready_o", 1),
            port("out_valid_o", 1),
            port("out_last_o", 1),
            port("out_class_o", 4),
            port("out_sum_o", 17),
            port("out_sumsq_o", 41),
            port("out_votes_o", 9),
        ];
        let results = Results::new(&Header::new("core", vec![], ports), 10, Some(32)).unwrap();
        let fields: Vec<_> = results.fields.iter().map(|f| (f.name.as_str(), f.byte, f.bytes)).collect();
        assert_eq!(fields, [("sumsq", 0, 8), ("sum", 8, 4), ("votes", 12, 2), ("class", 14, 1), ("error", 15, 1)]);
        assert_eq!((results.bytes, results.split, results.beats), (16, 4, 40));
    }
}
