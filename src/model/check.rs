//! What every model must satisfy, whether it was read or trained.

use super::{Dense, Encoding, Model, ModelError};

/// Largest magnitude of a batch-norm value: far beyond any trained one, and small enough that nothing overflows.
const LARGEST: f64 = 1e30;
/// Most values in a layer.
pub(super) const MAX_WIDTH: usize = 1 << 22;
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
        let accuracy = self.training.validation_accuracy;
        if !(0.0..=1.0).contains(&accuracy) {
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
            if layer.inputs() != before {
                let what = format!("weights for {} inputs, but the layer before gives {before}", layer.inputs());
                return fail(&place, what);
            }
            let last = l + 1 == self.layers.len();
            layer.check(last).map_err(|(field, what)| ModelError::invalid(file, format!("{place}, {field}"), what))?;
            before = layer.outputs();
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

impl Dense {
    /// The field and what is wrong with it.
    fn check(&self, last: bool) -> Result<(), (String, String)> {
        let outputs = self.outputs();
        let least = if last { 2 } else { 1 };
        if !(least..=MAX_WIDTH).contains(&outputs) {
            return Err(("weight".into(), format!("{outputs} outputs; {least} to {MAX_WIDTH} are supported")));
        }
        let norm = &self.norm;
        if !(0.0..=1.0).contains(&norm.eps) {
            return Err(("norm.eps".into(), format!("{}; it must be from 0 to 1", norm.eps)));
        }
        let mut vectors = vec![("gamma", &norm.gamma), ("beta", &norm.beta), ("mean", &norm.mean), ("var", &norm.var)];
        vectors.extend(self.bias.as_ref().map(|b| ("bias", b)));
        for (field, values) in vectors {
            let field = || if field == "bias" { field.to_string() } else { format!("norm.{field}") };
            if values.len() != outputs {
                return Err((field(), format!("{} values for {outputs} outputs", values.len())));
            }
            if let Some(o) = values.iter().position(|v| !v.is_finite() || v.abs() > LARGEST) {
                return Err((field(), format!("output {o}: {}; it must be finite, at most {LARGEST:e}", values[o])));
            }
        }
        if let Some(o) = norm.var.iter().position(|&v| v <= 0.0) {
            return Err(("norm.var".into(), format!("output {o}: variance {}; it must be above 0", norm.var[o])));
        }
        match self.dropout {
            Some(_) if last => {
                Err(("dropout".into(), "the last layer gives logits and cannot have dropout; use null".into()))
            }
            Some(p) if !(0.0..=1.0).contains(&p) => {
                Err(("dropout.p".into(), format!("{p}; a probability is from 0 to 1")))
            }
            _ => Ok(()),
        }
    }
}

/// Whether `name` can name a model and its directory.
pub fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
