//! Printed expressions mean what the tree says: random expressions, computed here, by Icarus and by Yosys.

mod tools;

use neuspin::verilog::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn mask(width: u32) -> u128 {
    (1 << width) - 1
}

fn signed(value: u128, width: u32) -> i128 {
    (value << (128 - width)) as i128 >> (128 - width)
}

/// An expression with its value for the inputs at hand.
type Valued = (Expr, u128);

/// Makes random expressions over inputs of known value. The structure depends on the generator alone, not on the values.
struct Maker<'a> {
    rng: StdRng,
    inputs: &'a [Valued],
}

impl Maker<'_> {
    fn pick(&mut self, below: u32) -> u32 {
        self.rng.random_range(0..below)
    }

    /// A slice of an input, at most `width` bits.
    fn part(&mut self, width: u32) -> Valued {
        let at = self.pick(self.inputs.len() as u32) as usize;
        let (e, value) = &self.inputs[at];
        let bits = self.pick(width.min(e.width())) + 1;
        let low = self.pick(e.width() - bits + 1);
        (e.bits(low, bits), value >> low & mask(bits))
    }

    fn expr(&mut self, width: u32, depth: u32) -> Valued {
        let w = width;
        let kind = if depth == 0 { self.pick(3) } else { self.pick(24) };
        let inner = depth.saturating_sub(1);
        let m = mask(w);
        match kind {
            0 => {
                let value = self.rng.random::<u64>() as u128 & m;
                match self.pick(3) {
                    0 => (lit(w, value), value),
                    1 => (hex(w, value), value),
                    _ => (lit_signed(w, signed(value, w)), value),
                }
            }
            1 => {
                let (e, v) = self.part(w);
                (e.zext(w), v)
            }
            2 => {
                let (e, v) = self.part(w);
                (e.sext(w), signed(v, e.width()) as u128 & m)
            }
            3..=8 => {
                let ((a, x), (b, y)) = (self.expr(w, inner), self.expr(w, inner));
                match kind {
                    3 => (&a + &b, (x + y) & m),
                    4 => (a - b, x.wrapping_sub(y) & m),
                    5 => (&a & b, x & y),
                    6 => (a | &b, x | y),
                    7 => (a ^ b, x ^ y),
                    // A chain, which is printed without inner parentheses.
                    _ => (&(&a + &b) + &a + &b, ((x + y) * 2) & m),
                }
            }
            9 => {
                let (a, x) = self.expr(w, inner);
                (!a, !x & m)
            }
            10 => {
                let (a, x) = self.expr(w, inner);
                (-a, x.wrapping_neg() & m)
            }
            11 => {
                let ((c, v), (a, x), (b, y)) = (self.expr(1, inner), self.expr(w, inner), self.expr(w, inner));
                (mux(&c, &a, &b), if v == 1 { x } else { y })
            }
            12 if w > 1 => {
                let low = self.pick(w - 1) + 1;
                let ((a, x), (b, y)) = (self.expr(w - low, inner), self.expr(low, inner));
                if self.pick(2) == 0 { (cat([a, b]), x << low | y) } else { (cat_lsb_first([b, a]), x << low | y) }
            }
            13 => {
                let ((a, x), amount) = (self.expr(w, inner), self.pick(w));
                if self.pick(2) == 0 { (a << amount, x << amount & m) } else { (a >> amount, x >> amount) }
            }
            14 => {
                let ((a, x), (n, amount)) = (self.expr(w, inner), self.expr(3, inner));
                if self.pick(2) == 0 { (a.shl_by(&n), x << amount & m) } else { (a.shr_by(&n), x >> amount) }
            }
            15 => {
                let bits = self.pick(w) + 1;
                let ((a, x), (b, y)) = (self.expr(bits, inner), self.expr(bits, inner));
                (a.mul(&b, w), (x * y) & m)
            }
            16 => {
                let ((a, x), (b, y)) = (self.part(w), self.part(w));
                let product = signed(x, a.width()) * signed(y, b.width());
                (a.mul_signed(&b, w), product as u128 & m)
            }
            17 => {
                let (a, x) = self.part(w);
                let amount = self.pick(a.width());
                let shifted = a.shr_signed(amount).zext(w);
                (shifted, (signed(x, a.width()) >> amount) as u128 & mask(a.width()))
            }
            18 => {
                // The first input has 12 bits: 4 words of 3, 2 of 6, or single bits.
                let (word, index_bits) = [(3, 2), (6, 1), (1, 4)][self.pick(3) as usize];
                let (mut index, mut at) = self.expr(index_bits, inner);
                if word == 1 {
                    (index, at) = (index & lit(4, 0b1011), at & 0b1011);
                }
                let (e, v) = &self.inputs[0];
                let part = (v >> (at as u32 * word)) & mask(word);
                let e = e.word(&index, word);
                if word > w { (repeat(w, &e.any()), if part != 0 { m } else { 0 }) } else { (e.zext(w), part) }
            }
            19 => {
                let (a, x) = self.expr(1, inner);
                (repeat(w, &a), if x == 1 { m } else { 0 })
            }
            _ => {
                let bits = self.pick(12) + 1;
                let ((a, x), (b, y)) = (self.expr(bits, inner), self.expr(bits, inner));
                let (s, t) = (signed(x, bits), signed(y, bits));
                let (e, truth) = match self.pick(13) {
                    0 => (a.eq(&b), x == y),
                    1 => (a.ne(&b), x != y),
                    2 => (a.lt(&b), x < y),
                    3 => (a.le(&b), x <= y),
                    4 => (a.gt(&b), x > y),
                    5 => (a.ge(&b), x >= y),
                    6 if bits.is_multiple_of(2) => {
                        // A sign can be taken of a name or of its bits alone.
                        let ((a, x), (b, y)) = (&self.inputs[0], &self.inputs[3]);
                        let less = signed(x & mask(bits), bits) < signed(y & mask(bits), bits);
                        (a.trunc(bits).less_signed(&b.trunc(bits)), less)
                    }
                    6 => (a.lt_signed(&b), s < t),
                    7 => (a.le_signed(&b), s <= t),
                    8 => (a.gt_signed(&b), s > t),
                    9 => (a.ge_signed(&b), s >= t),
                    10 => (a.all(), x == mask(bits)),
                    11 => (a.any(), x != 0),
                    _ => (a.parity(), x.count_ones() % 2 == 1),
                };
                (e.zext(w), truth.into())
            }
        }
    }
}

