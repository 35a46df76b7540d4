//! Writing designs: all or nothing, and nothing but designs is replaced.

use neuspin::emit::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small design; `mark` tells one from another.
fn design(mark: &str) -> FileSet {
    let mut files = FileSet::new();
    files.insert("manifest.json", format!("{{\"format\": \"{DESIGN_FORMAT}\", \"mark\": \"{mark}\"}}\n")).unwrap();
    files.insert("rtl/top.v", format!("// {mark}\n")).unwrap();
    files.insert("mem/deep/weights.mem", vec![b'0'; 10_000]).unwrap();
    files
}

/// Everything below `dir`: path to contents.
fn read(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn contents(files: &FileSet) -> BTreeMap<String, Vec<u8>> {
    files.iter().map(|(path, bytes)| (path.into(), bytes.into())).collect()
}

/// Names in a directory: nothing temporary may be left.
fn names(dir: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into()).collect();
    names.sort();
    names
}

/// The message with the temporary directory replaced by `<dir>`.
fn message(error: EmitError, dir: &Path) -> String {
    error.to_string().replace(dir.to_str().unwrap(), "<dir>")
}

#[test]
fn a_design_is_made_and_replaced_whole() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("hdl_out/digits");
    design("first").write(&target).unwrap();
    assert_eq!(read(&target), contents(&design("first")));

    let mut second = design("second");
    second.insert("core/neuspin.core", "CAPI=2:\n").unwrap();
    second.write(&target).unwrap();
    assert_eq!(read(&target), contents(&second));

    design("third").write(&target).unwrap();
    assert_eq!(read(&target), contents(&design("third")));
    assert_eq!(names(&dir.path().join("hdl_out")), [Path::new("digits")]);
}

#[test]
fn an_empty_directory_and_a_link_are_filled() {
    let dir = tempfile::tempdir().unwrap();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    std::fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    design("first").write(&link).unwrap();
    assert_eq!(read(&target), contents(&design("first")));
    assert!(link.is_symlink());
}

#[test]
fn what_is_not_a_design_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("foreign")).unwrap();
    std::fs::write(at("foreign/thesis.tex"), "precious").unwrap();
    std::fs::create_dir(at("other")).unwrap();
    std::fs::write(at("other/manifest.json"), "{\"format\": \"neuspin-model\"}").unwrap();
    std::fs::write(at("file"), "precious").unwrap();
    let before = read(dir.path());

    let targets = ["foreign", "other", "file", "file/below"];
    let messages = targets.map(|name| message(design("new").write(&at(name)).unwrap_err(), dir.path()));
    insta::assert_snapshot!(messages.join("\n"));
    assert_eq!(read(dir.path()), before);
}

#[test]
fn a_set_that_could_not_be_replaced_later_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = FileSet::new();
    files.insert("top.v", "").unwrap();
    insta::assert_snapshot!(files.write(&dir.path().join("design")).unwrap_err().to_string());
    assert!(names(dir.path()).is_empty());
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    let mut files = design("first");
    let paths = ["", "/etc/passwd", "../up.v", "a//b", "./a", "rtl/top.v", "rtl", "rtl/top.v/x", "a\\b"];
    let messages = paths.map(|path| files.insert(path, "").unwrap_err().to_string());
    insta::assert_snapshot!(messages.join("\n"));
    assert_eq!(files, design("first"));
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_last_design() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("design");
    design("good").write(&target).unwrap();
    let mut bad = design("bad");
    bad.insert(&format!("rtl/{}.v", "x".repeat(300)), "").unwrap();
    let error = message(bad.write(&target).unwrap_err(), dir.path());
    assert!(error.starts_with("cannot write <dir>/design/rtl/xxx"), "{error}");
    assert_eq!(read(&target), contents(&design("good")));
    assert_eq!(names(dir.path()), [Path::new("design")]);
}

#[test]
fn a_directory_that_may_not_be_written_is_named() {
    // The kernel's own file system lets not even root make directories.
    let error = design("new").write(Path::new("/sys/kernel/design")).unwrap_err().to_string();
    assert!(error.starts_with("cannot make a directory in /sys/kernel: "), "{error}");
    assert!(error.ends_with("; choose a directory that you may write to"), "{error}");
}

const TARGET: &str = "NEUSPIN_TEST_TARGET";

/// Runs as a child process of the tests below, under a limit of the size of files.
#[test]
#[ignore = "runs as a child process of other tests"]
fn child() {
    design("new").write(Path::new(&std::env::var(TARGET).expect("set by the tests that start this one"))).unwrap();
}

/// Runs [`child`] under a limit of 4 blocks a file, which the weights exceed. `trap` decides what happens then: by default the
/// process is killed on the spot; with the signal ignored, writing fails as it does on a full disk.
fn run_limited(target: &Path, trap: &str) -> std::process::Output {
    let script = format!("{trap} ulimit -f 4; exec \"$0\" --ignored --exact child");
    let exe = std::env::current_exe().unwrap();
    Command::new("sh").arg("-c").arg(script).arg(exe).env(TARGET, target).output().unwrap()
}

#[test]
fn a_full_disk_leaves_the_last_design_and_no_debris() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("design");
    design("good").write(&target).unwrap();
    let output = run_limited(&target, "trap '' XFSZ;");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("doing: \"write\"") && text.contains("weights.mem"), "{text}");
    assert_eq!(read(&target), contents(&design("good")));
    assert_eq!(names(dir.path()), [Path::new("design")]);
}

#[test]
fn an_interruption_leaves_the_last_design() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("design");
    design("good").write(&target).unwrap();
    let output = run_limited(&target, "");
    assert_eq!(output.status.code(), None, "the child was to be killed by a signal");
    assert_eq!(read(&target), contents(&design("good")));
    // What the killed process left beside the design does not keep the next one from being written.
    assert_eq!(names(dir.path()).len(), 2);
    design("next").write(&target).unwrap();
    assert_eq!(read(&target), contents(&design("next")));
}

#[test]
fn the_hash_is_that_of_sha256sum() {
    assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("design");
    design("first").write(&target).unwrap();
    let script = "sha256sum manifest.json mem/deep/weights.mem rtl/top.v | sha256sum";
    let output = Command::new("sh").args(["-c", script]).current_dir(&target).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}  -\n", design("first").sha256()));
}

#[test]
fn the_hash_sees_every_path_and_byte() {
    let mut hashes = vec![design("first").sha256(), design("second").sha256(), FileSet::new().sha256()];
    for path in ["a", "b"] {
        let mut files = design("first");
        files.insert(path, "").unwrap();
        hashes.push(files.sha256());
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 5);
}
