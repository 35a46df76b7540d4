//! Neurons whose sums follow the differences of a pass from its image.

use crate::rtl::scan::{delayed, delayed_event};
use crate::verilog::{Expr, Module, VerilogError, VerilogFile, cat, lit_words, mux, repeat, set, when, when_else};

/// Neurons with sums of `bits` bits that take `events` differences a clock: 1, 2 or 4.
#[derive(Clone, Debug)]
pub struct Block {
    pub name: String,
    pub bits: u32,
    pub events: u32,
    /// What the sums are when all activations are -1, by neuron.
    pub starts: Vec<i64>,
}

impl Block {
    /// Clocks from a difference to the sums that hold it.
    pub const LATENCY: u32 = 2;

    /// The starts side by side.
    fn start(&self) -> Expr {
        let width = self.starts.len() as u32 * self.bits;
        let mut words = vec![0u64; width.div_ceil(64) as usize];
        for (n, start) in (0..).zip(&self.starts) {
            for b in (0..self.bits).filter(|b| start >> b & 1 == 1) {
                let at = n * self.bits + b;
                words[(at / 64) as usize] |= 1 << (at % 64);
            }
        }
        lit_words(width, &words)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (count, bits, events) = (self.starts.len() as u32, self.bits, self.events);
        let mut m = Module::new(&self.name);
        m.keep_apart();
        m.doc(
            "Sums of neurons, less their thresholds, that follow differences of a pass from its image: an activation that turned adds \
             twice its weight, or takes it away; a dropped one adds it once, or takes it away. Passes begin from the image's sum.",
        );
        m.fact("neurons", count);
        m.fact("bits of a sum", bits);
        m.fact("differences a clock", events);
        m.latency(&format!("{} clocks from a difference to the sums that hold it", Self::LATENCY));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Differences: the word of weights of each, and what it is");
        let weights: Vec<Expr> = (0..events).map(|e| m.input(&format!("weight{e}_i"), count)).collect();
        let found = m.input("found_i", events);
        let was = m.input("was_i", events);
        m.note("the image's activation");
        let flips = m.input("flips_i", events);
        m.note("turned, not dropped");
        m.group("Ends of passes and of images");
        let turn = m.input("turn_i", 1);
        m.note("in place of a difference: those before it are all");
        let image = m.input("image_i", 1);
        m.note("of an image");
        m.group("Verdicts, with the sums");
        let fires = m.output("fires_o", count);

        m.section("What comes in, near to what it drives: which sums lose, and how much they change");
        let reset = m.reg("reset_q", 1);
        m.clocked(&clk, [set(&reset, &!&rst_n)]);
        let mut less_q = vec![];
        for (e, weight) in weights.iter().enumerate() {
            let q = m.reg(&format!("less{e}_q"), count);
            m.note("weight and activation were alike");
            let e = e as u32;
            m.clocked(&clk, [set(&q, &(!(weight ^ repeat(count, &was.bit(e))) & repeat(count, &found.bit(e))))]);
            less_q.push(q);
        }
        let once = m.wire_is("once", &(&found & !&flips));
        let twice = m.wire_is("twice", &(&found & &flips));
        let mut kinds = vec![];
        for pair in 0..events.div_ceil(2) {
            kinds.push(Kinds::new(&mut m, &clk, (&once, &twice), pair, events));
        }
        let turns = delayed_event(&mut m, &clk, &rst_n, "turn", &turn, 1);
        let loads = delayed(&mut m, &clk, "load", &turns, 1);
        let of_image = delayed(&mut m, &clk, "image_turn", &(&turn & &image), 1);

        m.section("Neurons");
        let start = m.localparam("START", &self.start());
        m.note("sums when all activations are -1");
        m.generate_for("g_neuron", "n", count, |m, n| {
            let changes: Vec<Expr> =
                (kinds.iter().zip(less_q.chunks(2))).map(|(kinds, less)| kinds.change(m, less, n)).collect();
            let change = match &changes[..] {
                [a, b] => m.wire_is("change", &(a.sext(5) + b.sext(5))),
                _ => changes[0].clone(),
            };
            let sum = m.reg("sum_q", bits);
            m.note("less the threshold");
            let image_sum = m.reg("image_sum_q", bits);
            let from = m.wire_is("from", &mux(&loads, &image_sum, &sum));
            m.clocked(
                &clk,
                [when_else(
                    &reset,
                    [set(&sum, &start.word(n, bits)), set(&image_sum, &start.word(n, bits))],
                    [set(&sum, &(from + change.sext(bits))), when(&of_image, [set(&image_sum, &sum)])],
                )],
            );
            m.assign(&fires.at(n), &!sum.bit(bits - 1));
        });
        m.build()
    }
}

