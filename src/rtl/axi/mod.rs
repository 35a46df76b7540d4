//! A design behind AXI: streams of frames, registers over AXI4-Lite. The core inside is untouched.

mod gear;
mod guard;
mod lite;
mod packing;
mod registers;
mod skid;
mod verdicts;

pub use gear::{Collect, Split};
pub use guard::Guard;
pub use lite::Lite;
pub use packing::{Images, ResultField, Results};
pub use registers::Registers;
pub use skid::Skid;
pub use verdicts::Verdicts;

use super::{Design, Register, RtlError};
use crate::net::Network;
use crate::verilog::{Direction, Expr, Header, Module, VerilogFile, cat, cat_lsb_first, lit, repeat};

/// How a design is wrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Axi {
    /// Width of both streams in bits; by themselves each is as wide as what it carries.
    pub width: Option<u32>,
}

/// The wrapper of a design: its modules without the core's, the top last.
#[derive(Clone, Debug)]
pub struct Wrapper {
    pub name: String,
    pub modules: Vec<VerilogFile>,
    /// The core's and its own.
    pub registers: Vec<Register>,
    pub images: Images,
    pub results: Results,
}

impl Wrapper {
    /// The top module.
    pub fn top(&self) -> Option<&VerilogFile> {
        self.modules.last()
    }
}

const ADDRESS_BITS: u32 = registers::WORD_BITS + 2;

/// Wraps `design`, which was made of `network`.
///
/// # Errors
/// If a stream cannot be as wide as asked for, or the core has inputs that the wrapper does not know.
pub fn wrap(design: &Design, network: &Network, axi: Axi) -> Result<Wrapper, RtlError> {
    let Some((core, first)) = design.top().zip(design.layers.first()) else {
        return Err(RtlError::Unsupported("a design without a top cannot be wrapped".into()));
    };
    let (values, value_bits) = (first.beat_values() as u32, design.input_bits);
    let images = Images::new((first.values() / first.beat_values()) as u32, values, value_bits, axi.width)?;
    let results = Results::new(core.header(), design.classes as u32, axi.width)?;
    let name = format!("{}_axi", design.name);
    let registers = Registers {
        name: format!("{name}_registers"),
        core: &design.registers,
        programmed: core.header().port("prog_valid_i").is_some(),
    };
    let depth = (2 * design.layers.len() as u32 + 4).next_power_of_two().max(16);
    let blocks = Blocks {
        skid_in: Skid { width: images.bits + 1 },
        skid_out: Skid { width: results.bits + 1 },
        guard: Guard { width: images.bits, beats: images.beats },
        verdicts: Verdicts { depth },
        lite: Lite { address_bits: ADDRESS_BITS },
    };
    let mut modules = blocks.emit()?;
    modules.push(registers.emit()?);
    let top = Top { name: &name, core: core.header(), images: &images, results: &results, network };
    let emitted = top.emit(&blocks, &registers, &mut modules)?;
    modules.push(emitted);
    let mut seen: Vec<VerilogFile> = vec![];
    for module in modules {
        if seen.iter().all(|known| known.name() != module.name()) {
            seen.push(module);
        }
    }
    Ok(Wrapper { name, modules: seen, registers: registers.all(), images, results })
}

struct Blocks {
    skid_in: Skid,
    skid_out: Skid,
    guard: Guard,
    verdicts: Verdicts,
    lite: Lite,
}

impl Blocks {
    fn emit(&self) -> Result<Vec<VerilogFile>, RtlError> {
        Ok(vec![
            self.skid_in.emit()?,
            self.skid_out.emit()?,
            self.guard.emit()?,
            self.verdicts.emit()?,
            self.lite.emit()?,
        ])
    }
}

struct Top<'a> {
    name: &'a str,
    core: &'a Header,
    images: &'a Images,
    results: &'a Results,
    network: &'a Network,
}

