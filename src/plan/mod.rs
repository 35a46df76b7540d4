//! How a network is unfolded into hardware: neurons at once (`pe`), inputs at once (`simd`), passes at once (`lanes`).
//!
//! A plan changes cycles and area, never results. It knows no Verilog text.

mod array;
pub mod cost;
mod differences;
mod map;
pub mod memory;
pub(crate) use map::overlaps;
mod schedule;
mod search;
mod uncertainty;

pub use array::{ArrayPlan, Gains};
pub use cost::{Around, Cost, cost, uncertainty_luts};
use differences::AtOnce;
pub use schedule::{Latencies, Reading, Schedule, replay_clocks};
pub use search::{Given, Target, search};
pub use uncertainty::{Flag, Uncertainty};

use crate::net::{Conv, Drops, Method, Network, PoolKind, Weights};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How one layer is folded: `pe` neurons and `simd` inputs of each are computed in a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folding {
    pub pe: usize,
    pub simd: usize,
}

/// A folding of a whole network, checked against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Monte-Carlo passes computed at once by every layer behind the first dropout.
    pub lanes: usize,
    /// Most passes per image that the hardware holds random streams for; a multiple of `lanes`.
    pub max_passes: usize,
    /// One a layer, the output layer last.
    pub folding: Vec<Folding>,
    /// By layer: differences from the image that it takes a clock, or 0 where it computes every pass from all inputs. Empty: 0 everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<usize>,
    /// What is computed of an image's uncertainty beside the result; nothing unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<Uncertainty>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    #[error("layer {layer}: {what}")]
    Layer { layer: usize, what: String },
    #[error("{0}")]
    Whole(String),
}

/// Most passes per image that a design may be built for.
pub const MAX_PASSES: usize = 4096;

/// What is random in a planned layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Plain,
    /// Activations are dropped.
    Dropout,
    /// Thresholds are chosen, by draw `index` of the `of` that a pass takes of the model's unit; it stands at the first.
    Scale { index: usize, of: usize },
    /// Gains and biases are dropped: all of them, or each by itself.
    Affine { element: bool },
    /// Scales are Gaussian, from so many bits.
    Subset { bits: u32 },
    /// One of so many crossbars computes a pass.
    Bayes { crossbars: u32 },
}

impl Kind {
    /// Of a layer of `network`, the output layer last.
    fn of(network: &Network, layer: usize) -> Kind {
        let crossbars = network.crossbars(layer);
        match network.hidden.get(layer).and_then(|h| h.method.as_ref()) {
            None if crossbars > 1 => Kind::Bayes { crossbars: crossbars as u32 },
            None => Kind::Plain,
            Some(Method::Spindrop(_)) => Kind::Dropout,
            Some(Method::Scale(_)) => {
                network.stream(layer).map_or(Kind::Plain, |s| Kind::Scale { index: s.first, of: s.draws })
            }
            Some(Method::Affine(m)) => Kind::Affine { element: m.drops == Drops::Element },
            Some(Method::Subset(m)) => Kind::Subset { bits: m.bits },
            Some(Method::Spinbayes(_)) => Kind::Bayes { crossbars: crossbars as u32 },
        }
    }

    /// Whether neurons of the layer decide on sums by the draws of their pass.
    pub fn decides_on_sums(self) -> bool {
        matches!(self, Kind::Scale { .. } | Kind::Affine { .. } | Kind::Subset { .. })
    }
}

/// One layer of a planned network: shapes and folding together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerPlan {
    pub inputs: usize,
    pub outputs: usize,
    pub pe: usize,
    pub simd: usize,
    /// Passes at once: 1 for layers computed once an image.
    pub lanes: usize,
    /// Bit planes of one input value, taken one after the other.
    pub planes: usize,
    /// Bit planes of a weight, all at once.
    pub weight_planes: usize,
    /// Whether inputs carry live bits (the layer stands behind a dropout, or inputs are dropped).
    pub masked: bool,
    /// Number of the stochastic unit that stands at the layer, if one does.
    pub unit: Option<usize>,
    pub kind: Kind,
    /// How a convolution reads and pools; the layer then computes a frame for each position.
    pub conv: Option<Conv>,
    /// Whether the draws of a pass are made for the first position, and hold at all others.
    pub held: bool,
    /// What stands between the layer's sums and its neurons, if anything does.
    pub summed: Option<Summed>,
    /// The array that computes the sums, where it is read in parts.
    pub array: Option<ArrayPlan>,
    /// Differences from the image that the layer takes a clock, or 0 where it computes every pass from all inputs.
    pub events: usize,
    /// Where it takes differences, the clocks that a pass should take: they depend on the image and on what is dropped.
    pub search_clocks: usize,
}

