//! Finding a folding: the smallest one that is fast enough, or the fastest one that is small enough.

use super::cost::features::{Before, Place};
use super::cost::{self, Around, Cost, cost};
use super::differences::{self, AtOnce};
use super::{Folding, Kind, LayerPlan, Plan, PlanError, Uncertainty, by_place, masked, shape};
use crate::board::Family;
use crate::net::{Method, Network};
use std::cell::RefCell;
use std::collections::HashMap;

/// What a folding is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// At most so many cycles from image to image, at the network's number of passes; as small as possible.
    Cycles(u64),
    /// At most so many LUTs; as fast as possible.
    Luts(u64),
    /// The same, and at most so many block memories. Layers may take differences: cycles are then an estimate.
    Room { luts: u64, block_rams: u64 },
}

/// What a plan is made for, whatever its folding.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// Room for so many passes.
    pub max_passes: usize,
    pub uncertainty: Option<Uncertainty>,
    /// Whose cells are counted.
    pub family: Family,
    pub around: Around,
}

impl Given {
    /// A plan without uncertainty, for a design with nothing around it.
    pub fn new(family: Family, max_passes: usize) -> Given {
        Given { max_passes, uncertainty: None, family, around: Around::default() }
    }

    fn cost(&self, network: &Network, plan: &Plan) -> Cost {
        cost(network, plan, self.family, self.around)
    }
}

/// Widest word of inputs and most neurons at once that are tried; beyond that a clock has too far to go.
const MAX_SIMD: usize = 128;
const MAX_PE: usize = 64;
const MAX_LANES: usize = 32;

/// A partial folding: layers 0 to the one whose `pe` is the key.
#[derive(Clone, Debug)]
struct Partial {
    price: f64,
    folding: Vec<Folding>,
    /// Differences a clock of each layer.
    events: Vec<usize>,
}

/// LUTs and block memories of a layer by its number, its folding and its differences a clock, its lanes, and where it stands.
type Known = RefCell<HashMap<(usize, Folding, usize, usize, Place), (f64, u64)>>;

/// A search for one network.
struct Search<'a, F> {
    network: &'a Network,
    given: Given,
    cycles_of: F,
    /// LUTs that are spent to save a block memory.
    luts_for_a_block: f64,
    /// Differences a clock that are tried, 0 among them.
    events: &'a [usize],
    known: &'a Known,
}

/// The best plan for `target`; `cycles_of` says what a plan takes from image to image.
///
/// # Errors
/// If no folding reaches the target; the error says how near one comes.
pub fn search(
    network: &Network,
    given: &Given,
    target: Target,
    cycles_of: impl Fn(&Plan) -> f64,
) -> Result<Plan, PlanError> {
    let known = Known::default();
    // A port writes weights where layers read them word after word.
    let differences = matches!(target, Target::Room { .. }) && !given.around.writable;
    let events: &[usize] = if differences { &[0, 1, 2, 4] } else { &[0] };
    let search = |luts_for_a_block| Search {
        network,
        given: *given,
        cycles_of: &cycles_of,
        luts_for_a_block,
        events,
        known: &known,
    };
    let (luts, block_rams) = match target {
        Target::Cycles(cycles) => {
            let search = search(0.0);
            return search.smallest(cycles).ok_or_else(|| {
                let fastest = search.fastest_cycles();
                PlanError::Whole(format!(
                    "no folding takes {cycles} cycles an image or fewer; the fastest takes {fastest}"
                ))
            });
        }
        Target::Luts(luts) => (luts, u64::MAX),
        Target::Room { luts, block_rams } => (luts, block_rams),
    };
    // Where block memories are short, foldings are asked for that save them, the more the further down the list.
    let prices: &[f64] = if block_rams == u64::MAX { &[0.0] } else { &[0.0, 0.5, 2.0, 8.0] };
    let searches: Vec<_> = prices.iter().map(|price| search(price * luts as f64 / block_rams.max(1) as f64)).collect();
    let cost = |plan: &Plan| given.cost(network, plan);
    let fits = |cycles: u64| {
        let plans = searches.iter().filter_map(|search| search.smallest(cycles));
        plans.map(|plan| (cost(&plan), plan)).find(|(cost, _)| cost.luts <= luts && cost.block_rams <= block_rams)
    };
    // Fewer cycles never need less, so the bound can be halved down to.
    let (mut low, mut high) = (0, 1 << 40);
    let Some((_, mut best)) = fits(high) else {
        let least = |of: fn(&Cost) -> u64| {
            searches.iter().filter_map(|search| search.smallest(high)).map(|plan| of(&cost(&plan))).min().unwrap_or(0)
        };
        let (least_luts, least_blocks) = (least(|cost| cost.luts), least(|cost| cost.block_rams));
        return Err(PlanError::Whole(if least_luts > luts {
            format!("no folding fits {luts} LUTs; the smallest is estimated at {least_luts}")
        } else {
            format!(
                "no folding fits {luts} LUTs and {block_rams} block memories; those that were tried take {least_luts} LUTs or more, and \
                 {least_blocks} block memories or more"
            )
        }));
    };
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match fits(middle) {
            Some((_, plan)) => (best, high) = (plan, middle),
            None => low = middle,
        }
    }
    Ok(best)
}

