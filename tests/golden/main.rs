//! The golden model computes what `docs/semantics.md` says, shown by a second implementation of that text.

mod networks;
mod parts;
mod reference;

use neuspin::golden::{Golden, GoldenError, ImageResult};
use neuspin::net::{EarlyStop, Images, Network};
use proptest::prelude::*;

fn reference_logits(net: &Network, image: &[i16], n: u64, passes: u32) -> Vec<Vec<i32>> {
    (0..passes).map(|t| reference::pass(net, image, n, t, true).logits).collect()
}

/// Mostly few passes, since the reference is slow; sometimes about as many as fill a group or all of the lanes.
fn passes() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 1u32..=9, 1 => 30u32..=34, 1 => 126u32..=130, 1 => 255u32..=258]
}

fn first_image() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..1000, Just(u64::MAX - 2)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_run_is_what_the_contract_says(seed in any::<u64>(), passes in passes(), first in first_image()) {
        let (net, images) = networks::convolving(seed, 2);
        let golden = Golden::new(&net).unwrap();
        let results = golden.run(&images, first, passes).unwrap();
        for (i, result) in results.iter().enumerate() {
            let logits = reference_logits(&net, images.image(i), first + i as u64, passes);
            prop_assert_eq!(result, &reference::result(&logits));
            prop_assert_eq!(golden.logits(images.image(i), first + i as u64, passes).unwrap(), logits.concat());
        }
    }

    #[test]
    fn a_trace_is_what_the_contract_says(seed in any::<u64>(), pass in 0u32..200, n in first_image()) {
        let (net, images) = networks::convolving(seed, 1);
        let trace = Golden::new(&net).unwrap().trace(images.image(0), n, pass).unwrap();
        prop_assert_eq!(trace, reference::pass(&net, images.image(0), n, pass, true));
    }

    #[test]
    fn arrays_read_in_parts_are_what_the_contract_says(seed in any::<u64>(), passes in passes(), first in first_image()) {
        let (net, images) = networks::in_parts(seed, 2);
        let golden = Golden::new(&net).unwrap();
        let results = golden.run(&images, first, passes).unwrap();
        for (i, result) in results.iter().enumerate() {
            let logits = reference_logits(&net, images.image(i), first + i as u64, passes);
            prop_assert_eq!(result, &reference::result(&logits));
        }
    }

    #[test]
    fn a_trace_of_arrays_is_what_the_contract_says(seed in any::<u64>(), pass in 0u32..200, n in first_image()) {
        let (net, images) = networks::in_parts(seed, 1);
        let trace = Golden::new(&net).unwrap().trace(images.image(0), n, pass).unwrap();
        prop_assert_eq!(trace, reference::pass(&net, images.image(0), n, pass, true));
    }

    #[test]
    fn no_read_errs_in_the_deterministic_pass(seed in any::<u64>()) {
        let (net, images) = networks::in_parts(seed, 3);
        let results = Golden::new(&net).unwrap().deterministic(&images).unwrap();
        for (i, result) in results.iter().enumerate() {
            let logits = reference::pass(&net, images.image(i), 0, 0, false).logits;
            prop_assert_eq!(result, &reference::result(&[logits]));
        }
    }

    #[test]
    fn the_deterministic_pass_drops_nothing(seed in any::<u64>()) {
        let (net, images) = networks::convolving(seed, 3);
        let results = Golden::new(&net).unwrap().deterministic(&images).unwrap();
        for (i, result) in results.iter().enumerate() {
            let logits = reference::pass(&net, images.image(i), 0, 0, false).logits;
            prop_assert_eq!(result, &reference::result(&[logits]));
        }
    }

    #[test]
    fn any_part_of_a_run_can_be_computed_alone(seed in any::<u64>(), first in 0u64..1 << 40, cut in 0usize..=40) {
        let (net, images) = networks::convolving(seed, 40);
        let golden = Golden::new(&net).unwrap();
        let whole = golden.run(&images, first, 5).unwrap();
        let mut parts = golden.run(&images.slice(0..cut), first, 5).unwrap();
        parts.extend(golden.run(&images.slice(cut..40), first + cut as u64, 5).unwrap());
        prop_assert_eq!(&whole, &parts);
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        prop_assert_eq!(whole, one_thread.install(|| golden.run(&images, first, 5)).unwrap());
    }

    #[test]
    fn early_stop_is_what_the_contract_says(seed in any::<u64>(), every in 1u32..=5, passes in 1u32..=12, like in 0usize..6) {
        let (mut net, images) = networks::in_parts(seed, 6);
        net.early_stop = networks::early_stop(&net, &images, every, like);
        let Some(rule) = net.early_stop else { return Ok(()) };
        let golden = Golden::new(&net).unwrap();
        let found = golden.run_with(&images, 0, passes, |_, result, logits| (result, logits.to_vec())).unwrap();
        let due = reference::early(&net, &images, passes, rule);
        prop_assert_eq!(&found, &due);
        // The last image's trace, at its number among those that reached the pass.
        let last = found[5].0.passes - 1;
        let number = found[..5].iter().filter(|(result, _)| result.passes > last).count() as u64;
        let trace = golden.trace(images.image(5), number, last).unwrap();
        prop_assert!(due[5].1.ends_with(&trace.logits));
    }

    #[test]
    fn devices_are_what_the_contract_says(seed in any::<u64>(), passes in passes(), first in first_image(), near in 0u64..24) {
        let (mut net, images) = networks::convolving(seed, 3);
        // The reference follows a state from the first image on.
        let first = if networks::devices(seed, &mut net, true) { near } else { first };
        let golden = Golden::new(&net).unwrap();
        let results = golden.run(&images.slice(0..2), first, passes).unwrap();
        for (i, result) in results.iter().enumerate() {
            let logits = reference_logits(&net, images.image(i), first + i as u64, passes);
            prop_assert_eq!(result, &reference::result(&logits));
        }
        let (n, pass) = (first.saturating_add(2), passes - 1);
        let trace = golden.trace(images.image(2), n, pass).unwrap();
        prop_assert_eq!(trace, reference::pass(&net, images.image(2), n, pass, true));
        let deterministic = golden.deterministic(&images.slice(0..1)).unwrap();
        let logits = reference::pass(&net, images.image(0), 0, 0, false).logits;
        prop_assert_eq!(&deterministic[0], &reference::result(&[logits]));
    }

    #[test]
    fn any_part_of_a_run_with_devices_can_be_computed_alone(seed in any::<u64>(), first in 0u64..3000, cut in 0usize..=60) {
        let (mut net, images) = networks::convolving(seed, 60);
        networks::devices(seed, &mut net, true);
        let golden = Golden::new(&net).unwrap();
        let whole = golden.run(&images, first, 5).unwrap();
        let mut parts = golden.run(&images.slice(0..cut), first, 5).unwrap();
        parts.extend(golden.run(&images.slice(cut..60), first + cut as u64, 5).unwrap());
        prop_assert_eq!(&whole, &parts);
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        prop_assert_eq!(&whole, &one_thread.install(|| golden.run(&images, first, 5)).unwrap());
        let last = reference_logits(&net, images.image(59), first % 20 + 59, 5);
        prop_assert_eq!(golden.logits(images.image(59), first % 20 + 59, 5).unwrap(), last.concat());
    }

    #[test]
    fn devices_and_early_stop_are_what_the_contract_says(
        seed in any::<u64>(), every in 1u32..=5, passes in 1u32..=12, like in 0usize..6,
    ) {
        let (mut net, images) = networks::convolving(seed, 6);
        networks::devices(seed, &mut net, false);
        net.early_stop = networks::early_stop(&net, &images, every, like);
        let Some(rule) = net.early_stop else { return Ok(()) };
        let golden = Golden::new(&net).unwrap();
        let found = golden.run_with(&images, 0, passes, |_, result, logits| (result, logits.to_vec())).unwrap();
        prop_assert_eq!(&found, &reference::early(&net, &images, passes, rule));
    }

    #[test]
    fn more_passes_leave_the_first_ones_as_they_were(seed in any::<u64>(), few in 1u32..300, more in 1u32..300) {
        let (net, images) = networks::convolving(seed, 1);
        let golden = Golden::new(&net).unwrap();
        let short = golden.logits(images.image(0), 3, few).unwrap();
        let long = golden.logits(images.image(0), 3, few + more).unwrap();
        prop_assert_eq!(&short[..], &long[..short.len()]);
    }
}

