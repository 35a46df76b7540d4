//! The committed demo design is what the generator makes of the bundled model, to the byte.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Everything below `dir`: path to contents.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(at) = open.pop() {
        let entries = std::fs::read_dir(&at).unwrap_or_else(|e| panic!("{}: {e}", at.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => open.push(path),
                false => {
                    let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

#[test]
fn hdl_out_holds_what_the_generator_makes_of_the_demo_model() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fresh = tempfile::tempdir().unwrap();
    let out = fresh.path().join("digits_spindrop");
    let run = Command::new(env!("CARGO_BIN_EXE_neuspin"))
        .args(["generate", "digits-spindrop", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));

    let (committed, made) = (files(&root.join("hdl_out/digits_spindrop")), files(&out));
    let refresh = "if the change is meant, refresh it: cargo run --release -- generate digits-spindrop";
    let names = |f: &BTreeMap<String, Vec<u8>>| f.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&made), "other files than committed; {refresh}");
    for (name, bytes) in &made {
        assert!(committed[name] == *bytes, "hdl_out/digits_spindrop/{name} differs from what is generated; {refresh}");
    }
}
