//! Writing a model so that a reader finds the old one or the new one, never a mixture.

use super::manifest::{MANIFEST, Manifest, TensorFile};
use super::{Model, ModelError, tensors};
use crate::files::write_aside;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Lower-case hexadecimal SHA-256.
pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

impl Model {
    /// Writes the model into the directory `dir`, which is made if need be.
    ///
    /// The tensor file is named by its content and the manifest is renamed into place last: an interrupted run or a
    /// full disk leaves the model that was there. Tensor files of earlier models are then removed.
    ///
    /// # Errors
    ///
    /// Whatever [`Model::check`] refuses, and failures to write.
    pub fn write(&self, dir: &Path) -> Result<(), ModelError> {
        self.check()?;
        let bytes = tensors::to_bytes(self)
            .map_err(|source| ModelError::Tensors { file: dir.display().to_string(), source })?;
        let sha256 = hash(&bytes);
        let file = tensor_name(&sha256);
        let manifest = Manifest::new(self, TensorFile { file: file.clone(), sha256 });
        let path = dir.join(MANIFEST);
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|source| ModelError::Json { file: path.display().to_string(), source })?
            + "\n";
        std::fs::create_dir_all(dir).map_err(ModelError::io(dir))?;
        let tensor_path = dir.join(&file);
        write_aside(&tensor_path, &bytes).map_err(ModelError::io(&tensor_path))?;
        write_aside(&path, text.as_bytes()).map_err(ModelError::io(&path))?;
        remove_others(dir, &file).map_err(ModelError::io(dir))
    }
}

fn tensor_name(sha256: &str) -> String {
    format!("model-{}.safetensors", &sha256[..12])
}

/// Removes what earlier calls named with [`tensor_name`], and nothing else.
fn remove_others(dir: &Path, keep: &str) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let hex = name.to_str().and_then(|n| n.strip_prefix("model-")?.strip_suffix(".safetensors"));
        let ours = hex.is_some_and(|h| h.len() == 12 && h.bytes().all(|b| b.is_ascii_hexdigit()));
        if ours && name != keep {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
