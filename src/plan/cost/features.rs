//! What of a plan takes LUTs and registers, in numbers: the terms of the linear models of [`super::model`].

use super::Around;
use crate::net::Network;
use crate::plan::{Flag, Kind, LayerPlan, Plan};
use std::ops::AddAssign;

/// A term. Its value is what its comment says; `pe` includes all lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// 1.
    Design,
    /// Layers.
    Layers,
    /// Inputs that are counted at once: pe · simd · planes of weights, of layers that drop no inputs.
    Matches,
    /// The same of layers that drop inputs, which are kept on two rails.
    MaskedMatches,
    /// Bits of accumulators.
    Accumulators,
    /// Bits of accumulators that double from plane to plane of the inputs.
    DoublingAccumulators,
    /// Bits among which a plane of the inputs is chosen.
    Planes,
    /// Bits of counts of the planes of weights but the first.
    WeightPlanes,
    /// Bits of start values that are fetched.
    Starts,
    /// Activations of a beat that come to buffers of two rails.
    Rails,
    /// Columns of buffers.
    Columns,
    /// Bits of weights and activations that are read at once.
    Words,
    /// Draws a clock.
    Draws,
    /// Bits of states of streams.
    States,
    /// Stochastic units.
    Units,
    /// 1 with any stochastic unit: what makes the start states of streams.
    Seeding,
    /// Bits of draws that are counted: Gaussian scales.
    Gaussian,
    /// Bits of sums that are compared with one of two thresholds (Scale-Dropout).
    Scaled,
    /// Bits of sums that are multiplied by Gaussian scales.
    Subset,
    /// Bits of sums that are normalized.
    Affine,
    /// Bits of sums that are pooled or added before they are compared.
    Summed,
    /// Layers of several crossbars.
    Crossbars,
    /// Differences a clock of layers that take them.
    Differences,
    /// Inputs among which differences are found, in a clock.
    Looked,
    /// Differences a clock times the neurons that take them.
    Changes,
    /// Neurons that take two differences a clock: their changes go into the sums as they are, and have three bits.
    Pairs,
    /// Bits of the sums that follow differences.
    Followed,
    /// Values that leave windows at once.
    Windows,
    /// Places of kernels that are read at once.
    Places,
    /// Activations of a beat that is pooled.
    Pools,
    /// Bits of logits.
    Logits,
    /// Bits of logits times themselves: products.
    Squares,
    /// Bits of the sums that wait to become logits.
    Waiting,
    /// Bits of the results of a class.
    Results,
    /// Activations of a beat where passes part.
    Parting,
    /// Words that a pass takes to be sent: bits of the counters of groups.
    Groups,
    /// 1 with a serial port.
    Serial,
    /// 1 with a programming port.
    Port,
    /// Bits of the words that a host can write.
    Written,
    /// 1 where passes may end early.
    Early,
    /// 1 with a mean of probabilities.
    Mean,
    /// Bits of logits that wait to become probabilities.
    MeanLogits,
    /// 1 with squares of probabilities.
    Variance,
    /// 1 with an entropy.
    Entropy,
    /// 1 with a mutual information.
    Information,
    /// Thresholds of the flag.
    Flags,
    /// Bits of tables that are logic.
    TableBits,
    /// Bits of memories that are registers.
    RegisterBits,
    /// LUTs that are memory.
    MemoryLuts,
}

/// All terms, in the order of the models.
pub const FEATURES: [Feature; COUNT] = {
    use Feature::*;
    [
        Design,
        Layers,
        Matches,
        MaskedMatches,
        Accumulators,
        DoublingAccumulators,
        Planes,
        WeightPlanes,
        Starts,
        Rails,
        Columns,
        Words,
        Draws,
        States,
        Units,
        Seeding,
        Gaussian,
        Scaled,
        Subset,
        Affine,
        Summed,
        Crossbars,
        Differences,
        Looked,
        Changes,
        Pairs,
        Followed,
        Windows,
        Places,
        Pools,
        Logits,
        Squares,
        Waiting,
        Results,
        Parting,
        Groups,
        Serial,
        Port,
        Written,
        Early,
        Mean,
        MeanLogits,
        Variance,
        Entropy,
        Information,
        Flags,
        TableBits,
        RegisterBits,
        MemoryLuts,
    ]
};

