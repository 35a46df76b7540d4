//! Layers that compute a pass from what differs from its image.

use crate::net::{Method, Network};

/// Share of a layer's inputs that turn from image to image: the digits' and MNIST's networks here have 0.43 to 0.48.
const TURNED: f64 = 0.45;

/// Whether `layer` can take `events` differences a clock; 0 always can.
pub fn check(network: &Network, layer: usize, simd: usize, events: usize) -> Result<(), String> {
    if events == 0 {
        return Ok(());
    }
    let refuse = |what: &str| Err(format!("events {events}, but {what}; use 0"));
    let Some(hidden) = network.hidden.get(layer) else {
        return refuse("the output layer has sums of its own in every pass");
    };
    if layer == 0 || layer < network.once_per_image() {
        return refuse("it is computed once an image: there are no passes to differ");
    }
    let before = network.hidden[layer - 1].method.as_ref();
    if !before.is_some_and(Method::masks) {
        return refuse("no SpinDrop stands before it");
    }
    if hidden.conv.is_some() || network.hidden[layer - 1].conv.is_some() {
        return refuse("it reads a map, or is a convolution");
    }
    if !matches!(hidden.method, None | Some(Method::Spindrop(_))) || hidden.residual.is_some() {
        return refuse("its neurons do more than compare with a threshold");
    }
    if hidden.weights.planes().len() > 1 || network.array(layer).is_some() {
        return refuse("its weights have several planes, or are read in parts");
    }
    if network.early_stop.is_some() {
        return refuse("passes may end early");
    }
    if ![1, 2, 4].contains(&events) {
        return Err(format!(
            "events {events}; use 1, 2 or 4, or 0 for a layer that computes every pass from all inputs"
        ));
    }
    if !simd.is_multiple_of(events) || !(simd / events).is_power_of_two() || simd / events < 2 {
        return Err(format!(
            "simd {simd} and {events} events: a word is shared among the events; use simd that gives each a power of two of inputs, at least 2"
        ));
    }
    Ok(())
}

/// How much of a network is computed at once around a layer that takes differences.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce {
    pub lanes: usize,
    /// Most passes an image.
    pub max_passes: usize,
    /// Neurons of the layer in a beat.
    pub pe: usize,
    /// Differences that it takes a clock; 0 of another layer.
    pub events: usize,
}

/// Clocks of a pass of a layer that takes differences, those of its image shared among the passes; 0 of another layer. An estimate: an input
/// is dropped with the probability of its layer, and as many turn where passes have parted before.
pub fn search_clocks(network: &Network, layer: usize, at_once: AtOnce) -> usize {
    let AtOnce { lanes, max_passes, pe, events } = at_once;
    let Some(before) = layer.checked_sub(1).and_then(|l| network.hidden.get(l)).filter(|_| events > 0) else {
        return 0;
    };
    let code = before.method.as_ref().and_then(Method::code).unwrap_or(0);
    let dropped = f64::from(code) / f64::exp2(f64::from(network.random.code_bits));
    let turned = if layer > network.once_per_image() { dropped } else { 0.0 };
    let (inputs, outputs) = super::shape(network, layer);
    // The search that finds most of those that end together, if each finds a normally distributed number.
    let most = |share: f64, searches: usize| {
        let mean = inputs as f64 * share / events as f64;
        mean + 0.7 * (2.0 * (searches as f64).ln() * mean * (1.0 - share)).sqrt()
    };
    let searches = lanes * events;
    let pass = most((dropped + turned).min(1.0), searches).max((outputs / pe) as f64) + 2.0;
    let image = most(TURNED, searches) + 2.0;
    (pass + image * lanes as f64 / max_passes as f64).ceil() as usize
}
