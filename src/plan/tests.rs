use super::*;
use crate::board::Family;
use crate::net::{Direction, Hidden, Input, Method, Output, Random, Weights};
use crate::rtl::schedule;

/// A network of the given layer sizes with dropout behind the hidden layers named.
fn network(sizes: &[usize], bits: u32, dropouts: &[usize]) -> Network {
    let hidden = |l: usize| Hidden {
        weights: Weights::zeros(sizes[l + 1], sizes[l]),
        thresholds: vec![0; sizes[l + 1]],
        directions: vec![Direction::Ge; sizes[l + 1]],
        method: dropouts.contains(&l).then_some(Method::spindrop(100)),
        conv: None,
        residual: None,
    };
    let (inputs, classes) = (sizes[sizes.len() - 2], sizes[sizes.len() - 1]);
    Network {
        name: "n".into(),
        input: Input { features: sizes[0], bits, signed: false, dropout: None },
        hidden: (0..sizes.len() - 2).map(hidden).collect(),
        output: Output {
            weights: Weights::zeros(classes, inputs),
            scale: vec![1; classes],
            offset: vec![0; classes],
            shift: 0,
            frac_bits: 0,
            logit_bits: 18,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::default(),
        seed: 0,
        passes: 16,
        early_stop: None,
        chip: Default::default(),
    }
}

/// Cycles from image to image in the long run.
fn cycles(network: &Network, plan: &Plan) -> f64 {
    schedule(network, plan).cycles_per_image(network.passes.into())
}

/// LUTs of a Xilinx 7, as estimated.
fn luts_of(network: &Network, plan: &Plan) -> u64 {
    cost(network, plan, Family::Xilinx7, Around::default()).luts
}

fn find(network: &Network, target: Target) -> Result<Plan, PlanError> {
    search(network, &Given::new(Family::Xilinx7, 16), target, |plan| cycles(network, plan))
}

#[test]
fn a_found_folding_meets_its_cycle_target_and_a_looser_target_is_never_larger() {
    for (sizes, bits, dropouts) in [
        (vec![784, 256, 256, 256, 10], 1, vec![0, 1, 2]),
        (vec![64, 64, 64, 10], 4, vec![0, 1]),
        (vec![30, 21, 10], 1, vec![]),
    ] {
        let network = network(&sizes, bits, &dropouts);
        let mut luts = u64::MAX;
        for target in [100, 300, 2_000, 20_000, 200_000] {
            let Ok(plan) = find(&network, Target::Cycles(target)) else { continue };
            let takes = cycles(&network, &plan);
            assert!(takes <= target as f64, "{sizes:?} for {target} cycles takes {takes}: {plan:?}");
            let needs = luts_of(&network, &plan);
            assert!(needs <= luts, "{sizes:?}: {target} cycles need {needs} LUTs, fewer cycles only {luts}");
            luts = needs;
        }
        assert!(luts < u64::MAX, "{sizes:?}: no target was met");
    }
}

#[test]
fn a_found_folding_stays_within_its_lut_budget_and_uses_it() {
    let network = network(&[784, 256, 256, 256, 10], 1, &[0, 1, 2]);
    let plans: Vec<Plan> = [4_000, 20_000, 60_000]
        .into_iter()
        .map(|budget| {
            let plan = find(&network, Target::Luts(budget)).unwrap();
            let needs = luts_of(&network, &plan);
            assert!(needs <= budget, "{needs} LUTs in a budget of {budget}");
            plan
        })
        .collect();
    let cycles: Vec<f64> = plans.iter().map(|p| cycles(&network, p)).collect();
    assert!(cycles.is_sorted_by(|a, b| a > b), "a larger budget must buy speed: {cycles:?}");
}

#[test]
fn targets_out_of_reach_are_refused_with_how_near_one_comes() {
    let network = network(&[64, 64, 10], 1, &[0]);
    let error = find(&network, Target::Cycles(3)).unwrap_err().to_string();
    assert!(error.contains("the fastest takes"), "{error}");
    let error = find(&network, Target::Luts(100)).unwrap_err().to_string();
    assert!(error.contains("the smallest is estimated at"), "{error}");
}

#[test]
fn foldings_that_do_not_divide_name_the_layer_and_what_would() {
    let network = network(&[784, 256, 10], 1, &[0]);
    let plan = |lanes, max_passes, folding: [(usize, usize); 2]| {
        let folding = folding.map(|(pe, simd)| Folding { pe, simd }).to_vec();
        Plan::new(&network, lanes, max_passes, folding).map_err(|e| e.to_string())
    };
    assert_eq!(
        plan(4, 16, [(16, 64), (1, 64)]).unwrap_err(),
        "layer 0: simd 64 does not divide its 784 inputs; use 56 or 98"
    );
    assert_eq!(
        plan(4, 16, [(10, 56), (1, 64)]).unwrap_err(),
        "layer 0: pe 10 does not divide its 256 neurons; use 8 or 16"
    );
    let error = plan(4, 16, [(16, 56), (1, 8)]).unwrap_err();
    assert!(error.starts_with("layer 1: simd 8 is not a multiple of the pe 16"), "{error}");
    let error = plan(4, 16, [(16, 56), (10, 256)]).unwrap_err();
    assert!(error.starts_with("layer 1: pe 10 in the output layer"), "{error}");
    assert!(plan(0, 16, [(16, 56), (1, 64)]).unwrap_err().contains("at least 1"));
    assert!(plan(4, 15, [(16, 56), (1, 64)]).unwrap_err().contains("multiple of the 4 lanes"));
    assert!(plan(4, 16, [(16, 56), (1, 64)]).is_ok());
}

#[test]
fn lanes_without_dropout_are_refused() {
    let network = network(&[64, 64, 10], 1, &[]);
    let folding = vec![Folding { pe: 4, simd: 16 }, Folding { pe: 1, simd: 16 }];
    let error = Plan::new(&network, 2, 16, folding).unwrap_err().to_string();
    assert!(error.contains("every pass would be the same"), "{error}");
}

#[test]
fn the_dropout_units_keep_up_with_their_layers() {
    let network = network(&[784, 256, 256, 256, 10], 1, &[0, 1, 2]);
    let folding = [(16, 112), (16, 64), (16, 64), (1, 64)].map(|(pe, simd)| Folding { pe, simd }).to_vec();
    let plan = Plan::new(&network, 16, 32, folding).unwrap();
    for layer in 0..3 {
        let (l, draws) = (plan.layers(&network)[layer], plan.draws_per_clock(&network, layer));
        assert_eq!(l.pe % draws, 0);
        assert!(layer == 0 || l.pe / draws <= l.beat_clocks());
    }
}

#[test]
fn a_folding_that_fills_a_board_may_take_differences_and_others_do_not() {
    let network = network(&[784, 256, 256, 256, 10], 1, &[0, 1, 2]);
    let given = Given::new(Family::Ecp5, 32);
    let find = |target| search(&network, &given, target, |plan| cycles(&network, plan)).unwrap();
    let (luts, block_rams) = (60_000, 208);
    let (filling, exact) = (find(Target::Room { luts, block_rams }), find(Target::Luts(luts)));
    assert!(filling.takes_differences() && !exact.takes_differences());
    assert!(cycles(&network, &filling) < cycles(&network, &exact));
    let taken = cost(&network, &filling, Family::Ecp5, Around::default());
    assert!(taken.luts <= luts && taken.block_rams <= block_rams, "{taken:?}");
    let around = Around { writable: true, ..Around::default() };
    let writable =
        search(&network, &Given { around, ..given }, Target::Room { luts, block_rams }, |plan| cycles(&network, plan));
    assert!(!writable.unwrap().takes_differences());
}
