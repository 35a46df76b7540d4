//! NumPy `.npy` files: input values of any source, and logits for any tool.

use super::DataError;
use crate::files::write_aside;
use crate::net::{Images, Input};
use npyz::{DType, Deserialize, NpyFile, Order, TypeChar, WriterBuilder};
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

/// Far more than the header of any array of numbers.
const MOST_HEADER_BYTES: usize = 1 << 14;
/// Deepest nesting of brackets in a header; an array of numbers has 2.
const MOST_NESTING: usize = 8;
/// Most elements of an array: the strides of anything larger could overflow.
const MOST_ELEMENTS: u64 = 1 << 48;

/// Reads input values, one image a row: N × features, or N × H × W with H·W = features (any number of axes).
///
/// Booleans, integers and floats of any width and byte order are taken, in C or Fortran order, if every value is a legal
/// integer of `input`. 1-bit inputs may be written as 0 and 1, or as −1 and 1.
pub fn read_inputs(path: &Path, input: &Input) -> Result<Images, DataError> {
    let file = path.display().to_string();
    let io = |source| DataError::Io { file: file.clone(), source };
    let invalid = |what: String| DataError::Invalid { file: file.clone(), what };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let header = header(&mut reader).map_err(|what| invalid(what.into()))?;
    let not_npy = |e: std::io::Error| invalid(format!("not a .npy file: {e}"));
    let npy = NpyFile::new(Cursor::new(header).chain(reader)).map_err(not_npy)?;
    let shape = npy.shape().to_vec();
    let features: u64 = shape.iter().skip(1).product();
    if shape.len() < 2 || features != input.features as u64 {
        let what = format!("shape {shape:?}; the model reads N × {} values", input.features);
        return Err(invalid(what));
    }
    let fortran = npy.order() == Order::Fortran;
    let mut values = numbers(npy).map_err(&invalid)?;
    if fortran {
        values = to_c_order(&values, &shape);
    }
    let values = integers(&values, input).map_err(&invalid)?;
    Ok(Images::new(input, values)?)
}

/// Reads the classes of N images: N integers from 0 on, of any axes.
pub fn read_labels(path: &Path) -> Result<Vec<usize>, DataError> {
    let file = path.display().to_string();
    let io = |source| DataError::Io { file: file.clone(), source };
    let invalid = |what: String| DataError::Invalid { file: file.clone(), what };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let header = header(&mut reader).map_err(|what| invalid(what.into()))?;
    let npy = NpyFile::new(Cursor::new(header).chain(reader)).map_err(|e| invalid(format!("not a .npy file: {e}")))?;
    let values = numbers(npy).map_err(&invalid)?;
    let class = |(n, &v): (usize, &f64)| {
        let legal = v.fract() == 0.0 && (0.0..65536.0).contains(&v);
        if legal {
            Ok(v as usize)
        } else {
            Err(invalid(format!("image {n}: {v} is no class; 0 to 65535 are possible")))
        }
    };
    values.iter().enumerate().map(class).collect()
}

/// Reads any array of numbers, with its shape; the last index runs fastest.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn read_array(mut reader: impl Read) -> Result<(Vec<usize>, Vec<f64>), String> {
    let header = header(&mut reader)?;
    let npy = NpyFile::new(Cursor::new(header).chain(reader)).map_err(|e| format!("not a .npy file: {e}"))?;
    let (shape, fortran) = (npy.shape().to_vec(), npy.order() == Order::Fortran);
    let mut values = numbers(npy)?;
    if fortran {
        values = to_c_order(&values, &shape);
    }
    Ok((shape.into_iter().map(|d| d as usize).collect(), values))
}

/// Writes `values`, N × `columns` numbers row by row, as an array of 64-bit floats.
pub fn write(path: &Path, columns: usize, values: &[f64]) -> Result<(), DataError> {
    let io = |source| DataError::Io { file: path.display().to_string(), source };
    let shape = [values.len().checked_div(columns).unwrap_or(0) as u64, columns as u64];
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes);
    let mut writer = options.begin_nd().map_err(io)?;
    writer.extend(values.iter().copied()).and_then(|()| writer.finish()).map_err(io)?;
    write_aside(path, &bytes).map_err(io)
}

/// The header, read and bounded here because npyz trusts lengths, nesting and sizes.
fn header(reader: &mut impl Read) -> Result<Vec<u8>, &'static str> {
    const TRUNCATED: &str = "not a .npy file: too short";
    let mut bytes = vec![0; 8];
    reader.read_exact(&mut bytes).map_err(|_| TRUNCATED)?;
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err("not a .npy file: it does not start with \\x93NUMPY");
    }
    let mut length = vec![0; if bytes[6] == 1 { 2 } else { 4 }];
    reader.read_exact(&mut length).map_err(|_| TRUNCATED)?;
    let size = length.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b));
    if size > MOST_HEADER_BYTES {
        return Err("not a .npy file of numbers: its header is too long");
    }
    let mut text = vec![0; size];
    reader.read_exact(&mut text).map_err(|_| TRUNCATED)?;
    let mut depth = 0usize;
    for byte in &text {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_NESTING {
            return Err("not a .npy file of numbers: its header nests too deeply");
        }
    }
    let sizes = text.split(|b| !b.is_ascii_digit()).filter(|run| !run.is_empty());
    let product = sizes.map(|run| str::from_utf8(run).ok()?.parse::<u64>().ok()).try_fold(1u64, |n, size| {
        let n = n.checked_mul(size?.max(1))?;
        (n <= MOST_ELEMENTS).then_some(n)
    });
    product.ok_or("shape: more elements than any file holds")?;
    bytes.extend(length);
    bytes.extend(text);
    Ok(bytes)
}

