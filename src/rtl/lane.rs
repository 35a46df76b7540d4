//! One lane of a layer: the activations of one pass and the neurons that read them.

use super::buffer::Buffer;
use super::input::InputBuffer;
use super::pe::{Pe, PeKind};
use super::popcount::Popcount;
use super::scan::delayed;
use super::skew::Skew;
use crate::verilog::{Expr, Module, VerilogError, VerilogFile, index_width, set};

/// Where the lane's activations come from.
#[derive(Clone, Debug)]
pub enum Source {
    Image(InputBuffer),
    Layer(Buffer),
}

/// `count` neurons that share the activations of one pass.
#[derive(Clone, Debug)]
pub struct Lane {
    pub source: Source,
    pub pe: Pe,
    pub count: u32,
    /// One of several: it takes what all of them are given into registers of its own, near to what they drive.
    pub apart: bool,
}

impl Lane {
    /// Clocks from a read address to the count that the accumulators add.
    pub fn count_latency(simd: u32) -> u32 {
        Buffer::LATENCY + Popcount::new(simd).latency()
    }

    pub fn name(&self) -> String {
        let source = match &self.source {
            Source::Image(b) => b.name(),
            Source::Layer(b) => b.name(),
        };
        let kind = if self.pe.kind.sums() { "sum_" } else { "" };
        let apart = if self.apart { "_apart" } else { "" };
        format!("ns_lane_{kind}{}_{}{}{apart}", self.count, source.trim_start_matches("ns_"), self.pe.suffix())
    }

    /// Width of one neuron's result.
    pub fn result_width(&self) -> u32 {
        if self.pe.kind.sums() { self.pe.width() } else { 1 }
    }

    fn masked(&self) -> bool {
        matches!(&self.source, Source::Layer(b) if b.masked)
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let (pe, count) = (&self.pe, self.count);
        let mut files = vec![Popcount::new(pe.simd).emit()?, pe.emit()?];
        let mut m = Module::new(&self.name());
        if self.apart {
            m.keep_apart();
        }
        m.doc("One lane of a layer: the activations of one pass, and the neurons that read them at once.");
        m.fact("neurons at once (pe)", count);
        m.fact("inputs at once (simd)", pe.simd);
        m.latency(&format!(
            "{} clocks from the last read address of a neuron to its result",
            Self::count_latency(pe.simd) + 1 + u32::from(self.apart)
        ));
        m.group("Clock");
        let clk = m.input("clk_i", 1);

        let (buffer, words) = match &self.source {
            Source::Image(b) => (b.emit()?, b.words),
            Source::Layer(b) => (b.emit()?, b.words),
        };
        let mut ports: Vec<(String, Expr)> = vec![("clk_i".into(), clk.clone())];
        m.group("Write activations");
        for port in buffer.header().ports() {
            let name = port.name.as_str();
            if name.starts_with("write") || ["act_i", "live_i", "data_i"].contains(&name) {
                ports.push((name.into(), m.input(name, port.width)));
            }
        }
        m.group("Read a word");
        let from = ports.len();
        for port in buffer.header().ports().iter().filter(|p| p.name.starts_with("read")) {
            ports.push((port.name.clone(), m.input(&port.name, port.width)));
        }
        let read_ports = from..ports.len();
        debug_assert!(words > 0 && index_width(words) > 0);
        m.group("Operands, timed for the population count");
        let weight = m.input("weight_i", count * pe.planes * pe.simd);
        m.note("word p is that of neuron p");
        let clear = m.input("clear_i", 1);
        m.note("last word of the neurons, in the clock of its count, or none");
        let shift = matches!(pe.kind, PeKind::Dense { planes: 2.. } | PeKind::Sum { planes: 2.. })
            .then(|| m.input("shift_i", 1));
        let starts: Vec<(&str, Expr)> = match pe.kind {
            PeKind::Sum { .. } => vec![],
            PeKind::Dense { .. } => vec![("start_i", m.input("start_i", count * pe.width()))],
            PeKind::Masked => {
                let start0 = m.input("start0_i", count * pe.width());
                vec![("start0_i", start0), ("start1_i", m.input("start1_i", count * pe.width()))]
            }
        };
        m.group("Results");
        let result = match pe.kind {
            PeKind::Sum { .. } => m.output("sum_o", count * pe.width()),
            _ => m.output("act_o", count),
        };
        let odd_out = (pe.kind.sums() && self.masked()).then(|| {
            let e = m.output("odd_o", 1);
            m.note("an odd number of inputs was dropped");
            e
        });

        if self.apart {
            m.section("What all lanes are given, one clock later");
        }
        // The register of a port, where the lane has its own.
        let own = |m: &mut Module, port: &str, e: Expr| {
            if !self.apart {
                return e;
            }
            let q = m.reg(&format!("{}_q", port.trim_end_matches("_i")), e.width());
            m.clocked(&clk, [set(&q, &e)]);
            q
        };
        for (name, e) in &mut ports[read_ports] {
            *e = own(&mut m, name, e.clone());
        }
        let weight = own(&mut m, "weight_i", weight);
        let clear = own(&mut m, "clear_i", clear);
        let shift = shift.map(|shift| own(&mut m, "shift_i", shift));
        let starts: Vec<(&str, Expr)> = starts.into_iter().map(|(name, e)| (name, own(&mut m, name, e))).collect();

        let mut rails = vec![];
        for port in ["pos", "neg"] {
            if buffer.header().port(&format!("{port}_o")).is_none() {
                continue;
            }
            let read = m.wire(&format!("{port}_read"), pe.simd);
            ports.push((format!("{port}_o"), read.clone()));
            rails.push((port, read));
        }
        let odd = self.masked().then(|| m.wire("odd_read", 1));
        if let Some(odd) = &odd {
            ports.push(("odd_o".into(), odd.clone()));
        }
        let connected: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (n.as_str(), e)).collect();
        m.instance("u_buffer", buffer.header(), &connected);
        files.push(buffer);

