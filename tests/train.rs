//! The trainer: it learns, it repeats, its multi-bit inputs go through the whole chain.
#![cfg(feature = "train")]

use indicatif::ProgressBar;
use neuspin::data::{self, Split};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::{Draw, Encoding, Method, Model, forward};
use neuspin::net::{self, Drops, Place};
use neuspin::train::{Methods, Topology, TrainConfig, train};
use std::fs;

fn quick() -> TrainConfig {
    TrainConfig { layers: "64-64-64-10".parse().unwrap(), epochs: 12, ..TrainConfig::default() }
}

fn run(config: &TrainConfig) -> Model {
    train(config, &ProgressBar::hidden()).unwrap()
}

/// Share of the digits' test images that the mean of 16 passes of the integer network classifies correctly.
fn test_accuracy(model: &Model) -> f64 {
    let test = data::load("digits", Split::Test).unwrap();
    let images = data::encode(&test, &model.input).unwrap();
    let results = Golden::new(&lower(model).unwrap()).unwrap().run(&images, 0, 16).unwrap();
    results.iter().zip(&test.labels).filter(|(r, l)| r.class == usize::from(**l)).count() as f64 / test.len() as f64
}

#[test]
fn a_few_epochs_learn_the_digits() {
    let model = run(&quick());
    let found = test_accuracy(&model);
    assert!(found > 0.88, "{found}");
    assert_eq!(model.topology(), "64-64-64-10");
    let training = model.training.unwrap();
    assert!((1..=12).contains(&training.best_epoch));
    assert!(training.validation_accuracy > 0.88);
}

/// Two convolutions, one with padding and pooling, in a network that lowers and learns.
#[test]
fn convolutions_learn_the_digits() {
    for (method, maps) in [("spatial-spindrop", true), ("scale,affine", false), ("subset,spindrop", false)] {
        let layers = "64-12c3z1p2-24c3-10".parse().unwrap();
        let model = run(&TrainConfig { layers, methods: method.parse().unwrap(), epochs: 8, ..quick() });
        assert_eq!(model.topology(), "64-12c3z1p2-24c3-10");
        let network = lower(&model).unwrap();
        let conv = network.hidden[1].conv.unwrap();
        assert_eq!((conv.input.height, conv.input.width, conv.input.channels, conv.taps()), (4, 4, 12, 108));
        assert_eq!(network.hidden[1].size(), 2 * 2 * 24);
        let of_maps = |m: &Option<net::Method>| matches!(m, Some(net::Method::Spindrop(d)) if d.maps);
        assert!(network.hidden.iter().all(|layer| of_maps(&layer.method) == maps), "{method}");
        let found = test_accuracy(&model);
        assert!(found > 0.85, "{method}: {found}");
    }
}

#[test]
fn topologies_are_written_as_they_are_read() {
    for text in ["784-256-10", "784-16c5p2-32c3s2z1-128-10", "64-8c3z1-10"] {
        assert_eq!(text.parse::<Topology>().unwrap().to_string(), text);
    }
    for text in [
        "784",
        "784-16c-10",
        "784-c5-10",
        "784-16c5x-10",
        "784-16c5p2p2-10",
        "784-16c0-10",
        "784-16c5s0-10",
        "16c5-4-10",
    ] {
        assert!(text.parse::<Topology>().unwrap_err().contains("784-16c5p2"), "{text}");
    }
}

