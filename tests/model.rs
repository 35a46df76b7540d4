//! Model files: they round-trip to the byte, and whatever is wrong with one is said with file, layer and field.

use neuspin::model::{
    Affine, BatchNorm, Crossbar, Crossbars, Dense, Draw, Dropout, Encoding, InputSpec, Method, Model, ScaleDropout,
    Subset, Training, before_sign, forward,
};
use neuspin::net::{Conv, Drops, Map, Pad, Place, Pool, PoolKind, Weights};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

fn dense(inputs: usize, outputs: usize, p: Option<f64>) -> Dense {
    let values = |scale: f64| (0..outputs).map(|o| scale * (o as f64 + 0.1)).collect();
    Dense {
        weights: Weights::from_fn(outputs, inputs, |o, i| (o * 7 + i * 3) % 5 < 2),
        bias: None,
        norm: Some(BatchNorm {
            gamma: values(0.7),
            beta: values(-1.0 / 3.0),
            mean: values(0.2),
            var: values(1e-7),
            eps: 1e-5,
        }),
        method: p.map(Method::spindrop),
        conv: None,
        residual: None,
    }
}

fn model() -> Model {
    Model {
        name: "small-1".into(),
        description: "A model for tests.".into(),
        command: "none".into(),
        training: Some(Training { seed: u64::MAX, epochs: 3, best_epoch: 2, validation_accuracy: 1.0 / 3.0 }),
        input: InputSpec {
            features: 6,
            bits: 4,
            signed: true,
            dataset: "digits".into(),
            encoding: Encoding::Shift { right: 1 },
            dropout: None,
        },
        passes: 16,
        seed: u64::MAX - 1,
        temperature: 0.1 + 0.2,
        layers: vec![
            Dense { bias: Some(vec![0.1, -0.2, 0.3, 5e-324]), ..dense(6, 4, Some(0.1)) },
            dense(4, 5, None),
            dense(5, 3, None),
        ],
    }
}

/// A model with a hidden layer of 4 neurons for every method.
fn all_methods() -> Model {
    let values = |scale: f64| (0..4).map(|o| scale * (f64::from(o) + 0.3)).collect::<Vec<f64>>();
    let layer = |method: Method| Dense { method: Some(method), ..dense(4, 4, None) };
    let crossbar = |n: usize| Crossbar {
        weights: Weights::from_fn(4, 4, |o, i| (o + i + n).is_multiple_of(3)),
        bias: Some(values(n as f64)),
        norm: dense(4, 4, None).norm.unwrap(),
    };
    let affine = Affine { p: 0.3, drops: Drops::Element, groups: 2, gamma: values(-1.0), beta: values(0.5) };
    let mut m = model();
    m.layers = vec![
        Dense { method: None, ..dense(6, 4, None) },
        layer(Method::Spindrop(Dropout { p: 0.1, place: Place::BeforeSign })),
        layer(Method::SpatialSpindrop(Dropout { p: 0.1, place: Place::AfterSign })),
        layer(Method::Scale(ScaleDropout { p: 0.2, alpha: values(1.0) })),
        Dense { norm: None, ..layer(Method::Affine(affine.clone())) },
        Dense { norm: None, ..layer(Method::Affine(Affine { drops: Drops::Vector, groups: 1, ..affine })) },
        layer(Method::Subset(Subset { bits: 16, mu: values(-0.7), sigma: values(0.1) })),
        Dense {
            bias: Some(values(0.1)),
            ..layer(Method::Spinbayes(Crossbars { others: vec![crossbar(1), crossbar(2), crossbar(3)] }))
        },
        dense(4, 3, None),
    ];
    m
}

/// A model with dropped inputs, and SpinBayes in its output layer.
fn version_3() -> Model {
    let mut m = model();
    let input = &mut m.input;
    (input.bits, input.signed, input.encoding) = (1, false, Encoding::Threshold { at: 8 });
    input.dropout = Some(0.25);
    let other = Crossbar { weights: Weights::zeros(3, 5), bias: None, norm: dense(5, 3, None).norm.unwrap() };
    m.layers[2].method = Some(Method::Spinbayes(Crossbars { others: vec![other] }));
    m
}