/// How many terms there are.
pub const COUNT: usize = Feature::MemoryLuts as usize + 1;

impl Feature {
    /// As the files of coefficients call it: `masked_matches`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(c.to_lowercase());
        }
        name
    }
}

/// A value for each term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features(pub [f64; COUNT]);

impl Default for Features {
    fn default() -> Features {
        Features([0.0; COUNT])
    }
}

impl AddAssign for Features {
    fn add_assign(&mut self, other: Features) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a += b);
    }
}

impl Features {
    pub fn of(&self, feature: Feature) -> f64 {
        self.0[feature as usize]
    }

    pub fn add(&mut self, feature: Feature, value: usize) {
        self.0[feature as usize] += value as f64;
    }

    /// Their sum, each times its coefficient.
    pub fn weighted(&self, coefficients: &[f64; COUNT]) -> f64 {
        self.0.iter().zip(coefficients).map(|(value, coefficient)| value * coefficient).sum()
    }
}

/// Bits of a number up to `n`.
pub(super) fn bits(n: usize) -> usize {
    (usize::BITS - n.leading_zeros()) as usize
}

/// Bits of a neuron's accumulator: of its matches alone, or with a threshold taken off.
pub(super) fn accumulator(l: &LayerPlan, thresholds: bool) -> usize {
    let largest = l.inputs * l.matches_per_input();
    if thresholds { bits(largest + 1) + 1 } else { bits(largest) }
}

/// Where a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Activations of a beat that comes from the layer before; none to the first.
    pub beat: usize,
    /// Whether it is the output layer.
    pub last: bool,
    /// Lanes of what stands behind it: those of all passes where passes part.
    pub lanes: usize,
    /// Whether the layer before takes differences.
    pub behind: bool,
}

impl Place {
    /// Of layer `index`, behind one that gives `before`.
    pub fn of(network: &Network, index: usize, before: Before, lanes: usize) -> Place {
        let parted = index + 1 >= network.once_per_image();
        let last = index == network.hidden.len();
        Place { beat: before.beat, last, lanes: if parted { lanes } else { 1 }, behind: before.events > 0 }
    }
}

/// What stands before a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Before {
    /// Activations of a beat that it gives; none of the inputs.
    pub beat: usize,
    /// Differences that it takes a clock.
    pub events: usize,
}

impl Before {
    /// Layer `index` of `plan`.
    pub fn of(plan: &Plan, index: usize) -> Before {
        match index.checked_sub(1) {
            Some(before) => Before { beat: plan.folding[before].pe, events: plan.events(before) },
            None => Before::default(),
        }
    }
}

/// Terms of a layer, what stands between it and the next among them, but for its stochastic unit.
pub fn layer(l: &LayerPlan, place: Place, writable: bool) -> Features {
    use Feature::*;
    let Place { beat, last, lanes, .. } = place;
    let mut f = Features::default();
    let pe = l.pe * l.lanes;
    let thresholds = !last && !l.gives_sums();
    let width = accumulator(l, thresholds);
    f.add(Layers, 1);
    if l.events > 0 {
        f.add(Differences, l.lanes * l.events);
        f.add(Looked, l.lanes * l.simd);
        f.add(Changes, l.lanes * l.outputs * l.events);
        if l.events == 2 {
            f.add(Pairs, l.lanes * l.outputs);
        }
        f.add(Followed, l.lanes * l.outputs * width);
        return f;
    }
    f.add(if l.masked { MaskedMatches } else { Matches }, pe * l.simd * l.weight_planes);
    f.add(Accumulators, pe * width);
    if l.planes > 1 {
        f.add(DoublingAccumulators, pe * width);
        f.add(Planes, l.simd * l.planes * l.lanes);
    }
    f.add(WeightPlanes, pe * width * (l.weight_planes - 1));
    if thresholds {
        f.add(Starts, l.pe * width * if l.masked { 2 } else { 1 });
    }
    let rails = 1 + usize::from(l.masked);
    f.add(Words, l.pe * l.simd * l.weight_planes + l.lanes * l.simd * rails);
    if beat > 0 && l.planes == 1 {
        let into = if l.conv.is_some() { l.simd } else { beat };
        f.add(Columns, l.lanes * (l.simd / into));
        if l.masked {
            f.add(Rails, l.lanes * into);
        }
    }
    match l.kind {
        Kind::Scale { .. } => f.add(Scaled, lanes * l.pe * width),
        Kind::Subset { .. } => f.add(Subset, lanes * l.pe * width),
        Kind::Affine { .. } => f.add(Affine, lanes * l.pe * width),
        _ => {}
    }
    if let Some(sums) = l.summed {
        f.add(Summed, pe * (bits(2 * sums.own as usize) + bits(2 * sums.decided as usize)));
    }
    if l.crossbars() > 1 {
        f.add(Crossbars, 1);
    }
    if let Some(conv) = l.conv {
        let places = if l.by_place() { conv.kernel.0 * conv.kernel.1 } else { 1 };
        f.add(Windows, l.lanes * l.simd * l.planes * rails);
        f.add(Places, places);
        if conv.pool.is_some() {
            f.add(Pools, pe);
        }
    }
    if writable {
        f.add(Written, l.pe * l.simd * l.weight_planes);
        if thresholds {
            f.add(Written, l.pe * width * if l.masked { 2 } else { 1 });
        }
    }
    f
}

