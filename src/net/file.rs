//! Reading and writing an integer network as JSON.

use super::{NetError, Network};
use sha2::{Digest, Sha256};
use std::path::Path;

impl Network {
    /// The network as JSON text, the same for the same network.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Tells networks apart, whatever can be changed about a design by its registers: the first 8 bytes of the SHA-256 of the
    /// JSON with 1 pass, seed 0 and no early stop.
    pub fn fingerprint(&self) -> [u8; 8] {
        let plain = Network { passes: 1, seed: 0, early_stop: None, ..self.clone() };
        let mut first = [0; 8];
        first.copy_from_slice(&Sha256::digest(plain.to_json())[..8]);
        first
    }

    /// Reads and checks a network.
    pub fn read(path: &Path) -> Result<Network, NetError> {
        let shown = || path.display().to_string();
        let text = std::fs::read(path).map_err(|source| NetError::Io { path: shown(), source })?;
        let network: Network =
            serde_json::from_slice(&text).map_err(|source| NetError::Parse { path: shown(), source })?;
        network.check()?;
        Ok(network)
    }
}
