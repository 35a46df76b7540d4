//! `neuspin faults`: every die counts, on any number of threads.

use super::{fails, json, neuspin, ok, run};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The value, which must lie in its interval but for rounding.
fn figure(value: &Value) -> f64 {
    let [low, found, high] = ["low", "value", "high"].map(|key| number(&value[key]));
    assert!(low <= found + 1e-12 && found <= high + 1e-12, "{value}");
    found
}

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let base = ["faults", "digits-spindrop", "digits-affine", "--limit", "100", "--dies", "3", "--passes", "2"];
    [&base[..], more].concat()
}

#[test]
fn dies_have_figures_in_their_interval_and_nonsense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let flips = with(&["--kind", "flips", "--rates", "0,0.3"]);
    let found = json(folder.path(), &flips);
    for network in found["networks"].as_array().unwrap() {
        let [clean, faulty] = [0, 1].map(|n| &network["rates"][n]);
        assert!(figure(&clean["accuracy"]) > figure(&faulty["accuracy"]), "{network}");
        let [low, high] = ["low", "high"].map(|key| number(&clean["accuracy"][key]));
        assert!((high - low).abs() < 1e-12, "{clean}");
        let dies: Vec<f64> = faulty["dies"].as_array().unwrap().iter().map(number).collect();
        assert!((dies.iter().sum::<f64>() / 3.0 - figure(&faulty["accuracy"])).abs() < 1e-12 && dies.len() == 3);
    }
    let threads = |n: &str| {
        run(neuspin(folder.path(), &with(&["--kind", "conductance", "--rates", "0.8"])).env("RAYON_NUM_THREADS", n))
    };
    assert_eq!(threads("1"), threads("3"));
    let text = ok(folder.path(), &flips);
    assert!(text.contains("digits-affine: 2 passes of 100 images") && text.contains("flips"), "{text}");

    let cases: [(&[&str], &str); 4] = [
        (&["--kind", "flips", "--rates", "1.5"], "0 (no fault) to 1"),
        (&["--kind", "drift", "--rates", "NaN"], "0 (no fault) to 1"),
        (&["--kind", "rust", "--rates", "0.1"], "conductance"),
        (&["--kind", "flips"], "--rates"),
    ];
    for (args, said) in cases {
        let error = fails(folder.path(), &with(args), 2);
        assert!(error.contains(said), "{args:?}: {error}");
    }
    let one = fails(folder.path(), &["faults", "digits-spindrop", "--kind", "flips", "--rates", "0", "--dies", "1"], 2);
    assert!(one.contains("2..=100000"), "{one}");
    let none =
        fails(folder.path(), &["faults", "digits-spindrop", "--kind", "flips", "--rates", "0", "--limit", "0"], 2);
    assert!(none.contains("at least 1"), "{none}");
}
