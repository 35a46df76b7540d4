//! The float network as its definition reads: the reference that lowering is tested against.
//!
//! It shares no arithmetic with `lower` or `golden`, and trades speed for plainness.

use super::{Dense, Model};

/// What one pass over one image gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// For each hidden layer its activations before dropout; `true` means +1.
    pub activations: Vec<Vec<bool>>,
    /// One a class.
    pub logits: Vec<f64>,
}

/// One pass of a checked model over one image.
///
/// * `image`: input values, one a feature; 0 and 1 where the model has 1-bit inputs (0 means −1).
/// * `masks`: for each hidden layer which activations are live, `masks[layer][neuron]`; a dropped one counts as 0.
///
/// # Panics
///
/// If `image` or `masks` do not have the shapes of the model, or the model no layers.
pub fn forward(model: &Model, image: &[i16], masks: &[Vec<bool>]) -> Forward {
    assert_eq!(image.len(), model.input.features, "one value a feature");
    assert_eq!(masks.len(), model.layers.len() - 1, "one mask a hidden layer");
    let one_bit = model.input.bits == 1;
    let mut x: Vec<f64> = image.iter().map(|&v| if one_bit { f64::from(2 * v - 1) } else { f64::from(v) }).collect();
    let (last, hidden) = model.layers.split_last().expect("a checked model has layers");
    let mut activations = Vec::with_capacity(hidden.len());
    for (layer, mask) in hidden.iter().zip(masks) {
        let signs: Vec<bool> = normalised_sums(layer, &x).iter().map(|&y| y >= 0.0).collect();
        assert_eq!(mask.len(), signs.len(), "one mask value a neuron");
        x = signs
            .iter()
            .zip(mask)
            .map(|(&s, &live)| {
                if !live {
                    0.0
                } else if s {
                    1.0
                } else {
                    -1.0
                }
            })
            .collect();
        activations.push(signs);
    }
    Forward { activations, logits: normalised_sums(last, &x) }
}

/// `gamma·(a + bias − mean)/sqrt(var + eps) + beta` for each output.
fn normalised_sums(layer: &Dense, x: &[f64]) -> Vec<f64> {
    let norm = &layer.norm;
    let of_output = |o: usize| {
        let mut a = 0.0;
        for (i, x) in x.iter().enumerate() {
            a += if layer.weights.get(o, i) { *x } else { -*x };
        }
        if let Some(bias) = &layer.bias {
            a += bias[o];
        }
        norm.gamma[o] * (a - norm.mean[o]) / (norm.var[o] + norm.eps).sqrt() + norm.beta[o]
    };
    (0..layer.outputs()).map(of_output).collect()
}
