//! Registers behind the block memories of an ECP5 become the memories' own.
//!
//! A DP16KD has a register behind each of its ports (`REGMODE = OUTREG`). Yosys 0.23 does not use it, so a word comes 5.8 ns after the clock and then
//! has a way to a register; with the memory's own it comes after 1.0 ns (both by the timing data of Project Trellis for speed grade 6, which
//! nextpnr has). A register that takes one bit of a word whenever the memory reads, and alone reads it, computes the same.

use super::mend::{Nets, bit};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Makes what registers they can part of memories; how many bits.
pub(super) fn move_into_memories(nets: &Nets, cells: &mut Map<String, Value>) -> usize {
    let registers: HashMap<u64, String> = cells
        .iter()
        .filter(|(_, cell)| cell["type"] == "TRELLIS_FF")
        .filter_map(|(name, cell)| Some((bit(cell, "DI").as_u64()?, name.clone())))
        .collect();
    let memories: Vec<String> =
        cells.iter().filter(|(_, cell)| cell["type"] == "DP16KD").map(|(name, _)| name.clone()).collect();
    let mut moved = 0;
    for name in memories {
        let mut memory = cells[&name].take();
        for (port, halves) in ports(&memory) {
            let read: Vec<(String, u64)> = outputs(&memory, halves)
                .filter_map(|output| Some((bit(&memory, &output).as_u64()?, output)))
                .filter(|(net, _)| nets.readers(&Value::from(*net)) > 0)
                .map(|(net, output)| (output, net))
                .collect();
            let behind: Option<Vec<&String>> = read
                .iter()
                .map(|(_, net)| registers.get(net).filter(|_| nets.readers(&Value::from(*net)) == 1))
                .map(|name| name.filter(|name| cells.get(*name).is_some_and(|cell| follows(cell, &memory, port))))
                .collect();
            let Some(behind) = behind.filter(|_| !read.is_empty() && is_never_held(&memory, port)) else { continue };
            for ((output, _), register) in read.iter().zip(behind) {
                let Some(register) = cells.remove(register) else { continue };
                memory["connections"][output] = register["connections"]["Q"].clone();
                moved += 1;
            }
            // With both enables alike it does not matter whether the memory's enable holds its register, too.
            memory["connections"][format!("OCE{port}")] = json!([bit(&memory, &format!("CE{port}")).clone()]);
            for half in halves {
                memory["parameters"][format!("REGMODE_{half}")] = "OUTREG".into();
            }
        }
        cells[&name] = memory;
    }
    moved
}

/// Ports that read, and the halves of the outputs where the words come out: with 36 bits port B reads both.
fn ports(memory: &Value) -> Vec<(&'static str, &'static [&'static str])> {
    let width = |port: &str| {
        let text = memory["parameters"][format!("DATA_WIDTH_{port}")].as_str();
        text.and_then(|text| u32::from_str_radix(text, 2).ok())
    };
    match (width("A"), width("B")) {
        (Some(36), Some(36)) => vec![("B", &["A", "B"])],
        (Some(..=18), Some(..=18)) => vec![("A", &["A"]), ("B", &["B"])],
        _ => vec![],
    }
}

fn outputs<'a>(memory: &'a Value, halves: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    let all = memory["connections"].as_object().into_iter().flat_map(Map::keys);
    all.filter(|name| halves.iter().any(|half| name.starts_with(&format!("DO{half}")))).cloned()
}

/// Whether neither the port nor its register is ever reset, nor its register ever held.
fn is_never_held(memory: &Value, port: &str) -> bool {
    let at = |name: &str| bit(memory, &format!("{name}{port}"));
    at("OCE") == "1" && at("RST") == "0"
}

