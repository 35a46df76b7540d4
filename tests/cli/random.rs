//! `neuspin rng`, and sources that share registers.

use super::{fails, json, neuspin, ok, run};
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::quality::{Consumed, raw_bytes};
use std::path::Path;

fn model() -> Model {
    Model::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/digits-spindrop")).unwrap()
}

#[test]
fn a_source_that_shares_bits_is_refused_unless_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let generate =
        ["generate", "digits-spindrop", "--source", "galois,steps=1", "--target-luts", "3000", "--out", "design"];
    let said = fails(folder.path(), &generate, 2);
    assert!(said.contains("times as much as with independent draws") && said.contains("leave steps out"), "{said}");
    assert!(!folder.path().join("design").exists());
    let accepting = [&generate[..], &["--accept-sharing"]].concat();
    let (code, _, said) = run(&mut neuspin(folder.path(), &accepting));
    assert!(code == 0 && said.starts_with("warning: layer"), "{said}");
    assert!(folder.path().join("design/manifest.json").is_file());
}

#[test]
fn rng_reports_on_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let sources = ["rng", "digits-spindrop", "--source", "lut", "--source", "galois,steps=1", "--no-cost"];
    let found = json(folder.path(), &[&sources[..], &["--bits", "20000", "--images", "20"]].concat());
    let [lut, shared] = &found["sources"].as_array().unwrap()[..] else { panic!("{found}") };
    assert_eq!(lut["period"], "2^64 - 1 steps");
    assert_eq!(lut["sp800_22"].as_array().unwrap().len(), 15);
    assert!(lut["sp800_22"][9]["lacks"].is_string(), "20,000 bits are too few for the tenth test");
    let refused =
        |source: &serde_json::Value| source["sharing"].as_array().unwrap().iter().any(|s| s["refused"] == true);
    assert!(!refused(lut) && refused(shared), "{found}");
    let worst = |source: &serde_json::Value| {
        let all = source["correlations"].as_array().unwrap().iter();
        all.map(|c| c["score"].as_f64().unwrap().abs()).fold(0.0, f64::max)
    };
    assert!(worst(lut) < 5.0 && worst(shared) > 20.0, "{} {}", worst(lut), worst(shared));
}

#[test]
fn raw_bits_are_what_the_network_consumes() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["rng", "digits-spindrop", "--source", "automaton", "--raw", "bits.bin", "--bits", "1000003"]);
    let mut network = lower(&model()).unwrap();
    network.random.source = neuspin::net::Family::Automaton.into();
    let due = raw_bytes(&Consumed::new(&network).unwrap().bits(1_000_003));
    assert!(std::fs::read(folder.path().join("bits.bin")).unwrap() == due);
    let two = ["rng", "digits-spindrop", "--raw", "-", "--source", "lut", "--source", "pair"];
    assert!(fails(folder.path(), &two, 2).contains("one --source"));
    let endless = ["rng", "digits-spindrop", "--raw", "bits.bin", "--bits", "0"];
    assert!(fails(folder.path(), &endless, 2).contains("standard output"));
}

#[test]
fn recorded_bits_are_a_source() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["rng", "digits-spindrop", "--source", "lut", "--raw", "bits.bin", "--bits", "1600000"]);
    let arguments = ["evaluate", "digits-spindrop", "--limit", "50", "--source", "replay=bits.bin"];
    assert!(json(folder.path(), &arguments)["accuracy"].as_f64().unwrap() > 0.8);
    let missing = ["evaluate", "digits-spindrop", "--source", "replay=none.bin"];
    assert!(fails(folder.path(), &missing, 2).contains("none.bin"));
}
