//! The co-simulation harness itself, against a hand-written design: it passes what is right, and it finds, names and
//! survives what is wrong.

use neuspin::cosim::{
    Builder, CosimError, Dut, Expected, Options, Outcome, Place, Ports, Reference, Settings, Stimulus, Tap,
    UncertaintyPorts, Widths, cosimulate,
};
use neuspin::golden::{GoldenError, HiddenTrace, ImageResult, Uncertainty};
use neuspin::net::{Images, Input};

const WEIGHTS: [u32; 5] = [0xA5C, 0x3F1, 0x0E7, 0xB2A, 0x66D];
const THRESHOLDS: [i64; 5] = [1, -2, 0, 3, 2];
const OUTPUT: [u32; 3] = [0x15, 0x0B, 0x1C];
const OFFSETS: [i64; 3] = [4, -3, 0];

/// The mock's function, written from the semantics; optionally with one value wrong.
#[derive(Default)]
struct Twin {
    wrong_logit: Option<(usize, usize)>,
}

impl Twin {
    fn hidden(&self, image: &[i16]) -> Vec<bool> {
        let sum = |w: u32| -> i64 {
            image.iter().enumerate().map(|(i, &x)| if w >> i & 1 == 1 { i64::from(x) } else { -i64::from(x) }).sum()
        };
        WEIGHTS.iter().zip(THRESHOLDS).map(|(&w, t)| sum(w) >= t).collect()
    }
}

impl Reference for Twin {
    fn results(&self, images: &Images, passes: u32) -> Result<Vec<Expected>, GoldenError> {
        let one = |n: usize| {
            let hidden = self.hidden(images.image(n));
            let logit = |c: usize| {
                let sum: i64 = (0..5).map(|j| if (OUTPUT[c] >> j & 1 == 1) == hidden[j] { 1 } else { -1 }).sum();
                3 * sum + OFFSETS[c]
            };
            let z: Vec<i64> = (0..3).map(logit).collect();
            let class = (0..3).rev().max_by_key(|&c| z[c]).unwrap();
            let passes = i64::from(passes);
            let mut logits: Vec<i32> = (0..passes).flat_map(|_| z.iter().map(|&z| z as i32)).collect();
            if let Some((_, at)) = self.wrong_logit.filter(|&(image, _)| image == n) {
                logits[at] ^= 1;
            }
            let result = ImageResult {
                class,
                sum: z.iter().map(|z| z * passes).collect(),
                sumsq: z.iter().map(|z| (z * z * passes) as u64).collect(),
                votes: (0..3).map(|c| if c == class { passes as u32 } else { 0 }).collect(),
                passes: passes as u32,
            };
            Expected { result, logits, uncertainty: Uncertainty::default() }
        };
        Ok((0..images.len()).map(one).collect())
    }

    fn trace(&self, image: &[i16], _n: u64, _pass: u32) -> Result<Vec<HiddenTrace>, GoldenError> {
        Ok(vec![HiddenTrace { sums: vec![], active: self.hidden(image), live: vec![true; 5] }])
    }
}

fn hex(values: impl IntoIterator<Item = u32>, digits: usize) -> String {
    values.into_iter().map(|v| format!("{v:0digits$x}\n")).collect()
}

fn mock(fault: &str) -> Dut {
    let memory = |name: &str, text: String| (name.to_string(), text);
    Dut {
        top: "mock".into(),
        sources: vec![("mock.v".into(), format!("{fault}{}", include_str!("mock.v")))],
        memories: vec![
            memory("w1.hex", hex(WEIGHTS, 3)),
            memory("t1.hex", hex(THRESHOLDS.map(|t| t as u8 as u32), 2)),
            memory("w2.hex", hex(OUTPUT, 2)),
            memory("b2.hex", hex(OFFSETS.map(|b| b as u8 as u32), 2)),
        ],
        ports: Ports {
            features: 12,
            input_bits: 2,
            simd: 4,
            classes: 3,
            lanes: 2,
            max_passes: 7,
            stochastic_layers: 0,
            widths: Widths { class: 2, sum: 12, sumsq: 41, votes: 3, pass: 3, logit: 8 },
            uncertainty: UncertaintyPorts::default(),
            lead: None,
            programming: false,
        },
        taps: vec![Tap { layer: 0, outputs: 5, pe: 1, lanes: 1, once: true }],
        patience: 200,
    }
}

fn images(count: usize) -> Images {
    let input = Input { features: 12, bits: 2, signed: false, dropout: None };
    let mut state = 7u32;
    let mut draw = || {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        (state >> 30) as i16
    };
    Images::new(&input, (0..12 * count).map(|_| draw()).collect()).unwrap()
}

fn run(dut: &Dut, reference: &Twin, count: usize, passes: u32, options: Options) -> Result<Outcome, CosimError> {
    let settings = Settings { passes, root: 1, codes: vec![], thresholds: vec![], lead: None };
    cosimulate(&Builder::find()?, dut, reference, &images(count), &settings, options, &|_| ())
}

