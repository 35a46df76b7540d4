//! Population counts of all sizes against a loop over the bits, fed through the skew as in a layer.

use super::simulate;
use crate::rtl::popcount::Popcount;
use crate::rtl::skew::Skew;
use std::fmt::Write;

const SIZES: std::ops::RangeInclusive<u32> = 1..=130;
const WIDEST: u32 = 130;
/// Vectors: all zeros, all ones, every single one, every single zero, then random ones.
const VECTORS: u32 = 2 + 2 * WIDEST + 100;

fn instance(bench: &mut String, size: u32) {
    let popcount = Popcount::new(size);
    let (latency, width) = (popcount.latency(), popcount.count_width());
    let fed = match Skew::new(size) {
        Some(skew) => {
            let _ = writeln!(bench, "wire [{}:0] fed{size};", size - 1);
            let name = skew.name();
            let _ =
                writeln!(bench, "{name} s{size} (.clk_i(clk), .word_i(word0[{}:0]), .word_o(fed{size}));", size - 1);
            format!("fed{size}")
        }
        None => format!("word0[{}:0]", size - 1),
    };
    let clock = if latency > 0 { ".clk_i(clk), " } else { "" };
    let count = if width > 0 { format!(".count_o(count{size}), ") } else { String::new() };
    let _ = writeln!(bench, "wire [{}:0] count{size};\nwire carry{size};", width.max(1) - 1);
    if width == 0 {
        let _ = writeln!(bench, "assign count{size} = 1'b0;");
    }
    let name = popcount.name();
    let _ = writeln!(bench, "{name} p{size} ({clock}.match_i({fed}), {count}.carry_o(carry{size}));");
    let _ = writeln!(
        bench,
        "always @(negedge clk) if (at > {latency} && count{size} + {{8'd0, carry{size}}} !== ones{latency}[{} +: 9])\n  \
         $display(\"size {size}: word %h counts as %0d + %0d\", word{latency}[{}:0], count{size}, carry{size});",
        9 * size,
        size - 1
    );
}

/// A bench in which `word<n>` is the input word of `n` clocks ago, and `ones<n>` has the ones among its lowest k bits at
/// `[9 * k +: 9]`.
fn bench(longest: u32) -> String {
    let (top, ones) = (WIDEST - 1, 9 * (WIDEST + 1) - 1);
    let mut text = format!(
        "module bench;\nreg clk = 0;\ninteger at = 0;\nreg [{top}:0] word0 = 0;\n\
         reg [{ones}:0] ones0;\ninteger i;\nalways @(word0) begin\n  ones0 = 0;\n  \
         for (i = 0; i < {WIDEST}; i = i + 1) ones0[9 * i + 9 +: 9] = ones0[9 * i +: 9] + word0[i];\nend\n"
    );
    for clocks in 1..=longest {
        let before = clocks - 1;
        let _ = writeln!(
            text,
            "reg [{top}:0] word{clocks};\nreg [{ones}:0] ones{clocks};\n\
             always @(posedge clk) begin word{clocks} <= word{before}; ones{clocks} <= ones{before}; end"
        );
    }
    SIZES.for_each(|size| instance(&mut text, size));
    let one = format!("({WIDEST}'d1 << (at - 2) / 2)");
    let _ = writeln!(
        text,
        "always #1 clk = !clk;\nalways @(posedge clk) begin\n  at <= at + 1;\n  \
         if (at < 2) word0 <= {{{WIDEST}{{at[0]}}}};\n  else if (at < {}) word0 <= at[0] ? ~{one} : {one};\n  \
         else word0 <= {{$random, $random, $random, $random, $random}};\n  \
         if (at == {VECTORS}) begin $display(\"done\"); $finish; end\nend\nendmodule",
        2 + 2 * WIDEST
    );
    text
}

#[test]
fn every_size_counts_every_bit_once() {
    let files = SIZES.map(|size| Popcount::new(size).emit().unwrap());
    let skews = SIZES.filter_map(Skew::new).map(|skew| skew.emit().unwrap());
    let longest = SIZES.map(|size| Popcount::new(size).latency()).max().unwrap();
    let said = simulate(&files.chain(skews).collect::<Vec<_>>(), &bench(longest));
    assert!(said.trim_end().ends_with("done") && said.trim_end().lines().count() == 1, "{said}");
}
