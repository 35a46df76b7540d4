//! What the generators can do of convolutions.

use crate::net::{Conv, Hidden, Map, Method, Network, Pool, PoolKind};

/// Whether a convolution of a checked network can be emitted. Says what cannot.
pub(super) fn check(network: &Network, layer: usize, hidden: &Hidden, conv: Conv) -> Result<(), String> {
    let before = layer.checked_sub(1).map(|before| network.hidden[before].map());
    if let Some(map) = before.filter(|map| *map != conv.input) {
        let of = |map: Map| format!("{} × {} × {}", map.height, map.width, map.channels);
        return Err(format!(
            "a map of {}, but the layer before gives one of {}; hardware passes maps on as they are",
            of(conv.input),
            of(map)
        ));
    }
    if let Some(Pool { kind, size, stride }) = conv.pool {
        if size != stride {
            return Err(format!(
                "pooling over {} × {} with stride {} × {}; hardware pools over windows that do not overlap and leave no gap",
                size.0, size.1, stride.0, stride.1
            ));
        }
        match (kind, &hidden.method) {
            (PoolKind::Sum, _) => {
                return Err("pooling by sums (average pooling) cannot be emitted yet; use max or or".into());
            }
            (PoolKind::Max, Some(method @ (Method::Affine(_) | Method::Subset(_)))) => {
                return Err(format!(
                    "the largest sum before the neurons of {}, which decide by more than a threshold; pool by or",
                    method.name()
                ));
            }
            (PoolKind::Max, Some(Method::Spinbayes(m)))
                if m.others.iter().any(|c| c.directions != hidden.directions) =>
            {
                return Err("the largest sum, and crossbars whose neurons differ in direction; pool by or".into());
            }
            _ => {}
        }
    }
    if layer == 0 && network.once_per_image() == 0 && network.input.dropout.is_none() {
        return Err(
            "SpinBayes in a convolution that reads the images cannot be emitted yet; use it from the second layer on"
                .into(),
        );
    }
    let sums = matches!(hidden.method, Some(Method::Scale(_) | Method::Affine(_) | Method::Subset(_)));
    let bits = layer > 0 || network.input.bits == 1;
    if sums && layer + 1 == network.once_per_image() && bits && conv.pad.any() && conv.input.channels % 2 == 1 {
        return Err(format!(
            "padding beside {} channels in front of neurons that decide on sums, where passes part; use an even number",
            conv.input.channels
        ));
    }
    Ok(())
}
