//! The self-test: what it flags, what it leaves alone, and what it refuses.

use assert_cmd::Command;
use neuspin::chip::Description;
use neuspin::data::{self, Split};
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Images, Network};
use neuspin::selftest::{Bounds, Rules};
use serde_json::Value;
use std::path::Path;

fn digits(name: &str) -> (Network, Images) {
    let model = Model::read(&Path::new("models").join(name)).unwrap();
    let train = data::load("digits", Split::Train).unwrap();
    (lower(&model).unwrap(), data::encode(&train.first(300), &model.input).unwrap())
}

const RULES: Rules = Rules { vectors: 8, passes: 16, repeats: 8, runs: 200, seed: 1 };

#[test]
fn broken_dies_are_flagged_and_good_ones_are_not() {
    for name in ["digits-spindrop", "digits-scale"] {
        let (network, candidates) = digits(name);
        let bounds = Bounds::find(&network, &candidates, RULES).unwrap();
        assert_eq!(bounds.vectors.len(), 8);
        assert!(bounds.is_for(&network) && bounds.is_for(&Network { seed: 99, passes: 3, ..network.clone() }));
        let flagged =
            |network: &Network, runs| (0..runs).filter(|&run| bounds.check(network, run).unwrap().flagged).count();
        // At most 1 % in calibration; 3 % of 200 fresh runs are four standard deviations above.
        let alarms = flagged(&network, 200);
        assert!(alarms <= 6 + 2, "{name}: {alarms} false alarms");
        let broken = Description::ideal().with([("default.cells.flips", 0.25)]).unwrap();
        let found = (0..20).filter(|&die| {
            let faulty = broken.network(&network, die).unwrap().network;
            assert!(!bounds.is_for(&faulty));
            bounds.check(&faulty, 1000 + die).unwrap().flagged
        });
        assert!(found.count() >= 18, "{name}");
    }
}

#[test]
fn bounds_are_the_same_from_the_same_seed_and_hold_their_vectors() {
    let (network, candidates) = digits("digits-affine");
    let bounds = Bounds::find(&network, &candidates, RULES).unwrap();
    assert_eq!(bounds, Bounds::find(&network, &candidates, RULES).unwrap());
    assert!(bounds.vectors.iter().all(|v| v.inputs == candidates.image(v.image) && v.mean > 0.0 && v.sigma > 0.0));
    // Vectors repeat better than an ordinary candidate does.
    let all = Bounds::find(&network, &candidates, Rules { vectors: 40, ..RULES }).unwrap();
    let relative = |n: usize| all.vectors[n].sigma / all.vectors[n].mean;
    let mean = |range: std::ops::Range<usize>| range.clone().map(relative).sum::<f64>() / range.len() as f64;
    assert!(mean(0..10) < mean(30..40), "{} {}", mean(0..10), mean(30..40));
}

#[test]
fn nothing_is_found_by_impossible_rules() {
    let (network, candidates) = digits("digits-spindrop");
    let said = |network: &Network, rules| Bounds::find(network, &candidates, rules).unwrap_err().to_string();
    assert!(said(&network, Rules { vectors: 301, ..RULES }).contains("of 300 candidates"));
    assert!(said(&network, Rules { runs: 5, ..RULES }).contains("at least 1, 3 and 20"));
    let mut plain = network.clone();
    plain.hidden.iter_mut().for_each(|h| h.method = None);
    assert!(said(&plain, RULES).contains("draws nothing"));
}

#[test]
fn the_command_writes_bounds_and_applies_them() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuspin"));
        let output = command.current_dir(f).args(["selftest"]).args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let few = ["--candidates", "200", "--repeats", "5", "--runs", "100", "--dies", "8", "--vectors", "6"];
    let (code, out, err) = run(&[&["digits-affine", "--json", "--out", "b.json"][..], &few].concat());
    assert_eq!(code, 0, "{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let kinds = json["coverage"].as_array().unwrap();
    let count = |name: &str| kinds.iter().find(|k| k["fault"] == name).unwrap()["flagged"]["count"].as_u64().unwrap();
    assert!(count("20 % of cells stuck") >= count("0.1 % of cells stuck"), "{json}");
    assert!(count("20 % of cells stuck") >= 6, "{json}");
    assert_eq!(json["false_alarms"]["of"], 100);

    let (code, out, _) = run(&["digits-affine", "--check", "b.json"]);
    assert_eq!(code, 0, "{out}");
    std::fs::write(f.join("chip.toml"), "[default.cells]\nflips = 0.3\n").unwrap();
    let (code, out, _) = run(&["digits-affine", "--check", "b.json", "--chip", "chip.toml", "--die", "2"]);
    assert!(code == 1 && out.contains("flagged: this chip is not as it should be"), "{out}");
    let (code, _, err) = run(&["digits-scale", "--check", "b.json"]);
    assert!(code == 2 && err.contains("b.json: bounds of digits_affine, but not of the model digits-scale"), "{err}");
    std::fs::write(f.join("c.json"), "{}").unwrap();
    let (code, _, err) = run(&["digits-affine", "--check", "c.json"]);
    assert!(code == 2 && err.contains("c.json: not the bounds of a self-test"), "{err}");
}
