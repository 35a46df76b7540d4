use std::path::Path;
use thiserror::Error;

/// Why a model could not be read, written or used.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A value that a model may not have: where it is and what would be right.
    #[error("{file}: {place}: {what}")]
    Invalid { file: String, place: String, what: String },
    #[error("{file}: {source}")]
    Io { file: String, source: std::io::Error },
    /// The manifest is not JSON, or lacks a field, or has one that this version does not know.
    #[error("{file}: not a model manifest: {source}")]
    Json { file: String, source: serde_json::Error },
    #[error("{file}: not a safetensors file: {source}")]
    Tensors { file: String, source: safetensors::SafeTensorError },
}

impl ModelError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ModelError {
        let file = path.display().to_string();
        move |source| ModelError::Io { file, source }
    }

    pub(super) fn invalid(file: impl Into<String>, place: impl Into<String>, what: impl Into<String>) -> ModelError {
        ModelError::Invalid { file: file.into(), place: place.into(), what: what.into() }
    }
}
