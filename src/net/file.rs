//! Reading and writing an integer network as JSON.

use super::{NetError, Network};
use std::path::Path;

impl Network {
    /// The network as JSON text, the same for the same network.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
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
