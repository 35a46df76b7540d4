//! What can keep a co-simulation from running at all. Finding a difference is no error: it is a result.

use crate::golden::GoldenError;
use std::path::Path;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum CosimError {
    #[error("`{tool}` is missing: {source}\n{advice}")]
    MissingTool { tool: String, source: std::io::Error, advice: String },
    #[error("{tool} {found} is too old: version {needed} or later is needed\n{advice}")]
    OldTool { tool: String, found: String, needed: String, advice: String },
    #[error("`{command}` failed ({status}); its last lines:\n{tail}")]
    ToolFailed { command: String, status: String, tail: String },
    #[error("{path}: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("simulation of `{design}`: {what}")]
    Simulation { design: String, what: String },
    #[error("golden model: {0}")]
    Golden(#[from] GoldenError),
    #[error("co-simulation settings: {what}")]
    Settings { what: String },
}

impl CosimError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        CosimError::Io { path: path.display().to_string(), source }
    }

    /// Whether a tool has to be installed before this can work.
    pub fn is_missing_tool(&self) -> bool {
        matches!(self, CosimError::MissingTool { .. } | CosimError::OldTool { .. })
    }
}