/// Sums that are pooled, added or kept before neurons decide on them. They travel as sum + the most that a sum can be, so that they
/// are never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summed {
    /// Largest magnitude of the layer's own sums, before pooling.
    pub own: u64,
    /// The same after pooling.
    pub pooled: u64,
    /// The same of what neurons decide on.
    pub decided: u64,
    /// How sums are pooled, where they are: all of a window, or the largest.
    pub pool: Option<PoolKind>,
    /// The layer whose sums are added.
    pub adds: Option<usize>,
    /// Whether a later layer adds these sums.
    pub added: bool,
}

impl LayerPlan {
    /// Values that the layer reads in a pass: inputs, or those of its map.
    pub fn values(&self) -> usize {
        self.conv.map_or(self.inputs, |conv| conv.input.size())
    }

    /// Whether all places of a kernel are read at once, each with as many channels: a crossbar for each place. Otherwise a kernel is
    /// unrolled, place after place.
    pub fn by_place(&self) -> bool {
        self.conv.is_some_and(|conv| by_place(conv, self.simd))
    }

    /// Values of a beat that comes to the layer, or to its window: of one pixel.
    pub fn beat_values(&self) -> usize {
        match self.conv {
            Some(conv) if self.by_place() => self.simd / (conv.kernel.0 * conv.kernel.1),
            _ => self.simd,
        }
    }

    /// Words of `simd` inputs that one neuron reads.
    pub fn words(&self) -> usize {
        self.inputs / self.simd
    }

    /// Groups of `pe` neurons: beats of a frame of the layer's output.
    pub fn groups(&self) -> usize {
        self.outputs / self.pe
    }

    /// What an input adds at most to what a neuron counts: a match in every plane of values and weights.
    pub fn matches_per_input(&self) -> usize {
        ((1 << self.planes) - 1) * ((1 << self.weight_planes) - 1)
    }

    /// Clocks from one output beat to the next.
    pub fn beat_clocks(&self) -> usize {
        if self.events > 0 {
            return 1;
        }
        self.words() * self.planes
    }

    /// Draws of a beat, or of a frame where `true` stands beside them.
    pub fn draws(&self) -> (usize, bool) {
        match self.kind {
            Kind::Plain => (0, false),
            Kind::Dropout | Kind::Subset { .. } => (self.pe, false),
            Kind::Scale { index: 0, of } => (of, true),
            Kind::Scale { .. } => (0, false),
            Kind::Bayes { .. } => (1, true),
            Kind::Affine { element: false } => (2, true),
            Kind::Affine { element: true } => (2 * self.pe, false),
        }
    }

    /// Crossbars of which a pass reads one.
    pub fn crossbars(&self) -> usize {
        if let Kind::Bayes { crossbars } = self.kind { crossbars as usize } else { 1 }
    }

    /// Clocks in which the layer reads weights for one frame.
    pub fn frame_clocks(&self) -> usize {
        if self.events > 0 {
            return self.search_clocks;
        }
        self.groups() * self.beat_clocks()
    }

    /// Frames of a pass: the positions of a convolution before pooling, or 1.
    pub fn positions(&self) -> usize {
        self.conv.map_or(1, |conv| conv.summed().0 * conv.summed().1)
    }

    /// Pixels of the map that leaves the layer, or 1.
    pub fn pixels(&self) -> usize {
        self.conv.map_or(1, |conv| conv.positions().0 * conv.positions().1)
    }

    /// Positions where neurons decide, or 1: those before pooling, unless sums are pooled.
    pub fn deciding(&self) -> usize {
        if self.summed.is_some_and(|sums| sums.pool.is_some()) { self.pixels() } else { self.positions() }
    }

    /// Whether sums leave the layer itself, for blocks behind it that decide.
    pub fn gives_sums(&self) -> bool {
        self.kind.decides_on_sums() || self.summed.is_some()
    }

