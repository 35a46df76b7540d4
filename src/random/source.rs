//! Which generator draws come from, as a network says it (`docs/semantics.md` §4).

use super::{RandomError, galois};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a source is made of, how many steps a draw takes, and where its streams start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub family: Family,
    /// Steps from a draw to the next; the family's own number where none is given. With fewer steps than bits, neighbouring draws
    /// of a serial family share bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    #[serde(default, skip_serializing_if = "Starts::is_jumped")]
    pub starts: Starts,
}

/// Families of generators. All but the last are linear over GF(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Family {
    /// Galois LFSR with the contract's mask.
    #[default]
    Galois,
    /// Galois LFSR with a mask of one's own, whatever its period.
    Taps { mask: u64 },
    /// Fibonacci LFSR of the same recurrence.
    Fibonacci,
    /// Hybrid 90/150 cellular automaton with null boundary.
    Automaton,
    /// Marsaglia's xorshift.
    Xorshift,
    /// Each next bit is the XOR of four bits, in the manner of Thomas and Luk.
    Lut,
    /// XOR of two LFSRs, of 33 and 31 bits.
    Pair,
    /// So many recorded draws, one after the other and again from the first.
    Replay { words: u32 },
}

/// Where streams start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starts {
    /// A fixed number of steps apart.
    #[default]
    Jumped,
    /// At the root XOR the stream's number.
    Naive,
}

impl Starts {
    fn is_jumped(&self) -> bool {
        *self == Starts::Jumped
    }
}

/// Most words of a recording.
pub const MAX_WORDS: u32 = 1 << 20;

/// Most steps from a draw to the next.
pub const MAX_STEPS: u32 = 64;

impl Family {
    /// Whether the bits of a draw come out one a step.
    pub fn is_serial(self) -> bool {
        matches!(self, Family::Galois | Family::Taps { .. } | Family::Fibonacci | Family::Pair)
    }

    /// Widths of `lfsr_bits` that the family has.
    pub fn widths(self) -> &'static [u32] {
        match self {
            Family::Galois | Family::Taps { .. } => &[8, 16, 32, 48, 64],
            Family::Fibonacci | Family::Replay { .. } => &[32, 48, 64],
            Family::Automaton | Family::Xorshift | Family::Lut => &[32, 64],
            Family::Pair => &[64],
        }
    }

    /// Steps from a draw of `code_bits` bits to the next, where nothing else is said.
    pub fn own_steps(self, code_bits: u32) -> u32 {
        match self {
            // 2^n steps of rule 90 leave a cell the XOR of two; this many mix well (a test holds it).
            Family::Automaton => 11,
            _ if self.is_serial() => code_bits,
            _ => 1,
        }
    }

    /// Its name in `neuspin --source`, parameters aside.
    pub fn name(self) -> &'static str {
        match self {
            Family::Galois => "galois",
            Family::Taps { .. } => "taps",
            Family::Fibonacci => "fibonacci",
            Family::Automaton => "automaton",
            Family::Xorshift => "xorshift",
            Family::Lut => "lut",
            Family::Pair => "pair",
            Family::Replay { .. } => "replay",
        }
    }
}

impl From<Family> for Source {
    fn from(family: Family) -> Source {
        Source { family, ..Source::default() }
    }
}

impl Source {
    pub fn is_default(&self) -> bool {
        *self == Source::default()
    }

    /// Steps from a draw of `code_bits` bits to the next.
    pub fn steps_of(&self, code_bits: u32) -> u32 {
        self.steps.unwrap_or(self.family.own_steps(code_bits))
    }

    /// Bits of a state, where the source has the width `lfsr_bits`.
    pub fn state_bits(&self, lfsr_bits: u32) -> u32 {
        match self.family {
            Family::Replay { words } => u32::BITS - words.saturating_sub(1).leading_zeros(),
            _ => lfsr_bits,
        }
    }

    /// Whether the draws are those of the contract's Galois LFSR of at least 32 bits, whose streams can be read in step.
    pub(super) fn is_sliced(&self, lfsr_bits: u32, code_bits: u32) -> bool {
        self.family == Family::Galois && lfsr_bits >= 32 && self.steps_of(code_bits) == code_bits
    }

    /// Refuses widths that the family does not have, and parameters out of range.
    pub fn check(&self, lfsr_bits: u32) -> Result<(), RandomError> {
        let family = self.family;
        if !family.widths().contains(&lfsr_bits) {
            let widths: Vec<String> = family.widths().iter().map(u32::to_string).collect();
            let (name, widths) = (family.name(), widths.join(", "));
            return Err(RandomError::FamilyWidth { name, bits: lfsr_bits, widths });
        }
        if let Some(steps) = self.steps.filter(|steps| !(1..=MAX_STEPS).contains(steps)) {
            return Err(RandomError::Steps { steps });
        }
        match family {
            Family::Taps { mask } => galois::check(lfsr_bits, mask),
            Family::Replay { words } if !(2..=MAX_WORDS).contains(&words) => Err(RandomError::Words { words }),
            _ => Ok(()),
        }
    }
}

/// As `neuspin --source` reads it, but for the name of a recording.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.family.name())?;
        match self.family {
            Family::Taps { mask } => write!(f, "={mask:#x}")?,
            Family::Replay { words } => write!(f, " of {words} words")?,
            _ => {}
        }
        if let Some(steps) = self.steps {
            write!(f, ",steps={steps}")?;
        }
        if self.starts == Starts::Naive { f.write_str(",naive") } else { Ok(()) }
    }
}
