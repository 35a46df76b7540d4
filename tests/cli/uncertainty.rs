//! `neuspin uncertainty`: its figures hang together, and it says what it left out.

use super::{fails, json, neuspin, ok, run};
use serde_json::Value;
use std::path::Path;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The value, which must lie in its interval.
fn figure(value: &Value) -> f64 {
    let [low, found, high] = ["low", "value", "high"].map(|key| number(&value[key]));
    assert!(low <= found && found <= high, "{value}");
    found
}

#[test]
fn figures_hang_together() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["uncertainty", "digits-spindrop", "--passes", "8", "--against", "uniform,rotate:180,rotate:0"];
    let found = json(folder.path(), &args);
    let evaluated = json(folder.path(), &["evaluate", "digits-spindrop", "--passes", "8"]);
    let own = found["own_data"].as_array().unwrap();
    assert_eq!(own.iter().map(|way| way["passes"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 8]);
    assert_eq!(own[0]["accuracy"]["value"], evaluated["accuracy_deterministic"]);
    assert_eq!(own[2]["accuracy"]["value"], evaluated["accuracy"]);
    assert_eq!(own[2]["calibration_error"]["value"], evaluated["calibration_error"]);
    for way in own {
        for key in ["accuracy", "negative_log_likelihood", "brier", "calibration_error", "entropy"] {
            figure(&way[key]);
        }
        let bins = way["reliability"].as_array().unwrap();
        assert_eq!(bins.iter().map(|bin| bin["images"].as_u64().unwrap()).sum::<u64>(), 500);
    }
    assert_eq!(figure(&own[1]["mutual_information"]), 0.0);
    assert!(figure(&own[2]["mutual_information"]) > 0.0);

    let [uniform, upside_down, same] = found["against"].as_array().unwrap().as_slice() else { panic!("{found}") };
    for n in 0..3 {
        let (noise, turned, same) = (&uniform["ways"][n], &upside_down["ways"][n], &same["ways"][n]);
        assert!(figure(&noise["auroc"]) > 0.8 && noise["accuracy"].is_null(), "{noise}");
        assert!(figure(&turned["auroc"]) > 0.6 && number(&turned["accuracy"]) < 0.6, "{turned}");
        // The same images: every score has its equal, and what is accepted is not detected.
        assert_eq!(same["auroc"]["value"], 0.5);
        assert_eq!(same["accuracy"], own[n]["accuracy"]["value"]);
        let accepted = number(&found["thresholds"][n]["accepted"]);
        assert!((0.95..0.97).contains(&accepted) && (accepted + figure(&same["detected"]) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn scores_rules_and_one_pass_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let base = ["uncertainty", "digits-spindrop", "--against", "gaussian", "--limit", "200"];
    let with = |more: &[&str]| json(folder.path(), &[&base, more].concat());
    let one = with(&["--passes", "1", "--score", "mutual-information"]);
    assert_eq!(one["own_data"].as_array().unwrap().len(), 2);
    // One pass cannot disagree with itself.
    assert_eq!(one["against"][0]["ways"][1]["auroc"]["value"], 0.5);
    let by_class = with(&["--class-wise", "--score", "max-softmax", "--acceptance", "0.8"]);
    assert_eq!(by_class["thresholds"][2]["classes"].as_array().unwrap().len(), 10);
    assert_eq!(with(&[]), with(&[]));
    assert_ne!(with(&[])["against"], with(&["--data-seed", "2"])["against"]);

    let text = ok(folder.path(), &[&base[..], &["--against", "rotate"]].concat());
    for line in ["on its own data", "mean confidence", "AUPR", "turned by, 16 passes", "180°"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn early_stop_is_measured_beside_all_passes() {
    let folder = tempfile::tempdir().unwrap();
    let base = ["uncertainty", "digits-spindrop", "--passes", "8", "--against", "uniform"];
    let with = |rule: &str| json(folder.path(), &[&base[..], &["--early-stop", rule]].concat());
    let (plain, found) = (json(folder.path(), &base), with("2:1.0"));
    // What was there before stays as it was.
    for key in ["own_data", "thresholds"] {
        assert_eq!(found[key].as_array().unwrap()[..3], plain[key].as_array().unwrap()[..], "{key}");
    }
    let (own, noise) = (&found["own_data"][3], &found["against"][0]["ways"][3]);
    let evaluated = json(folder.path(), &["evaluate", "digits-spindrop", "--passes", "8", "--early-stop", "2:1.0"]);
    assert_eq!(own["accuracy"]["value"], evaluated["accuracy"]);
    // Doubtful images take more passes.
    let [few, more] = [own, noise].map(|way| number(&way["mean_passes"]));
    assert!(2.0 < few && few < more && more < 8.0, "{few}, {more}");
    // A lead that no image has: all passes, and all figures are those of all passes.
    let never = with("2:1000");
    assert_eq!(never["own_data"][3]["mean_passes"], 8.0);
    assert_eq!(never["own_data"][3]["brier"], never["own_data"][2]["brier"]);
    assert_eq!(never["against"][0]["ways"][3]["auroc"], never["against"][0]["ways"][2]["auroc"]);
}

/// The contract's bound is 0.0017 · H + 0.0024 nats an image; the largest entropy of ten classes is ln 10.
#[test]
fn the_chip_says_nearly_the_same_and_not_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let base = ["uncertainty", "digits-spindrop", "--against", "uniform", "--passes", "8", "--limit", "200"];
    for score in ["entropy", "mutual-information", "max-softmax", "largest-logit"] {
        let [host, chip] = [&["--score", score][..], &["--score", score, "--chip"]]
            .map(|more| json(folder.path(), &[&base[..], more].concat()));
        assert_eq!((&host["chip"], &chip["chip"]), (&Value::Bool(false), &Value::Bool(true)));
        for n in 0..3 {
            let of = |found: &Value, key: &str| figure(&found["own_data"][n][key]);
            assert_eq!(of(&host, "accuracy"), of(&chip, "accuracy"));
            let (h, c) = (of(&host, "entropy"), of(&chip, "entropy"));
            assert!(h != c && (h - c).abs() <= 0.0017 * h + 0.0024, "{h} and {c}");
            let ways = |found: &Value| found["against"][0]["ways"][n].clone();
            let [h, c] = [&host, &chip].map(|found| figure(&ways(found)["detected"]));
            assert!((h - c).abs() < 0.03, "{score}: {h} and {c} detected");
            // Images surer than the chip's numbers can say are equal there and share their win: 1/1024 octave of a
            // probability near 1, 1/4096 octave of an entropy.
            let most = if score == "max-softmax" { 0.1 } else { 0.03 };
            let [h, c] = [&host, &chip].map(|found| figure(&ways(found)["auroc"]));
            assert!((h - c).abs() < most, "{score}: {h} and {c}");
            // Sums of logits are integers wherever they are read.
            assert!(score != "largest-logit" || h == c);
        }
    }
    let text = ok(folder.path(), &[&base[..], &["--chip"]].concat());
    assert!(text.contains("fixed point, as on the chip"), "{text}");
}

#[test]
fn other_data_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["--chip", "--score", "mutual-information", "--passes", "1"], "at least 2 passes"),
        (&["--against", "cats"], "uniform, gaussian, rotate"),
        (&["--against", "rotate:far"], "rotate:90"),
        (&["--against", "nothing.npy"], "nothing.npy"),
        (&["--acceptance", "1.2"], "above 0 and at most 1"),
        (&["--data", "mnist"], "make data"),
        (&["--limit", "0"], "at least 1"),
    ];
    for (args, said) in cases {
        let error = fails(folder.path(), &[&["uncertainty", "digits-spindrop"], args].concat(), 2);
        assert!(error.contains(said), "{args:?}: {error}");
    }
}

/// The test part of MNIST as it is published, but with stripes for digits.
fn write_stripes(folder: &Path) {
    let header = |dims: &[u32]| {
        let mut bytes = vec![0, 0, 8, dims.len() as u8];
        bytes.extend(dims.iter().flat_map(|d| d.to_be_bytes()));
        bytes
    };
    let stripe = |p: u32| if p / 784 % 10 == p % 28 / 3 { 255 } else { 0 };
    let images = header(&[10_000, 28, 28]).into_iter().chain((0..7_840_000).map(stripe)).collect::<Vec<u8>>();
    let labels = header(&[10_000]).into_iter().chain((0..10_000u32).map(|n| (n % 10) as u8)).collect::<Vec<u8>>();
    let folder = folder.join("mnist");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("t10k-images-idx3-ubyte"), images).unwrap();
    std::fs::write(folder.join("t10k-labels-idx1-ubyte"), labels).unwrap();
}

