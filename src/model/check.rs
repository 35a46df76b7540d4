//! What every model must satisfy, whether it was read or trained.

use super::{Affine, BatchNorm, Crossbar, Crossbars, Dense, Encoding, Method, Model, ModelError, Subset};
use crate::net::{MAX_CODE_BITS, ONE_BIT_INPUTS_ALONE};

/// Largest magnitude of a batch-norm value: far beyond any trained one, and small enough that nothing overflows.
const LARGEST: f64 = 1e30;
/// Most values in a layer.
pub(super) const MAX_WIDTH: usize = 1 << 22;
/// Most crossbars in a layer.
pub(super) const MAX_CROSSBARS: usize = 256;
/// Most bit planes of a weight: it is one byte in the tensor file.
pub(super) const MAX_WEIGHT_PLANES: usize = 7;
/// Most layers in a model.
pub(super) const MAX_LAYERS: usize = 1024;

impl Model {
    /// Checks shapes and values. Lowering and [`super::forward`] rely on it.
    pub fn check(&self) -> Result<(), ModelError> {
        self.check_as(&format!("model `{}`", self.name))
    }

    /// Checks, and names `file` in errors.
    pub(super) fn check_as(&self, file: &str) -> Result<(), ModelError> {
        let fail = |place: &str, what: String| Err(ModelError::invalid(file, place, what));
        if !is_name(&self.name) {
            return fail("name", format!("`{}`; use letters, digits, `-` and `_`, and start with a letter", self.name));
        }
        if self.passes == 0 {
            return fail("passes", "0 passes; a run needs at least 1".into());
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return fail("temperature", format!("{}; it must be above 0", self.temperature));
        }
        let accuracy = self.training.as_ref().map(|training| training.validation_accuracy);
        if let Some(accuracy) = accuracy.filter(|share| !(0.0..=1.0).contains(share)) {
            return fail("training.validation_accuracy", format!("{accuracy}; it is a share, from 0 to 1"));
        }
        self.check_input(file)?;
        if !(2..=MAX_LAYERS).contains(&self.layers.len()) {
            let n = self.layers.len();
            return fail("layers", format!("{n} layers; 2 to {MAX_LAYERS} are supported, the last gives the logits"));
        }
        let mut before = self.input.features;
        for (l, layer) in self.layers.iter().enumerate() {
            let place = format!("layer {l}");
            let last = l + 1 == self.layers.len();
            let (reads, wanted) = match &layer.conv {
                Some(_) if last => {
                    return fail(&format!("{place}, conv"), "the last layer gives logits and is dense".into());
                }
                Some(conv) => {
                    conv.check(before).map_err(|what| ModelError::invalid(file, format!("{place}, conv"), what))?;
                    ("the kernel covers", conv.taps())
                }
                None => ("the layer before gives", before),
            };
            if layer.inputs() != wanted {
                let what = format!("weights for {} inputs, but {reads} {wanted}", layer.inputs());
                return fail(&place, what);
            }
            if let Some(from) = layer.residual {
                let fail = |what: String| fail(&format!("{place}, residual"), what);
                if last || from >= l {
                    return fail(format!("adds the sums of layer {from}; a hidden layer adds those of one before it"));
                }
                let decided = |layer: &Dense| {
                    let (rows, cols) = layer.conv.map_or((1, 1), |conv| conv.decided());
                    format!("{rows} × {cols} × {}", layer.outputs())
                };
                let (there, own) = (decided(&self.layers[from]), decided(layer));
                if there != own {
                    return fail(format!(
                        "adds the sums of layer {from}, which are {there}, to its own, which are {own}"
                    ));
                }
            }
            layer.check(last).map_err(|(field, what)| ModelError::invalid(file, format!("{place}, {field}"), what))?;
            before = layer.size();
            if before > MAX_WIDTH {
                return fail(&place, format!("{before} activations; at most {MAX_WIDTH} are supported"));
            }
        }
        Ok(())
    }

