//! Built files kept between runs under the hash of everything that went into them.
//!
//! An entry is built in a folder of its own and renamed into place, so whoever finds an entry finds it whole; a lock keeps
//! two processes from building the same entry at once.

use super::CosimError;
use crate::interrupt;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Hash of named parts: equal only if all names and contents are.
#[derive(Default)]
pub struct Key(Sha256);

impl Key {
    pub fn part(mut self, name: &str, contents: &[u8]) -> Self {
        self.0.update((name.len() as u64).to_le_bytes());
        self.0.update(name);
        self.0.update((contents.len() as u64).to_le_bytes());
        self.0.update(contents);
        self
    }

    fn text(self) -> String {
        self.0.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
    }
}

/// A folder of built entries.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `$NEUSPIN_CACHE`, else `$XDG_CACHE_HOME/neuspin`, else `~/.cache/neuspin`, else a folder among the temporary files.
    pub fn open() -> Result<Cache, CosimError> {
        let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let root = var("NEUSPIN_CACHE")
            .or_else(|| var("XDG_CACHE_HOME").map(|p| p.join("neuspin")))
            .or_else(|| var("HOME").map(|p| p.join(".cache/neuspin")))
            .unwrap_or_else(|| std::env::temp_dir().join("neuspin-cache"));
        Cache::at(&root)
    }

    pub fn at(root: &Path) -> Result<Cache, CosimError> {
        fs::create_dir_all(root).map_err(|e| CosimError::io(root, e))?;
        let root = root.canonicalize().map_err(|e| CosimError::io(root, e))?;
        Ok(Cache { root })
    }

    /// Path of the entry `kind` under `key`: a folder that `build` fills if it is not there yet.
    pub fn entry(
        &self,
        kind: &str,
        key: Key,
        build: impl FnOnce(&Path) -> Result<(), CosimError>,
    ) -> Result<PathBuf, CosimError> {
        let name = format!("{kind}-{}", key.text());
        let path = self.root.join(&name);
        if path.is_dir() {
            return Ok(path);
        }
        let lock_path = self.root.join(format!("{name}.lock"));
        let lock = File::create(&lock_path).map_err(|e| CosimError::io(&lock_path, e))?;
        lock.lock().map_err(|e| CosimError::io(&lock_path, e))?;
        if path.is_dir() {
            return Ok(path);
        }
        let aside = tempfile::Builder::new()
            .prefix(&format!("{kind}-building-"))
            .tempdir_in(&self.root)
            .map_err(|e| CosimError::io(&self.root, e))?;
        let _guard = interrupt::remove(aside.path());
        build(aside.path())?;
        fs::rename(aside.path(), &path).map_err(|e| CosimError::io(&path, e))?;
        _ = fs::remove_file(&lock_path);
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_built_once_and_again_when_a_part_changes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let mut built = 0;
        for contents in ["a", "a", "b"] {
            let key = Key::default().part("source", contents.as_bytes());
            let entry = cache
                .entry("test", key, |aside| {
                    built += 1;
                    fs::write(aside.join("file"), contents).map_err(|e| CosimError::io(aside, e))
                })
                .unwrap();
            assert_eq!(fs::read_to_string(entry.join("file")).unwrap(), contents);
        }
        assert_eq!(built, 2);
    }

    #[test]
    fn a_failed_build_leaves_no_entry_and_no_rubbish() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let failing = |aside: &Path| {
            fs::write(aside.join("half"), "written").unwrap();
            Err(CosimError::Settings { what: "no".into() })
        };
        assert!(cache.entry("test", Key::default(), failing).is_err());
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| name.to_string_lossy().ends_with(".lock")), "{left:?}");
        assert!(cache.entry("test", Key::default(), |_| Ok(())).is_ok());
    }
}