/// Whether a register takes what it gets in every clock in which the memory's port reads, and begins with 0, as the memory's does.
fn follows(register: &Value, memory: &Value, port: &str) -> bool {
    let parameters = &register["parameters"];
    let never = |name: &str, constant: &str| {
        let net = bit(register, name);
        net.is_null() || net == constant
    };
    let (enable, reads) = (bit(register, "CE"), bit(memory, &format!("CE{port}")));
    let together = if reads == "1" { never("CE", "1") } else { enable == reads && parameters["CEMUX"] == "CE" };
    together
        && bit(register, "CLK") == bit(memory, &format!("CLK{port}"))
        && parameters["CLKMUX"] == "CLK"
        && memory["parameters"][format!("CLK{port}MUX")] == format!("CLK{port}")
        && parameters["REGSET"] == "RESET"
        && never("LSR", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(width: u32, outputs: &[(&str, u64)]) -> Value {
        let width = format!("{width:032b}");
        let mut cell = json!({
            "type": "DP16KD",
            "parameters": {
                "DATA_WIDTH_A": width, "DATA_WIDTH_B": width, "CLKAMUX": "CLKA", "CLKBMUX": "CLKB",
                "REGMODE_A": "NOREG", "REGMODE_B": "NOREG",
            },
            "port_directions": { "CLKA": "input", "CLKB": "input", "CEB": "input", "OCEB": "input", "RSTB": "input" },
            "connections": {
                "CLKA": ["0"], "CEA": ["0"], "OCEA": ["1"], "RSTA": ["0"],
                "CLKB": [2], "CEB": ["1"], "OCEB": ["1"], "RSTB": ["0"],
            },
        });
        for (port, net) in outputs {
            cell["port_directions"][port] = "output".into();
            cell["connections"][port] = json!([net]);
        }
        cell
    }

    fn register(from: u64, to: u64) -> Value {
        json!({
            "type": "TRELLIS_FF", "parameters": { "CLKMUX": "CLK", "CEMUX": "1", "LSRMUX": "LSR", "REGSET": "RESET" },
            "port_directions": { "CLK": "input", "DI": "input", "LSR": "input", "Q": "output" },
            "connections": { "CLK": [2], "DI": [from], "LSR": ["0"], "Q": [to] },
        })
    }

    fn moved(cells: Value) -> (usize, Value) {
        let Value::Object(mut cells) = cells else { panic!("cells are an object") };
        let module = json!({ "ports": { "out": { "direction": "output", "bits": [20, 21] } } });
        let nets = Nets::new(&module, &cells);
        (move_into_memories(&nets, &mut cells), Value::Object(cells))
    }

    #[test]
    fn words_come_out_of_the_memory_s_own_register() {
        let wide = memory(36, &[("DOA0", 10), ("DOB3", 11), ("DOB4", 12)]);
        let (bits, cells) = moved(json!({ "m": wide, "r0": register(10, 20), "r1": register(11, 21) }));
        assert_eq!(bits, 2, "what nobody reads does not matter");
        let m = &cells["m"];
        assert_eq!((bit(m, "DOA0"), bit(m, "DOB3")), (&20.into(), &21.into()));
        assert_eq!(
            (&m["parameters"]["REGMODE_A"], &m["parameters"]["REGMODE_B"]),
            (&"OUTREG".into(), &"OUTREG".into())
        );
        assert_eq!(cells.as_object().unwrap().len(), 1);
    }

    #[test]
    fn a_port_of_its_own_has_a_register_of_its_own() {
        let narrow = memory(18, &[("DOA0", 10), ("DOB0", 11)]);
        let (bits, cells) = moved(json!({ "m": narrow, "r0": register(10, 20), "r1": register(11, 21) }));
        assert_eq!(bits, 1, "port A never reads");
        let parameters = &cells["m"]["parameters"];
        assert_eq!((&parameters["REGMODE_A"], &parameters["REGMODE_B"]), (&"NOREG".into(), &"OUTREG".into()));
        assert!(cells.get("r0").is_some());
    }

    #[test]
    fn a_register_that_takes_what_is_read_follows_its_memory() {
        let mut cells = json!({ "m": memory(18, &[("DOB0", 10)]), "r": register(10, 20) });
        cells["m"]["connections"]["CEB"] = json!([5]);
        cells["r"]["connections"]["CE"] = json!([5]);
        cells["r"]["parameters"]["CEMUX"] = "INV".into();
        assert_eq!(moved(cells.clone()).0, 0, "it takes what is read when nothing is");
        cells["r"]["parameters"]["CEMUX"] = "CE".into();
        let (bits, after) = moved(cells);
        assert_eq!((bits, bit(&after["m"], "OCEB")), (1, &5.into()));
    }

    /// Changes to a memory or its register after which they must stay two.
    #[test]
    fn what_does_otherwise_stays() {
        let before = json!({ "m": memory(18, &[("DOB0", 10)]), "r": register(10, 20) });
        assert_eq!(moved(before.clone()).0, 1);
        for (cell, path, value) in [
            ("r", "/connections/CLK", json!([3])),
            ("r", "/connections/LSR", json!([4])),
            ("r", "/connections/CE", json!([4])),
            ("r", "/parameters/REGSET", json!("SET")),
            ("r", "/parameters/CLKMUX", json!("INV")),
            ("m", "/connections/CEB", json!([4])),
            ("m", "/connections/OCEB", json!(["0"])),
            ("m", "/connections/RSTB", json!([4])),
            ("m", "/parameters/CLKBMUX", json!("INV")),
            ("m", "/parameters/DATA_WIDTH_B", json!(format!("{:032b}", 36))),
        ] {
            let mut cells = before.clone();
            let (folder, name) = path[1..].split_once('/').unwrap();
            cells[cell][folder][name] = value;
            let (bits, after) = moved(cells.clone());
            assert_eq!((bits, &after), (0, &cells), "{cell} {path}");
        }
        let mut read_twice = before;
        read_twice["other"] = register(10, 21);
        assert_eq!(moved(read_twice).0, 0);
    }
}