/// A stream inside the wrapper.
struct Beats {
    valid: Expr,
    ready: Expr,
    data: Expr,
    last: Expr,
}

impl Beats {
    fn new(m: &mut Module, name: &str, width: u32) -> Beats {
        let mut wire = |what: &str, width| m.wire(&format!("{name}_{what}"), width);
        Beats { valid: wire("valid", 1), ready: wire("ready", 1), data: wire("data", width), last: wire("last", 1) }
    }
}

fn header(modules: &[VerilogFile], name: &str) -> Result<Header, RtlError> {
    let found = modules.iter().find(|module| module.name() == name);
    found.map(|module| module.header().clone()).ok_or_else(|| RtlError::Unsupported(format!("no module `{name}`")))
}

impl Top<'_> {
    fn emit(
        &self,
        blocks: &Blocks,
        registers: &Registers,
        modules: &mut Vec<VerilogFile>,
    ) -> Result<VerilogFile, RtlError> {
        let (images, results) = (self.images, self.results);
        let mut m = Module::new(self.name);
        m.doc(&format!(
            "`{}` behind AXI: images come as frames of an AXI4-Stream, results leave as frames of another, registers are reached over \
             AXI4-Lite. Every frame in gives one frame out, a bad one too: see its field `{}`.",
            self.core.name(),
            packing::ERROR
        ));
        m.fact("beats of a frame in", images.beats);
        m.fact("beats of a frame out", results.beats);
        let each = format!("{} values of {} bits", images.values, images.value_bits);
        m.fact(
            "image",
            match (images.collect, images.split) {
                (1, 1) => format!("{} beats of {each}", images.core_beats),
                (1, split) => format!(
                    "{} times {each}, {split} times in a beat at multiples of {} bits",
                    images.core_beats, images.step
                ),
                (collect, _) => format!("{} times {each}, each in {collect} beats, lowest first", images.core_beats),
            },
        );
        if self.network.input.signed {
            m.fact("values", "two's complement");
        }
        for f in &results.fields {
            let kind = if f.signed { "signed" } else { "unsigned" };
            m.fact(&format!("result byte {:2} {}", f.byte, f.name), format!("{} bytes, {kind}", f.bytes));
        }
        m.group("Clock and reset");
        let clk = m.input("aclk", 1);
        m.attribute("X_INTERFACE_INFO = \"xilinx.com:signal:clock:1.0 aclk CLK\"");
        m.attribute("X_INTERFACE_PARAMETER = \"ASSOCIATED_BUSIF s_axis:m_axis:s_axil, ASSOCIATED_RESET aresetn\"");
        let rst_n = m.input("aresetn", 1);
        m.attribute("X_INTERFACE_INFO = \"xilinx.com:signal:reset:1.0 aresetn RST\"");
        m.attribute("X_INTERFACE_PARAMETER = \"POLARITY ACTIVE_LOW\"");
        m.note("synchronous, active low");
        m.group("Images in");
        let s_valid = m.input("s_axis_tvalid", 1);
        let s_ready = m.output("s_axis_tready", 1);
        let s_data = m.input("s_axis_tdata", images.bits);
        let s_last = m.input("s_axis_tlast", 1);
        m.group("Results out");
        let m_valid = m.output("m_axis_tvalid", 1);
        let m_ready = m.input("m_axis_tready", 1);
        let m_data = m.output("m_axis_tdata", results.bits);
        let m_last = m.output("m_axis_tlast", 1);
        let lite = header(modules, &blocks.lite.name())?;
        let bus = lite_ports(&mut m, &lite);

        let clocked = [("clk_i", &clk), ("rst_ni", &rst_n)];
        let put = |m: &mut Module, label: &str, of: &Header, ports: &[(&str, &Expr)]| {
            m.instance(label, of, &[&clocked[..], ports].concat());
        };

        m.section("Images: no path from port to core, frames of the right length, beats of the core");
        let arrived = m.wire("arrived", images.bits + 1);
        let [arrived_valid, arrived_ready] = [m.wire("arrived_valid", 1), m.wire("arrived_ready", 1)];
        put(
            &mut m,
            "u_skid_in",
            &header(modules, &blocks.skid_in.name())?,
            &[
                ("valid_i", &s_valid),
                ("ready_o", &s_ready),
                ("data_i", &cat([&s_last, &s_data])),
                ("valid_o", &arrived_valid),
                ("ready_i", &arrived_ready),
                ("data_o", &arrived),
            ],
        );
        let framed = Beats::new(&mut m, "framed", images.bits);
        let [room, ends, bad, short] = ["room", "frame_ends", "frame_bad", "frame_short"].map(|n| m.wire(n, 1));
        put(
            &mut m,
            "u_guard",
            &header(modules, &blocks.guard.name())?,
            &[
                ("valid_i", &arrived_valid),
                ("ready_o", &arrived_ready),
                ("data_i", &arrived.bits(0, images.bits)),
                ("last_i", &arrived.bit(images.bits)),
                ("valid_o", &framed.valid),
                ("ready_i", &framed.ready),
                ("data_o", &framed.data),
                ("last_o", &framed.last),
                ("room_i", &room),
                ("ends_o", &ends),
                ("bad_o", &bad),
                ("short_o", &short),
            ],
        );
        let image = self.geared(&mut m, &clocked, framed, modules)?;

        m.section("The core");
        let core_result = Beats::new(&mut m, "result", 8 * results.bytes);
        let core_reg = [("addr", 8), ("write", 1), ("wdata", 32), ("rdata", 32)]
            .map(|(n, width)| m.wire(&format!("core_{n}"), width));
        let error = m.wire("image_bad", 1);
        let program: Vec<(&str, &str, Expr)> = if registers.programmed {
            let ports = [
                ("prog_valid_i", "prog_valid_o", 1),
                ("prog_write_i", "prog_write_o", 1),
                ("prog_addr_i", "prog_addr_o", 32),
                ("prog_data_i", "prog_data_o", 32),
                ("prog_ready_o", "prog_ready_i", 1),
                ("prog_ack_o", "prog_ack_i", 1),
                ("prog_data_o", "prog_read_i", 32),
                ("prog_error_o", "prog_error_i", 1),
            ];
            let wire = |(core, own, width): (&'static str, &'static str, u32)| {
                (core, own, m.wire(&format!("core_{}", core.replace("_o", "_out").replace("_i", "_in")), width))
            };
            ports.into_iter().map(wire).collect()
        } else {
            vec![]
        };
        let mut ports = vec![("clk_i".to_string(), clk.clone()), ("rst_ni".into(), rst_n.clone())];
        let (mut values, mut others) = (vec![], vec![]);
        for port in self.core.ports().iter().skip(2) {
            let known = match port.name.as_str() {
                "in_valid_i" => Some(&image.valid),
                "in_ready_o" => Some(&image.ready),
                "in_data_i" => Some(&image.data),
                "out_valid_o" => Some(&core_result.valid),
                "out_ready_i" => Some(&core_result.ready),
                "out_last_o" => Some(&core_result.last),
                "reg_addr_i" => Some(&core_reg[0]),
                "reg_write_i" => Some(&core_reg[1]),
                "reg_wdata_i" => Some(&core_reg[2]),
                "reg_rdata_o" => Some(&core_reg[3]),
                name => program.iter().find(|(core, ..)| *core == name).map(|(.., e)| e),
            };
            let e = match known {
                Some(e) => e.clone(),
                None if port.direction == Direction::Input => {
                    return Err(RtlError::Unsupported(format!(
                        "the AXI wrapper does not know the core's input `{}`: generate without --axi",
                        port.name
                    )));
                }
                None => {
                    let wire = m.wire(&format!("core_{}", port.name.trim_end_matches("_o")), port.width);
                    match port.name.strip_prefix("out_") {
                        Some(name) => values.push((name.trim_end_matches("_o").to_string(), wire.clone())),
                        None => others.push(wire.clone()),
                    }
                    wire
                }
            };
            ports.push((port.name.clone(), e));
        }
        let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (n.as_str(), e)).collect();
        m.instance("u_core", self.core, &ports);
        if !others.is_empty() {
            m.unused("unused_core", &others.iter().collect::<Vec<_>>());
        }

        m.section("Results: a record a class, its fields at bytes");
        values.push((packing::ERROR.into(), error.clone()));
        m.assign(&core_result.data, &record(results, &values));
        let pop = m.wire_is("result_ends", &(&core_result.valid & &core_result.ready & &core_result.last));
        put(
            &mut m,
            "u_verdicts",
            &header(modules, &blocks.verdicts.name())?,
            &[("room_o", &room), ("push_i", &ends), ("bad_i", &bad), ("pop_i", &pop), ("bad_o", &error)],
        );
        let record = self.split_record(&mut m, &clocked, core_result, modules)?;
        let sent = m.wire("sent", results.bits + 1);
        put(
            &mut m,
            "u_skid_out",
            &header(modules, &blocks.skid_out.name())?,
            &[
                ("valid_i", &record.valid),
                ("ready_o", &record.ready),
                ("data_i", &cat([&record.last, &record.data])),
                ("valid_o", &m_valid),
                ("ready_i", &m_ready),
                ("data_o", &sent),
            ],
        );
        m.assign(&m_data, &sent.bits(0, results.bits));
        m.assign(&m_last, &sent.bit(results.bits));

        m.section("Registers");
        let port =
            [("addr", registers::WORD_BITS), ("write", 1), ("wdata", 32), ("rdata", 32), ("there", 1), ("writable", 1)]
                .map(|(n, width)| (n, m.wire(&format!("reg_{n}"), width)));
        let from = |n: &str| if matches!(n, "addr" | "write" | "wdata") { "i" } else { "o" };
        let to = |n: &str| if from(n) == "i" { "o" } else { "i" };
        let ends_in = |suffix: &dyn Fn(&str) -> &'static str| -> Vec<(String, Expr)> {
            port.iter().map(|(n, e)| (format!("reg_{n}_{}", suffix(n)), e.clone())).collect()
        };
        let mut lite_side = ends_in(&to);
        lite_side.extend(bus);
        let lite_side: Vec<(&str, &Expr)> = lite_side.iter().map(|(n, e)| (n.as_str(), e)).collect();
        put(&mut m, "u_lite", &lite, &lite_side);
        let mut map_side = ends_in(&from);
        map_side.extend(
            ["core_addr_o", "core_write_o", "core_wdata_o", "core_rdata_i"]
                .iter()
                .zip(&core_reg)
                .map(|(n, e)| (n.to_string(), e.clone())),
        );
        map_side.extend([("frame_ends_i".into(), ends), ("frame_bad_i".into(), bad), ("frame_short_i".into(), short)]);
        map_side.extend(program.iter().map(|(_, own, e)| (own.to_string(), e.clone())));
        let map_side: Vec<(&str, &Expr)> = map_side.iter().map(|(n, e)| (n.as_str(), e)).collect();
        put(&mut m, "u_registers", &header(modules, &registers.name)?, &map_side);
        Ok(m.build()?)
    }

    /// Beats of the core from those of the stream.
    fn geared(
        &self,
        m: &mut Module,
        clocked: &[(&str, &Expr)],
        framed: Beats,
        modules: &mut Vec<VerilogFile>,
    ) -> Result<Beats, RtlError> {
        let i = self.images;
        let core_bits = i.values * i.value_bits;
        let (file, width) = if i.collect > 1 {
            (Collect { width: i.bits, count: i.collect }.emit()?, i.bits * i.collect)
        } else if i.split > 1 {
            (Split { width: i.step, count: i.split, rest: i.rest() }.emit()?, i.step)
        } else {
            m.unused("unused_framed", &[&framed.last]);
            return Ok(Beats { data: lower(m, "framed", &framed.data, core_bits), ..framed });
        };
        let mut wire = |what: &str, width| m.wire(&format!("image_{what}"), width);
        let (valid, ready, data) = (wire("valid", 1), wire("ready", 1), wire("data", width));
        let last = if i.split > 1 { wire("last", 1) } else { framed.last.clone() };
        let whole = framed.data.width();
        let given = lower(m, "framed", &framed.data, if i.split > 1 { i.step * i.split } else { whole });
        let mut ports = vec![
            ("valid_i", &framed.valid),
            ("ready_o", &framed.ready),
            ("data_i", &given),
            ("valid_o", &valid),
            ("ready_i", &ready),
            ("data_o", &data),
        ];
        if i.split > 1 {
            ports.extend([("last_i", &framed.last), ("last_o", &last)]);
        }
        m.instance("u_gear", file.header(), &[clocked, &ports].concat());
        m.unused("unused_last", &[&last]);
        modules.push(file);
        let data = lower(m, "image", &data, core_bits);
        Ok(Beats { valid, ready, data, last })
    }

    /// Beats of the stream from records.
    fn split_record(
        &self,
        m: &mut Module,
        clocked: &[(&str, &Expr)],
        result: Beats,
        modules: &mut Vec<VerilogFile>,
    ) -> Result<Beats, RtlError> {
        let r = self.results;
        let all = r.bits * r.split;
        let data = result.data.zext(all);
        if r.split == 1 {
            return Ok(Beats { data, ..result });
        }
        let file = Split { width: r.bits, count: r.split, rest: r.split }.emit()?;
        let record = Beats::new(m, "record", r.bits);
        let ports = [
            ("valid_i", &result.valid),
            ("ready_o", &result.ready),
            ("data_i", &data),
            ("last_i", &result.last),
            ("valid_o", &record.valid),
            ("ready_i", &record.ready),
            ("data_o", &record.data),
            ("last_o", &record.last),
        ];
        m.instance("u_split", file.header(), &[clocked, &ports].concat());
        modules.push(file);
        Ok(record)
    }
}

