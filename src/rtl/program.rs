//! The port through which a host reads and writes the memories of a design: one word at a time, acknowledged.

use super::RtlError;
use super::cells::{self, Cells};
use super::writable::{PORT_BITS, Writable};
use crate::verilog::{Expr, Module, VerilogFile, cat_lsb_first, index_width, lit, mux, repeat, set, when, when_else};

/// What a host writes in a region of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Weights of a layer, which may pass its cells.
    Weights { crossbars: u32, groups: u32, words: u32, cells: Option<Cells> },
    /// In which column each neuron of the layer is, and whether its weights are stored inverted: the table of the region before, at
    /// the addresses of the neurons' first words there.
    Columns { crossbars: u32, groups: u32, words: u32 },
    /// Constants of neurons or classes.
    Constants,
}

/// A memory, or the table of a layer's cells, at addresses of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Layer, or block, and memory: unique in a design.
    pub name: String,
    /// The layer that it belongs to, the output layer last.
    pub layer: usize,
    pub what: What,
    pub memory: Writable,
    /// The memory's image.
    pub file: String,
}

/// A field of an address: its name, and how many things it tells apart.
pub type Field = (&'static str, u32);

impl Region {
    /// Fields of an address within the region, lowest bits first; those that tell nothing apart are not there.
    pub fn fields(&self) -> Vec<Field> {
        let rows = match &self.what {
            What::Weights { crossbars, groups, words, .. } | What::Columns { crossbars, groups, words } => {
                vec![("word", *words), ("group", *groups), ("crossbar", *crossbars)]
            }
            What::Constants => vec![("row", self.memory.rows)],
        };
        let own = [("beat", self.memory.beats()), ("slice", self.memory.slices)];
        own.into_iter().chain(rows).filter(|(_, count)| *count > 1).collect()
    }

    /// Bits of a slice: of a neuron's word, of its constants, or of its word of a table.
    pub fn slice_bits(&self) -> u32 {
        if let What::Columns { .. } = self.what { PORT_BITS } else { self.memory.bits }
    }

    pub fn address_bits(&self) -> u32 {
        self.fields().iter().map(|(_, count)| index_width(*count)).sum()
    }
}

/// The block behind the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programmer {
    pub name: String,
    pub regions: Vec<Region>,
}

/// Clocks from an accepted request to its acknowledge, where no image is in flight.
pub const CLOCKS: u32 = 8;
/// Steps of an access: when it begins, when it writes, when what was read is there.
const BEGIN: u32 = 2;
const WRITE: u32 = BEGIN + cells::LATENCY;
const READ: u32 = WRITE + 2;

/// Name, width and meaning of a port.
type HostPort = (&'static str, u32, &'static str);

impl Programmer {
    /// Bits of an address below the number of its region.
    pub fn span(&self) -> u32 {
        self.regions.iter().map(Region::address_bits).max().unwrap_or(0)
    }

