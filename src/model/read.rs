//! Reading a model: every file bounded, every value checked.

use super::check::{MAX_CROSSBARS, MAX_LAYERS, MAX_WEIGHT_PLANES, MAX_WIDTH};
use super::manifest::{Activation, FORMAT, Heading, Kind, LayerV1, MANIFEST, Manifest, VERSION};
use super::{Model, ModelError, tensors};
use crate::model::write::hash;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A manifest of the most layers stays far below this.
const MOST_MANIFEST_BYTES: u64 = 1 << 20;

impl Model {
    /// Reads the model in the directory `dir`, and checks it.
    ///
    /// # Errors
    ///
    /// A missing, truncated or foreign file, a hash that differs, and whatever [`Model::check`] refuses; each names
    /// the file, the layer and the field.
    pub fn read(dir: &Path) -> Result<Model, ModelError> {
        let path = dir.join(MANIFEST);
        let file = path.display().to_string();
        let text = read_at_most(&path, MOST_MANIFEST_BYTES)?;
        let manifest = parse(&text, &file)?;
        let tensor_path = dir.join(&manifest.tensors.file);
        let tensor_file = tensor_path.display().to_string();
        let bytes = read_at_most(&tensor_path, tensors::most_bytes(&manifest))?;
        let found = hash(&bytes);
        if found != manifest.tensors.sha256 {
            let what = format!("SHA-256 {found}, but {file} says {}: not the file it was", manifest.tensors.sha256);
            return Err(ModelError::invalid(tensor_file, "whole file", what));
        }
        let layers = tensors::from_bytes(&manifest, &bytes, &tensor_file)?;
        let model = Model {
            name: manifest.name,
            description: manifest.description,
            command: manifest.command,
            training: manifest.training,
            input: manifest.input,
            passes: manifest.passes,
            seed: manifest.seed,
            temperature: manifest.temperature,
            layers,
        };
        model.check_as(&file)?;
        Ok(model)
    }
}

/// The manifest, with all checked that reading the tensors relies on.
fn parse(text: &[u8], file: &str) -> Result<Manifest, ModelError> {
    let json = |source| ModelError::Json { file: file.into(), source };
    let fail = |place: &str, what: String| Err(ModelError::invalid(file, place, what));
    let heading: Heading = serde_json::from_slice(text).map_err(json)?;
    if heading.format != FORMAT {
        return fail("format", format!("`{}`; a manifest says `{FORMAT}`", heading.format));
    }
    let manifest: Manifest = match heading.version {
        2..=VERSION => serde_json::from_slice(text).map_err(json)?,
        1 => serde_json::from_slice::<Manifest<LayerV1>>(text).map_err(json)?.into(),
        other => return fail("version", format!("{other}; this program reads versions 1 to {VERSION}")),
    };
    if let Some((version, field)) = manifest.needs().filter(|(version, _)| manifest.version < *version) {
        let what = format!("not a field of version {}; a manifest with it says version {version}", manifest.version);
        return fail(field, what);
    }
    if manifest.layers.len() > MAX_LAYERS {
        return fail("layers", format!("{} layers; at most {MAX_LAYERS} are supported", manifest.layers.len()));
    }
    for (l, layer) in manifest.layers.iter().enumerate() {
        if !(1..=MAX_WEIGHT_PLANES).contains(&layer.weight_planes) {
            let what = format!("{}; 1 to {MAX_WEIGHT_PLANES} are supported", layer.weight_planes);
            return fail(&format!("layer {l}, weight_planes"), what);
        }
        for (field, n) in [("inputs", layer.inputs), ("outputs", layer.outputs)] {
            if !(1..=MAX_WIDTH).contains(&n) {
                return fail(&format!("layer {l}, {field}"), format!("{n}; 1 to {MAX_WIDTH} are supported"));
            }
        }
        if layer.conv.is_some() != (layer.kind == Kind::Conv) {
            let what = "a layer of kind `conv` has this field, one of kind `dense` has it not".to_string();
            return fail(&format!("layer {l}, conv"), what);
        }
        if !(1..=MAX_CROSSBARS).contains(&layer.crossbars()) {
            let what = format!("{}; 2 to {MAX_CROSSBARS} are supported", layer.crossbars());
            return fail(&format!("layer {l}, method.crossbars"), what);
        }
        let right = if l + 1 == manifest.layers.len() { Activation::None } else { Activation::Sign };
        if layer.activation != right {
            let what = "the last layer has activation `none`, all others `sign`".to_string();
            return fail(&format!("layer {l}, activation"), what);
        }
    }
    let name = Path::new(&manifest.tensors.file);
    if name.file_name() != Some(name.as_os_str()) {
        return fail("tensors.file", format!("`{}`; it must be a file beside the manifest", manifest.tensors.file));
    }
    Ok(manifest)
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::new();
    let io = || ModelError::io(path);
    File::open(path).map_err(io())?.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(io())?;
    if bytes.len() as u64 > most {
        let what = format!("more than the {most} bytes that such a file can have");
        return Err(ModelError::invalid(path.display().to_string(), "whole file", what));
    }
    Ok(bytes)
}
