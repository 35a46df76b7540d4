//! Faulty dies: nothing changes without a fault, and each fault does what it says.

#[path = "golden/networks.rs"]
mod networks;

use neuspin::data::{self, Split};
use neuspin::faults::{Analog, Die, Fault, faulty};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Images, Method, Network};
use std::path::Path;

const ALL: [Fault; 5] = [Fault::Flips, Fault::Stuck, Fault::Conductance, Fault::Drift, Fault::Columns];

fn die(fault: Fault, rate: f64, number: u64) -> Die {
    Die { fault, rate, seed: 1, number }
}

/// A bundled network of the digits, its test images and their labels.
fn digits(name: &str) -> (Network, Images, Vec<usize>) {
    let model = Model::read(&Path::new("models").join(name)).unwrap();
    let mut network = lower(&model).unwrap();
    network.passes = 4;
    let set = data::load("digits", Split::Test).unwrap().first(200);
    let labels = set.labels.iter().map(|&label| usize::from(label)).collect();
    (network, data::encode(&set, &model.input).unwrap(), labels)
}

#[test]
fn without_a_fault_real_sums_are_those_of_the_golden_model() {
    let mut seen = vec![];
    for seed in 0..120 {
        // More images than position their streams once, more passes than go at once.
        let (mut network, images) = networks::random(seed, 67);
        network.early_stop = None;
        network.hidden.iter_mut().for_each(|layer| layer.residual = None);
        seen.extend(network.hidden.iter().map(|h| h.method.as_ref().map(Method::name)));
        let golden = Golden::new(&network).unwrap();
        for (fault, passes) in [(Fault::Conductance, 1), (Fault::Drift, 11), (Fault::Columns, 8)] {
            let expected = golden
                .run_with(&images, 0, passes, |_, result, logits| {
                    (result.class, logits.iter().map(|&z| i64::from(z)).collect::<Vec<_>>())
                })
                .unwrap();
            let analog = Analog::new(&network, &die(fault, 0.0, 3)).unwrap();
            let found = analog.run_with(&images, passes, |class, logits| (class, logits.to_vec())).unwrap();
            assert!(found == expected, "seed {seed}, {fault:?}, {passes} passes: {network:?}");
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 8, "a method was not drawn: {seen:?}");
}

#[test]
fn a_die_without_a_fault_is_as_good_as_the_network() {
    for name in ["digits-spindrop", "digits-affine", "digits-spinbayes"] {
        let (network, images, labels) = digits(name);
        let results = Golden::new(&network).unwrap().run(&images, 0, network.passes).unwrap();
        let right = results.iter().zip(&labels).filter(|(result, label)| result.class == **label).count();
        for fault in ALL {
            let accuracy = die(fault, 0.0, 0).accuracy(&network, &images, &labels).unwrap();
            assert_eq!(accuracy, right as f64 / labels.len() as f64, "{name}, {fault:?}");
        }
    }
}

/// Cells that differ, and all, over all crossbars.
fn changed(a: &Network, b: &Network) -> (usize, usize) {
    let matrices = |n: &Network| {
        let mut all = vec![];
        for layer in &n.hidden {
            all.push(layer.weights.clone());
            if let Some(Method::Spinbayes(m)) = &layer.method {
                all.extend(m.others.iter().map(|c| c.weights.clone()));
            }
        }
        all.push(n.output.weights.clone());
        all.extend(n.output.others.iter().map(|c| c.weights.clone()));
        all
    };
    let (mut differ, mut cells) = (0, 0);
    for (a, b) in matrices(a).iter().zip(&matrices(b)) {
        let here = (0..a.rows()).flat_map(|r| (0..a.cols()).map(move |c| (r, c)));
        let count = here.filter(|&(r, c)| a.value(r, c) != b.value(r, c)).count();
        assert!(count > 0, "a crossbar without a fault");
        differ += count;
        cells += a.rows() * a.cols();
    }
    (differ, cells)
}

#[test]
fn as_many_cells_are_faulty_as_the_rate_says_in_every_crossbar() {
    let (network, ..) = digits("digits-spinbayes");
    // 131,712 cells: four standard deviations of 5 % are 317. A stuck cell differs by half.
    for (fault, share) in [(Fault::Flips, 0.1), (Fault::Stuck, 0.05)] {
        let (differ, cells) = changed(&network, &faulty(&network, &die(fault, 0.1, 0)));
        let expected = share * cells as f64;
        assert!((differ as f64 - expected).abs() < 4.0 * expected.sqrt(), "{fault:?}: {differ} of {cells}");
    }
    let (all, cells) = changed(&network, &faulty(&network, &die(Fault::Flips, 1.0, 0)));
    assert_eq!(all, cells);
    let dies = [0, 0, 1].map(|number| faulty(&network, &die(Fault::Flips, 0.1, number)));
    assert!(dies[0] == dies[1] && dies[0] != dies[2]);
}

#[test]
fn faults_of_a_rate_are_among_those_of_a_higher_one() {
    let (network, ..) = digits("digits-spindrop");
    let [few, more] = [0.02, 0.2].map(|rate| faulty(&network, &die(Fault::Flips, rate, 0)));
    let (few_cells, _) = changed(&network, &few);
    let (more_cells, _) = changed(&network, &more);
    let (between, _) = changed(&few, &more);
    assert_eq!(between, more_cells - few_cells);
}

#[test]
fn faults_cost_accuracy_and_total_ones_all_of_it() {
    let (network, images, labels) = digits("digits-spindrop");
    let of = |fault, rate| die(fault, rate, 0).accuracy(&network, &images, &labels).unwrap();
    for fault in ALL {
        let (clean, faulty) = (of(fault, 0.0), of(fault, 1.0));
        assert!(clean > 0.95 && faulty < clean - 0.05, "{fault:?}: {clean} and {faulty}");
    }
    assert!(of(Fault::Stuck, 1.0) < 0.4);
}

/// With all gains 1 and biases 0 (code 2^k), the mean over the group takes out what all its neurons have in common.
#[test]
fn inverted_normalization_takes_a_common_drift_out_and_thresholds_do_not() {
    let (mut network, images, _) = digits("digits-affine");
    for layer in &mut network.hidden {
        let Some(Method::Affine(m)) = &mut layer.method else { panic!("{:?}", layer.method) };
        m.code = 1 << network.random.code_bits;
        m.groups = 1;
    }
    // Decisions that six drifted dies change.
    let differ = |network: &Network| -> usize {
        let decisions = |rate, number| {
            let analog = Analog::new(network, &die(Fault::Drift, rate, number)).unwrap();
            analog.run_with(&images, 1, |class, _| class).unwrap()
        };
        let changed = |number| decisions(0.0, 0).iter().zip(&decisions(0.3, number)).filter(|(a, b)| a != b).count();
        (0..6).map(changed).sum()
    };
    let (plain, ..) = digits("digits-spindrop");
    let (healed, hurt) = (differ(&network), differ(&plain));
    assert!(hurt > 30 && 3 * healed < hurt, "{healed} and {hurt} of 1200 decisions differ");
}

#[test]
fn what_is_no_rate_or_has_no_labels_is_refused() {
    let (network, images, labels) = digits("digits-spindrop");
    for rate in [-0.1, 1.5, f64::NAN] {
        let told = die(Fault::Flips, rate, 0).accuracy(&network, &images, &labels).unwrap_err().to_string();
        assert!(told.contains("0 (no fault) to 1"), "{told}");
    }
    let told = die(Fault::Drift, 0.1, 0).accuracy(&network, &images, &labels[1..]).unwrap_err().to_string();
    assert!(told.contains("199 labels for 200 images"), "{told}");
    assert!(Analog::new(&network, &die(Fault::Drift, 0.1, 0)).unwrap().run_with(&images, 0, |c, _| c).is_err());
}
