//! Which stochastic method each hidden layer is trained with.

use super::{TrainConfig, TrainError};
use crate::net::{Drops, Place};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A method by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    None,
    Spindrop,
    SpatialSpindrop,
    Scale,
    Affine,
    Subset,
    Spinbayes,
}

const NAMES: [(&str, Kind); 7] = [
    ("none", Kind::None),
    ("spindrop", Kind::Spindrop),
    ("spatial-spindrop", Kind::SpatialSpindrop),
    ("scale", Kind::Scale),
    ("affine", Kind::Affine),
    ("subset", Kind::Subset),
    ("spinbayes", Kind::Spinbayes),
];

/// One method for all hidden layers, or one for each, written `scale,none,affine`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Methods(pub Vec<Kind>);

/// The method of a hidden layer with all its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LayerMethod {
    Spindrop { p: f64, place: Place },
    SpatialSpindrop { p: f64, place: Place },
    Scale { p: f64, spread: f64 },
    Affine { p: f64, drops: Drops, groups: usize },
    Subset { bits: u32 },
    Spinbayes { crossbars: usize },
}

/// `p` of SpinDrop unless told otherwise.
const DROPOUT: f64 = 0.1;
/// `p` where a layer has Scale-Dropout or affine dropout, whose draws are few.
const DROPOUT_OF_LAYERS: f64 = 0.2;
const GAUSSIAN_BITS: u32 = 16;
const CROSSBARS: usize = 4;
pub const MOST_CROSSBARS: usize = 64;

impl TrainConfig {
    /// The method of every hidden layer; refuses options that contradict it or that no layer would heed.
    pub fn layer_methods(&self) -> Result<Vec<Option<LayerMethod>>, TrainError> {
        let fail = |option, what: String| Err(TrainError::Config { option, what });
        let hidden = &self.layers.hidden;
        let kinds = match &self.methods.0[..] {
            [one] => vec![*one; hidden.len()],
            each if each.len() == hidden.len() => each.to_vec(),
            each => {
                let (found, wanted) = (each.len(), hidden.len());
                return fail("method", format!("`{}`: {found} methods for {wanted} hidden layers", self.methods));
            }
        };
        let has = |of: &[Kind]| kinds.iter().any(|k| of.contains(k));
        let of_layers = [Kind::Scale, Kind::Affine];
        let of_neurons = [Kind::Spindrop, Kind::SpatialSpindrop];
        let with_p = has(&of_layers) || has(&of_neurons);
        let unheeded = [
            ("dropout", self.dropout.is_some() && !with_p, "spindrop, spatial-spindrop, scale or affine"),
            ("dropout-place", self.dropout_place.is_some() && !has(&of_neurons), "spindrop or spatial-spindrop"),
            ("p-spread", self.p_spread.is_some() && !has(&[Kind::Scale]), "scale"),
            ("drops", self.drops.is_some() && !has(&[Kind::Affine]), "affine"),
            ("norm-groups", self.norm_groups.is_some() && !has(&[Kind::Affine]), "affine"),
            ("gaussian-bits", self.gaussian_bits.is_some() && !has(&[Kind::Subset]), "subset"),
            ("crossbars", self.crossbars.is_some() && !has(&[Kind::Spinbayes]), "spinbayes"),
            ("levels", self.levels.is_some() && !has(&[Kind::Spinbayes]) && self.output_crossbars < 2, "spinbayes"),
        ];
        if let Some((option, _, of)) = unheeded.into_iter().find(|(_, unheeded, _)| *unheeded) {
            return fail(option, format!("no layer has a method that heeds it: {of}"));
        }
        let p = self.dropout.unwrap_or(if has(&of_layers) { DROPOUT_OF_LAYERS } else { DROPOUT });
        if !(0.0..1.0).contains(&p) {
            return fail("dropout", format!("{p}; a probability from 0 to below 1"));
        }
        if p == 0.0 && has(&of_layers) {
            return fail("dropout", "0 would drop nothing; use --method none".into());
        }
        let place = self.dropout_place.unwrap_or_default();
        let spread = self.p_spread.unwrap_or(0.0);
        if !(0.0..=0.5).contains(&spread) {
            return fail("p-spread", format!("{spread}; a deviation of 0 to 0.5"));
        }
        let bits = self.gaussian_bits.unwrap_or(GAUSSIAN_BITS);
        if bits % 2 == 1 || !(2..=16).contains(&bits) {
            return fail("gaussian-bits", format!("{bits}; an even number of 2 to 16"));
        }
        self.planes()?;
        let crossbars = self.crossbars.unwrap_or(CROSSBARS);
        if !(2..=MOST_CROSSBARS).contains(&crossbars) {
            return fail("crossbars", format!("{crossbars}; SpinBayes chooses among 2 to {MOST_CROSSBARS}"));
        }
        let (drops, groups) = (self.drops.unwrap_or(Drops::Vector), self.norm_groups.unwrap_or(1));
        for (kind, width) in kinds.iter().zip(hidden.iter().map(|shape| shape.outputs)) {
            if *kind == Kind::Affine && (groups == 0 || !width.is_multiple_of(groups) || width / groups < 2) {
                let why = "groups must be equal and mix at least 2 neurons: with one, beta and |gamma| cancel";
                return fail("norm-groups", format!("{groups} of a layer of {width}; {why}"));
            }
        }
        let method = |kind: &Kind| match kind {
            Kind::Spindrop if p > 0.0 => Some(LayerMethod::Spindrop { p, place }),
            Kind::SpatialSpindrop if p > 0.0 => Some(LayerMethod::SpatialSpindrop { p, place }),
            Kind::None | Kind::Spindrop | Kind::SpatialSpindrop => None,
            Kind::Scale => Some(LayerMethod::Scale { p, spread }),
            Kind::Affine => Some(LayerMethod::Affine { p, drops, groups }),
            Kind::Subset => Some(LayerMethod::Subset { bits }),
            Kind::Spinbayes => Some(LayerMethod::Spinbayes { crossbars }),
        };
        Ok(kinds.iter().map(method).collect())
    }

