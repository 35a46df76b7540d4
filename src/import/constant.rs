//! Constant tensors, and the little arithmetic on them that stands between initializers and layers.

use super::onnx::TensorProto;
use std::path::{Component, Path};

/// A tensor of numbers, the last index running fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Constant {
    pub fn scalar(value: f64) -> Constant {
        Constant { shape: vec![], values: vec![value] }
    }

    /// The one value of a tensor that has one.
    pub fn single(&self) -> Option<f64> {
        match self.values[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    /// One value for each of `channels`, of a tensor that has one in all, or one a channel along the axis `axis` counted from the
    /// right: 0 for the last.
    pub fn per_channel(&self, channels: usize, axis: usize) -> Option<Vec<f64>> {
        if let Some(value) = self.single() {
            return Some(vec![value; channels]);
        }
        let at = self.shape.len().checked_sub(axis + 1)?;
        let others = self.shape.iter().enumerate().all(|(d, &n)| n == 1 || d == at);
        (others && self.shape[at] == channels).then(|| self.values.clone())
    }

    /// `f` of the values of both, one of them a scalar or both of one shape.
    pub fn zip(&self, other: &Constant, f: impl Fn(f64, f64) -> f64) -> Option<Constant> {
        if let Some(b) = other.single() {
            return Some(Constant {
                shape: self.shape.clone(),
                values: self.values.iter().map(|&a| f(a, b)).collect(),
            });
        }
        if let Some(a) = self.single() {
            let values = other.values.iter().map(|&b| f(a, b)).collect();
            return Some(Constant { shape: other.shape.clone(), values });
        }
        if self.shape == other.shape {
            let values = self.values.iter().zip(&other.values).map(|(&a, &b)| f(a, b)).collect();
            return Some(Constant { shape: self.shape.clone(), values });
        }
        // One value for each index of the first axis: scales of weights.
        let rows = *self.shape.first()?;
        let of_rows = other.shape.first() == Some(&rows) && other.values.len() == rows;
        (of_rows && rows > 0).then(|| {
            let each = self.values.len() / rows;
            let values = self.values.iter().enumerate().map(|(i, &a)| f(a, other.values[i / each.max(1)])).collect();
            Constant { shape: self.shape.clone(), values }
        })
    }

    /// Axes in another order.
    pub fn transposed(&self, order: &[usize]) -> Option<Constant> {
        let rank = self.shape.len();
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted != (0..rank).collect::<Vec<_>>() {
            return None;
        }
        let strides: Vec<usize> = (0..rank).map(|d| self.shape[d + 1..].iter().product()).collect();
        let shape: Vec<usize> = order.iter().map(|&d| self.shape[d]).collect();
        let value = |mut at: usize| {
            let mut source = 0;
            for d in (0..rank).rev() {
                source += at % shape[d] * strides[order[d]];
                at /= shape[d];
            }
            self.values[source]
        };
        let values = (0..self.values.len()).map(value).collect();
        Some(Constant { shape, values })
    }
}

/// The numbers of a tensor. External data are looked for in `folder`.
pub fn from_proto(tensor: &TensorProto, folder: Option<&Path>) -> Result<Constant, String> {
    let size = |d: &i64| usize::try_from(*d).ok().filter(|&d| d > 0).ok_or_else(|| format!("a dimension of {d}"));
    let shape: Vec<usize> = tensor.dims.iter().map(size).collect::<Result<_, _>>()?;
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let count = count.ok_or_else(|| format!("dimensions {shape:?} are beyond all memory"))?;
    let external;
    let raw = if tensor.data_location == 1 {
        external = external_data(tensor, folder)?;
        &external[..]
    } else {
        &tensor.raw_data[..]
    };
    let values: Vec<f64> = match tensor.data_type {
        1 if raw.is_empty() => tensor.float_data.iter().map(|&v| f64::from(v)).collect(),
        1 => words(raw, |b| f64::from(f32::from_le_bytes(b)))?,
        11 if raw.is_empty() => tensor.double_data.clone(),
        11 => words(raw, f64::from_le_bytes)?,
        7 if raw.is_empty() => tensor.int64_data.iter().map(|&v| v as f64).collect(),
        7 => words(raw, |b| i64::from_le_bytes(b) as f64)?,
        // Small integers stand in 32 bits unless raw.
        2 | 3 | 6 if raw.is_empty() => tensor.int32_data.iter().map(|&v| f64::from(v)).collect(),
        6 => words(raw, |b| f64::from(i32::from_le_bytes(b)))?,
        2 => raw.iter().map(|&b| f64::from(b)).collect(),
        3 => raw.iter().map(|&b| f64::from(b as i8)).collect(),
        other => {
            return Err(format!(
                "values of ONNX type {other}; float (1), double (11) and integers (2, 3, 6, 7) are read"
            ));
        }
    };
    if values.len() != count {
        return Err(format!("{} values, but its dimensions {shape:?} ask for {count}", values.len()));
    }
    Ok(Constant { shape, values })
}

fn words<const N: usize>(raw: &[u8], value: impl Fn([u8; N]) -> f64) -> Result<Vec<f64>, String> {
    let (words, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(format!("{} bytes are no multiple of {N}", raw.len()));
    }
    Ok(words.iter().map(|&b| value(b)).collect())
}

/// A part of a file beside the model, and no other.
fn external_data(tensor: &TensorProto, folder: Option<&Path>) -> Result<Vec<u8>, String> {
    use std::io::{Read, Seek, SeekFrom};
    let entry = |key: &str| tensor.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    let number = |key: &str| match entry(key) {
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| format!("external data: {key} `{text}` is no number")),
        None => Ok(None),
    };
    let location = entry("location").ok_or("external data without a location")?;
    let folder = folder.ok_or("external data, and no folder to look in")?;
    let path = Path::new(location);
    if location.is_empty() || path.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(format!("external data in `{location}`; it must be a file in the model's own folder"));
    }
    let io = |e: std::io::Error| format!("external data in `{location}`: {e}");
    let mut file = std::fs::File::open(folder.join(path)).map_err(io)?;
    let (size, offset) = (file.metadata().map_err(io)?.len(), number("offset")?.unwrap_or(0));
    let length = number("length")?.unwrap_or(size.saturating_sub(offset));
    if offset.checked_add(length).is_none_or(|end| end > size) {
        return Err(format!("external data: {length} bytes from {offset} of `{location}`, which has {size}"));
    }
    file.seek(SeekFrom::Start(offset)).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}
