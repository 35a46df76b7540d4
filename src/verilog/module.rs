//! Building a module item by item.

use super::expr::Expr;
use super::header::{Direction, ParameterKind};
use super::memory::Contents;
use super::print;
use super::scope::{Driver, Scope, What};
use super::stmt::Stmt;
use super::usage;
use super::{Fault, Header, Memory, Parameter, Port, Value, VerilogError, VerilogFile, check_name};

/// A Verilog module under construction. Items are printed in the order in which they are added.
///
/// Nothing here fails: the first fault is kept, and [`Module::build`] returns it.
pub struct Module {
    pub(super) name: String,
    pub(super) doc: Vec<String>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) latency: Option<String>,
    /// It stays a module of its own in synthesis.
    pub(super) apart: bool,
    pub(super) parameters: Vec<(Parameter, Option<String>)>,
    pub(super) ports: Vec<PortItem>,
    pub(super) items: Vec<Item>,
    /// Item lists of the `generate` blocks that are open, outermost first.
    pub(super) outer: Vec<Vec<Item>>,
    pub(super) scope: Scope,
    first_fault: Option<(String, Fault)>,
    pub(super) faults: usize,
    pub(super) submodules: Vec<String>,
    memory_files: Vec<String>,
    pub(super) last: Last,
}

/// What [`Module::note`] speaks of.
pub(super) enum Last {
    Nothing,
    Port,
    Parameter,
    Item,
}

pub(super) enum PortItem {
    Group(String),
    Port { port: Port, reg: bool, note: Option<String>, attributes: Vec<String> },
}

pub(super) enum Item {
    Blank,
    Comment(String),
    Section(String),
    /// `wire`, `reg` or `localparam`, with its value.
    Net {
        keyword: &'static str,
        name: String,
        width: u32,
        value: Option<Expr>,
        note: Option<String>,
    },
    Memory {
        memory: Memory,
        note: Option<String>,
    },
    Assign(Expr, Expr),
    Clocked(Expr, Vec<Stmt>),
    Combinational(Vec<Stmt>),
    Instance {
        of: String,
        name: String,
        parameters: Vec<(String, Value)>,
        ports: Vec<(String, Expr)>,
    },
    Generate {
        label: String,
        variable: String,
        count: u32,
        items: Vec<Item>,
    },
    Unused {
        name: String,
        values: Vec<Expr>,
    },
}

impl Module {
    pub fn new(name: &str) -> Module {
        let mut m = Module {
            name: name.into(),
            doc: vec![],
            facts: vec![],
            latency: None,
            apart: false,
            parameters: vec![],
            ports: vec![],
            items: vec![],
            outer: vec![],
            scope: Scope::default(),
            first_fault: None,
            faults: 0,
            submodules: vec![],
            memory_files: vec![],
            last: Last::Nothing,
        };
        m.check("module name", check_name(name));
        m
    }

    pub(super) fn check(&mut self, place: &str, result: Result<(), Fault>) -> bool {
        match result {
            Ok(()) => true,
            Err(fault) => {
                self.faults += 1;
                self.first_fault.get_or_insert_with(|| (place.into(), fault));
                false
            }
        }
    }

    // The header comment of the file.

    /// A paragraph that says what the module computes; several calls give several paragraphs. Wrapped when printed.
    pub fn doc(&mut self, paragraph: &str) {
        self.doc.push(paragraph.into());
    }

    /// A line `name = value` among the parameters in the header comment: what the text was generated for.
    pub fn fact(&mut self, name: &str, value: impl ToString) {
        self.facts.push((name.into(), value.to_string()));
    }

    /// The line `Latency: …` of the header comment.
    pub fn latency(&mut self, text: &str) {
        self.latency = Some(text.into());
    }

    // Parameters and ports.

    /// A Verilog parameter as wide as its default value, which instances may override.
    pub fn parameter(&mut self, name: &str, default: &Expr) -> Expr {
        let place = format!("parameter `{name}`");
        let read = self.scope.read(default);
        self.check(&place, read);
        let kind = ParameterKind::Bits(default.width());
        self.push_parameter(name, kind, default.to_string());
        self.declare(&place, name, What::Constant, default.width())
    }

    /// A parameter that holds text: the name of a memory file, see [`Memory::file_parameter`].
    pub fn text_parameter(&mut self, name: &str, default: &str) {
        let place = format!("parameter `{name}`");
        let legal = Value::Text(default.into()).check(&self.name, name);
        self.check(&place, legal);
        self.push_parameter(name, ParameterKind::Text, format!("\"{default}\""));
        self.declare(&place, name, What::Constant, 1);
    }

    fn push_parameter(&mut self, name: &str, kind: ParameterKind, default: String) {
        self.parameters.push((Parameter { name: name.into(), kind, default }, None));
        self.last = Last::Parameter;
    }

    /// A comment over the ports that follow.
    pub fn group(&mut self, title: &str) {
        self.ports.push(PortItem::Group(title.into()));
    }

    pub fn input(&mut self, name: &str, width: u32) -> Expr {
        self.port(name, width, What::Input)
    }

    /// An output that `assign` or an instance drives.
    pub fn output(&mut self, name: &str, width: u32) -> Expr {
        self.port(name, width, What::OutputWire)
    }

    /// An output that a process drives.
    pub fn output_reg(&mut self, name: &str, width: u32) -> Expr {
        self.port(name, width, What::OutputReg)
    }

    fn port(&mut self, name: &str, width: u32, what: What) -> Expr {
        let direction = if what == What::Input { Direction::Input } else { Direction::Output };
        let port = Port { name: name.into(), direction, width };
        self.ports.push(PortItem::Port { port, reg: what == What::OutputReg, note: None, attributes: vec![] });
        self.last = Last::Port;
        self.declare(&format!("port `{name}`"), name, what, width)
    }