/// All elements in file order. Memory grows with the file, not with what its header announces.
fn numbers<R: Read>(npy: NpyFile<R>) -> Result<Vec<f64>, String> {
    let dtype = npy.dtype();
    let plain = match &dtype {
        DType::Plain(ty) => Some((ty.type_char(), ty.size_field())),
        _ => None,
    };
    match plain {
        Some((TypeChar::Bool, 1)) => collect::<bool, _>(npy, |v| f64::from(u8::from(v))),
        Some((TypeChar::Int, 1)) => collect::<i8, _>(npy, f64::from),
        Some((TypeChar::Int, 2)) => collect::<i16, _>(npy, f64::from),
        Some((TypeChar::Int, 4)) => collect::<i32, _>(npy, f64::from),
        Some((TypeChar::Int, 8)) => collect::<i64, _>(npy, |v| v as f64),
        Some((TypeChar::Uint, 1)) => collect::<u8, _>(npy, f64::from),
        Some((TypeChar::Uint, 2)) => collect::<u16, _>(npy, f64::from),
        Some((TypeChar::Uint, 4)) => collect::<u32, _>(npy, f64::from),
        Some((TypeChar::Uint, 8)) => collect::<u64, _>(npy, |v| v as f64),
        Some((TypeChar::Float, 4)) => collect::<f32, _>(npy, f64::from),
        Some((TypeChar::Float, 8)) => collect::<f64, _>(npy, |v| v),
        _ => Err(format!("elements of type {}; use booleans, integers, float32 or float64", dtype.descr())),
    }
}

fn collect<T: Deserialize, R: Read>(npy: NpyFile<R>, to_f64: impl Fn(T) -> f64) -> Result<Vec<f64>, String> {
    let announced = npy.len();
    let mut data = npy.data::<T>().map_err(|e| e.to_string())?;
    let mut values = Vec::new();
    for n in 0..announced {
        match data.next() {
            Some(Ok(v)) => values.push(to_f64(v)),
            _ => return Err(format!("truncated: {n} of {announced} values")),
        }
    }
    Ok(values)
}

