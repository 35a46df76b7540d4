//! `neuspin import`: a model that every other command takes, or nothing at all.

use super::{fails, json, ok};
use std::fs;
use std::path::Path;

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/qonnx");
    folder.join(name).display().to_string()
}

/// `count` images of 784 values 0 or 1.
fn write_images(path: &Path, count: usize) {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, 784), }}");
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend((0..count * 784).map(|i| u8::from(i * i % 7 < 3 && i % 11 != 5)));
    fs::write(path, bytes).unwrap();
}

#[test]
fn imported_networks_are_inspected_evaluated_and_exact_in_verilator() {
    let folder = tempfile::tempdir().unwrap();
    write_images(&folder.path().join("images.npy"), 12);
    for (name, topology) in [("mlp_784_64_10", "784-64-10"), ("conv_1x28x28", "784-8c3p2-16c3p2-10")] {
        let file = fixture(&format!("{name}.onnx"));
        let args = ["import", &file, "-o", name, "--method", "spatial-spindrop", "--p", "0.15", "--passes", "3"];
        let found = json(folder.path(), &args);
        assert_eq!(found["topology"], topology);
        assert_eq!((found["opset"].as_i64(), found["passes"].as_u64()), (Some(20), Some(3)));
        assert!(ok(folder.path(), &["inspect", name]).contains("by another tool"));
        let proof = ok(folder.path(), &["cosim", name, "--data", "images.npy", "--gap", "0.2", "--stall", "0.2"]);
        assert!(proof.contains("12 of 12 images"), "{proof}");
        let error = fails(folder.path(), &["evaluate", name], 2);
        assert!(error.contains("imported without a data set; give --data FILE.npy"), "{error}");
    }
}

#[test]
fn what_cannot_be_imported_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.onnx"), &fs::read(fixture("conv_1x28x28.onnx")).unwrap()[..9000]).unwrap();
    let file = fixture("mlp_784_64_10.onnx");
    let cases: [(&[&str], &str); 6] = [
        (&["import", "broken.onnx", "-o", "net"], "broken.onnx: not an ONNX model"),
        (&["import", "missing.onnx", "-o", "net"], "missing.onnx"),
        (&["import", &file, "-o", "net", "--method", "spindrop"], "--p has to say how often"),
        (&["import", &file, "-o", "net", "--p", "0.1"], "--method"),
        (&["import", &file, "-o", "net", "--method", "spindrop", "--p", "1"], "--p 1: a probability"),
        (&["import", &file, "-o", "net", "--name", "1st"], "the name `1st`"),
    ];
    for (args, said) in cases {
        let error = fails(folder.path(), args, 2);
        assert!(error.contains(said), "{args:?}: {error}");
        assert!(!folder.path().join("net").exists(), "{args:?}");
    }
}