#[test]
fn what_each_returns_comes_back_in_order_with_its_logits() {
    let (net, images) = networks::random(1, 30);
    let golden = Golden::new(&net).unwrap();
    let seen = golden.run_with(&images, 9, 4, |i, result, logits| (i, result, logits.to_vec())).unwrap();
    let results = golden.run(&images, 9, 4).unwrap();
    for (i, (index, result, logits)) in seen.into_iter().enumerate() {
        assert_eq!((index, &result), (i, &results[i]));
        assert_eq!(logits, golden.logits(images.image(i), 9 + i as u64, 4).unwrap());
    }
}

#[test]
fn logits_near_the_end_of_64_bits_are_exact() {
    let (mut net, images) = networks::random(5, 2);
    net.output.shift = 40;
    net.output.logit_bits = 32;
    net.output.scale.fill(i32::MAX);
    net.output.offset.fill(i64::MAX);
    net.output.offset[0] = i64::MIN;
    net.output.others.clear();
    let results = Golden::new(&net).unwrap().run(&images, 0, 3).unwrap();
    for (i, result) in results.iter().enumerate() {
        assert_eq!(result, &reference::result(&reference_logits(&net, images.image(i), i as u64, 3)));
    }
}

#[test]
fn early_stop_ends_some_images_and_spares_others() {
    let mut taken: Vec<u32> = vec![];
    for seed in 0..40 {
        let (mut net, images) = networks::random(seed, 6);
        net.early_stop = networks::early_stop(&net, &images, 2, 0);
        taken.extend(Golden::new(&net).unwrap().run(&images, 0, 8).unwrap().iter().map(|r| r.passes));
    }
    for passes in [2, 4, 8] {
        assert!(taken.contains(&passes), "no image takes {passes} passes");
    }
}