#[test]
fn a_right_design_is_exact_at_every_pace() {
    for (gap, stall) in [(0.0, 0.0), (0.5, 0.0), (0.0, 0.7), (0.3, 0.3)] {
        for passes in [1, 2, 5, 7] {
            let stimulus = Stimulus { gap, stall, seed: 3 + u64::from(passes) };
            let options = Options { stimulus, tapped: Some((0, 19)), ..Options::default() };
            let outcome = run(&mock(""), &Twin::default(), 20, passes, options).unwrap();
            assert_eq!((outcome.exact, outcome.mismatches), (20, vec![]), "gap {gap} stall {stall} passes {passes}");
            // 3 beats, 5 of the tap, 3 for each pair of passes, 3 of the result.
            let clocks = 20 * (11 + 3 * passes.div_ceil(2)) as u64;
            assert_eq!(outcome.clocks == clocks, gap == 0.0 && stall == 0.0, "{} clocks", outcome.clocks);
        }
    }
}

#[test]
fn a_wrong_weight_is_found_in_its_layer_and_neuron() {
    let mut dut = mock("");
    let mut weights = WEIGHTS;
    weights[3] ^= 0x010;
    dut.memories[0].1 = hex(weights, 3);
    let options = Options { tapped: Some((0, 49)), ..Options::default() };
    let outcome = run(&dut, &Twin::default(), 50, 2, options).unwrap();
    assert!(outcome.exact < 50);
    let origin = outcome.origin().unwrap();
    assert_eq!(origin.place, Place::Activation { layer: 0, neuron: 3 });
    assert!(origin.to_string().contains("hidden layer 0, neuron 3, activation: expected"), "{origin}");
}

#[test]
fn a_wrong_expectation_is_found_in_its_image_pass_and_class() {
    let twin = Twin { wrong_logit: Some((6, 3 * 4 + 2)) };
    let outcome = run(&mock(""), &twin, 10, 5, Options::default()).unwrap();
    assert_eq!((outcome.exact, outcome.mismatch_count), (9, 1));
    let m = &outcome.mismatches[0];
    assert_eq!((m.image, m.pass, m.place), (6, Some(4), Place::Logit { class: 2 }));
}

#[test]
fn a_hang_is_an_error_that_says_how_far_it_got() {
    let error = run(&mock("`define MOCK_HANG\n"), &Twin::default(), 5, 3, Options::default()).unwrap_err().to_string();
    assert!(error.contains("no progress in 664 clocks: 3 of 5 images"), "{error}");
    assert!(error.contains("2 results and 0 of 3 beats are out"), "{error}");
}

#[test]
fn a_withdrawn_result_is_a_mismatch() {
    let stimulus = Stimulus { gap: 0.0, stall: 0.5, seed: 1 };
    let options = Options { stimulus, ..Options::default() };
    let outcome = run(&mock("`define MOCK_WITHDRAW\n"), &Twin::default(), 5, 3, options).unwrap();
    assert!(outcome.mismatches.iter().all(|m| m.place == Place::ResultStream) && !outcome.is_exact());
}

#[test]
fn logits_that_nobody_asked_for_are_a_mismatch() {
    let outcome = run(&mock("`define MOCK_CHATTER\n"), &Twin::default(), 4, 2, Options::default()).unwrap();
    assert!(outcome.mismatches.iter().any(|m| m.place == Place::LogitStream), "{:?}", outcome.mismatches);
}

#[test]
fn a_waveform_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/image.fst");
    let options = Options { wave: Some((&path, 2, 3)), ..Options::default() };
    assert!(run(&mock(""), &Twin::default(), 5, 2, options).unwrap().is_exact());
    // A header block (type 0) of 329 bytes opens an FST file.
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes[..9], [0, 0, 0, 0, 0, 0, 0, 1, 73], "not an FST file");
    assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
}

#[test]
fn verilog_that_does_not_compile_is_reported_with_the_tools_words() {
    let mut dut = mock("");
    dut.sources[0].1 = dut.sources[0].1.replace("assign in_ready_o", "assign in_readdy_o");
    let error = run(&dut, &Twin::default(), 1, 1, Options::default()).unwrap_err().to_string();
    assert!(error.contains("in_readdy_o") && error.contains("verilator"), "{error}");
}

#[test]
fn settings_that_the_design_cannot_take_are_refused() {
    for (passes, codes, said) in [(0, vec![], "0 passes"), (8, vec![], "8 passes"), (1, vec![5], "1 codes")] {
        let settings = Settings { passes, root: 1, codes, thresholds: vec![], lead: None };
        let builder = Builder::find().unwrap();
        let twin = Twin::default();
        let error = cosimulate(&builder, &mock(""), &twin, &images(1), &settings, Options::default(), &|_| ());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
