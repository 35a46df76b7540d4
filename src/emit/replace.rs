//! Writing aside and changing over.

use super::{DESIGN_FORMAT, EmitError, FileSet, MANIFEST};
use crate::interrupt;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{File, Permissions, create_dir_all, read_dir, rename};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmitError {
    move |source| EmitError::Io { doing, path: path.into(), source }
}

/// A directory that takes the place of another when it is done. It is removed when it is not put in place, on an interrupt too.
#[derive(Debug)]
pub struct Aside {
    target: PathBuf,
    old: bool,
    directory: TempDir,
    _guard: interrupt::Guard,
}

impl Aside {
    /// A new directory beside `dir`, to take its place. Missing directories above `dir` are made.
    ///
    /// # Errors
    /// If `dir` holds anything but a design, or no directory can be made there.
    pub fn beside(dir: &Path) -> Result<Aside, EmitError> {
        // A link stays a link: what it points to is replaced.
        let target = match dir.canonicalize() {
            Err(e) if e.kind() == ErrorKind::NotFound => dir.into(),
            found => found.map_err(failed("open", dir))?,
        };
        let old = may_replace(&target)?;
        let parent = above(&target)?;
        create_dir_all(parent).map_err(failed("make the directory", parent))?;
        let mut builder = tempfile::Builder::new();
        // As any new directory is; the umask still applies.
        builder.prefix(".neuspin-").permissions(Permissions::from_mode(0o777));
        let directory = builder.tempdir_in(parent).map_err(failed("make a directory in", parent))?;
        let _guard = interrupt::remove(directory.path());
        Ok(Aside { target, old, directory, _guard })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts the directory in its place.
    ///
    /// # Errors
    /// If that cannot be done; what was there stays.
    pub fn put(self) -> Result<(), EmitError> {
        let parent = above(&self.target)?.to_path_buf();
        change_over(self.directory, &self.target, self.old)?;
        sync(&parent).map_err(failed("write", &parent))
    }
}

/// The directory above `target`.
fn above(target: &Path) -> Result<&Path, EmitError> {
    match target.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None => Err(EmitError::NotADesign { path: target.into(), why: "is the root directory" }),
    }
}

impl FileSet {
    /// Makes `dir` hold exactly these files: writes them into a directory beside it, then changes the two over. Missing
    /// directories above `dir` are made.
    ///
    /// # Errors
    /// If the set has no manifest of a design; if `dir` holds anything but a design; if a file cannot be written. `dir` is
    /// then as it was.
    pub fn write(&self, dir: &Path) -> Result<(), EmitError> {
        self.check()?;
        let aside = Aside::beside(dir)?;
        self.write_for(aside.path(), &aside.target)?;
        aside.put()
    }

    /// Writes the files into the directory of an [`Aside`].
    ///
    /// # Errors
    /// If the set has no manifest of a design, or a file cannot be written.
    pub fn write_into(&self, dir: &Path) -> Result<(), EmitError> {
        self.check()?;
        self.write_for(dir, dir)
    }

    fn check(&self) -> Result<(), EmitError> {
        if self.get(MANIFEST).is_some_and(is_design) { Ok(()) } else { Err(EmitError::NoManifest) }
    }

    /// Writes the files into `aside`; errors name the place in `target` that they are for.
    fn write_for(&self, aside: &Path, target: &Path) -> Result<(), EmitError> {
        let mut directories = vec![PathBuf::new()];
        for (path, bytes) in self.iter() {
            let above = Path::new(path).parent().unwrap_or(Path::new(""));
            directories.extend(above.ancestors().map(Path::to_path_buf));
            write_file(&aside.join(above), &aside.join(path), bytes).map_err(failed("write", &target.join(path)))?;
        }
        directories.sort();
        directories.dedup();
        directories.iter().try_for_each(|path| sync(&aside.join(path))).map_err(failed("write", target))
    }
}

fn write_file(above: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_dir_all(above)?;
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Is this the text of a design's manifest?
fn is_design(manifest: &[u8]) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_slice(manifest).ok();
    value.is_some_and(|value| value["format"] == DESIGN_FORMAT)
}

/// Whether there is something at `target`, which must be an empty directory or a design.
fn may_replace(target: &Path) -> Result<bool, EmitError> {
    let refuse = |why| Err(EmitError::NotADesign { path: target.into(), why });
    let mut entries = match read_dir(target) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        Err(e) if e.kind() == ErrorKind::NotADirectory => return refuse("is a file, not a directory"),
        Err(e) => return Err(failed("read", target)(e)),
    };
    if entries.next().is_none() {
        return Ok(true);
    }
    match std::fs::read(target.join(MANIFEST)) {
        Ok(manifest) if is_design(&manifest) => Ok(true),
        Ok(_) => refuse("holds a `manifest.json` that is not of a neuspin design"),
        Err(e) if e.kind() == ErrorKind::NotFound => refuse("holds files, but is not a neuspin design"),
        Err(e) => Err(failed("read", &target.join(MANIFEST))(e)),
    }
}

/// Puts `aside` in the place of `target` and removes what was there.
fn change_over(aside: TempDir, target: &Path, old: bool) -> Result<(), EmitError> {
    if !old {
        rename(aside.path(), target).map_err(failed("make", target))?;
        // Nothing is left under the temporary name.
        let _ = aside.keep();
        return Ok(());
    }
    // In one step where the file system can: there is no moment without a design.
    match renameat_with(CWD, aside.path(), CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(e) if [ErrorKind::Unsupported, ErrorKind::InvalidInput].contains(&e.kind()) => {
            exchange_in_steps(aside.path(), target)?;
        }
        Err(e) => return Err(failed("replace", target)(e.into())),
    }
    let place = aside.path().to_path_buf();
    aside.close().map_err(failed("remove the old design, whose successor is in place, from", &place))
}

/// The same with three renames; if the second one fails, the first one is undone.
fn exchange_in_steps(aside: &Path, target: &Path) -> Result<(), EmitError> {
    let spare = aside.with_extension("old");
    rename(target, &spare).map_err(failed("move aside", target))?;
    if let Err(e) = rename(aside, target) {
        return match rename(&spare, target) {
            Ok(()) => Err(failed("replace", target)(e)),
            Err(e) => Err(failed("move the old design back from", &spare)(e)),
        };
    }
    rename(&spare, aside).map_err(failed("move away the old design, whose successor is in place, from", &spare))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let (aside, target) = (dir.path().join("aside"), dir.path().join("target"));
        for (path, text) in [(&aside, "new"), (&target, "old")] {
            std::fs::create_dir(path).unwrap();
            std::fs::write(path.join("file"), text).unwrap();
        }
        (dir, aside, target)
    }

    #[test]
    fn exchange_in_steps_exchanges() {
        let (_dir, aside, target) = pair();
        exchange_in_steps(&aside, &target).unwrap();
        assert_eq!(std::fs::read(target.join("file")).unwrap(), b"new");
        assert_eq!(std::fs::read(aside.join("file")).unwrap(), b"old");
    }

    #[test]
    fn a_failed_exchange_is_undone() {
        let (_dir, aside, target) = pair();
        std::fs::remove_dir_all(&aside).unwrap();
        let error = exchange_in_steps(&aside, &target).unwrap_err();
        assert!(error.to_string().starts_with("cannot replace "), "{error}");
        assert_eq!(std::fs::read(target.join("file")).unwrap(), b"old");
    }
}
