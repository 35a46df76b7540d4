//! A module seen from outside, and its finished text.

use super::{Expr, Fault, Instances, MemoryUse};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub name: String,
    pub direction: Direction,
    /// In bits, 1 or more.
    pub width: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// A number of this many bits.
    Bits(u32),
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub kind: ParameterKind,
    /// As printed.
    pub default: String,
}

/// Value that an instance gives a parameter.
#[derive(Clone, Debug)]
pub enum Value {
    Bits(Expr),
    Text(String),
}

impl From<Expr> for Value {
    fn from(e: Expr) -> Value {
        Value::Bits(e)
    }
}

impl From<&Expr> for Value {
    fn from(e: &Expr) -> Value {
        Value::Bits(e.clone())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

impl Value {
    /// Text must be printable without escapes.
    pub(super) fn check(&self, of: &str, name: &str) -> Result<(), Fault> {
        match self {
            Value::Text(text) if !text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\') => {
                let what = format!("{text:?} holds a space, quote, backslash or a character outside ASCII");
                Err(Fault::Parameter { of: of.into(), name: name.into(), what })
            }
            _ => Ok(()),
        }
    }
}

/// Name, parameters and ports of a module: what an instance is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    name: String,
    parameters: Vec<Parameter>,
    ports: Vec<Port>,
}

impl Header {
    pub fn new(name: &str, parameters: Vec<Parameter>, ports: Vec<Port>) -> Header {
        Header { name: name.into(), parameters, ports }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    pub fn ports(&self) -> &[Port] {
        &self.ports
    }

    pub fn port(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.name == name)
    }

    fn no_such<'a>(&self, what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Fault {
        let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        Fault::NoSuch { of: self.name.clone(), what, name: name.into(), known }
    }

    pub(super) fn check_parameter(&self, name: &str, value: &Value) -> Result<(), Fault> {
        let Some(parameter) = self.parameters.iter().find(|p| p.name == name) else {
            return Err(self.no_such("parameter", name, self.parameters.iter().map(|p| p.name.as_str())));
        };
        let fault = |what| Err(Fault::Parameter { of: self.name.clone(), name: name.into(), what });
        match (parameter.kind, value) {
            (ParameterKind::Bits(width), Value::Bits(e)) if e.width() != width => {
                fault(format!("it has {width} bits, but `{}` has {}", e.short(), e.width()))
            }
            (ParameterKind::Bits(_), Value::Text(text)) => fault(format!("\"{text}\" is text, it takes a number")),
            (ParameterKind::Text, Value::Bits(e)) => fault(format!("`{}` is a number, it takes text", e.short())),
            _ => value.check(&self.name, name),
        }
    }

    /// Every port once, and nothing else.
    pub(super) fn check_ports(&self, connections: &[(&str, &Expr)]) -> Result<(), Fault> {
        if let Some((name, _)) = connections.iter().find(|(name, _)| self.port(name).is_none()) {
            return Err(self.no_such("port", name, self.ports.iter().map(|p| p.name.as_str())));
        }
        for port in &self.ports {
            let of = || self.name.clone();
            match connections.iter().filter(|(name, _)| *name == port.name).count() {
                0 => return Err(Fault::Unconnected { of: of(), port: port.name.clone() }),
                1 => {}
                _ => return Err(Fault::ConnectedTwice { of: of(), port: port.name.clone() }),
            }
        }
        Ok(())
    }

    pub(super) fn check_width(&self, port: &Port, value: &Expr) -> Result<(), Fault> {
        if port.width == value.width() {
            return Ok(());
        }
        Err(Fault::Port {
            of: self.name.clone(),
            port: port.name.clone(),
            port_width: port.width,
            value: value.short(),
            value_width: value.width(),
        })
    }
}

/// A finished module: the text of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerilogFile {
    header: Header,
    text: String,
    submodules: Vec<String>,
    memory_files: Vec<String>,
    memories: Vec<MemoryUse>,
    instances: Instances,
}

impl VerilogFile {
    /// `submodules` and `memory_files` are what the text instantiates and reads.
    pub fn new(header: Header, text: String, submodules: Vec<String>, memory_files: Vec<String>) -> VerilogFile {
        VerilogFile { header, text, submodules, memory_files, memories: vec![], instances: vec![] }
    }

    /// The same with its memories and instances.
    pub(super) fn holding(self, (memories, instances): (Vec<MemoryUse>, Instances)) -> VerilogFile {
        VerilogFile { memories, instances, ..self }
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    pub fn name(&self) -> &str {
        self.header.name()
    }

    /// The module's name with `.v`, as tools expect it.
    pub fn file_name(&self) -> String {
        format!("{}.v", self.name())
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names of the modules that it instantiates, each once.
    pub fn submodules(&self) -> &[String] {
        &self.submodules
    }

    /// Files that its memories are read from, as named in the text. Files named by parameters are not among them.
    pub fn memory_files(&self) -> &[String] {
        &self.memory_files
    }

    /// Its memories, in the order of declaration.
    pub fn memories(&self) -> &[MemoryUse] {
        &self.memories
    }

    /// The modules that it instantiates and how often; a module may come more than once.
    pub fn instances(&self) -> &[(String, u32)] {
        &self.instances
    }
}