/// Terms of a whole plan, but for those of its memories.
pub fn whole(network: &Network, plan: &Plan, around: Around) -> Features {
    use Feature::*;
    let mut f = Features::default();
    let layers = plan.layers(network);
    let state = network.random.state_bits() as usize;
    f.add(Design, 1);
    for (index, l) in layers.iter().enumerate() {
        f += layer(l, Place::of(network, index, Before::of(plan, index), plan.lanes), around.writable);
        if let Some(stream) = l.unit {
            let draws = plan.lanes * plan.draws_per_clock(network, index) * network.draws_per_unit(stream);
            unit(&mut f, draws, plan.lanes * state);
            if let Kind::Subset { bits } = l.kind {
                f.add(Gaussian, draws * bits as usize);
            }
        }
    }
    if network.input.dropout.is_some() {
        unit(&mut f, plan.lanes * plan.input_draws_per_clock(network), plan.lanes * state);
    }
    if network.streams() > 0 {
        f.add(Seeding, 1);
        let once = network.once_per_image();
        let beat = once.checked_sub(1).map_or(layers[0].beat_values(), |before| layers[before].pe);
        f.add(Parting, plan.lanes * beat);
    }
    let logit = network.output.logit_bits as usize;
    let passes = bits(plan.max_passes);
    if let Some(last) = layers.last() {
        f.add(Waiting, plan.lanes * last.pe * accumulator(last, false));
    }
    f.add(Logits, plan.lanes * logit);
    f.add(Squares, plan.lanes * logit * logit);
    f.add(Results, 3 * logit + 3 * passes);
    f.add(Groups, bits(plan.max_passes / plan.lanes));
    f.add(Serial, usize::from(around.uart));
    f.add(Port, usize::from(around.writable));
    f.add(Early, usize::from(network.early_stop.is_some()));
    uncertainty(&mut f, network, plan);
    f
}

fn unit(f: &mut Features, draws: usize, states: usize) {
    f.add(Feature::Draws, draws);
    f.add(Feature::States, states);
    f.add(Feature::Units, 1);
}

/// Terms of the plan's uncertainty; none of a plan without.
pub fn uncertainty(f: &mut Features, network: &Network, plan: &Plan) {
    use Feature::*;
    let Some(parts) = plan.uncertainty else { return };
    f.add(Mean, 1);
    f.add(MeanLogits, plan.lanes * network.output.logit_bits as usize);
    f.add(Variance, usize::from(parts.squares));
    f.add(Entropy, usize::from(parts.needs_entropy()));
    f.add(Information, usize::from(parts.information));
    f.add(
        Flags,
        match parts.flag {
            Some(Flag::One) => 1,
            Some(Flag::ByClass) => network.classes(),
            None => 0,
        },
    );
}