    /// Whether every pass decides anew on the sums where passes part: by its draws, or because a later layer adds the sums.
    pub fn decides_each_pass(&self) -> bool {
        self.kind.decides_on_sums() || self.summed.is_some_and(|sums| sums.added)
    }

    /// Clocks of a pass, those between frames among them.
    pub fn pass_clocks(&self) -> usize {
        self.positions() * (self.frame_clocks() + 1) - 1
    }
}

impl Plan {
    /// A plan after checking that it fits `network`.
    pub fn new(network: &Network, lanes: usize, max_passes: usize, folding: Vec<Folding>) -> Result<Plan, PlanError> {
        let plan = Plan { lanes, max_passes, folding, events: vec![], uncertainty: None };
        plan.check(network)?;
        Ok(plan)
    }

    /// The same folding, and this much of the uncertainty.
    pub fn with_uncertainty(self, uncertainty: Option<Uncertainty>) -> Plan {
        Plan { uncertainty, ..self }
    }

    /// The same, where layers take so many differences from the image a clock instead of all inputs.
    pub fn with_events(self, network: &Network, events: Vec<usize>) -> Result<Plan, PlanError> {
        let plan = Plan { events, ..self };
        plan.check(network)?;
        Ok(plan)
    }

    /// Whether a layer takes differences: cycles then depend on the images and on what is dropped.
    pub fn takes_differences(&self) -> bool {
        self.events.iter().any(|&events| events > 0)
    }

    /// Differences a clock of a layer.
    fn events(&self, layer: usize) -> usize {
        self.events.get(layer).copied().unwrap_or(0)
    }

    fn at_once(&self, layer: usize) -> AtOnce {
        let (pe, events) = (self.folding[layer].pe, self.events(layer));
        AtOnce { lanes: self.lanes, max_passes: self.max_passes, pe, events }
    }