/// The lowest bits; the others are not needed.
fn lower(m: &mut Module, name: &str, e: &Expr, bits: u32) -> Expr {
    if bits == e.width() {
        return e.clone();
    }
    m.unused(&format!("unused_{name}_fill"), &[&e.slice(e.width() - 1, bits)]);
    e.bits(0, bits)
}

/// The fields of a record in its bits.
fn record(results: &Results, values: &[(String, Expr)]) -> Expr {
    let mut parts: Vec<Expr> = results
        .fields
        .iter()
        .filter_map(|f| values.iter().find(|(name, _)| *name == f.name).map(|(_, e)| (f, e)))
        .map(|(f, e)| if f.signed { e.sext(8 * f.bytes) } else { e.zext(8 * f.bytes) })
        .collect();
    let used: u32 = parts.iter().map(Expr::width).sum();
    if used < 8 * results.bytes {
        parts.push(repeat(8 * results.bytes - used, &lit(1, 0)));
    }
    cat_lsb_first(parts)
}

/// The ports of AXI4-Lite, and what they are connected to in the front end.
fn lite_ports(m: &mut Module, lite: &Header) -> Vec<(String, Expr)> {
    m.group("Registers");
    let bus = lite.ports().iter().skip(2).filter(|p| !p.name.starts_with("reg_"));
    bus.map(|p| {
        let name = format!("s_axil_{}", p.name.trim_end_matches("_i").trim_end_matches("_o"));
        let e = match p.direction {
            Direction::Input => m.input(&name, p.width),
            Direction::Output => m.output(&name, p.width),
        };
        (p.name.clone(), e)
    })
    .collect()
}
