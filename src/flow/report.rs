//! What place and route says: cells used of those that there are, and clocks.

use crate::board::Family;
use serde::Serialize;
use std::collections::BTreeMap;

/// Cells used and available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Used {
    pub used: u64,
    pub available: u64,
}

impl Used {
    /// "1,234 of 5,280 (23 %)", without separators.
    pub fn percent(self) -> f64 {
        if self.available == 0 { 0.0 } else { 100.0 * self.used as f64 / self.available as f64 }
    }
}

/// A clock after routing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fmax {
    pub net: String,
    pub reached_mhz: f64,
    pub wanted_mhz: f64,
}

/// Lines "Info: ... NAME: used/ available percent%" of nextpnr's log, by name.
pub fn utilisation(log: &str) -> BTreeMap<String, Used> {
    let of = |line: &str| -> Option<(String, Used)> {
        let (name, counts) = line.strip_prefix("Info:")?.trim().split_once(':')?;
        let (used, rest) = counts.trim().split_once('/')?;
        let available = rest.split_whitespace().next()?;
        rest.contains('%').then_some(())?;
        Some((name.trim().into(), Used { used: used.trim().parse().ok()?, available: available.parse().ok()? }))
    };
    log.lines().filter_map(of).collect()
}

/// The last statement about each clock: "Max frequency for clock 'clk': 31.2 MHz (PASS at 25.00 MHz)".
pub fn clocks(log: &str) -> Vec<Fmax> {
    let mut all: BTreeMap<String, Fmax> = BTreeMap::new();
    for line in log.lines() {
        let Some((_, rest)) = line.split_once("Max frequency for clock") else { continue };
        let Some((net, rest)) = rest.trim().strip_prefix('\'').and_then(|r| r.split_once('\'')) else { continue };
        let numbers: Vec<f64> = rest.split([' ', '(', ')', ':']).filter_map(|word| word.parse().ok()).collect();
        if let [reached_mhz, wanted_mhz] = numbers[..] {
            all.insert(net.into(), Fmax { net: net.into(), reached_mhz, wanted_mhz });
        }
    }
    all.into_values().collect()
}

/// Names of the cells that nextpnr counts: LUTs, registers, block memories, multipliers. iCE40 counts registers with LUTs.
pub fn names(family: Family) -> [&'static str; 4] {
    match family {
        Family::Ice40Up | Family::Ice40Hx => ["ICESTORM_LC", "", "ICESTORM_RAM", "ICESTORM_DSP"],
        Family::Ecp5 => ["TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "MULT18X18D"],
        Family::Gw1n | Family::Gw2a => ["LUT4", "DFF", "BSRAM", "MULT18X18"],
        Family::Xilinx7 => ["", "", "", ""],
    }
}

/// Registers in the cells that Yosys counts by type.
pub fn registers(cells: &BTreeMap<String, u64>) -> u64 {
    let is = |name: &str| name.starts_with("SB_DFF") || name == "TRELLIS_FF" || name.starts_with("DFF");
    cells.iter().filter(|(name, _)| is(name)).map(|(_, n)| n).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
Info: Device utilisation:
Info: \t         ICESTORM_LC:  4373/ 7680    56%
Info: \t        ICESTORM_RAM:    33/   32   103%
Info: Max frequency for clock 'clk_$glb_clk': 20.01 MHz (FAIL at 24.00 MHz)
Info: Max frequency for clock 'clk_$glb_clk': 31.50 MHz (PASS at 24.00 MHz)
";

    #[test]
    fn cells_and_clocks_are_read_from_the_log() {
        let used = utilisation(LOG);
        assert_eq!(used["ICESTORM_LC"], Used { used: 4373, available: 7680 });
        assert_eq!(used["ICESTORM_RAM"], Used { used: 33, available: 32 });
        assert_eq!(used.len(), 2);
        let expected = Fmax { net: "clk_$glb_clk".into(), reached_mhz: 31.5, wanted_mhz: 24.0 };
        assert_eq!(clocks(LOG), [expected], "the last one counts");
    }
}