#[test]
fn sets_that_were_not_fetched_are_left_out_unless_named() {
    let folder = tempfile::tempdir().unwrap();
    write_stripes(folder.path());
    let here = |args: &[&str]| {
        let base = ["uncertainty", "mnist-spindrop-1bit", "--limit", "40", "--passes", "2"];
        run(neuspin(folder.path(), &[&base, args].concat()).env("NEUSPIN_DATA", "."))
    };
    let (code, _, error) = here(&[]);
    assert!(code == 0 && error.contains("left out: data set `fashion-mnist`"), "{error}");
    let (code, out, error) = here(&["--json"]);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, error.as_str(), &found["missing"]), (0, "", &serde_json::json!(["fashion-mnist"])));
    assert_eq!(found["against"].as_array().unwrap().len(), 2 + 12);
    let (code, _, error) = here(&["--against", "uniform,fashion-mnist"]);
    assert!(code == 2 && error.contains("--against fashion-mnist") && error.contains("make data"), "{error}");
}

#[test]
fn parts_and_thresholds_that_contradict_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["calibrate", "digits-spindrop", "--out", "one.json"]);
    ok(folder.path(), &["calibrate", "digits-spindrop", "--class-wise", "--out", "each.json"]);
    let cases: [(&[&str], &str); 7] = [
        (&["--uncertainty", "none,mean"], "with nothing else"),
        (&["--uncertainty", "none", "--thresholds", "one.json"], "without --thresholds"),
        (&["--uncertainty", "flag,class-flag"], "not both"),
        (&["--uncertainty", "flag", "--thresholds", "each.json"], "class-flag instead of flag"),
        (&["--uncertainty", "class-flag", "--thresholds", "one.json"], "calibrate --class-wise"),
        (&["--thresholds", "one.json", "--passes", "4"], "calibrate with --passes 4"),
        (&["--thresholds", "none.json"], "none.json"),
    ];
    for (args, said) in cases {
        let error = fails(folder.path(), &[&["generate", "digits-spindrop"], args].concat(), 2);
        assert!(error.contains(said), "{args:?}: {error}");
    }
    let error = fails(folder.path(), &["generate", "digits-scale", "--thresholds", "one.json"], 2);
    assert!(error.contains("thresholds of `digits_spindrop`"), "{error}");
    assert!(!folder.path().join("hdl_out").exists());
}