/// A convolution of a map of 2 × 3, pooled, before a dense layer.
fn with_convolution() -> Model {
    let mut m = model();
    let pool = Pool { kind: PoolKind::Or, size: (1, 2), stride: (1, 1) };
    let pad = Pad { left: 1, ..Pad::default() };
    let input = Map { height: 2, width: 3, channels: 1 };
    let conv = Conv { input, kernel: (2, 2), stride: (1, 1), pad, pool: Some(pool) };
    let dropout = Method::SpatialSpindrop(Dropout { p: 0.1, place: Place::AfterSign });
    m.layers = vec![Dense { conv: Some(conv), method: Some(dropout), ..dense(4, 2, None) }, dense(4, 3, None)];
    m
}

#[test]
fn convolutions_that_do_not_fit_are_refused() {
    type Change = fn(&mut Value);
    let cases: [(Change, &[&str]); 8] = [
        (|m| m["version"] = json!(2), &["a convolution: not a field of version 2"]),
        (|m| m["layers"][0]["kind"] = json!("dense"), &["layer 0, conv", "one of kind `dense` has it not"]),
        (|m| drop(m["layers"][0].as_object_mut().unwrap().remove("conv")), &["layer 0, conv", "of kind `conv` has"]),
        (|m| m["layers"][0]["conv"]["input"]["width"] = json!(4), &["layer 0, conv: a map of 2 × 4 × 1", "gives 6"]),
        (|m| m["layers"][0]["conv"]["kernel"] = json!([1, 2]), &["weights for 4 inputs, but the kernel covers 2"]),
        (|m| m["layers"][0]["conv"]["stride"] = json!([0, 1]), &["layer 0, conv: stride 0 × 1"]),
        (|m| m["layers"][0]["conv"]["pad"]["left"] = json!(2), &["layer 0, conv", "outside the map"]),
        (|m| m["layers"][0]["conv"]["pool"]["size"] = json!([3, 1]), &["layer 0, conv: pooling over 3 × 1 of 1 × 3"]),
    ];
    for (change, expected) in cases {
        assert_says(&Files::of(&with_convolution()).manifest_error(change), expected);
    }
    let mut last = with_convolution();
    last.layers.pop();
    last.layers.insert(0, dense(6, 6, None));
    let said = last.check().unwrap_err().to_string();
    assert!(said.contains("layer 1, conv: the last layer gives logits and is dense"), "{said}");
}

/// A written model, to be damaged.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        Files::of(&model())
    }

    fn of(model: &Model) -> Files {
        let dir = tempfile::tempdir().unwrap();
        model.write(dir.path()).unwrap();
        Files { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn manifest(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path().join("model.json")).unwrap()).unwrap()
    }

    fn tensors(&self) -> PathBuf {
        self.path().join(self.manifest()["tensors"]["file"].as_str().unwrap())
    }

    /// The error after changing the manifest.
    fn with_manifest(change: impl FnOnce(&mut Value)) -> String {
        Files::new().manifest_error(change)
    }

    fn manifest_error(self, change: impl FnOnce(&mut Value)) -> String {
        let files = self;
        let mut manifest = files.manifest();
        change(&mut manifest);
        fs::write(files.path().join("model.json"), manifest.to_string()).unwrap();
        files.error()
    }

    /// The error after changing the tensor file, with a manifest that has its hash.
    fn with_tensors(change: impl FnOnce(&mut Vec<u8>)) -> String {
        Files::new().tensor_error(change)
    }

    fn tensor_error(self, change: impl FnOnce(&mut Vec<u8>)) -> String {
        let files = self;
        let mut bytes = fs::read(files.tensors()).unwrap();
        change(&mut bytes);
        fs::write(files.tensors(), &bytes).unwrap();
        let mut manifest = files.manifest();
        let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        manifest["tensors"]["sha256"] = json!(hash);
        fs::write(files.path().join("model.json"), manifest.to_string()).unwrap();
        files.error()
    }

    fn error(&self) -> String {
        Model::read(self.path()).unwrap_err().to_string()
    }
}

fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{error}` does not say `{part}`");
    }
}

/// Replaces the first value of the tensor `name`, whose offset its header tells.
fn overwrite(bytes: &mut [u8], name: &str, value: &[u8]) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let at = 8 + length + header[name]["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[at..at + value.len()].copy_from_slice(value);
}

#[test]
fn a_model_reads_back_as_it_was_written() {
    for model in [model(), all_methods(), version_3(), with_convolution()] {
        assert_eq!(Model::read(Files::of(&model).path()).unwrap(), model);
    }
}

#[test]
fn a_manifest_has_the_lowest_version_that_says_all_of_the_model() {
    let schema: Value = serde_json::from_slice(&fs::read("docs/model.schema.json").unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    type Change = fn(&mut Model);
    let cases: [(Change, u64); 4] = [
        (|_| (), 3),
        (|m| m.input.dropout = None, 3),
        (|m| m.layers[2].method = None, 3),
        (|m| (m.input.dropout, m.layers[2].method) = (None, None), 2),
    ];
    for (change, version) in cases {
        let mut model = version_3();
        change(&mut model);
        let mut manifest = Files::of(&model).manifest();
        assert_eq!(manifest["version"], version);
        let errors: Vec<String> = schema.iter_errors(&manifest).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        manifest["version"] = json!(2);
        assert_eq!(schema.is_valid(&manifest), model.input.dropout.is_none());
    }
    assert_says(
        &Files::of(&version_3()).manifest_error(|m| m["version"] = json!(2)),
        &["input.dropout: not a field of version 2"],
    );
}

#[test]
fn weights_of_several_levels_say_how_many_planes_they_have() {
    let mut several = all_methods();
    for layer in &mut several.layers[..2] {
        let (rows, cols) = (layer.weights.rows(), layer.weights.cols());
        layer.weights = Weights::from_values(2, rows, cols, |o, i| (3 * o + i) as i32 % 4);
        layer.method = None;
        layer.norm = dense(cols, rows, None).norm;
    }
    let files = Files::of(&several);
    assert_eq!(Model::read(files.path()).unwrap(), several);
    assert_eq!((&files.manifest()["version"], &files.manifest()["layers"][0]["weight_planes"]), (&json!(3), &json!(2)));
    let told = |change: fn(&mut Value)| Files::of(&several).manifest_error(change);
    assert_says(&told(|m| m["version"] = json!(2)), &["weight_planes: not a field of version 2"]);
    assert_says(&told(|m| m["layers"][1]["weight_planes"] = json!(8)), &["layer 1, weight_planes: 8; 1 to 7"]);
    assert_says(&told(|m| m["layers"][1]["weight_planes"] = json!(1)), &["layers.1.weight", "a weight is 1 or -1"]);
    several.layers[0].weights = Weights::from_values(8, 4, 6, |_, _| 0);
    let error = several.write(tempfile::tempdir().unwrap().path()).unwrap_err().to_string();
    assert_says(&error, &["layer 0, weight: 8 planes; at most 7"]);
}

#[test]
fn a_manifest_of_version_1_is_read_as_what_it_meant() {
    let files = Files::new();
    let mut manifest = files.manifest();
    manifest["version"] = json!(1);
    for (layer, dropout) in [(0, json!({"method": "spindrop", "p": 0.1})), (1, json!(null)), (2, json!(null))] {
        let layer = manifest["layers"][layer].as_object_mut().unwrap();
        layer.remove("method");
        layer.insert("dropout".into(), dropout);
    }
    fs::write(files.path().join("model.json"), manifest.to_string()).unwrap();
    assert_eq!(Model::read(files.path()).unwrap(), model());
    // Each version has its own fields alone.
    assert_says(&Files::with_manifest(|m| m["version"] = json!(1)), &["unknown field `method`"]);
    assert_says(&Files::with_manifest(|m| m["layers"][0]["dropout"] = json!(null)), &["unknown field `dropout`"]);
}

#[test]
fn a_model_that_was_read_is_written_to_the_same_bytes() {
    let files = Files::of(&all_methods());
    let again = tempfile::tempdir().unwrap();
    Model::read(files.path()).unwrap().write(again.path()).unwrap();
    let contents = |dir: &Path| {
        let mut all: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
        all.sort();
        all.into_iter().map(|p| (p.file_name().unwrap().to_owned(), fs::read(&p).unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(contents(again.path()).len(), 2);
    assert_eq!(contents(again.path()), contents(files.path()));
}

#[test]
fn writing_replaces_the_model_that_was_there_and_nothing_else() {
    let files = Files::new();
    let old = files.tensors();
    fs::write(files.path().join("notes.txt"), "mine").unwrap();
    let mut changed = model();
    changed.layers[2].norm.as_mut().unwrap().beta[0] = 9.0;
    changed.write(files.path()).unwrap();
    assert_eq!(Model::read(files.path()).unwrap(), changed);
    assert!(!old.exists(), "the tensor file of the model before is removed");
    assert_eq!(fs::read_dir(files.path()).unwrap().count(), 3);
}

#[test]
fn a_model_that_cannot_be_written_leaves_the_one_that_was_there() {
    let files = Files::new();
    let mut wrong = model();
    wrong.layers[0].norm.as_mut().unwrap().var[1] = f64::NAN;
    assert_says(&wrong.write(files.path()).unwrap_err().to_string(), &["model `small-1`", "layer 0, norm.var", "NaN"]);
    assert_eq!(Model::read(files.path()).unwrap(), model());
}

#[test]
fn missing_files_are_named() {
    let files = Files::new();
    fs::remove_file(files.tensors()).unwrap();
    assert_says(&files.error(), &[files.path().to_str().unwrap(), ".safetensors", "No such file"]);
    fs::remove_file(files.path().join("model.json")).unwrap();
    assert_says(&files.error(), &["model.json", "No such file"]);
}

#[test]
fn truncated_manifests_are_refused_at_every_length() {
    let files = Files::new();
    let path = files.path().join("model.json");
    let text = fs::read(&path).unwrap();
    for length in 0..text.len() - 2 {
        fs::write(&path, &text[..length]).unwrap();
        assert_says(&files.error(), &["model.json: not a model manifest"]);
    }
}

#[test]
fn truncated_tensors_are_refused_at_every_length() {
    let length = fs::metadata(Files::new().tensors()).unwrap().len() as usize;
    for kept in [0, 1, 7, 8, 9, 100, length / 2, length - 1] {
        assert_says(&Files::with_tensors(|bytes| bytes.truncate(kept)), &[".safetensors: not a safetensors file"]);
    }
}

#[test]
fn foreign_files_are_refused() {
    assert_says(&Files::with_manifest(|m| *m = json!({"name": "x"})), &["format: ``", "`neuspin-model`"]);
    assert_says(&Files::with_manifest(|m| *m = json!([1, 2])), &["not a model manifest"]);
    assert_says(
        &Files::with_tensors(|b| *b = b"PK\x03\x04 something else entirely".to_vec()),
        &["not a safetensors file"],
    );
    assert_says(&Files::with_tensors(|b| b[..8].fill(0xff)), &["not a safetensors file"]);
}

#[test]
fn a_file_that_is_far_too_large_is_not_read() {
    let files = Files::new();
    fs::File::create(files.tensors()).unwrap().set_len(1 << 40).unwrap();
    assert_says(&files.error(), &[".safetensors: whole file: more than the"]);
    fs::File::create(files.path().join("model.json")).unwrap().set_len(1 << 40).unwrap();
    assert_says(&files.error(), &["model.json: whole file: more than the"]);
}

#[test]
fn a_tensor_file_of_another_model_is_refused_by_its_hash() {
    let files = Files::new();
    let mut bytes = fs::read(files.tensors()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(files.tensors(), bytes).unwrap();
    assert_says(&files.error(), &["SHA-256", "not the file it was"]);
}

#[test]
fn manifests_that_ask_for_the_impossible_are_refused() {
    type Change = fn(&mut Value);
    let cases: &[(Change, &[&str])] = &[
        (
            |m| m["input"]["dropout"] = json!(0.1),
            &["input.dropout: not a field of version 2", "a manifest with it says version 3"],
        ),
        (
            |m| {
                m["version"] = json!(3);
                m["input"]["dropout"] = json!(0.1);
            },
            &["input.dropout: inputs of 4 bits", "use 1-bit inputs"],
        ),
        (|m| m["version"] = json!(4), &["model.json: version: 4", "reads versions 1 to 3"]),
        (|m| m["format"] = json!("onnx"), &["format: `onnx`"]),
        (|m| m["colour"] = json!("red"), &["unknown field `colour`"]),
        (|m| m["name"] = json!("1st"), &["name: `1st`", "start with a letter"]),
        (|m| m["passes"] = json!(0), &["passes: 0 passes"]),
        (|m| m["temperature"] = json!(0.0), &["temperature: 0", "above 0"]),
        (|m| m["training"]["validation_accuracy"] = json!(97.5), &["validation_accuracy: 97.5", "from 0 to 1"]),
        (|m| m["input"]["bits"] = json!(9), &["input.bits: 9", "1 to 8"]),
        (|m| m["input"]["features"] = json!(0), &["input.features: 0"]),
        (|m| m["input"]["features"] = json!(7), &["layer 0: weights for 6 inputs", "gives 7"]),
        (|m| m["input"]["bits"] = json!(1), &["input.signed", "use 2 bits or more"]),
        (|m| m["input"]["encoding"] = json!({"method": "threshold", "at": 8}), &["input.encoding", "use a shift"]),
        (|m| m["input"]["encoding"]["right"] = json!(8), &["input.encoding", "0 to 7"]),
        (|m| m["layers"] = json!([]), &["layers.0.", "not announce"]),
        (|m| m["layers"][0]["kind"] = json!("recurrent"), &["unknown variant `recurrent`", "dense", "conv"]),
        (|m| m["layers"][0]["method"]["p"] = json!(1.5), &["layer 0, method.p: 1.5", "from 0 to 1"]),
        (|m| m["layers"][0]["method"]["p"] = json!(-0.1), &["layer 0, method.p: -0.1", "from 0 to 1"]),
        (|m| m["layers"][2]["method"] = m["layers"][0]["method"].clone(), &["layer 2, method", "use null"]),
        (|m| m["layers"][0]["method"]["kind"] = json!("dropconnect"), &["unknown variant `dropconnect`", "spinbayes"]),
        (|m| m["layers"][0]["method"]["place"] = json!("above"), &["unknown variant `above`", "before-sign"]),
        (|m| m["layers"][1]["norm"] = json!(null), &["layers.1.beta", "not announce"]),
        (|m| m["layers"][1]["method"] = json!({"kind": "scale", "p": 0.1}), &["layers.1.scale.alpha", "missing"]),
        (|m| m["layers"][0]["activation"] = json!("none"), &["layer 0, activation", "all others `sign`"]),
        (|m| m["layers"][2]["activation"] = json!("sign"), &["layer 2, activation", "`none`"]),
        (|m| m["layers"][1]["norm"]["eps"] = json!(-1e-5), &["layer 1, norm.eps", "from 0 to 1"]),
        (|m| m["layers"][0]["outputs"] = json!(0), &["layer 0, outputs: 0"]),
        (|m| m["layers"][0]["outputs"] = json!(1u64 << 40), &["layer 0, outputs: 1099511627776", "4194304"]),
        (|m| m["layers"][1]["outputs"] = json!(6), &["layers.1.gamma: shape [5]", "the manifest says [6]"]),
        (|m| m["layers"][1]["bias"] = json!(true), &["layers.1.bias: the tensor is missing"]),
        (|m| m["layers"][0]["bias"] = json!(false), &["layers.0.bias", "not announce"]),
        (|m| m["tensors"]["file"] = json!("../x.safetensors"), &["tensors.file: `../x.safetensors`", "beside"]),
        (|m| m["tensors"]["file"] = json!(""), &["tensors.file", "beside"]),
    ];
    for (change, expected) in cases {
        assert_says(&Files::with_manifest(change), expected);
    }
}

#[test]
fn methods_that_cannot_work_are_refused() {
    type Change = fn(&mut Model);
    fn method(m: &mut Model, layer: usize) -> &mut Method {
        m.layers[layer].method.as_mut().unwrap()
    }
    fn affine(m: &mut Model) -> &mut Affine {
        let Method::Affine(affine) = method(m, 4) else { panic!() };
        affine
    }
    fn crossbars(m: &mut Model) -> &mut Vec<Crossbar> {
        let Method::Spinbayes(Crossbars { others }) = method(m, 7) else { panic!() };
        others
    }
    let cases: &[(Change, &[&str])] = &[
        (|m| affine(m).groups = 4, &["layer 4, method.groups: 4 of one output each", "beta and |gamma| cancel"]),
        (|m| affine(m).groups = 3, &["layer 4, method.groups: 3; 4 outputs must divide"]),
        (|m| affine(m).groups = 0, &["layer 4, method.groups: 0"]),
        (|m| affine(m).gamma[1] = f64::NAN, &["layer 4, method.gamma: output 1: NaN"]),
        (|m| affine(m).beta.truncate(3), &["layer 4, method.beta: 3 values for 4 outputs"]),
        (|m| affine(m).p = 2.0, &["layer 4, method.p: 2; a probability"]),
        (|m| m.layers[4].norm = m.layers[3].norm.clone(), &["layer 4, norm: affine dropout normalises"]),
        (|m| m.layers[4].bias = Some(vec![0.0; 4]), &["layer 4, bias: affine dropout has beta"]),
        (|m| m.layers[3].norm = None, &["layer 3, norm: none"]),
        (
            |m| *method(m, 3) = Method::Scale(ScaleDropout { p: 0.1, alpha: vec![1.0, 0.5, -0.5, 1.0] }),
            &["layer 3, method.alpha: output 2: -0.5", "direction", "above 0"],
        ),
        (
            |m| *method(m, 3) = Method::Scale(ScaleDropout { p: 0.1, alpha: vec![0.0; 4] }),
            &["layer 3, method.alpha: output 0: 0"],
        ),
        (
            |m| *method(m, 6) = Method::Subset(Subset { bits: 15, mu: vec![1.0; 4], sigma: vec![0.1; 4] }),
            &["layer 6, method.bits: 15; an even number of 2 to 16"],
        ),
        (
            |m| *method(m, 6) = Method::Subset(Subset { bits: 18, mu: vec![1.0; 4], sigma: vec![0.1; 4] }),
            &["layer 6, method.bits: 18"],
        ),
        (
            |m| *method(m, 6) = Method::Subset(Subset { bits: 2, mu: vec![1.0; 4], sigma: vec![-0.1; 4] }),
            &["layer 6, method.sigma: output 0: -0.1; a deviation"],
        ),
        (|m| crossbars(m).clear(), &["layer 7, method.crossbars: 1; 2 to 256"]),
        (|m| crossbars(m)[1].weights = Weights::zeros(4, 5), &["layer 7, crossbar 2, weight: 4 × 5", "4 × 4"]),
        (|m| crossbars(m)[0].norm.var[3] = 0.0, &["layer 7, crossbar 1, norm.var: output 3: variance 0"]),
        (|m| crossbars(m)[2].norm.eps = 0.5, &["layer 7, crossbar 3, norm.eps: 0.5"]),
        (|m| crossbars(m)[2].bias = None, &["layer 7, crossbar 3, bias: all crossbars"]),
    ];
    for (change, expected) in cases {
        let mut model = all_methods();
        change(&mut model);
        assert_says(&model.check().unwrap_err().to_string(), expected);
        assert!(model.write(tempfile::tempdir().unwrap().path()).is_err());
    }
}

#[test]
fn files_of_methods_that_do_not_fit_are_refused() {
    type Change = fn(&mut Value);
    let of_manifest: &[(Change, &[&str])] = &[
        (|m| m["layers"][4]["method"]["groups"] = json!(4), &["layer 4, method.groups", "cancel"]),
        (|m| m["layers"][4]["norm"] = m["layers"][3]["norm"].clone(), &["layers.4.gamma: the tensor is missing"]),
        (|m| m["layers"][7]["method"]["crossbars"] = json!(3), &["layers.7.crossbars.3.", "not announce"]),
        (|m| m["layers"][7]["method"]["crossbars"] = json!(5), &["layers.7.crossbars.4.gamma: the tensor is missing"]),
        (|m| m["layers"][7]["method"]["crossbars"] = json!(0), &["layer 7, method.crossbars: 0"]),
        (|m| m["layers"][7]["method"]["crossbars"] = json!(1u64 << 40), &["layer 7, method.crossbars: 1099511627776"]),
        (|m| m["layers"][7]["norm"] = json!(null), &["SpinBayes needs batch norm"]),
        (|m| m["layers"][6]["method"]["bits"] = json!(0), &["layer 6, method.bits: 0"]),
        (|m| m["layers"][6]["method"]["sigma"] = json!(0.1), &["unknown field `sigma`"]),
    ];
    for (change, expected) in of_manifest {
        assert_says(&Files::of(&all_methods()).manifest_error(change), expected);
    }
    let of_tensors: &[(&str, f64, &[&str])] = &[
        ("layers.3.scale.alpha", -1.0, &["layer 3, method.alpha: output 0: -1"]),
        ("layers.4.affine.gamma", f64::INFINITY, &["layer 4, method.gamma: output 0: inf"]),
        ("layers.6.subset.sigma", -1.0, &["layer 6, method.sigma: output 0: -1"]),
        ("layers.7.crossbars.2.var", 0.0, &["layer 7, crossbar 2, norm.var"]),
    ];
    for (tensor, value, expected) in of_tensors {
        let change = |bytes: &mut Vec<u8>| overwrite(bytes, tensor, &value.to_le_bytes());
        assert_says(&Files::of(&all_methods()).tensor_error(change), expected);
    }
}

#[test]
fn tensors_that_are_no_weights_or_statistics_are_refused() {
    let f64_of = |v: f64| v.to_le_bytes();
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("layers.0.weight", &[0], &["layers.0.weight: output 0, input 0: weight 0", "1 or -1"]),
        ("layers.2.weight", &[2], &["layers.2.weight: output 0, input 0: weight 2"]),
        ("layers.0.var", &f64_of(0.0), &["layer 0, norm.var: output 0: variance 0", "above 0"]),
        ("layers.1.var", &f64_of(-1.0), &["layer 1, norm.var: output 0: variance -1", "above 0"]),
        ("layers.1.gamma", &f64_of(f64::NAN), &["layer 1, norm.gamma: output 0: NaN", "finite"]),
        ("layers.2.beta", &f64_of(f64::INFINITY), &["layer 2, norm.beta: output 0: inf", "finite"]),
        ("layers.2.mean", &f64_of(1e300), &["layer 2, norm.mean: output 0", "at most 1e30"]),
        ("layers.0.bias", &f64_of(f64::NEG_INFINITY), &["layer 0, bias: output 0: -inf", "finite"]),
    ];
    for (tensor, value, expected) in cases {
        assert_says(&Files::with_tensors(|bytes| overwrite(bytes, tensor, value)), expected);
    }
}

#[test]
fn single_precision_statistics_are_read() {
    let layers = model().layers;
    let mut tensors = Vec::new();
    for (l, layer) in layers.iter().enumerate() {
        let (o, i) = (layer.outputs(), layer.inputs());
        tensors.push((format!("layers.{l}.weight"), safetensors::Dtype::I8, vec![o, i], vec![1u8; o * i]));
        for field in ["gamma", "beta", "mean", "var"] {
            tensors.push((
                format!("layers.{l}.{field}"),
                safetensors::Dtype::F32,
                vec![o],
                1.5f32.to_le_bytes().repeat(o),
            ));
        }
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (name, safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    let files = Files::new();
    fs::write(files.tensors(), &bytes).unwrap();
    let mut manifest = files.manifest();
    manifest["layers"][0]["bias"] = json!(false);
    manifest["tensors"]["sha256"] =
        json!(Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect::<String>());
    fs::write(files.path().join("model.json"), manifest.to_string()).unwrap();
    assert_eq!(Model::read(files.path()).unwrap().layers[1].norm.as_ref().unwrap().var, [1.5; 5]);
}

#[test]
fn forward_computes_what_the_definition_says() {
    // Two inputs of 2 bits, two neurons, two classes; sigma is 2 everywhere.
    let norm = |gamma: [f64; 2], beta: [f64; 2], mean: [f64; 2]| {
        let [gamma, beta, mean] = [gamma, beta, mean].map(Vec::from);
        Some(BatchNorm { gamma, beta, mean, var: vec![3.0, 3.0], eps: 1.0 })
    };
    let mut m = model();
    m.input = InputSpec { features: 2, bits: 2, signed: false, ..m.input };
    let weights = Weights::from_fn(2, 2, |o, i| o == 0 || i == 0); // [+ +], [+ −]
    m.layers = vec![
        Dense {
            weights: weights.clone(),
            bias: None,
            norm: norm([1.0, 2.0], [0.0, 0.0], [4.0, 2.5]),
            method: Some(Method::spindrop(0.5)),
            conv: None,
            residual: None,
        },
        Dense {
            weights,
            bias: Some(vec![0.5, 0.0]),
            norm: norm([4.0, 1.0], [1.0, -1.0], [0.0, 0.0]),
            method: None,
            conv: None,
            residual: None,
        },
    ];
    m.check().unwrap();
    // Sums 4 and 2: neuron 0 is at its threshold, sign(0) = +1; neuron 1 is at 2·(2 − 2.5)/2 < 0.
    let all = forward(&m, &[3, 1], &[Draw::None]);
    assert_eq!(all.activations, [[true, false]]);
    // a = [+1 −1] → 0 and 2: 4·0.5/2 + 1 and 2/2 − 1.
    assert_eq!(all.logits, [2.0, 0.0]);
    // Without neuron 1, a = 1 and 1: 4·1.5/2 + 1 and 1/2 − 1.
    assert_eq!(forward(&m, &[3, 1], &[Draw::Live(vec![true, false])]).logits, [4.0, -0.5]);
    // Dropped before the sign, neuron 1 is +1: a = 2 and 0.
    m.layers[0].method = Some(Method::Spindrop(Dropout { p: 0.5, place: Place::BeforeSign }));
    let dropped = forward(&m, &[3, 1], &[Draw::Live(vec![true, false])]);
    assert_eq!((dropped.activations, dropped.logits), (vec![vec![true, true]], vec![6.0, -1.0]));
}

/// Two neurons, [+ +] and [+ −], of two inputs; sigma is 2.
fn two_neurons(method: Method) -> Dense {
    let affine = matches!(method, Method::Affine(_));
    let norm =
        BatchNorm { gamma: vec![1.0, 2.0], beta: vec![0.5, 0.0], mean: vec![4.0, 2.5], var: vec![3.0, 3.0], eps: 1.0 };
    let weights = Weights::from_fn(2, 2, |o, i| o == 0 || i == 0);
    Dense { weights, bias: None, norm: (!affine).then_some(norm), method: Some(method), conv: None, residual: None }
}

#[test]
fn the_float_methods_compute_what_their_definitions_say() {
    // Sums of [3 1]: 4 and 2.
    let y = |layer: &Dense, draw: Draw| before_sign(layer, &[3.0, 1.0], &draw);

    let scale = two_neurons(Method::Scale(ScaleDropout { p: 0.5, alpha: vec![0.5, 2.0] }));
    assert_eq!(y(&scale, Draw::Scale(true)), [0.5, -0.5]);
    assert_eq!(y(&scale, Draw::Scale(false)), [-0.5, 1.5]);
    assert_eq!(y(&scale, Draw::None), [-0.5, 1.5]);

    // v = 0.5·4 + 3 and −1·2 + 1.
    let affine = Affine { p: 0.5, drops: Drops::Element, groups: 1, gamma: vec![0.5, -1.0], beta: vec![3.0, 1.0] };
    let affine = two_neurons(Method::Affine(affine));
    assert_eq!(y(&affine, Draw::None), [3.0, -3.0]);
    // v = 4 + 3 and −2 + 0.
    let dropped = Draw::Affine { gain: vec![true, false], bias: vec![false, true] };
    assert_eq!(y(&affine, dropped), [4.5, -4.5]);

    // ε of one more than half of 16 ones is 1/2.
    let subset = two_neurons(Method::Subset(Subset { bits: 16, mu: vec![1.0, -0.5], sigma: vec![0.5, 1.0] }));
    assert_eq!(y(&subset, Draw::None), [0.5, -3.5]);
    assert_eq!(y(&subset, Draw::Ones(vec![2, -1])), [(6.0 - 4.0) / 2.0 + 0.5, -2.0 - 2.5]);

    let other = Crossbar {
        weights: Weights::from_fn(2, 2, |_, i| i == 1),
        bias: None,
        norm: BatchNorm { gamma: vec![1.0, 2.0], beta: vec![0.0; 2], mean: vec![0.0; 2], var: vec![3.0; 2], eps: 1.0 },
    };
    let spinbayes = two_neurons(Method::Spinbayes(Crossbars { others: vec![other] }));
    assert_eq!(y(&spinbayes, Draw::None), [0.5, -0.5]);
    assert_eq!(y(&spinbayes, Draw::Crossbar(0)), [0.5, -0.5]);
    assert_eq!(y(&spinbayes, Draw::Crossbar(1)), [-1.0, -2.0]);
}

#[test]
fn forward_reads_one_bit_inputs_as_plus_and_minus_one() {
    let mut m = model();
    m.input = InputSpec { bits: 1, signed: false, encoding: Encoding::Threshold { at: 8 }, ..m.input };
    let sum = |image: &[i16]| {
        let layer = &m.layers[0];
        (0..6).map(|i| if layer.weights.value(1, i) > 0 { 2 * image[i] - 1 } else { 1 - 2 * image[i] }).sum::<i16>()
    };
    let image = [1, 0, 0, 1, 1, 1];
    let draws = [Draw::None, Draw::None];
    let (bias, gamma) = (m.layers[0].bias.as_ref().unwrap()[1], m.layers[0].norm.as_ref().unwrap().gamma[1]);
    // A mean at the sum decides the sign by beta alone: with a beta of 0 the neuron is at its tie.
    let mut tie = m.clone();
    let norm = |m: &mut Model, change: fn(&mut BatchNorm, f64), by: f64| change(m.layers[0].norm.as_mut().unwrap(), by);
    norm(&mut tie, |n, mean| (n.mean[1], n.beta[1]) = (mean, 0.0), f64::from(sum(&image)) + bias);
    assert!(gamma > 0.0);
    assert!(forward(&tie, &image, &draws).activations[0][1]);
    norm(&mut tie, |n, by| n.mean[1] += by, 1e-9);
    assert!(!forward(&tie, &image, &draws).activations[0][1]);
}
