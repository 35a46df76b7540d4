//! Measured defects of one die, by name: stuck cells, broken dropout units, column offsets.

use std::collections::HashMap;
use std::io::Read;

/// What is defective, and the line that says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defects {
    pub all: Vec<(u64, Defect)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Defect {
    Cell(Cell, bool),
    /// A dropout unit of a layer (or `inputs`), and whether it always drops or never does.
    Unit {
        layer: String,
        unit: usize,
        drops: bool,
    },
    /// What a column adds to its sums.
    Offset {
        layer: String,
        column: usize,
        offset: i32,
    },
}

/// A cell's place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    pub layer: String,
    pub crossbar: usize,
    pub plane: usize,
    /// Word-line pair: the input that it belongs to.
    pub row: usize,
    /// The neuron that it belongs to; after the neurons come spare columns.
    pub column: usize,
}

/// Columns of the table; those but `kind`, `layer`, `column` and `value` may be left out.
const COLUMNS: [&str; 7] = ["kind", "layer", "crossbar", "plane", "row", "column", "value"];

impl Defects {
    /// Reads CSV with a header that names its columns.
    ///
    /// # Errors
    /// A line and what is wrong with it; 0 where it is the table as a whole.
    pub fn read(mut reader: impl Read) -> Result<Defects, (u64, String)> {
        let mut text = String::new();
        reader.read_to_string(&mut text).map_err(|e| (0, e.to_string()))?;
        // A CSV reader takes the line of a comment for that of the record behind it.
        let lines = text.lines().zip(1u64..).filter(|(text, _)| !text.trim().is_empty() && !text.starts_with('#'));
        let mut lines = lines.map(|(text, line)| (line, text.split(',').map(str::trim).collect::<Vec<&str>>()));
        let Some((first, header)) = lines.next() else {
            return Err((0, format!("no header; its columns are {}", COLUMNS.join(", "))));
        };
        if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
            return Err((first, format!("column `{unknown}`; there are {}", COLUMNS.join(", "))));
        }
        let place = |name: &str| header.iter().position(|n| *n == name);
        for name in ["kind", "layer", "column", "value"] {
            if place(name).is_none() {
                return Err((first, format!("no column `{name}`; a table has {}", COLUMNS.join(", "))));
            }
        }
        let mut defects = Defects::default();
        let mut seen: HashMap<String, (u64, String)> = HashMap::new();
        for (line, record) in lines {
            if record.len() != header.len() {
                return Err((line, format!("{} values for {} columns", record.len(), header.len())));
            }
            let of = |name: &str| place(name).and_then(|at| record.get(at).copied()).unwrap_or("");
            let number = |name: &str, least: Option<usize>| match (of(name), least) {
                ("", Some(least)) => Ok(least),
                ("", None) => Err((line, format!("{name} is missing"))),
                (text, _) => text.parse().map_err(|_| (line, format!("{name} {text:?}: a number of 0 or more"))),
            };
            let (kind, layer, value) = (of("kind"), of("layer").to_string(), of("value"));
            let column = number("column", None)?;
            let (name, defect) = match kind {
                "cell" => {
                    let held = match value {
                        "P" | "1" | "+1" => true,
                        "AP" | "0" | "-1" => false,
                        _ => return Err((line, format!("value {value:?}: a cell is stuck at P (+1) or AP (-1)"))),
                    };
                    let (crossbar, plane, row) =
                        (number("crossbar", Some(0))?, number("plane", Some(0))?, number("row", None)?);
                    let name = format!("layer {layer}, crossbar {crossbar}, plane {plane}, row {row}, column {column}");
                    (name, Defect::Cell(Cell { layer, crossbar, plane, row, column }, held))
                }
                "unit" => {
                    let drops = match value {
                        "always" => true,
                        "never" => false,
                        _ => return Err((line, format!("value {value:?}: a broken unit drops always or never"))),
                    };
                    (format!("unit {column} of layer {layer}"), Defect::Unit { layer, unit: column, drops })
                }
                "offset" => {
                    let offset =
                        value.parse().map_err(|_| (line, format!("value {value:?}: an offset is an integer")))?;
                    (format!("offset of layer {layer}, column {column}"), Defect::Offset { layer, column, offset })
                }
                _ => return Err((line, format!("kind {kind:?}; there are cell, unit and offset"))),
            };
            if let Some((before, said)) = seen.insert(name.clone(), (line, value.into())) {
                let what = if said == value { "again" } else { "and contradicts it" };
                return Err((line, format!("{name}: {value} {what}; line {before} says {said}")));
            }
            defects.all.push((line, defect));
        }
        Ok(defects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_cells_units_and_offsets() {
        let text = "kind,layer,row,column,value\n# measured\ncell,0,12,3,P\ncell,output,1,2,AP\nunit,1,,7,always\noffset,0,,4,-3\n";
        let defects = Defects::read(text.as_bytes()).unwrap();
        let lines: Vec<u64> = defects.all.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5, 6]);
        let cell = Cell { layer: "0".into(), crossbar: 0, plane: 0, row: 12, column: 3 };
        assert_eq!(defects.all[0].1, Defect::Cell(cell, true));
        assert_eq!(defects.all[2].1, Defect::Unit { layer: "1".into(), unit: 7, drops: true });
        assert_eq!(defects.all[3].1, Defect::Offset { layer: "0".into(), column: 4, offset: -3 });
    }

    #[test]
    fn a_bad_table_is_refused_with_its_line() {
        let head = "kind,layer,row,column,value\n";
        for (rows, line, said) in [
            ("cell,0,1,2,P\ncell,0,1,2,AP\n", 3, "contradicts it; line 2 says P"),
            ("cell,0,1,2,P\ncell,0,1,2,P\n", 3, "again; line 2 says P"),
            ("cell,0,1,2,X\n", 2, "stuck at P (+1) or AP (-1)"),
            ("cell,0,,2,P\n", 2, "row is missing"),
            ("cell,0,-1,2,P\n", 2, "row \"-1\": a number of 0 or more"),
            ("unit,0,,2,P\n", 2, "always or never"),
            ("offset,0,,2,1.5\n", 2, "an offset is an integer"),
            ("wire,0,,2,1\n", 2, "there are cell, unit and offset"),
            ("cell,0,1,2\n", 2, "4 values for 5 columns"),
        ] {
            let (at, what) = Defects::read(format!("{head}{rows}").as_bytes()).unwrap_err();
            assert!(at == line && what.contains(said), "{rows}: line {at}: {what}");
        }
        assert_eq!(
            Defects::read("kind,layer,value\n".as_bytes()).unwrap_err().1.split(';').next(),
            Some("no column `column`")
        );
        assert!(Defects::read("kind,layer,column,value,age\n".as_bytes()).unwrap_err().1.contains("column `age`"));
    }
}