    /// The host's ports and their widths: those that enter, and those that leave.
    pub fn host_ports() -> ([HostPort; 4], [HostPort; 4]) {
        (
            [
                ("prog_valid_i", 1, "a request"),
                ("prog_write_i", 1, "it writes; else it reads"),
                ("prog_addr_i", PORT_BITS, ""),
                ("prog_data_i", PORT_BITS, "to be written"),
            ],
            [
                ("prog_ready_o", 1, "the request is taken"),
                ("prog_ack_o", 1, "for a clock: it is done"),
                ("prog_data_o", PORT_BITS, "with the acknowledge: what is there now"),
                ("prog_error_o", 1, "with the acknowledge: nothing has this address"),
            ],
        )
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, RtlError> {
        let count = self.regions.len() as u32;
        let (span, region_bits) = (self.span(), index_width(count));
        if count == 0 || span + region_bits > PORT_BITS - 2 {
            return Err(RtlError::Unsupported(format!(
                "the memories of the design take {span} + {region_bits} bits of address; the programming port has {}",
                PORT_BITS - 2
            )));
        }
        let mut files = vec![];
        let mut m = Module::new(&self.name);
        m.doc(
            "Reads and writes the memories of the design for a host. A request is taken, waits until no image is in flight, and is \
             acknowledged with what is at its address then: after a write, read back from the memory. From a request's beginning to \
             its acknowledge no image begins. Where several requests follow each other without a pause, no image begins in between.",
        );
        for (k, r) in self.regions.iter().enumerate() {
            let base = (k as u64) << span;
            let fields: Vec<String> = r.fields().iter().rev().map(|(n, c)| format!("{n} {c}")).collect();
            m.fact(
                &format!("0x{base:08x} {}", r.name),
                format!("{} bits a slice; {}", r.slice_bits(), fields.join(", ")),
            );
        }
        m.latency(&format!("{CLOCKS} clocks from a request to its acknowledge, and the wait for images in flight"));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Host");
        let (ins, outs) = Self::host_ports();
        let noted = |m: &mut Module, e: Expr, note: &str| {
            if !note.is_empty() {
                m.note(note);
            }
            e
        };
        let [valid, write, address, data] = ins.map(|(port, width, note)| {
            let e = m.input(port, width);
            noted(&mut m, e, note)
        });
        let [ready, ack, read, error] = outs.map(|(port, width, note)| {
            let e = m.output(port, width);
            noted(&mut m, e, note)
        });
        m.group("Images");
        let hold = m.output("hold_o", 1);
        m.note("no image may begin");
        let idle = m.input("idle_i", 1);
        m.note("no image is in flight");

        m.section("A request, step by step: 1 waits, 2 to 7 are the access, 8 acknowledges and may take the next one");
        let step = m.reg("step_q", 4);
        let at_step = |n: u32| step.eq(&lit(4, n.into()));
        let waits = m.wire_is("waits", &at_step(1));
        let last = m.wire_is("last_step", &at_step(CLOCKS));
        m.assign(&hold, &step.any());
        let free = m.wire_is("free", &(!step.any() | &last));
        m.assign(&ready, &free);
        let takes = m.wire_is("takes", &(&valid & &free));
        let goes = m.wire_is("goes", &(step.any() & (!&waits | &idle)));
        let (address_q, data_q, write_q) =
            (m.reg("address_q", PORT_BITS), m.reg("data_q", PORT_BITS), m.reg("write_q", 1));
        let after = mux(&last, &lit(4, 0), &(&step + lit(4, 1)));
        m.clocked(
            &clk,
            [
                when_else(
                    &!&rst_n,
                    [set(&step, &lit(4, 0))],
                    [when_else(&takes, [set(&step, &lit(4, 1))], [when(&goes, [set(&step, &after)])])],
                ),
                when(&takes, [set(&address_q, &address), set(&data_q, &data), set(&write_q, &write)]),
            ],
        );
        let access = m.wire_is("access", &step.ge(&lit(4, BEGIN.into())));

        m.section("What has the address");
        let region = m.wire_is("region", &address_q.bits(span, region_bits));
        let above = m.wire_is("above", &address_q.slice(PORT_BITS - 1, span + region_bits));
        let exists = m.wire("exists", count);
        let there = if count.is_power_of_two() && count > 1 {
            exists.at(&region)
        } else {
            exists.at(&region) & region.lt(&lit(region_bits, count.into()))
        };
        let there = m.wire_is("there", &(there & !above.any()));
        let writes = m.wire_is("writes", &(at_step(WRITE) & &write_q & &there));

        let (mut reads, mut flips) = (vec![], vec![]);
        let mut table = None;
        for (k, r) in self.regions.iter().enumerate() {
            m.section(&format!("Region {k}: {}", r.name));
            let select = m.wire_is(&format!("select{k}"), &(&access & region.eq(&lit(region_bits, k as u128))));
            if let What::Columns { .. } = r.what {
                // Its fields are those of the weights, which the cells read.
                let Some((read, table_write, legal)) = table.take() else { continue };
                m.assign(&table_write, &(&select & &writes));
                m.assign(&exists.bit(k as u32), &legal);
                reads.push(read);
                flips.push(lit(PORT_BITS, 0));
                continue;
            }
            let mut lo = 0;
            let mut fields = vec![];
            let mut legal = lit(1, 1);
            for (name, count) in r.fields() {
                let width = index_width(count);
                let e = m.wire_is(&format!("{name}{k}"), &address_q.bits(lo, width));
                if !count.is_power_of_two() {
                    legal = legal & e.lt(&lit(width, count.into()));
                }
                fields.push((name, e));
                lo += width;
            }
            if lo < span {
                legal = legal & !address_q.slice(span - 1, lo).any();
            }
            m.assign(&exists.bit(k as u32), &legal);
            let field = |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, e)| e.clone());
            let port = |name: &str| format!("{}_{name}", r.name);
            m.group(&format!("Memory of {}", r.name));
            let side: Vec<(String, Expr)> = r
                .memory
                .ports()
                .into_iter()
                .map(|(name, width)| {
                    let end = name.trim_start_matches(r.memory.name).trim_start_matches('_').to_string();
                    let e = match end.strip_suffix("_i") {
                        Some(to) => m.output(&port(&format!("{to}_o")), width),
                        None => m.input(&port("read_i"), width),
                    };
                    (end, e)
                })
                .collect();
            let of = |end: &str| side.iter().find(|(n, _)| n == end).map(|(_, e)| e.clone());
            let drive = |m: &mut Module, end: &str, value: &Expr| {
                if let Some(e) = of(end) {
                    m.assign(&e, value);
                }
            };
            drive(&mut m, "select_i", &select);
            drive(&mut m, "write_i", &writes);
            for name in ["slice", "beat"] {
                if let Some(e) = field(name) {
                    drive(&mut m, &format!("{name}_i"), &e);
                }
            }
            let row_bits = index_width(r.memory.rows);
            let mut to_write = data_q.clone();
            let mut flip = lit(PORT_BITS, 0);
            let row = match &r.what {
                What::Weights { groups, words, cells, .. } => {
                    let product = |m: &mut Module, name: &str, e: &Expr, by: u32| {
                        if by == 1 {
                            return e.zext(row_bits);
                        }
                        let product = m.wire_is(name, &e.zext(row_bits).mul(&lit(row_bits, by.into()), 2 * row_bits));
                        m.unused(&format!("unused_{name}"), &[&product.slice(2 * row_bits - 1, row_bits)]);
                        product.bits(0, row_bits)
                    };
                    let mut terms: Vec<Expr> = field("word").map(|e| e.zext(row_bits)).into_iter().collect();
                    terms.extend(field("group").map(|e| product(&mut m, &format!("group_at{k}"), &e, *words)));
                    let depth = groups * words;
                    terms.extend(field("crossbar").map(|e| product(&mut m, &format!("crossbar_at{k}"), &e, depth)));
                    if let Some(cells) = cells {
                        let file = cells.emit()?;
                        let effective = m.wire(&format!("effective{k}"), PORT_BITS);
                        flip = m.wire(&format!("flip{k}"), PORT_BITS);
                        let read = m.wire(&format!("table{k}"), PORT_BITS);
                        let table_write = m.wire(&format!("table_write{k}"), 1);
                        let mut ports = vec![
                            ("clk_i", clk.clone()),
                            ("data_i", data_q.clone()),
                            ("table_write_i", table_write.clone()),
                            ("effective_o", effective.clone()),
                            ("flip_o", flip.clone()),
                            ("table_o", read.clone()),
                        ];
                        let own = |name: &str| file.header().port(name).is_some();
                        let fields = ["crossbar", "group", "slice", "word", "beat"];
                        let names = ["crossbar_i", "group_i", "slice_i", "word_i", "beat_i"];
                        let shared = fields.iter().zip(names).filter(|(_, port)| own(port));
                        ports.extend(shared.filter_map(|(name, port)| Some((port, field(name)?))));
                        let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (*n, e)).collect();
                        m.instance(&format!("u_cells{k}"), file.header(), &ports);
                        files.push(file);
                        let first = ["word", "beat"].into_iter().filter_map(field);
                        let legal = first.fold(legal.clone(), |legal, field| legal & !field.any());
                        table = Some((read, table_write, legal));
                        to_write = effective;
                    }
                    terms.into_iter().reduce(|a, b| a + b).unwrap_or(lit(row_bits, 0))
                }
                _ => field("row").unwrap_or(lit(row_bits, 0)),
            };
            drive(&mut m, "row_i", &row);
            drive(&mut m, "data_i", &to_write);
            reads.extend(of("read_o"));
            flips.push(flip);
        }

        m.section("What is there");
        let all = m.wire_is("all_reads", &cat_lsb_first(&reads));
        let flips = m.wire_is("all_flips", &cat_lsb_first(&flips));
        let read_q = m.reg("read_q", PORT_BITS);
        let value = all.word(&region, PORT_BITS) ^ flips.word(&region, PORT_BITS);
        let value = value & repeat(PORT_BITS, &there);
        m.clocked(&clk, [when(&at_step(READ), [set(&read_q, &value)])]);
        m.assign(&read, &read_q);
        m.assign(&ack, &last);
        m.assign(&error, &(&last & !&there));
        files.push(m.build()?);
        Ok(files)
    }
}

