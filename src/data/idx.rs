//! IDX files: MNIST as published, and Fashion-MNIST as `scripts/fetch-data.sh` converts it.

use super::{CLASSES, DataError, Dataset, Split};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

pub(super) const SIDE: usize = 28;
const TRAIN: usize = 55_000;
const VALIDATION: usize = 5_000;
const TEST: usize = 10_000;

pub fn mnist(cache: &Path, split: Split) -> Result<Dataset, DataError> {
    let (part, images) = match split {
        Split::Train | Split::Validation => ("train", TRAIN + VALIDATION),
        Split::Test => ("t10k", TEST),
    };
    let all = read("mnist", &cache.join("mnist"), &format!("{part}-"), images)?;
    Ok(match split {
        Split::Train => all.select(0..TRAIN),
        Split::Validation => all.select(TRAIN..images),
        Split::Test => all,
    })
}

pub fn fashion_mnist(cache: &Path, split: Split) -> Result<Dataset, DataError> {
    let all = read("fashion-mnist", &cache.join("fashion-mnist"), "", TRAIN + VALIDATION + TEST)?;
    Ok(match split {
        Split::Train => all.select(0..TRAIN),
        Split::Validation => all.select(TRAIN..TRAIN + VALIDATION),
        Split::Test => all.select(TRAIN + VALIDATION..all.len()),
    })
}

fn read(name: &'static str, dir: &Path, prefix: &str, images: usize) -> Result<Dataset, DataError> {
    let labels_path = dir.join(format!("{prefix}labels-idx1-ubyte"));
    let labels = values(name, &labels_path, &[images])?;
    if let Some(n) = labels.iter().position(|&l| usize::from(l) >= CLASSES) {
        let what = format!("image {n}: class {}; classes are 0 to 9", labels[n]);
        return Err(DataError::Invalid { file: labels_path.display().to_string(), what });
    }
    let images = values(name, &dir.join(format!("{prefix}images-idx3-ubyte")), &[images, SIDE, SIDE])?;
    Ok(Dataset { name: name.into(), width: SIDE, height: SIDE, depth: 8, images, labels })
}

/// The bytes of an IDX file of unsigned bytes that must have dimensions `dims`.
fn values(name: &'static str, path: &Path, dims: &[usize]) -> Result<Vec<u8>, DataError> {
    let file = || path.display().to_string();
    let invalid = |what: String| DataError::Invalid { file: file(), what };
    let io = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => DataError::Missing { name, file: file() },
        ErrorKind::UnexpectedEof => invalid(format!("truncated; expected {dims:?} bytes after the header")),
        _ => DataError::Io { file: file(), source },
    };
    let mut reader = File::open(path).map_err(io)?;
    let mut header = vec![0; 4 + 4 * dims.len()];
    reader.read_exact(&mut header).map_err(io)?;
    let mut expected = vec![0, 0, 8, dims.len() as u8];
    expected.extend(dims.iter().flat_map(|&d| (d as u32).to_be_bytes()));
    if header != expected {
        return Err(invalid(format!("not an IDX file of {dims:?} bytes; `make data` fetches the right one")));
    }
    let mut data = vec![0; dims.iter().product()];
    reader.read_exact(&mut data).map_err(io)?;
    if reader.read(&mut [0]).map_err(io)? != 0 {
        return Err(invalid(format!("more than {dims:?} bytes after the header")));
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, bytes).unwrap();
        values("mnist", &path, &[2, 3]).unwrap_err().to_string()
    }

    #[test]
    fn reads_what_the_header_announces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(values("mnist", &path, &[2, 3]).unwrap(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn refuses_truncated_longer_and_foreign_files() {
        assert!(error(&[0, 0, 8]).contains("truncated"));
        assert!(error(&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2]).contains("truncated"));
        assert!(error(&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7]).contains("more than"));
        assert!(error(&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8]).contains("not an IDX file"));
    }

    #[test]
    fn names_make_data_where_a_file_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let error = mnist(dir.path(), Split::Test).unwrap_err().to_string();
        assert!(error.contains("t10k-labels-idx1-ubyte is missing; `make data` fetches it"), "{error}");
    }
}
