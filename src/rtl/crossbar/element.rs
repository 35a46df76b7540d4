//! One neuron of one pass on an array: the matches of its groups, their errors and codes, and the sum of those.

use super::{Converter, Crossbar, ReadHash};
use crate::plan::Gains;
use crate::rtl::scan::tree;
use crate::verilog::{Expr, Memory, Module, VerilogError, VerilogFile, cat, lit, mux, set, when};

/// A processing element of an array.
#[derive(Clone, Debug)]
pub struct Element<'a>(pub &'a Crossbar);

/// `value` as it was `clocks` clocks ago, of any width.
pub(super) fn late(m: &mut Module, clk: &Expr, name: &str, value: &Expr, clocks: u32) -> Expr {
    let width = value.width();
    if clocks == 0 {
        return value.clone();
    }
    let q = m.reg(&format!("{name}_late_q"), width * clocks);
    let next = if clocks == 1 { value.clone() } else { cat([&q.bits(0, width * (clocks - 1)), value]) };
    m.clocked(clk, [set(&q, &next)]);
    q.bits(width * (clocks - 1), width)
}

/// A two's complement value as one of `width` bits that holds it.
fn fitted(m: &mut Module, name: &str, value: &Expr, width: u32) -> Expr {
    if value.width() <= width {
        return value.sext(width);
    }
    let whole = m.wire_is(name, value);
    m.unused(&format!("unused_{name}"), &[&whole.slice(value.width() - 1, width)]);
    whole.bits(0, width)
}

