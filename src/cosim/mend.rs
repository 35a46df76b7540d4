//! What synthesis and place-and-route leave undone in carry chains, resets and memories, done on the netlist between them.
//!
//! **iCE40.** A carry whose two operands are one net sits in a logic cell that reads that net twice. nextpnr (0.4 and 0.11) may lead both
//! through one input of the cell, and then its routers tear the two arcs up in turn for ever. So the second operand gets a LUT of its own, a
//! twin of the first's. Population counts have such carries: that is how they take in one more bit.
//!
//! **ECP5.** A CCU2C is two LUTs and two bits of a carry chain. In each half `P = INIT(A, B, C, D)` is XORed with the carry, and the carry out is
//! `P ? carry : INIT(A, B, 0, 0)`. An adder as Yosys maps it has C = 0 and D = 1: it computes A XOR B, with A as the carry where they are equal.
//!
//! - **Begins.** A chain whose carry-in is a constant gets one more CCU2C in front from nextpnr, to feed the constant in. If the two
//!   operands of its first bit are one net, P is 0 whatever the carry-in, so that may stay open. All chains of
//!   a population count begin so: that is how they take in one more bit.
//! - **Ends.** A carry-out that nobody reads gets one more CCU2C, too, unless it is left open.
//! - **Operands.** If an operand comes from a LUT f(b, c, d) with f(b, 0, 0) = 0, the half can do that itself:
//!   INIT = A XOR f(B, C, D), which is A where C = D = 0. A match of two rails, w ? p : n, is such a function.
//!
//! - **Resets.** Yosys gives every register that is reset by a 0 an inverter of its own. The register can invert itself (LSRMUX = INV).
//!
//! - **Memories.** Registers behind block memories become the memories' own (`output_registers.rs`).
//!
//! Measured with Yosys 0.23 on a lane of 8 neurons × 128 inputs: 4,049 cells before, 3,183 after.

use super::output_registers::move_into_memories;
use crate::board::Family;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;
use std::{fs, io};

/// INIT of a half of an adder.
const ADDER: &str = "1001011010101010";

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Mended {
    /// Chains whose carry-in was left open.
    pub begins: usize,
    /// Chains whose carry-out was left open.
    pub ends: usize,
    /// LUTs that became part of a carry cell.
    pub absorbed: usize,
    /// Operands that got a LUT of their own, on an iCE40.
    pub twins: usize,
    /// Inverters of resets that became part of registers.
    pub resets: usize,
    /// Registers behind block memories that became the memories' own.
    pub outputs: usize,
}

/// The net of a port of one bit: a number, or a constant as text.
pub(super) fn bit<'a>(cell: &'a Value, port: &str) -> &'a Value {
    &cell["connections"][port][0]
}

fn set(cell: &mut Value, port: &str, net: Value) {
    cell["connections"][port] = Value::Array(vec![net]);
}

/// Readers and driver of each net.
#[derive(Default)]
pub(super) struct Nets {
    readers: HashMap<u64, usize>,
    drivers: HashMap<u64, String>,
}

impl Nets {
    pub(super) fn new(module: &Value, cells: &Map<String, Value>) -> Nets {
        let mut nets = Nets::default();
        let bits =
            |value: &Value| -> Vec<u64> { value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect() };
        for (name, cell) in cells {
            for (port, connected) in cell["connections"].as_object().into_iter().flatten() {
                for net in bits(connected) {
                    if cell["port_directions"][port] == "output" {
                        nets.drivers.insert(net, name.clone());
                    } else {
                        *nets.readers.entry(net).or_default() += 1;
                    }
                }
            }
        }
        for port in module["ports"].as_object().into_iter().flat_map(Map::values) {
            bits(&port["bits"]).into_iter().for_each(|net| *nets.readers.entry(net).or_default() += 1);
        }
        nets
    }

    pub(super) fn readers(&self, net: &Value) -> usize {
        net.as_u64().map_or(0, |net| self.readers.get(&net).copied().unwrap_or(0))
    }
}

/// An operand that a half can compute from its inputs B, C and D.
struct Operand {
    lut: String,
    inputs: [Value; 3],
    /// f(B, C, D) at B + 2 C + 4 D.
    table: [bool; 8],
}

