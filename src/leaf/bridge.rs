//! From a rust-hdl block to a Verilog file with a header that instances are checked against.

use crate::random::RandomError;
use crate::verilog::{Direction, Header, Port, VerilogFile, check_name, file_comment};
use rust_hdl_core::ast::Verilog;
use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::block::Block;
use rust_hdl_core::check_error::check_all;
use rust_hdl_core::module_defines::ModuleDefines;
use rust_hdl_core::probe::Probe;
use thiserror::Error;

/// Why a leaf cannot be had.
#[derive(Debug, Error)]
pub enum LeafError {
    #[error("leaf `{leaf}`: {what} of {value} bits; {legal} are supported")]
    Width { leaf: &'static str, what: &'static str, value: u32, legal: &'static str },
    #[error("leaf: {0}")]
    Random(#[from] RandomError),
    #[error("leaf `{leaf}` fails rust-hdl's check: {what}")]
    Check { leaf: String, what: String },
}

/// What the file says about the leaf.
pub(super) struct About {
    pub doc: &'static str,
    pub facts: Vec<(&'static str, String)>,
    pub latency: &'static str,
}

/// Checks `block` and prints it as module `name`.
pub(super) fn leaf<B: Block>(name: &str, mut block: B, about: About) -> Result<VerilogFile, LeafError> {
    block.connect_all();
    check_all(&block).map_err(|e| LeafError::Check { leaf: name.into(), what: format!("{e:?}") })?;
    let mut defines = ModuleDefines::default();
    block.accept(name, &mut defines);
    let mut parts = Parts::default();
    block.accept(name, &mut parts);
    for name in std::iter::once(name).chain(parts.names.iter().map(String::as_str)) {
        check_name(name).map_err(|e| LeafError::Check { leaf: name.into(), what: e.to_string() })?;
    }
    let doc = [about.doc.to_string(), "Written in rust-hdl.".to_string()];
    let facts: Vec<(String, String)> = about.facts.into_iter().map(|(name, value)| (name.into(), value)).collect();
    let comment = file_comment(&doc, &facts, Some(about.latency));
    let body = tidy(&defines.defines(), &parts.processes);
    let text = format!("{comment}\n`default_nettype none\n\n{body}\n`default_nettype wire\n");
    Ok(VerilogFile::new(Header::new(name, vec![], parts.ports), text, vec![], vec![]))
}

/// Ports and names of the block, and the clocked processes of its registers, which rust-hdl does not print.
#[derive(Default)]
struct Parts {
    ports: Vec<Port>,
    names: Vec<String>,
    namespaces: usize,
    processes: Vec<String>,
}

impl Probe for Parts {
    fn visit_start_scope(&mut self, _: &str, _: &dyn Block) {}

    fn visit_start_namespace(&mut self, name: &str, node: &dyn Block) {
        self.namespaces += 1;
        if let Verilog::Custom(process) = node.hdl() {
            self.processes.push(process.replace(super::register::NAME, name));
        }
    }

    fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
        if self.namespaces == 0 {
            self.names.push(name.into());
        }
        let direction = match atom.kind() {
            AtomKind::InputParameter => Direction::Input,
            AtomKind::OutputParameter => Direction::Output,
            _ => return,
        };
        if self.namespaces == 0 {
            self.ports.push(Port { name: name.into(), direction, width: atom.bits() as u32 });
        }
    }

    fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
        self.namespaces -= 1;
    }

    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {}
}

/// rust-hdl's text with `$` out of the names, two spaces a level, plain slices, and the registers' processes.
fn tidy(raw: &str, processes: &[String]) -> String {
    let mut text = String::new();
    for line in raw.trim().lines() {
        let code = line.trim();
        let indent = " ".repeat((line.len() - line.trim_start().len()) / 2);
        // A register's process is on the clock port itself.
        if code.contains("$clock = ") {
            continue;
        }
        if code.starts_with("endmodule") {
            let processes: String = processes.iter().map(|process| format!("  {process}\n")).collect();
            text = format!("{}\n\n{processes}", text.trim_end());
            text = format!("{}\n\nendmodule\n", text.trim_end());
            continue;
        }
        if code.starts_with("else") && text.ends_with("end\n") {
            text.truncate(text.len() - 1);
            text += &format!(" {}\n", plain_slices(&code.replace('$', "_")));
            continue;
        }
        let code = plain_slices(&code.replace('$', "_").replace("  ", " "));
        let code = if code.starts_with("module ") { code.replace(',', ", ") } else { code };
        text += format!("{indent}{code}").trim_end();
        text.push('\n');
    }
    text
}

/// `[(32'h4)+:(16)]`, which is how rust-hdl prints constant slices, as `[19:4]`.
fn plain_slices(line: &str) -> String {
    let Some((before, rest)) = line.split_once("[(32'h") else { return line.into() };
    let slice = rest.split_once(")+:(").and_then(|(low, rest)| {
        let (width, after) = rest.split_once(")]")?;
        let low = u32::from_str_radix(low, 16).ok()?;
        Some((low, width.parse::<u32>().ok()?, after))
    });
    match slice {
        Some((low, width, after)) => format!("{before}[{}:{low}]{}", low + width - 1, plain_slices(after)),
        None => format!("{before}[(32'h{}", plain_slices(rest)),
    }
}
