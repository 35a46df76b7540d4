//! What of its hardware a network's results depend on: dropout units that are devices, and crossbar arrays that are read in
//! parts (`docs/semantics.md` §8 and §9). A network without either runs on ideal ones.

use super::{Family, NetError, Network};
use serde::{Deserialize, Serialize};

/// Devices and arrays; lists are empty, or have one entry a stream and one a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// By stream of draws (§4): the dropout units that take them; none where they are ideal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Option<Device>>,
    /// By layer, the output layer last: the array that computes its sums; none where they are exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrays: Vec<Option<Array>>,
    /// Which die of which description this is; results do not depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Recorded draws, for a source that replays them (§4); as many as it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recording: Vec<u16>,
}

/// A die of a description (`docs/chip.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// What the description is called: its file.
    pub description: String,
    /// Of the description and the files that it names.
    pub sha256: String,
    /// Of all that is drawn for dies.
    pub seed: u64,
    pub die: u64,
}

/// The dropout units of a stream, as stochastic junctions: U units, one for each draw of an ideal pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What each unit's code differs by from the layer's, in units of 2^-code_bits (device-to-device spread); one a unit, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<i32>,
    /// Units that always, or never, switch; one a unit, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<Option<bool>>,
    /// By how much one random bit more or less moves the code of one draw (cycle-to-cycle jitter); 0 for none, and then nothing
    /// is drawn for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter: u32,
    /// A slow walk of the code from image to image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk: Option<Walk>,
    /// SET, READ and RESET one after the other, each of which may fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Cycle>,
}

/// A walk of the code up to a limit, down to its negative, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Walk {
    /// From one image to the next, in units of 2^-code_bits; at least 1.
    pub step: u32,
    /// At least the step.
    pub limit: u32,
}

/// What may fail in a unit's cycle; probabilities in units of 2^-code_bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// Of a RESET that succeeds.
    pub reset: u32,
    /// Of a READ that gives the other value.
    pub misread: u32,
}

/// The array of a layer: word-line pairs are driven in groups, and each group's sum passes a converter of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Array {
    /// Word-line pairs of a tile; a multiple of `group`.
    pub rows: usize,
    /// Columns (neurons) of a tile.
    pub columns: usize,
    /// Word-line pairs driven at once.
    pub group: usize,
    /// What a group's sum becomes.
    pub converter: Converter,
    /// Gain of each group in units of 2^-8, from 0 to 2^8; one for each group of the layer's inputs, or none for 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gains: Vec<u32>,
    /// What is added to each neuron's sum; one a neuron, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<i32>,
    /// Errors of reading, anew in every read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<ReadErrors>,
}

/// Sense amplifiers or converters: `bits` wide, in steps of 2^`shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Converter {
    /// 2 to 16.
    pub bits: u32,
    /// 0 to 8.
    pub shift: u32,
}

/// How likely a group is read as one match too few or too many: two 16-bit codes for each pair of live inputs and matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadErrors {
    /// Entry n(n + 1)/2 + m for m matches among n live inputs, 0 ≤ m ≤ n ≤ group: the codes of one too few and one too many.
    pub codes: Vec<(u32, u32)>,
}

impl Chip {
    /// Whether all devices and arrays are ideal.
    pub fn is_ideal(&self) -> bool {
        self.devices.is_empty() && self.arrays.is_empty()
    }
}

impl Network {
    /// Refuses a recording that is not what the source replays.
    pub(super) fn check_recording(&self) -> Result<(), NetError> {
        let (recording, bits) = (&self.chip.recording, self.random.code_bits);
        let words = match self.random.source.family {
            Family::Replay { words } => words as usize,
            _ => 0,
        };
        let what = if recording.len() != words {
            format!("{} words, but the source replays {words}", recording.len())
        } else if let Some(at) = recording.iter().position(|word| u32::from(*word) >> bits > 0) {
            format!("word {at} is {}; draws have {bits} bits, so at most {}", recording[at], (1u32 << bits) - 1)
        } else {
            return Ok(());
        };
        Err(NetError::Invalid { network: self.name.clone(), place: "recording".into(), what })
    }

    /// The devices of a stream, where they are not ideal.
    pub fn device(&self, stream: usize) -> Option<&Device> {
        self.chip.devices.get(stream)?.as_ref()
    }

    /// The array of a layer, the output layer last, where its sums are not exact.
    pub fn array(&self, layer: usize) -> Option<&Array> {
        self.chip.arrays.get(layer)?.as_ref()
    }
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}
