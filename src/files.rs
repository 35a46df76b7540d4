//! Files written aside and renamed, so that an interrupted run or a full disk leaves what was there.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Replaces `path`, whose directory exists, by a file of `bytes`.
pub fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable as any new file is; the umask still applies.
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(".neuspin-").permissions(Permissions::from_mode(0o666)).tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
