//! The same design in Icarus Verilog: a second simulator's opinion on a few images, through `tb/bench.v`.

use super::session::{self, Settings};
use super::{CosimError, Dut, Reference, UncertaintyPorts, tool};
use crate::net::Images;
use std::fmt::Write;
use std::fs;
use std::process::Command;

const BENCH: &str = include_str!("../../tb/bench.v");

/// Lines of differences that are kept.
const KEPT: usize = 20;

/// Runs `images` in Icarus and compares results and logits. What differs, in words; nothing if all is right.
pub fn icarus(
    dut: &Dut,
    reference: &dyn Reference,
    images: &Images,
    settings: &Settings,
) -> Result<Vec<String>, CosimError> {
    session::check_settings(dut, images, settings)?;
    tool::find_iverilog()?;
    let expected = reference.results(images, settings.passes)?;
    let folder = tempfile::Builder::new()
        .prefix("neuspin-icarus-")
        .tempdir()
        .map_err(|e| CosimError::io(&std::env::temp_dir(), e))?;
    let _guard = crate::interrupt::remove(folder.path());
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).map_err(|e| CosimError::io(&path, e))
    };

    let (p, w) = (&dut.ports, dut.ports.widths);
    let words = p.beat_bits().div_ceil(32);
    let beat = |beat: &[u32]| beat.iter().rev().map(|word| format!("{word:08x}")).collect::<String>() + "\n";
    write("in.hex", &p.pack(images).chunks(words).map(beat).collect::<String>())?;
    let writes = session::writes(settings);
    write(
        "writes.hex",
        &writes.iter().map(|(address, data)| format!("{address:02x}{data:08x}\n")).collect::<String>(),
    )?;
    let (mut results, mut logits) = (String::new(), String::new());
    // Where the logits of each image begin, and where they all end.
    let (mut firsts, mut first) = (String::from("0\n"), 0);
    for image in &expected {
        let r = &image.result;
        for c in 0..p.classes {
            let mut bits = String::new();
            let mut fields = vec![
                (u64::from(c + 1 == p.classes), 1),
                (r.class as u64, w.class),
                (c as u64, w.class),
                (r.sum[c] as u64, w.sum),
                (r.sumsq[c], w.sumsq),
                (r.votes[c].into(), w.votes),
            ];
            let u = &image.uncertainty;
            let threshold = UncertaintyPorts::threshold(&settings.thresholds, r.class);
            fields.extend(p.beside().into_iter().map(|(port, width)| match port {
                "out_passes_o" => (r.passes.into(), width),
                "out_prob_o" => (u.probability[c], width),
                "out_probsq_o" => (u.squares[c], width),
                "out_entropy_o" => (u.entropy, width),
                "out_info_o" => (u.information, width),
                _ => (u.flag(threshold, p.flag_passes(r)).into(), width),
            }));
            for (value, width) in fields {
                bits.extend((0..width).rev().map(|b| if value >> b & 1 == 1 { '1' } else { '0' }));
            }
            results += &(to_hex(&bits) + "\n");
        }
        first += image.logits.len();
        _ = writeln!(firsts, "{first:x}");
        for &z in &image.logits {
            _ = writeln!(logits, "{:x}", z as u64 & (u64::MAX >> (64 - w.logit)));
        }
    }
    write("results.hex", &results)?;
    write("logits.hex", &logits)?;
    write("firsts.hex", &firsts)?;
    write("bench.v", BENCH)?;

    let mut compile = Command::new("iverilog");
    compile.current_dir(folder.path()).args(["-g2005", "-s", "bench", "-o", "bench.vvp"]);
    for (name, value) in [
        ("IN_BITS", p.beat_bits()),
        ("BEATS", p.beats()),
        ("IMAGES", images.len()),
        ("CLASSES", p.classes),
        ("LANES", p.lanes),
        ("LOGITS", first),
        ("CLASS_BITS", w.class),
        ("SUM_BITS", w.sum),
        ("SUMSQ_BITS", w.sumsq),
        ("VOTES_BITS", w.votes),
        ("PASS_BITS", w.pass),
        ("LOGIT_BITS", w.logit),
        ("WRITES", writes.len()),
        ("PATIENCE", dut.patience.saturating_mul(settings.passes.into()).min(1 << 30) as usize),
    ] {
        compile.arg(format!("-D{name}={value}"));
    }
    let mut above: usize = p.beside().iter().map(|(_, width)| width).sum();
    compile.arg(format!("-DMORE_BITS={above}"));
    for (port, width) in p.beside() {
        above -= width;
        let name = port.trim_end_matches("_o").to_uppercase();
        compile.args([format!("-D{name}_BITS={width}"), format!("-D{name}_AT={above}")]);
    }
    compile.arg(format!("-DDUT={}", dut.top)).arg("bench.v");
    for (name, contents) in dut.sources.iter().chain(&dut.memories) {
        write(name, contents)?;
    }
    compile.args(dut.sources.iter().map(|(name, _)| name));
    tool::run(&mut compile)?;
    let said = tool::run(Command::new("vvp").current_dir(folder.path()).args(["-n", "bench.vvp"]))?;

    let mut lines: Vec<String> =
        said.lines().filter(|l| l.starts_with("MISMATCH ") || l.starts_with("HANG ")).map(String::from).collect();
    if lines.is_empty() && !said.lines().any(|l| l == "PASS") {
        lines.push(format!("no verdict; Icarus printed:\n{}", tool::tail(&said)));
    }
    lines.truncate(KEPT);
    Ok(lines)
}

/// Binary digits as hexadecimal ones, both with the most significant first.
fn to_hex(bits: &str) -> String {
    let padded = "0".repeat(bits.len().next_multiple_of(4) - bits.len()) + bits;
    padded
        .as_bytes()
        .chunks(4)
        .map(|n| char::from(b"0123456789abcdef"[n.iter().fold(0, |v, b| 2 * v + usize::from(b - b'0'))]))
        .collect()
}