impl Element<'_> {
    pub fn name(&self) -> String {
        format!("{}_element", self.0.name)
    }

    pub fn emit(&self, hash: Option<&VerilogFile>, converter: &VerilogFile) -> Result<VerilogFile, VerilogError> {
        let c = self.0;
        let (simd, count_bits, bits) = (c.simd(), c.count_bits(), c.sum_bits());
        let sizes = c.array.sizes(c.plan.simd);
        let mut m = Module::new(&self.name());
        m.doc(
            "One neuron of one pass on an array that is read in parts: the matches of each word-line group are counted and converted \
             by themselves, and the codes added.",
        );
        m.fact("inputs a clock", simd);
        m.fact("inputs of a word-line group", c.array.group);
        m.fact("words of a group", c.span());
        m.latency(&format!("{} clocks from a word and its weights to the sum", c.latency() - Crossbar::FETCHED));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("A word");
        let weight = m.input("weight_i", simd);
        let positive = (c.plan.planes == 1).then(|| {
            let e = m.input("pos_i", simd);
            m.note("1 for +1, 0 for -1");
            e
        });
        let live = c.counts_live().then(|| {
            let e = m.input("live_i", simd);
            m.note(if c.plan.planes > 1 { "bits of the plane" } else { "0 where dropped" });
            e
        });
        let group_begins = (c.span() > 1).then(|| {
            let e = m.input("group_begins_i", 1);
            m.note("with the counts of the first word of a group");
            e
        });
        m.group("Live inputs of each group, when its sum is converted");
        let counts = m.input("count_i", c.at_once() * count_bits);
        let errors = hash.map(|hash| {
            m.group("Errors of reading");
            let numbers = m.input("number_i", c.at_once() * 32);
            let keys = m.input("keys_i", 16 * ReadHash::ROUNDS);
            let rows = m.input("row_i", c.at_once() * c.row_bits());
            m.note("where the codes of each group's live inputs begin, with its hash");
            (hash, numbers, keys, rows)
        });
        let gains = (c.array.gains == Gains::Each).then(|| {
            m.group("Gains of the groups");
            m.input("gain_i", c.at_once() * Converter::GAIN_BITS)
        });
        m.group("Control, with the sum of a word's codes");
        let begins = m.input("begin_i", 1);
        m.note("the first of a neuron");
        let plane_begins = (c.plan.planes > 1).then(|| {
            let e = m.input("shift_i", 1);
            m.note("the first of a plane but the first");
            e
        });
        let negate = c.negates().then(|| {
            let e = m.input("negate_i", 1);
            m.note("the plane counts negative");
            e
        });
        let step = (c.span() > 1).then(|| {
            let e = m.input("step_i", 1);
            m.note("a group is complete");
            e
        });
        let start = m.input("start_i", bits);
        m.note("what is added to a neuron's sum");
        m.group("Sum, in the clock after its last group");
        let sum_out = m.output_reg("sum_o", bits);

        let mut codes = vec![];
        let mut lo = 0;
        for (k, &size) in sizes.iter().enumerate() {
            let (k, size) = (k as u32, size as u32);
            let name = |what: &str| if sizes.len() > 1 { format!("{what}{k}") } else { what.to_string() };
            m.section(&if sizes.len() > 1 { format!("Group {k} of the word") } else { "The group".into() });
            let of = |e: &Expr| e.bits(lo, size);
            let mut matches = match &positive {
                Some(positive) => !(of(&weight) ^ of(positive)),
                None => of(&weight),
            };
            if let Some(live) = &live {
                matches = matches & of(live);
            }
            let matches = m.wire_is(&name("match_bits"), &matches);
            lo += size;
            let ones = tree((0..size).map(|bit| matches.bit(bit).zext(count_bits)).collect());
            let ones = m.wire_is(&name("ones"), &ones);
            let mut count = m.reg(&name("matches_q"), count_bits);
            m.clocked(&clk, [set(&count, &ones)]);
            if let Some(begins) = &group_begins {
                let all = m.reg(&name("all_matches_q"), count_bits);
                let none = lit(count_bits, 0);
                m.clocked(&clk, [set(&all, &(mux(begins, &none, &all) + &count))]);
                count = all;
            }
            if let Some((hash, numbers, keys, rows)) = &errors {
                count = late(&mut m, &clk, &name("waiting"), &count, Crossbar::HASHED - c.counted());
                let hashed = m.wire(&name("hash"), 16);
                let number = numbers.bits(32 * k, 32);
                let ports = [("clk_i", &clk), ("number_i", &number), ("keys_i", keys), ("hash_o", &hashed)];
                m.instance(&name("u_hash"), hash.header(), &ports);
                let row_bits = c.row_bits();
                let at = rows.bits(row_bits * k, row_bits) + count.zext(row_bits);
                let at = m.wire_is(&name("code_at"), &at);
                let codes = Memory::new(&name("codes"), 34, c.entries()).distributed().file(&c.codes_file());
                let codes = m.memory(codes);
                let found = m.reg(&name("found_q"), 34);
                let (hash_q, count_q) = (m.reg(&name("hash_q"), 16), m.reg(&name("counted_q"), count_bits));
                let erred = m.reg(&name("erred_q"), count_bits);
                let wide = hash_q.zext(17);
                let few = m.wire_is(&name("one_less"), &wide.lt(&found.bits(0, 17)));
                let many = m.wire_is(&name("one_more"), &!wide.lt(&found.bits(17, 17)));
                let less = mux(&few, &lit(count_bits, (1 << count_bits) - 1), &many.zext(count_bits));
                m.clocked(
                    &clk,
                    [
                        set(&found, &codes.word(&at)),
                        set(&hash_q, &hashed),
                        set(&count_q, &count),
                        set(&erred, &(&count_q + less)),
                    ],
                );
                count = erred;
            }
            let sum = cat([&count, &lit(1, 0)]) - counts.bits(count_bits * k, count_bits).zext(count_bits + 1);
            let sum = m.wire_is(&name("sum"), &sum);
            let code = m.wire(&name("code"), c.converter().code_bits());
            let gain = gains.as_ref().map(|gains| gains.bits(Converter::GAIN_BITS * k, Converter::GAIN_BITS));
            let mut ports = vec![("clk_i", &clk), ("sum_i", &sum), ("code_o", &code)];
            ports.extend(gain.iter().map(|gain| ("gain_i", gain)));
            m.instance(&name("u_converter"), converter.header(), &ports);
            codes.push(code);
        }

        m.section("Sum of the codes, group by group and plane by plane");
        let part = match &codes[..] {
            [code] => code.clone(),
            codes => {
                let q = m.reg("part_q", c.part_bits());
                let terms = codes.iter().map(|code| code.sext(c.part_bits())).collect();
                m.clocked(&clk, [set(&q, &tree(terms))]);
                q
            }
        };
        let scaled = match c.array.shift {
            0 => part,
            shift => cat([&part, &lit(shift, 0)]),
        };
        let value = m.wire_is("scaled", &scaled);
        let value = fitted(&mut m, "value", &value, bits);
        let value = match &negate {
            Some(negate) => m.wire_is("signed_value", &mux(negate, &(lit(bits, 0) - &value), &value)),
            None => value,
        };
        let sum = m.reg("sum_q", bits);
        let base = match &plane_begins {
            Some(begins) if bits > 1 => {
                m.wire_is("doubled", &mux(begins, &cat([&sum.bits(0, bits - 1), &lit(1, 0)]), &sum))
            }
            Some(begins) => m.wire_is("doubled", &mux(begins, &lit(1, 0), &sum)),
            None => sum.clone(),
        };
        let base = m.wire_is("base", &mux(&begins, &lit(bits, 0), &base));
        let total = m.wire_is("total", &(base + value));
        let next = [set(&sum, &total)];
        match &step {
            Some(step) => m.clocked(&clk, [when(step, next)]),
            None => m.clocked(&clk, next),
        }
        m.clocked(&clk, [set(&sum_out, &(&total + &start))]);
        m.build()
    }
}

impl Crossbar {
    /// Entries of a table of read-error codes.
    pub(super) fn entries(&self) -> u32 {
        let group = self.array.group as u32;
        (group + 1) * (group + 2) / 2
    }

    /// Bits of an entry's number.
    pub(super) fn row_bits(&self) -> u32 {
        crate::verilog::index_width(self.entries())
    }

    /// Whether the first plane counts negative.
    pub(super) fn negates(&self) -> bool {
        self.signed && self.plan.planes > 1
    }
}
