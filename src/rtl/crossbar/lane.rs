//! One lane of an array: the activations of one pass, the live inputs of its word-line groups, and the neurons that read them.

use super::element::{Element, late};
use super::{Converter, Crossbar, ReadHash};
use crate::plan::Gains;
use crate::rtl::lane::Source;
use crate::rtl::scan::tree;
use crate::verilog::{Expr, Module, VerilogError, VerilogFile, cat_lsb_first, lit, mux, set};

/// `pe` neurons that share the activations of one pass.
#[derive(Clone, Debug)]
pub struct CrossbarLane {
    pub source: Source,
    pub crossbar: Crossbar,
}

impl CrossbarLane {
    pub fn name(&self) -> String {
        format!("{}_lane", self.crossbar.name)
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let c = &self.crossbar;
        let (simd, pe, bits, at_once) = (c.simd(), c.plan.pe as u32, c.sum_bits(), c.at_once());
        let converter = c.converter().emit()?;
        let hash = c.array.errors.then(|| ReadHash.emit()).transpose()?;
        let element = Element(c).emit(hash.as_ref(), &converter)?;
        let mut m = Module::new(&self.name());
        m.doc(
            "One lane of an array: the activations of one pass, and the neurons that read them at once, word-line group by word-line \
             group.",
        );
        m.fact("neurons at once (pe)", pe);
        m.fact("inputs at once (simd)", simd);
        m.fact("inputs of a word-line group", c.array.group);
        m.latency(&format!("{} clocks from the last read address of a neuron to its sum", c.latency()));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        let buffer = match &self.source {
            Source::Image(b) => b.emit()?,
            Source::Layer(b) => b.emit()?,
        };
        let mut ports: Vec<(String, Expr)> = vec![("clk_i".into(), clk.clone())];
        m.group("Write activations");
        for port in buffer.header().ports() {
            let name = port.name.as_str();
            if name.starts_with("write") || ["act_i", "live_i", "data_i"].contains(&name) {
                ports.push((name.into(), m.input(name, port.width)));
            }
        }
        m.group("Read a word");
        for port in buffer.header().ports().iter().filter(|p| p.name.starts_with("read")) {
            ports.push((port.name.clone(), m.input(&port.name, port.width)));
        }
        m.group("Weights, with the word");
        let weight = m.input("weight_i", pe * simd);
        m.note("word p is that of neuron p");
        let mut shared: Vec<(&str, Expr)> = vec![("clk_i", clk.clone())];
        m.group("Control");
        let top = c.negates().then(|| {
            let e = m.input("top_i", 1);
            m.note("with the word: it is of the plane that counts negative");
            e
        });
        let mut control = |m: &mut Module, there: bool, name: &'static str, about: &str| {
            there.then(|| {
                let e = m.input(name, 1);
                m.note(about);
                shared.push((name, e.clone()));
                e
            })
        };
        let group_begins =
            control(&mut m, c.span() > 1, "group_begins_i", "with the counts of the first word of a group");
        control(&mut m, true, "begin_i", "with the sum of a word's codes: the first of a neuron");
        control(&mut m, c.plan.planes > 1, "shift_i", "the first of a plane but the first");
        control(&mut m, c.negates(), "negate_i", "the plane counts negative");
        control(&mut m, c.span() > 1, "step_i", "a group is complete");
        let start = m.input("start_i", pe * bits);
        m.note("what is added to the neurons' sums");
        if c.array.gains == Gains::Each {
            shared.push(("gain_i", m.input("gain_i", at_once * Converter::GAIN_BITS)));
            m.note("gains of the groups, with their sums");
        }
        let errors = c.array.errors.then(|| {
            m.group("Errors of reading");
            let number = m.input("number_i", pe * at_once * 32);
            m.note("of each neuron's groups, a clock after the address");
            let key = m.input("key_i", 64);
            m.note("of the pass, with the address");
            (number, key)
        });
        m.group("Sums");
        let out = m.output("sum_o", pe * bits);

