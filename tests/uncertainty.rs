//! The chip's integer uncertainty of the digits against double precision: within the errors that the contract states.

use neuspin::data::{self, Split};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::uncertainty::Prediction;
use std::path::Path;

#[test]
fn every_digit_is_within_the_stated_errors() {
    let model = Model::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/digits-spindrop")).unwrap();
    let network = lower(&model).unwrap();
    let images = data::encode(&data::load("digits", Split::Test).unwrap(), &model.input).unwrap();
    let golden = Golden::new(&network).unwrap();
    let (passes, classes) = (f64::from(network.passes), network.classes());
    let one = 2f64.powi(network.output.probability_bits() as i32);
    let nats = |octaves: u64| octaves as f64 * 2f64.ln() / (passes * 4096.0);
    // Errors of mean, variance, entropy and mutual information; the last two as shares of what is allowed, too.
    let errors = golden
        .run_with(&images, 0, network.passes, |_, _, logits| {
            let found = golden.softmax().uncertainty(logits);
            let exact = Prediction::new(logits, &network.output);
            let mut worst = [0f64; 6];
            for c in 0..classes {
                let p = found.probability[c] as f64 / (passes * one);
                worst[0] = worst[0].max((p - exact.probability[c]).abs());
                let alone = |pass: &[i32]| Prediction::new(pass, &network.output).probability[c];
                let squares: f64 = logits.chunks_exact(classes).map(|pass| alone(pass).powi(2)).sum();
                let variance = found.squares[c] as f64 / (passes * 2f64.powi(32)) - p * p;
                worst[1] = worst[1].max((variance - (squares / passes - exact.probability[c].powi(2))).abs());
            }
            worst[2] = (nats(found.entropy) - exact.entropy).abs();
            worst[3] = (nats(found.information) - exact.mutual_information).abs();
            worst[4] = worst[2] / (0.0017 * exact.entropy + 0.0024);
            worst[5] = worst[3] / (0.0017 * (2.0 * exact.entropy + 1.0) + 0.0024);
            worst
        })
        .unwrap();
    let worst = errors.iter().fold([0f64; 6], |worst, e| std::array::from_fn(|i| worst[i].max(e[i])));
    println!(
        "largest errors: mean {:.1e}, variance {:.1e}, entropy {:.1e}, information {:.1e} nats; shares {:.2} {:.2}",
        worst[0], worst[1], worst[2], worst[3], worst[4], worst[5]
    );
    assert!(worst[0] <= 0.0017 && worst[1] <= 0.0068 && worst[4] <= 1.0 && worst[5] <= 1.0, "{worst:?}");
    assert_eq!(errors.len(), 500);
}
