//! What a finished module holds, for those who count it: its memories with their ports, and its instances.

use super::expr::{Expr, Kind};
use super::memory::{Contents, Memory};
use super::module::Item;
use super::stmt::{self, Stmt};
use std::collections::BTreeSet;

/// A memory of a module, and how the module uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    pub name: String,
    /// Bits of a word.
    pub width: u32,
    /// Number of words.
    pub depth: u32,
    /// What `ram_style` asks for.
    pub style: Option<&'static str>,
    /// The file of its contents at the start.
    pub file: Option<String>,
    /// Copies in an instance of the module: more than one within a `generate`.
    pub times: u32,
    pub written: bool,
    /// Different addresses that are read.
    pub reads: u32,
    /// Whether every word that is read goes straight into a register.
    pub registered: bool,
    /// Whether the address that is written is read, too: one port does both.
    pub reads_where_written: bool,
}

/// Instances of a module: its name and how many.
pub type Instances = Vec<(String, u32)>;

/// The memories and instances among the items of a module.
pub(super) fn of(items: &[Item]) -> (Vec<MemoryUse>, Instances) {
    let mut found = Found::default();
    found.items(items, 1);
    let memories = found.memories.iter().map(|(memory, times)| found.used(memory, *times)).collect();
    (memories, found.instances)
}

#[derive(Default)]
struct Found {
    memories: Vec<(Memory, u32)>,
    instances: Instances,
    reads: Vec<Access>,
    writes: Vec<Access>,
}

/// Name of the memory, address, and whether the word goes into a register as it is.
struct Access {
    memory: String,
    address: String,
    registered: bool,
}

impl Found {
    fn used(&self, memory: &Memory, times: u32) -> MemoryUse {
        let mine = |access: &&Access| access.memory == memory.name();
        let reads: BTreeSet<&str> = self.reads.iter().filter(mine).map(|access| access.address.as_str()).collect();
        let writes: BTreeSet<&str> = self.writes.iter().filter(mine).map(|access| access.address.as_str()).collect();
        MemoryUse {
            name: memory.name().into(),
            width: memory.width(),
            depth: memory.depth(),
            style: memory.style(),
            file: match memory.contents() {
                Contents::File(file) => Some(file.clone()),
                Contents::Parameter(_) | Contents::Undefined => None,
            },
            times,
            written: !writes.is_empty(),
            reads: reads.len() as u32,
            registered: self.reads.iter().filter(mine).all(|access| access.registered),
            reads_where_written: !reads.is_disjoint(&writes),
        }
    }

    fn items(&mut self, items: &[Item], times: u32) {
        for item in items {
            match item {
                Item::Memory { memory, .. } => self.memories.push((memory.clone(), times)),
                Item::Net { value: Some(value), .. } => self.value(value, false),
                Item::Assign(target, value) => {
                    self.target(target);
                    self.value(value, false);
                }
                Item::Clocked(_, body) => self.statements(body, true),
                Item::Combinational(body) => self.statements(body, false),
                Item::Instance { of, ports, .. } => {
                    self.instances.push((of.clone(), times));
                    ports.iter().for_each(|(_, value)| self.value(value, false));
                }
                Item::Generate { count, items, .. } => self.items(items, times * count),
                Item::Unused { values, .. } => values.iter().for_each(|value| self.value(value, false)),
                Item::Net { value: None, .. } | Item::Blank | Item::Comment(_) | Item::Section(_) => {}
            }
        }
    }

    fn statements(&mut self, body: &[Stmt], clocked: bool) {
        for statement in body {
            match &statement.0 {
                stmt::Kind::Set(target, value) => {
                    self.target(target);
                    let into_memory = matches!(target.kind(), Kind::Word(..));
                    self.value(value, clocked && !into_memory);
                }
                stmt::Kind::If(condition, then, other) => {
                    self.value(condition, false);
                    self.statements(then, clocked);
                    self.statements(other, clocked);
                }
                stmt::Kind::Case(selector, items, default) => {
                    self.value(selector, false);
                    items.iter().for_each(|(_, body)| self.statements(body, clocked));
                    self.statements(default, clocked);
                }
                stmt::Kind::Comment(_) => {}
            }
        }
    }

    /// What is assigned to: words of memories are written, and addresses read.
    fn target(&mut self, target: &Expr) {
        match target.kind() {
            Kind::Cat(parts) => parts.iter().for_each(|part| self.target(part)),
            Kind::Slice(base, ..) => self.target(base),
            Kind::Part(base, index, _) => {
                self.target(base);
                self.value(index, false);
            }
            Kind::Word(memory, address) => {
                self.writes.push(Access { memory: memory.clone(), address: address.to_string(), registered: false });
                self.value(address, false);
            }
            _ => {}
        }
    }

    /// What is read; `registered` where it goes into a register as it is.
    fn value(&mut self, value: &Expr, registered: bool) {
        match value.kind() {
            Kind::Word(memory, address) => {
                self.reads.push(Access { memory: memory.clone(), address: address.to_string(), registered });
                self.value(address, false);
            }
            Kind::Slice(base, ..) => self.value(base, registered),
            Kind::Not(e) | Kind::Negate(e) | Kind::Reduce(_, e) | Kind::Shift(_, e, _) | Kind::Repeat(_, e) => {
                self.value(e, false);
            }
            Kind::Binary(_, a, b) | Kind::Part(a, b, _) => [a, b].into_iter().for_each(|e| self.value(e, false)),
            Kind::Mux(c, a, b) => [c, a, b].into_iter().for_each(|e| self.value(e, false)),
            Kind::Cat(parts) => parts.iter().for_each(|part| self.value(part, registered)),
            Kind::Name(_) | Kind::Genvar(..) | Kind::Literal(_) => {}
        }
    }
}