/// What kind of change two differences are together, or one alone: registers that all neurons of a block share.
struct Kinds {
    pair: u32,
    alone: bool,
    /// Each adds or takes away one weight.
    once: Vec<Expr>,
    twice: Vec<Expr>,
    /// Bit 0 of the change.
    odd: Option<Expr>,
    /// Bit 1 of the change where no sum loses.
    second: Option<Expr>,
    /// Which of the two weighs more; neither where they weigh the same.
    heavier: Vec<Expr>,
    /// Both weigh two.
    both_twice: Option<Expr>,
}

impl Kinds {
    fn new(m: &mut Module, clk: &Expr, (once, twice): (&Expr, &Expr), pair: u32, events: u32) -> Kinds {
        let at: Vec<u32> = (2 * pair..events.min(2 * pair + 2)).collect();
        let mut keep = |name: String, value: Expr| {
            let q = m.reg(&name, 1);
            m.clocked(clk, [set(&q, &value)]);
            q
        };
        let of = |which: &Expr| at.iter().map(|&e| which.bit(e)).collect::<Vec<_>>();
        let (once, twice) = (of(once), of(twice));
        let once_q = at.iter().zip(&once).map(|(e, once)| keep(format!("once{e}_q"), once.clone())).collect();
        let alone = at.len() == 1;
        let mut kinds = Kinds {
            pair,
            alone,
            once: once_q,
            twice: vec![],
            odd: None,
            second: None,
            heavier: vec![],
            both_twice: None,
        };
        if alone {
            kinds.twice = vec![keep(format!("twice{}_q", at[0]), twice[0].clone())];
            return kinds;
        }
        kinds.odd = Some(keep(format!("odd{pair}_q"), &once[0] ^ &once[1]));
        kinds.second = Some(keep(format!("second{pair}_q"), (&once[0] & &once[1]) ^ &twice[0] ^ &twice[1]));
        let more = |a: usize, b: usize| (&twice[a] & !&twice[b]) | (&once[a] & !&once[b] & !&twice[b]);
        kinds.heavier =
            vec![keep(format!("first_heavier{pair}_q"), more(0, 1)), keep(format!("last_heavier{pair}_q"), more(1, 0))];
        kinds.both_twice = Some(keep(format!("both_twice{pair}_q"), &twice[0] & &twice[1]));
        kinds
    }

    /// The change of neuron `n`, two's complement.
    fn change(&self, m: &mut Module, less: &[Expr], n: &Expr) -> Expr {
        let pair = self.pair;
        let less: Vec<Expr> = less.iter().map(|less| less.at(n)).collect();
        let bits = match (&self.odd, &self.second, &self.both_twice) {
            (Some(odd), Some(second), Some(both_twice)) if !self.alone => {
                // Of two that weigh the same, the sum loses only by both.
                let sign = mux(&self.heavier[0], &less[0], &mux(&self.heavier[1], &less[1], &(&less[0] & &less[1])));
                let sign = m.wire_is(&format!("loses{pair}"), &sign);
                let third = mux(both_twice, &!(&less[0] ^ &less[1]), &sign);
                let second = second ^ (&self.once[0] & &less[0]) ^ (&self.once[1] & &less[1]);
                cat([&sign, &third, &second, odd])
            }
            _ => cat([&less[0], &(&self.twice[0] | &less[0]), &self.once[0]]),
        };
        m.wire_is(&format!("change{pair}"), &bits)
    }
}
