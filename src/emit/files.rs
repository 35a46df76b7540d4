//! The files of a design and their hash.

use super::EmitError;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Files by their path within the design, `/` between the parts, in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSet {
    files: BTreeMap<String, Vec<u8>>,
}

impl FileSet {
    pub fn new() -> FileSet {
        FileSet::default()
    }

    /// Adds a file.
    ///
    /// # Errors
    /// If the path is not relative and plain, or there is a file of that path already.
    pub fn insert(&mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Result<(), EmitError> {
        let fault = |why| Err(EmitError::File { path: path.into(), why });
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) || path.contains(['\\', '\0']) {
            return fault("must be a relative path without empty parts, `.`, `..` and `\\`");
        }
        let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        if self.files.keys().any(|known| inside(known, path) || inside(path, known)) {
            return fault("is a file and a directory at once");
        }
        if self.files.contains_key(path) {
            return fault("stands twice in the design");
        }
        self.files.insert(path.into(), bytes.into());
        Ok(())
    }

    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Path and contents of every file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// Hash of all paths and contents: SHA-256 of the lines `<hash of the file>  <path>`, as `sha256sum` prints them.
    pub fn sha256(&self) -> String {
        let lines: String = self.iter().map(|(path, bytes)| format!("{}  {path}\n", sha256(bytes))).collect();
        sha256(lines.as_bytes())
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
