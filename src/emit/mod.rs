//! A design as a directory of files, replaced as a whole.
//!
//! [`FileSet`] holds the files of a design; [`FileSet::write`] puts them in place: whatever goes wrong, the directory holds
//! either the old design or the new one. A directory is a design if its `manifest.json` says so ([`DESIGN_FORMAT`]); anything
//! else is not overwritten.

mod design;
mod files;
mod readme;
mod registers;
mod replace;

pub use design::design_files;
pub use files::{FileSet, sha256};
pub use replace::Aside;

use std::path::PathBuf;
use thiserror::Error;

/// Name of the file that every design has.
pub const MANIFEST: &str = "manifest.json";
/// What the field `format` of a design's manifest says.
pub const DESIGN_FORMAT: &str = "neuspin-design";

/// Why a design is not written; what was there before is unchanged, unless the message says otherwise.
#[derive(Debug, Error)]
pub enum EmitError {
    #[error("file `{path}` of the design: {why}")]
    File { path: String, why: &'static str },
    #[error(
        "the design has no `{MANIFEST}` with the format `{DESIGN_FORMAT}`, without which it could not be replaced later"
    )]
    NoManifest,
    #[error("{}: {why}; choose another directory, or remove it first", path.display())]
    NotADesign { path: PathBuf, why: &'static str },
    #[error("cannot {doing} {}: {source}{}", path.display(), advice(source))]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
}

fn advice(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::*;
    match error.kind() {
        PermissionDenied | ReadOnlyFilesystem => "; choose a directory that you may write to",
        StorageFull | QuotaExceeded | FileTooLarge => "; make room on the disk, or choose another directory",
        NotADirectory | AlreadyExists => {
            "; a file stands where a directory is needed: remove it, or choose another path"
        }
        _ => "",
    }
}