    /// Whether the plan fits `network`: as many foldings as layers, sizes that divide.
    ///
    /// # Errors
    /// Names the layer and the sizes that would be right.
    pub fn check(&self, network: &Network) -> Result<(), PlanError> {
        let layers = network.hidden.len() + 1;
        let whole = |what: String| Err(PlanError::Whole(what));
        if self.folding.len() != layers {
            return whole(format!("{} foldings given, but the network has {layers} layers", self.folding.len()));
        }
        if self.lanes == 0 {
            return whole("lanes is 0; it must be at least 1".into());
        }
        if network.streams() == 0 && self.lanes > 1 {
            return whole(format!(
                "{} lanes, but no layer has a stochastic method: every pass would be the same; use 1 lane",
                self.lanes
            ));
        }
        if !(1..=MAX_PASSES).contains(&self.max_passes) || !self.max_passes.is_multiple_of(self.lanes) {
            return whole(format!(
                "max_passes is {}; it must be a multiple of the {} lanes, 1 to {MAX_PASSES}",
                self.max_passes, self.lanes
            ));
        }
        if let Some(rule) = network.early_stop {
            let every = rule.every as usize;
            if every == 0 || !every.is_multiple_of(self.lanes) {
                return whole(format!(
                    "early stop is asked every {every} passes, no multiple of the {} lanes that end together",
                    self.lanes
                ));
            }
            if every >= self.max_passes {
                return whole(format!(
                    "early stop is asked every {every} passes, but there are at most {}; ask earlier, or raise max_passes",
                    self.max_passes
                ));
            }
        }
        if self.lanes > 1
            && let Some(layer) = network.first_spinbayes()
        {
            return Err(PlanError::Layer {
                layer,
                what: format!(
                    "{} lanes, but with SpinBayes every pass reads a crossbar of its own; use 1 lane",
                    self.lanes
                ),
            });
        }
        if !self.events.is_empty() && self.events.len() != layers {
            return whole(format!(
                "{} numbers of events given, but the network has {layers} layers",
                self.events.len()
            ));
        }
        for (layer, f) in self.folding.iter().enumerate() {
            let fail = |what: String| Err(PlanError::Layer { layer, what });
            let (inputs, outputs) = shape(network, layer);
            if let Err(what) = differences::check(network, layer, f.simd, self.events(layer)) {
                return fail(what);
            }
            if let Some(hidden) = network.hidden.get(layer)
                && let Some(conv) = hidden.conv
            {
                if let Err(what) = map::check(network, layer, conv) {
                    return fail(what);
                }
                let channels = conv.input.channels;
                if f.simd == 0 || !(channels.is_multiple_of(f.simd) || by_place(conv, f.simd)) {
                    let near = divisors_near(channels, f.simd);
                    let places = conv.kernel.0 * conv.kernel.1;
                    return fail(format!(
                        "simd {} does not divide the {channels} channels that it reads; use {near}, or {places} times a divisor for \
                         all places of the kernel at once",
                        f.simd
                    ));
                }
            } else if f.simd == 0 || inputs % f.simd != 0 {
                return fail(format!(
                    "simd {} does not divide its {inputs} inputs; use {}",
                    f.simd,
                    divisors_near(inputs, f.simd)
                ));
            }
            let at_once = network.hidden.get(layer).and_then(|h| h.conv).is_some_and(|conv| by_place(conv, f.simd));
            if let Some(array) = ArrayPlan::of(network, layer)
                && let Err(what) = array.check(f.simd, inputs, at_once)
            {
                return fail(what);
            }
            if let Some(hidden) = network.hidden.get(layer)
                && let Err(what) = map::check_sums(network, layer, hidden)
            {
                return fail(what);
            }
            if let Some(from) = network.hidden.get(layer).and_then(|h| h.residual)
                && f.pe != self.folding[from].pe
            {
                let what = format!(
                    "pe {}, but it adds the sums of layer {from}, which come with pe {}; use the same",
                    f.pe, self.folding[from].pe
                );
                return fail(what);
            }
            if f.pe == 0 || outputs % f.pe != 0 {
                return fail(format!(
                    "pe {} does not divide its {outputs} neurons; use {}",
                    f.pe,
                    divisors_near(outputs, f.pe)
                ));
            }
            let conv = network.hidden.get(layer).and_then(|h| h.conv).filter(|conv| by_place(*conv, f.simd));
            let word = f.simd / conv.map_or(1, |conv| conv.kernel.0 * conv.kernel.1);
            if layer > 0 && word % self.folding[layer - 1].pe != 0 {
                return fail(format!(
                    "simd {} is not a multiple of the pe {} of the layer before, which fills its words",
                    f.simd,
                    self.folding[layer - 1].pe
                ));
            }
            if let Some(Method::Affine(affine)) = network.hidden.get(layer).and_then(|h| h.method.as_ref()) {
                let size = outputs / affine.groups;
                if !size.is_multiple_of(f.pe) {
                    return fail(format!(
                        "pe {} does not divide the {size} neurons of a normalization group; use {}",
                        f.pe,
                        divisors_near(size, f.pe)
                    ));
                }
            }
            if layer + 1 == layers && f.pe > inputs / f.simd {
                return fail(format!(
                    "pe {} in the output layer needs simd of at most {}: logits leave one class a clock",
                    f.pe,
                    inputs / f.pe
                ));
            }
        }
        Ok(())
    }

    /// The layers of `network` under this plan, the output layer last.
    pub fn layers(&self, network: &Network) -> Vec<LayerPlan> {
        let once = network.once_per_image();
        (0..self.folding.len())
            .map(|layer| {
                let (inputs, outputs) = shape(network, layer);
                let kind = Kind::of(network, layer);
                let later = matches!(kind, Kind::Scale { index: 1.., .. });
                let unit = network.stream(layer).filter(|_| !later).map(|stream| stream.number);
                LayerPlan {
                    inputs,
                    outputs,
                    pe: self.folding[layer].pe,
                    simd: self.folding[layer].simd,
                    lanes: if layer < once { 1 } else { self.lanes },
                    planes: if layer == 0 { network.input.bits as usize } else { 1 },
                    weight_planes: weights(network, layer).planes().len(),
                    masked: masked(network, layer),
                    unit,
                    kind,
                    conv: network.hidden.get(layer).and_then(|h| h.conv),
                    held: held(network, layer),
                    summed: map::summed(network, layer),
                    array: ArrayPlan::of(network, layer),
                    events: self.events(layer),
                    search_clocks: differences::search_clocks(network, layer, self.at_once(layer)),
                }
            })
            .collect()
    }

