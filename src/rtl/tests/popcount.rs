//! Population counts of all sizes against a loop over the bits, fed through the skew as in a layer.

use super::simulate;
use crate::rtl::popcount::Popcount;
use crate::rtl::skew::Skew;
use std::fmt::Write;

/// Random words, after all zeros, all ones, every single one and every single zero.
const RANDOM: u32 = 100;

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
        "always @(negedge clk) if (at > {latency} && count{size} + {{8'd0, carry{size}}} !== ones{latency}[{} +: 12])\n  \
         $display(\"size {size}: word %h counts as %0d + %0d\", word{latency}[{}:0], count{size}, carry{size});",
        12 * size,
        size - 1
    );
}

/// A bench in which `word<n>` is the input word of `n` clocks ago, and `ones<n>` has the ones among its lowest k bits at
/// `[12 * k +: 12]`.
fn bench(sizes: &[u32], widest: u32) -> String {
    let (top, ones) = (widest - 1, 12 * (widest + 1) - 1);
    let longest = sizes.iter().map(|&size| Popcount::new(size).latency()).max().unwrap_or(0);
    let mut text = format!(
        "module bench;\nreg clk = 0;\ninteger at = 0;\nreg [{top}:0] word0 = 0;\n\
         reg [{ones}:0] ones0;\ninteger i;\nalways @(word0) begin\n  ones0 = 0;\n  \
         for (i = 0; i < {widest}; i = i + 1) ones0[12 * i + 12 +: 12] = ones0[12 * i +: 12] + word0[i];\nend\n"
    );
    for clocks in 1..=longest {
        let before = clocks - 1;
        let _ = writeln!(
            text,
            "reg [{top}:0] word{clocks};\nreg [{ones}:0] ones{clocks};\n\
             always @(posedge clk) begin word{clocks} <= word{before}; ones{clocks} <= ones{before}; end"
        );
    }
    sizes.iter().for_each(|&size| instance(&mut text, size));
    let one = format!("({widest}'d1 << (at - 2) / 2)");
    let (corners, random) = (2 + 2 * widest, vec!["$random"; widest.div_ceil(32) as usize].join(", "));
    let _ = writeln!(
        text,
        "always #1 clk = !clk;\nalways @(posedge clk) begin\n  at <= at + 1;\n  \
         if (at < 2) word0 <= {{{widest}{{at[0]}}}};\n  else if (at < {corners}) word0 <= at[0] ? ~{one} : {one};\n  \
         else word0 <= {{{random}}};\n  \
         if (at == {}) begin $display(\"done\"); $finish; end\nend\nendmodule",
        corners + RANDOM
    );
    text
}

fn check(sizes: &[u32], widest: u32) {
    let files = sizes.iter().map(|&size| Popcount::new(size).emit().unwrap());
    let skews = sizes.iter().filter_map(|&size| Skew::new(size)).map(|skew| skew.emit().unwrap());
    let said = simulate(&files.chain(skews).collect::<Vec<_>>(), &bench(sizes, widest));
    assert_eq!(said.trim_end(), "done");
}

#[test]
fn every_size_counts_every_bit_once() {
    check(&(1..=130).collect::<Vec<_>>(), 130);
}

#[test]
fn large_sizes_count_every_bit_once() {
    check(&[255, 256, 257, 300, 512, 784], 784);
}