    fn check_input(&self, file: &str) -> Result<(), ModelError> {
        let fail = |place: &str, what: String| Err(ModelError::invalid(file, place, what));
        let input = &self.input;
        if !(1..=MAX_WIDTH).contains(&input.features) {
            return fail("input.features", format!("{}; 1 to {MAX_WIDTH} are supported", input.features));
        }
        if !(1..=8).contains(&input.bits) {
            return fail("input.bits", format!("{}; 1 to 8 are supported", input.bits));
        }
        if input.signed && input.bits == 1 {
            return fail("input.signed", "1-bit inputs are ±1 and cannot be signed; use 2 bits or more".into());
        }
        if let Some(p) = input.dropout {
            if !(0.0..=1.0).contains(&p) {
                return fail("input.dropout", format!("{p}; a probability is from 0 to 1"));
            }
            if input.bits > 1 {
                return fail("input.dropout", format!("inputs of {} bits; {ONE_BIT_INPUTS_ALONE}", input.bits));
            }
        }
        match input.encoding {
            Encoding::Threshold { .. } if input.bits != 1 => {
                fail("input.encoding", format!("a threshold gives 1 bit, not {}; use a shift", input.bits))
            }
            Encoding::Shift { .. } if input.bits == 1 => {
                fail("input.encoding", "a shift gives 2 bits or more; use a threshold".into())
            }
            Encoding::Shift { right } if right > 7 => {
                fail("input.encoding", format!("a byte shifted right by {right}; 0 to 7 are supported"))
            }
            _ => Ok(()),
        }
    }
}

/// A field, and what is wrong with it.
type Fault = (String, String);

impl Dense {
    fn check(&self, last: bool) -> Result<(), Fault> {
        let outputs = self.outputs();
        let least = if last { 2 } else { 1 };
        if !(least..=MAX_WIDTH).contains(&outputs) {
            return Err(("weight".into(), format!("{outputs} outputs; {least} to {MAX_WIDTH} are supported")));
        }
        let planes = self.weights.planes().len();
        if planes > MAX_WEIGHT_PLANES {
            return Err(("weight".into(), format!("{planes} planes; at most {MAX_WEIGHT_PLANES} are supported")));
        }
        let affine = matches!(self.method, Some(Method::Affine(_)));
        match &self.norm {
            Some(_) if affine => {
                return Err(("norm".into(), "affine dropout normalises by the image's own values; use null".into()));
            }
            Some(norm) => check_norm("", norm, outputs)?,
            None if affine => {}
            None => return Err(("norm".into(), "none; all layers but those of affine dropout have batch norm".into())),
        }
        if let Some(bias) = &self.bias {
            check_vector("bias", bias, outputs)?;
            if affine {
                return Err(("bias".into(), "affine dropout has beta in its place; give none".into()));
            }
        }
        match &self.method {
            Some(method) if last && !matches!(method, Method::Spinbayes(_)) => {
                Err(("method".into(), "the last layer gives logits and has SpinBayes or no method; use null".into()))
            }
            Some(method) => self.check_method(method),
            None => Ok(()),
        }
    }

