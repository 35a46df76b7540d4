//! Which random source a command is to use.

use anyhow::{Context, Result, bail, ensure};
use neuspin::net::{Family, Network, Source, Starts};
use neuspin::random::MAX_WORDS;
use std::path::PathBuf;
use std::str::FromStr;

/// What `--source` says of itself.
pub const HELP: &str = "Random source: FAMILY[,bits=W][,steps=N][,naive]. Families: galois (the default), fibonacci, automaton (90/150), \
     xorshift, lut (LUT-optimised), pair (XOR of two LFSRs), taps=MASK (Galois, any mask), replay=FILE (recorded bits, lowest bit of \
     each byte first). steps: from a draw to the next; naive: streams start at root XOR number";

/// A source as people give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceArg {
    /// The words of a replay are not counted yet.
    source: Source,
    bits: Option<u32>,
    recording: Option<PathBuf>,
}

/// Families that need no parameter.
pub const PLAIN: [Family; 6] =
    [Family::Galois, Family::Fibonacci, Family::Automaton, Family::Xorshift, Family::Lut, Family::Pair];

impl FromStr for SourceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let (name, value) = first.split_once('=').map_or((first, None), |(name, value)| (name, Some(value)));
        let mut arg = SourceArg { source: Source::default(), bits: None, recording: None };
        arg.source.family = match (name, value) {
            ("taps", Some(mask)) => {
                Family::Taps { mask: number(mask).ok_or(format!("`{mask}` is no mask; as in 0xb400"))? }
            }
            ("replay", Some(file)) => {
                arg.recording = Some(file.into());
                Family::Replay { words: 0 }
            }
            _ => *PLAIN.iter().find(|family| family.name() == name && value.is_none()).ok_or(format!(
                "`{first}`: the sources are {}, taps=MASK and replay=FILE",
                PLAIN.map(Family::name).join(", ")
            ))?,
        };
        for part in parts {
            let count = |value: &str| value.parse().map_err(|_| format!("`{part}`: `{value}` is no number"));
            match part.split_once('=') {
                None if part == "naive" => arg.source.starts = Starts::Naive,
                Some(("bits", value)) => arg.bits = Some(count(value)?),
                Some(("steps", value)) => arg.source.steps = Some(count(value)?),
                _ => return Err(format!("`{part}`: after the family come bits=W, steps=N and naive")),
            }
        }
        Ok(arg)
    }
}

/// A number, hexadecimal after `0x`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

impl SourceArg {
    /// Makes it the source of `network`.
    pub fn apply(&self, network: &mut Network) -> Result<()> {
        network.random.source = self.source;
        if let Some(bits) = self.bits {
            network.random.lfsr_bits = bits;
        } else if let Family::Taps { mask } = self.source.family {
            // A mask says its width by its highest bit.
            network.random.lfsr_bits = u64::BITS - mask.leading_zeros();
        }
        network.chip.recording.clear();
        if let Some(path) = &self.recording {
            let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
            let words = words(&bytes, network.random.code_bits as usize);
            let at = || format!("{}: {} draws of {} bits", path.display(), words.len(), network.random.code_bits);
            ensure!(words.len() >= 2, "{}; a recording has at least 2", at());
            if words.len() > MAX_WORDS as usize {
                bail!("{}; at most {MAX_WORDS} are supported: cut the file, as with head -c", at());
            }
            network.random.source.family = Family::Replay { words: words.len() as u32 };
            network.chip.recording = words;
        }
        Ok(())
    }
}

/// Draws of `k` bits from bits in bytes, lowest first; what is left over is not used.
fn words(bytes: &[u8], k: usize) -> Vec<u16> {
    let bit = |i: usize| u16::from(bytes[i / 8] >> (i % 8) & 1);
    (0..8 * bytes.len() / k).map(|at| (0..k).fold(0, |word, j| word | bit(at * k + j) << j)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_are_written() {
        let parsed = |text: &str| text.parse::<SourceArg>().unwrap().source;
        for source in [
            Source::default(),
            Family::Lut.into(),
            Source { steps: Some(1), starts: Starts::Naive, ..Family::Taps { mask: 0xb400 }.into() },
        ] {
            assert_eq!(parsed(&source.to_string()), source);
        }
        let arg: SourceArg = "galois,bits=32,steps=3".parse().unwrap();
        assert_eq!((arg.bits, arg.source.steps), (Some(32), Some(3)));
        for bad in ["", "lfsr", "taps", "taps=x", "lut=3", "galois,bits", "galois,bits=x", "pair,naive=1"] {
            assert!(bad.parse::<SourceArg>().is_err(), "{bad}");
        }
    }

    #[test]
    fn recorded_bits_are_draws_lowest_bit_first() {
        assert_eq!(words(&[0b1010_0110, 0b1], 4), [6, 10, 1, 0]);
        assert_eq!(words(&[0xcd, 0xab, 0xff], 16), [0xabcd]);
        assert_eq!(words(&[0b1110_0100, 0b1], 3), [4, 4, 7, 0, 0]);
    }
}