#[test]
fn signed_and_shifted_inputs_of_every_width_learn() {
    for (input_bits, signed, shift) in [(1, false, 0), (2, true, 0), (4, true, 1), (8, false, 0), (8, true, 0)] {
        let model = run(&TrainConfig { input_bits, signed, shift, ..quick() });
        let found = test_accuracy(&model);
        assert!(found > 0.65, "{input_bits} bits, signed {signed}, shift {shift}: {found}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_another_model() {
    let config = TrainConfig { epochs: 2, ..quick() };
    let files = |model: Model| {
        let dir = tempfile::tempdir().unwrap();
        model.write(dir.path()).unwrap();
        let mut files: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| fs::read(e.unwrap().path()).unwrap()).collect();
        files.sort();
        files
    };
    assert_eq!(files(run(&config)), files(run(&config)));
    let other = run(&TrainConfig { seed: config.seed + 1, ..config.clone() });
    assert!(other.layers != run(&config).layers, "another seed gives the same layers");
}

#[test]
fn the_trained_float_network_decides_as_the_integer_network_does() {
    let model = run(&TrainConfig { epochs: 3, input_bits: 3, signed: true, ..quick() });
    assert!(matches!(model.input.encoding, Encoding::Shift { right: 1 }));
    let test = data::load("digits", Split::Test).unwrap();
    let images = data::encode(&test, &model.input).unwrap();
    let none = [Draw::None, Draw::None];
    let golden = Golden::new(&lower(&model).unwrap()).unwrap();
    for (n, result) in golden.deterministic(&images).unwrap().iter().enumerate() {
        let logits = forward(&model, images.image(n), &none).logits;
        let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(most - logits[result.class] < 1e-3, "image {n}: {logits:?}, class {}", result.class);
    }
}

#[test]
fn a_network_without_dropout_has_none() {
    let model = run(&TrainConfig { epochs: 1, dropout: Some(0.0), ..quick() });
    assert!(model.layers.iter().all(|l| l.method.is_none()));
}

#[test]
fn a_network_with_dropped_inputs_learns_the_digits_in_a_few_epochs() {
    let config = TrainConfig { input_bits: 1, input_dropout: Some(0.05), methods: "none".parse().unwrap(), ..quick() };
    let model = run(&config);
    assert_eq!(model.input.dropout, Some(0.05));
    let found = test_accuracy(&model);
    assert!(found > 0.65, "{found}");
    assert!(model.command.contains(" --input-bits 1 --input-dropout 0.05 --method none "), "{}", model.command);
    assert!(model.description.contains("1-bit inputs dropped with p = 0.05"), "{}", model.description);
}

#[test]
fn crossbars_of_several_levels_learn_the_digits_in_a_few_epochs() {
    let config = TrainConfig { levels: Some(4), methods: "spinbayes".parse().unwrap(), ..quick() };
    let model = run(&config);
    let planes: Vec<usize> = model.layers.iter().map(|l| l.weights.planes().len()).collect();
    assert_eq!(planes, [2, 2, 1]);
    let found = test_accuracy(&model);
    assert!(found > 0.8, "{found}");
    assert!(model.command.contains(" --levels 4 "), "{}", model.command);
}

#[test]
fn crossbars_of_the_output_layer_learn_the_digits_in_a_few_epochs() {
    let config = TrainConfig { output_crossbars: 3, methods: "none".parse().unwrap(), ..quick() };
    let model = run(&config);
    let Some(Method::Spinbayes(bayes)) = &model.layers[2].method else { panic!() };
    assert_eq!(bayes.others.len(), 2);
    let found = test_accuracy(&model);
    assert!(found > 0.8, "{found}");
    assert!(model.command.contains(" --method none --output-crossbars 3 "), "{}", model.command);
    assert!(model.description.contains("3 crossbars in the output layer"), "{}", model.description);
}

#[test]
fn dropping_before_the_sign_learns_the_digits_in_a_few_epochs() {
    let config = TrainConfig { dropout_place: Some(Place::BeforeSign), ..quick() };
    let model = run(&config);
    let found = test_accuracy(&model);
    assert!(found > 0.8, "{found}");
    assert!(model.command.contains(" --dropout 0.1 --dropout-place before "), "{}", model.command);
    assert!(model.description.contains("SpinDrop before the sign with p = 0.1"), "{}", model.description);
}

#[test]
fn every_method_learns_the_digits_in_a_few_epochs() {
    for methods in ["spatial-spindrop", "scale", "affine", "subset", "spinbayes", "scale,none,spinbayes"] {
        let layers = if methods.contains(',') { "64-64-64-32-10" } else { "64-64-64-10" };
        let (methods, layers) = (methods.parse().unwrap(), layers.parse().unwrap());
        let config = TrainConfig { methods, layers, crossbars: None, ..quick() };
        let model = run(&config);
        let found = test_accuracy(&model);
        assert!(found > 0.8, "{}: {found}", config.methods);
        let names: Vec<&str> = model.layers[..model.layers.len() - 1]
            .iter()
            .map(|l| l.method.as_ref().map_or("none", Method::name))
            .collect();
        let told = config.methods.to_string();
        let expected: Vec<&str> = if told.contains(',') { told.split(',').collect() } else { vec![&told; names.len()] };
        assert_eq!(names, expected);
    }
}

#[test]
fn parameters_of_methods_reach_the_model() {
    let config = |methods: &str| TrainConfig { methods: methods.parse().unwrap(), epochs: 1, ..quick() };
    let first = |config: TrainConfig| run(&config).layers.remove(0).method.unwrap();
    let affine =
        TrainConfig { drops: Some(Drops::Element), norm_groups: Some(4), dropout: Some(0.3), ..config("affine") };
    let Method::Affine(affine) = first(affine) else { panic!() };
    assert_eq!((affine.p, affine.drops, affine.groups), (0.3, Drops::Element, 4));
    let before = TrainConfig { dropout_place: Some(Place::BeforeSign), ..config("spindrop") };
    let Method::Spindrop(dropout) = first(before) else { panic!() };
    assert_eq!((dropout.p, dropout.place), (0.1, Place::BeforeSign));
    let Method::Subset(subset) = first(TrainConfig { gaussian_bits: Some(6), ..config("subset") }) else { panic!() };
    assert_eq!(subset.bits, 6);
    let Method::Spinbayes(bayes) = first(TrainConfig { crossbars: Some(3), ..config("spinbayes") }) else { panic!() };
    assert_eq!(bayes.others.len(), 2);
    let Method::Scale(scale) = first(TrainConfig { p_spread: Some(0.05), ..config("scale") }) else { panic!() };
    assert_eq!(scale.p, 0.2);
}

#[test]
fn methods_that_contradict_their_options_are_refused() {
    let config = |methods: &str| TrainConfig { methods: methods.parse().unwrap(), ..quick() };
    let cases: [(TrainConfig, &str); 14] = [
        (TrainConfig { dropout: Some(0.1), ..config("subset") }, "--dropout: no layer has a method that heeds it"),
        (TrainConfig { dropout: Some(0.1), ..config("none") }, "--dropout: no layer"),
        (
            TrainConfig { dropout_place: Some(Place::AfterSign), ..config("scale") },
            "--dropout-place: no layer has a method that heeds it: spindrop",
        ),
        (TrainConfig { dropout: Some(0.0), ..config("scale") }, "--dropout: 0 would drop nothing"),
        (
            TrainConfig { crossbars: Some(4), ..config("scale") },
            "--crossbars: no layer has a method that heeds it: spin",
        ),
        (TrainConfig { levels: Some(3), ..config("spinbayes") }, "--levels: 3; a power of two"),
        (TrainConfig { levels: Some(4), ..config("scale") }, "--levels: no layer has a method that heeds it"),
        (TrainConfig { crossbars: Some(1), ..config("spinbayes") }, "--crossbars: 1; SpinBayes chooses among 2"),
        (TrainConfig { gaussian_bits: Some(7), ..config("subset") }, "--gaussian-bits: 7; an even number"),
        (TrainConfig { norm_groups: Some(64), ..config("affine") }, "--norm-groups: 64 of a layer of 64"),
        (TrainConfig { norm_groups: Some(2), ..config("spindrop") }, "--norm-groups: no layer"),
        (TrainConfig { drops: Some(Drops::Vector), ..config("scale") }, "--drops: no layer"),
        (TrainConfig { p_spread: Some(0.1), ..config("affine") }, "--p-spread: no layer"),
        (config("scale,none,affine"), "--method: `scale,none,affine`: 3 methods for 2 hidden layers"),
    ];
    for (config, expected) in cases {
        let error = train(&config, &ProgressBar::hidden()).unwrap_err().to_string();
        assert!(error.contains(expected), "`{error}` does not say `{expected}`");
    }
    assert!(
        "scale,dropconnect"
            .parse::<Methods>()
            .unwrap_err()
            .contains("`dropconnect` is no method; there are none, spin")
    );
}

#[test]
fn what_cannot_be_trained_is_refused_by_option() {
    let cases: [(TrainConfig, &str); 18] = [
        (TrainConfig { dataset: "letters".into(), ..quick() }, "data set `letters`: not known; there are digits"),
        (TrainConfig { layers: "64-10".parse().unwrap(), ..quick() }, "--layers: `64-10`; give inputs, hidden"),
        (TrainConfig { layers: "784-64-10".parse().unwrap(), ..quick() }, "--layers: `784-64-10`; digits needs 64"),
        (TrainConfig { layers: "64-32-8c3-10".parse().unwrap(), ..quick() }, "layer 1 is a convolution"),
        (TrainConfig { layers: "64-8c9-10".parse().unwrap(), ..quick() }, "layer 0: a kernel 9 high"),
        (TrainConfig { input_bits: 9, ..quick() }, "--input-bits: 9; 1 to 8"),
        (TrainConfig { input_bits: 1, signed: true, ..quick() }, "--signed: 1-bit inputs are ±1"),
        (TrainConfig { dropout: Some(1.0), ..quick() }, "--dropout: 1; a probability"),
        (
            TrainConfig { input_dropout: Some(0.1), ..quick() },
            "--input-dropout: inputs of 4 bits; a dropped input leaves",
        ),
        (
            TrainConfig { input_bits: 1, input_dropout: Some(1.0), ..quick() },
            "--input-dropout: 1; a probability above 0",
        ),
        (TrainConfig { output_crossbars: 0, ..quick() }, "--output-crossbars: 0; 1, or with SpinBayes 2 to 64"),
        (TrainConfig { epochs: 0, ..quick() }, "--epochs: 0"),
        (TrainConfig { batch: 5000, ..quick() }, "--batch: 5000; digits has 1097"),
        (TrainConfig { learning_rate: f64::NAN, ..quick() }, "--learning-rate: NaN"),
        (TrainConfig { shift: 8, ..quick() }, "--shift: 8; images are 8"),
        (TrainConfig { outliers: 1.5, ..quick() }, "--outliers: 1.5; a share from 0 to 1"),
        (TrainConfig { passes: 0, ..quick() }, "--passes: 0"),
        (TrainConfig { name: "1st".into(), ..quick() }, "--name: `1st`; use letters"),
    ];
    for (config, expected) in cases {
        let error = train(&config, &ProgressBar::hidden()).unwrap_err().to_string();
        assert!(error.contains(expected), "`{error}` does not say `{expected}`");
    }
}

#[test]
fn the_command_line_names_everything_that_decides_the_result() {
    assert_eq!(
        TrainConfig { signed: true, ..TrainConfig::default() }.command_line(),
        "neuspin train --dataset digits --layers 64-256-64-10 --input-bits 4 --signed --method spindrop --dropout 0.1 --epochs 100 \
         --batch 64 --learning-rate 0.01 --shift 0 --seed 2 --passes 16 --name digits-spindrop \
         --out models/digits-spindrop"
    );
    assert_eq!(run(&TrainConfig { epochs: 1, ..quick() }).command, TrainConfig { epochs: 1, ..quick() }.command_line());
}