/// Elements with the first axis varying fastest, put in order with the last axis varying fastest.
fn to_c_order(values: &[f64], shape: &[u64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(values.len());
    for n in 0..values.len() {
        let (mut rest, mut at) = (n, 0);
        let mut stride = values.len();
        for &size in shape.iter().rev() {
            let size = size as usize;
            stride /= size;
            at += rest % size * stride;
            rest /= size;
        }
        out.push(values[at]);
    }
    out
}

/// Every value as an integer; the range is for [`Images::new`] to check, but for 1-bit inputs written as ±1.
fn integers(values: &[f64], input: &Input) -> Result<Vec<i16>, String> {
    let features = input.features;
    let place = |at: usize| format!("image {}, feature {}", at / features, at % features);
    if let Some(at) = values.iter().position(|&v| v.fract() != 0.0 || v.abs() > f64::from(i16::MAX)) {
        let (low, high) = input.range();
        return Err(format!("{}: value {}; the model reads integers, {low} to {high}", place(at), values[at]));
    }
    let mut integers: Vec<i16> = values.iter().map(|&v| v as i16).collect();
    if input.bits == 1 && integers.contains(&-1) {
        if let Some(at) = integers.iter().position(|v| ![-1, 1].contains(v)) {
            let what = "a file of 1-bit inputs holds 0 and 1, or -1 and 1";
            return Err(format!("{}: value {} beside values of -1; {what}", place(at), integers[at]));
        }
        integers.iter_mut().for_each(|v| *v = (*v + 1) / 2);
    }
    Ok(integers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR_BITS: Input = Input { features: 4, bits: 4, signed: false, dropout: None };
    const ONE_BIT: Input = Input { features: 4, bits: 1, signed: false, dropout: None };

    fn file(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        bytes.extend(data);
        bytes
    }

    fn read(bytes: &[u8], input: &Input) -> Result<Vec<i16>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        std::fs::write(&path, bytes).unwrap();
        let images = read_inputs(&path, input).map_err(|e| e.to_string())?;
        Ok((0..images.len()).flat_map(|n| images.image(n).to_vec()).collect())
    }

    #[test]
    fn reads_every_kind_of_number() {
        let expected = vec![0, 3, 15, 1];
        let numbers = [0u8, 3, 15, 1];
        for descr in ["|u1", "|i1"] {
            assert_eq!(read(&file(descr, "False", "(1, 4)", &numbers), &FOUR_BITS).unwrap(), expected);
        }
        let big: Vec<u8> = numbers.iter().flat_map(|&v| u16::from(v).to_be_bytes()).collect();
        assert_eq!(read(&file(">u2", "False", "(1, 4)", &big), &FOUR_BITS).unwrap(), expected);
        let floats: Vec<u8> = numbers.iter().flat_map(|&v| f32::from(v).to_le_bytes()).collect();
        assert_eq!(read(&file("<f4", "False", "(1, 2, 2)", &floats), &FOUR_BITS).unwrap(), expected);
        let longs: Vec<u8> = numbers.iter().flat_map(|&v| i64::from(v).to_le_bytes()).collect();
        assert_eq!(read(&file("<i8", "False", "(1, 4)", &longs), &FOUR_BITS).unwrap(), expected);
        assert_eq!(read(&file("|b1", "False", "(1, 4)", &[0, 1, 1, 0]), &ONE_BIT).unwrap(), [0, 1, 1, 0]);
    }

    #[test]
    fn one_bit_inputs_may_be_plus_and_minus_one_but_not_mixed() {
        assert_eq!(read(&file("|i1", "False", "(1, 4)", &[255, 1, 1, 255]), &ONE_BIT).unwrap(), [0, 1, 1, 0]);
        let error = read(&file("|i1", "False", "(1, 4)", &[255, 1, 0, 255]), &ONE_BIT).unwrap_err();
        assert!(error.contains("image 0, feature 2: value 0 beside values of -1"), "{error}");
    }

    #[test]
    fn fortran_order_gives_the_same_images() {
        // Images [[0, 1], [2, 3]] and [[4, 5], [6, 7]]; the image varies fastest in the file.
        let data = [0, 4, 2, 6, 1, 5, 3, 7];
        let values = read(&file("|u1", "True", "(2, 2, 2)", &data), &FOUR_BITS).unwrap();
        assert_eq!(values, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn refuses_values_that_are_no_inputs() {
        let nan = [f64::NAN, 0.0, 0.0, 0.0].map(f64::to_le_bytes).concat();
        assert!(read(&file("<f8", "False", "(1, 4)", &nan), &FOUR_BITS).unwrap_err().contains("value NaN"));
        let half = [0.0, 0.0, 0.5, 0.0].map(f64::to_le_bytes).concat();
        assert!(read(&file("<f8", "False", "(1, 4)", &half), &FOUR_BITS).unwrap_err().contains("feature 2: value 0.5"));
        let error = read(&file("|u1", "False", "(1, 4)", &[1, 16, 1, 1]), &FOUR_BITS).unwrap_err();
        assert!(error.contains("image 0, feature 1: value 16 is outside 0 to 15"), "{error}");
    }

    #[test]
    fn refuses_hostile_headers() {
        let cases = [
            (b"\x93NUM".to_vec(), "too short"),
            (b"PK\x03\x04aaaaaaaa".to_vec(), "does not start with"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "too long"),
            (file("|u1", "False", "(1, 5)", &[1; 5]), "shape [1, 5]; the model reads N × 4 values"),
            (file("|u1", "False", "(4,)", &[1; 4]), "shape [4]"),
            (file("|u1", "False", "()", &[1; 4]), "shape []"),
            (file("|u1", "False", "(9, 4)", &[1; 7]), "truncated: 7 of 36 values"),
            (file("|u1", "False", "(1000000000, 4)", &[1; 7]), "truncated: 7 of 4000000000 values"),
            (file("|u1", "False", "(4294967296, 4294967296, 4)", &[1; 4]), "more elements than any file"),
            (file("|u1", "False", "(0, 18446744073709551615, 4)", &[1; 4]), "more elements than any file"),
            (file("|u1", "False", &"(".repeat(9000), &[]), "nests too deeply"),
            (file("<c8", "False", "(1, 4)", &[0; 32]), "use booleans, integers"),
            (file("|O", "False", "(1, 4)", &[0; 32]), "use booleans, integers"),
            (file("nonsense", "False", "(1, 4)", &[0; 32]), "not a .npy file"),
        ];
        for (bytes, expected) in cases {
            let error = read(&bytes, &FOUR_BITS).unwrap_err();
            assert!(error.contains(expected), "{error} does not say `{expected}`");
        }
    }

    #[test]
    fn logits_read_back_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logits.npy");
        write(&path, 2, &[0.5, -1.25, 3.0, 1e-9, 2.0, 4.0]).unwrap();
        let npy = NpyFile::new(File::open(&path).unwrap()).unwrap();
        assert_eq!(npy.shape(), [3, 2]);
        assert_eq!(npy.into_vec::<f64>().unwrap(), [0.5, -1.25, 3.0, 1e-9, 2.0, 4.0]);
    }
}
