//! The tables of `docs/estimates.md`.

use crate::fit::{FamilyFit, Said, quantile};
use anyhow::{Context, Result};
use neuspin::board::Family;
use std::fmt::Write;

pub const BEGIN: &str = "<!-- estimates -->\n";
pub const END: &str = "<!-- end of estimates -->";

/// `page` with the tables between its marks.
pub fn page(page: &str, all: &[FamilyFit]) -> Result<String> {
    let (head, rest) = page.split_once(BEGIN).with_context(|| format!("no line `{}`", BEGIN.trim_end()))?;
    let (_, tail) = rest.split_once(END).with_context(|| format!("no line `{END}`"))?;
    Ok(format!("{head}{BEGIN}{}{END}{tail}", tables(all)))
}

/// What is said of families, then of designs.
pub fn tables(all: &[FamilyFit]) -> String {
    let mut text = String::from(
        "| family | designs | LUT: median | 9 in 10 | worst | FF: median | 9 in 10 | worst | block RAM exact |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for fit in all {
        let exact = fit.samples.iter().filter(|s| s.held.block_rams == s.counted.block_rams).count();
        let three = |said: &[Said]| {
            let errors = || said.iter().map(|said| said.error_left_out().abs());
            let [median, most, worst] =
                [0.5, 0.9, 1.0].map(|share| format!("{:.1} %", 100.0 * quantile(errors(), share)));
            format!("{median} | {most} | {worst}")
        };
        let (name, n) = (name(fit.family), fit.samples.len());
        let (luts, registers) = (three(&fit.luts.said), three(&fit.registers.said));
        _ = writeln!(text, "| {name} | {n} | {luts} | {registers} | {exact} of {n} |");
    }
    for fit in all {
        _ = write!(
            text,
            "\n{}:\n\n| design | LUT | estimate | error | left out | FF | estimate | error | left out | block RAM | by the rule |\n\
             |---|---|---|---|---|---|---|---|---|---|---|\n",
            name(fit.family)
        );
        for ((sample, luts), registers) in fit.samples.iter().zip(&fit.luts.said).zip(&fit.registers.said) {
            let of = |said: &Said| {
                let [error, left_out] = [said.error(), said.error_left_out()].map(|e| format!("{:+.1} %", 100.0 * e));
                format!("{:.0} | {:.0} | {error} | {left_out}", said.counted, said.fitted)
            };
            let (design, blocks, rule) = (&sample.design, sample.counted.block_rams, sample.held.block_rams);
            _ = writeln!(text, "| {design} | {} | {} | {blocks} | {rule} |", of(luts), of(registers));
        }
    }
    text
}

fn name(family: Family) -> &'static str {
    match family {
        Family::Xilinx7 => "Xilinx 7",
        Family::Ecp5 => "ECP5",
        Family::Ice40Hx => "iCE40 HX",
        Family::Ice40Up => "iCE40 UP",
        Family::Gw1n => "GW1N",
        Family::Gw2a => "GW2A",
    }
}
