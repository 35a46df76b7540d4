//! Finding a folding: the smallest one that is fast enough, or the fastest one that is small enough.

use super::{Folding, Kind, LayerPlan, Plan, PlanError, Uncertainty, by_place, cost, masked, shape};
use crate::net::{Method, Network};

/// What a folding is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// At most so many cycles from image to image, at the network's number of passes; as small as possible.
    Cycles(u64),
    /// At most so many LUTs (estimate for Xilinx 7); as fast as possible.
    Luts(u64),
    /// The same by the estimate for an ECP5, in LUTs of 4 inputs.
    Luts4(u64),
}

/// Widest word of inputs and most neurons at once that are tried; beyond that a clock has too far to go.
const MAX_SIMD: usize = 128;
const MAX_PE: usize = 64;
const MAX_LANES: usize = 32;

/// A partial folding: layers 0 to the one whose `pe` is the key.
#[derive(Clone, Debug)]
struct Partial {
    luts: u64,
    folding: Vec<Folding>,
}

/// The best plan for `target`, with room for `max_passes` passes and with `uncertainty`; `cycles_of` says what a plan takes from image to image.
///
/// # Errors
/// If no folding reaches the target; the error says how near one comes.
pub fn search(
    network: &Network,
    max_passes: usize,
    target: Target,
    uncertainty: Option<Uncertainty>,
    cycles_of: impl Fn(&Plan) -> f64,
) -> Result<Plan, PlanError> {
    let smallest = |cycles: u64| smallest(network, max_passes, cycles, uncertainty, &cycles_of);
    match target {
        Target::Cycles(cycles) => smallest(cycles).ok_or_else(|| {
            let fastest = fastest_cycles(smallest);
            PlanError::Whole(format!("no folding takes {cycles} cycles an image or fewer; the fastest takes {fastest}"))
        }),
        Target::Luts(luts) | Target::Luts4(luts) => {
            let of = |plan: &Plan| {
                let cost = cost(network, plan);
                if matches!(target, Target::Luts(_)) { cost.luts_xc7 } else { cost.luts_ecp5 }
            };
            // Fewer cycles never need fewer LUTs, so the bound can be halved down to.
            let fits = |cycles: u64| smallest(cycles).filter(|p| of(p) <= luts);
            let (mut low, mut high) = (0, 1 << 40);
            let Some(mut best) = fits(high) else {
                let least = smallest(high).map_or(0, |p| of(&p));
                return Err(PlanError::Whole(format!(
                    "no folding fits {luts} LUTs; the smallest is estimated at {least}"
                )));
            };
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                match fits(middle) {
                    Some(plan) => (best, high) = (plan, middle),
                    None => low = middle,
                }
            }
            Ok(best)
        }
    }
}

fn fastest_cycles(smallest: impl Fn(u64) -> Option<Plan>) -> u64 {
    let (mut low, mut high) = (0, 1 << 40);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if smallest(middle).is_some() { high = middle } else { low = middle }
    }
    high
}

/// The plan with the fewest LUTs among those that take at most `cycles` an image.
fn smallest(
    network: &Network,
    max_passes: usize,
    cycles: u64,
    uncertainty: Option<Uncertainty>,
    cycles_of: impl Fn(&Plan) -> f64,
) -> Option<Plan> {
    let alone = network.first_spinbayes().is_some();
    let lanes = if network.streams() == 0 || alone { 1 } else { MAX_LANES };
    let candidates = (0..).map(|power| 1usize << power).take_while(|&l| l <= lanes && l <= max_passes);
    candidates
        .filter(|lanes| max_passes.is_multiple_of(*lanes))
        .filter_map(|lanes| {
            // The fold counts what each layer takes by itself; where layers wait for one another, it is asked for less.
            let mut bound = cycles;
            loop {
                let plan = fold(network, lanes, max_passes, bound)?.with_uncertainty(uncertainty);
                let over = (cycles_of(&plan) - cycles as f64).ceil();
                if over <= 0.0 {
                    return Some(plan);
                }
                bound = bound.checked_sub(over as u64)?;
            }
        })
        .min_by_key(|plan| cost(network, plan).luts_xc7)
}

/// The smallest folding for `lanes`. Layers whose sums meet have one `pe`, which is tried out.
fn fold(network: &Network, lanes: usize, max_passes: usize, cycles: u64) -> Option<Plan> {
    // Of each layer the first of those whose sums meet, itself where none do.
    let mut first: Vec<usize> = (0..=network.hidden.len()).collect();
    for (l, from) in network.hidden.iter().enumerate().filter_map(|(l, h)| Some((l, h.residual?))) {
        let (old, new) = (first[l].max(first[from]), first[l].min(first[from]));
        first.iter_mut().filter(|f| **f == old).for_each(|f| *f = new);
    }
    let heads: Vec<usize> =
        (0..first.len()).filter(|&l| first[l] == l && first.iter().filter(|&&f| f == l).count() > 1).collect();
    let choices = heads.iter().fold(vec![vec![]], |all: Vec<Vec<usize>>, &head| {
        let with = |chosen: &Vec<usize>, pe| chosen.iter().copied().chain([pe]).collect::<Vec<_>>();
        let (_, outputs) = shape(network, head);
        all.iter().flat_map(|chosen| divisors(outputs, MAX_PE).map(|pe| with(chosen, pe))).collect()
    });
    let plans = choices.into_iter().filter_map(|chosen| {
        let pe = |l: usize| heads.iter().position(|&head| head == first[l]).map(|n| chosen[n]);
        fold_with(network, lanes, max_passes, cycles, pe)
    });
    plans.min_by_key(|plan| cost(network, plan).luts_xc7)
}