    fn check_method(&self, method: &Method) -> Result<(), Fault> {
        let outputs = self.outputs();
        let fail = |field: &str, what: String| Err((format!("method.{field}"), what));
        if let Some(p) = method.p().filter(|p| !(0.0..=1.0).contains(p)) {
            return fail("p", format!("{p}; a probability is from 0 to 1"));
        }
        match method {
            Method::Spindrop(_) | Method::SpatialSpindrop(_) => Ok(()),
            Method::Scale(m) => {
                check_vector("method.alpha", &m.alpha, outputs)?;
                match m.alpha.iter().position(|&alpha| alpha <= 0.0) {
                    Some(o) => {
                        let why = "a neuron would change its direction where the scale is dropped; keep scales above 0";
                        fail("alpha", format!("output {o}: {}; {why}", m.alpha[o]))
                    }
                    None => Ok(()),
                }
            }
            Method::Affine(Affine { groups, gamma, beta, .. }) => {
                check_vector("method.gamma", gamma, outputs)?;
                check_vector("method.beta", beta, outputs)?;
                if *groups == 0 || !outputs.is_multiple_of(*groups) {
                    return fail("groups", format!("{groups}; {outputs} outputs must divide into equal groups"));
                }
                if outputs == *groups {
                    let why = "beta and |gamma| cancel and dropout does nothing; use fewer groups";
                    return fail("groups", format!("{groups} of one output each: in a group of one, {why}"));
                }
                Ok(())
            }
            Method::Subset(Subset { bits, mu, sigma }) => {
                if bits % 2 == 1 || !(2..=MAX_CODE_BITS).contains(bits) {
                    return fail("bits", format!("{bits}; an even number of 2 to {MAX_CODE_BITS}"));
                }
                check_vector("method.mu", mu, outputs)?;
                check_vector("method.sigma", sigma, outputs)?;
                match sigma.iter().position(|&s| s < 0.0) {
                    Some(o) => fail("sigma", format!("output {o}: {}; a deviation is at least 0", sigma[o])),
                    None => Ok(()),
                }
            }
            Method::Spinbayes(Crossbars { others }) => self.check_crossbars(others),
        }
    }

    fn check_crossbars(&self, others: &[Crossbar]) -> Result<(), Fault> {
        let (outputs, inputs) = (self.outputs(), self.inputs());
        if !(2..=MAX_CROSSBARS).contains(&(1 + others.len())) {
            let what = format!("{}; 2 to {MAX_CROSSBARS} are supported", 1 + others.len());
            return Err(("method.crossbars".into(), what));
        }
        for (n, crossbar) in others.iter().enumerate() {
            let place = format!("crossbar {}, ", n + 1);
            let (rows, cols) = (crossbar.weights.rows(), crossbar.weights.cols());
            if (rows, cols) != (outputs, inputs) {
                return Err((place + "weight", format!("{rows} × {cols}; the first has {outputs} × {inputs}")));
            }
            let (planes, first) = (crossbar.weights.planes().len(), self.weights.planes().len());
            if planes != first {
                return Err((place + "weight", format!("{planes} planes; the first has {first}")));
            }
            check_norm(&place, &crossbar.norm, outputs)?;
            if self.norm.as_ref().is_some_and(|norm| norm.eps != crossbar.norm.eps) {
                return Err((place + "norm.eps", format!("{}; that of the layer is meant for all", crossbar.norm.eps)));
            }
            if crossbar.bias.is_some() != self.bias.is_some() {
                return Err((place + "bias", "all crossbars of a layer have a bias, or none".into()));
            }
            if let Some(bias) = &crossbar.bias {
                check_vector(&(place + "bias"), bias, outputs)?;
            }
        }
        Ok(())
    }
}

/// Checks a batch norm; `place` is put before its fields.
fn check_norm(place: &str, norm: &BatchNorm, outputs: usize) -> Result<(), Fault> {
    if !(0.0..=1.0).contains(&norm.eps) {
        return Err((format!("{place}norm.eps"), format!("{}; it must be from 0 to 1", norm.eps)));
    }
    for (field, values) in [("gamma", &norm.gamma), ("beta", &norm.beta), ("mean", &norm.mean), ("var", &norm.var)] {
        check_vector(&format!("{place}norm.{field}"), values, outputs)?;
    }
    match norm.var.iter().position(|&v| v <= 0.0) {
        Some(o) => {
            Err((format!("{place}norm.var"), format!("output {o}: variance {}; it must be above 0", norm.var[o])))
        }
        None => Ok(()),
    }
}

fn check_vector(field: &str, values: &[f64], outputs: usize) -> Result<(), Fault> {
    if values.len() != outputs {
        return Err((field.into(), format!("{} values for {outputs} outputs", values.len())));
    }
    match values.iter().position(|v| !v.is_finite() || v.abs() > LARGEST) {
        Some(o) => Err((field.into(), format!("output {o}: {}; it must be finite, at most {LARGEST:e}", values[o]))),
        None => Ok(()),
    }
}

/// Whether `name` can name a model and its directory.
pub fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