/// The memories of a design as they are put in place, each with wires to the block behind the port.
pub struct Memories {
    /// Whether the design has the port at all.
    on: bool,
    pub regions: Vec<Region>,
    /// What the block is wired to, by its ports' names.
    wires: Vec<(String, Expr)>,
}

impl Memories {
    pub fn new(on: bool) -> Memories {
        Memories { on, regions: vec![], wires: vec![] }
    }

    /// Connections of the memory of `region` in its own block; nothing in a design without the port.
    pub fn connect(&mut self, m: &mut Module, region: Region) -> Vec<(String, Expr)> {
        if !self.on {
            return vec![];
        }
        let mut connections = vec![];
        for (port, width) in region.memory.ports() {
            let end = port.trim_start_matches(region.memory.name).trim_start_matches('_');
            let (signal, other) = match end.strip_suffix("_i") {
                Some(signal) => (signal, format!("{}_{signal}_o", region.name)),
                None => ("read", format!("{}_read_i", region.name)),
            };
            let wire = m.wire(&format!("{}_{signal}", region.name), width);
            self.wires.push((other, wire.clone()));
            connections.push((port, wire));
        }
        let table = match &region.what {
            What::Weights { cells: Some(cells), crossbars, groups, words } => Some(Region {
                name: region.name.replace("weights", "columns"),
                layer: region.layer,
                what: What::Columns { crossbars: *crossbars, groups: *groups, words: *words },
                memory: Writable { name: "columns", ..region.memory.clone() },
                file: cells.columns_file(),
            }),
            _ => None,
        };
        self.regions.push(region);
        self.regions.extend(table);
        connections
    }

    pub fn wires(&self) -> &[(String, Expr)] {
        &self.wires
    }
}
