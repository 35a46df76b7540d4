//! A generated design as a design under test.

use super::{Dut, Ports, Tap, UncertaintyPorts, Widths};
use crate::rtl::Design;

impl Dut {
    pub fn of(design: &Design) -> Dut {
        let first = &design.layers[0];
        let w = design.widths;
        let hidden = &design.layers[..design.layers.len() - 1];
        let tap = |(layer, l): (usize, &crate::plan::LayerPlan)| Tap {
            layer,
            outputs: l.outputs * l.pixels(),
            pe: l.pe,
            lanes: if l.unit.is_some() || layer + 1 == design.once { design.plan.lanes } else { l.lanes },
            // The last layer that is computed once an image is shown behind the replay: once a pass, with its masks.
            once: layer + 1 < design.once,
        };
        Dut {
            top: design.name.clone(),
            sources: design.modules.iter().map(|m| (m.file_name(), m.text().to_string())).collect(),
            memories: design.images.iter().map(|i| (i.file.clone(), i.text.clone())).collect(),
            ports: Ports {
                features: first.values(),
                input_bits: design.input_bits,
                simd: first.beat_values(),
                classes: design.classes,
                lanes: design.plan.lanes,
                max_passes: design.plan.max_passes as u32,
                stochastic_layers: design.units,
                widths: Widths {
                    class: w.class as usize,
                    sum: w.sum as usize,
                    sumsq: w.sumsq as usize,
                    votes: w.votes as usize,
                    pass: w.pass as usize,
                    logit: w.logit as usize,
                },
                uncertainty: uncertainty(design),
                lead: design.registers.iter().find(|r| r.name == "LEAD").map(|r| r.reset as u32),
                programming: design.programming.is_some(),
            },
            taps: if design.options.taps { hidden.iter().enumerate().map(tap).collect() } else { vec![] },
            patience: 100_000
                + 4 * (design.classes * design.plan.lanes) as u64
                + design.layers.iter().map(|l| l.pass_clocks() as u64).sum::<u64>() * 4,
        }
    }
}

fn uncertainty(design: &Design) -> UncertaintyPorts {
    let (Some(parts), Some(w)) = (design.plan.uncertainty, design.uncertainty) else {
        return UncertaintyPorts::default();
    };
    let of = |there: bool, width: u32| if there { width as usize } else { 0 };
    let thresholds = design.registers.iter().filter(|r| r.name.starts_with("THRESHOLD")).map(|r| r.reset);
    UncertaintyPorts {
        probability: w.probability as usize,
        squares: of(parts.squares, w.squares),
        entropy: of(parts.entropy, w.entropy),
        information: of(parts.information, w.entropy),
        thresholds: thresholds.collect(),
    }
}