#[test]
fn with_early_stop_images_count_from_the_first() {
    let (mut net, images) =
        (0..).map(|seed| networks::random(seed, 2)).find(|(net, _)| net.stochastic_layers() > 0).unwrap();
    net.early_stop = Some(EarlyStop { every: 1, lead: 3 });
    let golden = Golden::new(&net).unwrap();
    assert!(matches!(golden.run(&images, 1, 4), Err(GoldenError::Resumed { first: 1 })));
}

#[test]
fn no_images_give_no_results() {
    let (net, images) = networks::random(4, 1);
    let golden = Golden::new(&net).unwrap();
    assert_eq!(golden.run(&images.slice(0..0), 0, 3).unwrap(), []);
    assert_eq!(golden.deterministic(&images.slice(0..0)).unwrap(), []);
}

#[test]
fn ties_go_to_the_lowest_class() {
    let (mut net, images) = networks::random(2, 1);
    net.output.others.clear();
    net.output.scale.fill(0);
    net.output.offset.fill(7 << net.output.shift);
    let classes = net.classes();
    let result = Golden::new(&net).unwrap().run(&images, 0, 6).unwrap().remove(0);
    let mut votes = vec![0; classes];
    votes[0] = 6;
    assert_eq!(result, ImageResult { sum: vec![42; classes], sumsq: vec![294; classes], votes, class: 0, passes: 6 });
}

#[test]
fn bad_requests_are_refused() {
    let (mut net, images) = networks::random(3, 2);
    let golden = Golden::new(&net).unwrap();
    assert!(matches!(golden.run(&images, 0, 0), Err(GoldenError::NoPass)));
    assert!(matches!(golden.run(&images, 0, u32::MAX), Err(GoldenError::ManyPasses { .. })));
    let mut other = net.input;
    other.features += 1;
    let wide = Images::new(&other, vec![0; other.features]).unwrap();
    assert!(matches!(golden.run(&wide, 0, 1), Err(GoldenError::Features { .. })));
    assert!(matches!(golden.logits(wide.image(0), 0, 1), Err(GoldenError::Features { .. })));
    let mut values = vec![0; net.input.features];
    values[net.input.features - 1] = 256;
    let told = golden.trace(&values, 0, 0).unwrap_err().to_string();
    let (low, high) = net.input.range();
    assert_eq!(told, format!("image 0, feature {}: value 256 is outside {low} to {high}", net.input.features - 1));
    net.output.logit_bits = 32;
    let told = Golden::new(&net).unwrap().run(&images, 0, 4).unwrap_err().to_string();
    assert_eq!(told, "4 passes of 32-bit logits: their sum of squares may exceed 64 bits; use at most 3");
    net.output.scale.pop();
    assert!(matches!(Golden::new(&net), Err(GoldenError::Net(_))));
}