    /// Synthesis leaves the module as it is instead of merging it into those around it: `(* keep_hierarchy = "yes" *)`. So registers of its
    /// instances that always hold the same stay apart, each near what it drives.
    pub fn keep_apart(&mut self) {
        self.apart = true;
    }

    /// An attribute of the port declared last, for tools that read it: `(* text *)`.
    pub fn attribute(&mut self, text: &str) {
        if let Some(PortItem::Port { attributes, .. }) = self.ports.last_mut() {
            attributes.push(text.into());
        }
    }

    fn declare(&mut self, place: &str, name: &str, what: What, width: u32) -> Expr {
        let declared = self.scope.declare(name, what, width);
        self.check(place, declared);
        let e = Expr::name(name, width);
        let fault = e.fault().cloned().map_or(Ok(()), Err);
        self.check(place, fault);
        e
    }

    /// A trailing comment on the port, parameter, net or memory declared last.
    pub fn note(&mut self, text: &str) {
        let slot = match self.last {
            Last::Port => self.ports.last_mut().and_then(|p| match p {
                PortItem::Port { note, .. } => Some(note),
                PortItem::Group(_) => None,
            }),
            Last::Parameter => self.parameters.last_mut().map(|(_, note)| note),
            Last::Item => self.items.last_mut().and_then(|item| match item {
                Item::Net { note, .. } | Item::Memory { note, .. } => Some(note),
                _ => None,
            }),
            Last::Nothing => None,
        };
        match slot {
            Some(slot) => *slot = Some(text.into()),
            None => self.comment(text),
        }
    }

    // Declarations.

    pub fn wire(&mut self, name: &str, width: u32) -> Expr {
        self.net("wire", name, width, What::Wire, None)
    }

    pub fn reg(&mut self, name: &str, width: u32) -> Expr {
        self.net("reg", name, width, What::Reg, None)
    }

    /// A wire with its value: `wire [7:0] name = value;`.
    pub fn wire_is(&mut self, name: &str, value: &Expr) -> Expr {
        let e = self.net("wire", name, value.width(), What::Wire, Some(value));
        if value.fault().is_none() {
            let place = format!("wire `{name}`");
            let number = self.scope.driver(&place);
            let driven = self.scope.drive(&e, Driver::Continuous, number);
            self.check(&place, driven);
        }
        e
    }

    /// A named constant.
    pub fn localparam(&mut self, name: &str, value: &Expr) -> Expr {
        self.net("localparam", name, value.width(), What::Constant, Some(value))
    }

    fn net(&mut self, keyword: &'static str, name: &str, width: u32, what: What, value: Option<&Expr>) -> Expr {
        let place = format!("{keyword} `{name}`");
        if let Some(value) = value {
            let read = self.scope.read(value);
            self.check(&place, read);
        }
        self.push(Item::Net { keyword, name: name.into(), width, value: value.cloned(), note: None });
        self.declare(&place, name, what, width)
    }

    /// Declares a memory and hands it back for use.
    pub fn memory(&mut self, memory: Memory) -> Memory {
        let place = format!("memory `{}`", memory.name());
        let (width, depth) = (memory.width(), memory.depth());
        self.declare(&place, memory.name(), What::Memory, width);
        if depth == 0 {
            self.check(&place, Err(Fault::Width { expression: memory.name().into(), width: 0 }));
        }
        let contents = match memory.contents() {
            Contents::Undefined => Ok(()),
            Contents::File(file) => {
                self.memory_files.push(file.clone());
                Value::Text(file.clone()).check(&self.name, memory.name())
            }
            Contents::Parameter(name) => self.scope.mark_read(name),
        };
        self.check(&place, contents);
        if !matches!(memory.contents(), Contents::Undefined) {
            self.scope.initialised(memory.name());
        }
        self.push(Item::Memory { memory: memory.clone(), note: None });
        memory
    }

    // Comments.

    /// A comment line (wrapped when long) before the next item.
    pub fn comment(&mut self, text: &str) {
        self.push(Item::Comment(text.into()));
    }

    /// A heading within the module.
    pub fn section(&mut self, title: &str) {
        self.push(Item::Section(title.into()));
    }

    pub fn blank(&mut self) {
        self.push(Item::Blank);
    }

    pub(super) fn push(&mut self, item: Item) {
        self.items.push(item);
        self.last = Last::Item;
    }

    // The result.

    /// What an instance needs to know.
    pub fn header(&self) -> Header {
        let ports = self.ports.iter().filter_map(|item| match item {
            PortItem::Port { port, .. } => Some(port.clone()),
            PortItem::Group(_) => None,
        });
        let parameters = self.parameters.iter().map(|(parameter, _)| parameter.clone());
        Header::new(&self.name, parameters.collect(), ports.collect())
    }

    /// Checks what can be checked at the end only, and prints the module.
    ///
    /// # Errors
    /// The first fault found while the module was built, or a net that is not driven or not read.
    pub fn build(mut self) -> Result<VerilogFile, VerilogError> {
        if self.first_fault.is_none() {
            for fault in self.scope.loose_ends() {
                self.check("at the end", Err(fault));
            }
        }
        if let Some((place, fault)) = self.first_fault {
            return Err(VerilogError { module: self.name, place, fault: fault.into(), others: self.faults - 1 });
        }
        let text = print::module(&self);
        let holds = usage::of(&self.items);
        Ok(VerilogFile::new(self.header(), text, self.submodules, self.memory_files).holding(holds))
    }
}
