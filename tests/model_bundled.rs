//! The bundled models: they follow the published schema, load, and are as accurate as they must be.

use neuspin::data::{self, Split};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const BUNDLED: [&str; 16] = [
    "digits-affine",
    "digits-conv",
    "digits-scale",
    "digits-spatial",
    "digits-spinbayes",
    "digits-spinbayes-4level",
    "digits-spindrop",
    "digits-subset",
    "mnist-affine",
    "mnist-lenet",
    "mnist-scale",
    "mnist-spatial",
    "mnist-spinbayes",
    "mnist-spindrop-1bit",
    "mnist-spindrop-8bit",
    "mnist-subset",
];

fn manifest(name: &str) -> Value {
    serde_json::from_slice(&fs::read(Path::new("models").join(name).join("model.json")).unwrap()).unwrap()
}

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_slice(&fs::read("docs/model.schema.json").unwrap()).unwrap()).unwrap()
}

#[test]
fn every_bundled_manifest_follows_the_schema() {
    let entries = fs::read_dir("models").unwrap().map(|e| e.unwrap()).filter(|e| e.path().is_dir());
    let mut found: Vec<String> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, BUNDLED);
    for name in BUNDLED {
        let errors: Vec<String> = schema().iter_errors(&manifest(name)).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

/// What the reader refuses, the schema refuses too, as far as one field tells.
#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 14] = [
        ("version", |m| m["version"] = json!(4)),
        ("format", |m| m["format"] = json!("onnx")),
        ("unknown field", |m| m["colour"] = json!("red")),
        ("missing field", |m| drop(m.as_object_mut().unwrap().remove("seed"))),
        ("name", |m| m["name"] = json!("1st")),
        ("passes", |m| m["passes"] = json!(0)),
        ("temperature", |m| m["temperature"] = json!(0)),
        ("bits", |m| m["input"]["bits"] = json!(9)),
        ("signed bit", |m| {
            m["input"] = json!({"features": 64, "bits": 1, "signed": true, "dataset": "digits",
                                "encoding": {"method": "threshold", "at": 8}})
        }),
        ("encoding", |m| m["input"]["encoding"] = json!({"method": "threshold", "at": 8})),
        ("p", |m| m["layers"][0]["method"]["p"] = json!(1.5)),
        ("width", |m| m["layers"][0]["outputs"] = json!(0)),
        ("layers", |m| m["layers"].as_array_mut().unwrap().truncate(1)),
        ("path", |m| m["tensors"]["file"] = json!("../x")),
    ];
    for (what, change) in changes {
        let mut changed = manifest("digits-spindrop");
        change(&mut changed);
        assert!(!schema().is_valid(&changed), "{what}");
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("model.json"), changed.to_string()).unwrap();
        let tensors = manifest("digits-spindrop")["tensors"]["file"].as_str().unwrap().to_string();
        fs::copy(Path::new("models/digits-spindrop").join(&tensors), dir.path().join(&tensors)).unwrap();
        assert!(Model::read(dir.path()).is_err(), "{what}");
    }
}

#[test]
fn bundled_models_are_written_to_the_bytes_they_were_read_from() {
    for name in BUNDLED {
        let from = Path::new("models").join(name);
        let to = tempfile::tempdir().unwrap();
        Model::read(&from).unwrap().write(to.path()).unwrap();
        for entry in fs::read_dir(&from).unwrap() {
            let file = entry.unwrap().file_name();
            assert_eq!(fs::read(to.path().join(&file)).unwrap(), fs::read(from.join(&file)).unwrap(), "{file:?}");
        }
    }
}

/// Share of the test images that the mean of 16 passes classifies correctly.
fn test_accuracy(name: &str) -> f64 {
    let model = Model::read(&Path::new("models").join(name)).unwrap();
    let test = data::load(&model.input.dataset, Split::Test).unwrap();
    let images = data::encode(&test, &model.input).unwrap();
    let results = Golden::new(&lower(&model).unwrap()).unwrap().run(&images, 0, 16).unwrap();
    let right = results.iter().zip(&test.labels).filter(|(r, label)| r.class == usize::from(**label)).count();
    right as f64 / test.len() as f64
}

#[test]
fn the_digits_networks_are_as_accurate_as_they_must_be() {
    for (name, floor) in [
        ("digits-spindrop", 0.965),
        ("digits-spatial", 0.965),
        ("digits-scale", 0.955),
        ("digits-affine", 0.955),
        ("digits-subset", 0.975),
        ("digits-conv", 0.975),
        ("digits-spinbayes", 0.960),
        ("digits-spinbayes-4level", 0.960),
    ] {
        let found = test_accuracy(name);
        assert!(found >= floor, "{name}: {found}");
    }
}

/// What the reader refuses of methods, the schema refuses too.
#[test]
fn the_schema_refuses_methods_that_the_reader_refuses() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 9] = [
        ("digits-scale", |m| m["layers"][0]["method"]["p"] = json!(-1)),
        ("digits-scale", |m| m["layers"][0]["norm"] = json!(null)),
        ("digits-affine", |m| m["layers"][0]["norm"] = m["layers"][2]["norm"].clone()),
        ("digits-affine", |m| m["layers"][0]["bias"] = json!(true)),
        ("digits-affine", |m| m["layers"][0]["method"]["drops"] = json!("row")),
        ("digits-subset", |m| m["layers"][0]["method"]["bits"] = json!(7)),
        ("digits-spinbayes", |m| m["layers"][0]["method"]["crossbars"] = json!(1)),
        ("digits-spindrop", |m| m["layers"][0]["method"]["place"] = json!("above")),
        ("digits-spindrop", |m| m["layers"][0]["method"]["kind"] = json!("dropconnect")),
    ];
    for (name, change) in changes {
        let mut changed = manifest(name);
        change(&mut changed);
        assert!(!schema().is_valid(&changed), "{name}: {}", changed["layers"][0]);
        let dir = tempfile::tempdir().unwrap();
        let tensors = manifest(name)["tensors"]["file"].as_str().unwrap().to_string();
        fs::copy(Path::new("models").join(name).join(&tensors), dir.path().join(&tensors)).unwrap();
        fs::write(dir.path().join("model.json"), changed.to_string()).unwrap();
        assert!(Model::read(dir.path()).is_err(), "{name}: {}", changed["layers"][0]);
    }
}

#[test]
#[ignore = "needs `make data`"]
fn the_mnist_networks_are_as_accurate_as_they_must_be() {
    for (name, floor) in [
        ("mnist-spindrop-1bit", 0.974),
        ("mnist-spindrop-8bit", 0.980),
        ("mnist-scale", 0.970),
        ("mnist-lenet", 0.985),
        ("mnist-affine", 0.970),
        ("mnist-subset", 0.970),
        ("mnist-spinbayes", 0.970),
    ] {
        let found = test_accuracy(name);
        assert!(found >= floor, "{name}: {found}");
    }
}