        let mut rails = vec![];
        for port in ["pos", "neg"] {
            if buffer.header().port(&format!("{port}_o")).is_some() {
                let read = m.wire(&format!("{port}_read"), simd);
                ports.push((format!("{port}_o"), read.clone()));
                rails.push(read);
            }
        }
        if buffer.header().port("odd_o").is_some() {
            let odd = m.wire("odd_read", 1);
            ports.push(("odd_o".into(), odd.clone()));
            m.unused("unused_odd", &[&odd]);
        }
        let connected: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (n.as_str(), e)).collect();
        m.instance("u_buffer", buffer.header(), &connected);
        // Rails that are alike mean that neither line of the pair is driven.
        let live = match (&rails[..], c.plan.planes > 1) {
            ([positive, negative], _) => Some(m.wire_is("live", &(positive ^ negative))),
            ([plane], true) => match &top {
                // The buffer keeps the sign bit inverted.
                Some(top) => Some(m.wire_is("live", &(plane ^ crate::verilog::repeat(simd, top)))),
                None => Some(plane.clone()),
            },
            _ => None,
        };
        if c.plan.planes == 1 {
            shared.push(("pos_i", rails[0].clone()));
        }
        shared.extend(live.iter().map(|live| ("live_i", live.clone())));
        self.count(&mut m, &clk, live.as_ref(), group_begins.as_ref(), &mut shared);
        if let Some((_, key)) = &errors {
            m.section("Each round of the hash has its part of the key when it comes to it");
            let rounds: Vec<Expr> = (0..4).map(|part| key.bits(16 * part, 16)).collect();
            let mut keys = vec![lit(1, 0); ReadHash::ROUNDS as usize];
            for (part, value) in rounds.iter().enumerate() {
                let part = part as u32;
                let first = late(&mut m, &clk, &format!("key{part}"), value, 1 + part);
                keys[part as usize] = first.clone();
                keys[part as usize + 4] = late(&mut m, &clk, &format!("key{}", part + 4), &first, 4);
            }
            shared.push(("keys_i", m.wire_is("keys", &cat_lsb_first(keys))));
        }

        m.section("Neurons");
        m.generate_for("g_pe", "p", pe, |m, p| {
            let (weight_p, start_p, out_p) = (weight.word(p, simd), start.word(p, bits), out.word(p, bits));
            let mut ports: Vec<(&str, Expr)> = shared.clone();
            ports.extend([("weight_i", weight_p), ("start_i", start_p), ("sum_o", out_p)]);
            ports.extend(errors.iter().map(|(number, _)| ("number_i", number.word(p, at_once * 32))));
            let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (*n, e)).collect();
            m.instance("u_element", element.header(), &ports);
        });
        let mut files = vec![converter];
        files.extend(hash);
        files.extend([element, buffer, m.build()?]);
        Ok(files)
    }

    /// Live inputs of the groups in a word, with the sums that they are for, and where their codes begin.
    fn count(
        &self,
        m: &mut Module,
        clk: &Expr,
        live: Option<&Expr>,
        group_begins: Option<&Expr>,
        shared: &mut Vec<(&str, Expr)>,
    ) {
        let c = &self.crossbar;
        let bits = c.count_bits();
        m.section("Live inputs of each word-line group");
        let (mut counts, mut rows, mut lo) = (vec![], vec![], 0);
        for (k, size) in c.array.sizes(c.plan.simd).into_iter().enumerate() {
            let size = size as u32;
            let constant = lit(bits, size.into());
            let mut count = match live {
                None => constant.clone(),
                Some(live) => {
                    let ones = tree((lo..lo + size).map(|bit| live.bit(bit).zext(bits)).collect());
                    let q = m.reg(&format!("count{k}_q"), bits);
                    m.clocked(clk, [set(&q, &ones)]);
                    q
                }
            };
            lo += size;
            if let Some(begins) = group_begins {
                let all = m.reg(&format!("all{k}_q"), bits);
                m.clocked(clk, [set(&all, &(mux(begins, &lit(bits, 0), &all) + &count))]);
                count = all;
            }
            let fixed = live.is_none() && group_begins.is_none();
            if c.array.errors {
                let wide = c.row_bits();
                if !fixed {
                    count = late(m, clk, &format!("count{k}"), &count, Crossbar::HASHED - 1 - c.counted());
                }
                if fixed {
                    rows.push(lit(wide, u128::from(size) * (u128::from(size) + 1) / 2));
                } else {
                    let more = m.wire_is(&format!("more{k}"), &(count.zext(bits + 1) + lit(bits + 1, 1)));
                    let product = m.wire_is(&format!("product{k}"), &count.mul(&more, 2 * bits + 1));
                    let row = m.reg(&format!("row{k}_q"), wide);
                    let half = product.slice(2 * bits, 1);
                    m.unused(&format!("unused_product{k}"), &[&product.bit(0)]);
                    let fitted = if half.width() > wide {
                        m.unused(&format!("unused_half{k}"), &[&product.slice(2 * bits, 1 + wide)]);
                        product.bits(1, wide)
                    } else {
                        half.zext(wide)
                    };
                    m.clocked(clk, [set(&row, &fitted)]);
                    rows.push(row);
                    count = late(m, clk, &format!("erring{k}"), &count, 1 + c.erred() - Crossbar::HASHED);
                }
            }
            counts.push(count);
        }
        shared.push(("count_i", m.wire_is("counts", &cat_lsb_first(counts))));
        if c.array.errors {
            shared.push(("row_i", m.wire_is("rows", &cat_lsb_first(rows))));
        }
    }
}