impl<F: Fn(&Plan) -> f64> Search<'_, F> {
    fn fastest_cycles(&self) -> u64 {
        let (mut low, mut high) = (0, 1 << 40);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.smallest(middle).is_some() { high = middle } else { low = middle }
        }
        high
    }

    /// LUTs, and those that its block memories are worth.
    fn price(&self, plan: &Plan) -> u64 {
        let cost = self.given.cost(self.network, plan);
        cost.luts + (self.luts_for_a_block * cost.block_rams as f64) as u64
    }

    /// LUTs of layer `layer`, and those that its block memories are worth.
    fn of_layer(&self, layer: usize, l: &LayerPlan, place: Place) -> f64 {
        let key = (layer, Folding { pe: l.pe, simd: l.simd }, l.events, l.lanes, place);
        let cost = || cost::of_layer(l, place, self.given.family, self.given.around);
        let (luts, blocks) = *self.known.borrow_mut().entry(key).or_insert_with(cost);
        luts + self.luts_for_a_block * blocks as f64
    }

    /// The cheapest plan among those that take at most `cycles` an image.
    fn smallest(&self, cycles: u64) -> Option<Plan> {
        let alone = self.network.first_spinbayes().is_some();
        let lanes = if self.network.streams() == 0 || alone { 1 } else { MAX_LANES };
        let max_passes = self.given.max_passes;
        let candidates = (0..).map(|power| 1usize << power).take_while(|&l| l <= lanes && l <= max_passes);
        candidates
            .filter(|lanes| max_passes.is_multiple_of(*lanes))
            .filter_map(|lanes| {
                // The fold counts what each layer takes by itself; where layers wait for one another, it is asked for less.
                let mut bound = cycles;
                loop {
                    let plan = self.fold(lanes, bound)?.with_uncertainty(self.given.uncertainty);
                    let over = ((self.cycles_of)(&plan) - cycles as f64).ceil();
                    if over <= 0.0 {
                        return Some(plan);
                    }
                    bound = bound.checked_sub(over as u64)?;
                }
            })
            .min_by_key(|plan| self.price(plan))
    }

    /// The cheapest folding for `lanes`. Layers whose sums meet have one `pe`, which is tried out.
    fn fold(&self, lanes: usize, cycles: u64) -> Option<Plan> {
        let network = self.network;
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
            self.fold_with(lanes, cycles, pe)
        });
        plans.min_by_key(|plan| self.price(plan))
    }

    /// The cheapest folding, layer by layer: only `pe` of a layer matters to the next. `pe_of` says where it is given.
    fn fold_with(&self, lanes: usize, cycles: u64, pe_of: impl Fn(usize) -> Option<usize>) -> Option<Plan> {
        let (network, max_passes) = (self.network, self.given.max_passes);
        let layers = network.hidden.len() + 1;
        let once = network.once_per_image();
        let groups = u64::from(network.passes.min(max_passes as u32)).div_ceil(lanes as u64);
        // The replay sends one beat a clock at best, and logits leave one class a clock.
        if groups * (network.classes() as u64 + 1) > cycles {
            return None;
        }
        let mut partials: Vec<(usize, Partial)> = vec![(1, Partial { price: 0.0, folding: vec![], events: vec![] })];
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
                    if layer + 1 == layers && pe > inputs / simd {
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
                    let tried = |&&events: &&usize| differences::check(network, layer, simd, events).is_ok();
                    for &events in self.events.iter().filter(tried) {
                        let at_once = AtOnce { lanes, max_passes, pe, events };
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
                            events,
                            search_clocks: differences::search_clocks(network, layer, at_once),
                        };
                        if (plan.frame_clocks() as u64 + 1) * positions * turns > cycles {
                            continue;
                        }
                        let before =
                            partials.iter().filter(|(pe, _)| layer == 0 || plan.beat_values().is_multiple_of(*pe));
                        let whole = before.map(|(pe, p)| {
                            let before = Before {
                                beat: if layer == 0 { 0 } else { *pe },
                                events: p.events.last().copied().unwrap_or(0),
                            };
                            (p.price + self.of_layer(layer, &plan, Place::of(network, layer, before, lanes)), p)
                        });
                        let Some((price, best)) = whole.min_by(|(a, _), (b, _)| a.total_cmp(b)) else { continue };
                        match next.iter_mut().find(|(known, _)| *known == pe) {
                            Some((_, known)) if known.price <= price => {}
                            known => {
                                let mut folding = best.folding.clone();
                                folding.push(Folding { pe, simd });
                                let events = best.events.iter().copied().chain([events]).collect();
                                let partial = Partial { price, folding, events };
                                match known {
                                    Some((_, old)) => *old = partial,
                                    None => next.push((pe, partial)),
                                }
                            }
                        }
                    }
                }
            }
            partials = next;
        }
        let (_, best) = partials.into_iter().min_by(|(_, a), (_, b)| a.price.total_cmp(&b.price))?;
        let plan = Plan::new(network, lanes, max_passes, best.folding).ok()?;
        if best.events.iter().any(|&events| events > 0) {
            plan.with_events(network, best.events).ok()
        } else {
            Some(plan)
        }
    }
}

fn divisors(n: usize, most: usize) -> impl Iterator<Item = usize> {
    (1..=n.min(most)).filter(move |d| n.is_multiple_of(*d))
}