        let skew = Skew::new(pe.simd);
        if let Some(skew) = &skew {
            let file = skew.emit()?;
            for (port, read) in &mut rails {
                let out = m.wire(port, pe.simd);
                m.instance(
                    &format!("u_skew_{port}"),
                    file.header(),
                    &[("clk_i", &clk), ("word_i", read), ("word_o", &out)],
                );
                *read = out;
            }
            files.push(file);
        }
        let odd_in_time = odd.map(|odd| {
            let wait = Self::count_latency(pe.simd) + u32::from(pe.kind.sums());
            delayed(&mut m, &clk, "odd", &odd, wait)
        });

        m.section("Neurons");
        let below = (!pe.kind.sums()).then(|| m.wire("below", count));
        let pe_file = &files[1];
        m.generate_for("g_pe", "p", count, |m, p| {
            let weight_p = weight.word(p, pe.planes * pe.simd);
            let starts_p: Vec<(&str, Expr)> = starts.iter().map(|(n, e)| (*n, e.word(p, pe.width()))).collect();
            let out = match &below {
                Some(below) => below.at(p),
                None => result.word(p, pe.width()),
            };
            let mut ports = vec![("clk_i", &clk), ("clear_i", &clear), ("weight_i", &weight_p)];
            for (port, word) in &rails {
                ports.push((if *port == "pos" { "pos_i" } else { "neg_i" }, word));
            }
            if let Some(shift) = &shift {
                ports.push(("shift_i", shift));
            }
            if let (PeKind::Masked, Some(odd)) = (pe.kind, &odd_in_time) {
                ports.push(("odd_i", odd));
            }
            ports.extend(starts_p.iter().map(|(n, e)| (*n, e)));
            ports.push((if below.is_some() { "below_o" } else { "sum_o" }, &out));
            m.instance("u_pe", pe_file.header(), &ports);
        });
        if let Some(below) = &below {
            m.assign(&result, &!below);
        }
        if let (Some(out), Some(odd)) = (&odd_out, &odd_in_time) {
            m.assign(out, odd);
        }
        files.push(m.build()?);
        Ok(files)
    }
}
