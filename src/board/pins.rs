//! Reading constraint files: which port stands at which pin.

use super::{Board, Family};
use std::collections::BTreeMap;
use thiserror::Error;

/// What is wrong with a board's constraints.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PinError {
    #[error("constraints/{file}: port `{port}` of the board's top has no pin; add it (the board table says {pin})")]
    Missing { file: String, port: String, pin: String },
    #[error("constraints/{file}: pin {pin} is given to `{one}` and to `{other}`")]
    Twice { file: String, pin: String, one: String, other: String },
    #[error("constraints/{file}: `{port}` stands at pin {found}, but the board table says {expected}")]
    Other { file: String, port: String, found: String, expected: String },
    #[error("constraints/{file}: `{port}` is no port of the board's top")]
    Unknown { file: String, port: String },
}

/// Port and pin of each line of `text` that places a port.
fn placed(family: Family, text: &str) -> Vec<(String, String)> {
    let clean = |word: &str| word.trim_matches(|c: char| "\";[]{}".contains(c)).to_string();
    let of = |line: &str| -> Option<(String, String)> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (family, words.as_slice()) {
            (Family::Ice40Up | Family::Ice40Hx, ["set_io", port, pin, ..]) => Some((clean(port), clean(pin))),
            (Family::Ecp5, ["LOCATE", "COMP", port, "SITE", pin, ..]) => Some((clean(port), clean(pin))),
            (Family::Gw1n | Family::Gw2a, ["IO_LOC", port, pin, ..]) => Some((clean(port), clean(pin))),
            (Family::Xilinx7, ["set_property", "-dict", "{PACKAGE_PIN", pin, .., port]) => {
                Some((clean(port), clean(pin)))
            }
            _ => None,
        }
    };
    text.lines().filter_map(of).collect()
}

/// Pins by port that `text` gives, after checking that they are those of `board`: every port of the top has its pin, no pin is given
/// twice.
pub fn pins(board: &Board, text: &str) -> Result<BTreeMap<String, String>, PinError> {
    let file = board.constraints.to_string();
    let placed = placed(board.family, text);
    let mut ports: BTreeMap<String, String> = BTreeMap::new();
    for (port, pin) in placed {
        if let Some((one, _)) = ports.iter().find(|(_, known)| **known == pin) {
            return Err(PinError::Twice { file, pin, one: one.clone(), other: port });
        }
        ports.insert(port, pin);
    }
    let expected = board.ports();
    for (port, pin) in &expected {
        match ports.get(*port) {
            None => return Err(PinError::Missing { file, port: port.to_string(), pin: pin.to_string() }),
            Some(found) if found != pin => {
                let (port, found, expected) = (port.to_string(), found.clone(), pin.to_string());
                return Err(PinError::Other { file, port, found, expected });
            }
            _ => {}
        }
    }
    match ports.keys().find(|port| expected.iter().all(|(known, _)| known != port)) {
        Some(port) => Err(PinError::Unknown { file, port: port.clone() }),
        None => Ok(ports),
    }
}
