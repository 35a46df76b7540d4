//! Results as Parquet: names as text, counts as integers, all else as doubles, nothing where a sweep does not set a field.

use super::{CampaignError, Results};
use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Count,
    Number,
}

fn kind(column: &str) -> Kind {
    match column {
        "sweep" | "model" => Kind::Text,
        "passes" | "die" | "seed" | "stuck" | "flipped" => Kind::Count,
        _ => Kind::Number,
    }
}

impl Results {
    /// One row group with all rows.
    pub(super) fn parquet(&self) -> Result<Vec<u8>, CampaignError> {
        self.to_parquet().map_err(|e| CampaignError::Parquet(e.to_string()))
    }

    fn to_parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let field = |name: &String| {
            let (physical, converted, repetition) = match kind(name) {
                Kind::Text => (Physical::BYTE_ARRAY, ConvertedType::UTF8, Repetition::REQUIRED),
                Kind::Count => (Physical::INT64, ConvertedType::UINT_64, Repetition::REQUIRED),
                Kind::Number => (Physical::DOUBLE, ConvertedType::NONE, Repetition::OPTIONAL),
            };
            let built = Type::primitive_type_builder(name, physical);
            built.with_repetition(repetition).with_converted_type(converted).build().map(Arc::new)
        };
        let fields = self.columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        let schema = Arc::new(Type::group_type_builder("results").with_fields(fields).build()?);
        let mut writer = SerializedFileWriter::new(vec![], schema, Arc::new(WriterProperties::builder().build()))?;
        let mut group = writer.next_row_group()?;
        let mut number = 0;
        while let Some(mut column) = group.next_column()? {
            let texts = || self.rows.iter().map(move |row| row[number].as_str());
            let bad = |text: &str| ParquetError::General(format!("column {}: {text:?}", self.columns[number]));
            match kind(&self.columns[number]) {
                Kind::Text => {
                    let values: Vec<ByteArray> = texts().map(ByteArray::from).collect();
                    column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
                }
                Kind::Count => {
                    // Parquet keeps unsigned integers in the bits of signed ones.
                    let count = |text: &str| text.parse::<u64>().map(|v| v as i64).map_err(|_| bad(text));
                    let values = texts().map(count).collect::<Result<Vec<i64>, _>>()?;
                    column.typed::<Int64Type>().write_batch(&values, None, None)?;
                }
                Kind::Number => {
                    let there: Vec<i16> = texts().map(|text| i16::from(!text.is_empty())).collect();
                    let number = |text: &str| text.parse::<f64>().map_err(|_| bad(text));
                    let values = texts().filter(|t| !t.is_empty()).map(number).collect::<Result<Vec<f64>, _>>()?;
                    column.typed::<DoubleType>().write_batch(&values, Some(&there), None)?;
                }
            }
            column.close()?;
            number += 1;
        }
        group.close()?;
        writer.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    #[test]
    fn all_values_come_back() {
        let text = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let columns = text(&["sweep", "model", "default.cells.flips", "seed", "accuracy"]);
        let rows = vec![text(&["a", "m", "", &u64::MAX.to_string(), "0.975"]), text(&["b", "m", "0.1", "7", "inf"])];
        let bytes = Results { columns: columns.clone(), rows }.parquet().unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let found: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        let of = |text: &str| Field::Str(text.into());
        assert_eq!(found[0], [of("a"), of("m"), Field::Null, Field::ULong(u64::MAX), Field::Double(0.975)]);
        assert_eq!(found[1], [of("b"), of("m"), Field::Double(0.1), Field::ULong(7), Field::Double(f64::INFINITY)]);
    }
}