/// The LUT that drives `net` for one reader alone, as an operand.
fn operand(net: &Value, nets: &Nets, cells: &Map<String, Value>) -> Option<Operand> {
    let name = nets.drivers.get(&net.as_u64()?).filter(|_| nets.readers(net) == 1)?;
    let lut = cells.get(name).filter(|cell| cell["type"] == "LUT4")?;
    let init = u32::from_str_radix(lut["parameters"]["INIT"].as_str()?, 2).ok()?;
    let pins = ["A", "B", "C", "D"].map(|port| bit(lut, port));
    let used: Vec<usize> = (0..4).filter(|&pin| pins[pin].is_u64()).collect();
    let constant: usize = (0..4).filter(|&pin| pins[pin] == "1").map(|pin| 1 << pin).sum();
    let of = |order: [Option<usize>; 3], at: usize| {
        let ones: usize = (0..3).filter(|n| at >> n & 1 == 1).filter_map(|n| order[n]).map(|pin| 1 << pin).sum();
        init >> (constant + ones) & 1 == 1
    };
    // Which inputs become B, C and D: f has to be 0 where C and D are.
    let orders: Vec<[Option<usize>; 3]> = match used[..] {
        [c, d] => vec![[None, Some(c), Some(d)]],
        [x, y, z] => [[x, y, z], [y, x, z], [z, x, y]].map(|order| order.map(Some)).to_vec(),
        _ => return None,
    };
    let order = orders.into_iter().find(|order| !of(*order, 0) && !of(*order, 1))?;
    let inputs = order.map(|pin| pin.map_or_else(|| Value::from("0"), |pin| pins[pin].clone()));
    Some(Operand { lut: name.clone(), inputs, table: std::array::from_fn(|at| of(order, at)) })
}