    /// Draws a clock and lane in the dropout unit of hidden layer `layer`: the fewest that keep up with the layer.
    ///
    /// The first dropout of a network feeds all passes from one computation of its layer; it has to keep up with the
    /// slowest layer behind it, give or take an eighth.
    pub fn draws_per_clock(&self, network: &Network, layer: usize) -> usize {
        let layers = self.layers(network);
        let (count, holds) = layers[layer].draws();
        if holds {
            // The unit of Scale-Dropout draws for one layer after the other: where passes part, between passes, else while a
            // beat is computed, if that takes long enough.
            let parts = layer + 1 == network.once_per_image();
            let in_time = parts || layers[layer].beat_clocks() >= count;
            return if matches!(layers[layer].kind, Kind::Scale { .. }) && in_time { 1 } else { count };
        }
        let clocks = if layer + 1 == network.once_per_image() {
            clocks_of_parting_beat(&layers[layer + 1..], layers[layer].groups() * layers[layer].pixels())
        } else {
            layers[layer].beat_clocks()
        };
        fewest_draws(count, clocks)
    }

    /// The same of the dropout unit of the inputs: a beat is a word of the first layer.
    pub fn input_draws_per_clock(&self, network: &Network) -> usize {
        let layers = self.layers(network);
        fewest_draws(layers[0].beat_values(), clocks_of_parting_beat(&layers, layers[0].words()))
    }
}

/// Whether `simd` asks for all places of a kernel at once, each with a divisor of the channels.
fn by_place(conv: Conv, simd: usize) -> bool {
    let (places, channels) = (conv.kernel.0 * conv.kernel.1, conv.input.channels);
    !channels.is_multiple_of(simd) && simd.is_multiple_of(places) && channels.is_multiple_of(simd / places)
}

/// Clocks that each of the `beats` of a frame may take where passes part, before the layers `behind`.
fn clocks_of_parting_beat(behind: &[LayerPlan], beats: usize) -> usize {
    let slowest = behind.iter().map(LayerPlan::pass_clocks).max().unwrap_or(1);
    // The clocks of a layer that takes differences are an estimate, and its passes do not come evenly.
    let slack = if behind.iter().any(|l| l.events > 0) { 0 } else { slowest / 8 };
    ((slowest + slack) / beats).max(1)
}

/// The fewest draws a clock with which `count` are made in `clocks`.
fn fewest_draws(count: usize, clocks: usize) -> usize {
    (1..=count).find(|&d| count.is_multiple_of(d) && count / d <= clocks).unwrap_or(count)
}

/// Whether the draws of a pass hold at all positions of a layer that has several, though they are one or more a neuron.
fn held(network: &Network, layer: usize) -> bool {
    let Some(hidden) = network.hidden.get(layer) else { return false };
    let one_a_neuron = match &hidden.method {
        Some(Method::Spindrop(m)) => m.maps,
        Some(Method::Subset(_)) => true,
        Some(Method::Affine(m)) => m.drops == Drops::Element,
        _ => false,
    };
    one_a_neuron && hidden.conv.is_some()
}

/// Whether inputs of a layer come with live bits.
fn masked(network: &Network, layer: usize) -> bool {
    let padded = network.hidden.get(layer).and_then(|h| h.conv).is_some_and(|conv| conv.pad.any());
    if padded && (layer > 0 || network.input.bits == 1) {
        return true;
    }
    match layer.checked_sub(1) {
        Some(before) => network.hidden[before].method.as_ref().is_some_and(Method::masks),
        None => network.input.dropout.is_some(),
    }
}

/// (inputs, outputs) of a layer, the output layer last.
fn shape(network: &Network, layer: usize) -> (usize, usize) {
    let weights = weights(network, layer);
    (weights.cols(), weights.rows())
}

/// Those of a layer, the output layer last.
fn weights(network: &Network, layer: usize) -> &Weights {
    network.hidden.get(layer).map_or(&network.output.weights, |h| &h.weights)
}

/// Divisors of `n` on both sides of `near`, in words.
fn divisors_near(n: usize, near: usize) -> String {
    let below = (1..=near.min(n)).rev().find(|d| n.is_multiple_of(*d));
    let above = (near.max(1)..=n).find(|d| n.is_multiple_of(*d));
    match (below, above) {
        (Some(b), Some(a)) if a != b => format!("{b} or {a}"),
        (Some(d), _) | (_, Some(d)) => format!("{d}"),
        _ => "a divisor".into(),
    }
}

#[cfg(test)]
mod tests;
