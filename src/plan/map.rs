//! What the generators can do of convolutions, and of sums that are pooled or added.

use super::{Summed, masked};
use crate::net::{Conv, Hidden, Map, Method, Network, Pool, PoolKind};

/// Whether a convolution of a checked network can be emitted. Says what cannot.
pub(super) fn check(network: &Network, layer: usize, conv: Conv) -> Result<(), String> {
    let before = layer.checked_sub(1).map(|before| network.hidden[before].map());
    if let Some(map) = before.filter(|map| *map != conv.input) {
        let of = |map: Map| format!("{} × {} × {}", map.height, map.width, map.channels);
        return Err(format!(
            "a map of {}, but the layer before gives one of {}; hardware passes maps on as they are",
            of(conv.input),
            of(map)
        ));
    }
    if layer == 0 && network.once_per_image() == 0 && network.input.dropout.is_none() {
        let what = if network.errs(0) { "read errors" } else { "SpinBayes" };
        return Err(format!(
            "{what} in a convolution that reads the images cannot be emitted yet; use it from the second layer on"
        ));
    }
    Ok(())
}

/// Whether what stands between a layer's sums and its neurons can be emitted. Says what cannot.
pub(super) fn check_sums(network: &Network, layer: usize, hidden: &Hidden) -> Result<(), String> {
    let Some(summed) = summed(network, layer) else { return Ok(()) };
    if let (Some(Method::Spinbayes(_)), Some(_)) = (&hidden.method, network.array(layer)) {
        return Err("SpinBayes on an array read in parts cannot be emitted yet: thresholds of its sums would have to follow the \
             crossbar; leave the array out, or use SpinBayes in the output layer"
            .into());
    }
    if let Some(Method::Spinbayes(_)) = hidden.method {
        return Err(
            "SpinBayes beside pooled or added sums cannot be emitted yet: thresholds would have to follow the crossbar; \
             pool by or, and leave residuals to other layers"
                .into(),
        );
    }
    let or = hidden.conv.and_then(|conv| conv.pool).is_some_and(|pool| pool.kind == PoolKind::Or);
    if or && summed.added && layer + 1 == network.once_per_image() && !by_draws(hidden) {
        return Err("pooling by or where passes part, and a later layer that adds the sums; pool by max".into());
    }
    Ok(())
}

/// What stands between the sums of a layer and its neurons. The largest sum of windows side by side needs nothing where neurons
/// have thresholds: it reaches one where any sum does.
pub(super) fn summed(network: &Network, layer: usize) -> Option<Summed> {
    let hidden = network.hidden.get(layer)?;
    let pool = hidden.conv.and_then(|conv| conv.pool).filter(|pool| match (pool.kind, &hidden.method) {
        (PoolKind::Or, _) => false,
        (PoolKind::Sum, _) => true,
        (PoolKind::Max, Some(Method::Affine(_) | Method::Subset(_))) => true,
        (PoolKind::Max, Some(Method::Spinbayes(m))) => {
            overlaps(pool) || m.others.iter().any(|c| c.directions != hidden.directions)
        }
        (PoolKind::Max, _) => overlaps(pool),
    });
    let (adds, added) = (hidden.residual, network.is_added(layer));
    // Which inputs are dropped differs by position: sums have to be complete where they are kept for all passes.
    let odd = by_draws(hidden) && layer + 1 == network.once_per_image() && masked(network, layer);
    if pool.is_none() && adds.is_none() && !added && !odd && network.array(layer).is_none() {
        return None;
    }
    // A largest sum that needs nothing by itself is taken of sums all the same where these go on.
    let all = hidden.conv.and_then(|conv| conv.pool).filter(|pool| pool.kind != PoolKind::Or);
    let single = hidden.conv.map(|conv| Conv { pool: None, ..conv });
    let own = network.own_sum_bound(layer, &hidden.weights, single) as u64;
    let pooled = network.own_sum_bound(layer, &hidden.weights, hidden.conv) as u64;
    let decided = network.sum_bound(layer) as u64;
    Some(Summed { own, pooled, decided, pool: all.map(|pool| pool.kind), adds, added })
}

/// Whether windows are not side by side.
pub(crate) fn overlaps(pool: &Pool) -> bool {
    pool.size != pool.stride
}

/// Whether neurons decide by draws on sums.
fn by_draws(hidden: &Hidden) -> bool {
    matches!(hidden.method, Some(Method::Scale(_) | Method::Affine(_) | Method::Subset(_)))
}