const WIDTHS: [u32; 4] = [12, 1, 8, 33];
const COUNT: u64 = 150;

/// A module of `COUNT` random expressions, all outputs side by side, and the expected digits for these input values.
fn sample(values: [u128; 4]) -> (VerilogFile, String) {
    let mut m = Module::new("sample");
    let inputs: Vec<Valued> =
        WIDTHS.iter().zip(values).map(|(w, v)| (m.input(&format!("in{w}_i"), *w), v & mask(*w))).collect();
    let mut outputs = vec![];
    let mut bits = String::new();
    for seed in 0..COUNT {
        let mut maker = Maker { rng: StdRng::seed_from_u64(seed), inputs: &inputs };
        let width = maker.pick(40) + 1;
        let (e, value) = maker.expr(width, 5);
        assert_eq!(e.width(), width, "{e}");
        outputs.push(m.wire_is(&format!("out{seed}"), &e));
        bits += &format!("{value:0w$b}", w = width as usize);
    }
    let all = cat(&outputs);
    let all_o = m.output("all_o", all.width());
    m.assign(&all_o, &all);
    (m.build().unwrap(), bits)
}

/// Input values: extremes and random ones.
fn values() -> Vec<[u128; 4]> {
    let mut rng = StdRng::seed_from_u64(99);
    let random = (0..10).map(|_| [0; 4].map(|_: u128| rng.random::<u64>().into()));
    [[0; 4], [u64::MAX.into(); 4]].into_iter().chain(random).collect()
}

#[test]
fn sample_passes_the_tools() {
    tools::lint(&[&sample([0; 4]).0], &[]);
}

#[test]
fn icarus_computes_what_the_tree_says() {
    let mut bench = String::from("module bench;\n");
    for w in WIDTHS {
        bench += &format!("reg [{}:0] in{w};\n", w - 1);
    }
    let ports: Vec<String> = WIDTHS.iter().map(|w| format!(".in{w}_i(in{w})")).collect();
    let (file, bits) = sample([0; 4]);
    bench +=
        &format!("wire [{}:0] all;\nsample s({}, .all_o(all));\ninitial begin\n", bits.len() - 1, ports.join(", "));
    for values in values() {
        for (w, v) in WIDTHS.iter().zip(values) {
            bench += &format!("in{w} = {w}'d{}; ", v & mask(*w));
        }
        bench += "#1 $display(\"%b\", all);\n";
    }
    bench += "end\nendmodule\n";
    let dir = tools::write(&[&file], &[("bench.v", &bench)]);
    tools::run(dir.path(), "iverilog", &["-g2005", "-o", "bench", "bench.v", "sample.v"]);
    let said = tools::run(dir.path(), "vvp", &["-N", "bench"]);
    let found: Vec<&str> = said.lines().collect();
    let expected: Vec<String> = values().into_iter().map(|values| sample(values).1).collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.into_iter().zip(&expected) {
        assert_same(found, expected);
    }
}

#[test]
fn yosys_computes_what_the_tree_says() {
    let dir = tools::write(&[&sample([0; 4]).0], &[]);
    for values in values().into_iter().take(4) {
        let set: Vec<String> =
            WIDTHS.iter().zip(values).map(|(w, v)| format!("-set in{w}_i {w}'d{}", v & mask(*w))).collect();
        let script = format!("read_verilog sample.v; proc; opt_clean; eval {} -show all_o", set.join(" "));
        let said = tools::run(dir.path(), "yosys", &["-p", &script]);
        let found = said.lines().find_map(|line| line.strip_prefix("Eval result: \\all_o = ")).unwrap();
        let found = found.trim_end_matches('.').split_once('\'').unwrap().1;
        assert_same(found, &sample(values).1);
    }
}

/// Compares output by output, to name the expression that differs.
fn assert_same(found: &str, expected: &str) {
    assert_eq!(found.len(), expected.len());
    let (file, _) = sample([0; 4]);
    let mut at = 0;
    for seed in 0..COUNT {
        let width = Maker { rng: StdRng::seed_from_u64(seed), inputs: &[] }.pick(40) as usize + 1;
        if found[at..at + width] != expected[at..at + width] {
            let name = format!(" out{seed} =");
            let line = file.text().split(';').find(|line| line.contains(&name)).unwrap();
            panic!("found {}, expected {}:\n{line}", &found[at..at + width], &expected[at..at + width]);
        }
        at += width;
    }
}
