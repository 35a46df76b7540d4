//! Many draws of a Galois LFSR in one clock, without the states between.
//!
//! With taps i in the mask, the bits a that come out obey a(n) = XOR of a(n − 1 − i) over all taps: the characteristic polynomial P at the
//! shift. Over GF(2) P(x)² = P(x²), so the same holds of bits 2, 4, 8, ... times as far back (Golomb, *Shift Register Sequences*), and each
//! level of XORs gives nearly as many bits as all levels before it. A chain of states has a level for every draw.

use super::RtlError;
use super::source::{described, tag};
use crate::net::{Family, Random};
use crate::random::mask_of;
use crate::verilog::{Expr, Module, VerilogFile, cat, lit};

/// `state_i` to the next `draws` draws and the state after them, combinational. None where the source is no Galois LFSR, or draws are not
/// what comes out of it.
pub fn draws_at_once(random: &Random, draws: u32) -> Result<Option<VerilogFile>, RtlError> {
    let (width, code_bits) = (random.state_bits(), random.code_bits);
    let mask = match random.source.family {
        Family::Galois => mask_of(width).ok(),
        Family::Taps { mask } => Some(mask),
        _ => None,
    };
    // Below its lowest tap a state is what comes out next.
    let Some(mask) = mask.filter(|mask| code_bits <= mask.trailing_zeros() + 1) else { return Ok(None) };
    let taps: Vec<u32> = (0..width).filter(|bit| mask >> bit & 1 == 1).collect();
    let steps = random.source.steps_of(code_bits);
    let mut m = Module::new(&format!("ns_draws{}_{width}x{code_bits}_{draws}", tag(random)));
    m.doc(&format!(
        "The next {draws} draws of {}, and the state after them. The bits that come out are made from those before them: a bit is the \
         XOR of those that came out {} steps before it; so it is, where there are as many, of those twice, four times, ... as long before.",
        described(random),
        taps.iter().map(|tap| (tap + 1).to_string()).collect::<Vec<_>>().join(", ")
    ));
    m.fact("bits of the state", width);
    m.fact("bits of a draw", code_bits);
    m.fact("steps from a draw to the next", steps);
    m.fact("mask", format!("{mask:#x}"));
    m.latency("none, combinational");
    let state = m.input("state_i", width);
    let next = m.output("next_o", width);
    m.note("the state after the draws");
    let drawn = m.output("draws_o", draws * code_bits);
    m.note("the first one lowest");

    let (total, nearest) = (steps * draws + width, taps[0] + 1);
    m.section("Bits in the order in which they come out, more of them level by level");
    let mut out = m.wire_is(&format!("out{nearest}"), &state.bits(0, nearest));
    while out.width() < total {
        let known = out.width();
        let more = if known < width {
            // What is in the register, and what is fed back to it on the way.
            let count = nearest.min(width - known);
            let fed =
                taps.iter().filter(|&&tap| tap + 1 < known + count).map(|&tap| before(&out, known, count, tap + 1));
            fed.fold(state.bits(known, count), |sum, fed| sum ^ fed)
        } else {
            let scale = 1 << (known / width).ilog2();
            let count = (nearest * scale).min(total - known);
            // Every second tap first: neighbouring bits then share a sum, where taps are as far apart, and ABC, which looks for sums that
            // are equal, finds these at once; in the order of the taps of 64 bits it takes minutes.
            let sum =
                |first| taps.iter().skip(first).step_by(2).map(|&tap| before(&out, known, count, (tap + 1) * scale));
            let sums = [0, 1].into_iter().filter_map(|first| sum(first).reduce(|sum, term| sum ^ term));
            sums.reduce(|sum, other| sum ^ other).unwrap_or(lit(count, 0))
        };
        out = m.wire_is(&format!("out{}", known + more.width()), &cat([&more, &out]));
    }
    let each = (0..draws).map(|n| out.bits(n * steps, code_bits)).collect::<Vec<_>>();
    if steps == code_bits {
        m.assign(&drawn, &out.bits(0, draws * code_bits));
    } else {
        m.assign(&drawn, &cat(each.iter().rev()));
        m.unused("unused_out", &[&out]);
    }
    m.section("What is fed back lies above its tap in the state, and is not out yet");
    let window = m.wire_is("window", &out.bits(steps * draws, width));
    let fed = taps.iter().filter(|&&tap| tap + 1 < width).map(|&tap| before(&window, 0, width, tap + 1));
    m.assign(&next, &fed.fold(window.clone(), |sum, fed| sum ^ fed));
    Ok(Some(m.build()?))
}

/// Bits `from` to `from + count − 1` of `out`, each `distance` before: 0 before the first one.
fn before(out: &Expr, from: u32, count: u32, distance: u32) -> Expr {
    let missing = distance.saturating_sub(from).min(count);
    let bits = out.bits((from + missing).saturating_sub(distance), count - missing);
    if missing == 0 { bits } else { cat([&bits, &lit(missing, 0)]) }
}
