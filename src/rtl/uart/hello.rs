//! What a design says of itself: the payload of the answer to HELLO.

use super::super::Design;
use super::host::Field;
use crate::net::Network;

const VERSION: u8 = 1;

/// Result fields of an image, in the order of the protocol.
pub struct Fields {
    /// Once an image.
    pub image: Vec<Field>,
    /// Once a class.
    pub class: Vec<Field>,
}

/// Ports of a result in the order in which the protocol names their widths, and where they stand in a result.
struct Told {
    port: &'static str,
    width: u32,
    once: bool,
    signed: bool,
}

fn told(design: &Design) -> Vec<Told> {
    let w = design.widths;
    let parts = design.plan.uncertainty.zip(design.uncertainty);
    let of = |pick: fn(&crate::plan::Uncertainty, &super::super::UncertaintyWidths) -> (bool, u32)| {
        parts
            .as_ref()
            .map(|(parts, widths)| pick(parts, widths))
            .map_or(0, |(there, width)| if there { width } else { 0 })
    };
    let stops = design.top().is_some_and(|top| top.header().port("out_passes_o").is_some());
    let field = |port, width, once, signed| Told { port, width, once, signed };
    vec![
        field("out_class_o", w.class, true, false),
        field("out_sum_o", w.sum, false, true),
        field("out_sumsq_o", w.sumsq, false, false),
        field("out_votes_o", w.votes, false, false),
        field("out_passes_o", if stops { w.votes } else { 0 }, true, false),
        field("out_prob_o", of(|_, w| (true, w.probability)), false, false),
        field("out_probsq_o", of(|p, w| (p.squares, w.squares)), false, false),
        field("out_entropy_o", of(|p, w| (p.entropy, w.entropy)), true, false),
        field("out_info_o", of(|p, w| (p.information, w.entropy)), true, false),
    ]
}

fn has_flag(design: &Design) -> bool {
    design.plan.uncertainty.is_some_and(|parts| parts.flag.is_some())
}

pub fn fields(design: &Design) -> Fields {
    let all = told(design);
    let of = |once: bool| {
        let here = all.iter().filter(move |t| t.once == once && t.width > 0);
        here.map(|t| Field { port: t.port, width: t.width, signed: t.signed })
    };
    let flag = has_flag(design).then_some(Field { port: "out_flag_o", width: 1, signed: false });
    Fields { image: of(true).chain(flag).collect(), class: of(false).collect() }
}

/// The payload; byte 2, the images that are outstanding, is 0 and filled in by the hardware.
pub fn hello(design: &Design, network: &Network, buffers: u32) -> Vec<u8> {
    let first = &design.layers[0];
    let short = |value: usize| (value as u16).to_le_bytes();
    let mut bytes = vec![VERSION, buffers as u8, 0];
    bytes.push(u8::from(network.input.signed) | u8::from(has_flag(design)) << 1);
    bytes.extend(network.fingerprint());
    bytes.extend(short(first.values()));
    let probability = design.uncertainty.map_or(0, |_| network.output.probability_bits());
    bytes.extend([network.input.bits as u8, probability as u8]);
    bytes.extend(short(first.beat_values()));
    bytes.extend(short(design.classes));
    bytes.extend(short(design.plan.max_passes));
    bytes.extend(short(design.plan.lanes));
    bytes.extend([network.output.frac_bits as u8, network.random.code_bits as u8]);
    bytes.extend(told(design).iter().map(|t| t.width as u8));
    bytes
}