    /// Bit planes of a weight in layers with SpinBayes.
    pub(super) fn planes(&self) -> Result<u32, TrainError> {
        match self.levels.unwrap_or(2) {
            levels @ 2..=128 if levels.is_power_of_two() => Ok(levels.ilog2()),
            levels => {
                let what = format!("{levels}; a power of two, 2 to 128, since a weight is made of binary planes");
                Err(TrainError::Config { option: "levels", what })
            }
        }
    }

    /// The options of [`TrainConfig::layer_methods`] with which the same model is made whatever the defaults.
    pub(super) fn method_options(&self) -> String {
        let mut line = format!(" --method {}", self.methods);
        let mut add = |option: &str, value: String| {
            let option = format!(" --{option} {value}");
            if !line.contains(&option) {
                line += &option;
            }
        };
        for method in self.layer_methods().unwrap_or_default().into_iter().flatten() {
            match method {
                LayerMethod::Spindrop { p, place } | LayerMethod::SpatialSpindrop { p, place } => {
                    add("dropout", p.to_string());
                    if place == Place::BeforeSign {
                        add("dropout-place", "before".into());
                    }
                }
                LayerMethod::Scale { p, spread } => {
                    add("dropout", p.to_string());
                    add("p-spread", spread.to_string());
                }
                LayerMethod::Affine { p, drops, groups } => {
                    add("dropout", p.to_string());
                    add("drops", if drops == Drops::Vector { "vector" } else { "element" }.into());
                    add("norm-groups", groups.to_string());
                }
                LayerMethod::Subset { bits } => add("gaussian-bits", bits.to_string()),
                LayerMethod::Spinbayes { crossbars } => add("crossbars", crossbars.to_string()),
            }
        }
        if self.dropout == Some(0.0) {
            line += " --dropout 0";
        }
        line
    }

    /// The methods in words, for a model's description.
    pub(super) fn methods_in_words(&self) -> Result<String, TrainError> {
        let name = |m: Option<LayerMethod>| m.map_or("no stochastic method".to_string(), |m| m.to_string());
        let mut all: Vec<String> = self.layer_methods()?.into_iter().map(name).collect();
        if all.windows(2).all(|pair| pair[0] == pair[1]) {
            all.truncate(1);
        }
        if self.output_crossbars > 1 {
            all.push(format!("{} crossbars in the output layer", self.output_crossbars));
        }
        Ok(all.join("; "))
    }
}

impl fmt::Display for LayerMethod {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            LayerMethod::Spindrop { p, place } => write!(f, "SpinDrop{} with p = {p}", in_words(*place)),
            LayerMethod::SpatialSpindrop { p, place } => write!(f, "Spatial-SpinDrop{} with p = {p}", in_words(*place)),
            LayerMethod::Scale { p, .. } => write!(f, "Scale-Dropout with p = {p}"),
            LayerMethod::Affine { p, .. } => write!(f, "inverted normalization and affine dropout with p = {p}"),
            LayerMethod::Subset { bits } => write!(f, "sub-set inference with {bits} bits a draw"),
            LayerMethod::Spinbayes { crossbars } => write!(f, "SpinBayes with {crossbars} crossbars"),
        }
    }
}

fn in_words(place: Place) -> &'static str {
    if place == Place::BeforeSign { " before the sign" } else { "" }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = |kind: &Kind| NAMES.iter().find(|(_, k)| k == kind).map_or("", |(name, _)| name);
        f.write_str(&self.0.iter().map(name).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Methods {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind = |name: &str| match NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, kind)) => Ok(*kind),
            None => {
                let known = NAMES.map(|(name, _)| name).join(", ");
                Err(format!("`{name}` is no method; there are {known}"))
            }
        };
        text.split(',').map(kind).collect::<Result<_, _>>().map(Methods)
    }
}

impl From<Methods> for String {
    fn from(methods: Methods) -> String {
        methods.to_string()
    }
}

impl TryFrom<String> for Methods {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