/// The smallest folding, layer by layer: only `pe` of a layer matters to the next. `pe_of` says where it is given.
fn fold_with(
    network: &Network,
    lanes: usize,
    max_passes: usize,
    cycles: u64,
    pe_of: impl Fn(usize) -> Option<usize>,
) -> Option<Plan> {
    let layers = network.hidden.len() + 1;
    let once = network.once_per_image();
    let groups = u64::from(network.passes.min(max_passes as u32)).div_ceil(lanes as u64);
    // The replay sends one beat a clock at best, and logits leave one class a clock.
    if groups * (network.classes() as u64 + 1) > cycles {
        return None;
    }
    let mut partials: Vec<(usize, Partial)> = vec![(1, Partial { luts: 0, folding: vec![] })];
    for layer in 0..layers {
        let (inputs, outputs) = shape(network, layer);
        let turns = if layer < once { 1 } else { groups };
        let method = network.hidden.get(layer).and_then(|h| h.method.as_ref());
        let kind = Kind::of(network, layer);
        let weight_planes = super::weights(network, layer).planes().len();
        let planes = if layer == 0 { u64::from(network.input.bits) } else { 1 };
        let conv = network.hidden.get(layer).and_then(|h| h.conv);
        let positions = conv.map_or(1, |conv| (conv.summed().0 * conv.summed().1) as u64);
        let pixels = network.hidden.get(layer).map_or(1, |h| h.positions() as u64);
        let array = super::ArrayPlan::of(network, layer);
        let mut next: Vec<(usize, Partial)> = vec![];
        for pe in divisors(outputs, MAX_PE).filter(|&pe| pe_of(layer).is_none_or(|given| given == pe)) {
            let word = conv.map_or(inputs, |conv| conv.input.channels);
            let places = conv.map_or(1, |conv| conv.kernel.0 * conv.kernel.1);
            let at_once = divisors(word, MAX_SIMD / places).map(|simd| simd * places);
            let at_once = at_once.filter(|&simd| conv.is_some_and(|conv| by_place(conv, simd)));
            for simd in divisors(word, MAX_SIMD).chain(at_once) {
                let places_at_once = conv.is_some_and(|conv| by_place(conv, simd));
                if array.is_some_and(|array| array.check(simd, inputs, places_at_once).is_err()) {
                    continue;
                }
                let clocks = (inputs / simd * (outputs / pe)) as u64 * planes;
                if (clocks + 1) * positions * turns > cycles || (layer + 1 == layers && pe > inputs / simd) {
                    continue;
                }
                if let Some(Method::Affine(affine)) = method
                    && !(outputs / affine.groups).is_multiple_of(pe)
                {
                    continue;
                }
                let parts_here = layer == 0 && network.input.dropout.is_some();
                if parts_here && (inputs / simd + 1) as u64 * groups > cycles {
                    continue;
                }
                if layer + 1 == once && (outputs / pe + 1) as u64 * pixels * groups > cycles {
                    continue;
                }
                let plan = LayerPlan {
                    inputs,
                    outputs,
                    pe,
                    simd,
                    lanes: if layer < once { 1 } else { lanes },
                    planes: planes as usize,
                    weight_planes,
                    masked: masked(network, layer),
                    unit: (kind != Kind::Plain).then_some(0),
                    kind,
                    conv,
                    held: false,
                    summed: None,
                    array,
                };
                let here = cost::layer_luts(&plan);
                let before = partials.iter().filter(|(pe, _)| layer == 0 || plan.beat_values().is_multiple_of(*pe));
                let Some((_, best)) = before.min_by_key(|(_, p)| p.luts) else { continue };
                let luts = best.luts + here;
                match next.iter_mut().find(|(known, _)| *known == pe) {
                    Some((_, known)) if known.luts <= luts => {}
                    known => {
                        let mut folding = best.folding.clone();
                        folding.push(Folding { pe, simd });
                        let partial = Partial { luts, folding };
                        match known {
                            Some((_, old)) => *old = partial,
                            None => next.push((pe, partial)),
                        }
                    }
                }
            }
        }
        partials = next;
    }
    let (_, best) = partials.into_iter().min_by_key(|(_, p)| p.luts)?;
    Plan::new(network, lanes, max_passes, best.folding).ok()
}

fn divisors(n: usize, most: usize) -> impl Iterator<Item = usize> {
    (1..=n.min(most)).filter(move |d| n.is_multiple_of(*d))
}