/// Gives every second operand of an iCE40's carry that is the first one, too, a LUT of its own.
fn separate(netlist: &mut Value) -> Mended {
    let mut done = Mended::default();
    for module in netlist["modules"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(Value::Object(mut cells)) = module.get_mut("cells").map(Value::take) else { continue };
        let nets = Nets::new(module, &cells);
        let mut next = 1 + nets.drivers.keys().chain(nets.readers.keys()).max().copied().unwrap_or(0);
        let doubled = |cell: &Value| bit(cell, "I0").is_u64() && bit(cell, "I0") == bit(cell, "I1");
        let of_type = |cell: &Value, name: &str| cell["type"] == name;
        let carries = cells.iter().filter(|(_, cell)| of_type(cell, "SB_CARRY") && doubled(cell));
        let carries: Vec<String> = carries.map(|(name, _)| name.clone()).collect();
        // The LUT that shares the inputs of a carry is found by them.
        let sums: Vec<String> = cells
            .iter()
            .filter(|(_, cell)| {
                of_type(cell, "SB_LUT4") && bit(cell, "I1").is_u64() && bit(cell, "I1") == bit(cell, "I2")
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in carries {
            let (operand, carry) = (bit(&cells[&name], "I0").clone(), bit(&cells[&name], "CI").clone());
            let driver = operand.as_u64().and_then(|net| nets.drivers.get(&net)).and_then(|driver| cells.get(driver));
            let Some(mut twin) = driver.filter(|cell| of_type(cell, "SB_LUT4")).cloned() else { continue };
            set(&mut twin, "O", next.into());
            set(&mut cells[&name], "I1", next.into());
            for sum in &sums {
                let cell = &mut cells[sum];
                if *bit(cell, "I2") == operand && *bit(cell, "I3") == carry {
                    set(cell, "I2", next.into());
                }
            }
            cells.insert(format!("{name}_twin"), twin);
            (next, done.twins) = (next + 1, done.twins + 1);
        }
        module["cells"] = Value::Object(cells);
    }
    done
}

/// Simplifies an ECP5's netlist that Yosys wrote as JSON.
fn simplify(netlist: &mut Value) -> Mended {
    let mut done = Mended::default();
    for module in netlist["modules"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(Value::Object(mut cells)) = module.get_mut("cells").map(Value::take) else { continue };
        let nets = Nets::new(module, &cells);
        let carries: Vec<String> =
            cells.iter().filter(|(_, cell)| cell["type"] == "CCU2C").map(|(name, _)| name.clone()).collect();
        for name in carries {
            let mut cell = cells[&name].take();
            for half in ["0", "1"] {
                done.absorbed += usize::from(absorb(&mut cell, half, &nets, &mut cells));
            }
            if bit(&cell, "CIN") == "0"
                && bit(&cell, "A0").is_u64()
                && bit(&cell, "A0") == bit(&cell, "B0")
                && is_adder(&cell, "0")
            {
                set(&mut cell, "CIN", "x".into());
                done.begins += 1;
            }
            if bit(&cell, "COUT").is_u64() && nets.readers(bit(&cell, "COUT")) == 0 {
                set(&mut cell, "COUT", "x".into());
                done.ends += 1;
            }
            cells[&name] = cell;
        }
        done.resets += invert_resets(&nets, &mut cells);
        done.outputs += move_into_memories(&nets, &mut cells);
        module["cells"] = Value::Object(cells);
    }
    done
}

/// Lets registers invert their resets themselves, and removes the inverters that nobody reads then.
fn invert_resets(nets: &Nets, cells: &mut Map<String, Value>) -> usize {
    let inverters: HashMap<u64, (String, Value)> = cells
        .iter()
        .filter_map(|(name, lut)| Some((bit(lut, "Z").as_u64()?, (name.clone(), inverted(lut)?))))
        .collect();
    let mut left: HashMap<u64, usize> = HashMap::new();
    for register in
        cells.values_mut().filter(|cell| cell["type"] == "TRELLIS_FF" && cell["parameters"]["LSRMUX"] == "LSR")
    {
        let Some(reset) = bit(register, "LSR").as_u64() else { continue };
        let Some((_, net)) = inverters.get(&reset) else { continue };
        set(register, "LSR", net.clone());
        register["parameters"]["LSRMUX"] = "INV".into();
        *left.entry(reset).or_insert(nets.readers(&reset.into())) -= 1;
    }
    let unread = left.into_iter().filter(|(_, readers)| *readers == 0).filter_map(|(net, _)| inverters.get(&net));
    unread.filter(|(name, _)| cells.remove(name).is_some()).count()
}

/// What a LUT inverts, if that is all that it does.
fn inverted(lut: &Value) -> Option<Value> {
    if lut["type"] != "LUT4" {
        return None;
    }
    let init = u32::from_str_radix(lut["parameters"]["INIT"].as_str()?, 2).ok()?;
    let pins = ["A", "B", "C", "D"].map(|port| bit(lut, port));
    let [used] = (0..4).filter(|&pin| pins[pin].is_u64()).collect::<Vec<_>>()[..] else { return None };
    let constant: usize = (0..4).filter(|&pin| pins[pin] == "1").map(|pin| 1 << pin).sum();
    let at = |one: bool| init >> (constant + (usize::from(one) << used)) & 1 == 1;
    (at(false) && !at(true)).then(|| pins[used].clone())
}

/// Mends the file at `path`, a netlist for `family` that Yosys wrote as JSON.
pub fn mend(path: &Path, family: Family) -> io::Result<Mended> {
    let mut netlist = serde_json::from_str(&fs::read_to_string(path)?)?;
    let done = match family {
        Family::Ice40Up | Family::Ice40Hx => separate(&mut netlist),
        Family::Ecp5 => simplify(&mut netlist),
        Family::Gw1n | Family::Gw2a | Family::Xilinx7 => return Ok(Mended::default()),
    };
    fs::write(path, netlist.to_string())?;
    Ok(done)
}

/// Whether a half adds A and B.
fn is_adder(cell: &Value, half: &str) -> bool {
    let parameters = &cell["parameters"];
    parameters[format!("INIT{half}")] == ADDER
        && parameters[format!("INJECT1_{half}")] == "NO"
        && bit(cell, &format!("C{half}")) == "0"
        && bit(cell, &format!("D{half}")) == "1"
}

/// Makes the LUT before one operand of a half part of the half.
fn absorb(cell: &mut Value, half: &str, nets: &Nets, cells: &mut Map<String, Value>) -> bool {
    let port = |name: &str| format!("{name}{half}");
    let (a, b) = (bit(cell, &port("A")).clone(), bit(cell, &port("B")).clone());
    if a == b || !is_adder(cell, half) {
        return false;
    }
    let found = operand(&b, nets, cells).map(|f| (a.clone(), f)).or_else(|| operand(&a, nets, cells).map(|f| (b, f)));
    let Some((other, f)) = found else { return false };
    let init: String = (0..16usize).rev().map(|at| if (at & 1 == 1) != f.table[at >> 1] { '1' } else { '0' }).collect();
    cell["parameters"][port("INIT")] = init.into();
    set(cell, &port("A"), other);
    for (name, net) in ["B", "C", "D"].into_iter().zip(f.inputs) {
        set(cell, &port(name), net);
    }
    cells.remove(&f.lut);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lut(init: u16, inputs: [Value; 4], output: u64) -> Value {
        let [a, b, c, d] = inputs;
        json!({
            "type": "LUT4", "parameters": { "INIT": format!("{init:016b}") },
            "port_directions": { "A": "input", "B": "input", "C": "input", "D": "input", "Z": "output" },
            "connections": { "A": [a], "B": [b], "C": [c], "D": [d], "Z": [output] },
        })
    }

    fn adder(a: [u64; 2], b: [u64; 2], carry: Value, sums: [u64; 2], out: u64) -> Value {
        let input = |ports: &[&str]| ports.iter().map(|p| (p.to_string(), json!("input"))).collect::<Map<_, _>>();
        let mut directions = input(&["A0", "B0", "C0", "D0", "A1", "B1", "C1", "D1", "CIN"]);
        for port in ["S0", "S1", "COUT"] {
            directions.insert(port.into(), json!("output"));
        }
        json!({
            "type": "CCU2C",
            "parameters": { "INIT0": ADDER, "INIT1": ADDER, "INJECT1_0": "NO", "INJECT1_1": "NO" },
            "port_directions": directions,
            "connections": {
                "A0": [a[0]], "B0": [b[0]], "C0": ["0"], "D0": ["1"], "A1": [a[1]], "B1": [b[1]], "C1": ["0"], "D1": ["1"],
                "CIN": [carry], "S0": [sums[0]], "S1": [sums[1]], "COUT": [out],
            },
        })
    }

    /// Values of all nets for the given inputs, by the cells' definition; what is open has the value `open`.
    fn evaluate(netlist: &Value, inputs: &[(u64, bool)], open: bool) -> HashMap<u64, bool> {
        let mut nets: HashMap<u64, bool> = inputs.iter().copied().collect();
        let cells = netlist["modules"]["top"]["cells"].as_object().unwrap();
        // As often as there are cells: then the last of any order has settled.
        for cell in (0..cells.len()).flat_map(|_| cells.values()) {
            let value = |port: &str| match bit(cell, port) {
                Value::String(text) => {
                    if text == "x" {
                        open
                    } else {
                        text == "1"
                    }
                }
                net => nets.get(&net.as_u64().unwrap()).copied().unwrap_or(false),
            };
            let table = |name: &str, ports: [&str; 4]| {
                let init = u32::from_str_radix(cell["parameters"][name].as_str().unwrap(), 2).unwrap();
                let at: usize = (0..4).filter(|&n| value(ports[n])).map(|n| 1 << n).sum();
                (init >> at & 1 == 1, init >> (at & 3) & 1 == 1)
            };
            let outputs = if cell["type"] == "LUT4" {
                vec![("Z", table("INIT", ["A", "B", "C", "D"]).0)]
            } else {
                let (p0, g0) = table("INIT0", ["A0", "B0", "C0", "D0"]);
                let (p1, g1) = table("INIT1", ["A1", "B1", "C1", "D1"]);
                let carry0 = value("CIN");
                let carry1 = if p0 { carry0 } else { g0 };
                vec![("S0", p0 ^ carry0), ("S1", p1 ^ carry1), ("COUT", if p1 { carry1 } else { g1 })]
            };
            for (port, value) in outputs {
                if let Some(net) = bit(cell, port).as_u64() {
                    nets.insert(net, value);
                }
            }
        }
        nets
    }

    /// A chain of two cells: one bit as its carry, then three matches of weight, positive and negative rail, two of them operands of one sum.
    /// Inputs are nets 2 to 12, sums 30 to 33.
    fn chain() -> Value {
        let net = Value::from;
        // w ? p : n, with the weight as the last input.
        let matches = |first: u64, output| lut(0xCCAA, [net(first + 1), net(first), "0".into(), "0".into()], output);
        let muxed = |first: u64, output| lut(0xCACA, [net(first), net(first + 1), net(first + 2), "0".into()], output);
        let mut netlist = json!({ "modules": { "top": { "ports": {}, "cells": {
            "m0": muxed(3, 20), "m1": muxed(6, 21), "or": lut(0xFFFC, ["1".into(), net(9), net(10), "0".into()], 22),
            "shared": muxed(3, 23), "passes": matches(11, 24),
            "low": adder([2, 20], [2, 21], "0".into(), [29, 30], 40),
            "high": adder([22, 23], [24, 23], net(40), [31, 32], 41),
        } } } });
        netlist["modules"]["top"]["ports"]["sums"] = json!({ "direction": "output", "bits": [30, 31, 32] });
        netlist
    }

    #[test]
    fn a_simplified_chain_computes_the_same() {
        let before = chain();
        let mut after = before.clone();
        let done = simplify(&mut after);
        assert_eq!(done, Mended { begins: 1, ends: 1, absorbed: 2, ..Mended::default() });
        let cells = after["modules"]["top"]["cells"].as_object().unwrap();
        assert_eq!(cells.len(), 5, "of the operands of a sum one is absorbed");
        for inputs in 0..1u32 << 11 {
            let inputs: Vec<(u64, bool)> = (0..11).map(|n| (n + 2, inputs >> n & 1 == 1)).collect();
            let expected = evaluate(&before, &inputs, false);
            for open in [false, true] {
                let found = evaluate(&after, &inputs, open);
                for sum in [30, 31, 32] {
                    assert_eq!(found[&sum], expected[&sum], "{inputs:?}, sum {sum}");
                }
            }
        }
    }

    #[test]
    fn what_is_read_elsewhere_stays() {
        let mut netlist = chain();
        // A chain that begins with two operands needs its carry-in, and a LUT with two readers stays.
        netlist["modules"]["top"]["cells"]["low"]["connections"]["B0"] = json!([3]);
        netlist["modules"]["top"]["ports"]["more"] = json!({ "direction": "output", "bits": [20, 21, 22, 24, 41] });
        let before = netlist.clone();
        assert_eq!(simplify(&mut netlist), Mended::default());
        assert_eq!(netlist, before);
    }

    #[test]
    fn registers_invert_their_resets_themselves() {
        let register = |reset: u64| {
            json!({
                "type": "TRELLIS_FF", "parameters": { "LSRMUX": "LSR" },
                "port_directions": { "LSR": "input", "DI": "input", "Q": "output" },
                "connections": { "LSR": [reset], "DI": [3], "Q": [40 + reset] },
            })
        };
        let inverter = |output: u64| lut(0x00FF, ["0".into(), "0".into(), "0".into(), 2.into()], output);
        let mut netlist = json!({ "modules": { "top": { "ports": {}, "cells": {
            "i0": inverter(10), "i1": inverter(11), "same": lut(0xFF00, ["0".into(), "0".into(), "0".into(), 2.into()], 12),
            "r0": register(10), "r1": register(11), "r2": register(12),
        } } } });
        // Somebody else reads the second inverter.
        netlist["modules"]["top"]["ports"]["out"] = json!({ "direction": "output", "bits": [11] });
        assert_eq!(simplify(&mut netlist), Mended { resets: 1, ..Mended::default() });
        let cells = &netlist["modules"]["top"]["cells"];
        let reset = |name: &str| (bit(&cells[name], "LSR").clone(), cells[name]["parameters"]["LSRMUX"].clone());
        assert_eq!(reset("r0"), (2.into(), "INV".into()));
        assert_eq!(reset("r1"), (2.into(), "INV".into()));
        assert_eq!(reset("r2"), (12.into(), "LSR".into()));
        assert!(cells.get("i0").is_none() && cells.get("i1").is_some());
    }

    #[test]
    fn an_operand_that_is_both_gets_a_twin() {
        let cell = |kind: &str, inputs: &[(&str, u64)], output: (&str, u64)| {
            let directions: Map<String, Value> = inputs.iter().map(|(p, _)| (p.to_string(), json!("input"))).collect();
            let mut cell = json!({ "type": kind, "port_directions": directions, "connections": {} });
            cell["port_directions"][output.0] = json!("output");
            inputs.iter().chain([&output]).for_each(|(port, net)| set(&mut cell, port, (*net).into()));
            cell
        };
        let lut = |inputs, output| cell("SB_LUT4", inputs, ("O", output));
        let mut netlist = json!({ "modules": { "top": { "ports": {}, "cells": {
            "match": lut(&[("I0", 2), ("I1", 3), ("I2", 4), ("I3", 5)], 10),
            "carry": cell("SB_CARRY", &[("I0", 10), ("I1", 10), ("CI", 6)], ("CO", 11)),
            "sum": lut(&[("I0", 7), ("I1", 10), ("I2", 10), ("I3", 6)], 12),
            "elsewhere": lut(&[("I0", 7), ("I1", 10), ("I2", 10), ("I3", 8)], 13),
            "two": cell("SB_CARRY", &[("I0", 10), ("I1", 12), ("CI", 11)], ("CO", 14)),
        } } } });
        let before = netlist["modules"]["top"]["cells"].clone();
        assert_eq!(separate(&mut netlist), Mended { twins: 1, ..Mended::default() });
        let cells = &netlist["modules"]["top"]["cells"];
        let nets =
            |cell: &str, ports: &[&str]| -> Vec<Value> { ports.iter().map(|p| bit(&cells[cell], p).clone()).collect() };
        assert_eq!(nets("carry", &["I0", "I1", "CI"]), [10, 15, 6]);
        assert_eq!(nets("sum", &["I0", "I1", "I2", "I3"]), [7, 10, 15, 6]);
        assert_eq!(nets("carry_twin", &["I0", "I1", "I2", "I3", "O"]), [2, 3, 4, 5, 15]);
        for same in ["match", "elsewhere", "two"] {
            assert_eq!(cells[same], before[same]);
        }
    }
}
